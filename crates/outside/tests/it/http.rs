//! Files from a server on the loopback.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use fiel_outside::World;

use super::{CONFIG, build};

/// Serves each answer once, in turn, and gives its own address.
fn serve(answers: Vec<String>) -> String {
    listen(answers).0
}

/// The same, with what was asked: a head for each answer.
fn listen(answers: Vec<String>) -> (String, Receiver<String>) {
    let (asked, heads) = channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let own = address.clone();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            // Most tests do not ask.
            drop(asked.send(head.join("\n").to_lowercase()));
            stream.write_all(answer.replace("OWN", &own).as_bytes()).unwrap();
        }
    });
    (address, heads)
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn world(cache: &std::path::Path) -> World {
    World::default().fetching(cache)
}

#[test]
fn resources_and_patches_come_from_a_server() {
    let temp = tempfile::tempdir().unwrap();
    let address = serve(vec![
        "HTTP/1.1 302 Found\r\nlocation: OWN/b.yaml\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned(),
        ok(CONFIG),
        ok(r#"[{"op": "replace", "path": "/metadata/name", "value": "b"}]"#),
    ]);
    let text = format!("resources: ['{address}/a.yaml']\npatches: [{{path: '{address}/patch.yaml', target: {{kind: ConfigMap}}}}]\n");
    assert_eq!(build(&world(temp.path()), temp.path(), &text).unwrap().resources()[0].name(), "b");
}

#[test]
fn a_server_that_refuses_is_named_without_secrets() {
    let temp = tempfile::tempdir().unwrap();
    let address = serve(vec!["HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()]);
    let error = build(&world(temp.path()), temp.path(), &format!("configMapGenerator: [{{name: a, files: ['k={address}/a?token']}}]\n"));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("the server answers 403 Forbidden") && !error.contains("token"), "{error}");
}

#[test]
fn nothing_is_fetched_unless_it_is_allowed() {
    let temp = tempfile::tempdir().unwrap();
    let error = build(&World::default(), temp.path(), "resources: ['http://127.0.0.1:9/a.yaml']\n").unwrap_err();
    assert!(error.to_string().contains("fetching is off here"), "{error}");
}

#[test]
fn a_password_goes_to_the_server_it_is_for_and_not_where_that_one_points() {
    let temp = tempfile::tempdir().unwrap();
    let (other, asked_other) = listen(vec![ok(CONFIG)]);
    let (first, asked_first) =
        listen(vec![format!("HTTP/1.1 302 Found\r\nlocation: {other}/b.yaml\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")]);
    let with_password = first.replace("http://", "http://user:secret@");
    build(&world(temp.path()), temp.path(), &format!("resources: ['{with_password}/a.yaml']\n")).unwrap();
    assert!(asked_first.recv().unwrap().contains("authorization: basic "));
    assert!(!asked_other.recv().unwrap().contains("authorization"));
}

/// `file:` and others would read this machine's files by way of a server.
#[test]
fn a_server_points_to_http_only() {
    let temp = tempfile::tempdir().unwrap();
    for elsewhere in ["file:///etc/hostname", "ftp://127.0.0.1/a", "data:text/plain,a"] {
        let address = serve(vec![format!("HTTP/1.1 302 Found\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")]);
        assert!(build(&world(temp.path()), temp.path(), &format!("resources: ['{address}/a.yaml']\n")).is_err(), "{elsewhere}");
    }
}
