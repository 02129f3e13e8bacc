//! Events: what controllers and the node tell people about what they do.

use kube::api::{Patch, PatchParams, PostParams, Request};
use serde_json::{Value, json};

use super::MANAGER;
use super::action::is_status;
use super::kind::Kind;
use super::object::{Object, name, namespace, uid};

/// Something to tell about an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    /// Who tells it, as events name it.
    pub(super) source: &'static str,
    /// The node that tells it; empty: it is none.
    pub(super) host: String,
    pub(super) about: Value,
    pub(super) kind: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    /// What was done, where it is told in the newer form of events.
    pub(super) action: &'static str,
}

impl Report {
    /// Something that goes as it should.
    pub(crate) fn normal(source: &'static str, kind: Kind, object: &Object, reason: &'static str, message: impl Into<String>) -> Self {
        let mut about = json!({
            "kind": kind.name(), "namespace": namespace(object), "name": name(object), "uid": uid(object), "apiVersion": kind.api_version(),
            "resourceVersion": object.metadata.resource_version,
        });
        if let Some(fields) = about.as_object_mut() {
            fields.retain(|_, value| value.as_str().is_some_and(|text| !text.is_empty()));
        }
        Self { source, host: String::new(), about, kind: "Normal", reason, message: message.into(), action: "" }
    }

    /// Something that somebody should look at.
    pub(crate) fn warning(source: &'static str, kind: Kind, object: &Object, reason: &'static str, message: impl Into<String>) -> Self {
        Self { kind: "Warning", ..Self::normal(source, kind, object, reason, message) }
    }

    /// The same as told by the node of that name.
    #[must_use]
    pub(crate) fn at(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// The same about a part of the object, such as `spec.containers{web}`.
    #[must_use]
    pub(crate) fn about(mut self, field: String) -> Self {
        self.about["fieldPath"] = field.into();
        self
    }

    /// The same in the newer form of events, which says what was done and has no count.
    #[must_use]
    pub(crate) fn doing(self, action: &'static str) -> Self {
        Self { action, ..self }
    }

    pub(super) fn of(&self, field: &str) -> String {
        self.about[field].as_str().unwrap_or_default().to_owned()
    }

    /// As whom it is written.
    pub(super) fn manager(&self) -> &'static str {
        match self.source {
            "kubelet" => "kubelet",
            "default-scheduler" => "kube-scheduler",
            _ => MANAGER,
        }
    }
}

/// A request that brings an event to the API.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Write {
    pub(super) event: Object,
    /// It is there already: only this changes.
    pub(super) patch: Option<Value>,
    pub(super) manager: &'static str,
}

impl Write {
    /// Sends it.
    ///
    /// # Errors
    /// When the API did not answer. What it refuses is not told.
    pub(super) async fn send(&self, client: &kube::Client) -> Result<(), kube::Error> {
        let request = Request::new(Kind::Event.path(namespace(&self.event)));
        let build = kube::Error::BuildRequest;
        if let Some(patch) = &self.patch {
            let params = PatchParams { field_manager: Some(self.manager.to_owned()), ..PatchParams::default() };
            let request = request.patch(name(&self.event), &params, &Patch::Merge(patch)).map_err(build)?;
            match client.request_text(request).await {
                // Somebody has cleared it away: it is told anew.
                Err(error) if is_status(&error, 404) => {}
                answer => return heard(answer),
            }
        }
        let params = PostParams { field_manager: Some(self.manager.to_owned()), ..PostParams::default() };
        let event = serde_json::to_vec(&self.event).map_err(kube::Error::SerdeError)?;
        heard(client.request_text(request.create(&params, event).map_err(build)?).await)
    }
}

/// An answer is an answer, whatever it says: the event as it was written is not even read.
fn heard(answer: Result<String, kube::Error>) -> Result<(), kube::Error> {
    match answer {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) => {
            tracing::debug!(message = status.message, "an event was refused");
            Ok(())
        }
        Err(error) => Err(error),
    }
}
