//! A small web server on loopback: files, and Git repositories by `git http-backend`.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::Result;

/// Serves the files of a folder, and the bare repositories in it; gives its address. It lives as long as the program.
pub(super) fn serve(folder: PathBuf) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let folder = folder.clone();
            thread::spawn(move || {
                // A broken connection is the client's to notice.
                drop(answer(stream, &folder));
            });
        }
    });
    Ok(address)
}

/// A request, as far as it matters here.
#[derive(Debug, Default)]
struct Request {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn read(stream: impl io::Read) -> io::Result<Self> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split_whitespace();
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request = Self { method: method.to_owned(), path: path.to_owned(), query: query.to_owned(), ..Self::default() };
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length = request.header("content-length").parse().unwrap_or(0);
        reader.take(length).read_to_end(&mut request.body)?;
        Ok(request)
    }

    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(header, _)| header == name).map_or("", |(_, value)| value)
    }
}

fn answer(mut stream: TcpStream, folder: &Path) -> io::Result<()> {
    let request = Request::read(&stream)?;
    let git = request.path.ends_with("/info/refs") || request.path.ends_with("/git-upload-pack");
    let (status, head, body) = if git { backend(&request, folder)? } else { file(&request.path, folder) };
    write!(stream, "HTTP/1.1 {status}\r\n{head}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(&body)
}

/// A file below the folder, and nothing else.
fn file(path: &str, folder: &Path) -> (String, String, Vec<u8>) {
    let inside = Path::new(path.trim_start_matches('/'));
    let plain = inside.components().all(|part| matches!(part, Component::Normal(_)));
    match fs::read(folder.join(inside)) {
        Ok(bytes) if plain => ("200 OK".to_owned(), String::new(), bytes),
        _ => ("404 Not Found".to_owned(), String::new(), Vec::new()),
    }
}

/// What `git http-backend` answers: status, headers, body.
fn backend(request: &Request, folder: &Path) -> io::Result<(String, String, Vec<u8>)> {
    let mut command = Command::new("git");
    command.arg("http-backend").env("GIT_PROJECT_ROOT", folder).env("GIT_HTTP_EXPORT_ALL", "1");
    command.env("PATH_INFO", &request.path).env("QUERY_STRING", &request.query).env("REQUEST_METHOD", &request.method);
    command.env("CONTENT_TYPE", request.header("content-type")).env("CONTENT_LENGTH", request.body.len().to_string());
    command.env("HTTP_CONTENT_ENCODING", request.header("content-encoding")).env("GIT_PROTOCOL", request.header("git-protocol"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(&request.body)?;
    }
    Ok(split(&child.wait_with_output()?.stdout))
}

/// Takes a CGI program's output apart.
fn split(output: &[u8]) -> (String, String, Vec<u8>) {
    let end = output.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(output.len());
    let head = String::from_utf8_lossy(&output[..end]);
    let (status, rest): (Vec<&str>, Vec<&str>) = head.lines().partition(|line| line.starts_with("Status:"));
    let status = status.first().and_then(|line| line.strip_prefix("Status:")).unwrap_or("200 OK").trim().to_owned();
    let rest = rest.iter().map(|line| format!("{line}\r\n")).collect();
    (status, rest, output.get(end + 4..).unwrap_or_default().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_folder_are_served() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("inside")).unwrap();
        fs::write(folder.path().join("inside/a.yaml"), "a: 1\n").unwrap();
        fs::write(folder.path().join("outside"), "secret").unwrap();
        let get = |path: &str| file(path, &folder.path().join("inside"));
        assert_eq!(get("/a.yaml"), ("200 OK".to_owned(), String::new(), b"a: 1\n".to_vec()));
        for path in ["/none", "/../outside", "/"] {
            assert_eq!(get(path).0, "404 Not Found", "{path}");
        }
    }

    #[test]
    fn what_a_cgi_program_says_is_taken_apart() {
        let answer = split(b"Status: 403 Forbidden\r\nA: b\r\n\r\nbody");
        assert_eq!(answer, ("403 Forbidden".to_owned(), "A: b\r\n".to_owned(), b"body".to_vec()));
        assert_eq!(split(b"A: b\r\n\r\n"), ("200 OK".to_owned(), "A: b\r\n".to_owned(), Vec::new()));
    }
}
