//! Who is served when: one question is driven at a time, some wait, and the rest is refused. No clock, no thread, no
//! socket.

use super::study::Study;
use bytes::Bytes;
use controller::decide::Tuning;
use model::city::City;
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::time::Instant;
use uuid::Uuid;
use wire::what_if::{Answer, Failure, Outcome, Request, State};

/// Questions that wait. One takes minutes; whoever would be farther back had better ask later.
const MOST_WAITING: usize = 4;
/// No question is kept longer than this, whatever it says of itself.
const LONGEST: Duration = Duration::from_secs(3600);

/// Where an answer goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ReplyTo {
    pub(super) topic: String,
    pub(super) correlation: Option<Bytes>,
}

/// What is to be done, in order.
#[derive(Debug)]
pub(super) enum Action {
    /// Tell who asked.
    Say(ReplyTo, Answer),
    /// Drive it, and tell [`Desk::ended`].
    Begin(Uuid, Box<Study>),
    /// Stop driving what is being driven. It is not to be told of any more.
    Stop,
}

/// The desk.
#[derive(Debug)]
pub(super) struct Desk {
    name: String,
    city: Arc<City>,
    fingerprint: u64,
    tuning: Tuning,
    waiting: VecDeque<(Asked, Box<Study>)>,
    running: Option<Asked>,
}

#[derive(Clone, Debug)]
struct Asked {
    id: Uuid,
    reply: ReplyTo,
    until: Instant,
}

impl Desk {
    pub(super) fn new(name: String, city: Arc<City>, tuning: Tuning) -> Desk {
        let fingerprint = city.fingerprint();
        Desk { name, city, fingerprint, tuning, waiting: VecDeque::new(), running: None }
    }

    /// A question came.
    pub(super) fn ask(&mut self, now: Instant, request: &Request, reply: ReplyTo) -> Vec<Action> {
        let known =
            self.running.iter().chain(self.waiting.iter().map(|(a, _)| a)).any(|a| a.id == request.id);
        if known {
            // The broker delivers at least once.
            return Vec::new();
        }
        let within = Duration::from_secs(request.within_s.into()).min(LONGEST);
        let asked = Asked { id: request.id, reply, until: now + within };
        if request.city != self.fingerprint {
            return vec![self.fail(&asked, Failure::OtherCity, "this simulator has another city file")];
        }
        let study = match Study::new(&self.city, self.tuning, request) {
            Ok(study) => Box::new(study),
            Err(fault) => return vec![self.fail(&asked, Failure::Refused, &fault)],
        };
        if self.running.is_some() && self.waiting.len() == MOST_WAITING {
            let detail = format!("{MOST_WAITING} questions wait already");
            return vec![self.fail(&asked, Failure::Full, &detail)];
        }
        self.waiting.push_back((asked, study));
        let mut actions = self.begin_next();
        if actions.is_empty() {
            let last = self.waiting.len() - 1;
            actions.push(self.say_waiting(last));
        }
        actions
    }

    /// Somebody does not want it any more.
    pub(super) fn cancel(&mut self, id: Uuid) -> Vec<Action> {
        self.take_away(|asked| asked.id == id, Failure::Cancelled, "it was cancelled")
    }

    /// Time passed; of what is being driven so much is done.
    pub(super) fn tick(&mut self, now: Instant, done: f32) -> Vec<Action> {
        let mut actions =
            self.take_away(|asked| asked.until <= now, Failure::Late, "it was not done in time");
        if let Some(running) = &self.running {
            actions.push(self.say(running, State::Running { done }));
        }
        actions.extend((0..self.waiting.len()).map(|place| self.say_waiting(place)));
        actions
    }

    /// What was driven is over: with an outcome, with none since it was stopped, or badly.
    pub(super) fn ended(&mut self, id: Uuid, outcome: Result<Option<Outcome>, String>) -> Vec<Action> {
        let Some(asked) = self.running.take_if(|asked| asked.id == id) else { return Vec::new() };
        let said = match outcome {
            Ok(Some(outcome)) => self.say(&asked, State::Done(Box::new(outcome))),
            Ok(None) => self.fail(&asked, Failure::Cancelled, "it was stopped"),
            Err(fault) => self.fail(&asked, Failure::Broken, &fault),
        };
        let mut actions = vec![said];
        actions.extend(self.begin_next());
        actions
    }

    /// The program ends: nobody is kept waiting for nothing.
    pub(super) fn close(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        // One after the other, for each that ends lets the next begin.
        while let Some(id) = self.running.as_ref().map(|asked| asked.id) {
            let ended = self.take_away(|asked| asked.id == id, Failure::Broken, "the simulator is ending");
            actions.extend(ended.into_iter().filter(|action| !matches!(action, Action::Begin(..))));
        }
        actions
    }

    fn take_away(&mut self, gone: impl Fn(&Asked) -> bool, reason: Failure, why: &str) -> Vec<Action> {
        let mut actions = Vec::new();
        for (asked, study) in std::mem::take(&mut self.waiting) {
            match gone(&asked) {
                true => actions.push(self.fail(&asked, reason, why)),
                false => self.waiting.push_back((asked, study)),
            }
        }
        if let Some(asked) = self.running.take_if(|asked| gone(asked)) {
            actions.push(Action::Stop);
            actions.push(self.fail(&asked, reason, why));
            actions.extend(self.begin_next());
        }
        actions
    }

    fn begin_next(&mut self) -> Vec<Action> {
        if self.running.is_some() {
            return Vec::new();
        }
        let Some((asked, study)) = self.waiting.pop_front() else { return Vec::new() };
        let actions = vec![self.say(&asked, State::Running { done: 0.0 }), Action::Begin(asked.id, study)];
        self.running = Some(asked);
        actions
    }

    fn say_waiting(&self, place: usize) -> Action {
        let before = place + usize::from(self.running.is_some());
        self.say(&self.waiting[place].0, State::Waiting { before: before as u16 })
    }

    fn fail(&self, asked: &Asked, reason: Failure, why: &str) -> Action {
        self.say(asked, State::Failed { reason, detail: why.to_owned() })
    }

    fn say(&self, asked: &Asked, state: State) -> Action {
        Action::Say(asked.reply.clone(), Answer { id: asked.id, from: self.name.clone(), state })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{sketch, time::Moment};
    use wire::what_if::{Change, Control, Kind, Picture};

    const T: &str = "W---C---E\n    |\n    |\n    |\n    S";

    fn request(city: &City, id: u128) -> Request {
        Request {
            id: Uuid::from_u128(id),
            city: city.fingerprint(),
            within_s: 60,
            horizon_s: 300,
            seeds: 2,
            picture: Picture {
                at: Moment(0),
                utc_offset_s: 0,
                lanes: Vec::new(),
                lane_flows: Vec::new(),
                turn_flows: Vec::new(),
                junctions: Vec::new(),
            },
            trial: vec![Change { junctions: vec!["C".into()], control: Control::Kind(Kind::Fixed) }],
        }
    }

    /// `1 running`, `2 waits for 1`, `begin 1`, …
    fn words(actions: Vec<Action>) -> String {
        let word = |action: Action| match action {
            Action::Begin(id, _) => format!("begin {}", id.as_u128()),
            Action::Stop => "stop".to_owned(),
            Action::Say(_, Answer { id, state, .. }) => match state {
                State::Waiting { before } => format!("{} waits for {before}", id.as_u128()),
                State::Running { .. } => format!("{} running", id.as_u128()),
                State::Done(_) => format!("{} done", id.as_u128()),
                State::Failed { reason, .. } => format!("{} {reason:?}", id.as_u128()),
            },
        };
        actions.into_iter().map(word).collect::<Vec<_>>().join(", ")
    }

    fn desk() -> (Desk, Arc<City>, ReplyTo) {
        let city = Arc::new(sketch::city(T, "C"));
        let reply = ReplyTo { topic: "t".into(), correlation: None };
        (Desk::new("desk".into(), city.clone(), Tuning::default()), city, reply)
    }

    #[tokio::test]
    async fn one_is_driven_some_wait_and_the_rest_is_refused() {
        let (mut desk, city, reply) = desk();
        let now = Instant::now();
        let ask = |desk: &mut Desk, id| words(desk.ask(now, &request(&city, id), reply.clone()));
        assert_eq!(ask(&mut desk, 1), "1 running, begin 1");
        assert_eq!(ask(&mut desk, 1), "", "said twice by the broker");
        assert_eq!(ask(&mut desk, 2), "2 waits for 1");
        assert_eq!(ask(&mut desk, 3), "3 waits for 2");
        assert_eq!(ask(&mut desk, 4), "4 waits for 3");
        assert_eq!(ask(&mut desk, 5), "5 waits for 4");
        assert_eq!(ask(&mut desk, 6), "6 Full");
        assert_eq!(words(desk.cancel(Uuid::from_u128(3))), "3 Cancelled");
        assert_eq!(words(desk.cancel(Uuid::from_u128(77))), "");
        assert_eq!(words(desk.tick(now, 0.5)), "1 running, 2 waits for 1, 4 waits for 2, 5 waits for 3");
        assert_eq!(words(desk.cancel(Uuid::from_u128(1))), "stop, 1 Cancelled, 2 running, begin 2");
        // The first one's thread ends now; nobody asks for it any more.
        assert_eq!(words(desk.ended(Uuid::from_u128(1), Ok(None))), "");
        let broken = desk.ended(Uuid::from_u128(2), Err("out of memory".into()));
        assert_eq!(words(broken), "2 Broken, 4 running, begin 4");
        assert_eq!(words(desk.close()), "stop, 4 Broken, 5 running, stop, 5 Broken");
    }

    #[tokio::test]
    async fn a_question_expires() {
        let (mut desk, city, reply) = desk();
        let now = Instant::now();
        desk.ask(now, &request(&city, 1), reply.clone());
        desk.ask(now + Duration::from_secs(30), &request(&city, 2), reply);
        let at = |s| now + Duration::from_secs(s);
        assert_eq!(words(desk.tick(at(59), 0.1)), "1 running, 2 waits for 1");
        assert_eq!(words(desk.tick(at(60), 0.1)), "stop, 1 Late, 2 running, begin 2, 2 running");
        assert_eq!(words(desk.tick(at(90), 0.1)), "stop, 2 Late");
    }

    #[tokio::test]
    async fn what_cannot_be_driven_is_refused_at_once() {
        let (mut desk, city, reply) = desk();
        let now = Instant::now();
        let other = Request { city: 7, ..request(&city, 1) };
        assert_eq!(words(desk.ask(now, &other, reply.clone())), "1 OtherCity");
        let idle = Request { trial: Vec::new(), ..request(&city, 2) };
        assert_eq!(words(desk.ask(now, &idle, reply)), "2 Refused");
    }
}
