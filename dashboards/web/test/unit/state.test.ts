import { describe, expect, test } from "vitest";
import type { JunctionDetail, JunctionState, JunctionSummary } from "../../src/api/view";
import { CityClock } from "../../src/live/clock";
import { dataAge, NOTHING_YET, nowOf, reduce, type Message } from "../../src/live/state";

const state = (id: string, actual: string, more: Partial<JunctionState> = {}): JunctionState => ({
  id, kind: "max-pressure", wanted: "adaptive", actual, rung_reason: "lease held", stage_wanted: 1, stage: 1, interstage: false,
  plan: null, draft: null, seen_at: 1000, late: false, matches: true, hold: false, alarm: null, ...more,
});
const summary = (id: string, actual = "adaptive"): JunctionSummary => ({ id, name: { local: id, en: id }, district: "c", at: [37.6, 55.7], state: state(id, actual) });
const after = (...messages: Message[]) => messages.reduce(reduce, NOTHING_YET);

describe("the stream", () => {
  test("full list, then bare states of changed ones", () => {
    const { junctions } = after(
      { event: "junctions", data: { now: 1, junctions: [summary("a"), summary("b")] } },
      { event: "junctions", data: { now: 2, junctions: [state("b", "fixed")] } },
    );
    expect([...junctions.values()].map(({ id, state: s }) => `${id} ${s.actual}`)).toEqual(["a adaptive", "b fixed"]);
    expect(junctions.get("b")?.name.local).toBe("b");
  });

  test("a bare list is as good as a wrapped one", () => {
    const { junctions } = after({ event: "junctions", data: [summary("a")] }, { event: "junctions", data: [state("a", "dark")] });
    expect(junctions.get("a")?.state.actual).toBe("dark");
  });

  test("a state of an unknown junction shows nothing", () => {
    expect(after({ event: "junctions", data: { junctions: [state("x", "adaptive")] } }).junctions.size).toBe(0);
  });

  test("who is not late was heard each interval, though nothing new was sent of it", () => {
    const quiet = { seen_at: 10_000, late: false };
    expect(dataAge(quiet, 14_500, 14_500)).toBe(1);
    expect(dataAge({ ...quiet, seen_at: 14_300 }, 14_500, 14_500)).toBe(0.2);
    expect(dataAge({ ...quiet, late: true }, 14_500, 14_500)).toBe(4.5);
    expect(dataAge({ seen_at: null, late: true }, 14_500, 14_500)).toBeNull();
  });

  test("a stream that is cut lets every age grow", () => {
    expect(dataAge({ seen_at: 10_000, late: false }, 74_500, 14_500)).toBe(61);
  });

  test("a silent junction keeps the rung it was last heard on", () => {
    const silent = after(
      { event: "junctions", data: [summary("a", "coordinated")] },
      { event: "junctions", data: [state("a", "no_contact")] },
      { event: "junctions", data: [state("a", "no_contact", { alarm: 2 })] },
    );
    expect(silent.junctions.get("a")?.lastKnown).toBe("coordinated");
    expect(after({ event: "junctions", data: [summary("a", "no_contact")] }).junctions.get("a")?.lastKnown).toBeNull();
  });

  test("links are merged, and unknown is not the same as absent", () => {
    const link = (ix: number, los: string | null) => ({ ix, id: String(ix), speed_kmh: los ? 20 : null, travel_time_s: null, los });
    const { links, linksAt } = after({ event: "links", data: { at: 1, links: [link(0, "A"), link(1, "C")] } }, { event: "links", data: { at: 2, links: [link(1, null)] } });
    expect([...links.values()].map(({ ix, los }) => [ix, los])).toEqual([[0, "A"], [1, null]]);
    expect(linksAt).toBe(2);
  });

  test("alarms are always the full list", () => {
    const alarm = { id: "1", junction: "a", name: { local: "", en: "" }, code: "no_contact", component: "", priority: 2, since: 1, done: "none", message: "" };
    expect(NOTHING_YET.alarmsKnown).toBe(false);
    const cleared = after({ event: "alarms", data: { alarms: [alarm] } }, { event: "alarms", data: { alarms: [] } });
    expect(cleared.alarms).toEqual([]);
    expect(cleared.alarmsKnown).toBe(true);
  });

  test("the drawing of the open junction is kept, of another it is not", () => {
    const detail = (id: string, drawing?: JunctionDetail["drawing"]) => ({ ...summary(id), now: 5, ...(drawing ? { drawing } : {}) }) as unknown as JunctionDetail;
    const drawing = { lanes: [], movements: [] };
    expect(after({ event: "junction", data: detail("a", drawing) }, { event: "junction", data: detail("a") }).detail?.drawing).toBe(drawing);
    expect(after({ event: "junction", data: detail("a", drawing) }, { event: "junction", data: detail("b") }).detail?.drawing).toBeUndefined();
    expect(after({ event: "junction", data: detail("a", drawing) }, { event: "close" }).detail).toBeNull();
  });

  test("nothing is changed in place", () => {
    const first = after({ event: "junctions", data: [summary("a")] });
    reduce(first, { event: "junctions", data: [state("a", "dark")] });
    expect(first.junctions.get("a")?.state.actual).toBe("adaptive");
  });
});

describe("the city's clock", () => {
  test("runs on between messages, at the city's speed", () => {
    const clock = new CityClock();
    expect(clock.known).toBe(false);
    clock.hear(10_000, 0, 4);
    expect(clock.now(500)).toBe(12_000);
  });
  test("a late message does not turn it back", () => {
    const clock = new CityClock();
    clock.hear(10_000, 0, 1);
    clock.hear(10_800, 1000);
    expect(clock.now(1000)).toBe(11_000);
  });
  test("a message from ahead, or far behind, sets it", () => {
    const clock = new CityClock();
    clock.hear(10_000, 0, 1);
    clock.hear(12_000, 1000);
    expect(clock.now(1000)).toBe(12_000);
    clock.hear(2000, 2000);
    expect(clock.now(2000)).toBe(2000);
  });
  test("only some messages carry the time", () => {
    expect(nowOf({ event: "alarms", data: { alarms: [] } })).toBeNull();
    expect(nowOf({ event: "vehicles", data: { now: 7, vehicles: [] } })).toBe(7);
  });
});
