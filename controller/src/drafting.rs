//! Keeps drafts of plans, and tells the core which of them run.

use crate::{
    drafts::{Draft, Drafted, Drafts, State},
    store::{DocumentKind, DocumentRow, Store, room::Room},
};
use model::{city::City, ids::JunctionIx, time::Moment};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// All drafts, for whoever asks.
#[derive(Debug)]
pub(crate) struct DraftBoard {
    /// Junctions that this centre commands, by id.
    ids: HashMap<String, JunctionIx>,
    city: Arc<City>,
    inner: Mutex<Inner>,
    room: Arc<Room>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Before the store has said what there was, there are none: numbers would be given twice.
    drafts: Option<Drafts>,
    /// What the core was told to run.
    told: BTreeMap<JunctionIx, Drafted>,
}

impl DraftBoard {
    pub(crate) fn new(city: Arc<City>, owned: &[JunctionIx], room: Arc<Room>) -> DraftBoard {
        let id = |ix: &JunctionIx| (city.junctions[ix.ix()].id.as_str().to_owned(), *ix);
        DraftBoard { ids: owned.iter().map(id).collect(), city, inner: Mutex::default(), room }
    }

    /// Looks at the drafts; `None` before the store has said what there was.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Drafts) -> T) -> Option<T> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).drafts.as_ref().map(look)
    }

    /// Changes a draft, and keeps it if `change` says which it was.
    pub(crate) fn change<E>(
        &self,
        now: Moment,
        change: impl FnOnce(&mut Drafts) -> Result<u64, E>,
    ) -> Option<Result<u64, E>> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let drafts = inner.drafts.as_mut()?;
        let changed = change(drafts);
        if let Ok(number) = &changed {
            self.keep(now, drafts, *number);
        }
        Some(changed)
    }

    /// Time passed: what the core is to run from now on where that has changed, and lines for the audit.
    pub(crate) fn tick(&self, now: Moment) -> (Vec<(JunctionIx, Option<Drafted>)>, Vec<String>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let Inner { drafts: Some(drafts), told } = &mut *inner else { return Default::default() };
        let mut audit = Vec::new();
        for number in drafts.tick(now) {
            self.keep(now, drafts, number);
            let junction = drafts.get(number).map_or("", |draft| draft.junction.as_str());
            audit.push(format!("junction {junction}: the canary of draft {number} is over"));
        }
        let find = |id: &str| self.ids.get(id).map(|ix| (*ix, &self.city.junctions[ix.ix()]));
        let running = drafts.running(find);
        let ended = told.keys().filter(|ix| !running.contains_key(ix)).map(|ix| (*ix, None));
        let mut news: Vec<(JunctionIx, Option<Drafted>)> = ended.collect();
        let begun = running.iter().filter(|(ix, drafted)| told.get(ix) != Some(drafted));
        news.extend(begun.map(|(ix, drafted)| (*ix, Some(drafted.clone()))));
        *told = running;
        (news, audit)
    }

    /// Recalls the drafts.
    pub(crate) async fn recall(self: Arc<Self>, store: Arc<Store>, shutdown: CancellationToken) {
        let Some(recalled) = store.recall::<Draft>(DocumentKind::Draft, &shutdown).await else { return };
        let mut drafts = Drafts::default();
        recalled.into_iter().for_each(|draft| drafts.recall(draft));
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).drafts = Some(drafts);
    }

    fn keep(&self, now: Moment, drafts: &Drafts, number: u64) {
        if let Some(draft) = drafts.get(number) {
            self.room.document(row(now, draft));
        }
    }
}

fn row(now: Moment, draft: &Draft) -> DocumentRow {
    DocumentRow {
        kind: DocumentKind::Draft,
        id: format!("{:012}", draft.number),
        at: now,
        closed: draft.state == State::Withdrawn,
        json: serde_json::to_string(draft).expect("plain data always serialises"),
    }
}
