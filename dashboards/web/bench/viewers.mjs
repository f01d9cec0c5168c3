// Many who look at the stream at once, without browsers. They take what browsers take, gzip too; most only count what comes,
// one reads it and notes how old each change is when it gets there.

import { request } from "node:http";
import { createGunzip } from "node:zlib";
import { attach } from "./broker.mjs";
import { read as readCbor } from "./cbor.mjs";
import { readEvents } from "./events.mjs";

export function watch({ api, broker }, viewers) {
  const seen = { bytes: 0, open: 0, ended: 0, bySort: new Map() };
  const orders = new Orders(broker);
  // One reads what it gets: reading for all of them would cost more than the centre does.
  const requests = Array.from({ length: viewers }, (_, i) => look(api, i === 0 ? (stream) => read(stream, orders, seen) : null, seen));
  return {
    seen,
    /** Forgets what was, to measure from now on. */
    reset: () => Object.assign(seen, { bytes: 0, bySort: new Map() }),
    close: () => [...requests, orders].forEach((one) => one.destroy()),
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
    reads(plain);
  });
  asked.on("error", () => {});
  asked.end();
  return asked;
}

/** When the centre asked a cabinet for a stage: what it wants has no time of its own in the stream. */
class Orders {
  #node;
  #newest = new Map();
  #waiting = new Map();

  constructor(broker) {
    this.#node = attach(broker, "viewers", {
      opened: (node) => node.subscribe("+/+/+/command/tlc.stage.request"),
      heard: (topic, payload) => this.#note(topic.split("/")[2], readCbor(payload)),
    });
  }

  /** Requests are repeated while they hold; the first of a stage counts. */
  #note(junction, said) {
    const { stage } = said.body;
    if (this.#newest.get(junction)?.stage === stage) return;
    this.#newest.set(junction, { stage, at: Date.now() });
    this.#waiting.get(junction)?.(stage);
  }

  /** Tells when this stage was asked for, now or as soon as it is: a picture may overtake the request. */
  at(junction, stage, tell) {
    const newest = this.#newest.get(junction);
    if (newest?.stage === stage) return tell(newest.at);
    this.#waiting.set(junction, (asked) => {
      this.#waiting.delete(junction);
      if (asked === stage) tell(Date.now());
    });
  }

  destroy() {
    this.#node.destroy();
  }
}

/** What of a junction's state its cabinet says. */
const SAID = ["actual", "rung_reason", "stage", "interstage", "plan"];

/** Tells what sort of change this is, and since when it is so: a cabinet's words are as old as it says, a wish as old as the request for it. What
 * the centre concludes at its ticks from words that it had before (somebody is late) began at no moment that one could name. */
function change(before, state, orders, tell) {
  if (SAID.some((key) => before[key] !== state[key])) return tell("said by the cabinet", state.seen_at);
  if (before.stage_wanted !== state.stage_wanted) return orders.at(state.id, state.stage_wanted, (at) => tell("wanted by the centre", at));
  const concluded = Object.keys(state).some((key) => key !== "seen_at" && before[key] !== state[key]);
  if (!concluded) tell("a newer reading of the same", state.seen_at);
}

/** Notes of each change of a junction's state how old it is; those who are there when the stream opens aside. */
function read(stream, orders, seen) {
  const known = new Map();
  readEvents(stream, (event) => {
    if (!event.startsWith("event: junctions")) return;
    const now = Date.now();
    for (const state of JSON.parse(event.slice(event.indexOf("data: ") + 6))) {
      const before = known.get(state.id);
      known.set(state.id, state);
      if (!before) continue;
      change(before, state, orders, (sort, since) => {
        if (!seen.bySort.has(sort)) seen.bySort.set(sort, []);
        if (since !== null) seen.bySort.get(sort).push(Math.max(0, now - since));
      });
    }
  });
}

export const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? NaN;
