// The shell around `state`: one EventSource, a watch over its silence, and the page's once-a-second beat.

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import * as get from "../api/client";
import { CityClock } from "./clock";
import type { JunctionState } from "../api/view";
import { dataAge, EVENTS, NOTHING_YET, nowOf, reduce, type LiveState, type Message } from "./state";

/** Silence after which the page calls what it shows old. The stream's `vehicles` and `health` come each second. */
const SILENCE_MS = 2500;
/** Silence after which a stream that still looks open is opened anew: a dead network does not say goodbye. */
const HUNG_MS = 8000;
const RETRY_MS = [500, 1000, 2000, 3000];

export const live = signal<LiveState>(NOTHING_YET);
export const health = computed(() => live.value.health);
export const junctions = computed(() => live.value.junctions);
export const links = computed(() => live.value.links);
export const alarms = computed(() => live.value.alarms);
export const vehicles = computed(() => live.value.vehicles);
export const detail = computed(() => live.value.detail);

/** Which junction's details the stream carries. */
export const watched = signal<string | null>(null);

/** `waiting` until the first message, then `live` or `cut`. */
export const contact = signal<"waiting" | "live" | "cut">("waiting");
/** City time of the last message, for "as of". */
export const heardAt = signal(0);
/** The city's clock, ms; moves once a second, so that the page does. */
export const now = signal(0);
/** Our own clock in whole seconds, for waits that are ours. */
export const beat = signal(0);

const clock = new CityClock();
let lastHeard = -Infinity;
let openedAt = 0;
let source: EventSource | null = null;
let attempt = 0;
let retry: ReturnType<typeof setTimeout> | undefined;

/** The city's clock this moment, for what moves between beats. */
export const cityNow = (): number => clock.now(performance.now());
/** The moment that a replay shows; null while the page shows the present. */
export const replayed = signal<number | null>(null);
/** Until when what is shown is known: now, or the last message once contact is cut. Nothing moves past it. */
export const knownUntil = computed(() => replayed.value ?? (contact.value === "cut" ? heardAt.value : now.value));

/** Seconds since a junction was last heard; null if it never was. */
export const ageOf = (state: JunctionState): number | null => dataAge(state, now.value, heardAt.value);

export function tell(message: Message): void {
  const at = nowOf(message);
  batch(() => {
    if (at !== null) {
      clock.hear(at, performance.now(), message.event === "health" ? message.data.clock_speed : undefined);
    }
    live.value = reduce(live.value, message);
    if (now.peek() === 0 && clock.known) now.value = cityNow();
  });
}

function heard(): void {
  lastHeard = performance.now();
  attempt = 0;
  batch(() => {
    contact.value = "live";
    // To the second: it is for people, and each change draws the panels anew.
    const at = cityNow();
    if (Math.abs(at - heardAt.peek()) >= 1000) heardAt.value = at;
  });
}

async function open(junction: string | null): Promise<void> {
  clearTimeout(retry);
  source?.close();
  source = null;
  openedAt = performance.now();
  // The stream's junctions are bare states; names and places come once, before it.
  if (live.peek().junctions.size === 0) {
    try {
      tell({ event: "junctions", data: await get.junctions() });
    } catch {
      if (watched.peek() === junction) again(junction);
      return;
    }
    if (watched.peek() !== junction) return;
  }
  const query = junction === null ? "" : `?junction=${encodeURIComponent(junction)}`;
  const opened = new EventSource(`/api/v1/stream${query}`);
  source = opened;
  for (const event of EVENTS) {
    opened.addEventListener(event, (raw) => {
      if (opened !== source) return;
      tell({ event, data: JSON.parse((raw as MessageEvent<string>).data) } as Message);
      heard();
    });
  }
  // The browser retries by itself after a cut, but gives up after an error answer: we always retry.
  opened.onerror = () => {
    if (opened !== source) return;
    opened.close();
    again(junction);
  };
}

function again(junction: string | null): void {
  contact.value = "cut";
  const wait = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] ?? 3000;
  attempt += 1;
  clearTimeout(retry);
  retry = setTimeout(() => void open(junction), wait);
}

/** Begins to listen, for as long as the page lives. */
export function start(): void {
  effect(() => {
    const junction = watched.value;
    void untracked(() => open(junction));
  });
  setInterval(() => {
    const local = performance.now();
    const quiet = local - Math.max(lastHeard, openedAt);
    batch(() => {
      if (contact.peek() !== "cut" && quiet > SILENCE_MS) contact.value = "cut";
      const second = Math.floor(local / 1000);
      if (second !== beat.peek()) {
        beat.value = second;
        if (clock.known) now.value = cityNow();
      }
    });
    if (quiet > HUNG_MS && source?.readyState === EventSource.OPEN) void open(watched.peek());
  }, 250);
}
