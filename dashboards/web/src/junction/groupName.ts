// Group names carry turns as arrows and people as a pictograph (`Main Street ↰↑`), because they need no language.
// The page's fonts have neither, and it has words.

import { NBSP } from "../format";
import { say, type Language } from "../i18n/words";

const TURNS = { "↑": "turn.straight", "↰": "turn.left", "↱": "turn.right", "↶": "turn.u_turn", "↷": "turn.u_turn" } as const;

/** The name in words: `Main Street, left and straight`. What is not an arrow stays as it is. */
export function groupName(language: Language, name: { local: string; en: string }, kind: string): string {
  const text = language === "ru" ? name.local || name.en : name.en || name.local;
  const plain = text.replace(/\p{Extended_Pictographic}\ufe0f?/gu, "").trim();
  if (!/[↑↰↱↶↷]/.test(plain)) return plain || (kind === "pedestrians" ? say(language, "group.pedestrians") : "");
  return plain
    .split(",")
    .map((part) => {
      const turns = [...new Set([...part].flatMap((c) => (c in TURNS ? [TURNS[c as keyof typeof TURNS]] : [])))];
      const street = part.replace(/[↑↰↱↶↷]/g, "").trim();
      const words = turns.map((turn) => say(language, turn)).join(` ${say(language, "turn.and")}${NBSP}`);
      return [street, words].filter(Boolean).join(", ");
    })
    .filter(Boolean)
    .join("; ");
}
