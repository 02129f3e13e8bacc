//! Removing what a manager applied before and applies no longer.

mod versions;
mod walk;

use serde_json::Value;

use super::kind::{ConvertError, Kind};
use super::owners::{Owned, Owners};
use super::set::FieldSet;

/// `merged` without what the manager owned `before`, nobody (the manager included) owns now, and no one else would miss.
pub(super) fn prune<M: Ord>(
    kind: &impl Kind,
    merged: Value,
    version: &str,
    before: &Owned,
    owners: &Owners<M>,
    manager: &M,
) -> Result<Value, ConvertError> {
    let now = owners.get(manager).map(|owned| &owned.fields);
    // Whoever applies at least the same fields again, as most do most of the time, removes nothing.
    if before.fields.is_empty() || (before.version == version && now.is_some_and(|now| before.fields.is_subset(now))) {
        return Ok(merged);
    }
    if before.version == version && owners.values().all(|owned| owned.version == version) {
        let mut now = FieldSet::default();
        owners.values().for_each(|owned| now.extend(&owned.fields));
        return Ok(walk::prune(&merged, &before.fields, &now, kind.of(version)));
    }
    versions::prune(kind, merged, version, before, owners)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;
    use serde_json::json;

    use super::*;
    use crate::structured::fields::to_set;
    use crate::structured::types::Type;

    /// A Pod with items in items, free-form maps, and everything in it optional.
    fn pod() -> impl Strategy<Value = Value> {
        let ports = prop::collection::btree_map(1..4u16, (any::<bool>(), any::<bool>()), 0..3).prop_map(|ports| {
            let port = |(number, (named, host)): (u16, (bool, bool))| {
                let mut port = json!({"containerPort": number, "protocol": "TCP"});
                if named {
                    port["name"] = json!("p");
                }
                if host {
                    port["hostPort"] = json!(number);
                }
                port
            };
            ports.into_iter().map(port).collect::<Vec<Value>>()
        });
        let container = (prop::option::of(ports), any::<bool>(), prop::option::of(prop::collection::btree_map("[a-c]", "[x-z]", 0..3)));
        let containers = prop::collection::btree_map("[a-c]", container, 0..3).prop_map(|containers| {
            let container = |(name, (ports, tty, limits))| {
                let mut container = json!({"name": name});
                if let Some(ports) = ports {
                    container["ports"] = json!(ports);
                }
                if tty {
                    container["tty"] = json!(true);
                }
                if let Some(limits) = limits {
                    container["resources"] = json!({"limits": limits});
                }
                container
            };
            containers.into_iter().map(container).collect::<Vec<Value>>()
        });
        let labels = prop::option::of(prop::collection::btree_map("[a-c]", "[x-z]", 0..3));
        (prop::option::of(containers), labels).prop_map(|(containers, labels)| {
            let mut out = json!({"spec": {}});
            if let Some(containers) = containers {
                out["spec"]["containers"] = json!(containers);
            }
            if let Some(labels) = labels {
                out["metadata"] = json!({"labels": labels});
            }
            out
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn one_walk_removes_what_the_versions_would(live in pod(), before in pod(), now in pod(), other in pod(), touched in pod()) {
            let of = Type::new(fiel_schema::Registry::builtin().kind("", "v1", "Pod").expect("a kind of Kubernetes").schema());
            let merged = [&before, &other, &now].into_iter().fold(live, |live, config| crate::structured::merge(&live, config, of));
            let owned = |fields: FieldSet| Owned { fields, version: "v1".to_owned(), applied: true };
            // The updater owns parts of items without the items themselves.
            let updated = to_set(&touched, of).leaves();
            let owners = Owners::from([("me", owned(to_set(&now, of))), ("other", owned(to_set(&other, of))), ("updater", owned(updated))]);
            let before = owned(to_set(&before, of));
            let all = owners.values().fold(FieldSet::default(), |all, owned| all.union(&owned.fields));
            let walked = walk::prune(&merged, &before.fields, &all, of);
            prop_assert_eq!(walked, versions::prune(&of, merged, "v1", &before, &owners).expect("one version"));
        }
    }
}
