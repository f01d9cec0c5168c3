// Plans and schedule: a junction's library, the cabinet's own copy, and drafts.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Refused } from "../api/client";
import { nameOf, num, t } from "../i18n";
import { withKeys } from "../keys";
import { beat, junctions } from "../live/live";
import { mayUnlock, unlock, unlocked } from "../lock";
import { whyNot } from "../refusal";
import { go, junctionHref, note, place, write } from "../route";
import { may } from "../session";
import { Icon } from "../ui/Icon";
import { TopBar } from "../ui/Shell";
import { draft as fetchDraft, drafts as fetchDrafts, library as fetchLibrary, makeDraft, type Draft, type Library, type Plan } from "./api";
import { PlanBar } from "./Bar";
import { Editor } from "./Editor";
import { ofDraft, ofPlan } from "./edit";
import { Flow } from "./Flow";
import { Week } from "./Week";
import { open } from "../session";
import { who } from "../settings";

const ASK_S = 4;

export function Plans() {
  const { id } = place.value;
  return id === null ? <Chooser /> : <Of key={id} id={id} />;
}

/** All open drafts, and the way to any junction's library. */
function Chooser() {
  const all = useSignal<Draft[] | null>(null);
  const find = useSignal("");
  const due = Math.floor(beat.value / ASK_S);
  useEffect(() => void fetchDrafts().then((answer) => (all.value = answer.drafts), () => {}), [due]);
  const wanted = find.value.trim().toLowerCase();
  const some = [...junctions.value.values()].filter((one) => wanted === "" || one.id.toLowerCase().includes(wanted) || nameOf(one.name).toLowerCase().includes(wanted)).slice(0, 100);
  return (
    <>
      <TopBar title={t("pl.title")} />
      <main id="main" class="screen page orders" tabIndex={-1}>
        <section class="orders-part" aria-labelledby="drafts-title">
          <h2 id="drafts-title">{t("pl.drafts")} <span class="quiet">{all.value?.length ?? "–"}</span></h2>
          {all.value?.length === 0 && <p class="orders-none">{t("pl.noDrafts")}</p>}
          <ul>
            {(all.value ?? []).map((one) => (
              <li key={one.number} class="proposal">
                <p class="command-head"><a class="underlined" href={write({ screen: "plans", id: one.junction, query: { draft: String(one.number) } })}><b>{t("pl.draft", { n: one.number })}</b> · {nameOf(one.name)}</a><span>{t(`pl.state.${one.state}`)}</span></p>
                <p class="soft">{one.author} · {one.reason}</p>
              </li>
            ))}
          </ul>
        </section>
        <section class="orders-part" aria-labelledby="of-title">
          <h2 id="of-title">{t("pl.junctions")}</h2>
          <input class="input" type="search" aria-label={t("list.filter")} placeholder={t("list.filter")} value={find.value} onInput={(event) => (find.value = event.currentTarget.value)} />
          <table class="rows">
            <thead><tr><th>{t("list.id")}</th><th>{t("list.name")}</th></tr></thead>
            <tbody>
              {some.map((one) => (
                <tr key={one.id} onClick={() => go("plans", one.id)}>
                  <td class="code">{one.id}</td>
                  <td><a href={write({ screen: "plans", id: one.id, query: {} })} onClick={(event) => event.stopPropagation()}>{nameOf(one.name)}</a></td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </main>
    </>
  );
}

function Of({ id }: { id: string }) {
  const known = useSignal<Library | null>(null);
  const gone = useSignal(false);
  const chosen = useSignal<Draft | null>(null);
  const refused = useSignal<string | null>(null);
  const number = Number(place.value.query["draft"] ?? NaN);

  async function load(): Promise<void> {
    try {
      known.value = await fetchLibrary(id);
      if (!Number.isNaN(number)) chosen.value = await fetchDraft(number);
    } catch (error) {
      if (error instanceof Refused && error.problem.status === 404 && known.peek() === null) gone.value = true;
    }
  }
  const due = Math.floor(beat.value / ASK_S);
  useEffect(() => void load(), [due, id, number]);
  useEffect(() => {
    if (Number.isNaN(number)) chosen.value = null;
  }, [number]);
  useEffect(() => withKeys({ Escape: (event) => { event.preventDefault(); if (Number.isNaN(number)) go("plans"); else note({ draft: null }); } }), [number]);

  async function begin(plan: Plan): Promise<void> {
    refused.value = null;
    try {
      const { cycle_s, offset_s, steps } = plan;
      const made = await makeDraft(id, { base: plan.number, plan: { cycle_s, offset_s, steps }, hours: [], reason: t("pl.fromPlan", { n: plan.number }), ...(open.value ? { who: who.value || t("top.personUnknown") } : {}) });
      chosen.value = made;
      note({ draft: String(made.number) });
    } catch (error) {
      refused.value = whyNot(error);
    }
  }

  const library = known.value;
  const draft = chosen.value;
  const longest = Math.max(1, ...(library?.plans ?? []).map((plan) => plan.cycle_s), draft ? draft.plan.cycle_s : 0);
  const base = draft && library?.plans.find((plan) => plan.number === draft.plan.number);
  return (
    <>
      <TopBar title={t("nav.plans")} sub={library ? `${nameOf(library.name) || id} · ${id}` : id} />
      <main id="main" class="screen plans" tabIndex={-1}>
        {gone.value ? <div class="state"><h2>{t("pl.noJunction", { id })}</h2><p><a class="underlined" href="#/plans">{t("pl.title")}</a></p></div>
          : library === null ? <div class="grey-lines" role="status" aria-label={t("say.waiting")}><i /><i /><i /></div> : (
            <>
              <aside class="plans-library" aria-label={t("pl.library")}>
                <p><a class="button small" href="#/plans"><Icon name="back" size={16} />{t("pl.allDrafts")}</a> <a class="button small" href={junctionHref(id)}><Icon name="lights" size={16} />{t("pop.open")}</a></p>
                <section aria-labelledby="lib-title">
                  <h2 id="lib-title">{t("pl.library")} <span class="quiet">{library.plans.length}</span></h2>
                  {library.plans.length === 0 && <p class="soft">{t("pl.noPlans")}</p>}
                  <ul>
                    {library.plans.map((plan) => (
                      <li key={plan.number} class="plan-card">
                        <p class="command-head"><b>{t("pl.plan", { n: plan.number })} {nameOf(plan.name)}</b><span class="soft">{t("pl.cycle", { x: num(plan.cycle_s, plan.cycle_s % 1 ? 1 : 0) })}</span></p>
                        <PlanBar steps={plan.steps} longest={longest} />
                        {may("operate", { district: library.district }) && unlocked.value && <button type="button" class="button small" data-begin={plan.number} onClick={() => void begin(plan)}><Icon name="plus" size={16} />{t("pl.begin")}</button>}
                      </li>
                    ))}
                  </ul>
                  {may("operate", { district: library.district }) && !unlocked.value && <button type="button" class="button" disabled={!mayUnlock.value} onClick={unlock}><Icon name="lock" size={16} />{t("act.unlock")}</button>}
                  {refused.value !== null && <p class="order-refused" role="alert"><Icon name="error" size={16} /><span>{refused.value}</span></p>}
                </section>
                <section aria-labelledby="cab-title">
                  <h2 id="cab-title">{t("pl.cabinet")}</h2>
                  <p data-cabinet={library.cabinet.state}>{t(`pl.cabinet.${library.cabinet.state}`)}</p>
                  <p class="label code">{hex(library.cabinet.ours)} {library.cabinet.theirs === null ? "–" : hex(library.cabinet.theirs)}</p>
                  {library.cabinet.runs !== null && <p class="soft">{t("pl.cabinetRuns", { n: library.cabinet.runs })}</p>}
                </section>
                <section aria-labelledby="dr-title">
                  <h2 id="dr-title">{t("pl.drafts")} <span class="quiet">{library.drafts.length}</span></h2>
                  {library.draft !== null && <p><b>{t("pl.runsNow", { n: library.draft })}</b></p>}
                  <ul>
                    {library.drafts.map((one) => (
                      <li key={one.number}><a class={`plan-link${one.number === number ? " here" : ""}`} aria-current={one.number === number ? "true" : undefined} href={write({ screen: "plans", id, query: { draft: String(one.number) } })}><b>{t("pl.draft", { n: one.number })}</b><span>{t(`pl.state.${one.state}`)}</span><span class="soft">{one.reason}</span></a></li>
                    ))}
                  </ul>
                </section>
              </aside>
              <div class="plans-main">
                {draft ? <Editor key={`${draft.number}-${draft.lines.filter((line) => line.what === "edited").length}`} draft={draft} base={base ? ofPlan(base) : null} library={library} onChange={(next) => { chosen.value = next; void load(); }} />
                  : <div class="state"><h2>{t("pl.choose")}</h2><p>{t("pl.chooseWhy")}</p></div>}
                <Week library={library} hours={draft ? ofDraft(draft).hours : []} drafted={draft !== null} />
              </div>
              <aside class="plans-flow" aria-label={t("pl.way")}>
                {draft ? <Flow key={draft.number} draft={draft} onChange={(next) => { chosen.value = next; void load(); }} /> : <div class="state"><p>{t("pl.flowWhy")}</p></div>}
              </aside>
            </>
          )}
      </main>
    </>
  );
}

const hex = (n: number): string => n.toString(16).padStart(8, "0");
