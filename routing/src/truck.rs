//! Lorries: what one measures, and what that leaves it of the streets of cars.
//!
//! Lorries drive on the cars' streets with costs of their own. The order of the hierarchy there does not depend on costs, so theirs are
//! one more customisation of it ([`crate::typical::slices`]), worked out when somebody asks; a map takes no more memory for them.

#[cfg(test)]
mod tests;

use crate::{
    columns::Entry,
    graph::{ArcIx, StreetGraph, whole_ms},
    map::Map,
    profile::Profile,
    street::BARRED,
    typical::slices::Slices,
};
use model::{city::City, ids::LinkIx, network::Limits};
use petgraph::{algo::kosaraju_scc, visit::NodeFiltered};

/// A lorry.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Truck {
    /// Height with its load, m.
    pub height_m: f32,
    /// Width, m.
    pub width_m: f32,
    /// Length with all trailers, m.
    pub length_m: f32,
    /// Weight with its load, t.
    pub weight_t: f32,
    /// Load of its heaviest axle, t.
    pub axle_load_t: f32,
    /// How fast it may drive at most, m/s.
    pub top_speed_mps: f32,
    /// Whether it carries dangerous goods.
    pub hazmat: bool,
}

impl Default for Truck {
    /// A common lorry of the city: 12 t on two axles, 4 m high, 10 m long. Russia lets lorries drive 90 km/h.
    fn default() -> Truck {
        Truck {
            height_m: 4.0,
            width_m: 2.55,
            length_m: 10.0,
            weight_t: 12.0,
            axle_load_t: 8.0,
            top_speed_mps: 25.0,
            hazmat: false,
        }
    }
}

/// A link of cars that not every lorry may use, as a file keeps it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Narrow {
    link: u32,
    /// What [`Limits::measures`] has, each without limit where that says nothing.
    most: [f32; 6],
    /// To all lorries, and to those with dangerous goods.
    closed: [bool; 2],
}

impl Entry for Narrow {
    const BYTES: usize = <(u32, ([f32; 6], [bool; 2]))>::BYTES;

    fn write(self, bytes: &mut Vec<u8>) {
        (self.link, (self.most, self.closed)).write(bytes);
    }

    fn read(bytes: &[u8]) -> Self {
        let (link, (most, closed)) = Entry::read(bytes);
        Narrow { link, most, closed }
    }
}

impl Narrow {
    /// All such links of a city.
    pub(crate) fn all(city: &City) -> Vec<Narrow> {
        let network = &city.network;
        let narrow = |(ix, link): (usize, &model::network::Link)| {
            let closed = !Profile::Truck.may_use(network, link);
            let limits = link.limits.as_deref().copied().unwrap_or_default();
            let limited = closed || limits != Limits::default();
            (limited && Profile::Car.may_use(network, link)).then(|| Narrow {
                link: ix as u32,
                most: limits.measures().map(|most| most.unwrap_or(f32::INFINITY)),
                closed: [closed, limits.no_hazmat],
            })
        };
        network.links.iter().enumerate().filter_map(narrow).collect()
    }

    /// Whether all of them are links of the map.
    pub(crate) fn fit(all: &[Narrow], map: &Map) -> bool {
        all.iter().all(|narrow| (narrow.link as usize) < map.len())
    }

    /// How fast the lorry may drive there, m/s; `None` if it may not at all.
    fn speed_mps(&self, truck: &Truck) -> Option<f32> {
        let [height_m, width_m, length_m, weight_t, axle_load_t, speed_mps] = self.most;
        let fits = truck.height_m <= height_m
            && truck.width_m <= width_m
            && truck.length_m <= length_m
            && truck.weight_t <= weight_t
            && truck.axle_load_t <= axle_load_t;
        let [lorries, hazmat] = self.closed;
        (fits && !lorries && !(hazmat && truck.hazmat)).then_some(truck.top_speed_mps.min(speed_mps))
    }
}

/// The streets as they are to one lorry.
#[derive(Debug)]
pub(crate) struct Haulage {
    /// By link: how long it takes without traffic, ms, or [`BARRED`].
    pub(crate) free_ms: Vec<u32>,
    /// What driving costs it in the pictures that were asked for.
    pub(crate) slices: Slices,
}

impl Haulage {
    /// Works out what the lorry may use of `street`, the streets of cars. What it cannot reach, or not leave again, behind a low bridge
    /// is barred too, so that whoever asks for a place there is taken as near as a lorry gets.
    pub(crate) fn new(truck: &Truck, narrow: &[Narrow], street: &StreetGraph, map: &Map) -> Haulage {
        let mut free_ms = vec![BARRED; map.len()];
        let at_most =
            |link: LinkIx, speed_mps: f32| whole_ms(map.link(link).length_m() / f64::from(speed_mps));
        for arc in street.graph.arcs() {
            let own_ms = if arc.is_ferried() { 0 } else { at_most(arc.link(), truck.top_speed_mps) };
            free_ms[arc.link().ix()] = arc.free_ms.max(own_ms);
        }
        for narrow in narrow {
            let link = LinkIx(narrow.link);
            let slot = &mut free_ms[link.ix()];
            match narrow.speed_mps(truck) {
                Some(speed_mps) if *slot != BARRED => *slot = (*slot).max(at_most(link, speed_mps)),
                _ => *slot = BARRED,
            }
        }
        let link = |arc: ArcIx| street.arc(arc).link().ix();
        let open = |arc: ArcIx| street.is_main(arc) && free_ms[link(arc)] != BARRED;
        let mut parts = kosaraju_scc(&NodeFiltered::from_fn(&street.graph, open));
        // Of two that are equally large, the one that begins first on the map.
        parts.sort_by_key(|part| (std::cmp::Reverse(part.len()), part.iter().min().copied()));
        for arc in parts.into_iter().skip(1).flatten() {
            free_ms[link(arc)] = BARRED;
        }
        Haulage { free_ms, slices: Slices::default() }
    }

    /// Whether the lorry may use the link.
    pub(crate) fn is_open(&self, link: LinkIx) -> bool {
        self.free_ms[link.ix()] != BARRED
    }
}
