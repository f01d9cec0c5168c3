// Incidents and response plans over the API: the TypeScript face of `controller/src/api/view/incidents.rs`.

import { ask, send } from "../api/client";
import type { LonLat, Name } from "../api/view";

export interface Incident {
  number: number;
  links: { id: string; ix: number | null; name: Name; at: LonLat | null }[];
  closed: boolean;
  slow_to_kmh: number | null;
  what: string;
  since: number;
  until: number;
  over_at: number | null;
  lines: { at: number; who: string | null; what: string; text: string }[];
}
export interface Prepared { junction: string; kind?: string | null; plan?: number | null; stage?: number | null }
export interface Response { number: number; name: string; minutes: number; orders: Prepared[]; by: string }
export interface Incidents { incidents: Incident[]; responses: Response[] }

export const incidents = (all: boolean) => ask<Incidents>(`/api/v1/incidents${all ? "?all=true" : ""}`);
export const reportIncident = (of: { links: string[]; closed?: boolean; slow_to_kmh?: number; what: string; minutes: number; who?: string }) => send<Incident>("POST", "/api/v1/incidents", of);
export const actOnIncident = (number: number, act: { prolong_min?: number; respond?: number; end?: string; who?: string }) => send<Incident>("POST", `/api/v1/incidents/${number}`, act);
export const prepareResponse = (of: { name: string; minutes: number; orders: Prepared[]; who?: string }) => send<Response>("POST", "/api/v1/response-plans", of);
export const dropResponse = (number: number) => send<Incidents>("DELETE", `/api/v1/response-plans/${number}`);
