//! What a field of a message may be: primitives, strings, arrays, sequences and other messages.

use crate::{CdrReader, CdrWriter, FieldType, Primitive, WireError};

/// A value that can be a field of a message.
pub trait Field: Sized {
    /// The least number of bytes that one value takes on the wire.
    const LEAST_SIZE: usize = 1;

    /// Appends the value.
    fn write(&self, writer: &mut CdrWriter<'_>);

    /// Replaces the value by the next one from the reader, reusing its buffers.
    ///
    /// # Errors
    /// When the bytes end early or are malformed.
    fn read(&mut self, reader: &mut CdrReader<'_>) -> Result<(), WireError>;

    /// Back to the default value, keeping the buffers of strings and sequences.
    fn reset(&mut self);

    /// The ROS 2 type.
    fn field_type() -> FieldType;

    /// Appends values one after the other.
    fn write_all(values: &[Self], writer: &mut CdrWriter<'_>) {
        for value in values {
            value.write(writer);
        }
    }

    /// Replaces values one after the other.
    ///
    /// # Errors
    /// When the bytes end early or are malformed.
    fn read_all(values: &mut [Self], reader: &mut CdrReader<'_>) -> Result<(), WireError> {
        values.iter_mut().try_for_each(|value| value.read(reader))
    }
}

macro_rules! primitive {
    ($($ty:ty => $variant:ident),*) => {$(
        impl Field for $ty {
            const LEAST_SIZE: usize = size_of::<$ty>();
            fn write(&self, writer: &mut CdrWriter<'_>) {
                writer.align(size_of::<$ty>());
                writer.put(&self.to_le_bytes());
            }
            fn read(&mut self, reader: &mut CdrReader<'_>) -> Result<(), WireError> {
                reader.align(size_of::<$ty>())?;
                let raw = reader.take_array()?;
                *self = if reader.little_endian() { Self::from_le_bytes(raw) } else { Self::from_be_bytes(raw) };
                Ok(())
            }
            fn reset(&mut self) {
                *self = Self::default();
            }
            fn field_type() -> FieldType {
                FieldType::Primitive(Primitive::$variant)
            }
        }
    )*};
}
primitive!(i8 => Int8, i16 => Int16, u16 => Uint16, i32 => Int32, u32 => Uint32, i64 => Int64, u64 => Uint64,
    f32 => Float32, f64 => Float64);

impl Field for u8 {
    fn write(&self, writer: &mut CdrWriter<'_>) {
        writer.put(&[*self]);
    }
    fn read(&mut self, reader: &mut CdrReader<'_>) -> Result<(), WireError> {
        let [byte] = reader.take_array()?;
        *self = byte;
        Ok(())
    }
    fn reset(&mut self) {
        *self = 0;
    }
    fn field_type() -> FieldType {
        FieldType::Primitive(Primitive::Uint8)
    }
    fn write_all(values: &[Self], writer: &mut CdrWriter<'_>) {
        writer.put(values);
    }
    fn read_all(values: &mut [Self], reader: &mut CdrReader<'_>) -> Result<(), WireError> {
        values.copy_from_slice(reader.take(values.len())?);
        Ok(())
    }
}

impl Field for bool {
    fn write(&self, writer: &mut CdrWriter<'_>) {
        writer.put(&[u8::from(*self)]);
    }
    fn read(&mut self, reader: &mut CdrReader<'_>) -> Result<(), WireError> {
        *self = match reader.take_array()? {
            [0] => false,
            [1] => true,
            [_] => return Err(reader.error("a bool is neither 0 nor 1")),
        };
        Ok(())
    }
    fn reset(&mut self) {
        *self = false;
    }
    fn field_type() -> FieldType {
        FieldType::Primitive(Primitive::Bool)
    }
}

impl Field for String {
    const LEAST_SIZE: usize = 4;
    fn write(&self, writer: &mut CdrWriter<'_>) {
        writer.put_length(self.len() + 1);
        writer.put(self.as_bytes());
        writer.put(&[0]);
    }
    fn read(&mut self, reader: &mut CdrReader<'_>) -> Result<(), WireError> {
        let length = reader.take_length(1)?;
        self.clear();
        if length == 0 {
            return Ok(()); // some writers leave out the terminator of an empty string
        }
        let text = match reader.take(length)? {
            [text @ .., 0] => text,
            _ => return Err(reader.error("a string does not end in a zero byte")),
        };
        self.push_str(core::str::from_utf8(text).map_err(|_| reader.error("a string is not UTF-8"))?);
        Ok(())
    }
    fn reset(&mut self) {
        self.clear();
    }
    fn field_type() -> FieldType {
        FieldType::String
    }
}

impl<T: Field, const N: usize> Field for [T; N] {
    fn write(&self, writer: &mut CdrWriter<'_>) {
        T::write_all(self, writer);
    }
    fn read(&mut self, reader: &mut CdrReader<'_>) -> Result<(), WireError> {
        T::read_all(self, reader)
    }
    fn reset(&mut self) {
        self.iter_mut().for_each(T::reset);
    }
    fn field_type() -> FieldType {
        FieldType::Array(Box::new(T::field_type()), N)
    }
}

impl<T: Field + Default> Field for Vec<T> {
    const LEAST_SIZE: usize = 4;
    fn write(&self, writer: &mut CdrWriter<'_>) {
        writer.put_length(self.len());
        T::write_all(self, writer);
    }
    fn read(&mut self, reader: &mut CdrReader<'_>) -> Result<(), WireError> {
        let length = reader.take_length(T::LEAST_SIZE)?;
        self.resize_with(length, T::default);
        T::read_all(self, reader)
    }
    fn reset(&mut self) {
        self.clear();
    }
    fn field_type() -> FieldType {
        FieldType::Sequence(Box::new(T::field_type()))
    }
}
