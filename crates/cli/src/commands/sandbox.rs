//! `fiel sandbox`: a Kubernetes API on this machine.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use fiel_sandbox::controllers;
use fiel_sandbox::node::{Images, NodeOptions, Play, Rules};
use fiel_sandbox::tls::{Authority, TlsError, kubeconfig, kubeconfig_with_certificate};
use fiel_sandbox::{Config, Sandbox, serve};
use tokio::net::TcpListener;

use crate::error::CommandError;

/// Runs a Kubernetes API in this process, to try things with: everything is gone when it ends, unless --data keeps it. Not for production.
///
/// With --image its node really runs programs: each Pod whose image has that repository is a local process, and every Service answers on a loopback
/// port that its annotation sandbox.fiel.dev/address names. Without --image Pods only look as if they ran.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to write how to reach it
    #[arg(long, value_name = "FILE")]
    kubeconfig: PathBuf,
    /// Where to listen; port 0 is a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// A further name or address under which clients reach it; the first one goes into the kubeconfig
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// Run PROGRAM as a local process for Pods whose image has the repository REPOSITORY
    #[arg(long, value_name = "REPOSITORY=PROGRAM", value_parser = image)]
    image: Vec<(String, PathBuf)>,
    /// What containers of an image play, where nothing really runs: `runs:30s` ends well after that time, `exits:1` ends with that code (at once, or
    /// after `runs`), `ready:20s` is ready later, `unpullable` has an image that is not there, `evicted:1m` loses its Pod; several with commas
    #[arg(long, value_name = "REPOSITORY=WHAT,…", value_parser = play, conflicts_with = "image")]
    play: Vec<(String, Play)>,
    /// Write a client certificate of the administrator into the kubeconfig, instead of a token
    #[arg(long)]
    client_certificate: bool,
    /// No node and no workload controllers: only namespaces and garbage collection work, all else is as it is written
    #[arg(long, conflicts_with_all = ["image", "play"])]
    bare: bool,
    /// Keep the cluster in this folder, and go on with what is there
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// End when standard input closes
    #[arg(long, hide = true)]
    until_stdin_closes: bool,
}

fn image(text: &str) -> Result<(String, PathBuf), String> {
    let (repository, program) = text.split_once('=').ok_or("write REPOSITORY=PROGRAM")?;
    let path = Path::new(program).canonicalize().map_err(|e| format!("{program}: {e}"))?;
    Ok((repository.to_owned(), path))
}

fn play(text: &str) -> Result<(String, Play), String> {
    let (repository, what) = text.split_once('=').ok_or("write REPOSITORY=WHAT")?;
    Ok((repository.to_owned(), what.parse::<Play>().map_err(|e| e.to_string())?))
}

/// Serves until it is told to end.
pub(crate) fn run(args: &Args) -> Result<(), CommandError> {
    super::log("warn");
    super::runtime()?.block_on(work(args))
}

async fn work(args: &Args) -> Result<(), CommandError> {
    let listener = TcpListener::bind(args.listen).await.map_err(|e| CommandError::failed(format!("{}: {e}", args.listen)))?;
    let address = listener.local_addr()?;
    let local = if address.ip().is_unspecified() { IpAddr::from([127, 0, 0, 1]) } else { address.ip() };
    let mut hosts = args.host.clone();
    hosts.extend([local.to_string(), "localhost".to_owned()]);
    let authority = Authority::new(&hosts).map_err(CommandError::failed)?;
    let tls = authority.server_tls().map_err(CommandError::failed)?;
    let config = Config { clock: super::wall_clock(), seed: seed(), rbac: true };
    let sandbox = match &args.data {
        Some(folder) => Sandbox::open(config, folder).map_err(|e| CommandError::failed(format!("--data {}: {e}", folder.display())))?,
        None => Sandbox::new(config),
    };

    let options = parts(args, &sandbox);
    let (end, ended) = tokio::sync::watch::channel(false);
    let stop = move || {
        let mut ended = ended.clone();
        async move {
            // An error means that the sender is gone, which is an end too.
            drop(ended.wait_for(|ended| *ended).await);
        }
    };
    let api = tokio::spawn(serve(sandbox.service(Some(authority.token().to_owned())), listener, Some(tls), stop()));
    let work = tokio::spawn(controllers::run(sandbox.client(), options, super::wall_clock(), stop()));

    let url = format!("https://{}:{}", bracketed(&hosts[0]), address.port());
    let access = access(&url, &authority, args.client_certificate).map_err(CommandError::failed)?;
    write(&args.kubeconfig, &access)?;
    println!("a Kubernetes API for tests at {url}");
    println!("export KUBECONFIG={}", args.kubeconfig.display());
    super::shutdown(args.until_stdin_closes).await;
    end.send_replace(true);
    // The controllers end their processes first; a panic of theirs has been reported already.
    drop(work.await);
    drop(api.await);
    Ok(())
}

/// How the administrator reaches it: by token or by certificate.
fn access(url: &str, authority: &Authority, by_certificate: bool) -> Result<String, TlsError> {
    if !by_certificate {
        return Ok(kubeconfig(url, authority));
    }
    let client = authority.client("admin", "system:masters")?;
    Ok(kubeconfig_with_certificate(url, authority, &client))
}

/// Which controllers run, and what the node does.
fn parts(args: &Args, sandbox: &Sandbox) -> controllers::Options {
    if args.bare {
        return controllers::Options::only_deletion();
    }
    let mut options = controllers::Options::everything();
    if !args.image.is_empty() {
        let images = args.image.iter().fold(Images::new(), |images, (repository, program)| images.with(repository, program));
        let node = NodeOptions::processes(images);
        options.node = Some(node);
    } else if !args.play.is_empty() {
        let rules = args.play.iter().fold(Rules::new(), |rules, (repository, play)| rules.image(repository, play.clone()));
        options.node = Some(NodeOptions::simulated(rules));
    }
    if let Some(node) = &options.node {
        sandbox.set_logs(node.logs.clone());
    }
    options
}

/// Chance for uids and generated names, different every time.
fn seed() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// Writes the file in one piece, readable only by its owner: it holds the key to the cluster.
fn write(file: &Path, text: &str) -> Result<(), CommandError> {
    use std::io::Write as _;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.persist(file).map_err(|e| CommandError::failed(format!("{}: {}", file.display(), e.error)))?;
    Ok(())
}
