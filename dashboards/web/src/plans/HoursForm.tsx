// When a draft runs: always, or at hours of chosen days.

import { t, tk } from "../i18n";
import { Icon } from "../ui/Icon";
import type { Hours } from "./api";
import { clockOfMinute, minuteOfClock } from "./edit";

const DAYS = [0, 1, 2, 3, 4, 5, 6, 7] as const;

export function HoursForm({ hours, onChange }: { hours: readonly Hours[]; onChange: (hours: Hours[]) => void }) {
  const put = (at: number, one: Partial<Hours>) => onChange(hours.map((old, i) => (i === at ? { ...old, ...one } : old)));
  return (
    <fieldset class="field hours">
      <legend class="label">{t("pl.hours")}</legend>
      {hours.length === 0 && <p class="soft">{t("pl.always")}</p>}
      {hours.map((one, at) => (
        <div class="hours-row" key={at}>
          <div class="chips" role="group" aria-label={t("pl.days")}>
            {DAYS.map((day) => (
              <button type="button" class="chip" aria-pressed={(one.days & (1 << day)) !== 0} onClick={() => put(at, { days: one.days ^ (1 << day) })}>{tk(`pl.day.${day}`)}</button>
            ))}
          </div>
          <input class="input" aria-label={t("pl.from")} defaultValue={clockOfMinute(one.from_minute)} onChange={(event) => { const m = minuteOfClock(event.currentTarget.value); if (m !== null) put(at, { from_minute: m }); else event.currentTarget.value = clockOfMinute(one.from_minute); }} />
          <input class="input" aria-label={t("pl.until")} defaultValue={clockOfMinute(one.until_minute)} onChange={(event) => { const m = minuteOfClock(event.currentTarget.value); if (m !== null) put(at, { until_minute: m }); else event.currentTarget.value = clockOfMinute(one.until_minute); }} />
          <button type="button" class="icon-button" aria-label={t("pl.removeHours")} onClick={() => onChange(hours.filter((_, i) => i !== at))}><Icon name="close" size={16} /></button>
        </div>
      ))}
      <button type="button" class="button small" onClick={() => onChange([...hours, { days: 0b1_1111, from_minute: 420, until_minute: 600 }])}><Icon name="plus" size={16} />{t("pl.addHours")}</button>
    </fieldset>
  );
}
