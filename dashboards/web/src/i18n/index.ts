// The page's words in the language it stands in. Reading them in a component follows the language.

import * as format from "../format";
import { health } from "../live/live";
import { language } from "../settings";
import type { Key } from "./en";
import { say, sayCount, sayIfKnown, type Facts, type PluralKey } from "./words";

export type { Key } from "./en";

export const t = (key: Key, facts?: Facts): string => say(language.value, key, facts);
export const tn = (key: PluralKey, n: number): string => sayCount(language.value, key, n, num(n));
export const tk = (key: string, facts?: Facts): string | null => sayIfKnown(language.value, key, facts);

export const num = (value: number, digits = 0): string => format.number(value, language.value, digits);
export const signed = (value: number, digits = 0): string => format.signed(value, language.value, digits);
export const ago = (seconds: number): string => format.duration(seconds, language.value);
export const coarse = (seconds: number): string => format.coarse(seconds, language.value);
export const nameOf = (name: { local: string; en: string }): string => format.name(name, language.value);

export const zone = (): string => health.value?.time_zone ?? "UTC";
export const clockOf = (at: number): string => format.clock(at, zone(), language.value);
export const minuteOf = (at: number): string => format.minute(at, zone(), language.value);
export const dateOf = (at: number): string => format.date(at, zone(), language.value);
export const zoneOf = (at: number): string => format.zoneName(at, zone(), language.value);

/** A mode of [`JunctionState::actual`] or `wanted`. */
export const modeOf = (mode: string): string => tk(`mode.${mode}`) ?? mode;
export const kindOf = (kind: string): string => tk(`kind.${kind}`) ?? kind;
