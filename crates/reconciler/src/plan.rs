//! The comparison of an Application: what is desired beside what is live, object by object, and what follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use foldhash::{HashMap, HashSet};
use serde_json::{Value, json};

use crate::application::{hook, object_option, wave};
use crate::diff::{self, Difference};
use crate::health::{self, Health, Status};
use crate::live::Gvk;
use crate::resource::{ObjectKey, version_of};
use crate::tracking;

/// Whether an object, or a whole Application, is as desired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// As desired.
    Synced,
    /// Not as desired.
    OutOfSync,
    /// Cannot be told.
    Unknown,
}

impl Sync {
    /// As it is written in `status.sync.status`.
    pub fn name(self) -> &'static str {
        match self {
            Sync::Synced => "Synced",
            Sync::OutOfSync => "OutOfSync",
            Sync::Unknown => "Unknown",
        }
    }
}

/// One object of the comparison.
#[derive(Debug, Clone)]
pub struct Compared {
    /// Which.
    pub key: ObjectKey,
    /// The API version that it is looked at in.
    pub version: String,
    /// As it would be applied, with the Application's mark; `None`: Git does not have it.
    pub desired: Option<Arc<Value>>,
    /// As it is; `None`: it is not there.
    pub live: Option<Arc<Value>>,
    /// The verdict.
    pub sync: Sync,
    /// What is not as desired.
    pub differences: Vec<Difference>,
    /// It is ours, and Git does not have it any more.
    pub requires_pruning: bool,
    /// Another Application's mark is on it: it is not touched.
    pub foreign: Option<String>,
    /// Its health, if its kind has one.
    pub health: Option<Health>,
}

/// What the cluster holds of the kinds in question.
#[derive(Debug, Clone, Default)]
pub struct Holdings {
    /// The objects that are desired or tracked as this Application's.
    pub objects: HashMap<ObjectKey, Arc<Value>>,
    /// Kinds of which nothing is known now, and why. Nothing of these kinds is absent or surplus.
    pub unknown: BTreeMap<Gvk, String>,
    /// Kinds that the server does not serve.
    pub missing: BTreeSet<Gvk>,
}

/// All objects of an Application, compared.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    /// In the order of their identities.
    pub objects: Vec<Compared>,
    /// What the user should know: condition types and messages.
    pub conditions: Vec<(String, String)>,
}

/// Compares. `desired` are the objects as rendered, with their namespaces and the Application's mark. What is the very same as in `before`, a comparison
/// of the same Application, is as it was found then.
pub fn compare(application: &str, desired: &[Arc<Value>], holdings: &Holdings, before: &Comparison) -> Comparison {
    let mut comparison = Comparison::default();
    let mut sorted: Vec<(ObjectKey, &Arc<Value>)> = desired.iter().filter(|o| hook(o).is_none()).map(|o| (ObjectKey::of(o), o)).collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    let mut wanted: Vec<(ObjectKey, &Arc<Value>)> = Vec::with_capacity(sorted.len());
    for (key, object) in sorted {
        match wanted.last_mut().filter(|(last, _)| *last == key) {
            // The sort keeps those of one identity in order: the last one counts.
            Some(last) => {
                last.1 = object;
                let message = format!("Resource {} appeared 2 times among application resources.", key.shown());
                comparison.conditions.push(("RepeatedResourceWarning".into(), message));
            }
            None => wanted.push((key, object)),
        }
    }
    if let Some(object) = desired.iter().find(|o| hook(o).is_some_and(|h| h != "Skip")) {
        let key = ObjectKey::of(object);
        let message = format!("{} is a hook: hooks are not supported yet, it is left out", key.shown());
        comparison.conditions.push(("ComparisonError".into(), message));
    }
    for (gvk, reason) in &holdings.unknown {
        let message = format!("objects of kind {} cannot be listed, nothing of that kind is decided: {reason}", gvk.kind);
        comparison.conditions.push(("ComparisonError".into(), message));
    }
    let keys: HashSet<&ObjectKey> = wanted.iter().map(|(key, _)| key).collect();
    let surplus = holdings.objects.iter().filter(|(key, o)| !keys.contains(key) && tracking::is_tracked_by(o, application));
    let surplus: Vec<Compared> = surplus.map(|(_, o)| surplus_object(o.clone())).collect();
    let mut known = before.objects.iter().peekable();
    for (key, object) in wanted {
        while known.next_if(|known| known.key < key).is_some() {}
        let known = known.peek().copied().filter(|known| known.key == key);
        comparison.objects.push(desired_object(application, key, object, holdings, known));
    }
    comparison.objects.extend(surplus);
    comparison.objects.sort_by(|a, b| a.key.cmp(&b.key));
    for shared in comparison.objects.iter().filter(|c| c.foreign.is_some()) {
        let owner = shared.foreign.as_deref().unwrap_or_default();
        let message = format!(
            "{} is part of applications argocd/{application} and {owner}: it is left to {owner}; take it out of one of them",
            shared.key.shown()
        );
        comparison.conditions.push(("SharedResourceWarning".into(), message));
    }
    comparison
}

fn desired_object(application: &str, key: ObjectKey, object: &Arc<Value>, holdings: &Holdings, before: Option<&Compared>) -> Compared {
    let version = version_of(object).to_owned();
    let gvk = Gvk { group: key.group.clone(), version: version.clone(), kind: key.kind.clone() };
    let live = holdings.objects.get(&key).cloned();
    let unknown = holdings.unknown.contains_key(&gvk);
    if let Some(known) = before.filter(|known| !unknown && known.is_of(object, live.as_ref())) {
        return known.clone();
    }
    let foreign = live.as_ref().and_then(|l| tracking::owner(l)).filter(|owner| *owner != application).map(str::to_owned);
    let (sync, differences, health) = match &live {
        _ if unknown => (Sync::Unknown, Vec::new(), None),
        None => (Sync::OutOfSync, Vec::new(), Some(Health { status: Status::Missing, message: String::new() })),
        Some(live) => {
            let differences = diff::differences(object, live);
            let sync = if differences.is_empty() && foreign.is_none() { Sync::Synced } else { Sync::OutOfSync };
            (sync, differences, health::of(live))
        }
    };
    Compared { key, version, desired: Some(object.clone()), live, sync, differences, requires_pruning: false, foreign, health }
}

impl Compared {
    /// The object that is meant: as it is, or else as it would be.
    pub fn object(&self) -> Option<&Value> {
        self.live.as_deref().or(self.desired.as_deref())
    }

    /// Whether these very values were compared, and all was known.
    fn is_of(&self, desired: &Arc<Value>, live: Option<&Arc<Value>>) -> bool {
        let same = |one: Option<&Arc<Value>>, other: Option<&Arc<Value>>| match (one, other) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        self.sync != Sync::Unknown && same(self.desired.as_ref(), Some(desired)) && same(self.live.as_ref(), live)
    }
}

fn surplus_object(live: Arc<Value>) -> Compared {
    let options = live["metadata"]["annotations"]["argocd.argoproj.io/compare-options"].as_str().unwrap_or_default();
    let ignored = options.split(',').any(|o| o.trim() == "IgnoreExtraneous");
    Compared {
        key: ObjectKey::of(&live),
        version: version_of(&live).to_owned(),
        desired: None,
        sync: if ignored { Sync::Synced } else { Sync::OutOfSync },
        differences: Vec::new(),
        requires_pruning: !ignored,
        foreign: None,
        health: health::of(&live),
        live: Some(live),
    }
}

impl Comparison {
    /// The verdict on the Application.
    pub fn sync(&self) -> Sync {
        let any = |sync| self.objects.iter().any(|c| c.sync == sync);
        if any(Sync::OutOfSync) {
            Sync::OutOfSync
        } else if any(Sync::Unknown) || self.conditions.iter().any(|(kind, _)| kind == "ComparisonError") {
            Sync::Unknown
        } else {
            Sync::Synced
        }
    }

    /// The Application's health.
    pub fn health(&self) -> Health {
        let counts =
            |c: &&Compared| c.object().is_none_or(|o| o["metadata"]["annotations"]["argocd.argoproj.io/ignore-healthcheck"] != "true");
        health::aggregate(self.objects.iter().filter(counts).map(|c| (&c.key, c.health.as_ref().map(|health| health.status))))
    }

    /// `status.resources`.
    pub fn resources(&self) -> Value {
        self.objects.iter().map(entry).collect()
    }

    /// Whether carrying the comparison out would take away everything that there is.
    pub fn wipes_out(&self) -> bool {
        !self.objects.is_empty() && self.objects.iter().all(|c| c.requires_pruning)
    }

    /// Whether a sync has anything to do; pruning only counts if it is allowed.
    pub fn has_work(&self, prune: bool) -> bool {
        self.objects.iter().any(|c| {
            c.sync == Sync::OutOfSync
                && c.foreign.is_none()
                && (!c.requires_pruning || (prune && !c.live.as_deref().is_some_and(|l| object_option(l, "Prune=false"))))
        })
    }

    /// The plan in words, one line a step, with what differs; values of Secrets are not shown.
    pub fn shown(&self, prune: bool) -> String {
        let mut out = String::new();
        for compared in self.objects.iter().filter(|c| c.sync != Sync::Synced) {
            let step = match (&compared.desired, &compared.live) {
                _ if compared.sync == Sync::Unknown => "unknown",
                _ if compared.foreign.is_some() => "refused (another Application's)",
                (Some(_), None) => "create",
                (Some(_), Some(_)) => "update",
                (None, _) if prune => "prune",
                (None, _) => "keep (pruning is off)",
            };
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{step} {}", compared.key.shown());
            for difference in &compared.differences {
                let _ = writeln!(out, "  {}", diff::shown(difference, &compared.key.kind));
            }
        }
        out
    }
}

fn entry(compared: &Compared) -> Value {
    let mut entry =
        json!({"kind": compared.key.kind, "name": compared.key.name, "version": compared.version, "status": compared.sync.name()});
    if !compared.key.group.is_empty() {
        entry["group"] = compared.key.group.clone().into();
    }
    if !compared.key.namespace.is_empty() {
        entry["namespace"] = compared.key.namespace.clone().into();
    }
    if compared.requires_pruning {
        entry["requiresPruning"] = true.into();
    }
    let wave = compared.desired.as_deref().or(compared.live.as_deref()).map(wave).unwrap_or_default();
    if wave != 0 {
        entry["syncWave"] = wave.into();
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(value: &str) -> Arc<Value> {
        let mut object =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "demo"}, "data": {"k": value}});
        tracking::stamp(&mut object, "demo");
        Arc::new(object)
    }

    fn holdings(live: &Arc<Value>) -> Holdings {
        Holdings { objects: HashMap::from_iter([(ObjectKey::of(live), live.clone())]), ..Holdings::default() }
    }

    #[test]
    fn only_what_changed_is_compared_anew() {
        let (desired, live) = (config("1"), config("2"));
        let mut before = compare("demo", std::slice::from_ref(&desired), &holdings(&live), &Comparison::default());
        assert_eq!(before.objects[0].differences.len(), 1);
        // What cannot be: so it is seen where it comes from.
        before.objects[0].differences[0].path = "as before".to_owned();
        let path = |desired: &Arc<Value>, holdings: &Holdings| {
            let again = compare("demo", std::slice::from_ref(desired), holdings, &before);
            again.objects[0].differences.first().map(|difference| difference.path.clone())
        };
        assert_eq!(path(&desired, &holdings(&live)).as_deref(), Some("as before"));
        assert_eq!(path(&desired, &holdings(&config("3"))).as_deref(), Some("data.k"), "the live object changed");
        assert_eq!(path(&config("1"), &holdings(&live)).as_deref(), Some("data.k"), "the desired object changed");
        assert_eq!(path(&desired, &Holdings::default()), None, "it is gone");
        let mut unknown = holdings(&live);
        unknown.unknown.insert(Gvk { group: String::new(), version: "v1".into(), kind: "ConfigMap".into() }, "timeout".into());
        let unseen = compare("demo", std::slice::from_ref(&desired), &unknown, &before);
        assert_eq!(unseen.objects[0].sync, Sync::Unknown, "the cache is not believed");
        let seen = compare("demo", std::slice::from_ref(&desired), &holdings(&live), &unseen);
        assert_eq!(seen.objects[0].sync, Sync::OutOfSync, "and is again");
    }
}
