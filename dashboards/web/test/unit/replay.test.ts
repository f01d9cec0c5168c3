import { describe, expect, it } from "vitest";
import type { CorridorStop, JunctionDetail } from "../../src/api/view";
import { csv } from "../../src/files";
import { fromZoned, zoned } from "../../src/format";
import { drive, fleet, mod, passings, planned, shown, summary } from "../../src/corridor/runs";
import { moment, read } from "../../src/replay/log";

const group = (number: number, kind = "vehicles") => ({
  number, kind, name: { local: "", en: "" }, lamp: null, since: null, min_green_s: 5, flashing_green_s: 3, amber_s: 3, next_change: null,
});
const base = {
  id: "J", name: { local: "", en: "" }, district: "d", at: [0, 0], now: 0,
  state: { id: "J", kind: "adaptive", wanted: "adaptive", actual: "adaptive", rung_reason: "", stage_wanted: null, stage: null, interstage: false, plan: null, seen_at: null, late: true, matches: true, hold: false, alarm: null },
  groups: [group(1), group(2), group(3, "pedestrians")],
  stages: [{ number: 1, green: [1], permissive: [] }, { number: 2, green: [2, 3], permissive: [] }],
  intergreens: [], plans: [], cycle_s: null, base_cycle_s: null,
  detectors: [{ channel: 7, kind: "stop_line", groups: [1], lane: 0, distance_m: 1, state: "free", count_1m: null, occupancy_1m: null, queue: null, vehicles: null, seen_at: null }],
  decision: null, history: [], forecast: [], commands: [], alarms: [],
} as unknown as JunctionDetail;

/** Stage 1 from second 10, the way to stage 2 from 40, stage 2 from 46. */
const EVENTS: [number, number, number][] = [
  [5_000, 9, 2], [10_000, 1, 1], [12_000, 82, 7], [14_000, 81, 7], [40_000, 8, 1], [43_000, 9, 1], [46_000, 1, 2], [46_000, 21, 3],
  // A car comes in the very tenth in which the stage begins.
  [46_000, 82, 8],
];
const decision = (at: number, stage: number) => ({ number: at, junction: "J", at, kind: "adaptive", stage, before: 1, reason: "horizon", facts: {}, alternatives: [], limits: [] });

describe("a replayed moment", () => {
  const log = read(base, { events: EVENTS, truncated: false }, [decision(39_000, 2)], 0, 60_000);
  const at = (s: number) => moment(base, log, s * 1000);
  it("shows the lamps, the stage and the interstage of then", () => {
    expect(at(20).state).toMatchObject({ stage: 1, interstage: false });
    expect(at(20).groups.map(({ lamp }) => lamp)).toEqual(["green", "red", null]);
    expect(at(20).groups[0]?.next_change?.at).toBe(40_000);
    expect(at(42).state).toMatchObject({ stage: 1, interstage: true, stage_wanted: 2 });
    expect(at(50).state).toMatchObject({ stage: 2, interstage: false });
    expect(at(50).groups[2]?.lamp).toBe("green");
  });
  it("shows detectors and their counts, and nothing before they were first heard", () => {
    expect(at(11).detectors[0]).toMatchObject({ state: "unknown", count_1m: 0 });
    expect(at(13).detectors[0]).toMatchObject({ state: "occupied", count_1m: 1 });
    expect(at(15).detectors[0]).toMatchObject({ state: "free" });
    expect(at(80).detectors[0]?.count_1m).toBe(0);
  });
  it("has the decision in force then, and none before there was one", () => {
    expect(at(38).decision).toBeNull();
    expect(at(45).decision?.stage).toBe(2);
    expect(at(700).decision).toBeNull();
  });
  it("tells stages apart by the decision where their lamps are the same", () => {
    const twins = { ...base, stages: [...base.stages, { number: 3, green: [2], permissive: [] }] };
    const stage = (decided: number) => moment(twins, read(twins, { events: EVENTS, truncated: false }, [decision(39_000, decided)], 0, 60_000), 50_000).state.stage;
    expect([stage(2), stage(3), stage(1)]).toEqual([2, 3, 2]);
  });
  it("knows a stage for people on foot alone by them", () => {
    const walking = { ...base, stages: [{ number: 1, green: [1], permissive: [] }, { number: 4, green: [3], permissive: [] }] };
    const all: [number, number, number][] = [[5_000, 9, 2], [10_000, 1, 1], [40_000, 8, 1], [43_000, 9, 1], [46_000, 21, 3]];
    const stage = (s: number) => moment(walking, read(walking, { events: all, truncated: false }, [], 0, 60_000), s * 1000).state.stage;
    expect([stage(20), stage(44), stage(50)]).toEqual([1, 1, 4]);
  });
  it("knows stages where a stage that nobody asked for never ran", () => {
    const more = { ...base, groups: [...base.groups, { ...group(4), lamp: null }], stages: [...base.stages, { number: 5, green: [4], permissive: [] }] } as unknown as JunctionDetail;
    const stage = (s: number) => moment(more, read(more, { events: EVENTS, truncated: false }, [], 0, 60_000), s * 1000).state.stage;
    expect([stage(20), stage(50)]).toEqual([1, 2]);
    // Nor does one hide the others that runs only in the end.
    const late: [number, number, number][] = [...EVENTS, [58_000, 1, 4]];
    expect(moment(more, read(more, { events: late, truncated: false }, [], 0, 60_000), 20_000).state.stage).toBe(1);
  });
  it("does not pass off what is not stored as health", () => {
    expect(at(100).state.actual).toBe("no_contact");
    expect(at(3).groups.every(({ lamp }) => lamp === null)).toBe(true);
  });
});

const stop = (along: number, begins: number, lasts: number): CorridorStop => ({
  junction: String(along), name: { local: "", en: "" }, district: "d", at_m: along, planned_offset_s: 0, offset_s: 0, groups: [], groups_back: [],
  green: [begins, lasts], green_back: null, along_s: along, along_back_s: null, front_s: null, front_back_s: null, steps: [],
});

describe("runs along a corridor", () => {
  const stops = [stop(0, 0, 30), stop(20, 0, 30), stop(50, 0, 30)];
  const way = (offsets: number[]) => passings(stops, "out", (one, i) => planned(one, "out", offsets[i] ?? 0, 60));
  it("stop at red and pass at green", () => {
    expect(drive(way([0, 0, 0]), 0)).toMatchObject({ stops: 1, seconds: 60 });
    // A green wave: each offset is the way there.
    expect(drive(way([0, 20, 50]), 0)).toMatchObject({ stops: 0, seconds: 50 });
    expect(summary(fleet(way([0, 20, 50]), 0, 60, 5))).toMatchObject({ runs: 7, stops: 0, unstopped: 1 });
    expect(mod(-1, 60)).toBe(59);
  });
  it("end where the lamps are not known", () => {
    const lamps = shown([[0, "red"], [10, "green"], [40, "amber"]], 60);
    expect([lamps(5), lamps(15), lamps(45), lamps(70), lamps(-1)]).toEqual([10, 15, null, null, null]);
  });
});

describe("what is taken away", () => {
  it("writes cells that spreadsheets read and do not run", () => {
    expect(csv([["a", 1, null], ['x "y", z', -2, "=1+1"]])).toBe('\ufeffa,1,\r\n"x ""y"", z",-2,\'=1+1\r\n');
  });
  it("reads the time of a place back", () => {
    const at = Date.UTC(2026, 1, 1, 10, 40, 5);
    for (const zone of ["Europe/Moscow", "America/New_York", "Asia/Kolkata", "UTC"]) expect(fromZoned(zoned(at, zone), zone)).toBe(at);
    expect(zoned(at, "Europe/Moscow")).toBe("2026-02-01T13:40:05");
    expect(fromZoned("yesterday", "UTC")).toBeNull();
  });
});
