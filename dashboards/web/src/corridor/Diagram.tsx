// The time-space diagram: seconds to the right, metres upwards, what passes unstopped as bands.

import type { CorridorDetail, CorridorLamps, CorridorStop } from "../api/view";
import { MINUS, NBSP } from "../format";
import { nameOf, num, t } from "../i18n";
import { junctionHref } from "../route";
import { useSize } from "../ui/TimeStrip";
import { changes, mod, type Run, type Way } from "./runs";

/** Seconds that are shown. */
export const SPAN_S = 240;
const LABEL = 168;
const RIGHT = 62;
const TOP = 26;
const FOOT = 46;
/** Rows never stand closer than their labels need. */
const LEAST_GAP = 33;
const AMBER_S = 3;

interface Props {
  /** Whose bands and bars are drawn solid. */
  shown: CorridorDetail;
  /** What the cabinets' plans have. */
  plan: CorridorDetail;
  offsets: readonly number[];
  lamps: CorridorLamps | null;
  /** City time of second 0 of the diagram, ms. */
  begin: number;
  mode: "running" | "draft" | "both";
  selected: number;
  editable: boolean;
  runs: { out: readonly Run[]; back: readonly Run[] };
  onSelect: (i: number) => void;
  onOffset: (i: number, offset: number) => void;
}

export function Diagram(props: Props) {
  const { shown, plan, offsets, lamps, begin, mode, selected, editable, runs } = props;
  const { element, size } = useSize({ width: 900, height: 640 });
  const width = Math.max(480, size.value.width);
  const { stops, cycle_s: cycle } = shown;
  const height = Math.max(size.value.height, TOP + FOOT + (stops.length - 1) * LEAST_GAP + 20);
  const [left, right] = [LABEL, width - RIGHT];
  const x = (s: number) => left + (s / SPAN_S) * (right - left);
  const seconds = (px: number) => (px / (right - left)) * SPAN_S;
  const ys = rows(stops, TOP + 10, height - FOOT - 14);
  const y = (i: number) => ys[i] ?? 0;
  const actual = mode === "running";

  const laps: number[] = [];
  for (let k = -Math.ceil(SPAN_S / cycle) - 3; k <= Math.ceil(SPAN_S / cycle) + 3; k += 1) laps.push(k * cycle);
  const bands = (way: Way, of: CorridorDetail) => {
    const band = way === "out" ? of.band : of.band_back;
    if (!band || band.lasts_s <= 0) return [];
    const fronts = of.stops.flatMap((stop, i): [number, number][] => {
      const front = way === "out" ? stop.front_s : stop.front_back_s;
      return front === null ? [] : [[i, front]];
    });
    const least = Math.min(...fronts.map(([, front]) => front));
    const turn = Math.floor(least / cycle) * cycle;
    return laps.map((lap) => {
      const edge = (more: number) => fronts.map(([i, front]) => `${x(front - turn + lap + more).toFixed(1)},${y(i).toFixed(1)}`);
      return [...edge(0), ...edge(band.lasts_s).reverse()].join(" ");
    });
  };
  const width0 = shown.stops[0]?.front_s ?? null;
  const bandAt = width0 === null || shown.band.lasts_s <= 0 ? null : mod(width0, cycle) + (mod(width0, cycle) < 60 ? cycle : 0);

  return (
    <div class="tsd-box" ref={element}>
      <svg class={`tsd ${mode}`} width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="group" aria-label={t("cor.diagram")}>
        <defs>
          <clipPath id="tsd-clip"><rect x={left} y="0" width={Math.max(0, right - left)} height={height} /></clipPath>
          <pattern id="band-back" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <line x1="0" y1="0" x2="0" y2="7" class="band-hatch" />
          </pattern>
        </defs>
        {Array.from({ length: SPAN_S / 20 + 1 }, (_, i) => i * 20).map((s) => (
          <g>
            <line class="grid" x1={x(s)} x2={x(s)} y1={TOP - 10} y2={height - FOOT} />
            <text class="axis" x={x(s)} y={height - FOOT + 20} text-anchor="middle">{s}</text>
          </g>
        ))}
        <text class="axis" x={right} y={height - FOOT + 38} text-anchor="end">{t("cor.axis")}</text>
        <g clip-path="url(#tsd-clip)">
          {bands("out", shown).map((points) => <polygon class="band-out" points={points} />)}
          {bands("back", shown).map((points) => <polygon class="band-in" points={points} />)}
          {mode === "both" && bands("out", plan).map((points) => <polygon class="band-was" points={points} />)}
          {(["out", "back"] as const).map((way) => runs[way].map((run) => (
            <polyline class={`run ${way}`} points={run.points.map(([i, s]) => `${x(s).toFixed(1)},${y(i).toFixed(1)}`).join(" ")} />
          )))}
        </g>
        {stops.map((stop, i) => {
          const was = plan.stops[i]?.planned_offset_s ?? 0;
          const offset = offsets[i] ?? stop.offset_s;
          const moved = Math.abs(offset - was) >= 0.05;
          const here = i === selected;
          return (
            <g class={`tsd-row${here ? " here" : ""}`}>
              {here && !actual && <rect class="tsd-frame" x={left} y={y(i) - 20} width={right - left} height="31" rx="4" />}
              <g clip-path="url(#tsd-clip)">
                {actual
                  ? <Lamps changes={changes(lamps, i, "out", begin)} until={lamps ? (lamps.to - begin) / 1000 : 0} x={x} y={y(i)} />
                  : <Planned green={stop.green} offset={offset} cycle={cycle} laps={laps} x={x} y={y(i)} />}
                {(actual || moved) && stop.green && laps.map((lap) => (
                  <rect class="tsd-wanted" x={x(was + (stop.green?.[0] ?? 0) + lap)} y={y(i) - 15} width={Math.max(0, x(stop.green?.[1] ?? 0) - left)} height="7" />
                ))}
              </g>
              <a href={junctionHref(stop.junction)}><text class="tsd-name" x={left - 14} y={y(i) - 1} text-anchor="end">{short(nameOf(stop.name))}<title>{nameOf(stop.name)}</title></text></a>
              <text class="tsd-offset" x={left - 14} y={y(i) + 13} text-anchor="end">{t("cor.offset", { x: num(offset, Number.isInteger(offset) ? 0 : 1) })}</text>
              <text class="axis" x={right + 10} y={y(i) + 4}>{t("journey.m", { x: num(stop.at_m) })}</text>
              {editable && stop.green && <Handle {...{ stop, i, offset, was, cycle, here, x, seconds, y: y(i), right }} onSelect={props.onSelect} onOffset={props.onOffset} />}
            </g>
          );
        })}
        {bandAt !== null && (
          <g class="tsd-width" transform={`translate(0 ${y(0) - 20})`}>
            <path d={`M${x(bandAt)} -4V4M${x(bandAt)} 0H${x(bandAt + shown.band.lasts_s)}M${x(bandAt + shown.band.lasts_s)} -4V4`} />
            <text x={x(bandAt + shown.band.lasts_s / 2)} y="-7" text-anchor="middle">{t("sg.seconds", { x: num(shown.band.lasts_s) })}</text>
          </g>
        )}
      </svg>
    </div>
  );
}

/** Where each stop stands: by its distance, moved apart as far as labels need. */
function rows(stops: readonly CorridorStop[], top: number, foot: number): number[] {
  const most = Math.max(1, ...stops.map((stop) => stop.at_m));
  const at = stops.map((stop) => foot - (stop.at_m / most) * (foot - top));
  for (let i = 1; i < at.length; i += 1) at[i] = Math.min(at[i] ?? 0, (at[i - 1] ?? 0) - LEAST_GAP);
  const last = at.length - 1;
  if ((at[last] ?? top) < top) {
    at[last] = top;
    for (let i = last - 1; i >= 0; i -= 1) at[i] = Math.max(at[i] ?? 0, (at[i + 1] ?? 0) + LEAST_GAP);
  }
  return at;
}

const short = (name: string): string => (name.length > 24 ? `${name.slice(0, 23)}…` : name);

function Planned({ green, offset, cycle, laps, x, y }: { green: [number, number] | null; offset: number; cycle: number; laps: number[]; x: (s: number) => number; y: number }) {
  if (!green) return <rect x={x(0)} y={y - 5} width={x(SPAN_S) - x(0)} height="10" fill="url(#hatch-wide)" />;
  const [begins, lasts] = green;
  const from = mod(offset + begins, cycle);
  const wide = (s: number) => x(s) - x(0);
  return (
    <>
      <rect x={x(0)} y={y - 1.5} width={wide(SPAN_S)} height="3" fill="var(--lamp-red)" />
      {laps.map((lap) => (
        <>
          <rect x={x(from + lap)} y={y - 5} width={wide(lasts)} height="10" fill="var(--lamp-green)" />
          <rect x={x(from + lap + lasts)} y={y - 3} width={wide(AMBER_S)} height="6" fill="var(--lamp-amber)" />
        </>
      ))}
    </>
  );
}

/** What the lamps showed; hatched where nothing is known. */
function Lamps({ changes: all, until, x, y }: { changes: [number, string][]; until: number; x: (s: number) => number; y: number }) {
  const end = Math.min(SPAN_S, until);
  const known = all[0]?.[0] ?? end;
  const height: Record<string, number> = { green: 10, amber: 6, red: 3 };
  return (
    <>
      {known > 0 && <rect x={x(0)} y={y - 4} width={Math.max(0, x(Math.min(known, end)) - x(0))} height="8" fill="url(#hatch-wide)" />}
      {all.map(([at, lamp], i) => {
        const [from, to] = [Math.max(0, at), Math.min(end, all[i + 1]?.[0] ?? end)];
        if (to <= from) return null;
        const h = height[lamp] ?? 3;
        return <rect x={x(from)} y={y - h / 2} width={x(to) - x(from)} height={h} fill={`var(--lamp-${lamp})`} />;
      })}
    </>
  );
}

interface HandleProps {
  stop: CorridorStop; i: number; offset: number; was: number; cycle: number; here: boolean; right: number;
  x: (s: number) => number; seconds: (px: number) => number; y: number;
  onSelect: (i: number) => void; onOffset: (i: number, offset: number) => void;
}

/** Takes an offset along by hand or by keys. */
function Handle({ stop, i, offset, was, cycle, here, right, x, seconds, y, onSelect, onOffset }: HandleProps) {
  const from = mod(offset + (stop.green?.[0] ?? 0), cycle);
  const at = from < 40 ? from + cycle : from;
  const delta = mod(offset - was + cycle / 2, cycle) - cycle / 2;
  const words = t("cor.offset", { x: num(offset) });
  const change = Math.abs(delta) < 0.05 ? "" : ` ${t("cor.was", { x: num(was), d: `${delta < 0 ? MINUS : "+"}${num(Math.abs(delta))}` })}`;
  const place = Math.min(x(at), right - 8);
  return (
    <g
      class="tsd-handle"
      tabIndex={0}
      role="slider"
      aria-label={nameOf(stop.name)}
      aria-valuemin={0}
      aria-valuemax={Math.round(cycle)}
      aria-valuenow={Math.round(offset)}
      aria-valuetext={words + change}
      data-stop={i}
      onFocus={() => onSelect(i)}
      onPointerDown={(event) => {
        const target = event.currentTarget;
        target.setPointerCapture(event.pointerId);
        target.focus();
        const begin = event.clientX;
        const move = (next: PointerEvent) => onOffset(i, mod(Math.round(offset + seconds(next.clientX - begin)), cycle));
        const end = () => {
          target.removeEventListener("pointermove", move);
          target.removeEventListener("pointerup", end);
          target.removeEventListener("pointercancel", end);
        };
        target.addEventListener("pointermove", move);
        target.addEventListener("pointerup", end);
        target.addEventListener("pointercancel", end);
      }}
      onKeyDown={(event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (step !== undefined) {
          event.preventDefault();
          onOffset(i, mod(Math.round(offset + step * (event.shiftKey ? 5 : 1)), cycle));
        }
      }}
    >
      <rect class="tsd-reach" x={place - 12} y={y - 14} width="24" height="28" />
      <rect class="tsd-grip" x={place - 8} y={y - 11} width="16" height="22" rx="3" />
      <path class="tsd-ridges" d={`M${place - 3} ${y - 4}v8M${place} ${y - 4}v8M${place + 3} ${y - 4}v8`} />
      {here && change !== "" && (
        <g transform={`translate(${Math.min(place + 16, right - 150)} ${y + 18})`}>
          <rect class="tsd-say" x="-8" y="-1" width="158" height="22" rx="4" />
          <text class="tsd-said" y="14"><tspan class="strong">{words}</tspan>{NBSP}{change}</text>
        </g>
      )}
    </g>
  );
}
