//! The timetable of a city's lines: when they set out, when they are where, and all of it as GTFS.
//!
//! Buses and trams of the simulated street set out by the departures of [`departures`], so whoever plans a journey by
//! this timetable plans it by what will come. Trains are not driven; their timetable is all there is of them.

mod zones;

use super::{
    day,
    fleet::{DWELL_S, halts},
};
use model::{
    city::City,
    geo::LonLat,
    network::Name,
    transit::{Line, Stop, TransitMode},
};
use std::collections::{BTreeMap, BTreeSet};

/// Speed of buses and trams over their whole way, stops and signals included, m/s: 16 km/h, as Moscow's centre has.
pub(super) const CRUISE_MPS: f64 = 4.5;
/// Speed of trains between stations, m/s.
const TRAIN_MPS: f64 = 14.0;
/// A train at a station, braking and gathering speed included, s.
const TRAIN_DWELL_S: f64 = 35.0;
/// Tracks are so much longer than straight lines between stations.
const TRACK_BENDS: f64 = 1.05;
/// Ordinary lines set out from half past five to one at night, and night lines in between, s after midnight.
const SERVICE_S: [f64; 2] = [5.5 * HOUR_S, 25.0 * HOUR_S];
const NIGHT_S: [f64; 2] = [HOUR_S, 5.5 * HOUR_S];
const HOUR_S: f64 = 3600.0;

/// From the street down to a platform of the underground, s: a deep escalator.
const ESCALATOR_S: u32 = 100;
/// Stations of the underground that are nearer to each other than this are one, m: corridors join them.
const INTERCHANGE_M: f64 = 350.0;
/// On foot inside an interchange, m/s, and the steps at its ends, s.
const CORRIDOR_MPS: f64 = 1.2;
const CORRIDOR_STEPS_S: f64 = 40.0;

/// First and last day of the timetable: the demo city is the same on all of them.
const DAYS: [&str; 2] = ["20250101", "20391231"];

/// When a line sets out, seconds after midnight in order; `order` is its place among all lines. The same every day.
pub(super) fn departures(line: &Line, order: usize) -> Vec<f64> {
    let headway_s = f64::from(line.headway_s.max(1));
    let night = is_night_line(line);
    let [from_s, until_s] = if night { NIGHT_S } else { SERVICE_S };
    // Lines begin at different seconds, as drivers do.
    let mut next_s = from_s + (headway_s * (order as f64 * 0.618).fract()).floor();
    let mut all = Vec::new();
    while next_s < until_s {
        all.push(next_s);
        next_s += (headway_s / crowding(line, next_s)).round();
    }
    all
}

/// How much of its best service a line gives at a time: less in the evening.
fn crowding(line: &Line, at_s: f64) -> f64 {
    if is_night_line(line) { 1.0 } else { day::share(at_s).clamp(0.4, 1.0) }
}

fn is_night_line(line: &Line) -> bool {
    line.name.local.starts_with('Н') || line.name.english().starts_with('N')
}

/// The name of a line's run, as vehicles on the street and trips in the timetable have it.
pub(super) fn run_id(line: &Line, number: usize) -> String {
    format!("{}#{number}", line.id)
}

/// A call of a line: the stop, and the seconds since it set out at which it comes and goes.
struct Call {
    stop: u32,
    arrival_s: f64,
    departure_s: f64,
}

/// A city's lines as GTFS: tables by their names. A city without lines has none. `zone` is the IANA name of its time zone.
pub fn gtfs(city: &City, zone: &str) -> Vec<(&'static str, String)> {
    if city.transit.lines.is_empty() {
        return Vec::new();
    }
    let mut feed = Feed::new();
    feed.agencies(zone);
    let [first, last] = DAYS;
    feed.calendar.row(["daily", "1", "1", "1", "1", "1", "1", "1", first, last]);
    let used = used_by(city);
    feed.stops(city, &used);
    feed.on_demand(city, zone);
    for (order, line) in city.transit.lines.iter().enumerate() {
        feed.line(city, order, line);
    }
    feed.finish()
}

/// By stop: the mode of the first line that stops there.
fn used_by(city: &City) -> BTreeMap<u32, TransitMode> {
    let mut used = BTreeMap::new();
    for line in &city.transit.lines {
        for stop in &line.stops {
            used.entry(*stop).or_insert(line.mode);
        }
    }
    used
}

fn calls(city: &City, line: &Line) -> Vec<Call> {
    let call = |stop: u32, arrival_s: f64, dwell_s: f64| Call {
        stop,
        arrival_s: arrival_s.round(),
        departure_s: (arrival_s + dwell_s).round(),
    };
    if line.links.is_empty() {
        let mut at_s = 0.0;
        let mut calls = Vec::new();
        for (i, stop) in line.stops.iter().enumerate() {
            let here = city.transit.stops[*stop as usize].at;
            let before = i.checked_sub(1).map(|k| city.transit.stops[line.stops[k] as usize].at);
            at_s += before.map_or(0.0, |before| before.distance_m(here) * TRACK_BENDS / TRAIN_MPS);
            calls.push(call(*stop, at_s, TRAIN_DWELL_S));
            at_s += TRAIN_DWELL_S;
        }
        return calls;
    }
    let mut until_link = Vec::with_capacity(line.links.len());
    let mut metres = 0.0;
    for link in &line.links {
        until_link.push(metres);
        metres += city.network.link(*link).length_m;
    }
    let at = |(stop, k, halt): (u32, usize, model::demand::Halt)| {
        call(stop, (until_link[k] + halt.position_m) / CRUISE_MPS, DWELL_S)
    };
    halts(city, line).into_iter().map(at).collect()
}

/// A table as it grows.
struct Table {
    name: &'static str,
    rows: csv::Writer<Vec<u8>>,
}

impl Table {
    fn new<const N: usize>(name: &'static str, columns: [&str; N]) -> Table {
        let mut table = Table { name, rows: csv::Writer::from_writer(Vec::new()) };
        table.row(columns);
        table
    }

    fn row<const N: usize>(&mut self, values: [&str; N]) {
        self.rows
            .write_record(values)
            .expect("writing to memory does not fail, and all rows are as long as the first");
    }

    fn finish(self) -> (&'static str, String) {
        let bytes = self.rows.into_inner().expect("flushing to memory does not fail");
        (self.name, String::from_utf8(bytes).expect("only text was written"))
    }
}

struct Feed {
    agency: Table,
    calendar: Table,
    stops: Table,
    routes: Table,
    trips: Table,
    stop_times: Table,
    frequencies: Table,
    shapes: Table,
    pathways: Table,
    translations: Table,
    bookings: Table,
    /// Features of `locations.geojson`.
    locations: Vec<serde_json::Value>,
    known_routes: BTreeSet<String>,
    translated: BTreeSet<(&'static str, String)>,
}

impl Feed {
    fn new() -> Feed {
        Feed {
            agency: Table::new(
                "agency.txt",
                ["agency_id", "agency_name", "agency_url", "agency_timezone", "agency_lang"],
            ),
            calendar: Table::new(
                "calendar.txt",
                [
                    "service_id",
                    "monday",
                    "tuesday",
                    "wednesday",
                    "thursday",
                    "friday",
                    "saturday",
                    "sunday",
                    "start_date",
                    "end_date",
                ],
            ),
            stops: Table::new(
                "stops.txt",
                [
                    "stop_id",
                    "stop_name",
                    "stop_lat",
                    "stop_lon",
                    "location_type",
                    "parent_station",
                    "wheelchair_boarding",
                ],
            ),
            routes: Table::new(
                "routes.txt",
                [
                    "route_id",
                    "agency_id",
                    "route_short_name",
                    "route_long_name",
                    "route_type",
                    "route_color",
                    "route_text_color",
                ],
            ),
            trips: Table::new(
                "trips.txt",
                [
                    "route_id",
                    "service_id",
                    "trip_id",
                    "trip_headsign",
                    "direction_id",
                    "shape_id",
                    "wheelchair_accessible",
                    "safe_duration_factor",
                    "safe_duration_offset",
                ],
            ),
            stop_times: Table::new(
                "stop_times.txt",
                [
                    "trip_id",
                    "arrival_time",
                    "departure_time",
                    "stop_id",
                    "stop_sequence",
                    "location_id",
                    "start_pickup_drop_off_window",
                    "end_pickup_drop_off_window",
                    "pickup_type",
                    "drop_off_type",
                    "pickup_booking_rule_id",
                    "drop_off_booking_rule_id",
                ],
            ),
            frequencies: Table::new(
                "frequencies.txt",
                ["trip_id", "start_time", "end_time", "headway_secs", "exact_times"],
            ),
            shapes: Table::new(
                "shapes.txt",
                ["shape_id", "shape_pt_lat", "shape_pt_lon", "shape_pt_sequence"],
            ),
            pathways: Table::new(
                "pathways.txt",
                [
                    "pathway_id",
                    "from_stop_id",
                    "to_stop_id",
                    "pathway_mode",
                    "is_bidirectional",
                    "traversal_time",
                ],
            ),
            translations: Table::new(
                "translations.txt",
                ["table_name", "field_name", "language", "translation", "field_value"],
            ),
            bookings: Table::new(
                "booking_rules.txt",
                ["booking_rule_id", "booking_type", "prior_notice_duration_min"],
            ),
            locations: Vec::new(),
            known_routes: BTreeSet::new(),
            translated: BTreeSet::new(),
        }
    }

    fn agencies(&mut self, zone: &str) {
        for [id, name] in
            [["metro", "Метрополитен"], ["mcc", "Центральное кольцо"], ["surface", "Наземный транспорт"]]
        {
            self.agency.row([id, name, "https://example.org/", zone, "ru"]);
        }
    }

    fn stops(&mut self, city: &City, used: &BTreeMap<u32, TransitMode>) {
        let underground: Vec<u32> =
            used.iter().filter(|(_, mode)| **mode == TransitMode::Metro).map(|(stop, _)| *stop).collect();
        let stations = stations(city, &underground);
        for station in &stations {
            let first = &city.transit.stops[station[0] as usize];
            let id = format!("station-{}", first.id);
            self.stop(&id, first, ["1", "", "2"]);
            for &platform in station {
                let stop = &city.transit.stops[platform as usize];
                let entrance = format!("entrance-{}", stop.id);
                self.stop(stop.id.as_str(), stop, ["0", &id, "2"]);
                self.stop(&entrance, stop, ["2", &id, "2"]);
                let seconds = ESCALATOR_S.to_string();
                let way = format!("down-{}", stop.id);
                self.pathways.row([&way, &entrance, stop.id.as_str(), "4", "1", &seconds]);
            }
            for (i, &a) in station.iter().enumerate() {
                for &b in &station[i + 1..] {
                    let (a, b) = (&city.transit.stops[a as usize], &city.transit.stops[b as usize]);
                    let seconds = a.at.distance_m(b.at) / CORRIDOR_MPS + CORRIDOR_STEPS_S;
                    let (way, seconds) = (format!("{}-{}", a.id, b.id), format!("{seconds:.0}"));
                    self.pathways.row([&way, a.id.as_str(), b.id.as_str(), "2", "1", &seconds]);
                }
            }
        }
        for (&stop, _) in used.iter().filter(|(_, mode)| **mode != TransitMode::Metro) {
            let stop = &city.transit.stops[stop as usize];
            self.stop(stop.id.as_str(), stop, ["0", "", "1"]);
        }
    }

    fn stop(&mut self, id: &str, stop: &Stop, [kind, parent, wheelchair]: [&str; 3]) {
        let [lat, lon] = coordinates(stop.at);
        self.stops.row([id, &stop.name.local, &lat, &lon, kind, parent, wheelchair]);
        self.translate(["stops", "stop_name"], &stop.name);
    }

    /// Once for all rows that say the same.
    fn translate(&mut self, [table, field]: [&'static str; 2], name: &Name) {
        if let Some(english) = &name.en
            && self.translated.insert((table, name.local.clone()))
        {
            self.translations.row([table, field, "en", english, &name.local]);
        }
    }

    fn line(&mut self, city: &City, order: usize, line: &Line) {
        let calls = calls(city, line);
        let (Some(first), Some(last)) = (calls.first(), calls.last()) else { return };
        if calls.len() < 2 || line.headway_s == 0 {
            return;
        }
        let (route, part) = line.id.as_str().rsplit_once('-').unwrap_or((line.id.as_str(), "1"));
        let train = line.links.is_empty();
        let (agency, kind) = match line.mode {
            TransitMode::Metro => ("metro", "1"),
            TransitMode::Mcc => ("mcc", "109"),
            TransitMode::Tram => ("surface", "0"),
            TransitMode::Bus => ("surface", "3"),
        };
        if self.known_routes.insert(route.to_string()) {
            let colour = line.colour.trim_start_matches('#');
            let (short, long) = match train {
                true => (route.trim_start_matches("D-").trim_start_matches('M'), line.name.local.as_str()),
                false => (line.name.local.as_str(), ""),
            };
            // The circle's number on the maps of the underground.
            let short = if short == "CC" { "14" } else { short };
            self.routes.row([route, agency, short, long, kind, colour, letters_on(colour)]);
            if train {
                self.translate(["routes", "route_long_name"], &line.name);
            }
        }
        let (from, to) = (&city.transit.stops[first.stop as usize], &city.transit.stops[last.stop as usize]);
        // A ring leads nowhere: what it says is what the line is called.
        let sign = if from.id == to.id { &line.name } else { &to.name };
        self.translate(["trips", "trip_headsign"], sign);
        let headsign = sign.local.as_str();
        let back = part.parse::<u32>().is_ok_and(|part| part % 2 == 0);
        let wheelchair = if line.mode == TransitMode::Metro { "2" } else { "1" };
        let shape = line.id.as_str();
        for (i, point) in line.shape.iter().enumerate() {
            let [lat, lon] = coordinates(*point);
            self.shapes.row([shape, &lat, &lon, &i.to_string()]);
        }
        let trip = |feed: &mut Feed, id: &str, at_s: f64| {
            let direction = if back { "1" } else { "0" };
            feed.trips.row([route, "daily", id, headsign, direction, shape, wheelchair, "", ""]);
            for (i, call) in calls.iter().enumerate() {
                let stop = city.transit.stops[call.stop as usize].id.as_str();
                let [arrival, departure] = [call.arrival_s, call.departure_s].map(|s| clock(at_s + s));
                let number = (i + 1).to_string();
                feed.stop_times.row([id, &arrival, &departure, stop, &number, "", "", "", "", "", "", ""]);
            }
        };
        if train {
            trip(self, shape, 0.0);
            let [mut from_s, until_s] = SERVICE_S;
            while from_s < until_s {
                let next_s = ((from_s / HOUR_S).floor() + 1.0) * HOUR_S;
                let headway_s = f64::from(line.headway_s) / crowding(line, (from_s + next_s) / 2.0);
                let next_s = next_s.min(until_s);
                let headway = format!("{headway_s:.0}");
                self.frequencies.row([shape, &clock(from_s), &clock(next_s), &headway, "0"]);
                from_s = next_s;
            }
        } else {
            for (number, at_s) in departures(line, order).into_iter().enumerate() {
                trip(self, &run_id(line, number + 1), at_s);
            }
        }
    }

    fn finish(self) -> Vec<(&'static str, String)> {
        let Feed { agency, calendar, stops, routes, trips, stop_times, .. } = self;
        let Feed { frequencies, shapes, pathways, translations, bookings, locations, .. } = self;
        let tables = [agency, calendar, stops, routes, trips, stop_times, frequencies, shapes, pathways];
        let mut tables: Vec<_> = tables.into_iter().chain([translations]).map(Table::finish).collect();
        if !locations.is_empty() {
            tables.push(bookings.finish());
            let all = serde_json::json!({ "type": "FeatureCollection", "features": locations });
            tables.push(("locations.geojson", all.to_string()));
        }
        tables
    }
}

/// Platforms of the underground by station: those that corridors join belong together.
fn stations(city: &City, platforms: &[u32]) -> Vec<Vec<u32>> {
    let at = |stop: u32| city.transit.stops[stop as usize].at;
    let mut stations: Vec<Vec<u32>> = Vec::new();
    for &platform in platforms {
        let (near, mut rest): (Vec<_>, Vec<_>) = stations.into_iter().partition(|station| {
            station.iter().any(|&other| at(other).distance_m(at(platform)) < INTERCHANGE_M)
        });
        let mut joined: Vec<u32> = near.into_iter().flatten().collect();
        joined.push(platform);
        joined.sort_unstable();
        rest.push(joined);
        stations = rest;
    }
    stations.sort();
    stations
}

fn coordinates(at: LonLat) -> [String; 2] {
    [at.lat, at.lon].map(|degrees| format!("{degrees:.6}"))
}

/// `25:10:00`: GTFS counts on past midnight.
fn clock(seconds: f64) -> String {
    let s = seconds.round() as u64;
    format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

/// Black or white, whichever is easier to read on `rrggbb`.
fn letters_on(colour: &str) -> &'static str {
    let part = |from: usize| {
        colour.get(from..from + 2).and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or(0)
    };
    let light = part(0) * 299 + part(2) * 587 + part(4) * 114;
    if light > 150_000 { "000000" } else { "FFFFFF" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{demand::DemandStream, generator};
    use std::collections::BTreeMap;

    fn rows(tables: &[(&str, String)], name: &str) -> Vec<BTreeMap<String, String>> {
        let (_, text) = tables.iter().find(|(table, _)| *table == name).expect("the table is there");
        csv::Reader::from_reader(text.as_bytes())
            .deserialize()
            .map(|row| row.expect("it is a table"))
            .collect()
    }

    fn seconds(clock: &str) -> f64 {
        clock.split(':').fold(0.0, |s, part| s * 60.0 + part.parse::<f64>().expect("a number"))
    }

    #[test]
    fn buses_set_out_when_the_timetable_says() {
        let city = generator::moscow(60, 3);
        let tables = gtfs(&city, "Europe/Moscow");
        let first: BTreeMap<String, f64> = rows(&tables, "stop_times.txt")
            .iter()
            .rev()
            .filter(|row| row["location_id"].is_empty())
            .map(|row| (row["trip_id"].clone(), seconds(&row["arrival_time"])))
            .collect();
        let begin_s = 8.0 * 3600.0;
        let mut stream = DemandStream::new(&city, 300, 1, begin_s);
        let vehicles: Vec<_> =
            stream.trips_until(begin_s + 1800.0).into_iter().filter(|trip| trip.id.contains('#')).collect();
        assert!(vehicles.len() > 30, "only {} vehicles", vehicles.len());
        let mut set_out = 0;
        for vehicle in vehicles {
            let at_s = *first.get(&vehicle.id).unwrap_or_else(|| panic!("no trip {}", vehicle.id));
            if vehicle.depart_s > begin_s {
                set_out += 1;
                let ahead_s = at_s - vehicle.depart_s;
                assert!((0.0..300.0).contains(&ahead_s), "{}: the first stop in {ahead_s} s", vehicle.id);
            } else {
                assert!(at_s < begin_s + 300.0, "{} is on its way already at the begin", vehicle.id);
            }
        }
        assert!(set_out > 20, "only {set_out} set out");
    }

    #[test]
    fn all_kinds_of_lines_are_there() {
        let city = generator::moscow(1000, 1);
        let tables = gtfs(&city, "Europe/Moscow");
        for kind in ["0", "1", "3", "109"] {
            let count = rows(&tables, "routes.txt").iter().filter(|row| row["route_type"] == kind).count();
            assert!(count > 0, "no route of type {kind}");
        }
        assert!(
            rows(&tables, "stop_times.txt").iter().all(|row| row["arrival_time"] <= row["departure_time"])
        );
    }

    #[test]
    fn around_the_last_stations_buses_come_on_demand() {
        let city = generator::moscow(1000, 1);
        let tables = gtfs(&city, "Europe/Moscow");
        let windows =
            rows(&tables, "stop_times.txt").into_iter().filter(|row| !row["location_id"].is_empty());
        let zones: Vec<String> = windows.map(|row| row["location_id"].clone()).collect();
        let (_, areas) = tables.iter().find(|(name, _)| *name == "locations.geojson").expect("it has zones");
        let areas: serde_json::Value = serde_json::from_str(areas).expect("it is JSON");
        let areas = areas["features"].as_array().expect("a list");
        assert!(areas.len() > 1, "only {} zones", areas.len());
        for area in areas {
            let id = area["id"].as_str().expect("a name");
            assert_eq!(zones.iter().filter(|zone| *zone == id).count(), 2, "one gets on and off in {id}");
            let ring = area["geometry"]["coordinates"][0].as_array().expect("a ring");
            assert_eq!(ring.first(), ring.last(), "{id} is not closed");
        }
    }

    #[test]
    fn a_city_without_lines_has_no_timetable() {
        let mut city = generator::moscow(20, 3);
        city.transit.lines.clear();
        assert!(gtfs(&city, "Europe/Moscow").is_empty());
    }
}
