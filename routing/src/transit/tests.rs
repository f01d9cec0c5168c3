//! Journeys by timetables that are drawn as tables, from plain to gnarly.

mod cheaper;
mod escorted;
mod oracle;

use crate::transit::drawing::check_journeys;

/// A kilometre along one street, with a stop at every letter.
const STREET: &str = "
    A 0 0
    B 100 0
    C 1000 0
    D 1100 0
    A-B
    B-C
    C-D";

#[test]
fn a01_one_ride() {
    let table = "
        BUS 1   B      C
                08:05  08:15
                08:20  08:30";
    check_journeys(
        STREET,
        table,
        "A to D at 08:00",
        "A ~ walk 100 m ~ B ~ BUS 1 08:05 08:15 ~ C ~ walk 100 m ~ D [12 min 24 s]",
    );
    check_journeys(STREET, table, "B to C at 08:06", "B ~ BUS 1 08:20 08:30 ~ C [10 min]");
    // Four minutes before the bus one has left already: the way takes 72 s.
    check_journeys(
        STREET,
        table,
        "A to C at 08:04",
        "A ~ walk 100 m ~ B ~ BUS 1 08:20 08:30 ~ C [11 min 12 s]",
    );
    check_journeys(STREET, table, "C to B at 08:00", "none");
}

#[test]
fn a02_walking_is_quicker() {
    let table = "
        BUS 1   B      C
                08:10  08:22";
    // 900 m are 10 min 48 s on foot.
    check_journeys(STREET, table, "B to C at 08:00", "none");
}

#[test]
fn a03_all_departures_of_a_window() {
    let table = "
        BUS 1   B      C
                08:05  08:10
                08:10  08:15
                08:14  08:25
                08:15  08:19
                08:16  08:25";
    check_journeys(
        STREET,
        table,
        "B to C at 08:00 within 900 s",
        "
        B ~ BUS 1 08:05 08:10 ~ C [5 min]
        B ~ BUS 1 08:10 08:15 ~ C [5 min]
        B ~ BUS 1 08:15 08:19 ~ C [4 min]",
    );
    check_journeys(
        STREET,
        table,
        "B to C by 08:20 within 600 s",
        "
        B ~ BUS 1 08:05 08:10 ~ C [5 min]
        B ~ BUS 1 08:10 08:15 ~ C [5 min]
        B ~ BUS 1 08:15 08:19 ~ C [4 min]",
    );
    check_journeys(STREET, table, "B to C by 08:18", "B ~ BUS 1 08:10 08:15 ~ C [5 min]");
}

/// A line of towns, too far apart to walk.
const TOWNS: &str = "
    A 0 0
    B 3000 0
    C 6000 0
    D 9000 0
    E 9200 0
    A-B
    B-C
    C-D
    D-E";

#[test]
fn b01_changing_takes_a_minute() {
    let table = "
        BUS 1   A      B
                08:00  08:10
        TRAM 2  B        C
                08:10:59 08:20
                08:15    08:24";
    check_journeys(
        TOWNS,
        table,
        "A to C at 08:00",
        "A ~ BUS 1 08:00 08:10 ~ B ~ TRAM 2 08:15 08:24 ~ C [24 min]",
    );
    let timed = format!("{table}\ntransfer B B timed");
    check_journeys(
        TOWNS,
        &timed,
        "A to C at 08:00",
        "A ~ BUS 1 08:00 08:10 ~ B ~ TRAM 2 08:10 08:20 ~ C [20 min]",
    );
    let slow = format!("{table}\ntransfer B B 301");
    check_journeys(
        TOWNS,
        &slow,
        "A to C at 08:00",
        "A ~ BUS 1 08:00 08:10 ~ B ~ TRAM 2 08:10 08:20 ~ C [24 h 20 min]",
    );
    let forbidden = format!("{table}\ntransfer B B no");
    check_journeys(TOWNS, &forbidden, "A to C at 08:00", "none");
}

#[test]
fn b02_walking_between_rides() {
    let table = "
        BUS 1   A      D
                08:00  08:10
        BUS 2   E        B
                08:13:23 08:30
                08:13:24 08:30";
    // 200 m take 144 s, and a minute for the change.
    check_journeys(
        TOWNS,
        table,
        "A to B at 08:00",
        "A ~ BUS 1 08:00 08:10 ~ D ~ walk 200 m ~ E ~ BUS 2 08:13 08:30 ~ B [30 min]",
    );
    check_journeys(TOWNS, &format!("{table}\ntransfer D E no"), "A to B at 08:00", "none");
    check_journeys(
        TOWNS,
        &format!("{table}\ntransfer D E 300"),
        "A to B at 08:00",
        "A ~ BUS 1 08:00 08:10 ~ D ~ walk 200 m ~ E ~ BUS 2 08:13 08:30 ~ B [24 h 30 min]",
    );
}

#[test]
fn b03_fewer_changes_or_sooner() {
    let table = "
        BUS 1    A      C
                 08:00  09:00
        METRO 2  A      B
                 08:00  08:05
        METRO 3  B      C
                 08:10  08:20";
    check_journeys(
        TOWNS,
        table,
        "A to C at 08:00",
        "
        A ~ SUBWAY 2 08:00 08:05 ~ B ~ SUBWAY 3 08:10 08:20 ~ C [20 min]
        A ~ BUS 1 08:00 09:00 ~ C [1 h 0 min]",
    );
    check_journeys(TOWNS, table, "A to C at 08:00 by BUS", "A ~ BUS 1 08:00 09:00 ~ C [1 h 0 min]");
    check_journeys(TOWNS, table, "A to C at 08:00 with 0 transfers", "A ~ BUS 1 08:00 09:00 ~ C [1 h 0 min]");
}

#[test]
fn b04_a_quicker_bus_overtakes() {
    let table = "
        BUS 1   A      B      C
                08:00  08:20  08:40
                08:05  08:10  08:15";
    check_journeys(TOWNS, table, "A to C at 08:00", "A ~ BUS 1 08:05 08:15 ~ C [10 min]");
    check_journeys(TOWNS, table, "A to C by 08:40", "A ~ BUS 1 08:05 08:15 ~ C [10 min]");
}

#[test]
fn c01_past_midnight() {
    let table = "
        BUS N   A      B
                23:50  24:10
                25:00  25:20";
    // Sunday's 25:00 is one o'clock on Monday; the day before runs on into today.
    check_journeys(TOWNS, table, "A to B at 00:30", "A ~ BUS N 01:00 01:20 ~ B [20 min]");
    check_journeys(TOWNS, table, "A to B at 23:40", "A ~ BUS N 23:50 00:10 ~ B [20 min]");
    check_journeys(TOWNS, table, "A to B by 00:10", "A ~ BUS N 23:50 00:10 ~ B [20 min]");
    check_journeys(TOWNS, table, "A to B at 23:55", "A ~ BUS N 01:00 01:20 ~ B [20 min]");
}

#[test]
fn c02_every_so_often() {
    let table = "
        METRO 1  A      B
                 00:00  00:04
        every 150 from 06:00 until 08:30";
    check_journeys(TOWNS, table, "A to B at 08:01", "A ~ SUBWAY 1 08:02 08:06 ~ B [4 min]");
    check_journeys(TOWNS, table, "A to B at 08:28", "A ~ SUBWAY 1 06:00 06:04 ~ B [4 min]");
}

#[test]
fn c03_in_a_wheelchair() {
    let steps = "
        A 0 0
        B 100 0
        C 3000 0
        D 3100 0
        A-B
        B-C
        C#D";
    let table = "
        BUS 1   A      C
                08:00  08:10
                08:20  08:30 wheelchair";
    check_journeys(steps, table, "A to C at 08:00 in a wheelchair", "A ~ BUS 1 08:20 08:30 ~ C [10 min]");
    // To D there are only steps; its nearest street without is at C.
    check_journeys(
        steps,
        table,
        "A to D at 08:00",
        "A ~ BUS 1 08:00 08:10 ~ C ~ walk 100 m ~ D [12 min 24 s]",
    );
}

#[test]
fn c04_only_to_get_off() {
    let table = "
        BUS 1   A      B       C
                08:00  08:10-  08:20
                08:30  08:40+  08:50";
    // `-`: nobody gets on there; `+`: nobody gets off.
    check_journeys(TOWNS, table, "B to C at 08:00", "B ~ BUS 1 08:40 08:50 ~ C [10 min]");
    check_journeys(TOWNS, table, "A to B at 08:00", "A ~ BUS 1 08:00 08:10 ~ B [10 min]");
    check_journeys(TOWNS, table, "A to B at 08:10", "none");
}
