//! What OpenStreetMap's words mean for a road.
//!
//! Meanings and defaults follow the wiki's `Key:highway`, `Key:access`, `Key:oneway`, `Key:lanes` and
//! `Key:maxspeed` pages.

use crate::{
    city::{AreaKind, BicyclePark, CarPark},
    geo::LonLat,
    network::{Going, Modes, Name, RoadClass, STEEPEST_PERCENT},
};
use std::collections::BTreeMap;

/// The tags of one way that matter here.
pub(super) struct Tags(BTreeMap<&'static str, String>);

/// Every key that somebody asks for below, in order.
const KEYS: [&str; 52] = [
    "access",
    "amenity",
    "area",
    "barrier",
    "bicycle",
    "bridge",
    "bus",
    "capacity",
    "covered",
    "cycleway",
    "duration",
    "foot",
    "hazmat",
    "hgv",
    "highway",
    "incline",
    "junction",
    "kerb",
    "landuse",
    "lanes",
    "lanes:backward",
    "lanes:forward",
    "leisure",
    "maxaxleload",
    "maxheight",
    "maxheight:physical",
    "maxlength",
    "maxspeed",
    "maxspeed:hgv",
    "maxweight",
    "maxweightrating",
    "maxwidth",
    "maxwidth:physical",
    "motor_vehicle",
    "motorcar",
    "motorroad",
    "name",
    "name:en",
    "natural",
    "oneway",
    "oneway:bicycle",
    "park_ride",
    "psv",
    "route",
    "service",
    "smoothness",
    "surface",
    "taxi",
    "tunnel",
    "vehicle",
    "waterway",
    "wheelchair",
];

/// Which way vehicles may drive along a way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Oneway {
    Both,
    Forward,
    Backward,
}

/// Values of `access` with which not everybody may leave a vehicle there.
const NOT_FOR_ALL: [&str; 8] =
    ["no", "private", "customers", "permit", "employees", "residents", "delivery", "agricultural"];

impl Tags {
    pub(super) fn of<'a>(tags: impl Iterator<Item = (&'a str, &'a str)>) -> Tags {
        let known = |key: &str| KEYS.binary_search(&key).ok().map(|at| KEYS[at]);
        Tags(tags.filter_map(|(key, value)| Some((known(key)?, value.to_string()))).collect())
    }

    pub(super) fn get(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    fn is(&self, key: &str, values: &[&str]) -> bool {
        values.contains(&self.get(key))
    }

    /// Whether it is a way that anybody travels along.
    pub(super) fn is_road(&self) -> bool {
        self.class().is_some() && !self.is("area", &["yes"]) && self.access() != Modes::NONE
    }

    /// The sort of road; `None` for what is no road (yet): construction, platforms, proposals.
    pub(super) fn class(&self) -> Option<RoadClass> {
        if self.is_ferry() {
            return Some(RoadClass::Path);
        }
        Some(match self.get("highway").trim_end_matches("_link") {
            "motorway" => RoadClass::Motorway,
            "trunk" => RoadClass::Trunk,
            "primary" => RoadClass::Primary,
            "secondary" => RoadClass::Secondary,
            "tertiary" => RoadClass::Tertiary,
            "unclassified" | "residential" | "living_street" | "road" => RoadClass::Residential,
            "service" | "track" | "busway" => RoadClass::Service,
            "footway" | "path" | "pedestrian" | "steps" | "cycleway" => RoadClass::Path,
            _ => return None,
        })
    }

    /// Who may use it, in the direction in which it may be driven.
    pub(super) fn access(&self) -> Modes {
        let highway = self.get("highway");
        let mut modes = match highway {
            // Who may come aboard is said by name; where only those without motors are named, no motor may.
            "" if self.is("motor_vehicle", &[""])
                && !(self.is("foot", &[""]) && self.is("bicycle", &[""])) =>
            {
                Modes::WALK.with(Modes::WHEELCHAIR).with(Modes::BICYCLE)
            }
            "motorway" | "motorway_link" => Modes::MOTOR,
            "footway" | "pedestrian" => Modes::WALK.with(Modes::WHEELCHAIR),
            "steps" => Modes::WALK,
            "path" => Modes::WALK.with(Modes::WHEELCHAIR).with(Modes::BICYCLE),
            "cycleway" => Modes::BICYCLE.with(Modes::WALK),
            "busway" => Modes::BUS.with(Modes::EMERGENCY),
            _ if self.is("motorroad", &["yes"]) => Modes::MOTOR,
            _ => Modes::STREET,
        };
        // From the general to the particular; the particular wins.
        let (feet, wheels) = (Modes::WALK.with(Modes::WHEELCHAIR), Modes::MOTOR.with(Modes::BICYCLE));
        let private = Modes::MOTOR.without(Modes::BUS).without(Modes::EMERGENCY);
        for (key, whose) in [
            ("access", feet.with(wheels)),
            ("vehicle", wheels),
            ("motor_vehicle", Modes::MOTOR),
            ("motorcar", Modes::CAR.with(Modes::TAXI)),
            ("hgv", Modes::TRUCK),
            ("psv", Modes::BUS.with(Modes::TAXI)),
            ("bus", Modes::BUS),
            ("taxi", Modes::TAXI),
            ("bicycle", Modes::BICYCLE),
            ("foot", feet),
            ("wheelchair", Modes::WHEELCHAIR),
        ] {
            match self.get(key) {
                "" => {}
                "no" | "private" | "use_sidepath" | "military" => modes = modes.without(whose),
                // Whoever plans a lorry's way there has something to deliver.
                "delivery" if key == "hgv" => {}
                "forestry" | "agricultural" | "delivery" => {
                    modes = modes.without(Modes(private.0 & whose.0));
                }
                // `access=yes` on a footpath opens it to nobody new; a named mode does open it.
                "yes" | "designated" | "permissive" | "official" | "destination" | "customers"
                    if key != "access" =>
                {
                    modes = modes.with(whose);
                }
                _ => {}
            }
        }
        if self.is_ground_for_feet() && !self.is("wheelchair", &["yes", "designated", "limited"]) {
            modes = modes.without(Modes::WHEELCHAIR);
        }
        if highway == "steps" { modes.without(Modes::WHEELCHAIR.with(Modes::BICYCLE)) } else { modes }
    }

    /// Whether it is a ferry's way over the water.
    pub(super) fn is_ferry(&self) -> bool {
        self.is("route", &["ferry"]) && self.is("highway", &[""])
    }

    /// How long a ferry takes for the whole way, s, if that is said: `12`, `00:12`, `01:05:30` or `PT1H5M` (the wiki's `Key:duration`).
    pub(super) fn duration_s(&self) -> Option<f64> {
        let text = self.get("duration");
        let seconds = match text.strip_prefix("PT") {
            Some(parts) => {
                let (mut sum, mut digits) = (0.0, String::new());
                for c in parts.chars() {
                    let unit = match c {
                        'H' => 3600.0,
                        'M' => 60.0,
                        'S' => 1.0,
                        _ => {
                            digits.push(c);
                            continue;
                        }
                    };
                    sum += unit * digits.parse::<f64>().ok()?;
                    digits.clear();
                }
                digits.is_empty().then_some(sum)?
            }
            None => {
                let parts: Vec<f64> =
                    text.split(':').map(|part| part.trim().parse().ok()).collect::<Option<_>>()?;
                match parts[..] {
                    [minutes] => minutes * 60.0,
                    [hours, minutes] => hours * 3600.0 + minutes * 60.0,
                    [hours, minutes, seconds] => hours * 3600.0 + minutes * 60.0 + seconds,
                    _ => return None,
                }
            }
        };
        (seconds > 0.0 && seconds.is_finite()).then_some(seconds)
    }

    /// Ground that small wheels sink into or stick on (the wiki's `Key:surface`, `Key:smoothness`).
    fn is_ground_for_feet(&self) -> bool {
        const SOFT: [&str; 11] = [
            "dirt",
            "earth",
            "grass",
            "gravel",
            "ground",
            "mud",
            "pebblestone",
            "rock",
            "sand",
            "unhewn_cobblestone",
            "woodchips",
        ];
        self.is("surface", &SOFT)
            || self.is("smoothness", &["very_bad", "horrible", "very_horrible", "impassable"])
    }

    /// How one gets along it by one's own strength, in the direction in which it is drawn.
    pub(super) fn going(&self) -> Going {
        const ROUGH: [&str; 7] =
            ["cobblestone", "cobblestone:flattened", "compacted", "fine_gravel", "sett", "unpaved", "wood"];
        let rough =
            self.is_ground_for_feet() || self.is("surface", &ROUGH) || self.is("smoothness", &["bad"]);
        let rise_percent = rise_percent(self.get("incline")).unwrap_or(0.0);
        Going { rough, rise_percent, ferry: self.is_ferry() }
    }

    /// Whether a node of it has a kerb that stops a wheelchair (the wiki's `Key:kerb`).
    pub(super) fn is_raised_kerb(&self) -> bool {
        let high = self.is("kerb", &["raised", "regular", "yes"])
            || self.is("barrier", &["kerb"]) && self.is("kerb", &[""]);
        high && !self.is("wheelchair", &["yes", "designated", "limited"])
    }

    /// Which way vehicles may drive.
    pub(super) fn oneway(&self) -> Oneway {
        match self.get("oneway") {
            "yes" | "true" | "1" => Oneway::Forward,
            "-1" | "reverse" => Oneway::Backward,
            "no" | "false" | "0" => Oneway::Both,
            _ if self.is_roundabout() || self.is("highway", &["motorway", "motorway_link"]) => {
                Oneway::Forward
            }
            _ => Oneway::Both,
        }
    }

    /// Who may go against the direction of a one-way road: people on foot, and often bicycles.
    pub(super) fn contraflow(&self) -> Modes {
        let feet = Modes(self.access().0 & Modes::WALK.with(Modes::WHEELCHAIR).0);
        let cycle = self.is("oneway:bicycle", &["no"]) || self.get("cycleway").starts_with("opposite");
        if cycle { feet.with(Modes::BICYCLE) } else { feet }
    }

    /// Whether it is part of a roundabout.
    pub(super) fn is_roundabout(&self) -> bool {
        self.is("junction", &["roundabout", "circular"])
    }

    /// Lanes forwards and backwards, as drawn; zero where vehicles may not go.
    pub(super) fn lanes(&self) -> (usize, usize) {
        let number = |key: &str| {
            self.get(key).split(';').next().and_then(|n| n.trim().parse::<f64>().ok()).map(|n| n as usize)
        };
        let within = |n: usize| n.clamp(1, 8);
        let usual = match self.get("highway") {
            "motorway" | "trunk" | "primary" => 2,
            _ => 1,
        };
        match self.oneway() {
            Oneway::Forward => (within(number("lanes").unwrap_or(usual)), 0),
            Oneway::Backward => (0, within(number("lanes").unwrap_or(usual))),
            Oneway::Both => {
                let total = number("lanes").unwrap_or(2);
                let back = number("lanes:backward");
                let forward = number("lanes:forward")
                    .or(back.map(|b| total.saturating_sub(b)))
                    .unwrap_or(total.div_ceil(2));
                let back = back.unwrap_or(total.saturating_sub(forward));
                (within(forward), within(back))
            }
        }
    }

    /// Legal speed, m/s.
    pub(super) fn speed_mps(&self) -> f64 {
        let kmh = speed_kmh(self.get("maxspeed")).unwrap_or(match self.get("highway") {
            "motorway" => 110.0,
            "trunk" => 80.0,
            "motorway_link" | "trunk_link" | "primary" | "secondary" => 60.0,
            "primary_link" | "secondary_link" | "tertiary" | "tertiary_link" | "unclassified" | "road" => {
                50.0
            }
            "residential" => 40.0,
            "living_street" | "service" | "track" | "cycleway" | "busway" => 20.0,
            _ => 5.0,
        });
        kmh.clamp(3.0, 150.0) / 3.6
    }

    pub(super) fn bridge(&self) -> bool {
        !self.is("bridge", &["", "no"])
    }
    pub(super) fn tunnel(&self) -> bool {
        !self.is("tunnel", &["", "no"])
    }
    pub(super) fn steps(&self) -> bool {
        self.is("highway", &["steps"])
    }

    pub(super) fn name(&self) -> Option<Name> {
        match (self.get("name"), self.get("name:en")) {
            ("", _) => None,
            (local, "") => Some(Name::only(local)),
            (local, en) => Some(Name::new(local, en)),
        }
    }

    /// The car park that it is, of that id, if anybody may leave a car there (`amenity=parking`, and the wiki's
    /// `Key:park_ride`: `yes`, or what one goes on by). Where it is, its nodes say.
    pub(super) fn car_park(&self, id: String) -> Option<CarPark> {
        if !self.is("amenity", &["parking"]) || self.is("access", &NOT_FOR_ALL) {
            return None;
        }
        Some(CarPark {
            id,
            name: self.name(),
            at: LonLat { lon: 0.0, lat: 0.0 },
            capacity: self.get("capacity").parse().ok(),
            park_and_ride: !self.is("park_ride", &["", "no"]),
        })
    }

    /// The same for bicycles (`amenity=bicycle_parking`).
    pub(super) fn bicycle_park(&self, id: String) -> Option<BicyclePark> {
        if !self.is("amenity", &["bicycle_parking"]) || self.is("access", &NOT_FOR_ALL) {
            return None;
        }
        Some(BicyclePark {
            id,
            name: self.name(),
            at: LonLat { lon: 0.0, lat: 0.0 },
            capacity: self.get("capacity").parse().ok(),
            covered: !self.is("covered", &["", "no"]),
        })
    }

    /// What patch of background it is, if it is a closed one.
    pub(super) fn area(&self) -> Option<AreaKind> {
        if self.is("natural", &["water"]) || self.is("waterway", &["riverbank"]) {
            Some(AreaKind::Water)
        } else if self.is("leisure", &["park", "garden"])
            || self.is("landuse", &["forest"])
            || self.is("natural", &["wood"])
        {
            Some(AreaKind::Park)
        } else {
            None
        }
    }
}

/// `8%`, `-4.5 %`, `10°`: how much a way rises, in hundredths of its length. `up` and `down` do not say by how much.
fn rise_percent(text: &str) -> Option<f32> {
    let percent = match text.strip_suffix('°') {
        Some(degrees) => degrees.trim().parse::<f32>().ok()?.to_radians().tan() * 100.0,
        None => text.strip_suffix('%')?.trim().parse::<f32>().ok()?,
    };
    (percent.abs() <= STEEPEST_PERCENT).then_some(percent)
}

/// `50`, `30 mph`, `RU:urban`, `none`, `walk`.
pub(super) fn speed_kmh(text: &str) -> Option<f64> {
    let first = text.split(';').next().unwrap_or("").trim();
    if let Some(mph) = first.strip_suffix("mph") {
        return mph.trim().parse::<f64>().ok().map(|v| v * 1.609_344).filter(|v| v.is_finite());
    }
    match first.rsplit(':').next().unwrap_or("") {
        "none" => Some(130.0),
        "walk" => Some(5.0),
        "living_street" => Some(20.0),
        "urban" => Some(if first.starts_with("RU") { 60.0 } else { 50.0 }),
        "rural" => Some(90.0),
        "trunk" => Some(100.0),
        "motorway" => Some(if first.starts_with("RU") { 110.0 } else { 120.0 }),
        number => number.trim_end_matches("km/h").trim().parse::<f64>().ok().filter(|v| v.is_finite()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(text: &str) -> Tags {
        Tags::of(text.split_whitespace().map(|t| t.split_once('=').unwrap()))
    }

    #[test]
    fn keys_are_in_order() {
        assert!(KEYS.is_sorted());
    }

    #[test]
    fn access_goes_from_general_to_particular() {
        let check = |text: &str, expected: Modes| assert_eq!(tags(text).access(), expected, "{text}");
        let feet = Modes::WALK.with(Modes::WHEELCHAIR);
        check("highway=residential", Modes::STREET);
        check("highway=residential access=no", Modes::NONE);
        check("highway=residential access=no foot=yes", feet);
        check("highway=residential motor_vehicle=no", feet.with(Modes::BICYCLE));
        check("highway=residential motor_vehicle=no bus=yes", feet.with(Modes::BICYCLE).with(Modes::BUS));
        check("highway=footway bicycle=yes", feet.with(Modes::BICYCLE));
        check("highway=footway access=yes", feet);
        check("highway=steps bicycle=yes wheelchair=yes", Modes::WALK);
        check("highway=motorway", Modes::MOTOR);
        check("highway=trunk motorroad=yes", Modes::MOTOR);
        check("highway=residential hgv=no", Modes::STREET.without(Modes::TRUCK));
        check("highway=residential hgv=delivery", Modes::STREET);
        let private = Modes::CAR.with(Modes::TAXI).with(Modes::TRUCK);
        check("highway=residential motor_vehicle=delivery", Modes::STREET.without(private));
    }

    #[test]
    fn car_parks_are_those_of_all() {
        let check = |text: &str, expected: Option<bool>| {
            assert_eq!(
                tags(text).car_park("way/1".into()).map(|park| park.park_and_ride),
                expected,
                "{text}"
            );
        };
        check("amenity=parking", Some(false));
        check("amenity=parking park_ride=yes capacity=150", Some(true));
        check("amenity=parking park_ride=metro access=yes", Some(true));
        check("amenity=parking park_ride=no fee=yes", Some(false));
        check("amenity=parking access=private park_ride=yes", None);
        check("amenity=parking access=customers", None);
        check("amenity=bicycle_parking", None);
        let park = |text: &str| tags(text).car_park("node/1".into()).unwrap();
        assert_eq!(park("amenity=parking capacity=150").capacity, Some(150));
        assert_eq!(park("amenity=parking capacity=many").capacity, None);
    }

    #[test]
    fn bicycle_parks_are_those_of_all() {
        let park = |text: &str| tags(text).bicycle_park("node/1".into());
        let known = |text: &str| park(text).map(|park| (park.capacity, park.covered));
        assert_eq!(known("amenity=bicycle_parking"), Some((None, false)));
        assert_eq!(known("amenity=bicycle_parking capacity=12 covered=yes"), Some((Some(12), true)));
        assert_eq!(known("amenity=bicycle_parking capacity=some covered=no"), Some((None, false)));
        assert_eq!(known("amenity=bicycle_parking access=private"), None);
        assert_eq!(known("amenity=bicycle_parking access=customers"), None);
        assert_eq!(known("amenity=parking"), None);
    }

    #[test]
    fn lanes_and_directions() {
        let check = |text: &str, expected| assert_eq!(tags(text).lanes(), expected, "{text}");
        check("highway=residential", (1, 1));
        check("highway=primary lanes=5", (3, 2));
        check("highway=primary lanes=5 lanes:backward=3", (2, 3));
        check("highway=primary oneway=yes", (2, 0));
        check("highway=tertiary oneway=-1 lanes=3", (0, 3));
        check("highway=tertiary junction=roundabout", (1, 0));
        check("highway=primary lanes=x", (1, 1));
        check("highway=primary lanes=1e300", (8, 8));
    }

    #[test]
    fn ferries_take_whom_they_name() {
        let check = |text: &str, expected: Modes| {
            assert!(tags(text).is_ferry() && tags(text).is_road(), "{text}");
            assert_eq!(tags(text).access(), expected, "{text}");
        };
        let feet = Modes::WALK.with(Modes::WHEELCHAIR);
        check("route=ferry", Modes::STREET);
        check("route=ferry foot=yes", feet.with(Modes::BICYCLE));
        check("route=ferry foot=yes bicycle=no", feet);
        check("route=ferry foot=yes motor_vehicle=yes", Modes::STREET);
        check("route=ferry motor_vehicle=no", feet.with(Modes::BICYCLE));
        assert!(!tags("route=bus").is_road() && !tags("highway=primary route=ferry").is_ferry());
        for (text, seconds) in
            [("12", 720.0), ("00:12", 720.0), ("01:05:30", 3930.0), ("PT1H5M", 3900.0), ("PT90S", 90.0)]
        {
            assert_eq!(tags(&format!("route=ferry duration={text}")).duration_s(), Some(seconds), "{text}");
        }
        for text in ["", "soon", "-5", "0", "1:2:3:4", "PT5", "PTxM", "NaN", "inf"] {
            assert_eq!(tags(&format!("route=ferry duration={text}")).duration_s(), None, "{text}");
        }
    }

    #[test]
    fn wheelchairs_need_firm_ground() {
        let rolls = |text: &str| tags(text).access().has(Modes::WHEELCHAIR);
        assert!(rolls("highway=footway surface=asphalt") && rolls("highway=footway surface=sett"));
        assert!(!rolls("highway=footway surface=sand") && !rolls("highway=path smoothness=horrible"));
        assert!(rolls("highway=footway surface=gravel wheelchair=yes"));
        let going = |text: &str| tags(text).going();
        assert!(going("highway=footway surface=sett").rough && !going("highway=footway").rough);
        assert_eq!(going("highway=footway incline=8%").rise_percent, 8.0);
        assert_eq!(going("highway=footway incline=-4.5%").rise_percent, -4.5);
        assert!((going("highway=footway incline=5°").rise_percent - 8.749).abs() < 0.001);
        for unknown in ["up", "down", "steep", "900%", "NaN%"] {
            assert_eq!(going(&format!("highway=footway incline={unknown}")).rise_percent, 0.0, "{unknown}");
        }
        let stops = |text: &str| tags(text).is_raised_kerb();
        assert!(stops("kerb=raised") && stops("barrier=kerb"));
        assert!(
            !stops("kerb=lowered")
                && !stops("barrier=kerb kerb=flush")
                && !stops("kerb=raised wheelchair=yes")
        );
    }

    #[test]
    fn speeds() {
        let check =
            |text: &str, kmh: f64| assert!((tags(text).speed_mps() * 3.6 - kmh).abs() < 0.01, "{text}");
        check("highway=residential maxspeed=RU:urban", 60.0);
        check("highway=residential maxspeed=30", 30.0);
        check("highway=primary maxspeed=nonsense", 60.0);
        check("highway=primary maxspeed=0", 3.0);
        check("highway=motorway maxspeed=none", 130.0);
    }
}
