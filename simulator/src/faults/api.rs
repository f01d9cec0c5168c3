//! Faults over HTTP: `GET`, `POST` and `DELETE` on `/api/v1/faults`.

use super::{Faults, Order, Planned};
use axum::{
    Json, Router,
    extract::{Path, State, rejection::JsonRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{delete, get},
};
use model::city::City;
use serde_json::json;
use std::{io, sync::Arc};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[derive(Clone)]
struct Desk {
    city: Arc<City>,
    faults: Faults,
}

/// Answers on `listener` until `shutdown`.
pub async fn serve(
    listener: TcpListener,
    city: Arc<City>,
    faults: Faults,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let router = Router::new()
        .route("/api/v1/faults", get(list).post(order))
        .route("/api/v1/faults/{id}", delete(withdraw))
        .with_state(Desk { city, faults });
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

async fn list(State(desk): State<Desk>) -> Json<Vec<Planned>> {
    Json(desk.faults.list())
}

async fn order(State(desk): State<Desk>, body: Result<Json<Order>, JsonRejection>) -> Response {
    let order = match body {
        Ok(Json(order)) => order,
        Err(rejection) => return problem(StatusCode::BAD_REQUEST, "bad_order", &rejection.body_text()),
    };
    match desk.faults.order(&desk.city, order) {
        Ok(id) => {
            tracing::warn!(fault = id, "a fault was ordered over the API");
            (StatusCode::CREATED, Json(json!({ "id": id }))).into_response()
        }
        Err(said) => problem(StatusCode::UNPROCESSABLE_ENTITY, "does_not_fit", &said),
    }
}

async fn withdraw(State(desk): State<Desk>, Path(id): Path<u64>) -> Response {
    if desk.faults.withdraw(id) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        problem(StatusCode::NOT_FOUND, "no_such_fault", &format!("there is no fault {id}"))
    }
}

/// An error as RFC 9457 has it.
fn problem(status: StatusCode, code: &str, detail: &str) -> Response {
    let body = json!({ "type": "about:blank", "status": status.as_u16(), "code": code, "detail": detail });
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{sketch, time::Moment};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    const CROSS: &str = "
    N
    |
W---C---E
    |
    S";

    #[tokio::test]
    async fn faults_are_ordered_listed_and_taken_back() {
        let city = Arc::new(sketch::city(CROSS, "C"));
        let junction = city.junctions[0].id.to_string();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let served = tokio::spawn(serve(listener, city, Faults::new(Moment(0)), shutdown.clone()));
        // Method, path and body, and what the answer must have.
        let check = async |method: &str, path: &str, body: String, expected: &[&str]| {
            let request = format!(
                "{method} /api/v1/faults{path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let mut line = TcpStream::connect(at).await.unwrap();
            line.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            line.read_to_string(&mut answer).await.unwrap();
            for part in expected {
                assert!(answer.contains(part), "{method} {path} {body}: {answer}");
            }
        };
        let order = |junction: &str, what: &str| {
            format!("{{\"junction\":\"{junction}\",\"for_s\":60,\"what\":{what}}}")
        };
        check("POST", "", order(&junction, "\"door_open\""), &["201 Created", "{\"id\":1}"]).await;
        check("GET", "", String::new(), &["200 OK", "\"what\":\"door_open\"", "\"in_force\":false"]).await;
        let lamp = order(&junction, "{\"lamp_out\":{\"group\":77}}");
        check("POST", "", lamp, &["422", "application/problem+json", "has no signal group 77"]).await;
        check("POST", "", order("X", "\"power_lost\""), &["422", "junction X does not exist"]).await;
        check("POST", "", order("X", "\"rust\""), &["400", "bad_order", "unknown variant `rust`"]).await;
        check("DELETE", "/1", String::new(), &["204"]).await;
        check("DELETE", "/1", String::new(), &["404", "there is no fault 1"]).await;
        shutdown.cancel();
        served.await.unwrap().unwrap();
    }
}
