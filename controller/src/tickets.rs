//! Tickets: faults that somebody must mend, from the first sign to the proof that all is well again.
//!
//! Alarms come and go; a ticket stays. The same fault has one ticket, however often it shows. It closes by proof: the
//! device has been well for long enough, or the measure of a whole day is good again. Somebody may close it without proof
//! too, which the ticket then says. Silence proves nothing: while a junction is not in contact, its tickets wait.
//!
//! Pure: time is handed in, and [`crate::ticketing`] carries things to and fro.

use model::time::Moment;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The code of the alarm that says that nothing is heard of a junction.
const NO_CONTACT: &str = "no_contact";
/// A device's fault becomes a ticket once it has stood for so long, by priority: what must be acted on at once does so at
/// once, the rest may be a restart.
pub const PATIENCE: [Duration; 3] = [Duration::ZERO, Duration::from_secs(60), Duration::from_secs(60)];
/// A fault that shows again so soon after its ticket was closed is the same one.
pub const SAME_WITHIN: Duration = Duration::from_secs(86_400);
/// Lines of a ticket's history. Past it, old comings and goings are left out: a fault that flickers writes many.
pub const MOST_LINES: usize = 200;
/// Open tickets at once. A city in which more is broken has one trouble, not ten thousand.
pub const MOST_OPEN: usize = 10_000;

/// How soon what must happen, by priority 1 to 3.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules {
    /// Somebody has taken note.
    pub accept_within: [Duration; 3],
    /// It is mended.
    pub mend_within: [Duration; 3],
    /// A device that has been well for so long is mended.
    pub proof: Duration,
}

impl Default for Rules {
    /// What stands in the configuration that we ship.
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        Rules {
            accept_within: [5, 60, 480].map(minutes),
            mend_within: [4 * 60, 24 * 60, 72 * 60].map(minutes),
            proof: minutes(10),
        }
    }
}

/// What is wrong where. Two signs that agree in it are of the same fault.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Fault {
    /// The junction's id.
    pub junction: String,
    /// `tlc.detector`, `stuck_ped`, ….
    pub code: String,
    /// `sg/3`, `dl/7` or empty.
    pub component: String,
}

/// Who saw it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// An alarm: a device's, or the centre's own conclusion.
    Alarm,
    /// The watchdog over a day's measures.
    Measure,
    /// Somebody.
    Person,
}

/// A sign of a fault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sign {
    /// Of what.
    pub fault: Fault,
    /// 1 act now, 2 within the hour, 3 this shift.
    pub priority: u8,
    /// Since when it shows.
    pub since: Moment,
    /// For people, English.
    pub message: String,
    /// How much the measure says: a share in %, calls, hits.
    pub value: Option<u32>,
}

/// Something that happened to a ticket.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happened {
    /// It was opened.
    Opened,
    /// The fault does not show any more.
    Gone,
    /// It shows again.
    Back,
    /// Somebody took note.
    Accepted,
    /// It is somebody's; or nobody's any longer.
    Assigned(Option<String>),
    /// Somebody wrote something down.
    Noted(String),
    /// The device has been well since then.
    Proved(Moment),
    /// Somebody closed it. What they said, and whether the fault was still there.
    Closed {
        /// Why.
        reason: String,
        /// Nothing proved that it is mended.
        unproved: bool,
    },
}

/// A line of a ticket's history.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// When.
    pub at: Moment,
    /// Whose doing, if it was a person's.
    pub who: Option<String>,
    /// What.
    pub what: Happened,
}

/// How far a ticket is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Nobody has taken note.
    New,
    /// Somebody has.
    Accepted,
    /// The fault is gone; the proof is awaited.
    Proving,
    /// It is over.
    Closed,
}

/// A ticket.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ticket {
    /// Its number.
    pub number: u64,
    /// What is wrong.
    pub fault: Fault,
    /// Who saw it first.
    pub source: Source,
    /// 1 act now, 2 within the hour, 3 this shift.
    pub priority: u8,
    /// For people, English.
    pub message: String,
    /// How much the measure said when it was opened.
    pub value: Option<u32>,
    /// Since when, the last time that it was opened.
    pub opened: Moment,
    /// Somebody ought to have taken note by then.
    pub accept_by: Moment,
    /// It ought to be mended by then.
    pub due: Moment,
    /// Since when the fault does not show.
    pub gone: Option<Moment>,
    /// How often it came back.
    pub returned: u32,
    /// Who took note.
    pub accepted: Option<String>,
    /// Whose it is.
    pub assignee: Option<String>,
    /// When it was closed.
    pub closed: Option<Moment>,
    /// It was closed while the fault was there, which has not been gone since.
    pub tolerated: bool,
    /// Its history, oldest first.
    pub lines: Vec<Line>,
}

impl Ticket {
    /// How far it is.
    pub fn state(&self) -> State {
        match (self.closed, self.gone, &self.accepted) {
            (Some(_), ..) => State::Closed,
            (None, Some(_), _) => State::Proving,
            (None, None, Some(_)) => State::Accepted,
            (None, None, None) => State::New,
        }
    }

    fn write(&mut self, at: Moment, who: Option<&str>, what: Happened) {
        if self.lines.len() >= MOST_LINES {
            let passing = |line: &Line| matches!(line.what, Happened::Gone | Happened::Back);
            let oldest = self.lines.iter().position(passing).unwrap_or(0);
            self.lines.remove(oldest);
        }
        self.lines.push(Line { at, who: who.map(str::to_owned), what });
    }
}

/// What somebody does about a ticket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// Takes note of it.
    Accept,
    /// Gives it to somebody, or to nobody.
    Assign(Option<String>),
    /// Writes something down.
    Note(String),
    /// Closes it. `unproved` says that they know that nothing proves it.
    Close {
        /// Why.
        reason: String,
        /// They know.
        unproved: bool,
    },
}

/// Why somebody could not do it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// There is no such ticket.
    Unknown,
    /// It is closed.
    Closed,
    /// The fault is still there, and they have not said that they know.
    Unproved,
    /// Too many are open.
    Full,
}

/// All tickets.
#[derive(Clone, Debug, Default)]
pub struct Tickets {
    rules: Rules,
    all: BTreeMap<u64, Ticket>,
    /// The newest ticket of each fault.
    latest: BTreeMap<Fault, u64>,
    open: BTreeSet<u64>,
    last: u64,
}

impl Tickets {
    /// No tickets yet.
    pub fn new(rules: Rules) -> Tickets {
        Tickets { rules, ..Tickets::default() }
    }

    /// Takes a ticket from before the start.
    pub fn recall(&mut self, ticket: Ticket) {
        self.last = self.last.max(ticket.number);
        self.put(ticket);
    }

    /// The ticket of that number.
    pub fn get(&self, number: u64) -> Option<&Ticket> {
        self.all.get(&number)
    }

    /// All that are remembered, newest first.
    pub fn all(&self) -> impl Iterator<Item = &Ticket> {
        self.all.values().rev()
    }

    /// Those that nobody has closed.
    pub fn open(&self) -> impl Iterator<Item = &Ticket> {
        self.open.iter().rev().filter_map(|number| self.all.get(number))
    }

    /// Takes all alarms that stand now. The numbers of the tickets that changed.
    pub fn alarms(&mut self, now: Moment, standing: &[Sign]) -> Vec<u64> {
        let mut changed = Vec::new();
        let there: BTreeSet<&Fault> = standing.iter().map(|sign| &sign.fault).collect();
        let silent: BTreeSet<&str> = (standing.iter().map(|sign| &sign.fault))
            .filter(|fault| fault.code == NO_CONTACT)
            .map(|fault| fault.junction.as_str())
            .collect();
        for sign in standing {
            let patience = PATIENCE[level(sign.priority)];
            if now.since(sign.since) >= patience {
                changed.extend(self.show(now, sign, Source::Alarm));
            }
        }
        let missing = |ticket: &&Ticket| {
            ticket.source == Source::Alarm
                && !there.contains(&ticket.fault)
                && !(silent.contains(ticket.fault.junction.as_str()) && ticket.fault.code != NO_CONTACT)
        };
        let tolerated = self.all.values().filter(|ticket| ticket.tolerated);
        let missing: Vec<u64> = self.open().chain(tolerated).filter(missing).map(|t| t.number).collect();
        for number in missing {
            let Some(ticket) = self.all.get_mut(&number) else { continue };
            if ticket.tolerated {
                ticket.tolerated = false;
                changed.push(number);
                continue;
            }
            let gone = match ticket.gone {
                Some(gone) => gone,
                None => {
                    ticket.gone = Some(now);
                    ticket.write(now, None, Happened::Gone);
                    changed.push(number);
                    now
                }
            };
            if now.since(gone) >= self.rules.proof {
                ticket.closed = Some(now);
                ticket.write(now, None, Happened::Proved(gone));
                self.open.remove(&number);
                changed.push(number);
            }
        }
        // What was well until it fell silent has to be well for the whole time again.
        for number in self.open.clone() {
            if let Some(ticket) = self.all.get_mut(&number)
                && ticket.source == Source::Alarm
                && ticket.gone.is_some()
                && ticket.fault.code != NO_CONTACT
                && silent.contains(ticket.fault.junction.as_str())
            {
                ticket.gone = None;
                changed.push(number);
            }
        }
        changed
    }

    /// Takes what the watchdog judged of a junction: what is odd, and which faults it found not to be there.
    pub fn judged(&mut self, now: Moment, odd: &[Sign], sound: &[Fault]) -> Vec<u64> {
        let mut changed: Vec<u64> =
            odd.iter().filter_map(|sign| self.show(now, sign, Source::Measure)).collect();
        for fault in sound {
            let Some(&number) = self.latest.get(fault) else { continue };
            let Some(ticket) = self.all.get_mut(&number) else { continue };
            if ticket.source != Source::Measure || (ticket.closed.is_some() && !ticket.tolerated) {
                continue;
            }
            if ticket.tolerated {
                ticket.tolerated = false;
            } else {
                // A whole period of the measure is the proof.
                ticket.gone = Some(now);
                ticket.closed = Some(now);
                ticket.write(now, None, Happened::Proved(now));
                self.open.remove(&number);
            }
            changed.push(number);
        }
        changed
    }

    /// Somebody saw something that no device tells.
    pub fn report(&mut self, now: Moment, mut sign: Sign, who: &str) -> Result<u64, Refused> {
        if self.open.len() >= MOST_OPEN {
            return Err(Refused::Full);
        }
        let number = self.last + 1;
        // Each is a fault of its own: two people may mean two things by the same words.
        sign.fault.component = format!("no/{number}");
        self.open_new(now, &sign, Source::Person, Some(who));
        Ok(number)
    }

    /// Somebody does something about a ticket.
    pub fn act(&mut self, now: Moment, number: u64, who: &str, act: Act) -> Result<(), Refused> {
        let ticket = self.all.get_mut(&number).ok_or(Refused::Unknown)?;
        match act {
            Act::Note(text) => ticket.write(now, Some(who), Happened::Noted(text)),
            _ if ticket.closed.is_some() => return Err(Refused::Closed),
            Act::Accept => {
                if ticket.accepted.is_none() {
                    ticket.accepted = Some(who.to_owned());
                    ticket.write(now, Some(who), Happened::Accepted);
                }
            }
            Act::Assign(to) => {
                ticket.assignee.clone_from(&to);
                ticket.write(now, Some(who), Happened::Assigned(to));
            }
            Act::Close { reason, unproved } => {
                // Nothing ever proves what only people see.
                let there = ticket.gone.is_none() && ticket.source != Source::Person;
                if there && !unproved {
                    return Err(Refused::Unproved);
                }
                ticket.closed = Some(now);
                ticket.tolerated = there;
                ticket.write(now, Some(who), Happened::Closed { reason, unproved: there });
                self.open.remove(&number);
            }
        }
        Ok(())
    }

    /// A fault shows. The number of its ticket, if that changed.
    fn show(&mut self, now: Moment, sign: &Sign, source: Source) -> Option<u64> {
        let known = self.latest.get(&sign.fault).and_then(|number| self.all.get_mut(number));
        let Some(ticket) = known else {
            return self.open_new(now, sign, source, None);
        };
        match ticket.closed {
            None => {
                ticket.gone.take()?;
                ticket.returned += 1;
                ticket.write(now, None, Happened::Back);
                Some(ticket.number)
            }
            Some(_) if ticket.tolerated => None,
            Some(at) if now.since(at) <= SAME_WITHIN => {
                // Whoever had it has to look again.
                ticket.closed = None;
                ticket.gone = None;
                ticket.accepted = None;
                ticket.returned += 1;
                ticket.opened = now;
                ticket.accept_by = now + self.rules.accept_within[level(ticket.priority)];
                ticket.due = now + self.rules.mend_within[level(ticket.priority)];
                ticket.write(now, None, Happened::Back);
                self.open.insert(ticket.number);
                Some(ticket.number)
            }
            Some(_) => self.open_new(now, sign, source, None),
        }
    }

    fn open_new(&mut self, now: Moment, sign: &Sign, source: Source, who: Option<&str>) -> Option<u64> {
        if self.open.len() >= MOST_OPEN {
            return None;
        }
        let i = level(sign.priority);
        let mut ticket = Ticket {
            number: self.last + 1,
            fault: sign.fault.clone(),
            source,
            priority: i as u8 + 1,
            message: sign.message.clone(),
            value: sign.value,
            opened: now,
            accept_by: now + self.rules.accept_within[i],
            due: now + self.rules.mend_within[i],
            gone: None,
            returned: 0,
            accepted: None,
            assignee: None,
            closed: None,
            tolerated: false,
            lines: Vec::new(),
        };
        ticket.write(now, who, Happened::Opened);
        self.last += 1;
        self.put(ticket);
        Some(self.last)
    }

    fn put(&mut self, ticket: Ticket) {
        let newest = self.latest.entry(ticket.fault.clone()).or_insert(ticket.number);
        *newest = ticket.number.max(*newest);
        if ticket.closed.is_none() {
            self.open.insert(ticket.number);
        }
        self.all.insert(ticket.number, ticket);
    }

    /// Forgets what was closed before `first`, as the store does.
    pub fn forget_before(&mut self, first: Moment) {
        self.all.retain(|_, ticket| ticket.tolerated || ticket.closed.is_none_or(|at| at >= first));
        let all = &self.all;
        self.latest.retain(|_, number| all.contains_key(number));
    }
}

/// Where a priority stands in tables by priority.
fn level(priority: u8) -> usize {
    usize::from(priority.clamp(1, 3)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(code: &str, component: &str, priority: u8, since_s: i64) -> Sign {
        let fault = Fault { junction: "7".into(), code: code.into(), component: component.into() };
        Sign { fault, priority, since: Moment(since_s * 1000), message: "m".into(), value: None }
    }

    fn at(s: i64) -> Moment {
        Moment(s * 1000)
    }

    /// State, how often it came back, and the history in short.
    fn short(tickets: &Tickets, number: u64) -> String {
        let ticket = tickets.get(number).unwrap();
        let lines = ticket.lines.iter().map(|line| match &line.what {
            Happened::Closed { unproved, .. } => {
                format!("closed{}", if *unproved { " unproved" } else { "" })
            }
            what => format!("{what:?}").split('(').next().unwrap().to_lowercase(),
        });
        let lines: Vec<_> = lines.collect();
        format!("{:?} {}: {}", ticket.state(), ticket.returned, lines.join(", "))
    }

    #[test]
    fn the_same_fault_has_one_ticket_until_the_device_was_well_for_long_enough() {
        let mut tickets = Tickets::default();
        let broken = [sign("tlc.detector", "dl/7", 3, 0)];
        assert!(tickets.alarms(at(59), &broken).is_empty(), "it may pass");
        assert_eq!(tickets.alarms(at(60), &broken), [1]);
        assert!(tickets.alarms(at(61), &broken).is_empty(), "nothing new");
        assert_eq!(tickets.alarms(at(100), &[]), [1]);
        assert_eq!(short(&tickets, 1), "Proving 0: opened, gone");
        assert_eq!(tickets.alarms(at(200), &broken), [1]);
        assert_eq!(short(&tickets, 1), "New 1: opened, gone, back");
        tickets.alarms(at(300), &[]);
        assert!(tickets.alarms(at(899), &[]).is_empty());
        assert_eq!(tickets.alarms(at(900), &[]), [1]);
        assert_eq!(short(&tickets, 1), "Closed 1: opened, gone, back, gone, proved");
        assert_eq!(tickets.open().count(), 0);
        // Within the day it is the same one, later another.
        assert_eq!(tickets.alarms(at(2000), &broken), [1]);
        tickets.alarms(at(3000), &[]);
        tickets.alarms(at(4000), &[]);
        assert_eq!(tickets.alarms(at(4000 + 86_401), &broken), [2]);
    }

    #[test]
    fn what_must_be_acted_on_at_once_waits_for_nothing() {
        let mut tickets = Tickets::default();
        assert_eq!(tickets.alarms(at(10), &[sign("dark", "", 1, 10)]), [1]);
        let ticket = tickets.get(1).unwrap();
        assert_eq!((ticket.accept_by, ticket.due), (at(10 + 300), at(10 + 4 * 3600)));
    }

    #[test]
    fn silence_proves_nothing() {
        let mut tickets = Tickets::default();
        tickets.alarms(at(60), &[sign("tlc.lamp", "sg/3", 2, 0)]);
        tickets.alarms(at(100), &[]);
        let silent = [sign("no_contact", "", 2, 200)];
        tickets.alarms(at(260), &silent);
        tickets.alarms(at(5000), &silent);
        assert_eq!(tickets.get(1).unwrap().state(), State::New);
        // Contact again: both are well now, and both need their time.
        tickets.alarms(at(5001), &[]);
        tickets.alarms(at(5600), &[]);
        assert_eq!(tickets.open().count(), 2);
        tickets.alarms(at(5601), &[]);
        assert_eq!(tickets.open().count(), 0);
    }

    #[test]
    fn a_measure_proves_by_its_whole_period() {
        let mut tickets = Tickets::default();
        let stuck = sign("stuck_ped", "sg/4", 3, 0);
        let other = sign("stuck_ped", "sg/5", 3, 0);
        assert_eq!(tickets.judged(at(0), &[stuck.clone(), other.clone()], &[]), [1, 2]);
        assert!(tickets.judged(at(50_000), std::slice::from_ref(&stuck), &[]).is_empty(), "the same day");
        assert!(tickets.alarms(at(60_000), &[]).is_empty(), "no alarm says anything about it");
        assert_eq!(tickets.judged(at(86_400), std::slice::from_ref(&stuck), &[other.fault]), [2]);
        assert_eq!(short(&tickets, 1), "New 0: opened");
        assert_eq!(short(&tickets, 2), "Closed 0: opened, proved");
    }

    #[test]
    fn people_take_note_give_it_on_and_close_it() {
        let mut tickets = Tickets::default();
        let broken = [sign("tlc.detector", "dl/7", 3, 0)];
        tickets.alarms(at(60), &broken);
        let close = |unproved| Act::Close { reason: "a bus stands there".into(), unproved };
        tickets.act(at(61), 1, "a", Act::Accept).unwrap();
        tickets.act(at(62), 1, "b", Act::Accept).unwrap();
        tickets.act(at(63), 1, "a", Act::Assign(Some("b".into()))).unwrap();
        assert_eq!(tickets.get(1).unwrap().accepted.as_deref(), Some("a"), "the first one counts");
        assert_eq!(tickets.act(at(64), 1, "b", close(false)), Err(Refused::Unproved));
        tickets.act(at(65), 1, "b", close(true)).unwrap();
        assert_eq!(short(&tickets, 1), "Closed 0: opened, accepted, assigned, closed unproved");
        assert!(tickets.alarms(at(66), &broken).is_empty(), "somebody knows of it");
        assert_eq!(tickets.act(at(67), 1, "b", Act::Accept), Err(Refused::Closed));
        tickets.act(at(68), 1, "b", Act::Note("after".into())).unwrap();
        assert_eq!(tickets.alarms(at(70), &[]), [1], "gone at last");
        assert_eq!(tickets.alarms(at(80), &broken), [1], "and back: that is news");
        assert_eq!(tickets.act(at(0), 9, "b", Act::Accept), Err(Refused::Unknown));
    }

    #[test]
    fn what_people_saw_is_closed_by_people_and_is_never_one_with_anything() {
        let mut tickets = Tickets::default();
        let seen = || sign("seen", "", 2, 0);
        assert_eq!(tickets.report(at(0), seen(), "a"), Ok(1));
        assert_eq!(tickets.report(at(0), seen(), "a"), Ok(2));
        assert!(tickets.alarms(at(90_000), &[]).is_empty());
        let close = Act::Close { reason: "mended".into(), unproved: false };
        assert_eq!(tickets.act(at(1), 2, "a", close), Ok(()));
        assert_eq!(tickets.open().map(|t| t.number).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn a_restart_goes_on_where_it_was() {
        let mut before = Tickets::default();
        let broken = [sign("tlc.detector", "dl/7", 3, 0)];
        before.alarms(at(60), &broken);
        before.act(at(61), 1, "a", Act::Accept).unwrap();
        let json: Vec<String> = before.all().map(|t| serde_json::to_string(t).unwrap()).collect();
        let mut after = Tickets::default();
        json.iter().for_each(|text| after.recall(serde_json::from_str(text).unwrap()));
        assert_eq!(after.get(1), before.get(1));
        assert!(after.alarms(at(62), &broken).is_empty());
        assert_eq!(after.alarms(at(70), &[sign("dark", "", 1, 70), broken[0].clone()]), [2]);
        after.forget_before(at(1_000_000));
        assert_eq!(after.all().count(), 2, "what is open is not forgotten");
    }

    #[test]
    fn a_fault_that_flickers_does_not_write_for_ever() {
        let mut tickets = Tickets::default();
        let broken = [sign("tlc.detector", "dl/7", 3, 0)];
        for i in 0..500 {
            tickets.alarms(at(60 + 2 * i), &broken);
            tickets.alarms(at(61 + 2 * i), &[]);
        }
        let ticket = tickets.get(1).unwrap();
        assert_eq!((ticket.lines.len(), ticket.returned), (MOST_LINES, 499));
        assert_eq!(ticket.lines[0].what, Happened::Opened);
    }
}
