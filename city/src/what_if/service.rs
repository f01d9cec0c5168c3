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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker;
    use model::{sketch, time::Moment};
    use wire::{
        link::Inbox,
        what_if::{Answer, Change, Control, Failure, Kind as Named, Picture, State},
    };

    const T: &str = "W---C---E\n    |\n    |\n    |\n    S";

    /// A centre's end of the broker.
    struct Centre {
        publisher: Publisher,
        inbox: Inbox,
    }

    impl Centre {
        fn ask(&self, question: Question, payload: Vec<u8>, reply: &str) {
            let topic = Node::centre("c1").topic(&Kind::Ask(question));
            self.publisher.publish(Outgoing::command(topic, payload, reply, vec![7]));
        }

        /// The next answer that is right; others before it are passed over.
        async fn answer(&mut self, what: &str, right: impl Fn(&Answer) -> bool) -> Answer {
            let next = async {
                loop {
                    match self.inbox.next().await {
                        Some(Incoming::Message(message)) => {
                            assert_eq!(message.correlation.as_deref(), Some(&[7][..]));
                            let answer: Answer = codec::decode("answer", &message.payload).unwrap();
                            if right(&answer) {
                                return answer;
                            }
                        }
                        Some(_) => {}
                        None => panic!("the link ended"),
                    }
                }
            };
            let patience = Duration::from_secs(90);
            tokio::time::timeout(patience, next).await.unwrap_or_else(|_| panic!("no answer: {what}"))
        }
    }

    fn request(city: &City, id: u128, horizon_s: u32, seeds: u16) -> Request {
        Request {
            id: Uuid::from_u128(id),
            city: city.fingerprint(),
            within_s: 600,
            horizon_s,
            seeds,
            picture: Picture {
                at: Moment(1_795_341_600_000),
                utc_offset_s: 0,
                lanes: Vec::new(),
                lane_flows: vec![0, 400],
                turn_flows: Vec::new(),
                junctions: Vec::new(),
            },
            trial: vec![Change { junctions: vec!["C".into()], control: Control::Kind(Named::Actuated) }],
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn questions_over_a_broker_are_answered_cancelled_and_refused() {
        let city = Arc::new(sketch::city(T, "C"));
        let broker = broker::start(([127, 0, 0, 1], 0).into(), 4).unwrap();
        let link = |name: &str| LinkConfig::new(broker.ip().to_string(), broker.port(), name);
        let service = Service {
            name: "sim".into(),
            city: city.clone(),
            tuning: Tuning::default(),
            threads: NonZero::<usize>::MIN,
        };
        let mut ours = link("centre");
        let answers = Node::centre("c1").topic(&Kind::Answer(Question::WhatIf));
        let online = Node::simulator("sim").topic(&Kind::Presence);
        ours.filters = [answers.clone(), online.clone()].into();
        let (publisher, mut inbox) = link::connect(ours);
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(serve(service, link("sim"), shutdown.clone()));
        // It is there once it has said so.
        loop {
            if let Some(Incoming::Message(message)) = inbox.next().await
                && message.topic == online
            {
                break;
            }
        }
        publisher.unsubscribe(&online);
        let mut centre = Centre { publisher, inbox };
        let is = |id: u128| move |a: &Answer| a.id == Uuid::from_u128(id);

        // Answers to nowhere but a centre's answers: who asks so is not heard at all.
        let quick = |id| codec::encode(&request(&city, id, 300, 2));
        centre.ask(Question::WhatIf, quick(1), "mow/d/j/command/tlc.lease");
        centre.ask(Question::WhatIf, b"what if?".to_vec(), &answers);
        centre.ask(Question::WhatIf, quick(2), &answers);
        let first = centre.answer("the first word", |_| true).await;
        assert_eq!((first.id, &first.from), (Uuid::from_u128(2), &"sim".to_owned()));
        let done = centre.answer("an outcome", |a| matches!(a.state, State::Done(_))).await;
        assert!(is(2)(&done));

        // A long one is taken back; the one behind it has its turn.
        centre.ask(Question::WhatIf, codec::encode(&request(&city, 3, 3600, 20)), &answers);
        centre.answer("a long one to begin", is(3)).await;
        centre.ask(Question::WhatIf, quick(4), &answers);
        let behind = |a: &Answer| is(4)(a) && matches!(a.state, State::Waiting { before: 1 });
        centre.answer("one to wait behind it", behind).await;
        let cancel = codec::encode(&Cancel { id: Uuid::from_u128(3) });
        centre.ask(Question::Cancel, cancel, &answers);
        let failed =
            |reason| move |a: &Answer| matches!(a.state, State::Failed { reason: r, .. } if r == reason);
        let gone = centre.answer("the long one to be over", failed(Failure::Cancelled)).await;
        assert!(is(3)(&gone));
        centre.answer("the one behind", |a| is(4)(a) && matches!(a.state, State::Done(_))).await;

        let other = Request { city: 1, ..request(&city, 5, 300, 2) };
        centre.ask(Question::WhatIf, codec::encode(&other), &answers);
        centre.answer("another city to be refused", failed(Failure::OtherCity)).await;

        // Whoever waits when it ends is told.
        centre.ask(Question::WhatIf, codec::encode(&request(&city, 6, 3600, 20)), &answers);
        centre.answer("another long one to begin", is(6)).await;
        shutdown.cancel();
        centre.answer("that it is ending", failed(Failure::Broken)).await;
        serving.await.unwrap();
    }
}
