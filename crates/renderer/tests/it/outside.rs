//! What reaches outside of the files, against a world that is made up.

use std::collections::BTreeMap;

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use fiel_renderer::{
    Argument, Build, Checkout, Closed, Error, ErrorKind, Failure, FileKind, FileSystem, FunctionCall, HelmCall, HelmSettings, Memory,
    Options, Outside, Repository, build, build_remote, build_with, edit,
};

/// Repositories by URL, and files by URL; helm and functions that note what they are told.
#[derive(Default)]
struct World {
    repositories: BTreeMap<&'static str, Memory>,
    files: BTreeMap<&'static str, &'static str>,
    /// What helm prints; helm is off where it is empty.
    chart: &'static str,
    /// What a function turns its input into.
    function: Option<fn(&str) -> String>,
    told: Mutex<Vec<String>>,
}

impl World {
    fn told(&self) -> String {
        self.told.lock().unwrap().join("\n")
    }
}

impl Outside for World {
    fn repository(&self, repository: &Repository) -> Result<Checkout, Failure> {
        let files = self.repositories.get(&*repository.url).ok_or_else(|| Failure::failed(format!("no {}", repository.url)))?;
        Ok(Checkout { files: Box::new(files.clone()), commit: "c0ffee".to_owned() })
    }

    fn download(&self, url: &str) -> Result<Vec<u8>, Failure> {
        self.files.get(url).map(|text| text.as_bytes().to_vec()).ok_or_else(|| Failure::failed(format!("{url}: 404 Not Found")))
    }

    fn helm(&self, call: &HelmCall) -> Result<Vec<u8>, Failure> {
        if self.chart.is_empty() {
            return Closed.helm(call);
        }
        let words = call.arguments.iter().map(|argument| match argument {
            Argument::Text(text) => text.clone(),
            Argument::File(name, content) => format!("{name}={:?}", String::from_utf8_lossy(content)),
        });
        self.told.lock().unwrap().push(words.collect::<Vec<_>>().join(" "));
        let version = call.arguments[0] == Argument::Text("version".to_owned());
        Ok(if version { "v3.14.0+g3fc9f4b" } else { self.chart }.as_bytes().to_vec())
    }

    fn helm_settings(&self) -> HelmSettings {
        HelmSettings { kube_version: Some("1.99".to_owned()), api_versions: vec!["c/v1".to_owned()], debug: false }
    }

    fn function(&self, call: &FunctionCall) -> Result<Option<Vec<u8>>, Failure> {
        let Some(function) = self.function else { return Closed.function(call) };
        Ok(Some(function(std::str::from_utf8(&call.input).unwrap()).into_bytes()))
    }
}

const CONFIG: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n";

fn files<const N: usize>(files: [(&str, &str); N]) -> Memory {
    files.into_iter().collect()
}

fn run(world: &World, kustomization: &str) -> Result<Build, Error> {
    build_with(&files([("kustomization.yaml", kustomization)]), "", &Options::default(), world)
}

#[test]
fn a_remote_base_is_built_and_named_in_the_read_set() {
    let repository = files([
        ("prod/kustomization.yaml", "resources: [../base]\nnamePrefix: prod-\n"),
        ("base/kustomization.yaml", "resources: [a.yaml]\n"),
        ("base/a.yaml", CONFIG),
    ]);
    let world = World { repositories: [("https://host.xz/org/repo", repository)].into(), ..World::default() };
    let built = run(&world, "resources: [\"https://host.xz/org/repo/prod?ref=v1\"]\nnameSuffix: -x\n").unwrap();
    assert_eq!(built.resources()[0].name(), "prod-a-x");
    assert!(built.read_set().contains("https://host.xz/org/repo@c0ffee//base/a.yaml"), "{:?}", built.read_set());
    let repository = Repository::parse("https://host.xz/org/repo//base").unwrap();
    assert_eq!(build_remote(&repository, &Options::default(), &world).unwrap().resources()[0].name(), "a");
}

#[test]
fn a_repository_reads_nothing_outside_of_itself() {
    for (file, text) in [
        ("kustomization.yaml", "resources: [../../etc]\n"),
        ("kustomization.yaml", "resources: [/etc/passwd]\n"),
        ("kustomization.yaml", "configMapGenerator: [{name: a, files: [../kustomization.yaml]}]\n"),
        ("app/kustomization.yaml", "configMapGenerator: [{name: a, files: [../secret]}]\n"),
    ] {
        let repository = files([(file, text), ("secret", "s")]);
        let world = World { repositories: [("https://host.xz/org/repo", repository)].into(), ..World::default() };
        let path = file.strip_suffix("/kustomization.yaml").unwrap_or("");
        let text = format!("resources: [\"https://host.xz/org/repo//{path}\"]\n");
        // Not even when the caller's own files may be read from anywhere.
        let options = Options { load_restrictor: fiel_renderer::LoadRestrictor::None, ..Options::default() };
        let error = build_with(&files([("kustomization.yaml", &*text)]), "", &options, &world).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::File, "{error}");
    }
}

#[test]
fn repositories_that_name_each_other_are_a_cycle() {
    let one = files([("kustomization.yaml", "resources: [\"https://host.xz/org/two\"]\n")]);
    let two = files([("kustomization.yaml", "resources: [\"https://host.xz/org/one\"]\n")]);
    let world = World { repositories: [("https://host.xz/org/one", one), ("https://host.xz/org/two", two)].into(), ..World::default() };
    let error = run(&world, "resources: [\"https://host.xz/org/one\"]\n").unwrap_err();
    assert!(error.message().starts_with("cycle detected"), "{error}");
}

#[test]
fn urls_are_read_wherever_files_are() {
    let world = World {
        files: [
            ("https://host.xz/a.yaml", CONFIG),
            ("https://host.xz/patch.yaml", "{kind: ConfigMap, apiVersion: v1, metadata: {name: a}, data: {k: v}}"),
        ]
        .into(),
        ..World::default()
    };
    let built = run(&world, "resources: [\"https://host.xz/a.yaml\"]\npatches: [{path: \"https://host.xz/patch.yaml\"}]\n").unwrap();
    assert_eq!(built.resources()[0].to_json()["data"]["k"], "v");
    assert!(built.read_set().contains("https://host.xz/patch.yaml"));
    let error = run(&world, "resources: [\"https://host.xz/b.yaml\"]\n").unwrap_err();
    assert_eq!(error.to_string(), "kustomization.yaml:1:13: https://host.xz/b.yaml: 404 Not Found");
}

#[test]
fn nothing_is_fetched_unless_the_caller_allows_it() {
    for text in [
        "resources: [\"https://host.xz/a.yaml\"]\n",
        "resources: [\"git@host.xz:org/repo\"]\n",
        "components: [\"https://host.xz/org/repo?ref=v1\"]\n",
        "resources: [github.com/org/repo]\n",
        "patches: [{path: \"https://host.xz/a.yaml\"}]\n",
    ] {
        let error = build(&files([("kustomization.yaml", text)]), "", &Options::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Outside, "{error}");
        assert!(error.message().contains("copy it into the repository"), "{error}");
    }
}

/// Files that claim to lie on a disk, as helm needs it.
struct OnDisk(Memory);

impl FileSystem for OnDisk {
    fn read(&self, path: &str) -> std::io::Result<Vec<u8>> {
        self.0.read(path)
    }

    fn kind(&self, path: &str) -> FileKind {
        self.0.kind(path)
    }

    fn list(&self, dir: &str) -> std::io::Result<Vec<String>> {
        self.0.list(dir)
    }

    fn on_disk(&self, path: &str) -> Option<PathBuf> {
        Some(Path::new("/disk").join(path))
    }
}

const CHART: &str =
    "{apiVersion: v1, kind: Service, metadata: {name: s}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: n}}\n";

/// Asked of kustomize 5.8.1 with a helm that writes down its arguments.
#[test]
fn helm_is_told_what_kustomize_tells_it() {
    let world = World { chart: CHART, ..World::default() };
    let files = OnDisk(files([
        ("over/kustomization.yaml", "resources: [../app]\nnamePrefix: p-\nnamespace: ns\n"),
        (
            "app/kustomization.yaml",
            "helmCharts: [{name: web, releaseName: rel, valuesInline: {b: {c: [3], d: null}, z: true}, includeCRDs: true, apiVersions: [a/v1], skipHooks: true}]\n",
        ),
        ("app/charts/web/values.yaml", "a: 1 # one\nb: {c: [1, 2], d: x, e: y, f: yes}\n"),
    ]));
    let built = build_with(&files, "over", &Options::default(), &world).unwrap();
    insta::assert_snapshot!(world.told(), @r#"
    version --short
    template rel /disk/app/charts/web --namespace ns -f web-kustomize-values.yaml="a: 1\nb:\n  c:\n  - 3\n  e: \"y\"\n  f: \"yes\"\nz: true\n" --api-versions a/v1 --kube-version 1.99 --include-crds --no-hooks
    "#);
    // What helm gave keeps the namespace that helm gave it.
    let found: Vec<(&str, &str)> = built.resources().iter().map(|r| (r.name(), r.namespace())).collect();
    assert_eq!(found, [("p-c", "n"), ("p-s", "")]);
}

#[test]
fn a_chart_is_pulled_when_it_is_not_there() {
    let world = World { chart: CHART, ..World::default() };
    let text = "helmCharts: [{name: web, version: 1.0.0, repo: REPO, devel: true, valuesMerge: replace, valuesInline: {a: b}}]\nhelmGlobals: {chartHome: here}\n";
    for (repo, told) in [
        ("https://x/y", "pull --untar --untardir /disk/here/web-1.0.0 --repo https://x/y web --version 1.0.0 --devel"),
        ("oci://x/y/", "pull --untar --untardir /disk/here/web-1.0.0 oci://x/y/web --version 1.0.0 --devel"),
    ] {
        let files = OnDisk(files([("kustomization.yaml", &*text.replace("REPO", repo))]));
        build_with(&files, "", &Options::default(), &world).unwrap();
        assert_eq!(world.told.lock().unwrap().drain(..).nth(1).unwrap(), told);
    }
}

#[test]
fn a_chart_that_helm_would_take_for_a_flag_is_refused() {
    let world = World { chart: CHART, ..World::default() };
    for chart in [
        "{name: --post-renderer=x}",
        "{name: web, releaseName: --post-renderer=x}",
        "{name: web, repo: -x}",
        "{name: web, repo: a, version: -x}",
    ] {
        let files = OnDisk(files([("kustomization.yaml", &*format!("helmCharts: [{chart}]\n"))]));
        let error = build_with(&files, "", &Options::default(), &world).unwrap_err();
        assert!(error.message().contains("dash"), "{error}");
    }
    assert_eq!(world.told(), "");
}

const FUNCTION: &str =
    "{apiVersion: a/v1, kind: F, metadata: {name: f, annotations: {config.kubernetes.io/function: \"exec: {path: x}\"}}}";

#[test]
fn a_function_changes_resources_and_references_follow() {
    let text = format!("resources: [\"https://host.xz/a.yaml\"]\nnamePrefix: p-\ntransformers: ['{FUNCTION}']\n");
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: pod}, spec: {volumes: [{name: v, configMap: {name: a}}]}}\n---\n";
    let both: &'static str = String::leak(format!("{pod}{CONFIG}"));
    let world = World {
        files: [("https://host.xz/a.yaml", both)].into(),
        function: Some(|input| {
            assert!(input.starts_with("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n- apiVersion: v1\n"), "{input}");
            assert!(input.contains("functionConfig:\n  apiVersion: a/v1\n"), "{input}");
            input.replace("name: p-a\n", "name: renamed\n")
        }),
        ..World::default()
    };
    let built = run(&world, &text).unwrap();
    let names: Vec<&str> = built.resources().iter().map(fiel_renderer::Resource::name).collect();
    assert_eq!(names, ["renamed", "p-pod"]);
    assert!(
        built.to_yaml().contains("    configMap:\n      name: renamed\n")
            || built.to_yaml().contains("  - configMap:\n      name: renamed\n")
    );
    assert!(!built.to_yaml().contains("annotations"), "{}", built.to_yaml());
}

#[test]
fn a_function_generates_and_asks_for_a_hash() {
    let world = World {
        function: Some(|_| {
            "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: g, annotations: {kustomize.config.k8s.io/needs-hash: \"true\"}}\n  data: {a: b}\nresults: [{message: hello}]\n".to_owned()
        }),
        ..World::default()
    };
    let built = run(&world, &format!("generators: ['{FUNCTION}']\n")).unwrap();
    // The hash is kustomize's own for this ConfigMap.
    assert_eq!(built.to_yaml(), "apiVersion: v1\ndata:\n  a: b\nkind: ConfigMap\nmetadata:\n  name: g-4h2mbtbbt6\n");
}

#[test]
fn nothing_is_run_unless_the_caller_allows_it() {
    let plugin = "{apiVersion: a/v1, kind: F, metadata: {name: f}}";
    for (text, flag) in [
        ("helmCharts: [{name: web}]\n".to_owned(), "--enable-helm"),
        (format!("generators: ['{FUNCTION}']\n"), "--enable-alpha-plugins"),
        (format!("generators: ['{plugin}']\n"), "--enable-alpha-plugins"),
        (format!("transformers: ['{plugin}']\n"), "--enable-alpha-plugins"),
    ] {
        let error = build(&files([("kustomization.yaml", &*text)]), "", &Options::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Outside, "{error}");
        assert!(error.message().contains(flag), "{error}");
    }
}

/// A repository whose kustomization names another one, files by URL, and the kustomization that names all of it.
fn remote_world() -> World {
    let app = files([
        ("app/kustomization.yaml", "resources: [../base, 'https://host.xz/org/two?ref=v2']\n"),
        ("base/kustomization.yaml", "resources: [a.yaml]\n"),
        ("base/a.yaml", CONFIG),
        ("base/unused.yaml", CONFIG),
    ]);
    let two =
        files([("kustomization.yaml", "resources: [b.yaml]\n"), ("b.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n")]);
    World {
        repositories: [("file:///srv/one", app), ("https://host.xz/org/two", two)].into(),
        files: [
            ("https://host.xz/d/patch.yaml", r#"[{"op": "add", "path": "/data", "value": {"k": "v"}}]"#),
            ("https://host.xz/text", "hello"),
        ]
        .into(),
        ..World::default()
    }
}

#[test]
fn localize_copies_what_is_remote_and_the_copy_needs_nothing_any_more() {
    let world = remote_world();
    let tree = files([
        ("t/kustomization.yaml", "resources: [sub]\nconfigMapGenerator: [{name: g, files: ['k=https://host.xz/text']}]\n"),
        (
            "t/sub/kustomization.yaml",
            "resources: ['file:///srv/one//app?ref=v1']\npatches: [{path: 'https://host.xz/d/patch.yaml', target: {name: a}}]\n",
        ),
    ]);
    let localized = edit::localize(&edit::Place { files: &tree, folder: "", outside: &world }, "t", None).unwrap();
    let one = "sub/localized-files/file-schemed/srv/one/v1";
    let mut expected = vec![
        "kustomization.yaml".to_owned(),
        "localized-files/host.xz/text".to_owned(),
        "sub/kustomization.yaml".to_owned(),
        "sub/localized-files/host.xz/d/patch.yaml".to_owned(),
        format!("{one}/app/kustomization.yaml"),
        format!("{one}/app/localized-files/host.xz/org/two/v2/b.yaml"),
        format!("{one}/app/localized-files/host.xz/org/two/v2/kustomization.yaml"),
        format!("{one}/base/a.yaml"),
        format!("{one}/base/kustomization.yaml"),
    ];
    expected.sort();
    assert_eq!(localized.files.keys().cloned().collect::<Vec<_>>(), expected);
    insta::assert_snapshot!(String::from_utf8_lossy(&localized.files["sub/kustomization.yaml"]), @r"
    patches:
    - path: localized-files/host.xz/d/patch.yaml
      target:
        name: a
    resources:
    - localized-files/file-schemed/srv/one/v1/app
    ");
    let before = build_with(&tree, "t", &Options::default(), &world).unwrap();
    let copy: Memory = localized.files.into_iter().collect();
    assert_eq!(build(&copy, "", &Options::default()).unwrap().to_yaml(), before.to_yaml());
}

#[test]
fn a_remote_target_is_copied_with_what_it_needs_of_its_repository() {
    let (world, none) = (remote_world(), Memory::new());
    let place = edit::Place { files: &none, folder: "", outside: &world };
    let localized = edit::localize(&place, "file:///srv/one//app?ref=v1", None).unwrap();
    assert_eq!((&*localized.name, &*localized.target), ("localized-app-v1", "app"));
    assert!(localized.files.contains_key("base/a.yaml") && !localized.files.contains_key("base/unused.yaml"));
    let message = |target: &str, scope| edit::localize(&place, target, scope).expect_err("refused").to_string();
    assert!(message("file:///srv/one//app?ref=v1", Some(".")).contains("its repository is the scope"));
    assert!(message("file:///srv/one//app", None).contains("missing ref query string parameter"));
    let tree = files([("kustomization.yaml", "resources: ['file:///srv/one//app']\n")]);
    let error = edit::localize(&edit::Place { files: &tree, ..place }, "", None).expect_err("refused").to_string();
    assert!(error.starts_with("kustomization.yaml:1:13: localize remote root \"file:///srv/one//app\" missing ref"), "{error}");
}

/// B1 and B5 of the security checklist: of what lies outside nothing reaches helm.
#[test]
fn values_of_charts_come_from_within() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("repository");
    std::fs::create_dir_all(root.join("charts/c")).unwrap();
    std::fs::write(root.join("charts/c/values.yaml"), "own: value\n").unwrap();
    std::fs::write(temp.path().join("secret.yaml"), "secret: hidden\n").unwrap();
    std::os::unix::fs::symlink(temp.path().join("secret.yaml"), root.join("link.yaml")).unwrap();
    let full = temp.path().join("secret.yaml");
    let world = World { chart: CONFIG, ..World::default() };
    let built = |fields: &str| {
        std::fs::write(root.join("kustomization.yaml"), format!("helmCharts: [{{name: c, {fields}}}]\n")).unwrap();
        build_with(&fiel_renderer::Disk::new(&root), "", &Options::default(), &world)
    };
    built("valuesFile: charts/c/values.yaml").unwrap();
    for path in
        ["../secret.yaml", "link.yaml", full.to_str().unwrap(), "file:///etc/passwd", "/../../secret.yaml", "http:/../../secret.yaml"]
    {
        assert!(built(&format!("valuesFile: '{path}'")).is_err(), "{path}");
        assert!(built(&format!("additionalValuesFiles: ['{path}']")).is_err(), "{path}");
    }
    let own = full.with_file_name("repository").join("charts/c/values.yaml");
    let error = built(&format!("additionalValuesFiles: ['{}']", own.display())).unwrap_err();
    assert!(error.message().contains("is absolute"), "{error}");
    assert!(world.told().contains("own: value") && world.told().matches("template").count() == 1, "{}", world.told());
}
