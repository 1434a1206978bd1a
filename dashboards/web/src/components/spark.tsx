import type { Series } from "../types";

/** A small line without axes. The value beside it says what it is, so it is hidden from screen readers. */
export function Spark({ values, tone = "accent" }: { values: number[]; tone?: "accent" | "warn" | "quiet" }) {
  const w = 160, h = 34, pad = 2;
  if (values.length < 2) return <svg class="spark" viewBox={`0 0 ${w} ${h}`} aria-hidden="true" />;
  const top = Math.max(...values), bottom = Math.min(...values, top > 0 ? top * 0.6 : 0);
  const y = (v: number) => (top === bottom ? h - pad : h - pad - ((v - bottom) / (top - bottom)) * (h - 2 * pad));
  const x = (i: number) => (i / (values.length - 1)) * w;
  const line = values.map((v, i) => `${i ? "L" : "M"}${x(i).toFixed(1)} ${y(v).toFixed(1)}`).join("");
  return (
    <svg class={`spark ${tone}`} viewBox={`0 0 ${w} ${h}`} preserveAspectRatio="none" aria-hidden="true">
      <path class="fill" d={`${line}L${w} ${h}L0 ${h}Z`} />
      <path class="line" d={line} vector-effect="non-scaling-stroke" />
    </svg>
  );
}

/** How many steps come before the first group, so that groups begin at round times and a point keeps its value once it is whole. */
export const lead = (s: Series, size: number) => (size - ((s.from_ms / s.step_ms) % size)) % size;

/** The part of the hour that has receipts, five minutes at least: who has just begun sees more than the end of an empty hour. */
export function recent(s: Series): Series {
  const seen = s.receipts.findIndex((n) => n > 0);
  const n = s.receipts.length, least = (5 * 60_000) / s.step_ms;
  const from = seen < 0 ? 0 : Math.max(0, Math.min(seen, n - least));
  const cut = (values: number[]) => values.slice(from);
  return {
    step_ms: s.step_ms, from_ms: s.from_ms + from * s.step_ms, receipts: cut(s.receipts), members: cut(s.members), rejected: cut(s.rejected),
    granted_minor: cut(s.granted_minor), lag_ms: cut(s.lag_ms),
  };
}

/** Adds up the steps of a series in whole groups that begin at round times. */
export function groups(s: Series, values: number[], size: number, fold: "sum" | "max" = "sum"): number[] {
  const out: number[] = [];
  for (let i = lead(s, size); i + size <= values.length; i += size) {
    const part = values.slice(i, i + size);
    out.push(fold === "sum" ? part.reduce((a, b) => a + b, 0) : Math.max(...part));
  }
  return out;
}
