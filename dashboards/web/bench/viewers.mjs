// Many who look at the stream at once, without browsers. They take what browsers take, gzip too; most only count what comes,
// some read it and note how old each change is when it gets to them.

import { request } from "node:http";
import { createGunzip } from "node:zlib";
import { readEvents } from "./events.mjs";

/** Of so many viewers one reads what it gets: reading for all of them would cost more than the centre does. */
const READS_ONE_IN = 50;

export function watch(api, viewers) {
  const seen = { bytes: 0, open: 0, ended: 0, delays: [] };
  const requests = Array.from({ length: viewers }, (_, i) => look(api, i % READS_ONE_IN === 0, seen));
  return {
    seen,
    /** Forgets what was, to measure from now on. */
    reset: () => Object.assign(seen, { bytes: 0, delays: [] }),
    close: () => requests.forEach((one) => one.destroy()),
  };
}

function look(api, reads, seen) {
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
    read(plain, seen);
  });
  asked.on("error", () => {});
  asked.end();
  return asked;
}

/** Notes, for each junction whose state came, how long ago its cabinet said so; the full picture on connect aside. */
function read(stream, seen) {
  let first = true;
  readEvents(stream, (event) => {
    if (!event.startsWith("event: junctions")) return;
    const now = Date.now();
    if (!first) for (const [, at] of event.matchAll(/"seen_at":(\d+)/g)) seen.delays.push(now - Number(at));
    first = false;
  });
}

export const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? NaN;
