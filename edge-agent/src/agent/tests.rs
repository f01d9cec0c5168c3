use super::{fixture::*, *};
use crate::device::{ChannelReport, DetectorReport, DeviceAlarm, DeviceEvent};
use model::{
    ids::StageNumber,
    signal::{
        Lamp,
        rules::{GroupState, may_request},
    },
    time::Tenths,
};
use proptest::prelude::*;
use wire::command::{LONGEST_LEASE_S, REF_TICK_LIMIT_MS};

fn seconds(s: u64) -> Duration {
    Duration::from_secs(s)
}

/// What a refused command must leave as it was.
fn state(bench: &Bench) -> impl PartialEq + std::fmt::Debug + use<> {
    let a = &bench.agent;
    (a.lease, a.applied, a.pending.clone(), a.why, bench.settings, bench.writes.clone())
}

/// A junction that the centre holds in stage 1 gets one more command, made wrong by `spoil`: the answer is as
/// expected, nothing changes, and the next good command is obeyed.
#[track_caller]
fn check(expected: &str, spoil: impl FnOnce(&mut Bench, &mut Command)) {
    let mut bench = Bench::new();
    bench.apply(Body::Stage(1));
    let mut command = bench.command(Body::Stage(2));
    spoil(&mut bench, &mut command);
    let before = state(&bench);
    assert_eq!(answers(&bench.send(&command)), expected);
    assert_eq!(state(&bench), before, "a refused command changes nothing");
}

#[test]
fn a_good_command_is_obeyed() {
    let mut bench = Bench::new();
    let command = bench.command(Body::Stage(2));
    assert_eq!(answers(&bench.send(&command)), "received, accepted, applied");
    assert_eq!(bench.writes, [Settings { stage: 2, countdown_s: 15, ..Settings::default() }]);
}

#[test]
fn every_rule_refuses() {
    check("received, rejected StaleEpoch", |_, c| c.epoch = 2);
    check("received, rejected StaleSeq", |_, c| c.seq = 1);
    check("received, rejected StaleSeq", |_, c| c.seq = 0);
    check("received, rejected ForeignBoot", |_, c| c.boot_id = Uuid::from_u128(8));
    check("received, rejected ConfigMismatch", |_, c| c.config_hash ^= 1);
    check("received, rejected StaleTick", |_, c| c.ref_tick -= REF_TICK_LIMIT_MS + 1);
    check("received, rejected StaleTick", |_, c| c.ref_tick += 1);
    check("received, rejected StaleTick", |_, c| c.ref_tick = u64::MAX);
    check("received, expired", |b, c| c.expires_at = b.now);
    check("received, expired", |_, c| c.expires_at = Moment(0));
    check("received, rejected BadLease", |_, c| c.lease_s = 0);
    check("received, rejected BadLease", |_, c| c.lease_s = LONGEST_LEASE_S + 1);
    check("received, rejected Unsafe", |_, c| c.body = Body::Stage(4));
    check("received, rejected Unsupported", |_, c| c.body = Body::Plan(9));
    check("received, rejected Unsupported", |_, c| c.body = Body::Plan(0));
    check("received, rejected Unsupported", |_, c| c.body = Body::Mode(Rung::Adaptive));
    check("received, rejected Unsupported", |_, c| c.body = Body::Mode(Rung::Dark));
}

#[test]
fn the_edges_of_the_rules_are_inside() {
    let accepted = |change: fn(&Bench, &mut Command)| {
        let mut bench = Bench::new();
        let mut command = bench.command(Body::Stage(2));
        change(&bench, &mut command);
        assert_eq!(answers(&bench.send(&command)), "received, accepted, applied", "{command:?}");
    };
    accepted(|_, c| c.ref_tick -= REF_TICK_LIMIT_MS);
    accepted(|b, c| c.expires_at = Moment(b.now.0 + 1));
    accepted(|_, c| c.lease_s = 1);
    accepted(|_, c| c.lease_s = LONGEST_LEASE_S);
    accepted(|_, c| c.seq = u64::MAX);
    accepted(|_, c| c.epoch = 3);
}

/// Rules that depend on the device: `prepare` changes what it shows before the next poll.
#[track_caller]
fn check_device(expected: &str, body: Body, prepare: impl FnOnce(&mut Bench)) {
    let mut bench = Bench::new();
    prepare(&mut bench);
    bench.poll();
    let command = bench.command(body);
    let before = state(&bench);
    assert_eq!(answers(&bench.send(&command)), expected);
    assert_eq!(state(&bench), before, "a refused command changes nothing");
}

#[test]
fn the_guard_and_the_device_refuse() {
    let young = |b: &mut Bench| b.report.groups[0].1 = Tenths::seconds(2);
    check_device("received, rejected Unsafe", Body::Stage(2), young);
    check_device("received, rejected Unsafe", Body::Stage(2), |b| b.report.groups[0].0 = Lamp::Amber);
    check_device("received, rejected Unsafe", Body::Stage(2), |b| b.report.groups[1].0 = Lamp::RedAmber);
    check_device("received, rejected Unsafe", Body::Stage(2), |b| b.report.groups[2].0 = Lamp::FlashingGreen);
    let flashing = |b: &mut Bench| b.report.groups.iter_mut().for_each(|g| g.0 = Lamp::FlashingAmber);
    check_device("received, rejected Unsafe", Body::Stage(1), flashing);
    check_device("received, rejected DeviceUnavailable", Body::Stage(2), |b| {
        b.report.mode = DeviceMode::Dark
    });
    check_device("received, rejected DeviceUnavailable", Body::Plan(2), |b| {
        b.report.mode = DeviceMode::Manual
    });
    check_device("received, rejected ConfigMismatch", Body::Stage(1), |b| b.report.config_hash ^= 1);
    check_device("received, rejected BadLease", Body::Lease, |_| {});
    let groups = |b: &mut Bench| b.report.groups.truncate(2);
    check_device("received, rejected DeviceUnavailable", Body::Stage(1), groups);
}

#[test]
fn nobody_is_obeyed_over_a_silent_device() {
    let mut bench = Bench::new();
    bench.now = bench.now + guard::FRESH + Duration::from_millis(1);
    let command = bench.command(Body::Stage(1));
    assert_eq!(answers(&bench.send(&command)), "received, rejected DeviceUnavailable");
    // A heartbeat that stands still is silence too, whatever else the device says.
    let mut bench = Bench::new();
    for _ in 0..5 {
        bench.report.heartbeat = bench.report.heartbeat.wrapping_sub(1);
        bench.poll();
    }
    let command = bench.command(Body::Stage(1));
    assert_eq!(answers(&bench.send(&command)), "received, rejected DeviceUnavailable");
}

#[test]
fn unreadable_commands_are_counted_and_named() {
    let mut bench = Bench::new();
    let command = bench.command(Body::Stage(2));
    let mut check = |name: &str, change: fn(&mut Arrived)| {
        let mut arrived = arrived(&command);
        change(&mut arrived);
        assert_eq!(bench.feed(Event::Command(arrived)), [], "{name}");
        assert_eq!(bench.agent.counts().get(name), Some(&1), "{name}");
        assert_eq!(bench.writes, []);
    };
    check("mqtt.malformed.tlc.stage.request", |a| a.payload = Bytes::from_static(b"hello"));
    check("mqtt.retained.tlc.stage.request", |a| a.retain = true);
    check("mqtt.malformed.tlc.stage.request.response_topic", |a| a.response_topic = None);
    // A command must not make us speak where it likes.
    check("mqtt.malformed.tlc.plan.set.response_topic", |a| {
        a.code = CommandCode::Plan;
        a.response_topic = Some("mow/cao/other/command/tlc.plan.set".into());
    });
    // Readable, but on another command's topic.
    let mut wrong = arrived(&command);
    wrong.code = CommandCode::Lease;
    wrong.response_topic = Some("mow/centre/c1/result/tlc.lease".into());
    assert_eq!(answers(&bench.feed(Event::Command(wrong))), "received, rejected Malformed");
}

#[test]
fn a_repeated_command_gets_its_answer_and_no_second_effect() {
    let mut bench = Bench::new();
    let command = bench.command(Body::Stage(2));
    bench.send(&command);
    let mut refused = bench.command(Body::Stage(9));
    assert_eq!(answers(&bench.send(&refused)), "received, rejected Unsafe");
    assert_eq!(bench.writes.len(), 1);
    for _ in 0..3 {
        assert_eq!(answers(&bench.send(&command)), "applied");
        assert_eq!(answers(&bench.send(&refused)), "rejected Unsafe");
        bench.poll();
    }
    // The id decides, not what else the message says.
    refused.body = Body::Stage(1);
    refused.seq += 10;
    assert_eq!(answers(&bench.send(&refused)), "rejected Unsafe");
    assert_eq!(bench.writes.len(), 1);
}

#[test]
fn a_new_epoch_begins_its_own_numbers_and_outlives_the_agent() {
    let mut bench = Bench::new();
    let mut command = bench.command(Body::Stage(1));
    (command.epoch, command.seq) = (5, 0);
    let remembered = |actions: &[Action]| actions.contains(&Action::RememberEpoch(5));
    let actions = bench.send(&command);
    assert_eq!(answers(&actions), "received, accepted, applied");
    assert!(remembered(&actions));
    let mut old = bench.command(Body::Stage(1));
    old.seq = 1000;
    assert_eq!(answers(&bench.send(&old)), "received, rejected StaleEpoch");
    let mut next = bench.command(Body::Stage(1));
    (next.epoch, next.seq) = (5, 1);
    let actions = bench.send(&next);
    assert_eq!(answers(&actions), "received, accepted, applied");
    assert!(!remembered(&actions), "once is enough");
    // After a restart with the epoch remembered the deposed centre still has no say.
    let mut restarted = Bench::with_epoch(5);
    let old = restarted.command(Body::Stage(1));
    assert_eq!(answers(&restarted.send(&old)), "received, rejected StaleEpoch");
}

/// `rung reason` of every `tlc.mode` among some actions.
fn modes(actions: &[Action]) -> Vec<String> {
    let modes = actions.iter().filter_map(|a| match a {
        Action::Publish(Publication::Mode(entry)) => Some(&entry.values),
        _ => None,
    });
    let mut words: Vec<_> = modes.map(|m| format!("{:?}: {}", m.rung, m.reason)).collect();
    words.dedup();
    words
}

#[test]
fn a_lapsed_lease_leads_to_the_local_plan_and_back() {
    let mut bench = Bench::new();
    bench.apply(Body::Stage(1));
    let lapses = bench.now + seconds(15);
    assert_eq!(modes(&bench.run(seconds(10))), ["Adaptive: lease held"]);
    bench.writes.clear();
    while bench.writes.is_empty() {
        bench.poll();
        assert!(bench.now <= lapses + seconds(2), "the local plan runs within lease + 2 s");
    }
    assert!(bench.now >= lapses, "and not before");
    assert_eq!(bench.writes, [Settings::default()]);
    assert_eq!(modes(&bench.run(seconds(5))), ["Coordinated: lease lapsed"]);
    bench.apply(Body::Stage(1));
    assert_eq!(modes(&bench.run(seconds(5))), ["Adaptive: lease held"]);
}

#[test]
fn a_lease_is_prolonged_by_word_and_by_stage() {
    let mut bench = Bench::new();
    bench.apply(Body::Stage(1));
    for body in [Body::Lease, Body::Stage(1), Body::Lease, Body::Lease] {
        bench.run(seconds(10));
        bench.apply(body);
    }
    assert_eq!(modes(&bench.run(seconds(14))), ["Adaptive: lease held"]);
    assert!(bench.writes.iter().all(|w| w.stage == 1 && w.countdown_s == 15), "{:?}", bench.writes);
    assert_eq!(modes(&bench.run(seconds(3))), ["Coordinated: lease lapsed"]);
}

#[test]
fn what_waits_for_its_turn_at_the_device_is_prolonged() {
    let mut bench = Bench::new();
    bench.apply(Body::Stage(1));
    // The device had already set out for stage 2 when it was asked for stage 1: it goes there first.
    (bench.report.stage, bench.report.interstage, bench.report.requested) = (2, true, 1);
    bench.report.groups.iter_mut().for_each(|g| g.0 = Lamp::Red);
    bench.report.groups[0].0 = Lamp::Amber;
    bench.run(seconds(2));
    bench.apply(Body::Lease);
    let anew = bench.command(Body::Stage(1));
    assert_eq!(answers(&bench.send(&anew)), "received, rejected Unsafe", "to ask anew is another matter");
    bench.report.requested = 2;
    bench.run(seconds(1));
    let lease = bench.command(Body::Lease);
    assert_eq!(
        answers(&bench.send(&lease)),
        "received, rejected Unsafe",
        "and so is what the device has dropped"
    );
}

#[test]
fn plans_and_modes_hold_while_their_lease_does() {
    let check = |body: Body, held: Settings| {
        let mut bench = Bench::new();
        bench.apply(body.clone());
        assert_eq!(bench.writes, [held]);
        bench.run(seconds(10));
        // The device has it already: a longer lease needs no second write.
        bench.apply(Body::Lease);
        bench.apply(body);
        bench.run(seconds(14));
        assert_eq!(bench.writes, [held]);
        bench.run(seconds(3));
        assert_eq!(bench.writes, [held, Settings::default()]);
    };
    check(Body::Plan(2), Settings { plan: 2, ..Settings::default() });
    check(Body::Mode(Rung::LocalActuated), Settings { local: LocalMode::Actuated, ..Settings::default() });
    check(Body::Mode(Rung::Fixed), Settings { local: LocalMode::Fixed, ..Settings::default() });
    check(Body::Mode(Rung::Flashing), Settings { local: LocalMode::Flashing, ..Settings::default() });
}

#[test]
fn a_write_that_is_not_read_back_is_refused_and_undone() {
    let mut bench = Bench::new();
    bench.apply(Body::Stage(1));
    bench.writes.clear();
    bench.write_fails = Some("no answer".into());
    let command = bench.command(Body::Stage(2));
    assert_eq!(answers(&bench.send(&command)), "received, accepted, rejected ReadBackFailed");
    assert_eq!(answers(&bench.send(&command)), "rejected ReadBackFailed");
    bench.run(seconds(2));
    assert!(bench.writes[1..].iter().all(|w| *w == Settings::default()), "{:?}", bench.writes);
    assert!(bench.writes.len() > 2, "it is tried again at every poll");
    bench.write_fails = None;
    let said = modes(&bench.run(seconds(5)));
    assert_eq!(said.last().map(String::as_str), Some("Coordinated: write failed"), "{said:?}");
    bench.apply(Body::Stage(1));
}

#[test]
fn something_else_read_back_is_not_applied() {
    let mut bench = Bench::new();
    let command = bench.command(Body::Stage(2));
    let actions = bench.agent.handle(bench.now, Event::Command(arrived(&command)));
    let Some(Action::Write { id, settings }) = actions.last() else { panic!("no write in {actions:?}") };
    let other = Settings { stage: 1, ..*settings };
    let actions = bench.agent.handle(bench.now, Event::Written { id: *id, outcome: Ok(other) });
    assert_eq!(answers(&actions), "rejected ReadBackFailed");
    // A late word about a write that nobody waits for changes nothing.
    assert_eq!(bench.agent.handle(bench.now, Event::Written { id: *id, outcome: Ok(*settings) }), []);
    assert!(bench.agent.lease.is_none());
}

#[test]
fn a_second_command_waits_for_no_write() {
    let mut bench = Bench::new();
    let (first, second) = (bench.command(Body::Stage(2)), bench.command(Body::Stage(1)));
    bench.agent.handle(bench.now, Event::Command(arrived(&first)));
    let actions = bench.agent.handle(bench.now, Event::Command(arrived(&second)));
    assert_eq!(answers(&actions), "received, rejected DeviceUnavailable");
}

#[test]
fn the_ladder_follows_what_the_cabinet_lacks() {
    let mut bench = Bench::new();
    let mut check = |alarms: &[DeviceAlarm], expected: LocalMode| {
        bench.report.alarms = alarms.to_vec();
        bench.run(seconds(12));
        assert_eq!(bench.settings.local, expected, "{alarms:?}");
    };
    check(&[DeviceAlarm::Clock], LocalMode::Actuated);
    check(&[DeviceAlarm::Clock, DeviceAlarm::Detector], LocalMode::Fixed);
    check(&[DeviceAlarm::Conflict], LocalMode::Flashing);
    check(&[], LocalMode::Coordinated);
}

#[test]
fn a_device_that_drops_its_request_is_noticed() {
    let mut bench = Bench::new();
    bench.apply(Body::Stage(1));
    bench.run(seconds(2));
    (bench.report.requested, bench.report.mode) = (0, DeviceMode::Coordinated);
    let said = modes(&bench.run(seconds(8)));
    assert_eq!(said.last().map(String::as_str), Some("Coordinated: device reverted"), "{said:?}");
    // One that starts anew has forgotten everything.
    let mut bench = Bench::new();
    bench.apply(Body::Stage(1));
    bench.run(seconds(2));
    bench.report = report();
    bench.report.tick = Tenths(1);
    let said = modes(&bench.run(seconds(3)));
    assert_eq!(said, ["Coordinated: device restarted"]);
}

#[test]
fn dark_and_manual_are_said_at_once_and_survived() {
    let mut bench = Bench::new();
    bench.apply(Body::Stage(1));
    bench.run(seconds(2));
    bench.report.mode = DeviceMode::Manual;
    assert_eq!(modes(&bench.poll()), ["Fixed: manual panel"]);
    bench.report.mode = DeviceMode::Dark;
    assert_eq!(modes(&bench.poll()), ["Dark: power lost"]);
    bench.report.mode = DeviceMode::Central;
    assert_eq!(modes(&bench.poll()), ["Adaptive: lease held"]);
}

fn alarms(actions: &[Action]) -> String {
    let words = actions.iter().filter_map(|a| match a {
        Action::Publish(Publication::Alarms { code, alarms }) if !alarms.full => {
            let list =
                alarms.alarms.iter().map(|a| format!("{}{}", if a.active { "+" } else { "-" }, a.component));
            Some(format!("{code} {}", list.collect::<Vec<_>>().join(" ")))
        }
        _ => None,
    });
    words.collect::<Vec<_>>().join(", ")
}

#[test]
fn alarms_are_raised_once_and_cleared() {
    let mut bench = Bench::new();
    bench.report.alarms = vec![DeviceAlarm::Lamp, DeviceAlarm::Door];
    bench.report.lamp_fault = 3;
    assert_eq!(alarms(&bench.run(seconds(5))), "tlc.door +, tlc.lamp +sg/3");
    bench.report.alarms = vec![DeviceAlarm::Door];
    assert_eq!(alarms(&bench.run(seconds(5))), "tlc.lamp -sg/3");
    let broken = |fault| {
        let channel = ChannelReport { fault, ..ChannelReport::default() };
        Some(DetectorReport { intervals: 1, channels: vec![ChannelReport::default(), channel] })
    };
    bench.report.detectors = broken(true);
    assert_eq!(alarms(&bench.poll()), "tlc.detector +dl/2");
    bench.report.detectors = None;
    assert_eq!(alarms(&bench.poll()), "", "a reading without detectors says nothing of them");
    bench.report.detectors = broken(false);
    assert_eq!(alarms(&bench.poll()), "tlc.detector -dl/2");
    // The device falls silent: that comes on top.
    let mut silence = Vec::new();
    for _ in 0..10 {
        bench.now = bench.now + seconds(1);
        silence.extend(bench.feed(Event::DeviceFailed("no answer".into())));
        silence.extend(bench.feed(Event::Tick));
    }
    assert_eq!(alarms(&silence), "tlc.comm.field +");
    assert!(
        !silence
            .iter()
            .any(|a| matches!(a, Action::Publish(Publication::Groups(e)) if e.ts > bench.now - seconds(7)))
    );
    assert_eq!(alarms(&bench.poll()), "tlc.comm.field -");
    bench.report.config_hash ^= 1;
    assert_eq!(alarms(&bench.poll()), "tlc.config +");
}

#[test]
fn lamps_that_do_what_they_must_not_raise_the_alarm() {
    let mut bench = Bench::new();
    bench.report.groups[1] = (Lamp::Green, Tenths(2));
    let actions = bench.poll();
    assert_eq!(alarms(&actions), "tlc.conflict +sg/1 +sg/2");
    assert!(bench.agent.counts()["device.violation"] >= 1);
    // After a gap nobody knows what happened in between, and nobody is accused.
    let mut bench = Bench::new();
    bench.now = bench.now + seconds(5);
    bench.report.tick += Tenths::seconds(5);
    bench.report.groups = [Lamp::Red, Lamp::Green, Lamp::Red].map(|l| (l, Tenths(1))).to_vec();
    assert_eq!(alarms(&bench.poll()), "");
}

#[test]
fn the_street_is_told_each_second_and_on_change() {
    let mut bench = Bench::new();
    let groups = |actions: &[Action]| {
        let all = actions.iter().filter_map(|a| match a {
            Action::Publish(Publication::Groups(entry)) => Some(entry.clone()),
            _ => None,
        });
        all.collect::<Vec<_>>()
    };
    let told = groups(&bench.run(seconds(10)));
    assert_eq!(told.len(), 10);
    assert!(told.windows(2).all(|w| w[1].seq == w[0].seq + 1 && w[1].ts.since(w[0].ts) == seconds(1)));
    let last = &told[9].values;
    assert_eq!((last.signalgroupstatus.as_str(), last.stage, last.ref_tick), ("3B3", 1, 19_500));
    bench.report.groups[0] = (Lamp::FlashingGreen, Tenths(0));
    bench.run(seconds(1));
    bench.report.groups[0] = (Lamp::Amber, Tenths(0));
    let told = groups(&bench.poll());
    assert_eq!(told.last().map(|e| e.values.signalgroupstatus.clone()), Some("NB3".into()));
}

#[test]
fn events_and_counts_keep_their_time_and_their_sum() {
    let mut bench = Bench::new();
    let tick = bench.report.tick;
    let began = bench.now;
    bench.report.events = vec![DeviceEvent { tick: tick + Tenths(2), code: 1, param: 2 }];
    let mut actions = bench.poll();
    bench.report.events.clear();
    let channel = |count, covered| ChannelReport { count, covered, ..ChannelReport::default() };
    for s in 0..5u16 {
        let first = channel(65_533u16.wrapping_add(2 * s), 65_530u16.wrapping_add(5 * s));
        let detectors =
            DetectorReport { intervals: 65_534u16.wrapping_add(s), channels: vec![first, channel(0, 0)] };
        bench.report.detectors = Some(detectors);
        actions.extend(bench.run(seconds(1)));
    }
    let mut events = Vec::new();
    let mut counts = Vec::new();
    for action in actions {
        match action {
            Action::Publish(Publication::Events(e, _)) => events.extend(e.values.events),
            Action::Publish(Publication::Counts(e)) => counts.push((e.seq, e.values)),
            _ => {}
        }
    }
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].t, events[0].code, events[0].param), (began + Tenths(2), 1, 2));
    assert_eq!(counts.len(), 4, "the first reading is where counting begins");
    for (i, (seq, counts)) in counts.iter().enumerate() {
        assert_eq!((*seq, counts.window_s), (i as u64, 1.0));
        let first = &counts.channels[0];
        assert_eq!((first.dl, first.vehicles_sum, first.occupancy_avg), (1, 2, 0.5));
    }
}

#[test]
fn a_node_that_comes_up_introduces_itself() {
    let mut bench = Bench::new();
    let mut actions = bench.feed(Event::Link(true));
    actions.extend(bench.poll());
    let has = |f: fn(&Publication) -> bool| actions.iter().any(|a| matches!(a, Action::Publish(p) if f(p)));
    assert!(has(
        |p| matches!(p, Publication::Presence(p) if p.state == PresenceState::Online && p.boot_id == BOOT)
    ));
    assert!(has(|p| matches!(p, Publication::Config(e) if e.values == junction())));
    assert!(has(|p| matches!(p, Publication::Mode(_))));
    let full = actions
        .iter()
        .filter(|a| matches!(a, Action::Publish(Publication::Alarms { alarms, .. }) if alarms.full));
    assert_eq!(full.count(), ALARM_CODES.len());
    let again = bench.run(seconds(301));
    let full = again
        .iter()
        .filter(|a| matches!(a, Action::Publish(Publication::Alarms { alarms, .. }) if alarms.full));
    assert_eq!(full.count(), ALARM_CODES.len(), "and again after five minutes");
}

#[test]
fn the_page_has_every_alarm_and_every_reason() {
    const PAGE: &str = include_str!("../../../docs/wire.md");
    for code in ALARM_CODES {
        assert!(PAGE.contains(&format!("| `{code}`")), "docs/wire.md does not have {code}");
    }
    for why in Why::ALL {
        assert!(PAGE.contains(&format!("`{why}`")), "docs/wire.md does not have {why}");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Lamps(Vec<(u8, u16)>, u16, u16, u8),
    Command { body: Body, epoch: u64, seq: i8, tick_back: i32, lease_s: u32, late: bool, repeat: bool },
    Fail,
    Wait(u16),
    Writes(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let body = prop_oneof![
        6 => (0u16..5).prop_map(Body::Stage),
        1 => (0u16..4).prop_map(Body::Plan),
        1 => prop::sample::select(vec![Rung::Fixed, Rung::Flashing, Rung::Adaptive, Rung::LocalActuated]).prop_map(Body::Mode),
        2 => Just(Body::Lease),
    ];
    let command = (body, 0u64..4, -1i8..3, -200i32..4000, 0u32..130, any::<bool>(), 0u8..8).prop_map(
        |(body, epoch, seq, tick_back, lease_s, late, repeat)| Step::Command {
            body,
            epoch,
            seq,
            tick_back,
            lease_s,
            late: late && repeat == 1,
            repeat: repeat == 0,
        },
    );
    let step = prop_oneof![
        3 => (prop::collection::vec((0u8..7, 0u16..120), 2..4), 0u16..4, 0u16..4, 0u8..7)
            .prop_map(|(g, s, r, m)| Step::Lamps(g, s, r, m)),
        4 => command,
        1 => Just(Step::Fail),
        2 => (0u16..3000).prop_map(Step::Wait),
        1 => (0u8..3).prop_map(Step::Writes),
    ];
    prop::collection::vec(step, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// Whatever arrives, in whatever order: no stage is written that the rules refuse on the last reading, but the one that the
    /// device runs or holds already; no two writes overlap, every lease ends, and nothing panics.
    #[test]
    fn no_unsafe_stage_is_ever_written(steps in steps()) {
        let junction = std::sync::Arc::new(junction());
        let config = AgentConfig {
            junction: junction.clone(), boot: BOOT, poll: Duration::from_millis(500), longest_countdown_s: 120, epoch: 0,
        };
        let mut agent = Agent::new(config, START);
        let (mut now, mut last, mut heartbeat): (_, Option<(Moment, DeviceReport)>, u16) = (START, None, 0);
        let (mut seq, mut writes) = (5i64, 0u8);
        let mut under_way: Option<(u64, Settings)> = None;
        let mut commands: Vec<Command> = Vec::new();
        for (n, step) in steps.into_iter().enumerate() {
            let events = match step {
                Step::Wait(ms) => { now = now + Duration::from_millis(ms.into()); vec![Event::Tick] }
                Step::Fail => vec![Event::DeviceFailed("x".into()), Event::Tick],
                Step::Writes(kind) => { writes = kind; vec![] }
                Step::Lamps(groups, stage, requested, mode) => {
                    heartbeat = heartbeat.wrapping_add(1);
                    let groups = groups.iter().map(|&(lamp, age)| (Lamp::ALL[lamp as usize], Tenths(age.into())));
                    let mode = [DeviceMode::Central, DeviceMode::Coordinated, DeviceMode::LocalActuated, DeviceMode::Fixed,
                                DeviceMode::Flashing, DeviceMode::Dark, DeviceMode::Manual][mode as usize];
                    let tick = Tenths(now.since(START).as_millis() as u32 / 100);
                    let report = DeviceReport { heartbeat, tick, groups: groups.collect(), stage, requested, mode, ..report() };
                    last = Some((now, report.clone()));
                    vec![Event::Report(report), Event::Tick]
                }
                Step::Command { body, epoch, seq: step, tick_back, lease_s, late, repeat } => {
                    seq = (seq + i64::from(step)).max(0);
                    let tick = now.since(START).as_millis() as i64;
                    let command = Command {
                        cmd_id: Uuid::from_u128(n as u128 + 1), epoch, seq: seq as u64, boot_id: BOOT,
                        config_hash: junction.config_hash(),
                        ref_tick: (tick - i64::from(tick_back)).max(0) as u64,
                        expires_at: if late { now } else { now + seconds(3) }, lease_s, body,
                    };
                    let command = match commands.first() { Some(old) if repeat => old.clone(), _ => command };
                    commands.push(command.clone());
                    vec![Event::Command(arrived(&command))]
                }
            };
            let mut queue: std::collections::VecDeque<Event> = events.into();
            while let Some(event) = queue.pop_front() {
                for action in agent.handle(now, event) {
                    let Action::Write { id, settings } = action else { continue };
                    prop_assert!(under_way.is_none(), "two writes at once");
                    under_way = Some((id, settings));
                    if settings.stage == 0 {
                        continue;
                    }
                    let (seen, report) = last.as_ref().expect("nothing is written before the first reading");
                    prop_assert!(now.since(*seen) <= guard::FRESH);
                    let shown: Vec<_> = report.groups.iter()
                        .map(|&(lamp, age)| GroupState { lamp, since: *seen - age.as_duration() }).collect();
                    let stage = StageNumber(settings.stage);
                    let verdict = may_request(&junction, &shown, stage, now);
                    prop_assert!(junction.stage(stage).is_some());
                    prop_assert!(!matches!(report.mode, DeviceMode::Dark | DeviceMode::Manual));
                    let there = [report.stage, report.requested].contains(&settings.stage);
                    prop_assert!(verdict.is_ok() || there, "{verdict:?} {report:?}");
                    prop_assert!((1..=120).contains(&settings.countdown_s));
                }
                if let Some((id, settings)) = under_way.filter(|_| writes < 2) {
                    under_way = None;
                    let outcome = if writes == 0 { Ok(settings) } else { Err("x".into()) };
                    queue.push_back(Event::Written { id, outcome });
                }
            }
        }
        // The centre falls silent: within the longest lease and two seconds nobody steers any more.
        if let Some((id, settings)) = under_way {
            agent.handle(now, Event::Written { id, outcome: Ok(settings) });
        }
        agent.handle(now + seconds(122), Event::Tick);
        prop_assert!(agent.lease.is_none());
    }
}
