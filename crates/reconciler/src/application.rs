//! The resources of Argo CD that fiel reads: their definitions, and small helpers to read an Application.

use serde_json::{Value, json};

/// The CustomResourceDefinitions of Application and AppProject. As Argo CD's, they have no status subresource; unlike
/// them they are small: every field is kept, the agent checks what it uses.
pub fn crds() -> Vec<Value> {
    let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let text = json!({"type": "string"});
    let source = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"repoURL": text, "path": text, "targetRevision": text, "chart": text}});
    let spec = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true, "required": ["destination", "project"], "properties": {
        "project": text,
        "source": source,
        "sources": {"type": "array", "items": source},
        "destination": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"server": text, "namespace": text, "name": text}},
        "syncPolicy": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {
            "automated": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"prune": {"type": "boolean"}, "selfHeal": {"type": "boolean"}, "allowEmpty": {"type": "boolean"}, "enabled": {"type": "boolean"}}},
            "syncOptions": {"type": "array", "items": text},
        }},
        "revisionHistoryLimit": {"type": "integer", "format": "int64"},
    }});
    let column = |name: &str, path: &str| json!({"name": name, "type": "string", "jsonPath": path});
    let mut revision = column("Revision", ".status.sync.revision");
    revision["priority"] = 10.into();
    let crd = |kind: &str, plural: &str, short: Value, columns: Value, properties: Value, required: Value| {
        let mut version = json!({"name": "v1alpha1", "served": true, "storage": true,
            "schema": {"openAPIV3Schema": {"type": "object", "properties": properties, "required": required}}});
        if columns != json!([]) {
            version["additionalPrinterColumns"] = columns;
        }
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.argoproj.io"), "labels": {"app.kubernetes.io/name": format!("{plural}.argoproj.io"), "app.kubernetes.io/part-of": "argocd"}},
            "spec": {"group": "argoproj.io", "scope": "Namespaced",
                "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": kind.to_lowercase(), "shortNames": short},
                "versions": [version]}})
    };
    let base = || json!({"apiVersion": text, "kind": text, "metadata": {"type": "object"}});
    let mut application = base();
    for (field, schema) in [("spec", spec), ("operation", any.clone()), ("status", any.clone())] {
        application[field] = schema;
    }
    let mut project = base();
    for field in ["spec", "status"] {
        project[field] = any.clone();
    }
    vec![
        crd(
            "Application",
            "applications",
            json!(["app", "apps"]),
            json!([column("Sync Status", ".status.sync.status"), column("Health Status", ".status.health.status"), revision, {"name": "Project", "type": "string", "jsonPath": ".spec.project", "priority": 10}]),
            application,
            json!(["metadata", "spec"]),
        ),
        crd("AppProject", "appprojects", json!(["appproj", "appprojs"]), json!([]), project, json!(["metadata", "spec"])),
    ]
}

/// Whether a sync option (`Prune=false` and the like) is given on an object, in its annotation.
pub fn object_option(object: &Value, wanted: &str) -> bool {
    let options = object["metadata"]["annotations"]["argocd.argoproj.io/sync-options"].as_str().unwrap_or_default();
    options.split(',').any(|option| option.trim() == wanted)
}

/// Whether a sync option is given in a list (`spec.syncPolicy.syncOptions`, `operation.sync.syncOptions`).
pub fn listed_option(options: &Value, wanted: &str) -> bool {
    options.as_array().is_some_and(|options| options.iter().any(|option| option == wanted))
}

/// The sync wave of an object.
pub fn wave(object: &Value) -> i64 {
    object["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"].as_str().and_then(|w| w.trim().parse().ok()).unwrap_or_default()
}

/// The hook phases of an object, as its annotation gives them; `None`: it is no hook.
pub fn hook(object: &Value) -> Option<&str> {
    let annotations = &object["metadata"]["annotations"];
    annotations["argocd.argoproj.io/hook"].as_str().or_else(|| annotations["helm.sh/hook"].as_str())
}
