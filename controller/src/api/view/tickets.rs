//! Tickets: faults that somebody must mend.

use super::Name;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /api/v1/tickets`.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct TicketsView {
    /// The city's clock.
    pub now: i64,
    /// Newest first, without their histories.
    pub tickets: Vec<TicketView>,
    /// How many are open in all.
    pub open: usize,
    /// How many open ones nobody has taken note of.
    pub new: usize,
    /// How many open ones are past what the rules allow.
    pub late: usize,
    /// To whom a ticket can be given. Empty where nobody signs in: any name does there.
    pub people: Vec<TicketPerson>,
}

/// Somebody to whom a ticket can be given.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct TicketPerson {
    /// What they sign in with.
    pub login: String,
    /// What others call them.
    pub name: String,
}

/// A ticket.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct TicketView {
    /// Its number.
    pub number: u64,
    /// `new`, `accepted`, `proving` (the fault is gone and has to stay so), `closed`.
    pub state: String,
    /// Who saw it: `alarm`, `measure` (the watchdog over a day), `person`.
    pub source: String,
    /// The junction.
    pub junction: String,
    /// Its name.
    pub name: Name,
    /// Its district.
    pub district: String,
    /// As with alarms; `missing_data`, `max_out`, `stuck_ped` and `low_hits` are the watchdog's, `seen` is a person's.
    pub code: String,
    /// `sg/3`, `dl/7` or empty.
    pub component: String,
    /// The alarm's id, while the same fault has one.
    pub alarm: String,
    /// 1 act now, 2 within the hour, 3 this shift.
    pub priority: u8,
    /// For people, English.
    pub message: String,
    /// How much the measure said: events, % of greens, calls, vehicles; null if it is no measure's.
    pub value: Option<u32>,
    /// Since when; the last time, if it came back after it was closed.
    pub opened_at: i64,
    /// Somebody ought to have taken note by then.
    pub accept_by: i64,
    /// It ought to be mended by then.
    pub due_at: i64,
    /// One of the two is past.
    pub late: bool,
    /// Since when the fault does not show; null while it does.
    pub gone_at: Option<i64>,
    /// When it will be closed by itself if the fault does not come back; null where only a day's measure or a person does.
    pub proved_at: Option<i64>,
    /// How often it came back.
    pub returned: u32,
    /// Who took note; null if nobody has.
    pub accepted_by: Option<String>,
    /// Whose it is; null if nobody's.
    pub assignee: Option<String>,
    /// When it was closed; null while it is open.
    pub closed_at: Option<i64>,
    /// Its history, oldest first; empty in lists.
    pub lines: Vec<TicketLine>,
}

/// A line of a ticket's history.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct TicketLine {
    /// When.
    pub at: i64,
    /// Whose doing; null if it was no person's.
    pub who: Option<String>,
    /// `opened`, `gone`, `back`, `accepted`, `assigned`, `noted`, `proved`, `closed`, `closed_unproved`.
    pub what: String,
    /// The note, the reason, or to whom it was given; null where there is nothing to say.
    pub text: Option<String>,
}

/// `POST /api/v1/tickets`: somebody saw something that no device tells.
#[derive(Clone, PartialEq, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketRequest {
    /// Where.
    pub junction: String,
    /// 1 to 3.
    pub priority: u8,
    /// What. One line.
    pub text: String,
    /// Who says so, where nobody signs in.
    pub who: Option<String>,
}

/// `POST /api/v1/tickets/{number}`: exactly one of accept, assign, note and close.
#[derive(Clone, PartialEq, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketAct {
    /// Take note of it.
    #[serde(default)]
    pub accept: bool,
    /// Give it to that login (where nobody signs in: name); empty for nobody.
    pub assign: Option<String>,
    /// Write that down. One line.
    pub note: Option<String>,
    /// Close it for that reason. While the fault shows this needs `unproved`.
    pub close: Option<String>,
    /// With `close`: nothing proves that it is mended, and that is known. Needs the role manage.
    #[serde(default)]
    pub unproved: bool,
    /// Who, where nobody signs in.
    pub who: Option<String>,
}
