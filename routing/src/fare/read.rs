//! From a TOML file to [`Fares`], or all that is wrong with it.

use super::{Card, Fares, Holds, Pays, Product, Said, Tariff, purse::MOST_PRODUCTS};
use crate::{gtfs::records::Mode, reader::Reader, transit::day::Modes};
use model::{
    config::{Complaint, Complaints, parse},
    network::Name,
};
use serde::Deserialize;
use serde_spanned::Spanned;
use std::time::Duration;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFares {
    name: Name,
    currency: Spanned<String>,
    tariff: Vec<Spanned<RawTariff>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTariff {
    from: Spanned<String>,
    until: Option<Spanned<String>>,
    #[serde(default)]
    one_ride: Vec<Vec<Spanned<String>>>,
    product: Vec<RawProduct>,
    card: Vec<RawCard>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProduct {
    id: Spanned<String>,
    name: Name,
    price: Spanned<f64>,
    modes: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    agencies: Vec<String>,
    #[serde(default)]
    zones: Vec<String>,
    between: Option<[Spanned<String>; 2]>,
    minutes: Option<Spanned<u32>>,
    #[serde(default)]
    pass: bool,
    #[serde(default)]
    most: Vec<RawMost>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMost {
    modes: Vec<Spanned<String>>,
    rides: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCard {
    id: Spanned<String>,
    name: Name,
    products: Vec<Spanned<String>>,
}

/// The dearest product: more is a slip of the comma.
const DEAREST: f64 = 1_000_000.0;

pub(super) fn read(file: &str, text: &str) -> Result<Fares, Complaints> {
    let raw: RawFares = parse(file, text)?;
    let mut reader = Reader::new(file, text);
    let code = raw.currency.get_ref();
    if code.len() != 3 || !code.bytes().all(|b| b.is_ascii_uppercase()) {
        reader.complain(&raw.currency, format!("currency = {code:?} is no code of ISO 4217, such as RUB"));
    }
    if raw.tariff.is_empty() {
        reader.complaints.push(Complaint::whole(file, "there is no [[tariff]]"));
    }
    let mut tariffs: Vec<(Tariff, Spanned<()>)> = Vec::new();
    for raw in raw.tariff {
        let span = raw.span();
        if let Some(tariff) = reader.tariff(raw.into_inner()) {
            tariffs.push((tariff, Spanned::new(span, ())));
        }
    }
    tariffs.sort_by_key(|(tariff, _)| tariff.from);
    for pair in tariffs.windows(2) {
        if pair[0].0.until.is_none_or(|until| until >= pair[1].0.from) {
            reader.complain(
                &pair[1].1,
                format!("the tariff from {} begins while another holds", pair[1].0.from),
            );
        }
    }
    let said = Said::Tariffs(tariffs.into_iter().map(|(tariff, _)| tariff).collect());
    reader.complaints.or(Fares { name: raw.name, currency: raw.currency.into_inner(), said })
}

impl Reader<'_> {
    /// `None` if it is not sound, which was complained of.
    fn tariff(&mut self, raw: RawTariff) -> Option<Tariff> {
        let from = self.day(&raw.from);
        let until = raw.until.as_ref().map(|until| self.day(until));
        if let (Some(from), Some(Some(until)), Some(at)) = (from, until, &raw.until)
            && until < from
        {
            self.complain(at, format!("until = {until} is before from = {from}"));
        }
        let one_ride = raw.one_ride.iter().map(|modes| self.modes(modes)).collect();
        let mut products: Vec<Product> = Vec::new();
        for raw in raw.product {
            if products.iter().any(|known| known.id == *raw.id.get_ref()) {
                self.complain(&raw.id, format!("another product has the id {:?}", raw.id.get_ref()));
            }
            products.push(self.product(raw));
        }
        let mut cards: Vec<Card> = Vec::new();
        for raw in raw.card {
            if cards.iter().any(|known| known.id == *raw.id.get_ref()) {
                self.complain(&raw.id, format!("another card has the id {:?}", raw.id.get_ref()));
            }
            if raw.products.is_empty() {
                self.complain(&raw.id, format!("card {:?} has no products", raw.id.get_ref()));
            }
            if raw.products.len() > MOST_PRODUCTS {
                self.complain(&raw.id, format!("a card holds at most {MOST_PRODUCTS} products"));
            }
            let mut own = Vec::new();
            for name in &raw.products {
                match products.iter().position(|product| product.id == *name.get_ref()) {
                    Some(product) => own.push(product),
                    None => self.complain(name, format!("there is no product {:?}", name.get_ref())),
                }
            }
            cards.push(Card { id: raw.id.into_inner(), name: raw.name, pays: Pays::With(own) });
        }
        if cards.is_empty() {
            self.complain(&raw.from, "a tariff has no card".to_string());
        }
        Some(Tariff { from: from?, until: until.flatten(), one_ride, products, cards })
    }

    fn product(&mut self, raw: RawProduct) -> Product {
        let price = *raw.price.get_ref();
        let hundredths = price * 100.0;
        if !(0.0..=DEAREST).contains(&price) || (hundredths - hundredths.round()).abs() > 1e-6 {
            self.complain(
                &raw.price,
                format!("price = {price} is not a sum from 0 with at most two digits after the point"),
            );
        }
        let holds = match (&raw.minutes, raw.pass) {
            (None, false) => Holds::Once,
            (None, true) => Holds::Always,
            (Some(minutes), pass) => {
                if pass {
                    self.complain(minutes, "a pass holds for longer than minutes".to_string());
                }
                if *minutes.get_ref() == 0 {
                    self.complain(minutes, "minutes = 0 pays for nothing".to_string());
                }
                Holds::For(Duration::from_secs(u64::from(*minutes.get_ref()) * 60))
            }
        };
        let modes = raw.modes.as_ref().map_or(Modes::ALL, |modes| self.modes(modes));
        let most = raw.most.iter().map(|most| (self.modes(&most.modes), most.rides)).collect();
        let between_s = raw.between.as_ref().and_then(|[from, until]| {
            let (begin, end) = (self.clock(from)?, self.clock(until)?);
            if begin >= end {
                self.complain(until, format!("between ends at {} and begins then or later", until.get_ref()));
            }
            Some([begin, end])
        });
        Product {
            id: raw.id.into_inner(),
            name: raw.name,
            price: hundredths.round() as i64,
            modes,
            agencies: raw.agencies,
            zones: raw.zones,
            between_s,
            holds,
            most,
        }
    }

    fn modes(&mut self, names: &[Spanned<String>]) -> Modes {
        let mut modes = Modes::NONE;
        for name in names {
            match Mode::ALL.into_iter().find(|mode| mode.name() == name.get_ref()) {
                Some(mode) => modes = modes.with(mode),
                None => {
                    let known = Mode::ALL.map(Mode::name).join(", ");
                    self.complain(name, format!("there is no mode {:?}; there are {known}", name.get_ref()));
                }
            }
        }
        modes
    }
}
