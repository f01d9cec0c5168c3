// Tickets over the API: the TypeScript face of `controller/src/api/view/tickets.rs`.

import { ask, send } from "./client";
import type { Name } from "./view";

export interface TicketLine { at: number; who: string | null; what: string; text: string | null }
export interface Ticket {
  number: number;
  state: "new" | "accepted" | "proving" | "closed";
  source: "alarm" | "measure" | "person";
  junction: string;
  name: Name;
  district: string;
  code: string;
  component: string;
  alarm: string;
  priority: number;
  message: string;
  value: number | null;
  opened_at: number;
  accept_by: number;
  due_at: number;
  late: boolean;
  gone_at: number | null;
  proved_at: number | null;
  returned: number;
  accepted_by: string | null;
  assignee: string | null;
  closed_at: number | null;
  lines: TicketLine[];
}
export interface Tickets { now: number; tickets: Ticket[]; open: number; new: number; late: number; people: { login: string; name: string }[] }

export interface TicketAct { accept?: boolean; assign?: string; note?: string; close?: string; unproved?: boolean; who?: string }

export function tickets(which: { state?: "open" | "closed"; junction?: string } = {}): Promise<Tickets> {
  return ask(`/api/v1/tickets?${new URLSearchParams(which)}`);
}
export const ticket = (number: number) => ask<Ticket>(`/api/v1/tickets/${number}`);
export const actOnTicket = (number: number, act: TicketAct) => send<Ticket>("POST", `/api/v1/tickets/${number}`, act);
export const reportTicket = (of: { junction: string; priority: number; text: string; who?: string }) => send<Ticket>("POST", "/api/v1/tickets", of);
