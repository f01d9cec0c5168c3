// Stages and groups: the last minute as it was, the present as a line, and what is expected with its doubt.

import type { Group, JunctionDetail } from "../api/view";
import { ago, clockOf, nameOf, num, t, tk } from "../i18n";
import { contact, knownUntil } from "../live/live";
import { MINUS, NBSP } from "../format";
import { Icon, type IconName } from "../ui/Icon";
import { AgeRing, ModeGlyph, WantedGlyph } from "../ui/signs";
import { useSize } from "../ui/TimeStrip";
import { language } from "../settings";
import { groupName } from "./groupName";
import { expected, past, spread, type Stretch } from "./lamps";

const BACK_S = 60;
const AHEAD_S = 90;
const ROW = 24;
const TOP = 62;

const KIND: Record<string, IconName> = { vehicles: "car", pedestrians: "walk", trams: "tram", cyclists: "bike" };

export function Bar({ stretch, x, y }: { stretch: Stretch; x: (at: number) => number; y: number }) {
  const from = x(stretch.from);
  const width = Math.max(0.6, x(stretch.to) - from);
  const foot = y + 18;
  const faded = stretch.known === "predicted" ? "faded" : "";
  const rect = (height: number, fill: string, up = 0) => <rect class={faded} x={from} y={foot - height - up} width={width} height={height} fill={fill} />;
  switch (stretch.lamp) {
    case "green":
      return rect(14, "var(--lamp-green)");
    case "flashing_green":
      return rect(14, "url(#blink)");
    case "amber":
      return rect(7, "var(--lamp-amber)");
    case "red":
      return rect(3, "var(--lamp-red)");
    case "red_amber":
      return <>{rect(3, "var(--lamp-red)")}{rect(5, "var(--lamp-amber)", 3)}</>;
    case "flashing_amber":
      return rect(7, "url(#blink-amber)");
    case "dark":
      return rect(3, "var(--lamp-off)");
    default:
      return rect(14, "url(#hatch-wide)");
  }
}

/** In a replay what came next is known too, up to `stored`: it is drawn solid. */
export function Bars({ detail, stored }: { detail: JunctionDetail; stored?: number }) {
  const replay = stored !== undefined;
  const { element, size } = useSize({ width: 760, height: 260 });
  const now = knownUntil.value;
  const width = size.value.width;
  const narrow = width < 560;
  const label = narrow ? 54 : 216;
  const end = width - (narrow ? 10 : 30);
  const ahead = narrow ? 60 : AHEAD_S;
  const back = narrow ? 40 : BACK_S;
  const begin = now - back * 1000;
  const until = now + ahead * 1000;
  const x = (at: number) => label + ((at - begin) / (until - begin)) * (end - label);
  const groups = detail.groups;
  const height = TOP + groups.length * ROW + 30;
  const foot = TOP + groups.length * ROW + 4;

  const signalled = detail.state.stage !== null;
  const known = stored === undefined ? now : Math.max(now, Math.min(until, stored));
  const stages = past(detail.history, 0, begin, known, { lamp: null, since: null });
  const running = signalled ? stages.findLast((stretch) => stretch.from <= now) : undefined;
  const forecast = signalled ? detail.forecast.filter((step) => step.ends.at > now) : [];
  const current = forecast.find((step) => step.begins.at <= now);
  const coming = forecast.filter((step) => step.begins.at > now && step.begins.at < until);
  // The change out of the running stage, then the end of each stage that follows.
  const changes = [...(current ? [current] : []), ...coming].map((step) => step.ends).filter((change) => change.at < until).slice(0, 3);

  return (
    <section class="bars" aria-label={t("sg.title")}>
      <header>
        <h2>{t("sg.title")}</h2>
        <Twice detail={detail} />
        {changes.length > 0 && !narrow && <span class="bars-legend"><i />{t("sg.legend")}</span>}
      </header>
      <div class="bars-box" ref={element} tabIndex={0} role="group" aria-label={t("sg.label")}>
        <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
          {[-60, -50, -40, -30, -20, -10, 10, 20, 30, 40, 50, 60, 70, 80, 90].filter((s) => s >= -back && s <= ahead).map((s) => (
            <line class="grid" x1={x(now + s * 1000)} x2={x(now + s * 1000)} y1={TOP} y2={foot} />
          ))}
          {!narrow && <text class="bars-stage" x="0" y="48">{t("sg.Stage", { n: "" }).trim()}</text>}
          {stages.map((stretch) => {
            const here = stretch === running;
            const to = here && current ? Math.min(until, current.ends.at) : stretch.to;
            const seconds = Math.round((now - stretch.from) / 1000);
            const w = x(to) - x(stretch.from);
            return (
              <g class={here ? "block running" : "block"}>
                <rect x={x(stretch.from)} y="32" width={Math.max(1, w - 1)} height="22" rx="3" />
                {w > 24 && <text x={here ? x(stretch.from) + 8 : x(stretch.from) + w / 2} y="47.5" text-anchor={here ? "start" : "middle"}>
                  <tspan class="strong">{w > 70 ? t("sg.Stage", { n: stretch.lamp }) : stretch.lamp}</tspan>
                  {here && w > 110 && ` · ${t("sg.seconds", { x: seconds })}`}
                </text>}
              </g>
            );
          })}
          {coming.map((step) => {
            const [a, b] = [x(step.begins.at), x(Math.min(until, step.ends.at))];
            return (
              <g class="block predicted">
                <rect x={a} y="32.5" width={Math.max(1, b - a - 1)} height="21" rx="3" />
                {b - a > 20 && <text x={(a + b) / 2} y="47.5" text-anchor="middle"><tspan class="strong">{b - a > 60 ? t("sg.Stage", { n: step.stage }) : step.stage}</tspan></text>}
              </g>
            );
          })}
          {groups.map((group, i) => <Row key={group.number} group={group} detail={detail} y={TOP + i * ROW} x={x} now={now} known={known} replay={replay} begin={begin} until={until} narrow={narrow} />)}
          {changes.map((change) => {
            const [a, b, mid] = [x(change.earliest), x(Math.min(until, change.latest)), x(change.at)];
            return (
              <g class="change">
                <rect x={a} y="56" width={Math.max(0, b - a)} height={foot - 56} />
                <path class="bracket" d={`M${a} 32V26H${b}V32`} />
                <line x1={mid} x2={mid} y1="26" y2={foot} />
                <text x={(a + b) / 2} y="19" text-anchor="middle">
                  <tspan class="strong">+{t("sg.seconds", { x: Math.max(0, Math.round((change.at - now) / 1000)) })}</tspan> ±{spread(change)}
                </text>
              </g>
            );
          })}
          {replay && known < until - 1000 && <rect x={x(known)} y={TOP} width={x(until) - x(known)} height={foot - TOP} fill="url(#hatch-wide)" opacity=".5" />}
          {!replay && signalled && forecast.length === 0 && groups.every((group) => group.next_change === null) && (
            <foreignObject x={x(now) + 16} y={TOP + 4} width={Math.max(60, end - x(now) - 24)} height="60">
              <p class="bars-none">{t("sg.noForecast")}</p>
            </foreignObject>
          )}
          <line class="now-mark" x1={x(now)} x2={x(now)} y1="26" y2={foot + 4} />
          <text class="axis-now" x={x(now)} y={foot + 18} text-anchor="middle">{clockOf(now)}</text>
          {[-60, -30, 30, 60, 90].filter((s) => s >= -back && s <= ahead).map((s) => (
            <text class="axis" x={Math.min(x(now + s * 1000), end - 2)} y={foot + 18} text-anchor="middle">{s < 0 ? MINUS : "+"}{Math.abs(s)}{NBSP}{t("sg.seconds", { x: "" }).trim()}</text>
          ))}
        </svg>
      </div>
      <table class="visually-hidden">
        <caption>{t("sg.title")}</caption>
        <tbody>
          {groups.map((group) => (
            <tr>
              <th scope="row">{group.number} {groupName(language.value, group.name, group.kind)}</th>
              <td>{tk(`group.${group.kind}`)}</td>
              <td>{tk(`lamp.${group.lamp ?? "unknown"}`)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface RowProps { group: Group; detail: JunctionDetail; y: number; x: (at: number) => number; now: number; known: number; replay: boolean; begin: number; until: number; narrow: boolean }

function Row({ group, detail, y, x, now, known: end, replay, begin, until, narrow }: RowProps) {
  const was = past(detail.history, group.number, begin, end, { lamp: group.lamp, since: group.since });
  const will = detail.state.stage === null || replay ? [] : expected(group, detail.stages, detail.forecast, now, until);
  const known = was[0]?.from ?? now;
  const name = groupName(language.value, group.name, group.kind);
  const room = narrow ? 0 : 22;
  return (
    <g>
      <foreignObject x="0" y={y + 3} width="18" height="18"><Icon name={KIND[group.kind] ?? "car"} size={16} /></foreignObject>
      <text class="row-number" x="22" y={y + 16}>{group.number}{group.kind === "pedestrians" ? t("sg.p") : ""}</text>
      {!narrow && <text class="row-name" x="46" y={y + 16}>{name.length > room + 4 ? `${name.slice(0, room + 3)}…` : name}<title>{name}</title></text>}
      {known > begin + 1500 && <rect x={x(begin)} y={y + 12} width={x(known) - x(begin)} height="6" fill="url(#hatch-wide)" opacity=".6" />}
      {was.map((stretch) => <Bar stretch={stretch} x={x} y={y} />)}
      {will.map((stretch) => <Bar stretch={stretch} x={x} y={y} />)}
    </g>
  );
}

/** Wanted and actual: the same words in the same order, and when it was read. */
function Twice({ detail }: { detail: JunctionDetail }) {
  const { state } = detail;
  const age = state.seen_at === null ? null : Math.max(0, (knownUntil.value - state.seen_at) / 1000);
  const stage = (n: number | null) => (n === null ? t("sg.noStage") : t("sg.stage", { n }));
  const plan = detail.plans.find((one) => one.number === state.plan);
  const old = contact.value === "cut" || state.actual === "no_contact";
  return (
    <div class="twice">
      <span><WantedGlyph mode={state.wanted} size={14} />{t("sg.wanted")} <b>{stage(state.stage_wanted)}</b></span>
      <span>
        <ModeGlyph actual={state.actual} wanted={state.actual === "no_contact" ? state.wanted : state.actual} size={14} />
        {t("sg.actual")} <b>{state.interstage ? t("sg.interstage") : stage(state.stage)}</b>
        <span class="quiet">{age === null ? t("pop.never") : t("sg.read", { age: ago(age) })}</span>
        {old && <AgeRing seconds={null} />}
      </span>
      {plan && (
        <span>
          {t("sg.plan")} <b>{plan.number}</b>{nameOf(plan.name) && ` «${nameOf(plan.name)}»`} · {t("sg.cycle")} <b>{t("sg.seconds", { x: num(plan.cycle_s) })}</b> · {t("sg.offset")} <b>{t("sg.seconds", { x: num(plan.offset_s) })}</b>
          {detail.cycle_s !== null && <> · {t("sg.inCycle")} <b>{t("sg.seconds", { x: num(detail.cycle_s) })}</b></>}
        </span>
      )}
    </div>
  );
}
