use super::*;
use model::{ids::LinkIx, transit::TransitMode};
use std::{collections::BTreeSet, sync::LazyLock};

/// Made once: it takes seconds.
static THOUSAND: LazyLock<City> = LazyLock::new(|| moscow(1000, 1));
static CENTRE: LazyLock<City> = LazyLock::new(|| moscow(150, 1));

/// Everything that any size must keep.
fn check(junctions: usize, city: &City) {
    assert_eq!(city.faults(), Vec::<String>::new(), "{junctions}");
    let n = city.junctions.len();
    assert!(n * 20 >= junctions * 19 && n <= junctions, "{n} junctions instead of {junctions}");
    for junction in &city.junctions {
        assert!(
            junction.stages.len() >= 2,
            "{} {}: one stage is no signal",
            junction.id,
            junction.name.local
        );
        assert!(!junction.detectors.is_empty(), "{}: blind", junction.id);
        assert!(!junction.name.local.is_empty() && junction.name.en.is_some(), "{}: nameless", junction.id);
    }
    let components: BTreeSet<usize> = streets::components(&city.network).into_iter().collect();
    assert_eq!(components.len(), 1, "{junctions}: not every street can be reached from every other");
    let joined: BTreeSet<(LinkIx, LinkIx)> = city
        .network
        .movements
        .iter()
        .map(|m| (city.network.lane(m.from).link, city.network.lane(m.to).link))
        .collect();
    for line in city.transit.lines.iter().filter(|l| !l.links.is_empty()) {
        for pair in line.links.windows(2) {
            assert!(joined.contains(&(pair[0], pair[1])), "line {} jumps", line.id);
        }
        assert!(line.stops.len() >= 2, "line {} does not stop", line.id);
    }
    for park in &city.car_parks {
        let away = |stop: &model::transit::Stop| stop.at.distance_m(park.at);
        assert!(city.transit.stops.iter().any(|stop| away(stop) < 100.0), "{}: no station near", park.id);
    }
    for park in &city.bicycle_parks {
        let away = |stop: &model::transit::Stop| stop.at.distance_m(park.at);
        assert!(city.transit.stops.iter().any(|stop| away(stop) < 50.0), "{}: no station near", park.id);
    }
    for corridor in &city.corridors {
        for pair in corridor.links.windows(2) {
            let (a, b) = (city.network.link(pair[0]), city.network.link(pair[1]));
            assert_eq!(a.to, b.from, "corridor {} has a gap", corridor.name.local);
        }
    }
}

#[test]
fn a_core_of_twenty() {
    check(20, &moscow(20, 1))
}

#[test]
fn the_centre() {
    check(150, &CENTRE);
}

#[test]
fn up_to_the_third_ring_and_beyond() {
    check(1000, &THOUSAND);
}

#[test]
fn the_same_seed_gives_the_same_city() {
    assert_eq!(moscow(60, 5), moscow(60, 5));
    assert_ne!(moscow(60, 5).network, moscow(60, 6).network);
}

#[test]
fn rings_radials_and_embankments_are_there_by_name() {
    let city = &*THOUSAND;
    let corridor = |name: &str| {
        let found = city.corridors.iter().find(|c| c.name.local == name);
        found.unwrap_or_else(|| panic!("no corridor {name}"))
    };
    let long = |name: &str| -> f64 {
        corridor(name).links.iter().map(|l| model::geo::length_m(&city.network.link(*l).shape)).sum()
    };
    // Their real lengths: the Garden Ring 15.6 km, the Boulevard Ring 9 km (7.6 without the bridges), the Third Ring 35.
    for side in ["внутренняя сторона", "внешняя сторона"] {
        assert!((14_800.0..16_400.0).contains(&long(&format!("Садовое кольцо, {side}"))));
        assert!((6_800.0..8_400.0).contains(&long(&format!("Бульварное кольцо, {side}"))));
        assert!((30_000.0..38_000.0).contains(&long(&format!("Третье транспортное кольцо, {side}"))));
    }
    for way in ["к центру", "из центра"] {
        assert!(long(&format!("Тверская — Ленинградский проспект, {way}")) > 4_000.0);
    }
    assert!(long("Кремлёвская и Пречистенская набережные, по течению") > 5_000.0);
}

#[test]
fn people_find_their_way_by_names() {
    let city = &*CENTRE;
    let junction =
        |id: &str| city.junctions.iter().find(|j| j.id.as_str() == id).map(|j| j.name.local.as_str());
    assert_eq!(junction("1179"), Some("Садовая-Триумфальная × Дмитровка"));
    for name in ["Таганская пл.", "Пушкинская пл.", "Серпуховская пл.", "Лубянская пл."]
    {
        assert!(city.junctions.iter().any(|j| j.name.local == name), "no {name}");
    }
    let metro: BTreeSet<&str> = city
        .transit
        .lines
        .iter()
        .filter(|l| l.mode == TransitMode::Metro)
        .map(|l| l.name.local.as_str())
        .collect();
    assert!(metro.contains("Кольцевая линия") && metro.len() >= 9, "{metro:?}");
    for line in ["Б-1", "А-1", "38-1"] {
        assert!(city.transit.lines.iter().any(|l| l.id.as_str() == line), "no line {line}");
    }
    assert!(city.districts().iter().all(|d| d.as_str() == "cao"));
    assert!(THOUSAND.districts().len() >= 9);
}

#[test]
fn any_size_will_do() {
    for junctions in [0, 1, 2, 5, 9] {
        assert_eq!(moscow(junctions, 1).faults(), Vec::<String>::new());
    }
}
