//! A centre: the real core behind the real decoder, with an epoch, a clock of its own, and restarts.

use super::{
    cabinet::Crystal,
    link::{Audience, Message},
};
use controller::{
    coordinator::{Action, Coordinator, Event, Order, Settings},
    field::{Decoder, Heard, Kept},
    store::receipts::{Ledger, Receipt},
};
use model::{city::City, ids::JunctionIx, time::Moment};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Names of the centres on the wire.
pub(super) const NAMES: [&str; 2] = ["first", "second"];

/// Which centre a result topic belongs to, if one of ours.
pub(super) fn of_topic(topic: &str) -> Option<usize> {
    let name = topic.strip_prefix("mow/centre/")?.split('/').next()?;
    NAMES.iter().position(|n| *n == name)
}

/// What the store has, whatever becomes of the centres.
pub(super) type Store = BTreeSet<Receipt>;

/// A centre, running or not.
pub(super) struct Centre {
    city: Arc<City>,
    decoder: Decoder,
    core: Option<Coordinator>,
    crystal: Crystal,
    started: Moment,
    ledger: Ledger,
    /// Entries that wait for the store; a centre that dies loses them.
    unwritten: Vec<Receipt>,
    /// Messages and events that were not believed.
    pub(super) rejected: BTreeMap<String, u64>,
    pub(super) decided: u64,
}

impl Centre {
    pub(super) fn new(index: usize, city: Arc<City>) -> Centre {
        Centre {
            decoder: Decoder::new(city.clone(), None, NAMES[index]),
            city,
            core: None,
            crystal: Crystal::default(),
            started: Moment(0),
            ledger: Ledger::default(),
            unwritten: Vec::new(),
            rejected: BTreeMap::new(),
            decided: 0,
        }
    }

    pub(super) fn start(&mut self, now: Moment, settings: Settings, crystal: Crystal) {
        self.core = Some(Coordinator::new(self.city.clone(), settings));
        (self.crystal, self.started) = (crystal, now);
        (self.ledger, self.unwritten) = (Ledger::default(), Vec::new());
    }

    pub(super) fn kill(&mut self) {
        self.keep_counts();
        self.core = None;
    }

    pub(super) fn keep_counts(&mut self) {
        if let Some(core) = &self.core {
            for (name, n) in core.rejected() {
                *self.rejected.entry(name.clone()).or_default() += n;
            }
        }
    }

    pub(super) fn runs(&self) -> bool {
        self.core.is_some()
    }

    pub(super) fn hear(&mut self, now: Moment, message: &Message) -> Vec<Message> {
        let events = match self.decoder.hear(&message.topic, &message.payload) {
            Ok(Heard::Live(events)) => events,
            Ok(Heard::Kept(Kept { replayed, entries })) => {
                let receipts = entries.iter().filter_map(|(receipt, _)| *receipt);
                self.unwritten.extend(receipts.filter(|receipt| self.ledger.takes(*receipt)));
                entries.into_iter().filter(|_| !replayed).map(|(_, event)| event).collect()
            }
            Ok(Heard::Answer(_) | Heard::Vehicles(..)) => Vec::new(),
            Err(rejection) => {
                *self.rejected.entry(rejection.name).or_default() += 1;
                Vec::new()
            }
        };
        events.into_iter().flat_map(|event| self.handle(now, event)).collect()
    }

    /// The store takes what waits, if it is up, and the cabinets whose turn it is hear of it.
    pub(super) fn write(&mut self, now: Moment, store: Option<&mut Store>) -> Vec<Message> {
        if let Some(store) = store {
            for receipt in self.unwritten.drain(..) {
                self.ledger.stored(receipt);
                store.insert(receipt);
            }
        }
        let news = self.ledger.news(now.0.div_euclid(1000)).into_iter();
        news.map(|(ix, code, runs)| {
            Message::new(Audience::Cabinet(ix.ix()), &self.decoder.stored(ix, code, runs))
        })
        .collect()
    }

    pub(super) fn order(&mut self, now: Moment, order: Order) -> Vec<Message> {
        self.handle(now, Event::Order(order))
    }

    pub(super) fn epoch(&mut self, now: Moment, epoch: u64) -> Vec<Message> {
        self.handle(now, Event::Epoch(epoch))
    }

    pub(super) fn tick(&mut self, now: Moment) -> Vec<Message> {
        self.handle(now, Event::Tick)
    }

    fn handle(&mut self, now: Moment, event: Event) -> Vec<Message> {
        let Some(core) = &mut self.core else { return Vec::new() };
        let mut messages = Vec::new();
        for action in core.handle(self.crystal.show(now, self.started), event) {
            match action {
                Action::Send(ix, command) => {
                    messages
                        .push(Message::new(Audience::Cabinet(ix.ix()), &self.decoder.command(ix, &command)));
                }
                Action::Decided(_) => self.decided += 1,
                Action::Links(_) | Action::Audit(_) => {}
            }
        }
        messages
    }

    /// Why a junction is not commanded, in words, for whoever looks for the cause of a broken promise.
    pub(super) fn view(&self, now: Moment, junction: usize) -> String {
        let Some(core) = &self.core else { return "not running".to_owned() };
        let at = self.crystal.show(now, self.started);
        let ready = core.ready(JunctionIx::from(junction), at);
        let live = &core.live()[junction];
        let last = &live.last_command;
        let answer = last.as_ref().map(|(c, r)| (&c.body, r.as_ref().map(|r| (r.state, r.reason))));
        format!(
            "{ready:?}, {:?} wants {:?} in {:?} (interstage {}), last command {answer:?}",
            live.kind, live.wanted, live.stage, live.interstage
        )
    }
}
