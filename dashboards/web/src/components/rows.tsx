import { amount, compactAmount, count, days, number, percent, timeOfDay } from "../format";
import { pick, t } from "../i18n";
import { toCampaign } from "../route";
import type { CampaignRow } from "../types";
import { Meter } from "./meter";

/** The campaigns, one row each; a row leads to its page. */
export function CampaignRows({ rows }: { rows: CampaignRow[] }) {
  const read = rows.flatMap((r) => r.participation?.as_of_ms ?? []);
  return (
    <section class="card" aria-labelledby="campaigns-title">
      <div class="card-head">
        <h2 id="campaigns-title">{t("campaigns.title")}</h2>
        <p class="quiet">{read.length ? t("campaigns.note", { time: timeOfDay(Math.min(...read)) }) : t("campaigns.note.unread")}</p>
      </div>
      {rows.length === 0 ? <p class="empty-note">{t("campaigns.none")}</p> : <ul class="rows">{rows.map((r) => <Row key={r.id} r={r} />)}</ul>}
    </section>
  );
}

function Row({ r }: { r: CampaignRow }) {
  return (
    <li class={`row ${r.status}`} data-testid={`campaign-${r.id}`}>
      <div class="row-name">
        <a href={toCampaign(r.id)}>{pick(r.name)}</a>
        <p class="quiet"><Status status={r.status} /> <span>{period(r)}</span></p>
      </div>
      <Participation r={r} />
      <div class="row-cell">
        <p class="row-label">{t("row.granted")}</p>
        <p class="row-value" data-testid={`campaign-${r.id}-granted`} data-value={r.granted_minor}>{amount(r.granted_minor, r.wallet)}</p>
        <p class="quiet">{t("row.rewarded", { count: r.rewarded, n: count(r.rewarded) })}</p>
      </div>
      <Spent r={r} />
    </li>
  );
}

export function Status({ status }: { status: CampaignRow["status"] }) {
  return <span class={`status ${status}`}>{t(`status.${status}`)}</span>;
}

/** First and last day; a campaign without an end has only the first. */
export function period(r: CampaignRow): string {
  return r.to_ms ? days(r.from_ms, r.to_ms - 1, r.tz) : t("row.from", { day: days(r.from_ms, r.from_ms, r.tz) });
}

function Participation({ r }: { r: CampaignRow }) {
  const p = r.participation, f = p?.rate.figure;
  return (
    <div class="row-cell">
      <p class="row-label">{t("row.participation")}</p>
      {p && f ? (
        <>
          <p class="row-value">{percent(f.estimate)} <Meter share={f.estimate} /></p>
          <p class="quiet">{t("row.members", { n: count(p.participants), of: count(p.eligible), half: number(Math.max(f.high - f.estimate, f.estimate - f.low) * 100, 1) })}</p>
        </>
      ) : (
        <>
          <p class="row-value">–</p>
          <p class="quiet">{t(r.status === "scheduled" ? "row.not_started" : "row.counting")}</p>
        </>
      )}
    </div>
  );
}

function Spent({ r }: { r: CampaignRow }) {
  const net = r.granted_minor - r.reversed_minor;
  const share = r.budget_minor ? net / r.budget_minor : 0;
  return (
    <div class="row-cell">
      <p class="row-label">{t("row.budget")}</p>
      {r.budget_minor ? (
        <>
          <p class="row-value">{percent(share, 0)} <Meter share={share} tone={share > 1 ? "bad" : share > 0.9 ? "warn" : "accent"} /></p>
          <p class="quiet">{t("row.of", { total: compactAmount(r.budget_minor, r.wallet) })}</p>
        </>
      ) : (
        <>
          <p class="row-value">–</p>
          <p class="quiet">{t("row.no_budget")}</p>
        </>
      )}
    </div>
  );
}
