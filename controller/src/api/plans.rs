//! Plans over HTTP: each junction's library, how a plan fits, and drafts from the first try to the roll-back.

use super::{
    Api,
    access::Caller,
    control::signed,
    junction::plan_view,
    problem::{Body, Code, Path},
    view::{
        CabinetCopy, DraftAct, DraftLine, DraftRequest, DraftView, DraftsView, HoursView, Name, PlanCheck,
        PlansView, Problem, ScheduleView, StepCheck, TriedView, WhatIfPlan,
    },
    what_if::plan_of,
};
use crate::{
    access::{Place, Role},
    centre::Ask,
    drafts::{Act, Content, Draft, Hours, Line, MOST_HOURS, Refused, State as Stand, Tried, Who},
    what_if::Stand as Answered,
};
use axum::{Json, extract::State, http::StatusCode};
use model::{
    ids::{JunctionIx, PlanNumber},
    signal::{Plan, interstage::Interstage},
};
use std::time::Duration;
use uuid::Uuid;
use wire::what_if::Control;

/// How long a canary may run, min.
const CANARY_MIN: std::ops::RangeInclusive<u32> = 5..=120;

/// A junction's library: plans, schedule, the cabinet's own copy, drafts.
#[utoipa::path(get, path = "/api/v1/junctions/{id}/plans", tag = "plans",
    params(("id" = String, Path, description = "The TLC's id")),
    responses(
        (status = 200, body = PlansView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get_plans(
    State(api): State<Api>,
    Path(id): Path<String>,
    caller: Caller,
) -> Result<Json<PlansView>, Problem> {
    let ix = api.junction(&id)?;
    let junction = &api.0.city.junctions[ix.ix()];
    let picture = api.ask(|reply| Ask::Look(ix, reply)).await?;
    let ours = junction.config_hash();
    let theirs = picture.live.presence.as_ref().map(|p| p.config_hash);
    let reported = picture.live.mode.as_ref().map(|m| m.plan).filter(|plan| *plan != 0);
    let drafts = api.0.drafts.look(|drafts| {
        let of_it = |d: &&Draft| d.junction == id && d.state != Stand::Withdrawn;
        let views = drafts.all().filter(of_it).map(|d| view(&api, &caller, d));
        views.collect::<Vec<_>>()
    });
    let drafts = drafts.unwrap_or_default();
    Ok(Json(PlansView {
        name: Name::of(&junction.name),
        district: junction.district.as_str().to_owned(),
        plans: junction.plans.iter().map(plan_view).collect(),
        schedule: (junction.schedule.iter())
            .map(|e| ScheduleView { days: e.days, from_minute: e.from_minute, plan: e.plan.0 })
            .collect(),
        holidays: api.0.holidays.iter().map(ToString::to_string).collect(),
        cabinet: CabinetCopy {
            state: match theirs {
                Some(theirs) if theirs == ours => "same",
                Some(_) => "differs",
                None => "unknown",
            }
            .to_owned(),
            ours,
            theirs,
            runs: reported,
        },
        stages: junction.stages.iter().map(|s| s.number.0).collect(),
        draft: picture.live.drafted.as_ref().map(|d| d.number),
        drafts,
        junction: id,
    }))
}

/// How a plan fits a junction, step by step. Nothing is kept.
#[utoipa::path(post, path = "/api/v1/junctions/{id}/plans/check", tag = "plans",
    params(("id" = String, Path, description = "The TLC's id")),
    request_body = WhatIfPlan,
    responses(
        (status = 200, body = PlanCheck),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "No plan at all", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn post_check(
    State(api): State<Api>,
    Path(id): Path<String>,
    Body(request): Body<WhatIfPlan>,
) -> Result<Json<PlanCheck>, Problem> {
    let ix = api.junction(&id)?;
    Ok(Json(check(&api, ix, &plan_of(&request)?)))
}

/// Drafts that are not given up, newest first.
#[utoipa::path(get, path = "/api/v1/drafts", tag = "plans", responses(
    (status = 200, body = DraftsView),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn get_drafts(State(api): State<Api>, caller: Caller) -> Result<Json<DraftsView>, Problem> {
    let drafts = api.0.drafts.look(|drafts| {
        let open = drafts.all().filter(|d| d.state != Stand::Withdrawn);
        open.map(|d| DraftView { lines: Vec::new(), ..view(&api, &caller, d) }).collect()
    });
    Ok(Json(DraftsView { drafts: drafts.ok_or_else(not_yet)? }))
}

/// One draft with its history.
#[utoipa::path(get, path = "/api/v1/drafts/{number}", tag = "plans",
    params(("number" = u64, Path, description = "The draft's number")),
    responses(
        (status = 200, body = DraftView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get_draft(
    State(api): State<Api>,
    Path(number): Path<u64>,
    caller: Caller,
) -> Result<Json<DraftView>, Problem> {
    let found = api.0.drafts.look(|drafts| drafts.get(number).map(|d| view(&api, &caller, d)));
    found.ok_or_else(not_yet)?.map(Json).ok_or_else(|| unknown(number))
}

/// A new draft. Nothing runs by it yet.
#[utoipa::path(post, path = "/api/v1/junctions/{id}/drafts", tag = "plans",
    params(("id" = String, Path, description = "The TLC's id")),
    request_body = DraftRequest,
    responses(
        (status = 201, body = DraftView),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong, or not safe", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn post_drafts(
    State(api): State<Api>,
    Path(id): Path<String>,
    caller: Caller,
    Body(request): Body<DraftRequest>,
) -> Result<(StatusCode, Json<DraftView>), Problem> {
    let junction = &api.0.city.junctions[api.junction(&id)?.ix()];
    api.permit(&caller, Role::Operate, Place::District(&junction.district), "a draft of a plan")?;
    let name = caller.signature(request.who.as_deref())?;
    let who = Who { key: caller.login().unwrap_or(&name), name: &name };
    let content = content(&request)?;
    let entry = format!("of plan {} by {name} ({})", content.plan.number, content.reason);
    let now = api.0.clock.now();
    let made = api.0.drafts.change(now, |drafts| drafts.make(now, junction, who, content));
    let number = made.ok_or_else(not_yet)?.map_err(|why| refused(0, why))?;
    api.note(format!("junction {id}: draft {number} {entry}"));
    Ok((StatusCode::CREATED, get_draft(State(api), Path(number), caller).await?))
}

/// Changes a draft, tries it, asks a second person, approves it, runs it, takes it back.
#[utoipa::path(post, path = "/api/v1/drafts/{number}", tag = "plans",
    params(("number" = u64, Path, description = "The draft's number")),
    request_body = DraftAct,
    responses(
        (status = 200, body = DraftView),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Whoever asks may not, or wrote it", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong, not safe, or it is not so far", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn post_draft(
    State(api): State<Api>,
    Path(number): Path<u64>,
    caller: Caller,
    Body(request): Body<DraftAct>,
) -> Result<Json<DraftView>, Problem> {
    let draft = api.0.drafts.look(|drafts| drafts.get(number).cloned());
    let draft = draft.ok_or_else(not_yet)?.ok_or_else(|| unknown(number))?;
    let junction = &api.0.city.junctions[api.junction(&draft.junction)?.ix()];
    let role = if request.approve || request.refuse.is_some() { Role::Manage } else { Role::Operate };
    let place = Place::District(&junction.district);
    api.permit(&caller, role, place, &format!("an act on draft {number}"))?;
    let name = caller.signature(request.who.as_deref())?;
    let who = Who { key: caller.login().unwrap_or(&name), name: &name };
    let (act, words) = act(&api, &draft, &request)?;
    let now = api.0.clock.now();
    let done =
        api.0.drafts.change(now, |drafts| drafts.act(now, number, junction, who, act).map(|()| number));
    done.ok_or_else(not_yet)?.map_err(|why| refused(number, why))?;
    api.note(format!("junction {}: draft {number} {words} by {name}", draft.junction));
    get_draft(State(api), Path(number), caller).await
}

/// What a request asks for, and the same in words for the audit.
fn act(api: &Api, draft: &Draft, request: &DraftAct) -> Result<(Act, String), Problem> {
    let given = usize::from(request.edit.is_some())
        + usize::from(request.tried.is_some())
        + usize::from(request.propose)
        + usize::from(request.approve)
        + usize::from(request.refuse.is_some())
        + usize::from(request.canary_min.is_some())
        + usize::from(request.roll_out)
        + usize::from(request.roll_back.is_some())
        + usize::from(request.withdraw.is_some());
    if given != 1 {
        return Err(Problem::invalid("give exactly one act"));
    }
    if let Some(edit) = &request.edit {
        let content = content(edit)?;
        let words = format!("edited ({})", content.reason);
        return Ok((Act::Edit(content), words));
    }
    if let Some(id) = &request.tried {
        let tried = tried(api, draft, id)?;
        let words = format!("tried ({})", tried.verdict);
        return Ok((Act::Try(tried), words));
    }
    if let Some(minutes) = request.canary_min {
        if !CANARY_MIN.contains(&minutes) {
            let (least, most) = (CANARY_MIN.start(), CANARY_MIN.end());
            return Err(Problem::invalid(format!("canary_min is {minutes}; it may be {least} to {most}")));
        }
        let length = Duration::from_secs(60 * u64::from(minutes));
        return Ok((Act::Canary(length), format!("run as a canary for {minutes} min")));
    }
    let with =
        |text: &str, reason: &str| signed("reason", reason).map(|r| (r.clone(), format!("{text} ({r})")));
    if let Some(reason) = &request.refuse {
        return with("refused", reason).map(|(reason, words)| (Act::Refuse(reason), words));
    }
    if let Some(reason) = &request.roll_back {
        return with("rolled back", reason).map(|(reason, words)| (Act::RollBack(reason), words));
    }
    if let Some(reason) = &request.withdraw {
        return with("withdrawn", reason).map(|(reason, words)| (Act::Withdraw(reason), words));
    }
    Ok(match (request.propose, request.approve) {
        (true, _) => (Act::Propose, "proposed".to_owned()),
        (_, true) => (Act::Approve, "approved".to_owned()),
        _ => (Act::RollOut, "rolled out".to_owned()),
    })
}

/// What a what-if said of a draft, if it was asked about just that.
fn tried(api: &Api, draft: &Draft, id: &str) -> Result<Tried, Problem> {
    let entry = id.parse::<Uuid>().ok().and_then(|id| api.0.what_ifs.get(id));
    let entry = entry.ok_or_else(|| Problem::not_found(format!("there is no what-if {id:?}")))?;
    let plan = &draft.content.plan;
    let steps = plan.steps.iter().map(|s| (s.stage.0, s.split.0)).collect();
    let wanted = Control::Plan(wire::what_if::Plan { offset: plan.offset.0, steps });
    let same = match &entry.asked.trial[..] {
        [one] => one.junctions == [draft.junction.clone()] && one.control == wanted,
        _ => false,
    };
    if !same {
        return Err(Problem::invalid(format!("what-if {id} did not try this draft as it is now")));
    }
    let Answered::Done(outcome) = &entry.stand else {
        return Err(Problem::invalid(format!("what-if {id} is not done")));
    };
    let delay = outcome.junctions.first().map(|j| &j.delay);
    let delay = delay.ok_or_else(|| Problem::invalid(format!("what-if {id} saw nobody at the junction")))?;
    let said = super::what_if::measure(delay);
    Ok(Tried {
        what_if: id.to_owned(),
        at: entry.asked.at,
        minutes: entry.asked.horizon_s / 60,
        delay_s: (said.base.mean, said.trial.mean),
        difference_s: (said.difference.low, said.difference.high),
        verdict: said.verdict,
    })
}

fn content(request: &DraftRequest) -> Result<Content, Problem> {
    let reason = signed("reason", &request.reason)?;
    if request.hours.len() > MOST_HOURS {
        return Err(Problem::invalid(format!("a draft may have {MOST_HOURS} times of the day")));
    }
    let hours = request.hours.iter().map(|h| Hours {
        days: h.days,
        from_minute: h.from_minute,
        until_minute: h.until_minute,
    });
    let plan = Plan { number: PlanNumber(request.base), ..plan_of(&request.plan)? };
    Ok(Content { plan, hours: hours.collect(), reason })
}

fn check(api: &Api, ix: JunctionIx, plan: &Plan) -> PlanCheck {
    let junction = &api.0.city.junctions[ix.ix()];
    let faults = junction.plan_faults(plan);
    let known = plan.steps.iter().all(|s| junction.stage(s.stage).is_some());
    let n = plan.steps.len();
    let step = |i: usize| {
        let way = Interstage::between(junction, plan.steps[(i + n - 1) % n].stage, plan.steps[i].stage);
        let shortest = junction.shortest_split(plan, i);
        StepCheck {
            interstage_s: way.duration.as_seconds(),
            min_green_s: shortest.saturating_sub(way.duration).as_seconds(),
            shortest_s: shortest.as_seconds(),
            fits: plan.steps[i].split >= shortest,
        }
    };
    PlanCheck {
        cycle_s: plan.cycle().as_seconds(),
        steps: if known { (0..n).map(step).collect() } else { Vec::new() },
        faults,
    }
}

fn unknown(number: u64) -> Problem {
    Problem::not_found(format!("there is no draft {number}"))
}

fn not_yet() -> Problem {
    Problem::unavailable("the store has not said yet what drafts there were")
}

fn refused(number: u64, why: Refused) -> Problem {
    let forbidden = |detail: &str| Problem::new(Code::Forbidden, StatusCode::FORBIDDEN, detail);
    match why {
        Refused::Unknown => unknown(number),
        Refused::Full => Problem::unavailable("too many drafts are open"),
        Refused::State => Problem::invalid(format!("draft {number} is not in a state for that")),
        Refused::Same => forbidden("a draft needs a second person; you have changed this one yourself"),
        Refused::NoCanary => Problem::invalid(format!("draft {number} has to run as a canary first")),
        Refused::Busy(other) => {
            Problem::invalid(format!("draft {other} runs at this junction; roll it back first"))
        }
        Refused::Unsafe(why) => Problem::new(Code::Unsafe, StatusCode::UNPROCESSABLE_ENTITY, why),
    }
}

fn view(api: &Api, caller: &Caller, draft: &Draft) -> DraftView {
    let junction = api.junction(&draft.junction).ok().map(|ix| &api.0.city.junctions[ix.ix()]);
    let until = match draft.state {
        Stand::Canary(until) => Some(until.0),
        _ => None,
    };
    let line =
        |l: &Line| DraftLine { at: l.at.0, who: l.who.clone(), what: l.what.clone(), text: l.text.clone() };
    let hours =
        |h: &Hours| HoursView { days: h.days, from_minute: h.from_minute, until_minute: h.until_minute };
    DraftView {
        number: draft.number,
        junction: draft.junction.clone(),
        name: junction.map(|j| Name::of(&j.name)).unwrap_or_default(),
        district: junction.map_or_else(String::new, |j| j.district.as_str().to_owned()),
        state: match draft.state {
            Stand::Draft => "draft",
            Stand::Proposed => "proposed",
            Stand::Approved => "approved",
            Stand::Canary(_) => "canary",
            Stand::RolledOut => "rolled_out",
            Stand::Withdrawn => "withdrawn",
        }
        .to_owned(),
        until,
        canaried: draft.canaried,
        plan: plan_view(&draft.content.plan),
        hours: draft.content.hours.iter().map(hours).collect(),
        reason: draft.content.reason.clone(),
        author: draft.author_name.clone(),
        mine: caller.login() == Some(draft.author.as_str()),
        approved_by: draft.approved_by.clone(),
        tried: draft.tried.as_ref().map(|t| TriedView {
            what_if: t.what_if.clone(),
            at: t.at.0,
            minutes: t.minutes,
            before_s: t.delay_s.0,
            after_s: t.delay_s.1,
            difference_s: t.difference_s,
            verdict: t.verdict.clone(),
        }),
        lines: draft.lines.iter().map(line).collect(),
    }
}
