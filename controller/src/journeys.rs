//! The city's journey planner, which is a program of its own: the centre hands the page's questions on to it, because a page
//! may load nothing from other hosts.

use anyhow::Context;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use std::{sync::Arc, time::Duration};
use thiserror::Error;
use tokio::sync::Semaphore;
use wire::broker::Secret;

/// Environment variable for the planner's key, if there is no file.
const KEY_VARIABLE: &str = "SVETOFOR_PLANNER_KEY";
/// The planner itself gives up sooner, and says so.
const PATIENCE: Duration = Duration::from_secs(30);
/// Questions on their way at once; each takes a thread while it waits.
const AT_ONCE: usize = 32;
/// Others wait for their turn so long.
const TURN: Duration = Duration::from_secs(5);
/// No answer is larger, bytes.
const LARGEST: u64 = 32 << 20;

/// Where the journey planner is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlannerConfig {
    /// `http://` or `https://`, host and port.
    pub address: String,
    /// Where the key is that the centre shows there; `None` if the planner asks for none.
    pub key: Option<Secret>,
}

impl PlannerConfig {
    /// What `[planner]` means.
    pub(crate) fn new(address: &str, key_file: Option<std::path::PathBuf>, from_environment: bool) -> Self {
        let key = (key_file.is_some() || from_environment)
            .then_some(Secret { file: key_file, variable: KEY_VARIABLE });
        PlannerConfig { address: address.trim_end_matches('/').to_owned(), key }
    }

    /// Opens the key.
    pub(crate) fn open(&self) -> anyhow::Result<Planner> {
        let key = match &self.key {
            Some(secret) => {
                let mut key =
                    HeaderValue::from_str(secret.read()?.trim()).context("it has letters that no key has")?;
                key.set_sensitive(true);
                Some(key)
            }
            None => None,
        };
        let http = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .max_redirects(0)
            .build()
            .new_agent();
        Ok(Planner { address: self.address.clone(), key, http, seats: Arc::new(Semaphore::new(AT_ONCE)) })
    }
}

/// The planner as the API reaches it.
#[derive(Debug)]
pub(crate) struct Planner {
    address: String,
    key: Option<HeaderValue>,
    http: ureq::Agent,
    seats: Arc<Semaphore>,
}

/// Why there is no answer of the planner's.
#[derive(Debug, Error)]
pub(crate) enum Trouble {
    #[error("the journey planner does not answer")]
    Silent(#[source] Option<ureq::Error>),
    #[error("the journey planner has too many questions to answer")]
    Busy,
    #[error("the journey planner does not know the centre's key")]
    Key,
}

/// What of a question the planner hears; who asks is none of its business.
const HEARD: [HeaderName; 3] = [header::ACCEPT, header::ACCEPT_LANGUAGE, header::IF_NONE_MATCH];
/// What of its answer whoever asked hears.
const TOLD: [HeaderName; 5] =
    [header::CONTENT_TYPE, header::ETAG, header::CACHE_CONTROL, header::RETRY_AFTER, header::LAST_MODIFIED];

impl Planner {
    /// What it answers to a `GET` of that path with its query.
    pub(crate) async fn ask(
        &self,
        path_and_query: &str,
        headers: &HeaderMap,
    ) -> Result<(StatusCode, HeaderMap, Vec<u8>), Trouble> {
        let seat = tokio::time::timeout(TURN, self.seats.clone().acquire_owned()).await;
        let seat = seat.ok().and_then(Result::ok).ok_or(Trouble::Busy)?;
        let mut question = self.http.get(format!("{}{path_and_query}", self.address));
        for name in HEARD {
            for value in headers.get_all(&name) {
                question = question.header(name.clone(), value.clone());
            }
        }
        if let Some(key) = &self.key {
            question = question.header("x-api-key", key.clone());
        }
        let answer = tokio::task::spawn_blocking(move || {
            // Whoever asked may go away; the planner works on all the same, so the seat is taken until it has answered.
            let _seat = seat;
            let (parts, body) = question.call()?.into_parts();
            let bytes = body.into_with_config().limit(LARGEST).read_to_vec()?;
            Ok((parts.status, parts.headers, bytes))
        });
        let answer = answer.await.map_err(|_| Trouble::Silent(None))?;
        let (status, said, bytes) = answer.map_err(|error| Trouble::Silent(Some(error)))?;
        if status == StatusCode::UNAUTHORIZED {
            return Err(Trouble::Key);
        }
        let told = TOLD.into_iter().filter_map(|name| Some((name.clone(), said.get(name)?.clone())));
        Ok((status, told.collect(), bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, extract::Request, routing::get};

    /// A planner that says what it heard.
    async fn planner(key: Option<Secret>) -> Planner {
        let heard = async |request: Request| {
            let said = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or("-");
            let heard = format!(
                "{} {} {} {}",
                request.uri(),
                said("x-api-key"),
                said("cookie"),
                said("authorization")
            );
            ([("etag", "\"7\""), ("set-cookie", "no=1")], heard)
        };
        let wants_key = async || StatusCode::UNAUTHORIZED;
        let app = Router::new().route("/api/v1/plan", get(heard)).route("/api/v1/fares", get(wants_key));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        PlannerConfig { address, key }.open().unwrap()
    }

    #[tokio::test]
    async fn the_planner_hears_the_question_and_the_key_and_not_who_asks() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "a-key\n").unwrap();
        let planner = planner(Some(Secret { file: Some(file), variable: KEY_VARIABLE })).await;
        let who = [(header::COOKIE, "svetofor_session=x"), (header::AUTHORIZATION, "Basic eDp5")];
        let headers = who.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
        let asked = "/api/v1/plan?fromPlace=55.7%2C37.6&toPlace=55.8,37.7";
        let (status, headers, body) = planner.ask(asked, &headers).await.unwrap();
        assert_eq!(
            (status, String::from_utf8(body).unwrap()),
            (StatusCode::OK, format!("{asked} a-key - -"))
        );
        assert_eq!(headers.get(header::ETAG).unwrap(), "\"7\"");
        assert!(headers.get(header::SET_COOKIE).is_none(), "the planner sets no cookies on our page");
    }

    #[tokio::test]
    async fn a_planner_that_wants_another_key_is_not_a_page_that_must_sign_in() {
        let trouble = planner(None).await.ask("/api/v1/fares", &HeaderMap::new()).await.unwrap_err();
        assert!(matches!(trouble, Trouble::Key), "{trouble}");
        // Nobody listens on the discard port.
        let nobody = PlannerConfig { address: "http://127.0.0.1:9".into(), key: None }.open().unwrap();
        let trouble = nobody.ask("/api/v1/plan", &HeaderMap::new()).await.unwrap_err();
        assert!(matches!(trouble, Trouble::Silent(_)), "{trouble}");
    }
}
