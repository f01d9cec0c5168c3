//! Does a node keep the contract? What is heard of it is held against `docs/wire.md`, rule by rule; and, where asked,
//! what it answers to commands that it must refuse.
//!
//! For those who bring a controller or an agent of their own. The core of `wire check`: it hears and judges, and knows no broker.

use crate::{
    codec,
    command::{Body, Command, LONGEST_LEASE_S, REF_TICK_LIMIT_MS},
    link::Message,
    message::{
        Alarms, ChannelWord, Counts, Entry, Events, Groups, Mode, Presence, PresenceState, Replay, Status,
        lamp,
    },
    result::{CommandResult, Reason, ResultState},
    topic::{self, Kind, Node, StatusCode},
};
use model::{signal::Junction, time::Moment};
use serde::de::DeserializeOwned;
use std::{collections::BTreeMap, fmt, time::Duration};
use uuid::Uuid;

/// Longest silence of `tlc.groups`: they are told each second, and a broker and two clocks lie between.
const GROUPS_EVERY: Duration = Duration::from_millis(2_000);
/// Likewise of `tlc.mode`, which is told each 10 s.
const MODE_EVERY: Duration = Duration::from_secs(12);
/// How far a node's clock may be from ours.
const CLOCK_OFF: Duration = Duration::from_secs(3);

/// What a rule came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It was kept, as often as there was occasion.
    Kept(u64),
    /// It was broken: how often, and how the first time.
    Broken(u64, String),
    /// There was no occasion.
    Unseen,
}

/// A rule, and what it came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What `docs/wire.md` asks.
    pub rule: Rule,
    /// What was seen.
    pub verdict: Verdict,
}

macro_rules! rules {
    ($($name:ident = $text:literal,)*) => {
        /// What a node is held to.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Rule {
            $(#[doc = $text] $name,)*
        }
        impl Rule {
            /// Every rule, in the order of a report.
            pub const ALL: &[Rule] = &[$(Rule::$name,)*];
        }
        impl fmt::Display for Rule {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Rule::$name => $text,)* })
            }
        }
    };
}

rules! {
    Topics = "it speaks on topics of the contract only",
    Payloads = "every message can be read",
    Retained = "presence, mode and configuration are retained, full lists of alarms may be, nothing else is",
    Presence = "presence says online, with the start's boot_id and the configuration's hash",
    Config = "tlc.config is a junction without faults, with the hash that presence says",
    GroupsEachSecond = "tlc.groups comes each second",
    GroupsFit = "tlc.groups has a letter of the SXL and an age for each group",
    Clock = "times are within 3 s of ours",
    ModeEachTenSeconds = "tlc.mode comes each 10 s",
    Sequence = "seq counts on by one in tlc.events and traffic.count",
    Boot = "entries that are kept name the start that presence names",
    Counts = "traffic.count has ascending channels, and occupancies from 0 to 1",
    EventsInOrder = "tlc.events are in the order in which they happened",
    Alarms = "alarms have a severity of 1 to 3",
    Answers = "a command that must be refused is refused, for the reason that comes first, with its correlation data",
    Repeated = "the same command again gets the same answer",
}

/// What is sent to a node that must refuse it, and how it must say so.
#[derive(Clone, PartialEq, Debug)]
pub struct Probe {
    /// What is wrong with it.
    pub fault: &'static str,
    /// The command: a lease and nothing else, so that a node that obeys it changes nothing.
    pub command: Command,
    /// How it must end.
    pub expected: (ResultState, Option<Reason>),
}

/// Hears a node and judges it.
#[derive(Debug)]
pub struct Inspector {
    node: Node,
    kept: BTreeMap<Rule, u64>,
    broken: BTreeMap<Rule, (u64, String)>,
    presence: Option<Presence>,
    config_hash: Option<u32>,
    groups: Option<(Moment, usize)>,
    group_count: Option<usize>,
    ref_tick: Option<(Moment, u64)>,
    mode: Option<Moment>,
    sequences: BTreeMap<(StatusCode, Option<Uuid>), u64>,
    asked: BTreeMap<Uuid, (&'static str, (ResultState, Option<Reason>))>,
    answers: BTreeMap<Uuid, Vec<CommandResult>>,
}

impl Inspector {
    /// Has heard nothing yet.
    pub fn new(node: Node) -> Inspector {
        Inspector {
            node,
            kept: BTreeMap::new(),
            broken: BTreeMap::new(),
            presence: None,
            config_hash: None,
            groups: None,
            group_count: None,
            ref_tick: None,
            mode: None,
            sequences: BTreeMap::new(),
            asked: BTreeMap::new(),
            answers: BTreeMap::new(),
        }
    }

    /// Something under the node's own topics.
    pub fn heard(&mut self, now: Moment, message: &Message) {
        let kind = topic::parse(&message.topic).filter(|(node, _)| *node == self.node).map(|(_, kind)| kind);
        let Some(kind) = kind else {
            return self.judge(Rule::Topics, || Some(message.topic.clone()));
        };
        // What centres say to it is not its own.
        if matches!(kind, Kind::Command(_) | Kind::Stored(_) | Kind::Fetch(_) | Kind::Throttle(_)) {
            return;
        }
        self.judge(Rule::Topics, || None);
        let may_be_retained = match &kind {
            Kind::Presence | Kind::Status(StatusCode::Mode | StatusCode::Config) | Kind::Channel(_) => true,
            Kind::Alarm(_) => {
                codec::decode::<Alarms>("alarms", &message.payload).is_ok_and(|alarms| alarms.full)
            }
            _ => false,
        };
        if message.retain {
            self.judge(Rule::Retained, || (!may_be_retained).then(|| message.topic.clone()));
        }
        match kind {
            Kind::Presence => self.presence(message),
            Kind::Status(StatusCode::Groups) => self.groups(now, message),
            Kind::Status(StatusCode::Mode) => self.mode(now, message),
            Kind::Status(StatusCode::Config) => self.config(message),
            Kind::Status(StatusCode::Counts) => self.counts(now, message),
            Kind::Status(StatusCode::Events) => self.events(now, message),
            Kind::Replay(StatusCode::Events) | Kind::History(StatusCode::Events) => {
                drop(self.read::<Replay<Events>>(message))
            }
            Kind::Replay(StatusCode::Counts) | Kind::History(StatusCode::Counts) => {
                drop(self.read::<Replay<Counts>>(message))
            }
            Kind::Channel(_) => drop(self.read::<ChannelWord>(message)),
            Kind::Alarm(_) => {
                let Some(alarms) = self.read::<Alarms>(message) else { return };
                for alarm in alarms.alarms {
                    self.judge(Rule::Alarms, || {
                        (!(1..=3).contains(&alarm.severity))
                            .then(|| format!("{}: severity {}", message.topic, alarm.severity))
                    });
                }
            }
            _ => self.judge(Rule::Topics, || Some(format!("{}: not a cabinet's to say", message.topic))),
        }
    }

    /// An answer under our own topics.
    pub fn answered(&mut self, message: &Message) {
        let Some(result) = self.read::<CommandResult>(message) else { return };
        if !self.asked.contains_key(&result.cmd_id) {
            return;
        }
        if message.correlation.as_deref() != Some(result.cmd_id.as_bytes().as_slice()) {
            let said = format!("{}: correlation data {:?}", result.cmd_id, message.correlation);
            self.judge(Rule::Answers, || Some(said));
        }
        if !matches!(result.state, ResultState::Received | ResultState::Accepted) {
            self.answers.entry(result.cmd_id).or_default().push(result);
        }
    }

    /// Commands that the node must refuse, made for it as it was last heard; none before its presence and its groups. The
    /// first is to be sent twice.
    pub fn probes(&mut self, now: Moment) -> Vec<Probe> {
        let (Some(presence), Some((at, tick))) = (&self.presence, self.ref_tick) else { return Vec::new() };
        let good = Command {
            cmd_id: Uuid::nil(),
            epoch: u64::from(u32::MAX),
            seq: 1,
            boot_id: presence.boot_id,
            config_hash: presence.config_hash,
            ref_tick: tick + now.since(at).as_millis() as u64,
            expires_at: now + Duration::from_secs(5),
            lease_s: 1,
            body: Body::Lease,
        };
        let refused = |reason| (ResultState::Rejected, Some(reason));
        let faulty: [(&'static str, Command, _); 9] = [
            (
                "another start's boot_id",
                Command { boot_id: Uuid::now_v7(), ..good.clone() },
                refused(Reason::ForeignBoot),
            ),
            ("no boot_id", Command { boot_id: Uuid::nil(), ..good.clone() }, refused(Reason::ForeignBoot)),
            (
                "another configuration",
                Command { config_hash: !good.config_hash, ..good.clone() },
                refused(Reason::ConfigMismatch),
            ),
            (
                "a picture that is too old",
                Command { ref_tick: good.ref_tick.saturating_sub(REF_TICK_LIMIT_MS + 2_000), ..good.clone() },
                refused(Reason::StaleTick),
            ),
            (
                "a picture of the future",
                Command { ref_tick: good.ref_tick + 60_000, ..good.clone() },
                refused(Reason::StaleTick),
            ),
            (
                "run out",
                Command { expires_at: Moment(now.0 - 60_000), ..good.clone() },
                (ResultState::Expired, None),
            ),
            ("a lease of nothing", Command { lease_s: 0, ..good.clone() }, refused(Reason::BadLease)),
            (
                "a lease that is too long",
                Command { lease_s: LONGEST_LEASE_S + 1, ..good.clone() },
                refused(Reason::BadLease),
            ),
            (
                "another start, another configuration and run out",
                Command {
                    boot_id: Uuid::now_v7(),
                    config_hash: !good.config_hash,
                    expires_at: Moment(now.0 - 60_000),
                    ..good.clone()
                },
                refused(Reason::ForeignBoot),
            ),
        ];
        let probes = faulty.into_iter().map(|(fault, command, expected)| Probe {
            fault,
            command: Command { cmd_id: Uuid::now_v7(), ..command },
            expected,
        });
        let probes: Vec<_> = probes.collect();
        self.asked.extend(probes.iter().map(|p| (p.command.cmd_id, (p.fault, p.expected))));
        probes
    }

    /// What each rule came to.
    pub fn report(mut self, now: Moment) -> Vec<Finding> {
        for (rule, heard, every) in [
            (Rule::GroupsEachSecond, self.groups.map(|(at, _)| at), GROUPS_EVERY),
            (Rule::ModeEachTenSeconds, self.mode, MODE_EVERY),
        ] {
            if let Some(at) = heard {
                self.gap(rule, now, at, every);
            }
        }
        if let (Some(said), Some(own)) = (self.presence.as_ref().map(|p| p.config_hash), self.config_hash) {
            self.judge(Rule::Config, || {
                (said != own).then(|| format!("its hash is {own:08x}, and presence says {said:08x}"))
            });
        }
        let asked = std::mem::take(&mut self.asked);
        for (place, (id, (fault, expected))) in asked.into_iter().enumerate() {
            let answers = self.answers.remove(&id).unwrap_or_default();
            let Some(first) = answers.first() else {
                self.judge(Rule::Answers, || Some(format!("{fault}: no answer")));
                continue;
            };
            self.judge(Rule::Answers, || {
                let said = (first.state, first.reason);
                (said != expected).then(|| format!("{fault}: {said:?} instead of {expected:?}"))
            });
            if place == 0 {
                self.judge(Rule::Repeated, || match &answers[..] {
                    [first, second, ..] if first == second => None,
                    [_] => Some("the second got no answer".to_owned()),
                    _ => Some(format!("{answers:?}")),
                });
            }
        }
        let verdict = |rule: &Rule| match (self.broken.remove(rule), self.kept.get(rule)) {
            (Some((times, how)), _) => Verdict::Broken(times, how),
            (None, Some(times)) => Verdict::Kept(*times),
            (None, None) => Verdict::Unseen,
        };
        let mut verdict = verdict;
        Rule::ALL.iter().map(|rule| Finding { rule: *rule, verdict: verdict(rule) }).collect()
    }

    fn judge(&mut self, rule: Rule, fault: impl FnOnce() -> Option<String>) {
        match fault() {
            None => *self.kept.entry(rule).or_default() += 1,
            Some(how) => self.broken.entry(rule).or_insert((0, how)).0 += 1,
        }
    }

    fn read<M: DeserializeOwned>(&mut self, message: &Message) -> Option<M> {
        let read = codec::decode::<M>("node's", &message.payload);
        self.judge(Rule::Payloads, || read.as_ref().err().map(|e| format!("{}: {e}", message.topic)));
        read.ok()
    }

    fn gap(&mut self, rule: Rule, now: Moment, at: Moment, every: Duration) {
        let gap = now.since(at);
        self.judge(rule, || (gap > every).then(|| format!("{:.1} s of silence", gap.as_secs_f64())));
    }

    fn time(&mut self, now: Moment, message: &Message, at: Moment) {
        let off = now.0.abs_diff(at.0);
        self.judge(Rule::Clock, || {
            (u128::from(off) > CLOCK_OFF.as_millis())
                .then(|| format!("{}: {:.1} s apart", message.topic, off as f64 / 1000.0))
        });
    }

    fn presence(&mut self, message: &Message) {
        let Some(presence) = self.read::<Presence>(message) else { return };
        self.judge(Rule::Presence, || {
            if presence.state != PresenceState::Online {
                return Some(format!("{:?}", presence.state).to_lowercase());
            }
            presence.boot_id.is_nil().then(|| "no boot_id".to_owned())
        });
        self.presence = Some(presence);
    }

    fn groups(&mut self, now: Moment, message: &Message) {
        let Some(status) = self.read::<Status<Groups>>(message) else { return };
        if let Some((last, _)) = self.groups {
            self.gap(Rule::GroupsEachSecond, now, last, GROUPS_EVERY);
        }
        for Entry { ts, values, .. } in status.entries {
            self.time(now, message, ts);
            let letters = values.signalgroupstatus.chars().count();
            let wanted = self.group_count.unwrap_or(letters);
            self.judge(Rule::GroupsFit, || {
                if let Some(letter) = values.signalgroupstatus.chars().find(|c| lamp(*c).is_none()) {
                    return Some(format!("{letter:?} is no letter of the SXL"));
                }
                ((letters, values.ages.len()) != (wanted, wanted))
                    .then(|| format!("{letters} letters and {} ages for {wanted} groups", values.ages.len()))
            });
            self.groups = Some((now, letters));
            self.ref_tick = Some((now, values.ref_tick));
        }
    }

    fn mode(&mut self, now: Moment, message: &Message) {
        let Some(status) = self.read::<Status<Mode>>(message) else { return };
        // The one that the broker kept may be old.
        if message.retain {
            return;
        }
        if let Some(last) = self.mode {
            self.gap(Rule::ModeEachTenSeconds, now, last, MODE_EVERY);
        }
        self.mode = Some(now);
        for entry in &status.entries {
            self.time(now, message, entry.ts);
        }
    }

    fn config(&mut self, message: &Message) {
        let Some(status) = self.read::<Status<Junction>>(message) else { return };
        for Entry { values, .. } in status.entries {
            let faults = values.faults();
            self.judge(Rule::Config, || faults.first().cloned());
            self.config_hash = Some(values.config_hash());
            self.group_count = Some(values.groups.len());
        }
    }

    fn sequence<V>(&mut self, code: StatusCode, entry: &Entry<V>) {
        let next = self.sequences.insert((code, entry.boot_id), entry.seq).map(|last| last.saturating_add(1));
        // QoS 1 may repeat the last one.
        self.judge(Rule::Sequence, || {
            next.filter(|next| ![*next, *next - 1].contains(&entry.seq))
                .map(|next| format!("{}: {} where {next} was to come", code.as_str(), entry.seq))
        });
        let boot = self.presence.as_ref().map(|p| p.boot_id);
        self.judge(Rule::Boot, || {
            boot.filter(|_| entry.boot_id != boot).map(|_| format!("{}: {:?}", code.as_str(), entry.boot_id))
        });
    }

    fn counts(&mut self, now: Moment, message: &Message) {
        let Some(status) = self.read::<Status<Counts>>(message) else { return };
        for entry in &status.entries {
            self.time(now, message, entry.ts);
            self.sequence(StatusCode::Counts, entry);
            self.judge(Rule::Counts, || {
                let channels = &entry.values.channels;
                if !channels.is_sorted_by(|a, b| a.dl < b.dl) {
                    return Some("channels are not ascending".to_owned());
                }
                let odd = channels.iter().find(|c| !(0.0..=1.0).contains(&c.occupancy_avg))?;
                Some(format!("dl/{} covered for {} of the time", odd.dl, odd.occupancy_avg))
            });
        }
    }

    fn events(&mut self, now: Moment, message: &Message) {
        let Some(status) = self.read::<Status<Events>>(message) else { return };
        for entry in &status.entries {
            self.time(now, message, entry.ts);
            self.sequence(StatusCode::Events, entry);
            self.judge(Rule::EventsInOrder, || {
                (!entry.values.events.is_sorted_by_key(|e| e.t)).then(|| format!("entry {}", entry.seq))
            });
        }
    }
}

#[cfg(test)]
mod tests;
