// Links are short pieces; a name needs a long line to stand on. Joins the pieces of each street end to end.

import type { Feature, LineString, Position } from "geojson";
import type { LinkProperties } from "../api/view";

export interface StreetProperties { name: string; name_en: string; rank: number; class: string }
export type Street = Feature<LineString, StreetProperties>;

const RANK: Record<string, number> = { motorway: 0, trunk: 1, primary: 2, secondary: 3, tertiary: 4 };
/** Ends closer than about a metre are one place. */
const key = (p: Position): string => `${p[0]?.toFixed(5)},${p[1]?.toFixed(5)}`;

const bearing = (a: Position, b: Position): number =>
  Math.atan2(((b[0] ?? 0) - (a[0] ?? 0)) * Math.cos(((a[1] ?? 0) * Math.PI) / 180), (b[1] ?? 0) - (a[1] ?? 0));

/** The smaller angle between two bearings. */
function turn(a: number, b: number): number {
  const d = Math.abs(a - b) % (2 * Math.PI);
  return d > Math.PI ? 2 * Math.PI - d : d;
}

/** A street does not turn sharper than that into itself. */
const SHARPEST = Math.PI / 3;

interface Piece { line: Position[]; used: boolean }

export function streets(links: readonly Feature<LineString, LinkProperties>[]): Street[] {
  const byName = new Map<string, { name: string; name_en: string; class: string; pieces: Piece[] }>();
  const seen = new Set<string>();
  for (const { properties, geometry } of links) {
    const line = geometry.coordinates;
    const [a, b] = [line[0], line.at(-1)];
    if (!a || !b || (!properties.name && !properties.name_en)) continue;
    // Both directions of one carriageway are one line for a name.
    const ends = [key(a), key(b)].sort().join("|") + (properties.name ?? "");
    if (seen.has(ends)) continue;
    seen.add(ends);
    const name = properties.name || properties.name_en || "";
    const known = byName.get(name);
    if (known) known.pieces.push({ line, used: false });
    else byName.set(name, { name, name_en: properties.name_en || name, class: properties.class, pieces: [{ line, used: false }] });
  }
  const out: Street[] = [];
  for (const street of byName.values()) {
    const at = new Map<string, Piece[]>();
    for (const piece of street.pieces) {
      for (const end of [piece.line[0], piece.line.at(-1)]) {
        if (!end) continue;
        const list = at.get(key(end));
        if (list) list.push(piece);
        else at.set(key(end), [piece]);
      }
    }
    for (const piece of street.pieces) {
      if (piece.used) continue;
      piece.used = true;
      const forward = grow(piece.line, at);
      const line = grow([...forward].reverse(), at);
      const properties = { name: street.name, name_en: street.name_en, class: street.class, rank: RANK[street.class] ?? 5 };
      out.push({ type: "Feature", properties, geometry: { type: "LineString", coordinates: line } });
    }
  }
  return out;
}

/** Carries a line on from its last point as long as a piece goes on without a sharp turn. */
function grow(line: Position[], at: Map<string, Piece[]>): Position[] {
  const grown = [...line];
  for (;;) {
    const end = grown.at(-1);
    const before = grown.at(-2);
    if (!end || !before) return grown;
    const along = bearing(before, end);
    let best: { piece: Piece; points: Position[] } | null = null;
    let least = SHARPEST;
    for (const piece of at.get(key(end)) ?? []) {
      if (piece.used) continue;
      const first = piece.line[0];
      const points = first && key(first) === key(end) ? piece.line : [...piece.line].reverse();
      const [p, q] = points;
      if (!p || !q) continue;
      const angle = turn(along, bearing(p, q));
      if (angle < least) [best, least] = [{ piece, points }, angle];
    }
    if (!best) return grown;
    best.piece.used = true;
    grown.push(...best.points.slice(1));
  }
}

/** The point half-way along a line, and the way it runs there. */
export function middle(line: readonly Position[]): { at: Position; bearing: number } {
  const lengths: number[] = [];
  let total = 0;
  for (let i = 1; i < line.length; i += 1) {
    const [a, b] = [line[i - 1], line[i]];
    const length = a && b ? Math.hypot((b[0] ?? 0) - (a[0] ?? 0), (b[1] ?? 0) - (a[1] ?? 0)) : 0;
    lengths.push(length);
    total += length;
  }
  let left = total / 2;
  for (let i = 0; i < lengths.length; i += 1) {
    const length = lengths[i] ?? 0;
    const [a, b] = [line[i], line[i + 1]];
    if (a && b && (left <= length || i === lengths.length - 1)) {
      const f = length > 0 ? left / length : 0;
      return { at: [(a[0] ?? 0) + ((b[0] ?? 0) - (a[0] ?? 0)) * f, (a[1] ?? 0) + ((b[1] ?? 0) - (a[1] ?? 0)) * f], bearing: bearing(a, b) };
    }
    left -= length;
  }
  return { at: line[0] ?? [0, 0], bearing: 0 };
}
