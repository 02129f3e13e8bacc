//! `cargo xtask image`: the container images of the hello server and of fiel, with docker or podman.
//!
//! By default they are built `FROM scratch` around static binaries compiled here, which needs nothing to be pulled.
//! `--full` runs the whole Dockerfile instead: the way of the workflows, where base images can be pulled.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use xshell::{PushEnv, Shell, cmd};

use crate::{Unavailable, kind, process};

/// The repository that the course pushes to.
const REPOSITORY: &str = "user/gitopsfc";

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    build: Build,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Bring built images into the nodes of the cluster gitopsfc
    Load {
        /// The images; both of ours when none is named
        images: Vec<String>,
        /// docker or podman; the first that answers by default
        #[arg(long)]
        engine: Option<Engine>,
    },
}

#[derive(clap::Args)]
struct Build {
    /// Which image
    #[arg(long, value_enum, default_value = "server")]
    what: What,
    /// The name and tag; by default user/gitopsfc (server) or fiel, each with :latest
    #[arg(long)]
    tag: Option<String>,
    /// Run the whole Dockerfile (it pulls base images) instead of packing a binary built here
    #[arg(long)]
    full: bool,
    /// docker or podman; the first that answers by default
    #[arg(long)]
    engine: Option<Engine>,
}

/// An image of this project.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum What {
    /// The hello server
    Server,
    /// The binary fiel: agent, sandbox and command line
    Fiel,
}

impl What {
    fn package(self) -> (&'static str, &'static str) {
        match self {
            What::Server => ("fiel-server", "fiel-server"),
            What::Fiel => ("fiel-cli", "fiel"),
        }
    }

    /// The stage of the Dockerfile that gives this image.
    fn target(self) -> &'static str {
        match self {
            What::Server => "server",
            What::Fiel => "fiel",
        }
    }

    /// The name that the manifests of this repository use.
    pub(crate) fn tag(self) -> String {
        match self {
            What::Server => format!("{REPOSITORY}:latest"),
            What::Fiel => "fiel:latest".to_owned(),
        }
    }
}

/// A program that builds and keeps container images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Engine {
    /// Docker
    Docker,
    /// Podman
    Podman,
}

impl Engine {
    pub(crate) fn program(self) -> &'static str {
        match self {
            Engine::Docker => "docker",
            Engine::Podman => "podman",
        }
    }

    /// The engine asked for, or the first that answers; `Unavailable` where none does.
    pub(crate) fn find(sh: &Shell, wanted: Option<Engine>, what: &str) -> Result<Engine> {
        if let Some(engine) = wanted {
            process::need(sh, engine.program(), &["info"], what)?;
            return Ok(engine);
        }
        for engine in [Engine::Docker, Engine::Podman] {
            if process::answers(sh, engine.program(), &["info"]) {
                return Ok(engine);
            }
        }
        bail!(Unavailable(format!("{what} needs a container engine: neither `docker info` nor `podman info` answers here")))
    }

    /// Tells kind which engine to use for as long as the value lives.
    pub(crate) fn provider(self, sh: &Shell) -> PushEnv<'_> {
        sh.push_env("KIND_EXPERIMENTAL_PROVIDER", self.program())
    }
}

pub(crate) fn run(sh: &Shell, args: &Args) -> Result<ExitCode> {
    match &args.verb {
        Some(Verb::Load { images, engine }) => load(sh, *engine, images)?,
        None => {
            let Build { what, tag, full, engine } = &args.build;
            let engine = Engine::find(sh, *engine, "image")?;
            let tag = tag.clone().unwrap_or_else(|| what.tag());
            if *full {
                whole(sh, engine, *what, &tag)?;
            } else {
                local(sh, engine, *what, &tag)?;
            }
            println!("built {tag}; bring it into the cluster with: cargo xtask image load {tag}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Compiles a static binary here and packs it alone into an image.
pub(crate) fn local(sh: &Shell, engine: Engine, what: What, tag: &str) -> Result<()> {
    let (package, program) = what.package();
    let binary = process::build_static(sh, package, "dist", program)?;
    pack(sh, engine, what, tag, &[&binary])
}

/// Packs static programs into an image with the local Dockerfile: nothing is pulled.
pub(crate) fn pack(sh: &Shell, engine: Engine, what: What, tag: &str, programs: &[&Path]) -> Result<()> {
    // The context holds nothing but what goes into the image.
    let context = sh.create_temp_dir()?;
    let folder = context.path();
    for program in programs {
        sh.copy_file(program, folder)?;
    }
    if what == What::Fiel {
        furnish(sh, folder)?;
    }
    let file = process::root().join(LOCAL);
    let (engine, target, revision) = (engine.program(), what.target(), revision(sh)?);
    cmd!(sh, "{engine} build --file {file} --target {target} --build-arg COMMIT={revision} --tag {tag} {folder}")
        .run()
        .context("the image could not be built")?;
    Ok(())
}

/// What fiel needs beside itself: whom to trust over https, and a folder for what was fetched.
fn furnish(sh: &Shell, folder: &Path) -> Result<()> {
    let temporary = folder.join("tmp");
    sh.create_dir(&temporary)?;
    fs::set_permissions(&temporary, fs::Permissions::from_mode(0o1777))?;
    match Path::new(CERTIFICATES).strip_prefix("/") {
        Ok(inside) if Path::new(CERTIFICATES).is_file() => {
            let copy = folder.join(inside);
            sh.create_dir(copy.parent().unwrap_or(folder))?;
            sh.copy_file(CERTIFICATES, copy)?;
        }
        _ => eprintln!("no {CERTIFICATES} here: the image trusts no https server"),
    }
    Ok(())
}

/// Where Debian, and the image, keep the certificates to trust.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The Dockerfile whose stages take a binary from the context.
const LOCAL: &str = "docker/local.Dockerfile";

/// Runs the whole Dockerfile: compiles inside, in images that are pulled.
fn whole(sh: &Shell, engine: Engine, what: What, tag: &str) -> Result<()> {
    let (engine, target, revision) = (engine.program(), what.target(), revision(sh)?);
    cmd!(sh, "{engine} build --file Dockerfile --target {target} --build-arg COMMIT={revision} --tag {tag} .")
        .run()
        .context("the image could not be built")?;
    Ok(())
}

/// Brings images into the nodes of the cluster.
pub(crate) fn load(sh: &Shell, engine: Option<Engine>, images: &[String]) -> Result<()> {
    let engine = Engine::find(sh, engine, "image load")?;
    process::need(sh, "kind", &["version"], "image load")?;
    let ours = [What::Server.tag(), What::Fiel.tag()];
    let images = if images.is_empty() { &ours[..] } else { images };
    let cluster = kind::CLUSTER;
    let _provider = engine.provider(sh);
    match engine {
        Engine::Docker => cmd!(sh, "kind load docker-image --name {cluster} {images...}").run()?,
        Engine::Podman => {
            // kind looks for images in Docker only; from podman they go by way of an archive.
            let folder = sh.create_temp_dir()?;
            let archive: PathBuf = folder.path().join("images.tar");
            cmd!(sh, "podman save --multi-image-archive --output {archive} {images...}").run()?;
            cmd!(sh, "kind load image-archive --name {cluster} {archive}").run()?;
        }
    }
    Ok(())
}

/// The commit that is built, for the image's label.
fn revision(sh: &Shell) -> Result<String> {
    cmd!(sh, "git rev-parse HEAD").quiet().read().context("not in a Git repository")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A PATH with fake tools that only write down how they were called.
    pub(crate) struct Fakes(tempfile::TempDir);

    impl Fakes {
        pub(crate) fn new(tools: &[&str]) -> Fakes {
            let fakes = Fakes(tempfile::tempdir().unwrap());
            for tool in tools {
                fakes.answer(tool, "");
            }
            fakes
        }

        /// What `tool` prints, whatever it is asked.
        pub(crate) fn answer(&self, tool: &str, text: &str) {
            let file = self.0.path().join(tool);
            // What is handed in is read to its end, or the writer would see a broken pipe; PATH holds only fakes, so by the shell itself.
            let drain = "case \"$*\" in *' -') while read -r line; do :; done;; esac";
            let script = format!("#!/bin/sh\necho \"{tool} $*\" >>'{}'\n{drain}\necho '{text}'\n", self.0.path().join("calls").display());
            fs::write(&file, script).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }

        /// A shell that finds the fakes and git, and no real container engine.
        pub(crate) fn shell(&self) -> Shell {
            let sh = Shell::new().unwrap();
            sh.change_dir(process::root());
            let git = cmd!(sh, "sh -c 'command -v git'").quiet().read().unwrap();
            if !self.0.path().join("git").exists() {
                std::os::unix::fs::symlink(git, self.0.path().join("git")).unwrap();
            }
            sh.set_var("PATH", self.0.path());
            sh
        }

        /// The calls in order, without the probes whether an engine answers.
        pub(crate) fn calls(&self) -> Vec<String> {
            let calls = fs::read_to_string(self.0.path().join("calls")).unwrap_or_default();
            calls.lines().filter(|call| !call.ends_with(" info") && !call.ends_with(" version")).map(str::to_owned).collect()
        }
    }

    #[test]
    fn packs_a_binary_without_pulling_anything() {
        let fakes = Fakes::new(&["docker"]);
        let sh = fakes.shell();
        let binary = fakes.0.path().join("built");
        fs::write(&binary, "binary").unwrap();
        pack(&sh, Engine::Docker, What::Server, "user/gitopsfc:latest", &[&binary]).unwrap();
        let calls = fakes.calls();
        let [call] = calls.as_slice() else { panic!("{calls:?}") };
        assert!(
            call.starts_with("docker build --file /") && call.contains("/docker/local.Dockerfile --target server --build-arg COMMIT="),
            "{call}"
        );
        assert!(call.contains(" --tag user/gitopsfc:latest /"), "{call}");
    }

    #[test]
    fn the_whole_dockerfile_is_built_from_the_root() {
        let fakes = Fakes::new(&["podman"]);
        let sh = fakes.shell();
        whole(&sh, Engine::Podman, What::Fiel, "fiel:latest").unwrap();
        let calls = fakes.calls();
        assert!(
            calls[0].starts_with("podman build --file Dockerfile --target fiel --build-arg COMMIT=")
                && calls[0].ends_with(" --tag fiel:latest ."),
            "{calls:?}"
        );
    }

    #[test]
    fn loads_into_the_cluster_by_each_engines_way() {
        let fakes = Fakes::new(&["docker", "kind"]);
        load(&fakes.shell(), None, &[]).unwrap();
        assert_eq!(fakes.calls(), ["kind load docker-image --name gitopsfc user/gitopsfc:latest fiel:latest"]);

        let fakes = Fakes::new(&["podman", "kind"]);
        load(&fakes.shell(), None, &["mine:1".to_owned()]).unwrap();
        let calls = fakes.calls();
        assert!(calls[0].starts_with("podman save --multi-image-archive --output ") && calls[0].ends_with(" mine:1"), "{calls:?}");
        assert!(calls[1].starts_with("kind load image-archive --name gitopsfc "), "{calls:?}");
    }

    #[test]
    fn without_an_engine_one_clear_line_says_so() {
        let error = load(&Fakes::new(&["kind"]).shell(), None, &[]).unwrap_err();
        assert!(error.is::<Unavailable>());
        assert_eq!(error.to_string(), "image load needs a container engine: neither `docker info` nor `podman info` answers here");
        let error = Engine::find(&Fakes::new(&["docker"]).shell(), Some(Engine::Podman), "image").unwrap_err();
        assert_eq!(error.to_string(), "image needs podman, and `podman info` does not answer here");
    }
}
