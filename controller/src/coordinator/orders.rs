//! Operators' orders: the newest of each sort stands, the newest of all rules, and each ends by itself.

use super::{Action, Coordinator, Order, OrderInForce, OrderKind};
use crate::{
    decide::{Kind, Local, local_time},
    drafts::{Drafted, HOLIDAYS},
};
use model::{ids::JunctionIx, time::Moment};
use std::{mem::discriminant, sync::Arc};
use wire::{
    command::Body,
    message::Rung,
    result::{CommandResult, ResultState},
};

/// Orders kept for one junction, refused ones that wait to be seen included. There are four sorts that can
/// stand at once; past the bound the oldest refused ones go.
const ORDERS_KEPT: usize = 8;

impl Coordinator {
    pub(super) fn take_order(&mut self, now: Moment, order: Order, actions: &mut Vec<Action>) {
        match order.junction {
            Some(ix) if ix.ix() >= self.live.len() => self.reject("order.junction"),
            Some(ix) => self.take_order_at(now, ix, order, actions),
            None => {
                for ix in (0..self.live.len()).map(JunctionIx::from) {
                    self.take_order_at(now, ix, order.clone(), actions);
                }
            }
        }
    }

    fn take_order_at(&mut self, now: Moment, ix: JunctionIx, order: Order, actions: &mut Vec<Action>) {
        let junction = &self.city.junctions[ix.ix()];
        let id = &junction.id;
        let fault = self.order_fault(now, ix, &order);
        let orders = &mut self.live[ix.ix()].orders;
        if order.what == OrderKind::Default && fault.is_none() {
            for ended in orders.drain(..).filter(|o| o.state != "rejected") {
                actions.push(Action::Audit(format!(
                    "junction {id}: {} by {} ended by {} ({})",
                    words(ended.order.what),
                    ended.order.who,
                    order.who,
                    order.reason
                )));
            }
            return;
        }
        let what = words(order.what);
        let until = utc(order.until);
        match &fault {
            Some(fault) => actions.push(Action::Audit(format!(
                "junction {id}: {what} by {} refused: {fault} ({})",
                order.who, order.reason
            ))),
            None => {
                let same = |o: &OrderInForce| discriminant(&o.order.what) == discriminant(&order.what);
                orders.retain(|o| o.state == "rejected" || !same(o));
                actions.push(Action::Audit(format!(
                    "junction {id}: {what} by {} until {until} ({})",
                    order.who, order.reason
                )));
            }
        }
        let state = match (&fault, order.what) {
            (Some(_), _) => "rejected",
            // Nothing on the street must happen first: the next decision is already by that kind.
            (None, OrderKind::Kind(_)) => "applied",
            (None, _) => "sent",
        };
        orders.insert(0, OrderInForce { order, since: now, state, detail: fault.unwrap_or_default() });
        while orders.len() > ORDERS_KEPT {
            let oldest = orders.iter().rposition(|o| o.state == "rejected").unwrap_or(orders.len() - 1);
            orders.remove(oldest);
        }
    }

    /// A draft begins or ends. What is not safe by our own data does not begin, whoever approved it.
    pub(super) fn take_draft(
        &mut self,
        ix: JunctionIx,
        drafted: Option<Arc<Drafted>>,
        actions: &mut Vec<Action>,
    ) {
        let junction = &self.city.junctions[ix.ix()];
        let fault = drafted.as_ref().and_then(|d| junction.plan_faults(&d.plan).into_iter().next());
        if let (Some(fault), Some(drafted)) = (&fault, &drafted) {
            let (id, number) = (&junction.id, drafted.number);
            actions.push(Action::Audit(format!("junction {id}: draft {number} does not run: {fault}")));
        }
        self.live[ix.ix()].drafted = drafted.filter(|_| fault.is_none());
    }

    /// Why an order cannot be taken, in words.
    fn order_fault(&self, now: Moment, ix: JunctionIx, order: &Order) -> Option<String> {
        let junction = &self.city.junctions[ix.ix()];
        if order.until <= now {
            return Some("it is already over".to_string());
        }
        match order.what {
            OrderKind::Hold(stage) => {
                let Some(stage) = junction.stage(stage) else {
                    return Some(format!("stage {stage} does not exist"));
                };
                let conflict = stage.green.iter().enumerate().find_map(|(k, &a)| {
                    let b = stage.green[k + 1..].iter().find(|&&b| junction.intergreens.conflict(a, b))?;
                    Some((a, *b))
                });
                conflict.map(|(a, b)| format!("groups {a} and {b} conflict"))
            }
            OrderKind::Plan(plan) => match junction.plan(plan) {
                None => Some(format!("plan {plan} does not exist")),
                Some(plan) => junction.plan_faults(plan).into_iter().next(),
            },
            OrderKind::Kind(_) | OrderKind::Flash | OrderKind::Default => None,
        }
    }

    /// Ends what is over, and brings the rule in force up to date.
    pub(super) fn end_orders(&mut self, now: Moment, ix: JunctionIx, actions: &mut Vec<Action>) {
        let id = &self.city.junctions[ix.ix()].id;
        let default = self.settings.kinds.get(&ix).copied().unwrap_or(self.settings.kind);
        let local = local_time(now.0, self.settings.utc_offset_s, &self.settings.holidays);
        let live = &mut self.live[ix.ix()];
        live.orders.retain(|o| {
            let over = o.order.until <= now;
            if over && o.state != "rejected" {
                actions.push(Action::Audit(format!(
                    "junction {id}: {} by {} ended: its time is over",
                    words(o.order.what),
                    o.order.who
                )));
            }
            !over
        });
        let ordered = live.orders.iter().filter(|o| o.state != "rejected").find_map(|o| match o.order.what {
            OrderKind::Kind(kind) => Some(kind),
            _ => None,
        });
        // A draft is what runs when nobody orders anything.
        live.by_draft = ordered.is_none() && live.drafted.as_ref().is_some_and(|d| runs(d, local));
        live.kind = ordered.unwrap_or(if live.by_draft { Kind::Fixed } else { default });
        // A hold is applied when its stage is green.
        let (stage, interstage) = (live.stage, live.interstage);
        let in_force = live.orders.iter_mut().find(|o| o.state != "rejected");
        if let Some((hold, wanted)) = in_force.and_then(|o| match o.order.what {
            OrderKind::Hold(wanted) => Some((o, wanted)),
            _ => None,
        }) {
            let there = stage == Some(wanted) && !interstage;
            if there && hold.state != "applied" {
                let (what, who) = (words(hold.order.what), &hold.order.who);
                actions.push(Action::Audit(format!("junction {id}: {what} by {who} is in force")));
            }
            hold.state = match (there, hold.state) {
                (true, _) => "applied",
                (false, "applied") => "accepted",
                (false, state) => state,
            };
        }
    }

    /// A cabinet answered a command: what that means for the order that made us send it.
    pub(super) fn order_answered(
        &mut self,
        ix: JunctionIx,
        body: &Body,
        result: &CommandResult,
        actions: &mut Vec<Action>,
    ) {
        let ours = |what: OrderKind| match (what, body) {
            (OrderKind::Hold(stage), Body::Stage(asked)) => stage.0 == *asked,
            (OrderKind::Plan(plan), Body::Plan(asked)) => plan.0 == *asked,
            (OrderKind::Flash, Body::Mode(Rung::Flashing)) => true,
            _ => false,
        };
        let orders = &mut self.live[ix.ix()].orders;
        let Some(order) = orders.iter_mut().find(|o| o.state != "rejected").filter(|o| ours(o.order.what))
        else {
            return;
        };
        let id = &self.city.junctions[ix.ix()].id;
        let before = order.state;
        let mut tell = |order: &OrderInForce, outcome: &str| {
            let (what, who) = (words(order.order.what), &order.order.who);
            actions.push(Action::Audit(format!("junction {id}: {what} by {who} {outcome}")));
        };
        match result.state {
            ResultState::Received => (),
            ResultState::Accepted if order.state != "applied" => order.state = "accepted",
            ResultState::Accepted => (),
            ResultState::Applied => {
                // A held stage is reached only after its interstage.
                order.state =
                    if matches!(order.order.what, OrderKind::Hold(_)) { "accepted" } else { "applied" };
                order.detail.clear();
                if order.state == "applied" && before != "applied" {
                    tell(order, "is in force");
                }
            }
            // It is asked again until the order ends; until then the last refusal stands beside it.
            ResultState::Rejected | ResultState::Expired => {
                if order.detail != result.detail {
                    tell(order, &format!("was not taken by the cabinet: {}", result.detail));
                }
                order.detail.clone_from(&result.detail);
            }
        }
    }
}

fn runs(drafted: &Drafted, Local { holiday, weekday, minute }: Local) -> bool {
    drafted.runs(if holiday { HOLIDAYS } else { 1 << weekday }, minute)
}

/// A moment as the audit writes it: everywhere the same, whoever reads it.
pub(crate) fn utc(at: Moment) -> String {
    jiff::Timestamp::from_millisecond(at.0 / 1000 * 1000).map_or_else(|_| at.0.to_string(), |t| t.to_string())
}

/// An order in a few words, for the audit.
pub(crate) fn words(what: OrderKind) -> String {
    match what {
        OrderKind::Kind(kind) => format!("control by {}", kind.as_str()),
        OrderKind::Hold(stage) => format!("hold of stage {stage}"),
        OrderKind::Plan(plan) => format!("plan {plan}"),
        OrderKind::Flash => "flashing amber".to_string(),
        OrderKind::Default => "return to the default".to_string(),
    }
}
