import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { en } from "../../src/i18n/en";
import { ru } from "../../src/i18n/ru";
import { say, sayCount } from "../../src/i18n/words";

const SRC = join(import.meta.dirname, "../../src");
const sources = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name) && !name.startsWith("i18n/en") && !name.startsWith("i18n/ru"))
  .map((name) => ({ name, text: readFileSync(join(SRC, name), "utf8") }));

const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

describe("dictionaries", () => {
  test("say the same things in both languages", () => {
    const own = Object.keys(ru).filter((key) => !/\.(few|many)$/.test(key));
    expect(own.sort()).toEqual(Object.keys(en).sort());
  });

  test("give Russian all its plural forms", () => {
    for (const key of Object.keys(en).filter((one) => one.endsWith(".one"))) {
      const stem = key.slice(0, -4);
      expect(en, key).toHaveProperty([`${stem}.other`]);
      for (const form of ["one", "few", "many", "other"]) expect(ru, stem).toHaveProperty([`${stem}.${form}`]);
    }
  });

  test("fill the same holes in both languages", () => {
    for (const [key, text] of Object.entries(en)) expect(holes(ru[key as keyof typeof ru]), key).toEqual(holes(text));
  });

  test("leave nothing empty or untranslated", () => {
    for (const [key, text] of Object.entries({ ...en, ...ru })) expect(text.trim(), key).not.toBe("");
    const same = Object.entries(en).filter(([key, text]) => ru[key as keyof typeof ru] === text && /[a-z]{3}/i.test(text.replace(/\{\w+\}/g, "")));
    expect(same.map(([key]) => key)).toEqual([]);
  });

  test("hold every key that the page asks for", () => {
    const asked = sources.flatMap(({ name, text }) =>
      [...text.matchAll(/\b(?:t|tn|say|sayCount)\((?:language, )?"([\w.-]+)"/g)].map((match) => ({ name, key: match[1] ?? "" })),
    );
    expect(asked.length).toBeGreaterThan(150);
    const missing = asked.filter(({ key }) => !(key in en) && !(`${key}.one` in en));
    expect(missing).toEqual([]);
  });

  test("never say a bare phase", () => {
    for (const [key, text] of Object.entries(en)) expect(text, key).not.toMatch(/\bphase/i);
  });
});

test("no component holds words of its own", () => {
  const cyrillic = sources.filter(({ text }) => /[а-яё]{3}/i.test(text.replace(/\/\/.*$/gm, "").replace(/\/\*[\s\S]*?\*\//g, "")));
  // Units of time and length; a word to load the map's Cyrillic with; the language switch, which speaks the other language.
  expect(cyrillic.map(({ name }) => name).sort()).toEqual(["format.ts", "i18n/words.ts", "map/canvas.ts", "ui/Shell.tsx"]);
});

test("counting follows each language's rules", () => {
  const check = (n: number, english: string, russian: string) => {
    expect(sayCount("en", "say.need", n)).toBe(english);
    expect(sayCount("ru", "say.need", n)).toBe(russian);
  };
  check(1, "1 needs action.", "1 требует действия.");
  check(4, "4 need action.", "4 требуют действия.");
  check(21, "21 need action.", "21 требует действия.");
  expect(say("ru", "why.title", { n: 2 })).toBe("Почему фаза 2");
});
