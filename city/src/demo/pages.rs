//! Everything over HTTP on one port, and a centre that may go away and come back under it.

use anyhow::Context;
use axum::{
    Json, Router,
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use controller::Centre;
use model::city::City;
use routing::service::Routing;
use std::{
    convert::Infallible,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower::{ServiceExt, service_fn};
use wire::clock::Clock;

/// How long chaos leaves the centre alone, on the city's clock.
pub(super) const CHAOS_UP: Duration = Duration::from_secs(60);
/// How long chaos takes it away: longer than any lease.
pub(super) const CHAOS_DOWN: Duration = Duration::from_secs(40);

/// The routers that come and go, and those that stay.
pub(super) struct Pages {
    routing: Arc<Routing>,
    /// The centre's routes; none while it is away.
    centre: Arc<RwLock<Option<Router>>>,
    keeper: JoinHandle<anyhow::Result<()>>,
}

impl Pages {
    /// Starts the centre, and keeps it; under `chaos` takes it away again and again.
    pub(super) async fn start(
        config: controller::Config,
        city: Arc<City>,
        routing: Arc<Routing>,
        clock: Clock,
        chaos: bool,
        shutdown: CancellationToken,
    ) -> anyhow::Result<Pages> {
        let slot = Arc::new(RwLock::new(None));
        let mut end = shutdown.child_token();
        let mut centre = controller::start(config.clone(), city.clone(), clock, end.clone())
            .await
            .context("the centre")?;
        put(&slot, Some(&centre));
        let centre_slot = slot.clone();
        let keeper = tokio::spawn(async move {
            if !chaos {
                return centre.finished().await;
            }
            loop {
                tokio::select! {
                    () = shutdown.cancelled() => return centre.finished().await,
                    () = tokio::time::sleep(clock.real_duration(CHAOS_UP)) => {}
                }
                tracing::warn!("chaos: the centre goes away");
                put(&centre_slot, None);
                end.cancel();
                centre.finished().await?;
                tokio::select! {
                    () = shutdown.cancelled() => return Ok(()),
                    () = tokio::time::sleep(clock.real_duration(CHAOS_DOWN)) => {}
                }
                tracing::warn!("chaos: the centre comes back");
                end = shutdown.child_token();
                centre = controller::start(config.clone(), city.clone(), clock, end.clone()).await?;
                put(&centre_slot, Some(&centre));
            }
        });
        Ok(Pages { routing, centre: slot, keeper })
    }

    /// All routes: the centre's and the planner's under `/api`, the pages for the rest.
    pub(super) fn router(&self) -> Router {
        let mut document = controller::api::openapi();
        document.merge(routing::api::openapi());
        let document = Arc::new(document);
        let (centre, app) = (self.centre.clone(), dashboards::router());
        // Not a route of its own: a router inside a route would see the outer one's path parameters.
        let rest = service_fn(move |request: Request| {
            let path = request.uri().path();
            let for_centre = path == "/metrics" || path == "/api" || path.starts_with("/api/");
            // The page stands while the centre is away, and says so.
            let router = if for_centre {
                centre.read().unwrap_or_else(PoisonError::into_inner).clone()
            } else {
                Some(app.clone())
            };
            async move {
                let response: Response = match router {
                    Some(router) => router.oneshot(request).await.into_response(),
                    None => away(),
                };
                Ok::<_, Infallible>(response)
            }
        });
        Router::new()
            .route("/api/openapi.json", get(async move || Json((*document).clone())))
            .merge(routing::api::router(self.routing.clone()))
            .fallback_service(rest)
    }

    /// Waits until the centre has ended.
    pub(super) async fn finished(self) -> anyhow::Result<()> {
        self.keeper.await.context("the centre's keeper failed")?
    }
}

fn put(slot: &RwLock<Option<Router>>, centre: Option<&Centre>) {
    let router = centre.map(|c| controller::api::standalone(c.api().clone()));
    *slot.write().unwrap_or_else(PoisonError::into_inner) = router;
}

fn away() -> Response {
    let body = serde_json::json!({
        "type": "/problems/unavailable",
        "title": "part of the system is not available",
        "status": 503,
        "detail": "the centre is away; junctions run their local plans",
    });
    (StatusCode::SERVICE_UNAVAILABLE, [("content-type", "application/problem+json")], Json(body))
        .into_response()
}
