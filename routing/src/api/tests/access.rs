//! Who may ask how often, what is sent again, and whose data it is.

use super::*;

/// An answer with its headers.
async fn asked(
    routing: &Arc<Routing>,
    request: axum::http::request::Builder,
) -> (u16, axum::http::HeaderMap, String) {
    let response = standalone(routing.clone()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = axum::body::to_bytes(response.into_body(), 1 << 24).await.unwrap();
    (status, headers, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_again() {
    let routing = serve(CROSS, Duration::ZERO, "");
    let path = format!("/api/v1/plan?{A_TO_C}");
    let number = |n| std::num::NonZeroU32::new(n).unwrap();
    let rate = |at_once| crate::access::Rate { per_minute: number(1), at_once: number(at_once) };
    let app = crate::access::KeyConfig {
        name: "app".to_string(),
        hash: crate::access::hash("secret"),
        rate: rate(3),
    };
    let config =
        crate::access::AccessConfig { anonymous: Some(rate(2)), behind_proxy: false, keys: vec![app] };
    routing.access.set(crate::access::Access::new(&config)).unwrap();
    let status = async |name: &str, value: &str| {
        let mut request = Request::get(&path);
        if !name.is_empty() {
            request = request.header(name, value);
        }
        let (status, headers, body) = asked(&routing, request).await;
        let again = headers.get("retry-after").map(|s| s.to_str().unwrap().parse::<u64>().unwrap());
        assert_eq!(again.is_some_and(|s| (1..=60).contains(&s)), status == 429, "{headers:?}");
        let kind = headers["content-type"].to_str().unwrap().to_string();
        assert_eq!(kind == "application/problem+json", status != 200, "{body}");
        status
    };
    assert_eq!([status("", "").await, status("", "").await, status("", "").await], [200, 200, 429]);
    assert_eq!(status("x-api-key", "secret").await, 200);
    assert_eq!(status("authorization", "Bearer secret").await, 200);
    assert_eq!([status("x-api-key", "secret").await, status("x-api-key", "secret").await], [200, 429]);
    assert_eq!(status("x-api-key", "guess").await, 401);
    // Whoever runs the planner sees it, and is never refused.
    let (_, _, text) = get(&routing, "/metrics").await;
    assert!(text.lines().any(|line| line == "routing_refused_total 3"), "{text}");

    let long = format!("/api/v1/plan?fromPlace={}", "1".repeat(40_000));
    let (status, kind, body) = get(&routing, &long).await;
    assert_eq!((status, kind.as_str()), (414, "application/problem+json"), "{body}");
}

#[tokio::test]
async fn what_is_known_already_is_not_sent_again() {
    let routing = with_bus();
    let path = "/api/v1/map/stops?min=55.74,37.59&max=55.76,37.70";
    let (status, headers, body) = asked(&routing, Request::get(path)).await;
    assert_eq!((status, body.contains("f_B")), (200, true), "{body}");
    let tag = headers["etag"].to_str().unwrap().to_string();
    let again = async |path: &str, tag: &str| {
        let (status, headers, body) = asked(&routing, Request::get(path).header("if-none-match", tag)).await;
        assert_eq!(body.is_empty(), status == 304, "{body}");
        assert!(headers.contains_key("etag"));
        status
    };
    assert_eq!(again(path, &tag).await, 304);
    assert_eq!(again(path, &format!("\"other\", {tag}")).await, 304);
    assert_eq!(again(path, "\"other\"").await, 200);
    assert_eq!(again("/api/v1/stoptimes?stopId=f_B&time=2026-06-12T08:10:00Z&n=2", &tag).await, 200);
    // Compressed it is the same answer.
    for encoding in ["gzip", "br"] {
        let (_, headers, _) = asked(&routing, Request::get(path).header("accept-encoding", encoding)).await;
        assert_eq!([&headers["content-encoding"], &headers["etag"]], [encoding, tag.as_str()]);
    }
    let preflight = Request::options(path)
        .header("origin", "https://city.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "x-api-key");
    let (status, headers, _) = asked(&routing, preflight).await;
    assert_eq!((status, &headers["access-control-allow-origin"]), (200, &"*".parse().unwrap()));
    assert!(headers["access-control-allow-headers"].to_str().unwrap().contains("x-api-key"));
}

#[tokio::test]
async fn answers_name_whose_data_it_is() {
    let routing = serve(CROSS, Duration::ZERO, "");
    let path = format!("/api/v1/plan?{A_TO_C}");
    assert_eq!(json(&routing, &path).await.get("attribution"), None);
    routing.attribution.set(vec!["© OpenStreetMap contributors".to_string()]).unwrap();
    assert_eq!(json(&routing, &path).await["attribution"][0], "© OpenStreetMap contributors");
}
