//! Cameras that people look through: where they stand, whether they answer, and their pictures.
//!
//! A file says where each is and where its picture and its stream are; a camera is no detector, and nothing is decided by it.
//! The centre asks each for a picture in turn, so that one that has died is seen as such before somebody needs it, and
//! hands pictures on to those who may see them: no page asks a camera itself.

use anyhow::Context;
use model::{
    config::{self, Complaint, Complaints, Source},
    geo::LonLat,
    ids::JunctionId,
    network::Name,
    time::Moment,
};
use serde::Deserialize;
use serde_spanned::Spanned;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use wire::clock::Clock;

/// Each camera is asked for a picture so often.
pub const LOOK_EACH: Duration = Duration::from_secs(60);
/// A camera answers within so long, or is silent.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many are asked at once, people's questions included.
const AT_ONCE: usize = 16;
/// No picture is larger, bytes.
const LARGEST: u64 = 4 << 20;

/// A camera.
#[derive(Clone, PartialEq, Debug)]
pub struct Camera {
    /// Its id: letters, digits, `-`, `_` and `.`.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Where it stands.
    pub at: LonLat,
    /// Where it looks, degrees clockwise from north; `None` if it turns.
    pub heading: Option<f64>,
    /// The junction that it shows, if it shows one.
    pub junction: Option<JunctionId>,
    /// Where its picture of now is, over HTTP.
    pub picture: Option<String>,
    /// Where its stream is, for the programs that people have for it.
    pub stream: Option<String>,
}

/// Where cameras are said.
#[derive(Clone, Debug)]
pub enum CamerasFrom {
    /// There are none.
    Nowhere,
    /// In a file.
    File(PathBuf),
    /// They were made by the program that starts the centre.
    Given(Vec<Camera>),
}

impl CamerasFrom {
    /// The cameras.
    pub fn read(&self) -> anyhow::Result<Vec<Camera>> {
        match self {
            CamerasFrom::Nowhere => Ok(Vec::new()),
            CamerasFrom::Given(cameras) => Ok(cameras.clone()),
            CamerasFrom::File(file) => {
                let name = file.display().to_string();
                let text = std::fs::read_to_string(file).with_context(|| format!("could not read {name}"))?;
                Ok(parse(&name, &text)?)
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    camera: Vec<RawCamera>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCamera {
    id: Spanned<String>,
    name: String,
    name_en: Option<String>,
    at: Spanned<[f64; 2]>,
    heading: Option<Spanned<f64>>,
    junction: Option<String>,
    picture: Option<Spanned<String>>,
    stream: Option<String>,
}

/// Cameras out of a text. All complaints at once, each with its line.
pub fn parse(file: &str, text: &str) -> Result<Vec<Camera>, Complaints> {
    let raw: Raw = config::parse(file, text)?;
    let source = Source::new(file, text);
    let mut faults = Complaints::default();
    let mut cameras: BTreeMap<String, Camera> = BTreeMap::new();
    for raw in raw.camera {
        let id = raw.id.get_ref();
        let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if id.is_empty() || id.len() > 64 || !id.chars().all(usable) {
            let message = "a camera's id has 1 to 64 letters, digits, dots, - and _";
            faults.push(Complaint::spanned(source, &raw.id, message));
        }
        if cameras.contains_key(id) {
            faults.push(Complaint::spanned(source, &raw.id, format!("there are two cameras {id}")));
        }
        let [lon, lat] = *raw.at.get_ref();
        if !(-180.0..=180.0).contains(&lon) || !(-90.0..=90.0).contains(&lat) {
            faults.push(Complaint::spanned(source, &raw.at, "at is [lon, lat] in degrees"));
        }
        if let Some(heading) = raw.heading.as_ref().filter(|h| !(0.0..360.0).contains(h.get_ref())) {
            let message = "heading is 0 to 360 degrees clockwise from north";
            faults.push(Complaint::spanned(source, heading, message));
        }
        if let Some(at) = raw.picture.as_ref().filter(|p| !p.get_ref().starts_with("http")) {
            let message = "picture is an address that begins with http:// or https://";
            faults.push(Complaint::spanned(source, at, message));
        }
        let camera = Camera {
            id: id.clone(),
            name: Name { local: raw.name, en: raw.name_en },
            at: LonLat { lon, lat },
            heading: raw.heading.map(Spanned::into_inner),
            junction: raw.junction.map(JunctionId::new),
            picture: raw.picture.map(Spanned::into_inner),
            stream: raw.stream,
        };
        cameras.insert(id.clone(), camera);
    }
    faults.or(cameras.into_values().collect())
}

/// What is known of a camera's health.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Sight {
    /// It was not asked yet, or has no picture to ask for.
    #[default]
    Unknown,
    /// It gave a picture then.
    Seen(Moment),
    /// It gives none; the last one, if there was one since the start, came then.
    Silent(Option<Moment>),
}

/// A picture as the camera gave it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Shot {
    /// `image/…`.
    pub(crate) kind: String,
    pub(crate) bytes: Vec<u8>,
}

/// All cameras, and what is known of them.
#[derive(Debug)]
pub(crate) struct Cameras {
    all: Vec<Camera>,
    sights: Mutex<Vec<Sight>>,
    clock: Clock,
    http: ureq::Agent,
    seats: Semaphore,
}

impl Cameras {
    pub(crate) fn new(all: Vec<Camera>, clock: Clock) -> Cameras {
        let http = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            // A camera that points elsewhere is not the one that was configured.
            .max_redirects(0)
            .build()
            .new_agent();
        let sights = Mutex::new(vec![Sight::default(); all.len()]);
        Cameras { all, sights, clock, http, seats: Semaphore::new(AT_ONCE) }
    }

    /// Each with what is known of it.
    pub(crate) fn each(&self) -> Vec<(&Camera, Sight)> {
        let sights = self.sights.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.all.iter().zip(sights).collect()
    }

    /// The number of the camera with that id.
    pub(crate) fn find(&self, id: &str) -> Option<usize> {
        self.all.iter().position(|camera| camera.id == id)
    }

    /// Its picture of now; `None` if it gives none.
    pub(crate) async fn shoot(&self, number: usize) -> Option<Shot> {
        let address = self.all[number].picture.clone()?;
        // Closed only at the end of the program, which has no more questions.
        let _seat = self.seats.acquire().await;
        let http = self.http.clone();
        let shot = tokio::task::spawn_blocking(move || {
            let (parts, body) = http.get(&address).call().ok()?.into_parts();
            let kind = parts.headers.get("content-type")?.to_str().ok()?.to_owned();
            let bytes = body.into_with_config().limit(LARGEST).read_to_vec().ok()?;
            kind.starts_with("image/").then_some(Shot { kind, bytes })
        });
        let shot = shot.await.ok().flatten();
        let mut sights = self.sights.lock().unwrap_or_else(PoisonError::into_inner);
        let before = sights[number];
        sights[number] = match (&shot, before) {
            (Some(_), _) => Sight::Seen(self.clock.now()),
            (None, Sight::Seen(at)) => Sight::Silent(Some(at)),
            (None, Sight::Silent(at)) => Sight::Silent(at),
            (None, Sight::Unknown) => Sight::Silent(None),
        };
        drop(sights);
        if shot.is_none() && matches!(before, Sight::Seen(_)) {
            tracing::warn!(camera = self.all[number].id, "a camera gives no picture any more");
        }
        shot
    }

    /// Asks each in turn until `shutdown`, evenly over [`LOOK_EACH`].
    pub(crate) async fn follow(self: Arc<Self>, shutdown: CancellationToken) {
        let asked: Vec<usize> = (0..self.all.len()).filter(|n| self.all[*n].picture.is_some()).collect();
        let Some(between) = LOOK_EACH.checked_div(asked.len() as u32) else { return };
        let mut turns = tokio::time::interval(between);
        turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for number in asked.into_iter().cycle() {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = turns.tick() => {}
            }
            let cameras = self.clone();
            // One that lets us wait does not keep the others waiting; the seats bound how many do.
            tokio::spawn(async move { cameras.shoot(number).await });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = include_str!("../../configs/cameras.toml");

    #[test]
    fn what_we_ship_is_accepted_and_faults_are_named_with_their_line() {
        assert_eq!(parse("cameras.toml", FILE).unwrap().len(), 2);
        let check = |from: &str, to: &str, complaint: &str| {
            assert!(FILE.contains(from), "the shipped file has no {from:?}");
            let at = 1 + FILE[..FILE.find(from).unwrap()].matches('\n').count();
            let said = parse("c.toml", &FILE.replacen(from, to, 1)).unwrap_err().to_string();
            assert_eq!(said, format!("c.toml:{at}: {complaint}"));
        };
        check("id = \"k-17\"", "id = \"k/17\"", "a camera's id has 1 to 64 letters, digits, dots, - and _");
        check("id = \"k-18\"", "id = \"k-17\"", "there are two cameras k-17");
        check("at = [37.6203, 55.7537]", "at = [55.7, 137.6]", "at is [lon, lat] in degrees");
        check("heading = 120", "heading = 400", "heading is 0 to 360 degrees clockwise from north");
        check(
            "picture = \"http:",
            "picture = \"file:",
            "picture is an address that begins with http:// or https://",
        );
    }
}
