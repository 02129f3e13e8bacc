//! What objects have for themselves or use of others, kept beside them: an address that is free, or a claim that nobody uses, is found without looking
//! into every object.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::store::Name;

/// Something that objects of a kind use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Use {
    /// A Service has this address.
    Address(std::net::Ipv4Addr),
    /// A Service has this port of every node.
    NodePort(i64),
    /// A Pod of that namespace uses that claim.
    Claim(String, String),
}

/// What the objects of one resource use.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    /// How many objects use it.
    counts: BTreeMap<Use, usize>,
    by_object: BTreeMap<Name, Vec<Use>>,
}

impl Uses {
    /// Notes what an object uses, instead of what it used before.
    pub(crate) fn note(&mut self, resource: &str, of: &Name, object: &Value) {
        let uses = match resource {
            "/services" => of_service(object),
            "/pods" => of_pod(&of.0, object),
            _ => return,
        };
        self.forget(of);
        if uses.is_empty() {
            return;
        }
        for one in &uses {
            *self.counts.entry(one.clone()).or_default() += 1;
        }
        self.by_object.insert(of.clone(), uses);
    }

    /// Forgets what an object used.
    pub(crate) fn forget(&mut self, of: &Name) {
        for one in self.by_object.remove(of).into_iter().flatten() {
            if let Some(count) = self.counts.get_mut(&one) {
                *count -= 1;
                if *count == 0 {
                    self.counts.remove(&one);
                }
            }
        }
    }

    /// Whether any object uses it.
    pub(crate) fn has(&self, one: &Use) -> bool {
        self.counts.contains_key(one)
    }

    /// Whether any other object than that one uses it.
    pub(crate) fn others_have(&self, one: &Use, but: &Name) -> bool {
        let own = self.by_object.get(but).is_some_and(|uses| uses.contains(one));
        self.counts.get(one).is_some_and(|count| *count > usize::from(own))
    }
}

fn of_service(service: &Value) -> Vec<Use> {
    let spec = &service["spec"];
    let address = spec["clusterIP"].as_str().and_then(|address| address.parse().ok()).map(Use::Address);
    let mut out: Vec<Use> = address.into_iter().chain(all_node_ports(spec).map(Use::NodePort)).collect();
    once_each(&mut out);
    out
}

/// The ports of every node that a Service has: those of its ports, and the one that is asked for health.
pub(crate) fn all_node_ports(spec: &Value) -> impl Iterator<Item = i64> + '_ {
    node_ports(spec).chain(spec["healthCheckNodePort"].as_i64())
}

/// Those of its ports alone.
pub(crate) fn node_ports(spec: &Value) -> impl Iterator<Item = i64> + '_ {
    spec["ports"].as_array().into_iter().flatten().filter_map(|port| port["nodePort"].as_i64())
}

/// The claims that a Pod uses.
pub(crate) fn claims(pod: &Value) -> impl Iterator<Item = &str> {
    pod["spec"]["volumes"].as_array().into_iter().flatten().filter_map(|volume| volume["persistentVolumeClaim"]["claimName"].as_str())
}

fn of_pod(namespace: &str, pod: &Value) -> Vec<Use> {
    let mut out: Vec<Use> = claims(pod).map(|claim| Use::Claim(namespace.to_owned(), claim.to_owned())).collect();
    once_each(&mut out);
    out
}

/// Two ports of one Service, of different protocols, may have the same number.
fn once_each(uses: &mut Vec<Use>) {
    uses.sort();
    uses.dedup();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_used_is_known_until_the_last_user_goes() {
        let mut uses = Uses::default();
        let (one, two) = (("a".to_owned(), "one".to_owned()), ("a".to_owned(), "two".to_owned()));
        let pod = |claim: &str| json!({"spec": {"volumes": [{"persistentVolumeClaim": {"claimName": claim}}, {"emptyDir": {}}]}});
        let claim = |name: &str| Use::Claim("a".to_owned(), name.to_owned());
        uses.note("/pods", &one, &pod("data"));
        uses.note("/pods", &two, &pod("data"));
        assert!(uses.has(&claim("data")) && uses.others_have(&claim("data"), &one));
        uses.note("/pods", &one, &pod("other"));
        assert!(!uses.others_have(&claim("data"), &two) && uses.others_have(&claim("data"), &one));
        uses.forget(&two);
        assert!(!uses.has(&claim("data")) && uses.has(&claim("other")));
        uses.note("/configmaps", &two, &pod("data"));
        assert!(!uses.has(&claim("data")));
    }

    #[test]
    fn a_service_has_an_address_and_ports() {
        let mut uses = Uses::default();
        let name = ("a".to_owned(), "s".to_owned());
        let ports = json!([{"nodePort": 30000}, {"nodePort": 30000}, {"port": 1}]);
        uses.note("/services", &name, &json!({"spec": {"clusterIP": "10.96.0.7", "ports": ports, "healthCheckNodePort": 30001}}));
        for one in [Use::Address([10, 96, 0, 7].into()), Use::NodePort(30000), Use::NodePort(30001)] {
            assert!(uses.has(&one) && !uses.others_have(&one, &name), "{one:?}");
        }
        uses.note("/services", &name, &json!({"spec": {"clusterIP": "None"}}));
        assert!(uses.counts.is_empty() && uses.by_object.is_empty());
    }
}
