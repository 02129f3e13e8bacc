//! Vars: `$(NAME)` in certain fields is replaced by the value of another field.

use std::collections::HashMap;

use crate::decode::Fields;
use crate::error::{Error, ErrorKind, Gathered, Result};
use crate::fieldspec::{FieldSpec, Leaf};
use crate::id::{Gvk, Id};
use crate::resource::Resource;
use crate::target::Accumulator;
use crate::yaml::{Kind, Node, Pos, Scalar, Value};

/// A var as a kustomization defines it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Var {
    name: String,
    api_version: String,
    group: String,
    version: String,
    kind: String,
    object: String,
    namespace: String,
    field: String,
    pos: Pos,
}

fn failed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Kustomization, message)
}

impl Var {
    pub(crate) fn decode(value: Value) -> Result<Self> {
        let pos = value.pos;
        Fields::new(value, "a var")?.read(&["name", "objref", "fieldref"], |f| {
            let name = f.text("name");
            let var = f.nested("objref", Self::object).unwrap_or_default();
            let field =
                f.nested("fieldref", Self::field).flatten().filter(|path| !path.is_empty()).unwrap_or_else(|| "metadata.name".to_owned());
            Ok(Self { name, field, pos, ..var })
        })
    }

    /// What `objref` says.
    fn object(value: Value) -> Result<Self> {
        Fields::new(value, "objref")?.read(&["apiVersion", "group", "version", "kind", "name", "namespace"], |o| {
            Ok(Self {
                api_version: o.text("apiVersion"),
                group: o.text("group"),
                version: o.text("version"),
                kind: o.text("kind"),
                object: o.text("name"),
                namespace: o.text("namespace"),
                ..Self::default()
            })
        })
    }

    /// What `fieldref` says.
    fn field(value: Value) -> Result<Option<String>> {
        Fields::new(value, "fieldref")?.read(&["fieldpath"], |f| Ok(f.string("fieldpath")))
    }

    fn gvk(&self) -> Gvk<'_> {
        if self.group.is_empty() && self.version.is_empty() {
            Gvk::new(&self.api_version, &self.kind)
        } else {
            Gvk { group: &self.group, version: &self.version, kind: &self.kind }
        }
    }
}

/// Ties a var to its resource; several resources are an error.
pub(crate) fn register(acc: &mut Accumulator, var: Var) -> Result<()> {
    let wanted = Id { gvk: var.gvk(), name: &var.object, namespace: &var.namespace };
    let exact = !var.namespace.is_empty() || crate::scope::is_cluster_scoped(&wanted.gvk);
    let hits: Vec<usize> = acc
        .resources
        .iter()
        .enumerate()
        .filter(|(_, resource)| {
            let mut ids = resource.previous_ids().chain([resource.id()]);
            ids.any(|id| if exact { id.key() == wanted.key() } else { id.gvk == wanted.gvk && id.name == wanted.name })
        })
        .map(|(at, _)| at)
        .collect();
    match hits[..] {
        [] => {}
        [at] => acc.resources[at].state.vars.push(var.name.as_str().into()),
        _ => return Err(failed(format!("{} resources match the var {}; give its objref a namespace", hits.len(), var.name)).at(var.pos)),
    }
    merge(&mut acc.vars, vec![var])
}

/// Joins the vars of two kustomizations; names must be distinct.
pub(crate) fn merge(into: &mut Vec<Var>, from: Vec<Var>) -> Result<()> {
    for var in from {
        if into.iter().any(|known| known.name == var.name) {
            return Err(failed(format!("the var {} is already defined", var.name)).at(var.pos));
        }
        into.push(var);
    }
    Ok(())
}

/// Replaces all references.
pub(crate) fn resolve(acc: &mut Accumulator) -> Result<()> {
    if acc.vars.is_empty() {
        return Ok(());
    }
    let (mut values, mut errors) = (HashMap::<&str, Scalar>::new(), Gathered::default());
    for var in &acc.vars {
        let owner = acc.resources.iter().find(|resource| resource.state.vars.iter().any(|name| **name == *var.name));
        let Some(owner) = owner else {
            errors.note(failed(format!("the var {} cannot be mapped to a field in the set of known resources", var.name)).at(var.pos));
            continue;
        };
        let Some(value) = field(&owner.value, &var.field) else {
            errors.note(failed(format!("{} has no field {}, which the var {} reads", owner.id(), var.field, var.name)).at(var.pos));
            continue;
        };
        // Maps and lists cannot stand in a text: such a var is never replaced.
        if let Some(scalar) = value.as_scalar() {
            values.insert(&var.name, scalar.clone());
        }
    }
    errors.finish()?;
    let mut specs = builtin();
    for spec in &acc.config.var_reference {
        if !specs.contains(spec) {
            specs.push(spec.clone());
        }
    }
    for resource in &mut acc.resources {
        replace_in(resource, &specs, &values)?;
    }
    Ok(())
}

fn replace_in(resource: &mut Resource, specs: &[FieldSpec], values: &HashMap<&str, Scalar>) -> Result<()> {
    let wanted: Vec<&FieldSpec> = specs.iter().filter(|spec| spec.matches(&resource.gvk())).collect();
    for spec in wanted {
        spec.apply(&mut resource.value, Leaf::Nothing, &mut |value| {
            match &mut value.node {
                Node::Scalar(_) => expand_value(value, values),
                // In lists kustomize wants nothing but texts.
                Node::List(items) => match items.iter().find(|item| item.as_str().is_none()) {
                    Some(other) => {
                        let message = format!("vars are replaced in lists of texts, and {} is in the list {}", other.describe(), spec.path);
                        return Err(failed(message).at(other.pos));
                    }
                    None => items.iter_mut().for_each(|item| expand_value(item, values)),
                },
                Node::Map(map) => map.iter_mut().for_each(|(_, item)| expand_value(item, values)),
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn expand_value(value: &mut Value, values: &HashMap<&str, Scalar>) {
    let Some(text) = value.as_str() else { return };
    if !text.contains('$') {
        return;
    }
    // Text that is nothing but one reference takes the other field's type.
    if let Some(scalar) = text.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')')).and_then(|name| values.get(name)) {
        value.node = Node::Scalar(scalar.clone());
        return;
    }
    let new = expand(text, values);
    if new != text {
        *value = Value { pos: value.pos, ..Value::string(new) };
    }
}

/// Kubernetes' own syntax: `$(X)` is replaced if known, `$$` is a dollar sign.
fn expand(text: &str, values: &HashMap<&str, Scalar>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            match values.get(name) {
                Some(scalar) => out.push_str(&scalar.text),
                None => {
                    out.push_str("$(");
                    out.push_str(name);
                    out.push(')');
                }
            }
            rest = after;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    out
}

/// `a.b[0].c` as kustomize's vars spell it.
fn field<'a>(root: &'a Value, path: &str) -> Option<&'a Value> {
    let normal = path.replace("\\.", "\u{1}").replace('[', ".").replace(']', "");
    let mut at = root;
    for part in normal.split('.').filter(|part| !part.is_empty()) {
        let part = part.replace('\u{1}', ".");
        at = match &at.node {
            Node::Map(map) => map.get(&part)?,
            Node::List(items) => match part.split_once('=') {
                Some((key, wanted)) => items.iter().find(|item| item.get(key).and_then(Value::text) == Some(wanted))?,
                None => items.get(part.parse::<usize>().ok()?)?,
            },
            Node::Scalar(_) => return None,
        };
    }
    Some(at).filter(|value| value.as_scalar().is_none_or(|scalar| scalar.kind != Kind::Null))
}

fn builtin() -> Vec<FieldSpec> {
    let kinds = [
        ("CronJob", "spec/jobTemplate/spec/template/spec"),
        ("DaemonSet", "spec/template/spec"),
        ("Deployment", "spec/template/spec"),
        ("Job", "spec/template/spec"),
        ("Pod", "spec"),
        ("ReplicaSet", "spec/template/spec"),
        ("StatefulSet", "spec/template/spec"),
    ];
    let mut specs = Vec::new();
    for (kind, prefix) in kinds {
        // kustomize looks for the NFS servers of two kinds in places of their own, one of which is a slip.
        let server = match kind {
            "CronJob" => "spec/jobTemplate/spec/template/volumes/nfs/server".to_owned(),
            "StatefulSet" => "spec/volumeClaimTemplates/spec/nfs/server".to_owned(),
            _ => format!("{prefix}/volumes/nfs/server"),
        };
        specs.push(FieldSpec::of_kind(kind, &server));
        for list in ["containers", "initContainers"] {
            for tail in ["args", "command", "env/value", "volumeMounts/mountPath"] {
                specs.push(FieldSpec::of_kind(kind, &format!("{prefix}/{list}/{tail}")));
            }
        }
    }
    for (kind, path) in [
        ("Ingress", "spec/rules/host"),
        ("Ingress", "spec/tls/hosts"),
        ("Ingress", "spec/tls/secretName"),
        ("Service", "spec/ports/port"),
        ("Service", "spec/ports/targetPort"),
        ("", "metadata/labels"),
        ("", "metadata/annotations"),
        ("PersistentVolume", "spec/nfs/server"),
        ("Deployment", "spec/template/metadata/annotations"),
    ] {
        specs.push(FieldSpec::of_kind(kind, path));
    }
    specs
}
