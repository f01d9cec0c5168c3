//! Numbers, leases and fences: turns what is wanted of the junctions into commands, at most one a tick for each, and no more
//! than the link bears.
//!
//! Nothing unsafe leaves here: a stage is asked for only if [`rules::may_ask`] agrees, on the newest lamps
//! carried on to now. The cabinet checks again.

mod pace;

use crate::coordinator::Live;
use model::{
    ids::{JunctionIx, PlanNumber, StageNumber},
    signal::{
        Junction,
        rules::{self, Heading},
    },
    time::Moment,
};
use pace::Pace;
use std::time::Duration;
use uuid::Uuid;
use wire::{
    command::{Body, Command, LONGEST_LEASE_S},
    message::Rung,
    result::{CommandResult, Reason, ResultState},
};

/// A command is not valid after this long, s: a second for the way there, and room for a slow poll. It must
/// not exceed [`wire::command::MESSAGE_EXPIRY_S`].
pub const EXPIRES_S: u64 = 4;
/// An answer that takes longer than this is not waited for, s: the command is sent anew.
pub const ANSWER_S: u64 = 2;

/// This part of the room is not given to junctions that hold nothing yet: those who do change stages in bursts.
const SPARE: usize = 4;

/// What is wanted of a junction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    /// That stage.
    Stage(StageNumber),
    /// That plan, by the cabinet's own clock.
    Plan(PlanNumber),
    /// Flashing amber.
    Flash,
}

impl Wish {
    fn body(self) -> Body {
        match self {
            Wish::Stage(stage) => Body::Stage(stage.0),
            Wish::Plan(plan) => Body::Plan(plan.0),
            Wish::Flash => Body::Mode(Rung::Flashing),
        }
    }
}

/// Whether no more answers come after this one.
pub fn is_final(state: ResultState) -> bool {
    matches!(state, ResultState::Applied | ResultState::Rejected | ResultState::Expired)
}

/// Who was told what.
#[derive(Clone, Debug)]
pub(crate) struct Dispatch {
    epoch: u64,
    lease_s: u32,
    /// Commands of this centre so far, for their ids.
    sent: u64,
    lines: Vec<Line>,
    pace: Pace,
    /// Where the next round begins: whom the last one passed over is first.
    turn: usize,
    /// Junctions that it passed over and that hold nothing of ours.
    waiting: usize,
}

/// One junction's line of commands.
#[derive(Clone, Debug, Default)]
struct Line {
    /// The last number used.
    seq: u64,
    /// What the cabinet holds, or is about to, as far as we know.
    holds: Option<Held>,
    /// What it held before the last command, and goes on with if it refuses that.
    before: Option<Held>,
    /// Somebody with a newer epoch commands it: silent until our own is newer.
    fenced: bool,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    wish: Wish,
    /// When the wish itself was last sent.
    asked: Moment,
    /// When it was last sent or prolonged.
    renewed: Moment,
}

impl Dispatch {
    pub(crate) fn new(junctions: usize, epoch: u64, lease_s: u32) -> Dispatch {
        let lease_s = lease_s.clamp(1, LONGEST_LEASE_S);
        Dispatch {
            epoch,
            lease_s,
            sent: 0,
            lines: vec![Line::default(); junctions],
            pace: Pace::default(),
            turn: 0,
            waiting: 0,
        }
    }

    /// Takes a newer epoch; says whether it was newer.
    pub(crate) fn take_epoch(&mut self, epoch: u64) -> bool {
        let newer = epoch > self.epoch;
        if newer {
            self.epoch = epoch;
            for line in &mut self.lines {
                line.fenced = false;
                // What was promised under the old epoch is said again under the new one.
                (line.holds, line.before) = (None, None);
            }
        }
        newer
    }

    /// Another centre holds this junction.
    pub(crate) fn fenced(&self, ix: JunctionIx) -> bool {
        self.lines[ix.ix()].fenced
    }

    /// The cabinet restarted or left: it holds nothing for us.
    pub(crate) fn forget(&mut self, ix: JunctionIx) {
        let line = &mut self.lines[ix.ix()];
        (line.holds, line.before) = (None, None);
    }

    /// The cabinet answered the last command.
    pub(crate) fn answered(&mut self, ix: JunctionIx, command: &Command, result: &CommandResult) {
        let line = &mut self.lines[ix.ix()];
        match result.state {
            ResultState::Received | ResultState::Accepted | ResultState::Applied => (),
            // It came in the wrong moment, and all is as it was. Forgetting the lease would let it lapse: until the wish is safe
            // again a cabinet's own plan may lead away from it, over and over.
            ResultState::Expired => line.holds = line.before,
            ResultState::Rejected => {
                let passes = matches!(
                    result.reason,
                    Some(Reason::Unsafe | Reason::StaleTick | Reason::DeviceUnavailable)
                );
                line.holds = line.before.filter(|_| passes);
                line.fenced |= result.reason == Some(Reason::StaleEpoch) && command.epoch == self.epoch;
            }
        }
    }

    /// Messages that the broker has not taken yet.
    pub(crate) fn set_backlog(&mut self, messages: usize) {
        self.pace.set_backlog(messages);
    }

    /// A cabinet has received the command of that name.
    pub(crate) fn received(&mut self, now: Moment, cmd_id: Uuid) {
        let made = cmd_id.get_timestamp().map(|made| made.to_unix());
        let after = made.map(|(s, ns)| now.since(Moment(s as i64 * 1000 + i64::from(ns / 1_000_000))));
        after.into_iter().for_each(|after| self.pace.answered(after));
    }

    /// The commands that this tick owes the junctions, as many as the link bears.
    pub(crate) fn round(
        &mut self,
        now: Moment,
        junctions: &[Junction],
        live: &[Live],
        wishes: &[(JunctionIx, Option<Wish>)],
    ) -> Vec<(JunctionIx, Command)> {
        let room = self.pace.room();
        let commands = self.within(room, now, junctions, live, wishes);
        self.pace.gave(commands.len());
        commands
    }

    /// The commands that are owed, at most `room`. Those who hold something of ours come first, since
    /// their leases would lapse; who holds nothing runs its own plan meanwhile, and is only taken on while room is left.
    fn within(
        &mut self,
        room: usize,
        now: Moment,
        junctions: &[Junction],
        live: &[Live],
        wishes: &[(JunctionIx, Option<Wish>)],
    ) -> Vec<(JunctionIx, Command)> {
        let (n, stride, begin) = (wishes.len(), stride(wishes.len()), self.turn);
        let mut commands = Vec::new();
        let mut passed_over = None;
        self.waiting = 0;
        for (held, room) in [(true, room), (false, room - room / SPARE)] {
            for place in (begin..begin + n).map(|place| place % n) {
                let (ix, wish) = wishes[place * stride % n];
                if self.lines[ix.ix()].holds.is_some() != held {
                    continue;
                }
                if commands.len() < room {
                    let command = self.next(now, ix, &junctions[ix.ix()], &live[ix.ix()], wish);
                    commands.extend(command.map(|command| (ix, command)));
                } else {
                    passed_over = passed_over.or(Some(place));
                    self.waiting += usize::from(!held);
                }
            }
        }
        self.turn = passed_over.unwrap_or(begin);
        commands
    }

    /// Junctions that hold nothing of ours, because the last round had no room for them.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// The command that this tick owes the junction, if one.
    fn next(
        &mut self,
        now: Moment,
        ix: JunctionIx,
        junction: &Junction,
        live: &Live,
        wish: Option<Wish>,
    ) -> Option<Command> {
        let line = &self.lines[ix.ix()];
        let body = match (line.holds, wish) {
            (Some(held), Some(wish)) if held.wish == wish => {
                if self.lost(now, live, held) && allowed(junction, live, wish, now) {
                    wish.body()
                } else if self.due(now, held) {
                    Body::Lease
                } else {
                    return None;
                }
            }
            (held, Some(wish)) if allowed(junction, live, wish, now) => {
                let _ = held;
                wish.body()
            }
            // Not safe yet: what it holds goes on meanwhile. But flashing never becomes safe to leave by a stage: its
            // lease must lapse, and the cabinet's own plan leads out of it.
            (Some(held), _) if held.wish != Wish::Flash && self.due(now, held) => Body::Lease,
            _ => return None,
        };
        let presence = live.presence.as_ref()?;
        let renews = body == Body::Lease;
        let line = &mut self.lines[ix.ix()];
        line.before = line.holds;
        line.holds = match (line.holds, wish) {
            (Some(held), _) if renews => Some(Held { renewed: now, ..held }),
            (_, Some(wish)) => Some(Held { wish, asked: now, renewed: now }),
            (held, None) => held,
        };
        // Counted from the clock, so that a centre that restarts under the same epoch goes on above itself.
        line.seq = (line.seq + 1).max(u64::try_from(now.0).unwrap_or(0));
        self.sent += 1;
        Some(Command {
            cmd_id: cmd_id(now, self.epoch, self.sent),
            epoch: self.epoch,
            seq: line.seq,
            boot_id: presence.boot_id,
            config_hash: presence.config_hash,
            ref_tick: live.ref_tick,
            expires_at: now + Duration::from_secs(EXPIRES_S),
            lease_s: self.lease_s,
            body,
        })
    }

    /// A third of the lease has passed: two more chances remain before it lapses.
    fn due(&self, now: Moment, held: Held) -> bool {
        now.since(held.renewed) >= Duration::from_secs(u64::from(self.lease_s / 3).max(1))
    }

    /// The cabinet had time to take the wish and shows that it does not hold it.
    fn lost(&self, now: Moment, live: &Live, held: Held) -> bool {
        if now.since(held.asked) < Duration::from_secs(ANSWER_S) {
            return false;
        }
        match held.wish {
            Wish::Stage(stage) => live.device_wanted != Some(stage),
            Wish::Plan(plan) => {
                live.mode.as_ref().is_some_and(|m| m.rung != Rung::Coordinated || m.plan != plan.0)
            }
            Wish::Flash => live.mode.as_ref().is_some_and(|m| m.rung != Rung::Flashing),
        }
    }
}

/// A step that leads through `n` places, meets each once, and lands far from where it was: junctions that are close in the list
/// share a gateway, and one gateway alone bears few commands at once.
fn stride(n: usize) -> usize {
    const GOLDEN: f64 = 0.618;
    fn divisor(a: usize, b: usize) -> usize {
        if b == 0 { a } else { divisor(b, a % b) }
    }
    let begin = (n as f64 * GOLDEN) as usize;
    (begin.max(1)..).find(|step| divisor(*step, n) == 1).unwrap_or(1)
}

/// Whether it may be asked for now.
fn allowed(junction: &Junction, live: &Live, wish: Wish, now: Moment) -> bool {
    match wish {
        Wish::Stage(stage) => {
            let heading = Heading { stage: live.stage, interstage: live.interstage };
            live.groups.len() == junction.groups.len()
                && rules::may_ask(junction, &live.groups, heading, stage, now).is_ok()
        }
        // The way there is the cabinet's own.
        Wish::Plan(_) | Wish::Flash => true,
    }
}

/// A UUIDv7 without chance in it, so that a replay makes the same: its time, then the epoch's low bits (two
/// centres never share one) and the count of commands.
fn cmd_id(now: Moment, epoch: u64, count: u64) -> Uuid {
    let [.., e1, e0] = epoch.to_be_bytes();
    let [_, _, c5, c4, c3, c2, c1, c0] = count.to_be_bytes();
    // The builder puts version and variant over the top bits of bytes 0 and 2, so those carry nothing.
    let tail = [0, e1, 0, e0, c5, c4, c3, c2, c1, c0];
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(now.0).unwrap_or(0), &tail).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{
        signal::{Lamp, rules::GroupState},
        sketch,
    };
    use wire::message::{Presence, PresenceState};

    /// A link that bears little steers few junctions, but those without a gap; and who waits gets his turn.
    #[test]
    fn whom_there_is_no_room_for_waits_and_nobody_loses_a_lease() {
        let city = sketch::city("W---C---E\n    |\n    |\n    |\n    S", "C");
        const N: usize = 1000;
        let junctions = vec![city.junctions[0].clone(); N];
        let stage = junctions[0].stages[0].number;
        let green = |g: &model::signal::SignalGroup| {
            if junctions[0].stages[0].has(g.number) { Lamp::Green } else { Lamp::Red }
        };
        let presence = Presence {
            state: PresenceState::Online,
            boot_id: Uuid::nil(),
            config_hash: junctions[0].config_hash(),
            version: String::new(),
        };
        let groups =
            junctions[0].groups.iter().map(|g| GroupState { lamp: green(g), since: Moment(0) }).collect();
        let one = Live {
            presence: Some(presence),
            groups,
            stage: Some(stage),
            device_wanted: Some(stage),
            ..Live::default()
        };
        let live = vec![one; N];
        let wishes: Vec<_> = (0..N).map(|i| (JunctionIx::from(i), Some(Wish::Stage(stage)))).collect();
        let (lease_s, room) = (9, 60);
        let mut dispatch = Dispatch::new(N, 1, lease_s);
        let mut last = vec![None; N];
        let mut first_taken = Vec::new();
        for s in 60..360 {
            let now = Moment(s * 1000);
            let commands = dispatch.within(room, now, &junctions, &live, &wishes);
            assert!(commands.len() <= room);
            for (ix, _) in commands {
                let before = last[ix.ix()].replace(s);
                assert!(before.is_none_or(|t| s - t < i64::from(lease_s)), "{ix:?} lost its lease");
                if s == 60 {
                    first_taken.push(ix.ix());
                }
            }
        }
        let held = last.iter().flatten().count();
        assert!((120..180).contains(&held), "{held} of those that 60 a second with 3 s each could bear");
        let of_the_first_tenth = first_taken.iter().filter(|i| **i < N / 10).count();
        assert!(of_the_first_tenth < 10, "neighbours were all taken at once: {of_the_first_tenth}");
        // Room enough takes all.
        let all: usize = (360..370)
            .map(|s| dispatch.within(usize::MAX, Moment(s * 1000), &junctions, &live, &wishes).len())
            .sum();
        assert!(all > N, "{all}");
    }

    /// Flashing lamps can take no stage: if their lease were prolonged until they could, they would flash for ever.
    #[test]
    fn flashing_that_nobody_wants_any_more_is_not_prolonged() {
        let city = sketch::city("W---C---E\n    |\n    |\n    |\n    S", "C");
        let junction = &city.junctions[0];
        let flashing = GroupState { lamp: Lamp::FlashingAmber, since: Moment(0) };
        let presence = Presence {
            state: PresenceState::Online,
            boot_id: Uuid::nil(),
            config_hash: junction.config_hash(),
            version: String::new(),
        };
        let groups = vec![flashing; junction.groups.len()];
        let live = Live { presence: Some(presence), groups, ..Live::default() };
        let mut dispatch = Dispatch::new(1, 1, 9);
        let mut next = |at_s: i64, wish| {
            let command = dispatch.next(Moment(at_s * 1000), JunctionIx(0), junction, &live, Some(wish));
            command.map(|c| c.body)
        };
        assert_eq!(next(1, Wish::Flash), Some(Body::Mode(Rung::Flashing)));
        assert_eq!(next(5, Wish::Flash), Some(Body::Lease), "while it is wanted");
        assert_eq!(next(9, Wish::Stage(StageNumber(1))), None, "and no longer");
    }

    /// A change that is refused in a moment when it is unsafe costs nothing: the lease on what runs is prolonged meanwhile.
    #[test]
    fn what_is_refused_for_a_moment_leaves_the_lease_before_it() {
        let city = sketch::city("W---C---E\n    |\n    |\n    |\n    S", "C");
        let junction = &city.junctions[0];
        let [first, second] = [0, 1].map(|i| junction.stages[i].number);
        let lamps = |since_s: i64| -> Vec<GroupState> {
            let lamp = |g: &model::signal::SignalGroup| {
                if junction.stages[0].has(g.number) { Lamp::Green } else { Lamp::Red }
            };
            junction
                .groups
                .iter()
                .map(|g| GroupState { lamp: lamp(g), since: Moment(since_s * 1000) })
                .collect()
        };
        let presence = Presence {
            state: PresenceState::Online,
            boot_id: Uuid::nil(),
            config_hash: junction.config_hash(),
            version: String::new(),
        };
        let mut live =
            Live { presence: Some(presence), groups: lamps(0), stage: Some(first), ..Live::default() };
        let mut dispatch = Dispatch::new(1, 1, 9);
        let ix = JunctionIx(0);
        let at = |s: i64| Moment(s * 1000);
        let asked = dispatch.next(at(60), ix, junction, &live, Some(Wish::Stage(first))).unwrap();
        assert_eq!(asked.body, Body::Stage(first.0));
        live.device_wanted = Some(first);
        let change = dispatch.next(at(62), ix, junction, &live, Some(Wish::Stage(second))).unwrap();
        assert_eq!(change.body, Body::Stage(second.0));
        let refused = |reason| CommandResult {
            cmd_id: change.cmd_id,
            state: ResultState::Rejected,
            reason: Some(reason),
            detail: String::new(),
        };
        dispatch.answered(ix, &change, &refused(Reason::Unsafe));
        // The lamps have just changed, so the wish has to wait for the minimum green.
        live.groups = lamps(63);
        let next = |dispatch: &mut Dispatch, s: i64| {
            dispatch.next(at(s), ix, junction, &live, Some(Wish::Stage(second))).map(|c| c.body)
        };
        assert_eq!(next(&mut dispatch, 64), Some(Body::Lease), "what runs is held");
        assert_eq!(next(&mut dispatch, 80), Some(Body::Stage(second.0)), "until the wish is safe");
        dispatch.answered(ix, &change, &refused(Reason::BadLease));
        live.groups = lamps(80);
        let next = dispatch.next(at(84), ix, junction, &live, Some(Wish::Stage(second)));
        assert_eq!(next, None, "nothing is held, so nothing is prolonged");
    }
}
