// Who is near whom.

import type { JunctionSummary, LonLat } from "../api/view";

/** The square of a distance, in degrees of latitude: enough to compare. */
export function apart([lonA, latA]: LonLat, [lonB, latB]: LonLat): number {
  const east = (lonB - lonA) * Math.cos((latA * Math.PI) / 180);
  return east * east + (latB - latA) ** 2;
}

/** The nearest others, the nearest first. */
export function nearest<T extends Pick<JunctionSummary, "id" | "at">>(here: { id: string; at: LonLat }, all: readonly T[], most: number): T[] {
  const others = all.filter((one) => one.id !== here.id).map((one) => ({ one, far: apart(here.at, one.at) }));
  return others.sort((a, b) => a.far - b.far).slice(0, most).map(({ one }) => one);
}
