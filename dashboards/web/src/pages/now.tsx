import { useComputed } from "@preact/signals";
import { Letters } from "../components/letters";
import { Meter } from "../components/meter";
import { Plot, type Line } from "../components/plot";
import { CampaignRows } from "../components/rows";
import { groups, lead, recent, Spark } from "../components/spark";
import { Tile } from "../components/tile";
import { amount, and, compactMoney, count, duration, fullDay, hourMinute, money, percent, roundMoney, timeOfDay } from "../format";
import { t } from "../i18n";
import { now, zone } from "../store";
import type { CampaignRow, Series, Snapshot } from "../types";

/** What happens in the network right now. */
export function NowPage() {
  const s = now.value;
  if (!s) return <p class="waiting" role="status">{t("waiting")}</p>;
  return (
    <>
      <header class="page-head">
        <h1>{t("now.title")}</h1>
        <p>{t("now.sub", { day: fullDay(s.now_ms), count: s.minute.shops, n: count(s.minute.shops) })}</p>
      </header>
      <Tiles s={s} />
      <RateChart s={s} />
      <div class="split">
        <CampaignRows rows={s.campaigns ?? []} />
        <Letters letters={s.dead_letters} now={s.now_ms} />
      </div>
      <footer class="foot">{t("now.foot", { since: hourMinute(s.today.since_ms), currency: s.currency, zone: zone.value || Intl.DateTimeFormat().resolvedOptions().timeZone })}</footer>
    </>
  );
}

function Tiles({ s }: { s: Snapshot }) {
  const series = recent(s.series);
  const size = isShort(series) ? 3 : 12; // half minutes, or two minutes
  const grouped = (values: number[], fold?: "max") => groups(series, values, size, fold);
  const receipts = grouped(series.receipts);
  const shares = grouped(series.members).map((m, i) => ratio(m, receipts[i] ?? 0));
  const spent = ratio(s.budget.spent_minor, s.budget.total_minor);
  const partial = s.today.complete ? "" : ` ${t("now.partial")}`;
  return (
    <div class="tiles">
      <Tile id="receipts-per-minute" label={t("tile.rate")} value={count(s.minute.receipts)} raw={s.minute.receipts} unit={t("unit.per_minute")} asOf={s.as_of_ms}
        note={<><b data-testid="receipts-total" data-value={s.today.receipts}>{count(s.today.receipts)}</b> {t("tile.rate.note")}{partial}</>}><Spark values={receipts} /></Tile>
      <Tile id="members-share" label={t("tile.members")} value={s.today.receipts ? percent(ratio(s.today.members, s.today.receipts)) : "–"} raw={s.today.members} unit={t("unit.of_receipts")} asOf={s.as_of_ms}
        note={t("tile.members.note", { members: count(s.today.members) }) + partial}><Spark values={shares} /></Tile>
      <Tile id="granted-total" label={t("tile.granted")} value={money(s.today.granted_minor)} raw={s.today.granted_minor} asOf={s.as_of_ms}
        note={t("tile.granted.note", { reversed: money(s.today.reversed_minor) }) + partial + otherWallets(s.campaigns ?? [])}><Spark values={grouped(series.granted_minor)} /></Tile>
      <Tile id="budget-spent" label={t("tile.budget")} value={s.budget.total_minor ? percent(spent) : "–"} raw={s.budget.spent_minor} unit={s.budget.total_minor ? t("unit.spent") : undefined} asOf={s.as_of_ms}
        note={s.budget.total_minor ? t("tile.budget.note", { left: roundMoney(s.budget.total_minor - s.budget.spent_minor), total: compactMoney(s.budget.total_minor), count: s.budget.campaigns, n: count(s.budget.campaigns) }) : t("tile.budget.none")}
        tone={spent > 1 ? "bad" : spent > 0.9 ? "warn" : undefined}><Meter share={spent} tone={spent > 1 ? "bad" : spent > 0.9 ? "warn" : "accent"} /></Tile>
      <Tile id="rejected-total" label={t("tile.rejected")} value={count(s.today.rejected)} raw={s.today.rejected} unit={t("unit.receipts")} asOf={s.as_of_ms}
        note={t("tile.rejected.note", { share: percent(ratio(s.today.rejected, s.today.receipts + s.today.rejected), 2), duplicates: count(s.today.duplicates) }) + partial}><Spark values={grouped(series.rejected)} tone="warn" /></Tile>
      <Tile id="lag" label={t("tile.lag")} value={duration(s.lag.seconds)} raw={s.lag.records} asOf={s.lag.as_of_ms} tone={s.lag.seconds > 30 ? "bad" : s.lag.seconds > 5 ? "warn" : undefined}
        note={t("tile.lag.note", { count: s.lag.records, n: count(s.lag.records) })}><Spark values={grouped(series.lag_ms, "max")} tone="quiet" /></Tile>
    </div>
  );
}

/** What campaigns have given into other wallets, such as points: it is no money and in none of the sums above. */
function otherWallets(rows: CampaignRow[]): string {
  const sums = new Map<string, number>();
  for (const r of rows) if (r.wallet) sums.set(r.wallet, (sums.get(r.wallet) ?? 0) + r.granted_minor - r.reversed_minor);
  return sums.size ? `; ${t("tile.granted.wallets", { sums: and([...sums].map(([wallet, minor]) => amount(minor, wallet))) })}` : "";
}

const ratio = (a: number, b: number) => (b > 0 ? a / b : 0);

/** Whether there is so little history that single steps are worth showing. */
const isShort = (s: Series) => s.receipts.length * s.step_ms <= 15 * 60_000;

/** Steps that a point of the chart adds up: over an hour, ten seconds alone show the noise of single tills. */
const smoothing = (s: Series) => (isShort(s) ? 1 : 3);

/** Receipts per minute over the last hour. */
function RateChart({ s }: { s: Snapshot }) {
  const data = useComputed((): [number[], number[], number[]] => {
    const series = recent(now.value!.series);
    const size = smoothing(series), step = series.step_ms * size, scale = 60_000 / step;
    const receipts = groups(series, series.receipts, size), members = groups(series, series.members, size);
    const from = series.from_ms + lead(series, size) * series.step_ms;
    return [receipts.map((_, i) => (from + i * step) / 1000), receipts.map((n) => n * scale), members.map((n) => n * scale)];
  });
  const perMinute = (v: number) => `${count(v)} ${t("unit.per_minute")}`;
  const lines: Line[] = [
    { label: t("chart.all"), token: "--accent", fill: true, format: perMinute },
    { label: t("chart.members"), token: "--second", format: perMinute },
  ];
  return (
    <section class="card">
      <Plot title={t("chart.title")} caption={caption(s)} lines={lines} data={data.value} axis={(v) => count(v)}
        at={(x) => timeOfDay(x * 1000)} tick={(x) => (x % 60 ? timeOfDay(x * 1000) : hourMinute(x * 1000))} zone={zone.value} height={270} tableEvery={2} />
    </section>
  );
}

/** The chart in a sentence: level, peak and trend. */
function caption(s: Snapshot): string {
  const series = recent(s.series);
  const size = smoothing(series), step_ms = series.step_ms * size, scale = 60_000 / step_ms;
  const receipts = groups(series, series.receipts, size);
  const from_ms = series.from_ms + lead(series, size) * series.step_ms;
  const seen = receipts.findIndex((n) => n > 0);
  if (seen < 0) return t("chart.caption.none");
  const part = receipts.slice(seen);
  const mean = (part.reduce((a, b) => a + b, 0) / part.length) * scale;
  const top = Math.max(...part);
  const peak = from_ms + (seen + part.indexOf(top)) * step_ms;
  return t("chart.caption", {
    minutes: Math.max(1, Math.round((part.length * step_ms) / 60_000)), mean: count(mean), peak: count(top * scale), at: timeOfDay(peak), now: count(s.minute.receipts),
  });
}
