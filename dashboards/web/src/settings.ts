// What this person chose on this machine: language, theme, name, whether single keys work. Kept in localStorage.

import { effect, signal, type Signal } from "@preact/signals";

export type Language = "ru" | "en";
export type Theme = "dark" | "light";

function kept<T extends string>(key: string, allowed: readonly T[] | null, first: T): Signal<T> {
  let value = first;
  try {
    const stored = localStorage.getItem(`svetofor.${key}`);
    if (stored !== null && (allowed === null || allowed.includes(stored as T))) value = stored as T;
  } catch {
    // Storage may be shut off; then the choice lasts as long as the page.
  }
  const chosen = signal(value);
  effect(() => {
    const next = chosen.value;
    try {
      localStorage.setItem(`svetofor.${key}`, next);
    } catch {
      // As above.
    }
  });
  return chosen;
}

const asked = new URLSearchParams(location.search);
const firstLanguage: Language = navigator.language.toLowerCase().startsWith("ru") ? "ru" : "en";
const firstTheme: Theme = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";

export const language = kept<Language>("language", ["ru", "en"], firstLanguage);
export const theme = kept<Theme>("theme", ["dark", "light"], firstTheme);
/** Who orders, until there is sign-in. */
export const who = kept<string>("who", null, "");
/** Single-letter keys can be switched off (WCAG 2.1.4). */
export const singleKeys = kept<"on" | "off">("keys", ["on", "off"], "on");
export const leftPanel = kept<"open" | "shut">("left", ["open", "shut"], "open");
export const rightPanel = kept<"open" | "shut">("right", ["open", "shut"], "open");
/** Views of the city that were kept, as JSON. */
export const views = kept<string>("views", null, "");
/** The wall view: larger, nothing to touch. */
export const wall = asked.has("wall");

// A link may say how it wants to be read: `?lang=en&theme=light`.
const lang = asked.get("lang");
if (lang === "ru" || lang === "en") language.value = lang;
const shade = asked.get("theme");
if (shade === "dark" || shade === "light") theme.value = shade;

effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
});
effect(() => {
  document.documentElement.lang = language.value;
});
document.documentElement.classList.toggle("wall", wall);
