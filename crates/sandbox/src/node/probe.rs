//! Probes: asking a process over loopback whether it is well.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Question {
    /// An HTTP GET answered with 200 to 399.
    Http { path: String, host: Option<String>, headers: Vec<(String, String)> },
    /// A connection is accepted.
    Connect,
}

/// A probe of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Probe {
    question: Question,
    /// The port in the container.
    pub(super) port: u16,
    pub(super) initial_delay: Duration,
    pub(super) period: Duration,
    limit: Duration,
    successes: u32,
    failures: u32,
}

impl Probe {
    /// The probe in this field of a container, if it has one. An error says what this node cannot ask.
    pub(super) fn of(container: &Value, field: &str) -> Result<Option<Self>, String> {
        let Some(probe) = container.get(field).filter(|probe| !probe.is_null()) else { return Ok(None) };
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let (question, port) = if let Some(http) = probe.get("httpGet").filter(|http| !http.is_null()) {
            if text(http, "scheme").is_some_and(|scheme| scheme != "HTTP") {
                return Err(format!("{field}: this node asks over HTTP only"));
            }
            let headers = http.get("httpHeaders").and_then(Value::as_array).into_iter().flatten();
            let headers = headers.filter_map(|header| Some((text(header, "name")?, text(header, "value")?))).collect();
            (
                Question::Http { path: text(http, "path").unwrap_or_else(|| "/".to_owned()), host: text(http, "host"), headers },
                http.get("port"),
            )
        } else if let Some(tcp) = probe.get("tcpSocket").filter(|tcp| !tcp.is_null()) {
            (Question::Connect, tcp.get("port"))
        } else {
            return Err(format!("{field}: this node knows httpGet and tcpSocket only"));
        };
        let port = port.and_then(|port| number_of(port, container)).ok_or_else(|| format!("{field}: no such port in the container"))?;
        let number = |name: &str, default: u64| probe.get(name).and_then(Value::as_u64).unwrap_or(default);
        let count = |name: &str, default: u64| u32::try_from(number(name, default).max(1)).unwrap_or(u32::MAX);
        Ok(Some(Self {
            question,
            port,
            initial_delay: Duration::from_secs(number("initialDelaySeconds", 0)),
            period: Duration::from_secs(number("periodSeconds", 10).max(1)),
            limit: Duration::from_secs(number("timeoutSeconds", 1).max(1)),
            successes: count("successThreshold", 1),
            failures: count("failureThreshold", 3),
        }))
    }

    /// Asks once, at the loopback port that stands for the container's. An error says what is wrong, in a kubelet's words.
    pub(super) async fn ask(&self, ports: &BTreeMap<u16, u16>) -> Result<(), String> {
        let port = *ports.get(&self.port).ok_or_else(|| format!("no port {} in the container", self.port))?;
        let address = format!("127.0.0.1:{port}");
        let (begin, late) = match &self.question {
            Question::Http { path, .. } => {
                (format!("Get \"http://{address}{path}\": "), "context deadline exceeded (Client.Timeout exceeded while awaiting headers)")
            }
            Question::Connect => (String::new(), "i/o timeout"),
        };
        match timeout(self.limit, self.answer(port)).await {
            Ok(Ok(Some(code))) if !(200..400).contains(&code) => Err(format!("HTTP probe failed with statuscode: {code}")),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => {
                Err(format!("{begin}dial tcp {address}: connect: connection refused"))
            }
            Ok(Err(error)) if error.kind() == ErrorKind::UnexpectedEof => Err(format!("{begin}EOF")),
            Ok(Err(error)) => Err(format!("{begin}{error}")),
            Err(_) if self.question == Question::Connect => Err(format!("dial tcp {address}: {late}")),
            Err(_) => Err(format!("{begin}{late}")),
        }
    }

    /// The status of the answer, where it has one.
    async fn answer(&self, port: u16) -> std::io::Result<Option<u16>> {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let Question::Http { path, host, headers } = &self.question else { return Ok(None) };
        let host = host.clone().unwrap_or_else(|| format!("127.0.0.1:{port}"));
        let mut request =
            format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: kube-probe/1.36\r\nAccept: */*\r\nConnection: close\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await?;
        // `HTTP/1.1 200`: nothing more is needed.
        let mut head = [0; 12];
        stream.read_exact(&mut head).await?;
        let code = std::str::from_utf8(&head[9..]).ok().and_then(|code| code.parse::<u16>().ok()).filter(|_| head.starts_with(b"HTTP/"));
        code.map(Some).ok_or_else(|| std::io::Error::new(ErrorKind::InvalidData, "malformed HTTP response"))
    }
}

/// A port's number: given, or by the name of a port of this container.
fn number_of(port: &Value, container: &Value) -> Option<u16> {
    if let Some(number) = port.as_u64() {
        return u16::try_from(number).ok();
    }
    let ports = container.get("ports").and_then(Value::as_array)?;
    let found = ports.iter().find(|candidate| candidate["name"] == *port)?;
    found["containerPort"].as_u64().and_then(|number| u16::try_from(number).ok())
}

/// The answers of a probe so far, and what they mean.
#[derive(Debug, Clone)]
pub(super) struct Record {
    well: bool,
    /// How many answers in a row say otherwise.
    against: u32,
    ever_well: bool,
}

impl Record {
    /// `well` is what counts before the first answer: false for readiness, true for liveness.
    pub(super) fn new(well: bool) -> Self {
        Self { well, against: 0, ever_well: false }
    }

    /// Takes in an answer; returns what counts now.
    pub(super) fn take(&mut self, probe: &Probe, answer: bool) -> bool {
        self.ever_well |= answer;
        if answer == self.well {
            self.against = 0;
            return self.well;
        }
        self.against += 1;
        let needed = if answer { probe.successes } else { probe.failures };
        if self.against >= needed {
            self.well = answer;
            self.against = 0;
        }
        self.well
    }

    /// How long to wait before asking again. Until the first good answer this begins with milliseconds and doubles, so that a program that
    /// starts quickly is not left waiting for a whole period, as it is by a kubelet.
    pub(super) fn pause(&self, probe: &Probe, asked: u32) -> Duration {
        if self.ever_well { probe.period } else { Duration::from_millis(5).saturating_mul(1 << asked.min(16)).min(probe.period) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn probe(fields: &Value) -> Result<Option<Probe>, String> {
        Probe::of(&json!({"ports": [{"name": "http", "containerPort": 8080}], "readinessProbe": fields}), "readinessProbe")
    }

    #[test]
    fn probes_are_read_with_their_defaults() {
        let read =
            probe(&json!({"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 2})).expect("supported").expect("a probe");
        assert_eq!((read.port, read.period, read.failures), (8080, Duration::from_secs(2), 3));
        assert_eq!(probe(&Value::Null), Ok(None));
        assert!(probe(&json!({"exec": {"command": ["true"]}})).is_err(), "what cannot be asked is refused");
        assert!(probe(&json!({"httpGet": {"port": "grpc"}})).is_err());
        assert!(probe(&json!({"httpGet": {"port": 1, "scheme": "HTTPS"}})).is_err());
    }

    #[tokio::test]
    async fn what_is_wrong_is_said() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let served = tokio::spawn(async move {
            for answer in ["HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 503 Service Unavailable\r\n\r\n", ""] {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let mut request = [0; 1024];
                assert!(stream.read(&mut request).await.expect("a request") > 0);
                stream.write_all(answer.as_bytes()).await.expect("sent");
            }
        });
        let http = probe(&json!({"httpGet": {"path": "/x", "port": "http"}})).expect("supported").expect("a probe");
        let connect = probe(&json!({"tcpSocket": {"port": "http"}})).expect("supported").expect("a probe");
        let ports = BTreeMap::from([(8080, port)]);
        assert_eq!(http.ask(&ports).await, Ok(()));
        assert_eq!(http.ask(&ports).await, Err("HTTP probe failed with statuscode: 503".to_owned()));
        assert_eq!(http.ask(&ports).await, Err(format!("Get \"http://127.0.0.1:{port}/x\": EOF")));
        served.await.expect("all were asked");
        let refused = format!("dial tcp 127.0.0.1:{port}: connect: connection refused");
        assert_eq!(http.ask(&ports).await, Err(format!("Get \"http://127.0.0.1:{port}/x\": {refused}")));
        assert_eq!(connect.ask(&ports).await, Err(refused));
    }

    #[test]
    fn one_bad_answer_is_not_enough() {
        let probe = probe(&json!({"tcpSocket": {"port": 1}})).expect("supported").expect("a probe");
        let mut record = Record::new(false);
        assert_eq!(record.pause(&probe, 0), Duration::from_millis(5));
        assert_eq!(record.pause(&probe, 40), probe.period);
        let answers = [true, false, false, true, false, false, false];
        let seen: Vec<bool> = answers.iter().map(|answer| record.take(&probe, *answer)).collect();
        assert_eq!(seen, [true, true, true, true, true, true, false]);
        assert_eq!(record.pause(&probe, 0), probe.period);
    }
}
