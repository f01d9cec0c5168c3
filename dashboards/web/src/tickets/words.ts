// A ticket in words, and how it stands against the time that it has.

import { alarmTitle } from "../alarmText";
import type { Ticket } from "../api/work";
import { coarse, num, t, tk } from "../i18n";

export function ticketTitle(ticket: Ticket): string {
  if (ticket.source === "person") return ticket.message;
  return tk(`tk.code.${ticket.code}`) ?? alarmTitle(ticket);
}

/** The part of the junction and what the measure said, if anything. */
export function ticketPart(ticket: Ticket): string {
  const part = ticket.component && ticket.source !== "person" ? t("alarm.component", { c: ticket.component }) : "";
  const value = ticket.value === null ? null : tk(`tk.value.${ticket.code}`, { x: num(ticket.value) });
  return [part, value].filter(Boolean).join(", ");
}

/** How long is left, or how late it is. */
export function against(by: number, now: number): string {
  const seconds = (by - now) / 1000;
  return seconds < 0 ? t("tk.overdue", { age: coarse(-seconds) }) : t("tk.left", { age: coarse(seconds) });
}
