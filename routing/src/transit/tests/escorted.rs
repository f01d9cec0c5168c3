//! The search for those who are escorted, against the plainest: whether one may get on or off is asked of each call by itself.

use super::oracle::{Wild, check, hops, of_wild, question, wild};
use crate::{
    escort::{Escorts, Served},
    gtfs::{calendar::Day, records::Wheelchair},
    transit::{
        day::{DayTable, Traveller},
        search::Search,
        timetable::Timetable,
    },
};
use model::time::Moment;
use proptest::prelude::*;

const DAY_S: i64 = 86_400;

/// Who escorts, and where it is needed.
#[derive(Clone, Debug)]
struct Steps {
    /// By stop.
    barred: Vec<bool>,
    served: Vec<bool>,
    /// By trip.
    accessible: Vec<bool>,
    boards: bool,
    meet_min: i64,
    notice_min: i64,
    /// Minutes after midnight.
    hours: [i64; 2],
    /// Minutes after the day's midnight when it is asked.
    asked_min: i64,
}

fn steps() -> impl Strategy<Value = Steps> {
    (
        prop::collection::vec(any::<bool>(), 7),
        prop::collection::vec(prop::bool::weighted(0.8), 7),
        prop::collection::vec(any::<bool>(), 40),
        any::<bool>(),
        (0..6_i64, 0..30_i64),
        (0..60_i64, 1..60_i64),
        -60..30_i64,
    )
        .prop_map(
            |(barred, served, accessible, boards, (meet_min, notice_min), (from, long), asked_min)| {
                let hours = [from, from + long];
                Steps { barred, served, accessible, boards, meet_min, notice_min, hours, asked_min }
            },
        )
}

fn agrees(wild: &Wild, steps: &Steps) -> Result<(), TestCaseError> {
    let day = Day(20_000);
    let mut timetable: Timetable = of_wild(wild, day);
    for (stop, barred) in timetable.stops.iter_mut().zip(&steps.barred) {
        stop.wheelchair = if *barred { Wheelchair::Impossible } else { Wheelchair::Unknown };
    }
    for (i, trip) in timetable.trips.iter_mut().enumerate() {
        let accessible = steps.accessible[i % steps.accessible.len()];
        trip.wheelchair = if accessible { Wheelchair::Possible } else { Wheelchair::Impossible };
    }
    let ids: Vec<_> =
        (0..7).filter(|i| steps.served[*i]).map(|i| format!("{:?}", timetable.stops[i].id)).collect();
    let clock = |minutes: i64| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let text = format!(
        "[[escort]]\nname = {{ local = \"E\" }}\nstops = [{}]\nroutes = [\"w_BUS\"]\npasses = []\nboards = {}\nmeet_minutes = {}\n\
         notice = {{ minutes = {} }}\n[[escort.period]]\nfrom = \"2000-01-01\"\n\
         days = [\"MO\", \"TU\", \"WE\", \"TH\", \"FR\", \"SA\", \"SU\"]\nbetween = [\"{}\", \"{}\"]",
        ids.join(", "),
        steps.boards,
        steps.meet_min,
        steps.notice_min,
        clock(steps.hours[0]),
        clock(steps.hours[1]),
    );
    let escorts = Escorts::parse("e.toml", &text).unwrap();
    let served = Served::new(escorts, &timetable);
    let begins_s = day.plus(-1).begins_s(&timetable.zone());
    let asked = Moment((begins_s + DAY_S + steps.asked_min * 60) * 1000);
    let counted = served.counted(asked, day);
    let escorting = served.on(day, counted);
    let who = (Traveller::Escorted(counted), Some(&escorting));
    let forwards = DayTable::with(&timetable, &timetable.patterns(), day, who, &Default::default(), None);

    // The same rules, each call by itself, in seconds since the day before began.
    let by_bus: Vec<u32> = timetable
        .trips
        .iter()
        .enumerate()
        .filter(|(_, trip)| timetable.routes[trip.route as usize].id == "w_BUS")
        .flat_map(|(i, _)| timetable.calls_of(i as u32).iter().map(|call| call.stop))
        .collect();
    let is_served = |stop: u32| steps.served[stop as usize] || by_bus.contains(&stop);
    let asked_s = DAY_S
        + (steps.asked_min * 60).div_euclid(900) * 900
        + if (steps.asked_min * 60).rem_euclid(900) > 0 { 900 } else { 0 };
    let soonest = asked_s + steps.notice_min * 60;
    let within = |from: i64, until: i64| {
        (0..5).any(|d| {
            let [opens, closes] = steps.hours.map(|minutes| d * DAY_S + minutes * 60);
            from >= opens.max(soonest) && until <= closes
        })
    };
    let trips = hops(&timetable, day, |trip, hop| {
        let accessible = steps.accessible[trip as usize % steps.accessible.len()];
        let route = &timetable.routes[timetable.trips[trip as usize].route as usize].id;
        let barred = steps.barred[hop.0 as usize];
        let [on, off] = match (barred, accessible) {
            (false, true) => [true; 2],
            _ if !is_served(hop.0) => [false; 2],
            (_, false) if !(steps.boards && route == "w_BUS") => [false; 2],
            _ => [within(hop.2 - steps.meet_min * 60, hop.2), within(hop.1, hop.1)],
        };
        (hop.0, hop.1, hop.2, hop.3 && on, hop.4 && off)
    });
    let asked = question(wild, &timetable);
    let start = DAY_S as u32 + wild.start;
    check(&asked, [&forwards, &forwards.turned()], &trips, &mut Search::default(), start, Some(wild.window))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_escorted_front_is_the_oracles(wild in wild(), steps in steps()) {
        agrees(&wild, &steps)?;
    }
}
