//! Ways inside stations (GTFS pathways): between the street and platforms, and from platform to platform, for one kind of traveller.
//!
//! Who is escorted goes alone wherever he can. A platform to which no way without steps leads is one where he is met: to it and from it he
//! also passes what the escort helps him over.

use super::{search::Walk, timetable::Timetable};
use crate::{
    escort::{Escort, Served},
    gtfs::records::{Pathway, StopKind},
    profile::Profile,
};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

/// Where one comes from the street to a platform.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Entrance {
    /// The entrance; the platform itself where it has none.
    pub(crate) stop: u32,
    /// From the platform to it, s.
    pub(crate) out_s: u32,
    /// From it to the platform, s.
    pub(crate) in_s: u32,
}

/// Ways inside stations.
pub(crate) struct Inside<'a> {
    timetable: &'a Timetable,
    /// Whose they are.
    pub(crate) profile: Profile,
    alone: Ways,
    escorted: Option<(Ways, &'a Served)>,
}

impl<'a> Inside<'a> {
    /// Those of one who is on foot or in a wheelchair.
    pub(crate) fn new(timetable: &'a Timetable, profile: Profile) -> Inside<'a> {
        let alone = Ways::new(timetable, |pathway| pathway.step_free || profile != Profile::Wheelchair);
        Inside { timetable, profile, alone, escorted: None }
    }

    /// Those of one in a wheelchair who is escorted where he needs it.
    pub(crate) fn escorted(timetable: &'a Timetable, served: &'a Served) -> Inside<'a> {
        let ways = Ways::new(timetable, |pathway| pathway.step_free || served.passes(pathway));
        Inside { escorted: Some((ways, served)), ..Inside::new(timetable, Profile::Wheelchair) }
    }

    /// Who meets one at a platform that one does not get to alone.
    pub(crate) fn escort(&self, platform: u32) -> Option<&'a Escort> {
        let (_, served) = self.escorted.as_ref()?;
        let alone =
            self.timetable.admits_wheelchairs(platform) && !self.alone_from_the_street(platform).is_empty();
        if alone { None } else { served.escort_at(platform) }
    }

    /// Where one comes to a platform from the street. An escort is waited for at the entrance.
    pub(crate) fn entrances(&self, platform: u32) -> Vec<Entrance> {
        let (Some((ways, _)), Some(escort)) = (&self.escorted, self.escort(platform)) else {
            return self.alone_from_the_street(platform);
        };
        let mut all = ways.entrances(self.timetable, platform, false);
        all.iter_mut().for_each(|entrance| entrance.in_s += escort.meet_s);
        all
    }

    /// Other platforms that one comes to without leaving the station. Who comes alone waits for the escort there.
    pub(crate) fn platforms(&self, platform: u32) -> Vec<Walk> {
        let mut all = self.alone.platforms(self.timetable, platform);
        if let Some((ways, _)) = &self.escorted {
            let here = self.escort(platform);
            for (other, seconds) in ways.platforms(self.timetable, platform) {
                let more_s = match (here, self.escort(other)) {
                    (None, None) => continue,
                    (None, Some(there)) => there.meet_s,
                    (Some(_), _) => 0,
                };
                all.push((other, seconds + more_s));
            }
        }
        all
    }

    fn alone_from_the_street(&self, platform: u32) -> Vec<Entrance> {
        self.alone.entrances(self.timetable, platform, self.profile == Profile::Wheelchair)
    }
}

/// Pathways that can be used, by stop: to which stop, and the seconds.
struct Ways {
    out: HashMap<u32, Vec<Walk>>,
    back: HashMap<u32, Vec<Walk>>,
}

impl Ways {
    fn new(timetable: &Timetable, usable: impl Fn(&Pathway) -> bool) -> Ways {
        let (mut out, mut back) = (HashMap::<u32, Vec<Walk>>::new(), HashMap::<u32, Vec<Walk>>::new());
        for pathway in &timetable.pathways {
            // A pathway that cannot be used still says that its stop has an inside.
            let usable = usable(pathway);
            let mut add = |from: u32, to: u32| {
                let (out, back) = (out.entry(from).or_default(), back.entry(to).or_default());
                if usable {
                    out.push((to, pathway.seconds));
                    back.push((from, pathway.seconds));
                }
            };
            add(pathway.from, pathway.to);
            if pathway.both_ways {
                add(pathway.to, pathway.from);
            }
        }
        Ways { out, back }
    }

    fn entrances(&self, timetable: &Timetable, platform: u32, steps_bar: bool) -> Vec<Entrance> {
        let itself = || vec![Entrance { stop: platform, out_s: 0, in_s: 0 }];
        if !self.out.contains_key(&platform) && !self.back.contains_key(&platform) {
            return itself();
        }
        let (out, back) = (reached(&self.out, platform), reached(&self.back, platform));
        let is_entrance = |stop: &u32| timetable.stops[*stop as usize].kind == StopKind::Entrance;
        let mut all: Vec<_> = out.keys().chain(back.keys()).copied().filter(is_entrance).collect();
        all.sort_unstable();
        all.dedup();
        let far = |side: &HashMap<u32, u32>, stop: u32| side.get(&stop).copied();
        // A one-way entrance is left out: few feeds have any, and its other direction would have to be forbidden.
        let both = all
            .iter()
            .filter_map(|&stop| Some(Entrance { stop, out_s: far(&out, stop)?, in_s: far(&back, stop)? }));
        let doors: Vec<_> = both.collect();
        // Pathways that lead to no entrance tell nothing of the street, unless steps are what is in the way.
        if doors.is_empty() && !steps_bar { itself() } else { doors }
    }

    fn platforms(&self, timetable: &Timetable, platform: u32) -> Vec<Walk> {
        if !self.out.contains_key(&platform) {
            return Vec::new();
        }
        let reached = reached(&self.out, platform);
        reached.into_iter().filter(|(stop, _)| timetable.is_platform(*stop) && *stop != platform).collect()
    }
}

fn reached(ways: &HashMap<u32, Vec<Walk>>, from: u32) -> HashMap<u32, u32> {
    let mut best = HashMap::from([(from, 0)]);
    let mut queue = BinaryHeap::from([Reverse((0_u32, from))]);
    while let Some(Reverse((seconds, stop))) = queue.pop() {
        if best[&stop] < seconds {
            continue;
        }
        for &(next, more_s) in ways.get(&stop).into_iter().flatten() {
            let there = seconds.saturating_add(more_s);
            if best.get(&next).is_none_or(|&known| there < known) {
                best.insert(next, there);
                queue.push(Reverse((there, next)));
            }
        }
    }
    best
}
