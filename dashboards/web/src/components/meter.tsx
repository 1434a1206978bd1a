const pct = (f: number) => `${Math.min(100, Math.max(0, f * 100)).toFixed(2)}%`;

type Props = { share: number; tone?: "accent" | "warn" | "bad" | "quiet" };

/** A share of something as a bar. Its number always stands beside it in words. */
export function Meter({ share, tone = "accent" }: Props) {
  return (
    <span class={`meter ${tone}`} aria-hidden="true">
      {share > 0 && <span class="full" style={{ inlineSize: pct(share) }} />}
    </span>
  );
}
