// The junction as it lies on the ground: lanes, stop lines, live heads with their countdown, detectors, and the
// movements that have green now. Drawn in pixels from metres, so that signs keep their size.

import type { Detector, Drawing, Group, JunctionDetail, LaneDrawing, Metres } from "../api/view";
import { ago, nameOf, t, tk } from "../i18n";
import { contact, knownUntil } from "../live/live";
import { language } from "../settings";
import { Icon } from "../ui/Icon";
import { AgeRing } from "../ui/signs";
import { useSize } from "../ui/TimeStrip";
import { add, arms, before, heads, marks, outline, reach, rightOf, toMouth, type Arm } from "./geometry";
import { groupName } from "./groupName";
import { settle, type Box, type Spot } from "./labels";

type Pixel = [number, number];

/** Metres beyond the stop lines that are worth the room. */
const BEYOND_M = 30;
/** How much of a lane an area channel's frame takes: a sign, not its true reach. */
const AREA_M = 17;

class Frame {
  readonly scale: number;
  readonly width: number;
  readonly height: number;
  constructor(drawing: Drawing, width: number, height: number) {
    this.width = width;
    this.height = height;
    this.scale = Math.min(width, height) / (2 * (reach(drawing) + BEYOND_M));
  }
  to([x, y]: Metres): Pixel {
    return [this.width / 2 + x * this.scale, this.height / 2 - y * this.scale];
  }
  path(line: readonly Metres[]): string {
    return line.map((p, i) => `${i === 0 ? "M" : "L"}${this.to(p).map((v) => v.toFixed(1)).join(" ")}`).join("");
  }
}

function Surface({ drawing, frame, all }: { drawing: Drawing; frame: Frame; all: readonly Arm[] }) {
  const p = (m: Metres) => frame.to(m).map((v) => v.toFixed(1)).join(" ");
  const corners = outline(all);
  const kerb = (c: (typeof corners)[number]) => (c.control ? `Q${p(c.control)} ${p(c.to)}` : `L${p(c.to)}`);
  const surface = corners.map((c, i) => `${i === 0 ? "M" : "L"}${p(c.from)}${kerb(c)}L${p(c.mouthTo)}`).join("") + "Z";
  // A stop line lies before the mouth; the way between is road too.
  const lanes = drawing.lanes.map((lane, i) => ({ d: frame.path(toMouth(lane, all.find((arm) => arm.lanes.includes(i)))), w: lane.width_m * frame.scale }));
  return (
    <>
      <g class="road-edge">
        {lanes.map(({ d, w }) => <path d={d} stroke-width={w + 2.4} />)}
        {corners.map((c) => <path d={`M${p(c.from)}${kerb(c)}`} stroke-width="2.4" />)}
      </g>
      <g class="road-lane">
        {lanes.map(({ d, w }) => <path d={d} stroke-width={w + 0.7} />)}
        <path class="road-surface" d={surface} />
      </g>
      <g class="road-marks">
        {marks(drawing).map(({ line, kind }) => <path class={kind} d={frame.path(line)} />)}
        {drawing.lanes.filter((lane) => lane.inbound).map((lane) => {
          const { at, way } = before(lane.line, 0.001);
          const end = lane.line.at(-1) ?? at;
          const side = rightOf(way);
          return <path class="stop-line" d={frame.path([add(end, side, lane.width_m / 2), add(end, side, -lane.width_m / 2)])} />;
        })}
      </g>
    </>
  );
}

/** Where a lane may go, as painted on it. */
function Turns({ lane, frame }: { lane: LaneDrawing; frame: Frame }) {
  if (!lane.inbound || lane.turns.length === 0 || lane.width_m * frame.scale < 7) return null;
  const { at, way } = before(lane.line, 11);
  const [x, y] = frame.to(at);
  const angle = (Math.atan2(way[0], way[1]) * 180) / Math.PI;
  const parts: Record<string, string> = {
    straight: "M0 7V-7M-2.6 -4L0 -7.4L2.6 -4",
    right: "M0 7V0Q0 -3.5 3.4 -3.5H4.4M2 -6L4.8 -3.5L2 -1",
    left: "M0 7V0Q0 -3.5 -3.4 -3.5H-4.4M-2 -6L-4.8 -3.5L-2 -1",
    u_turn: "M1.6 7V-2Q1.6 -5.4 -1 -5.4Q-3.6 -5.4 -3.6 -2V1M-5.8 -1L-3.6 1.6L-1.4 -1",
  };
  const size = Math.min(1.15, (lane.width_m * frame.scale) / 12);
  return <path class="turn" transform={`translate(${x} ${y}) rotate(${angle}) scale(${size})`} d={lane.turns.map((turn) => parts[turn] ?? "").join("")} />;
}

function Loop({ detector, lane, frame }: { detector: Detector; lane: LaneDrawing; frame: Frame }) {
  const area = detector.kind === "area";
  const long = area ? AREA_M : 4;
  const { at, way } = before(lane.line, Math.max(0.6, detector.distance_m) + long / 2);
  const [x, y] = frame.to(at);
  const angle = (Math.atan2(way[0], way[1]) * 180) / Math.PI;
  const w = Math.max(5, lane.width_m * frame.scale * (area ? 0.86 : 0.56));
  const h = Math.max(8, long * frame.scale * (area ? 1 : 0.62));
  const box = (grow: number) => ({ x: -w / 2 - grow, y: -h / 2 - grow, width: w + 2 * grow, height: h + 2 * grow, rx: 2 });
  // A loop beyond the drawn part of its road stands at the edge; its words say where it really lies.
  const lies = detector.kind === "advance" ? `, ${t("det.before", { n: Math.round(detector.distance_m) })}` : "";
  const words = `${t("det.title", { n: detector.channel })}${lies}: ${tk(`det.${detector.state}`) ?? detector.state}${detector.count_1m === null ? "" : `, ${t("det.count", { n: detector.count_1m })}`}`;
  return (
    <g class={`loop ${area ? "area " : ""}${detector.state}`} transform={`translate(${x} ${y}) rotate(${angle})`}>
      <title>{words}</title>
      {detector.state === "call" && <rect class="call-ring" {...box(2.6)} />}
      <rect {...box(0)} />
      {detector.queue !== null && detector.queue > 0 && (
        <g transform={`translate(0 ${h / 2 - 6})`}><text transform={`rotate(${-angle})`} y="4" text-anchor="middle">{detector.queue}</text></g>
      )}
    </g>
  );
}

const GREEN = new Set(["green", "flashing_green"]);

/** Movements that have green now: one arrow for each arm's group and turn, from its middle lane. */
function Arrows({ detail, drawing, frame, all }: { detail: JunctionDetail; drawing: Drawing; frame: Frame; all: readonly Arm[] }) {
  const lamp = new Map(detail.groups.map((group) => [group.number, group.lamp ?? ""]));
  const running = detail.stages.find((stage) => stage.number === detail.state.stage);
  const armOf = (lane: number) => all.findIndex((arm) => arm.lanes.includes(lane));
  const kinds = new Map<string, typeof drawing.movements>();
  for (const movement of drawing.movements) {
    if (movement.group === null || !GREEN.has(lamp.get(movement.group) ?? "")) continue;
    const key = `${movement.group}|${armOf(movement.from)}|${armOf(movement.to)}`;
    const list = kinds.get(key);
    if (list) list.push(movement);
    else kinds.set(key, [movement]);
  }
  return (
    <g class="arrows">
      {[...kinds.entries()].map(([key, list]) => {
        const movement = list[Math.floor(list.length / 2)];
        if (!movement) return null;
        const gives = running?.permissive.includes(movement.group ?? -1);
        return <path key={key} class={gives ? "gives-way" : ""} d={frame.path(movement.line)} marker-end="url(#arrow)" />;
      })}
    </g>
  );
}

/** Seconds to the expected change, by the page's clock; null when it cannot be said. */
function left(group: Group): number | null {
  return group.next_change === null ? null : Math.max(0, Math.ceil((group.next_change.at - knownUntil.value) / 1000));
}

function lit(lamp: string | null, which: "red" | "amber" | "green"): boolean {
  switch (lamp) {
    case "red_amber":
      return which !== "green";
    case "flashing_green":
      return which === "green";
    case "flashing_amber":
      return which === "amber";
    default:
      return lamp === which;
  }
}

export function Head({ group, x, y, flip }: { group: Group; x: number; y: number; flip: boolean }) {
  const walking = group.kind === "pedestrians";
  const lamps = walking ? (["red", "green"] as const) : (["red", "amber", "green"] as const);
  const seconds = left(group);
  const h = lamps.length * 12 + 5;
  const words = `${t("sg.row", { n: group.number, name: groupName(language.value, group.name, group.kind), lamp: tk(`lamp.${group.lamp ?? "unknown"}`) ?? "" })}${seconds === null ? "" : `, ${t("sg.seconds", { x: seconds })}`}`;
  const side = flip ? -13 : 13;
  return (
    <g class={`head${group.lamp === null ? " unknown" : ""}`} transform={`translate(${x.toFixed(1)} ${y.toFixed(1)})`} data-group={group.number} data-lamp={group.lamp ?? "unknown"}>
      <title>{words}</title>
      <rect class="case" x="-8" y={-h / 2} width="16" height={h} rx="5" />
      {lamps.map((which, i) => (
        <circle class={`lamp ${which}${lit(group.lamp, which) ? " lit" : ""}${group.lamp?.startsWith("flashing") && lit(group.lamp, which) ? " flashing" : ""}`} cy={-h / 2 + 8.5 + i * 12} r="4.4" />
      ))}
      <text class="head-number" x={side} y={seconds === null ? 4 : -3} text-anchor={flip ? "end" : "start"}>{group.number}{walking ? t("sg.p") : ""}</text>
      {seconds !== null && <text class="head-count" x={side} y="13" text-anchor={flip ? "end" : "start"}>{seconds}</text>}
    </g>
  );
}

/** Street names where the arms leave the picture, or farther in where heads stand there. */
function Names({ drawing, frame, all, taken }: { drawing: Drawing; frame: Frame; all: readonly Arm[]; taken: readonly Box[] }) {
  const names = all.flatMap((arm) => {
    const named = arm.lanes.map((i) => drawing.lanes[i]).find((lane) => lane && nameOf(lane.name) !== "");
    if (!named) return [];
    const flat = Math.abs(arm.way[0]) > Math.abs(arm.way[1]);
    // Out to the frame, then off the road: above it, or to its right.
    const out = Math.min(
      (frame.width / 2 - 14) / Math.max(0.01, Math.abs(arm.way[0]) * frame.scale),
      (frame.height / 2 - 16) / Math.max(0.01, Math.abs(arm.way[1]) * frame.scale),
    );
    const spots = [1, 0.86, 0.72, 0.58].flatMap((part): Spot[] => {
      const sides = [arm.left, arm.right].map((corner) => frame.to(add(corner, arm.way, part * out - (corner[0] * arm.way[0] + corner[1] * arm.way[1]))));
      const [a, b] = sides as [Pixel, Pixel];
      if (flat) {
        const [over, under] = a[1] < b[1] ? [a, b] : [b, a];
        const anchor = arm.way[0] > 0 ? "end" : "start";
        const x = Math.max(14, Math.min(frame.width - 14, over[0]));
        return [{ x, y: over[1] - 10, anchor }, { x, y: under[1] + 20, anchor }];
      }
      const [left, right] = a[0] > b[0] ? [b, a] : [a, b];
      const y = (at: Pixel) => Math.max(24, Math.min(frame.height - 8, at[1] + 4));
      return [{ x: right[0] + 12, y: y(right), anchor: "start" }, { x: left[0] - 12, y: y(left), anchor: "end" }];
    });
    return [{ text: nameOf(named.name), spots }];
  });
  const placed = settle(names, taken, { x: 4, y: 4, width: frame.width - 8, height: frame.height - 8 });
  return (
    <>
      {names.map(({ text }, i) => {
        const spot = placed[i];
        return spot && <text class="street" x={spot.x} y={spot.y} text-anchor={spot.anchor}>{text}</text>;
      })}
    </>
  );
}

export function Picture({ detail }: { detail: JunctionDetail }) {
  const { element, size } = useSize({ width: 590, height: 440 });
  const { drawing } = detail;
  const { width, height } = size.value;
  const age = detail.state.seen_at === null ? null : Math.max(0, (knownUntil.value - detail.state.seen_at) / 1000);
  const seen = detail.detectors.reduce<number | null>((newest, one) => (one.seen_at !== null && (newest === null || one.seen_at > newest) ? one.seen_at : newest), null);
  const detectorAge = seen === null ? null : Math.max(0, (knownUntil.value - seen) / 1000);
  const silent = detail.state.actual === "no_contact" || contact.value === "cut";
  const people = detail.groups.filter((group) => group.kind === "pedestrians");
  return (
    <section class={people.length > 0 ? "picture peopled" : "picture"} aria-label={t("j.drawing")}>
      <div class="picture-box" ref={element}>
        {drawing && width > 10 ? <Scene detail={detail} drawing={drawing} width={width} height={height} /> : !drawing && <p class="state soft">{t("j.noDrawing")}</p>}
      </div>
      {silent && <div class="map-veil hatched" aria-hidden="true" />}
      <p class="picture-age">
        <AgeRing seconds={age} /> {t("j.signals")} {age === null ? "–" : ago(age)}
        {detail.detectors.length > 0 && <><AgeRing seconds={detectorAge} /> {t("j.detectors")} {detectorAge === null ? "–" : ago(detectorAge)}</>}
      </p>
      {people.length > 0 && (
        <div class="picture-people">
          <span class="label">{t("j.people")}</span>
          <svg width={people.length * 46} height="40" role="img" aria-label={t("j.people")}>
            {people.map((group, i) => <Head key={group.number} group={group} x={12 + i * 46} y={20} flip={false} />)}
          </svg>
        </div>
      )}
      <p class="picture-north"><Icon name="arrowUp" />{t("j.north")}</p>
    </section>
  );
}

function Scene({ detail, drawing, width, height }: { detail: JunctionDetail; drawing: Drawing; width: number; height: number }) {
  const frame = new Frame(drawing, width, height);
  const all = arms(drawing);
  const byNumber = new Map(detail.groups.map((group) => [group.number, group]));
  const stacked = new Map<number, number>();
  const placed = heads(drawing, all).flatMap((place) => {
    const group = byNumber.get(place.group);
    if (!group || group.kind === "pedestrians") return [];
    const nth = stacked.get(place.arm) ?? 0;
    stacked.set(place.arm, nth + 1);
    const flat = Math.abs(place.way[0]) > Math.abs(place.way[1]);
    const side = rightOf([-place.way[0], -place.way[1]]);
    const [x0, y0] = frame.to(place.at);
    const off = flat ? 30 : 20;
    const step = flat ? 48 : 54;
    const out = flat ? 16 : 26;
    const x = x0 + side[0] * off + place.way[0] * (out + nth * step);
    const y = y0 - side[1] * off - place.way[1] * (out + nth * step);
    return [{ key: `${place.arm}-${place.group}`, group, x, y, flip: side[0] < -0.3 }];
  });
  // What lies over the picture: the ages at the upper left, those on foot at the lower right.
  const people = detail.groups.filter((group) => group.kind === "pedestrians").length;
  const panels: Box[] = [{ x: 0, y: 0, width: 270, height: 44 }];
  if (people > 0) panels.push({ x: width - people * 46 - 34, y: height - 20, width: people * 46 + 34, height: 40 });
  return (
    <svg class="scene" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${t("j.drawing")}: ${nameOf(detail.name)}`}>
      <defs>
        <marker id="arrow" viewBox="-7 -5 8 10" markerWidth="11" markerHeight="13" orient="auto" markerUnits="userSpaceOnUse">
          <path d="M-6 -4L0 0L-6 4" fill="none" stroke="var(--lamp-green)" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round" />
        </marker>
      </defs>
      <Surface drawing={drawing} frame={frame} all={all} />
      {drawing.lanes.map((lane, i) => <Turns key={i} lane={lane} frame={frame} />)}
      {[...detail.detectors].sort((a, b) => Number(b.kind === "area") - Number(a.kind === "area")).map((detector) => {
        const lane = detector.lane === null ? undefined : drawing.lanes[detector.lane];
        return lane && detector.kind !== "push_button" ? <Loop key={detector.channel} detector={detector} lane={lane} frame={frame} /> : null;
      })}
      <Arrows detail={detail} drawing={drawing} frame={frame} all={all} />
      <Names drawing={drawing} frame={frame} all={all} taken={[...placed.map(({ x, y, flip }) => ({ x: flip ? x - 34 : x - 10, y: y - 23, width: 44, height: 46 })), ...panels]} />
      {placed.map(({ key, group, x, y, flip }) => <Head key={key} group={group} x={x} y={y} flip={flip} />)}
    </svg>
  );
}
