//! One junction in the API's words: its state in lists, its detail, its decisions and commands.

use super::view::{
    AlternativeView, ChangeView, CommandView, DecisionView, DetectorView, ForecastView, GroupView,
    JunctionDetail, JunctionState, JunctionSummary, LampChange, Name, PlanView, StageView,
};
use crate::{
    coordinator::{Change, ChannelLive, Expected, Live, Order, OrderInForce, OrderKind, Shown, wanted_rung},
    decide::{Decision, Kind},
    dispatch::EXPIRES_S,
    picture::{CONTACT, JunctionPicture, LATE},
};
use model::{
    city::City,
    detection::{Detector, DetectorKind},
    ids::{JunctionIx, LaneIx},
    signal::{GroupKind, Junction, Lamp, Plan},
    time::Moment,
};
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};
use wire::{
    command::{Body, Command},
    message::{PresenceState, Rung},
    result::{CommandResult, ResultState},
};

/// What [`JunctionState::actual`] says of a junction that is not heard.
pub(crate) const NO_CONTACT: &str = "no_contact";
/// A stage that was asked for less than this ago need not be there yet.
const ON_THE_WAY: Duration = Duration::from_secs(5);
/// A reading older than this says nothing about now.
const READING_FRESH: Duration = Duration::from_secs(10);
/// How far back the bars go.
const BARS: Duration = Duration::from_secs(60);
/// The window of the counts beside a detector.
const MINUTE: Duration = Duration::from_secs(60);

/// How a junction is.
pub(crate) fn state(
    city: &City,
    ix: JunctionIx,
    live: &Live,
    now: Moment,
    alarm: Option<u8>,
) -> JunctionState {
    let junction = &city.junctions[ix.ix()];
    let online = in_contact(live, now);
    let wanted = wanted_rung(live);
    let rung = live.mode.as_ref().map(|m| m.rung).filter(|_| online);
    let controlled = rung.is_some_and(|r| !matches!(r, Rung::Flashing | Rung::Dark));
    let decided = live.decision.as_ref().is_some_and(|d| now.since(d.at) < ON_THE_WAY);
    let there =
        live.wanted.is_none() || live.stage == live.wanted || live.device_wanted == live.wanted || decided;
    JunctionState {
        id: junction.id.as_str().to_owned(),
        kind: live.kind.as_str().to_owned(),
        wanted: rung_name(wanted).to_owned(),
        // Lamps without a mode come from a cabinet whose first `tlc.mode` is still on its way.
        actual: rung.map_or(NO_CONTACT, rung_name).to_owned(),
        rung_reason: live.mode.as_ref().map(|m| m.reason.clone()).unwrap_or_default(),
        stage_wanted: live.wanted.map(|s| s.0),
        stage: live.stage.map(|s| s.0).filter(|_| controlled),
        interstage: live.interstage && controlled,
        plan: plan_in_use(junction, live).filter(|_| controlled),
        seen_at: live.seen_at.map(|at| at.0),
        late: live.seen_at.is_none_or(|at| now.since(at) > LATE),
        matches: rung == Some(wanted) && (wanted != Rung::Adaptive || there),
        draft: live.drafted.as_ref().filter(|_| live.by_draft).map(|d| d.number),
        hold: live.order_in_force().is_some_and(|o| matches!(o.order.what, OrderKind::Hold(_))),
        alarm,
    }
}

/// A plan, as the API shows it.
pub(super) fn plan_view(plan: &Plan) -> PlanView {
    PlanView {
        number: plan.number.0,
        name: Name::of(&plan.name),
        cycle_s: plan.cycle().as_seconds(),
        offset_s: plan.offset.as_seconds(),
        steps: plan.steps.iter().map(|s| (s.stage.0, s.split.as_seconds())).collect(),
    }
}

/// Whether the newest state is fresh and the agent has not said goodbye.
fn in_contact(live: &Live, now: Moment) -> bool {
    let said_goodbye = live.presence.as_ref().is_some_and(|p| p.state != PresenceState::Online);
    !said_goodbye && live.seen_at.is_some_and(|at| now.since(at) <= CONTACT)
}

/// The plan that runs: the cabinet's own below the top rung, and ours where a plan decides.
fn plan_in_use(junction: &Junction, live: &Live) -> Option<u16> {
    let mode = live.mode.as_ref()?;
    let reported = (mode.plan != 0).then_some(mode.plan);
    match (mode.rung, live.kind) {
        (Rung::Adaptive, Kind::Fixed) => match &live.drafted {
            Some(drafted) if live.by_draft => Some(drafted.plan.number.0),
            _ => junction.plans.first().map(|p| p.number.0),
        },
        (Rung::Adaptive, Kind::Schedule) | (Rung::Coordinated | Rung::Fixed, _) => reported,
        _ => None,
    }
}

pub(crate) fn summary(city: &City, ix: JunctionIx, state: JunctionState) -> JunctionSummary {
    let junction = &city.junctions[ix.ix()];
    JunctionSummary {
        id: junction.id.as_str().to_owned(),
        name: Name::of(&junction.name),
        district: junction.district.as_str().to_owned(),
        at: junction.at.into(),
        state,
    }
}

/// Everything but the drawing. `lane` finds a lane in the drawing.
pub(crate) fn detail(
    city: &City,
    p: &JunctionPicture,
    lane: impl Fn(LaneIx) -> Option<usize>,
) -> JunctionDetail {
    let (junction, live) = (&city.junctions[p.ix.ix()], &p.live);
    let shown = |i: usize| live.groups.get(i);
    let groups = junction.groups.iter().enumerate().map(|(i, g)| GroupView {
        number: g.number.0,
        kind: group_kind(g.kind).to_owned(),
        name: Name::of(&g.name),
        lamp: shown(i).map(|s| lamp_name(s.lamp).to_owned()),
        since: shown(i).map(|s| s.since.0),
        min_green_s: g.min_green.as_seconds(),
        flashing_green_s: g.flashing_green.as_seconds(),
        amber_s: g.amber.as_seconds(),
        next_change: p.next_changes.get(i).copied().flatten().map(change),
    });
    let stages = junction.stages.iter().map(|s| StageView {
        number: s.number.0,
        green: s.green.iter().map(|g| g.0).collect(),
        permissive: s.permissive.iter().map(|g| g.0).collect(),
    });
    JunctionDetail {
        summary: summary(city, p.ix, p.state.clone()),
        now: p.now.0,
        groups: groups.collect(),
        stages: stages.collect(),
        intergreens: junction.intergreens.iter().map(|(a, b, t)| (a.0, b.0, t.as_seconds())).collect(),
        plans: junction.plans.iter().map(plan_view).collect(),
        cycle_s: live.cycle.map(|(own, _)| f64::from(own)),
        base_cycle_s: live.cycle.map(|(_, base)| f64::from(base)),
        detectors: junction.detectors.iter().map(|d| detector(d, live, p.now, &lane)).collect(),
        drawing: None,
        decision: live.decision.as_ref().map(|d| decision(city, d, p.decisions_before)),
        history: history(live, p.now),
        forecast: p.forecast.iter().map(expected).collect(),
        commands: commands(city, p.ix, live, p.now),
        alarms: p.alarms.clone(),
        stopped: live.stopped.iter().map(|code| code.as_str().to_owned()).collect(),
    }
}

fn detector(d: &Detector, live: &Live, now: Moment, lane: impl Fn(LaneIx) -> Option<usize>) -> DetectorView {
    let channel = live.detectors.get(&d.channel);
    let fresh = channel.filter(|c| c.at.is_some_and(|at| now.since(at) <= READING_FRESH));
    let minute = |c: &ChannelLive| -> Vec<(u16, f32)> {
        c.minute.iter().filter(|(at, ..)| now.since(*at) < MINUTE).map(|&(_, n, o)| (n, o)).collect()
    };
    let readings = fresh.map(minute).filter(|m| !m.is_empty());
    DetectorView {
        channel: d.channel.0,
        kind: snake(d.kind),
        groups: d.groups.iter().map(|g| g.0).collect(),
        lane: d.lane.and_then(lane),
        distance_m: d.distance_m,
        state: match fresh {
            None => "unknown",
            Some(c) if c.last.fault || c.implausible => "fault",
            Some(c) if c.last.occupied => "occupied",
            Some(c) if c.call => "call",
            Some(_) => "free",
        }
        .to_owned(),
        count_1m: readings
            .as_ref()
            .filter(|_| d.kind != DetectorKind::PushButton)
            .map(|m| m.iter().map(|r| u32::from(r.0)).sum()),
        occupancy_1m: readings.as_ref().map(|m| {
            let mean = m.iter().map(|r| f64::from(r.1)).sum::<f64>() / m.len() as f64;
            (mean * 1000.0).round() / 1000.0
        }),
        queue: fresh.and_then(|c| c.last.queue),
        vehicles: fresh.and_then(|c| c.last.vehicles),
        seen_at: channel.and_then(|c| c.at).map(|at| at.0),
    }
}

fn change(c: Change) -> ChangeView {
    ChangeView { at: c.at.0, earliest: c.earliest.0, latest: c.latest.0 }
}

fn expected(e: &Expected) -> ForecastView {
    ForecastView { stage: e.stage.0, begins: change(e.begins), ends: change(e.ends) }
}

/// What the bars show: changes of the last [`BARS`], and before them the one that each bar begins with.
fn history(live: &Live, now: Moment) -> Vec<LampChange> {
    let (old, new): (Vec<&(Moment, u16, Shown)>, Vec<_>) =
        live.history.iter().partition(|(at, ..)| now.since(*at) > BARS);
    let begins: BTreeMap<u16, &(Moment, u16, Shown)> =
        old.into_iter().map(|change| (change.1, change)).collect();
    let told = begins.values().copied().chain(new).map(|(at, group, shown)| LampChange {
        at: at.0,
        group: *group,
        lamp: match shown {
            Shown::Lamp(lamp) => lamp_name(*lamp).to_owned(),
            Shown::Stage(stage) => stage.to_string(),
        },
    });
    let mut told: Vec<_> = told.collect();
    // What has not changed for as long as history is kept is known from the lamps themselves.
    for (group, shown) in (1..).zip(&live.groups) {
        if !told.iter().any(|change| change.group == group) {
            told.push(LampChange { at: shown.since.0, group, lamp: lamp_name(shown.lamp).to_owned() });
        }
    }
    if let (Some(stage), Some(since), false) =
        (live.stage, live.stage_since, told.iter().any(|c| c.group == 0))
    {
        told.push(LampChange { at: since.0, group: 0, lamp: stage.to_string() });
    }
    told.sort_by_key(|change| change.at);
    told
}

/// A decision, numbered as in the store.
pub(crate) fn decision(city: &City, d: &Decision, decisions_before: u64) -> DecisionView {
    let alternatives = d.alternatives.iter().map(|a| AlternativeView {
        stage: a.stage.0,
        chosen: a.stage == d.stage,
        score: a.score,
        unit: snake(a.unit),
        refused: a.refused.clone().unwrap_or_default(),
    });
    DecisionView {
        number: decisions_before + d.number,
        junction: city.junctions[d.junction.ix()].id.as_str().to_owned(),
        at: d.at.0,
        kind: d.kind.as_str().to_owned(),
        stage: d.stage.0,
        before: d.before.map_or(0, |s| s.0),
        reason: snake(d.reason),
        facts: d.facts.clone(),
        alternatives: alternatives.collect(),
        limits: d.limits.iter().map(snake).collect(),
    }
}

/// Orders in force or refused, and the centre's own lease; newest first.
fn commands(city: &City, ix: JunctionIx, live: &Live, now: Moment) -> Vec<CommandView> {
    let junction = &city.junctions[ix.ix()];
    let mut commands: Vec<CommandView> = live.orders.iter().map(|o| order(junction.id.as_str(), o)).collect();
    let lease =
        live.last_command.as_ref().and_then(|(c, result)| lease(junction, live, c, result.as_ref(), now));
    commands.extend(lease);
    commands.sort_by_key(|c| std::cmp::Reverse(c.since));
    commands
}

/// An order, as shown under one junction, or under none when it is for the whole city.
pub(crate) fn order(junction: &str, o: &OrderInForce) -> CommandView {
    let (what, value) = describe(&o.order);
    CommandView {
        id: o.order.id.to_string(),
        junction: junction.to_owned(),
        what: what.to_owned(),
        value,
        who: o.order.who.clone(),
        reason: o.order.reason.clone(),
        since: o.since.0,
        until: o.order.until.0,
        state: o.state.to_owned(),
        detail: o.detail.clone(),
    }
}

fn describe(order: &Order) -> (&'static str, String) {
    match order.what {
        OrderKind::Kind(kind) => ("kind", kind.as_str().to_owned()),
        OrderKind::Hold(stage) => ("hold", stage.to_string()),
        OrderKind::Plan(plan) => ("plan", plan.to_string()),
        OrderKind::Flash => ("flash", String::new()),
        OrderKind::Default => ("kind", "default".to_owned()),
    }
}

fn lease(
    junction: &Junction,
    live: &Live,
    command: &Command,
    result: Option<&CommandResult>,
    now: Moment,
) -> Option<CommandView> {
    let since = command.expires_at - Duration::from_secs(EXPIRES_S);
    let until = since + Duration::from_secs(u64::from(command.lease_s));
    if until < now {
        return None;
    }
    let value = match &command.body {
        Body::Stage(stage) => stage.to_string(),
        Body::Plan(plan) => plan.to_string(),
        Body::Mode(rung) => rung_name(*rung).to_owned(),
        Body::Lease => live.wanted.map(|s| s.to_string()).unwrap_or_default(),
    };
    let late = result.is_none() && now > command.expires_at;
    Some(CommandView {
        id: command.cmd_id.to_string(),
        junction: junction.id.as_str().to_owned(),
        what: "lease".to_owned(),
        value,
        who: "centre".to_owned(),
        reason: live.decision.as_ref().map(|d| snake(d.reason)).unwrap_or_default(),
        since: since.0,
        until: until.0,
        state: match result.map(|r| r.state) {
            None if late => "expired",
            None => "sent",
            Some(ResultState::Received) => "sent",
            Some(ResultState::Accepted) => "accepted",
            Some(ResultState::Applied) => "applied",
            Some(ResultState::Rejected) => "rejected",
            Some(ResultState::Expired) => "expired",
        }
        .to_owned(),
        detail: match result {
            Some(CommandResult { reason: Some(reason), detail, .. }) if detail.is_empty() => snake(reason),
            Some(CommandResult { reason: Some(reason), detail, .. }) => {
                format!("{}: {detail}", snake(reason))
            }
            Some(result) => result.detail.clone(),
            None => String::new(),
        },
    })
}

/// A rung as the API calls it.
pub(crate) fn rung_name(rung: Rung) -> &'static str {
    match rung {
        Rung::Adaptive => "adaptive",
        Rung::Coordinated => "coordinated",
        Rung::LocalActuated => "local_actuated",
        Rung::Fixed => "fixed",
        Rung::Flashing => "flashing",
        Rung::Dark => "dark",
    }
}

fn lamp_name(lamp: Lamp) -> &'static str {
    match lamp {
        Lamp::Red => "red",
        Lamp::RedAmber => "red_amber",
        Lamp::Green => "green",
        Lamp::FlashingGreen => "flashing_green",
        Lamp::Amber => "amber",
        Lamp::FlashingAmber => "flashing_amber",
        Lamp::Dark => "dark",
    }
}

fn group_kind(kind: GroupKind) -> &'static str {
    match kind {
        GroupKind::Vehicles => "vehicles",
        GroupKind::Pedestrians => "pedestrians",
        GroupKind::Trams => "trams",
        GroupKind::Cyclists => "cyclists",
    }
}

/// The serialised name of a variant without fields: these enums are `snake_case` in files already.
pub(crate) fn snake(variant: impl Serialize) -> String {
    match serde_json::to_value(variant) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}
