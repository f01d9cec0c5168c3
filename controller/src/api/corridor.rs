//! Corridors: what their plans let pass, what other offsets would, and what their lamps really showed.

use super::{
    Api, forecast,
    problem::{Path, Query},
    view::{
        BandView, CorridorDetail, CorridorLamps, CorridorStop, CorridorSummary, Corridors, DayView, HourView,
        LinkPivotView, Name, PivotHits, PivotLink, Problem, SpreadView, StopLamps, StretchView, TimeAhead,
        TravelTimesView,
    },
};
use crate::{
    corridor::{Passed, Progression, Wave, brought, passed, way_back},
    forecasting::slot_ahead,
    measures::utah::link_pivot::{self, Arrival},
    picture::level_of_service,
    store::EventRow,
    travel_times::{Coming, Distribution, Way},
};
use axum::{Json, extract::State};
use model::{
    city::City,
    ids::{GroupNumber, JunctionIx, LinkIx},
    time::{Moment, Tenths},
};
use serde::Deserialize;
use std::{collections::BTreeMap, ops::Range, time::Duration};
use utoipa::IntoParams;
use wire::message::code;

/// How long before its beginning a stretch of lamps is looked for what they showed then: longer than any red.
const CARRY: Duration = Duration::from_secs(180);
/// Longest stretch of lamps at once.
const LONGEST: Duration = Duration::from_secs(3600);
/// Where nothing is said.
const USUAL: Duration = Duration::from_secs(300);
/// How far back travel times go where nothing is said.
const WEEK: Duration = Duration::from_secs(7 * 86_400);
/// Events of a junction in the longest stretch: its detectors make most of them.
const MOST_EVENTS: usize = 200_000;

/// The corridors to show, by id.
pub(crate) struct Roads(BTreeMap<u32, Road>);

struct Road {
    /// Its place among the city's corridors.
    ix: usize,
    back: Vec<LinkIx>,
    out_signals: Vec<Passed>,
    back_signals: Vec<Passed>,
}

impl Roads {
    /// Every corridor's links, out and back.
    pub(crate) fn ways(&self, city: &City) -> BTreeMap<Way, Vec<LinkIx>> {
        let both = self.0.iter().flat_map(|(&corridor, road)| {
            let out = (Way { corridor, back: false }, city.corridors[road.ix].links.clone());
            let back = (Way { corridor, back: true }, road.back.clone());
            [out, back]
        });
        both.filter(|(_, links)| !links.is_empty()).collect()
    }

    /// Ids of those that are shown.
    pub(super) fn shown(&self) -> impl Iterator<Item = u32> {
        self.0.keys().copied()
    }

    pub(super) fn new(city: &City) -> Roads {
        let mut shown: BTreeMap<u32, Road> = BTreeMap::new();
        for (ix, corridor) in city.corridors.iter().enumerate() {
            let back = way_back(&city.network, &corridor.links);
            let mut known = shown.values().map(|road| &road.back);
            if known.any(|other| other.as_slice() == corridor.links.as_slice()) {
                continue;
            }
            let signals = |links: &[LinkIx]| passed(&city.network, links, &|_| 0.0);
            let (out_signals, back_signals) = (signals(&corridor.links), signals(&back));
            if out_signals.len() >= 2 {
                shown.insert(ix as u32, Road { ix, back, out_signals, back_signals });
            }
        }
        Roads(shown)
    }
}

impl Road {
    fn summary(&self, city: &City) -> CorridorSummary {
        let ends = self.out_signals.first().zip(self.out_signals.last());
        CorridorSummary {
            id: self.ix.to_string(),
            name: Name::of(&city.corridors[self.ix].name),
            junctions: self.out_signals.len(),
            length_m: ends.map_or(0.0, |(first, last)| (last.along_m - first.along_m).round()),
            both_ways: self.back_signals.len() >= 2,
        }
    }

    fn back_of(&self, junction: JunctionIx) -> Option<&Passed> {
        self.back_signals.iter().find(|p| p.junction == junction)
    }
}

/// All corridors.
#[utoipa::path(get, path = "/api/v1/corridors", tag = "centre", responses((status = 200, body = Corridors)))]
pub(super) async fn get_corridors(State(api): State<Api>) -> Json<Corridors> {
    let summaries = api.0.roads.0.values().map(|road| road.summary(&api.0.city));
    Json(Corridors { corridors: summaries.collect() })
}

/// What to try on a corridor.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Draft {
    /// Offsets to try, s, one for each junction in driving order, with commas between. Those of the plans if not given.
    offsets: Option<String>,
    /// `widest` finds the offsets with the widest bands, both ways alike.
    design: Option<String>,
}

/// One corridor with the offsets of its plans, or with others. Nothing here changes the street.
#[utoipa::path(get, path = "/api/v1/corridors/{id}", tag = "centre",
    params(("id" = String, Path, description = "The corridor's id"), Draft),
    responses(
        (status = 200, body = CorridorDetail),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get_corridor(
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(draft): Query<Draft>,
) -> Result<Json<CorridorDetail>, Problem> {
    api.road(&id)?;
    if draft.design.as_deref().is_some_and(|design| design != "widest") {
        return Err(Problem::invalid("design may be widest, or nothing"));
    }
    // The search for the widest bands takes its time, and a processor.
    let _seat = match draft.design {
        Some(_) => api.0.measuring.clone().acquire_owned().await.ok(),
        None => None,
    };
    let found =
        tokio::task::spawn_blocking(move || api.road(&id).and_then(|road| detail(&api, road, &draft)));
    found.await.map_err(|_| Problem::unavailable("the corridor could not be worked out"))?.map(Json)
}

impl Api {
    fn road(&self, id: &str) -> Result<&Road, Problem> {
        let road = id.parse().ok().and_then(|ix: u32| self.0.roads.0.get(&ix));
        road.ok_or_else(|| Problem::not_found(format!("there is no corridor {id:?}")))
    }
}

fn detail(api: &Api, road: &Road, draft: &Draft) -> Result<CorridorDetail, Problem> {
    let (city, picture) = (&api.0.city, api.picture());
    let links = &city.corridors[road.ix].links;
    // At the speed limit: measured times hold the waits at red that the diagram is to show.
    let travel_s = |link: LinkIx| city.network.link(link).free_travel_time_s();
    let cycle = cycle(city, &road.out_signals);
    let planned: Vec<Tenths> = road.out_signals.iter().map(|p| planned(city, p.junction, cycle)).collect();
    let mut offsets = asked(draft, &planned, cycle)?;

    let progression = Progression::along(city, links, &road.back, cycle, travel_s);
    let mut wave: Option<Wave> = None;
    let mut no_wave = String::new();
    match &progression {
        Ok(progression) if draft.design.is_some() => {
            let widest = progression.widest(1.0, 1.0).map_err(|why| Problem::unavailable(why.to_string()))?;
            offsets = widest.offsets.iter().map(|(_, offset)| *offset).collect();
            wave = Some(widest);
        }
        Ok(progression) => wave = Some(progression.with_offsets(&offsets)),
        Err(why) => no_wave = why.to_string(),
    }

    let (out, back) = (passed(&city.network, links, &travel_s), passed(&city.network, &road.back, &travel_s));
    let (begin_s, begin_m) = out.first().map_or((0.0, 0.0), |p| (p.along_s, p.along_m));
    let begin_back_s = back.first().map_or(0.0, |p| p.along_s);
    let both = road.back_signals.len() >= 2;
    let stops = out.iter().enumerate().map(|(i, here)| {
        let junction = &city.junctions[here.junction.ix()];
        let there = back.iter().find(|p| p.junction == here.junction);
        let stop = progression.as_ref().ok().and_then(|p| p.stops.get(i));
        let green =
            |green: Option<crate::corridor::Green>| green.map(|g| [tenth(g.begins_s), tenth(g.lasts_s)]);
        let front = |side: usize| wave.as_ref().and_then(|w| w.fronts_s.get(i)).map(|f| tenth(f[side]));
        let steps = brought(junction, cycle).map(|plan| plan.steps).unwrap_or_default();
        CorridorStop {
            junction: junction.id.as_str().to_owned(),
            name: Name::of(&junction.name),
            district: junction.district.as_str().to_owned(),
            at_m: (here.along_m - begin_m).round(),
            planned_offset_s: planned[i].as_seconds(),
            offset_s: offsets[i].as_seconds(),
            groups: numbers(&here.groups),
            groups_back: there.map(|p| numbers(&p.groups)).unwrap_or_default(),
            green: green(stop.and_then(|s| s.green)),
            green_back: green(stop.and_then(|s| s.green_back)),
            along_s: tenth(here.along_s - begin_s),
            along_back_s: there.map(|p| tenth(p.along_s - begin_back_s)),
            front_s: front(0),
            front_back_s: front(1).filter(|_| both && there.is_some()),
            steps: steps.iter().map(|s| (s.stage.0, s.split.as_seconds())).collect(),
        }
    });
    let stops = stops.collect();
    let band = |band: crate::corridor::Band| BandView {
        begins_s: tenth(band.begins_s),
        lasts_s: tenth(band.lasts_s),
    };
    let none = BandView { begins_s: 0.0, lasts_s: 0.0 };
    Ok(CorridorDetail {
        summary: road.summary(city),
        now: picture.now.0,
        cycle_s: cycle.as_seconds(),
        stops,
        band: wave.as_ref().map_or(none, |w| band(w.band)),
        band_back: wave.as_ref().filter(|_| both).map(|w| band(w.band_back)),
        no_wave,
    })
}

/// The offsets that were asked about, or those of the plans.
fn asked(draft: &Draft, planned: &[Tenths], cycle: Tenths) -> Result<Vec<Tenths>, Problem> {
    let Some(text) = draft.offsets.as_deref().filter(|text| !text.is_empty()) else {
        return Ok(planned.to_vec());
    };
    let asked: Vec<Tenths> = text
        .split(',')
        .map(|one| {
            let s: Option<f64> = one.trim().parse().ok().filter(|s: &f64| s.is_finite());
            let s = s.ok_or_else(|| Problem::invalid(format!("{one:?} among the offsets is no number")))?;
            let whole = Tenths::from_seconds_f64(s.rem_euclid(cycle.as_seconds().max(0.1)));
            Ok(Tenths(whole.0 % cycle.0.max(1)))
        })
        .collect::<Result<_, Problem>>()?;
    if asked.len() != planned.len() {
        let (said, there) = (asked.len(), planned.len());
        return Err(Problem::invalid(format!(
            "offsets has {said} numbers; the corridor has {there} junctions"
        )));
    }
    Ok(asked)
}

/// The cycle that most first plans have; of several the longest, into which more fits.
fn cycle(city: &City, signals: &[Passed]) -> Tenths {
    let mut counts: BTreeMap<Tenths, usize> = BTreeMap::new();
    for plan in signals.iter().filter_map(|p| city.junctions[p.junction.ix()].plans.first()) {
        *counts.entry(plan.cycle()).or_default() += 1;
    }
    counts
        .into_iter()
        .max_by_key(|(cycle, count)| (*count, *cycle))
        .map_or(Tenths::seconds(90), |(cycle, _)| cycle)
}

fn planned(city: &City, junction: JunctionIx, cycle: Tenths) -> Tenths {
    let plan = city.junctions[junction.ix()].plans.first();
    plan.map_or(Tenths::ZERO, |plan| Tenths(plan.offset.0 % cycle.0.max(1)))
}

fn numbers(groups: &[GroupNumber]) -> Vec<u16> {
    let mut numbers: Vec<u16> = groups.iter().map(|g| g.0).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn tenth(s: f64) -> f64 {
    (s * 10.0).round() / 10.0
}

/// Which times.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Times {
    /// From then on, ms since the epoch; a week before `to` if not given.
    from: Option<i64>,
    /// Until then, ms since the epoch. Now if not given.
    to: Option<i64>,
    /// The way back. The way out if not given.
    back: Option<bool>,
    /// Only from this minute of the day on, 0 to 1439. 0 if not given.
    from_minute: Option<u16>,
    /// And before this one, 1 to 1440. 1440 if not given.
    to_minute: Option<u16>,
    /// `working` days are Monday to Friday, and `rest` the others; the city's holidays are among those. All if not given.
    days: Option<Days>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum Days {
    Working,
    Rest,
}

/// How long a corridor takes to drive, and how reliably: the spread of its times, by hour and by day, with the indices of the
/// US Federal Highway Administration.
#[utoipa::path(get, path = "/api/v1/corridors/{id}/travel-times", tag = "centre",
    params(("id" = String, Path, description = "The corridor's id"), Times),
    responses(
        (status = 200, body = TravelTimesView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is down", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get_travel_times(
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(asked): Query<Times>,
) -> Result<Json<TravelTimesView>, Problem> {
    let road = api.road(&id)?;
    let range = super::stretch(asked.from, asked.to, api.0.clock.now(), WEEK)?;
    let minutes = super::part_of_day(asked.from_minute, asked.to_minute)?;
    let way = Way { corridor: road.ix as u32, back: asked.back.unwrap_or(false) };
    let (way_m, free_s) = api
        .0
        .travel_times
        .free(way)
        .ok_or_else(|| Problem::invalid(format!("corridor {id} has no way back")))?;
    let kept = api.0.travel_times.between(way, &range);
    let mut kept = kept.ok_or_else(|| Problem::unavailable("the store has not said yet what there was"))?;
    let rests = |day: &jiff::civil::Date| {
        matches!(day.weekday(), jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday)
            || api.0.holidays.contains(day)
    };
    kept.retain(|one| {
        minutes.contains(&one.minute) && asked.days.is_none_or(|days| (days == Days::Rest) == rests(&one.day))
    });

    let mut hours: BTreeMap<u16, Vec<f64>> = BTreeMap::new();
    let mut days: BTreeMap<jiff::civil::Date, Vec<f64>> = BTreeMap::new();
    for one in &kept {
        hours.entry(one.minute / 60).or_default().push(one.time_s);
        days.entry(one.day).or_default().push(one.time_s);
    }
    let coming = api.0.travel_times.coming(way);
    let ahead = |coming: &Coming| {
        let slots = coming.ahead.iter().enumerate().filter_map(|(horizon, ahead)| {
            let (from, ahead) = (slot_ahead(coming.from, horizon).start.0, (*ahead)?);
            Some(TimeAhead { from, time_s: tenth(f64::from(ahead.value)), learned: ahead.learned })
        });
        slots.collect()
    };
    let spread = Distribution::of(kept.iter().map(|one| one.time_s));
    let of = |index: fn(&Distribution, f64) -> f64| spread.map(|spread| hundredth(index(&spread, free_s)));
    let los =
        |spread: Distribution| level_of_service(free_s / spread.mean_s, &api.0.travel_times.los()).to_owned();
    Ok(Json(TravelTimesView {
        summary: road.summary(&api.0.city),
        back: way.back,
        from: range.start.0,
        to: range.end.0,
        time_zone: api.picture().health.value.time_zone.clone(),
        way_m: way_m.round(),
        free_s: tenth(free_s),
        travel_time_index: of(Distribution::travel_time_index),
        planning_time_index: of(Distribution::planning_time_index),
        buffer_index: of(|spread, _| spread.buffer_index()),
        level_of_service: spread.map(los),
        hours: hours
            .into_iter()
            .filter_map(|(hour, times)| {
                Some(HourView { hour, spread: spread_view(Distribution::of(times)?) })
            })
            .collect(),
        days: days
            .into_iter()
            .filter_map(|(day, times)| {
                Some(DayView { day: day.to_string(), spread: spread_view(Distribution::of(times)?) })
            })
            .collect(),
        histogram: histogram(kept.iter().map(|one| one.time_s).collect()),
        spread: spread.map(spread_view),
        ahead: coming.as_ref().map(ahead).unwrap_or_default(),
        errors: coming.map(|coming| forecast::errors(&coming.errors, 1.0)).unwrap_or_default(),
    }))
}

/// By how much the junctions of a corridor should move their greens for those who really came: link by link, on the arrivals over
/// advance loops of that time, in complete cycles. Meaningful where plans with a common cycle ran.
#[utoipa::path(get, path = "/api/v1/corridors/{id}/link-pivot", tag = "centre",
    params(("id" = String, Path, description = "The corridor's id"), Stretch),
    responses(
        (status = 200, body = LinkPivotView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is down", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get_link_pivot(
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(asked): Query<Stretch>,
) -> Result<Json<LinkPivotView>, Problem> {
    let road = api.road(&id)?;
    let range = super::stretch(asked.from, asked.to, api.0.clock.now(), LONGEST)?;
    if range.end.since(range.start) > LONGEST {
        let most = LONGEST.as_secs();
        return Err(Problem::invalid(format!(
            "from and to are too far apart; arrivals of {most} s are looked at"
        )));
    }
    let city = &api.0.city;
    let cycle = cycle(city, &road.out_signals);
    let mut arrivals = Vec::new();
    for here in &road.out_signals {
        let all = api.arrivals(here.junction, range.clone()).await?;
        let by = |groups: &[GroupNumber]| -> Vec<Arrival> {
            let of_groups = all.iter().filter(|(group, _)| groups.iter().any(|g| g.0 == *group));
            of_groups.map(|(_, arrival)| *arrival).collect()
        };
        let back = road.back_of(here.junction).map(|there| by(&there.groups)).unwrap_or_default();
        arrivals.push((by(&here.groups), back));
    }
    let cycle_s = (cycle.as_seconds().round() as u32).max(1);
    let mut moved = 0;
    let links = road.out_signals.windows(2).zip(arrivals.windows(2)).map(|(junctions, arrivals)| {
        let (out, back) = (&arrivals[1].0, &arrivals[0].1);
        let shift_s = link_pivot::shift_s(out, back, cycle_s);
        moved = (moved + shift_s).rem_euclid(i64::from(cycle_s));
        let hits = |arrivals: &[Arrival], later_s: i64| PivotHits {
            arrivals: arrivals.len(),
            on_green: link_pivot::on_green(arrivals, 0.0),
            would_be: link_pivot::on_green(arrivals, later_s as f64),
        };
        let name = |place: usize| city.junctions[junctions[place].junction.ix()].id.to_string();
        PivotLink {
            from: name(0),
            to: name(1),
            shift_s,
            offset_by_s: moved,
            out: hits(out, -shift_s),
            back: hits(back, shift_s),
        }
    });
    let links = links.collect();
    Ok(Json(LinkPivotView {
        summary: road.summary(city),
        from: range.start.0,
        to: range.end.0,
        cycle_s: f64::from(cycle_s),
        links,
    }))
}

fn spread_view(spread: Distribution) -> SpreadView {
    let [p5_s, p15_s, p50_s, p85_s, p95_s] = spread.quantiles_s.map(tenth);
    SpreadView { slots: spread.slots, mean_s: tenth(spread.mean_s), p5_s, p15_s, p50_s, p85_s, p95_s }
}

/// Times by stretches of equal width.
fn histogram(times_s: Vec<f64>) -> Vec<StretchView> {
    const STRETCHES: usize = 10;
    let (Some(first), Some(last)) =
        (times_s.iter().copied().reduce(f64::min), times_s.iter().copied().reduce(f64::max))
    else {
        return Vec::new();
    };
    // Of times that are all alike one stretch of a second.
    let width = ((last - first) / STRETCHES as f64).max(0.1);
    let mut stretches: Vec<StretchView> = (0..STRETCHES)
        .map(|i| StretchView {
            from_s: tenth(first + width * i as f64),
            to_s: tenth(first + width * (i + 1) as f64),
            slots: 0,
        })
        .collect();
    for time_s in times_s {
        stretches[(((time_s - first) / width) as usize).min(STRETCHES - 1)].slots += 1;
    }
    stretches
}

fn hundredth(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// Which stretch of time.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Stretch {
    /// From then on, ms since the epoch; five minutes before `to` if not given, an hour at most.
    from: Option<i64>,
    /// Until then, ms since the epoch. Now if not given.
    to: Option<i64>,
}

/// What the lamps along a corridor showed, out of the store.
#[utoipa::path(get, path = "/api/v1/corridors/{id}/lamps", tag = "centre",
    params(("id" = String, Path, description = "The corridor's id"), Stretch),
    responses(
        (status = 200, body = CorridorLamps),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is down", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get_lamps(
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(asked): Query<Stretch>,
) -> Result<Json<CorridorLamps>, Problem> {
    let road = api.road(&id)?;
    let Range { start: from, end: to } = super::stretch(asked.from, asked.to, api.0.clock.now(), USUAL)?;
    if to.since(from) > LONGEST {
        let (apart, most) = (to.since(from).as_secs(), LONGEST.as_secs());
        return Err(Problem::invalid(format!(
            "from and to are {apart} s apart; lamps are shown for {most} s at most"
        )));
    }
    let mut stops = Vec::new();
    for here in &road.out_signals {
        let range = Moment(from.0.saturating_sub(CARRY.as_millis() as i64))..to;
        let rows = api.0.store.events(here.junction, range, MOST_EVENTS).await?.rows;
        let back = road.back_of(here.junction).map(|p| shown(&rows, &p.groups, from..to)).unwrap_or_default();
        let id = api.0.city.junctions[here.junction.ix()].id.as_str().to_owned();
        stops.push(StopLamps { junction: id, out: shown(&rows, &here.groups, from..to), back });
    }
    Ok(Json(CorridorLamps { from: from.0, to: to.0, stops }))
}

/// The changes of the lamps that go with the corridor, and the last one before the stretch. Where several groups let
/// traffic go on, it is green when all of them are.
fn shown(rows: &[EventRow], groups: &[GroupNumber], stretch: Range<Moment>) -> Vec<(i64, String)> {
    let mut each: BTreeMap<u16, &'static str> = BTreeMap::new();
    let all = numbers(groups);
    let mut changes: Vec<(i64, String)> = Vec::new();
    for row in rows.iter().filter(|row| all.contains(&row.param)) {
        let lamp = match row.code {
            code::GREEN_BEGIN => "green",
            code::AMBER_BEGIN => "amber",
            code::AMBER_END | code::RED_CLEARANCE_BEGIN | code::RED_CLEARANCE_END => "red",
            _ => continue,
        };
        each.insert(row.param, lamp);
        if each.len() < all.len() {
            continue;
        }
        let lamp =
            ["red", "amber"].into_iter().find(|l| each.values().any(|shows| shows == l)).unwrap_or("green");
        if changes.last().is_none_or(|(_, before)| before != lamp) {
            changes.push((row.at.0, lamp.to_owned()));
        }
    }
    let carried = changes.partition_point(|(at, _)| *at <= stretch.start.0).saturating_sub(1);
    changes.drain(..carried);
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lamps_are_green_when_all_their_groups_are_and_known_from_the_last_change_before() {
        let check = |groups: &[u16], log: &[(i64, u16, u16)], expected: &[(i64, &str)]| {
            let row = |&(at, code, param): &(i64, u16, u16)| EventRow {
                at: Moment(at),
                junction: JunctionIx(0),
                code,
                param,
            };
            let rows: Vec<EventRow> = log.iter().map(row).collect();
            let groups: Vec<GroupNumber> = groups.iter().map(|g| GroupNumber(*g)).collect();
            let found = shown(&rows, &groups, Moment(100)..Moment(200));
            let found: Vec<(i64, &str)> = found.iter().map(|(at, lamp)| (*at, lamp.as_str())).collect();
            assert_eq!(found, expected);
        };
        let (green, amber, red, other) = (code::GREEN_BEGIN, code::AMBER_BEGIN, code::AMBER_END, 82);
        check(
            &[1],
            &[(10, green, 1), (50, amber, 1), (53, red, 1), (120, green, 1)],
            &[(53, "red"), (120, "green")],
        );
        // Another group and a detector are nothing to it.
        check(&[1], &[(90, green, 2), (110, other, 1), (120, green, 1)], &[(120, "green")]);
        check(
            &[1, 2],
            &[(10, red, 1), (20, red, 2), (110, green, 1), (130, green, 2), (150, amber, 1), (160, amber, 2)],
            &[(20, "red"), (130, "green"), (150, "amber")],
        );
        check(&[], &[(10, green, 1)], &[]);
    }
}
