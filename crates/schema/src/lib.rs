//! Kubernetes' own schemas as one compact table: kinds, scopes, merge keys, list types, defaults.
//!
//! The table of Kubernetes 1.36 is generated (`cargo run -p fiel-schema --example generate`) from the OpenAPI v3 documents and the discovery of a
//! real kube-apiserver, and is used where it lies in the program: looking something up parses nothing and allocates nothing.
//! CustomResourceDefinitions are built into the same form at run time by [`Schema::from_openapi`], so that whatever walks a schema is written once,
//! over [`Node`].
//!
//! ```
//! let registry = fiel_schema::Registry::builtin();
//! let deployment = registry.kind("apps", "v1", "Deployment").expect("a kind of Kubernetes");
//! assert_eq!(deployment.plural(), "deployments");
//! assert!(deployment.namespaced());
//! let containers = ["spec", "template", "spec", "containers"].iter().try_fold(deployment.schema(), |node, field| node.field(field));
//! assert_eq!(containers.and_then(|node| node.patch_merge_key()), Some("name"));
//! ```

mod builder;
mod kind;
mod node;
mod table;

pub use builder::{BuildError, Facts, generate};
pub use kind::{Kind, Registry, Subresource};
pub use node::{ListType, MapType, Node, Scalar, Schema};
