//! What is told at once, and what is not told because it comes of something that is.

use super::run;

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  template: {spec: {containers: [{name: web, image: nginx}]}}
";

/// What a kustomization of the Deployment `web` and a ConfigMap `c` tells.
fn told(kustomization: &str) -> String {
    let text = format!(
        "== kustomization.yaml\nresources: [web.yaml, c.yaml]\n{kustomization}== web.yaml\n{DEPLOYMENT}== c.yaml\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c}}, data: {{a: b}}}}\n"
    );
    run(".", &text).expect_err("must fail").to_string()
}

#[test]
fn all_wrong_fields_of_a_kustomization() {
    insta::assert_snapshot!(told("namePrefix: 5
nameSufix: -a
commonLabels: {a: 1, b: true, c: d}
images:
  nginx: {newTag: 1.0}
patches:
- {path: [a], patch: b, target: {kin: Deployment}}
configMapGenerator:
- {name: x, literals: {a: b}, options: {disableNameSuffixHash: 'yes'}}
replacements:
- {source: {kind: A, fieldpaths: b}, targets: [{select: {kind: 5}}]}
- {path: gone.yaml}
vars: [{name: a, objref: {kind: 7}}]
sortOptions: {order: fifo, legacySortOption: {}}
metadata: {name: 5}
"), @r#"
    kustomization.yaml:2:13: namePrefix must be text, not a number; put it in quotes
    kustomization.yaml:3:1: unknown field "nameSufix" in a kustomization; did you mean "nameSuffix"?
    kustomization.yaml:4:19: a must be text, not a number; put it in quotes
    kustomization.yaml:4:25: b must be text, not a boolean; put it in quotes
    kustomization.yaml:6:3: images must be a list, not a map
    kustomization.yaml:8:10: path must be text, not a list
    kustomization.yaml:8:34: unknown field "kin" in a selector; did you mean "kind"?
    kustomization.yaml:10:23: literals must be a list, not a map
    kustomization.yaml:10:64: disableNameSuffixHash must be true or false, not a string
    kustomization.yaml:12:22: unknown field "fieldpaths" in a source; did you mean "fieldPath"?
    kustomization.yaml:12:64: kind must be text, not a number; put it in quotes
    kustomization.yaml:14:33: kind must be text, not a number; put it in quotes
    kustomization.yaml:15:28: unknown field "legacySortOption" in sortOptions; did you mean "legacySortOptions"?
    kustomization.yaml:16:18: name must be text, not a number; put it in quotes
    "#);
}

/// A field that is missing because it is wrong is not told as missing.
#[test]
fn a_wrong_field_is_not_a_missing_one() {
    insta::assert_snapshot!(told("vars: [{name: 5, objref: {kind: ConfigMap}}]\n"), @r"kustomization.yaml:2:15: name must be text, not a number; put it in quotes");
    insta::assert_snapshot!(told("replacements: [{sourceValue: [a], targets: [{select: {kind: A}}]}]\n"), @r"kustomization.yaml:2:30: sourceValue must be text, not a list");
    insta::assert_snapshot!(told("kind: Deployment\nspec: {}\n"), @r"kustomization.yaml:1:1: kind should be Kustomization or Component, not Deployment");
}

#[test]
fn metadata_and_sort_options_of_a_base_are_looked_at_as_well() {
    for (field, good) in [
        ("metadata: {name: a, namespace: b, labels: {c: d}, annotations: {e: f}}", true),
        ("metadata: {name: 5}", false),
        ("metadata: [a]", false),
        ("metadata: {foo: a}", false),
        ("sortOptions: {order: bogus}", true),
        ("sortOptions: {foo: a}", false),
        ("sortOptions: [a]", false),
    ] {
        let text = format!(
            "== kustomization.yaml\nresources: [base]\n== base/kustomization.yaml\nresources: [web.yaml]\n{field}\n== base/web.yaml\n{DEPLOYMENT}"
        );
        assert_eq!(run(".", &text).is_ok(), good, "{field}");
    }
}

#[test]
fn all_patches_that_do_not_fit() {
    insta::assert_snapshot!(told("patches:
- patch: '{apiVersion: apps/v1, kind: Deploymnt, metadata: {name: web}}'
- patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: wbe}}'
- target: {kind: Deployment}
  patch: |-
    - {op: replace, path: /spec/templat/spec, value: {}}
    - {op: remove, path: /metadata/annotations}
    - {op: replace, path: /spec/replicas, value: 2}
- target: {name: web}
  path: op.yaml
- target: {kind: ConfigMap}
  path: merge.yaml
- path: two.yaml
== op.yaml
- op: add
  path: /spec/paused
  value: true
- op: replace
  path: /spec/template/spec/containers/1/image
  value: a
== merge.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data:
- a
== two.yaml
{apiVersion: v1, kind: Service, metadata: {name: web}}
---
{apiVersion: v1, kind: Secret, metadata: {name: nothing}}
"), @r"
    kustomization.yaml:3:3: no resource matches the patch for Deploymnt.apps/web (apps/v1); there is Deployment.apps/web
    kustomization.yaml:4:3: no resource matches the patch for Deployment.apps/wbe (apps/v1); did you mean web?
    kustomization.yaml:5:3: the patch does not fit Deployment.apps/web: the path /spec/templat/spec does not exist; did you mean /spec/template?
    kustomization.yaml:5:3: the patch does not fit Deployment.apps/web: the path /metadata/annotations does not exist
    op.yaml:4:3: the patch does not fit Deployment.apps/web: the path /spec/template/spec/containers/1/image does not exist; /spec/template/spec/containers has one element, which is number 0
      from kustomization.yaml:10:3
    merge.yaml:5:1: the patch does not fit ConfigMap/c: cannot merge a list with a map at data
      from kustomization.yaml:12:3
    kustomization.yaml:14:3: no resource matches the patch for Service/web (v1); there is Deployment.apps/web
    kustomization.yaml:14:3: no resource matches the patch for Secret/nothing (v1)
    ");
}

/// The second operation needs what the first would have made, the third and fourth what the test was for; the second patch needs the first, the fourth
/// finds nothing of what the third left.
#[test]
fn what_comes_of_a_failed_patch_is_not_told() {
    insta::assert_snapshot!(told("patches:
- target: {kind: Deployment}
  patch: |-
    - {op: copy, from: /spec/strateg, path: /spec/strategy}
    - {op: replace, path: /spec/strategy/type, value: Recreate}
    - {op: test, path: /spec/replicas, value: 3}
    - {op: remove, path: /spec/paused}
    - {op: remove, path: /spec/selector}
- target: {kind: Deployment}
  patch: |-
    - {op: remove, path: /spec/selector/matchLabels}
    - {op: remove, path: /spec/minReadySeconds}
- patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: [a]}'
- target: {kind: ConfigMap}
  patch: '[{\"op\": \"remove\", \"path\": \"/data/a\"}]'
- patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: c}}'
replacements:
- source: {kind: ConfigMap, name: c, fieldPath: data.a}
  targets: [{select: {kind: Deployment}, fieldPaths: [spec.selector.matchLabels.a]}]
"), @r"
    kustomization.yaml:3:3: the patch does not fit Deployment.apps/web: the path /spec/strateg does not exist
    kustomization.yaml:3:3: the patch does not fit Deployment.apps/web: the test of /spec/replicas failed
    kustomization.yaml:10:3: the patch does not fit Deployment.apps/web: the path /spec/minReadySeconds does not exist
    kustomization.yaml:14:3: the patch does not fit ConfigMap/c: cannot merge a list with a map at data
    ");
}

/// Nobody knows the name that the patch would have given.
#[test]
fn what_looks_for_a_name_that_a_failed_step_may_have_given_is_not_tried() {
    insta::assert_snapshot!(told("patches:
- target: {kind: Deployment}
  patch: '[{\"op\": \"copy\", \"from\": \"/metadata/labels/app\", \"path\": \"/metadata/name\"}]'
- patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: app}}'
- path: gone.yaml
replicas: [{name: app, count: 2}]
"), @r"kustomization.yaml:6:3: gone.yaml does not exist (looked for gone.yaml)");
    insta::assert_snapshot!(told("patches:
- target: {kind: Deployment}
  patch: '[{\"op\": \"copy\", \"from\": \"/metadata/labels/app\", \"path\": \"/metadata/name\"}]'
- patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: app}}'
replicas: [{name: app, count: 2}]
"), @r"kustomization.yaml:3:3: the patch does not fit Deployment.apps/web: the path /metadata/labels/app does not exist");
}

#[test]
fn all_replacements_replicas_and_vars_that_find_nothing() {
    insta::assert_snapshot!(told("replicas: [{name: wbe, count: 1}, {name: web, count: 2}, {name: api, count: 1}]
replacements:
- source: {kind: ConfigMap, name: nope}
  targets: [{select: {kind: Deployment}, fieldPaths: [spec.paused]}]
- source: {kind: ConfigMap, fieldPath: data.x}
  targets: [{select: {kind: Deployment}, fieldPaths: [spec.paused.a]}]
- sourceValue: a
  targets:
  - select: {kind: Deployment}
    fieldPaths:
    - spec.template.foo
    - spec.template.spec.containers.name
    - spec.paused
- path: more.yaml
== more.yaml
source: {kind: ConfigMap, fieldPath: data.y}
targets: [{select: {kind: Deployment}}]
"), @r"
    kustomization.yaml:2:12: no resource of the kinds Deployment, ReplicationController, ReplicaSet, StatefulSet is named wbe; did you mean web?
    kustomization.yaml:2:58: no resource of the kinds Deployment, ReplicationController, ReplicaSet, StatefulSet is named api
    kustomization.yaml:4:11: nothing matches the source of the replacement, ConfigMap/nope
    kustomization.yaml:6:11: ConfigMap/c has no field data.x, which the replacement reads
    kustomization.yaml:12:7: unable to find the field spec.template.foo in a replacement target; options.create: true makes it
    kustomization.yaml:13:7: cannot look for the field name in a list; use [key=value], * or an index
    more.yaml:1:9: ConfigMap/c has no field data.y, which the replacement reads
    ");
    insta::assert_snapshot!(told("vars:
- {name: A, objref: {apiVersion: v1, kind: ConfigMap, name: x}}
- {name: B, objref: {apiVersion: v1, kind: ConfigMap, name: c}, fieldref: {fieldpath: data.x}}
"), @r"
    kustomization.yaml:3:3: the var A cannot be mapped to a field in the set of known resources
    kustomization.yaml:4:3: ConfigMap/c has no field data.x, which the var B reads
    ");
}

#[test]
fn all_fields_that_labels_and_their_like_do_not_fit() {
    let text = "== kustomization.yaml
resources: [a.yaml]
commonLabels: {a: b}
commonAnnotations: {a: b}
images: [{name: nginx, newTag: v1}]
== a.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: one, labels: [a], annotations: text}
spec: nothing
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: two}
spec: {template: {metadata: []}}
";
    insta::assert_snapshot!(run(".", text).expect_err("must fail").to_string(), @r"
    kustomization.yaml: expected a list or a map that holds the field selector, found a string at spec of Deployment.apps/one
    kustomization.yaml: expected a map, found a list at metadata/labels of Deployment.apps/one
    kustomization.yaml: expected a map, found a string at metadata/annotations of Deployment.apps/one
    ");
}

#[test]
fn all_bases_and_components_that_fail_each_with_its_way() {
    let text = "== kustomization.yaml
resources: [one, two]
== one/kustomization.yaml
resources: [web.yaml]
components: [a, b]
replicas: [{name: api, count: 1}]
== one/a/kustomization.yaml
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches: [{patch: '{apiVersion: v1, kind: Service, metadata: {name: a}}'}]
== one/b/kustomization.yaml
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches: [{patch: '{apiVersion: v1, kind: Service, metadata: {name: b}}'}]
== two/kustomization.yaml
resources: [inner]
== two/inner/kustomization.yaml
resources: [web.yaml]
namePrefix: a-
patches: [{patch: '{apiVersion: v1, kind: Service, metadata: {name: c}}'}]
";
    let text = format!("{text}== one/web.yaml\n{DEPLOYMENT}== two/inner/web.yaml\n{DEPLOYMENT}");
    insta::assert_snapshot!(run(".", &text).expect_err("must fail").to_string(), @r"
    one/a/kustomization.yaml:3:11: no resource matches the patch for Service/a (v1)
      from one/kustomization.yaml:2:14
      from kustomization.yaml:1:13
    one/b/kustomization.yaml:3:11: no resource matches the patch for Service/b (v1)
      from one/kustomization.yaml:2:17
      from kustomization.yaml:1:13
    one/kustomization.yaml:3:12: no resource of the kinds Deployment, ReplicationController, ReplicaSet, StatefulSet is named api
      from kustomization.yaml:1:13
    two/inner/kustomization.yaml:3:11: no resource matches the patch for Service/c (v1)
      from two/kustomization.yaml:1:13
      from kustomization.yaml:1:18
    ");
}

/// Where resources are missing, what looks for them is not told, but what cannot be read is.
#[test]
fn what_looks_for_missing_resources_is_not_told() {
    let text = "== kustomization.yaml
resources: [gone.yaml]
components: [a, lost, plain]
patches: [{patch: '{apiVersion: v1, kind: Service, metadata: {name: a}}'}, {path: none.yaml}]
replicas: [{name: api, count: 1}]
== a/kustomization.yaml
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
configMapGenerator: [{name: gone, behavior: merge, literals: [a=b]}]
patches: [{patch: '{apiVersion: v1, kind: Service, metadata: {name: b}}'}, {path: missing.yaml}]
== plain/kustomization.yaml
resources: []
";
    insta::assert_snapshot!(run(".", text).expect_err("must fail").to_string(), @r"
    kustomization.yaml:1:13: gone.yaml does not exist (looked for gone.yaml)
    a/kustomization.yaml:4:76: missing.yaml does not exist (looked for a/missing.yaml)
      from kustomization.yaml:2:14
    kustomization.yaml:2:17: lost does not exist (looked for lost)
    kustomization.yaml:2:23: plain is not a component: its kind is Kustomization
    kustomization.yaml:3:76: none.yaml does not exist (looked for none.yaml)
    ");
    let text = "== kustomization.yaml
resources: [c.yaml]
configMapGenerator:
- {name: c, literals: [a=b]}
- {name: d, behavior: merge, literals: [a=b]}
patches: [{patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: d}}'}]
== c.yaml
{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
";
    insta::assert_snapshot!(run(".", text).expect_err("must fail").to_string(), @r"
    kustomization.yaml:3:3: ConfigMap/c exists already; behavior must be merge or replace
    kustomization.yaml:4:3: ConfigMap/d does not exist, so it cannot be merged or replaced
    ");
}

/// What the mark is below is the key, wherever its value begins.
#[test]
fn an_unknown_key_is_marked_itself() {
    let text = "== kustomization.yaml
resource:
# a comment
- web.yaml
images: [{name: a, newTg: b}]
'patchs' : []
replacements:
- # another
  sources:
    kind: A
namePrefx: &a b
";
    let error = run(".", text).expect_err("must fail");
    let all = std::iter::once(&error).chain(error.others());
    let shown: Vec<String> = all.map(|error| format!("{}\n{}\n", error.alone(), error.excerpt().unwrap_or_default())).collect();
    insta::assert_snapshot!(shown.concat(), @r#"
    kustomization.yaml:4:20: unknown field "newTg" in an image; did you mean "newTag"?
    4 | images: [{name: a, newTg: b}]
      |                    ^
    kustomization.yaml:1:1: unknown field "resource" in a kustomization; did you mean "resources"?
    1 | resource:
      | ^
    kustomization.yaml:5:1: unknown field "patchs" in a kustomization; did you mean "patches"?
    5 | 'patchs' : []
      | ^
    kustomization.yaml:8:3: unknown field "sources" in a replacement; did you mean "source"?
    8 |   sources:
      |   ^
    kustomization.yaml:10:1: unknown field "namePrefx" in a kustomization; did you mean "namePrefix"?
    10 | namePrefx: &a b
       | ^
    "#);
}

#[test]
fn what_may_have_been_meant_is_told() {
    insta::assert_snapshot!(told("patches:
- patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: wbe}}'
- target: {kind: Deployment}
  patch: |-
    - {op: remove, path: /spec/templat/spec}
    - {op: remove, path: /spec/template/spec/containers/1}
    - {op: remove, path: /spec/template/spec/containers/web/image}
    - {op: remove, path: /spec/replicas/a}
    - {op: remove, path: /metadata/annotations}
replicas: [{name: wep, count: 1}]
"), @r"
    kustomization.yaml:3:3: no resource matches the patch for Deployment.apps/wbe (apps/v1); did you mean web?
    kustomization.yaml:4:3: the patch does not fit Deployment.apps/web: the path /spec/templat/spec does not exist; did you mean /spec/template?
    kustomization.yaml:4:3: the patch does not fit Deployment.apps/web: the path /spec/template/spec/containers/1 does not exist; /spec/template/spec/containers has one element, which is number 0
    kustomization.yaml:4:3: the patch does not fit Deployment.apps/web: the path /spec/replicas/a does not exist; /spec/replicas is a number
    kustomization.yaml:4:3: the patch does not fit Deployment.apps/web: the path /metadata/annotations does not exist
    kustomization.yaml:11:12: no resource of the kinds Deployment, ReplicationController, ReplicaSet, StatefulSet is named wep; did you mean web?
    ");
}

/// What is wrong in a file that a kustomization names is not looked for in the kustomization.
#[test]
fn a_plugin_that_fails_is_named_with_its_own_file() {
    let plugin = |entry: &str| {
        format!(
            "transformers: [{entry}]\n== t.yaml\napiVersion: builtin\nkind: ReplicaCountTransformer\nmetadata: {{name: a}}\nreplica:\n  name: web\n  count: many\n"
        )
    };
    insta::assert_snapshot!(told(&plugin("t.yaml")), @r"
    t.yaml:6:10: count must be a whole number, not a string
      from kustomization.yaml:2:16
    ");
    let inline = "\"apiVersion: builtin\\nkind: ReplicaCountTransformer\\nmetadata: {name: a}\\nreplica: {name: web, count: x}\\n\"";
    insta::assert_snapshot!(told(&plugin(inline)), @r"kustomization.yaml:2:16: count must be a whole number, not a string");
}

#[test]
fn transformers_and_validators() {
    let plugin = |kind: &str, name: &str, rest: &str| {
        format!("== {name}.yaml\napiVersion: builtin\nkind: {kind}\nmetadata: {{name: {name}}}\n{rest}\n")
    };
    let files = [
        plugin("ReplicaCountTransformer", "count", "replica: {name: web, count: many}"),
        plugin("PrefixTransformr", "kind", "prefix: a-"),
        plugin("LabelTransformer", "label", "labels: {a: b}\nfieldSpecs: [{path: spec/replicas, create: true}]"),
        plugin("AnnotationsTransformer", "below", "annotations: {a: b}\nfieldSpecs: [{path: spec/replicas/deep}]"),
        plugin("AnnotationsTransformer", "other", "annotations: {a: b}\nfieldSpecs: [{path: spec/template/spec/containers/image}]"),
        plugin("ValueAddTransformer", "value", "value: x"),
        plugin("NamespaceTransformer", "check", "setRoleBindingSubjects: some"),
    ];
    let list = "replicas: [{name: wep, count: 1}]\ntransformers: [count.yaml, gone.yaml, kind.yaml, label.yaml, below.yaml, other.yaml, value.yaml]\nvalidators: [check.yaml]\n";
    insta::assert_snapshot!(told(&format!("{list}{}", files.concat())), @r"
    kustomization.yaml:3:28: gone.yaml does not exist (looked for gone.yaml)
    count.yaml:4:29: count must be a whole number, not a string
      from kustomization.yaml:3:16
    kustomization.yaml:3:39: the plugin PrefixTransformr (builtin) is not built in; did you mean PrefixTransformer?
    value.yaml:1:1: a ValueAddTransformer needs targets
      from kustomization.yaml:3:86
    kustomization.yaml:4:14: setRoleBindingSubjects should be defaultOnly, allServiceAccounts or none, not some
    kustomization.yaml:2:12: no resource of the kinds Deployment, ReplicationController, ReplicaSet, StatefulSet is named wep; did you mean web?
    ");
    // What is read without error is run; what another one has left in doubt is not told, and what looks at all of it does not come to its turn.
    let list = "transformers: [label.yaml, below.yaml, other.yaml]\nvalidators: [check.yaml]\npatches: [{patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: 1}'}]\n";
    insta::assert_snapshot!(told(&format!("{list}{}", files[2..5].concat() + &plugin("LabelTransformer", "check", "labels: {a: b}"))), @r"
    kustomization.yaml:4:11: the patch does not fit ConfigMap/c: cannot merge a scalar with a map at data
    kustomization.yaml:2:16: expected a map, found a number at spec/replicas of Deployment.apps/web
    kustomization.yaml:2:40: expected a map, found a string at spec/template/spec/containers/image of Deployment.apps/web
    ");
}

#[test]
fn a_folder_of_plain_files_is_told_from_a_base() {
    let text = "== app/kustomization.yaml\nresources: [base, ../other]\n== app/base/web.yaml\nkind: A\n== other/web.yaml\nkind: A\n";
    insta::assert_snapshot!(run("app", text).expect_err("must fail").to_string(), @r"
    app/kustomization.yaml:1:13: no kustomization file in app/base; looked for kustomization.yaml, kustomization.yml, Kustomization; a file by itself can be named in resources, such as app/base/web.yaml
    app/kustomization.yaml:1:19: no kustomization file in other; looked for kustomization.yaml, kustomization.yml, Kustomization
    ");
}

#[test]
fn all_sources_of_a_generator() {
    insta::assert_snapshot!(told("configMapGenerator:
- name: a
  files: [app.properties, =b]
  envs: [.env]
  literals: [a=b, c]
"), @r"
    kustomization.yaml:5:10: .env does not exist (looked for .env)
    kustomization.yaml:6:19: this literal should be key=value
    kustomization.yaml:4:11: app.properties does not exist (looked for app.properties)
    kustomization.yaml:4:27: the key before = is missing in =b
    ");
}

/// kustomize takes the last one and says nothing.
#[test]
fn a_key_that_stands_twice_is_warned_about() {
    let text = "== kustomization.yaml\nresources: [gone.yaml]\nnamePrefix: a-\nresources: [base]\n== base/kustomization.yaml\nresources: [a.yaml]\ncommonLabels:\n  a: b\n  a: c\n== base/a.yaml\n{kind: A, metadata: {name: a}}\n";
    let warnings = run(".", text).expect("the last one counts").warnings().join("\n");
    insta::assert_snapshot!(warnings, @r"
    kustomization.yaml:3:1: the key resources is here for the second time; what it was given before is lost
    base/kustomization.yaml:4:3: the key a is here for the second time; what it was given before is lost
    'commonLabels' is deprecated. Please use 'labels' instead. Run 'kustomize edit fix' to update your Kustomization automatically.
    ");
}
