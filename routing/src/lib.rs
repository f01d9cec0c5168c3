//! The journey planner and its public API.
//!
//! In reading order: `columns` keeps long rows of numbers in files; a [`profile`] says who may travel where and how fast; [`map`] is where streets run; [`graph`] is the streets as a
//! petgraph of links and allowed turns; [`nearest`] finds the street beside a place; [`typical`] is the usual traffic, [`snapshot`]
//! that of the moment, [`street`] the quickest way through it, [`hierarchy`] the same in microseconds for motors, [`itinerary`] that way in words and
//! lines; [`matching`] finds the way that somebody took, [`tour`] the order in which to visit places; [`truck`] what all of that is to a lorry; [`streets`] is all of that which can be worked out beforehand. [`gtfs`] reads timetables, [`transit`] searches them. [`sharing`] knows
//! shared bicycles, `parking` where cars are left, [`feeder`] the ways by bicycle and by car to stops and from them, [`on_demand`] those in vehicles that come when they are asked for, and [`intermodal`] joins these and ways on foot with timetables; [`isochrone`] draws what is reached within some time. [`planner`] puts these together: question in, journeys out, time and traffic handed in. [`geocode`] finds places by name, [`fare`] what a journey costs, [`escort`] who comes along with whom.
//!
//! Around that pure core: [`feed`] follows the centre's link times over MQTT, [`realtime`] GTFS-Realtime feeds, [`access`] knows who may ask how often, [`service`] is the planner as
//! it serves many at once, [`api`] says it over HTTP, [`config`] reads `routing.toml`, [`elevation`] says which streets climb, and [`prepare`] keeps
//! the files that the planner reads.
//!
//! Today journeys are direct ones on the street (by car, taxi, lorry, bicycle, shared bicycle, on foot and in a wheelchair) and ones
//! by public transport with ways on foot, by bicycle, by shared bicycle and on demand at their ends.

mod columns;
pub mod profile;
pub mod map;
pub mod graph;
pub mod nearest;
pub mod typical;
pub mod snapshot;
pub mod street;
pub mod hierarchy;
pub mod truck;
pub mod streets;
pub mod itinerary;
pub mod gtfs;
mod foot;
pub mod transit;
pub mod matching;
pub mod tour;
pub mod sharing;
mod parking;
pub mod feeder;
pub mod on_demand;
pub mod isochrone;
pub mod intermodal;
pub mod planner;
pub mod geocode;
mod reader;
pub mod fare;
pub mod escort;

pub mod feed;
pub mod realtime;
pub mod access;
pub mod service;
pub mod api;
pub mod config;
pub mod elevation;
pub mod prepare;

#[cfg(test)]
mod drawing;
#[cfg(test)]
mod tests;

use config::Config;
use model::config::Complaints;
use planner::Planner;
use tokio_util::sync::CancellationToken;
use wire::clock::Clock;

/// Why the daemon could not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The city file, the timetable or the tariff cannot be used.
    #[error("{0}")]
    City(Complaints),
    /// What the broker needs cannot be opened.
    #[error(transparent)]
    Broker(#[from] wire::broker::BrokerError),
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
    let link = config.link()?;
    let file = config.city.clone();
    let prepared = tokio::task::spawn_blocking(move || {
        let streets = prepare::load_streets(&file).map_err(RunError::City)?;
        let timetable = config.timetable.map(|file| prepare::load_timetable(&file, &streets.map));
        let mut planner = Planner::on(streets);
        if let Some(timetable) = timetable.transpose().map_err(RunError::City)? {
            planner = planner.with_timetable(timetable);
        }
        planner = planner.with_truck(config.truck);
        if let Some(fares) = config.fares {
            planner = planner.with_fares(prepare::load_fares(&fares).map_err(RunError::City)?);
        }
        if let Some(escorts) = config.escorts {
            planner = planner.with_escorts(prepare::load_escorts(&escorts).map_err(RunError::City)?);
        }
        let (now, map) = (clock.now(), planner.map().clone());
        let (routing, mut feed) = service::Routing::serving(planner, clock, config.limits);
        if let Some(access) = &config.access {
            routing.access.get_or_init(|| access::Access::new(access));
        }
        routing.attribution.get_or_init(|| config.attribution);
        if let Some(usual) = config.typical {
            let typical = prepare::load_typical(&usual, &map).map_err(RunError::City)?;
            match usual.learn {
                true => feed.learn(now, typical, map, usual.file),
                false => feed.set_typical(typical),
            }
        }
        Ok::<_, RunError>((routing, feed))
    });
    let (routing, feed) = prepared.await.map_err(std::io::Error::other)??;
    tracing::info!(
        city = routing.planner.map().name.english(),
        links = routing.planner.map().len(),
        trips = routing.planner.transit().map_or(0, |transit| transit.timetable().trips.len()),
        "city loaded"
    );
    let follows = link.is_some() || !config.traffic.is_empty();
    let follower =
        follows.then(|| tokio::spawn(feed::follow(link, config.traffic, feed, clock, shutdown.clone())));
    let (live, lent) = (config.realtime, config.sharing);
    let polled = tokio::spawn(realtime::poll::follow(routing.clone(), live, shutdown.clone()));
    let shared = tokio::spawn(sharing::follow(routing.clone(), lent, shutdown.clone()));
    let ended = shutdown.clone();
    let pages = api::standalone(routing).into_make_service_with_connect_info::<std::net::SocketAddr>();
    axum::serve(listener, pages).with_graceful_shutdown(ended.cancelled_owned()).await?;
    shutdown.cancel();
    let _ = polled.await;
    let _ = shared.await;
    if let Some(follower) = follower {
        let _ = follower.await;
    }
    Ok(())
}
