//! CBOR, the two forms of a timestamp, and a printer for people.

use ciborium_io::Write;
use ciborium_ll::{Encoder, Header};
use serde::{Serialize, de::DeserializeOwned};
use std::cell::RefCell;

/// Writing into memory does not fail.
const ALWAYS: &str = "memory takes all bytes";

/// Bytes that could not be read, and where in them.
#[derive(Debug, thiserror::Error)]
#[error("not a {expected} message in CBOR: {cause}")]
pub struct DecodeError {
    /// What we hoped for.
    pub expected: &'static str,
    /// What the decoder said.
    pub cause: String,
}

/// A message as bytes.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    ciborium::into_writer(message, &mut bytes).expect("our own messages always encode");
    bytes
}

/// A status of one entry that is CBOR already: the bytes that [`encode`] makes of such a [`crate::message::Status`].
pub fn status_of(entry: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entry.len() + 16);
    let mut encoder = Encoder::from(&mut bytes);
    encoder.push(Header::Map(Some(1))).expect(ALWAYS);
    encoder.text("entries", None).expect(ALWAYS);
    encoder.push(Header::Array(Some(1))).expect(ALWAYS);
    encoder.write_all(entry).expect(ALWAYS);
    bytes
}

/// The same for a [`crate::message::Replay`].
pub fn replay_of<'a>(
    entries: impl ExactSizeIterator<Item = &'a [u8]>,
    next_ts: Option<model::time::Moment>,
    done: bool,
) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(transparent)]
    struct NextTs(#[serde(with = "timestamp_option")] Option<model::time::Moment>);
    let mut bytes = Vec::with_capacity(1024);
    let mut encoder = Encoder::from(&mut bytes);
    encoder.push(Header::Map(Some(2 + usize::from(done)))).expect(ALWAYS);
    encoder.text("entries", None).expect(ALWAYS);
    encoder.push(Header::Array(Some(entries.len()))).expect(ALWAYS);
    entries.for_each(|entry| encoder.write_all(entry).expect(ALWAYS));
    encoder.text("next_ts", None).expect(ALWAYS);
    encoder.write_all(&encode(&NextTs(next_ts))).expect(ALWAYS);
    if done {
        encoder.text("done", None).expect(ALWAYS);
        encoder.push(Header::Simple(ciborium_ll::simple::TRUE)).expect(ALWAYS);
    }
    bytes
}

/// Bytes as a message. Bytes that follow the message are a fault too: they are none of ours.
pub fn decode<T: DeserializeOwned>(expected: &'static str, mut bytes: &[u8]) -> Result<T, DecodeError> {
    thread_local! {
        /// Where the library puts short texts; made once, since thousands of small messages come each second.
        static SCRATCH: RefCell<[u8; 4096]> = const { RefCell::new([0; 4096]) };
    }
    let message = SCRATCH
        .with_borrow_mut(|scratch| ciborium::de::from_reader_with_buffer(&mut bytes, scratch))
        .map_err(|e| DecodeError { expected, cause: e.to_string() })?;
    match bytes.len() {
        0 => Ok(message),
        n => Err(DecodeError { expected, cause: format!("{n} bytes follow it") }),
    }
}

/// Any CBOR as text that a person can read, in the manner of CBOR's diagnostic notation, one key a line;
/// lists of plain values stay on one line. For logs, `docs/wire.md` and the command line.
pub fn to_text(bytes: &[u8]) -> Result<String, DecodeError> {
    let value: ciborium::Value = decode("CBOR", bytes)?;
    let mut text = String::new();
    text::write(&mut text, &value, 0);
    Ok(text)
}

mod text {
    use ciborium::Value;
    use std::fmt::Write;

    pub(super) fn write(out: &mut String, value: &Value, depth: usize) {
        let pad = "  ".repeat(depth + 1);
        match value {
            Value::Map(entries) if !entries.is_empty() => {
                out.push_str("{\n");
                for (key, value) in entries {
                    out.push_str(&pad);
                    write(out, key, depth + 1);
                    out.push_str(": ");
                    write(out, value, depth + 1);
                    out.push_str(",\n");
                }
                out.push_str(&"  ".repeat(depth));
                out.push('}');
            }
            Value::Array(items) if items.iter().any(|v| matches!(v, Value::Map(_) | Value::Array(_))) => {
                out.push_str("[\n");
                for item in items {
                    out.push_str(&pad);
                    write(out, item, depth + 1);
                    out.push_str(",\n");
                }
                out.push_str(&"  ".repeat(depth));
                out.push(']');
            }
            Value::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { ", " });
                    write(out, item, depth);
                }
                out.push(']');
            }
            Value::Map(_) => out.push_str("{}"),
            Value::Tag(tag, inner) => {
                let _ = write!(out, "{tag}(");
                write(out, inner, depth);
                out.push(')');
                if let Some(when) = moment(*tag, inner) {
                    let _ = write!(out, " / {when} /");
                }
            }
            Value::Text(text) => {
                let _ = write!(out, "{text:?}");
            }
            Value::Bytes(bytes) => {
                out.push_str("h'");
                for byte in bytes {
                    let _ = write!(out, "{byte:02x}");
                }
                out.push('\'');
            }
            Value::Integer(n) => {
                let _ = write!(out, "{}", i128::from(*n));
            }
            Value::Float(f) => {
                let _ = write!(out, "{f:?}");
            }
            Value::Bool(b) => {
                let _ = write!(out, "{b}");
            }
            Value::Null => out.push_str("null"),
            _ => out.push_str("undefined"),
        }
    }

    /// The ISO form of an epoch time, so that nobody has to count seconds since 1970.
    fn moment(tag: u64, inner: &Value) -> Option<jiff::Timestamp> {
        let seconds = match inner {
            Value::Float(f) => *f,
            Value::Integer(n) => i64::try_from(*n).ok()? as f64,
            _ => return None,
        };
        (tag == 1)
            .then(|| jiff::Timestamp::from_millisecond((seconds * 1000.0).round() as i64).ok())
            .flatten()
    }
}

/// A moment on the wire: CBOR epoch time (tag 1, seconds) as we send it, or ISO 8601 text as the draft says.
/// In formats for people (JSON) it is always the text.
pub mod timestamp {
    use model::time::Moment;
    use serde::{
        Deserialize, Deserializer, Serialize, Serializer,
        de::{self, EnumAccess, Unexpected, Visitor, value::EnumAccessDeserializer},
    };
    use std::fmt;

    /// Writes tag 1.
    pub fn serialize<S: Serializer>(m: &Moment, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() {
            let t = jiff::Timestamp::from_millisecond(m.0).map_err(serde::ser::Error::custom)?;
            return s.collect_str(&t);
        }
        ciborium::tag::Required::<f64, 1>(m.as_seconds()).serialize(s)
    }

    /// Reads either form. Epoch time may come with or without its tag, whole or fractional.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Moment, D::Error> {
        d.deserialize_any(Either)
    }

    /// Years 1900 to 2200: beyond that it is a broken clock, and arithmetic stays far from overflow.
    const PLAUSIBLE_S: std::ops::Range<f64> = -2.2e9..7.3e9;

    // Not an untagged enum: serde buffers those, and its buffer cannot hold a CBOR tag.
    struct Either;

    impl<'de> Visitor<'de> for Either {
        type Value = Moment;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("seconds since 1970, or an ISO 8601 time in UTC")
        }
        fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Moment, E> {
            match PLAUSIBLE_S.contains(&seconds) {
                true => Ok(Moment((seconds * 1000.0).round() as i64)),
                false => Err(E::invalid_value(Unexpected::Float(seconds), &self)),
            }
        }
        fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Moment, E> {
            self.visit_f64(seconds as f64)
        }
        fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Moment, E> {
            self.visit_f64(seconds as f64)
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<Moment, E> {
            let t: jiff::Timestamp =
                text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))?;
            self.visit_f64(t.as_millisecond() as f64 / 1000.0)
        }
        // This is how ciborium shows a tag to serde: as an enum with these names.
        fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Moment, A::Error> {
            #[derive(Deserialize)]
            enum Tag {
                #[serde(rename = "@@TAGGED@@")]
                Tagged(u64, Bare),
            }
            let Tag::Tagged(tag, Bare(moment)) = Tag::deserialize(EnumAccessDeserializer::new(access))?;
            // Tag 0 is the ISO text, tag 1 epoch time (RFC 8949, 3.4.1 and 3.4.2).
            match tag {
                0 | 1 => Ok(moment),
                _ => Err(de::Error::custom(format!("tag {tag} is not a time"))),
            }
        }
    }

    /// What stands inside a tag; a tag within a tag is refused by the recursion limit at the latest.
    struct Bare(Moment);

    impl<'de> Deserialize<'de> for Bare {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Bare, D::Error> {
            d.deserialize_any(Either).map(Bare)
        }
    }
}

/// The same where there may be none.
pub mod timestamp_option {
    use model::time::Moment;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Wrapped(#[serde(with = "super::timestamp")] Moment);

    /// Writes tag 1 or null.
    pub fn serialize<S: Serializer>(m: &Option<Moment>, s: S) -> Result<S::Ok, S::Error> {
        m.map(Wrapped).serialize(s)
    }

    /// Reads either form or null.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Moment>, D::Error> {
        Ok(Option::<Wrapped>::deserialize(d)?.map(|w| w.0))
    }
}

#[cfg(test)]
mod tests;
