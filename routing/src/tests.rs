//! Routes on drawings, from plain to gnarly.

pub(crate) mod oracle;

use crate::{
    drawing::{NOW, check_route, check_route_in, draw, picture, query},
    planner::{Planner, Query, When},
    snapshot::Snapshot,
};
use std::{sync::Arc, time::Duration};

const LINE: &str = "A---------B---------C";

/// A short way from A to C over B, and a long one over D.
const SQUARE: &str = "
    A---------B
    |         |
    |         |
    |         C
    |         |
    D---------E";

/// A ring where only one direction may be driven.
const RING: &str = "
    A---->----B
    |         |
    ^         v
    |         |
    D----<----C";

#[test]
fn a01_straight_on() {
    check_route(LINE, "A to C by car", "A ~ drive 200 m ~ C [14 s]");
    check_route(LINE, "A to C by taxi", "A ~ taxi 200 m ~ C [14 s]");
    check_route(LINE, "A to C by bicycle", "A ~ cycle 200 m ~ C [48 s]");
    check_route(LINE, "A to C by foot", "A ~ walk 200 m ~ C [2 min 24 s]");
    check_route(LINE, "A to A by foot", "A ~ walk 0 m ~ A [0 s]");
}

#[test]
fn a02_corners_cost() {
    let crossing = "
              N
              |
              |
    W---------C---------E
              |
              |
              S";
    check_route(crossing, "W to E by car", "W ~ drive 200 m ~ E [14 s]");
    check_route(crossing, "W to S by car", "W ~ drive 125 m ~ S [12 s]");
    check_route(crossing, "W to N by car", "W ~ drive 130 m ~ N [15 s]");
    check_route(crossing, "W to N by bicycle", "W ~ cycle 130 m ~ N [34 s]");
    check_route(crossing, "W to N by foot", "W ~ walk 117 m ~ N [84 s]");
}

#[test]
fn a03_one_way_streets_bind_wheels_and_not_feet() {
    check_route(RING, "B to A by car", "B ~ drive 180 m ~ A [13 s]");
    check_route(RING, "B to A by bicycle", "B ~ cycle 180 m ~ A [43 s]");
    check_route(RING, "B to A by foot", "B ~ walk 100 m ~ A [72 s]");
    check_route(RING, "B to A by wheelchair", "B ~ roll 100 m ~ A [1 min 40 s]");
}

#[test]
fn a04_forbidden_turns() {
    check_route(SQUARE, "A to C by car", "A ~ drive 130 m ~ C [9 s]");
    let drawing = format!("{SQUARE}\nno A>B>C");
    check_route(&drawing, "A to C by car", "A ~ drive 170 m ~ C [12 s]");
    check_route(&drawing, "A to C by foot", "A ~ walk 130 m ~ C [94 s]");
}

#[test]
fn a04_no_way_back() {
    let drawing = "
        A 0 0
        B 100 0
        A>B";
    check_route(drawing, "B to A by car", "no way to drive from B to A");
    check_route(drawing, "B to A by foot", "B ~ walk 100 m ~ A [72 s]");
}

#[test]
fn a05_signals_cost_their_expected_wait() {
    let drawing = "
        A 0 0
        B 100 0
        C 200 0
        A-B
        B-C
        signal A>B>C";
    // Without a plan: 13.6 s.
    check_route(drawing, "A to C by car", "A ~ drive 200 m ~ C [38 s]");
    check_route(drawing, "C to A by car", "C ~ drive 200 m ~ A [24 s]");
    let drawing = "
              N
              |
    W---------C---------E
              |
              S
    signals C";
    check_route(drawing, "W to E by car", "W ~ drive 200 m ~ E [20 s]");
    check_route_in(drawing, Duration::ZERO, "WC 20 s", "W to E by car", "W ~ drive 200 m ~ E [28 s]");
}

#[test]
fn a06_footways_and_steps() {
    let drawing = "
        A 0 0
        B 100 0
        C 200 0
        D 100 10
        A-B
        B=C
        A-D
        D#C";
    check_route(drawing, "A to C by foot", "A ~ walk 200 m ~ C [2 min 24 s]");
    check_route(drawing, "A to C by wheelchair", "A ~ roll 200 m ~ C [3 min 20 s]");
    // No car gets to C; the nearest street that it may use is a hundred metres off.
    check_route(drawing, "A to C by car", "A ~ drive 100 m ~ C [12 s]");
    let steps_only = "
        A 0 0
        B 100 0
        C 200 0
        A-B
        B#C";
    check_route(steps_only, "A to C by foot", "A ~ walk 200 m ~ C [3 min 36 s]");
    check_route(steps_only, "A to C by wheelchair", "A ~ roll 100 m ~ C [1 min 40 s]");
}

#[test]
fn a06_ferries_take_everybody_and_nobody_is_quicker_than_they_are() {
    let river = "
        A 0 0
        B 100 0
        C 500 0
        D 600 0
        A-B
        B~C
        C-D";
    check_route(river, "A to D by car", "A ~ drive 600 m ~ D [2 min 4 s]");
    check_route(river, "A to D by bicycle", "A ~ cycle 600 m ~ D [2 min 28 s]");
    check_route(river, "A to D by foot", "A ~ walk 600 m ~ D [4 min 4 s]");
    check_route(river, "A to D by wheelchair", "A ~ roll 600 m ~ D [5 min]");
    let city = draw(river);
    let query = Query { speed_mps: Some(5.0 / 3.6 / 2.0), ..query(&city, "A to D by foot") };
    let planner = Planner::new(Arc::new(city));
    let slowly = planner.direct(&query, &Snapshot::empty(), NOW).unwrap();
    assert_eq!(slowly.duration().as_secs(), 388, "twice as long on foot, as long on board");
    let steps = &slowly.legs[0].street().unwrap().steps;
    assert_eq!(steps.iter().map(|step| step.ferried).collect::<Vec<_>>(), [false, true, false]);
}

#[test]
fn a06_wheels_meet_kerbs_cobbles_and_hills() {
    let kerb = "
        A 0 0
        B 100 0
        C 200 0
        D 100 80
        A=B
        B=C
        A=D
        D=C
        kerb B";
    check_route(kerb, "A to C by foot", "A ~ walk 200 m ~ C [2 min 24 s]");
    check_route(kerb, "A to C by wheelchair", "A ~ roll 256 m ~ C [4 min 16 s]");
    let cobbles = "
        A 0 0
        B 100 0
        A:B";
    check_route(cobbles, "A to B by foot", "A ~ walk 100 m ~ B [72 s]");
    check_route(cobbles, "A to B by wheelchair", "A ~ roll 100 m ~ B [2 min 47 s]");
    let hill = "
        A 0 0
        B 300 0
        A/B";
    check_route(hill, "A to B by bicycle", "A ~ cycle 300 m ~ B [2 min 10 s]");
    check_route(hill, "B to A by bicycle", "B ~ cycle 300 m ~ A [72 s]");
    check_route(hill, "A to B by car", "A ~ drive 300 m ~ B [36 s]");
}

#[test]
fn a07_nothing_near() {
    let far = "
        A 0 0
        B 100 0
        C 100 1500
        A-B";
    check_route(far, "A to C by car", "no street to drive on within 1000 m of C");
}

#[test]
fn b01_a_slow_link_is_driven_around_and_walked_along() {
    let fresh = Duration::from_secs(5);
    check_route_in(SQUARE, fresh, "AB 8 s", "A to C by car", "A ~ drive 130 m ~ C [10 s]");
    check_route_in(SQUARE, fresh, "AB 10 s", "A to C by car", "A ~ drive 130 m ~ C [12 s]");
    check_route_in(SQUARE, fresh, "AB 60 s", "A to C by car", "A ~ drive 170 m ~ C [12 s]");
    check_route_in(SQUARE, fresh, "AB 60 s", "A to C by taxi", "A ~ taxi 170 m ~ C [12 s]");
    check_route_in(SQUARE, fresh, "AB 60 s", "A to C by foot", "A ~ walk 130 m ~ C [94 s]");
    check_route_in(SQUARE, fresh, "AB 60 s", "C to A by car", "C ~ drive 130 m ~ A [9 s]");
}

#[test]
fn b02_a_closed_link_is_not_driven() {
    let fresh = Duration::from_secs(5);
    check_route_in(SQUARE, fresh, "AB closed", "A to C by car", "A ~ drive 170 m ~ C [12 s]");
    check_route_in(SQUARE, fresh, "AB closed, DE closed", "A to C by car", "no way to drive from A to C");
    check_route_in(SQUARE, fresh, "AB closed", "A to C by foot", "A ~ walk 130 m ~ C [94 s]");
}

#[test]
fn b03_old_times_fade_and_closures_hold() {
    let minutes = |m: u64| Duration::from_secs(60 * m);
    check_route_in(LINE, minutes(1), "AB 60 s", "A to C by car", "A ~ drive 200 m ~ C [67 s]");
    // Eight and a half minutes: half way between fresh and useless.
    check_route_in(LINE, Duration::from_secs(510), "AB 60 s", "A to C by car", "A ~ drive 200 m ~ C [41 s]");
    check_route_in(LINE, minutes(15), "AB 60 s", "A to C by car", "A ~ drive 200 m ~ C [14 s]");
    check_route_in(SQUARE, minutes(100), "AB closed", "A to C by car", "A ~ drive 170 m ~ C [12 s]");
    check_route_in(SQUARE, minutes(120), "AB closed", "A to C by car", "A ~ drive 130 m ~ C [9 s]");
}

#[test]
fn b04_faster_than_allowed_is_not_planned_on() {
    check_route_in(LINE, Duration::ZERO, "AB 1 s", "A to C by car", "A ~ drive 200 m ~ C [14 s]");
}

#[test]
fn b05_a_picture_of_now_says_less_of_later() {
    let city = Arc::new(draw(LINE));
    let picture = picture(&city, NOW, "AB 60 s");
    let planner = Planner::new(city.clone());
    let leaving_in = |minutes: u64| {
        let when = When::DepartAt(NOW + Duration::from_secs(60 * minutes));
        let journey =
            planner.direct(&crate::planner::Query { when, ..query(&city, "A to C by car") }, &picture, NOW);
        journey.unwrap().duration().as_secs()
    };
    assert_eq!([0, 30, 45, 60].map(leaving_in), [67, 67, 40, 14]);
}

#[test]
fn c01_arriving_by() {
    let city = Arc::new(draw(LINE));
    let end = NOW + Duration::from_secs(600);
    let question = crate::planner::Query { when: When::ArriveBy(end), ..query(&city, "A to C by car") };
    let journey = Planner::new(city.clone()).direct(&question, &picture(&city, NOW, ""), NOW).unwrap();
    assert_eq!((journey.start, journey.end), (end - Duration::from_millis(14_400), end));
    assert_eq!((journey.legs[0].start, journey.legs[0].end), (journey.start, journey.end));
}

#[test]
fn c02_an_island_is_left_for_the_main_network() {
    // E-F is a yard that no street reaches; it is nearest to E.
    let drawing = "
        A 0 0
        B 100 0
        C 200 0
        D 200 100
        A-B
        B-C
        C-D
        E 0 30
        F 50 30
        E-F";
    check_route(drawing, "E to C by car", "E ~ drive 200 m ~ C [24 s]");
}

#[test]
fn c03_steps_say_what_to_do() {
    let city = Arc::new(draw(
        "
        A 0 0
        B 100 0
        C 200 10
        D 200 200
        E 0 200
        A-B
        B-C
        C-D
        D-E",
    ));
    let journey =
        Planner::new(city.clone()).direct(&query(&city, "A to E by car"), &picture(&city, NOW, ""), NOW);
    insta::assert_snapshot!(format!("{:#}", journey.unwrap()), @r"
    A ~ drive 590 m ~ E [80 s]
      depart AB, 100 m [12 s]
      continue BC, 100 m [12 s]
      left CD, 190 m [27 s]
      left DE, 200 m [28 s]
    ");
}
