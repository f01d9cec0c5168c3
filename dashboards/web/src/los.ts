// Level of service: the class of a link by its share of free-flow speed (HCM urban streets, as DESIGN-UI section 5).

export const CLASSES = ["A", "B", "C", "D", "E", "F"] as const;
export type Los = (typeof CLASSES)[number];

/** A link is of the class when its share is above this, %; F is the rest. The centre classes links; this is for legends. */
export const ABOVE: Record<Exclude<Los, "F">, number> = { A: 80, B: 67, C: 50, D: 40, E: 30 };

export function classOf(share: number | null): Los | null {
  if (share === null || !Number.isFinite(share)) return null;
  for (const los of ["A", "B", "C", "D", "E"] as const) if (share > ABOVE[los]) return los;
  return "F";
}

export const isLos = (text: string | null | undefined): text is Los => CLASSES.includes(text as Los);

/** Line width at z13, px: colour is never the only sign. */
export const WIDTH: Record<Los, number> = { A: 1.3, B: 1.7, C: 2.2, D: 3, E: 3.8, F: 4.8 };
