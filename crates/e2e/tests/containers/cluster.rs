//! The sandbox's API as the test sees it from the host.

use std::path::Path;
use std::time::Duration;

use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::wait::await_condition;
use serde_json::{Value, json};

/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
/// Where the Application puts what it delivers.
const NAMESPACE: &str = "gitopsfc-dev";

/// A client of the sandbox.
pub(crate) struct Cluster {
    client: kube::Client,
}

impl Cluster {
    /// Connects with the sandbox's kubeconfig by way of `address`: the name in it is known only among the containers.
    pub(crate) async fn connect(kubeconfig: &Path, address: &str) -> Cluster {
        let parsed = Kubeconfig::read_from(kubeconfig).expect("the sandbox writes a kubeconfig");
        let options = KubeConfigOptions::default();
        let mut config = kube::Config::from_custom_kubeconfig(parsed, &options).await.expect("the kubeconfig is whole");
        config.tls_server_name = config.cluster_url.host().map(str::to_owned);
        config.cluster_url = format!("https://{address}").parse().expect("an address");
        let cluster = Cluster { client: kube::Client::try_from(config).expect("the configuration is whole") };
        cluster.client.apiserver_version().await.expect("the sandbox answers from outside");
        cluster
    }

    fn api(&self, version: &str, kind: &str, namespace: Option<&str>) -> Api<DynamicObject> {
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }

    /// Applies an object as a user does.
    pub(crate) async fn apply(&self, object: &Value) {
        let word = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let (version, kind) = (word("/apiVersion").expect("a version"), word("/kind").expect("a kind"));
        let name = word("/metadata/name").expect("a name");
        let api = self.api(version, kind, word("/metadata/namespace"));
        api.patch(name, &PatchParams::apply("tester"), &Patch::Apply(object))
            .await
            .unwrap_or_else(|error| panic!("{kind} {name}: {error}"));
    }

    /// Brings in what an agent needs: the kinds, its namespace, the project default.
    pub(crate) async fn install(&self) {
        for crd in kinds() {
            self.apply(&crd).await;
            let name = crd["metadata"]["name"].as_str().expect("a name").to_owned();
            let api = self.api("apiextensions.k8s.io/v1", "CustomResourceDefinition", None);
            until(&api, &name, "established", |crd| {
                let conditions = crd.data["status"]["conditions"].as_array();
                conditions.into_iter().flatten().any(|c| c["type"] == "Established" && c["status"] == "True")
            })
            .await;
        }
        self.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}})).await;
        self.apply(&json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": {"name": "default", "namespace": "argocd"},
            "spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}], "clusterResourceWhitelist": [{"group": "*", "kind": "*"}]},
        }))
        .await;
    }

    /// Waits until the Application is synced and healthy at that commit.
    pub(crate) async fn settled(&self, commit: &str) {
        let api = self.api("argoproj.io/v1alpha1", "Application", Some("argocd"));
        until(&api, "goserver", &format!("synced and healthy at {commit}"), |app| {
            let status = &app.data["status"];
            status["sync"]["status"] == "Synced" && status["health"]["status"] == "Healthy" && status["sync"]["revision"] == commit
        })
        .await;
    }

    /// Waits for a ready Pod of that tag, and gives the port that its server listens on.
    pub(crate) async fn ready_pod(&self, tag: &str) -> String {
        let image = format!("user/gitopsfc:{tag}");
        let deployments = self.api("apps/v1", "Deployment", Some(NAMESPACE));
        until(&deployments, "goserver", &format!("rolled out with {image}"), |deployment| {
            let (spec, status) = (&deployment.data["spec"], &deployment.data["status"]);
            spec["template"]["spec"]["containers"][0]["image"] == image.as_str()
                && status["observedGeneration"].as_i64() == deployment.metadata.generation
                && status["updatedReplicas"] == spec["replicas"]
                && status["availableReplicas"] == spec["replicas"]
                && status["replicas"] == spec["replicas"]
        })
        .await;
        let pods = self.api("v1", "Pod", Some(NAMESPACE)).list(&ListParams::default()).await.expect("Pods can be listed");
        let pod = pods
            .iter()
            .find(|pod| pod.metadata.deletion_timestamp.is_none() && pod.data["spec"]["containers"][0]["image"] == image.as_str())
            .expect("a Pod of the new version runs");
        port(pod)
    }

    /// The Service's uid.
    pub(crate) async fn service_uid(&self) -> Option<String> {
        self.api("v1", "Service", Some(NAMESPACE)).get("goserver-service").await.ok()?.metadata.uid
    }

    /// Deletes the Service as a vandal would.
    pub(crate) async fn delete_service(&self) {
        self.api("v1", "Service", Some(NAMESPACE))
            .delete("goserver-service", &DeleteParams::default())
            .await
            .expect("the Service can be deleted");
    }

    /// Waits until the Service is there again, as another one than before.
    pub(crate) async fn service_is_back(&self, before: &str) {
        let api = self.api("v1", "Service", Some(NAMESPACE));
        until(&api, "goserver-service", "back", |service| service.metadata.uid.as_deref() != Some(before)).await;
    }

    /// Waits until nothing was written for that long: the last Pods of old versions are gone by then.
    pub(crate) async fn calm(&self, time: Duration) {
        let deadline = tokio::time::Instant::now() + LIMIT;
        loop {
            let before = self.version().await;
            tokio::time::sleep(time).await;
            if self.version().await == before {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "something is still written after {} s", LIMIT.as_secs());
        }
    }

    async fn version(&self) -> u64 {
        let list = self.api("v1", "Namespace", None).list(&ListParams::default()).await.expect("namespaces can be listed");
        list.metadata.resource_version.and_then(|version| version.parse().ok()).expect("a list has a version")
    }
}

/// What `fiel crds` prints.
fn kinds() -> Vec<Value> {
    let file = std::env::var("FIEL_E2E_CRDS").expect("run cargo xtask e2e --on containers");
    let text = std::fs::read_to_string(file).expect("the kinds were printed");
    let documents = text.split("\n---\n").filter(|one| !one.trim_matches(['-', '\n']).is_empty());
    documents.map(|one| serde_yaml::from_str(one).expect("a kind is YAML")).collect()
}

/// The port that the node gave to the Pod's server: the annotation maps container ports to ports of the node.
fn port(pod: &DynamicObject) -> String {
    let ports = pod.metadata.annotations.as_ref().and_then(|all| all.get("sandbox.fiel.dev/ports")).expect("the node tells the ports");
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    digits(ports.rsplit([':', '=']).next().expect("a port"))
}

/// Waits, by watching, until the object is as wanted.
async fn until(api: &Api<DynamicObject>, name: &str, what: &str, wanted: impl Fn(&DynamicObject) -> bool) {
    let condition = |object: Option<&DynamicObject>| object.is_some_and(&wanted);
    if tokio::time::timeout(LIMIT, await_condition(api.clone(), name, condition)).await.is_ok_and(|waited| waited.is_ok()) {
        return;
    }
    let found = api.get(name).await.map(|object| object.data["status"].to_string());
    panic!("{name} is not {what} after {} s: {found:?}", LIMIT.as_secs());
}
