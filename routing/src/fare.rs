//! What a journey costs: tariffs as dated data, and the cheapest way to pay with one card.
//!
//! A card holds products; a product pays for a ride, or for all rides that begin within some minutes, or for any number
//! (a pass, a concession). [`Fares::price`] tries every way to pay for the rides of a journey, of which there are few. [`read`]
//! makes [`Fares`] of a TOML file.

mod read;

use crate::{
    gtfs::{calendar::Day, records::Mode},
    itinerary::Itinerary,
    transit::day::Modes,
};
use jiff::tz::TimeZone;
use model::{network::Name, time::Moment};
use std::{collections::HashMap, time::Duration};

/// Tariffs of one city by period.
#[derive(Clone, PartialEq, Debug)]
pub struct Fares {
    /// Whose they are.
    pub name: Name,
    /// ISO 4217.
    pub currency: String,
    /// By period, earliest first; no two overlap, and there is at least one.
    tariffs: Vec<Tariff>,
}

/// The tariff of one period.
#[derive(Clone, PartialEq, Debug)]
struct Tariff {
    from: Day,
    until: Option<Day>,
    /// Sets of modes whose rides in a row are one.
    one_ride: Vec<Modes>,
    products: Vec<Product>,
    /// At least one; the first is the usual one.
    cards: Vec<Card>,
}

/// What can be bought.
#[derive(Clone, PartialEq, Debug)]
struct Product {
    id: String,
    name: Name,
    /// In hundredths of the currency.
    price: i64,
    modes: Modes,
    /// Of these only; of all if there are none.
    agencies: Vec<String>,
    /// All stops that a ride passes are in these; anywhere if there are none.
    zones: Vec<String>,
    /// Seconds after midnight between which a ride begins that it pays for.
    between_s: Option<[u32; 2]>,
    holds: Holds,
    /// Among the rides at most so many by these modes.
    most: Vec<(Modes, usize)>,
}

/// For how long a product holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Holds {
    /// One ride.
    Once,
    /// Rides that begin so long after the first began.
    For(Duration),
    /// Any number of rides.
    Always,
}

/// How one may pay.
#[derive(Clone, PartialEq, Debug)]
pub struct Card {
    /// Its id in questions.
    pub id: String,
    /// What it is called.
    pub name: Name,
    /// Indices into [`Tariff::products`].
    products: Vec<usize>,
}

/// What a journey costs.
#[derive(Clone, PartialEq, Debug)]
pub struct Fare {
    /// In hundredths of the currency.
    pub amount: i64,
    /// What is bought, in order of the first ride.
    pub payments: Vec<Payment>,
}

/// One product bought.
#[derive(Clone, PartialEq, Debug)]
pub struct Payment {
    /// The product's id.
    pub product: String,
    /// Its name.
    pub name: Name,
    /// In hundredths of the currency.
    pub amount: i64,
    /// The rides that it pays for, as places among the journey's rides.
    pub rides: Vec<usize>,
}

/// Why a fare is not known.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoFare {
    /// No tariff is of that day.
    #[error("no tariff is known for {0}")]
    Day(Day),
    /// There is no such card.
    #[error("there is no card {card:?}; there are {known}")]
    Card {
        /// What was asked for.
        card: String,
        /// What there is.
        known: String,
    },
    /// A ride that no product of the card pays for.
    #[error("no product of this card pays for {mode} {sign} of {agency}")]
    Ride {
        /// What runs.
        mode: Mode,
        /// The line.
        sign: String,
        /// Who runs it.
        agency: String,
    },
}

/// A ride as the gates see it: legs by public transport that count as one.
struct Gate {
    legs: Vec<usize>,
    modes: Modes,
    agencies: Vec<String>,
    zones: Vec<String>,
    start: Moment,
    begins_s: u32,
}

/// More rides than this in one journey are not priced: nobody takes them, and the work doubles with each.
const MOST_GATES: usize = 12;

impl Fares {
    /// Reads a file of tariffs.
    pub fn parse(file: &str, text: &str) -> Result<Fares, model::config::Complaints> {
        read::read(file, text)
    }

    /// The cards of a day, the usual one first; those of the nearest period if there is none for that day.
    pub fn cards(&self, day: Day) -> &[Card] {
        let known = self.tariff(day).or_else(|| self.tariffs.iter().rev().find(|tariff| tariff.from <= day));
        &known.unwrap_or(&self.tariffs[0]).cards
    }

    fn tariff(&self, day: Day) -> Option<&Tariff> {
        self.tariffs.iter().find(|tariff| tariff.from <= day && tariff.until.is_none_or(|last| day <= last))
    }

    /// The least that a journey's rides cost with a card; the usual one if none is named. A journey without rides costs
    /// nothing. `zone` is where the city's days begin.
    pub fn price(&self, journey: &Itinerary, card: Option<&str>, zone: &TimeZone) -> Result<Fare, NoFare> {
        let Some(first) = journey.legs.iter().find(|leg| leg.ride().is_some()) else {
            return Ok(Fare { amount: 0, payments: Vec::new() });
        };
        let day = local(first.start, zone).0;
        let tariff = self.tariff(day).ok_or(NoFare::Day(day))?;
        let card = tariff.card(card)?;
        let gates = tariff.gates(journey, zone);
        let products: Vec<&Product> =
            card.products.iter().map(|&product| &tariff.products[product]).collect();
        if let Some(unpaid) = gates.iter().find(|gate| !products.iter().any(|product| product.pays(gate)))
            && let Some(ride) = journey.legs.iter().filter_map(|leg| leg.ride()).nth(unpaid.legs[0])
        {
            let sign = ride.route.sign().to_string();
            return Err(NoFare::Ride { mode: ride.mode, sign, agency: ride.agency.name.clone() });
        }
        let gates = &gates[..gates.len().min(MOST_GATES)];
        let bought = cheapest(gates, &products);
        let payments: Vec<Payment> = bought
            .into_iter()
            .map(|(product, paid)| Payment {
                product: product.id.clone(),
                name: product.name.clone(),
                amount: product.price,
                rides: paid.into_iter().flat_map(|gate| gates[gate].legs.iter().copied()).collect(),
            })
            .collect();
        Ok(Fare { amount: payments.iter().map(|payment| payment.amount).sum(), payments })
    }
}

impl Tariff {
    fn card(&self, id: Option<&str>) -> Result<&Card, NoFare> {
        let Some(id) = id else { return Ok(&self.cards[0]) };
        self.cards.iter().find(|card| card.id == id).ok_or_else(|| {
            let known: Vec<&str> = self.cards.iter().map(|card| card.id.as_str()).collect();
            NoFare::Card { card: id.to_string(), known: known.join(", ") }
        })
    }

    fn gates(&self, journey: &Itinerary, zone: &TimeZone) -> Vec<Gate> {
        let mut gates: Vec<Gate> = Vec::new();
        let rides = journey.legs.iter().filter_map(|leg| leg.ride().map(|ride| (leg.start, ride)));
        for (i, (start, ride)) in rides.enumerate() {
            let mode = Modes::NONE.with(ride.mode);
            let zones = ride.calls.iter().filter_map(|call| call.zone.clone());
            let joined = |gate: &&mut Gate| {
                self.one_ride.iter().any(|together| together.holds(gate.modes) && together.holds(mode))
            };
            match gates.last_mut().filter(joined) {
                Some(gate) => {
                    gate.legs.push(i);
                    gate.modes = gate.modes.with(ride.mode);
                    gate.agencies.push(ride.agency.id.clone());
                    gate.zones.extend(zones);
                }
                None => gates.push(Gate {
                    legs: vec![i],
                    modes: mode,
                    agencies: vec![ride.agency.id.clone()],
                    zones: zones.collect(),
                    start,
                    begins_s: local(start, zone).1,
                }),
            }
        }
        gates
    }
}

impl Product {
    /// Whether it can pay for a ride at all.
    fn pays(&self, gate: &Gate) -> bool {
        let among =
            |known: &[String], all: &[String]| known.is_empty() || all.iter().all(|one| known.contains(one));
        self.modes.holds(gate.modes)
            && among(&self.agencies, &gate.agencies)
            && among(&self.zones, &gate.zones)
            && self.between_s.is_none_or(|[from, until]| (from..until).contains(&gate.begins_s))
    }

    /// The rides that it pays for if it is bought at one of them: that one, and of later unpaid ones all that it can.
    fn covers(&self, gates: &[Gate], first: usize, paid: usize) -> Vec<usize> {
        let mut covered: Vec<usize> = Vec::new();
        for (i, gate) in gates.iter().enumerate().skip(first) {
            let holds = match self.holds {
                Holds::Once => i == first,
                Holds::For(long) => gate.start.since(gates[first].start) <= long,
                Holds::Always => true,
            };
            let few = self.most.iter().all(|(modes, most)| {
                let used = covered.iter().filter(|&&other| gates[other].modes.any(*modes)).count();
                !gate.modes.any(*modes) || used < *most
            });
            if paid & 1 << i == 0 && holds && few && self.pays(gate) {
                covered.push(i);
            }
        }
        covered
    }
}

/// The least that pays for all: for each set of paid rides the cheapest way to it, from none to all.
fn cheapest<'a>(gates: &[Gate], products: &[&'a Product]) -> Vec<(&'a Product, Vec<usize>)> {
    type Way<'a> = (i64, Vec<(&'a Product, Vec<usize>)>);
    let all = (1_usize << gates.len()) - 1;
    let mut ways: HashMap<usize, Way<'a>> = HashMap::from([(0, (0, Vec::new()))]);
    // A set's number is greater than those of its parts, so each is final when its turn comes.
    for paid in 0..all {
        let Some((amount, bought)) = ways.get(&paid).cloned() else { continue };
        let first = (!paid).trailing_zeros() as usize;
        for product in products.iter().filter(|product| product.pays(&gates[first])) {
            let covered = product.covers(gates, first, paid);
            let then = covered.iter().fold(paid, |paid, gate| paid | 1 << gate);
            let amount = amount + product.price;
            if ways.get(&then).is_none_or(|(known, other)| (amount, bought.len() + 1) < (*known, other.len()))
            {
                let mut bought = bought.clone();
                bought.push((product, covered));
                ways.insert(then, (amount, bought));
            }
        }
    }
    ways.remove(&all).map(|(_, bought)| bought).unwrap_or_default()
}

/// The local day, and the seconds after its midnight.
fn local(moment: Moment, zone: &TimeZone) -> (Day, u32) {
    let at = jiff::Timestamp::from_millisecond(moment.0).unwrap_or_default().to_zoned(zone.clone());
    let clock = at.time();
    let seconds = i64::from(clock.hour()) * 3600 + i64::from(clock.minute()) * 60 + i64::from(clock.second());
    (Day::of(at.date()), seconds as u32)
}

#[cfg(test)]
mod tests;
