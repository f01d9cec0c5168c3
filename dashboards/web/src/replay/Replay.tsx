// A junction second by second, out of the store: its lamps, its detectors, and the decision in force. The address holds the
// moment, so that a link shows a colleague the same.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { junction as ask, Refused } from "../api/client";
import type { Decision, JunctionDetail } from "../api/view";
import { clockOf, nameOf, t } from "../i18n";
import { Bars } from "../junction/Bars";
import { Picture } from "../junction/Picture";
import { Why } from "../junction/Why";
import { why } from "../junction/why";
import { contact } from "../live/live";
import { go } from "../route";
import { language } from "../settings";
import { Icon } from "../ui/Icon";
import { TopBar } from "../ui/Shell";
import { Around } from "./Around";
import { moment, type Log } from "./log";
import { LEAD_MS, load } from "./logs";
import { latest, usePlayer } from "./player";
import { ReplayStrip } from "./ReplayStrip";

/** What is read at once around the moment, and when more is read, ms. */
const AROUND_MS = 8 * 60_000;
const NEAR_MS = 100_000;

export function Replay({ id }: { id: string }) {
  const base = useSignal<JunctionDetail | null>(null);
  const log = useSignal<Log | null>(null);
  const failed = useSignal<string | null>(null);
  const leave = () => go("junction", id);
  const player = usePlayer({ key: "at", first: base.value && base.value.now - 60_000, known: () => log.peek()?.to ?? null, leave });
  const { at, playing, seek } = player;

  useEffect(() => {
    let gone = false;
    void ask(id).then(
      (found) => !gone && (base.value = found),
      (error: unknown) => !gone && (failed.value = error instanceof Refused ? error.message : String(error)),
    );
    return () => void (gone = true);
  }, [id]);

  // Reads on before the edge is reached.
  const need = at !== null && base.value !== null && (log.value === null || at < log.value.from + NEAR_MS - LEAD_MS || (at > log.value.to - NEAR_MS && log.value.to < latest() - NEAR_MS / 2) || at > log.value.to || at < log.value.from);
  useEffect(() => {
    const junction = base.peek();
    if (!need || at === null || junction === null) return undefined;
    let gone = false;
    const [from, to] = [at - AROUND_MS, Math.min(at + AROUND_MS, latest())];
    void load(junction, from, to).then(
      (found) => {
        if (gone) return;
        log.value = found;
        failed.value = null;
      },
      (error: unknown) => !gone && (failed.value = error instanceof Refused ? error.message : String(error)),
    );
    return () => void (gone = true);
  }, [need, id, Math.floor((at ?? 0) / 30_000)]);

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
        <ReplayStrip
          player={player}
          here={() => ({ screen: "replay", id, query: { at: String(Math.round(at ?? 0)) } })}
          empty={at !== null && log.value !== null && (at > log.value.to || at < log.value.from)}
          leave={leave}
        />
      </main>
    </>
  );
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
