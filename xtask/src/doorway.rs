//! A socket in front of an older Docker engine for a client that names one fixed newer version of its API.
//!
//! testcontainers writes the newest API version it knows into every path and asks for no other; an engine that is older
//! refuses it, though every call that we make is the same in both. The doorway writes the engine's own version there.

use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

/// The most that the head of a request may take.
const HEAD: usize = 64 * 1024;

/// An open doorway; its socket goes with it.
pub(crate) struct Doorway {
    folder: tempfile::TempDir,
}

impl Doorway {
    /// Opens a doorway to the engine that the command line `docker` talks to.
    pub(crate) fn open(sh: &Shell) -> Result<Doorway> {
        let (version, endpoint) = ("{{.Server.APIVersion}}", "{{.Endpoints.docker.Host}}");
        let version = cmd!(sh, "docker version --format {version}").quiet().read()?;
        let engine = cmd!(sh, "docker context inspect --format {endpoint}").quiet().read()?;
        let path = engine.strip_prefix("unix://").with_context(|| format!("the engine is at {engine}: only a local socket will do"))?;
        Doorway::to(PathBuf::from(path), version.trim().to_owned())
    }

    fn to(engine: PathBuf, version: String) -> Result<Doorway> {
        let folder = tempfile::tempdir()?;
        let listener = UnixListener::bind(folder.path().join("docker.sock"))?;
        // The thread lives as long as the program: there is one doorway in a run.
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (engine, version) = (engine.clone(), version.clone());
                thread::spawn(move || {
                    // A broken connection is the client's to notice.
                    drop(pass(client, &engine, &version));
                });
            }
        });
        Ok(Doorway { folder })
    }

    /// What `DOCKER_HOST` must be for clients to come through here.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.folder.path().join("docker.sock").display())
    }
}

/// Carries one connection: the head of its request rewritten, everything else as it is.
fn pass(mut client: UnixStream, engine: &Path, version: &str) -> io::Result<()> {
    let mut request = Vec::new();
    let end = loop {
        if let Some(at) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        let mut piece = [0; 4096];
        let count = client.read(&mut piece)?;
        if count == 0 || request.len() > HEAD {
            return Ok(());
        }
        request.extend_from_slice(&piece[..count]);
    };
    let head = rewrite(&String::from_utf8_lossy(&request[..end]), version);
    let mut engine = UnixStream::connect(engine)?;
    engine.write_all(head.as_bytes())?;
    engine.write_all(&request[end..])?;
    let (mut from_client, mut to_engine) = (client.try_clone()?, engine.try_clone()?);
    let upward = thread::spawn(move || {
        let copied = io::copy(&mut from_client, &mut to_engine);
        drop(to_engine.shutdown(Shutdown::Write));
        copied
    });
    io::copy(&mut engine, &mut client)?;
    // The engine has said all: the client hears so, and the upward copy ends with it.
    client.shutdown(Shutdown::Both)?;
    drop(upward.join());
    Ok(())
}

/// Writes the engine's version into the path, and asks for one request a connection, so that each has its head here.
fn rewrite(head: &str, version: &str) -> String {
    let (line, rest) = head.split_once("\r\n").unwrap_or((head, ""));
    let mut words = line.splitn(3, ' ');
    let (method, path, protocol) = (words.next().unwrap_or_default(), words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let unversioned = path.strip_prefix("/v1.").and_then(|path| path.split_once('/')).map(|(_, path)| path);
    let path = unversioned.map_or_else(|| path.to_owned(), |path| format!("/v{version}/{path}"));
    // A connection that is to become a raw stream keeps what it says of itself.
    let headers = rest.to_ascii_lowercase();
    let close = if headers.contains("upgrade") { "" } else { "Connection: close\r\n" };
    format!("{method} {path} {protocol}\r\n{close}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_engines_version_into_the_path() {
        let head = "POST /v1.53/containers/create?name=x HTTP/1.1\r\nHost: docker\r\n\r\n";
        assert_eq!(rewrite(head, "1.41"), "POST /v1.41/containers/create?name=x HTTP/1.1\r\nConnection: close\r\nHost: docker\r\n\r\n");
        assert_eq!(rewrite("GET /_ping HTTP/1.1\r\n\r\n", "1.41"), "GET /_ping HTTP/1.1\r\nConnection: close\r\n\r\n");
        let raw = "POST /v1.53/exec/1/start HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
        assert_eq!(rewrite(raw, "1.41"), raw.replace("1.53", "1.41"));
    }

    #[test]
    fn carries_a_request_and_its_answer() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("engine.sock");
        let engine = UnixListener::bind(&socket).unwrap();
        let served = thread::spawn(move || {
            let (mut connection, _) = engine.accept().unwrap();
            let mut request = [0; 256];
            let mut length = 0;
            while !request[..length].ends_with(b"body") {
                length += connection.read(&mut request[length..]).unwrap();
            }
            connection.write_all(b"HTTP/1.1 200 OK\r\n\r\nanswer").unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let doorway = Doorway::to(socket, "1.41".to_owned()).unwrap();
        let mut client = UnixStream::connect(doorway.host().strip_prefix("unix://").unwrap()).unwrap();
        client.write_all(b"POST /v1.53/build HTTP/1.1\r\n").unwrap();
        client.write_all(b"Content-Length: 4\r\n\r\nbody").unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "HTTP/1.1 200 OK\r\n\r\nanswer");
        assert_eq!(served.join().unwrap(), "POST /v1.41/build HTTP/1.1\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody");
    }
}
