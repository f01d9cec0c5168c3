//! What an Econolite cabinet keeps: `.dat`, and `.datZ`, the same compressed.
//!
//! A few lines of text, the last of which lists the phases in use, then four bytes an event: code, parameter, and tenths
//! of a second since the time of the first line, high byte first. Source: the layout that Utah's ATSPM reads.

use super::{Collected, ReadError, text};
use flate2::read::ZlibDecoder;
use model::time::Tenths;
use std::{fs::File, io::Read, path::Path};

/// The last line of the text begins so.
const LAST_LINE: &[u8] = b"Phases in use:";
/// The line that names the device has this.
const NAME_LINE: &str = "Intersection #:,";
/// A file is at most this long when it is unpacked: an hour's events take some tens of kilobytes.
const LONGEST: u64 = 64 << 20;

pub(super) fn events(file: &Path, into: &mut Collected) -> Result<(), ReadError> {
    let bad = |cause: &str| ReadError::new(file, None, cause);
    let bytes = unpacked(file).map_err(|error| bad(&format!("could not be read: {error}")))?;
    let last_line = bytes.windows(LAST_LINE.len()).position(|window| window == LAST_LINE);
    let last_line = last_line.ok_or_else(|| bad("it does not begin as an Econolite log does"))?;
    let text_ends = bytes[last_line..].iter().position(|byte| *byte == b'\n');
    let text_ends = last_line + text_ends.ok_or_else(|| bad("it ends before its first event"))? + 1;
    let head = String::from_utf8_lossy(&bytes[..text_ends]);
    let first = head.split(',').next().unwrap_or_default();
    let begins = text::time(first.as_bytes())
        .ok_or_else(|| ReadError::new(file, Some(1), format!("{first:?} is no time")))?;
    let device = device(file, &head);
    let records = bytes[text_ends..].chunks(4);
    for (number, record) in (1..).zip(records) {
        match *record {
            [code, param, high, low] => {
                let at = begins + Tenths(u32::from(u16::from_be_bytes([high, low])));
                into.add(number, &device, at, i64::from(code), i64::from(param));
            }
            _ => into.rejected.add(number, format!("event {number} is cut off after {} bytes", record.len())),
        }
    }
    Ok(())
}

fn unpacked(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let opened = File::open(file)?;
    if super::ending(file) == "datz" {
        ZlibDecoder::new(opened).take(LONGEST).read_to_end(&mut bytes)?;
    } else {
        opened.take(LONGEST).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// `4895` of `4895_ECON_10.210.8.179_2024_02_21_1115.dat`; without a number there, what the text names.
fn device(file: &Path, head: &str) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let number = name.split_once("_ECON").map(|(number, _)| number.to_owned());
    let named =
        || head.lines().find_map(|line| line.split_once(NAME_LINE)).map(|(_, name)| name.trim().to_owned());
    number.or_else(named).unwrap_or_else(|| name.into_owned())
}
