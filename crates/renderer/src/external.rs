//! Plugins that are not built in: KRM functions, and programs of the older kind. They run outside; here is what they are told and what becomes of
//! their answer.

use std::collections::HashMap;

use crate::decode::Fields;
use crate::error::{Error, ErrorKind, Result};
use crate::load::Folder;
use crate::notes;
use crate::outside::{FunctionCall, Mount, PluginCall, Program};
use crate::resource::Resource;
use crate::yaml::{Map, Value, parse_kustomization, to_string};

fn failed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Kustomization, message)
}

/// Runs a generator.
pub(crate) fn generate(folder: &Folder<'_>, config: &Resource) -> Result<Vec<Resource>> {
    let output = match program(config)? {
        Some(program) => {
            let items = [local(config)];
            call(folder, config, program, &items)?
        }
        None => Some(plugin(folder, config, Vec::new())?),
    };
    let Some(output) = output else { return Ok(Vec::new()) };
    let mut resources = crate::read::resources(&output, &source(config))?;
    for resource in &mut resources {
        notes::read_generated(resource).map_err(failed)?;
    }
    Ok(resources)
}

/// Runs a transformer: what it gives back takes the place of what it was given.
pub(crate) fn transform(folder: &Folder<'_>, config: &Resource, resources: &mut Vec<Resource>) -> Result<()> {
    let items: Vec<Value> = resources.iter().map(notes::write).collect();
    let output = match program(config)? {
        Some(program) => call(folder, config, program, &items)?,
        None => Some(plugin(folder, config, documents(&items))?),
    };
    let Some(output) = output else { return Ok(()) };
    update(resources, crate::read::resources(&output, &source(config))?, config)
}

/// How messages name what a plugin printed.
fn source(config: &Resource) -> String {
    format!("the output of {}", config.id())
}

fn update(resources: &mut Vec<Resource>, output: Vec<Resource>, config: &Resource) -> Result<()> {
    let mut new: HashMap<String, Resource> = HashMap::with_capacity(output.len());
    let mut order = Vec::with_capacity(output.len());
    let key = |resource: &Resource| format!("{:?}", resource.id().key());
    for resource in output {
        let id = key(&resource);
        order.push(id.clone());
        if let Some(twice) = new.insert(id, resource) {
            return Err(failed(format!("{} gave {} twice", config.id(), twice.id())));
        }
    }
    let mut old = std::mem::take(resources).into_iter().collect::<Vec<_>>();
    // What was there keeps its place, what is new comes behind.
    for resource in old.drain(..) {
        if let Some(mut changed) = new.remove(&key(&resource)) {
            notes::read(&mut changed, Some(&resource.state));
            resources.push(changed);
        }
    }
    for id in order {
        if let Some(mut added) = new.remove(&id) {
            notes::read(&mut added, None);
            resources.push(added);
        }
    }
    Ok(())
}

/// Runs a function over items.
fn call(folder: &Folder<'_>, config: &Resource, program: Program, items: &[Value]) -> Result<Option<Vec<u8>>> {
    let call = FunctionCall { name: config.id().to_string(), program, folder: folder.on_disk(""), input: resource_list(config, items) };
    let output = folder.session.outside.function(&call)?;
    if output.is_none() {
        let warning = format!("{} was skipped: --enable-exec allows functions that are programs", call.name);
        folder.session.warnings.borrow_mut().push(warning);
    }
    Ok(output)
}

/// The configuration, which is not to be mistaken for a result.
fn local(config: &Resource) -> Value {
    let mut value = config.value.clone();
    set_annotation(&mut value, "config.kubernetes.io/local-config", "true");
    value
}

fn set_annotation(value: &mut Value, key: &str, text: &str) {
    let metadata = value.as_map_mut().and_then(|map| map.entry("metadata", || Value::map(Map::new())).as_map_mut());
    if let Some(annotations) = metadata.and_then(|map| map.entry("annotations", || Value::map(Map::new())).as_map_mut()) {
        annotations.insert(key, Value::string(text));
    }
}

/// The document that a function reads.
fn resource_list(config: &Resource, items: &[Value]) -> Vec<u8> {
    let mut text = String::from("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n");
    for (index, item) in items.iter().enumerate() {
        let mut item = item.clone();
        for key in [
            "config.kubernetes.io/index",
            "internal.config.kubernetes.io/index",
            "internal.config.kubernetes.io/annotations-migration-resource-id",
        ] {
            set_annotation(&mut item, key, &index.to_string());
        }
        for key in ["internal.config.kubernetes.io/id", "config.k8s.io/id"] {
            set_annotation(&mut item, key, &(index + 1).to_string());
        }
        indent(&to_string(&item), "- ", &mut text);
    }
    text.push_str("functionConfig:\n");
    indent(&to_string(&local(config)), "  ", &mut text);
    text.into_bytes()
}

/// Adds lines, the first behind `lead`, the others two columns in.
fn indent(lines: &str, lead: &str, out: &mut String) {
    for (number, line) in lines.lines().enumerate() {
        if !line.is_empty() {
            out.push_str(if number == 0 { lead } else { "  " });
        }
        out.push_str(line);
        out.push('\n');
    }
}

fn documents(items: &[Value]) -> Vec<u8> {
    items.iter().map(to_string).collect::<Vec<_>>().join("---\n").into_bytes()
}

/// What runs a function, as its configuration says; nothing when it does not say that it is one.
fn program(config: &Resource) -> Result<Option<Program>> {
    let annotation = |key: &str| config.annotation(key).filter(|text| !text.is_empty());
    for key in ["config.kubernetes.io/function", "config.k8s.io/function"] {
        if let Some(text) = annotation(key) {
            let spec = parse_kustomization(text.as_bytes(), key)?;
            return decode(spec).map(Some).map_err(|error| failed(format!("{}: {key}: {}", config.id(), error.message())));
        }
    }
    if let Some(spec) = config.value().get("metadata").and_then(|meta| meta.get("configFn")).filter(|spec| !spec.is_null()) {
        return decode(spec.clone()).map(Some);
    }
    Ok(annotation("config.kubernetes.io/container").map(|image| Program::Container {
        image: image.to_owned(),
        network: false,
        mounts: Vec::new(),
        environment: Vec::new(),
    }))
}

fn decode(spec: Value) -> Result<Program> {
    let (container, exec) = Fields::new(spec, "a function")?.read(&["deferFailure", "container", "exec"], |f| {
        // kustomize reports the failure of a function anyway.
        let _deferred = f.boolean("deferFailure");
        Ok((f.nested("container", container), f.nested("exec", exec)))
    })?;
    Ok(container.flatten().or(exec).unwrap_or_else(|| Program::Exec {
        path: String::new(),
        arguments: Vec::new(),
        environment: Vec::new(),
    }))
}

fn texts(list: Vec<(String, crate::yaml::Pos)>) -> Vec<String> {
    list.into_iter().map(|(text, _)| text).collect()
}

/// Without an image it is none.
fn container(value: Value) -> Result<Option<Program>> {
    Fields::new(value, "a container")?.read(&["image", "network", "envs", "mounts"], |f| {
        let image = f.text("image");
        let (network, environment, mounts) = (f.boolean("network"), texts(f.strings("envs")), f.each("mounts", mount));
        Ok((!image.is_empty()).then_some(Program::Container { image, network, mounts, environment }))
    })
}

fn exec(value: Value) -> Result<Program> {
    Fields::new(value, "exec")?.read(&["path", "args", "envs"], |f| {
        Ok(Program::Exec { path: f.text("path"), arguments: texts(f.strings("args")), environment: texts(f.strings("envs")) })
    })
}

/// A mount that a configuration asks for: it may not lead out of the kustomization's folder.
fn mount(value: Value) -> Result<Mount> {
    let mount = Fields::new(value, "a mount")?.read(&["type", "src", "dst", "rw"], |f| {
        Ok(Mount { kind: f.text("type"), source: f.text("src"), target: f.text("dst"), writable: f.boolean("rw") })
    })?;
    if mount.source.starts_with('/') || crate::fs::join("", &mount.source).is_none() {
        return Err(failed(format!("the mount {} is not below the folder of the kustomization", mount.source)));
    }
    Ok(mount)
}

/// Runs a plugin of the older kind.
fn plugin(folder: &Folder<'_>, config: &Resource, input: Vec<u8>) -> Result<Vec<u8>> {
    let text = |field: &str| config.value().get(field).and_then(Value::text).unwrap_or("").to_owned();
    let mut arguments = words(&text("argsOneLiner"));
    let file = text("argsFromFile");
    if !file.is_empty() {
        let content = folder.read(&file)?;
        let lines = String::from_utf8_lossy(&content);
        arguments.extend(lines.split('\n').map(|line| line.trim_start_matches(' ')).filter(|line| !line.is_empty()).map(str::to_owned));
    }
    Ok(folder.session.outside.plugin(&PluginCall {
        api_version: config.api_version().to_owned(),
        kind: config.kind().to_owned(),
        config: config.to_yaml(),
        arguments,
        folder: folder.on_disk(""),
        input,
    })?)
}

/// Splits a line as a shell does: quotes, backslashes, comments. A quote that does not end ends the words before it.
fn words(line: &str) -> Vec<String> {
    let (mut out, mut word, mut begun) = (Vec::new(), String::new(), false);
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '#' if !begun => break,
            '\\' => {
                begun = true;
                word.extend(rest.next());
            }
            '\'' | '"' => {
                begun = true;
                loop {
                    match rest.next() {
                        None => return out,
                        Some(end) if end == c => break,
                        Some('\\') if c == '"' => word.extend(rest.next()),
                        Some(other) => word.push(other),
                    }
                }
            }
            ' ' | '\t' | '\r' | '\n' => {
                if begun {
                    out.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            other => {
                begun = true;
                word.push(other);
            }
        }
    }
    if begun {
        out.push(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(text: &str) -> Resource {
        crate::read::resources(text.as_bytes(), "t").expect("YAML").remove(0)
    }

    fn asked(function: &str) -> Result<Option<Program>> {
        let annotations = format!("config.kubernetes.io/function: {}", Value::string(function).to_json());
        program(&resource(&format!("{{apiVersion: a/v1, kind: F, metadata: {{name: f, annotations: {{{annotations}}}}}}}")))
    }

    #[test]
    fn a_configuration_says_what_runs() {
        let exec = asked("exec: {path: ./f.sh, args: [a], envs: [B=c]}").expect("good");
        assert_eq!(exec, Some(Program::Exec { path: "./f.sh".into(), arguments: vec!["a".into()], environment: vec!["B=c".into()] }));
        let Ok(Some(Program::Container { image, network: true, mounts, environment })) =
            asked("container: {image: i, network: true, envs: [A], mounts: [{type: bind, src: ./a, dst: /b, rw: true}]}")
        else {
            panic!("a container");
        };
        assert_eq!((&*image, &*environment), ("i", &["A".to_owned()][..]));
        assert_eq!(mounts[0], Mount { kind: "bind".into(), source: "./a".into(), target: "/b".into(), writable: true });
        let plain = resource("{apiVersion: a/v1, kind: F, metadata: {name: f}}");
        assert_eq!(program(&plain).expect("good"), None);
        let old = resource("{apiVersion: a/v1, kind: F, metadata: {name: f, annotations: {config.kubernetes.io/container: i}}}");
        assert!(matches!(program(&old), Ok(Some(Program::Container { .. }))));
    }

    #[test]
    fn what_a_function_may_not_ask_for_is_refused() {
        for bad in [
            "container: {image: i, network: {required: true}}",
            "container: {image: i, foo: x}",
            "starlark: {path: a}",
            "foo: [",
            "container: {image: i, mounts: [{type: bind, src: /etc, dst: /b}]}",
            "container: {image: i, mounts: [{type: bind, src: a/../../etc, dst: /b}]}",
        ] {
            assert!(asked(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lines_are_split_as_a_shell_does() {
        assert_eq!(words(r#"a  'b c' "d \" e" f\ g ''  # h"#), ["a", "b c", "d \" e", "f g", ""]);
        assert_eq!(words("a#b 'c"), ["a#b"]);
        assert!(words("").is_empty());
    }

    #[test]
    fn resources_keep_their_places_and_new_ones_follow() {
        let named = |name: &str, value: &str| resource(&format!("{{apiVersion: v1, kind: C, metadata: {{name: {name}}}, v: {value}}}"));
        let mut resources = vec![named("a", "1"), named("b", "1"), named("c", "1")];
        update(&mut resources, vec![named("d", "2"), named("c", "2"), named("a", "2")], &named("f", "0")).expect("good");
        let found: Vec<(&str, i64)> = resources.iter().map(|r| (r.name(), r.to_json()["v"].as_i64().unwrap_or(0))).collect();
        assert_eq!(found, [("a", 2), ("c", 2), ("d", 2)]);
        assert!(update(&mut resources, vec![named("x", "1"), named("x", "2")], &named("f", "0")).is_err());
    }
}
