//! Bodies of requests: JSON, YAML or protobuf, and what in them stands twice.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use super::{Ask, options};
use crate::canonical;
use crate::definition;
use crate::place::Place;
use crate::protobuf;
use crate::resource::Resource;
use crate::status::ApiError;

/// What a body says.
pub(crate) struct Body {
    pub(crate) value: Value,
    /// A line for each field that stands twice; the last one counts.
    pub(crate) twice: Vec<String>,
    /// Whether it was YAML, whose reader speaks of lines.
    pub(crate) yaml: bool,
}

/// How many bytes of a body are shown in an error.
const SHOWN: usize = 30;

/// Reads a body that holds an object.
pub(crate) fn read(ask: &Ask<'_>) -> Result<Body, ApiError> {
    let unrecognized = |why: &str| {
        let kind = &ask.resource.kind;
        ApiError::bad_request(format!("the object provided is unrecognized (must be of type {kind}): {why} ({})", shown(ask.body)))
    };
    let body = raw(ask).map_err(|why| unrecognized(&unparsed(&why)))?;
    if !body.value.is_object() {
        let wanted = r#"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;
        let found = canonical::kind_of(&body.value);
        return Err(unrecognized(&unparsed(&format!("json: cannot unmarshal {found} into Go value of type {wanted}"))));
    }
    // What is applied says in words of its own what it is not.
    match unnamed(&body.value).filter(|_| !ask.content_type.starts_with("application/apply-patch")) {
        Some(why) => Err(unrecognized(&why)),
        None => Ok(body),
    }
}

fn unparsed(why: &str) -> String {
    format!("couldn't get version/kind; json parse error: {why}")
}

/// Why it cannot be told what an object is.
pub(super) fn unnamed(object: &Value) -> Option<String> {
    let other = |name: &&str| !matches!(object[*name], Value::Null | Value::String(_));
    if let Some(name) = ["apiVersion", "kind"].into_iter().find(other) {
        let found = canonical::kind_of(&object[name]);
        return Some(unparsed(&format!("json: cannot unmarshal {found} into Go struct field .{name} of type string")));
    }
    let version = object["apiVersion"].as_str().unwrap_or_default();
    (version.matches('/').count() > 1).then(|| format!("unexpected GroupVersion string: {version}"))
}

/// The refusal of an object of a definition that does not say what it is.
pub(crate) fn kindless(ask: &Ask<'_>) -> ApiError {
    let Resource { kind, version, .. } = &*ask.resource;
    let why = format!("Object 'Kind' is missing in '{}'", String::from_utf8_lossy(ask.body));
    // Where nobody asks for unknown fields, another decoder reads it.
    ApiError::bad_request(match ask.query.get("fieldValidation") {
        "Ignore" => format!("{kind} in version \"{version}\" cannot be handled as a {kind}: {why}"),
        _ => format!("the object provided is unrecognized (must be of type {kind}): {why} ({})", shown(ask.body)),
    })
}

/// Reads a body that holds a patch.
pub(crate) fn patch(ask: &Ask<'_>) -> Result<Body, ApiError> {
    let undecodable = |why: &str| ApiError::bad_request(format!("error decoding patch: {why}"));
    let body = raw(ask).map_err(|why| undecodable(&why))?;
    let list = options::patch_kind(ask) == options::JSON_PATCH;
    let go = match (&body.value, list) {
        (Value::Array(_) | Value::Null, true) | (Value::Object(_), false) => return Ok(body),
        // Where nobody asks for unknown fields, another decoder reads it.
        (found, true) if ask.query.get("fieldValidation") == "Ignore" => {
            let found = canonical::kind_of(found);
            return Err(ApiError::bad_request(format!("json: cannot unmarshal {found} into Go value of type jsonpatch.Patch")));
        }
        (_, true) => "[]handlers.jsonPatchOp",
        (_, false) => "map[string]interface {}",
    };
    Err(undecodable(&format!("json: cannot unmarshal {} into Go value of type {go}", canonical::kind_of(&body.value))))
}

fn shown(body: &[u8]) -> String {
    let (part, more) = (&body[..body.len().min(SHOWN)], if body.len() > SHOWN { " ..." } else { "" });
    match part {
        [] => "<empty>".to_owned(),
        [b'{', ..] => format!("{}{more}", String::from_utf8_lossy(part)),
        _ => format!("{}{more}", part.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    }
}

/// The paths of all fields of a body in JSON, in its order.
pub(crate) fn places(ask: &Ask<'_>) -> Vec<String> {
    let mut found = Found { twice: Vec::new(), places: Some(Vec::new()), text: "", at: 0, yaml: false };
    // What could not be read was refused before.
    drop(json(ask.body, &mut found));
    found.places.unwrap_or_default()
}

/// Reads any body; says why when it cannot.
fn raw(ask: &Ask<'_>) -> Result<Body, String> {
    if ask.body.starts_with(protobuf::MAGIC) {
        return Ok(Body { value: protobuf::decode(ask.body)?, twice: Vec::new(), yaml: false });
    }
    let mut found = Found { twice: Vec::new(), places: None, text: "", at: 0, yaml: false };
    if ask.content_type.contains("yaml") {
        let text = std::str::from_utf8(ask.body).map_err(|error| error.to_string())?;
        // What stands twice is told by the reader of YAML, of which JSON is a part.
        if let Some(mut value) = json(ask.body, &mut found).ok().filter(|value| value.is_object() && found.twice.is_empty()) {
            definition::whole_numbers(&mut value);
            return Ok(Body { value, twice: found.twice, yaml: false });
        }
        found = Found { twice: Vec::new(), places: None, text, at: 0, yaml: true };
        let value = Seed { place: Place::Top, found: &mut found }.deserialize(serde_yaml::Deserializer::from_str(text));
        let mut value = value.map_err(|error| error.to_string())?;
        // It is made JSON first, in which no point is written where nothing stands behind it.
        definition::whole_numbers(&mut value);
        return Ok(Body { value, twice: found.twice, yaml: true });
    }
    let value = json(ask.body, &mut found)?;
    Ok(Body { value, twice: found.twice, yaml: false })
}

fn json(body: &[u8], found: &mut Found<'_>) -> Result<Value, String> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = Seed { place: Place::Top, found }.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| if error.is_eof() { "unexpected end of JSON input".to_owned() } else { error.to_string() })
}

/// What was found twice, and how far a text in YAML is read.
struct Found<'a> {
    twice: Vec<String>,
    /// All fields, where somebody asks for their order.
    places: Option<Vec<String>>,
    text: &'a str,
    at: usize,
    yaml: bool,
}

impl Found<'_> {
    /// Goes on behind the next place of a key, and says in which line that is.
    fn line_of(&mut self, key: &str) -> usize {
        let rest = &self.text[self.at..];
        let place = rest.match_indices(key).map(|(place, _)| place).find(|place| {
            let behind = rest[place + key.len()..].trim_start_matches(['"', '\'']).trim_start_matches(' ');
            behind.starts_with(':')
        });
        self.at += place.map_or(0, |place| place + key.len());
        self.text[..self.at].matches('\n').count() + 1
    }
}

/// Reads a value and remembers where it is.
struct Seed<'a, 'b> {
    place: Place<'a>,
    found: &'a mut Found<'b>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_, '_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON or YAML")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Value, E> {
        Ok(flag.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some(item) = items.next_element_seed(Seed { place: Place::Item(&self.place, out.len()), found: &mut *self.found })? {
            out.push(item);
        }
        Ok(out.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(key) = entries.next_key_seed(Key)? {
            let line = if self.found.yaml { self.found.line_of(&key) } else { 0 };
            let entry = out.entry(key);
            let key = entry.key();
            let place = Place::Field(&self.place, key);
            if let Some(places) = &mut self.found.places {
                places.push(place.to_string());
            }
            if matches!(entry, Entry::Occupied(_)) {
                let told = if self.found.yaml {
                    format!("line {line}: key \"{key}\" already set in map")
                } else {
                    format!("duplicate field \"{place}\"")
                };
                self.found.twice.push(told);
            }
            let value = entries.next_value_seed(Seed { place, found: &mut *self.found })?;
            match entry {
                Entry::Vacant(entry) => {
                    entry.insert(value);
                }
                Entry::Occupied(mut entry) => drop(entry.insert(value)),
            }
        }
        Ok(out.into())
    }
}

/// A key; what YAML takes for a number or a truth is a text all the same.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Key {
    type Value = String;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<String, E> {
        Ok(flag.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }
}
