// Where words stand that must not lie on one another. Pure, so that a test can look.

/** A box in pixels. */
export interface Box { x: number; y: number; width: number; height: number }
/** A place for words: where their foot begins or ends. */
export interface Spot { x: number; y: number; anchor: "start" | "end" }

/** A letter of the dense face at 13 px, half-bold, on average; and a line's height above and below its foot. */
const LETTER = 6.7;
const [ABOVE, BELOW] = [12, 4];

export const boxOf = (text: string, { x, y, anchor }: Spot): Box => {
  const width = text.length * LETTER;
  return { x: anchor === "start" ? x : x - width, y: y - ABOVE, width, height: ABOVE + BELOW };
};

const shared = (a: Box, b: Box): number =>
  Math.max(0, Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)) * Math.max(0, Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y));

/** For each name the first of its places that is free, in turn; else the one that hides least. What leaves `within` is hidden. */
export function settle(names: readonly { text: string; spots: readonly Spot[] }[], taken: readonly Box[], within: Box): (Spot | null)[] {
  const held = [...taken];
  return names.map(({ text, spots }) => {
    let best: Spot | null = null;
    let least = Infinity;
    for (const spot of spots) {
      const box = boxOf(text, spot);
      const outside = box.width * box.height - shared(box, within);
      const hidden = held.reduce((sum, other) => sum + shared(box, other), outside);
      if (hidden < least) [best, least] = [spot, hidden];
      if (hidden === 0) break;
    }
    if (best) held.push(boxOf(text, best));
    return best;
  });
}
