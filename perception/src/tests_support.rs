//! Seeded noise for tests.

use auriga_geometry::math::{TAU, cos, ln};
use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Draws from the normal and the uniform distribution.
pub struct Gauss(Pcg64Mcg);

impl Gauss {
    pub fn new(seed: u64) -> Self {
        Self(Pcg64Mcg::seed_from_u64(seed))
    }

    /// In (0, 1).
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() as f64 + 0.5) / 18_446_744_073_709_551_616.0
    }

    /// Mean 0, deviation 1 (Box and Muller, 1958).
    pub fn next(&mut self) -> f64 {
        let (a, b) = (self.uniform(), self.uniform());
        (-2.0 * ln(a)).sqrt() * cos(TAU * b)
    }
}
