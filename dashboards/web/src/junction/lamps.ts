// What the groups showed and will show, as bars: stretches of one lamp each. Pure.

import type { Forecast, Group, LampChange } from "../api/view";

export interface Stretch { from: number; to: number; lamp: string; known: "past" | "predicted" }

/** Past stretches of one group (or of the stage, group 0) over a window; before the first change nothing is known. */
export function past(history: readonly LampChange[], group: number, begin: number, end: number, now: { lamp: string | null; since: number | null }): Stretch[] {
  const changes = history.filter((change) => change.group === group && change.at <= end).sort((a, b) => a.at - b.at);
  const out: Stretch[] = [];
  changes.forEach((change, i) => {
    const from = Math.max(begin, change.at);
    const to = Math.min(end, changes[i + 1]?.at ?? end);
    if (to > from) out.push({ from, to, lamp: change.lamp, known: "past" });
  });
  // A group that has not changed for the whole window has no change to tell of, only its present lamp.
  const first = changes[0];
  if (!first && now.lamp !== null && now.since !== null && now.since <= end) {
    out.push({ from: Math.max(begin, now.since), to: end, lamp: now.lamp, known: "past" });
  }
  return out;
}

const GREENISH = new Set(["green", "flashing_green"]);

/** What a group is expected to show after `now`, from the expected stages that hold it. */
export function expected(group: Group, stages: readonly { number: number; green: readonly number[] }[], forecast: readonly Forecast[], now: number, until: number): Stretch[] {
  if (group.lamp === null || (forecast.length === 0 && group.next_change === null)) return [];
  const greens: { from: number; to: number }[] = [];
  for (const step of forecast) {
    if (!stages.find((stage) => stage.number === step.stage)?.green.includes(group.number)) continue;
    const last = greens.at(-1);
    const from = Math.max(now, step.begins.at);
    // A group that stays green from one stage to the next has no end between them.
    const next = forecast[forecast.indexOf(step) - 1];
    const joined = last && next && stages.find((stage) => stage.number === next.stage)?.green.includes(group.number);
    if (joined) last.to = step.ends.at;
    else if (step.ends.at > now) greens.push({ from, to: step.ends.at });
  }
  // Without a stage that holds it, a green group's own next change is its end.
  if (greens.length === 0 && GREENISH.has(group.lamp) && group.next_change) greens.push({ from: now, to: group.next_change.at });
  const out: Stretch[] = [];
  const put = (from: number, to: number, lamp: string) => {
    const [a, b] = [Math.max(now, from), Math.min(until, to)];
    if (b > a) out.push({ from: a, to: b, lamp, known: "predicted" });
  };
  let at = now;
  // What runs now and is no green goes on as it is until the next green.
  for (const green of greens) {
    if (green.from > at) put(at, green.from, "red");
    const flash = Math.min(green.to, Math.max(green.from, green.to - group.flashing_green_s * 1000));
    put(green.from, flash, "green");
    put(flash, green.to, "flashing_green");
    at = green.to + group.amber_s * 1000;
    put(green.to, at, "amber");
  }
  if (forecast.length > 0) {
    const last = forecast.at(-1);
    put(at, last ? Math.max(at, last.ends.at) : at, "red");
  }
  return out;
}

/** Half the width of the 90 % interval, in whole seconds, for `±3`. */
export const spread = (change: { earliest: number; latest: number }): number => Math.round((change.latest - change.earliest) / 2000);
