//! Git sources against real repositories: on the disk and over http with git's own server program.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fiel_reconciler::source::{Credentials, EntryKind, Git, GitOptions, Recorder, Sources, Tree};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;

struct Repo {
    folder: tempfile::TempDir,
}

fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs([
            ("GIT_AUTHOR_NAME", "t"),
            ("GIT_AUTHOR_EMAIL", "t@example.com"),
            ("GIT_COMMITTER_NAME", "t"),
            ("GIT_COMMITTER_EMAIL", "t@example.com"),
        ])
        .output()
        .expect("git is there");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Repo {
    /// A bare repository with a working copy beside it.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        git(folder.path(), &["init", "-q", "--bare", "-b", "main", "repo.git"]);
        git(folder.path(), &["init", "-q", "-b", "main", "work"]);
        git(&folder.path().join("work"), &["remote", "add", "origin", "../repo.git"]);
        Repo { folder }
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn write(&self, path: &str, content: &str) {
        let file = self.work().join(path);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("writable");
        std::fs::write(file, content).expect("writable");
    }

    fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, content) in files {
            self.write(path, content);
        }
        git(&self.work(), &["add", "-A"]);
        git(&self.work(), &["commit", "-q", "--allow-empty", "-m", "c"]);
        git(&self.work(), &["push", "-q", "origin", "HEAD"]);
        git(&self.work(), &["rev-parse", "HEAD"])
    }

    fn url(&self) -> String {
        format!("file://{}/repo.git", self.folder.path().display())
    }
}

fn sources() -> (tempfile::TempDir, Git) {
    let cache = tempfile::tempdir().expect("a temporary folder");
    let mut options = GitOptions::new(cache.path().join("cache"));
    options.file_interval = Duration::from_millis(20);
    options.http_interval = Duration::from_millis(50);
    (cache, Git::new(options))
}

#[tokio::test]
async fn revisions_of_a_repository_on_the_disk() {
    let repo = Repo::new();
    let one = repo.commit(&[("a.yaml", "one")]);
    git(&repo.work(), &["tag", "light"]);
    git(&repo.work(), &["tag", "-a", "v1", "-m", "annotated"]);
    git(&repo.work(), &["push", "-q", "origin", "--tags"]);
    let two = repo.commit(&[("a.yaml", "two")]);
    let (_cache, sources) = sources();
    let url = repo.url();
    for (revision, commit) in [
        ("", &two),
        ("HEAD", &two),
        ("main", &two),
        ("refs/heads/main", &two),
        ("light", &one),
        ("v1", &one),
        ("refs/tags/v1", &one),
        (one.as_str(), &one),
        (&one[..8], &one),
    ] {
        let snapshot = sources.resolve(&url, revision, false).await.unwrap_or_else(|e| panic!("{revision}: {e}"));
        assert_eq!(&snapshot.commit, commit, "{revision}");
    }
    for missing in ["nope", "0123456789012345678901234567890123456789", "refs/heads/nope", "main~1", "-x", "@{u}"] {
        let error = sources.resolve(&url, missing, false).await.expect_err(missing).to_string();
        assert!(error.contains(&format!("unable to resolve '{missing}' to a commit SHA")), "{error}");
    }
    let error = sources.resolve("file:///nowhere/x.git", "", false).await.expect_err("no repository").to_string();
    assert!(error.contains("no such folder"), "{error}");
}

#[tokio::test]
async fn the_tree_is_read_from_objects_and_links_stay_within() {
    let repo = Repo::new();
    repo.write("base/deep/file.yaml", "content");
    let link = |target: &str, name: &str| std::os::unix::fs::symlink(target, repo.work().join(name)).expect("a link");
    link("base/deep", "in");
    link("../../etc/passwd", "out");
    link("/etc/passwd", "absolute");
    link("circle", "circle");
    link("../base/deep/file.yaml", "base/up.yaml");
    repo.commit(&[("app/kustomization.yaml", "resources: []")]);
    let (_cache, sources) = sources();
    let tree = sources.resolve(&repo.url(), "", false).await.expect("resolves").tree;
    assert_eq!(tree.list("").expect("lists"), ["absolute", "app", "base", "circle", "in", "out"]);
    assert_eq!(tree.read("in/file.yaml").expect("reads"), b"content");
    assert_eq!(tree.read("base/up.yaml").expect("reads"), b"content");
    assert_eq!(tree.read("app/../in/./file.yaml").expect("reads"), b"content");
    assert_eq!(tree.entry("in").expect("asks").expect("is there").kind, EntryKind::Directory);
    assert_eq!(tree.entry("nothing/here").expect("asks"), None);
    assert_eq!(tree.entry("app/kustomization.yaml/x").expect("asks"), None);
    for bad in ["out", "absolute", "circle", "..", "../x"] {
        assert!(tree.read(bad).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_moved_branch_is_told() {
    let repo = Repo::new();
    repo.commit(&[("a.yaml", "one"), ("b.yaml", "b")]);
    let (_cache, sources) = sources();
    let mut changes = sources.changes();
    let before = sources.resolve(&repo.url(), "main", false).await.expect("resolves");
    let recorder = Recorder::new(before.tree.clone());
    recorder.read("a.yaml").expect("reads");
    let seen = recorder.into_seen();
    let two = repo.commit(&[("b.yaml", "b2")]);
    assert_eq!(changes.recv().await.as_deref(), Some(repo.url().as_str()));
    let after = sources.resolve(&repo.url(), "main", false).await.expect("resolves");
    assert_eq!(after.commit, two);
    assert!(Recorder::same(&seen, after.tree.as_ref()), "a commit that touches none of the files read costs nothing");
    repo.commit(&[("a.yaml", "two")]);
    let third = sources.resolve(&repo.url(), "main", true).await.expect("resolves");
    assert!(!Recorder::same(&seen, third.tree.as_ref()));
}

#[tokio::test]
async fn another_repository_in_the_same_place_is_noticed() {
    let repo = Repo::new();
    repo.commit(&[("a.yaml", "one")]);
    let (_cache, sources) = sources();
    sources.resolve(&repo.url(), "", false).await.expect("resolves");
    std::fs::remove_dir_all(repo.folder.path().join("repo.git")).expect("removes");
    let error = sources.resolve(&repo.url(), "", true).await.expect_err("is gone").to_string();
    assert!(error.contains("no such folder"), "{error}");
    git(repo.folder.path(), &["init", "-q", "--bare", "-b", "main", "repo.git"]);
    let two = repo.commit(&[("a.yaml", "two")]);
    assert_eq!(sources.resolve(&repo.url(), "", true).await.expect("resolves").commit, two);
}

#[tokio::test]
async fn objects_of_another_repository_are_refused() {
    let repo = Repo::new();
    repo.commit(&[("a.yaml", "one")]);
    git(repo.folder.path(), &["clone", "-q", "--bare", "--shared", "repo.git", "shared.git"]);
    let (_cache, sources) = sources();
    let error =
        sources.resolve(&format!("file://{}/shared.git", repo.folder.path().display()), "", false).await.expect_err("refused").to_string();
    assert!(error.contains("alternates"), "{error}");
}

/// Serves the repositories of a folder as `git http-backend` does; counts the requests.
async fn serve(folder: PathBuf) -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { return };
            let (folder, counter) = (folder.clone(), counter.clone());
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    counter.fetch_add(1, Ordering::SeqCst);
                    backend(folder.clone(), request)
                });
                drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
            });
        }
    });
    (format!("http://{address}"), count)
}

async fn backend(folder: PathBuf, request: hyper::Request<Incoming>) -> Result<hyper::Response<Full<Bytes>>, std::io::Error> {
    let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    if request.uri().path().starts_with("/private") && header("authorization") != "Basic bWU6c2VjcmV0" {
        let answer = hyper::Response::builder().status(401).header("www-authenticate", "Basic realm=git").body(Full::default());
        return Ok(answer.expect("a response"));
    }
    let mut child = tokio::process::Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", request.uri().path().replace("/private", ""))
        .env("QUERY_STRING", request.uri().query().unwrap_or_default())
        .env("REQUEST_METHOD", request.method().as_str())
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let body = request.into_body().collect().await.map_err(std::io::Error::other)?.to_bytes();
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(&body).await?;
    drop(stdin);
    let output = child.wait_with_output().await?.stdout;
    let end = output.windows(4).position(|w| w == b"\r\n\r\n").expect("CGI headers");
    let mut response = hyper::Response::builder();
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        let (name, value) = line.split_once(':').expect("a header");
        response = if name == "Status" {
            response.status(value.trim().split(' ').next().unwrap_or("500"))
        } else {
            response.header(name, value.trim())
        };
    }
    Ok(response.body(Full::new(Bytes::copy_from_slice(&output[end + 4..]))).expect("a response"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_http_shallow_and_incremental() {
    let repo = Repo::new();
    let zero = repo.commit(&[("a.yaml", "zero")]);
    let one = repo.commit(&[("a.yaml", "one")]);
    git(&repo.work(), &["tag", "-a", "v1", "-m", "annotated"]);
    git(&repo.work(), &["push", "-q", "origin", "--tags"]);
    let (base, _) = serve(repo.folder.path().to_owned()).await;
    let url = format!("{base}/repo.git");
    let (cache, sources) = sources();
    let mut changes = sources.changes();
    let snapshot = sources.resolve(&url, "main", false).await.expect("resolves");
    assert_eq!(snapshot.commit, one);
    assert_eq!(snapshot.tree.read("a.yaml").expect("reads"), b"one");
    assert_eq!(sources.resolve(&url, "v1", false).await.expect("resolves").commit, one);
    assert_eq!(sources.resolve(&url, "", false).await.expect("resolves").commit, one);
    assert!(sources.resolve(&url, "nope", false).await.is_err());
    // A commit that no reference names, by its full id.
    let old = sources.resolve(&url, &zero, false).await.expect("resolves");
    assert_eq!(old.tree.read("a.yaml").expect("reads"), b"zero");
    let two = repo.commit(&[("a.yaml", "two"), ("b.yaml", "b")]);
    assert_eq!(changes.recv().await.as_deref(), Some(url.as_str()));
    let snapshot = sources.resolve(&url, "main", false).await.expect("resolves");
    assert_eq!(snapshot.commit, two);
    assert_eq!(snapshot.tree.read("b.yaml").expect("reads"), b"b");
    // Without a change a check is one question for the references (with protocol 2: the capabilities, then the list). Another server and other sources,
    // which do not ask by themselves meanwhile.
    let (quiet, count) = serve(repo.folder.path().to_owned()).await;
    let options = GitOptions { http_interval: Duration::from_secs(3600), ..GitOptions::new(cache.path().join("quiet")) };
    let (silent, url) = (Git::new(options), format!("{quiet}/repo.git"));
    silent.resolve(&url, "main", false).await.expect("resolves");
    let (before, checks) = (count.load(Ordering::SeqCst), 3);
    for _ in 0..checks {
        silent.resolve(&url, "main", true).await.expect("resolves");
    }
    let asked = count.load(Ordering::SeqCst) - before;
    assert!(asked <= 2 * checks, "{asked} requests for {checks} checks");
    // The cache is for its owner only.
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(cache.path().join("cache")).expect("is there").permissions());
    assert_eq!(mode & 0o777, 0o700);
    let private = format!("{base}/private/repo.git");
    let error = sources.resolve(&private, "", false).await.expect_err("refused").to_string();
    assert!(error.contains("/private/repo.git: the server asks for a user and password"), "{error}");
    // A Secret for everything below, as Argo CD has them ("me", "secret").
    let secret = serde_json::json!({"metadata": {"name": "creds", "labels": {"argocd.argoproj.io/secret-type": "repo-creds"}},
        "data": {"url": base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("{base}/private")), "username": "bWU=", "password": "c2VjcmV0"}});
    sources.set_credentials(Credentials::from_secrets([&secret]));
    // They are found, and never sent over an open line.
    let error = sources.resolve(&private, "", true).await.expect_err("refused").to_string();
    assert!(error.contains("Will not send credentials in clear text over http") && !error.contains("secret"), "{error}");
}
