//! Against real networks, where they are at hand.

use super::*;
use crate::{
    city::City,
    config::{Read, Source},
    ids::GroupNumber,
    signal::{Junction, interstage::Interstage},
    time::Tenths,
};
use std::path::PathBuf;

/// Real files stand beside the project, not in it; without them these tests say so and pass.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SVETOFOR_SHARED").map(PathBuf::from);
    let root = root.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    let file = root.join(path);
    if !file.exists() {
        #[expect(clippy::print_stderr, reason = "a skipped test must be heard")]
        {
            eprintln!(
                "SKIPPED: {} is not here; set SVETOFOR_SHARED to the folder of shared data",
                file.display()
            );
        }
        return None;
    }
    Some(file)
}

fn read(path: &str) -> Option<String> {
    Some(std::fs::read_to_string(shared(path)?).expect("a readable file"))
}

fn city(net: &str, additional: &[&str]) -> Option<Read<City>> {
    let text = read(net)?;
    let more: Vec<(String, String)> =
        additional.iter().map(|a| Some((a.to_string(), read(a)?))).collect::<Option<_>>()?;
    let more: Vec<Source<'_>> = more.iter().map(|(f, t)| Source::new(f, t)).collect();
    Some(network(Source::new(net, &text), &more).unwrap_or_else(|e| panic!("{e}")))
}

const NETS: [(&str, &[&str]); 9] = [
    ("data/signals/cologne1/cologne1.net.xml", &[]),
    ("data/signals/cologne3/cologne3.net.xml", &[]),
    ("data/signals/cologne8/cologne8.net.xml", &[]),
    ("data/signals/ingolstadt1/ingolstadt1.net.xml", &[]),
    ("data/signals/ingolstadt7/ingolstadt7.net.xml", &[]),
    ("data/signals/ingolstadt21/ingolstadt21.net.xml", &[]),
    ("data/signals/grid4x4/grid4x4.net.xml", &[]),
    ("data/signals/arterial4x4/arterial4x4.net.xml", &[]),
    ("data/signals/pasubio/pasubio_buslanes.net.xml", &["data/signals/pasubio/pasubio_tls.add.xml"]),
];

/// Greens that a cabinet shows, second by second, when it follows the first plan to the letter.
fn greens_of_plan(junction: &Junction, seconds: std::ops::Range<u64>) -> Vec<Vec<GroupNumber>> {
    let plan = &junction.plans[0];
    let stage_at = |clock: u64| {
        junction.stage(plan.steps[plan.step_at(clock).expect("a cycle").0].stage).expect("a stage")
    };
    let mut from = stage_at(0).green.clone();
    let mut to = from.clone();
    let mut asked = 0;
    let mut shown = Vec::new();
    for clock in 0..seconds.end * 10 {
        let wanted = &stage_at(clock).green;
        let way = Interstage::between_greens(junction, &from, &to);
        if *wanted != to && Tenths((clock - asked) as u32) >= way.duration {
            (from, to, asked) = (to, wanted.clone(), clock);
        }
        if clock % 10 == 0 && clock / 10 >= seconds.start {
            let way = Interstage::between_greens(junction, &from, &to);
            let elapsed = Tenths((clock - asked) as u32);
            let green = |g: &GroupNumber| match way.lamp(junction, *g, elapsed, way.duration) {
                Some(lamp) => lamp.is_go(),
                None => to.contains(g),
            };
            shown.push(junction.groups.iter().map(|g| g.number).filter(green).collect());
        }
    }
    shown
}

/// Greens that SUMO shows: row 0 begins at times that are `offset` modulo the cycle.
fn greens_of_rows(
    junction: &Junction,
    offset: i64,
    rows: &[(i64, &str)],
    seconds: std::ops::Range<u64>,
) -> Vec<Vec<GroupNumber>> {
    let cycle: i64 = rows.iter().map(|r| r.0).sum();
    seconds
        .map(|second| {
            let mut at = (second as i64 - offset).rem_euclid(cycle);
            let row = rows.iter().find(|r| {
                at -= r.0;
                at < 0
            });
            let letters = row.expect("inside the cycle").1.as_bytes();
            let heads = junction.heads.iter().zip(letters).filter(|(_, l)| matches!(l, b'G' | b'g'));
            let mut green: Vec<GroupNumber> = heads.map(|(g, _)| *g).collect();
            green.sort();
            green.dedup();
            green
        })
        .collect()
}

#[test]
fn plans_show_the_programs_greens() {
    let mut report = String::new();
    for (net, additional) in NETS {
        let Some(read_city) = city(net, additional) else { return };
        let city = read_city.value;
        let last = additional.first().copied().unwrap_or(net);
        let text = read(last).expect("it was there a moment ago");
        let document = roxmltree::Document::parse(&text).unwrap();
        for junction in &city.junctions {
            let mut logics = document.descendants().filter(|n| n.has_tag_name("tlLogic"));
            let logic = logics.rfind(|n| n.attribute("id") == Some(junction.source_id())).unwrap();
            let offset: f64 = logic.attribute("offset").unwrap_or("0").parse().unwrap();
            let rows: Vec<(i64, &str)> = logic
                .children()
                .filter(|n| n.has_tag_name("phase"))
                .map(|p| {
                    (
                        p.attribute("duration").unwrap().parse::<f64>().unwrap() as i64,
                        p.attribute("state").unwrap(),
                    )
                })
                .collect();
            let cycle = rows.iter().map(|r| r.0).sum::<i64>() as u64;
            let window = 2 * cycle..4 * cycle;
            let (ours, theirs) = (
                greens_of_plan(junction, window.clone()),
                greens_of_rows(junction, offset as i64, &rows, window.clone()),
            );
            let wrong = ours.iter().zip(&theirs).filter(|(a, b)| a != b).count();
            let source = format!("traffic light {}: ", junction.source_id());
            let why: Vec<&str> =
                read_city.notes.iter().filter_map(|n| n.message.strip_prefix(&source)).collect();
            assert!(
                wrong == 0 || !why.is_empty(),
                "{} {}: {wrong} s differ and nobody says why",
                city.name.local,
                junction.id
            );
            let exact = if wrong == 0 {
                "exact".to_string()
            } else {
                format!("{wrong} of {} s differ: {}", 2 * cycle, why.join("; "))
            };
            let (groups, stages) = (junction.groups.len(), junction.stages.len());
            report +=
                &format!("{} {}: {groups} groups, {stages} stages, {exact}\n", city.name.local, junction.id);
        }
    }
    insta::assert_snapshot!(report);
}

#[test]
fn scenarios_and_their_demand_are_read() {
    let expected = [
        ("cologne1/cologne1", 2015, 25200.0),
        ("cologne3/cologne3", 4494, 25200.0),
        ("cologne8/cologne8", 2046, 25200.0),
        ("ingolstadt1/ingolstadt1", 1716, 57600.0),
        ("ingolstadt7/ingolstadt7", 3031, 57600.0),
        ("ingolstadt21/ingolstadt21", 4283, 57600.0),
        ("grid4x4/grid4x4", 1473, 0.0),
        ("arterial4x4/arterial4x4", 2484, 0.0),
        ("pasubio/run", 8664 + 112, 0.0),
    ];
    for (name, trips, begin_s) in expected {
        let path = format!("data/signals/{name}.sumocfg");
        let Some(text) = read(&path) else { return };
        let scenario = scenario(Source::new(&path, &text)).unwrap_or_else(|e| panic!("{e}")).value;
        assert_eq!(scenario.begin_s, begin_s, "{name}");
        let folder = path.rsplit_once('/').unwrap().0;
        let load = |f: &String| (f.clone(), read(&format!("{folder}/{f}")).expect("the scenario's file"));
        let (net_file, net) = load(&scenario.net);
        let city = network(Source::new(&net_file, &net), &[]).unwrap_or_else(|e| panic!("{e}")).value;
        let files: Vec<(String, String)> =
            scenario.additional.iter().chain(&scenario.routes).map(load).collect();
        let files: Vec<Source<'_>> = files.iter().map(|(f, t)| Source::new(f, t)).collect();
        let read = demand(&city.network, &files, 1).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(read.value.trips.len(), trips, "{name}");
        assert!(read.value.trips.is_sorted_by(|a, b| a.depart_s <= b.depart_s), "{name}");
    }
}

/// A junction on paper: groups, stages, clearances that are more than amber, the plan.
fn show(junction: &Junction) -> String {
    let list = |groups: &[GroupNumber]| groups.iter().map(|g| g.to_string()).collect::<Vec<_>>().join(" ");
    let mut text = format!("{} \"{}\"\n", junction.id, junction.name.local);
    for g in &junction.groups {
        let heads =
            junction.heads.iter().enumerate().filter(|(_, h)| **h == g.number).map(|(i, _)| i.to_string());
        let heads = heads.collect::<Vec<_>>().join(" ");
        let against = junction.groups.iter().filter(|o| junction.intergreens.conflict(g.number, o.number));
        let against: Vec<String> = against
            .map(|o| {
                format!(
                    "{} ({} s)",
                    o.number,
                    junction.intergreens.get(g.number, o.number).unwrap_or_default()
                )
            })
            .collect();
        text += &format!(
            "group {} {}: heads {heads}; green >= {} s, amber {} s; before {}\n",
            g.number,
            g.name.local,
            g.min_green,
            g.amber,
            against.join(", ")
        );
    }
    for s in &junction.stages {
        text +=
            &format!("stage {}: {}, of which give way: {}\n", s.number, list(&s.green), list(&s.permissive));
    }
    for p in &junction.plans {
        let steps: Vec<String> = p.steps.iter().map(|s| format!("stage {} {} s", s.stage, s.split)).collect();
        text += &format!(
            "plan {}: cycle {} s, offset {} s: {}\n",
            p.number,
            p.cycle(),
            p.offset,
            steps.join(", ")
        );
    }
    text
}

#[test]
fn a_junction_of_cologne_on_paper() {
    let Some(read) = city(NETS[0].0, &[]) else { return };
    insta::assert_snapshot!(show(&read.value.junctions[0]));
}

/// Two one-way roads that cross under a light, as small as SUMO writes it.
const SMALL: &str = r#"<net version="1.20">
<location netOffset="0,0" convBoundary="0,0,1,1" origBoundary="0,0,1,1" projParameter="!"/>
<edge id=":C_0" function="internal"><lane id=":C_0_0" index="0" speed="9" length="8.5" shape="-4,0 4,0"/></edge>
<edge id=":C_1" function="internal"><lane id=":C_1_0" index="0" speed="9" length="8.5" shape="0,-4 0,4"/></edge>
<edge id="WC" from="W" to="C" priority="3"><lane id="WC_0" index="0" speed="13.9" length="96" shape="-100,0 -4,0"/></edge>
<edge id="CE" from="C" to="E" priority="3"><lane id="CE_0" index="0" speed="13.9" length="96" shape="4,0 100,0"/></edge>
<edge id="SC" from="S" to="C" priority="3"><lane id="SC_0" index="0" speed="13.9" length="96" disallow="bus" shape="0,-100 0,-4"/></edge>
<edge id="CN" from="C" to="N" priority="3"><lane id="CN_0" index="0" speed="13.9" length="96" shape="0,4 0,100"/></edge>
<tlLogic id="C/1" type="static" programID="0" offset="5">
<phase duration="30" state="Gr"/><phase duration="3" state="yr"/><phase duration="2" state="rr"/>
<phase duration="20" state="rG"/><phase duration="3" state="ry"/><phase duration="2" state="rr"/>
</tlLogic>
<junction id="W" type="dead_end" x="-100" y="0" incLanes="" intLanes="" shape=""/>
<junction id="E" type="dead_end" x="100" y="0" incLanes="CE_0" intLanes="" shape=""/>
<junction id="S" type="dead_end" x="0" y="-100" incLanes="" intLanes="" shape=""/>
<junction id="N" type="dead_end" x="0" y="100" incLanes="CN_0" intLanes="" shape=""/>
<junction id="C" type="traffic_light" x="0" y="0" incLanes="WC_0 SC_0" intLanes=":C_0_0 :C_1_0" shape="">
<request index="0" response="10" foes="10" cont="0"/><request index="1" response="00" foes="01" cont="0"/>
</junction>
<connection from="WC" to="CE" fromLane="0" toLane="0" via=":C_0_0" tl="C/1" linkIndex="0" dir="s" state="o"/>
<connection from="SC" to="CN" fromLane="0" toLane="0" via=":C_1_0" tl="C/1" linkIndex="1" dir="s" state="o"/>
</net>"#;

#[test]
fn a_small_network_is_read_whole() {
    let Read { value: city, notes } = network(Source::new("small.net.xml", SMALL), &[]).unwrap();
    assert_eq!(notes.len(), 1, "only that it lies nowhere on the earth: {notes:?}");
    let m = &city.network.movements;
    assert_eq!((m[0].crosses[0].0, m[0].yields_to[0].0), (1, 1));
    assert_eq!((m[1].crosses[0].0, m[1].yields_to.len()), (0, 0));
    assert_eq!((m[0].length_m, m[0].speed_limit_mps), (8.5, Some(9.0)));
    assert!(!city.network.link(city.network.lane(m[1].from).link).access.any(crate::network::Modes::BUS));
    insta::assert_snapshot!(show(&city.junctions[0]));
    assert_eq!(city.junctions[0].source_id(), "C/1");
}

#[test]
fn a_place_on_the_earth_is_where_sumo_says() {
    let Some(read) = city(NETS[0].0, &[]) else { return };
    let (at, sumo) =
        (read.value.junctions[0].at, crate::geo::LonLat { lon: 6.926514767344382, lat: 50.930961099799774 });
    assert!(at.distance_m(sumo) < 0.01, "{at:?}, but convertGeo of SUMO 1.27 says {sumo:?}");
}

#[test]
fn a_crossing_for_people_is_a_group_with_its_own_clearance() {
    let text = SMALL
        .replace(
            "<edge id=\"WC\"",
            "<edge id=\":C_c0\" function=\"crossing\" crossingEdges=\"WC\"><lane id=\":C_c0_0\" index=\"0\" speed=\"2.8\" length=\"7\" shape=\"-4,-4 -4,4\"/></edge>
<edge id=\":C_w0\" function=\"walkingarea\"><lane id=\":C_w0_0\" index=\"0\" speed=\"2.8\" length=\"1\" shape=\"-4,-4 -4,-5\"/></edge>
<edge id=\"WC\"",
        )
        .replace("incLanes=\"WC_0 SC_0\"", "incLanes=\"WC_0 SC_0 :C_w0_0\"")
        .replace("<request index=\"0\" response=\"10\" foes=\"10\"", "<request index=\"2\" response=\"001\" foes=\"001\" cont=\"0\"/><request index=\"0\" response=\"110\" foes=\"110\"")
        .replace("</net>", "<connection from=\":C_w0\" to=\":C_c0\" fromLane=\"0\" toLane=\"0\" tl=\"C/1\" linkIndex=\"2\" dir=\"s\" state=\"M\"/></net>")
        .replace("\"Gr\"", "\"Grr\"")
        .replace("\"yr\"", "\"yrr\"")
        .replace("\"rr\"", "\"rrr\"")
        .replace("duration=\"20\" state=\"rG\"", "duration=\"14\" state=\"rGG\"/><phase duration=\"6\" state=\"rGr\"")
        .replace("\"ry\"", "\"ryr\"");
    let read = network(Source::new("crossing.net.xml", &text), &[]).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(read.notes.len(), 1, "only that it lies nowhere on the earth: {:?}", read.notes);
    let movements = &read.value.network.movements;
    assert_eq!(movements[0].crosses, vec![crate::ids::MovementIx(1)]);
    let crossing = &read.value.network.crossings[0];
    assert_eq!((crossing.length_m, crossing.links.len(), crossing.head.map(|h| h.index)), (7.0, 1, Some(2)));
    assert!(crossing.people_yield, "its row gives way to the road");
    insta::assert_snapshot!(show(&read.value.junctions[0]));
}

#[test]
fn an_additional_program_replaces_the_networks() {
    let more = r#"<add><tlLogic id="C/1" type="static" programID="night" offset="0">
        <phase duration="20" state="Gr"/><phase duration="4" state="yr"/>
        <phase duration="20" state="rG"/><phase duration="4" state="ry"/></tlLogic></add>"#;
    let read = network(Source::new("small.net.xml", SMALL), &[Source::new("night.add.xml", more)]).unwrap();
    let junction = &read.value.junctions[0];
    assert_eq!(
        (junction.plans[0].name.local.as_str(), junction.plans[0].cycle()),
        ("program night", Tenths::seconds(48))
    );
    assert_eq!(junction.groups[0].amber, Tenths::seconds(4));
}

#[test]
fn a_light_that_is_never_green_leaves_the_junction_to_its_signs() {
    let off = SMALL.replace("\"Gr\"", "\"oo\"").replace("\"rG\"", "\"oo\"");
    let read = network(Source::new("small.net.xml", &off), &[]).unwrap();
    assert!(read.value.junctions.is_empty() && read.value.network.movements.iter().all(|m| m.head.is_none()));
}

#[test]
fn broken_networks_are_complaints_with_lines() {
    let check = |from: &str, to: &str, expected: &str| {
        let text = SMALL.replacen(from, to, 1);
        assert_ne!(text, SMALL, "{from} is in the network");
        let error = network(Source::new("small.net.xml", &text), &[]).expect_err(to);
        assert_eq!(error.to_string(), expected);
    };
    check(
        "<net version=\"1.20\">",
        "<routes>",
        "small.net.xml:22: this is not well-formed XML: expected 'routes' tag, not 'net'",
    );
    check(
        "<net version",
        "<net lefthand=\"true\" version",
        "small.net.xml:1: left-hand traffic is not supported",
    );
    check(
        "from=\"W\" to=\"C\" pri",
        "from=\"X\" to=\"C\" pri",
        "small.net.xml:5: edge WC: its from junction X does not exist\nsmall.net.xml:20: connection from WC to CE: edge WC does not exist",
    );
    check(
        "<junction id=\"W\" type=\"dead_end\" x=\"-100\" y=\"0\" incLanes=\"\" intLanes=\"\" shape=\"\"/>",
        "<junction id=\"E\" x=\"1\" y=\"2\"/>",
        "small.net.xml:14: junction E is there twice\nsmall.net.xml:5: edge WC: its from junction W does not exist\n\
         small.net.xml:20: connection from WC to CE: edge WC does not exist",
    );
    check(
        "length=\"96\"",
        "length=\"-1\"",
        "small.net.xml:5: length of <lane> is -1; it must be above zero\nsmall.net.xml:20: connection from WC to CE: edge WC does not exist",
    );
    check(
        "speed=\"13.9\"",
        "speed=\"fast\"",
        "small.net.xml:5: speed of <lane> is \"fast\", which is not a number\nsmall.net.xml:20: connection from WC to CE: edge WC does not exist",
    );
    check(
        "state=\"rG\"",
        "state=\"rGG\"",
        "small.net.xml:11: traffic light C/1: state has 3 letters, the first row has 2\nsmall.net.xml:20: traffic light C/1 has no program (<tlLogic>)",
    );
    check(
        "state=\"rG\"",
        "state=\"rX\"",
        "small.net.xml:11: traffic light C/1: state \"rX\" has the letter 'X', which means nothing\nsmall.net.xml:20: traffic light C/1 has no program (<tlLogic>)",
    );
    check(
        "linkIndex=\"1\"",
        "linkIndex=\"7\"",
        "small.net.xml:9: traffic light C/1: a connection names head 7, but its states have only 2 letters",
    );
    check(
        "from=\"SC\" to=\"CN\"",
        "from=\"SC\" to=\"WC\"",
        "small.net.xml:21: connection from SC to WC: the first does not end where the second begins",
    );
    check(
        "projParameter=\"!\"",
        "projParameter=\"+proj=nowhere\"",
        "small.net.xml:2: cannot use projection \"+proj=nowhere\": Projection not found",
    );
}

#[test]
fn broken_demand_is_complaints_with_lines() {
    let net = network(Source::new("small.net.xml", SMALL), &[]).unwrap().value.network;
    let check = |body: &str, expected: &str| {
        let text = format!("<routes>\n{body}\n</routes>");
        let found = match demand(&net, &[Source::new("a.rou.xml", &text)], 1) {
            Ok(read) => {
                let trips: Vec<String> =
                    read.value.trips.iter().map(|t| format!("{}@{}", t.id, t.depart_s)).collect();
                trips
                    .into_iter()
                    .chain(read.notes.iter().map(|n| n.to_string()))
                    .collect::<Vec<_>>()
                    .join("\n")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{body}");
    };
    check("<trip id=\"t\" depart=\"0:01:10\" from=\"WC\" to=\"CE\"/>", "t@70");
    check(
        "<flow id=\"f\" begin=\"10\" end=\"40\" period=\"10\" from=\"WC\" to=\"CE\"/>",
        "f.0@10\nf.1@20\nf.2@30",
    );
    check("<flow id=\"f\" begin=\"0\" end=\"60\" number=\"2\" from=\"WC\" to=\"CE\"/>", "f.0@0\nf.1@30");
    check(
        "<flow id=\"f\" begin=\"0\" end=\"5\" vehsPerHour=\"1800\" from=\"WC\" to=\"CE\"/>",
        "f.0@0\nf.1@2\nf.2@4",
    );
    check("<flow id=\"f\" begin=\"0\" end=\"2\" probability=\"1\" from=\"WC\" to=\"CE\"/>", "f.0@0\nf.1@1");
    check(
        "<flow id=\"f\" begin=\"0\" end=\"5\" probability=\"1.1\" from=\"WC\" to=\"CE\"/>",
        "a.rou.xml:2: flow f: probability 1.1 is not between 0 and 1",
    );
    check(
        "<flow id=\"f\" begin=\"0\" end=\"5\" period=\"exp(x)\" from=\"WC\" to=\"CE\"/>",
        "a.rou.xml:2: flow f: its period is not exp(vehicles a second)",
    );
    check(
        "<flow id=\"f\" begin=\"0\" end=\"1e9\" period=\"0.001\" from=\"WC\" to=\"CE\"/>",
        "a.rou.xml:2: flow f: 1000000000000 vehicles are more than the 1000000 that one flow may have",
    );
    check(
        "<trip id=\"t\" depart=\"0\" from=\"WC\" to=\"CE\" reroute=\"true\" color=\"red\"/>\n\
         <trip id=\"u\" depart=\"1\" from=\"WC\" to=\"CE\" reroute=\"true\" departPos=\"splitFront\" departPosLat=\"left\"/>",
        "t@0\nu@1\na.rou.xml:2: reroute of <trip> is not followed (and 1 more)\n\
         a.rou.xml:3: departPos = splitFront of <trip> is not followed\n\
         a.rou.xml:3: departPosLat of <trip> is not followed",
    );
    check(
        "<vType id=\"x\" lcStrategic=\"3\" carFollowModel=\"IDM\" vClass=\"moped\"/>",
        "a.rou.xml:2: carFollowModel IDM is driven as Krauss\na.rou.xml:2: lcStrategic of <vType> is not followed\n\
         a.rou.xml:2: vClass moped drives where cars do",
    );
    check(
        "<routeDistribution id=\"d\"><route id=\"a\" edges=\"WC CE\" probability=\"0\"/></routeDistribution>",
        "a.rou.xml:2: route distribution d has no routes with a share",
    );
    check(
        "<routeDistribution id=\"d\"><route id=\"a\" edges=\"WC CE\"/><route refId=\"a\"/></routeDistribution>\n\
         <vehicle id=\"v\" depart=\"3\" route=\"d\"/>",
        "v@3",
    );
    check(
        "<container id=\"p\"/>\n<container id=\"q\"/>",
        "a.rou.xml:2: <container> is not used here and was left out (and 1 more)",
    );
    check(
        "<trip id=\"t\" depart=\"0\" from=\"XX\" to=\"CE\"/>",
        "a.rou.xml:2: edge XX does not exist in the network",
    );
    check(
        "<trip id=\"t\" depart=\"soon\" from=\"WC\" to=\"CE\"/>",
        "a.rou.xml:2: depart of <trip> is \"soon\", which is not a time",
    );
    check("<vehicle id=\"v\" depart=\"0\" route=\"r\"/>", "a.rou.xml:2: route r does not exist");
    check(
        "<vehicle id=\"v\" depart=\"0\" type=\"x\">\n<route edges=\"WC CE\"/></vehicle>",
        "a.rou.xml:2: type x does not exist",
    );
    check(
        "<vehicle id=\"v\" depart=\"0\">\n<route edges=\"CE WC\"/></vehicle>",
        "a.rou.xml:3: edge CE does not lead to edge WC",
    );
    check(
        "<trip id=\"t\" depart=\"0\" from=\"WC\" to=\"CE\"/>\n<trip id=\"t\" depart=\"0\" from=\"WC\" to=\"CE\"/>",
        "a.rou.xml:3: trip t is there twice",
    );
    check(
        "<flow id=\"f\" from=\"WC\" to=\"CE\" period=\"0\" end=\"9\"/>",
        "a.rou.xml:2: period of <flow> is 0; it must be above zero",
    );
}

#[test]
fn ends_of_trips_are_read_or_refused_with_their_line() {
    use crate::demand::{ArrivalLane, ArrivalPos, DepartLane, DepartPos, DepartSpeed, Ends};
    let net = network(Source::new("small.net.xml", SMALL), &[]).unwrap().value.network;
    let read = |what: &str| {
        let text = format!("<routes>\n<trip id=\"t\" depart=\"0\" from=\"WC\" to=\"CE\" {what}/></routes>");
        demand(&net, &[Source::new("a.rou.xml", &text)], 1).map(|read| {
            assert_eq!(read.notes, [], "{what}");
            read.value.trips[0].ends
        })
    };
    let check = |what: &str, ends: Ends| assert_eq!(read(what), Ok(ends), "{what}");
    let plain = Ends::default();
    check("departLane=\"best_prob\"", Ends { depart_lane: Some(DepartLane::BestProb), ..plain });
    check("departLane=\"best\"", Ends { depart_lane: Some(DepartLane::Best), ..plain });
    check("departLane=\"0\"", Ends { depart_lane: Some(DepartLane::Number(0)), ..plain });
    check("departPos=\"base\" departSpeed=\"avg\" arrivalPos=\"max\" arrivalSpeed=\"current\"", plain);
    check("departPos=\"-1\"", Ends { depart_pos: DepartPos::Metres(-1.0), ..plain });
    check("departPos=\"random_free\"", Ends { depart_pos: DepartPos::RandomFree, ..plain });
    check("departSpeed=\"0\"", Ends { depart_speed: DepartSpeed::Mps(0.0), ..plain });
    check("departSpeed=\"speedLimit\"", Ends { depart_speed: DepartSpeed::SpeedLimit, ..plain });
    check("arrivalLane=\"first\"", Ends { arrival_lane: ArrivalLane::First, ..plain });
    check("arrivalPos=\"96\"", Ends { arrival_pos: ArrivalPos::Metres(96.0), ..plain });
    check("arrivalSpeed=\"3\"", Ends { arrival_speed_mps: Some(3.0), ..plain });
    let refused = |what: &str, why: &str| {
        let said = read(what).map_err(|e| e.to_string());
        assert_eq!(said, Err(format!("a.rou.xml:2: {why}")), "{what}");
    };
    refused("departLane=\"1\"", "departLane of <trip> is 1, but edge WC has lanes 0 to 0");
    refused(
        "departLane=\"left\"",
        "departLane of <trip> is \"left\", which is not a lane's number or one of SUMO's words",
    );
    refused("departPos=\"97\"", "departPos of <trip> is 97, but edge WC is only 96 m long");
    refused("departPos=\"far\"", "departPos of <trip> is \"far\", which is not a number");
    refused("departSpeed=\"-1\"", "departSpeed of <trip> is -1; it must not be below zero");
    refused(
        "departSpeed=\"56\"",
        "departSpeed of <trip> is 56, but type DEFAULT_VEHTYPE drives 55.55 m/s at most",
    );
    refused("arrivalLane=\"9\"", "arrivalLane of <trip> is 9, but edge CE has lanes 0 to 0");
    refused("arrivalPos=\"-97\"", "arrivalPos of <trip> is -97, but edge CE is only 96 m long");
}

#[test]
fn stops_end_after_their_duration_and_their_time() {
    let net = network(Source::new("small.net.xml", SMALL), &[]).unwrap().value.network;
    let halts = |body: &str| -> Vec<(String, f64, Option<f64>, bool)> {
        let text = format!("<routes>\n{body}\n</routes>");
        let read = demand(&net, &[Source::new("a.rou.xml", &text)], 1).unwrap();
        assert_eq!(read.notes, [], "{body}");
        let of = |t: &crate::demand::Trip| -> Vec<_> {
            t.halts.iter().map(|h| (t.id.clone(), h.dwell_s, h.until_s, h.parking)).collect()
        };
        read.value.trips.iter().flat_map(of).collect()
    };
    let one = |id: &str, dwell_s: f64, until_s: Option<f64>, parking: bool| {
        (id.to_string(), dwell_s, until_s, parking)
    };
    let stop = "<stop lane=\"WC_0\" endPos=\"50\" duration=\"5\" until=\"0:01:40\"/>";
    assert_eq!(
        halts(&format!("<vehicle id=\"v\" depart=\"10\"><route edges=\"WC CE\"/>{stop}</vehicle>")),
        [one("v", 5.0, Some(100.0), false)],
    );
    // Of a route it counts from the departure.
    assert_eq!(
        halts(&format!(
            "<route id=\"r\" edges=\"WC CE\">{stop}</route><vehicle id=\"v\" route=\"r\" depart=\"10\"/>"
        )),
        [one("v", 5.0, Some(110.0), false)],
    );
    // Of a flow it is that of the first.
    let flow = |pace: &str| {
        halts(&format!(
            "<flow id=\"f\" begin=\"10\" number=\"2\" end=\"900\" {pace} from=\"WC\" to=\"CE\">{stop}</flow>"
        ))
    };
    assert_eq!(
        flow("period=\"30\""),
        [one("f.0", 5.0, Some(100.0), false), one("f.1", 5.0, Some(130.0), false)]
    );
    assert_eq!(flow("probability=\"1\"")[1], one("f.1", 5.0, Some(100.0), false));
    let parks = "<stop lane=\"WC_0\" until=\"70\" parking=\"true\"/>";
    assert_eq!(
        halts(&format!("<trip id=\"t\" depart=\"1\" from=\"WC\" to=\"CE\">{parks}</trip>")),
        [one("t", 0.0, Some(70.0), true)],
    );
    let said = |stop: &str| {
        let text =
            format!("<routes>\n<trip id=\"t\" depart=\"1\" from=\"WC\" to=\"CE\">{stop}</trip></routes>");
        match demand(&net, &[Source::new("a.rou.xml", &text)], 1) {
            Ok(read) => read.notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
            Err(error) => error.to_string(),
        }
    };
    assert_eq!(
        said("<stop lane=\"WC_0\" arrival=\"5\" duration=\"1\" parking=\"opportunistic\"/>"),
        "a.rou.xml:2: arrival of <stop> is not followed\na.rou.xml:2: parking = opportunistic of <stop> is not followed",
    );
    assert_eq!(said("<stop lane=\"WC_0\"/>"), "a.rou.xml:2: <stop> without duration or until was left out");
    assert_eq!(said("<stop lane=\"WC_0\" until=\"late\"/>"), "a.rou.xml:2: until \"late\" is not a time");
}

#[test]
fn random_flows_depart_by_their_rate_and_the_seed() {
    let net = network(Source::new("small.net.xml", SMALL), &[]).unwrap().value.network;
    let departures = |what: &str, seed: u64| -> Vec<f64> {
        let text = format!(
            "<routes><flow id=\"f\" begin=\"100\" end=\"10100\" {what} from=\"WC\" to=\"CE\"/></routes>"
        );
        let read = demand(&net, &[Source::new("a.rou.xml", &text)], seed).unwrap();
        assert_eq!(read.notes, []);
        read.value.trips.iter().map(|t| t.depart_s).collect()
    };
    for what in ["probability=\"0.2\"", "period=\"exp(0.2)\""] {
        let one = departures(what, 1);
        assert!((1870..2130).contains(&one.len()), "{what}: {}, but 2000 are expected", one.len());
        assert!(one.iter().all(|t| (100.0..10_100.0).contains(t)) && one.is_sorted());
        assert_eq!(one, departures(what, 1));
        assert_ne!(one, departures(what, 2));
    }
    let gaps: Vec<f64> = departures("period=\"exp(0.2)\"", 3).windows(2).map(|w| w[1] - w[0]).collect();
    // Of exponential gaps a share of 1/e is longer than their mean.
    let long = gaps.iter().filter(|g| **g > 5.0).count() as f64 / gaps.len() as f64;
    assert!((0.33..0.41).contains(&long), "{long}");
}

#[test]
fn distributions_share_out_routes_and_types() {
    let net = network(Source::new("small.net.xml", SMALL), &[]).unwrap().value.network;
    let text = "<routes><vType id=\"a\"/><vTypeDistribution id=\"mix\" vTypes=\"a\" probabilities=\"3\">\
        <vType id=\"b\" vClass=\"bus\" probability=\"1\"/></vTypeDistribution>\
        <route id=\"r\" edges=\"WC CE\"/><route id=\"s\" edges=\"SC CN\"/>\
        <routeDistribution id=\"ways\" routes=\"r s\" probabilities=\"0.25 0.75\"/>\
        <flow id=\"f\" type=\"mix\" route=\"ways\" begin=\"0\" end=\"2000\" period=\"1\"/></routes>";
    let trips = demand(&net, &[Source::new("a.rou.xml", text)], 1).unwrap().value.trips;
    let share =
        |is: &dyn Fn(&crate::demand::Trip) -> bool| trips.iter().filter(|t| is(t)).count() as f64 / 2000.0;
    let south = |t: &crate::demand::Trip| net.link(t.links[0]).id.as_str() == "SC";
    assert!((0.71..0.79).contains(&share(&south)), "{}", share(&south));
    assert!((0.71..0.79).contains(&share(&|t| t.vehicle_type == 0)));
    let both = share(&|t| south(t) && t.vehicle_type == 0);
    assert!((0.52..0.61).contains(&both), "routes and types are drawn apart: {both}");
}

#[test]
fn measurements_are_read_or_refused_with_their_line() {
    let net = network(Source::new("small.net.xml", SMALL), &[]).unwrap().value.network;
    let check = |body: &str, expected: &str| {
        let text = format!("<additional>\n{body}\n</additional>");
        let said = match super::measuring(&net, &[Source::new("a.add.xml", &text)]) {
            Ok(read) => {
                let m = &read.value;
                let counts = [m.loops.len(), m.areas.len(), m.gates.len(), m.means.len()];
                let notes: Vec<String> = read.notes.iter().map(ToString::to_string).collect();
                format!("{counts:?}{}", notes.join("\n"))
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(said, expected, "{body}");
    };
    check("<e1Detector id=\"d\" lane=\"WC_0\" pos=\"-5\" period=\"60\" file=\"x\"/>", "[1, 0, 0, 0]");
    check(
        "<inductionLoop id=\"d\" lane=\"XX_0\" pos=\"5\" file=\"x\"/>",
        "a.add.xml:2: <inductionLoop>: lane XX_0 does not exist",
    );
    check(
        "<inductionLoop id=\"d\" lane=\"WC_0\" pos=\"5000\" file=\"x\"/>",
        "a.add.xml:2: pos of <inductionLoop> is 5000, but its lane is only 96 m long",
    );
    check(
        "<laneAreaDetector id=\"d\" lanes=\"WC_0 CE_0\" pos=\"50\" endPos=\"20\" freq=\"1:00:00\" file=\"x\"/>",
        "[0, 1, 0, 0]",
    );
    check(
        "<laneAreaDetector id=\"d\" lanes=\"CE_0 WC_0\" file=\"x\"/>",
        "a.add.xml:2: a lane of CE does not lead to the next, of WC",
    );
    check(
        "<e3Detector id=\"d\" file=\"x\"><detEntry lane=\"WC_0\" pos=\"1\"/></e3Detector>",
        "a.add.xml:2: <e3Detector> needs an entry and an exit",
    );
    check(
        "<edgeData id=\"d\" file=\"x\" edges=\"WC\"/>\n<routeProbe id=\"p\"/>",
        "[0, 0, 0, 1]a.add.xml:2: edges of <edgeData> is not followed\n\
         a.add.xml:3: <routeProbe> is not supported and was left out",
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(400))]

    /// Whatever is done to a file, reading it is a city or complaints, never a crash, and a city is sound.
    #[test]
    fn damaged_networks_never_panic(cut in 0..SMALL.len(), at in 0..SMALL.len(), with in "[ -~]{0,6}", len in 0..12usize) {
        let whole = |i: usize| (0..=i).rev().find(|i| SMALL.is_char_boundary(*i)).unwrap_or(0);
        let _ = network(Source::new("cut.net.xml", &SMALL[..whole(cut)]), &[]);
        let (a, b) = (whole(at), whole((at + len).min(SMALL.len())));
        let text = format!("{}{with}{}", &SMALL[..a], &SMALL[b..]);
        if let Ok(read) = network(Source::new("damaged.net.xml", &text), &[]) {
            proptest::prop_assert_eq!(read.value.faults(), Vec::<String>::new());
        }
    }

    /// Any program of any letters makes a junction without faults, or a complaint.
    #[test]
    fn any_program_is_safe_or_refused(
        rows in proptest::collection::vec((1..40u32, "[rugGys]{2}"), 1..8), offset in -100..200i32,
    ) {
        let phases: String = rows.iter().map(|(d, s)| format!("<phase duration=\"{d}\" state=\"{s}\"/>")).collect();
        let more = format!("<add><tlLogic id=\"C/1\" type=\"static\" programID=\"x\" offset=\"{offset}\">{phases}</tlLogic></add>");
        let read = network(Source::new("small.net.xml", SMALL), &[Source::new("x.add.xml", &more)]);
        let read = read.map_err(|e| proptest::test_runner::TestCaseError::fail(e.to_string()))?;
        proptest::prop_assert_eq!(read.value.faults(), Vec::<String>::new());
    }

    /// Random bytes are no map.
    #[test]
    fn random_bytes_are_no_map(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        let habits = crate::signal::design::SignalHabits::plain();
        proptest::prop_assert!(crate::osm::city("noise.osm.pbf", &bytes, &habits).is_err());
    }
}
