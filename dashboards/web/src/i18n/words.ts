// Choosing and filling words. Pure, so that tests can ask in either language.

import { en, type Key } from "./en";
import { ru } from "./ru";

export type Language = "ru" | "en";
export type Facts = Readonly<Record<string, string | number>>;

/** The stem of a key that comes in several numbers: `say.need` for `say.need.one`. */
export type PluralKey = Key extends infer K ? (K extends `${infer Stem}.one` ? Stem : never) : never;

export const DICTIONARIES: Record<Language, Readonly<Record<string, string>>> = { en, ru };

/** A percent sign never stands alone on a line. */
const kept = (text: string): string => text.replaceAll(" %", "\u00a0%").replace(/ (km\/h|км\/ч|km|км|min|мин)(?![\wа-я])/g, "\u00a0$1");

function fill(text: string, facts: Facts | undefined): string {
  text = kept(text);
  return facts ? text.replace(/\{(\w+)\}/g, (whole, key: string) => String(facts[key] ?? whole)) : text;
}

export function say(language: Language, key: Key, facts?: Facts): string {
  return fill(DICTIONARIES[language][key] ?? key, facts);
}

const plurals: Record<Language, Intl.PluralRules> = { en: new Intl.PluralRules("en"), ru: new Intl.PluralRules("ru") };

/** `shown` is how the number is written, when that is not `n` itself. */
export function sayCount(language: Language, key: PluralKey, n: number, shown?: string): string {
  const dictionary = DICTIONARIES[language];
  const form = plurals[language].select(n);
  return fill(dictionary[`${key}.${form}`] ?? dictionary[`${key}.other`] ?? key, { n: shown ?? n });
}

/** For keys made of what the API says, which may say more than we know: the word, or null. */
export function sayIfKnown(language: Language, key: string, facts?: Facts): string | null {
  const text = DICTIONARIES[language][key];
  return text === undefined ? null : fill(text, facts);
}
