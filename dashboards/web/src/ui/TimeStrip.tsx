// The strip at the foot: three hours of the speed index, gaps hatched, alarms where they began, and the present.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { clockOf, minuteOf, num, t } from "../i18n";
import { indexAhead, type IndexAhead } from "../api/forecast";
import type { Alarm } from "../api/view";
import { alarms, beat, contact, health, heardAt, knownUntil } from "../live/live";
import { needAction } from "../sentence";
import { Icon } from "./Icon";
import { alarmPath, sized } from "./shapes";
import { AgeRing } from "./signs";

const HOURS = 3;
/** So much ahead is drawn, once something is expected. */
const AHEAD_MIN = 30;
/** The forecast is asked for so often, s; it is made of five minutes. */
const ASK_S = 30;
const MINUTE = 60_000;
const HALF_HOUR = 30 * MINUTE;
/** A hole longer than this between two points, of one a minute, is a gap. */
const GAP = 2.5 * MINUTE;

/** Runs of points without a gap between them, and the gaps. */
export function runsOf(points: readonly [number, number][], gap: number): { runs: [number, number][][]; gaps: [number, number][] } {
  const runs: [number, number][][] = [];
  const gaps: [number, number][] = [];
  for (const point of points) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (run && last && point[0] - last[0] <= gap) run.push(point);
    else {
      if (last) gaps.push([last[0], point[0]]);
      runs.push([point]);
    }
  }
  return { runs, gaps };
}

/** The element's size, kept up to date. */
export function useSize(first: { width: number; height: number }) {
  const element = useRef<HTMLDivElement>(null);
  const size = useSignal(first);
  useEffect(() => {
    const box = element.current;
    if (!box) return undefined;
    const watch = new ResizeObserver(() => (size.value = { width: box.clientWidth, height: box.clientHeight }));
    watch.observe(box);
    return () => watch.disconnect();
  }, []);
  return { element, size };
}

/** `onPick` is where a press leads to: the moment under it. `also` is marked whether it needs action or not. */
export function TimeStrip({ onPick, also }: { onPick?: (at: number) => void; also?: Alarm }) {
  const { element, size } = useSize({ width: 1100, height: 87 });
  const reading = useSignal<number | null>(null);
  const ahead = useSignal<IndexAhead | null>(null);
  const due = Math.floor(beat.value / ASK_S);
  useEffect(() => void indexAhead().then((next) => (ahead.value = next), () => {}), [due]);
  const end = knownUntil.value;
  const { width } = size.value;
  const begin = end - HOURS * 60 * MINUTE;
  const coming = (ahead.value?.points ?? []).filter(({ at }) => at > end && at <= end + AHEAD_MIN * MINUTE);
  // The present leaves room for what is expected, as soon as something is.
  const right = coming.length === 0 ? width - 58 : 10 + ((width - 40) * HOURS * 60) / (HOURS * 60 + AHEAD_MIN);
  const x = (at: number) => 10 + ((at - begin) / (end - begin)) * (right - 10);
  const points = (health.value?.speed_history ?? []).filter(([at]) => at >= begin && at <= end);
  const index = health.value?.speed_index ?? null;
  const all: [number, number][] = index === null || end === 0 ? points : [...points, [end, index]];
  const { runs, gaps } = runsOf(all, GAP);
  const values = [...all.map(([, value]) => value), ...coming.flatMap(({ index, low, high }) => [index, low ?? index, high ?? index])];
  const top = Math.max(100, ...values) + 2;
  const bottom = Math.min(90, ...values) - 2;
  const y = (value: number) => 12 + ((top - value) / (top - bottom)) * 44;
  const ticks: number[] = [];
  const last = coming.length === 0 ? end : end + AHEAD_MIN * MINUTE;
  for (let at = Math.ceil(begin / HALF_HOUR) * HALF_HOUR; at < last && end > 0; at += HALF_HOUR) ticks.push(at);
  const marked = [...new Set([...needAction(alarms.value), ...(also ? [also] : [])])].filter((alarm) => alarm.since > begin && alarm.since <= end);

  const nearest = (at: number) => all.reduce<[number, number] | null>((best, point) => (best === null || Math.abs(point[0] - at) < Math.abs(best[0] - at) ? point : best), null);
  const read = reading.value === null ? null : Math.min(end, Math.max(begin, reading.value));
  const found = read === null ? null : nearest(read);
  const known = found !== null && read !== null && Math.abs(found[0] - read) <= GAP / 2;
  const words = read === null
    ? t("strip.live")
    : known && found ? t("strip.at", { time: minuteOf(found[0]), x: num(found[1], 1) }) : t("strip.gap", { time: minuteOf(read) });
  const cut = contact.value === "cut";

  return (
    <section class="strip" aria-label={t("strip.title")}>
      <div class="strip-side">
        <span class={`strip-now${cut ? " cut" : ""}`}>
          {cut && <AgeRing seconds={null} />}
          {cut ? clockOf(heardAt.value) : t("strip.live")}
        </span>
        {onPick && end > 0 && <button type="button" class="icon-button boxed strip-play" aria-label={t("strip.play")} title={t("strip.play")} onClick={() => onPick(end - MINUTE)}><Icon name="play" size={16} /></button>}
        <span>{t(coming.length === 0 ? "strip.title" : ahead.value?.learned ? "strip.ahead" : "strip.aheadFlat")}</span>
      </div>
      <div
        class="strip-chart"
        ref={element}
        tabIndex={0}
        role="slider"
        aria-label={t("strip.label")}
        aria-valuemin={-HOURS * 60}
        aria-valuemax={0}
        aria-valuenow={read === null ? 0 : Math.round((read - end) / MINUTE)}
        aria-valuetext={words}
        onPointerMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          reading.value = begin + ((event.clientX - box.left - 10) / (right - 10)) * (end - begin);
        }}
        onPointerLeave={() => (reading.value = null)}
        onClick={() => {
          const { value: picked } = reading;
          if (picked !== null && picked < end) onPick?.(picked);
        }}
        onBlur={() => (reading.value = null)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && reading.value !== null) onPick?.(reading.value);
          const step = (event.shiftKey ? 10 : 1) * MINUTE;
          const moves: Record<string, number> = { ArrowLeft: -step, ArrowRight: step, Home: -Infinity, End: Infinity };
          const move = moves[event.key];
          if (move === undefined) return;
          event.preventDefault();
          const to = (read ?? end) + move;
          reading.value = to >= end ? null : Math.max(begin, to);
        }}
      >
        <svg aria-hidden="true" viewBox={`0 0 ${Math.max(1, width)} 87`} preserveAspectRatio="none">
          {gaps.map(([from, to]) => <rect x={x(from)} y="8" width={Math.max(0, x(to) - x(from))} height="52" fill="url(#hatch-wide)" />)}
          {top >= 100 && <line class="base" x1="10" x2={right} y1={y(100)} y2={y(100)} />}
          {all.length > 0 && (all[0]?.[0] ?? end) > begin + 2 * GAP && (
            <text x={x(all[0]?.[0] ?? end) - 8} y="34" text-anchor="end">{t("strip.empty")}</text>
          )}
          {coming.length > 0 && index !== null && (
            <>
              <polygon class="expected-band" points={[`${x(end).toFixed(1)},${y(index).toFixed(1)}`, ...coming.map(({ at, index: middle, high }) => `${x(at).toFixed(1)},${y(high ?? middle).toFixed(1)}`), ...[...coming].reverse().map(({ at, index: middle, low }) => `${x(at).toFixed(1)},${y(low ?? middle).toFixed(1)}`)].join(" ")} />
              <polyline class="expected" points={[`${x(end).toFixed(1)},${y(index).toFixed(1)}`, ...coming.map((one) => `${x(one.at).toFixed(1)},${y(one.index).toFixed(1)}`)].join(" ")} />
            </>
          )}
          {runs.map((run) => <polyline class="curve" points={run.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ")} />)}
          <text x="10" y={Math.min(58, y(100) + 13)}>{t("strip.base")}</text>
          <line class="axis" x1="0" x2={width} y1="68.5" y2="68.5" />
          {ticks.map((at) => (
            <>
              <line class="tick" x1={x(at)} x2={x(at)} y1="68" y2="72" />
              {Math.abs(x(at) - right) > 50 && x(at) < width - 20 && <text x={x(at)} y="83" text-anchor="middle">{minuteOf(at)}</text>}
            </>
          ))}
          {marked.map((alarm) => (
            <g class={`badge-${alarm.priority}`} transform={`translate(${x(alarm.since)} 14)`}>
              <line class="alarm-line" y1="8" y2="54" />
              <path class="badge-shape" d={sized(alarmPath(alarm.priority), 6.4)} />
              <text class="badge-number" style="font-size:9px" y="3.6" text-anchor="middle">{alarm.priority}</text>
            </g>
          ))}
          {read !== null && end > 0 && (
            <>
              <line class="reading-line" x1={x(read)} x2={x(read)} y1="4" y2="68" />
              <text class="reading" x={x(read) + (x(read) > right - 120 ? -6 : 6)} y="60" text-anchor={x(read) > right - 120 ? "end" : "start"}>{words}</text>
            </>
          )}
          {end > 0 && (
            <g transform={`translate(${right} 0)`}>
              <line class="now-line" y1="4" y2="70" />
              <path class="now-flag" d="M-5 2H5L0 9Z" />
              <rect class="now-flag" x="-21" y="70" width="42" height="16" rx="3" />
              <text class="now-text" y="82" text-anchor="middle">{minuteOf(end)}</text>
            </g>
          )}
        </svg>
      </div>
    </section>
  );
}
