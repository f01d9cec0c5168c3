//! Who changes lanes between the loop upstream and the line. Loops count both rows, but tell nothing of who goes over in
//! between: a lane that more come on than leave loses as many, in the long run, to those beside it that more leave than come on.

use crate::{coordinator::ChannelLive, decide::Problem};
use model::time::Moment;

/// Flows are smoothed with this time constant, s. With 300 s, and every difference taken for one, whom nobody moved was moved too, and a
/// grid had 19.3 s of delay instead of 17.2.
const MEMORY_S: f32 = 900.0;
/// A difference between two shares counts beyond so many of its standard deviations (of a share in so many vehicles).
const SURE: f32 = 2.0;
/// With fewer on the road nothing is known yet, vehicles a second.
const LEAST_FLOW: f32 = 0.02;

/// One lane.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Drift {
    taken: Option<Moment>,
    /// Vehicles a second over the loop upstream and over the line, smoothed.
    came: f32,
    left: f32,
    /// Who owes a change away from here, and who is owed to come.
    away: f32,
    here: f32,
}

/// By lane of the layout: how many more, or fewer, of those who just came over a loop upstream will be on it than came over its
/// own.
pub(super) fn tick(problem: &Problem, lanes: &mut Vec<Drift>) -> Vec<i8> {
    let layout = &problem.site.layout;
    lanes.resize(layout.lanes.len(), Drift::default());
    let mut moved = vec![0; lanes.len()];
    let live = |c| problem.live.working(problem.now, c);
    for road in &layout.roads {
        let rows = road.iter().map(|&l| {
            let approach = &layout.lanes[l];
            let upstream = approach.advance.filter(|_| approach.area.is_none()).and_then(live)?;
            Some((upstream, approach.stop_line.filter(|_| !approach.shares_line).and_then(live)?))
        });
        let Some(rows) = rows.collect::<Option<Vec<(&ChannelLive, &ChannelLive)>>>() else { continue };
        if rows.len() > 1 {
            spread(road, &rows, lanes, &mut moved);
        }
    }
    moved
}

fn spread(road: &[usize], rows: &[(&ChannelLive, &ChannelLive)], lanes: &mut [Drift], moved: &mut [i8]) {
    let mut fresh = vec![0; road.len()];
    for ((&l, (upstream, line)), fresh) in road.iter().zip(rows).zip(&mut fresh) {
        let lane = &mut lanes[l];
        if upstream.at <= lane.taken {
            continue;
        }
        lane.taken = upstream.at;
        *fresh = upstream.last.count;
        lane.came += (f32::from(upstream.last.count) - lane.came) / MEMORY_S;
        lane.left += (f32::from(line.last.count) - lane.left) / MEMORY_S;
    }
    let sum = |of: fn(&Drift) -> f32| -> f32 { road.iter().map(|&l| of(&lanes[l])).sum() };
    let (came, left) = (sum(|l| l.came), sum(|l| l.left));
    if came < LEAST_FLOW || left < LEAST_FLOW {
        return;
    }
    // By how much a lane's share of those who leave the road exceeds its share of those who come.
    let gain = |&l: &usize| {
        let share = lanes[l].came / came;
        let gain = lanes[l].left / left - share;
        let doubt = SURE * (share * (1.0 - share) / (came * MEMORY_S)).sqrt();
        gain.signum() * (gain.abs() - doubt).max(0.0)
    };
    let gains: Vec<f32> = road.iter().map(gain).collect();
    let all: f32 = gains.iter().map(|g| g.max(0.0)).sum();
    for (place, &l) in road.iter().enumerate() {
        let loses = (-gains[place]).max(0.0) / (lanes[l].came / came).max(1e-3);
        for _ in 0..fresh[place] {
            lanes[l].away += loses;
            if lanes[l].away < 1.0 || all <= 0.0 {
                continue;
            }
            lanes[l].away -= 1.0;
            for (&other, gain) in road.iter().zip(&gains) {
                lanes[other].here += gain.max(0.0) / all;
            }
            let to = road.iter().copied().max_by(|&a, &b| lanes[a].here.total_cmp(&lanes[b].here));
            let Some(to) = to else { continue };
            lanes[to].here -= 1.0;
            moved[l] -= 1;
            moved[to] += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::detection::Reading;

    /// An hour in which every fourth second one comes, in turn on two lanes; of those on the first every `leaves`th goes over to
    /// the second. Says how many of the second half hour were moved from the first lane.
    #[track_caller]
    fn moved(leaves: Option<u32>) -> i32 {
        let mut lanes = vec![Drift::default(); 2];
        let mut all = 0;
        let (mut on_first, mut line) = (0, [0_u16; 2]);
        for second in 0..3600 {
            let mut came = [0; 2];
            if second % 4 == 0 {
                came[second as usize / 4 % 2] = 1;
            }
            let at = Some(Moment(i64::from(second) * 1000));
            let channel = |count| ChannelLive {
                at,
                last: Reading { count, ..Reading::default() },
                ..ChannelLive::default()
            };
            let rows = [0, 1].map(|l| (channel(came[l]), channel(line[l])));
            let rows: Vec<(&ChannelLive, &ChannelLive)> = rows.iter().map(|(a, b)| (a, b)).collect();
            let mut moved = [0; 2];
            spread(&[0, 1], &rows, &mut lanes, &mut moved);
            assert_eq!(moved[0], -moved[1], "nobody is lost");
            if second >= 1800 {
                all -= i32::from(moved[0]);
            }
            line = came;
            on_first += u32::from(came[0]);
            if came[0] > 0 && leaves.is_some_and(|n| on_first % n == 0) {
                line = [0, 1];
            }
        }
        all
    }

    #[test]
    fn who_goes_over_in_between_is_moved() {
        // 225 come on the first lane in half an hour, and every other one goes over.
        let found = moved(Some(2));
        assert!((60..=112).contains(&found), "{found}");
    }

    #[test]
    fn nobody_is_moved_where_nobody_changes() {
        assert_eq!(moved(None), 0);
    }
}
