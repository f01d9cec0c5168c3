//! Ways on wheels to stops, as lines and against all pairs of spots.

use super::*;
use crate::{
    drawing::{NOW, draw, lend, picture, place},
    intermodal::TransitQuery,
    planner::{Planner, STREET_WITHIN_M},
    transit::drawing::{planner, query},
};
use model::city::City;
use proptest::prelude::*;
use std::{borrow::Cow, collections::BTreeSet};

/// Two stops far beyond a walk from home, with a street all the way.
const STREETS: &str = "
    A 0 0
    B 100 0
    C 2100 0
    D 2200 0
    E 9000 0
    F 9100 0
    G 11000 0
    H 11100 0
    A-B
    B-C
    C-D
    D-E
    E-F
    F-G
    G-H";

const BUS: &str = "
    BUS 7   D      E
            08:15  08:25
            08:30  08:40";

#[track_caller]
fn check(sharing: Option<Sharing>, [before, after]: [&[Feeder]; 2], question: &str, expected: &[&str]) {
    let (city, planner) = (draw(STREETS), planner(STREETS, BUS));
    if let Some(sharing) = sharing {
        planner.set_sharing(sharing);
    }
    let mut query = query(&city, question);
    (query.before, query.after) = (before.to_vec(), after.to_vec());
    let journeys = planner.by_transit(&query).unwrap();
    for journey in &journeys {
        assert!(journey.start <= journey.legs[0].start);
        assert!(journey.end >= journey.legs[journey.legs.len() - 1].end);
        for pair in journey.legs.windows(2) {
            assert!(pair[0].end <= pair[1].start && pair[0].to == pair[1].from, "{journey}");
        }
    }
    let day = |line: &String| !line.contains(" h ");
    let lines: Vec<String> = journeys.iter().map(ToString::to_string).filter(day).collect();
    assert_eq!(lines, expected, "{question}");
}

#[test]
fn a_bicycle_is_taken_to_the_first_stop_and_from_the_last() {
    const FOOT: &[Feeder] = &[Feeder::OnFoot];
    const BOTH: &[Feeder] = &[Feeder::OnFoot, Feeder::Rental];
    const OWN: &[Feeder] = &[Feeder::OnFoot, Feeder::Bicycle];
    let city = draw(STREETS);
    let spots = [("B", 1, 0), ("C", 0, 1), ("F", 1, 0), ("G", 0, 1)];
    let lent = || Some(lend(&city, false, &spots));
    check(lent(), [FOOT, FOOT], "A to E at 08:00", &[]);
    check(None, [BOTH, FOOT], "A to E at 08:00", &[]);
    check(
        lent(),
        [BOTH, FOOT],
        "A to E at 08:00",
        &[
            "A ~ walk 100 m ~ Station B ~ hire 2.00 km ~ Station C ~ walk 100 m ~ D ~ BUS 7 08:15 08:25 ~ E [21 min 54 s]",
        ],
    );
    check(
        lent(),
        [BOTH, BOTH],
        "A to H by 08:50",
        &[
            "A ~ walk 100 m ~ Station B ~ hire 2.00 km ~ Station C ~ walk 100 m ~ D ~ BUS 7 08:15 08:25 ~ E ~ walk 100 m ~ Station F ~ hire 1.90 km ~ Station G ~ walk 100 m ~ H [33 min 24 s]",
        ],
    );
    check(
        None,
        [OWN, FOOT],
        "A to E at 08:00",
        &["A ~ cycle 2.20 km ~ D ~ BUS 7 08:15 08:25 ~ E [19 min 18 s]"],
    );
    // It stands at the door, and is left at the stop itself.
    check(
        Some(lend(&city, true, &[("A", 1, 0), ("F", 1, 0)])),
        [BOTH, BOTH],
        "A to H at 08:00",
        &[
            "Station A ~ hire 2.20 km ~ D ~ BUS 7 08:15 08:25 ~ E ~ walk 100 m ~ Station F ~ hire 2.00 km ~ H [31 min]",
        ],
    );
    // None to take, or nowhere to leave it.
    for spots in [[("B", 0, 0), ("C", 0, 1)], [("B", 1, 0), ("C", 0, 0)]] {
        check(Some(lend(&city, false, &spots)), [BOTH, FOOT], "A to E at 08:00", &[]);
    }
}

#[test]
fn a_bicycle_stays_where_bicycles_are_left() {
    const FOOT: &[Feeder] = &[Feeder::OnFoot];
    const OWN: &[Feeder] = &[Feeder::OnFoot, Feeder::Bicycle];
    let ask = |racks: &str, feeders: [&[Feeder]; 2], with_bicycle: bool, question: &str| {
        let streets = format!("{STREETS}\n{racks}");
        let bus = BUS.replace("08:25", "08:25 bicycle").replace("08:40", "08:40 bicycle");
        let (city, planner) = (draw(&streets), planner(&streets, &bus));
        let mut query = TransitQuery { with_bicycle, ..query(&city, question) };
        (query.before, query.after) = (feeders[0].to_vec(), feeders[1].to_vec());
        planner.by_transit(&query).unwrap()
    };
    let check = |racks: &str, feeders, with_bicycle, question: &str, expected: &str| {
        let journeys = ask(racks, feeders, with_bicycle, question);
        assert_eq!(
            journeys.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [expected],
            "{racks} {question}"
        );
    };
    // In the nearest of two, and on foot from there.
    let parked = "A ~ cycle 2.10 km ~ Велопарковка C ~ walk 100 m ~ D ~ BUS 7 08:15 08:25 ~ E [20 min 6 s]";
    check("rack C", [OWN, FOOT], false, "A to E at 08:00", parked);
    // None is at the stop: one locks it there.
    let locked = "A ~ cycle 2.20 km ~ D ~ BUS 7 08:15 08:25 ~ E [19 min 18 s]";
    check("rack B", [OWN, FOOT], false, "A to E at 08:00", locked);
    // What comes along needs no rack.
    check("rack C", [OWN, FOOT], true, "A to E at 08:00", locked);
    // Who stands at the door already rides nowhere, and only goes in.
    let at_the_door = "D ~ walk 0 m ~ D ~ BUS 7 08:15 08:25 ~ E [10 min 30 s]";
    check("rack B", [&[Feeder::Bicycle], FOOT], false, "D to E at 08:00", at_the_door);
    // It waits in one for who comes back.
    let home = "D ~ BUS 7 08:15 08:25 ~ E ~ walk 100 m ~ Велопарковка F ~ cycle 1.90 km ~ G [19 min 18 s]";
    check("rack F", [FOOT, OWN], false, "D to G at 08:00", home);
    let known =
        ask("rack C", [OWN, FOOT], false, "A to E at 08:00")[0].legs[0].street().unwrap().parked.clone();
    assert_eq!(known.map(|parked| (parked.capacity, parked.covered)), Some((Some(10), true)));
}

/// Home is far from everything; a metro goes from B on to the town at F, faster than cars from E on.
const COMMUTE: &str = "
    A 0 0
    B 6000 0
    C 12000 0
    D 18000 0
    E 24000 0
    F 24500 0
    A-B
    B-C
    C-D
    D-E
    E-F
    park B
    park C
    park E";

const METRO: &str = "
    METRO 1   B      C      D      E      F
              08:20  08:28  08:36  08:44  08:46
              08:30  08:38  08:46  08:54  08:56
    METRO 1r  F      E      D      C      B
              09:00  09:02  09:10  09:18  09:26";

#[track_caller]
fn check_driven(
    (streets, table): (&str, &str),
    feeders: [&[Feeder]; 2],
    traffic: &str,
    question: &str,
    expected: &[&str],
) {
    let (city, planner) = (draw(streets), planner(streets, table));
    let mut query = query(&city, question);
    (query.before, query.after) = (feeders[0].to_vec(), feeders[1].to_vec());
    (query.walk_before, query.walk_after) = (Duration::from_secs(3600), Duration::from_secs(3600));
    query.asked = NOW;
    let picture = picture(&city, NOW, traffic);
    let live = planner.transit().unwrap().live();
    let journeys = planner.by_transit_as(&query, &live, &picture).unwrap();
    let day = |line: &String| !line.contains(" h ");
    let lines: Vec<String> = journeys.iter().map(ToString::to_string).filter(day).collect();
    assert_eq!(lines, expected, "{question}");
}

#[test]
fn who_parks_and_rides_does_not_drive_all_the_way() {
    const FOOT: &[Feeder] = &[Feeder::OnFoot];
    const PARK: &[Feeder] = &[Feeder::ParkAndRide];
    const BOTH: &[Feeder] = &[Feeder::OnFoot, Feeder::ParkAndRide];
    let check = |feeders, question: &str, expected: &[&str]| {
        check_driven((COMMUTE, METRO), feeders, "", question, expected);
    };
    // Whoever drove on to C or E would be there sooner, and has no use for the train.
    let by_train = "A ~ drive 6.00 km ~ Парковка B ~ SUBWAY 1 08:20 08:46 ~ F [40 min]";
    check([PARK, FOOT], "A to F at 08:00", &[by_train]);
    check([BOTH, FOOT], "A to F at 08:00", &[by_train]);
    // On foot nobody gets to a train.
    check([FOOT, FOOT], "A to F at 08:00", &[]);
    // The car waits where one gets off.
    let home = "F ~ SUBWAY 1r 09:00 09:26 ~ B ~ drive 6.00 km ~ A [39 min]";
    check([FOOT, PARK], "F to A at 08:55", &[home]);
    // Somebody else drives, and goes on.
    let dropped = "A ~ drive 6.00 km ~ B ~ SUBWAY 1 08:20 08:46 ~ F [38 min 30 s]";
    check([&[Feeder::DropOff], FOOT], "A to F at 08:00", &[dropped]);
    let taxi = "A ~ taxi 6.00 km ~ B ~ SUBWAY 1 08:20 08:46 ~ F [38 min 30 s]";
    check([&[Feeder::Taxi], FOOT], "A to F at 08:00", &[taxi]);
}

/// Two lines to the town, each with a car park at its end, and home is between them.
const CHOICE: &str = "
    A 0 0
    B 6000 0
    G 0 5000
    F 24500 2000
    X 24500 9000
    A-B
    A-G
    F-X
    park B
    park G";

const TWO_LINES: &str = "
    METRO 1   B      F
              08:20  08:46
              08:30  08:56
    METRO 2   G      F
              08:18  08:52
              08:28  09:02";

#[test]
fn traffic_changes_where_one_parks() {
    const PARK: [&[Feeder]; 2] = [&[Feeder::ParkAndRide], &[Feeder::OnFoot]];
    let check = |traffic: &str, expected: &str| {
        check_driven((CHOICE, TWO_LINES), PARK, traffic, "A to F at 08:00", &[expected]);
    };
    check("", "A ~ drive 6.00 km ~ Парковка B ~ SUBWAY 1 08:20 08:46 ~ F [40 min]");
    check("AB 1200 s", "A ~ drive 5.00 km ~ Парковка G ~ SUBWAY 2 08:18 08:52 ~ F [46 min]");
    check("AB closed", "A ~ drive 5.00 km ~ Парковка G ~ SUBWAY 2 08:18 08:52 ~ F [46 min]");
}

/// A grid whose streets are partly one way, with stops and spots at its corners.
#[derive(Clone, Debug)]
struct Wild {
    streets: String,
    table: String,
    spots: Vec<(usize, u32, u32)>,
    left_anywhere: bool,
}

const SIDE: usize = 5;

fn name(corner: usize) -> String {
    format!("{}{}", char::from(b'A' + (corner % SIDE) as u8), char::from(b'a' + (corner / SIDE) as u8))
}

fn wild() -> impl Strategy<Value = Wild> {
    let corners = SIDE * SIDE;
    (
        prop::collection::vec(0..6_u8, 2 * corners),
        prop::collection::btree_set(0..corners, 2..6),
        prop::collection::vec((0..corners, 0..2_u32, 0..2_u32), 1..12),
        any::<bool>(),
        prop::collection::vec((0..90_u32, 0..90_u32), corners),
    )
        .prop_map(move |(kinds, stops, spots, left_anywhere, crooked)| {
            let mut streets = String::new();
            for (corner, (dx, dy)) in crooked.iter().enumerate() {
                let (x, y) = (corner as u32 % SIDE as u32, corner as u32 / SIDE as u32);
                streets += &format!("{} {} {}\n", name(corner), x * 300 + dx, y * 300 + dy);
            }
            for corner in 0..corners {
                let (right, down) = (corner % SIDE + 1 < SIDE, corner + SIDE < corners);
                for (other, is_there, kind) in
                    [(corner + 1, right, kinds[corner]), (corner + SIDE, down, kinds[corners + corner])]
                {
                    let sign = ["-", "-", "-", ">", "=", "#"][usize::from(kind)];
                    if is_there {
                        streets += &format!("{}{sign}{}\n", name(corner), name(other));
                    }
                }
            }
            let stops: Vec<String> = stops.into_iter().map(name).collect();
            let times: Vec<String> = (0..stops.len()).map(|i| format!("08:{:02}", 10 + i)).collect();
            let table = format!("BUS 1 {}\n {}", stops.join(" "), times.join(" "));
            Wild { streets, table, spots, left_anywhere }
        })
}

/// The ms between a place and a stop by one vehicle, trying all pairs of spots one by one.
fn least(
    wheels: &Wheels<'_>,
    stops: Stops<'_>,
    own: bool,
    place: &Place,
    stop: u32,
    looking: Looking,
) -> Option<u32> {
    let mut scratch = Scratch::default();
    let mut between = |costs: &Costs<'_>, near: &[OnArc], far: &[OnArc]| {
        let [from, to] = looking.in_order([near, far]);
        quickest(costs, from, to, &mut scratch).map(|path| path.cost_ms)
    };
    let inside = |door: &Door| if looking == Looking::Away { door.in_ms } else { door.out_ms };
    let here = |costs| wheels.feet(costs, place.at, STREET_WITHIN_M);
    let mut best = None::<u32>;
    let mut offer = |ms: u32| best = Some(best.map_or(ms, |known| known.min(ms)));
    // Where riding begins near the place: the feet, and the ms.
    let mut near: Vec<(Vec<OnArc>, u32)> = Vec::new();
    let nowhere = Vec::new();
    let (feet, system) = match own {
        true => (&nowhere, None),
        false => (&wheels.lent.feet[0], Some(&wheels.lent.sharing.systems[0])),
    };
    let (close, distant) = match looking {
        Looking::Away => (Handling::Take, Handling::Leave),
        Looking::Towards => (Handling::Leave, Handling::Take),
    };
    match system {
        None => near.push((here(&wheels.cycling), 0)),
        Some(system) => {
            for i in system.nearest(place.at, close) {
                if let Some(ms) = between(&wheels.walking, &here(&wheels.walking), &feet[i][0]) {
                    near.push((feet[i][1].clone(), ms + close.ms()));
                }
            }
            if looking == Looking::Towards && system.left_anywhere {
                near.push((here(&wheels.cycling), close.ms()));
            }
        }
    }
    for (begins, before_ms) in &near {
        let racks = if own { racks_at(wheels, stops, stop, &mut Scratch::default()) } else { Vec::new() };
        for (rack, walked) in &racks {
            if let Some(ms) = between(&wheels.cycling, begins, rack) {
                let walked = if looking == Looking::Away { walked[0] } else { walked[1] };
                offer(before_ms + ms + Handling::Leave.ms() + walked);
            }
        }
        if (own && racks.is_empty())
            || (looking == Looking::Away && system.is_some_and(|system| system.left_anywhere))
        {
            for door in &stops.doors[stop as usize] {
                if let Some(ms) = between(&wheels.cycling, begins, &door.feet) {
                    offer(before_ms + ms + Handling::Leave.ms() + inside(door));
                }
            }
        }
        let spots = system.map_or(&[][..], |system| &system.spots);
        for (i, _) in spots.iter().enumerate().filter(|(_, spot)| distant.fits(spot)) {
            let Some(ridden) = between(&wheels.cycling, begins, &feet[i][1]) else { continue };
            for door in stops.walks.doors(stop) {
                if let Some(walked) = between(&wheels.walking, &feet[i][0], &door.feet) {
                    offer(before_ms + ridden + distant.ms() + walked + inside(door));
                }
            }
        }
    }
    best
}

/// The bicycle parks at a stop: on the streets of bicycles, and the ms on foot from them to the stop and from it. Trying all.
fn racks_at(
    wheels: &Wheels<'_>,
    stops: Stops<'_>,
    stop: u32,
    scratch: &mut Scratch,
) -> Vec<(Vec<OnArc>, [u32; 2])> {
    let mut all = Vec::new();
    for park in &wheels.map.bicycle_parks {
        let [on_foot, by_wheel] =
            [&wheels.walking, &wheels.cycling].map(|costs| wheels.feet(costs, park.at, 300.0));
        let mut least = |way: fn(&Door, &[OnArc]) -> [Vec<OnArc>; 2], inside: fn(&Door) -> u32| {
            let ways = stops.walks.doors(stop).iter().filter_map(|door| {
                let [from, to] = way(door, &on_foot);
                quickest(&wheels.walking, &from, &to, scratch).map(|path| path.cost_ms + inside(door))
            });
            ways.min().filter(|ms| *ms <= 240_000)
        };
        let into = least(|door, rack| [rack.to_vec(), door.feet.clone()], |door| door.in_ms);
        let out_of = least(|door, rack| [door.feet.clone(), rack.to_vec()], |door| door.out_ms);
        if let (Some(into), Some(out_of), false) = (into, out_of, by_wheel.is_empty()) {
            all.push((by_wheel, [into, out_of]));
        }
    }
    all.sort_by_key(|(_, ways)| ways[0]);
    all.truncate(3);
    all
}

/// The same by car, trying all car parks one by one.
fn least_by_car(
    wheels: &Wheels<'_>,
    stops: Stops<'_>,
    parked: bool,
    place: &Place,
    stop: u32,
    looking: Looking,
) -> Option<u32> {
    let mut scratch = Scratch::default();
    let mut between = |costs: &Costs<'_>, near: &[OnArc], far: &[OnArc]| {
        let [from, to] = looking.in_order([near, far]);
        quickest(costs, from, to, &mut scratch).map(|path| path.cost_ms)
    };
    let inside = |door: &Door| if looking == Looking::Away { door.in_ms } else { door.out_ms };
    let here = wheels.feet(&wheels.driving.costs, place.at, STREET_WITHIN_M);
    let mut all = Vec::new();
    if !parked {
        for door in &stops.driven_to[stop as usize] {
            let driven = between(&wheels.driving.costs, &here, &door.feet);
            all.extend(driven.map(|ms| ms + GETTING_OUT_MS + inside(door)));
        }
    }
    for park in wheels.parks.all.iter().filter(|_| parked) {
        let Some(driven) = between(&wheels.driving.costs, &here, &park.feet[1]) else { continue };
        let handled = if looking == Looking::Away { PARKING_MS } else { LEAVING_MS };
        for door in stops.walks.doors(stop) {
            let walked = between(&wheels.walking, &park.feet[0], &door.feet);
            all.extend(walked.map(|ms| driven + handled + ms + inside(door)));
        }
    }
    all.into_iter().min()
}

fn agrees(wild: &Wild) -> Result<(), TestCaseError> {
    let parks = wild.spots.iter().map(|(at, ..)| format!("park {}\n", name(*at)));
    let racks =
        wild.spots.iter().filter(|(.., room)| *room > 0).map(|(at, ..)| format!("rack {}\n", name(*at)));
    let places = parks.chain(racks).collect::<BTreeSet<_>>();
    let streets = wild.streets.clone() + &places.into_iter().collect::<String>();
    let city = draw(&streets);
    let planner: Planner = planner(&streets, &wild.table);
    let slow = [("AaBa", 90), ("BaCa", 40), ("AbBb", 200), ("CaCb", 120)];
    let known = |link: &&(&str, u32)| city.network.links.iter().any(|one| one.id.as_str() == link.0);
    let slow = slow.iter().filter(known).map(|(link, s)| format!("{link} {s} s"));
    let traffic = picture(&city, NOW, &slow.collect::<Vec<_>>().join(","));
    let spots: Vec<(String, u32, u32)> =
        wild.spots.iter().map(|&(at, vehicles, room)| (name(at), vehicles, room)).collect();
    let spots: Vec<(&str, u32, u32)> = spots.iter().map(|(at, v, r)| (at.as_str(), *v, *r)).collect();
    planner.set_sharing(lend(&city, wild.left_anywhere, &spots));
    let searched = planner.driving(traffic.view(NOW, NOW), false);
    let worked_out = Arc::new(searched.roads.hierarchy.customise(&searched.costs, NOW));
    let worked_out = Driving { ready: Some(Cow::Owned(worked_out)), ..searched.clone() };
    for driving in [searched, worked_out] {
        agrees_driving(&city, &planner, driving)?;
    }
    Ok(())
}

fn agrees_driving(city: &City, planner: &Planner, driving: Driving<'_>) -> Result<(), TestCaseError> {
    let (wheels, transit) = (planner.wheels(Profile::Walk, [None; 2], driving), planner.transit().unwrap());
    let anybody = query(city, "Aa to Cc at 08:00");
    transit.find_driven_to(&planner.streets_for(Profile::Walk, &wheels), &anybody);
    transit.find_racks(&planner.streets_for(Profile::Walk, &wheels));
    let stops = transit.stops_of(Profile::Walk, None);
    let (mut scratch, mut memory) = (Scratch::default(), WalkScratch::default());
    let limit_ms = 400_000;
    for corner in ["Aa", "Cc", "Eb"] {
        let place = place(city, corner);
        for looking in [Looking::Away, Looking::Towards] {
            for feeder in [Feeder::Bicycle, Feeder::Rental, Feeder::ParkAndRide, Feeder::DropOff] {
                let memory = (&mut scratch, &mut memory);
                let asked = (looking, limit_ms);
                let ways = wheels.ways(feeder, (&place, STREET_WITHIN_M), asked, stops, memory);
                let (way, reached) = &ways[0];
                for stop in 0..transit.timetable().stops.len() as u32 {
                    let own = feeder == Feeder::Bicycle;
                    let expected = match feeder.is_driven() {
                        true => {
                            let parked = feeder == Feeder::ParkAndRide;
                            least_by_car(&wheels, stops, parked, &place, stop, looking)
                        }
                        false => least(&wheels, stops, own, &place, stop, looking),
                    };
                    let expected = expected.filter(|&ms| ms <= limit_ms);
                    prop_assert_eq!(
                        reached.get(&stop).copied(),
                        expected,
                        "{} {:?} {:?}",
                        corner,
                        looking,
                        feeder
                    );
                    if let Some(expected) = expected {
                        let at_stop = transit.place(stop);
                        let told = wheels.legs(way, (stop, &at_stop), stops, &mut scratch);
                        let (ms, legs) = told.expect("what was reached can be told");
                        prop_assert_eq!(ms, expected);
                        for pair in legs.windows(2) {
                            prop_assert!(pair[0].end <= pair[1].start);
                            prop_assert!(pair[0].to == pair[1].from);
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// No pair of spots, and no car park, leads to a stop sooner than what is found, and what is found can be told leg by leg.
    #[test]
    fn stops_are_reached_as_soon_as_any_two_spots_allow(wild in wild()) {
        agrees(&wild)?;
    }
}
