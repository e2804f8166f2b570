//! NumPy's array files (`.npy`), strictly: what is not exactly what was asked for is refused, by name.
//!
//! The format: `numpy.lib.format` in NumPy's reference (versions 1.0 to 3.0), little endian.
//!
//! ```
//! let file = std::env::temp_dir().join(format!("auriga-npy-{}", std::process::id()));
//! let mut bytes = b"\x93NUMPY\x01\x00\x46\x00".to_vec();
//! bytes.extend(format!("{:<69}\n", "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }").bytes());
//! bytes.extend([1.5_f64, -2.0].iter().flat_map(|value| value.to_le_bytes()));
//! std::fs::write(&file, &bytes).unwrap();
//! assert_eq!(auriga_hal::npy::floats(&file, 1).unwrap(), [1.5, -2.0]);
//! assert!(auriga_hal::npy::floats(&file, 3).unwrap_err().to_string().contains("shape (2,)"));
//! # std::fs::remove_file(&file).unwrap();
//! ```

use crate::HalError;
use std::path::Path;

/// A header is at most so long, bytes: our arrays' need a hundred.
const HEADER_MOST: usize = 4096;

/// `<f8` numbers in rows of `columns`: shape `(n, columns)`, or `(n,)` for one column. Row by row, however they lie in the file.
///
/// # Errors
/// A file that cannot be read, is cut short or too long, or holds something else. Numbers that are not finite are none.
pub fn floats(path: &Path, columns: usize) -> Result<Vec<f64>, HalError> {
    let array = Array::read(path, "<f8", columns)?;
    let numbers: Vec<f64> = array.cells().map(|cell| f64::from_le_bytes(eight(cell))).collect();
    if !array.by_column {
        return Ok(numbers);
    }
    let rows = numbers.len() / columns.max(1);
    Ok((0..rows).flat_map(|row| numbers.iter().skip(row).step_by(rows)).copied().collect())
}

/// `<i8` numbers: shape `(n,)` or `(n, 1)`.
///
/// # Errors
/// As [`floats`].
pub fn integers(path: &Path) -> Result<Vec<i64>, HalError> {
    let array = Array::read(path, "<i8", 1)?;
    Ok(array.cells().map(|cell| i64::from_le_bytes(eight(cell))).collect())
}

/// `|S8` strings of 8 bytes, filled up with zeros: shape `(n,)` or `(n, 1)`.
///
/// # Errors
/// As [`floats`].
pub fn strings_of_8(path: &Path) -> Result<Vec<[u8; 8]>, HalError> {
    let array = Array::read(path, "|S8", 1)?;
    Ok(array.cells().map(eight).collect())
}

fn eight(cell: &[u8]) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(cell).for_each(|(to, from)| *to = *from);
    bytes
}

/// An array of cells of 8 bytes.
#[derive(Debug, PartialEq)]
struct Array {
    bytes: Vec<u8>,
    start: usize,
    /// Fortran's order: the first column comes first.
    by_column: bool,
}

impl Array {
    fn read(path: &Path, dtype: &str, columns: usize) -> Result<Self, HalError> {
        let bytes = std::fs::read(path).map_err(|source| HalError::Read { path: path.to_owned(), source })?;
        Self::parse(bytes, dtype, columns).map_err(|problem| HalError::Recording {
            path: path.to_owned(),
            problem: format!("{problem}; get the file again"),
        })
    }

    fn parse(bytes: Vec<u8>, dtype: &str, columns: usize) -> Result<Self, String> {
        if !bytes.starts_with(b"\x93NUMPY") {
            return Err("is no NumPy array: it does not begin with \\x93NUMPY".to_owned());
        }
        let short = || format!("is cut short after {} bytes", bytes.len());
        let at = |place: usize| bytes.get(place).copied().map(usize::from).ok_or_else(short);
        let (length, from) = match at(6)? {
            1 => (at(8)? | at(9)? << 8, 10),
            2 | 3 => (at(8)? | at(9)? << 8 | at(10)? << 16 | at(11)? << 24, 12),
            version => return Err(format!("has version {version} of the format; 1 to 3 are known")),
        };
        if length > HEADER_MOST {
            return Err(format!("has a header of {length} bytes; at most {HEADER_MOST} are read"));
        }
        let start = from + length;
        let header = bytes.get(from..start).ok_or_else(short)?;
        let header = std::str::from_utf8(header).map_err(|_| "has a header that is no text".to_owned())?;
        let header = Header::parse(header).ok_or_else(|| format!("has a header that is none: {header:?}"))?;
        let rows = header.rows(dtype, columns)?;
        let wanted = rows.checked_mul(columns).and_then(|cells| cells.checked_mul(8));
        let there = bytes.len() - start;
        if wanted != Some(there) {
            return Err(format!("has {there} bytes of data for shape {}", header.shape_text()));
        }
        Ok(Self { bytes, start, by_column: header.fortran_order && columns > 1 })
    }

    fn cells(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.get(self.start..).unwrap_or_default().chunks_exact(8)
    }
}

/// The three entries of a header, each exactly once.
#[derive(Debug, PartialEq)]
struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Header {
    fn rows(&self, dtype: &str, columns: usize) -> Result<usize, String> {
        if self.descr != dtype {
            return Err(format!("has type {:?}, not {dtype:?}", self.descr));
        }
        match *self.shape.as_slice() {
            [rows] if columns == 1 => Ok(rows),
            [rows, width] if width == columns => Ok(rows),
            _ if columns == 1 => Err(format!("has shape {}, not (n,)", self.shape_text())),
            _ => Err(format!("has shape {}, not (n, {columns})", self.shape_text())),
        }
    }

    fn shape_text(&self) -> String {
        let sizes: Vec<String> = self.shape.iter().map(ToString::to_string).collect();
        if let [one] = sizes.as_slice() { format!("({one},)") } else { format!("({})", sizes.join(", ")) }
    }

    /// A Python dictionary with exactly these keys, in any order.
    fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim().strip_prefix('{')?.trim_start();
        let (mut descr, mut order, mut shape) = (None, None, None);
        loop {
            if let Some(end) = rest.strip_prefix('}') {
                let whole = end.trim().is_empty();
                return whole.then_some(Self { descr: descr?, fortran_order: order?, shape: shape? });
            }
            let (key, after) = quoted(rest)?;
            let after = after.trim_start().strip_prefix(':')?.trim_start();
            rest = match key {
                "descr" if descr.is_none() => {
                    let (value, after) = quoted(after)?;
                    descr = Some(value.to_owned());
                    after
                }
                "fortran_order" if order.is_none() => {
                    let is_true = after.strip_prefix("True");
                    order = Some(is_true.is_some());
                    is_true.or_else(|| after.strip_prefix("False"))?
                }
                "shape" if shape.is_none() => {
                    let (inside, after) = after.strip_prefix('(')?.split_once(')')?;
                    shape = Some(sizes(inside)?);
                    after
                }
                _ => return None,
            }
            .trim_start();
            rest = match rest.strip_prefix(',') {
                Some(after) => after.trim_start(),
                None if rest.starts_with('}') => rest,
                None => return None,
            };
        }
    }
}

fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|first| matches!(first, '\'' | '"'))?;
    text.get(1..)?.split_once(quote)
}

fn sizes(inside: &str) -> Option<Vec<usize>> {
    let inside = inside.trim();
    let inside = inside.strip_suffix(',').unwrap_or(inside);
    if inside.trim().is_empty() {
        return Some(Vec::new());
    }
    inside.split(',').map(|size| size.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY".to_vec();
        bytes.extend([version, 0]);
        let length = u32::try_from(header.len()).unwrap().to_le_bytes();
        bytes.extend(if version == 1 { &length[..2] } else { &length[..] });
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    fn header(descr: &str, shape: &str) -> String {
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}   \n")
    }

    fn problem(bytes: Vec<u8>, columns: usize) -> String {
        Array::parse(bytes, "<f8", columns).unwrap_err()
    }

    #[test]
    fn what_is_not_exactly_an_array_of_that_shape_and_type_is_refused() {
        let good = |shape: &str, data: usize| file(1, &header("<f8", shape), &vec![0; data]);
        assert!(Array::parse(good("(3, 2)", 48), "<f8", 2).is_ok());
        assert!(Array::parse(file(2, &header("<f8", "(0,)"), &[]), "<f8", 1).is_ok());
        for (bytes, columns, part) in [
            (Vec::new(), 1, "no NumPy array"),
            (b"PK\x03\x04".to_vec(), 1, "no NumPy array"),
            (b"\x93NUMPY\x01".to_vec(), 1, "cut short after 7"),
            (good("(3,)", 24)[..40].to_vec(), 1, "cut short"),
            (good("(3, 2)", 47), 2, "47 bytes of data for shape (3, 2)"),
            (good("(3, 2)", 49), 2, "49 bytes of data"),
            (good("(3, 2)", 48), 3, "shape (3, 2), not (n, 3)"),
            (good("(3, 2, 1)", 48), 2, "shape (3, 2, 1)"),
            (good("()", 8), 1, "shape (), not (n,)"),
            (file(1, &header("<f4", "(3,)"), &[0; 12]), 1, "type \"<f4\", not \"<f8\""),
            (file(1, &header("|O", "(3,)"), &[0; 24]), 1, "type \"|O\""),
            (file(9, &header("<f8", "(3,)"), &[0; 24]), 1, "version 9"),
            (good("(2305843009213693952, 2)", 0), 2, "0 bytes of data"),
            (file(1, "{'descr': '<f8'}", &[]), 1, "header that is none"),
            (file(1, "{'descr': '<f8', 'descr': '<f8'}", &[]), 1, "header that is none"),
            (file(1, &header("<f8", "(-3,)"), &[]), 1, "header that is none"),
            (file(2, &" ".repeat(5000), &[]), 1, "header of 5000 bytes"),
        ] {
            let said = problem(bytes, columns);
            assert!(said.contains(part), "{said} / {part}");
        }
        let error = floats(Path::new("/no/such/array"), 1).unwrap_err().to_string();
        assert!(error.starts_with("/no/such/array: "), "{error}");
    }

    #[test]
    fn columns_that_lie_one_after_the_other_become_rows() {
        let path = std::env::temp_dir().join(format!("auriga-npy-fortran-{}", std::process::id()));
        let data: Vec<u8> = (0..6).flat_map(|k| f64::from(k).to_le_bytes()).collect();
        let header = "{'descr': '<f8', 'fortran_order': True, 'shape': (3, 2), }";
        std::fs::write(&path, file(1, header, &data)).unwrap();
        let rows = floats(&path, 2);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(rows.unwrap(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_was_written_comes_back(rows in prop::collection::vec(any::<[u64; 3]>(), 0..20), version in 1_u8..4) {
            let data: Vec<u8> = rows.iter().flatten().flat_map(|bits| bits.to_le_bytes()).collect();
            let bytes = file(version, &header("<f8", &format!("({}, 3)", rows.len())), &data);
            let array = Array::parse(bytes, "<f8", 3).unwrap();
            let back: Vec<u64> = array.cells().map(|cell| u64::from_le_bytes(eight(cell))).collect();
            prop_assert_eq!(back, rows.concat());
        }

        #[test]
        fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), columns in 1_usize..5) {
            let _ = Array::parse(bytes.clone(), "<f8", columns);
            let _ = Array::parse([b"\x93NUMPY\x01\x00".as_slice(), &bytes].concat(), "<f8", columns);
        }

        #[test]
        fn any_header_never_panics(text in "[{}()', :a-z0-9<_]{0,80}") {
            let _ = Header::parse(&text);
            let _ = Array::parse(file(1, &text, &[0; 16]), "<f8", 1);
        }

        #[test]
        fn a_spoiled_byte_changes_the_data_or_is_refused(place in 0_usize..160, value in any::<u8>()) {
            let good = file(1, &header("<f8", "(8, 2)"), &[7; 128]);
            let start = good.len() - 128;
            let mut bad = good.clone();
            let place = place.min(good.len() - 1);
            bad[place] = value;
            if let Ok(array) = Array::parse(bad.clone(), "<f8", 2) {
                // The version's minor number, blanks and quotes may differ; the shape may not.
                prop_assert_eq!(array.cells().count(), 16);
                prop_assert!(place >= start || array.start == start);
            }
        }
    }
}
