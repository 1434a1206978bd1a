import { lang, pick, t } from "../i18n";
import { campaignID, toCampaign, toNow } from "../route";
import { remember } from "../settings";
import { now } from "../store";
import { nextTheme, theme } from "../theme";
import { Pill } from "./pill";

/** The top bar of every page. */
export function Bar() {
  return (
    <header class="bar">
      <div class="bar-in">
        <a class="brand" href={toNow} aria-label={t("nav.home")}>
          <Mark />
          <span>Cagnotte</span>
        </a>
        <nav aria-label={t("nav.label")}>
          <a href={toNow} aria-current={campaignID.value ? undefined : "page"}>{t("nav.now")}</a>
          <Campaigns />
        </nav>
        <div class="tools">
          <Pill />
          <button class="tool" type="button" onClick={nextTheme} aria-label={`${t("theme.label")}: ${t(`theme.${theme.value}`)}`} title={t(`theme.${theme.value}`)}>
            <ThemeIcon />
          </button>
          <Languages />
        </div>
      </div>
    </header>
  );
}

/** A plain select: works with every keyboard and screen reader, and holds a hundred campaigns. */
function Campaigns() {
  const rows = now.value?.campaigns ?? [];
  if (rows.length === 0) return null;
  const id = campaignID.value;
  return (
    <label class={`jump${id ? " here" : ""}`}>
      <span class="hidden">{t("nav.campaigns")}</span>
      <select value={id ?? ""} onChange={(e) => (location.hash = e.currentTarget.value ? toCampaign(e.currentTarget.value) : toNow)} data-testid="campaign-select">
        <option value="">{t("nav.campaigns")}</option>
        {rows.map((r) => <option key={r.id} value={r.id}>{pick(r.name)}</option>)}
      </select>
    </label>
  );
}

function Languages() {
  const choose = (l: "fr" | "en") => () => {
    lang.value = l;
    remember("lang", l);
  };
  return (
    <div class="langs" role="group" aria-label={t("lang.label")}>
      {(["fr", "en"] as const).map((l) => (
        <button key={l} type="button" lang={l} aria-pressed={lang.value === l} aria-label={l === "fr" ? "Français" : "English"} onClick={choose(l)}>{l.toUpperCase()}</button>
      ))}
    </div>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--mark)" />
      <path d="M22.4 11.2a8 8 0 1 0 0 9.6" fill="none" stroke="#fff" stroke-width="3.4" stroke-linecap="round" />
      <circle cx="22.6" cy="16" r="2.5" fill="#f3c969" />
    </svg>
  );
}

function ThemeIcon() {
  const half = "M10 3a7 7 0 0 0 0 14z";
  const sun = "M10 6.2a3.8 3.8 0 1 0 0 7.6 3.8 3.8 0 0 0 0-7.6zM10 1.6v2M10 16.4v2M1.6 10h2M16.4 10h2M4 4l1.5 1.5M14.500 14.500 16 16M4 16l1.500-1.500M14.500 5.500 16 4";
  const moon = "M16.800 12.200A7 7 0 0 1 7.800 3.200a7 7 0 1 0 9 9z";
  return (
    <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">
      {theme.value === "auto" && <><circle cx="10" cy="10" r="7" /><path d={half} fill="currentColor" /></>}
      {theme.value === "light" && <path d={sun} />}
      {theme.value === "dark" && <path d={moon} />}
    </svg>
  );
}
