import { describe, expect, test } from "vitest";
import { NOBODY, STRIDE, finder, mercator, next, within, type Fleet } from "../../src/map/fleet";

const at = (lon: number, lat: number, id = "t1", heading = 90) => ({ id, line: "1", at: [lon, lat] as [number, number], heading, speed_kmh: 30, seen_at: 0 });
const picture = (...vehicles: ReturnType<typeof at>[]) => ({ now: 0, vehicles });
/** Metres between where a vehicle was and where it is. */
const way = ({ data }: Fleet, place = 0) => Math.hypot((data[place + 2] ?? 0) - (data[place] ?? 0), (data[place + 3] ?? 0) - (data[place + 1] ?? 0)) * 40_075_017 * Math.cos((55.75 * Math.PI) / 180);

describe("the fleet as numbers", () => {
  test("the world is a square", () => {
    expect(mercator([0, 0])).toEqual([0.5, 0.5]);
    expect(mercator([-180, 85.051129])[1]).toBeCloseTo(0, 6);
    expect(mercator([180, -85.051129])[0]).toBe(1);
  });

  test("a vehicle comes from where it was, to a decimetre", () => {
    const first = next(NOBODY, picture(at(37.6, 55.75)));
    expect(way(first)).toBe(0);
    const second = next(first, picture(at(37.5, 55.7, "t0"), at(37.6002, 55.75)));
    const place = finder(second)("t1", 0) ?? -1;
    expect(place).toBe(STRIDE);
    expect(way(second, place)).toBeCloseTo(12.53, 1);
    expect(second.data[place + 4]).toBeCloseTo(Math.PI / 2);
  });

  test("one that is suddenly elsewhere did not drive there", () => {
    const first = next(NOBODY, picture(at(37.6, 55.75)));
    expect(way(next(first, picture(at(37.65, 55.75))))).toBe(0);
  });

  test("those in view are counted", () => {
    const fleet = next(next(NOBODY, picture(at(37.6, 55.75), at(37.9, 55.75, "t2"))), picture(at(37.6002, 55.75), at(37.9, 55.75, "t2")));
    const [west, north] = mercator([37.5, 55.8]);
    const [east, south] = mercator([37.7, 55.7]);
    const seen = within(fleet, [west, north, east, south]);
    expect(seen.seen).toBe(1);
    expect(seen.farthest * 360).toBeCloseTo(0.0002, 6);
  });
});
