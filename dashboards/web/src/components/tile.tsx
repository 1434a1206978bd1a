import type { ComponentChildren } from "preact";
import { asOf as since } from "../format";

type Props = {
  id: string;
  label: string;
  value: string;
  raw?: number; // the exact value, for those who read the page by program
  unit?: string;
  note: ComponentChildren; // what the value is of
  asOf: number;
  children?: ComponentChildren; // the sparkline or bar
  tone?: "warn" | "bad";
};

/** One figure with its unit, what it is of, and when it is from. */
export function Tile({ id, label, value, raw, unit, note, asOf, children, tone }: Props) {
  return (
    <section class={`tile${tone ? ` ${tone}` : ""}`} aria-labelledby={`${id}-label`}>
      <h2 id={`${id}-label`}>{label}</h2>
      <p class="value">
        <strong data-testid={id} data-value={raw}>{value}</strong>
        {unit && <span class="unit">{unit}</span>}
      </p>
      <div class="trend">{children}</div>
      <p class="note">{note}</p>
      <p class="asof">{since(asOf)}</p>
    </section>
  );
}
