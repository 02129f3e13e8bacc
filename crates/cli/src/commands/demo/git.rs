//! The user's Git: a bare repository that the agent watches, and a work tree to commit from, driven by the `git` program.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::CommandError;

/// A bare repository and the work tree that pushes to it.
pub(super) struct Repository {
    bare: PathBuf,
    work: PathBuf,
}

impl Repository {
    /// Makes both, empty, under `folder`.
    pub(super) fn create(folder: &Path) -> Result<Self, CommandError> {
        let this = Self { bare: folder.join("repository.git"), work: folder.join("work") };
        git(folder, &["init", "--quiet", "--bare", "--initial-branch=main", path(&this.bare)?])?;
        git(folder, &["init", "--quiet", "--initial-branch=main", path(&this.work)?])?;
        git(&this.work, &["remote", "add", "origin", path(&this.bare)?])?;
        Ok(this)
    }

    /// The folder in which the user edits.
    pub(super) fn work(&self) -> &Path {
        &self.work
    }

    /// What an Application's `repoURL` says.
    pub(super) fn url(&self) -> String {
        format!("file://{}", self.bare.display())
    }

    /// Writes a file of the work tree.
    pub(super) fn write(&self, file: &str, text: &str) -> Result<(), CommandError> {
        let full = self.work.join(file);
        if let Some(parent) = full.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(full, text)?;
        Ok(())
    }

    /// Reads a file of the work tree.
    pub(super) fn read(&self, file: &str) -> Result<String, CommandError> {
        std::fs::read_to_string(self.work.join(file)).map_err(|e| CommandError::failed(format!("{file}: {e}")))
    }

    /// Deletes a file of the work tree.
    pub(super) fn remove(&self, file: &str) -> Result<(), CommandError> {
        std::fs::remove_file(self.work.join(file))?;
        Ok(())
    }

    /// Copies a folder into the work tree.
    pub(super) fn copy(&self, from: &Path, to: &str) -> Result<(), CommandError> {
        copy_folder(from, &self.work.join(to))
    }

    /// Commits everything and says under which id.
    pub(super) fn commit(&self, message: &str) -> Result<String, CommandError> {
        git(&self.work, &["add", "--all"])?;
        git(&self.work, &["commit", "--quiet", "--allow-empty", "--message", message])?;
        self.head()
    }

    /// Undoes the last commit by another.
    pub(super) fn revert(&self) -> Result<(), CommandError> {
        git(&self.work, &["revert", "--no-edit", "HEAD"]).map(drop)
    }

    /// The newest commit.
    pub(super) fn head(&self) -> Result<String, CommandError> {
        git(&self.work, &["rev-parse", "HEAD"])
    }

    /// Pushes to the bare repository.
    pub(super) fn push(&self) -> Result<(), CommandError> {
        git(&self.work, &["push", "--quiet", "origin", "main"]).map(drop)
    }
}

fn path(path: &Path) -> Result<&str, CommandError> {
    path.to_str().ok_or_else(|| CommandError::failed(format!("{}: the path is not UTF-8", path.display())))
}

/// Runs git untouched by the user's own configuration: signing, hooks and templates of his would change the story.
fn git(folder: &Path, arguments: &[&str]) -> Result<String, CommandError> {
    let output = Command::new("git")
        .current_dir(folder)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .envs([("GIT_AUTHOR_NAME", "demo"), ("GIT_COMMITTER_NAME", "demo")])
        .envs([("GIT_AUTHOR_EMAIL", "demo@example.com"), ("GIT_COMMITTER_EMAIL", "demo@example.com")])
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .output()
        .map_err(|e| CommandError::failed(format!("git: {e}")).hint("the demo needs the program git on the PATH"))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(CommandError::failed(format!("git {}: {}", arguments.join(" "), stderr.trim())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), CommandError> {
    std::fs::create_dir_all(to)?;
    let entries = std::fs::read_dir(from).map_err(|e| CommandError::failed(format!("{}: {e}", from.display())))?;
    for entry in entries {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
