//! The cores joined directly: what a device shows goes to the centre, what the centre asks goes to the device.

use controller::{
    coordinator::{Action, Coordinator, Event},
    decide::Decision,
};
use model::{ids::JunctionIx, time::Moment};
use simulator::{modbus_field::FieldDevice, signals::Sensed};
use std::collections::BTreeMap;
use uuid::Uuid;
use wire::{
    command::Body,
    message::{letter, Channel, Counts, Groups, Presence, PresenceState},
    result::{CommandResult, ResultState},
};

pub(super) struct Centre {
    core: Coordinator,
    began: Moment,
    commands: u64,
    before: Vec<Vec<Sensed>>,
}

impl Centre {
    pub(super) fn new(core: Coordinator, began: Moment) -> Centre {
        let before = core.city().junctions.iter().map(|j| vec![Sensed::default(); j.detectors.len()]).collect();
        Centre { core, began, commands: 0, before }
    }

    pub(super) fn commands(&self) -> u64 { self.commands }

    pub(super) fn rejected(&self) -> BTreeMap<String, u64> { self.core.rejected().clone() }

    pub(super) fn second(&mut self, now: Moment, devices: &[FieldDevice]) -> Vec<Decision> {
        let city = self.core.city().clone();
        for (i, device) in devices.iter().enumerate() {
            let ix = JunctionIx::from(i);
            let junction = &city.junctions[i];
            let presence = Presence {
                state: PresenceState::Online,
                boot_id: Uuid::nil(),
                config_hash: junction.config_hash(),
                version: String::new(),
            };
            self.core.handle(now, Event::Presence(ix, presence));
            let (groups, sensed) = device.look(|tlc| {
                let groups = Groups {
                    signalgroupstatus: tlc.groups().iter().map(|g| letter(g.lamp)).collect(),
                    stage: tlc.stage().map_or(0, |s| s.0),
                    cyclecounter: 0,
                    basecyclecounter: 0,
                    ages: tlc.groups().iter().map(|g| (now.since(g.since).as_millis() / 100) as u32).collect(),
                    interstage: tlc.in_interstage(),
                    wanted: 0,
                    ref_tick: now.since(self.began).as_millis() as u64,
                };
                (groups, tlc.sensed().to_vec())
            });
            self.core.handle(now, Event::Groups(ix, now, groups));
            let channels = junction
                .detectors
                .iter()
                .zip(&sensed)
                .zip(&self.before[i])
                .map(|((d, s), before)| Channel {
                    dl: d.channel.0,
                    vehicles_sum: s.count.wrapping_sub(before.count),
                    occupancy_avg: f32::from(s.covered.wrapping_sub(before.covered)) / 10.0,
                    speed_avg: s.speed_mps,
                    occupied: s.occupied,
                    queue_last: s.queue,
                    vehicles_last: s.vehicles,
                    fault: s.fault,
                })
                .collect();
            self.before[i] = sensed;
            self.core.handle(now, Event::Counts(ix, now, Counts { window_s: 1.0, channels }));
        }
        let mut decisions = Vec::new();
        for action in self.core.handle(now, Event::Tick) {
            match action {
                Action::Send(ix, command) => {
                    self.commands += 1;
                    if let Body::Stage(stage) = command.body {
                        let _ = devices[ix.ix()].write(1, &[stage, command.lease_s as u16]);
                    }
                    let done = CommandResult {
                        cmd_id: command.cmd_id,
                        state: ResultState::Applied,
                        reason: None,
                        detail: String::new(),
                    };
                    self.core.handle(now, Event::Result(ix, done));
                }
                Action::Decided(decision) => decisions.push(decision),
                Action::Links(_) | Action::Audit(_) => {}
            }
        }
        decisions
    }
}
