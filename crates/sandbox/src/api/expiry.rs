//! Events live for an hour after they were last written, as with a kube-apiserver that is not told otherwise (`--event-ttl`).
//!
//! They go when somebody asks for events next, so that nothing has to run beside the API: whoever asks never sees one that is older.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::Core;
use crate::resource::Resource;
use crate::store::Name;

const LIFE: SignedDuration = SignedDuration::from_hours(1);

/// The writes of events, the eldest first.
#[derive(Debug, Default)]
pub(crate) struct Expiry {
    written: VecDeque<Written>,
}

#[derive(Debug)]
struct Written {
    at: Timestamp,
    storage: String,
    name: Name,
    /// Which write it was: another one since makes the event young again.
    revision: u64,
}

/// Whether objects of that kind do not last.
pub(crate) fn expires(resource: &Resource) -> bool {
    resource.kind == "Event" && matches!(resource.group.as_str(), "" | "events.k8s.io")
}

/// Remembers that an object was written just now.
pub(crate) fn note(core: &mut Core, resource: &Resource, namespace: &str, name: &str) {
    if expires(resource) {
        let (at, name, revision) = ((core.clock)(), (namespace.to_owned(), name.to_owned()), core.store.revision());
        core.expiry.written.push_back(Written { at, storage: resource.storage().to_owned(), name, revision });
    }
}

/// Gives everything that does not last, in a cluster that was opened again, its whole life once more, as etcd does.
pub(crate) fn restart(core: &mut Core) {
    let kinds: Vec<_> = core.resources.all().iter().filter(|resource| expires(resource)).cloned().collect();
    for resource in kinds {
        let storage = resource.storage();
        let names: Vec<Name> = core.store.list(storage, "", None).map(|(name, _)| name.clone()).collect();
        let at = (core.clock)();
        for name in names {
            let revision = revision(core, storage, &name).unwrap_or_default();
            core.expiry.written.push_back(Written { at, storage: storage.to_owned(), name, revision });
        }
    }
}

/// Deletes what has had its time.
pub(crate) fn expire(core: &mut Core) {
    let now = (core.clock)();
    while core.expiry.written.front().is_some_and(|first| now.duration_since(first.at) >= LIFE) {
        let Some(Written { storage, name, revision: written, .. }) = core.expiry.written.pop_front() else { return };
        if revision(core, &storage, &name) == Some(written) {
            core.store.delete(&storage, &name.0, &name.1);
        }
    }
}

fn revision(core: &Core, storage: &str, (namespace, name): &Name) -> Option<u64> {
    core.store.get(storage, namespace, name)?["metadata"]["resourceVersion"].as_str()?.parse().ok()
}
