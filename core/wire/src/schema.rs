//! ROS 2 message definitions as text, and their type hash.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The primitive types of ROS 2 interfaces that are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Primitive {
    Int8,
    Uint8,
    Int16,
    Uint16,
    Int32,
    Uint32,
    Int64,
    Uint64,
    Float32,
    Float64,
    Bool,
}

impl Primitive {
    /// Name in a `.msg` file and type id in `type_description_interfaces/msg/FieldType`.
    fn name_and_id(self) -> (&'static str, u32) {
        match self {
            Self::Int8 => ("int8", 2),
            Self::Uint8 => ("uint8", 3),
            Self::Int16 => ("int16", 4),
            Self::Uint16 => ("uint16", 5),
            Self::Int32 => ("int32", 6),
            Self::Uint32 => ("uint32", 7),
            Self::Int64 => ("int64", 8),
            Self::Uint64 => ("uint64", 9),
            Self::Float32 => ("float32", 10),
            Self::Float64 => ("float64", 11),
            Self::Bool => ("bool", 15),
        }
    }
}

/// The type of a field.
#[derive(Clone, Debug)]
pub enum FieldType {
    /// A number or a flag.
    Primitive(Primitive),
    /// UTF-8 text.
    String,
    /// Another message; a function, so that descriptions are built only when asked for.
    Nested(fn() -> MessageDescription),
    /// A fixed number of values.
    Array(Box<FieldType>, usize),
    /// Any number of values.
    Sequence(Box<FieldType>),
}

impl FieldType {
    fn text(&self) -> String {
        match self {
            Self::Primitive(primitive) => primitive.name_and_id().0.to_owned(),
            Self::String => "string".to_owned(),
            Self::Nested(description) => description().short_name(),
            Self::Array(of, count) => format!("{}[{count}]", of.text()),
            Self::Sequence(of) => format!("{}[]", of.text()),
        }
    }

    /// (type id, capacity, nested name) as REP-2011 hashes it.
    fn hashed(&self) -> (u32, usize, &'static str) {
        match self {
            Self::Primitive(primitive) => (primitive.name_and_id().1, 0, ""),
            Self::String => (17, 0, ""),
            Self::Nested(description) => (1, 0, description().name),
            Self::Array(of, count) => (of.hashed().0 + 48, *count, of.hashed().2),
            Self::Sequence(of) => (of.hashed().0 + 144, 0, of.hashed().2),
        }
    }

    fn nested(&self) -> Option<MessageDescription> {
        match self {
            Self::Nested(description) => Some(description()),
            Self::Array(of, _) | Self::Sequence(of) => of.nested(),
            Self::Primitive(_) | Self::String => None,
        }
    }
}

/// One field of a message.
#[derive(Clone, Debug)]
pub struct FieldDescription {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub field_type: FieldType,
}

/// One constant of a message definition.
#[derive(Clone, Debug)]
pub struct Constant {
    /// Its name.
    pub name: &'static str,
    /// Its type, a primitive.
    pub field_type: FieldType,
    /// Its value as text.
    pub value: String,
}

/// A message definition.
#[derive(Clone, Debug)]
pub struct MessageDescription {
    /// `package/msg/Type`.
    pub name: &'static str,
    /// Fields in order.
    pub fields: Vec<FieldDescription>,
    /// Constants in order.
    pub constants: Vec<Constant>,
}

impl MessageDescription {
    /// `package/Type`, as `.msg` files write it.
    fn short_name(&self) -> String {
        self.name.replacen("/msg/", "/", 1)
    }

    fn write_fields(&self, text: &mut String) {
        for constant in &self.constants {
            let _ = writeln!(text, "{} {}={}", constant.field_type.text(), constant.name, constant.value);
        }
        for field in &self.fields {
            let _ = writeln!(text, "{} {}", field.field_type.text(), field.name);
        }
    }

    /// Every message nested in this one at any depth, by name.
    fn referenced(&self) -> BTreeMap<&'static str, MessageDescription> {
        let mut found = BTreeMap::new();
        let mut open = vec![self.clone()];
        while let Some(description) = open.pop() {
            for nested in description.fields.iter().filter_map(|field| field.field_type.nested()) {
                if !found.contains_key(nested.name) {
                    found.insert(nested.name, nested.clone());
                    open.push(nested);
                }
            }
        }
        found
    }

    fn hashed_json(&self) -> String {
        let fields: Vec<String> = self
            .fields
            .iter()
            .map(|field| {
                let (id, capacity, nested) = field.field_type.hashed();
                format!(
                    "{{\"name\": \"{}\", \"type\": {{\"type_id\": {id}, \"capacity\": {capacity}, \
                     \"string_capacity\": 0, \"nested_type_name\": \"{nested}\"}}}}",
                    field.name
                )
            })
            .collect();
        format!("{{\"type_name\": \"{}\", \"fields\": [{}]}}", self.name, fields.join(", "))
    }
}

pub(crate) fn schema_text(description: &MessageDescription) -> String {
    let mut text = String::new();
    description.write_fields(&mut text);
    for nested in description.referenced().values() {
        let _ = writeln!(text, "{}\nMSG: {}", "=".repeat(80), nested.short_name());
        nested.write_fields(&mut text);
    }
    text
}

pub(crate) fn type_hash(description: &MessageDescription) -> String {
    let referenced: Vec<String> =
        description.referenced().values().map(MessageDescription::hashed_json).collect();
    let json = format!(
        "{{\"type_description\": {}, \"referenced_type_descriptions\": [{}]}}",
        description.hashed_json(),
        referenced.join(", ")
    );
    Sha256::digest(json.as_bytes()).iter().fold("RIHS01_".to_owned(), |mut hash, byte| {
        let _ = write!(hash, "{byte:02x}");
        hash
    })
}
