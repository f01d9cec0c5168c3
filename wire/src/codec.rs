//! CBOR, and the two forms of a timestamp.

use serde::{de::DeserializeOwned, Serialize};

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

/// Bytes as a message.
pub fn decode<T: DeserializeOwned>(expected: &'static str, bytes: &[u8]) -> Result<T, DecodeError> {
    ciborium::de::from_reader_with_recursion_limit(bytes, 16)
        .map_err(|e| DecodeError { expected, cause: e.to_string() })
}

/// A moment on the wire: CBOR epoch time (tag 1, seconds) as we send it, or ISO 8601 text as the draft says.
pub mod timestamp {
    use model::time::Moment;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes tag 1.
    pub fn serialize<S: Serializer>(m: &Moment, s: S) -> Result<S::Ok, S::Error> {
        ciborium::tag::Required::<f64, 1>(m.as_seconds()).serialize(s)
    }

    /// Reads either form.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Moment, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Epoch(ciborium::tag::Accepted<f64, 1>),
            Iso(String),
        }
        match Form::deserialize(d)? {
            Form::Epoch(t) => Ok(Moment((t.0 * 1000.0).round() as i64)),
            Form::Iso(text) => super::parse_iso(&text)
                .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not an ISO 8601 time in UTC"))),
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

fn parse_iso(text: &str) -> Option<model::time::Moment> {
    let t: jiff::Timestamp = text.parse().ok()?;
    Some(model::time::Moment(t.as_millisecond()))
}
