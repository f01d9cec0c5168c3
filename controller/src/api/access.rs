//! Sign-in over HTTP: who asks ([`Caller`]), the guard that every request passes, and the session's own paths.
//!
//! Pages carry a cookie that scripts cannot read, and a token of their own in `x-csrf-token` with every change, which no
//! other site can know. Programs send login and password with each request (HTTP Basic). We never ask for
//! Basic by `www-authenticate`, so no browser keeps a password of ours to send by itself.

use super::{
    Api,
    control::signed,
    open_data::CATALOGUE,
    problem::{Body, Code},
    view::{People, PersonView, Problem, SessionView, SignIn},
};
use crate::{
    access::{
        Person, Place, Refusal, Role,
        accounts::Password,
        provider::{BACK, Trouble},
        sessions::{self, Whose},
    },
    store::AuditRow,
};
use axum::{
    Json,
    extract::{FromRequestParts, Query, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use std::{convert::Infallible, sync::Arc};
use tokio::time::Instant;

/// The cookie's name.
const COOKIE: &str = "svetofor_session";
/// The header that a page's change must carry.
const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");
/// What one may ask without being anybody, beside open data: whether the system lives, and how to sign in.
const FOR_ANYBODY: [&str; 4] = ["/api/v1/health", "/api/v1/session", "/api/v1/session/provider", BACK];
/// Of whoever is away at the provider of identities: the state by which they are known when they come back.
const STATE: &str = "svetofor_state";

/// Who asks.
#[derive(Clone, Debug)]
pub(super) enum Caller {
    /// Nobody signs in here; whoever orders something says who they are.
    Anybody,
    /// Somebody who is not signed in, where one can.
    Stranger,
    /// Somebody with an account.
    Person(Arc<Person>),
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Infallible> {
        // Behind `guard` it is always there; elsewhere nobody has been let in.
        Ok(parts.extensions.get::<Caller>().cloned().unwrap_or(Caller::Stranger))
    }
}

impl Caller {
    /// How the audit names them. `claimed` is what the request says, which counts only where nobody signs in.
    pub(super) fn signature(&self, claimed: Option<&str>) -> Result<String, Problem> {
        match self {
            Caller::Anybody => signed("who", claimed.unwrap_or_default()),
            Caller::Stranger => Err(Problem::sign_in()),
            Caller::Person(person) => Ok(person.signature()),
        }
    }

    /// Their login, if they have one.
    pub(super) fn login(&self) -> Option<&str> {
        match self {
            Caller::Person(person) => Some(&person.login),
            Caller::Anybody | Caller::Stranger => None,
        }
    }
}

impl Api {
    /// Lets an act pass that needs `role` there, or says why not. What a person was refused goes into the audit.
    pub(super) fn permit(
        &self,
        caller: &Caller,
        role: Role,
        place: Place<'_>,
        what: &str,
    ) -> Result<(), Problem> {
        let person = match caller {
            Caller::Anybody => return Ok(()),
            Caller::Stranger => return Err(Problem::sign_in()),
            Caller::Person(person) => person,
        };
        if person.may(role, place) {
            return Ok(());
        }
        let where_ = match place {
            Place::Nowhere => String::new(),
            Place::District(district) => format!(" in district {district}"),
            Place::City => " in the whole city".to_owned(),
        };
        self.note(format!("{what} by {} refused: needs {}{where_}", person.signature(), role.as_str()));
        let detail = format!("this needs the role {}{where_}, which {} has not", role.as_str(), person.login);
        Err(Problem::new(Code::Forbidden, StatusCode::FORBIDDEN, detail))
    }

    /// Puts a line into the audit.
    pub(super) fn note(&self, entry: String) {
        tracing::info!(entry, "audit");
        self.0.room.audit(AuditRow { at: self.0.clock.now(), entry });
    }

    fn session_view(&self, person: Option<&Person>, session: Option<&sessions::Session>) -> SessionView {
        SessionView {
            open: self.0.gate.is_open(),
            anybody_may_view: self.0.gate.anybody_may_view(),
            provider: self.0.gate.provider().map(|provider| provider.name().to_owned()),
            person: person.map(person_view),
            csrf: session.map(|s| s.csrf.clone()),
            left_s: session.map(|s| s.left(Instant::now()).as_secs()),
        }
    }
}

fn person_view(person: &Person) -> PersonView {
    let districts = person.districts.as_ref();
    PersonView {
        login: person.login.clone(),
        name: person.name.clone(),
        role: person.role.as_str().to_owned(),
        districts: districts.map(|all| all.iter().map(|d| d.as_str().to_owned()).collect()),
    }
}

/// Finds out who asks, refuses changes that another site could have made, and strangers where one must sign in to look.
pub(super) async fn guard(State(api): State<Api>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = match admit(&api, &parts).await {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    let path = parts.uri.path();
    let for_anybody = FOR_ANYBODY.contains(&path) || path.starts_with(CATALOGUE);
    if matches!(caller, Caller::Stranger) && !api.0.gate.anybody_may_view() && !for_anybody {
        return Problem::sign_in().into_response();
    }
    parts.extensions.insert(caller);
    let mut response = next.run(Request::from_parts(parts, body)).await;
    // What one may see depends on who one is: no cache between keeps it for others.
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("private, no-cache"));
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn admit(api: &Api, request: &Parts) -> Result<Caller, Problem> {
    let headers = &request.headers;
    let changes = !request.method.is_safe();
    if changes && !same_origin(headers) {
        return Err(forbidden("the request was made by a page of another site"));
    }
    let gate = &api.0.gate;
    if gate.is_open() {
        return Ok(Caller::Anybody);
    }
    if let Some((login, password)) = basic(headers)? {
        let person = gate.check_each_time(&login, &password).await;
        return person.map(|person| Caller::Person(Arc::new(person))).map_err(refusal);
    }
    let Some(token) = cookie(headers, COOKIE) else { return Ok(Caller::Stranger) };
    let Some(session) = gate.sessions().using(Instant::now(), &token) else { return Ok(Caller::Stranger) };
    let Some(person) = gate.owner(&session) else { return Ok(Caller::Stranger) };
    // Signing in replaces a session, and may find an old cookie.
    let signs_in = request.uri.path() == "/api/v1/session" && request.method == Method::POST;
    let told = headers.get(CSRF).and_then(|v| v.to_str().ok());
    if changes && !signs_in && told != Some(session.csrf.as_str()) {
        return Err(forbidden("x-csrf-token is not that of the session"));
    }
    Ok(Caller::Person(person))
}

fn forbidden(detail: &str) -> Problem {
    Problem::new(Code::Forbidden, StatusCode::FORBIDDEN, detail)
}

fn refusal(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Wrong => {
            Problem::new(Code::SignIn, StatusCode::UNAUTHORIZED, "there is no such login with that password")
        }
        Refusal::Wait(wait) => {
            let s = wait.as_secs().max(1);
            let detail = format!("too many wrong passwords for this login; try again in {s} s");
            Problem::new(Code::SignIn, StatusCode::TOO_MANY_REQUESTS, detail)
        }
        Refusal::Busy => Problem::unavailable("too many passwords are being checked; try again in a moment"),
        Refusal::Open => Problem::invalid("nobody needs to sign in here: the centre is open to anybody"),
    }
}

/// Whether a change comes from our own page, or from a program: browsers name the origin of every change.
fn same_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok());
    let origin = origin.to_str().ok().and_then(|o| o.split_once("://")).map(|(_, host)| host);
    origin.is_some() && origin == host
}

/// Login and password, if the request has them.
fn basic(headers: &HeaderMap) -> Result<Option<(String, Password)>, Problem> {
    let Some(said) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let pair = || {
        let (scheme, rest) = said.to_str().ok()?.split_once(' ')?;
        let text = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        let (login, password) = text.split_once(':')?;
        scheme.eq_ignore_ascii_case("basic").then(|| (login.to_owned(), Password::new(password)))
    };
    let wrong =
        || Problem::new(Code::SignIn, StatusCode::UNAUTHORIZED, "authorization is not Basic LOGIN:PASSWORD");
    pair().ok_or_else(wrong).map(Some)
}

fn cookie(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    let mut pairs = all.flat_map(|v| v.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, token)| token.to_owned())
}

/// The cookie with a token, or, without one, an end to it.
fn set_cookie(api: &Api, token: Option<&str>) -> (HeaderName, String) {
    let secure = if api.0.gate.https_only() { "; Secure" } else { "" };
    let (token, age) = token.map_or(("", 0), |token| (token, sessions::LONGEST.as_secs()));
    (
        header::SET_COOKIE,
        format!("{COOKIE}={token}; Path=/api; HttpOnly; SameSite=Strict; Max-Age={age}{secure}"),
    )
}

/// Who the asker is, and what a page needs to know of sign-in.
#[utoipa::path(get, path = "/api/v1/session", tag = "access", responses((status = 200, body = SessionView)))]
pub(super) async fn get_session(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
) -> Json<SessionView> {
    let session =
        cookie(&headers, COOKIE).and_then(|token| api.0.gate.sessions().using(Instant::now(), &token));
    Json(match &caller {
        Caller::Person(person) => api.session_view(Some(person), session.as_ref()),
        Caller::Anybody | Caller::Stranger => api.session_view(None, None),
    })
}

/// Signs in: the answer sets a cookie for pages.
#[utoipa::path(post, path = "/api/v1/session", tag = "access",
    request_body = SignIn,
    responses(
        (status = 200, body = SessionView, headers(("set-cookie" = String))),
        (status = 401, description = "Unknown login, or wrong password", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong passwords", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn post_session(
    State(api): State<Api>,
    headers: HeaderMap,
    Body(request): Body<SignIn>,
) -> Result<([(HeaderName, String); 1], Json<SessionView>), Problem> {
    let person = match api.0.gate.check(&request.login, &request.password).await {
        Ok(person) => person,
        Err(why) => {
            if let (Refusal::Wrong, Some(known)) = (&why, api.0.gate.accounts().person(&request.login)) {
                api.note(format!("sign-in as {} refused: wrong password", known.signature()));
            }
            return Err(refusal(why));
        }
    };
    if let Some(old) = cookie(&headers, COOKIE) {
        api.0.gate.sessions().end(&old);
    }
    let begun = api.0.gate.sessions().begin(Instant::now(), Whose::Account(person.login.clone()));
    let (token, session) = begun.ok_or_else(|| Problem::unavailable("the machine has no randomness"))?;
    api.note(format!("{} signed in", person.signature()));
    Ok(([set_cookie(&api, Some(&token))], Json(api.session_view(Some(&person), Some(&session)))))
}

/// Where on the page somebody wants to go once they are signed in.
#[derive(Debug, Deserialize)]
pub(super) struct Wish {
    then: Option<String>,
}

/// What the provider of identities sends with whoever comes back (RFC 6749, 4.1.2).
#[derive(Debug, Deserialize)]
pub(super) struct Return {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
}

/// Leads to the provider of identities; `then` is the part of the page's address after `#/` to come back to. A browser follows it.
#[utoipa::path(get, path = "/api/v1/session/provider", tag = "access",
    params(("then" = Option<String>, Query, description = "Where on the page to come back to, after `#/`")),
    responses(
        (status = 303, description = "To the provider, or back to the page with the reason why not"),
        (status = 404, description = "There is no provider", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get_provider(
    State(api): State<Api>,
    Query(wish): Query<Wish>,
) -> Result<Response, Problem> {
    let provider = api.0.gate.provider().ok_or_else(no_provider)?;
    let usable = |then: &String| then.len() <= LONGEST_WISH && then.bytes().all(|b| b.is_ascii_graphic());
    let then = wish.then.filter(usable).unwrap_or_else(|| "city".into());
    Ok(match provider.begin(then).await {
        Ok(leaves) => go(&leaves.to, &[state_cookie(&api, Some(&leaves.state))]),
        Err(trouble) => turned_away(&api, trouble),
    })
}

/// Where the provider of identities sends people back to: signs them in, and leads to the page.
#[utoipa::path(get, path = "/api/v1/session/provider/back", tag = "access",
    params(
        ("state" = String, Query, description = "The state with which they left"),
        ("code" = Option<String>, Query, description = "What the provider tells who they are for"),
        ("error" = Option<String>, Query, description = "Why it does not"),
    ),
    responses(
        (status = 303, description = "To the page, with a cookie, or with the reason why not", headers(("set-cookie" = String))),
        (status = 404, description = "There is no provider", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get_back(
    State(api): State<Api>,
    headers: HeaderMap,
    Query(back): Query<Return>,
) -> Result<Response, Problem> {
    let provider = api.0.gate.provider().ok_or_else(no_provider)?;
    let answer = back.code.ok_or_else(|| back.error.unwrap_or_else(|| "neither yes nor no".into()));
    let (person, then) = match provider.finish(&back.state, answer, cookie(&headers, STATE).as_deref()).await
    {
        Ok(found) => found,
        Err(trouble) => return Ok(turned_away(&api, trouble)),
    };
    if let Some(old) = cookie(&headers, COOKIE) {
        api.0.gate.sessions().end(&old);
    }
    let signature = person.signature();
    let begun = api.0.gate.sessions().begin(Instant::now(), Whose::Provided(Arc::new(person)));
    let (token, _) = begun.ok_or_else(|| Problem::unavailable("the machine has no randomness"))?;
    api.note(format!("{signature} signed in by {}", provider.name()));
    Ok(go(&format!("/#/{then}"), &[set_cookie(&api, Some(&token)), state_cookie(&api, None)]))
}

/// Bytes of a place on the page to come back to; a longer one is forgotten.
const LONGEST_WISH: usize = 500;

fn no_provider() -> Problem {
    Problem::not_found("there is no provider of identities; people have accounts here")
}

/// Back to the page, which says why.
fn turned_away(api: &Api, trouble: Trouble) -> Response {
    let why = match &trouble {
        Trouble::Unreachable(_) => "unreachable",
        Trouble::Denied(_) => "denied",
        Trouble::Stale => "stale",
        Trouble::Unbelievable(_) => "unbelievable",
        Trouble::NoRole(_) => "no-role",
    };
    match trouble {
        Trouble::Unreachable(_) | Trouble::Unbelievable(_) => {
            tracing::warn!(error = %trouble, "sign-in by the provider of identities");
        }
        Trouble::NoRole(_) => api.note(format!("sign-in refused: {trouble}")),
        Trouble::Denied(_) | Trouble::Stale => tracing::info!(error = %trouble, "nobody was signed in"),
    }
    go(&format!("/#/sign-in?refused={why}"), &[state_cookie(api, None)])
}

fn go(to: &str, cookies: &[(HeaderName, String)]) -> Response {
    let mut response = Redirect::to(to).into_response();
    for (name, value) in cookies {
        // Tokens and states are letters and digits.
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// The cookie with the state of whoever leaves, or, without one, an end to it. They come back from another site, and a strict
/// cookie would not come with them.
fn state_cookie(api: &Api, state: Option<&str>) -> (HeaderName, String) {
    let secure = if api.0.gate.https_only() { "; Secure" } else { "" };
    let (state, age) = state.map_or(("", 0), |state| (state, 600));
    (
        header::SET_COOKIE,
        format!("{STATE}={state}; Path={BACK}; HttpOnly; SameSite=Lax; Max-Age={age}{secure}"),
    )
}

/// Signs out.
#[utoipa::path(delete, path = "/api/v1/session", tag = "access", responses((status = 200, body = SessionView)))]
pub(super) async fn delete_session(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
) -> ([(HeaderName, String); 1], Json<SessionView>) {
    if let (Some(token), Caller::Person(person)) = (cookie(&headers, COOKIE), &caller)
        && api.0.gate.sessions().end(&token).is_some()
    {
        api.note(format!("{} signed out", person.signature()));
    }
    ([set_cookie(&api, None)], Json(api.session_view(None, None)))
}

/// Everybody with an account, and those who are here by the word of the provider of identities.
#[utoipa::path(get, path = "/api/v1/people", tag = "access", responses(
    (status = 200, body = People),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn get_people(State(api): State<Api>, caller: Caller) -> Result<Json<People>, Problem> {
    api.permit(&caller, Role::Configure, Place::Nowhere, "a look at the accounts")?;
    Ok(Json(People { people: api.0.gate.people().iter().map(person_view).collect() }))
}
