//! The fence around every command: is it meant for this cabinet as it is now, and is it new?

use super::Refusal;
use model::time::Moment;
use std::collections::{BTreeMap, VecDeque};
use uuid::Uuid;
use wire::{
    command::{Command, LONGEST_LEASE_S, REF_TICK_LIMIT_MS},
    result::{CommandResult, Reason, ResultState},
    topic::CommandCode,
};

/// Commands whose answers we keep, to give them again. A centre sends about one a second and its messages
/// expire after 5 s, so 256 are four minutes; older repetitions are refused by their sequence number.
const REMEMBERED: usize = 256;

#[derive(Debug)]
pub(super) struct Fence {
    boot: Uuid,
    config_hash: u32,
    /// Highest epoch obeyed, and the highest sequence number within it.
    epoch: u64,
    seq: Option<u64>,
    epoch_is_new: bool,
    answers: BTreeMap<Uuid, CommandResult>,
    order: VecDeque<Uuid>,
}

impl Fence {
    pub(super) fn new(boot: Uuid, config_hash: u32, epoch: u64) -> Fence {
        Fence {
            boot,
            config_hash,
            epoch,
            seq: None,
            epoch_is_new: false,
            answers: BTreeMap::new(),
            order: VecDeque::new(),
        }
    }

    /// The newest answer to a command that has been here before.
    pub(super) fn answered(&self, id: Uuid) -> Option<&CommandResult> {
        self.answers.get(&id)
    }

    /// Keeps the newest answer to a command.
    pub(super) fn remember(&mut self, result: CommandResult) {
        let id = result.cmd_id;
        if self.answers.insert(id, result).is_none() {
            self.order.push_back(id);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.answers.remove(&oldest);
        }
    }

    /// Every rule that needs no device. Changes nothing.
    pub(super) fn check(
        &self,
        now: Moment,
        tick: u64,
        code: CommandCode,
        command: &Command,
    ) -> Result<(), Refusal> {
        let refuse = |reason, detail: String| Err(Refusal::new(reason, detail));
        if command.body.code() != code {
            let detail = format!("the body belongs on {}", command.body.code().as_str());
            return refuse(Reason::Malformed, detail);
        }
        if command.boot_id != self.boot {
            return refuse(Reason::ForeignBoot, format!("this boot is {}", self.boot));
        }
        if command.config_hash != self.config_hash {
            return refuse(
                Reason::ConfigMismatch,
                format!("this configuration is {:#010x}", self.config_hash),
            );
        }
        if command.epoch < self.epoch {
            return refuse(Reason::StaleEpoch, format!("epoch {} has been seen", self.epoch));
        }
        if command.epoch == self.epoch
            && let Some(seq) = self.seq.filter(|&seq| command.seq <= seq)
        {
            return refuse(Reason::StaleSeq, format!("number {seq} has been seen"));
        }
        match tick.checked_sub(command.ref_tick) {
            None => {
                return refuse(
                    Reason::StaleTick,
                    format!("tick {tick} is now, {} is to come", command.ref_tick),
                );
            }
            Some(age) if age > REF_TICK_LIMIT_MS => {
                return refuse(Reason::StaleTick, format!("made from a picture {age} ms old"));
            }
            Some(_) => {}
        }
        if command.expires_at <= now {
            let late = now.since(command.expires_at);
            let detail = format!("{late:?} too late");
            return Err(Refusal { state: ResultState::Expired, reason: None, detail });
        }
        if !(1..=LONGEST_LEASE_S).contains(&command.lease_s) {
            let detail = format!("a lease of {} s; 1 to {LONGEST_LEASE_S} s are granted", command.lease_s);
            return refuse(Reason::BadLease, detail);
        }
        Ok(())
    }

    /// The command is let through: nothing older may follow it, whatever becomes of it.
    pub(super) fn pass(&mut self, command: &Command) {
        self.epoch_is_new |= command.epoch > self.epoch;
        self.epoch = command.epoch;
        self.seq = Some(command.seq);
    }

    /// The epoch, once after each time that it has grown.
    pub(super) fn new_epoch(&mut self) -> Option<u64> {
        std::mem::take(&mut self.epoch_is_new).then_some(self.epoch)
    }
}
