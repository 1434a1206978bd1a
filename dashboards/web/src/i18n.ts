import { computed, signal } from "@preact/signals";
import en from "./locales/en.json";
import fr from "./locales/fr.json";
import type { Lang, Text } from "./types";
import { setting } from "./settings";

const catalogues: Record<Lang, Record<string, string>> = { en, fr };

/** The language of the page: ?lang= for this visit, else what was chosen before, else the browser's. */
export const lang = signal<Lang>(first());

function first(): Lang {
  const asked = setting("lang");
  if (asked === "fr" || asked === "en") return asked;
  return navigator.language.toLowerCase().startsWith("fr") ? "fr" : "en";
}

/** The locale that Intl formats for. British English puts the day before the month, as the networks here do. */
export const locale = computed(() => (lang.value === "fr" ? "fr-FR" : "en-GB"));

const plurals = computed(() => new Intl.PluralRules(locale.value));

export type Vars = Record<string, string | number>;

/** The text of a key. {name} stands for a variable; a variable called count also chooses between `key.one` and `key.other`. */
export function t(key: string, vars?: Vars): string {
  const catalogue = catalogues[lang.value];
  let text = catalogue[key];
  if (vars && typeof vars["count"] === "number") {
    text = catalogue[`${key}.${plurals.value.select(vars["count"])}`] ?? catalogue[`${key}.other`] ?? text;
  }
  if (text === undefined) return key;
  return vars ? text.replace(/\{(\w+)\}/g, (whole, name: string) => String(vars[name] ?? whole)) : text;
}

/** Whether the catalogue has the key. */
export const has = (key: string) => catalogues[lang.value][key] !== undefined;

/** The reader's side of a text that comes in both languages. */
export const pick = (text: Text) => (lang.value === "fr" ? text.fr : text.en);
