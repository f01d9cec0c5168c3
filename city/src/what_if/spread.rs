//! What a handful of seeds shows.

use crate::compare::sample::{Estimate, standard_deviation};
use wire::what_if::{Measure, Measured, Spread, Verdict};

/// One measure, without and with the changes; both lists have one value per seed, in the same order.
pub(super) fn measured(measure: Measure, base: &[f64], trial: &[f64]) -> Measured {
    // The same chances on both sides: much of what differs from seed to seed cancels out.
    let difference: Vec<f64> = trial.iter().zip(base).map(|(t, b)| t - b).collect();
    let paired = spread(&difference);
    let verdict = match (paired.mean - paired.half > 0.0, paired.mean + paired.half < 0.0) {
        (false, false) => Verdict::NoDifferenceShown,
        (more, _) if more == measure.more_is_better() => Verdict::Better,
        _ => Verdict::Worse,
    };
    Measured { measure, base: spread(base), trial: spread(trial), difference: paired, verdict }
}

fn spread(values: &[f64]) -> Spread {
    let estimate = Estimate::of(values);
    Spread {
        mean: estimate.map_or(0.0, |e| e.mean),
        sd: standard_deviation(values),
        half: estimate.and_then(|e| e.half_width).unwrap_or(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_needs_an_interval_without_zero() {
        let check = |measure, base: &[f64], trial: &[f64], expected| {
            assert_eq!(measured(measure, base, trial).verdict, expected, "{base:?} {trial:?}");
        };
        use Verdict::{Better, NoDifferenceShown, Worse};
        check(Measure::DelayS, &[40.0, 60.0, 50.0], &[30.0, 49.0, 41.0], Better);
        check(Measure::DelayS, &[40.0, 60.0, 50.0], &[50.0, 71.0, 59.0], Worse);
        check(Measure::Arrived, &[40.0, 60.0, 50.0], &[50.0, 71.0, 59.0], Better);
        check(Measure::Arrived, &[40.0, 60.0, 50.0], &[30.0, 49.0, 41.0], Worse);
        check(Measure::DelayS, &[40.0, 60.0, 50.0], &[50.0, 40.0, 55.0], NoDifferenceShown);
        check(Measure::WaitingAtEdges, &[0.0, 0.0], &[0.0, 0.0], NoDifferenceShown);
        // Exactly the same gain with every seed has no spread at all.
        check(Measure::Stops, &[3.0, 5.0], &[2.0, 4.0], Better);
    }

    #[test]
    fn the_difference_is_taken_seed_by_seed() {
        let m = measured(Measure::DelayS, &[10.0, 100.0], &[11.0, 103.0]);
        assert_eq!((m.base.mean, m.trial.mean, m.difference.mean), (55.0, 57.0, 2.0));
        // s = 1.414 of 1 and 3; t(1) = 12.706.
        assert!((m.difference.sd - 2_f64.sqrt()).abs() < 1e-9);
        assert!((m.difference.half - 12.706).abs() < 1e-3);
    }
}
