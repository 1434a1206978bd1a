import { computed } from "@preact/signals";
import { has, lang, locale, t } from "./i18n";
import { currency, zone } from "./store";

// All numbers and dates go through Intl, one formatter per shape, remade when language, zone or currency change.

const memo = <T>(make: () => T) => computed(make);

const whole = memo(() => new Intl.NumberFormat(locale.value, { maximumFractionDigits: 0 }));
const short = memo(() => new Intl.NumberFormat(locale.value, { notation: "compact", maximumFractionDigits: 1 }));
const decimal = [0, 1, 2, 3].map((d) => memo(() => new Intl.NumberFormat(locale.value, { minimumFractionDigits: d, maximumFractionDigits: d })));
const share = [0, 1, 2].map((d) => memo(() => new Intl.NumberFormat(locale.value, { style: "percent", minimumFractionDigits: d, maximumFractionDigits: d })));
const signedShare = memo(() => new Intl.NumberFormat(locale.value, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: "exceptZero" }));
const signed = memo(() => new Intl.NumberFormat(locale.value, { minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: "exceptZero" }));
const euros = memo(() => new Intl.NumberFormat(locale.value, { style: "currency", currency: currency.value }));
const wholeEuros = memo(() => new Intl.NumberFormat(locale.value, { style: "currency", currency: currency.value, maximumFractionDigits: 0 }));
const shortEuros = memo(() => new Intl.NumberFormat(locale.value, { style: "currency", currency: currency.value, notation: "compact", maximumFractionDigits: 1 }));

const zoned = (o: Intl.DateTimeFormatOptions) => memo(() => new Intl.DateTimeFormat(locale.value, { ...o, ...(zone.value ? { timeZone: zone.value } : {}) }));
const clock = zoned({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const minute = zoned({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dayMonth = zoned({ day: "numeric", month: "short" });
const longDay = zoned({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
const moment = zoned({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const ago = memo(() => new Intl.RelativeTimeFormat(locale.value, { style: "short", numeric: "always" }));
const listing = memo(() => new Intl.ListFormat(locale.value, { type: "conjunction" }));

/** 1 204 381 */
export const count = (n: number) => whole.value.format(n);
/** 1.2 M */
export const compact = (n: number) => (Math.abs(n) < 10_000 ? whole.value.format(n) : short.value.format(n));
/** 3.14 with fixed decimals */
export const number = (n: number, digits: 0 | 1 | 2 | 3) => decimal[digits]!.value.format(n);
/** 18.4 % of a fraction */
export const percent = (f: number, digits: 0 | 1 | 2 = 1) => share[digits]!.value.format(f);
/** +3.4 %; what rounds to nothing has no sign */
export const change = (f: number) => signedShare.value.format(f);
/** +3.4 points of a difference of fractions */
export const points = (f: number) => signed.value.format(f * 100);
/** 27 914,32 € of minor units */
export const money = (minor: number) => euros.value.format(minor / 100);
/** 27 914 € */
export const roundMoney = (minor: number) => wholeEuros.value.format(minor / 100);
/** 27.9 k€ */
export const compactMoney = (minor: number) => (Math.abs(minor) < 1_000_000 ? wholeEuros : shortEuros).value.format(minor / 100);
/** An amount of a sentence: 5 € or 0,50 € */
export const plainMoney = (minor: number) => (minor % 100 === 0 ? roundMoney(minor) : money(minor));

/** An amount of a campaign: of the currency, or of the wallet it gives into, "173 530 points". Wallets have two decimals, and rarely use them. */
export const amount = (minor: number, wallet?: string) => (wallet ? t("unit.wallet", { n: inWallet(minor), wallet: walletName(wallet) }) : money(minor));
/** The same in short, for a budget or an axis. */
export const compactAmount = (minor: number, wallet?: string) =>
  (wallet ? t("unit.wallet", { n: compact(minor / 100), wallet: walletName(wallet) }) : compactMoney(minor));

const inWallet = (minor: number) => (minor % 100 === 0 ? count(minor / 100) : number(minor / 100, 2));
const walletName = (wallet: string) => (has(`wallet.${wallet}`) ? t(`wallet.${wallet}`) : wallet);

/** "as of 15:42:07", or that there is nothing yet */
export const asOf = (ms: number) => (ms > 0 ? t("asof", { time: timeOfDay(ms) }) : t("asof.none"));

export const timeOfDay = (ms: number) => clock.value.format(ms);
export const hourMinute = (ms: number) => minute.value.format(ms);
/** The day at midnight, else the hour: for an axis. */
export const dayOrHour = (ms: number) => (/^0?0[:h]00$/.test(hourMinute(ms)) ? dayMonth.value.format(ms) : hourMinute(ms));
export const fullDay = (ms: number) => longDay.value.format(ms);
export const dayTime = (ms: number) => moment.value.format(ms);
/** A span of days, in the zone that they are days of. */
export const days = (from: number, to: number, timeZone: string) =>
  new Intl.DateTimeFormat(locale.value, { day: "numeric", month: "short", year: "numeric", timeZone }).formatRange(from, to);
export const and = (items: string[]) => listing.value.format(items);

/** "4 min ago" in the reader's language */
export function since(ms: number, now: number): string {
  const s = Math.max(0, Math.round((now - ms) / 1000));
  if (s < 90) return ago.value.format(-s, "second");
  if (s < 5400) return ago.value.format(-Math.round(s / 60), "minute");
  if (s < 36 * 3600) return ago.value.format(-Math.round(s / 3600), "hour");
  return ago.value.format(-Math.round(s / 86_400), "day");
}

/** 40 ms, 1.4 s, 3 min 20 s */
export function duration(seconds: number): string {
  if (seconds > 0 && seconds < 0.95) return `${count(Math.max(10, Math.round(seconds * 100) * 10))} ms`;
  if (seconds === 0) return "0 s";
  if (seconds < 60) return `${number(seconds, seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) return `${count(Math.floor(seconds / 60))} min ${count(Math.floor(seconds % 60))} s`;
  return `${count(Math.floor(seconds / 3600))} h ${count(Math.floor((seconds % 3600) / 60))} min`;
}

/** Name of a weekday, 1 is Monday. */
export function weekday(n: number): string {
  return new Intl.DateTimeFormat(lang.value, { weekday: "short", timeZone: "UTC" }).format(Date.UTC(2024, 0, n));
}
