//! Names of things. A function that takes a [`DetectorId`] cannot be handed a signal.

use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// A name that came from outside: a map, a cabinet, a timetable. Cheap to clone.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a name as it stands; nothing is trimmed or folded.
            pub fn new(name: impl AsRef<str>) -> Self { Self(Arc::from(name.as_ref())) }
            /// The name as text.
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{:?}", &*self.0) }
        }
        impl From<&str> for $name {
            fn from(name: &str) -> Self { Self::new(name) }
        }
    };
}

text_id!(
    /// A signalised junction and the TLC in its cabinet; unique in the city. On the wire it is the last
    /// level of the node id, so [`JunctionId::is_topic_safe`] must hold there.
    JunctionId
);
text_id!(
    /// One directed piece of road.
    LinkId
);
text_id!(
    /// A place where links meet.
    NodeId
);
text_id!(
    /// One detector channel, unique in the city: by convention `<junction>/<channel>`.
    DetectorId
);
text_id!(
    /// A part of the city that one controller instance owns whole.
    DistrictId
);
text_id!(
    /// A public-transport line (route in GTFS).
    LineId
);
text_id!(
    /// A public-transport stop.
    StopId
);

impl JunctionId {
    /// Whether the name can stand as one MQTT topic level: not empty, no `/`, `+`, `#`, NUL or control.
    pub fn is_topic_safe(&self) -> bool {
        is_topic_level(&self.0)
    }
}

impl DistrictId {
    /// Names that stand where a district would, for nodes that are no cabinets.
    pub const RESERVED: [&str; 4] = ["centre", "gateway", "transit", "simulator"];

    /// Whether the name can stand as one MQTT topic level, and means a district there.
    pub fn is_topic_safe(&self) -> bool {
        is_topic_level(&self.0) && !Self::RESERVED.contains(&self.as_str())
    }
}

fn is_topic_level(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| matches!(c, '/' | '+' | '#') || c.is_control())
}

/// A number that a cabinet uses, counted from 1 as the manuals do.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u16);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}", self.0) }
        }
    };
}

number!(
    /// A signal group of one junction, from 1.
    GroupNumber
);
number!(
    /// A stage of one junction, from 1. Zero never names a stage; registers use it for "none".
    StageNumber
);
number!(
    /// A timing plan of one junction, from 1.
    PlanNumber
);
number!(
    /// A detector channel of one junction, from 1.
    ChannelNumber
);

/// A position in one of the vectors of [`crate::network::Network`] or [`crate::city::City`].
macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// The position as a slice index.
            pub fn ix(self) -> usize { self.0 as usize }
        }
        impl From<usize> for $name {
            fn from(position: usize) -> Self {
                Self(u32::try_from(position).expect("a city has fewer than 2^32 parts of a kind"))
            }
        }
    };
}

index!(
    /// Index into [`crate::network::Network::nodes`].
    NodeIx
);
index!(
    /// Index into [`crate::network::Network::links`].
    LinkIx
);
index!(
    /// Index into [`crate::network::Network::lanes`].
    LaneIx
);
index!(
    /// Index into [`crate::network::Network::movements`].
    MovementIx
);
index!(
    /// Index into [`crate::network::Network::crossings`].
    CrossingIx
);
index!(
    /// Index into [`crate::city::City::junctions`].
    JunctionIx
);
