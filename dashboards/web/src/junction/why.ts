// A decision as one sentence of causes. Pure: the key and the numbers in, words out.

import type { Decision } from "../api/view";
import { NBSP, number } from "../format";
import { say, sayIfKnown, type Language } from "../i18n/words";
import type { Key } from "../i18n/en";

/** Seconds carry their unit; other numbers stand alone. A cost is seconds of waiting. */
export function fact(language: Language, key: string, value: number): string {
  if (!key.endsWith("_s") && !key.startsWith("cost")) return number(value, language, Number.isInteger(value) ? 0 : 1);
  return say(language, "fact.seconds", { x: number(value, language, value < 10 && !Number.isInteger(value) ? 1 : 0) });
}

const holes = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");

export function why(language: Language, decision: Decision): string {
  const facts: Record<string, string> = { stage: String(decision.stage), before: String(decision.before || decision.stage) };
  for (const [key, value] of Object.entries(decision.facts)) facts[key] = fact(language, key, value);
  // The scores are facts too.
  const scored = (stage: number) => decision.alternatives.find((one) => one.stage === stage);
  const [mine, other] = [scored(decision.stage), scored(decision.before)];
  for (const [name, one] of [["", mine], ["_before", other]] as const) {
    if (!one || one.score === null) continue;
    if (one.unit === "vehicles") facts[`pressure${name}`] ??= fact(language, "pressure", one.score);
    if (one.unit === "vehicle_s") facts[`cost${name}`] ??= fact(language, "cost", one.score);
  }
  // A plan's step says either "goes on" or "is next".
  const key = decision.reason === "plan_step" && decision.before === decision.stage ? "plan_keep" : decision.reason;
  // The fullest sentence whose every number is known.
  for (const form of ["", ".alone", ".short"]) {
    const text = sayIfKnown(language, `reason.${key}${form}`);
    if (text !== null && holes(text).every((hole) => facts[hole] !== undefined)) {
      return sayIfKnown(language, `reason.${key}${form}`, facts) ?? "";
    }
  }
  const told = Object.entries(decision.facts).map(([name, value]) => `${sayIfKnown(language, `fact.${name}`) ?? name}${NBSP}${fact(language, name, value)}`);
  const first = say(language, "reason.other" as Key, { key: decision.reason });
  return told.length > 0 ? `${first} ${told.join(", ")}.` : first;
}

/** Bars compare scores: the longest is the largest magnitude, and what is negative points nowhere. */
export function bars(decision: Decision): { stage: number; chosen: boolean; score: number | null; share: number; refused: string; unit: string; percent: number | null }[] {
  const most = Math.max(1e-9, ...decision.alternatives.map((one) => Math.abs(one.score ?? 0)));
  const best = decision.alternatives.find((one) => one.chosen)?.score ?? null;
  return decision.alternatives.map((one) => ({
    ...one,
    share: Math.abs(one.score ?? 0) / most,
    percent: best !== null && one.score !== null && Math.abs(best) > 1e-9 && !one.chosen ? Math.round((100 * (one.score - best)) / Math.abs(best)) : null,
  }));
}
