// Everything the stream tells, and how each message changes it. Pure: a message in, the next state out.

import type { Alarm, Health, JunctionDetail, JunctionState, JunctionSummary, Junctions, Link, Links, Vehicles } from "../api/view";

/** A junction, and the rung it stood on when it was last heard: a silent one is drawn with that. */
export interface KnownJunction extends JunctionSummary { lastKnown: string | null }

export interface LiveState {
  health: Health | null;
  junctions: ReadonlyMap<string, KnownJunction>;
  /** By link index, the feature id on the map. */
  links: ReadonlyMap<number, Link>;
  linksAt: number | null;
  alarms: readonly Alarm[];
  alarmsKnown: boolean;
  vehicles: Vehicles | null;
  /** The junction that is open, with the drawing kept from its first message. */
  detail: JunctionDetail | null;
}

/** How often a junction is heard. */
const INTERVAL_MS = 1000;

export const NOTHING_YET: LiveState = {
  health: null,
  junctions: new Map(),
  links: new Map(),
  linksAt: null,
  alarms: [],
  alarmsKnown: false,
  vehicles: null,
  detail: null,
};

/**
 * Seconds since a junction was last heard, at `now`, when the stream was last heard at `heard`; null if it never was. The
 * stream sends a junction when something changes: one that is not late has been heard each interval since, whatever `seen_at` says.
 */
export function dataAge(state: Pick<JunctionState, "seen_at" | "late">, now: number, heard: number): number | null {
  if (state.seen_at === null) return null;
  const seen = state.late ? state.seen_at : Math.max(state.seen_at, heard - INTERVAL_MS);
  return Math.max(0, (now - seen) / 1000);
}

export type Message =
  | { event: "health"; data: Health }
  /** Summaries (`GET`, or full on connect) or bare states of changed ones. */
  | { event: "junctions"; data: { now?: number; junctions: (JunctionSummary | JunctionState)[] } | (JunctionSummary | JunctionState)[] }
  | { event: "links"; data: Links }
  | { event: "alarms"; data: { alarms: Alarm[] } }
  | { event: "vehicles"; data: Vehicles }
  | { event: "junction"; data: JunctionDetail }
  /** Another junction is opened, or none. */
  | { event: "close" };

export const EVENTS = ["health", "junctions", "links", "alarms", "vehicles", "junction"] as const;

export function reduce(state: LiveState, message: Message): LiveState {
  switch (message.event) {
    case "health":
      return { ...state, health: message.data };
    case "junctions": {
      const list = Array.isArray(message.data) ? message.data : message.data.junctions;
      if (list.length === 0) return state;
      const junctions = new Map(state.junctions);
      for (const entry of list) {
        const known = junctions.get(entry.id);
        const summary = "state" in entry ? entry : known && { ...known, state: entry };
        // A bare state says nothing of the name and the place; without those there is nothing to show.
        if (!summary) continue;
        const { actual } = summary.state;
        junctions.set(entry.id, { ...summary, lastKnown: actual === "no_contact" ? (known?.lastKnown ?? null) : actual });
      }
      return { ...state, junctions };
    }
    case "links": {
      if (message.data.links.length === 0) return { ...state, linksAt: message.data.at };
      const links = new Map(state.links);
      for (const link of message.data.links) links.set(link.ix, link);
      return { ...state, links, linksAt: message.data.at };
    }
    case "alarms":
      return { ...state, alarms: message.data.alarms, alarmsKnown: true };
    case "vehicles":
      return { ...state, vehicles: message.data };
    case "junction": {
      const drawing = message.data.drawing ?? (state.detail?.id === message.data.id ? state.detail.drawing : undefined);
      return { ...state, detail: drawing ? { ...message.data, drawing } : message.data };
    }
    case "close":
      return { ...state, detail: null };
  }
}

/** The `now` that a message carries, if it does. */
export function nowOf(message: Message): number | null {
  switch (message.event) {
    case "health":
    case "vehicles":
    case "junction":
      return message.data.now;
    case "junctions":
      return Array.isArray(message.data) ? null : ((message.data as Partial<Junctions>).now ?? null);
    default:
      return null;
  }
}
