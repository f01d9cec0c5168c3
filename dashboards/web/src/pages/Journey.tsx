// A way through the city on live link times, and how old those are.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Refused, fares, plan, reach, type Access, type Fares, type First, type Itinerary, type Journeys, type Reached } from "../api/client";
import type { LonLat } from "../api/view";
import { Search, find, type Found } from "../city/Search";
import { shown, selected } from "../city/state";
import { ago, minuteOf, nameOf, num, t, tk } from "../i18n";
import { now } from "../live/live";
import type { CityCanvas } from "../map/canvas";
import { MapHost } from "../map/MapHost";
import { note, place } from "../route";
import { language } from "../settings";
import { Icon } from "../ui/Icon";
import { TopBar } from "../ui/Shell";
import { AgeRing } from "../ui/signs";
import { Legs, Options } from "./Transit";
import { squareKm } from "./area";
import { decode } from "./polyline";

const ACCESS = ["STAIRS", "STEPFREE", "ESCORTED"] as const;
const FIRST: readonly First[] = ["WALK", "BIKE", "RENTAL", "CAR_PARKING", "FLEX"];
/** Whoever needs a way without steps does not ride a bicycle to it. */
const rides = (one: First, access: Access): boolean => access === "STAIRS" || (one !== "BIKE" && one !== "RENTAL");
const MODES = ["TRANSIT", "CAR", "BIKE", "WALK"] as const;
type End = "from" | "to";
/** How far one gets within at most so long, and within a third and two thirds of it, min. */
const WITHIN = [15, 30, 60] as const;

/** `55.7522, 37.6186`: latitude first, as people write it. */
function coordinates(text: string): LonLat | null {
  const found = /^\s*(-?\d+(?:\.\d+)?)\s*[,;\s]\s*(-?\d+(?:\.\d+)?)\s*$/.exec(text);
  if (!found) return null;
  const [lat, lon] = [Number(found[1]), Number(found[2])];
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? [lon, lat] : null;
}

/** The next time that the city's clocks show that; null for now. */
function next(clock: string, now: number): number | null {
  const minutes = (text: string): number => text.split(":").reduce((sum, part) => 60 * sum + Number(part), 0);
  const ahead = clock === "" ? 0 : (minutes(clock) - minutes(minuteOf(now)) + 1440) % 1440;
  return ahead === 0 ? null : now - (now % 60_000) + ahead * 60_000;
}

/** What the planner could not follow: it begins with the name of the thing, which we have words for. */
const noted = (note: string): string => tk(`journey.note.${note.split(":")[0]}`) ?? note;
const written = ([lon, lat]: LonLat): string => `${lat.toFixed(5)}, ${lon.toFixed(5)}`;
const metres = (m: number): string => (m >= 1000 ? t("journey.km", { x: num(m / 1000, 1) }) : t("journey.m", { x: num(Math.round(m / 10) * 10) }));

interface Traffic { ageSeconds?: number | null; state?: string }

export function Journey() {
  const { from, to, mode, card: paidWith, access, first: begun, within: asked } = place.value.query;
  const text = useSignal<Record<End, string>>({ from: from ?? "", to: to ?? "" });
  const at = useSignal<Record<End, LonLat | null>>({ from: coordinates(from ?? ""), to: coordinates(to ?? "") });
  const by = useSignal<(typeof MODES)[number]>(MODES.find((one) => one === mode) ?? "CAR");
  const answer = useSignal<Journeys | null>(null);
  const trouble = useSignal<string | null>(null);
  const asking = useSignal(false);
  const picking = useSignal<End | null>(null);
  const canvas = useSignal<CityCanvas | null>(null);
  const chosen = useSignal(0);
  /** Null where a way is asked for. */
  const within = useSignal<(typeof WITHIN)[number] | null>(WITHIN.find((one) => String(one) === asked) ?? null);
  const reached = useSignal<Reached | null>(null);
  const card = useSignal<string | null>(paidWith ?? null);
  const tariff = useSignal<Fares | null>(null);
  const leave = useSignal("");
  const first = useSignal<First>(FIRST.find((one) => one === begun) ?? "WALK");
  const way = useSignal<Access>(ACCESS.find((one) => one === access) ?? "STAIRS");

  const found = answer.value?.itineraries ?? [];
  const itinerary: Itinerary | null = answer.value?.direct?.[0] ?? found[chosen.value] ?? null;

  useEffect(() => {
    // A planner without a tariff says so, and there is nothing to choose.
    fares(language.value).then((known) => (tariff.value = known), () => (tariff.value = null));
  }, [language.value]);

  useEffect(() => {
    const map = canvas.value;
    if (!map) return;
    const lines = (itinerary?.legs ?? []).map((leg) => (leg.legGeometry ? decode(leg.legGeometry.points, leg.legGeometry.precision ?? 6) : [])).filter((line) => line.length > 1);
    const ends = (within.value === null ? (["from", "to"] as const) : (["from"] as const)).flatMap((end, i) => {
      const where = at.value[end];
      return where ? [{ at: where, end: i === 0 ? "A" : "B" }] : [];
    });
    map.setRoute(lines, ends);
    const ground = reached.value?.features ?? [];
    map.setReach(ground.map(({ geometry }) => geometry));
    const all = within.value === null ? lines.flat() : (ground[0]?.geometry.coordinates ?? []).flat(2);
    if (all.length > 1) {
      const lon = all.map((p) => p[0] ?? 0);
      const lat = all.map((p) => p[1] ?? 0);
      const least = (of: number[]) => of.reduce((a, b) => Math.min(a, b));
      const most = (of: number[]) => of.reduce((a, b) => Math.max(a, b));
      map.fit([[least(lon), least(lat)], [most(lon), most(lat)]], 70);
    }
  }, [canvas.value, itinerary, at.value, reached.value, within.value]);

  async function ask(): Promise<void> {
    const ends: LonLat[] = [];
    const longest = within.value;
    for (const end of longest === null ? (["from", "to"] as const) : (["from"] as const)) {
      const typed = text.value[end];
      const where = at.value[end] ?? coordinates(typed) ?? find(typed)[0]?.at ?? null;
      if (!where) {
        trouble.value = typed.trim() === "" ? t(longest === null ? "journey.hint" : "journey.hintFrom") : t("journey.unknownPlace", { q: typed });
        return;
      }
      at.value = { ...at.value, [end]: where };
      ends.push(where);
    }
    const [a, b] = ends as [LonLat, LonLat];
    note({ from: written(a), mode: by.value, within: longest === null ? null : String(longest), ...(b ? { to: written(b) } : {}), ...(card.value ? { card: card.value } : {}), ...(way.value === "STAIRS" ? {} : { access: way.value }), ...(first.value === "WALK" ? {} : { first: first.value }) });
    asking.value = true;
    trouble.value = null;
    try {
      if (longest !== null) {
        reached.value = await reach([a[1], a[0]], by.value, [longest / 3, (2 * longest) / 3, longest]);
        answer.value = null;
        return;
      }
      reached.value = null;
      answer.value = await plan([a[1], a[0]], [b[1], b[0]], by.value, language.value, { card: card.value, access: way.value, leave: next(leave.value, now.value), first: rides(first.value, way.value) ? first.value : "WALK" });
      chosen.value = 0;
      if (!answer.value.direct?.length && !answer.value.itineraries?.length) trouble.value = t("journey.none");
    } catch (error) {
      answer.value = reached.value = null;
      trouble.value = error instanceof Refused && error.problem.status >= 400 && error.problem.status < 500 ? error.message : `${t("journey.failed")} ${t("journey.failedWhy")}`;
    } finally {
      asking.value = false;
    }
  }

  const set = (end: End, where: LonLat | null, words: string) => {
    at.value = { ...at.value, [end]: where };
    text.value = { ...text.value, [end]: words };
  };
  const aim = (longest: (typeof WITHIN)[number] | null): void => {
    within.value = longest;
    answer.value = reached.value = trouble.value = null;
    picking.value = null;
  };
  const traffic = (reached.value?.traffic ?? answer.value?.["traffic"]) as Traffic | undefined;
  const age = traffic?.ageSeconds ?? null;
  const distance = itinerary?.legs.reduce((sum, leg) => sum + (leg.distance ?? 0), 0) ?? 0;
  const steps = itinerary?.legs.flatMap((leg) => leg.steps ?? []) ?? [];
  // Steps along one street are one line.
  const streets = steps.reduce<{ name: string; distance: number }[]>((list, step) => {
    const name = step.streetName ?? step.name ?? "";
    const last = list.at(-1);
    if (last && last.name === name) last.distance += step.distance ?? 0;
    else list.push({ name, distance: step.distance ?? 0 });
    return list;
  }, []);

  return (
    <>
      <TopBar title={t("journey.title")} />
      <main id="main" class="screen journey" tabIndex={-1}>
        <section class="journey-side" aria-label={t("journey.title")}>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              void ask();
            }}
          >
            <div class="segments" role="group" aria-label={t("journey.aim")}>
              <button type="button" aria-pressed={within.value === null} onClick={() => aim(null)}>{t("journey.way")}</button>
              <button type="button" aria-pressed={within.value !== null} data-aim="reach" onClick={() => aim(within.value ?? 30)}>{t("journey.reach")}</button>
            </div>
            {(within.value === null ? (["from", "to"] as const) : (["from"] as const)).map((end) => (
              <div class="ends">
                <div class="field">
                  <label for={`end-${end}`}>{t(`journey.${end}`)}</label>
                  <Search
                    key={`${end}${at.value[end]?.join() ?? ""}`}
                    id={`end-${end}`}
                    label={t(`journey.${end}`)}
                    placeholder={t("journey.placeholder")}
                    value={text.value[end]}
                    onText={(words) => {
                      text.value = { ...text.value, [end]: words };
                      if (at.peek()[end]) at.value = { ...at.peek(), [end]: null };
                    }}
                    onPick={(found: Found) => set(end, found.at, nameOf(found.name))}
                  />
                </div>
                <button type="button" class="button" aria-pressed={picking.value === end} aria-label={`${t(`journey.${end}`)}: ${t("journey.pick")}`} title={t("journey.pick")} onClick={() => (picking.value = picking.value === end ? null : end)}><Icon name="pin" size={16} /></button>
              </div>
            ))}
            {picking.value && <p class="label" role="status">{t("journey.picking")}</p>}
            <div class="field">
              <span class="label">{t("journey.mode")}</span>
              <div class="segments" role="group" aria-label={t("journey.mode")}>
                {MODES.map((one) => <button type="button" aria-pressed={by.value === one} onClick={() => (by.value = one)}>{t(`journey.${one}`)}</button>)}
              </div>
            </div>
            {within.value !== null && (
              <div class="field">
                <span class="label">{t("journey.within")}</span>
                <div class="segments" role="group" aria-label={t("journey.within")}>
                  {WITHIN.map((one) => <button type="button" aria-pressed={within.value === one} onClick={() => (within.value = one)}>{t("act.min", { n: one })}</button>)}
                </div>
              </div>
            )}
            {within.value === null && by.value === "TRANSIT" && (
              <div class="field">
                <label for="leave">{t("journey.leave")}</label>
                <input id="leave" type="time" class="input" value={leave.value} onInput={(event) => (leave.value = event.currentTarget.value)} />
              </div>
            )}
            {within.value === null && by.value === "TRANSIT" && (
              <div class="field">
                <label for="first">{t("journey.first")}</label>
                <select id="first" class="input" value={rides(first.value, way.value) ? first.value : "WALK"} onChange={(event) => (first.value = FIRST.find((one) => one === event.currentTarget.value) ?? "WALK")}>
                  {FIRST.filter((one) => rides(one, way.value)).map((one) => <option value={one}>{t(`journey.first.${one}`)}</option>)}
                </select>
              </div>
            )}
            {within.value === null && by.value === "TRANSIT" && (
              <div class="field">
                <span class="label">{t("journey.access")}</span>
                <div class="segments" role="group" aria-label={t("journey.access")}>
                  {ACCESS.map((one) => <button type="button" aria-pressed={way.value === one} data-access={one} onClick={() => (way.value = one)}>{t(`journey.access.${one}`)}</button>)}
                </div>
              </div>
            )}
            {within.value === null && by.value === "TRANSIT" && tariff.value && tariff.value.cards.length > 0 && (
              <div class="field">
                <label for="card">{t("journey.card")}</label>
                <select id="card" class="input" value={card.value ?? tariff.value.cards[0]?.id} onChange={(event) => (card.value = event.currentTarget.value)}>
                  {tariff.value.cards.map((one) => <option value={one.id}>{one.name}</option>)}
                </select>
              </div>
            )}
            <button type="submit" class={`button primary${asking.value ? " waiting" : ""}`}>{t(within.value === null ? "journey.find" : "journey.findReach")}</button>
          </form>
          {trouble.value && <p class="order-refused" role="alert"><Icon name="error" size={16} />{trouble.value}</p>}
          {reached.value && (
            <>
              <table class="journey-reach" data-reach="true">
                <caption class="visually-hidden">{t("journey.reach")}</caption>
                <thead><tr><th>{t("journey.within")}</th><th>{t("journey.ground")}</th></tr></thead>
                <tbody>
                  {[...reached.value.features].reverse().map(({ geometry, properties }, i) => (
                    <tr><td><i class={`reach-key reach-${i}`} aria-hidden="true" />{t("act.min", { n: num(properties.minutes) })}</td><td class="num"><b>{t("journey.km2", { x: num(squareKm(geometry), 1) })}</b></td></tr>
                  ))}
                </tbody>
              </table>
              <p class="label">{t("journey.reachWhy")} {traffic?.state && (tk(`journey.state.${traffic.state}`) ?? traffic.state)}</p>
            </>
          )}
          {answer.value?.notes?.map((one) => <p class="label" role="status">{noted(one)}</p>)}
          {found.length > 0 && <Options itineraries={found} chosen={chosen.value} choose={(i) => (chosen.value = i)} />}
          {itinerary && found.length > 0 && <Legs itinerary={itinerary} />}
          {itinerary && found.length === 0 && (
            <>
              <dl class="journey-numbers" data-journey="true">
                <div><dt class="label">{t("journey.duration")}</dt><dd class="big">{ago(itinerary.duration)}</dd></div>
                <div><dt class="label">{t("journey.distance")}</dt><dd class="big">{metres(distance)}</dd></div>
                <div><dt class="label">{t("journey.arrival")}</dt><dd class="big">{minuteOf(itinerary.endTime ? Date.parse(itinerary.endTime) : now.value + itinerary.duration * 1000)}</dd></div>
                <div><dt class="label">{t("journey.traffic")}</dt><dd class="aged"><AgeRing seconds={age} interval={20} size={16} /><b class="big">{age === null ? t("journey.trafficUnknown") : ago(age)}</b></dd></div>
                {traffic?.state && <div style="grid-column: 1 / -1"><dt class="label">{t("journey.state")}</dt><dd>{tk(`journey.state.${traffic.state}`) ?? traffic.state}</dd></div>}
              </dl>
              {streets.length > 0 && (
                <section>
                  <h2>{t("journey.steps")}</h2>
                  <ol class="journey-steps">{streets.map((street) => <li><span>{street.name || <span class="quiet">{t("journey.unnamed")}</span>}</span><span class="soft num">{metres(street.distance)}</span></li>)}</ol>
                </section>
              )}
            </>
          )}
        </section>
        <MapHost
          shown={shown}
          selected={selected}
          onCanvas={(made) => (canvas.value = made)}
          onHit={(hit) => {
            if (!picking.value || !hit) return;
            set(picking.value, hit.at, written(hit.at));
            picking.value = null;
          }}
        />
      </main>
    </>
  );
}
