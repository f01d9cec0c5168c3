//! One device's log, taken event by event: the one door to all measures.

use super::{
    actuations::Actuations,
    arrival_on_green::Arrivals,
    bin::Bin,
    communications::Communications,
    coordination::Coordination,
    event::{Detector, Event, Speed},
    has_data::HasData,
    ped_delay,
    pedestrians::Pedestrians,
    phase_wait,
    platoon_ratio::Greens,
    report::{Report, Whole},
    split_failures::SplitFailures,
    splits::Splits,
    terminations::Terminations,
    timeline::{self, Timeline},
    utah::{
        self, Cycles, approach_speed::Speeds, approach_volume::Volumes, coming::Coming,
        ped_service::PedService, preempt_detail::Preemptions, priority_detail::Priorities,
        split_monitor::Services, turning_counts::Turning, watchdog::Watchdog,
    },
    yellow_red::YellowRed,
};
use std::sync::Arc;

/// What became of an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// It counts.
    Counted,
    /// The same event came just before: it counts once.
    Repeated,
    /// It sorts before one that was taken already; it does not count.
    Late,
}

/// All measures of one device. It keeps what it reports, so a street that is watched for ever starts a new one each day.
#[derive(Clone, Debug)]
pub struct Device {
    name: Arc<str>,
    bin: Bin,
    last: Option<Event>,
    has_data: HasData,
    actuations: Actuations,
    arrivals: Arrivals,
    greens: Greens,
    communications: Communications,
    coordination: Coordination,
    pedestrians: Pedestrians,
    split_failures: SplitFailures,
    splits: Splits,
    terminations: Terminations,
    yellow_red: YellowRed,
    timeline: Timeline,
    coming: Coming,
    cycles: Cycles,
    volumes: Volumes,
    turning: Turning,
    speeds: Speeds,
    services: Services,
    ped_service: PedService,
    preemptions: Preemptions,
    priorities: Priorities,
    watchdog: Watchdog,
}

impl Device {
    /// A device with those detectors, of which nothing has been heard.
    pub fn new(name: Arc<str>, detectors: &[Detector], bin: Bin) -> Device {
        Device {
            name,
            bin,
            last: None,
            has_data: HasData::new(bin),
            actuations: Actuations::default(),
            arrivals: Arrivals::new(detectors),
            greens: Greens::new(detectors),
            communications: Communications::default(),
            coordination: Coordination::default(),
            pedestrians: Pedestrians::default(),
            split_failures: SplitFailures::new(detectors),
            splits: Splits::default(),
            terminations: Terminations::default(),
            yellow_red: YellowRed::new(detectors),
            timeline: Timeline::default(),
            coming: Coming::new(detectors),
            cycles: Cycles::new(detectors),
            volumes: Volumes::new(detectors),
            turning: Turning::new(detectors),
            speeds: Speeds::new(detectors),
            services: Services::default(),
            ped_service: PedService::default(),
            preemptions: Preemptions::default(),
            priorities: Priorities::default(),
            watchdog: Watchdog::new(detectors),
        }
    }

    /// Takes the next event. Events come as they sort.
    pub fn take(&mut self, event: Event) -> Taken {
        match self.last {
            Some(last) if event == last => return Taken::Repeated,
            Some(last) if event < last => return Taken::Late,
            _ => self.last = Some(event),
        }
        let bin = self.bin;
        self.has_data.take(event);
        self.actuations.take(bin, event);
        self.arrivals.take(bin, event);
        self.greens.take(bin, event);
        self.communications.take(bin, event);
        self.coordination.take(event);
        self.pedestrians.take(bin, event);
        self.split_failures.take(bin, event);
        self.splits.take(bin, event);
        self.terminations.take(bin, event);
        self.yellow_red.take(event);
        self.timeline.take(event);
        let cycles = &mut self.cycles;
        self.coming.take(event, |event| cycles.take(event));
        self.volumes.take(bin, event);
        self.turning.take(bin, event);
        self.speeds.take(event);
        self.services.take(event);
        self.ped_service.take(bin, event);
        self.preemptions.take(event);
        self.priorities.take(event);
        self.watchdog.take(event);
        Taken::Counted
    }

    /// Takes a speed, which the log has not; in any order.
    pub fn tell(&mut self, speed: Speed) {
        self.speeds.tell(speed);
    }

    /// What the measures say of everything that was taken.
    pub fn report(&self, whole: Whole) -> Report {
        let (bin, name) = (self.bin, &self.name);
        let with_data = self.has_data.bins();
        let spans = self.timeline.spans(bin, &with_data);
        let arrival_on_green = self.arrivals.rows(name);
        Report {
            has_data: HasData::rows(&with_data, name),
            actuations: self.actuations.rows(name),
            platoon_ratio: self.greens.rows(bin, &arrival_on_green),
            arrival_on_green,
            communications: self.communications.rows(name),
            coordination: self.coordination.rows(bin, name),
            coordination_agg: self.coordination.standing(bin, &with_data, name),
            ped: self.pedestrians.rows(name),
            unique_ped: self.pedestrians.unique_rows(name),
            full_ped: self.pedestrians.full_rows(bin, whole, name),
            split_failures: self.split_failures.rows(bin, whole.last, name),
            splits: self.splits.rows(name),
            terminations: self.terminations.rows(name),
            yellow_red: self.yellow_red.rows(name),
            timeline: timeline::rows(&spans, name),
            unmatched_events: self.timeline.unmatched(bin, &with_data, name),
            phase_wait: phase_wait::rows(bin, &spans, &self.coordination.cycle_lengths(), name),
            ped_delay: ped_delay::rows(bin, &spans, name),
            coordination_diagram: utah::coordination_diagram::rows(&self.cycles, name),
            cycles: utah::coordination_diagram::cycle_rows(&self.cycles, name),
            approach_delay: utah::approach_delay::rows(bin, &self.cycles, name),
            approach_volume: self.volumes.rows(name),
            peak_hour: self.volumes.peaks(name),
            turning_counts: self.turning.rows(name),
            approach_speed: self.speeds.rows(bin, name),
            left_turn_gap: utah::left_turn_gap::rows(bin, &self.cycles, name),
            split_monitor: self.services.rows(name),
            ped_service: self.ped_service.rows(bin, name),
            preempt_detail: self.preemptions.rows(name),
            priority_detail: self.priorities.rows(name),
            watchdog: self.watchdog.rows(whole, name),
        }
    }
}
