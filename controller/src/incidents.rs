//! Incidents: what people know of a road that no detector tells. Somebody says what has happened on a link and until when;
//! route planners hear of it with the link times. A response plan is a set of prepared orders that somebody gives
//! for an incident, each with its end.
//!
//! Pure: time is handed in. [`crate::responding`] carries things to and fro.

use crate::{coordinator::OrderKind, decide::Kind};
use model::{
    ids::{PlanNumber, StageNumber},
    time::Moment,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// Incidents in force at once.
pub const MOST_OPEN: usize = 500;
/// Response plans.
pub const MOST_PLANS: usize = 200;
/// Orders of one response plan.
pub const MOST_ORDERS: usize = 50;
/// A link is said to be open again for so long after an incident, so that no planner misses it.
pub const SAY_OPEN: Duration = Duration::from_secs(120);

/// What it does to a link.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nobody drives there.
    Closed,
    /// Nobody drives faster there, km/h.
    SlowTo(f32),
}

/// An incident.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Incident {
    /// Its number.
    pub number: u64,
    /// The links' ids.
    pub links: Vec<String>,
    /// What it does to them.
    pub effect: Effect,
    /// What has happened.
    pub what: String,
    /// Since when.
    pub since: Moment,
    /// It is over by itself then.
    pub until: Moment,
    /// When it was over.
    pub over: Option<Moment>,
    /// Its history, oldest first.
    pub lines: Vec<Line>,
}

/// A line of an incident's history.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// When.
    pub at: Moment,
    /// Who; `None` where it went by itself.
    pub who: Option<String>,
    /// `reported`, `prolonged`, `responded`, `ended`, `over`.
    pub what: String,
    /// More of it, or empty.
    pub text: String,
}

/// A prepared order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Prepared {
    /// The junction's id.
    pub junction: String,
    /// What it is to do.
    pub what: What,
}

/// What can be prepared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Control by that kind.
    Kind(Kind),
    /// Run that plan.
    Plan(u16),
    /// Hold that stage.
    Stage(u16),
}

impl What {
    /// As an order.
    pub fn order(self) -> OrderKind {
        match self {
            What::Kind(kind) => OrderKind::Kind(kind),
            What::Plan(plan) => OrderKind::Plan(PlanNumber(plan)),
            What::Stage(stage) => OrderKind::Hold(StageNumber(stage)),
        }
    }
}

/// A response plan.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Response {
    /// Its number.
    pub number: u64,
    /// What it is called.
    pub name: String,
    /// How long its orders stand, min.
    pub minutes: u32,
    /// They.
    pub orders: Vec<Prepared>,
    /// Who prepared it.
    pub by: String,
    /// It is not offered any longer.
    pub gone: bool,
}

/// All incidents and response plans.
#[derive(Clone, Debug, Default)]
pub struct Incidents {
    incidents: BTreeMap<u64, Incident>,
    responses: BTreeMap<u64, Response>,
    last: u64,
    last_response: u64,
}

impl Incidents {
    /// Takes an incident from before the start.
    pub fn recall(&mut self, incident: Incident) {
        self.last = self.last.max(incident.number);
        self.incidents.insert(incident.number, incident);
    }

    /// Takes a response plan from before the start.
    pub fn recall_response(&mut self, response: Response) {
        self.last_response = self.last_response.max(response.number);
        self.responses.insert(response.number, response);
    }

    /// The incident of that number.
    pub fn get(&self, number: u64) -> Option<&Incident> {
        self.incidents.get(&number)
    }

    /// All, newest first.
    pub fn all(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.values().rev()
    }

    /// Response plans that are offered.
    pub fn responses(&self) -> impl Iterator<Item = &Response> {
        self.responses.values().filter(|response| !response.gone)
    }

    /// The response plan of that number.
    pub fn response(&self, number: u64) -> Option<&Response> {
        self.responses.get(&number)
    }

    /// Somebody says what has happened. `None` if there are too many.
    pub fn report(
        &mut self,
        now: Moment,
        links: Vec<String>,
        effect: Effect,
        what: String,
        until: Moment,
        who: &str,
    ) -> Option<u64> {
        if self.incidents.values().filter(|i| i.over.is_none()).count() >= MOST_OPEN {
            return None;
        }
        self.last += 1;
        let mut incident = Incident {
            number: self.last,
            links,
            effect,
            what,
            since: now,
            until,
            over: None,
            lines: Vec::new(),
        };
        incident.write(now, Some(who), "reported", "");
        self.incidents.insert(self.last, incident);
        Some(self.last)
    }

    /// It lasts until then. False if it is over or unknown.
    pub fn prolong(&mut self, now: Moment, number: u64, until: Moment, who: &str) -> bool {
        let Some(incident) = self.incidents.get_mut(&number).filter(|i| i.over.is_none()) else {
            return false;
        };
        incident.until = until;
        incident.write(now, Some(who), "prolonged", "");
        true
    }

    /// It is over, somebody says. False if it was already, or is unknown.
    pub fn end(&mut self, now: Moment, number: u64, reason: &str, who: &str) -> bool {
        let Some(incident) = self.incidents.get_mut(&number).filter(|i| i.over.is_none()) else {
            return false;
        };
        incident.over = Some(now);
        incident.write(now, Some(who), "ended", reason);
        true
    }

    /// A response plan was ordered for it. False if it is over or unknown.
    pub fn responded(&mut self, now: Moment, number: u64, text: &str, who: &str) -> bool {
        let Some(incident) = self.incidents.get_mut(&number).filter(|i| i.over.is_none()) else {
            return false;
        };
        incident.write(now, Some(who), "responded", text);
        true
    }

    /// Somebody prepares a response plan. `None` if there are too many.
    pub fn prepare(&mut self, name: String, minutes: u32, orders: Vec<Prepared>, by: String) -> Option<u64> {
        if self.responses().count() >= MOST_PLANS {
            return None;
        }
        self.last_response += 1;
        let number = self.last_response;
        self.responses.insert(number, Response { number, name, minutes, orders, by, gone: false });
        Some(number)
    }

    /// A response plan is not offered any longer. False if it is not there.
    pub fn drop_response(&mut self, number: u64) -> bool {
        let found = self.responses.get_mut(&number).filter(|response| !response.gone);
        found.map(|response| response.gone = true).is_some()
    }

    /// Time passed: incidents end. The numbers of those that did.
    pub fn tick(&mut self, now: Moment) -> Vec<u64> {
        let due = self.incidents.values_mut().filter(|i| i.over.is_none() && i.until <= now);
        let end = |incident: &mut Incident| {
            incident.over = Some(now);
            incident.write(now, None, "over", "");
            incident.number
        };
        due.map(end).collect()
    }

    /// What is to be said of links, by id: the worst of each; `None` for one that is open again.
    pub fn effects(&self, now: Moment) -> BTreeMap<&str, Option<Effect>> {
        let mut effects = BTreeMap::new();
        for incident in self.incidents.values() {
            let effect = match incident.over {
                None => Some(incident.effect),
                Some(over) if now.since(over) <= SAY_OPEN => None,
                Some(_) => continue,
            };
            for link in &incident.links {
                let before = effects.entry(link.as_str()).or_insert(None);
                *before = worst(*before, effect);
            }
        }
        effects
    }
}

impl Incident {
    fn write(&mut self, at: Moment, who: Option<&str>, what: &str, text: &str) {
        self.lines.push(Line {
            at,
            who: who.map(str::to_owned),
            what: what.to_owned(),
            text: text.to_owned(),
        });
    }
}

fn worst(a: Option<Effect>, b: Option<Effect>) -> Option<Effect> {
    match (a, b) {
        (Some(Effect::Closed), _) | (_, Some(Effect::Closed)) => Some(Effect::Closed),
        (Some(Effect::SlowTo(a)), Some(Effect::SlowTo(b))) => Some(Effect::SlowTo(a.min(b))),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> Moment {
        Moment(s * 1000)
    }

    #[test]
    fn an_incident_ends_by_itself_and_its_links_are_said_to_be_open() {
        let mut all = Incidents::default();
        let links = |ids: &[&str]| ids.iter().map(|id| id.to_string()).collect::<Vec<_>>();
        let slow = |kmh| Effect::SlowTo(kmh);
        assert_eq!(all.report(at(0), links(&["a", "b"]), slow(20.0), "works".into(), at(600), "A"), Some(1));
        assert_eq!(all.report(at(1), links(&["b"]), Effect::Closed, "crash".into(), at(60), "A"), Some(2));
        let said = |all: &Incidents, s| {
            let effects = all.effects(at(s));
            effects.into_iter().map(|(link, e)| (link.to_owned(), e)).collect::<Vec<_>>()
        };
        let slow_20 = Some(slow(20.0));
        assert_eq!(said(&all, 2), [("a".into(), slow_20), ("b".into(), Some(Effect::Closed))]);
        assert_eq!(all.tick(at(60)), [2]);
        assert_eq!(said(&all, 61), [("a".into(), slow_20), ("b".into(), slow_20)]);
        assert!(all.end(at(70), 1, "cleared", "B") && !all.end(at(71), 1, "again", "B"));
        assert_eq!(said(&all, 72), [("a".into(), None), ("b".into(), None)]);
        assert_eq!(said(&all, 70 + 121), []);
        assert!(!all.prolong(at(80), 1, at(900), "A"), "it is over");
        let lines: Vec<_> = all.get(2).unwrap().lines.iter().map(|line| line.what.as_str()).collect();
        assert_eq!(lines, ["reported", "over"]);
    }

    #[test]
    fn response_plans_are_prepared_offered_and_taken_away() {
        let mut all = Incidents::default();
        let order = Prepared { junction: "7".into(), what: What::Plan(2) };
        assert_eq!(all.prepare("bridge shut".into(), 30, vec![order.clone()], "A".into()), Some(1));
        assert_eq!(all.responses().next().unwrap().orders, [order]);
        assert!(all.drop_response(1) && !all.drop_response(1));
        assert_eq!((all.responses().count(), all.response(1).unwrap().gone), (0, true));
    }
}
