//! Value noise to look up: recomputing it per pixel would cost more than the rest of the picture.

/// Cells along the side of the noise tile; a power of two.
const SIZE: usize = 256;

/// A tile of fractal value noise with mean about ½, and one of white noise; both repeat seamlessly.
#[derive(Clone, Debug)]
pub(super) struct Texture {
    clouds: Vec<u8>,
    white: Vec<u8>,
}

/// Bits from two whole numbers.
#[inline]
pub(super) fn hash(x: i32, y: i32) -> u32 {
    let h = (x as u32).wrapping_mul(0x9E37_79B1) ^ (y as u32).wrapping_mul(0x85EB_CA77);
    let h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    let h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
    h ^ (h >> 15)
}

/// [`hash`] as a number in [0, 1).
#[inline]
pub(super) fn unit(x: i32, y: i32) -> f32 {
    (hash(x, y) >> 8) as f32 / 16_777_216.0
}

/// Smooth noise of a lattice with `period` cells across the tile (value noise; Perlin's survey "Improving noise" has the
/// history).
fn lattice(x: f32, y: f32, period: i32, salt: i32) -> f32 {
    let (i, j) = (x.floor(), y.floor());
    let (a, b) = (x - i, y - j);
    let (a, b) = (a * a * (3.0 - 2.0 * a), b * b * (3.0 - 2.0 * b));
    let at = |di: i32, dj: i32| {
        unit((i as i32 + di).rem_euclid(period) + salt, (j as i32 + dj).rem_euclid(period))
    };
    (at(0, 0) * (1.0 - a) + at(1, 0) * a) * (1.0 - b) + (at(0, 1) * (1.0 - a) + at(1, 1) * a) * b
}

impl Texture {
    pub(super) fn new(seed: u64) -> Self {
        let salt = (seed % 100_003) as i32;
        let mut clouds = Vec::with_capacity(SIZE * SIZE);
        let mut white = Vec::with_capacity(SIZE * SIZE);
        for j in 0..SIZE {
            for i in 0..SIZE {
                let (x, y) = (i as f32 / SIZE as f32, j as f32 / SIZE as f32);
                let octave =
                    |cells: i32, k: i32| lattice(x * cells as f32, y * cells as f32, cells, salt + 1000 * k);
                let sum = 0.50 * octave(16, 1)
                    + 0.27 * octave(32, 2)
                    + 0.15 * octave(64, 3)
                    + 0.08 * octave(128, 4);
                // Bytes: the tables are to stay in the processor's first cache.
                clouds.push((sum * 255.0 + 0.5) as u8);
                white.push((unit(i as i32 + salt, j as i32 + 7_777) * 255.0 + 0.5) as u8);
            }
        }
        Self { clouds, white }
    }

    /// Fractal noise; one unit is a sixteenth of the tile, the size of the largest lumps.
    #[inline]
    pub(super) fn fractal(&self, x: f32, y: f32) -> f32 {
        let (x, y) = (x * 16.0, y * 16.0);
        let (i, j) = (floor(x), floor(y));
        let (a, b) = (x - i as f32, y - j as f32);
        let at = |i: i32, j: i32| f32::from(self.clouds[place(i, j)]);
        let (i1, j1) = (i.wrapping_add(1), j.wrapping_add(1));
        let low = at(i, j) * (1.0 - a) + at(i1, j) * a;
        let high = at(i, j1) * (1.0 - a) + at(i1, j1) * a;
        (low * (1.0 - b) + high * b) * (1.0 / 255.0)
    }

    /// Fractal noise without interpolation: where the lumps are smaller than a pixel anyway.
    #[inline]
    pub(super) fn rough(&self, x: f32, y: f32) -> f32 {
        f32::from(self.clouds[place(floor(x * 16.0), floor(y * 16.0))]) * (1.0 / 255.0)
    }

    /// White noise by cells of size 1.
    #[inline]
    pub(super) fn grain(&self, x: f32, y: f32) -> f32 {
        f32::from(self.white[place(floor(x), floor(y))]) * (1.0 / 255.0)
    }
}

/// The greatest whole number not above `x`, without the call into a library that `f32::floor` is on plain x86-64.
#[inline]
pub(super) fn floor(x: f32) -> i32 {
    let cut = x as i32;
    cut.wrapping_sub(i32::from((cut as f32) > x))
}

/// Where the cell (i, j) of the repeating tile lies.
#[inline]
fn place(i: i32, j: i32) -> usize {
    ((j as usize) & (SIZE - 1)) * SIZE + ((i as usize) & (SIZE - 1))
}
