//! What a person writes in `controller.toml`, and what it means.
//!
//! [`parse`] only looks at the text. Secrets come from a file or the environment and are read when the centre
//! starts ([`Secret::read`]).

use crate::{
    access::{
        AccessConfig, AccountsFrom, Role,
        provider::{BACK, Grant, ProviderConfig},
    },
    cameras::CamerasFrom,
    decide::{Kind, Tuning},
    journeys::PlannerConfig,
    tickets::Rules,
};
use model::{
    config::{self, Complaint, Complaints, Source},
    ids::{DistrictId, JunctionId},
};
use openidconnect::{IssuerUrl, RedirectUrl};
use serde::Deserialize;
use serde_spanned::Spanned;
use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};
use tokio_postgres::config::{Host, SslMode};
use wire::{
    broker::{Broker, RawBroker, RawTls, Secret},
    command::LONGEST_LEASE_S,
    link::tls::TlsFiles,
};

/// The centre's settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its own name among centres: an MQTT topic level, and the owner of an audit chain.
    pub instance: String,
    /// The districts that it commands; `None` for all that the city has.
    pub districts: Option<Vec<DistrictId>>,
    /// IANA zone of the place, for schedules and for the page.
    pub time_zone: String,
    /// Days that schedules take for Sundays.
    pub holidays: Vec<jiff::civil::Date>,
    /// The MQTT broker.
    pub broker: Broker,
    /// Where history is kept.
    pub store: StoreConfig,
    /// Who may do what.
    pub access: AccessConfig,
    /// Length of a stored detector window; a whole divisor of an hour.
    pub interval: Duration,
    /// How junctions are controlled when nobody orders otherwise.
    pub control: ControlConfig,
    /// A link has level of service A above the first share of its free-flow speed, B above the second, … E
    /// above the fifth, and F below. Falling, between 0 and 1.
    pub los: [f64; 5],
    /// What the speed index is held against, if that is known.
    pub speed_base: Option<SpeedBase>,
    /// How soon tickets must be taken note of and mended, and what proves it.
    pub tickets: Rules,
    /// What people look through.
    pub cameras: CamerasFrom,
    /// Who gives open data; `None` gives none.
    pub open_data: Option<OpenData>,
    /// Where the page's journeys are planned; `None` if nowhere.
    pub planner: Option<PlannerConfig>,
}

/// The city's speed index of another year, by the same method.
#[derive(Clone, Copy, PartialEq, Debug, Deserialize, serde::Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpeedBase {
    /// The year.
    pub year: i16,
    /// Its index, %.
    pub index: f64,
}

/// Who gives open data, and on what terms.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenData {
    /// The body that is responsible for it.
    pub publisher: String,
    /// The licence's address.
    pub licence: String,
}

/// Where history is kept.
#[derive(Clone, Debug)]
pub enum StoreConfig {
    /// In a SQLite file.
    Embedded {
        /// The file; made if it is not there, its folder too.
        path: PathBuf,
        /// How long rows are kept.
        keep: Duration,
    },
    /// On a PostgreSQL server.
    Postgres {
        /// How to reach it. The password is filled in by [`StoreConfig::with_secret`].
        connection: Box<tokio_postgres::Config>,
        /// Where the certificates are; the line is not encrypted without.
        tls: Option<TlsFiles>,
        /// Where the password is; `None` if the server asks for none.
        password: Option<Secret>,
        /// How long rows are kept.
        keep: Duration,
    },
}

impl StoreConfig {
    /// How long rows are kept.
    pub fn keep(&self) -> Duration {
        match self {
            StoreConfig::Embedded { keep, .. } | StoreConfig::Postgres { keep, .. } => *keep,
        }
    }

    /// The same, with the password read, and the certificates looked at.
    pub fn with_secret(mut self) -> anyhow::Result<StoreConfig> {
        if let StoreConfig::Postgres { tls: Some(files), .. } = &self {
            files.load()?;
        }
        if let StoreConfig::Postgres { connection, password: Some(secret), .. } = &mut self {
            connection.password(secret.read()?);
        }
        Ok(self)
    }
}

/// How junctions are controlled when nobody orders otherwise.
#[derive(Clone, Debug)]
pub struct ControlConfig {
    /// The kind of control.
    pub kind: Kind,
    /// Junctions that have another one.
    pub kinds: BTreeMap<JunctionId, Kind>,
    /// For how long a cabinet goes on without us, s; 1 to [`LONGEST_LEASE_S`].
    pub lease_s: u32,
    /// Objective, weights and numbers of adaptive control.
    pub adaptive: Tuning,
}

/// All that the daemon's file says: the settings, and what only a separate process needs.
#[derive(Clone, Debug)]
pub struct Daemon {
    /// The settings.
    pub config: Config,
    /// The city's file.
    pub city: PathBuf,
    /// Where the API listens.
    pub listen: SocketAddr,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDaemon {
    instance: Spanned<String>,
    city: RawCity,
    broker: RawBroker,
    http: RawHttp,
    access: Spanned<RawAccess>,
    store: Spanned<RawStore>,
    control: RawControl,
    measures: RawMeasures,
    tickets: RawTickets,
    open_data: Option<Spanned<OpenData>>,
    planner: Option<RawPlanner>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPlanner {
    address: Spanned<String>,
    key_file: Option<PathBuf>,
    #[serde(default)]
    key_from_environment: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCity {
    file: PathBuf,
    time_zone: Spanned<String>,
    cameras: Option<PathBuf>,
    districts: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    holidays: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHttp {
    listen: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAccess {
    accounts: Option<PathBuf>,
    anybody_may_view: Option<bool>,
    https_only: Option<bool>,
    nobody_signs_in: Option<Spanned<String>>,
    provider: Option<Spanned<RawProvider>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProvider {
    name: Spanned<String>,
    issuer: Spanned<String>,
    client_id: String,
    client_secret_file: Option<PathBuf>,
    page: Spanned<String>,
    scopes: Vec<String>,
    login_claim: String,
    ask_again: bool,
    ca: Option<PathBuf>,
    grants: Vec<RawGrant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGrant {
    claim: String,
    value: String,
    role: Role,
    districts: Option<Spanned<Vec<String>>>,
}

/// A switch that weakens safety is typed as a sentence.
const NOBODY_SIGNS_IN: &str = "yes_anybody_may_give_orders";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStore {
    embedded: Option<RawEmbedded>,
    postgres: Option<RawPostgres>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEmbedded {
    path: PathBuf,
    keep_days: Spanned<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPostgres {
    connection: Spanned<String>,
    tls: Option<RawTls>,
    password_file: Option<PathBuf>,
    #[serde(default)]
    password_from_environment: bool,
    keep_days: Spanned<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawControl {
    kind: Kind,
    lease_s: Spanned<u32>,
    #[serde(default)]
    junctions: BTreeMap<String, Kind>,
    adaptive: Option<Spanned<Tuning>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMeasures {
    interval_s: Spanned<u32>,
    level_of_service: Spanned<Vec<f64>>,
    speed_base: Option<Spanned<SpeedBase>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTickets {
    accept_within_min: Spanned<[u32; 3]>,
    mend_within_h: Spanned<[u32; 3]>,
    proof_min: Spanned<u32>,
}

/// Reads `controller.toml`. All complaints at once, each with its line.
pub fn parse(file: &str, text: &str) -> Result<Daemon, Complaints> {
    let raw: RawDaemon = config::parse(file, text)?;
    let source = Source::new(file, text);
    let mut faults = Complaints::default();

    let level = |name: &str| {
        !name.is_empty() && !name.chars().any(|c| matches!(c, '/' | '+' | '#') || c.is_control())
    };
    if !level(raw.instance.get_ref()) {
        faults.push(Complaint::spanned(
            source,
            &raw.instance,
            "instance must be one MQTT topic level: not empty, no / + #",
        ));
    }
    if jiff::tz::TimeZone::get(raw.city.time_zone.get_ref()).is_err() {
        let message = format!("{:?} is no time zone of the IANA database", raw.city.time_zone.get_ref());
        faults.push(Complaint::spanned(source, &raw.city.time_zone, message));
    }
    let mut holidays = Vec::new();
    for day in &raw.city.holidays {
        let date = day.get_ref().parse::<jiff::civil::Date>().map_err(|_| {
            let message = format!("{:?} is no date such as 2026-01-07", day.get_ref());
            Complaint::spanned(source, day, message)
        });
        holidays.extend(faults.take(date));
    }
    for district in raw.city.districts.iter().flatten() {
        if !level(district.get_ref()) {
            faults.push(Complaint::spanned(
                source,
                district,
                "a district must be one MQTT topic level: not empty, no / + #",
            ));
        }
    }
    if raw.city.districts.as_ref().is_some_and(Vec::is_empty) {
        faults.push(Complaint::whole(file, "city.districts is empty; leave it out to command all districts"));
    }

    let broker = raw.broker.meant(source, &mut faults);
    let listen = raw.http.listen.get_ref().parse::<SocketAddr>().map_err(|_| {
        let message =
            format!("{:?} is not an address and port such as 127.0.0.1:8081", raw.http.listen.get_ref());
        Complaint::spanned(source, &raw.http.listen, message)
    });
    let listen = faults.take(listen);

    let lease_s = *raw.control.lease_s.get_ref();
    if !(1..=LONGEST_LEASE_S).contains(&lease_s) {
        let message = format!("lease_s is {lease_s}; cabinets grant 1 to {LONGEST_LEASE_S} s");
        faults.push(Complaint::spanned(source, &raw.control.lease_s, message));
    }
    let adaptive =
        raw.control.adaptive.as_ref().map(|t| (t, t.get_ref().faults())).filter(|(_, f)| !f.is_empty());
    if let Some((at, wrong)) = adaptive {
        faults.push(Complaint::spanned(source, at, wrong.join("; ")));
    }
    let interval_s = *raw.measures.interval_s.get_ref();
    if interval_s == 0 || 3600 % interval_s != 0 {
        let message =
            format!("interval_s is {interval_s}; it must divide an hour, so that windows align to the clock");
        faults.push(Complaint::spanned(source, &raw.measures.interval_s, message));
    }
    let los = &raw.measures.level_of_service;
    let falling =
        los.get_ref().is_sorted_by(|a, b| a > b) && los.get_ref().iter().all(|s| (0.0..1.0).contains(s));
    let shares: Option<[f64; 5]> = los.get_ref().clone().try_into().ok().filter(|_| falling);
    if shares.is_none() {
        faults.push(Complaint::spanned(
            source,
            los,
            "level_of_service must be five falling shares between 0 and 1, for A to E",
        ));
    }
    if let Some(base) = &raw.measures.speed_base
        && !(base.get_ref().index > 0.0 && base.get_ref().index <= 100.0)
    {
        let message = "speed_base is a year and its speed index, above 0 and at most 100";
        faults.push(Complaint::spanned(source, base, message));
    }
    let store = store(source, raw.store, &mut faults);
    let access = access(source, raw.access, &mut faults);
    let tickets = tickets(source, &raw.tickets, &mut faults);
    if let Some(data) = &raw.open_data {
        if data.get_ref().publisher.trim().is_empty() {
            faults.push(Complaint::spanned(
                source,
                data,
                "open_data.publisher is empty; who gives the data?",
            ));
        }
        if !data.get_ref().licence.contains("://") {
            let message = "open_data.licence must be the address of a licence, such as \
                           https://creativecommons.org/licenses/by/4.0/";
            faults.push(Complaint::spanned(source, data, message));
        }
    }

    if let Some(planner) = &raw.planner {
        let address = planner.address.get_ref();
        let host = ["http://", "https://"].iter().find_map(|scheme| address.strip_prefix(scheme));
        if !host.is_some_and(|host| {
            !host.is_empty() && !host.trim_end_matches('/').contains(['/', '?', '#', '@', ' '])
        }) {
            let message = format!("{address:?} is no address such as http://127.0.0.1:8090");
            faults.push(Complaint::spanned(source, &planner.address, message));
        }
    }

    let (Some(listen), Some(los), Some(store), Some(access)) = (listen, shares, store, access) else {
        return Err(faults);
    };
    faults.or(Daemon {
        config: Config {
            instance: raw.instance.into_inner(),
            districts: raw
                .city
                .districts
                .map(|all| all.iter().map(|d| DistrictId::new(d.get_ref())).collect()),
            time_zone: raw.city.time_zone.into_inner(),
            holidays,
            broker,
            store,
            access,
            interval: Duration::from_secs(u64::from(interval_s)),
            control: ControlConfig {
                kind: raw.control.kind,
                kinds: raw
                    .control
                    .junctions
                    .into_iter()
                    .map(|(id, kind)| (JunctionId::new(id), kind))
                    .collect(),
                lease_s,
                adaptive: raw.control.adaptive.map(Spanned::into_inner).unwrap_or_default(),
            },
            los,
            speed_base: raw.measures.speed_base.map(Spanned::into_inner),
            tickets,
            cameras: raw.city.cameras.map_or(CamerasFrom::Nowhere, CamerasFrom::File),
            open_data: raw.open_data.map(Spanned::into_inner),
            planner: raw.planner.map(|planner| {
                let RawPlanner { address, key_file, key_from_environment } = planner;
                PlannerConfig::new(address.get_ref(), key_file, key_from_environment)
            }),
        },
        city: raw.city.file,
        listen,
    })
}

fn tickets(source: Source<'_>, raw: &RawTickets, faults: &mut Complaints) -> Rules {
    for (name, at) in [("accept_within_min", &raw.accept_within_min), ("mend_within_h", &raw.mend_within_h)] {
        if !at.get_ref().is_sorted() || at.get_ref()[0] == 0 {
            let message = format!("{name} must rise from priority 1 to 3, and begin above 0");
            faults.push(Complaint::spanned(source, at, message));
        }
    }
    if *raw.proof_min.get_ref() == 0 {
        faults.push(Complaint::spanned(
            source,
            &raw.proof_min,
            "proof_min is 0; nothing is proved in no time",
        ));
    }
    let minutes = |n: u32| Duration::from_secs(60 * u64::from(n));
    Rules {
        accept_within: raw.accept_within_min.get_ref().map(minutes),
        mend_within: raw.mend_within_h.get_ref().map(|hours| minutes(hours) * 60),
        proof: minutes(*raw.proof_min.get_ref()),
    }
}

fn access(source: Source<'_>, raw: Spanned<RawAccess>, faults: &mut Complaints) -> Option<AccessConfig> {
    let begins = raw.span().start;
    match raw.into_inner() {
        RawAccess {
            accounts: Some(file),
            anybody_may_view: Some(anybody_may_view),
            https_only: Some(https_only),
            nobody_signs_in: None,
            provider,
        } => {
            let provider = provider.map(|raw| provider_of(source, raw.into_inner(), faults).map(Box::new));
            let from = AccountsFrom::File(file);
            Some(AccessConfig::Accounts { from, anybody_may_view, https_only, provider: provider.flatten() })
        }
        RawAccess {
            accounts: None,
            anybody_may_view: None,
            https_only: None,
            nobody_signs_in: Some(said),
            provider: None,
        } => {
            if said.get_ref() != NOBODY_SIGNS_IN {
                let message =
                    format!("nobody_signs_in is {:?}; it must be {NOBODY_SIGNS_IN:?}", said.get_ref());
                faults.push(Complaint::spanned(source, &said, message));
            }
            Some(AccessConfig::Open)
        }
        _ => {
            let message = "give accounts, anybody_may_view and https_only, or nobody_signs_in alone";
            faults.push(Complaint::offset(source, begins, message));
            None
        }
    }
}

fn provider_of(source: Source<'_>, raw: RawProvider, faults: &mut Complaints) -> Option<ProviderConfig> {
    let before = faults.0.len();
    if raw.name.get_ref().trim().is_empty() {
        faults.push(Complaint::spanned(source, &raw.name, "name is empty; the page writes it on the button"));
    }
    // What it says signs people in: nobody on the way may say it instead.
    let guarded = |address: &str| {
        let host = address.strip_prefix("http://").map(|rest| rest.split(['/', ':']).next().unwrap_or(rest));
        address.starts_with("https://") || host.is_some_and(is_local)
    };
    for (name, address) in [("issuer", &raw.issuer), ("page", &raw.page)] {
        if !guarded(address.get_ref()) {
            let message = format!("{name} must begin with https://, unless it is on this machine");
            faults.push(Complaint::spanned(source, address, message));
        }
    }
    let issuer = IssuerUrl::new(raw.issuer.get_ref().clone())
        .map_err(|e| Complaint::spanned(source, &raw.issuer, format!("issuer is no address: {e}")));
    let redirect = RedirectUrl::new(format!("{}{BACK}", raw.page.get_ref().trim_end_matches('/')))
        .map_err(|e| Complaint::spanned(source, &raw.page, format!("page is no address: {e}")));
    let (issuer, redirect) = (faults.take(issuer), faults.take(redirect));
    for districts in raw.grants.iter().filter_map(|grant| grant.districts.as_ref()) {
        if districts.get_ref().is_empty() {
            let message = "districts is empty; leave it out for the whole city";
            faults.push(Complaint::spanned(source, districts, message));
        }
    }
    let grant = |raw: RawGrant| Grant {
        claim: raw.claim,
        value: raw.value,
        role: raw.role,
        districts: raw
            .districts
            .map(|all| all.into_inner().into_iter().map(|d| DistrictId::new(d.as_str())).collect()),
    };
    let (issuer, redirect) = (issuer?, redirect?);
    (faults.0.len() == before).then(|| ProviderConfig {
        name: raw.name.into_inner(),
        issuer,
        client_id: raw.client_id,
        client_secret_file: raw.client_secret_file,
        redirect,
        scopes: raw.scopes,
        login_claim: raw.login_claim,
        ask_again: raw.ask_again,
        ca: raw.ca,
        grants: raw.grants.into_iter().map(grant).collect(),
    })
}

fn store(source: Source<'_>, raw: Spanned<RawStore>, faults: &mut Complaints) -> Option<StoreConfig> {
    let keep = |days: &Spanned<u32>, faults: &mut Complaints| {
        if *days.get_ref() == 0 {
            faults.push(Complaint::spanned(
                source,
                days,
                "keep_days is 0; rows would be removed as soon as they are written",
            ));
        }
        Duration::from_secs(86_400 * u64::from(*days.get_ref()))
    };
    let span = raw.span();
    match raw.into_inner() {
        RawStore { embedded: Some(store), postgres: None } => {
            Some(StoreConfig::Embedded { keep: keep(&store.keep_days, faults), path: store.path })
        }
        RawStore { embedded: None, postgres: Some(store) } => {
            let keep = keep(&store.keep_days, faults);
            let mut connection = match store.connection.get_ref().parse::<tokio_postgres::Config>() {
                Ok(connection) => connection,
                Err(error) => {
                    let cause =
                        std::error::Error::source(&error).map(|s| format!(": {s}")).unwrap_or_default();
                    faults.push(Complaint::spanned(source, &store.connection, format!("{error}{cause}")));
                    return None;
                }
            };
            if connection.get_password().is_some() {
                let message = "a password stands in the file; use password_file or password_from_environment";
                faults.push(Complaint::spanned(source, &store.connection, message));
            }
            let tls = store.tls.map(|tls| tls.meant(source, faults));
            let remote = connection.get_hosts().iter().find_map(|host| match host {
                Host::Tcp(name) if !is_local(name) => Some(name),
                _ => None,
            });
            match (&tls, connection.get_ssl_mode()) {
                (Some(_), SslMode::Disable) => {
                    let message = "sslmode=disable, and there is a table tls; leave one of them out";
                    faults.push(Complaint::spanned(source, &store.connection, message));
                }
                // Whoever names certificates never means to go without.
                (Some(_), _) => drop(connection.ssl_mode(SslMode::Require)),
                (None, SslMode::Require) => {
                    let message = "sslmode=require needs a table [store.postgres.tls] that says whose certificates are trusted";
                    faults.push(Complaint::spanned(source, &store.connection, message));
                }
                (None, mode) => {
                    if let Some(host) = remote.filter(|_| mode != SslMode::Disable) {
                        let message = format!(
                            "{host} is another machine: give a table [store.postgres.tls], or say sslmode=disable where the \
                             network between is your own"
                        );
                        faults.push(Complaint::spanned(source, &store.connection, message));
                    }
                }
            }
            let secret = Secret { file: store.password_file, variable: "SVETOFOR_STORE_PASSWORD" };
            let password = (secret.file.is_some() || store.password_from_environment).then_some(secret);
            Some(StoreConfig::Postgres { connection: Box::new(connection), tls, password, keep })
        }
        _ => {
            let message = "give one of [store.embedded] and [store.postgres]";
            faults.push(Complaint::offset(source, span.start, message));
            None
        }
    }
}

/// Whether a host is this machine.
fn is_local(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: [(&str, &str); 2] = [
        ("controller.toml", include_str!("../../configs/controller.toml")),
        ("controller-postgres.toml", include_str!("../../configs/controller-postgres.toml")),
    ];

    #[test]
    fn what_we_ship_is_accepted() {
        for (file, text) in SHIPPED {
            parse(file, text).unwrap_or_else(|faults| panic!("{faults}"));
        }
    }

    /// Changes one line of the shipped file and compares what is said about it.
    fn check(line: &str, instead: &str, complaint: &str) {
        let (_, text) = SHIPPED[0];
        assert!(text.contains(line), "the shipped file has no {line:?}");
        let at = 1 + text[..text.find(line).unwrap()].lines().count();
        let text = text.replacen(line, instead, 1);
        let said = parse("c.toml", &text).map(drop).unwrap_err().to_string();
        assert_eq!(said, complaint.replace("{line}", &at.to_string()));
    }

    #[test]
    fn faults_are_named_with_their_line() {
        check(
            "instance = \"centre-1\"",
            "instance = \"a/b\"",
            "c.toml:{line}: instance must be one MQTT topic level: not empty, no / + #",
        );
        check("port = 1883", "port = 0", "c.toml:{line}: port = 0 is no port");
        check("keep_alive_s = 10", "keep_alive_s = 1", "c.toml:{line}: keep_alive_s = 1 is below 5");
        check(
            "kind = \"max-pressure\"",
            "kind = \"magic\"",
            "c.toml:{line}: unknown variant `magic`, expected one of `fixed`, `schedule`, `actuated`, `max-pressure`, `adaptive`",
        );
        check(
            "holidays = [",
            "holidays = [\"New Year\", ",
            "c.toml:{line}: \"New Year\" is no date such as 2026-01-07",
        );
        check("lease_s = 15", "lease_s = 900", "c.toml:{line}: lease_s is 900; cabinets grant 1 to 120 s");
        check(
            "interval_s = 20",
            "interval_s = 7",
            "c.toml:{line}: interval_s is 7; it must divide an hour, so that windows align to the clock",
        );
        check(
            "level_of_service = [0.80, 0.67, 0.50, 0.40, 0.30]",
            "level_of_service = [0.8, 0.9, 0.5, 0.4, 0.3]",
            "c.toml:{line}: level_of_service must be five falling shares between 0 and 1, for A to E",
        );
        check(
            "# speed_base = { year = 2013, index = 41.0 }",
            "speed_base = { year = 2013, index = 0.0 }",
            "c.toml:{line}: speed_base is a year and its speed index, above 0 and at most 100",
        );
        check(
            "mend_within_h = [4, 24, 72]",
            "mend_within_h = [4, 2, 72]",
            "c.toml:{line}: mend_within_h must rise from priority 1 to 3, and begin above 0",
        );
        check(
            "time_zone = \"Europe/Moscow\"",
            "time_zone = \"Mars\"",
            "c.toml:{line}: \"Mars\" is no time zone of the IANA database",
        );
        check(
            "listen = \"127.0.0.1:8081\"",
            "listen = \"everywhere\"",
            "c.toml:{line}: \"everywhere\" is not an address and port such as 127.0.0.1:8081",
        );
        check(
            "keep_days = 14",
            "keep_days = 0",
            "c.toml:{line}: keep_days is 0; rows would be removed as soon as they are written",
        );
        check(
            "[store.embedded]\n# Made",
            "[store.sqlite]\n# Made",
            "c.toml:{line}: unknown field `sqlite`, expected `embedded` or `postgres`",
        );
        check(
            "[access]\n# Who",
            "[access]\nnobody_signs_in = \"yes_anybody_may_give_orders\"\n# Who",
            "c.toml:{line}: give accounts, anybody_may_view and https_only, or nobody_signs_in alone",
        );
    }

    /// The shipped file with its table of a provider, which is commented out there.
    fn with_provider() -> String {
        let (before, after) = SHIPPED[0].1.split_once("# [access.provider]").unwrap();
        let (table, after) = after.split_once("\n\n# One of [store.embedded]").unwrap();
        let is_key = |line: &&str| {
            let key = line.split_once(" = ").map_or("", |(key, _)| key);
            line.starts_with('[')
                || (!key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        };
        let meant = |line| str::strip_prefix(line, "# ").filter(is_key).unwrap_or(line);
        let table: Vec<&str> = table.lines().map(meant).collect();
        format!("{before}[access.provider]{}\n\n# One of [store.embedded]{after}", table.join("\n"))
    }

    #[test]
    fn a_provider_of_identities_is_read_and_must_be_guarded() {
        let daemon = parse("c.toml", &with_provider()).unwrap_or_else(|faults| panic!("{faults}"));
        let AccessConfig::Accounts { provider: Some(provider), .. } = daemon.config.access else {
            panic!("there is no provider")
        };
        assert_eq!(provider.redirect.as_str(), "https://traffic.city.example/api/v1/session/provider/back");
        assert_eq!(provider.grants.len(), 2);
        let check = |from: &str, to: &str, complaint: &str| {
            let said =
                parse("c.toml", &with_provider().replacen(from, to, 1)).map(drop).unwrap_err().to_string();
            assert_eq!(said.split_once(": ").unwrap().1, complaint);
        };
        check(
            "issuer = \"https://",
            "issuer = \"http://",
            "issuer must begin with https://, unless it is on this machine",
        );
        check("name = \"City ID\"", "name = \"\"", "name is empty; the page writes it on the button");
        check(
            "role = \"operate\"\ndistricts = [\"cao\"]",
            "role = \"operate\"\ndistricts = []",
            "districts is empty; leave it out for the whole city",
        );
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let text = SHIPPED[0].1.replace("port = 1883", "port = 0").replace("lease_s = 15", "lease_s = 0");
        let faults = parse("c.toml", &text).unwrap_err();
        assert_eq!(faults.0.len(), 2, "{faults}");
    }
}
