//! Each kind's form, and the recorded live objects of a real server as the judge of all.

use std::path::Path;

use serde_json::json;

use super::*;

fn canonical(mut object: Value) -> Value {
    let version = object["apiVersion"].as_str().unwrap().to_owned();
    let group = version.split_once('/').map_or("", |(group, _)| group).to_owned();
    let kind = object["kind"].as_str().unwrap().to_owned();
    canonicalise(&group, &kind, &mut object, None);
    object
}

#[test]
fn only_what_is_not_as_it_was_is_brought_into_form() {
    let old = canonical(deployment());
    let mut new = old.clone();
    new["status"] = json!({"replicas": 0, "unknown": 1, "conditions": [{"type": "Available", "status": "True"}]});
    new["metadata"]["labels"] = json!({});
    let mut again = new.clone();
    canonicalise("apps", "Deployment", &mut again, Some(&old));
    assert_eq!(again, canonical(new));
    assert_eq!(again["spec"], old["spec"]);
}

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "creationTimestamp": null, "labels": {}},
        "spec": {
            "paused": false, "minReadySeconds": 0, "replicas": 0, "unknown": 1,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web", "empty": ""}},
                "spec": {"containers": [{
                    "name": "web", "image": "nginx:1", "env": [{"name": "A", "value": ""}], "args": [],
                    "ports": [{"containerPort": 80}], "resources": {"limits": {"cpu": "0.5", "memory": "1024Mi"}},
                    "readinessProbe": {"httpGet": {"port": 80}, "initialDelaySeconds": 0},
                    "securityContext": {"runAsNonRoot": false},
                }], "volumes": [{"name": "scratch"}, {"name": "config", "configMap": {"name": "c"}}]},
            },
        },
    })
}

#[test]
fn a_deployment_gets_what_a_server_gives_it() {
    let got = canonical(deployment());
    assert_eq!(got["metadata"], json!({"name": "web"}));
    assert_eq!(got["status"], json!({}));
    let spec = &got["spec"];
    assert_eq!(spec["replicas"], 0, "0 is said, not left out");
    for gone in ["paused", "minReadySeconds", "unknown"] {
        assert!(spec.get(gone).is_none(), "{gone}");
    }
    assert_eq!(spec["strategy"], json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}));
    assert_eq!(spec["template"]["metadata"]["labels"]["empty"], "", "data stays as it is");
    let container = &spec["template"]["spec"]["containers"][0];
    assert_eq!(container["env"], json!([{"name": "A"}]));
    assert!(container.get("args").is_none());
    assert_eq!(container["ports"], json!([{"containerPort": 80, "protocol": "TCP"}]));
    assert_eq!(container["resources"]["limits"], json!({"cpu": "500m", "memory": "1Gi"}));
    assert_eq!(container["imagePullPolicy"], "IfNotPresent");
    assert_eq!(container["securityContext"], json!({"runAsNonRoot": false}));
    let probe = json!({"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"}, "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3});
    assert_eq!(container["readinessProbe"], probe);
    assert_eq!(
        spec["template"]["spec"]["volumes"],
        json!([{"name": "scratch", "emptyDir": {}}, {"name": "config", "configMap": {"name": "c", "defaultMode": 420}}])
    );
}

#[test]
fn the_form_of_the_form_is_the_form() {
    for object in [
        deployment(),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}),
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "uid": "u"}, "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}}),
    ] {
        let once = canonical(object);
        assert_eq!(canonical(once.clone()), once);
    }
}

#[test]
fn a_secrets_text_becomes_data() {
    let got = canonical(
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "eA=="}, "stringData": {"a": "new", "b": "text"}}),
    );
    assert_eq!(got["data"], json!({"a": "bmV3", "b": "dGV4dA=="}));
    assert_eq!((got.get("stringData"), &got["type"]), (None, &json!("Opaque")));
}

#[test]
fn a_service_that_is_refused_is_refused_in_the_servers_words() {
    let got = canonical(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80000}]}}));
    let causes = validate("", "Service", &got, None, Empties::new());
    assert_eq!(causes.len(), 2, "{causes:?}");
    assert_eq!(
        (causes[0].field.as_str(), causes[0].message.as_str()),
        ("spec.ports[0].port", "Invalid value: 80000: must be between 1 and 65535, inclusive")
    );
}

#[test]
fn what_may_not_change_may_not_change() {
    let old = canonical(deployment());
    assert_eq!(validate("apps", "Deployment", &old, Some(&old), Empties::new()), []);
    let mut new = old.clone();
    new["spec"]["selector"]["matchLabels"]["app"] = json!("other");
    let causes = validate("apps", "Deployment", &new, Some(&old), Empties::new());
    assert!(causes.iter().any(|cause| cause.field == "spec.selector" && cause.message.ends_with(": field is immutable")), "{causes:?}");
    assert!(causes.iter().any(|cause| cause.field == "spec.template.metadata.labels"), "{causes:?}");
}

#[test]
fn missing_names_images_and_mounts_are_told() {
    let mut object = deployment();
    object["metadata"]["name"] = json!("Web");
    object["spec"]["template"]["spec"]["containers"] =
        json!([{"name": "a", "volumeMounts": [{"name": "none", "mountPath": "/x"}]}, {"name": "a", "image": "i"}]);
    let fields: Vec<String> =
        validate("apps", "Deployment", &canonical(object), None, Empties::new()).into_iter().map(|cause| cause.field).collect();
    let at = "spec.template.spec.containers";
    assert_eq!(
        fields,
        ["metadata.name".to_owned(), format!("{at}[0].image"), format!("{at}[0].volumeMounts[0].name"), format!("{at}[1].name")]
    );
}

/// The folder of the recorded scenarios.
fn recorded() -> Option<std::path::PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
    let folder = std::env::var_os("FIEL_CONFORMANCE").map_or(beside, Into::into).join("argocd/cases");
    folder.is_dir().then_some(folder)
}

/// A real server's objects, with what was applied beside them (in the annotation of client-side apply): our form of the one is the other.
#[test]
fn recorded_objects_of_a_real_server_have_our_form() {
    let Some(folder) = recorded() else {
        eprintln!("SKIPPED: the recorded live objects are not here (FIEL_CONFORMANCE): the server's form was not compared");
        return;
    };
    let (mut compared, mut different) = (0, Vec::new());
    for case in std::fs::read_dir(folder).unwrap() {
        let Ok(text) = std::fs::read_to_string(case.unwrap().path().join("recorded.yaml")) else { continue };
        let records: Value = serde_yaml::from_str(&text).unwrap();
        for record in records.as_object().into_iter().flat_map(|records| records.values()) {
            for (reference, live) in record["live"].as_object().into_iter().flatten() {
                let annotation = &live["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"];
                let Some(mut applied) = annotation.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok()) else { continue };
                let version = applied["apiVersion"].as_str().unwrap_or_default().to_owned();
                let (group, kind) =
                    (version.split_once('/').map_or("", |(group, _)| group), applied["kind"].as_str().unwrap_or_default().to_owned());
                if !matches!(group, "" | "apps" | "batch" | "networking.k8s.io" | "autoscaling" | "policy" | "rbac.authorization.k8s.io") {
                    continue;
                }
                applied["metadata"]["uid"] = json!("<uid>");
                canonicalise(group, &kind, &mut applied, None);
                prepare(group, &kind, &mut applied, None, "2026-01-02T03:04:05Z");
                // What is stored is canonical already: to pass over it makes no difference.
                let mut again = [applied.clone(), applied.clone()];
                canonicalise(group, &kind, &mut again[0], Some(&applied));
                canonicalise(group, &kind, &mut again[1], None);
                assert_eq!(again[0], again[1]);
                compared += 1;
                for part in ["spec", "data", "type", "rules"] {
                    let (got, want) = (without_lot(&applied[part]), without_lot(&live[part]));
                    // A change by hand during the scenario is no matter of form: only what is a form's own is compared.
                    if shape_of(&got) != shape_of(&want) {
                        different.push(format!("{reference} {part}:\n  ours   {got}\n  theirs {want}"));
                    }
                }
            }
        }
    }
    assert!(compared > 50, "only {compared} objects were there to compare");
    // The scenarios change a few by hand, a field added for instance; those are not told apart here.
    let allowed = compared / 40;
    assert!(different.len() <= allowed, "{} of {compared} differ:\n{}", different.len(), different.join("\n"));
}

/// The names of all fields, without their values: what the form decides.
fn shape_of(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(fields.iter().map(|(name, value)| (name.clone(), shape_of(value))).collect()),
        Value::Array(items) => Value::Array(items.iter().map(shape_of).collect()),
        _ => Value::Null,
    }
}

/// A value without what the server draws by lot or hands out.
fn without_lot(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(fields) = value.as_object_mut() {
        for name in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "nodeName", "volumeName"] {
            fields.remove(name);
        }
    }
    value
}

/// Which fields a real server always writes, by type: what the Go types say is what our form does.
#[test]
fn always_written_fields_are_those_of_the_go_types() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
    let file = std::env::var_os("FIEL_CONFORMANCE").map_or(beside, Into::into).join("kubernetes/go_shape.json");
    let Ok(text) = std::fs::read_to_string(&file) else {
        eprintln!("SKIPPED: {} is not here (FIEL_CONFORMANCE): the Go types were not compared", file.display());
        return;
    };
    let all: Value = serde_json::from_str(&text).unwrap();
    let (mut passed, mut failed) = (0, Vec::new());
    for (name, fields) in all["types"].as_object().unwrap() {
        let parts: Vec<&str> = name.rsplitn(4, '.').collect();
        let message = format!("{}/{}.{}", parts[2], parts[1], parts[0]);
        let ours = crate::golang::Table::get().fields(&message);
        if ours.is_none() || !(name.starts_with("io.k8s.api.") || name.contains(".meta.v1.")) {
            continue;
        }
        let mut nothing = Map::new();
        shape::fill(&mut nothing, &message, &[]);
        for (field, shape) in fields.as_object().unwrap() {
            let (kind, omitted) = (shape["kind"].as_str().unwrap(), shape["omitempty"] == true);
            let structure = matches!(kind, "struct" | "time" | "microtime" | "quantity" | "intorstring" | "raw");
            let written = shape["omitzero"] != true && (structure || !omitted);
            // Types of types are left out: what is one in Go may be none in JSON.
            if kind.starts_with("unknown") || nothing.contains_key(field) == written {
                passed += 1;
            } else {
                failed.push(format!("{message}.{field}: {kind}, written: {written}"));
            }
        }
    }
    println!("{passed} passed, {} failed", failed.len());
    assert!(failed.is_empty() && passed > 2000, "{passed} passed, {} failed:\n{}", failed.len(), failed.join("\n"));
}
