//! What the city gives to everybody.

use super::*;
use crate::{
    access::AccountsFrom,
    store::{FLAG_FAULT, IntervalRow},
};
use model::detection::DetectorKind;

/// Midnight in Moscow, one day before [`T0`].
const YESTERDAY: i64 = 1_769_806_800_000;

async fn text(bench: &Bench, path: &str) -> (StatusCode, String, String) {
    let response = bench.app.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let kind = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    let bytes = axum::body::to_bytes(response.into_body(), 10_000_000).await.unwrap();
    (status, kind, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn the_catalogue_leads_to_every_dataset_and_nobody_signs_in() {
    let only_people = AccessConfig::Accounts {
        from: AccountsFrom::Given(Arc::default()),
        anybody_may_view: false,
        https_only: false,
        provider: None,
    };
    let bench = Bench::with(only_people, |_| Batch::default()).await;
    assert_eq!(text(&bench, "/api/v1/junctions").await.0, StatusCode::UNAUTHORIZED);
    let (status, kind, catalogue) = text(&bench, "/api/v1/open-data").await;
    assert_eq!((status, kind.as_str()), (StatusCode::OK, "application/ld+json"));
    let catalogue: Value = serde_json::from_str(&catalogue).unwrap();
    assert_eq!(catalogue["dct:publisher"]["foaf:name"], "City of Tests");
    let datasets = catalogue["dcat:dataset"].as_array().unwrap();
    assert_eq!(datasets.len(), 6);
    bench.at(2_000).await;
    for dataset in datasets {
        let place = dataset["dcat:distribution"]["dcat:accessURL"]["@id"].as_str().unwrap();
        let media = dataset["dcat:distribution"]["dcat:mediaType"]["@id"].as_str().unwrap();
        let (status, kind, said) = text(&bench, place).await;
        assert_eq!(status, StatusCode::OK, "{place}: {said}");
        assert!(media.ends_with(kind.split(';').next().unwrap()), "{place}: {kind}, {media}");
    }
    let (_, _, junctions) = text(&bench, "/api/v1/open-data/junctions").await;
    let junctions: Value = serde_json::from_str(&junctions).unwrap();
    assert_eq!(junctions["features"][0]["properties"]["id"], "C");
    bench.end().await;
}

#[tokio::test]
async fn counts_are_those_of_a_whole_day_by_the_quarter() {
    let loops = |city: &City| {
        let detectors = &city.junctions[0].detectors;
        let advance = detectors.iter().find(|d| d.kind == DetectorKind::Advance).unwrap().channel;
        let button = detectors.iter().find(|d| d.kind == DetectorKind::PushButton).unwrap().channel;
        (advance.0, button.0)
    };
    let bench = Bench::with(AccessConfig::Open, |city| {
        let (advance, button) = loops(city);
        // Windows of 20 s: all of the first quarter, a third of the last; one with a fault; a button; and the next day's first.
        let row = |s: i64, channel: u16, flags: u8| IntervalRow {
            at: Moment(YESTERDAY + s * 1000),
            junction: JunctionIx(0),
            channel,
            count: 2,
            occupancy: 0.25,
            speed_mps: Some(10.0),
            flags,
        };
        let quarter = (1..=45).map(|n| row(20 * n, advance, 0));
        let last = (1..=15).map(|n| row(85_500 + 20 * n, advance, 0));
        let others = [row(900 + 20, advance, FLAG_FAULT), row(20, button, 0), row(86_420, advance, 0)];
        Batch { intervals: quarter.chain(last).chain(others).collect(), ..Batch::default() }
    })
    .await;
    let (advance, _) = loops(&bench.city);
    let (status, kind, counts) = text(&bench, "/api/v1/open-data/counts?day=2026-01-31").await;
    assert_eq!((status, kind.as_str()), (StatusCode::OK, "text/csv; charset=utf-8"), "{counts}");
    let expected = format!(
        "from,junction,channel,kind,vehicles,heard,occupancy,speed_kmh\n\
         2026-01-31T00:00:00+03:00,C,{advance},advance,90,1.0,0.25,36.0\n\
         2026-01-31T23:45:00+03:00,C,{advance},advance,30,0.33,0.25,36.0\n"
    );
    assert_eq!(counts, expected);
    assert_eq!(
        text(&bench, "/api/v1/open-data/counts").await.2,
        expected,
        "yesterday is what is given unasked"
    );
    for (path, says) in [
        ("counts?day=2026-02-01", "2026-02-01 is not over"),
        ("counts?day=31.01.2026", "day: "),
        ("junctions?day=2026-01-31", "it has no days"),
    ] {
        let (status, _, said) = text(&bench, &format!("/api/v1/open-data/{path}")).await;
        assert!(status == StatusCode::UNPROCESSABLE_ENTITY && said.contains(says), "{path}: {said}");
    }
    assert_eq!(text(&bench, "/api/v1/open-data/people").await.0, StatusCode::NOT_FOUND);
    bench.end().await;
}
