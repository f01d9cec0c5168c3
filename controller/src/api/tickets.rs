//! Tickets over HTTP: the list, one ticket, and what people do about it.

use super::{
    Api,
    access::Caller,
    control::signed,
    problem::{Body, Code, Path, Query},
    view::{Name, Problem, TicketAct, TicketLine, TicketPerson, TicketRequest, TicketView, TicketsView},
};
use crate::{
    access::{Person, Place, Role},
    tickets::{Act, Fault, Happened, Line, Refused, Sign, Source, State as Stand, Ticket},
};
use axum::{Json, extract::State, http::StatusCode};
use model::time::Moment;
use serde::Deserialize;
use utoipa::IntoParams;

/// Tickets in an answer when nobody says how many.
const USUAL_LIMIT: usize = 200;
/// Most tickets in an answer.
const LARGEST_LIMIT: usize = 2_000;

/// Which tickets.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// `open` or `closed`; `open` if not given.
    state: Option<Wanted>,
    /// Only of that junction.
    junction: Option<String>,
    /// Only with smaller numbers than this.
    before: Option<u64>,
    /// At most so many, 1 to 2,000. 200 if not given.
    limit: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum Wanted {
    Open,
    Closed,
}

/// Tickets, newest first.
#[utoipa::path(get, path = "/api/v1/tickets", tag = "tickets", params(Which), responses(
    (status = 200, body = TicketsView),
    (status = 422, body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "The store has not said yet what there was", body = Problem,
        content_type = "application/problem+json"),
))]
pub(super) async fn get_tickets(
    State(api): State<Api>,
    Query(which): Query<Which>,
) -> Result<Json<TicketsView>, Problem> {
    let limit = which.limit.unwrap_or(USUAL_LIMIT);
    if !(1..=LARGEST_LIMIT).contains(&limit) {
        return Err(Problem::invalid(format!("limit is {limit}; it may be 1 to {LARGEST_LIMIT}")));
    }
    let now = api.0.clock.now();
    let closed = which.state == Some(Wanted::Closed);
    let wanted = |ticket: &&Ticket| {
        ticket.closed.is_some() == closed
            && which.junction.as_ref().is_none_or(|id| ticket.fault.junction == *id)
            && which.before.is_none_or(|before| ticket.number < before)
    };
    let seen = api.0.tickets.look(|tickets| {
        let count = |of: &dyn Fn(&Ticket) -> bool| tickets.open().filter(|ticket| of(ticket)).count();
        TicketsView {
            now: now.0,
            tickets: (tickets.all().filter(wanted).take(limit))
                .map(|ticket| TicketView { lines: Vec::new(), ..view(&api, now, ticket) })
                .collect(),
            open: tickets.open().count(),
            new: count(&|ticket| ticket.state() == Stand::New),
            late: count(&|ticket| late(now, ticket)),
            people: Vec::new(),
        }
    });
    let mut seen = seen.ok_or_else(not_yet)?;
    let may = |person: &&Person| person.role >= Role::Operate;
    let person = |p: &Person| TicketPerson { login: p.login.clone(), name: p.name.clone() };
    seen.people = api.0.gate.people().iter().filter(may).map(person).collect();
    Ok(Json(seen))
}

/// One ticket with its history.
#[utoipa::path(get, path = "/api/v1/tickets/{number}", tag = "tickets",
    params(("number" = u64, Path, description = "The ticket's number")),
    responses(
        (status = 200, body = TicketView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get_ticket(
    State(api): State<Api>,
    Path(number): Path<u64>,
) -> Result<Json<TicketView>, Problem> {
    let now = api.0.clock.now();
    let seen = api.0.tickets.look(|tickets| tickets.get(number).map(|ticket| view(&api, now, ticket)));
    seen.ok_or_else(not_yet)?.map(Json).ok_or_else(|| unknown(number))
}

/// Somebody saw something that no device tells: a ticket for it.
#[utoipa::path(post, path = "/api/v1/tickets", tag = "tickets",
    request_body = TicketRequest,
    responses(
        (status = 201, body = TicketView),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn post_tickets(
    State(api): State<Api>,
    caller: Caller,
    Body(request): Body<TicketRequest>,
) -> Result<(StatusCode, Json<TicketView>), Problem> {
    let junction = &api.0.city.junctions[api.junction(&request.junction)?.ix()];
    api.permit(&caller, Role::Operate, Place::District(&junction.district), "a ticket")?;
    let who = caller.signature(request.who.as_deref())?;
    let text = signed("text", &request.text)?;
    if !(1..=3).contains(&request.priority) {
        return Err(Problem::invalid(format!("priority is {}; it may be 1 to 3", request.priority)));
    }
    let now = api.0.clock.now();
    let fault = Fault { junction: request.junction, code: "seen".to_owned(), component: String::new() };
    let sign = Sign { fault, priority: request.priority, since: now, message: text, value: None };
    let entry = format!("junction {}: ticket {{}} by {who} ({})", sign.fault.junction, sign.message);
    let number = api.0.tickets.change(now, |tickets| {
        let number = tickets.report(now, sign, &who);
        (number, number.into_iter().collect())
    });
    let number = number.ok_or_else(not_yet)?.map_err(|why| refused(0, why))?;
    api.note(entry.replacen("{}", &number.to_string(), 1));
    Ok((StatusCode::CREATED, get_ticket(State(api), Path(number)).await?))
}

/// Takes note of a ticket, gives it to somebody, writes something down, or closes it.
#[utoipa::path(post, path = "/api/v1/tickets/{number}", tag = "tickets",
    params(("number" = u64, Path, description = "The ticket's number")),
    request_body = TicketAct,
    responses(
        (status = 200, body = TicketView),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong, or closed, or nothing proves that it is mended", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn post_ticket(
    State(api): State<Api>,
    Path(number): Path<u64>,
    caller: Caller,
    Body(request): Body<TicketAct>,
) -> Result<Json<TicketView>, Problem> {
    let junction = api.0.tickets.look(|all| all.get(number).map(|t| t.fault.junction.clone()));
    let junction = junction.ok_or_else(not_yet)?.ok_or_else(|| unknown(number))?;
    // A junction that is not ours any more still may have had tickets; then one needs the right everywhere.
    let district = api.junction(&junction).ok().map(|ix| &api.0.city.junctions[ix.ix()].district);
    let place = district.map_or(Place::City, Place::District);
    let role = if request.close.is_some() && request.unproved { Role::Manage } else { Role::Operate };
    api.permit(&caller, role, place, &format!("an act on ticket {number}"))?;
    let who = caller.signature(request.who.as_deref())?;
    let act = act(&api, &request)?;
    let entry = format!("ticket {number} at junction {junction}: {} by {who}", words(&act));
    let now = api.0.clock.now();
    let done = api.0.tickets.change(now, |tickets| (tickets.act(now, number, &who, act), vec![number]));
    done.ok_or_else(not_yet)?.map_err(|why| refused(number, why))?;
    api.note(entry);
    get_ticket(State(api), Path(number)).await
}

fn act(api: &Api, request: &TicketAct) -> Result<Act, Problem> {
    match (request.accept, &request.assign, &request.note, &request.close) {
        (true, None, None, None) => Ok(Act::Accept),
        (false, Some(to), None, None) if to.trim().is_empty() => Ok(Act::Assign(None)),
        (false, Some(to), None, None) => {
            if api.0.gate.is_open() {
                return Ok(Act::Assign(Some(signed("assign", to)?)));
            }
            let people = api.0.gate.people();
            let person = people.iter().find(|person| person.login == *to && person.role >= Role::Operate);
            let person =
                person.ok_or_else(|| Problem::invalid(format!("nobody with the login {to:?} may mend")))?;
            Ok(Act::Assign(Some(person.signature())))
        }
        (false, None, Some(text), None) => Ok(Act::Note(signed("note", text)?)),
        (false, None, None, Some(reason)) => {
            Ok(Act::Close { reason: signed("close", reason)?, unproved: request.unproved })
        }
        _ => Err(Problem::invalid("give exactly one of accept, assign, note and close")),
    }
}

/// An act in a few words, for the audit.
fn words(act: &Act) -> String {
    match act {
        Act::Accept => "accepted".to_owned(),
        Act::Assign(None) => "given to nobody".to_owned(),
        Act::Assign(Some(to)) => format!("given to {to}"),
        Act::Note(text) => format!("noted ({text})"),
        Act::Close { reason, unproved: false } => format!("closed ({reason})"),
        Act::Close { reason, unproved: true } => format!("closed without proof ({reason})"),
    }
}

fn unknown(number: u64) -> Problem {
    Problem::not_found(format!("there is no ticket {number}"))
}

fn not_yet() -> Problem {
    Problem::unavailable("the store has not said yet what tickets there were")
}

fn refused(number: u64, why: Refused) -> Problem {
    match why {
        Refused::Unknown => unknown(number),
        Refused::Closed => Problem::invalid(format!("ticket {number} is closed; only a note can be added")),
        Refused::Unproved => {
            let detail = "the fault still shows; it can be closed without proof by somebody who manages, with unproved";
            Problem::new(Code::Unsafe, StatusCode::UNPROCESSABLE_ENTITY, detail)
        }
        Refused::Full => Problem::unavailable("too many tickets are open"),
    }
}

fn late(now: Moment, ticket: &Ticket) -> bool {
    let unheeded = ticket.accepted.is_none() && ticket.gone.is_none() && now > ticket.accept_by;
    ticket.closed.is_none() && (unheeded || now > ticket.due)
}

fn view(api: &Api, now: Moment, ticket: &Ticket) -> TicketView {
    let fault = &ticket.fault;
    let junction = api.junction(&fault.junction).ok().map(|ix| &api.0.city.junctions[ix.ix()]);
    let parts = [&fault.junction, &fault.code, &fault.component];
    let alarm: Vec<&str> = parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    let proved = ticket.gone.filter(|_| ticket.closed.is_none() && ticket.source == Source::Alarm);
    TicketView {
        number: ticket.number,
        state: match ticket.state() {
            Stand::New => "new",
            Stand::Accepted => "accepted",
            Stand::Proving => "proving",
            Stand::Closed => "closed",
        }
        .to_owned(),
        source: match ticket.source {
            Source::Alarm => "alarm",
            Source::Measure => "measure",
            Source::Person => "person",
        }
        .to_owned(),
        junction: fault.junction.clone(),
        name: junction.map(|j| Name::of(&j.name)).unwrap_or_default(),
        district: junction.map_or_else(String::new, |j| j.district.as_str().to_owned()),
        code: fault.code.clone(),
        component: fault.component.clone(),
        alarm: alarm.join("/"),
        priority: ticket.priority,
        message: ticket.message.clone(),
        value: ticket.value,
        opened_at: ticket.opened.0,
        accept_by: ticket.accept_by.0,
        due_at: ticket.due.0,
        late: late(now, ticket),
        gone_at: ticket.gone.map(|at| at.0),
        proved_at: proved.map(|at| (at + api.0.tickets.rules().proof).0),
        returned: ticket.returned,
        accepted_by: ticket.accepted.clone(),
        assignee: ticket.assignee.clone(),
        closed_at: ticket.closed.map(|at| at.0),
        lines: ticket.lines.iter().map(line).collect(),
    }
}

fn line(line: &Line) -> TicketLine {
    let (what, text) = match &line.what {
        Happened::Opened => ("opened", None),
        Happened::Gone => ("gone", None),
        Happened::Back => ("back", None),
        Happened::Accepted => ("accepted", None),
        Happened::Assigned(to) => ("assigned", to.clone()),
        Happened::Noted(text) => ("noted", Some(text.clone())),
        Happened::Proved(_) => ("proved", None),
        Happened::Closed { reason, unproved: false } => ("closed", Some(reason.clone())),
        Happened::Closed { reason, unproved: true } => ("closed_unproved", Some(reason.clone())),
    };
    TicketLine { at: line.at.0, who: line.who.clone(), what: what.to_owned(), text }
}
