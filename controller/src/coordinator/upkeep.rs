//! What messages change in our picture of the street. Field data is weather: what does not fit is counted and
//! left out, and the rest is used.

use super::{Action, ChannelLive, Coordinator, HISTORY_S, Shown};
use crate::dispatch::is_final;
use model::{
    detection::DetectorKind,
    ids::{GroupNumber, JunctionIx, LinkIx, StageNumber},
    signal::{Lamp, rules::GroupState},
    time::{Moment, Tenths},
};
use std::time::Duration;
use wire::{
    message::{Alarms, Counts, Events, Groups, Presence, PresenceState, code, group_ages},
    result::{CommandResult, Reason, ResultState},
};

/// Clocks of cabinets may be off by this much; what claims to be later is not believed, s.
pub(super) const CLOCK_SLACK_S: u64 = 3;
/// Two readings of one lamp change may differ by this much (polling and rounding), ms.
const AGE_JITTER_MS: i64 = 600;
/// Alarms of one junction that are remembered: many times what a cabinet can have.
const MOST_ALARMS: usize = 256;
/// Cover is counted in tenths and windows are cut by polls, so a full window may read as a little more than all.
pub(crate) const OCCUPANCY_SLACK: f32 = 1.25;
/// Nearer to the line, somebody waits there, 0.1 m.
const AT_LINE_DM: i16 = 150;
/// Of less room than this ahead, whoever stands cannot be expected to go.
const FULL_AHEAD: f64 = 0.3;
/// An age that a 16-bit register cannot exceed: it says "at least".
const AGE_FULL: Tenths = Tenths(u16::MAX as u32);

/// Whether somebody stands there and could go: at the line, where the channel says how far from it.
fn waits(channel: &ChannelLive) -> bool {
    match channel.sightings.iter().find(|s| s.distance_dm >= 0) {
        Some(first) => first.distance_dm < AT_LINE_DM,
        None => channel.last.vehicles.or(channel.last.queue).map_or(channel.last.occupied, |n| n > 0),
    }
}

impl Coordinator {
    pub(super) fn take_presence(&mut self, ix: JunctionIx, presence: Presence, actions: &mut Vec<Action>) {
        let id = &self.city.junctions[ix.ix()].id;
        let live = &mut self.live[ix.ix()];
        let same_boot = live.presence.as_ref().is_some_and(|p| p.boot_id == presence.boot_id);
        let was_online = live.presence.as_ref().is_some_and(|p| p.state == PresenceState::Online);
        let online = presence.state == PresenceState::Online;
        let mismatch = online && presence.config_hash != self.sites[ix.ix()].config_hash;
        if mismatch && !(same_boot && was_online) {
            actions.push(Action::Audit(format!(
                "junction {id}: the cabinet has configuration {:08x}, we have {:08x}; it is not commanded",
                presence.config_hash,
                self.sites[ix.ix()].config_hash
            )));
        }
        if !same_boot {
            // Its tick counts from zero again, and what it holds for us is gone.
            live.seen_at = None;
            live.device_wanted = None;
        }
        if !same_boot || !online {
            self.dispatch.forget(ix);
        }
        live.presence = Some(presence);
        if mismatch {
            self.reject("presence.config_mismatch");
        }
    }

    pub(super) fn take_groups(&mut self, now: Moment, ix: JunctionIx, at: Moment, groups: &Groups) {
        let junction = &self.city.junctions[ix.ix()];
        if groups.signalgroupstatus.chars().count() != junction.groups.len() {
            return self.reject("groups.count");
        }
        if groups.ages.len() != junction.groups.len() {
            return self.reject("groups.ages");
        }
        let stage_known = |s: u16| s == 0 || junction.stage(StageNumber(s)).is_some();
        if !stage_known(groups.stage) || !stage_known(groups.wanted) {
            return self.reject("groups.stage");
        }
        if at > now + Duration::from_secs(CLOCK_SLACK_S) {
            return self.reject("groups.from_the_future");
        }
        let live = &mut self.live[ix.ix()];
        if live.seen_at.is_some_and(|seen| at < seen) {
            return self.reject("groups.out_of_order");
        }
        let first = live.groups.is_empty();
        let mut changed: Vec<(Moment, u16, Shown)> = Vec::new();
        let mut states = Vec::with_capacity(junction.groups.len());
        for ((number, lamp, age), i) in group_ages(groups).zip(0..) {
            let mut since = Moment(at.0 - i64::from(age.0) * 100);
            match live.groups.get(i) {
                // The same showing: ages are rounded, and the later beginning is the safer one.
                Some(old) if old.lamp == lamp && (since.0 - old.since.0).abs() <= AGE_JITTER_MS => {
                    since = since.max(old.since);
                }
                Some(old) if old.lamp == lamp && (since < old.since || age >= AGE_FULL) => since = old.since,
                // Also under the same lamp: a beginning that jumped forward is a change that we missed.
                _ => changed.push((since, number.0, Shown::Lamp(lamp))),
            }
            states.push(GroupState { lamp, since });
        }
        live.groups = states;
        let stage = (groups.stage != 0).then_some(StageNumber(groups.stage));
        let newest = live.groups.iter().map(|g| g.since).max().unwrap_or(at).min(at);
        if stage != live.stage || groups.interstage != live.interstage || first {
            if let (Some(running), Some(since), false) = (live.stage, live.stage_since, live.interstage) {
                // The green of a stage ended: how long it was tells what the next ones may be.
                let lasted = Tenths::from(at.since(since));
                self.memories[ix.ix()].green_lasted(running, lasted);
            }
            if let Some(stage) = stage.filter(|_| stage != live.stage) {
                changed.push((if groups.interstage { at } else { newest }, 0, Shown::Stage(stage)));
            }
            live.stage_since = Some(if groups.interstage { at } else { newest });
        }
        live.stage = stage;
        live.interstage = groups.interstage;
        live.device_wanted = (groups.wanted != 0).then_some(StageNumber(groups.wanted));
        live.cycle = Some((groups.cyclecounter, groups.basecyclecounter));
        live.ref_tick = groups.ref_tick;
        live.seen_at = Some(at);
        changed.sort_by_key(|c| (c.0, c.1));
        live.history.extend(changed);
        let from = now - Duration::from_secs(HISTORY_S);
        while live.history.front().is_some_and(|h| h.0 < from) {
            live.history.pop_front();
        }
        // A green answers the calls of its group.
        for detector in &junction.detectors {
            if green(&live.groups, &detector.groups)
                && let Some(channel) = live.detectors.get_mut(&detector.channel)
            {
                channel.call = false;
            }
        }
    }

    pub(super) fn take_counts(&mut self, now: Moment, ix: JunctionIx, at: Moment, counts: &Counts) {
        if at > now + Duration::from_secs(CLOCK_SLACK_S) {
            return self.reject("counts.from_the_future");
        }
        let city = self.city.clone();
        let junction = &city.junctions[ix.ix()];
        let stage = self.live[ix.ix()].stage.and_then(|s| junction.stage(s));
        for channel in &counts.channels {
            let (number, mut reading) = channel.reading();
            let Some(place) = self.sites[ix.ix()].place(number) else {
                self.reject("counts.channel");
                continue;
            };
            let detector = &junction.detectors[place];
            let share = (0.0..=OCCUPANCY_SLACK).contains(&reading.occupancy);
            reading.occupancy = reading.occupancy.min(1.0);
            if !share || reading.speed_mps.is_some_and(|v| !(0.0..=100.0).contains(&v)) {
                self.reject("counts.value");
                continue;
            }
            let Some(sightings) = channel.sightings() else {
                self.reject("counts.sightings");
                continue;
            };
            let live = &mut self.live[ix.ix()];
            let served = green(&live.groups, &detector.groups);
            let yields = |g: &GroupNumber| stage.is_some_and(|s| s.permissive.contains(g));
            let freely = served && !detector.groups.iter().any(yields);
            let slot: &mut ChannelLive = live.detectors.entry(number).or_default();
            if slot.at.is_some_and(|before| at <= before) {
                self.reject("counts.out_of_order");
                continue;
            }
            let touched = match detector.kind {
                DetectorKind::Area => reading.vehicles.or(reading.queue).unwrap_or(0) > 0,
                _ => reading.occupied || reading.count > 0,
            };
            let stirred = reading.count > 0 || reading != slot.last || sightings != slot.sightings;
            if stirred {
                slot.stirred = Some(at);
            }
            slot.last = reading;
            slot.sightings = sightings;
            slot.at = Some(at);
            slot.minute.push_back((at, reading.count, reading.occupancy));
            let from = at - Duration::from_secs(60);
            while slot.minute.front().is_some_and(|m| m.0 <= from) {
                slot.minute.pop_front();
            }
            if touched && !reading.fault {
                slot.last_actuated = Some(at);
                slot.call |= !served;
            }
            if detector.kind != DetectorKind::PushButton {
                let partner = self.sites[ix.ix()].partner[place].map(|p| junction.detectors[p].channel);
                let partner = partner.and_then(|p| live.detectors.get(&p)).filter(|p| !p.implausible);
                let denied = partner.is_some_and(|p| !waits(p));
                let slot = live.detectors.get_mut(&number).expect("just written");
                let health = &mut self.health[ix.ix()];
                let full =
                    |link: &LinkIx| self.estimate.free_room(*link).is_some_and(|room| room < FULL_AHEAD);
                let jammed = self.sites[ix.ix()].ahead[place].iter().any(full);
                if freely && !jammed && !stirred && waits(slot) {
                    health[place].stays(denied);
                }
                let lanes = self.sites[ix.ix()].led_to[place];
                slot.implausible = health[place].judge(slot, lanes, stirred, jammed);
                let passed = health[place].passed(slot);
                for fellow in &self.sites[ix.ix()].fellows[place] {
                    health[fellow.place].fellow_saw(passed.map(|vehicles| vehicles * fellow.share));
                }
            }
        }
    }

    /// Hi-res events are for the store; of them deciding needs only calls of people on foot, which a batch of
    /// counts may carry a second later.
    pub(super) fn take_hi_res(&mut self, ix: JunctionIx, events: &Events) {
        for event in &events.events {
            if event.code != code::PED_CALL {
                continue;
            }
            let group = GroupNumber(event.param);
            let junction = &self.city.junctions[ix.ix()];
            let live = &mut self.live[ix.ix()];
            let buttons = junction
                .detectors
                .iter()
                .filter(|d| d.kind == DetectorKind::PushButton && d.groups.contains(&group));
            for button in buttons {
                let served = green(&live.groups, &[group]);
                let channel = live.detectors.entry(button.channel).or_default();
                channel.call |= !served;
                channel.last_actuated = channel.last_actuated.max(Some(event.t));
            }
        }
    }

    pub(super) fn take_alarms(&mut self, ix: JunctionIx, code: String, alarms: Alarms) {
        let open = &mut self.live[ix.ix()].alarms;
        let mut too_many = false;
        if alarms.full {
            open.retain(|(other, _), _| *other != code);
        }
        for alarm in alarms.alarms {
            let key = (code.clone(), alarm.component.clone());
            if !alarm.active {
                open.remove(&key);
            } else if open.len() < MOST_ALARMS || open.contains_key(&key) {
                open.insert(key, alarm);
            } else {
                too_many = true;
            }
        }
        if too_many {
            self.reject("alarm.too_many");
        }
    }

    pub(super) fn take_result(
        &mut self,
        now: Moment,
        ix: JunctionIx,
        result: CommandResult,
        actions: &mut Vec<Action>,
    ) {
        if result.state == ResultState::Received {
            self.dispatch.received(now, result.cmd_id);
        }
        let live = &mut self.live[ix.ix()];
        let Some((command, last)) = live.last_command.as_mut().filter(|(c, _)| c.cmd_id == result.cmd_id)
        else {
            return;
        };
        if last.as_ref().is_some_and(|l| is_final(l.state)) {
            return;
        }
        self.dispatch.answered(ix, command, &result);
        *last = Some(result.clone());
        let body = command.body.clone();
        self.order_answered(ix, &body, &result, actions);
        let live = &mut self.live[ix.ix()];
        if result.state != ResultState::Rejected {
            live.refused = live.refused.filter(|_| result.state != ResultState::Applied);
            return;
        }
        match result.reason {
            // The street moved while the command was under way: nobody's fault, and the next tick asks again.
            Some(Reason::Unsafe | Reason::StaleTick) | None => (),
            Some(reason) => {
                let id = &self.city.junctions[ix.ix()].id;
                // It is asked again each few seconds; the audit says once what stands in the way.
                if live.refused.replace(reason) != Some(reason) {
                    actions.push(Action::Audit(format!(
                        "junction {id}: refuses what it is asked for ({body:?}): {} {}",
                        reason_key(reason),
                        result.detail
                    )));
                }
                self.reject(&format!("command.{}", reason_key(reason)));
                if reason == Reason::StaleEpoch {
                    let id = &self.city.junctions[ix.ix()].id;
                    actions.push(Action::Audit(format!(
                        "junction {id}: another centre commands it; we are silent"
                    )));
                }
            }
        }
    }

    /// What a tick must do for a junction's memory, ready or not.
    pub(super) fn remember(&mut self, now: Moment, ix: JunctionIx) {
        let i = ix.ix();
        let (junction, site, live) = (&self.city.junctions[i], &self.sites[i], &self.live[i]);
        let memory = &mut self.memories[i];
        memory.tick(now, junction, site, live);
        self.rates[i].tick(junction, live);
        if junction.plans.is_empty() {
            self.volumes[i].tick(now, junction, live);
            memory.design(now, junction, site, &self.volumes[i]);
        }
    }
}

/// Whether any of the groups may go now.
fn green(shown: &[GroupState], groups: &[GroupNumber]) -> bool {
    groups.iter().any(|g| {
        usize::from(g.0).checked_sub(1).and_then(|i| shown.get(i)).is_some_and(|s| s.lamp == Lamp::Green)
    })
}

fn reason_key(reason: Reason) -> &'static str {
    match reason {
        Reason::StaleEpoch => "stale_epoch",
        Reason::StaleSeq => "stale_seq",
        Reason::ForeignBoot => "foreign_boot",
        Reason::ConfigMismatch => "config_mismatch",
        Reason::StaleTick => "stale_tick",
        Reason::BadLease => "bad_lease",
        Reason::Unsafe => "unsafe",
        Reason::DeviceUnavailable => "device_unavailable",
        Reason::ReadBackFailed => "read_back_failed",
        Reason::Unsupported => "unsupported",
        Reason::Unsynchronised => "unsynchronised",
        Reason::Malformed => "malformed",
    }
}
