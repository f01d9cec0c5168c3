//! What a MAXTIME controller hands out: XML, an `Event` element each. Source: the export that Utah's ATSPM reads.
//!
//! Events are counted as lines, from 1. The device is what the description calls the intersection, or else the file's name.

use super::{Collected, ReadError, text};
use quick_xml::{
    Reader,
    events::{BytesStart, Event as Xml},
};
use std::{fs::File, io::BufReader, path::Path};

pub(super) fn events(file: &Path, into: &mut Collected) -> Result<(), ReadError> {
    let opened = File::open(file)
        .map_err(|error| ReadError::new(file, None, format!("could not be read: {error}")))?;
    let mut reader = Reader::from_reader(BufReader::new(opened));
    let mut device = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let (mut buffer, mut number, mut names_device) = (Vec::new(), 0, false);
    loop {
        buffer.clear();
        let xml = reader.read_event_into(&mut buffer);
        let xml = xml.map_err(|error| {
            ReadError::new(file, None, format!("at byte {}: {error}", reader.error_position()))
        })?;
        match xml {
            Xml::Eof => return Ok(()),
            Xml::Start(element) | Xml::Empty(element) if element.name().as_ref() == "Event" => {
                number += 1;
                match event(&element) {
                    Ok((at, code, param)) => into.add(number, &device, at, code, param),
                    Err(cause) => into.rejected.add(number, cause),
                }
            }
            Xml::Start(element) => names_device = element.name().as_ref() == "IntersectionNumber",
            Xml::Text(words) if names_device => {
                let name = words.trim().to_owned();
                if !name.is_empty() {
                    device = name;
                }
            }
            Xml::End(_) => names_device = false,
            _ => {}
        }
    }
}

fn event(element: &BytesStart<'_>) -> Result<(model::time::Moment, i64, i64), String> {
    let attribute = |name: &str| match element.try_get_attribute(name) {
        Ok(Some(attribute)) => Ok(attribute.value.into_owned()),
        Ok(None) => Err(format!("there is no {name}")),
        Err(error) => Err(error.to_string()),
    };
    let whole = |name: &str| {
        let value = attribute(name)?;
        value.trim().parse::<i64>().map_err(|_| format!("{name} is {value:?}, which is no number"))
    };
    let at = attribute("TimeStamp")?;
    let at = text::time(at.as_bytes()).ok_or_else(|| format!("{at:?} is no time"))?;
    Ok((at, whole("EventTypeID")?, whole("Parameter")?))
}
