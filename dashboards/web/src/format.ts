// Numbers, times and durations as people of each language write them.

import type { Language } from "./settings";

/** No-break space before units; thin no-break space between thousands (both languages, as the design has it). */
export const NBSP = "\u00a0";
export const THIN = "\u202f";
export const MINUS = "\u2212";

const numbers = new Map<string, Intl.NumberFormat>();

export function number(value: number, language: Language, digits = 0): string {
  const key = `${language}${digits}`;
  let format = numbers.get(key);
  if (!format) {
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: true } as const;
    format = new Intl.NumberFormat(language, options);
    numbers.set(key, format);
  }
  return format
    .formatToParts(value)
    .map((part) => (part.type === "group" ? THIN : part.type === "minusSign" ? MINUS : part.value))
    .join("");
}

/** With its sign: `+1`, `−7`, `0`. */
export function signed(value: number, language: Language, digits = 0): string {
  const text = number(value, language, digits);
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : text.replace(/^\u2212([0.,]+)$/, "$1");
}

const times = new Map<string, Intl.DateTimeFormat>();

function timeFormat(zone: string, language: Language, kind: "minutes" | "seconds" | "date"): Intl.DateTimeFormat {
  const key = `${zone}|${language}|${kind}`;
  let format = times.get(key);
  if (!format) {
    const options: Intl.DateTimeFormatOptions =
      kind === "date"
        ? { weekday: "short", day: "numeric", month: language === "ru" ? "long" : "short" }
        : { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(kind === "seconds" ? { second: "2-digit" } : {}) };
    try {
      format = new Intl.DateTimeFormat(language === "ru" ? "ru" : "en-GB", { ...options, timeZone: zone });
    } catch {
      format = new Intl.DateTimeFormat(language === "ru" ? "ru" : "en-GB", { ...options, timeZone: "UTC" });
    }
    times.set(key, format);
  }
  return format;
}

export const clock = (at: number, zone: string, language: Language): string => timeFormat(zone, language, "seconds").format(at);
export const minute = (at: number, zone: string, language: Language): string => timeFormat(zone, language, "minutes").format(at);
export const date = (at: number, zone: string, language: Language): string =>
  timeFormat(zone, language, "date").format(at).replaceAll(",", "");

/** The zone as its people call it; else its offset. */
export function zoneName(at: number, zone: string, language: Language): string {
  if (zone === "Europe/Moscow") return language === "ru" ? "МСК" : "MSK";
  try {
    const parts = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "shortOffset" }).formatToParts(at);
    return parts.find((part) => part.type === "timeZoneName")?.value ?? zone;
  } catch {
    return zone;
  }
}

const UNITS = {
  ru: { s: "с", min: "мин", h: "ч", d: "дн" },
  en: { s: "s", min: "min", h: "h", d: "d" },
} as const;

/** `0,4 с`, `11 с`, `3 мин`, `2 ч 05 мин`: as exact as it helps. */
export function duration(seconds: number, language: Language): string {
  const unit = UNITS[language];
  const s = Math.max(0, seconds);
  if (s < 9.95) return number(s, language, 1) + NBSP + unit.s;
  if (s < 119.5) return number(s, language) + NBSP + unit.s;
  if (s < 3570) return number(s / 60, language) + NBSP + unit.min;
  const minutes = Math.round(s / 60);
  if (minutes < 1440) {
    return `${Math.floor(minutes / 60)}${NBSP}${unit.h}${NBSP}${String(minutes % 60).padStart(2, "0")}${NBSP}${unit.min}`;
  }
  return `${number(minutes / 1440, language)}${NBSP}${unit.d}`;
}

/** Whole units, for sentences: `1 с`, `3 мин`. */
export function coarse(seconds: number, language: Language): string {
  return seconds < 9.95 ? Math.round(Math.max(0, seconds)) + NBSP + UNITS[language].s : duration(seconds, language);
}

/** What is left, as a watch shows it: `0:31`, `12:05`. */
export function countdown(seconds: number): string {
  const s = Math.max(0, Math.ceil(seconds));
  return s < 3600
    ? `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`
    : `${Math.floor(s / 3600)}:${String(Math.floor(s / 60) % 60).padStart(2, "0")}:${String(s % 60).padStart(2, "0")}`;
}

/** The name in the page's language; the other one when this one is empty. */
export function name(of: { local: string; en: string }, language: Language): string {
  return language === "ru" ? of.local || of.en : of.en || of.local;
}

/** Clock and date of a place as `datetime-local` fields write them. */
export function zoned(at: number, zone: string): string {
  const parts = new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).formatToParts(at);
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? "00";
  return `${of("year")}-${of("month")}-${of("day")}T${of("hour")}:${of("minute")}:${of("second")}`;
}

/** When a day of a zone begins and ends, or one so many days later; null for what is no day. */
export function dayBounds(day: string, zone: string, later = 0): [number, number] | null {
  const begins = (n: number) => {
    const noon = Date.parse(`${day}T12:00:00Z`) + n * 86_400_000;
    return Number.isFinite(noon) ? fromZoned(`${new Date(noon).toISOString().slice(0, 10)}T00:00:00`, zone) : null;
  };
  const [from, to] = [begins(later), begins(later + 1)];
  return from === null || to === null ? null : [from, to];
}

/** And back; null for what is no time. Of a time that a clock shows twice, the first. */
export function fromZoned(text: string, zone: string): number | null {
  const utc = Date.parse(`${text}Z`);
  if (!Number.isFinite(utc)) return null;
  // The offset of the zone is that of a moment near: two rounds settle it, but at a change of the clock.
  let at = utc;
  for (let i = 0; i < 2; i += 1) at = utc - (Date.parse(`${zoned(at, zone)}Z`) - at);
  return at;
}
