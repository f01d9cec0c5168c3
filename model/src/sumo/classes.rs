//! SUMO's vehicle classes and road types in our words.

use super::xml::Element;
use crate::network::{Modes, RoadClass};

/// Vehicle classes of `allow` and `disallow` as our modes. Neither attribute means everybody.
pub(super) fn allowed(lane: Element<'_>) -> Modes {
    let everybody = Modes::STREET.with(Modes::TRAM);
    match (lane.get("allow"), lane.get("disallow")) {
        (Some("all"), _) | (None, None) | (Some(""), None) | (None, Some("")) => everybody,
        (Some(classes), _) => modes(classes),
        (None, Some("all")) => Modes::NONE,
        (None, Some(classes)) => everybody.without(modes(classes)),
    }
}

fn modes(classes: &str) -> Modes {
    classes.split_whitespace().map(vehicle_class).fold(Modes::NONE, Modes::with)
}

/// SUMO's abstract vehicle class as our mode. Classes that we do not tell apart from a car (motorcycle,
/// moped, evehicle, hov, custom) say nothing of cars, so they map to nobody; `passenger` and `private` do.
pub(super) fn vehicle_class(class: &str) -> Modes {
    match class {
        "passenger" | "private" => Modes::CAR,
        "taxi" => Modes::TAXI,
        "bus" | "coach" => Modes::BUS,
        "truck" | "trailer" | "delivery" => Modes::TRUCK,
        "emergency" | "authority" | "army" => Modes::EMERGENCY,
        "tram" | "rail_urban" => Modes::TRAM,
        "bicycle" => Modes::BICYCLE,
        "pedestrian" => Modes::WALK.with(Modes::WHEELCHAIR),
        "all" => Modes::STREET.with(Modes::TRAM),
        _ => Modes::NONE,
    }
}

/// What sort of road: by the type's name where it comes from OpenStreetMap, else by size and speed.
pub(super) fn class(
    kind: &str,
    priority: Option<&str>,
    lanes: usize,
    speed_mps: f64,
    access: Modes,
) -> RoadClass {
    let highway = kind.split('|').find_map(|k| k.strip_prefix("highway."));
    let named = highway.and_then(|h| match h.trim_end_matches("_link") {
        "motorway" => Some(RoadClass::Motorway),
        "trunk" => Some(RoadClass::Trunk),
        "primary" => Some(RoadClass::Primary),
        "secondary" => Some(RoadClass::Secondary),
        "tertiary" | "unclassified" => Some(RoadClass::Tertiary),
        "residential" | "living_street" => Some(RoadClass::Residential),
        "service" | "track" | "services" | "unsurfaced" => Some(RoadClass::Service),
        "footway" | "cycleway" | "path" | "pedestrian" | "steps" | "step" | "stairs" | "bridleway" => {
            Some(RoadClass::Path)
        }
        _ => None,
    });
    if let Some(class) = named {
        return class;
    }
    if !access.any(Modes::MOTOR) {
        return if access.any(Modes::TRAM) || access == Modes::NONE {
            RoadClass::Rail
        } else {
            RoadClass::Path
        };
    }
    let priority: i32 = priority.and_then(|p| p.trim().parse().ok()).unwrap_or(1);
    match (lanes, speed_mps) {
        (2.., 24.0..) => RoadClass::Trunk,
        (3.., _) => RoadClass::Primary,
        (2, _) => RoadClass::Secondary,
        (_, 13.0..) if priority > 0 => RoadClass::Tertiary,
        _ => RoadClass::Residential,
    }
}
