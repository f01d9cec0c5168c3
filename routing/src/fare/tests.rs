use super::*;
use crate::{
    gtfs::records::{Agency, Route},
    itinerary::{Leg, Means, Place, Ride, RideCall},
};
use model::geo::LonLat;

/// 2026-06-10, a Wednesday, 00:00 in Moscow.
const MIDNIGHT: i64 = 1_781_038_800_000;
const SHIPPED: &str = include_str!("../../../configs/fares/moscow.toml");

pub(super) fn zone() -> TimeZone {
    TimeZone::get("Europe/Moscow").unwrap()
}

/// `08:05 BUS`, `08:05 SUBWAY metro`, `08:05 BUS agency A B`: rides separated by commas; the words after the mode are who
/// runs it and the zones of its stops.
pub(super) fn journey(rides: &str) -> Itinerary {
    let leg = |text: &str| {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (hours, minutes) = words[0].split_once(':').unwrap();
        let minutes = hours.parse::<i64>().unwrap() * 60 + minutes.parse::<i64>().unwrap();
        let start = Moment(MIDNIGHT + minutes * 60_000);
        let mode = Mode::ALL.into_iter().find(|mode| mode.name() == words[1]).unwrap();
        let agency = words.get(2).unwrap_or(&"surface").to_string();
        let place = Place { name: "a stop".into(), stop: None, at: LonLat { lon: 37.6, lat: 55.7 } };
        let call = |zone: Option<&&str>| RideCall {
            stop: 0,
            place: place.clone(),
            code: None,
            track: None,
            zone: zone.map(ToString::to_string),
            level: 0.0,
            arrival: start,
            departure: start,
            scheduled: [start; 2],
            skipped: false,
            boards: true,
            alights: true,
        };
        let route = Route {
            id: "r".into(),
            agency: 0,
            short_name: "7".into(),
            long_name: String::new(),
            mode,
            route_type: 3,
            colour: None,
            text_colour: None,
        };
        let ride = Ride {
            mode,
            route_id: "r".into(),
            route_ix: 0,
            route,
            agency: Agency {
                id: agency.clone(),
                name: agency,
                url: String::new(),
                zone: "Europe/Moscow".into(),
            },
            trip_id: "t".into(),
            day: Day(0),
            trip_start: start,
            headsign: String::new(),
            calls: vec![call(words.get(3)), call(words.get(4).or(words.get(3)))],
            every_s: None,
            takes_bicycles: false,
            occupancy: None,
            crowded: false,
            live: false,
            alerts: Vec::new(),
            escort: None,
        };
        let end = start + Duration::from_secs(300);
        let (from, to, shape) = (place.clone(), place.clone(), Vec::new());
        Leg { from, to, start, end, distance_m: 1000.0, shape, means: Means::Transit(Box::new(ride)) }
    };
    let legs: Vec<Leg> = rides.split(',').filter(|text| !text.trim().is_empty()).map(leg).collect();
    let moment = |leg: Option<&Leg>| leg.map_or(Moment(MIDNIGHT), |leg| leg.start);
    Itinerary { start: moment(legs.first()), end: moment(legs.last()), legs }
}

/// The fare in words: `110 = ninety 1 2`, with the rides counted from one.
fn said(fares: &Fares, card: Option<&str>, rides: &str) -> String {
    match fares.price(&journey(rides), card, &zone()) {
        Ok(fare) => {
            let bought = fare.payments.iter().map(|payment| {
                let rides = payment.rides.iter().map(|ride| format!(" {}", ride + 1)).collect::<String>();
                format!("{}{rides}", payment.product)
            });
            let bought: Vec<String> = bought.collect();
            format!("{} = {}", fare.amount as f64 / 100.0, bought.join(" + "))
        }
        Err(reason) => reason.to_string(),
    }
}

#[test]
fn fares_of_the_shipped_tariff() {
    let fares = Fares::parse("moscow.toml", SHIPPED).unwrap();
    for (card, rides, expected) in [
        ("wallet", "", "0 = "),
        ("wallet", "08:00 BUS", "75 = ride 1"),
        // The second ride makes 90 minutes the cheaper way.
        ("wallet", "08:00 BUS, 08:20 TRAM", "110 = ninety 1 2"),
        ("wallet", "08:00 BUS, 08:20 TRAM, 09:30 BUS", "110 = ninety 1 2 3"),
        // A minute too late.
        ("wallet", "08:00 BUS, 08:20 TRAM, 09:31 BUS", "185 = ride 1 + ninety 2 3"),
        // Buying later covers more.
        ("wallet", "08:00 BUS, 09:31 TRAM, 09:40 BUS", "185 = ride 1 + ninety 2 3"),
        ("wallet", "08:00 BUS, 08:20 SUBWAY, 08:50 BUS", "110 = ninety 1 2 3"),
        // Changing trains without passing the gates is one ride, from the circle too.
        ("wallet", "08:00 SUBWAY, 08:20 SUBWAY", "75 = ride 1 2"),
        ("wallet", "08:00 SUBWAY, 08:20 SUBURBAN", "75 = ride 1 2"),
        // Twice through the gates: the second is not among the 90 minutes.
        ("wallet", "08:00 SUBWAY, 08:20 BUS, 08:40 SUBWAY", "185 = ride 1 + ninety 2 3"),
        ("single", "08:00 BUS, 08:20 TRAM", "150 = ride 1 + ride 2"),
        ("pass", "08:00 SUBWAY, 08:20 BUS, 18:40 SUBWAY", "0 = pass 1 2 3"),
        ("moskvich", "08:00 SUBWAY, 08:20 BUS", "0 = moskvich 1 2"),
        ("moskvich", "08:00 FERRY", "no product of this card pays for FERRY 7 of surface"),
        ("gold", "08:00 BUS", "there is no card \"gold\"; there are wallet, single, pass, moskvich"),
    ] {
        assert_eq!(said(&fares, Some(card), rides), expected, "{card}: {rides}");
    }
    assert_eq!(said(&fares, None, "08:00 BUS"), "75 = ride 1");
}

#[test]
fn a_tariff_holds_in_its_days() {
    let fares = Fares::parse("moscow.toml", SHIPPED).unwrap();
    let at = |days: i64| {
        let mut journey = journey("08:00 BUS");
        for leg in &mut journey.legs {
            leg.start = Moment(leg.start.0 + days * 86_400_000);
        }
        let fare = fares.price(&journey, None, &zone());
        fare.map(|fare| fare.amount).map_err(|reason| reason.to_string())
    };
    assert_eq!(at(0), Ok(7500));
    assert_eq!(at(-160), Ok(7500), "the first of January");
    assert_eq!(at(-161), Ok(6700), "the last of December");
    assert_eq!(at(-600), Err("no tariff is known for 2024-10-18".to_string()));
}

const ZONES: &str = r#"
name = { local = "Porto" }
currency = "EUR"
[[tariff]]
from = "2024-01-01"
[[tariff.product]]
id = "z2"
name = { local = "Z2" }
price = 1.4
zones = ["A", "B"]
minutes = 60
[[tariff.product]]
id = "all"
name = { local = "Tudo" }
price = 2.85
minutes = 60
[[tariff.product]]
id = "senior"
name = { local = "Senior" }
price = 0.7
pass = true
agencies = ["stcp"]
between = ["09:30", "24:00"]
[[tariff.card]]
id = "andante"
name = { local = "Andante" }
products = ["z2", "all"]
[[tariff.card]]
id = "senior"
name = { local = "Senior" }
products = ["senior", "z2", "all"]
"#;

#[test]
fn zones_agencies_and_hours_count() {
    let fares = Fares::parse("porto.toml", ZONES).unwrap();
    for (card, rides, expected) in [
        ("andante", "08:00 BUS stcp A B", "1.4 = z2 1"),
        ("andante", "08:00 BUS stcp A C", "2.85 = all 1"),
        // Two tickets for two zones each cost less than one for all.
        ("andante", "08:00 BUS stcp A B, 08:30 BUS stcp C C", "2.85 = all 1 2"),
        ("andante", "08:00 BUS stcp A B, 08:30 BUS stcp B A", "1.4 = z2 1 2"),
        ("senior", "09:00 BUS stcp A A", "1.4 = z2 1"),
        ("senior", "09:30 BUS stcp A A", "0.7 = senior 1"),
        (
            "senior",
            "09:30 BUS stcp A A, 09:50 SUBWAY metro A B, 10:20 BUS stcp A C",
            "2.1 = senior 1 3 + z2 2",
        ),
    ] {
        assert_eq!(said(&fares, Some(card), rides), expected, "{card}: {rides}");
    }
}

#[test]
fn complaints_name_file_line_and_cause() {
    let check = |from: &str, to: &str, expected: &str| {
        let complaints =
            Fares::parse("f.toml", &ZONES.replacen(from, to, 1)).expect_err("the text is broken");
        assert_eq!(complaints.to_string(), expected);
    };
    check("EUR", "euro", "f.toml:3: currency = \"euro\" is no code of ISO 4217, such as RUB");
    check("2024-01-01", "2024-13-01", "f.toml:5: \"2024-13-01\" is no day, such as 2026-01-02");
    check(
        "price = 1.4",
        "price = 1.405",
        "f.toml:9: price = 1.405 is not a sum from 0 with at most two digits after the point",
    );
    check("minutes = 60", "minutes = 0", "f.toml:11: minutes = 0 pays for nothing");
    check("[\"senior\", \"z2\"", "[\"seniors\", \"z2\"", "f.toml:31: there is no product \"seniors\"");
    check("09:30", "9.30", "f.toml:23: \"9.30\" is no time of the day, such as 09:30");
    check(
        "price = 0.7",
        "prize = 0.7",
        "f.toml:20: unknown field `prize`, expected one of `id`, `name`, `price`, `modes`, `agencies`, `zones`, `between`, `minutes`, `pass`, `most`",
    );
    let twice = format!("{ZONES}{}", &ZONES[ZONES.find("[[tariff]]").unwrap()..]);
    let complaints = Fares::parse("f.toml", &twice).unwrap_err().to_string();
    assert_eq!(complaints, "f.toml:32: the tariff from 2024-01-01 begins while another holds");
}
