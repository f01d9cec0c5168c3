// What needs somebody's attention, from the sign to the work: alarms, tickets, incidents.

import { t } from "../i18n";
import { alarms } from "../live/live";
import { write } from "../route";

export function AlarmTabs({ here, count }: { here: "alarms" | "tickets" | "incidents"; count: number | null }) {
  const tab = (screen: "alarms" | "tickets" | "incidents", words: string, n: number | null) => (
    <a href={write({ screen, id: null, query: {} })} aria-current={here === screen ? "page" : undefined}>
      {words}{n !== null && <> <span class="quiet">{n}</span></>}
    </a>
  );
  return (
    <nav class="segments tabs" aria-label={t("nav.alarms")}>
      {tab("alarms", t("tk.alarms"), alarms.value.length)}
      {tab("tickets", t("tk.title"), count)}
      {tab("incidents", t("in.title"), null)}
    </nav>
  );
}
