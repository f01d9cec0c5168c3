//! Errors: one shape, RFC 9457.

use super::view::Problem;
use axum::{
    Json,
    extract::{
        FromRequest, FromRequestParts, Request,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;

/// The stable codes. The API's document lists them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Code {
    /// There is no such thing. 404.
    NotFound,
    /// The request cannot be understood or is not allowed here. 400, 405, 413, 415, 422.
    BadRequest,
    /// Understood, and refused because it would not be safe. 422.
    Unsafe,
    /// One must sign in first, or could not. 401, 429.
    SignIn,
    /// Whoever asks may not do that. 403.
    Forbidden,
    /// A part that is needed is down or busy; try again. 503.
    Unavailable,
}

impl Problem {
    /// A problem of that code.
    pub fn new(code: Code, status: StatusCode, detail: impl Into<String>) -> Problem {
        let (kind, title) = match code {
            Code::NotFound => ("/problems/not-found", "There is no such thing"),
            Code::BadRequest => ("/problems/bad-request", "The request cannot be carried out as it stands"),
            Code::Unsafe => ("/problems/unsafe", "Refused because it would not be safe"),
            Code::SignIn => ("/problems/sign-in", "One must sign in for this"),
            Code::Forbidden => ("/problems/forbidden", "Whoever asks may not do this"),
            Code::Unavailable => ("/problems/unavailable", "A part that is needed is not available now"),
        };
        Problem {
            kind: kind.to_owned(),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
        }
    }
    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Problem {
        Self::new(Code::NotFound, StatusCode::NOT_FOUND, detail)
    }
    /// 422: well-formed, and wrong.
    pub fn invalid(detail: impl Into<String>) -> Problem {
        Self::new(Code::BadRequest, StatusCode::UNPROCESSABLE_ENTITY, detail)
    }
    /// 401: nobody is signed in.
    pub fn sign_in() -> Problem {
        Self::new(Code::SignIn, StatusCode::UNAUTHORIZED, "nobody is signed in; see /api/v1/session")
    }
    /// 503.
    pub fn unavailable(detail: impl Into<String>) -> Problem {
        Self::new(Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Problem {
        Problem::new(Code::BadRequest, rejection.status(), rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Problem {
        Problem::new(Code::BadRequest, rejection.status(), rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Problem {
        Problem::new(Code::BadRequest, rejection.status(), rejection.body_text())
    }
}

/// A JSON body, or a [`Problem`].
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Json(body) = Json::<T>::from_request(request, state).await?;
        Ok(Body(body))
    }
}

/// A query, or a [`Problem`].
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut axum::http::request::Parts, state: &S) -> Result<Self, Problem> {
        let axum::extract::Query(query) = axum::extract::Query::<T>::from_request_parts(parts, state).await?;
        Ok(Query(query))
    }
}

/// A path's parameter, or a [`Problem`].
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut axum::http::request::Parts, state: &S) -> Result<Self, Problem> {
        let axum::extract::Path(value) = axum::extract::Path::<T>::from_request_parts(parts, state).await?;
        Ok(Path(value))
    }
}

/// For paths under `/api` that nobody serves.
pub async fn no_such_path(uri: Uri) -> Problem {
    Problem::not_found(format!("nothing is at {}", uri.path()))
}

/// For methods that a path does not have.
pub(crate) async fn no_such_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not take {method}", uri.path());
    Problem::new(Code::BadRequest, StatusCode::METHOD_NOT_ALLOWED, detail)
}
