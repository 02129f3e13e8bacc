//! One GET of a page on loopback.

use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The body of `http://ADDRESS/PATH`, or why there is none.
pub(super) async fn get(address: &str, path: &str) -> Result<String, String> {
    let answer = tokio::time::timeout(Duration::from_secs(2), fetch(address, path)).await;
    answer.unwrap_or_else(|_| Err(format!("{address} did not answer within 2 s")))
}

async fn fetch(address: &str, path: &str) -> Result<String, String> {
    let stream = TcpStream::connect(address).await.map_err(|e| format!("{address}: {e}"))?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|e| e.to_string())?;
    let task = tokio::spawn(connection);
    let request = hyper::Request::get(path).header("host", address).header("connection", "close");
    let request = request.body(Empty::<Bytes>::new()).map_err(|e| e.to_string())?;
    let response = sender.send_request(request).await.map_err(|e| e.to_string())?;
    let status = response.status();
    let body = response.into_body().collect().await.map_err(|e| e.to_string())?.to_bytes();
    task.abort();
    let text = String::from_utf8_lossy(&body).into_owned();
    if status.is_success() { Ok(text) } else { Err(format!("{status}: {text}")) }
}
