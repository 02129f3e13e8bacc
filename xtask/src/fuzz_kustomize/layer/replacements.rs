//! Replacements, with all that sources and targets can say.

use super::super::objects::Known;
use super::super::tree::Maker;
use super::super::yaml::{Node, map, raw, write};
use super::{some, workload};

/// A path that leads somewhere or nowhere, or is none.
pub(super) fn odd_path(maker: &mut Maker, between: char) -> Node {
    const PARTS: [&str; 23] = [
        "template",
        "spec",
        "containers",
        "image",
        "name",
        "labels",
        "annotations",
        "app",
        "new",
        "0",
        "1",
        "9",
        "-",
        "*",
        "",
        "[name=main]",
        "[name=new]",
        "[=x]",
        "[a.b/c]",
        "[x]",
        "l[x=y]",
        "replicas",
        "selector",
    ];
    let mut path = maker.random.pick(&["spec", "metadata", "spec", "data", "new", ""]).to_owned();
    for _ in 0..1 + maker.random.below(4) {
        path.push(between);
        path += maker.random.pick(&PARTS);
    }
    raw(format!("'{path}'"))
}

/// Replacements in the kustomization or in a file.
pub(super) fn replacements(maker: &mut Maker, folder: &str) -> Vec<(&'static str, Node)> {
    let mut list = Vec::new();
    for _ in 0..1 + maker.random.below(2) {
        let Some(replacement) = replacement(maker) else { continue };
        if maker.random.chance(15) {
            let text = write(&Node::List(vec![replacement]), &mut maker.random);
            let file = format!("replace{}.yaml", maker.files.len());
            maker.files.insert(format!("{folder}/{file}"), text);
            list.push(map([("path", raw(file))]));
        } else {
            list.push(replacement);
        }
    }
    if list.is_empty() { Vec::new() } else { vec![("replacements", Node::List(list))] }
}

/// One replacement, of which the source is mostly there.
pub(super) fn replacement(maker: &mut Maker) -> Option<Node> {
    let source = some(maker, |_| true)?;
    let mut replacement = if maker.random.chance(10) {
        map([("sourceValue", raw(maker.random.pick(&["fixed", "\"v5\"", "a:b", "true-ish"])))])
    } else {
        map([("source", from(maker, &source))])
    };
    let targets: Vec<Node> = (0..1 + maker.random.below(2)).filter_map(|_| target(maker)).collect();
    let some = !targets.is_empty();
    replacement.set("targets", Node::List(targets));
    some.then_some(replacement)
}

fn from(maker: &mut Maker, source: &Known) -> Node {
    let mut from = map([("kind", raw(source.kind)), ("name", raw(source.name.clone()))]);
    if let Some(namespace) = source.namespace.clone().filter(|_| maker.random.chance(40)) {
        from.set("namespace", raw(namespace));
    }
    if source.version != "generated" && maker.random.chance(20) {
        from.set("version", raw(source.version.rsplit('/').next().unwrap_or_default()));
    }
    if maker.random.chance(60) {
        let rare = ["metadata.labels.app", "metadata.namespace", "data"];
        let path =
            if maker.random.chance(20) { maker.random.pick(&rare) } else { maker.random.pick(&["metadata.name", "kind", "apiVersion"]) };
        from.set("fieldPath", if maker.random.chance(15) { odd_path(maker, '.') } else { raw(path) });
    }
    if maker.random.chance(15) {
        // The second piece of a name between dashes is often a number (see `plugins::transformer`).
        let (delimiter, index) = match maker.random.below(3) {
            0 => ("\"-\"", maker.random.pick(&["0", "0", "-1", "7"])),
            1 => ("/", maker.random.pick(&["0", "1", "-1"])),
            _ => (".", maker.random.pick(&["0", "1", "7"])),
        };
        from.set("options", map([("delimiter", raw(delimiter)), ("index", raw(index))]));
    }
    from
}

/// What selects or rejects targets: any of its parts together.
fn selector(maker: &mut Maker, known: &Known) -> Node {
    let mut selector = map([]);
    if maker.random.chance(60) {
        selector.set("kind", raw(known.kind));
    }
    if maker.random.chance(40) {
        selector.set("name", raw(if maker.random.chance(20) { "w.*".to_owned() } else { known.name.clone() }));
    }
    if maker.random.chance(12) {
        selector.set("version", raw("v1"));
    }
    if maker.random.chance(8) {
        selector.set("group", raw(maker.random.pick(&["apps", "batch", "\"\""])));
    }
    if maker.random.chance(12) {
        selector.set("namespace", raw(maker.random.pick(&["prod", "default", "team-a"])));
    }
    if maker.random.chance(20) {
        selector.set("labelSelector", raw(maker.random.pick(&["app=web", "\"app in (web, db)\"", "tier", "\"!tier\"", "tier!=back"])));
    }
    if maker.random.chance(8) {
        selector.set("annotationSelector", raw(maker.random.pick(&["note", "\"!note\"", "z=plain"])));
    }
    selector
}

fn target(maker: &mut Maker) -> Option<Node> {
    let known = if maker.random.chance(80) { workload(maker) } else { some(maker, |_| true) }?;
    let mut select = selector(maker, &known);
    if let Node::Map(fields) = &select
        && fields.is_empty()
    {
        select = map([("kind", raw(known.kind))]);
    }
    let mut target = map([("select", select)]);
    if maker.random.chance(30) {
        let rejects = (0..1 + maker.random.below(2)).filter_map(|_| some(maker, |_| true).map(|known| selector(maker, &known))).collect();
        target.set("reject", Node::List(rejects));
    }
    let usual = [
        "metadata.annotations.from",
        "spec.template.spec.containers.0.image",
        "spec.template.spec.containers.[name=main].image",
        "spec.template.metadata.labels.app",
        "spec.template.spec.containers.*.image",
        "spec.template.spec.containers.*.env.[name=MODE].value",
        "metadata.labels.app",
        "metadata.name",
        "metadata.annotations.[example.com/x]",
        "data.a",
    ];
    let mut paths = Vec::new();
    for _ in 0..1 + maker.random.below(2) {
        paths.push(if maker.random.chance(15) { odd_path(maker, '.') } else { raw(maker.random.pick(&usual)) });
    }
    target.set("fieldPaths", Node::List(paths));
    let mut options = map([]);
    if maker.random.chance(90) {
        options.set("create", raw("true"));
    }
    if maker.random.chance(20) {
        options.set("delimiter", raw(maker.random.pick(&["':'", "/", "\"-\""])));
        if maker.random.chance(60) {
            options.set("index", raw(maker.random.pick(&["0", "1", "-1", "9"])));
        }
    }
    target.set("options", options);
    Some(target)
}
