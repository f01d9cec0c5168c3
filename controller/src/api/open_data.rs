//! What the city gives to everybody: places as GeoJSON, figures of whole days as CSV, and a catalogue of them by which the
//! portals of cities and countries harvest each other (DCAT 3, W3C 2024, as the European profile DCAT-AP 3.0 uses it).
//!
//! Nothing here needs an account, and nothing here names a person. A centre whose file has no `[open_data]` gives nothing.

use super::{
    Api,
    map::{collection, line, name_it, point},
    problem::{Path, Query},
    view::Problem,
};
use crate::{
    config::OpenData,
    incidents::{Effect, Incident},
    store::{FLAG_FAULT, IntervalRow},
    travel_times::Way,
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderName, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use model::{
    detection::{Detector, DetectorKind},
    geo::{self, LonLat},
    ids::{JunctionIx, MovementIx},
    network::Network,
    signal::Junction,
    time::Moment,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::BTreeMap, ops::Range};
use utoipa::IntoParams;

/// Where the catalogue is; datasets are below it.
pub(super) const CATALOGUE: &str = "/api/v1/open-data";
/// Length of a row of counts, min.
const QUARTER_MIN: i64 = 15;
/// Rows of a day of a junction: far more than any has.
const MOST_ROWS: usize = 2_000_000;

/// How often a dataset changes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Changes {
    Seldom,
    /// While one looks.
    Live,
    /// There is one for each whole day.
    Daily,
}

struct Dataset {
    id: &'static str,
    /// Russian, English.
    title: [&'static str; 2],
    about: [&'static str; 2],
    changes: Changes,
}

const DATASETS: [Dataset; 6] = [
    Dataset {
        id: "junctions",
        title: ["Светофорные объекты", "Signalised junctions"],
        about: [
            "Где они стоят, сколько у них сигнальных групп, фаз и детекторов",
            "Where they stand, and how many signal groups, stages and detectors they have",
        ],
        changes: Changes::Seldom,
    },
    Dataset {
        id: "detectors",
        title: ["Детекторы транспорта", "Traffic detectors"],
        about: ["Где они лежат или куда смотрят", "Where they lie or look"],
        changes: Changes::Seldom,
    },
    Dataset {
        id: "counts",
        title: ["Интенсивность движения", "Traffic counts"],
        about: [
            "Автомобили над каждым детектором за четверть часа, занятость и скорость; heard — какая доля четверти часа была измерена",
            "Vehicles over each detector by the quarter of an hour, occupancy and speed; heard is the share of the quarter that was measured",
        ],
        changes: Changes::Daily,
    },
    Dataset {
        id: "links",
        title: ["Скорости на улицах", "Speeds on streets"],
        about: [
            "Улицы с нынешней скоростью и временем проезда, где они измеряются",
            "Streets with their present speed and travel time, where those are measured",
        ],
        changes: Changes::Live,
    },
    Dataset {
        id: "travel-times",
        title: ["Время проезда магистралей", "Travel times of corridors"],
        about: ["По пять минут, в обе стороны", "By five minutes, both ways"],
        changes: Changes::Daily,
    },
    Dataset {
        id: "incidents",
        title: ["Перекрытия и происшествия", "Closures and incidents"],
        about: ["Те, что сейчас в силе", "Those in force now"],
        changes: Changes::Live,
    },
];

impl Dataset {
    fn media(&self) -> &'static str {
        if self.changes == Changes::Daily { "text/csv" } else { "application/geo+json" }
    }

    fn described(&self) -> Value {
        let (words, every) = match self.changes {
            Changes::Seldom => (["", ""], "IRREG"),
            Changes::Live => (["", ""], "CONT"),
            Changes::Daily => ([". Укажите day=ГГГГ-ММ-ДД", ". Say day=YYYY-MM-DD"], "DAILY"),
        };
        let in_both = |texts: [String; 2]| {
            let [ru, en] = texts;
            json!([{ "@language": "ru", "@value": ru }, { "@language": "en", "@value": en }])
        };
        let place = format!("{CATALOGUE}/{}", self.id);
        json!({
            "@id": format!("{place}#dataset"),
            "@type": "dcat:Dataset",
            "dct:identifier": self.id,
            "dct:title": in_both(self.title.map(str::to_owned)),
            "dct:description": in_both([0, 1].map(|i| format!("{}{}", self.about[i], words[i]))),
            "dct:accrualPeriodicity": {
                "@id": format!("http://publications.europa.eu/resource/authority/frequency/{every}"),
            },
            "dcat:distribution": {
                "@id": format!("{place}#distribution"),
                "@type": "dcat:Distribution",
                "dcat:accessURL": { "@id": place },
                "dcat:mediaType": { "@id": format!("https://www.iana.org/assignments/media-types/{}", self.media()) },
            },
        })
    }
}

/// Which day.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// A day that is over, by the city's calendar, such as `2026-02-01` (datasets of days). Yesterday if not given.
    day: Option<String>,
}

/// What the city gives to everybody: a DCAT catalogue, as JSON-LD.
#[utoipa::path(get, path = "/api/v1/open-data", tag = "open data", responses(
    (status = 200, body = serde_json::Value, content_type = "application/ld+json"),
    (status = 404, description = "This centre gives nothing", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn get_catalogue(State(api): State<Api>) -> Result<Response, Problem> {
    let OpenData { publisher, licence } = api.open_data()?;
    let catalogue = json!({
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#",
            "dct": "http://purl.org/dc/terms/",
            "foaf": "http://xmlns.com/foaf/0.1/",
        },
        "@id": CATALOGUE,
        "@type": "dcat:Catalog",
        "dct:title": [
            { "@language": "ru", "@value": "Дорожное движение: открытые данные" },
            { "@language": "en", "@value": "Traffic: open data" },
        ],
        "dct:description": [
            { "@language": "ru", "@value": "Светофоры, детекторы, потоки, скорости и перекрытия" },
            { "@language": "en", "@value": "Signals, detectors, flows, speeds and closures" },
        ],
        "dct:publisher": { "@type": "foaf:Agent", "foaf:name": publisher },
        "dct:license": { "@id": licence },
        "dcat:dataset": DATASETS.iter().map(Dataset::described).collect::<Vec<_>>(),
    });
    Ok(file("application/ld+json", Body::from(catalogue.to_string())))
}

/// A dataset: GeoJSON of what is there now, or CSV of a whole day.
#[utoipa::path(get, path = "/api/v1/open-data/{dataset}", tag = "open data",
    params(("dataset" = String, Path, description = "An identifier out of /api/v1/open-data"), Which),
    responses(
        (status = 200, content((serde_json::Value = "application/geo+json"), (String = "text/csv"))),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is down", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get_dataset(
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    api.open_data()?;
    let dataset = DATASETS.iter().find(|dataset| dataset.id == id);
    let dataset = dataset
        .ok_or_else(|| Problem::not_found(format!("there is no dataset {id:?}; {CATALOGUE} lists them")))?;
    if dataset.changes == Changes::Daily {
        let day = api.whole_day(which.day.as_deref())?;
        return match id.as_str() {
            "counts" => api.counts(day).await,
            _ => api.travel_times(&day),
        };
    }
    if which.day.is_some() {
        return Err(Problem::invalid(format!("{id} is of now; it has no days")));
    }
    let features = match id.as_str() {
        "junctions" => api.ours().map(place).collect(),
        "detectors" => {
            let into = api.0.city.network.movements_into_lanes();
            api.ours().flat_map(|junction| api.detectors(junction, &into)).collect()
        }
        "links" => api.links(),
        _ => api.closures()?,
    };
    let geojson = collection(features.into_iter());
    Ok(file(dataset.media(), Body::from(geojson.to_string())))
}

/// A day that is over.
struct Day {
    date: Date,
    zone: TimeZone,
    range: Range<Moment>,
}

impl Day {
    /// A moment by the place's clock, as RFC 3339 has it.
    fn written(&self, at: Moment) -> String {
        let Ok(at) = Timestamp::from_millisecond(at.0) else { return String::new() };
        at.display_with_offset(self.zone.to_offset(at)).to_string()
    }
}

impl Api {
    fn open_data(&self) -> Result<&OpenData, Problem> {
        self.0
            .open_data
            .as_ref()
            .ok_or_else(|| Problem::not_found("this centre gives no open data: its file has no [open_data]"))
    }

    fn ours(&self) -> impl Iterator<Item = &Junction> {
        self.commanded().into_iter().map(|ix| &self.0.city.junctions[ix.ix()])
    }

    fn commanded(&self) -> Vec<JunctionIx> {
        let mut ours: Vec<JunctionIx> = self.0.ids.values().copied().collect();
        ours.sort_unstable();
        ours
    }

    fn whole_day(&self, said: Option<&str>) -> Result<Day, Problem> {
        let name = self.picture().health.value.time_zone.clone();
        let zone = TimeZone::get(&name)
            .map_err(|error| Problem::unavailable(format!("the city's time zone {name}: {error}")))?;
        let wrong = |error: jiff::Error| Problem::invalid(format!("day: {error}"));
        let now = Timestamp::from_millisecond(self.0.clock.now().0).map_err(wrong)?;
        let today = zone.to_datetime(now).date();
        let date = match said {
            Some(said) => said.parse::<Date>().map_err(wrong)?,
            None => today.yesterday().map_err(wrong)?,
        };
        if date >= today {
            return Err(Problem::invalid(format!("{date} is not over; today is {today}")));
        }
        let begins =
            |date: Date| zone.to_ambiguous_timestamp(date.at(0, 0, 0, 0)).compatible().map_err(wrong);
        let (from, to) = (begins(date)?, begins(date.checked_add(1.day()).map_err(wrong)?)?);
        let range = Moment(from.as_millisecond())..Moment(to.as_millisecond());
        Ok(Day { date, zone, range })
    }

    /// Counts of a day, junction by junction as they are read: a large city's are no smaller than some hundred megabytes.
    async fn counts(&self, day: Day) -> Result<Response, Problem> {
        let seat = self.0.measuring.clone().acquire_owned().await;
        let seat = seat.map_err(|_| Problem::unavailable("the centre is shutting down"))?;
        let name = format!("counts-{}.csv", day.date);
        // The store is asked once before the answer begins: then it can still be said that it is down.
        if let Some(&first) = self.commanded().first() {
            self.0.store.intervals(first, day.range.clone(), 1).await?;
        }
        let head = stream::once(async { Ok(names::<CountRow<'_>>()) });
        let rows = rows_of(self.clone(), day).map(move |part| {
            let _taken = &seat;
            part
        });
        Ok(named(&name, file("text/csv; charset=utf-8", Body::from_stream(head.chain(rows)))))
    }

    fn travel_times(&self, day: &Day) -> Result<Response, Problem> {
        let unknown = || Problem::unavailable("the store has not said yet what there was");
        let mut rows = Vec::new();
        for (way, _) in self.0.roads.ways(&self.0.city) {
            let Some((length_m, free_s)) = self.0.travel_times.free(way) else { continue };
            let Way { corridor, back } = way;
            for kept in self.0.travel_times.between(way, &day.range).ok_or_else(unknown)? {
                rows.push(TimeRow {
                    from: kept.day.at((kept.minute / 60) as i8, (kept.minute % 60) as i8, 0, 0).to_string(),
                    corridor,
                    name: &self.0.city.corridors[corridor as usize].name.local,
                    direction: if back { "back" } else { "out" },
                    length_m: length_m.round(),
                    free_s: free_s.round(),
                    travel_time_s: kept.time_s.round(),
                });
            }
        }
        let text = [names::<TimeRow<'_>>(), csv(&rows)].concat();
        let name = format!("travel-times-{}.csv", day.date);
        Ok(named(&name, file("text/csv; charset=utf-8", Body::from(text))))
    }

    fn detectors(&self, junction: &Junction, into: &[Vec<MovementIx>]) -> Vec<Value> {
        let network = &self.0.city.network;
        let vehicles = junction.detectors.iter().filter(|d| d.kind != DetectorKind::PushButton);
        let feature = |detector: &Detector| {
            let (link, at) = lies(network, into, detector)?;
            let mut properties = json!({
                "junction": junction.id.as_str(),
                "channel": detector.channel.0,
                "kind": super::junction::snake(detector.kind),
                "link": link.id.as_str(),
                "before_stop_line_m": detector.distance_m.round(),
            });
            name_it(&mut properties, link.name.as_ref());
            Some(json!({
                "type": "Feature",
                "geometry": { "type": "Point", "coordinates": point(at) },
                "properties": properties,
            }))
        };
        vehicles.filter_map(feature).collect()
    }

    fn links(&self) -> Vec<Value> {
        let picture = self.picture();
        let feature = |ix: u32, speed_kmh: f64, time_s: Option<f64>, los: &Option<String>| {
            let link = &self.0.city.network.links[ix as usize];
            let mut properties = json!({
                "id": link.id.as_str(),
                "length_m": link.length_m.round(),
                "free_kmh": (link.speed_limit_mps * 3.6).round(),
                "speed_kmh": speed_kmh,
                "travel_time_s": time_s,
                "level_of_service": los,
                "at": Timestamp::from_millisecond(picture.links_at.0).map(|at| at.to_string()).ok(),
            });
            name_it(&mut properties, link.name.as_ref());
            json!({ "type": "Feature", "geometry": line(&link.shape), "properties": properties })
        };
        let known = picture.links.iter().map(|link| &link.value);
        known
            .filter_map(|link| Some(feature(link.ix, link.speed_kmh?, link.travel_time_s, &link.los)))
            .collect()
    }

    fn closures(&self) -> Result<Vec<Value>, Problem> {
        let network = &self.0.city.network;
        let shape = |id: &String| self.0.incidents.link(id).map(|link| &network.link(link).shape);
        let written = |at: Moment| Timestamp::from_millisecond(at.0).map(|at| at.to_string()).ok();
        let features = self.0.incidents.look(|all| {
            let open = all.all().filter(|incident| incident.over.is_none());
            let feature = |incident: &Incident| {
                let lines = incident.links.iter().filter_map(shape);
                let lines: Vec<Vec<_>> = lines.map(|line| line.iter().map(|p| point(*p)).collect()).collect();
                let (closed, slow_to_kmh) = match incident.effect {
                    Effect::Closed => (true, None),
                    Effect::SlowTo(kmh) => (false, Some(kmh)),
                };
                json!({
                    "type": "Feature",
                    "geometry": { "type": "MultiLineString", "coordinates": lines },
                    "properties": {
                        "number": incident.number,
                        "what": incident.what,
                        "links": incident.links,
                        "closed": closed,
                        "slow_to_kmh": slow_to_kmh,
                        "since": written(incident.since),
                        "until": written(incident.until),
                    },
                })
            };
            open.map(feature).collect()
        });
        features.ok_or_else(|| Problem::unavailable("the store has not said yet what there was"))
    }
}

/// A row of `counts`.
#[derive(Serialize, Default)]
struct CountRow<'a> {
    from: String,
    junction: &'a str,
    channel: u16,
    kind: String,
    vehicles: u32,
    heard: f64,
    occupancy: f64,
    speed_kmh: Option<f64>,
}

/// A row of `travel-times`.
#[derive(Serialize, Default)]
struct TimeRow<'a> {
    from: String,
    corridor: u32,
    name: &'a str,
    direction: &'static str,
    length_m: f64,
    free_s: f64,
    travel_time_s: f64,
}

/// What a channel told of a quarter of an hour.
#[derive(Clone, Copy, Default)]
struct Quarter {
    vehicles: u32,
    windows: u32,
    occupancy: f64,
    /// Σ speed × vehicles, and those vehicles.
    speed: f64,
    timed: f64,
}

/// Rows of a day, a junction at a time. When the store fails the answer breaks off, so that nobody takes a part for the whole.
fn rows_of(api: Api, day: Day) -> impl Stream<Item = Result<Bytes, std::io::Error>> {
    let ours = api.commanded().into_iter();
    stream::unfold((api, day, ours), async |(api, day, mut ours)| {
        let ix = ours.next()?;
        let begins = Moment(day.range.start.0 + 1)..Moment(day.range.end.0 + 1);
        let part = match api.0.store.intervals(ix, begins, MOST_ROWS).await {
            Ok(page) => {
                let junction = &api.0.city.junctions[ix.ix()];
                Ok(counted(junction, &page.rows, &day, api.0.interval.as_millis() as i64))
            }
            Err(error) => Err(std::io::Error::other(error.to_string())),
        };
        Some((part, (api, day, ours)))
    })
}

fn counted(junction: &Junction, rows: &[IntervalRow], day: &Day, window_ms: i64) -> Bytes {
    let quarter_ms = QUARTER_MIN * 60_000;
    let mut quarters: BTreeMap<(i64, u16), Quarter> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.flags & FLAG_FAULT == 0) {
        // A window belongs to the quarter in which it ended, the quarter's very end included.
        let quarter = (row.at.0 - 1 - day.range.start.0).div_euclid(quarter_ms);
        let sum = quarters.entry((quarter, row.channel)).or_default();
        sum.vehicles += u32::from(row.count);
        sum.windows += 1;
        sum.occupancy += f64::from(row.occupancy);
        if let Some(mps) = row.speed_mps {
            sum.speed += f64::from(mps) * f64::from(row.count);
            sum.timed += f64::from(row.count);
        }
    }
    let row = |((quarter, channel), sum): (&(i64, u16), &Quarter)| {
        let detector = junction.detectors.iter().find(|d| d.channel.0 == *channel)?;
        if detector.kind == DetectorKind::PushButton {
            return None;
        }
        let hundredth = |number: f64| (number * 100.0).round() / 100.0;
        Some(CountRow {
            from: day.written(Moment(day.range.start.0 + quarter * quarter_ms)),
            junction: junction.id.as_str(),
            channel: *channel,
            kind: super::junction::snake(detector.kind),
            vehicles: sum.vehicles,
            heard: hundredth((f64::from(sum.windows) * window_ms as f64 / quarter_ms as f64).min(1.0)),
            occupancy: hundredth(sum.occupancy / f64::from(sum.windows)),
            speed_kmh: (sum.timed > 0.0).then(|| (sum.speed / sum.timed * 36.0).round() / 10.0),
        })
    };
    csv(&quarters.iter().filter_map(row).collect::<Vec<_>>())
}

/// Rows as text.
fn csv<R: Serialize>(rows: &[R]) -> Bytes {
    let mut out = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    // Writing plain fields to memory does not fail.
    rows.iter().for_each(|row| drop(out.serialize(row)));
    out.into_inner().unwrap_or_default().into()
}

/// The line before them that names their columns.
fn names<R: Serialize + Default>() -> Bytes {
    let mut out = csv::WriterBuilder::new().from_writer(Vec::new());
    let _ = out.serialize(R::default());
    let mut text = out.into_inner().unwrap_or_default();
    text.truncate(text.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1));
    text.into()
}

fn place(junction: &Junction) -> Value {
    let mut properties = json!({
        "id": junction.id.as_str(),
        "district": junction.district.as_str(),
        "groups": junction.groups.len(),
        "stages": junction.stages.len(),
        "detectors": junction.detectors.len(),
    });
    name_it(&mut properties, Some(&junction.name));
    json!({
        "type": "Feature",
        "geometry": { "type": "Point", "coordinates": point(junction.at) },
        "properties": properties,
    })
}

/// The link of a detector's lane, and where on it the detector lies; at its beginning, if it lies before that.
fn lies<'a>(
    network: &'a Network,
    into: &[Vec<MovementIx>],
    detector: &Detector,
) -> Option<(&'a model::network::Link, LonLat)> {
    let (lane, before_end_m) = detector.lies(network, into)?;
    let link = network.link(network.lane(lane).link);
    let share = 1.0 - before_end_m / link.length_m;
    Some((link, geo::along(&link.shape, share * geo::length_m(&link.shape)).0))
}

/// An answer that pages of any site may read.
fn file(kind: &'static str, body: Body) -> Response {
    const ANY_SITE: [(HeaderName, &str); 1] = [(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    (ANY_SITE, [(header::CONTENT_TYPE, kind)], body).into_response()
}

fn named(name: &str, mut response: Response) -> Response {
    super::measures::set(
        &mut response,
        header::CONTENT_DISPOSITION,
        &format!("attachment; filename=\"{name}\""),
    );
    response
}
