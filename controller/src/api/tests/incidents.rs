//! Incidents from outside: what people say of a road reaches the link times, and a response plan gives its orders.

use super::*;

#[tokio::test]
async fn a_closed_road_is_said_to_be_closed_until_somebody_or_time_ends_it() {
    let bench = Bench::start().await;
    bench.at(2_000).await;
    let link = bench.city.network.links[0].id.as_str().to_owned();
    let other = bench.city.network.links[1].id.as_str().to_owned();
    let post = async |body: String| {
        let (status, _, value) = bench.ask("POST", "/api/v1/incidents", &body).await;
        (status.as_u16(), value)
    };
    let closed = |link: &str, minutes: u32| {
        format!(r#"{{"links":["{link}"],"closed":true,"what":"burst pipe","minutes":{minutes},"who":"A"}}"#)
    };
    assert_eq!(post(closed("no-such-link", 5)).await.0, 422);
    assert_eq!(post(closed(&link, 0)).await.0, 422, "every incident has an end");
    let (status, made) = post(closed(&link, 5)).await;
    assert_eq!((status, &made["number"], &made["closed"]), (201, &1.into(), &true.into()), "{made}");
    let slow = format!(r#"{{"links":["{other}"],"slow_to_kmh":5,"what":"works","minutes":60,"who":"A"}}"#);
    assert_eq!(post(slow).await.0, 201);

    // What route planners are told: by link, seconds and whether it is closed.
    let said = || {
        let words = bench.centre.api().0.incidents.words(bench.clock.now(), &[]);
        let road = |w: &crate::responding::LinkWord| bench.city.network.link(w.link);
        words.iter().map(|w| (road(w).id.as_str().to_owned(), w.time_s, w.closed)).collect::<Vec<_>>()
    };
    let of =
        |id: &str| said().into_iter().find(|(link, ..)| link == id).map(|(_, time, closed)| (time, closed));
    assert!(of(&link).unwrap().1);
    let length_m = bench.city.network.links[1].length_m;
    let (time_s, shut) = of(&other).unwrap();
    assert!((time_s - length_m * 3.6 / 5.0).abs() < 0.01 && !shut, "{time_s} s over {length_m} m");

    bench.at(303_000).await;
    assert_eq!(
        of(&link).map(|(_, closed)| closed),
        Some(false),
        "five minutes are over, and it is said to be open"
    );
    let (_, _, ended) = bench.ask("POST", "/api/v1/incidents/2", r#"{"end":"done","who":"B"}"#).await;
    assert!(ended["over_at"].is_i64(), "{ended}");
    assert_eq!(bench.get("/api/v1/incidents").await["incidents"].as_array().unwrap().len(), 0);
    assert_eq!(bench.get("/api/v1/incidents?all=true").await["incidents"].as_array().unwrap().len(), 2);
    assert_eq!(
        bench.ask("POST", "/api/v1/incidents/2", r#"{"end":"again","who":"B"}"#).await.0.as_u16(),
        422
    );
    bench.end().await;
}

#[tokio::test]
async fn a_response_plan_gives_its_orders_with_the_incident_as_their_reason() {
    let bench = Bench::start().await;
    bench.online().await;
    bench.lamps(1, 30).await;
    bench.at(2_000).await;
    let prepare = async |orders: &str| {
        let body = format!(r#"{{"name":"bridge shut","minutes":30,"orders":{orders},"who":"A"}}"#);
        bench.ask("POST", "/api/v1/response-plans", &body).await.0.as_u16()
    };
    assert_eq!(prepare(r#"[{"junction":"C","plan":99}]"#).await, 422, "no such plan");
    assert_eq!(prepare(r#"[{"junction":"C","plan":1,"stage":1}]"#).await, 422);
    assert_eq!(prepare(r#"[{"junction":"C","kind":"actuated"}]"#).await, 201);
    let link = bench.city.network.links[0].id.as_str();
    let body = format!(r#"{{"links":["{link}"],"closed":true,"what":"crash","minutes":60,"who":"A"}}"#);
    assert_eq!(bench.ask("POST", "/api/v1/incidents", &body).await.0.as_u16(), 201);
    let (status, _, value) = bench.ask("POST", "/api/v1/incidents/1", r#"{"respond":1,"who":"A"}"#).await;
    assert_eq!(status, StatusCode::OK, "{value}");
    assert_eq!(value["lines"][1]["text"], "1 of 1 orders of response plan 1 (bridge shut)");
    bench.at(4_000).await;
    let commands = bench.get("/api/v1/junctions/C").await["commands"].clone();
    let kind = commands.as_array().unwrap().iter().find(|c| c["what"] == "kind").unwrap();
    assert_eq!(kind["reason"], "incident 1: crash, response plan bridge shut", "{commands}");
    assert_eq!(kind["until"].as_i64().unwrap() - kind["since"].as_i64().unwrap(), 30 * 60_000);
    let (status, ..) = bench.ask("DELETE", "/api/v1/response-plans/1", "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(bench.ask("POST", "/api/v1/incidents/1", r#"{"respond":1,"who":"A"}"#).await.0.as_u16(), 404);
    bench.end().await;
}
