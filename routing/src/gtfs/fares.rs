//! Fares as their operator publishes them (GTFS Fares v2): what products cost, which leg takes which product, and what changing costs.
//! Those of the older kind ([`older`]) are told in the same words.

mod older;

use super::{
    archive::Archive,
    calendar::{Day, Service},
    read::Ids,
    records::Feed,
    report::{
        Remedy::{LeftOut, Repaired},
        Report,
    },
    stop_times::seconds,
    table::{Column, Table},
};
use serde::{Deserialize, Serialize};

/// The fare tables of one feed. What one row says of another is an index into the same tables.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct FareTables {
    /// Kinds of travellers.
    pub riders: Vec<Named>,
    /// The one who is meant if nothing is said.
    pub usual_rider: Option<u32>,
    /// Ways to hold a product: cards, apps, cash.
    pub media: Vec<Named>,
    /// Products by id; prices are in [`Self::prices`].
    pub products: Vec<Named>,
    /// What products cost, by who buys them and how.
    pub prices: Vec<Price>,
    /// ISO 4217; one for all prices.
    pub currency: String,
    /// Which leg takes which product.
    pub legs: Vec<LegRule>,
    /// Whether rules are chosen by [`LegRule::priority`], and an empty column fits all; else it fits what no other rule names.
    pub by_priority: bool,
    /// What changing costs.
    pub transfers: Vec<FareTransfer>,
    /// By stop of the feed: areas that it lies in.
    pub areas: Vec<Vec<u32>>,
    /// By route of the feed: its network.
    pub networks: Vec<Option<u32>>,
    /// Times of the day and the days on which they count, by group.
    pub times: Vec<Vec<Timeframe>>,
}

/// An id, and the name that people see.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Named {
    /// Its id in the feed.
    pub id: String,
    /// Its name; the id where it has none.
    pub name: String,
}

/// What a product costs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Price {
    /// The product.
    pub product: u32,
    /// For them only.
    pub rider: Option<u32>,
    /// Held so only.
    pub medium: Option<u32>,
    /// In hundredths of the currency; less than nothing for what is taken off.
    pub amount: i64,
}

/// A product for legs of a kind. What is `None` is empty in the feed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LegRule {
    /// The group by which [`FareTransfer`]s name it.
    pub group: Option<u32>,
    /// The network of the route.
    pub network: Option<u32>,
    /// Where one gets on.
    pub from: Option<u32>,
    /// Where one gets off.
    pub to: Option<u32>,
    /// When one gets on.
    pub starts: Option<u32>,
    /// When one gets off.
    pub ends: Option<u32>,
    /// What it takes.
    pub product: u32,
    /// Of the rules that fit, those with the highest count.
    pub priority: u32,
}

/// What changing from a leg of one group to one of another costs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FareTransfer {
    /// From legs of this group.
    pub from: Option<u32>,
    /// To legs of this group.
    pub to: Option<u32>,
    /// How many changes in a row it may be used for; `None` for any number.
    pub count: Option<u32>,
    /// How long all of it may take, s.
    pub limit_s: Option<u32>,
    /// Whether that begins when the first leg ends, and whether it ends when the last one ends.
    pub between: [Event; 2],
    /// What is paid.
    pub kind: TransferKind,
    /// What is bought for it; nothing if none.
    pub product: Option<u32>,
}

/// An end of a leg.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Event {
    /// One gets on.
    Departure,
    /// One gets off.
    Arrival,
}

/// What is paid by one who changes, with what was paid before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TransferKind {
    /// The change instead of the leg after it.
    InsteadOfNext,
    /// The change and the leg after it.
    Besides,
    /// The change instead of both legs.
    InsteadOfBoth,
}

/// A part of the day on the days of a service.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Timeframe {
    /// From then on, seconds after midnight.
    pub from_s: u32,
    /// Before then.
    pub until_s: u32,
    /// The days.
    pub days: Service,
}

impl Timeframe {
    /// Whether a time of a day is in it.
    pub fn holds(&self, day: Day, clock_s: u32) -> bool {
        (self.from_s..self.until_s).contains(&clock_s) && self.days.runs_on(day)
    }
}

/// Ids in order of their first appearance.
#[derive(Default)]
struct Known(Ids);

impl Known {
    fn of(&mut self, id: &str) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(id.to_string()).or_insert(next)
    }

    fn get(&self, id: &str) -> Option<u32> {
        self.0.get(id).copied()
    }
}

/// More than this no price is, in units of its currency.
const DEAREST: f64 = 1_000_000.0;

/// Reads the tables, if the feed has them. `networks` are those that `routes.txt` names, by route.
pub(super) fn read(
    feed: &mut Feed,
    archive: &mut Archive,
    [stops, routes, services]: [&Ids; 3],
    networks: Vec<Option<String>>,
    report: &mut Report,
) {
    let mut fares = FareTables::default();
    let riders = read_riders(&mut fares, archive, &feed.tag, report);
    let media = read_media(&mut fares, archive, &feed.tag, report);
    let products = read_products(&mut fares, archive, &feed.tag, [&riders, &media], report);
    let mut known = Known::default();
    fares.networks = networks.into_iter().map(|network| Some(known.of(&network?))).collect();
    read_networks(&mut fares, archive, &feed.tag, (routes, &mut known), report);
    let areas = read_areas(&mut fares, archive, feed, stops, report);
    let times = read_times(&mut fares, archive, feed, services, report);
    let groups = read_legs(&mut fares, archive, &feed.tag, [&known.0, &areas, &times, &products.0], report);
    read_transfers(&mut fares, archive, &feed.tag, [&groups.0, &products.0], report);
    if let Some(mut table) = Table::open(archive, &feed.tag, "fare_leg_join_rules.txt", report) {
        let [from, to] = table.columns(["from_network_id", "to_network_id"]);
        while table.advance() {
            let record = format!("{:?} to {:?}", table.text(from), table.text(to));
            table.fault(record, "joins legs to one, and each leg is paid for by itself here", LeftOut);
        }
    }
    match fares.legs.is_empty() {
        false => feed.fares = Some(fares),
        true => older::read(feed, archive, routes, report),
    }
}

fn read_riders(fares: &mut FareTables, archive: &mut Archive, tag: &str, report: &mut Report) -> Ids {
    let mut ids = Ids::new();
    let Some(mut table) = Table::open(archive, tag, "rider_categories.txt", report) else { return ids };
    let [id, name, usual] =
        table.columns(["rider_category_id", "rider_category_name", "is_default_fare_category"]);
    while table.advance() {
        let key = table.text(id).to_string();
        if !super::read::new_id(&mut table, &mut ids, key.clone(), fares.riders.len()) {
            continue;
        }
        let record = format!("{key:?}");
        if table.code(usual, 0..=1, 0, &record, "says neither 0 nor 1 of being the default") == 1 {
            if fares.usual_rider.is_some() {
                table.fault(&record, "is a second default category", Repaired("the first one is"));
            }
            fares.usual_rider = fares.usual_rider.or(Some(fares.riders.len() as u32));
        }
        fares.riders.push(Named { name: table.optional(name).unwrap_or_else(|| key.clone()), id: key });
    }
    ids
}

fn read_media(fares: &mut FareTables, archive: &mut Archive, tag: &str, report: &mut Report) -> Ids {
    let mut ids = Ids::new();
    let Some(mut table) = Table::open(archive, tag, "fare_media.txt", report) else { return ids };
    let [id, name] = table.columns(["fare_media_id", "fare_media_name"]);
    while table.advance() {
        let key = table.text(id).to_string();
        if super::read::new_id(&mut table, &mut ids, key.clone(), fares.media.len()) {
            fares.media.push(Named { name: table.optional(name).unwrap_or_else(|| key.clone()), id: key });
        }
    }
    ids
}

fn read_products(
    fares: &mut FareTables,
    archive: &mut Archive,
    tag: &str,
    [riders, media]: [&Ids; 2],
    report: &mut Report,
) -> Known {
    let mut known = Known::default();
    let Some(mut table) = Table::open(archive, tag, "fare_products.txt", report) else { return known };
    table = table.each_once();
    let [id, name, amount, currency, rider, medium] = table.columns([
        "fare_product_id",
        "fare_product_name",
        "amount",
        "currency",
        "rider_category_id",
        "fare_media_id",
    ]);
    while table.advance() {
        let key = table.text(id).to_string();
        let record = format!("{key:?}");
        if key.is_empty() {
            table.fault("a row", "has no id", LeftOut);
            continue;
        }
        let hundredths = table.number::<f64>(amount).ok().flatten().map(|amount| amount * 100.0);
        let sound = |sum: &f64| (sum - sum.round()).abs() < 1e-6 && sum.abs() <= DEAREST * 100.0;
        let Some(amount) = hundredths.filter(sound) else {
            table.fault(record, "has no amount with at most two digits after the point", LeftOut);
            continue;
        };
        let code = table.text(currency).to_string();
        if code.len() != 3 || !(fares.currency.is_empty() || fares.currency == code) {
            table.fault(record, "is not in the one currency of the table", LeftOut);
            continue;
        }
        let (Ok(rider), Ok(medium)) = (reference(&table, rider, riders), reference(&table, medium, media))
        else {
            table.fault(record, "is for a rider or a medium that the feed does not have", LeftOut);
            continue;
        };
        fares.currency = code;
        let product = known.of(&key);
        if product as usize == fares.products.len() {
            fares.products.push(Named { name: table.optional(name).unwrap_or_else(|| key.clone()), id: key });
        }
        fares.prices.push(Price { product, rider, medium, amount: amount.round() as i64 });
    }
    known
}

/// What a column refers to: `Ok(None)` if it is empty, `Err` if there is no such thing.
fn reference(table: &Table<'_>, column: Column, ids: &Ids) -> Result<Option<u32>, ()> {
    match table.text(column) {
        "" => Ok(None),
        id => ids.get(id).map(|&index| Some(index)).ok_or(()),
    }
}

fn read_networks(
    fares: &mut FareTables,
    archive: &mut Archive,
    tag: &str,
    (routes, known): (&Ids, &mut Known),
    report: &mut Report,
) {
    if let Some(mut table) = Table::open(archive, tag, "networks.txt", report) {
        let [id] = table.columns(["network_id"]);
        while table.advance() {
            match table.text(id) {
                "" => table.fault("a row", "has no id", LeftOut),
                id => drop(known.of(id)),
            }
        }
    }
    let Some(mut table) = Table::open(archive, tag, "route_networks.txt", report) else { return };
    let [network, route] = table.columns(["network_id", "route_id"]);
    while table.advance() {
        let record = format!("route {:?} in {:?}", table.text(route), table.text(network));
        match (known.get(table.text(network)), routes.get(table.text(route))) {
            (Some(network), Some(&route)) => match &mut fares.networks[route as usize] {
                Some(other) if *other != network => {
                    table.fault(record, "puts a route into a second network", LeftOut)
                }
                free => *free = Some(network),
            },
            _ => table.fault(record, "names a network or a route that the feed does not have", LeftOut),
        }
    }
}

fn read_areas(
    fares: &mut FareTables,
    archive: &mut Archive,
    feed: &Feed,
    stops: &Ids,
    report: &mut Report,
) -> Ids {
    let mut ids = Ids::new();
    fares.areas = vec![Vec::new(); feed.stops.len()];
    if let Some(mut table) = Table::open(archive, &feed.tag, "areas.txt", report) {
        let [id] = table.columns(["area_id"]);
        while table.advance() {
            let (key, next) = (table.text(id).to_string(), ids.len());
            super::read::new_id(&mut table, &mut ids, key, next);
        }
    }
    if let Some(mut table) = Table::open(archive, &feed.tag, "stop_areas.txt", report) {
        table = table.each_once();
        let [area, stop] = table.columns(["area_id", "stop_id"]);
        while table.advance() {
            match (ids.get(table.text(area)), stops.get(table.text(stop))) {
                (Some(&area), Some(&stop)) => fares.areas[stop as usize].push(area),
                _ => {
                    let record = format!("stop {:?} in {:?}", table.text(stop), table.text(area));
                    table.fault(record, "names an area or a stop that the feed does not have", LeftOut);
                }
            }
        }
    }
    // A platform without areas of its own lies in those of its station.
    for (i, stop) in feed.stops.iter().enumerate() {
        if let Some(station) = stop.parent.filter(|_| fares.areas[i].is_empty()) {
            fares.areas[i] = fares.areas[station as usize].clone();
        }
    }
    ids
}

fn read_times(
    fares: &mut FareTables,
    archive: &mut Archive,
    feed: &Feed,
    services: &Ids,
    report: &mut Report,
) -> Ids {
    let mut known = Known::default();
    let Some(mut table) = Table::open(archive, &feed.tag, "timeframes.txt", report) else { return known.0 };
    table = table.each_once();
    let [group, from, until, service] =
        table.columns(["timeframe_group_id", "start_time", "end_time", "service_id"]);
    while table.advance() {
        let record = format!("{:?} on {:?}", table.text(group), table.text(service));
        let clock = |column: Column, default: u32| match table.text(column) {
            "" => Some(default),
            text => seconds(text).filter(|s| *s <= 86_400),
        };
        let (Some(from_s), Some(until_s)) = (clock(from, 0), clock(until, 86_400)) else {
            table.fault(record, "has a time that is none of the day", LeftOut);
            continue;
        };
        let Some(&service) = services.get(table.text(service)).filter(|_| !table.text(group).is_empty())
        else {
            table.fault(record, "has no group, or a service that the feed does not have", LeftOut);
            continue;
        };
        let group = known.of(table.text(group)) as usize;
        fares.times.resize(fares.times.len().max(group + 1), Vec::new());
        let days = feed.services[service as usize].clone();
        fares.times[group].push(Timeframe { from_s, until_s, days });
    }
    known.0
}

fn read_legs(
    fares: &mut FareTables,
    archive: &mut Archive,
    tag: &str,
    [networks, areas, times, products]: [&Ids; 4],
    report: &mut Report,
) -> Known {
    let mut groups = Known::default();
    let Some(mut table) = Table::open(archive, tag, "fare_leg_rules.txt", report) else { return groups };
    table = table.each_once();
    let [group, network, from, to, starts, ends, product, priority] = table.columns([
        "leg_group_id",
        "network_id",
        "from_area_id",
        "to_area_id",
        "from_timeframe_group_id",
        "to_timeframe_group_id",
        "fare_product_id",
        "rule_priority",
    ]);
    fares.by_priority = table.has(priority);
    while table.advance() {
        let record = format!("{:?} for {:?}", table.text(group), table.text(product));
        let of = |column, ids| reference(&table, column, ids);
        let read = (|| {
            Ok::<_, ()>(LegRule {
                group: None,
                network: of(network, networks)?,
                from: of(from, areas)?,
                to: of(to, areas)?,
                starts: of(starts, times)?,
                ends: of(ends, times)?,
                product: of(product, products)?.ok_or(())?,
                priority: table.number(priority)?.unwrap_or(0),
            })
        })();
        match read {
            Ok(rule) => {
                let group = table.optional(group).map(|group| groups.of(&group));
                fares.legs.push(LegRule { group, ..rule });
            }
            Err(()) => table.fault(record, "names something that the feed does not have", LeftOut),
        }
    }
    groups
}

fn read_transfers(
    fares: &mut FareTables,
    archive: &mut Archive,
    tag: &str,
    [groups, products]: [&Ids; 2],
    report: &mut Report,
) {
    let Some(mut table) = Table::open(archive, tag, "fare_transfer_rules.txt", report) else { return };
    table = table.each_once();
    let [from, to, count, limit, between, kind, product] = table.columns([
        "from_leg_group_id",
        "to_leg_group_id",
        "transfer_count",
        "duration_limit",
        "duration_limit_type",
        "fare_transfer_type",
        "fare_product_id",
    ]);
    while table.advance() {
        let record = format!("{:?} to {:?}", table.text(from), table.text(to));
        let of = |column, ids| reference(&table, column, ids);
        let read = (|| {
            let between = match table.number::<u8>(between)?.unwrap_or(0) {
                0 => [Event::Departure, Event::Arrival],
                1 => [Event::Departure, Event::Departure],
                2 => [Event::Arrival, Event::Departure],
                3 => [Event::Arrival, Event::Arrival],
                _ => return Err(()),
            };
            let kind = match table.number::<u8>(kind)? {
                Some(0) => TransferKind::InsteadOfNext,
                Some(1) => TransferKind::Besides,
                Some(2) => TransferKind::InsteadOfBoth,
                _ => return Err(()),
            };
            let count = match table.number::<i32>(count)? {
                None | Some(-1) => None,
                Some(count @ 1..) => Some(count as u32),
                Some(_) => return Err(()),
            };
            let limit_s = table.number::<u32>(limit)?;
            let (from, to, product) = (of(from, groups)?, of(to, groups)?, of(product, products)?);
            Ok(FareTransfer { from, to, count, limit_s, between, kind, product })
        })();
        match read {
            Ok(transfer) => fares.transfers.push(transfer),
            Err(()) => {
                table.fault(record, "has a code that is none, or names something that is not there", LeftOut)
            }
        }
    }
}
