//! `IAMPolicyGenerator`: the Kubernetes side of a workload identity on Google's cloud.

use crate::decode::Fields;
use crate::error::{Error, ErrorKind, Result};
use crate::resource::Resource;
use crate::yaml::{Map, Value};

/// The ServiceAccount that acts as a cloud account.
pub(super) fn generate(value: Value) -> Result<Resource> {
    let pair =
        |value, what, fields: [&'static str; 2]| Fields::new(value, what)?.read_known(|f| Ok((f.text(fields[0]), f.text(fields[1]))));
    let ((namespace, name), (account, project)) = Fields::new(value, "an IAMPolicyGenerator")?.read_known(|f| {
        let cloud = f.text("cloud");
        let kubernetes = f.nested("kubernetesService", |value| pair(value, "kubernetesService", ["namespace", "name"]));
        let account = f.nested("serviceAccount", |value| pair(value, "serviceAccount", ["name", "projectId"]));
        if cloud != "gke" {
            let message = format!("cloud provider {cloud} is not supported; gke is");
            return Err(Error::new(ErrorKind::Kustomization, message).at(f.pos()));
        }
        let kubernetes = kubernetes.unwrap_or_default();
        if kubernetes.1.is_empty() {
            return Err(Error::new(ErrorKind::Kustomization, "kubernetesService needs a name").at(f.pos()));
        }
        Ok((kubernetes, account.unwrap_or_default()))
    })?;
    let email = format!("{account}@{project}.iam.gserviceaccount.com");

    let mut metadata = map([("annotations", Value::map(map([("iam.gke.io/gcp-service-account", Value::string(email))])))]);
    if !namespace.is_empty() {
        metadata.insert("namespace", Value::string(namespace));
    }
    metadata.insert("name", Value::string(name));
    let fields = [("apiVersion", Value::string("v1")), ("kind", Value::string("ServiceAccount")), ("metadata", Value::map(metadata))];
    Ok(Resource::new(Value::map(map(fields))))
}

fn map<const N: usize>(fields: [(&str, Value); N]) -> Map {
    let mut map = Map::new();
    for (key, value) in fields {
        map.insert(key, value);
    }
    map
}
