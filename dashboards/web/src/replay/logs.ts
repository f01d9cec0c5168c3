// The logs of several junctions for one stretch of time.

import { useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { decisions, events, junction as ask } from "../api/client";
import type { Decision, JunctionDetail } from "../api/view";
import { read, type Log } from "./log";

/** Before what is shown, so that long reds are known, ms. */
export const LEAD_MS = 4 * 60_000;
/** So many are asked for at once. */
const AT_ONCE = 4;

export interface Known { base: JunctionDetail; log: Log }

/** Reads what the store has of a junction: `from` to `to`, or to where a cut answer ends. */
export async function load(base: JunctionDetail, from: number, to: number): Promise<Log> {
  const [stored, taken]: [Awaited<ReturnType<typeof events>>, { decisions: Decision[] }] = await Promise.all([events(base.id, from - LEAD_MS, to), decisions(base.id, from - LEAD_MS, to)]);
  const end = stored.truncated ? (stored.events.at(-1)?.[0] ?? to) : to;
  return read(base, stored, taken.decisions, from, Math.max(end, from + 1));
}

/** Those of the junctions that could be read, as they come; of one that cannot be nothing is known. */
export function useLogs(ids: readonly string[], from: number, to: number): ReadonlySignal<ReadonlyMap<string, Known>> {
  const known = useSignal<ReadonlyMap<string, Known>>(new Map());
  const wanted = ids.join();
  useEffect(() => {
    let gone = false;
    const left = wanted.split(",").filter((id) => {
      const log = known.peek().get(id)?.log;
      return id !== "" && !(log && log.from <= from && log.to >= to);
    });
    const work = async (): Promise<void> => {
      for (let id = left.shift(); id !== undefined && !gone; id = left.shift()) {
        try {
          const base = known.peek().get(id)?.base ?? (await ask(id));
          const log = await load(base, from, to);
          if (!gone) known.value = new Map(known.peek()).set(id, { base, log });
        } catch {
          // Its row stays hatched.
        }
      }
    };
    for (let i = 0; i < AT_ONCE; i += 1) void work();
    return () => void (gone = true);
  }, [wanted, from, to]);
  return known;
}
