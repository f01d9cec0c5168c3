//! Link times in files, which somebody else keeps writing: for cities whose traffic another centre measures. They are texts (CSV), with
//! a time or a speed for each link,
//!
//! ```text
//! link,time_s,speed_kmh,closed
//! 4231#0,38.5,,
//! 4231#1,,23,
//! -4231#0,,,true
//! ```
//!
//! or GTFS-Realtime with an extension of ours (in `docs/link-times.proto`): an entity's id is the link, and the header says when it was said.
//!
//! Each file holds all that its publisher knows; what it does not name any more fades as what the centre does not repeat.

use crate::realtime::{message::FeedHeader, poll::Place};
use model::time::Moment;
use prost::Message as _;
use std::time::{Duration, UNIX_EPOCH};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;
use wire::message::{LinkTime, LinkTimes};

/// A file to follow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileConfig {
    /// Where it is.
    pub place: Place,
    /// How long after one look the next one follows.
    pub every: Duration,
}

/// What a file said.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct FileTimes {
    /// When it was said, or else written; `None` if neither is known, as of a text over http.
    pub(super) said: Option<Moment>,
    /// Link times.
    pub(super) times: LinkTimes,
    /// Links whose speed is said instead, m/s.
    pub(super) speeds: Vec<(String, f32)>,
    /// Rows that cannot be read, each with its line.
    pub(super) faults: Vec<String>,
}

/// Reads a file of either kind.
fn read(bytes: &[u8]) -> Result<FileTimes, String> {
    // Every table has a link in its first line; and no text is GTFS-Realtime, which begins with a line's end.
    match std::str::from_utf8(bytes) {
        Ok(text) if text.lines().next().is_some_and(|head| head.contains("link")) => parse(text),
        _ => parse_realtime(bytes),
    }
}

/// GTFS-Realtime, as far as it is about links: [`crate::realtime::message`] has the rest.
#[derive(Clone, PartialEq, prost::Message)]
struct LinkFeed {
    #[prost(message, required, tag = "1")]
    header: FeedHeader,
    #[prost(message, repeated, tag = "2")]
    entity: Vec<LinkEntity>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct LinkEntity {
    /// The link.
    #[prost(string, required, tag = "1")]
    id: String,
    #[prost(bool, optional, tag = "2")]
    is_deleted: Option<bool>,
    /// Of the format's range for private extensions.
    #[prost(message, optional, tag = "9001")]
    said: Option<LinkSaid>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct LinkSaid {
    /// What the link takes, s, with the wait at its end.
    #[prost(float, optional, tag = "1")]
    time_s: Option<f32>,
    /// Or how fast vehicles are on it, m/s.
    #[prost(float, optional, tag = "2")]
    speed_mps: Option<f32>,
    /// Whether nobody may drive it.
    #[prost(bool, optional, tag = "3")]
    closed: Option<bool>,
}

fn parse_realtime(bytes: &[u8]) -> Result<FileTimes, String> {
    let neither = "it is neither a table with columns link and time_s nor GTFS-Realtime of links";
    let feed = LinkFeed::decode(bytes).map_err(|e| format!("{neither}: {e}"))?;
    // The decoder takes what is left out for empty, and no bytes for a feed.
    if feed.header.gtfs_realtime_version.is_empty() {
        return Err(format!("{neither}: its header has no version"));
    }
    let at = feed.header.timestamp.filter(|s| *s > 0);
    let mut read =
        FileTimes { said: at.map(|s| Moment((s as i64).saturating_mul(1000))), ..FileTimes::default() };
    for LinkEntity { id: link, said, .. } in
        feed.entity.into_iter().filter(|entity| entity.is_deleted != Some(true))
    {
        match said {
            Some(LinkSaid { closed: Some(true), .. }) => {
                read.times.links.push(LinkTime { link, time_s: 0.0, closed: true });
            }
            Some(LinkSaid { time_s: Some(time_s), .. }) => {
                read.times.links.push(LinkTime { link, time_s, closed: false });
            }
            Some(LinkSaid { speed_mps: Some(speed_mps), .. }) => read.speeds.push((link, speed_mps)),
            _ => read.faults.push(format!("entity {link:?} says neither time_s nor speed_mps nor closed")),
        }
    }
    Ok(read)
}

/// Reads a file's text. Rows that cannot be read are left out and named.
pub(super) fn parse(text: &str) -> Result<FileTimes, String> {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let head = reader.headers().map_err(|e| e.to_string())?.clone();
    let column = |name: &str| head.iter().position(|known| known.trim_start_matches('\u{feff}') == name);
    let (link, time, speed) = (column("link"), column("time_s"), column("speed_kmh"));
    let (Some(link), true) = (link, time.is_some() || speed.is_some()) else {
        return Err("its first line has no columns link and time_s, or link and speed_kmh".to_string());
    };
    let closed = column("closed");
    let mut read = FileTimes::default();
    for row in reader.records() {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                read.faults.push(error.to_string());
                continue;
            }
        };
        let line = row.position().map_or(0, csv::Position::line);
        let cell = |column: Option<usize>| column.and_then(|column| row.get(column)).unwrap_or("");
        let closed = match cell(closed) {
            "" | "false" | "0" => false,
            "true" | "1" => true,
            other => {
                read.faults.push(format!("line {line}: closed is true or false, not {other:?}"));
                continue;
            }
        };
        let link = cell(Some(link)).to_string();
        if !closed && cell(time).is_empty() && speed.is_some() {
            match cell(speed).parse::<f32>() {
                Ok(kmh) => read.speeds.push((link, kmh / 3.6)),
                Err(_) => read.faults.push(format!("line {line}: speed_kmh is no speed: {:?}", cell(speed))),
            }
            continue;
        }
        let time_s = match cell(time).parse::<f32>() {
            Ok(time_s) => time_s,
            Err(_) if closed => 0.0,
            Err(_) => {
                read.faults.push(format!("line {line}: time_s is seconds, not {:?}", cell(time)));
                continue;
            }
        };
        read.times.links.push(LinkTime { link, time_s, closed });
    }
    Ok(read)
}

/// Looks at a file again and again, and hands over what it says when that is new.
pub(super) async fn look(
    config: FileConfig,
    found: Sender<Result<FileTimes, String>>,
    shutdown: CancellationToken,
) {
    let mut last = None;
    loop {
        let place = config.place.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let written = match &place {
                Place::File(file) => std::fs::metadata(file).and_then(|about| about.modified()).ok(),
                Place::Url(_) => None,
            };
            let since = written.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let said = since.map(|since| Moment(since.as_millis() as i64));
            place.fetch().map(|bytes| (said, bytes)).map_err(|error| format!("{place}: {error}"))
        });
        let Ok(looked) = looked.await else { return };
        let is_new = last.as_ref() != Some(&looked);
        let told = looked.as_ref().map_err(Clone::clone).and_then(|(written, bytes)| {
            let read = read(bytes).map_err(|error| format!("{}: {error}", config.place))?;
            Ok(FileTimes { said: read.said.or(*written), ..read })
        });
        // What does not say of when it is holds as long as it is there.
        if is_new || matches!(&told, Ok(FileTimes { said: None, .. })) {
            if found.send(told).await.is_err() {
                return;
            }
            last = Some(looked);
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(config.every) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_cannot_be_read_are_named_and_the_rest_counts() {
        let text =
            "time_s, link ,closed,why\n30.5,AB,,\n,BA,true,works\nsoon,BC,,\n7,CB,perhaps,\n9,CD\n-1,DC,0,\n";
        let read = parse(text).unwrap();
        let said: Vec<(&str, f32, bool)> =
            read.times.links.iter().map(|one| (one.link.as_str(), one.time_s, one.closed)).collect();
        // What is no time at all is for the one who draws the picture to count.
        assert_eq!(said, [("AB", 30.5, false), ("BA", 0.0, true), ("CD", 9.0, false), ("DC", -1.0, false)]);
        assert_eq!(
            read.faults,
            ["line 4: time_s is seconds, not \"soon\"", "line 5: closed is true or false, not \"perhaps\""]
        );
        assert!(parse("link,seconds\nAB,3\n").unwrap_err().contains("no columns link and time_s"));
        assert!(super::read(b"").unwrap_err().contains("neither a table"));
    }

    #[test]
    fn a_speed_stands_for_a_time() {
        let text = "link,speed_kmh,time_s\nAB,36,\nBC,36,9\nCD,fast,\n";
        let read = super::read(text.as_bytes()).unwrap();
        assert_eq!(read.speeds, [("AB".to_string(), 10.0)]);
        assert_eq!(read.times.links, [LinkTime { link: "BC".into(), time_s: 9.0, closed: false }]);
        assert_eq!(read.faults, ["line 4: speed_kmh is no speed: \"fast\""]);
    }

    #[test]
    fn realtime_feeds_of_links_say_the_same_and_when() {
        let said = |time_s, speed_mps, closed| Some(LinkSaid { time_s, speed_mps, closed });
        let entity = |id: &str, said| LinkEntity { id: id.to_string(), is_deleted: None, said };
        let header = FeedHeader {
            gtfs_realtime_version: "2.0".into(),
            incrementality: Some(0),
            timestamp: Some(1_781_251_200),
        };
        let mut gone = entity("DE", said(Some(9.0), None, None));
        gone.is_deleted = Some(true);
        let entities = vec![
            entity("AB", said(Some(30.5), Some(1.0), None)),
            entity("BC", said(None, Some(8.0), Some(false))),
            entity("CD", said(Some(5.0), None, Some(true))),
            gone,
            entity("EF", None),
        ];
        let bytes = LinkFeed { header, entity: entities }.encode_to_vec();
        let read = super::read(&bytes).unwrap();
        assert_eq!(read.said, Some(Moment(1_781_251_200_000)));
        let times: Vec<_> =
            read.times.links.iter().map(|one| (one.link.as_str(), one.time_s, one.closed)).collect();
        assert_eq!(times, [("AB", 30.5, false), ("CD", 0.0, true)]);
        assert_eq!(read.speeds, [("BC".to_string(), 8.0)]);
        assert_eq!(read.faults, ["entity \"EF\" says neither time_s nor speed_mps nor closed"]);
        // To who knows the format and not the extension it is a feed that says nothing of trips.
        let plain = crate::realtime::message::FeedMessage::decode(bytes.as_slice()).unwrap();
        assert!(plain.entity.iter().all(|entity| entity.trip_update.is_none()) && plain.entity.len() == 5);
        for end in 0..bytes.len() {
            let _ = super::read(&bytes[..end]);
        }
    }
}
