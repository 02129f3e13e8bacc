//! Kustomizations of any size.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

/// Half ConfigMaps, half Deployments that refer to them, a file each, under an overlay with a prefix, labels, images and a patch. The folder of the overlay.
pub(super) fn synthetic(home: &Path, resources: usize) -> Result<PathBuf> {
    let (base, overlay) = (home.join("base"), home.join("overlay"));
    fs::create_dir_all(&base)?;
    fs::create_dir_all(&overlay)?;
    let mut list = "resources:\n".to_owned();
    for i in 0..resources.div_ceil(2) {
        fs::write(base.join(format!("cm-{i}.yaml")), config_map(i))?;
        writeln!(list, "- cm-{i}.yaml")?;
        if 2 * i + 1 < resources {
            fs::write(base.join(format!("dep-{i}.yaml")), deployment(i))?;
            writeln!(list, "- dep-{i}.yaml")?;
        }
    }
    fs::write(base.join("kustomization.yaml"), list)?;
    fs::write(
        overlay.join("kustomization.yaml"),
        "namePrefix: prod-\ncommonLabels:\n  env: prod\n  team: platform\nimages:\n- name: nginx\n  newTag: 1.27.0\n\
         - name: registry.example.com/team/sidecar\n  newName: mirror.local/sidecar\n  newTag: v2\n\
         patches:\n- path: patch.yaml\n  target:\n    kind: Deployment\nresources:\n- ../base\n",
    )?;
    fs::write(
        overlay.join("patch.yaml"),
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: any\nspec:\n  replicas: 3\n  template:\n    spec:\n      \
         terminationGracePeriodSeconds: 30\n      containers:\n      - name: main\n        env:\n        - name: REGION\n          value: eu\n",
    )?;
    Ok(overlay)
}

fn config_map(i: usize) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config-{i}\ndata:\n  LOG_LEVEL: info\n  PORT: \"8080\"\n  settings.yaml: |\n    \
         server:\n      host: 0.0.0.0\n      port: 8080\n    feature-{i}: true\n"
    )
}

fn deployment(i: usize) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{i}\n  labels:\n    app: app-{i}\nspec:\n  replicas: 2\n  selector:\n    \
         matchLabels:\n      app: app-{i}\n  template:\n    metadata:\n      labels:\n        app: app-{i}\n    spec:\n      containers:\n      \
         - name: main\n        image: nginx:1.25\n        ports:\n        - containerPort: 8080\n        envFrom:\n        - configMapRef:\n            \
         name: config-{i}\n        env:\n        - name: NAME\n          value: app-{i}\n        resources:\n          \
         requests: {{cpu: 100m, memory: 64Mi}}\n          limits: {{memory: 128Mi}}\n        livenessProbe:\n          \
         httpGet: {{path: /healthz, port: 8080}}\n      - name: sidecar\n        image: registry.example.com/team/sidecar:v1.2.3\n      \
         volumes:\n      - name: config\n        configMap:\n          name: config-{i}\n"
    )
}

/// A kustomization in which everything grows at once, each thing with an entry of its own: folders, generators, patches by name and by target, replicas,
/// replacements, role bindings with subjects. What looks at all resources for each of them shows as growth beyond the input's. The folder of the overlay.
pub(super) fn everything(home: &Path, units: usize) -> Result<PathBuf> {
    let overlay = home.join("overlay");
    fs::create_dir_all(&overlay)?;
    let (mut resources, mut generators, mut replicas) =
        ("resources:\n".to_owned(), "configMapGenerator:\n".to_owned(), "replicas:\n".to_owned());
    let (mut patches, mut replacements) = ("patches:\n".to_owned(), "replacements:\n".to_owned());
    for i in 0..units {
        let folder = home.join(format!("unit-{i}"));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("kustomization.yaml"), "resources:\n- all.yaml\n")?;
        fs::write(folder.join("all.yaml"), format!("{}---\n{}---\n{}", config_map(i), deployment(i), binding(i)))?;
        writeln!(resources, "- ../unit-{i}")?;
        writeln!(generators, "- name: generated-{i}\n  literals: [a={i}]")?;
        writeln!(replicas, "- name: app-{i}\n  count: 3")?;
        writeln!(
            patches,
            "- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata:\n      name: app-{i}\n    spec:\n      paused: false"
        )?;
        writeln!(patches, "- target: {{kind: ConfigMap, name: config-{i}}}\n  patch: |\n    - {{op: add, path: /data/more, value: x}}")?;
        writeln!(
            replacements,
            "- source: {{kind: ConfigMap, name: config-{i}, fieldPath: data.PORT}}\n  targets:\n  - select: {{kind: Deployment, name: app-{i}}}\n    \
             fieldPaths: [\"metadata.annotations.port\"]\n    options: {{create: true}}"
        )?;
    }
    fs::write(
        overlay.join("kustomization.yaml"),
        format!("namePrefix: p-\nnamespace: web\n{resources}{generators}{replicas}{patches}{replacements}"),
    )?;
    Ok(overlay)
}

fn binding(i: usize) -> String {
    format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: account-{i}\n  namespace: ns-{i}\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata:\n  name: binding-{i}\n  namespace: ns-{i}\n\
         roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: Role\n  name: role\n\
         subjects:\n- kind: ServiceAccount\n  name: account-{i}\n  namespace: ns-{i}\n"
    )
}
