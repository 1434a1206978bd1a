import { change, percent } from "../format";
import { has, t } from "../i18n";
import type { Result } from "../types";

/** What a result says, in one of four ways. Colour follows only when the interval excludes zero. */
export type Verdict = "up" | "down" | "unclear" | "none";

export function verdict(r: Result): Verdict {
  if (!r.figure) return "none";
  if (r.figure.low > 0) return "up";
  if (r.figure.high < 0) return "down";
  return "unclear";
}

export function VerdictChip({ result, id }: { result: Result; id: string }) {
  const v = verdict(result);
  return (
    <span class={`verdict ${v}`} data-testid={id} data-verdict={v}>
      <span aria-hidden="true">{{ up: "▲", down: "▼", unclear: "◆", none: "○" }[v]}</span> {t(result.reason === "srm_failed" ? "verdict.broken" : `verdict.${v}`)}
    </span>
  );
}

/** Why there is no figure, in words. */
export function reasonText(r: Result): string {
  const key = `reason.${r.reason ?? "not_finite"}`;
  return has(key) ? t(key, { treatment: r.n_treatment, control: r.n_control }) : t("reason.not_finite");
}

/** The half-width of an axis that shows all results: a round number, between 2 % and 100 %. */
export function reach(results: Result[]): number {
  const most = Math.max(0.02, ...results.flatMap((r) => (r.figure ? [Math.abs(r.figure.low), Math.abs(r.figure.high)] : [])));
  return [0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1].find((w) => w >= Math.min(most, 1)) ?? 1;
}

/** One interval on an axis from -reach to +reach with a line at zero. What lies outside is cut off, with an arrow. */
export function IntervalBar({ result, width }: { result: Result; width: number }) {
  const f = result.figure;
  const at = (v: number) => `${(50 + (Math.max(-width, Math.min(width, v)) / width) * 50).toFixed(2)}%`;
  if (!f) return <div class="interval empty"><span class="zero" /></div>;
  const cut = f.low < -width || f.high > width;
  return (
    <div class={`interval ${verdict(result)}`} role="img" aria-label={t("effect.interval", { level: percent(result.level, 0), low: change(f.low), high: change(f.high) })}>
      <span class="zero" />
      <span class={`band${cut ? " cut" : ""}`} style={{ insetInlineStart: at(f.low), insetInlineEnd: `calc(100% - ${at(f.high)})` }} />
      <span class="point" style={{ insetInlineStart: at(f.estimate) }} />
    </div>
  );
}

/** The axis under the bars. */
export function IntervalAxis({ width }: { width: number }) {
  return (
    <div class="interval-axis" aria-hidden="true">
      {[-width, -width / 2, 0, width / 2, width].map((v) => (
        <span key={v}>{v === 0 ? "0" : change(v)}</span>
      ))}
    </div>
  );
}
