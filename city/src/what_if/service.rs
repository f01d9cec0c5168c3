//! The shell on the broker: questions come in, answers go out, and a thread drives.

use super::{
    desk::{Action, Desk, ReplyTo},
    study::{Progress, Study},
};
use controller::decide::Tuning;
use model::city::City;
use std::{num::NonZero, sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wire::{
    codec,
    link::{self, Incoming, LinkConfig, Message, Outgoing, Publisher, Will},
    message::{Presence, PresenceState},
    topic::{self, CITY, Kind, Node, Question},
    what_if::{Cancel, HEARTBEAT_S, Outcome, Request},
};

/// How often who asked is told how far it is: well within [`HEARTBEAT_S`].
const TICK: Duration = Duration::from_millis(HEARTBEAT_S * 1000 / 4);

/// What answers.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    /// Its name among simulators.
    pub(crate) name: String,
    pub(crate) city: Arc<City>,
    /// Numbers of adaptive control.
    pub(crate) tuning: Tuning,
    /// Threads that simulate.
    pub(crate) threads: NonZero<usize>,
}

/// What a thread that drove says at its end.
type Ended = (Uuid, Result<Option<Outcome>, String>);

/// Answers questions until `shutdown`.
pub(crate) async fn serve(service: Service, mut config: LinkConfig, shutdown: CancellationToken) {
    let me = Node::simulator(&service.name);
    let boot_id = Uuid::now_v7();
    let presence = |state| {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        codec::encode(&Presence { state, boot_id, config_hash: 0, version })
    };
    let said_at = me.topic(&Kind::Presence);
    config.will = Some(Will { topic: said_at.clone(), payload: presence(PresenceState::Offline) });
    config.filters = [format!("{CITY}/centre/+/ask/#")].into();
    let (publisher, mut inbox) = link::connect(config);
    let desk = Desk::new(service.name.clone(), service.city.clone(), service.tuning);
    let (ended, mut ends) = mpsc::channel(1);
    let mut shell = Shell { desk, publisher, threads: service.threads, driving: None, ended };
    let mut timer = tokio::time::interval(TICK);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            _ = timer.tick() => shell.tick(),
            Some((id, outcome)) = ends.recv() => {
                let actions = shell.desk.ended(id, outcome);
                shell.carry_out(actions);
            }
            incoming = inbox.next() => match incoming {
                None => break,
                Some(Incoming::Connected) => {
                    let online = presence(PresenceState::Online);
                    shell.publisher.publish(Outgoing::retained(said_at.clone(), online));
                }
                Some(Incoming::Disconnected(error)) => tracing::warn!(error, "no broker; trying again"),
                Some(Incoming::Message(message)) => shell.hear(&message),
            }
        }
    }
    let actions = shell.desk.close();
    shell.carry_out(actions);
    shell.publisher.publish(Outgoing::retained(said_at, presence(PresenceState::Shutdown)));
    shell.publisher.close().await;
}

struct Shell {
    desk: Desk,
    publisher: Publisher,
    threads: NonZero<usize>,
    /// What is being driven, and how long it is in all, s.
    driving: Option<(Arc<Progress>, u64)>,
    ended: mpsc::Sender<Ended>,
}

impl Shell {
    fn tick(&mut self) {
        let done = self.driving.as_ref().map_or(0.0, |(progress, seconds)| progress.done(*seconds));
        let actions = self.desk.tick(Instant::now(), done);
        self.carry_out(actions);
    }

    fn hear(&mut self, message: &Message) {
        let Some((_, Kind::Ask(question))) = topic::parse(&message.topic).filter(|_| !message.retain) else {
            return;
        };
        let actions = match question {
            Question::Cancel => match codec::decode::<Cancel>(question.as_str(), &message.payload) {
                Ok(cancel) => self.desk.cancel(cancel.id),
                Err(error) => return tracing::warn!(%error, "a question was not understood"),
            },
            Question::WhatIf => {
                // Answers go to a centre's answers and nowhere else, whoever asks.
                let topic = message
                    .response_topic
                    .clone()
                    .filter(|topic| matches!(topic::parse(topic), Some((_, Kind::Answer(Question::WhatIf)))));
                let Some(topic) = topic else {
                    return tracing::warn!(topic = message.topic, "a question says no place for its answer");
                };
                match codec::decode::<Request>(question.as_str(), &message.payload) {
                    Ok(request) => {
                        let reply = ReplyTo { topic, correlation: message.correlation.clone() };
                        self.desk.ask(Instant::now(), &request, reply)
                    }
                    Err(error) => return tracing::warn!(%error, "a question was not understood"),
                }
            }
        };
        self.carry_out(actions);
    }

    fn carry_out(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Say(to, answer) => {
                    let payload = codec::encode(&answer);
                    self.publisher.publish(Outgoing::result(to.topic, payload, to.correlation));
                }
                Action::Begin(id, study) => self.begin(id, study),
                Action::Stop => {
                    if let Some((progress, _)) = self.driving.take() {
                        progress.stop();
                    }
                }
            }
        }
    }

    fn begin(&mut self, id: Uuid, study: Box<Study>) {
        let progress = Arc::new(Progress::default());
        self.driving = Some((progress.clone(), study.seconds()));
        let (threads, ended) = (self.threads, self.ended.clone());
        let drive = move || {
            let outcome = study.run(threads, &progress).map_err(|error| format!("{error:#}"));
            // Nobody listens once the program is ending.
            let _ = ended.blocking_send((id, outcome));
        };
        let started = std::thread::Builder::new().name("what-if".into()).spawn(drive);
        if let Err(error) = started {
            let actions = self.desk.ended(id, Err(format!("could not start a thread: {error}")));
            self.carry_out(actions);
        }
    }
}
