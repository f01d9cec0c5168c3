// What does not change while the city runs: fetched once, asked for again while it fails.

import { signal } from "@preact/signals";
import * as get from "../api/client";
import type { MapView } from "../api/view";

export const mapView = signal<MapView | null>(null);
export const mapFailed = signal(false);

let asked = false;

export function loadMap(): void {
  if (asked) return;
  asked = true;
  const attempt = async (): Promise<void> => {
    try {
      mapView.value = await get.map();
      mapFailed.value = false;
    } catch {
      mapFailed.value = true;
      setTimeout(() => void attempt(), 3000);
    }
  };
  void attempt();
}
