// One ticket: what is wrong, how it stands against its time, its history, and what can be done about it.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Refused } from "../api/client";
import { actOnTicket, ticket as fetchTicket, type Ticket, type TicketAct, type TicketLine } from "../api/work";
import { clockOf, dateOf, minuteOf, nameOf, t, tk, tn } from "../i18n";
import { withKeys } from "../keys";
import { beat, junctions, now } from "../live/live";
import { mayUnlock, unlock, unlocked } from "../lock";
import { whyNot } from "../refusal";
import { junctionHref, place, write } from "../route";
import { may, open, person } from "../session";
import { who } from "../settings";
import { Icon, type IconName } from "../ui/Icon";
import { AlarmBadge } from "../ui/signs";
import { against, ticketPart, ticketTitle } from "./words";

const ASK_S = 4;
const SIGNS: Record<string, IconName> = { opened: "alert", gone: "check", back: "end", accepted: "check", assigned: "person", noted: "commands", proved: "shield", closed: "check", closed_unproved: "close" };

interface Props { number: number; people: readonly { login: string; name: string }[]; onChange: () => void }

export function Detail({ number, people, onChange }: Props) {
  const ticket = useSignal<Ticket | null>(null);
  const gone = useSignal(false);
  const refused = useSignal<string | null>(null);

  async function load(): Promise<void> {
    try {
      ticket.value = await fetchTicket(number);
    } catch (error) {
      if (error instanceof Refused && error.problem.status === 404) gone.value = true;
    }
  }
  const due = Math.floor(beat.value / ASK_S);
  useEffect(() => void load(), [due, number]);

  async function act(what: TicketAct): Promise<boolean> {
    refused.value = null;
    try {
      ticket.value = await actOnTicket(number, { ...what, ...(open.value ? { who: who.value || t("top.personUnknown") } : {}) });
      onChange();
      return true;
    } catch (error) {
      refused.value = whyNot(error);
      return false;
    }
  }
  useEffect(() => withKeys({
    a: () => {
      if (ticket.peek()?.state === "new" && unlocked.peek() && may("operate", { district: ticket.peek()?.district ?? null })) void act({ accept: true });
    },
  }), [number]);

  const one = ticket.value;
  if (gone.value) return <div class="state"><h2>{t("tk.gone", { n: number })}</h2></div>;
  if (!one) return <div class="grey-lines" role="status" aria-label={t("tk.unknown")}><i /><i /><i /></div>;
  const proof = one.state === "closed" ? t("tk.proof.closed", { time: `${dateOf(one.closed_at ?? 0)} ${minuteOf(one.closed_at ?? 0)}` })
    : one.source === "person" ? t("tk.proof.person")
      : one.source === "measure" ? t("tk.proof.measure")
        : one.gone_at !== null && one.proved_at !== null ? t("tk.proof.alarm", { since: minuteOf(one.gone_at), time: minuteOf(one.proved_at) })
          : t("tk.proof.there");
  return (
    <div class="tk-detail">
      <a class="tk-back button small" href={write({ screen: "tickets", id: null, query: place.value.query })}><Icon name="back" size={16} />{t("tk.back")}</a>
      <header class="tk-head">
        <AlarmBadge priority={one.priority} size={24} />
        <div>
          <h2>{ticketTitle(one)}</h2>
          <p class="soft">{[ticketPart(one), t(`tk.state.${one.state}`)].filter(Boolean).join(" · ")}</p>
        </div>
      </header>
      <dl class="tk-facts">
        <dt>{t("tk.where")}</dt>
        <dd>{junctions.value.has(one.junction) ? <a class="underlined" href={junctionHref(one.junction)}>{nameOf(one.name) || one.junction}</a> : one.junction}<br /><span class="code quiet">{one.junction} · {one.district}</span></dd>
        <dt>{t("tk.opened")}</dt>
        <dd>{dateOf(one.opened_at)} {minuteOf(one.opened_at)}</dd>
        {one.state === "new" && <><dt>{t("tk.accept")}</dt><dd>{minuteOf(one.accept_by)} · {against(one.accept_by, now.value)}</dd></>}
        {one.closed_at === null && <><dt>{t("tk.due")}</dt><dd class={one.late ? "differs" : ""}>{dateOf(one.due_at)} {minuteOf(one.due_at)} · {against(one.due_at, now.value)}</dd></>}
        <dt>{t("tk.who")}</dt>
        <dd>{one.assignee ?? <span class="quiet">{t("tk.nobody")}</span>}</dd>
        <dt>{t("tk.source")}</dt>
        <dd>{t(`tk.source.${one.source}`)}</dd>
        {one.returned > 0 && <><dt>{t("tk.returned")}</dt><dd>{tn("tk.times", one.returned)}</dd></>}
        <dt>{t("tk.proof")}</dt>
        <dd data-proof>{proof}</dd>
      </dl>
      <Acts one={one} people={people} act={act} refused={refused.value} />
      <section aria-labelledby="tk-history">
        <h2 id="tk-history">{t("tk.history")}</h2>
        <ol class="tk-lines">
          {one.lines.map((line, i) => (
            <li key={i}>
              <span class="num soft">{clockOf(line.at)}</span>
              <Icon name={SIGNS[line.what] ?? "commands"} size={16} />
              <span><b>{words(line)}</b>{line.text !== null && line.what !== "assigned" && <> {line.text}</>}{line.who !== null && <><br /><span class="label">{line.who}</span></>}</span>
            </li>
          ))}
        </ol>
      </section>
    </div>
  );
}

function words(line: TicketLine): string {
  if (line.what === "assigned") return line.text === null ? t("tk.line.unassigned") : t("tk.line.assigned", { x: line.text });
  return tk(`tk.line.${line.what}`) ?? line.what;
}

interface ActsProps { one: Ticket; people: Props["people"]; act: (what: TicketAct) => Promise<boolean>; refused: string | null }

function Acts({ one, people, act, refused }: ActsProps) {
  const text = useSignal("");
  const done = useSignal("");
  const to = useSignal("");
  const closing = useSignal(false);
  const allowed = may("operate", { district: one.district });
  if (!allowed) {
    return person.value === null && !open.value
      ? <a class="button" href={write({ screen: "sign-in", id: null, query: { then: `tickets/${one.number}` } })}><Icon name="person" size={16} />{t("sign.in")}</a>
      : <p class="soft">{t("tk.noRole", { district: one.district })}</p>;
  }
  if (!unlocked.value) {
    return <div class="tk-locked"><p class="soft">{t("tk.lockedWhy")}</p><button type="button" class="button" disabled={!mayUnlock.value} onClick={unlock}><Icon name="lock" size={16} />{t("act.unlock")}</button></div>;
  }
  const unproved = one.source !== "person" && one.gone_at === null;
  const closed = one.state === "closed";
  return (
    <section class="tk-acts" aria-label={t("act.title")}>
      {refused !== null && <p class="order-refused" role="alert"><Icon name="error" size={16} /><span>{refused}</span></p>}
      {one.accepted_by === null && !closed && (
        <button type="button" class="button primary" aria-keyshortcuts="A" data-do="accept" onClick={() => void act({ accept: true })}><Icon name="check" size={16} />{t("tk.do.accept")}</button>
      )}
      {!closed && (
        <form class="tk-row" onSubmit={(event) => { event.preventDefault(); void act({ assign: to.value }); }}>
          <label class="visually-hidden" for="tk-to">{t("tk.do.assign")}</label>
          {people.length > 0 ? (
            <select id="tk-to" class="input" value={to.value} onChange={(event) => (to.value = event.currentTarget.value)}>
              <option value="">{t("tk.nobody")}</option>
              {people.map((p) => <option value={p.login}>{p.name}</option>)}
            </select>
          ) : <input id="tk-to" class="input" maxLength={80} placeholder={t("tk.do.name")} value={to.value} onInput={(event) => (to.value = event.currentTarget.value)} />}
          <button type="submit" class="button" data-do="assign">{t("tk.do.assign")}</button>
        </form>
      )}
      <form class="tk-row" onSubmit={(event) => { event.preventDefault(); if (text.value.trim()) void act({ note: text.value.trim() }).then((well) => well && (text.value = "")); }}>
        <label class="visually-hidden" for="tk-note">{t("tk.do.noteText")}</label>
        <input id="tk-note" class="input" maxLength={200} placeholder={t("tk.do.noteText")} value={text.value} onInput={(event) => (text.value = event.currentTarget.value)} />
        <button type="submit" class="button" data-do="note" aria-disabled={text.value.trim() === ""}>{t("tk.do.note")}</button>
      </form>
      {!closed && (closing.value ? (
        <form class="tk-close" onSubmit={(event) => { event.preventDefault(); if (done.value.trim()) void act({ close: done.value.trim(), unproved }); }} onKeyDown={(event) => event.key === "Escape" && (event.preventDefault(), event.stopPropagation(), (closing.value = false))}>
          {unproved && <p class="soft">{t("tk.do.unprovedWhy")}</p>}
          <div class="field">
            <label for="tk-done">{t("tk.do.closeWhy")}</label>
            <input id="tk-done" class="input" autofocus maxLength={200} value={done.value} onInput={(event) => (done.value = event.currentTarget.value)} />
          </div>
          <p class="orders-buttons">
            <button type="submit" class="button primary" data-do="close" aria-disabled={done.value.trim() === ""}>{t(unproved ? "tk.do.unproved" : "tk.do.close")}</button>
            <button type="button" class="button" onClick={() => (closing.value = false)}>{t("act.cancel")}</button>
          </p>
        </form>
      ) : (
        <button type="button" class="button quiet-button" data-do="closing" disabled={unproved && !may("manage", { district: one.district })} title={unproved ? t("tk.do.unprovedWhy") : undefined} onClick={() => (closing.value = true)}>{t(unproved ? "tk.do.unproved" : "tk.do.close")}</button>
      ))}
    </section>
  );
}
