//! From tables to a [`Feed`].

use super::{
    archive::Archive,
    calendar::{Day, LONGEST_SERVICE_DAYS, Service},
    fares, flex,
    records::{
        Agency, Feed, Frequency, Mode, Pathway, PathwayKind, Route, Stop, StopKind, Transfer, TransferRule,
        Trip, Wheelchair,
    },
    report::{
        Remedy::{LeftOut, Repaired},
        Report,
    },
    stop_times,
    table::Table,
};
use model::{
    config::{Complaint, Complaints},
    geo::LonLat,
};
use std::collections::HashMap;

/// Speed inside stations, m/s: slower than on streets, since people stand in the way.
const STATION_SPEED_MPS: f64 = 1.2;
/// Waiting for a lift and riding in it, s.
const LIFT_S: u32 = 60;
/// One step of stairs, s.
const STEP_S: f64 = 0.6;
/// The steepest ramp that a wheelchair takes by itself: 1 in 12.
const STEEPEST_RAMP: f64 = 1.0 / 12.0;

/// Tables that are known and not used, and what is lost by that.
const NOT_USED: [(&str, &str); 2] = [
    (
        "fare_attributes.txt",
        "holds fares of the older kind (v1), which are not read beside those of the newer",
    ),
    ("fare_rules.txt", "holds fares of the older kind (v1), which are not read beside those of the newer"),
];

/// Indices of rows by their ids.
pub(super) type Ids = HashMap<String, u32>;

/// Reads a feed. What is wrong is in `report`; a feed that cannot be used at all is refused with complaints.
pub fn read(mut archive: Archive, tag: &str, report: &mut Report) -> Result<Feed, Complaints> {
    let mut refused = Complaints::default();
    if let Some(folder) = archive.inner_folder.take() {
        let remedy = Repaired("read from there");
        report.add(tag, 0, format!("{folder:?}"), "is a folder in which the tables lie", remedy);
    }
    let mut feed = Feed { tag: tag.to_string(), ..Feed::default() };
    let mut need = |name: &'static str, found: bool| {
        if !found {
            refused.push(Complaint::whole(
                format!("{tag}/{name}"),
                "the table is missing or holds no usable row",
            ));
        }
    };
    let agencies = read_agencies(&mut feed, &mut archive, report);
    need("agency.txt", !feed.agencies.is_empty());
    let levels = read_levels(&mut archive, tag, report);
    let stops = read_stops(&mut feed, &mut archive, &levels, report);
    // Buses on demand may drive from door to door only.
    need("stops.txt", !feed.stops.is_empty() || archive.left().any(|name| name == flex::LOCATIONS));
    let services = read_services(&mut feed, &mut archive, report);
    need("calendar.txt", !feed.services.is_empty());
    if !feed.agencies.is_empty() {
        let (routes, networks) = read_routes(&mut feed, &mut archive, &agencies, report);
        need("routes.txt", !feed.routes.is_empty());
        let shapes = read_shapes(&mut feed, &mut archive, report);
        let (trips, durations) = read_trips(&mut feed, &mut archive, [&routes, &services, &shapes], report);
        need("trips.txt", !feed.trips.is_empty());
        let demand = flex::Reader::new(&feed, &mut archive, [&stops, &services], report);
        let trips = stop_times::read(&mut feed, &mut archive, [&trips, &stops], (demand, &durations), report);
        need("stop_times.txt", !(feed.calls.is_empty() && feed.on_demand.trips.is_empty()));
        read_frequencies(&mut feed, &mut archive, &trips, report);
        fares::read(&mut feed, &mut archive, [&stops, &routes, &services], networks, report);
    }
    read_transfers(&mut feed, &mut archive, &stops, report);
    read_pathways(&mut feed, &mut archive, &stops, report);
    read_translations(&mut feed, &mut archive, &stops, report);
    let left: Vec<String> = archive.left().map(str::to_string).collect();
    for (name, what) in NOT_USED.iter().filter(|(name, _)| left.iter().any(|l| l == name)) {
        report.add(&format!("{tag}/{name}"), 0, "", what, LeftOut);
    }
    refused.or(feed)
}

/// Takes an id that must be there once; a row without, or with one that was seen, is a fault.
pub(super) fn new_id(table: &mut Table<'_>, ids: &mut Ids, id: String, index: usize) -> bool {
    if id.is_empty() {
        table.fault("a row", "has no id", LeftOut);
        return false;
    }
    if ids.contains_key(&id) {
        table.fault(format!("{id:?}"), "stands there a second time", LeftOut);
        return false;
    }
    ids.insert(id, index as u32);
    true
}

fn read_agencies(feed: &mut Feed, archive: &mut Archive, report: &mut Report) -> Ids {
    let mut ids = Ids::new();
    let Some(mut table) = Table::open(archive, &feed.tag, "agency.txt", report) else { return ids };
    let [id, name, url, zone] = table.columns(["agency_id", "agency_name", "agency_url", "agency_timezone"]);
    while table.advance() {
        let agency = Agency {
            id: table.text(id).to_string(),
            name: table.text(name).to_string(),
            url: table.text(url).to_string(),
            zone: table.text(zone).to_string(),
        };
        if jiff::tz::TimeZone::get(&agency.zone).is_err() {
            let record = format!("agency {:?}, zone {:?}", agency.name, agency.zone);
            table.fault(record, "has no time zone that is known", LeftOut);
            continue;
        }
        if ids.contains_key(&agency.id) {
            table.fault(format!("{:?}", agency.id), "stands there a second time", LeftOut);
            continue;
        }
        ids.insert(agency.id.clone(), feed.agencies.len() as u32);
        feed.agencies.push(agency);
    }
    ids
}

fn read_levels(archive: &mut Archive, tag: &str, report: &mut Report) -> HashMap<String, f32> {
    let mut levels = HashMap::new();
    let Some(mut table) = Table::open(archive, tag, "levels.txt", report) else { return levels };
    let [id, index] = table.columns(["level_id", "level_index"]);
    while table.advance() {
        let record = table.text(id).to_string();
        match table.number::<f32>(index) {
            Ok(Some(level)) if level.is_finite() => drop(levels.insert(record, level)),
            _ => table.fault(format!("{record:?}"), "has no number of its level", LeftOut),
        }
    }
    levels
}

fn read_stops(
    feed: &mut Feed,
    archive: &mut Archive,
    levels: &HashMap<String, f32>,
    report: &mut Report,
) -> Ids {
    let mut ids = Ids::new();
    let Some(mut table) = Table::open(archive, &feed.tag, "stops.txt", report) else { return ids };
    let [id, code, name, lat, lon] =
        table.columns(["stop_id", "stop_code", "stop_name", "stop_lat", "stop_lon"]);
    let [kind, parent, platform, level, wheelchair, zone] = table.columns([
        "location_type",
        "parent_station",
        "platform_code",
        "level_id",
        "wheelchair_boarding",
        "zone_id",
    ]);
    // Parents may stand below their parts; a stop without coordinates takes its station's.
    let (mut parents, mut nowhere) = (Vec::new(), Vec::new());
    while table.advance() {
        let key = table.text(id).to_string();
        if !new_id(&mut table, &mut ids, key.clone(), feed.stops.len()) {
            continue;
        }
        let record = format!("{key:?}");
        let kind = match table.code(kind, 0..=4, 0, &record, "has an unknown location_type") {
            1 => StopKind::Station,
            2 => StopKind::Entrance,
            3 => StopKind::Node,
            4 => StopKind::BoardingArea,
            _ => StopKind::Platform,
        };
        let wheelchair = table.code(wheelchair, 0..=2, 0, &record, "has an unknown wheelchair_boarding");
        let level = match table.text(level) {
            "" => 0.0,
            level => match levels.get(level) {
                Some(&level) => level,
                None => {
                    table.fault(
                        &record,
                        "is on a level that levels.txt does not have",
                        Repaired("on level 0"),
                    );
                    0.0
                }
            },
        };
        let at = match (table.number(lat), table.number(lon)) {
            (Ok(Some(lat)), Ok(Some(lon))) => Some(LonLat { lon, lat }),
            _ => None,
        };
        // Null island is where those are who have no coordinates.
        let at = at.filter(|at| at.is_valid() && (at.lat != 0.0 || at.lon != 0.0));
        if at.is_none() {
            nowhere.push((feed.stops.len(), table.line()));
        }
        if let Some(parent) = table.optional(parent) {
            parents.push((feed.stops.len(), table.line(), parent));
        }
        let name = table
            .optional(name)
            .unwrap_or_else(|| if kind == StopKind::Node { String::new() } else { key.clone() });
        feed.stops.push(Stop {
            id: key,
            code: table.optional(code),
            name,
            at: at.unwrap_or(LonLat { lon: f64::NAN, lat: f64::NAN }),
            kind,
            parent: None,
            platform: table.optional(platform),
            level,
            zone: table.optional(zone),
            wheelchair: Wheelchair::of(wheelchair),
        });
    }
    let file = table.file.clone();
    for (i, line, parent) in parents {
        let holds = |kind: StopKind, parent: StopKind| match kind {
            StopKind::BoardingArea => parent == StopKind::Platform,
            StopKind::Station => false,
            _ => parent == StopKind::Station,
        };
        match ids.get(&parent).map(|&p| (p, feed.stops[p as usize].kind)) {
            Some((p, kind)) if holds(feed.stops[i].kind, kind) => {
                feed.stops[i].parent = Some(p);
                if feed.stops[i].wheelchair == Wheelchair::Unknown {
                    feed.stops[i].wheelchair = feed.stops[p as usize].wheelchair;
                }
            }
            _ => {
                let record = format!("{:?}, parent {parent:?}", feed.stops[i].id);
                report.add(
                    &file,
                    line,
                    record,
                    "has a parent that cannot be its station",
                    Repaired("without parent"),
                );
            }
        }
    }
    let mut lost = Vec::new();
    for (i, line) in nowhere {
        let record = format!("{:?}", feed.stops[i].id);
        let station = feed.stops[i].parent.map(|p| feed.stops[p as usize].at).filter(|at| at.lat.is_finite());
        match station {
            Some(at) => {
                feed.stops[i].at = at;
                report.add(&file, line, record, "has no coordinates", Repaired("at its station's"));
            }
            None => {
                report.add(&file, line, record, "has no coordinates", LeftOut);
                lost.push(i);
            }
        }
    }
    if !lost.is_empty() {
        forget_stops(&mut feed.stops, &mut ids, &lost);
    }
    ids
}

/// Takes out the stops at `lost`, which is in order, and renumbers the rest.
fn forget_stops(stops: &mut Vec<Stop>, ids: &mut Ids, lost: &[usize]) {
    let renumber = |old: u32| match lost.binary_search(&(old as usize)) {
        Ok(_) => None,
        Err(before) => Some(old - before as u32),
    };
    let mut old = 0;
    stops.retain(|_| {
        old += 1;
        renumber(old - 1).is_some()
    });
    for stop in stops.iter_mut() {
        stop.parent = stop.parent.and_then(renumber);
    }
    ids.retain(|_, index| renumber(*index).map(|new| *index = new).is_some());
}

fn read_services(feed: &mut Feed, archive: &mut Archive, report: &mut Report) -> Ids {
    const WEEKDAYS: [&str; 7] =
        ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let mut ids = Ids::new();
    if let Some(mut table) = Table::open(archive, &feed.tag, "calendar.txt", report) {
        let [id, first, last] = table.columns(["service_id", "start_date", "end_date"]);
        let weekdays = table.columns(WEEKDAYS);
        while table.advance() {
            let key = table.text(id).to_string();
            let (Some(first), Some(last)) = (Day::parse(table.text(first)), Day::parse(table.text(last)))
            else {
                table.fault(format!("{key:?}"), "has no first or last day", LeftOut);
                continue;
            };
            if first > last {
                table.fault(format!("{key:?}"), "ends before it begins", LeftOut);
                continue;
            }
            if last.0 - first.0 > LONGEST_SERVICE_DAYS {
                table.fault(
                    format!("{key:?}"),
                    "runs for longer than twenty years",
                    Repaired("cut at twenty"),
                );
            }
            if !new_id(&mut table, &mut ids, key.clone(), feed.services.len()) {
                continue;
            }
            let record = format!("{key:?}");
            let runs = weekdays
                .map(|day| table.code(day, 0..=1, 0, &record, "says of a weekday neither 0 nor 1") == 1);
            feed.services.push(Service::weekly(runs, first, last));
        }
    }
    if let Some(mut table) = Table::open(archive, &feed.tag, "calendar_dates.txt", report) {
        let [id, date, exception] = table.columns(["service_id", "date", "exception_type"]);
        while table.advance() {
            let key = table.text(id).to_string();
            let (day, exception) = (Day::parse(table.text(date)), table.number::<u8>(exception));
            let (Some(day), Ok(Some(exception @ 1..=2))) = (day, exception) else {
                table.fault(format!("{key:?}"), "has no day, or says neither 1 nor 2 of it", LeftOut);
                continue;
            };
            if key.is_empty() {
                table.fault("a row", "has no id", LeftOut);
                continue;
            }
            let service = *ids.entry(key).or_insert_with(|| {
                feed.services.push(Service::default());
                feed.services.len() as u32 - 1
            });
            feed.services[service as usize].set(day, exception == 1);
        }
    }
    let mut idle: Vec<&String> = ids
        .iter()
        .filter(|(_, ix)| feed.services[**ix as usize].span().is_none())
        .map(|(id, _)| id)
        .collect();
    idle.sort();
    for id in idle {
        let file = format!("{}/calendar.txt", feed.tag);
        report.add(&file, 0, format!("{id:?}"), "runs on no day", Repaired("its trips never run"));
    }
    ids
}

/// The routes' ids, and by route the network that it names itself.
fn read_routes(
    feed: &mut Feed,
    archive: &mut Archive,
    agencies: &Ids,
    report: &mut Report,
) -> (Ids, Vec<Option<String>>) {
    let (mut ids, mut networks) = (Ids::new(), Vec::new());
    let Some(mut table) = Table::open(archive, &feed.tag, "routes.txt", report) else {
        return (ids, networks);
    };
    let [id, agency, short, long] =
        table.columns(["route_id", "agency_id", "route_short_name", "route_long_name"]);
    let [kind, colour, text_colour, network] =
        table.columns(["route_type", "route_color", "route_text_color", "network_id"]);
    while table.advance() {
        let key = table.text(id).to_string();
        if !new_id(&mut table, &mut ids, key.clone(), feed.routes.len()) {
            continue;
        }
        let record = format!("{key:?}");
        let agency = match (table.text(agency), feed.agencies.len()) {
            ("", 1) => 0,
            (name, _) => agencies.get(name).copied().unwrap_or_else(|| {
                table.fault(&record, "has no agency that agency.txt has", Repaired("the first agency's"));
                0
            }),
        };
        let route_type = table.number::<u16>(kind).ok().flatten();
        let (route_type, mode) = match route_type.and_then(|code| Some((code, Mode::of_route_type(code)?))) {
            Some(known) => known,
            None => {
                table.fault(&record, "has no route_type that is known", Repaired("shown as OTHER"));
                (1700, Mode::Other)
            }
        };
        let mut paint = |column| {
            let colour = table.optional(column)?;
            let sound = colour.len() == 6 && colour.bytes().all(|b| b.is_ascii_hexdigit());
            if !sound {
                table.fault(format!("{record}, colour {colour:?}"), "has a colour that is none", LeftOut);
            }
            sound.then_some(colour)
        };
        let (colour, text_colour) = (paint(colour), paint(text_colour));
        // Some publishers write a dash for a name.
        let long_name = table.text(long).trim_matches(['-', ' ']).to_string();
        let short_name = table.text(short).to_string();
        networks.push(table.optional(network));
        feed.routes.push(Route {
            id: key,
            agency,
            short_name,
            long_name,
            mode,
            route_type,
            colour,
            text_colour,
        });
    }
    (ids, networks)
}

fn read_shapes(feed: &mut Feed, archive: &mut Archive, report: &mut Report) -> Ids {
    let mut ids = Ids::new();
    let Some(mut table) = Table::open(archive, &feed.tag, "shapes.txt", report) else { return ids };
    table = table.each_once();
    let [id, lat, lon, sequence] =
        table.columns(["shape_id", "shape_pt_lat", "shape_pt_lon", "shape_pt_sequence"]);
    let mut numbered: Vec<Vec<(u32, LonLat)>> = Vec::new();
    while table.advance() {
        let key = table.text(id);
        let place = match (table.number(lat), table.number(lon), table.number::<u32>(sequence)) {
            (Ok(Some(lat)), Ok(Some(lon)), Ok(Some(n))) if (LonLat { lon, lat }).is_valid() => {
                Some((n, LonLat { lon, lat }))
            }
            _ => None,
        };
        let Some(place) = place.filter(|_| !key.is_empty()) else {
            let record = format!("{key:?}");
            table.fault(record, "has a point without place or number", LeftOut);
            continue;
        };
        let shape = match ids.get(key) {
            Some(&shape) => shape,
            None => {
                let shape = numbered.len() as u32;
                ids.insert(key.to_string(), shape);
                numbered.push(Vec::new());
                shape
            }
        };
        numbered[shape as usize].push(place);
    }
    let file = table.file.clone();
    let mut alone: Vec<&String> =
        ids.iter().filter(|(_, ix)| numbered[**ix as usize].len() < 2).map(|(id, _)| id).collect();
    alone.sort();
    for id in alone {
        report.add(
            &file,
            0,
            format!("{id:?}"),
            "is a line of one point",
            Repaired("drawn from stop to stop"),
        );
    }
    let in_order = |mut points: Vec<(u32, LonLat)>| {
        points.sort_by_key(|(n, _)| *n);
        points.into_iter().map(|(_, at)| at).collect()
    };
    feed.shapes = numbered.into_iter().map(in_order).collect();
    ids
}

/// The trips' ids, and by trip how long rides on demand take.
fn read_trips(
    feed: &mut Feed,
    archive: &mut Archive,
    [routes, services, shapes]: [&Ids; 3],
    report: &mut Report,
) -> (Ids, Vec<[Option<f64>; 2]>) {
    let (mut ids, mut durations) = (Ids::new(), Vec::new());
    let Some(mut table) = Table::open(archive, &feed.tag, "trips.txt", report) else {
        return (ids, durations);
    };
    let takes = table.columns(["safe_duration_factor", "safe_duration_offset"]);
    let [id, route, service, headsign, shape, wheelchair, bicycles] = table.columns([
        "trip_id",
        "route_id",
        "service_id",
        "trip_headsign",
        "shape_id",
        "wheelchair_accessible",
        "bikes_allowed",
    ]);
    while table.advance() {
        let key = table.text(id).to_string();
        let record = format!("{key:?}");
        let Some(&route) = routes.get(table.text(route)) else {
            table.fault(record, "is of a route that routes.txt does not have", LeftOut);
            continue;
        };
        let Some(&service) = services.get(table.text(service)) else {
            table.fault(record, "has a service that no calendar has", LeftOut);
            continue;
        };
        if !new_id(&mut table, &mut ids, key.clone(), feed.trips.len()) {
            continue;
        }
        let shape = match table.text(shape) {
            "" => None,
            name => {
                let known = shapes.get(name).copied();
                if known.is_none() {
                    let remedy = Repaired("drawn from stop to stop");
                    table.fault(&record, "has a shape that shapes.txt does not have", remedy);
                }
                known
            }
        };
        let wheelchair = table.code(wheelchair, 0..=2, 0, &record, "has an unknown wheelchair_accessible");
        let bicycles = table.code(bicycles, 0..=2, 0, &record, "has an unknown bikes_allowed");
        durations.push(flex::durations(&mut table, takes, &key));
        feed.trips.push(Trip {
            id: key,
            route,
            service,
            headsign: table.text(headsign).to_string(),
            shape,
            wheelchair: Wheelchair::of(wheelchair),
            takes_bicycles: bicycles == 1,
            calls: 0..0,
            starts_s: 0,
        });
    }
    (ids, durations)
}

fn read_frequencies(feed: &mut Feed, archive: &mut Archive, trips: &Ids, report: &mut Report) {
    let Some(mut table) = Table::open(archive, &feed.tag, "frequencies.txt", report) else { return };
    table = table.each_once();
    let [trip, from, until, headway, exact] =
        table.columns(["trip_id", "start_time", "end_time", "headway_secs", "exact_times"]);
    while table.advance() {
        let record = format!("{:?}", table.text(trip));
        let Some(&trip) = trips.get(table.text(trip)) else {
            table.fault(record, "is of a trip that is not there", LeftOut);
            continue;
        };
        let (from, until) = (stop_times::seconds(table.text(from)), stop_times::seconds(table.text(until)));
        let (Some(from_s), Some(until_s), Ok(Some(headway_s @ 1..))) =
            (from, until, table.number::<u32>(headway))
        else {
            table.fault(record, "has no times, or no headway above zero", LeftOut);
            continue;
        };
        if until_s <= from_s {
            table.fault(record, "ends before it begins", LeftOut);
            continue;
        }
        let exact = table.code(exact, 0..=1, 0, &record, "has an unknown exact_times") == 1;
        feed.frequencies.push(Frequency { trip, from_s, until_s, headway_s, exact });
    }
}

fn read_transfers(feed: &mut Feed, archive: &mut Archive, stops: &Ids, report: &mut Report) {
    let Some(mut table) = Table::open(archive, &feed.tag, "transfers.txt", report) else { return };
    table = table.each_once();
    let [from, to, kind, seconds] =
        table.columns(["from_stop_id", "to_stop_id", "transfer_type", "min_transfer_time"]);
    let narrow = table.columns(["from_route_id", "to_route_id", "from_trip_id", "to_trip_id"]);
    while table.advance() {
        let record = format!("{:?} to {:?}", table.text(from), table.text(to));
        if narrow.iter().any(|&column| !table.text(column).is_empty()) {
            table.fault(record, "holds for some routes or trips only, which is not followed yet", LeftOut);
            continue;
        }
        let (Some(&from), Some(&to)) = (stops.get(table.text(from)), stops.get(table.text(to))) else {
            table.fault(record, "names a stop that is not there", LeftOut);
            continue;
        };
        let kind = table.number::<u8>(kind).map(|kind| kind.unwrap_or(0));
        if kind != Ok(2) {
            table.positive(seconds, &record);
        }
        let rule = match (kind, table.number::<u32>(seconds)) {
            (Ok(0), _) => TransferRule::Recommended,
            (Ok(1), _) => TransferRule::Timed,
            (Ok(2), Ok(Some(seconds))) => TransferRule::Takes(seconds),
            (Ok(2), _) => {
                table.fault(record, "has no time although it says that it takes some", LeftOut);
                continue;
            }
            (Ok(3), _) => TransferRule::Forbidden,
            (Ok(4 | 5), _) => {
                table.fault(record, "is for staying seated, which is not followed yet", LeftOut);
                continue;
            }
            _ => {
                table.fault(record, "has an unknown transfer_type", LeftOut);
                continue;
            }
        };
        feed.transfers.push(Transfer { from, to, rule });
    }
}

fn read_pathways(feed: &mut Feed, archive: &mut Archive, stops: &Ids, report: &mut Report) {
    let Some(mut table) = Table::open(archive, &feed.tag, "pathways.txt", report) else { return };
    table = table.each_once();
    let [id, from, to, mode, both] =
        table.columns(["pathway_id", "from_stop_id", "to_stop_id", "pathway_mode", "is_bidirectional"]);
    let [length, time, stairs, slope] =
        table.columns(["length", "traversal_time", "stair_count", "max_slope"]);
    while table.advance() {
        let record = format!("{:?}", table.text(id));
        let (Some(&from), Some(&to)) = (stops.get(table.text(from)), stops.get(table.text(to))) else {
            table.fault(record, "names a stop that is not there", LeftOut);
            continue;
        };
        let kind = match table.number::<u8>(mode) {
            Ok(Some(1)) => PathwayKind::Walkway,
            Ok(Some(2)) => PathwayKind::Stairs,
            Ok(Some(3)) => PathwayKind::Travelator,
            Ok(Some(4)) => PathwayKind::Escalator,
            Ok(Some(5)) => PathwayKind::Lift,
            Ok(Some(6)) => PathwayKind::FareGate,
            Ok(Some(7)) => PathwayKind::ExitGate,
            _ => {
                table.fault(record, "has no pathway_mode that is known", LeftOut);
                continue;
            }
        };
        let both_ways = table.code(both, 0..=1, 0, &record, "has an unknown is_bidirectional") == 1;
        let [length_m, time_s, steps] = [length, time, stairs].map(|column| match column {
            // Fewer than none: stairs that lead down.
            column if column == stairs => table.number::<f64>(column).ok().flatten().map(f64::abs),
            column => table.positive(column, &record),
        });
        if table.number::<f64>(stairs).is_err() || table.number::<f64>(slope).is_err() {
            table.fault(&record, "has a number that is none", Repaired("as if it were not given"));
        }
        let apart_m = feed.stops[from as usize].at.distance_m(feed.stops[to as usize].at);
        let seconds = time_s.unwrap_or_else(|| match kind {
            PathwayKind::Lift => f64::from(LIFT_S),
            _ => (length_m.unwrap_or(apart_m) / STATION_SPEED_MPS).max(steps.unwrap_or(0.0) * STEP_S),
        });
        let steep = table.number::<f64>(slope).ok().flatten().is_some_and(|s| s.abs() > STEEPEST_RAMP);
        let step_free = !matches!(kind, PathwayKind::Stairs | PathwayKind::Escalator) && !steep;
        feed.pathways.push(Pathway { from, to, kind, both_ways, seconds: seconds.ceil() as u32, step_free });
    }
}

/// Tables of which something may be translated; not all of it is shown.
const TRANSLATED: [&str; 9] =
    ["agency", "attributions", "feed_info", "levels", "pathways", "routes", "stop_times", "stops", "trips"];

/// English words for what stands in the feed. Other languages are the reader's own, or nobody's here.
fn read_translations(feed: &mut Feed, archive: &mut Archive, stops: &Ids, report: &mut Report) {
    let Some(mut table) = Table::open(archive, &feed.tag, "translations.txt", report) else { return };
    let [kind, field, language, translation] =
        table.columns(["table_name", "field_name", "language", "translation"]);
    let [record, value] = table.columns(["record_id", "field_value"]);
    while table.advance() {
        let said = matches!(
            (table.text(kind), table.text(field)),
            ("stops", "stop_name")
                | ("routes", "route_long_name")
                | ("trips", "trip_headsign")
                | ("stop_times", "stop_headsign")
                | ("agency", "agency_name")
        );
        let english = table.text(language).to_ascii_lowercase().starts_with("en");
        let words = table.text(translation).to_string();
        if !TRANSLATED.contains(&table.text(kind))
            || [field, language].iter().any(|c| table.text(*c).is_empty())
        {
            let record = format!("{:?} of {:?}", table.text(field), table.text(kind));
            table.fault(record, "does not say what it translates, or into what", LeftOut);
            continue;
        }
        if !said || !english || words.is_empty() {
            continue;
        }
        let id = table.text(record);
        let local = match (table.text(value), table.text(kind)) {
            ("", "stops") => stops.get(id).map(|&stop| feed.stops[stop as usize].name.clone()),
            ("", "routes") => {
                feed.routes.iter().find(|route| route.id == id).map(|route| route.long_name.clone())
            }
            ("", "trips") => feed.trips.iter().find(|trip| trip.id == id).map(|trip| trip.headsign.clone()),
            ("", "agency") => {
                feed.agencies.iter().find(|agency| agency.id == id).map(|agency| agency.name.clone())
            }
            ("", _) => None,
            (value, _) => Some(value.to_string()),
        };
        match local {
            Some(local) => drop(feed.english.entry(local).or_insert(words)),
            None => {
                let record = format!("{id:?}");
                table.fault(record, "translates a record that is not there", LeftOut);
            }
        }
    }
}
