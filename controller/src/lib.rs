//! The centre: it hears the street, decides, commands, keeps and tells.
//!
//! In reading order: [`coordinator`] is the pure core, [`decide`] the kinds of control it chooses by,
//! [`estimate`] what the traffic is like, [`corridor`] designs green waves, [`measures`] what a hi-res log tells of it all, [`dispatch`] the numbers and leases of what it sends. Around it: [`config`] is what a person writes, [`access`] who may do what, [`cameras`] what people look through, [`journeys`] who plans their ways,
//! [`field`] turns messages into events and commands into messages, [`store`] remembers, [`centre`] is the one
//! task that owns the core, [`picture`] what it shows to readers, [`forecasting`] what it expects of the next hour, [`travel_times`] how long its corridors take, `what_if` what was asked of a simulator, [`alarms`] what it concludes, [`tickets`] what somebody must mend, [`drafts`] what plans somebody tries, [`incidents`] what happens on its roads, and [`api`]
//! what people and programs see of it.
//!
//! [`start`] runs all of it within a program that has a port of its own; [`run`] is the daemon.

pub mod coordinator;
pub mod decide;
pub mod dispatch;
pub mod estimate;
pub mod corridor;
pub mod measures;

pub mod config;
pub mod access;
pub mod cameras;
pub mod journeys;
pub mod field;
pub mod store;
pub mod alarms;
pub mod tickets;
mod ticketing;
pub mod drafts;
mod drafting;
pub mod incidents;
pub mod responding;
pub mod centre;
pub mod picture;
pub mod forecasting;
mod stretches;
pub mod travel_times;
mod what_if;
mod supervisor;
pub mod api;

pub use config::Config;

use access::Gate;
use anyhow::{Context, bail};
use api::{Api, Doors};
use centre::{ASK_BOUND, Gauges};
use coordinator::{Coordinator, Settings};
use decide::Kind;
use field::{Decoder, Field};
use model::{
    city::City,
    ids::{JunctionId, JunctionIx},
};
use picture::{Frame, Painter, Picture, Surroundings};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use store::{FLAG_REPLAYED, Started, Store, StoreError, intervals::Intervals, room};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use travel_times::TravelTimes;
use wire::{clock::Clock, link::LinkCounts};

/// How long the start waits for a store that may be on another machine. Control does not wait longer.
pub const STORE_PATIENCE: Duration = Duration::from_secs(5);
/// Room for decisions of one start when the store could not say where to go on counting.
const DECISIONS_PER_EPOCH: u64 = 1_000_000;

/// A centre that runs.
pub struct Centre {
    /// `/api/v1/…`, without a fallback: to be merged with other routes. See [`api::standalone`] for a port of its own.
    pub router: axum::Router,
    api: Api,
    task: JoinHandle<()>,
}

impl Centre {
    /// The API's state, for [`api::standalone`] and [`api::metrics`].
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// The newest picture.
    pub fn picture(&self) -> Arc<Picture> {
        self.api.picture()
    }

    /// Waits until it has ended: the street told, the last rows written. Ends only after the `shutdown` that it
    /// was started with.
    pub async fn finished(self) -> anyhow::Result<()> {
        self.task.await.context("the centre's task failed")
    }
}

/// Starts a centre within this program.
///
/// Fails only on what trying again does not mend: a city with faults, a junction that does not exist, an
/// embedded store that cannot be opened, a password that cannot be read. No broker and no database are
/// ordinary: it keeps trying, and says so in [`api::view::Health`].
pub async fn start(
    config: Config,
    city: Arc<City>,
    clock: Clock,
    shutdown: CancellationToken,
) -> anyhow::Result<Centre> {
    let faults = city.faults();
    if !faults.is_empty() {
        bail!("the city cannot be run: {}", faults.join("; "));
    }
    let owned = owned(&config, &city)?;
    let zone = jiff::tz::TimeZone::get(&config.time_zone)
        .with_context(|| format!("no time zone {:?}", config.time_zone))?;
    let here =
        jiff::Timestamp::from_millisecond(clock.now().0).context("the clock is beyond all calendars")?;
    let kinds = kinds(&config, &city)?;

    let gate = Arc::new(Gate::open(config.access.clone()).context("the accounts")?);
    tokio::spawn(gate.clone().follow(shutdown.clone()));
    let cameras = config.cameras.read().context("the cameras")?;
    let planner = planner(&config)?;

    let ids: Vec<JunctionId> = city.junctions.iter().map(|j| j.id.clone()).collect();
    let store = Store::open(&config.store.clone().with_secret()?, &ids, &config.instance).await?;
    let store = Arc::new(store);
    let started = begin(&store).await?;

    let settings = Settings {
        kind: config.control.kind,
        kinds,
        lease_s: config.control.lease_s,
        epoch: started.epoch,
        utc_offset_s: zone.to_offset(here).seconds(),
        holidays: config.holidays.iter().map(|day| days_since_1970(*day)).collect(),
        tuning: config.control.adaptive,
    };
    let (core, drawn) = rayon::join(|| Coordinator::new(city.clone(), settings), || api::Drawn::new(&city));
    let decoder = Decoder::new(city.clone(), config.districts.as_deref(), &config.instance);
    // The street is told goodbye before its link ends, so the link does not see `shutdown` itself. It begins last: nobody reads
    // what comes before we run, and a large city says thousands of things in a second.
    let link_end = CancellationToken::new();
    let field = Field::start(&config, decoder, clock, link_end.clone())?;
    tracing::info!(
        instance = config.instance,
        epoch = started.epoch,
        junctions = owned.len(),
        store = store.kind(),
        "the centre runs"
    );
    let parts = Parts {
        config,
        zone,
        city,
        owned,
        clock,
        store,
        field,
        link_end,
        core,
        drawn,
        started,
        gate,
        cameras,
        planner,
    };
    Ok(assemble(parts, shutdown))
}

/// What a centre is put together from.
struct Parts {
    config: Config,
    zone: jiff::tz::TimeZone,
    city: Arc<City>,
    owned: Vec<JunctionIx>,
    clock: Clock,
    store: Arc<Store>,
    field: Field,
    /// Ends the field's link.
    link_end: CancellationToken,
    core: Coordinator,
    drawn: api::Drawn,
    started: Started,
    gate: Arc<Gate>,
    cameras: Vec<cameras::Camera>,
    planner: Option<journeys::Planner>,
}

fn assemble(parts: Parts, shutdown: CancellationToken) -> Centre {
    let Parts {
        config,
        zone,
        city,
        owned,
        clock,
        store,
        field,
        link_end,
        core,
        drawn,
        started,
        gate,
        cameras,
        planner,
    } = parts;
    let keep = config.store.keep();
    let decisions = started.decisions;
    let ahead_s = core.settings().utc_offset_s;
    let frame = Frame {
        started: clock.now(),
        clock_speed: clock.speed(),
        time_zone: config.time_zone.clone(),
        lease: Duration::from_secs(u64::from(config.control.lease_s)),
        los: config.los,
        speed_base: config.speed_base,
        decisions_before: decisions,
    };
    let mut painter = Painter::new(city.clone(), &owned, frame, &core);
    let waiting = Arc::new(room::Room::default());
    let around = Surroundings {
        broker: field.broker.borrow().clone(),
        store_kind: store.kind(),
        store: waiting.state(),
        rejected: Default::default(),
    };
    let first = painter.paint(clock.now(), &core, around);
    let (picture, picture_out) = watch::channel(Arc::new(first));
    let (fleet, fleet_out) = watch::channel(Arc::default());
    let (link_counts, link_counts_out) = watch::channel(LinkCounts::default());
    let gauges = Arc::new(Gauges::default());
    let what_ifs = Arc::new(what_if::Board::default());
    // Orders and questions from the API; the core answers between two messages.
    let (asks, asks_out) = mpsc::channel(ASK_BOUND);

    let (said, forecasts) = watch::channel(Arc::default());
    let forecasting = forecasting::Forecasting {
        city: city.clone(),
        owned: owned.clone(),
        store: store.clone(),
        clock,
        window: config.interval,
        ahead_s,
        said,
    };
    tokio::spawn(forecasting.run(shutdown.clone()));

    let tickets = Arc::new(ticketing::TicketBoard::new(config.tickets, clock.now(), waiting.clone()));
    let watch = ticketing::Watch {
        city: city.clone(),
        owned: owned.clone(),
        store: store.clone(),
        clock,
        zone: zone.clone(),
        board: tickets.clone(),
        keep,
    };
    tokio::spawn(watch.run(shutdown.clone()));
    let drafts = Arc::new(drafting::DraftBoard::new(city.clone(), &owned, waiting.clone()));
    tokio::spawn(drafts.clone().recall(store.clone(), shutdown.clone()));
    let incidents = Arc::new(responding::IncidentBoard::new(city.clone(), waiting.clone()));
    tokio::spawn(incidents.clone().recall(store.clone(), shutdown.clone()));

    let ways = drawn.roads.ways(&city);
    let travel_times =
        Arc::new(TravelTimes::new(city.clone(), zone.clone(), ways, config.los, keep, waiting.clone()));
    tokio::spawn(travel_times.clone().recall(store.clone(), shutdown.clone()));

    let cameras = Arc::new(cameras::Cameras::new(cameras, clock));
    tokio::spawn(cameras.clone().follow(shutdown.clone()));

    let doors = Doors {
        asks,
        picture: picture_out,
        fleet: fleet_out,
        link_counts: link_counts_out,
        gauges: gauges.clone(),
        what_ifs: what_ifs.clone(),
        forecasts,
        tickets: tickets.clone(),
        drafts: drafts.clone(),
        incidents: incidents.clone(),
        holidays: config.holidays.clone(),
        interval: config.interval,
        travel_times: travel_times.clone(),
        open_data: config.open_data.clone(),
        cameras,
        planner,
        gate,
        room: waiting.clone(),
    };
    let api = Api::new(city.clone(), drawn, &owned, clock, store.clone(), doors, shutdown.clone());
    let fingerprint = city.fingerprint();
    let mut centre = centre::Centre {
        city,
        fingerprint,
        core,
        zone,
        painter,
        field,
        store: store.clone(),
        room: waiting.clone(),
        clock,
        keep,
        decisions_before: decisions,
        live: Intervals::new(config.interval, 0),
        replayed: Intervals::new(config.interval, FLAG_REPLAYED),
        ledger: Default::default(),
        links_sent: 0,
        rejected: Default::default(),
        strangers: Default::default(),
        watched: Default::default(),
        what_ifs,
        tickets,
        drafts,
        incidents,
        travel_times,
        speeds: Vec::new(),
        links_said: None,
        gauges,
        link_counts,
        picture,
        fleets: Default::default(),
        fleet,
    };
    let task = tokio::spawn(async move {
        // The store is closed after the core, so that it takes what is left; the cabinets hear of that last.
        let store_end = CancellationToken::new();
        let writer = tokio::spawn(room::write_down(store, waiting, clock, keep, store_end.clone()));
        centre.run(asks_out, shutdown).await;
        store_end.cancel();
        if writer.await.is_err() {
            tracing::error!("the store's writer failed");
        }
        centre.leave().await;
        link_end.cancel();
    });
    Centre { router: api::router(api.clone()), api, task }
}

/// Runs the centre, and its API on `listener` if there is one, until `shutdown`.
pub async fn run(
    config: Config,
    city: Arc<City>,
    listener: Option<TcpListener>,
    clock: Clock,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let centre = start(config, city, clock, shutdown.clone()).await?;
    if let Some(listener) = listener {
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, "the page and the API listen");
        }
        let app = api::standalone(centre.api.clone());
        let ended = shutdown.clone();
        axum::serve(listener, app).with_graceful_shutdown(async move { ended.cancelled().await }).await?;
    }
    centre.finished().await
}

fn days_since_1970(day: jiff::civil::Date) -> i64 {
    let epoch = jiff::civil::date(1970, 1, 1);
    epoch.until(day).map_or(0, |span| i64::from(span.get_days()))
}

/// What would keep a centre of this configuration from starting, of all that can be known before it starts.
///
/// # Errors
/// Districts and junctions that the city does not have, and files for accounts, cameras, passwords and certificates that are of no use.
pub fn examine(config: &Config, city: &City) -> anyhow::Result<()> {
    owned(config, city)?;
    kinds(config, city)?;
    Gate::open(config.access.clone()).context("the accounts")?;
    config.cameras.read().context("the cameras")?;
    planner(config)?;
    config.store.clone().with_secret()?;
    config.broker.link("check").context("the broker")?;
    Ok(())
}

/// The journey planner, with its key read.
fn planner(config: &Config) -> anyhow::Result<Option<journeys::Planner>> {
    config.planner.as_ref().map(|planner| planner.open().context("the planner's key")).transpose()
}

/// Junctions with another kind of control than the usual one.
fn kinds(config: &Config, city: &City) -> anyhow::Result<BTreeMap<JunctionIx, Kind>> {
    let kind = |(id, kind): (&JunctionId, &Kind)| {
        let ix = city.junction_ix(id);
        Ok((
            ix.with_context(|| format!("[control.junctions] names {id}, which the city does not have"))?,
            *kind,
        ))
    };
    config.control.kinds.iter().map(kind).collect()
}

/// The junctions of the districts that this centre commands.
fn owned(config: &Config, city: &City) -> anyhow::Result<Vec<JunctionIx>> {
    let theirs = city.districts();
    for district in config.districts.iter().flatten() {
        if !theirs.contains(district) {
            bail!("the city has no district {district}");
        }
    }
    let ours = |ix: &JunctionIx| {
        config.districts.as_ref().is_none_or(|d| d.contains(&city.junctions[ix.ix()].district))
    };
    Ok((0..city.junctions.len()).map(JunctionIx::from).filter(ours).collect())
}

/// Notes the start in the store. The epoch is never below the machine's seconds since 1970: so it grows from
/// start to start even when the store cannot be asked.
async fn begin(store: &Store) -> anyhow::Result<Started> {
    let at_least = Clock::real().now().0.div_euclid(1000).max(1) as u64;
    let asked = tokio::time::timeout(STORE_PATIENCE, store.start(at_least)).await;
    let cause = match asked {
        Ok(Ok(started)) => return Ok(started),
        Ok(Err(error @ StoreError::Refused { .. })) => return Err(error.into()),
        Ok(Err(StoreError::Unavailable { cause, .. })) => cause,
        Err(_) => format!("no answer within {} s", STORE_PATIENCE.as_secs()),
    };
    tracing::warn!(error = cause, "the store is down; control begins without it");
    Ok(Started { epoch: at_least, decisions: at_least * DECISIONS_PER_EPOCH })
}
