//! Plain CDR (OMG CORBA 3.0, 15.3; as in DDS-XTYPES encoding version 1, `PLAIN_CDR`): primitives aligned to their size,
//! counted from the end of the four-byte encapsulation header.

/// What was wrong with bytes that should have been a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem} at byte {at}")]
pub struct WireError {
    /// Message and field where it happened, outermost first.
    pub path: String,
    /// What was wrong.
    pub problem: &'static str,
    /// Offset in the bytes, the encapsulation header included.
    pub at: usize,
}

impl WireError {
    fn new(problem: &'static str, at: usize) -> Self {
        Self { path: String::new(), problem, at }
    }

    /// The same error, one level further out.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        self.path = if self.path.is_empty() { outer.to_owned() } else { format!("{outer}.{}", self.path) };
        self
    }
}

const HEADER: usize = 4;

/// Writes little-endian CDR into a reused buffer.
#[derive(Debug)]
pub struct CdrWriter<'a> {
    bytes: &'a mut Vec<u8>,
}

impl<'a> CdrWriter<'a> {
    /// Clears `bytes` and writes the encapsulation header.
    pub fn new(bytes: &'a mut Vec<u8>) -> Self {
        bytes.clear();
        bytes.extend_from_slice(&[0, 1, 0, 0]);
        Self { bytes }
    }

    /// Pads with zeros so that the next byte is a multiple of `size` after the header.
    pub fn align(&mut self, size: usize) {
        let offset = (self.bytes.len() - HEADER) % size;
        if offset != 0 {
            self.bytes.resize(self.bytes.len() + size - offset, 0);
        }
    }

    /// Appends bytes as they are.
    pub fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends the length of a sequence or string. A length over `u32::MAX` is a program error.
    pub fn put_length(&mut self, length: usize) {
        assert!(length <= u32::MAX as usize, "a CDR sequence has at most 2^32 - 1 elements");
        self.align(4);
        self.put(&(length as u32).to_le_bytes());
    }
}

/// Reads CDR of either byte order.
#[derive(Debug)]
pub struct CdrReader<'a> {
    bytes: &'a [u8],
    at: usize,
    little_endian: bool,
}

impl<'a> CdrReader<'a> {
    /// Reads the encapsulation header.
    ///
    /// # Errors
    /// When it is missing or is not plain CDR.
    pub fn new(bytes: &'a [u8]) -> Result<Self, WireError> {
        match bytes {
            [0, order @ (0 | 1), _, _, ..] => Ok(Self { bytes, at: HEADER, little_endian: *order == 1 }),
            [_, _, _, _, ..] => Err(WireError::new("not plain CDR (encapsulation 0x0000 or 0x0001)", 0)),
            _ => Err(WireError::new("no encapsulation header", 0)),
        }
    }

    /// Whether multi-byte values are little-endian.
    #[must_use]
    pub fn little_endian(&self) -> bool {
        self.little_endian
    }

    /// Skips padding up to the next multiple of `size` after the header.
    ///
    /// # Errors
    /// When the bytes end in the padding.
    pub fn align(&mut self, size: usize) -> Result<(), WireError> {
        let offset = (self.at - HEADER) % size;
        if offset != 0 {
            self.take(size - offset)?;
        }
        Ok(())
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// When fewer are left.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let left = self.bytes.get(self.at..).unwrap_or_default();
        let taken = left.get(..count).ok_or_else(|| WireError::new("the bytes end early", self.at))?;
        self.at += count;
        Ok(taken)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// When fewer are left.
    pub fn take_array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// The length of a sequence whose elements take at least `least_size` bytes each.
    ///
    /// # Errors
    /// When more elements are announced than the bytes could hold.
    pub fn take_length(&mut self, least_size: usize) -> Result<usize, WireError> {
        self.align(4)?;
        let at = self.at;
        let raw = self.take_array()?;
        let length =
            if self.little_endian { u32::from_le_bytes(raw) } else { u32::from_be_bytes(raw) } as usize;
        let left = self.bytes.len() - self.at;
        if length.checked_mul(least_size.max(1)).is_none_or(|needed| needed > left) {
            return Err(WireError::new("a length is larger than what follows", at));
        }
        Ok(length)
    }

    /// An error at the present position.
    #[must_use]
    pub fn error(&self, problem: &'static str) -> WireError {
        WireError::new(problem, self.at)
    }

    /// Checks that nothing but up to seven bytes of padding is left.
    ///
    /// # Errors
    /// When more is left.
    pub fn finish(&self) -> Result<(), WireError> {
        if self.bytes.len() - self.at >= 8 { Err(self.error("bytes are left over")) } else { Ok(()) }
    }
}
