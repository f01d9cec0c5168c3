// A draft's plan: splits and offset by keys, checked as one types, beside what it was made from.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { num, signed, t } from "../i18n";
import { unlocked } from "../lock";
import { whyNot } from "../refusal";
import { may, open } from "../session";
import { who } from "../settings";
import { Icon } from "../ui/Icon";
import { actOnDraft, checkPlan, type Check, type Draft, type Library } from "./api";
import { PlanBar } from "./Bar";
import { HoursForm } from "./HoursForm";
import { cycleOf, ofDraft, planOf, same, withSplit, type Edited } from "./edit";

/** The centre is asked how it fits after so long without a key. */
const PAUSE_MS = 150;

interface Props { draft: Draft; base: Edited | null; library: Library; onChange: (next: Draft) => void }

export function Editor({ draft, base, library, onChange }: Props) {
  const edited = useSignal<Edited>(ofDraft(draft));
  const check = useSignal<Check | null>(null);
  const keep = useSignal(true);
  const refused = useSignal<string | null>(null);
  const saved = ofDraft(draft);
  const mayEdit = unlocked.value && may("operate", { district: draft.district }) && ["draft", "proposed", "approved"].includes(draft.state);
  const plan = JSON.stringify(planOf(edited.value));
  useEffect(() => {
    const wait = setTimeout(() => void checkPlan(draft.junction, planOf(edited.peek())).then((next) => (check.value = next), () => {}), PAUSE_MS);
    return () => clearTimeout(wait);
  }, [plan]);

  const changed = !same(edited.value, saved);
  const steps = edited.value.steps;
  const cycle = cycleOf(steps);
  const longest = Math.max(1, cycle, base ? cycleOf(base.steps) : 0);
  const digits = (s: number) => (s % 1 ? 1 : 0);
  const lacks = check.value !== null && check.value.faults.length > 0 ? t("pl.doesNotFit") : edited.value.reason.trim() === "" ? t("act.needReason") : null;

  async function save(): Promise<void> {
    if (lacks !== null || !changed) return;
    refused.value = null;
    try {
      const { base: number, hours, reason } = edited.value;
      onChange(await actOnDraft(draft.number, { edit: { base: number, plan: planOf(edited.value), hours, reason: reason.trim() }, ...(open.value ? { who: who.value || t("top.personUnknown") } : {}) }));
    } catch (error) {
      refused.value = whyNot(error);
    }
  }
  const offset = (s: number) => (edited.value = { ...edited.value, offset_s: cycle > 0 ? Math.round((((s % cycle) + cycle) % cycle) * 10) / 10 : 0 });
  const setSplit = (at: number, s: number) => (edited.value = withSplit(edited.value, at, s, keep.value));

  return (
    <form class="editor" aria-labelledby="editor-title" data-fits={check.value === null ? "" : String(check.value.faults.length === 0)} onSubmit={(event) => { event.preventDefault(); void save(); }}>
      <header class="editor-head">
        <h2 id="editor-title">{t("pl.draftOf", { n: draft.number, plan: draft.plan.number })}</h2>
        <span class="soft">{t("pl.cycle", { x: num(cycle, digits(cycle)) })}{base && cycle !== cycleOf(base.steps) && ` (${signed(cycle - cycleOf(base.steps), digits(cycle - cycleOf(base.steps)))})`}</span>
      </header>
      {base && <div class="editor-bar"><span class="label">{t("pl.was")}</span><PlanBar steps={base.steps} longest={longest} /></div>}
      <div class="editor-bar"><span class="label">{t("pl.willBe")}</span><PlanBar steps={steps} check={check.value} wanted longest={longest} /></div>
      <table class="editor-steps">
        <thead><tr><th>{t("pl.stage")}</th><th>{t("pl.split")}</th><th>{t("pl.was")}</th><th class="wide">{t("pl.way.short")}</th><th class="wide">{t("pl.minGreen")}</th><th>{t("pl.shortest")}</th></tr></thead>
        <tbody>
          {steps.map(([stage, s], at) => {
            const step = check.value?.steps[at];
            const was = base?.steps[at];
            const bad = step !== undefined && !step.fits;
            return (
              <tr key={at} class={bad ? "bad" : ""}>
                <td><b>{stage}</b></td>
                <td>
                  {mayEdit
                    ? <Seconds label={t("pl.splitOf", { n: stage })} value={s} bad={bad} onChange={(n) => setSplit(at, n)} />
                    : num(s, digits(s))}
                </td>
                <td class="soft">{was && was[0] === stage ? <>{num(was[1], digits(was[1]))}{s !== was[1] && <b> {signed(s - was[1], digits(s - was[1]))}</b>}</> : "–"}</td>
                <td class="soft wide">{step ? num(step.interstage_s, digits(step.interstage_s)) : ""}</td>
                <td class="soft wide">{step ? num(step.min_green_s, digits(step.min_green_s)) : ""}</td>
                <td>{step ? <span class={bad ? "with-glyph differs" : "soft"}>{bad && <Icon name="alert" size={16} />}{num(step.shortest_s, digits(step.shortest_s))}{bad && ` ${t("pl.tooShort")}`}</span> : ""}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <div role="status" class="editor-says">
        {check.value !== null && check.value.faults.length > 0
          ? <div class="order-refused"><Icon name="alert" size={16} /><ul>{check.value.faults.map((fault) => <li lang="en">{fault}</li>)}</ul></div>
          : check.value !== null && <p class="order-check"><Icon name="shield" size={16} />{t("pl.fits")}</p>}
      </div>
      {mayEdit ? (
        <>
          <div class="editor-row">
            <div class="field"><label for="ed-offset">{t("pl.offset")}</label><Seconds id="ed-offset" value={edited.value.offset_s} onChange={offset} /></div>
            <button type="button" class="switch" role="switch" aria-checked={keep.value} onClick={() => (keep.value = !keep.value)}><i />{t("pl.keepCycle")}</button>
          </div>
          <HoursForm hours={edited.value.hours} onChange={(hours) => (edited.value = { ...edited.value, hours })} />
          <div class="field"><label for="ed-reason">{t("pl.reason")}</label><input id="ed-reason" class="input" maxLength={200} value={edited.value.reason} onInput={(event) => (edited.value = { ...edited.value, reason: event.currentTarget.value })} /></div>
          {refused.value !== null && <p class="order-refused" role="alert"><Icon name="error" size={16} /><span>{refused.value}</span></p>}
          <p class="orders-buttons">
            <button type="submit" class="button primary" data-do="save" aria-disabled={lacks !== null || !changed}>{t("pl.save")}</button>
            {changed && <button type="button" class="button" onClick={() => (edited.value = saved)}>{t("pl.discard")}</button>}
            <span class="label">{changed ? (lacks ?? (draft.state === "draft" ? "" : t("pl.saveUndoes"))) : t("pl.unchanged")}</span>
          </p>
        </>
      ) : (
        <p class="soft">{t("pl.offset")}: {num(edited.value.offset_s, digits(edited.value.offset_s))} · {library.draft === draft.number ? t("pl.runsCannotEdit") : t("act.locked")}</p>
      )}
    </form>
  );
}

interface SecondsProps { value: number; onChange: (s: number) => void; label?: string; id?: string; bad?: boolean }

/** Seconds, checked with every key. Arrows move by one, with Shift by five. What is half typed stays as it is typed. */
function Seconds({ value, onChange, label, id, bad }: SecondsProps) {
  const typed = useSignal<string | null>(null);
  return (
    <input
      id={id}
      class="input split"
      inputMode="decimal"
      aria-label={label}
      aria-invalid={bad}
      value={typed.value ?? String(value)}
      onInput={(event) => {
        typed.value = event.currentTarget.value;
        const s = Number(typed.value.replace(",", "."));
        if (typed.value.trim() !== "" && Number.isFinite(s) && s >= 0) onChange(s);
      }}
      onBlur={() => (typed.value = null)}
      onKeyDown={(event) => {
        const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
        if (step === undefined) return;
        event.preventDefault();
        typed.value = null;
        onChange(value + step * (event.shiftKey ? 5 : 1));
      }}
    />
  );
}
