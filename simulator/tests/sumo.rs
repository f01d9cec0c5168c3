//! What the centre is told of the streets of the real SUMO.

use model::{
    config::Source,
    detection::{Tier, equip},
    ids::JunctionIx,
    sumo,
};
use simulator::sumo::{Sumo, find};
use std::{fs, sync::Arc};

const NET: &str = include_str!("fuzz/cross.net.xml");
const TRIP: &str = r#"<routes>
    <trip id="late" depart="2" from="WC" to="CE" departLane="1" departPos="-30" departSpeed="8"/>
</routes>"#;

/// On a short approach a second is a third of what one sees of somebody.
#[test]
fn who_departs_is_seen_in_the_same_second() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let net = ["--net-file".to_owned(), file("cross.net.xml", NET)];
    let trips = ["--route-files".to_owned(), file("trip.rou.xml", TRIP)];
    let quiet = ["--no-step-log", "--no-warnings"].map(str::to_owned);
    let arguments = [&net[..], &trips, &quiet].concat();
    let mut city = sumo::network(Source::new("cross.net.xml", NET), &[]).unwrap().value;
    equip(&mut city, Tier::Full);
    let red: Vec<String> = city.junctions.iter().map(|j| "r".repeat(j.heads.len())).collect();
    let mut street = Sumo::start(&find().unwrap(), &arguments, Arc::new(city), 0.0).unwrap();
    let mut seen: Vec<Vec<i16>> = Vec::new();
    for second in 1..=4 {
        street.step(f64::from(second), &red).unwrap();
        let sightings = &street.felt(JunctionIx(0)).sightings;
        seen.push(sightings.iter().map(|(_, s)| s.distance_dm).collect());
    }
    street.close().unwrap();
    // SUMO lets it in during the step that begins at 2 s.
    assert!(seen[..2].iter().all(Vec::is_empty), "{seen:?}");
    assert_eq!(seen[2], [300], "where it departed, 30 m before the line");
    assert!(matches!(seen[3][..], [nearer] if nearer < 300), "{seen:?}");
}
