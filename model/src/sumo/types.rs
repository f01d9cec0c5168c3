//! Vehicle types and their distributions.

use super::{classes::vehicle_class, ledger::Ledger, xml::Element};
use crate::{config::Complaint, demand::VehicleType, network::Modes};
use std::collections::HashMap;

/// Attributes of a `vType` that are followed.
const FOLLOWED: [&str; 12] = [
    "vClass",
    "carFollowModel",
    "length",
    "minGap",
    "accel",
    "decel",
    "maxSpeed",
    "sigma",
    "tau",
    "speedFactor",
    "speedDev",
    "probability",
];

/// All types of a demand.
#[derive(Default)]
pub(super) struct Types {
    pub(super) all: Vec<VehicleType>,
    by_name: HashMap<String, u32>,
    /// Types with their shares.
    distributions: HashMap<String, Vec<(u32, f64)>>,
}

impl Types {
    /// The type of the vehicle `id`, which `e` describes.
    pub(super) fn of_vehicle(&mut self, e: Element<'_>, id: &str) -> Result<u32, Complaint> {
        let name = e.get("type").unwrap_or("DEFAULT_VEHTYPE");
        if let Some(&known) = self.by_name.get(name) {
            return Ok(known);
        }
        if let Some(members) = self.distributions.get(name) {
            // The vehicle's own name draws, so that the same file always gives the same mixture.
            return Ok(*drawn(members, draw(id, 0)));
        }
        let default = match name {
            "DEFAULT_VEHTYPE" | "DEFAULT_TAXITYPE" => VehicleType { id: name.into(), ..VehicleType::car() },
            "DEFAULT_BIKETYPE" => VehicleType { id: name.into(), ..of_class("bicycle") },
            _ => return Err(e.complaint(format!("type {name} does not exist"))),
        };
        Ok(self.add_type(default))
    }

    fn add_type(&mut self, t: VehicleType) -> u32 {
        let ix = self.all.len() as u32;
        self.by_name.insert(t.id.clone(), ix);
        self.all.push(t);
        ix
    }

    /// A `vType`.
    pub(super) fn vehicle_type(&mut self, e: Element<'_>, ledger: &mut Ledger) -> Result<u32, Complaint> {
        let id = e.text("id")?;
        ledger.attributes(e, &FOLLOWED);
        ledger.children(e, &[]);
        let class = e.get("vClass").unwrap_or("passenger");
        let base = of_class(class);
        if let Some(model) = e.get("carFollowModel").filter(|m| !m.starts_with("Krauss")) {
            ledger.leave_out(e, format!("carFollowModel {model} is driven as Krauss"));
        }
        if class != "ignoring" && vehicle_class(class) == Modes::NONE {
            ledger.leave_out(e, format!("vClass {class} drives where cars do"));
        }
        let or = |attribute: &str, default: f64, lowest: f64| -> Result<f64, Complaint> {
            let value = e.number_or(attribute, default)?;
            if value >= lowest {
                Ok(value)
            } else {
                Err(e.complaint(format!("{attribute} of type {id} is {value}; it must be at least {lowest}")))
            }
        };
        let (factor, dev) = match e.get("speedFactor") {
            None => (base.speed_factor, base.speed_dev),
            Some(text) => distribution(text).ok_or_else(|| {
                e.complaint(format!("speedFactor {text:?} of type {id} is not a number or norm(...)"))
            })?,
        };
        let t = VehicleType {
            id: id.to_string(),
            mode: base.mode,
            length_m: or("length", base.length_m, 0.1)?,
            min_gap_m: or("minGap", base.min_gap_m, 0.0)?,
            accel_mps2: or("accel", base.accel_mps2, 0.01)?,
            decel_mps2: or("decel", base.decel_mps2, 0.01)?,
            max_speed_mps: or("maxSpeed", base.max_speed_mps, 0.1)?,
            sigma: or("sigma", base.sigma, 0.0)?.min(1.0),
            tau_s: or("tau", base.tau_s, 0.01)?,
            speed_factor: factor,
            speed_dev: or("speedDev", dev, 0.0)?,
        };
        if self.by_name.contains_key(id) {
            return Err(e.complaint(format!("type {id} is there twice")));
        }
        Ok(self.add_type(t))
    }

    /// A `vTypeDistribution`.
    pub(super) fn distribution(&mut self, e: Element<'_>, ledger: &mut Ledger) -> Result<(), Complaint> {
        let id = e.text("id")?.to_string();
        ledger.attributes(e, &["vTypes", "probabilities"]);
        ledger.children(e, &["vType"]);
        let mut members = Vec::new();
        for child in e.children().filter(|c| c.name() == "vType") {
            let share = child.number_or("probability", 1.0)?.max(0.0);
            let member = match child.get("refId") {
                Some(name) => self
                    .by_name
                    .get(name)
                    .copied()
                    .ok_or_else(|| child.complaint(format!("type {name} does not exist")))?,
                None => self.vehicle_type(child, ledger)?,
            };
            members.push((member, share));
        }
        for (name, share) in named_shares(e, "vTypes")? {
            let known = self.by_name.get(name).copied();
            members.push((known.ok_or_else(|| e.complaint(format!("type {name} does not exist")))?, share));
        }
        if !total(&members).is_normal() {
            return Err(e.complaint(format!("type distribution {id} has no types with a share")));
        }
        self.distributions.insert(id, members);
        Ok(())
    }
}

/// Names in `attribute`, each with its share from `probabilities` (1 where that is silent).
pub(super) fn named_shares<'x>(e: Element<'x>, attribute: &str) -> Result<Vec<(&'x str, f64)>, Complaint> {
    let mut shares = e.get("probabilities").unwrap_or("").split_whitespace();
    let names = e.get(attribute).unwrap_or("").split_whitespace();
    names
        .map(|name| {
            let Some(text) = shares.next() else { return Ok((name, 1.0)) };
            let share = text.parse::<f64>().ok().filter(|s| s.is_finite() && *s >= 0.0);
            Ok((name, share.ok_or_else(|| e.complaint(format!("probability {text:?} is not a share")))?))
        })
        .collect()
}

/// Sum of the shares.
pub(super) fn total<T>(members: &[(T, f64)]) -> f64 {
    members.iter().map(|m| m.1).sum()
}

/// The member on which a draw from 0 to 1 falls; there must be one.
pub(super) fn drawn<T>(members: &[(T, f64)], draw: f64) -> &T {
    let mut left = draw * total(members);
    for (member, share) in members {
        if left < *share {
            return member;
        }
        left -= share;
    }
    &members[members.len() - 1].0
}

/// A number in [0, 1) that depends on a name and a seed only (FNV-1a, and SplitMix64 to mix it).
pub(super) fn draw(name: &str, seed: u64) -> f64 {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    let mut z = hash ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    (z >> 11) as f64 / (1_u64 << 53) as f64
}

/// A number (with no deviation of its own), or the mean and deviation of `norm(...)` and `normc(...)`.
fn distribution(text: &str) -> Option<(f64, f64)> {
    let text = text.trim();
    if let Ok(value) = text.parse::<f64>() {
        return (value.is_finite() && value > 0.0).then_some((value, 0.0));
    }
    let inner = text.strip_prefix("normc(").or(text.strip_prefix("norm("))?.strip_suffix(')')?;
    let mut parts = inner.split(',').map(|p| p.trim().parse::<f64>().ok().filter(|v| v.is_finite()));
    let (mean, dev) = (parts.next()??, parts.next()??);
    (mean > 0.0 && dev >= 0.0).then_some((mean, dev))
}

/// SUMO's defaults for an abstract vehicle class
/// (<https://sumo.dlr.de/docs/Vehicle_Type_Parameter_Defaults.html>).
fn of_class(class: &str) -> VehicleType {
    let car = VehicleType::car();
    let of = |length_m, accel_mps2, decel_mps2, kmh: f64, speed_dev| VehicleType {
        length_m,
        accel_mps2,
        decel_mps2,
        max_speed_mps: kmh / 3.6,
        speed_dev,
        ..VehicleType::car()
    };
    let sized = match class {
        "bus" => VehicleType::bus(),
        "coach" => of(14.0, 2.0, 4.0, 100.0, 0.05),
        "truck" => of(7.1, 1.3, 4.0, 130.0, 0.05),
        "trailer" => of(16.5, 1.1, 4.0, 130.0, 0.05),
        "delivery" => of(6.5, 2.9, 7.5, 200.0, 0.05),
        "emergency" => of(6.5, 2.6, 4.5, 200.0, 0.0),
        "motorcycle" => of(2.2, 6.0, 10.0, 200.0, 0.1),
        "moped" => of(2.1, 1.1, 7.0, 45.0, 0.1),
        "bicycle" => VehicleType { min_gap_m: 0.5, ..of(1.6, 1.2, 3.0, 20.0, 0.1) },
        "tram" => of(22.0, 1.0, 3.0, 80.0, 0.0),
        _ => car,
    };
    let mode = match class {
        // Whoever ignores the lanes' permissions may use what anybody may.
        "ignoring" => Modes::STREET.with(Modes::TRAM),
        "rail" | "rail_electric" | "rail_fast" | "rail_urban" | "tram" => Modes::TRAM,
        _ => vehicle_class(class),
    };
    // Motorcycles and their like drive where cars do.
    VehicleType { mode: if mode == Modes::NONE { Modes::CAR } else { mode }, ..sized }
}
