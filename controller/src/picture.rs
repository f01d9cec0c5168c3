//! What readers see of the centre: an immutable picture, painted by the core's task after each tick and
//! swapped in whole. Readers never hold up the core, and the core never waits for a reader.
//!
//! Each part is stamped with the picture in which it last changed, so that a reader who has seen picture 17
//! gets all that changed since by asking for parts with greater stamps, however many he missed.

use crate::{
    alarms::{self, Derived},
    api::{
        junction,
        view::{
            AgeView, AlarmView, CityView, CorridorSpeed, Health, JunctionCounts, JunctionState, LinkView,
            Name, PartHealth, StoreHealth,
        },
    },
    config::SpeedBase,
    coordinator::{Change, Coordinator, Expected, LinkSpeed, Live},
    field::BrokerState,
    store::room::RoomState,
    stretches::{Watched, stretches},
};
use model::{
    city::City,
    ids::{JunctionIx, LinkIx},
    network,
    time::Moment,
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

/// A junction whose newest state is older than three intervals of 1 s is not in contact.
pub const CONTACT: Duration = Duration::from_secs(3);
/// A junction whose newest state is older than two intervals is late: worth saying before contact is lost.
pub const LATE: Duration = Duration::from_secs(2);
/// A state in which nothing changed but the time of its newest reading counts as changed after so long. Who
/// was not sent in between was heard each interval: being late is a change.
pub const REFRESH: Duration = Duration::from_secs(5);
/// Points of the speed history: three hours, one a minute.
pub const HISTORY_POINTS: usize = 180;

/// Something, and the picture in which it last changed.
#[derive(Clone, PartialEq, Debug)]
pub struct Stamped<T> {
    /// [`Picture::version`] of that picture.
    pub version: u64,
    /// What.
    pub value: T,
}

/// The centre at one tick.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Counts pictures, from 1.
    pub version: u64,
    /// The city's clock.
    pub now: Moment,
    /// The junctions that this centre commands, by id.
    pub junctions: Arc<[(JunctionIx, Arc<Stamped<JunctionState>>)]>,
    /// Open alarms, worst and newest first.
    pub alarms: Arc<Stamped<Vec<AlarmView>>>,
    /// When the picture of the links was made.
    pub links_at: Moment,
    /// Links with something to say, or that had before.
    pub links: Arc<[Arc<Stamped<LinkView>>]>,
    /// Health.
    pub health: Arc<Stamped<Health>>,
}

/// One junction, for its own page: all that the core knows of it at one moment.
#[derive(Clone, Debug)]
pub struct JunctionPicture {
    /// The city's clock.
    pub now: Moment,
    /// Which.
    pub ix: JunctionIx,
    /// What the core knows.
    pub live: Live,
    /// As in the list.
    pub state: JunctionState,
    /// Its open alarms.
    pub alarms: Vec<AlarmView>,
    /// The stage that runs and those expected after it.
    pub forecast: Vec<Expected>,
    /// By group: when what it shows is expected to change.
    pub next_changes: Vec<Option<Change>>,
    /// The store's number of decision 0.
    pub decisions_before: u64,
}

/// What stands around the core and is shown with it.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) broker: BrokerState,
    pub(crate) store_kind: &'static str,
    pub(crate) store: RoomState,
    pub(crate) rejected: BTreeMap<String, u64>,
}

/// How the painter is set.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) started: Moment,
    pub(crate) clock_speed: f64,
    pub(crate) time_zone: String,
    pub(crate) lease: Duration,
    pub(crate) los: [f64; 5],
    pub(crate) speed_base: Option<SpeedBase>,
    pub(crate) decisions_before: u64,
}

/// Paints pictures, and remembers what did not change.
pub(crate) struct Painter {
    city: Arc<City>,
    frame: Frame,
    city_view: CityView,
    version: u64,
    junctions: Vec<(JunctionIx, Arc<Stamped<JunctionState>>)>,
    /// By junction of the city: where it stands in `junctions`, if it does.
    places: Vec<Option<usize>>,
    /// Those of whom something was heard since they were painted: places in `junctions`.
    touched: BTreeSet<usize>,
    alarms: Arc<Stamped<Vec<AlarmView>>>,
    /// Since when each derived alarm's ground has been there: junction, code, component.
    grounds: BTreeMap<(JunctionIx, &'static str, String), Moment>,
    links_at: Moment,
    links: BTreeMap<LinkIx, Arc<Stamped<LinkView>>>,
    links_shown: Arc<[Arc<Stamped<LinkView>>]>,
    /// Levels of service are of them.
    stretches: Vec<Vec<LinkIx>>,
    watched: Watched,
    speed_index: Option<f64>,
    speed_history: VecDeque<(i64, f64)>,
    corridors: Vec<CorridorSpeed>,
    health: Option<Arc<Stamped<Health>>>,
}

impl Painter {
    /// For the junctions that this centre commands.
    pub(crate) fn new(
        city: Arc<City>,
        owned: &[JunctionIx],
        frame: Frame,
        coordinator: &Coordinator,
    ) -> Painter {
        let mut owned = owned.to_vec();
        owned.sort_by(|a, b| city.junctions[a.ix()].id.cmp(&city.junctions[b.ix()].id));
        let first = |&ix: &JunctionIx| {
            let value = junction::state(&city, ix, &coordinator.live()[ix.ix()], frame.started, None);
            (ix, Arc::new(Stamped { version: 0, value }))
        };
        let mut places = vec![None; city.junctions.len()];
        for (place, ix) in owned.iter().enumerate() {
            places[ix.ix()] = Some(place);
        }
        let free_kmh = |links: &[LinkIx]| {
            mean_speed(links.iter().map(|&l| city.network.link(l)), |l| l.free_travel_time_s())
        };
        let corridors = city.corridors.iter().map(|c| CorridorSpeed {
            name: Name::of(&c.name),
            speed_kmh: None,
            free_kmh: free_kmh(&c.links).unwrap_or_default(),
        });
        Painter {
            junctions: owned.iter().map(first).collect(),
            places,
            touched: BTreeSet::new(),
            corridors: corridors.collect(),
            city_view: CityView::of(&city),
            version: 0,
            alarms: Arc::new(Stamped { version: 0, value: Vec::new() }),
            grounds: BTreeMap::new(),
            links_at: frame.started,
            links: BTreeMap::new(),
            links_shown: Arc::new([]),
            stretches: stretches(&city.network),
            watched: Watched::of(&city),
            speed_index: None,
            speed_history: VecDeque::new(),
            health: None,
            city,
            frame,
        }
    }

    /// Takes a new picture of the links. Those that are no longer in it are not known any more.
    pub(crate) fn take_links(&mut self, now: Moment, speeds: &[LinkSpeed]) {
        let version = self.version + 1;
        self.links_at = now;
        let times: BTreeMap<LinkIx, f64> = speeds.iter().map(|s| (s.link, s.time_s)).collect();
        let network = &self.city.network;
        let mut views: BTreeMap<LinkIx, LinkView> = BTreeMap::new();
        let (mut length_m, mut at_speed_m) = (0.0, 0.0);
        for stretch in &self.stretches {
            let Some(time_s) = self.watched.time_s(network, stretch, &times) else { continue };
            let links = || stretch.iter().map(|link| network.link(*link));
            let share = links().map(network::Link::free_travel_time_s).sum::<f64>() / time_s;
            let stretch_m: f64 = links().map(|link| link.length_m).sum();
            length_m += stretch_m;
            at_speed_m += stretch_m * share.min(1.0);
            let los = level_of_service(share, &self.frame.los);
            views.extend(stretch.iter().map(|ix| (*ix, link_view(network, *ix, Some(los)))));
        }
        for s in speeds {
            let view = views.entry(s.link).or_insert_with(|| link_view(network, s.link, None));
            view.speed_kmh = Some(tenth(s.speed_mps * 3.6));
            view.travel_time_s = Some(tenth(s.time_s));
        }
        for ix in self.links.keys() {
            views.entry(*ix).or_insert_with(|| link_view(network, *ix, None));
        }
        let before = std::mem::take(&mut self.links);
        let stamp = |(ix, value): (LinkIx, LinkView)| match before.get(&ix) {
            Some(old) if old.value == value => (ix, old.clone()),
            _ => (ix, Arc::new(Stamped { version, value })),
        };
        self.links = views.into_iter().map(stamp).collect();
        self.links_shown = self.links.values().cloned().collect();

        self.speed_index = (length_m > 0.0).then(|| tenth(100.0 * at_speed_m / length_m));
        if let Some(index) = self.speed_index {
            let minute = |at: i64| at.div_euclid(60_000);
            if self.speed_history.back().is_none_or(|(at, _)| minute(*at) < minute(now.0)) {
                self.speed_history.push_back((now.0, index));
                if self.speed_history.len() > HISTORY_POINTS {
                    self.speed_history.pop_front();
                }
            }
        }
        for (view, corridor) in self.corridors.iter_mut().zip(&self.city.corridors) {
            let time_s = self.watched.time_s(network, &corridor.links, &times);
            let length_m: f64 = corridor.links.iter().map(|link| network.link(*link).length_m).sum();
            view.speed_kmh = time_s.map(|time_s| tenth(length_m / time_s * 3.6));
        }
    }

    /// Paints the next picture.
    pub(crate) fn paint(&mut self, now: Moment, coordinator: &Coordinator, around: Surroundings) -> Picture {
        self.version += 1;
        let version = self.version;
        let alarms = self.find_alarms(now, coordinator);
        if alarms != self.alarms.value {
            self.alarms = Arc::new(Stamped { version, value: alarms });
        }
        let alarms = self.alarms.clone();
        let worst = worst(&alarms.value);
        self.touched.clear();
        for place in 0..self.junctions.len() {
            let id = self.city.junctions[self.junctions[place].0.ix()].id.as_str();
            let alarm = worst.get(id).copied();
            self.paint_junction(now, coordinator, place, alarm);
        }
        let health = self.health(now, coordinator, around);
        self.health = Some(Arc::new(Stamped { version, value: health }));
        self.picture(now).expect("its health was just painted")
    }

    /// Something was heard of a junction, or done to it: the next [`Painter::repaint`] looks at it.
    pub(crate) fn touch(&mut self, ix: JunctionIx) {
        self.touched.extend(self.places[ix.ix()]);
    }

    /// The same of all of them.
    pub(crate) fn touch_all(&mut self) {
        self.touched.extend(0..self.junctions.len());
    }

    /// The last picture with the junctions as they are now, so that nobody waits a second to see a change. Only those that were
    /// touched are looked at: what time alone changes is left to [`Painter::paint`]. `None` if there is nothing new, and before the
    /// first picture.
    pub(crate) fn repaint(&mut self, now: Moment, coordinator: &Coordinator) -> Option<Picture> {
        self.version += 1;
        let mut news = false;
        for place in std::mem::take(&mut self.touched) {
            // Alarms are found by `paint` alone.
            let alarm = self.junctions[place].1.value.alarm;
            news |= self.paint_junction(now, coordinator, place, alarm);
        }
        if news { self.picture(now) } else { None }
    }

    /// Whether a reader wants to know.
    fn paint_junction(
        &mut self,
        now: Moment,
        coordinator: &Coordinator,
        place: usize,
        alarm: Option<u8>,
    ) -> bool {
        let (ix, shown) = &mut self.junctions[place];
        let mut state = junction::state(&self.city, *ix, &coordinator.live()[ix.ix()], now, alarm);
        let news = changed(&shown.value, &mut state);
        if news {
            *shown = Arc::new(Stamped { version: self.version, value: state });
        }
        news
    }

    fn picture(&self, now: Moment) -> Option<Picture> {
        Some(Picture {
            version: self.version,
            now,
            junctions: self.junctions.iter().cloned().collect(),
            alarms: self.alarms.clone(),
            links_at: self.links_at,
            links: self.links_shown.clone(),
            health: self.health.clone()?,
        })
    }

    /// One junction as it is now, finer than the last picture.
    pub(crate) fn look(&self, now: Moment, ix: JunctionIx, coordinator: &Coordinator) -> JunctionPicture {
        let live = coordinator.live()[ix.ix()].clone();
        let id = self.city.junctions[ix.ix()].id.as_str();
        let of_it = |a: &&AlarmView| a.junction.as_deref() == Some(id);
        let alarms: Vec<_> = self.alarms.value.iter().filter(of_it).cloned().collect();
        let state = junction::state(&self.city, ix, &live, now, alarms.iter().map(|a| a.priority).min());
        JunctionPicture {
            now,
            ix,
            live,
            state,
            alarms,
            forecast: coordinator.forecast(ix, now),
            next_changes: coordinator.next_changes(ix, now),
            decisions_before: self.frame.decisions_before,
        }
    }

    fn find_alarms(&mut self, now: Moment, coordinator: &Coordinator) -> Vec<AlarmView> {
        let mut found = Vec::new();
        let mut grounds = BTreeMap::new();
        for &(ix, _) in &self.junctions {
            let (junction, live) = (&self.city.junctions[ix.ix()], &coordinator.live()[ix.ix()]);
            found
                .extend(live.alarms.iter().map(|((code, _), alarm)| alarms::reported(junction, code, alarm)));
            for ground in
                alarms::derive(junction, &self.city.network, live, now, self.frame.started, self.frame.lease)
            {
                let Derived { code, component, since, patience, .. } = &ground;
                let key = (ix, *code, component.clone());
                let since = since.or_else(|| self.grounds.get(&key).copied()).unwrap_or(now);
                grounds.insert(key, since);
                if now.since(since) >= *patience {
                    found.push(ground.view(junction, since));
                }
            }
        }
        self.grounds = grounds;
        found.sort_by(|a, b| (a.priority, -a.since, &a.id).cmp(&(b.priority, -b.since, &b.id)));
        found
    }

    fn health(&self, now: Moment, coordinator: &Coordinator, around: Surroundings) -> Health {
        let mut counts = JunctionCounts { total: self.junctions.len(), ..JunctionCounts::default() };
        let mut ages = Vec::new();
        for (ix, shown) in &self.junctions {
            let state = &shown.value;
            *counts.by_mode.entry(state.actual.clone()).or_default() += 1;
            counts.matching += usize::from(state.matches);
            if state.actual != junction::NO_CONTACT {
                counts.online += 1;
                let seen_at = coordinator.live()[ix.ix()].seen_at;
                ages.extend(seen_at.map(|at| now.since(at).as_secs_f64()));
            }
        }
        ages.sort_by(f64::total_cmp);
        let quantile = |q: f64| ages.get(((ages.len() as f64 - 1.0) * q).round().max(0.0) as usize).copied();
        let store_up = around.store.down.is_none();
        let all_heard = counts.online == counts.total;
        Health {
            status: if around.broker.up && store_up && all_heard { "ok" } else { "degraded" }.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            now: now.0,
            clock_speed: self.frame.clock_speed,
            time_zone: self.frame.time_zone.clone(),
            city: self.city_view.clone(),
            junctions: counts,
            data_age_s: AgeView { median: quantile(0.5), p95: quantile(0.95) },
            broker: PartHealth {
                state: if around.broker.up { "up" } else { "down" }.to_owned(),
                since: around.broker.since.0,
                detail: around.broker.detail,
            },
            store: StoreHealth {
                kind: around.store_kind.to_owned(),
                state: if store_up { "up" } else { "down" }.to_owned(),
                written: around.store.written,
                waiting: around.store.waiting,
                dropped: around.store.dropped,
            },
            speed_index: self.speed_index,
            speed_base: self.frame.speed_base,
            speed_history: self.speed_history.iter().copied().collect(),
            corridors: self.corridors.clone(),
            rejected: around.rejected,
        }
    }
}

/// The highest priority of each junction that has an alarm.
fn worst(alarms: &[AlarmView]) -> BTreeMap<&str, u8> {
    let mut worst = BTreeMap::new();
    for alarm in alarms {
        let Some(junction) = &alarm.junction else { continue };
        let worst = worst.entry(junction.as_str()).or_insert(alarm.priority);
        *worst = alarm.priority.min(*worst);
    }
    worst
}

/// Whether a reader wants to know. A newer reading that says the same is news only after [`REFRESH`].
fn changed(old: &JunctionState, new: &mut JunctionState) -> bool {
    let stale = match (old.seen_at, new.seen_at) {
        (Some(old), Some(new)) => new - old >= REFRESH.as_millis() as i64,
        (old, new) => old != new,
    };
    let seen_at = std::mem::replace(&mut new.seen_at, old.seen_at);
    let differs = *new != *old;
    new.seen_at = seen_at;
    stale || differs
}

/// A link of which no speed is known.
fn link_view(network: &network::Network, ix: LinkIx, los: Option<&str>) -> LinkView {
    LinkView {
        ix: ix.0,
        id: network.link(ix).id.as_str().to_owned(),
        speed_kmh: None,
        travel_time_s: None,
        los: los.map(str::to_owned),
    }
}

/// The letter of a share of free-flow speed.
pub(crate) fn level_of_service(share: f64, limits: &[f64; 5]) -> &'static str {
    let letters = ["A", "B", "C", "D", "E", "F"];
    letters[limits.iter().position(|limit| share > *limit).unwrap_or(5)]
}

/// km/h over links together: their length over their time.
fn mean_speed<'a>(
    links: impl Iterator<Item = &'a network::Link>,
    time_s: impl Fn(&network::Link) -> f64,
) -> Option<f64> {
    let (length, time) = links.fold((0.0, 0.0), |(m, s), link| (m + link.length_m, s + time_s(link)));
    (time > 0.0).then(|| tenth(length / time * 3.6))
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_of_service_falls_with_speed() {
        let check =
            |share, letter| assert_eq!(level_of_service(share, &[0.80, 0.67, 0.50, 0.40, 0.30]), letter);
        check(1.2, "A");
        check(0.81, "A");
        check(0.80, "B");
        check(0.60, "C");
        check(0.45, "D");
        check(0.31, "E");
        check(0.30, "F");
        check(0.0, "F");
    }

    /// The city that we are sized for: 5,000 junctions, of which every one says something new each second.
    #[test]
    fn a_large_city_is_painted_within_a_tick() {
        use crate::{
            coordinator::{Event, Settings},
            decide::Kind,
        };
        use model::ids::JunctionId;
        use wire::message::{Groups, Mode, Rung};
        let mut city = model::sketch::city("W---C---E\n    |\n    |\n    |\n    S", "C");
        let one = city.junctions[0].clone();
        city.junctions = (0..5_000)
            .map(|i| model::signal::Junction { id: JunctionId::new(format!("j{i}")), ..one.clone() })
            .collect();
        let city = Arc::new(city);
        let settings = Settings {
            kind: Kind::Fixed,
            kinds: BTreeMap::new(),
            lease_s: 15,
            epoch: 1,
            utc_offset_s: 0,
            holidays: Default::default(),
            tuning: Default::default(),
        };
        let mut core = Coordinator::new(city.clone(), settings);
        let owned: Vec<_> = (0..5_000).map(JunctionIx).collect();
        let frame = Frame {
            started: Moment(0),
            clock_speed: 1.0,
            time_zone: "UTC".into(),
            lease: Duration::from_secs(15),
            los: [0.8, 0.67, 0.5, 0.4, 0.3],
            speed_base: None,
            decisions_before: 0,
        };
        let mut painter = Painter::new(city.clone(), &owned, frame, &core);
        let mut slowest = Duration::ZERO;
        for second in 1..=5 {
            let now = Moment(second * 1000);
            for &ix in &owned {
                let groups = Groups {
                    signalgroupstatus: "B".repeat(one.groups.len()),
                    stage: 1 + (second % 2) as u16,
                    cyclecounter: 0,
                    basecyclecounter: 0,
                    ages: vec![10; one.groups.len()],
                    interstage: false,
                    wanted: 0,
                    ref_tick: 0,
                };
                let mode = Mode {
                    rung: Rung::Coordinated,
                    since: now,
                    reason: "lease lapsed".into(),
                    plan: 1,
                    lease_until: None,
                };
                core.handle(now, Event::Mode(ix, mode));
                core.handle(now, Event::Groups(ix, now, groups));
            }
            let around = Surroundings {
                broker: BrokerState { up: true, since: now, detail: String::new() },
                store_kind: "embedded",
                store: RoomState::default(),
                rejected: BTreeMap::new(),
            };
            let began = tokio::time::Instant::now();
            let picture = painter.paint(now, &core, around);
            slowest = slowest.max(began.elapsed());
            assert_eq!(picture.health.value.junctions.online, 5_000);
            assert!(picture.junctions.iter().all(|(_, s)| s.version == picture.version));
        }
        // Between two ticks the page sees what somebody said, and nobody else is looked at for it.
        let (now, mode) = (Moment(5_300), core.live()[17].mode.clone().unwrap());
        core.handle(now, Event::Mode(JunctionIx(17), Mode { reason: "lease held".into(), ..mode }));
        assert!(painter.repaint(now, &core).is_none(), "nobody said anything");
        painter.touch(JunctionIx(17));
        let picture = painter.repaint(now, &core).unwrap();
        let news: Vec<_> = picture.junctions.iter().filter(|(_, s)| s.version == picture.version).collect();
        assert_eq!(news.iter().map(|(ix, _)| *ix).collect::<Vec<_>>(), [JunctionIx(17)]);
        assert!(painter.repaint(now, &core).is_none(), "it was shown already");
        // Unoptimised, on a machine that does other things: a tick is a second.
        assert!(slowest < Duration::from_millis(500), "{slowest:?}");
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("5,000 junctions painted in {slowest:?}\n"),
        );
    }
}
