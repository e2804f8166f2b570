//! Messages whose type is known from a schema text only: what stands in their CDR bytes, field by field.

use crate::{CdrReader, Primitive, WireError};
use std::fmt::{self, Write};

/// What is wrong with a schema text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("schema of {message}, line {line}: {problem}")]
pub struct SchemaError {
    /// The message.
    pub message: String,
    /// Line of the schema text, from 1; 0 where no line is at fault.
    pub line: usize,
    /// What is wrong there.
    pub problem: String,
}

/// One value in a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// `bool`.
    Bool(bool),
    /// `int8` to `int64`.
    Signed(i64),
    /// `uint8` to `uint64`, `byte` and `char`.
    Unsigned(u64),
    /// `float32`.
    Single(f32),
    /// `float64`.
    Double(f64),
    /// `string`.
    Text(&'a str),
    /// An array or sequence of `uint8`, as a whole.
    Bytes(&'a [u8]),
    /// The number of elements of any other sequence; the elements follow.
    Length(usize),
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Signed(value) => write!(f, "{value}"),
            Self::Unsigned(value) => write!(f, "{value}"),
            Self::Single(value) => write!(f, "{value}"),
            Self::Double(value) => write!(f, "{value}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Length(length) => write!(f, "{length} elements"),
        }
    }
}

#[derive(Clone, Debug)]
enum Kind {
    Primitive(Primitive),
    Text,
    Nested(usize),
    Array(Box<Kind>, usize),
    Sequence(Box<Kind>),
}

#[derive(Clone, Debug, Default)]
struct Definition {
    name: String,
    fields: Vec<(String, Kind)>,
}

/// A message type from its ROS 2 schema text, as an MCAP file of encoding `ros2msg` carries it.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The message itself first.
    definitions: Vec<Definition>,
}

/// Messages are not nested deeper than this: a text whose types contain each other is refused.
const DEPTH_MOST: usize = 32;

/// A type as it is written, before it is known which definition it names.
type Written<'t> = (&'t str, &'t str, usize);

impl Schema {
    /// Parses the schema text of `message` (`package/msg/Type`) with the definitions of all messages nested in it.
    ///
    /// # Errors
    /// A type that is neither built in nor defined in the text, `wstring`, a bound that is no number, types nested in
    /// themselves.
    pub fn parse(message: &str, text: &str) -> Result<Self, SchemaError> {
        let error = |line, problem: String| SchemaError { message: message.to_owned(), line, problem };
        let mut names = vec![short_name(message)];
        let mut written: Vec<Vec<Written<'_>>> = vec![Vec::new()];
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if let Some(name) = line.strip_prefix("MSG:") {
                names.push(short_name(name.trim()));
                written.push(Vec::new());
            } else if !line.is_empty() && !line.starts_with("====") {
                let mut words = line.split_whitespace();
                let (Some(kind), Some(name)) = (words.next(), words.next()) else {
                    return Err(error(number + 1, format!("`{line}`: a type and a name are expected")));
                };
                let is_constant =
                    name.contains('=') || words.next().is_some_and(|word| word.starts_with('='));
                if let (false, Some(fields)) = (is_constant, written.last_mut()) {
                    fields.push((kind, name, number + 1));
                }
            }
        }
        let mut definitions = Vec::with_capacity(names.len());
        for (name, fields) in names.iter().zip(&written) {
            let package = name.split('/').next().unwrap_or_default();
            let kind = |&(kind, field, line): &Written<'_>| match parse_kind(kind, package, &names) {
                Ok(kind) => Ok((field.to_owned(), kind)),
                Err(problem) => Err(error(line, problem)),
            };
            let fields = fields.iter().map(kind).collect::<Result<_, _>>()?;
            definitions.push(Definition { name: name.clone(), fields });
        }
        let schema = Self { definitions };
        if !schema.is_shallow() {
            return Err(error(0, "its types are nested in themselves".to_owned()));
        }
        Ok(schema)
    }

    /// Whether no definition nests others deeper than allowed. Each round takes the depths one level farther up.
    fn is_shallow(&self) -> bool {
        let mut depths = vec![0_usize; self.definitions.len()];
        for _ in 0..=DEPTH_MOST {
            let deeper = |definition: &Definition| {
                let nested = definition.fields.iter().filter_map(|(_, kind)| nested_in(kind));
                nested.map(|nested| depths[nested] + 1).max().unwrap_or(0)
            };
            let next: Vec<usize> = self.definitions.iter().map(deeper).collect();
            if next == depths {
                return true;
            }
            depths = next;
        }
        false
    }

    /// Hands every value of a message to `visit` with its path (`objects[3].pose.position.x`), in the order of the bytes.
    ///
    /// # Errors
    /// When the bytes are not such a message; what stands before the fault has been visited.
    pub fn walk<'a>(&self, cdr: &'a [u8], visit: &mut impl FnMut(&str, Value<'a>)) -> Result<(), WireError> {
        let mut walk = Walk { schema: self, reader: CdrReader::new(cdr)?, path: String::new(), visit };
        walk.definition(0).map_err(|error| error.within(&walk.path))?;
        walk.reader.finish().map_err(|error| error.within(&self.definitions[0].name))
    }

    /// The fields in which two messages differ, at most `most` of them, in order: (path, first, second). A field that only one
    /// of them has is `absent` in the other.
    ///
    /// # Errors
    /// When one of them is not such a message.
    pub fn differences(
        &self,
        first: &[u8],
        second: &[u8],
        most: usize,
    ) -> Result<Vec<(String, String, String)>, WireError> {
        let all = |cdr| -> Result<Vec<(String, Value<'_>)>, WireError> {
            let mut values = Vec::new();
            self.walk(cdr, &mut |path, value| values.push((path.to_owned(), value)))?;
            Ok(values)
        };
        let (a, b) = (all(first)?, all(second)?);
        let (mut i, mut j) = (0, 0);
        let mut found = Vec::new();
        while found.len() < most {
            let (left, right) = (a.get(i), b.get(j));
            let (Some((path, x)), Some((other, y))) = (left, right) else {
                // One of them has come to its end.
                let rest = |list: &[(String, Value<'_>)], is_first: bool| -> Vec<_> {
                    list.iter().map(|(path, value)| one_sided(path, value, is_first)).collect()
                };
                found.extend(
                    rest(&a[i..], true).into_iter().chain(rest(&b[j..], false)).take(most - found.len()),
                );
                break;
            };
            if path == other {
                if !same_bits(x, y) {
                    found.push(shown(path, x, y));
                }
                (i, j) = (i + 1, j + 1);
            } else if b[j..].iter().any(|later| later.0 == *path) {
                found.push(one_sided(other, y, false));
                j += 1;
            } else {
                found.push(one_sided(path, x, true));
                i += 1;
            }
        }
        Ok(found)
    }
}

fn same_bits(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::Single(a), Value::Single(b)) => a.to_bits() == b.to_bits(),
        (Value::Double(a), Value::Double(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}

fn one_sided(path: &str, value: &Value<'_>, is_first: bool) -> (String, String, String) {
    let (there, absent) = (value.to_string(), "absent".to_owned());
    if is_first { (path.to_owned(), there, absent) } else { (path.to_owned(), absent, there) }
}

fn shown(path: &str, a: &Value<'_>, b: &Value<'_>) -> (String, String, String) {
    if let (Value::Bytes(a), Value::Bytes(b)) = (a, b)
        && let Some(at) = a.iter().zip(*b).position(|(a, b)| a != b)
    {
        return (format!("{path}[{at}]"), a[at].to_string(), b[at].to_string());
    }
    (path.to_owned(), a.to_string(), b.to_string())
}

/// `package/Type`.
fn short_name(name: &str) -> String {
    name.replacen("/msg/", "/", 1)
}

fn nested_in(kind: &Kind) -> Option<usize> {
    match kind {
        Kind::Nested(definition) => Some(*definition),
        Kind::Array(of, _) | Kind::Sequence(of) => nested_in(of),
        Kind::Primitive(_) | Kind::Text => None,
    }
}

fn parse_kind(text: &str, package: &str, names: &[String]) -> Result<Kind, String> {
    if let Some((of, bound)) = text.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        let of = Box::new(parse_kind(of, package, names)?);
        return match bound.strip_prefix("<=") {
            _ if bound.is_empty() => Ok(Kind::Sequence(of)),
            Some(bound) if bound.parse::<usize>().is_ok() => Ok(Kind::Sequence(of)),
            _ => match bound.parse() {
                Ok(count) if count > 0 => Ok(Kind::Array(of, count)),
                _ => Err(format!("`{text}`: the bound must be a number from 1 on")),
            },
        };
    }
    Ok(match text.split("<=").next().unwrap_or_default() {
        "bool" => Kind::Primitive(Primitive::Bool),
        "byte" | "char" | "uint8" => Kind::Primitive(Primitive::Uint8),
        "int8" => Kind::Primitive(Primitive::Int8),
        "int16" => Kind::Primitive(Primitive::Int16),
        "uint16" => Kind::Primitive(Primitive::Uint16),
        "int32" => Kind::Primitive(Primitive::Int32),
        "uint32" => Kind::Primitive(Primitive::Uint32),
        "int64" => Kind::Primitive(Primitive::Int64),
        "uint64" => Kind::Primitive(Primitive::Uint64),
        "float32" => Kind::Primitive(Primitive::Float32),
        "float64" => Kind::Primitive(Primitive::Float64),
        "string" => Kind::Text,
        name => {
            let short = short_name(name);
            let local = format!("{package}/{short}");
            let found = names.iter().position(|known| *known == short || *known == local);
            Kind::Nested(found.ok_or_else(|| format!("`{name}` is not defined in this text"))?)
        }
    })
}

struct Walk<'s, 'a, V> {
    schema: &'s Schema,
    reader: CdrReader<'a>,
    path: String,
    visit: &'s mut V,
}

impl<'a, V: FnMut(&str, Value<'a>)> Walk<'_, 'a, V> {
    fn definition(&mut self, definition: usize) -> Result<(), WireError> {
        let schema = self.schema;
        let fields = &schema.definitions[definition].fields;
        if fields.is_empty() {
            // ROS 2 gives an empty message one byte.
            self.reader.take(1)?;
        }
        let before = self.path.len();
        for (name, kind) in fields {
            if before > 0 {
                self.path.push('.');
            }
            self.path.push_str(name);
            self.value(kind)?;
            self.path.truncate(before);
        }
        Ok(())
    }

    fn value(&mut self, kind: &Kind) -> Result<(), WireError> {
        match kind {
            Kind::Primitive(primitive) => {
                let value = self.primitive(*primitive)?;
                (self.visit)(&self.path, value);
            }
            Kind::Text => {
                let text = self.text()?;
                (self.visit)(&self.path, Value::Text(text));
            }
            Kind::Nested(definition) => self.definition(*definition)?,
            Kind::Array(of, count) => self.elements(of, *count)?,
            Kind::Sequence(of) => {
                let count = self.reader.take_length(1)?;
                if !is_bytes(of) {
                    (self.visit)(&self.path, Value::Length(count));
                }
                self.elements(of, count)?;
            }
        }
        Ok(())
    }

    fn elements(&mut self, of: &Kind, count: usize) -> Result<(), WireError> {
        if is_bytes(of) {
            let bytes = self.reader.take(count)?;
            (self.visit)(&self.path, Value::Bytes(bytes));
            return Ok(());
        }
        let before = self.path.len();
        for index in 0..count {
            // Writing to a string can't fail.
            let _ = write!(self.path, "[{index}]");
            self.value(of)?;
            self.path.truncate(before);
        }
        Ok(())
    }

    fn text(&mut self) -> Result<&'a str, WireError> {
        let length = self.reader.take_length(1)?;
        let bytes = self.reader.take(length)?;
        let text = bytes.strip_suffix(&[0]).unwrap_or(bytes);
        std::str::from_utf8(text).map_err(|_| self.reader.error("a string is not UTF-8"))
    }

    fn primitive(&mut self, primitive: Primitive) -> Result<Value<'a>, WireError> {
        Ok(match primitive {
            Primitive::Bool => Value::Bool(self.number::<1>()?[0] != 0),
            Primitive::Int8 => Value::Signed(i8::from_le_bytes(self.number()?).into()),
            Primitive::Uint8 => Value::Unsigned(u8::from_le_bytes(self.number()?).into()),
            Primitive::Int16 => Value::Signed(i16::from_le_bytes(self.number()?).into()),
            Primitive::Uint16 => Value::Unsigned(u16::from_le_bytes(self.number()?).into()),
            Primitive::Int32 => Value::Signed(i32::from_le_bytes(self.number()?).into()),
            Primitive::Uint32 => Value::Unsigned(u32::from_le_bytes(self.number()?).into()),
            Primitive::Int64 => Value::Signed(i64::from_le_bytes(self.number()?)),
            Primitive::Uint64 => Value::Unsigned(u64::from_le_bytes(self.number()?)),
            Primitive::Float32 => Value::Single(f32::from_le_bytes(self.number()?)),
            Primitive::Float64 => Value::Double(f64::from_le_bytes(self.number()?)),
        })
    }

    /// The next `N` bytes, aligned, as little-endian.
    fn number<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        self.reader.align(N)?;
        let mut bytes = self.reader.take_array::<N>()?;
        if !self.reader.little_endian() {
            bytes.reverse();
        }
        Ok(bytes)
    }
}

fn is_bytes(kind: &Kind) -> bool {
    matches!(kind, Kind::Primitive(Primitive::Uint8))
}
