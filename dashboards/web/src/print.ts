// Paper is light, whatever the screen is: while the browser prints, or makes a PDF, the page has the light theme's colours.
// What is drawn by script draws itself anew at the same two moments.

import { theme } from "./settings";

const shade = (name: string): void => void (document.documentElement.dataset["theme"] = name);

addEventListener("beforeprint", () => shade("light"));
addEventListener("afterprint", () => shade(theme.peek()));

/** Calls `paint` with the sharpness of paper when the browser prints, and again for the screen afterwards. */
export function onPaper(paint: (ratio: number) => void): () => void {
  const before = () => paint(PAPER_RATIO);
  const after = () => paint(devicePixelRatio || 1);
  addEventListener("beforeprint", before);
  addEventListener("afterprint", after);
  return () => {
    removeEventListener("beforeprint", before);
    removeEventListener("afterprint", after);
  };
}

/** Pixels of a canvas for each CSS pixel: about 300 to an inch. */
const PAPER_RATIO = 3;
