// The page itself in Chromium: what it weighs, how soon it shows something, what a second of live data costs its main
// thread, and how long frames take at rest and while somebody drags the map.

import { createServer, request } from "node:http";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { sleep } from "./city.mjs";

const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2" };
/** What goes over the line compressed; fonts are compressed already. */
const carried = (name, data) => (extname(name) === ".woff2" ? data : gzipSync(data));

/** Files of the built app as they are carried, by path. The licences go with the app and are never loaded. */
export function bundle() {
  if (!existsSync(join(DIST, "index.html"))) throw new Error("the page is not built: npm run build");
  const names = readdirSync(DIST, { recursive: true }).filter((name) => extname(name) !== "" && !name.endsWith(".md"));
  return new Map(names.map((name) => [`/${name}`, carried(name, readFileSync(join(DIST, name)))]));
}

/** Serves the app as the city does, and hands everything under `/api` on to the centre. */
export function serve(files, api, port) {
  const sent = new Map();
  const server = createServer((asked, answer) => {
    const path = new URL(asked.url, "http://localhost").pathname;
    if (path.startsWith("/api/")) {
      const on = request({ host: "127.0.0.1", port: api, path: asked.url, method: asked.method, headers: asked.headers }, (from) => {
        answer.writeHead(from.statusCode, from.headers);
        from.pipe(answer);
      });
      on.on("error", () => answer.destroy());
      answer.on("close", () => on.destroy());
      asked.pipe(on);
      return;
    }
    const name = files.has(path) ? path : "/index.html";
    const body = files.get(name);
    sent.set(name, body.length);
    answer.writeHead(200, { "content-type": TYPES[extname(name)] ?? "application/octet-stream", ...(extname(name) === ".woff2" ? {} : { "content-encoding": "gzip" }) });
    answer.end(body);
  });
  return new Promise((done) => server.listen(port, "127.0.0.1", () => done({ server, sent })));
}

const MEASURED = ["TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration", "V8CompileDuration"];

async function metrics(session) {
  const { metrics: all } = await session.send("Performance.getMetrics");
  return Object.fromEntries(all.filter(({ name }) => [...MEASURED, "JSHeapUsedSize"].includes(name)).map(({ name, value }) => [name, value]));
}

/** Milliseconds of the main thread in each second of `seconds`, by what it did. */
async function work(session, seconds) {
  const [before, began] = [await metrics(session), performance.now()];
  await sleep(seconds * 1000);
  const [after, passed] = [await metrics(session), (performance.now() - began) / 1000];
  return { ...Object.fromEntries(MEASURED.map((name) => [name, (1000 * (after[name] - before[name])) / passed])), heapMb: after.JSHeapUsedSize / 1e6 };
}

/** Times between frames while `act` goes on, ms. */
async function frames(page, act) {
  await page.evaluate(() => {
    window.frameTimes = [];
    let last = performance.now();
    const next = (now) => {
      window.frameTimes?.push(now - last);
      last = now;
      if (window.frameTimes) requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
  });
  await act();
  return page.evaluate(() => {
    const times = window.frameTimes;
    window.frameTimes = undefined;
    return times;
  });
}

export async function measure(url, { seconds, shot, profile, zoom }) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-first-run", "--disable-background-networking", "--disable-component-update"],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    page.setDefaultTimeout(120_000);
    const troubles = [];
    page.on("console", (message) => message.type() === "error" && troubles.push(message.text()));
    page.on("pageerror", (error) => troubles.push(error.message));
    await page.goto(`${url}/?lang=en&theme=dark#/city${zoom ? `?zoom=${zoom}` : ""}`);
    const firstPaint = await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime).then((value) => value.jsonValue());
    await page.waitForSelector(".map-canvas[data-drawn][data-junctions]", { state: "attached" });
    const mapDrawn = await page.evaluate(() => performance.now());
    const session = await page.context().newCDPSession(page);
    // Processor time of the main thread: what others on this machine do meanwhile does not count.
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    // The first seconds are spent on tiles and glyphs, once.
    await sleep(10_000);
    if (profile) {
      await session.send("Profiler.enable");
      await session.send("Profiler.setSamplingInterval", { interval: 500 });
      await session.send("Profiler.start");
    }
    const live = await work(session, seconds);
    const profiled = profile ? (await session.send("Profiler.stop")).profile : undefined;
    const atRest = await frames(page, () => sleep(10_000));
    const box = await page.locator(".maplibregl-canvas").boundingBox();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const before = await metrics(session);
    const dragged = await frames(page, async () => {
      await page.mouse.move(x, y);
      await page.mouse.down();
      for (let i = 1; i <= 60; i += 1) {
        await page.mouse.move(x + 120 * Math.sin(i / 10), y + 80 * Math.sin(i / 7));
        await sleep(50);
      }
      await page.mouse.up();
    });
    const after = await metrics(session);
    // The rest of the main thread's time goes into handing the picture on to who draws it; without a graphics card it waits there.
    const own = ["ScriptDuration", "LayoutDuration", "RecalcStyleDuration"];
    const of = (names) => (1000 * names.reduce((sum, name) => sum + after[name] - before[name], 0)) / dragged.length;
    const [perFrame, wholePerFrame] = [of(own), of(["TaskDuration"])];
    if (shot) await page.screenshot({ path: shot });
    const shown = await page.evaluate(() => ({ junctions: Number(document.querySelector(".map-canvas").dataset.junctions), vehicles: Number(document.querySelector(".map-canvas").dataset.vehicles ?? NaN) }));
    return { firstPaint, mapDrawn, live, atRest, dragged, perFrame, wholePerFrame, shown, troubles, profiled };
  } finally {
    await browser.close();
  }
}
