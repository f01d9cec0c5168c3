// What is being edited, as plain data; pure, so that tests can ask.

import type { Content, Draft, Hours, Plan } from "./api";

export interface Edited { base: number; offset_s: number; steps: [number, number][]; hours: Hours[]; reason: string }

export const ofPlan = (plan: Plan): Edited => ({ base: plan.number, offset_s: plan.offset_s, steps: plan.steps.map(([stage, s]) => [stage, s]), hours: [], reason: "" });
export const ofDraft = (draft: Draft): Edited => ({ ...ofPlan(draft.plan), hours: draft.hours.map((one) => ({ ...one })), reason: draft.reason });

const tenth = (s: number): number => Math.round(s * 10) / 10;
export const cycleOf = (steps: readonly (readonly [number, number])[]): number => tenth(steps.reduce((sum, [, s]) => sum + s, 0));

/** Changes a split by itself, or takes what it gains from the next one, so that the cycle stays. */
export function withSplit(edited: Edited, at: number, split: number, keepCycle: boolean): Edited {
  const steps = edited.steps.map(([stage, s]): [number, number] => [stage, s]);
  const here = steps[at];
  if (!here) return edited;
  const wanted = tenth(Math.max(0, Math.min(600, split)));
  const next = steps[(at + 1) % steps.length];
  if (keepCycle && next && next !== here) {
    const given = Math.min(wanted - here[1], next[1]);
    next[1] = tenth(next[1] - given);
    here[1] = tenth(here[1] + given);
  } else here[1] = wanted;
  const cycle = cycleOf(steps);
  return { ...edited, steps, offset_s: cycle > 0 ? tenth(edited.offset_s % cycle) : 0 };
}

export function planOf(edited: Edited): Content["plan"] {
  return { cycle_s: cycleOf(edited.steps), offset_s: edited.offset_s, steps: edited.steps };
}

export const samePlan = (a: Edited, b: Edited): boolean => a.offset_s === b.offset_s && JSON.stringify(a.steps) === JSON.stringify(b.steps);
export const same = (a: Edited, b: Edited): boolean => samePlan(a, b) && JSON.stringify(a.hours) === JSON.stringify(b.hours) && a.reason === b.reason;

/** What stands where in a day: `[from, until, plan]` in minutes, the last one of the day before first. */
export function dayOf(schedule: readonly { days: number; from_minute: number; plan: number }[], weekday: number, first: number): [number, number, number][] {
  const on = (day: number) => schedule.filter((one) => one.days & (1 << day)).sort((a, b) => a.from_minute - b.from_minute);
  const today = on(weekday);
  const before = on((weekday + 6) % 7).at(-1)?.plan ?? first;
  const begins = [{ from_minute: 0, plan: before }, ...today].filter((one, i, all) => all[i + 1]?.from_minute !== one.from_minute);
  return begins.map((one, i) => [one.from_minute, begins[i + 1]?.from_minute ?? 1440, one.plan]);
}

export const clockOfMinute = (m: number): string => `${String(Math.floor(m / 60)).padStart(2, "0")}:${String(m % 60).padStart(2, "0")}`;
export function minuteOfClock(text: string): number | null {
  const match = /^(\d{1,2}):(\d{2})$/.exec(text.trim());
  if (!match) return null;
  const minute = Number(match[1]) * 60 + Number(match[2]);
  return Number(match[2]) < 60 && minute <= 1440 ? minute : null;
}
