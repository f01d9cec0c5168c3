// One alarm, for whoever is woken by it: what is wrong, what the system has done already, what to do next.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { alarmTitle } from "../alarmText";
import { junction as askJunction } from "../api/client";
import { actOnTicket, ticket as askTicket, type Ticket } from "../api/work";
import type { Alarm as AlarmView, JunctionDetail } from "../api/view";
import { ago, clockOf, coarse, dateOf, nameOf, t, tk, tn } from "../i18n";
import { countdown } from "../format";
import { shown } from "../city/state";
import { title as commandTitle } from "../junction/Commands";
import { cameraOf } from "../city/cameras";
import { withKeys } from "../keys";
import { ageOf, alarms, beat, detail, junctions, live, now, watched } from "../live/live";
import { mayUnlock, unlock, unlocked } from "../lock";
import { MapHost } from "../map/MapHost";
import type { CityCanvas } from "../map/canvas";
import { whyNot } from "../refusal";
import { go, junctionHref, write } from "../route";
import { may, open, person } from "../session";
import { who } from "../settings";
import { ofAlarm, useOpenTickets } from "../tickets/open";
import { Icon, type IconName } from "../ui/Icon";
import { TopBar } from "../ui/Shell";
import { TimeStrip } from "../ui/TimeStrip";
import { AgeRing, AlarmBadge, ModeGlyph, WantedGlyph, doing } from "../ui/signs";
import { Lamps } from "./Lamps";
import { next, story, type Step } from "./story";

/** Others' doings show within so many seconds. */
const ASK_S = 4;
const NEAR = 15;

const SIGNS: Record<Step["what"], IconName> = { raised: "alert", done: "check", command: "commands", command_ends: "end", ticket: "person", accept_by: "calendar", due: "calendar" };

export function Alarm({ id }: { id: string }) {
  // What is over stays on the page until the person leaves it.
  const kept = useRef<AlarmView | null>(null);
  const found = alarms.value.find((one) => one.id === id);
  if (found) kept.current = found;
  const alarm = kept.current;
  const ticket = useSignal<Ticket | null>(null);
  const base = useSignal<JunctionDetail | null>(null);
  const refused = useSignal<string | null>(null);
  const selected = useSignal<string | null>(null);
  const canvas = useSignal<CityCanvas | null>(null);
  useOpenTickets();
  const number = ofAlarm(id) ?? ticket.value?.number ?? null;
  const due = Math.floor(beat.value / ASK_S);
  const place = alarm?.junction ?? null;

  useEffect(() => {
    if (number !== null) void askTicket(number).then((one) => (ticket.value = one), () => undefined);
  }, [number, due]);
  useEffect(() => {
    watched.value = place;
    selected.value = place;
    if (place !== null) void askJunction(place).then((one) => (base.value = one), () => undefined);
    return () => void (watched.value = null);
  }, [place]);
  const where = place === null ? undefined : junctions.value.get(place);
  useEffect(() => {
    if (canvas.value && where) canvas.value.fly(where.at, NEAR);
  }, [canvas.value, where?.id]);

  async function accept(): Promise<void> {
    if (number === null) return;
    refused.value = null;
    try {
      ticket.value = await actOnTicket(number, { accept: true, ...(open.value ? { who: who.value || t("top.personUnknown") } : {}) });
    } catch (error) {
      refused.value = whyNot(error);
    }
  }
  useEffect(() => withKeys({
    a: () => {
      if (ticket.peek()?.state === "new" && unlocked.peek() && may("operate", { district: ticket.peek()?.district ?? null })) void accept();
    },
    Escape: (event) => {
      event.preventDefault();
      go("alarms");
    },
  }), [number]);

  if (alarm === null) {
    return (
      <>
        <TopBar title={t("alarm.title")} />
        <main id="main" class="screen page" tabIndex={-1}>
          {live.value.alarmsKnown
            ? <div class="state"><h2>{t("al.gone")}</h2><p>{t("al.goneWhy")}</p><a class="button" href="#/alarms">{t("al.all")}</a></div>
            : <div class="grey-lines" role="status" aria-label={t("alarm.unknown")}><i /><i /><i /></div>}
        </main>
      </>
    );
  }
  const others = alarms.value.filter((one) => one.id !== id && one.priority <= 2).length;
  const state = where?.state;
  const commands = detail.value?.id === place ? (detail.value?.commands ?? []) : [];
  const age = Math.max(0, (now.value - alarm.since) / 1000);
  const seen = state === undefined ? null : ageOf(state);
  return (
    <>
      <TopBar title={nameOf(alarm.name) || alarm.junction || t("sys.title")} sub={t("al.sub", { n: alarm.priority, state: ticket.value ? t(`tk.state.${ticket.value.state}`) : t("al.noTicket") })} />
      <main id="main" class="screen alarm-page" tabIndex={-1}>
        <section class="al-facts" aria-label={t("al.what")}>
          <header class="al-head">
            <AlarmBadge priority={alarm.priority} size={32} pulse={alarm.priority === 1 && found !== undefined} />
            <div>
              <h2 class="al-title">{alarmTitle(alarm)}</h2>
              <p class="soft">{found ? t("al.since", { time: clockOf(alarm.since), age: coarse(age) }) : t("al.over", { time: clockOf(alarm.since) })}{alarm.component && <> · {t("alarm.component", { c: alarm.component })}</>}</p>
            </div>
          </header>
          {state && (
            <dl class="al-states">
              <dt><WantedGlyph mode={state.wanted} />{t("pop.wanted")}</dt><dd>{doing(state.wanted, state.stage_wanted)}</dd>
              <dt><ModeGlyph actual={state.actual} wanted={state.actual === "no_contact" ? state.wanted : state.actual} last={where?.lastKnown ?? null} />{t("pop.actual")}</dt><dd><b>{doing(state.actual, state.stage, state.interstage)}</b></dd>
              <dt><AgeRing seconds={seen} size={16} />{t("pop.data")}</dt><dd>{seen === null ? t("pop.never") : t("pop.ago", { age: ago(seen) })}</dd>
              {ticket.value !== null && ticket.value.returned > 0 && <><dt><Icon name="end" size={16} />{t("tk.returned")}</dt><dd>{tn("tk.times", ticket.value.returned)}</dd></>}
            </dl>
          )}
          <h2>{t("al.story")}</h2>
          <ol class="al-story">
            {story(alarm, ticket.value, commands, now.value).map((step) => (
              <li class={step.coming ? "coming" : ""}>
                <span class="num">{clockOf(step.at)}</span>
                <Icon name={SIGNS[step.what]} size={16} />
                <span>{words(step, alarm)}</span>
              </li>
            ))}
          </ol>
        </section>
        <div class="al-middle">
          <MapHost shown={shown} selected={selected} onCanvas={(made) => (canvas.value = made)} onHit={(hit) => hit?.junction && go("junction", hit.junction)} />
          {base.value && base.value.id === place && <Lamps junction={base.value} at={alarm.since} />}
        </div>
        <aside class="side side-right al-next" aria-label={t("al.next")}>
          <h2>{t("al.next")}</h2>
          <Act alarm={alarm} ticket={ticket.value} refused={refused.value} accept={accept} />
          {place !== null && (
            <>
              <h3 class="label">{t("al.others")}</h3>
              <ul class="al-ways">
                <li><a href={junctionHref(place)}><Icon name="lights" size={20} /><span><b>{t("al.way.junction")}</b><br /><span class="soft">{t("al.way.junctionWhy")}</span></span><Icon name="forward" size={16} /></a></li>
                {cameraOf(place) && <li><a href={write({ screen: "city", id: null, query: { camera: cameraOf(place)?.id ?? "" } })}><Icon name="camera" size={20} /><span><b>{t("al.way.camera")}</b><br /><span class="soft">{t("al.way.cameraWhy")}</span></span><Icon name="forward" size={16} /></a></li>}
                <li><a href={write({ screen: "replay", id: place, query: { at: String(alarm.since - 20_000) } })}><Icon name="audit" size={20} /><span><b>{t("al.way.replay")}</b><br /><span class="soft">{t("al.way.replayWhy")}</span></span><Icon name="forward" size={16} /></a></li>
                <li><a href={write({ screen: "measures", id: null, query: { j: place } })}><Icon name="measures" size={20} /><span><b>{t("al.way.measures")}</b><br /><span class="soft">{t("al.way.measuresWhy")}</span></span><Icon name="forward" size={16} /></a></li>
                <li><a href={write({ screen: "incidents", id: null, query: {} })}><Icon name="alert" size={20} /><span><b>{t("al.way.incident")}</b><br /><span class="soft">{t("al.way.incidentWhy")}</span></span><Icon name="forward" size={16} /></a></li>
              </ul>
            </>
          )}
          <p class="label al-rest">{others === 0 ? t("al.restCalm") : tn("al.rest", others)}</p>
        </aside>
        <TimeStrip also={alarm} {...(place !== null && { onPick: (at: number) => go("replay", place, { at: String(Math.round(at)) }) })} />
      </main>
    </>
  );
}

function words(step: Step, alarm: AlarmView) {
  switch (step.what) {
    case "raised":
      return <b>{alarmTitle(alarm)}</b>;
    case "done":
      return tk(`alarm.done.${step.code}`) ?? step.code;
    case "command":
      return <><b>{commandTitle(step.command)}</b><br /><span class="label">{t("cmd.by", { who: step.command.who, reason: step.command.reason })}</span></>;
    case "command_ends":
      return <>{t("al.ends", { what: commandTitle(step.command) })}<br /><span class="label">{t("cmd.left", { x: countdown((step.command.until - now.value) / 1000) })}</span></>;
    case "ticket": {
      const { what, text, who: by } = step.line;
      const said = what === "assigned" ? (text === null ? t("tk.line.unassigned") : t("tk.line.assigned", { x: text })) : (tk(`tk.line.${what}`) ?? what);
      return <><a class="underlined" href={write({ screen: "tickets", id: String(step.number), query: {} })}>{t("tk.fromAlarm", { n: step.number })}</a>: {said}{text !== null && what !== "assigned" && <> {text}</>}{by !== null && <><br /><span class="label">{by}</span></>}</>;
    }
    case "accept_by":
      return t(step.coming ? "al.acceptBy" : "al.acceptLate");
    case "due":
      return <>{t(step.coming ? "al.due" : "al.dueLate")} <span class="label">{dateOf(step.at)}</span></>;
  }
}

/** The one thing to do, with what keeps one from it. */
function Act({ alarm, ticket, refused, accept }: { alarm: AlarmView; ticket: Ticket | null; refused: string | null; accept: () => Promise<void> }) {
  const what = next(alarm.code, ticket);
  const district = ticket?.district ?? null;
  const href = ticket === null ? "" : write({ screen: "tickets", id: String(ticket.number), query: {} });
  return (
    <section class="al-act">
      <h3>{t(`al.do.${what}`)}</h3>
      <p class="soft">{t(`al.do.${what}Why`, { x: ticket?.assignee ?? t("tk.nobody") })}</p>
      {refused !== null && <p class="order-refused" role="alert"><Icon name="error" size={16} /><span>{refused}</span></p>}
      {what === "accept" && (
        !may("operate", { district }) ? (
          person.value === null && !open.value
            ? <a class="button" href={write({ screen: "sign-in", id: null, query: { then: `alarm/${encodeURIComponent(alarm.id)}` } })}><Icon name="person" size={16} />{t("sign.in")}</a>
            : <p class="soft">{t("tk.noRole", { district: district ?? "" })}</p>
        ) : !unlocked.value ? (
          <button type="button" class="button" disabled={!mayUnlock.value} onClick={unlock}><Icon name="lock" size={16} />{t("act.unlock")}</button>
        ) : (
          <button type="button" class="button primary al-button" aria-keyshortcuts="A" data-do="accept" onClick={() => void accept()}>{t("tk.do.accept")} <kbd>A</kbd></button>
        )
      )}
      {ticket !== null && <a class={`button${what === "work" ? " primary al-button" : ""}`} href={href}>{t("al.ticket", { n: ticket.number })}</a>}
    </section>
  );
}
