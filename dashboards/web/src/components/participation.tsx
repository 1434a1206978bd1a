import { asOf, count, percent, points } from "../format";
import { t } from "../i18n";
import type { Detail, Result } from "../types";
import { reasonText, VerdictChip } from "./interval";
import { Meter } from "./meter";

/** Participation with its three denominators, and beside it what would have happened anyway. */
export function ParticipationCard({ d }: { d: Detail }) {
  const f = d.rates.eligible.figure;
  return (
    <section class="card participation" aria-labelledby="participation-title">
      <div class="card-head">
        <h2 id="participation-title">{t("part.title")}</h2>
        <p class="quiet">{asOf(d.as_of_ms)}</p>
      </div>
      <p class="headline"><strong data-testid="participation-rate" data-value={f?.estimate}>{f ? percent(f.estimate) : "–"}</strong> <span class="unit">{t("part.unit")}</span></p>
      <p class="quiet">{f ? t("part.interval", interval(d.rates.eligible)) : reasonText(d.rates.eligible)}</p>
      <table class="rates">
        <caption class="hidden">{t("part.title")}</caption>
        <tbody>
          <Rate label={t("part.eligible")} hint={t("part.eligible.hint")} r={d.rates.eligible} k={d.rates.participants} />
          <Rate label={t("part.active")} hint={t("part.active.hint")} r={d.rates.active} k={d.rates.participants} />
          <Rate label={t("part.all")} hint={t("part.all.hint")} r={d.rates.all} k={d.rates.participants} />
        </tbody>
      </table>
      <Incremental d={d} />
    </section>
  );
}

const interval = (r: Result) => ({ level: percent(r.level, 0), low: percent(r.figure!.low), high: percent(r.figure!.high) });

function Rate({ label, hint, r, k }: { label: string; hint: string; r: Result; k: number }) {
  const f = r.figure;
  return (
    <tr>
      <th scope="row">{label}<small>{hint}</small></th>
      <td class="bar-cell">{f && <Meter share={f.estimate} />}</td>
      <td class="num"><b>{f ? percent(f.estimate) : "–"}</b><small>{t("part.of", { k: count(k), n: count(r.n_treatment) })}</small>{f && <small>{t("part.range", interval(r))}</small>}</td>
    </tr>
  );
}

/** The holdout earned nothing, but its receipts were evaluated: who would have taken part without the campaign. */
function Incremental({ d }: { d: Detail }) {
  const ghost = d.rates.ghost.figure, inc = d.rates.incremental;
  if (d.split.state === "none") return null;
  return (
    <div class="note-box">
      <p class="note-head"><b>{t("part.incremental")}</b> <VerdictChip result={inc} id="incremental-verdict" /></p>
      <p>{inc.figure && ghost
        ? t("part.incremental.text", { ghost: percent(ghost.estimate), n: count(d.rates.ghost.n_treatment), points: points(inc.figure.estimate), low: points(inc.figure.low), high: points(inc.figure.high), level: percent(inc.level, 0) })
        : reasonText(inc)}</p>
    </div>
  );
}
