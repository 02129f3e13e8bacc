//! Structured merge (server-side apply), strategic merge, JSON merge patches and JSON patches over plain JSON values.
//!
//! Four ways in which a change meets an object, all pure: [`structured`] knows who owns which field, [`strategic`] knows which lists have keys, [`json_merge`]
//! and [`json_patch`] know nothing but JSON. All that Kubernetes' own libraries answer in their tests, these answer too (`cargo xtask conformance
//! kubernetes`), conflicts and messages included. Nothing panics, whatever the values are; only values that are nested deeper than a JSON parser
//! allows may exhaust the stack.
//!
//! ```
//! use fiel_merge::structured::{Owners, Type, apply};
//! use serde_json::json;
//!
//! let deployment = fiel_schema::Registry::builtin().kind("apps", "v1", "Deployment").expect("a kind of Kubernetes");
//! let of = Type::new(deployment.schema());
//! let pod = |containers| json!({"spec": {"template": {"spec": {"containers": containers}}}});
//! // A team applies its container, then a controller adds one of its own.
//! let team = pod(json!([{"name": "web", "image": "web:1"}]));
//! let first = apply(&of, &json!({}), &team, "apps/v1", &Owners::new(), &"team", false).expect("nobody else is there");
//! let sidecar = pod(json!([{"name": "proxy", "image": "proxy:7"}]));
//! let second = apply(&of, &first.object, &sidecar, "apps/v1", &first.owners, &"mesh", false).expect("other fields");
//! // The team goes on without a word about the other's container, and it stays.
//! let team = pod(json!([{"name": "web", "image": "web:2"}]));
//! let third = apply(&of, &second.object, &team, "apps/v1", &second.owners, &"team", false).expect("its own field");
//! assert_eq!(third.object, pod(json!([{"name": "web", "image": "web:2"}, {"name": "proxy", "image": "proxy:7"}])));
//! ```

pub mod json_merge;
pub mod json_patch;
pub mod strategic;
pub mod structured;
