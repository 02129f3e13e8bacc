//! Built-in transformers and generators with configurations of their own.

use super::super::objects::{self, Known};
use super::super::tree::Maker;
use super::super::yaml::{Node, map, raw, texts, write};
use super::bodies::{operations, strategic};
use super::replacements::{odd_path, replacement};
use super::{as_block, some, target, workload};

/// Transformers in files, inline or in one file.
pub(super) fn transformers(maker: &mut Maker, folder: &str) -> Vec<(&'static str, Node)> {
    let made = (0..1 + maker.random.below(3)).filter_map(|_| transformer(maker)).collect();
    listed(maker, folder, "transformers", made)
}

/// Generators.
pub(super) fn generators(maker: &mut Maker, folder: &str) -> Vec<(&'static str, Node)> {
    let made = (0..1 + maker.random.below(2)).map(|_| generator(maker)).collect();
    listed(maker, folder, "generators", made)
}

fn listed(maker: &mut Maker, folder: &str, field: &'static str, configs: Vec<Node>) -> Vec<(&'static str, Node)> {
    let mut entries = Vec::new();
    let mut file = String::new();
    for config in configs {
        let text = write(&config, &mut maker.random);
        match maker.random.below(3) {
            0 => entries.push(as_block(&text)),
            1 => {
                let name = format!("{field}{}.yaml", maker.files.len());
                maker.files.insert(format!("{folder}/{name}"), text);
                entries.push(raw(name));
            }
            _ => file = if file.is_empty() { text } else { format!("{file}---\n{text}") },
        }
    }
    // A folder that builds to configurations.
    if !file.is_empty() && maker.random.chance(15) {
        let inner = format!("{field}{}", maker.files.len());
        maker.files.insert(format!("{folder}/{inner}/all.yaml"), file);
        maker.files.insert(format!("{folder}/{inner}/kustomization.yaml"), "resources:\n- all.yaml\n".to_owned());
        entries.push(raw(inner));
    } else if !file.is_empty() {
        let name = format!("{field}{}.yaml", maker.files.len());
        maker.files.insert(format!("{folder}/{name}"), file);
        entries.push(raw(name));
    }
    if entries.is_empty() { Vec::new() } else { vec![(field, Node::List(entries))] }
}

fn config(maker: &Maker, kind: &str) -> Node {
    map([("apiVersion", raw("builtin")), ("kind", raw(kind)), ("metadata", map([("name", raw(format!("config{}", maker.files.len())))]))])
}

/// A list of field specs, of which some are odd.
fn specs(maker: &mut Maker, usual: &[&str]) -> Node {
    let mut list = Vec::new();
    for _ in 0..1 + maker.random.below(2) {
        let path = if maker.random.chance(10) { odd_path(maker, '/') } else { raw(maker.random.pick(usual)) };
        let mut spec = map([("path", path)]);
        if maker.random.chance(60) {
            spec.set("create", raw(maker.random.pick(&["true", "true", "false"])));
        }
        if maker.random.chance(40) {
            spec.set("kind", raw(maker.random.pick(&["Deployment", "ConfigMap", "Widget", "Service", "StatefulSet"])));
        }
        if maker.random.chance(10) {
            spec.set("group", raw(maker.random.pick(&["apps", "example.com", "batch"])));
        }
        if maker.random.chance(10) {
            spec.set("version", raw("v1"));
        }
        list.push(spec);
    }
    Node::List(list)
}

fn transformer(maker: &mut Maker) -> Option<Node> {
    let known: Known = if maker.random.chance(60) { workload(maker) } else { some(maker, |_| true) }?;
    let kinds = [
        "NamespaceTransformer",
        "PrefixTransformer",
        "SuffixTransformer",
        "PrefixSuffixTransformer",
        "LabelTransformer",
        "AnnotationsTransformer",
        "ImageTagTransformer",
        "ReplicaCountTransformer",
        "PatchTransformer",
        "PatchJson6902Transformer",
        "PatchStrategicMergeTransformer",
        "ReplacementTransformer",
        "ValueAddTransformer",
        "HashTransformer",
    ];
    let kind = maker.random.pick(&kinds);
    let mut one = config(maker, kind);
    match kind {
        "NamespaceTransformer" => {
            one.at("metadata").set("namespace", raw(maker.random.pick(&["plug", "default", "prod", "'5'"])));
            if maker.random.chance(40) {
                one.set("unsetOnly", raw("true"));
            }
            if maker.random.chance(50) {
                one.set("setRoleBindingSubjects", raw(maker.random.pick(&["none", "defaultOnly", "allServiceAccounts"])));
            }
            if maker.random.chance(80) {
                one.set("fieldSpecs", specs(maker, &["metadata/namespace", "metadata/namespace", "spec/ns"]));
            }
        }
        "PrefixTransformer" => {
            one.set("prefix", raw(maker.random.pick(&["pre-", "'p5'", "true-", "'5'"])));
            one.set("fieldSpecs", specs(maker, &["metadata/name", "metadata/name", "metadata/labels/app"]));
        }
        "SuffixTransformer" => {
            one.set("suffix", raw(maker.random.pick(&["-suf", "'-v5'", "-x1.10"])));
            one.set("fieldSpecs", specs(maker, &["metadata/name", "metadata/name", "metadata/labels/app"]));
        }
        "PrefixSuffixTransformer" => {
            one.set("prefix", raw("both-"));
            one.set("suffix", raw("-both"));
            one.set("fieldSpecs", specs(maker, &["metadata/name"]));
        }
        "LabelTransformer" => {
            one.set("labels", map([("plugged", raw(maker.random.pick(&["in", "\"7\"", "7", "true"])))]));
            one.set(
                "fieldSpecs",
                specs(maker, &["metadata/labels", "spec/template/metadata/labels", "spec/selector/matchLabels", "spec/selector"]),
            );
        }
        "AnnotationsTransformer" => {
            one.set("annotations", map([("plugged", objects::text(&mut maker.random))]));
            one.set("fieldSpecs", specs(maker, &["metadata/annotations", "spec/template/metadata/annotations"]));
        }
        "ImageTagTransformer" => {
            let mut image = map([("name", raw(maker.random.pick(&["nginx", "busybox", "redis"])))]);
            match maker.random.below(4) {
                0 => image.set("newName", raw(maker.random.pick(&["v9", "x/y", "7", "'1e3'", "true"]))),
                1 => image.set("digest", raw(maker.random.pick(&["v9", "1.10", "\"2\""]))),
                2 => image.set("tagSuffix", raw(maker.random.pick(&["v9", "1.10", "\"2\""]))),
                _ => image.set("newTag", raw(maker.random.pick(&["v9", "1.10", "\"2\"", "x/y"]))),
            }
            one.set("imageTag", image);
            if maker.random.chance(50) {
                one.set(
                    "fieldSpecs",
                    specs(maker, &["spec/template/spec/containers/image", "spec/image", "spec/template/spec/initContainers[]/image"]),
                );
            }
        }
        "ReplicaCountTransformer" => {
            one.set("replica", map([("name", raw(known.name)), ("count", raw(maker.random.pick(&["0", "4"])))]));
            one.set("fieldSpecs", specs(maker, &["spec/replicas", "spec/size"]));
        }
        "PatchTransformer" => {
            let json = maker.random.chance(40);
            let body = if json { operations(maker, &known) } else { strategic(maker, &known) };
            one.set("patch", as_block(&write(&body, &mut maker.random)));
            if json || maker.random.chance(30) {
                one.set("target", target(maker, &known));
            }
        }
        "PatchJson6902Transformer" => {
            let body = operations(maker, &known);
            one.set("target", map([("kind", raw(known.kind)), ("name", raw(known.name))]));
            one.set("jsonOp", as_block(&write(&body, &mut maker.random)));
        }
        "PatchStrategicMergeTransformer" => {
            let body = strategic(maker, &known);
            one.set("patches", as_block(&write(&body, &mut maker.random)));
        }
        "ReplacementTransformer" => one.set("replacements", Node::List(vec![replacement(maker)?])),
        "ValueAddTransformer" => {
            one.set("value", raw(maker.random.pick(&["added", "\"five\"", "a/b", "' x '"])));
            let mut place = map([(
                "fieldPath",
                raw(maker.random.pick(&["metadata/annotations/added", "spec/replicas", "spec/path", "metadata/labels/app"])),
            )]);
            if maker.random.chance(50) {
                place.set("selector", map([("kind", raw(known.kind))]));
            }
            if maker.random.chance(20) {
                place.set("filePathPosition", raw(maker.random.pick(&["1", "2", "9"])));
            }
            one.set("targets", Node::List(vec![place]));
        }
        _ => {}
    }
    Some(one)
}

fn generator(maker: &mut Maker) -> Node {
    let kind = maker.random.pick(&["ConfigMapGenerator", "SecretGenerator"]);
    let mut one = config(maker, kind);
    let name = format!("made{}-{}", maker.files.len(), maker.known.len());
    one.at("metadata").set("name", raw(name.clone()));
    if maker.random.chance(20) {
        one.at("metadata").set("namespace", raw("prod"));
    }
    one.set("literals", texts(["a=1", "b=\"x\""]));
    if maker.random.chance(30) {
        one.set("options", map([("disableNameSuffixHash", raw("true")), ("labels", map([("of", raw("plugin"))]))]));
    }
    if maker.random.chance(4) {
        one.set("behavior", raw(maker.random.pick(&["create", "merge", "replace"])));
    }
    if maker.random.chance(20) {
        one.at("metadata")
            .set("annotations", map([("kustomize.config.k8s.io/needs-hash", raw(maker.random.pick(&["\"true\"", "\"false\""])))]));
    }
    maker.known.push(Known {
        version: "generated",
        kind: if kind == "SecretGenerator" { "Secret" } else { "ConfigMap" },
        name,
        namespace: None,
    });
    one
}
