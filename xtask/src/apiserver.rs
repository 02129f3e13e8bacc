//! A real kube-apiserver with its etcd, as processes of this machine that live as long as their value.
//!
//! The programs come from `KUBEBUILDER_ASSETS` (the folder that controller-runtime's envtest uses), or from the folder that
//! `../shared/tools/kube-apiserver/assets` prints where that tool is beside the working copy.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::Unavailable;
use crate::process::{self, Guarded};

/// What the administrator presents; the server is on loopback, lives for minutes and knows nobody else.
const TOKEN: &str = "administrator";

/// The programs, if they are on this machine.
pub(crate) fn assets(sh: &Shell) -> Result<PathBuf> {
    let given = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    let tool = process::root().join("../shared/tools/kube-apiserver/assets");
    let folder = match given {
        Some(folder) => folder,
        None if tool.is_file() => {
            let printed = cmd!(sh, "{tool}").quiet().ignore_stderr().ignore_status().read()?;
            PathBuf::from(printed.lines().last().unwrap_or_default())
        }
        None => bail!(Unavailable(
            "a real kube-apiserver is not here: set KUBEBUILDER_ASSETS to a folder with kube-apiserver, etcd and kubectl".to_owned()
        )),
    };
    for program in ["etcd", "kube-apiserver", "kubectl"] {
        ensure!(folder.join(program).is_file(), Unavailable(format!("there is no {program} in {}", folder.display())));
    }
    Ok(folder)
}

/// The running server. Dropping it ends its processes and removes what they wrote.
pub(crate) struct ApiServer {
    assets: PathBuf,
    // In this order: the server goes before its store, and the folder last.
    server: Guarded,
    _etcd: Guarded,
    folder: tempfile::TempDir,
}

impl ApiServer {
    /// Starts both and waits until the server says that it is ready.
    pub(crate) fn start(sh: &Shell) -> Result<Self> {
        let assets = assets(sh)?;
        let begun = Instant::now();
        let folder = tempfile::tempdir()?;
        let at = folder.path();
        let [store, peers, port] = free_ports()?;
        let store = format!("http://127.0.0.1:{store}");

        let mut etcd = Command::new(assets.join("etcd"));
        etcd.arg("--data-dir").arg(at.join("etcd")).args(["--unsafe-no-fsync", "--log-level", "error"]);
        etcd.args(["--listen-client-urls", &store, "--advertise-client-urls", &store]);
        etcd.args(["--listen-peer-urls", &format!("http://127.0.0.1:{peers}")]);
        let etcd = Guarded::spawn(etcd, &at.join("etcd.log"))?;

        fs::write(at.join("tokens"), format!("{TOKEN},admin,admin,system:masters\n"))?;
        let server = Guarded::spawn(server(&assets, at, &store, port), &at.join("apiserver.log"))?;
        let mut started = Self { assets, server, _etcd: etcd, folder };
        fs::write(started.kubeconfig(), kubeconfig(port, &started.folder.path().join("certificates/apiserver.crt")))?;
        process::wait_for("the kube-apiserver", Duration::from_secs(30), || {
            started.server.running().with_context(|| process::tail(&started.folder.path().join("apiserver.log"), 10))?;
            let mut probe = started.kubectl();
            probe.args(["get", "--raw", "/readyz"]);
            Ok(probe.output()?.stdout == b"ok")
        })?;
        println!("a kube-apiserver is ready after {:.1} s", begun.elapsed().as_secs_f64());
        Ok(started)
    }

    /// How clients reach it, as its administrator.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// Starts the real kube-controller-manager beside it. What needs nodes that answer is left out: there are none.
    pub(crate) fn controller_manager(&self) -> Result<Guarded> {
        let program = self.assets.join("kube-controller-manager");
        ensure!(program.is_file(), Unavailable(format!("there is no kube-controller-manager in {}", self.assets.display())));
        let at = self.folder.path();
        let [port] = free_ports()?;
        let mut manager = Command::new(program);
        manager.arg("--kubeconfig").arg(self.kubeconfig()).arg("--cert-dir").arg(at.join("manager"));
        manager.args(["--leader-elect=false", "--bind-address", "127.0.0.1", "--secure-port", &port.to_string()]);
        manager.arg("--service-account-private-key-file").arg(at.join("certificates/apiserver.key"));
        manager.args(["--controllers", "*,-node-lifecycle-controller,-taint-eviction-controller,-persistentvolume-binder-controller"]);
        Guarded::spawn(manager, &at.join("manager.log"))
    }

    /// The folder of its programs.
    pub(crate) fn assets(&self) -> &Path {
        &self.assets
    }

    /// The kubectl of the same folder, pointed at it.
    pub(crate) fn kubectl(&self) -> Command {
        kubectl(&self.assets, &self.kubeconfig(), self.folder.path())
    }
}

/// A kubectl that knows one cluster and nothing of the user's own settings; `home` holds its cache.
pub(crate) fn kubectl(assets: &Path, kubeconfig: &Path, home: &Path) -> Command {
    let mut command = Command::new(assets.join("kubectl"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("KUBECONFIG", kubeconfig).env("HOME", home).env("KUBECACHEDIR", home.join("cache"));
    command
}

/// The server's command line. Its certificate and key are made by itself; the key signs tokens of service accounts too.
fn server(assets: &Path, at: &Path, store: &str, port: u16) -> Command {
    let certificates = at.join("certificates");
    let mut server = Command::new(assets.join("kube-apiserver"));
    server.args(["--etcd-servers", store, "--bind-address", "127.0.0.1", "--secure-port", &port.to_string()]);
    server.arg("--cert-dir").arg(&certificates);
    server.arg("--service-account-key-file").arg(certificates.join("apiserver.key"));
    server.arg("--service-account-signing-key-file").arg(certificates.join("apiserver.key"));
    server.args(["--service-account-issuer", "https://kubernetes.default.svc", "--service-cluster-ip-range", "10.96.0.0/16"]);
    server.arg("--token-auth-file").arg(at.join("tokens"));
    // No controller of Kubernetes' own runs beside it that would make service accounts.
    server.args(["--authorization-mode", "RBAC", "--disable-admission-plugins", "ServiceAccount"]);
    // As installers of clusters have it.
    server.arg("--allow-privileged");
    server
}

fn kubeconfig(port: u16, authority: &Path) -> String {
    let authority = authority.display();
    format!(
        "\
apiVersion: v1
kind: Config
clusters:
- name: apiserver
  cluster: {{server: 'https://127.0.0.1:{port}', certificate-authority: '{authority}'}}
users:
- name: admin
  user: {{token: {TOKEN}}}
contexts:
- name: apiserver
  context: {{cluster: apiserver, user: admin}}
current-context: apiserver
"
    )
}

/// Ports that nobody listens on; they are asked for together, so they differ.
fn free_ports<const COUNT: usize>() -> Result<[u16; COUNT]> {
    let listeners = (0..COUNT).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<std::io::Result<Vec<_>>>()?;
    let ports = listeners.iter().map(|one| Ok(one.local_addr()?.port())).collect::<Result<Vec<u16>>>()?;
    ports.try_into().map_err(|_| anyhow::anyhow!("as many listeners as ports"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ() {
        let [one, two, three] = free_ports().unwrap();
        assert!(one != two && two != three && one != three);
    }

    #[test]
    fn the_kubeconfig_names_port_authority_and_token() {
        let text = kubeconfig(4711, Path::new("/x/apiserver.crt"));
        for part in ["https://127.0.0.1:4711", "/x/apiserver.crt", TOKEN] {
            assert!(text.contains(part), "{part} is missing");
        }
    }
}
