//! The files that SUMO writes of a run, in its own form, so that its tools and ours read both alike.

use super::{
    fcd::{Fcd, Places},
    measuring::Measures,
    state_letters,
    xml::{XmlFile, escape, lane_name},
};
use crate::{
    trace::{self, Header},
    world::{Lamps, TripInfo, WalkInfo, World},
};
use model::{city::City, sumo::Plane};
use std::{
    fs::File,
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

/// Which files are wanted, and where; what is `None` is not written.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Files {
    /// Trip reports.
    pub tripinfo: Option<PathBuf>,
    /// Reports of those who are still driving at the end, too.
    pub unfinished: bool,
    /// Counts of each step.
    pub summary: Option<PathBuf>,
    /// Counts and means of the whole run.
    pub statistics: Option<PathBuf>,
    /// What each signal showed, step by step.
    pub tls_states: Option<PathBuf>,
    /// Positions of all vehicles.
    pub fcd: Option<PathBuf>,
    /// Positions are written so often, ms; each step without it.
    pub fcd_period_ms: Option<i64>,
    /// The run for replay.
    pub trace: Option<PathBuf>,
}

impl Files {
    /// The files that go together into a folder: all but positions and the trace, which are large.
    pub fn within(folder: &Path) -> Files {
        Files {
            tripinfo: Some(folder.join("tripinfo.xml")),
            unfinished: true,
            summary: Some(folder.join("summary.xml")),
            statistics: Some(folder.join("statistics.xml")),
            tls_states: Some(folder.join("tls_states.xml")),
            ..Files::default()
        }
    }
}

/// Files under way.
#[derive(Debug)]
pub struct Outputs {
    files: Files,
    trips: Option<XmlFile>,
    steps: Option<XmlFile>,
    states: Option<XmlFile>,
    fcd: Option<(Fcd, Places)>,
    trace: Option<trace::Writer<BufWriter<File>>>,
    measures: Measures,
    letters: Vec<String>,
    sums: Sums,
}

#[derive(Debug, Default)]
struct Sums {
    arrived: u64,
    route_length: f64,
    speed: f64,
    duration: f64,
    waiting: f64,
    time_loss: f64,
    /// Of all that departed.
    depart_delay: f64,
    departed: u64,
    /// Waits to enter, summed as vehicles enter.
    entry_wait: f64,
    walked: u64,
    walk_length: f64,
    walk_duration: f64,
    walk_loss: f64,
}

impl Outputs {
    /// Opens the files, whose folders must exist. `plane` is the network's own, which positions need.
    pub fn create(
        files: Files,
        measures: Measures,
        city: &City,
        world: &World,
        plane: Option<Plane>,
    ) -> io::Result<Outputs> {
        let open = |path: &Option<PathBuf>, root, schema| {
            path.as_ref().map(|p| XmlFile::create(p, root, schema)).transpose()
        };
        let fcd = match (&files.fcd, plane) {
            (Some(path), Some(plane)) => Some((Fcd::create(path)?, Places::new(&city.network, plane))),
            _ => None,
        };
        let trace = match &files.trace {
            Some(path) => {
                let file = File::create(path)
                    .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))?;
                Some(trace::Writer::new(BufWriter::new(file), &header(city, world))?)
            }
            None => None,
        };
        Ok(Outputs {
            trips: open(&files.tripinfo, "tripinfos", "tripinfo_file")?,
            steps: open(&files.summary, "summary", "summary_file")?,
            states: open(&files.tls_states, "tlsStates", "tlsstates_file")?,
            fcd,
            trace,
            measures,
            letters: vec![String::new(); city.junctions.len()],
            sums: Sums::default(),
            files,
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
        if self.states.is_some() || self.trace.is_some() {
            self.letters(city, lamps, time)?;
        }
        for trip in finished {
            self.trip(city, world, trip)?;
        }
        for walk in world.walked() {
            self.walk(walk)?;
        }
        self.counts(world, time)?;
        let due = self.files.fcd_period_ms.is_none_or(|p| at_ms % p.max(1) == 0);
        if let Some((fcd, places)) = self.fcd.as_mut().filter(|_| due) {
            let name = |t: u32| world.types().get(t as usize).map_or("", |t| t.id.as_str());
            fcd.moment(time, world.seen().map(|s| places.position(&s, name(s.vehicle_type))))?;
        }
        if let Some(trace) = &mut self.trace {
            trace.moment(at_ms, world.seen(), &self.letters)?;
        }
        if self.measures.is_empty() {
            return Ok(());
        }
        let on_the_road = world.seen().filter(|s| !s.parked);
        self.measures.step(&city.network, time, world.dt(), on_the_road)
    }

    fn letters(&mut self, city: &City, lamps: &Lamps<'_>, time: f64) -> io::Result<()> {
        for (j, junction) in city.junctions.iter().enumerate() {
            let letters = state_letters(junction, &lamps.groups[j], lamps.stages[j], &self.letters[j]);
            let stage = lamps.stages[j].map_or(0, |s| s.0.saturating_sub(1));
            let plan = junction.plans.first().map_or(0, |p| p.number.0);
            if let Some(states) = &mut self.states {
                states.line(
                    1,
                    format_args!(
                        "<tlsState time=\"{time:.2}\" id=\"{}\" programID=\"{plan}\" phase=\"{stage}\" \
                         state=\"{letters}\"/>",
                        escape(junction.source_id())
                    ),
                )?;
            }
            self.letters[j] = letters;
        }
        Ok(())
    }

    fn counts(&mut self, world: &World, time: f64) -> io::Result<()> {
        let Some(steps) = &mut self.steps else { return Ok(()) };
        let totals = world.totals();
        let mean = |sum: f64, n: u64| if n > 0 { sum / n as f64 } else { -1.0 };
        let (mut standing, mut stopped, mut relative) = (0_u64, 0_u64, 0.0);
        for seen in world.seen() {
            stopped += u64::from(seen.at_stop);
            standing += u64::from(seen.speed_mps < 0.1 && !seen.at_stop);
            relative += seen.speed_mps / seen.limit_mps;
            if (seen.depart_ms as f64 / 1000.0 - time).abs() < 1e-6 {
                self.sums.entry_wait += seen.depart_delay_s;
            }
        }
        // SUMO's `duration` is the machine's time; ours is 0, so that equal runs are equal files.
        steps.line(
            1,
            format_args!(
                "<step time=\"{time:.2}\" loaded=\"{}\" inserted=\"{}\" running=\"{}\" waiting=\"{}\" ended=\"{}\" \
                 arrived=\"{}\" collisions=\"{}\" teleports=\"{}\" halting=\"{standing}\" stopped=\"{stopped}\" \
                 meanWaitingTime=\"{:.2}\" meanTravelTime=\"{:.2}\" meanSpeed=\"{:.2}\" \
                 meanSpeedRelative=\"{:.2}\" discarded=\"0\" duration=\"0\"/>",
                totals.inserted as usize + world.waiting_to_enter(),
                totals.inserted,
                world.on_road(),
                world.waiting_to_enter(),
                totals.arrived,
                totals.arrived,
                totals.collisions,
                totals.swaps,
                // SUMO's wait here is that for departure, of all that departed.
                mean(self.sums.entry_wait, totals.inserted),
                mean(self.sums.duration, self.sums.arrived),
                world.mean_speed_mps().unwrap_or(-1.0),
                mean(relative, world.on_road() as u64),
            ),
        )
    }

    /// Writes those under way and the statistics, and closes everything.
    pub fn finish(mut self, city: &City, world: &World) -> io::Result<()> {
        let open = world.unfinished();
        if self.files.unfinished {
            for trip in &open {
                self.trip(city, world, trip)?;
            }
            for walk in &world.walking() {
                self.walk(walk)?;
            }
        } else {
            self.sums.departed += open.len() as u64;
            self.sums.depart_delay += open.iter().map(|t| t.depart_delay_s).sum::<f64>();
        }
        if let Some(path) = &self.files.statistics {
            let mut file = XmlFile::create(path, "statistics", "statistic_file")?;
            self.statistics(world, &mut file)?;
            file.finish()?;
        }
        for file in [self.trips, self.steps, self.states].into_iter().flatten() {
            file.finish()?;
        }
        if let Some((fcd, _)) = self.fcd {
            fcd.finish()?;
        }
        if let Some(trace) = self.trace {
            io::Write::flush(&mut trace.finish()?)?;
        }
        self.measures.finish(&city.network, world.now_ms() as f64 / 1000.0)
    }

    fn trip(&mut self, city: &City, world: &World, t: &TripInfo) -> io::Result<()> {
        let s = &mut self.sums;
        s.departed += 1;
        s.depart_delay += t.depart_delay_s;
        if t.arrival_s.is_some() {
            s.arrived += 1;
            s.route_length += t.route_length_m;
            s.speed += t.route_length_m / t.duration_s.max(1e-9);
            s.duration += t.duration_s;
            s.waiting += t.waiting_s;
            s.time_loss += t.time_loss_s;
        }
        let Some(trips) = &mut self.trips else { return Ok(()) };
        let kind = world.types().get(t.vehicle_type as usize).map_or("", |k| k.id.as_str());
        let network = &city.network;
        let arrived = t.arrival_s.is_some() && (t.arrival_lane as usize) < network.lanes.len();
        let (lane, pos, speed) = if arrived {
            (escape(&lane_name(network, t.arrival_lane)), t.arrival_pos_m, t.arrival_speed_mps)
        } else {
            (String::new(), -1.0, -1.0)
        };
        trips.line(
            1,
            format_args!(
                "<tripinfo id=\"{}\" depart=\"{:.2}\" departLane=\"{}\" departPos=\"{:.2}\" departSpeed=\"{:.2}\" \
                 departDelay=\"{:.2}\" arrival=\"{:.2}\" arrivalLane=\"{lane}\" arrivalPos=\"{pos:.2}\" \
                 arrivalSpeed=\"{speed:.2}\" duration=\"{:.2}\" routeLength=\"{:.2}\" waitingTime=\"{:.2}\" \
                 waitingCount=\"{}\" stopTime=\"{:.2}\" timeLoss=\"{:.2}\" rerouteNo=\"{}\" devices=\"\" \
                 vType=\"{}\" speedFactor=\"{:.2}\" vaporized=\"{}\"/>",
                escape(&t.id),
                t.depart_s,
                escape(&lane_name(network, t.depart_lane)),
                t.depart_pos_m,
                t.depart_speed_mps,
                t.depart_delay_s,
                t.arrival_s.unwrap_or(-1.0),
                t.duration_s,
                t.route_length_m,
                t.waiting_s,
                t.waiting_count,
                t.stop_s,
                t.time_loss_s,
                t.reroutes,
                escape(kind),
                t.speed_factor,
                if t.arrival_s.is_some() { "" } else { "end" },
            ),
        )
    }

    fn walk(&mut self, w: &WalkInfo) -> io::Result<()> {
        if w.arrival_s.is_some() {
            let s = &mut self.sums;
            s.walked += 1;
            s.walk_length += w.length_m;
            s.walk_duration += w.duration_s;
            s.walk_loss += w.time_loss_s;
        }
        let Some(trips) = &mut self.trips else { return Ok(()) };
        let arrival = w.arrival_s.unwrap_or(-1.0);
        trips.line(
            1,
            format_args!(
                "<personinfo id=\"{}\" depart=\"{:.2}\" duration=\"{:.2}\" waitingTime=\"{:.2}\" timeLoss=\"{:.2}\" \
                 traveltime=\"{:.2}\">",
                escape(&w.id),
                w.depart_s,
                w.duration_s,
                w.waiting_s,
                w.time_loss_s,
                w.duration_s,
            ),
        )?;
        trips.line(
            2,
            format_args!(
                "<walk depart=\"{:.2}\" arrival=\"{arrival:.2}\" duration=\"{:.2}\" routeLength=\"{:.2}\" \
                 timeLoss=\"{:.2}\" maxSpeed=\"{:.2}\" waitingTime=\"{:.2}\"/>",
                w.depart_s, w.duration_s, w.length_m, w.time_loss_s, w.speed_mps, w.waiting_s,
            ),
        )?;
        trips.line(1, format_args!("</personinfo>"))
    }

    fn statistics(&self, world: &World, file: &mut XmlFile) -> io::Result<()> {
        let (totals, s) = (world.totals(), &self.sums);
        let mean = |sum: f64| if s.arrived > 0 { sum / s.arrived as f64 } else { 0.0 };
        let waiting = world.waiting_to_enter();
        let never: f64 = world.never_departed_waits_s().iter().sum();
        file.line(
            1,
            format_args!(
                "<vehicles loaded=\"{}\" inserted=\"{}\" running=\"{}\" waiting=\"{waiting}\"/>",
                totals.inserted as usize + waiting,
                totals.inserted,
                world.on_road()
            ),
        )?;
        file.line(
            1,
            format_args!("<teleports total=\"{0}\" jam=\"0\" yield=\"0\" wrongLane=\"{0}\"/>", totals.swaps),
        )?;
        file.line(
            1,
            format_args!(
                "<safety collisions=\"{}\" emergencyStops=\"0\" emergencyBraking=\"{}\"/>",
                totals.collisions, totals.emergency_brakings
            ),
        )?;
        let on_foot = world.on_foot() as u64;
        file.line(
            1,
            format_args!(
                "<persons loaded=\"{}\" running=\"{on_foot}\" jammed=\"0\"/>",
                s.walked + on_foot + world.walks_to_come() as u64
            ),
        )?;
        file.line(1, format_args!("<personTeleports total=\"0\" abortWait=\"0\" wrongDest=\"0\"/>"))?;
        file.line(
            1,
            format_args!(
                "<vehicleTripStatistics count=\"{}\" routeLength=\"{:.2}\" speed=\"{:.2}\" duration=\"{:.2}\" \
                 waitingTime=\"{:.2}\" timeLoss=\"{:.2}\" departDelay=\"{:.2}\" departDelayWaiting=\"{:.2}\" \
                 totalTravelTime=\"{:.2}\" totalDepartDelay=\"{:.2}\"/>",
                s.arrived,
                mean(s.route_length),
                mean(s.speed),
                mean(s.duration),
                mean(s.waiting),
                mean(s.time_loss),
                if s.departed > 0 { s.depart_delay / s.departed as f64 } else { 0.0 },
                if waiting > 0 { never / waiting as f64 } else { 0.0 },
                s.duration,
                s.depart_delay + never,
            ),
        )?;
        let each = |sum: f64| sum / s.walked.max(1) as f64;
        file.line(
            1,
            format_args!(
                "<pedestrianStatistics number=\"{}\" routeLength=\"{:.2}\" duration=\"{:.2}\" timeLoss=\"{:.2}\"/>",
                s.walked,
                each(s.walk_length),
                each(s.walk_duration),
                each(s.walk_loss),
            ),
        )?;
        file.line(1, format_args!("<rideStatistics number=\"0\"/>"))?;
        file.line(1, format_args!("<transportStatistics number=\"0\"/>"))
    }
}

fn header(city: &City, world: &World) -> Header {
    Header {
        network: city.name.local.clone(),
        lanes: city.network.lanes.len() as u32,
        movements: city.network.movements.len() as u32,
        types: world.types().iter().map(|t| (t.id.clone(), (t.length_m * 100.0).round() as u32)).collect(),
        junctions: city.junctions.iter().map(|j| j.source_id().to_owned()).collect(),
        step_ms: (world.dt() * 1000.0).round() as u32,
    }
}
