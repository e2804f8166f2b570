//! SHA-256 as text.

use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The SHA-256 of some bytes, as 64 lower-case hexadecimal digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}"); // Writing to a string cannot fail.
    }
    text
}
