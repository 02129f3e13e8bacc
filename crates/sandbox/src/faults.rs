//! Faults on the way between a client and a server: late, refused and lost requests, answers that get lost after the work was done, watches that
//! break. A layer around any client or [`crate::Service`]; what goes wrong is decided by a rule, or by chance from a seed.
//!
//! ```
//! # async fn example() {
//! use fiel_sandbox::faults::{Fault, Faults};
//! // Every second write's answer is lost.
//! let faults = Faults::by(|asked| (asked.is_write() && asked.number % 2 == 0).then_some(Fault::AnswerLost));
//! let sandbox = fiel_sandbox::Sandbox::new(fiel_sandbox::Config::default());
//! let client = kube::Client::new(faults.over(sandbox.service(None)), "default");
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example());
//! ```

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};

use crate::status::ApiError;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is carried out this much later.
    Late(Duration),
    /// It is refused with this status (429, 500, 503, 504 …) and not carried out.
    Refused(u16),
    /// It is refused because the object was changed meanwhile.
    Conflict,
    /// The connection breaks before the server sees it.
    Lost,
    /// It is carried out, and the connection breaks before the answer.
    AnswerLost,
    /// A watch is told that what it asks for is too old: 410 Gone.
    Expired,
    /// A watch breaks off after this many pieces of its stream.
    Broken(usize),
}

/// What a request asks, for whoever decides what goes wrong.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its path, without the query.
    pub path: &'a str,
    /// Whether it is a watch.
    pub watch: bool,
    /// How many requests came before it on this layer and its clones.
    pub number: u64,
}

impl Asked<'_> {
    /// Whether it may change something.
    #[must_use]
    pub fn is_write(&self) -> bool {
        self.method != Method::GET && self.method != Method::HEAD
    }
}

/// Decides what goes wrong with a request.
type Rule = dyn Fn(&Asked<'_>) -> Option<Fault> + Send + Sync;

/// What goes wrong, request by request. Clones count together.
#[derive(Clone)]
pub struct Faults {
    decide: Arc<Rule>,
    count: Arc<AtomicU64>,
}

impl Faults {
    /// As a rule says.
    pub fn by(rule: impl Fn(&Asked<'_>) -> Option<Fault> + Send + Sync + 'static) -> Self {
        Self { decide: Arc::new(rule), count: Arc::default() }
    }

    /// By chance: `per_thousand` of the requests meet some fault that can happen to them. The same seed gives the same faults for the same requests
    /// in the same order.
    #[must_use]
    pub fn seeded(seed: u64, per_thousand: u64) -> Self {
        Self::by(move |asked| chance(seed, per_thousand, asked))
    }

    /// The layer around a service.
    pub fn over<S>(&self, inner: S) -> Faulty<S> {
        Faulty { faults: self.clone(), inner }
    }
}

/// One of the faults that can happen to a request, or none.
fn chance(seed: u64, per_thousand: u64, asked: &Asked<'_>) -> Option<Fault> {
    let mut random = crate::api::Random::new(seed ^ asked.number.wrapping_mul(0x9e37_79b9));
    if random.next() % 1000 >= per_thousand {
        return None;
    }
    let late = Fault::Late(Duration::from_millis(random.next() % 2000));
    let refused = Fault::Refused([429, 500, 503, 504][(random.next() % 4) as usize]);
    let possible: &[Fault] = if asked.watch {
        &[late, refused, Fault::Lost, Fault::Expired, Fault::Broken((random.next() % 4) as usize)]
    } else if asked.is_write() {
        &[late, refused, Fault::Lost, Fault::AnswerLost, Fault::Conflict]
    } else {
        &[late, refused, Fault::Lost, Fault::AnswerLost]
    };
    Some(possible[(random.next() % possible.len() as u64) as usize])
}

/// A service on whose way things go wrong.
#[derive(Clone)]
pub struct Faulty<S> {
    faults: Faults,
    inner: S,
}

type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

impl<S, B, R> tower::Service<Request<B>> for Faulty<S>
where
    S: tower::Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Send + 'static,
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Answer;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let query = request.uri().query().unwrap_or_default();
        let asked = Asked {
            method: request.method(),
            path: request.uri().path(),
            watch: query.split('&').any(|part| matches!(part, "watch=true" | "watch=1")),
            number: self.faults.count.fetch_add(1, Ordering::Relaxed),
        };
        let fault = (self.faults.decide)(&asked);
        let clone = self.inner.clone();
        // The one that is ready is used, its clone stays for the next.
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            match fault {
                Some(Fault::Late(time)) => tokio::time::sleep(time).await,
                Some(Fault::Lost) => return Err("the connection broke".into()),
                Some(Fault::Refused(code)) => return Ok(refusal(code)),
                Some(Fault::Conflict) => return Ok(refusal(409)),
                Some(Fault::Expired) => return Ok(refusal(410)),
                Some(Fault::AnswerLost | Fault::Broken(_)) | None => {}
            }
            let answer = inner.call(request).await.map_err(Into::into)?;
            match fault {
                Some(Fault::AnswerLost) => Err("the connection broke before the answer".into()),
                Some(Fault::Broken(after)) => Ok(answer.map(|body| broken(body, after))),
                _ => Ok(answer.map(|body| body.map_err(Into::into).boxed_unsync())),
            }
        })
    }
}

/// A body that breaks off.
fn broken<R>(body: R, after: usize) -> UnsyncBoxBody<Bytes, BoxError>
where
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    let pieces = body.into_data_stream().map_err(Into::into).map_ok(Frame::data).take(after);
    let end = futures::stream::once(async { Err::<Frame<Bytes>, BoxError>("the connection broke".into()) });
    StreamBody::new(pieces.chain(end)).boxed_unsync()
}

fn refusal(code: u16) -> Answer {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (reason, message) = match code {
        409 => (
            "Conflict",
            "Operation cannot be fulfilled: the object has been modified; please apply your changes to the latest version and try again",
        ),
        410 => ("Expired", "too old resource version"),
        429 => ("TooManyRequests", "Too many requests, please try again later."),
        503 => ("ServiceUnavailable", "apiserver is shutting down"),
        504 => ("Timeout", "Timeout: request did not complete within the allotted timeout"),
        _ => ("InternalError", "Internal error occurred"),
    };
    let body = Full::new(Bytes::from(ApiError::new(status, reason, message).status().to_string()));
    let mut answer = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    *answer.status_mut() = status;
    answer.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    answer
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::api::{Api, ListParams, PostParams};

    use super::*;
    use crate::{Config, Sandbox};

    fn map(name: &str) -> ConfigMap {
        serde_json::from_value(serde_json::json!({"metadata": {"name": name}})).unwrap()
    }

    /// A client to whose requests the faults happen in turn, and one to which none do.
    fn clients(faults: &'static [Option<Fault>]) -> (Api<ConfigMap>, Api<ConfigMap>) {
        let sandbox = Sandbox::new(Config::default());
        let faulty = Faults::by(move |asked| faults.get(asked.number as usize).copied().flatten());
        let faulty = kube::Client::new(faulty.over(sandbox.service(None)), "default");
        (Api::default_namespaced(faulty), Api::default_namespaced(sandbox.client()))
    }

    #[tokio::test]
    async fn a_lost_request_is_not_done_and_a_lost_answer_is() {
        let (faulty, sane) = clients(&[Some(Fault::Lost), Some(Fault::AnswerLost), Some(Fault::Refused(503))]);
        for name in ["one", "two", "three"] {
            faulty.create(&PostParams::default(), &map(name)).await.unwrap_err();
        }
        faulty.create(&PostParams::default(), &map("four")).await.unwrap();
        let names: Vec<_> = sane.list(&ListParams::default()).await.unwrap().into_iter().filter_map(|one| one.metadata.name).collect();
        assert_eq!(names, ["four", "two"]);
    }

    #[tokio::test]
    async fn refusals_are_statuses() {
        let (faulty, _) = clients(&[Some(Fault::Conflict), Some(Fault::Refused(429))]);
        for (code, reason) in [(409, "Conflict"), (429, "TooManyRequests")] {
            let Err(kube::Error::Api(status)) = faulty.create(&PostParams::default(), &map("one")).await else { panic!("a Status") };
            assert_eq!((status.code, &*status.reason), (code, reason));
        }
    }

    #[tokio::test]
    async fn a_watch_breaks_off() {
        let (faulty, sane) = clients(&[Some(Fault::Broken(1))]);
        let events = faulty.watch(&kube::api::WatchParams::default(), "0").await.unwrap();
        for name in ["one", "two"] {
            sane.create(&PostParams::default(), &map(name)).await.unwrap();
        }
        let seen: Vec<_> = events.collect().await;
        assert!(matches!(seen.last(), Some(Err(_))), "{seen:?}");
    }

    #[test]
    fn a_seed_gives_the_same_faults_again_and_only_fitting_ones() {
        let asked = |number, method, watch| chance(7, 500, &Asked { method, path: "/", watch, number });
        let all: Vec<_> = (0..1000).map(|number| asked(number, &Method::GET, false)).collect();
        assert_eq!(all, (0..1000).map(|number| asked(number, &Method::GET, false)).collect::<Vec<_>>());
        let count = all.iter().flatten().count();
        assert!((400..600).contains(&count), "{count}");
        assert!(!all.iter().flatten().any(|fault| matches!(fault, Fault::Conflict | Fault::Expired | Fault::Broken(_))));
        assert!((0..1000).filter_map(|number| asked(number, &Method::PUT, false)).any(|fault| fault == Fault::Conflict));
    }
}
