//! Who comes along, in answers.

use super::view::{Language, PlaceView, iso};
use crate::escort::Appointment;
use serde::Serialize;
use utoipa::ToSchema;

/// Who comes along on a ride, where one meets, and until when one asks for it. **Ours.**
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EscortView {
    /// Who.
    pub name: String,
    /// Where one is met: a station's entrance, or a platform.
    pub meets: PlaceView,
    /// Where exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meeting_point: Option<String>,
    /// When one is met.
    #[schema(format = DateTime)]
    pub meeting_time: String,
    /// Until where one is escorted.
    pub until: PlaceView,
    /// Whoever asks later is not met.
    #[schema(format = DateTime)]
    pub book_by: String,
    /// Whom to call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// Where more is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info_url: Option<String>,
}

impl EscortView {
    pub(crate) fn new(escort: &Appointment, language: Language) -> EscortView {
        EscortView {
            name: language.name(&escort.name).to_string(),
            meets: PlaceView::new(&escort.meets),
            meeting_point: escort.point.as_ref().map(|point| language.name(point).to_string()),
            meeting_time: iso(escort.at),
            until: PlaceView::new(&escort.until),
            book_by: iso(escort.book_by),
            phone_number: escort.phone.clone(),
            info_url: escort.url.clone(),
        }
    }
}
