//! Cameras on the map, and their pictures.

use super::{
    Api,
    access::Caller,
    problem::Path,
    view::{CameraView, CamerasView, Name, Problem},
};
use crate::{
    access::{Place, Role},
    cameras::Sight,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, header},
    response::IntoResponse,
};

/// All cameras, and whether they answer. Their streams' addresses are for those who are signed in.
#[utoipa::path(get, path = "/api/v1/cameras", tag = "centre", responses((status = 200, body = CamerasView)))]
pub(super) async fn get_cameras(State(api): State<Api>, caller: Caller) -> Json<CamerasView> {
    let known = !matches!(caller, Caller::Stranger);
    let one = |(camera, sight): (&crate::cameras::Camera, Sight)| {
        let (state, seen_at) = match sight {
            Sight::Unknown => ("unknown", None),
            Sight::Seen(at) => ("seen", Some(at.0)),
            Sight::Silent(at) => ("silent", at.map(|at| at.0)),
        };
        CameraView {
            id: camera.id.clone(),
            name: Name::of(&camera.name),
            at: super::map::point(camera.at),
            heading: camera.heading,
            junction: camera.junction.as_ref().map(|id| id.as_str().to_owned()),
            picture: camera.picture.is_some(),
            stream: camera.stream.clone().filter(|_| known),
            state: state.to_owned(),
            seen_at,
        }
    };
    let now = api.0.clock.now().0;
    Json(CamerasView { now, cameras: api.0.cameras.each().into_iter().map(one).collect() })
}

/// A camera's picture of now, as the camera gives it. For those who are signed in: it may show people.
#[utoipa::path(get, path = "/api/v1/cameras/{id}/picture", tag = "centre",
    params(("id" = String, Path, description = "The camera's id")),
    responses(
        (status = 200, description = "The picture", content_type = "image/*"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The camera gives no picture", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get_picture(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    api.permit(&caller, Role::View, Place::Nowhere, "a camera's picture")?;
    let number =
        api.0.cameras.find(&id).ok_or_else(|| Problem::not_found(format!("there is no camera {id:?}")))?;
    let shot = api.0.cameras.shoot(number).await;
    let shot = shot.ok_or_else(|| Problem::unavailable(format!("camera {id} gives no picture now")))?;
    // Whatever a camera sends is a picture and nothing else, even if somebody opens it by itself.
    const ALONE: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
    let headers: [(HeaderName, String); 3] = [
        (header::CONTENT_TYPE, shot.kind),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
        (header::CONTENT_SECURITY_POLICY, ALONE.to_owned()),
    ];
    Ok((headers, shot.bytes))
}
