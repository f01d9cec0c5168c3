// A week and its holidays: which plan the schedule wants, and over it when the draft runs.

import { num, t, tk } from "../i18n";
import type { Hours, Library } from "./api";
import { clockOfMinute, dayOf } from "./edit";

const DAYS = [0, 1, 2, 3, 4, 5, 6, 7] as const;

export function Week({ library, hours, drafted }: { library: Library; hours: readonly Hours[]; drafted: boolean }) {
  const first = library.plans[0]?.number ?? 0;
  const numbers = [...new Set(library.plans.map((plan) => plan.number))];
  return (
    <section class="week" aria-labelledby="week-title">
      <h2 id="week-title">{t("pl.week")}</h2>
      <table aria-label={t("pl.weekWhat")}>
        <colgroup><col class="week-name" /><col /></colgroup>
        <tbody>
          {DAYS.map((day) => {
            // On a holiday the centre's schedule goes as on a Sunday.
            const parts = dayOf(library.schedule, Math.min(day, 6), first);
            const mine = !drafted ? [] : hours.length === 0 ? [{ days: 255, from_minute: 0, until_minute: 1440 }] : hours.filter((one) => one.days & (1 << day));
            return (
              <tr key={day}>
                <th scope="row">{tk(`pl.day.${day}`)}</th>
                <td>
                  <div class="week-day">
                    {parts.map(([from, until, plan]) => (
                      <span key={from} class={`tone-${Math.max(0, numbers.indexOf(plan)) % 3}`} style={{ left: `${from / 14.4}%`, width: `${(until - from) / 14.4}%` }} title={`${clockOfMinute(from)}–${clockOfMinute(until)}`}>{library.plans.length > 0 ? num(plan) : "–"}</span>
                    ))}
                    {mine.map((one, i) => (
                      <em key={i} style={{ left: `${one.from_minute / 14.4}%`, width: `${(one.until_minute - one.from_minute) / 14.4}%` }} title={`${clockOfMinute(one.from_minute)}–${clockOfMinute(one.until_minute)}`} />
                    ))}
                  </div>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <p class="week-hours" aria-hidden="true">{[0, 6, 12, 18, 24].map((hour) => <span style={{ left: `${hour / 0.24}%` }}>{String(hour).padStart(2, "0")}</span>)}</p>
      <p class="label">{t("pl.weekLegend")} {library.holidays.length > 0 ? t("pl.holidays", { list: library.holidays.join(", ") }) : t("pl.noHolidays")}</p>
    </section>
  );
}
