//! Watches: what there is, then what happens, one line of JSON each.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::Shared;
use crate::api::{Ask, list};
use crate::http::{Form, PARTIAL, hides};
use crate::resource::Resource;
use crate::selector::Selector;
use crate::status::ApiError;
use crate::store::Event;
use crate::stored::Stored;

/// How often a watch that wants bookmarks gets one.
const BOOKMARKS: Duration = Duration::from_secs(60);
/// How long a watch lasts that does not say.
const DEFAULT_TIMEOUT: u64 = 1800;

struct Watch {
    shared: Arc<Shared>,
    /// The newest write to the resource.
    news: tokio::sync::watch::Receiver<u64>,
    resource: Arc<Resource>,
    namespace: String,
    selector: Selector,
    form: Form,
    /// Everything up to this revision was told.
    seen: u64,
    bookmarks: bool,
    next_bookmark: Instant,
    deadline: Instant,
    waiting: VecDeque<Bytes>,
    ended: bool,
}

/// Begins a watch.
pub(crate) fn begin(shared: &Arc<Shared>, ask: &Ask<'_>, form: Form) -> Result<BoxStream<'static, Bytes>, ApiError> {
    let query = ask.query;
    let selector = Selector::parse(query.get("labelSelector"), query.get("fieldSelector"))?.fit(&ask.resource)?.named(&ask.target.name);
    let version = query.get("resourceVersion");
    let initial = query.is("sendInitialEvents");
    let given = version.parse::<u64>();
    if !version.is_empty() && given.is_err() {
        return Err(ApiError::bad_request(format!("Invalid value: \"{version}\": resourceVersion must be a number")));
    }
    let seconds = query.get("timeoutSeconds").parse().unwrap_or(DEFAULT_TIMEOUT);
    let mut watch = Watch {
        news: shared.core().store.news(ask.resource.storage()),
        shared: shared.clone(),
        resource: ask.resource.clone(),
        namespace: ask.target.namespace.clone(),
        selector,
        form,
        seen: given.unwrap_or(0),
        bookmarks: query.is("allowWatchBookmarks"),
        next_bookmark: Instant::now() + BOOKMARKS,
        deadline: Instant::now() + Duration::from_secs(seconds),
        waiting: VecDeque::new(),
        ended: false,
    };
    let from_start = watch.seen == 0 && query.get("sendInitialEvents") != "false";
    if initial || from_start {
        watch.initial(ask, initial)?;
    }
    Ok(stream::unfold(watch, Watch::next).boxed())
}

impl Watch {
    /// Tells what there is now.
    fn initial(&mut self, ask: &Ask<'_>, mark_end: bool) -> Result<(), ApiError> {
        let shared = self.shared.clone();
        let core = shared.core();
        let all = crate::request::Query::default();
        let page = list(&core, &Ask { query: &all, target: ask.target, resource: ask.resource.clone(), ..*ask })?;
        self.seen = page.revision;
        drop(core);
        for object in page.items {
            let object = object.stored();
            if self.selector.is_empty() || self.selector.matches(&object.value()) {
                self.tell_stored("ADDED", &object);
            }
        }
        if mark_end && self.bookmarks {
            self.bookmark(Some(json!({"k8s.io/initial-events-end": "true"})));
        }
        Ok(())
    }

    fn tell(&mut self, kind: &str, object: &Value) {
        self.waiting.push_back(line(kind, &[&self.form.text(&self.resource, object)]));
    }

    fn tell_stored(&mut self, kind: &str, object: &Stored) {
        let text = if self.form == Form::Plain { object.text(&self.resource) } else { None };
        match (&self.form, text) {
            (_, Some(text)) => self.waiting.push_back(line(kind, &[text.trim_ascii_end()])),
            (Form::Metadata, _) if !hides(&self.resource) => self.waiting.push_back(line(kind, &[PARTIAL, object.metadata(), b"}"])),
            _ => self.tell(kind, &object.whole()),
        }
    }

    fn bookmark(&mut self, annotations: Option<Value>) {
        let mut metadata = json!({"resourceVersion": self.seen.to_string()});
        if let Some(annotations) = annotations {
            metadata["annotations"] = annotations;
        }
        self.next_bookmark = Instant::now() + BOOKMARKS;
        let object = json!({"kind": self.resource.kind, "apiVersion": self.resource.api_version(), "metadata": metadata});
        self.tell("BOOKMARK", &object);
    }

    /// Reads what happened since.
    fn catch_up(&mut self) {
        let shared = self.shared.clone();
        let core = shared.core();
        let outcome = core.store.since(self.resource.storage(), self.seen);
        match outcome {
            Ok(events) => {
                self.seen = self.seen.max(core.store.revision());
                drop(core);
                for event in events {
                    self.happened(&event);
                }
            }
            Err(oldest) => {
                drop(core);
                let error = ApiError::expired(format!("too old resource version: {} ({oldest})", self.seen));
                self.waiting.push_back(line("ERROR", &[error.status().to_string().as_bytes()]));
                self.ended = true;
            }
        }
    }

    /// What an event is to this watch: an object that is no longer selected is gone to it.
    fn happened(&mut self, event: &Event) {
        if !self.namespace.is_empty() && event.namespace != self.namespace {
            return;
        }
        let selects = |value: &dyn Fn() -> Arc<Value>| self.selector.is_empty() || self.selector.matches(&value());
        let was = event.before.as_ref().is_some_and(|before| selects(&|| before.value()));
        let is = !event.deleted && selects(&|| event.after.value());
        match (was, is) {
            (false, true) => self.tell_stored("ADDED", &event.after),
            (true, true) => self.tell_stored("MODIFIED", &event.after),
            (true, false) if event.deleted => self.tell_stored("DELETED", &event.after),
            (true, false) => {
                let mut last = event.before.as_ref().map(|before| before.stored().whole()).unwrap_or_default();
                last["metadata"]["resourceVersion"] = json!(event.revision.to_string());
                self.tell("DELETED", &last);
            }
            (false, false) => {}
        }
    }

    async fn next(mut self) -> Option<(Bytes, Self)> {
        loop {
            if let Some(bytes) = self.waiting.pop_front() {
                return Some((bytes, self));
            }
            if self.ended {
                return None;
            }
            // Marks the news as seen before reading, so that none falls between.
            self.news.borrow_and_update();
            self.catch_up();
            if !self.waiting.is_empty() || self.ended {
                continue;
            }
            let wake = if self.bookmarks { self.next_bookmark.min(self.deadline) } else { self.deadline };
            tokio::select! {
                changed = self.news.changed() => {
                    if changed.is_err() {
                        return None;
                    }
                }
                () = tokio::time::sleep_until(wake) => {
                    if Instant::now() >= self.deadline {
                        self.ended = true;
                    }
                    if self.bookmarks {
                        // Writes to other resources wake nobody here, but the bookmark is as new as they are.
                        self.catch_up();
                        self.bookmark(None);
                    }
                }
            }
        }
    }
}

/// An event with an object's JSON, given in parts. The type comes first, as in a kube-apiserver: clients then know what they read while they read it.
fn line(kind: &str, object: &[&[u8]]) -> Bytes {
    let length = object.iter().map(|part| part.len()).sum::<usize>();
    let mut line = Vec::with_capacity(length + kind.len() + r#"{"type":"","object":}"#.len() + 1);
    for part in [b"{\"type\":\"".as_slice(), kind.as_bytes(), b"\",\"object\":"].into_iter().chain(object.iter().copied()) {
        line.extend_from_slice(part);
    }
    line.extend_from_slice(b"}\n");
    line.into()
}
