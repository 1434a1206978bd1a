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

/** Adds up the steps in groups, the last group whole. */
export function groups(values: number[], size: number, fold: "sum" | "max" = "sum"): number[] {
  const out: number[] = [];
  for (let end = values.length; end >= size; end -= size) {
    const part = values.slice(end - size, end);
    out.unshift(fold === "sum" ? part.reduce((a, b) => a + b, 0) : Math.max(...part));
  }
  return out;
}
