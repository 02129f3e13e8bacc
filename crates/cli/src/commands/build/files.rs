//! `build -o FOLDER`: one file per resource, named as kustomize names them.

use std::collections::BTreeSet;
use std::path::Path;

use fiel_renderer::Resource;

use crate::error::CommandError;

/// Writes all resources; nothing is written when one of them has no possible name.
pub(super) fn write(folder: &Path, resources: &[Resource]) -> Result<(), CommandError> {
    let names = names(resources)?;
    for (name, resource) in names.iter().zip(resources) {
        let file = folder.join(name);
        std::fs::write(&file, resource.to_yaml()).map_err(|e| CommandError::failed(format!("{}: {e}", file.display())))?;
    }
    Ok(())
}

/// `[namespace_][group_][version_]kind_name.yaml`; the namespace stands there when there are several.
fn names(resources: &[Resource]) -> Result<Vec<String>, CommandError> {
    let namespace = |resource: &Resource| match resource.namespace() {
        _ if resource.is_cluster_scoped() => None,
        "" => Some("default".to_owned()),
        name => Some(name.to_owned()),
    };
    let several = resources.iter().filter_map(namespace).collect::<BTreeSet<_>>().len() > 1;
    resources
        .iter()
        .map(|resource| {
            let (group, version) = resource.api_version().split_once('/').unwrap_or(("", resource.api_version()));
            let place = namespace(resource).filter(|_| several).unwrap_or_default();
            let parts = [&*place, group, version, resource.kind(), resource.name()];
            let name = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_").to_lowercase();
            // A name must not lead into another folder.
            if name.contains('/') {
                return Err(CommandError::failed(format!("{} {} cannot be the name of a file", resource.kind(), resource.name())));
            }
            Ok(format!("{name}.yaml"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(text: &str) -> Vec<Resource> {
        let files: fiel_renderer::Memory = [("kustomization.yaml", "resources: [a.yaml]\n"), ("a.yaml", text)].into_iter().collect();
        fiel_renderer::build(&files, "", &fiel_renderer::Options::default()).expect("it builds").resources().to_vec()
    }

    /// Asked of kustomize 5.8.1.
    #[test]
    fn files_are_named_as_kustomize_names_them() {
        let text = "{apiVersion: v1, kind: ConfigMap, metadata: {name: 'A:b.c', namespace: NS1}}\n---\n\
                    {apiVersion: apps/v1, kind: Deployment, metadata: {name: d}}\n---\n\
                    {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: 'cr:x'}}\n---\n\
                    {kind: NoVersion, metadata: {name: nv}}\n";
        let mut found = names(&built(text)).expect("names");
        found.sort();
        let expected = ["default_apps_v1_deployment_d.yaml", "default_noversion_nv.yaml", "ns1_v1_configmap_a:b.c.yaml"];
        assert_eq!(found[..3], expected);
        assert_eq!(found[3], "rbac.authorization.k8s.io_v1_clusterrole_cr:x.yaml");
        let one = names(&built("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: n}}\n")).expect("names");
        assert_eq!(one, ["v1_configmap_a.yaml"]);
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        assert!(names(&built("{apiVersion: v1, kind: ConfigMap, metadata: {name: ../../x}}\n")).is_err());
    }
}
