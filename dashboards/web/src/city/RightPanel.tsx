// Numbers first, then the list that needs action, then the roads.

import { useSignal } from "@preact/signals";
import { alarmText } from "../alarmText";
import type { Alarm } from "../api/view";
import { ago, coarse, minuteOf, nameOf, num, signed, t } from "../i18n";
import { alarms, contact, health, heardAt, junctions, knownUntil, live, now } from "../live/live";
import { unlocked } from "../lock";
import { may } from "../session";
import { needAction } from "../sentence";
import { rightPanel } from "../settings";
import { ControlForm } from "../junction/ControlForm";
import { useOpenTickets } from "../tickets/open";
import { Icon } from "../ui/Icon";
import { AgeRing, AlarmBadge } from "../ui/signs";
import { runsOf } from "../ui/TimeStrip";
import { select, selected } from "./state";

/** With less than that behind it a line says nothing. */
const SPARKLINE_MS = 5 * 60_000;
/** Roads shown before one asks for all. */
const ROADS = 4;

function Sparkline() {
  const points = health.value?.speed_history ?? [];
  const index = health.value?.speed_index ?? null;
  const end = knownUntil.value;
  const all: [number, number][] = index === null ? points : [...points, [end, index]];
  if (all.length < 2 || end - (all[0]?.[0] ?? end) < SPARKLINE_MS) return <span />;
  const begin = end - 3 * 3600_000;
  const values = all.map(([, value]) => value);
  const [low, high] = [Math.min(...values) - 3, Math.max(...values, 100)];
  const x = (at: number) => ((at - begin) / (end - begin)) * 104;
  const y = (value: number) => 3 + ((high - value) / (high - low)) * 34;
  const last = all.at(-1);
  return (
    <svg class="sparkline" width="110" height="42" aria-hidden="true">
      {runsOf(all.filter(([at]) => at >= begin), 150_000).runs.map((run) => (
        <polyline points={run.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ")} />
      ))}
      {last && <circle cx={x(last[0])} cy={y(last[1])} r="2.6" />}
    </svg>
  );
}

function Numbers() {
  const city = health.value;
  if (!city) return <div class="grey-lines" aria-label={t("say.waiting")}><i /><i /><i /></div>;
  const index = city.speed_index;
  const history = city.speed_history;
  const mean = history.length > 0 ? history.reduce((sum, [, value]) => sum + value, 0) / history.length : null;
  const { total, online, matching } = city.junctions;
  const differ = Math.max(0, online - matching);
  const silent = Math.max(0, total - online);
  const late = Math.max(0, (now.value - heardAt.value) / 1000);
  const cut = contact.value === "cut";
  // The age that the centre measured, and what has passed since it told us.
  const age = city.data_age_s.median === null ? null : city.data_age_s.median + (cut ? late : 0);
  const share = (n: number) => `${total > 0 ? (100 * n) / total : 0}%`;
  return (
    <div class={`numbers${cut ? " stale" : ""}`}>
      <div class="index">
        <h2 class="label">{t("city.index")}</h2>
        <div class="index-row">
          <b class="key">{index === null ? "–" : num(index, 1)}</b>
          <span class="label">{index === null ? t("city.indexNone") : t("city.indexUnit")}</span>
          <Sparkline />
        </div>
        {index !== null && city.speed_base !== null && <p class="label">{t("city.indexBase", { x: signed((100 * index) / city.speed_base.index - 100), year: String(city.speed_base.year) })}</p>}
        {mean !== null && <p class="label">{t("city.mean", { x: "" })}<b class="soft">{num(mean, 1)}</b></p>}
      </div>
      <dl class="pair">
        <div>
          <dt class="label">{t("city.online")}</dt>
          <dd><b class="big">{num(online)}</b> <span class="label">{t("city.of", { n: num(total) })}</span></dd>
        </div>
        <div>
          <dt class="label">{t("city.age")}</dt>
          <dd class="aged">
            <AgeRing seconds={age} size={16} />
            <b class="big">{age === null ? t("age.never") : ago(age)}</b>
            {city.data_age_s.p95 !== null && <span class="label">{t("city.p95", { x: ago(city.data_age_s.p95) })}</span>}
          </dd>
        </div>
      </dl>
      <div>
        <p class="match-words">
          <span class="label">{t("city.match")}</span>
          <span class="label">
            <b class="soft">{t("city.matching", { n: num(matching) })}</b>
            {differ > 0 && <> · <b class="strong">{t("city.differ", { n: num(differ) })}</b></>}
            {silent > 0 && <> · {t("city.silent", { n: num(silent) })}</>}
          </span>
        </p>
        <div class="match-bar" aria-hidden="true">
          <i class="solid" style={{ width: share(matching) }} />
          <i class="outline" style={{ width: share(differ) }} />
          <i class="hatched" style={{ width: share(silent) }} />
        </div>
      </div>
    </div>
  );
}

function AlarmRow({ alarm, onPick }: { alarm: Alarm; onPick: (id: string) => void }) {
  const here = alarm.junction !== null && alarm.junction === selected.value;
  const age = (now.value - alarm.since) / 1000;
  const inside = (
    <>
      <AlarmBadge priority={alarm.priority} pulse={alarm.priority === 1} />
      <span class="alarm-name">{nameOf(alarm.name) || alarm.junction || t("sys.title")}</span>
      <span class="alarm-when">{age < 600 ? t("alarm.for", { time: minuteOf(alarm.since), age: coarse(age) }) : minuteOf(alarm.since)}</span>
      <span class="alarm-text">{alarmText(alarm)}</span>
    </>
  );
  return (
    <li>
      {alarm.junction !== null && junctions.value.has(alarm.junction) ? (
        <button type="button" class={`alarm-row${here ? " here" : ""}`} aria-pressed={here} onClick={() => onPick(alarm.junction ?? "")}>{inside}</button>
      ) : (
        <div class="alarm-row">{inside}</div>
      )}
    </li>
  );
}

/** Up and down move between the rows of a list of buttons. */
export function rove(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>("button, a")];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  event.preventDefault();
  rows[(at + (event.key === "ArrowDown" ? 1 : -1) + rows.length) % rows.length]?.focus();
}

function Need({ onPick }: { onPick: (id: string) => void }) {
  const all = alarms.value;
  const need = needAction(all);
  const watched = all.length - need.length;
  const tickets = useOpenTickets();
  return (
    <section class="need" aria-labelledby="need-title">
      <header class="need-head">
        <h2 id="need-title">{t("city.need")} <span class="quiet">{need.length}</span></h2>
        {tickets !== null && tickets.open > 0 && <a class="button small" href="#/tickets">{t("tk.title")} <span class="quiet">{num(tickets.open)}</span></a>}
      </header>
      {need.length === 0 ? (
        <div class="state">
          <h3>{live.value.alarmsKnown ? t("city.noNeed") : t("alarm.unknown")}</h3>
          <p>{t("city.noNeedSince")}</p>
        </div>
      ) : (
        <ul onKeyDown={rove}>{need.map((alarm) => <AlarmRow key={alarm.id} alarm={alarm} onPick={onPick} />)}</ul>
      )}
      {watched > 0 && (
        <a class="watched" href="#/alarms">
          <AlarmBadge priority={3} />
          <span>{t("city.watched")} {watched}</span>
          <Icon name="forward" size={16} />
        </a>
      )}
    </section>
  );
}

function Roads() {
  const all = useSignal(false);
  const roads = health.value?.corridors ?? [];
  if (!health.value) return null;
  const some = all.value ? roads : roads.slice(0, ROADS);
  const most = Math.max(1, ...some.map((road) => Math.max(road.free_kmh, road.speed_kmh ?? 0)));
  return (
    <section class="roads" aria-labelledby="roads-title">
      <h2 id="roads-title">{t("city.roads")}</h2>
      {roads.length === 0 && <p class="label">{t("city.roadsNone")}</p>}
      <ul class={all.value ? "all" : ""}>
        {some.map((road) => (
          <li>
            <span class="soft">{nameOf(road.name)}</span>
            <span class={`road-bar${road.speed_kmh === null ? " hatched" : ""}`} aria-hidden="true">
              <i style={{ width: `${(100 * (road.speed_kmh ?? 0)) / most}%` }} />
              <u style={{ left: `${(100 * road.free_kmh) / most}%` }} />
            </span>
            <b class="num">{road.speed_kmh === null ? <span title={t("los.none")}>–</span> : num(road.speed_kmh)}</b>
            <span class="num soft">{road.speed_kmh === null ? "" : signed(Math.round(road.speed_kmh) - Math.round(road.free_kmh))}</span>
          </li>
        ))}
      </ul>
      {roads.length > 0 && (
        <p class="label roads-foot">
          <span>{t("city.roadsTick")}</span>
          {roads.length > ROADS && (
            <button type="button" class="text-button" aria-expanded={all.value} onClick={() => (all.value = !all.value)}>
              {all.value ? t("city.roadsLess") : t("city.roadsAll", { n: roads.length })}
            </button>
          )}
        </p>
      )}
    </section>
  );
}

export function RightPanel({ onPick, ordering }: { onPick: (id: string) => void; ordering: { value: boolean } }) {
  return (
    <section class="side side-right" aria-label={t("city.panel")}>
      <Numbers />
      {unlocked.value && may("operate", { district: null }) && (
        <div class="city-control">
          {ordering.value ? (
            <ControlForm action="kind" junction={null} onClose={() => (ordering.value = false)} />
          ) : (
            <button type="button" class="button" aria-keyshortcuts="M" onClick={() => (ordering.value = true)}>
              <Icon name="kind" size={16} />
              {t("city.control")}
            </button>
          )}
        </div>
      )}
      <Need onPick={(id) => (selected.value === id ? select(null) : onPick(id))} />
      <Roads />
      <button type="button" class="icon-button small collapse" aria-keyshortcuts="]" aria-label={t("panel.shut")} title={`${t("panel.shut")} ]`} onClick={() => (rightPanel.value = "shut")}>
        <Icon name="forward" size={16} />
      </button>
    </section>
  );
}
