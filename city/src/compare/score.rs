//! One run in numbers.

use super::tripinfo::TripReport;
use model::{
    demand::{Demand, Trip},
    network::Network,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a run is judged by, in the order of the tables. Smaller is better for all of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Measure {
    /// As in RESCO (Ault and Sharon 2021), with those who never got in: the sum over departed vehicles of time
    /// lost and time waited to enter, and over the others of the time from their departure to the end, by all.
    DelayS,
    /// Time on the road, of those who departed.
    TravelTimeS,
    /// Time standing, of those who departed.
    WaitingS,
    /// Stops, of those who departed.
    Stops,
    /// Delay that one vehicle in twenty exceeds.
    DelayP95S,
    /// Delay of the unluckiest vehicle.
    WorstDelayS,
    /// Time standing of the vehicle that stood longest.
    WorstWaitingS,
    /// Mean delay of those who start on the road where it is largest: a gain for the main road that starves
    /// side streets shows here.
    WorstOriginDelayS,
    /// Vehicles that were under way at the end.
    Unfinished,
    /// Vehicles that never found room to enter.
    NeverDeparted,
    /// Carbon dioxide of a vehicle, where the run measured it.
    Co2G,
}

impl Measure {
    /// As tables call it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Measure::DelayS => "mean delay, s",
            Measure::TravelTimeS => "mean travel time, s",
            Measure::WaitingS => "mean wait, s",
            Measure::Stops => "stops per vehicle",
            Measure::DelayP95S => "95th percentile of delay, s",
            Measure::WorstDelayS => "worst delay, s",
            Measure::WorstWaitingS => "worst wait, s",
            Measure::WorstOriginDelayS => "mean delay from worst road, s",
            Measure::Unfinished => "under way at the end",
            Measure::NeverDeparted => "never departed",
            Measure::Co2G => "CO2 per vehicle, g",
        }
    }

    /// Decimals worth showing.
    pub(crate) fn decimals(self) -> usize {
        match self {
            Measure::Stops => 2,
            Measure::DelayS | Measure::TravelTimeS | Measure::WaitingS | Measure::WorstOriginDelayS => 1,
            Measure::DelayP95S | Measure::Co2G | Measure::Unfinished | Measure::NeverDeparted => 1,
            Measure::WorstDelayS | Measure::WorstWaitingS => 0,
        }
    }
}

/// An origin needs that many vehicles before its mean is more than one driver's luck.
const ORIGIN_VEHICLES: usize = 10;

/// A vehicle that the scenario plans.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Planned {
    /// Departure, s on the scenario's clock.
    pub(crate) depart_s: f64,
    /// The road that it starts on.
    pub(crate) origin: String,
}

/// The vehicles that depart in a window, which may have no end.
pub(crate) fn planned(
    network: &Network,
    demand: &Demand,
    begin_s: f64,
    end_s: Option<f64>,
) -> BTreeMap<String, Planned> {
    let window = begin_s..end_s.unwrap_or(f64::INFINITY);
    let origin = |trip: &Trip| trip.links.first().map_or("", |l| network.link(*l).id.as_str()).to_owned();
    let trips = demand.trips.iter().filter(|t| window.contains(&t.depart_s));
    trips.map(|t| (t.id.clone(), Planned { depart_s: t.depart_s, origin: origin(t) })).collect()
}

/// One run in numbers.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Score {
    pub(crate) measures: BTreeMap<Measure, f64>,
    /// The road that [`Measure::WorstOriginDelayS`] is about.
    pub(crate) worst_origin: Option<String>,
    /// Vehicles that the scenario plans in its window.
    pub(crate) planned: usize,
    /// Vehicles that drove and that the scenario's files don't name; they count for nothing.
    pub(crate) strangers: usize,
}

/// Gathers the trip reports of a run, in any order.
#[derive(Debug)]
pub(crate) struct Tally<'a> {
    planned: &'a BTreeMap<String, Planned>,
    departed: BTreeMap<String, TripReport>,
    /// End of the run: of its window, or of the last vehicle seen, s.
    end_s: f64,
    unfinished: usize,
    strangers: usize,
}

impl<'a> Tally<'a> {
    /// Over the vehicles `planned` in a window that ends at `end_s`.
    pub(crate) fn new(planned: &'a BTreeMap<String, Planned>, end_s: f64) -> Tally<'a> {
        Tally { planned, departed: BTreeMap::new(), end_s, unfinished: 0, strangers: 0 }
    }

    /// Takes one report.
    pub(crate) fn take(&mut self, trip: TripReport) {
        self.end_s = self.end_s.max(trip.end_s());
        self.unfinished += usize::from(trip.arrival_s.is_none());
        if self.planned.contains_key(&trip.id) {
            self.departed.insert(trip.id.clone(), trip);
        } else {
            self.strangers += 1;
        }
    }

    /// The numbers; `None` if nobody was to travel.
    pub(crate) fn score(&self) -> Option<Score> {
        let mut origins: BTreeMap<&str, (f64, usize)> = BTreeMap::new();
        let mut delays: Vec<f64> = Vec::with_capacity(self.planned.len());
        for (id, planned) in self.planned {
            let delay = match self.departed.get(id) {
                Some(trip) => trip.time_loss_s + trip.depart_delay_s,
                None => self.end_s - planned.depart_s,
            };
            delays.push(delay);
            let origin = origins.entry(&planned.origin).or_default();
            *origin = (origin.0 + delay, origin.1 + 1);
        }
        delays.sort_by(f64::total_cmp);
        let (vehicles, worst) = (delays.len(), *delays.last()?);
        let trips = || self.departed.values();
        let mean = |of: fn(&TripReport) -> f64| trips().map(of).sum::<f64>() / trips().len().max(1) as f64;
        let mut measures = BTreeMap::from([
            (Measure::DelayS, delays.iter().sum::<f64>() / vehicles as f64),
            (Measure::TravelTimeS, mean(|t| t.duration_s)),
            (Measure::WaitingS, mean(|t| t.waiting_s)),
            (Measure::Stops, mean(|t| t.stops)),
            (Measure::DelayP95S, delays[(0.95 * vehicles as f64) as usize]),
            (Measure::WorstDelayS, worst),
            (Measure::WorstWaitingS, trips().map(|t| t.waiting_s).fold(0.0, f64::max)),
            (Measure::Unfinished, self.unfinished as f64),
            (Measure::NeverDeparted, (vehicles - trips().len()) as f64),
        ]);
        let co2_g: Vec<f64> = trips().filter_map(|t| t.co2_g).collect();
        if !co2_g.is_empty() {
            measures.insert(Measure::Co2G, co2_g.iter().sum::<f64>() / co2_g.len() as f64);
        }
        let worst_origin = origins
            .iter()
            .filter(|(_, (_, vehicles))| *vehicles >= ORIGIN_VEHICLES)
            .map(|(name, (delay, vehicles))| (delay / *vehicles as f64, (*name).to_owned()))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let worst_origin = worst_origin.map(|(delay, name)| {
            measures.insert(Measure::WorstOriginDelayS, delay);
            name
        });
        Some(Score { measures, worst_origin, planned: vehicles, strangers: self.strangers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(trips: &[(&str, f64, &str)]) -> BTreeMap<String, Planned> {
        trips
            .iter()
            .map(|(id, depart_s, origin)| {
                ((*id).to_owned(), Planned { depart_s: *depart_s, origin: (*origin).to_owned() })
            })
            .collect()
    }

    fn trip(id: &str, depart_s: f64, arrival_s: Option<f64>, delays: [f64; 2]) -> TripReport {
        let [time_loss_s, depart_delay_s] = delays;
        let duration_s = arrival_s.map_or(40.0, |a| a - depart_s);
        TripReport {
            id: id.into(),
            depart_s,
            arrival_s,
            time_loss_s,
            depart_delay_s,
            duration_s,
            waiting_s: time_loss_s / 2.0,
            stops: 1.0,
            co2_g: None,
        }
    }

    /// The numbers are what `score.py` of the evaluation harness printed for the same three vehicles:
    /// `delay 44.83  duration 37.25  wait 6.62  stops 1.00  p95 98.00  max 98.00  unfinished 1  never_departed 1`.
    #[test]
    fn scores_as_the_harness_does() {
        let planned = planned(&[("a", 0.0, "W"), ("b", 4.0, "N"), ("c", 2.0, "N")]);
        let mut tally = Tally::new(&planned, 100.0);
        tally.take(trip("a", 0.0, Some(34.5), [14.5, 0.0]));
        tally.take(trip("b", 14.0, None, [12.0, 10.0]));
        tally.take(trip("nobody planned it", 0.0, Some(90.0), [900.0, 0.0]));
        let score = tally.score().expect("vehicles");
        let expect = |measure, expected: f64| {
            assert!((score.measures[&measure] - expected).abs() < 5e-3, "{measure:?}: {score:?}");
        };
        expect(Measure::DelayS, 44.83);
        expect(Measure::TravelTimeS, 37.25);
        expect(Measure::WaitingS, 6.625);
        expect(Measure::Stops, 1.0);
        expect(Measure::DelayP95S, 98.0);
        expect(Measure::WorstDelayS, 98.0);
        expect(Measure::Unfinished, 1.0);
        expect(Measure::NeverDeparted, 1.0);
        assert_eq!((score.strangers, score.planned), (1, 3));
    }

    #[test]
    fn a_starved_side_street_is_named() {
        let mut trips: Vec<(String, &str, f64)> = (0..50).map(|i| (format!("m{i}"), "main", 4.0)).collect();
        trips.extend((0..10).map(|i| (format!("s{i}"), "side", 120.0)));
        // Nine are too few to speak for a road.
        trips.extend((0..9).map(|i| (format!("y{i}"), "yard", 900.0)));
        let all: Vec<(&str, f64, &str)> =
            trips.iter().map(|(id, from, _)| (id.as_str(), 0.0, *from)).collect();
        let planned = planned(&all);
        let mut tally = Tally::new(&planned, 3600.0);
        for (id, _, delay) in &trips {
            tally.take(trip(id, 0.0, Some(1000.0), [*delay, 0.0]));
        }
        let score = tally.score().expect("vehicles");
        assert_eq!(score.worst_origin.as_deref(), Some("side"));
        assert_eq!(score.measures[&Measure::WorstOriginDelayS], 120.0);
    }
}
