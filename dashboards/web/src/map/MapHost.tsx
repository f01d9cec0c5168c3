// The map as a component: makes the canvas once health and map are there, and tells it what is true.

import { effect, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { cameras, watchCameras } from "../city/cameras";
import { clockOf, coarse, num, t } from "../i18n";
import { inForce, watchIncidents } from "../incidents/open";
import { alarms, contact, health, heardAt, junctions, links, now, vehicles } from "../live/live";
import { note, place } from "../route";
import { language, theme } from "../settings";
import { Icon } from "../ui/Icon";
import { AgeRing } from "../ui/signs";
import type { CityCanvas, Hit, View } from "./canvas";
import type { MapInfo } from "../api/view";
import { failingDetectors } from "../sentence";
import { loadMap, mapFailed, mapInfo } from "./data";
import type { Shown } from "./style";

function webgl(): boolean {
  try {
    return document.createElement("canvas").getContext("webgl2") !== null;
  } catch {
    return false;
  }
}

/** Where the address says the map stands, else where the city opens. */
function firstView(): View {
  const city = health.peek()?.city;
  const { at, zoom } = place.peek().query;
  const [lon, lat] = (at ?? "").split(",").map(Number);
  const centre = lon !== undefined && lat !== undefined && at && Number.isFinite(lon + lat) ? ([lon, lat] as [number, number]) : city?.centre;
  return { centre: centre ?? [0, 0], zoom: zoom && Number.isFinite(Number(zoom)) ? Number(zoom) : (city?.zoom ?? 12) };
}

function Scale({ canvas, beat }: { canvas: CityCanvas | null; beat: number }) {
  void beat;
  if (!canvas) return null;
  const zoom = canvas.map.getZoom();
  const metresPerPixel = (40_075_016.7 * Math.cos((canvas.map.getCenter().lat * Math.PI) / 180)) / (512 * 2 ** zoom);
  const most = metresPerPixel * 90;
  const power = 10 ** Math.floor(Math.log10(most));
  const nice = [5, 2, 1].find((k) => k * power <= most) ?? 1;
  const metres = nice * power;
  const words = metres >= 1000 ? t("journey.km", { x: num(metres / 1000) }) : t("journey.m", { x: num(metres) });
  return (
    <div class="map-scale">
      {t("map.zoom", { z: num(zoom, zoom % 1 > 0.05 && zoom % 1 < 0.95 ? 1 : 0), scale: words })}
      <i style={{ width: `${metres / metresPerPixel}px` }} />
    </div>
  );
}

interface Props {
  shown: { value: Shown };
  selected: { value: string | null };
  onHit: (hit: Hit | null, canvas: CityCanvas) => void;
  onCanvas?: (canvas: CityCanvas | null) => void;
  onMove?: () => void;
  children?: ComponentChildren;
}

export function MapHost({ shown, selected, onHit, onCanvas, onMove, children }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useSignal<CityCanvas | null>(null);
  const failed = useSignal(false);
  const moves = useSignal(0);
  const latest = useRef({ onHit, onMove });
  latest.current = { onHit, onMove };

  useEffect(() => {
    loadMap();
    let dead = false;
    const home = place.peek().screen;
    let making = false;
    const undo: (() => void)[] = [];
    const make = async (container: HTMLElement, info: MapInfo): Promise<void> => {
      const { CityCanvas: Canvas } = await import("./canvas");
      await Canvas.fonts();
      if (dead) return;
      let made: CityCanvas;
      try {
        const reduced = matchMedia("(prefers-reduced-motion: reduce)").matches;
        made = new Canvas(container, firstView(), info, language.peek(), shown.value, { label: t("map.label"), reduced });
      } catch {
        failed.value = true;
        return;
      }
      container.dataset["theme"] = theme.peek();
      made.onHit = (hit) => latest.current.onHit(hit, made);
      made.onMove = ({ centre, zoom }) => {
        // A flight may end after the person has left for another screen.
        if (dead || place.peek().screen !== home) return;
        note({ at: centre.map((x) => x.toFixed(5)).join(","), zoom: zoom.toFixed(2) });
        moves.value += 1;
      };
      made.map.on("move", () => latest.current.onMove?.());
      canvas.value = made;
      onCanvas?.(made);
      undo.push(
        effect(() => made.setLinks(links.value)),
        effect(() => made.setJunctions(junctions.value)),
        watchIncidents(),
        effect(() => made.setIncidents(inForce.value)),
        effect(() => made.setFailing(failingDetectors(alarms.value))),
        watchCameras(),
        effect(() => made.setCameras(cameras.value)),
        effect(() => made.setVehicles(vehicles.value, contact.value === "cut")),
        effect(() => made.setSelected(selected.value === null ? null : (junctions.value.get(selected.value) ?? null))),
        effect(() => {
          void theme.value;
          const state = shown.value;
          made.restyle(language.value, state);
        }),
      );
    };
    const stop = effect(() => {
      if (making || !health.value || !mapInfo.value || !box.current) return;
      making = true;
      if (webgl()) void make(box.current, mapInfo.value);
      else failed.value = true;
    });
    return () => {
      dead = true;
      stop();
      for (const act of undo) act();
      canvas.peek()?.remove();
      onCanvas?.(null);
    };
  }, []);

  const cut = contact.value === "cut" && heardAt.value > 0;
  return (
    <div class={`map${cut ? " stale" : ""}`}>
      <div class="map-canvas" ref={box} />
      {cut && <div class="map-veil hatched" aria-hidden="true" />}
      {cut && (
        <p class="stale-note map-note">
          <AgeRing seconds={null} />
          {t("map.stale", { time: clockOf(heardAt.value), age: coarse((now.value - heardAt.value) / 1000) })}
        </p>
      )}
      {failed.value && (
        <div class="state map-state"><h3><Icon name="error" size={16} />{t("map.failed")}</h3><p>{t("map.failedWhy")}</p></div>
      )}
      {!failed.value && mapFailed.value && (
        <div class="state map-state"><h3><Icon name="error" size={16} />{t("map.error")}</h3><p>{t("map.errorWhy")}</p></div>
      )}
      {!failed.value && !mapFailed.value && !mapInfo.value && <p class="state map-state soft">{t("map.loading")}</p>}
      <div class="map-tools">
        <Scale canvas={canvas.value} beat={moves.value} />
        <button type="button" class="map-tool" aria-label={t("map.out")} title={t("map.out")} onClick={() => canvas.value?.map.zoomOut()}><Icon name="minus" /></button>
        <button type="button" class="map-tool" aria-label={t("map.in")} title={t("map.in")} onClick={() => canvas.value?.map.zoomIn()}><Icon name="plus" /></button>
        <button
          type="button"
          class="map-tool"
          aria-label={t("map.home")}
          title={t("map.home")}
          onClick={() => health.value && canvas.value?.fly(health.value.city.centre, health.value.city.zoom)}
        >
          <Icon name="locate" />
        </button>
      </div>
      {children}
    </div>
  );
}
