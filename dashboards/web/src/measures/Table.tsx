// What the measures say in numbers: of one range, or of two with the difference bin by bin.

import type { Chart } from "../api/measures";
import { num, signed, t, tk, tn } from "../i18n";
import { average, compare, type Bins } from "./compare";

interface Line { chart: string; key: string; digits: number; percent: boolean }

/** What stands in the table, and the charts that it is read from. */
const LINES: readonly Line[] = [
  { chart: "approach_delay", key: "delay", digits: 1, percent: true },
  { chart: "arrivals_on_green", key: "arrivals_on_green", digits: 0, percent: false },
  { chart: "platoon_ratio", key: "platoon_ratio", digits: 2, percent: false },
  { chart: "split_failures", key: "split_failures", digits: 1, percent: false },
  { chart: "red_actuations", key: "red_actuations", digits: 1, percent: false },
  { chart: "phase_wait", key: "mean_wait", digits: 0, percent: true },
  { chart: "ped_delay", key: "ped_delay", digits: 0, percent: true },
  { chart: "approach_volume", key: "volume", digits: 0, percent: true },
];
export const TABLE_CHARTS: readonly string[] = [...new Set([...LINES.map(({ chart }) => chart), "phase_termination"])];

/** Of all groups together, or of one: the mean over the groups that have the bin. */
function bins(chart: Chart | undefined, key: string, group: number | null): Bins {
  const sums = new Map<number, [number, number]>();
  const mine = chart?.series.filter((one) => one.key === key && (group === null || one.group === group || key === "ped_delay")) ?? [];
  for (const one of mine) {
    one.x.forEach((at, i) => {
      const [sum, n] = sums.get(at) ?? [0, 0];
      sums.set(at, [sum + (one.y[i] ?? 0), n + 1]);
    });
  }
  const all = [...sums.entries()].sort(([a], [b]) => a - b);
  return { x: all.map(([at]) => at), y: all.map(([, [sum, n]]) => sum / n) };
}

const BIN_MS = 15 * 60_000;

interface Props { sides: readonly Map<string, Chart>[]; labels: readonly string[]; shift: number; group: number | null }

export function Table({ sides, labels, shift, group }: Props) {
  const two = labels.length === 2;
  // Bins are cut by the clock, so the pairs are whole bins apart.
  const apart = Math.round(shift / BIN_MS) * BIN_MS;
  return (
    <section class="m-table" aria-labelledby="m-compare">
      <h2 id="m-compare">{t(two ? "m.compare" : "m.numbers")}</h2>
      <p class="label">{two ? t("m.compareWhy") : group === null ? t("m.groupsAll") : t("m.ofGroup", { n: group })}</p>
      <table>
        <thead><tr><th scope="col"><span class="visually-hidden">{t("m.measure")}</span></th>{two ? <><th scope="col" class="num" title={labels[0]}>{t("m.first")}</th><th scope="col" class="num" title={labels[1]}>{t("m.second")}</th></> : <th scope="col" class="num">{t("m.mean")}</th>}</tr></thead>
        <tbody>
          {LINES.map((line) => <Row key={line.key} line={line} a={bins(sides[0]?.get(line.chart), line.key, group)} b={two ? bins(sides[1]?.get(line.chart), line.key, group) : null} apart={apart} known={sides.length > 0} />)}
        </tbody>
      </table>
    </section>
  );
}

function Row({ line, a, b, apart, known }: { line: Line; a: Bins; b: Bins | null; apart: number; known: boolean }) {
  const term = tk(`m.row.${line.key}`) ?? line.key;
  const write = (value: number | null) => (value === null ? "–" : num(value, line.digits));
  if (b === null) {
    const value = average(a);
    return <tr><th scope="row">{term}</th><td class="num"><b>{write(value)}</b>{value === null && known && <span class="visually-hidden">{t("m.none")}</span>}</td></tr>;
  }
  const found = compare(a, b, apart);
  return (
    <>
      <tr class="m-pair"><th scope="row">{term}</th><td class="num soft">{write(found ? found.a : average(a))}</td><td class="num"><b>{write(found ? found.b : average(b))}</b></td></tr>
      <tr class="m-difference"><td colSpan={3}>{found && <Difference {...found} digits={line.digits} />}</td></tr>
    </>
  );
}

/** A dot with its interval on a line whose middle is no difference; hollow where the interval holds the middle. */
function Difference({ a, difference, half, pairs, digits }: { a: number; difference: number; half: number | null; pairs: number; digits: number }) {
  const scale = Math.max(Math.abs(a), 1e-6);
  const x = (value: number) => 60 + Math.max(-56, Math.min(56, (value / scale) * 60));
  const sure = half !== null && Math.abs(difference) > half;
  return (
    <span class="m-dot">
      <svg width="120" height="16" aria-hidden="true">
        <line class="zero" x1="60" x2="60" y1="2" y2="14" />
        {half !== null && <line class="interval" x1={x(difference - half)} x2={x(difference + half)} y1="8" y2="8" />}
        <circle class={sure ? "sure" : "unsure"} cx={x(difference)} cy="8" r="3.6" />
      </svg>
      <span><b>{signed(difference, digits)}</b> {half === null ? tn("m.pairs", pairs) : t("cor.range", { a: signed(difference - half, digits), b: signed(difference + half, digits) })}</span>
    </span>
  );
}
