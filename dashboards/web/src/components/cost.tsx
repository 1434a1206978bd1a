import { useMemo } from "preact/hooks";
import { amount, asOf, compact, compactAmount, compactMoney, count, dayOrHour, dayTime, percent } from "../format";
import { t } from "../i18n";
import { funderName } from "../pages/campaign";
import { zone } from "../store";
import type { CampaignRow, Detail } from "../types";
import { Meter } from "./meter";
import { Plot, type Line } from "./plot";

/** What the campaign has cost, who pays, and how fast the budget goes. The two sums move live; the rest is refreshed with the page. */
export function CostCard({ d, live }: { d: Detail; live?: CampaignRow | undefined }) {
  const granted = live?.granted_minor ?? d.cost.granted_minor, reversed = live?.reversed_minor ?? d.cost.reversed_minor;
  const net = granted - reversed, budget = d.row.budget_minor;
  const rewarded = live?.rewarded ?? d.cost.receipts;
  return (
    <section class="card cost" aria-labelledby="cost-title">
      <div class="card-head">
        <h2 id="cost-title">{t("cost.title")}</h2>
        <p class="quiet">{asOf(d.cost.as_of_ms)}</p>
      </div>
      <dl class="sums">
        <Sum name={t("cost.granted")} value={amount(granted, d.row.wallet)} note={t("cost.granted.note", { count: rewarded, n: count(rewarded) })} id="cost-granted" raw={granted} />
        <Sum name={t("cost.reversed")} value={amount(reversed, d.row.wallet)} note={t("cost.reversed.note")} id="cost-reversed" raw={reversed} />
        <Sum name={t("cost.net")} value={amount(net, d.row.wallet)} note={budget ? t("cost.net.note", { share: percent(net / budget), total: compactAmount(budget, d.row.wallet) }) : t("row.no_budget")} id="cost-net" raw={net} />
      </dl>
      <Funders d={d} />
      <Burn d={d} />
    </section>
  );
}

function Sum({ name, value, note, id, raw }: { name: string; value: string; note: string; id: string; raw: number }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd><strong data-testid={id} data-value={raw}>{value}</strong><small>{note}</small></dd>
    </div>
  );
}

function Funders({ d }: { d: Detail }) {
  const rows = d.cost.funders ?? [];
  const sum = rows.reduce((a, f) => a + Math.max(0, f.net_minor), 0);
  if (rows.length === 0) return null;
  return (
    <table class="rates funders">
      <caption>{t("cost.funders")}</caption>
      <tbody>
        {rows.map((f) => (
          <tr key={f.party}>
            <th scope="row">{funderName(f.party)}</th>
            <td class="bar-cell"><Meter share={sum ? f.net_minor / sum : 0} tone="quiet" /></td>
            <td class="num"><b>{amount(f.net_minor, d.row.wallet)}</b></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Burn({ d }: { d: Detail }) {
  const at = d.cost.burn.at_ms ?? [], net = d.cost.burn.net_minor ?? [];
  const budget = d.row.budget_minor;
  // Objects of this page are new every two seconds; the chart is only written again when a figure moved.
  const stamp = `${d.id} ${at.length} ${at.at(-1)} ${net.at(-1)}`;
  const data = useMemo((): [number[], ...(number | null)[][]] => {
    const x = at.map((ms) => ms / 1000);
    return budget ? [x, net, x.map(() => budget)] : [x, net];
  }, [stamp, budget]);
  if (at.length === 0) return <p class="empty-note">{t(d.unavailable?.some((u) => u.block === "cost") ? "asof.none" : "burn.none")}</p>;
  const last = net.at(-1) ?? 0;
  const format = (v: number) => amount(v, d.row.wallet);
  const lines: Line[] = [{ label: t("burn.line"), token: "--accent", fill: true, format }];
  if (budget) lines.push({ label: t("burn.budget"), token: "--ink-3", dashed: true, format });
  const caption = budget
    ? t("burn.caption", { net: amount(last, d.row.wallet), share: percent(last / budget), total: compactAmount(budget, d.row.wallet), at: dayTime(at.at(-1)!) })
    : t("burn.caption.free", { net: amount(last, d.row.wallet), at: dayTime(at.at(-1)!) });
  return (
    <Plot title={t("burn.title")} caption={caption} lines={lines} data={data} axis={(v) => (d.row.wallet ? compact(v / 100) : compactMoney(v))} at={(x) => dayTime(x * 1000)} tick={(x) => dayOrHour(x * 1000)} zone={zone.value}
      height={200} tableEvery={Math.max(1, Math.floor(at.length / 48))} />
  );
}
