// Open alarms, worst and newest first: the fact, then what was done.

import { alarmTitle } from "../alarmText";
import { coarse, minuteOf, nameOf, t, tk } from "../i18n";
import { alarms, junctions, live, now } from "../live/live";
import { go, junctionHref, write } from "../route";
import { AlarmTabs } from "../tickets/Tabs";
import { ofAlarm, useOpenTickets } from "../tickets/open";
import { TopBar } from "../ui/Shell";
import { AlarmBadge } from "../ui/signs";

export function Alarms() {
  const all = alarms.value;
  const tickets = useOpenTickets();
  return (
    <>
      <TopBar title={t("alarm.title")} sub={t("alarm.open")} />
      <main id="main" class="screen list-page" tabIndex={-1}>
        <header><AlarmTabs here="alarms" count={tickets?.open ?? null} /></header>
        <div class="list-scroll">
          {all.length === 0 ? (
            <div class="state">
              <h2>{live.value.alarmsKnown ? t("alarm.none") : t("alarm.unknown")}</h2>
              {live.value.alarmsKnown && <p>{t("alarm.noneWhy")}</p>}
            </div>
          ) : (
            <table class="rows alarms-table">
              <thead>
                <tr><th>{t("list.alarm")}</th><th>{t("alarm.where")}</th><th>{t("alarm.what")}</th><th class="wide">{t("alarm.done")}</th><th>{t("alarm.since")}</th></tr>
              </thead>
              <tbody>
                {all.map((alarm) => {
                  const known = alarm.junction !== null && junctions.value.has(alarm.junction);
                  const ticket = ofAlarm(alarm.id);
                  const priority = alarm.priority === 1 || alarm.priority === 2 ? alarm.priority : 3;
                  return (
                    <tr key={alarm.id} onClick={() => go("alarm", alarm.id)}>
                      <td><span class="with-glyph"><AlarmBadge priority={alarm.priority} pulse={alarm.priority === 1} />{t(`alarm.priority.${priority}`)}</span></td>
                      <td>
                        {known && alarm.junction !== null ? <a href={junctionHref(alarm.junction)} onClick={(event) => event.stopPropagation()}>{nameOf(alarm.name)}</a> : nameOf(alarm.name)}
                        {alarm.junction !== null && <><br /><span class="code quiet">{alarm.junction}</span></>}
                      </td>
                      <td><a href={write({ screen: "alarm", id: alarm.id, query: {} })} onClick={(event) => event.stopPropagation()}><b>{alarmTitle(alarm)}</b></a>{alarm.component && <><br /><span class="soft">{t("alarm.component", { c: alarm.component })}</span></>}</td>
                      <td class="wide soft">
                        {tk(`alarm.done.${alarm.done}`) ?? alarm.done}
                        {ticket !== null && <> <a class="ticket-link" href={write({ screen: "tickets", id: String(ticket), query: {} })} onClick={(event) => event.stopPropagation()}>{t("tk.fromAlarm", { n: ticket })}</a></>}
                      </td>
                      <td>{minuteOf(alarm.since)}<br /><span class="soft">{coarse(Math.max(0, (now.value - alarm.since) / 1000))}</span></td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          )}
        </div>
      </main>
    </>
  );
}
