//! What builds print.

use super::run;

#[test]
fn an_overlay_prefixes_patches_and_generates() {
    let built = run(
        "prod",
        "== base/kustomization.yaml
resources: [app.yaml]
configMapGenerator:
- name: settings
  literals: [LEVEL=info]
== base/app.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: web
        image: web
        envFrom:
        - configMapRef: {name: settings}
== prod/kustomization.yaml
resources: [../base]
namePrefix: prod-
namespace: shop
images: [{name: web, newName: registry/web, newTag: v1}]
replicas: [{name: web, count: 3}]
patches:
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      template:
        spec:
          containers: [{name: proxy, image: proxy}]
",
    )
    .unwrap();
    insta::assert_snapshot!(built.to_yaml(), @r#"
    apiVersion: v1
    data:
      LEVEL: info
    kind: ConfigMap
    metadata:
      name: prod-settings-2748f727mg
      namespace: shop
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: prod-web
      namespace: shop
    spec:
      replicas: 3
      template:
        spec:
          containers:
          - image: proxy
            name: proxy
          - envFrom:
            - configMapRef:
                name: prod-settings-2748f727mg
            image: registry/web:v1
            name: web
    "#);
    let read: Vec<&str> = built.read_set().iter().map(String::as_str).collect();
    assert!(read.contains(&"base/app.yaml") && read.contains(&"prod/kustomization.yaml"), "{read:?}");
}

#[test]
fn components_work_on_what_their_parent_gathered() {
    let built = run(
        "app",
        "== app/kustomization.yaml
resources: [a.yaml]
components: [../more]
nameSuffix: -end
== app/a.yaml
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
== more/kustomization.yaml
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
namePrefix: c-
",
    )
    .unwrap();
    assert_eq!(built.resources()[0].name(), "c-a-end");
}

#[test]
fn replacements_copy_fields() {
    let built = run(
        ".",
        "== kustomization.yaml
resources: [a.yaml]
replacements:
- source: {kind: Service, fieldPath: metadata.name}
  targets:
  - select: {kind: ConfigMap}
    fieldPaths: [data.host]
    options: {delimiter: ., index: 0}
== a.yaml
{apiVersion: v1, kind: Service, metadata: {name: db}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {host: x.svc}}
",
    )
    .unwrap();
    assert_eq!(built.resources()[0].to_json()["data"]["host"], "db.svc");
}

#[test]
fn two_thousand_references_are_repaired() {
    let mut text = String::from("== kustomization.yaml\nnamePrefix: p-\nresources: [all.yaml]\n== all.yaml\n");
    for i in 0..2000 {
        text.push_str(&format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c{i}}}}}\n---\n"));
        text.push_str(&format!("{{apiVersion: v1, kind: Pod, metadata: {{name: d{i}}}, spec: {{containers: [{{name: x, envFrom: [{{configMapRef: {{name: c{i}}}}}]}}]}}}}\n---\n"));
    }
    let built = run(".", &text).unwrap();
    assert_eq!(built.resources().len(), 4000);
    let last = built.resources().iter().find(|r| r.name() == "p-d1999").unwrap().to_json();
    assert_eq!(last["spec"]["containers"][0]["envFrom"][0]["configMapRef"]["name"], "p-c1999");
}

#[test]
fn a_null_annotation_is_a_text_in_patches_of_the_older_kind() {
    let tree = |how: &str| {
        format!(
            "== a/kustomization.yaml
resources: [job.yaml]
{how}
== a/job.yaml
{{apiVersion: batch/v1, kind: Job, metadata: {{name: j, annotations: {{n: x, z: x}}}}}}
== a/patch.yaml
{{apiVersion: batch/v1, kind: Job, metadata: {{name: j, annotations: {{n: null}}}}}}
"
        )
    };
    let annotation = |how: &str| run("a", &tree(how)).expect("builds").to_yaml().contains("\"n\": \"null\"");
    assert!(annotation("patchesStrategicMerge: [patch.yaml]"));
    assert!(annotation("patches: [{path: patch.yaml, options: {allowNameChange: true}}]"));
    assert!(!annotation("patches: [{path: patch.yaml}]"));
}

#[test]
fn a_secret_without_data_has_an_empty_map_of_them() {
    let built = run("a", "== a/kustomization.yaml\nsecretGenerator: [{name: s}]\n").expect("builds").to_yaml();
    insta::assert_snapshot!(built, @r"
    apiVersion: v1
    data: {}
    kind: Secret
    metadata:
      name: s-46f8b28mk5
    type: Opaque
    ");
}

#[test]
fn a_patch_that_takes_all_annotations_counts_as_the_origin() {
    let built = run(
        ".",
        "== kustomization.yaml
resources: [a.yaml]
buildMetadata: [originAnnotations]
patches: [{patch: '{apiVersion: v1, kind: Foo, metadata: {name: a, annotations: {$patch: replace, q: z}}}'}]
== a.yaml
{apiVersion: v1, kind: Foo, metadata: {name: a, annotations: {x: y}}}
",
    )
    .unwrap();
    let annotations = built.resources()[0].to_json()["metadata"]["annotations"].clone();
    assert!(annotations["config.kubernetes.io/origin"].as_str().unwrap().contains("kind: PatchTransformer"));
    assert_eq!(annotations["q"], "z");
}

#[test]
#[cfg(unix)]
fn links_are_read_with_what_they_lead_to_however_many_files_there_are() {
    for count in [1, 40] {
        let temp = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: String| std::fs::write(temp.path().join(name), text).expect("written");
        let mut kustomization = "resources:\n- link.yaml\n".to_owned();
        for i in 0..count {
            write(&format!("{i}.yaml"), format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c{i}}}}}"));
            kustomization += &format!("- {i}.yaml\n");
        }
        write("real.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: real}}".to_owned());
        std::os::unix::fs::symlink("real.yaml", temp.path().join("link.yaml")).expect("linked");
        write("kustomization.yaml", kustomization);
        let built = fiel_renderer::build(&fiel_renderer::Disk::new(temp.path()), "", &fiel_renderer::Options::default()).expect("builds");
        assert_eq!(built.resources().len(), count + 1);
        for read in ["link.yaml", "real.yaml", "0.yaml"] {
            assert!(built.read_set().contains(read), "{read} of {count}");
        }
    }
}

/// As kustomize 5.8.1 has it: nothing is left of the data of a Secret into which nothing is merged; one that is replaced keeps it.
#[test]
fn an_empty_secret_has_no_data_once_something_is_merged() {
    let data = |generators: &str| {
        let built = run("", &format!("== kustomization.yaml\nsecretGenerator: [{{name: g{generators}}}]\n")).expect("builds");
        let secret = built.resources()[0].to_json();
        (secret["metadata"]["name"].as_str().map(str::to_owned), secret.get("data").cloned())
    };
    let some = |name: &str| Some(name.to_owned());
    assert_eq!(data("}, {name: g, behavior: merge"), (some("g-8226t8dd99"), None));
    assert_eq!(data("}, {name: g, behavior: replace"), (some("g-46f8b28mk5"), Some(serde_json::json!({}))));
    assert_eq!(data(""), (some("g-46f8b28mk5"), Some(serde_json::json!({}))));
    assert_eq!(data(", literals: [a=b]}, {name: g, behavior: merge").1, Some(serde_json::json!({"a": "Yg=="})));
}

/// As kustomize 5.8.1 has it: what holds nothing is not there, but an empty list is something, unless it moves into another field.
#[test]
fn a_kustomization_whose_fields_hold_nothing_is_empty() {
    let builds = |text: &str| run("", &format!("== kustomization.yaml\n{text}\n")).map(|_| ());
    for empty in ["components:", "namePrefix: ''", "bases: []", "imageTags: []", "Resources: null", "apiVersion: ''\nkind: ''", "metadata:"]
    {
        let error = builds(empty).expect_err(empty);
        assert!(error.message().starts_with("the kustomization is empty"), "{empty}: {error}");
    }
    for something in ["components: []", "resources: []\nnamePrefix:", "metadata: {}", "generatorOptions: {}", "commonLabels: {}"] {
        assert!(builds(something).is_ok(), "{something}");
    }
    let error = builds("bogus:").expect_err("unknown");
    assert!(error.message().starts_with("unknown field"), "{error}");
}

/// As kustomize 5.8.1 has it.
#[test]
fn odd_shapes_on_the_way_of_transformers() {
    let build = |kustomization: &str, resource: &str| {
        let tree = format!("== kustomization.yaml\nresources: [r.yaml]\n{kustomization}\n== r.yaml\n{resource}\n");
        run("", &tree).map(|built| built.resources()[0].to_json()).map_err(|error| error.message().to_owned())
    };
    // Null stops a path, and is no error.
    let images = "images: [{name: a, newTag: b}]";
    assert!(build(images, "{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, spec: null}").is_ok());
    let job = build("commonLabels: {a: b}", "{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: null}").expect("builds");
    assert_eq!(job["spec"], serde_json::json!({"template": {"metadata": {"labels": {"a": "b"}}}}));
    // A text does, also where nothing was renamed.
    for ingress in ["spec: text", "spec: [{tls: text}]", "spec: ''"] {
        assert!(build("", &format!("{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: a}}, {ingress}}}")).is_err());
    }
    // Annotations are a map of texts.
    for (annotations, kept) in [("text", None), ("[]", None), ("{a: {b: c}, d: 5}", Some(serde_json::json!({"a": "", "d": "5"})))] {
        let resource = format!("{{apiVersion: v1, kind: Secret, metadata: {{name: a, annotations: {annotations}}}}}");
        assert_eq!(build("", &resource).expect("builds")["metadata"].get("annotations").cloned(), kept, "{annotations}");
    }
    let renamed =
        build("namePrefix: p-\ncommonAnnotations: {a: b}", "{apiVersion: v1, kind: Secret, metadata: {name: a, annotations: text}}");
    assert_eq!(renamed.expect("builds")["metadata"], serde_json::json!({"name": "p-a", "annotations": {"a": "b"}}));
    // A number in quotes stays in them.
    let deployment = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {replicas: \"2\"}}";
    assert_eq!(build("replicas: [{name: a, count: 3}]", deployment).expect("builds")["spec"]["replicas"], "3");
}
