//! The journey planner and its public API.
//!
//! In reading order: a [`profile`] says who may travel where and how fast; [`graph`] is the streets as a
//! petgraph of links and allowed turns; [`nearest`] finds the street beside a place; [`snapshot`] is the
//! traffic of the moment, [`street`] the quickest way through it, [`itinerary`] that way in words and
//! lines. [`planner`] puts these together: question in, journey out, time and traffic handed in.
//!
//! Around that pure core: [`feed`] follows the centre's link times over MQTT, [`service`] is the planner as
//! it serves many at once, [`api`] says it over HTTP, [`config`] reads `routing.toml`, and [`prepare`] keeps
//! the city file that the planner reads.
//!
//! Today journeys are direct ones on the street, by car, taxi, bicycle, on foot and in a wheelchair.
//! Timetables are not read yet, and an answer says so.

pub mod profile;
pub mod graph;
pub mod nearest;
pub mod snapshot;
pub mod street;
pub mod itinerary;
pub mod planner;
pub mod feed;
pub mod service;
pub mod api;
pub mod config;
pub mod prepare;

#[cfg(test)]
mod drawing;
#[cfg(test)]
mod tests;

use config::Config;
use model::config::Complaints;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use wire::clock::Clock;

/// Why the daemon could not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The city file cannot be used.
    #[error("{0}")]
    City(Complaints),
    /// The server stopped.
    #[error("could not serve the API")]
    Serve(#[from] std::io::Error),
}

/// Runs the daemon on `listener` until `shutdown`: loads the city, follows link times, answers questions.
/// Questions under way at the end are answered.
pub async fn run(
    config: Config,
    listener: tokio::net::TcpListener,
    clock: Clock,
    shutdown: CancellationToken,
) -> Result<(), RunError> {
    let file = config.city.clone();
    let prepared = tokio::task::spawn_blocking(move || {
        let city = prepare::load_city(&file).map_err(RunError::City)?;
        Ok::<_, RunError>(service::Routing::new(Arc::new(city), clock, config.limits))
    });
    let (routing, feed) = prepared.await.map_err(std::io::Error::other)??;
    tracing::info!(
        city = routing.planner.city().name.english(),
        links = routing.planner.city().network.links.len(),
        "city loaded"
    );
    let follower = config.broker.map(|link| tokio::spawn(feed::follow(link, feed, clock, shutdown.clone())));
    let ended = shutdown.clone();
    axum::serve(listener, api::standalone(routing)).with_graceful_shutdown(ended.cancelled_owned()).await?;
    shutdown.cancel();
    if let Some(follower) = follower {
        let _ = follower.await;
    }
    Ok(())
}
