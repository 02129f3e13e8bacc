//! A random tree: bases, components and overlays, each with a kustomization.

use super::layer;
use super::objects::{self, Known};
use super::random::Random;
use super::shrink::Files;
use super::yaml::{Node, map, raw, texts, write};

/// The folder that is built.
pub(super) const TOP: &str = "top";

/// What is known of the tree while it is made.
pub(super) struct Maker {
    pub(super) random: Random,
    pub(super) files: Files,
    pub(super) known: Vec<Known>,
    /// Folders of components.
    parts: Vec<String>,
    names: usize,
}

/// The tree of a seed.
pub(super) fn tree(seed: u64) -> Files {
    let mut maker = Maker { random: Random::new(seed), files: Files::new(), known: Vec::new(), parts: Vec::new(), names: 0 };
    let depth = 1 + maker.random.below(3);
    let mut below: Vec<String> = Vec::new();
    for level in 0..depth {
        let folder = if level + 1 == depth { TOP.to_owned() } else { format!("base{level}") };
        // A second base beside the first one, now and then.
        if level == 0 && depth > 1 && maker.random.chance(20) {
            maker.folder("other", &[], false);
            below.push("other".to_owned());
        }
        // Variants of one base, which meet above.
        if level > 0 && level + 1 == depth && maker.random.chance(25) {
            below = ["left", "right"].iter().map(|variant| maker.variant(variant, &below)).collect();
        }
        maker.folder(&folder, &below, level == 0);
        below = vec![folder];
    }
    maker.files
}

impl Maker {
    /// Makes a folder with a kustomization on top of those below it.
    fn folder(&mut self, folder: &str, below: &[String], first: bool) {
        let mut kustomization = map([]);
        if self.random.chance(60) {
            kustomization.set("apiVersion", raw("kustomize.config.k8s.io/v1beta1"));
            kustomization.set("kind", raw("Kustomization"));
        }
        let mut resources: Vec<String> = below.iter().map(|base| format!("../{base}")).collect();
        let files = if first || below.is_empty() { 1 + self.random.below(3) } else { self.random.below(2) };
        for index in 0..files {
            let name = format!("{}{index}.yaml", self.random.pick(&["res", "all-", "x.y"]));
            let text = self.objects();
            self.files.insert(format!("{folder}/{name}"), text);
            resources.push(if self.random.chance(10) { format!("./{name}") } else { name });
        }
        if !resources.is_empty() {
            kustomization.set("resources", texts(resources));
        }
        self.components(folder, 15, &mut kustomization);
        layer::features(self, folder, &mut kustomization);
        self.kustomization(folder, &kustomization);
    }

    /// A folder that names, labels or places what is below it in its own way, so that it can stand beside another one of the same base.
    fn variant(&mut self, folder: &str, below: &[String]) -> String {
        let mut kustomization = map([("resources", texts(below.iter().map(|base| format!("../{base}"))))]);
        if self.random.chance(70) {
            kustomization.set(self.random.pick(&["namePrefix", "nameSuffix"]), raw(format!("'{folder}-{folder}'")));
        }
        if self.random.chance(50) {
            kustomization.set("namespace", raw(folder));
        }
        self.components(folder, 20, &mut kustomization);
        if self.random.chance(50) {
            layer::features(self, folder, &mut kustomization);
        }
        self.kustomization(folder, &kustomization);
        folder.to_owned()
    }

    /// Components for a folder, of which some are those of another folder and some have components of their own.
    fn components(&mut self, folder: &str, percent: usize, kustomization: &mut Node) {
        let mut parts = Vec::new();
        for name in ["part", "piece"] {
            if !self.random.chance(percent) {
                continue;
            }
            let known = self.parts.len();
            let part = if known > 0 && self.random.chance(30) {
                self.parts[self.random.below(known)].clone()
            } else {
                let part = format!("{folder}-{name}");
                self.component(&part);
                part
            };
            let path = format!("../{part}");
            if !parts.contains(&path) {
                parts.push(path);
            }
        }
        if !parts.is_empty() {
            kustomization.set("components", texts(parts));
        }
    }

    fn component(&mut self, folder: &str) {
        let mut kustomization = map([("apiVersion", raw("kustomize.config.k8s.io/v1alpha1")), ("kind", raw("Component"))]);
        if self.random.chance(40) {
            let text = self.objects();
            self.files.insert(format!("{folder}/extra.yaml"), text);
            kustomization.set("resources", texts(["extra.yaml"]));
        }
        if self.random.chance(95) {
            // An empty kustomization is refused.
            kustomization.set("commonAnnotations", map([("part", raw("of-it"))]));
        }
        if folder.len() < 16 {
            self.components(folder, 12, &mut kustomization);
        }
        layer::features(self, folder, &mut kustomization);
        self.kustomization(folder, &kustomization);
        self.parts.push(folder.to_owned());
    }

    fn kustomization(&mut self, folder: &str, kustomization: &Node) {
        let name = if self.random.chance(90) { "kustomization.yaml" } else { self.random.pick(&["kustomization.yml", "Kustomization"]) };
        let text = write(kustomization, &mut self.random);
        self.files.insert(format!("{folder}/{name}"), text);
    }

    /// A file of one or several objects.
    fn objects(&mut self) -> String {
        let mut texts = Vec::new();
        for _ in 0..1 + self.random.below(3) {
            // Rarely a name comes twice, which is mostly an error.
            self.names += 1;
            let base = self.random.pick(&objects::NAMES);
            let name = if self.random.chance(70) { format!("{base}-{}", self.names) } else { base.to_owned() };
            let (known, object) = objects::object(&mut self.random, &name, &self.known);
            self.known.push(known);
            texts.push(write(&object, &mut self.random));
        }
        if self.random.chance(6) {
            // The same objects as a list.
            let indented = |text: &String| text.lines().map(|line| format!("  {line}\n")).collect::<String>().replacen("  ", "- ", 1);
            if texts.iter().all(|text| !text.starts_with('#') && !text.contains("\n#")) {
                return format!("apiVersion: v1\nkind: List\nitems:\n{}", texts.iter().map(indented).collect::<String>());
            }
        }
        let mut text = texts.join("---\n");
        if self.random.chance(10) {
            text = format!("---\n{text}---\n");
        }
        if self.random.chance(5) {
            text = format!("# a header\n\n{text}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_tree_with_a_top() {
        for seed in 0..200 {
            let files = tree(seed);
            assert_eq!(files, tree(seed));
            assert!(files.keys().any(|path| path.starts_with("top/") && path.to_lowercase().contains("kustomization")), "{seed}");
        }
    }
}
