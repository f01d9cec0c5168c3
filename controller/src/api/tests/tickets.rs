//! Tickets from outside: an alarm becomes one, people work on it, the device proves it, and a restart forgets nothing.

use super::*;

async fn broken(bench: &Bench, active: bool) {
    let alarm =
        Alarm { component: "dl/2".into(), active, severity: 3, since: T0, message: "no answer".into() };
    bench
        .say(Topic::Alarm("tlc.detector".into()), codec::encode(&Alarms { full: true, alarms: vec![alarm] }))
        .await;
}

#[tokio::test]
async fn an_alarm_becomes_a_ticket_and_the_device_closes_it() {
    let bench = Bench::start().await;
    bench.online().await;
    bench.lamps(1, 30).await;
    broken(&bench, true).await;
    bench.at(49_000).await;
    assert_eq!(bench.get("/api/v1/tickets").await["open"], 0, "it may pass");
    // The junction goes on talking: else its silence would be a fault of its own.
    for s in 5..8 {
        bench.at(s * 10_000).await;
        bench.lamps(1, 30).await;
    }
    let list = bench.get("/api/v1/tickets").await;
    assert_eq!((&list["open"], &list["new"]), (&1.into(), &1.into()), "{list}");
    let ticket = &list["tickets"][0];
    assert_eq!(ticket["alarm"], "C/tlc.detector/dl/2");
    assert_eq!(ticket["alarm"], bench.get("/api/v1/alarms").await["alarms"][0]["id"]);
    let act = async |body: &str| bench.ask("POST", "/api/v1/tickets/1", body).await;
    let (status, _, value) = act(r#"{"accept":true,"who":"A"}"#).await;
    assert_eq!((status, &value["state"]), (StatusCode::OK, &"accepted".into()), "{value}");
    act(r#"{"note":"a lorry stands on it","who":"A"}"#).await;
    act(r#"{"assign":"crew 7","who":"A"}"#).await;
    let (status, _, value) = act(r#"{"close":"mended","who":"A"}"#).await;
    assert_eq!((status.as_u16(), &value["type"]), (422, &"/problems/unsafe".into()), "the fault still shows");
    broken(&bench, false).await;
    bench.at(80_000).await;
    bench.lamps(1, 30).await;
    let value = bench.get("/api/v1/tickets/1").await;
    assert_eq!(value["state"], "proving", "{value}");
    for s in 9..71 {
        bench.at(s * 10_000).await;
        bench.lamps(1, 30).await;
    }
    let value = bench.get("/api/v1/tickets/1").await;
    let lines: Vec<_> =
        value["lines"].as_array().unwrap().iter().map(|l| l["what"].as_str().unwrap()).collect();
    assert_eq!(lines, ["opened", "accepted", "noted", "assigned", "gone", "proved"], "{value}");
    assert_eq!(value["assignee"], "crew 7");
    // It is in the store as it is on the page.
    bench.at(712_000).await;
    let rows = bench.store.documents(crate::store::DocumentKind::Ticket).await.unwrap();
    assert_eq!((rows.len(), rows[0].closed), (1, true));
    let kept: crate::tickets::Ticket = serde_json::from_str(&rows[0].json).unwrap();
    assert_eq!(kept.lines.len(), 6);
    let audit: Vec<_> = bench.store.audit(0, 100).await.unwrap().rows.into_iter().map(|r| r.entry).collect();
    assert!(audit.iter().any(|line| line == "ticket 1 at junction C: given to crew 7 by A"), "{audit:?}");
    bench.end().await;
}

#[tokio::test]
async fn the_watchdog_finds_what_nobody_told_and_a_restart_remembers_it() {
    // It is a Sunday, 13:40 in Moscow: the night is over.
    let night = T0 - Duration::from_secs(11 * 3600);
    let calls = |_: &City| {
        let call = |i: u64| crate::store::EventRow {
            at: night + Duration::from_secs(i),
            junction: JunctionIx(0),
            code: 45,
            param: 3,
        };
        let ticket = serde_json::json!({
            "number": 41, "fault": {"junction": "C", "code": "dark", "component": ""}, "source": "alarm",
            "priority": 1, "message": "dark", "value": null, "opened": night.0, "accept_by": night.0, "due": night.0,
            "gone": null, "returned": 0, "accepted": null, "assignee": null, "closed": null, "tolerated": false,
            "lines": [],
        });
        let before = crate::store::DocumentRow {
            kind: crate::store::DocumentKind::Ticket,
            id: "000000000041".into(),
            at: night,
            closed: false,
            json: ticket.to_string(),
        };
        Batch { events: (0..250).map(call).collect(), documents: vec![before], ..Batch::default() }
    };
    let bench = Bench::with(AccessConfig::Open, calls).await;
    bench.at(2_000).await;
    let list = bench.get("/api/v1/tickets").await;
    let told = |i: usize| {
        let ticket = &list["tickets"][i];
        format!(
            "{} {} {} {} {}",
            ticket["number"], ticket["code"], ticket["component"], ticket["value"], ticket["late"]
        )
    };
    assert_eq!(told(0), r#"42 "stuck_ped" "sg/3" 250 false"#, "{list}");
    assert_eq!(told(1), r#"41 "dark" "" null true"#);
    bench.end().await;
}

#[tokio::test]
async fn people_report_what_they_saw() {
    let bench = Bench::start().await;
    bench.at(2_000).await;
    let post = async |body: &str| bench.ask("POST", "/api/v1/tickets", body).await;
    let (status, _, value) =
        post(r#"{"junction":"C","priority":2,"text":"a head hangs loose","who":"A"}"#).await;
    assert_eq!((status, &value["number"]), (StatusCode::CREATED, &1.into()), "{value}");
    assert_eq!((&value["source"], &value["lines"][0]["who"]), (&"person".into(), &"A".into()));
    for (body, expected) in [
        (r#"{"junction":"X","priority":2,"text":"t","who":"A"}"#, 404),
        (r#"{"junction":"C","priority":4,"text":"t","who":"A"}"#, 422),
        (r#"{"junction":"C","priority":2,"text":" ","who":"A"}"#, 422),
    ] {
        assert_eq!(post(body).await.0.as_u16(), expected, "{body}");
    }
    let act = async |path: &str, body: &str| bench.ask("POST", path, body).await.0.as_u16();
    assert_eq!(act("/api/v1/tickets/1", r#"{"accept":true,"note":"x","who":"A"}"#).await, 422);
    assert_eq!(act("/api/v1/tickets/9", r#"{"accept":true,"who":"A"}"#).await, 404);
    assert_eq!(act("/api/v1/tickets/1", r#"{"close":"fixed","who":"A"}"#).await, 200);
    assert_eq!(bench.get("/api/v1/tickets?state=closed&junction=C").await["tickets"][0]["number"], 1);
    assert_eq!(bench.get("/api/v1/tickets").await["tickets"].as_array().unwrap().len(), 0);
    bench.end().await;
}
