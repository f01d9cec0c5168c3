//! Vehicles on demand in answers, in the shape of MOTIS 2's OpenAPI where that has one.

use super::view::iso;
use crate::on_demand::{Booked, BookedEnd};
use serde::Serialize;
use utoipa::ToSchema;

/// A zone in which a vehicle comes on demand, as MOTIS says it of a place.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlexView {
    /// What the zone is called.
    pub flex: String,
    /// Its id.
    pub flex_id: String,
    /// Vehicles come from then on.
    #[schema(format = DateTime)]
    pub flex_start_pickup_drop_off_window: String,
    /// And until then.
    #[schema(format = DateTime)]
    pub flex_end_pickup_drop_off_window: String,
}

impl FlexView {
    pub(crate) fn new(end: &BookedEnd) -> FlexView {
        FlexView {
            flex: end.zone.clone(),
            flex_id: end.zone_id.clone(),
            flex_start_pickup_drop_off_window: iso(end.window[0]),
            flex_end_pickup_drop_off_window: iso(end.window[1]),
        }
    }
}

/// How one asks for a vehicle. **Ours.**
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BookingView {
    /// The rule's id in the timetable.
    pub id: String,
    /// What riders are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What they are told of being picked up, or of getting off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_message: Option<String>,
    /// Whom to call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// Where more is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info_url: Option<String>,
    /// Where one asks online.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booking_url: Option<String>,
    /// Until when one asks for this ride; left out where that may be as late as one likes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub book_by: Option<String>,
}

impl BookingView {
    /// For being picked up (0) and for getting off (1).
    pub(crate) fn both(booked: &Booked) -> [Option<BookingView>; 2] {
        [0, 1].map(|end| {
            let rule = booked.ends[end].booking.as_ref()?;
            Some(BookingView {
                id: rule.id.clone(),
                message: rule.messages[0].clone(),
                own_message: rule.messages[end + 1].clone(),
                phone_number: rule.phone.clone(),
                info_url: rule.info_url.clone(),
                booking_url: rule.booking_url.clone(),
                book_by: booked.ends[end].book_by.map(iso),
            })
        })
    }
}
