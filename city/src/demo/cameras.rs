//! The demo's cameras: one at every third junction, each with a picture drawn from the simulated street, behind HTTP as a
//! camera's is. The last of them is out of order, as one always is.

use anyhow::Context;
use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use controller::cameras::Camera;
use model::{city::City, geo::LonLat, network::Name};
use simulator::vehicles::Body;
use std::{fmt::Write, net::SocketAddr, sync::Arc};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;
use wire::clock::Clock;

/// Of so many junctions one has a camera.
const ONE_IN: usize = 3;
/// A picture shows so many metres from its middle to its left and right edge, and half of it up and down.
const SEES_M: f64 = 70.0;
/// Of the picture, px.
const SIZE: (f64, f64) = (960.0, 480.0);
const LANE_M: f64 = 3.2;
const BODY_M: f64 = 1.9;

struct Scene {
    city: Arc<City>,
    bodies: watch::Receiver<Vec<Body>>,
    clock: Clock,
    time_zone: &'static str,
}

/// Serves the pictures until `shutdown`, and gives the cameras.
pub(super) async fn serve(
    city: Arc<City>,
    bodies: watch::Receiver<Vec<Body>>,
    clock: Clock,
    time_zone: &'static str,
    shutdown: CancellationToken,
) -> anyhow::Result<Vec<Camera>> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("could not listen for the cameras")?;
    let address = listener.local_addr()?;
    let cameras = cameras(&city, address);
    let scene = Arc::new(Scene { city, bodies, clock, time_zone });
    let app = Router::new().route("/{junction}", get(picture)).with_state(scene);
    tokio::spawn(async move {
        axum::serve(listener, app).with_graceful_shutdown(shutdown.cancelled_owned()).await
    });
    Ok(cameras)
}

fn cameras(city: &City, address: SocketAddr) -> Vec<Camera> {
    let with_one: Vec<_> = city.junctions.iter().step_by(ONE_IN).collect();
    let last = with_one.len().saturating_sub(1);
    let camera = |(n, junction): (usize, &&model::signal::Junction)| Camera {
        id: format!("k-{}", n + 1),
        name: junction.name.clone(),
        // On a mast beside the junction, not on it: on a map the two are two.
        at: LonLat { lon: junction.at.lon + 2.5e-4, lat: junction.at.lat + 1.2e-4 },
        heading: None,
        junction: Some(junction.id.clone()),
        picture: Some(if n == last && n > 0 {
            format!("http://{address}/out-of-order/")
        } else {
            format!("http://{address}/{}", junction.id)
        }),
        stream: None,
    };
    with_one.iter().enumerate().map(camera).collect()
}

async fn picture(State(scene): State<Arc<Scene>>, Path(junction): Path<String>) -> Response {
    let Some(junction) = scene.city.junctions.iter().find(|j| j.id.as_str() == junction) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let when = super::time_of_day(scene.clock.now(), scene.time_zone);
    let drawn = draw(&scene.city, junction.at, &junction.name, &scene.bodies.borrow(), &when);
    ([(header::CONTENT_TYPE, "image/svg+xml")], drawn).into_response()
}

/// The street from above, north up: roads as wide as their lanes, and everybody on them to the right of the roads' lines.
fn draw(city: &City, middle: LonLat, name: &Name, bodies: &[Body], when: &str) -> String {
    let px = SIZE.0 / (2.0 * SEES_M);
    let degree_m = LonLat { lon: middle.lon, lat: middle.lat - 0.5 }
        .distance_m(LonLat { lon: middle.lon, lat: middle.lat + 0.5 });
    let east = degree_m * middle.lat.to_radians().cos();
    let at = |p: LonLat| {
        let x = SIZE.0 / 2.0 + (p.lon - middle.lon) * east * px;
        let y = SIZE.1 / 2.0 - (p.lat - middle.lat) * degree_m * px;
        (x, y)
    };
    let seen = |p: &LonLat| p.distance_m(middle) < 2.0 * SEES_M;
    let (w, h) = SIZE;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\">\
         <rect width=\"{w}\" height=\"{h}\" fill=\"#3a4145\"/>"
    );
    let near = city.network.links.iter().filter(|link| !link.lanes.is_empty() && link.shape.iter().any(seen));
    for (line, width) in near.map(|link| (&link.shape, 2.0 * LANE_M * link.lanes.len() as f64 * px)) {
        let points: Vec<String> =
            line.iter().map(|p| at(*p)).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = write!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"#5c666b\" stroke-width=\"{width:.1}\" stroke-linecap=\"round\" stroke-linejoin=\"round\"/>",
            points.join(" ")
        );
    }
    for body in bodies.iter().filter(|body| seen(&body.at)) {
        let (x, y) = at(body.at);
        let (length, width) = (body.length_m * px, BODY_M * px);
        let right = LANE_M / 2.0 * px;
        let colour = if body.length_m > 8.0 { "#f2f4f5" } else { "#c3cbd0" };
        let _ = write!(
            svg,
            "<rect x=\"{:.1}\" y=\"0\" width=\"{width:.1}\" height=\"{length:.1}\" rx=\"3\" fill=\"{colour}\" transform=\"translate({x:.1} {y:.1}) rotate({:.1})\"/>",
            right - width / 2.0,
            body.heading_deg
        );
    }
    let local = name.local.replace('&', "&amp;").replace('<', "&lt;");
    let _ = write!(
        svg,
        "<text x=\"16\" y=\"34\" font-family=\"monospace\" font-size=\"20\" fill=\"#fff\">{local}  {when}</text></svg>"
    );
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_shows_who_is_there_and_nobody_else() {
        let city = simulator::generator::moscow(12, 1);
        let junction = &city.junctions[0];
        let body = |lat: f64| Body {
            at: LonLat { lon: junction.at.lon, lat: junction.at.lat + lat },
            heading_deg: 90.0,
            length_m: 4.5,
        };
        let bodies = [body(0.0), body(1e-4), body(0.1)];
        let picture = draw(&city, junction.at, &junction.name, &bodies, "08:00");
        assert_eq!(picture.matches("rotate(90.0)").count(), 2, "{picture}");
        assert!(picture.contains("<polyline") && picture.ends_with("</svg>"));
    }

    #[test]
    fn every_third_junction_has_a_camera_and_one_of_them_is_out_of_order() {
        let city = simulator::generator::moscow(12, 1);
        let cameras = cameras(&city, "127.0.0.1:80".parse().unwrap());
        assert_eq!(cameras.len(), city.junctions.len().div_ceil(ONE_IN));
        let broken = |c: &&Camera| c.picture.as_ref().is_some_and(|p| p.contains("out-of-order"));
        assert_eq!(cameras.iter().filter(broken).count(), 1);
    }
}
