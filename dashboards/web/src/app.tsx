import { useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Bar } from "./components/bar";
import { lang, pick, t } from "./i18n";
import { CampaignPage } from "./pages/campaign";
import { NowPage } from "./pages/now";
import { campaignID } from "./route";
import { detail, togglePause } from "./store";
import { listen } from "./stream";

export function App() {
  useSignalEffect(() => listen(campaignID.value));
  useSignalEffect(() => {
    const page = detail.value && !detail.value.unknown && campaignID.value ? pick(detail.value.row.name) : t("nav.now");
    document.title = `${page} · Cagnotte`;
  });
  useEffect(() => {
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return (
    <>
      <a class="skip" href="#content" onClick={skip}>{t("nav.skip")}</a>
      <Bar />
      <main id="content" tabIndex={-1} key={lang.value}>
        {campaignID.value ? <CampaignPage /> : <NowPage />}
      </main>
    </>
  );
}

/** Moves the focus without touching the address, which is the router's. */
function skip(e: Event) {
  e.preventDefault();
  document.getElementById("content")?.focus();
}

/** Space pauses, unless it means something where the focus is. */
function onKey(e: KeyboardEvent) {
  if (e.key !== " " || e.ctrlKey || e.metaKey || e.altKey) return;
  if ((e.target as Element).closest("a, button, input, select, textarea, summary, [role=slider], .plot")) return;
  e.preventDefault();
  togglePause();
}
