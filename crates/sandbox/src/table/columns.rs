//! Which columns each kind has.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{
    age, containers, count, each, external, has_condition, job_duration, job_status, joined, node_roles, node_status, or_none, pairs,
    service_ports,
};
use super::path;
use super::pod::Glance;

/// Makes a cell.
type Cell = Arc<dyn Fn(&Value, Timestamp) -> Value>;

/// One column.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) format: String,
    pub(super) description: String,
    /// 0 is always printed, more only in wide output.
    pub(super) priority: i64,
    pub(super) cell: Cell,
}

impl Column {
    fn new(name: &str, kind: &str, cell: impl Fn(&Value, Timestamp) -> Value + 'static) -> Self {
        let format = if name == "Name" { "name" } else { "" };
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            format: format.to_owned(),
            description: String::new(),
            priority: 0,
            cell: Arc::new(cell),
        }
    }

    fn wide(mut self) -> Self {
        self.priority = 1;
        self
    }
}

fn text(name: &str, cell: impl Fn(&Value) -> Value + 'static) -> Column {
    Column::new(name, "string", move |object, _| cell(object))
}

fn number(name: &str, pointer: &'static str) -> Column {
    Column::new(name, "integer", move |object, _| json!(object.pointer(pointer).map_or(0, count)))
}

fn field(name: &str, pointer: &'static str) -> Column {
    text(name, move |object| object.pointer(pointer).map_or_else(|| json!(super::cells::NONE), or_none))
}

const UNSET: &str = "<unset>";

/// A text, or what stands there where it is not given.
fn given(name: &str, pointer: &'static str, otherwise: &'static str) -> Column {
    text(name, move |object| json!(object.pointer(pointer).and_then(Value::as_str).unwrap_or(otherwise)))
}

/// Whether a claim has its volume.
fn is_bound(claim: &Value) -> bool {
    claim["spec"]["volumeName"].as_str().is_some_and(|name| !name.is_empty())
}

/// How far a claim or a volume is.
fn storage_phase(object: &Value) -> Value {
    if object["metadata"]["deletionTimestamp"].is_null() { json!(path::text(&object["status"]["phase"])) } else { json!("Terminating") }
}

/// How much storage there is.
fn size(amounts: &Value) -> Value {
    json!(amounts["storage"].as_str().unwrap_or("0"))
}

/// How storage may be used, in short.
fn modes(list: &Value) -> Value {
    const SHORT: [(&str, &str); 4] =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    let had = SHORT.iter().filter(|(mode, _)| each(list).any(|one| one == mode));
    json!(had.map(|(_, short)| *short).collect::<Vec<_>>().join(","))
}

/// The subjects of one kind that a binding names.
fn subjects(name: &str, kind: &'static str) -> Column {
    text(name, move |object| {
        let all = object["subjects"].as_array().into_iter().flatten().filter(|subject| subject["kind"] == kind);
        let shown = all.map(|subject| match kind {
            "ServiceAccount" => format!("{}/{}", subject["namespace"].as_str().unwrap_or_default(), path::text(&subject["name"])),
            _ => path::text(&subject["name"]),
        });
        json!(shown.collect::<Vec<_>>().join(", "))
    })
}

fn created() -> Column {
    Column::new("Age", "string", |object, now| age(&object["metadata"]["creationTimestamp"], now))
}

fn named() -> Column {
    text("Name", |object| match object["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"].as_str() {
        Some("true") if object["kind"] == "StorageClass" => json!(format!("{} (default)", path::text(&object["metadata"]["name"]))),
        _ => object["metadata"]["name"].clone(),
    })
}

/// `ready/wanted` of two counts.
fn ratio(name: &str, have: &'static str, want: &'static str) -> Column {
    let at = |object: &Value, pointer: &str| object.pointer(pointer).map_or(0, count);
    text(name, move |object| json!(format!("{}/{}", at(object, have), at(object, want))))
}

/// What runs in a workload's Pods, for wide output.
fn template() -> [Column; 3] {
    template_in(|object| &object["spec"])
}

/// The same for a kind whose Pods' template and selector are elsewhere.
fn template_in(of: fn(&Value) -> &Value) -> [Column; 3] {
    [
        text("Containers", move |object| containers(&of(object)["template"]["spec"], "name")).wide(),
        text("Images", move |object| containers(&of(object)["template"]["spec"], "image")).wide(),
        text("Selector", move |object| {
            let selector = &of(object)["selector"];
            // The oldest of them has labels and nothing else.
            pairs(if object["kind"] == "ReplicationController" { selector } else { &selector["matchLabels"] })
        })
        .wide(),
    ]
}

/// How many keys a map has.
fn keys(value: &Value) -> usize {
    value.as_object().map_or(0, serde_json::Map::len)
}

/// The columns of a built-in kind; name and age for those that have no others.
pub(super) fn columns_of(group: &str, kind: &str) -> Vec<Column> {
    let mut columns = vec![named()];
    match (group, kind) {
        ("", "Pod") => columns.extend(pod()),
        ("", "Service") => columns.extend(service()),
        ("", "ConfigMap") => columns
            .extend([Column::new("Data", "string", |object, _| json!(keys(&object["data"]) + keys(&object["binaryData"]))), created()]),
        ("", "Secret") => {
            columns.extend([field("Type", "/type"), Column::new("Data", "string", |object, _| json!(keys(&object["data"]))), created()]);
        }
        ("", "Namespace") => columns.extend([field("Status", "/status/phase"), created()]),
        ("", "Node") => columns.extend([
            text("Status", |object| json!(node_status(object))),
            text("Roles", node_roles),
            created(),
            field("Version", "/status/nodeInfo/kubeletVersion"),
            text("Internal-IP", |object| {
                let address = each(&object["status"]["addresses"]).find(|one| one["type"] == "InternalIP");
                address.map_or_else(|| json!(super::cells::NONE), |one| or_none(&one["address"]))
            })
            .wide(),
        ]),
        ("", "Event") => columns = event(),
        ("", "PersistentVolumeClaim") => columns.extend([
            text("Status", storage_phase),
            given("Volume", "/spec/volumeName", ""),
            text("Capacity", |claim| if is_bound(claim) { size(&claim["status"]["capacity"]) } else { json!("") }),
            text("Access Modes", |claim| if is_bound(claim) { modes(&claim["status"]["accessModes"]) } else { json!("") }),
            given("StorageClass", "/spec/storageClassName", ""),
            given("VolumeAttributesClass", "/spec/volumeAttributesClassName", UNSET),
            created(),
            given("VolumeMode", "/spec/volumeMode", UNSET).wide(),
        ]),
        ("", "PersistentVolume") => columns.extend([
            text("Capacity", |volume| size(&volume["spec"]["capacity"])),
            text("Access Modes", |volume| modes(&volume["spec"]["accessModes"])),
            given("Reclaim Policy", "/spec/persistentVolumeReclaimPolicy", ""),
            text("Status", storage_phase),
            text("Claim", |volume| match &volume["spec"]["claimRef"] {
                Value::Null => json!(""),
                claim => json!(format!("{}/{}", path::text(&claim["namespace"]), path::text(&claim["name"]))),
            }),
            given("StorageClass", "/spec/storageClassName", ""),
            given("VolumeAttributesClass", "/spec/volumeAttributesClassName", UNSET),
            given("Reason", "/status/reason", ""),
            created(),
            given("VolumeMode", "/spec/volumeMode", UNSET).wide(),
        ]),
        ("", "Endpoints") => columns.extend([text("Endpoints", endpoints), created()]),
        ("discovery.k8s.io", "EndpointSlice") => columns.extend([
            field("AddressType", "/addressType"),
            text("Ports", |object| joined(each(&object["ports"]).map(|port| count(&port["port"]).to_string()))),
            text("Endpoints", |object| joined(each(&object["endpoints"]).flat_map(|one| each(&one["addresses"])).map(path::text))),
            created(),
        ]),
        ("apps", "Deployment") => {
            columns.extend([
                ratio("Ready", "/status/readyReplicas", "/spec/replicas"),
                text("Up-to-date", |object| json!(count(&object["status"]["updatedReplicas"]))),
                text("Available", |object| json!(count(&object["status"]["availableReplicas"]))),
                created(),
            ]);
            columns.extend(template());
        }
        ("apps", "ReplicaSet") | ("", "ReplicationController") => {
            columns.extend([
                number("Desired", "/spec/replicas"),
                number("Current", "/status/replicas"),
                number("Ready", "/status/readyReplicas"),
                created(),
            ]);
            columns.extend(template());
        }
        ("apps", "StatefulSet") => {
            columns.extend([ratio("Ready", "/status/readyReplicas", "/spec/replicas"), created()]);
            columns.extend(template().into_iter().take(2));
        }
        ("apps", "DaemonSet") => {
            columns.extend([
                number("Desired", "/status/desiredNumberScheduled"),
                number("Current", "/status/currentNumberScheduled"),
                number("Ready", "/status/numberReady"),
                number("Up-to-date", "/status/updatedNumberScheduled"),
                number("Available", "/status/numberAvailable"),
                text("Node Selector", |object| pairs(&object["spec"]["template"]["spec"]["nodeSelector"])),
                created(),
            ]);
            columns.extend(template());
        }
        ("batch", "Job") => {
            columns.extend([
                text("Status", |object| json!(job_status(object))),
                ratio("Completions", "/status/succeeded", "/spec/completions"),
                Column::new("Duration", "string", job_duration),
                created(),
            ]);
            columns.extend(template());
        }
        ("batch", "CronJob") => {
            columns.extend([
                field("Schedule", "/spec/schedule"),
                field("Timezone", "/spec/timeZone"),
                Column::new("Suspend", "boolean", |object, _| json!(if object["spec"]["suspend"] == true { "True" } else { "False" })),
                Column::new("Active", "integer", |object, _| json!(each(&object["status"]["active"]).count())),
                Column::new("Last Schedule", "string", |object, now| match &object["status"]["lastScheduleTime"] {
                    Value::Null => json!(super::cells::NONE),
                    time => age(time, now),
                }),
                created(),
            ]);
            columns.extend(template_in(|object| &object["spec"]["jobTemplate"]["spec"]));
        }
        ("networking.k8s.io", "Ingress") => columns.extend(ingress()),
        ("networking.k8s.io", "NetworkPolicy") => {
            columns.extend([text("Pod-Selector", |object| pairs(&object["spec"]["podSelector"]["matchLabels"])), created()]);
        }
        ("autoscaling", "HorizontalPodAutoscaler") => columns.extend([
            text("Reference", |object| {
                let target = &object["spec"]["scaleTargetRef"];
                json!(format!("{}/{}", path::text(&target["kind"]), path::text(&target["name"])))
            }),
            text("Targets", |object| json!(super::metrics::shown(object))),
            text("MinPods", |object| match &object["spec"]["minReplicas"] {
                Value::Null => json!("<unset>"),
                least => json!(path::text(least)),
            }),
            text("MaxPods", |object| json!(count(&object["spec"]["maxReplicas"]))),
            text("Replicas", |object| json!(count(&object["status"]["currentReplicas"]))),
            created(),
        ]),
        ("policy", "PodDisruptionBudget") => columns.extend([
            text("Min Available", |object| amount(&object["spec"]["minAvailable"])),
            text("Max Unavailable", |object| amount(&object["spec"]["maxUnavailable"])),
            number("Allowed Disruptions", "/status/disruptionsAllowed"),
            created(),
        ]),
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => {
            columns.push(Column::new("Created At", "date", |object, _| object["metadata"]["creationTimestamp"].clone()));
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => columns.extend([
            text("Role", |object| json!(format!("{}/{}", path::text(&object["roleRef"]["kind"]), path::text(&object["roleRef"]["name"])))),
            created(),
            subjects("Users", "User").wide(),
            subjects("Groups", "Group").wide(),
            subjects("ServiceAccounts", "ServiceAccount").wide(),
        ]),
        ("coordination.k8s.io", "Lease") => columns.extend([field("Holder", "/spec/holderIdentity"), created()]),
        ("storage.k8s.io", "StorageClass") => columns.extend([
            field("Provisioner", "/provisioner"),
            field("ReclaimPolicy", "/reclaimPolicy"),
            field("VolumeBindingMode", "/volumeBindingMode"),
            text("AllowVolumeExpansion", |class| json!(class["allowVolumeExpansion"] == true)),
            created(),
        ]),
        ("scheduling.k8s.io", "PriorityClass") => columns.extend([
            number("Value", "/value"),
            Column::new("Global-Default", "boolean", |class, _| json!(class["globalDefault"] == true)),
            created(),
            field("PreemptionPolicy", "/preemptionPolicy"),
        ]),
        ("networking.k8s.io", "IngressClass") => columns.extend([
            field("Controller", "/spec/controller"),
            text("Parameters", |class| match &class["spec"]["parameters"] {
                Value::Null => json!(super::cells::NONE),
                of => {
                    let group = of["apiGroup"].as_str().map(|group| format!(".{group}")).unwrap_or_default();
                    json!(format!("{}{group}/{}", path::text(&of["kind"]), path::text(&of["name"])))
                }
            }),
            created(),
        ]),
        ("apiextensions.k8s.io", "CustomResourceDefinition") | ("", "LimitRange") => {
            columns.push(Column::new("Created At", "date", |object, _| object["metadata"]["creationTimestamp"].clone()));
        }
        _ => columns.push(created()),
    }
    columns
}

fn pod() -> Vec<Column> {
    vec![
        text("Ready", |pod| json!(Glance::of(pod).ready())),
        text("Status", |pod| json!(Glance::of(pod).word)),
        Column::new("Restarts", "string", |pod, now| json!(Glance::of(pod).restarts(now))),
        created(),
        field("IP", "/status/podIP").wide(),
        field("Node", "/spec/nodeName").wide(),
        field("Nominated Node", "/status/nominatedNodeName").wide(),
        text("Readiness Gates", |pod| {
            let gates = each(&pod["spec"]["readinessGates"]).collect::<Vec<_>>();
            let met = |gate: &&&Value| gate["conditionType"].as_str().is_some_and(|kind| has_condition(&pod["status"], kind));
            json!(if gates.is_empty() {
                super::cells::NONE.to_owned()
            } else {
                format!("{}/{}", gates.iter().filter(met).count(), gates.len())
            })
        })
        .wide(),
    ]
}

fn service() -> Vec<Column> {
    vec![
        field("Type", "/spec/type"),
        field("Cluster-IP", "/spec/clusterIP"),
        text("External-IP", external),
        text("Port(s)", service_ports),
        created(),
        text("Selector", |service| pairs(&service["spec"]["selector"])).wide(),
    ]
}

fn event() -> Vec<Column> {
    vec![
        Column::new("Last Seen", "string", |event, now| {
            let times = ["lastTimestamp", "eventTime", "firstTimestamp"].map(|name| &event[name]);
            age(times.into_iter().find(|time| time.is_string()).unwrap_or(&event["metadata"]["creationTimestamp"]), now)
        }),
        field("Type", "/type"),
        field("Reason", "/reason"),
        text("Object", |event| {
            let about = &event["involvedObject"];
            json!(format!("{}/{}", path::text(&about["kind"]).to_lowercase(), path::text(&about["name"])))
        }),
        text("Message", |event| json!(event["message"].as_str().unwrap_or_default().trim())),
        named().wide(),
    ]
}

fn ingress() -> Vec<Column> {
    vec![
        field("Class", "/spec/ingressClassName"),
        text("Hosts", |ingress| {
            let hosts: Vec<String> = each(&ingress["spec"]["rules"]).filter_map(|rule| rule["host"].as_str().map(str::to_owned)).collect();
            if hosts.is_empty() { json!("*") } else { joined(hosts.into_iter()) }
        }),
        text("Address", |ingress| {
            let addresses = each(&ingress["status"]["loadBalancer"]["ingress"])
                .filter_map(|one| one["ip"].as_str().or_else(|| one["hostname"].as_str()));
            json!(addresses.collect::<Vec<_>>().join(","))
        }),
        text("Ports", |ingress| json!(if each(&ingress["spec"]["tls"]).next().is_some() { "80, 443" } else { "80" })),
        created(),
    ]
}

fn endpoints(object: &Value) -> Value {
    joined(each(&object["subsets"]).flat_map(|subset| {
        let ports: Vec<i64> = each(&subset["ports"]).map(|port| count(&port["port"])).collect();
        let addresses = each(&subset["addresses"]).map(|one| path::text(&one["ip"]));
        addresses.flat_map(move |ip| ports.iter().map(|port| format!("{ip}:{port}")).collect::<Vec<_>>()).collect::<Vec<_>>()
    }))
}

/// A number or a share, `N/A` where it is not given.
fn amount(value: &Value) -> Value {
    if value.is_null() { json!("N/A") } else { json!(path::text(value)) }
}

/// The columns that a CustomResourceDefinition names; only the age where it names none.
pub(super) fn custom(columns: &Value) -> Vec<Column> {
    let mut out = vec![named()];
    let given: Vec<&Value> = each(columns).collect();
    if given.is_empty() {
        out.push(Column::new("Age", "date", |object, now| age(&object["metadata"]["creationTimestamp"], now)));
    }
    for column in given {
        let word = |name: &str| column[name].as_str().unwrap_or_default().to_owned();
        let (kind, at) = (word("type"), word("jsonPath"));
        let date = kind == "date";
        let whole = matches!(kind.as_str(), "integer" | "number" | "boolean");
        let cell = move |object: &Value, now: Timestamp| match path::first(object, &at) {
            None | Some(Value::Null) => Value::Null,
            Some(found) if date => age(found, now),
            Some(found) if whole => found.clone(),
            Some(found) => json!(path::text(found)),
        };
        let mut column_of = Column::new(&word("name"), &kind, cell);
        column_of.format = word("format");
        column_of.description = match word("description") {
            none if none.is_empty() => format!("Custom resource definition column (in JSONPath format): {}", word("jsonPath")),
            given => given,
        };
        column_of.priority = column["priority"].as_i64().unwrap_or(0);
        out.push(column_of);
    }
    out
}
