//! What signs say that a vehicle may measure (the wiki's `Key:maxheight`, `Key:maxweight` and their like, and its page on units).
//!
//! Conditions (`maxweight:conditional`) and limits of one direction (`maxheight:forward`) are not read.

use super::tags::{Tags, speed_kmh};
use crate::network::Limits;

/// Inches of a foot, and metres of an inch.
const INCHES: f32 = 12.0;
const INCH_M: f32 = 0.0254;
/// Tonnes of a short ton, as American signs have it, and of a pound.
const SHORT_TON_T: f32 = 0.907_184_7;
const POUND_T: f32 = 0.000_453_592_37;

impl Tags {
    /// What a vehicle may measure there. Words such as `none` and `default`, and what is no measure, limit nothing.
    pub(super) fn limits(&self) -> Limits {
        let least = |keys: [&str; 2], read: fn(&str) -> Option<f32>| {
            keys.into_iter().filter_map(|key| read(self.get(key))).reduce(f32::min)
        };
        Limits {
            height_m: least(["maxheight", "maxheight:physical"], metres),
            width_m: least(["maxwidth", "maxwidth:physical"], metres),
            length_m: metres(self.get("maxlength")),
            weight_t: least(["maxweight", "maxweightrating"], tonnes),
            axle_load_t: tonnes(self.get("maxaxleload")),
            truck_speed_mps: speed_kmh(self.get("maxspeed:hgv"))
                .filter(|kmh| *kmh > 0.0)
                .map(|kmh| kmh as f32 / 3.6),
            no_hazmat: self.get("hazmat") == "no",
        }
    }
}

/// `3.5`, `3.5 m`, `12'6"`.
fn metres(text: &str) -> Option<f32> {
    match text.split_once('\'') {
        Some((feet, inches)) => {
            let inches = match inches.trim().trim_end_matches('"') {
                "" => 0.0,
                inches => number(inches)?,
            };
            measure((number(feet)? * INCHES + inches) * INCH_M)
        }
        None => measure(number(text.strip_suffix('m').unwrap_or(text))?),
    }
}

/// `7.5`, `7.5 t`, `7500 kg`, `8 st` (short tons), `16000 lbs`.
fn tonnes(text: &str) -> Option<f32> {
    let text = text.trim();
    let units = [("kg", 0.001), ("lbs", POUND_T), ("st", SHORT_TON_T), ("t", 1.0)];
    let of = |(unit, tonnes): (&str, f32)| Some((text.strip_suffix(unit)?, tonnes));
    let (text, tonnes) = units.into_iter().find_map(of).unwrap_or((text, 1.0));
    measure(number(text)? * tonnes)
}

fn number(text: &str) -> Option<f32> {
    text.trim().replace(',', ".").parse().ok()
}

/// A limit that lets something through, and keeps something out.
fn measure(number: f32) -> Option<f32> {
    (number > 0.0 && number < 1000.0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_come_in_all_units() {
        let near = |read: Option<f32>, expected: f32, text: &str| {
            assert!(read.is_some_and(|read| (read - expected).abs() < 0.001), "{text}: {read:?}");
        };
        for (text, expected) in
            [("3.5", 3.5), ("3,5", 3.5), ("3.5 m", 3.5), ("3.5m", 3.5), ("12'6\"", 3.81), ("12'", 3.6576)]
        {
            near(metres(text), expected, text);
        }
        for (text, expected) in
            [("7.5", 7.5), ("7.5 t", 7.5), ("7500 kg", 7.5), ("10 st", 9.072), ("16000 lbs", 7.257)]
        {
            near(tonnes(text), expected, text);
        }
        for nothing in
            ["", "none", "default", "no_sign", "below_default", "-3", "0", "NaN", "inf", "3 storeys"]
        {
            assert_eq!((metres(nothing), tonnes(nothing)), (None, None), "{nothing}");
        }
    }

    #[test]
    fn signs_become_limits() {
        let tags =
            |text: &str| Tags::of(text.split_whitespace().map(|tag| tag.split_once('=').expect("a tag")));
        let limits =
            tags("highway=residential maxheight=3.2 maxheight:physical=3.0 maxweightrating=12 hazmat=no")
                .limits();
        let expected =
            Limits { height_m: Some(3.0), weight_t: Some(12.0), no_hazmat: true, ..Limits::default() };
        assert_eq!(limits, expected);
        assert_eq!(tags("highway=trunk maxspeed:hgv=72").limits().truck_speed_mps, Some(20.0));
        assert_eq!(tags("highway=residential maxheight=default hazmat=yes").limits().of_link(), None);
    }
}
