// A map of somebody else's, with maplibre-gl-directions as its readme says. What it was answered is left for the test to look at.

import MapLibreGlDirections from "@maplibre/maplibre-gl-directions";
import { Map, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";

setWorkerUrl(workerUrl);

const [from, to] = ["from", "to"].map((end) => new URLSearchParams(location.search).get(end).split(",").map(Number));
const map = new Map({
  container: "map",
  style: { version: 8, sources: {}, layers: [] },
  center: [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2],
  zoom: 12,
});
globalThis.map = map;
map.on("load", async () => {
  const directions = new MapLibreGlDirections(map, { api: "/route/v1", profile: "driving", requestOptions: { overview: "full" } });
  directions.on("fetchroutesend", ({ data }) => (globalThis.answer = data.directions));
  await directions.setWaypoints([from, to]);
});
