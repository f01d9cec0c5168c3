// Cameras: where they stand and whether they answer, kept fresh for as long as a map shows them.

import { signal } from "@preact/signals";
import { cameras as ask } from "../api/client";
import type { Camera } from "../api/view";

/** The centre asks each camera once a minute. */
const ASK_MS = 20_000;

export const cameras = signal<readonly Camera[]>([]);

async function load(): Promise<void> {
  try {
    const next = (await ask()).cameras;
    if (JSON.stringify(next) !== JSON.stringify(cameras.peek())) cameras.value = next;
  } catch {
    // The stream says when the centre is away; what is shown stays.
  }
}

/** The camera that shows a junction. */
export const cameraOf = (junction: string): Camera | undefined => cameras.value.find((camera) => camera.junction === junction);

/** Asks until the answer is called. */
export function watchCameras(): () => void {
  void load();
  const timer = setInterval(() => void load(), ASK_MS);
  return () => clearInterval(timer);
}
