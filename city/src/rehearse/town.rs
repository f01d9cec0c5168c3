//! The junctions of a run: a few shapes, each with timings of its own.

use model::{city::City, signal::GroupKind, sketch, time::Tenths};
use std::sync::OnceLock;

/// How much longer people on foot may be given than a design gives.
const LONGER: u32 = 60;

/// A drawing, and its nodes with signals.
const SHAPES: [(&str, &str); 5] = [
    ("W---C---E\n    |\n    |\n    |\n    S", "C"),
    ("    N\n    |\n    |\nW---C---E\n    |\n    |\n    S", "C"),
    ("    N\n    ‖\n    ‖\nW===C===E\n    ‖\n    ‖\n    S", "C"),
    ("    N    M\n    |    |\n    |    |\nW===C====D===E\n    |    |\n    |    |\n    S    T", "CD"),
    (
        "    N          M    O\n    |          |    |\n    |          |    |\nW---C----------D====G---E\n    |          |    |\n    |          |    |\n    S          T    U",
        "CDG",
    ),
];

/// Draws a town.
pub(super) fn draw(rng: &mut fastrand::Rng) -> City {
    static DRAWN: [OnceLock<City>; SHAPES.len()] = [const { OnceLock::new() }; SHAPES.len()];
    let shape = rng.usize(0..SHAPES.len());
    let (drawing, signals) = SHAPES[shape];
    let mut city = DRAWN[shape].get_or_init(|| sketch::city(drawing, signals)).clone();
    for junction in &mut city.junctions {
        let plain = junction.clone();
        for group in &mut junction.groups {
            group.min_green += Tenths(rng.u32(0..6) * 10);
            if group.kind == GroupKind::Pedestrians && rng.bool() {
                group.flashing_green += Tenths(rng.u32(0..LONGER));
            }
        }
        let longer = Tenths(rng.u32(0..30));
        let pairs: Vec<_> = junction.intergreens.iter().collect();
        for (ended, began, clearance) in pairs.into_iter().filter(|_| rng.u8(0..3) == 0) {
            junction.intergreens.set(ended, began, clearance + longer);
        }
        for plan in &mut junction.plans {
            for step in &mut plan.steps {
                step.split += Tenths(rng.u32(0..10) * 10);
            }
        }
        // A plan that is too short for what was drawn is no plan: then the design stands as it was.
        if !junction.faults().is_empty() {
            *junction = plain;
        }
    }
    city
}
