import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { t } from "../i18n";
import { colour, paint } from "../theme";

export type Line = {
  label: string;
  token: string; // of the colour
  fill?: boolean;
  dashed?: boolean;
  format: (v: number) => string;
};

type Props = {
  title: string;
  caption: string; // what the chart says, in a sentence
  lines: Line[];
  data: [number[], ...(number | null)[][]]; // seconds, then one list per line
  axis: (v: number) => string;
  at: (seconds: number) => string; // an instant in words
  tick: (seconds: number) => string; // an instant on the axis
  zone: string; // IANA, empty for the browser's: where the axis puts its round hours
  height?: number;
  tableEvery?: number; // one table row for so many points
  children?: ComponentChildren; // stands right of the title
};

/** A chart that everybody can read: a figure with a caption that says what is in it, a table, and a cursor that the arrow keys move. */
export function Plot(p: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [cursor, setCursor] = useState<number | null>(null);
  const latest = useRef(p);
  latest.current = p;
  const painted = paint.value;

  useEffect(() => {
    const el = box.current!;
    const u = new uPlot(options(latest, el, setCursor), p.data as uPlot.AlignedData, el);
    plot.current = u;
    const resize = new ResizeObserver(() => u.setSize({ width: el.clientWidth, height: p.height ?? 260 }));
    resize.observe(el);
    return () => {
      resize.disconnect();
      u.destroy();
    };
  }, [painted, p.lines.length]);

  useEffect(() => plot.current?.setData(p.data as uPlot.AlignedData), [p.data]);

  const last = p.data[0].length - 1;
  const shown = cursor === null || cursor > last ? null : cursor;
  return (
    <figure class="chart">
      <div class="chart-head">
        <h2>{p.title}</h2>
        {p.children}
      </div>
      <figcaption>{p.caption}</figcaption>
      <Legend lines={p.lines} data={p.data} at={p.at} cursor={shown} />
      <div ref={box} class="plot" tabIndex={0} role="slider" aria-label={t("chart.cursor", { title: p.title })} aria-orientation="horizontal"
        aria-valuemin={0} aria-valuemax={Math.max(0, last)} aria-valuenow={shown ?? last} aria-valuetext={shown === null ? t("chart.keys") : reading(p, shown)}
        onKeyDown={(e) => move(e, plot.current, last, shown, setCursor)} onBlur={() => { setCursor(null); plot.current?.setCursor({ left: -10, top: -10 }); }} />
      <Table {...p} />
    </figure>
  );
}

/** All values of one instant in words, for the slider's reading. */
function reading(p: Props, i: number): string {
  const values = p.lines.map((l, n) => `${l.label} ${text(l, p.data[n + 1]?.[i])}`);
  return `${p.at(p.data[0][i]!)}: ${values.join(", ")}`;
}

const text = (l: Line, v: number | null | undefined) => (v === null || v === undefined ? "–" : l.format(v));

function move(e: KeyboardEvent, u: uPlot | null, last: number, from: number | null, set: (i: number) => void) {
  const step: Record<string, number> = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 10, PageDown: -10, Home: -1e9, End: 1e9 };
  const by = step[e.key];
  if (by === undefined || !u || last < 0) return;
  e.preventDefault();
  const i = Math.min(last, Math.max(0, (from ?? last + 1) + by));
  set(i);
  u.setCursor({ left: u.valToPos(u.data[0][i]!, "x"), top: u.bbox.height / 3 / devicePixelRatio });
}

function Legend({ lines, data, at, cursor }: { lines: Line[]; data: Props["data"]; at: Props["at"]; cursor: number | null }) {
  return (
    <ul class="legend" aria-hidden="true">
      {lines.map((l, i) => (
        <li key={l.label}>
          <span class={`key${l.dashed ? " dashed" : ""}`} style={{ color: `var(${l.token})` }} />
          {l.label}
          {cursor !== null && <b>{text(l, data[i + 1]?.[cursor])}</b>}
        </li>
      ))}
      {cursor !== null && <li class="when">{at(data[0][cursor]!)}</li>}
    </ul>
  );
}

function Table({ title, lines, data, at, tableEvery = 1 }: Props) {
  const [open, setOpen] = useState(false);
  const rows: number[] = [];
  if (open) for (let i = data[0].length - 1; i >= 0; i -= tableEvery) rows.push(i);
  return (
    <details class="table" onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>{t("chart.table")}</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label={title}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t("chart.time")}</th>
              {lines.map((l) => <th scope="col" key={l.label}>{l.label}</th>)}
            </tr>
          </thead>
          <tbody>
            {rows.map((i) => (
              <tr key={data[0][i]}>
                <th scope="row">{at(data[0][i]!)}</th>
                {lines.map((l, n) => <td key={l.label}>{text(l, data[n + 1]?.[i])}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

type Ref = { current: Props };

function options(p: Ref, el: HTMLElement, setCursor: (i: number | null) => void): uPlot.Options {
  const ink = colour("--ink-3"), grid = colour("--line");
  const font = '12px "Inter Variable", system-ui, sans-serif';
  const axis = { stroke: ink, font, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
  return {
    width: el.clientWidth, height: p.current.height ?? 260,
    padding: [12, 20, 0, 0],
    ...(p.current.zone ? { tzDate: (s: number) => uPlot.tzDate(new Date(s * 1000), p.current.zone) } : {}),
    legend: { show: false },
    cursor: { y: false, points: { size: 8, width: 2 }, drag: { x: false, y: false } },
    scales: { x: { time: true }, y: { range: (_u, _lo, hi) => [0, Math.max(1, hi) * 1.08] } },
    axes: [
      { ...axis, grid: { show: false }, gap: 8, size: 32, space: 90, values: (_u, ticks) => ticks.map((s) => p.current.tick(s)) },
      { ...axis, gap: 8, size: 58, space: 44, values: (_u, ticks) => ticks.map((v) => p.current.axis(v)) },
    ],
    series: [{}, ...p.current.lines.map(series)],
    hooks: {
      setCursor: [(u) => { if (document.activeElement !== el || u.cursor.event) setCursor(u.cursor.idx ?? null); }],
    },
  };
}

function series(l: Line): uPlot.Series {
  const stroke = colour(l.token);
  return {
    label: l.label, stroke, width: l.dashed ? 1.5 : 2, points: { show: false },
    ...(l.dashed ? { dash: [5, 4] } : {}),
    ...(l.fill ? { fill: (u: uPlot) => fade(u, stroke) } : {}),
  };
}

/** The line's colour, fading towards the axis. */
function fade(u: uPlot, stroke: string): CanvasGradient | string {
  const { top, height } = u.bbox;
  if (!Number.isFinite(top + height) || height <= 0) return "transparent";
  const g = u.ctx.createLinearGradient(0, top, 0, top + height);
  g.addColorStop(0, alpha(stroke, 0.22));
  g.addColorStop(1, alpha(stroke, 0.01));
  return g;
}

function alpha(rgb: string, a: number): string {
  const parts = rgb.match(/[\d.]+/g) ?? ["0", "0", "0"];
  return `rgba(${parts.slice(0, 3).join(",")},${a})`;
}
