use super::*;
use crate::generator;
use std::collections::BTreeSet;

const MORNING_S: f64 = 8.0 * 3600.0;

#[test]
fn trips_come_in_order_and_follow_the_roads() {
    let city = generator::moscow(60, 3);
    let network = &city.network;
    let joined: BTreeSet<(LinkIx, LinkIx)> =
        network.movements.iter().map(|m| (network.lane(m.from).link, network.lane(m.to).link)).collect();
    let mut stream = DemandStream::new(&city, 1500, 1, MORNING_S);
    let (mut last, mut count, mut ids) = (f64::MIN, 0, BTreeSet::new());
    for minute in 1..=30 {
        let until = MORNING_S + f64::from(minute) * 60.0;
        for trip in stream.trips_until(until) {
            assert!(trip.depart_s >= last && trip.depart_s < until, "{}: out of order", trip.id);
            last = trip.depart_s;
            assert!(!trip.links.is_empty(), "{}: goes nowhere", trip.id);
            for pair in trip.links.windows(2) {
                assert!(
                    joined.contains(&(pair[0], pair[1])),
                    "{}: no way from {:?} to {:?}",
                    trip.id,
                    pair[0],
                    pair[1]
                );
            }
            let mut at = 0;
            for halt in &trip.halts {
                let k = trip.links[at..].iter().position(|l| *l == halt.link);
                assert!(k.is_some(), "{}: halts beside its way", trip.id);
                at += k.unwrap_or(0);
            }
            assert!(ids.insert(trip.id.clone()), "{}: twice", trip.id);
            count += 1;
        }
    }
    assert!(count > 1500, "only {count} trips in half an hour");
}

#[test]
fn the_same_seed_gives_the_same_trips_however_they_are_asked_for() {
    let city = generator::moscow(20, 3);
    let private = |mut trips: Vec<Trip>| {
        trips.retain(|t| t.id.starts_with('v'));
        trips
    };
    let all = generate(&city, 300, 7, MORNING_S, 900.0);
    let again = generate(&city, 300, 7, MORNING_S, 900.0);
    assert_eq!(all, again);
    let other = generate(&city, 300, 8, MORNING_S, 900.0);
    assert_ne!(private(all.trips), private(other.trips));
}

#[test]
fn nights_are_quiet() {
    let city = generator::moscow(20, 3);
    let at = |hour: f64| generate(&city, 600, 1, hour * 3600.0, 1800.0).trips.len();
    assert!(at(3.0) * 4 < at(8.5));
}

#[test]
fn a_city_without_roads_has_no_trips() {
    let mut city = generator::moscow(20, 3);
    city.network = Network::default();
    city.junctions.clear();
    city.transit.lines.clear();
    assert_eq!(generate(&city, 300, 7, MORNING_S, 900.0).trips, Vec::new());
}
