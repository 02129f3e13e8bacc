//! The verbs, one file each: what can be typed, and what it does.

mod agent;
mod build;
mod completion;
mod crds;
mod create;
mod demo;
mod diff;
mod edit;
mod explain;
mod localize;
mod plan;
mod sandbox;
mod version;

use std::io::Write as _;
use std::path::Path;

use clap::{CommandFactory as _, Parser};

use crate::error::CommandError;

/// GitOps for Kubernetes: what is in Git is what runs in the cluster, always.
#[derive(Debug, Parser)]
#[command(name = "fiel", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Taken for kustomize's sake: errors name file, line and column anyway
    #[arg(long, global = true, hide = true)]
    stack_trace: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    #[command(flatten)]
    Kustomize(Verb),
    Diff(diff::Args),
    Explain(explain::Args),
    Plan(plan::Args),
    Agent(agent::Args),
    Sandbox(sandbox::Args),
    Crds(crds::Args),
    Demo(demo::Args),
}

/// kustomize's own verbs.
#[derive(Debug, clap::Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one, for the whole run")]
enum Verb {
    Build(build::Args),
    Edit(edit::Args),
    #[command(alias = "init")]
    Create(create::Args),
    Localize(localize::Args),
    Version(version::Args),
    Completion(completion::Args),
}

/// Manages declarative configuration of Kubernetes: fiel in the place of kustomize 5.8.1.
#[derive(Debug, Parser)]
#[command(name = "kustomize", after_help = "This is fiel, called by the name of kustomize; `fiel --help` shows what else it does.")]
struct Kustomize {
    #[command(subcommand)]
    command: KustomizeCommand,
    /// Taken for kustomize's sake: errors name file, line and column anyway
    #[arg(long, global = true, display_order = 100)]
    stack_trace: bool,
}

#[derive(Debug, clap::Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one, for the whole run")]
enum KustomizeCommand {
    #[command(flatten)]
    Verb(Verb),
    /// Not there: kustomize's experiments with packages of resources
    #[command(hide = true)]
    Cfg(Rest),
    /// Not there: kustomize's experiments with functions in folders
    #[command(hide = true)]
    Fn(Rest),
}

/// `build` alone, which scripts call again and again: to describe all other verbs takes longer than a small build.
#[derive(Debug, Parser)]
struct BuildAlone {
    #[command(subcommand)]
    command: BuildVerb,
    /// Taken for kustomize's sake: errors name file, line and column anyway
    #[arg(long, global = true, display_order = 100)]
    stack_trace: bool,
}

#[derive(Debug, clap::Subcommand)]
enum BuildVerb {
    Build(build::Args),
}

/// Anything.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
struct Rest {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    _words: Vec<String>,
}

/// Parses the command line and runs the verb.
pub(crate) fn run() -> Result<(), CommandError> {
    let mut words = std::env::args_os();
    let name = words.next().map(std::path::PathBuf::from);
    let kustomize = name.as_deref().and_then(Path::file_stem).is_some_and(|name| name == "kustomize");
    if words.next().is_some_and(|verb| verb == "build") {
        return build::run(&build::Args::without_flags(words).unwrap_or_else(|| {
            let BuildVerb::Build(args) = parsed::<BuildAlone>(build_alone(kustomize)).command;
            args
        }));
    }
    if kustomize {
        return match parsed::<Kustomize>(Kustomize::command()).command {
            KustomizeCommand::Verb(verb) => run_verb(&verb, true),
            KustomizeCommand::Cfg(_) => Err(refused("cfg")),
            KustomizeCommand::Fn(_) => Err(refused("fn")),
        };
    }
    match parsed::<Cli>(Cli::command()).command {
        Command::Kustomize(verb) => run_verb(&verb, false),
        Command::Diff(args) => diff::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Agent(args) => agent::run(&args),
        Command::Sandbox(args) => sandbox::run(&args),
        Command::Crds(args) => crds::run(&args),
        Command::Demo(args) => demo::run(&args),
    }
}

/// The verb `build` as it stands among the others, of which this one knows nothing.
fn build_alone(kustomize: bool) -> clap::Command {
    let name = if kustomize { "kustomize" } else { "fiel" };
    BuildAlone::command().name(name).mut_arg("stack_trace", |argument| argument.hide(!kustomize))
}

fn run_verb(verb: &Verb, kustomize: bool) -> Result<(), CommandError> {
    match verb {
        Verb::Build(args) => build::run(args),
        Verb::Edit(args) => edit::run(args),
        Verb::Create(args) => create::run(args),
        Verb::Localize(args) => localize::run(args),
        Verb::Version(args) => version::run(args, kustomize),
        Verb::Completion(args) => completion::run(args, if kustomize { Kustomize::command() } else { Cli::command() }),
    }
}

fn refused(verb: &str) -> CommandError {
    CommandError::failed(format!("kustomize {verb} is not part of fiel")).hint("use the real kustomize for it")
}

/// The command line; one that makes no sense ends the program with 1, and one that is empty with help and 0, as kustomize ends.
fn parsed<T: Parser>(command: clap::Command) -> T {
    command.try_get_matches().and_then(|matches| T::from_arg_matches(&matches)).unwrap_or_else(|error| {
        let help = !error.use_stderr() || error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
        // There is nobody to tell when even stderr is closed.
        drop(if help { write!(std::io::stdout(), "{}", error.render()) } else { error.print() });
        std::process::exit(i32::from(!help));
    })
}

/// The asynchronous runtime, made only by the verbs that need one.
fn runtime() -> Result<tokio::runtime::Runtime, CommandError> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// A client from that kubeconfig, or from where kubectl would look (KUBECONFIG, the home folder, the Pod's service account).
async fn client(kubeconfig: Option<&Path>) -> Result<kube::Client, CommandError> {
    let mut config = match kubeconfig {
        Some(file) => {
            let options = kube::config::KubeConfigOptions::default();
            let named = |e| CommandError::failed(format!("{}: {e}", file.display()));
            let parsed = kube::config::Kubeconfig::read_from(file).map_err(named)?;
            kube::Config::from_custom_kubeconfig(parsed, &options).await.map_err(named)?
        }
        None => {
            let hint = "name a kubeconfig with --kubeconfig FILE; `fiel sandbox --kubeconfig FILE` makes a cluster to try with";
            kube::Config::infer().await.map_err(|e| CommandError::failed(e).hint(hint))?
        }
    };
    let agent = http::HeaderValue::from_static(concat!("fiel-agent/", env!("CARGO_PKG_VERSION")));
    config.headers.push((http::header::USER_AGENT, agent));
    Ok(kube::Client::try_from(config)?)
}

/// Completes on Ctrl-C or a polite request to end (SIGTERM).
async fn shutdown_signal() {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut stream) => {
                stream.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}

/// As [`shutdown_signal`]; with `stdin` also when standard input closes, which ties a child to its parent's life, however that ends.
async fn shutdown(stdin: bool) {
    let closed = async {
        if stdin {
            let (closed, at) = tokio::sync::oneshot::channel::<()>();
            // A thread of its own: a blocking read of the runtime's would keep the process from ending.
            std::thread::spawn(move || {
                drop(std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()));
                drop(closed);
            });
            let _ = at.await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = shutdown_signal() => {}
        () = closed => {}
    }
}

/// Sends the log to stderr; the variable FIEL_LOG filters it as `tracing` has it.
fn log(default: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("FIEL_LOG").unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).init();
}

/// The clock of real life.
fn wall_clock() -> std::sync::Arc<dyn Fn() -> jiff::Timestamp + Send + Sync> {
    std::sync::Arc::new(jiff::Timestamp::now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        Kustomize::command().debug_assert();
        build_alone(false).debug_assert();
    }

    #[test]
    fn build_alone_is_build_among_the_others() {
        let told =
            |command: clap::Command, words: &str| command.try_get_matches_from(words.split(' ')).map_err(|e| e.to_string()).map(drop);
        for (kustomize, whole) in [(false, Cli::command()), (true, Kustomize::command())] {
            for words in ["x build --help", "x build --nope", "x build a --reorder so", "x build --stack-trace a b -o out"] {
                assert_eq!(told(build_alone(kustomize), words), told(whole.clone(), words), "{words}");
            }
        }
    }
}
