//! `.sumocfg`: which files make a scenario, and when it runs.

use super::xml::Xml;
use crate::config::{Complaint, Complaints, Read, Source};

/// A scenario as its configuration names it. Paths are as written there, relative to the configuration's folder.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Scenario {
    /// The network.
    pub net: String,
    /// Demand.
    pub routes: Vec<String>,
    /// Additional files, in order.
    pub additional: Vec<String>,
    /// First second.
    pub begin_s: f64,
    /// Last second; `None` runs until the network is empty.
    pub end_s: Option<f64>,
    /// Length of a step, s.
    pub step_s: f64,
    /// Scale of the demand.
    pub scale: f64,
    /// Trip reports, if the scenario writes its own.
    pub tripinfo_output: Option<String>,
    /// Statistics, if the scenario writes its own.
    pub statistic_output: Option<String>,
}

/// Reads a configuration. Options that only SUMO itself needs are left to SUMO.
pub fn scenario(source: Source<'_>) -> Result<Read<Scenario>, Complaints> {
    let xml = Xml::parse(source)?;
    let mut complaints = Complaints::default();
    let mut scenario = Scenario { step_s: 1.0, scale: 1.0, ..Scenario::default() };
    let root = xml.root();
    // SUMO takes options inside any section, and at the top as well.
    let options = root.children().flat_map(|section| section.children().chain([section]));
    let list = |text: &str| text.split([',', ' ']).map(str::trim).filter(|f| !f.is_empty()).map(str::to_owned).collect();
    for option in options.filter(|o| o.get("value").is_some()) {
        let value = option.get("value").unwrap_or_default().trim();
        let mut seconds = || complaints.take(option.number("value"));
        match option.name() {
            "net-file" | "net" | "n" => scenario.net = value.to_owned(),
            "route-files" | "route" | "r" => scenario.routes = list(value),
            "additional-files" | "additional" | "a" => scenario.additional = list(value),
            "begin" | "b" => scenario.begin_s = seconds().unwrap_or(0.0),
            // SUMO writes -1 for "no end".
            "end" | "e" => scenario.end_s = seconds().filter(|&end| end >= 0.0),
            "step-length" => scenario.step_s = seconds().unwrap_or(1.0),
            "scale" => scenario.scale = seconds().unwrap_or(1.0),
            "tripinfo-output" | "tripinfo" => scenario.tripinfo_output = Some(value.to_owned()),
            "statistic-output" | "statistics-output" => scenario.statistic_output = Some(value.to_owned()),
            _ => {}
        }
    }
    if scenario.net.is_empty() && complaints.is_empty() {
        complaints.push(Complaint::whole(source.file, "names no net-file"));
    }
    if !(0.001..=1.0).contains(&scenario.step_s) {
        complaints.push(Complaint::whole(
            source.file,
            format!("step-length is {} s; it must be within 0.001 and 1", scenario.step_s),
        ));
    }
    complaints.or(Read { value: scenario, notes: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_files_and_times() {
        let text = r#"<configuration>
            <input><net-file value="a.net.xml"/><route-files value="a.rou.xml, b.rou.xml"/></input>
            <time><begin value="25200"/><end value="-1"/></time>
            <tripinfo-output value="t.xml"/>
        </configuration>"#;
        let read = scenario(Source::new("a.sumocfg", text)).unwrap().value;
        assert_eq!((read.net.as_str(), read.begin_s, read.end_s), ("a.net.xml", 25200.0, None));
        assert_eq!(read.routes, ["a.rou.xml", "b.rou.xml"]);
        assert_eq!(read.tripinfo_output.as_deref(), Some("t.xml"));
    }

    #[test]
    fn names_file_line_and_cause() {
        let check = |text: &str, expected: &str| {
            let complaints = scenario(Source::new("a.sumocfg", text)).unwrap_err().to_string();
            assert!(complaints.contains(expected), "{complaints}");
        };
        check("<configuration>", "a.sumocfg:1: this is not well-formed XML");
        check("<configuration/>", "a.sumocfg: names no net-file");
        check(
            "<configuration><net-file value=\"n\"/>\n<time><begin value=\"soon\"/></time></configuration>",
            "a.sumocfg:2: value of <begin> is \"soon\", which is not a number",
        );
    }
}
