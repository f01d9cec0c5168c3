// A corridor: what its lamps did, what its plans let pass, and what other offsets would. Nothing here changes the street.

import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { corridor as ask, corridorLamps, corridors, Refused } from "../api/client";
import type { CorridorDetail, CorridorLamps, CorridorSummary } from "../api/view";
import { clockOf, nameOf, num, t, tn } from "../i18n";
import { withKeys } from "../keys";
import { beat, cityNow, contact, junctions } from "../live/live";
import { note, place } from "../route";
import { Icon } from "../ui/Icon";
import { TopBar } from "../ui/Shell";
import { AgeRing } from "../ui/signs";
import { Compare } from "./Compare";
import { Diagram, SPAN_S } from "./Diagram";
import { changes, fleet, passings, planned, shown as shownBy, type Run, type Way } from "./runs";

type Mode = "running" | "draft" | "both";
/** The lamps of the street are read again so often, s. */
const LAMPS_S = 10;
/** What the store has yet to write down, ms. */
const LATE_MS = 4_000;
/** A moved offset is asked about once the hand rests, ms. */
const REST_MS = 60;
/** Runs are drawn and counted for departures so far apart, s. */
const EACH_S = 5;
/** And from so long before the diagram on, s: who is on the way when it begins has departed before. */
const BEFORE_S = 900;

export function Corridor() {
  const list = useSignal<CorridorSummary[] | null>(null);
  const failed = useSignal<string | null>(null);
  const plan = useSignal<CorridorDetail | null>(null);
  const draft = useSignal<CorridorDetail | null>(null);
  const offsets = useSignal<number[] | null>(null);
  const lamps = useSignal<CorridorLamps | null>(null);
  const begin = useSignal(0);
  const selected = useSignal(0);
  const designing = useSignal(false);

  const { query } = place.value;
  const id = query["c"] ?? list.value?.[0]?.id ?? null;
  const mode: Mode = query["view"] === "draft" || query["view"] === "both" ? query["view"] : "running";
  const setMode = (next: Mode) => note({ view: next === "running" ? null : next });

  useEffect(() => {
    void corridors().then(
      (found) => {
        // The longest first: it has the most to tell.
        list.value = found.corridors.sort((a, b) => b.junctions - a.junctions);
      },
      (error: unknown) => (failed.value = error instanceof Refused ? error.message : String(error)),
    );
  }, []);

  // Its plan, and the draft that the address carries.
  useEffect(() => {
    if (id === null) return undefined;
    let gone = false;
    plan.value = draft.value = offsets.value = lamps.value = null;
    selected.value = 0;
    void ask(id).then(
      (found) => {
        if (gone) return;
        const carried = (place.peek().query["offsets"] ?? "").split(",").map(Number);
        const fits = carried.length === found.stops.length && carried.every(Number.isFinite);
        plan.value = found;
        draft.value = found;
        offsets.value = fits ? carried : found.stops.map((stop) => stop.planned_offset_s);
        failed.value = null;
      },
      (error: unknown) => !gone && (failed.value = error instanceof Refused ? error.message : String(error)),
    );
    return () => void (gone = true);
  }, [id]);

  const moved = offsets.value !== null && plan.value !== null && plan.value.stops.some((stop, i) => Math.abs(stop.planned_offset_s - (offsets.value?.[i] ?? 0)) >= 0.05);
  const asked = offsets.value?.join(",") ?? "";
  useEffect(() => {
    if (id === null || offsets.value === null) return undefined;
    note({ offsets: moved ? asked : null });
    let gone = false;
    const wait = setTimeout(() => {
      void ask(id, { offsets: offsets.peek() ?? [] }).then(
        (found) => !gone && (draft.value = found),
        (error: unknown) => !gone && (failed.value = error instanceof Refused ? error.message : String(error)),
      );
    }, REST_MS);
    return () => {
      gone = true;
      clearTimeout(wait);
    };
  }, [asked]);

  // The street's lamps, over whole cycles that have passed.
  const due = Math.floor(beat.value / LAMPS_S);
  const cycle = plan.value?.cycle_s ?? null;
  useEffect(() => {
    if (id === null || cycle === null) return undefined;
    let gone = false;
    const until = cityNow() - LATE_MS;
    const from = Math.floor((until / 1000 - SPAN_S) / cycle) * cycle * 1000;
    void corridorLamps(id, from - BEFORE_S * 1000, until).then(
      (found) => {
        if (gone) return;
        lamps.value = found;
        begin.value = from;
      },
      // The stream says when the centre is away; the last lamps stay, with their time.
      () => undefined,
    );
    return () => void (gone = true);
  }, [id, cycle, due]);

  const move = (i: number, offset: number) => {
    const before = offsets.peek();
    if (before) offsets.value = before.map((s, k) => (k === i ? offset : s));
    if (mode === "running") setMode("draft");
  };
  const revert = () => (offsets.value = plan.peek()?.stops.map((stop) => stop.planned_offset_s) ?? null);
  const focusStop = (i: number) => document.querySelector<SVGElement>(`.tsd-handle[data-stop="${i}"]`)?.focus();
  useEffect(() => withKeys({
    ArrowUp: () => {
      selected.value = Math.min((plan.peek()?.stops.length ?? 1) - 1, selected.peek() + 1);
      focusStop(selected.peek());
    },
    ArrowDown: () => {
      selected.value = Math.max(0, selected.peek() - 1);
      focusStop(selected.peek());
    },
    b: () => setMode(place.peek().query["view"] === "both" ? "draft" : "both"),
    Escape: (event) => {
      event.preventDefault();
      revert();
    },
  }), []);

  async function widest(): Promise<void> {
    if (id === null || designing.value) return;
    designing.value = true;
    try {
      const found = await ask(id, { design: "widest" });
      offsets.value = found.stops.map((stop) => stop.offset_s);
      if (mode === "running") setMode("draft");
    } catch (error) {
      failed.value = error instanceof Refused ? error.message : String(error);
    } finally {
      designing.value = false;
    }
  }

  const street = useComputed(() => runsOf(plan.value, (way, i) => shownBy(changes(lamps.value, i, way, begin.value), lamps.value ? (lamps.value.to - begin.value) / 1000 : 0), -BEFORE_S, SPAN_S));
  const drafted = useComputed(() => {
    const { value: detail } = draft;
    // Whole cycles, so that each second of one counts alike.
    const cycle_s = detail?.cycle_s ?? SPAN_S;
    return runsOf(detail, (way, i) => {
      const stop = detail?.stops[i];
      return stop && detail ? planned(stop, way, offsets.value?.[i] ?? stop.offset_s, detail.cycle_s) : (at) => at;
    }, -Math.ceil(BEFORE_S / cycle_s) * cycle_s, Math.floor(SPAN_S / cycle_s) * cycle_s);
  });

  const [p, d] = [plan.value, draft.value];
  const states = p?.stops.map((stop) => junctions.value.get(stop.junction)?.state) ?? [];
  const keeping = states.filter((state) => state?.actual === "coordinated" || (state?.kind === "schedule" || state?.kind === "fixed") && state.matches).length;
  const old = contact.value === "cut";
  return (
    <>
      <TopBar
        title={p ? nameOf(p.name) : t("cor.title")}
        sub={p ? `${ends(p)}${tn("cor.junctions", p.junctions)} · ${t("journey.km", { x: num(p.length_m / 1000, 2) })}` : undefined}
        middle={p ? <p class="sentence" data-contact={contact.value}>{old && <AgeRing seconds={null} />}<b>{t("cor.keep", { n: keeping, total: p.stops.length })}</b> {t(keeping === 0 ? "cor.keepNone" : "cor.keepRest")}</p> : undefined}
      />
      <main id="main" class="screen corridor" tabIndex={-1}>
        <div class="cor-main">
          <header class="cor-tools">
            <select class="input cor-choice" aria-label={t("cor.choose")} value={id ?? ""} onChange={(event) => note({ c: event.currentTarget.value, offsets: null })}>
              {(list.value ?? []).map((one) => <option value={one.id}>{nameOf(one.name)}</option>)}
            </select>
            <div class="segments" role="group" aria-label={t("cor.view")}>
              {(["running", "draft", "both"] as const).map((one) => (
                <button type="button" aria-pressed={mode === one} aria-keyshortcuts={one === "both" ? "B" : undefined} onClick={() => setMode(one)}>{t(`cor.${one}`)}</button>
              ))}
            </div>
            {p && <span class="soft cor-cycle">{t("cor.plan", { x: num(p.cycle_s) })}</span>}
            <Legend mode={mode} both={p?.both_ways ?? false} />
          </header>
          {failed.value !== null ? (
            <div class="state"><h2><Icon name="error" />{t("cor.failed")}</h2><p>{failed.value}</p></div>
          ) : list.value?.length === 0 ? (
            <div class="state"><h2>{t("cor.none")}</h2><p>{t("cor.noneWhy")}</p></div>
          ) : p && d && offsets.value ? (
            <>
              {p.no_wave !== "" && <p class="cor-note"><Icon name="error" size={16} />{t("cor.noWave", { why: p.no_wave })}</p>}
              <Diagram
                shown={mode === "running" ? p : d}
                plan={p}
                offsets={mode === "running" ? p.stops.map((stop) => stop.planned_offset_s) : offsets.value}
                lamps={lamps.value}
                begin={begin.value}
                mode={mode}
                selected={selected.value}
                editable={mode !== "running" && p.no_wave === ""}
                runs={mode === "running" ? drawn(street.value) : drawn(drafted.value)}
                onSelect={(i) => (selected.value = i)}
                onOffset={move}
              />
              <p class="label cor-foot">
                {mode === "running"
                  ? lamps.value ? t("cor.lampsOf", { from: clockOf(begin.value), to: clockOf(lamps.value.to) }) : t("cor.lampsNone")
                  : t("cor.speeds")}
              </p>
            </>
          ) : (
            <div class="grey-lines" role="status" aria-label={t("cor.loading")}><i /><i /><i /></div>
          )}
        </div>
        <aside class="side side-right cor-side" aria-label={t("cor.compare")}>
          {p && d && offsets.value && (
            <Compare
              plan={p}
              draft={d}
              offsets={offsets.value}
              street={street.value}
              drafted={drafted.value}
              moved={moved}
              designing={designing.value}
              onWidest={() => void widest()}
              onOffsets={(found) => {
                offsets.value = found;
                if (mode === "running") setMode("draft");
              }}
              onRevert={revert}
            />
          )}
        </aside>
      </main>
    </>
  );
}

/** From where to where. */
function ends({ stops }: CorridorDetail): string {
  const [first, last] = [stops[0], stops.at(-1)];
  const short = (stop: typeof first) => (stop ? (nameOf(stop.name).split(" × ").at(-1) ?? "") : "");
  return first && last && first !== last ? `${short(first)} – ${short(last)} · ` : "";
}

export interface Both { out: Run[]; back: Run[] }

function runsOf(detail: CorridorDetail | null, signal: (way: Way, i: number) => (at: number) => number | null, from: number, to: number): Both {
  const of = (way: Way) => (detail ? fleet(passings(detail.stops, way, (_, i) => signal(way, i)), from, to, EACH_S) : []);
  return { out: of("out"), back: of("back") };
}

/** A third of the runs is enough to see by. */
const drawn = ({ out, back }: Both): Both => ({ out: out.filter((_, i) => i % 3 === 0), back: back.filter((_, i) => i % 3 === 0) });

function Legend({ mode, both }: { mode: Mode; both: boolean }) {
  return (
    <ul class="cor-legend" aria-label={t("cor.legend")}>
      <li><svg width="22" height="12" aria-hidden="true"><path class="band-out" d="M6 11 16 1H21L11 11Z" /></svg>{t("cor.bandOut")}</li>
      {both && <li><svg width="22" height="12" aria-hidden="true"><path class="band-in" d="M6 1 16 11H21L11 1Z" /></svg>{t("cor.bandBack")}</li>}
      <li><svg width="22" height="12" aria-hidden="true"><path class="run out" d="M1 10 21 2" /></svg>{t("cor.runs")}</li>
      <li><svg width="22" height="12" aria-hidden="true"><rect class="tsd-wanted" x="1" y="3" width="20" height="6" /></svg>{t(mode === "running" ? "cor.wanted" : "cor.onStreet")}</li>
    </ul>
  );
}
