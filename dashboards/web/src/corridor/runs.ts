// What a corridor's lamps do to a car that meets no queue: pure, so that plan, draft and street are judged alike.

import type { CorridorLamps, CorridorStop } from "../api/view";

export type Way = "out" | "back";

/** Until when a car that comes at `at` must wait for green, s; null where the lamps are not known that far. */
export type Signal = (at: number) => number | null;

/** A signal on the way, and how long the way to it is from the first, s. */
export interface Passing { stop: number; along: number; signal: Signal }

export const mod = (x: number, m: number): number => ((x % m) + m) % m;

/** By plan: green `begins` seconds into the cycle, for `lasts` seconds. */
export function planned(stop: CorridorStop, way: Way, offset: number, cycle: number): Signal {
  const green = way === "out" ? stop.green : stop.green_back;
  if (green === null) return (at) => at;
  const [begins, lasts] = green;
  return (at) => {
    const into = mod(at - offset - begins, cycle);
    return into <= lasts ? at : at + cycle - into;
  };
}

/** As the lamps were: changes in seconds, oldest first. */
export function shown(changes: readonly (readonly [number, string])[], until: number): Signal {
  return (at) => {
    let i = changes.findLastIndex(([when]) => when <= at);
    if (i < 0 || at > until) return null;
    if (changes[i]?.[1] === "green") return at;
    for (i += 1; i < changes.length; i += 1) if (changes[i]?.[1] === "green") return changes[i]?.[0] ?? null;
    return null;
  };
}

/** The signals of one way in driving order. `signal` gives each stop's. */
export function passings(stops: readonly CorridorStop[], way: Way, signal: (stop: CorridorStop, i: number) => Signal): Passing[] {
  const all = stops.flatMap((stop, i) => {
    const along = way === "out" ? stop.along_s : stop.along_back_s;
    return along === null ? [] : [{ stop: i, along, signal: signal(stop, i) }];
  });
  return all.sort((a, b) => a.along - b.along);
}

export interface Run {
  /** Where it was when: `[stop, s]`, twice for a stop at which it waited. */
  points: [number, number][];
  stops: number;
  seconds: number;
}

/** Drives from the first stop line at `depart`, which is passed in green; null once the lamps are not known. */
export function drive(way: readonly Passing[], depart: number): Run | null {
  const first = way[0];
  if (!first) return null;
  const points: [number, number][] = [[first.stop, depart]];
  let at = depart;
  let stops = 0;
  for (let i = 1; i < way.length; i += 1) {
    const [before, here] = [way[i - 1], way[i]];
    if (!before || !here) return null;
    at += here.along - before.along;
    points.push([here.stop, at]);
    const leaves = here.signal(at);
    if (leaves === null) return null;
    if (leaves > at) {
      stops += 1;
      points.push([here.stop, leaves]);
      at = leaves;
    }
  }
  return { points, stops, seconds: at - depart };
}

/** Drives at each of `each` seconds at which the first signal is green. */
export function fleet(way: readonly Passing[], from: number, to: number, each: number): Run[] {
  const runs: Run[] = [];
  for (let depart = from; depart < to; depart += each) {
    if (way[0]?.signal(depart) !== depart) continue;
    const run = drive(way, depart);
    if (run) runs.push(run);
  }
  return runs;
}

export interface Summary { runs: number; seconds: number; stops: number; unstopped: number }

export function summary(runs: readonly Run[]): Summary | null {
  if (runs.length === 0) return null;
  const mean = (of: (run: Run) => number) => runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
  return { runs: runs.length, seconds: mean((run) => run.seconds), stops: mean((run) => run.stops), unstopped: mean((run) => (run.stops === 0 ? 1 : 0)) };
}

/** How often which travel time, smoothed so that two curves can be compared: `[minutes, density]`. */
export function density(runs: readonly Run[], from: number, to: number, points = 60, width = 8): [number, number][] {
  return Array.from({ length: points + 1 }, (_, i) => {
    const s = from + ((to - from) * i) / points;
    const sum = runs.reduce((all, run) => all + Math.exp(-(((run.seconds - s) / width) ** 2) / 2), 0);
    return [s / 60, runs.length === 0 ? 0 : sum / runs.length];
  });
}

/** The lamps of a stop in seconds since `begin`. */
export function changes(lamps: CorridorLamps | null, i: number, way: Way, begin: number): [number, string][] {
  const stop = lamps?.stops[i];
  return (stop?.[way] ?? []).map(([at, lamp]) => [(at - begin) / 1000, lamp]);
}
