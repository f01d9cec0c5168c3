// The outlines of our own signs, as SVG paths around 0,0 with radius about 1: the same for the page's SVG and for
// the map's sprites. Shape is the rung of the ladder; fewer sides, lower rung.

const CIRCLE = "M1 0C1 .552 .552 1 0 1C-.552 1 -1 .552 -1 0C-1 -.552 -.552 -1 0 -1C.552 -1 1 -.552 1 0Z";
const HEXAGON = "M1.08 0L.54 .94H-.54L-1.08 0L-.54 -.94H.54Z";
const SQUARE = "M-.88 -.88H.88V.88H-.88Z";
const BAR = "M-.5 -1.12H.5V1.12H-.5Z";
const TRIANGLE = "M0 -1.12L1.08 .86H-1.08Z";
/** A cross as an outline, so that it fills like the rest. */
const CROSS =
  "M-.95 -.68L-.68 -.95L0 -.27L.68 -.95L.95 -.68L.27 0L.95 .68L.68 .95L0 .27L-.68 .95L-.95 .68L-.27 0Z";

export const RUNGS = ["adaptive", "coordinated", "local_actuated", "fixed", "flashing", "dark"] as const;
export type Rung = (typeof RUNGS)[number];

const BY_RUNG: Record<Rung, string> = {
  adaptive: CIRCLE,
  coordinated: HEXAGON,
  local_actuated: SQUARE,
  fixed: BAR,
  flashing: TRIANGLE,
  dark: CROSS,
};

/** The outline at a radius. The numbers are scaled, not the drawing, so that hatch and dashes keep their size. */
export const sized = (path: string, radius: number): string =>
  path.replace(/-?\d*\.?\d+/g, (number) => String(Math.round(Number(number) * radius * 100) / 100)).replace(/(\d)(?=-)/g, "$1 ");

export const rungPath = (mode: string): string => BY_RUNG[mode as Rung] ?? CIRCLE;

/** Flashing or dark that nobody asked for is the only red glyph. */
export const isAlarming = (actual: string, wanted: string): boolean =>
  (actual === "flashing" || actual === "dark") && wanted !== actual;

export const OCTAGON = "M.414 -1H-.414L-1 -.414V.414L-.414 1H.414L1 .414V-.414Z";
/** Corners rounded by its stroke. */
export const WARNING = "M0 -1L1.05 .85H-1.05Z";
export const alarmPath = (priority: number): string => (priority === 1 ? OCTAGON : priority === 2 ? WARNING : CIRCLE);

/** A vehicle, pointing north. */
export const CHEVRON = "M0 -1L.72 .9L0 .52L-.72 .9Z";
