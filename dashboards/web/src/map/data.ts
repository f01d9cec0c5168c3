// What does not change while the city runs: where its tiles are, the names of its streets, single links. Each is asked for when
// somebody needs it first, and again while it fails.

import { signal } from "@preact/signals";
import * as get from "../api/client";
import type { MapInfo, MapLink, Street } from "../api/view";

const AGAIN_MS = 3000;

export const mapInfo = signal<MapInfo | null>(null);
export const mapFailed = signal(false);
/** For the search; empty until somebody begins to search. */
export const streetList = signal<readonly Street[]>([]);

/** Asks until it is there, however often it is called. */
function once<T>(ask: () => Promise<T>, then: (answer: T) => void, failed: () => void): () => void {
  let asked = false;
  const attempt = async (): Promise<void> => {
    try {
      then(await ask());
    } catch {
      failed();
      setTimeout(() => void attempt(), AGAIN_MS);
    }
  };
  return () => {
    if (asked) return;
    asked = true;
    void attempt();
  };
}

export const loadMap = once(
  get.mapInfo,
  (info) => {
    mapInfo.value = info;
    mapFailed.value = false;
  },
  () => (mapFailed.value = true),
);

export const loadStreets = once(get.streets, ({ streets }) => (streetList.value = streets), () => undefined);

const links = signal<ReadonlyMap<string, MapLink | null>>(new Map());

/** A link by its id: null while it is asked for, and if there is none. */
export function linkOf(id: string): MapLink | null {
  const known = links.value.get(id);
  if (known === undefined && id !== "") {
    const keep = (link: MapLink | null): void => {
      links.value = new Map(links.peek()).set(id, link);
    };
    // In its own turn: who asks while it is drawn must not change what is drawn.
    queueMicrotask(() => {
      if (links.peek().has(id)) return;
      keep(null);
      get.mapLink(id).then(keep, () => undefined);
    });
  }
  return known ?? null;
}
