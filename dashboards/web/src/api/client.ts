// The few requests that are not the stream.

import type { MultiPolygon } from "geojson";
import type {
  Alarm, AuditCheck, AuditLines, Camera, Command, ControlRequest, CorridorDetail, CorridorLamps, CorridorSummary, Health, JunctionDetail, Junctions, LinkPivot, Links, MapInfo, MapLink, Person, Street, TravelTimes,
  Problem, Proposals, Session, StoredDecisions, StoredEvents, WhatIf, WhatIfRequest,
} from "./view";

/** The centre's own words about what went wrong (RFC 9457), or ours when it could not be reached. */
export class Refused extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.problem = problem;
  }
}

/** What a change must carry besides the cookie, which the browser sends by itself. */
let csrf: string | null = null;
export const carry = (token: string | null): void => void (csrf = token);
let signedOut = (): void => {};
/** Called when the centre says that nobody is signed in. */
export const onSignedOut = (then: () => void): void => void (signedOut = then);

export async function ask<T>(path: string, init?: RequestInit): Promise<T> {
  let response: Response;
  try {
    const headers = new Headers(init?.headers);
    headers.set("accept", "application/json");
    if (init?.method && csrf !== null) headers.set("x-csrf-token", csrf);
    response = await fetch(path, { ...init, headers });
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
  if (problem.status === 401 && path !== "/api/v1/session") signedOut();
  throw new Refused(problem);
}

export const send = <T>(method: string, path: string, body?: unknown): Promise<T> =>
  ask(path, { method, headers: { "content-type": "application/json" }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });

export const health = () => ask<Health>("/api/v1/health");
export const mapInfo = () => ask<MapInfo>("/api/v1/tiles");
export const mapLink = (id: string) => ask<MapLink>(`/api/v1/map/links/${encodeURIComponent(id)}`);
export const streets = () => ask<{ streets: Street[] }>("/api/v1/streets");
export const junctions = () => ask<Junctions>("/api/v1/junctions");
export const links = () => ask<Links>("/api/v1/links");
export const cameras = () => ask<{ cameras: Camera[] }>("/api/v1/cameras");
export const alarms = () => ask<{ alarms: Alarm[] }>("/api/v1/alarms");
export const junction = (id: string) => ask<JunctionDetail>(`/api/v1/junctions/${encodeURIComponent(id)}`);

/** Orders control of one junction, or of the whole city. */
export function control(junction: string | null, order: ControlRequest): Promise<{ command: Command }> {
  const path = junction === null ? "/api/v1/control" : `/api/v1/junctions/${encodeURIComponent(junction)}/control`;
  return send("POST", path, order);
}

interface JourneyPlace { name?: string; lat: number; lon: number; track?: string }
export const session = () => ask<Session>("/api/v1/session");
export const signIn = (login: string, password: string) => send<Session>("POST", "/api/v1/session", { login, password });
export const signOut = () => send<Session>("DELETE", "/api/v1/session");
export const people = () => ask<{ people: Person[] }>("/api/v1/people");
export const proposals = () => ask<Proposals>("/api/v1/proposals");
export const agree = (id: string) => send<{ command: Command }>("POST", `/api/v1/proposals/${id}`);
export const turnDown = (id: string) => send<Proposals>("DELETE", `/api/v1/proposals/${id}`);

export function audit(before: number | null, contains: string): Promise<AuditLines> {
  const q = new URLSearchParams({ limit: "100", ...(before === null ? {} : { before: String(before) }), ...(contains ? { contains } : {}) });
  return ask(`/api/v1/audit?${q}`);
}
export const auditCheck = () => ask<AuditCheck>("/api/v1/audit/check");

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
  escort?: Escort;
  /** Of a vehicle on demand: how one asks, and until when. */
  pickupBooking?: { bookBy?: string; phoneNumber?: string };
  /** A shared vehicle: whose it is. */
  rental?: { systemName?: string };
}
/** Who comes along on a ride; ours. Whoever asks after `bookBy` is not met. */
export interface Escort { name: string; meets: JourneyPlace; meetingPoint?: string; meetingTime: string; until: JourneyPlace; bookBy: string; phoneNumber?: string }
/** How somebody gets about by public transport: over stairs, only without, or helped where there are some. */
export type Access = "STAIRS" | "STEPFREE" | "ESCORTED";
/** How somebody gets to the first stop. */
export type First = "WALK" | "BIKE" | "RENTAL" | "CAR_PARKING" | "FLEX";
/** What a journey costs, with the card that was chosen; ours. */
export interface Fare { amount: number; currency: string; payments: { name: string; amount: number; rides: number }[] }
export interface Itinerary { duration: number; startTime?: string; endTime?: string; transfers?: number; legs: Leg[]; fare?: Fare | null }
export interface Journeys {
  itineraries?: Itinerary[];
  direct?: Itinerary[];
  /** What of the question could not be followed, and why; ours. */
  notes?: string[];
  /** How old the link times behind the answer are; routing says so in either of two places. */
  [extra: string]: unknown;
}

/** How one may pay, if the planner has a tariff. */
export interface Fares { cards: { id: string; name: string }[] }
export const fares = (language: string) => ask<Fares>(`/api/v1/fares?language=${language}`);

/** The ground that is reached, the longest time first; GeoJSON. */
export interface Reached {
  features: { geometry: MultiPolygon; properties: { minutes: number } }[];
  traffic?: { ageSeconds?: number | null; state?: string };
}
export function reach(from: [number, number], mode: string, minutes: readonly number[]): Promise<Reached> {
  return ask(`/api/v1/isochrone?${new URLSearchParams({ one: from.join(","), mode, contours: minutes.join(",") })}`);
}

/** By public transport, or by one means all the way. */
export function plan(from: [number, number], to: [number, number], mode: string, language: string, transit: { card: string | null; access: Access; leave: number | null; first: First }): Promise<Journeys> {
  const q = new URLSearchParams({ fromPlace: from.join(","), toPlace: to.join(","), language });
  if (mode === "TRANSIT") {
    q.set("directModes", "");
    q.set("numItineraries", "4");
    if (transit.card) q.set("card", transit.card);
    if (transit.leave !== null) q.set("time", new Date(transit.leave).toISOString());
    if (transit.first !== "WALK") q.set("preTransitModes", transit.first);
    if (transit.access !== "STAIRS") q.set("pedestrianProfile", "WHEELCHAIR");
    if (transit.access === "ESCORTED") q.set("escort", "true");
  } else {
    q.set("directModes", mode);
    q.set("transitModes", "");
  }
  return ask(`/api/v1/plan?${q}`);
}

export const corridors = () => ask<{ corridors: CorridorSummary[] }>("/api/v1/corridors");
const corridorPath = (id: string) => `/api/v1/corridors/${encodeURIComponent(id)}`;
export function corridor(id: string, draft: { offsets?: readonly number[]; design?: "widest" } = {}): Promise<CorridorDetail> {
  const q = new URLSearchParams();
  if (draft.offsets) q.set("offsets", draft.offsets.map((s) => s.toFixed(1)).join(","));
  if (draft.design) q.set("design", draft.design);
  return ask(`${corridorPath(id)}?${q}`);
}
export const travelTimes = (id: string, back: boolean, from: number) => ask<TravelTimes>(`${corridorPath(id)}/travel-times?back=${back}&from=${Math.round(from)}`);
export const linkPivot = (id: string) => ask<LinkPivot>(`${corridorPath(id)}/link-pivot`);
export const corridorLamps = (id: string, from: number, to: number) => ask<CorridorLamps>(`${corridorPath(id)}/lamps?from=${Math.round(from)}&to=${Math.round(to)}`);

export const askWhatIf = (question: WhatIfRequest) => send<WhatIf>("POST", "/api/v1/what-if", question);
export const whatIf = (id: string) => ask<WhatIf>(`/api/v1/what-if/${encodeURIComponent(id)}`);

const stored = <T>(id: string, what: string, from: number, to: number): Promise<T> =>
  ask(`/api/v1/junctions/${encodeURIComponent(id)}/${what}?from=${Math.round(from)}&to=${Math.round(to)}&limit=20000`);
export const events = (id: string, from: number, to: number) => stored<StoredEvents>(id, "events", from, to);
export const decisions = (id: string, from: number, to: number) => stored<StoredDecisions>(id, "decisions", from, to);
