//! Fares of the older kind (GTFS Fares v1: `fare_attributes.txt`, `fare_rules.txt`), told by the rules of the newer one.
//!
//! Each fare is a product. A rule for a route is one for a network of that route alone, zones of stops are areas, and a fare that
//! holds for changes is a rule for changes between its own legs, free of charge.

use super::{DEAREST, Event, FareTables, FareTransfer, Known, LegRule, Named, Price, TransferKind};
use crate::gtfs::{
    archive::Archive,
    read::Ids,
    records::Feed,
    report::{Remedy::LeftOut, Report},
    table::Table,
};

/// A fare, as far as it holds.
struct Fare {
    /// Of this agency's routes only.
    agency: Option<u32>,
    /// Whether a rule says where it holds; else it holds everywhere.
    has_rules: bool,
}

/// Reads the tables, if the feed has them and none of the newer kind.
pub(super) fn read(feed: &mut Feed, archive: &mut Archive, routes: &Ids, report: &mut Report) {
    let mut tables = FareTables { by_priority: true, ..FareTables::default() };
    let mut fares = Vec::new();
    let known = read_fares(feed, &mut tables, &mut fares, archive, report);
    let mut zones = Known::default();
    tables.areas = feed
        .stops
        .iter()
        .map(|stop| stop.zone.as_deref().map(|zone| zones.of(zone)).into_iter().collect())
        .collect();
    tables.networks = (0..feed.routes.len() as u32).map(Some).collect();
    read_rules(feed, &mut tables, &mut fares, archive, [&known.0, routes, &zones.0], report);
    for (fare, said) in fares.iter().enumerate().filter(|(_, fare)| !fare.has_rules) {
        add(&mut tables, feed, (fare as u32, said.agency), [None; 3]);
    }
    if !tables.legs.is_empty() {
        feed.fares = Some(tables);
    }
}

fn read_fares(
    feed: &Feed,
    tables: &mut FareTables,
    fares: &mut Vec<Fare>,
    archive: &mut Archive,
    report: &mut Report,
) -> Known {
    let mut known = Known::default();
    let Some(mut table) = Table::open(archive, &feed.tag, "fare_attributes.txt", report) else {
        return known;
    };
    let [id, price, currency, changes, limit, agency] =
        table.columns(["fare_id", "price", "currency_type", "transfers", "transfer_duration", "agency_id"]);
    while table.advance() {
        let key = table.text(id).to_string();
        let record = format!("{key:?}");
        if !crate::gtfs::read::new_id(&mut table, &mut known.0, key.clone(), fares.len()) {
            continue;
        }
        let hundredths = table.number::<f64>(price).ok().flatten().map(|price| price * 100.0);
        let sound = |sum: &f64| (sum - sum.round()).abs() < 1e-6 && (0.0..=DEAREST * 100.0).contains(sum);
        let code = table.text(currency).to_string();
        let one_currency = code.len() == 3 && (tables.currency.is_empty() || tables.currency == code);
        let owner = match table.text(agency) {
            "" => Some(None),
            name => feed.agencies.iter().position(|one| one.id == name).map(|i| Some(i as u32)),
        };
        let changes = table.number::<u32>(changes).ok();
        let (Some(amount), true, Some(agency), Some(changes), Ok(limit_s)) =
            (hundredths.filter(sound), one_currency, owner, changes, table.number::<u32>(limit))
        else {
            known.0.remove(&key);
            let says = "has no price, agency or number of changes that can be, or is in a second currency";
            table.fault(record, says, LeftOut);
            continue;
        };
        tables.currency = code;
        let fare = fares.len() as u32;
        tables.products.push(Named { id: key.clone(), name: key });
        tables.prices.push(Price { product: fare, rider: None, medium: None, amount: amount.round() as i64 });
        if changes != Some(0) {
            tables.transfers.push(FareTransfer {
                from: Some(fare),
                to: Some(fare),
                count: changes,
                limit_s,
                between: [Event::Departure, Event::Departure],
                kind: TransferKind::InsteadOfNext,
                product: None,
            });
        }
        fares.push(Fare { agency, has_rules: false });
    }
    known
}

fn read_rules(
    feed: &Feed,
    tables: &mut FareTables,
    fares: &mut [Fare],
    archive: &mut Archive,
    [known, routes, zones]: [&Ids; 3],
    report: &mut Report,
) {
    let Some(mut table) = Table::open(archive, &feed.tag, "fare_rules.txt", report) else { return };
    let [fare, route, from, to, over] =
        table.columns(["fare_id", "route_id", "origin_id", "destination_id", "contains_id"]);
    while table.advance() {
        let record = format!("{:?}", table.text(fare));
        let Some(&number) = known.get(table.text(fare)) else {
            table.fault(record, "is a fare that fare_attributes.txt does not have", LeftOut);
            continue;
        };
        let said = &mut fares[number as usize];
        said.has_rules = true;
        if !table.text(over).is_empty() {
            table.fault(
                record,
                "is for whoever passes a zone, and rules know both ends of a leg only",
                LeftOut,
            );
            continue;
        }
        let of = |column, ids| super::reference(&table, column, ids);
        match (of(route, routes), of(from, zones), of(to, zones)) {
            (Ok(route), Ok(from), Ok(to)) => add(tables, feed, (number, said.agency), [route, from, to]),
            _ => table.fault(record, "names a route or a zone that the feed does not have", LeftOut),
        }
    }
}

/// A rule for legs of a fare; where one agency's fare names no route, one for each of its routes.
fn add(
    tables: &mut FareTables,
    feed: &Feed,
    (fare, agency): (u32, Option<u32>),
    [route, from, to]: [Option<u32>; 3],
) {
    let rule = |network: Option<u32>| LegRule {
        group: Some(fare),
        network,
        from,
        to,
        starts: None,
        ends: None,
        product: fare,
        priority: 0,
    };
    match (route, agency) {
        (None, Some(agency)) => {
            let own = feed.routes.iter().enumerate().filter(|(_, route)| route.agency == agency);
            tables.legs.extend(own.map(|(route, _)| rule(Some(route as u32))));
        }
        (route, _) => tables.legs.push(rule(route)),
    }
}
