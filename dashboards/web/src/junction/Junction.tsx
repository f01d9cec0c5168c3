// One junction: how it lies, why this stage, what the lamps did and will do, and what one may order.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Refused, junction as ask } from "../api/client";
import type { Command, Drawing, JunctionDetail } from "../api/view";
import { alarmText } from "../alarmText";
import { coarse, minuteOf, modeOf, nameOf, num, t } from "../i18n";
import { OfJunction } from "../tickets/OfJunction";
import { withKeys } from "../keys";
import { detail as live, now, tell, watched } from "../live/live";
import { unlock, unlocked } from "../lock";
import { go, write } from "../route";
import { may, person } from "../session";
import { cameraOf, watchCameras } from "../city/cameras";
import { Icon } from "../ui/Icon";
import { TopBar } from "../ui/Shell";
import { AlarmBadge, ModeGlyph } from "../ui/signs";
import { TimeStrip } from "../ui/TimeStrip";
import { Bars } from "./Bars";
import { Commands } from "./Commands";
import { ControlForm, type Action } from "./ControlForm";
import { Picture } from "./Picture";
import { Why, rungReason } from "./Why";

/** A sent command shows at once; the stream's own word replaces it, or it goes after so long without one. */
const SENT_MS = 15_000;

export function Junction({ id }: { id: string }) {
  const failed = useSignal<{ missing: boolean } | null>(null);
  const attempt = useSignal(0);
  const action = useSignal<Action | null>(null);
  const first = useSignal<string | undefined>(undefined);
  const sent = useSignal<Command | null>(null);
  useEffect(watchCameras, []);

  useEffect(() => {
    let gone = false;
    failed.value = null;
    tell({ event: "close" });
    const load = async () => {
      try {
        const detail = await ask(id);
        if (gone) return;
        tell({ event: "junction", data: detail });
        watched.value = id;
      } catch (error) {
        if (!gone) failed.value = { missing: error instanceof Refused && error.problem.status === 404 };
      }
    };
    void load();
    return () => {
      gone = true;
      watched.value = null;
      tell({ event: "close" });
    };
  }, [id, attempt.value]);

  const begin = (next: Action, value?: string) => {
    if (!unlocked.peek() || !may("operate", { district: live.peek()?.district ?? null })) return;
    first.value = value;
    action.value = next;
  };
  useEffect(() => withKeys({
    h: () => begin("hold"),
    m: () => begin("kind"),
    p: () => begin("plan"),
    f: () => begin("flash"),
    "/": () => go("city", null, { junction: id }),
    Escape: (event) => {
      event.preventDefault();
      if (action.peek()) action.value = null;
      else go("city", null, { junction: id });
    },
  }), [id]);
  useEffect(() => {
    if (!unlocked.value) action.value = null;
  }, [unlocked.value]);
  useEffect(() => {
    if (!sent.value) return undefined;
    const wait = setTimeout(() => (sent.value = null), SENT_MS);
    return () => clearTimeout(wait);
  }, [sent.value]);

  const detail = live.value?.id === id ? live.value : null;
  if (!detail) {
    return (
      <>
        <TopBar title={id} />
        <main id="main" class="screen" tabIndex={-1}>
          {failed.value ? (
            <div class="state page">
              <h3><Icon name="error" />{failed.value.missing ? t("j.missing", { id }) : t("j.failed")}</h3>
              <p>{failed.value.missing ? <a class="text-button" href="#/junctions">{t("j.missingBack")}</a> : t("j.failedWhy")}</p>
              {!failed.value.missing && <button type="button" class="button" onClick={() => (attempt.value += 1)}>{t("j.retry")}</button>}
            </div>
          ) : (
            <div class="grey-lines" role="status" aria-label={t("j.loading")}><i /><i /><i /></div>
          )}
        </main>
      </>
    );
  }

  const { state } = detail;
  const commands = sent.value && !detail.commands.some((command) => command.id === sent.value?.id) ? [sent.value, ...detail.commands] : detail.commands;
  const differs = state.wanted !== state.actual;
  return (
    <>
      <TopBar
        title={nameOf(detail.name)}
        sub={t("j.sub", { id: detail.id, district: detail.district })}
        middle={
          <p class="junction-mode">
            <ModeGlyph actual={state.actual} wanted={state.wanted} />
            <b>{modeOf(state.actual)}</b>
            <span>{state.hold ? t("j.held") : differs ? t("j.differs", { mode: modeOf(state.wanted).toLowerCase() }) : state.actual === "adaptive" ? t("j.normal") : rungReason(state.rung_reason)}</span>
          </p>
        }
      />
      <main id="main" class="screen junction" tabIndex={-1}>
        <Picture detail={detail} />
        <Why detail={detail} />
        <Bars detail={detail} />
        <aside class="side side-right junction-side" aria-label={t("act.title")}>
          <div class="junction-scroll">
            {detail.alarms.length > 0 && (
              <ul class="junction-alarms">
                {detail.alarms.map((alarm) => (
                  <li class="alarm-row" key={alarm.id}>
                    <AlarmBadge priority={alarm.priority} pulse={alarm.priority === 1} />
                    <span class="alarm-name">{alarmText(alarm)}</span>
                    <span class="alarm-when">{t("alarm.for", { time: minuteOf(alarm.since), age: coarse((now.value - alarm.since) / 1000) })}</span>
                  </li>
                ))}
              </ul>
            )}
            <OfJunction id={id} />
            <p class="junction-links">
              <a class="underlined" href={write({ screen: "plans", id, query: {} })}>{detail.state.draft === null ? t("pl.title") : t("pl.runsNow", { n: detail.state.draft })}</a>
              <a class="underlined" href={write({ screen: "tickets", id: null, query: { j: id } })}>{t("tk.title")}</a>
              {cameraOf(id) && <a class="underlined" href={write({ screen: "city", id: null, query: { camera: cameraOf(id)?.id ?? "" } })}>{t("camera.of")}</a>}
            </p>
            <Commands commands={commands} canEnd={unlocked.value && may("operate", detail)} onEnd={() => begin("end")} />
            <Actions detail={detail} action={action.value} begin={begin} />
            {action.value && (
              <ControlForm
                key={action.value}
                action={action.value}
                junction={detail}
                first={first.value}
                onClose={() => (action.value = null)}
                onSent={(command) => (sent.value = command)}
              />
            )}
          </div>
          <Stages detail={detail} onHold={(stage) => begin("hold", String(stage))} />
        </aside>
        <TimeStrip onPick={(at) => go("replay", id, { at: String(Math.round(at)) })} />
      </main>
    </>
  );
}

function Actions({ detail, action, begin }: { detail: JunctionDetail; action: Action | null; begin: (action: Action) => void }) {
  const allowed = may("operate", detail);
  const held = detail.commands.some((command) => command.what !== "lease" && command.state !== "rejected");
  return (
    <section class="actions" aria-labelledby="actions-title">
      <h2 id="actions-title">{t("act.title")}</h2>
      {!allowed ? (
        <div class="locked">
          {person.value === null ? (
            <>
              <p class="soft">{t("act.strangers")}</p>
              <a class="button" href={write({ screen: "sign-in", id: null, query: { then: `junction/${detail.id}` } })}><Icon name="person" size={16} />{t("sign.in")}</a>
            </>
          ) : (
            <p class="soft">{t("act.noRole", { district: detail.district })}</p>
          )}
        </div>
      ) : unlocked.value ? (
        <div class="action-grid">
          <button type="button" class="button" aria-pressed={action === "hold"} aria-keyshortcuts="H" onClick={() => begin("hold")}><Icon name="hand" size={16} />{t("act.hold")}</button>
          <button type="button" class="button" aria-pressed={action === "kind"} aria-keyshortcuts="M" onClick={() => begin("kind")}><Icon name="kind" size={16} />{t("act.kind")}</button>
          <button type="button" class="button" disabled={detail.plans.length === 0} title={detail.plans.length === 0 ? t("act.noPlans") : undefined} aria-pressed={action === "plan"} aria-keyshortcuts="P" onClick={() => begin("plan")}><Icon name="calendar" size={16} />{t("act.plan")}</button>
          <button type="button" class="button" aria-pressed={action === "flash"} aria-keyshortcuts="F" onClick={() => begin("flash")}><Icon name="alert" size={16} />{t("act.flash")}</button>
          {held && <button type="button" class="button wide" aria-pressed={action === "end"} onClick={() => begin("end")}><Icon name="end" size={16} />{t("act.end")}</button>}
        </div>
      ) : (
        <div class="locked">
          <p class="soft">{t("act.locked")}</p>
          <button type="button" class="button" onClick={unlock}><Icon name="lock" size={16} />{t("act.unlock")}</button>
        </div>
      )}
    </section>
  );
}

/** The stages as little maps of their movements. */
function Stages({ detail, onHold }: { detail: JunctionDetail; onHold: (stage: number) => void }) {
  const plan = detail.plans.find((one) => one.number === detail.state.plan) ?? detail.plans[0];
  return (
    <ul class="stages" aria-label={t("sg.title")}>
      {detail.stages.map((stage) => {
        const here = stage.number === detail.state.stage;
        const seconds = plan?.steps.find(([number]) => number === stage.number)?.[1];
        const inside = (
          <>
            {detail.drawing && <Figure drawing={detail.drawing} green={stage.green} />}
            <span><b>{t("sg.Stage", { n: stage.number })}</b><br /><span class="quiet">{here ? t("stage.running") : seconds === undefined ? "" : t("sg.seconds", { x: num(seconds) })}</span></span>
          </>
        );
        return (
          <li>
            {unlocked.value && may("operate", detail) ? (
              <button type="button" class={`stage${here ? " running" : ""}`} title={t("act.holdTitle", { n: stage.number })} onClick={() => onHold(stage.number)}>{inside}</button>
            ) : (
              <div class={`stage${here ? " running" : ""}`}>{inside}</div>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function Figure({ drawing, green }: { drawing: Drawing; green: readonly number[] }) {
  const lines = drawing.movements.filter((movement) => movement.group !== null && green.includes(movement.group));
  const most = Math.max(8, ...drawing.movements.flatMap((movement) => movement.line.map(([x, y]) => Math.max(Math.abs(x), Math.abs(y)))));
  const k = 12 / most;
  return (
    <svg class="figure" width="28" height="28" viewBox="-14 -14 28 28" aria-hidden="true">
      {lines.map((movement) => <polyline points={movement.line.map(([x, y]) => `${(x * k).toFixed(1)},${(-y * k).toFixed(1)}`).join(" ")} />)}
    </svg>
  );
}
