//! What a journey costs: tariffs as dated data, and the cheapest way to pay with one card.
//!
//! A card holds products; a product pays for a ride, or for all rides that begin within some minutes, or for any number
//! (a pass, a concession). [`Fares::price`] tries every way to pay for the rides of a journey, one ride after another: [`purse`]
//! knows what was paid and what still holds. [`read`] makes [`Fares`] of a TOML file.

pub(crate) mod purse;
mod read;

use crate::{
    gtfs::{calendar::Day, records::Mode},
    itinerary::Itinerary,
    transit::day::Modes,
};
use jiff::tz::TimeZone;
use model::{network::Name, time::Moment};
use purse::{Paying, Purse, Toll};
use std::time::Duration;

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

/// What was bought: products, each with the rides that it pays for.
type Bought = Vec<(usize, Vec<usize>)>;

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
        let paying = self.paying(local(first.start, zone).0, card, zone)?;
        let mut ways = vec![(Purse::default(), Bought::new())];
        let rides = journey.legs.iter().filter_map(|leg| leg.ride().map(|ride| (leg.start, ride)));
        for (i, (start, ride)) in rides.enumerate() {
            let zones = ride.calls.iter().map(|call| paying.in_zone(call.zone.as_deref()));
            let pays = zones.fold(paying.of_ride(ride.mode, &ride.agency.id), |pays, zone| pays & zone);
            let toll = Toll { mode: ride.mode, pays, start };
            let mut next: Vec<(Purse, Bought)> = Vec::new();
            for (purse, bought) in &ways {
                for (purse, paid) in paying.ride(purse, &toll) {
                    if next.iter().any(|(known, _)| known.is_as_good_as(&purse, start)) {
                        continue;
                    }
                    let mut bought = bought.clone();
                    if paid.number == bought.len() {
                        bought.push((paid.product, Vec::new()));
                    }
                    bought[paid.number].1.push(i);
                    next.retain(|(known, _)| !purse.is_as_good_as(known, start));
                    next.push((purse, bought));
                }
            }
            if next.is_empty() {
                let sign = ride.route.sign().to_string();
                return Err(NoFare::Ride { mode: ride.mode, sign, agency: ride.agency.name.clone() });
            }
            ways = next;
        }
        let Some((purse, bought)) =
            ways.into_iter().min_by_key(|(purse, bought)| (purse.amount, bought.len()))
        else {
            return Ok(Fare { amount: 0, payments: Vec::new() });
        };
        let payment = |(product, rides): (usize, Vec<usize>)| {
            let product = paying.products[product];
            Payment { product: product.id.clone(), name: product.name.clone(), amount: product.price, rides }
        };
        Ok(Fare { amount: purse.amount, payments: bought.into_iter().map(payment).collect() })
    }

    /// How rides of a day are paid for with a card; the usual one if none is named.
    pub(crate) fn paying(&self, day: Day, card: Option<&str>, zone: &TimeZone) -> Result<Paying<'_>, NoFare> {
        let tariff = self.tariff(day).ok_or(NoFare::Day(day))?;
        let card = tariff.card(card)?;
        let products = card.products.iter().map(|&product| &tariff.products[product]).collect();
        Ok(Paying { one_ride: &tariff.one_ride, products, zone: zone.clone() })
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
