//! A cabinet to test with: two conflicting vehicle groups and a pedestrian group that goes with the first.

use super::{Action, Agent, AgentConfig, Arrived, Event};
use crate::device::{DeviceMode, DeviceReport, LogPlace, Settings};
use model::{
    detection::{Detector, DetectorKind},
    ids::{ChannelNumber, GroupNumber, PlanNumber, StageNumber},
    network::Name,
    signal::{GroupKind, Intergreens, Junction, Lamp, Plan, PlanStep, SignalGroup, Stage},
    time::{Moment, Tenths},
};
use std::{sync::Arc, time::Duration};
use uuid::Uuid;
use wire::{
    codec,
    command::{Body, Command},
};

pub(crate) const BOOT: Uuid = Uuid::from_u128(7);
pub(crate) const START: Moment = Moment(1_000_000_000);

/// Groups 1 and 2 conflict, 3 (pedestrians) goes with 1; stage 1 = {1, 3}, stage 2 = {2}, stage 3 = {3}.
pub(crate) fn junction() -> Junction {
    let group = |n: u16, kind, amber| SignalGroup {
        number: GroupNumber(n),
        kind,
        name: Name::default(),
        min_green: Tenths::seconds(5),
        max_red: Tenths::ZERO,
        flashing_green: Tenths::seconds(3),
        amber,
        red_amber: Tenths::seconds(1),
        turn_on_red: false,
    };
    let mut intergreens = Intergreens::default();
    for (a, b, s) in [(1, 2, 4), (2, 1, 4), (2, 3, 6), (3, 2, 8)] {
        intergreens.set(GroupNumber(a), GroupNumber(b), Tenths::seconds(s));
    }
    let stage = |n: u16, green: &[u16]| Stage {
        number: StageNumber(n),
        green: green.iter().map(|&g| GroupNumber(g)).collect(),
        permissive: vec![],
    };
    let step = |n| PlanStep { stage: StageNumber(n), split: Tenths::seconds(30) };
    let plan = |n| Plan {
        number: PlanNumber(n),
        name: Name::default(),
        offset: Tenths::ZERO,
        steps: vec![step(1), step(2)],
    };
    let detector = |n| Detector {
        channel: ChannelNumber(n),
        kind: DetectorKind::StopLine,
        lane: None,
        groups: vec![GroupNumber(n)],
        head: None,
        distance_m: 1.0,
        length_m: 2.0,
    };
    let json = serde_json::json!({
        "id": "tverskaya-2", "name": Name::default(), "district": "cao", "at": [37.6, 55.7],
        "groups": [group(1, GroupKind::Vehicles, Tenths::seconds(3)), group(2, GroupKind::Vehicles, Tenths::seconds(3)),
                   group(3, GroupKind::Pedestrians, Tenths::ZERO)],
        "intergreens": intergreens,
        "stages": [stage(1, &[1, 3]), stage(2, &[2]), stage(3, &[3])],
        "plans": [plan(1), plan(2)],
        "detectors": [detector(1), detector(2)],
    });
    let junction: Junction = serde_json::from_value(json).unwrap();
    assert_eq!(junction.faults(), Vec::<String>::new());
    junction
}

/// The device in stage 1, green for 20 s, on its own plan.
pub(crate) fn report() -> DeviceReport {
    DeviceReport {
        heartbeat: 1,
        torn: false,
        tick: Tenths::seconds(100),
        config_hash: junction().config_hash(),
        groups: [Lamp::Green, Lamp::Red, Lamp::Green].map(|lamp| (lamp, Tenths::seconds(20))).to_vec(),
        stage: 1,
        interstage: false,
        mode: DeviceMode::Coordinated,
        plan: 1,
        cycle_s: 20,
        base_cycle_s: 20,
        requested: 0,
        alarms: vec![],
        lamp_fault: 0,
        events: vec![],
        events_lost: 0,
        log: LogPlace::default(),
        detectors: None,
    }
}

/// The core with a device that does what it is told, and a clock.
pub(crate) struct Bench {
    pub(crate) agent: Agent,
    pub(crate) now: Moment,
    /// What the device shows next.
    pub(crate) report: DeviceReport,
    /// What the device has in its command block.
    pub(crate) settings: Settings,
    /// All settings written, oldest first.
    pub(crate) writes: Vec<Settings>,
    /// What becomes of the next writes; `None` is success.
    pub(crate) write_fails: Option<String>,
    seq: u64,
}

impl Bench {
    /// Booted ten seconds ago, read once, with its own settings written.
    pub(crate) fn new() -> Bench {
        Bench::with_epoch(0)
    }

    pub(crate) fn with_epoch(epoch: u64) -> Bench {
        let config = AgentConfig {
            junction: Arc::new(junction()),
            boot: BOOT,
            poll: Duration::from_millis(500),
            longest_countdown_s: 120,
            epoch,
        };
        let mut bench = Bench {
            agent: Agent::new(config, START),
            now: START,
            report: report(),
            settings: Settings::default(),
            writes: Vec::new(),
            write_fails: None,
            seq: 0,
        };
        bench.run(Duration::from_secs(10));
        bench.writes.clear();
        bench
    }

    /// Feeds an event and carries out what comes of it; returns everything but the writes.
    pub(crate) fn feed(&mut self, event: Event) -> Vec<Action> {
        let mut events = std::collections::VecDeque::from([event]);
        let mut done = Vec::new();
        while let Some(event) = events.pop_front() {
            for action in self.agent.handle(self.now, event) {
                let Action::Write { id, settings } = action else {
                    done.push(action);
                    continue;
                };
                self.writes.push(settings);
                let outcome = match self.write_fails.clone() {
                    Some(cause) => Err(cause),
                    None => {
                        self.settings = settings;
                        self.report.requested = settings.stage;
                        self.report.mode = match settings.stage {
                            0 => DeviceMode::Coordinated,
                            _ => DeviceMode::Central,
                        };
                        Ok(settings)
                    }
                };
                events.push_back(Event::Written { id, outcome });
            }
        }
        done
    }

    /// One poll after half a second.
    pub(crate) fn poll(&mut self) -> Vec<Action> {
        let half = Duration::from_millis(500);
        self.now = self.now + half;
        self.report.tick += Tenths::from(half);
        self.report.heartbeat = self.report.heartbeat.wrapping_add(1);
        for (_, age) in &mut self.report.groups {
            *age += Tenths::from(half);
        }
        let mut actions = self.feed(Event::Report(self.report.clone()));
        actions.extend(self.feed(Event::Tick));
        actions
    }

    pub(crate) fn run(&mut self, time: Duration) -> Vec<Action> {
        let until = self.now + time;
        let mut actions = Vec::new();
        while self.now < until {
            actions.extend(self.poll());
        }
        actions
    }

    /// A command that nothing is wrong with.
    pub(crate) fn command(&mut self, body: Body) -> Command {
        self.seq += 1;
        Command {
            cmd_id: Uuid::from_u128(u128::from(self.seq) + 1000),
            epoch: 3,
            seq: self.seq,
            boot_id: BOOT,
            config_hash: junction().config_hash(),
            ref_tick: self.now.since(START).as_millis() as u64,
            expires_at: self.now + Duration::from_secs(4),
            lease_s: 15,
            body,
        }
    }

    pub(crate) fn send(&mut self, command: &Command) -> Vec<Action> {
        self.feed(Event::Command(arrived(command)))
    }

    /// Sends a good command and insists that it is applied.
    pub(crate) fn apply(&mut self, body: Body) {
        let command = self.command(body);
        let answers = answers(&self.send(&command));
        assert_eq!(answers, "received, accepted, applied", "{command:?}");
    }
}

pub(crate) fn arrived(command: &Command) -> Arrived {
    let code = command.body.code();
    Arrived {
        code,
        payload: codec::encode(command).into(),
        retain: false,
        response_topic: Some(format!("mow/centre/c1/result/{}", code.as_str())),
        correlation: Some(bytes::Bytes::from_static(b"x")),
    }
}

/// The answers among some actions, in words.
pub(crate) fn answers(actions: &[Action]) -> String {
    let words = actions.iter().filter_map(|action| {
        let Action::Answer { result, .. } = action else { return None };
        let state = format!("{:?}", result.state).to_lowercase();
        Some(match result.reason {
            Some(reason) => format!("{state} {reason:?}"),
            None => state,
        })
    });
    words.collect::<Vec<_>>().join(", ")
}
