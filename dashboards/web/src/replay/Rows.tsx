// Junctions at one moment, a row each: the stage that ran, and those of the minute before and after.

import type { JunctionSummary } from "../api/view";
import { nameOf, t } from "../i18n";
import { write } from "../route";
import { moment, type Log } from "./log";
import type { Known } from "./logs";

/** So much before and after the moment is drawn, ms. */
const AROUND_MS = 60_000;
const WIDTH = 300;

export function Rows({ list, known, at }: { list: readonly Pick<JunctionSummary, "id" | "name">[]; known: ReadonlyMap<string, Known>; at: number }) {
  return (
    <ul>
      {list.map(({ id, name }) => {
        const one = known.get(id);
        const shown = one ? moment(one.base, one.log, at) : null;
        const silent = shown === null || shown.state.actual === "no_contact";
        return (
          <li key={id}>
            <a href={write({ screen: "replay", id, query: { at: String(Math.round(at)) } })} data-around={id}>
              <span>{nameOf(name) || id}</span>
              <b>{silent ? t("sg.noStage") : shown.state.interstage ? t("sg.interstage") : t("sg.stage", { n: shown.state.stage ?? "–" })}</b>
              <Stages log={one?.log ?? null} at={at} />
            </a>
          </li>
        );
      })}
    </ul>
  );
}

function Stages({ log, at }: { log: Log | null; at: number }) {
  const [begin, end] = [at - AROUND_MS, at + AROUND_MS];
  const x = (when: number) => ((Math.min(end, Math.max(begin, when)) - begin) / (end - begin)) * WIDTH;
  const known = log ? Math.min(end, log.to) : begin;
  const blocks = (log?.stages ?? []).map((one, i, all) => ({ from: one.at, to: Math.min(all[i + 1]?.at ?? Infinity, known), stage: one.value })).filter((one) => one.to > begin && one.from < end);
  return (
    <svg class="around-stages" viewBox={`0 0 ${WIDTH} 20`} preserveAspectRatio="none" aria-hidden="true">
      <rect width={WIDTH} height="20" fill="url(#hatch-wide)" opacity=".5" />
      {blocks.map((one) => {
        const width = x(one.to) - x(one.from);
        return (
          <g class={one.from <= at && one.to > at ? "block running" : "block"}>
            <rect x={x(one.from)} width={Math.max(0, width - 1)} height="20" rx="3" />
            {width > 14 && <text x={x(one.from) + width / 2} y="14.5" text-anchor="middle">{one.stage}</text>}
          </g>
        );
      })}
      <line class="now-mark" x1={WIDTH / 2} x2={WIDTH / 2} y1="0" y2="20" />
    </svg>
  );
}
