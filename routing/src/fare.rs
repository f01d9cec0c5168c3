//! What a journey costs: tariffs as dated data, and the cheapest way to pay with one card.
//!
//! A card holds products; a product pays for a ride, or for all rides that begin within some minutes, or for any number
//! (a pass, a concession). [`Fares::price`] tries every way to pay for the rides of a journey, one ride after another: [`purse`]
//! knows what was paid and what still holds. [`read`] makes [`Fares`] of a TOML file. Where the operators publish theirs with the
//! timetable (GTFS Fares v2), [`rules`] knows what each ride and each change costs.

pub(crate) mod purse;
mod read;
pub(crate) mod rules;

use crate::{
    gtfs::{calendar::Day, fares::Named, records::Mode},
    itinerary::Itinerary,
    transit::{day::Modes, timetable::FeedFares},
};
use jiff::tz::TimeZone;
use model::{network::Name, time::Moment};
use purse::{Paid, Purse, Tickets, Toll};
use rules::Rules;
use std::time::Duration;

/// Tariffs of one city by period.
#[derive(Clone, PartialEq, Debug)]
pub struct Fares {
    /// Whose they are.
    pub name: Name,
    /// ISO 4217.
    pub currency: String,
    said: Said,
}

/// Who says what is paid.
#[derive(Clone, PartialEq, Debug)]
enum Said {
    /// A file of tariffs by period, earliest first; no two overlap, and there is at least one.
    Tariffs(Vec<Tariff>),
    /// The operators, in their timetables; and the cards that follow of it, at least one.
    Feeds(Vec<FeedFares>, Vec<Card>),
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
    pays: Pays,
}

/// What one pays with, or as whom.
#[derive(Clone, PartialEq, Debug)]
enum Pays {
    /// Indices into [`Tariff::products`].
    With(Vec<usize>),
    /// The ids of a category of riders and of a fare medium; the usual ones where there is none.
    As([Option<String>; 2]),
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

/// What was bought: products, each with what it cost and the rides that it pays for.
type Bought = Vec<(usize, i64, Vec<usize>)>;

/// How rides are paid for with a card.
#[derive(Clone, Debug)]
pub(crate) enum Paying<'a> {
    /// With products of a tariff.
    Tickets(Tickets<'a>),
    /// As the operators' rules say.
    Rules(Rules<'a>),
}

impl Paying<'_> {
    /// Products that may pay for a ride by what runs and who runs it, as bits.
    pub(crate) fn of_ride(&self, mode: Mode, agency: &str) -> u64 {
        match self {
            Paying::Tickets(tickets) => tickets.of_ride(mode, agency),
            Paying::Rules(_) => u64::MAX,
        }
    }

    /// Products that may pay for a ride through a stop of that zone.
    pub(crate) fn in_zone(&self, zone: Option<&str>) -> u64 {
        match self {
            Paying::Tickets(tickets) => tickets.in_zone(zone),
            Paying::Rules(_) => u64::MAX,
        }
    }

    /// Whether it may matter for later rides, or for the price, when a ride begins or ends.
    pub(crate) fn has_hours(&self) -> bool {
        match self {
            Paying::Tickets(tickets) => tickets.has_hours(),
            Paying::Rules(rules) => rules.has_hours(),
        }
    }

    /// Whether a sum may become less when more is ridden.
    pub(crate) fn may_fall(&self) -> bool {
        match self {
            Paying::Tickets(_) => false,
            Paying::Rules(rules) => rules.may_fall(),
        }
    }

    /// Every way to pay for one more ride; none if nothing pays for it.
    pub(crate) fn ride(&self, purse: &Purse, toll: &Toll) -> Vec<(Purse, Paid)> {
        match self {
            Paying::Tickets(tickets) => tickets.ride(purse, toll),
            Paying::Rules(rules) => rules.ride(purse, toll),
        }
    }

    fn payment(&self, (product, amount, rides): (usize, i64, Vec<usize>)) -> Payment {
        let (id, name) = match self {
            Paying::Tickets(tickets) => tickets.product(product),
            Paying::Rules(rules) => rules.product(product),
        };
        Payment { product: id, name, amount, rides }
    }
}

impl Fares {
    /// Reads a file of tariffs.
    pub fn parse(file: &str, text: &str) -> Result<Fares, model::config::Complaints> {
        read::read(file, text)
    }

    /// What operators say in their timetables; `None` if none of them does. Who counts in another currency than the first is
    /// left out.
    pub fn published(mut feeds: Vec<FeedFares>) -> Option<Fares> {
        let currency = feeds.first()?.tables.currency.clone();
        feeds.retain(|feed| feed.tables.currency == currency);
        let tags: Vec<&str> = feeds.iter().map(|feed| feed.tag.as_str()).collect();
        let name = Name { local: tags.join(", "), en: None };
        let cards = cards(&feeds);
        Some(Fares { name, currency, said: Said::Feeds(feeds, cards) })
    }

    /// The cards of a day, the usual one first; those of the nearest period if there is none for that day.
    pub fn cards(&self, day: Day) -> &[Card] {
        match &self.said {
            Said::Tariffs(tariffs) => {
                let before = || tariffs.iter().rev().find(|tariff| tariff.from <= day);
                &tariff(tariffs, day).or_else(before).unwrap_or(&tariffs[0]).cards
            }
            Said::Feeds(_, cards) => cards,
        }
    }

    /// The least that a journey's rides cost with a card; the usual one if none is named. A journey without rides costs
    /// nothing. `zone` is where the city's days begin.
    pub fn price(&self, journey: &Itinerary, card: Option<&str>, zone: &TimeZone) -> Result<Fare, NoFare> {
        let Some(first) = journey.legs.iter().find(|leg| leg.ride().is_some()) else {
            return Ok(Fare { amount: 0, payments: Vec::new() });
        };
        let paying = self.paying(local(first.start, zone).0, card, zone)?;
        let mut ways = vec![(Purse::default(), Bought::new())];
        let rides = journey.legs.iter().filter_map(|leg| leg.ride().map(|ride| (leg.start, leg.end, ride)));
        for (i, (start, end, ride)) in rides.enumerate() {
            let zones = ride.calls.iter().map(|call| paying.in_zone(call.zone.as_deref()));
            let pays = zones.fold(paying.of_ride(ride.mode, &ride.agency.id), |pays, zone| pays & zone);
            let stops = [ride.calls.first(), ride.calls.last()].map(|call| call.map_or(0, |call| call.stop));
            let toll = Toll { mode: ride.mode, pays, route: ride.route_ix, stops, start, end };
            let mut next: Vec<(Purse, Bought)> = Vec::new();
            for (before, bought) in &ways {
                for (purse, paid) in paying.ride(before, &toll) {
                    if next.iter().any(|(known, _)| known.is_as_good_as(&purse, start)) {
                        continue;
                    }
                    let mut bought = bought.clone();
                    if paid.number == bought.len() {
                        bought.push((paid.product, 0, Vec::new()));
                    }
                    let (product, amount, rides) = &mut bought[paid.number];
                    *product = paid.product;
                    *amount += purse.amount - before.amount;
                    rides.push(i);
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
        let payments = bought.into_iter().map(|bought| paying.payment(bought)).collect();
        Ok(Fare { amount: purse.amount, payments })
    }

    /// How rides of a day are paid for with a card; the usual one if none is named.
    pub(crate) fn paying(&self, day: Day, card: Option<&str>, zone: &TimeZone) -> Result<Paying<'_>, NoFare> {
        let zone = zone.clone();
        match &self.said {
            Said::Tariffs(tariffs) => {
                let tariff = tariff(tariffs, day).ok_or(NoFare::Day(day))?;
                let Pays::With(own) = &one_of(&tariff.cards, card)?.pays else {
                    unreachable!("cards of a tariff have its products")
                };
                let products = own.iter().map(|&product| &tariff.products[product]).collect();
                Ok(Paying::Tickets(Tickets { one_ride: &tariff.one_ride, products, zone }))
            }
            Said::Feeds(feeds, cards) => {
                let Pays::As(who) = &one_of(cards, card)?.pays else {
                    unreachable!("cards of operators are their riders' and media")
                };
                Ok(Paying::Rules(Rules::new(feeds, who.each_ref().map(Option::as_deref), zone)))
            }
        }
    }
}

fn tariff(tariffs: &[Tariff], day: Day) -> Option<&Tariff> {
    tariffs.iter().find(|tariff| tariff.from <= day && tariff.until.is_none_or(|last| day <= last))
}

fn one_of<'a>(cards: &'a [Card], id: Option<&str>) -> Result<&'a Card, NoFare> {
    let Some(id) = id else { return Ok(&cards[0]) };
    cards.iter().find(|card| card.id == id).ok_or_else(|| {
        let known: Vec<&str> = cards.iter().map(|card| card.id.as_str()).collect();
        NoFare::Card { card: id.to_string(), known: known.join(", ") }
    })
}

/// A card for each category of riders, the usual one first, and one for each and each medium; `standard` where the feeds know
/// neither.
fn cards(feeds: &[FeedFares]) -> Vec<Card> {
    let named = |of: fn(&FeedFares) -> Vec<&Named>| {
        let mut all: Vec<&Named> = Vec::new();
        for one in feeds.iter().flat_map(of) {
            if all.iter().all(|known| known.id != one.id) {
                all.push(one);
            }
        }
        all.into_iter().map(Some).collect::<Vec<_>>()
    };
    let mut riders = named(|feed| {
        let riders = &feed.tables.riders;
        let usual = feed.tables.usual_rider.map(|usual| usual as usize);
        let first = usual.and_then(|usual| riders.get(usual));
        first.into_iter().chain(riders).collect()
    });
    if riders.is_empty() {
        riders.push(None);
    }
    let media = named(|feed| feed.tables.media.iter().collect());
    let card = |rider: Option<&Named>, medium: Option<&Named>| {
        let both: Vec<&Named> = rider.into_iter().chain(medium).collect();
        let joined = |of: fn(&Named) -> &str, between: &str| {
            both.iter().map(|one| of(one)).collect::<Vec<_>>().join(between)
        };
        let (id, local) = match both.is_empty() {
            true => ("standard".to_string(), "Standard".to_string()),
            false => (joined(|one| &one.id, "@"), joined(|one| &one.name, ", ")),
        };
        let pays = Pays::As([rider, medium].map(|one| one.map(|one| one.id.clone())));
        Card { id, name: Name { local, en: None }, pays }
    };
    let mut cards: Vec<Card> = riders.iter().map(|rider| card(*rider, None)).collect();
    for rider in riders {
        cards.extend(media.iter().map(|medium| card(rider, *medium)));
    }
    cards
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
