// Open tickets, kept fresh for as long as somebody shows them.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { tickets, type Tickets } from "../api/work";
import { beat } from "../live/live";

/** Others' doings show within so many seconds. */
const ASK_S = 5;

export const openTickets = signal<Tickets | null>(null);

export async function loadOpen(): Promise<void> {
  try {
    openTickets.value = await tickets();
  } catch {
    // The stream says when the centre is away; the list stays as it was.
  }
}

export function useOpenTickets(): Tickets | null {
  const due = Math.floor(beat.value / ASK_S);
  useEffect(() => void loadOpen(), [due]);
  return openTickets.value;
}

/** The open ticket of an alarm. */
export const ofAlarm = (alarm: string): number | null => openTickets.value?.tickets.find((one) => one.alarm === alarm)?.number ?? null;
