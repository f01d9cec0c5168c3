// Measures of a junction: one chart, or two of them compared, with what a whole row of measures says of the difference.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Refused } from "../api/client";
import { chart as ask, measures as askAll, type Chart, type ChartInfo } from "../api/measures";
import { csv, save } from "../files";
import { fromZoned, zoned } from "../format";
import { clockOf, dateOf, nameOf, num, t, tk, tn, zone } from "../i18n";
import { withKeys } from "../keys";
import { cityNow, contact, junctions, now } from "../live/live";
import { note, place } from "../route";
import { OfJunction } from "../tickets/OfJunction";
import { Icon } from "../ui/Icon";
import { TopBar } from "../ui/Shell";
import { groupName } from "../junction/groupName";
import { junction as askJunction } from "../api/client";
import type { Group } from "../api/view";
import { language } from "../settings";
import { BeforeAfter } from "./BeforeAfter";
import { Bubbles, Endings } from "./Rows";
import { Plot, WHOLE, type Zoom } from "./Plot";
import { Table, TABLE_CHARTS } from "./Table";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const SPANS = [1, 3, 16, 24] as const;
/** The end of "now" moves on so often, ms: each answer is made of all events of the range. */
const FRESH_MS = 60_000;

/** One side of a comparison: which junction, and until when. */
interface Side { junction: string; from: number; to: number }

export function Measures() {
  const infos = useSignal<ChartInfo[]>([]);
  const groups = useSignal<Group[]>([]);
  const charts = useSignal<(Chart | null)[]>([]);
  const others = useSignal<Map<string, Chart>[]>([]);
  const failed = useSignal<string | null>(null);
  const loading = useSignal(false);
  const zoom = useSignal<Zoom>(WHOLE);
  const take = useSignal<(() => void) | null>(null);

  const { query } = place.value;
  const all = [...junctions.value.values()];
  const first = query["j"] ?? all[0]?.id ?? null;
  const second = query["vs"] ?? null;
  const name = query["chart"] ?? "coordination_diagram";
  const span = Number(query["h"] ?? 1) * HOUR;
  const fresh = Math.floor(now.value / FRESH_MS);
  const day = query["day"] ?? null;
  const otherDay = query["day2"] ?? null;

  /** The range that ends now, or at the same time of another day. */
  const until = (date: string | null): number => {
    const today = cityNow();
    if (date === null) return today;
    const clock = span >= DAY ? "23:59:59" : zoned(today, zone()).slice(11);
    return Math.min(fromZoned(`${date}T${clock}`, zone()) ?? today, date === zoned(today, zone()).slice(0, 10) ? today : Infinity);
  };
  const side = (junction: string, date: string | null): Side => {
    const to = until(date);
    return { junction, to, from: to - span };
  };
  const sides: Side[] = first === null ? [] : [
    side(first, day),
    ...(otherDay !== null || second !== null ? [side(second ?? first, otherDay ?? day)] : []),
  ];

  useEffect(() => {
    void askAll().then((found) => (infos.value = found.charts), (error: unknown) => (failed.value = error instanceof Refused ? error.message : String(error)));
  }, []);
  useEffect(() => {
    if (first === null) return;
    void askJunction(first).then((found) => (groups.value = found.groups), () => undefined);
  }, [first]);
  const vehicles = groups.value.filter((group) => group.kind !== "pedestrians");
  const pedestrians = name === "ped_delay";
  const offered = pedestrians ? groups.value.filter((group) => group.kind === "pedestrians") : vehicles;
  const group = query["g"] === "all" && name !== "coordination_diagram" ? null : offered.find(({ number }) => String(number) === query["g"]) ?? offered[0] ?? null;

  const asked = `${first}|${second}|${name}|${span}|${day}|${otherDay}|${group?.number}|${fresh}`;
  useEffect(() => {
    if (first === null || groups.value.length === 0) return undefined;
    let gone = false;
    loading.value = true;
    const which = ({ from, to }: Side) => ({ from: Math.round(from), to: Math.round(to) });
    void Promise.all(sides.map((one) => ask(one.junction, name, { ...which(one), ...(group === null || second !== null && one.junction === second ? {} : { group: group.number }) }))).then(
      async (found) => {
        if (gone) return;
        charts.value = found;
        failed.value = null;
        loading.value = false;
        // The rest after the picture.
        const sums: Map<string, Chart>[] = [];
        for (const one of sides) {
          const answers = new Map<string, Chart>();
          for (const chart of TABLE_CHARTS) {
            if (gone) return;
            answers.set(chart, await ask(one.junction, chart, which(one)));
          }
          sums.push(answers);
          if (!gone) others.value = [...sums];
        }
      },
    ).catch((error: unknown) => {
      if (gone) return;
      loading.value = false;
      failed.value = error instanceof Refused ? error.message : String(error);
    });
    return () => void (gone = true);
  }, [asked, groups.value.length]);
  useEffect(() => void (zoom.value = WHOLE), [first, second, span, day, otherDay]);
  useEffect(() => withKeys({ Escape: (event) => { if (zoom.peek() !== WHOLE) { event.preventDefault(); zoom.value = WHOLE; } } }), []);

  const shown = charts.value.map((chart) => (chart && chart.name === name ? chart : null)).filter((chart) => chart !== null);
  // An arrival long after a cycle that nobody ended would press all others flat.
  const scaled = (key: string) => name !== "coordination_diagram" || key === "cycle_end";
  const values = shown.flatMap((chart) => chart.series.filter((one) => scaled(one.key)).flatMap((one) => one.y));
  const most = name === "coordination_diagram" ? usualMost(values) : values.reduce((high, value) => Math.max(high, value), 0);
  const top = nice(Math.max(name === "arrivals_on_green" || name === "green_utilisation" ? 100 : 1, most));
  const label = (one: Side) => `${nameOf(junctions.value.get(one.junction)?.name ?? { local: one.junction, en: one.junction })}`;
  const when = (chart: Chart) => `${dateOf(chart.to - 1)}, ${clockOf(chart.from).slice(0, 5)}–${clockOf(chart.to).slice(0, 5)}`;
  const title = tk(`m.chart.${name}`) ?? infos.value.find((info) => info.name === name)?.title ?? name;
  const detailOf = (chart: Chart) => headline(chart, chart.series.find(({ key }) => key === "green")?.group ?? null, others.value[shown.indexOf(chart)]);

  const exportCsv = () => {
    const rows: (string | number | null)[][] = [["junction", "group", "channel", "series", "time", "value"]];
    for (const chart of shown) for (const one of chart.series) one.x.forEach((at, i) => rows.push([chart.junction, one.group, one.channel, one.key, new Date(at).toISOString(), one.y[i] ?? null]));
    save(`${name}.csv`, csv(rows));
  };

  return (
    <>
      <TopBar title={t("m.title")} sub={title} middle={<Verdict others={others.value} sides={sides} />} />
      <main id="main" class="screen measures" tabIndex={-1}>
        <div class="m-main">
          <header class="m-tools">
            <JunctionChoice label={t("m.junction")} value={first} all={all.map((one) => [one.id, nameOf(one.name)])} onPick={(id) => note({ j: id, g: null })} />
            <select class="input" aria-label={t("m.chart")} value={name} onChange={(event) => note({ chart: event.currentTarget.value, g: null })}>
              {infos.value.map((info) => <option value={info.name}>{tk(`m.chart.${info.name}`) ?? info.title}</option>)}
            </select>
            <select class="input" aria-label={t("m.group")} value={group === null ? "all" : String(group.number)} onChange={(event) => note({ g: event.currentTarget.value })}>
              {name !== "coordination_diagram" && <option value="all">{t("m.groupsAll")}</option>}
              {offered.map((one) => <option value={String(one.number)}>{t("m.groupOf", { n: one.number, name: groupName(language.value, one.name, one.kind) })}</option>)}
            </select>
            <span class="segments" role="group" aria-label={t("m.span")}>
              {SPANS.map((hours) => <button type="button" aria-pressed={span === hours * HOUR} onClick={() => note({ h: String(hours) })}>{t("m.hours", { n: hours })}</button>)}
            </span>
            <label class="m-day"><span class="label">{t("m.day")}</span><input type="date" class="input" value={day ?? zoned(now.value || 0, zone()).slice(0, 10)} onChange={(event) => note({ day: event.currentTarget.value || null })} /></label>
            <label class="m-day"><span class="label">{t("m.vsDay")}</span><input type="date" class="input" value={otherDay ?? ""} onChange={(event) => note({ day2: event.currentTarget.value || null })} /></label>
            <JunctionChoice label={t("m.vs")} value={second} none={t("m.vsNone")} all={all.filter(({ id }) => id !== first).map((one) => [one.id, nameOf(one.name)])} onPick={(id) => note({ vs: id || null })} />
          </header>
          <div class="m-charts" aria-busy={loading.value}>
            {failed.value !== null ? (
              <div class="state"><h2><Icon name="error" />{t("m.failed")}</h2><p>{failed.value}</p></div>
            ) : shown.length === 0 ? (
              <div class="grey-lines" role="status" aria-label={t("m.loading")}><i /><i /><i /></div>
            ) : shown.map((chart, i) => (
              <section class="m-chart" key={`${i}${chart.junction}`}>
                <header>
                  <h2>{when(chart)}</h2>
                  <span class="soft">{label(sides[i] ?? { junction: chart.junction, from: 0, to: 0 })}</span>
                  <span class="m-figures">{detailOf(chart)}</span>
                </header>
                {chart.series.length === 0 ? <div class="state hatched m-empty"><p>{t("m.nothing", { from: clockOf(chart.from), to: clockOf(chart.to) })}</p></div> : (
                  <Plot chart={chart} title={`${title}, ${label(sides[i] ?? { junction: chart.junction, from: 0, to: 0 })}, ${when(chart)}`} top={top} zoom={zoom} name={`${name}-${chart.junction}`} take={i === 0 ? take : null} />
                )}
              </section>
            ))}
          </div>
          <p class="m-legend label"><Legend diagram={name === "coordination_diagram"} charts={shown} /><span>{t("m.zoom")}</span></p>
          <div class="m-rows">
            <Bubbles chart={others.value[0]?.get("split_failures") ?? null} groups={vehicles} />
            <Endings chart={others.value[0]?.get("phase_termination") ?? null} groups={vehicles} />
          </div>
        </div>
        <aside class="side side-right m-side" aria-label={t("m.compare")}>
          <Table sides={others.value} labels={sides.map((one) => label(one))} shift={sides.length === 2 ? (sides[1]?.to ?? 0) - (sides[0]?.to ?? 0) : 0} group={second === null ? (group?.number ?? null) : null} />
          {first !== null && <OfJunction id={first} />}
          {first !== null && <BeforeAfter key={first} junction={first} group={group?.number ?? null} />}
          <div class="m-buttons">
            <button type="button" class="button" disabled={shown.length === 0} onClick={exportCsv}><Icon name="download" size={16} />{t("file.csv")}</button>
            <button type="button" class="button" disabled={shown.length === 0} onClick={() => take.value?.()}><Icon name="download" size={16} />{t("file.png")}</button>
            <button type="button" class="button" disabled={shown.length === 0} title={t("file.pdfHow")} onClick={() => print()}><Icon name="download" size={16} />{t("file.pdf")}</button>
          </div>
          <p class="print-only label">{t("m.printed", { time: `${dateOf(now.value)}, ${clockOf(now.value)}`, junctions: sides.map((one) => `${label(one)} · ${one.junction}`).join(", ") })}</p>
          <p class="label m-source">{shown[0] ? tn("m.source", shown[0].events) : ""} {t("m.equal")}</p>
        </aside>
      </main>
    </>
  );
}

/** The highest of 49 in 50: one cycle that nobody ended would press all others flat too. */
function usualMost(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * 0.98)] ?? 0;
}

/** The next round number above. */
function nice(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map((k) => k * power).find((top) => top >= most * 1.02) ?? most * 1.1;
}

/** Arrivals on green and the platoon ratio of the chart's group, beside its diagram. */
function headline(chart: Chart, group: number | null, others: Map<string, Chart> | undefined) {
  if (chart.name !== "coordination_diagram") return null;
  const mean = (name: string) => {
    const y = others?.get(name)?.series.filter((one) => one.group === group).flatMap((one) => one.y) ?? [];
    return y.length === 0 ? null : y.reduce((sum, value) => sum + value, 0) / y.length;
  };
  const [green, ratio] = [mean("arrivals_on_green"), mean("platoon_ratio")];
  return (
    <>
      {green !== null && <>{t("m.aog")} <b>{t("cor.percent", { x: num(green) })}</b></>}
      {ratio !== null && <>{t("m.platoon")} <b>{num(ratio, 2)}</b></>}
    </>
  );
}

/** The sentence of the screen. */
function Verdict({ others, sides }: { others: Map<string, Chart>[]; sides: Side[] }) {
  const failures = (one: Map<string, Chart> | undefined) => one?.get("split_failures")?.series.flatMap((series) => series.y).reduce((sum, value) => sum + value, 0) ?? null;
  const said = failures(others[0]);
  // Of nothing measured, nothing good can be said.
  const nothing = others[0]?.get("split_failures")?.series.length === 0;
  return (
    <p class="sentence" data-contact={contact.value}>
      {said === null ? t("m.reading") : nothing ? t("m.nothingYet") : said === 0 ? <b>{t("m.noFailures")}</b> : <b>{tn("m.failures", Math.round(said))}</b>} {sides.length === 2 && others.length === 2 && t("m.comparing")}
    </p>
  );
}

function Legend({ diagram, charts }: { diagram: boolean; charts: Chart[] }) {
  const sign = (colour: string) => <svg width="20" height="8" aria-hidden="true"><path d="M1 4H19" stroke={`var(--${colour})`} stroke-width="2" /></svg>;
  const dot = (r: number, colour: string) => <svg width="14" height="8" aria-hidden="true"><circle cx="4" cy="5" r={r} fill={`var(--${colour})`} /><circle cx="11" cy="3" r={r} fill={`var(--${colour})`} /></svg>;
  if (diagram) return <><span>{sign("lamp-green")}{t("m.green")}</span><span>{sign("lamp-red")}{t("m.cycle")}</span><span>{dot(1.7, "ink-1")}{t("m.onRed")}</span><span>{dot(1.1, "ink-2")}{t("m.onGreen")}</span></>;
  const keys = [...new Set(charts.flatMap((chart) => chart.series.map((one) => one.key)))];
  return <>{keys.map((key) => <span>{tk(`m.key.${key}`) ?? key}</span>)}</>;
}

function JunctionChoice({ label, value, all, none, onPick }: { label: string; value: string | null; all: [string, string][]; none?: string; onPick: (id: string) => void }) {
  return (
    <select class="input m-junction" aria-label={label} title={label} value={value ?? ""} onChange={(event) => onPick(event.currentTarget.value)}>
      {none !== undefined && <option value="">{none}</option>}
      {all.sort((a, b) => a[1].localeCompare(b[1])).map(([id, name]) => <option value={id}>{name} · {id}</option>)}
    </select>
  );
}
