// The map's style: our own, from the tokens, over the tiles of `/api/v1/tiles`. One list of layers for both themes;
// a change of theme or language swaps the values. Order and widths as DESIGN-UI section 4.

import type { DataDrivenPropertyValueSpecification, ExpressionSpecification, LayerSpecification, StyleSpecification } from "maplibre-gl";
import { CLASSES, WIDTH, type Los } from "../los";
import type { Language } from "../settings";
import type { Tokens } from "../tokens";

/** The weight is read out of the family's name; see fonts.css. */
export const LABEL_FONT = "Map Label Medium";

/** Below this zoom junctions are counted by district. */
const COUNTED_BELOW = 12;
/** The layer that vehicles are drawn under. */
export const VEHICLES_BELOW = "vehicle-lines";
/** From this zoom on vehicles bear the number of their line. */
export const LINES_NAMED_FROM = 15;
/** Streets without level of service of their own at city scale. */
const MINOR = ["residential", "service", "path", "rail"];
const isMinor: ExpressionSpecification = ["in", ["get", "class"], ["literal", MINOR]];
const isStreet: ExpressionSpecification = ["!", isMinor];
const los: ExpressionSpecification = ["coalesce", ["feature-state", "los"], "none"];

/** What the person shows and hides. */
export interface Shown {
  layers: Readonly<Record<LayerGroup, boolean>>;
  /** Classes on the map; the legend is the filter. `none` is "no data". */
  los: ReadonlySet<string>;
  modes: ReadonlySet<string>;
}
export type LayerGroup = "speed" | "junctions" | "incidents" | "vehicles" | "detectors" | "cameras" | "corridors" | "lines" | "stops" | "labels";

/** What of the map's own things is marked now. */
export interface Marks {
  /** Links with an incident, and those of them that are closed, by number. */
  incidents: readonly number[];
  closed: readonly number[];
  /** Detectors that are not believed: junction and channel. */
  failing: readonly string[];
}
export const NO_MARKS: Marks = { incidents: [], closed: [], failing: [] };

/** Zoom factors of widths and offsets: ×0.6 at z11, 1 at z13, ×2 at z16. */
function zoomed(at13: number | ExpressionSpecification): DataDrivenPropertyValueSpecification<number> {
  const times = (k: number): ExpressionSpecification | number => (typeof at13 === "number" ? at13 * k : ["*", k, at13]);
  return ["interpolate", ["linear"], ["zoom"], 9, times(0.35), 11, times(0.6), 13, times(1), 16, times(2), 19, times(7)] as never;
}

const widthByLos: ExpressionSpecification = ["match", los, ...CLASSES.flatMap((c) => [c, WIDTH[c]]), 1.4] as never;

/** A layer of the tiles. */
const tiles = (layer: string) => ({ source: "city", "source-layer": layer });

export function layers(token: Tokens, language: Language, shown: Shown, marks: Marks): LayerSpecification[] {
  const [own, other] = language === "en" ? ["name_en", "name"] : ["name", "name_en"];
  const name = ["case", ["!=", ["coalesce", ["get", own], ""], ""], ["get", own], ["coalesce", ["get", other], ""]] as ExpressionSpecification;
  const visible = (group: LayerGroup) => ({ visibility: shown.layers[group] ? ("visible" as const) : ("none" as const) });
  const colour = (c: string) => token(c);
  const losColour: ExpressionSpecification = ["match", los, ...CLASSES.flatMap((c) => [c, colour(`los-${c.toLowerCase()}`)]), colour("hatch")] as never;
  /** 1 where the link is of one of these classes and the legend shows it. */
  const opacityOf = (classes: readonly string[]): ExpressionSpecification =>
    ["match", los, ...classes.flatMap((c) => [c, shown.los.has(c) ? 1 : 0.08]), 0] as never;
  const text = { "text-font": [LABEL_FONT], "text-size": 12, "text-padding": 4 };
  const halo = { "text-color": colour("map-label"), "text-halo-color": colour("map-halo"), "text-halo-width": 1.75 };
  const losLayer = (id: string, classes: readonly Los[]): LayerSpecification => ({
    id,
    type: "line",
    ...tiles("links"),
    filter: isStreet,
    layout: { "line-cap": "butt", "line-join": "round", ...visible("speed") },
    paint: {
      "line-color": losColour,
      "line-width": zoomed(widthByLos),
      "line-offset": zoomed(2.3),
      "line-opacity": opacityOf(classes),
    },
  });
  return [
    { id: "land", type: "background", paint: { "background-color": colour("map-land") } },
    { id: "blocks", type: "fill", ...tiles("areas"), filter: ["==", ["get", "kind"], "block"], paint: { "fill-color": colour("map-block") } },
    { id: "parks", type: "fill", ...tiles("areas"), filter: ["==", ["get", "kind"], "park"], paint: { "fill-color": colour("map-park") } },
    { id: "water", type: "fill", ...tiles("areas"), filter: ["==", ["get", "kind"], "water"], paint: { "fill-color": colour("map-water") } },
    {
      // From farther off they would be a grey veil, and half of all that is drawn.
      id: "minor",
      type: "line",
      ...tiles("links"),
      minzoom: 12,
      filter: isMinor,
      layout: { "line-cap": "round", "line-join": "round" },
      paint: { "line-color": colour("map-street-2"), "line-width": ["interpolate", ["linear"], ["zoom"], 12, 1, 13, 1.6, 16, 6] },
    },
    {
      id: "lines",
      type: "line",
      ...tiles("lines"),
      layout: { "line-cap": "round", "line-join": "round", ...visible("lines") },
      paint: {
        "line-color": colour("text-3"),
        "line-width": ["interpolate", ["linear"], ["zoom"], 11, 1, 14, 2],
        "line-dasharray": [4, 2.5],
        "line-opacity": 0.8,
      },
    },
    {
      id: "casing",
      type: "line",
      ...tiles("links"),
      filter: isStreet,
      layout: { "line-cap": "round", "line-join": "round" },
      paint: { "line-color": colour("map-street-2"), "line-width": zoomed(6.4), "line-offset": zoomed(2.3) },
    },
    {
      // Streets whose lights make one wave: a way that can be followed, so it has the colour of what can be touched.
      id: "corridors",
      type: "line",
      ...tiles("corridors"),
      layout: { "line-cap": "round", "line-join": "round", ...visible("corridors") },
      paint: { "line-color": colour("accent"), "line-width": zoomed(11), "line-opacity": 0.28 },
    },
    {
      // What moves on streets with houses shows from close by.
      id: "links-minor",
      type: "line",
      ...tiles("links"),
      minzoom: 14,
      filter: ["in", ["get", "class"], ["literal", ["residential", "service"]]],
      layout: { "line-cap": "butt", "line-join": "round", ...visible("speed") },
      paint: { "line-color": losColour, "line-width": zoomed(["*", 0.6, widthByLos]), "line-offset": zoomed(1.3), "line-opacity": opacityOf(CLASSES) },
    },
    {
      // No data is dots, never class A.
      id: "links-none",
      type: "line",
      ...tiles("links"),
      filter: isStreet,
      layout: { "line-cap": "butt", ...visible("speed") },
      paint: {
        "line-color": colour("hatch"),
        "line-width": zoomed(1.4),
        "line-offset": zoomed(2.3),
        "line-dasharray": [1, 2.2],
        "line-opacity": opacityOf(["none"]),
      },
    },
    // Worse above better: a sort key cannot follow live state, three layers can.
    losLayer("links-abc", ["A", "B", "C"]),
    losLayer("links-d", ["D"]),
    losLayer("links-ef", ["E", "F"]),
    {
      // How far one gets: the more time it takes, the fainter.
      id: "reach",
      type: "fill",
      source: "reach",
      paint: { "fill-color": colour("accent"), "fill-opacity": 0.13 },
    },
    {
      id: "reach-edges",
      type: "line",
      source: "reach",
      layout: { "line-join": "round" },
      paint: { "line-color": colour("accent"), "line-width": ["match", ["get", "step"], 0, 2.4, 1, 1.8, 1.2] },
    },
    {
      id: "route-case",
      type: "line",
      source: "route",
      layout: { "line-cap": "round", "line-join": "round" },
      paint: { "line-color": colour("map-halo"), "line-width": 9 },
    },
    {
      id: "route",
      type: "line",
      source: "route",
      layout: { "line-cap": "round", "line-join": "round" },
      paint: { "line-color": colour("accent"), "line-width": 5 },
    },
    {
      id: "stops",
      type: "circle",
      ...tiles("stops"),
      minzoom: 11,
      layout: visible("stops"),
      paint: {
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 11, 1.6, 15, 3.5],
        "circle-color": colour("map-land"),
        "circle-stroke-color": colour("text-3"),
        "circle-stroke-width": 1.3,
      },
    },
    {
      // Outline where they lie; hatched where what they say is not believed, and those from farther off.
      id: "detectors",
      type: "symbol",
      ...tiles("detectors"),
      minzoom: 14,
      filter: ["!", ["in", ["get", "key"], ["literal", [...marks.failing]]]],
      layout: { "icon-image": ["concat", "detector|", ["get", "kind"]], "icon-size": ["interpolate", ["linear"], ["zoom"], 14, 0.6, 17, 1.2], "icon-allow-overlap": true, "icon-ignore-placement": true, ...visible("detectors") },
    },
    {
      id: "detectors-failing",
      type: "symbol",
      ...tiles("detectors"),
      minzoom: 13,
      filter: ["in", ["get", "key"], ["literal", [...marks.failing]]],
      layout: { "icon-image": "detector|failing", "icon-size": ["interpolate", ["linear"], ["zoom"], 13, 0.8, 17, 1.3], "icon-allow-overlap": true, "icon-ignore-placement": true, ...visible("detectors") },
    },
    {
      id: "junctions",
      type: "symbol",
      source: "junctions",
      minzoom: COUNTED_BELOW,
      filter: ["in", ["get", "mode"], ["literal", [...shown.modes]]],
      layout: {
        "icon-image": ["get", "icon"],
        "icon-size": ["interpolate", ["linear"], ["zoom"], 11, 0.62, 13, 1, 16, 2],
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
        "symbol-sort-key": ["get", "weight"],
        ...visible("junctions"),
      },
    },
    {
      // The vehicles themselves are a layer of their own, below this one.
      id: VEHICLES_BELOW,
      type: "symbol",
      source: "vehicle-lines",
      minzoom: LINES_NAMED_FROM,
      layout: {
        "text-field": ["get", "line"],
        "text-offset": [0, 1.3],
        "text-optional": true,
        ...text,
        "text-size": 11,
        ...visible("vehicles"),
      },
      paint: halo,
    },
    {
      id: "place-labels",
      type: "symbol",
      ...tiles("places"),
      layout: { "text-field": name, ...text, "text-max-width": 8, ...visible("labels") },
      paint: halo,
    },
    {
      id: "water-labels",
      type: "symbol",
      ...tiles("areas"),
      filter: ["all", ["!=", ["coalesce", ["get", "name"], ""], ""], ["==", ["get", "kind"], "water"]],
      layout: { "text-field": name, ...text, "text-size": 13, "text-letter-spacing": 0.2, ...visible("labels") },
      paint: { ...halo, "text-color": colour("map-water-text"), "text-halo-color": colour("map-water") },
    },
    {
      id: "stop-labels",
      type: "symbol",
      ...tiles("stops"),
      minzoom: 14.5,
      layout: { "text-field": name, ...text, "text-size": 11, "text-anchor": "top", "text-offset": [0, 0.5], ...visible("stops") },
      paint: halo,
    },
    {
      id: "street-labels",
      type: "symbol",
      ...tiles("streets"),
      layout: {
        // Lanes and yards are named from close by.
        "text-field": ["step", ["zoom"], ["case", ["<=", ["get", "rank"], 4], name, ""], 14.3, name],
        "symbol-placement": "line",
        "symbol-spacing": 340,
        "symbol-sort-key": ["get", "rank"],
        "text-max-angle": 32,
        "text-keep-upright": true,
        ...text,
        ...visible("labels"),
      },
      paint: halo,
    },
    {
      id: "corridor-labels",
      type: "symbol",
      ...tiles("corridors"),
      layout: { "text-field": name, "symbol-placement": "line", "symbol-spacing": 420, "text-max-angle": 32, "text-keep-upright": true, "text-offset": [0, 1.1], ...text, ...visible("corridors") },
      paint: { ...halo, "text-color": colour("accent") },
    },
    {
      id: "letters",
      type: "symbol",
      source: "letters",
      minzoom: 12.5,
      filter: ["all", ["in", ["get", "los"], ["literal", [...shown.los]]], ["any", ["in", ["get", "los"], ["literal", ["D", "E", "F"]]], [">=", ["zoom"], 15]]],
      layout: {
        "icon-image": ["concat", "los|", ["get", "los"]],
        "symbol-sort-key": ["get", "rank"],
        "icon-padding": 1,
        "icon-offset": ["get", "offset"],
        ...visible("speed"),
      },
    },
    {
      // From afar a district is its junctions counted by rung, side by side under its name; streets' names make room for it.
      id: "districts",
      type: "symbol",
      source: "districts",
      maxzoom: COUNTED_BELOW,
      layout: {
        "text-field": ["get", "text"],
        "icon-image": ["coalesce", ["get", "icon"], ""],
        "icon-size": 1.3,
        "icon-offset": ["get", "iconAt"],
        "text-anchor": ["get", "anchor"],
        "text-offset": ["get", "textAt"],
        "icon-allow-overlap": true,
        "text-allow-overlap": true,
        ...text,
        "text-size": 13,
        ...visible("junctions"),
      },
      paint: halo,
    },
    // A closed road is a double line with a bar across it; a slowed one is dashed.
    {
      id: "incident-edges",
      type: "line",
      ...tiles("links"),
      filter: ["in", ["id"], ["literal", [...marks.incidents]]],
      layout: { "line-cap": "butt", ...visible("incidents") },
      paint: { "line-color": token("text-1"), "line-width": 1.6, "line-gap-width": ["interpolate", ["linear"], ["zoom"], 11, 2, 16, 7], "line-offset": zoomed(2.3), "line-dasharray": ["case", ["in", ["id"], ["literal", [...marks.closed]]], ["literal", [1, 0]], ["literal", [3, 2]]] },
    },
    {
      id: "incidents",
      type: "symbol",
      source: "incidents",
      layout: { "icon-image": ["case", ["get", "closed"], "incident|closed", "incident|slow"], "icon-allow-overlap": true, "icon-ignore-placement": true, ...visible("incidents") },
    },
    {
      id: "cameras",
      type: "symbol",
      source: "cameras",
      minzoom: COUNTED_BELOW,
      layout: {
        "icon-image": ["concat", "camera|", ["get", "state"]],
        "icon-size": ["interpolate", ["linear"], ["zoom"], 12, 0.75, 15, 1],
        "icon-allow-overlap": ["step", ["zoom"], false, 14, true] as never,
        "icon-padding": 1,
        ...visible("cameras"),
      },
    },
    {
      id: "selected",
      type: "symbol",
      source: "selected",
      layout: {
        "icon-image": "selected",
        "icon-size": ["interpolate", ["linear"], ["zoom"], 11, 0.75, 13, 1, 16, 1.7],
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
      },
    },
    {
      id: "alarms",
      type: "symbol",
      source: "alarms",
      minzoom: COUNTED_BELOW - 1,
      layout: {
        "icon-image": ["concat", "alarm|", ["get", "priority"]],
        "icon-offset": [14, -14],
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
        "symbol-sort-key": ["-", 4, ["get", "priority"]],
        ...visible("junctions"),
      },
    },
    {
      id: "ends",
      type: "symbol",
      source: "ends",
      layout: { "icon-image": ["concat", "end|", ["get", "end"]], "icon-anchor": "center", "icon-allow-overlap": true, "icon-ignore-placement": true },
    },
  ];
}

const EMPTY = { type: "FeatureCollection" as const, features: [] };
const SOURCES = ["junctions", "districts", "vehicle-lines", "letters", "incidents", "cameras", "alarms", "selected", "route", "reach", "ends"] as const;
export type SourceName = (typeof SOURCES)[number];

/** Where the tiles are, as `/api/v1/tiles` says it. */
export interface TilesAt { tiles: readonly string[]; minzoom: number; maxzoom: number }

export function style(token: Tokens, language: Language, shown: Shown, at: TilesAt): StyleSpecification {
  return {
    version: 8,
    // No `glyphs`: the map draws them itself from the page's own font.
    sources: {
      city: { type: "vector", tiles: at.tiles.map((path) => new URL(path, location.origin).href.replaceAll("%7B", "{").replaceAll("%7D", "}")), minzoom: at.minzoom, maxzoom: at.maxzoom },
      ...Object.fromEntries(SOURCES.map((id) => [id, { type: "geojson" as const, data: EMPTY }])),
    },
    layers: layers(token, language, shown, NO_MARKS),
  };
}
