// The map itself: MapLibre over our own data, told what changes. Everything that moves passes through here, so that
// a component need only say what is true now.

import "maplibre-gl/dist/maplibre-gl.css";
import { Map as MapLibre, setWorkerUrl, type GeoJSONSource, type MapMouseEvent } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import type { Feature, FeatureCollection, LineString, MultiPolygon, Point, Polygon, Position } from "geojson";
import type { Camera, JunctionSummary, Link, LonLat, Name, Vehicles } from "../api/view";
import type { KnownJunction } from "../live/state";
import { isLos } from "../los";
import type { Language } from "../settings";
import { tokens } from "../tokens";
import { isAlarming } from "../ui/shapes";
import { RATIO, draw, junctionIcon } from "./sprites";
import { LABEL_FONT, LINES_NAMED_FROM, NO_MARKS, VEHICLES_BELOW, layers, style, type Marks, type Shown, type SourceName, type TilesAt } from "./style";
import { VehicleLayer } from "./vehicles";

setWorkerUrl(workerUrl);

/** A link as the map has it. */
export interface LinkHit { ix: number; id: string; name: Name; freeKmh: number; at: LonLat }
export interface Hit { junction?: string; camera?: string; corridor?: string; link?: LinkHit; at: LonLat }

export interface View { centre: LonLat; zoom: number }

const RANKS: Record<string, number> = { F: 0, E: 1, D: 2, C: 3, B: 4, A: 5 };
/** A street's letters move at most so often: the classes flicker, the eye should not. */
const LETTERS_MS = 2000;
/** Places of letters that are kept; of more, those in view are asked for anew. */
const MIDDLES = 60_000;
/** Between two letters; nearer ones would hide the streets' names. */
const LETTER_GAP_PX = 60;

const collection = <G extends Point | LineString | Polygon | MultiPolygon>(features: Feature<G>[]): FeatureCollection<G> => ({ type: "FeatureCollection", features });
const point = (at: Position, properties: Record<string, unknown>): Feature<Point> => ({ type: "Feature", properties, geometry: { type: "Point", coordinates: at } });

/** All of a junction's state that the map shows. */
const signOf = ({ state, lastKnown }: KnownJunction): string => `${state.actual} ${state.wanted} ${lastKnown} ${state.hold} ${state.alarm}`;

/** Whether there is no graphics card behind WebGL, as on a terminal server. */
function drawnBySoftware(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2");
  const told = gl?.getExtension("WEBGL_debug_renderer_info");
  const by = gl && told ? String(gl.getParameter(told.UNMASKED_RENDERER_WEBGL)) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(by);
}

export class CityCanvas {
  readonly map: MapLibre;
  onHit: (hit: Hit | null) => void = () => {};
  onMove: (view: View, byHand: boolean) => void = () => {};
  #language: Language;
  #shown: Shown;
  #junctions: ReadonlyMap<string, KnownJunction> = new Map();
  /** By junction: what its sign on the map says. */
  #signs = new Map<string, string>();
  /** Where the letters of links stand, as far as their tiles were seen, and which way the links run there. */
  #middles = new Map<number, { at: Position; bearing: number }>();
  #middlesOld = false;
  #marks: Marks = NO_MARKS;
  #losNow = new Map<number, string>();
  readonly #vehicles: VehicleLayer;
  #vehiclesNow: Vehicles | null = null;
  #linesDrawn = false;
  #lettersAt = -Infinity;
  #lettersDue: ReturnType<typeof setTimeout> | undefined;
  #changes = 0;
  #ready = false;
  #waiting: (() => void)[] = [];

  constructor(container: HTMLElement, view: View, tilesAt: TilesAt, language: Language, shown: Shown, words: { label: string; reduced: boolean }) {
    this.#language = language;
    this.#shown = shown;
    this.map = new MapLibre({
      container,
      style: style(tokens(), language, shown, tilesAt),
      center: view.centre,
      zoom: view.zoom,
      minZoom: 8,
      maxZoom: 19,
      // North is up and the map lies flat, whatever keys are pressed.
      maxPitch: 0,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      fadeDuration: 0,
      // What is drawn can be read back, so that a picture of the page holds the map too. Where the processor draws, smooth
      // edges would cost it four times the pixels.
      canvasContextAttributes: { preserveDrawingBuffer: true, antialias: !drawnBySoftware() },
      localIdeographFontFamily: false,
      locale: { "Map.Title": words.label },
      reduceMotion: words.reduced,
    } as ConstructorParameters<typeof MapLibre>[0]);
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.map.setMissingStyleImageResolver((name) => this.#addImage(name));
    this.#vehicles = new VehicleLayer(tokens(), words.reduced);
    this.#vehicles.shown = shown.layers.vehicles;
    this.map.once("load", () => {
      this.map.addLayer(this.#vehicles, VEHICLES_BELOW);
      this.#ready = true;
      // Not when the map is idle: where traffic moves it may never be, on a slow machine.
      container.dataset["drawn"] = "true";
      for (const act of this.#waiting.splice(0)) act();
    });
    this.map.on("click", (event) => this.onHit(this.#hit(event)));
    this.map.on("mousemove", (event) => {
      const over = this.#hit(event);
      this.map.getCanvas().style.cursor = over?.junction || over?.camera || over?.link ? "pointer" : "";
    });
    const moved = (event: { originalEvent?: unknown }) => {
      const { lng, lat } = this.map.getCenter();
      this.onMove({ centre: [lng, lat], zoom: this.map.getZoom() }, event.originalEvent !== undefined);
    };
    this.map.on("moveend", moved);
    this.map.on("zoomend", () => this.#when(() => this.#letters()));
    // A tile came: there may be letters to put on it.
    this.map.on("sourcedata", (event) => {
      if (event.sourceId !== "city" || !("tile" in event)) return;
      this.#middlesOld = true;
      this.#lettersLater();
    });
    this.map.on("moveend", () => {
      this.#vehicles.look();
      this.#when(() => this.#vehicleLines());
    });
  }

  /** Loads the font before the first label: a glyph is drawn once and kept. */
  static async fonts(): Promise<void> {
    await Promise.allSettled(["Москва", "Moscow"].map((text) => document.fonts.load(`500 48px "${LABEL_FONT}"`, text)));
  }

  /** Acts now, or once the style is there. */
  #when(act: () => void): void {
    if (this.#ready) act();
    else this.#waiting.push(act);
  }

  #set(source: SourceName, data: FeatureCollection): void {
    (this.map.getSource(source) as GeoJSONSource | undefined)?.setData(data);
  }

  #addImage(name: string): void {
    const image = draw(name, tokens(), `"Roboto Condensed Variable"`);
    if (image && !this.map.hasImage(name)) this.map.addImage(name, image, { pixelRatio: RATIO });
  }

  #hit({ point: { x, y }, lngLat }: MapMouseEvent): Hit | null {
    if (!this.#ready) return null;
    const around = (d: number): [[number, number], [number, number]] => [[x - d, y - d], [x + d, y + d]];
    const at: LonLat = [lngLat.lng, lngLat.lat];
    const nearest = this.map
      .queryRenderedFeatures(around(12), { layers: ["alarms", "junctions"] })
      .map((feature) => {
        const to = this.map.project((feature.geometry as Point).coordinates as [number, number]);
        return { id: feature.properties["id"] as string, d: Math.hypot(to.x - x, to.y - y) };
      })
      .sort((a, b) => a.d - b.d)[0];
    if (nearest) return { junction: nearest.id, at };
    const [camera] = this.map.queryRenderedFeatures(around(10), { layers: ["cameras"] });
    if (camera) return { camera: camera.properties["id"] as string, at };
    const [corridor] = this.map.queryRenderedFeatures(around(4), { layers: ["corridors"] });
    if (corridor) return { corridor: corridor.properties["id"] as string, at };
    const [link] = this.map.queryRenderedFeatures(around(4), { layers: ["links-ef", "links-d", "links-abc", "links-none"] });
    if (link && typeof link.id === "number") {
      const { id, name, name_en, free_kmh } = link.properties as { id: string; name?: string; name_en?: string; free_kmh: number };
      return { link: { ix: link.id, id, name: { local: name ?? "", en: name_en ?? "" }, freeKmh: free_kmh, at }, at };
    }
    return { at };
  }

  setLinks(links: ReadonlyMap<number, Link>): void {
    this.#when(() => {
      let changed = 0;
      for (const [ix, link] of links) {
        const los = isLos(link.los) ? link.los : "none";
        if (this.#losNow.get(ix) === los) continue;
        this.#losNow.set(ix, los);
        this.map.setFeatureState({ source: "city", sourceLayer: "links", id: ix }, { los });
        changed += 1;
      }
      if (changed === 0) return;
      this.#changes += changed;
      this.map.getContainer().dataset["changes"] = String(this.#changes);
      this.#lettersLater();
    });
  }

  /** The last change counts too, even if none follows it. */
  #lettersLater(): void {
    this.#lettersDue ??= setTimeout(() => {
      this.#lettersDue = undefined;
      this.#lettersAt = performance.now();
      this.#when(() => this.#letters());
    }, Math.max(0, this.#lettersAt + LETTERS_MS - performance.now()));
  }

  /** Where letters may stand, out of the tiles that have come. */
  #lookForMiddles(): void {
    if (!this.#middlesOld) return;
    this.#middlesOld = false;
    if (this.#middles.size > MIDDLES) this.#middles.clear();
    for (const { id, geometry, properties } of this.map.querySourceFeatures("city", { sourceLayer: "middles" })) {
      if (typeof id !== "number" || this.#middles.has(id) || geometry.type !== "Point") continue;
      this.#middles.set(id, { at: geometry.coordinates, bearing: (Number(properties["bearing"]) * Math.PI) / 180 });
    }
  }

  #letters(): void {
    this.#lookForMiddles();
    const zoom = this.map.getZoom();
    const wanted: { at: Position; bearing: number; los: string; rank: number }[] = [];
    for (const [ix, los] of this.#losNow) {
      const middle = this.#middles.get(ix);
      const rank = RANKS[los];
      if (!middle || rank === undefined || (rank > 2 && zoom < 14.5)) continue;
      wanted.push({ ...middle, los, rank });
    }
    // Worst first, and none too near another: a letter names a stretch, not a link.
    const degree = (512 * 2 ** zoom) / 360;
    const taken = new Set<string>();
    const features: Feature<Point>[] = [];
    for (const { at, bearing, los, rank } of wanted.sort((a, b) => a.rank - b.rank)) {
      const [lon = 0, lat = 0] = at;
      const x = Math.floor((lon * degree) / LETTER_GAP_PX);
      const y = Math.floor((lat * degree) / Math.cos((lat * Math.PI) / 180) / LETTER_GAP_PX);
      if ([-1, 0, 1].some((dx) => [-1, 0, 1].some((dy) => taken.has(`${x + dx},${y + dy}`)))) continue;
      taken.add(`${x},${y}`);
      // Beside its own direction, to the right of the way.
      const offset = [Math.round(Math.cos(bearing) * 14), Math.round(Math.sin(bearing) * 14)];
      features.push(point(at, { los, rank, offset }));
    }
    this.#set("letters", collection(features));
  }

  setJunctions(all: ReadonlyMap<string, KnownJunction>): void {
    // Most of what comes is a newer reading of the same: it changes nothing that is drawn.
    let same = all.size === this.#signs.size;
    const before = this.#junctions;
    this.#junctions = all;
    for (const [id, junction] of all) {
      if (before.get(id) === junction) continue;
      const sign = signOf(junction);
      if (this.#signs.get(id) === sign) continue;
      this.#signs.set(id, sign);
      same = false;
    }
    if (same) return;
    const features: Feature<Point>[] = [];
    const alarms: Feature<Point>[] = [];
    const districts = new Map<string, { x: number; y: number; n: number; modes: Map<string, number> }>();
    for (const { id, at, district, state, lastKnown } of all.values()) {
      const silent = state.actual === "no_contact";
      const actual = silent ? (lastKnown ?? state.wanted) : state.actual;
      const alarming = !silent && isAlarming(state.actual, state.wanted);
      const wanted = !silent && state.wanted !== state.actual ? state.wanted : null;
      const icon = junctionIcon({ actual, wanted, silent, hold: state.hold, alarming });
      const weight = (alarming ? 4 : 0) + (state.alarm ? 3 : 0) + (wanted ? 2 : 0) + (silent ? 1 : 0);
      features.push(point(at, { id, icon, weight, mode: state.actual }));
      if (state.alarm !== null && state.alarm <= 2) alarms.push(point(at, { id, priority: state.alarm }));
      const sum = districts.get(district) ?? { x: 0, y: 0, n: 0, modes: new Map() };
      sum.x += at[0];
      sum.y += at[1];
      sum.n += 1;
      sum.modes.set(state.actual, (sum.modes.get(state.actual) ?? 0) + 1);
      districts.set(district, sum);
    }
    const counts = [...districts].flatMap(([district, sum]) => {
      const at = [sum.x / sum.n, sum.y / sum.n];
      const modes = [...sum.modes].sort((a, b) => b[1] - a[1]);
      // Pixels between two counts; offsets count in sizes of the icon (1.3) and of the text (13).
      const step = 46;
      return [
        point(at, { text: district, anchor: "bottom", textAt: [0, -0.7], iconAt: [0, 0] }),
        ...modes.map(([mode, n], i) => {
          const x = (i - (modes.length - 1) / 2) * step - 10;
          const icon = mode === "no_contact" ? "j|adaptive||silent||" : `rung|${mode}`;
          return point(at, { text: String(n), icon, anchor: "left", textAt: [(x + 10) / 13, 0], iconAt: [x / 1.3, 0] });
        }),
      ];
    });
    this.#when(() => {
      this.#set("junctions", collection(features));
      this.#set("alarms", collection(alarms));
      this.#set("districts", collection(counts));
      this.map.getContainer().dataset["junctions"] = String(features.length);
    });
  }

  /** `old`: contact is cut; vehicles stay where they were last seen, drawn as outlines. */
  setVehicles(vehicles: Vehicles | null, old: boolean): void {
    // The same picture comes again when only the contact has changed.
    const fresh = vehicles !== this.#vehiclesNow;
    this.#vehiclesNow = vehicles;
    this.#when(() => {
      this.#vehicles.set(fresh ? vehicles : null, old);
      this.#vehicleLines();
      this.map.getContainer().dataset["vehicles"] = String(vehicles?.vehicles.length ?? 0);
    });
  }

  /** The lines' numbers, of those in view, from close by. */
  #vehicleLines(): void {
    const near = this.#shown.layers.vehicles && this.map.getZoom() >= LINES_NAMED_FROM;
    if (!near && !this.#linesDrawn) return;
    const bounds = this.map.getBounds();
    const named = near ? (this.#vehiclesNow?.vehicles ?? []).filter(({ line, at }) => line !== null && bounds.contains(at)) : [];
    this.#set("vehicle-lines", collection(named.map(({ at, line }) => point(at, { line }))));
    this.#linesDrawn = named.length > 0;
  }

  /** The roads that they are on, and a sign on each of them. */
  setIncidents(all: readonly { closed: boolean; links: readonly { ix: number | null; at: LonLat | null }[] }[]): void {
    const features: Feature<Point>[] = [];
    const [incidents, closed]: [number[], number[]] = [[], []];
    for (const incident of all) {
      for (const { ix, at } of incident.links) {
        if (ix !== null) incidents.push(ix);
        if (ix !== null && incident.closed) closed.push(ix);
        if (at) features.push(point(at, { closed: incident.closed }));
      }
    }
    this.#when(() => {
      this.#set("incidents", collection(features));
      this.#mark({ incidents, closed });
      this.map.getContainer().dataset["incidents"] = String(all.length);
    });
  }

  /** Detectors that are not believed, as `JUNCTION CHANNEL`. */
  setFailing(failing: readonly string[]): void {
    this.#when(() => {
      this.#mark({ failing });
      this.map.getContainer().dataset["failing"] = String(failing.length);
    });
  }

  #mark(marks: Partial<Marks>): void {
    const next = { ...this.#marks, ...marks };
    if (JSON.stringify(next) === JSON.stringify(this.#marks)) return;
    this.#marks = next;
    this.restyle(this.#language, this.#shown);
  }

  setCameras(all: readonly Camera[]): void {
    this.#when(() => {
      this.#set("cameras", collection(all.map(({ id, at, state }) => point(at, { id, state }))));
      this.map.getContainer().dataset["cameras"] = String(all.length);
    });
  }

  setSelected(junction: JunctionSummary | null): void {
    this.#when(() => this.#set("selected", collection(junction ? [point(junction.at, {})] : [])));
  }

  setRoute(lines: Position[][], ends: { at: LonLat; end: string }[]): void {
    const features = lines.map((coordinates): Feature<LineString> => ({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates } }));
    this.#when(() => {
      this.#set("route", collection(features));
      this.#set("ends", collection(ends.map(({ at, end }) => point(at, { end }))));
    });
  }

  /** How far one gets, the farthest first; nothing takes it away. */
  setReach(areas: readonly (Polygon | MultiPolygon)[]): void {
    const features = areas.map((geometry, i): Feature<Polygon | MultiPolygon> => ({ type: "Feature", properties: { step: areas.length - 1 - i }, geometry }));
    this.#when(() => {
      this.#set("reach", collection(features));
      this.map.getContainer().dataset["reach"] = String(features.length);
    });
  }

  /** Another theme, language, layer or filter: the same layers with other values. */
  restyle(language: Language, shown: Shown): void {
    const theme = document.documentElement.dataset["theme"];
    const sameTheme = this.map.getContainer().dataset["theme"] === theme;
    this.#language = language;
    this.#shown = shown;
    this.#vehicles.shown = shown.layers.vehicles;
    this.#when(() => {
      const token = tokens();
      this.#vehicles.recolour(token);
      for (const layer of layers(token, this.#language, this.#shown, this.#marks)) {
        const known = this.map.getLayer(layer.id);
        if (!known) continue;
        for (const [name, value] of Object.entries(layer.paint ?? {})) {
          if (JSON.stringify(this.map.getPaintProperty(layer.id, name as never)) !== JSON.stringify(value)) this.map.setPaintProperty(layer.id, name as never, value as never);
        }
        for (const [name, value] of Object.entries(layer.layout ?? {})) {
          if (JSON.stringify(this.map.getLayoutProperty(layer.id, name as never)) !== JSON.stringify(value)) {
            this.map.setLayoutProperty(layer.id, name as never, value as never);
          }
        }
        if ("filter" in layer && JSON.stringify(this.map.getFilter(layer.id)) !== JSON.stringify(layer.filter)) {
          this.map.setFilter(layer.id, layer.filter);
        }
      }
      if (!sameTheme) {
        for (const name of this.map.listImages()) {
          const image = draw(name, token, `"Roboto Condensed Variable"`);
          if (image) this.map.updateImage(name, image);
        }
        if (theme) this.map.getContainer().dataset["theme"] = theme;
      }
    });
  }

  fly(to: LonLat, zoom?: number): void {
    const reduced = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const target = { center: to, zoom: zoom ?? Math.max(this.map.getZoom(), 13.5) };
    if (reduced) this.map.jumpTo(target);
    else this.map.easeTo({ ...target, duration: 480 });
  }

  fit(bounds: [LonLat, LonLat], padding: number): void {
    const reduced = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.map.fitBounds(bounds, { padding, duration: reduced ? 0 : 480, maxZoom: 16 });
  }

  remove(): void {
    clearTimeout(this.#lettersDue);
    this.map.remove();
  }
}
