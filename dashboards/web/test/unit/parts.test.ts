// Smaller pure parts, each as a table of cases.

import { describe, expect, test, vi } from "vitest";
import type { Alarm, Decision, Group, Health, LaneDrawing } from "../../src/api/view";
import { classOf } from "../../src/los";
import { arms, beside, heads, marks, outline } from "../../src/junction/geometry";
import { expected, past } from "../../src/junction/lamps";
import { groupName } from "../../src/junction/groupName";
import { bars, why } from "../../src/junction/why";
import { failingDetectors } from "../../src/sentence";
import { readViews, withView, withoutView } from "../../src/city/viewList";
import { settle } from "../../src/junction/labels";
import { squareKm } from "../../src/pages/area";
import { decode } from "../../src/pages/polyline";
import { sentence, type Known } from "../../src/sentence";

test("level of service by share of free-flow speed", () => {
  const check = (share: number | null, los: string | null) => expect(classOf(share)).toBe(los);
  check(81, "A");
  check(80, "B");
  check(67, "C");
  check(50, "D");
  check(40, "E");
  check(30, "F");
  check(0, "F");
  check(null, null);
  check(Number.NaN, null);
});

describe("the sentence", () => {
  const alarm = (priority: number) => ({ priority }) as Alarm;
  const health = { time_zone: "UTC", status: "ok", broker: { state: "up", since: 0 }, store: { state: "up" } } as Health;
  const check = (known: Partial<Known>, en: string) => {
    const said = sentence("en", { contact: "live", health, alarms: [], heardAt: 0, now: 0, ...known });
    expect(`${said.first} ${said.rest}`.replaceAll("\u00a0", " ")).toBe(en);
  };
  test("says what needs action first", () => {
    check({}, "Nothing needs action. The city runs as usual");
    check({ alarms: [alarm(1), alarm(2), alarm(3)] }, "2 need action. The rest of the city runs as usual");
    check({ alarms: [alarm(3)] }, "Nothing needs action. 1 alarm is being watched");
    check({ health: { ...health, broker: { state: "down", since: 3_600_000, detail: "" } } }, "The message broker is down since 01:00:00. Junctions run their local plans");
    check({ health: { ...health, store: { ...health.store, state: "down" } } }, "History is not being written. Control goes on");
  });
  test("never shows silence as health", () => {
    check({ contact: "waiting", health: null }, "Waiting for the centre. Nothing has been received yet");
    check({ contact: "cut", health: null }, "No contact with the centre. Nothing has been received yet");
    check({ contact: "cut", heardAt: 1000, now: 13_000 }, "No contact with the centre. Shown as of 00:00:01, 12 s ago. Trying again");
  });
});

describe("why", () => {
  const decision = (reason: string, facts: Record<string, number>, more: Partial<Decision> = {}): Decision => ({
    number: 1, junction: "a", at: 0, kind: "actuated", stage: 2, before: 1, reason, facts, alternatives: [], limits: [], ...more,
  });
  const check = (of: Decision, en: string) => expect(why("en", of).replaceAll("\u00a0", " ")).toBe(en);
  test("fills a sentence with the numbers of the decision", () => {
    check(decision("gap_out", { gap_s: 3.2, green_s: 22 }), "Nobody has come to stage 1 for 3.2 s, so its green ends after 22 s and stage 2 is next.");
    check(decision("max_red", { group: 4, red_s: 118 }), "Group 4 has been red for 118 s, and now it has its right: stage 2 is next.");
    check(decision("plan_step", { split_s: 30, left_s: 12 }, { before: 2 }), "The plan says so: stage 2 has 30 s, and 12 s of it remain.");
  });
  test("says what a horizon costs, and what the running stage would have cost", () => {
    const scored = (stage: number, chosen: boolean, score: number | null) => ({ stage, chosen, score, unit: "vehicle_s", refused: score === null ? "minimum green" : "" });
    const alternatives = [scored(2, true, 84.2), scored(1, false, 97), scored(3, false, null)];
    const facts = { cost: 84.2, vehicles: 12, saturation: 0.2, green_s: 20 };
    check(decision("horizon", facts, { alternatives }), "Stage 2 costs least over the next half minute: 84 s of waiting, against 97 s if stage 1 went on.");
    check(decision("horizon", facts), "Stage 2 costs least over the next half minute: 84 s of waiting.");
    check(decision("keep_horizon", facts, { before: 2 }), "Stage 2 goes on: to change now would cost more than 84 s of waiting over the next half minute.");
    expect(bars(decision("horizon", facts, { alternatives })).map(({ percent }) => percent)).toEqual([null, 15, null]);
  });
  test("says less when a number is missing, and never shows a hole", () => {
    check(decision("gap_out", {}), "The flow at stage 1 has a gap, so stage 2 is next.");
    check(decision("from_the_future", { gap_s: 2 }), "Reason: from_the_future. gap 2 s.");
  });
  test("compares with the chosen one", () => {
    const alternatives = [{ stage: 1, chosen: true, score: 20, unit: "vehicles", refused: "" }, { stage: 2, chosen: false, score: 15, unit: "vehicles", refused: "" }];
    expect(bars(decision("x", {}, { alternatives })).map(({ share, percent }) => [share, percent])).toEqual([[1, null], [0.75, -25]]);
  });
});

test("group names in words", () => {
  const check = (name: string, kind: string, en: string, ru: string) => {
    expect(groupName("en", { local: name, en: "" }, kind).replaceAll("\u00a0", " ")).toBe(en);
    expect(groupName("ru", { local: name, en: "" }, kind).replaceAll("\u00a0", " ")).toBe(ru);
  };
  check("Mokhovaya St ↑", "vehicles", "Mokhovaya St, straight", "Mokhovaya St, прямо");
  check("Arbat ↶↰", "vehicles", "Arbat, U-turn and left", "Arbat, разворот и налево");
  check("A ↰, B ↑", "vehicles", "A, left; B, straight", "A, налево; B, прямо");
  check("Arbat 🚶", "pedestrians", "Arbat", "Arbat");
  check("🚶", "pedestrians", "people on foot", "пешеходы");
  check("Garden Ring, east", "vehicles", "Garden Ring, east", "Garden Ring, east");
});

describe("lamp bars", () => {
  const group: Group = { number: 1, kind: "vehicles", name: { local: "", en: "" }, lamp: "green", since: 40, min_green_s: 5, flashing_green_s: 3, amber_s: 3, next_change: null };
  const text = (list: { from: number; to: number; lamp: string }[]) => list.map(({ from, to, lamp }) => `${lamp} ${from}-${to}`).join(", ");
  test("the past is what was told; before the first word nothing is known", () => {
    const history = [{ at: 10, group: 1, lamp: "red" }, { at: 30, group: 1, lamp: "green" }, { at: 20, group: 2, lamp: "amber" }];
    expect(text(past(history, 1, 0, 50, { lamp: "green", since: 30 }))).toBe("red 10-30, green 30-50");
    expect(text(past(history, 3, 0, 50, { lamp: "red", since: -99 }))).toBe("red 0-50");
    expect(past([], 3, 0, 50, { lamp: null, since: null })).toEqual([]);
  });
  test("the future comes from the expected stages, with flashing green and amber at the end", () => {
    const change = (at: number) => ({ at, earliest: at, latest: at });
    const stages = [{ number: 1, green: [1] }, { number: 2, green: [2] }];
    const forecast = [{ stage: 1, begins: change(0), ends: change(20_000) }, { stage: 2, begins: change(26_000), ends: change(40_000) }];
    expect(text(expected(group, stages, forecast, 10_000, 90_000))).toBe("green 10000-17000, flashing_green 17000-20000, amber 20000-23000, red 23000-40000");
    expect(expected(group, stages, [], 10_000, 90_000)).toEqual([]);
  });
});

describe("the drawing", () => {
  // Two lanes in from the west, one out to the east and one out to the west: traffic keeps right.
  const lane = (link: string, inbound: boolean, line: [number, number][], groups: number[] = []): LaneDrawing => ({ link, name: { local: "", en: "" }, inbound, line, width_m: 3, groups, turns: [] });
  const lanes = [
    lane("w", true, [[-60, -4.5], [-10, -4.5]], [1]),
    lane("w", true, [[-60, -1.5], [-10, -1.5]], [1, 2]),
    lane("-w", false, [[-10, 1.5], [-60, 1.5]]),
    lane("e", false, [[10, -1.5], [60, -1.5]]),
  ];
  const drawing = { lanes, movements: [] };
  test("groups lanes into arms, and puts heads right of the way in", () => {
    const all = arms(drawing);
    expect(all.map((arm) => arm.lanes)).toEqual([[3], [0, 1, 2]]);
    expect(heads(drawing, all).map(({ group, at }) => [group, ...at.map(Math.round)])).toEqual([[1, -10, -6], [2, -10, -6]]);
    expect(outline(all)).toHaveLength(2);
  });
  test("marks lanes of one way with dashes and the middle with a line", () => {
    expect(marks(drawing).map(({ kind, line }) => [kind, Math.round(line[0]?.[1] ?? 9)])).toEqual([["lane", -3], ["centre", 0]]);
  });
  test("beside keeps right", () => expect(beside([[0, 0], [10, 0]], 2)).toEqual([[0, -2], [10, -2]]));
});

test("detectors that are not believed are named by junction and channel", () => {
  const alarm = (junction: string | null, component: string): Alarm => ({ id: "", junction, code: "detector_implausible", component, priority: 3, since: 0, message: "" }) as Alarm;
  expect(failingDetectors([alarm("7", "dl/12"), alarm("7", "dl/3"), alarm("7", "dl/12"), alarm(null, "dl/4"), alarm("8", "lamp/2")])).toEqual(["7 12", "7 3"]);
});

test("polylines of any precision", () => {
  const check = (text: string, precision: number, points: number[][]) => expect(decode(text, precision)).toEqual(points);
  check("_p~iF~ps|U_ulLnnqC_mqNvxq`@", 5, [[-120.2, 38.5], [-120.95, 40.7], [-126.453, 43.252]]);
  check("", 7, []);
  check("_p~iF", 5, []);
});

test("the address says where the page is", async () => {
  vi.stubGlobal("location", { hash: "#/junction/a%2F1" });
  vi.stubGlobal("addEventListener", () => {});
  const { parse, write } = await import("../../src/route");
  const check = (hash: string, screen: string, id: string | null, query = {}) => expect(parse(hash)).toEqual({ screen, id, query });
  check("", "city", null);
  check("#/nowhere", "city", null);
  check("#/junction", "city", null);
  check("#/junction/a%2F1", "junction", "a/1");
  check("#/city?junction=7&at=37.6,55.7", "city", null, { junction: "7", at: "37.6,55.7" });
  expect(write({ screen: "city", id: null, query: { at: "37.6,55.7", junction: "7" } })).toBe("#/city?at=37.6,55.7&junction=7");
  expect(write(parse("#/junction/a%2F1"))).toBe("#/junction/a%2F1");
});

test("what is noted after a link was followed does not call the old screen back", async () => {
  const address = { hash: "#/city" };
  vi.stubGlobal("location", address);
  vi.stubGlobal("history", { state: null, replaceState: (_state: unknown, _title: string, to: string) => (address.hash = to) });
  const heard: (() => void)[] = [];
  vi.stubGlobal("addEventListener", (_event: string, hear: () => void) => heard.push(hear));
  vi.resetModules();
  const { note, place } = await import("../../src/route");
  note({ zoom: "13" });
  expect(address.hash).toBe("#/city?zoom=13");
  address.hash = "#/junction/7";
  // The map of the city comes to rest before the page hears of its new address.
  note({ zoom: "14" });
  for (const hear of heard) hear();
  expect(place.value).toEqual({ screen: "junction", id: "7", query: {} });
});

test("the area of ground, holes aside", () => {
  const square = (lon: number, lat: number, d: number) => [[lon, lat], [lon + d, lat], [lon + d, lat + d], [lon, lat + d], [lon, lat]];
  const km2 = squareKm({ type: "MultiPolygon", coordinates: [[square(37.6, 55.7, 0.1)], [square(38, 55.7, 0.1), square(38.02, 55.72, 0.05)]] });
  // A tenth of a degree is 11.12 km north, and 6.27 km east there.
  expect(km2 / 69.7).toBeCloseTo(1 + 0.75, 2);
});

test("names stand where nothing else does, and not outside", () => {
  const within = { x: 0, y: 0, width: 400, height: 300 };
  const spot = (x: number, y: number) => ({ x, y, anchor: "start" as const });
  const name = { text: "Street", spots: [spot(10, 20), spot(10, 60), spot(390, 20)] };
  expect(settle([name], [], within)).toEqual([spot(10, 20)]);
  expect(settle([name, name], [], within)).toEqual([spot(10, 20), spot(10, 60)]);
  expect(settle([name], [{ x: 0, y: 0, width: 60, height: 30 }], within)).toEqual([spot(10, 60)]);
  // Nowhere is free: where least is hidden.
  expect(settle([name], [{ x: 0, y: 0, width: 400, height: 50 }], within)).toEqual([spot(10, 60)]);
});

test("saved views: kept under their names, and nothing else is read", () => {
  const first = withView("", "Кольцо", "#/city?zoom=12");
  const two = withView(first, "Bridge", "#/city?zoom=15");
  expect(readViews(withView(two, "Кольцо", "#/city?zoom=11")).map(({ name, at }) => `${name} ${at}`)).toEqual(["Bridge #/city?zoom=15", "Кольцо #/city?zoom=11"]);
  expect(readViews(withoutView(two, "Bridge"))).toEqual([{ name: "Кольцо", at: "#/city?zoom=12" }]);
  for (const junk of ["{", "7", '[{"name":"x","at":"javascript:alert(1)"},null]']) expect(readViews(junk)).toEqual([]);
});
