//! Bands in the time-space diagram: what passes a row of greens without stopping.

use serde::Serialize;

/// When in its cycle a junction shows green to the corridor, s. It may run over the end of the cycle.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Green {
    /// From the junction's cycle second 0, s.
    pub begins_s: f64,
    /// s.
    pub lasts_s: f64,
}

/// A band: whoever passes the first junction of its direction within it meets green at all others.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub struct Band {
    /// When its front passes the first junction of its direction, on the corridor's clock, modulo the cycle, s.
    pub begins_s: f64,
    /// Bandwidth, s; 0 where nothing passes unstopped.
    pub lasts_s: f64,
}

/// The widest band through greens that stand `along_s` seconds from the first, on a clock that all share:
/// exact, whatever the offsets were made with.
pub(super) fn widest(greens: &[(f64, Green)], cycle_s: f64) -> Band {
    // Each green as the first junction sees it: when must one pass there to meet it?
    let at_first: Vec<Green> = greens
        .iter()
        .map(|(along_s, g)| Green { begins_s: (g.begins_s - along_s).rem_euclid(cycle_s), ..*g })
        .collect();
    // A widest band begins where some green does.
    let through = |begins_s: f64| -> f64 {
        at_first
            .iter()
            .map(|g| match g.lasts_s >= cycle_s {
                true => cycle_s,
                // A hair before its beginning is rounding, not a missed green.
                false => {
                    let into_s = (begins_s - g.begins_s + ROUNDING_S).rem_euclid(cycle_s) - ROUNDING_S;
                    (g.lasts_s - into_s).max(0.0)
                }
            })
            .fold(cycle_s, f64::min)
    };
    at_first
        .iter()
        .map(|g| Band { begins_s: g.begins_s, lasts_s: through(g.begins_s) })
        .max_by(|a, b| a.lasts_s.total_cmp(&b.lasts_s))
        .unwrap_or_default()
}

/// Far below a tenth of a second, in which cabinets count; far above what sums of seconds lose.
const ROUNDING_S: f64 = 1e-6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_band_is_found() {
        let check = |greens: &[[f64; 3]], expected: [f64; 2]| {
            let greens: Vec<(f64, Green)> = greens
                .iter()
                .map(|&[along, begins_s, lasts_s]| (along, Green { begins_s, lasts_s }))
                .collect();
            let band = widest(&greens, 60.0);
            assert_eq!([band.begins_s, band.lasts_s], expected, "{greens:?}");
        };
        check(&[[0.0, 10.0, 30.0]], [10.0, 30.0]);
        check(&[[0.0, 10.0, 30.0], [20.0, 40.0, 30.0]], [20.0, 20.0]);
        // The second green runs over the end of the cycle.
        check(&[[0.0, 10.0, 30.0], [40.0, 45.0, 30.0]], [10.0, 25.0]);
        check(&[[0.0, 0.0, 20.0], [0.0, 30.0, 20.0]], [30.0, 0.0]);
        // Always green.
        check(&[[0.0, 5.0, 60.0], [7.0, 20.0, 15.0]], [13.0, 15.0]);
    }
}
