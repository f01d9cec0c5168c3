// An alarm in words: state the fact, then the effect.

import type { Alarm } from "./api/view";
import { language } from "./settings";
import { t, tk } from "./i18n";

/** Codes come from the most general to the most exact, `tlc.comm.field`; the nearest that has words is used. */
export function alarmTitle(alarm: Pick<Alarm, "code" | "message">): string {
  for (let code = alarm.code; code !== ""; code = code.includes(".") ? code.slice(0, code.lastIndexOf(".")) : "") {
    const words = tk(`alarm.code.${code}`);
    if (words) return words;
  }
  // Free text is English; a Russian reader gets the code beside it, which can be looked up.
  if (language.value === "en" && alarm.message) return alarm.message;
  return t("alarm.code.other", { c: alarm.code });
}

export function alarmText(alarm: Alarm): string {
  const part = alarm.component ? ` (${t("alarm.component", { c: alarm.component })})` : "";
  return `${alarmTitle(alarm)}${part}. ${tk(`alarm.done.${alarm.done}`) ?? ""}`.trim();
}
