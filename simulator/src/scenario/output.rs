//! The files that SUMO writes of a run, in its own form, so that its tools and ours read both alike.

use super::state_letters;
use crate::world::{Lamps, TripInfo, World};
use model::{city::City, network::Network};
use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// `tripinfo.xml`, `summary.xml`, `tls_states.xml` and, at the end, `statistics.xml`.
pub struct Outputs {
    trips: BufWriter<File>,
    steps: BufWriter<File>,
    states: BufWriter<File>,
    letters: Vec<String>,
    folder: std::path::PathBuf,
    sums: Sums,
}

#[derive(Default)]
struct Sums {
    arrived: u64,
    route_length: f64,
    speed: f64,
    duration: f64,
    waiting: f64,
    time_loss: f64,
    depart_delay: f64,
}

impl Outputs {
    /// Opens the files in `folder`, which must exist.
    pub fn create(folder: &Path, junctions: usize) -> io::Result<Outputs> {
        let open = |name: &str, root: &str| -> io::Result<BufWriter<File>> {
            let mut file = BufWriter::new(File::create(folder.join(name))?);
            writeln!(file, "{HEAD}<{root}>")?;
            Ok(file)
        };
        Ok(Outputs {
            trips: open("tripinfo.xml", "tripinfos")?,
            steps: open("summary.xml", "summary")?,
            states: open("tls_states.xml", "tlsStates")?,
            letters: vec![String::new(); junctions],
            folder: folder.to_path_buf(),
            sums: Sums::default(),
        })
    }

    /// Writes what the step that began at `at_ms` showed (`lamps`) and completed (`finished`).
    pub fn step(
        &mut self,
        city: &City,
        world: &World,
        lamps: &Lamps<'_>,
        at_ms: i64,
        finished: &[TripInfo],
    ) -> io::Result<()> {
        let time = at_ms as f64 / 1000.0;
        for (j, junction) in city.junctions.iter().enumerate() {
            let letters = state_letters(junction, &lamps.groups[j], lamps.stages[j], &self.letters[j]);
            let stage = lamps.stages[j].map_or(0, |s| s.0.saturating_sub(1));
            let plan = junction.plans.first().map_or(0, |p| p.number.0);
            writeln!(
                self.states,
                "    <tlsState time=\"{time:.2}\" id=\"{}\" programID=\"{plan}\" phase=\"{stage}\" state=\"{letters}\"/>",
                escape(junction.source_id())
            )?;
            self.letters[j] = letters;
        }
        for trip in finished {
            self.trip(city, world, trip)?;
        }
        let totals = world.totals();
        let mean = |sum: f64| if self.sums.arrived > 0 { sum / self.sums.arrived as f64 } else { -1.0 };
        writeln!(
            self.steps,
            "    <step time=\"{time:.2}\" loaded=\"{}\" inserted=\"{}\" running=\"{}\" waiting=\"{}\" ended=\"{}\" \
             arrived=\"{}\" collisions=\"{}\" teleports=\"{}\" halting=\"{}\" meanWaitingTime=\"{:.2}\" \
             meanTravelTime=\"{:.2}\" meanSpeed=\"{:.2}\"/>",
            totals.inserted as usize + world.waiting_to_enter(),
            totals.inserted,
            world.on_road(),
            world.waiting_to_enter(),
            totals.arrived,
            totals.arrived,
            totals.collisions,
            totals.swaps,
            world.halting(),
            mean(self.sums.waiting),
            mean(self.sums.duration),
            world.mean_speed_mps().unwrap_or(-1.0),
        )
    }

    /// Writes those under way and the statistics, and closes everything.
    pub fn finish(mut self, city: &City, world: &World) -> io::Result<()> {
        for trip in world.unfinished() {
            self.trip(city, world, &trip)?;
        }
        writeln!(self.trips, "</tripinfos>")?;
        writeln!(self.steps, "</summary>")?;
        writeln!(self.states, "</tlsStates>")?;
        for file in [&mut self.trips, &mut self.steps, &mut self.states] {
            file.flush()?;
        }
        std::fs::write(self.folder.join("statistics.xml"), self.statistics(world))
    }

    fn trip(&mut self, city: &City, world: &World, t: &TripInfo) -> io::Result<()> {
        if t.arrival_s.is_some() {
            let s = &mut self.sums;
            s.arrived += 1;
            s.route_length += t.route_length_m;
            s.speed += t.route_length_m / t.duration_s.max(1e-9);
            s.duration += t.duration_s;
            s.waiting += t.waiting_s;
            s.time_loss += t.time_loss_s;
            s.depart_delay += t.depart_delay_s;
        }
        let kind = world.types().get(t.vehicle_type as usize).map_or("", |k| k.id.as_str());
        writeln!(
            self.trips,
            "    <tripinfo id=\"{}\" depart=\"{:.2}\" departLane=\"{}\" departDelay=\"{:.2}\" arrival=\"{:.2}\" \
             duration=\"{:.2}\" routeLength=\"{:.2}\" waitingTime=\"{:.2}\" waitingCount=\"{}\" stopTime=\"{:.2}\" \
             timeLoss=\"{:.2}\" vType=\"{}\" speedFactor=\"{:.2}\" vaporized=\"\"/>",
            escape(&t.id),
            t.depart_s,
            escape(&lane_name(&city.network, t.depart_lane)),
            t.depart_delay_s,
            t.arrival_s.unwrap_or(-1.0),
            t.duration_s,
            t.route_length_m,
            t.waiting_s,
            t.waiting_count,
            t.stop_s,
            t.time_loss_s,
            escape(kind),
            t.speed_factor,
        )
    }

    fn statistics(&self, world: &World) -> String {
        let (totals, s) = (world.totals(), &self.sums);
        let mean = |sum: f64| if s.arrived > 0 { sum / s.arrived as f64 } else { 0.0 };
        let waiting = world.waiting_to_enter();
        format!(
            "{HEAD}<statistics>\n    \
             <vehicles loaded=\"{}\" inserted=\"{}\" running=\"{}\" waiting=\"{waiting}\"/>\n    \
             <teleports total=\"{}\" jam=\"0\" yield=\"0\" wrongLane=\"{}\"/>\n    \
             <safety collisions=\"{}\" emergencyStops=\"0\" emergencyBraking=\"{}\"/>\n    \
             <vehicleTripStatistics count=\"{}\" routeLength=\"{:.2}\" speed=\"{:.2}\" duration=\"{:.2}\" \
             waitingTime=\"{:.2}\" timeLoss=\"{:.2}\" departDelay=\"{:.2}\" totalTravelTime=\"{:.2}\"/>\n\
             </statistics>\n",
            totals.inserted as usize + waiting,
            totals.inserted,
            world.on_road(),
            totals.swaps,
            totals.swaps,
            totals.collisions,
            totals.emergency_brakings,
            s.arrived,
            mean(s.route_length),
            mean(s.speed),
            mean(s.duration),
            mean(s.waiting),
            mean(s.time_loss),
            mean(s.depart_delay),
            s.duration,
        )
    }
}

/// SUMO's name of a lane: the link's and the lane's number from the kerb.
fn lane_name(network: &Network, lane: u32) -> String {
    let link = network.link(network.lanes[lane as usize].link);
    format!("{}_{}", link.id, lane - link.lanes.start)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
