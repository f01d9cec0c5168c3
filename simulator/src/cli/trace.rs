//! `simulator trace`: what a recorded run holds, and its conversion.

use super::{
    Failure,
    input::{Text, heard},
};
use anyhow::Context;
use clap::Args;
use model::sumo;
use serde::Serialize;
use simulator::{
    scenario::fcd::{Fcd, Places},
    trace::{Reader, TraceFault},
};
use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufReader, Write},
    path::PathBuf,
};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The trace, as `simulator run --trace` writes it.
    trace: PathBuf,
    /// Converts it into SUMO's FCD; needs --net.
    #[arg(long, value_name = "F.xml", requires = "net")]
    fcd: Option<PathBuf>,
    /// The network of the run: a SUMO .net.xml.
    #[arg(long, value_name = "F.net.xml")]
    net: Option<PathBuf>,
}

/// What a trace holds, as JSON.
#[derive(Serialize)]
struct Contents {
    schema: &'static str,
    network: String,
    begin_s: Option<f64>,
    end_s: Option<f64>,
    step_s: f64,
    moments: u64,
    vehicles: usize,
    vehicle_updates: u64,
    most_at_once: usize,
    signals: usize,
    bytes: u64,
}

pub(super) fn trace(arguments: &Arguments) -> Result<(), Failure> {
    let name = arguments.trace.display().to_string();
    let broken = |fault: TraceFault| match fault {
        TraceFault::Io(error) => Failure::Machine(anyhow::Error::new(error).context(name.clone())),
        other => Failure::Input(vec![format!("{name}: {other}")]),
    };
    let file = File::open(&arguments.trace)
        .map_err(|e| Failure::Input(vec![format!("{name}: could not be read: {e}")]))?;
    let bytes = file.metadata().map(|m| m.len()).unwrap_or(0);
    let mut reader = Reader::new(BufReader::new(file)).map_err(broken)?;
    let header = reader.header().clone();
    let mut fcd = match (&arguments.fcd, &arguments.net) {
        (Some(out), Some(net)) => {
            let net = Text::read(net)?;
            let city = heard(sumo::network(net.source(), &[]))?;
            let fits = (header.lanes, header.movements);
            if fits != (city.network.lanes.len() as u32, city.network.movements.len() as u32) {
                let said = format!("{name}: it was recorded on another network ({})", header.network);
                return Err(Failure::Input(vec![said]));
            }
            let plane = sumo::plane(net.source(), &city.network)?;
            let file = Fcd::create(out).context("could not write the positions")?;
            Some((file, Places::new(&city.network, plane)))
        }
        _ => None,
    };
    let mut contents = Contents {
        schema: "svetofor-trace-contents/1",
        network: header.network.clone(),
        begin_s: None,
        end_s: None,
        step_s: f64::from(header.step_ms) / 1000.0,
        moments: 0,
        vehicles: 0,
        vehicle_updates: 0,
        most_at_once: 0,
        signals: header.junctions.len(),
        bytes,
    };
    let mut everybody = BTreeSet::new();
    while let Some(moment) = reader.step().map_err(broken)? {
        let at_s = moment.at_ms as f64 / 1000.0;
        contents.begin_s.get_or_insert(at_s);
        contents.end_s = Some(at_s + contents.step_s);
        contents.moments += 1;
        contents.vehicle_updates += moment.vehicles.len() as u64;
        contents.most_at_once = contents.most_at_once.max(moment.vehicles.len());
        everybody.extend(moment.vehicles.values().map(|v| v.id.clone()));
        if let Some((file, places)) = &mut fcd {
            let positions = moment.vehicles.iter().map(|(slot, v)| {
                let (kind, cm) = &header.types[v.vehicle_type as usize];
                places.position(&v.seen(*slot, f64::from(*cm) / 100.0), kind)
            });
            file.moment(at_s, positions).context("could not write the positions")?;
        }
    }
    if let Some((file, _)) = fcd {
        file.finish().context("could not write the positions")?;
    }
    contents.vehicles = everybody.len();
    let text = serde_json::to_string_pretty(&contents).context("could not write the contents")?;
    // Whoever closed the pipe has read enough.
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(())
}
