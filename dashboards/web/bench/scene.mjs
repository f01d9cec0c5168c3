// The measured scene: 5,000 junctions and 9,000 vehicles, live. Says what the page weighs and does with them, and what 200
// viewers of the stream cost the centre. `npm run scene`; `cargo xtask bench page` builds what it needs first.
//
//   --junctions N --vehicles N --viewers N   another size
//   --seconds N     how long is measured, 20
//   --zoom Z        where the map stands; without it where the city opens
//   --only page     or viewers, or nothing
//   --record FOLDER keeps a minute of the stream
//   --replay FOLDER shows the page that minute; no city is started then
//   --shot FILE     a picture of the page
//   --profile FILE  a .cpuprofile of the main thread's work; it costs some itself
//   CHROMIUM, SVETOFOR_PROGRAMS  the browser, and the folder of the release builds
//
// Exit code 1: a goal was missed. Times between frames have none here: without a graphics card they measure the processor that
// draws. What the page itself does for a frame is held to the goal of 17 ms instead.

import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { cpuSeconds, freePort, sleep, startCity } from "./city.mjs";
import { bundle, measure, serve } from "./page.mjs";
import { record, replay } from "./recorded.mjs";
import { quantile, watch } from "./viewers.mjs";

const text = { type: "string" };
const { values: options } = parseArgs({ options: { junctions: text, vehicles: text, viewers: text, seconds: text, zoom: text, only: text, shot: text, profile: text, record: text, replay: text } });
const [junctions, vehicles, viewers, seconds] = [options.junctions ?? 5000, options.vehicles ?? 9000, options.viewers ?? 200, options.seconds ?? 20].map(Number);

const missed = [];
function judge(what, value, goal, unit) {
  const held = value <= goal;
  console.log(`${held ? "ok    " : "MISSED"}  ${what}: ${value.toFixed(value < 10 ? 2 : 0)} ${unit} (goal ${goal})`);
  if (!held) missed.push(what);
}
const note = (said) => console.log(`        ${said}`);

/** A recording lasts so long, s. */
const RECORDED = 60;

if (options.replay) {
  const centre = await replay(options.replay);
  console.log(`a recorded city; ${cpus().length} cores (${cpus()[0].model})`);
  await thePage(centre.address().port);
  centre.closeAllConnections();
  centre.close();
} else {
  const city = await startCity({ junctions, vehicles });
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => {
      city.stop();
      process.exit(1);
    });
  }
  try {
    const { junctions: there } = await city.health();
    console.log(`${there.online} of ${there.total} junctions online, ${vehicles} vehicles each second; ${cpus().length} cores (${cpus()[0].model})`);
    if (options.record) await record(city.api, options.record, RECORDED);
    if (!options.only || options.only === "page") await thePage(city.api);
    if (!options.only || options.only === "viewers") await theViewers(city);
  } finally {
    city.stop();
  }
}
if (missed.length > 0) {
  console.error(`missed: ${missed.join("; ")}`);
  process.exitCode = 1;
}

async function thePage(api) {
  const files = bundle();
  const { server, sent } = await serve(files, api, await freePort());
  try {
    const url = `http://127.0.0.1:${server.address().port}`;
    const seen = await measure(url, { seconds, shot: options.shot, profile: options.profile !== undefined, zoom: options.zoom });
    const total = (sizes) => [...sizes].reduce((sum, n) => sum + n, 0) / 1000;
    judge("the whole app, compressed", total([...files.values()].map((data) => data.length)), 1500, "kB");
    judge("of it, loaded for the first screen", total(sent.values()), 700, "kB");
    judge("first paint", seen.firstPaint, 2000, "ms");
    note(`map with ${seen.shown.junctions} junctions drawn after ${(seen.mapDrawn / 1000).toFixed(1)} s`);
    judge("main thread per second of live data", seen.live.TaskDuration, 100, "ms");
    note(`of it script ${seen.live.ScriptDuration.toFixed(0)} ms, layout ${seen.live.LayoutDuration.toFixed(1)} ms, style ${seen.live.RecalcStyleDuration.toFixed(1)} ms; heap ${seen.live.heapMb.toFixed(0)} MB`);
    judge("the page's own work per frame while the map is dragged", seen.perFrame, 17, "ms");
    note(`with the browser's part of the main thread, rendered in software: ${seen.wholePerFrame.toFixed(0)} ms`);
    for (const [what, times] of [["at rest", seen.atRest], ["while the map is dragged", seen.dragged]]) {
      note(`frames ${what}, rendered in software: median ${quantile(times, 0.5).toFixed(1)} ms, p95 ${quantile(times, 0.95).toFixed(1)} ms of ${times.length}`);
    }
    if (seen.troubles.length > 0) missed.push(`the console has ${seen.troubles.length} errors: ${seen.troubles[0]}`);
    if (options.profile) writeFileSync(options.profile, JSON.stringify(seen.profiled));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function theViewers(city) {
  const cores = async () => {
    const [before, began] = [cpuSeconds(city.centre), performance.now()];
    await sleep(seconds * 1000);
    return (cpuSeconds(city.centre) - before) / ((performance.now() - began) / 1000);
  };
  const alone = await cores();
  const looking = watch(city, viewers);
  await sleep(5000);
  looking.reset();
  const [with_, passed] = [await cores(), seconds];
  const { bytes, open, ended, bySort } = looking.seen;
  looking.close();
  if (open < viewers || ended > 0) missed.push(`${open} of ${viewers} streams opened, ${ended} ended`);
  note(`the centre takes ${alone.toFixed(2)} cores without viewers, ${with_.toFixed(2)} with ${viewers}; each gets ${(bytes / viewers / passed / 1000).toFixed(0)} kB/s`);
  judge(`${viewers} viewers cost the centre`, with_ - alone, 1, "cores");
  const delays = [...bySort.values()].flat();
  judge("a change is at a viewer, p50", quantile(delays, 0.5), 1000, "ms");
  judge("a change is at a viewer, p99", quantile(delays, 0.99), 1000, "ms");
  for (const [sort, of] of bySort) note(`${of.length} ${sort}: p50 ${quantile(of, 0.5).toFixed(0)} ms, p99 ${quantile(of, 0.99).toFixed(0)} ms`);
}
