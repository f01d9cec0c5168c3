//! What a person writes in `what-if.toml`, and what it means.

use super::spare_threads;
use controller::decide::Tuning;
use model::config::{self, Complaint, Complaints, Source};
use serde::Deserialize;
use serde_spanned::Spanned;
use std::{
    num::NonZero,
    path::{Path, PathBuf},
};
use wire::{
    broker::{Broker, BrokerError, RawBroker},
    link::LinkConfig,
};

/// The service's settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its own name among simulators: an MQTT topic level.
    pub instance: String,
    /// The city's file.
    pub city: PathBuf,
    /// Threads that simulate.
    pub threads: NonZero<usize>,
    /// The broker.
    pub broker: Broker,
    /// Numbers of adaptive control: the centre's.
    pub adaptive: Tuning,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    instance: Spanned<String>,
    city: PathBuf,
    threads: Option<Spanned<usize>>,
    broker: RawBroker,
    adaptive: Option<Spanned<Tuning>>,
}

impl Config {
    /// Reads the text of a configuration.
    pub fn parse(file: &str, text: &str) -> Result<Config, Complaints> {
        let raw: Raw = config::parse(file, text)?;
        let source = Source::new(file, text);
        let mut faults = Complaints::default();
        let level = raw.instance.get_ref();
        if level.is_empty() || level.chars().any(|c| matches!(c, '/' | '+' | '#') || c.is_control()) {
            let message = "instance must be one MQTT topic level: not empty, no / + #";
            faults.push(Complaint::spanned(source, &raw.instance, message));
        }
        if let Some(threads) = raw.threads.as_ref().filter(|t| *t.get_ref() == 0) {
            faults.push(Complaint::spanned(
                source,
                threads,
                "threads is 0; leave it out for all cores but one",
            ));
        }
        let broker = raw.broker.meant(source, &mut faults);
        if let Some(tuning) = &raw.adaptive {
            let wrong = tuning.get_ref().faults();
            if !wrong.is_empty() {
                faults.push(Complaint::spanned(source, tuning, wrong.join("; ")));
            }
        }
        let threads = raw.threads.and_then(|t| NonZero::new(t.into_inner()));
        faults.or(Config {
            instance: raw.instance.into_inner(),
            city: raw.city,
            threads: threads.unwrap_or_else(spare_threads),
            broker,
            adaptive: raw.adaptive.map(Spanned::into_inner).unwrap_or_default(),
        })
    }

    /// Of `--broker` and `--city`.
    pub(super) fn of_command_line(broker: Broker, city: &Path) -> Config {
        Config {
            instance: "what-if".to_owned(),
            city: city.to_owned(),
            threads: spare_threads(),
            broker,
            adaptive: Tuning::default(),
        }
    }

    /// The broker link, with its password read.
    pub(super) fn link(&self) -> Result<LinkConfig, BrokerError> {
        self.broker.link(format!("svetofor-{}", self.instance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../../configs/what-if.toml");

    #[test]
    fn the_shipped_file_is_right() {
        let config = Config::parse("what-if.toml", SHIPPED).unwrap();
        assert_eq!((config.broker.port, config.threads), (1883, spare_threads()));
    }

    #[test]
    fn faults_are_named_with_their_line() {
        let check = |from: &str, to: &str, expected: &str| {
            assert!(SHIPPED.contains(from), "{from:?}");
            let said = Config::parse("w.toml", &SHIPPED.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(said.starts_with("w.toml:") && said.contains(expected), "{said}");
        };
        check("instance = \"what-if-1\"", "instance = \"a/b\"", "one MQTT topic level");
        check("# threads = 3", "threads = 0", "leave it out");
        check("port = 1883", "port = 0", "port = 0 is no port");
        check("keep_alive_s = 10", "keep_alive_s = 1", "keep_alive_s = 1 is below 5");
        check("# [adaptive]", "[adaptiv]", "adaptiv");
    }
}
