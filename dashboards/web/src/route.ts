// Where the page is, as the address says it: `#/junction/ID`, `#/city?junction=ID&zoom=13.2&at=37.62,55.75`.

import { signal } from "@preact/signals";

export const SCREENS = ["city", "junctions", "junction", "replay", "corridors", "measures", "alarms", "alarm", "tickets", "incidents", "plans", "commands", "journey", "audit", "people", "system", "sign-in"] as const;
export type Screen = (typeof SCREENS)[number];

/** Screens of one thing; the first two are nothing without it. */
const OF_ONE: readonly Screen[] = ["junction", "alarm", "replay", "tickets", "plans"];

export interface Place {
  screen: Screen;
  /** The junction, the alarm or the ticket that is open; a replay without one is of an area. */
  id: string | null;
  query: Record<string, string>;
}

export function parse(hash: string): Place {
  const [path = "", search = ""] = hash.replace(/^#/, "").split("?", 2);
  const [screen = "", id = ""] = path.split("/").filter(Boolean);
  const query = Object.fromEntries(new URLSearchParams(search));
  if (OF_ONE.includes(screen as Screen) && id) return { screen: screen as Screen, id: decodeURIComponent(id), query };
  const known = SCREENS.find((name) => name === screen && !OF_ONE.slice(0, 2).includes(name));
  return { screen: known ?? "city", id: null, query };
}

export function write(place: Place): string {
  const path = place.id === null ? place.screen : `${place.screen}/${encodeURIComponent(place.id)}`;
  const pairs = Object.entries(place.query).filter(([, value]) => value !== "");
  const search = pairs.map(([key, value]) => `${key}=${encodeURIComponent(value).replaceAll("%2C", ",")}`).join("&");
  return `#/${path}${search ? `?${search}` : ""}`;
}

export const place = signal<Place>(parse(location.hash));
addEventListener("hashchange", () => {
  place.value = parse(location.hash);
});

/** Goes there, as a click on a link does. */
export function go(screen: Screen, id: string | null = null, query: Record<string, string> = {}): void {
  location.hash = write({ screen, id, query });
}

/** Notes what the person set, without a step in the browser's history. */
export function note(query: Record<string, string | null>): void {
  // A link was followed and its `hashchange` is still to come: what is left of the old screen must not call it back.
  const { screen, id } = parse(location.hash);
  if (screen !== place.peek().screen || id !== place.peek().id) return;
  const merged = { ...place.peek().query };
  for (const [key, value] of Object.entries(query)) {
    if (value === null) delete merged[key];
    else merged[key] = value;
  }
  const next = { ...place.peek(), query: merged };
  if (write(next) === write(place.peek())) return;
  history.replaceState(history.state, "", write(next));
  place.value = next;
}

export const junctionHref = (id: string): string => write({ screen: "junction", id, query: {} });
