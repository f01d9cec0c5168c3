// All junctions that the map shows, second by second: which stage each ran. The address holds the map's place and the moment.

import { computed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { nameOf, t } from "../i18n";
import { contact, health, junctions, now } from "../live/live";
import type { KnownJunction } from "../live/state";
import type { CityCanvas } from "../map/canvas";
import { MapHost } from "../map/MapHost";
import { go, place, write } from "../route";
import { shown as onTheMap } from "../city/state";
import { TopBar } from "../ui/Shell";
import { moment } from "./log";
import { useLogs } from "./logs";
import { nearest } from "./near";
import { latest, usePlayer } from "./player";
import { ReplayStrip } from "./ReplayStrip";
import { Rows } from "./Rows";

/** So many are read at once; of more, those nearest to the middle. */
const MOST = 24;
/** What is read around the moment, and when more is, ms. */
const AROUND_MS = 4 * 60_000;
const NEAR_MS = 60_000;

/** Of the present nothing is on the map: streets and their names stay. */
const shown = computed(() => {
  const { layers, los, modes } = onTheMap.value;
  const off = Object.fromEntries(Object.keys(layers).map((layer) => [layer, layer === "labels"]));
  return { layers: off as typeof layers, los, modes };
});
const nothing = { value: null };
const leave = (): void => {
  const { at, zoom } = place.peek().query;
  go("city", null, { ...(at && { at }), ...(zoom && { zoom }) });
};

export function Area() {
  const canvas = useSignal<CityCanvas | null>(null);
  const moved = useSignal(0);
  const inView = useSignal<readonly KnownJunction[]>([]);
  const beyond = useSignal(0);
  const range = useSignal<{ from: number; to: number } | null>(null);
  const begun = health.value !== null;
  const player = usePlayer({ key: "time", first: begun ? now.value - 60_000 : null, known: () => range.peek()?.to ?? null, leave });
  const { at } = player;

  useEffect(() => {
    const map = canvas.value?.map;
    if (!map) return undefined;
    const look = () => {
      const bounds = map.getBounds();
      const { lng, lat } = map.getCenter();
      const all = [...junctions.peek().values()].filter((one) => bounds.contains(one.at));
      inView.value = nearest({ id: "", at: [lng, lat] }, all, MOST);
      beyond.value = all.length - inView.value.length;
    };
    look();
    map.on("moveend", look);
    return () => void map.off("moveend", look);
  }, [canvas.value, junctions.value.size]);

  useEffect(() => {
    if (at === null || !begun) return;
    const has = range.peek();
    const ends = has !== null && at > has.to - NEAR_MS && has.to < latest() - NEAR_MS / 2;
    if (has === null || ends || at < has.from + NEAR_MS || at > has.to) range.value = { from: at - AROUND_MS, to: Math.max(at - AROUND_MS + 1, Math.min(at + AROUND_MS, latest())) };
  }, [at, begun]);

  const known = useLogs(inView.value.map((one) => one.id), range.value?.from ?? 0, range.value?.to ?? 0).value;
  const logs = inView.value.flatMap((one) => known.get(one.id)?.log ?? []);
  const empty = at !== null && logs.length > 0 && logs.every((log) => at > log.to || at < log.from || log.lamps.size === 0);
  const count = inView.value.length;
  return (
    <>
      <TopBar
        title={t("rep.area")}
        sub={t("rep.areaSub", { n: count })}
        middle={<p class="sentence" data-contact={contact.value}><b>{t("rep.title")}</b> {t("rep.why")}</p>}
      />
      <main id="main" class="screen city no-left replaying" tabIndex={-1}>
        <MapHost shown={shown} selected={nothing} onCanvas={(made) => (canvas.value = made)} onMove={() => (moved.value += 1)} onHit={() => {}}>
          {at !== null && canvas.value && <Chips canvas={canvas.value} moved={moved.value} list={inView.value} known={known} at={at} />}
        </MapHost>
        <aside class="side side-right replay-log" aria-label={t("rep.stages")}>
          <section class="replay-around" aria-labelledby="area-title">
            <h2 id="area-title">{t("rep.stages")} <span class="quiet">{count}</span></h2>
            {beyond.value > 0 && <p class="soft">{t("rep.beyond", { n: beyond.value })}</p>}
            {count === 0 ? <p class="soft">{t("rep.nobody")}</p> : at !== null && <Rows list={inView.value} known={known} at={at} />}
          </section>
        </aside>
        <ReplayStrip player={player} here={() => place.peek()} empty={empty} leave={leave} />
      </main>
    </>
  );
}

/** On each junction the stage that ran. */
function Chips({ canvas, moved, list, known, at }: { canvas: CityCanvas; moved: number; list: readonly KnownJunction[]; known: ReturnType<typeof useLogs>["value"]; at: number }) {
  void moved;
  return (
    <div class="area-chips">
      {list.map(({ id, name, at: where }) => {
        const one = known.get(id);
        const state = one ? moment(one.base, one.log, at).state : null;
        const silent = state === null || state.actual === "no_contact" || state.stage === null;
        const stage = silent ? t("sg.noStage") : t("sg.stage", { n: state.stage ?? "–" });
        const said = !silent && state.interstage ? `${stage}, ${t("sg.interstage")}` : stage;
        const { x, y } = canvas.map.project(where);
        return (
          <a
            key={id}
            class={`area-chip${silent ? " silent" : state.interstage ? " between" : ""}`}
            style={{ translate: `${Math.round(x)}px ${Math.round(y)}px` }}
            href={write({ screen: "replay", id, query: { at: String(Math.round(at)) } })}
            aria-label={`${nameOf(name) || id}: ${said}`}
            title={`${nameOf(name) || id}: ${said}`}
          >
            {silent ? "–" : state.stage}
          </a>
        );
      })}
    </div>
  );
}
