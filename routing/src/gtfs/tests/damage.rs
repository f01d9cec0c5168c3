//! Every table of a feed, damaged in twelve ways: it is refused, or all that is lost by it is in the report.

use super::read_tables;
use crate::gtfs::{archive::Archive, read, records::Feed, report::Report};

/// A sound feed that has every table we read.
const FULL: &str = include_str!("full.txt");

/// The tables of [`FULL`].
pub(super) fn tables() -> Vec<(&'static str, &'static str)> {
    let table = |text: &'static str| {
        let (name, rows) = text.split_once('\n').expect("a name and rows");
        (name, rows)
    };
    FULL.split("\n=== ").map(|text| table(text.trim_start_matches("=== "))).collect()
}

/// A way to damage a table.
struct Damage {
    what: &'static str,
    does: fn(&str) -> Option<Vec<u8>>,
}

/// A table's first row of values, and what stands before and behind it.
fn row(text: &str) -> [&str; 3] {
    let begin = text.find('\n').map_or(text.len(), |at| at + 1);
    let end = text[begin..].find('\n').map_or(text.len(), |at| begin + at);
    [&text[..begin], &text[begin..end], &text[end..]]
}

/// The same table with another first row.
fn with_row(text: &str, other: impl FnOnce(&str) -> String) -> Option<Vec<u8>> {
    let [head, first, rest] = row(text);
    Some(format!("{head}{}{rest}", other(first)).into_bytes())
}

fn fields(row: &str, change: impl Fn(usize, &str) -> String) -> String {
    row.split(',').enumerate().map(|(i, field)| change(i, field)).collect::<Vec<_>>().join(",")
}

fn is_number(field: &str) -> bool {
    !field.is_empty() && field.bytes().all(|b| b.is_ascii_digit() || b".-:".contains(&b))
}

const DAMAGES: [Damage; 12] = [
    Damage { what: "is not there", does: |_| None },
    Damage { what: "is empty", does: |_| Some(Vec::new()) },
    Damage { what: "has a header alone", does: |text| Some(row(text)[0].as_bytes().to_vec()) },
    Damage {
        what: "has another name for its first column",
        does: |text| Some(text.replacen(text.split([',', '\n']).next()?, "something", 1).into_bytes()),
    },
    Damage {
        what: "breaks off in its last row",
        does: |text| {
            let text = text.trim_end();
            let last = text.rfind('\n')? + 1;
            Some(text.as_bytes()[..last + (text.len() - last) / 2].to_vec())
        },
    },
    Damage {
        what: "has a row without its first value",
        does: |text| with_row(text, |row| row[row.find(',').unwrap_or(row.len())..].to_string()),
    },
    Damage { what: "has a row twice", does: |text| with_row(text, |row| format!("{row}\n{row}")) },
    Damage {
        what: "has words for numbers",
        does: |text| {
            with_row(text, |row| fields(row, |_, f| if is_number(f) { "-7x".into() } else { f.into() }))
        },
    },
    Damage {
        what: "has a quotation mark that nobody closes",
        does: |text| with_row(text, |row| format!("\"{row}")),
    },
    Damage {
        what: "is no UTF-8",
        does: |text| {
            let [head, first, rest] = row(text);
            Some([head.as_bytes(), b"\xff", first.as_bytes(), rest.as_bytes()].concat())
        },
    },
    Damage {
        what: "has a row with more values than columns",
        does: |text| with_row(text, |row| format!("{row},1,2,3")),
    },
    Damage {
        what: "names what is not there",
        does: |text| {
            with_row(text, |row| {
                fields(row, |_, f| if f.is_empty() || is_number(f) { f.into() } else { format!("{f}?") })
            })
        },
    },
];

/// What is no loss: a feed without an optional table, or with another word where any word may stand.
fn may_be(table: &str, damage: &str) -> bool {
    const NEEDED: [&str; 5] = ["agency.txt", "stops.txt", "routes.txt", "trips.txt", "stop_times.txt"];
    let away = ["is not there", "is empty", "has a header alone"].contains(&damage);
    // A change from any leg; and days of a service that no other table need have.
    let other = [
        ("fare_transfer_rules.txt", "has a row without its first value"),
        ("calendar_dates.txt", "names what is not there"),
    ];
    away && !NEEDED.contains(&table) || other.contains(&(table, damage))
}

fn read_bytes(tables: &[(&str, Vec<u8>)]) -> (Result<Feed, String>, Report) {
    let mut report = Report::default();
    let archive = Archive::of_bytes(tables.iter().map(|(name, bytes)| (*name, bytes.clone())));
    let feed = read(archive, "f", &mut report).map_err(|refused| refused.to_string());
    (feed, report)
}

#[test]
fn the_full_feed_is_sound_and_has_everything() {
    let (feed, report) = read_tables(tables());
    let feed = feed.unwrap();
    assert_eq!(report.to_string(), "");
    let counts = [
        feed.agencies.len(),
        feed.stops.len(),
        feed.routes.len(),
        feed.services.len(),
        feed.trips.len(),
        feed.calls.len(),
        feed.shapes.len(),
        feed.frequencies.len(),
        feed.transfers.len(),
        feed.pathways.len(),
        feed.english.len(),
        feed.on_demand.trips.len(),
        feed.on_demand.zones.len(),
        feed.on_demand.bookings.len(),
    ];
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    let fares = feed.fares.unwrap();
    assert!(!fares.legs.is_empty() && !fares.transfers.is_empty() && !fares.times.is_empty());
}

#[test]
fn no_damage_to_any_table_goes_unsaid() {
    let sound = read_tables(tables()).0.unwrap();
    let (mut silent, mut unplaced) = (Vec::new(), Vec::new());
    for (table, text) in tables() {
        if table == "locations.geojson" {
            continue; // No rows of values: its own test is below.
        }
        for damage in &DAMAGES {
            let damaged: Vec<(&str, Vec<u8>)> = tables()
                .into_iter()
                .filter_map(|(name, whole)| match name == table {
                    true => Some((name, (damage.does)(text)?)),
                    false => Some((name, whole.as_bytes().to_vec())),
                })
                .collect();
            let (feed, report) = read_bytes(&damaged);
            let case = format!("{table} {}", damage.what);
            match feed {
                Err(refused) => assert!(refused.starts_with("f/"), "{case}: {refused}"),
                Ok(feed) => {
                    let said = report.to_string();
                    if said.is_empty() && feed != sound && !may_be(table, damage.what) {
                        silent.push(case);
                    } else if said.lines().any(|line| !is_placed(line)) {
                        unplaced.push(format!("{case}: {said}"));
                    }
                }
            }
        }
    }
    assert!(silent.is_empty(), "lost without a word:\n{}", silent.join("\n"));
    assert!(unplaced.is_empty(), "said without a place:\n{}", unplaced.join("\n"));
}

/// Whether a line of a report names a file, a line where it is about one, what is wrong and what was done.
fn is_placed(line: &str) -> bool {
    let Some((file, rest)) = line.split_once(": ") else { return false };
    file.starts_with("f/")
        && rest.rsplit_once(": ").is_some_and(|(what, done)| !what.is_empty() && !done.is_empty())
}

#[test]
fn no_damage_to_locations_goes_unsaid() {
    let (_, text) = tables().into_iter().find(|(name, _)| *name == "locations.geojson").expect("it has one");
    let check = |damaged: String, says: &str| {
        let all = tables().into_iter().map(|(name, whole)| {
            (name, if name == "locations.geojson" { damaged.as_bytes() } else { whole.as_bytes() }.to_vec())
        });
        let (feed, report) = read_bytes(&all.collect::<Vec<_>>());
        assert!(feed.is_ok(), "{damaged}");
        let said = report.to_string();
        assert!(said.contains("f/locations.geojson") && said.contains(says), "{said:?} instead of {says:?}");
    };
    let replaced = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    check(String::new(), "is no JSON");
    check("{}".into(), "has no features");
    check("[1, 2".into(), "is no JSON");
    check(text[..text.len() / 2].into(), "is no JSON");
    check(replaced("Polygon", "Point"), "is no area that can be read");
    check(replaced("Polygon", "Something"), "is no area that can be read");
    check(replaced("37.61", "370.61"), "is no area that can be read");
    check(replaced("[37.61,55.74]", "[]"), "is no area that can be read");
    check(replaced("\"features\":", "\"others\":"), "has no features");
    check(replaced("\"id\":\"town\"", "\"id\":\"village\""), "stands there a second time");
    check(replaced("\"coordinates\":", "\"places\":"), "is no area that can be read");
}
