//! Alarms: what cabinets say of themselves, and what the centre concludes when they do not.

use crate::{
    api::view::{AlarmView, Name},
    coordinator::{Live, wanted_rung},
};
use model::{network::Network, signal::Junction, time::Moment};
use std::time::Duration;
use wire::message::{PresenceState, Rung};

/// A junction is missed after so long without a message: cabinets speak each second, and a broker that
/// restarts is back sooner.
pub const NO_CONTACT: Duration = Duration::from_secs(10);
/// A lapsed lease, or flashing that nobody asked for, that passes sooner is a transition.
pub const SETTLED: Duration = Duration::from_secs(5);

/// A queue does not move on green. Something for the police or a tow truck, and nobody's to mend: it becomes no ticket.
pub(crate) const STALLED: &str = "traffic.stalled";

/// A conclusion.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Derived {
    pub(crate) code: &'static str,
    pub(crate) component: String,
    pub(crate) priority: u8,
    /// Since when its ground is there, if that is known.
    pub(crate) since: Option<Moment>,
    /// How long the ground must be there.
    pub(crate) patience: Duration,
    pub(crate) done: &'static str,
    pub(crate) message: String,
}

impl Derived {
    pub(crate) fn view(self, junction: &Junction, since: Moment) -> AlarmView {
        AlarmView {
            id: id(junction, self.code, &self.component),
            junction: Some(junction.id.as_str().to_owned()),
            name: Name::of(&junction.name),
            code: self.code.to_owned(),
            component: self.component,
            priority: self.priority,
            since: since.0,
            done: self.done.to_owned(),
            message: self.message,
        }
    }
}

/// What a cabinet says.
pub(crate) fn reported(junction: &Junction, code: &str, alarm: &wire::message::Alarm) -> AlarmView {
    AlarmView {
        id: id(junction, code, &alarm.component),
        junction: Some(junction.id.as_str().to_owned()),
        name: Name::of(&junction.name),
        code: code.to_owned(),
        component: alarm.component.clone(),
        priority: alarm.severity.clamp(1, 3),
        since: alarm.since.0,
        // The agent goes on polling a device that does not answer; the rest is for people to mend.
        done: if code == "tlc.comm.field" { "retrying" } else { "none" }.to_owned(),
        message: alarm.message.clone(),
    }
}

fn id(junction: &Junction, code: &str, component: &str) -> String {
    match component {
        "" => format!("{}/{code}", junction.id),
        _ => format!("{}/{code}/{component}", junction.id),
    }
}

/// What the centre concludes of a junction. `started` is when the centre began to listen.
pub(crate) fn derive(
    junction: &Junction,
    network: &Network,
    live: &Live,
    now: Moment,
    started: Moment,
    lease: Duration,
) -> Vec<Derived> {
    let mut found = Vec::new();
    let silent_since = live.seen_at.unwrap_or(started);
    if now.since(silent_since) >= NO_CONTACT {
        let gone = live.presence.as_ref().map(|p| p.state);
        let message = match (live.seen_at, gone) {
            (None, None) => "never heard of since the centre started",
            (_, Some(PresenceState::Shutdown)) => "its agent was shut down",
            (_, Some(PresenceState::Offline)) => "its agent lost the connection to the broker",
            (None, Some(PresenceState::Online)) => "its agent is there, but has not sent what the lamps show",
            (Some(_), _) => "no message",
        };
        found.push(Derived {
            code: "no_contact",
            component: String::new(),
            priority: 2,
            since: Some(silent_since),
            patience: NO_CONTACT,
            // Once our lease is over the cabinet runs its own plan; before, we can only try.
            done: if now.since(silent_since) > lease { "local_plan" } else { "retrying" },
            message: message.to_owned(),
        });
        // What else it said is too old to conclude from.
        return found;
    }
    let wanted = wanted_rung(live);
    if let Some(mode) = &live.mode {
        let unasked = mode.rung != wanted;
        match mode.rung {
            Rung::Flashing | Rung::Dark if unasked => {
                let (code, what) = match mode.rung {
                    Rung::Dark => ("dark", "dark"),
                    _ => ("flashing_unasked", "flashing amber, and nobody asked for it"),
                };
                found.push(Derived {
                    code,
                    component: String::new(),
                    priority: 1,
                    since: Some(mode.since),
                    patience: SETTLED,
                    done: "none",
                    message: format!("{what}: {}", mode.reason),
                });
            }
            Rung::Coordinated | Rung::LocalActuated | Rung::Fixed
                if unasked && mode.reason.starts_with("lease lapsed") =>
            {
                found.push(Derived {
                    code: "lease_lapsed",
                    component: String::new(),
                    priority: 2,
                    since: Some(mode.since),
                    patience: SETTLED,
                    done: "local_plan",
                    message: "the cabinet had no command in time and runs its own plan".to_owned(),
                });
            }
            _ => (),
        }
    }
    for detector in &junction.detectors {
        let Some(channel) = live.detectors.get(&detector.channel) else { continue };
        if channel.implausible && !channel.last.fault {
            found.push(Derived {
                code: "detector_implausible",
                component: format!("dl/{}", detector.channel),
                priority: 3,
                since: None,
                patience: Duration::ZERO,
                done: "imputed",
                message: format!("detector {} does not behave like traffic", detector.channel),
            });
        }
    }
    for stalled in &live.stalled {
        let link = network.lane(stalled.lane).link;
        let link = network.link(link);
        // Lanes have no names: they count from the kerb.
        let lane = link.lane_ixs().position(|lane| lane == stalled.lane).map_or(0, |place| place + 1);
        found.push(Derived {
            code: STALLED,
            component: format!("{}/{lane}", link.id),
            priority: 2,
            since: Some(stalled.since),
            patience: Duration::ZERO,
            done: "none",
            message: format!(
                "nobody left lane {lane} of {} in {} greens though vehicles wait: something may stand in the way",
                link.id, stalled.greens
            ),
        });
    }
    found
}
