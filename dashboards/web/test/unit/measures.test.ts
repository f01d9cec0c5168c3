import { describe, expect, it } from "vitest";
import { average, compare, gaps, ticks, times } from "../../src/measures/compare";

const QUARTER = 15 * 60_000;
const bins = (first: number, ...y: number[]) => ({ x: y.map((_, i) => (first + i) * QUARTER), y });

describe("comparing bins", () => {
  it("pairs the same times and leaves out what one of them lacks", () => {
    const found = compare(bins(0, 10, 20, 30, 40), bins(97, 22, 33), 96 * QUARTER);
    expect(found).toMatchObject({ pairs: 2, a: 25, b: 27.5, difference: 2.5, half: null });
    expect(compare(bins(0, 1), bins(5, 1), 0)).toBeNull();
  });
  it("gives the 95 % interval of the mean difference", () => {
    // Differences 1, 2, 3: mean 2, sd 1, t 4.30 over the root of three.
    const found = compare(bins(0, 0, 0, 0), bins(0, 1, 2, 3), 0);
    expect(found?.half).toBeCloseTo(4.3 / Math.sqrt(3), 6);
  });
  it("has no mean of nothing", () => {
    expect(average(bins(0))).toBeNull();
    expect(average(bins(0, 1, 2))).toBe(1.5);
  });
});

describe("axes", () => {
  it("finds silence between points and at the ends", () => {
    expect(gaps([10, 20, 60], 0, 100, 15)).toEqual([[20, 60], [60, 100]]);
    expect(gaps([], 0, 100, 15)).toEqual([[0, 100]]);
  });
  it("has round numbers and whole hours of the place", () => {
    expect(ticks(0, 120, 4)).toEqual([0, 40, 80, 120]);
    const hour = 3_600_000;
    // Half past three in UTC is nine in Kolkata.
    expect(times(3 * hour, 6 * hour, 4, 5.5 * hour)).toEqual([3.5 * hour, 4.5 * hour, 5.5 * hour]);
  });
});
