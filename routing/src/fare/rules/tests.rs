//! A feed's fares, read and asked for.

use super::super::{
    Fares,
    tests::{journey, zone},
};
use crate::{
    gtfs::{self, archive::Archive, report::Report},
    itinerary::Means,
    transit::timetable::Timetable,
};

const FEED: &str = "
agency.txt
agency_id,agency_name,agency_url,agency_timezone
a,City,https://example.org,Europe/Moscow

stops.txt
stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station
A,Alpha,55.1,37.6,,
B,Beta,55.2,37.6,,
S,Sigma,55.3,37.6,1,
C,Gamma,55.3,37.6,,S

routes.txt
route_id,agency_id,route_short_name,route_type,network_id
bus,a,1,3,city
tram,a,2,0,city
metro,a,3,1,
boat,a,4,4,

trips.txt
route_id,service_id,trip_id
bus,week,t1

stop_times.txt
trip_id,arrival_time,departure_time,stop_id,stop_sequence
t1,6:40:00,6:40:00,A,1
t1,06:50:00,06:51:00,B,2

calendar.txt
service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date
week,1,1,1,1,1,0,0,20260101,20261231
end,0,0,0,0,0,1,1,20260101,20261231

networks.txt
network_id
metro

route_networks.txt
network_id,route_id
metro,metro

areas.txt
area_id
in
out

stop_areas.txt
area_id,stop_id
in,A
in,B
out,S

rider_categories.txt
rider_category_id,rider_category_name,is_default_fare_category
child,Child,0
adult,Adult,1

fare_media.txt
fare_media_id,fare_media_name,fare_media_type
card,Card,2
cash,Cash,0

timeframes.txt
timeframe_group_id,start_time,end_time,service_id
early,00:00:00,07:15:00,week

fare_products.txt
fare_product_id,fare_product_name,amount,currency,rider_category_id,fare_media_id
ride,Ride,2.00,EUR,adult,card
ride,Ride,2.50,EUR,adult,cash
ride,Ride,1.00,EUR,child,
dawn,Early metro,1.50,EUR,,
metro,Metro,3.00,EUR,,
far,Far metro,4.00,EUR,,
change,Change,0.50,EUR,,
both,City and metro,4.20,EUR,adult,

fare_leg_rules.txt
leg_group_id,network_id,from_area_id,to_area_id,from_timeframe_group_id,fare_product_id
city,city,,,,ride
metro,metro,,,,metro
metro,metro,,,early,dawn
metro,metro,,out,,far

fare_transfer_rules.txt
from_leg_group_id,to_leg_group_id,transfer_count,duration_limit,duration_limit_type,fare_transfer_type,fare_product_id
city,city,1,3600,1,0,
city,city,-1,3600,1,0,change
city,metro,,,,2,both
metro,city,,,,1,change
";

fn fares_of(text: &str) -> (Option<Fares>, String) {
    let tables = text.trim().split("\n\n").filter_map(|table| table.split_once('\n'));
    let mut report = Report::default();
    let feed = gtfs::read(Archive::of_tables(tables), "f", &mut report).expect("a feed that can be used");
    (Fares::published(Timetable::join(vec![feed]).fares), report.to_string())
}

/// `08:00 10 bus A B`: begins then, takes so many minutes, by that route, from stop to stop.
fn said(fares: &Fares, card: Option<&str>, rides: &str) -> String {
    let words: Vec<Vec<&str>> = rides.split(',').map(|ride| ride.split_whitespace().collect()).collect();
    let plain: Vec<String> = words.iter().map(|words| format!("{} BUS", words[0])).collect();
    let mut journey = journey(&plain.join(","));
    for (leg, words) in journey.legs.iter_mut().zip(&words) {
        let minutes: u64 = words[1].parse().expect("minutes");
        leg.end = leg.start + std::time::Duration::from_secs(60 * minutes);
        let Means::Transit(ride) = &mut leg.means else { unreachable!("only rides were drawn") };
        let place =
            |known: &[&str], name: &str| known.iter().position(|one| *one == name).expect("it is there");
        ride.route_ix = place(&["bus", "tram", "metro", "boat"], words[2]) as u32;
        for (call, name) in ride.calls.iter_mut().zip(&words[3..]) {
            call.stop = place(&["A", "B", "S", "C"], name) as u32;
        }
    }
    match fares.price(&journey, card, &zone()) {
        Ok(fare) => {
            let bought = fare.payments.iter().map(|payment| {
                let rides = payment.rides.iter().map(|ride| format!(" {}", ride + 1)).collect::<String>();
                format!("{} {}{rides}", payment.name.local, payment.amount as f64 / 100.0)
            });
            format!("{} = {}", fare.amount as f64 / 100.0, bought.collect::<Vec<_>>().join(" + "))
        }
        Err(reason) => reason.to_string(),
    }
}

#[test]
fn legs_and_changes_cost_what_the_rules_say() {
    let (fares, report) = fares_of(FEED);
    assert_eq!(report, "");
    let fares = fares.expect("the feed has fares");
    let cards: Vec<&str> =
        fares.cards(crate::gtfs::calendar::Day(0)).iter().map(|card| card.id.as_str()).collect();
    assert_eq!(cards, ["adult", "child", "adult@card", "adult@cash", "child@card", "child@cash"]);
    for (card, rides, expected) in [
        ("adult", "08:00 10 bus A B", "2 = Ride 2 1"),
        ("adult@cash", "08:00 10 bus A B", "2.5 = Ride 2.5 1"),
        ("child", "08:00 10 bus A B", "1 = Ride 1 1"),
        // One change is free, the next costs, and after an hour all begins anew.
        ("adult", "08:00 10 bus A B, 08:15 10 tram B A", "2 = Ride 2 1 2"),
        ("adult", "08:00 10 bus A B, 08:15 10 tram B A, 08:50 10 bus A B", "2.5 = Ride 2 1 2 + Change 0.5 3"),
        ("adult", "08:00 10 bus A B, 09:00 10 tram B A", "2 = Ride 2 1 2"),
        ("adult", "08:00 10 bus A B, 09:01 10 tram B A", "4 = Ride 2 1 + Ride 2 2"),
        // Areas, those of a station too, and times of days.
        ("adult", "08:00 10 metro A B", "3 = Metro 3 1"),
        ("adult", "08:00 10 metro A C", "4 = Far metro 4 1"),
        ("adult", "07:14 10 metro A B", "1.5 = Early metro 1.5 1"),
        ("adult", "07:15 10 metro A B", "3 = Metro 3 1"),
        // One product for both, and one besides both.
        ("adult", "08:00 10 bus A B, 08:15 10 metro B A", "4.2 = City and metro 4.2 1 2"),
        ("child", "08:00 10 bus A B, 08:15 10 metro B A", "4 = Ride 1 1 + Metro 3 2"),
        ("adult", "08:00 10 metro A B, 08:15 10 bus B A", "5.5 = Metro 3 1 + Ride 2.5 2"),
        ("adult", "08:00 10 boat A B", "no product of this card pays for BUS 7 of surface"),
        (
            "gold",
            "08:00 10 bus A B",
            "there is no card \"gold\"; there are adult, child, adult@card, adult@cash, child@card, child@cash",
        ),
    ] {
        assert_eq!(said(&fares, Some(card), rides), expected, "{card}: {rides}");
    }
    assert_eq!(said(&fares, None, "08:00 10 bus A B"), "2 = Ride 2 1");
}

#[test]
fn of_rules_with_priorities_the_highest_holds() {
    let rules = "network_id,fare_product_id,rule_priority\n,metro,\ncity,ride,2\n";
    let at = FEED.find("leg_group_id,network_id,from").expect("rules for legs");
    let end = FEED.find("\n\nfare_transfer").expect("rules for changes");
    let (fares, _) = fares_of(&format!("{}{rules}", &FEED[..at]));
    assert_eq!(FEED[at..end].lines().count(), 5);
    let fares = fares.expect("the feed has fares");
    assert_eq!(said(&fares, None, "08:00 10 bus A B, 08:15 10 boat B A"), "5 = Ride 2 1 + Metro 3 2");
}

#[test]
fn what_is_broken_is_reported_and_the_rest_is_used() {
    let check = |from: &str, to: &str, expected: &str| {
        assert!(FEED.contains(from), "{from}");
        let (fares, report) = fares_of(&FEED.replacen(from, to, 1));
        assert_eq!(report.trim_end(), expected);
        assert!(fares.is_some());
    };
    check(
        "metro,Metro,3.00,EUR",
        "metro,Metro,3.005,EUR",
        "f/fare_leg_rules.txt:3: \"metro\" for \"metro\" names something that the feed does not have: left out\nf/fare_products.txt:6: \"metro\" has no amount with at most two digits after the point: left out",
    );
    check(
        "dawn,Early metro,1.50,EUR",
        "dawn,Early metro,1.50,RUB",
        "f/fare_leg_rules.txt:4: \"metro\" for \"dawn\" names something that the feed does not have: left out\nf/fare_products.txt:5: \"dawn\" is not in the one currency of the table: left out",
    );
    check(
        "child,Child,0",
        "child,Child,2",
        "f/rider_categories.txt:2: \"child\" says neither 0 nor 1 of being the default: taken for not given",
    );
    check(
        "ride,Ride,1.00,EUR,child",
        "ride,Ride,1.00,EUR,kid",
        "f/fare_products.txt:4: \"ride\" is for a rider or a medium that the feed does not have: left out",
    );
    check(
        "metro,metro\n\nareas",
        "metro,subway\n\nareas",
        "f/route_networks.txt:2: route \"subway\" in \"metro\" names a network or a route that the feed does not have: left out",
    );
    check(
        "out,S",
        "out,T",
        "f/stop_areas.txt:4: stop \"T\" in \"out\" names an area or a stop that the feed does not have: left out",
    );
    check(
        "07:15:00,week",
        "27:15:00,week",
        "f/fare_leg_rules.txt:4: \"metro\" for \"dawn\" names something that the feed does not have: left out\nf/timeframes.txt:2: \"early\" on \"week\" has a time that is none of the day: left out",
    );
    check(
        "city,city,1,3600,1,0,",
        "city,city,1,3600,7,0,",
        "f/fare_transfer_rules.txt:2: \"city\" to \"city\" has a code that is none, or names something that is not there: left out",
    );
    check(
        "city,metro,,,,2,both",
        "city,metro,0,,,2,both",
        "f/fare_transfer_rules.txt:4: \"city\" to \"metro\" has a code that is none, or names something that is not there: left out",
    );
    check(
        "cash,Cash,0",
        "card,Cash,0",
        "f/fare_media.txt:3: \"card\" stands there a second time: left out\nf/fare_products.txt:3: \"ride\" is for a rider or a medium that the feed does not have: left out",
    );
}

/// The same city, as it published its fares before.
fn older(rules: &str) -> (Option<Fares>, String) {
    let at = FEED.find("networks.txt").expect("fares follow the timetable");
    let zones = FEED[..at]
        .replace("location_type,parent_station", "location_type,parent_station,zone_id")
        .replace("37.6,,\n", "37.6,,,in\n")
        .replace("37.6,1,\n", "37.6,1,,\n")
        .replace("37.6,,S\n", "37.6,,S,out\n");
    let fares = "fare_attributes.txt
fare_id,price,currency_type,payment_method,transfers,transfer_duration,agency_id
city,2.00,EUR,0,1,3600,
metro,3.00,EUR,1,0,,a
far,4.00,EUR,1,,,
any,9.00,EUR,0,0,,";
    fares_of(&format!(
        "{zones}{fares}\n\nfare_rules.txt\nfare_id,route_id,origin_id,destination_id,contains_id\n{rules}"
    ))
}

#[test]
fn older_fares_are_told_as_newer_ones() {
    let rules = "city,bus,,,\ncity,tram,,,\nmetro,metro,in,in,\nfar,metro,in,out,\n";
    let (fares, report) = older(rules);
    assert_eq!(report, "");
    let fares = fares.expect("the feed has fares");
    for (rides, expected) in [
        ("08:00 10 bus A B", "2 = city 2 1"),
        // One change within the hour is free, the second is not.
        ("08:00 10 bus A B, 08:15 10 tram B A", "2 = city 2 1 2"),
        ("08:00 10 bus A B, 09:01 10 tram B A", "4 = city 2 1 + city 2 2"),
        ("08:00 10 bus A B, 08:15 10 tram B A, 08:30 10 bus A B", "4 = city 2 1 2 + city 2 3"),
        // Zones of both ends.
        ("08:00 10 metro A B", "3 = metro 3 1"),
        ("08:00 10 metro A C", "4 = far 4 1"),
        // No change with this one, any number with that one.
        ("08:00 10 metro A B, 08:15 10 metro B A", "6 = metro 3 1 + metro 3 2"),
        ("08:00 10 bus A B, 08:15 10 metro B A", "5 = city 2 1 + metro 3 2"),
        // What has no rules holds everywhere, and nobody takes it who need not.
        ("08:00 10 boat A B", "9 = any 9 1"),
    ] {
        assert_eq!(said(&fares, None, rides), expected, "{rides}");
    }
}

#[test]
fn what_is_broken_in_older_fares_is_reported() {
    let (fares, report) = older("city,bus,,,\ncity,train,,,\nmetro,,in,in,out\ngold,bus,,,\n");
    let file = "f/fare_rules.txt";
    // By kind of fault, as every report is.
    let expected = [
        format!("{file}:5: \"gold\" is a fare that fare_attributes.txt does not have: left out"),
        format!(
            "{file}:4: \"metro\" is for whoever passes a zone, and rules know both ends of a leg only: left out"
        ),
        format!("{file}:3: \"city\" names a route or a zone that the feed does not have: left out"),
    ];
    assert_eq!(report.trim_end(), expected.join("\n"));
    // A fare whose only rule is left out does not hold everywhere.
    assert_eq!(said(&fares.expect("the feed has fares"), None, "08:00 10 metro A B"), "4 = far 4 1");
}
