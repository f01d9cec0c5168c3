//! A centre: the real core behind the real decoder, with an epoch, a clock of its own, and restarts.

use super::{
    cabinet::Crystal,
    link::{Audience, Class, Message},
};
use controller::{
    coordinator::{Action, Coordinator, Event, Order, Settings},
    field::Decoder,
};
use model::{city::City, ids::JunctionIx, time::Moment};
use std::{collections::BTreeMap, sync::Arc};
use wire::topic::{Kind, Node};

/// Names of the centres on the wire.
pub(super) const NAMES: [&str; 2] = ["first", "second"];

/// Which centre a result topic belongs to, if one of ours.
pub(super) fn of_topic(topic: &str) -> Option<usize> {
    let name = topic.strip_prefix("mow/centre/")?.split('/').next()?;
    NAMES.iter().position(|n| *n == name)
}

/// A centre, running or not.
pub(super) struct Centre {
    index: usize,
    city: Arc<City>,
    decoder: Decoder,
    core: Option<Coordinator>,
    crystal: Crystal,
    started: Moment,
    /// Messages and events that were not believed.
    pub(super) rejected: BTreeMap<String, u64>,
    pub(super) decided: u64,
}

impl Centre {
    pub(super) fn new(index: usize, city: Arc<City>) -> Centre {
        Centre {
            index,
            decoder: Decoder::new(city.clone(), None, NAMES[index]),
            city,
            core: None,
            crystal: Crystal::default(),
            started: Moment(0),
            rejected: BTreeMap::new(),
            decided: 0,
        }
    }

    pub(super) fn start(&mut self, now: Moment, settings: Settings, crystal: Crystal) {
        self.core = Some(Coordinator::new(self.city.clone(), settings));
        (self.crystal, self.started) = (crystal, now);
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
        match self.decoder.events(&message.topic, &message.payload) {
            Ok(events) => events.into_iter().flat_map(|event| self.handle(now, event)).collect(),
            Err(rejection) => {
                *self.rejected.entry(rejection.name).or_default() += 1;
                Vec::new()
            }
        }
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
                    let outgoing = self.decoder.command(ix, &command);
                    let answer = Kind::Result(command.body.code());
                    messages.push(Message {
                        topic: outgoing.topic().to_owned(),
                        payload: outgoing.payload().to_vec().into(),
                        class: Class::Command,
                        to: Audience::Cabinet(ix.ix()),
                        response_topic: Some(Node::centre(NAMES[self.index]).topic(&answer)),
                        correlation: Some(command.cmd_id.as_bytes().to_vec().into()),
                        retain: false,
                        events: Vec::new(),
                    });
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
