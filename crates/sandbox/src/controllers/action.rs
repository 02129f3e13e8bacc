//! What a controller wants done, and doing it.

use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions, Request};
use serde_json::{Value, json};

use super::MANAGER;
use super::kind::Kind;
use super::object::{Object, key, uid};
use super::world::Name;

/// One request to the API.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// Makes an object.
    Create(Kind, Box<Object>),
    /// Merges a patch into an object.
    Merge(Kind, Name, Value),
    /// Merges a patch into an object's status.
    Status(Kind, Name, Value),
    /// Applies these fields of an object under the name of a manager, which takes them from all others.
    Apply(Kind, Name, &'static str, Value),
    /// Deletes exactly this object: a namesake with another uid is left alone.
    Delete(Kind, Name, String),
}

/// What the API answered.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The object as it is now.
    Now(Kind, Box<Object>),
    /// The object of this uid is no more.
    Gone(Kind, Name, String),
    /// The object of this uid was no more already.
    Absent(Kind, Name, String),
}

impl Action {
    /// Deletes `object`.
    pub(crate) fn delete(kind: Kind, object: &Object) -> Self {
        Self::Delete(kind, key(object), uid(object).to_owned())
    }

    /// Merges `patch` into `object`.
    pub(crate) fn merge(kind: Kind, object: &Object, patch: Value) -> Self {
        Self::Merge(kind, key(object), patch)
    }

    /// Merges `patch`, which has the field `status`, into the status of `object`.
    pub(crate) fn status(kind: Kind, object: &Object, patch: Value) -> Self {
        Self::Status(kind, key(object), patch)
    }

    /// Whether it does nothing but count: how many Pods there are, and which are ready. What other statuses say depends on the steps in between.
    pub(crate) fn counts(&self) -> bool {
        matches!(self, Self::Status(Kind::ReplicaSet, ..) | Self::Merge(Kind::Endpoints | Kind::EndpointSlice, ..))
    }

    /// Sends the request. What is already gone when it should be deleted is no error.
    pub(crate) async fn carry_out(&self, client: &kube::Client) -> Result<Outcome, kube::Error> {
        match *self {
            Self::Create(kind, ref object) => {
                let api = kind.api(client, object.metadata.namespace.as_deref().unwrap_or_default());
                let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
                api.create(&params, object).await.map(|object| Outcome::Now(kind, Box::new(object)))
            }
            Self::Merge(kind, (ref namespace, ref name), ref patch) => {
                let patched = kind.api(client, namespace).patch(name, &params(), &Patch::Merge(patch)).await;
                patched.map(|object| Outcome::Now(kind, Box::new(object)))
            }
            Self::Status(kind, (ref namespace, ref name), ref patch) => {
                let patched = kind.api(client, namespace).patch_status(name, &params(), &Patch::Merge(patch)).await;
                patched.map(|object| Outcome::Now(kind, Box::new(object)))
            }
            Self::Apply(kind, (ref namespace, ref name), manager, ref fields) => {
                let mut fields = fields.clone();
                fields["apiVersion"] = kind.api_version().into();
                fields["kind"] = kind.name().into();
                fields["metadata"] = json!({ "name": name });
                let params = PatchParams::apply(manager).force();
                let applied = kind.api(client, namespace).patch(name, &params, &Patch::Apply(fields)).await;
                applied.map(|object| Outcome::Now(kind, Box::new(object)))
            }
            Self::Delete(kind, ref name, ref uid) => {
                let only_this = Preconditions { uid: Some(uid.clone()), resource_version: None };
                let params = DeleteParams::background().preconditions(only_this);
                // Of an `Api` the answer would be read twice, to see what it is.
                let request = Request::new(kind.path(&name.0)).delete(&name.1, &params).map_err(kube::Error::BuildRequest)?;
                match client.request::<Object>(request).await {
                    Ok(answer) if answer.data["kind"] == "Status" => Ok(Outcome::Gone(kind, name.clone(), uid.clone())),
                    // Something may still hold it: then it is returned with its time of deletion.
                    Ok(object) => Ok(Outcome::Now(kind, Box::new(object))),
                    Err(error) if is_status(&error, 404) => Ok(Outcome::Absent(kind, name.clone(), uid.clone())),
                    Err(error) => Err(error),
                }
            }
        }
    }
}

fn params() -> PatchParams {
    PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() }
}

/// Whether the API refused with this HTTP status.
pub(crate) fn is_status(error: &kube::Error, code: u16) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == code)
}
