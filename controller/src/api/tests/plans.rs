//! Plans from outside: a draft is checked, approved by a second person, run by the centre, and taken back.

use super::*;

const DRAFT: &str =
    r#"{"base":1,"plan":{"cycle_s":80,"offset_s":0,"steps":[[1,50],[2,30]]},"reason":"mornings","who":"A"}"#;

fn with(act: &str, who: &str) -> String {
    format!(r#"{{{act},"who":"{who}"}}"#)
}

#[tokio::test]
async fn a_plan_that_does_not_fit_is_shown_at_once() {
    let bench = Bench::start().await;
    let check = async |steps: &str, cycle: u32| {
        let body = format!(r#"{{"cycle_s":{cycle},"offset_s":0,"steps":{steps}}}"#);
        bench.ask("POST", "/api/v1/junctions/C/plans/check", &body).await.2
    };
    let sound = check("[[1,50],[2,30]]", 80).await;
    assert_eq!(
        (&sound["faults"], &sound["steps"][0]["fits"]),
        (&serde_json::json!([]), &true.into()),
        "{sound}"
    );
    let tight = check("[[1,70],[2,10]]", 80).await;
    assert_eq!(tight["steps"][1]["fits"], false);
    let fault = tight["faults"][0].as_str().unwrap();
    assert!(fault.contains("stage 2: split 10 s cannot hold interstage"), "{fault}");
    let shortest = tight["steps"][1]["shortest_s"].as_f64().unwrap();
    let way = tight["steps"][1]["interstage_s"].as_f64().unwrap();
    assert_eq!(shortest, way + tight["steps"][1]["min_green_s"].as_f64().unwrap());
    assert_eq!(check("[[1,50],[9,30]]", 80).await["steps"], serde_json::json!([]), "no such stage");
    bench.end().await;
}

#[tokio::test]
async fn a_draft_runs_once_two_people_agree_and_goes_when_it_is_rolled_back() {
    let bench = Bench::start().await;
    bench.online().await;
    bench.lamps(1, 30).await;
    bench.mode(Rung::Adaptive, "asked").await;
    bench.at(2_000).await;
    let (status, _, made) = bench.ask("POST", "/api/v1/junctions/C/drafts", DRAFT).await;
    assert_eq!((status, &made["number"]), (StatusCode::CREATED, &1.into()), "{made}");
    let act = async |act: &str, who: &str| {
        let (status, _, value) = bench.ask("POST", "/api/v1/drafts/1", &with(act, who)).await;
        (status.as_u16(), value)
    };
    assert_eq!(act(r#""approve":true"#, "B").await.0, 422, "nobody asked for it");
    assert_eq!(act(r#""propose":true"#, "A").await.0, 200);
    assert_eq!(act(r#""approve":true"#, "A").await.0, 403, "A is no second person");
    assert_eq!(act(r#""canary_min":5"#, "A").await.0, 422);
    assert_eq!(act(r#""approve":true"#, "B").await.0, 200);
    assert_eq!(act(r#""roll_out":true"#, "A").await.0, 422, "first a canary");
    assert_eq!(act(r#""canary_min":1"#, "A").await.0, 422, "too short to see anything");
    let (status, canary) = act(r#""canary_min":5"#, "A").await;
    assert_eq!((status, &canary["state"]), (200, &"canary".into()));

    // The centre asks for the stages of the draft from now on.
    let state = async |s: u64| {
        bench.at(s * 1000).await;
        bench.lamps(1, 30).await;
        bench.mode(Rung::Adaptive, "asked").await;
        bench.at(s * 1000 + 1500).await;
        bench.get("/api/v1/junctions/C").await
    };
    let detail = state(5).await;
    assert_eq!(
        (&detail["state"]["draft"], &detail["state"]["kind"]),
        (&1.into(), &"fixed".into()),
        "{detail}"
    );
    assert_eq!(detail["decision"]["facts"]["cycle_s"], 80.0);
    let library = bench.get("/api/v1/junctions/C/plans").await;
    assert_eq!((&library["draft"], &library["cabinet"]["state"]), (&1.into(), &"same".into()), "{library}");
    // An order of the moment goes before it.
    let order = r#"{"kind":"actuated","who":"A","reason":"queue","expires_in_s":10}"#;
    assert_eq!(bench.ask("POST", "/api/v1/junctions/C/control", order).await.0.as_u16(), 202);
    let detail = state(8).await;
    assert_eq!((&detail["state"]["draft"], &detail["state"]["kind"]), (&Value::Null, &"actuated".into()));
    assert_eq!(state(25).await["state"]["draft"], 1, "the order is over");

    assert_eq!(act(r#""roll_out":true"#, "A").await.0, 200);
    assert_eq!(state(400).await["state"]["draft"], 1, "it runs past the canary's end");
    assert_eq!(act(r#""roll_back":"queues on Tverskaya""#, "B").await.0, 200);
    assert_eq!(state(410).await["state"]["draft"], Value::Null);
    let lines = bench.get("/api/v1/drafts/1").await["lines"].clone();
    let lines: Vec<_> = lines.as_array().unwrap().iter().map(|l| l["what"].as_str().unwrap()).collect();
    assert_eq!(lines, ["made", "proposed", "approved", "canary", "rolled_out", "rolled_back"]);
    let audit: Vec<_> = bench.store.audit(0, 100).await.unwrap().rows.into_iter().map(|r| r.entry).collect();
    assert!(audit.iter().any(|line| line == "junction C: draft 1 rolled out by A"), "{audit:?}");
    bench.end().await;
}

#[tokio::test]
async fn what_runs_goes_on_after_a_restart_and_a_canary_ends_by_itself() {
    let draft = |_: &City| {
        let json = serde_json::json!({
            "number": 7, "junction": "C", "state": {"canary": (T0 + Duration::from_secs(30)).0}, "canaried": true,
            "content": {"plan": {"number": 1, "offset": 0, "steps": [{"stage": 1, "split": 50}, {"stage": 2, "split": 30}]},
                        "hours": [], "reason": "r"},
            "author": "A", "author_name": "A", "approved_by": "B", "tried": null, "lines": [],
        });
        let document = crate::store::DocumentRow {
            kind: crate::store::DocumentKind::Draft,
            id: "000000000007".into(),
            at: T0,
            closed: false,
            json: json.to_string(),
        };
        Batch { documents: vec![document], ..Batch::default() }
    };
    let bench = Bench::with(AccessConfig::Open, draft).await;
    bench.online().await;
    bench.lamps(1, 30).await;
    bench.at(5_000).await;
    assert_eq!(bench.get("/api/v1/junctions/C/plans").await["draft"], 7);
    bench.at(32_000).await;
    assert_eq!(bench.get("/api/v1/junctions/C/plans").await["draft"], Value::Null);
    assert_eq!(bench.get("/api/v1/drafts/7").await["state"], "approved");
    bench.end().await;
}
