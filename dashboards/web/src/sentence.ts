// The sentence that opens every screen: what needs action, then how the rest is. Pure, so that tests can read it.

import type { Alarm, Health } from "./api/view";
import { clock, coarse } from "./format";
import { say, sayCount, type Language } from "./i18n/words";

export interface Said { first: string; rest: string; old: boolean }

export interface Known {
  contact: "waiting" | "live" | "cut";
  health: Health | null;
  alarms: readonly Alarm[];
  /** City time of the last message, and now. */
  heardAt: number;
  now: number;
}

/** Those that want a person within the hour. */
export const needAction = (alarms: readonly Alarm[]): Alarm[] => alarms.filter((alarm) => alarm.priority <= 2);

/** Detectors that are not believed, as `JUNCTION CHANNEL`. */
export function failingDetectors(alarms: readonly Alarm[]): string[] {
  const failing = alarms.flatMap(({ junction, component }) => {
    const channel = /^dl\/(\d+)$/.exec(component)?.[1];
    return junction !== null && channel !== undefined ? [`${junction} ${channel}`] : [];
  });
  return [...new Set(failing)].sort();
}

export function sentence(language: Language, known: Known): Said {
  const { contact, health, alarms } = known;
  const said = (first: string, rest: string, old = false): Said => ({ first, rest, old });
  if (!health || contact === "waiting") {
    if (contact === "waiting") return said(say(language, "say.waiting"), say(language, "say.waitingRest"), true);
    return said(say(language, "say.cut"), say(language, "say.waitingRest"), true);
  }
  const zone = health.time_zone;
  if (contact === "cut") {
    const time = clock(known.heardAt, zone, language);
    const age = coarse((known.now - known.heardAt) / 1000, language);
    return said(say(language, "say.cut"), say(language, "say.cutRest", { time, age }), true);
  }
  if (health.broker.state !== "up") {
    const time = clock(health.broker.since, zone, language);
    return said(say(language, "say.broker", { time }), say(language, "say.brokerRest"));
  }
  const need = needAction(alarms).length;
  if (need > 0) return said(sayCount(language, "say.need", need), say(language, "say.rest"));
  if (health.store.state !== "up") return said(say(language, "say.store"), say(language, "say.storeRest"));
  if (health.status !== "ok") return said(say(language, "say.degraded"), say(language, "say.degradedRest"));
  const rest = alarms.length > 0 ? sayCount(language, "say.watched", alarms.length) : say(language, "say.calmRest");
  return said(say(language, "say.calm"), rest);
}
