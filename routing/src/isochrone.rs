//! The ground that is reached within some time, as polygons.
//!
//! Streets that are reached are drawn into a raster of times, from there one goes a little way beside them, and the raster's contours are
//! the polygons (marching squares: Lorensen, Cline 1987, in the plane). Every street that is reached in time lies inside; what lies
//! farther than [`BESIDE_M`] and the size of a cell from all of them lies outside.

use crate::{
    foot::Direction,
    graph::{ArcIx, between, distance},
    map::Map,
    street::{Costs, Foot, Scratch, reach},
};
use contour::ContourBuilder;
use model::geo::LonLat;
use std::time::Duration;

/// One goes so far beside a street, m: to a house and its yard.
const BESIDE_M: f64 = 60.0;
/// Cells are at least so large, m.
const SMALLEST_CELL_M: f64 = 25.0;
/// A raster has at most so many cells on its longer side; of large ones the cells are larger.
const MOST_CELLS: f64 = 500.0;

/// What is reached within one time: polygons, each with its outer ring first, then its holes; rings are closed.
#[derive(Clone, PartialEq, Debug)]
pub struct Isochrone {
    /// Within this time.
    pub within: Duration,
    /// The polygons.
    pub polygons: Vec<Vec<Vec<LonLat>>>,
}

/// The least times over the ground, s.
struct Raster {
    /// South-west corner, m.
    corner: [f64; 2],
    cell_m: f64,
    columns: usize,
    rows: usize,
    times_s: Vec<f64>,
}

/// What is reached along the streets of `costs` from any of `feet` (or from where one gets to them), within each of `limits`, in
/// their order.
pub(crate) fn isochrones(
    map: &Map,
    costs: &Costs<'_>,
    feet: &[Foot],
    direction: Direction,
    limits: &[Duration],
    scratch: &mut Scratch,
) -> Vec<Isochrone> {
    let street = costs.graph();
    let seconds = |limit: &Duration| limit.as_secs_f64();
    let longest_s = limits.iter().map(seconds).fold(0.0, f64::max);
    let reached = reach(costs, feet, direction, (longest_s * 1000.0) as u32, scratch);
    // Along each arc the time runs evenly; a way begins at its foot, and goes on to wherever it enters another arc.
    let begins = feet.iter().map(|foot| {
        let along = if direction == Direction::Away { foot.on.along } else { 1.0 - foot.on.along };
        (foot.on.arc, along, f64::from(foot.ms) / 1000.0)
    });
    let pass_s = |arc: ArcIx| costs.arc_ms(street.arc(arc)).map(|ms| f64::from(ms) / 1000.0);
    let entered = reached.entered().filter_map(|(arc, ms)| {
        let entered_s = f64::from(ms) / 1000.0 - pass_s(arc)?;
        (entered_s <= longest_s).then_some((arc, 0.0, entered_s))
    });
    let mut pieces: Vec<([f64; 2], [f64; 2], f64, f64)> = Vec::new();
    for (arc, from, begin_s) in begins.chain(entered) {
        let Some(pass_s) = pass_s(arc) else { continue };
        let mut line = street.shape(map, arc);
        if direction == Direction::Towards {
            line.reverse();
        }
        let length_m = line.windows(2).map(|ends| distance(ends[0], ends[1])).sum::<f64>().max(0.01);
        let mut passed = 0.0;
        for ends in line.windows(2) {
            let until = passed + distance(ends[0], ends[1]) / length_m;
            let start = from.clamp(passed, until.max(passed));
            if until > from {
                let part = if until > passed { (start - passed) / (until - passed) } else { 0.0 };
                let time_s = |share: f64| begin_s + (share - from) * pass_s;
                pieces.push((between(ends[0], ends[1], part), ends[1], time_s(start), time_s(until)));
            }
            passed = until;
        }
        if from >= 1.0 {
            let end = line[line.len() - 1];
            pieces.push((end, end, begin_s, begin_s));
        }
    }
    let Some(mut raster) = Raster::around(pieces.iter().flat_map(|piece| [piece.0, piece.1])) else {
        return limits.iter().map(|&within| Isochrone { within, polygons: Vec::new() }).collect();
    };
    for (from, to, begin_s, end_s) in pieces {
        raster.draw([from, to], [begin_s, end_s], longest_s);
    }
    raster.widen();
    let ring = |ring: &[[f64; 2]]| ring.iter().map(|&at| street.plane.to_lonlat(at)).collect::<Vec<_>>();
    let within = |&within: &Duration| {
        let polygons = raster.within(within.as_secs_f64());
        let polygons = polygons.iter().map(|rings| rings.iter().map(|one| ring(one)).collect()).collect();
        Isochrone { within, polygons }
    };
    limits.iter().map(within).collect()
}

impl Raster {
    /// One that has room for all these places and what lies beside them; `None` if there are none.
    fn around(places: impl Iterator<Item = [f64; 2]>) -> Option<Raster> {
        let grow = |([west, south], [east, north]): ([f64; 2], [f64; 2]), [x, y]: [f64; 2]| {
            ([west.min(x), south.min(y)], [east.max(x), north.max(y)])
        };
        let none = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        let (sw, ne) = places.fold(none, grow);
        if sw[0] > ne[0] {
            return None;
        }
        let size = [ne[0] - sw[0], ne[1] - sw[1]];
        let cell_m = (size[0].max(size[1]) / MOST_CELLS).max(SMALLEST_CELL_M);
        let margin = (BESIDE_M / cell_m).ceil() + 2.0;
        let [columns, rows] = size.map(|m| (m / cell_m).ceil() as usize + 2 * margin as usize + 1);
        let corner = [sw[0] - margin * cell_m, sw[1] - margin * cell_m];
        Some(Raster { corner, cell_m, columns, rows, times_s: vec![f64::INFINITY; columns * rows] })
    }

    /// Draws a straight piece of street with the times at its ends, as far as it is reached within the limit.
    fn draw(&mut self, [from, to]: [[f64; 2]; 2], [begin_s, end_s]: [f64; 2], limit_s: f64) {
        let steps = (2.0 * distance(from, to) / self.cell_m).ceil().max(1.0);
        for step in 0..=steps as usize {
            let t = step as f64 / steps;
            let time_s = begin_s + t * (end_s - begin_s);
            if time_s > limit_s {
                break;
            }
            let [x, y] = between(from, to, t);
            let [column, row] = [x - self.corner[0], y - self.corner[1]].map(|m| (m / self.cell_m) as usize);
            let cell = &mut self.times_s[row * self.columns + column];
            *cell = cell.min(time_s.max(0.0));
        }
    }

    /// Goes from the streets to what lies beside them, which takes no time.
    fn widen(&mut self) {
        for _ in 0..(BESIDE_M / self.cell_m).ceil() as usize {
            let before = self.times_s.clone();
            for row in 1..self.rows - 1 {
                for column in 1..self.columns - 1 {
                    let around = (row - 1..=row + 1).map(|row| row * self.columns + column);
                    let around = around.flat_map(|middle| &before[middle - 1..=middle + 1]);
                    self.times_s[row * self.columns + column] = around.copied().fold(f64::INFINITY, f64::min);
                }
            }
        }
    }

    /// The polygons of what is reached within a time, m.
    fn within(&self, limit_s: f64) -> Vec<Vec<Vec<[f64; 2]>>> {
        let value = |time_s: &f64| if *time_s <= limit_s { 1.0 } else { 0.0 };
        let values: Vec<f64> = self.times_s.iter().map(value).collect();
        let builder = ContourBuilder::new(self.columns, self.rows, false)
            .x_origin(self.corner[0])
            .y_origin(self.corner[1])
            .x_step(self.cell_m)
            .y_step(self.cell_m);
        let contours = builder.contours(&values, &[0.5]).unwrap_or_default();
        let polygons = contours.iter().flat_map(|contour| &contour.geometry().0).map(|polygon| {
            let rings = std::iter::once(polygon.exterior()).chain(polygon.interiors());
            rings.map(|ring| ring.coords().map(|at| [at.x, at.y]).collect()).collect()
        });
        polygons.collect()
    }
}

#[cfg(test)]
mod tests;
