import { and, plainMoney, count, percent, weekday } from "./format";
import { has, lang, t } from "./i18n";
import type { Rule } from "./types";

/** The campaign's rule as one sentence in the reader's language. */
export function sentence(r: Rule): string {
  if (r.words) return r.words[lang.value];
  const main = [reward(r), products(r), except(r), conditions(r), where(r), when(r)].filter(Boolean);
  const rest = [limits(r), spendable(r)].filter(Boolean);
  return `${[main.join(" ").replaceAll(" ,", ","), ...rest].join(t("rule.join"))}.`;
}

function reward(r: Rule): string {
  if (r.percent_ppm) return t("rule.percent", { percent: plainPercent(r.percent_ppm) });
  if (r.fixed_minor) return t("rule.fixed", { amount: plainMoney(r.fixed_minor) });
  if (r.per_unit_minor) return t("rule.per_unit", { amount: plainMoney(r.per_unit_minor) });
  const steps = (r.ladder ?? []).map((s) => t("rule.rung", { get: plainMoney(s.get_minor), spend: plainMoney(s.spend_minor) }));
  return t("rule.ladder", { steps: and(steps) });
}

/** 10 % and 7.5 %, but never 10.0 %. */
const plainPercent = (ppm: number) => percent(ppm / 1_000_000, ppm % 10_000 === 0 ? 0 : ppm % 1000 === 0 ? 1 : 2);

function products(r: Rule): string {
  const named = [...(r.category ?? []).map(readable), ...(r.brand ?? []), ...(r.departments ?? [])];
  if (r.products) named.push(t("rule.products", { count: r.products, n: count(r.products) }));
  return named.length ? t("rule.on", { what: joined(named) }) : t("rule.on_all");
}

function joined(items: string[]): string {
  return items.length > 4 ? t("rule.and_more", { some: items.slice(0, 3).join(", "), more: items.length - 3 }) : and(items);
}

/** GROCERY/COFFEE is written Grocery › Coffee; the words themselves are the network's own. */
function readable(path: string): string {
  return path.split("/").map((s) => s.charAt(0) + s.slice(1).toLowerCase()).join(" › ");
}

const except = (r: Rule) => (r.excluded?.length ? t("rule.except", { what: joined(r.excluded.map(readable)) }) : "");

function conditions(r: Rule): string {
  const all: string[] = [];
  if (r.min_spend_minor) all.push(t("rule.min_spend", { amount: plainMoney(r.min_spend_minor) }));
  if (r.min_quantity) all.push(t("rule.min_quantity", { count: r.min_quantity, n: count(r.min_quantity) }));
  if (r.min_basket_minor) all.push(t("rule.min_basket", { amount: plainMoney(r.min_basket_minor) }));
  return all.join(" ");
}

function where(r: Rule): string {
  const all: string[] = [];
  if (r.stores?.length) all.push(t("rule.stores", { count: r.stores.length, n: count(r.stores.length) }));
  if (r.banners?.length) all.push(t("rule.banners", { names: and(r.banners) }));
  if (r.countries?.length) all.push(t("rule.countries", { names: and(r.countries) }));
  if (r.channels?.length) all.push(and(r.channels.map((c) => (has(`channel.${c}`) ? t(`channel.${c}`) : c))));
  return all.length ? `, ${all.join(", ")}` : "";
}

function when(r: Rule): string {
  const all: string[] = [];
  if (r.weekdays?.length) all.push(t("rule.weekdays", { days: and(r.weekdays.map(weekday)) }));
  if (r.hours) all.push(t("rule.hours", { hours: r.hours.replace("-", "–") }));
  return all.length ? `, ${all.join(", ")}` : "";
}

function limits(r: Rule): string {
  const all: string[] = [];
  if (r.max_per_receipt_minor) all.push(t("rule.max_receipt", { amount: plainMoney(r.max_per_receipt_minor) }));
  if (r.max_per_member_minor) all.push(t("rule.max_member", { amount: plainMoney(r.max_per_member_minor), per: t(`rule.per.${r.max_per ?? "campaign"}`) }));
  return all.length ? t("rule.at_most", { limits: and(all) }) : "";
}

function spendable(r: Rule): string {
  if (!r.pending_ms) return "";
  const hours = Math.round(r.pending_ms / 3_600_000);
  return hours % 24 === 0 ? t("rule.after_days", { count: hours / 24, n: count(hours / 24) }) : t("rule.after_hours", { count: hours, n: count(hours) });
}
