// Commands for more than one junction: what is proposed and waits for a second person, and where operators hold something.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { agree, proposals, turnDown } from "../api/client";
import type { Proposal } from "../api/view";
import { clockOf, kindOf, nameOf, num, t } from "../i18n";
import { countdown } from "../format";
import { ControlForm } from "../junction/ControlForm";
import { beat, junctions, knownUntil } from "../live/live";
import { mayUnlock, unlock, unlocked } from "../lock";
import { whyNot } from "../refusal";
import { go, junctionHref, write } from "../route";
import { may, open, person } from "../session";
import { Icon } from "../ui/Icon";
import { TopBar } from "../ui/Shell";
import { ModeGlyph } from "../ui/signs";

/** Others' proposals show within so many seconds. */
const ASK_S = 3;

export function Orders() {
  const waiting = useSignal<Proposal[] | null>(null);
  const refused = useSignal<string | null>(null);
  const ordering = useSignal(false);

  async function load(): Promise<void> {
    try {
      waiting.value = (await proposals()).proposals;
    } catch {
      // The stream says when the centre is away; the list stays as it was.
    }
  }
  const due = Math.floor(beat.value / ASK_S);
  useEffect(() => void load(), [due, person.value?.login]);
  useEffect(() => {
    if (!unlocked.value) ordering.value = false;
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

  const held = [...junctions.value.values()].filter(({ state }) => state.hold);
  const mayPropose = may("operate", { district: null });
  return (
    <>
      <TopBar title={t("orders.title")} sub={t("orders.sub")} />
      <main id="main" class="screen page orders" tabIndex={-1}>
        <section class="orders-part" aria-labelledby="proposals-title">
          <h2 id="proposals-title">{t("orders.waiting")} <span class="quiet">{waiting.value?.length ?? "–"}</span></h2>
          <p class="soft">{open.value ? t("orders.openWhy") : t("orders.why")}</p>
          {refused.value !== null && <p class="order-refused" role="alert"><Icon name="error" size={16} /><span>{refused.value}</span></p>}
          {waiting.value !== null && waiting.value.length === 0 && <p class="orders-none">{t("orders.none")}</p>}
          <ul aria-live="polite">
            {(waiting.value ?? []).map((one) => {
              const mine = one.login === person.value?.login;
              const value = one.command.value === "default" ? t("act.endTitle") : kindOf(one.command.value);
              return (
                <li key={one.id} class="proposal" data-proposal={one.id}>
                  <p class="command-head"><b>{t("orders.city", { what: value })}</b><span>{t("orders.left", { x: countdown(one.left_s) })}</span></p>
                  <p class="soft">{one.command.who} · {one.command.reason} · {t("orders.until", { time: clockOf(one.command.until) })}</p>
                  <p class="orders-buttons">
                    {may("manage", { district: null }) && !mine && (
                      <button type="button" class="button primary" disabled={!unlocked.value} onClick={() => void act(() => agree(one.id))}>{t("orders.agree")}</button>
                    )}
                    {mayPropose && <button type="button" class="button" disabled={!unlocked.value} onClick={() => void act(() => turnDown(one.id))}>{t(mine ? "orders.takeBack" : "orders.turnDown")}</button>}
                    <span class="label">{mine ? t("orders.mine") : may("manage", { district: null }) ? "" : t("orders.needsManage")}</span>
                  </p>
                </li>
              );
            })}
          </ul>
          {ordering.value ? (
            <div class="orders-form"><ControlForm action="kind" junction={null} onClose={() => (ordering.value = false)} onSent={() => void load()} /></div>
          ) : !mayPropose ? (
            person.value === null && !open.value
              ? <a class="button" href={write({ screen: "sign-in", id: null, query: { then: "commands" } })}><Icon name="person" size={16} />{t("sign.in")}</a>
              : <p class="soft">{t("orders.noRole")}</p>
          ) : unlocked.value ? (
            <button type="button" class="button" onClick={() => (ordering.value = true)}><Icon name="kind" size={16} />{t("city.control")}</button>
          ) : (
            <button type="button" class="button" disabled={!mayUnlock.value} onClick={unlock}><Icon name="lock" size={16} />{t("act.unlock")}</button>
          )}
        </section>
        <section class="orders-part" aria-labelledby="held-title">
          <h2 id="held-title">{t("orders.held")} <span class="quiet">{num(held.length)}</span></h2>
          {held.length === 0 ? <p class="orders-none">{t("orders.heldNone")}</p> : (
            <table class="rows">
              <thead><tr><th>{t("list.id")}</th><th>{t("list.name")}</th><th>{t("list.actual")}</th><th>{t("list.stage")}</th></tr></thead>
              <tbody>
                {held.map(({ id, name, state }) => (
                  <tr key={id} onClick={() => go("junction", id)}>
                    <td class="code">{id}</td>
                    <td><a href={junctionHref(id)} onClick={(event) => event.stopPropagation()}>{nameOf(name)}</a></td>
                    <td><span class="with-glyph"><ModeGlyph actual={state.actual} wanted={state.wanted} />{kindOf(state.kind)}</span></td>
                    <td>{state.stage ?? "–"}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
          <p class="label">{t("orders.asOf", { time: clockOf(knownUntil.value) })}</p>
        </section>
      </main>
    </>
  );
}
