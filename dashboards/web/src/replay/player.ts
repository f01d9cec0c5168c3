// The moment that a replay shows: moved by hand, by keys, or by itself while it plays.

import { useSignal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { withKeys } from "../keys";
import { cityNow, replayed } from "../live/live";
import { note, place } from "../route";

/** The store lags behind the street by so much, ms. */
const LATE_MS = 6_000;
const BEAT_MS = 250;
/** A moment of the address that is nearer to the one shown than this is the one shown, ms. */
const SAME_MS = 1_500;

/** The last moment of which the store can know. */
export const latest = (): number => cityNow() - LATE_MS;

export interface Player {
  /** The moment; null before it is known. */
  at: number | null;
  playing: Signal<boolean>;
  speed: Signal<number>;
  seek: (to: number) => void;
  step: (ms: number) => void;
}

/**
 * `key` is where the address holds the moment, `first` the moment without one, once the page can say, and `known` until when
 * something was read. Keys: Space plays, arrows step, L and Escape lead back to the present.
 */
export function usePlayer({ key, first, known, leave }: { key: string; first: number | null; known: () => number | null; leave: () => void }): Player {
  const playing = useSignal(false);
  const speed = useSignal<number>(1);
  const asked = Number(place.value.query[key]);
  const given = Number.isFinite(asked) && asked > 0 ? asked : null;

  const seek = (to: number) => {
    replayed.value = Math.round(Math.min(to, Math.max(latest(), known() ?? 0)));
  };
  const step = (ms: number) => seek((replayed.peek() ?? 0) + ms);

  useEffect(() => () => void (replayed.value = null), []);

  // The first moment, and one of a link that was followed while this screen is shown.
  const begun = first !== null;
  useEffect(() => {
    if (first === null || playing.peek()) return;
    const shown = replayed.peek();
    if (shown === null) replayed.value = given ?? first;
    else if (given !== null && Math.abs(given - shown) > SAME_MS) replayed.value = given;
  }, [begun, given]);

  useEffect(() => {
    if (!playing.value) return undefined;
    const timer = setInterval(() => {
      const next = (replayed.peek() ?? 0) + BEAT_MS * speed.peek();
      const end = Math.min(latest(), known() ?? Infinity);
      if (next >= end) playing.value = false;
      seek(Math.min(next, end));
    }, BEAT_MS);
    return () => clearInterval(timer);
  }, [playing.value]);

  // The address follows, once a second while it plays, without steps in the history.
  const at = replayed.value ?? given;
  const followed = at === null ? null : playing.value ? Math.floor(at / 1000) * 1000 : at;
  useEffect(() => {
    if (followed !== null && begun) note({ [key]: String(followed) });
  }, [followed, begun]);

  useEffect(() => withKeys({
    " ": () => void (playing.value = !playing.peek()),
    ArrowLeft: (event) => step(event.shiftKey ? -10_000 : -1_000),
    ArrowRight: (event) => step(event.shiftKey ? 10_000 : 1_000),
    l: leave,
    Escape: (event) => {
      event.preventDefault();
      leave();
    },
  }), []);

  return { at, playing, speed, seek, step };
}
