// Before and after: what the draft would give a car that meets no queue, and, when asked, what the simulator makes of it.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { askWhatIf, linkPivot, Refused, whatIf } from "../api/client";
import type { CorridorDetail, LinkPivot, WhatIf } from "../api/view";
import { countdown } from "../format";
import { num, signed, t, tk, tn } from "../i18n";
import { whyNot } from "../refusal";
import { may, open } from "../session";
import { who } from "../settings";
import { Icon } from "../ui/Icon";
import type { Both } from "./Corridor";
import { Reliability } from "./Reliability";
import { density, summary, type Run } from "./runs";

/** How far the simulator looks ahead, and how often with other chances. */
const MINUTES = 15;
const SEEDS = 3;
const POLL_MS = 2_000;

interface Props {
  plan: CorridorDetail;
  draft: CorridorDetail;
  offsets: readonly number[];
  street: Both;
  drafted: Both;
  moved: boolean;
  designing: boolean;
  onWidest: () => void;
  onOffsets: (offsets: number[]) => void;
  onRevert: () => void;
}

export function Compare({ plan, draft, offsets, street, drafted, moved, designing, onWidest, onOffsets, onRevert }: Props) {
  const [outWas, outWill] = [summary(street.out), summary(drafted.out)];
  const [backWas, backWill] = [summary(street.back), summary(drafted.back)];
  const s = (value: number) => t("sg.seconds", { x: num(value) });
  const minutes = (value: number | undefined) => (value === undefined ? null : countdown(value));
  const tenths = (value: number | undefined) => (value === undefined ? null : num(value, 1));
  const share = (value: number | undefined) => (value === undefined ? null : t("cor.percent", { x: num(100 * value) }));
  const bySeconds = (was: number | undefined, will: number | undefined) => (was === undefined || will === undefined ? "" : t("sg.seconds", { x: signed(Math.round(will - was)) }));
  const byWidth = (was: number, will: number) => (Math.abs(will - was) < 0.5 ? t("cor.same") : bySeconds(was, will));
  return (
    <>
      <section class="cmp" aria-labelledby="cmp-title">
        <header><h2 id="cmp-title">{t("cor.compare")}</h2><span class="label">{t(moved ? "cor.ofDraft" : "cor.ofPlan")}</span></header>
        <p class="label">{t("cor.noQueue")}</p>
        <dl>
          <Row term={t("cor.widthOut")} was={s(plan.band.lasts_s)} will={s(draft.band.lasts_s)} note={byWidth(plan.band.lasts_s, draft.band.lasts_s)} />
          {plan.band_back && draft.band_back && <Row term={t("cor.widthBack")} was={s(plan.band_back.lasts_s)} will={s(draft.band_back.lasts_s)} note={byWidth(plan.band_back.lasts_s, draft.band_back.lasts_s)} />}
          <Row term={t("cor.timeOut")} was={minutes(outWas?.seconds)} will={minutes(outWill?.seconds)} note={bySeconds(outWas?.seconds, outWill?.seconds)} />
          {plan.both_ways && <Row term={t("cor.timeBack")} was={minutes(backWas?.seconds)} will={minutes(backWill?.seconds)} note={bySeconds(backWas?.seconds, backWill?.seconds)} />}
          <Row term={t("cor.stops")} was={tenths(outWas?.stops)} will={tenths(outWill?.stops)} note={t("cor.out")} />
          <Row term={t("cor.unstopped")} was={share(outWas?.unstopped)} will={share(outWill?.unstopped)} note={t("cor.out")} />
        </dl>
      </section>
      <Curves was={street.out} will={drafted.out} />
      <div class="cmp-buttons">
        <button type="button" class={`button${designing ? " waiting" : ""}`} disabled={plan.no_wave !== ""} onClick={onWidest}><Icon name="wave" size={16} />{t("cor.widest")}</button>
        <button type="button" class="button" disabled={!moved} onClick={onRevert}><Icon name="end" size={16} />{t("cor.revert")}</button>
      </div>
      <ByArrivals plan={plan} onOffsets={onOffsets} />
      <Simulated plan={plan} offsets={offsets} />
      <Reliability plan={plan} />
      <ul class="cmp-keys label" aria-label={t("keys.title")}>
        <li><kbd>←</kbd> <kbd>→</kbd><span>{t("cor.keyOffset")}</span></li>
        <li><kbd>↑</kbd> <kbd>↓</kbd><span>{t("cor.keyStop")}</span></li>
        <li><kbd>B</kbd><span>{t("cor.keyBoth")}</span></li>
        <li><kbd>Esc</kbd><span>{t("cor.keyRevert")}</span></li>
      </ul>
    </>
  );
}

/** Offsets for those who really came in the last hour, link by link. */
function ByArrivals({ plan, onOffsets }: { plan: CorridorDetail; onOffsets: (offsets: number[]) => void }) {
  const pivot = useSignal<LinkPivot | null>(null);
  const refused = useSignal<string | null>(null);
  const asking = useSignal(false);
  useEffect(() => void (pivot.value = refused.value = null), [plan.id]);

  async function look(): Promise<void> {
    asking.value = true;
    refused.value = null;
    try {
      const found = await linkPivot(plan.id);
      pivot.value = found;
      if (came(found) > 0) {
        const later = new Map(found.links.map((link) => [link.to, link.offset_by_s]));
        onOffsets(plan.stops.map((stop) => (stop.planned_offset_s + (later.get(stop.junction) ?? 0)) % plan.cycle_s));
      }
    } catch (error) {
      refused.value = whyNot(error);
    } finally {
      asking.value = false;
    }
  }
  const found = pivot.value;
  const sum = (of: "on_green" | "would_be") => found?.links.reduce((n, { out, back }) => n + out[of] + back[of], 0) ?? 0;
  const share = (n: number) => t("cor.percent", { x: num((100 * n) / Math.max(1, found ? came(found) : 0)) });
  return (
    <section class="cmp cmp-pivot" aria-label={t("cor.byArrivals")}>
      <button type="button" class={`button${asking.value ? " waiting" : ""}`} disabled={asking.value || plan.no_wave !== ""} onClick={() => void look()}><Icon name="wave" size={16} />{t("cor.byArrivals")}</button>
      <p class="label">{t("cor.arrivalsNote")}</p>
      {found && came(found) === 0 && <p class="label">{t("cor.noArrivals")}</p>}
      {found && came(found) > 0 && <dl><Row term={t("cor.onGreen")} was={share(sum("on_green"))} will={share(sum("would_be"))} note={tn("cor.arrivals", came(found))} /></dl>}
      {refused.value !== null && <p class="order-refused" role="alert"><Icon name="error" size={16} /><span>{refused.value}</span></p>}
    </section>
  );
}

const came = ({ links }: LinkPivot): number => links.reduce((n, { out, back }) => n + out.arrivals + back.arrivals, 0);

/** Both numbers in the same place; without one that is known, a dash and no arrow. */
function Row({ term, was, will, note }: { term: string; was: string | null; will: string | null; note: string }) {
  return (
    <div class="cmp-row">
      <dt class="label">{term}</dt>
      <dd><span class="was">{was ?? "–"}</span><span aria-hidden="true" class="quiet">→</span><span class="visually-hidden">{t("cor.becomes")}</span><b>{will ?? "–"}</b><span class="note">{note}</span></dd>
    </div>
  );
}

function Curves({ was, will }: { was: readonly Run[]; will: readonly Run[] }) {
  const all = [...was, ...will].map((run) => run.seconds);
  if (all.length === 0) return null;
  const [from, to] = [Math.max(0, Math.min(...all) - 25), Math.max(...all) + 25];
  const curves = [density(was, from, to), density(will, from, to)] as const;
  const most = Math.max(0.01, ...curves.flat().map(([, value]) => value));
  const [w, h] = [308, 84];
  const x = (min: number) => ((min * 60 - from) / (to - from)) * w;
  const y = (value: number) => h - (value / most) * (h - 6);
  const line = (curve: readonly [number, number][]) => curve.map(([min, value]) => `${x(min).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  const step = [0.5, 1, 2, 5].find((one) => (to - from) / 60 / one <= 5) ?? 10;
  const ticks: number[] = [];
  for (let min = Math.ceil(from / 60 / step) * step; min * 60 <= to; min += step) ticks.push(min);
  return (
    <figure class="cmp-curves">
      <figcaption class="label"><span>{t("cor.times")}</span><span><i class="dash" />{t("cor.was2")}</span><span><i />{t("cor.will")}</span></figcaption>
      <svg width={w} height={h + 18} viewBox={`0 0 ${w} ${h + 18}`} aria-hidden="true">
        <polygon class="will-area" points={`0,${h} ${line(curves[1])} ${w},${h}`} />
        <polyline class="was-line" points={line(curves[0])} />
        <polyline class="will-line" points={line(curves[1])} />
        <line class="axis" x1="0" x2={w} y1={h} y2={h} />
        {ticks.map((min) => <text x={Math.min(w - 8, Math.max(8, x(min)))} y={h + 14} text-anchor="middle">{num(min, Number.isInteger(min) ? 0 : 1)}</text>)}
      </svg>
    </figure>
  );
}

/** The whole street driven ahead with the corridor on these plans, and as it runs now. */
function Simulated({ plan, offsets }: { plan: CorridorDetail; offsets: readonly number[] }) {
  const asked = useSignal<WhatIf | null>(null);
  const of = useSignal("");
  const refused = useSignal<string | null>(null);
  const running = asked.value !== null && (asked.value.state === "waiting" || asked.value.state === "running");
  const allowed = may("operate", "nowhere");
  const whole = plan.stops.every((stop) => stop.steps.length > 0);

  async function begin(): Promise<void> {
    refused.value = null;
    of.value = offsets.join(",");
    try {
      asked.value = await askWhatIf({
        changes: plan.stops.map((stop, i) => ({
          junctions: [stop.junction],
          plan: { cycle_s: plan.cycle_s, offset_s: offsets[i] ?? stop.planned_offset_s, steps: stop.steps },
        })),
        minutes: MINUTES,
        seeds: SEEDS,
        reason: t("cor.reason", { name: plan.name.local }),
        ...(open.value ? { who: who.value || t("top.personUnknown") } : {}),
      });
    } catch (error) {
      asked.value = null;
      refused.value = whyNot(error);
    }
  }
  useEffect(() => {
    if (!running || asked.value === null) return undefined;
    const { id } = asked.value;
    const timer = setInterval(() => {
      whatIf(id).then((next) => (asked.value = next), (error: unknown) => {
        asked.value = null;
        refused.value = error instanceof Refused ? error.message : String(error);
      });
    }, POLL_MS);
    return () => clearInterval(timer);
  }, [asked.value?.id, running]);

  const { value: question } = asked;
  const shown = question?.result?.measures.filter(({ measure }) => tk(`whatif.${measure}`) !== null) ?? [];
  const digits = (measure: string) => (measure === "stops" || measure === "delay_s" ? 1 : 0);
  return (
    <section class="cmp cmp-sim" aria-labelledby="sim-title">
      <header><h2 id="sim-title">{t("cor.simulated")}</h2>{question && <span class="label">{t("cor.simulatedOf", { n: question.minutes })}</span>}</header>
      {question?.state === "done" && (
        <>
          {of.value !== offsets.join(",") && <p class="stale-note">{t("cor.simulatedOld")}</p>}
          <dl>
            {shown.map(({ measure, base, trial, difference, verdict }) => (
              <Row key={measure} term={tk(`whatif.${measure}`) ?? measure} was={num(base.mean, digits(measure))} will={num(trial.mean, digits(measure))} note={verdict === "no difference shown" ? t("cor.noDifference") : t("cor.range", { a: signed(difference.low, digits(measure)), b: signed(difference.high, digits(measure)) })} />
            ))}
          </dl>
        </>
      )}
      {question?.state === "failed" && <p class="order-refused" role="alert"><Icon name="error" size={16} /><span>{question.detail || question.failure}</span></p>}
      {refused.value !== null && <p class="order-refused" role="alert"><Icon name="error" size={16} /><span>{refused.value}</span></p>}
      <button type="button" class={`button primary${running ? " waiting" : ""}`} disabled={!allowed || running || !whole} onClick={() => void begin()}>
        {running ? t("cor.trying", { x: num(100 * (question?.done ?? 0)) }) : t("cor.try")}
      </button>
      <p class="label">{allowed ? t("cor.tryWhy") : t("cor.trySignIn")}</p>
    </section>
  );
}
