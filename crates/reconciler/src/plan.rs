//! The comparison of an Application: what is desired beside what is live, object by object, and what follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

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
    pub desired: Option<Value>,
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
    pub objects: BTreeMap<ObjectKey, Arc<Value>>,
    /// Kinds of which nothing is known now, and why. Nothing of these kinds is absent or surplus.
    pub unknown: BTreeMap<Gvk, String>,
    /// Kinds that the server does not serve.
    pub missing: BTreeSet<Gvk>,
}

/// All objects of an Application, compared.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    /// By identity.
    pub objects: Vec<Compared>,
    /// What the user should know: condition types and messages.
    pub conditions: Vec<(String, String)>,
}

/// Compares. `desired` are the objects as rendered, with their namespaces.
pub fn compare(application: &str, desired: &[Value], holdings: &Holdings) -> Comparison {
    let mut comparison = Comparison::default();
    let mut wanted: BTreeMap<ObjectKey, Value> = BTreeMap::new();
    for object in desired.iter().filter(|o| hook(o).is_none()) {
        let key = ObjectKey::of(object);
        let mut object = object.clone();
        tracking::stamp(&mut object, application);
        if wanted.insert(key.clone(), object).is_some() {
            let message = format!("Resource {} appeared 2 times among application resources.", key.shown());
            comparison.conditions.push(("RepeatedResourceWarning".into(), message));
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
    let surplus: Vec<Arc<Value>> = holdings
        .objects
        .iter()
        .filter(|(key, o)| !wanted.contains_key(key) && tracking::is_tracked_by(o, application))
        .map(|(_, o)| o.clone())
        .collect();
    for (key, object) in wanted {
        comparison.objects.push(desired_object(application, key, object, holdings));
    }
    comparison.objects.extend(surplus.into_iter().map(surplus_object));
    for shared in comparison.objects.iter().filter(|c| c.foreign.is_some()) {
        let owner = shared.foreign.as_deref().unwrap_or_default();
        let message = format!(
            "{} is part of applications argocd/{application} and {owner}: it is left to {owner}; take it out of one of them",
            shared.key.shown()
        );
        comparison.conditions.push(("SharedResourceWarning".into(), message));
    }
    comparison.objects.sort_by(|a, b| a.key.cmp(&b.key));
    comparison
}

fn desired_object(application: &str, key: ObjectKey, object: Value, holdings: &Holdings) -> Compared {
    let version = version_of(&object).to_owned();
    let gvk = Gvk { group: key.group.clone(), version: version.clone(), kind: key.kind.clone() };
    let live = holdings.objects.get(&key).cloned();
    let foreign = live.as_ref().and_then(|l| tracking::owner(l)).filter(|owner| *owner != application).map(str::to_owned);
    let (sync, differences, health) = match &live {
        _ if holdings.unknown.contains_key(&gvk) => (Sync::Unknown, Vec::new(), None),
        None => (Sync::OutOfSync, Vec::new(), Some(Health { status: Status::Missing, message: String::new() })),
        Some(live) => {
            let differences = diff::differences(&object, live);
            let sync = if differences.is_empty() && foreign.is_none() { Sync::Synced } else { Sync::OutOfSync };
            (sync, differences, health::of(live))
        }
    };
    Compared { key, version, desired: Some(object), live, sync, differences, requires_pruning: false, foreign, health }
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
        let names: Vec<String> = self.objects.iter().map(|c| c.key.shown()).collect();
        let counted = self.objects.iter().zip(&names).filter(|(c, _)| {
            let object = c.live.as_deref().or(c.desired.as_ref());
            object.is_none_or(|o| o["metadata"]["annotations"]["argocd.argoproj.io/ignore-healthcheck"] != "true")
        });
        health::aggregate(counted.map(|(c, name)| (name.as_str(), c.health.clone())))
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
    let wave = compared.desired.as_ref().or(compared.live.as_deref()).map(wave).unwrap_or_default();
    if wave != 0 {
        entry["syncWave"] = wave.into();
    }
    entry
}
