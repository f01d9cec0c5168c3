// Lines as Google encodes them, with as many digits as the answer says.

import type { Position } from "geojson";

/** Longitude and latitude of each point. An encoding cut short gives the points before the cut. */
export function decode(text: string, precision: number): Position[] {
  const out: Position[] = [];
  const factor = 10 ** precision;
  let [i, lat, lon] = [0, 0, 0];
  const next = (): number | null => {
    // Plain numbers, not bit shifts: seven digits of longitude need more than 31 bits on the way.
    let [value, weight] = [0, 1];
    for (;;) {
      if (i >= text.length) return null;
      const bits = text.charCodeAt(i) - 63;
      i += 1;
      value += (bits % 32) * weight;
      weight *= 32;
      if (bits < 32) break;
    }
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
  };
  for (;;) {
    const [dlat, dlon] = [next(), next()];
    if (dlat === null || dlon === null) return out;
    lat += dlat;
    lon += dlon;
    out.push([lon / factor, lat / factor]);
  }
}
