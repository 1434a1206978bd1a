import { compact, count, percent } from "../format";
import { has, t } from "../i18n";
import type { Detail } from "../types";

const rewarded = ["AWARDED", "CAPPED"];
/** These say nothing about a chance that was missed. */
const aside = ["REVERSED", "HELD_OUT", "NO_ORIGINAL"];

/** From the receipts that the campaign looked at to those it rewarded, and why the others were not. */
export function Outcomes({ d }: { d: Detail }) {
  const rows = d.outcomes ?? [];
  const sum = (keep: (outcome: string) => boolean) => rows.filter((r) => keep(r.outcome)).reduce((a, r) => a + r.receipts, 0);
  const looked = sum((o) => !aside.includes(o)), taken = sum((o) => rewarded.includes(o)), known = looked - sum((o) => o === "NO_ACCOUNT");
  const missed = rows.filter((r) => !rewarded.includes(r.outcome) && !aside.includes(r.outcome) && r.receipts > 0).sort((a, b) => b.receipts - a.receipts);
  const held = sum((o) => o === "HELD_OUT");
  const most = missed[0]?.receipts ?? 1;
  return (
    <section class="card outcomes" aria-labelledby="outcomes-title">
      <div class="card-head">
        <h2 id="outcomes-title">{t("out.title")}</h2>
        <p class="quiet">{t("out.note")}</p>
      </div>
      {looked === 0 ? <p class="empty-note">{t("out.none")}</p> : (
        <>
          <ol class="funnel">
            <Stage name={t("out.looked")} n={looked} of={looked} />
            <Stage name={t("out.known")} n={known} of={looked} />
            <Stage name={t("out.rewarded")} n={taken} of={looked} />
          </ol>
          {looked > taken && <h3>{t("out.missed", { n: count(looked - taken), share: percent((looked - taken) / looked, 0) })}</h3>}
          <ul class="reasons">
            {missed.map((r) => (
              <li key={r.outcome}>
                <span class="why">{has(`outcome.${r.outcome}`) ? t(`outcome.${r.outcome}`) : r.outcome}</span>
                <span class="reason-bar" aria-hidden="true"><span style={{ inlineSize: `${((r.receipts / most) * 100).toFixed(1)}%` }} /></span>
                <span class="num"><b>{count(r.receipts)}</b> <small>{percent(r.receipts / looked, 0)}</small></span>
              </li>
            ))}
          </ul>
          {held > 0 && <p class="fine">{t("out.held", { n: count(held) })}</p>}
        </>
      )}
    </section>
  );
}

function Stage({ name, n, of }: { name: string; n: number; of: number }) {
  return (
    <li>
      <span class="stage-bar" style={{ inlineSize: `${Math.max(2, (n / of) * 100).toFixed(1)}%` }} aria-hidden="true" />
      <span class="stage-text"><b>{compact(n)}</b> {name} <small>{percent(n / of, 0)}</small></span>
    </li>
  );
}
