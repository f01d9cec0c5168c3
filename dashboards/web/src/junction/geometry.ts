// From lanes in metres to what is drawn: kerbs, lane marks, stop lines, places for heads. Pure; y points north here.

import type { Drawing, LaneDrawing, Metres } from "../api/view";

export const add = (a: Metres, b: Metres, k = 1): Metres => [a[0] + b[0] * k, a[1] + b[1] * k];
const sub = (a: Metres, b: Metres): Metres => [a[0] - b[0], a[1] - b[1]];
const dot = (a: Metres, b: Metres): number => a[0] * b[0] + a[1] * b[1];
const size = (a: Metres): number => Math.hypot(a[0], a[1]);
export function unit(a: Metres): Metres {
  const n = size(a) || 1;
  return [a[0] / n, a[1] / n];
}
/** To the right of a way. */
export const rightOf = (d: Metres): Metres => [d[1], -d[0]];

/** The line moved to its right by so many metres. */
export function beside(line: readonly Metres[], offset: number): Metres[] {
  return line.map((p, i): Metres => {
    const before = line[i - 1] ?? p;
    const after = line[i + 1] ?? p;
    return add(p, rightOf(unit(sub(after, before))), offset);
  });
}

/** The last `length` metres of a line, ending where it ends. */
export function tail(line: readonly Metres[], length: number): Metres[] {
  const out: Metres[] = [];
  let left = length;
  for (let i = line.length - 1; i >= 0; i -= 1) {
    const p = line[i] as Metres;
    const later = out.at(-1);
    if (later) {
      const step = size(sub(later, p));
      if (step >= left) {
        out.push(add(later, unit(sub(p, later)), left));
        break;
      }
      left -= step;
    }
    out.push(p);
  }
  return out.reverse();
}

/** The point so many metres before the end of a line, and the way there. */
export function before(line: readonly Metres[], metres: number): { at: Metres; way: Metres } {
  const cut = tail(line, Math.max(metres, 0.01));
  const a: Metres = cut[0] ?? [0, 0];
  const b: Metres = cut[1] ?? [0, 0];
  return { at: metres <= 0 ? (line.at(-1) ?? [0, 0]) : a, way: unit(sub(b, a)) };
}

export interface Arm {
  /** Out of the junction. */
  way: Metres;
  lanes: number[];
  inbound: number[];
  /** Mouth corners, seen from the junction: at the left and at the right. */
  left: Metres;
  right: Metres;
}

/** The mouth of a lane: where it meets the junction, and the way out from there. */
function mouth(lane: LaneDrawing): { at: Metres; out: Metres } {
  const line = lane.inbound ? [...lane.line].reverse() : lane.line;
  const a: Metres = line[0] ?? [0, 0];
  const b: Metres = line[1] ?? [0, 0];
  return { at: a, out: unit(sub(b, a)) };
}

/** Lanes that leave within so many radians of each other belong to one arm. */
const SAME_ARM = 0.62;

/** The arms around the junction, counterclockwise from east. */
export function arms({ lanes }: Drawing): Arm[] {
  const found: { way: Metres; lanes: number[] }[] = [];
  lanes.forEach((lane, i) => {
    const { out } = mouth(lane);
    const arm = found.find((one) => Math.acos(Math.max(-1, Math.min(1, dot(unit(one.way), out)))) < SAME_ARM);
    if (arm) {
      arm.lanes.push(i);
      arm.way = add(arm.way, out);
    } else found.push({ way: [out[0], out[1]], lanes: [i] });
  });
  return found
    .map((arm): Arm => {
      const way = unit(arm.way);
      const right = rightOf(way);
      let [least, most] = [Infinity, -Infinity];
      let along = Infinity;
      for (const i of arm.lanes) {
        const lane = lanes[i] as LaneDrawing;
        const { at } = mouth(lane);
        const across = dot(at, right);
        least = Math.min(least, across - lane.width_m / 2);
        most = Math.max(most, across + lane.width_m / 2);
        along = Math.min(along, dot(at, way));
      }
      const corner = (across: number): Metres => add(add([0, 0], way, along), right, across);
      return { way, lanes: arm.lanes, inbound: arm.lanes.filter((i) => lanes[i]?.inbound), left: corner(least), right: corner(most) };
    })
    .sort((a, b) => Math.atan2(a.way[1], a.way[0]) - Math.atan2(b.way[1], b.way[0]));
}

/** Where two kerb lines would meet, if that is between the mouths. */
function meeting(p: Metres, d: Metres, q: Metres, e: Metres): Metres | null {
  const det = d[0] * e[1] - d[1] * e[0];
  if (Math.abs(det) < 0.15) return null;
  const w = sub(q, p);
  const s = (w[0] * e[1] - w[1] * e[0]) / det;
  const at = add(p, d, s);
  // Inside: towards the junction from both mouths, and not across it.
  return s < 0 && s > -60 && dot(sub(at, q), e) < 0 ? at : null;
}

/** A lane carried on to its arm's mouth, where it stops or begins before it. */
export function toMouth(lane: LaneDrawing, arm: Arm | undefined): Metres[] {
  if (!arm) return lane.line;
  const { at } = mouth(lane);
  const short = dot(at, arm.way) - dot(arm.left, arm.way);
  if (short < 0.05) return lane.line;
  const end = add(at, arm.way, -short);
  return lane.inbound ? [...lane.line, end] : [end, ...lane.line];
}

export interface Corner { from: Metres; control: Metres | null; to: Metres; mouthTo: Metres }

/** The edge of the junction's surface: for each arm its mouth, then the kerb to the next arm, counterclockwise. */
export function outline(all: readonly Arm[]): Corner[] {
  return all.map((arm, i) => {
    const next = all[(i + 1) % all.length] as Arm;
    // Counterclockwise: this arm's left corner, the next arm's right corner.
    return { from: arm.left, control: meeting(arm.left, arm.way, next.right, next.way), to: next.right, mouthTo: next.left };
  });
}

/** The boundary between two lanes side by side, if they are. */
export function boundary(a: LaneDrawing, b: LaneDrawing): Metres[] | null {
  const [pa, pb] = [mouth(a), mouth(b)];
  if (dot(pa.out, pb.out) < 0.9) return null;
  const across = dot(sub(pb.at, pa.at), rightOf(pa.out));
  const want = (a.width_m + b.width_m) / 2;
  if (Math.abs(Math.abs(across) - want) > 0.9) return null;
  const line = a.inbound ? a.line : [...a.line].reverse();
  // Running towards the junction, its right is the other hand than seen from the junction.
  return beside(line, (across > 0 ? -1 : 1) * (a.width_m / 2));
}

/** All boundaries: dashed within a way, solid between ways in and out. */
export function marks({ lanes }: Drawing): { line: Metres[]; kind: "lane" | "centre" }[] {
  const out: { line: Metres[]; kind: "lane" | "centre" }[] = [];
  for (let i = 0; i < lanes.length; i += 1) {
    for (let j = i + 1; j < lanes.length; j += 1) {
      const [a, b] = [lanes[i] as LaneDrawing, lanes[j] as LaneDrawing];
      if (a.inbound === b.inbound && a.link !== b.link) continue;
      const line = boundary(a, b);
      if (line) out.push({ line, kind: a.inbound === b.inbound ? "lane" : "centre" });
    }
  }
  return out;
}

export interface HeadPlace { group: number; arm: number; at: Metres; way: Metres }

/** One head for each group of each arm: beside the road, right of the way in, at the stop line. */
export function heads(drawing: Drawing, all: readonly Arm[]): HeadPlace[] {
  const out: HeadPlace[] = [];
  all.forEach((arm, a) => {
    const lanes = arm.inbound.map((i) => drawing.lanes[i] as LaneDrawing);
    const groups = [...new Set(lanes.flatMap((lane) => lane.groups))].sort((x, y) => x - y);
    const right = rightOf([-arm.way[0], -arm.way[1]]);
    const edge = lanes.reduce((most, lane) => Math.max(most, dot(lane.line.at(-1) ?? [0, 0], right) + lane.width_m / 2), -Infinity);
    const along = lanes.reduce((least, lane) => Math.min(least, dot(lane.line.at(-1) ?? [0, 0], arm.way)), Infinity);
    for (const group of groups) out.push({ group, arm: a, at: add(add([0, 0], arm.way, along), right, edge), way: arm.way });
  });
  return out;
}

/** How far from the middle the stop lines and mouths lie, m. */
export function reach({ lanes }: Drawing): number {
  return lanes.reduce((most, lane) => Math.max(most, size(mouth(lane).at) + lane.width_m), 12);
}
