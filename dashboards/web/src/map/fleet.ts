// Where vehicles are, as numbers that a graphics card takes. Pure: a picture of the fleet in, the next arrays out.

import type { LonLat, Vehicles } from "../api/view";

/** Numbers of one vehicle: where it was and where it is (the world's square, from `origin`), its heading, radians. */
export const STRIDE = 5;
/** Who is farther from where it was than this was not driving: degrees of latitude, about 300 m. */
const LEAP = 0.0027;

/** A place in the square of the Mercator world, 0 to 1, x east and y south. */
export function mercator([lon, lat]: LonLat): [number, number] {
  const south = Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360));
  return [lon / 360 + 0.5, 0.5 - south / (2 * Math.PI)];
}

export interface Fleet {
  /** Single precision is a centimetre only near a point of its own. */
  origin: [number, number];
  /** [`STRIDE`] numbers for each. */
  data: Float32Array;
  count: number;
  /** Whose numbers those are, in their order. */
  ids: readonly string[];
}

export const NOBODY: Fleet = { origin: [0, 0], data: new Float32Array(0), count: 0, ids: [] };

/** Where a vehicle's numbers begin. Pictures of a fleet mostly have it in the same order; only where not, one is looked for. */
export function finder({ ids }: Fleet): (id: string, likely: number) => number | undefined {
  let places: Map<string, number> | null = null;
  return (id, likely) => {
    if (ids[likely] === id) return likely * STRIDE;
    places ??= new Map(ids.map((one, i) => [one, i * STRIDE]));
    return places.get(id);
  };
}

export function next(before: Fleet, { vehicles }: Vehicles): Fleet {
  const [first] = vehicles;
  const origin = before.count > 0 || !first ? before.origin : mercator(first.at);
  const data = new Float32Array(vehicles.length * STRIDE);
  const ids: string[] = [];
  const find = finder(before);
  const leap = LEAP / 360;
  vehicles.forEach(({ id, at, heading }, i) => {
    const [mx, my] = mercator(at);
    const [x, y] = [mx - origin[0], my - origin[1]];
    const place = i * STRIDE;
    const old = find(id, i);
    const [wasX, wasY] = old === undefined ? [x, y] : [before.data[old + 2] ?? x, before.data[old + 3] ?? y];
    const leapt = Math.abs(x - wasX) > leap || Math.abs(y - wasY) > leap;
    data[place] = leapt ? x : wasX;
    data[place + 1] = leapt ? y : wasY;
    data[place + 2] = x;
    data[place + 3] = y;
    data[place + 4] = (heading * Math.PI) / 180;
    ids.push(id);
  });
  return { origin, data, count: vehicles.length, ids };
}

/** How many are within a box of the world's square, and how far at most one of those came, in the world's square. */
export function within({ origin, data, count }: Fleet, [west, north, east, south]: readonly [number, number, number, number]): { seen: number; farthest: number } {
  let seen = 0;
  let farthest = 0;
  for (let place = 0; place < count * STRIDE; place += STRIDE) {
    const x = data[place + 2] ?? 0;
    const y = data[place + 3] ?? 0;
    if (x + origin[0] < west || x + origin[0] > east || y + origin[1] < north || y + origin[1] > south) continue;
    seen += 1;
    farthest = Math.max(farthest, Math.abs(x - (data[place] ?? x)), Math.abs(y - (data[place + 1] ?? y)));
  }
  return { seen, farthest };
}
