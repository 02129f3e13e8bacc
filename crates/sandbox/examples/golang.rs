//! Generates `data/golang.txt`: what JSON makes of each field of Kubernetes' built-in types, and its number in protobuf.
//!
//! `cargo run -p fiel-sandbox --example golang -- ROOT > crates/sandbox/data/golang.txt`: ROOT is a folder with the Go modules `api`,
//! `apimachinery`, `apiextensions-apiserver` and `kube-aggregator` of one Kubernetes version (folders `api@v…` are taken too). The tags of the Go types say all: number, JSON name, pointer, inline.
//!
//! `… ROOT internal > crates/sandbox/data/internal.txt` writes the types that the server itself works with (module `kubernetes`), which it shows in
//! errors: they have no tags, so their fields go by their Go names, numbered as they stand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex::Regex;

/// The groups whose own types errors show.
const INTERNAL: [&str; 5] = ["apps", "batch", "core", "policy", "rbac"];

type Failure = Box<dyn std::error::Error>;

/// What a name in Go's source stands for.
enum Type {
    /// Its fields, each as the table writes it.
    Struct(Vec<Field>),
    /// Another type.
    Alias(String),
}

struct Field {
    number: u32,
    name: String,
    inline: bool,
    omitted: bool,
    /// The Go type, with its package where it names one: `[]*core/v1.Container`.
    of: String,
}

fn main() -> Result<(), Failure> {
    let root = PathBuf::from(std::env::args().nth(1).ok_or("usage: golang ROOT")?);
    let mut types = BTreeMap::new();
    let internal = std::env::args().nth(2).is_some_and(|mode| mode == "internal");
    let groups: BTreeSet<(String, String)> = fiel_schema::Registry::builtin()
        .kinds()
        .map(|kind| (kind.group().split('.').next().unwrap_or_default().to_owned(), kind.version().to_owned()))
        .collect();
    for (group, version) in &groups {
        let group = if group.is_empty() { "core" } else { group };
        package(&module(&root, "api")?.join(group).join(version), &format!("{group}/{version}"), &mut types)?;
    }
    for (repository, group) in [("apiextensions-apiserver", "apiextensions"), ("kube-aggregator", "apiregistration")] {
        package(&module(&root, repository)?.join("pkg/apis").join(group).join("v1"), &format!("{group}/v1"), &mut types)?;
    }
    let machinery = module(&root, "apimachinery")?.join("pkg");
    package(&machinery.join("apis/meta/v1"), "meta/v1", &mut types)?;
    package(&machinery.join("runtime"), "runtime", &mut types)?;
    if internal {
        for group in INTERNAL {
            package(&module(&root, "kubernetes")?.join("pkg/apis").join(group), group, &mut types)?;
        }
    }
    // JSON of any shape, which is no message to us.
    types.remove("apiextensions/v1.JSON");
    for (name, kind) in &types {
        let Type::Struct(fields) = kind else { continue };
        if internal && name.split_once('.').is_none_or(|(package, _)| !INTERNAL.contains(&package)) {
            continue;
        }
        let mut line = name.clone();
        for field in fields {
            let mark = if field.inline { "+" } else { "" };
            let always = if field.omitted { "" } else { "!" };
            line.push_str(&format!(" {mark}{}={}{always}{}", field.name, field.number, code(&field.of, &types)));
        }
        if !fields.is_empty() {
            println!("{line}");
        }
    }
    Ok(())
}

/// The folder of a Go module, with or without its version.
fn module(root: &Path, name: &str) -> Result<PathBuf, Failure> {
    let entries = std::fs::read_dir(root)?.flatten().map(|entry| entry.path());
    let mut found = entries.filter(|path| {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        file == name || file.starts_with(&format!("{name}@"))
    });
    found.next().ok_or_else(|| format!("no module {name} in {}", root.display()).into())
}

/// Reads the types of one package; a folder that is not there (a group with types elsewhere) has none.
fn package(folder: &Path, name: &str, types: &mut BTreeMap<String, Type>) -> Result<(), Failure> {
    let begins = Regex::new(r"^type (\w+) (struct \{|[\w.\[\]*]+)")?;
    let field = Regex::new(r#"^\s+(?:\w+ )?\s*([\w.\[\]*]+)\s+`json:"([^"]*)".* ?protobuf:"\w+,(\d+),([^"]*)""#)?;
    let import = Regex::new(r#"^\s*(?:import )?(\w+)? ?"k8s\.io/(?:api|apimachinery/pkg|kubernetes/pkg)/(?:apis/)?([\w/]+)"$"#)?;
    let (named, embedded) =
        (Regex::new(r"^\s+([A-Z]\w*)\s+([\w.\[\]*]+)\s*(?:[`/].*)?$")?, Regex::new(r"^\s+((?:\w+\.)?[A-Z]\w*)\s*(?:`.*)?$")?);
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for file in entries.flatten().map(|entry| entry.path()) {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let source = file.extension().is_some_and(|extension| extension == "go");
        if !source || file.to_string_lossy().ends_with("_test.go") || file.to_string_lossy().contains("generated") {
            continue;
        }
        let mut imports = BTreeMap::new();
        let mut open: Option<(String, Vec<Field>)> = None;
        for line in text.lines() {
            if let Some(found) = import.captures(line) {
                let path = found[2].trim_start_matches("api/").to_owned();
                let last = path.rsplit('/').next().unwrap_or_default().to_owned();
                imports.insert(found.get(1).map_or(last, |alias| alias.as_str().to_owned()), path);
            } else if let Some(found) = begins.captures(line) {
                if found[2].starts_with("struct") {
                    open = Some((found[1].to_owned(), Vec::new()));
                } else {
                    types.insert(format!("{name}.{}", &found[1]), Type::Alias(qualified(&found[2], name, &imports)));
                }
            } else if line == "}" {
                if let Some((kind, fields)) = open.take() {
                    types.insert(format!("{name}.{kind}"), Type::Struct(fields));
                }
            } else if let (Some((_, fields)), true) = (&mut open, INTERNAL.contains(&name)) {
                let (own, of) = match (embedded.captures(line), named.captures(line)) {
                    (Some(found), _) => (None, found[1].to_owned()),
                    (_, Some(found)) => (Some(found[1].to_owned()), found[2].to_owned()),
                    _ => continue,
                };
                if of.ends_with(".TypeMeta") {
                    continue;
                }
                let last = of.rsplit('.').next().unwrap_or_default().to_owned();
                fields.push(Field {
                    number: u32::try_from(fields.len())? + 1,
                    inline: own.is_none(),
                    name: own.unwrap_or(last),
                    omitted: false,
                    of: qualified(&of, name, &imports),
                });
            } else if let (Some((_, fields)), Some(found)) = (&mut open, field.captures(line)) {
                let mut json = found[2].split(',');
                let key = json.next().unwrap_or_default().to_owned();
                let rest: Vec<&str> = json.collect();
                let named = found[4].split(',').find_map(|part| part.strip_prefix("name=")).unwrap_or_default();
                fields.push(Field {
                    number: found[3].parse()?,
                    inline: key.is_empty(),
                    name: if key.is_empty() { named.to_owned() } else { key },
                    omitted: rest.contains(&"omitempty") || rest.contains(&"omitzero"),
                    of: qualified(&found[1], name, &imports),
                });
            }
        }
    }
    Ok(())
}

/// A Go type with the full path of the package that it names.
fn qualified(of: &str, package: &str, imports: &BTreeMap<String, String>) -> String {
    // The key of a map is a text in JSON whatever Go calls it.
    if let Some((_, values)) = of.strip_prefix("map[").and_then(|rest| rest.split_once(']')) {
        return format!("map[string]{}", qualified(values, package, imports));
    }
    let base = of.rsplit(['*', ']']).next().unwrap_or_default();
    let shape = &of[..of.len() - base.len()];
    let name = match base.split_once('.') {
        Some((alias, name)) => format!("{}.{name}", imports.get(alias).map_or(alias, String::as_str)),
        None if base.starts_with(|first: char| first.is_uppercase()) => format!("{package}.{base}"),
        None => base.to_owned(),
    };
    format!("{shape}{name}")
}

/// A type as the table writes it: `*` list, `%` map, `?` pointer; s i b f y for scalars, with the name behind a colon that Go gives them; otherwise a message.
fn code(of: &str, types: &BTreeMap<String, Type>) -> String {
    if of == "[]byte" {
        return "y".to_owned();
    }
    for (shape, mark) in [("[]", "*"), ("map[string]", "%"), ("*", "?")] {
        if let Some(rest) = of.strip_prefix(shape) {
            return format!("{mark}{}", code(rest, types).trim_start_matches('?'));
        }
    }
    match of {
        "string" | "types.UID" | "types.NodeName" => "s".to_owned(),
        "int64" => "i:int64".to_owned(),
        "int32" | "int" | "uint8" | "uint32" => "i".to_owned(),
        "bool" => "b".to_owned(),
        "float64" => "f".to_owned(),
        _ => match types.get(of) {
            // A list type with a name of its own is a message around the list.
            Some(Type::Alias(other)) if other == "string" => format!("s:{}", of.rsplit('/').next().unwrap_or_default()),
            Some(Type::Alias(other)) if !other.starts_with("[]") => code(other, types),
            _ => of.to_owned(),
        },
    }
}
