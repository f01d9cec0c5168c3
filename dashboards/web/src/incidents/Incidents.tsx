// Incidents and response plans: what people know of a road, until when, and the prepared orders for it.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { clockOf, dateOf, kindOf, minuteOf, nameOf, num, t, tk } from "../i18n";
import { countdown } from "../format";
import { alarms, beat, knownUntil } from "../live/live";
import { mayUnlock, unlock, unlocked } from "../lock";
import { linkOf } from "../map/data";
import { whyNot } from "../refusal";
import { junctionHref, note, place, write } from "../route";
import { may, open, person } from "../session";
import { who } from "../settings";
import { AlarmTabs } from "../tickets/Tabs";
import { Icon } from "../ui/Icon";
import { TopBar } from "../ui/Shell";
import { actOnIncident, dropResponse, incidents, type Incident, type Incidents as Known, type Prepared } from "./api";
import { Prepare } from "./Prepare";
import { Report } from "./Report";

const ASK_S = 4;

export const street = (links: Incident["links"]): string => [...new Set(links.map((one) => nameOf(one.name) || one.id))].join(", ");

export function Incidents() {
  const known = useSignal<Known | null>(null);
  const all = useSignal(false);
  const refused = useSignal<string | null>(null);
  const preparing = useSignal(false);
  const asked = place.value.query["link"];

  async function load(): Promise<void> {
    try {
      known.value = await incidents(all.value);
    } catch {
      // The stream says when the centre is away; the list stays as it was.
    }
  }
  const due = Math.floor(beat.value / ASK_S);
  useEffect(() => void load(), [due, all.value]);
  useEffect(() => {
    if (!unlocked.value) preparing.value = false;
  }, [unlocked.value]);

  async function act(what: () => Promise<unknown>): Promise<void> {
    refused.value = null;
    try {
      await what();
    } catch (error) {
      refused.value = whyNot(error);
    }
    await load();
  }
  const name = () => (open.value ? { who: who.value || t("top.personUnknown") } : {});
  const allowed = may("operate", "nowhere");
  const manages = may("manage", "nowhere");
  return (
    <>
      <TopBar title={t("in.title")} sub={t("in.sub")} />
      <main id="main" class="screen list-page" tabIndex={-1}>
        <header>
          <AlarmTabs here="incidents" count={null} />
          <div class="segments" role="group" aria-label={t("tk.state")}>
            <button type="button" aria-pressed={!all.value} onClick={() => (all.value = false)}>{t("in.now")}</button>
            <button type="button" aria-pressed={all.value} onClick={() => (all.value = true)}>{t("tk.all")}</button>
          </div>
        </header>
        <div class="list-scroll incidents">
          <section class="orders-part" aria-labelledby="in-title">
            <h2 id="in-title">{t("in.inForce")} <span class="quiet">{known.value?.incidents.filter((one) => one.over_at === null).length ?? "–"}</span></h2>
            {refused.value !== null && <p class="order-refused" role="alert"><Icon name="error" size={16} /><span>{refused.value}</span></p>}
            <Suspected />
            {known.value?.incidents.length === 0 && <p class="orders-none">{t("in.none")}</p>}
            <ul>
              {(known.value?.incidents ?? []).map((one) => (
                <One key={one.number} one={one} known={known.value} enabled={allowed && unlocked.value} act={(what) => act(() => actOnIncident(one.number, { ...what, ...name() }))} />
              ))}
            </ul>
            {!allowed ? (
              person.value === null && !open.value
                ? <a class="button" href={write({ screen: "sign-in", id: null, query: { then: "incidents" } })}><Icon name="person" size={16} />{t("sign.in")}</a>
                : <p class="soft">{t("orders.noRole")}</p>
            ) : unlocked.value ? (
              <Report first={asked ?? ""} onDone={() => { note({ link: null }); void load(); }} />
            ) : (
              <button type="button" class="button" disabled={!mayUnlock.value} onClick={unlock}><Icon name="lock" size={16} />{t("act.unlock")}</button>
            )}
          </section>
          <section class="orders-part" aria-labelledby="resp-title">
            <h2 id="resp-title">{t("in.responses")} <span class="quiet">{known.value?.responses.length ?? "–"}</span></h2>
            <p class="soft">{t("in.responsesWhy")}</p>
            <ul>
              {(known.value?.responses ?? []).map((one) => (
                <li key={one.number} class="proposal" data-response={one.number}>
                  <p class="command-head"><b>{one.number}. {one.name}</b><span>{t("act.min", { n: one.minutes })}</span></p>
                  <p class="soft">{one.orders.map((order, i) => <>{i > 0 && " · "}<a class="underlined" href={junctionHref(order.junction)}>{order.junction}</a> {orderWords(order)}</>)}</p>
                  {manages && unlocked.value && <p class="orders-buttons"><button type="button" class="button small" onClick={() => void act(() => dropResponse(one.number))}>{t("in.drop")}</button></p>}
                </li>
              ))}
            </ul>
            {manages && unlocked.value && (preparing.value
              ? <Prepare onDone={() => { preparing.value = false; void load(); }} />
              : <button type="button" class="button" onClick={() => (preparing.value = true)}><Icon name="plus" size={16} />{t("in.prepare")}</button>)}
          </section>
        </div>
      </main>
    </>
  );
}

/** Queues that do not move on green: perhaps an incident that nobody has reported yet. */
function Suspected() {
  const found = (alarms.value ?? []).filter((alarm) => alarm.code === "traffic.stalled").map((alarm) => {
    const [id, lane] = [alarm.component.slice(0, alarm.component.lastIndexOf("/")), alarm.component.slice(alarm.component.lastIndexOf("/") + 1)];
    return { alarm, lane, link: linkOf(id), id };
  });
  if (found.length === 0) return null;
  return (
    <ul>
      {found.map(({ alarm, lane, link, id }) => (
        <li key={alarm.id} class="proposal" data-suspected={id}>
          <p class="command-head"><b><Icon name="error" size={16} /> {t("in.suspected")}</b><span>{t("in.since", { time: minuteOf(alarm.since) })}</span></p>
          <p>{t("in.suspectedWhy", { lane, street: (link && nameOf({ local: link.properties.name ?? "", en: link.properties.name_en ?? "" })) || id })}</p>
          <p class="orders-buttons">
            {link !== null && <a class="button small" href={write({ screen: "incidents", id: null, query: { link: id } })}>{t("in.reportIt")}</a>}
            {alarm.junction !== null && <a class="button small" href={junctionHref(alarm.junction)}>{t("in.lookAtIt")}</a>}
          </p>
        </li>
      ))}
    </ul>
  );
}

export function orderWords(order: Prepared): string {
  if (order.kind) return kindOf(order.kind);
  if (order.plan) return t("pl.plan", { n: order.plan });
  return t("sg.stage", { n: order.stage ?? "–" });
}

interface OneProps { one: Incident; known: Known | null; enabled: boolean; act: (what: { prolong_min?: number; respond?: number; end?: string }) => Promise<void> }

function One({ one, known, enabled, act }: OneProps) {
  const reason = useSignal("");
  const response = useSignal("");
  const over = one.over_at !== null;
  const left = Math.max(0, (one.until - knownUntil.value) / 1000);
  const span = Math.max(1, one.until - one.since);
  return (
    <li class="proposal" data-incident={one.number}>
      <p class="command-head"><b>{one.what}</b><span>{over ? t("in.over", { time: minuteOf(one.over_at ?? 0) }) : t("in.left", { x: countdown(left) })}</span></p>
      <p>{one.closed ? t("in.closed") : t("in.slow", { x: num(one.slow_to_kmh ?? 0) })} · {street(one.links)}</p>
      <p class="soft">{t("in.since", { time: `${dateOf(one.since)} ${minuteOf(one.since)}` })} · {t("in.until", { time: clockOf(one.until) })}</p>
      {!over && <div class="fuse applied" aria-hidden="true"><i style={{ width: `${Math.min(100, (100_000 * left) / span)}%` }} /><u style={{ left: `${Math.min(100, (100_000 * left) / span)}%` }} /></div>}
      <ol class="tk-lines">
        {one.lines.map((line, i) => (
          <li key={i}><span class="num soft">{minuteOf(line.at)}</span><Icon name={line.what === "over" || line.what === "ended" ? "check" : "commands"} size={16} /><span>{tk(`in.line.${line.what}`) ?? line.what} {line.text}{line.who !== null && <> <span class="label">{line.who}</span></>}</span></li>
        ))}
      </ol>
      {!over && enabled && (
        <>
          <p class="orders-buttons">
            {[30, 60].map((m) => <button type="button" class="button small" onClick={() => void act({ prolong_min: m })}>{t("in.prolong", { n: m })}</button>)}
          </p>
          {(known?.responses.length ?? 0) > 0 && (
            <form class="tk-row" onSubmit={(event) => { event.preventDefault(); if (response.value) void act({ respond: Number(response.value) }); }}>
              <label class="visually-hidden" for={`resp-${one.number}`}>{t("in.respond")}</label>
              <select id={`resp-${one.number}`} class="input" value={response.value} onChange={(event) => (response.value = event.currentTarget.value)}>
                <option value="">{t("in.chooseResponse")}</option>
                {known?.responses.map((r) => <option value={String(r.number)}>{r.number}. {r.name}</option>)}
              </select>
              <button type="submit" class="button" aria-disabled={response.value === ""}>{t("in.respond")}</button>
            </form>
          )}
          <form class="tk-row" onSubmit={(event) => { event.preventDefault(); if (reason.value.trim()) void act({ end: reason.value.trim() }); }}>
            <label class="visually-hidden" for={`end-${one.number}`}>{t("act.reasonOwn")}</label>
            <input id={`end-${one.number}`} class="input" maxLength={200} placeholder={t("act.reasonOwn")} value={reason.value} onInput={(event) => (reason.value = event.currentTarget.value)} />
            <button type="submit" class="button" data-do="end" aria-disabled={reason.value.trim() === ""}>{t("in.end")}</button>
          </form>
        </>
      )}
    </li>
  );
}
