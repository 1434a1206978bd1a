import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { duration, timeOfDay } from "../format";
import { t } from "../i18n";
import { connected, heardAt, now, paused, togglePause } from "../store";

/** Something is sent at least every five seconds; silence for longer means that the line is broken. */
const silentAfter = 12_000;
/** Backlog older than this is called late. */
const lateSeconds = 5;

type State = "live" | "late" | "paused" | "offline" | "starting";

/** Says how far behind the page is, and pauses it. */
export function Pill() {
  const tick = useSignal(0);
  useEffect(() => {
    const id = setInterval(() => tick.value++, 1000);
    return () => clearInterval(id);
  }, []);
  void tick.value;
  const state = stateNow();
  return (
    <button class={`pill ${state}`} type="button" aria-pressed={state === "paused"} onClick={togglePause} title={t("pill.hint")} data-testid="live-pill" data-state={state}>
      <span class="dot" aria-hidden="true" />
      <span>{words(state)}</span>
    </button>
  );
}

function stateNow(): State {
  const s = now.value;
  if (paused.value) return "paused";
  if (!s) return "starting";
  if (!connected.value || performance.now() - heardAt.value > silentAfter) return "offline";
  if (s.starting) return "starting";
  return s.lag.seconds > lateSeconds ? "late" : "live";
}

function words(state: State): string {
  const s = now.value;
  switch (state) {
    case "live":
      return t("pill.live", { behind: duration((s?.behind_ms ?? 0) / 1000) });
    case "late":
      return t("pill.late", { behind: duration(s?.lag.seconds ?? 0) });
    case "paused":
      return s ? t("pill.paused", { at: timeOfDay(s.now_ms) }) : t("pill.starting");
    default:
      return t(`pill.${state}`);
  }
}
