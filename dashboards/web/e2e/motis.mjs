// MOTIS' own client asks our server, as an app that was written for MOTIS would: places by name, journeys between them, boards.
//
//   SVETOFOR_URL=http://127.0.0.1:8080 node e2e/motis.mjs

import assert from "node:assert/strict";
import { geocode, oneToAll, plan, reverseGeocode, stops, stoptimes } from "@motis-project/motis-client";

const baseUrl = process.env.SVETOFOR_URL;
assert(baseUrl, "SVETOFOR_URL says where the server is");

async function ask(call, query) {
  const { data, error } = await call({ baseUrl, query });
  assert.equal(error, undefined, JSON.stringify(error));
  return data;
}

const [from] = await ask(geocode, { text: "taganskaya", type: ["STOP"], language: ["en"] });
const [to] = await ask(geocode, { text: "баррикадная", type: ["STOP"] });
assert.equal(from.type, "STOP");
assert.match(from.name, /Taganskaya/);
assert.equal(to.name.toLowerCase().includes("баррикадная"), true, to.name);
console.log(`geocode: ${from.name} (${from.id}), ${to.name} (${to.id})`);

const answer = await ask(plan, { fromPlace: from.id, toPlace: to.id, time: new Date().toISOString(), numItineraries: 3 });
assert(answer.itineraries.length > 0, "there are journeys");
for (const itinerary of answer.itineraries) {
  assert(itinerary.legs.length > 0);
  const rides = itinerary.legs.filter((leg) => leg.mode !== "WALK");
  assert(rides.length > 0, "each of them rides");
  for (const leg of rides) {
    assert(leg.routeShortName && leg.tripId && leg.headsign !== undefined, JSON.stringify(leg));
    assert(Date.parse(leg.startTime) < Date.parse(leg.endTime));
    assert.equal(leg.legGeometry.precision, 6);
  }
}
console.log(`plan: ${answer.itineraries.map((one) => one.legs.map((leg) => leg.displayName ?? leg.mode).join(" ")).join("; ")}`);

const south = (place, degrees) => `${place.lat - degrees},${place.lon}`;
const hired = await ask(plan, {
  fromPlace: south(from, 0.001), toPlace: south(to, 0.001), directModes: ["RENTAL"], transitModes: [], time: new Date().toISOString(),
});
const rentals = hired.direct.flatMap((one) => one.legs).filter((leg) => leg.mode === "RENTAL");
assert.equal(rentals.length, 1, JSON.stringify(hired.notes));
assert(rentals[0].rental.systemId && rentals[0].rental.fromStationName && rentals[0].rental.toStationName);
console.log(`shared bicycle: ${rentals[0].rental.fromStationName} to ${rentals[0].rental.toStationName}`);

// Trains do not run at night: tomorrow at ten in Moscow, whenever this is asked.
const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
const morning = `${tomorrow}T07:00:00Z`;
const reached = await ask(oneToAll, { one: from.id, maxTravelTime: 30, time: morning });
const near = reached.all.find((one) => one.place.stopId === to.id) ?? reached.all.find((one) => one.place.name === to.name);
assert(reached.all.length > 20 && near?.duration <= 30 && near.k >= 1, JSON.stringify(near));
assert(reached.all.some((one) => one.k === 0 && one.duration < 5));
console.log(`one-to-all: ${reached.all.length} stops within 30 min, ${to.name} in ${near.duration.toFixed(1)} min`);

const parked = await ask(plan, {
  fromPlace: south(from, 0.02), toPlace: to.id, preTransitModes: ["CAR_PARKING"], maxPreTransitTime: 3600, numItineraries: 3, time: morning,
});
for (const one of parked.itineraries) {
  const [first] = one.legs;
  assert.equal(first.mode, "CAR", JSON.stringify(one.legs.map((leg) => leg.mode)));
  assert(first.to.name.includes("парковка"), first.to.name);
}
console.log(`park and ride: ${parked.itineraries.map((one) => one.legs[0].to.name).join(", ")}`);

const board = await ask(stoptimes, { stopId: from.id, n: 5, language: ["en"] });
assert(board.stopTimes.length >= 5);
assert(board.stopTimes.every((one) => one.place.departure && one.routeShortName));
const later = await ask(stoptimes, { stopId: from.id, n: 5, pageCursor: board.nextPageCursor });
assert(Date.parse(later.stopTimes[0].place.departure) > Date.parse(board.stopTimes.at(-1).place.departure));
console.log(`stoptimes: ${board.stopTimes.map((one) => `${one.displayName} ${one.headsign}`).join("; ")}`);

const around = await ask(stops, { min: `${from.lat - 0.005},${from.lon + 0.01}`, max: `${from.lat + 0.005},${from.lon - 0.01}` });
assert(around.length > 0 && around.every((stop) => stop.stopId && Math.abs(stop.lat - from.lat) <= 0.005));
const here = await ask(reverseGeocode, { place: `${from.lat},${from.lon}` });
assert(here.some((one) => one.type === "STOP"));
console.log(`map/stops: ${around.length}; reverse-geocode: ${here.map((one) => one.name).join(", ")}`);
