// How long the corridor took to drive, and how much more to allow: what detectors told, slot by slot.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Refused, travelTimes } from "../api/client";
import type { CorridorDetail, TravelTimes } from "../api/view";
import { countdown } from "../format";
import { num, t, tn } from "../i18n";
import { cityNow } from "../live/live";
import type { Way } from "./runs";

const DAY_MS = 86_400_000;
const PERIODS = [1, 7, 28] as const;
/** Slots are five minutes long. */
const ASK_MS = 60_000;

export function Reliability({ plan }: { plan: CorridorDetail }) {
  const way = useSignal<Way>("out");
  const days = useSignal<(typeof PERIODS)[number]>(1);
  const times = useSignal<TravelTimes | null>(null);
  const failed = useSignal<string | null>(null);
  const back = way.value === "back" && plan.both_ways;

  useEffect(() => {
    let gone = false;
    times.value = null;
    const load = () => void travelTimes(plan.id, back, cityNow() - days.value * DAY_MS).then(
      (found) => {
        if (gone) return;
        times.value = found;
        failed.value = null;
      },
      (error: unknown) => !gone && (failed.value = error instanceof Refused ? error.message : String(error)),
    );
    load();
    const timer = setInterval(load, ASK_MS);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [plan.id, back, days.value]);

  const [found, spread] = [times.value, times.value?.spread ?? null];
  return (
    <section class="rel" aria-labelledby="rel-title">
      <header>
        <h2 id="rel-title">{t("rel.title")}</h2>
        <select class="input" aria-label={t("rel.period")} value={days.value} onChange={(event) => (days.value = PERIODS.find((one) => one === Number(event.currentTarget.value)) ?? 1)}>
          {PERIODS.map((one) => <option value={one}>{tn("rel.days", one)}</option>)}
        </select>
        {plan.both_ways && (
          <div class="segments" role="group" aria-label={t("rel.way")}>
            {(["out", "back"] as const).map((one) => <button type="button" aria-pressed={way.value === one} onClick={() => (way.value = one)}>{t(`rel.${one}`)}</button>)}
          </div>
        )}
      </header>
      {failed.value !== null ? (
        <p class="label">{failed.value}</p>
      ) : found === null ? (
        <div class="grey-lines" role="status" aria-label={t("cor.loading")}><i /><i /></div>
      ) : spread === null ? (
        <p class="label">{t("rel.none")}</p>
      ) : (
        <>
          <dl>
            <Figure term={t("rel.mean")} value={countdown(spread.mean_s)} note={t("rel.ofFree", { x: num(found.travel_time_index ?? 1, 2) })} />
            <Figure term={t("rel.p95")} value={countdown(spread.p95_s)} note={t("rel.ofFree", { x: num(found.planning_time_index ?? 1, 2) })} />
            <Figure term={t("rel.buffer")} value={t("cor.percent", { x: num(100 * (found.buffer_index ?? 0)) })} note={t("rel.bufferNote")} />
            <Figure term={t("rel.los")} value={found.level_of_service ?? "–"} note={t("rel.free", { x: countdown(found.free_s) })} />
          </dl>
          <Hours times={found} />
          <Ahead times={found} />
          <p class="label">{tn("rel.slots", spread.slots)}</p>
        </>
      )}
    </section>
  );
}

function Figure({ term, value, note }: { term: string; value: string; note: string }) {
  return (
    <div class="rel-row">
      <dt class="label">{term}</dt>
      <dd><b>{value}</b><span class="note">{note}</span></dd>
    </div>
  );
}

/** A quarter of an hour, half an hour and an hour from now, in slots, and how far off such words were lately. */
const HORIZONS = [2, 5, 11] as const;

function Ahead({ times }: { times: TravelTimes }) {
  if (times.ahead.length === 0) return null;
  return (
    <>
      <p class="label">{t(times.ahead.some((one) => one.learned) ? "rel.ahead" : "rel.aheadLast")}</p>
      <dl>
        {HORIZONS.map((horizon) => {
          const [one, error] = [times.ahead[horizon], times.errors[horizon]];
          if (!one || !error) return null;
          const off = error.forecast === null ? undefined : t("rel.off", { x: num(error.forecast) });
          return <Figure key={horizon} term={t("rel.inMinutes", { n: error.ahead_min })} value={countdown(one.time_s)} note={off ?? ""} />;
        })}
      </dl>
    </>
  );
}

/** The day by hours: what half of the slots and what nineteen of twenty do not exceed. */
function Hours({ times }: { times: TravelTimes }) {
  const [w, h] = [308, 84];
  const most = Math.max(...times.hours.map((hour) => hour.p95_s), 1) * 1.1;
  const x = (hour: number) => ((hour + 0.5) / 24) * w;
  const y = (s: number) => h - (s / most) * h;
  return (
    <figure class="rel-hours">
      <figcaption class="label"><span>{t("rel.byHour")}</span><span><i class="half" />{t("rel.p50")}</span><span><i class="most" />{t("rel.p95short")}</span></figcaption>
      <svg width={w} height={h + 18} viewBox={`0 0 ${w} ${h + 18}`} role="img" aria-label={times.hours.map((hour) => `${hour.hour}:00 ${countdown(hour.p50_s)}, ${countdown(hour.p95_s)}`).join("; ")}>
        {times.hours.map((hour) => (
          <g>
            <rect class="most" x={x(hour.hour) - 4.5} width={9} y={y(hour.p95_s)} height={h - y(hour.p95_s)} />
            <rect class="half" x={x(hour.hour) - 4.5} width={9} y={y(hour.p50_s)} height={h - y(hour.p50_s)} />
          </g>
        ))}
        <line class="free" x1="0" x2={w} y1={y(times.free_s)} y2={y(times.free_s)} />
        <line class="axis" x1="0" x2={w} y1={h} y2={h} />
        {[0, 6, 12, 18].map((hour) => <text x={x(hour)} y={h + 14} text-anchor="middle">{hour}</text>)}
        <text x={w} y={10} text-anchor="end">{countdown(most)}</text>
      </svg>
    </figure>
  );
}
