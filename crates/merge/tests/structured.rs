//! Structured merge on kinds of Kubernetes, a CustomResourceDefinition and schemas in its own language; what the corpus does not ask.

use std::borrow::Cow;

use fiel_merge::structured::{
    ApplyError, ConvertError, Declared, FieldSet, Kind, ManagedFields, Owners, Type, apply, compare, extract, reconcile, remove, update,
    validate,
};
use serde_json::{Value, json};

fn kind(group: &str, kind: &str) -> Type<'static> {
    let version = "v1";
    Type::new(fiel_schema::Registry::builtin().kind(group, version, kind).expect("a kind of Kubernetes").schema())
}

/// Applies in turn; without conflicts.
fn play(of: Type<'_>, applies: &[(&'static str, Value)]) -> (Value, Owners<&'static str>) {
    applies.iter().fold((json!({}), Owners::new()), |(live, owners), (manager, config)| {
        let applied = apply(&of, &live, config, "v1", &owners, manager, false).expect("nothing is in the way");
        (applied.object, applied.owners)
    })
}

#[test]
fn an_item_that_is_applied_no_longer_goes_with_its_defaults() {
    let of = kind("", "Service");
    let config = |port: u16| json!({"spec": {"ports": [{"port": port}]}});
    let first = apply(&of, &json!({}), &config(80), "v1", &Owners::new(), &"m", false).expect("nothing is in the way");
    let live = json!({"spec": {"ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}]}});
    let second = apply(&of, &live, &config(8080), "v1", &first.owners, &"m", false).expect("nothing is in the way");
    assert_eq!(second.object, config(8080));
}

#[test]
fn what_another_manager_set_in_an_item_stays() {
    let of = kind("apps", "Deployment");
    let pod = |containers: &Value| json!({"spec": {"template": {"spec": {"containers": containers}}}});
    let (live, owners) = play(
        of,
        &[
            ("a", pod(&json!([{"name": "web", "image": "one"}, {"name": "log", "image": "two"}]))),
            ("b", pod(&json!([{"name": "web", "tty": true}]))),
            ("a", pod(&json!([]))),
        ],
    );
    assert_eq!(live, pod(&json!([{"name": "web", "tty": true}])));
    assert_eq!(owners.keys().copied().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn conflicts_name_the_fields_and_force_takes_them() {
    let of = kind("apps", "Deployment");
    let (live, owners) = play(of, &[("a", json!({"spec": {"replicas": 1}}))]);
    let config = json!({"spec": {"replicas": 2}});
    let Err(ApplyError::Conflicts(conflicts)) = apply(&of, &live, &config, "v1", &owners, &"b", false) else {
        panic!("a conflict");
    };
    assert_eq!(conflicts[&"a"].paths(), [".spec.replicas"]);
    let forced = apply(&of, &live, &config, "v1", &owners, &"b", true).expect("force");
    assert_eq!(forced.object, config);
    assert_eq!(forced.owners.keys().copied().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn an_update_owns_what_it_changed_and_frees_what_it_removed() {
    let of = kind("", "ConfigMap");
    let (live, owners) = play(of, &[("a", json!({"data": {"x": "1", "y": "2", "z": "3"}}))]);
    let owners = update(&of, &live, &json!({"data": {"x": "1", "y": "9"}}), "v1", &owners, &"b").expect("one version");
    assert_eq!(owners[&"a"].fields.paths(), [".data.x"]);
    assert_eq!(owners[&"b"].fields.paths(), [".data.y"]);
    assert!(owners[&"a"].applied && !owners[&"b"].applied);
}

#[test]
fn custom_resources_keep_unknown_fields_where_their_schema_says_so() {
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
        "properties": {"inner": {"type": "object", "properties": {"known": {"type": "string"}}}}}, "rest": {"type": "object", "properties": {"a": {"type": "integer"}}}}});
    let schema = fiel_schema::Schema::from_openapi(&schema, true).expect("a schema");
    let of = Type::new(schema.root());
    validate(&json!({"spec": {"other": [1], "inner": {"known": "x", "unknown": {}}}}), of, false).expect("kept, here and below");
    let problems = validate(&json!({"rest": {"b": 1}, "spec": {"inner": {"known": 1}}}), of, false).expect_err("not kept");
    let expected =
        "errors:\n  .rest.b: field not declared in schema\n  .spec.inner.known: expected string, got &value.valueUnstructured{Value:1}";
    assert_eq!(problems.to_string(), expected);
}

#[test]
fn misfits_are_told_in_the_words_of_kubernetes() {
    let of = kind("", "Pod");
    let said = |value: Value| validate(&value, of, false).expect_err("a misfit").to_string();
    assert_eq!(said(json!({"spec": {"priority": "1"}})), ".spec.priority: expected numeric (int or float), got string");
    assert_eq!(said(json!({"spec": {"containers": {}}})), ".spec.containers: expected list, got &{map[]}");
    assert_eq!(said(json!({"spec": {"hostPID": "no"}})), ".spec.hostPID: expected boolean, got &{no}");
    let twice = json!({"spec": {"containers": [{"name": "a"}, {"name": "a"}]}});
    assert_eq!(said(twice), ".spec.containers: duplicate entries for key [name=\"a\"]");
}

#[test]
fn what_became_atomic_is_owned_as_a_whole() {
    let schema = |relation: &str| {
        let fields = json!([{"name": "a", "type": {"scalar": "numeric"}}, {"name": "b", "type": {"scalar": "numeric"}}]);
        let part = json!({"map": {"elementRelationship": relation, "fields": fields}});
        let document = json!({"types": [{"name": "root", "map": {"fields": [{"name": "part", "type": part}]}}]});
        Declared::parse(&document, &json!({"namedType": "root"})).expect("a schema")
    };
    let (granular, atomic) = (schema("separable"), schema("atomic"));
    let set = fiel_merge::structured::to_set(&json!({"part": {"a": 1}}), granular.root());
    assert_eq!(set.paths(), [".part.a"]);
    assert_eq!(reconcile(&set, atomic.root()).expect("a change").paths(), [".part"]);
    assert_eq!(reconcile(&set, granular.root()), None);
}

#[test]
fn schemas_that_are_none_are_refused() {
    let said = |document: Value| Declared::parse(&document, &json!({"namedType": "x"})).expect_err("no schema").to_string();
    assert_eq!(said(json!({"types": [{"map": {}}]})), "types: a type without a name");
    assert_eq!(said(json!({"types": {}})), "types.types: must be a list");
    assert_eq!(said(json!({"types": [{"name": "x", "list": {"keys": [1]}}]})), "x.list: keys must be names of fields");
    let wrong = json!({"types": [{"name": "x", "map": {"elementRelationship": "loose"}}]});
    assert_eq!(said(wrong), "x.map: elementRelationship must be atomic, associative or separable");
}

/// Two versions of a kind that call its field by different names.
struct Renamed;

impl Kind for Renamed {
    fn of(&self, _version: &str) -> Type<'_> {
        Type::DEDUCED
    }

    fn convert<'v>(&self, object: &'v Value, from: &str, to: &str) -> Result<Cow<'v, Value>, ConvertError> {
        if !["v1", "v2"].contains(&to) {
            return Err(ConvertError::NoVersion(to.to_owned()));
        }
        let renamed = object.as_object().into_iter().flatten().map(|(name, value)| (name.replace(from, to), value.clone()));
        Ok(Cow::Owned(Value::Object(renamed.collect())))
    }
}

#[test]
fn owners_in_another_version_are_asked_in_theirs() {
    let first = apply(&Renamed, &json!({}), &json!({"size-v1": 1}), "v1", &Owners::new(), &"a", false).expect("nothing is in the way");
    let live = json!({"size-v2": 1});
    let Err(ApplyError::Conflicts(conflicts)) = apply(&Renamed, &live, &json!({"size-v2": 2}), "v2", &first.owners, &"b", false) else {
        panic!("a conflict");
    };
    assert_eq!(conflicts[&"a"].paths(), [".size-v1"]);
    let again = apply(&Renamed, &live, &json!({"other-v2": 2}), "v2", &first.owners, &"a", false).expect("her own");
    assert_eq!(again.object, json!({"other-v2": 2}));
}

#[test]
fn who_wrote_in_a_version_that_is_no_more_is_forgotten() {
    let mut first = apply(&Renamed, &json!({}), &json!({"x": 1}), "v1", &Owners::new(), &"a", false).expect("nothing is in the way");
    first.owners.get_mut("a").expect("an owner").version = "v0".to_owned();
    let second = apply(&Renamed, &first.object, &json!({"x": 2}), "v1", &first.owners, &"b", false).expect("nobody is left to object");
    assert_eq!(second.owners.keys().copied().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn items_that_are_there_twice_are_one() {
    let of = kind("", "Service");
    let twice = json!({"spec": {"ports": [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]}});
    let once = json!({"spec": {"ports": [{"port": 80, "name": "a"}]}});
    let comparison = compare(&once, &twice, of);
    let item = ".spec.ports[port=80,protocol=\"TCP\"]";
    assert_eq!(comparison.added.paths(), [item]);
    assert_eq!(comparison.removed.paths(), [item.to_owned(), format!("{item}.name"), format!("{item}.port")]);
}

#[test]
fn fields_are_taken_out_or_left_alone() {
    let of = kind("", "Service");
    let value = json!({"spec": {"type": "NodePort", "ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}]}});
    let fields = json!({"f:spec": {"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {"f:name": {}}}}});
    let fields = FieldSet::decode(&fields).expect("FieldsV1");
    assert_eq!(extract(&value, &fields, of, true), json!({"spec": {"ports": [{"port": 80, "name": "a"}]}}));
    assert_eq!(remove(&value, &fields, of), json!({"spec": {"type": "NodePort", "ports": [{"port": 80}, {"port": 81, "name": "b"}]}}));
}

#[test]
fn managed_fields_that_cannot_be_read_are_none() {
    let entry = |fields: Value| json!({"metadata": {"managedFields": [{"manager": "m", "operation": "Apply", "fieldsV1": fields}]}});
    assert!(ManagedFields::of(&entry(json!({"f:a": {}}))).is_some());
    assert_eq!(ManagedFields::of(&entry(json!({"x:a": {}}))), None);
    assert_eq!(ManagedFields::of(&entry(json!({"k:not json": {}}))), None);
    assert_eq!(ManagedFields::of(&entry(json!([]))), None);
}
