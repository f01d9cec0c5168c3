use super::*;
use routing::{
    feeder::Feeder,
    gtfs::records::Mode,
    intermodal::TransitQuery,
    itinerary::Place,
    planner::{Query, When},
    profile::Profile,
    transit::day::Modes,
};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn the_generated_city_has_public_transport_of_its_own() {
    let city = Arc::new(simulator::generator::moscow(150, 1));
    let tables = simulator::demand::timetable::gtfs(&city, street::MOSCOW);
    let mut report = Report::default();
    let timetable = own_timetable(&tables, &mut report).unwrap();
    assert_eq!(report.lines(10), Vec::<String>::new(), "our own feed has faults");
    for mode in [Mode::Subway, Mode::Bus, Mode::Tram] {
        assert!(timetable.routes.iter().any(|route| route.mode == mode), "no {mode}");
    }
    // Nine in the morning of a working day, from one end of the Garden Ring to the other.
    let nine = Moment(1_781_676_000_000);
    let planner = planner(&city, &[], None, street::MOSCOW).unwrap();
    let place = |name: &str, lat: f64, lon: f64| Place {
        name: name.into(),
        stop: None,
        at: model::geo::LonLat { lon, lat },
    };
    let query = TransitQuery {
        from: place("Taganka", 55.7424, 37.6533),
        to: place("Barrikadnaya", 55.7608, 37.5813),
        on_foot: Profile::Walk,
        when: When::DepartAt(nine),
        window: Duration::from_secs(900),
        at_least: 3,
        transfers: 4,
        modes: Modes::ALL,
        escorted: false,
        with_bicycle: false,
        before: vec![Feeder::OnFoot],
        after: vec![Feeder::OnFoot],
        walk_before: Duration::from_secs(900),
        walk_after: Duration::from_secs(900),
        street_within_m: 500.0,
        speed_mps: None,
        cycling_mps: None,
        avoid_crowds: false,
        cheaper: None,
        asked: nine,
    };
    let journeys = planner.by_transit(&query).unwrap();
    assert!(journeys.len() >= 3, "{journeys:?}");
    let rides = |mode: Mode| {
        journeys.iter().flat_map(|j| &j.legs).filter_map(|leg| leg.ride()).any(|r| r.mode == mode)
    };
    for journey in &journeys {
        let fare = planner.fares().unwrap().price(journey, None, &timetable.zone()).unwrap();
        assert!(fare.amount >= 7500, "{journey} costs {fare:?}");
    }
    assert!(rides(Mode::Subway), "nobody takes the underground across the city");
    let folder = tempfile::tempdir().unwrap();
    let bicycles = own_bicycles(&city, folder.path()).unwrap().expect("the city has shared bicycles");
    planner.set_sharing(routing::sharing::look(&[bicycles]));
    let hire = Query {
        from: query.from.clone(),
        to: query.to.clone(),
        profile: Profile::Bicycle,
        when: query.when,
        street_within_m: query.street_within_m,
        speed_mps: None,
    };
    let hired = planner.hired(&hire).expect("a bicycle is nearer than the end of a long walk");
    assert!(hired.legs.iter().filter_map(|leg| leg.street()).any(|way| way.hire.is_some()), "{hired}");
    // Below ground nothing is step-free: in a wheelchair one is escorted, or goes by bus.
    let hours_ago = |hours: u64| nine - Duration::from_secs(3600 * hours);
    let wheeled =
        TransitQuery { on_foot: Profile::Wheelchair, walk_before: HOUR, walk_after: HOUR, ..query.clone() };
    let below = |escorted: bool, asked: Moment| {
        let query = TransitQuery { escorted, asked, ..wheeled.clone() };
        let journeys = planner.by_transit(&query).unwrap();
        let rides: Vec<_> =
            journeys.iter().flat_map(|j| &j.legs).filter_map(|leg| leg.ride()).cloned().collect();
        rides.into_iter().filter(|ride| ride.mode == Mode::Subway).collect::<Vec<_>>()
    };
    assert!(below(false, hours_ago(5)).is_empty(), "nobody helps down the escalators");
    let escorted = below(true, hours_ago(5));
    assert!(!escorted.is_empty() && escorted.iter().all(|ride| ride.escort.is_some()), "{escorted:?}");
    // One's own bicycle stays at the station's bicycle park.
    let from = place("Krutitsy", 55.7350, 37.6700);
    let cycled = TransitQuery { before: vec![Feeder::Bicycle], from, ..query.clone() };
    let journeys = planner.by_transit(&cycled).unwrap();
    let parked = |j: &routing::itinerary::Itinerary| {
        j.legs.iter().filter_map(|leg| leg.street()).any(|way| way.parked.is_some())
    };
    assert!(journeys.iter().any(parked), "{journeys:?}");
    // Around the last stations buses come when one asks for them.
    let station = city.car_parks.first().expect("trains end somewhere").at;
    let from = place("beside the last station", station.lat + 0.003, station.lon);
    let driven = TransitQuery { before: vec![Feeder::OnDemand], from, asked: hours_ago(1), ..query.clone() };
    let journeys = planner.by_transit(&driven).unwrap();
    let fetched = |j: &routing::itinerary::Itinerary| {
        j.legs.iter().filter_map(|leg| leg.street()).any(|way| way.on_demand.is_some())
    };
    assert!(journeys.iter().any(fetched), "{journeys:?}");
    let surface = TransitQuery { modes: Modes::NONE.with(Mode::Bus).with(Mode::Tram), ..query };
    assert!(!planner.by_transit(&surface).unwrap().is_empty(), "no way by bus and tram");
}
