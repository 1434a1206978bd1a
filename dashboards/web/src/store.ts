import { computed, signal } from "@preact/signals";
import type { CampaignRow, Delta, Detail, Series, Snapshot } from "./types";

/** The state of the page Now as it is shown; null before the first event. */
export const now = signal<Snapshot | null>(null);
/** The campaign page as it is shown. */
export const detail = signal<Detail | null>(null);
export const connected = signal(false);
export const paused = signal(false);
/** When the last event came, by performance.now(). */
export const heardAt = signal(0);

export const currency = computed(() => now.value?.currency ?? "EUR");
export const zone = computed(() => now.value?.zone && now.value.zone !== "Local" ? now.value.zone : "");

// What came while the page was paused, shown when it goes on.
let latest: Snapshot | null = null;
let latestDetail: Detail | null = null;

export function takeSnapshot(s: Snapshot) {
  latest = s;
  heard();
}

export function takeDelta(d: Delta) {
  if (!latest) return;
  latest = merge(latest, d);
  heard();
}

export function takeDetail(d: Detail) {
  latestDetail = d;
  if (!paused.value) detail.value = d;
}

/** Forgets the shown campaign when another one is opened. */
export function clearDetail() {
  latestDetail = null;
  detail.value = null;
}

function heard() {
  heardAt.value = performance.now();
  if (!paused.value) now.value = latest;
}

export function togglePause() {
  paused.value = !paused.value;
  if (!paused.value) {
    now.value = latest;
    detail.value = latestDetail;
  }
}

/** merge lays a change over a state; neither is changed. */
export function merge(s: Snapshot, d: Delta): Snapshot {
  const { series, campaigns, order, ...rest } = d;
  const next = { ...s, ...rest } as Snapshot;
  if (series) next.series = mergeSeries(s.series, series);
  if (campaigns || order) next.campaigns = mergeRows(s.campaigns ?? [], campaigns ?? [], order);
  return next;
}

function mergeRows(rows: CampaignRow[], changed: CampaignRow[], order?: string[]): CampaignRow[] {
  const byID = new Map(rows.map((r) => [r.id, r]));
  for (const r of changed) byID.set(r.id, r);
  return (order ?? rows.map((r) => r.id)).flatMap((id) => byID.get(id) ?? []);
}

/** Writes the tail over the old steps and keeps the old length, so that the window moves on. */
function mergeSeries(old: Series, tail: Series): Series {
  if (old.step_ms !== tail.step_ms || old.receipts.length === 0) return tail;
  const keep = Math.round((tail.from_ms - old.from_ms) / old.step_ms);
  if (keep < 0 || keep > old.receipts.length) return tail;
  const drop = Math.max(0, keep + tail.receipts.length - old.receipts.length);
  const join = (a: number[], b: number[]) => [...a.slice(drop, keep), ...b];
  return {
    step_ms: old.step_ms,
    from_ms: old.from_ms + drop * old.step_ms,
    receipts: join(old.receipts, tail.receipts),
    members: join(old.members, tail.members),
    rejected: join(old.rejected, tail.rejected),
    granted_minor: join(old.granted_minor, tail.granted_minor),
    lag_ms: join(old.lag_ms, tail.lag_ms),
  };
}
