//! What reaches outside of the files, against a world that is made up.

use std::collections::BTreeMap;

use fiel_renderer::{Build, Checkout, Error, ErrorKind, Failure, Memory, Options, Outside, Repository, build, build_remote, build_with};

/// Repositories by URL, and files by URL.
#[derive(Default)]
struct World {
    repositories: BTreeMap<&'static str, Memory>,
    files: BTreeMap<&'static str, &'static str>,
}

impl Outside for World {
    fn repository(&self, repository: &Repository) -> Result<Checkout, Failure> {
        let files = self.repositories.get(&*repository.url).ok_or_else(|| Failure::failed(format!("no {}", repository.url)))?;
        Ok(Checkout { files: Box::new(files.clone()), commit: "c0ffee".to_owned() })
    }

    fn download(&self, url: &str) -> Result<Vec<u8>, Failure> {
        self.files.get(url).map(|text| text.as_bytes().to_vec()).ok_or_else(|| Failure::failed(format!("{url}: 404 Not Found")))
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
