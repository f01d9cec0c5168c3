//! RFC 9457 `application/problem+json`: the one shape of every error, and the list of its codes.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// What is wrong, as a stable code. The codes are the API's promise; the sentences are not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Code {
    /// A parameter is missing, given twice, or cannot be read.
    BadRequest,
    /// A place is not on the earth.
    NotAPlace,
    /// Latitude and longitude stand in the wrong order.
    SwappedCoordinates,
    /// A place is outside the map.
    OutsideTheMap,
    /// No street that the traveller may use is near one of the places.
    NoStreetNear,
    /// No stop has that id.
    UnknownStop,
    /// Too many questions at once.
    Busy,
    /// The answer took too long.
    TookTooLong,
    /// More questions than the rate allows.
    TooOften,
    /// No key was shown where one is needed, or one that nobody has.
    UnknownKey,
    /// The question is too long.
    TooLong,
    /// No such page.
    NotFound,
    /// A bug of ours.
    Internal,
}

impl Code {
    /// Every code.
    pub const ALL: [Code; 13] = [
        Code::BadRequest,
        Code::NotAPlace,
        Code::SwappedCoordinates,
        Code::OutsideTheMap,
        Code::NoStreetNear,
        Code::UnknownStop,
        Code::Busy,
        Code::TookTooLong,
        Code::TooOften,
        Code::UnknownKey,
        Code::TooLong,
        Code::NotFound,
        Code::Internal,
    ];

    /// As it stands in `type`.
    pub fn uri(self) -> &'static str {
        match self {
            Code::BadRequest => "/problems/bad-request",
            Code::NotAPlace => "/problems/not-a-place",
            Code::SwappedCoordinates => "/problems/swapped-coordinates",
            Code::OutsideTheMap => "/problems/outside-the-map",
            Code::NoStreetNear => "/problems/no-street-near",
            Code::UnknownStop => "/problems/unknown-stop",
            Code::Busy => "/problems/busy",
            Code::TookTooLong => "/problems/took-too-long",
            Code::TooOften => "/problems/too-often",
            Code::UnknownKey => "/problems/unknown-key",
            Code::TooLong => "/problems/too-long",
            Code::NotFound => "/problems/not-found",
            Code::Internal => "/problems/internal",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Code::BadRequest => "The request cannot be read",
            Code::NotAPlace => "Not a place on the earth",
            Code::SwappedCoordinates => "Latitude and longitude look swapped",
            Code::OutsideTheMap => "The place is outside the map",
            Code::NoStreetNear => "There is no street near the place",
            Code::UnknownStop => "There is no such stop",
            Code::Busy => "Too many questions at once",
            Code::TookTooLong => "The answer took too long",
            Code::TooOften => "Too many questions",
            Code::UnknownKey => "A key is needed",
            Code::TooLong => "The question is too long",
            Code::NotFound => "There is no such page",
            Code::Internal => "A fault of ours",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Code::BadRequest | Code::NotAPlace | Code::SwappedCoordinates => StatusCode::BAD_REQUEST,
            Code::OutsideTheMap | Code::NoStreetNear => StatusCode::UNPROCESSABLE_ENTITY,
            Code::UnknownStop | Code::NotFound => StatusCode::NOT_FOUND,
            Code::Busy | Code::TookTooLong => StatusCode::SERVICE_UNAVAILABLE,
            Code::TooOften => StatusCode::TOO_MANY_REQUESTS,
            Code::UnknownKey => StatusCode::UNAUTHORIZED,
            Code::TooLong => StatusCode::URI_TOO_LONG,
            Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// RFC 9457 `application/problem+json`: the one shape of every error.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[schema(as = RoutingProblem)]
pub struct Problem {
    /// Stable code: `/problems/bad-request`, `/problems/not-a-place`, `/problems/swapped-coordinates`,
    /// `/problems/outside-the-map`, `/problems/no-street-near`, `/problems/unknown-stop`, `/problems/busy`,
    /// `/problems/took-too-long`, `/problems/too-often`, `/problems/unknown-key`, `/problems/too-long`, `/problems/not-found`,
    /// `/problems/internal`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code's meaning.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What was wrong with this request.
    pub detail: String,
    /// The parameter at fault, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
}

impl Problem {
    /// A problem of that code.
    pub fn new(code: Code, detail: impl Into<String>) -> Problem {
        Problem {
            kind: code.uri().to_string(),
            title: code.title().to_string(),
            status: code.status().as_u16(),
            detail: detail.into(),
            parameter: None,
        }
    }

    /// Names the parameter at fault.
    pub fn with(mut self, parameter: &str) -> Problem {
        self.parameter = Some(parameter.to_string());
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).expect("plain data always serialises");
        (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
    }
}
