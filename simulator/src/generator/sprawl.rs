//! From the atlas to the street graph of a city of the wanted size.

use super::{
    Detail,
    atlas::{Atlas, Part, Place, Road, Street, distance},
    fill::{self, Obstacles, contains, signed_area},
    names::{self, SmallNames},
    plane::{self, Graph, is_express},
    trim, yards,
};
use model::network::{Name, RoadClass};

/// How far the world reaches: an ellipse, since MKAD is longer from north to south than from west to east.
#[derive(Clone, Copy)]
pub(super) struct World {
    centre: Place,
    /// Half axes, m.
    axes: [f64; 2],
}

impl World {
    /// About so many signalised junctions fit: 150 within and just outside of the Garden Ring, 4,000 within MKAD.
    pub(super) fn for_junctions(junctions: usize) -> World {
        let n = junctions.max(1) as f64;
        // 3.7 km for 150, 18.9 km for 4,000, and the same growth below and above.
        let radius = (3700.0 * (n / 150.0).powf(0.497)).max(1250.0);
        // MKAD is 1.2 times as long as wide; the Garden Ring is round.
        let towards_mkad = ((radius - 4000.0) / 12_000.0).clamp(0.0, 1.0);
        let stretch = 1.0 + 0.10 * towards_mkad;
        let centre = [120.0 - 900.0 * towards_mkad, -150.0 - 950.0 * towards_mkad];
        World { centre, axes: [radius / stretch, radius * stretch] }
    }

    /// Positive inside, in metres near the border.
    pub(super) fn depth(&self, p: Place) -> f64 {
        (1.0 - self.share(p)) * self.axes[0]
    }

    /// 0 in the middle, 1 on the border.
    pub(super) fn share(&self, p: Place) -> f64 {
        ((p[0] - self.centre[0]) / self.axes[0]).hypot((p[1] - self.centre[1]) / self.axes[1])
    }

    /// Moscow and the towns around it have 750 lines of buses within 60 km; smaller worlds as their ground allows.
    pub(super) fn bus_lines(&self) -> usize {
        (750.0 * (self.radius() / 60_000.0).powi(2)) as usize
    }

    pub(super) fn radius(&self) -> f64 {
        self.axes[0].max(self.axes[1])
    }

    fn ring(&self, share: f64, points: usize) -> Vec<Place> {
        (0..=points)
            .map(|i| {
                let (sin, cos) = (-(i as f64) / points as f64 * std::f64::consts::TAU).sin_cos();
                [self.centre[0] + self.axes[0] * share * cos, self.centre[1] + self.axes[1] * share * sin]
            })
            .collect()
    }
}

/// The main roads that it was grown from, and the street graph: main roads inside the world, and small streets between them.
pub(super) fn grow(atlas: &Atlas, world: World, detail: Detail, seed: u64) -> (Vec<Road>, Graph) {
    let mut roads = atlas.roads.clone();
    if world.radius() > 21_000.0 {
        roads.extend(beyond_mkad(&roads, world));
    }
    roads.retain(|r| r.parts.iter().any(|p| p.shape.iter().any(|at| world.depth(*at) > 0.0)));
    let mut graph = plane::planarise(&roads, &atlas.points);
    trim::clip(&mut graph, |p| world.depth(p));
    graph.prune();
    trim::contract(&mut graph);

    let mut obstacles = Obstacles::new();
    for river in &atlas.rivers {
        obstacles.add_line(&banks(&river.path, river.width_m + 30.0));
    }
    for (_, ring) in atlas.parks.iter().chain(&atlas.blocks) {
        obstacles.add_line(ring);
    }
    for edge in &graph.edges {
        let street = graph.street(edge);
        if is_express(street.class) || street.bridge || street.ramp {
            obstacles.add_line(&edge.shape);
        }
    }
    let water: Vec<Vec<Place>> = atlas.rivers.iter().map(|r| banks(&r.path, r.width_m + 30.0)).collect();
    let closed_land: Vec<&Vec<Place>> =
        water.iter().chain(atlas.parks.iter().chain(&atlas.blocks).map(|(_, ring)| ring)).collect();
    let boxes: Vec<[Place; 2]> = closed_land.iter().map(|ring| bounds(ring)).collect();
    let blocked = |p: Place| {
        closed_land.iter().zip(&boxes).any(|(ring, [low, high])| {
            low[0] <= p[0] && p[0] <= high[0] && low[1] <= p[1] && p[1] <= high[1] && contains(ring, p)
        })
    };
    let largest = |p: Place| {
        let r = distance(p, [0.0, 0.0]);
        // Blocks of the old town are small; those of the outer districts are half a kilometre wide.
        match r {
            r if r < 2600.0 => 60_000.0,
            r if r < 5000.0 => 90_000.0 + (r - 2600.0) / 2400.0 * 60_000.0,
            r => (150_000.0 + (r - 5000.0) / 5000.0 * 90_000.0).min(250_000.0),
        }
    };
    fill::fill(&mut graph, &world.ring(1.0, 180), &obstacles, blocked, largest, seed);
    graph.prune();
    names::name(&mut graph, &mut SmallNames::new(&atlas.small_streets));
    if detail == Detail::Yards {
        yards::lay(&mut graph, blocked, seed);
    }
    (roads, graph)
}

/// Both banks of a river as one closed ring.
pub(super) fn banks(path: &[Place], width_m: f64) -> Vec<Place> {
    let n = path.len();
    let side = |sign: f64| -> Vec<Place> {
        (0..n)
            .map(|i| {
                let (a, b) = (path[i.saturating_sub(1)], path[(i + 1).min(n - 1)]);
                let long = distance(a, b).max(1e-6);
                let normal = [-(b[1] - a[1]) / long, (b[0] - a[0]) / long];
                [path[i][0] + normal[0] * sign * width_m / 2.0, path[i][1] + normal[1] * sign * width_m / 2.0]
            })
            .collect()
    };
    let mut ring = side(1.0);
    ring.extend(side(-1.0).into_iter().rev());
    ring.push(ring[0]);
    if signed_area(&ring) < 0.0 {
        ring.reverse();
    }
    ring
}

fn bounds(ring: &[Place]) -> [Place; 2] {
    ring.iter().fold([[f64::MAX; 2], [f64::MIN; 2]], |[low, high], p| {
        [[low[0].min(p[0]), low[1].min(p[1])], [high[0].max(p[0]), high[1].max(p[1])]]
    })
}

/// Rings and radials further out than the atlas knows, for cities larger than Moscow: the shape of MKAD again and
/// again, and the highways straight on.
fn beyond_mkad(known: &[Road], world: World) -> Vec<Road> {
    let street = |name: Name, class, lanes, kmh: f64| Street {
        name,
        class,
        lanes: [lanes, lanes],
        speed_mps: kmh / 3.6,
        bridge: false,
        tunnel: false,
        ramp: false,
    };
    let mut roads = Vec::new();
    let Some(mkad) =
        known.iter().find(|r| r.ring && r.parts.iter().any(|p| p.street.class == RoadClass::Motorway))
    else {
        return roads;
    };
    let line: Vec<Place> = mkad.parts.iter().flat_map(|p| p.shape.iter().copied()).collect();
    let middle = fill::middle(&line);
    let mut factor = 1.22;
    let mut number = 1;
    while line.iter().any(|p| world.depth(scaled(middle, *p, factor)) > 0.0) {
        let shape: Vec<Place> = line.iter().map(|p| scaled(middle, *p, factor)).collect();
        let name =
            Name::new(format!("{number}-е Подмосковное кольцо"), format!("Moscow Region Ring {number}"));
        let part = Part { street: street(name.clone(), RoadClass::Primary, 3, 60.0), shape };
        roads.push(Road { corridor: Some(name), ring: true, embankment: false, parts: vec![part] });
        factor += 0.2;
        number += 1;
    }
    // A highway every 12 degrees, from just outside MKAD on.
    for k in 0..30 {
        let angle = f64::from(k) * std::f64::consts::TAU / 30.0;
        let (sin, cos) = angle.sin_cos();
        let nearest = line.iter().max_by(|a, b| {
            let along =
                |p: &Place| ((p[0] - middle[0]) * cos + (p[1] - middle[1]) * sin) / distance(*p, middle);
            along(a).total_cmp(&along(b))
        });
        let Some(foot) = nearest else { continue };
        let from = scaled(middle, *foot, 1.22);
        let reach = world.radius() * 1.5;
        let shape = vec![from, [middle[0] + cos * reach, middle[1] + sin * reach]];
        let name = Name::new(format!("ш. М-{}", k + 1), format!("M-{} Hwy", k + 1));
        let part = Part { street: street(name.clone(), RoadClass::Primary, 3, 60.0), shape };
        roads.push(Road { corridor: Some(name), ring: false, embankment: false, parts: vec![part] });
    }
    roads
}

fn scaled(middle: Place, p: Place, factor: f64) -> Place {
    [middle[0] + (p[0] - middle[0]) * factor, middle[1] + (p[1] - middle[1]) * factor]
}
