//! `ClusterRole`s that are made up of others: their rules are those of the roles that they select by label.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::action::Action;
use super::engine::{Controller, Decision};
use super::kind::Kind;
use super::object::{Object, key, name, selects};
use super::world::{Name, World};

/// Under which name it writes: by server-side apply and with force, so that the rules are its own whoever wrote some before.
const MANAGER: &str = "clusterrole-aggregation-controller";

/// What a rule consists of.
const FIELDS: [&str; 5] = ["apiGroups", "nonResourceURLs", "resourceNames", "resources", "verbs"];

/// The controller of `ClusterRole`s with an `aggregationRule`. The authoriser looks at nothing but rules: what it has not written yet does not hold.
pub(crate) struct Aggregation;

impl Controller for Aggregation {
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::ClusterRole]
    }

    fn touched(&self, world: &World, _: Kind, _: &Object) -> Vec<Name> {
        // Whichever role changed may be a part of each of them, or has been one.
        world.all(Kind::ClusterRole).filter(|role| selectors(role).is_some()).map(|role| key(role)).collect()
    }

    fn decide(&self, world: &World, (namespace, name): &Name, _: Timestamp) -> Decision {
        let Some(role) = world.get(Kind::ClusterRole, namespace, name) else { return Decision::default() };
        let Some(selectors) = selectors(role) else { return Decision::default() };
        let wanted = sum(world, name, selectors);
        if wanted == rules(role).collect::<Vec<_>>() {
            return Decision::default();
        }
        let mut fields = json!({});
        // Where nothing is left, what it wrote goes since it is no longer said; rules of somebody else's stay.
        if !wanted.is_empty() {
            fields["rules"] = wanted.into();
        }
        vec![Action::Apply(Kind::ClusterRole, key(role), MANAGER, fields)].into()
    }
}

/// The selectors of a role that is made up of others.
fn selectors(role: &Object) -> Option<&Vec<Value>> {
    role.at("/aggregationRule/clusterRoleSelectors")?.as_array()
}

/// The rules of all other roles that are selected, selector by selector and by name, each once.
fn sum(world: &World, of: &str, selectors: &[Value]) -> Vec<Value> {
    let mut out = Vec::new();
    for selector in selectors {
        let parts = world.all(Kind::ClusterRole).filter(|part| name(part) != of && selects(Some(selector), part.metadata.labels.as_ref()));
        for rule in parts.flat_map(|part| rules(part)) {
            if !out.contains(&rule) {
                out.push(rule);
            }
        }
    }
    out
}

/// A role's rules. A list that is empty is one that is not there.
fn rules(role: &Object) -> impl Iterator<Item = Value> {
    role.data.get("rules").and_then(Value::as_array).into_iter().flatten().map(|rule| {
        let said = FIELDS.iter().filter_map(|field| Some((*field, rule.get(field)?.as_array().filter(|list| !list.is_empty())?)));
        Value::Object(said.map(|(field, list)| (field.to_owned(), list.clone().into())).collect::<Map<_, _>>())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(roles: &Value) -> World {
        let mut world = World::default();
        for (at, role) in roles.as_array().into_iter().flatten().enumerate() {
            let mut role: Object = serde_json::from_value(role.clone()).expect("a role");
            role.metadata.resource_version = Some((at + 1).to_string());
            world.put(Kind::ClusterRole, role);
        }
        world
    }

    fn decide(world: &World, name: &str) -> Vec<Action> {
        Aggregation.decide(world, &(String::new(), name.to_owned()), Timestamp::UNIX_EPOCH).actions
    }

    fn written(name: &str, fields: Value) -> Vec<Action> {
        vec![Action::Apply(Kind::ClusterRole, (String::new(), name.to_owned()), MANAGER, fields)]
    }

    fn may(resource: &str) -> Value {
        json!({"apiGroups": [""], "resources": [resource], "verbs": ["get"]})
    }

    /// What kube-controller-manager 1.36 made of the same roles.
    #[test]
    fn a_role_has_the_rules_of_those_it_selects_by_selector_and_name() {
        let mut padded = may("shared");
        padded["resourceNames"] = json!([]);
        let sum = json!({
            "metadata": {"name": "sum"}, "rules": [may("own")],
            "aggregationRule": {"clusterRoleSelectors": [
                {"matchLabels": {"into": "sum"}}, {"matchExpressions": [{"key": "also", "operator": "In", "values": ["sum"]}]},
            ]},
        });
        let paths = json!({"nonResourceURLs": ["/a"], "verbs": ["get"]});
        let parts = json!([
            sum,
            {"metadata": {"name": "part-b", "labels": {"into": "sum", "also": "sum"}}, "rules": [may("b"), padded]},
            {"metadata": {"name": "part-a", "labels": {"also": "sum"}}, "rules": [paths, may("shared")]},
            {"metadata": {"name": "other", "labels": {"also": "none"}}, "rules": [may("other")]},
        ]);
        let wanted = json!([may("b"), may("shared"), paths]);
        let world = world(&parts);
        assert_eq!(decide(&world, "sum"), written("sum", json!({ "rules": wanted })));
        assert_eq!((decide(&world, "part-a"), decide(&world, "none")), (vec![], vec![]), "it makes nothing up");
        let any = world.get(Kind::ClusterRole, "", "other").expect("it is there");
        let touched = Aggregation.touched(&world, Kind::ClusterRole, any);
        assert_eq!(touched, [(String::new(), "sum".to_owned())]);
    }

    #[test]
    fn what_is_written_already_is_not_written_again() {
        let mut padded = may("a");
        padded["nonResourceURLs"] = json!([]);
        let all = json!({"clusterRoleSelectors": [{}]});
        let world = world(&json!([
            {"metadata": {"name": "all"}, "aggregationRule": all, "rules": [padded]},
            {"metadata": {"name": "part"}, "rules": [may("a")]},
        ]));
        assert_eq!(decide(&world, "all"), []);
    }

    #[test]
    fn without_parts_only_its_own_rules_go_and_a_role_is_no_part_of_itself() {
        let of = |label: &str| json!({"clusterRoleSelectors": [{"matchLabels": {label: "1"}}]});
        let world = world(&json!([
            {"metadata": {"name": "left"}, "aggregationRule": of("gone"), "rules": [may("a")]},
            {"metadata": {"name": "self", "labels": {"self": "1"}}, "aggregationRule": of("self"), "rules": null},
        ]));
        assert_eq!(decide(&world, "left"), written("left", json!({})));
        assert_eq!(decide(&world, "self"), []);
    }

    #[test]
    fn the_roles_that_a_cluster_has_from_the_start_need_nothing() {
        let world = world(&serde_json::from_str(include_str!("../../data/roles.json")).expect("a list"));
        for name in ["admin", "edit", "view"] {
            assert_eq!(decide(&world, name), [], "{name}");
            assert!(rules(world.get(Kind::ClusterRole, "", name).expect("it is there")).count() > 10, "{name}");
        }
    }
}
