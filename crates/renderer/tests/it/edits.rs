//! Edits as kustomize makes them: every expectation was printed by the real binary.

use fiel_renderer::edit::{self, Edited, File, GeneratorKind, MapField, PathField, Place};
use fiel_renderer::{Closed, Error, Memory};

use super::tree;

/// The file after an edit of the kustomization in `shop`.
fn edited(files: &Memory, change: impl FnOnce(&mut File, &Place<'_>) -> Result<Edited, Error>) -> Result<(String, Vec<String>), Error> {
    use fiel_renderer::FileSystem as _;
    let place = Place { files, folder: "shop", outside: &Closed };
    let mut file = File::parse(&files.read(&format!("shop/{}", place.kustomization()?)).expect("a file"))?;
    let done = change(&mut file, &place)?;
    Ok((if done.changed { file.into_text() } else { "unchanged\n".to_owned() }, done.notes))
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// What a text becomes when only its namespace is set.
fn rewritten(text: &str) -> String {
    let mut file = File::parse(text.as_bytes()).expect("parses");
    edit::set_text(&mut file, edit::TextField::Namespace, "x");
    file.into_text()
}

#[test]
fn an_empty_file_is_a_kustomization() {
    for text in ["", "---\n", "null\n", "# only\n"] {
        assert_eq!(rewritten(text), "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: x\n", "{text:?}");
    }
}

#[test]
fn what_is_empty_goes_unless_kustomize_keeps_it() {
    insta::assert_snapshot!(rewritten(
        "sortOptions: {order: fifo, legacySortOptions: {orderFirst: []}}\npatches: [{target: {}, path: \"\"}, {options: {allowNameChange: false}}]\n\
         replicas: [{name: a}]\nreplacements: [{sourceValue: \"\"}, {targets: [{}, null]}]\nvars: [{name: b, fieldref: {fieldpath: c}}]\nhelmGlobals: {}\nlabels: []\n"
    ), @r#"
    sortOptions:
      legacySortOptions:
        orderFirst: []
        orderLast: null
      order: fifo
    patches:
    - target: {}
    - options: {}
    replicas:
    - count: 0
      name: a
    replacements:
    - sourceValue: ""
    - targets:
      - select: null
      - null
    vars:
    - fieldref:
        fieldPath: c
      name: b
      objref:
        name: ""
    helmGlobals: {}
    apiVersion: kustomize.config.k8s.io/v1beta1
    kind: Kustomization
    namespace: x
    "#);
}

#[test]
fn deprecated_fields_move_and_comments_stay_where_their_field_stood() {
    insta::assert_snapshot!(rewritten(
        "# top\nbases:\n# in\n- b # gone\nimageTags:\n- {name: a, newtag: \"1\"}\n# helm\nhelmChartInflationGenerator: [{chartName: c, chartHome: h, releaseNamespace: gone}]\nsecretGenerator: [{name: s, env: e, envs: [f]}]\n# trailing\n"
    ), @r#"
    # top
    # in
    # helm
    secretGenerator:
    - envs:
      - f
      - e
      name: s
    apiVersion: kustomize.config.k8s.io/v1beta1
    kind: Kustomization
    resources:
    - b
    namespace: x
    helmCharts:
    - name: c
    helmGlobals:
      chartHome: h
    images:
    - name: a
      newTag: "1"
    "#);
}

#[test]
fn wrong_types_and_unknown_fields_are_refused() {
    let error = |text: &str| File::parse(text.as_bytes()).expect_err("refused").to_string();
    insta::assert_snapshot!(error("inventory: null\n"), @r#"1:12: unknown field "inventory" in a kustomization"#);
    insta::assert_snapshot!(error("patches: [{options: {allowNameChanges: true}}]\n"), @r#"1:40: unknown field "allowNameChanges" in options; did you mean "allowNameChange"?"#);
    insta::assert_snapshot!(error("namespace: 5\n"), @r#"1:12: namespace must be text, not a number; put it in quotes"#);
    insta::assert_snapshot!(error("replicas: [{count: 1.5}]\n"), @"1:20: count must be a whole number, not a number");
    insta::assert_snapshot!(error("- a\n"), @"1:1: a kustomization must be a map, not a list");
}

#[test]
fn resources_are_found_by_pattern_and_verified() {
    let files = tree(
        "== shop/kustomization.yaml\nresources: [a.yaml]\n== shop/a.yaml\n== shop/b.yaml\n== shop/.h.yaml\n== shop/d/kustomization.yml\n== base/kustomization.yaml\n",
    );
    let add =
        |patterns: &[&str]| edited(&files, |file, place| edit::add_paths(file, place, PathField::Resources, &strings(patterns), true));
    let (text, notes) = add(&["*", "../base"]).expect("adds");
    assert!(text.starts_with("resources:\n- a.yaml\n- b.yaml\n- d\n- ../base\n"), "{text}");
    assert_eq!(notes, ["resource a.yaml already in kustomization file"]);
    assert!(add(&["nosuch"]).expect_err("refused").to_string().starts_with("nosuch has no match"));
    assert!(add(&["[a"]).is_err());
    let (text, notes) =
        edited(&files, |file, place| edit::add_paths(file, place, PathField::Generators, &strings(&["nosuch"]), true)).expect("adds");
    assert_eq!((&*text, &*notes.concat()), ("unchanged\n", "nosuch has no match"));
    let (text, _) = edited(&files, |file, _| edit::remove_paths(file, PathField::Resources, &strings(&["nosuch"]))).expect("removes");
    assert_eq!(text, "unchanged\n");
}

#[test]
fn labels_without_selectors_join_the_first_entry_of_their_kind() {
    let files = tree("== shop/Kustomization\nlabels:\n- {pairs: {c: d}, includeSelectors: true}\n- {pairs: {a: b}}\n");
    let (text, _) = edited(&files, |file, _| edit::add_labels(file, &strings(&["e:\"f\""]), false, false)).expect("adds");
    assert!(text.contains("- pairs:\n    a: b\n    e: f\n"), "{text}");
    let (text, _) = edited(&files, |file, _| edit::add_labels(file, &strings(&["e"]), false, true)).expect("adds");
    assert!(text.contains("- includeTemplates: true\n  pairs:\n    e: \"\"\n"), "{text}");
    assert!(edited(&files, |file, _| edit::add_labels(file, &strings(&["a:c"]), false, false)).is_err());
    assert!(edited(&files, |file, _| edit::remove_pairs(file, MapField::Labels, "a", false)).is_err());
}

#[test]
fn annotations_are_checked_only_when_set() {
    let files = tree("== shop/kustomization.yaml\n");
    for (key, expected) in [("Foo.X/b_c", true), ("a_b/c", false), ("-a", false), ("x/y/z", false), ("", false)] {
        let set = edited(&files, |file, _| edit::set_pairs(file, MapField::Annotations, &strings(&[&format!("{key}:v")])));
        assert_eq!(set.is_ok(), expected, "{key}");
    }
    assert!(edited(&files, |file, _| edit::add_pairs(file, MapField::Annotations, &strings(&["x/y/z:v"]), false)).is_ok());
}

#[test]
fn a_generator_must_generate_after_an_edit() {
    let files = tree(
        "== shop/kustomization.yaml\ngeneratorOptions: {labels: {a: b}}\nconfigMapGenerator:\n- {name: one, literals: [\"a=b\", \"c='d'\"]}\n== shop/f.txt\nx\n== shop/g.txt\nx\n",
    );
    let source = |files: &[&str], literals: &[&str]| edit::Source {
        name: "one".to_owned(),
        namespace: "default".to_owned(),
        files: strings(files),
        literals: strings(literals),
        ..edit::Source::default()
    };
    let add = |source| edited(&files, |file, place| edit::add_generator(file, place, GeneratorKind::ConfigMap, &source));
    insta::assert_snapshot!(add(source(&["*.txt", "k=f.txt"], &["z=1"])).expect("adds").0, @r#"
    generatorOptions:
      labels:
        a: b
    configMapGenerator:
    - files:
      - f.txt
      - g.txt
      - k=f.txt
      literals:
      - a=b
      - c='d'
      - z=1
      name: one
      options:
        labels:
          a: b
    apiVersion: kustomize.config.k8s.io/v1beta1
    kind: Kustomization
    "#);
    assert!(add(source(&[], &["a=2"])).is_err(), "the key is there twice");
    assert!(add(source(&["k=*.txt"], &[])).is_err(), "one key, two files");
    assert!(add(source(&["nosuch"], &[])).is_err(), "nothing to add");
    let set = |literal: &str| {
        edited(&files, |file, place| edit::set_generator(file, place, GeneratorKind::ConfigMap, ("one", ""), &strings(&[literal]), ""))
    };
    assert!(set("c=2").expect("sets").0.contains("  - a=b\n  - c=2\n"));
    assert!(set("q=2").is_err());
    assert!(edited(&files, |file, _| edit::remove_generators(file, GeneratorKind::ConfigMap, "two", "")).is_err());
    let (text, notes) = edited(&files, |file, _| edit::remove_generators(file, GeneratorKind::ConfigMap, "two,one", "")).expect("removes");
    assert!(!text.contains("configMapGenerator"));
    assert_eq!(notes, ["configmap two doesn't exist in kustomization file"]);
}

#[test]
fn a_patch_is_removed_only_when_all_is_the_same() {
    let files = tree("== shop/kustomization.yaml\npatches: [{path: a}, {path: a, target: {kind: D}}, {path: a}]\n");
    let patch =
        |target: &str| edit::PatchArgs { path: "a".to_owned(), target: vec![("kind", target.to_owned())], ..edit::PatchArgs::default() };
    let (text, _) = edited(&files, |file, _| edit::remove_patch(file, &patch(""))).expect("removes");
    assert!(text.starts_with("patches:\n- path: a\n  target:\n    kind: D\napi"), "{text}");
    assert_eq!(edited(&files, |file, _| edit::add_patch(file, &patch("D"))).expect("adds").0, "unchanged\n");
    assert_eq!(edited(&files, |file, _| edit::remove_patch(file, &patch("E"))).expect("removes").0, "unchanged\n");
}

#[test]
fn images_and_replicas_are_sorted() {
    let mut file = File::parse(
        b"replicas: [{name: b, count: 1}, {name: a, count: 2}, {name: b, count: 5}]\nimages: [{name: b, newName: x, newTag: \"1\"}]\n",
    )
    .expect("parses");
    edit::set_replicas(&mut file, &strings(&["c=+3"])).expect("sets");
    edit::set_images(&mut file, &strings(&["reg:5000/a:v@sha256:1", "b=*:2", "=q:1", "a=b=c"])).expect("sets");
    insta::assert_snapshot!(file.into_text(), @r#"
    replicas:
    - count: 2
      name: a
    - count: 1
      name: b
    - count: 3
      name: c
    images:
    - name: a
      newName: b=c
    - name: b
      newName: x
      newTag: "2"
    - name: q
      newTag: "1"
    - digest: sha256:1
      name: reg:5000/a
      newTag: v
    apiVersion: kustomize.config.k8s.io/v1beta1
    kind: Kustomization
    "#);
    let mut file = File::parse(b"").expect("parses");
    for image in ["a", "", "reg:5000/a", "a:v/x"] {
        assert!(edit::set_images(&mut file, &strings(&[image])).is_err(), "{image}");
    }
}

#[test]
fn fix_replaces_deprecated_fields_and_vars() {
    let files = tree(
        "== shop/kustomization.yaml\nresources: [p.yaml]\ncommonLabels: {a: b}\npatchesStrategicMerge: [m.yaml, \"kind: D\"]\nvars:\n- name: A\n  objref: {kind: S, name: s, apiVersion: apps/v1}\n\
         == shop/p.yaml\napiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: {x.y/z: \"u/$(A)/w\"}} # kept\n== shop/m.yaml\nkind: D\nmetadata: {name: d, namespace: n}\nx: [$(A)]\n",
    );
    let place = Place { files: &files, folder: "shop", outside: &Closed };
    let mut file = File::parse(&place.files.read("shop/kustomization.yaml").expect("a file")).expect("parses");
    edit::fix(&mut file, &place).expect("fixes");
    let changed = edit::convert_vars(&mut file, &place).expect("converts");
    assert_eq!(changed.keys().collect::<Vec<_>>(), ["m.yaml", "p.yaml"]);
    assert!(String::from_utf8_lossy(&changed["p.yaml"]).ends_with("\"u/A_PLACEHOLDER/w\"}} # kept\n"));
    insta::assert_snapshot!(file.into_text(), @r#"
    resources:
    - p.yaml
    apiVersion: kustomize.config.k8s.io/v1beta1
    kind: Kustomization
    labels:
    - includeSelectors: true
      pairs:
        a: b
    patches:
    - path: m.yaml
    - patch: 'kind: D'
    replacements:
    - source:
        group: apps
        kind: S
        name: s
        version: v1
      targets:
      - fieldPaths:
        - metadata.annotations.[x.y/z]
        options:
          delimiter: /
          index: 1
        select:
          kind: Pod
          name: p
          version: v1
      - fieldPaths:
        - x.0
        select:
          namespace: "n"
    "#);
    let mut file = File::parse(b"vars: [{name: A}]\nresources: [q.yaml]\n").expect("parses");
    let files = tree("== shop/q.yaml\nkind: D\nx: a.$(A)-b\n");
    assert!(edit::convert_vars(&mut file, &Place { files: &files, ..place }).is_err(), "not delimited");
    let mut file = File::parse(b"vars: [{name: A}]\nresources: [q.yaml]\nreplacements: [{path: kept}]\n").expect("parses");
    let files = tree("== shop/q.yaml\nkind: D\nx: [$(A)\n");
    assert!(edit::convert_vars(&mut file, &Place { files: &files, ..place }).is_err(), "not YAML");
    let mut file = File::parse(b"vars: [{name: A}]\nresources: [q.yaml]\nreplacements: [{path: kept}]\n").expect("parses");
    let files = tree("== shop/q.yaml\nkind: D\nx: [\n");
    assert!(edit::convert_vars(&mut file, &Place { files: &files, ..place }).expect("converts").is_empty());
    assert!(file.into_text().contains("replacements:\n- path: kept\n- source"), "kustomize would lose the first");
}

#[test]
fn create_finds_resources_but_not_what_is_none() {
    let files = tree(
        "== shop/a.yaml\n{apiVersion: v1, kind: X, metadata: {name: a}}\n== shop/b.yaml\nfoo: bar\n== shop/c.txt\nhello\n== shop/e.yaml\n== shop/sub/f.yaml\n{kind: X, metadata: {name: 5}}\n== shop/k/Kustomization\n",
    );
    let place = Place { files: &files, folder: "shop", outside: &Closed };
    let mut new = edit::New { autodetect: true, labels: "a:b,c".to_owned(), ..edit::New::default() };
    let text = edit::create(&place, &new).expect("creates");
    assert_eq!(
        text,
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- a.yaml\n- e.yaml\ncommonLabels:\n  a: b\n  c: \"\"\n"
    );
    new.recursive = true;
    assert!(edit::create(&place, &new).expect("creates").contains("- a.yaml\n- e.yaml\n- k\n- sub/f.yaml\n"));
    assert!(edit::create(&Place { folder: "shop/k", ..place }, &new).is_err(), "there is one already");
}

#[test]
fn localize_copies_what_is_named_and_nothing_else() {
    let config = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n");
    let mut files = tree(
        "== shop/kustomization.yml\n# gone\nresources: [./x/../a.yaml, ../base/]\nhelmCharts: [{name: c, valuesFile: ./v.yaml}]\nimageTags: []\ncrds: [\"\"]\n\
         transformers:\n- |\n  # gone\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: t}\n  path: ./p.yaml\n\
         == shop/v.yaml\nkept: 1 # as it is\n== shop/p.yaml\n[]\n== shop/charts/c/Chart.yaml\nname: c\n== shop/unused.yaml\n== base/kustomization.yaml\nconfigMapGenerator:\n- {name: m, files: [k=./f], env: e}\n== base/f\n== base/e\n",
    );
    files.insert("shop/a.yaml", config("a"));
    let place = Place { files: &files, folder: "", outside: &Closed };
    let localized = edit::localize(&place, "shop", Some(".")).expect("localizes");
    assert_eq!((&*localized.name, &*localized.target), ("localized-shop", "shop"));
    assert_eq!(
        localized.files.keys().collect::<Vec<_>>(),
        [
            "base/e",
            "base/f",
            "base/kustomization.yaml",
            "shop/a.yaml",
            "shop/charts/c/Chart.yaml",
            "shop/kustomization.yml",
            "shop/p.yaml",
            "shop/v.yaml"
        ]
    );
    assert_eq!(localized.files["shop/a.yaml"], config("a").into_bytes());
    insta::assert_snapshot!(String::from_utf8_lossy(&localized.files["shop/kustomization.yml"]), @r#"
    crds:
    - ""
    helmCharts:
    - name: c
      valuesFile: v.yaml
    resources:
    - a.yaml
    - ../base
    transformers:
    - |
      apiVersion: builtin
      kind: PatchTransformer
      metadata:
        name: t
      path: p.yaml
    "#);
    insta::assert_snapshot!(String::from_utf8_lossy(&localized.files["base/kustomization.yaml"]), @r#"
    configMapGenerator:
    - env: e
      files:
      - k=f
      name: m
    "#);
}

#[test]
fn localize_stays_in_its_scope_and_fetches_only_where_it_may() {
    let files = tree(
        "== shop/kustomization.yaml\nresources: [../base]\n== base/kustomization.yaml\n== far/kustomization.yaml\nresources: ['github.com/o/r?ref=v1']\n== file/kustomization.yaml\ncrds: [../base/kustomization.yaml]\n",
    );
    let localize =
        |target: &str, scope: Option<&str>| edit::localize(&Place { files: &files, folder: "", outside: &Closed }, target, scope);
    assert!(localize("shop", Some(".")).is_ok());
    assert!(localize("shop", None).expect_err("refused").to_string().contains("outside of the localize scope"));
    assert!(localize("shop", Some("base")).expect_err("refused").to_string().contains("does not contain target"));
    assert!(localize("far", None).expect_err("refused").to_string().contains("fetching is off here"));
    assert!(localize("file", Some(".")).is_err(), "a file outside of its kustomization's folder");
    assert!(localize("nosuch", None).is_err());
}
