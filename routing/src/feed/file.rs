//! Link times in files (CSV), which somebody else keeps writing: for cities whose traffic another centre measures.
//!
//! ```text
//! link,time_s,closed
//! 4231#0,38.5,
//! -4231#0,,true
//! ```
//!
//! Each file holds all that its publisher knows; what it does not name any more fades as what the centre does not repeat.

use crate::realtime::poll::Place;
use model::time::Moment;
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
    /// When it was written; `None` if it does not say, as over http.
    pub(super) said: Option<Moment>,
    /// Link times.
    pub(super) times: LinkTimes,
    /// Rows that cannot be read, each with its line.
    pub(super) faults: Vec<String>,
}

/// Reads a file's text. Rows that cannot be read are left out and named.
pub(super) fn parse(text: &str) -> Result<FileTimes, String> {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let head = reader.headers().map_err(|e| e.to_string())?.clone();
    let column = |name: &str| head.iter().position(|known| known.trim_start_matches('\u{feff}') == name);
    let (Some(link), Some(time)) = (column("link"), column("time_s")) else {
        return Err("its first line has no columns link and time_s".to_string());
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
        let time_s = match cell(Some(time)).parse::<f32>() {
            Ok(time_s) => time_s,
            Err(_) if closed => 0.0,
            Err(_) => {
                read.faults.push(format!("line {line}: time_s is seconds, not {:?}", cell(Some(time))));
                continue;
            }
        };
        read.times.links.push(LinkTime { link: cell(Some(link)).to_string(), time_s, closed });
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
        if is_new || matches!(&looked, Ok((None, _))) {
            let told = looked.as_ref().map_err(Clone::clone).and_then(|(said, bytes)| {
                let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_string());
                let read = text.and_then(parse).map_err(|error| format!("{}: {error}", config.place))?;
                Ok(FileTimes { said: *said, ..read })
            });
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
        assert!(parse("").is_err());
    }
}
