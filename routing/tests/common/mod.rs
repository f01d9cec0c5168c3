//! What several tests from outside begin with.

use model::{sketch, time::Moment};
use routing::{
    gtfs::{self, archive::Archive, report::Report},
    planner::Planner,
    prepare,
    service::{Limits, Routing},
    transit::timetable::Timetable,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use wire::clock::Clock;

/// 2026-06-12, a Friday, 08:00 UTC.
pub(crate) const NOW: Moment = Moment(1_781_251_200_000);

/// A program of those that `tests/requirements.txt` names.
pub(crate) fn program(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a crate of the workspace");
    let tools = std::env::var_os("SVETOFOR_TOOLS").map_or_else(|| root.join(".tools/python"), PathBuf::from);
    let program = tools.join("bin").join(name);
    assert!(program.exists(), "there is no {}; `cargo xtask tools` installs it", program.display());
    program
}

/// Eight streets in a row, and two buses from one end to the other.
pub(crate) fn routing() -> Arc<Routing> {
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
        ("trips.txt", "route_id,service_id,trip_id\n7,d,t1\n7,d,t2\n"),
        (
            "stop_times.txt",
            "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n\
             t1,08:05:00,08:05:00,a,1\nt1,08:06:00,08:06:00,h,2\n\
             t2,08:30:00,08:30:00,a,1\nt2,08:31:00,08:31:00,h,2\n",
        ),
        ("calendar_dates.txt", "service_id,date,exception_type\nd,20260612,1\n"),
    ];
    let mut report = Report::default();
    let feed = gtfs::read(Archive::of_tables(tables), "x", &mut report).unwrap();
    let prepared = prepare::prepare_timetable(&city, Timetable::join(vec![feed]));
    let planner = Planner::new(city).with_timetable(prepared);
    Routing::serving(planner, Clock::scaled(NOW, 1e-9), Limits::default()).0
}
