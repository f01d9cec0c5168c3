//! Cameras.

use super::Name;
use serde::Serialize;
use utoipa::ToSchema;

/// `GET /api/v1/cameras`.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct CamerasView {
    /// When this was true.
    pub now: i64,
    /// By id.
    pub cameras: Vec<CameraView>,
}

/// A camera that people look through.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct CameraView {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// Where it stands.
    pub at: [f64; 2],
    /// Where it looks, degrees clockwise from north; null if it turns.
    pub heading: Option<f64>,
    /// The junction that it shows; null if it shows none.
    pub junction: Option<String>,
    /// There is a picture at `/api/v1/cameras/{id}/picture`, for those who are signed in.
    pub picture: bool,
    /// Where its stream is; null if it has none, or to those who are not signed in.
    pub stream: Option<String>,
    /// `seen`: it gave a picture when it was last asked; `silent`: it did not; `unknown`: it was not asked, or has no picture.
    pub state: String,
    /// When it last gave a picture; null if never since the start.
    pub seen_at: Option<i64>,
}
