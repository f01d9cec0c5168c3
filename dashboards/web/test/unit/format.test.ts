import { describe, expect, test } from "vitest";
import { clock, countdown, date, dayBounds, duration, number, signed, zoneName } from "../../src/format";

test("numbers", () => {
  const check = (value: number, digits: number, ru: string, en: string) => {
    expect(number(value, "ru", digits)).toBe(ru);
    expect(number(value, "en", digits)).toBe(en);
  };
  check(93.6, 1, "93,6", "93.6");
  check(3981, 0, "3\u202f981", "3\u202f981");
  check(1234567.5, 1, "1\u202f234\u202f567,5", "1\u202f234\u202f567.5");
  check(-7, 0, "\u22127", "\u22127");
});

test("signs", () => {
  const check = (value: number, ru: string) => expect(signed(value, "ru")).toBe(ru);
  check(1, "+1");
  check(-7, "\u22127");
  check(0, "0");
  check(-0.2, "0");
});

describe("times", () => {
  const at = Date.UTC(2026, 10, 24, 5, 42, 17);
  test("stand in the city's zone, 24 hours", () => {
    expect(clock(at, "Europe/Moscow", "ru")).toBe("08:42:17");
    expect(clock(at, "Europe/Moscow", "en")).toBe("08:42:17");
    expect(clock(Date.UTC(2026, 0, 1, 21, 0, 0), "Europe/Moscow", "en")).toBe("00:00:00");
    expect(date(at, "Europe/Moscow", "ru")).toBe("вт 24 ноября");
    expect(date(at, "Europe/Moscow", "en")).toBe("Tue 24 Nov");
    expect(zoneName(at, "Europe/Moscow", "ru")).toBe("МСК");
    expect(zoneName(at, "Asia/Yekaterinburg", "en")).toBe("GMT+5");
  });
  test("an unknown zone is UTC, not a crash", () => expect(clock(at, "Mars/Olympus", "en")).toBe("05:42:17"));
});

test("durations are as exact as it helps", () => {
  const check = (seconds: number, ru: string, en: string) => {
    expect(duration(seconds, "ru").replaceAll("\u00a0", " ")).toBe(ru);
    expect(duration(seconds, "en").replaceAll("\u00a0", " ")).toBe(en);
  };
  check(0.42, "0,4 с", "0.4 s");
  check(-1, "0,0 с", "0.0 s");
  check(11, "11 с", "11 s");
  check(119, "119 с", "119 s");
  check(660, "11 мин", "11 min");
  check(7500, "2 ч 05 мин", "2 h 05 min");
  check(200_000, "2 дн", "2 d");
});

test("countdowns never show zero too early", () => {
  const check = (seconds: number, shown: string) => expect(countdown(seconds)).toBe(shown);
  check(31, "0:31");
  check(0.2, "0:01");
  check(-3, "0:00");
  check(725, "12:05");
  check(3725, "1:02:05");
});

test("a day is as long as the clocks of its place make it", () => {
  const check = (day: string, zone: string, later: number, from: string, hours: number) => {
    const bounds = dayBounds(day, zone, later);
    expect(bounds && new Date(bounds[0]).toISOString()).toBe(from);
    expect(bounds && (bounds[1] - bounds[0]) / 3_600_000).toBe(hours);
  };
  check("2026-03-02", "Europe/Moscow", 0, "2026-03-01T21:00:00.000Z", 24);
  check("2026-03-02", "Europe/Moscow", -14, "2026-02-15T21:00:00.000Z", 24);
  check("2026-03-28", "Europe/Berlin", 1, "2026-03-28T23:00:00.000Z", 23);
  check("2026-10-25", "Europe/Berlin", 0, "2026-10-24T22:00:00.000Z", 25);
  expect(dayBounds("soon", "Europe/Moscow")).toBeNull();
});
