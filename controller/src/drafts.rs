//! Drafts of plans: what an engineer writes, from the first try until it runs and is taken back.
//!
//! A cabinet takes a plan by its number and nothing else (the register map has no place for a new one), so a draft is run by the
//! centre: it asks for the stages one after another, within the lease, as it does with every kind of control. When the
//! centre falls silent the cabinet runs its own plans, as ever. Somebody else than the author must approve; the first
//! run is a canary that ends by itself.
//!
//! Pure: time is handed in. [`crate::drafting`] carries things to and fro.

use model::{
    ids::JunctionIx,
    signal::{Junction, Plan},
    time::Moment,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// Drafts that are open at once: they are read by people.
pub const MOST_OPEN: usize = 500;
/// Lines of a draft's history; past it the oldest go.
pub const MOST_LINES: usize = 200;
/// Times of the day in one draft.
pub const MOST_HOURS: usize = 32;
/// Minutes of a day.
const DAY_MIN: u16 = 24 * 60;
/// The bit of [`Hours::days`] for holidays, which are no day of the week.
pub const HOLIDAYS: u8 = 1 << 7;

/// When a draft runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hours {
    /// Bit 0 is Monday, bit 6 Sunday, bit 7 a holiday.
    pub days: u8,
    /// From then on, minutes after local midnight.
    pub from_minute: u16,
    /// And before then, at most 1440.
    pub until_minute: u16,
}

impl Hours {
    /// What is wrong with it.
    pub fn fault(&self) -> Option<&'static str> {
        match () {
            () if self.days == 0 => Some("no day is chosen"),
            () if self.until_minute > DAY_MIN => Some("a day ends at 24:00"),
            () if self.from_minute >= self.until_minute => Some("it ends before it begins"),
            () => None,
        }
    }
}

/// What the centre runs somewhere instead of the usual kind of control.
#[derive(Clone, PartialEq, Debug)]
pub struct Drafted {
    /// The draft's number.
    pub number: u64,
    /// The plan.
    pub plan: Plan,
    /// When; empty means always.
    pub hours: Vec<Hours>,
}

impl Drafted {
    /// Whether it runs on a day (as a bit of [`Hours::days`]) at a minute after local midnight.
    pub fn runs(&self, day: u8, minute: u16) -> bool {
        let covers = |h: &Hours| h.days & day != 0 && (h.from_minute..h.until_minute).contains(&minute);
        self.hours.is_empty() || self.hours.iter().any(covers)
    }
}

/// What a what-if said of a draft.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Tried {
    /// The question's id.
    pub what_if: String,
    /// When it was asked.
    pub at: Moment,
    /// How far it looked ahead, min.
    pub minutes: u32,
    /// Mean delay before the junction without and with the draft, s per vehicle.
    pub delay_s: (f64, f64),
    /// The 95 % interval of the difference.
    pub difference_s: (f64, f64),
    /// `better`, `worse` or `no difference shown`.
    pub verdict: String,
}

/// How far a draft is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It can be changed.
    Draft,
    /// It waits for a second person.
    Proposed,
    /// It may run.
    Approved,
    /// It runs until then, and then ends by itself.
    Canary(Moment),
    /// It runs.
    RolledOut,
    /// It is over.
    Withdrawn,
}

/// What can be done to a draft.
#[derive(Clone, PartialEq, Debug)]
pub enum Act {
    /// Change it.
    Edit(Content),
    /// Note what a what-if said.
    Try(Tried),
    /// Ask a second person.
    Propose,
    /// Be the second person.
    Approve,
    /// Be the second person, and say no.
    Refuse(String),
    /// Run it for so long.
    Canary(Duration),
    /// Run it until somebody takes it back.
    RollOut,
    /// Stop running it.
    RollBack(String),
    /// Give it up.
    Withdraw(String),
}

/// What a draft says.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Content {
    /// The plan. Its number is that of the plan that it was made from.
    pub plan: Plan,
    /// When it runs; empty means always.
    pub hours: Vec<Hours>,
    /// What it is for.
    pub reason: String,
}

/// A line of a draft's history.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// When.
    pub at: Moment,
    /// Who; `None` where it went by itself.
    pub who: Option<String>,
    /// `made`, `edited`, `tried`, `proposed`, `approved`, `refused`, `canary`, `canary_over`, `rolled_out`, `rolled_back`,
    /// `withdrawn`.
    pub what: String,
    /// Their reason, or empty.
    pub text: String,
}

/// A draft.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Draft {
    /// Its number.
    pub number: u64,
    /// The junction's id.
    pub junction: String,
    /// What it says.
    pub content: Content,
    /// How far it is.
    pub state: State,
    /// It ran as a canary since it was last approved.
    pub canaried: bool,
    /// Whoever changed it last: the login, or the name where nobody signs in.
    pub author: String,
    /// The same, for people.
    pub author_name: String,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// What a what-if said of it as it is.
    pub tried: Option<Tried>,
    /// Its history, oldest first.
    pub lines: Vec<Line>,
}

impl Draft {
    /// Whether it runs.
    pub fn runs(&self) -> bool {
        matches!(self.state, State::Canary(_) | State::RolledOut)
    }

    fn write(&mut self, at: Moment, who: Option<&str>, what: &str, text: &str) {
        if self.lines.len() >= MOST_LINES {
            self.lines.remove(0);
        }
        self.lines.push(Line {
            at,
            who: who.map(str::to_owned),
            what: what.to_owned(),
            text: text.to_owned(),
        });
    }
}

/// Somebody who does something.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// What they are told apart by.
    pub key: &'a str,
    /// How they are named.
    pub name: &'a str,
}

/// Why it could not be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refused {
    /// There is no such draft.
    Unknown,
    /// Too many are open.
    Full,
    /// It is not so far, or too far for that.
    State,
    /// Whoever wrote it is no second person.
    Same,
    /// It must run as a canary first.
    NoCanary,
    /// Another draft runs at the junction.
    Busy(u64),
    /// The plan is not safe there.
    Unsafe(String),
}

/// All drafts.
#[derive(Clone, Debug, Default)]
pub struct Drafts {
    all: BTreeMap<u64, Draft>,
    last: u64,
}

impl Drafts {
    /// Takes a draft from before the start.
    pub fn recall(&mut self, draft: Draft) {
        self.last = self.last.max(draft.number);
        self.all.insert(draft.number, draft);
    }

    /// The draft of that number.
    pub fn get(&self, number: u64) -> Option<&Draft> {
        self.all.get(&number)
    }

    /// All, newest first.
    pub fn all(&self) -> impl Iterator<Item = &Draft> {
        self.all.values().rev()
    }

    /// A new one.
    pub fn make(
        &mut self,
        now: Moment,
        junction: &Junction,
        who: Who<'_>,
        content: Content,
    ) -> Result<u64, Refused> {
        if self.all.values().filter(|d| d.state != State::Withdrawn).count() >= MOST_OPEN {
            return Err(Refused::Full);
        }
        sound(junction, &content)?;
        self.last += 1;
        let mut draft = Draft {
            number: self.last,
            junction: junction.id.as_str().to_owned(),
            content,
            state: State::Draft,
            canaried: false,
            author: who.key.to_owned(),
            author_name: who.name.to_owned(),
            approved_by: None,
            tried: None,
            lines: Vec::new(),
        };
        let reason = draft.content.reason.clone();
        draft.write(now, Some(who.name), "made", &reason);
        self.all.insert(self.last, draft);
        Ok(self.last)
    }

    /// Does something to one.
    pub fn act(
        &mut self,
        now: Moment,
        number: u64,
        junction: &Junction,
        who: Who<'_>,
        act: Act,
    ) -> Result<(), Refused> {
        let draft = self.all.get(&number).ok_or(Refused::Unknown)?;
        let other =
            self.all.values().find(|d| d.runs() && d.number != number && d.junction == draft.junction);
        let (busy, other) = (other.is_some(), other.map_or(0, |d| d.number));
        let runs = draft.runs();
        let draft = self.all.get_mut(&number).ok_or(Refused::Unknown)?;
        let name = Some(who.name);
        match (act, draft.state) {
            (Act::Edit(content), State::Draft | State::Proposed | State::Approved) => {
                sound(junction, &content)?;
                if content.plan != draft.content.plan {
                    draft.tried = None;
                }
                draft.content = content;
                (draft.author, draft.author_name) = (who.key.to_owned(), who.name.to_owned());
                (draft.state, draft.approved_by, draft.canaried) = (State::Draft, None, false);
                let reason = draft.content.reason.clone();
                draft.write(now, name, "edited", &reason);
            }
            (Act::Try(tried), state) if state != State::Withdrawn => {
                let verdict = tried.verdict.clone();
                draft.tried = Some(tried);
                draft.write(now, name, "tried", &verdict);
            }
            (Act::Propose, State::Draft) => {
                draft.state = State::Proposed;
                draft.write(now, name, "proposed", "");
            }
            (Act::Approve, State::Proposed) => {
                if draft.author == who.key {
                    return Err(Refused::Same);
                }
                // The city's data may have changed since it was written.
                sound(junction, &draft.content)?;
                draft.state = State::Approved;
                draft.approved_by = Some(who.name.to_owned());
                draft.write(now, name, "approved", "");
            }
            (Act::Refuse(reason), State::Proposed) => {
                draft.state = State::Draft;
                draft.write(now, name, "refused", &reason);
            }
            (Act::Canary(length), State::Approved | State::Canary(_)) => {
                if busy {
                    return Err(Refused::Busy(other));
                }
                sound(junction, &draft.content)?;
                draft.state = State::Canary(now + length);
                draft.canaried = true;
                draft.write(now, name, "canary", &format!("{} min", length.as_secs() / 60));
            }
            (Act::RollOut, State::Approved | State::Canary(_)) => {
                if busy {
                    return Err(Refused::Busy(other));
                }
                if !draft.canaried {
                    return Err(Refused::NoCanary);
                }
                draft.state = State::RolledOut;
                draft.write(now, name, "rolled_out", "");
            }
            (Act::RollBack(reason), State::Canary(_) | State::RolledOut) => {
                (draft.state, draft.approved_by, draft.canaried) = (State::Draft, None, false);
                draft.write(now, name, "rolled_back", &reason);
            }
            (Act::Withdraw(reason), state) if !runs && state != State::Withdrawn => {
                draft.state = State::Withdrawn;
                draft.write(now, name, "withdrawn", &reason);
            }
            _ => return Err(Refused::State),
        }
        Ok(())
    }

    /// Time passed: canaries end. The numbers of those that did.
    pub fn tick(&mut self, now: Moment) -> Vec<u64> {
        let mut over = Vec::new();
        for draft in self.all.values_mut() {
            if let State::Canary(until) = draft.state
                && until <= now
            {
                draft.state = State::Approved;
                draft.write(now, None, "canary_over", "");
                over.push(draft.number);
            }
        }
        over
    }

    /// What is to run where: only what is safe by the junction's data of today.
    pub fn running<'a>(
        &self,
        junction: impl Fn(&str) -> Option<(JunctionIx, &'a Junction)>,
    ) -> BTreeMap<JunctionIx, Drafted> {
        let drafted = |draft: &Draft| {
            let (ix, junction) = junction(&draft.junction)?;
            sound(junction, &draft.content).ok()?;
            let Content { plan, hours, .. } = draft.content.clone();
            Some((ix, Drafted { number: draft.number, plan, hours }))
        };
        self.all.values().filter(|draft| draft.runs()).filter_map(drafted).collect()
    }
}

/// Whether the content can run at the junction.
fn sound(junction: &Junction, content: &Content) -> Result<(), Refused> {
    let wrong = junction.plan_faults(&content.plan).into_iter().next();
    let wrong = wrong.or_else(|| content.hours.iter().find_map(Hours::fault).map(str::to_owned));
    wrong.map_or(Ok(()), |fault| Err(Refused::Unsafe(fault)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{
        ids::{PlanNumber, StageNumber},
        signal::PlanStep,
        time::Tenths,
    };

    fn junction() -> Junction {
        let drawing = "
            N
            |
            |
        W---C---E
            |
            |
            S
        ";
        model::sketch::city(drawing, "C").junctions.remove(0)
    }

    fn content(splits: &[u32]) -> Content {
        let step = |(stage, s): (u16, &u32)| PlanStep { stage: StageNumber(stage), split: Tenths(s * 10) };
        let steps = (1..).zip(splits).map(step).collect();
        let plan = Plan { number: PlanNumber(1), name: Default::default(), offset: Tenths(0), steps };
        Content { plan, hours: Vec::new(), reason: "r".into() }
    }

    fn at(s: i64) -> Moment {
        Moment(s * 1000)
    }

    const ANN: Who<'static> = Who { key: "ann", name: "Ann (ann)" };
    const BOB: Who<'static> = Who { key: "bob", name: "Bob (bob)" };

    #[test]
    fn a_draft_goes_its_way_by_two_people() {
        let (junction, mut drafts) = (junction(), Drafts::default());
        assert_eq!(drafts.make(at(0), &junction, ANN, content(&[40, 40])), Ok(1));
        let mut act = |s: i64, who, act| drafts.act(at(s), 1, &junction, who, act).err();
        let canary = || Act::Canary(Duration::from_secs(600));
        assert_eq!(act(1, ANN, Act::Approve), Some(Refused::State), "nobody asked");
        assert_eq!(act(2, ANN, Act::Propose), None);
        assert_eq!(act(3, ANN, Act::Approve), Some(Refused::Same));
        assert_eq!(act(4, BOB, canary()), Some(Refused::State), "not approved");
        assert_eq!(act(5, BOB, Act::Approve), None);
        assert_eq!(act(6, ANN, Act::RollOut), Some(Refused::NoCanary));
        assert_eq!(act(7, ANN, canary()), None);
        assert_eq!(act(8, ANN, Act::Edit(content(&[50, 30]))), Some(Refused::State), "it runs");
        assert_eq!(act(9, ANN, Act::Withdraw("w".into())), Some(Refused::State), "it runs");
        assert_eq!(act(10, ANN, Act::RollOut), None);
        assert_eq!(act(11, BOB, Act::RollBack("queues".into())), None);
        assert_eq!(act(12, ANN, canary()), Some(Refused::State), "it takes two again");
        let said: Vec<_> = drafts.get(1).unwrap().lines.iter().map(|line| line.what.as_str()).collect();
        assert_eq!(said, ["made", "proposed", "approved", "canary", "rolled_out", "rolled_back"]);
    }

    #[test]
    fn an_edit_takes_the_approval_away() {
        let (junction, mut drafts) = (junction(), Drafts::default());
        drafts.make(at(0), &junction, ANN, content(&[40, 40])).unwrap();
        let tried = Tried {
            what_if: "w".into(),
            at: at(0),
            minutes: 30,
            delay_s: (40.0, 38.0),
            difference_s: (-3.0, -1.0),
            verdict: "better".into(),
        };
        for (who, step) in [(ANN, Act::Try(tried)), (ANN, Act::Propose), (BOB, Act::Approve)] {
            drafts.act(at(1), 1, &junction, who, step).unwrap();
        }
        assert!(drafts.get(1).unwrap().tried.is_some());
        drafts.act(at(2), 1, &junction, BOB, Act::Edit(content(&[45, 40]))).unwrap();
        let draft = drafts.get(1).unwrap();
        assert_eq!((draft.state, &draft.approved_by, &draft.tried), (State::Draft, &None, &None));
        drafts.act(at(3), 1, &junction, ANN, Act::Propose).unwrap();
        assert_eq!(drafts.act(at(4), 1, &junction, BOB, Act::Approve), Err(Refused::Same), "now it is his");
    }

    #[test]
    fn a_canary_ends_by_itself_and_one_draft_runs_at_a_time() {
        let (junction, mut drafts) = (junction(), Drafts::default());
        for number in [1, 2] {
            drafts.make(at(0), &junction, ANN, content(&[40, 40])).unwrap();
            drafts.act(at(1), number, &junction, ANN, Act::Propose).unwrap();
            drafts.act(at(2), number, &junction, BOB, Act::Approve).unwrap();
        }
        let canary = || Act::Canary(Duration::from_secs(600));
        drafts.act(at(3), 1, &junction, ANN, canary()).unwrap();
        assert_eq!(drafts.act(at(4), 2, &junction, ANN, canary()), Err(Refused::Busy(1)));
        let find = |_: &str| Some((JunctionIx(0), &junction));
        assert_eq!(drafts.running(find)[&JunctionIx(0)].number, 1);
        assert!(drafts.tick(at(602)).is_empty());
        assert_eq!(drafts.tick(at(603)), [1]);
        assert!(drafts.running(find).is_empty());
        assert_eq!(drafts.act(at(604), 2, &junction, ANN, canary()), Ok(()));
        assert_eq!(drafts.act(at(605), 1, &junction, ANN, Act::RollOut), Err(Refused::Busy(2)));
    }

    #[test]
    fn what_does_not_fit_is_refused_and_never_runs() {
        let (mut junction, mut drafts) = (junction(), Drafts::default());
        let refused = drafts.make(at(0), &junction, ANN, content(&[3, 40]));
        assert!(
            matches!(&refused, Err(Refused::Unsafe(why)) if why.contains("cannot hold interstage")),
            "{refused:?}"
        );
        let mut late = content(&[40, 40]);
        late.hours = vec![Hours { days: 1, from_minute: 600, until_minute: 600 }];
        assert_eq!(
            drafts.make(at(0), &junction, ANN, late),
            Err(Refused::Unsafe("it ends before it begins".into()))
        );
        drafts.make(at(0), &junction, ANN, content(&[40, 40])).unwrap();
        drafts.act(at(1), 1, &junction, ANN, Act::Propose).unwrap();
        drafts.act(at(2), 1, &junction, BOB, Act::Approve).unwrap();
        drafts.act(at(3), 1, &junction, ANN, Act::Canary(Duration::from_secs(600))).unwrap();
        // The junction's data changed: a stage that the draft asks for is there no more.
        junction.stages.truncate(1);
        assert!(drafts.running(|_| Some((JunctionIx(0), &junction))).is_empty());
    }

    #[test]
    fn hours_are_of_days_of_the_week_and_holidays() {
        let hours = vec![
            Hours { days: 0b001_1111, from_minute: 420, until_minute: 600 },
            Hours { days: HOLIDAYS, from_minute: 0, until_minute: DAY_MIN },
        ];
        let drafted = Drafted { number: 1, plan: content(&[40, 40]).plan, hours };
        assert!(drafted.runs(1, 420) && !drafted.runs(1, 419) && !drafted.runs(1, 600));
        assert!(!drafted.runs(1 << 6, 500) && drafted.runs(HOLIDAYS, 500));
        assert!(Drafted { hours: Vec::new(), ..drafted }.runs(1, 0));
    }
}
