// The edit lock: looking is free, changing needs it open. It shuts by itself after a quarter of an hour without use.

import { computed, effect, signal } from "@preact/signals";
import { beat, replayed } from "./live/live";
import { may, open, person } from "./session";

export const LOCK_MINUTES = 15;

const shutsAt = signal<number | null>(null);

export const unlocked = computed(() => shutsAt.value !== null);
/** Minutes left, counted up, so that "1 min" is never a lie the short way. */
export const minutesLeft = computed(() => {
  void beat.value;
  return shutsAt.value === null ? 0 : Math.max(0, Math.ceil((shutsAt.value - performance.now()) / 60_000));
});

/** Whether there is anything that this person could change: the past is not. */
export const mayUnlock = computed(() => replayed.value === null && (open.value || (person.value !== null && may("operate", "nowhere"))));

export function unlock(): void {
  if (!mayUnlock.peek()) return;
  shutsAt.value = performance.now() + LOCK_MINUTES * 60_000;
}

export function relock(): void {
  shutsAt.value = null;
}

/** Any key or press while it is open is use. */
function used(): void {
  if (shutsAt.peek() !== null) shutsAt.value = performance.now() + LOCK_MINUTES * 60_000;
}
addEventListener("pointerdown", used, { passive: true });
addEventListener("keydown", used);

effect(() => {
  void beat.value;
  if (shutsAt.peek() !== null && performance.now() >= (shutsAt.peek() ?? 0)) shutsAt.value = null;
});

effect(() => {
  if (!mayUnlock.value) shutsAt.value = null;
});
