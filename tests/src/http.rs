//! Asks over HTTP, as any client would.

use crate::program::wait_until;
use serde_json::Value;

/// An answer: status, content type, body as JSON (null where it is none).
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub kind: String,
    /// The body.
    pub json: Value,
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(std::time::Duration::from_secs(20)))
        .build()
        .into()
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> Answer {
    let kind =
        response.headers().get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let status = response.status().as_u16();
    let text = response.body_mut().with_config().limit(256 << 20).read_to_string().unwrap_or_default();
    Answer { status, kind, json: serde_json::from_str(&text).unwrap_or(Value::Null) }
}

/// `GET`; `None` if nobody answers.
pub fn get(url: &str) -> Option<Answer> {
    agent().get(url).call().ok().map(read)
}

/// `POST` of JSON.
pub fn post(url: &str, body: &Value) -> Answer {
    read(agent().post(url).send_json(body).unwrap_or_else(|e| panic!("POST {url}: {e}")))
}

/// `DELETE`.
pub fn delete(url: &str) -> Answer {
    read(agent().delete(url).call().unwrap_or_else(|e| panic!("DELETE {url}: {e}")))
}

/// `POST` of any text as JSON.
pub fn post_text(url: &str, body: &str) -> Answer {
    let sent = agent().post(url).header("content-type", "application/json").send(body);
    read(sent.unwrap_or_else(|e| panic!("POST {url}: {e}")))
}

/// Asks until the JSON at `url` satisfies `right`, and gives it.
pub fn wait_for(url: &str, what: &str, mut right: impl FnMut(&Value) -> bool) -> Value {
    wait_until(&format!("{url}: {what}"), || get(url).map(|a| a.json).filter(|json| right(json)))
}
