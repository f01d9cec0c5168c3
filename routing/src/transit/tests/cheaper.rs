//! What costs less, against every journey there is and every way to pay for it.

use super::oracle::{MODES, Wild, of_wild, wild};
use crate::{
    fare::Fares,
    gtfs::{
        calendar::{Day, Service},
        fares::{Event, FareTables, FareTransfer, LegRule, Named, Price, Timeframe, TransferKind},
        records::{Mode, Route, Stop},
    },
    transit::{
        bounds::Bounds,
        cheaper::{Wanted, cheaper},
        day::{DayTable, Modes, NEVER, Traveller},
        timetable::{FeedFares, Timetable},
        walks::Footpaths,
    },
};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use std::fmt::Write as _;

/// A product of a tariff that nobody would print.
#[derive(Clone, Debug)]
struct Product {
    price: i64,
    modes: Option<Vec<Mode>>,
    zone_a_only: bool,
    holds: Holds,
    /// Rides by subway at most.
    most: Option<usize>,
    from_minute: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Holds {
    Once,
    Minutes(u32),
    Always,
}

fn product() -> impl Strategy<Value = Product> {
    let holds = prop_oneof![
        3 => Just(Holds::Once),
        4 => (1..25_u32).prop_map(Holds::Minutes),
        1 => Just(Holds::Always),
    ];
    (
        0..8_i64,
        prop::option::weighted(0.4, prop::collection::vec(0..3_usize, 1..3)),
        prop::bool::weighted(0.3),
        holds,
        prop::option::weighted(0.3, 0..2_usize),
        prop::option::weighted(0.2, 0..40_u32),
    )
        .prop_map(|(price, modes, zone_a_only, holds, most, from_minute)| Product {
            price,
            modes: modes.map(|modes| modes.into_iter().map(|i| MODES[i]).collect()),
            zone_a_only,
            holds,
            most,
            from_minute,
        })
}

fn written(products: &[Product], one_ride: bool) -> String {
    let mut text =
        "name = { local = \"T\" }\ncurrency = \"EUR\"\n[[tariff]]\nfrom = \"2000-01-01\"\n".to_string();
    if one_ride {
        text += "one_ride = [[\"TRAM\", \"SUBWAY\"]]\n";
    }
    let mut ids = Vec::new();
    for (i, product) in products.iter().enumerate() {
        ids.push(format!("\"{i}\""));
        let _ = writeln!(
            text,
            "[[tariff.product]]\nid = \"{i}\"\nname = {{ local = \"P\" }}\nprice = {}",
            product.price
        );
        if let Some(modes) = &product.modes {
            let names: Vec<String> = modes.iter().map(|mode| format!("\"{mode}\"")).collect();
            let _ = writeln!(text, "modes = [{}]", names.join(", "));
        }
        if product.zone_a_only {
            text += "zones = [\"A\"]\n";
        }
        match product.holds {
            Holds::Once => {}
            Holds::Minutes(minutes) => drop(writeln!(text, "minutes = {minutes}")),
            Holds::Always => text += "pass = true\n",
        }
        if let Some(minute) = product.from_minute {
            let _ = writeln!(text, "between = [\"00:{minute:02}\", \"24:00\"]");
        }
        if let Some(most) = product.most {
            let _ = writeln!(text, "most = [{{ modes = [\"SUBWAY\"], rides = {most} }}]");
        }
    }
    let _ = writeln!(
        text,
        "[[tariff.card]]\nid = \"card\"\nname = {{ local = \"C\" }}\nproducts = [{}]",
        ids.join(", ")
    );
    text
}

/// A ride.
#[derive(Clone, Copy, Debug)]
struct Ridden {
    mode: Mode,
    route: u32,
    stops: [u32; 2],
    /// Whether all its stops are in zone A.
    in_a: bool,
    start: i64,
    end: i64,
}

/// The least that rides cost: every product for every gate, bought anew or earlier.
fn price(products: &[Product], one_ride: bool, rides: &[Ridden]) -> Option<i64> {
    let mut gates: Vec<(Vec<Mode>, bool, i64)> = Vec::new();
    for &Ridden { mode, in_a, start, .. } in rides {
        let rail = |mode: Mode| mode != Mode::Bus;
        match gates.last_mut() {
            Some((modes, all_in_a, _)) if one_ride && rail(mode) && modes.iter().all(|&m| rail(m)) => {
                modes.push(mode);
                *all_in_a &= in_a;
            }
            _ => gates.push((vec![mode], in_a, start)),
        }
    }
    fn pay(
        products: &[Product],
        gates: &[(Vec<Mode>, bool, i64)],
        at: usize,
        bought: &mut Vec<(usize, Vec<usize>)>,
    ) -> Option<i64> {
        let Some((modes, in_a, start)) = gates.get(at) else { return Some(0) };
        let fits = |product: &Product| {
            product.modes.as_ref().is_none_or(|known| modes.iter().all(|mode| known.contains(mode)))
                && (*in_a || !product.zone_a_only)
                && product.from_minute.is_none_or(|minute| (start % 86_400) >= i64::from(minute) * 60)
        };
        let metro = |gate: usize| gates[gate].0.contains(&Mode::Subway);
        let within = |product: &Product, paid: &[usize]| {
            let used = paid.iter().filter(|&&gate| metro(gate)).count();
            !metro(at) || product.most.is_none_or(|most| used < most)
        };
        let mut best: Option<i64> = None;
        for i in 0..bought.len() {
            let product = &products[bought[i].0];
            let first = gates[bought[i].1[0]].2;
            let holds = match product.holds {
                Holds::Once => false,
                Holds::Minutes(minutes) => start - first <= i64::from(minutes) * 60,
                Holds::Always => true,
            };
            if holds && fits(product) && within(product, &bought[i].1) {
                bought[i].1.push(at);
                best = [best, pay(products, gates, at + 1, bought)].into_iter().flatten().min();
                bought[i].1.pop();
            }
        }
        for (i, product) in products.iter().enumerate() {
            if fits(product) && within(product, &[]) {
                bought.push((i, vec![at]));
                let rest = pay(products, gates, at + 1, bought).map(|rest| rest + product.price * 100);
                best = [best, rest].into_iter().flatten().min();
                bought.pop();
            }
        }
        best
    }
    pay(products, &gates, 0, &mut Vec::new())
}

/// Rules that no operator would print: three networks (by what runs), two areas, one time of the day, three groups of legs.
fn tables() -> impl Strategy<Value = FareTables> {
    let some = |limit: u32| prop::option::weighted(0.4, 0..limit);
    let leg = (some(3), some(3), some(2), some(2), some(1), 0..4_u32, 0..2_u32).prop_map(
        |(group, network, from, to, starts, product, priority)| LegRule {
            group,
            network,
            from,
            to,
            starts,
            ends: None,
            product,
            priority,
        },
    );
    let end = || prop_oneof![Just(Event::Departure), Just(Event::Arrival)];
    let kind = prop_oneof![
        Just(TransferKind::InsteadOfNext),
        Just(TransferKind::Besides),
        Just(TransferKind::InsteadOfBoth),
    ];
    let limit = prop::option::weighted(0.4, 60..2400_u32);
    let count = prop::option::weighted(0.3, 1..3_u32);
    let transfer = (some(3), some(3), count, limit, [end(), end()], kind, some(4)).prop_map(
        |(from, to, count, limit_s, between, kind, product)| FareTransfer {
            from,
            to,
            count,
            limit_s,
            between,
            kind,
            product,
        },
    );
    (
        prop::collection::vec(leg, 1..6),
        prop::collection::vec(transfer, 0..4),
        prop::collection::vec(-1..8_i64, 4),
        any::<bool>(),
        0..40_u32,
    )
        .prop_map(|(legs, transfers, prices, by_priority, minute)| FareTables {
            products: vec![Named::default(); 4],
            prices: (0..4)
                .map(|i| Price { product: i, rider: None, medium: None, amount: prices[i as usize] * 100 })
                .collect(),
            legs,
            by_priority,
            transfers,
            times: vec![vec![Timeframe {
                from_s: minute * 60,
                until_s: 86_400,
                days: Service::weekly([true; 7], DAY.plus(-9), DAY.plus(9)),
            }]],
            currency: "EUR".into(),
            ..FareTables::default()
        })
}

/// The same with networks and areas of a timetable.
fn fitted(tables: FareTables, timetable: &Timetable) -> FareTables {
    let network = |route: &Route| MODES.iter().position(|mode| *mode == route.mode).map(|i| i as u32);
    let area = |stop: &Stop| vec![u32::from(stop.zone.as_deref() != Some("A"))];
    FareTables {
        networks: timetable.routes.iter().map(network).collect(),
        areas: timetable.stops.iter().map(area).collect(),
        ..tables
    }
}

/// A leg that was paid for: its group; what it cost if no change came before it; when the first of its row began and ended;
/// and the changes in the row.
type Paid = (Option<u32>, Option<i64>, [i64; 2], u32);

/// The least that rides cost by rules: every rule that fits each leg, and every one that fits each change.
fn by_rules(tables: &FareTables, rides: &[Ridden], before: Option<Paid>) -> Option<i64> {
    let Some((ride, rest)) = rides.split_first() else { return Some(0) };
    let network = tables.networks[ride.route as usize];
    let areas = ride.stops.map(|stop| tables.areas[stop as usize][0]);
    let late = (ride.start % 86_400) as u32 >= tables.times[0][0].from_s;
    let other = |own: Option<u32>, here: Option<u32>, of: fn(&LegRule) -> Option<u32>| match own {
        Some(own) => here == Some(own),
        None => tables.by_priority || here.is_none() || tables.legs.iter().all(|rule| of(rule) != here),
    };
    let fits = |rule: &&LegRule| {
        other(rule.network, network, |rule| rule.network)
            && other(rule.from, Some(areas[0]), |rule| rule.from)
            && other(rule.to, Some(areas[1]), |rule| rule.to)
            && other(rule.starts, late.then_some(0), |rule| rule.starts)
    };
    let fitting: Vec<&LegRule> = tables.legs.iter().filter(fits).collect();
    let most = fitting.iter().map(|rule| rule.priority).max();
    let cost = |product: u32| tables.prices[product as usize].amount;
    let mut best: Option<i64> = None;
    for rule in fitting.iter().filter(|rule| !tables.by_priority || Some(rule.priority) == most) {
        let price = cost(rule.product);
        let mut pay = |sum: i64, paid: Paid| {
            let all = by_rules(tables, rest, Some(paid)).map(|rest| rest + sum);
            best = [best, all].into_iter().flatten().min();
        };
        let change = |of: fn(&FareTransfer) -> Option<u32>, own: Option<u32>, group: Option<u32>| match own {
            Some(own) => group == Some(own),
            None => group.is_none() || tables.transfers.iter().all(|rule| of(rule) != group),
        };
        let mut changes = Vec::new();
        if let Some((group, alone, first, count)) = before {
            changes.extend(tables.transfers.iter().filter(|transfer| {
                let begins = first[usize::from(transfer.between[0] == Event::Arrival)];
                let ends = [ride.start, ride.end][usize::from(transfer.between[1] == Event::Arrival)];
                change(|t| t.from, transfer.from, group)
                    && change(|t| t.to, transfer.to, rule.group)
                    && transfer.count.is_none_or(|most| count < most)
                    && transfer.limit_s.is_none_or(|limit_s| ends - begins <= i64::from(limit_s))
            }));
            let fewest = changes.iter().map(|transfer| transfer.count.unwrap_or(u32::MAX)).min();
            changes.retain(|transfer| Some(transfer.count.unwrap_or(u32::MAX)) == fewest);
            for transfer in &changes {
                let between = transfer.product.map_or(0, cost);
                let sum = match transfer.kind {
                    TransferKind::InsteadOfNext => between,
                    TransferKind::Besides => between + price,
                    TransferKind::InsteadOfBoth => between - alone.unwrap_or(0),
                };
                pay(sum, (rule.group, None, first, count + 1));
            }
        }
        if changes.is_empty() {
            pay(price, (rule.group, Some(price), [ride.start, ride.end], 0));
        }
    }
    best
}

/// Departure, arrival, rides, amount.
type End = (i64, i64, usize, i64);

/// Every journey between two times.
struct Every<'a> {
    timetable: &'a Timetable,
    wild: &'a Wild,
    price: &'a dyn Fn(&[Ridden]) -> Option<i64>,
    until: i64,
    /// By run: its trip, and what is added to its times.
    runs: Vec<(u32, i64)>,
    found: Vec<End>,
}

impl Every<'_> {
    fn on(&mut self, stop: u32, time: i64, walk_s: i64, departure: Option<i64>, rides: &mut Vec<Ridden>) {
        for (trip, begin) in self.runs.clone() {
            let calls = self.timetable.calls_of(trip);
            for i in (0..calls.len()).filter(|&i| calls.at(i).stop == stop && calls.at(i).boards) {
                let departs = begin + i64::from(calls.at(i).departure_s);
                if departs < time || departs > self.until {
                    continue;
                }
                let set_out = departure.unwrap_or(departs - walk_s);
                let in_a =
                    |k: usize| self.timetable.stops[calls.at(k).stop as usize].zone.as_deref() == Some("A");
                let route = self.timetable.trips[trip as usize].route;
                let mode = self.timetable.routes[route as usize].mode;
                for k in (i + 1..calls.len()).filter(|&k| calls.at(k).alights) {
                    let arrives = begin + i64::from(calls.at(k).arrival_s);
                    if arrives > self.until {
                        continue;
                    }
                    let (stops, in_a) = ([calls.at(i).stop, calls.at(k).stop], (i..=k).all(in_a));
                    rides.push(Ridden { mode, route, stops, in_a, start: departs, end: arrives });
                    self.off(calls.at(k).stop, arrives, set_out, rides);
                    rides.pop();
                }
            }
        }
    }

    fn off(&mut self, stop: u32, time: i64, departure: i64, rides: &mut Vec<Ridden>) {
        if let Some((_, walk_s)) = self.wild.egress.iter().find(|walk| walk.0 == stop) {
            let there = time + i64::from(*walk_s);
            let long = self.wild.longest.is_some_and(|longest| there - departure >= i64::from(longest));
            if there <= self.until
                && !long
                && let Some(amount) = (self.price)(rides)
            {
                self.found.push((departure, there, rides.len(), amount));
            }
        }
        if rides.len() == self.wild.rides {
            return;
        }
        let change = self.wild.change[stop as usize];
        if change != NEVER {
            self.on(stop, time + i64::from(change), 0, Some(departure), rides);
        }
        for &(from, to, walk_s) in &self.wild.ways {
            if from == stop {
                self.on(to, time + i64::from(walk_s), 0, Some(departure), rides);
            }
        }
    }

    fn front(mut self, under: i64) -> Vec<End> {
        self.found.retain(|end| end.3 < under);
        self.found.sort_unstable();
        self.found.dedup();
        let beats = |a: &End, b: &End| a != b && a.0 >= b.0 && a.1 <= b.1 && a.2 <= b.2 && a.3 <= b.3;
        self.found.iter().filter(|one| !self.found.iter().any(|other| beats(other, one))).copied().collect()
    }
}

const DAY: Day = Day(20_000);

/// What is found with some fares is what every journey there is comes to when `price` says what it costs.
fn agrees(
    (wild, timetable): (&Wild, &Timetable),
    fares: &Fares,
    price: &dyn Fn(&[Ridden]) -> Option<i64>,
    under: i64,
) -> Result<(), TestCaseError> {
    let day = DAY;
    let table =
        DayTable::build(timetable, &timetable.patterns(), day, Traveller::OnFoot, &Default::default());
    let paying = fares.paying(day, None, &TimeZone::UTC).expect("one tariff for all days");
    let footpaths = Footpaths::new(wild.ways.iter().copied(), wild.change.clone());
    let bounds = Bounds::by_zones_of(2, timetable, std::slice::from_ref(&footpaths));
    let mut rest = Vec::new();
    bounds.rest(&wild.egress, false, 0, &mut rest);
    let from = 86_400 + wild.start;
    let until = from + wild.window + 300;
    let found = cheaper(&Wanted {
        timetable,
        day: &table,
        footpaths: &footpaths,
        access: &wild.access,
        egress: &wild.egress,
        from,
        until,
        first: [from, NEVER],
        longest: wild.longest.unwrap_or(NEVER),
        rides: wild.rides,
        modes: Modes::ALL,
        slowness: 1.0,
        rest: &rest,
        paying: &paying,
        under,
    });
    for one in &found {
        let connection = table.connection(timetable, &one.found);
        prop_assert_eq!(connection.rides.len(), one.found.rides.len());
        for (ride, next) in connection.rides.iter().zip(&connection.rides[1..]) {
            prop_assert!(ride.departure <= ride.arrival && ride.arrival <= next.departure);
        }
    }
    let mut found: Vec<End> = found
        .iter()
        .map(|one| {
            let (departure, arrival) = (one.found.departure, one.found.arrival);
            (i64::from(departure), i64::from(arrival), one.found.rides.len(), one.amount)
        })
        .collect();
    found.sort_unstable();
    let mut runs = Vec::new();
    for d in [-1, 0, 1] {
        let begin = i64::from(d + 1) * 86_400;
        for (i, trip) in timetable.trips.iter().enumerate() {
            if timetable.services[trip.service as usize].runs_on(day.plus(d)) {
                runs.push((i as u32, begin));
            }
        }
    }
    let (access, until) = (wild.access.clone(), i64::from(until));
    let mut every = Every { timetable, wild, price, until, runs, found: Vec::new() };
    for (stop, walk_s) in access {
        let walk_s = i64::from(walk_s);
        every.on(stop, i64::from(from) + walk_s, walk_s, None, &mut Vec::new());
    }
    prop_assert_eq!(found, every.front(under), "{:?}", fares);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_costs_less_is_the_oracles(
        wild in wild(),
        products in prop::collection::vec(product(), 1..5),
        one_ride in any::<bool>(),
        under in prop_oneof![Just(i64::MAX), 0..2_000_i64],
    ) {
        let wild = Wild { rides: wild.rides.min(3), ..wild };
        let timetable = of_wild(&wild, DAY);
        let fares = Fares::parse("drawn.toml", &written(&products, one_ride));
        let fares = fares.map_err(|wrong| TestCaseError::fail(wrong.to_string()))?;
        agrees((&wild, &timetable), &fares, &|rides| price(&products, one_ride, rides), under)?;
    }

}

proptest! {
    // Most rules fit few rides: it takes many to see them all at work.
    #![proptest_config(ProptestConfig { cases: 8192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_costs_less_by_rules_is_the_oracles(
        wild in wild(),
        tables in tables(),
        under in prop_oneof![Just(i64::MAX), 0..2_000_i64],
    ) {
        let wild = Wild { rides: wild.rides.min(3), ..wild };
        let timetable = of_wild(&wild, DAY);
        let tables = fitted(tables, &timetable);
        let feed = FeedFares { tag: "drawn".into(), first_stop: 0, first_route: 0, tables: tables.clone() };
        let fares = Fares::published(vec![feed]).expect("there is a feed");
        agrees((&wild, &timetable), &fares, &|rides| by_rules(&tables, rides, None), under)?;
    }
}
