//! Messages on the wire: CDR bytes, ROS 2 schema text and type hash.
//!
//! A message is a plain struct declared with [`message!`]. It then knows its ROS 2 name, its schema text (so that a
//! recording opens in any rosbag2 reader), its type hash, and how to write and read itself as CDR.
//!
//! ```
//! use auriga_wire::{Message, from_cdr, message, to_cdr};
//!
//! message! {
//!     /// Wheel speed.
//!     pub struct WheelSpeed = "example_msgs/msg/WheelSpeed" {
//!         /// Metres per second, negative backwards.
//!         pub speed_mps: f64,
//!         /// One flag per wheel.
//!         pub slipping: Vec<bool>,
//!     }
//! }
//!
//! let message = WheelSpeed { speed_mps: 3.5, slipping: vec![false, true] };
//! let bytes = to_cdr(&message);
//! assert_eq!(from_cdr::<WheelSpeed>(&bytes).unwrap(), message);
//! assert_eq!(WheelSpeed::schema_text(), "float64 speed_mps\nbool[] slipping\n");
//! ```

mod cdr;
mod dynamic;
mod field;
mod schema;

pub use cdr::{CdrReader, CdrWriter, WireError};
pub use dynamic::{Schema, SchemaError, Value};
pub use field::Field;
pub use schema::{Constant, FieldDescription, FieldType, MessageDescription, Primitive};

/// A struct that flows between nodes: CDR on the wire, a ROS 2 message definition as its schema.
pub trait Message: Field + Clone + core::fmt::Debug + Default + PartialEq + Send + Sync + 'static {
    /// The ROS 2 name, `package/msg/Type`.
    const NAME: &'static str;

    /// Fields and constants, in order.
    fn description() -> MessageDescription;

    /// The ROS 2 message definition with every nested one, as rosbag2 keeps it in an MCAP schema of encoding `ros2msg`.
    #[must_use]
    fn schema_text() -> String {
        schema::schema_text(&Self::description())
    }

    /// The type hash `RIHS01_…` of REP-2011.
    #[must_use]
    fn type_hash() -> String {
        schema::type_hash(&Self::description())
    }
}

/// The message as CDR with its encapsulation header (little endian).
#[must_use]
pub fn to_cdr<M: Message>(message: &M) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_cdr(message, &mut bytes);
    bytes
}

/// Appends nothing: replaces `bytes` by the message as CDR with its encapsulation header. Reuses the buffer.
pub fn write_cdr<M: Message>(message: &M, bytes: &mut Vec<u8>) {
    let mut writer = CdrWriter::new(bytes);
    message.write(&mut writer);
}

/// A message from CDR with its encapsulation header, either byte order.
///
/// # Errors
/// When the bytes end early, are malformed, or go on after the message.
pub fn from_cdr<M: Message>(bytes: &[u8]) -> Result<M, WireError> {
    let mut message = M::default();
    read_cdr(bytes, &mut message)?;
    Ok(message)
}

/// Like [`from_cdr`] into an existing message, whose buffers are reused.
///
/// # Errors
/// When the bytes end early, are malformed, or go on after the message. The message's content is then unspecified.
pub fn read_cdr<M: Message>(bytes: &[u8], message: &mut M) -> Result<(), WireError> {
    let mut reader = CdrReader::new(bytes)?;
    message.read(&mut reader).map_err(|error| error.within(M::NAME))?;
    reader.finish().map_err(|error| error.within(M::NAME))
}

/// Declares a message: a struct, its ROS 2 name, its fields, and optionally constants.
///
/// The struct derives `Clone`, `Debug`, `Default` and `PartialEq`. Every field's type implements [`Field`].
#[macro_export]
macro_rules! message {
    ($(#[$meta:meta])* pub struct $name:ident = $ros:literal {
        $($(#[$fmeta:meta])* pub $field:ident: $ty:ty,)*
    } $(constants { $($(#[$cmeta:meta])* $constant:ident: $cty:ty = $value:expr,)* })?) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name { $($(#[$fmeta])* pub $field: $ty,)* }

        $(impl $name { $($(#[$cmeta])* pub const $constant: $cty = $value;)* })?

        impl $crate::Field for $name {
            fn write(&self, writer: &mut $crate::CdrWriter<'_>) {
                $($crate::Field::write(&self.$field, writer);)*
            }
            fn read(&mut self, reader: &mut $crate::CdrReader<'_>) -> Result<(), $crate::WireError> {
                $($crate::Field::read(&mut self.$field, reader).map_err(|error| error.within(stringify!($field)))?;)*
                Ok(())
            }
            fn reset(&mut self) {
                $($crate::Field::reset(&mut self.$field);)*
            }
            fn field_type() -> $crate::FieldType {
                $crate::FieldType::Nested(<$name as $crate::Message>::description)
            }
        }

        impl $crate::Message for $name {
            const NAME: &'static str = $ros;
            fn description() -> $crate::MessageDescription {
                $crate::MessageDescription {
                    name: $ros,
                    fields: vec![$($crate::FieldDescription {
                        name: stringify!($field).trim_start_matches("r#"),
                        field_type: <$ty as $crate::Field>::field_type(),
                    },)*],
                    constants: vec![$($($crate::Constant {
                        name: stringify!($constant),
                        field_type: <$cty as $crate::Field>::field_type(),
                        value: $value.to_string(),
                    },)*)?],
                }
            }
        }
    };
}
