//! `cargo xtask conformance NAME`: compares with what the real tools answered, as recorded in the corpora.
//!
//! The corpora are not part of this repository: they are looked for in `FIEL_CONFORMANCE` or in `shared/conformance` beside it.

pub(crate) mod argocd;
mod corpus;
mod deviations;
pub(crate) mod events;
pub(crate) mod kube_rs;
pub(crate) mod kubectl;
mod kustomize;
pub(crate) mod openapi;
mod session;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::report::{Report, Tally};
use crate::{Unavailable, process};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which corpus
    #[arg(value_enum)]
    name: Name,
    /// Another folder of the same format
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// Only cases whose name contains this text
    #[arg(long = "match", value_name = "TEXT", default_value = "")]
    matching: String,
    /// kustomize: run the cases that need this too: exec, helm, network, docker; several with commas
    #[arg(long, value_name = "NEEDS", value_delimiter = ',')]
    with: Vec<String>,
    /// kustomize: write the cases that pass now into the list that CI holds us to
    #[arg(long)]
    bless: bool,
    /// argocd: all scenarios, not only those that CI plays
    #[arg(long)]
    all: bool,
    /// argocd: factor on the recorded settling times
    #[arg(long, default_value_t = argocd::PACE)]
    pace: f64,
    /// argocd: scenarios played at the same time, each on a sandbox and an agent of its own
    #[arg(long, default_value_t = argocd::JOBS)]
    jobs: usize,
    /// argocd: compare the words of messages too
    #[arg(long)]
    messages: bool,
}

/// The corpora.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Name {
    /// kustomize build and edit, byte for byte
    Kustomize,
    /// Structured, strategic and JSON merge
    Kubernetes,
    /// Health of live objects
    Health,
    /// Desired against live
    Diff,
    /// A session of kubectl commands, on the sandbox and on a real kube-apiserver
    Kubectl,
    /// What controllers tell in events, ours and the real kube-controller-manager's
    Events,
    /// The components of OpenAPI v3 documents, on the sandbox and on a real kube-apiserver
    Openapi,
    /// kube-rs's own cluster tests, unmodified, on the sandbox
    KubeRs,
    /// Records anew what a real kube-apiserver answers to the sandbox's transcripts, and compares
    Transcripts,
    /// Scenarios of commits and live changes, played on sandbox and agent over the wire
    Argocd,
}

impl Name {
    /// The folder of the corpus, which is also the name it goes by.
    fn folder(self) -> &'static str {
        match self {
            Name::Kustomize => "kustomize",
            Name::Kubernetes => "kubernetes",
            Name::Health => "health",
            Name::Diff => "diff",
            Name::Argocd => "argocd",
            Name::Kubectl => "kubectl",
            Name::Events => "events",
            Name::Openapi => "openapi",
            Name::KubeRs => "kube-rs",
            Name::Transcripts => "transcripts",
        }
    }
}

pub(crate) fn run(sh: &Shell, args: &Args) -> Result<ExitCode> {
    if args.name == Name::Kubectl {
        return Ok(exit_code(kubectl::play(sh, &args.matching)?));
    }
    if args.name == Name::Events {
        return Ok(exit_code(events::play(sh, &args.matching)?));
    }
    if args.name == Name::Openapi {
        return Ok(exit_code(openapi::play(sh, &args.matching)?));
    }
    if args.name == Name::KubeRs {
        return Ok(exit_code(kube_rs::play(sh, &args.matching)?));
    }
    if args.name == Name::Transcripts {
        return Ok(exit_code(transcripts(sh)?));
    }
    let home = process::conformance();
    let corpus = match (&args.corpus, &home) {
        (Some(folder), _) => std::path::absolute(folder)?,
        (None, Some(home)) => home.join(args.name.folder()),
        (None, None) => {
            return Err(Unavailable(format!(
                "the corpus {} is not here: set FIEL_CONFORMANCE to the folder of the corpora, or name one with --corpus",
                args.name.folder()
            ))
            .into());
        }
    };
    if !corpus.is_dir() {
        return Err(Unavailable(format!("there is no folder {}", corpus.display())).into());
    }
    let tally = match args.name {
        Name::Kustomize => kustomize::by_hand(sh, &corpus, &args.matching, &args.with, args.bless)?,
        Name::Kubernetes | Name::Health | Name::Diff => corpus::by_hand(sh, args.name.folder(), &corpus, &args.matching)?,
        Name::Argocd => {
            let choice = argocd::Choice {
                corpus: &corpus,
                all: args.all || args.corpus.is_some(),
                matching: &args.matching,
                pace: args.pace,
                jobs: args.jobs,
                messages: args.messages,
            };
            argocd::play(sh, &choice)?
        }
        Name::Kubectl | Name::Events | Name::Openapi | Name::KubeRs | Name::Transcripts => {
            unreachable!("it needs no corpus and was played above")
        }
    };
    Ok(exit_code(tally))
}

fn exit_code(tally: Tally) -> ExitCode {
    println!("{tally}");
    if tally.failed == 0 && tally.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Asks a real kube-apiserver what the transcripts ask, writes its answers down, and then asks the sandbox.
fn transcripts(sh: &Shell) -> Result<Tally> {
    let server = crate::apiserver::ApiServer::start(sh)?;
    let command = || cmd!(sh, "cargo test --package fiel-sandbox --test transcripts");
    command().env("FIEL_RECORD_KUBECONFIG", server.kubeconfig()).run()?;
    let (_, output) = process::tee(command().into(), |_| true)?;
    Ok(Tally::of_cargo(&output))
}

/// The part of `cargo xtask ci`: what must pass by now, and not less than before. Says loudly what it cannot compare.
pub(crate) fn ci(sh: &Shell, report: &mut Report) -> Result<Tally> {
    let Some(home) = process::conformance() else {
        report.skip("conformance: the corpora are not here (FIEL_CONFORMANCE, or shared/conformance beside the working copy)");
        return Ok(Tally::default());
    };
    let mut sum = kustomize::held(sh, report, &home.join("kustomize"))?;
    for name in corpus::NAMES {
        sum.add(corpus::held(sh, name, &home.join(name))?);
    }
    report.skip("conformance: diff has no runner yet (see COMPAT.md)");
    Ok(sum)
}

/// A runner in a corpus: beside the cases, or in the folder above them, or the default corpus's.
fn runner(corpus: &Path, name: Name, file: &str) -> Result<PathBuf> {
    let home = process::conformance().map(|home| home.join(name.folder()));
    let places = [Some(corpus.to_path_buf()), corpus.parent().map(Path::to_path_buf), home];
    places
        .into_iter()
        .flatten()
        .map(|folder| folder.join(file))
        .find(|path| path.is_file())
        .ok_or_else(|| Unavailable(format!("there is no {file} for {}", corpus.display())).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_runner_beside_or_above_the_cases() {
        let folder = tempfile::tempdir().unwrap();
        let cases = folder.path().join("cases");
        std::fs::create_dir(&cases).unwrap();
        std::fs::write(folder.path().join("play-me.py"), "").unwrap();
        assert_eq!(runner(&cases, Name::Argocd, "play-me.py").unwrap(), folder.path().join("play-me.py"));
        assert!(runner(&cases, Name::Argocd, "no-such.py").unwrap_err().is::<Unavailable>());
    }
}
