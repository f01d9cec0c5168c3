use super::*;
use model::{network, sketch};

/// Junctions with the same green both ways, `travel_s` apart, each green beginning with its cycle.
fn row(cycle_s: u32, greens_s: &[f64], travel_s: &[f64]) -> Progression {
    let green = |lasts_s: &f64| Some(Green { begins_s: 0.0, lasts_s: *lasts_s });
    Progression {
        cycle: Tenths::seconds(cycle_s),
        stops: greens_s
            .iter()
            .enumerate()
            .map(|(i, g)| Stop { junction: JunctionIx::from(i), green: green(g), green_back: green(g) })
            .collect(),
        travel_s: travel_s.to_vec(),
        travel_back_s: travel_s.to_vec(),
    }
}

/// Drives through the diagram: whoever passes the first junction within a band must see green at all others.
fn drive_through(progression: &Progression, wave: &Wave) {
    let cycle_s = progression.cycle.as_seconds();
    let sees_green = |green: Option<Green>, offset: Tenths, at_s: f64| {
        green.is_none_or(|g| (at_s - offset.as_seconds() - g.begins_s).rem_euclid(cycle_s) <= g.lasts_s)
    };
    for into in [0.01, 0.25, 0.5, 0.75, 0.99] {
        for ((stop, (_, offset)), fronts) in progression.stops.iter().zip(&wave.offsets).zip(&wave.fronts_s) {
            let bands = [(wave.band, stop.green, fronts[0]), (wave.band_back, stop.green_back, fronts[1])];
            for (band, green, front_s) in bands {
                let at_s = front_s + into * band.lasts_s;
                let held = band.lasts_s > 0.1 && !sees_green(green, *offset, at_s);
                assert!(!held, "junction {} at {at_s} s: {wave:?}", stop.junction.ix());
            }
        }
    }
}

fn widest(progression: &Progression, flow: f64, flow_back: f64) -> Wave {
    let wave = progression.widest(flow, flow_back).expect("a design");
    drive_through(progression, &wave);
    wave
}

fn check_bands(progression: &Progression, expected: [f64; 2]) {
    let wave = widest(progression, 500.0, 500.0);
    let bands = [wave.band.lasts_s, wave.band_back.lasts_s];
    let near = bands.iter().zip(&expected).all(|(found, expected)| (found - expected).abs() < 0.3);
    assert!(near, "{bands:?}, expected {expected:?}");
}

/// Little (1966): with half a cycle from each junction to the next (the alternate system), or a whole one (the
/// simultaneous system), the whole green passes both ways.
#[test]
fn equal_spacing_of_half_cycles_gives_the_full_green_both_ways() {
    check_bands(&row(80, &[40.0; 6], &[40.0; 5]), [40.0, 40.0]);
    check_bands(&row(80, &[36.0; 6], &[80.0; 5]), [36.0, 36.0]);
    check_bands(&row(80, &[30.0, 44.0, 38.0], &[40.0, 40.0]), [30.0, 30.0]);
}

/// Two junctions a quarter of a cycle apart: what one direction wins the other loses. Full bands would need
/// offsets of +20 and -20 s, 40 s apart, so both together lose 40 s.
#[test]
fn a_quarter_of_a_cycle_costs_both_directions_half_a_cycle_together() {
    check_bands(&row(80, &[40.0; 2], &[20.0]), [20.0, 20.0]);
}

#[test]
fn the_direction_with_the_traffic_gets_the_band() {
    let progression = row(80, &[40.0; 2], &[20.0]);
    let out = widest(&progression, 1200.0, 300.0);
    assert!(out.band.lasts_s > 31.0 && out.band_back.lasts_s > 7.0, "{out:?}");
    let back = widest(&progression, 300.0, 1200.0);
    assert!(back.band_back.lasts_s > 31.0 && back.band.lasts_s > 7.0, "{back:?}");
}

#[test]
fn a_one_way_street_has_its_whole_shortest_green() {
    let mut progression = row(90, &[30.0, 25.0, 50.0, 41.0], &[17.0, 33.3, 8.9]);
    for stop in &mut progression.stops {
        stop.green_back = None;
    }
    let wave = widest(&progression, 700.0, 0.0);
    assert!(wave.band.lasts_s > 24.7, "{wave:?}");
}

/// Numbers that look random, the same in every run.
struct Draw(u64);

impl Draw {
    fn between(&mut self, from: f64, to: f64) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        from + (to - from) * ((self.0 >> 33) as f64 / f64::from(1_u32 << 31))
    }

    /// A corridor as cities have them: uneven, its greens different each way.
    fn corridor(&mut self, cycle_s: u32, junctions: usize) -> Progression {
        let greens: Vec<f64> = (0..junctions).map(|_| f64::from(cycle_s) * self.between(0.4, 0.65)).collect();
        let travel: Vec<f64> = (1..junctions).map(|_| self.between(15.0, 60.0)).collect();
        let mut progression = row(cycle_s, &greens, &travel);
        for stop in &mut progression.stops {
            let later = self.between(0.0, 15.0);
            stop.green_back = stop.green_back.map(|g| Green { begins_s: later, ..g });
        }
        progression
    }
}

fn both_s(wave: &Wave) -> f64 {
    wave.band.lasts_s + wave.band_back.lasts_s
}

#[test]
fn no_offsets_in_whole_seconds_are_better() {
    let mut draw = Draw(7);
    for _ in 0..20 {
        let progression = draw.corridor(50, 3);
        let wave = widest(&progression, 500.0, 500.0);
        for (second, third) in (0..50).flat_map(|a| (0..50).map(move |b| (a, b))) {
            let offsets = [0, second, third].map(Tenths::seconds);
            let other = progression.with_offsets(&offsets);
            // One direction alone may have more; a two-way design is for both.
            let two_way = other.band.lasts_s > 0.0 && other.band_back.lasts_s > 0.0;
            assert!(
                !two_way || both_s(&other) <= both_s(&wave) + 0.3,
                "{offsets:?} {other:?} against {wave:?}"
            );
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the time that a designer waits is what is tested")]
fn twenty_uneven_junctions_are_solved_while_one_waits() {
    let mut draw = Draw(11);
    for junctions in [5, 10, 20] {
        let progression = draw.corridor(90, junctions);
        let began = std::time::Instant::now();
        let wave = widest(&progression, 500.0, 500.0);
        let took = began.elapsed();
        assert!(took.as_secs_f64() < 1.0, "{junctions} junctions took {took:?}");
        assert!(both_s(&wave) > 10.0, "{junctions} junctions: {wave:?}");
    }
}

/// A direction for which nothing can be done must not take the other one's band away.
#[test]
fn a_hopeless_way_back_leaves_the_way_out_its_band() {
    let mut progression = row(80, &[30.0; 3], &[20.0, 20.0]);
    progression.travel_back_s = vec![20.0, 60.0];
    for (stop, begins_s) in progression.stops.iter_mut().zip([0.0, 40.0, 0.0]) {
        stop.green_back = Some(Green { begins_s, lasts_s: 8.0 });
    }
    let wave = widest(&progression, 900.0, 300.0);
    assert!(wave.band.lasts_s > 29.0, "{wave:?}");
    // The other way round it is the way back that has something to gain.
    for stop in &mut progression.stops {
        std::mem::swap(&mut stop.green, &mut stop.green_back);
    }
    std::mem::swap(&mut progression.travel_s, &mut progression.travel_back_s);
    let wave = widest(&progression, 500.0, 500.0);
    assert!(wave.band_back.lasts_s > 29.0, "{wave:?}");
}

/// Three junctions 400 m apart on one road, read from a drawing.
const ROAD: &str = "
     N                                       M                                       L
     |                                       |                                       |
W----A---------------------------------------B---------------------------------------C----E
     |                                       |                                       |
     S                                       T                                       U";

#[test]
fn a_drawn_road_gets_plans_that_its_cabinets_can_run() {
    let city = sketch::city(ROAD, "ABC");
    let links: Vec<LinkIx> =
        ["WA", "AB", "BC", "CE"].iter().map(|name| sketch::link(&city.network, name)).collect();
    let back = way_back(&city.network, &links);
    let names: Vec<&str> = back.iter().map(|l| city.network.link(*l).id.as_str()).collect();
    assert_eq!(names, ["EC", "CB", "BA", "AW"]);
    let travel_s = |link| network::Link::free_travel_time_s(city.network.link(link));
    // 400 m at 50 km/h is 28.8 s: in a cycle of 58 s that is half of it.
    let progression =
        Progression::along(&city, &links, &back, Tenths::seconds(58), travel_s).expect("a corridor");
    assert_eq!(progression.travel_s.iter().map(|s| s.round()).collect::<Vec<_>>(), [29.0, 29.0]);
    let wave = widest(&progression, 400.0, 400.0);
    let green = progression.stops[0].green.expect("a signal").lasts_s;
    assert!(wave.band.lasts_s > green - 1.0 && wave.band_back.lasts_s > green - 1.0, "{green}: {wave:?}");
    let plans = plans(&city, &wave).expect("plans");
    assert_eq!(plans.len(), 3);
    for (junction, plan) in plans {
        assert_eq!(plan.cycle(), Tenths::seconds(58));
        assert_eq!(city.junctions[junction.ix()].plan_faults(&plan), Vec::<String>::new());
    }
}

#[test]
fn what_cannot_be_coordinated_is_said() {
    let city = sketch::city(ROAD, "AB");
    let link = |name| sketch::link(&city.network, name);
    let check = |links: &[LinkIx], cycle: u32, expected: &str| {
        let found = Progression::along(&city, links, &[], Tenths::seconds(cycle), |_| 10.0);
        assert_eq!(found.expect_err("a fault").to_string(), expected);
    };
    check(&[link("BC"), link("CE")], 60, "the corridor passes 0 signals; a green wave needs two");
    let through = [link("WA"), link("AB"), link("BC")];
    check(&through, 12, "the plan of junction A does not fit into a cycle of 12 s");
}
