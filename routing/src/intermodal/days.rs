//! Days made ready for searches, as a picture of the trips shows them.

use super::Transit;
use crate::{
    gtfs::calendar::Day,
    profile::Profile,
    transit::{
        changes::Changes,
        day::{DayTable, Traveller},
        live::Live,
        walks::Footpaths,
    },
};
use std::sync::{Arc, PoisonError};

/// Days that are kept ready, on foot and in a wheelchair counted apart; the one that was not asked for longest goes.
/// Most ask for today and tomorrow.
const DAYS_KEPT: usize = 6;

/// A day for somebody, as one picture of the trips shows it.
pub(super) type DayKey = (Day, Traveller, u64);

/// A day seen forwards and backwards.
#[derive(Debug)]
pub(super) struct BothWays {
    pub(super) forwards: OneWay,
    pub(super) backwards: OneWay,
}

/// A day seen one way, and the ways between rides that are of use on it.
#[derive(Debug)]
pub(super) struct OneWay {
    pub(super) day: DayTable,
    pub(super) changes: Changes,
}

impl OneWay {
    fn new(day: DayTable, footpaths: &Footpaths) -> OneWay {
        OneWay { changes: Changes::new(&day, footpaths), day }
    }
}

/// A day that was made ready for searches.
#[derive(Clone, Debug)]
pub struct Ready(Arc<BothWays>);

impl Ready {
    /// The day, seen forwards.
    pub fn day(&self) -> &DayTable {
        &self.0.forwards.day
    }
    /// Ways between rides that are of use on it.
    pub fn changes(&self) -> &Changes {
        &self.0.forwards.changes
    }
}

impl Transit {
    /// A day as it is known now, made ready if it is not.
    pub fn ready(&self, day: Day, on_foot: Profile) -> Ready {
        Ready(self.table(day, self.of(on_foot).1, &self.live()))
    }

    /// What is known of trips now.
    pub fn live(&self) -> Arc<Live> {
        self.live.load_full()
    }

    /// Another picture of the trips. The days that were asked for are made ready in it first, so that nobody waits for them; then
    /// it takes the place of the one before at once, and whoever is under way in that one ends in it.
    pub fn set_live(&self, mut live: Live) {
        let before = self.live.load_full();
        // The picture without crowded vehicles has a number of its own.
        let last = before.uncrowded.as_ref().map_or(before.number, |uncrowded| uncrowded.number);
        live.number = last + 1;
        live.uncrowded = live.without_crowded().map(|mut rest| {
            rest.number = live.number + 1;
            Arc::new(rest)
        });
        let live = Arc::new(live);
        let lock = || self.days.lock().unwrap_or_else(PoisonError::into_inner);
        // Those of one who is escorted are his who asked; whoever comes next asks at another time.
        let alone = |key: &DayKey| !matches!(key.1, Traveller::Escorted(_));
        let asked: Vec<DayKey> = lock().iter().map(|(key, _)| *key).filter(alone).collect();
        let mut made: Vec<(DayKey, Arc<BothWays>)> = Vec::new();
        for (day, traveller, number) in asked {
            let of_same_kind = match number == before.number {
                true => Some(&live),
                false => live.uncrowded.as_ref().filter(|_| number == last),
            };
            if let Some(live) = of_same_kind {
                let table = self.build(day, traveller, live, &made);
                made.push(((day, traveller, live.number), table));
            }
        }
        let mut days = lock();
        days.retain(|(key, _)| key.2 >= before.number);
        days.extend(made);
        while days.len() > DAYS_KEPT {
            days.remove(0);
        }
        self.live.store(live);
    }

    /// Makes a day ready; `others` are such days.
    pub(super) fn build(
        &self,
        day: Day,
        traveller: Traveller,
        live: &Arc<Live>,
        others: &[(DayKey, Arc<BothWays>)],
    ) -> Arc<BothWays> {
        let escorting = match (traveller, &self.escorts) {
            (Traveller::Escorted(asked), Some(escorts)) => Some(escorts.served.on(day, asked)),
            _ => None,
        };
        let who = (traveller, escorting.as_ref());
        let is_same = |key: &DayKey| (key.0, key.2) == (day, live.number);
        let other = others.iter().find(|(key, _)| is_same(key)).map(|(_, other)| other);
        let [ahead, back] = [other.map(|other| &other.forwards.day), other.map(|other| &other.backwards.day)];
        let forwards = DayTable::with(&self.timetable, &self.patterns, day, who, live, ahead);
        let backwards = forwards.turned_beside(back);
        let on_foot = match traveller {
            Traveller::OnFoot | Traveller::WithBicycle => &self.on_foot,
            Traveller::InWheelchair => &self.on_wheels,
            Traveller::Escorted(_) => {
                self.escorts.as_ref().and_then(|escorts| escorts.walking.get()).unwrap_or(&self.on_wheels)
            }
        };
        Arc::new(BothWays {
            forwards: OneWay::new(forwards, &on_foot.forwards),
            backwards: OneWay::new(backwards, &on_foot.backwards),
        })
    }

    pub(super) fn table(&self, day: Day, traveller: Traveller, live: &Arc<Live>) -> Arc<BothWays> {
        let key = (day, traveller, live.number);
        let mut days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = days.iter().position(|(known, _)| *known == key) {
            let found = days.remove(at);
            days.push(found.clone());
            return found.1;
        }
        // Whoever comes second waits for the first, and then finds the day made.
        let made = self.build(day, traveller, live, &days);
        if days.len() >= DAYS_KEPT {
            days.remove(0);
        }
        days.push((key, made.clone()));
        made
    }
}
