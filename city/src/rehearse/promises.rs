//! The promises, checked after every step against the lamps themselves, by books of our own: none of the code that
//! keeps a promise is asked whether it was kept.

use edge_agent::agent::Arrived;
use model::{
    ids::{GroupNumber, StageNumber},
    signal::{Junction, Lamp},
    time::{Moment, Tenths},
};
use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};
use uuid::Uuid;
use wire::{
    codec,
    command::{Body, Command, LONGEST_LEASE_S, REF_TICK_LIMIT_MS},
    result::{CommandResult, Reason, ResultState},
};

/// A promise that was not kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Broken {
    /// Its number in the list of promises.
    pub(crate) promise: u8,
    /// What happened.
    pub(crate) what: String,
}

pub(super) fn broken(promise: u8, what: impl Into<String>) -> Broken {
    Broken { promise, what: what.into() }
}

/// Forgiven in every measured time: a tenth, and half a percent for the device's own crystal.
fn at_least(shown_ms: i64, required: Tenths) -> bool {
    shown_ms + 100 + shown_ms / 200 >= i64::from(required.0) * 100
}

/// How long pictures of the street are remembered: what the guard may judge by, and a tick of the device, ms.
const REMEMBERED_MS: i64 = 3_100;

#[derive(Clone, Copy, Debug)]
struct Head {
    lamp: Lamp,
    since: Moment,
    /// Whether we saw it begin.
    seen: bool,
    steady_ended: Option<Moment>,
    go_ended: Option<Moment>,
}

/// A picture that an agent could have: each group's lamp and since when, and the stage that the device says.
#[derive(Clone, Debug)]
struct Picture {
    at: Moment,
    groups: Vec<(Lamp, Moment)>,
    stage: Option<StageNumber>,
}

/// Promise 1, at one junction.
#[derive(Debug)]
pub(super) struct LampBook {
    junction: Arc<Junction>,
    heads: Vec<Head>,
    pictures: VecDeque<Picture>,
}

impl LampBook {
    /// `junction` is the true one, whatever the cabinet believes.
    pub(super) fn new(junction: Arc<Junction>) -> LampBook {
        LampBook { junction, heads: Vec::new(), pictures: VecDeque::new() }
    }

    fn name(&self, group: usize) -> String {
        format!("junction {}: group {}", self.junction.id, group + 1)
    }

    /// Takes what the lamps show now.
    pub(super) fn look(
        &mut self,
        now: Moment,
        lamps: &[Lamp],
        stage: Option<StageNumber>,
    ) -> Result<(), Broken> {
        if self.heads.is_empty() {
            let head = |&lamp| Head { lamp, since: now, seen: false, steady_ended: None, go_ended: None };
            self.heads = lamps.iter().map(head).collect();
        }
        let mut began = Vec::new();
        for (i, &lamp) in lamps.iter().enumerate() {
            let before = self.heads[i];
            if before.lamp == lamp {
                continue;
            }
            self.change(now, i, lamp)?;
            if lamp.is_go() && !before.lamp.is_go() {
                began.push(i);
            }
        }
        for i in began {
            self.begin(now, i)?;
        }
        let groups = self.heads.iter().map(|h| (h.lamp, h.since)).collect();
        self.pictures.push_back(Picture { at: now, groups, stage });
        while self.pictures.front().is_some_and(|p| now.0 - p.at.0 > REMEMBERED_MS) {
            self.pictures.pop_front();
        }
        Ok(())
    }

    fn change(&mut self, now: Moment, i: usize, lamp: Lamp) -> Result<(), Broken> {
        let group = &self.junction.groups[i];
        let before = self.heads[i];
        let shown = now.0 - before.since.0;
        let mut head = Head { lamp, since: now, seen: true, ..before };
        if lamp == Lamp::Dark {
            self.heads[i] = Head { steady_ended: None, go_ended: None, ..head };
            return Ok(());
        }
        if before.lamp == Lamp::Green {
            if before.seen && !at_least(shown, group.min_green) {
                return Err(broken(1, format!("{} was green for only {shown} ms", self.name(i))));
            }
            head.steady_ended = Some(now);
        }
        if lamp == Lamp::FlashingAmber {
            (head.steady_ended, head.go_ended) = (None, None);
        } else if before.lamp.is_go() && !lamp.is_go() {
            head.go_ended = Some(now);
        }
        if lamp == Lamp::Red
            && let Some(ended) = head.steady_ended.take()
            && !at_least(now.0 - ended.0, group.flashing_green + group.amber)
        {
            let cleared = now.0 - ended.0;
            return Err(broken(1, format!("{} cleared in only {cleared} ms", self.name(i))));
        }
        self.heads[i] = head;
        Ok(())
    }

    fn begin(&self, now: Moment, i: usize) -> Result<(), Broken> {
        let number = |k: usize| GroupNumber(k as u16 + 1);
        for (k, other) in self.heads.iter().enumerate().filter(|(k, _)| *k != i) {
            if !self.junction.intergreens.conflict(number(i), number(k)) {
                continue;
            }
            if other.lamp.is_go() {
                return Err(broken(1, format!("{} and group {} are both green", self.name(i), k + 1)));
            }
            let required = self.junction.intergreens.get(number(k), number(i)).unwrap_or(Tenths::ZERO);
            if let Some(ended) = other.go_ended
                && !at_least(now.0 - ended.0, required)
            {
                let shown = now.0 - ended.0;
                return Err(broken(
                    1,
                    format!(
                        "{} became green {shown} ms after group {}, {required} s are required",
                        self.name(i),
                        k + 1
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Whether a stage could be asked for by any picture that an agent may still judge by.
    pub(super) fn could_be_asked(&self, now: Moment, stage: StageNumber) -> Result<(), Broken> {
        let Some(wanted) = self.junction.stage(stage) else {
            return Err(broken(1, format!("junction {}: stage {stage} was written", self.junction.id)));
        };
        let settled = |p: &&Picture| {
            p.groups.iter().zip(&self.junction.groups).all(|((lamp, since), group)| match lamp {
                Lamp::Red => true,
                Lamp::Green => wanted.has(group.number) || at_least(now.0 - since.0 + 200, group.min_green),
                _ => false,
            })
        };
        let there = |p: &&Picture| p.stage == Some(stage);
        if self.pictures.iter().any(|p| there(&p) || settled(&p)) {
            return Ok(());
        }
        let shown: Vec<_> = self.heads.iter().map(|h| (h.lamp, now.0 - h.since.0)).collect();
        Err(broken(
            1,
            format!(
                "junction {}: stage {stage} was written while the lamps were {shown:?}",
                self.junction.id
            ),
        ))
    }
}

/// What a command is by the documented rules, as far as they need no device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// It has been here, or a rule refuses it: it must change nothing.
    MustChangeNothing,
    /// Only the device and the guard can refuse it now.
    MayPass,
}

/// Promise 2, at one junction: the fence by our own books.
#[derive(Debug, Default)]
pub(super) struct FenceBook {
    boot: Uuid,
    config_hash: u32,
    epoch: u64,
    seq: Option<u64>,
    seen: BTreeSet<Uuid>,
}

impl FenceBook {
    /// The agent started anew, and knows the epoch that its file says.
    pub(super) fn restart(&mut self, boot: Uuid, config_hash: u32, epoch: u64) {
        *self = FenceBook { boot, config_hash, epoch, ..FenceBook::default() };
    }

    /// What must become of a command that arrives.
    pub(super) fn judge(
        &mut self,
        clock: Moment,
        tick: u64,
        arrived: &Arrived,
    ) -> (Verdict, Option<Command>) {
        let Ok(command) = codec::decode::<Command>("command", &arrived.payload) else {
            return (Verdict::MustChangeNothing, None);
        };
        let age = tick.checked_sub(command.ref_tick);
        let fresh = !arrived.retain
            && arrived.response_topic.is_some()
            && !self.seen.contains(&command.cmd_id)
            && command.body.code() == arrived.code
            && command.boot_id == self.boot
            && command.config_hash == self.config_hash
            && command.epoch >= self.epoch
            && !(command.epoch == self.epoch && self.seq.is_some_and(|seq| command.seq <= seq))
            && age.is_some_and(|age| age <= REF_TICK_LIMIT_MS)
            && command.expires_at > clock
            && (1..=LONGEST_LEASE_S).contains(&command.lease_s);
        if !arrived.retain && arrived.response_topic.is_some() {
            self.seen.insert(command.cmd_id);
        }
        (if fresh { Verdict::MayPass } else { Verdict::MustChangeNothing }, Some(command))
    }

    /// What became of it.
    pub(super) fn passed(&mut self, command: &Command, results: &[CommandResult]) {
        let held_back = results.iter().any(|r| r.reason == Some(Reason::ConfigMismatch));
        if !held_back {
            (self.epoch, self.seq) = (command.epoch, Some(command.seq));
        }
    }
}

/// Promise 3, at one junction: until when somebody may steer it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LeaseBook {
    pub(super) until: Moment,
    /// Since when nothing is wrong here.
    pub(super) calm_since: Option<Moment>,
    /// When the centre was last seen to steer it.
    pub(super) steered_at: Moment,
    /// Since when the agent could put things right after a lease.
    pub(super) able_since: Option<Moment>,
}

impl LeaseBook {
    /// A command was applied: it may be obeyed as long as its lease says.
    pub(super) fn granted(&mut self, now: Moment, command: &Command, results: &[CommandResult]) -> bool {
        let applied = results.iter().any(|r| r.state == ResultState::Applied);
        // A write that failed to be read back may be in force all the same.
        let tried = results.iter().any(|r| r.reason == Some(Reason::ReadBackFailed));
        if applied || tried {
            self.until = self.until.max(Moment(now.0 + i64::from(command.lease_s) * 1000));
        }
        applied && command.body != Body::Lease
    }
}
