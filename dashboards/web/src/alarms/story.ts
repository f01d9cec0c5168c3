// What has happened since an alarm was raised, and what is to come, in one line of time. Pure.

import type { Alarm, Command } from "../api/view";
import type { Ticket, TicketLine } from "../api/work";

export type Step = { at: number; coming: boolean } & (
  | { what: "raised" }
  /** What the system did about it by itself, as the alarm says. */
  | { what: "done"; code: string }
  | { what: "command"; command: Command }
  | { what: "command_ends"; command: Command }
  | { what: "ticket"; number: number; line: TicketLine }
  | { what: "accept_by" | "due"; number: number }
);

/** Leases are prolonged all the time: they are no event. */
const told = (command: Command): boolean => command.what !== "lease" && command.state !== "rejected";

export function story(alarm: Alarm, ticket: Ticket | null, commands: readonly Command[], now: number): Step[] {
  const steps: Step[] = [{ what: "raised", at: alarm.since, coming: false }];
  if (alarm.done !== "none" && alarm.done !== "") steps.push({ what: "done", code: alarm.done, at: alarm.since, coming: false });
  for (const command of commands.filter(told)) {
    steps.push({ what: "command", command, at: command.since, coming: false });
    if (command.until > now) steps.push({ what: "command_ends", command, at: command.until, coming: true });
  }
  if (ticket) {
    for (const line of ticket.lines) steps.push({ what: "ticket", number: ticket.number, line, at: line.at, coming: false });
    if (ticket.state === "new") steps.push({ what: "accept_by", number: ticket.number, at: ticket.accept_by, coming: ticket.accept_by > now });
    if (ticket.closed_at === null) steps.push({ what: "due", number: ticket.number, at: ticket.due_at, coming: ticket.due_at > now });
  }
  // A term that has passed is still to be met: it stands last of what was, in its place in time.
  return steps.sort((a, b) => a.at - b.at || Number(a.coming) - Number(b.coming));
}

/** A queue that does not move on green: nobody's to mend, so that no ticket is opened for it. */
const STALLED = "traffic.stalled";

/** What a person does next: the first of these that is open. */
export type Next = "accept" | "work" | "look" | "wait";
export function next(code: string, ticket: Ticket | null): Next {
  if (ticket === null && code === STALLED) return "look";
  if (ticket === null || ticket.state === "closed" || ticket.state === "proving") return "wait";
  return ticket.state === "new" ? "accept" : "work";
}
