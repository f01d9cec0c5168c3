//! The waiting room between control and the store, and the one task that empties it.

use super::{
    AuditRow, Batch, DecisionRow, DocumentRow, EventRow, IntervalRow, Place, Store, StoreError,
    receipts::Receipt,
};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wire::clock::Clock;

/// Most hi-res events that wait, rows. 5,000 junctions make some 20,000 a second, so this is most of a minute
/// at full size and over half an hour for the demo; 16 bytes each. Beyond it the oldest are lost, and counted.
pub const EVENTS_ROOM: usize = 1_000_000;
/// Most detector readings that wait, rows: 16,000 channels each 20 s for 20 minutes; 28 bytes each. Beyond it
/// the oldest are lost, and counted.
pub const INTERVALS_ROOM: usize = 1_000_000;
/// Most decisions that wait, rows. About 1 kB each, so 50 MB. Beyond it the oldest are lost, and counted.
pub const DECISIONS_ROOM: usize = 50_000;
/// Most audit lines that wait. People make them, one for each junction of an order for the city.
pub const AUDIT_ROOM: usize = 100_000;
/// Most documents that wait; a kilobyte or two each. A city in trouble changes some thousand in a minute. Beyond it the
/// oldest states are lost, most of which were replaced anyway.
pub const DOCUMENTS_ROOM: usize = 50_000;
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
#[derive(Debug)]
pub struct Room {
    /// Tells this room's rows from those of the program's lives before.
    run: Uuid,
    rows: Mutex<Rows>,
    written: AtomicU64,
    dropped: AtomicU64,
    down: Mutex<Option<String>>,
}

impl Default for Room {
    fn default() -> Room {
        let mut bytes = [0; 16];
        if let Err(error) = getrandom::fill(&mut bytes) {
            // Then a batch whose answer was lost may be written twice, and nothing else is wrong.
            tracing::warn!(%error, "no randomness for the name of this run");
        }
        Room {
            run: Uuid::from_bytes(bytes),
            rows: Mutex::default(),
            written: AtomicU64::default(),
            dropped: AtomicU64::default(),
            down: Mutex::default(),
        }
    }
}

#[derive(Debug, Default)]
struct Rows {
    events: Line<EventRow>,
    intervals: Line<IntervalRow>,
    decisions: Line<DecisionRow>,
    audit: Line<AuditRow>,
    documents: Line<DocumentRow>,
}

/// Rows of one kind in order, and the receipts for what they were made of, where somebody waits for them. Rows are
/// numbered from the first that ever came.
#[derive(Debug)]
struct Line<T> {
    rows: VecDeque<T>,
    /// Number of the first of them.
    front: u64,
    /// Number of the first row of the batch that is being written, while one is.
    away: Option<u64>,
    due: VecDeque<Due>,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Line { rows: VecDeque::new(), front: 0, away: None, due: VecDeque::new() }
    }
}

/// A receipt for rows `first..after`.
#[derive(Debug)]
struct Due {
    first: u64,
    after: u64,
    receipt: Receipt,
    lost: bool,
}

impl<T> Line<T> {
    /// Appends rows with the receipts for them; returns how many old ones had to go.
    fn push(&mut self, rows: Vec<T>, receipts: Vec<Receipt>, bound: usize) -> u64 {
        let first = self.front + self.rows.len() as u64;
        self.rows.extend(rows);
        let after = self.front + self.rows.len() as u64;
        self.due.extend(receipts.into_iter().map(|receipt| Due { first, after, receipt, lost: false }));
        let lost = self.rows.len().saturating_sub(bound);
        self.rows.drain(..lost);
        self.lose(self.front, lost as u64);
        self.front += lost as u64;
        lost as u64
    }

    fn lose(&mut self, from: u64, count: u64) {
        let begin = self.due.partition_point(|due| due.after <= from);
        let touched = self.due.range_mut(begin..).take_while(|due| due.first < from + count);
        touched.for_each(|due| due.lost = true);
    }

    fn take(&mut self) -> Vec<T> {
        let n = self.rows.len().min(BATCH_ROWS);
        self.away = (n > 0).then_some(self.front);
        self.front += n as u64;
        self.rows.drain(..n).collect()
    }

    /// Puts the batch before the others; returns how many of the oldest had to go.
    fn give_back(&mut self, rows: Vec<T>, bound: usize) -> u64 {
        let Some(away) = self.away.take_if(|_| !rows.is_empty()) else { return 0 };
        let lost = (self.rows.len() + rows.len()).saturating_sub(bound);
        self.lose(away, lost as u64);
        self.front -= (rows.len() - lost) as u64;
        for row in rows.into_iter().skip(lost).rev() {
            self.rows.push_front(row);
        }
        lost as u64
    }

    /// The receipts for whose rows nobody waits any longer; true beside those of which a row was lost.
    fn settled(&mut self) -> impl Iterator<Item = (Receipt, bool)> {
        let handled = self.away.unwrap_or(self.front);
        let n = self.due.partition_point(|due| due.after <= handled);
        self.due.drain(..n).map(|due| (due.receipt, due.lost))
    }
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
    /// Events of one entry, and its receipt if its cabinet waits for it.
    pub fn events(&self, rows: Vec<EventRow>, receipt: Option<Receipt>) {
        self.put(|all| all.events.push(rows, receipt.into_iter().collect(), EVENTS_ROOM))
    }
    /// Detector readings, and the receipts for what is in them.
    pub fn intervals(&self, rows: Vec<IntervalRow>, receipts: Vec<Receipt>) {
        self.put(|all| all.intervals.push(rows, receipts, INTERVALS_ROOM))
    }
    /// A decision.
    pub fn decision(&self, row: DecisionRow) {
        self.put(|all| all.decisions.push(vec![row], Vec::new(), DECISIONS_ROOM))
    }
    /// An audit line.
    pub fn audit(&self, row: AuditRow) {
        self.put(|all| all.audit.push(vec![row], Vec::new(), AUDIT_ROOM))
    }
    /// A document in its newest state.
    pub fn document(&self, row: DocumentRow) {
        self.put(|all| all.documents.push(vec![row], Vec::new(), DOCUMENTS_ROOM))
    }

    /// The receipts for what has been settled since the last call: true beside those that were lost here.
    pub fn settled(&self) -> Vec<(Receipt, bool)> {
        let mut rows = self.lock();
        let mut settled: Vec<_> = rows.events.settled().collect();
        settled.extend(rows.intervals.settled());
        settled
    }

    /// How the store is doing.
    pub fn state(&self) -> RoomState {
        let waiting = {
            let rows = self.lock();
            rows.events.rows.len()
                + rows.intervals.rows.len()
                + rows.decisions.rows.len()
                + rows.audit.rows.len()
                + rows.documents.rows.len()
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
        let first = [
            rows.events.front,
            rows.intervals.front,
            rows.decisions.front,
            rows.audit.front,
            rows.documents.front,
        ];
        Batch {
            place: Some(Place { run: self.run, first }),
            events: rows.events.take(),
            intervals: rows.intervals.take(),
            decisions: rows.decisions.take(),
            audit: rows.audit.take(),
            documents: rows.documents.take(),
        }
    }

    /// Puts back what could not be written. What came meanwhile is newer, and stays if there is no room for both.
    fn give_back(&self, batch: Batch) {
        let mut rows = self.lock();
        let lost = rows.events.give_back(batch.events, EVENTS_ROOM)
            + rows.intervals.give_back(batch.intervals, INTERVALS_ROOM)
            + rows.decisions.give_back(batch.decisions, DECISIONS_ROOM)
            + rows.audit.give_back(batch.audit, AUDIT_ROOM)
            + rows.documents.give_back(batch.documents, DOCUMENTS_ROOM);
        drop(rows);
        self.dropped.fetch_add(lost, Ordering::Relaxed);
    }

    /// The batch is written, or will never be.
    fn finish(&self, batch: &Batch) {
        let mut rows = self.lock();
        rows.events.away.take_if(|_| !batch.events.is_empty());
        rows.intervals.away.take_if(|_| !batch.intervals.is_empty());
        rows.decisions.away.take_if(|_| !batch.decisions.is_empty());
        rows.audit.away.take_if(|_| !batch.audit.is_empty());
        rows.documents.away.take_if(|_| !batch.documents.is_empty());
    }

    fn set_down(&self, why: Option<String>) {
        *self.down.lock().unwrap_or_else(|e| e.into_inner()) = why;
    }

    // A poisoned lock only means that some thread panicked; the rows are whole.
    fn lock(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(|e| e.into_inner())
    }
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
        let mut up = Ok(());
        for part in parts {
            if up.is_ok() {
                let answer = store.write(&part).await;
                up = settle(room, part, answer);
            } else {
                room.give_back(part);
            }
        }
        up?;
    }
}

/// Keeps the books about one batch. An error means that the store is down and the rows wait on.
fn settle(room: &Room, batch: Batch, answer: Result<(), StoreError>) -> Result<(), ()> {
    match answer {
        Ok(()) => {
            room.finish(&batch);
            room.written.fetch_add(batch.len() as u64, Ordering::Relaxed);
            if room.state().down.is_some() {
                tracing::info!(rows = room.state().waiting, "the store is back");
                room.set_down(None);
            }
        }
        Err(StoreError::Refused { cause, .. }) => {
            // The same rows would be refused again, and hold up all that come after them.
            room.finish(&batch);
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
    use uuid::Uuid;
    use wire::topic::StatusCode;

    fn decision(number: u64) -> DecisionRow {
        DecisionRow { number, at: Moment(0), junction: JunctionIx(0), json: String::new() }
    }

    fn receipt(seq: u64) -> Option<Receipt> {
        Some(Receipt { junction: JunctionIx(0), code: StatusCode::Events, boot_id: Uuid::nil(), seq })
    }

    fn events(n: usize) -> Vec<EventRow> {
        vec![EventRow { at: Moment(0), junction: JunctionIx(0), code: 1, param: 1 }; n]
    }

    fn settled(room: &Room) -> Vec<(u64, bool)> {
        room.settled().into_iter().map(|(receipt, lost)| (receipt.seq, lost)).collect()
    }

    #[test]
    fn a_receipt_is_settled_with_the_last_of_its_rows() {
        let room = Room::default();
        room.events(vec![], receipt(0));
        room.events(events(BATCH_ROWS - 1), receipt(1));
        room.events(events(2), receipt(2));
        assert_eq!(settled(&room), [(0, false)], "nothing of it is worth keeping");
        let first = room.take();
        assert_eq!(settled(&room), [], "it is away");
        room.give_back(first);
        assert_eq!(settled(&room), [], "and back");
        let first = room.take();
        room.finish(&first);
        assert_eq!(settled(&room), [(1, false)], "one row of the second entry still waits");
        room.finish(&room.take());
        assert_eq!(settled(&room), [(2, false)]);
        room.events(events(1), receipt(3));
        room.events(events(EVENTS_ROOM), receipt(4));
        assert_eq!(settled(&room), [(3, true)], "lost at the bound, so its cabinet has to send it again");
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
