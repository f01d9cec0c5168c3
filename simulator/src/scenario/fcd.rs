//! Positions of all vehicles, step by step: SUMO's FCD.

use super::xml::{XmlFile, escape, lane_name};
use crate::world::{Place, Seen};
use model::{
    network::Network,
    sumo::{Line, Plane},
};
use std::{io, path::Path};

/// Where a vehicle is, in the words of FCD.
#[derive(Clone, PartialEq, Debug)]
pub struct Position {
    /// The trip's name.
    pub id: String,
    /// m, as the network's file has it.
    pub x: f64,
    /// m.
    pub y: f64,
    /// Degrees clockwise from north.
    pub angle: f64,
    /// Name of its type.
    pub vehicle_type: String,
    /// m/s.
    pub speed: f64,
    /// Its front, m from the lane's start.
    pub pos: f64,
    /// The lane's name in the network's file.
    pub lane: String,
}

/// An FCD file under way.
#[derive(Debug)]
pub struct Fcd(XmlFile);

impl Fcd {
    /// Opens it.
    pub fn create(path: &Path) -> io::Result<Fcd> {
        XmlFile::create(path, "fcd-export", "fcd_file").map(Fcd)
    }

    /// Writes a moment.
    pub fn moment(&mut self, at_s: f64, vehicles: impl Iterator<Item = Position>) -> io::Result<()> {
        let mut vehicles = vehicles.peekable();
        if vehicles.peek().is_none() {
            return self.0.line(1, format_args!("<timestep time=\"{at_s:.2}\"/>"));
        }
        self.0.line(1, format_args!("<timestep time=\"{at_s:.2}\">"))?;
        for v in vehicles {
            self.0.line(
                2,
                format_args!(
                    "<vehicle id=\"{}\" x=\"{:.2}\" y=\"{:.2}\" angle=\"{:.2}\" type=\"{}\" speed=\"{:.2}\" \
                     pos=\"{:.2}\" lane=\"{}\" slope=\"0.00\"/>",
                    escape(&v.id),
                    v.x,
                    v.y,
                    v.angle,
                    escape(&v.vehicle_type),
                    v.speed,
                    v.pos,
                    escape(&v.lane),
                ),
            )?;
        }
        self.0.line(1, format_args!("</timestep>"))
    }

    /// Closes it.
    pub fn finish(self) -> io::Result<()> {
        self.0.finish()
    }
}

/// Finds where vehicles are on the network's plane.
#[derive(Clone, Debug)]
pub struct Places {
    plane: Plane,
    lanes: Vec<String>,
}

impl Places {
    /// The network, and its plane as its file has it.
    pub fn new(network: &Network, plane: Plane) -> Places {
        Places { lanes: (0..network.lanes.len()).map(|l| lane_name(network, l as u32)).collect(), plane }
    }

    /// A vehicle at a place; `vehicle_type` is the name of its type.
    pub fn position(&self, seen: &Seen<'_>, vehicle_type: &str) -> Position {
        let (line, pos, name) = match seen.place {
            Place::Lane(lane) => {
                (self.plane.lanes.get(lane.ix()), seen.x_m, self.lanes.get(lane.ix()).map(String::as_str))
            }
            Place::Movement(m) => {
                let (line, pos) = within(self.plane.movements.get(m.ix()).map_or(&[][..], |m| m), seen.x_m);
                (line, pos, line.map(|l| l.name.as_str()))
            }
        };
        let ([x, y], angle) = line.map_or(([0.0, 0.0], 0.0), |l| l.at(pos));
        Position {
            id: seen.id.to_string(),
            x,
            y,
            angle,
            vehicle_type: vehicle_type.to_string(),
            speed: seen.speed_mps,
            pos,
            lane: name.unwrap_or("").to_string(),
        }
    }
}

/// On which of several lines, one after the other, a place lies, and how far along it.
fn within(lines: &[Line], mut x_m: f64) -> (Option<&Line>, f64) {
    for (k, line) in lines.iter().enumerate() {
        if x_m <= line.length_m || k + 1 == lines.len() {
            return (Some(line), x_m.min(line.length_m));
        }
        x_m -= line.length_m;
    }
    (None, x_m)
}
