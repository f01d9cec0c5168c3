//! The stream, as a browser reads it.

use super::*;
use futures::StreamExt;
use wire::message::{Vehicle, Vehicles};

/// Reads events off a stream, as the browser would.
struct Reader {
    body: axum::body::BodyDataStream,
    buffer: String,
}

impl Reader {
    async fn open(bench: &Bench, path: &str) -> Reader {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = bench.app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        assert_eq!(response.headers().get(header::CONTENT_ENCODING), None);
        Reader { body: response.into_body().into_data_stream(), buffer: String::new() }
    }

    /// The next event that is there without waiting for more than 10 ms of the paused clock.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.buffer.split_once("\n\n") {
                let (mut name, mut data) = (String::new(), Value::Null);
                for line in event.lines() {
                    if let Some(text) = line.strip_prefix("event: ") {
                        name = text.to_owned();
                    } else if let Some(text) = line.strip_prefix("data: ") {
                        data = serde_json::from_str(text).unwrap();
                    }
                }
                self.buffer = rest.to_owned();
                return Some((name, data));
            }
            let chunk = tokio::time::timeout(Duration::from_millis(10), self.body.next()).await.ok()??;
            self.buffer.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }

    async fn all(&mut self) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        while let Some(event) = self.next().await {
            all.push(event);
        }
        all
    }
}

fn names(events: &[(String, Value)]) -> Vec<&str> {
    events.iter().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn the_stream_says_what_changed() {
    let bench = Bench::start().await;
    bench.at(50).await;
    let mut reader = Reader::open(&bench, "/api/v1/stream").await;
    let first = reader.all().await;
    let mut sorts = names(&first);
    sorts.sort();
    assert_eq!(sorts, ["alarms", "health", "junctions", "links", "vehicles"]);
    bench.at(1_050).await;
    assert_eq!(names(&reader.all().await), ["health"], "a second in which nothing changed");
    bench.online().await;
    bench.mode(Rung::Adaptive, "lease held").await;
    bench.lamps(1, 60).await;
    bench.at(2_050).await;
    let events = reader.all().await;
    assert_eq!(names(&events)[..2], ["junctions", "health"], "a change does not wait for the next second");
    assert_eq!((&events[0].1[0]["id"], &events[0].1[0]["stage"]), (&"C".into(), &1.into()));
    let fleet = |gateway: &str, id: &str| {
        let vehicle = Vehicle {
            id: id.into(),
            line: Some("Б".into()),
            lon: 37.6,
            lat: 55.7,
            heading: 90.0,
            speed: 10.0,
        };
        let entry = Entry::new(bench.clock.now(), 0, Vehicles { vehicles: vec![vehicle] });
        let topic = format!("mow/transit/{gateway}/status/vehicle.positions/live");
        bench.decoder.hear(&topic, &codec::encode(&Status { entries: vec![entry] })).unwrap()
    };
    bench.heard.send(fleet("buses", "31234")).await.unwrap();
    let events = reader.all().await;
    assert_eq!(names(&events), ["vehicles"]);
    assert_eq!(events[0].1["vehicles"][0]["speed_kmh"], 36.0);
    // One gateway's vehicles do not put away another's.
    bench.heard.send(fleet("trams", "4567")).await.unwrap();
    let events = reader.all().await;
    let ids: Vec<_> = events[0].1["vehicles"].as_array().unwrap().iter().map(|v| v["id"].clone()).collect();
    assert_eq!(ids, ["31234", "4567"]);
    bench.end().await;
}

/// Bytes before the first piece of DEFLATE.
const GZIP_HEADER: usize = 10;

/// Browsers ask for gzip, and must be able to read each event when it comes.
#[tokio::test]
async fn a_compressed_stream_says_the_same() {
    let bench = Bench::start().await;
    bench.at(50).await;
    let mut plain = Reader::open(&bench, "/api/v1/stream").await;
    let request = Request::get("/api/v1/stream").header(header::ACCEPT_ENCODING, "gzip").body(Body::empty());
    let response = bench.app.clone().oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
    let mut body = response.into_body().into_data_stream();
    let (mut deflate, mut header) = (flate2::Decompress::new(false), GZIP_HEADER);
    for second in 1..4 {
        bench.at(50 + 1000 * second).await;
        let said = plain.all().await;
        let mut read = Vec::new();
        while let Ok(Some(chunk)) = tokio::time::timeout(Duration::from_millis(10), body.next()).await {
            let chunk = chunk.unwrap();
            let chunk = &chunk[std::mem::take(&mut header).min(chunk.len())..];
            let mut out = Vec::with_capacity(1 << 20);
            deflate.decompress_vec(chunk, &mut out, flate2::FlushDecompress::Sync).unwrap();
            read.extend(out);
        }
        let read = String::from_utf8(read).unwrap();
        // Vehicles come by themselves, before or after the rest.
        let mut events = read.lines().filter_map(|line| line.strip_prefix("event: ")).collect::<Vec<_>>();
        let mut said = names(&said);
        // One of the two may take two rounds where the other takes both at once: the sum is the same.
        for names in [&mut events, &mut said] {
            names.sort_unstable();
            names.dedup();
        }
        assert_eq!(events, said, "{second}");
    }
    bench.end().await;
}

#[tokio::test]
async fn a_slow_reader_gets_the_sum_of_what_it_missed() {
    let bench = Bench::start().await;
    bench.at(50).await;
    let (mut slow, mut quick) =
        (Reader::open(&bench, "/api/v1/stream").await, Reader::open(&bench, "/api/v1/stream").await);
    bench.online().await;
    bench.mode(Rung::Adaptive, "lease held").await;
    let (mut seen, mut rounds) = (Value::Null, 0);
    for s in 0..60_u64 {
        bench.at(100 + 1000 * s).await;
        bench.lamps(1 + (s / 5 % 2) as u16, 60).await;
        for (name, data) in quick.all().await {
            rounds += usize::from(name == "health");
            if name == "junctions" {
                seen = data[0].clone();
            }
        }
    }
    bench.at(60_050).await;
    for (name, data) in quick.all().await {
        if name == "junctions" {
            seen = data[0].clone();
        }
    }
    assert!(rounds >= 59, "{rounds}");
    let mut missed = slow.all().await;
    // The next round is due a moment after the last one was taken.
    tokio::time::sleep(Duration::from_millis(300)).await;
    missed.extend(slow.all().await);
    let healths = names(&missed).iter().filter(|n| **n == "health").count();
    assert!(healths < 10, "{healths} rounds were queued for a reader that did not read");
    let last = missed.iter().rev().find(|(name, _)| name == "junctions").unwrap().1[0].clone();
    assert_eq!(last, seen, "both know the same in the end");
    bench.end().await;
}

#[tokio::test]
async fn a_watched_junction_is_sent_twice_a_second() {
    let bench = Bench::start().await;
    bench.at(50).await;
    let mut reader = Reader::open(&bench, "/api/v1/stream?junction=C").await;
    assert!(names(&reader.all().await).contains(&"junction"));
    let mut count = 0;
    for ms in (100..=4_000).step_by(100) {
        bench.at(ms + 50).await;
        for (name, data) in reader.all().await {
            if name == "junction" {
                count += 1;
                assert!(data.get("drawing").is_none(), "the drawing is only in the GET");
                assert_eq!(data["id"], "C");
            }
        }
    }
    assert!((8..=11).contains(&count), "{count} in 4 s");
    bench.end().await;
}
