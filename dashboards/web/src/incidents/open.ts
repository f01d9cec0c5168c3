// Incidents in force, kept fresh for as long as a map shows them.

import { signal } from "@preact/signals";
import { incidents, type Incident } from "./api";

/** Others' reports show within so long. */
const ASK_MS = 5000;

export const inForce = signal<readonly Incident[]>([]);

async function load(): Promise<void> {
  try {
    const next = (await incidents(false)).incidents;
    if (JSON.stringify(next) !== JSON.stringify(inForce.peek())) inForce.value = next;
  } catch {
    // The stream says when the centre is away; what is shown stays.
  }
}

/** Asks until the answer is called. */
export function watchIncidents(): () => void {
  void load();
  const timer = setInterval(() => void load(), ASK_MS);
  return () => clearInterval(timer);
}
