// The city: the quiet map, what needs action, and three hours behind.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { LonLat } from "../api/view";
import { ago, nameOf, num, t } from "../i18n";
import { TicketsHere } from "../tickets/OfJunction";
import { withKeys } from "../keys";
import { ageOf, alarms, health, junctions, links } from "../live/live";
import { unlocked } from "../lock";
import { may } from "../session";
import type { CityCanvas } from "../map/canvas";
import { MapHost } from "../map/MapHost";
import { go, junctionHref, write } from "../route";
import { needAction } from "../sentence";
import { leftPanel, rightPanel } from "../settings";
import { Icon } from "../ui/Icon";
import { TopBar } from "../ui/Shell";
import { AgeRing, ModeGlyph, WantedGlyph, doing } from "../ui/signs";
import { TimeStrip } from "../ui/TimeStrip";
import { LeftPanel } from "./LeftPanel";
import { RightPanel } from "./RightPanel";
import { CameraPop } from "./CameraPop";
import { cameras } from "./cameras";
import type { Found } from "./Search";
import { cameraOpen, drawer, linkAsked, openCamera, select, selected, shown } from "./state";

function PopOver({ canvas, focus }: { canvas: CityCanvas | null; focus: { current: boolean } }) {
  const box = useRef<HTMLDivElement>(null);
  const open = useRef<HTMLAnchorElement>(null);
  const id = selected.value;
  const junction = id === null ? undefined : junctions.value.get(id);
  const link = linkAsked.value;
  const camera = cameraOpen.value === null ? undefined : cameras.value.find((one) => one.id === cameraOpen.value);
  const at: LonLat | null = junction?.at ?? camera?.at ?? link?.at ?? null;

  useEffect(() => {
    if (!canvas || !at) return undefined;
    const put = () => {
      const element = box.current;
      if (!element) return;
      const stage = canvas.map.getContainer();
      const { x, y } = canvas.map.project(at);
      const { offsetWidth: w, offsetHeight: h } = element;
      const gap = 18;
      const left = x + gap + w < stage.clientWidth - 8 ? x + gap : x - gap - w;
      const top = y + gap + h < stage.clientHeight - 8 ? y + gap : y - gap - h;
      element.style.translate = `${Math.round(Math.max(8, Math.min(stage.clientWidth - w - 8, left)))}px ${Math.round(Math.max(8, Math.min(stage.clientHeight - h - 8, top)))}px`;
      // Unseen, not hidden: on the way to a far junction it keeps the focus that the search gave it.
      const inside = x >= -40 && y >= -40 && x <= stage.clientWidth + 40 && y <= stage.clientHeight + 40;
      element.classList.toggle("away", !inside);
    };
    put();
    canvas.map.on("move", put);
    canvas.map.on("resize", put);
    return () => {
      canvas.map.off("move", put);
      canvas.map.off("resize", put);
    };
  }, [canvas, at?.[0], at?.[1], id]);

  useEffect(() => {
    if (focus.current && junction) open.current?.focus();
    focus.current = false;
  }, [id]);

  if (!at) return null;
  if (junction) {
    const { state } = junction;
    const alarm = state.alarm === null ? undefined : alarms.value.find((one) => one.junction === junction.id);
    const age = ageOf(state);
    return (
      <div class="pop" ref={box} role="dialog" aria-label={nameOf(junction.name)}>
        <h2>{nameOf(junction.name)}</h2>
        <p class="label">{t("pop.junction", { id: junction.id, district: junction.district })}</p>
        <dl>
          <dt><WantedGlyph mode={state.wanted} />{t("pop.wanted")}</dt>
          <dd>{doing(state.wanted, state.stage_wanted)}</dd>
          <dt><ModeGlyph actual={state.actual} wanted={state.actual === "no_contact" ? state.wanted : state.actual} last={junction.lastKnown} />{t("pop.actual")}</dt>
          <dd>{doing(state.actual, state.stage, state.interstage)}</dd>
          <dt><AgeRing seconds={age} size={16} />{t("pop.data")}</dt>
          <dd>{age === null ? t("pop.never") : t("pop.ago", { age: ago(age) })}</dd>
        </dl>
        <div class="pop-actions">
          <a class="button small" href={junctionHref(junction.id)} ref={open}>{t("pop.open")}</a>
          {alarm && <a class="button small" href={write({ screen: "alarm", id: alarm.id, query: {} })}>{t("al.open")}</a>}
          <TicketsHere id={junction.id} />
          <button type="button" class="button small quiet-button" onClick={() => select(null)}>{t("pop.close")}</button>
        </div>
      </div>
    );
  }
  if (camera) {
    return (
      <div class="pop pop-camera" ref={box} role="dialog" aria-label={nameOf(camera.name)} data-camera={camera.id}>
        <CameraPop key={camera.id} camera={camera} onClose={() => select(null)} />
      </div>
    );
  }
  if (link) {
    const view = links.value.get(link.ix);
    const name = nameOf(link.name);
    const speed = view?.speed_kmh ?? null;
    return (
      <div class="pop pop-link" ref={box} role="dialog" aria-label={name || link.id}>
        <h2>{name || link.id}</h2>
        <p>{speed === null ? t("pop.linkNone") : t("pop.link", { speed: num(speed), free: num(link.freeKmh) })}{view?.los && <> · {t("pop.stretch", { los: view.los })}</>}</p>
        {may("operate", "nowhere") && <div class="pop-actions"><a class="button small" href={write({ screen: "incidents", id: null, query: { link: link.id } })}>{t("in.here")}</a></div>}
      </div>
    );
  }
  return null;
}

/** Where a moment of the strip leads to: the junction with the pop-over, else the area that the map shows. */
function toReplay(canvas: CityCanvas | null, moment: number): void {
  const time = String(Math.round(moment));
  const chosen = selected.peek();
  if (chosen !== null) return go("replay", chosen, { at: time });
  if (!canvas) return;
  const { lng, lat } = canvas.map.getCenter();
  go("replay", null, { at: [lng, lat].map((x) => x.toFixed(5)).join(","), zoom: canvas.map.getZoom().toFixed(2), time });
}

export function City() {
  const canvas = useSignal<CityCanvas | null>(null);
  const ordering = useSignal(false);
  const search = useRef<HTMLInputElement>(null);
  const focus = useRef(false);

  const pickJunction = (id: string, keyboard = false) => {
    const junction = junctions.value.get(id);
    if (!junction) return;
    focus.current = keyboard;
    select(id);
    canvas.value?.fly(junction.at);
  };
  const pick = (found: Found) => {
    drawer.value = false;
    if (found.kind === "junction") pickJunction(found.id, true);
    else if (found.kind === "camera") {
      openCamera(found.id);
      canvas.value?.fly(found.at);
    }
    else canvas.value?.fit(found.bounds, 60);
  };

  // Whoever comes by a link to a camera sees it where it stands.
  const camera = cameraOpen.value === null ? undefined : cameras.value.find((one) => one.id === cameraOpen.value);
  useEffect(() => {
    const map = canvas.value?.map;
    if (map && camera && !map.getBounds().contains(camera.at)) canvas.value?.fly(camera.at);
  }, [canvas.value, camera?.id]);

  // At once, or whoever types on loses the first letters; a panel that is shut opens with the next frame.
  const toSearch = () => {
    drawer.value = true;
    search.current?.focus();
    if (document.activeElement !== search.current) requestAnimationFrame(() => search.current?.focus());
  };

  useEffect(() => withKeys({
    "/": () => {
      leftPanel.value = "open";
      toSearch();
    },
    n: () => {
      const need = needAction(alarms.peek()).filter((alarm) => alarm.junction !== null);
      const at = need.findIndex((alarm) => alarm.junction === selected.peek());
      const next = need[(at + 1) % need.length]?.junction;
      if (next) pickJunction(next, true);
    },
    m: () => {
      if (unlocked.peek() && may("operate", { district: null })) ordering.value = true;
    },
    Enter: () => {
      const id = selected.peek();
      // On a link or a button Enter is theirs.
      const free = document.activeElement === document.body || document.activeElement?.classList.contains("maplibregl-canvas");
      if (id === null || !free) return false;
      go("junction", id);
      return true;
    },
    Escape: (event) => {
      if (selected.peek() === null && cameraOpen.peek() === null && !linkAsked.peek() && !drawer.peek()) return;
      event.preventDefault();
      drawer.value = false;
      select(null);
    },
  }), []);

  const city = health.value?.city;
  const left = leftPanel.value === "open";
  const right = rightPanel.value === "open";
  return (
    <>
      <TopBar title={t("nav.city")} sub={city && nameOf(city.name)} />
      <main id="main" class={`screen city${left ? "" : " no-left"}${right ? "" : " no-right"}`} tabIndex={-1}>
        <LeftPanel input={search} onPick={pick} />
        <MapHost
          shown={shown}
          selected={selected}
          onCanvas={(made) => (canvas.value = made)}
          onHit={(hit) => {
            if (hit?.junction) select(hit.junction);
            else if (hit?.camera) openCamera(hit.camera);
            else if (hit?.corridor) go("corridors", null, { c: hit.corridor });
            else {
              select(null);
              linkAsked.value = hit?.link ?? null;
            }
          }}
        >
          <PopOver canvas={canvas.value} focus={focus} />
          {!left && <button type="button" class="edge edge-left" aria-label={t("panel.open")} onClick={() => (leftPanel.value = "open")}><Icon name="forward" size={16} /></button>}
          {!right && <button type="button" class="edge edge-right" aria-label={t("panel.open")} onClick={() => (rightPanel.value = "open")}><Icon name="back" size={16} /></button>}
          <div class="phone-tools">
            <button type="button" class="map-tool" aria-label={t("search.open")} onClick={toSearch}><Icon name="search" /></button>
            <button type="button" class="map-tool" aria-label={t("layers.open")} onClick={() => (drawer.value = true)}><Icon name="layers" /></button>
          </div>
        </MapHost>
        <RightPanel onPick={(id) => pickJunction(id)} ordering={ordering} />
        <TimeStrip onPick={(at) => toReplay(canvas.value, at)} />
      </main>
    </>
  );
}
