import type { ComponentChildren } from "preact";
import { asOf, change, count, money, number, percent } from "../format";
import { t } from "../i18n";
import type { Detail, Effect, Result } from "../types";
import { IntervalAxis, IntervalBar, reach, reasonText, VerdictChip } from "./interval";

/** What the campaign changes: one row per outcome, all on one axis. */
export function EffectCard({ d }: { d: Detail }) {
  const all = [d.spend.relative, d.visits.relative, d.traffic.uplift];
  const width = reach(all);
  return (
    <section class="card effect" aria-labelledby="effect-title">
      <div class="card-head">
        <h2 id="effect-title">{t("effect.title")}</h2>
        <p class="quiet">{asOf(d.as_of_ms)}</p>
      </div>
      <div class="effects">
        <Row id="spend" title={t("effect.spend")} hint={t("effect.spend.hint")} r={d.spend.relative} width={width} design={t("design.randomised")}>
          {means(d.spend, money)}
        </Row>
        <Row id="visits" title={t("effect.visits")} hint={t("effect.visits.hint")} r={d.visits.relative} width={width} design={t("design.randomised")}>
          {means(d.visits, (v) => number(v, 2))}
        </Row>
        <Row id="traffic" title={t("effect.traffic")} hint={t("effect.traffic.hint")} r={d.traffic.uplift} width={width} design={t("design.observational")}>
          {traffic(d)}
        </Row>
        <IntervalAxis width={width} />
      </div>
      <Split d={d} />
      <p class="fine">{t("effect.foot", { level: percent(d.spend.relative.level, 0) })}</p>
    </section>
  );
}

type RowProps = { id: string; title: string; hint: string; r: Result; width: number; design: string; children: ComponentChildren };

function Row({ id, title, hint, r, width, design, children }: RowProps) {
  const f = r.figure;
  return (
    <div class="effect-row" data-testid={`effect-${id}`}>
      <div class="effect-name">
        <h3>{title}</h3>
        <p class="quiet">{hint} · {design}</p>
        <VerdictChip result={r} id={`verdict-${id}`} />
      </div>
      <strong class="effect-value">{f ? change(f.estimate) : "–"}</strong>
      <IntervalBar result={r} width={width} />
      <p class="effect-note quiet">{f ? <>{t("effect.range", { level: percent(r.level, 0), low: change(f.low), high: change(f.high) })} · {children}</> : <>{reasonText(r)} {children}</>}</p>
    </div>
  );
}

function means(e: Effect, format: (v: number) => string): ComponentChildren {
  const r = e.relative;
  if (r.n_treatment === 0 || r.n_control === 0 || r.reason === "srm_failed") return null;
  return t("effect.means", { treatment: format(e.treatment_mean), nt: count(r.n_treatment), control: format(e.control_mean), nc: count(r.n_control) });
}

function traffic(d: Detail): ComponentChildren {
  const u = d.traffic.uplift;
  if (u.n_treatment + u.n_control === 0) return null;
  const n = t("effect.stores", { nt: count(u.n_treatment), nc: count(u.n_control), during: d.traffic.during_days, before: d.traffic.before_days });
  return u.figure?.min_detectable ? `${n} · ${t("effect.mde", { mde: percent(u.figure.min_detectable) })}` : n;
}

/** Whether the arms have the sizes that the draw promised. */
function Split({ d }: { d: Detail }) {
  const s = d.split;
  return (
    <p class={`split-state ${s.state}`} data-testid="srm" data-state={s.state}>
      <span aria-hidden="true">{s.state === "ok" ? "✓" : s.state === "failed" ? "✕" : "•"}</span>{" "}
      {t(`srm.${s.state || "too_few"}`, { planned: percent(s.planned), observed: percent(s.observed, 2), nt: count(s.n_treatment), nc: count(s.n_control), p: s.p < 0.001 ? `< ${number(0.001, 3)}` : `= ${number(s.p, 3)}` })}
    </p>
  );
}
