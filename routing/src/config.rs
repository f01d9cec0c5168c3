//! `routing.toml`: what a person writes, and what it means.

use crate::{
    access::{AccessConfig, KeyConfig, Rate, read_hash},
    feed::FileConfig,
    realtime::poll::{FeedConfig, Place},
    service::Limits,
    sharing::SharingConfig,
    truck::Truck,
};
use jiff::tz::TimeZone;
use model::config::{Complaint, Complaints, Source, parse};
use serde::Deserialize;
use serde_spanned::Spanned;
use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};
use wire::{
    broker::{Broker, RawBroker},
    link::LinkConfig,
};

/// What the planner needs to run.
#[derive(Clone, Debug)]
pub struct Config {
    /// The streets that `routing prepare` made, or a city file: a `model::city::City` in JSON.
    pub city: PathBuf,
    /// The timetable that `routing prepare` made for that city; `None` plans no public transport, and says so.
    pub timetable: Option<PathBuf>,
    /// What lorries measure.
    pub truck: Truck,
    /// What journeys cost; `None` tells no fares.
    pub fares: Option<PathBuf>,
    /// Who comes along with passengers of reduced mobility; `None` lets nobody be escorted.
    pub escorts: Option<PathBuf>,
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Its own name at the broker: a second connection with the same one ends the first.
    pub instance: String,
    /// GTFS-Realtime feeds to follow.
    pub realtime: Vec<FeedConfig>,
    /// Shared vehicles to follow.
    pub sharing: Vec<SharingConfig>,
    /// What link times usually are; `None` falls back on empty roads, and says so.
    pub typical: Option<TypicalConfig>,
    /// Where link times come from; `None` plans on empty roads for ever, and says so.
    pub broker: Option<Broker>,
    /// Files of link times to follow.
    pub traffic: Vec<FileConfig>,
    /// Bounds on work.
    pub limits: Limits,
    /// Who may ask how often; `None` lets everybody ask.
    pub access: Option<AccessConfig>,
    /// Whose data it is: what answers name.
    pub attribution: Vec<String>,
}

/// The usual link times.
#[derive(Clone, PartialEq, Debug)]
pub struct TypicalConfig {
    /// Their file.
    pub file: PathBuf,
    /// Whether link times are worked into it as they arrive. Then it need not be there yet.
    pub learn: bool,
    /// Where days begin.
    pub zone: TimeZone,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTypical {
    file: PathBuf,
    learn: bool,
    time_zone: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    instance: Spanned<String>,
    city: PathBuf,
    timetable: Option<PathBuf>,
    fares: Option<PathBuf>,
    escorts: Option<PathBuf>,
    truck: Option<RawTruck>,
    listen: Spanned<String>,
    broker: Option<RawBroker>,
    typical: Option<RawTypical>,
    #[serde(default)]
    realtime: Vec<RawFeed>,
    #[serde(default)]
    sharing: Vec<RawSharing>,
    #[serde(default)]
    traffic: Vec<RawSharing>,
    limits: RawLimits,
    access: Option<RawAccess>,
    #[serde(default)]
    attribution: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAccess {
    behind_proxy: bool,
    anonymous: Option<RawRate>,
    #[serde(default)]
    key: Vec<RawKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRate {
    per_minute: NonZeroU32,
    at_once: NonZeroU32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKey {
    name: String,
    sha256: Spanned<String>,
    per_minute: NonZeroU32,
    at_once: NonZeroU32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTruck {
    height_m: Spanned<f32>,
    width_m: Spanned<f32>,
    length_m: Spanned<f32>,
    weight_t: Spanned<f32>,
    axle_load_t: Spanned<f32>,
    top_speed_kmh: Spanned<f32>,
    hazmat: bool,
}

impl RawTruck {
    /// The lorry that is meant. What is beyond these bounds is a mistake of units.
    fn meant(&self, source: Source<'_>, complaints: &mut Complaints) -> Truck {
        let mut number = |name: &str, number: &Spanned<f32>, most: f32| {
            let value = *number.get_ref();
            if !(value > 0.0 && value <= most) {
                let message = format!("{name} = {value} is not above 0 and at most {most}");
                complaints.push(Complaint::spanned(source, number, message));
            }
            value
        };
        Truck {
            height_m: number("height_m", &self.height_m, 10.0),
            width_m: number("width_m", &self.width_m, 10.0),
            length_m: number("length_m", &self.length_m, 100.0),
            weight_t: number("weight_t", &self.weight_t, 1000.0),
            axle_load_t: number("axle_load_t", &self.axle_load_t, 100.0),
            top_speed_mps: number("top_speed_kmh", &self.top_speed_kmh, 200.0) / 3.6,
            hazmat: self.hazmat,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFeed {
    feed: String,
    from: Spanned<String>,
    every_s: Spanned<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSharing {
    from: Spanned<String>,
    every_s: Spanned<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLimits {
    questions_at_once: Spanned<usize>,
    patience_s: Spanned<f64>,
    answer_within_s: Option<Spanned<f64>>,
}

impl Config {
    /// Reads a configuration; relative paths in it are relative to the folder of `file`. Opens no file.
    pub fn read(file: &str, text: &str) -> Result<Config, Complaints> {
        let raw: RawConfig = parse(file, text)?;
        let source = Source::new(file, text);
        let folder = std::path::Path::new(file).parent().unwrap_or(std::path::Path::new(""));
        let mut complaints = Complaints::default();

        let listen = raw.listen.get_ref().parse().map_err(|_| {
            let text = raw.listen.get_ref();
            Complaint::spanned(
                source,
                &raw.listen,
                format!("listen = {text:?} is not ADDRESS:PORT, such as 127.0.0.1:8090"),
            )
        });
        let listen = complaints.take(listen);
        let at_once = *raw.limits.questions_at_once.get_ref();
        if at_once == 0 {
            complaints.push(Complaint::spanned(
                source,
                &raw.limits.questions_at_once,
                "questions_at_once = 0 answers nobody",
            ));
        }
        let patience_s = *raw.limits.patience_s.get_ref();
        if !(0.1..=60.0).contains(&patience_s) {
            let message = format!("patience_s = {patience_s} is not between 0.1 and 60");
            complaints.push(Complaint::spanned(source, &raw.limits.patience_s, message));
        }
        let usual_s = Limits::default().answer_within.as_secs_f64();
        let answer_within_s = raw.limits.answer_within_s.as_ref().map_or(usual_s, |within| *within.get_ref());
        if let Some(within) = raw.limits.answer_within_s.filter(|s| !(0.1..=600.0).contains(s.get_ref())) {
            let message = format!("answer_within_s = {} is not between 0.1 and 600", within.get_ref());
            complaints.push(Complaint::spanned(source, &within, message));
        }
        let access = raw.access.map(|access| {
            let rate = |per_minute, at_once| Rate { per_minute, at_once };
            let key = |raw: RawKey| {
                let says = "sha256 is 64 hexadecimal digits, such as `routing key` writes";
                let hash = read_hash(raw.sha256.get_ref());
                let hash = hash.ok_or_else(|| Complaint::spanned(source, &raw.sha256, says));
                let hash = complaints.take(hash)?;
                Some(KeyConfig { name: raw.name, hash, rate: rate(raw.per_minute, raw.at_once) })
            };
            AccessConfig {
                keys: access.key.into_iter().filter_map(key).collect(),
                anonymous: access.anonymous.map(|raw| rate(raw.per_minute, raw.at_once)),
                behind_proxy: access.behind_proxy,
            }
        });
        if raw.instance.get_ref().is_empty() {
            complaints.push(Complaint::spanned(source, &raw.instance, "instance is empty"));
        }
        let truck = raw.truck.map_or_else(Truck::default, |raw| raw.meant(source, &mut complaints));
        let broker = raw.broker.map(|raw| raw.meant(source, &mut complaints).relative_to(folder));
        let mut place = |from: &Spanned<String>, every: &Spanned<u64>| {
            let every_s = *every.get_ref();
            if !(1..=3600).contains(&every_s) {
                let message = format!("every_s = {every_s} is not between 1 and 3600");
                complaints.push(Complaint::spanned(source, every, message));
            }
            let place = Place::parse(from.get_ref());
            let place =
                complaints.take(place.map_err(|message| Complaint::spanned(source, from, message)))?;
            let place = match place {
                Place::File(file) => Place::File(folder.join(file)),
                url => url,
            };
            Some((place, Duration::from_secs(every_s)))
        };
        let mut realtime = Vec::new();
        for raw in raw.realtime {
            if let Some((place, every)) = place(&raw.from, &raw.every_s) {
                realtime.push(FeedConfig { tag: raw.feed, place, every });
            }
        }
        let mut sharing = Vec::new();
        for raw in raw.sharing {
            if let Some((place, every)) = place(&raw.from, &raw.every_s) {
                sharing.push(SharingConfig { place, every });
            }
        }
        let mut traffic = Vec::new();
        for raw in raw.traffic {
            if let Some((place, every)) = place(&raw.from, &raw.every_s) {
                traffic.push(FileConfig { place, every });
            }
        }
        let typical = raw.typical.and_then(|raw| {
            let name = raw.time_zone.get_ref();
            let zone = TimeZone::get(name).map_err(|_| {
                let message = format!("time_zone = {name:?} is not known; it is such as Europe/Moscow");
                Complaint::spanned(source, &raw.time_zone, message)
            });
            let file = folder.join(raw.file);
            complaints.take(zone).map(|zone| TypicalConfig { file, learn: raw.learn, zone })
        });
        let Some(listen) = listen.filter(|_| complaints.is_empty()) else { return Err(complaints) };
        let [patience, answer_within] = [patience_s, answer_within_s].map(Duration::from_secs_f64);
        let limits = Limits { at_once, patience, answer_within };
        let timetable = raw.timetable.map(|file| folder.join(file));
        let [fares, escorts] = [raw.fares, raw.escorts].map(|file| file.map(|file| folder.join(file)));
        let instance = raw.instance.into_inner();
        Ok(Config {
            city: folder.join(raw.city),
            timetable,
            truck,
            fares,
            escorts,
            listen,
            instance,
            realtime,
            sharing,
            typical,
            broker,
            traffic,
            limits,
            access,
            attribution: raw.attribution,
        })
    }

    /// The link to the broker, with the files opened that it needs; `None` without a broker.
    pub fn link(&self) -> Result<Option<LinkConfig>, wire::broker::BrokerError> {
        self.broker.as_ref().map(|broker| broker.link(&self.instance)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"instance = "routing-1"
city = "../data/city.json"
listen = "127.0.0.1:8090"
[broker]
host = "localhost"
port = 1883
keep_alive_s = 10
[limits]
questions_at_once = 2
patience_s = 5.0
"#;

    #[track_caller]
    fn check(from: &str, to: &str, expected: &str) {
        let complaints =
            Config::read("c/routing.toml", &GOOD.replace(from, to)).expect_err("the text is broken");
        assert_eq!(complaints.to_string(), expected);
    }

    #[test]
    fn reads_what_we_ship() {
        let text = include_str!("../../configs/routing.toml");
        let config = Config::read("configs/routing.toml", text).unwrap();
        assert!(config.broker.is_some());
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let config = Config::read("c/routing.toml", GOOD).unwrap();
        assert_eq!(config.city, std::path::Path::new("c/../data/city.json"));
    }

    #[test]
    fn complaints_name_file_line_and_cause() {
        check(
            "127.0.0.1:8090",
            "localhost",
            "c/routing.toml:3: listen = \"localhost\" is not ADDRESS:PORT, such as 127.0.0.1:8090",
        );
        check("keep_alive_s = 10", "keep_alive_s = 1", "c/routing.toml:7: keep_alive_s = 1 is below 5");
        check(
            "questions_at_once = 2",
            "questions_at_once = 0",
            "c/routing.toml:9: questions_at_once = 0 answers nobody",
        );
        check(
            "patience_s = 5.0",
            "patience_s = 0",
            "c/routing.toml:10: patience_s = 0 is not between 0.1 and 60",
        );
        check(
            "patience_s = 5.0",
            "patience = 5",
            "c/routing.toml:10: unknown field `patience`, expected one of `questions_at_once`, `patience_s`, `answer_within_s`",
        );
        check(
            "patience_s = 5.0",
            "patience_s = 5.0\n[access]\nbehind_proxy = false\n[[access.key]]\nname = \"app\"\nsha256 = \"12\"\nper_minute = 60\nat_once = 5",
            "c/routing.toml:15: sha256 is 64 hexadecimal digits, such as `routing key` writes",
        );
        check(
            "patience_s = 5.0",
            "patience_s = 5.0\nanswer_within_s = 0",
            "c/routing.toml:11: answer_within_s = 0 is not between 0.1 and 600",
        );
        check(
            "[limits]",
            "[truck]\nheight_m = 400\nwidth_m = 2.5\nlength_m = 10\nweight_t = 12\naxle_load_t = 0\ntop_speed_kmh = 90\nhazmat = false\n[limits]",
            "c/routing.toml:9: height_m = 400 is not above 0 and at most 10\nc/routing.toml:13: axle_load_t = 0 is not above 0 and at most 100",
        );
        check(
            "port = 1883",
            "port = 1883\npassword_file = \"p\"",
            "c/routing.toml:7: password_file without a username",
        );
        check(
            "[limits]",
            "[typical]\nfile = \"t.csv\"\nlearn = true\ntime_zone = \"Moscow\"\n[limits]",
            "c/routing.toml:11: time_zone = \"Moscow\" is not known; it is such as Europe/Moscow",
        );
        check(
            "keep_alive_s = 10\n[limits]\nquestions_at_once = 2",
            "keep_alive_s = 2\n[limits]\nquestions_at_once = 0",
            "c/routing.toml:9: questions_at_once = 0 answers nobody\nc/routing.toml:7: keep_alive_s = 2 is below 5",
        );
    }
}
