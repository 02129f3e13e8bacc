//! Functions, as programs or in containers, and plugins of the older kind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use fiel_renderer::{Failure, FunctionCall, Mount, PluginCall, Program};

use crate::process::{Stderr, run};

/// A variable that is longer is not passed on: no system takes it.
const MAX_VARIABLE: usize = 131_071;

/// How functions and plugins are run.
#[derive(Debug, Clone, Default)]
pub struct Plugins {
    /// `--enable-exec`: functions may be programs of this machine.
    pub exec: bool,
    /// `--network`: containers that want a network get the host's.
    pub network: bool,
    /// `--as-current-user`: containers run as the user who builds, not as nobody.
    pub as_current_user: bool,
    /// `--env`: `NAME=VALUE`, or a `NAME` that is passed on, for containers.
    pub environment: Vec<String>,
    /// `--mount`: what is mounted into every container.
    pub mounts: Vec<Mount>,
    /// Where plugins of the older kind lie (`KUSTOMIZE_PLUGIN_HOME`).
    pub home: Option<PathBuf>,
}

impl Plugins {
    pub(crate) fn function(&self, call: &FunctionCall) -> Result<Option<Vec<u8>>, Failure> {
        let missing = || Failure::refused(format!("{} needs its folder on a disk, and these files are not on one", call.name));
        let command = match &call.program {
            Program::Exec { path, .. } if !self.exec || path.is_empty() => return Ok(None),
            Program::Exec { path, arguments, environment } => {
                let folder = call.folder.as_ref().ok_or_else(missing)?;
                let mut command = if path.contains('/') { Command::new(folder.join(path)) } else { Command::new(path) };
                command.current_dir(folder).args(arguments).envs(environment.iter().filter_map(|pair| pair.split_once('=')));
                command
            }
            Program::Container { image, network, mounts, environment } => {
                if *network && !self.network {
                    return Err(Failure::refused(format!("{} wants a network; --network allows it", call.name)));
                }
                if image.starts_with('-') {
                    return Err(Failure::refused(format!("{image} is not the name of an image")));
                }
                let mut command = Command::new("docker");
                command.args(self.container(image, *network, mounts, environment, call.folder.as_deref()));
                command
            }
        };
        let output = run(command, call.input.clone(), Stderr::Shown, None);
        output.map(Some).map_err(|failure| Failure::failed(format!("{}: {failure}", call.name)))
    }

    /// The arguments of docker, as kustomize gives them.
    fn container(&self, image: &str, network: bool, mounts: &[Mount], environment: &[String], folder: Option<&Path>) -> Vec<String> {
        let words = ["run", "--rm", "-i", "-a", "STDIN", "-a", "STDOUT", "-a", "STDERR"];
        let mut out: Vec<String> = words.map(str::to_owned).into();
        out.extend(["--network".to_owned(), if network { "host" } else { "none" }.to_owned()]);
        out.extend(["--user".to_owned(), if self.as_current_user { current_user() } else { "nobody".to_owned() }]);
        out.push("--security-opt=no-new-privileges".to_owned());
        let own = mounts.iter().map(|mount| {
            let source = folder.map_or_else(|| mount.source.clone(), |folder| clean(&folder.join(&mount.source)));
            Mount { source, ..mount.clone() }
        });
        for mount in own.chain(self.mounts.iter().cloned()) {
            let mode = if mount.writable { "" } else { ",readonly" };
            out.extend(["--mount".to_owned(), format!("type={},source={},target={}{mode}", mount.kind, mount.source, mount.target)]);
        }
        let mut values: BTreeMap<&str, &str> = [("LOG_TO_STDERR", "true"), ("STRUCTURED_RESULTS", "true")].into();
        let mut names: Vec<&str> = Vec::new();
        for variable in environment.iter().chain(&self.environment) {
            match variable.split_once('=') {
                Some((name, value)) => drop(values.insert(name, value)),
                None if !names.contains(&&**variable) => names.push(variable),
                None => {}
            }
        }
        let pairs = values.into_iter().map(|(name, value)| format!("{name}={value}"));
        out.extend(pairs.chain(names.into_iter().map(str::to_owned)).flat_map(|variable| ["-e".to_owned(), variable]));
        out.push(image.to_owned());
        out
    }

    pub(crate) fn plugin(&self, call: &PluginCall) -> Result<Vec<u8>, Failure> {
        let program = self.find(call)?;
        let failed = |e: std::io::Error| Failure::failed(format!("cannot prepare {}: {e}", program.display()));
        let mut config = tempfile::Builder::new().prefix("kust-plugin-config-").tempfile().map_err(failed)?;
        std::io::Write::write_all(&mut config, call.config.as_bytes()).map_err(failed)?;
        let mut command = Command::new(&program);
        command.arg(config.path()).args(&call.arguments);
        if call.config.len() <= MAX_VARIABLE {
            command.env("KUSTOMIZE_PLUGIN_CONFIG_STRING", &call.config);
        }
        if let Some(folder) = &call.folder {
            command.env("KUSTOMIZE_PLUGIN_CONFIG_ROOT", folder).current_dir(folder);
        }
        run(command, call.input.clone(), Stderr::Shown, None)
    }

    /// The program of a plugin: `HOME/group/version/kind/Kind`.
    fn find(&self, call: &PluginCall) -> Result<PathBuf, Failure> {
        let (group, version) = call.api_version.split_once('/').unwrap_or(("", &call.api_version));
        let kind = &call.kind;
        let plain = |part: &str| !part.contains(['/', '\0']) && part != ".." && part != ".";
        if ![group, version, kind].into_iter().all(plain) || kind.is_empty() {
            return Err(Failure::refused(format!("{kind} ({}) cannot be the name of a plugin", call.api_version)));
        }
        let home = self.home.as_ref().ok_or_else(|| {
            Failure::failed(format!("{kind} is not built in, and there is no folder of plugins; KUSTOMIZE_PLUGIN_HOME names one"))
        })?;
        let program = home.join(group).join(version).join(kind.to_lowercase()).join(kind);
        if program.is_file() {
            return Ok(program);
        }
        if program.with_extension("so").is_file() {
            return Err(Failure::refused(format!(
                "{kind} is a plugin in Go, which only the kustomize that it was compiled for can load; make it a function"
            )));
        }
        Err(Failure::failed(format!("{kind} is not built in, and there is no plugin {}", program.display())))
    }
}

fn current_user() -> String {
    format!("{}:{}", rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw())
}

/// A path without `.` and `..`.
fn clean(path: &Path) -> String {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => drop(out.pop()),
            other => out.push(other),
        }
    }
    out.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asked of kustomize 5.8.1 with a docker that writes down its arguments.
    #[test]
    fn docker_is_told_what_kustomize_tells_it() {
        let mounts = [Mount::parse("type=bind,src=./a,dst=/b"), Mount::parse("type=bind,src=c,dst=/b,rw=true")];
        let own = ["A=1".to_owned(), "B".to_owned()];
        let plugins = Plugins {
            environment: vec!["A=3".into(), "C=4".into(), "D".into()],
            mounts: vec![Mount::parse("type=bind,src=/x,dst=/y")],
            ..Plugins::default()
        };
        let told = plugins.container("img:1", true, &mounts, &own, Some(Path::new("/tmp/f"))).join(" ");
        assert_eq!(
            told,
            "run --rm -i -a STDIN -a STDOUT -a STDERR --network host --user nobody --security-opt=no-new-privileges \
             --mount type=bind,source=/tmp/f/a,target=/b,readonly --mount type=bind,source=/tmp/f/c,target=/b \
             --mount type=bind,source=/x,target=/y,readonly -e A=3 -e C=4 -e LOG_TO_STDERR=true -e STRUCTURED_RESULTS=true -e B -e D img:1"
        );
        let told = Plugins { as_current_user: true, ..Plugins::default() }.container("i", false, &[], &[], None).join(" ");
        assert!(told.contains(&format!("--network none --user {} ", current_user())), "{told}");
    }

    #[test]
    fn plugins_are_found_below_their_home_only() {
        let home = tempfile::tempdir().expect("a folder");
        let call = |api_version: &str, kind: &str| PluginCall {
            api_version: api_version.into(),
            kind: kind.into(),
            config: String::new(),
            arguments: Vec::new(),
            folder: None,
            input: Vec::new(),
        };
        let folder = home.path().join("some.team/v1/maker");
        std::fs::create_dir_all(&folder).expect("made");
        std::fs::write(folder.join("Maker"), "").expect("written");
        std::fs::create_dir_all(home.path().join("some.team/v1/gone")).expect("made");
        std::fs::write(home.path().join("some.team/v1/gone/Gone.so"), "").expect("written");
        let plugins = Plugins { home: Some(home.path().to_owned()), ..Plugins::default() };
        assert_eq!(plugins.find(&call("some.team/v1", "Maker")), Ok(folder.join("Maker")));
        assert!(plugins.find(&call("some.team/v1", "Gone")).expect_err("refused").to_string().contains("Go"));
        for (api_version, kind) in [("../v1", "Maker"), ("a/..", "x"), ("a/v1", "../../bin/sh"), ("a/v1", ""), ("a/v1", "..")] {
            assert!(plugins.find(&call(api_version, kind)).is_err(), "{api_version} {kind}");
        }
    }
}
