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
