// Plans and drafts over the API: the TypeScript face of `controller/src/api/view/plans.rs`.

import { ask, send } from "../api/client";
import type { Name } from "../api/view";

export interface Plan { number: number; name: Name; cycle_s: number; offset_s: number; steps: [number, number][] }
export interface Hours { days: number; from_minute: number; until_minute: number }
export interface Tried { what_if: string; at: number; minutes: number; before_s: number; after_s: number; difference_s: [number, number]; verdict: string }
export type DraftState = "draft" | "proposed" | "approved" | "canary" | "rolled_out" | "withdrawn";
export interface Draft {
  number: number;
  junction: string;
  name: Name;
  district: string;
  state: DraftState;
  until: number | null;
  canaried: boolean;
  plan: Plan;
  hours: Hours[];
  reason: string;
  author: string;
  mine: boolean;
  approved_by: string | null;
  tried: Tried | null;
  lines: { at: number; who: string | null; what: string; text: string }[];
}
export interface Library {
  junction: string;
  name: Name;
  district: string;
  plans: Plan[];
  schedule: { days: number; from_minute: number; plan: number }[];
  holidays: string[];
  cabinet: { state: "same" | "differs" | "unknown"; ours: number; theirs: number | null; runs: number | null };
  stages: number[];
  draft: number | null;
  drafts: Draft[];
}
export interface Check { cycle_s: number; steps: { interstage_s: number; min_green_s: number; shortest_s: number; fits: boolean }[]; faults: string[] }
export interface Content { base: number; plan: { cycle_s: number; offset_s: number; steps: [number, number][] }; hours: Hours[]; reason: string; who?: string }
export interface DraftAct {
  edit?: Content;
  tried?: string;
  propose?: boolean;
  approve?: boolean;
  refuse?: string;
  canary_min?: number;
  roll_out?: boolean;
  roll_back?: string;
  withdraw?: string;
  who?: string;
}

const of = (id: string) => `/api/v1/junctions/${encodeURIComponent(id)}`;
export const library = (id: string) => ask<Library>(`${of(id)}/plans`);
export const checkPlan = (id: string, plan: Content["plan"]) => send<Check>("POST", `${of(id)}/plans/check`, plan);
export const drafts = () => ask<{ drafts: Draft[] }>("/api/v1/drafts");
export const draft = (number: number) => ask<Draft>(`/api/v1/drafts/${number}`);
export const makeDraft = (id: string, content: Content) => send<Draft>("POST", `${of(id)}/drafts`, content);
export const actOnDraft = (number: number, act: DraftAct) => send<Draft>("POST", `/api/v1/drafts/${number}`, act);
