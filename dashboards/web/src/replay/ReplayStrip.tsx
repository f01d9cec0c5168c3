// The bar below a replay: play, step, another moment, and a link to this one.

import { useSignal } from "@preact/signals";
import { fromZoned, zoned } from "../format";
import { clockOf, dateOf, t, zone } from "../i18n";
import { now } from "../live/live";
import { write, type Place } from "../route";
import { Icon } from "../ui/Icon";
import type { Player } from "./player";

const HOUR_MS = 3_600_000;
const SPEEDS = [1, 2, 5, 10] as const;

/** `here` is where a link to the moment leads; `empty`: of it nothing is stored. */
export function ReplayStrip({ player, here, empty, leave }: { player: Player; here: () => Place; empty: boolean; leave: () => void }) {
  const { at, playing, speed, seek, step } = player;
  const copied = useSignal(false);
  async function copy(): Promise<void> {
    const link = `${location.origin}${location.pathname}${write(here())}`;
    try {
      await navigator.clipboard.writeText(link);
      copied.value = true;
      setTimeout(() => (copied.value = false), 3_000);
    } catch {
      // Without a clipboard the address bar has it.
      prompt(t("rep.link"), link);
    }
  }
  return (
    <section class="strip replay-strip" aria-label={t("rep.controls")}>
      <div class="strip-side">
        <span class="replay-buttons">
          <button type="button" class="icon-button boxed" aria-label={t("rep.back")} title={t("rep.back")} onClick={() => step(-10_000)}><Icon name="toStart" size={16} /></button>
          <button type="button" class="icon-button boxed" aria-pressed={playing.value} aria-keyshortcuts="Space" aria-label={t(playing.value ? "rep.pause" : "rep.play")} title={t(playing.value ? "rep.pause" : "rep.play")} onClick={() => (playing.value = !playing.value)}><Icon name={playing.value ? "pause" : "play"} size={16} /></button>
          <button type="button" class="icon-button boxed" aria-label={t("rep.ahead")} title={t("rep.ahead")} onClick={() => step(10_000)}><Icon name="toEnd" size={16} /></button>
          <button type="button" class="button small" aria-keyshortcuts="L" onClick={leave}>{t("strip.live")}</button>
        </span>
        <span class="segments replay-speed" role="group" aria-label={t("rep.speed")}>
          {SPEEDS.map((one) => <button type="button" aria-pressed={speed.value === one} onClick={() => (speed.value = one)}>×{one}</button>)}
        </span>
      </div>
      <div class="replay-time">
        {at !== null && (
          <>
            <input
              type="range"
              class="replay-range"
              aria-label={t("rep.range")}
              aria-valuetext={`${clockOf(at)}, ${dateOf(at)}`}
              min={rangeFrom(at)}
              max={rangeFrom(at) + HOUR_MS}
              step={1000}
              value={at}
              onInput={(event) => { playing.value = false; seek(event.currentTarget.valueAsNumber); }}
            />
            <p class="replay-ends label"><span>{clockOf(rangeFrom(at))}</span><span>{clockOf(rangeFrom(at) + HOUR_MS)}</span></p>
            <p class="replay-tools">
              <label class="label" for="replay-at">{t("rep.at")}</label>
              <input id="replay-at" class="input" type="datetime-local" step="1" value={zoned(at, zone())} onChange={(event) => { const to = fromZoned(event.currentTarget.value, zone()); if (to !== null) seek(to); }} />
              <button type="button" class="button small" onClick={() => void copy()}><Icon name="link" size={16} />{t(copied.value ? "rep.copied" : "rep.copy")}</button>
              {empty && <span class="stale-note">{t("rep.nothing")}</span>}
            </p>
          </>
        )}
      </div>
    </section>
  );
}

/** The slider's hour: the last one, or the one around the moment. */
function rangeFrom(at: number): number {
  const last = Math.floor(now.value / 1000) * 1000 - HOUR_MS;
  return at >= last ? last : Math.floor(at / HOUR_MS) * HOUR_MS;
}
