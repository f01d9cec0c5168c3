//! The whole street in one piece: traffic, and at each junction a device that shows the lamps and feels the
//! detectors. One [`Street::step`] is one second of everything, in a fixed order, without a clock.

use crate::{
    detectors::DetectorState,
    modbus_field::FieldDevice,
    signals::{Felt, Sensed, Tlc},
    world::{Lamps, World},
    worn_detectors::{Failure, Wear, WornDetectors},
};
use model::{
    city::City,
    detection::{Detector, DetectorKind},
    ids::{JunctionIx, StageNumber},
    signal::Lamp,
    time::Moment,
};
use std::{collections::BTreeMap, sync::Arc};
use wire::register_map::RegisterMap;

/// Traffic and devices.
#[derive(Debug)]
pub struct Street {
    city: Arc<City>,
    world: World,
    devices: Vec<FieldDevice>,
    /// Detector counters at the last step, for means over one step.
    before: Vec<Vec<DetectorState>>,
    /// What is wrong with the detectors, if anything.
    worn: Option<WornDetectors>,
    /// City time of the world's time zero.
    epoch: Moment,
    /// What the street saw in the last step, per junction.
    shown: Vec<Vec<Lamp>>,
    stages: Vec<Option<StageNumber>>,
}

/// How far the clocks of a place run ahead of UTC where it is midnight then: from 12 h behind to 12 h ahead.
fn ahead_ms(midnight: Moment) -> i64 {
    const DAY_MS: i64 = 86_400_000;
    (DAY_MS / 2 - midnight.0).rem_euclid(DAY_MS) - DAY_MS / 2
}

impl Street {
    /// A street whose traffic is `world` and whose devices answer by `map`. `epoch` is the moment at which
    /// the world's own clock stood at zero, midnight of the place.
    pub fn new(city: Arc<City>, world: World, map: Arc<RegisterMap>, epoch: Moment) -> Street {
        let now = Moment(epoch.0 + world.now_ms());
        let devices = city
            .junctions
            .iter()
            .map(|j| Tlc::new(Arc::new(j.clone()), now).ahead_of_utc(ahead_ms(epoch)))
            .map(|tlc| FieldDevice::new(tlc, map.clone()))
            .collect();
        let before =
            city.junctions.iter().map(|j| vec![DetectorState::default(); j.detectors.len()]).collect();
        Street { city, world, devices, before, worn: None, epoch, shown: Vec::new(), stages: Vec::new() }
    }

    /// The same, with devices that have run these stages since some time, where one is given.
    pub fn running(
        city: Arc<City>,
        world: World,
        map: Arc<RegisterMap>,
        epoch: Moment,
        stages: &[Option<(StageNumber, Moment)>],
    ) -> Street {
        let mut street = Street::new(city, world, map.clone(), epoch);
        let now = street.now();
        let junctions = street.city.junctions.iter().zip(&mut street.devices);
        for ((junction, device), stage) in junctions.zip(stages) {
            if let Some((stage, since)) = *stage {
                let tlc = Tlc::in_stage(Arc::new(junction.clone()), now, stage, since);
                let tlc = tlc.ahead_of_utc(ahead_ms(epoch));
                *device = FieldDevice::new(tlc, map.clone());
            }
        }
        street
    }

    /// From now on its detectors are worn like that.
    pub fn wear(&mut self, worn: WornDetectors) {
        self.worn = Some(worn);
    }

    /// From now on these channels of a junction, by their places, are broken like that, and no others but those that are
    /// worn.
    pub fn break_channels(&mut self, junction: JunctionIx, broken: &BTreeMap<u16, Failure>) {
        if self.worn.is_none() && broken.is_empty() {
            return;
        }
        let city = &self.city;
        self.worn.get_or_insert_with(|| WornDetectors::new(city, Wear::default(), 0)).set(junction, broken);
    }

    /// The city's time at the start of the next step.
    pub fn now(&self) -> Moment {
        Moment(self.epoch.0 + self.world.now_ms())
    }
    /// The traffic.
    pub fn world(&self) -> &World {
        &self.world
    }
    /// The traffic, to put trips in.
    pub fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }
    /// The devices, in junction order.
    pub fn devices(&self) -> &[FieldDevice] {
        &self.devices
    }
    /// The city.
    pub fn city(&self) -> &Arc<City> {
        &self.city
    }

    /// What the street saw in the last step.
    pub fn lamps(&self) -> Lamps<'_> {
        Lamps { groups: &self.shown, stages: &self.stages }
    }

    /// Traffic drives one step under the lamps that show, then every device lives until the new time.
    pub fn step(&mut self) {
        self.shown.clear();
        self.stages.clear();
        for device in &self.devices {
            device.look(|tlc| {
                self.shown.push(tlc.groups().iter().map(|g| g.lamp).collect());
                self.stages.push(tlc.governing());
            });
        }
        self.world.step(&Lamps { groups: &self.shown, stages: &self.stages });
        self.tick();
    }

    /// Every device lives at the present moment once more: what it was asked for since the step takes effect.
    pub fn tick(&mut self) {
        let now = self.now();
        for (i, device) in self.devices.iter().enumerate() {
            let junction = JunctionIx::from(i);
            let states = self.world.detectors(junction);
            let channels = self.city.junctions[i]
                .detectors
                .iter()
                .zip(states)
                .zip(&self.before[i])
                .map(|((detector, now), before)| sensed(detector, now, before))
                .collect();
            let felt = Felt { channels, sightings: self.world.sightings(junction).to_vec() };
            match &mut self.worn {
                Some(worn) => device.step(now, worn.tell(junction, now, &felt)),
                None => device.step(now, &felt),
            }
            self.before[i].clear();
            self.before[i].extend_from_slice(states);
        }
    }
}

/// A channel in the form that registers have.
fn sensed(detector: &Detector, now: &DetectorState, before: &DetectorState) -> Sensed {
    let passed = now.count.saturating_sub(before.count);
    let speed = match detector.kind {
        DetectorKind::StopLine | DetectorKind::Advance => {
            (passed > 0).then(|| (now.speed_sum_mps - before.speed_sum_mps) / f64::from(passed))
        }
        DetectorKind::Area => now.view_speed_mps,
        DetectorKind::PushButton => None,
    };
    let area = detector.kind == DetectorKind::Area;
    Sensed {
        count: now.count as u16,
        covered: now.occupied_tenths as u16,
        occupied: now.occupied,
        speed_mps: speed.map(|v| v as f32),
        queue: area.then_some(now.queue),
        vehicles: area.then_some(now.vehicles),
        fault: false,
    }
}
