//! A traffic light controller made of software: it behaves as the box in the cabinet does.
//!
//! It keeps its own plan, walks every interstage to its end, enforces minimum greens and intergreens
//! whatever it is asked for, and goes back to its plan when the centre's request runs out. It does not
//! trust its commander: the agent's guard and this box check the same rules separately.

use model::{
    detection::Sighting,
    ids::{GroupNumber, StageNumber},
    signal::{Junction, Lamp, Plan, interstage::Interstage, rules::GroupState},
    time::{Moment, Tenths},
};
use std::sync::Arc;
use wire::register_map::DeviceMode;

/// What a device is asked for: the command block of its register map.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Request {
    /// Stage wanted, while `until` has not come; `None` leaves the device to its own plan.
    pub stage: Option<StageNumber>,
    /// End of the countdown that reverts the request.
    pub until: Moment,
    /// Plan to run by the clock; 0 leaves it to the device's own schedule.
    pub plan: u16,
    /// What to do without a stage request.
    pub local: LocalMode,
}

/// What the device does on its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LocalMode {
    /// Its plan, by the clock.
    #[default]
    Coordinated,
    /// Its stages as its own detectors ask for them.
    Actuated,
    /// Its plan's splits one after the other, whatever the clock says.
    Fixed,
    /// Flashing amber.
    Flashing,
}

/// What one detector channel feels now, with counters that only grow (and wrap), as registers have them.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Sensed {
    /// Vehicles so far.
    pub count: u16,
    /// Tenths of a second covered so far.
    pub covered: u16,
    /// Covered or pressed now.
    pub occupied: bool,
    /// Mean speed over the last interval, m/s.
    pub speed_mps: Option<f32>,
    /// Standing vehicles in view (area).
    pub queue: Option<u16>,
    /// Vehicles in view (area).
    pub vehicles: Option<u16>,
    /// The channel reports itself broken.
    pub fault: bool,
}

/// What all channels of a junction feel now.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Felt {
    /// Channels, in the order of `Junction::detectors`.
    pub channels: Vec<Sensed>,
    /// Vehicles that area channels follow, each with its channel's place in that order: by channel, the nearest
    /// first.
    pub sightings: Vec<(u16, Sighting)>,
}

/// One line of the device's event ring: Indiana code and parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeviceEvent {
    /// Counts from 1 and wraps past 65,535 to 1; 0 never occurs.
    pub seq: u16,
    /// When.
    pub at: Moment,
    /// What.
    pub code: u16,
    /// Of which group, channel or plan.
    pub param: u16,
}

/// Troubles that a device can have on request.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Troubles {
    /// No power: dark, and it forgets what it was asked for.
    pub power_lost: bool,
    /// The cabinet's door is open.
    pub door_open: bool,
    /// A lamp of that group is out.
    pub lamp_out: Option<GroupNumber>,
    /// The manual panel is in use: the device stays in its stage and obeys nobody.
    pub manual: bool,
}

/// Longest time without a vehicle that keeps a local actuated green, as cabinets are usually set.
const LOCAL_GAP: Tenths = Tenths(30);

/// How many events the ring holds: 96 lines are more than any junction makes in a second.
pub const RING: usize = 96;

#[derive(Clone, PartialEq, Debug)]
enum State {
    Running(StageNumber),
    Changing {
        from: Option<StageNumber>,
        to: StageNumber,
        way: Interstage,
        began: Moment,
    },
    /// After flashing or dark: everything red before the first stage.
    AllRed {
        began: Moment,
    },
    Flashing,
    Dark,
}

/// The device.
#[derive(Clone, Debug)]
pub struct Tlc {
    junction: Arc<Junction>,
    state: State,
    groups: Vec<GroupState>,
    /// Its calendar runs so far ahead of UTC, ms: schedules are those of the place.
    ahead_ms: i64,
    /// When each group's go last ended, for intergreens across more than one interstage.
    go_ended: Vec<Option<Moment>>,
    mode: DeviceMode,
    /// When the running stage became green.
    stage_since: Moment,
    started: Moment,
    plan: Option<usize>,
    /// Step of the plan that the fixed and actuated modes stand on.
    local_step: usize,
    felt: Felt,
    /// When each channel last felt something.
    actuated_at: Vec<Option<Moment>>,
    ring: std::collections::VecDeque<DeviceEvent>,
    next_seq: u16,
    /// Troubles in force.
    pub troubles: Troubles,
}

/// All red after a start, before the first stage: longer than the longest clearance in use.
const START_RED: Tenths = Tenths::seconds(6);

impl Tlc {
    /// A device that has just been switched on: it starts in the stage that its plan wants now, so that a
    /// simulated city need not begin with every junction dark.
    pub fn new(junction: Arc<Junction>, now: Moment) -> Tlc {
        let plan = (!junction.plans.is_empty()).then_some(0);
        let first = plan
            .and_then(|p| {
                let plan = &junction.plans[p];
                plan.step_at(clock_tenths(now)).map(|(step, _)| plan.steps[step].stage)
            })
            .or(junction.stages.first().map(|s| s.number))
            .unwrap_or(StageNumber(0));
        Tlc::in_stage(junction, now, first, now)
    }

    /// A device that has run a stage of its junction since some time when it is first looked at.
    pub fn in_stage(junction: Arc<Junction>, now: Moment, stage: StageNumber, since: Moment) -> Tlc {
        let plan = (!junction.plans.is_empty()).then_some(0);
        let green = junction.stage(stage).map(|s| s.green.clone()).unwrap_or_default();
        let groups = junction
            .groups
            .iter()
            .map(|g| GroupState {
                lamp: if green.contains(&g.number) { Lamp::Green } else { Lamp::Red },
                since,
            })
            .collect();
        let channels = junction.detectors.len();
        Tlc {
            state: State::Running(stage),
            groups,
            ahead_ms: 0,
            go_ended: vec![None; junction.groups.len()],
            mode: DeviceMode::Coordinated,
            stage_since: since,
            started: now,
            plan,
            local_step: 0,
            felt: Felt { channels: vec![Sensed::default(); channels], sightings: Vec::new() },
            actuated_at: vec![None; channels],
            ring: std::collections::VecDeque::with_capacity(RING),
            next_seq: 1,
            troubles: Troubles::default(),
            junction,
        }
    }

    /// The same, with a calendar that runs so far ahead of UTC.
    pub fn ahead_of_utc(self, ahead_ms: i64) -> Tlc {
        Tlc { ahead_ms, ..self }
    }

    /// The junction that it controls.
    pub fn junction(&self) -> &Arc<Junction> {
        &self.junction
    }
    /// What each group shows, in group order.
    pub fn groups(&self) -> &[GroupState] {
        &self.groups
    }
    /// The stage that is green, or where the interstage leads; `None` when nothing is controlled.
    pub fn stage(&self) -> Option<StageNumber> {
        match &self.state {
            State::Running(stage) | State::Changing { to: stage, .. } => Some(*stage),
            State::AllRed { .. } | State::Flashing | State::Dark => None,
        }
    }
    /// Whether an interstage (or the all-red of a start) is running.
    pub fn in_interstage(&self) -> bool {
        matches!(self.state, State::Changing { .. } | State::AllRed { .. })
    }
    /// The stage whose greens are showing, and which says who of them must give way: the running one, or
    /// during an interstage the one that is being left.
    pub fn governing(&self) -> Option<StageNumber> {
        match self.state {
            State::Running(stage) => Some(stage),
            State::Changing { from, .. } => from,
            _ => None,
        }
    }
    fn running(&self) -> Option<StageNumber> {
        match self.state {
            State::Running(stage) => Some(stage),
            _ => None,
        }
    }
    /// What it is doing.
    pub fn mode(&self) -> DeviceMode {
        self.mode
    }
    /// The plan in use.
    pub fn plan(&self) -> Option<&Plan> {
        self.plan.map(|p| &self.junction.plans[p])
    }
    /// Its detector channels as last felt, in the order of `Junction::detectors`.
    pub fn sensed(&self) -> &[Sensed] {
        &self.felt.channels
    }
    /// The vehicles that its area channels follow, each with its channel's place: by channel, the nearest first.
    pub fn sightings(&self) -> &[(u16, Sighting)] {
        &self.felt.sightings
    }
    /// Its event ring, oldest first.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = &DeviceEvent> + ExactSizeIterator {
        self.ring.iter()
    }
    /// When it was switched on.
    pub fn started(&self) -> Moment {
        self.started
    }

    /// Lives until `now`: takes what it is asked for and what its detectors feel, and moves its lamps.
    /// Call it at least once a second of the city's time.
    pub fn step(&mut self, now: Moment, request: &Request, felt: &Felt) {
        self.sense(now, felt);
        if self.troubles.power_lost {
            if self.state != State::Dark {
                self.state = State::Dark;
                self.mode = DeviceMode::Dark;
                self.show_all(now, Lamp::Dark);
            }
            return;
        }
        let central = request.stage.filter(|s| now < request.until && self.junction.stage(*s).is_some());
        let flashing = central.is_none() && request.local == LocalMode::Flashing;
        self.mode = match (self.troubles.manual, central, request.local) {
            (true, ..) => DeviceMode::Manual,
            (_, Some(_), _) => DeviceMode::Central,
            (_, _, LocalMode::Coordinated) => DeviceMode::Coordinated,
            (_, _, LocalMode::Actuated) => DeviceMode::LocalActuated,
            (_, _, LocalMode::Fixed) => DeviceMode::Fixed,
            (_, _, LocalMode::Flashing) => DeviceMode::Flashing,
        };
        self.choose_plan(now, request.plan);
        match self.state.clone() {
            State::Flashing if flashing => {}
            State::Dark | State::Flashing => {
                self.show_all(now, Lamp::Red);
                self.state = State::AllRed { began: now };
            }
            State::AllRed { began } if Tenths::from(now.since(began)) >= START_RED => {
                if let Some(to) = central.or_else(|| self.local_target(now, request.local)) {
                    let green = self.junction.stage(to).map(|s| s.green.clone()).unwrap_or_default();
                    let way = Interstage::between_greens(&self.junction, &[], &green);
                    self.state = State::Changing { from: None, to, way, began: now };
                    self.walk(now);
                }
            }
            State::AllRed { .. } => {}
            State::Changing { .. } => self.walk(now),
            State::Running(stage) => {
                if flashing {
                    // Into flashing only from a settled stage, and only when its greens have had their minimum.
                    if self.may_leave(now, |_| true) {
                        self.show_all(now, Lamp::FlashingAmber);
                        self.state = State::Flashing;
                    }
                } else if self.mode != DeviceMode::Manual {
                    let target = central.or_else(|| self.local_target(now, request.local));
                    if let Some(to) = target.filter(|&to| to != stage) {
                        self.leave(now, stage, to);
                    }
                }
            }
        }
    }

    fn leave(&mut self, now: Moment, from: StageNumber, to: StageNumber) {
        let way = Interstage::between(&self.junction, from, to);
        let ends = way.losing.clone();
        if self.may_leave(now, |group| ends.contains(&group)) {
            self.state = State::Changing { from: Some(from), to, way, began: now };
            self.walk(now);
        }
    }

    /// Whether every green group that `ends` has had its minimum.
    fn may_leave(&self, now: Moment, ends: impl Fn(GroupNumber) -> bool) -> bool {
        self.junction.groups.iter().zip(&self.groups).all(|(group, state)| {
            !ends(group.number)
                || state.lamp != Lamp::Green
                || Tenths::from(now.since(state.since)) >= group.min_green
        })
    }

    /// Moves the lamps along the interstage; at its end the new stage runs.
    fn walk(&mut self, now: Moment) {
        let State::Changing { to, way, began, .. } = self.state.clone() else { return };
        let elapsed = Tenths::from(now.since(began));
        // An intergreen may reach back beyond this interstage (a long pedestrian clearance, a short stage):
        // then red-amber and green wait for it.
        let mut duration = way.duration;
        for &gaining in &way.gaining {
            for (i, ended) in self.go_ended.iter().enumerate() {
                let ending = GroupNumber(i as u16 + 1);
                let clearance = self.junction.intergreens.get(ending, gaining);
                if let (Some(clearance), Some(ended)) = (clearance, ended) {
                    let ready = *ended + clearance;
                    duration = duration.max(Tenths::from(ready.since(began)));
                }
            }
        }
        let changes: Vec<(usize, Lamp)> = way
            .losing
            .iter()
            .chain(&way.gaining)
            .filter_map(|&g| {
                way.lamp(&self.junction, g, elapsed, duration).map(|lamp| (usize::from(g.0) - 1, lamp))
            })
            .collect();
        for (i, lamp) in changes {
            self.show(now, i, lamp);
        }
        if elapsed >= duration {
            self.state = State::Running(to);
            self.stage_since = now;
        }
    }

    fn choose_plan(&mut self, now: Moment, wanted: u16) {
        let asked = self.junction.plans.iter().position(|p| p.number.0 == wanted);
        let plan = asked.or_else(|| {
            let minutes = (now.0 + self.ahead_ms).div_euclid(60_000);
            // The epoch was a Thursday; weekday 0 is Monday.
            let weekday = (minutes.div_euclid(1440) + 3).rem_euclid(7) as u8;
            let scheduled = self.junction.scheduled_plan(weekday, minutes.rem_euclid(1440) as u16)?;
            self.junction.plans.iter().position(|p| p.number == scheduled.number)
        });
        if plan != self.plan {
            self.plan = plan;
            if let Some(number) = self.plan().map(|p| p.number) {
                self.log(now, 131, number.0);
            }
        }
    }

    fn local_target(&mut self, now: Moment, local: LocalMode) -> Option<StageNumber> {
        let plan = &self.junction.plans[self.plan?];
        match local {
            LocalMode::Flashing => None,
            LocalMode::Coordinated => plan.step_at(clock_tenths(now)).map(|(step, _)| plan.steps[step].stage),
            LocalMode::Fixed | LocalMode::Actuated => {
                let steps = &plan.steps;
                let here = self.local_step % steps.len().max(1);
                let step = steps.get(here)?;
                let next = (here + 1) % steps.len();
                if self.running() != Some(step.stage) {
                    return Some(step.stage);
                }
                let way = Interstage::between(&self.junction, step.stage, steps[next].stage);
                let green_for = Tenths::from(now.since(self.stage_since));
                let green = step.split.saturating_sub(way.duration);
                let over = match local {
                    LocalMode::Fixed => green_for >= green,
                    // Gap-out, with the plan's green doubled as the longest.
                    _ => green_for.0 >= green.0 * 2 || self.gap_is_out(now, step.stage),
                };
                if over {
                    self.local_step = next;
                }
                Some(steps[self.local_step].stage)
            }
        }
    }

    /// Whether nothing has crossed the stage's own vehicle detectors for a gap's length.
    fn gap_is_out(&self, now: Moment, stage: StageNumber) -> bool {
        let Some(stage) = self.junction.stage(stage) else { return true };
        !self.junction.detectors.iter().zip(&self.actuated_at).any(|(detector, at)| {
            detector.groups.iter().any(|g| stage.has(*g))
                && at.is_some_and(|at| Tenths::from(now.since(at)) < LOCAL_GAP)
        })
    }

    fn sense(&mut self, now: Moment, felt: &Felt) {
        self.felt.sightings.clone_from(&felt.sightings);
        for (i, new) in felt.channels.iter().enumerate().take(self.felt.channels.len()) {
            let old = std::mem::replace(&mut self.felt.channels[i], *new);
            let area = new.queue.is_some();
            if new.occupied || new.count != old.count || (area && new.vehicles.unwrap_or(0) > 0) {
                self.actuated_at[i] = Some(now);
            }
            // Area channels have no edge to log; their counts go with the intervals.
            if new.occupied != old.occupied && !area {
                let channel = self.junction.detectors[i].channel.0;
                self.log(now, if new.occupied { 82 } else { 81 }, channel);
            }
        }
    }

    fn show_all(&mut self, now: Moment, lamp: Lamp) {
        for i in 0..self.groups.len() {
            self.show(now, i, lamp);
        }
    }

    fn show(&mut self, now: Moment, i: usize, lamp: Lamp) {
        let old = self.groups[i].lamp;
        if old == lamp {
            return;
        }
        self.groups[i] = GroupState { lamp, since: now };
        if old.is_go() && !lamp.is_go() {
            self.go_ended[i] = Some(now);
        }
        let pedestrians = self.junction.groups[i].kind == model::signal::GroupKind::Pedestrians;
        let code = match (pedestrians, lamp) {
            (false, Lamp::Green) => 1,
            (false, Lamp::FlashingGreen) => 7,
            (false, Lamp::Amber) => 8,
            (false, Lamp::Red) => 10,
            (true, Lamp::Green) => 21,
            (true, Lamp::FlashingGreen) => 22,
            (true, Lamp::Red) => 23,
            _ => return,
        };
        let group = i as u16 + 1;
        // The log marks the end of green even where no flashing green comes between.
        if code == 8 && old == Lamp::Green {
            self.log(now, 7, group);
        }
        if code == 10 && old == Lamp::Amber {
            self.log(now, 9, group);
        }
        self.log(now, code, group);
    }

    fn log(&mut self, at: Moment, code: u16, param: u16) {
        if self.ring.len() == RING {
            self.ring.pop_front();
        }
        self.ring.push_back(DeviceEvent { seq: self.next_seq, at, code, param });
        self.next_seq = self.next_seq.checked_add(1).unwrap_or(1);
    }
}

/// The junction's clock in tenths: all of them count from the epoch, so that offsets mean the same everywhere.
pub fn clock_tenths(now: Moment) -> u64 {
    (now.0.max(0) / 100) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{
        ids::PlanNumber,
        signal::{
            EVERY_DAY, GroupKind, Intergreens, PlanStep, ScheduleEntry, SignalGroup, Stage, rules::Watch,
        },
    };
    use proptest::prelude::*;

    fn junction(groups: u16, amber: u32, flashing: u32, clearance: u32) -> Arc<Junction> {
        let mut intergreens = Intergreens::default();
        for a in 1..=groups {
            for b in (1..=groups).filter(|&b| b != a) {
                intergreens.set(GroupNumber(a), GroupNumber(b), Tenths::seconds(amber + clearance));
            }
        }
        let name = model::network::Name::default;
        Arc::new(Junction {
            id: "j".into(),
            source_id: None,
            name: name(),
            district: "d".into(),
            at: [0.0, 0.0].into(),
            groups: (1..=groups)
                .map(|n| SignalGroup {
                    number: GroupNumber(n),
                    kind: GroupKind::Vehicles,
                    name: name(),
                    min_green: Tenths::seconds(5),
                    max_red: Tenths::ZERO,
                    flashing_green: Tenths::seconds(flashing),
                    amber: Tenths::seconds(amber),
                    red_amber: Tenths::seconds(1),
                    turn_on_red: false,
                })
                .collect(),
            heads: vec![],
            intergreens,
            stages: (1..=groups)
                .map(|n| Stage { number: StageNumber(n), green: vec![GroupNumber(n)], permissive: vec![] })
                .collect(),
            plans: vec![Plan {
                number: PlanNumber(1),
                name: name(),
                offset: Tenths::ZERO,
                steps: (1..=groups)
                    .map(|n| PlanStep { stage: StageNumber(n), split: Tenths::seconds(20) })
                    .collect(),
            }],
            schedule: vec![],
            detectors: vec![],
        })
    }

    #[test]
    fn runs_its_plan_by_the_clock() {
        let mut tlc = Tlc::new(junction(2, 3, 3, 1), Moment(0));
        let mut line = String::new();
        for s in 0..60 {
            tlc.step(Moment(s * 1000), &Request::default(), &Felt::default());
            line.push(match tlc.groups()[0].lamp {
                Lamp::Green => 'G',
                Lamp::FlashingGreen => 'f',
                Lamp::Amber => 'a',
                Lamp::RedAmber => 'u',
                _ => 'r',
            });
        }
        assert_eq!(line, "GGGGGGGGGGGGGGGGGGGGfffaaarrrrrrrrrrrrrrrrrrrruGGGGGGGGGGGGG".get(..60).unwrap());
    }

    #[test]
    fn runs_the_plan_of_the_hour_by_the_clocks_of_the_place() {
        let mut scheduled = (*junction(2, 3, 0, 0)).clone();
        let night = Plan { number: PlanNumber(2), ..scheduled.plans[0].clone() };
        scheduled.plans.push(night);
        let from = |from_minute, plan| ScheduleEntry { days: EVERY_DAY, from_minute, plan: PlanNumber(plan) };
        scheduled.schedule = vec![from(0, 2), from(6 * 60, 1), from(23 * 60, 2)];
        let scheduled = Arc::new(scheduled);
        // 04:30 UTC is half past seven in Moscow, and half past eleven in the evening before in New York.
        let now = Moment(1_795_667_400_000);
        for (ahead_h, expected) in [(0, 2), (3, 1), (-5, 2)] {
            let mut tlc = Tlc::new(scheduled.clone(), now).ahead_of_utc(ahead_h * 3_600_000);
            tlc.step(now, &Request::default(), &Felt::default());
            assert_eq!(tlc.plan().map(|p| p.number.0), Some(expected), "{ahead_h} h ahead");
        }
    }

    #[test]
    fn reverts_to_its_plan_when_the_request_runs_out() {
        let mut tlc = Tlc::new(junction(2, 3, 0, 0), Moment(0));
        let hold = Request { stage: Some(StageNumber(1)), until: Moment(60_000), ..Request::default() };
        for s in 0..60 {
            tlc.step(Moment(s * 1000), &hold, &Felt::default());
            assert_eq!((tlc.stage(), tlc.mode()), (Some(StageNumber(1)), DeviceMode::Central), "at {s} s");
        }
        tlc.step(Moment(60_000), &hold, &Felt::default());
        assert_eq!(tlc.mode(), DeviceMode::Coordinated);
        assert_eq!(tlc.stage(), Some(StageNumber(2)), "the plan wants stage 2 at second 60 of a 40 s cycle");
    }

    proptest! {
        /// Whatever it is asked for and however often, its lamps stay safe.
        #[test]
        fn is_safe_under_any_requests(
            groups in 2u16..6, amber in 2u32..5, flashing in 0u32..4, clearance in 0u32..8,
            asks in prop::collection::vec((0u16..8, 0u32..30, 0u8..24), 1..80),
        ) {
            let junction = junction(groups, amber, flashing, clearance);
            let mut tlc = Tlc::new(junction.clone(), Moment(0));
            let mut watch = Watch::new(&junction, Tenths::ZERO);
            let mut now = Moment(0);
            for (stage, hold, trouble) in asks {
                tlc.troubles.power_lost = trouble == 0;
                tlc.troubles.manual = trouble == 1;
                let local = match trouble {
                    2 => LocalMode::Flashing,
                    3 => LocalMode::Actuated,
                    4 => LocalMode::Fixed,
                    _ => LocalMode::Coordinated,
                };
                let until = now + Tenths::seconds(hold);
                let request = Request { stage: Some(StageNumber(stage)), until, plan: 0, local };
                for _ in 0..7 {
                    now = now + Tenths::seconds(1);
                    tlc.step(now, &request, &Felt::default());
                    let lamps: Vec<_> = tlc.groups().iter().map(|g| g.lamp).collect();
                    let found = watch.observe(&junction, now, &lamps);
                    prop_assert!(found.is_empty(), "{found:?}");
                }
            }
        }
    }
}
