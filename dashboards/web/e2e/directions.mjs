// maplibre-gl-directions, a client of OSRM's API, draws a route of ours in Chromium: on a page of its own, with our server behind it.
//
//   SVETOFOR_URL  where the city answers
//   CHROMIUM      the browser, /usr/bin/chromium

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { createServer } from "vite";

const target = process.env.SVETOFOR_URL;
assert(target, "SVETOFOR_URL says where the server is");

// Two stations of the city, as anybody finds them.
const found = async (text) => {
  const [stop] = await (await fetch(`${target}/api/v1/geocode?text=${encodeURIComponent(text)}&type=STOP`)).json();
  return [stop.lon, stop.lat];
};
const [from, to] = [await found("Таганская"), await found("Баррикадная")];

const server = await createServer({
  root: fileURLToPath(new URL("directions", import.meta.url)),
  configFile: false,
  logLevel: "error",
  server: { port: 0, host: "127.0.0.1", proxy: { "/route": target } },
});
await server.listen();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
});
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  page.on("pageerror", (error) => console.log(`page: ${error.message}`));
  await page.goto(`${server.resolvedUrls.local[0]}?from=${from}&to=${to}`);
  await page.waitForFunction(() => globalThis.answer);
  const answer = await page.evaluate(() => globalThis.answer);
  assert.equal(answer.code, "Ok", JSON.stringify(answer));
  const [route] = answer.routes;
  assert(route.distance > 1000 && route.duration > 60, JSON.stringify(route));
  await page.waitForFunction(
    () => globalThis.map.queryRenderedFeatures({ layers: ["maplibre-gl-directions-routeline"] }).length > 0,
  );
  const ends = await page.evaluate(() => {
    const drawn = globalThis.map.queryRenderedFeatures({ layers: ["maplibre-gl-directions-routeline"] });
    const line = drawn.flatMap((feature) => (feature.geometry.type === "LineString" ? [feature.geometry.coordinates] : feature.geometry.coordinates)).flat();
    const of = (axis) => line.map((at) => at[axis]);
    return [0, 1].map((axis) => [Math.min(...of(axis)), Math.max(...of(axis))]);
  });
  for (const axis of [0, 1]) {
    const [least, most] = [from[axis], to[axis]].sort((a, b) => a - b);
    // It runs from one station to the other, on streets beside them.
    assert(ends[axis][0] < least + 0.01 && ends[axis][1] > most - 0.01, JSON.stringify({ ends, from, to }));
  }
  console.log(`route: ${Math.round(route.distance)} m in ${Math.round(route.duration)} s, drawn`);
} finally {
  await browser.close();
  await server.close();
}
