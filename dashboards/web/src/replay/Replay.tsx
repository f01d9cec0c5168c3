// A junction second by second, out of the store: its lamps, its detectors, and the decision in force. The address holds the
// moment, so that a link shows a colleague the same.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { decisions, events, junction as ask, Refused } from "../api/client";
import type { Decision, JunctionDetail } from "../api/view";
import { fromZoned, zoned } from "../format";
import { clockOf, dateOf, nameOf, t, zone } from "../i18n";
import { withKeys } from "../keys";
import { Bars } from "../junction/Bars";
import { Picture } from "../junction/Picture";
import { Why } from "../junction/Why";
import { why } from "../junction/why";
import { cityNow, contact, now, replayed } from "../live/live";
import { go, note, place, write } from "../route";
import { language } from "../settings";
import { Icon } from "../ui/Icon";
import { TopBar } from "../ui/Shell";
import { Around } from "./Around";
import { moment, read, type Log } from "./log";

/** What is read at once around the moment, and when more is read, ms. */
const AROUND_MS = 8 * 60_000;
/** Before that, so that long reds are known, ms. */
const LEAD_MS = 4 * 60_000;
const NEAR_MS = 100_000;
/** The store lags behind the street by so much, ms. */
const LATE_MS = 6_000;
const HOUR_MS = 3_600_000;
const BEAT_MS = 250;
const SPEEDS = [1, 2, 5, 10] as const;

export function Replay({ id }: { id: string }) {
  const base = useSignal<JunctionDetail | null>(null);
  const log = useSignal<Log | null>(null);
  const failed = useSignal<string | null>(null);
  const playing = useSignal(false);
  const speed = useSignal<number>(1);
  const copied = useSignal(false);
  const asked = Number(place.value.query["at"]);
  const at = replayed.value ?? (Number.isFinite(asked) && asked > 0 ? asked : null);

  const latest = () => cityNow() - LATE_MS;
  const seek = (to: number) => {
    replayed.value = Math.round(Math.min(to, Math.max(latest(), log.peek()?.to ?? 0)));
  };

  useEffect(() => {
    let gone = false;
    void ask(id).then(
      (found) => {
        if (gone) return;
        base.value = found;
        const from = Number(place.peek().query["at"]);
        replayed.value = Number.isFinite(from) && from > 0 ? from : found.now - 60_000;
      },
      (error: unknown) => !gone && (failed.value = error instanceof Refused ? error.message : String(error)),
    );
    return () => {
      gone = true;
      replayed.value = null;
    };
  }, [id]);

  // A link that was followed while this screen is shown.
  useEffect(() => {
    if (base.peek() && Number.isFinite(asked) && asked > 0 && Math.abs(asked - (replayed.peek() ?? 0)) > 1500 && !playing.peek()) replayed.value = asked;
  }, [asked]);

  // Reads on before the edge is reached.
  const need = at !== null && base.value !== null && (log.value === null || at < log.value.from + NEAR_MS - LEAD_MS || (at > log.value.to - NEAR_MS && log.value.to < latest() - NEAR_MS / 2) || at > log.value.to || at < log.value.from);
  useEffect(() => {
    const junction = base.peek();
    if (!need || at === null || junction === null) return undefined;
    let gone = false;
    const [from, to] = [at - AROUND_MS, Math.min(at + AROUND_MS, latest())];
    void Promise.all([events(id, from - LEAD_MS, to), decisions(id, from - LEAD_MS, to)]).then(
      ([stored, taken]) => {
        if (gone) return;
        // A cut answer ends at its last row.
        const end = stored.truncated ? (stored.events.at(-1)?.[0] ?? to) : to;
        log.value = read(junction, stored, taken.decisions, from, Math.max(end, from + 1));
        failed.value = null;
      },
      (error: unknown) => !gone && (failed.value = error instanceof Refused ? error.message : String(error)),
    );
    return () => void (gone = true);
  }, [need, id, Math.floor((at ?? 0) / 30_000)]);

  useEffect(() => {
    if (!playing.value) return undefined;
    const timer = setInterval(() => {
      const next = (replayed.peek() ?? 0) + BEAT_MS * speed.peek();
      const end = Math.min(latest(), log.peek()?.to ?? Infinity);
      if (next >= end) playing.value = false;
      seek(Math.min(next, end));
    }, BEAT_MS);
    return () => clearInterval(timer);
  }, [playing.value]);

  // The address follows, once a second while it plays, without steps in the history.
  const followed = at === null ? null : playing.value ? Math.floor(at / 1000) * 1000 : at;
  useEffect(() => {
    if (followed !== null && base.value) note({ at: String(followed) });
  }, [followed]);

  const step = (ms: number) => seek((replayed.peek() ?? 0) + ms);
  useEffect(() => withKeys({
    " ": () => void (playing.value = !playing.peek()),
    ArrowLeft: (event) => step(event.shiftKey ? -10_000 : -1_000),
    ArrowRight: (event) => step(event.shiftKey ? 10_000 : 1_000),
    l: () => go("junction", id),
    Escape: (event) => {
      event.preventDefault();
      go("junction", id);
    },
  }), [id]);

  async function copy(): Promise<void> {
    const link = `${location.origin}${location.pathname}${write({ screen: "replay", id, query: { at: String(Math.round(replayed.peek() ?? 0)) } })}`;
    try {
      await navigator.clipboard.writeText(link);
      copied.value = true;
      setTimeout(() => (copied.value = false), 3_000);
    } catch {
      // Without a clipboard the address bar has it.
      prompt(t("rep.link"), link);
    }
  }

  const { value: junction } = base;
  const shown = junction && log.value && at !== null ? moment(junction, log.value, at) : null;
  return (
    <>
      <TopBar
        title={junction ? nameOf(junction.name) : id}
        sub={t("rep.sub", { id })}
        middle={<p class="sentence" data-contact={contact.value}><b>{t("rep.title")}</b> {t("rep.why")}</p>}
      />
      <main id="main" class="screen junction replaying" tabIndex={-1}>
        {shown && at !== null ? (
          <>
            <Picture detail={shown} />
            <Why detail={shown} />
            <Bars detail={shown} stored={log.value?.to ?? at} />
            <Decisions all={log.value?.decisions ?? []} at={at} onPick={(one) => { playing.value = false; seek(one.at); }}>
              {log.value && <Around id={id} at={at} from={log.value.from} to={log.value.to} />}
            </Decisions>
          </>
        ) : failed.value !== null ? (
          <div class="state page"><h2><Icon name="error" />{t("rep.failed")}</h2><p>{failed.value}</p></div>
        ) : (
          <div class="grey-lines" role="status" aria-label={t("rep.loading")}><i /><i /><i /></div>
        )}
        <section class="strip replay-strip" aria-label={t("rep.controls")}>
          <div class="strip-side">
            <span class="replay-buttons">
              <button type="button" class="icon-button boxed" aria-label={t("rep.back")} title={t("rep.back")} onClick={() => step(-10_000)}><Icon name="toStart" size={16} /></button>
              <button type="button" class="icon-button boxed" aria-pressed={playing.value} aria-keyshortcuts="Space" aria-label={t(playing.value ? "rep.pause" : "rep.play")} title={t(playing.value ? "rep.pause" : "rep.play")} onClick={() => (playing.value = !playing.value)}><Icon name={playing.value ? "pause" : "play"} size={16} /></button>
              <button type="button" class="icon-button boxed" aria-label={t("rep.ahead")} title={t("rep.ahead")} onClick={() => step(10_000)}><Icon name="toEnd" size={16} /></button>
              <button type="button" class="button small" aria-keyshortcuts="L" onClick={() => go("junction", id)}>{t("strip.live")}</button>
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
                  {log.value && (at > log.value.to || at < log.value.from) && <span class="stale-note">{t("rep.nothing")}</span>}
                </p>
              </>
            )}
          </div>
        </section>
      </main>
    </>
  );
}

/** The slider's hour: the last one, or the one around the moment. */
function rangeFrom(at: number): number {
  const last = Math.floor(now.value / 1000) * 1000 - HOUR_MS;
  return at >= last ? last : Math.floor(at / HOUR_MS) * HOUR_MS;
}

/** The decisions around the moment; those that changed nothing are folded away. */
function Decisions({ all, at, onPick, children }: { all: readonly Decision[]; at: number; onPick: (one: Decision) => void; children?: ComponentChildren }) {
  const current = all.findLast((one) => one.at <= at);
  const told = all.filter((one, i) => one.stage !== one.before || one === current || all[i - 1]?.reason !== one.reason);
  const here = told.findIndex((one) => one === current);
  const around = told.slice(Math.max(0, here - 2), Math.max(0, here - 2) + 6);
  return (
    <aside class="side side-right junction-side replay-log" aria-label={t("rep.decisions")}>
      <h2>{t("rep.decisions")} <span class="quiet">{all.length}</span></h2>
      {around.length === 0 ? <p class="soft">{t("rep.noDecisions")}</p> : (
        <ol>
          {around.map((one) => (
            <li key={one.number}>
              <button type="button" class={one === current ? "current" : one.at > at ? "later" : ""} aria-current={one === current ? "true" : undefined} onClick={() => onPick(one)}>
                <span class="replay-when">{clockOf(one.at)}</span>
                <span><b>{one.stage === one.before ? t("why.keep", { n: one.stage }) : t("why.go", { n: one.stage })}</b><br /><span class="soft">{why(language.value, one)}</span></span>
              </button>
            </li>
          ))}
        </ol>
      )}
      {children}
    </aside>
  );
}
