//! Which objects an operation is about, and what became of them: looked up by identity, since there may be thousands.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::plan::Compared;
use crate::resource::ObjectKey;

/// The objects that an operation is about.
pub(super) struct Selection(Option<HashSet<ObjectKey>>);

impl Selection {
    /// Those that `resources` names; all where it names none.
    pub(super) fn of(resources: &Value) -> Self {
        let named = resources.as_array().filter(|named| !named.is_empty());
        Self(named.map(|named| named.iter().map(ObjectKey::named).collect()))
    }

    /// An entry without a namespace means its object in every one.
    pub(super) fn has(&self, key: &ObjectKey) -> bool {
        let anywhere = || ObjectKey { namespace: String::new(), ..key.clone() };
        self.0.as_ref().is_none_or(|named| named.contains(key) || named.contains(&anywhere()))
    }
}

/// The results so far: a list, in which each object has its place.
pub(super) struct Results {
    list: Vec<Value>,
    places: HashMap<ObjectKey, usize>,
}

impl Results {
    /// Those of the attempts before.
    pub(super) fn known(list: Vec<Value>) -> Self {
        let mut places = HashMap::with_capacity(list.len());
        for (place, result) in list.iter().enumerate() {
            places.entry(ObjectKey::named(result)).or_insert(place);
        }
        Self { list, places }
    }

    pub(super) fn set(&mut self, compared: &Compared, status: &str, hook_phase: &str, message: &str) {
        let key = &compared.key;
        let entry = json!({"group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name, "version": compared.version,
            "status": status, "hookPhase": hook_phase, "syncPhase": "Sync", "message": message});
        match self.places.get(key) {
            Some(place) => self.list[*place] = entry,
            None => {
                self.places.insert(key.clone(), self.list.len());
                self.list.push(entry);
            }
        }
    }

    pub(super) fn of(&self, compared: &Compared) -> Option<&Value> {
        self.places.get(&compared.key).map(|place| &self.list[*place])
    }

    pub(super) fn into_list(self) -> Vec<Value> {
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Sync;

    fn key(namespace: &str, name: &str) -> ObjectKey {
        ObjectKey { group: "apps".into(), kind: "Deployment".into(), namespace: namespace.into(), name: name.into() }
    }

    fn task(name: &str) -> Compared {
        Compared {
            key: key("demo", name),
            version: "v1".into(),
            desired: None,
            live: None,
            sync: Sync::OutOfSync,
            differences: Vec::new(),
            requires_pruning: false,
            foreign: None,
            health: None,
        }
    }

    #[test]
    fn a_selection_without_a_namespace_means_every_one() {
        let named = |namespace: Value| json!([{"group": "apps", "kind": "Deployment", "name": "web", "namespace": namespace}]);
        for (resources, here, elsewhere, other) in [
            (Value::Null, true, true, true),
            (json!([]), true, true, true),
            (named(Value::Null), true, true, false),
            (named("".into()), true, true, false),
            (named("demo".into()), true, false, false),
        ] {
            let selection = Selection::of(&resources);
            let found = (selection.has(&key("demo", "web")), selection.has(&key("else", "web")), selection.has(&key("demo", "other")));
            assert_eq!(found, (here, elsewhere, other), "{resources}");
        }
    }

    #[test]
    fn each_object_has_one_result_in_its_place() {
        let mut results = Results::known(Vec::new());
        results.set(&task("a"), "SyncFailed", "Failed", "no");
        results.set(&task("b"), "Synced", "Running", "created");
        results.set(&task("a"), "Synced", "Running", "created");
        let list = results.into_list();
        let names: Vec<&Value> = list.iter().map(|result| &result["name"]).collect();
        assert_eq!(names, ["a", "b"]);
        let known = Results::known(list);
        assert_eq!(known.of(&task("a")).map(|result| &result["status"]), Some(&json!("Synced")));
        assert!(known.of(&task("c")).is_none());
    }
}
