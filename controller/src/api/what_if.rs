//! What-if questions: checked here against the city's data and the rules for plans, put to a simulator by the centre's
//! task, and shown as far as they are. Nothing here changes the street.

use super::{
    Api,
    access::Caller,
    control::{named_kind, signed},
    problem::{Body, Code, Path, Query},
    view::{
        Problem, WhatIf, WhatIfAssumptions, WhatIfChange, WhatIfJunction, WhatIfMeasure, WhatIfPlan,
        WhatIfRequest, WhatIfResult, WhatIfSpread, WhatIfs,
    },
};
use crate::{
    access::{Place, Role},
    centre::Ask,
    coordinator::picture::on_the_wire,
    what_if::{Asked, Entry, Stand},
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
};
use model::{
    ids::{DistrictId, JunctionIx, PlanNumber, StageNumber},
    signal::{Plan, PlanStep},
    time::Tenths,
};
use serde::Deserialize;
use std::collections::BTreeSet;
use utoipa::IntoParams;
use uuid::Uuid;
use wire::what_if::{Change, Control, HORIZON_S, Measured, SEEDS, Spread, Verdict};

/// Where nothing is said.
const MINUTES: u32 = 30;
const SEEDS_BY_DEFAULT: u16 = 5;
/// Steps of a plan that is tried: no junction has as many stages.
const MOST_STEPS: usize = 64;

/// Asks what would come of another control, and gives the id under which the answer will be.
#[utoipa::path(post, path = "/api/v1/what-if", tag = "centre",
    request_body = WhatIfRequest,
    responses(
        (status = 202, description = "Asked; `Location` says where the answer will be", body = WhatIf,
            headers(("Location" = String))),
        (status = 422, description = "Wrong, or a plan that is not safe", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "No broker, too many questions, or no flows measured yet", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn post_what_if(
    State(api): State<Api>,
    caller: Caller,
    Body(request): Body<WhatIfRequest>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<WhatIf>), Problem> {
    // Nothing happens in the street, but it takes the simulator's time from others.
    api.permit(&caller, Role::Operate, Place::Nowhere, "a what-if")?;
    let asked = asked(&api, caller.signature(request.who.as_deref())?, &request)?;
    let id = asked.id;
    api.ask(|reply| Ask::WhatIf(Box::new(asked), reply)).await?.map_err(Problem::unavailable)?;
    let location = [(header::LOCATION, format!("/api/v1/what-if/{id}"))];
    Ok((StatusCode::ACCEPTED, location, Json(find(&api, id)?)))
}

/// All questions that are kept, newest first, without results.
#[utoipa::path(get, path = "/api/v1/what-if", tag = "centre", responses((status = 200, body = WhatIfs)))]
pub(super) async fn get_what_ifs(State(api): State<Api>) -> Json<WhatIfs> {
    let all = api.0.what_ifs.all();
    Json(WhatIfs { what_ifs: all.iter().map(|entry| WhatIf { result: None, ..view(entry) }).collect() })
}

/// One question: how far it is, and its result once it is done.
#[utoipa::path(get, path = "/api/v1/what-if/{id}", tag = "centre",
    params(("id" = String, Path, description = "The question's id")),
    responses(
        (status = 200, body = WhatIf),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get_what_if(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<WhatIf>, Problem> {
    find(&api, number(&id)?).map(Json)
}

/// Who takes a question back.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Cancelling {
    /// Who, for the audit, where nobody signs in.
    who: Option<String>,
}

/// Takes a question back. One that is over stays as it is.
#[utoipa::path(delete, path = "/api/v1/what-if/{id}", tag = "centre",
    params(("id" = String, Path, description = "The question's id"), Cancelling),
    responses(
        (status = 200, description = "It is over now", body = WhatIf),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn delete_what_if(
    State(api): State<Api>,
    Path(id): Path<String>,
    caller: Caller,
    Query(cancelling): Query<Cancelling>,
) -> Result<Json<WhatIf>, Problem> {
    let id = number(&id)?;
    api.permit(&caller, Role::Operate, Place::Nowhere, "an end to a what-if")?;
    let who = caller.signature(Some(cancelling.who.as_deref().unwrap_or("somebody without a name")))?;
    find(&api, id)?;
    api.ask(|reply| Ask::CancelWhatIf(id, who, reply)).await?;
    find(&api, id).map(Json)
}

fn number(id: &str) -> Result<Uuid, Problem> {
    id.parse().map_err(|_| Problem::not_found(format!("there is no what-if {id:?}")))
}

fn find(api: &Api, id: Uuid) -> Result<WhatIf, Problem> {
    let entry = api.0.what_ifs.get(id);
    entry.map(|e| view(&e)).ok_or_else(|| Problem::not_found(format!("there is no what-if {id}")))
}

/// What a request asks, or what is wrong with it.
fn asked(api: &Api, who: String, request: &WhatIfRequest) -> Result<Asked, Problem> {
    let reason = signed("reason", &request.reason)?;
    let minutes = request.minutes.unwrap_or(MINUTES);
    let horizon_s = minutes.saturating_mul(60);
    if !HORIZON_S.contains(&horizon_s) {
        let (least, most) = (HORIZON_S.start() / 60, HORIZON_S.end() / 60);
        return Err(Problem::invalid(format!("minutes is {minutes}; one can look {least} to {most} ahead")));
    }
    let seeds = request.seeds.unwrap_or(SEEDS_BY_DEFAULT);
    if !SEEDS.contains(&seeds) {
        let (least, most) = (SEEDS.start(), SEEDS.end());
        return Err(Problem::invalid(format!("seeds is {seeds}; it may be {least} to {most}")));
    }
    if request.changes.is_empty() {
        return Err(Problem::invalid("changes is empty: nothing is to be tried"));
    }
    let mut taken = BTreeSet::new();
    let mut trial = Vec::new();
    for change in &request.changes {
        let junctions = junctions(api, change)?;
        if let Some(twice) = junctions.iter().find(|ix| !taken.insert(**ix)) {
            let id = &api.0.city.junctions[twice.ix()].id;
            return Err(Problem::invalid(format!("junction {id} is changed twice")));
        }
        let control = control(api, change, &junctions)?;
        let id = |ix: &JunctionIx| api.0.city.junctions[ix.ix()].id.as_str().to_owned();
        trial.push(Change { junctions: junctions.iter().map(id).collect(), control });
    }
    let at = api.0.clock.now();
    Ok(Asked { id: Uuid::now_v7(), at, who, reason, horizon_s, seeds, trial })
}

fn junctions(api: &Api, change: &WhatIfChange) -> Result<Vec<JunctionIx>, Problem> {
    match (&change.junctions[..], &change.district) {
        ([], Some(district)) => {
            let of_it =
                |ix: &&JunctionIx| api.0.city.junctions[ix.ix()].district == DistrictId::new(district);
            let mut all: Vec<JunctionIx> = api.0.ids.values().filter(of_it).copied().collect();
            all.sort_unstable();
            match all.is_empty() {
                true => Err(Problem::invalid(format!("there is no district {district:?}"))),
                false => Ok(all),
            }
        }
        ([], None) | ([_, ..], Some(_)) => {
            Err(Problem::invalid("give either junctions or a district in each change"))
        }
        (ids, None) => {
            let known = |id: &String| {
                api.0
                    .ids
                    .get(id)
                    .copied()
                    .ok_or_else(|| Problem::invalid(format!("there is no junction {id:?}")))
            };
            ids.iter().map(known).collect()
        }
    }
}

fn control(api: &Api, change: &WhatIfChange, junctions: &[JunctionIx]) -> Result<Control, Problem> {
    match (&change.kind, &change.plan) {
        (Some(kind), None) => {
            named_kind(kind).map(|kind| Control::Kind(on_the_wire(kind))).ok_or_else(|| {
                let names: Vec<_> = crate::decide::Kind::ALL.iter().map(|k| k.as_str()).collect();
                Problem::invalid(format!(
                    "there is no kind of control {kind:?}; there are {}",
                    names.join(", ")
                ))
            })
        }
        (None, Some(plan)) => {
            let plan = plan_of(plan)?;
            for ix in junctions {
                let junction = &api.0.city.junctions[ix.ix()];
                // By the rules that hold for any plan.
                if let Some(fault) = junction.plan_faults(&plan).into_iter().next() {
                    let detail = format!("junction {}: {fault}", junction.id);
                    return Err(Problem::new(Code::Unsafe, StatusCode::UNPROCESSABLE_ENTITY, detail));
                }
            }
            let steps = plan.steps.iter().map(|s| (s.stage.0, s.split.0)).collect();
            Ok(Control::Plan(wire::what_if::Plan { offset: plan.offset.0, steps }))
        }
        _ => Err(Problem::invalid("give either a kind or a plan in each change")),
    }
}

pub(super) fn plan_of(plan: &WhatIfPlan) -> Result<Plan, Problem> {
    if plan.steps.len() > MOST_STEPS {
        return Err(Problem::invalid(format!("a plan may have {MOST_STEPS} steps")));
    }
    let plausible = |s: &f64| (0.0..=3600.0).contains(s);
    let splits = plan.steps.iter().map(|(_, split)| split);
    if !splits.chain([&plan.cycle_s, &plan.offset_s]).all(plausible) {
        return Err(Problem::invalid("cycle, offset and splits are seconds, 0 to 3600"));
    }
    let step = |(stage, split): &(u16, f64)| PlanStep {
        stage: StageNumber(*stage),
        split: Tenths::from_seconds_f64(*split),
    };
    let steps: Vec<PlanStep> = plan.steps.iter().map(step).collect();
    let offset = Tenths::from_seconds_f64(plan.offset_s);
    let made = Plan { number: PlanNumber(1), name: Default::default(), offset, steps };
    let cycle = made.cycle();
    if cycle != Tenths::from_seconds_f64(plan.cycle_s) {
        return Err(Problem::invalid(format!(
            "cycle_s is {}, but the splits add up to {cycle} s",
            plan.cycle_s
        )));
    }
    if offset >= cycle && cycle > Tenths::ZERO {
        return Err(Problem::invalid(format!(
            "offset_s is {offset}, which is not within the cycle of {cycle} s"
        )));
    }
    Ok(made)
}

fn view(entry: &Entry) -> WhatIf {
    let asked = &entry.asked;
    let (state, done, before) = match &entry.stand {
        Stand::Waiting(before) => ("waiting", 0.0, *before),
        Stand::Running(done) => ("running", f64::from(*done), None),
        Stand::Done(_) => ("done", 1.0, None),
        Stand::Failed(..) => ("failed", 0.0, None),
    };
    let (failure, detail) = match &entry.stand {
        Stand::Failed(word, detail) => (Some((*word).to_owned()), detail.clone()),
        _ => (None, String::new()),
    };
    let result = match &entry.stand {
        Stand::Done(outcome) => Some(WhatIfResult {
            assumptions: WhatIfAssumptions {
                vehicles_known: outcome.assumptions.known,
                vehicles_assumed: outcome.assumptions.assumed,
                vehicles_to_come: outcome.assumptions.to_come,
                turns_measured: outcome.assumptions.turns_measured,
                turns_assumed: outcome.assumptions.turns_assumed,
            },
            measures: outcome.measures.iter().map(measure).collect(),
            junctions: outcome
                .junctions
                .iter()
                .map(|j| WhatIfJunction { junction: j.junction.clone(), delay: measure(&j.delay) })
                .collect(),
        }),
        _ => None,
    };
    WhatIf {
        id: asked.id.to_string(),
        state: state.to_owned(),
        done,
        before,
        failure,
        detail,
        simulator: entry.by.clone(),
        asked_at: asked.at.0,
        minutes: asked.horizon_s / 60,
        seeds: asked.seeds,
        who: asked.who.clone(),
        reason: asked.reason.clone(),
        junctions: asked.trial.iter().flat_map(|change| change.junctions.clone()).collect(),
        result,
    }
}

pub(super) fn measure(measured: &Measured) -> WhatIfMeasure {
    use wire::what_if::Measure;
    let spread = |s: &Spread| WhatIfSpread {
        mean: hundredth(s.mean),
        sd: hundredth(s.sd),
        low: hundredth(s.mean - s.half),
        high: hundredth(s.mean + s.half),
    };
    WhatIfMeasure {
        measure: match measured.measure {
            Measure::DelayS => "delay_s",
            Measure::TravelTimeS => "travel_time_s",
            Measure::Stops => "stops",
            Measure::Arrived => "arrived",
            Measure::LongestQueue => "longest_queue",
            Measure::LeftAtEnd => "left_at_end",
            Measure::WaitingAtEdges => "waiting_at_edges",
        }
        .to_owned(),
        base: spread(&measured.base),
        trial: spread(&measured.trial),
        difference: spread(&measured.difference),
        verdict: match measured.verdict {
            Verdict::Better => "better",
            Verdict::Worse => "worse",
            Verdict::NoDifferenceShown => "no difference shown",
        }
        .to_owned(),
    }
}

fn hundredth(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
