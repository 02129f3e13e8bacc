//! One place in a schema, and what is allowed and merged there.

use std::sync::Arc;

use crate::builder::BuildError;
use crate::table::{Table, list};

/// What a scalar holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    /// Text.
    String,
    /// A whole number of 32 or 64 bits.
    Integer,
    /// A floating-point number.
    Number,
    /// true or false.
    Boolean,
    /// An amount like `500m` or `1Gi`, which the server normalises.
    Quantity,
    /// A whole number or text, as in a Service's `targetPort`.
    IntOrString,
    /// A point in time of whole seconds.
    Time,
    /// A point in time of microseconds.
    MicroTime,
    /// Base64 text.
    Bytes,
}

/// How two versions of a list become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListType {
    /// As a whole.
    Atomic,
    /// Each item is its own key.
    Set,
    /// Items are known by the fields that [`Node::list_map_keys`] names.
    Map,
}

/// How two versions of an object become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapType {
    /// Field by field.
    Granular,
    /// As a whole.
    Atomic,
}

/// What a node record's first word says of its type.
pub(crate) mod types {
    pub(crate) const ANY: u32 = 0;
    pub(crate) const OBJECT: u32 = 1;
    pub(crate) const LIST: u32 = 2;
    pub(crate) const FIRST_SCALAR: u32 = 3;
}

/// Further bits of a node record's first word.
pub(crate) mod flags {
    pub(crate) const TYPE: u32 = 0xf;
    pub(crate) const LIST_SHIFT: u32 = 4;
    pub(crate) const MAP_ATOMIC: u32 = 1 << 6;
    pub(crate) const PRESERVE: u32 = 1 << 7;
    pub(crate) const EMBEDDED: u32 = 1 << 8;
    pub(crate) const NULLABLE: u32 = 1 << 9;
    pub(crate) const MERGE: u32 = 1 << 10;
    pub(crate) const RETAIN_KEYS: u32 = 1 << 11;
    pub(crate) const REPLACE: u32 = 1 << 12;
    /// The root of a custom resource: its metadata is Kubernetes' own.
    pub(crate) const ROOT: u32 = 1 << 13;
    pub(crate) const MAP_GRANULAR: u32 = 1 << 14;
}

pub(crate) const SCALARS: [Scalar; 9] = [
    Scalar::String,
    Scalar::Integer,
    Scalar::Number,
    Scalar::Boolean,
    Scalar::Quantity,
    Scalar::IntOrString,
    Scalar::Time,
    Scalar::MicroTime,
    Scalar::Bytes,
];

/// A schema built at run time, that of a CustomResourceDefinition's version for instance. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Schema {
    table: Arc<Table>,
    root: u32,
}

impl Schema {
    /// Builds it from an OpenAPI v3 schema as CustomResourceDefinitions hold it. With `root`, it is a whole resource: `metadata` is then
    /// Kubernetes' own whatever the schema says of it, and apiVersion and kind are strings.
    ///
    /// # Errors
    /// A `$ref`, or a schema that is no object.
    pub fn from_openapi(schema: &serde_json::Value, root: bool) -> Result<Self, BuildError> {
        let (bytes, root) = crate::builder::custom(schema, root)?;
        Ok(Self { table: Arc::new(Table::owned(bytes)), root })
    }

    /// Builds it from a schema that refers (`$ref`) to definitions by name.
    ///
    /// # Errors
    /// A `$ref` that leads nowhere, or a schema that is no object.
    pub fn from_definitions(
        definitions: &serde_json::Map<String, serde_json::Value>,
        root: &serde_json::Value,
    ) -> Result<Self, BuildError> {
        let (bytes, root) = crate::builder::defined(definitions, root)?;
        Ok(Self { table: Arc::new(Table::owned(bytes)), root })
    }

    /// Where the walk begins.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node { table: &self.table, index: self.root }
    }
}

/// One place in a schema. Copying it costs nothing.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    pub(crate) table: &'a Table,
    pub(crate) index: u32,
}

impl std::fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Node({})", self.index)
    }
}

impl<'a> Node<'a> {
    fn own(self, word: usize) -> u32 {
        self.table.node(self.index, word)
    }

    /// The node that holds the structure: this one, or the definition that it refers to.
    fn content(self) -> Self {
        match self.own(8) {
            0 => self,
            node => Self { index: node - 1, ..self },
        }
    }

    fn flag(self, flag: u32) -> bool {
        (self.own(0) | self.content().own(0)) & flag != 0
    }

    fn kind(self) -> u32 {
        self.content().own(0) & flags::TYPE
    }

    fn at(self, index: u32) -> Self {
        Self { index, ..self }
    }

    /// A number for the structure that stands here: places that hold the same definition have the same one.
    #[must_use]
    pub fn definition(self) -> u32 {
        self.content().index
    }

    /// The field of that name, as the schema names it; not that of a free-form map, which is [`Node::additional`].
    #[must_use]
    pub fn field(self, name: &str) -> Option<Node<'a>> {
        if name == "metadata" && self.flag(flags::ROOT) {
            return Some(crate::Registry::object_meta());
        }
        let content = self.content();
        let (mut low, mut high) = (content.own(1), content.own(1) + content.own(2));
        while low < high {
            let middle = u32::midpoint(low, high);
            let found = self.table.raw(self.table.field(middle, 0)).unwrap_or_default();
            // Mostly the first letter decides.
            match found.first().cmp(&name.as_bytes().first()).then_with(|| found.cmp(name.as_bytes())) {
                std::cmp::Ordering::Equal => return Some(self.at(self.table.field(middle, 1))),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// Whether the schema names any field here.
    #[must_use]
    pub fn has_fields(self) -> bool {
        self.content().own(2) != 0
    }

    /// All named fields, by name.
    pub fn fields(self) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        let content = self.content();
        let start = content.own(1);
        (start..start + content.own(2)).map(move |field| {
            let name = self.table.text(self.table.field(field, 0)).unwrap_or_default();
            (name, self.at(self.table.field(field, 1)))
        })
    }

    /// The named field, or what a free-form map holds under any name.
    #[must_use]
    pub fn child(self, name: &str) -> Option<Node<'a>> {
        self.field(name).or_else(|| self.additional())
    }

    /// What a list holds.
    #[must_use]
    pub fn items(self) -> Option<Node<'a>> {
        let content = self.content();
        (self.kind() == types::LIST && content.own(3) != 0).then(|| self.at(content.own(3) - 1))
    }

    /// What a free-form map (labels, for example) holds under any name.
    #[must_use]
    pub fn additional(self) -> Option<Node<'a>> {
        let content = self.content();
        (self.kind() == types::OBJECT && content.own(3) != 0).then(|| self.at(content.own(3) - 1))
    }

    /// Whether this is an object, with named fields or free form.
    #[must_use]
    pub fn is_object(self) -> bool {
        self.kind() == types::OBJECT
    }

    /// Whether this is a list.
    #[must_use]
    pub fn is_list(self) -> bool {
        self.kind() == types::LIST
    }

    /// Whether nothing is said of what stands here.
    #[must_use]
    pub fn is_any(self) -> bool {
        self.kind() == types::ANY
    }

    /// What scalar stands here; none for objects, lists and what nothing is said of.
    #[must_use]
    pub fn scalar(self) -> Option<Scalar> {
        let index = self.kind().checked_sub(types::FIRST_SCALAR)?;
        SCALARS.get(index as usize).copied()
    }

    /// How server-side apply merges this list; atomic when the schema does not say.
    #[must_use]
    pub fn list_type(self) -> ListType {
        let own = (self.own(0) >> flags::LIST_SHIFT) & 3;
        let code = if own == 0 { (self.content().own(0) >> flags::LIST_SHIFT) & 3 } else { own };
        match code {
            2 => ListType::Set,
            3 => ListType::Map,
            _ => ListType::Atomic,
        }
    }

    /// The fields by which items of a [`ListType::Map`] are known, in the schema's order.
    pub fn list_map_keys(self) -> impl Iterator<Item = &'a str> + Clone {
        list(self.string(4))
    }

    /// The same fields as one text, separated by commas.
    #[must_use]
    pub fn list_map_key_text(self) -> &'a str {
        self.string(4).unwrap_or_default()
    }

    /// How server-side apply merges this object; granular when the schema does not say.
    #[must_use]
    pub fn map_type(self) -> MapType {
        if self.own(0) & flags::MAP_GRANULAR == 0 && self.flag(flags::MAP_ATOMIC) { MapType::Atomic } else { MapType::Granular }
    }

    /// The field by which strategic merge patches know this list's items.
    #[must_use]
    pub fn patch_merge_key(self) -> Option<&'a str> {
        self.string(5)
    }

    /// Whether strategic merge patches merge here (`x-kubernetes-patch-strategy: merge`).
    #[must_use]
    pub fn patch_merges(self) -> bool {
        self.own(0) & flags::MERGE != 0
    }

    /// Whether strategic merge patches keep only the keys they name here (`retainKeys`).
    #[must_use]
    pub fn patch_retains_keys(self) -> bool {
        self.own(0) & flags::RETAIN_KEYS != 0
    }

    /// Whether strategic merge patches replace what stands here (`replace`).
    #[must_use]
    pub fn patch_replaces(self) -> bool {
        self.own(0) & flags::REPLACE != 0
    }

    /// What the server puts here when nothing is given, as JSON text.
    #[must_use]
    pub fn default_json(self) -> Option<&'a str> {
        self.string(6)
    }

    /// What the server puts here when nothing is given.
    #[must_use]
    pub fn default(self) -> Option<serde_json::Value> {
        serde_json::from_str(self.default_json()?).ok()
    }

    /// Whether this is a place in the schema of one of Kubernetes' own kinds.
    #[must_use]
    pub fn is_of_kubernetes(self) -> bool {
        std::ptr::eq(self.table, &crate::kind::BUILTIN)
    }

    /// The fields that must be given.
    pub fn required(self) -> impl Iterator<Item = &'a str> + Clone {
        list(self.content().string(7))
    }

    /// Whether fields that the schema does not name are kept (`x-kubernetes-preserve-unknown-fields`).
    #[must_use]
    pub fn preserves_unknown(self) -> bool {
        self.flag(flags::PRESERVE)
    }

    /// Whether a whole resource is embedded here (`x-kubernetes-embedded-resource`).
    #[must_use]
    pub fn is_embedded_resource(self) -> bool {
        self.flag(flags::EMBEDDED)
    }

    /// Whether null may stand here.
    #[must_use]
    pub fn is_nullable(self) -> bool {
        self.flag(flags::NULLABLE)
    }

    fn string(self, word: usize) -> Option<&'a str> {
        let own = self.table.text(self.own(word));
        own.or_else(|| self.table.text(self.content().own(word)))
    }
}
