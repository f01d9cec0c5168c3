//! The core path: agents' cores beside the devices, joined by function calls.

use super::Commands;
use controller::coordinator::Event;
use edge_agent::{
    agent::{self, Agent, AgentConfig, Arrived, Publication},
    device::{ChannelReport, DetectorReport, DeviceEvent, DeviceReport, LocalMode, LogPlace, Settings},
};
use model::{
    city::City,
    ids::JunctionIx,
    time::{Moment, Tenths},
};
use simulator::{
    modbus_field::FieldDevice,
    signals::{Tlc, clock_tenths},
};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use uuid::Uuid;
use wire::{
    codec,
    register_map::{DeviceMode, RegisterMap},
    topic::Node,
};

/// One agent per junction.
pub(crate) struct Cores {
    map: Arc<RegisterMap>,
    agents: Vec<One>,
}

struct One {
    ix: JunctionIx,
    agent: Agent,
    /// The newest event that the agent has had.
    seen: u16,
    heartbeat: u16,
    config_hash: u32,
    /// What it last wrote.
    settings: Settings,
}

/// The boot of a junction's agent in a lockstep run: the same in every run, as everything else is.
pub(super) fn boot(ix: JunctionIx) -> Uuid {
    Uuid::from_u64_pair(0, u64::from(ix.0) + 1)
}

impl Cores {
    /// Agents that have just started.
    pub(crate) fn new(city: &City, map: Arc<RegisterMap>, now: Moment) -> Cores {
        let agents = city
            .junctions
            .iter()
            .enumerate()
            .map(|(i, junction)| {
                let ix = JunctionIx::from(i);
                let config = AgentConfig {
                    junction: Arc::new(junction.clone()),
                    boot: boot(ix),
                    poll: Duration::from_secs(1),
                    longest_countdown_s: map.command.longest_countdown_s,
                    epoch: 0,
                };
                One {
                    ix,
                    agent: Agent::new(config, now),
                    seen: 0,
                    heartbeat: 0,
                    config_hash: junction.config_hash(),
                    settings: Settings::default(),
                }
            })
            .collect();
        Cores { map, agents }
    }

    /// Every agent reads its device and reports.
    pub(super) fn reports(&mut self, now: Moment, devices: &[FieldDevice]) -> Vec<Event> {
        let mut told = Vec::new();
        for one in &mut self.agents {
            let device = &devices[one.ix.ix()];
            if one.heartbeat == 0 {
                one.feed(now, device, &self.map, agent::Event::Link(true), &mut told);
            }
            let report = device.look(|tlc| one.report(now, tlc));
            one.feed(now, device, &self.map, agent::Event::Report(report), &mut told);
            one.feed(now, device, &self.map, agent::Event::Tick, &mut told);
        }
        told
    }

    /// Every agent takes its commands.
    pub(super) fn obey(&mut self, now: Moment, devices: &[FieldDevice], commands: &Commands) -> Vec<Event> {
        let centre = Node::centre("evaluate");
        let mut told = Vec::new();
        for (ix, command) in commands {
            let arrived = Arrived {
                code: command.body.code(),
                payload: codec::encode(command).into(),
                retain: false,
                response_topic: Some(centre.topic(&wire::topic::Kind::Result(command.body.code()))),
                correlation: None,
            };
            let device = &devices[ix.ix()];
            self.agents[ix.ix()].feed(now, device, &self.map, agent::Event::Command(arrived), &mut told);
        }
        told
    }
}

impl One {
    fn feed(
        &mut self,
        now: Moment,
        device: &FieldDevice,
        map: &RegisterMap,
        event: agent::Event,
        told: &mut Vec<Event>,
    ) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for action in self.agent.handle(now, event) {
                match action {
                    agent::Action::Write { id, settings } => {
                        let words = [
                            self.heartbeat,
                            settings.stage,
                            settings.countdown_s,
                            settings.plan,
                            local_code(settings.local),
                        ];
                        let written = device.write(map.command.first, &words);
                        let outcome = written.map(|()| settings).map_err(|e| e.to_string());
                        self.settings = settings;
                        events.push_back(agent::Event::Written { id, outcome });
                    }
                    agent::Action::Publish(publication) => told.extend(event_of(self.ix, publication)),
                    agent::Action::Answer { result, .. } => told.push(Event::Result(self.ix, result)),
                    agent::Action::RememberEpoch(_) => {}
                }
            }
        }
    }

    fn report(&mut self, now: Moment, tlc: &Tlc) -> DeviceReport {
        self.heartbeat = self.heartbeat.wrapping_add(1).max(1);
        let since_start = |at: Moment| Tenths::from(at.since(tlc.started()));
        let events: Vec<_> = tlc.events().rev().take_while(|e| e.seq != self.seen).collect();
        self.seen = events.first().map_or(self.seen, |e| e.seq);
        let events = events
            .into_iter()
            .rev()
            .map(|e| DeviceEvent { tick: since_start(e.at), code: e.code, param: e.param })
            .collect();
        let mut channels: Vec<ChannelReport> = tlc
            .sensed()
            .iter()
            .map(|s| ChannelReport {
                count: s.count,
                covered: s.covered,
                // A register holds tenths of a metre per second.
                speed_mps: s.speed_mps.map(|v| f32::from((v * 10.0).round() as u16) / 10.0),
                occupied: s.occupied,
                fault: s.fault,
                queue: s.queue,
                vehicles: s.vehicles,
                sightings: Vec::new(),
            })
            .collect();
        for (channel, sighting) in tlc.sightings() {
            channels[usize::from(*channel)].sightings.push(*sighting);
        }
        let plan = tlc.plan();
        let clock = clock_tenths(now);
        let central = tlc.mode() == DeviceMode::Central;
        DeviceReport {
            heartbeat: self.heartbeat,
            torn: false,
            tick: since_start(now),
            config_hash: self.config_hash,
            groups: tlc.groups().iter().map(|g| (g.lamp, Tenths::from(now.since(g.since)))).collect(),
            stage: tlc.stage().map_or(0, |s| s.0),
            interstage: tlc.in_interstage(),
            mode: tlc.mode(),
            plan: plan.map_or(0, |p| p.number.0),
            cycle_s: plan.map_or(0, |p| (p.cycle_position(clock).0 / 10) as u16),
            base_cycle_s: plan.map_or(0, |p| (clock % u64::from(p.cycle().0.max(1)) / 10) as u16),
            requested: if central { self.settings.stage } else { 0 },
            alarms: Vec::new(),
            lamp_fault: 0,
            events,
            events_lost: 0,
            log: LogPlace::default(),
            detectors: Some(DetectorReport { intervals: (since_start(now).0 / 10) as u16, channels }),
        }
    }
}

fn event_of(ix: JunctionIx, publication: Publication) -> Option<Event> {
    Some(match publication {
        Publication::Presence(presence) => Event::Presence(ix, presence),
        Publication::Groups(entry) => Event::Groups(ix, entry.ts, entry.values),
        Publication::Mode(entry) => Event::Mode(ix, entry.values),
        Publication::Events(entry, _) => Event::HiRes(ix, entry.values),
        Publication::Counts(entry) => Event::Counts(ix, entry.ts, entry.values),
        Publication::Alarms { code, alarms } => Event::Alarms(ix, code.to_owned(), alarms),
        // The centre knows the configuration by its hash.
        Publication::Config(_) => return None,
    })
}

fn local_code(local: LocalMode) -> u16 {
    match local {
        LocalMode::Coordinated => 0,
        LocalMode::Actuated => 1,
        LocalMode::Fixed => 2,
        LocalMode::Flashing => 3,
    }
}
