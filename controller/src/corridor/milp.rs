//! Offsets of the widest bands, as a mixed-integer linear program.
//!
//! J. D. C. Little, *The synchronization of traffic signals by mixed-integer linear programming*, Operations
//! Research 14 (1966), and J. D. C. Little, M. D. Kelson, N. H. Gartner, *MAXBAND: a program for setting
//! signals on arteries and triangular networks*, Transportation Research Record 795 (1981). Symbols as there:
//! `b` bandwidth, `w` time from the beginning of a green to the band's front, a bar for the way back (`_back`
//! here), `m` whole cycles, `k` the wanted share of the way back.
//!
//! With all times measured at the first junction, the front of the outbound band passes junction `i` at its
//! travel time `T_i`, so its offset is `T_i - g_i - w_i`, where `g_i` is the green's place in the cycle. The
//! band back, whose front passes its own first junction at `y`, meets the same offset; its `w_back_i` may differ
//! by whole cycles, which is the loop equation:
//!
//! ```text
//! w_back_i = y + T_back_i - g_back_i - (T_i - g_i - w_i) - m_i C
//! 0 <= w_i,  w_i + b <= G_i,  0 <= w_back_i,  w_back_i + b_back <= G_back_i
//! ```

use super::{Progression, WaveError, band::Green};
use microlp::{ComparisonOp, Error, OptimizationDirection, Problem, Solution, Variable};
use std::time::Duration;

/// Longest time to look for the widest bands. Twenty junctions take milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Of designs that are equally good, the one with the more even bands: too little to outweigh a tenth of a
/// second of bandwidth.
const EVENNESS: f64 = 0.001;

/// Offsets, s, one per junction; `share_back` is `k`: how much a second of the way back is worth, against one
/// of the way out. Where no offsets let both directions pass, the one that is worth more has its band alone.
pub(super) fn offsets_s(progression: &Progression, share_back: f64) -> Result<Vec<f64>, WaveError> {
    if let Some(both) = solved(progression, share_back)?
        && both.worth_s > NOTHING_S
    {
        return Ok(both.offsets_s);
    }
    let (mut out, mut back) = (progression.clone(), progression.clone());
    out.stops.iter_mut().for_each(|s| s.green_back = None);
    back.stops.iter_mut().for_each(|s| s.green = None);
    let alone = [solved(&out, share_back)?, solved(&back, share_back)?];
    let best = alone.into_iter().flatten().max_by(|a, b| a.worth_s.total_cmp(&b.worth_s));
    best.map(|best| best.offsets_s).ok_or_else(|| WaveError::Unsolved("not even one way can pass".into()))
}

/// Bands that are worth less than this are none: a tenth is what cabinets count in.
const NOTHING_S: f64 = 0.1;

struct Solved {
    offsets_s: Vec<f64>,
    /// `b + k b_back`, s.
    worth_s: f64,
}

/// `None` if not even a single vehicle can pass in all directions that have greens.
fn solved(progression: &Progression, share_back: f64) -> Result<Option<Solved>, WaveError> {
    let cycle_s = progression.cycle.as_seconds();
    let mut problem = Problem::new(OptimizationDirection::Maximize);
    let has_out = progression.stops.iter().any(|s| s.green.is_some());
    let has_back = progression.stops.iter().any(|s| s.green_back.is_some());
    let most = |has: bool| (0.0, if has { cycle_s } else { 0.0 });
    let b = problem.add_var(1.0, most(has_out));
    let b_back = problem.add_var(share_back, most(has_back));
    if has_out && has_back {
        // MAXBAND's: the direction with less traffic keeps its share, and gets no more.
        let k = share_back;
        if k < 1.0 {
            problem.add_constraint([(b_back, 1.0), (b, -k)], ComparisonOp::Ge, 0.0);
        } else if k > 1.0 {
            problem.add_constraint([(b_back, 1.0), (b, -k)], ComparisonOp::Le, 0.0);
        }
        let even = problem.add_var(EVENNESS, (0.0, f64::INFINITY));
        problem.add_constraint([(even, 1.0), (b, -k)], ComparisonOp::Le, 0.0);
        problem.add_constraint([(even, 1.0), (b_back, -1.0)], ComparisonOp::Le, 0.0);
    }
    let along = progression.along_s();
    // Whole cycles are `m`'s; the front itself lies within one.
    let y = problem.add_var(0.0, (0.0, cycle_s));
    let mut fronts: Vec<Variable> = Vec::new();
    for (stop, [out_s, back_s]) in progression.stops.iter().zip(&along) {
        let w = within(&mut problem, stop.green, b, cycle_s);
        fronts.push(w);
        let Some(green_back) = stop.green_back else { continue };
        let w_back = within(&mut problem, Some(green_back), b_back, cycle_s);
        let place = stop.green.map_or(0.0, |g| g.begins_s);
        let known = back_s - green_back.begins_s - out_s + place;
        // w_back - w lies within a cycle of zero, and y within one: that leaves three or four values to m.
        let reach = (known / cycle_s).floor() as i32;
        let m = problem.add_integer_var(0.0, (reach - 1, reach + 3));
        let equation = [(w_back, 1.0), (y, -1.0), (w, -1.0), (m, cycle_s)];
        problem.add_constraint(equation, ComparisonOp::Eq, known);
    }
    let Some(solution) = solve(&problem)? else { return Ok(None) };
    let offsets_s = progression
        .stops
        .iter()
        .zip(&along)
        .zip(fronts)
        .map(|((stop, [out_s, _]), w)| out_s - stop.green.map_or(0.0, |g| g.begins_s) - solution.var_value(w))
        .collect();
    let worth_s = solution.var_value(b) + share_back * solution.var_value(b_back);
    Ok(Some(Solved { offsets_s, worth_s }))
}

/// The time from the beginning of a green to the front of a band that lies in it: `w`. Where the corridor has
/// no green in that direction the band passes at any time.
fn within(problem: &mut Problem, green: Option<Green>, band: Variable, cycle_s: f64) -> Variable {
    let w = problem.add_var(0.0, (0.0, cycle_s));
    if let Some(green) = green {
        problem.add_constraint([(w, 1.0), (band, 1.0)], ComparisonOp::Le, green.lasts_s.min(cycle_s));
    }
    w
}

fn solve(problem: &Problem) -> Result<Option<Solution>, WaveError> {
    let mut problem = problem.clone();
    problem.set_time_limit(PATIENCE);
    match problem.solve() {
        Ok(outcome) => outcome
            .into_solution()
            .map(Some)
            .map_err(|_| WaveError::Unsolved(format!("none within {} s", PATIENCE.as_secs()))),
        Err(Error::Infeasible) => Ok(None),
        Err(error) => Err(WaveError::Unsolved(error.to_string())),
    }
}
