//! Shared bicycles and scooters: where they stand, and where they may be left.
//!
//! [`read`] makes a [`System`] of a GBFS feed (2 or 3). A picture of them never changes; another takes its place, as with
//! [`crate::transit::live`].

pub mod read;

use crate::{itinerary, planner::Query, realtime::poll::Place, service::Routing};
use model::geo::LonLat;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// One walks so far to a vehicle and from where it is left, m in a straight line.
const WALKED_WITHIN_M: f64 = 1000.0;
/// So many of the nearest places are looked at, at either end: who passes more of them walks.
const NEAREST: usize = 6;

/// Systems that share vehicles.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Sharing {
    /// The systems.
    pub systems: Vec<System>,
}

/// A system.
#[derive(Clone, PartialEq, Debug)]
pub struct System {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its page.
    pub url: Option<String>,
    /// What it shares: MOTIS' word for the form, `BICYCLE` or `SCOOTER_STANDING` and the like.
    pub form: String,
    /// Whether vehicles may be left anywhere.
    pub left_anywhere: bool,
    /// Where vehicles stand.
    pub spots: Vec<Spot>,
    /// What is wrong in the feed, each with its file: what is meant was left out.
    pub faults: Vec<String>,
}

/// A station, or a vehicle that stands by itself.
#[derive(Clone, PartialEq, Debug)]
pub struct Spot {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub at: LonLat,
    /// Vehicles that may be taken now.
    pub vehicles: u32,
    /// Vehicles that may be left here now.
    pub room: u32,
}

/// The use of a shared vehicle for a part of a journey.
#[derive(Clone, PartialEq, Debug)]
pub struct Hire {
    /// The system's id.
    pub system_id: String,
    /// Its name.
    pub system_name: String,
    /// Its page.
    pub url: Option<String>,
    /// The vehicle's form.
    pub form: String,
    /// Whether it may be left anywhere.
    pub left_anywhere: bool,
    /// Where it is taken.
    pub from: String,
    /// The station where it is left; `None` if that is in the street.
    pub to: Option<String>,
}

/// A feed to follow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SharingConfig {
    /// Its `gbfs.json`, or the folder of its files.
    pub place: Place,
    /// How long after one look the next one follows.
    pub every: Duration,
}

/// Follows feeds until `shutdown`: all of them as often as the most eager one asks. A system whose feed cannot be read
/// lends nothing until it can.
pub async fn follow(routing: Arc<Routing>, configs: Vec<SharingConfig>, shutdown: CancellationToken) {
    let Some(every) = configs.iter().map(|config| config.every).min() else { return };
    let configs = Arc::new(configs);
    loop {
        let (configs, shared) = (configs.clone(), routing.clone());
        let looked = tokio::task::spawn_blocking(move || shared.planner.set_sharing(look(&configs)));
        if looked.await.is_err() {
            return tracing::error!("following shared vehicles ended with a fault of ours");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}

/// What all systems have now.
pub fn look(configs: &[SharingConfig]) -> Sharing {
    let mut sharing = Sharing::default();
    for config in configs {
        match read::load(&config.place) {
            Ok(system) => {
                for fault in &system.faults {
                    tracing::debug!(system = system.id, fault, "left out");
                }
                sharing.systems.push(system);
            }
            Err(error) => tracing::warn!(place = %config.place, %error, "no shared vehicles from this feed"),
        }
    }
    sharing
}

impl System {
    /// Where a vehicle may be taken for the query, and where it may be left; nearest first.
    pub(crate) fn ends(&self, query: &Query) -> [Vec<&Spot>; 2] {
        [(query.from.at, Handling::Take), (query.to.at, Handling::Leave)].map(|(place, handling)| {
            self.nearest(place, handling).into_iter().map(|spot| &self.spots[spot]).collect()
        })
    }

    /// The use of a vehicle from one spot to another, or to the street.
    pub(crate) fn hire(&self, from: &Spot, to: Option<&Spot>) -> Hire {
        Hire {
            system_id: self.id.clone(),
            system_name: self.name.clone(),
            url: self.url.clone(),
            form: self.form.clone(),
            left_anywhere: self.left_anywhere,
            from: from.name.clone(),
            to: to.map(|spot| spot.name.clone()),
        }
    }

    /// The places nearest to one where a vehicle may be taken or left, as places among [`Self::spots`].
    pub(crate) fn nearest(&self, place: LonLat, handling: Handling) -> Vec<usize> {
        let mut near: Vec<(f64, usize)> = self
            .spots
            .iter()
            .enumerate()
            .filter(|(_, spot)| handling.fits(spot))
            .map(|(i, spot)| (spot.at.distance_m(place), i))
            .filter(|(distance_m, _)| *distance_m <= WALKED_WITHIN_M)
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| self.spots[a.1].id.cmp(&self.spots[b.1].id)));
        near.truncate(NEAREST);
        near.into_iter().map(|(_, spot)| spot).collect()
    }
}

impl Spot {
    /// The spot as a place.
    pub(crate) fn place(&self) -> itinerary::Place {
        itinerary::Place { name: self.name.clone(), stop: None, at: self.at }
    }
}

/// What one does with a vehicle where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Handling {
    /// One takes it.
    Take,
    /// One leaves it.
    Leave,
}

impl Handling {
    /// Whether it can be done there.
    pub(crate) fn fits(self, spot: &Spot) -> bool {
        match self {
            Handling::Take => spot.vehicles > 0,
            Handling::Leave => spot.room > 0,
        }
    }

    /// To find, unlock and try a vehicle takes so long; to lock it and walk away, so long.
    pub(crate) fn takes(self) -> Duration {
        match self {
            Handling::Take => Duration::from_secs(60),
            Handling::Leave => Duration::from_secs(30),
        }
    }

    /// The same, ms.
    pub(crate) fn ms(self) -> u32 {
        self.takes().as_millis() as u32
    }
}
