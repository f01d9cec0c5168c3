// Many who look at the stream at once, without browsers. They take what browsers take, gzip too; most only count what comes,
// some read it and note how old each change is when it gets to them.

import { request } from "node:http";
import { createGunzip } from "node:zlib";
import { readEvents } from "./events.mjs";

/** Of so many viewers one reads what it gets: reading for all of them would cost more than the centre does. */
const READS_ONE_IN = 50;

export function watch(api, viewers) {
  const seen = { bytes: 0, open: 0, ended: 0, delays: [], bySort: new Map() };
  const requests = Array.from({ length: viewers }, (_, i) => look(api, i % READS_ONE_IN === 0, i === 0, seen));
  return {
    seen,
    /** Forgets what was, to measure from now on. */
    reset: () => Object.assign(seen, { bytes: 0, delays: [], bySort: new Map() }),
    close: () => requests.forEach((one) => one.destroy()),
  };
}

function look(api, reads, sorts, seen) {
  const headers = { accept: "text/event-stream", "accept-encoding": "gzip" };
  const asked = request({ host: "127.0.0.1", port: api, path: "/api/v1/stream", headers, agent: false }, (response) => {
    if (response.statusCode !== 200) throw new Error(`the stream answers ${response.statusCode}`);
    seen.open += 1;
    response.on("data", (data) => (seen.bytes += data.length));
    response.on("close", () => (seen.ended += 1));
    response.on("error", () => {});
    if (!reads) return;
    const gzip = response.headers["content-encoding"] === "gzip";
    const plain = gzip ? response.pipe(createGunzip()) : response;
    plain.on("error", () => {});
    read(plain, sorts, seen);
  });
  asked.on("error", () => {});
  asked.end();
  return asked;
}

/** What of a junction's state its cabinet says; the rest the centre wants or concludes, at its ticks, however old the reading is. */
const SAID = ["actual", "rung_reason", "stage", "interstage", "plan"];

function sortOf(before, state) {
  if (!before) return "new";
  if (SAID.some((key) => before[key] !== state[key])) return "said by the cabinet";
  return Object.keys(state).some((key) => key !== "seen_at" && before[key] !== state[key]) ? "wanted or concluded by the centre" : "a newer reading of the same";
}

/** Notes, for each junction whose state came, how long ago its cabinet said so; the full picture on connect aside. One reader also
 * tells what sort of change each was. */
function read(stream, sorts, seen) {
  let first = true;
  const known = new Map();
  readEvents(stream, (event) => {
    if (!event.startsWith("event: junctions")) return;
    const now = Date.now();
    if (!first) for (const [, at] of event.matchAll(/"seen_at":(\d+)/g)) seen.delays.push(now - Number(at));
    if (sorts) {
      for (const state of JSON.parse(event.slice(event.indexOf("data: ") + 6))) {
        const sort = sortOf(known.get(state.id), state);
        known.set(state.id, state);
        if (first || state.seen_at === null) continue;
        if (!seen.bySort.has(sort)) seen.bySort.set(sort, []);
        seen.bySort.get(sort).push(now - state.seen_at);
      }
    }
    first = false;
  });
}

export const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? NaN;
