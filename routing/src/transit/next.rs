//! What comes next: the best connection that leaves first, from one search ahead and a few back.

use super::{
    day::NEVER,
    search::{Found, Request, Search},
};

/// What comes next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// These connections, as the search back found them: one, or all that leave at once.
    Found(Vec<Found>),
    /// Nothing in time.
    None,
    /// Perhaps something, but the one that leaves first is no quicker than walking.
    SlowerThanWalking,
}

/// The connection that leaves first of all that are best: none leaves later, arrives no later and takes no more rides. If it
/// leaves at once, so may others, and all of them are told.
///
/// It arrives as early as one can with its number of rides, and is the last to leave of those that do. So one search finds when
/// one can be there, and searches back from there find when one has to leave. `turned` is the same question as the day turned
/// round has it; it leaves within `widest` seconds.
pub(crate) fn next(
    search: &mut Search,
    back: &mut Search,
    request: Request<'_>,
    turned: Request<'_>,
    widest: u32,
) -> Next {
    let soonest = search.one_and_its_like(&Request { longest: NEVER, ..request });
    let (mut first, mut found) = (u32::MAX, Vec::<Found>::new());
    for one in soonest {
        if first < one.departure {
            continue; // It can be left for later still.
        }
        // Who arrives after the table's end cannot be searched back from; nobody asks so far ahead.
        let Some(start) = request.day.turned_time(one.arrival) else { continue };
        let latest = back.one(&Request {
            start,
            rides: one.rides.len(),
            longest: one.arrival - one.departure + 1,
            met: Some(search),
            ..turned
        });
        let Some(latest) = latest.into_iter().next_back() else { continue };
        let Some(departure) = request.day.turned_time(latest.arrival).filter(|at| *at <= first) else {
            continue;
        };
        if departure < first || departure > request.start {
            found.clear();
        }
        first = departure;
        found.push(latest);
    }
    if found.is_empty() || first > request.start.saturating_add(widest) {
        Next::None
    } else if found.iter().any(|found| found.arrival - found.departure >= request.longest) {
        Next::SlowerThanWalking
    } else {
        Next::Found(found)
    }
}
