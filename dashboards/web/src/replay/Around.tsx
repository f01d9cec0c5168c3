// What the neighbours did at the same moment: a junction alone seldom explains itself.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { decisions, events, junction as ask } from "../api/client";
import type { JunctionDetail } from "../api/view";
import { nameOf, t } from "../i18n";
import { junctions } from "../live/live";
import { write } from "../route";
import { nearest } from "./near";
import { moment, read, type Log } from "./log";

/** So many of them. */
const MOST = 5;
/** So much before and after the moment is drawn, ms. */
const AROUND_MS = 60_000;
/** Before that, so that long reds are known, ms. */
const LEAD_MS = 4 * 60_000;

interface Known { base: JunctionDetail; log: Log }

export function Around({ id, at, from, to }: { id: string; at: number; from: number; to: number }) {
  const known = useSignal<ReadonlyMap<string, Known>>(new Map());
  const here = junctions.value.get(id);
  const list = here ? nearest(here, [...junctions.value.values()], MOST) : [];
  const ids = list.map((one) => one.id).join();
  useEffect(() => {
    let gone = false;
    const load = async (): Promise<void> => {
      for (const other of ids.split(",").filter(Boolean)) {
        try {
          const base = known.peek().get(other)?.base ?? (await ask(other));
          const [stored, taken] = await Promise.all([events(other, from - LEAD_MS, to), decisions(other, from - LEAD_MS, to)]);
          if (gone) return;
          const end = stored.truncated ? (stored.events.at(-1)?.[0] ?? to) : to;
          known.value = new Map(known.peek()).set(other, { base, log: read(base, stored, taken.decisions, from, Math.max(end, from + 1)) });
        } catch {
          // Of one that cannot be read nothing is drawn; the main picture says what is wrong.
        }
      }
    };
    void load();
    return () => void (gone = true);
  }, [ids, from, to]);
  if (list.length === 0) return null;
  return (
    <section class="replay-around" aria-labelledby="around-title">
      <h2 id="around-title">{t("rep.around")}</h2>
      <ul>
        {list.map(({ id: other, name }) => {
          const one = known.value.get(other);
          const shown = one ? moment(one.base, one.log, at) : null;
          const silent = shown === null || shown.state.actual === "no_contact";
          return (
            <li key={other}>
              <a href={write({ screen: "replay", id: other, query: { at: String(Math.round(at)) } })} data-around={other}>
                <span>{nameOf(name) || other}</span>
                <b>{silent ? t("sg.noStage") : shown.state.interstage ? t("sg.interstage") : t("sg.stage", { n: shown.state.stage ?? "–" })}</b>
                <Stages log={one?.log ?? null} at={at} />
              </a>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

const WIDTH = 300;

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
