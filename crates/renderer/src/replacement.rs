//! Replacements: a field's value is copied into other fields.

mod text;

use std::cell::Cell;

use crate::decode::{self, Fields, Known, error};
use crate::error::{Error, ErrorKind, Gathered, Result};
use crate::kustomization::{SELECTOR, Selector};
use crate::names::Names;
use crate::resource::Resource;
use crate::selector::Compiled;
use crate::yaml::{Kind, Map, Node, Pos, Scalar, Text, Value};

/// One replacement.
pub(crate) struct Replacement {
    source: Source,
    targets: Vec<Target>,
    pos: Pos,
    /// The file in which it stands, unless that is the kustomization.
    pub(crate) file: Option<String>,
}

enum Source {
    Field { selector: Box<Selector>, path: String, options: FieldOptions },
    Literal(String),
}

struct Target {
    pos: Pos,
    /// Whether a resource was found for it.
    used: Cell<bool>,
    select: Selector,
    pattern: Compiled,
    reject: Vec<Compiled>,
    paths: Vec<(String, Pos)>,
    options: FieldOptions,
}

#[derive(Default, Clone)]
struct FieldOptions {
    delimiter: String,
    index: i64,
    create: bool,
}

impl FieldOptions {
    fn decode(value: Value) -> Result<Self> {
        Fields::new(value, "field options")?.read(&OPTIONS.names(), |f| {
            let _encoding = f.text("encoding");
            Ok(Self { delimiter: f.text("delimiter"), index: f.integer("index").unwrap_or(0), create: f.boolean("create") })
        })
    }
}

/// Those that stand in a kustomization.
const FIELDS: [&str; 4] = ["source", "sourceValue", "targets", "path"];

static OPTIONS: Known = Known(&[("delimiter", None), ("index", None), ("create", None), ("encoding", None)]);
static SOURCE: Known = Known(&[
    ("group", None),
    ("version", None),
    ("kind", None),
    ("name", None),
    ("namespace", None),
    ("fieldPath", None),
    ("options", Some(&OPTIONS)),
]);
static TARGET: Known =
    Known(&[("select", Some(&SELECTOR)), ("reject", Some(&SELECTOR)), ("fieldPaths", None), ("options", Some(&OPTIONS))]);
static REPLACEMENT: Known = Known(&[("source", Some(&SOURCE)), ("sourceValue", None), ("targets", Some(&TARGET))]);

impl Replacement {
    /// As kustomize decodes those in files of their own and in configurations: what it does not know is nothing to it. Each such key with its place.
    pub(crate) fn decode_known(mut value: Value) -> Result<(Self, Vec<(Text, Pos)>)> {
        let mut gone = Vec::new();
        REPLACEMENT.prune(&mut value, &mut gone);
        Ok((Self::decode_with(value, true)?, gone))
    }

    /// The error for a field that no replacement has.
    pub(crate) fn unknown(entry: &Value) -> Option<Error> {
        let mut fields = entry.as_map()?.iter();
        let (key, value) = fields.find(|(key, _)| !FIELDS.iter().any(|field| key.eq_ignore_ascii_case(field)))?;
        Some(decode::unknown(key, "a replacement", value.pos, &FIELDS))
    }

    pub(crate) fn decode(value: Value) -> Result<Self> {
        Self::decode_with(value, false)
    }

    /// An empty list of targets is none to kustomize in a kustomization, and one elsewhere.
    fn decode_with(value: Value, empty: bool) -> Result<Self> {
        Fields::new(value, "a replacement")?.read(&FIELDS, |f| {
            let pos = f.pos();
            let (has_source, has_targets) = (f.holds("source"), f.holds("targets"));
            let literal = f.string("sourceValue");
            let source = f.nested("source", Self::source);
            let targets = f.each("targets", Target::decode);
            let source = match (source, literal) {
                (_, Some(_)) if has_source => return Err(error(pos, "a replacement has either source or sourceValue")),
                (_, Some(text)) => Source::Literal(text),
                (Some(source), None) => source,
                (None, None) => return Err(error(pos, "a replacement needs a source and at least one target")),
            };
            if !has_targets || targets.is_empty() && !empty {
                return Err(error(pos, "a replacement needs a source and at least one target"));
            }
            Ok(Self { source, targets, pos, file: None })
        })
    }

    fn source(value: Value) -> Result<Source> {
        Fields::new(value, "a source")?.read(&SOURCE.names(), |f| {
            let selector = Selector::by_id(f);
            let path = f.text("fieldPath");
            let options = f.nested("options", FieldOptions::decode).unwrap_or_default();
            Ok(Source::Field {
                selector: Box::new(selector),
                path: if path.is_empty() { "metadata.name".to_owned() } else { path },
                options,
            })
        })
    }
}

impl Target {
    fn decode(value: Value) -> Result<Self> {
        Fields::new(value, "a target")?.read(&TARGET.names(), |f| {
            let pos = f.pos();
            let select = f.nested("select", Selector::decode);
            let reject = f.each("reject", |value| Compiled::new(&Selector::decode(value)?));
            let mut paths = f.strings("fieldPaths");
            let options = f.nested("options", FieldOptions::decode).unwrap_or_default();
            let Some(select) = select else { return Err(error(pos, "a target must select resources")) };
            if paths.is_empty() {
                paths.push(("metadata.name".to_owned(), pos));
            }
            Ok(Self { pos, used: Cell::new(false), pattern: Compiled::new(&select)?, select, reject, paths, options })
        })
    }
}

fn failed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Kustomization, message)
}

/// The places of the targets for which no resource was found, with the files in which they stand; kustomize says nothing of them.
pub(crate) fn unused(replacements: &[Replacement]) -> impl Iterator<Item = (Option<&str>, Pos)> {
    let targets = replacements.iter().flat_map(|one| one.targets.iter().map(|target| (one.file.as_deref(), target)));
    targets.filter(|(_, target)| !target.used.get()).map(|(file, target)| (file, target.pos))
}

/// Carries all replacements out, one after another.
pub(crate) fn apply(resources: &mut [Resource], replacements: &[Replacement]) -> Result<()> {
    let (mut names, mut errors) = (Names::of(resources), Gathered::default());
    for replacement in replacements {
        if let Err(error) = one(resources, &mut names, replacement) {
            let error = error.at(replacement.pos);
            errors.note(match &replacement.file {
                Some(file) => error.in_file(file),
                None => error,
            });
        }
        // What the next one finds may come of that.
        if !errors.is_empty() && resources.iter().any(Resource::has_doubtful_id) {
            break;
        }
    }
    errors.finish()
}

fn one(resources: &mut [Resource], names: &mut Names, replacement: &Replacement) -> Result<()> {
    let mut errors = Gathered::default();
    // Where the source stands while it is read anew: what is written into a whole field that is the source is what the next field gets.
    let mut live = None;
    let mut value = match &replacement.source {
        Source::Literal(text) => Some(Value::string(text.as_str())),
        Source::Field { selector, path, options } => match source_value(resources, names, selector, path, options) {
            Ok((at, value)) => {
                live = options.delimiter.is_empty().then(|| (at, source_path(path)));
                Some(value)
            }
            Err(error) => {
                error.into_iter().for_each(|error| errors.note(error.at(selector.pos)));
                None
            }
        },
    };
    for target in &replacement.targets {
        for at in target.pattern.places(names, resources.len()) {
            let resource = &mut resources[at];
            let ids: Vec<_> = std::iter::once(resource.id()).chain(resource.previous_ids()).collect();
            let rejected = target.reject.iter().any(|reject| reject.rejects(&ids, resource));
            if rejected || !target.pattern.matches_metadata(resource) || !ids.iter().any(|id| target.pattern.matches_id(id)) {
                continue;
            }
            target.used.set(true);
            let [kind, name] = [resource.kind(), resource.name()].map(Text::from);
            for (path, pos) in &target.paths {
                let Some(value) = &mut value else {
                    resource.doubt(target_path(path));
                    continue;
                };
                if let Err(error) = set(&mut resource.value, path, value, &target.options)
                    && resource.doubt(target_path(path))
                {
                    errors.note(error.at(*pos));
                }
                if let Some((_, source)) = live.as_ref().filter(|(source, _)| *source == at)
                    && let Ok(Some(now)) = look_up(&resource.value, source)
                    && now != value
                {
                    *value = now.clone();
                }
            }
            if let Some(lost) = resource.lost(&kind, &name) {
                errors.note(failed(format!("the replacement leaves no {lost} to {kind}/{name}")).at(target.pos));
            }
            names.add(resource, at);
        }
    }
    errors.finish()
}

/// What a source asks for.
fn described(selector: &Selector) -> String {
    let parts = [&selector.kind, &selector.name].map(|text| if text.is_empty() { "*" } else { text }).join("/");
    if selector.namespace.is_empty() { parts } else { format!("{parts} in {}", selector.namespace) }
}

/// The value, and which resource has it. The error is missing if it may come of an earlier one.
fn source_value(
    resources: &[Resource],
    names: &Names,
    selector: &Selector,
    path: &str,
    options: &FieldOptions,
) -> Result<(usize, Value), Option<Error>> {
    let same = |wanted: &str, text: &str| wanted.is_empty() || wanted == text;
    let places = if selector.name.is_empty() { (0..resources.len()).collect() } else { names.places(&selector.name) };
    let mut matches = places.into_iter().map(|at| (at, &resources[at])).filter(|(_, resource)| {
        std::iter::once(resource.id()).chain(resource.previous_ids()).any(|id| {
            same(&selector.group, id.gvk.group)
                && same(&selector.version, id.gvk.version)
                && same(&selector.kind, id.gvk.kind)
                && same(&selector.name, id.name)
                && (selector.namespace.is_empty()
                    || crate::id::Id { namespace: &selector.namespace, ..id }.effective_namespace() == id.effective_namespace())
        })
    });
    let (at, found) = match (matches.next(), matches.next()) {
        (Some(found), None) => found,
        (None, _) => return Err(Some(failed(format!("nothing matches the source of the replacement, {}", described(selector))))),
        _ => return Err(Some(failed("more than one resource matches the source of the replacement"))),
    };
    let parts = source_path(path);
    let wrong = |message: String| Err((!found.is_doubtful(&parts)).then(|| failed(message)));
    let value = match look_up(&found.value, &parts) {
        Ok(value) => value.filter(|value| !is_nothing(value)),
        Err(error) => return Err((!found.is_doubtful(&parts)).then_some(error)),
    };
    let Some(value) = value else {
        return wrong(format!("{} has no field {path}, which the replacement reads", found.id()));
    };
    if options.delimiter.is_empty() {
        return Ok((at, value.clone()));
    }
    let Some(scalar) = value.as_scalar() else { return wrong("a delimiter needs a field that is text".to_owned()) };
    let pieces: Vec<&str> = scalar.text.split(&options.delimiter).collect();
    let piece = usize::try_from(options.index).ok().and_then(|at| pieces.get(at));
    let Some(piece) = piece else {
        return wrong(format!("the index {} is out of bounds: {path} of {} has {} parts", options.index, found.id(), pieces.len()));
    };
    Ok((at, Value { node: Node::Scalar(Scalar { text: (*piece).into(), ..scalar.clone() }), pos: value.pos }))
}

/// The parts of the path to what is read. kustomize passes over empty ones.
fn source_path(path: &str) -> Vec<String> {
    split_path(path).into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// The parts of the path to what is written. It may begin with a dot.
fn target_path(path: &str) -> Vec<String> {
    split_path(path.strip_prefix('.').unwrap_or(path))
}

/// Splits at dots that are not escaped, nor within brackets which begin a part.
fn split_path(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let (mut escaped, mut bracketed) = (false, false);
    for piece in path.split('.') {
        match parts.last_mut() {
            Some(last) if escaped => {
                last.pop();
                last.push('.');
                last.push_str(piece);
            }
            Some(last) if bracketed => {
                last.push('.');
                last.push_str(piece);
            }
            _ => parts.push(piece.to_owned()),
        }
        let last = parts.last().map(String::as_str).unwrap_or_default();
        escaped = last.ends_with('\\');
        bracketed = last.starts_with('[') && !last.ends_with(']');
    }
    // `[name.with/dots]` is only a way to quote.
    let quotes = |part: &str| part.starts_with('[') && !part.contains('=') && (part.contains('.') || !part.ends_with(']'));
    parts.into_iter().map(|part| if quotes(&part) { part.trim_matches(['[', ']']).to_owned() } else { part }).collect()
}

/// What a part of a path stands for.
enum Part<'a> {
    /// `[key=value]`: the elements of a list that have it; without a key those that are it.
    Condition(&'a str, &'a str),
    /// `*`: all elements of a list.
    Every,
    Index(usize),
    Field(&'a str),
}

impl<'a> Part<'a> {
    fn of(part: &'a str) -> Result<Self> {
        if let Some(inner) = part.strip_prefix('[').and_then(|part| part.strip_suffix(']')) {
            let condition = inner.split_once('=').map(|(key, wanted)| Self::Condition(key, wanted));
            return condition.ok_or_else(|| failed(format!("{part} should be [key=value], or [=value] for the elements themselves")));
        }
        Ok(match part {
            "*" => Self::Every,
            part => part.parse().map_or(Self::Field(part), Self::Index),
        })
    }

    /// Whether it looks into lists.
    fn is_of_list(&self) -> bool {
        !matches!(self, Self::Field(_))
    }
}

fn no_list(part: &str, value: &Value) -> Error {
    failed(format!("{part} stands for elements of a list, and here is {}", value.describe()))
}

fn no_field(part: &str) -> Error {
    failed(format!("cannot look for the field {part} in a list; use [key=value], * or an index"))
}

/// The text under a key of a list's element, or the element itself; a map or list has none.
fn attribute<'a>(item: &'a Value, key: &str) -> Option<&'a str> {
    if key.is_empty() { Some(item.text().unwrap_or_default()) } else { item.get(key).and_then(Value::text) }
}

/// Whether kustomize finds nothing to copy in it.
fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_map().is_some_and(Map::is_empty) || value.as_list().is_some_and(<[Value]>::is_empty)
}

fn look_up<'a>(value: &'a Value, path: &[String]) -> Result<Option<&'a Value>> {
    let Some((name, rest)) = path.split_first() else { return Ok(Some(value)) };
    let part = Part::of(name)?;
    let next = match &value.node {
        Node::Map(_) if part.is_of_list() || name == "-" => return Err(no_list(name, value)),
        Node::Map(map) => map.get(name),
        Node::List(items) => match part {
            Part::Condition(key, wanted) => items.iter().find(|item| attribute(item, key) == Some(wanted)),
            Part::Index(at) => items.get(at),
            // The last one.
            Part::Field("-") => items.last(),
            Part::Every => return Err(failed("* stands for many elements: a source is one")),
            Part::Field(_) => return Err(no_field(name)),
        },
        Node::Scalar(_) => None,
    };
    next.map_or(Ok(None), |next| look_up(next, rest))
}

fn set(root: &mut Value, path: &str, new: &Value, options: &FieldOptions) -> Result<()> {
    let parts = target_path(path);
    // Annotations are text by now, whatever they were written as.
    let is_annotation = matches!(&parts[..], [metadata, annotations, _] if metadata == "metadata" && annotations == "annotations");
    let mut count = 0usize;
    visit(root, &parts, options.create.then_some(new), &mut |field, within| {
        count += 1;
        // Inside a text kustomize forgets the delimiter: the whole value is replaced.
        let options = if within == Within::Text { &FieldOptions::default() } else { options };
        if let Node::Scalar(scalar) = &mut field.node
            && is_annotation
        {
            scalar.kind = Kind::Str;
        }
        write(field, new, options)?;
        match field.as_scalar() {
            Some(scalar) if within == Within::Resource && !fits(scalar) => {
                Err(failed(format!("{path} is {}; the new value cannot be put there", field.describe())))
            }
            _ => Ok(()),
        }
    })?;
    if count == 0 {
        return Err(failed(format!("unable to find the field {path} in a replacement target; options.create: true makes it")));
    }
    Ok(())
}

/// What a field was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Resource,
    /// A text that is JSON or YAML itself.
    Text,
}

type Found<'a> = &'a mut dyn FnMut(&mut Value, Within) -> Result<()>;

/// Calls `found` for every field that the path leads to; with `create` (the value to come) missing ones are made.
fn visit(value: &mut Value, path: &[String], create: Option<&Value>, found: Found<'_>) -> Result<()> {
    let Some((name, rest)) = path.split_first() else { return found(value, Within::Resource) };
    let part = Part::of(name)?;
    if name.is_empty() {
        return Err(failed("a part of the path is empty"));
    }
    // What is made below `null` kustomize makes beside the resource: nothing comes of it, and nothing is told. Where nothing is written it refuses.
    if value.is_null() && create.is_some() && !matches!(part, Part::Every) {
        if value.as_scalar().is_some_and(|scalar| scalar.text.is_empty()) {
            return Err(failed(format!("{name} cannot be made in a field without a value; write {{}} or [] there")));
        }
        return found(&mut nothing(), Within::Resource);
    }
    match (&mut value.node, part) {
        (Node::Map(_), Part::Condition(..) | Part::Every | Part::Index(_)) => Err(no_list(name, value)),
        (Node::Map(map), Part::Field(_)) => match (map.get_mut(name), create) {
            (Some(field), _) => visit(field, rest, create, found),
            (None, None) => Ok(()),
            (None, Some(new)) => visit(map.entry(name, || made(rest, new)), rest, create, found),
        },
        (Node::List(_), Part::Field(_)) => Err(no_field(name)),
        (Node::List(items), Part::Every) => items.iter_mut().try_for_each(|item| visit(item, rest, create, found)),
        (Node::List(items), Part::Index(at)) => {
            if let Some(new) = create.filter(|_| at == items.len()) {
                items.push(made(rest, new));
            }
            match items.get_mut(at) {
                Some(item) => visit(item, rest, create, found),
                None => Err(failed(format!("the index {at} is out of bounds"))),
            }
        }
        (Node::List(items), Part::Condition(key, wanted)) => {
            // As in kustomize the value is a pattern that may match anywhere in the text, and behind an element itself no path goes on.
            let pattern = regex::Regex::new(wanted).map_err(|_| failed(format!("{wanted} in {name} is not a valid pattern")))?;
            let rest = if key.is_empty() { &[] } else { rest };
            let mut any = false;
            for item in items.iter_mut().filter(|item| attribute(item, key).is_some_and(|text| pattern.is_match(text))) {
                any = true;
                visit(item, rest, create, found)?;
            }
            if !any && create.is_some() {
                let mut map = Map::new();
                map.insert(key, Value::string(wanted));
                items.push(if key.is_empty() { Value::string(wanted) } else { Value::map(map) });
                if let Some(last) = items.last_mut() {
                    visit(last, rest, create, found)?;
                }
            }
            Ok(())
        }
        (Node::Scalar(_), _) => structured(value, path, create, found),
    }
}

/// What is made where a field is missing, for the path to go on from; at its end for the new value.
fn made(rest: &[String], new: &Value) -> Value {
    match (rest.first(), &new.node) {
        (Some(next), _) if matches!(Part::of(next), Ok(Part::Condition(..) | Part::Index(_))) => Value::list(Vec::new()),
        (Some(_), _) | (None, Node::Map(_)) => Value::map(Map::new()),
        (None, Node::List(_)) => Value::list(Vec::new()),
        (None, Node::Scalar(_)) => nothing(),
    }
}

fn nothing() -> Value {
    Value { node: Node::Scalar(Scalar::plain("", Kind::Null)), pos: Pos::UNTYPED }
}

/// A path that goes on inside a text: the text is read as JSON or YAML, changed and written back.
fn structured(value: &mut Value, path: &[String], create: Option<&Value>, found: Found<'_>) -> Result<()> {
    let Some(text) = value.as_str() else { return Ok(()) };
    let json = text.trim_start().starts_with(['{', '[']);
    let pretty = text.contains('\n') && text.contains("  ");
    let Ok(mut docs) = crate::yaml::parse_all(text.as_bytes(), "text") else { return Ok(()) };
    let (Some(mut inner), true) = (docs.pop(), docs.is_empty()) else { return Ok(()) };
    if inner.as_map().is_none() && inner.as_list().is_none() {
        return Ok(());
    }
    let old = inner.clone();
    visit(&mut inner, path, create, &mut |field, _| found(field, Within::Text))?;
    if json && !all_fit(&inner) {
        return Ok(());
    }
    let text = if json && pretty {
        crate::hash::go_json_pretty(&inner.to_json())
    } else if json {
        crate::hash::go_json(&inner.to_json())
    } else {
        let kept = text::exchange(text, &old, &inner);
        kept.unwrap_or_else(|| crate::yaml::to_string(&inner)).trim_end_matches('\n').to_owned()
    };
    *value = Value { pos: value.pos, ..Value::string(text) };
    Ok(())
}

/// Whether a scalar's text can mean what its kind says.
fn fits(scalar: &Scalar) -> bool {
    let kind = crate::yaml::resolve(&scalar.text, crate::yaml::Dialect::Resource);
    scalar.kind == Kind::Str || kind == scalar.kind || (scalar.kind == Kind::Float && kind == Kind::Int)
}

fn all_fit(value: &Value) -> bool {
    match &value.node {
        Node::Map(map) => map.iter().all(|(_, value)| all_fit(value)),
        Node::List(items) => items.iter().all(all_fit),
        Node::Scalar(scalar) => fits(scalar),
    }
}

fn write(field: &mut Value, new: &Value, options: &FieldOptions) -> Result<()> {
    let mut text = None;
    if !options.delimiter.is_empty() {
        let (Some(old), Some(piece)) = (field.as_scalar(), new.as_scalar()) else {
            return Err(failed("a delimiter needs fields that are text"));
        };
        let mut pieces: Vec<&str> = old.text.split(&options.delimiter).collect();
        match usize::try_from(options.index) {
            Err(_) => pieces.insert(0, &piece.text),
            Ok(at) if at >= pieces.len() => pieces.push(&piece.text),
            Ok(at) => pieces[at] = &piece.text,
        }
        text = Some(pieces.join(&options.delimiter));
    }
    match (&mut field.node, &new.node) {
        (Node::Scalar(old), Node::Scalar(new)) => {
            // The field keeps its own type.
            let text = text.unwrap_or_else(|| new.text.to_string());
            if old.kind == Kind::Null && field.pos.line == 0 {
                // It was made for this value.
                old.kind = crate::yaml::resolve(&text, crate::yaml::Dialect::Resource);
            }
            old.text = text.into();
        }
        (Node::Scalar(old), _) => old.text = "".into(),
        _ => *field = new.clone(),
    }
    Ok(())
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("select", &self.select).finish_non_exhaustive()
    }
}
