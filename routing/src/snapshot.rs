//! The traffic of the moment: one writer, and readers who each hold an unchanging picture.
//!
//! A live link time counts in full while it is fresh, then less and less, and after a while not at all:
//! the answer goes back to the usual traffic of that time ([`crate::typical`]), or where that is not known to the empty
//! road, and says so. The same holds for departures later than now.

use crate::{
    hierarchy::{Customised, Roads},
    map::{ById, Map},
    street::Costs,
    typical::{Learning, Slot, Typical},
};
use arc_swap::ArcSwap;
use model::{ids::LinkIx, time::Moment};
use std::{sync::Arc, time::Duration};
use wire::message::{Entry, LinkTime, LinkTimes};

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

/// What was worked out of a picture fades only so often: at least once in this time it is worked out anew.
pub const LOOKED_AT_EVERY: Duration = Duration::from_secs(10);
/// What was worked out so long ago is of no use any more; whoever asks then looks at the picture itself.
const LOOKED_AT_BEFORE: Duration = Duration::from_secs(60);

/// What the centre last said of one link.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Said {
    at: Moment,
    time_s: f32,
    closed: bool,
}

/// An unchanging picture of the traffic.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Counts pictures, from 0, the empty one.
    pub number: u64,
    /// Time of the newest entry in it; `None` in the empty picture.
    pub at: Option<Moment>,
    /// By link; empty before any message.
    said: Vec<Option<Said>>,
    /// When a link was last said to be closed.
    closed: Option<Moment>,
    /// What is usual, where that is known.
    typical: Option<Arc<Typical>>,
    /// What driving costs in it.
    driving: Option<Arc<Customised>>,
}

/// A picture as it looks at one moment, to one who leaves at another.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    snapshot: &'a Snapshot,
    now: Moment,
    /// The moment as which the ages of what was said count: a little before `now` where something was worked out then.
    seen: Moment,
    /// The moment whose closures and usual traffic count.
    then: Moment,
    ahead: f64,
    /// The usual traffic that counts, and when in the week.
    usual: Option<(&'a Typical, Slot)>,
}

/// How much an answer is worth as far as traffic goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Freshness {
    /// Link times count in full.
    Live,
    /// They count in part.
    Fading,
    /// They count no more, or there never were any: travel times are the usual ones of that time.
    Typical,
    /// They count no more, and nobody knows what is usual: travel times are those of empty roads.
    FreeFlow,
}

impl Snapshot {
    /// The picture before any message: nothing is known of any link.
    pub fn empty() -> Snapshot {
        Snapshot { number: 0, at: None, said: Vec::new(), closed: None, typical: None, driving: None }
    }

    fn said_of(&self, link: LinkIx) -> Option<Said> {
        self.said.get(link.ix()).copied().flatten()
    }

    /// The picture as it looks at `now` to one who leaves at `departure`.
    pub fn view(&self, now: Moment, departure: Moment) -> View<'_> {
        let ahead = fade(departure.since(now), AHEAD_IN_FULL, AHEAD_NOT_AT_ALL);
        let seen = self.driving.as_ref().map_or(now, |driving| driving.seen);
        let seen = if now.since(seen) > LOOKED_AT_BEFORE { now } else { seen };
        // For departures soon, in which the picture counts in full, all of it is as it is now.
        let then = if ahead >= 1.0 && self.at.is_some() { seen } else { departure.max(now) };
        let typical = self.typical.as_deref();
        let usual = typical.and_then(|typical| Some((typical, typical.slot(then)?)));
        View { snapshot: self, now, seen, then, ahead, usual }
    }
}

impl<'a> View<'a> {
    /// The measured time of a link in seconds and how much it counts, 0 to 1; `None` where it counts nothing.
    pub fn measured(&self, link: LinkIx) -> Option<(f64, f64)> {
        let said = self.snapshot.said_of(link).filter(|said| !said.closed)?;
        let weight = self.ahead * fade(self.seen.since(said.at), FRESH_FOR, USELESS_AFTER);
        (weight > 0.0).then_some((f64::from(said.time_s), weight))
    }

    /// The expected time of a link in seconds and how much it counts against the empty road, 0 to 1: what is measured, and the
    /// more of what is usual the less that counts. `None` where neither is known.
    pub fn expected(&self, link: LinkIx) -> Option<(f64, f64)> {
        let usual_s = self.usual.and_then(|(typical, slot)| typical.time_s(link, slot));
        match (self.measured(link), usual_s) {
            (Some((measured_s, weight)), Some(usual_s)) => {
                Some((usual_s + weight * (measured_s - usual_s), 1.0))
            }
            (None, Some(usual_s)) => Some((usual_s, 1.0)),
            (measured, None) => measured,
        }
    }

    /// Whether anything is known of the link. Quick; [`Self::expected`] and [`Self::closed`] say what counts.
    pub fn knows(&self, link: LinkIx) -> bool {
        self.snapshot.said_of(link).is_some() || self.usual.is_some_and(|(typical, _)| typical.knows(link))
    }

    /// Whether nobody may drive the link.
    pub fn closed(&self, link: LinkIx) -> bool {
        let said = self.snapshot.said_of(link);
        said.is_some_and(|said| said.closed && self.then.since(said.at) < CLOSURE_HOLDS)
    }

    /// What driving costs in this view, if that was worked out beforehand.
    pub fn driving(&self) -> Option<&'a Arc<Customised>> {
        self.snapshot.driving.as_ref().filter(|driving| self.ahead >= 1.0 && driving.seen == self.seen)
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
            _ if self.usual.is_some() => Freshness::Typical,
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

    /// Whether nothing that was said counts, so that the roads are the usual ones.
    pub fn is_usual(&self) -> bool {
        let fresh = |at| self.seen.since(at) < USELESS_AFTER;
        let holds = |at| self.then.since(at) < CLOSURE_HOLDS;
        let measured = self.counts_at_departure() && self.snapshot.at.is_some_and(fresh);
        !(measured || self.snapshot.closed.is_some_and(holds))
    }

    /// Whether nothing is known of any link.
    pub fn is_blank(&self) -> bool {
        self.snapshot.at.is_none() && self.usual.is_none()
    }

    /// Which usual traffic counts, and when in the week it is; `None` if none is known of then.
    pub fn usual(&self) -> Option<(u64, Slot)> {
        self.usual.map(|(typical, slot)| (typical.number, slot))
    }

    /// The moment as which it was looked at.
    pub fn seen(&self) -> Moment {
        self.seen
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
    /// The next picture, as far as it is drawn.
    draft: Snapshot,
    is_new: bool,
    /// Where what driving costs is worked out for each picture.
    roads: Option<Arc<Roads>>,
    map: Arc<Map>,
    links: ById,
    /// Where what is said is worked into what is usual.
    learning: Option<Learning>,
    /// What was learned and nobody has kept yet.
    learned: Option<Arc<Typical>>,
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
    /// The writer for a map, and the door for its readers. With `roads`, what driving costs is worked out for each
    /// picture before anybody sees it.
    pub fn new(map: Arc<Map>, roads: Option<Arc<Roads>>) -> (TrafficWriter, Traffic) {
        let draft = Snapshot::empty();
        let traffic = Traffic(Arc::new(ArcSwap::from_pointee(draft.clone())));
        let links = map.by_id();
        (
            TrafficWriter {
                traffic: traffic.clone(),
                draft,
                is_new: false,
                roads,
                map,
                links,
                learning: None,
                learned: None,
            },
            traffic,
        )
    }

    /// Says what is usual; with `learning` what is said of links is worked into it.
    pub fn set_typical(&mut self, typical: Typical, learning: Option<Learning>) {
        self.learning = learning;
        self.draft.typical = Some(Arc::new(typical));
        self.draft.driving = None;
        self.traffic.0.store(Arc::new(self.draft.clone()));
    }

    /// What was learned since this was last asked.
    pub fn take_learned(&mut self) -> Option<Arc<Typical>> {
        self.learned.take()
    }

    /// Works what was said in slots that are over into what is usual.
    fn learn(&mut self, now: Moment) {
        if let (Some(learning), Some(typical)) = (&mut self.learning, &self.draft.typical)
            && let Some(after) = learning.finish(now, typical)
        {
            let after = Arc::new(after);
            self.draft.typical = Some(after.clone());
            self.learned = Some(after);
        }
    }

    /// What a link takes at a speed in m/s; of one that is not on the map nobody knows.
    pub(crate) fn at_speed(&self, link: String, speed_mps: f32) -> LinkTime {
        let length_m = self.links.find(&self.map, &link).map_or(0.0, |ix| self.map.link(ix).length_m());
        LinkTime { link, time_s: length_m as f32 / speed_mps, closed: false }
    }

    /// Draws `entry`, received at `now`, into the next picture. An entry from the future (a clock that runs ahead)
    /// counts as said now.
    pub fn apply(&mut self, now: Moment, entry: &Entry<LinkTimes>) -> Applied {
        self.learn(now);
        let mut applied = Applied::default();
        let at = entry.ts.min(now);
        self.draft.said.resize(self.map.len(), None);
        for one in &entry.values.links {
            let Some(link) = self.links.find(&self.map, &one.link) else {
                applied.unknown += 1;
                continue;
            };
            let is_time = one.time_s.is_finite() && one.time_s > 0.0;
            if !one.closed && !is_time {
                applied.absurd += 1;
                continue;
            }
            let said = &mut self.draft.said[link.ix()];
            if said.is_some_and(|before| before.at > at) {
                applied.late += 1;
                continue;
            }
            // Measured times below free flow are not for planning on.
            let free_s = self.map.link(link).free_travel_time_s() as f32;
            let time_s = one.time_s.max(free_s);
            *said = Some(Said { at, time_s, closed: one.closed });
            if one.closed {
                self.draft.closed = self.draft.closed.max(Some(at));
            } else if let Some(learning) = &mut self.learning {
                learning.take(at, link, time_s);
            }
            applied.used += 1;
        }
        if applied.used > 0 {
            self.is_new = true;
            self.draft.at = self.draft.at.max(Some(at));
        }
        applied
    }

    /// Whether there is something to show that readers do not see yet: news, or that the last picture has faded.
    pub fn is_due(&self, now: Moment) -> bool {
        let looked = self.draft.driving.as_ref().map(|driving| driving.seen);
        let faded = looked.is_some_and(|seen| now.since(seen) >= LOOKED_AT_EVERY);
        self.is_new
            || (faded && self.draft.at.is_some_and(|at| now.since(at) < CLOSURE_HOLDS + LOOKED_AT_BEFORE))
    }

    /// Hands the picture as it looks at `now` to the readers, if it [`Self::is_due`].
    pub fn publish(&mut self, now: Moment) {
        if !self.is_due(now) {
            return;
        }
        self.learn(now);
        if let Some(roads) = self.roads.as_ref().filter(|_| self.draft.at.is_some()) {
            self.draft.driving = None;
            let costs = Costs::new(&roads.street, self.draft.view(now, now), None);
            let driving = roads.hierarchy.customise(&costs, now);
            self.draft.driving = Some(Arc::new(driving));
        }
        self.draft.number += u64::from(std::mem::take(&mut self.is_new));
        self.traffic.0.store(Arc::new(self.draft.clone()));
    }
}
