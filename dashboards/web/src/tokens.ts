// The tokens as script sees them: for the map and its sprites, which CSS does not reach.

export type Tokens = (name: string) => string;

/** Reads the theme that is in force now. */
export function tokens(): Tokens {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}
