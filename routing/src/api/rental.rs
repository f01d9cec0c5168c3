//! Shared vehicles in answers, in the shape of MOTIS 2's OpenAPI.

use crate::sharing::Hire;
use serde::Serialize;
use utoipa::ToSchema;

/// A shared vehicle.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RentalView {
    /// The same as `systemId`.
    pub provider_id: String,
    /// The same as `systemId`.
    pub provider_group_id: String,
    /// The system's id in its feed.
    pub system_id: String,
    /// Its name.
    pub system_name: String,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where it is taken.
    pub from_station_name: String,
    /// The station where it is left; left out where that is in the street.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_station_name: Option<String>,
    /// GBFS' form factor in capitals: `BICYCLE`, `SCOOTER_STANDING` and so on.
    pub form_factor: String,
    /// `ANY_STATION`, or `NONE` if it may be left anywhere.
    pub return_constraint: String,
}

impl RentalView {
    pub(crate) fn new(hire: &Hire) -> RentalView {
        RentalView {
            provider_id: hire.system_id.clone(),
            provider_group_id: hire.system_id.clone(),
            system_id: hire.system_id.clone(),
            system_name: hire.system_name.clone(),
            url: hire.url.clone(),
            from_station_name: hire.from.clone(),
            to_station_name: hire.to.clone(),
            form_factor: hire.form.clone(),
            return_constraint: if hire.left_anywhere { "NONE" } else { "ANY_STATION" }.to_string(),
        }
    }
}
