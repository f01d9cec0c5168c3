//! Buses on demand for a city whose feeds have none: the ground of the questions in squares, each driven by its own bus.

use anyhow::Context;
use serde_json::json;
use std::path::Path;

/// So many squares in a row, and rows.
const SQUARES: usize = 4;

/// Writes a feed whose zones cover all places of the file of pairs (a header and lines `from_lon,from_lat,to_lon,to_lat`).
pub(super) fn write(folder: &Path, pairs: &Path, zone: &str) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(pairs).with_context(|| pairs.display().to_string())?;
    let numbers =
        text.lines().skip(1).flat_map(|line| line.split(',')).map(|number| number.trim().parse::<f64>());
    let numbers = numbers.collect::<Result<Vec<f64>, _>>().with_context(|| pairs.display().to_string())?;
    let span = |axis: usize| {
        let all = numbers.iter().skip(axis).step_by(2);
        all.fold([f64::INFINITY, f64::NEG_INFINITY], |[least, most], &at| [least.min(at), most.max(at)])
    };
    let (lons, lats) = (span(0), span(1));
    let part = |[least, most]: [f64; 2], i: usize| least + (most - least) * i as f64 / SQUARES as f64;
    let mut features = Vec::new();
    let mut routes = "route_id,route_short_name,route_type\n".to_string();
    let mut trips = "route_id,service_id,trip_id,safe_duration_factor,safe_duration_offset\n".to_string();
    let mut times =
        "trip_id,stop_id,stop_sequence,location_id,start_pickup_drop_off_window,end_pickup_drop_off_window,\
                     pickup_type,drop_off_type,pickup_booking_rule_id,drop_off_booking_rule_id\n"
            .to_string();
    for (column, row) in (0..SQUARES).flat_map(|column| (0..SQUARES).map(move |row| (column, row))) {
        let [west, east] = [column, column + 1].map(|i| part(lons, i));
        let [south, north] = [row, row + 1].map(|i| part(lats, i));
        let id = format!("square-{column}-{row}");
        features.push(json!({
            "type": "Feature",
            "id": id,
            "properties": { "stop_name": id },
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
            },
        }));
        routes += &format!("{id},{id},3\n");
        trips += &format!("{id},daily,{id},1.4,180\n");
        for sequence in 1..=2 {
            times += &format!("{id},,{sequence},{id},06:00:00,23:00:00,2,2,ahead,ahead\n");
        }
    }
    let days = "monday,tuesday,wednesday,thursday,friday,saturday,sunday";
    let tables = [
        (
            "agency.txt",
            format!(
                "agency_id,agency_name,agency_url,agency_timezone\ndial,Dial,https://example.org/,{zone}\n"
            ),
        ),
        ("stops.txt", "stop_id,stop_name,stop_lat,stop_lon\n".to_string()),
        (
            "calendar.txt",
            format!("service_id,{days},start_date,end_date\ndaily,1,1,1,1,1,1,1,20200101,20391231\n"),
        ),
        (
            "booking_rules.txt",
            "booking_rule_id,booking_type,prior_notice_duration_min\nahead,1,15\n".to_string(),
        ),
        ("routes.txt", routes),
        ("trips.txt", trips),
        ("stop_times.txt", times),
        ("locations.geojson", json!({ "type": "FeatureCollection", "features": features }).to_string()),
    ];
    std::fs::create_dir_all(folder)?;
    for (name, text) in tables {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}
