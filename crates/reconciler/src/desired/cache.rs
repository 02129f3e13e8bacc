//! Renderings, kept for as long as nothing that they looked at has changed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Error, Rendered, Request, render};
use crate::source::{Entry, Recorder, Snapshot};

/// How many renderings are kept; more Applications than this still work, without the cache.
const MOST: usize = 4096;

struct Kept {
    commit: String,
    seen: BTreeMap<String, Option<Entry>>,
    result: Result<Arc<Rendered>, Error>,
}

/// The latest rendering of every request.
#[derive(Default)]
pub struct Cache {
    kept: Mutex<HashMap<Request, Arc<Kept>>>,
}

impl Cache {
    /// What the request renders to at the snapshot. Nothing is read if no file that the last rendering looked at
    /// changed since. Reading Git and rendering block: they are done on a thread for such work.
    pub async fn get(&self, request: &Request, snapshot: &Snapshot) -> Result<Arc<Rendered>, Error> {
        let kept = self.lock().get(request).cloned();
        if let Some(kept) = &kept
            && kept.commit == snapshot.commit
        {
            return kept.result.clone();
        }
        let (work_request, work_snapshot) = (request.clone(), snapshot.clone());
        let work = tokio::task::spawn_blocking(move || again(kept.as_deref(), &work_request, &work_snapshot));
        let fresh = match work.await {
            Ok(fresh) => fresh,
            Err(_) => return Err(Error::Render("the renderer broke off, which is a bug of fiel".to_owned())),
        };
        let result = fresh.result.clone();
        // What the disk or the network said may be different the next time; what the files say will not.
        if !matches!(result, Err(Error::Source(_))) {
            let mut kept = self.lock();
            if kept.len() >= MOST && !kept.contains_key(request) {
                kept.clear();
            }
            kept.insert(request.clone(), Arc::new(fresh));
        }
        result
    }

    /// Forgets a rendering: a hard refresh was asked for.
    pub fn forget(&self, request: &Request) {
        self.lock().remove(request);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Request, Arc<Kept>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn again(kept: Option<&Kept>, request: &Request, snapshot: &Snapshot) -> Kept {
    let commit = snapshot.commit.clone();
    if let Some(kept) = kept
        && Recorder::same(&kept.seen, snapshot.tree.as_ref())
    {
        return Kept { commit, seen: kept.seen.clone(), result: kept.result.clone() };
    }
    let recorder = Recorder::new(snapshot.tree.clone());
    let result = render(&recorder, request).map(Arc::new);
    Kept { commit, seen: recorder.into_seen(), result }
}
