// What the person chose on the city screen: layers, legend filters, the junction with the pop-over. In the address.

import { computed, signal } from "@preact/signals";
import { junctions } from "../live/live";
import { CLASSES } from "../los";
import type { LinkHit } from "../map/canvas";
import type { LayerGroup, Shown } from "../map/style";
import { note, place } from "../route";
import { RUNGS } from "../ui/shapes";

export const LAYERS: readonly LayerGroup[] = ["speed", "junctions", "incidents", "vehicles", "detectors", "cameras", "corridors", "lines", "stops", "labels"];
const FIRST_OFF: readonly LayerGroup[] = ["detectors", "cameras", "corridors", "lines", "stops"];
export const LOS_KEYS = [...CLASSES, "none"] as const;
export const MODE_KEYS = [...RUNGS, "no_contact"] as const;

function listed(text: string | undefined): Set<string> {
  return new Set((text ?? "").split(",").filter(Boolean));
}

const hiddenLayers = computed(() => {
  const text = place.value.query["hide"];
  return text === undefined ? new Set<string>(FIRST_OFF) : listed(text);
});
const hiddenClasses = computed(() => listed(place.value.query["without"]));

/** Modes in use that this page has no legend for; as text, so that it changes only when they do. */
const otherModes = computed(() => {
  const used = new Set([...junctions.value.values()].map((junction) => junction.state.actual));
  return [...used].filter((mode) => !MODE_KEYS.includes(mode as never)).sort().join(",");
});

/** Everything that the legends let through; a mode that we do not know is always shown. */
export const shown = computed<Shown>(() => {
  const hidden = hiddenLayers.value;
  const without = hiddenClasses.value;
  const layers = Object.fromEntries(LAYERS.map((layer) => [layer, !hidden.has(layer)])) as Record<LayerGroup, boolean>;
  // A camera that is looked through is on the map.
  layers.cameras ||= cameraOpen.value !== null;
  const modes = new Set([...MODE_KEYS, ...listed(otherModes.value)].filter((mode) => !without.has(mode)));
  return { layers, los: new Set(LOS_KEYS.filter((key) => !without.has(key))), modes };
});

const toggled = (set: Set<string>, key: string): string => {
  const next = new Set(set);
  if (!next.delete(key)) next.add(key);
  return [...next].join(",");
};

export const toggleLayer = (layer: LayerGroup): void => {
  const hide = toggled(hiddenLayers.peek(), layer);
  // The empty list still says something: everything is on.
  note({ hide: hide === "" ? "-" : hide });
};
export const toggleClass = (key: string): void => {
  const without = toggled(hiddenClasses.peek(), key);
  note({ without: without === "" ? null : without });
};
export const isShown = (key: string): boolean => !hiddenClasses.value.has(key);

/** The junction with the ring and the pop-over. */
export const selected = computed(() => place.value.query["junction"] ?? null);
export const select = (id: string | null): void => {
  linkAsked.value = null;
  note({ junction: id, camera: null });
};
/** The camera with the pop-over. */
export const cameraOpen = computed(() => place.value.query["camera"] ?? null);
export const openCamera = (id: string): void => {
  linkAsked.value = null;
  note({ junction: null, camera: id });
};
/** A link that was pressed, and where. */
export const linkAsked = signal<LinkHit | null>(null);
/** On a phone, the left panel lies over the map when asked for. */
export const drawer = signal(false);
