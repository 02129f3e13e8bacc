//! What cases need from elsewhere, brought to this machine.
//!
//! The cases that need the network or images were never run where the corpus was recorded; what they must give, kustomize's own tests say
//! (`upstream_expected.yaml`). Here they become cases that can be run: git is told by its own settings that the hosts they name are a server on
//! loopback, addresses of files are written anew, and images of the same names are made `FROM scratch`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use xshell::{Shell, cmd};

use super::web;
use crate::process;

/// The functions of kustomize's tests that [`krm_function`](../../../../examples/krm_function.rs) stands for, under these names.
const FUNCTIONS: [&str; 4] = ["e2econtainerconfig", "e2econtainerenvgenerator", "e2econtainermountbind", "e2econtainersimplegenerator"];
const REGISTRY: &str = "gcr.io/kustomize-functions";

/// The repository that kustomize's tests build from, and its tag.
const REPOSITORY: &str = "kubernetes-sigs/kustomize";
const TAG: &str = "kustomize/v4.5.7";

/// Cases made complete, and the variables with which they run. What was made for them goes with it.
pub(super) struct Stage {
    folder: tempfile::TempDir,
    pub(super) environment: Vec<String>,
    /// Why cases with a need cannot be run here.
    pub(super) lacking: Vec<(&'static str, String)>,
    images: Vec<String>,
}

impl Stage {
    /// Brings what these needs name, as far as this machine can.
    pub(super) fn set(sh: &Shell, corpus: &Path, with: &[String]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut stage = Self { folder, environment: Vec::new(), lacking: Vec::new(), images: Vec::new() };
        fs::create_dir(stage.cases())?;
        let wants = |need: &str| with.iter().any(|one| one == need);
        if wants("network") {
            stage.network(sh, corpus)?;
        }
        if wants("docker") {
            if process::answers(sh, "docker", &["info"]) {
                stage.docker(sh, corpus)?;
            } else {
                stage.lacking.push(("docker", "`docker info` does not answer here".to_owned()));
            }
        }
        Ok(stage)
    }

    /// The folder of the cases made complete.
    pub(super) fn cases(&self) -> PathBuf {
        self.folder.path().join("cases")
    }

    /// Of these needs those that are there now.
    pub(super) fn able(&self, with: &[String]) -> Vec<String> {
        with.iter().filter(|need| self.lacks(need).is_none()).cloned().collect()
    }

    /// Why a case cannot be run here that is skipped with these words, if it cannot.
    pub(super) fn lacks(&self, why: &str) -> Option<&str> {
        self.lacking.iter().find(|(need, _)| why.contains(need)).map(|(_, lacking)| lacking.as_str())
    }

    fn network(&mut self, sh: &Shell, corpus: &Path) -> Result<()> {
        let cases = incomplete(corpus, "network")?;
        let web = self.folder.path().join("web");
        let address = web::serve(web.clone())?;
        let settings = self.folder.path().join("gitconfig");
        let instead = ["https://github.com/", "git@github.com:"].map(|host| format!("\tinsteadOf = {host}\n")).concat();
        fs::write(&settings, format!("[url \"{address}/\"]\n{instead}[safe]\n\tdirectory = *\n"))?;
        self.environment.push(format!("GIT_CONFIG_GLOBAL={}", settings.display()));
        for case in &cases {
            let copy = self.complete(case)?;
            let expected = fs::read_to_string(copy.join("expected.yaml"))?;
            // What must be fetched is what comes out, or a schema that lies beside the case.
            if expected.contains("dev-myapp-pod") {
                let base = expected.replace("dev-myapp-pod", "myapp-pod");
                put(&web.join("raw.githubusercontent.com").join(REPOSITORY).join("v3.1.0/examples/multibases/base/pod.yaml"), &base)?;
                repository(sh, &web, &base)?;
            }
            let input = copy.join("input");
            for file in if input.is_dir() { files(&input)? } else { Vec::new() } {
                if file.ends_with("mycrd_schema.json") {
                    let schema = web.join("github.com").join(REPOSITORY).join("raw/master/api/krusty/testdata/customschema.json");
                    put(&schema, &fs::read_to_string(&file)?)?;
                }
                if file.ends_with("kustomization.yaml") {
                    put(&file, &elsewhere(&fs::read_to_string(&file)?, &address))?;
                }
            }
        }
        Ok(())
    }

    fn docker(&mut self, sh: &Shell, corpus: &Path) -> Result<()> {
        for variable in ["DOCKER_HOST", "DOCKER_CONFIG"] {
            if let Ok(value) = std::env::var(variable) {
                self.environment.push(format!("{variable}={value}"));
            }
        }
        let program = process::build_static_example(sh, "xtask", "krm_function")?;
        let root = self.folder.path().join("image");
        put(&root.join("etc/passwd"), "nobody:x:65534:65534:nobody:/:/none\n")?;
        fs::copy(&program, root.join("function"))?;
        let tar = self.folder.path().join("image.tar");
        cmd!(sh, "tar -C {root} -cf {tar} .").quiet().run()?;
        for function in FUNCTIONS {
            let image = format!("{REGISTRY}/{function}:latest");
            // What somebody has pulled is theirs, and the better one.
            if process::answers(sh, "docker", &["image", "inspect", &image]) {
                continue;
            }
            let change = format!("ENTRYPOINT [\"/function\", \"{function}\"]");
            cmd!(sh, "docker import --change {change} {tar} {image}")
                .quiet()
                .ignore_stdout()
                .run()
                .context("an image could not be made")?;
            self.images.push(image);
        }
        for case in incomplete(corpus, "docker")? {
            self.complete(&case)?;
        }
        Ok(())
    }

    /// Copies a case and writes down what kustomize's own test expects of it.
    fn complete(&self, case: &Path) -> Result<PathBuf> {
        let name = case.file_name().context("a case has a name")?;
        let copy = self.cases().join(name);
        for file in files(case)? {
            put(&copy.join(file.strip_prefix(case)?), &fs::read_to_string(&file)?)?;
        }
        let mut told: Value = serde_json::from_str(&fs::read_to_string(case.join("case.json"))?)?;
        told["exit"] = json!("ok");
        // kustomize's own tests leave resources in the order of the input.
        let flags = told["flags"].as_array().cloned().unwrap_or_default();
        told["flags"] = flags.into_iter().chain([json!("--reorder"), json!("none")]).collect();
        put(&copy.join("case.json"), &told.to_string())?;
        fs::rename(copy.join("upstream_expected.yaml"), copy.join("expected.yaml"))?;
        Ok(copy)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.images.is_empty() {
            // What stays behind is small and does no harm.
            drop(Command::new("docker").args(["image", "rm", "--force"]).args(&self.images).output());
        }
    }
}

/// The cases with exactly this need that nobody has recorded, but of which kustomize's own test says what comes out.
fn incomplete(corpus: &Path, need: &str) -> Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    for file in files(corpus)?.into_iter().filter(|file| file.ends_with("case.json")) {
        let told: Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
        let case = file.parent().context("a file is in a folder")?;
        if told["needs"] == json!([need]) && told["exit"].is_null() && case.join("upstream_expected.yaml").is_file() {
            out.push(case.to_owned());
        }
    }
    Ok(out)
}

/// A kustomization whose files by URL are at that address. Repositories are left as they are: git itself is told.
fn elsewhere(text: &str, address: &str) -> String {
    let raw = format!("github.com/{REPOSITORY}/raw/");
    [raw.as_str(), "raw.githubusercontent.com/"]
        .iter()
        .fold(text.to_owned(), |text, place| text.replace(&format!("https://{place}"), &format!("{address}/{place}")))
}

/// All files below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            out.extend(files(&path)?);
        } else {
            out.push(path);
        }
    }
    out.sort();
    Ok(out)
}

/// Writes a file, its folders too.
fn put(path: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(path.parent().context("a file is in a folder")?)?;
    // A copy of a file that may only be read may only be read.
    fs::write(path, text).with_context(|| path.display().to_string())
}

/// The repository of kustomize's examples, as far as its tests build from it.
fn repository(sh: &Shell, web: &Path, base: &str) -> Result<()> {
    let bare = web.join(format!("{REPOSITORY}.git"));
    if bare.exists() {
        return Ok(());
    }
    let work = tempfile::tempdir()?;
    let at = work.path();
    let examples = at.join("examples/multibases");
    put(&examples.join("base/pod.yaml"), base)?;
    put(&examples.join("base/kustomization.yaml"), "resources:\n- pod.yaml\n")?;
    put(&examples.join("dev/kustomization.yaml"), "resources:\n- ../base\nnamePrefix: dev-\n")?;
    let who = ["-c", "user.name=test", "-c", "user.email=test@test"];
    cmd!(sh, "git -C {at} init -q").run()?;
    cmd!(sh, "git -C {at} add .").run()?;
    cmd!(sh, "git -C {at} {who...} commit -q -m examples").run()?;
    cmd!(sh, "git -C {at} tag {TAG}").run()?;
    cmd!(sh, "git clone -q --bare {at} {bare}").run()?;
    ensure!(bare.join("HEAD").is_file(), "git made no repository");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_elsewhere_and_repositories_are_gits_own_business() {
        let text =
            "- https://raw.githubusercontent.com/kubernetes-sigs/kustomize/v3/a.yaml\n- https://github.com/kubernetes-sigs/kustomize//b\n";
        let wanted =
            "- http://x/raw.githubusercontent.com/kubernetes-sigs/kustomize/v3/a.yaml\n- https://github.com/kubernetes-sigs/kustomize//b\n";
        assert_eq!(elsewhere(text, "http://x"), wanted);
        assert_eq!(
            elsewhere("https://github.com/kubernetes-sigs/kustomize/raw/m/s.json", "http://x"),
            "http://x/github.com/kubernetes-sigs/kustomize/raw/m/s.json"
        );
    }

    #[test]
    fn only_cases_with_an_answer_of_kustomizes_own_are_made_complete() {
        let folder = tempfile::tempdir().unwrap();
        let case = |name: &str, told: Value, expected: bool| {
            put(&folder.path().join(name).join("case.json"), &told.to_string()).unwrap();
            if expected {
                put(&folder.path().join(name).join("upstream_expected.yaml"), "a: 1\n").unwrap();
            }
        };
        case("a", json!({"needs": ["network"]}), true);
        case("b", json!({"needs": ["network"], "exit": "ok"}), true);
        case("c", json!({"needs": ["network"]}), false);
        case("d", json!({"needs": ["network", "helm"]}), true);
        assert_eq!(incomplete(folder.path(), "network").unwrap(), [folder.path().join("a")]);
        let sh = Shell::new().unwrap();
        let stage = Stage::set(&sh, folder.path(), &["network".to_owned()]).unwrap();
        let copy = stage.cases().join("a");
        assert_eq!(fs::read_to_string(copy.join("expected.yaml")).unwrap(), "a: 1\n");
        assert!(fs::read_to_string(copy.join("case.json")).unwrap().contains("\"exit\":\"ok\""));
    }
}
