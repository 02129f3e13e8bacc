//! `IAMPolicyGenerator`: the Kubernetes side of a workload identity on Google's cloud.

use crate::decode::Fields;
use crate::error::{Error, ErrorKind, Result};
use crate::resource::Resource;
use crate::yaml::{Map, Value};

/// The ServiceAccount that acts as a cloud account.
pub(super) fn generate(value: Value) -> Result<Resource> {
    let mut f = Fields::new(value, "an IAMPolicyGenerator")?;
    let pos = f.pos();
    let cloud = f.text("cloud")?;
    if cloud != "gke" {
        return Err(Error::new(ErrorKind::Kustomization, format!("cloud provider {cloud} is not supported; gke is")).at(pos));
    }
    let mut kubernetes = Fields::new(f.take("kubernetesService").unwrap_or_default(), "kubernetesService")?;
    let (namespace, name) = (kubernetes.text("namespace")?, kubernetes.text("name")?);
    let mut account = Fields::new(f.take("serviceAccount").unwrap_or_default(), "serviceAccount")?;
    let email = format!("{}@{}.iam.gserviceaccount.com", account.text("name")?, account.text("projectId")?);

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
