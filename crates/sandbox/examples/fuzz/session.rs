//! A session: some requests about few objects.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kinds::{KINDS, Kind, NAMES};
use crate::mutate::{Edit, enrich, partial, paths, spoil};
use crate::play::Answer;
use crate::random::Random;
use crate::schema::Schemas;
use crate::{Error, custom, patch};

/// What is sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Body {
    None,
    Json(Value),
    Raw(String),
    /// The object of this name as it was last answered, with changes.
    Edited {
        of: String,
        edits: Vec<Edit>,
    },
}

/// `NAMESPACE` and `GROUP` in it stand for those of the place, `<version one>` and `<uid one>` for those of the object `one` as it was last answered,
/// `<continue>` for what the last list was.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) content_type: Option<String>,
    pub(crate) accept: Option<String>,
    pub(crate) body: Body,
}

#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) requests: Vec<Request>,
}

impl Session {
    /// The requests up to this one.
    pub(crate) fn until(&self, last: usize) -> Self {
        Self { requests: self.requests[..=last].to_vec() }
    }

    pub(crate) fn listing(&self) -> String {
        let mut text = String::new();
        for request in &self.requests {
            let heads = [&request.content_type, &request.accept].map(|head| head.as_deref().unwrap_or_default());
            let heads = heads.join(" ").trim().to_owned();
            let body = match &request.body {
                Body::None => String::new(),
                Body::Json(value) => value.to_string(),
                Body::Raw(raw) => raw.clone(),
                Body::Edited { of, edits } => {
                    format!("{of} as it was last answered with {}", serde_json::to_string(edits).unwrap_or_default())
                }
            };
            let _ = writeln!(text, "{} {} {heads}\n   {body}", request.method, request.path);
        }
        text
    }

    /// As a file of `tests/recorded`, without the answers: what was sent, but for what only the server that it was sent to could know.
    pub(crate) fn recordable(&self, namespace: &str, answers: &[Answer]) -> Result<String, Error> {
        let mut all =
            vec![json!({"title": "a namespace", "request": "POST /api/v1/namespaces", "body": {"metadata": {"name": namespace}}})];
        for (index, (request, answer)) in self.requests.iter().zip(answers).enumerate() {
            let (path, body) = &answer.sent;
            let mut one = json!({"title": format!("request {index}"), "request": format!("{} {path}", request.method)});
            if let Some(content_type) = &request.content_type {
                one["content_type"] = content_type.as_str().into();
            }
            let mut value: Value = serde_json::from_str(body).unwrap_or_default();
            if value.to_string().len() < body.len() {
                one["raw"] = body.as_str().into();
            } else if !value.is_null() {
                let edited = matches!(request.body, Body::Edited { .. });
                if let Some(metadata) = value["metadata"].as_object_mut().filter(|_| edited) {
                    metadata.retain(|name, _| !["uid", "resourceVersion", "managedFields", "creationTimestamp"].contains(&name.as_str()));
                }
                one["body"] = value;
            }
            all.push(one);
        }
        Ok(serde_yaml::to_string(&all)?)
    }
}

/// A kind in a session: of Kubernetes' own, or of the session's definition.
enum Subject {
    Own(&'static Kind),
    Custom { spec: Value },
}

impl Subject {
    fn collection(&self) -> String {
        match self {
            Subject::Own(kind) => format!("{}/namespaces/NAMESPACE/{}", kind.prefix, kind.resource),
            Subject::Custom { .. } => "/apis/GROUP/v1/namespaces/NAMESPACE/things".to_owned(),
        }
    }

    /// An object with what it has of `metadata`, likely fields and, if wished, mistakes.
    fn object(&self, random: &mut Random, schemas: &Schemas, name: &str) -> Value {
        match self {
            Subject::Own(kind) => {
                let mut object = kind.object(random, name);
                for _ in 0..[0, 0, 1, 2][random.below(4)] {
                    enrich(random, schemas, kind.kind, &mut object);
                }
                object
            }
            Subject::Custom { spec } => custom::object(random, spec, name),
        }
    }

    fn status(&self, random: &mut Random, schemas: &Schemas) -> Value {
        match self {
            Subject::Own(kind) => schemas.sample(random, schemas.inside(schemas.of(kind.kind), "status"), "status", 2),
            Subject::Custom { .. } => json!({"replicas": random.below(5), "phase": "b", "unknown": 1}),
        }
    }
}

struct Writer<'a> {
    random: Random,
    schemas: &'a Schemas,
    requests: Vec<Request>,
}

/// The session of a seed.
pub(crate) fn session(seed: u64, schemas: &Schemas) -> Session {
    let mut writer = Writer { random: Random::new(seed), schemas, requests: Vec::new() };
    let subject = if writer.random.chance(20) {
        let (mut definition, spec) = custom::definition(&mut writer.random);
        if writer.random.chance(25) {
            spoil(&mut writer.random, &definition.clone()).apply(&mut definition);
        }
        writer.push("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", None, Body::Json(definition));
        Subject::Custom { spec }
    } else {
        Subject::Own(&KINDS[writer.random.below(KINDS.len())])
    };
    // Most sessions begin with what they are about, and without mistakes.
    if writer.random.chance(80) {
        for name in NAMES {
            let object = subject.object(&mut writer.random, schemas, name);
            writer.push("POST", &subject.collection(), None, Body::Json(object));
        }
    }
    for _ in 0..4 + writer.random.below(14) {
        writer.step(&subject);
    }
    Session { requests: writer.requests }
}

impl Writer<'_> {
    fn push(&mut self, method: &str, path: &str, content_type: Option<&str>, body: Body) {
        let (method, path) = (method.to_owned(), path.to_owned());
        self.requests.push(Request { method, path, content_type: content_type.map(str::to_owned), accept: None, body });
    }

    fn look(&mut self, path: String, accept: Option<String>) {
        self.requests.push(Request { method: "GET".to_owned(), path, content_type: None, accept, body: Body::None });
    }

    fn step(&mut self, subject: &Subject) {
        match self.random.below(100) {
            0..=17 => self.create(subject),
            18..=32 => self.update(subject),
            33..=49 => self.apply(subject),
            50..=72 => self.patch(subject),
            73..=78 => self.status(subject),
            79..=82 => self.scale(subject),
            83..=88 => self.delete(subject),
            89..=91 => self.get(subject),
            _ => self.list(subject),
        }
    }

    fn name(&mut self) -> &'static str {
        if self.random.chance(4) { self.random.pick(&["none", "Bad_Name", "a.b"]) } else { NAMES[self.random.below(NAMES.len())] }
    }

    /// An object as it is wished for, often with something wrong.
    fn wanted(&mut self, subject: &Subject, name: &str) -> Value {
        let mut object = subject.object(&mut self.random, self.schemas, name);
        for _ in 0..[0, 0, 0, 0, 1, 1, 2][self.random.below(7)] {
            spoil(&mut self.random, &object).apply(&mut object);
        }
        object
    }

    /// Parameters that writes have.
    fn parameters(&mut self, more: &[&str]) -> String {
        let mut all: Vec<&str> = more.to_vec();
        if self.random.chance(25) {
            all.push(self.random.pick(&["fieldManager=m1", "fieldManager=m2", "fieldManager=m1", "fieldManager=a%00b"]));
        }
        if self.random.chance(50) {
            all.push(self.random.pick(&[
                "fieldValidation=Strict",
                "fieldValidation=Strict",
                "fieldValidation=Ignore",
                "fieldValidation=Warn",
            ]));
        }
        if self.random.chance(10) {
            all.push(self.random.pick(&["dryRun=All", "dryRun=All", "dryRun=Some", "fieldValidation=Other", "pretty=true"]));
        }
        if all.is_empty() { String::new() } else { format!("?{}", all.join("&")) }
    }

    fn create(&mut self, subject: &Subject) {
        let name = self.name();
        let object = self.wanted(subject, name);
        let path = format!("{}{}", subject.collection(), self.parameters(&[]));
        self.push("POST", &path, None, Body::Json(object));
    }

    fn update(&mut self, subject: &Subject) {
        let name = self.name();
        let path = format!("{}/{name}", subject.collection());
        let wanted = self.wanted(subject, name);
        let parameters = self.parameters(&[]);
        let body = match self.random.chance(80) {
            true => {
                let all = paths(&wanted);
                let mut edits = Vec::new();
                for _ in 0..1 + self.random.below(2) {
                    if self.random.chance(50) {
                        edits.push(spoil(&mut self.random, &wanted));
                    } else {
                        let at = all[self.random.below(all.len())].clone();
                        edits.push(Edit { value: wanted.pointer(&at).cloned(), at });
                    }
                }
                if self.random.chance(15) {
                    let version = self.random.pick(&["", "1", "x"]);
                    edits.push(Edit { at: "/metadata/resourceVersion".to_owned(), value: (!version.is_empty()).then(|| version.into()) });
                }
                Body::Edited { of: name.to_owned(), edits }
            }
            false => Body::Json(wanted),
        };
        self.push("PUT", &format!("{path}{parameters}"), None, body);
    }

    fn apply(&mut self, subject: &Subject) {
        let name = self.name();
        let path = format!("{}/{name}", subject.collection());
        let keep = [100, 100, 80, 50][self.random.below(4)];
        let wanted = self.wanted(subject, name);
        let object = partial(&mut self.random, &wanted, keep);
        let mut more = vec![self.random.pick(&["fieldManager=m1", "fieldManager=m2", "fieldManager=m3"])];
        if self.random.chance(4) {
            more.clear();
        }
        if self.random.chance(35) {
            more.push("force=true");
        }
        let parameters = self.parameters(&more);
        self.push("PATCH", &format!("{path}{parameters}"), Some("application/apply-patch+yaml"), Body::Json(object));
    }

    fn patch(&mut self, subject: &Subject) {
        let name = self.name();
        let path = format!("{}/{name}", subject.collection());
        let now = subject.object(&mut self.random, self.schemas, name);
        let wanted = self.wanted(subject, name);
        let (content_type, patch) = match self.random.below(3) {
            0 => ("application/json-patch+json", patch::json_patch(&mut self.random, &now, &wanted)),
            1 => ("application/merge-patch+json", patch::merge(&mut self.random, &wanted)),
            _ => ("application/strategic-merge-patch+json", patch::strategic(&mut self.random, &wanted)),
        };
        let parameters = self.parameters(&[]);
        self.push("PATCH", &format!("{path}{parameters}"), Some(content_type), Body::Json(patch));
    }

    fn status(&mut self, subject: &Subject) {
        if matches!(subject, Subject::Own(kind) if !kind.status) {
            return self.get(subject);
        }
        let name = NAMES[self.random.below(NAMES.len())];
        let path = format!("{}/{name}", subject.collection());
        let mut status = subject.status(&mut self.random, self.schemas);
        if self.random.chance(40) {
            spoil(&mut self.random, &status).apply(&mut status);
        }
        let parameters = self.parameters(&[]);
        match self.random.chance(60) {
            true => {
                let mut edits = vec![Edit { at: "/status".to_owned(), value: Some(status) }];
                if self.random.chance(30) {
                    edits.push(Edit { at: "/metadata/labels/more".to_owned(), value: Some("x".into()) });
                    edits.push(Edit { at: "/spec/replicas".to_owned(), value: Some(9.into()) });
                }
                self.push("PUT", &format!("{path}/status{parameters}"), None, Body::Edited { of: name.to_owned(), edits });
            }
            false => {
                let content_type = self.random.pick(&["application/merge-patch+json", "application/strategic-merge-patch+json"]);
                let body = json!({"status": status, "metadata": {"annotations": {"more": "y"}}});
                self.push("PATCH", &format!("{path}/status{parameters}"), Some(content_type), Body::Json(body));
            }
        }
    }

    fn scale(&mut self, subject: &Subject) {
        if matches!(subject, Subject::Own(kind) if !kind.scale) {
            return self.get(subject);
        }
        let path = format!("{}/{}/scale", subject.collection(), NAMES[self.random.below(NAMES.len())]);
        let replicas = [json!(3), json!(0), json!(-1), json!("x"), Value::Null, json!(100)][self.random.below(6)].clone();
        let parameters = self.parameters(&[]);
        match self.random.below(3) {
            0 => self.push("GET", &path, None, Body::None),
            1 => {
                let body = json!({"spec": {"replicas": replicas}});
                self.push("PATCH", &format!("{path}{parameters}"), Some("application/merge-patch+json"), Body::Json(body));
            }
            _ => {
                let name = self.name();
                let body = json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": name, "namespace": "NAMESPACE"}, "spec": {"replicas": replicas}});
                self.push("PUT", &format!("{path}{parameters}"), None, Body::Json(body));
            }
        }
    }

    fn delete(&mut self, subject: &Subject) {
        // What waits for a controller that neither has is not compared: the sandbox lets an unused claim go itself.
        if matches!(subject, Subject::Own(kind) if kind.kind == "PersistentVolumeClaim") {
            return self.get(subject);
        }
        let name = self.name();
        let path = format!("{}/{name}", subject.collection());
        let options = [
            Value::Null,
            json!({"propagationPolicy": "Background"}),
            json!({"propagationPolicy": "Foreground"}),
            json!({"propagationPolicy": "Orphan"}),
            json!({"propagationPolicy": "Other"}),
            json!({"preconditions": {"uid": format!("<uid {name}>")}}),
            json!({"preconditions": {"resourceVersion": format!("<version {name}>")}}),
            json!({"preconditions": {"uid": "other"}}),
            json!({"gracePeriodSeconds": 0}),
            json!({"gracePeriodSeconds": 5, "apiVersion": "v1", "kind": "DeleteOptions"}),
            json!({"orphanDependents": true, "propagationPolicy": "Background"}),
            json!({"dryRun": ["All"]}),
            json!({"gracePeriodSeconds": "x"}),
            json!({"unknown": 1}),
        ];
        let body = match options[self.random.below(options.len())].clone() {
            Value::Null => Body::None,
            options => Body::Json(options),
        };
        let query = self.random.pick(&[
            "",
            "",
            "",
            "?propagationPolicy=Foreground",
            "?gracePeriodSeconds=0",
            "?dryRun=All",
            "?gracePeriodSeconds=-1",
        ]);
        if self.random.chance(10) {
            let selector = self.random.pick(&["?labelSelector=app%3Da", "", "?fieldSelector=metadata.name%3Done"]);
            self.push("DELETE", &format!("{}{selector}", subject.collection()), None, body);
        } else {
            self.push("DELETE", &format!("{path}{query}"), None, body);
        }
    }

    fn get(&mut self, subject: &Subject) {
        let path = format!("{}/{}", subject.collection(), self.name());
        let query = self.random.pick(&["", "", "", "?resourceVersion=0", "?resourceVersion=x"]);
        let accept = self.accept(false);
        self.look(format!("{path}{query}"), accept);
    }

    /// Another form of what is asked for; answers in YAML are left out, the sandbox has none.
    fn accept(&mut self, many: bool) -> Option<String> {
        let partial = if many { "PartialObjectMetadataList" } else { "PartialObjectMetadata" };
        let form = match self.random.below(6) {
            0..=2 => "application/json;as=Table;v=v1;g=meta.k8s.io,application/json".to_owned(),
            3 => "application/json;as=Table;v=v1beta1;g=meta.k8s.io".to_owned(),
            _ => format!("application/json;as={partial};v=v1;g=meta.k8s.io,application/json"),
        };
        self.random.chance(45).then_some(form)
    }

    fn list(&mut self, subject: &Subject) {
        let mut query: Vec<String> = Vec::new();
        let selectors = [
            "labelSelector=app%3Da",
            "labelSelector=app+in+(a,b),tier!%3Dback",
            "labelSelector=!app",
            "labelSelector=app+notin+(a)",
            "labelSelector=a+b",
            "labelSelector=app%3DA_%26",
            "labelSelector=-x",
            "labelSelector=app,",
            "labelSelector=n%3E5",
            "fieldSelector=metadata.name%3Done",
            "fieldSelector=metadata.namespace!%3Dx,metadata.name!%3Done",
            "fieldSelector=spec.nodeName%3Dnode",
            "fieldSelector=status.phase%3DPending",
            "fieldSelector=x",
            "fieldSelector=type%3DOpaque",
        ];
        if self.random.chance(45) {
            query.push(selectors[self.random.below(selectors.len())].to_owned());
        }
        if self.random.chance(30) {
            query.push(self.random.pick(&["limit=1", "limit=1", "limit=500", "limit=x", "limit=-1", "continue=abc"]).to_owned());
        }
        if self.random.chance(10) {
            query.push(
                self.random
                    .pick(&[
                        "resourceVersion=0",
                        "resourceVersion=x",
                        "resourceVersionMatch=Exact",
                        "includeObject=Object",
                        "includeObject=None",
                    ])
                    .to_owned(),
            );
        }
        let path = if query.is_empty() { subject.collection() } else { format!("{}?{}", subject.collection(), query.join("&")) };
        let accept = self.accept(true);
        self.look(path.clone(), accept.clone());
        if path.contains("limit=1") && !path.contains("continue") {
            self.look(format!("{path}&continue=<continue>"), accept);
        }
    }
}
