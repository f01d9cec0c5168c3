//! `/metrics`: figures for whoever runs it, in Prometheus's text form.

use super::Api;
use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use std::{fmt::Write, sync::atomic::Ordering};

pub(super) async fn get_metrics(State(api): State<Api>) -> Response {
    let mut response = text(&api).into_response();
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn text(api: &Api) -> String {
    let (picture, link, gauges) = (api.picture(), *api.0.link_counts.borrow(), &api.0.gauges);
    let health = &picture.health.value;
    let mut out = String::new();
    let mut family = |name: &str, kind: &str, help: &str, rows: &[(String, f64)]| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# HELP svetofor_centre_{name} {help}\n# TYPE svetofor_centre_{name} {kind}");
        for (labels, value) in rows {
            let _ = writeln!(out, "svetofor_centre_{name}{labels} {value}");
        }
    };
    let one = |value: f64| [(String::new(), value)];
    let of = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed) as f64;
    let label = |name: &str, value: &str| {
        format!("{{{name}=\"{}\"}}", value.replace('\\', "\\\\").replace('"', "\\\""))
    };

    let modes: Vec<_> = health.junctions.by_mode.iter().map(|(m, n)| (label("mode", m), *n as f64)).collect();
    family("junctions", "gauge", "Junctions by what they do.", &modes);
    family(
        "junctions_matching",
        "gauge",
        "Junctions that do what is wanted.",
        &one(health.junctions.matching as f64),
    );
    let ages = [("0.5", health.data_age_s.median), ("0.95", health.data_age_s.p95)];
    let ages: Vec<_> = ages.iter().filter_map(|(q, age)| Some((label("quantile", q), (*age)?))).collect();
    family("data_age_seconds", "gauge", "Age of the newest state of junctions in contact.", &ages);
    let mut alarms = [0.0; 3];
    for alarm in &picture.alarms.value {
        alarms[usize::from(alarm.priority.clamp(1, 3) - 1)] += 1.0;
    }
    let alarms: Vec<_> =
        (1..).zip(alarms).map(|(p, n): (u8, f64)| (label("priority", &p.to_string()), n)).collect();
    family("alarms", "gauge", "Open alarms.", &alarms);
    family(
        "broker_up",
        "gauge",
        "Whether the broker is connected.",
        &one(f64::from(u8::from(health.broker.state == "up"))),
    );
    let broker = [
        ("sent", link.sent),
        ("received", link.received),
        ("acknowledged", link.acknowledged),
        ("refused", link.refused),
        ("dropped_live", link.dropped_live),
        ("dropped_kept", link.dropped_kept),
        ("dropped_urgent", link.dropped_urgent),
        ("dropped_incoming", link.dropped_incoming),
    ];
    let broker: Vec<_> = broker.iter().map(|(what, n)| (label("what", what), *n as f64)).collect();
    family("broker_messages_total", "counter", "Messages over the broker link.", &broker);
    let rejected: Vec<_> = health.rejected.iter().map(|(name, n)| (label("name", name), *n as f64)).collect();
    family("rejected_total", "counter", "Input that was not understood or not believed.", &rejected);
    family(
        "store_up",
        "gauge",
        "Whether the store takes rows.",
        &one(f64::from(u8::from(health.store.state == "up"))),
    );
    family("store_written_total", "counter", "Rows written.", &one(health.store.written as f64));
    family("store_waiting", "gauge", "Rows that wait for the store.", &one(health.store.waiting as f64));
    family("store_dropped_total", "counter", "Rows lost.", &one(health.store.dropped as f64));
    family("events_total", "counter", "Events that the core took from the street.", &one(of(&gauges.events)));
    family("commands_total", "counter", "Commands sent.", &one(of(&gauges.commands)));
    family(
        "junctions_waiting",
        "gauge",
        "Junctions that run their own plans only because the broker takes no more commands.",
        &one(of(&gauges.waiting)),
    );
    family("ticks_total", "counter", "Decision steps.", &one(of(&gauges.ticks)));
    family(
        "ticks_skipped_total",
        "counter",
        "Decision steps left out because one before took too long.",
        &one(of(&gauges.ticks_skipped)),
    );
    family("tick_seconds", "gauge", "How long the last decision step took.", &one(of(&gauges.tick_us) / 1e6));
    out
}
