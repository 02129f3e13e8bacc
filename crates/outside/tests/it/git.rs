//! Remote bases from repositories in a temporary folder, over file://.

use std::path::{Path, PathBuf};
use std::process::Command;

use fiel_outside::World;
use tempfile::TempDir;

use super::{CONFIG, build, write};

fn git(folder: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let settings = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always"];
    let output = command.args(settings).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository, a folder to build in and a cache.
struct Stage {
    temp: TempDir,
}

impl Stage {
    fn new() -> Self {
        let stage = Self { temp: tempfile::tempdir().unwrap() };
        std::fs::create_dir_all(stage.repository()).unwrap();
        std::fs::create_dir_all(stage.work()).unwrap();
        git(&stage.repository(), &["init", "-q"]);
        stage
    }

    fn repository(&self) -> PathBuf {
        self.temp.path().join("org/repo")
    }

    fn work(&self) -> PathBuf {
        self.temp.path().join("work")
    }

    fn world(&self) -> World {
        World::default().fetching(self.temp.path().join("cache"))
    }

    fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, text) in files {
            write(&self.repository(), path, text);
        }
        git(&self.repository(), &["add", "-A"]);
        git(&self.repository(), &["commit", "-q", "-m", "x"]);
        git(&self.repository(), &["rev-parse", "HEAD"])
    }

    fn url(&self) -> String {
        format!("file://{}", self.repository().display())
    }

    /// The names that a build with this entry among its resources gives, or the error.
    fn names(&self, entry: &str) -> Result<Vec<String>, String> {
        let built = build(&self.world(), &self.work(), &format!("resources: ['{entry}']\n")).map_err(|e| e.to_string())?;
        Ok(built.resources().iter().map(|resource| resource.name().to_owned()).collect())
    }
}

#[test]
fn branches_tags_commits_and_head_are_fetched() {
    let stage = Stage::new();
    let first = stage.commit(&[
        ("base/kustomization.yaml", "resources: [a.yaml]\n"),
        ("base/a.yaml", CONFIG),
        ("prod/kustomization.yaml", "resources: [../base]\nnamePrefix: one-\n"),
    ]);
    git(&stage.repository(), &["tag", "-a", "-m", "t", "v1"]);
    git(&stage.repository(), &["branch", "old"]);
    let second = stage.commit(&[("prod/kustomization.yaml", "resources: [../base]\nnamePrefix: two-\n")]);
    let url = stage.url();
    for (reference, name) in [
        ("", "two-a"),
        ("?ref=v1", "one-a"),
        ("?ref=old", "one-a"),
        ("?version=old", "one-a"),
        ("?ref=main", "two-a"),
        ("?ref=refs/tags/v1", "one-a"),
    ] {
        assert_eq!(stage.names(&format!("{url}//prod{reference}")), Ok(vec![name.to_owned()]), "{reference}");
    }
    assert_eq!(stage.names(&format!("{url}//prod?ref={second}")), Ok(vec!["two-a".to_owned()]));
    assert_eq!(stage.names(&format!("{url}//prod?ref={first}")), Ok(vec!["one-a".to_owned()]));
    // What is in the cache by its commit needs no repository any more.
    std::fs::rename(stage.repository(), stage.temp.path().join("away")).unwrap();
    assert_eq!(stage.names(&format!("{url}//prod?ref={first}")), Ok(vec!["one-a".to_owned()]));
    let error = stage.names(&format!("{url}//prod?ref=main")).unwrap_err();
    assert!(error.starts_with("kustomization.yaml:1:13: cannot fetch file://"), "{error}");
}

#[test]
fn a_moved_branch_is_seen_by_the_next_build() {
    let stage = Stage::new();
    let entry = format!("{}?ref=main", stage.url());
    stage.commit(&[("kustomization.yaml", "resources: [a.yaml]\n"), ("a.yaml", CONFIG)]);
    assert_eq!(stage.names(&entry), Ok(vec!["a".to_owned()]));
    let commit = stage.commit(&[("kustomization.yaml", "resources: [a.yaml]\nnamePrefix: p-\n")]);
    assert_eq!(stage.names(&entry), Ok(vec!["p-a".to_owned()]));
    let built = build(&stage.world(), &stage.work(), &format!("resources: ['{entry}']\n")).unwrap();
    assert!(built.read_set().contains(&format!("{}@{commit}//a.yaml", stage.url())), "{:?}", built.read_set());
}

#[test]
fn what_is_missing_is_named() {
    let stage = Stage::new();
    stage.commit(&[("kustomization.yaml", "resources: [a.yaml]\n"), ("a.yaml", CONFIG)]);
    let error = stage.names(&format!("{}//nowhere", stage.url())).unwrap_err();
    assert!(error.contains("there is no folder \"nowhere\" in file://"), "{error}");
    let error = stage.names(&format!("{}?ref=nothing", stage.url())).unwrap_err();
    assert!(error.contains("nothing"), "{error}");
    let error = stage.names(&format!("{}?ref=--upload-pack=x", stage.url())).unwrap_err();
    assert!(error.contains("is not the name of a branch, tag or commit"), "{error}");
}

#[test]
fn a_link_that_leads_out_of_the_repository_is_not_followed() {
    let stage = Stage::new();
    write(stage.temp.path(), "secret/kustomization.yaml", "resources: [s.yaml]\n");
    write(stage.temp.path(), "secret/s.yaml", CONFIG);
    let secret = stage.temp.path().join("secret");
    std::os::unix::fs::symlink(&secret, stage.repository().join("folder")).unwrap();
    std::os::unix::fs::symlink(secret.join("s.yaml"), stage.repository().join("s.yaml")).unwrap();
    std::os::unix::fs::symlink("a.yaml", stage.repository().join("inside.yaml")).unwrap();
    stage.commit(&[
        ("kustomization.yaml", "resources: [folder]\n"),
        ("file/kustomization.yaml", "resources: [../s.yaml]\n"),
        ("good/kustomization.yaml", "resources: [..]\n"),
        ("a.yaml", CONFIG),
    ]);
    for path in ["", "folder", "file"] {
        assert!(stage.names(&format!("{}//{path}", stage.url())).is_err(), "{path}");
    }
    stage.commit(&[("kustomization.yaml", "resources: [inside.yaml]\n")]);
    assert_eq!(stage.names(&stage.url()), Ok(vec!["a".to_owned()]));
}

#[test]
fn nothing_of_git_is_left_in_the_cache() {
    let stage = Stage::new();
    let commit = stage.commit(&[("kustomization.yaml", "resources: [a.yaml]\n"), ("a.yaml", CONFIG)]);
    assert_eq!(stage.names(&stage.url()), Ok(vec!["a".to_owned()]));
    let names = |folder: &Path| -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let home = std::fs::read_dir(stage.temp.path().join("cache/git")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(names(&home), [commit.as_str()]);
    assert_eq!(names(&home.join(&commit)), ["a.yaml", "kustomization.yaml"]);
}

#[test]
fn a_submodule_may_not_name_a_file_of_this_machine() {
    let stage = Stage::new();
    let other = stage.temp.path().join("other");
    write(&other, "kustomization.yaml", "resources: [a.yaml]\n");
    write(&other, "a.yaml", CONFIG);
    git(&other, &["init", "-q"]);
    git(&other, &["add", "-A"]);
    git(&other, &["commit", "-q", "-m", "x"]);
    git(&stage.repository(), &["submodule", "-q", "add", &format!("file://{}", other.display()), "sub"]);
    stage.commit(&[("kustomization.yaml", "resources: [a.yaml]\n"), ("a.yaml", CONFIG)]);
    let error = stage.names(&stage.url()).unwrap_err();
    assert!(error.contains("transport 'file' not allowed"), "{error}");
    assert_eq!(stage.names(&format!("{}?submodules=false", stage.url())), Ok(vec!["a".to_owned()]));
    let error = stage.names(&format!("{}//sub?submodules=false", stage.url())).unwrap_err();
    assert!(error.contains("no kustomization file"), "{error}");
}

#[test]
fn other_protocols_are_not_spoken() {
    let stage = Stage::new();
    stage.commit(&[("kustomization.yaml", "resources: [a.yaml]\n"), ("a.yaml", CONFIG)]);
    git(&stage.repository(), &["config", "-f", ".gitmodules", "submodule.sub.path", "sub"]);
    git(&stage.repository(), &["config", "-f", ".gitmodules", "submodule.sub.url", "ext::sh -c 'touch ran' x"]);
    let commit = git(&stage.repository(), &["rev-parse", "HEAD"]);
    git(&stage.repository(), &["update-index", "--add", "--cacheinfo", &format!("160000,{commit},sub")]);
    git(&stage.repository(), &["add", ".gitmodules"]);
    git(&stage.repository(), &["commit", "-q", "-m", "x"]);
    let error = stage.names(&stage.url()).unwrap_err();
    assert!(error.contains("transport 'ext' not allowed"), "{error}");
}
