//! The fields of a random kustomization.

mod bodies;
mod plugins;
mod replacements;
mod schema;

use self::bodies::{operations, strategic};
use self::replacements::odd_path;
use super::objects::{self, Known, WORKLOADS};
use super::tree::Maker;
use super::yaml::{Node, map, raw, texts, write};

/// Fields to add, given the folder for the files that they name.
type Feature = fn(&mut Maker, &str) -> Vec<(&'static str, Node)>;

/// Adds random fields, and the files that they name.
pub(super) fn features(maker: &mut Maker, folder: &str, kustomization: &mut Node) {
    let features: [(usize, Feature); 18] = [
        (25, affixes),
        (20, namespace),
        (25, labels),
        (12, common),
        (30, generators),
        (25, images),
        (15, replicas),
        (30, patches),
        (10, old_patches),
        (8, json_patches),
        (12, replacements::replacements),
        (8, vars),
        (10, configurations),
        (8, order),
        (15, plugins::transformers),
        (8, plugins::generators),
        (6, metadata),
        (4, schema::openapi),
    ];
    for (percent, feature) in features {
        if maker.random.chance(percent) {
            for (key, value) in feature(maker, folder) {
                kustomization.set(key, value);
            }
        }
    }
}

/// One of the objects of the tree.
fn some(maker: &mut Maker, wanted: impl Fn(&Known) -> bool) -> Option<Known> {
    let found: Vec<&Known> = maker.known.iter().filter(|known| wanted(known)).collect();
    (!found.is_empty()).then(|| found[maker.random.below(found.len())].clone())
}

fn workload(maker: &mut Maker) -> Option<Known> {
    some(maker, |known| WORKLOADS.contains(&known.kind))
}

fn affixes(maker: &mut Maker, _: &str) -> Vec<(&'static str, Node)> {
    let mut fields = Vec::new();
    if maker.random.chance(70) {
        fields.push(("namePrefix", raw(maker.random.pick(&["dev-", "p.", "'1-'", "\"\""]))));
    }
    if maker.random.chance(40) {
        fields.push(("nameSuffix", raw(maker.random.pick(&["-v1", "-x", ".s"]))));
    }
    fields
}

fn namespace(maker: &mut Maker, _: &str) -> Vec<(&'static str, Node)> {
    vec![("namespace", raw(maker.random.pick(&["prod", "team-a", "default"])))]
}

fn labels(maker: &mut Maker, _: &str) -> Vec<(&'static str, Node)> {
    let mut list = Vec::new();
    for _ in 0..1 + maker.random.below(2) {
        // kustomize keeps one node for a label that it sets in several places, so that changing it in one of them later changes all. That is
        // a mistake which fiel does not share: here a key always stands for the same places.
        let mut key = maker.random.pick(&["env", "app.x/b"]).to_owned();
        let mut label = map([]);
        for option in ["includeSelectors", "includeTemplates"] {
            let value = if maker.random.chance(30) { maker.random.pick(&["true", "false"]) } else { "" };
            if !value.is_empty() {
                label.set(option, raw(value));
            }
            key.push(if value == "true" { 'y' } else { 'n' });
        }
        if maker.random.chance(15) {
            label.set("fields", Node::List(vec![map([("path", raw("spec/labels")), ("kind", raw("Widget")), ("create", raw("true"))])]));
            key.push('f');
        }
        label.set("pairs", Node::Map(vec![(key, raw(maker.random.pick(&["prod", "'1'", "x.y"])))]));
        list.push(label);
    }
    vec![("labels", Node::List(list))]
}

fn common(maker: &mut Maker, _: &str) -> Vec<(&'static str, Node)> {
    let mut fields = Vec::new();
    if maker.random.chance(50) {
        fields.push(("commonLabels", map([("team", raw(maker.random.pick(&["a", "\"7\""])))])));
    }
    if maker.random.chance(60) {
        fields.push(("commonAnnotations", map([("by", objects::text(&mut maker.random))])));
    }
    fields
}

fn generators(maker: &mut Maker, folder: &str) -> Vec<(&'static str, Node)> {
    let mut fields = Vec::new();
    for (key, kind) in [("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")] {
        if maker.random.chance(60) {
            let list = (0..1 + maker.random.below(2)).map(|_| generator(maker, folder, kind)).collect();
            fields.push((key, Node::List(list)));
        }
    }
    if maker.random.chance(25) {
        let mut options = map([]);
        if maker.random.chance(50) {
            options.set("disableNameSuffixHash", raw("true"));
        }
        if maker.random.chance(50) {
            options.set("labels", map([("gen", raw("yes-it-is"))]));
        }
        if maker.random.chance(30) {
            options.set("annotations", map([("note", objects::text(&mut maker.random))]));
        }
        if maker.random.chance(20) {
            options.set("immutable", raw("true"));
        }
        fields.push(("generatorOptions", options));
    }
    fields
}

fn generator(maker: &mut Maker, folder: &str, kind: &'static str) -> Node {
    let earlier = some(maker, |known| known.version == "generated" && known.kind == kind);
    let index = maker.files.len();
    let (name, behavior) = match earlier.filter(|_| maker.random.chance(15)) {
        Some(known) => (known.name, maker.random.pick(&["merge", "replace", "merge"])),
        None => (format!("gen{index}-{}", maker.known.len()), maker.random.pick(&["", "", "create"])),
    };
    let mut args = map([("name", raw(name.clone()))]);
    if !behavior.is_empty() {
        args.set("behavior", raw(behavior));
    }
    if maker.random.chance(60) {
        let all = ["a=1", "b=two words", "\"c=quoted\"", "d='x'", "e=", "key=a=b", "'f=\"in\"'", "yes=no", "g=true"];
        let literals: Vec<&str> = all.into_iter().filter(|_| maker.random.chance(30)).collect();
        args.set("literals", texts(literals));
    }
    if maker.random.chance(40) {
        let file = format!("data{index}.txt");
        let content = maker.random.pick(&[
            "hello\n",
            "no end",
            "a\n\nb  \n",
            "\ttab\n",
            "x: y\n# c\n",
            "",
            "trailing \nspace\n",
            "ünï\n",
            "crlf\r\nline\r\n",
        ]);
        maker.files.insert(format!("{folder}/{file}"), content.to_owned());
        let named = maker.random.chance(30);
        args.set("files", texts([if named { format!("as.cfg={file}") } else { file }]));
    }
    if maker.random.chance(30) {
        let file = format!("env{index}.env");
        let content = maker.random.pick(&["A=1\nB=2\n", "# comment\n\nX=y z\n", "Q=\"quoted\"\n", "E=\nF==\n", "  L=lead\n"]);
        maker.files.insert(format!("{folder}/{file}"), content.to_owned());
        args.set("envs", texts([file]));
    }
    if maker.random.chance(4) {
        let file = format!("old{index}.env");
        maker.files.insert(format!("{folder}/{file}"), "OLD=1\n".to_owned());
        args.set("env", raw(file));
    }
    if kind == "Secret" && maker.random.chance(20) {
        args.set("type", raw(maker.random.pick(&["Opaque", "kubernetes.io/basic-auth"])));
    }
    if maker.random.chance(5) {
        args.set("namespace", raw("prod"));
    }
    if maker.random.chance(25) {
        let mut options = map([]);
        if maker.random.chance(50) {
            options.set("disableNameSuffixHash", raw(maker.random.pick(&["true", "false"])));
        }
        if maker.random.chance(40) {
            options.set("labels", map([("own", raw("'2'"))]));
        }
        args.set("options", options);
    }
    maker.known.push(Known { version: "generated", kind, name, namespace: None });
    args
}

fn images(maker: &mut Maker, _: &str) -> Vec<(&'static str, Node)> {
    let mut list = Vec::new();
    for _ in 0..1 + maker.random.below(2) {
        let mut image =
            map([("name", raw(maker.random.pick(&["nginx", "busybox", "app", "registry.local:5000/team/app", "redis", "'*'"])))]);
        if maker.random.chance(50) {
            image.set("newName", raw(maker.random.pick(&["mirror/nginx", "reg:5000/a/b", "short", "12", "'010'", "'1.0'", "2020-01-01"])));
        }
        match maker.random.below(4) {
            0 => image.set("newTag", raw(maker.random.pick(&["v2", "\"1.10\"", "'2'", "\"\""]))),
            1 => image.set("digest", raw("sha256:0000000000000000000000000000000000000000000000000000000000000000")),
            2 => image.set("tagSuffix", raw("-slim")),
            _ => {}
        }
        list.push(image);
    }
    vec![("images", Node::List(list))]
}

fn replicas(maker: &mut Maker, _: &str) -> Vec<(&'static str, Node)> {
    let known = some(maker, |known| ["Deployment", "StatefulSet"].contains(&known.kind));
    known
        .map(|known| ("replicas", Node::List(vec![map([("name", raw(known.name)), ("count", raw(maker.random.pick(&["5", "0", "2"])))])])))
        .into_iter()
        .collect()
}

fn target(maker: &mut Maker, known: &Known) -> Node {
    let mut target = map([("kind", raw(known.kind))]);
    match maker.random.below(6) {
        0 => target.set("name", raw(maker.random.pick(&[".*", "w.*", "web-[0-9]+"]))),
        1 => {
            // All can be read: kustomize does not try where no resource is asked, and fiel refuses them always.
            let selector = maker.random.pick(&["app=web", "\"app in (web, db)\"", "tier", "\"!tier\"", "app!=web"]);
            target.set("labelSelector", raw(selector));
        }
        2 => target.set("annotationSelector", raw("note")),
        3 => {}
        _ => target.set("name", raw(known.name.clone())),
    }
    if maker.random.chance(15) && known.version != "generated" {
        target.set("version", raw(known.version.rsplit('/').next().unwrap_or_default()));
    }
    target
}

fn as_block(text: &str) -> Node {
    Node::Block("|-", text.lines().map(str::to_owned).collect())
}

/// Gives a patch its body: inline, or in a file whose name begins so.
fn put_body(maker: &mut Maker, folder: &str, patch: &mut Node, name: &str, text: String, inline: bool) {
    if inline {
        patch.set("patch", as_block(&text));
    } else {
        let file = format!("{name}{}.yaml", maker.files.len());
        maker.files.insert(format!("{folder}/{file}"), text);
        patch.set("path", raw(file));
    }
}

fn patches(maker: &mut Maker, folder: &str) -> Vec<(&'static str, Node)> {
    let mut list = Vec::new();
    for _ in 0..1 + maker.random.below(3) {
        let known = if maker.random.chance(60) { workload(maker) } else { some(maker, |_| true) };
        let Some(known) = known else { continue };
        let json = maker.random.chance(35);
        let body = if json { operations(maker, &known) } else { strategic(maker, &known) };
        let mut text = write(&body, &mut maker.random);
        // A file may patch several objects.
        if !json
            && maker.random.chance(10)
            && let Some(other) = workload(maker)
        {
            let second = strategic(maker, &other);
            text = format!("{text}---\n{}", write(&second, &mut maker.random));
        }
        let mut patch = map([]);
        // A block's first line says how deep it is: it must not begin with a comment that is deeper.
        let inline = maker.random.chance(60);
        put_body(maker, folder, &mut patch, "patch", text, inline);
        if json || maker.random.chance(25) {
            patch.set("target", target(maker, &known));
        }
        if maker.random.chance(8) {
            patch.set("options", map([(maker.random.pick(&["allowNameChange", "allowKindChange"]), raw("true"))]));
        }
        list.push(patch);
    }
    if list.is_empty() { Vec::new() } else { vec![("patches", Node::List(list))] }
}

/// The older kind of patches of operations.
fn json_patches(maker: &mut Maker, folder: &str) -> Vec<(&'static str, Node)> {
    let Some(known) = some(maker, |known| known.version != "generated") else { return Vec::new() };
    let (group, version) = known.version.split_once('/').unwrap_or(("", known.version));
    let mut target = map([("version", raw(version)), ("kind", raw(known.kind)), ("name", raw(known.name.clone()))]);
    if !group.is_empty() {
        target.set("group", raw(group));
    }
    if let Some(namespace) = known.namespace.clone().filter(|_| maker.random.chance(80)) {
        target.set("namespace", raw(namespace));
    }
    let body = operations(maker, &known);
    let text = write(&body, &mut maker.random);
    let mut patch = map([("target", target)]);
    let inline = maker.random.chance(50);
    put_body(maker, folder, &mut patch, "json", text, inline);
    vec![("patchesJson6902", Node::List(vec![patch]))]
}

/// Annotations that tell of the build.
fn metadata(maker: &mut Maker, _: &str) -> Vec<(&'static str, Node)> {
    let all = ["originAnnotations", "transformerAnnotations", "managedByLabel"];
    let some: Vec<&str> = all.into_iter().filter(|_| maker.random.chance(40)).collect();
    if some.is_empty() { Vec::new() } else { vec![("buildMetadata", texts(some))] }
}

fn old_patches(maker: &mut Maker, folder: &str) -> Vec<(&'static str, Node)> {
    let Some(known) = workload(maker) else { return Vec::new() };
    let patch = strategic(maker, &known);
    let text = write(&patch, &mut maker.random);
    let file = format!("old{}.yaml", maker.files.len());
    maker.files.insert(format!("{folder}/{file}"), text);
    vec![("patchesStrategicMerge", texts([file]))]
}

fn vars(maker: &mut Maker, _: &str) -> Vec<(&'static str, Node)> {
    let Some(known) = some(maker, |known| known.version != "generated") else { return Vec::new() };
    let object = map([("apiVersion", raw(known.version)), ("kind", raw(known.kind)), ("name", raw(known.name))]);
    let mut var = map([("name", raw("NAME")), ("objref", object)]);
    if maker.random.chance(40) {
        var.set("fieldref", map([("fieldpath", raw(maker.random.pick(&["metadata.name", "kind", "metadata.namespace"])))]));
    }
    vec![("vars", Node::List(vec![var]))]
}

fn configurations(maker: &mut Maker, folder: &str) -> Vec<(&'static str, Node)> {
    let mut config = map([]);
    if maker.random.chance(60) {
        let referrer = map([("path", raw("spec/configRef/name")), ("kind", raw("Widget"))]);
        config.set(
            "nameReference",
            Node::List(vec![map([("kind", raw("ConfigMap")), ("version", raw("v1")), ("fieldSpecs", Node::List(vec![referrer]))])]),
        );
    }
    if maker.random.chance(50) {
        config.set("images", Node::List(vec![map([("path", raw("spec/image")), ("kind", raw("Widget"))])]));
    }
    if maker.random.chance(40) {
        let path = if maker.random.chance(25) { odd_path(maker, '/') } else { raw("spec/labels") };
        let create = maker.random.pick(&["true", "true", "false"]);
        let spec = map([("path", path), ("create", raw(create)), ("kind", raw("Widget"))]);
        config.set("commonLabels", Node::List(vec![spec]));
    }
    // Field specs of every list, with and without a kind.
    let lists = [
        ("namePrefix", "metadata/labels/app"),
        ("nameSuffix", "spec/configRef/name"),
        ("namespace", "spec/ns"),
        ("commonAnnotations", "spec/template/metadata/annotations"),
        ("labels", "spec/labels"),
        ("templateLabels", "spec/labels"),
        ("replicas", "spec/size"),
        ("varReference", "spec/odd"),
    ];
    for (list, path) in lists {
        if maker.random.chance(12) {
            let mut spec = map([("path", raw(path))]);
            if maker.random.chance(60) {
                spec.set("kind", raw(maker.random.pick(&["Widget", "Deployment"])));
            }
            if maker.random.chance(60) {
                spec.set("create", raw("true"));
            }
            config.set(list, Node::List(vec![spec]));
        }
    }
    let text = write(&config, &mut maker.random);
    maker.files.insert(format!("{folder}/config.yaml"), text);
    let mut fields = vec![("configurations", texts(["config.yaml"]))];
    if maker.random.chance(30) {
        maker.files.insert(format!("{folder}/crd.json"), CRD.to_owned());
        fields.push(("crds", texts(["crd.json"])));
    }
    fields
}

/// What a CRD's OpenAPI definition looks like for kustomize: a reference from Widgets to Secrets.
const CRD: &str = r#"{"example.com/v1.Widget": {"Schema": {"properties": {
  "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"},
  "spec": {"$ref": "example.com/v1.WidgetSpec"}}}},
 "example.com/v1.WidgetSpec": {"Schema": {"properties": {
  "configRef": {"x-kubernetes-object-ref-api-version": "v1", "x-kubernetes-object-ref-kind": "ConfigMap", "$ref": "example.com/v1.Ref"}}}},
 "example.com/v1.Ref": {"Schema": {"properties": {"name": {"type": "string"}}}}}
"#;

fn order(maker: &mut Maker, _: &str) -> Vec<(&'static str, Node)> {
    let mut options = map([("order", raw(maker.random.pick(&["fifo", "legacy"])))]);
    if let Node::Raw(text) = options.at("order")
        && text == "legacy"
        && maker.random.chance(40)
    {
        options.set("legacySortOptions", map([("orderFirst", texts(["Deployment", "Widget"])), ("orderLast", texts(["Namespace"]))]));
    }
    vec![("sortOptions", options)]
}
