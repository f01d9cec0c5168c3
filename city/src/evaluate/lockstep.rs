//! Agents, centre and devices in step: one second at a time, nothing runs ahead.
//!
//! Along the core path the cores are joined by function calls; along the field path every reading crosses
//! Modbus TCP and every message a real broker, and a second is over when all that it caused has arrived.
//! Both hand the centre the same events in the same order, so both must decide the same.

mod cores;
mod field;

use crate::pace::timed;
use controller::{
    coordinator::{Action, Coordinator, Event, Order},
    decide::Decision,
};
use model::{ids::JunctionIx, time::Moment};
use simulator::modbus_field::FieldDevice;
use std::{collections::BTreeMap, time::Duration};
use wire::command::Command;

pub(crate) use cores::Cores;
pub(crate) use field::FieldPath;

/// How the centre reaches the cabinets.
pub(crate) enum Path {
    Core(Cores),
    Field(Box<FieldPath>),
}

/// The centre's core, and its way to the street.
pub(crate) struct Lockstep {
    centre: Coordinator,
    path: Path,
    commands: u64,
    /// How long the centre took for its last decisions.
    last_step: Duration,
}

impl Lockstep {
    pub(crate) fn new(centre: Coordinator, path: Path) -> Lockstep {
        Lockstep { centre, path, commands: 0, last_step: Duration::ZERO }
    }

    pub(crate) fn commands(&self) -> u64 {
        self.commands
    }

    /// How long the centre took for its last decisions.
    pub(crate) fn last_step(&self) -> Duration {
        self.last_step
    }

    pub(crate) fn rejected(&self) -> BTreeMap<String, u64> {
        self.centre.rejected().clone()
    }

    /// The centre's core.
    pub(crate) fn centre(&self) -> &Coordinator {
        &self.centre
    }

    /// Gives the centre an operator's order.
    pub(crate) fn order(&mut self, now: Moment, order: Order) {
        self.centre.handle(now, Event::Order(order));
    }

    /// Lets everybody live through the second that ended `now`: agents read and report, the centre decides,
    /// agents obey. Gives the decisions.
    pub(crate) async fn second(
        &mut self,
        now: Moment,
        devices: &[FieldDevice],
    ) -> anyhow::Result<Vec<Decision>> {
        let reports = match &mut self.path {
            Path::Core(cores) => cores.reports(now, devices),
            Path::Field(field) => field.reports(now).await?,
        };
        self.tell(now, reports);
        let mut decisions = Vec::new();
        let mut commands = Vec::new();
        let (actions, step) = timed(|| self.centre.handle(now, Event::Tick));
        self.last_step = step;
        for action in actions {
            match action {
                Action::Send(ix, command) => commands.push((ix, command)),
                Action::Decided(decision) => decisions.push(decision),
                Action::Links(_) | Action::Audit(_) => {}
            }
        }
        self.commands += commands.len() as u64;
        let answers = match &mut self.path {
            Path::Core(cores) => cores.obey(now, devices, &commands),
            Path::Field(field) => field.obey(now, &commands).await?,
        };
        self.tell(now, answers);
        Ok(decisions)
    }

    /// In one order whatever the way: by junction, then by what the centre must know first.
    fn tell(&mut self, now: Moment, mut events: Vec<Event>) {
        events.sort_by_key(|event| match event {
            Event::Presence(ix, _) => (*ix, 0),
            Event::Mode(ix, _) => (*ix, 1),
            Event::Groups(ix, ..) => (*ix, 2),
            Event::Counts(ix, ..) => (*ix, 3),
            Event::HiRes(ix, _) => (*ix, 4),
            Event::Alarms(ix, ..) => (*ix, 5),
            Event::Result(ix, _) | Event::Channel(ix, ..) => (*ix, 6),
            // The street says nothing of these.
            Event::Tick | Event::Order(_) | Event::Draft(..) | Event::Epoch(_) | Event::Vehicles(_) => {
                (JunctionIx(u32::MAX), 7)
            }
        });
        for event in events {
            self.centre.handle(now, event);
        }
    }

    /// Ends what was started.
    pub(crate) async fn close(self) {
        if let Path::Field(field) = self.path {
            field.close().await;
        }
    }
}

/// Commands of one second, each with its junction.
type Commands = [(JunctionIx, Command)];

#[cfg(test)]
mod tests {
    use super::*;
    use controller::{coordinator::Settings, decide::Kind};
    use model::{
        demand::{Trip, VehicleType},
        detection::Sighting,
        ids::ChannelNumber,
        sketch,
    };
    use simulator::{street::Street, world::World};
    use std::sync::Arc;
    use wire::register_map::RegisterMap;

    const CROSS: &str = "
                              N
                              |
                              |
W-----------------------------C----E
                              |
                              |
                              S";

    /// Register, reading, message, centre: a car must arrive where it is, or decisions are made for another street.
    async fn check_a_car_is_followed(way: &str) {
        let city = Arc::new(sketch::city(CROSS, "C"));
        let map = Arc::new(RegisterMap::svetofor());
        let mut world = World::new(&city, vec![VehicleType::car()], 1);
        let links = ["WC", "CE"].map(|name| sketch::link(&city.network, name)).to_vec();
        let id = "car".to_owned();
        let trip = Trip { id, links, routed: true, ..Trip::default() };
        world.insert(trip).unwrap();
        let mut street = Street::new(city.clone(), world, map.clone(), Moment(0));
        let settings = Settings {
            kind: Kind::MaxPressure,
            kinds: BTreeMap::new(),
            lease_s: 10,
            epoch: 1,
            utc_offset_s: 0,
            holidays: Default::default(),
            tuning: Default::default(),
        };
        let path = match way {
            "core" => Path::Core(Cores::new(&city, map, street.now())),
            _ => {
                let field = FieldPath::start(&city, street.devices(), &map, street.now()).await;
                Path::Field(Box::new(field.unwrap()))
            }
        };
        let mut lockstep = Lockstep::new(Coordinator::new(city.clone(), settings), path);
        let mut distances = Vec::new();
        for second in 0..30 {
            street.step();
            lockstep.second(street.now(), street.devices()).await.unwrap();
            street.tick();
            let channel = |place: u16| city.junctions[0].detectors[usize::from(place)].channel;
            let there = street.world().sightings(JunctionIx(0)).iter();
            let there: Vec<(ChannelNumber, Sighting)> =
                there.map(|&(place, s)| (channel(place), s)).collect();
            let live = &lockstep.centre.live()[0];
            let known: Vec<_> =
                live.detectors.iter().flat_map(|(n, c)| c.sightings.iter().map(|s| (*n, *s))).collect();
            // The first reading is where counting begins, so the centre hears from the second on.
            if second > 0 {
                assert_eq!(known, there, "by {way} after {} s", second + 1);
            }
            distances.extend(known.iter().map(|(_, s)| s.distance_dm));
        }
        let comes_nearer = distances.windows(2).all(|w| w[1] <= w[0]);
        assert!(distances.len() > 5 && comes_nearer, "by {way} the car was at {distances:?}");
        lockstep.close().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_centre_knows_a_car_where_the_street_has_it() {
        check_a_car_is_followed("core").await;
        check_a_car_is_followed("field").await;
    }
}
