//! Each parser gets texts that are nearly right: seeds, cut, doubled and joined by a seeded generator. None may panic, and what is read is written and read
//! back as the same.

use fiel_renderer::yaml::{parse_all, to_string};
use fiel_renderer::{Memory, Options, build};

/// How many texts each parser gets; enough to have found bugs, and done in a second.
const ROUNDS: usize = 1500;

/// SplitMix64: small, seeded, good enough to choose places in a text.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    /// A seed with a few changes.
    fn mutate(&mut self, seeds: &[&str], bits: &[&str]) -> String {
        let mut text: Vec<char> = self.pick(seeds).chars().collect();
        for _ in 0..=self.below(4) {
            let at = self.below(text.len() + 1);
            let end = (at + self.below(6)).min(text.len());
            match self.below(5) {
                0 => drop(text.drain(at..end)),
                1 => drop(text.splice(at..at, self.pick(bits).chars().collect::<Vec<_>>())),
                2 => drop(text.splice(at..end, self.pick(bits).chars().collect::<Vec<_>>())),
                3 => {
                    let copy: Vec<char> = text[at..end].to_vec();
                    drop(text.splice(at..at, copy));
                }
                _ => {
                    let other: Vec<char> = self.pick(seeds).chars().collect();
                    let from = self.below(other.len());
                    text.truncate(at);
                    text.extend(&other[from..]);
                }
            }
        }
        text.into_iter().collect()
    }
}

const YAML_BITS: [&str; 24] = [
    ": ", "- ", "\n", "\n  ", "\t", "#", "'", "\"", "|\n", ">-\n", "[", "]", "{", "}", ",", "&a ", "*a", "!!str ", "? ", "---\n", "...\n",
    "\\", "é", "%",
];

fn rendered(files: &[(&str, &str)]) {
    let files: Memory = files.iter().copied().collect();
    if let Ok(built) = build(&files, "", &Options::default()) {
        let text = built.to_yaml();
        let read = parse_all(text.as_bytes(), "t").expect("what is printed is YAML");
        let values: Vec<_> = read.iter().map(fiel_renderer::yaml::Value::to_json).collect();
        let resources: Vec<_> = built.resources().iter().map(fiel_renderer::Resource::to_json).collect();
        assert_eq!(values, resources, "{text}");
    }
}

#[test]
fn yaml() {
    let seeds = [
        "a: 1\nb: [x, 'y', \"z\\n\"]\nc:\n- d: |\n    text\n    more\n  e: >-\n    folded\n    text\n",
        "{a: {b: [1, 2.5, true, null]}, c: ~}\n---\n- - x\n  - y\n- &a {k: v}\n- *a\n",
        "# head\nkey with spaces: value: not\n\"quoted\": 0x1f\n? long\n: 2001-01-01\n!!str 5: .inf\n",
    ];
    let mut dice = Dice(1);
    for _ in 0..ROUNDS {
        let text = dice.mutate(&seeds, &YAML_BITS);
        for doc in parse_all(text.as_bytes(), "t").unwrap_or_default() {
            let json = doc.to_json();
            // What stands for no number (.inf, .nan) and control characters are refused by a build before they are printed.
            if text.contains(".inf") || text.contains(".nan") || text.contains('\t') || text.contains('\\') {
                continue;
            }
            let written = to_string(&doc);
            let again = parse_all(written.as_bytes(), "t").unwrap_or_else(|error| panic!("{error}\n{text}\n{written}"));
            assert_eq!(again.first().map(fiel_renderer::yaml::Value::to_json).unwrap_or_default(), json, "{text}\n{written}");
        }
    }
}

const RESOURCES: &str = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, labels: {a: b}}, spec: {replicas: 1, template: {spec: {containers: [{name: c, image: 'reg:5000/i:v1@sha256:0'}]}}}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {j: '{\"a\": [1, {\"b\": \"c\"}]}', y: \"a:\\n- b: c # d\\n\"}}\n";

#[test]
fn kustomizations() {
    let seeds = [
        "resources: [a.yaml]\nnamePrefix: p-\nlabels:\n- pairs: {a: b}\n  includeSelectors: true\nimages:\n- name: i\n  newTag: v2\n",
        "resources:\n- a.yaml\nconfigMapGenerator:\n- name: g\n  literals: [a=b]\n  options: {labels: {x: y}}\nreplicas: [{name: web, count: 3}]\n",
        "resources: [a.yaml]\nvars:\n- name: X\n  objref: {apiVersion: v1, kind: ConfigMap, name: m}\nbuildMetadata: [originAnnotations, transformerAnnotations]\n",
        "resources: [a.yaml]\npatches:\n- target: {kind: Deployment, labelSelector: a in (b)}\n  patch: |-\n    - {op: add, path: /spec/x, value: 1}\n",
    ];
    let mut dice = Dice(2);
    for _ in 0..ROUNDS {
        let text = dice.mutate(&seeds, &YAML_BITS);
        rendered(&[("kustomization.yaml", &text), ("a.yaml", RESOURCES)]);
    }
}

#[test]
fn json_patches() {
    let seeds = [
        "[{\"op\": \"add\", \"path\": \"/spec/template/spec/containers/0\", \"value\": {\"name\": \"x\"}}]",
        "- {op: replace, path: /spec/template/spec/containers/0/image, value: y}\n- {op: remove, path: /metadata/labels/a}\n",
        "- op: move\n  from: /spec/replicas\n  path: /spec/a~1b\n- op: copy\n  from: /spec\n  path: /spec/self\n- op: test\n  path: /kind\n  value: Deployment\n",
    ];
    let bits = [
        "/",
        "~1",
        "~0",
        "-",
        "0",
        "-1",
        "99999999999999999999",
        "\"",
        ",",
        "{",
        "}",
        "[",
        "]",
        "add",
        "remove",
        "test",
        "null",
        "\n- ",
        ": ",
    ];
    let mut dice = Dice(3);
    for _ in 0..ROUNDS {
        let patch = dice.mutate(&seeds, &bits);
        let text = "resources: [a.yaml]\npatches: [{target: {kind: Deployment}, path: p.yaml}]\n";
        rendered(&[("kustomization.yaml", text), ("a.yaml", RESOURCES), ("p.yaml", &patch)]);
    }
}

#[test]
fn field_paths() {
    let seeds = [
        "spec.template.spec.containers.[name=c].image",
        "metadata.labels.[x.y/z]",
        "data.j.a.1.b",
        "data.y.a.0.b",
        "spec.*.-.x",
        "metadata.annotations.a\\.b/c",
    ];
    let bits = [".", "[", "]", "*", "-", "=", "\\.", "0", "99", "name", "[=b]", "(", "é", ""];
    let mut dice = Dice(4);
    for _ in 0..ROUNDS {
        let mut quoted = || dice.mutate(&seeds, &bits).replace('\'', "''");
        let (from, to) = (quoted(), quoted());
        let create = dice.below(2) == 0;
        let text = format!(
            "resources: [a.yaml]\nreplacements:\n- source: {{kind: Deployment, fieldPath: '{from}'}}\n  targets: [{{select: {{name: .*}}, fieldPaths: ['{to}'], options: {{create: {create}}}}}]\n"
        );
        rendered(&[("kustomization.yaml", &text), ("a.yaml", RESOURCES)]);
    }
}

#[test]
fn image_names() {
    let seeds = ["reg:5000/i", "i", "docker.io/library/nginx:1.2@sha256:00", "[a-z]+/.*", "i:v1"];
    let bits = [":", "@", "/", "sha256:", ".", "*", "(", "[", "{", "é", "5000", "\\"];
    let mut dice = Dice(5);
    for _ in 0..ROUNDS {
        let mut quoted = || dice.mutate(&seeds, &bits).replace('\'', "''");
        let (name, new, old) = (quoted(), quoted(), quoted());
        let text = format!("resources: [a.yaml]\nimages: [{{name: '{name}', newName: '{new}', tagSuffix: '-x'}}]\n");
        let pod = format!("{{apiVersion: v1, kind: Pod, metadata: {{name: p}}, spec: {{containers: [{{name: c, image: '{old}'}}]}}}}\n");
        rendered(&[("kustomization.yaml", &text), ("a.yaml", &pod)]);
    }
}
