// What moves in a benchmark's city, said to the broker as those who see it would: public-transport vehicles that drive along
// its links, one picture a second, and detectors' counts. Both are made up; the links are the city's.
//
// node street.mjs BROKER_PORT API_PORT CITY.json VEHICLES

import { readFileSync } from "node:fs";
import { attach } from "./broker.mjs";
import { write } from "./cbor.mjs";

const [broker, api, cityFile, vehicles] = process.argv.slice(2);
/** How often each cabinet says its counts, s: the centre forgets them after a minute. */
const COUNTS_EACH_S = 20;
const EARTH_M = 6_371_000;
const RADIAN = Math.PI / 180;

/** A seed is a street: mulberry32. */
let state = 1;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const one = (list) => list[Math.floor(random() * list.length)];

const { links } = await (await fetch(`http://127.0.0.1:${api}/api/v1/map`)).json();
const streets = links.features
  .filter(({ properties }) => !["path", "rail", "service"].includes(properties.class))
  .map(({ geometry, properties }) => {
    const line = geometry.coordinates;
    const lengths = line.slice(1).map((b, i) => {
      const a = line[i];
      return EARTH_M * RADIAN * Math.hypot((b[0] - a[0]) * Math.cos(a[1] * RADIAN), b[1] - a[1]);
    });
    return { line, lengths, length: lengths.reduce((sum, m) => sum + m, 0), speed: properties.free_kmh / 3.6 };
  });
const key = ([lon, lat]) => `${lon.toFixed(6)},${lat.toFixed(6)}`;
const from = new Map();
for (const street of streets) {
  const at = key(street.line[0]);
  if (from.has(at)) from.get(at).push(street);
  else from.set(at, [street]);
}
const fleet = Array.from({ length: Number(vehicles) }, (_, i) => {
  const street = one(streets);
  return { id: `t${1 + (i % 400)}-${i}`, line: String(1 + (i % 400)), street, along: random() * street.length, share: 0.3 + 0.5 * random() };
});

function drive(vehicle) {
  vehicle.along += vehicle.street.speed * vehicle.share;
  while (vehicle.along > vehicle.street.length) {
    vehicle.along -= vehicle.street.length;
    vehicle.street = one(from.get(key(vehicle.street.line.at(-1))) ?? streets);
  }
  const { line, lengths, speed } = vehicle.street;
  let left = vehicle.along;
  let i = 0;
  while (i < lengths.length - 1 && left > lengths[i]) left -= lengths[i++];
  const [a, b] = [line[i], line[i + 1]];
  const f = lengths[i] > 0 ? left / lengths[i] : 0;
  const heading = Math.atan2((b[0] - a[0]) * Math.cos(a[1] * RADIAN), b[1] - a[1]) / RADIAN;
  return {
    id: vehicle.id,
    line: vehicle.line,
    lon: a[0] + (b[0] - a[0]) * f,
    lat: a[1] + (b[1] - a[1]) * f,
    heading: Math.fround((heading + 360) % 360),
    speed: Math.fround(speed * vehicle.share),
  };
}

const { junctions } = JSON.parse(readFileSync(cityFile, "utf8"));
const boot = Buffer.from("01990000000070008000000000000001", "hex");
const cabinets = junctions
  .filter(({ detectors }) => detectors.length > 0)
  .map(({ id, district, detectors }) => ({ node: `mow/${district}/${id}`, channels: detectors.map(({ channel }) => channel), busy: random(), seq: 0 }));

function counts(cabinet) {
  // Streets fill and empty over minutes, so that their letters change.
  cabinet.busy = Math.min(1, Math.max(0, cabinet.busy + 0.3 * (random() - 0.5)));
  const channels = cabinet.channels.map((channel) => {
    const standing = Math.floor(random() * 8 * cabinet.busy);
    return {
      dl: BigInt(channel),
      "vehicles.sum": random() < 0.3 ? 1n : 0n,
      "occupancy.avg": Math.fround(0.4 * cabinet.busy),
      occupied: random() < cabinet.busy,
      "queue.last": BigInt(standing),
      "vehicles.last": BigInt(standing + Math.floor(random() * 3)),
    };
  });
  return message(cabinet.seq++, { window: 1, channels }, { boot_id: boot });
}

const message = (seq, values, more = {}) => write({ entries: [{ ts: new Date(), seq: BigInt(seq), values, ...more }] });

attach(Number(broker), "street", {
  opened: begin,
  lost: (error) => {
    if (error) console.error(`the broker: ${error.message}`);
    process.exit(error ? 1 : 0);
  },
});

function begin({ publish }) {
  let seq = 0;
  setInterval(() => {
    const vehicles = fleet.map(drive);
    publish("mow/transit/street/status/vehicle.positions/live", message(seq++, { vehicles }));
  }, 1000);
  let next = 0;
  // Ten turns a second, so that the centre hears a steady murmur.
  setInterval(() => {
    for (let n = Math.ceil(cabinets.length / COUNTS_EACH_S / 10); n > 0; n -= 1) {
      const cabinet = cabinets[next++ % cabinets.length];
      publish(`${cabinet.node}/status/traffic.count/1s`, counts(cabinet));
    }
  }, 100);
}
