//! The core against a small street: cabinets that do what they are asked when it is safe, and count what they
//! must not be asked.

use super::*;
use crate::decide::Reason;
use model::{
    detection::DetectorKind,
    ids::GroupNumber,
    signal::{
        Junction, Stage,
        interstage::Interstage,
        rules::{self, Violation, Watch},
    },
    time::Tenths,
};
use proptest::prelude::*;
use wire::{
    command::Body,
    message::{Alarm, Channel, letter},
    result::ResultState,
};

/// Four legs with one signal at `C`.
const CROSS: &str = "
                    N
                    |
                    |
                    |
W-------------------C-------------------E
                    |
                    |
                    |
                    S
";

const START: Moment = Moment(1_800_000_000_000);

/// A cabinet made of a few lines: it runs interstages, keeps a lease, and refuses what the rules refuse.
#[derive(Clone, Debug)]
struct Cabinet {
    junction: Junction,
    from: StageNumber,
    stage: StageNumber,
    /// When the interstage to `stage` began.
    asked: Moment,
    shown: Vec<GroupState>,
    wanted: Option<(StageNumber, Moment)>,
    rung: Rung,
    boot: Uuid,
    last: (u64, u64),
    watch: Watch,
    /// By head: vehicles that wait.
    queue: Vec<f64>,
    /// Channels that never feel anything, and do not say so.
    deaf: Vec<u16>,
    refused: usize,
}

impl Cabinet {
    fn new(junction: &Junction, now: Moment) -> Cabinet {
        let first = junction.stages[0].number;
        let lamp = |g: GroupNumber| if junction.stages[0].has(g) { Lamp::Green } else { Lamp::Red };
        let shown = junction.groups.iter().map(|g| GroupState { lamp: lamp(g.number), since: now }).collect();
        Cabinet {
            from: first,
            stage: first,
            asked: now,
            shown,
            wanted: None,
            rung: Rung::Fixed,
            boot: Uuid::from_u128(7),
            last: (0, 0),
            watch: Watch::new(junction, Tenths::ZERO),
            queue: vec![0.0; junction.heads.len()],
            deaf: Vec::new(),
            refused: 0,
            junction: junction.clone(),
        }
    }

    fn way(&self) -> Interstage {
        Interstage::between(&self.junction, self.from, self.stage)
    }

    fn interstage(&self, now: Moment) -> bool {
        self.from != self.stage && Tenths::from(now.since(self.asked)) < self.way().duration
    }

    /// Moves the lamps on; what they did wrong.
    fn run(&mut self, now: Moment) -> Vec<Violation> {
        if self.wanted.is_some_and(|(_, until)| until <= now) {
            self.wanted = None;
            self.rung = Rung::Fixed;
        }
        let (way, elapsed) = (self.way(), Tenths::from(now.since(self.asked)));
        for (i, shown) in self.shown.iter_mut().enumerate() {
            let number = GroupNumber(i as u16 + 1);
            let lamp = way.lamp(&self.junction, number, elapsed, way.duration).unwrap_or(shown.lamp);
            if lamp != shown.lamp {
                *shown = GroupState { lamp, since: now };
            }
        }
        let lamps: Vec<Lamp> = self.shown.iter().map(|s| s.lamp).collect();
        self.watch.observe(&self.junction, now, &lamps)
    }

    fn obey(&mut self, now: Moment, command: &Command) -> ResultState {
        assert!(command.epoch >= self.last.0, "epochs never go back");
        assert!(command.seq > self.last.1, "numbers grow");
        assert_eq!(command.boot_id, self.boot);
        assert_eq!(command.config_hash, self.junction.config_hash());
        assert!(command.expires_at > now && command.lease_s >= 1);
        self.last = (command.epoch, command.seq);
        let until = now + Duration::from_secs(command.lease_s.into());
        match command.body {
            Body::Stage(stage) => {
                let stage = StageNumber(stage);
                let running = stage == self.stage;
                if !running && rules::may_request(&self.junction, &self.shown, stage, now).is_err() {
                    self.refused += 1;
                    return ResultState::Rejected;
                }
                if !running {
                    (self.from, self.stage, self.asked) = (self.stage, stage, now);
                }
                self.wanted = Some((stage, until));
                self.rung = Rung::Adaptive;
            }
            Body::Lease => {
                if let Some(wanted) = &mut self.wanted {
                    wanted.1 = until;
                }
            }
            Body::Plan(_) => self.rung = Rung::Coordinated,
            Body::Mode(rung) => self.rung = rung,
        }
        ResultState::Applied
    }

    fn groups(&self, now: Moment) -> Groups {
        Groups {
            signalgroupstatus: self.shown.iter().map(|s| letter(s.lamp)).collect(),
            stage: self.stage.0,
            cyclecounter: 0,
            basecyclecounter: 0,
            ages: self.shown.iter().map(|s| Tenths::from(now.since(s.since)).0).collect(),
            interstage: self.interstage(now),
            wanted: self.wanted.map_or(0, |(s, _)| s.0),
            ref_tick: now.since(START).as_millis() as u64,
        }
    }

    /// A second of traffic: `per_hour` vehicles to each head, half of them gone each second of green.
    fn traffic(&mut self, per_hour: impl Fn(usize) -> f64) {
        for (head, queue) in self.queue.iter_mut().enumerate() {
            let group = self.junction.heads[head];
            *queue += per_hour(head) / 3600.0;
            if self.shown[usize::from(group.0) - 1].lamp.is_go() {
                *queue = (*queue - 0.5).max(0.0);
            }
        }
    }

    fn counts(&self) -> Counts {
        let channels = self.junction.detectors.iter().map(|d| {
            let feels = !self.deaf.contains(&d.channel.0);
            let standing = d.head.filter(|_| feels).map_or(0, |h| self.queue[usize::from(h)] as u16);
            let area = d.kind == DetectorKind::Area;
            let waits = feels
                && self
                    .queue
                    .iter()
                    .zip(&self.junction.heads)
                    .any(|(q, g)| *q >= 1.0 && d.groups.contains(g));
            Channel {
                dl: d.channel.0,
                vehicles_sum: 0,
                occupancy_avg: if waits && d.kind == DetectorKind::StopLine { 1.0 } else { 0.0 },
                speed_avg: None,
                occupied: waits && d.kind == DetectorKind::StopLine,
                queue_last: area.then_some(standing),
                vehicles_last: area.then_some(standing),
                sightings_last: if area { standing_in_line(standing) } else { vec![] },
                fault: false,
            }
        });
        Counts { window_s: 1.0, channels: channels.collect() }
    }
}

/// Cars that a camera follows, one behind the other at the stop line.
fn standing_in_line(cars: u16) -> Vec<i32> {
    (0..i32::from(cars)).flat_map(|place| [10 + 75 * place, 0, 50]).collect()
}

/// A city and its street.
struct Street {
    core: Coordinator,
    cabinets: Vec<Cabinet>,
    now: Moment,
    actions: Vec<Action>,
    violations: Vec<Violation>,
}

impl Street {
    fn new(kind: Kind) -> Street {
        Street::with(kind, |_| ())
    }

    fn with(kind: Kind, change: impl Fn(&mut City)) -> Street {
        let mut city = model::sketch::city(CROSS, "C");
        change(&mut city);
        assert_eq!(city.faults(), Vec::<String>::new());
        let settings = Settings {
            kind,
            kinds: BTreeMap::new(),
            lease_s: 10,
            epoch: 3,
            utc_offset_s: 10_800,
            holidays: Default::default(),
            tuning: Default::default(),
        };
        let cabinets: Vec<Cabinet> = city.junctions.iter().map(|j| Cabinet::new(j, START)).collect();
        let mut core = Coordinator::new(Arc::new(city), settings);
        for (i, cabinet) in cabinets.iter().enumerate() {
            core.handle(START, Event::Presence(JunctionIx::from(i), online(cabinet)));
        }
        Street { core, cabinets, now: START, actions: Vec::new(), violations: Vec::new() }
    }

    /// Lets time pass under so much traffic to each head.
    fn pass(&mut self, seconds: u64, per_hour: impl Fn(usize) -> f64 + Copy) {
        for _ in 0..seconds {
            self.now = self.now + Duration::from_secs(1);
            for i in 0..self.cabinets.len() {
                let ix = JunctionIx::from(i);
                self.violations.extend(self.cabinets[i].run(self.now));
                self.cabinets[i].traffic(per_hour);
                let (groups, counts) = (self.cabinets[i].groups(self.now), self.cabinets[i].counts());
                let mode = Mode {
                    rung: self.cabinets[i].rung,
                    since: self.now,
                    reason: String::new(),
                    plan: 1,
                    lease_until: None,
                };
                self.core.handle(self.now, Event::Groups(ix, self.now, groups));
                self.core.handle(self.now, Event::Mode(ix, mode));
                self.core.handle(self.now, Event::Counts(ix, self.now, counts));
            }
            let actions = self.core.handle(self.now, Event::Tick);
            for action in &actions {
                if let Action::Send(ix, command) = action {
                    let state = self.cabinets[ix.ix()].obey(self.now, command);
                    let violations = self.cabinets[ix.ix()].run(self.now);
                    self.violations.extend(violations);
                    let cmd_id = command.cmd_id;
                    let result = CommandResult { cmd_id, state, reason: None, detail: String::new() };
                    self.core.handle(self.now, Event::Result(*ix, result));
                }
            }
            self.actions.extend(actions);
        }
    }

    fn order(&mut self, what: OrderKind, for_s: u64) -> Vec<Action> {
        let order = Order {
            id: Uuid::from_u128(1),
            junction: Some(JunctionIx(0)),
            what,
            who: "duty".to_string(),
            reason: "a test".to_string(),
            until: self.now + Duration::from_secs(for_s),
        };
        self.core.handle(self.now, Event::Order(order))
    }

    fn live(&self) -> &Live {
        &self.core.live()[0]
    }

    fn decisions(&self) -> impl Iterator<Item = &Decision> {
        self.actions.iter().filter_map(|a| match a {
            Action::Decided(decision) => Some(decision),
            _ => None,
        })
    }

    fn audit(actions: &[Action]) -> Vec<&str> {
        actions
            .iter()
            .filter_map(|a| if let Action::Audit(text) = a { Some(&text[..]) } else { None })
            .collect()
    }
}

fn online(cabinet: &Cabinet) -> Presence {
    Presence {
        state: PresenceState::Online,
        boot_id: cabinet.boot,
        config_hash: cabinet.junction.config_hash(),
        version: "test".to_string(),
    }
}

fn quiet(_head: usize) -> f64 {
    0.0
}

/// Every second head has five times the traffic of the others, veh/h.
fn busy(head: usize) -> f64 {
    if head.is_multiple_of(2) { 300.0 } else { 60.0 }
}

#[test]
fn every_kind_of_control_runs_safely_and_serves_everybody() {
    for kind in Kind::ALL {
        let mut street = Street::new(kind);
        street.pass(1200, busy);
        assert_eq!(street.violations, vec![], "{kind:?}");
        let cabinet = &street.cabinets[0];
        assert_eq!(cabinet.refused, 0, "{kind:?}: the centre asked for what the cabinet had to refuse");
        assert_eq!(cabinet.rung, Rung::Adaptive, "{kind:?}");
        let longest = cabinet.queue.iter().copied().fold(0.0, f64::max);
        assert!(longest < 25.0, "{kind:?}: {:?}", cabinet.queue);
        let stages: std::collections::BTreeSet<_> = street.decisions().map(|d| d.stage).collect();
        assert!(stages.len() >= 2, "{kind:?} ran only {stages:?}");
    }
}

#[test]
fn nobody_starves_before_a_camera_that_is_blind() {
    let mut street = Street::new(Kind::Adaptive);
    let camera =
        |head| street.cabinets[0].junction.detectors.iter().find(|d| d.follows(head)).unwrap().channel;
    street.cabinets[0].deaf = [0, 1].map(|head| camera(head).0).to_vec();
    street.pass(1800, |_| 150.0);
    let longest = street.cabinets[0].queue.iter().copied().fold(0.0, f64::max);
    assert!(longest < 15.0, "{:?}", street.cabinets[0].queue);
}

#[test]
fn who_was_sent_is_told_to_neighbours_once() {
    let mut street = Street::new(Kind::Fixed);
    street.core.memories[0].adaptive.sent().push(1);
    let mut told = || {
        street.pass(1, quiet);
        street.live().sent.clone()
    };
    assert_eq!([told(), told(), told(), told()], [vec![1], vec![], vec![], vec![]]);
}

#[test]
fn a_healthy_lease_never_comes_near_its_end() {
    let mut street = Street::new(Kind::MaxPressure);
    let mut since_sent = 0;
    for _ in 0..600 {
        let before = street.actions.len();
        street.pass(1, busy);
        let sent = street.actions[before..].iter().any(|a| matches!(a, Action::Send(..)));
        since_sent = if sent { 0 } else { since_sent + 1 };
        assert!(since_sent <= 3, "no word for {since_sent} s of a lease of 10 s");
    }
}

#[test]
fn a_fixed_plan_is_followed_to_the_second() {
    let mut street = Street::new(Kind::Fixed);
    street.pass(200, quiet);
    let plan = street.core.city().junctions[0].plans[0].clone();
    for _ in 0..300 {
        street.pass(1, quiet);
        let (step, into) = plan.step_at(street.now.0 as u64 / 100).unwrap();
        let stage = plan.steps[step].stage;
        assert_eq!(street.live().wanted, Some(stage));
        // It takes a second for the answer to be read back.
        assert!(into < Tenths::seconds(2) || street.live().stage == Some(stage), "{into} s into {stage}");
    }
}

#[test]
fn orders_stand_end_and_are_refused() {
    let mut street = Street::new(Kind::Fixed);
    street.pass(60, quiet);
    let held = StageNumber(2);
    let taken = street.order(OrderKind::Hold(held), 120);
    assert_eq!(Street::audit(&taken).len(), 1);
    assert_eq!(street.live().orders[0].state, "sent");
    street.pass(60, quiet);
    assert_eq!(street.live().orders[0].state, "applied");
    let in_force = Street::audit(&street.actions).iter().filter(|t| t.ends_with("is in force")).count();
    assert_eq!(in_force, 1);
    assert_eq!((street.live().stage, street.live().wanted), (Some(held), Some(held)));
    assert_eq!(street.live().decision.as_ref().unwrap().reason, Reason::OperatorHold);
    street.pass(70, quiet);
    assert!(street.live().orders.is_empty(), "{:?}", street.live().orders);
    assert!(Street::audit(&street.actions).iter().any(|text| text.ends_with("its time is over")));
    assert_ne!(street.live().decision.as_ref().unwrap().reason, Reason::OperatorHold);

    let refused = street.order(OrderKind::Hold(StageNumber(99)), 60);
    assert!(Street::audit(&refused)[0].contains("stage 99 does not exist"));
    assert_eq!(
        (street.live().orders[0].state, &street.live().orders[0].detail[..]),
        ("rejected", "stage 99 does not exist")
    );
    assert!(street.live().order_in_force().is_none());

    street.order(OrderKind::Kind(Kind::MaxPressure), 600);
    street.pass(1, quiet);
    assert_eq!(street.live().kind, Kind::MaxPressure);
    street.order(OrderKind::Default, 1);
    street.pass(1, quiet);
    assert_eq!(street.live().kind, Kind::Fixed);

    street.order(OrderKind::Flash, 60);
    street.pass(2, quiet);
    assert_eq!((wanted_rung(street.live()), street.live().orders[0].state), (Rung::Flashing, "applied"));
    assert_eq!(street.live().wanted, None);
}

#[test]
fn a_cabinet_that_never_stops_complaining_fills_nothing() {
    let mut street = Street::new(Kind::Fixed);
    for n in 0..2_000 {
        let alarm = Alarm {
            component: format!("dl/{n}"),
            severity: 3,
            active: true,
            since: street.now,
            message: "broken".into(),
        };
        let alarms = Alarms { full: false, alarms: vec![alarm] };
        street.core.handle(street.now, Event::Alarms(JunctionIx(0), "tlc.detector".into(), alarms));
    }
    assert_eq!(street.live().alarms.len(), 256);
    assert_eq!(street.core.rejected()["alarm.too_many"], 2_000 - 256);
}

#[test]
fn a_hold_of_an_unsafe_stage_is_refused() {
    let mut street = Street::new(Kind::Fixed);
    let mut city = (**street.core.city()).clone();
    let groups: Vec<GroupNumber> = city.junctions[0].groups.iter().map(|g| g.number).collect();
    let number = StageNumber(city.junctions[0].stages.len() as u16 + 1);
    city.junctions[0].stages.push(Stage { number, green: groups, permissive: vec![] });
    street.core = Coordinator::new(Arc::new(city), street.core.settings().clone());
    let refused = street.order(OrderKind::Hold(number), 60);
    assert!(Street::audit(&refused)[0].contains("conflict"), "{refused:?}");
}

#[test]
fn without_contact_nothing_is_sent() {
    let sends = |street: &mut Street, seconds: u64| {
        let mut sent = 0;
        for _ in 0..seconds {
            street.now = street.now + Duration::from_secs(1);
            let actions = street.core.handle(street.now, Event::Tick);
            sent += actions.iter().filter(|a| matches!(a, Action::Send(..))).count();
        }
        sent
    };
    let mut street = Street::new(Kind::MaxPressure);
    street.pass(30, busy);
    assert_eq!(street.core.ready(JunctionIx(0), street.now), Ok(()));
    street.now = street.now + Duration::from_secs(FRESH_S);
    assert_eq!(sends(&mut street, 30), 0, "the picture is stale");
    assert_eq!(street.core.ready(JunctionIx(0), street.now), Err(Unready::Stale));

    let mut street = Street::new(Kind::MaxPressure);
    street.pass(30, busy);
    let foreign = Presence { config_hash: 1, ..online(&street.cabinets[0]) };
    street.core.handle(street.now, Event::Presence(JunctionIx(0), foreign));
    assert_eq!(sends(&mut street, 5), 0, "the cabinet has another configuration");
    assert_eq!(street.core.rejected()["presence.config_mismatch"], 1);
}

#[test]
fn a_newer_centre_silences_this_one_until_its_own_epoch_is_newer() {
    let mut street = Street::new(Kind::MaxPressure);
    street.pass(30, busy);
    let (command, _) = street.live().last_command.clone().unwrap();
    let reason = Some(wire::result::Reason::StaleEpoch);
    // The last command was answered already; the next one meets the newer centre.
    street.pass(3, busy);
    let (next, _) = street.live().last_command.clone().unwrap();
    assert_ne!(next.cmd_id, command.cmd_id);
    street.core.live[0].last_command = Some((next.clone(), None));
    let result =
        CommandResult { cmd_id: next.cmd_id, state: ResultState::Rejected, reason, detail: String::new() };
    street.core.handle(street.now, Event::Result(JunctionIx(0), result));
    let before = street.actions.len();
    street.pass(20, busy);
    assert!(!street.actions[before..].iter().any(|a| matches!(a, Action::Send(..))));
    assert_eq!(street.core.handle(street.now, Event::Epoch(3)), vec![], "not newer");
    street.core.handle(street.now, Event::Epoch(9));
    let before = street.actions.len();
    street.pass(5, busy);
    let epochs = street.actions[before..].iter().filter_map(|a| match a {
        Action::Send(_, c) => Some(c.epoch),
        _ => None,
    });
    assert_eq!(epochs.max(), Some(9));
}

#[test]
fn the_same_events_give_the_same_actions() {
    let run = || {
        let mut street = Street::new(Kind::MaxPressure);
        street.pass(900, busy);
        let decisions: Vec<String> = street.decisions().map(|d| serde_json::to_string(d).unwrap()).collect();
        (format!("{:?}", street.actions), decisions.join("\n"))
    };
    assert_eq!(run(), run());
}

#[test]
fn actuated_rests_gaps_out_and_maxes_out() {
    let reasons = |per_hour: fn(usize) -> f64| {
        let mut street = Street::with(Kind::Actuated, |city| {
            city.junctions[0].detectors.retain(|d| d.kind != DetectorKind::Area);
        });
        street.pass(900, per_hour);
        let settled = START + Duration::from_secs(120);
        street
            .decisions()
            .filter(|d| d.at > settled || d.reason == Reason::NoDemand)
            .map(|d| d.reason)
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(Vec::from_iter(reasons(|_| 0.0)), [Reason::NoDemand]);
    let some = reasons(|head| if head.is_multiple_of(3) { 100.0 } else { 0.0 });
    assert!(some.contains(&Reason::GapOut), "{some:?}");
    let many = reasons(|_| 2000.0);
    assert!(many.contains(&Reason::MaxOut), "{many:?}");
    assert!(!some.contains(&Reason::MaxOut), "{some:?}");
}

#[test]
fn forecasts_hold() {
    for kind in [Kind::Fixed, Kind::MaxPressure, Kind::Actuated] {
        let mut street = Street::new(kind);
        street.pass(600, busy);
        let (mut said, mut kept) = (0, 0);
        let mut open: Vec<Option<(Change, Lamp)>> = vec![None; street.live().groups.len()];
        for _ in 0..600 {
            street.pass(1, busy);
            let changes = street.core.next_changes(JunctionIx(0), street.now);
            for (i, change) in changes.into_iter().enumerate() {
                let lamp = street.live().groups[i].lamp;
                match open[i] {
                    Some((forecast, before)) if before != lamp => {
                        said += 1;
                        let since = street.live().groups[i].since;
                        let slack = Duration::from_secs(2);
                        kept += usize::from(
                            since + slack >= forecast.earliest && since <= forecast.latest + slack,
                        );
                        open[i] = None;
                    }
                    Some(_) => (),
                    None => open[i] = change.map(|c| (c, lamp)),
                }
            }
        }
        assert!(said > 50, "{kind:?}: only {said} forecasts came true or false");
        let share = kept as f64 / said as f64;
        assert!(share >= if kind == Kind::Fixed { 1.0 } else { 0.7 }, "{kind:?}: {kept} of {said} kept");
        let forecast = street.core.forecast(JunctionIx(0), street.now);
        assert!(forecast.windows(2).all(|w| w[0].ends.at <= w[1].begins.at), "{forecast:?}");
    }
}

#[test]
fn link_times_are_told_where_somebody_looks() {
    let mut street = Street::new(Kind::Fixed);
    street.pass(300, |head| if head == 0 { 900.0 } else { 0.0 });
    let city = street.core.city().clone();
    let speeds = street.core.link_speeds();
    for (i, link) in city.network.links.iter().enumerate() {
        let signalled = city.network.node(link.to).id.as_str() == "C";
        assert_eq!(speeds[i].is_some(), signalled, "link {}", link.id);
        if let Some(speed) = speeds[i] {
            assert!(speed.time_s >= link.free_travel_time_s() - 1e-9);
        }
    }
    let pictures = street.actions.iter().filter(|a| matches!(a, Action::Links(_))).count();
    assert_eq!(pictures as u64, 300 / LINK_PERIOD_S);
}

#[test]
fn input_that_does_not_fit_is_counted_and_left_out() {
    let check = |event: fn(&mut Cabinet) -> Event, expected: &str| {
        let mut street = Street::new(Kind::Fixed);
        street.pass(5, quiet);
        let before = format!("{:?}", street.live());
        let event = event(&mut street.cabinets[0].clone());
        assert_eq!(street.core.handle(street.now, event), vec![]);
        assert_eq!(street.core.rejected().keys().collect::<Vec<_>>(), [expected]);
        assert_eq!(before, format!("{:?}", street.live()));
    };
    check(
        |c| {
            let mut groups = c.groups(START);
            groups.signalgroupstatus.push('B');
            Event::Groups(JunctionIx(0), START + Duration::from_secs(6), groups)
        },
        "groups.count",
    );
    check(
        |c| {
            Event::Groups(
                JunctionIx(0),
                START + Duration::from_secs(6),
                Groups { stage: 77, ..c.groups(START) },
            )
        },
        "groups.stage",
    );
    check(
        |c| Event::Groups(JunctionIx(0), START + Duration::from_secs(60), c.groups(START)),
        "groups.from_the_future",
    );
    check(|c| Event::Groups(JunctionIx(0), START, c.groups(START)), "groups.out_of_order");
    check(|c| Event::Groups(JunctionIx(4), START, c.groups(START)), "junction.unknown");
    check(
        |c| {
            let mut counts = c.counts();
            counts.channels.truncate(1);
            counts.channels[0].dl = 999;
            Event::Counts(JunctionIx(0), START + Duration::from_secs(6), counts)
        },
        "counts.channel",
    );
    check(
        |c| {
            let mut counts = c.counts();
            counts.channels.truncate(1);
            counts.channels[0].occupancy_avg = f32::NAN;
            Event::Counts(JunctionIx(0), START + Duration::from_secs(6), counts)
        },
        "counts.value",
    );
    check(
        |c| {
            let mut counts = c.counts();
            counts.channels.truncate(1);
            counts.channels[0].sightings_last = vec![250, 830];
            Event::Counts(JunctionIx(0), START + Duration::from_secs(6), counts)
        },
        "counts.sightings",
    );
}

#[test]
fn a_junction_without_plans_gets_websters() {
    let mut street = Street::with(Kind::Fixed, |city| city.junctions[0].plans.clear());
    street.pass(30 * 60, busy);
    let problem = street.core.problem(JunctionIx(0), street.now);
    let plan = crate::decide::plan_in_use(&problem, &street.core.memories[0]);
    assert!(street.core.memories[0].webster.is_some());
    assert_eq!(problem.junction.plan_faults(plan), Vec::<String>::new());
}

#[test]
fn a_decision_reads_well() {
    let mut street = Street::new(Kind::MaxPressure);
    street.pass(120, busy);
    let last = street.decisions().last().unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(last).unwrap());
}

/// What may happen to the centre in a bad hour.
#[derive(Clone, Debug)]
enum Trouble {
    Drop(bool),
    Garble(u16, Vec<u32>),
    Restart(u128),
    Leave,
    Order(u8, u16, u64),
    Epoch(u64),
    Late(u64),
}

fn troubles() -> impl Strategy<Value = Vec<(u64, Trouble)>> {
    let trouble = prop_oneof![
        any::<bool>().prop_map(Trouble::Drop),
        (0..6u16, proptest::collection::vec(0..2000u32, 0..12))
            .prop_map(|(s, ages)| Trouble::Garble(s, ages)),
        (1..5u128).prop_map(Trouble::Restart),
        Just(Trouble::Leave),
        (0..8u8, 0..6u16, 1..60u64).prop_map(|(k, n, s)| Trouble::Order(k, n, s)),
        (0..20u64).prop_map(Trouble::Epoch),
        (1..8u64).prop_map(Trouble::Late),
    ];
    proptest::collection::vec((1..20u64, trouble), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever happens, no stage leaves that the rules refuse on the newest lamps, and numbers only grow.
    /// `Cabinet::obey` asserts the numbers; the lamps are watched.
    #[test]
    fn no_trouble_makes_the_centre_unsafe(kind in 0..Kind::ALL.len(), flow in 0.0..900.0f64, troubles in troubles()) {
        let mut street = Street::new(Kind::ALL[kind]);
        let ix = JunctionIx(0);
        for (seconds, trouble) in troubles {
            street.pass(seconds, move |head| flow * (1 + head % 3) as f64 / 3.0);
            let now = street.now;
            match trouble {
                Trouble::Drop(groups) => {
                    // A second in which one kind of message is lost.
                    street.now = now + Duration::from_secs(1);
                    let violations = street.cabinets[0].run(street.now);
                    street.violations.extend(violations);
                    let event = if groups {
                        Event::Counts(ix, street.now, street.cabinets[0].counts())
                    } else {
                        Event::Groups(ix, street.now, street.cabinets[0].groups(street.now))
                    };
                    street.core.handle(street.now, event);
                    check_sends(&mut street);
                }
                Trouble::Garble(stage, ages) => {
                    let groups = Groups { stage, ages, ..street.cabinets[0].groups(now) };
                    street.core.handle(now, Event::Groups(ix, now, groups));
                    check_sends(&mut street);
                }
                Trouble::Restart(boot) => {
                    street.cabinets[0].boot = Uuid::from_u128(boot);
                    let presence = online(&street.cabinets[0]);
                    street.core.handle(now, Event::Presence(ix, presence));
                }
                Trouble::Leave => {
                    let presence = Presence { state: PresenceState::Offline, ..online(&street.cabinets[0]) };
                    street.core.handle(now, Event::Presence(ix, presence));
                    let sent = street.core.handle(now, Event::Tick);
                    prop_assert!(!sent.iter().any(|a| matches!(a, Action::Send(..))));
                    let presence = online(&street.cabinets[0]);
                    street.core.handle(now, Event::Presence(ix, presence));
                }
                Trouble::Order(which, number, seconds) => {
                    let what = match which {
                        0 => OrderKind::Hold(StageNumber(number)),
                        1 => OrderKind::Plan(PlanNumber(number)),
                        2 => OrderKind::Default,
                        n => OrderKind::Kind(Kind::ALL[usize::from(n) % Kind::ALL.len()]),
                    };
                    street.order(what, seconds);
                }
                Trouble::Epoch(epoch) => drop(street.core.handle(now, Event::Epoch(epoch))),
                Trouble::Late(seconds) => {
                    let old = now - Duration::from_secs(seconds);
                    let groups = street.cabinets[0].groups(old);
                    street.core.handle(now, Event::Groups(ix, old, groups));
                }
            }
        }
        street.pass(30, |_| 100.0);
        prop_assert_eq!(&street.violations, &vec![]);
    }
}

/// A tick whose commands are checked against what the core itself believes.
fn check_sends(street: &mut Street) {
    let now = street.now;
    for action in street.core.handle(now, Event::Tick) {
        if let Action::Send(ix, command) = action {
            if let Body::Stage(stage) = command.body {
                let live = &street.core.live()[ix.ix()];
                let junction = &street.core.city().junctions[ix.ix()];
                let heading = rules::Heading { stage: live.stage, interstage: live.interstage };
                assert_eq!(rules::may_ask(junction, &live.groups, heading, StageNumber(stage), now), Ok(()));
            }
            street.cabinets[ix.ix()].obey(now, &command);
            let violations = street.cabinets[ix.ix()].run(now);
            street.violations.extend(violations);
        }
    }
}
