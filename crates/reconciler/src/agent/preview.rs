//! What the agent would do for an Application now, without doing it.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::mpsc::unbounded_channel;

use super::context::Context;
use super::{Agent, applications, turn};
use crate::live::{Api, ApiError, Kind, Live};
use crate::plan::Comparison;

/// An Application's plan: what its source says against what is live.
pub struct Preview {
    /// The commit that was rendered.
    pub revision: String,
    /// Whether what left Git would be deleted by an automated sync.
    pub prune: bool,
    /// Desired and live state, object by object.
    pub comparison: Arc<Comparison>,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// There is no such Application.
    #[error("there is no Application {name} in namespace {namespace}")]
    NotFound {
        /// Where it was looked for.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// The Application asks for something that cannot be honoured.
    #[error("{0}")]
    Unsupported(String),
    /// The source cannot be read or rendered.
    #[error(transparent)]
    Desired(#[from] crate::desired::Error),
    /// The cluster does not answer.
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl Agent {
    /// Renders and compares an Application's source as its next turn would, and changes nothing.
    ///
    /// # Errors
    /// There is no such Application, its source cannot be rendered, or the cluster does not answer.
    pub async fn preview(self, application: &str) -> Result<Preview, PreviewError> {
        let api = Api::new(self.client);
        let (live_changes, _live_changed) = unbounded_channel();
        let (app_changes, _app_changed) = unbounded_channel();
        let live = Live::new(api.clone(), live_changes);
        let resource = applications(&live).await;
        let name = (self.options.namespace.clone(), application.to_owned());
        let found = api.get(&resource, &name.0, &name.1).await?;
        let app = found.ok_or_else(|| PreviewError::NotFound { namespace: name.0.clone(), name: name.1.clone() })?;
        if let Some(reason) = turn::unsupported(&app) {
            return Err(PreviewError::Unsupported(reason));
        }
        let context = Context::new(live, Arc::new(Kind::new(resource)), app_changes, &self.options);
        let view = turn::look(&context, &app, &name).await?;
        let desired = view.desired?;
        Ok(Preview { revision: desired.commit, prune: prunes(&app), comparison: view.comparison })
    }
}

fn prunes(app: &Value) -> bool {
    app["spec"]["syncPolicy"]["automated"]["prune"] == true
}
