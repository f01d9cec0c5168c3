//! The published document holds for any question: schemathesis makes them up and looks at each answer.
//! The package is in `tests/requirements.txt`; where it is not installed, that is said loudly.

#![expect(clippy::print_stderr, reason = "a test talks to whoever runs it")]

use model::{sketch, time::Moment};
use routing::{
    api,
    gtfs::{self, archive::Archive, report::Report},
    planner::Planner,
    prepare,
    service::{Limits, Routing},
    transit::timetable::Timetable,
};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};
use wire::clock::Clock;

/// 2026-06-12, a Friday, 08:00 UTC.
const NOW: Moment = Moment(1_781_251_200_000);

/// Questions to each page, and the seed of which they are made.
const QUESTIONS: &str = "60";
const SEED: &str = "1";

fn schemathesis() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let tools = std::env::var_os("SVETOFOR_TOOLS").map_or_else(|| root.join(".tools/python"), PathBuf::from);
    Some(tools.join("bin/schemathesis")).filter(|program| program.exists())
}

fn routing() -> Arc<Routing> {
    let city = Arc::new(sketch::city("A---B---C---D---E---F---G---H", "B"));
    let at = |name: &str| {
        let node = city.network.nodes.iter().find(|node| node.id.as_str() == name);
        let at = node.unwrap_or(&city.network.nodes[0]).at;
        format!("{},{}", at.lat, at.lon)
    };
    let stops = format!("stop_id,stop_name,stop_lat,stop_lon\na,First,{}\nh,Last,{}\n", at("A"), at("H"));
    let tables = [
        ("agency.txt", "agency_name,agency_url,agency_timezone\nX,https://example.org,Etc/UTC\n"),
        ("stops.txt", stops.as_str()),
        ("routes.txt", "route_id,route_short_name,route_type\n7,7,3\n"),
        ("trips.txt", "route_id,service_id,trip_id\n7,d,t1\n"),
        (
            "stop_times.txt",
            "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n\
             t1,08:05:00,08:05:00,a,1\nt1,08:06:00,08:06:00,h,2\n",
        ),
        ("calendar_dates.txt", "service_id,date,exception_type\nd,20260612,1\n"),
    ];
    let feed = gtfs::read(Archive::of_tables(tables), "x", &mut Report::default()).unwrap();
    let prepared = prepare::prepare_timetable(&city, Timetable::join(vec![feed]));
    let planner = Planner::new(city).with_timetable(prepared);
    Routing::serving(planner, Clock::scaled(NOW, 1e-9), Limits::default()).0
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_the_document_says() {
    let Some(program) = schemathesis() else {
        eprintln!("NOT TESTED: no schemathesis; `cargo xtask tools` installs it");
        return;
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let document = format!("http://{}/api/openapi.json", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, api::standalone(routing())).await });
    let folder = tempfile::tempdir().unwrap();
    let checked = tokio::task::spawn_blocking(move || {
        let checks =
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
        // What is made up is seldom in the drawn city: these are.
        let known = "[parameters]\n\"query.fromPlace\" = \"x_a\"\n\"query.toPlace\" = \"55.75,37.62\"\n";
        std::fs::write(folder.path().join("schemathesis.toml"), known).unwrap();
        let mut command = Command::new(program);
        command.current_dir(folder.path()).args(["run", &document, "--checks", checks, "--seed", SEED]);
        command.args(["--max-examples", QUESTIONS, "--phases", "examples,coverage,fuzzing", "--no-color"]);
        command.output().unwrap()
    });
    let checked = checked.await.unwrap();
    server.abort();
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}\n{}", String::from_utf8_lossy(&checked.stderr));
}
