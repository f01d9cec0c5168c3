//! The traffic of the moment: one writer, and readers who each hold an unchanging picture.
//!
//! A live link time counts in full while it is fresh, then less and less, and after a while not at all:
//! the answer goes back to the empty road and says so. The same holds for departures later than now.
//! Typical times of the day are not known yet; until they are, a picture fades into free flow.

use arc_swap::ArcSwap;
use model::{
    city::City,
    ids::{LinkId, LinkIx},
    time::Moment,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use wire::message::{Entry, LinkTimes};

/// A link time this old still counts in full. The centre sends every few seconds; a minute or two of silence
/// changes no street.
pub const FRESH_FOR: Duration = Duration::from_secs(120);
/// A link time this old counts no more.
pub const USELESS_AFTER: Duration = Duration::from_secs(15 * 60);
/// For departures up to this much later than now the present picture counts in full.
pub const AHEAD_IN_FULL: Duration = Duration::from_secs(30 * 60);
/// For departures this much later it counts no more.
pub const AHEAD_NOT_AT_ALL: Duration = Duration::from_secs(60 * 60);
/// A closure outlives the times: roadworks do not end because the centre fell silent.
pub const CLOSURE_HOLDS: Duration = Duration::from_secs(2 * 60 * 60);

/// What the centre last said of one link.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Said {
    at: Moment,
    time_s: f32,
    closed: bool,
}

/// An unchanging picture of the traffic.
#[derive(Clone, PartialEq, Debug)]
pub struct Snapshot {
    /// Counts pictures, from 0, the empty one.
    pub number: u64,
    /// Time of the newest entry in it; `None` in the empty picture.
    pub at: Option<Moment>,
    said: Vec<Option<Said>>,
}

/// A picture as it looks at one moment, to one who leaves at another.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    snapshot: &'a Snapshot,
    now: Moment,
    departure: Moment,
    ahead: f64,
}

/// How much an answer is worth as far as traffic goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Freshness {
    /// Link times count in full.
    Live,
    /// They count in part.
    Fading,
    /// They count no more, or there never were any: travel times are those of empty roads.
    FreeFlow,
}

impl Snapshot {
    /// The picture before any message: nothing is known of any of `links` links.
    pub fn empty(links: usize) -> Snapshot {
        Snapshot { number: 0, at: None, said: vec![None; links] }
    }

    /// The picture as it looks at `now` to one who leaves at `departure`.
    pub fn view(&self, now: Moment, departure: Moment) -> View<'_> {
        let ahead = fade(departure.since(now), AHEAD_IN_FULL, AHEAD_NOT_AT_ALL);
        View { snapshot: self, now, departure, ahead }
    }
}

impl View<'_> {
    /// The measured time of a link in seconds and how much it counts, 0 to 1; `None` where it counts nothing.
    pub fn measured(&self, link: LinkIx) -> Option<(f64, f64)> {
        let said = self.snapshot.said[link.ix()].filter(|said| !said.closed)?;
        let weight = self.ahead * fade(self.now.since(said.at), FRESH_FOR, USELESS_AFTER);
        (weight > 0.0).then_some((f64::from(said.time_s), weight))
    }

    /// Whether anything was ever said of the link. Quick; [`Self::measured`] and [`Self::closed`] say what counts.
    pub fn knows(&self, link: LinkIx) -> bool {
        self.snapshot.said[link.ix()].is_some()
    }

    /// Whether nobody may drive the link.
    pub fn closed(&self, link: LinkIx) -> bool {
        self.snapshot.said[link.ix()]
            .is_some_and(|said| said.closed && self.now.max(self.departure).since(said.at) < CLOSURE_HOLDS)
    }

    /// How old the picture is; `None` for the empty one.
    pub fn age(&self) -> Option<Duration> {
        Some(self.now.since(self.snapshot.at?))
    }

    /// What its newest entry is worth.
    pub fn freshness(&self) -> Freshness {
        let weight = self.age().map_or(0.0, |age| self.ahead * fade(age, FRESH_FOR, USELESS_AFTER));
        match weight {
            w if w >= 1.0 => Freshness::Live,
            w if w > 0.0 => Freshness::Fading,
            _ => Freshness::FreeFlow,
        }
    }

    /// The share of `links` whose measured time or closure counts, 0 to 1.
    pub fn share_live(&self, links: impl Iterator<Item = LinkIx>) -> f64 {
        let (all, live) = links.fold((0_u32, 0_u32), |(all, live), link| {
            (all + 1, live + u32::from(self.measured(link).is_some() || self.closed(link)))
        });
        if all == 0 { 0.0 } else { f64::from(live) / f64::from(all) }
    }

    /// Whether times measured now say anything about the departure.
    pub fn counts_at_departure(&self) -> bool {
        self.ahead > 0.0
    }

    /// The picture's number.
    pub fn number(&self) -> u64 {
        self.snapshot.number
    }

    /// Time of its newest entry.
    pub fn at(&self) -> Option<Moment> {
        self.snapshot.at
    }
}

/// 1 up to `full`, 0 from `none` on, a straight line between.
fn fade(age: Duration, full: Duration, none: Duration) -> f64 {
    let (age, full, none) = (age.as_secs_f64(), full.as_secs_f64(), none.as_secs_f64());
    ((none - age) / (none - full)).clamp(0.0, 1.0)
}

/// Where readers find the newest picture. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Traffic(Arc<ArcSwap<Snapshot>>);

impl Traffic {
    /// The newest picture. Whoever answers a question takes it once and uses it throughout.
    pub fn now(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }
}

/// The one who draws new pictures. There is one per planner, and it is not `Clone`.
#[derive(Debug)]
pub struct TrafficWriter {
    traffic: Traffic,
    links: BTreeMap<LinkId, LinkIx>,
    /// Shortest believable time per link, s: measured times below free flow are not for planning on.
    free_s: Vec<f32>,
}

/// What became of one message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Applied {
    /// Links whose time or closure is in the new picture.
    pub used: u32,
    /// Links that our map does not have.
    pub unknown: u32,
    /// Times that are no times: not finite, or not above zero.
    pub absurd: u32,
    /// Older than what we had: a repeated or overtaken message.
    pub late: u32,
}

impl TrafficWriter {
    /// The writer for a city, and the door for its readers.
    pub fn new(city: &City) -> (TrafficWriter, Traffic) {
        let links = &city.network.links;
        let traffic = Traffic(Arc::new(ArcSwap::from_pointee(Snapshot::empty(links.len()))));
        let writer = TrafficWriter {
            traffic: traffic.clone(),
            links: links.iter().enumerate().map(|(i, link)| (link.id.clone(), LinkIx::from(i))).collect(),
            free_s: links.iter().map(|link| link.free_travel_time_s() as f32).collect(),
        };
        (writer, traffic)
    }

    /// Draws the picture after `entry`, received at `now`, and hands it to the readers. An entry from the
    /// future (a clock that runs ahead) counts as said now.
    pub fn apply(&mut self, now: Moment, entry: &Entry<LinkTimes>) -> Applied {
        let mut next = Snapshot::clone(&self.traffic.0.load());
        let mut applied = Applied::default();
        let at = entry.ts.min(now);
        for one in &entry.values.links {
            let Some(&link) = self.links.get(&LinkId::new(&one.link)) else {
                applied.unknown += 1;
                continue;
            };
            let is_time = one.time_s.is_finite() && one.time_s > 0.0;
            if !one.closed && !is_time {
                applied.absurd += 1;
                continue;
            }
            let said = &mut next.said[link.ix()];
            if said.is_some_and(|before| before.at > at) {
                applied.late += 1;
                continue;
            }
            *said = Some(Said { at, time_s: one.time_s.max(self.free_s[link.ix()]), closed: one.closed });
            applied.used += 1;
        }
        if applied.used > 0 {
            next.number += 1;
            next.at = next.at.max(Some(at));
            self.traffic.0.store(Arc::new(next));
        }
        applied
    }
}
