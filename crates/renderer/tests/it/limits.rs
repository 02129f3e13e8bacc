//! What protects the process from hostile repositories (C1, X4 and B1 to B4 of the security checklist).

use fiel_renderer::{Disk, ErrorKind, Limits, Memory, Options, build};

use super::tree;

fn limited(files: &Memory, path: &str, limits: Limits) -> String {
    let error = build(files, path, &Options { limits, ..Options::default() }).expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    error.to_string()
}

/// Folders that each hold the next one.
fn chain(length: usize) -> Memory {
    let mut files = Memory::new();
    for i in 0..length {
        files.insert(format!("d{i}/kustomization.yaml"), format!("resources: [../d{}]\n", i + 1));
    }
    files.insert(format!("d{length}/kustomization.yaml"), "resources: [a.yaml]\n");
    files.insert(format!("d{length}/a.yaml"), "{kind: A, metadata: {name: a}}\n");
    files
}

#[test]
fn bases_lead_only_so_deep() {
    assert!(build(&chain(31), "d0", &Options::default()).is_ok());
    limited(&chain(40), "d0", Limits::default());
}

#[test]
fn files_are_counted_however_often_one_is_read() {
    // Every level reads the next one twice: 2^20 kustomizations out of 41 files.
    let mut files = Memory::new();
    for i in 0..20 {
        for side in ["a", "b"] {
            files.insert(format!("{side}{i}/kustomization.yaml"), format!("resources: [../a{0}, ../b{0}]\n", i + 1));
        }
    }
    for side in ["a", "b"] {
        files.insert(format!("{side}20/kustomization.yaml"), "namePrefix: x\n");
    }
    insta::assert_snapshot!(
        limited(&files, "a0", Limits { files: 1000, ..Limits::default() }).lines().next().unwrap(),
        @"b18/kustomization.yaml:1:21: the build reads more than 1000 files"
    );
}

#[test]
fn bytes_and_resources_are_limited() {
    let text =
        "== kustomization.yaml\nresources: [a.yaml]\n== a.yaml\n{kind: A, metadata: {name: a}}\n---\n{kind: A, metadata: {name: b}}\n";
    let files = tree(text);
    insta::assert_snapshot!(limited(&files, "", Limits { bytes: 60, ..Limits::default() }), @"kustomization.yaml:1:13: the build reads more than 60 bytes");
    insta::assert_snapshot!(limited(&files, "", Limits { resources: 1, ..Limits::default() }), @"kustomization.yaml: the build holds more than 1 resources");
    let enough = Limits { files: 2, bytes: 200, resources: 2, depth: 1, references: 0 };
    assert!(build(&files, "", &Options { limits: enough, ..Options::default() }).is_ok());
}

#[test]
fn references_of_a_schema_do_not_go_in_circles() {
    let text = "== kustomization.yaml
resources: [a.yaml]
openapi: {path: s.yaml}
patches: [{patch: '{apiVersion: x/v1, kind: A, metadata: {name: a}, spec: {b: 1}}'}]
== a.yaml
{apiVersion: x/v1, kind: A, metadata: {name: a}}
== s.yaml
definitions:
  A: {x-kubernetes-group-version-kind: [{group: x, version: v1, kind: A}], properties: {spec: {$ref: '#/definitions/B'}}}
  B: {$ref: '#/definitions/C'}
  C: {$ref: '#/definitions/B'}
";
    assert_eq!(build(&tree(text), "", &Options::default()).unwrap().resources()[0].to_json()["spec"]["b"], 1);
}

/// ConfigMaps of one name in `names` namespaces, and as many Pods that name them.
fn crowd(names: usize) -> Memory {
    let mut text = String::new();
    for i in 0..names {
        text += &format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c, namespace: n{i}}}}}\n---\n");
        text += &format!("{{apiVersion: v1, kind: Pod, metadata: {{name: p{i}, namespace: n{i}}}, ");
        text += "spec: {containers: [{envFrom: [{configMapRef: {name: c}}]}]}}\n---\n";
    }
    [("kustomization.yaml", "resources: [a.yaml]\nnamePrefix: x-\n".to_owned()), ("a.yaml", text)].into_iter().collect()
}

#[test]
fn many_resources_of_one_name_and_many_that_refer_to_it_end_at_a_limit() {
    // 20 × 20 steps, and 200 × 200.
    let limits = Limits { references: 1000, ..Limits::default() };
    let built = build(&crowd(20), "", &Options { limits, ..Options::default() }).unwrap();
    assert_eq!(built.to_yaml().matches("name: x-c").count(), 40);
    insta::assert_snapshot!(
        limited(&crowd(200), "", limits).lines().next().unwrap(),
        @"kustomization.yaml: the search for the resources that names refer to takes more than 1000 steps"
    );
}

#[test]
fn subjects_and_fields_of_ones_own_count_as_work() {
    let many = |text: &str| (0..100).map(|i| text.replace('#', &i.to_string())).collect::<String>();
    let subjects = many("{kind: ServiceAccount, name: s, namespace: n#}, ");
    let text =
        format!("{{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {{name: b}}, subjects: [{subjects}]}}\n---\n")
            + &many("{apiVersion: v1, kind: ServiceAccount, metadata: {name: s, namespace: n#}}\n---\n");
    let kustomization = "resources: [a.yaml]\nnamePrefix: x-\n";
    let files: Memory = [("kustomization.yaml", kustomization), ("a.yaml", &text)].into_iter().collect();
    assert!(build(&files, "", &Options::default()).is_ok());
    limited(&files, "", Limits { references: 1_000_000, ..Limits::default() });

    let config = format!("nameReference: [{{kind: A, fieldSpecs: [{}]}}]\n", many("{path: list/x#, kind: B}, "));
    let text = format!("{{kind: A, metadata: {{name: a}}}}\n---\n{{kind: B, metadata: {{name: b}}, list: [{}]}}\n", many("{}, "));
    let kustomization = format!("{kustomization}configurations: [c.yaml]\n");
    let files: Memory = [("kustomization.yaml", kustomization), ("c.yaml", config), ("a.yaml", text)].into_iter().collect();
    assert!(build(&files, "", &Options::default()).is_ok());
    limited(&files, "", Limits { references: 10_000, ..Limits::default() });
}

#[test]
fn what_lies_outside_is_told_in_the_same_words_whether_it_is_there_or_not() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("repository");
    std::fs::create_dir_all(root.join("app")).unwrap();
    std::fs::write(temp.path().join("there"), "kind: A\n").unwrap();
    let message = |entry: &str, field: &str| {
        std::fs::write(root.join("app/kustomization.yaml"), field.replace("PATH", entry)).unwrap();
        let error = build(&Disk::new(&root), "app", &Options::default()).expect_err("must fail");
        assert_eq!(error.kind(), ErrorKind::File, "{error}");
        error.to_string().replace(entry, "PATH")
    };
    for field in [
        "resources: [PATH]\n",
        "components: [PATH]\n",
        "configurations: [PATH]\n",
        "crds: [PATH]\n",
        "openapi: {path: PATH}\n",
        "patches: [{path: PATH}]\n",
        "replacements: [{path: PATH}]\n",
        "generators: [PATH]\n",
        "transformers: [PATH]\n",
        "configMapGenerator: [{name: a, files: [x=PATH]}]\n",
        "secretGenerator: [{name: a, envs: [PATH]}]\n",
    ] {
        let places = [temp.path().join("there"), temp.path().join("gone")].map(|path| path.to_str().unwrap().to_owned());
        let absolute = places.each_ref().map(|path| message(path, field));
        assert_eq!(absolute[0], absolute[1], "{field}");
        assert_eq!(message("../../there", field), message("../../gone", field), "{field}");
        let links = places.each_ref().map(|target| {
            let link = root.join("app/link");
            if link.is_symlink() {
                std::fs::remove_file(&link).unwrap();
            }
            std::os::unix::fs::symlink(target, link).unwrap();
            message("link", field)
        });
        assert_eq!(links[0], links[1], "{field}");
    }
}

/// Whoever looked through it once for each element would not come to an end.
#[test]
fn long_lists_with_elements_of_no_name_are_merged_in_one_walk() {
    let items: String =
        (0..60_000).map(|at| if at % 2 == 0 { format!("{{name: n{at}}}, ") } else { "{name: \"\", a: b}, ".to_owned() }).collect();
    let resource = format!("{{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {{containers: [{items}]}}}}");
    let files: Memory = [
        (
            "kustomization.yaml",
            "resources: [a.yaml]\npatches: [{patch: '{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {x: y}}'}]\n",
        ),
        ("a.yaml", &*resource),
    ]
    .into_iter()
    .collect();
    let built = build(&files, "", &Options::default()).expect("builds");
    let containers = built.resources()[0].to_json()["spec"]["containers"].as_array().map(Vec::len);
    assert!(containers.is_some_and(|count| count >= 30_000), "{containers:?}");
}

/// Whoever compared each with all others of its name would not come to an end.
#[test]
fn many_resources_may_have_one_name_in_many_namespaces() {
    let all: String = (0..40_000).map(|at| format!("---\n{{kind: Role, metadata: {{name: default, namespace: n{at}}}}}\n")).collect();
    let again = "---\n{kind: Role, metadata: {name: default, namespace: n7}}\n";
    let files = |text: String| [("kustomization.yaml", "resources: [a.yaml]\nnamePrefix: p-\n".to_owned()), ("a.yaml", text)];
    let built = |text: String| build(&files(text).into_iter().collect::<Memory>(), "", &Options::default());
    assert_eq!(built(all.clone()).expect("builds").resources().len(), 40_000);
    let error = built(all + again).expect_err("one is there twice");
    assert!(error.message().contains("may not add Role/default in namespace n7 a second time"), "{error}");
}
