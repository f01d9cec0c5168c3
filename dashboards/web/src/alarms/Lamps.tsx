// The lamps around the moment of an alarm, out of the store: what led to it stands there or nowhere.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { events, Refused } from "../api/client";
import type { JunctionDetail, LampChange } from "../api/view";
import { clockOf, t } from "../i18n";
import { MINUS } from "../format";
import { Bar } from "../junction/Bars";
import { past } from "../junction/lamps";
import { cityNow } from "../live/live";
import { read } from "../replay/log";
import { useSize } from "../ui/TimeStrip";

const BACK_MS = 24_000;
const AHEAD_MS = 10_000;
/** Before that, so that long reds are known. */
const LEAD_MS = 4 * 60_000;
/** The store lags behind the street by so much. */
const LATE_MS = 6_000;
const ROW = 26;
const LEFT = 40;

export function Lamps({ junction, at }: { junction: JunctionDetail; at: number }) {
  const { element, size } = useSize({ width: 480, height: 200 });
  const history = useSignal<LampChange[] | null>(null);
  const failed = useSignal<string | null>(null);
  const [begin, end] = [at - BACK_MS, at + AHEAD_MS];

  useEffect(() => {
    let gone = false;
    let wait: ReturnType<typeof setTimeout> | undefined;
    const load = () => {
      events(junction.id, begin - LEAD_MS, end).then(
        (stored) => {
          if (gone) return;
          const { lamps } = read(junction, stored, [], begin - LEAD_MS, end);
          history.value = [...lamps].flatMap(([group, track]) => track.map((one) => ({ at: one.at, group, lamp: one.value })));
          failed.value = null;
        },
        (error: unknown) => !gone && (failed.value = error instanceof Refused ? error.message : String(error)),
      );
      // A young alarm's log is still being written.
      if (cityNow() < end + LATE_MS) wait = setTimeout(load, 2000);
    };
    load();
    return () => {
      gone = true;
      clearTimeout(wait);
    };
  }, [junction.id, at]);

  const width = Math.max(240, size.value.width);
  const x = (time: number) => LEFT + ((time - begin) / (end - begin)) * (width - LEFT - 12);
  const groups = junction.groups;
  const foot = groups.length * ROW + 8;
  const all = history.value ?? [];
  return (
    <section class="al-lamps" aria-labelledby="al-lamps">
      <header><h2 id="al-lamps">{t("al.lamps")}</h2><span class="soft">{t("al.lampsFrom", { n: BACK_MS / 1000 })}</span></header>
      {failed.value !== null ? <p class="soft">{failed.value}</p> : history.value !== null && all.length === 0 ? <p class="soft">{t("al.lampsNone")}</p> : (
        <div ref={element} class="al-lamps-box">
          <svg width={width} height={foot + 24} role="img" aria-label={t("al.lampsLabel", { time: clockOf(at) })}>
            {groups.map((group, row) => (
              <g>
                <text class="row-number" x="0" y={row * ROW + 20}>{group.number}{group.kind === "pedestrians" ? t("sg.p") : ""}</text>
                {past(all, group.number, begin, end, { lamp: null, since: null }).map((stretch) => <Bar stretch={stretch} x={x} y={row * ROW + 4} />)}
              </g>
            ))}
            <line class="al-moment" x1={x(at)} x2={x(at)} y1="2" y2={foot} />
            {[-20, -10, 10].map((s) => <text class="axis" x={x(at + s * 1000)} y={foot + 17} text-anchor="middle">{s < 0 ? MINUS : "+"}{t("sg.seconds", { x: Math.abs(s) })}</text>)}
            <text class="axis-now" x={x(at)} y={foot + 17} text-anchor="middle">{clockOf(at)}</text>
          </svg>
        </div>
      )}
    </section>
  );
}
