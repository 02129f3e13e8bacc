//! Brings reports to the API, beside the work that they are about.
//!
//! Nobody waits for it: a report is put into a queue, and where that is full it is dropped, as by client-go.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::Clock;
use super::event::{Report, Write};
use super::recorder::Recorder;

/// How many reports wait at most.
const WAITING: usize = 1000;
/// How often an API that does not answer is asked, and in which intervals.
const TRIES: (u32, Duration) = (12, Duration::from_secs(10));

/// Takes reports; clones give to the same queue.
#[derive(Clone)]
pub(crate) struct Teller {
    /// None: nobody is told anything.
    queue: Option<mpsc::Sender<(Report, Timestamp)>>,
    clock: Clock,
}

impl Teller {
    /// Tells nothing.
    pub(super) fn silent(clock: Clock) -> Self {
        Self { queue: None, clock }
    }

    /// Tells it soon.
    pub(crate) fn tell(&self, report: Report) {
        let Some(queue) = &self.queue else { return };
        if let Err(mpsc::error::TrySendError::Full((report, _))) = queue.try_send((report, (self.clock)())) {
            tracing::debug!(reason = report.reason, message = report.message, "too much to tell, dropped");
        }
    }
}

/// A queue, and the work of telling what comes out of it, which ends only by being dropped.
pub(crate) fn teller(client: kube::Client, clock: Clock) -> (Teller, impl Future<Output = ()>) {
    let (queue, mut reports) = mpsc::channel::<(Report, Timestamp)>(WAITING);
    let telling = async move {
        let mut recorder = Recorder::default();
        while let Some((report, at)) = reports.recv().await {
            if let Some(write) = recorder.take(&report, at) {
                send(&client, &write).await;
            }
        }
        std::future::pending::<()>().await;
    };
    (Teller { queue: Some(queue), clock }, telling)
}

async fn send(client: &kube::Client, write: &Write) {
    for left in (0..TRIES.0).rev() {
        let Err(error) = write.send(client).await else { return };
        tracing::debug!(%error, left, "an event could not be told");
        if left > 0 {
            tokio::time::sleep(TRIES.1).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::Sandbox;
    use crate::controllers::{Kind, Object};

    fn report(message: &str) -> Report {
        let pod: Object =
            serde_json::from_value(json!({"metadata": {"name": "p", "namespace": "default", "uid": "u"}})).expect("an object");
        Report::normal("kubelet", Kind::Pod, &pod, "Reason", message)
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_and_too_much_is_dropped() {
        let client = Sandbox::new(crate::Config::default()).client();
        let (teller, telling) = teller(client.clone(), Arc::new(jiff::Timestamp::now));
        for number in 0..2 * WAITING {
            teller.tell(report(&number.to_string()));
        }
        let capacity = || teller.queue.as_ref().expect("a queue").capacity();
        assert_eq!(capacity(), 0);
        let work = tokio::spawn(telling);
        while capacity() < WAITING {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        teller.tell(report("last"));
        tokio::time::sleep(Duration::from_secs(1)).await;
        work.abort();
        let events = Kind::Event.api(&client, "default").list(&kube::api::ListParams::default()).await.expect("a list").items;
        assert_eq!(events.len(), 10, "nine by themselves, all others together");
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_that_does_not_answer_is_asked_again() {
        let sandbox = Sandbox::new(crate::Config::default());
        let asked = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let (inner, count) = (sandbox.client(), asked.clone());
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let (inner, number) = (inner.clone(), count.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
            async move {
                match number {
                    0..3 => Err(tower::BoxError::from("no route to host")),
                    _ => inner.send(request).await.map_err(Into::into),
                }
            }
        });
        let (teller, telling) = teller(kube::Client::new(service, "default"), Arc::new(jiff::Timestamp::now));
        teller.tell(report("x"));
        let began = tokio::time::Instant::now();
        let work = tokio::spawn(telling);
        let events = Kind::Event.api(&sandbox.client(), "default");
        while events.list(&kube::api::ListParams::default()).await.expect("a list").items.is_empty() {
            assert!(began.elapsed() < Duration::from_secs(60), "in vain");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        work.abort();
        assert!(began.elapsed() >= Duration::from_secs(30));
        assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 4);
    }
}
