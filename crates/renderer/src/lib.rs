//! kustomize as a pure library: files in, resources out.
//!
//! [`build`] reads a kustomization from a [`FileSystem`] and gives its resources, which [`Build::to_yaml`] prints byte for byte as kustomize 5.8.1 does.
//! [`edit`] changes the text of a kustomization as `kustomize edit` does. Nothing here touches the network, the environment or the clock.
//!
//! ```
//! use fiel_renderer::{Memory, Options, build};
//!
//! let files: Memory = [
//!     ("prod/kustomization.yaml", "namePrefix: prod-\nresources: [config.yaml]\n"),
//!     ("prod/config.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: web}}\n"),
//! ]
//! .into_iter()
//! .collect();
//! let built = build(&files, "prod", &Options::default())?;
//! assert_eq!(built.resources()[0].name(), "prod-web");
//! assert_eq!(built.to_yaml(), "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: prod-web\n");
//! # Ok::<(), fiel_renderer::Error>(())
//! ```

mod ahead;
mod build;
mod config;
mod crds;
mod decode;
pub mod diff;
mod doubt;
pub mod edit;
mod error;
mod external;
mod fieldspec;
pub mod fs;
mod generate;
mod hash;
mod helm;
mod id;
mod ids;
mod jsonpatch;
mod kustomization;
mod labels;
mod leaf;
mod load;
mod merge;
mod mergekeys;
mod nameref;
mod names;
mod notes;
mod openapi;
mod order;
mod origin;
mod outside;
mod parallel;
mod paths;
mod plugin;
mod print;
pub mod provenance;
mod read;
mod references;
mod replacement;
mod repository;
mod resource;
mod scope;
mod selector;
mod step;
mod target;
mod transform;
mod vars;
pub mod yaml;

pub use build::{Attempt, Build, Limits, LoadRestrictor, Options, Order, attempt, build, build_remote, build_with, explain_with};
pub use error::{Error, ErrorKind};
pub use fs::{Disk, FileKind, FileSystem, Memory};
pub use outside::{Argument, Checkout, Closed, Failure, FunctionCall, HelmCall, HelmSettings, Mount, Outside, PluginCall, Program};
pub use plugin::BUILTIN_PLUGINS;
pub use repository::Repository;
pub use resource::Resource;
