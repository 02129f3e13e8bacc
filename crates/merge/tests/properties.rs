//! What holds for all objects, tried on seeded random ones.

use fiel_merge::structured::{
    FieldSet, ManagedFields, Manager, Operation, Owned, Owners, Type, apply, compare, extract, merge, reconcile, remove, to_set, update,
    validate,
};
use fiel_merge::{json_merge, strategic};
use fiel_schema::Node;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Map, Value, json};

/// The same cases each time, and no file that remembers failures.
fn config() -> ProptestConfig {
    ProptestConfig { cases: 300, rng_seed: RngSeed::Fixed(36), failure_persistence: None, ..ProptestConfig::default() }
}

fn node(group: &str, kind: &str) -> Node<'static> {
    fiel_schema::Registry::builtin().kind(group, "v1", kind).expect("a kind of Kubernetes").schema()
}

/// Any JSON, of the words that schemas and directives know.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "spec",
        "template",
        "containers",
        "ports",
        "name",
        "port",
        "protocol",
        "data",
        "strategy",
        "$patch",
        "$retainKeys",
        "$setElementOrder/containers",
        "$setElementOrder/ports",
        "$deleteFromPrimitiveList/finalizers",
        "finalizers",
        "metadata",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..4i64).prop_map(Value::from),
        prop::sample::select(vec![1.5, 1.0]).prop_map(Value::from),
        prop::sample::select(vec!["a", "b", "delete", "replace", "TCP"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(word.clone(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())),
        ]
    })
}

/// A Deployment that fits its schema. `twins`: with ports of the same number and another protocol, which strategic merge cannot tell apart.
fn deployment(twins: bool) -> impl Strategy<Value = Value> {
    let ports = prop::collection::btree_map((0..4u16, 0..2usize), any::<bool>(), 0..4).prop_map(move |ports| {
        let ports = ports.into_iter().filter(|((_, protocol), _)| twins || *protocol == 0).map(|((number, protocol), named)| {
            let mut port = json!({"containerPort": number, "protocol": if protocol == 0 { "TCP" } else { "UDP" }});
            if named {
                port["name"] = json!(format!("p{number}"));
            }
            port
        });
        ports.collect::<Vec<Value>>()
    });
    let container = (prop::option::of(0..3u8), ports).prop_map(|(image, ports)| {
        let mut container = json!({});
        if let Some(image) = image {
            container["image"] = json!(format!("image:{image}"));
        }
        if !ports.is_empty() {
            container["ports"] = json!(ports);
        }
        container
    });
    let containers = prop::collection::btree_map("[a-d]", container, 0..4).prop_map(|named| {
        let containers = named.into_iter().map(|(name, mut container)| {
            container["name"] = json!(name);
            container
        });
        containers.collect::<Vec<Value>>()
    });
    let labels = prop::collection::btree_map("[a-e]", "[x-z]", 1..4);
    (containers.prop_shuffle(), labels, prop::option::of(0..3u8)).prop_map(|(containers, labels, replicas)| {
        let mut out = json!({"metadata": {"labels": labels}, "spec": {"template": {"spec": {"containers": containers}}}});
        if let Some(replicas) = replicas {
            out["spec"]["replicas"] = json!(replicas);
        }
        out
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn nothing_panics(live in any_json(), config in any_json(), other in any_json()) {
        for of in [Type::new(node("apps", "Deployment")), Type::new(node("", "Service")), Type::DEDUCED, Type::ATOMIC] {
            let fields = FieldSet::decode(&other).unwrap_or_else(|| to_set(&other, of));
            let owned = |applied| Owned { fields: fields.clone(), version: "v1".to_owned(), applied };
            let owners = Owners::from([("a", owned(true)), ("b", owned(false))]);
            let fits = validate(&config, of, true).is_ok();
            prop_assert!(fits || validate(&config, of, false).is_err());
            for force in [true, false] {
                drop(apply(&of, &live, &config, "v1", &owners, &"a", force));
            }
            drop(update(&of, &live, &config, "v1", &owners, &"a"));
            drop((merge(&live, &config, of), compare(&live, &config, of), remove(&live, &fields, of), extract(&live, &fields, of, true)));
            drop((reconcile(&fields, of), fields.paths(), fields.leaves().encode(), ManagedFields::of(&live)));
        }
        let schema = Some(node("apps", "Deployment"));
        drop((strategic::patch(&live, &config, schema), strategic::three_way(&other, &config, &live, schema), strategic::sorted(&live, schema)));
        drop((json_merge::patch(&live, &config), json_merge::three_way(&other, &config, &live)));
    }

    #[test]
    fn applying_again_changes_nothing(live in deployment(true), config in deployment(true)) {
        let of = Type::new(node("apps", "Deployment"));
        let first = apply(&of, &live, &config, "v1", &Owners::new(), &"a", false).expect("nobody else is there");
        let again = apply(&of, &first.object, &config, "v1", &first.owners, &"a", false).expect("her own");
        prop_assert_eq!(&again.object, &first.object);
        prop_assert_eq!(&again.owners, &first.owners);
        prop_assert!(config["spec"].get("replicas").is_none_or(|replicas| first.object["spec"]["replicas"] == *replicas));
    }

    #[test]
    fn managers_of_other_fields_commute(one in any_json(), two in any_json()) {
        let of = Type::DEDUCED;
        let (one, two) = (json!({"one": one}), json!({"two": two}));
        let both = |first: (&'static str, &Value), second: (&'static str, &Value)| {
            let applied = apply(&of, &json!({}), first.1, "v1", &Owners::new(), &first.0, false).expect("nobody else is there");
            let applied = apply(&of, &applied.object, second.1, "v1", &applied.owners, &second.0, false).expect("other fields");
            (applied.object, applied.owners)
        };
        prop_assert_eq!(both(("a", &one), ("b", &two)), both(("b", &two), ("a", &one)));
    }

    #[test]
    fn what_was_applied_is_removed_with_its_last_owner(first in deployment(true), second in deployment(true)) {
        let of = Type::new(node("apps", "Deployment"));
        let before = apply(&of, &json!({}), &first, "v1", &Owners::new(), &"a", false).expect("nobody else is there");
        let after = apply(&of, &before.object, &second, "v1", &before.owners, &"a", false).expect("her own");
        // Nobody else wrote: what is left are the fields of the second configuration.
        prop_assert_eq!(to_set(&after.object, of), to_set(&second, of));
    }

    #[test]
    fn managed_fields_come_back(value in deployment(true), time in "[0-9]{4}") {
        let fields = to_set(&value, Type::new(node("apps", "Deployment")));
        prop_assert_eq!(FieldSet::decode(&fields.encode()), Some(fields.clone()));
        let manager = Manager { name: "m".into(), operation: Operation::Apply, api_version: String::new(), subresource: String::new() };
        let mut managed = ManagedFields::default();
        managed.owners.insert(manager.clone(), Owned { fields, version: "apps/v1".into(), applied: true });
        managed.stamp(&manager, &time);
        let object = json!({"metadata": {"managedFields": managed.encode()}});
        prop_assert_eq!(serde_json::from_str::<Value>(&managed.json()).ok(), Some(managed.encode()));
        prop_assert_eq!(ManagedFields::of(&object), Some(managed));
    }

    #[test]
    fn patches_make_what_they_were_made_for(old in deployment(false), new in deployment(false)) {
        let schema = Some(node("apps", "Deployment"));
        let change = strategic::two_way(&old, &new, schema).expect("items have keys");
        let patched = strategic::patch(&old, &change, schema).expect("a good patch");
        prop_assert_eq!(strategic::sorted(&patched, schema), strategic::sorted(&new, schema));
        prop_assert_eq!(json_merge::patch(&old, &json_merge::two_way(&old, &new)), new);
    }

    #[test]
    fn lists_keep_their_items(old in deployment(true), new in deployment(true)) {
        let of = Type::new(node("apps", "Deployment"));
        let merged = merge(&old, &new, of);
        let names = |value: &Value| -> std::collections::BTreeSet<String> {
            let containers = value["spec"]["template"]["spec"]["containers"].as_array().cloned().unwrap_or_default();
            containers.iter().map(|container| container["name"].to_string()).collect()
        };
        let both: std::collections::BTreeSet<String> = names(&old).union(&names(&new)).cloned().collect();
        prop_assert_eq!(names(&merged), both);
        prop_assert!(compare(&new, &merged, of).removed.is_empty());
        prop_assert!(merged.as_object().is_some_and(|fields: &Map<_, _>| fields.len() == 2));
    }
}
