// Comparing two series bin by bin: pure. A bin counts only where both have it, so that a gap of one is no gain of the other.

export interface Bins { x: readonly number[]; y: readonly number[] }

export interface Difference {
  /** Bins that both have. */
  pairs: number;
  a: number;
  b: number;
  difference: number;
  /** Half the 95 % interval of the mean difference over the bins; null with fewer than three. */
  half: number | null;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Student's t for 95 %, two-sided; from 30 degrees on it is near enough to 2. */
const T95 = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.1, 2.09, 2.09, 2.08, 2.07, 2.07, 2.06, 2.06, 2.06, 2.05, 2.05, 2.05];

/** Pairs the bins of `a` with those of `b` that begin `shift` ms later. */
export function compare(a: Bins, b: Bins, shift: number): Difference | null {
  const other = new Map(b.x.map((at, i) => [at - shift, b.y[i] ?? 0]));
  const pairs = a.x.flatMap((at, i): [number, number][] => {
    const there = other.get(at);
    return there === undefined ? [] : [[a.y[i] ?? 0, there]];
  });
  if (pairs.length === 0) return null;
  const differences = pairs.map(([was, will]) => will - was);
  const middle = mean(differences);
  const n = differences.length;
  const variance = n < 3 ? null : differences.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (n - 1);
  return {
    pairs: n,
    a: mean(pairs.map(([was]) => was)),
    b: mean(pairs.map(([, will]) => will)),
    difference: middle,
    half: variance === null ? null : (T95[n - 2] ?? 2) * Math.sqrt(variance / n),
  };
}

export function average({ y }: Bins): number | null {
  return y.length === 0 ? null : mean(y);
}

/** Stretches of the range in which nothing was measured: longer than `least`, between any two points or at the ends. */
export function gaps(points: readonly number[], from: number, to: number, least: number): [number, number][] {
  const all = [from, ...[...points].sort((a, b) => a - b).filter((at) => at >= from && at <= to), to];
  return all.slice(1).flatMap((at, i): [number, number][] => {
    const before = all[i] ?? from;
    return at - before > least ? [[before, at]] : [];
  });
}

/** Round numbers along an axis. */
export function ticks(from: number, to: number, most: number): number[] {
  const rough = Math.max(1e-9, (to - from) / most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 4, 5, 10].map((k) => k * power).find((one) => one >= rough) ?? rough;
  const out: number[] = [];
  for (let k = Math.ceil(from / step); k * step <= to + 1e-9; k += 1) out.push(Math.round(k * step * 1e6) / 1e6);
  return out;
}

const MINUTE = 60_000;
/** Round times along an axis, by a clock that is `ahead` ms of UTC. */
export function times(from: number, to: number, most: number, ahead: number): number[] {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440].map((m) => m * MINUTE);
  const step = steps.find((one) => (to - from) / one <= most) ?? 1440 * MINUTE;
  const out: number[] = [];
  for (let at = Math.ceil((from + ahead) / step) * step - ahead; at <= to; at += step) out.push(at);
  return out;
}
