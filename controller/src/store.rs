//! What the centre remembers: hi-res events, detector readings, decisions, and the audit.
//!
//! Two stores, one set of answers: [`Store::Embedded`] is a file beside the program, [`Store::Postgres`] a
//! server (TimescaleDB if the extension is there). Rows wait in a bounded [`room`] that never makes
//! control wait; one task writes them down each second. The store being down stops nothing: the room
//! fills, then loses its oldest rows and says so. [`receipts`] tell the cabinets what is stored, and let go of nothing
//! that is not.

pub mod audit;
pub mod embedded;
pub mod intervals;
pub mod postgres;
pub mod receipts;
pub mod room;

#[cfg(test)]
mod cluster;
#[cfg(test)]
mod suite;

use crate::config::StoreConfig;
use audit::AuditEntry;
use model::{
    ids::{JunctionId, JunctionIx},
    time::Moment,
};
use serde::de::DeserializeOwned;
use std::{collections::BTreeMap, ops::Range, time::Duration};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Between two tries to recall documents while the store is down.
const AGAIN: Duration = Duration::from_secs(60);

/// One hi-res event.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct EventRow {
    /// When.
    pub at: Moment,
    /// Of which junction.
    pub junction: JunctionIx,
    /// Indiana code.
    pub code: u16,
    /// Its parameter.
    pub param: u16,
}

/// One detector channel over one window.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct IntervalRow {
    /// End of the window.
    pub at: Moment,
    /// Of which junction.
    pub junction: JunctionIx,
    /// The channel.
    pub channel: u16,
    /// Vehicles.
    pub count: u16,
    /// Share of time covered, 0 to 1.
    pub occupancy: f32,
    /// Mean speed, m/s.
    pub speed_mps: Option<f32>,
    /// Sum of [`FLAG_FAULT`] and [`FLAG_REPLAYED`].
    pub flags: u8,
}

/// The channel said in the window that it was broken.
pub const FLAG_FAULT: u8 = 1;
/// The readings came late, out of the cabinet's spool. A window that an outage cut may have two rows, one
/// heard live and one replayed; their counts add up.
pub const FLAG_REPLAYED: u8 = 2;

/// One decision, as the API shows it.
#[derive(Clone, PartialEq, Debug)]
pub struct DecisionRow {
    /// Its number in the store.
    pub number: u64,
    /// When.
    pub at: Moment,
    /// Of which junction.
    pub junction: JunctionIx,
    /// `api::view::DecisionView` as JSON.
    pub json: String,
}

/// One line for the audit. It gets its number and hash when it is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditRow {
    /// When.
    pub at: Moment,
    /// Who did what, why, and what came of it.
    pub entry: String,
}

/// What a document is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DocumentKind {
    /// A ticket.
    Ticket,
    /// A draft of a junction's plan.
    Draft,
    /// An incident.
    Incident,
    /// A response plan.
    Response,
    /// A corridor's travel times of a day.
    TravelTimes,
}

impl DocumentKind {
    /// As it stands in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            DocumentKind::Ticket => "ticket",
            DocumentKind::Draft => "draft",
            DocumentKind::Incident => "incident",
            DocumentKind::Response => "response",
            DocumentKind::TravelTimes => "travel_times",
        }
    }
}

/// Something that people work on, in its newest state: what was written under the same kind and id before is replaced.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DocumentRow {
    /// What.
    pub kind: DocumentKind,
    /// Which.
    pub id: String,
    /// When it changed.
    pub at: Moment,
    /// Nobody works on it any longer: it is forgotten with rows as old as its last change.
    pub closed: bool,
    /// All of it, as JSON.
    pub json: String,
}

/// Rows to write together: all of them or none.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Batch {
    /// Hi-res events.
    pub events: Vec<EventRow>,
    /// Detector readings.
    pub intervals: Vec<IntervalRow>,
    /// Decisions.
    pub decisions: Vec<DecisionRow>,
    /// Audit lines, in order.
    pub audit: Vec<AuditRow>,
    /// Documents, in order.
    pub documents: Vec<DocumentRow>,
    /// Where its rows stand among all that were ever to be written; a store that lost the line in the middle of a batch knows by
    /// it which of them it has. Without, each batch counts.
    pub place: Option<Place>,
}

/// A place among the rows that one program writes in one life, by kind, in the order of [`Batch`]'s fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The program's life.
    pub run: Uuid,
    /// Number of the first row of each kind.
    pub first: [u64; 5],
}

impl Batch {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.lengths().iter().sum()
    }
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Number of rows of each kind.
    fn lengths(&self) -> [usize; 5] {
        [
            self.events.len(),
            self.intervals.len(),
            self.decisions.len(),
            self.audit.len(),
            self.documents.len(),
        ]
    }
    /// The same rows in a batch per kind.
    fn by_kind(self) -> [Batch; 5] {
        let one = || Batch { place: self.place, ..Batch::default() };
        [
            Batch { events: self.events, ..one() },
            Batch { intervals: self.intervals, ..one() },
            Batch { decisions: self.decisions, ..one() },
            Batch { audit: self.audit, ..one() },
            Batch { documents: self.documents, ..one() },
        ]
    }
}

/// Rows of an answer, oldest first.
#[derive(Clone, PartialEq, Debug)]
pub struct Page<T> {
    /// At most as many as were asked for.
    pub rows: Vec<T>,
    /// There are more.
    pub truncated: bool,
}

impl<T> Page<T> {
    /// Stores are asked for one row more than the limit; that one says that there are more.
    fn cut(mut rows: Vec<T>, limit: usize) -> Page<T> {
        let truncated = rows.len() > limit;
        rows.truncate(limit);
        Page { rows, truncated }
    }
}

/// What is counted over a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counted {
    /// Hi-res events that say that somebody came (code 82); each counts once, however often it was delivered.
    Actuations,
    /// Vehicles of the detector readings.
    Vehicles,
}

/// What the store remembers of earlier starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Started {
    /// Greater than that of any earlier start.
    pub epoch: u64,
    /// The number of the last decision that was written down.
    pub decisions: u64,
}

/// Why the store did not do it; the variants differ in what to do next.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached or is too slow. Try again later.
    #[error("could not reach the {kind} store: {cause}")]
    Unavailable {
        /// `embedded` or `postgres`.
        kind: &'static str,
        /// What it said.
        cause: String,
    },
    /// It is there, and will not take this. Trying again changes nothing.
    #[error("the {kind} store refused: {cause}")]
    Refused {
        /// `embedded` or `postgres`.
        kind: &'static str,
        /// What it said.
        cause: String,
    },
}

/// The store in use. Two kinds, and a third would be an architectural decision.
#[derive(Debug)]
pub enum Store {
    /// A SQLite file: nothing to install.
    Embedded(embedded::Embedded),
    /// PostgreSQL 15 or newer, with or without TimescaleDB.
    Postgres(postgres::Postgres),
}

/// Does the same with either store.
macro_rules! either {
    ($store:expr, $inner:ident => $body:expr) => {
        match $store {
            Store::Embedded($inner) => $body,
            Store::Postgres($inner) => $body,
        }
    };
}

impl Store {
    /// Opens the store. The embedded one must be openable now; a server may come later.
    ///
    /// `junctions` names the devices in [`JunctionIx`] order; the store gives each name a number of its own
    /// that outlives changes of the city file. `instance` is the centre's own name, for the audit.
    pub async fn open(
        config: &StoreConfig,
        junctions: &[JunctionId],
        instance: &str,
    ) -> Result<Store, StoreError> {
        Ok(match config {
            StoreConfig::Embedded { path, .. } => {
                Store::Embedded(embedded::Embedded::open(path.clone(), junctions.to_vec(), instance).await?)
            }
            StoreConfig::Postgres { connection, tls, .. } => {
                let (connection, tls) = ((**connection).clone(), tls.clone());
                Store::Postgres(postgres::Postgres::new(connection, tls, junctions.to_vec(), instance))
            }
        })
    }

    /// `embedded`, `postgres` or `timescale`.
    pub fn kind(&self) -> &'static str {
        either!(self, s => s.kind())
    }

    /// Notes a start of the centre. The epoch is at least `at_least`.
    pub async fn start(&self, at_least: u64) -> Result<Started, StoreError> {
        either!(self, s => s.start(at_least).await)
    }

    /// Writes all rows or none. When it returns `Ok` they survive a crash of this program and of the machine.
    pub async fn write(&self, batch: &Batch) -> Result<(), StoreError> {
        either!(self, s => s.write(batch).await)
    }

    /// Hi-res events of a junction: those at `range.start` or later and before `range.end`, oldest first.
    /// An event that was delivered twice is there once.
    pub async fn events(
        &self,
        junction: JunctionIx,
        range: Range<Moment>,
        limit: usize,
    ) -> Result<Page<EventRow>, StoreError> {
        either!(self, s => s.events(junction, range, limit).await)
    }

    /// Detector readings whose window ended in the range, oldest first, then by channel.
    pub async fn intervals(
        &self,
        junction: JunctionIx,
        range: Range<Moment>,
        limit: usize,
    ) -> Result<Page<IntervalRow>, StoreError> {
        either!(self, s => s.intervals(junction, range, limit).await)
    }

    /// Decisions taken in the range, oldest first.
    pub async fn decisions(
        &self,
        junction: JunctionIx,
        range: Range<Moment>,
        limit: usize,
    ) -> Result<Page<DecisionRow>, StoreError> {
        either!(self, s => s.decisions(junction, range, limit).await)
    }

    /// How many came over each channel of a junction in the range; channels over which nobody came are not there.
    pub async fn volumes(
        &self,
        junction: JunctionIx,
        range: Range<Moment>,
        counted: Counted,
    ) -> Result<BTreeMap<u16, u64>, StoreError> {
        either!(self, s => s.volumes(junction, range, counted).await)
    }

    /// This instance's audit lines with numbers greater than `after`, in order.
    pub async fn audit(&self, after: u64, limit: usize) -> Result<Page<AuditEntry>, StoreError> {
        either!(self, s => s.audit(after, limit).await)
    }

    /// This instance's documents of a kind, by id.
    pub async fn documents(&self, kind: DocumentKind) -> Result<Vec<DocumentRow>, StoreError> {
        either!(self, s => s.documents(kind).await)
    }

    /// The documents of a kind, as what they were made of. Asks until the store answers; `None` once the program ends. What
    /// cannot be read is said and left out.
    pub(crate) async fn recall<T: DeserializeOwned>(
        &self,
        kind: DocumentKind,
        shutdown: &CancellationToken,
    ) -> Option<Vec<T>> {
        let what = kind.as_str();
        let rows = loop {
            tokio::select! {
                () = shutdown.cancelled() => return None,
                rows = self.documents(kind) => match rows {
                    Ok(rows) => break rows,
                    Err(error) => tracing::warn!(%error, what, "documents wait for the store"),
                },
            }
            tokio::select! {
                () = shutdown.cancelled() => return None,
                () = tokio::time::sleep(AGAIN) => {}
            }
        };
        let read = |row: &DocumentRow| {
            let read = serde_json::from_str(&row.json);
            read.inspect_err(
                |error| tracing::error!(what, id = row.id, %error, "a stored document cannot be read"),
            )
        };
        Some(rows.iter().filter_map(|row| read(row).ok()).collect())
    }

    /// Forgets events, readings, decisions and closed documents from before `first`, or a little less where whole days
    /// are dropped at once. The audit is kept, and so are open documents.
    pub async fn forget_before(&self, first: Moment) -> Result<(), StoreError> {
        either!(self, s => s.forget_before(first).await)
    }
}
