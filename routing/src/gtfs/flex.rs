//! Vehicles that come when they are asked for (GTFS-Flex): where, when, and how one asks.

use super::{
    archive::Archive,
    read::{Ids, new_id},
    records::{Feed, Wheelchair},
    report::{
        Remedy::{LeftOut, Repaired},
        Report,
    },
    stop_times::seconds,
    table::{Column, Table},
};
use geojson::GeometryValue;
use model::geo::LonLat;
use serde::{Deserialize, Serialize};

/// The file of areas.
pub(super) const LOCATIONS: &str = "locations.geojson";

/// What a feed says of vehicles on demand. What one row says of another is an index.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct OnDemand {
    /// Where they come.
    pub zones: Vec<Zone>,
    /// How one asks for them.
    pub bookings: Vec<Booking>,
    /// When they come.
    pub trips: Vec<DemandTrip>,
}

/// Where vehicles come on demand.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Zone {
    /// Its id in the feed: of a location, a location group, or a stop.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What belongs to it.
    pub within: Within,
}

/// What belongs to a zone.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Within {
    /// Any place in one of these areas.
    Areas(Vec<Area>),
    /// These stops.
    Stops(Vec<u32>),
}

/// A ring of points, and the rings that are cut out of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Area(pub Vec<Vec<LonLat>>);

impl Area {
    /// Whether a place is in it: a line from there to the east crosses its rings an odd number of times.
    pub fn holds(&self, at: LonLat) -> bool {
        let crosses = |[a, b]: [LonLat; 2]| {
            (a.lat > at.lat) != (b.lat > at.lat)
                && at.lon < a.lon + (at.lat - a.lat) / (b.lat - a.lat) * (b.lon - a.lon)
        };
        let edges = self.0.iter().flat_map(|ring| ring.windows(2).map(|edge| [edge[0], edge[1]]));
        edges.filter(|edge| crosses(*edge)).count() % 2 == 1
    }
}

/// How one asks for a vehicle, and until when.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Booking {
    /// Its id in the feed.
    pub id: String,
    /// How long before.
    pub notice: Notice,
    /// What riders are told; when they are picked up; when they get off.
    pub messages: [Option<String>; 3],
    /// Whom to call.
    pub phone: Option<String>,
    /// Where more is written.
    pub info_url: Option<String>,
    /// Where one asks online.
    pub booking_url: Option<String>,
}

/// How long before the ride one asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Notice {
    /// Whenever one wants to leave.
    #[default]
    None,
    /// So many minutes at least, and perhaps at most.
    Minutes(u32, Option<u32>),
    /// Some days before at a time of the day at the latest, and perhaps not sooner than another.
    Days(DayBefore, Option<DayBefore>),
}

/// A time on a day before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DayBefore {
    /// So many days before.
    pub days: u16,
    /// Seconds after midnight.
    pub at_s: u32,
    /// Only days of this service are counted.
    pub service: Option<u32>,
}

/// A vehicle that comes on the days of a service.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DemandTrip {
    /// Its id in the feed.
    pub id: String,
    /// Its line.
    pub route: u32,
    /// Its days.
    pub service: u32,
    /// Whether a wheelchair can be taken.
    pub wheelchair: Wheelchair,
    /// A ride takes so many times as long as driving there without detours.
    pub factor: f64,
    /// And so long more, s.
    pub offset_s: f64,
    /// Where it comes, in order: one is taken from one of these to a later one. At least two.
    pub stays: Vec<Stay>,
}

/// When a vehicle comes to a zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Stay {
    /// The zone.
    pub zone: u32,
    /// Between these times, seconds since the service day began.
    pub window_s: [u32; 2],
    /// How one asks to be picked up there; `None` if nobody is, and in it `None` if the feed does not say how.
    pub picks_up: Option<Option<u32>>,
    /// The same for getting off there.
    pub drops_off: Option<Option<u32>>,
}

/// A row of `stop_times.txt` that has a window and no times.
struct Row {
    trip: u32,
    sequence: u32,
    stay: Stay,
}

/// Reads what `stop_times.txt` says of vehicles on demand.
pub(super) struct Reader {
    ids: [Ids; 3],
    /// By stop: the zone of that stop alone, if one was needed.
    alone: Ids,
    rows: Vec<Row>,
    said: OnDemand,
}

/// Columns of `stop_times.txt`.
pub(super) struct Columns {
    places: [Column; 3],
    windows: [Column; 2],
    rules: [Column; 2],
    bookings: [Column; 2],
    sequence: Column,
}

impl Reader {
    /// Reads the other tables.
    pub(super) fn new(
        feed: &Feed,
        archive: &mut Archive,
        [stops, services]: [&Ids; 2],
        report: &mut Report,
    ) -> Reader {
        let mut said = OnDemand::default();
        let mut locations = Ids::new();
        read_locations(&mut said, &mut locations, archive, &feed.tag, report);
        let groups = read_groups(&mut said, archive, &feed.tag, stops, report);
        let bookings = read_bookings(&mut said, archive, &feed.tag, services, report);
        Reader { ids: [locations, groups, bookings], alone: Ids::new(), rows: Vec::new(), said }
    }

    pub(super) fn columns(table: &Table<'_>) -> Columns {
        let [sequence] = table.columns(["stop_sequence"]);
        Columns {
            places: table.columns(["location_id", "location_group_id", "stop_id"]),
            windows: table.columns(["start_pickup_drop_off_window", "end_pickup_drop_off_window"]),
            rules: table.columns(["pickup_type", "drop_off_type"]),
            bookings: table.columns(["pickup_booking_rule_id", "drop_off_booking_rule_id"]),
            sequence,
        }
    }

    /// Takes the present row, if it is one of a vehicle on demand.
    pub(super) fn takes(
        &mut self,
        table: &mut Table<'_>,
        columns: &Columns,
        (trip, stops): ((u32, &str), &Ids),
    ) -> bool {
        let [location, group, stop] = columns.places.map(|column| table.text(column).to_string());
        let is_one = !location.is_empty()
            || !group.is_empty()
            || columns.windows.iter().any(|column| !table.text(*column).is_empty());
        if !is_one {
            return false;
        }
        let place = [&location, &group, &stop].into_iter().find(|id| !id.is_empty());
        let record = format!("trip {:?}, at {:?}", trip.1, place.map_or("", String::as_str));
        let zone = match (location.is_empty(), group.is_empty()) {
            (false, _) => self.ids[0].get(&location).copied(),
            (true, false) => self.ids[1].get(&group).copied(),
            (true, true) => stops.get(&stop).map(|&ix| self.alone(&stop, ix)),
        };
        let Some(zone) = zone else {
            table.fault(record, "comes to a place that the feed does not have", LeftOut);
            return true;
        };
        let [from_s, until_s] = columns.windows.map(|column| seconds(table.text(column)));
        let (Some(from_s), Some(until_s)) = (from_s, until_s.filter(|until_s| Some(*until_s) >= from_s))
        else {
            table.fault(record, "has no window in which a vehicle comes", LeftOut);
            return true;
        };
        let Ok(Some(sequence)) = table.number::<u32>(columns.sequence) else {
            table.fault(record, "has no number in its trip", LeftOut);
            return true;
        };
        let asked = [0, 1].map(|i| {
            let may = match table.text(columns.rules[i]) {
                "" => true,
                _ => table.code(columns.rules[i], 0..=3, 2, &record, "has an unknown pickup_type") != 1,
            };
            let booking = table.optional(columns.bookings[i]).and_then(|id| {
                let known = self.ids[2].get(&id).copied();
                if known.is_none() {
                    let remedy = Repaired("nothing is said of asking");
                    table.fault(&record, "is asked for by a rule that the feed does not have", remedy);
                }
                known
            });
            may.then_some(booking)
        });
        let stay = Stay { zone, window_s: [from_s, until_s], picks_up: asked[0], drops_off: asked[1] };
        self.rows.push(Row { trip: trip.0, sequence, stay });
        true
    }

    /// The zone of one stop.
    fn alone(&mut self, id: &str, stop: u32) -> u32 {
        let zones = &mut self.said.zones;
        *self.alone.entry(id.to_string()).or_insert_with(|| {
            zones.push(Zone { id: id.to_string(), name: String::new(), within: Within::Stops(vec![stop]) });
            zones.len() as u32 - 1
        })
    }

    /// Whether anything was said of a trip.
    pub(super) fn knows(&self, trip: u32) -> bool {
        self.rows.iter().any(|row| row.trip == trip)
    }

    /// Makes trips of the rows. Those that have a timetable too keep it, and nothing else.
    pub(super) fn finish(mut self, feed: &mut Feed, durations: &[[Option<f64>; 2]], report: &mut Report) {
        let file = format!("{}/stop_times.txt", feed.tag);
        self.rows.sort_by_key(|row| (row.trip, row.sequence));
        for rows in self.rows.chunk_by(|a, b| a.trip == b.trip) {
            let ix = rows[0].trip as usize;
            let trip = &feed.trips[ix];
            let record = format!("trip {:?}", trip.id);
            if !trip.calls.is_empty() {
                report.add(&file, 0, record, "mixes times with windows, which are not followed", LeftOut);
                continue;
            }
            if rows.len() < 2 {
                report.add(&file, 0, record, "has one window only: nobody can get off", LeftOut);
                continue;
            }
            let [factor, offset_s] = durations[ix];
            self.said.trips.push(DemandTrip {
                id: trip.id.clone(),
                route: trip.route,
                service: trip.service,
                wheelchair: trip.wheelchair,
                factor: factor.unwrap_or(1.0),
                offset_s: offset_s.unwrap_or(0.0),
                stays: rows.iter().map(|row| row.stay).collect(),
            });
        }
        for zone in &mut self.said.zones {
            if let (Within::Stops(stops), true) = (&zone.within, zone.name.is_empty())
                && let Some(&stop) = stops.first()
            {
                zone.name = feed.stops[stop as usize].name.clone();
            }
        }
        if !self.said.trips.is_empty() {
            feed.on_demand = self.said;
        }
    }
}

/// Reads `safe_duration_factor` and `safe_duration_offset` of a trip.
pub(super) fn durations(table: &mut Table<'_>, columns: [Column; 2], trip: &str) -> [Option<f64>; 2] {
    columns.map(|column| match table.number::<f64>(column) {
        Ok(known) if known.is_none_or(|known| (0.0..=1e6).contains(&known)) => known,
        _ => {
            let remedy = Repaired("as if it were not given");
            table.fault(format!("trip {trip:?}"), "has a duration that is none", remedy);
            None
        }
    })
}

fn read_locations(said: &mut OnDemand, ids: &mut Ids, archive: &mut Archive, tag: &str, report: &mut Report) {
    let Some(bytes) = archive.take(LOCATIONS) else { return };
    let file = format!("{tag}/{LOCATIONS}");
    let features = match serde_json::from_slice::<serde_json::Value>(&bytes) {
        Ok(mut json) => json["features"].take(),
        Err(error) => {
            report.add(&file, error.line() as u64, "", "is no JSON", LeftOut);
            return;
        }
    };
    let serde_json::Value::Array(features) = features else {
        report.add(&file, 0, "", "has no features", LeftOut);
        return;
    };
    for (i, json) in features.into_iter().enumerate() {
        let id = json["id"].as_str().map_or_else(|| json["id"].to_string(), str::to_string);
        let record = format!("feature {}, {id:?}", i + 1);
        let name = json["properties"]["stop_name"].as_str().unwrap_or(&id).to_string();
        let geometry =
            serde_json::from_value::<geojson::Feature>(json).ok().and_then(|feature| feature.geometry);
        let areas = match geometry.map(|geometry| geometry.value) {
            Some(GeometryValue::Polygon { coordinates }) => area(coordinates).map(|area| vec![area]),
            Some(GeometryValue::MultiPolygon { coordinates }) => coordinates.into_iter().map(area).collect(),
            _ => None,
        };
        match areas.filter(|areas| !areas.is_empty()) {
            _ if ids.contains_key(&id) => {
                report.add(&file, 0, record, "stands there a second time", LeftOut);
            }
            Some(areas) => {
                ids.insert(id.clone(), said.zones.len() as u32);
                said.zones.push(Zone { id, name, within: Within::Areas(areas) });
            }
            None => report.add(&file, 0, record, "is no area that can be read", LeftOut),
        }
    }
}

/// Rings of at least three places that end where they begin.
fn area(rings: Vec<Vec<geojson::Position>>) -> Option<Area> {
    let place = |at: &geojson::Position| match at.as_slice() {
        [lon, lat, ..] => Some(LonLat { lon: *lon, lat: *lat }).filter(|at| at.is_valid()),
        _ => None,
    };
    let ring = |ring: &Vec<geojson::Position>| {
        let ring: Vec<LonLat> = ring.iter().map(place).collect::<Option<_>>()?;
        (ring.len() >= 4 && ring.first() == ring.last()).then_some(ring)
    };
    let rings: Vec<_> = rings.iter().map(ring).collect::<Option<_>>()?;
    (!rings.is_empty()).then_some(Area(rings))
}

fn read_groups(
    said: &mut OnDemand,
    archive: &mut Archive,
    tag: &str,
    stops: &Ids,
    report: &mut Report,
) -> Ids {
    let mut ids = Ids::new();
    if let Some(mut table) = Table::open(archive, tag, "location_groups.txt", report) {
        let [id, name] = table.columns(["location_group_id", "location_group_name"]);
        while table.advance() {
            let key = table.text(id).to_string();
            if new_id(&mut table, &mut ids, key.clone(), said.zones.len()) {
                let name = table.optional(name).unwrap_or_else(|| key.clone());
                said.zones.push(Zone { id: key, name, within: Within::Stops(Vec::new()) });
            }
        }
    }
    if let Some(mut table) = Table::open(archive, tag, "location_group_stops.txt", report) {
        table = table.each_once();
        let [group, stop] = table.columns(["location_group_id", "stop_id"]);
        while table.advance() {
            match (ids.get(table.text(group)), stops.get(table.text(stop))) {
                (Some(&group), Some(&stop)) => {
                    if let Within::Stops(own) = &mut said.zones[group as usize].within {
                        own.push(stop);
                    }
                }
                _ => {
                    let record = format!("stop {:?} in {:?}", table.text(stop), table.text(group));
                    table.fault(record, "names a group or a stop that the feed does not have", LeftOut);
                }
            }
        }
    }
    ids
}

fn read_bookings(
    said: &mut OnDemand,
    archive: &mut Archive,
    tag: &str,
    services: &Ids,
    report: &mut Report,
) -> Ids {
    let mut ids = Ids::new();
    let Some(mut table) = Table::open(archive, tag, "booking_rules.txt", report) else { return ids };
    let [id, kind, phone, info, url] =
        table.columns(["booking_rule_id", "booking_type", "phone_number", "info_url", "booking_url"]);
    let messages = table.columns(["message", "pickup_message", "drop_off_message"]);
    let minutes = table.columns(["prior_notice_duration_min", "prior_notice_duration_max"]);
    let last = table.columns(["prior_notice_last_day", "prior_notice_last_time"]);
    let start = table.columns(["prior_notice_start_day", "prior_notice_start_time"]);
    let [service] = table.columns(["prior_notice_service_id"]);
    while table.advance() {
        let key = table.text(id).to_string();
        let own = services.get(table.text(service)).copied();
        let before = |table: &Table<'_>, [day, time]: [Column; 2], service: Option<u32>| {
            let days = table.number::<u16>(day).ok().flatten()?;
            Some(DayBefore { days, at_s: seconds(table.text(time))?, service })
        };
        let notice = match table.number::<u8>(kind) {
            Ok(Some(0)) => Some(Notice::None),
            Ok(Some(1)) => match minutes.map(|column| table.number::<u32>(column)) {
                [Ok(Some(least)), Ok(most)] => Some(Notice::Minutes(least, most)),
                _ => None,
            },
            Ok(Some(2)) => {
                before(&table, last, own).map(|last| Notice::Days(last, before(&table, start, None)))
            }
            _ => None,
        };
        let Some(notice) = notice else {
            table.fault(format!("{key:?}"), "does not say until when one asks", LeftOut);
            continue;
        };
        if !new_id(&mut table, &mut ids, key.clone(), said.bookings.len()) {
            continue;
        }
        said.bookings.push(Booking {
            id: key,
            notice,
            messages: messages.map(|column| table.optional(column)),
            phone: table.optional(phone),
            info_url: table.optional(info),
            booking_url: table.optional(url),
        });
    }
    ids
}
