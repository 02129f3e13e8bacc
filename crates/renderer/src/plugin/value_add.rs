//! `ValueAddTransformer`: puts a value into fields, as a whole or as a part of a path.

use crate::decode::Fields;
use crate::error::{Error, ErrorKind, Result};
use crate::fieldspec::{put_text, split};
use crate::fs::file_name;
use crate::kustomization::Selector;
use crate::load::Folder;
use crate::resource::Resource;
use crate::selector::Compiled;
use crate::yaml::{Kind, Map, Node, Value, parse_kustomization};

/// One of `targets`.
struct Target {
    parts: Vec<String>,
    pattern: Compiled,
    position: usize,
}

impl Target {
    fn decode(value: Value) -> Result<Self> {
        Fields::new(value, "a target")?.read_known(|f| {
            let selector = f.nested("selector", Selector::decode).unwrap_or_default();
            let (path, position) = (f.text("fieldPath"), f.integer("filePathPosition").unwrap_or(0));
            let failed = |message: &str| Error::new(ErrorKind::Kustomization, message).at(f.pos());
            if path.is_empty() {
                return Err(failed("a target needs a fieldPath"));
            }
            let position = usize::try_from(position).map_err(|_| failed("a filePathPosition cannot be negative"))?;
            Ok(Self { parts: split(&path), pattern: Compiled::new(&selector)?, position })
        })
    }
}

/// A value and the places that it is put into.
pub(crate) struct ValueAdd {
    value: String,
    targets: Vec<Target>,
}

/// Without `value` the name of the kustomization's folder is the value.
pub(super) fn read(folder: &Folder<'_>, config: Fields) -> Result<ValueAdd> {
    let pos = config.pos();
    let (mut value, mut targets, file) =
        config.read_known(|f| Ok((f.text("value").trim().to_owned(), f.each("targets", Target::decode), f.text("targetFilePath"))))?;
    if value.is_empty() {
        value = file_name(&folder.path).to_owned();
    }
    if !file.is_empty() {
        let name = folder.name(&file);
        let more = Fields::new(parse_kustomization(&folder.read(&file)?, &name)?, "a file of targets")?;
        targets.extend(more.read_known(|f| Ok(f.each("targets", Target::decode))).map_err(|error| error.in_file(&name))?);
    }
    if targets.is_empty() {
        return Err(Error::new(ErrorKind::Kustomization, "a ValueAddTransformer needs targets").at(pos));
    }
    Ok(ValueAdd { value, targets })
}

pub(super) fn run(ValueAdd { value, targets }: &ValueAdd, resources: &mut [Resource]) -> Result<()> {
    for Target { parts, pattern, position } in targets {
        for resource in resources.iter_mut().filter(|resource| pattern.matches(resource)) {
            let Some(field) = look_up_or_create(&mut resource.value, parts)? else { continue };
            let text = if *position == 0 { value.clone() } else { insert_part(field.text().unwrap_or(""), value, *position) };
            put_text(field, text)?;
            // Namespaces are texts.
            if *parts == ["metadata", "namespace"]
                && let Node::Scalar(scalar) = &mut field.node
            {
                scalar.kind = Kind::Str;
            }
        }
    }
    Ok(())
}

/// The field at a path; whatever is missing on the way is made, but not below null: there is none.
fn look_up_or_create<'a>(value: &'a mut Value, path: &[String]) -> Result<Option<&'a mut Value>> {
    let Some((part, rest)) = path.split_first() else { return Ok(Some(value)) };
    if value.is_null() {
        return Ok(None);
    }
    let (pos, found) = (value.pos, value.describe());
    let Some(map) = value.as_map_mut() else {
        return Err(Error::new(ErrorKind::Resource, format!("expected a map that holds the field {part}, found {found}")).at(pos));
    };
    let made = || if rest.is_empty() { Value::string("") } else { Value::map(Map::new()) };
    look_up_or_create(map.entry(part, made), rest)
}

fn insert_part(path: &str, part: &str, position: usize) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    parts.insert((position - 1).min(parts.len()), part);
    format!("{}{}", if rooted { "/" } else { "" }, parts.join("/"))
}
