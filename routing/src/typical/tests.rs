use super::*;
use crate::{
    drawing::{NOW, draw, place, query, said},
    planner::{Planner, When},
    snapshot::{Freshness, Snapshot, TrafficWriter},
};
use std::sync::Arc;

const LINE: &str = "A---------B---------C";
const MINUTE: Duration = Duration::from_secs(60);

fn moscow() -> TimeZone {
    TimeZone::get("Europe/Moscow").unwrap()
}

fn typical(map: &Map, rows: &str) -> Typical {
    let text = format!("link,days,from,time_s\n{rows}");
    Typical::parse(map, moscow(), "typical.csv", &text).unwrap().typical
}

/// [`NOW`] is a Friday, 11:00 in Moscow.
const ROWS: &str = "
AB,workday,07:00,40
AB,workday,10:00,20
AB,workday,12:30,60
AB,workday,20:00,
BC,workday,12:45,30
AB,saturday,09:00,15
";

#[test]
fn departures_later_than_now_meet_the_usual_traffic() {
    let city = Arc::new(draw(LINE));
    let planner = Planner::new(city.clone());
    let (mut writer, traffic) = TrafficWriter::new(planner.map().clone(), Some(planner.roads().clone()));
    writer.set_typical(typical(planner.map(), ROWS), None);
    let check = |picture: &Snapshot, minutes: u32, expected: &str| {
        let mut question = query(&city, "A to C by car");
        let departure = NOW + MINUTE * minutes;
        question.when = When::DepartAt(departure);
        let journey = planner.direct(&question, picture, NOW).unwrap();
        let of =
            picture.view(NOW, departure).usual().map_or("nothing".to_string(), |(_, slot)| slot.to_string());
        assert_eq!(format!("{journey} by {of}"), expected, "in {minutes} minutes");
    };
    // Free, each link takes 7.2 s.
    let none = traffic.now();
    check(&none, 0, "A ~ drive 200 m ~ C [27 s] by workday 10:00");
    check(&none, 89, "A ~ drive 200 m ~ C [27 s] by workday 10:00");
    check(&none, 90, "A ~ drive 200 m ~ C [67 s] by workday 12:30");
    check(&none, 105, "A ~ drive 200 m ~ C [90 s] by workday 12:45");
    check(&none, 9 * 60, "A ~ drive 200 m ~ C [37 s] by workday 20:00");
    check(&none, 16 * 60, "A ~ drive 200 m ~ C [14 s] by nothing");
    check(&none, 24 * 60, "A ~ drive 200 m ~ C [22 s] by saturday 09:00");

    writer.apply(NOW, &said(NOW, "AB 100 s"));
    writer.publish(NOW);
    let live = traffic.now();
    check(&live, 0, "A ~ drive 200 m ~ C [1 min 47 s] by workday 10:00");
    check(&live, 30, "A ~ drive 200 m ~ C [1 min 47 s] by workday 10:00");
    check(&live, 45, "A ~ drive 200 m ~ C [67 s] by workday 10:00");
    check(&live, 60, "A ~ drive 200 m ~ C [27 s] by workday 10:00");
    check(&live, 90, "A ~ drive 200 m ~ C [67 s] by workday 12:30");
    let freshness = [0, 45, 60, 16 * 60].map(|m| live.view(NOW, NOW + MINUTE * m).freshness());
    use Freshness::{Fading, FreeFlow, Live, Typical};
    assert_eq!(freshness, [Live, Fading, Typical, FreeFlow]);
    // A picture that nobody renews fades into the usual traffic too.
    let later = NOW + MINUTE * 20;
    assert_eq!(live.view(later, later).freshness(), Typical);

    // A closure holds for those who leave while it does.
    writer.apply(NOW, &said(NOW, "BC closed"));
    writer.publish(NOW);
    let closed = traffic.now();
    let mut question = query(&city, "A to C by car");
    question.when = When::DepartAt(NOW + MINUTE * 90);
    assert!(planner.direct(&question, &closed, NOW).is_err());
    check(&closed, 120, "A ~ drive 200 m ~ C [90 s] by workday 12:45");
}

#[test]
fn who_walks_meets_no_traffic() {
    let city = Arc::new(draw(LINE));
    let planner = Planner::new(city.clone());
    let (mut writer, traffic) = TrafficWriter::new(planner.map().clone(), None);
    writer.set_typical(typical(planner.map(), ROWS), None);
    let journey = planner.direct(&query(&city, "A to C by foot"), &traffic.now(), NOW).unwrap();
    assert_eq!(journey.to_string(), "A ~ walk 200 m ~ C [2 min 24 s]");
    assert_eq!(place(&city, "A").name, "A");
}

#[test]
fn complaints_name_file_line_and_cause() {
    let map = Map::new(&draw(LINE));
    let check = |rows: &str, expected: &str| {
        let read = Typical::parse(&map, moscow(), "t.csv", rows);
        assert_eq!(read.map(|_| ()).unwrap_err().to_string(), expected);
    };
    let head = "link,days,from,time_s\nAB,workday,08:00,20\n";
    check(
        &format!("{head}AB,monday,08:00,20\n"),
        "t.csv:3: unknown variant `monday`, expected one of `workday`, `saturday`, `sunday`",
    );
    check(
        &format!("{head}AB,sunday,08:10,20\n"),
        "t.csv:3: from = \"08:10\" is no quarter of an hour, such as 08:15",
    );
    check(
        &format!("{head}AB,sunday,24:00,20\nAB,sunday,0:00,0\n"),
        "t.csv:3: from = \"24:00\" is no quarter of an hour, such as 08:15\nt.csv:4: time_s = 0 is no time above zero",
    );
    check(&format!("{head}AB,sunday,08:00,fast\n"), "t.csv:3: invalid float literal");
    check(&format!("{head}AB,sunday\n"), "t.csv:3: expected field, but got end of row");
    check("link,days,at,time_s\nAB,sunday,08:00,20\n", "t.csv:2: missing field `from`");
    let read = Typical::parse(&map, moscow(), "t.csv", &format!("{head}nowhere,sunday,08:00,9\n")).unwrap();
    assert_eq!(read.unknown, 1);
}

#[test]
fn what_is_said_day_by_day_becomes_usual() {
    let map = Arc::new(Map::new(&draw(LINE)));
    let (mut writer, traffic) = TrafficWriter::new(map.clone(), None);
    writer.set_typical(typical(&map, "BC,workday,11:15,50\n"), Some(Learning::new(NOW)));
    let mut say = |at: Moment, text: &str| {
        writer.apply(at, &said(at, text));
        writer.publish(at);
        writer.take_learned()
    };
    assert!(say(NOW, "AB 30 s, BC 20 s").is_none());
    assert!(say(NOW + MINUTE * 7, "AB 50 s").is_none());
    let learned = say(NOW + MINUTE * 15, "AB 90 s").expect("the quarter is over");
    let file = "link,days,from,time_s\nAB,workday,11:00,40.0\nAB,workday,11:15,\nBC,workday,11:00,20.0\nBC,workday,11:15,50.0\n";
    assert_eq!(learned.to_csv(&map), file);
    // Three days later is a Monday.
    let monday = NOW + MINUTE * 60 * 24 * 3;
    say(monday, "AB 90 s, BC closed");
    let learned = say(monday + MINUTE * 15, "AB 7 s").expect("the quarter is over");
    assert!(learned.to_csv(&map).contains("AB,workday,11:00,50.0\n"), "{}", learned.to_csv(&map));
    let again = Typical::parse(&map, moscow(), "t.csv", &learned.to_csv(&map)).unwrap().typical;
    assert_eq!(again.to_csv(&map), learned.to_csv(&map));
    // Readers have it too.
    let view_of = |at: Moment| traffic.now().view(at, at).usual().map(|(_, slot)| slot.to_string());
    assert_eq!(view_of(monday + MINUTE * 60 * 24), Some("workday 11:00".to_string()));
}
