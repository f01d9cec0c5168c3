// The palette's promises, worked out from tokens.css itself: contrast (WCAG 2), and the smallest difference between
// any two classes under colour blindness (Machado, Oliveira and Fernandes 2009, severity 1.0; CIEDE2000 after Sharma 2005).

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CLASSES } from "../../src/los";

type Rgb = [number, number, number];
type Theme = "dark" | "light";

const css = readFileSync(join(import.meta.dirname, "../../src/tokens.css"), "utf8");
function theme(name: Theme): (token: string) => string {
  const start = css.indexOf(name === "dark" ? ':root, [data-theme="dark"]' : '\n[data-theme="light"]');
  const block = css.slice(start, css.indexOf("}", start));
  return (token) => {
    const value = new RegExp(`--${token}:\\s*(#[0-9A-Fa-f]{6})`).exec(block)?.[1];
    if (!value) throw new Error(`no --${token} in ${name}`);
    return value;
  };
}

const parse = (hex: string): Rgb => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255) as Rgb;
const linear = (c: number): number => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const gamma = (c: number): number => (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055);
const times = (m: readonly number[], [r, g, b]: Rgb): Rgb =>
  [0, 3, 6].map((i) => (m[i] ?? 0) * r + (m[i + 1] ?? 0) * g + (m[i + 2] ?? 0) * b) as Rgb;

function contrast(a: string, b: string): number {
  const luminance = (hex: string) => {
    const [r, g, bl] = parse(hex).map(linear) as Rgb;
    return 0.2126 * r + 0.7152 * g + 0.0722 * bl;
  };
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

/** Machado 2009, table 1, severity 1.0, in linear RGB. */
const SEEN: Record<string, readonly number[]> = {
  normal: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protan: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deutan: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritan: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};

function lab(hex: string, seen: string): Rgb {
  const rgb = times(SEEN[seen] ?? [], parse(hex).map(linear) as Rgb).map((c) => linear(gamma(Math.min(1, Math.max(0, c))))) as Rgb;
  const [x, y, z] = times([0.4124564, 0.3575761, 0.1804375, 0.2126729, 0.7151522, 0.072175, 0.0193339, 0.119192, 0.9503041], rgb);
  const f = (t: number) => (t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27) * t / 116 + 16 / 116);
  const [fx, fy, fz] = [f(x / 0.95047), f(y), f(z / 1.08883)];
  return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)];
}

function ciede2000([l1, a1, b1]: Rgb, [l2, a2, b2]: Rgb): number {
  const rad = Math.PI / 180;
  const c = (Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2;
  const g = 0.5 * (1 - Math.sqrt(c ** 7 / (c ** 7 + 25 ** 7)));
  const [p1, p2] = [(1 + g) * a1, (1 + g) * a2];
  const [c1, c2] = [Math.hypot(p1, b1), Math.hypot(p2, b2)];
  const hue = (a: number, b: number) => (a === 0 && b === 0 ? 0 : (Math.atan2(b, a) / rad + 360) % 360);
  const [h1, h2] = [hue(p1, b1), hue(p2, b2)];
  let dh = h2 - h1;
  if (c1 * c2 === 0) dh = 0;
  else if (dh > 180) dh -= 360;
  else if (dh < -180) dh += 360;
  const [dl, dc, dH] = [l2 - l1, c2 - c1, 2 * Math.sqrt(c1 * c2) * Math.sin((dh / 2) * rad)];
  const [l, cm] = [(l1 + l2) / 2, (c1 + c2) / 2];
  let h = h1 + h2;
  if (c1 * c2 !== 0) h = Math.abs(h1 - h2) <= 180 ? h / 2 : (h < 360 ? h + 360 : h - 360) / 2;
  const t = 1 - 0.17 * Math.cos((h - 30) * rad) + 0.24 * Math.cos(2 * h * rad) + 0.32 * Math.cos((3 * h + 6) * rad) - 0.2 * Math.cos((4 * h - 63) * rad);
  const sl = 1 + (0.015 * (l - 50) ** 2) / Math.sqrt(20 + (l - 50) ** 2);
  const [sc, sh] = [1 + 0.045 * cm, 1 + 0.015 * cm * t];
  const rt = -2 * Math.sqrt(cm ** 7 / (cm ** 7 + 25 ** 7)) * Math.sin(60 * Math.exp(-(((h - 275) / 25) ** 2)) * rad);
  return Math.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dH / sh) ** 2 + rt * (dc / sc) * (dH / sh));
}

test("CIEDE2000 agrees with Sharma's test data", () => {
  const check = (a: Rgb, b: Rgb, expected: number) => expect(ciede2000(a, b)).toBeCloseTo(expected, 4);
  check([50, 2.6772, -79.7751], [50, 0, -82.7485], 2.0425);
  check([50, 2.5, 0], [73, 25, -18], 27.1492);
  check([2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514], 0.9082);
});

describe.each(["dark", "light"] as const)("%s theme", (name) => {
  const token = theme(name);

  test("classes stay apart for every eye", () => {
    const smallest = (seen: string) => {
      const labs = CLASSES.map((los) => lab(token(`los-${los.toLowerCase()}`), seen));
      let least = Infinity;
      for (let i = 0; i < labs.length; i += 1) for (let j = i + 1; j < labs.length; j += 1) least = Math.min(least, ciede2000(labs[i] as Rgb, labs[j] as Rgb));
      return least;
    };
    const promised = name === "dark" ? { normal: 19.4, protan: 18.1, deutan: 15.4, tritan: 12.1 } : { normal: 16.0, protan: 14.7, deutan: 10.9, tritan: 10.7 };
    for (const [seen, least] of Object.entries(promised)) expect(smallest(seen), seen).toBeGreaterThanOrEqual(least - 0.1);
  });

  test("classes stand out from what they lie on", () => {
    for (const los of CLASSES) {
      for (const ground of ["map-land", "map-block", "map-street-2"]) {
        expect(contrast(token(`los-${los.toLowerCase()}`), token(ground)), `${los} on ${ground}`).toBeGreaterThanOrEqual(3);
      }
    }
  });

  test("text can be read", () => {
    for (const text of ["text-1", "text-2", "text-3", "accent"]) {
      for (const ground of ["bg-panel", "bg-raised", "bg-well"]) expect(contrast(token(text), token(ground)), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
    const pairs = [["text-on-accent", "accent-fill"], ["alarm-1-on", "alarm-1-fill"], ["alarm-2-on", "alarm-2-fill"], ["alarm-3-on", "alarm-3-fill"], ["text-1", "accent-soft"], ["text-2", "accent-soft"], ["map-label", "map-land"]];
    for (const [text, ground] of pairs) expect(contrast(token(text ?? ""), token(ground ?? "")), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
  });

  test("signs and edges can be seen", () => {
    for (const sign of ["line-control", "junction", "vehicle", "focus", "lamp-red", "lamp-green", "hatch"]) {
      expect(contrast(token(sign), token("bg-panel")), sign).toBeGreaterThanOrEqual(3);
    }
  });
});
