// Tickets: the list with its filters, and the chosen one beside it.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { reportTicket, tickets, type Ticket, type Tickets as List } from "../api/work";
import { coarse, dateOf, minuteOf, nameOf, num, t } from "../i18n";
import { withKeys } from "../keys";
import { beat, junctions, now } from "../live/live";
import { mayUnlock, unlock, unlocked } from "../lock";
import { whyNot } from "../refusal";
import { go, note, place, write } from "../route";
import { may, open, person } from "../session";
import { who } from "../settings";
import { Icon } from "../ui/Icon";
import { TopBar } from "../ui/Shell";
import { AlarmBadge } from "../ui/signs";
import { Detail } from "./Ticket";
import { AlarmTabs } from "./Tabs";
import { against, ticketPart, ticketTitle } from "./words";

const ASK_S = 4;
const FILTERS = ["all", "new", "late", "mine"] as const;

export function Tickets() {
  const list = useSignal<List | null>(null);
  const reporting = useSignal(false);
  const { id, query } = place.value;
  const closed = query["state"] === "closed";
  const filter = FILTERS.find((one) => one === query["show"]) ?? "all";
  const junction = query["j"] ?? "";

  async function load(): Promise<void> {
    try {
      list.value = await tickets({ state: closed ? "closed" : "open" });
    } catch {
      // The stream says when the centre is away; the list stays as it was.
    }
  }
  const due = Math.floor(beat.value / ASK_S);
  useEffect(() => void load(), [due, closed]);
  useEffect(() => {
    if (!unlocked.value) reporting.value = false;
  }, [unlocked.value]);

  const chosen = id === null ? null : Number(id);
  const me = open.value ? who.value : person.value === null ? "" : `${person.value.name} (${person.value.login})`;
  const fits = (one: Ticket) =>
    (filter === "all" || (filter === "new" && one.state === "new") || (filter === "late" && one.late) || (filter === "mine" && one.assignee === me && me !== ""))
    && (junction === "" || one.junction === junction || nameOf(one.name).toLowerCase().includes(junction.toLowerCase()));
  const shown = (list.value?.tickets ?? []).filter(fits);
  const pick = (number: number) => go("tickets", String(number), query);

  useEffect(() => withKeys({
    n: () => {
      const next = list.peek()?.tickets.find((one) => one.state === "new" && one.number !== chosen);
      if (next) pick(next.number);
    },
    Escape: (event) => {
      if (chosen === null) return;
      event.preventDefault();
      go("tickets", null, query);
    },
  }), [chosen, closed, filter, junction]);

  function move(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined || shown.length === 0) return;
    event.preventDefault();
    const at = shown.findIndex((one) => one.number === chosen);
    const next = shown[Math.max(0, Math.min(shown.length - 1, at + step))];
    if (next) {
      pick(next.number);
      document.getElementById(`ticket-${next.number}`)?.focus();
    }
  }

  const known = list.value;
  return (
    <>
      <TopBar title={chosen === null ? t("tk.title") : t("tk.single", { n: chosen })} sub={known && t("tk.sub", { open: num(known.open), late: num(known.late) })} />
      <main id="main" class={`screen tickets${chosen === null ? "" : " one"}`} tabIndex={-1}>
        <section class="tk-list" aria-label={t("tk.title")}>
          <header class="tk-tools">
            <AlarmTabs here="tickets" count={known?.open ?? null} />
            <div class="segments" role="group" aria-label={t("tk.state")}>
              <button type="button" aria-pressed={!closed} onClick={() => note({ state: null })}>{t("tk.open")}</button>
              <button type="button" aria-pressed={closed} onClick={() => note({ state: "closed" })}>{t("tk.closed")}</button>
            </div>
            <div class="chips" role="group" aria-label={t("tk.filter")}>
              {FILTERS.map((one) => (
                <button type="button" class="chip" aria-pressed={filter === one} onClick={() => note({ show: one === "all" ? null : one })}>{t(`tk.${one}`)}</button>
              ))}
            </div>
            <input class="input" type="search" aria-label={t("tk.find")} placeholder={t("tk.find")} value={junction} onInput={(event) => note({ j: event.currentTarget.value.trim() || null })} />
            {may("operate", "nowhere") && (
              unlocked.value
                ? <button type="button" class="button" aria-expanded={reporting.value} onClick={() => (reporting.value = !reporting.value)}><Icon name="plus" size={16} />{t("tk.do.report")}</button>
                : <button type="button" class="button" disabled={!mayUnlock.value} onClick={unlock}><Icon name="lock" size={16} />{t("act.unlock")}</button>
            )}
          </header>
          {reporting.value && <Report first={junctions.value.has(junction) ? junction : ""} onDone={(made) => { reporting.value = false; void load(); if (made) pick(made.number); }} />}
          <div class="list-scroll">
            {shown.length === 0 ? (
              <div class="state">
                <h2>{known ? t("tk.none") : t("tk.unknown")}</h2>
                {known && !closed && <p>{t("tk.noneWhy")}</p>}
              </div>
            ) : (
              <table class="rows alarms-table" onKeyDown={move}>
                <thead>
                  <tr><th>{t("tk.number")}</th><th>{t("tk.what")}</th><th>{t("tk.where")}</th><th>{t("tk.state")}</th><th class="wide">{t("tk.who")}</th><th class="wide">{t("tk.due")}</th></tr>
                </thead>
                <tbody>
                  {shown.map((one) => (
                    <tr key={one.number} class={one.number === chosen ? "here" : ""} onClick={() => pick(one.number)}>
                      <td><span class="with-glyph"><AlarmBadge priority={one.priority} /><a id={`ticket-${one.number}`} class="code" href={write({ screen: "tickets", id: String(one.number), query })} aria-current={one.number === chosen ? "true" : undefined} onClick={(event) => event.stopPropagation()}>{one.number}</a></span></td>
                      <td><b>{ticketTitle(one)}</b>{ticketPart(one) && <><br /><span class="soft">{ticketPart(one)}</span></>}</td>
                      <td>{nameOf(one.name) || one.junction}<br /><span class="code quiet">{one.junction}</span></td>
                      <td>{t(`tk.state.${one.state}`)}<br /><span class="label">{closed && one.closed_at !== null ? `${dateOf(one.closed_at)} ${minuteOf(one.closed_at)}` : coarse(Math.max(0, (now.value - one.opened_at) / 1000))}</span></td>
                      <td class="wide">{one.assignee ?? <span class="quiet">{t("tk.nobody")}</span>}</td>
                      <td class={`wide${one.late ? " differs" : ""}`}>{one.closed_at === null ? against(one.state === "new" ? Math.min(one.accept_by, one.due_at) : one.due_at, now.value) : "–"}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
          </div>
        </section>
        <aside class="tk-side" aria-label={chosen === null ? t("tk.choose") : t("tk.single", { n: chosen })}>
          {chosen === null ? <div class="state"><p>{t("tk.choose")}</p></div> : <Detail key={chosen} number={chosen} people={known?.people ?? []} onChange={() => void load()} />}
        </aside>
      </main>
    </>
  );
}

/** Something that no device tells. */
function Report({ first, onDone }: { first: string; onDone: (made: Ticket | null) => void }) {
  const junction = useSignal(first);
  const text = useSignal("");
  const priority = useSignal(3);
  const refused = useSignal<string | null>(null);
  const known = junctions.value.get(junction.value.trim());
  const lacks = !known || text.value.trim() === "";

  async function send(): Promise<void> {
    if (lacks) return;
    refused.value = null;
    try {
      onDone(await reportTicket({ junction: junction.value.trim(), priority: priority.value, text: text.value.trim(), ...(open.value ? { who: who.value || t("top.personUnknown") } : {}) }));
    } catch (error) {
      refused.value = whyNot(error);
    }
  }
  return (
    <form class="tk-report" onSubmit={(event) => { event.preventDefault(); void send(); }} onKeyDown={(event) => event.key === "Escape" && (event.preventDefault(), event.stopPropagation(), onDone(null))}>
      <div class="field">
        <label for="tk-where">{t("tk.do.reportWhere")}</label>
        <input id="tk-where" class="input" list="tk-junctions" autocomplete="off" autofocus value={junction.value} onInput={(event) => (junction.value = event.currentTarget.value)} />
        <datalist id="tk-junctions">{[...junctions.value.values()].slice(0, 500).map((one) => <option key={one.id} value={one.id}>{nameOf(one.name)}</option>)}</datalist>
      </div>
      <div class="field tk-wide">
        <label for="tk-text">{t("tk.do.reportText")}</label>
        <input id="tk-text" class="input" maxLength={200} value={text.value} onInput={(event) => (text.value = event.currentTarget.value)} />
      </div>
      <div class="field">
        <label for="tk-priority">{t("tk.do.priority")}</label>
        <select id="tk-priority" class="input" value={priority.value} onChange={(event) => (priority.value = Number(event.currentTarget.value))}>
          {([1, 2, 3] as const).map((p) => <option value={p}>{p}: {t(`alarm.priority.${p}`)}</option>)}
        </select>
      </div>
      <button type="submit" class="button primary" aria-disabled={lacks}>{t("tk.do.send")}</button>
      {refused.value !== null && <p class="order-refused" role="alert"><Icon name="error" size={16} /><span>{refused.value}</span></p>}
    </form>
  );
}
