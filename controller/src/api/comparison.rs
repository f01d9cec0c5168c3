//! What a change did to a measure: days before it beside days after it.

use super::{
    Api,
    measures::{Span, measure_named},
    problem::{Path, Query},
    view::{ComparisonView, Looked, PairView, Problem},
};
use crate::measures::{
    catalogue::{Kind, Measure, Rows},
    cells::Cell,
    comparison::{Comparison, Days},
};
use axum::{Json, extract::State};
use jiff::{Timestamp, civil::Time, tz::TimeZone};
use model::ids::JunctionIx;
use serde::Deserialize;
use std::ops::Range;
use utoipa::IntoParams;

/// Which days, of what.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// The column whose mean is compared; the measure's first number if not given.
    column: Option<String>,
    /// First moment before the change, ms since the epoch.
    before_from: i64,
    /// And before then, ms since the epoch.
    before_to: i64,
    /// First moment after the change, ms since the epoch.
    after_from: i64,
    /// And before then, ms since the epoch.
    after_to: i64,
    /// Only from this minute of the day on, 0 to 1439. 0 if not given.
    from_minute: Option<u16>,
    /// And before this one, 1 to 1440. 1440 if not given.
    to_minute: Option<u16>,
    /// Length of a bin, 1 to 1,440 min. 15 if not given.
    bin_min: Option<u16>,
    /// IANA zone by which days and bins are cut. The city's if not given.
    tz: Option<String>,
    /// Only of that signal group.
    group: Option<u16>,
}

/// What a change did to a measure of a junction. The first Monday before it is set beside the first Monday after it, and so on, each
/// by the bins that both have; the mean difference of all pairs comes with its 95 % confidence interval (paired Student's t, the day
/// being what is drawn independently). Days without a fellow are left out and counted.
#[utoipa::path(get, path = "/api/v1/junctions/{id}/comparison/{measure}", tag = "measures",
    params(
        ("id" = String, Path, description = "The TLC's id"),
        ("measure" = String, Path, description = "A name out of /api/v1/measures whose rows are bins or quarters"),
        Which,
    ),
    responses(
        (status = 200, body = ComparisonView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is down", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get_comparison(
    State(api): State<Api>,
    Path((id, name)): Path<(String, String)>,
    Query(which): Query<Which>,
) -> Result<Json<ComparisonView>, Problem> {
    let ix = api.junction(&id)?;
    let measure = measure_named(&name)?;
    if !matches!(measure.rows, Rows::Bins | Rows::Quarters) {
        return Err(Problem::invalid(format!(
            "the rows of {name} are no bins, so no two of them can be compared"
        )));
    }
    let numbers = || measure.columns.iter().filter(|c| c.kind == Kind::Number);
    let column = match &which.column {
        None => numbers().next(),
        Some(wanted) => numbers().find(|c| c.name == wanted),
    };
    let column = column.ok_or_else(|| {
        let names: Vec<_> = numbers().map(|c| c.name).collect();
        Problem::invalid(format!("column is one of {}", names.join(", ")))
    })?;
    let minutes = super::part_of_day(which.from_minute, which.to_minute)?;
    if which.before_to > which.after_from {
        return Err(Problem::invalid("before_to is later than after_from: the days before come first"));
    }
    let of = async |from: i64, to: i64| {
        let span = Span { from, to, bin_min: which.bin_min, tz: which.tz.clone(), group: which.group };
        days(&api, ix, measure, column.name, span, &minutes).await
    };
    let (before, looked) = of(which.before_from, which.before_to).await?;
    let (after, _) = of(which.after_from, which.after_to).await?;
    let found = Comparison::of(&before, &after).ok_or_else(|| {
        Problem::invalid(format!(
            "no two days can be compared: {} days before and {} after have values, and none of the same weekday with a bin in common",
            before.len(),
            after.len()
        ))
    })?;
    let day = |day: jiff::civil::Date| day.to_string();
    Ok(Json(ComparisonView {
        junction: id,
        measure: name,
        column: column.name.to_owned(),
        unit: column.unit.to_owned(),
        bin_min: looked.bin_min,
        time_zone: looked.time_zone,
        before: found.before,
        after: found.after,
        difference: found.difference,
        half_width: found.half_width,
        significant: found.is_significant(),
        left_out: found.left_out,
        pairs: found
            .pairs
            .into_iter()
            .map(|pair| PairView {
                before: day(pair.before),
                after: day(pair.after),
                bins: pair.bins,
                mean_before: pair.mean_before,
                mean_after: pair.mean_after,
            })
            .collect(),
    }))
}

/// A column's values, by day.
async fn days(
    api: &Api,
    ix: JunctionIx,
    measure: &'static Measure,
    column: &'static str,
    which: Span,
    minutes: &Range<u16>,
) -> Result<(Days, Looked), Problem> {
    let whole = api.whole_table(ix, measure, which).await?;
    let place = |wanted: &str| measure.columns.iter().position(|c| c.name == wanted);
    let (Some(time), Some(value)) = (measure.column(Kind::Time), place(column)) else {
        return Err(Problem::invalid(format!("{} has no times to compare", measure.name)));
    };
    // What tells rows of one bin apart.
    let names = |kind: Kind| matches!(kind, Kind::Group | Kind::Channel | Kind::Label);
    let keys: Vec<usize> =
        measure.columns.iter().enumerate().filter(|(_, c)| names(c.kind)).map(|(place, _)| place).collect();
    let mut days = Days::default();
    for row in 0..whole.columns[time].len() {
        let cell = |column: usize| &whole.columns[column][row];
        let (Cell::Whole(at), Some(value)) = (cell(time), cell(value).number()) else { continue };
        let local = at + i64::from(whole.looked.utc_offset_s) * 1_000;
        // By the zone's clock, read as if it were UTC.
        let Ok(local) = Timestamp::from_millisecond(local) else { continue };
        let local = local.to_zoned(TimeZone::UTC).datetime();
        let second = local.time().duration_since(Time::midnight()).as_secs();
        if minutes.contains(&((second / 60) as u16)) {
            let of = keys.iter().filter_map(|&key| cell(key).number()).map(|n| n as i64).collect();
            days.take(local.date(), second as u32, of, value);
        }
    }
    Ok((days, whole.looked))
}
