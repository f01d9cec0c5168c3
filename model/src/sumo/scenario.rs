//! A `.sumocfg`: which files belong together, and from when to when they run.

use super::xml::{Element, Xml};
use crate::config::{Complaint, Complaints, Read, Source};

/// A scenario as its configuration names it. Paths are as written there, relative to the configuration's folder.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Scenario {
    /// The network.
    pub net: String,
    /// Demand, in loading order.
    pub routes: Vec<String>,
    /// Additional files, in order; SUMO loads them before the routes.
    pub additional: Vec<String>,
    /// First second, on the scenario's own clock.
    pub begin_s: f64,
    /// Last second; `None` runs until the network is empty.
    pub end_s: Option<f64>,
    /// Length of a step, s.
    pub step_s: f64,
    /// Scale of the demand.
    pub scale: f64,
    /// Seed, if the file fixes one.
    pub seed: Option<u64>,
    /// Trip reports, if the scenario writes its own.
    pub tripinfo_output: Option<String>,
    /// Trip reports of those who are still driving at the end, too.
    pub write_unfinished: bool,
    /// Statistics, if the scenario writes its own.
    pub statistic_output: Option<String>,
    /// Counts of each step, if the scenario writes its own.
    pub summary_output: Option<String>,
    /// Positions of all vehicles, if the scenario writes its own.
    pub fcd_output: Option<String>,
    /// Positions are written so often, s; each step without it.
    pub fcd_period_s: Option<f64>,
    /// What goes before the name of each output.
    pub output_prefix: String,
}

/// Options that change neither traffic nor what is written, or that say what we do anyway.
const HARMLESS: [(&str, &[&str]); 8] = [
    ("step-method.ballistic", &["false"]),
    ("time-to-teleport", &["-1"]),
    ("tripinfo-output.write-unfinished", &["true", "false"]),
    ("threads", &[]),
    ("xml-validation", &[]),
    ("xml-validation.net", &[]),
    ("precision", &["2"]),
    ("random", &["false"]),
];

/// Reads a `.sumocfg`. Options that only SUMO itself understands are notes; those of the report and the window
/// change no traffic and are not mentioned.
pub fn scenario(source: Source<'_>) -> Result<Read<Scenario>, Complaints> {
    let xml = Xml::parse(source)?;
    let root = xml.root();
    // SUMO takes any name that ends so, in any letters (`sumoConfiguration`).
    if !root.name().to_ascii_lowercase().ends_with("configuration") {
        return Err(root.complaint(format!("this is <{}>, not a SUMO configuration", root.name())).into());
    }
    let mut scenario = Scenario { step_s: 1.0, scale: 1.0, ..Scenario::default() };
    let (mut complaints, mut notes) = (Complaints::default(), Vec::new());
    for section in root.children() {
        // Options stand in sections, or, in old files, directly under the root.
        let options: Vec<Element<'_>> =
            if section.get("value").is_some() { vec![section] } else { section.children().collect() };
        for e in options {
            let result = option(&mut scenario, section.name(), e, &mut notes);
            complaints.take(result);
        }
    }
    if scenario.net.is_empty() && complaints.is_empty() {
        complaints.push(root.complaint("it names no network (net-file)"));
    }
    if let Some(end) = scenario.end_s.filter(|end| *end <= scenario.begin_s) {
        complaints
            .push(root.complaint(format!("it ends at {end} s, before it begins at {} s", scenario.begin_s)));
    }
    complaints.or(Read { value: scenario, notes })
}

fn option(
    scenario: &mut Scenario,
    section: &str,
    e: Element<'_>,
    notes: &mut Vec<Complaint>,
) -> Result<(), Complaint> {
    let value = e
        .get("value")
        .or(e.get("v"))
        .ok_or_else(|| e.complaint(format!("option {} has no value", e.name())))?;
    let files = || {
        value.split([',', ';', ' ']).map(str::trim).filter(|f| !f.is_empty()).map(str::to_string).collect()
    };
    let time = || {
        seconds(value).ok_or_else(|| e.complaint(format!("{} is {value:?}, which is not a time", e.name())))
    };
    match e.name() {
        "net-file" | "net" | "n" => scenario.net = value.trim().to_string(),
        "route-files" | "routes" | "route" | "r" => scenario.routes = files(),
        "additional-files" | "additional" | "a" => scenario.additional = files(),
        "begin" | "b" => scenario.begin_s = time()?,
        // SUMO's own default, -1, means no end.
        "end" | "e" => scenario.end_s = if value.trim() == "-1" { None } else { Some(time()?) },
        "step-length" => {
            scenario.step_s = time()?;
            if !(0.001..=1.0).contains(&scenario.step_s) {
                return Err(e.complaint(format!("step-length is {value} s; it must be within 0.001 and 1")));
            }
        }
        "scale" => {
            let scale = value.trim().parse::<f64>().ok().filter(|s| s.is_finite() && *s >= 0.0);
            scenario.scale =
                scale.ok_or_else(|| e.complaint(format!("scale is {value:?}, which is not a factor")))?;
        }
        "seed" => {
            let seed = value.trim().parse().ok();
            scenario.seed = Some(
                seed.ok_or_else(|| e.complaint(format!("seed is {value:?}, which is not a whole number")))?,
            );
        }
        "tripinfo-output" | "tripinfo" => scenario.tripinfo_output = Some(value.to_string()),
        "tripinfo-output.write-unfinished" => {
            scenario.write_unfinished = truth(value).ok_or_else(|| {
                e.complaint(format!("{} is {value:?}, which is neither true nor false", e.name()))
            })?;
        }
        "statistic-output" | "statistics-output" => scenario.statistic_output = Some(value.to_string()),
        "summary-output" | "summary" => scenario.summary_output = Some(value.to_string()),
        "fcd-output" => scenario.fcd_output = Some(value.to_string()),
        "device.fcd.period" | "fcd-output.period" => {
            scenario.fcd_period_s = Some(time()?).filter(|p| *p > 0.0)
        }
        "output-prefix" => scenario.output_prefix = value.to_string(),
        _ if section == "report" || section.starts_with("gui") => {}
        name => {
            let harmless = HARMLESS.iter().find(|(known, _)| *known == name);
            if !harmless.is_some_and(|(_, same)| same.is_empty() || same.contains(&value)) {
                notes.push(e.complaint(format!("option {name} = {value} is SUMO's alone")));
            }
        }
    }
    Ok(())
}

/// Yes or no as SUMO writes them.
fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | "t" | "x" => Some(true),
        "false" | "0" | "no" | "off" | "f" | "-" => Some(false),
        _ => None,
    }
}

/// Seconds as SUMO writes them: a number, `H:M:S` or `D:H:M:S`.
pub(super) fn seconds(text: &str) -> Option<f64> {
    let parts: Vec<f64> = text.trim().split(':').map(|p| p.parse().ok()).collect::<Option<_>>()?;
    let total = match parts[..] {
        [s] => s,
        [h, m, s] => h * 3600.0 + m * 60.0 + s,
        [d, h, m, s] => d * 86_400.0 + h * 3600.0 + m * 60.0 + s,
        _ => return None,
    };
    total.is_finite().then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_files_and_times() {
        let text = r#"<configuration>
            <input><net-file value="a.net.xml"/><route-files value="a.rou.xml, b.rou.xml"/></input>
            <time><begin value="7:0:0"/><end value="-1"/></time>
            <tripinfo-output value="t.xml"/>
            <processing><time-to-teleport value="300"/></processing>
        </configuration>"#;
        let Read { value, notes } = scenario(Source::new("a.sumocfg", text)).unwrap();
        assert_eq!((value.net.as_str(), value.begin_s, value.end_s), ("a.net.xml", 25200.0, None));
        assert_eq!(value.routes, ["a.rou.xml", "b.rou.xml"]);
        assert_eq!(value.tripinfo_output.as_deref(), Some("t.xml"));
        assert_eq!(notes[0].to_string(), "a.sumocfg:5: option time-to-teleport = 300 is SUMO's alone");
    }

    #[test]
    fn complains_with_lines() {
        let check = |text: &str, expected: &str| {
            assert_eq!(scenario(Source::new("a.sumocfg", text)).unwrap_err().to_string(), expected);
        };
        check("<net/>", "a.sumocfg:1: this is <net>, not a SUMO configuration");
        check("<configuration/>", "a.sumocfg:1: it names no network (net-file)");
        check(
            "<configuration>\n<n value=\"a\"/>\n<b value=\"soon\"/>\n<seed value=\"x\"/></configuration>",
            "a.sumocfg:3: b is \"soon\", which is not a time\na.sumocfg:4: seed is \"x\", which is not a whole number",
        );
        check(
            "<configuration><n value=\"a\"/><b value=\"9\"/><e value=\"9\"/></configuration>",
            "a.sumocfg:1: it ends at 9 s, before it begins at 9 s",
        );
    }
}
