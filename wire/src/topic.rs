//! `<node>/<type>/<code>[/<channel>]`, the node id one or more levels: ours is `mow/<district>/<id>`.

use model::ids::{DistrictId, JunctionId};
use std::fmt;

/// First level of every topic of ours. Another city writes its own in its configuration.
pub const CITY: &str = "mow";

/// Whoever sends or receives: a cabinet, or a centre.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Node(String);

impl Node {
    /// The cabinet of a junction.
    pub fn cabinet(district: &DistrictId, junction: &JunctionId) -> Node {
        Node(format!("{CITY}/{district}/{junction}"))
    }
    /// A controller instance. `centre` can be no district's name.
    pub fn centre(instance: &str) -> Node {
        Node(format!("{CITY}/centre/{instance}"))
    }
    /// Public-transport vehicles that report through one gateway. `transit` can be no district's name.
    pub fn fleet(gateway: &str) -> Node {
        Node(format!("{CITY}/transit/{gateway}"))
    }
    /// Whether it is such a gateway.
    pub fn is_fleet(&self) -> bool {
        self.0.starts_with(&format!("{CITY}/transit/"))
    }
    /// A program that simulates what a centre asks. `simulator` can be no district's name.
    pub fn simulator(instance: &str) -> Node {
        Node(format!("{CITY}/simulator/{instance}"))
    }
    /// The id as it stands in topics.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The last level: for a cabinet, its junction.
    pub fn junction(&self) -> JunctionId {
        JunctionId::new(self.0.rsplit('/').next().unwrap_or_default())
    }
    /// The topic of that kind at this node.
    pub fn topic(&self, kind: &Kind) -> String {
        format!("{}/{kind}", self.0)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Status codes; each has one channel, named beside it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum StatusCode {
    /// `tlc.groups/live`: lamps, stage, cycle counters. 1 Hz and on change, QoS 0.
    Groups,
    /// `tlc.mode/live`: rung of the ladder, plan, reason. On change and every 10 s, QoS 1, retained.
    Mode,
    /// `tlc.events/hires`: hi-res events. Each second, QoS 1.
    Events,
    /// `traffic.count/1s`: detector channels. Each second, QoS 1.
    Counts,
    /// `tlc.config/full`: the cabinet's own copy. On connect, QoS 1, retained.
    Config,
    /// `traffic.links/live`: link travel times, from a centre. QoS 1.
    Links,
    /// `vehicle.positions/live`: public-transport vehicles. QoS 0.
    Vehicles,
}

impl StatusCode {
    /// Every code.
    pub const ALL: [StatusCode; 7] = [
        StatusCode::Groups,
        StatusCode::Mode,
        StatusCode::Events,
        StatusCode::Counts,
        StatusCode::Config,
        StatusCode::Links,
        StatusCode::Vehicles,
    ];
    /// `<code>/<channel>` as in the topic.
    pub fn as_str(self) -> &'static str {
        match self {
            StatusCode::Groups => "tlc.groups/live",
            StatusCode::Mode => "tlc.mode/live",
            StatusCode::Events => "tlc.events/hires",
            StatusCode::Counts => "traffic.count/1s",
            StatusCode::Config => "tlc.config/full",
            StatusCode::Links => "traffic.links/live",
            StatusCode::Vehicles => "vehicle.positions/live",
        }
    }
}

/// Command codes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CommandCode {
    /// `tlc.stage.request`.
    Stage,
    /// `tlc.plan.set`.
    Plan,
    /// `tlc.mode.set`.
    Mode,
    /// `tlc.lease`: nothing but a longer lease on what already runs.
    Lease,
}

impl CommandCode {
    /// Every code.
    pub const ALL: [CommandCode; 4] =
        [CommandCode::Stage, CommandCode::Plan, CommandCode::Mode, CommandCode::Lease];
    /// As in the topic.
    pub fn as_str(self) -> &'static str {
        match self {
            CommandCode::Stage => "tlc.stage.request",
            CommandCode::Plan => "tlc.plan.set",
            CommandCode::Mode => "tlc.mode.set",
            CommandCode::Lease => "tlc.lease",
        }
    }
}

/// Questions that a centre asks of whoever can answer; they change nothing on the street.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Question {
    /// `whatif.run`: try this from the picture that I send. See [`crate::what_if`].
    WhatIf,
    /// `whatif.cancel`: forget it.
    Cancel,
}

impl Question {
    /// Every code.
    pub const ALL: [Question; 2] = [Question::WhatIf, Question::Cancel];
    /// As in the topic.
    pub fn as_str(self) -> &'static str {
        match self {
            Question::WhatIf => "whatif.run",
            Question::Cancel => "whatif.cancel",
        }
    }
}

/// Type and code of a message.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// Whether the node is there. Retained; the Will says `offline`.
    Presence,
    /// Live state and aggregates.
    Status(StatusCode),
    /// The same after an outage, behind live data.
    Replay(StatusCode),
    /// What a centre asks of it, of the past, under the cabinet's node. Never retained.
    Fetch(StatusCode),
    /// What the cabinet still has of it.
    History(StatusCode),
    /// What a centre's store has of it, under the cabinet's node. Never retained.
    Stored(StatusCode),
    /// A centre stops it or lets it run again, under the cabinet's node. Never retained.
    Throttle(StatusCode),
    /// Whether it runs. Retained.
    Channel(StatusCode),
    /// What the centre asks. Never retained.
    Command(CommandCode),
    /// What the cabinet answers, under the asking centre's node.
    Result(CommandCode),
    /// What a centre asks of a simulator, under the centre's node. Never retained.
    Ask(Question),
    /// What a simulator answers, under the asking centre's node.
    Answer(Question),
    /// Alarms; the code is free text such as `tlc.lamp`.
    Alarm(String),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Presence => f.write_str("presence"),
            Kind::Status(code) => write!(f, "status/{}", code.as_str()),
            Kind::Replay(code) => write!(f, "replay/{}", code.as_str()),
            Kind::Fetch(code) => write!(f, "fetch/{}", code.as_str()),
            Kind::History(code) => write!(f, "history/{}", code.as_str()),
            Kind::Stored(code) => write!(f, "stored/{}", code.as_str()),
            Kind::Throttle(code) => write!(f, "throttle/{}", code.as_str()),
            Kind::Channel(code) => write!(f, "channel/{}", code.as_str()),
            Kind::Command(code) => write!(f, "command/{}", code.as_str()),
            Kind::Result(code) => write!(f, "result/{}", code.as_str()),
            Kind::Ask(code) => write!(f, "ask/{}", code.as_str()),
            Kind::Answer(code) => write!(f, "answer/{}", code.as_str()),
            Kind::Alarm(code) => write!(f, "alarm/{code}"),
        }
    }
}

/// Takes a topic apart; `None` if it is none of ours.
pub fn parse(topic: &str) -> Option<(Node, Kind)> {
    let status = |code: &str| StatusCode::ALL.into_iter().find(|c| c.as_str() == code);
    let command = |code: &str| CommandCode::ALL.into_iter().find(|c| c.as_str() == code);
    let question = |code: &str| Question::ALL.into_iter().find(|c| c.as_str() == code);
    // The type is the level after the node; node ids of ours have three levels.
    let mut levels = topic.splitn(5, '/');
    let node = [levels.next()?, levels.next()?, levels.next()?];
    if node.iter().any(|level| level.is_empty()) || node[0] != CITY {
        return None;
    }
    let kind = match (levels.next()?, levels.next()) {
        ("presence", None) => Kind::Presence,
        ("status", Some(code)) => Kind::Status(status(code)?),
        ("replay", Some(code)) => Kind::Replay(status(code)?),
        ("fetch", Some(code)) => Kind::Fetch(status(code)?),
        ("history", Some(code)) => Kind::History(status(code)?),
        ("stored", Some(code)) => Kind::Stored(status(code)?),
        ("throttle", Some(code)) => Kind::Throttle(status(code)?),
        ("channel", Some(code)) => Kind::Channel(status(code)?),
        ("command", Some(code)) => Kind::Command(command(code)?),
        ("result", Some(code)) => Kind::Result(command(code)?),
        ("ask", Some(code)) => Kind::Ask(question(code)?),
        ("answer", Some(code)) => Kind::Answer(question(code)?),
        ("alarm", Some(code)) if !code.is_empty() => Kind::Alarm(code.to_owned()),
        _ => return None,
    };
    Some((Node(node.join("/")), kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds() -> impl Strategy<Value = Kind> {
        let status = prop::sample::select(&StatusCode::ALL[..]);
        let command = prop::sample::select(&CommandCode::ALL[..]);
        let question = prop::sample::select(&Question::ALL[..]);
        prop_oneof![
            Just(Kind::Presence),
            status.clone().prop_map(Kind::Status),
            status.clone().prop_map(Kind::Replay),
            status.clone().prop_map(Kind::Fetch),
            status.clone().prop_map(Kind::History),
            status.clone().prop_map(Kind::Stored),
            status.clone().prop_map(Kind::Throttle),
            status.prop_map(Kind::Channel),
            command.clone().prop_map(Kind::Command),
            command.prop_map(Kind::Result),
            question.clone().prop_map(Kind::Ask),
            question.prop_map(Kind::Answer),
            "[a-z.]{1,12}".prop_map(Kind::Alarm),
        ]
    }

    proptest! {
        #[test]
        fn a_topic_comes_apart_as_it_was_made(
            district in "[^/+#\\p{Cc}]{1,9}", id in "[^/+#\\p{Cc}]{1,9}", kind in kinds(),
        ) {
            let node = Node::cabinet(&DistrictId::new(&district), &JunctionId::new(&id));
            prop_assert_eq!(parse(&node.topic(&kind)), Some((node.clone(), kind)));
            prop_assert_eq!(node.junction(), JunctionId::new(&id));
        }

        #[test]
        fn any_text_is_taken_apart_or_refused(text in ".{0,60}") {
            if let Some((node, kind)) = parse(&text) {
                prop_assert_eq!(node.topic(&kind), text);
            }
        }
    }

    #[test]
    fn topics_of_others_are_refused() {
        let check = |topic: &str, ok: bool| assert_eq!(parse(topic).is_some(), ok, "{topic}");
        check("mow/zao/j1/presence", true);
        check("mow/zao/j1/status/tlc.groups/live", true);
        check("mow/zao/j1/alarm/tlc.lamp", true);
        check("mow/zao/j1/presence/x", false);
        check("mow/zao/j1/status/tlc.groups", false);
        check("mow/zao/j1/status/tlc.groups/live/sg/1", false);
        check("mow/zao/j1/command/tlc.explode", false);
        check("mow/centre/c1/ask/whatif.run", true);
        check("mow/centre/c1/answer/whatif.guess", false);
        check("mow/zao/j1/alarm/", false);
        check("mow//j1/presence", false);
        check("spb/zao/j1/presence", false);
        check("mow/zao/j1", false);
        check("$SYS/broker/uptime/x/y", false);
    }
}
