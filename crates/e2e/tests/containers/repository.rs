//! A Git repository with this project's own manifests, as files that a container reads.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// A bare repository and a working copy of it.
pub(crate) struct Repository {
    work: PathBuf,
}

impl Repository {
    /// Makes `FOLDER/git/repository.git` with `k8s/` and `overlays/` of this working copy.
    pub(crate) fn with_manifests(folder: &Path) -> Repository {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let (bare, work) = (folder.join("git/repository.git"), folder.join("work"));
        git(folder, &["init", "--quiet", "--bare", "--initial-branch=main", "git/repository.git"]);
        git(folder, &["clone", "--quiet", "git/repository.git", "work"]);
        assert!(bare.is_dir());
        for part in ["k8s", "overlays"] {
            copy(&root.join(part), &work.join(part));
        }
        Repository { work }
    }

    /// Delivers an image as CD does: the tag by `edit set image`, commit, push. Gives the commit.
    pub(crate) fn deliver(&self, tag: &str) -> String {
        let file = self.work.join("k8s/kustomization.yaml");
        let text = std::fs::read_to_string(&file).expect("the base is there");
        let image = format!("goserver=user/gitopsfc:{tag}");
        let edited = fiel_renderer::edit::set_image(&text, std::slice::from_ref(&image)).expect("the image can be set");
        std::fs::write(&file, edited).expect("the base can be written");
        git(&self.work, &["add", "--all"]);
        git(&self.work, &["commit", "--quiet", "--message", tag]);
        git(&self.work, &["push", "--quiet", "origin", "HEAD:main"]);
        git(&self.work, &["rev-parse", "HEAD"])
    }

    /// The Application of the course, reading the repository where the containers see it.
    pub(crate) fn application(&self) -> Value {
        json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": "goserver", "namespace": "argocd"},
            "spec": {
                "project": "default",
                "source": {"repoURL": "file:///stage/git/repository.git", "path": "overlays/dev", "targetRevision": "main"},
                "destination": {"server": "https://kubernetes.default.svc", "namespace": "gitopsfc-dev"},
                "syncPolicy": {"automated": {"prune": true, "selfHeal": true}, "syncOptions": ["CreateNamespace=true"]},
            },
        })
    }
}

/// Runs git with nobody's configuration: what it printed.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(folder).args(arguments);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "cd").env(format!("GIT_{who}_EMAIL"), "cd@example.com");
    }
    let output = command.output().expect("git is there");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the folder can be made");
    for entry in std::fs::read_dir(from).expect("the folder is there") {
        let entry = entry.expect("the folder can be read");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("the file can be copied");
        }
    }
}
