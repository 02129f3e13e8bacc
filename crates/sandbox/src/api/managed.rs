//! Who manages which fields, around structured merge: what never counts, and when a write resets everything.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use fiel_merge::structured::{self, ApplyError, FieldSet, Kind, ManagedFields, Manager, Operation, Owned, Step, Type};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::meta;
use super::subresource::paths;
use crate::canonical;
use crate::resource::{Resource, SCALES};
use crate::status::ApiError;
use crate::stored::Opened;

/// Metadata that nobody owns.
const NOBODYS: [&str; 8] = ["name", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "managedFields", "resourceVersion"];

/// The paths of what nobody owns.
fn nobodys() -> FieldSet {
    let mut metadata = FieldSet::default();
    for field in NOBODYS {
        metadata.insert(Step::Field(field.into()));
    }
    let mut out = FieldSet::default();
    out.place(Step::Field("metadata".into()), metadata);
    for field in ["apiVersion", "kind"] {
        out.insert(Step::Field(field.into()));
    }
    out
}

/// A configuration without what nobody owns: it is never set by being applied.
fn strip(config: &mut Value) {
    let Some(fields) = config.as_object_mut() else { return };
    fields.retain(|name, _| name != "apiVersion" && name != "kind");
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
        metadata.retain(|field, _| !NOBODYS.contains(&field.as_str()));
        if metadata.is_empty() {
            fields.remove("metadata");
        }
    }
}

/// What is wrong with texts in what nobody owns, which is looked at before it is left out.
fn no_texts(config: &Value) -> Vec<String> {
    let other = |field: &&&str| !matches!(config["metadata"][**field], Value::Null | Value::String(_));
    let told = |field: &&str| {
        let given = structured::go_literal(&config["metadata"][*field]);
        format!(".metadata.{field}: expected string, got &value.valueUnstructured{{Value:{given}}}")
    };
    ["name", "namespace", "resourceVersion", "selfLink", "uid"].iter().filter(other).map(told).collect()
}

/// An object in which the parts are there that the other one has, even when they are empty, as in the server's own types. Custom objects have no type that
/// would always write a spec.
fn with_parts<'v>(resource: &Resource, object: &'v Value, other: &Value) -> Cow<'v, Value> {
    let parts: &[&str] = if resource.is_builtin() { &["metadata", "spec", "status"] } else { &["metadata"] };
    let lacking = |part: &&&str| object.get(**part).is_none() && other.get(**part).is_some();
    let mut out = Cow::Borrowed(object);
    for part in parts.iter().filter(lacking) {
        out.to_mut()[*part] = json!({});
    }
    out
}

/// A resource as structured merge sees it through one of its endpoints.
struct Endpoint<'a> {
    of: Type<'a>,
    /// What nobody owns, and what a write through the main endpoint, or through a subresource, does not.
    ignored: &'static FieldSet,
}

impl<'a> Endpoint<'a> {
    fn new(resource: &'a Resource, subresource: &str) -> Self {
        static IGNORED: OnceLock<[FieldSet; 3]> = OnceLock::new();
        let [nobodys, status, spec] = IGNORED.get_or_init(|| {
            ["", "status", "spec"].map(|part| {
                let mut set = nobodys();
                if !part.is_empty() {
                    set.insert(Step::Field(part.into()));
                }
                set
            })
        });
        let ignored = match subresource {
            "" if resource.has_status() => status,
            "status" => spec,
            _ => nobodys,
        };
        Self { of: resource.schema().map_or(Type::DEDUCED, Type::new), ignored }
    }
}

impl Kind for Endpoint<'_> {
    fn of(&self, _version: &str) -> Type<'_> {
        self.of
    }

    fn owned(&self, _version: &str, mut fields: FieldSet) -> FieldSet {
        fields.subtract_below(self.ignored);
        fields
    }
}

/// The owners after a plain write; `manager` is the writer's name.
pub(crate) fn updated(
    resource: &Resource,
    old: Option<&Opened>,
    new: &Value,
    manager: &str,
    subresource: &str,
    now: &str,
) -> ManagedFields {
    let given = &new["metadata"]["managedFields"];
    let reset = given.as_array().is_some_and(|list| list.is_empty() || (list.len() == 1 && list[0].as_object().is_some_and(Map::is_empty)));
    if reset && old.is_some() {
        return ManagedFields::default();
    }
    let from_new = Some(new).filter(|_| subresource.is_empty()).and_then(ManagedFields::of).filter(|managed| !managed.owners.is_empty());
    let known = match (from_new, old) {
        (Some(given), _) => Cow::Owned(given),
        (None, Some(old)) => Cow::Borrowed(&*old.managed),
        (None, None) => Cow::default(),
    };
    // A Scale shows one number, and of managers those who own that.
    let number = (subresource == "scale").then(|| paths(resource).0);
    let tracked = match &number {
        Some(number) => known.owners.values().any(|owned| has(&owned.fields, number)),
        None => !known.owners.is_empty(),
    };
    // What was never tracked does not begin to be by an update.
    if !tracked && old.is_some() {
        return known.into_owned();
    }
    let me = Manager {
        name: manager.to_owned(),
        operation: Operation::Update,
        api_version: resource.api_version().to_owned(),
        subresource: subresource.to_owned(),
    };
    // A new object is compared with one of which nothing is given: what its type writes anyhow is nobody's.
    let empty = json!({});
    let nothing = if resource.is_builtin() { canonical::nothing(resource.api_version(), &resource.kind) } else { &empty };
    let before = old.map_or(nothing, |old| &*old.value);
    let (before, after) = (with_parts(resource, before, new), with_parts(resource, new, before));
    let endpoint = Endpoint::new(resource, subresource);
    // An object that cannot be converted leaves its owners as they are.
    let Ok(mut owners) = structured::update(&endpoint, &before, &after, resource.api_version(), &known.owners, &me) else {
        return known.into_owned();
    };
    // A number that is nothing does not stand in a Scale: it is nobody's.
    if number.is_some_and(|number| new.pointer(&number).is_none_or(|number| *number == json!(0))) {
        owners.remove(&me);
    }
    let changed = owners.get(&me) != known.owners.get(&me);
    let mut managed = known.passed_to(owners);
    if changed {
        managed.stamp(&me, now);
    }
    managed
}

/// Whether a field at a pointer is in a set.
fn has(set: &FieldSet, pointer: &str) -> bool {
    let Some((around, name)) = pointer.rsplit_once('/') else { return false };
    let around = around.split('/').skip(1).try_fold(set, |set, name| set.below(&Step::Field(name.into())));
    around.is_some_and(|set| set.has(&Step::Field(name.into())))
}

/// Who is told to own the number in an object's Scale: those who own it in the object.
pub(super) fn of_scale(resource: &Resource, managed: &ManagedFields) -> ManagedFields {
    let number = paths(resource).0;
    let mut replicas = FieldSet::default();
    replicas.insert(Step::Field("replicas".into()));
    let mut fields = FieldSet::default();
    fields.place(Step::Field("spec".into()), replicas);
    let mut out = ManagedFields::default();
    for (manager, owned) in managed.owners.iter().filter(|(_, owned)| has(&owned.fields, &number)) {
        out.owners.insert(manager.clone(), Owned { fields: fields.clone(), version: SCALES.to_owned(), applied: owned.applied });
        out.times.extend(managed.times.get(manager).map(|time| (manager.clone(), time.clone())));
    }
    out
}

/// What server-side apply makes of an object: the merged object, and the owners.
pub(crate) fn applied(
    resource: &Resource,
    old: Option<&Opened>,
    mut config: Value,
    manager: &str,
    subresource: &str,
    force: bool,
    now: &str,
) -> Result<(Value, ManagedFields), ApiError> {
    let mut managed = old.map(|old| ManagedFields::clone(&old.managed)).unwrap_or_default();
    let nothing = json!({});
    let before = old.map_or(&nothing, |old| &*old.value);
    let (endpoint, version) = (Endpoint::new(resource, subresource), resource.api_version());
    if let (Some(_), true) = (old, managed.owners.is_empty()) {
        // What stands there already is somebody's: it is not ours to remove.
        managed = updated(resource, None, before, "before-first-apply", subresource, now);
    }
    let me =
        Manager { name: manager.to_owned(), operation: Operation::Apply, api_version: String::new(), subresource: subresource.to_owned() };
    let called = format!("{}/{}", meta::text(&config, "namespace"), meta::text(&config, "name"));
    let Resource { group, version: short, kind, .. } = resource;
    let invalid = |why: &str| {
        let message = format!("failed to create typed patch object ({called}; {group}/{short}, Kind={kind}): {why}");
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "", message)
    };
    match no_texts(&config).as_slice() {
        [] => {}
        [one] => return Err(invalid(one)),
        more => return Err(invalid(&format!("errors:\n  {}", more.join("\n  ")))),
    }
    // What nobody owns is merged as well, null too, and only then taken back.
    let moved = config["metadata"]
        .as_object()
        .into_iter()
        .flatten()
        .any(|(field, given)| NOBODYS.contains(&field.as_str()) && before["metadata"].get(field) != Some(given));
    strip(&mut config);
    let outcome = structured::apply(&endpoint, before, &config, version, &managed.owners, &me, force);
    let applied = outcome.map_err(|error| match error {
        ApplyError::Conflicts(conflicts) => conflict(&managed, &conflicts),
        ApplyError::Invalid(error) => invalid(&error.to_string()),
        ApplyError::Convert(error) => ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "", error.to_string()),
    })?;
    // Time stands still while nothing changes: the same apply again is no write.
    let same = old.is_some() && !moved && applied.object == *before;
    let mut managed = managed.passed_to(applied.owners);
    if !same {
        managed.stamp(&me, now);
    }
    let mut object = applied.object;
    object["apiVersion"] = json!(resource.api_version());
    object["kind"] = json!(resource.kind);
    if resource.is_builtin()
        && let Some(why) = canonical::convert(&mut object, resource.api_version(), kind)
    {
        let of = format!("{group}/{short}, Kind={kind}");
        let message = format!(
            "failed to convert new object ({called}; {of}) to proper version: unable to convert unstructured object to {of}: {why}"
        );
        return Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "", message));
    }
    Ok((object, managed))
}

fn conflict(managed: &ManagedFields, conflicts: &BTreeMap<Manager, FieldSet>) -> ApiError {
    let mut causes = Vec::new();
    let mut groups = Vec::new();
    for (manager, set) in conflicts {
        let version = managed.owners.get(manager).map_or(&manager.api_version, |owned| &owned.version);
        let mut who = format!("\"{}\"", manager.name);
        if !manager.subresource.is_empty() {
            who += &format!(" with subresource \"{}\"", manager.subresource);
        }
        if manager.operation == Operation::Update {
            who += &format!(" using {version}");
        }
        let paths = set.leaves().paths();
        for path in &paths {
            causes.push(json!({"reason": "FieldManagerConflict", "message": format!("conflict with {who}"), "field": path}));
        }
        groups.push((who, paths));
    }
    let message = match groups.as_slice() {
        [(who, paths)] if paths.len() == 1 => format!("Apply failed with 1 conflict: conflict with {who}: {}", paths[0]),
        _ => {
            let shown: Vec<String> = groups
                .iter()
                .map(|(who, paths)| {
                    format!("conflicts with {who}:\n{}", paths.iter().map(|path| format!("- {path}")).collect::<Vec<_>>().join("\n"))
                })
                .collect();
            format!("Apply failed with {} conflicts: {}", causes.len(), shown.join("\n"))
        }
    };
    ApiError::new(StatusCode::CONFLICT, "Conflict", message).with(json!({"causes": causes}))
}
