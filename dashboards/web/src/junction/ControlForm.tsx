// A command, confirmed in place: what, why (required), until when, and a button that says the result.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { control } from "../api/client";
import type { Command, ControlRequest, JunctionDetail } from "../api/view";
import { clockOf, kindOf, nameOf, t, tk } from "../i18n";
import { beat, cityNow, contact } from "../live/live";
import { whyNot } from "../refusal";
import { open, person } from "../session";
import { who } from "../settings";
import { Icon } from "../ui/Icon";

export type Action = "hold" | "kind" | "plan" | "flash" | "end";

/** As the API takes them; `default` is the action "end". */
export const KINDS = ["fixed", "schedule", "actuated", "max-pressure", "adaptive"] as const;
const REASONS = ["crash", "escort", "works", "test"] as const;
/** Minutes. A hold ends by itself within ten. */
const EXPIRIES: Record<Action, readonly number[]> = {
  hold: [1, 2, 5, 10],
  kind: [5, 15, 60, 240],
  plan: [5, 15, 60, 240],
  flash: [2, 5, 10, 30],
  end: [1],
};
const FIRST: Record<Action, number> = { hold: 2, kind: 15, plan: 15, flash: 2, end: 1 };

interface Props {
  action: Action;
  /** Null orders the whole city. */
  junction: JunctionDetail | null;
  /** The stage, kind or plan that was pressed already. */
  first?: string;
  onClose: () => void;
  onSent?: (command: Command) => void;
}

export function ControlForm({ action, junction, first, onClose, onSent }: Props) {
  const value = useSignal(first ?? initial(action, junction));
  const reason = useSignal("");
  const minutes = useSignal(FIRST[action]);
  const confirm = useSignal("");
  const name = useSignal(who.value);
  const sending = useSignal(false);
  const refused = useSignal<string | null>(null);
  const box = useRef<HTMLFormElement>(null);

  useEffect(() => {
    // The keyboard goes on where the action was asked for.
    const first = ["[aria-checked='true']", "button.chip", "input"].map((what) => box.current?.querySelector<HTMLElement>(what)).find(Boolean);
    first?.focus();
    box.current?.scrollIntoView({ block: "nearest" });
  }, []);
  useEffect(() => {
    if (first !== undefined) value.value = first;
  }, [first]);

  void beat.value;
  const id = junction?.id ?? null;
  const until = clockOf(cityNow() + minutes.value * 60_000);
  const title = {
    hold: t("act.holdTitle", { n: value.value }),
    kind: t("act.kindTitle", { x: kindOf(value.value) }),
    plan: t("act.planTitle", { n: value.value }),
    flash: t("act.flashTitle"),
    end: t("act.endTitle"),
  }[action];
  // An order for the whole city needs a second person, so that pressing the button only proposes it.
  const proposes = junction === null && !open.value;
  const result = proposes ? t("act.doPropose") : {
    hold: t("act.doHold", { time: until }),
    kind: t("act.doKind", { time: until }),
    plan: t("act.doPlan", { time: until }),
    flash: t("act.doFlash", { time: until }),
    end: t("act.doEnd"),
  }[action];
  const words = tk(`act.reason.${reason.value}`) ?? reason.value.trim();
  const lacks =
    contact.value === "cut" ? t("act.needContact")
      : open.value && name.value.trim() === "" ? t("act.needWho")
        : words === "" ? t("act.needReason")
          : action === "flash" && confirm.value.trim() !== id ? t("act.needConfirm")
            : null;

  async function send(): Promise<void> {
    if (lacks !== null || sending.value) return;
    sending.value = true;
    refused.value = null;
    if (open.value) who.value = name.value.trim();
    const order: ControlRequest = {
      ...(action === "hold" ? { stage: Number(value.value) } : {}),
      ...(action === "kind" ? { kind: value.value } : {}),
      ...(action === "plan" ? { plan: Number(value.value) } : {}),
      ...(action === "flash" ? { flash: true, confirm: confirm.value.trim() } : {}),
      ...(action === "end" ? { kind: "default" } : {}),
      ...(open.value ? { who: who.value } : {}),
      reason: words,
      expires_in_s: minutes.value * 60,
    };
    try {
      const { command } = await control(id, order);
      onSent?.(command);
      onClose();
    } catch (error) {
      refused.value = whyNot(error);
    } finally {
      sending.value = false;
    }
  }

  return (
    <form
      class="order"
      ref={box}
      aria-labelledby="order-title"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") {
          event.preventDefault();
          event.stopPropagation();
          onClose();
        }
      }}
    >
      <header>
        <h3 id="order-title">{title}</h3>
        <button type="button" class="icon-button small" aria-label={t("act.cancel")} onClick={onClose}><Icon name="close" size={16} /></button>
      </header>
      {action === "hold" && junction && (
        <Choice label={t("act.chooseStage")} options={junction.stages.map((stage) => [String(stage.number), String(stage.number)])} value={value} />
      )}
      {action === "kind" && <Choice label={t("act.chooseKind")} options={KINDS.map((kind) => [kind, kindOf(kind)])} value={value} chips />}
      {action === "plan" && junction && (
        <Choice
          label={t("act.choosePlan")}
          options={junction.plans.map((plan) => [String(plan.number), [String(plan.number), nameOf(plan.name)].filter(Boolean).join(" ")])}
          value={value}
          chips
        />
      )}
      {action === "flash" && <p class="soft">{t("act.flashWhy")}</p>}
      {action === "end" && <p class="soft">{t("act.endWhy")}</p>}
      {junction === null && <p class="soft">{t("act.cityWide")} {proposes && t("act.cityTwo")}</p>}
      <fieldset class="field">
        <legend class="label">{t("act.reason")}</legend>
        <div class="chips">
          {REASONS.map((one) => (
            <button type="button" class="chip" aria-pressed={reason.value === one} onClick={() => (reason.value = reason.value === one ? "" : one)}>
              {reason.value === one && <Icon name="check" size={16} />}
              {t(`act.reason.${one}`)}
            </button>
          ))}
        </div>
        <input
          class="input"
          aria-label={t("act.reasonOwn")}
          placeholder={t("act.reasonOwn")}
          maxLength={200}
          value={REASONS.includes(reason.value as never) ? "" : reason.value}
          onInput={(event) => (reason.value = event.currentTarget.value)}
        />
      </fieldset>
      {action !== "end" && (
        <Choice
          label={t("act.expiry")}
          options={EXPIRIES[action].map((m) => [String(m), m < 60 ? t("act.min", { n: m }) : t("act.hours", { n: m / 60 })])}
          value={{ get value() { return String(minutes.value); }, set value(m: string) { minutes.value = Number(m); } }}
        />
      )}
      {action === "flash" && id !== null && (
        <div class="field">
          <label for="order-confirm">{t("act.confirmId", { id })}</label>
          <input id="order-confirm" class="input" autocomplete="off" value={confirm.value} onInput={(event) => (confirm.value = event.currentTarget.value)} />
        </div>
      )}
      {open.value && who.value === "" && (
        <div class="field">
          <label for="order-who">{t("act.whoNeeded")}</label>
          <input id="order-who" class="input" autocomplete="name" maxLength={80} value={name.value} onInput={(event) => (name.value = event.currentTarget.value)} />
        </div>
      )}
      <p class="order-check"><Icon name="shield" size={16} />{t("act.checked")}</p>
      {refused.value !== null && (
        <p class="order-refused" role="alert"><Icon name="error" size={16} /><span><b>{t("act.refused")}.</b> {refused.value}</span></p>
      )}
      <div class="order-buttons">
        <button type="submit" class={`button primary${sending.value ? " waiting" : ""}`} aria-disabled={lacks !== null} aria-describedby="order-lacks">{result}</button>
        <button type="button" class="button" onClick={onClose}>{t("act.cancel")}</button>
      </div>
      <p class="label" id="order-lacks">{lacks ?? t("act.who", { who: open.value ? name.value || who.value : (person.value?.name ?? "") })}</p>
    </form>
  );
}

function initial(action: Action, junction: JunctionDetail | null): string {
  switch (action) {
    case "hold":
      return String(junction?.state.stage ?? junction?.stages[0]?.number ?? 1);
    case "kind":
      return KINDS.find((kind) => kind === junction?.state.kind) ?? "max-pressure";
    case "plan":
      return String(junction?.plans[0]?.number ?? 1);
    default:
      return "";
  }
}

interface ChoiceProps { label: string; options: [string, string][]; value: { value: string }; chips?: boolean }

/** One of several, as a radio group: arrows move and choose. */
function Choice({ label, options, value, chips }: ChoiceProps) {
  return (
    <div class="field">
      <span class="label">{label}</span>
      <div
        class={chips ? "chips" : "segments"}
        role="radiogroup"
        aria-label={label}
        onKeyDown={(event) => {
          const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
          if (step === undefined) return;
          event.preventDefault();
          const at = options.findIndex(([key]) => key === value.value);
          const next = options[(at + step + options.length) % options.length];
          if (!next) return;
          value.value = next[0];
          event.currentTarget.querySelectorAll<HTMLElement>("[role=radio]")[options.indexOf(next)]?.focus();
        }}
      >
        {options.map(([key, words]) => (
          <button type="button" class={chips ? "chip" : ""} role="radio" aria-checked={value.value === key} tabIndex={value.value === key ? 0 : -1} data-value={key} onClick={() => (value.value = key)}>
            {chips && value.value === key && <Icon name="check" size={16} />}
            {words}
          </button>
        ))}
      </div>
    </div>
  );
}
