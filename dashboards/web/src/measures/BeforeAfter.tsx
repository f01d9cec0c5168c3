// What a change did: weeks before a day beside weeks after it, weekday by weekday, as the centre compares them.

import { useSignal } from "@preact/signals";
import { comparison, type Comparison } from "../api/measures";
import { dayBounds } from "../format";
import { num, signed, t, tk, tn, zone } from "../i18n";
import { cityNow } from "../live/live";
import { whyNot } from "../refusal";
import { Icon } from "../ui/Icon";

/** Values are shown in units of a person: shares in percent, vehicles of a quarter as vehicles an hour. */
interface Choice { row: string; measure: string; column: string; digits: number; times: number }

const CHOICES: readonly Choice[] = [
  { row: "delay", measure: "approach_delay", column: "AverageDelay", digits: 1, times: 1 },
  { row: "arrivals_on_green", measure: "arrival_on_green", column: "Percent_AOG", digits: 0, times: 100 },
  { row: "platoon_ratio", measure: "platoon_ratio", column: "Platoon_Ratio", digits: 2, times: 1 },
  { row: "split_failures", measure: "split_failures", column: "Split_Failure", digits: 2, times: 1 },
  { row: "mean_wait", measure: "phase_wait", column: "AvgPhaseWait", digits: 0, times: 1 },
  { row: "ped_delay", measure: "ped_delay", column: "AvgPedDelay", digits: 0, times: 1 },
  { row: "volume", measure: "approach_volume", column: "Volume", digits: 0, times: 4 },
];
const WEEKS = [1, 2, 4, 8];
const LAST_MINUTE = 1_440;

const minuteOf = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3, 5));

export function BeforeAfter({ junction, group }: { junction: string; group: number | null }) {
  const row = useSignal("delay");
  const day = useSignal("");
  const weeks = useSignal(2);
  const from = useSignal("07:00");
  const to = useSignal("10:00");
  const found = useSignal<Comparison | null>(null);
  const failed = useSignal<string | null>(null);
  const asking = useSignal(false);
  const choice = CHOICES.find((one) => one.row === row.value) ?? CHOICES[0]!;
  const bounds = day.value === "" ? null : dayBounds(day.value, zone());

  const compare = () => {
    if (bounds === null) return;
    const span = weeks.value * 7;
    const before = dayBounds(day.value, zone(), -span);
    const after = dayBounds(day.value, zone(), span + 1);
    const end = minuteOf(to.value);
    asking.value = true;
    failed.value = null;
    // The day of the change itself is neither.
    comparison(junction, choice.measure, {
      column: choice.column,
      before_from: before?.[0] ?? 0,
      before_to: bounds[0],
      after_from: bounds[1],
      after_to: Math.min(after?.[0] ?? Infinity, Math.round(cityNow())),
      from_minute: minuteOf(from.value),
      to_minute: end === 0 ? LAST_MINUTE : end,
      ...(group === null ? {} : { group }),
    }).then(
      (answer) => (found.value = answer),
      (error: unknown) => {
        found.value = null;
        failed.value = whyNot(error);
      },
    ).finally(() => (asking.value = false));
  };

  return (
    <details class="m-before">
      <summary>{t("ba.title")}</summary>
      <p class="label">{t("ba.why")}</p>
      <form onSubmit={(event) => { event.preventDefault(); compare(); }}>
        <label><span class="label">{t("m.measure")}</span>
          <select class="input" value={row.value} onChange={(event) => { row.value = event.currentTarget.value; found.value = null; }}>
            {CHOICES.map((one) => <option value={one.row}>{tk(`m.row.${one.row}`) ?? one.row}</option>)}
          </select>
        </label>
        <label><span class="label">{t("ba.day")}</span><input type="date" class="input" required value={day.value} onInput={(event) => (day.value = event.currentTarget.value)} /></label>
        <label><span class="label">{t("ba.weeks")}</span>
          <select class="input" value={String(weeks.value)} onChange={(event) => (weeks.value = Number(event.currentTarget.value))}>
            {WEEKS.map((n) => <option value={String(n)}>{num(n)}</option>)}
          </select>
        </label>
        <label><span class="label">{t("ba.from")}</span><input type="time" class="input" required value={from.value} onInput={(event) => (from.value = event.currentTarget.value)} /></label>
        <label><span class="label">{t("ba.to")}</span><input type="time" class="input" required value={to.value} onInput={(event) => (to.value = event.currentTarget.value)} /></label>
        <button type="submit" class={`button${asking.value ? " waiting" : ""}`} disabled={asking.value || bounds === null}><Icon name="wave" size={16} />{t("ba.compare")}</button>
      </form>
      <div role="status" aria-busy={asking.value}>
        {failed.value !== null && <p class="m-refused"><Icon name="error" size={16} />{failed.value}</p>}
        {found.value !== null && failed.value === null && <Found found={found.value} choice={choice} />}
      </div>
    </details>
  );
}

function Found({ found, choice: { times, digits } }: { found: Comparison; choice: Choice }) {
  const write = (value: number) => num(times * value, digits);
  const change = (value: number) => signed(times * value, digits);
  const { before, after, difference, half_width: half, pairs } = found;
  return (
    <>
      <p class="m-said">
        <b>{t(half === null ? "ba.oneDay" : found.significant ? (difference < 0 ? "ba.less" : "ba.more") : "ba.unsure")}</b> {t("ba.said", { before: write(before), after: write(after), by: change(difference) })} {half !== null && t("ba.interval", { a: change(difference - half), b: change(difference + half) })}
      </p>
      <table>
        <caption class="label">{tn("ba.pairs", pairs.length)}{found.left_out > 0 && ` ${tn("ba.leftOut", found.left_out)}`}</caption>
        <thead><tr><th scope="col">{t("ba.before")}</th><th scope="col">{t("ba.after")}</th><th scope="col" class="num">{t("ba.difference")}</th></tr></thead>
        <tbody>
          {pairs.map((pair) => <tr key={pair.before}><td>{pair.before} <b>{write(pair.mean_before)}</b></td><td>{pair.after} <b>{write(pair.mean_after)}</b></td><td class="num">{change(pair.mean_after - pair.mean_before)}</td></tr>)}
        </tbody>
      </table>
    </>
  );
}
