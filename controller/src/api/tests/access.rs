//! Sign-in from outside: who may do what, with which proof, and what the audit says of it.

use super::*;
use crate::access::{
    AccountsFrom, Person, Role,
    accounts::{Accounts, Password},
};
use base64::{Engine, engine::general_purpose::STANDARD};

/// The junction's district in these sketches, and one that is elsewhere.
const HERE: &str = "sketch";
const ELSEWHERE: &str = "elsewhere";

struct Answer {
    status: u16,
    problem: String,
    cookie: Option<String>,
    json: Value,
}

/// A centre where people sign in; everybody's password is their login twice.
async fn closed(anybody_may_view: bool) -> Bench {
    let person = |login: &str, role, district: Option<&str>| {
        let districts = district.map(|d| [model::ids::DistrictId::new(d)].into());
        let person = Person { login: login.into(), name: login.to_uppercase(), role, districts };
        (person, Password::new(login.repeat(2)).hash().unwrap())
    };
    let accounts = Accounts::of([
        person("viewer", Role::View, None),
        person("duty", Role::Operate, None),
        person("local", Role::Operate, Some(HERE)),
        person("other", Role::Operate, Some(ELSEWHERE)),
        person("chief", Role::Manage, None),
        person("engineer", Role::Configure, None),
    ]);
    let from = AccountsFrom::Given(Arc::new(accounts.unwrap()));
    Bench::with(AccessConfig::Accounts { from, anybody_may_view, https_only: false, provider: None }, |_| {
        Batch::default()
    })
    .await
}

/// A question with headers.
async fn ask(bench: &Bench, what: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let (method, path) = what.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response =
        bench.app.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let cookie = response.headers().get("set-cookie").map(|v| v.to_str().unwrap().to_owned());
    let bytes = axum::body::to_bytes(response.into_body(), 10_000_000).await.unwrap();
    let json: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let problem = json["type"].as_str().unwrap_or_default().trim_start_matches("/problems/").to_owned();
    Answer { status, problem, cookie, json }
}

/// As a program asks, with its password in the request.
async fn as_(bench: &Bench, login: &str, what: &str, body: &str) -> Answer {
    let basic = format!("Basic {}", STANDARD.encode(format!("{login}:{login}{login}")));
    ask(bench, what, &[("authorization", &basic)], body).await
}

const CONTROL: &str = "POST /api/v1/junctions/C/control";
const HOLD: &str = r#"{"stage":1,"who":"somebody else","reason":"crash","expires_in_s":60}"#;
const CITY: &str = r#"{"kind":"actuated","reason":"works","expires_in_s":60}"#;

async fn audit(bench: &Bench) -> Vec<String> {
    // The writer takes what waits each second.
    bench.at(bench.clock.now().since(T0).as_millis() as u64 + 2_000).await;
    let rows = bench.store.audit(0, 100).await.unwrap().rows;
    rows.into_iter().map(|row| row.entry).collect()
}

#[tokio::test]
async fn a_role_may_do_what_it_says_and_no_more() {
    let bench = closed(true).await;
    assert_eq!(bench.city.junctions[0].district.as_str(), HERE);
    let check = async |login: &str, what: &str, body: &str, status: u16, problem: &str| {
        let answer = match login {
            "" => ask(&bench, what, &[], body).await,
            login => as_(&bench, login, what, body).await,
        };
        assert_eq!(
            (answer.status, answer.problem.as_str()),
            (status, problem),
            "{login} {what}: {}",
            answer.json
        );
    };
    check("", "GET /api/v1/junctions", "", 200, "").await;
    check("", CONTROL, HOLD, 401, "sign-in").await;
    check("viewer", CONTROL, HOLD, 403, "forbidden").await;
    check("other", CONTROL, HOLD, 403, "forbidden").await;
    check("local", CONTROL, HOLD, 202, "").await;
    check("local", "POST /api/v1/control", CITY, 403, "forbidden").await;
    check("chief", CONTROL, HOLD, 202, "").await;
    check("viewer", "GET /api/v1/audit", "", 403, "forbidden").await;
    check("duty", "GET /api/v1/audit", "", 200, "").await;
    check("chief", "GET /api/v1/people", "", 403, "forbidden").await;
    check("engineer", "GET /api/v1/people", "", 200, "").await;
    check("viewer", "POST /api/v1/what-if", r#"{"changes":[],"reason":"r"}"#, 403, "forbidden").await;

    let said = audit(&bench).await;
    let has = |what: &str| assert!(said.iter().any(|line| line.contains(what)), "{what}: {said:?}");
    has("hold of stage 1 by LOCAL (local) until");
    has("an order for C by VIEWER (viewer) refused: needs operate in district");
    assert!(!said.iter().any(|line| line.contains("somebody else")), "a claimed name was believed: {said:?}");
    bench.end().await;
}

#[tokio::test]
async fn a_page_signs_in_and_changes_only_with_its_token() {
    let bench = closed(false).await;
    for path in
        ["/api/v1/plan?fromPlace=1,2", "/api/v1/tiles", "/api/v1/tiles/12/2476/1280", "/api/v1/streets"]
    {
        assert_eq!(ask(&bench, &format!("GET {path}"), &[], "").await.status, 401, "{path}");
    }
    let host = ("host", "city.example");
    for (path, status) in [("/api/v1/health", 200), ("/api/v1/session", 200), ("/api/v1/junctions", 401)] {
        assert_eq!(ask(&bench, &format!("GET {path}"), &[], "").await.status, status, "{path}");
    }
    let wrong = ask(&bench, "POST /api/v1/session", &[host], r#"{"login":"duty","password":"guess"}"#).await;
    assert_eq!((wrong.status, wrong.problem.as_str()), (401, "sign-in"));
    let unknown =
        ask(&bench, "POST /api/v1/session", &[host], r#"{"login":"nobody","password":"guess"}"#).await;
    assert_eq!(unknown.json["detail"], wrong.json["detail"], "one can tell who has an account");

    let body = r#"{"login":"duty","password":"dutyduty"}"#;
    let begun = ask(&bench, "POST /api/v1/session", &[host], body).await;
    assert_eq!((begun.status, &begun.json["person"]["role"]), (200, &"operate".into()));
    let set = begun.cookie.unwrap();
    for guard in ["HttpOnly", "SameSite=Strict", "Max-Age=43200"] {
        assert!(set.contains(guard), "{set}");
    }
    let cookie = set.split(';').next().unwrap().to_owned();
    let csrf = begun.json["csrf"].as_str().unwrap().to_owned();
    let check = async |headers: &[(&str, &str)], status: u16| {
        let headers = [headers, &[host, ("cookie", &cookie)]].concat();
        let answer = ask(&bench, CONTROL, &headers, HOLD).await;
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.json);
    };
    check(&[], 403).await;
    check(&[("x-csrf-token", "forged")], 403).await;
    check(&[("x-csrf-token", &csrf), ("origin", "https://evil.example")], 403).await;
    check(&[("x-csrf-token", &csrf), ("origin", "https://city.example")], 202).await;
    assert_eq!(ask(&bench, "GET /api/v1/junctions", &[("cookie", &cookie)], "").await.status, 200);
    let left = [("cookie", cookie.as_str()), ("x-csrf-token", &csrf)];
    assert_eq!(ask(&bench, "DELETE /api/v1/session", &left, "").await.status, 200);
    assert_eq!(ask(&bench, "GET /api/v1/junctions", &[("cookie", &cookie)], "").await.status, 401);

    let said = audit(&bench).await;
    for line in
        ["sign-in as DUTY (duty) refused: wrong password", "DUTY (duty) signed in", "DUTY (duty) signed out"]
    {
        assert!(said.iter().any(|l| l == line), "{line}: {said:?}");
    }
    bench.end().await;
}

#[tokio::test]
async fn pictures_and_streams_are_for_those_who_are_signed_in() {
    let bench = closed(true).await;
    const PICTURE: &str = "GET /api/v1/cameras/k-1/picture";
    let listed = ask(&bench, "GET /api/v1/cameras", &[], "").await.json["cameras"].clone();
    assert_eq!((&listed[1]["id"], &listed[1]["stream"]), (&"k-2".into(), &Value::Null), "{listed}");
    assert_eq!(ask(&bench, PICTURE, &[], "").await.status, 401);
    // Nobody answers for this camera, and the list says so from then on.
    let answer = as_(&bench, "viewer", PICTURE, "").await;
    assert_eq!((answer.status, answer.problem.as_str()), (503, "unavailable"));
    let listed = as_(&bench, "viewer", "GET /api/v1/cameras", "").await.json["cameras"].clone();
    assert_eq!((&listed[0]["state"], &listed[0]["seen_at"]), (&"silent".into(), &Value::Null), "{listed}");
    assert_eq!(
        (&listed[1]["state"], &listed[1]["stream"]),
        (&"unknown".into(), &"rtsp://10.0.0.2/main".into())
    );
    assert_eq!(as_(&bench, "viewer", "GET /api/v1/cameras/k-9/picture", "").await.status, 404);
    bench.end().await;
}

#[tokio::test]
async fn guessing_a_password_gets_slow() {
    let bench = closed(true).await;
    let body = r#"{"login":"duty","password":"guess"}"#;
    for _ in 0..5 {
        assert_eq!(ask(&bench, "POST /api/v1/session", &[], body).await.status, 401);
    }
    assert_eq!(ask(&bench, "POST /api/v1/session", &[], body).await.status, 429);
    // Not for others; and the right one has to wait as well, or a guess could be told by its speed.
    assert_eq!(as_(&bench, "chief", "GET /api/v1/junctions", "").await.status, 200);
    assert_eq!(as_(&bench, "duty", "GET /api/v1/junctions", "").await.status, 429);
    bench.end().await;
}

#[tokio::test]
async fn an_order_for_the_city_takes_two() {
    let bench = closed(true).await;
    bench.at(100).await;
    bench.online().await;
    let kind = async || bench.get("/api/v1/junctions/C").await["state"]["kind"].clone();
    let proposed = as_(&bench, "chief", "POST /api/v1/control", CITY).await;
    assert_eq!((proposed.status, &proposed.json["command"]["state"]), (202, &"proposed".into()));
    let id = proposed.json["command"]["id"].as_str().unwrap();
    bench.at(2_050).await;
    assert_eq!(kind().await, "fixed", "one person was enough");
    assert_eq!(bench.get("/api/v1/proposals").await["proposals"][0]["login"], "chief");
    let agree = format!("POST /api/v1/proposals/{id}");
    assert_eq!(as_(&bench, "chief", &agree, "").await.status, 403, "the same person is no second one");
    assert_eq!(as_(&bench, "duty", &agree, "").await.status, 403, "who operates does not manage");
    assert_eq!(as_(&bench, "engineer", &agree, "").await.status, 202);
    bench.at(4_050).await;
    assert_eq!(kind().await, "actuated");
    assert_eq!(as_(&bench, "engineer", &agree, "").await.status, 404, "it was carried out twice");

    let again = as_(&bench, "duty", "POST /api/v1/control", CITY).await;
    let id = again.json["command"]["id"].as_str().unwrap();
    assert_eq!(as_(&bench, "duty", &format!("DELETE /api/v1/proposals/{id}"), "").await.status, 200);
    assert_eq!(bench.get("/api/v1/proposals").await["proposals"], Value::Array(vec![]));
    let said = audit(&bench).await;
    let has = |what: &str| assert!(said.iter().any(|line| line.contains(what)), "{what}: {said:?}");
    has("city: control by actuated proposed by CHIEF (chief) (works)");
    has("control by actuated by CHIEF (chief), agreed to by ENGINEER (engineer) until");
    bench.end().await;
}

#[tokio::test]
async fn the_audit_is_read_backwards_and_followed_forwards() {
    let bench = closed(true).await;
    let cancel = "DELETE /api/v1/proposals/00000000-0000-0000-0000-000000000000";
    for n in 0..7 {
        let order = CITY.replace("works", &format!("reason {n}"));
        assert_eq!(as_(&bench, "duty", "POST /api/v1/control", &order).await.status, 202);
    }
    assert_eq!(as_(&bench, "duty", cancel, "").await.status, 404);
    bench.at(3_000).await;
    let read = async |query: &str| as_(&bench, "duty", &format!("GET /api/v1/audit{query}"), "").await.json;
    let numbers = |page: &Value| -> Vec<u64> {
        page["lines"].as_array().unwrap().iter().map(|l| l["number"].as_u64().unwrap()).collect()
    };
    let page = read("?limit=3").await;
    assert_eq!((numbers(&page), &page["total"], &page["next"]), (vec![7, 6, 5], &7.into(), &5.into()));
    assert_eq!(numbers(&read("?limit=3&before=5").await), [4, 3, 2]);
    let end = read("?limit=3&before=2").await;
    assert_eq!((numbers(&end), &end["next"]), (vec![1], &Value::Null));
    assert_eq!(numbers(&read("?contains=REASON%204").await), [5]);
    let checked = read("/check").await;
    assert_eq!((&checked["lines"], &checked["broken"]), (&7.into(), &Value::Null));
    assert_eq!(checked["hash"], page["lines"][0]["hash"]);
    bench.end().await;
}

#[tokio::test]
async fn tickets_are_for_those_who_operate_there() {
    let bench = closed(true).await;
    bench.at(2_000).await;
    const REPORT: &str = r#"{"junction":"C","priority":2,"text":"a head hangs loose"}"#;
    assert_eq!(ask(&bench, "POST /api/v1/tickets", &[], REPORT).await.status, 401);
    assert_eq!(as_(&bench, "viewer", "POST /api/v1/tickets", REPORT).await.status, 403);
    assert_eq!(as_(&bench, "other", "POST /api/v1/tickets", REPORT).await.status, 403);
    assert_eq!(as_(&bench, "local", "POST /api/v1/tickets", REPORT).await.status, 201);
    let act = async |login: &str, body: &str| as_(&bench, login, "POST /api/v1/tickets/1", body).await;
    assert_eq!(act("other", r#"{"accept":true}"#).await.status, 403);
    assert_eq!(act("duty", r#"{"assign":"viewer"}"#).await.status, 422, "who only looks mends nothing");
    let given = act("duty", r#"{"assign":"local"}"#).await;
    assert_eq!((given.status, &given.json["assignee"]), (200, &"LOCAL (local)".into()));
    assert_eq!(act("duty", r#"{"close":"no","unproved":true}"#).await.status, 403, "that takes a manager");
    assert_eq!(act("chief", r#"{"close":"no","unproved":true}"#).await.status, 200);
    let people = ask(&bench, "GET /api/v1/tickets", &[], "").await.json["people"].clone();
    assert_eq!(people.as_array().unwrap().len(), 5, "{people}");
    bench.end().await;
}

#[tokio::test]
async fn plans_and_responses_take_the_roles_that_they_say() {
    let bench = closed(true).await;
    bench.at(2_000).await;
    const DRAFT: &str =
        r#"{"base":1,"plan":{"cycle_s":80,"offset_s":0,"steps":[[1,50],[2,30]]},"reason":"mornings"}"#;
    let make = async |login: &str| as_(&bench, login, "POST /api/v1/junctions/C/drafts", DRAFT).await.status;
    assert_eq!((make("viewer").await, make("other").await, make("local").await), (403, 403, 201));
    let act = async |login: &str, body: &str| as_(&bench, login, "POST /api/v1/drafts/1", body).await.status;
    assert_eq!(act("local", r#"{"propose":true}"#).await, 200);
    assert_eq!(act("duty", r#"{"approve":true}"#).await, 403, "who operates does not approve");
    assert_eq!(act("chief", r#"{"approve":true}"#).await, 200);
    // A chief who wrote it himself needs another one.
    assert_eq!(as_(&bench, "chief", "POST /api/v1/junctions/C/drafts", DRAFT).await.status, 201);
    let second =
        async |login: &str, body: &str| as_(&bench, login, "POST /api/v1/drafts/2", body).await.status;
    assert_eq!(second("chief", r#"{"propose":true}"#).await, 200);
    assert_eq!(second("chief", r#"{"approve":true}"#).await, 403);
    assert_eq!(second("engineer", r#"{"approve":true}"#).await, 200);
    const RESPONSE: &str = r#"{"name":"n","minutes":5,"orders":[{"junction":"C","kind":"fixed"}]}"#;
    assert_eq!(as_(&bench, "duty", "POST /api/v1/response-plans", RESPONSE).await.status, 403);
    assert_eq!(as_(&bench, "chief", "POST /api/v1/response-plans", RESPONSE).await.status, 201);
    let link = bench.city.network.links[0].id.as_str();
    let body = format!(r#"{{"links":["{link}"],"closed":true,"what":"crash","minutes":60}}"#);
    assert_eq!(as_(&bench, "viewer", "POST /api/v1/incidents", &body).await.status, 403);
    assert_eq!(as_(&bench, "other", "POST /api/v1/incidents", &body).await.status, 201);
    let respond = as_(&bench, "other", "POST /api/v1/incidents/1", r#"{"respond":1}"#).await;
    assert_eq!(respond.status, 403, "its junction is not in their district");
    bench.end().await;
}
