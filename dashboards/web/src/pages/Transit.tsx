// Journeys by public transport: which there are, and the legs of the chosen one.

import type { Escort, Fare, Itinerary, Leg } from "../api/client";
import { ago, minuteOf, num, t, tk, tn } from "../i18n";
import { language } from "../settings";
import { Icon, type IconName } from "../ui/Icon";

/** Ways that no timetable has. */
const BY_ONESELF: Record<string, IconName> = { WALK: "walk", BIKE: "bike", RENTAL: "bike", CAR: "car", TAXI: "car", FLEX: "bus" };
/** Vehicles that one leaves where one goes on. */
const LEFT_BEHIND = new Set(["BIKE", "RENTAL", "CAR"]);
export const isRide = (leg: Leg): boolean => !(leg.mode in BY_ONESELF);

const icon = (mode: string): IconName => {
  if (mode === "BUS" || mode === "COACH") return "bus";
  return BY_ONESELF[mode] ?? (mode === "TRAM" ? "tram" : "metro");
};
const at = (time: string | undefined): string => (time ? minuteOf(Date.parse(time)) : "");
const modeOf = (mode: string): string => tk(`journey.transit.${mode}`) ?? t("journey.transit.other");

/** Money as the language writes it; whole sums without kopecks. */
export const money = ({ amount, currency }: Pick<Fare, "amount" | "currency">): string =>
  new Intl.NumberFormat(language.value, { style: "currency", currency, maximumFractionDigits: amount % 1 === 0 ? 0 : 2 }).format(amount);

/** The line's sign: its number, and the colour that the operator gave it beside it. */
function Line({ leg }: { leg: Leg }) {
  return (
    <span class="line-sign">
      {leg.routeColor && <i style={{ background: `#${leg.routeColor}` }} />}
      <Icon name={icon(leg.mode)} size={16} />
      <b>{leg.displayName || modeOf(leg.mode)}</b>
    </span>
  );
}

/** The journeys that were found, as a choice of one. */
export function Options({ itineraries, chosen, choose }: { itineraries: Itinerary[]; chosen: number; choose: (i: number) => void }) {
  return (
    <div class="journey-options" role="radiogroup" aria-label={t("journey.options")}>
      {itineraries.map((one, i) => (
        <button type="button" role="radio" aria-checked={i === chosen} onClick={() => choose(i)}>
          <span class="num"><b>{at(one.startTime)} – {at(one.endTime)}</b></span>
          <span class="num soft">{ago(one.duration)}</span>
          <span class="journey-lines">{one.legs.filter((leg) => leg.mode !== "WALK").map((leg) => <Line leg={leg} />)}</span>
          <span class="num">{one.fare ? money(one.fare) : ""}</span>
        </button>
      ))}
    </div>
  );
}

/** Who comes along, where one meets, and until when to ask. */
function Company({ escort }: { escort: Escort }) {
  const where = [escort.meets.name, escort.meetingPoint].filter(Boolean).join(", ");
  const words = { who: escort.name, time: at(escort.meetingTime), where, until: escort.until.name ?? "", by: at(escort.bookBy) };
  return <span data-escort="true">{t("journey.escort", words)}{escort.phoneNumber ? `, ${escort.phoneNumber}` : ""}</span>;
}

/** One journey, leg by leg. */
export function Legs({ itinerary }: { itinerary: Itinerary }) {
  return (
    <section>
      <h2>{t("journey.steps")}</h2>
      <ol class="journey-legs" data-legs="true">
        {itinerary.legs.map((leg) => (isRide(leg) ? <Ride leg={leg} /> : <ByOneself leg={leg} />))}
        <li><span class="num">{at(itinerary.endTime)}</span><b>{t("journey.there")}</b></li>
      </ol>
      {itinerary.fare && (
        <p class="soft" data-fare="true">
          {t("journey.fare")}: {itinerary.fare.payments.map((one) => `${one.name}, ${money({ amount: one.amount, currency: itinerary.fare?.currency ?? "RUB" })}`).join("; ")}
        </p>
      )}
    </section>
  );
}

function ByOneself({ leg }: { leg: Leg }) {
  const { bookBy, phoneNumber } = leg.pickupBooking ?? {};
  const called = leg.displayName ?? leg.rental?.systemName;
  return (
    <li>
      <span class="num">{at(leg.startTime)}</span>
      <span>
        <span class="line-sign"><Icon name={icon(leg.mode)} size={16} />{tk(`journey.by.${leg.mode}`, { time: ago(leg.duration) })}</span>
        {called && <span class="soft">{called}</span>}
        {leg.mode !== "WALK" && leg.to?.name && <span class="soft">{t(LEFT_BEHIND.has(leg.mode) ? "journey.leaveIt" : "journey.getOff", { x: leg.to.name, time: at(leg.endTime) })}</span>}
        {bookBy && <span data-booking="true">{t("journey.bookBy", { by: at(bookBy) })}{phoneNumber ? `, ${phoneNumber}` : ""}</span>}
      </span>
    </li>
  );
}

function Ride({ leg }: { leg: Leg }) {
  const late = leg.realTime && leg.scheduledStartTime && leg.startTime ? (Date.parse(leg.startTime) - Date.parse(leg.scheduledStartTime)) / 1000 : 0;
  return (
    <li>
      <span class="num">{at(leg.startTime)}</span>
      <span>
        <b>{leg.from?.name}</b>
        <span class="ride-words"><Line leg={leg} />{leg.headsign && <span class="soft">{t("journey.towards", { x: leg.headsign })}</span>}</span>
        <span class="soft">
          {tn("journey.stops", (leg.intermediateStops?.length ?? 0) + 1)}, {ago(leg.duration)}
          {leg.everySeconds ? `, ${t("journey.every", { x: num(Math.max(1, Math.round(leg.everySeconds / 60))) })}` : ""}
          {Math.abs(late) >= 30 ? `, ${t(late > 0 ? "journey.late" : "journey.early", { time: ago(Math.abs(late)) })}` : ""}
        </span>
        {leg.escort && <Company escort={leg.escort} />}
        {leg.alerts?.map((alert) => <span class="ride-words"><Icon name="alert" size={16} />{alert.headerText}</span>)}
        <span>{t("journey.getOff", { x: leg.to?.name ?? "", time: at(leg.endTime) })}</span>
      </span>
    </li>
  );
}
