// How large a piece of ground is.

import type { MultiPolygon, Position } from "geojson";

const EARTH_M = 6_371_008.8;
const RADIAN = Math.PI / 180;

/** km², on a sphere, ring by ring; holes count against it whichever way they are drawn. */
export function squareKm({ coordinates }: MultiPolygon): number {
  return coordinates.reduce((sum, [outer, ...holes]) => sum + ring(outer ?? []) - holes.reduce((held, hole) => held + ring(hole), 0), 0);
}

/** Chamberlain and Duquette (2007). */
function ring(points: readonly Position[]): number {
  let twice = 0;
  for (let i = 0; i < points.length; i += 1) {
    const [a, b] = [points[i], points[(i + 1) % points.length]];
    twice += ((b?.[0] ?? 0) - (a?.[0] ?? 0)) * RADIAN * (2 + Math.sin((a?.[1] ?? 0) * RADIAN) + Math.sin((b?.[1] ?? 0) * RADIAN));
  }
  return Math.abs((twice * EARTH_M * EARTH_M) / 2) / 1e6;
}
