//! Who asks, and what they may do: tokens, impersonation, and access control by roles.
//!
//! The administrator belongs to `system:masters`, who may do everything, as on every cluster. Everybody else may do what roles allow ([`rbac`]),
//! unless access control is switched off.

pub(crate) mod rbac;
pub(crate) mod review;

use http::HeaderMap;
use serde_json::{Value, json};

use crate::api::Core;
use crate::resource::Resource;
use crate::status::ApiError;
use rbac::Action;

const MASTERS: &str = "system:masters";
const AUTHENTICATED: &str = "system:authenticated";
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

/// Somebody who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) groups: Vec<String>,
}

impl User {
    /// Who may do everything.
    pub(crate) fn administrator() -> Self {
        Self { name: "admin".to_owned(), uid: "admin".to_owned(), groups: [MASTERS, AUTHENTICATED].map(str::to_owned).to_vec() }
    }

    /// A user of that name, in the groups that follow from it.
    pub(crate) fn named(name: &str, uid: &str, groups: Vec<String>) -> Self {
        let mut groups = groups;
        if let Some((namespace, _)) = service_account(name)
            && groups.is_empty()
        {
            groups.extend(["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")]);
        }
        if !groups.iter().any(|group| group == AUTHENTICATED) {
            groups.push(AUTHENTICATED.to_owned());
        }
        Self { name: name.to_owned(), uid: uid.to_owned(), groups }
    }

    /// The user of a service account.
    pub(crate) fn of_service_account(namespace: &str, name: &str, uid: &str) -> Self {
        Self::named(&format!("{SERVICE_ACCOUNT}{namespace}:{name}"), uid, Vec::new())
    }

    fn is_master(&self) -> bool {
        self.groups.iter().any(|group| group == MASTERS)
    }

    /// As reviews tell of a user.
    pub(crate) fn info(&self) -> Value {
        let mut info = json!({"username": self.name, "groups": self.groups});
        if !self.uid.is_empty() {
            info["uid"] = json!(self.uid);
        }
        info
    }
}

/// The namespace and name in a service account's user name.
fn service_account(user: &str) -> Option<(&str, &str)> {
    user.strip_prefix(SERVICE_ACCOUNT)?.split_once(':')
}

/// In whose name a request is made: the asker's own, or another's, if the asker may take it.
pub(crate) fn acting(core: &Core, user: User, headers: &HeaderMap) -> Result<User, ApiError> {
    let values = |name: &str| headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).map(str::to_owned).collect::<Vec<_>>();
    let groups = values("impersonate-group");
    let Some(name) = values("impersonate-user").into_iter().next() else {
        if groups.is_empty() {
            return Ok(user);
        }
        let message = "requested groups without impersonating a user";
        return Err(ApiError::new(http::StatusCode::INTERNAL_SERVER_ERROR, "InternalError", format!("Internal error occurred: {message}")));
    };
    let (resource, namespace, own) = match service_account(&name) {
        Some((namespace, own)) => ("serviceaccounts", namespace, own),
        None => ("users", "", name.as_str()),
    };
    let asked = groups.iter().map(|group| ("groups", "", group.as_str()));
    for (resource, namespace, name) in std::iter::once((resource, namespace, own)).chain(asked) {
        let action = Action { verb: "impersonate", resource, namespace, name, ..Action::default() };
        if !rbac::allows(core, &user, &action) {
            return Err(denied(&user, &action));
        }
    }
    Ok(User::named(&name, values("impersonate-uid").first().map_or("", String::as_str), groups))
}

/// Refuses what the user may not do with a resource.
pub(crate) fn authorize(core: &Core, user: &User, resource: &Resource, action: &Action<'_>) -> Result<(), ApiError> {
    debug_assert_eq!(resource.group, action.group);
    if rbac::allows(core, user, action) { Ok(()) } else { Err(denied(user, action)) }
}

fn denied(user: &User, action: &Action<'_>) -> ApiError {
    let plural = action.resource.split('/').next().unwrap_or_default();
    let whole = if action.group.is_empty() { plural.to_owned() } else { format!("{plural}.{}", action.group) };
    let name = if action.name.is_empty() { String::new() } else { format!(" \"{}\"", action.name) };
    let place =
        if action.namespace.is_empty() { "at the cluster scope".to_owned() } else { format!("in the namespace \"{}\"", action.namespace) };
    let message = format!(
        "{whole}{name} is forbidden: User \"{}\" cannot {} resource \"{}\" in API group \"{}\" {place}",
        user.name, action.verb, action.resource, action.group
    );
    let mut details = json!({"kind": plural});
    for (field, value) in [("name", action.name), ("group", action.group)] {
        if !value.is_empty() {
            details[field] = json!(value);
        }
    }
    ApiError::new(http::StatusCode::FORBIDDEN, "Forbidden", message).with(details)
}

/// Refuses what the user may not read of the API itself.
pub(crate) fn authorize_path(core: &Core, user: &User, verb: &str, path: &str) -> Result<(), ApiError> {
    if rbac::allows(core, user, &Action { verb, path, ..Action::default() }) {
        return Ok(());
    }
    let message = format!("forbidden: User \"{}\" cannot {verb} path \"{path}\"", user.name);
    Err(ApiError::new(http::StatusCode::FORBIDDEN, "Forbidden", message).with(json!({})))
}
