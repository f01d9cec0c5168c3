// The few requests that are not the stream.

import type { Alarm, Command, ControlRequest, Health, JunctionDetail, Junctions, Links, MapView, Problem } from "./view";

/** The centre's own words about what went wrong (RFC 9457), or ours when it could not be reached. */
export class Refused extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.problem = problem;
  }
}

export async function ask<T>(path: string, init?: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers: { accept: "application/json", ...init?.headers } });
  } catch {
    throw new Refused({ type: "unreachable", title: "unreachable", status: 0, detail: "" });
  }
  if (response.ok) return (await response.json()) as T;
  const text = await response.text();
  let problem: Problem;
  try {
    problem = JSON.parse(text) as Problem;
  } catch {
    problem = { type: "about:blank", title: response.statusText, status: response.status, detail: text.slice(0, 200) };
  }
  throw new Refused(problem);
}

export const health = () => ask<Health>("/api/v1/health");
export const map = () => ask<MapView>("/api/v1/map");
export const junctions = () => ask<Junctions>("/api/v1/junctions");
export const links = () => ask<Links>("/api/v1/links");
export const alarms = () => ask<{ alarms: Alarm[] }>("/api/v1/alarms");
export const junction = (id: string) => ask<JunctionDetail>(`/api/v1/junctions/${encodeURIComponent(id)}`);

/** Orders control of one junction, or of the whole city. */
export function control(junction: string | null, order: ControlRequest): Promise<{ command: Command }> {
  const path = junction === null ? "/api/v1/control" : `/api/v1/junctions/${encodeURIComponent(junction)}/control`;
  return ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(order) });
}

interface JourneyPlace { name?: string; lat: number; lon: number; track?: string }
/** A leg of a journey, as MOTIS 2 writes it: the parts that the page shows. */
export interface Leg {
  mode: string;
  duration: number;
  startTime?: string;
  endTime?: string;
  distance?: number;
  from?: JourneyPlace;
  to?: JourneyPlace;
  legGeometry?: { points: string; precision?: number; length?: number };
  steps?: { streetName?: string; distance?: number; relativeDirection?: string; name?: string }[];
  realTime?: boolean;
  scheduledStartTime?: string;
  /** By public transport only. */
  displayName?: string;
  headsign?: string;
  routeColor?: string;
  intermediateStops?: JourneyPlace[];
  everySeconds?: number;
  alerts?: { headerText?: string }[];
}
/** What a journey costs, with the card that was chosen; ours. */
export interface Fare { amount: number; currency: string; payments: { name: string; amount: number; rides: number }[] }
export interface Itinerary { duration: number; startTime?: string; endTime?: string; transfers?: number; legs: Leg[]; fare?: Fare | null }
export interface Journeys {
  itineraries?: Itinerary[];
  direct?: Itinerary[];
  /** How old the link times behind the answer are; routing says so in either of two places. */
  [extra: string]: unknown;
}

/** How one may pay, if the planner has a tariff. */
export interface Fares { cards: { id: string; name: string }[] }
export const fares = (language: string) => ask<Fares>(`/api/v1/fares?language=${language}`);

/** By public transport, or by one means all the way. */
export function plan(from: [number, number], to: [number, number], mode: string, language: string, card: string | null): Promise<Journeys> {
  const q = new URLSearchParams({ fromPlace: from.join(","), toPlace: to.join(","), language });
  if (mode === "TRANSIT") {
    q.set("directModes", "");
    q.set("numItineraries", "4");
    if (card) q.set("card", card);
  } else {
    q.set("directModes", mode);
    q.set("transitModes", "");
  }
  return ask(`/api/v1/plan?${q}`);
}
