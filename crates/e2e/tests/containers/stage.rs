//! The containers, their network and the folder that they share.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use testcontainers::core::Mount;
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The sandbox's port within the network.
const PORT: u16 = 6443;

/// A folder that all containers see as `/stage`, and a network of their own.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    network: String,
}

impl Stage {
    /// Makes the folder; the network is made with the first container and goes with the last.
    pub(crate) fn new() -> Stage {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).expect("the folder is ours");
        let network = format!("fiel-e2e-{}", std::process::id());
        Stage { folder, network }
    }

    /// The folder on the host.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the sandbox tells how to reach it.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder().join("kubeconfig")
    }

    /// Starts the sandbox, whose node runs the server that lies beside it in the image.
    pub(crate) async fn sandbox(&self) -> ContainerAsync<GenericImage> {
        let listen = format!("0.0.0.0:{PORT}");
        let command = [
            "sandbox",
            "--kubeconfig",
            "/stage/kubeconfig",
            "--listen",
            &listen,
            "--host",
            "sandbox",
            "--image",
            "user/gitopsfc=/fiel-server",
        ];
        self.start("sandbox", &command).await
    }

    /// Starts the agent, which reaches the sandbox by its name.
    pub(crate) async fn agent(&self) -> ContainerAsync<GenericImage> {
        self.start("agent", &["agent", "--kubeconfig", "/stage/kubeconfig"]).await
    }

    async fn start(&self, name: &str, command: &[&str]) -> ContainerAsync<GenericImage> {
        let (image, tag) = image("FIEL_E2E_FIEL");
        let owner = std::fs::metadata(self.folder()).expect("the folder is there");
        let request: ContainerRequest<GenericImage> = GenericImage::new(image, tag).into();
        let request = request
            .with_cmd(command.iter().copied())
            .with_network(&self.network)
            .with_hostname(name)
            .with_container_name(format!("{}-{name}", self.network))
            .with_mount(Mount::bind_mount(self.folder().display().to_string(), "/stage"))
            // Whoever runs the test reads and writes the shared folder, root or not.
            .with_user(format!("{}:{}", owner.uid(), owner.gid()));
        request.start().await.unwrap_or_else(|error| panic!("the container {name} does not start: {error}"))
    }

    /// Where the host reaches the sandbox's API, once it says that it serves.
    pub(crate) async fn address(&self, sandbox: &ContainerAsync<GenericImage>) -> String {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        while !self.kubeconfig().exists() {
            if tokio::time::Instant::now() > deadline || !sandbox.is_running().await.unwrap_or(false) {
                panic!("the sandbox does not serve: {}", logs(sandbox).await);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let address = sandbox.get_bridge_ip_address().await.expect("it has an address");
        format!("{address}:{PORT}")
    }

    /// The page of a Pod, whose process listens in the sandbox's container.
    pub(crate) async fn page(&self, sandbox: &ContainerAsync<GenericImage>, port: &str) -> String {
        let address = sandbox.get_bridge_ip_address().await.expect("it has an address");
        get(&format!("{address}:{port}"), "/").await
    }
}

/// Name and tag of an image that the environment names.
pub(crate) fn image(variable: &str) -> (String, String) {
    let image = std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: run cargo xtask e2e --on containers"));
    let (name, tag) = image.rsplit_once(':').expect("an image has a tag");
    (name.to_owned(), tag.to_owned())
}

/// A plain GET: the whole answer. A server that is just starting is asked again.
pub(crate) async fn get(address: &str, path: &str) -> String {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        match attempt(address, path).await {
            Ok(answer) => return answer,
            Err(error) => assert!(tokio::time::Instant::now() < deadline, "{address}{path}: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn attempt(address: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

async fn logs(container: &ContainerAsync<GenericImage>) -> String {
    let mut text = container.stderr_to_vec().await.unwrap_or_default();
    text.extend(container.stdout_to_vec().await.unwrap_or_default());
    String::from_utf8_lossy(&text).into_owned()
}
