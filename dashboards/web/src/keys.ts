// Keys that work anywhere (DESIGN-UI section 7). A screen adds its own while it is shown.

import { signal } from "@preact/signals";
import { unlock, unlocked, relock } from "./lock";
import { go } from "./route";
import { leftPanel, rightPanel, singleKeys, theme } from "./settings";

/** Answers `false` when the key was not for it after all. */
export type KeyMap = Record<string, (event: KeyboardEvent) => unknown>;

/** The sheet that lists them. */
export const keysShown = signal(false);

const screens: KeyMap[] = [];

/** Adds a screen's keys; call the answer to take them away. The newest are asked first. */
export function withKeys(map: KeyMap): () => void {
  screens.unshift(map);
  return () => {
    const at = screens.indexOf(map);
    if (at >= 0) screens.splice(at, 1);
  };
}

/** Russian letters stand where the Latin ones are: a key is a place on the keyboard. */
function letter(event: KeyboardEvent): string {
  if (event.key === "?" || event.key === "/") return event.key;
  if (/^Key[A-Z]$/.test(event.code)) return event.code.slice(3).toLowerCase();
  if (event.code === "BracketLeft") return "[";
  if (event.code === "BracketRight") return "]";
  if (event.code === "Slash") return event.shiftKey ? "?" : "/";
  return event.key;
}

const GO: Record<string, () => void> = {
  c: () => go("city"),
  j: () => go("junctions"),
  k: () => go("corridors"),
  m: () => go("measures"),
  a: () => go("alarms"),
  w: () => go("tickets"),
  i: () => go("incidents"),
  p: () => go("plans"),
  o: () => go("commands"),
  l: () => go("audit"),
  r: () => go("journey"),
  s: () => go("system"),
  u: () => go("people"),
};

const ANYWHERE: KeyMap = {
  "[": () => (leftPanel.value = leftPanel.value === "open" ? "shut" : "open"),
  "]": () => (rightPanel.value = rightPanel.value === "open" ? "shut" : "open"),
  t: () => (theme.value = theme.value === "dark" ? "light" : "dark"),
  e: () => (unlocked.value ? relock() : unlock()),
  "?": () => (keysShown.value = true),
};

let going = -Infinity;

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
  const target = event.target as HTMLElement;
  const typing = target.matches("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]");
  const key = letter(event);
  if (key === "Escape") {
    for (const map of screens) {
      if (map["Escape"]) {
        map["Escape"](event);
        if (event.defaultPrevented) return;
      }
    }
    return;
  }
  if (typing || singleKeys.peek() === "off" || document.querySelector("dialog[open]")) return;
  if (event.timeStamp - going < 1500 && GO[key]) {
    going = -Infinity;
    event.preventDefault();
    GO[key]();
    return;
  }
  if (key === "g") {
    going = event.timeStamp;
    return;
  }
  const act = screens.find((map) => map[key])?.[key] ?? ANYWHERE[key];
  if (!act) return;
  if (act(event) !== false) event.preventDefault();
});
