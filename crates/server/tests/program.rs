//! The real program, driven over real sockets: what the pure tests cannot see.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running server that does not outlive its test.
struct Program {
    child: Child,
    port: u16,
}

fn command(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fiel-server"));
    command.env_clear().envs(variables.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Program {
    fn start(variables: &[(&str, &str)]) -> Self {
        let mut child = command(variables).env("PORT", "0").spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a first line");
        let port = line.strip_prefix("listening on 0.0.0.0:").and_then(|rest| rest.split(' ').next());
        let port = port.and_then(|port| port.parse().ok()).unwrap_or_else(|| panic!("no port in {line:?}"));
        Self { child, port }
    }

    /// A connection on which every wait is bounded, so that a failing test ends.
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server accepts");
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// The whole answer to one request on its own connection.
    fn ask(&self, method: &str, path: &str) -> String {
        let mut stream = self.connect();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").unwrap();
        rest(&mut stream)
    }

    fn terminate(&self) {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Everything up to the end of the connection, however the server ends it.
fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the server neither answers nor closes: {error}"),
    }
    String::from_utf8(bytes).unwrap()
}

/// One answer on a connection that stays open: head and body by its length.
fn one(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    let mut reader = BufReader::with_capacity(1, stream);
    while !answer.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut answer).unwrap(), 0, "closed within {answer:?}");
    }
    let length = answer.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    answer + std::str::from_utf8(&body).unwrap()
}

#[test]
fn the_page_over_the_wire() {
    let server = Program::start(&[("MESSAGE", "Olá <mundo>"), ("COMMIT", "c0ffee")]);
    let page = server.ask("GET", "/");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(page.contains("<h1>Olá &lt;mundo&gt;</h1>") && page.contains("<dd>c0ffee</dd>"), "{page}");
    assert!(server.ask("GET", "/version").ends_with("\"commit\":\"c0ffee\"}\n"));
    assert!(server.ask("GET", "/readyz").starts_with("HTTP/1.1 200"));

    let head = server.ask("HEAD", "/");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    let length = page.split_once("\r\n\r\n").unwrap().1.len();
    assert!(head.contains(&format!("content-length: {length}\r\n")), "{head}");

    let refused = server.ask("DELETE", "/");
    assert!(refused.starts_with("HTTP/1.1 405") && refused.contains("allow: GET, HEAD\r\n"), "{refused}");
    assert!(server.ask("GET", "/nowhere").starts_with("HTTP/1.1 404"));
}

#[test]
fn a_connection_serves_many_requests() {
    let server = Program::start(&[]);
    let mut stream = server.connect();
    for _ in 0..3 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
        assert!(one(&mut stream).ends_with("\r\n\r\nok\n"));
    }
}

#[test]
fn a_body_is_never_waited_for() {
    let server = Program::start(&[]);
    let mut stream = server.connect();
    stream.write_all(b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000000\r\n\r\n").unwrap();
    let answer = rest(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
}

#[test]
fn slow_and_idle_clients_are_cut_off() {
    let server = Program::start(&[("REQUEST_TIMEOUT_MS", "1000")]);
    let mut slow = server.connect();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: te").unwrap();
    let mut idle = server.connect();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    assert!(one(&mut idle).ends_with("ok\n"));
    let mut silent = server.connect();
    for stream in [&mut slow, &mut idle, &mut silent] {
        assert!(!rest(stream).contains(" 200 "), "ended without an answer");
    }
    assert!(server.ask("GET", "/healthz").ends_with("ok\n"), "the server goes on");
}

#[test]
fn a_client_that_never_reads_is_cut_off() {
    let server = Program::start(&[("REQUEST_TIMEOUT_MS", "1000")]);
    let mut stream = server.connect();
    let requests = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n".repeat(1000);
    let error = loop {
        if let Err(error) = stream.write_all(&requests) {
            break error;
        }
    };
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
    assert!(server.ask("GET", "/healthz").ends_with("ok\n"), "the server goes on");
}

#[test]
fn a_head_without_end_is_refused() {
    let server = Program::start(&[]);
    let mut stream = server.connect();
    stream.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    while stream.write_all(b"X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n").is_ok() {}
    assert!(server.ask("GET", "/healthz").ends_with("ok\n"), "the server goes on");
}

#[test]
fn sigterm_drains() {
    let mut server = Program::start(&[("DRAIN_MS", "3000")]);
    let mut begun = server.connect();
    begun.write_all(b"GET /version HTTP/1.1\r\nHo").unwrap();
    let mut idle = server.connect();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    assert!(one(&mut idle).ends_with("ok\n"));

    server.terminate();
    while server.ask("GET", "/readyz").starts_with("HTTP/1.1 200") {}
    let page = server.ask("GET", "/");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("connection: close\r\n"), "still answers: {page}");
    while TcpStream::connect(("127.0.0.1", server.port)).is_ok() {}

    assert_eq!(rest(&mut idle), "", "an idle connection is closed");
    begun.write_all(b"st: test\r\n\r\n").unwrap();
    assert!(rest(&mut begun).starts_with("HTTP/1.1 200"), "what was begun is finished");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_wrong_environment_is_said_clearly() {
    let output = command(&[("PORT", "eighty")]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        message,
        "fiel-server: PORT is \"eighty\", which is no port: set it to a number from 0 to 65535, or leave it out for 8080\n"
    );

    let taken = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = command(&[("PORT", &port)]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.starts_with(&format!("fiel-server: cannot listen on 0.0.0.0:{port}: ")), "{message}");
}
