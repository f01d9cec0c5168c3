//! Paying ride by ride: what was spent, and what still pays for more.
//!
//! Whoever passes a gate pays with something that he holds or buys something new; each choice is another [`Purse`]. Rides in a
//! row that count as one ([`Tickets::joins`]) are paid for by what paid for the first of them.

use super::{Holds, Product, local, rules::Before};
use crate::{gtfs::records::Mode, transit::day::Modes};
use jiff::tz::TimeZone;
use model::{network::Name, time::Moment};

/// More products than this no card holds: they are the bits of a number.
pub(crate) const MOST_PRODUCTS: usize = 64;

/// How rides are paid for with a card in a tariff.
#[derive(Clone, Debug)]
pub(crate) struct Tickets<'a> {
    pub(super) one_ride: &'a [Modes],
    pub(super) products: Vec<&'a Product>,
    /// Where clocks of the tariff are.
    pub(super) zone: TimeZone,
}

/// A ride that is to be paid for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Toll {
    /// What runs.
    pub mode: Mode,
    /// Products that may pay for it by who runs it and by its zones, as bits.
    pub pays: u64,
    /// The route, by its place in the timetable.
    pub route: u32,
    /// Where it begins and ends, by their places in the timetable.
    pub stops: [u32; 2],
    /// When it begins.
    pub start: Moment,
    /// When it ends.
    pub end: Moment,
}

/// What was spent, and what is held.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Purse {
    /// In hundredths of the currency.
    pub amount: i64,
    /// How many products were bought.
    pub(super) bought: usize,
    held: Vec<Held>,
    gate: Option<Gate>,
    /// The leg before, where rules say what a change costs.
    pub(super) before: Option<Before>,
}

/// A product that was bought.
#[derive(Clone, PartialEq, Debug)]
struct Held {
    product: usize,
    /// Which purchase it was.
    number: usize,
    /// Rides pay with it that begin so late at most; it is paid with no more if that is long ago.
    until: Moment,
    /// Rides that it paid for, by what its `most` limits.
    used: Vec<usize>,
    /// Whether it pays for the ride that others may join.
    pays_now: bool,
}

/// A ride that is not over: the next may count as the same.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Gate {
    modes: Modes,
}

/// What paid for a ride: the product, and which purchase it was, counted from 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Paid {
    pub product: usize,
    pub number: usize,
}

/// It never holds again.
const OVER: Moment = Moment(i64::MIN);

impl Tickets<'_> {
    /// Products that may pay for a ride by what runs and who runs it, as bits.
    pub(crate) fn of_ride(&self, mode: Mode, agency: &str) -> u64 {
        self.bits(|product| {
            product.modes.holds(Modes::NONE.with(mode))
                && (product.agencies.is_empty() || product.agencies.iter().any(|one| one == agency))
        })
    }

    /// Products that may pay for a ride through a stop of that zone.
    pub(crate) fn in_zone(&self, zone: Option<&str>) -> u64 {
        self.bits(|product| {
            product.zones.is_empty()
                || zone.is_none_or(|zone| product.zones.iter().any(|known| known == zone))
        })
    }

    /// A product's id and name.
    pub(super) fn product(&self, product: usize) -> (String, Name) {
        let product = self.products[product];
        (product.id.clone(), product.name.clone())
    }

    /// Whether it may matter for later rides, or for the price, when a ride begins.
    pub(crate) fn has_hours(&self) -> bool {
        self.products.iter().any(|p| p.between_s.is_some() || matches!(p.holds, Holds::For(_)))
    }

    /// Every way to pay for one more ride; none if nothing pays for it.
    pub(crate) fn ride(&self, purse: &Purse, toll: &Toll) -> Vec<(Purse, Paid)> {
        if let Some(gate) = &purse.gate
            && self.joins(gate.modes, toll.mode)
        {
            return self.join(purse, *gate, toll).into_iter().collect();
        }
        let mut closed = purse.clone();
        closed.gate = None;
        closed.held.iter_mut().for_each(|held| held.pays_now = false);
        closed.held.retain(|held| held.until >= toll.start);
        let modes = Modes::NONE.with(toll.mode);
        let gate = Some(Gate { modes }).filter(|gate| self.may_be_joined(gate.modes));
        let mut ways = Vec::new();
        for (i, held) in closed.held.iter().enumerate() {
            if self.pays(held.product, toll)
                && let Some(used) = self.used(held, Modes::NONE, modes)
            {
                let paid = Paid { product: held.product, number: held.number };
                let mut purse = Purse { gate, ..closed.clone() };
                (purse.held[i].used, purse.held[i].pays_now) = (used, gate.is_some());
                ways.push((purse, paid));
            }
        }
        for (i, product) in self.products.iter().enumerate().filter(|(i, _)| self.pays(*i, toll)) {
            let until = match product.holds {
                Holds::Once => OVER,
                Holds::For(long) => toll.start + long,
                Holds::Always => Moment(i64::MAX),
            };
            let used = vec![0; product.most.len()];
            let held = Held { product: i, number: closed.bought, until, used, pays_now: gate.is_some() };
            let Some(used) = self.used(&held, Modes::NONE, modes) else { continue };
            let mut purse = Purse { gate, ..closed.clone() };
            purse.amount += product.price;
            purse.bought += 1;
            if held.pays_now || until != OVER {
                purse.held.push(Held { used, ..held });
            }
            ways.push((purse, Paid { product: i, number: closed.bought }));
        }
        ways
    }

    /// One more ride for what paid for the one before.
    fn join(&self, purse: &Purse, gate: Gate, toll: &Toll) -> Option<(Purse, Paid)> {
        let i = purse.held.iter().position(|held| held.pays_now)?;
        let held = &purse.held[i];
        let modes = gate.modes.with(toll.mode);
        let used = self.used(held, gate.modes, modes).filter(|_| toll.pays & 1 << held.product != 0)?;
        let paid = Paid { product: held.product, number: held.number };
        let mut purse = Purse { gate: Some(Gate { modes }), ..purse.clone() };
        purse.held[i].used = used;
        Some((purse, paid))
    }

    /// Whether a ride counts as the same as those by `modes` before it.
    fn joins(&self, modes: Modes, mode: Mode) -> bool {
        self.one_ride.iter().any(|one| one.holds(modes) && one.holds(Modes::NONE.with(mode)))
    }

    fn may_be_joined(&self, modes: Modes) -> bool {
        self.one_ride.iter().any(|one| one.holds(modes))
    }

    fn pays(&self, product: usize, toll: &Toll) -> bool {
        let at = |[from, until]: [u32; 2]| (from..until).contains(&local(toll.start, &self.zone).1);
        toll.pays & 1 << product != 0 && self.products[product].between_s.is_none_or(at)
    }

    /// What is used of a product's limits when its ride, by `before` so far, is by `modes`; `None` if that is too much.
    fn used(&self, held: &Held, before: Modes, modes: Modes) -> Option<Vec<usize>> {
        let limits = self.products[held.product].most.iter().zip(&held.used);
        let more = |((limited, most), &used): (&(Modes, usize), &usize)| match modes.any(*limited)
            && !before.any(*limited)
        {
            true => (used < *most).then_some(used + 1),
            false => Some(used),
        };
        limits.map(more).collect()
    }

    fn bits(&self, fits: impl Fn(&Product) -> bool) -> u64 {
        let fitting =
            self.products.iter().take(MOST_PRODUCTS).enumerate().filter(|(_, product)| fits(product));
        fitting.fold(0, |bits, (i, _)| bits | 1 << i)
    }
}

impl Purse {
    /// Whether from `now` on nobody is better off with `other`: it cost no less, and whatever it pays for this does too.
    pub(crate) fn is_as_good_as(&self, other: &Purse, now: Moment) -> bool {
        if (self.amount, self.bought) > (other.amount, other.bought) || self.gate != other.gate {
            return false;
        }
        let same = match (&self.before, &other.before) {
            (Some(ours), Some(theirs)) => ours.is_like(theirs),
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        };
        if !same {
            return false;
        }
        let mut free = vec![true; self.held.len()];
        other.held.iter().filter(|held| held.pays_now || held.until >= now).all(|theirs| {
            let ours = self.held.iter().enumerate().find(|(i, ours)| {
                let used = ours.used.iter().zip(&theirs.used).all(|(ours, theirs)| ours <= theirs);
                free[*i]
                    && ours.product == theirs.product
                    && ours.pays_now == theirs.pays_now
                    && ours.until >= theirs.until
                    && used
            });
            ours.is_some_and(|(i, _)| std::mem::replace(&mut free[i], false))
        })
    }
}
