// The way of a draft: tried in the simulator, approved by a second person, run for a while, rolled out, rolled back.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { askWhatIf, whatIf } from "../api/client";
import type { WhatIf } from "../api/view";
import { clockOf, dateOf, minuteOf, num, t, tk } from "../i18n";
import { countdown } from "../format";
import { beat, knownUntil } from "../live/live";
import { mayUnlock, unlock, unlocked } from "../lock";
import { whyNot } from "../refusal";
import { write } from "../route";
import { may, open, person } from "../session";
import { who } from "../settings";
import { Icon } from "../ui/Icon";
import { actOnDraft, type Draft, type DraftAct } from "./api";

const STEPS = ["draft", "proposed", "approved", "canary", "rolled_out"] as const;
const CANARIES = [5, 15, 60] as const;

export function Flow({ draft, onChange }: { draft: Draft; onChange: (next: Draft) => void }) {
  const question = useSignal<WhatIf | null>(null);
  const refused = useSignal<string | null>(null);
  const reason = useSignal("");
  const minutes = useSignal<number>(15);
  const name = () => (open.value ? { who: who.value || t("top.personUnknown") } : {});
  const failed = (error: unknown) => void (refused.value = whyNot(error));

  async function act(what: DraftAct): Promise<void> {
    refused.value = null;
    try {
      onChange(await actOnDraft(draft.number, { ...what, ...name() }));
      reason.value = "";
    } catch (error) {
      failed(error);
    }
  }
  async function tryIt(): Promise<void> {
    refused.value = null;
    try {
      const { cycle_s, offset_s, steps } = draft.plan;
      question.value = await askWhatIf({ changes: [{ junctions: [draft.junction], plan: { cycle_s, offset_s, steps } }], minutes: 10, seeds: 3, reason: t("pl.tryReason", { n: draft.number }), ...name() });
    } catch (error) {
      failed(error);
    }
  }
  const running = question.value !== null && (question.value.state === "waiting" || question.value.state === "running");
  useEffect(() => {
    if (!running || question.value === null) return;
    void whatIf(question.value.id).then((next) => {
      question.value = next;
      if (next.state === "done") void act({ tried: next.id });
    }, () => {});
  }, [beat.value, running]);

  const allowed = may("operate", { district: draft.district });
  const manages = may("manage", { district: draft.district });
  const mine = open.value ? draft.author === who.value : draft.mine;
  const at = STEPS.indexOf(draft.state as (typeof STEPS)[number]);
  const runs = draft.state === "canary" || draft.state === "rolled_out";
  const locked = !unlocked.value;
  return (
    <section class="flow" aria-labelledby="flow-title" data-state={draft.state}>
      <h2 id="flow-title">{t("pl.draft", { n: draft.number })}</h2>
      <p class="soft">{draft.author} · {draft.reason}</p>
      <ol class="flow-steps">
        {STEPS.map((step, i) => (
          <li key={step} class={i < at ? "past" : i === at ? "here" : ""} aria-current={i === at ? "step" : undefined}>{t(`pl.state.${step}`)}</li>
        ))}
      </ol>
      {draft.state === "canary" && draft.until !== null && <p><b>{t("pl.canaryUntil", { time: clockOf(draft.until) })}</b> · {countdown(Math.max(0, (draft.until - knownUntil.value) / 1000))}</p>}
      {draft.approved_by !== null && <p class="soft">{t("pl.approvedBy", { who: draft.approved_by })}</p>}
      <div class="tried" data-tried={draft.tried?.verdict ?? ""}>
        <h3>{t("pl.tried")}</h3>
        {draft.tried ? (
          <>
            <p class="tried-row"><span>{t("pl.delay")}</span><span>{num(draft.tried.before_s, 1)} → <b>{num(draft.tried.after_s, 1)}</b> {t("pl.s")}</span></p>
            <p class="soft">{t("pl.difference", { low: num(draft.tried.difference_s[0], 1), high: num(draft.tried.difference_s[1], 1) })} {tk(`pl.verdict.${draft.tried.verdict}`) ?? draft.tried.verdict}</p>
            <p class="label">{t("pl.triedAt", { time: `${dateOf(draft.tried.at)} ${minuteOf(draft.tried.at)}`, n: draft.tried.minutes })}</p>
          </>
        ) : <p class="soft">{question.value?.state === "failed" ? t("pl.tryFailed", { why: question.value.detail }) : running ? t("pl.trying", { n: Math.round(100 * (question.value?.done ?? 0)) }) : t("pl.notTried")}</p>}
      </div>
      {refused.value !== null && <p class="order-refused" role="alert"><Icon name="error" size={16} /><span>{refused.value}</span></p>}
      {!allowed ? (
        person.value === null && !open.value
          ? <a class="button" href={write({ screen: "sign-in", id: null, query: { then: `plans/${draft.junction}` } })}><Icon name="person" size={16} />{t("sign.in")}</a>
          : <p class="soft">{t("pl.noRole", { district: draft.district })}</p>
      ) : locked ? (
        <button type="button" class="button" disabled={!mayUnlock.value} onClick={unlock}><Icon name="lock" size={16} />{t("act.unlock")}</button>
      ) : (
        <div class="flow-acts">
          {!runs && <button type="button" class={`button${running ? " waiting" : ""}`} data-do="try" disabled={running} onClick={() => void tryIt()}>{t("pl.do.try")}</button>}
          {draft.state === "draft" && <button type="button" class="button primary" data-do="propose" onClick={() => void act({ propose: true })}>{t("pl.do.propose")}</button>}
          {draft.state === "proposed" && (mine ? <p class="soft">{t("pl.needsOther")}</p> : !manages ? <p class="soft">{t("pl.needsManage")}</p> : (
            <button type="button" class="button primary" data-do="approve" onClick={() => void act({ approve: true })}>{t("pl.do.approve")}</button>
          ))}
          {draft.state === "approved" && (
            <>
              <div class="segments" role="group" aria-label={t("pl.canaryFor")}>
                {CANARIES.map((m) => <button type="button" aria-pressed={minutes.value === m} onClick={() => (minutes.value = m)}>{t("act.min", { n: m })}</button>)}
              </div>
              <button type="button" class={`button${draft.canaried ? "" : " primary"}`} data-do="canary" onClick={() => void act({ canary_min: minutes.value })}>{t("pl.do.canary", { n: minutes.value })}</button>
            </>
          )}
          {(draft.state === "canary" || (draft.state === "approved" && draft.canaried)) && <button type="button" class="button primary" data-do="roll-out" onClick={() => void act({ roll_out: true })}>{t("pl.do.rollOut")}</button>}
          {(runs || draft.state === "proposed" || draft.state === "draft" || draft.state === "approved") && (
            <form class="tk-row" onSubmit={(event) => { event.preventDefault(); const why = reason.value.trim(); if (why) void act(runs ? { roll_back: why } : draft.state === "proposed" && manages && !mine ? { refuse: why } : { withdraw: why }); }}>
              <label class="visually-hidden" for="flow-why">{t("act.reasonOwn")}</label>
              <input id="flow-why" class="input" maxLength={200} placeholder={t("act.reasonOwn")} value={reason.value} onInput={(event) => (reason.value = event.currentTarget.value)} />
              <button type="submit" class="button" data-do={runs ? "roll-back" : "withdraw"} aria-disabled={reason.value.trim() === ""}>{t(runs ? "pl.do.rollBack" : draft.state === "proposed" && manages && !mine ? "pl.do.refuse" : "pl.do.withdraw")}</button>
            </form>
          )}
        </div>
      )}
      <p class="label">{t("pl.howItRuns")}</p>
      {draft.lines.length > 0 && (
        <ol class="tk-lines">
          {[...draft.lines].reverse().map((line, i) => (
            <li key={i}>
              <span class="num soft">{minuteOf(line.at)}</span>
              <Icon name={line.what === "rolled_back" || line.what === "canary_over" ? "end" : line.what === "refused" || line.what === "withdrawn" ? "close" : "check"} size={16} />
              <span><b>{tk(`pl.line.${line.what}`) ?? line.what}</b>{line.text && <> {tk(`pl.verdict.${line.text}`) ?? line.text}</>}{line.who !== null && <><br /><span class="label">{line.who}</span></>}</span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
