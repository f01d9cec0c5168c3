// A centre that runs by itself hands out its page: in Chromium, the city is on the map, live, a junction says what it does, and
// the journey page reaches the planner, which is another program.
//
//   SVETOFOR_URL  where the centre listens
//   FROM, TO      two places of the city, `lat, lon`
//   SVETOFOR_SHOTS, CHROMIUM  as for walk.mjs

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const base = process.env.SVETOFOR_URL;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
});

function must(condition, text) {
  if (!condition) throw new Error(text);
}

const troubles = [];
try {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 720 }, locale: "en-GB" })).newPage();
  page.setDefaultTimeout(60_000);
  page.on("console", (message) => message.type() === "error" && troubles.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => troubles.push(`page: ${error.message}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (!["data:", "blob:"].includes(url.protocol) && url.origin !== base) troubles.push(`foreign request: ${request.url()}`);
  });
  const shot = async (name) => {
    if (!process.env.SVETOFOR_SHOTS) return;
    mkdirSync(process.env.SVETOFOR_SHOTS, { recursive: true });
    await page.screenshot({ path: join(process.env.SVETOFOR_SHOTS, `${name}.png`) });
  };

  await page.goto(`${base}/?lang=en&theme=light#/city`);
  await page.waitForSelector("[data-contact=live]", { state: "attached" });
  await page.waitForSelector(".map-canvas[data-drawn][data-junctions]", { state: "attached" });
  await shot("by-itself-city");
  console.log("ok  the city is on the centre's own page, live");

  await page.evaluate(() => (location.hash = "#/junctions"));
  await page.locator(".rows tbody tr a").first().click();
  await page.waitForSelector(".why, .junction-mode");
  console.log("ok  a junction says what it does");

  await page.evaluate(() => (location.hash = "#/journey"));
  await page.fill("#end-from", process.env.FROM);
  await page.fill("#end-to", process.env.TO);
  await page.locator(".journey form button[type=submit]").click();
  await page.waitForSelector("[data-journey]");
  const told = await page.locator(".journey-numbers .big").allTextContents();
  must(told.length === 4 && told.every((text) => text.trim() !== ""), `the journey tells ${JSON.stringify(told)}`);
  await shot("by-itself-journey");
  console.log(`ok  a journey by way of the planner: ${told.join(", ")}`);
  must(troubles.length === 0, troubles.join("\n"));
} finally {
  await browser.close();
}
