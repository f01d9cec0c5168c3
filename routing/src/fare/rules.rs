//! Fares by rules for legs and for changes between them (GTFS Fares v2), one leg after another.
//!
//! A leg is paid for by one of the rules that fit it. A change for which there is a rule costs what that rule says instead of the
//! next leg, besides it, or instead of both; what was paid before counts as one sum, as the format's reference has it. Legs of different
//! feeds know nothing of each other.

#[cfg(test)]
mod tests;

use super::{
    local,
    purse::{Paid, Purse, Toll},
};
use crate::{
    gtfs::fares::{Event, FareTables, FareTransfer, LegRule, TransferKind},
    transit::timetable::FeedFares,
};
use jiff::tz::TimeZone;
use model::{network::Name, time::Moment};
use std::collections::BTreeSet;

/// How legs are paid for by one kind of traveller.
#[derive(Clone, Debug)]
pub(crate) struct Rules<'a> {
    feeds: Vec<FeedRules<'a>>,
    zone: TimeZone,
}

#[derive(Clone, Debug)]
struct FeedRules<'a> {
    feed: &'a FeedFares,
    /// By product: what it costs this traveller; `None` if he cannot have it.
    prices: Vec<Option<i64>>,
    /// Networks, first areas, last areas, first times and last times that some rule for legs names.
    named: [BTreeSet<u32>; 5],
    /// Groups of legs that some rule for changes goes out from, and leads to.
    changed: [BTreeSet<u32>; 2],
    has_limits: bool,
}

/// What the next change depends on.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Before {
    feed: usize,
    group: Option<u32>,
    /// What the leg cost, if no change was paid for yet.
    alone: Option<i64>,
    /// When the first leg of this row of changes began and ended; the epoch where no rule asks.
    first: [Moment; 2],
    /// Changes in this row.
    changes: u32,
    paid: Paid,
}

impl Before {
    /// Whether whatever comes costs the same after both.
    pub(super) fn is_like(&self, other: &Before) -> bool {
        (self.feed, self.group, self.alone, self.first, self.changes)
            == (other.feed, other.group, other.alone, other.first, other.changes)
    }
}

/// What a leg may be paid for with.
#[derive(Clone, Copy)]
struct Offer {
    group: Option<u32>,
    product: u32,
    price: i64,
}

impl<'a> Rules<'a> {
    /// For one who is called so and pays so; the feeds' usual traveller, and whatever is cheapest, where nothing is said.
    pub(crate) fn new(
        feeds: &'a [FeedFares],
        [rider, medium]: [Option<&str>; 2],
        zone: TimeZone,
    ) -> Rules<'a> {
        let feeds = feeds.iter().map(|feed| FeedRules::new(feed, rider, medium));
        Rules { feeds: feeds.collect(), zone }
    }

    /// A product's id and name. Products of all feeds are counted through.
    pub(super) fn product(&self, number: usize) -> (String, Name) {
        let mut products = self.feeds.iter().flat_map(|feed| &feed.feed.tables.products);
        let product = products.nth(number).cloned().unwrap_or_default();
        (product.id, Name { local: product.name, en: None })
    }

    /// Products of the feeds before it.
    fn shift(&self, feed: usize) -> usize {
        self.feeds[..feed].iter().map(|feed| feed.prices.len()).sum()
    }

    /// Whether it may matter when a leg begins or ends.
    pub(crate) fn has_hours(&self) -> bool {
        self.feeds
            .iter()
            .any(|feed| feed.has_limits || !feed.named[3].is_empty() || !feed.named[4].is_empty())
    }

    /// Whether a sum may become less when more is ridden.
    pub(crate) fn may_fall(&self) -> bool {
        self.feeds.iter().any(|feed| {
            feed.prices.iter().flatten().any(|price| *price < 0)
                || feed.feed.tables.transfers.iter().any(|rule| rule.kind == TransferKind::InsteadOfBoth)
        })
    }

    /// Every way to pay for one more leg.
    pub(crate) fn ride(&self, purse: &Purse, toll: &Toll) -> Vec<(Purse, Paid)> {
        let known = self.feeds.iter().rposition(|feed| feed.feed.first_route <= toll.route);
        let Some(number) = known else { return Vec::new() };
        let feed = &self.feeds[number];
        let mut ways = Vec::new();
        for offer in feed.offers(toll, &self.zone) {
            let before = purse.before.as_ref().filter(|before| before.feed == number);
            let changes = before.map(|before| (before, feed.changes(before, offer.group, toll)));
            match changes.filter(|(_, rules)| !rules.is_empty()) {
                Some((before, rules)) => {
                    ways.extend(rules.into_iter().map(|rule| self.change(purse, before, rule, offer)));
                }
                None => {
                    let product = self.shift(number) + offer.product as usize;
                    let paid = Paid { product, number: purse.bought };
                    let first = if feed.has_limits { [toll.start, toll.end] } else { [Moment(0); 2] };
                    let (group, alone) = (offer.group, Some(offer.price));
                    let before = Before { feed: number, group, alone, first, changes: 0, paid };
                    let mut purse = purse.clone();
                    purse.before = Some(before);
                    purse.amount += offer.price;
                    purse.bought += 1;
                    ways.push((purse, paid));
                }
            }
        }
        ways
    }

    /// What is paid for a change and the leg after it.
    fn change(&self, purse: &Purse, before: &Before, rule: &FareTransfer, next: Offer) -> (Purse, Paid) {
        let shift = self.shift(before.feed);
        let prices = &self.feeds[before.feed].prices;
        let change = rule.product.and_then(|product| prices[product as usize]).unwrap_or(0);
        let mut purse = purse.clone();
        let bought = |product: u32| Paid { product: shift + product as usize, number: purse.bought };
        let (more, paid) = match (rule.kind, rule.product) {
            (TransferKind::Besides, _) => (change + next.price, bought(next.product)),
            (TransferKind::InsteadOfNext, None) => (0, before.paid),
            (TransferKind::InsteadOfNext, Some(product)) => (change, bought(product)),
            (TransferKind::InsteadOfBoth, product) => {
                let product = product.map_or(before.paid.product, |product| shift + product as usize);
                (change - before.alone.unwrap_or(0), Paid { product, ..before.paid })
            }
        };
        purse.amount += more;
        purse.bought += usize::from(paid.number == purse.bought);
        let (first, changes) = (before.first, before.changes + 1);
        purse.before = Some(Before { group: next.group, alone: None, first, changes, paid, ..*before });
        (purse, paid)
    }
}

impl<'a> FeedRules<'a> {
    fn new(feed: &'a FeedFares, rider: Option<&str>, medium: Option<&str>) -> FeedRules<'a> {
        let tables = &feed.tables;
        let of = |named: &[crate::gtfs::fares::Named], id: Option<&str>| {
            id.and_then(|id| named.iter().position(|one| one.id == id)).map(|i| i as u32)
        };
        let rider = of(&tables.riders, rider).or(tables.usual_rider);
        let medium = of(&tables.media, medium);
        let mut prices = vec![None::<i64>; tables.products.len()];
        for price in &tables.prices {
            let fits = price.rider.is_none() || price.rider == rider;
            if fits && (medium.is_none() || price.medium.is_none() || price.medium == medium) {
                let known = &mut prices[price.product as usize];
                *known = Some(known.map_or(price.amount, |known| known.min(price.amount)));
            }
        }
        let columns: [fn(&LegRule) -> Option<u32>; 5] =
            [|rule| rule.network, |rule| rule.from, |rule| rule.to, |rule| rule.starts, |rule| rule.ends];
        let ends: [fn(&FareTransfer) -> Option<u32>; 2] = [|rule| rule.from, |rule| rule.to];
        FeedRules {
            feed,
            prices,
            named: columns.map(|of| tables.legs.iter().filter_map(of).collect()),
            changed: ends.map(|of| tables.transfers.iter().filter_map(of).collect()),
            has_limits: tables.transfers.iter().any(|rule| rule.limit_s.is_some()),
        }
    }

    fn tables(&self) -> &'a FareTables {
        &self.feed.tables
    }

    /// What this traveller may pay for a leg with.
    fn offers(&self, toll: &Toll, zone: &TimeZone) -> Vec<Offer> {
        let tables = self.tables();
        let network = tables.networks.get((toll.route - self.feed.first_route) as usize).copied().flatten();
        let areas = toll.stops.map(|stop| {
            let own = stop.checked_sub(self.feed.first_stop).and_then(|stop| tables.areas.get(stop as usize));
            own.map_or(&[][..], Vec::as_slice)
        });
        // When it is matters to few tariffs, and asking the calendar takes long.
        let times = [(3, toll.start), (4, toll.end)].map(|(column, at)| {
            let named = &self.named[column];
            let clock = (!named.is_empty()).then(|| local(at, zone));
            let holds = |&&group: &&u32| {
                clock.is_some_and(|(day, s)| tables.times[group as usize].iter().any(|t| t.holds(day, s)))
            };
            named.iter().filter(holds).copied().collect::<Vec<u32>>()
        });
        let here = [network.as_slice(), areas[0], areas[1], &times[0], &times[1]];
        let fits = |rule: &&LegRule| {
            let wanted = [rule.network, rule.from, rule.to, rule.starts, rule.ends];
            let mut columns = wanted.into_iter().zip(here).zip(&self.named);
            columns.all(|((wanted, here), named)| match wanted {
                Some(wanted) => here.contains(&wanted),
                // What is empty stands for all that no other rule names, unless rules have priorities.
                None => tables.by_priority || !here.iter().any(|one| named.contains(one)),
            })
        };
        let fitting: Vec<&LegRule> = tables.legs.iter().filter(fits).collect();
        let highest = fitting.iter().map(|rule| rule.priority).max();
        let chosen = fitting.into_iter().filter(|rule| !tables.by_priority || Some(rule.priority) == highest);
        let offer = |rule: &LegRule| {
            let price = self.prices[rule.product as usize]?;
            Some(Offer { group: rule.group, product: rule.product, price })
        };
        chosen.filter_map(offer).collect()
    }

    /// The rules that fit a change; of those that hold for so many changes, the ones that hold for the fewest.
    fn changes(&self, before: &Before, group: Option<u32>, toll: &Toll) -> Vec<&'a FareTransfer> {
        let fits = |wanted: Option<u32>, group: Option<u32>, named: &BTreeSet<u32>| match wanted {
            Some(_) => wanted == group,
            None => group.is_none_or(|group| !named.contains(&group)),
        };
        let in_time = |rule: &FareTransfer| {
            let [begins, ends] = rule.between;
            let first = before.first[usize::from(begins == Event::Arrival)];
            let last = if ends == Event::Arrival { toll.end } else { toll.start };
            rule.limit_s.is_none_or(|limit_s| last.since(first).as_millis() <= u128::from(limit_s) * 1000)
        };
        let can_have =
            |rule: &FareTransfer| rule.product.is_none_or(|product| self.prices[product as usize].is_some());
        let fitting: Vec<&FareTransfer> = self
            .tables()
            .transfers
            .iter()
            .filter(|rule| {
                fits(rule.from, before.group, &self.changed[0])
                    && fits(rule.to, group, &self.changed[1])
                    && rule.count.is_none_or(|count| before.changes < count)
                    && in_time(rule)
                    && can_have(rule)
            })
            .collect();
        let fewest = fitting.iter().map(|rule| rule.count.unwrap_or(u32::MAX)).min();
        fitting.into_iter().filter(|rule| Some(rule.count.unwrap_or(u32::MAX)) == fewest).collect()
    }
}
