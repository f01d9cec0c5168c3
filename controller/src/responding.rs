//! Keeps incidents and response plans, and says with the link times what they do to roads.

use crate::{
    coordinator::LinkSpeed,
    incidents::{Effect, Incident, Incidents, Response},
    store::{DocumentKind, DocumentRow, Store, room::Room},
};
use model::{city::City, ids::LinkIx, time::Moment};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// What is said of a link.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LinkWord {
    /// The link.
    pub link: LinkIx,
    /// Seconds to drive it.
    pub time_s: f64,
    /// Nobody may.
    pub closed: bool,
}

/// All incidents and response plans, for whoever asks.
#[derive(Debug)]
pub(crate) struct IncidentBoard {
    city: Arc<City>,
    links: HashMap<String, LinkIx>,
    /// Before the store has said what there was, there are none: numbers would be given twice.
    inner: Mutex<Option<Incidents>>,
    room: Arc<Room>,
}

/// What changed.
pub(crate) enum Changed {
    Incident(u64),
    Response(u64),
}

impl IncidentBoard {
    pub(crate) fn new(city: Arc<City>, room: Arc<Room>) -> IncidentBoard {
        let id = |(i, link): (usize, &model::network::Link)| (link.id.as_str().to_owned(), LinkIx::from(i));
        let links = city.network.links.iter().enumerate().map(id).collect();
        IncidentBoard { city, links, inner: Mutex::default(), room }
    }

    pub(crate) fn link(&self, id: &str) -> Option<LinkIx> {
        self.links.get(id).copied()
    }

    /// Looks at them; `None` before the store has said what there was.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Incidents) -> T) -> Option<T> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(look)
    }

    /// Changes something, and keeps it if `change` says what it was.
    pub(crate) fn change(
        &self,
        now: Moment,
        change: impl FnOnce(&mut Incidents) -> Option<Changed>,
    ) -> Option<Option<Changed>> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let incidents = inner.as_mut()?;
        let changed = change(incidents);
        let row = match &changed {
            Some(Changed::Incident(number)) => incidents.get(*number).map(|i| incident_row(now, i)),
            Some(Changed::Response(number)) => incidents.response(*number).map(|r| response_row(now, r)),
            None => None,
        };
        if let Some(row) = row {
            self.room.document(row);
        }
        Some(changed)
    }

    /// Time passed: lines for the audit about incidents that ended by themselves.
    pub(crate) fn tick(&self, now: Moment) -> Vec<String> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(incidents) = inner.as_mut() else { return Vec::new() };
        let ended = incidents.tick(now);
        for incident in ended.iter().filter_map(|number| incidents.get(*number)) {
            self.room.document(incident_row(now, incident));
        }
        ended.iter().map(|number| format!("incident {number} is over by itself")).collect()
    }

    /// What is to be said of links: what was measured, and what people know of them.
    pub(crate) fn words(&self, now: Moment, speeds: &[LinkSpeed]) -> Vec<LinkWord> {
        let measured = |s: &LinkSpeed| (s.link, LinkWord { link: s.link, time_s: s.time_s, closed: false });
        let mut words: BTreeMap<LinkIx, LinkWord> = speeds.iter().map(measured).collect();
        self.look(|incidents| {
            for (id, effect) in incidents.effects(now) {
                let Some(link) = self.link(id) else { continue };
                let road = self.city.network.link(link);
                let free = LinkWord { link, time_s: road.free_travel_time_s(), closed: false };
                let word = words.entry(link).or_insert(free);
                match effect {
                    None => {}
                    Some(Effect::Closed) => word.closed = true,
                    Some(Effect::SlowTo(kmh)) => {
                        word.time_s = word.time_s.max(road.length_m / (f64::from(kmh) / 3.6));
                    }
                }
            }
        });
        words.into_values().collect()
    }

    /// Recalls them.
    pub(crate) async fn recall(self: Arc<Self>, store: Arc<Store>, shutdown: CancellationToken) {
        let incidents = store.recall::<Incident>(DocumentKind::Incident, &shutdown).await;
        let responses = store.recall::<Response>(DocumentKind::Response, &shutdown).await;
        let (Some(incidents), Some(responses)) = (incidents, responses) else { return };
        let mut all = Incidents::default();
        incidents.into_iter().for_each(|incident| all.recall(incident));
        responses.into_iter().for_each(|response| all.recall_response(response));
        *self.inner.lock().unwrap_or_else(PoisonError::into_inner) = Some(all);
    }
}

fn incident_row(now: Moment, incident: &Incident) -> DocumentRow {
    DocumentRow {
        kind: DocumentKind::Incident,
        id: format!("{:012}", incident.number),
        at: now,
        closed: incident.over.is_some(),
        json: serde_json::to_string(incident).expect("plain data always serialises"),
    }
}

fn response_row(now: Moment, response: &Response) -> DocumentRow {
    DocumentRow {
        kind: DocumentKind::Response,
        id: format!("{:012}", response.number),
        at: now,
        closed: response.gone,
        json: serde_json::to_string(response).expect("plain data always serialises"),
    }
}
