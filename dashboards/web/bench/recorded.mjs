// A minute of a running city, kept in a folder, and said again to a page as the centre said it. For machines on which the city
// and the browser would take the processor from each other, and to compare two builds of the page on the same data.

import { createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, get } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { readEvents } from "./events.mjs";

/** What the page asks for besides the stream. */
const ANSWERS = ["health", "tiles", "junctions", "session", "incidents", "tickets", "proposals", "links", "alarms"];
/** Tiles are kept from where the whole city is seen to where its streets are. */
const ZOOMS = [9, 10, 11, 12, 13, 14];

/** Addresses of all tiles of the city at those zooms, as they are kept. */
function* tilesOf({ city: { bounds: [[west, south], [east, north]] } }) {
  for (const z of ZOOMS) {
    const column = (lon) => Math.floor(((lon + 180) / 360) * 2 ** z);
    const row = (lat) => Math.floor((0.5 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / (2 * Math.PI)) * 2 ** z);
    for (let x = column(west); x <= column(east); x += 1) for (let y = row(north); y <= row(south); y += 1) yield `tiles/${z}/${x}/${y}`;
  }
}
const tileFile = (folder, path) => join(folder, `${path.replaceAll("/", "-")}.mvt`);

const file = (folder, name) => join(folder, `${name}.json`);

export async function record(api, folder, seconds) {
  mkdirSync(folder, { recursive: true });
  for (const name of ANSWERS) {
    const answer = await fetch(`http://127.0.0.1:${api}/api/v1/${name}`);
    if (answer.ok) writeFileSync(file(folder, name), await answer.text());
  }
  for (const path of tilesOf(JSON.parse(readFileSync(file(folder, "health"), "utf8")))) {
    const answer = await fetch(`http://127.0.0.1:${api}/api/v1/${path}`);
    if (answer.ok) writeFileSync(tileFile(folder, path), Buffer.from(await answer.arrayBuffer()));
  }
  await new Promise((done, failed) => {
    const out = createWriteStream(join(folder, "stream.jsonl"));
    const began = performance.now();
    const asked = get({ host: "127.0.0.1", port: api, path: "/api/v1/stream" }, (stream) => {
      readEvents(stream, (event) => out.write(`${JSON.stringify([Math.round(performance.now() - began), `${event}\n\n`])}\n`));
      stream.on("error", () => {});
    });
    asked.on("error", failed);
    setTimeout(() => {
      asked.off("error", failed).on("error", () => {}).destroy();
      out.end(done);
    }, seconds * 1000);
  });
}

/** Answers as the recorded centre did; its stream begins anew when it is over. */
export function replay(folder) {
  const answers = new Map();
  for (const name of ANSWERS) {
    try {
      answers.set(`/api/v1/${name}`, gzipSync(readFileSync(file(folder, name))));
    } catch {
      // It was refused when it was recorded, and is again.
    }
  }
  const events = readFileSync(join(folder, "stream.jsonl"), "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
  const server = createServer((asked, answer) => {
    const { pathname } = new URL(asked.url, "http://localhost");
    if (pathname === "/api/v1/stream") {
      answer.writeHead(200, { "content-type": "text/event-stream" });
      let timer;
      const say = (i, began) => {
        answer.write(events[i][1]);
        const next = (i + 1) % events.length;
        const start = next === 0 ? performance.now() : began;
        timer = setTimeout(() => say(next, start), Math.max(0, start + events[next][0] - performance.now()));
      };
      say(0, performance.now());
      answer.on("close", () => clearTimeout(timer));
      return;
    }
    const tile = pathname.startsWith("/api/v1/tiles/") ? tileFile(folder, pathname.slice("/api/v1/".length)) : null;
    if (tile !== null && existsSync(tile)) {
      answer.writeHead(200, { "content-type": "application/vnd.mapbox-vector-tile" });
      answer.end(readFileSync(tile));
      return;
    }
    const body = answers.get(pathname);
    answer.writeHead(body ? 200 : 404, { "content-type": "application/json", ...(body ? { "content-encoding": "gzip" } : {}) });
    answer.end(body);
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}
