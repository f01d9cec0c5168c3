// Two small rows by signal group: where greens did not empty the queue, and what ended each green.

import type { Chart } from "../api/measures";
import type { Group } from "../api/view";
import { clockOf, num, t } from "../i18n";
import { groupName } from "../junction/groupName";
import { language } from "../settings";
import { useSize } from "../ui/TimeStrip";
import { times } from "./compare";

const ROW = 30;
const BIN_MS = 15 * 60_000;

/** More than this share of the greens of a quarter that failed is worth a colour: cycles. */
const MANY = 3;

function useRows(chart: Chart | null, groups: readonly Group[], label: number) {
  const { element, size } = useSize({ width: 460, height: 150 });
  const width = Math.max(240, size.value.width);
  const height = groups.length * ROW + 26;
  const [from, to] = [chart?.from ?? 0, chart?.to ?? 1];
  const x = (at: number) => label + ((at - from) / Math.max(1, to - from)) * (width - label - 20);
  const marks = chart ? times(from, to, (width - label) / 90, chart.utc_offset_s * 1000) : [];
  return { element, width, height, x, marks };
}

function Axis({ marks, x, height }: { marks: number[]; x: (at: number) => number; height: number }) {
  return <>{marks.map((at) => <text class="axis" x={x(at)} y={height - 5} text-anchor="middle">{clockOf(at).slice(0, 5)}</text>)}</>;
}

export function Bubbles({ chart, groups }: { chart: Chart | null; groups: readonly Group[] }) {
  const { element, width, height, x, marks } = useRows(chart, groups, 150);
  const of = (number: number) => chart?.series.find((one) => one.group === number && one.key === "split_failures");
  return (
    <section class="m-row" aria-labelledby="m-bubbles">
      <header><h2 id="m-bubbles">{t("m.row.split_failures")}</h2><span class="soft">{t("m.perQuarter")}</span><span class="m-scale label"><i /><i class="two" /><i class="three" />1 · 3 · 7</span></header>
      <div ref={element} class="m-row-box">
        <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={t("m.bubbles", { n: num(chart?.series.reduce((sum, one) => sum + one.y.reduce((a, b) => a + b, 0), 0) ?? 0) })}>
          {groups.map((group, row) => {
            const name = groupName(language.value, group.name, group.kind);
            const y = row * ROW + 14;
            const series = of(group.number);
            return (
              <g>
                <text class="m-name" x="0" y={y + 4}><tspan class="strong">{group.number}</tspan> {name.length > 19 ? `${name.slice(0, 18)}…` : name}<title>{name}</title></text>
                <line class="rule" x1={x(chart?.from ?? 0)} x2={x(chart?.to ?? 1)} y1={y} y2={y} />
                {series?.x.map((at, i) => {
                  const value = series.y[i] ?? 0;
                  if (value <= 0) return null;
                  return <circle class={value >= MANY ? "many" : ""} cx={x(at + BIN_MS / 2)} cy={y} r={Math.min(9, 1.6 + 1.1 * Math.sqrt(value) * 1.4)}><title>{`${clockOf(at).slice(0, 5)}: ${num(value)}`}</title></circle>;
                })}
              </g>
            );
          })}
          <Axis {...{ marks, x, height }} />
        </svg>
      </div>
    </section>
  );
}

export function Endings({ chart, groups }: { chart: Chart | null; groups: readonly Group[] }) {
  const { element, width, height, x, marks } = useRows(chart, groups, 26);
  const of = (number: number) => chart?.series.filter((one) => one.group === number) ?? [];
  const said = new Set(chart?.series.map((one) => one.key) ?? []);
  return (
    <section class="m-row" aria-labelledby="m-endings">
      <header>
        <h2 id="m-endings">{t("m.endings")}</h2>
        <span class="m-signs label"><span><b aria-hidden="true">|</b> {t("m.key.gap_out")}</span><span><b aria-hidden="true">▲</b> {t("m.key.max_out")}</span><span><b aria-hidden="true">ˌ</b> {t("m.key.force_off")}</span>{said.has("not_told") && <span><b aria-hidden="true">·</b> {t("m.key.not_told")}</span>}</span>
      </header>
      <div ref={element} class="m-row-box">
        <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={t("m.endings")}>
          {groups.map((group, row) => {
            const y = row * ROW + 14;
            return (
              <g>
                <text class="m-name" x="0" y={y + 4}><tspan class="strong">{group.number}</tspan></text>
                {of(group.number).map((series) => <path class={`end ${series.key}`} d={series.x.map((at) => mark(series.key, x(at), y)).join("")} />)}
              </g>
            );
          })}
          <Axis {...{ marks, x, height }} />
        </svg>
      </div>
    </section>
  );
}

function mark(key: string, x: number, y: number): string {
  const at = x.toFixed(1);
  switch (key) {
    case "gap_out":
      return `M${at} ${y - 6}V${y + 2}`;
    case "force_off":
      return `M${at} ${y}V${y + 6}`;
    case "max_out":
      return `M${at} ${y - 9}l3 5h-6z`;
    default:
      return `M${at} ${y + 2}V${y + 5}`;
  }
}
