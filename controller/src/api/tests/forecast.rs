//! The forecast over HTTP, out of readings that are written here.

use super::*;
use crate::store::IntervalRow;
use model::detection::DetectorKind;

const SLOT_S: i64 = 300;

/// Readings of all advance loops each 20 s, for so many days before the start: `count` vehicles in each window.
fn readings(city: &City, days: i64, count: impl Fn(i64) -> u16) -> Batch {
    let detectors = city.junctions[0].detectors.iter().filter(|d| d.kind == DetectorKind::Advance);
    let channels: Vec<u16> = detectors.map(|d| d.channel.0).collect();
    let reading = |window: i64, channel: u16| IntervalRow {
        at: Moment(T0.0 - days * 86_400_000 + (window + 1) * 20_000),
        junction: JunctionIx(0),
        channel,
        count: count(window),
        occupancy: 0.1,
        speed_mps: None,
        flags: 0,
    };
    let windows = 0..days * 86_400 / 20;
    let intervals = windows.flat_map(|window| channels.iter().map(move |&channel| (window, channel)));
    Batch {
        intervals: intervals.map(|(window, channel)| reading(window, channel)).collect(),
        ..Batch::default()
    }
}

impl Bench {
    /// The forecast once it is there.
    async fn forecast(&self) -> Value {
        for ms in (60_000..120_000).step_by(100) {
            self.at(ms).await;
            let forecast = self.get("/api/v1/junctions/C/forecast").await;
            if !forecast["detectors"].as_array().unwrap().is_empty() {
                return forecast;
            }
        }
        panic!("no forecast came");
    }
}

#[tokio::test]
async fn a_day_that_is_as_others_is_forecast_with_its_error() {
    let bench = Bench::with(AccessConfig::Open, |city| readings(city, 4, |_| 2)).await;
    let forecast = bench.forecast().await;
    let detectors = forecast["detectors"].as_array().unwrap();
    let first = &detectors[0];
    assert_eq!(first["ahead"].as_array().unwrap().len(), 12);
    for (slot, ahead) in (0..).zip(first["ahead"].as_array().unwrap()) {
        // Two vehicles in 20 s are 360 an hour.
        assert_eq!((&ahead["flow_h"], &ahead["learned"]), (&360.0.into(), &true.into()));
        assert_eq!(
            ahead["from"].as_i64().unwrap(),
            forecast["from"].as_i64().unwrap() + slot * SLOT_S * 1000
        );
    }
    let quality = bench.get("/api/v1/forecast").await;
    let hour = &quality["errors"][11];
    assert_eq!(
        (&hour["ahead_min"], &hour["forecast"], &hour["last_value"]),
        (&60.into(), &0.0.into(), &0.0.into())
    );
    assert!(hour["count"].as_u64().unwrap() > 200, "{quality}");
    let (status, _, _) = bench.ask("GET", "/api/v1/junctions/Z/forecast", "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    bench.end().await;
}

#[tokio::test]
async fn a_forecast_of_one_hour_is_not_called_learned() {
    let begins = (86_400 - 3600) / 20;
    let bench = Bench::with(AccessConfig::Open, |city| {
        readings(city, 1, |window| if window < begins { 0 } else { 3 })
    })
    .await;
    let forecast = bench.forecast().await;
    let ahead = &forecast["detectors"][0]["ahead"][5];
    assert_eq!((&ahead["flow_h"], &ahead["learned"]), (&540.0.into(), &false.into()));
    let quality = bench.get("/api/v1/forecast").await;
    assert_eq!(
        (&quality["errors"][5]["count"], &quality["errors"][5]["forecast"]),
        (&0.into(), &Value::Null)
    );
    bench.end().await;
}
