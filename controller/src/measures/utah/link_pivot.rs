//! Link pivot: which offsets would let more of those arrive on green who really arrive, link by link along a corridor.
//!
//! If a junction's greens come later by some seconds, who comes to it from the last one arrives by as much earlier in its cycle; and
//! who goes the other way leaves it by as much later, and arrives so at the last one. For each link the shift is taken that brings
//! most of both on green, on the arrivals that were; all junctions after it move along. Source: Day and Bullock 2011, Computational
//! Efficiency of Alternative Algorithms for Arterial Offset Optimization, doi:10.3141/2259-04; Utah's ATSPM 5, link pivot.

/// Somebody's arrival in a cycle of the group by which they go on, s.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Arrival {
    /// Since the cycle's beginning.
    pub at_s: f64,
    /// Green's beginning, since then.
    pub green_s: f64,
    /// Amber's.
    pub amber_s: f64,
    /// The cycle's length.
    pub cycle_s: f64,
}

impl Arrival {
    fn on_green(&self, later_s: f64) -> bool {
        let at_s = (self.at_s + later_s).rem_euclid(self.cycle_s.max(1.0));
        (self.green_s..self.amber_s).contains(&at_s)
    }
}

/// How many would arrive on green if all came so much later.
pub fn on_green(arrivals: &[Arrival], later_s: f64) -> usize {
    arrivals.iter().filter(|arrival| arrival.on_green(later_s)).count()
}

/// The whole seconds, within half a cycle either way, by which the second junction of a link should be later: `out` arrive there, and
/// `back` at the first one. Of shifts that are alike the smallest.
pub fn shift_s(out: &[Arrival], back: &[Arrival], cycle_s: u32) -> i64 {
    let half = i64::from(cycle_s / 2);
    let hits = |shift: &i64| on_green(out, -*shift as f64) + on_green(back, *shift as f64);
    let mut shifts: Vec<i64> = (-half..=half).collect();
    shifts.sort_by_key(|shift| (shift.abs(), *shift));
    // The last of equals wins, so the smallest comes last.
    shifts.into_iter().rev().max_by_key(hits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platoon(begins_s: i32) -> Vec<Arrival> {
        let one = |s: i32| Arrival {
            at_s: f64::from((begins_s + s) % 90),
            green_s: 40.0,
            amber_s: 80.0,
            cycle_s: 90.0,
        };
        (0..20).map(one).collect()
    }

    #[test]
    fn greens_go_to_where_the_platoons_are() {
        // They come half a minute before green: so green should come so much sooner, for the last of them ten less.
        assert_eq!(on_green(&platoon(10), 0.0), 0);
        let shift = shift_s(&platoon(10), &[], 90);
        assert_eq!((shift, on_green(&platoon(10), -shift as f64)), (-30, 20));
        // Who goes back arrives on green already, and has twenty seconds to spare.
        assert_eq!(
            shift_s(&platoon(10), &platoon(60), 90),
            -20,
            "ten of the ones are worth ten of the others"
        );
        assert_eq!(shift_s(&platoon(50), &platoon(45), 90), 0, "nothing to gain");
        assert_eq!(shift_s(&[], &[], 90), 0);
    }
}
