//! Piecewise cubic functions of `s`: widths, offsets, elevations (ASAM OpenDRIVE 1.6, section 7.2: a + b·ds + c·ds² + d·ds³).

use super::xml::{children, invalid, number};
use crate::MapError;
use roxmltree::Node;

/// A value with its first and second derivative by `s`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Value {
    pub value: f64,
    pub first: f64,
    pub second: f64,
}

impl Value {
    pub(crate) const fn constant(value: f64) -> Self {
        Self { value, first: 0.0, second: 0.0 }
    }

    /// `self + factor · other`.
    pub(crate) fn plus(self, other: Self, factor: f64) -> Self {
        Self {
            value: self.value + factor * other.value,
            first: self.first + factor * other.first,
            second: self.second + factor * other.second,
        }
    }
}

/// One cubic, valid from `s` on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Piece {
    pub s: f64,
    pub coefficients: [f64; 4],
}

/// Cubics in ascending order of their start.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Profile {
    pub pieces: Vec<Piece>,
}

impl Profile {
    /// Reads the children called `element`, whose start is in the attribute `start` and counts from `origin`.
    pub(crate) fn read(
        node: Node,
        element: &'static str,
        start: &str,
        origin: f64,
    ) -> Result<Self, MapError> {
        let mut pieces: Vec<Piece> = Vec::new();
        for piece in children(node, element) {
            let s = number(piece, start)? + origin;
            if pieces.last().is_some_and(|last| s < last.s) {
                return Err(invalid(
                    piece,
                    format!("`{start}` is before that of its predecessor"),
                    "sort the elements",
                ));
            }
            let coefficients =
                [number(piece, "a")?, number(piece, "b")?, number(piece, "c")?, number(piece, "d")?];
            pieces.push(Piece { s, coefficients });
        }
        Ok(Self { pieces })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The value at `s` of the piece in force at `inside` (which tells apart the two sides of a step); zero without pieces.
    pub(crate) fn at(&self, s: f64, inside: f64) -> Value {
        let after = self.pieces.partition_point(|piece| piece.s <= inside);
        let Some(piece) = self.pieces.get(after.saturating_sub(1)) else { return Value::default() };
        let ds = s - piece.s;
        let [a, b, c, d] = piece.coefficients;
        Value {
            value: a + ds * (b + ds * (c + ds * d)),
            first: b + ds * (2.0 * c + ds * 3.0 * d),
            second: 2.0 * c + ds * 6.0 * d,
        }
    }

    /// The least value between `low` and `high`, looked for at both ends and the extrema of every piece.
    pub(crate) fn least(&self, low: f64, high: f64) -> f64 {
        let mut least = f64::INFINITY;
        for (i, piece) in self.pieces.iter().enumerate() {
            let start = piece.s.max(low);
            let end = self.pieces.get(i + 1).map_or(high, |next| next.s.min(high));
            if start >= end {
                continue;
            }
            let [a, b, c, d] = piece.coefficients;
            let mut look = |s: f64| {
                let ds = s - piece.s;
                if (start..=end).contains(&s) {
                    least = least.min(a + ds * (b + ds * (c + ds * d)));
                }
            };
            look(start);
            look(end);
            // Where b + 2c·ds + 3d·ds² is zero.
            let root = (c * c - 3.0 * b * d).max(0.0).sqrt();
            if d != 0.0 {
                look(piece.s + (-c + root) / (3.0 * d));
                look(piece.s + (-c - root) / (3.0 * d));
            } else if c != 0.0 {
                look(piece.s - b / (2.0 * c));
            }
        }
        least
    }

    /// Appends the starts of pieces strictly between `low` and `high`.
    pub(crate) fn breaks(&self, low: f64, high: f64, out: &mut Vec<f64>) {
        out.extend(self.pieces.iter().map(|piece| piece.s).filter(|&s| s > low && s < high));
    }
}
