//! SUMO's trip reports, one after the other: a day of a city does not fit into memory as a tree.
//!
//! The format: <https://sumo.dlr.de/docs/Simulation/Output/TripInfo.html>.

use crate::input::InputError;
use model::config::Complaint;
use quick_xml::{
    XmlVersion,
    events::{BytesStart, Event},
    reader::Reader,
};
use std::{fs::File, io::BufReader, path::Path};

/// What a `<tripinfo>` says of a vehicle that was on the road.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct TripReport {
    pub(crate) id: String,
    /// When it entered the road, s on the scenario's clock.
    pub(crate) depart_s: f64,
    /// How long it had waited for room to enter, s.
    pub(crate) depart_delay_s: f64,
    /// When it arrived; `None` if it was still under way at the end.
    pub(crate) arrival_s: Option<f64>,
    /// Time on the road, s.
    pub(crate) duration_s: f64,
    /// Time lost against driving freely, s.
    pub(crate) time_loss_s: f64,
    /// Time spent standing (below 0.1 m/s), s.
    pub(crate) waiting_s: f64,
    /// How often it came to stand.
    pub(crate) stops: f64,
    /// Carbon dioxide, g, where the run measured it.
    pub(crate) co2_g: Option<f64>,
}

impl TripReport {
    /// When it was last seen, s.
    pub(crate) fn end_s(&self) -> f64 {
        self.arrival_s.unwrap_or(self.depart_s + self.duration_s)
    }
}

/// Hands every trip report of the file to `each`, in the file's order.
pub(crate) fn read(path: &Path, mut each: impl FnMut(TripReport)) -> Result<(), InputError> {
    let mut reader = Reader::from_file(path)
        .map_err(|e| InputError::about(path, format!("could not be read: {}", cause(&e))))?;
    walk(&mut reader, &mut each).map_err(|message| {
        let line = line_at(path, reader.buffer_position());
        Complaint::at(path.display().to_string(), line, message).into()
    })
}

fn walk(reader: &mut Reader<BufReader<File>>, each: &mut impl FnMut(TripReport)) -> Result<(), String> {
    let mut buffer = Vec::new();
    let mut depth = 0_u32;
    let mut open: Option<TripReport> = None;
    loop {
        buffer.clear();
        let event =
            reader.read_event_into(&mut buffer).map_err(|e| format!("this is not well-formed XML: {e}"))?;
        match event {
            Event::Start(e) => {
                depth += 1;
                if depth == 1 && e.name().as_ref() != "tripinfos" {
                    let name = e.name().as_ref().to_owned();
                    return Err(format!("this is <{name}>, not SUMO's trip reports (<tripinfos>)"));
                }
                if e.name().as_ref() == "tripinfo" {
                    open = Some(trip(&e)?);
                }
            }
            Event::Empty(e) => match (e.name().as_ref(), &mut open) {
                ("tripinfo", _) => each(trip(&e)?),
                ("emissions", Some(trip)) => trip.co2_g = Some(number(&e, "CO2_abs", &trip.id)? / 1000.0),
                _ => {}
            },
            Event::End(e) => {
                depth = depth.saturating_sub(1);
                if e.name().as_ref() == "tripinfo"
                    && let Some(trip) = open.take()
                {
                    each(trip);
                }
            }
            Event::Eof if depth > 0 => return Err("the file breaks off: the run did not end well".into()),
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

fn trip(e: &BytesStart<'_>) -> Result<TripReport, String> {
    let id = text(e, "id")?.ok_or("a <tripinfo> has no id")?;
    let number = |attribute| number(e, attribute, &id);
    let arrival_s = number("arrival")?;
    Ok(TripReport {
        depart_s: number("depart")?,
        depart_delay_s: number("departDelay")?,
        // SUMO writes -1 for those under way at the end.
        arrival_s: (arrival_s >= 0.0).then_some(arrival_s),
        duration_s: number("duration")?,
        time_loss_s: number("timeLoss")?,
        waiting_s: number("waitingTime")?,
        stops: number("waitingCount")?,
        co2_g: None,
        id,
    })
}

fn text(e: &BytesStart<'_>, attribute: &str) -> Result<Option<String>, String> {
    let found = e.try_get_attribute(attribute).map_err(|e| format!("this is not well-formed XML: {e}"))?;
    found
        .map(|a| a.normalized_value(XmlVersion::default()).map(|v| v.into_owned()))
        .transpose()
        .map_err(|e| format!("this is not well-formed XML: {e}"))
}

/// A finite number that must be there; `of` is the vehicle that it belongs to.
fn number(e: &BytesStart<'_>, attribute: &str, of: &str) -> Result<f64, String> {
    let text = text(e, attribute)?.ok_or_else(|| format!("the trip of {of} has no {attribute}"))?;
    let value = text.trim().parse::<f64>().ok().filter(|v| v.is_finite());
    value.ok_or_else(|| format!("{attribute} of the trip of {of} is {text:?}, which is not a number"))
}

/// The innermost cause, without the library's own words around it.
fn cause(error: &quick_xml::Error) -> String {
    match error {
        quick_xml::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// The line, from 1, on which a byte of the file stands.
fn line_at(path: &Path, byte: u64) -> u32 {
    let text = std::fs::read(path).unwrap_or_default();
    let before = &text[..text.len().min(usize::try_from(byte).unwrap_or(usize::MAX))];
    before.iter().filter(|b| **b == b'\n').count() as u32 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trips(text: &str) -> Result<Vec<TripReport>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tripinfo.xml");
        std::fs::write(&path, text).expect("a file");
        let mut found = Vec::new();
        read(&path, |trip| found.push(trip))
            .map_err(|e| e.to_string().replace(&path.display().to_string(), "tripinfo.xml"))?;
        Ok(found)
    }

    const TRIP: &str = r#"<tripinfo id="a&amp;b" depart="5.00" departDelay="1.00" arrival="-1.00" duration="20.00"
        waitingTime="3.00" waitingCount="2" timeLoss="4.50""#;

    #[test]
    fn reads_trips_with_and_without_emissions() {
        let found = trips(&format!(
            "<?xml version=\"1.0\"?>\n<!-- SUMO -->\n<tripinfos>{TRIP}/>\n{TRIP}>\n\
             <emissions CO2_abs=\"1500.0\"/></tripinfo><personinfo id=\"p\"/></tripinfos>"
        ))
        .expect("a good file");
        assert_eq!((found.len(), found[0].id.as_str()), (2, "a&b"));
        assert_eq!((found[0].co2_g, found[1].co2_g), (None, Some(1.5)));
        assert_eq!((found[0].arrival_s, found[0].end_s()), (None, 25.0));
    }

    #[test]
    fn complains_with_file_line_and_cause() {
        let check = |text: &str, expected: &str| assert_eq!(trips(text).unwrap_err(), expected);
        check("<net/>\n<tripinfos>", "tripinfo.xml:2: the file breaks off: the run did not end well");
        check("<net>", "tripinfo.xml:1: this is <net>, not SUMO's trip reports (<tripinfos>)");
        check("<tripinfos>\n<tripinfo id=\"a\"/>", "tripinfo.xml:2: the trip of a has no arrival");
        check(
            &format!("<tripinfos>\n\n{}/>", TRIP.replace("4.50", "soon")),
            "tripinfo.xml:4: timeLoss of the trip of a&b is \"soon\", which is not a number",
        );
    }
}
