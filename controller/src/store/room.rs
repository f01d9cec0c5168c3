//! The waiting room between control and the store, and the one task that empties it.

use super::{AuditRow, Batch, DecisionRow, EventRow, IntervalRow, Store, StoreError};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use wire::clock::Clock;

/// Most hi-res events that wait, rows. 5,000 junctions make some 20,000 a second, so this is most of a minute
/// at full size and over half an hour for the demo; 16 bytes each. Beyond it the oldest are lost, and counted.
pub const EVENTS_ROOM: usize = 1_000_000;
/// Most detector readings that wait, rows: 16,000 channels each 20 s for 20 minutes; 28 bytes each. Beyond it
/// the oldest are lost, and counted.
pub const INTERVALS_ROOM: usize = 1_000_000;
/// Most decisions that wait, rows. About 1 kB each, so 50 MB. Beyond it the oldest are lost, and counted.
pub const DECISIONS_ROOM: usize = 50_000;
/// Most audit lines that wait. People make them, so only a store that is down for days loses one.
pub const AUDIT_ROOM: usize = 100_000;
/// Most rows of a kind in one batch, so that one transaction stays short (well under a second).
pub const BATCH_ROWS: usize = 100_000;
/// Between two batches.
pub const WRITE_PERIOD: Duration = Duration::from_secs(1);
/// Longest pause between two attempts while the store is down.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How long the last batch may take when the program ends; what is not written by then is lost, and logged.
pub const LAST_WRITE: Duration = Duration::from_secs(5);
/// Between two clean-ups of old rows.
pub const FORGET_PERIOD: Duration = Duration::from_secs(3600);

/// Rows that wait for the store. Putting one in never waits for anything.
#[derive(Debug, Default)]
pub struct Room {
    rows: Mutex<Rows>,
    written: AtomicU64,
    dropped: AtomicU64,
    down: Mutex<Option<String>>,
}

#[derive(Debug, Default)]
struct Rows {
    events: VecDeque<EventRow>,
    intervals: VecDeque<IntervalRow>,
    decisions: VecDeque<DecisionRow>,
    audit: VecDeque<AuditRow>,
}

/// How the store is doing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RoomState {
    /// Rows written since the start.
    pub written: u64,
    /// Rows that wait.
    pub waiting: u64,
    /// Rows lost since the start.
    pub dropped: u64,
    /// What is wrong with the store, if it is down.
    pub down: Option<String>,
}

impl Room {
    /// An event.
    pub fn event(&self, row: EventRow) {
        self.put(|rows| bounded(&mut rows.events, row, EVENTS_ROOM))
    }
    /// A detector reading.
    pub fn interval(&self, row: IntervalRow) {
        self.put(|rows| bounded(&mut rows.intervals, row, INTERVALS_ROOM))
    }
    /// A decision.
    pub fn decision(&self, row: DecisionRow) {
        self.put(|rows| bounded(&mut rows.decisions, row, DECISIONS_ROOM))
    }
    /// An audit line.
    pub fn audit(&self, row: AuditRow) {
        self.put(|rows| bounded(&mut rows.audit, row, AUDIT_ROOM))
    }

    /// How the store is doing.
    pub fn state(&self) -> RoomState {
        let waiting = {
            let rows = self.lock();
            rows.events.len() + rows.intervals.len() + rows.decisions.len() + rows.audit.len()
        };
        RoomState {
            written: self.written.load(Ordering::Relaxed),
            waiting: waiting as u64,
            dropped: self.dropped.load(Ordering::Relaxed),
            down: self.down.lock().unwrap_or_else(|e| e.into_inner()).clone(),
        }
    }

    fn put(&self, put: impl FnOnce(&mut Rows) -> u64) {
        let lost = put(&mut self.lock());
        self.dropped.fetch_add(lost, Ordering::Relaxed);
    }

    fn take(&self) -> Batch {
        let mut rows = self.lock();
        Batch {
            events: oldest(&mut rows.events),
            intervals: oldest(&mut rows.intervals),
            decisions: oldest(&mut rows.decisions),
            audit: oldest(&mut rows.audit),
        }
    }

    /// Puts back what could not be written. What came meanwhile is newer, and stays if there is no room for both.
    fn give_back(&self, batch: Batch) {
        let mut rows = self.lock();
        let lost = refill(&mut rows.events, batch.events, EVENTS_ROOM)
            + refill(&mut rows.intervals, batch.intervals, INTERVALS_ROOM)
            + refill(&mut rows.decisions, batch.decisions, DECISIONS_ROOM)
            + refill(&mut rows.audit, batch.audit, AUDIT_ROOM);
        drop(rows);
        self.dropped.fetch_add(lost, Ordering::Relaxed);
    }

    fn set_down(&self, why: Option<String>) {
        *self.down.lock().unwrap_or_else(|e| e.into_inner()) = why;
    }

    // A poisoned lock only means that some thread panicked; the rows are whole.
    fn lock(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// Appends a row; returns how many old ones had to go.
fn bounded<T>(queue: &mut VecDeque<T>, row: T, bound: usize) -> u64 {
    queue.push_back(row);
    if queue.len() > bound {
        queue.pop_front();
        return 1;
    }
    0
}

fn oldest<T>(queue: &mut VecDeque<T>) -> Vec<T> {
    let n = queue.len().min(BATCH_ROWS);
    queue.drain(..n).collect()
}

/// Puts rows before the others; returns how many of the oldest had to go.
fn refill<T>(queue: &mut VecDeque<T>, rows: Vec<T>, bound: usize) -> u64 {
    let lost = (queue.len() + rows.len()).saturating_sub(bound);
    for row in rows.into_iter().skip(lost).rev() {
        queue.push_front(row);
    }
    lost as u64
}

/// Writes what waits, each second, until `shutdown`; then once more. `keep` is how long rows are kept.
pub async fn write_down(
    store: Arc<Store>,
    room: Arc<Room>,
    clock: Clock,
    keep: Duration,
    shutdown: CancellationToken,
) {
    let mut pause = WRITE_PERIOD;
    let mut forget_in = Duration::ZERO;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = tokio::time::sleep(pause) => {}
        }
        pause = match write_once(&store, &room).await {
            Ok(()) => WRITE_PERIOD,
            Err(_) => (pause * 2).min(LONGEST_PAUSE),
        };
        forget_in = forget_in.saturating_sub(pause);
        if forget_in.is_zero() {
            forget_in = FORGET_PERIOD;
            if let Err(error) = store.forget_before(clock.now() - keep).await {
                tracing::warn!(%error, "old rows were not removed from the store");
            }
        }
    }
    let last = tokio::time::timeout(LAST_WRITE, async {
        while !room.lock_is_empty() && write_once(&store, &room).await.is_ok() {}
    });
    if last.await.is_err() || !room.lock_is_empty() {
        tracing::error!(
            rows = room.state().waiting,
            "rows were lost because the store did not take them in time"
        );
    }
}

/// Writes what waits, batch after batch. An error means that the store is down and the rows wait on.
async fn write_once(store: &Store, room: &Room) -> Result<(), ()> {
    loop {
        let batch = room.take();
        if batch.is_empty() {
            return Ok(());
        }
        let parts = match store.write(&batch).await {
            // What was refused is in one kind of rows; the others need not be lost with it.
            Err(StoreError::Refused { .. }) => batch.by_kind(),
            answer => {
                settle(room, batch, answer)?;
                continue;
            }
        };
        for part in parts {
            let answer = store.write(&part).await;
            settle(room, part, answer)?;
        }
    }
}

/// Keeps the books about one batch. An error means that the store is down and the rows wait on.
fn settle(room: &Room, batch: Batch, answer: Result<(), StoreError>) -> Result<(), ()> {
    match answer {
        Ok(()) => {
            room.written.fetch_add(batch.len() as u64, Ordering::Relaxed);
            if room.state().down.is_some() {
                tracing::info!(rows = room.state().waiting, "the store is back");
                room.set_down(None);
            }
        }
        Err(StoreError::Refused { cause, .. }) => {
            // The same rows would be refused again, and hold up all that come after them.
            room.dropped.fetch_add(batch.len() as u64, Ordering::Relaxed);
            tracing::error!(rows = batch.len(), error = cause, "the store refused rows; they are lost");
        }
        Err(StoreError::Unavailable { cause, .. }) => {
            if room.state().down.is_none() {
                tracing::error!(error = cause, "the store is down; control goes on and rows wait");
            }
            room.set_down(Some(cause));
            room.give_back(batch);
            return Err(());
        }
    }
    Ok(())
}

impl Room {
    fn lock_is_empty(&self) -> bool {
        self.state().waiting == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{ids::JunctionIx, time::Moment};

    fn decision(number: u64) -> DecisionRow {
        DecisionRow { number, at: Moment(0), junction: JunctionIx(0), json: String::new() }
    }

    #[test]
    fn a_full_room_loses_the_oldest_and_counts_them() {
        let room = Room::default();
        for n in 0..DECISIONS_ROOM as u64 + 3 {
            room.decision(decision(n));
        }
        assert_eq!(room.state().dropped, 3);
        assert_eq!(room.state().waiting, DECISIONS_ROOM as u64);
        let batch = room.take();
        assert_eq!(batch.decisions[0].number, 3);
        // While it was away two newer ones came; there is room for them, so the two oldest go.
        room.decision(decision(900_001));
        room.decision(decision(900_002));
        room.give_back(batch);
        assert_eq!(room.state().dropped, 5);
        assert_eq!(room.take().decisions[0].number, 5);
    }
}
