import { describe, expect, test } from "vitest";
import { clockOfMinute, cycleOf, dayOf, minuteOfClock, samePlan, withSplit, type Edited } from "../../src/plans/edit";

const plan = (steps: [number, number][], offset_s = 0): Edited => ({ base: 1, offset_s, steps, hours: [], reason: "r" });

describe("a split", () => {
  test("takes what it gains from the next stage, and the cycle stays", () => {
    const next = withSplit(plan([[1, 40], [2, 30], [3, 20]]), 1, 35, true);
    expect(next.steps).toEqual([[1, 40], [2, 35], [3, 15]]);
    expect(cycleOf(next.steps)).toBe(90);
    expect(withSplit(next, 2, 20, true).steps).toEqual([[1, 35], [2, 35], [3, 20]]);
  });
  test("cannot take more than the next stage has", () => {
    expect(withSplit(plan([[1, 40], [2, 30]]), 0, 95, true).steps).toEqual([[1, 70], [2, 0]]);
  });
  test("changes the cycle alone where one wants that, and the offset stays within it", () => {
    const next = withSplit(plan([[1, 40], [2, 40]], 75), 1, 20, false);
    expect([cycleOf(next.steps), next.offset_s]).toEqual([60, 15]);
  });
  test("counts in tenths without crumbs", () => {
    expect(cycleOf(withSplit(plan([[1, 20.1], [2, 20.2]]), 0, 20.3, true).steps)).toBe(40.3);
  });
  test("leaves what was there as it was", () => {
    const before = plan([[1, 40], [2, 30]]);
    withSplit(before, 0, 50, true);
    expect(samePlan(before, plan([[1, 40], [2, 30]]))).toBe(true);
  });
});

test("a day begins with what ran the evening before", () => {
  const schedule = [{ days: 0b001_1111, from_minute: 420, plan: 2 }, { days: 0b001_1111, from_minute: 1200, plan: 3 }];
  expect(dayOf(schedule, 1, 1)).toEqual([[0, 420, 3], [420, 1200, 2], [1200, 1440, 3]]);
  // On Monday nothing is left of Sunday, which has no entry.
  expect(dayOf(schedule, 0, 1)).toEqual([[0, 420, 1], [420, 1200, 2], [1200, 1440, 3]]);
  expect(dayOf([], 3, 1)).toEqual([[0, 1440, 1]]);
  expect(dayOf([{ days: 127, from_minute: 0, plan: 5 }], 3, 1)).toEqual([[0, 1440, 5]]);
});

test("minutes are written and read as a clock", () => {
  const check = (text: string, minute: number | null) => expect(minuteOfClock(text), text).toBe(minute);
  check("07:05", 425);
  check("7:05", 425);
  check("24:00", 1440);
  check("24:01", null);
  check("7:60", null);
  check("morning", null);
  expect(clockOfMinute(425)).toBe("07:05");
});
