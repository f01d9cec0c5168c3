//! The two bounded queues of a link, and what each drops at its bound. No socket, no clock of its own.

use super::{Delivery, Incoming, Outgoing};
use crate::topic::{self, Kind};
use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};
use tokio::time::Instant;

/// Commands and results that may wait. A centre sends each junction about one command a second, and they are
/// worthless after 5 s; beyond the bound the oldest goes, never the newest.
pub(super) const URGENT: usize = 16_384;

/// Messages that wait to be sent, and filters that wait to be made.
pub(super) struct Waiting {
    urgent: VecDeque<(Instant, Outgoing)>,
    rest: VecDeque<Outgoing>,
    bound: usize,
    /// Messages that the session holds: handed to the library, or not yet acknowledged.
    pub(super) under_way: usize,
    filters: BTreeSet<String>,
    /// Changes since the connection was made: filter, and whether it is wanted.
    changes: VecDeque<(String, bool)>,
}

impl Waiting {
    pub(super) fn new(bound: usize, filters: BTreeSet<String>) -> Waiting {
        Waiting {
            urgent: VecDeque::new(),
            rest: VecDeque::new(),
            bound: bound.max(1),
            under_way: 0,
            filters,
            changes: VecDeque::new(),
        }
    }

    /// Puts a message in its place and returns the one that this cost, if any.
    pub(super) fn push(&mut self, message: Outgoing, up: bool) -> Option<Outgoing> {
        if message.urgent() {
            self.urgent.push_back((Instant::now(), message));
            return (self.urgent.len() > URGENT).then(|| self.urgent.pop_front().map(|(_, m)| m)).flatten();
        }
        if message.delivery == Delivery::Live && !up {
            return Some(message);
        }
        if message.delivery == Delivery::Retained {
            // The broker would keep only the last one, so a superseded one is not a loss.
            self.rest.retain(|m| m.delivery != Delivery::Retained || m.topic != message.topic);
        }
        self.rest.push_back(message);
        self.over_bound()
    }

    fn over_bound(&mut self) -> Option<Outgoing> {
        if self.rest.len() <= self.bound {
            return None;
        }
        let oldest = |delivery| self.rest.iter().position(|m| m.delivery == delivery);
        let victim = oldest(Delivery::Live).or_else(|| oldest(Delivery::Kept)).unwrap_or(0);
        self.rest.remove(victim)
    }

    /// The next message to hand over; commands older than their expiry are passed to `expired`.
    pub(super) fn pop(&mut self, mut expired: impl FnMut(Outgoing)) -> Option<Outgoing> {
        while let Some((since, message)) = self.urgent.pop_front() {
            let expiry = message.expiry_s().map(|s| Duration::from_secs(u64::from(s)));
            if expiry.is_none_or(|expiry| since.elapsed() < expiry) {
                self.under_way += 1;
                return Some(message);
            }
            expired(message);
        }
        let message = self.rest.pop_front()?;
        self.under_way += 1;
        Some(message)
    }

    /// Undoes [`Waiting::pop`].
    pub(super) fn put_back(&mut self, message: Outgoing) {
        self.under_way -= 1;
        match message.urgent() {
            true => self.urgent.push_front((Instant::now(), message)),
            false => self.rest.push_front(message),
        }
    }

    /// Takes back, in their order, the messages that a lost connection left without acknowledgement. Live
    /// state and commands are not worth repeating and go to `dropped`.
    pub(super) fn take_back(&mut self, unsent: Vec<Outgoing>, mut dropped: impl FnMut(Outgoing)) {
        self.under_way = 0;
        for message in unsent.into_iter().rev() {
            match message.delivery {
                Delivery::Live | Delivery::Command => dropped(message),
                Delivery::Result => self.urgent.push_front((Instant::now(), message)),
                Delivery::Retained if self.has_newer(&message) => {}
                Delivery::Kept | Delivery::Retained => self.rest.push_front(message),
            }
        }
        // A command that waited out an outage speaks of a street that is gone.
        self.urgent.retain(|(_, m)| {
            m.delivery != Delivery::Command || {
                dropped(m.clone());
                false
            }
        });
        self.rest.retain(|m| {
            m.delivery != Delivery::Live || {
                dropped(m.clone());
                false
            }
        });
        while let Some(message) = self.over_bound() {
            dropped(message);
        }
    }

    fn has_newer(&self, message: &Outgoing) -> bool {
        self.rest.iter().any(|m| m.delivery == Delivery::Retained && m.topic == message.topic)
    }

    pub(super) fn is_settled(&self) -> bool {
        self.backlog() == 0
    }

    /// Messages that wait or are under way.
    pub(super) fn backlog(&self) -> usize {
        self.urgent.len() + self.rest.len() + self.under_way
    }

    pub(super) fn subscribe(&mut self, filter: String) {
        if !rumqttc::valid_filter(&filter) {
            tracing::error!(filter, "not a filter that can be subscribed to");
        } else if self.filters.insert(filter.clone()) {
            self.changes.push_back((filter, true));
        }
    }
    pub(super) fn unsubscribe(&mut self, filter: &str) {
        if self.filters.remove(filter) {
            self.changes.push_back((filter.to_owned(), false));
        }
    }
    /// All filters, for a new connection; forgets the changes that led to them.
    pub(super) fn all_filters(&mut self) -> Vec<String> {
        self.changes.clear();
        self.filters.iter().cloned().collect()
    }
    /// Undoes [`Waiting::next_change`].
    pub(super) fn put_back_change(&mut self, change: (String, bool)) {
        self.changes.push_front(change);
    }
    pub(super) fn next_change(&mut self) -> Option<(String, bool)> {
        self.changes.pop_front()
    }
}

/// Messages that wait to be read.
pub(super) struct Received {
    waiting: VecDeque<Incoming>,
    bound: usize,
}

impl Received {
    pub(super) fn new(bound: usize) -> Received {
        Received { waiting: VecDeque::new(), bound: bound.max(1) }
    }

    /// Adds what arrived; true if something had to go for it.
    pub(super) fn push(&mut self, incoming: Incoming) -> bool {
        self.waiting.push_back(incoming);
        if self.waiting.len() <= self.bound {
            return false;
        }
        let victim =
            self.waiting.iter().position(is_reading).or_else(|| self.waiting.iter().position(is_message));
        self.waiting.remove(victim.unwrap_or(0));
        true
    }
    pub(super) fn pop(&mut self) -> Option<Incoming> {
        self.waiting.pop_front()
    }
}

fn is_message(incoming: &Incoming) -> bool {
    matches!(incoming, Incoming::Message(_))
}

fn is_reading(incoming: &Incoming) -> bool {
    let Incoming::Message(message) = incoming else { return false };
    !matches!(
        topic::parse(&message.topic),
        Some((_, Kind::Command(_) | Kind::Result(_) | Kind::Ask(_) | Kind::Answer(_) | Kind::Presence))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(kind: &str, n: u32) -> Outgoing {
        let payload = n.to_string().into_bytes();
        match kind {
            "live" => Outgoing::live("l", payload),
            "kept" => Outgoing::kept("k", payload),
            "retained" => Outgoing::retained("r", payload),
            "command" => Outgoing::command("c", payload, "a", "x"),
            _ => Outgoing::result("a", payload, None),
        }
    }

    /// Pushes the messages of `sequence` (`kind number`, comma separated) into a queue of three and reads it.
    fn check(up: bool, sequence: &str, expected: &str) {
        let mut queue = Waiting::new(3, BTreeSet::new());
        let mut dropped = Vec::new();
        for word in sequence.split(", ") {
            let (kind, n) = word.split_once(' ').unwrap();
            dropped.extend(queue.push(out(kind, n.parse().unwrap()), up));
        }
        let text = |m: Outgoing| String::from_utf8(m.payload.to_vec()).unwrap();
        let sent: Vec<_> = std::iter::from_fn(|| queue.pop(|_| {})).map(text).collect();
        let dropped: Vec<_> = dropped.into_iter().map(text).collect();
        assert_eq!(format!("{} | {}", sent.join(" "), dropped.join(" ")), expected, "{sequence}");
    }

    #[test]
    fn the_oldest_reading_goes_first_and_commands_stay() {
        check(true, "kept 1, live 2, kept 3", "1 2 3 | ");
        check(true, "kept 1, live 2, kept 3, kept 4", "1 3 4 | 2");
        check(true, "kept 1, kept 2, retained 3, kept 4", "2 3 4 | 1");
        check(true, "kept 1, command 2, result 3", "2 3 1 | ");
        check(true, "kept 1, kept 2, kept 3, command 4, command 5", "4 5 1 2 3 | ");
        check(true, "retained 1, kept 2, retained 3", "2 3 | ");
        check(false, "live 1, kept 2", "2 | 1");
    }

    #[test]
    fn a_lost_connection_gives_back_what_was_not_acknowledged() {
        let mut queue = Waiting::new(10, BTreeSet::new());
        let order = ["kept", "live", "command", "result", "retained"];
        for (n, kind) in order.into_iter().enumerate() {
            queue.push(out(kind, n as u32), true);
        }
        let under_way: Vec<_> = std::iter::from_fn(|| queue.pop(|_| {})).collect();
        assert_eq!(under_way.len(), 5);
        assert!(!queue.is_settled());
        queue.push(out("kept", 9), false);
        let mut dropped = 0;
        queue.take_back(under_way, |_| dropped += 1);
        let back: Vec<_> = std::iter::from_fn(|| queue.pop(|_| {})).map(|m| m.topic).collect();
        assert_eq!(back, ["a", "k", "r", "k"], "results first, then the old readings, then the new one");
        assert_eq!(dropped, 2, "the live state and the command");
    }

    #[test]
    fn a_full_inbox_loses_its_oldest_reading() {
        let mut inbox = Received::new(2);
        let message = |topic: &str| {
            Incoming::Message(super::super::Message {
                topic: topic.into(),
                payload: Default::default(),
                retain: false,
                response_topic: None,
                correlation: None,
            })
        };
        let command = message("mow/d/j/command/tlc.lease");
        assert!(!inbox.push(command.clone()));
        assert!(!inbox.push(message("mow/d/j/status/tlc.groups/live")));
        assert!(inbox.push(command.clone()));
        assert_eq!((inbox.pop(), inbox.pop(), inbox.pop()), (Some(command.clone()), Some(command), None));
    }
}
