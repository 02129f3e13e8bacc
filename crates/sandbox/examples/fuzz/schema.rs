//! Values that a schema of the OpenAPI documents allows, with words that the field's name lets one expect.

use std::collections::BTreeMap;

use http_body_util::BodyExt as _;
use serde_json::{Map, Value, json};

use crate::Error;
use crate::kinds::KINDS;
use crate::random::Random;

/// The schemas of Kubernetes' own kinds, by their full names.
pub(crate) struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    /// Those that a server tells of the kinds that are tried.
    pub(crate) async fn read(client: &kube::Client) -> Result<Self, Error> {
        let mut all = BTreeMap::new();
        let documents: std::collections::BTreeSet<&str> = KINDS.iter().map(|kind| kind.prefix).collect();
        for document in documents {
            let response = client.send(http::Request::get(format!("/openapi/v3{document}")).body(Vec::new().into())?).await?;
            let document: Value = serde_json::from_slice(&response.into_body().collect().await?.to_bytes())?;
            let schemas = document["components"]["schemas"].as_object().cloned().unwrap_or_default();
            all.extend(schemas);
        }
        Ok(Self(all))
    }

    /// The schema of a kind.
    pub(crate) fn of(&self, kind: &str) -> &Value {
        let of_kind = |schema: &&Value| {
            let names = schema["x-kubernetes-group-version-kind"].as_array();
            names.is_some_and(|names| names.iter().any(|one| one["kind"] == kind))
        };
        self.0.values().find(of_kind).unwrap_or(&Value::Null)
    }

    /// What a schema is, behind its references.
    pub(crate) fn resolve<'a>(&'a self, schema: &'a Value) -> (&'a Value, &'a str) {
        let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
        match reference.and_then(|reference| reference.rsplit('/').next()) {
            Some(name) => (self.0.get(name).unwrap_or(&Value::Null), name.rsplit('.').next().unwrap_or(name)),
            None => (schema, ""),
        }
    }

    /// The schema of a field of an object, or of a list's items.
    pub(crate) fn inside<'a>(&'a self, schema: &'a Value, part: &str) -> &'a Value {
        let (schema, _) = self.resolve(schema);
        if schema["items"].is_object() {
            return &schema["items"];
        }
        schema["properties"].get(part).unwrap_or(&schema["additionalProperties"])
    }

    /// A value of a schema for a field of this name.
    pub(crate) fn sample(&self, random: &mut Random, schema: &Value, name: &str, depth: usize) -> Value {
        let (schema, kind) = self.resolve(schema);
        match kind {
            "Quantity" => return random.pick(&["100m", "1", "1Gi", "0.5", "1500m", "128Mi", "1e3"]).into(),
            "IntOrString" => return [json!(1), json!(80), json!("25%"), json!("http")][random.below(4)].clone(),
            "Time" | "MicroTime" => return "2001-02-03T04:05:06Z".into(),
            _ => {}
        }
        if let Some(words) = schema["enum"].as_array() {
            return words[random.below(words.len())].clone();
        }
        match schema["type"].as_str() {
            Some("string") if schema["format"] == "byte" => "YWJj".into(),
            Some("string") => word(random, name).into(),
            Some("integer") => number(random, name).into(),
            Some("number") => json!(1.5),
            Some("boolean") => random.chance(50).into(),
            Some("array") => {
                let count = [0, 1, 1, 1, 2][random.below(5)];
                (0..count).map(|_| self.sample(random, &schema["items"], name, depth)).collect()
            }
            Some("object") if schema["properties"].is_object() => self.object(random, schema, depth),
            Some("object") if schema["additionalProperties"].is_object() => {
                json!({random.pick(&["a", "app", "tier", "example.com/a"]): self.sample(random, &schema["additionalProperties"], "value", depth)})
            }
            Some("object") => json!({}),
            _ => json!({}),
        }
    }

    fn object(&self, random: &mut Random, schema: &Value, depth: usize) -> Value {
        let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut object = Map::new();
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            if required.contains(&name.as_str()) || (depth > 0 && random.chance(22)) {
                object.insert(name.clone(), self.sample(random, schema, name, depth.saturating_sub(1)));
            }
        }
        object.into()
    }
}

/// A word for a string field of this name: mostly one that is right there.
fn word(random: &mut Random, name: &str) -> String {
    let words: &[&str] = match name {
        "image" => &["nginx:1", "nginx", "registry.example/a/b:2", "nginx:latest"],
        "mountPath" | "path" | "devicePath" | "subPath" => &["/data", "/etc/a", "/", "a/b", "."],
        "key" => &["app", "tier", "a.b", "example.com/a", "k"],
        "apiVersion" => &["v1", "apps/v1"],
        "apiGroup" => &["", "apps", "rbac.authorization.k8s.io"],
        "kind" => &["Deployment", "ConfigMap", "Role"],
        "fieldPath" => &["metadata.name", "status.podIP", "metadata.labels['a']", "spec.nodeName"],
        "host" | "hostname" | "subdomain" | "serverName" => &["example.com", "a", "*.example.com"],
        "cidr" | "except" => &["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32"],
        "ip" | "podIP" | "hostIP" => &["10.0.0.1", "192.168.1.1"],
        "schedule" => &["*/5 * * * *", "@daily", "0 0 1 1 *"],
        "timeZone" => &["UTC", "Etc/UTC"],
        "resource" => &["limits.cpu", "requests.memory", "cpu"],
        "topologyKey" => &["kubernetes.io/hostname", "zone"],
        "port" => &["http", "web"],
        "mode" => &["a"],
        "values" => &["a", "b", "1"],
        "accessModes" => &["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"],
        "verbs" => &["get", "list", "*", "update"],
        "apiGroups" => &["", "apps", "*"],
        "resources" => &["pods", "deployments", "*"],
        "loadBalancerSourceRanges" => &["10.0.0.0/8"],
        "externalIPs" => &["10.9.8.7"],
        "drop" | "add" => &["ALL", "NET_ADMIN"],
        "finalizers" => &["example.com/keep", "kubernetes"],
        "runtimeClassName" | "priorityClassName" | "nodeName" => &["a"],
        "resizePolicy" | "restartPolicy" => &["Always", "OnFailure", "Never", "NotRequired", "RestartContainer"],
        "type" => &["a", "Resource", "Utilization", "RollingUpdate", "RuntimeDefault", "Unconfined"],
        _ => &["a", "b", "main", "web", "a-b"],
    };
    random.pick(words).to_owned()
}

fn number(random: &mut Random, name: &str) -> i64 {
    let numbers: &[i64] = match name {
        _ if name.to_lowercase().contains("port") => &[80, 8080, 443, 1],
        "defaultMode" | "mode" => &[420, 0, 511, 256],
        "weight" => &[1, 50, 100],
        _ if name.to_lowercase().contains("seconds") => &[0, 1, 10, 30],
        _ => &[0, 1, 2, 3, 5, 100],
    };
    numbers[random.below(numbers.len())]
}
