// What a junction's stored log says about any moment of it. Pure: events and decisions in, the junction as it was out.

import type { Decision, JunctionDetail, LampChange, StoredEvents } from "../api/view";

/** The Indiana enumeration, as far as a replay needs it: what each code says of a group's lamps. */
const LAMPS: Readonly<Record<number, string>> = { 1: "green", 8: "amber", 9: "red", 10: "red", 11: "red", 21: "green", 22: "flashing_green", 23: "red" };
/** And what a group showed before it. */
const BEFORE: Readonly<Record<number, string>> = { 1: "red", 8: "green", 9: "amber", 21: "red", 22: "green", 23: "flashing_green" };
const DETECTOR_OFF = 81;
const DETECTOR_ON = 82;
const PLAN_CHANGE = 131;

/** A decision older than this says nothing of the moment, ms. */
const DECISION_MS = 600_000;
/** A decision and what it changes at once may be written so far apart, ms. */
const AT_ONCE_MS = 1_000;
/** How far a picture looks back and ahead for the bars, ms. */
export const BACK_MS = 60_000;
export const AHEAD_MS = 90_000;

type Track<T> = { at: number; value: T }[];

export interface Log {
  from: number;
  to: number;
  lamps: Map<number, Track<string>>;
  loops: Map<number, Track<boolean>>;
  stages: Track<number>;
  plans: Track<number>;
  decisions: Decision[];
}

export function read(base: JunctionDetail, stored: StoredEvents, decisions: readonly Decision[], from: number, to: number): Log {
  const log: Log = { from, to, lamps: new Map(), loops: new Map(), stages: [], plans: [], decisions: [...decisions] };
  const put = <T>(tracks: Map<number, Track<T>>, key: number, at: number, value: T) => {
    const track = tracks.get(key) ?? [];
    tracks.set(key, track);
    if (track.at(-1)?.value !== value) track.push({ at, value });
  };
  // The stage is not in the log: it is one whose vehicles' groups, and no others, are green; of several the one decided on.
  // Groups that never changed in all of it say nothing: nobody asked for them.
  const changing = new Set(stored.events.filter(([, code]) => LAMPS[code] !== undefined).map(([, , group]) => group));
  const moving = base.groups.filter((group) => group.kind !== "pedestrians" && changing.has(group.number)).map((group) => group.number);
  const shapes = base.stages.map(({ number, green }) => ({
    number,
    green: moving.filter((group) => green.includes(group)).join(),
    walks: green.filter((group) => base.groups.some((one) => one.number === group && one.kind === "pedestrians")),
  }));
  const shows = new Map<number, string>();
  // What comes first tells what was before: who waits long would else hide the stages of all.
  for (const [, code, group] of stored.events) {
    const before = BEFORE[code];
    if (before !== undefined && !shows.has(group)) shows.set(group, before);
  }
  // All that changes at once counts as one.
  let changed: number | null = null;
  const settle = () => {
    if (changed === null || !moving.every((group) => shows.has(group))) return;
    const green = moving.filter((group) => shows.get(group) === "green").join();
    // A stage for people on foot alone looks like an interstage but for them.
    const walk = (shape: (typeof shapes)[number]) => shape.walks.length > 0 && shape.walks.every((group) => shows.get(group) === "green");
    const fits = shapes.filter((shape) => shape.green === green && (green !== "" || walk(shape))).map(({ number }) => number);
    const at = changed;
    const decided = log.decisions.findLast((one) => one.at <= at + AT_ONCE_MS)?.stage;
    const stage = decided !== undefined && fits.includes(decided) ? decided : fits[0];
    if (stage !== undefined && log.stages.at(-1)?.value !== stage) log.stages.push({ at, value: stage });
  };
  for (const [at, code, param] of stored.events) {
    if (changed !== null && at !== changed) {
      settle();
      changed = null;
    }
    if (code === DETECTOR_ON || code === DETECTOR_OFF) put(log.loops, param, at, code === DETECTOR_ON);
    if (code === PLAN_CHANGE) log.plans.push({ at, value: param });
    const lamp = LAMPS[code];
    if (lamp === undefined) continue;
    put(log.lamps, param, at, lamp);
    shows.set(param, lamp);
    changed = at;
  }
  settle();
  return log;
}

const last = <T>(track: Track<T> | undefined, at: number) => track?.findLast((one) => one.at <= at);

/** The junction at that moment: its lamps and loops as logged, the decision in force. What the log does not say is not known. */
export function moment(base: JunctionDetail, log: Log, at: number): JunctionDetail {
  const found = log.decisions.findLast((one) => one.at <= at);
  const decision = found && at - found.at <= DECISION_MS ? found : null;
  const stage = last(log.stages, at)?.value ?? null;
  const running = base.stages.find((one) => one.number === stage);
  const green = (group: number) => ["green", "flashing_green"].includes(last(log.lamps.get(group), at)?.value ?? "");
  // Its greens have begun to end: the way to the next stage runs.
  const interstage = running !== undefined && running.green.some((group) => base.groups.some((one) => one.number === group && one.kind !== "pedestrians") && !green(group));
  const known = at >= log.from && at <= log.to && log.lamps.size > 0;
  const history: LampChange[] = [];
  const tell = (group: number, track: Track<string | number> | undefined) => {
    const [begin, end] = [at - BACK_MS, at + AHEAD_MS];
    const first = track?.findLastIndex((one) => one.at <= begin) ?? -1;
    track?.slice(Math.max(0, first)).filter((one) => one.at <= end).forEach((one) => history.push({ at: one.at, group, lamp: String(one.value) }));
  };
  tell(0, log.stages);
  for (const [group, track] of log.lamps) tell(group, track);
  return {
    ...base,
    now: at,
    state: {
      ...base.state,
      actual: known ? "adaptive" : "no_contact",
      wanted: "adaptive",
      stage,
      stage_wanted: decision?.stage ?? null,
      interstage,
      plan: last(log.plans, at)?.value ?? null,
      seen_at: known ? at : null,
      late: !known,
      hold: false,
      alarm: null,
    },
    groups: base.groups.map((group) => {
      const track = log.lamps.get(group.number);
      const now = last(track, at);
      const next = track?.find((one) => one.at > at);
      return {
        ...group,
        lamp: now?.value ?? null,
        since: now?.at ?? null,
        next_change: next ? { at: next.at, earliest: next.at, latest: next.at } : null,
      };
    }),
    detectors: base.detectors.map((detector) => {
      const track = log.loops.get(detector.channel);
      const now = last(track, at);
      return {
        ...detector,
        state: now === undefined ? "unknown" : now.value ? "occupied" : "free",
        count_1m: track === undefined ? null : track.filter((one) => one.value && one.at <= at && one.at > at - 60_000).length,
        occupancy_1m: null,
        queue: null,
        vehicles: null,
        seen_at: known ? at : null,
      };
    }),
    cycle_s: null,
    base_cycle_s: null,
    decision,
    history,
    forecast: [],
    commands: [],
    alarms: [],
  };
}
