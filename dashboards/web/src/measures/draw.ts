// Draws a chart on a canvas: pure but for the canvas, so that a picture to take away is drawn like the one on the page.

import type { Series } from "../api/measures";
import type { Tokens } from "../tokens";
import { gaps, ticks, times } from "./compare";

export interface Frame {
  width: number;
  height: number;
  /** What is seen, ms. */
  from: number;
  to: number;
  /** The zone's clock is so far ahead of UTC, ms. */
  ahead: number;
  /** Nothing is known from then on, ms. */
  known: number;
  top: number;
  diagram: boolean;
  clock: (at: number) => string;
  number: (value: number) => string;
}

const LEFT = 44;
const RIGHT = 8;
const HEAD = 8;
const FOOT = 22;
/** A stretch without any point longer than that is hatched, ms. */
const SILENCE_MS = 10 * 60_000;
/** A step that has no successor holds for so long at most, ms. */
const LAST_MS = 15 * 60_000;

export const abscissa = (frame: Frame) => (at: number): number => LEFT + ((at - frame.from) / (frame.to - frame.from)) * (frame.width - LEFT - RIGHT);
export const moment = (frame: Frame, x: number): number => frame.from + ((x - LEFT) / (frame.width - LEFT - RIGHT)) * (frame.to - frame.from);

/** Lines of several groups are told apart by their dash, never by colour alone. */
const DASHES = [[], [6, 4], [2, 3], [9, 3, 2, 3], [1, 2]];

export function draw(c: CanvasRenderingContext2D, series: readonly Series[], frame: Frame, token: Tokens): void {
  const { width, height, from, to, top } = frame;
  const x = abscissa(frame);
  const y = (value: number) => height - FOOT - (value / top) * (height - HEAD - FOOT);
  c.font = `12px ${token("font-dense")}`;
  c.lineWidth = 1;
  c.textBaseline = "middle";
  c.fillStyle = token("text-3");
  c.strokeStyle = token("grid");
  c.textAlign = "end";
  for (const value of ticks(0, top, Math.max(2, height / 56))) {
    line(c, LEFT, y(value), width - RIGHT, y(value));
    c.fillText(frame.number(value), LEFT - 8, y(value));
  }
  c.textAlign = "center";
  for (const at of times(from, to, width / 110, frame.ahead)) {
    line(c, x(at), HEAD, x(at), height - FOOT);
    c.fillText(frame.clock(at), Math.min(width - 18, Math.max(18, x(at))), height - 8);
  }
  c.save();
  c.beginPath();
  c.rect(LEFT, 0, width - LEFT - RIGHT, height - FOOT + 2);
  c.clip();
  if (frame.diagram) diagram(c, series, frame, token, x, y);
  else lines(c, series, frame, token, x, y);
  hatch(c, series, frame, token, x);
  c.restore();
}

function line(c: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  c.beginPath();
  c.moveTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
  c.lineTo(Math.round(x2) + 0.5, Math.round(y2) + 0.5);
  c.stroke();
}

type Scale = (value: number) => number;

/** Purdue's: green begins and cycle ends as lines with the green between them, arrivals as dots. */
function diagram(c: CanvasRenderingContext2D, series: readonly Series[], frame: Frame, token: Tokens, x: Scale, y: Scale): void {
  const of = (key: string) => series.find((one) => one.key === key);
  const [green, end] = [of("green"), of("cycle_end")];
  const until = (one: Series, i: number) => Math.min(one.x[i + 1] ?? Infinity, (one.x[i] ?? 0) + LAST_MS, frame.known);
  if (green && end) {
    const ends = new Map(end.x.map((at, i) => [at, end.y[i] ?? 0]));
    c.fillStyle = token("band");
    green.x.forEach((at, i) => {
      const cycle = ends.get(at);
      if (cycle === undefined) return;
      c.fillRect(x(at), y(cycle), Math.max(0.5, x(until(green, i)) - x(at)), y(green.y[i] ?? 0) - y(cycle));
    });
  }
  for (const [one, colour] of [[end, "lamp-red"], [green, "lamp-green"]] as const) {
    if (!one) continue;
    c.strokeStyle = token(colour);
    c.lineWidth = 1.4;
    stepped(c, one, x, y, until);
  }
  const arrivals = of("arrival");
  if (!arrivals || !green) return;
  // On red or on green: by the cycle in which it came.
  let cycle = 0;
  const [red, lit] = [token("ink-1"), token("ink-2")];
  arrivals.x.forEach((at, i) => {
    while (cycle + 1 < green.x.length && (green.x[cycle + 1] ?? Infinity) <= at) cycle += 1;
    const value = arrivals.y[i] ?? 0;
    const onRed = value < (green.y[cycle] ?? 0);
    const size = onRed ? 2 : 1.3;
    c.fillStyle = onRed ? red : lit;
    c.fillRect(x(at) - size / 2, y(value) - size / 2, size, size);
  });
}

function stepped(c: CanvasRenderingContext2D, one: Series, x: Scale, y: Scale, until: (one: Series, i: number) => number): void {
  c.beginPath();
  let end = -Infinity;
  one.x.forEach((at, i) => {
    const value = y(one.y[i] ?? 0);
    if (at - end > 1000) c.moveTo(x(at), value);
    else c.lineTo(x(at), value);
    end = until(one, i);
    c.lineTo(x(end), value);
  });
  c.stroke();
}

const SIGNS: Record<string, (c: CanvasRenderingContext2D, x: number, y: number) => void> = {
  gap_out: (c, x, y) => c.fillRect(x - 0.6, y - 4, 1.2, 8),
  force_off: (c, x, y) => c.fillRect(x - 0.6, y, 1.2, 4),
  max_out: (c, x, y) => {
    c.beginPath();
    c.moveTo(x, y - 5);
    c.lineTo(x + 4, y + 3);
    c.lineTo(x - 4, y + 3);
    c.fill();
  },
};

function lines(c: CanvasRenderingContext2D, series: readonly Series[], frame: Frame, token: Tokens, x: Scale, y: Scale): void {
  const keys = [...new Set(series.map((one) => one.key))];
  const until = (one: Series, i: number) => Math.min(one.x[i + 1] ?? Infinity, (one.x[i] ?? 0) + LAST_MS, frame.known);
  series.forEach((one, nth) => {
    const second = keys.indexOf(one.key) === 1;
    c.strokeStyle = c.fillStyle = token(second ? "ink-3" : nth === 0 || keys.length > 1 ? "ink-1" : "ink-2");
    c.lineWidth = second ? 1 : 1.5;
    c.setLineDash(DASHES[nth % DASHES.length] ?? []);
    if (one.mark === "steps") stepped(c, one, x, y, until);
    c.setLineDash([]);
    if (one.mark === "bars") {
      const bars = series.filter(({ mark }) => mark === "bars").length;
      one.x.forEach((at, i) => {
        const wide = Math.max(1.5, (x(at + LAST_MS) - x(at) - 3) / bars);
        c.globalAlpha = 1 - 0.14 * (nth % 6);
        c.fillRect(x(at) + 1 + nth * wide, y(one.y[i] ?? 0), Math.max(1, wide - 1), y(0) - y(one.y[i] ?? 0));
      });
      c.globalAlpha = 1;
    }
    if (one.mark === "dots") {
      const sign = SIGNS[one.key] ?? ((k: CanvasRenderingContext2D, px: number, py: number) => k.fillRect(px - 1, py - 1, 2, 2));
      one.x.forEach((at, i) => sign(c, x(at), y(one.y[i] ?? 0)));
    }
  });
}

/** Silence is hatched, never blank and never green. */
function hatch(c: CanvasRenderingContext2D, series: readonly Series[], frame: Frame, token: Tokens, x: Scale): void {
  const bars = series.some(({ mark }) => mark !== "dots");
  const least = SILENCE_MS + (bars ? LAST_MS : 0);
  for (const [a, b] of gaps(series.flatMap((one) => one.x), frame.from, frame.to, least)) {
    const [left, right] = [x(a === frame.from || !bars ? a : a + LAST_MS), x(b)];
    if (right - left < 2) continue;
    c.save();
    c.beginPath();
    c.rect(left, HEAD, right - left, frame.height - HEAD - FOOT);
    c.clip();
    c.strokeStyle = token("hatch");
    c.lineWidth = 1;
    c.globalAlpha = 0.6;
    for (let at = left - frame.height; at < right; at += 6) {
      c.beginPath();
      c.moveTo(at, frame.height);
      c.lineTo(at + frame.height, 0);
      c.stroke();
    }
    c.restore();
  }
}
