//! What stands below an object: its status, its scale, a namespace's end, a Pod's place and eviction.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};

use super::delete::Writer;
use super::{AUDIENCE, Answer, Ask, Core, Held, body, managed, meta, operations, options, read, write};
use crate::auth::User;
use crate::canonical;
use crate::cause::Cause;
use crate::request::Verb;
use crate::resource::{Resource, SCALES};
use crate::status::ApiError;
use crate::stored::Shown;
use crate::strict;
use crate::time;

/// Carries out a request for a subresource.
pub(crate) fn carry_out(core: &mut Held<'_>, ask: &Ask<'_>) -> Answer {
    let name = ask.target.subresource.as_str();
    if !ask.resource.has(name) {
        let custom = !ask.resource.is_builtin();
        return Err(if custom { ApiError::not_found(&ask.resource, &ask.target.name) } else { ApiError::no_resource() });
    }
    options::check(ask)?;
    let ok = |shown: Shown| (StatusCode::OK, shown);
    let made = |value: Value| (StatusCode::CREATED, Shown::from(value));
    match (name, ask.verb) {
        (_, Verb::List | Verb::Watch) => Err(ApiError::method_not_allowed()),
        ("status", Verb::Get) => read::get(core, ask).map(ok),
        ("status", Verb::Update) => {
            let object = write::given(core, ask)?;
            write::put(core, ask, object, "status").map(ok)
        }
        ("status", Verb::Patch) if ask.content_type.starts_with("application/apply-patch") => write::apply(core, ask, "status"),
        ("status", Verb::Patch) => write::change(core, ask, "status").map(ok),
        ("ephemeralcontainers" | "approval", Verb::Get) => read::get(core, ask).map(ok),
        ("ephemeralcontainers" | "approval", Verb::Update) => {
            let object = write::given(core, ask)?;
            write::put(core, ask, object, name).map(ok)
        }
        ("ephemeralcontainers" | "approval", Verb::Patch) => write::change(core, ask, name).map(ok),
        ("scale", Verb::Get) => {
            let object = read::get(core, ask)?.look();
            wanted(ask, &object)?;
            scale(ask, &object).map(Shown::from).map(ok)
        }
        ("scale", Verb::Update | Verb::Patch) => set_scale(core, ask).map(Shown::from).map(ok),
        ("finalize", Verb::Update) => finalize(core, ask).map(ok),
        ("binding", Verb::Create) => bind(core, ask).map(made),
        ("token", Verb::Create) => token(core, ask).map(made),
        ("eviction", Verb::Create) => {
            core.evict(&ask.resource, &ask.target.namespace, &ask.target.name)?;
            Ok(made(success()))
        }
        _ => Err(ApiError::new(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            format!("the sandbox does not serve {}/{name} yet", ask.resource.plural),
        )),
    }
}

fn success() -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})
}

/// Where a kind keeps its numbers: `.spec.replicas` and the like, as JSON pointers.
pub(super) fn paths(resource: &Resource) -> (String, String, String) {
    let own = resource.custom.as_ref().and_then(|custom| custom.scale.as_ref());
    let path = |field: &str, builtin: &str| own.map_or(builtin, |scale| scale[field].as_str().unwrap_or_default()).replace('.', "/");
    (
        path("specReplicasPath", ".spec.replicas"),
        path("statusReplicasPath", ".status.replicas"),
        path("labelSelectorPath", ".spec.selector"),
    )
}

/// A custom object has a scale only when it says how many it wants.
fn wanted(ask: &Ask<'_>, object: &Value) -> Result<(), ApiError> {
    let (spec, ..) = paths(&ask.resource);
    if ask.resource.is_builtin() || object.pointer(&spec).is_some() {
        return Ok(());
    }
    let why = format!("the spec replicas field \"{}\" does not exist", spec.replace('/', "."));
    Err(ApiError::internal(&why))
}

/// The object's Scale.
fn scale(ask: &Ask<'_>, object: &Value) -> Result<Value, ApiError> {
    let (spec, status, selector) = paths(&ask.resource);
    let number = |path: &str| object.pointer(path).and_then(Value::as_i64).unwrap_or(0);
    let metadata = &object["metadata"];
    let mut kept = json!({});
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if !metadata[field].is_null() {
            kept[field] = metadata[field].clone();
        }
    }
    let spec = if number(&spec) == 0 { json!({}) } else { json!({"replicas": number(&spec)}) };
    let mut out = json!({"kind": "Scale", "apiVersion": SCALES, "metadata": kept, "spec": spec, "status": {"replicas": number(&status)}});
    let shown = match object.pointer(&selector).filter(|_| !selector.is_empty()) {
        Some(Value::String(text)) => text.clone(),
        Some(selector) => labels(selector),
        None => String::new(),
    };
    if !shown.is_empty() {
        out["status"]["selector"] = json!(shown);
    }
    Ok(out)
}

/// A selector's matchLabels (or a plain one's labels) as text.
fn labels(selector: &Value) -> String {
    let plain = selector.get("matchLabels").or(Some(selector)).and_then(Value::as_object);
    let pairs = plain.into_iter().flatten().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)));
    pairs.collect::<Vec<_>>().join(",")
}

/// What a patch makes of a Scale.
fn patched(core: &Core, ask: &Ask<'_>, before: &Value) -> Result<Value, ApiError> {
    let (kind, change) = (options::patch_kind(ask), body::patch(ask)?.value);
    let mut after = match kind {
        options::JSON_PATCH => operations::patched(ask, before, &change)?,
        // A Scale has no lists: every other patch lays itself over it.
        _ => fiel_merge::json_merge::patch(before, &change),
    };
    let strategic = kind == options::STRATEGIC_PATCH;
    let wrong = if strategic {
        canonical::convert(&mut after, SCALES, "Scale")
    } else {
        canonical::mismatch(&after, SCALES, "Scale", Some(before))
    };
    let Some(why) = wrong else { return Ok(after) };
    let namespace = if ask.resource.namespaced { ask.target.namespace.as_str() } else { "" };
    let found = core.store.find(ask.resource.storage(), namespace, &ask.target.name);
    let managed = found.map(|kept| managed::of_scale(&ask.resource, &kept.stored().opened().managed));
    let seen = strict::Patch { change: &change, strategic, left_out: managed.as_ref() };
    Err(seen.refused(&ask.resource.as_scale(), &after, &why))
}

fn set_scale(core: &mut Held<'_>, ask: &Ask<'_>) -> Result<Value, ApiError> {
    let given = (ask.verb == Verb::Update).then(|| write::decode(ask)).transpose()?;
    // Whether it is the right one is asked before what there is.
    given.iter().try_for_each(|given| write::is_in_place(ask, given))?;
    let old = read::get(core, ask)?.look();
    let before = scale(ask, &old)?;
    let after = match given {
        Some(given) => {
            let wrong = canonical::mismatch(&given, SCALES, "Scale", None);
            let refused = |why| ApiError::bad_request(format!("Scale in version \"v1\" cannot be handled as a Scale: {why}"));
            wrong.map_or(Ok(given), |why| Err(refused(why)))?
        }
        None => patched(core, ask, &before)?,
    };
    write::is_in_place(ask, &after)?;
    meta::precondition(&ask.resource, &ask.target.name, &old, &after)?;
    let replicas = after["spec"]["replicas"].as_i64().unwrap_or(0);
    // A custom object's schema says what it may be.
    if replicas < 0 && ask.resource.is_builtin() {
        let cause = Cause::invalid("spec.replicas", &json!(replicas), "must be greater than or equal to 0");
        return Err(ApiError::invalid(&ask.resource.as_scale(), &ask.target.name, &[cause]));
    }
    let mut new = Arc::unwrap_or_clone(old);
    let (spec, ..) = paths(&ask.resource);
    let mut place = &mut new;
    for name in spec.split('/').filter(|name| !name.is_empty()) {
        if !place.is_object() && !place.is_null() {
            return Err(ApiError::bad_request(format!("there is no field {} in {}", spec.replace('/', "."), ask.target.name)));
        }
        place = &mut place[name];
    }
    *place = json!(replicas);
    let dry_run = write::dry_run(ask);
    let written = core.overwrite(
        &ask.resource,
        &ask.target.namespace,
        &ask.target.name,
        Writer { manager: write::manager(ask), subresource: "scale", dry_run },
        new,
    )?;
    scale(ask, &written.look())
}

/// Lets a namespace go: its spec's finalizers as the request says.
fn finalize(core: &mut Held<'_>, ask: &Ask<'_>) -> Result<Shown, ApiError> {
    let given = write::decode(ask)?;
    let mut new = Arc::unwrap_or_clone(read::get(core, ask)?.look());
    meta::precondition(&ask.resource, &ask.target.name, &new, &given)?;
    let finalizers = given["spec"]["finalizers"].clone();
    new["spec"]["finalizers"] = if finalizers.is_null() { json!([]) } else { finalizers };
    core.overwrite(
        &ask.resource,
        "",
        &ask.target.name,
        Writer { manager: write::manager(ask), subresource: "finalize", dry_run: false },
        new,
    )
}

/// A token with which its bearer is the service account. It has the form of a JSON Web Token, but only this cluster can say whose it is.
fn token(core: &mut Core, ask: &Ask<'_>) -> Result<Value, ApiError> {
    let mut request = write::decode(ask)?;
    let account = read::get(core, ask)?.look();
    let (namespace, name, uid) = (&ask.target.namespace, &ask.target.name, meta::text(&account, "uid"));
    let seconds = request["spec"]["expirationSeconds"].as_i64().unwrap_or(3600);
    if seconds < 600 {
        let cause = Cause::invalid("spec.expirationSeconds", &json!(seconds), "may not specify a duration less than 10 minutes");
        return Err(ApiError::invalid(&ask.resource, name, &[cause]));
    }
    let now = (core.clock)();
    let until = now + jiff::SignedDuration::from_secs(seconds);
    let user = User::of_service_account(namespace, name, uid);
    if request["spec"]["audiences"].is_null() {
        request["spec"]["audiences"] = json!([AUDIENCE]);
    }
    request["spec"]["expirationSeconds"] = json!(seconds);
    let claims = json!({"aud": request["spec"]["audiences"], "exp": until.as_second(), "iat": now.as_second(), "sub": user.name, "jti": core.random.uid()});
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    let token = format!("{}.{}.{}", part(json!({"alg": "none"}).to_string()), part(claims.to_string()), part(core.random.uid()));
    let audiences = request["spec"]["audiences"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    core.know(token.clone(), user, Some(audiences), Some(until));
    request["apiVersion"] = json!("authentication.k8s.io/v1");
    request["kind"] = json!("TokenRequest");
    request["metadata"]["name"] = json!(name);
    request["metadata"]["namespace"] = json!(namespace);
    request["status"] = json!({"token": token, "expirationTimestamp": time::seconds(until)});
    Ok(request)
}

/// Puts a Pod on a node.
fn bind(core: &mut Held<'_>, ask: &Ask<'_>) -> Result<Value, ApiError> {
    let binding = write::decode(ask)?;
    let mut pod = Arc::unwrap_or_clone(read::get(core, ask)?.look());
    if !pod["spec"]["nodeName"].is_null() {
        let why = format!("pod {} is already assigned to node {}", ask.target.name, pod["spec"]["nodeName"]);
        return Err(ApiError::conflict(&ask.resource, &ask.target.name, &why));
    }
    pod["spec"]["nodeName"] = binding["target"]["name"].clone();
    core.overwrite(
        &ask.resource,
        &ask.target.namespace,
        &ask.target.name,
        Writer { manager: write::manager(ask), subresource: "binding", dry_run: false },
        pod,
    )?;
    Ok(success())
}
