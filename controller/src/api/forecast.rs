//! Volumes to come.

use super::{
    Api,
    problem::Path,
    view::{
        ForecastError, ForecastQuality, IndexAhead, IndexPoint, Problem, VolumeAhead, VolumeForecast,
        VolumeForecasts,
    },
};
use crate::{
    estimate::forecast::{Errors, SLOT},
    forecasting::{DetectorForecast, slot_ahead},
};
use axum::{Json, extract::State};
use model::{signal::Junction, time::Moment};
use std::time::Duration;

/// Slots in an hour.
const HOURLY: f64 = 3600.0 / SLOT.as_secs() as f64;

/// How good the forecast of volumes has been lately, beside two simple ones.
#[utoipa::path(get, path = "/api/v1/forecast", tag = "centre", responses((status = 200, body = ForecastQuality)))]
pub(super) async fn get_quality(State(api): State<Api>) -> Json<ForecastQuality> {
    let forecasts = api.0.forecasts.borrow().clone();
    Json(ForecastQuality {
        slot_s: SLOT.as_secs(),
        junctions: forecasts.junctions.len(),
        errors: errors(&forecasts.errors, HOURLY),
    })
}

/// So much of the hour to come is told of the whole city.
const CITY_SLOTS: usize = 6;

/// The speed index of the next half hour: that of now, as the travel times of the corridors are expected to change.
#[utoipa::path(get, path = "/api/v1/speed-index/ahead", tag = "centre", responses((status = 200, body = IndexAhead)))]
pub(super) async fn get_index_ahead(State(api): State<Api>) -> Json<IndexAhead> {
    let index = api.picture().health.value.speed_index;
    let together = api.0.travel_times.together();
    let points = index.zip(together.as_ref()).map(|(index, together)| {
        let slots = together.ahead.iter().take(CITY_SLOTS).enumerate();
        let point = |(horizon, ahead): (usize, &Option<(f64, Option<f64>)>)| {
            let (share, off) = (*ahead)?;
            let (slot, index) = (slot_ahead(together.from, horizon), index * share);
            Some(IndexPoint {
                at: (slot.start + SLOT / 2).0,
                index: tenth(index),
                low: off.map(|off| tenth(index / (1.0 + off))),
                high: off.map(|off| tenth(index * (1.0 + off))),
            })
        };
        slots.filter_map(point).collect()
    });
    Json(IndexAhead {
        learned: together.is_some_and(|together| together.learned),
        points: points.unwrap_or_default(),
    })
}

/// What the detectors of a junction will count in the next hour, with how far off that has been lately.
#[utoipa::path(get, path = "/api/v1/junctions/{id}/forecast", tag = "centre",
    params(("id" = String, Path, description = "The TLC's id")),
    responses(
        (status = 200, body = VolumeForecasts),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get_forecast(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<VolumeForecasts>, Problem> {
    let ix = api.junction(&id)?;
    let forecasts = api.0.forecasts.borrow().clone();
    let forecast = forecasts.junctions.get(&ix);
    let junction = &api.0.city.junctions[ix.ix()];
    let detectors = forecast.into_iter().flat_map(|forecast| {
        forecast.detectors.iter().map(|detector| volumes(junction, forecast.from, detector))
    });
    Ok(Json(VolumeForecasts {
        junction: id,
        from: forecast.map(|forecast| forecast.from.0),
        slot_s: SLOT.as_secs(),
        detectors: detectors.collect(),
    }))
}

fn volumes(junction: &Junction, from: Moment, forecast: &DetectorForecast) -> VolumeForecast {
    let detector = junction.detectors.iter().find(|detector| detector.channel.0 == forecast.channel);
    let ahead = forecast.ahead.iter().enumerate().filter_map(|(horizon, ahead)| {
        let (slot, ahead) = (slot_ahead(from, horizon), (*ahead)?);
        let flow_h = tenth(f64::from(ahead.value) * HOURLY);
        Some(VolumeAhead { from: slot.start.0, to: slot.end.0, flow_h, learned: ahead.learned })
    });
    VolumeForecast {
        channel: forecast.channel,
        groups: detector.map(|d| d.groups.iter().map(|group| group.0).collect()).unwrap_or_default(),
        ahead: ahead.collect(),
        errors: errors(&forecast.errors, HOURLY),
    }
}

/// Errors of each horizon, a slot's times `by`.
pub(super) fn errors(errors: &[Errors], by: f64) -> Vec<ForecastError> {
    let one = |(slots, errors): (u32, &Errors)| {
        let told = |value: f32| (errors.count > 0).then(|| tenth(f64::from(value) * by));
        let ahead: Duration = SLOT * slots;
        ForecastError {
            ahead_min: ahead.as_secs() / 60,
            count: errors.count,
            forecast: told(errors.forecast),
            last_value: told(errors.persistence),
            usual: told(errors.usual),
        }
    };
    (1..).zip(errors).map(one).collect()
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
