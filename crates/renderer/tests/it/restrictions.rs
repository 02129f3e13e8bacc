//! Which files and folders a kustomization may name: `..`, absolute paths and links, inside and outside. Every row was asked of kustomize 5.8.1.

use std::os::unix::fs::symlink;
use std::path::Path;

use fiel_renderer::{Disk, LoadRestrictor, Options, build};

/// What names a file, and the file; `PATH` stands for the way to it.
const FIELDS: [(&str, &str); 12] = [
    ("resources: [PATH]\n", "cm.yaml"),
    ("resources: [cm.yaml]\npatches: [{path: PATH, target: {kind: ConfigMap}}]\n", "p.yaml"),
    ("resources: [cm.yaml]\npatchesJson6902: [{path: PATH, target: {version: v1, kind: ConfigMap, name: own}}]\n", "p.yaml"),
    ("configMapGenerator: [{name: g, files: [PATH]}]\n", "env.txt"),
    ("configMapGenerator: [{name: g, files: [k=PATH]}]\n", "env.txt"),
    ("secretGenerator: [{name: g, envs: [PATH]}]\n", "env.txt"),
    ("resources: [cm.yaml]\nnamePrefix: z-\nconfigurations: [PATH]\n", "conf.yaml"),
    ("resources: [cm.yaml]\ntransformers: [PATH]\n", "t.yaml"),
    ("generators: [PATH]\n", "g.yaml"),
    ("resources: [cm.yaml]\nreplacements: [{path: PATH}]\n", "r.yaml"),
    ("resources: [cm.yaml]\ncrds: [PATH]\n", "empty.json"),
    ("resources: [cm.yaml]\nopenapi: {path: PATH}\n", "empty.json"),
];

const FILES: [(&str, &str); 8] = [
    ("cm.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: own}}\n"),
    ("p.yaml", r#"[{"op": "add", "path": "/data", "value": {"k": "v"}}]"#),
    ("env.txt", "A=b\n"),
    ("conf.yaml", "namePrefix: [{path: metadata/name}]\n"),
    ("t.yaml", "{apiVersion: builtin, kind: PrefixTransformer, metadata: {name: x}, prefix: q-, fieldSpecs: [{path: metadata/name}]}\n"),
    ("g.yaml", "{apiVersion: builtin, kind: ConfigMapGenerator, metadata: {name: x}, name: gg, literals: [a=b]}\n"),
    (
        "r.yaml",
        "source: {kind: ConfigMap}\ntargets: [{select: {kind: ConfigMap}, fieldPaths: [metadata.annotations.x], options: {create: true}}]\n",
    ),
    ("empty.json", "{}"),
];

/// How a file is named (`FILE` is its name, `TOP` the folder of everything), whether that is allowed, and whether it is without restriction.
const WAYS: [(&str, bool, bool); 22] = [
    ("FILE", true, true),
    ("./FILE", true, true),
    ("FILE/", true, true),
    ("in/FILE", true, true),
    ("in/../FILE", true, true),
    ("nowhere/../FILE", true, true),
    ("../app/FILE", true, true),
    ("../FILE", false, true),
    ("in/../../FILE", false, true),
    ("../../outside/FILE", false, true),
    ("TOP/root/app/FILE", true, true),
    ("TOP/root/FILE", false, true),
    ("TOP/outside/FILE", false, true),
    ("link-in-FILE", true, true),
    ("link-full-FILE", true, true),
    ("link-up-FILE", false, true),
    ("link-out-FILE", false, true),
    ("folder-in/FILE", true, true),
    ("folder-self/FILE", true, true),
    ("folder-up/app/FILE", true, true),
    ("folder-up/FILE", false, true),
    ("loop", false, false),
];

/// How a folder is named, and whether it may be a base and a component; restrictions are for files only.
const FOLDERS: [(&str, bool, bool); 21] = [
    ("in", true, false),
    ("./in/", true, false),
    ("in/../in", true, false),
    ("../other", true, false),
    ("in/../../other", true, false),
    ("../../outside/base", true, false),
    ("folder-in", true, false),
    ("folder-other", true, false),
    ("folder-out", true, false),
    ("folder-up/other", true, false),
    ("../comp", false, true),
    ("folder-comp", false, true),
    (".", false, false),
    ("..", false, false),
    ("../app", false, false),
    ("folder-self", false, false),
    ("folder-up", false, false),
    ("loop", false, false),
    ("nowhere", false, false),
    ("TOP/root/app/in", false, false),
    ("TOP/outside/base", false, false),
];

fn stage(top: &Path) {
    let write = |path: &str, text: &str| {
        std::fs::create_dir_all(top.join(path).parent().unwrap()).unwrap();
        std::fs::write(top.join(path), text).unwrap();
    };
    let link = |to: &str, name: &str| symlink(to.replace("TOP", top.to_str().unwrap()), top.join("root/app").join(name)).unwrap();
    for folder in ["outside", "root", "root/app", "root/app/in"] {
        FILES.iter().for_each(|(name, text)| write(&format!("{folder}/{name}"), text));
    }
    for folder in ["outside/base", "root/other", "root/app/in"] {
        write(&format!("{folder}/kustomization.yaml"), "resources: [cm.yaml]\n");
        write(&format!("{folder}/cm.yaml"), "{apiVersion: v1, kind: ConfigMap, metadata: {name: base}}\n");
    }
    write("root/comp/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -c\n");
    for (name, _) in FILES {
        link(&format!("in/{name}"), &format!("link-in-{name}"));
        link(&format!("TOP/root/app/in/{name}"), &format!("link-full-{name}"));
        link(&format!("../{name}"), &format!("link-up-{name}"));
        link(&format!("TOP/outside/{name}"), &format!("link-out-{name}"));
    }
    for (to, name) in [
        ("in", "folder-in"),
        (".", "folder-self"),
        ("..", "folder-up"),
        ("../other", "folder-other"),
        ("TOP/outside/base", "folder-out"),
        ("../comp", "folder-comp"),
        ("loop", "loop"),
    ] {
        link(to, name);
    }
}

/// Whether a kustomization in `root/app` builds.
fn builds(top: &Path, kustomization: &str, load_restrictor: LoadRestrictor) -> bool {
    std::fs::write(top.join("root/app/kustomization.yaml"), kustomization).unwrap();
    let app = top.join("root/app");
    build(&Disk::new("/"), app.to_str().unwrap(), &Options { load_restrictor, ..Options::default() }).is_ok()
}

#[test]
fn files_are_read_in_and_below_the_folder_of_their_kustomization() {
    let temp = tempfile::tempdir().unwrap();
    let top = temp.path().canonicalize().unwrap();
    stage(&top);
    for (field, file) in FIELDS {
        for (way, restricted, free) in WAYS {
            let path = way.replace("FILE", file).replace("TOP", top.to_str().unwrap());
            let kustomization = field.replace("PATH", &path);
            assert_eq!(builds(&top, &kustomization, LoadRestrictor::RootOnly), restricted, "{kustomization}");
            assert_eq!(builds(&top, &kustomization, LoadRestrictor::None), free, "without restriction: {kustomization}");
        }
    }
}

#[test]
fn folders_are_relative_and_hold_no_folder_that_leads_to_them() {
    let temp = tempfile::tempdir().unwrap();
    let top = temp.path().canonicalize().unwrap();
    stage(&top);
    for (way, base, component) in FOLDERS {
        let path = way.replace("TOP", top.to_str().unwrap());
        for restrictor in [LoadRestrictor::RootOnly, LoadRestrictor::None] {
            assert_eq!(builds(&top, &format!("resources: [{path}]\n"), restrictor), base, "resources: {way}");
            assert_eq!(builds(&top, &format!("bases: [{path}]\n"), restrictor), base, "bases: {way}");
            let component_of = format!("resources: [cm.yaml]\ncomponents: [{path}]\n");
            assert_eq!(builds(&top, &component_of, restrictor), component, "components: {way}");
        }
    }
}
