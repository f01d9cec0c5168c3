//! Brings tickets what alarms and measures say, and keeps them: the board that everybody looks at, and the task that lets the
//! watchdog look at each period of the day once it is over.

use crate::{
    alarms,
    api::view::AlarmView,
    measures::{
        report::Whole,
        street::Street,
        utah::watchdog::{Finding, Verdict, Watchdog},
    },
    store::{DocumentKind, DocumentRow, Store, StoreError, room::Room},
    tickets::{Fault, Rules, Sign, Ticket, Tickets},
};
use model::{city::City, ids::JunctionIx, time::Moment};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use wire::clock::Clock;

/// So long after the start alarms are not yet all there: what does not show may only not have been heard of.
pub(crate) const SETTLING: Duration = Duration::from_secs(60);
/// The watchdog's periods end at these hours of the day.
const PERIODS_END: [i64; 3] = [5, 18, 24];
/// So long after a period its last events are in the store.
const GRACE: Duration = Duration::from_secs(600);
/// After the store was down.
const AGAIN: Duration = Duration::from_secs(60);
/// Most events of a junction's day that are looked at; a busy junction says a quarter of that.
const MOST_EVENTS: usize = 2_000_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// All tickets, for whoever asks.
#[derive(Debug)]
pub(crate) struct TicketBoard {
    rules: Rules,
    started: Moment,
    /// Before the store has said what there was, there are none: numbers would be given twice.
    tickets: Mutex<Option<Tickets>>,
    room: Arc<Room>,
}

impl TicketBoard {
    pub(crate) fn new(rules: Rules, started: Moment, room: Arc<Room>) -> TicketBoard {
        TicketBoard { rules, started, tickets: Mutex::default(), room }
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Looks at the tickets; `None` before the store has said what there was.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Tickets) -> T) -> Option<T> {
        let tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.as_ref().map(look)
    }

    /// Changes tickets and keeps those that changed, which `change` names.
    pub(crate) fn change<T>(
        &self,
        now: Moment,
        change: impl FnOnce(&mut Tickets) -> (T, Vec<u64>),
    ) -> Option<T> {
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        let tickets = tickets.as_mut()?;
        let (answer, mut changed) = change(tickets);
        changed.sort_unstable();
        changed.dedup();
        for ticket in changed.iter().filter_map(|number| tickets.get(*number)) {
            self.room.document(row(now, ticket));
        }
        Some(answer)
    }

    /// Takes all alarms that stand.
    pub(crate) fn alarms(&self, now: Moment, standing: &[AlarmView]) {
        if now.since(self.started) < SETTLING {
            return;
        }
        let sign = |alarm: &AlarmView| Sign {
            fault: Fault {
                junction: alarm.junction.clone().unwrap_or_default(),
                code: alarm.code.clone(),
                component: alarm.component.clone(),
            },
            priority: alarm.priority,
            since: Moment(alarm.since),
            message: alarm.message.clone(),
            value: None,
        };
        let to_mend = standing.iter().filter(|alarm| alarm.code != alarms::STALLED);
        let signs: Vec<Sign> = to_mend.map(sign).collect();
        self.change(now, |tickets| ((), tickets.alarms(now, &signs)));
    }

    fn recall(&self, recalled: Vec<Ticket>) {
        let mut tickets = Tickets::new(self.rules);
        recalled.into_iter().for_each(|ticket| tickets.recall(ticket));
        tracing::debug!(open = tickets.open().count(), "tickets recalled");
        *self.tickets.lock().unwrap_or_else(PoisonError::into_inner) = Some(tickets);
    }
}

fn row(now: Moment, ticket: &Ticket) -> DocumentRow {
    DocumentRow {
        kind: DocumentKind::Ticket,
        // In the order of their numbers.
        id: format!("{:012}", ticket.number),
        at: now,
        closed: ticket.closed.is_some() && !ticket.tolerated,
        json: serde_json::to_string(ticket).expect("plain data always serialises"),
    }
}

/// The task that lets the watchdog look.
pub(crate) struct Watch {
    pub(crate) city: Arc<City>,
    pub(crate) owned: Vec<JunctionIx>,
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Clock,
    pub(crate) zone: jiff::tz::TimeZone,
    pub(crate) board: Arc<TicketBoard>,
    pub(crate) keep: Duration,
}

impl Watch {
    /// Recalls the tickets, then looks at each period once it is over; at the last one that is over at once, since nobody may have.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let Some(tickets) = self.store.recall(DocumentKind::Ticket, &shutdown).await else { return };
        self.board.recall(tickets);
        let mut end = last_end(self.local(self.clock.now() - GRACE));
        loop {
            let wake = tokio::select! {
                () = shutdown.cancelled() => return,
                looked = self.look(end) => match looked {
                    Ok(()) => {
                        end = next_end(end);
                        self.utc(end) + GRACE
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the watchdog waits for the store");
                        self.clock.now() + AGAIN
                    }
                },
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.clock.sleep_until(wake) => {}
            }
        }
    }

    /// Looks at the day until `end`, by the place's clock, at all junctions.
    async fn look(&self, end: Moment) -> Result<(), StoreError> {
        let begins = Moment((end.0 - 1).div_euclid(DAY_MS) * DAY_MS);
        for &ix in &self.owned {
            let page = self.store.events(ix, self.utc(begins)..self.utc(end), MOST_EVENTS).await?;
            let (city, ahead_ms) = (self.city.clone(), self.ahead_ms());
            let judge = move || {
                let street = Street::of(&city.junctions[ix.ix()], &city.network);
                let mut dog =
                    Watchdog::new(&street.detectors).with_buttons(street.buttons.values().flatten().copied());
                street.log(&page.rows, ahead_ms).into_iter().for_each(|event| dog.take(event));
                dog.verdicts(Whole { first: begins, last: end })
            };
            // A day of a junction takes a good part of a second.
            let Ok(verdicts) = tokio::task::spawn_blocking(judge).await else { continue };
            self.judge(ix, &verdicts);
        }
        let now = self.clock.now();
        let first = now - self.keep;
        self.board.change(now, |tickets| (tickets.forget_before(first), Vec::new()));
        Ok(())
    }

    fn judge(&self, ix: JunctionIx, verdicts: &[Verdict]) {
        let junction = self.city.junctions[ix.ix()].id.as_str();
        let (mut odd, mut sound) = (Vec::new(), Vec::new());
        for verdict in verdicts {
            let Some(sign) = sign(junction, verdict, self.utc(verdict.begins)) else { continue };
            if verdict.odd { odd.push(sign) } else { sound.push(sign.fault) }
        }
        let now = self.clock.now();
        self.board.change(now, |tickets| ((), tickets.judged(now, &odd, &sound)));
    }

    fn ahead_ms(&self) -> i64 {
        let now = jiff::Timestamp::from_millisecond(self.clock.now().0);
        now.map_or(0, |now| i64::from(self.zone.to_offset(now).seconds()) * 1000)
    }
    fn local(&self, at: Moment) -> Moment {
        Moment(at.0 + self.ahead_ms())
    }
    fn utc(&self, local: Moment) -> Moment {
        Moment(local.0 - self.ahead_ms())
    }
}

/// The newest end of a period that is not after then, by the place's clock.
fn last_end(local: Moment) -> Moment {
    let day = local.0.div_euclid(DAY_MS) * DAY_MS;
    let ends = PERIODS_END.iter().flat_map(|hour| [day + hour * HOUR_MS, day - DAY_MS + hour * HOUR_MS]);
    Moment(ends.filter(|end| *end <= local.0).max().unwrap_or(day))
}

/// The end of the period after the one that ended then.
fn next_end(end: Moment) -> Moment {
    let day = end.0.div_euclid(DAY_MS) * DAY_MS;
    let next = PERIODS_END.iter().map(|hour| day + hour * HOUR_MS).find(|next| *next > end.0);
    Moment(next.unwrap_or(day + DAY_MS + PERIODS_END[0] * HOUR_MS))
}

/// What a finding is as a sign of a fault. Greens that end by force-off are how coordination works, and no fault by themselves.
fn sign(junction: &str, verdict: &Verdict, since: Moment) -> Option<Sign> {
    let Verdict { finding, of, value, .. } = *verdict;
    let of = of.unwrap_or(0);
    let group = format!("sg/{of}");
    let (code, component, message) = match finding {
        Finding::MissingData => ("missing_data", String::new(), format!("the day has only {value} events")),
        Finding::MaxOut => {
            let message =
                format!("{value} % of group {of}'s greens ran to their maximum from 1 to 5 at night");
            ("max_out", group, message)
        }
        Finding::StuckPed => {
            let message = format!("group {of}'s push-button called {value} times from 1 to 5 at night");
            ("stuck_ped", group, message)
        }
        Finding::LowDetectorHits => {
            let message = format!("channel {of} counted {value} from 17 to 18 h");
            ("low_hits", format!("dl/{of}"), message)
        }
        Finding::ForceOff => return None,
    };
    let fault = Fault { junction: junction.to_owned(), code: code.to_owned(), component };
    Some(Sign { fault, priority: 3, since, message, value: Some(value) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_comes_when_a_period_is_over() {
        let at = |day: i64, hour: i64| Moment(day * DAY_MS + hour * HOUR_MS);
        let check = |now: Moment, last: Moment, next: Moment| {
            assert_eq!((last_end(now), next_end(last_end(now))), (last, next), "{now:?}");
        };
        check(at(9, 4), at(9, 0), at(9, 5));
        check(at(9, 5), at(9, 5), at(9, 18));
        check(at(9, 17), at(9, 5), at(9, 18));
        check(at(9, 23), at(9, 18), at(10, 0));
    }
}
