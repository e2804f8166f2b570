//! Where the ground is, from the scan itself.
//!
//! The surroundings are cut into sectors and rings. In each sector a line walks outwards over the lowest point of each
//! ring, and takes those that it can reach without climbing more than a road does (after Himmelsbach, von Hundelshausen,
//! Wünsche, "Fast segmentation of 3D point clouds for ground vehicles", IV 2010, with the walk in place of their repeated
//! line fits). Neighbouring sectors then outvote the ones that went astray. It starts at the wheels: `base_link` stands on
//! the ground.

/// Sectors a quarter turn.
const SECTORS_PER_QUARTER: usize = 45;
const SECTORS: usize = 4 * SECTORS_PER_QUARTER;
/// Rings of 0.5 m up to 30 m, then of 1.5 m.
const FINE_RINGS: usize = 60;
const FINE_M: f32 = 0.5;
const COARSE_M: f32 = 1.5;
const RINGS: usize = 100;
/// The steepest rise or fall seen over [`BASELINE_M`] that is still ground.
const SLOPE_MOST: f32 = 0.22;
/// Slopes are measured over at least this way, metres.
const BASELINE_M: f32 = 2.5;
/// A point this far below any plausible ground is a reflection, metres and metres per metre.
const BELOW_M: f32 = 0.6;
const BELOW_SLOPE: f32 = 0.15;

/// The height of the ground around the car in `base_link`. Keeps its memory from scan to scan.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The lowest point of each bin: (range, height); an infinite height where the bin is empty.
    lowest: Vec<(f32, f32)>,
    /// Height at each bin's centre.
    height: Vec<f32>,
    smoothed: Vec<f32>,
}

impl Default for Ground {
    fn default() -> Self {
        Self {
            lowest: vec![(0.0, f32::INFINITY); SECTORS * RINGS],
            height: vec![0.0; SECTORS * RINGS],
            smoothed: vec![0.0; SECTORS * RINGS],
        }
    }
}

impl Ground {
    /// Finds the ground under points given in `base_link`.
    pub fn fit(&mut self, points: &[[f32; 3]]) {
        self.lowest.fill((0.0, f32::INFINITY));
        for &[x, y, z] in points {
            let range = (x * x + y * y).sqrt();
            let Some(ring) = ring_of(range) else { continue };
            let bin = &mut self.lowest[sector_of(x, y) * RINGS + ring];
            if z < bin.1 && z > -BELOW_M - BELOW_SLOPE * range {
                *bin = (range, z);
            }
        }
        for sector in 0..SECTORS {
            let bins = sector * RINGS..(sector + 1) * RINGS;
            walk(&self.lowest[bins.clone()], &mut self.height[bins]);
        }
        self.smooth();
    }

    /// Metres that a point is above the ground.
    #[inline]
    #[must_use]
    pub fn above(&self, point: [f32; 3]) -> f32 {
        let [x, y, z] = point;
        let range = (x * x + y * y).sqrt();
        let base = sector_of(x, y) * RINGS;
        let ring = ring_of(range).unwrap_or(RINGS - 1);
        let center = center_of(ring);
        let (a, b) = if range < center { (ring.saturating_sub(1), ring) } else { (ring, ring + 1) };
        let b = b.min(RINGS - 1);
        let (ra, rb) = (center_of(a), center_of(b));
        let ratio = if rb > ra { ((range - ra) / (rb - ra)).clamp(0.0, 1.0) } else { 0.0 };
        let (ha, hb) = (self.smoothed[base + a], self.smoothed[base + b]);
        z - (ha + (hb - ha) * ratio)
    }

    /// Each bin becomes the median of itself and two neighbours on both sides.
    fn smooth(&mut self) {
        for sector in 0..SECTORS {
            let rows: [usize; 5] = std::array::from_fn(|i| (sector + SECTORS + i - 2) % SECTORS * RINGS);
            for ring in 0..RINGS {
                let mut v: [f32; 5] = std::array::from_fn(|i| self.height[rows[i] + ring]);
                v.sort_unstable_by(f32::total_cmp);
                self.smoothed[sector * RINGS + ring] = v[2];
            }
        }
    }
}

/// One sector: from the wheels outwards over the lowest points.
fn walk(lowest: &[(f32, f32)], height: &mut [f32]) {
    let mut taken = [(0.0_f32, 0.0_f32); RINGS + 1];
    let mut count = 1;
    let mut slope = 0.0_f32;
    let mut filled = 0;
    for &(range, z) in lowest {
        if z == f32::INFINITY {
            continue;
        }
        let (last_range, last_z) = taken[count - 1];
        let gap = range - last_range;
        let off = z - (last_z + slope * gap);
        let tolerance = (0.12 + 0.06 * gap).min(0.45);
        if off.abs() > tolerance {
            continue;
        }
        let far_back = (0..count).rev().find(|&i| range - taken[i].0 >= BASELINE_M).unwrap_or(0);
        let (back_range, back_z) = taken[far_back];
        let seen = (z - back_z) / (range - back_range).max(BASELINE_M);
        if seen.abs() > SLOPE_MOST {
            continue;
        }
        slope = slope + 0.5 * (seen - slope);
        taken[count] = (range, z);
        count += 1;
        while filled < RINGS && center_of(filled) <= range {
            let ratio = (center_of(filled) - last_range) / gap.max(1e-3);
            height[filled] = last_z + (z - last_z) * ratio;
            filled += 1;
        }
    }
    let (last_range, last_z) = taken[count - 1];
    for (ring, out) in height.iter_mut().enumerate().skip(filled) {
        // Far past the last ground seen, the slope seen last says little.
        let ahead = (center_of(ring) - last_range).min(15.0);
        *out = last_z + 0.5 * slope * ahead;
    }
}

/// The sector of a direction. Sectors are equal on the diamond |x| + |y| = 1, so that no arc tangent is needed.
#[inline]
fn sector_of(x: f32, y: f32) -> usize {
    let sum = x.abs() + y.abs();
    if sum <= 0.0 {
        return 0;
    }
    let t = y / sum;
    let turn = if x >= 0.0 { if y >= 0.0 { t } else { 4.0 + t } } else { 2.0 - t };
    ((turn * SECTORS_PER_QUARTER as f32) as usize).min(SECTORS - 1)
}

#[inline]
fn ring_of(range: f32) -> Option<usize> {
    const FINE_END: f32 = FINE_RINGS as f32 * FINE_M;
    let ring = if range < FINE_END {
        (range / FINE_M) as usize
    } else {
        FINE_RINGS + ((range - FINE_END) / COARSE_M) as usize
    };
    (ring < RINGS).then_some(ring)
}

#[inline]
fn center_of(ring: usize) -> f32 {
    const FINE_END: f32 = FINE_RINGS as f32 * FINE_M;
    if ring < FINE_RINGS {
        (ring as f32 + 0.5) * FINE_M
    } else {
        FINE_END + ((ring - FINE_RINGS) as f32 + 0.5) * COARSE_M
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auriga_geometry::math::sin_cos;
    use proptest::prelude::*;

    /// Rings of a scanner 1.9 m over `surface`, with a 1.6 m high box ahead at 12 m.
    fn scan(surface: impl Fn(f32, f32) -> f32) -> Vec<[f32; 3]> {
        let mut points = Vec::new();
        for ring in 0..60 {
            let range = 3.0 * libm_pow(1.055, ring);
            for step in 0..720 {
                let (sin, cos) = sin_cos(f64::from(step) * 0.5_f64.to_radians());
                let (x, y) = (range * cos as f32, range * sin as f32);
                let behind = x > 12.0 && y.abs() < x / 12.0;
                if !behind {
                    points.push([x, y, surface(x, y)]);
                }
            }
        }
        for i in 0..40 {
            for j in 2..16 {
                let y = i as f32 * 0.05 - 1.0;
                points.push([12.0, y, surface(12.0, y) + j as f32 * 0.1]);
            }
        }
        points
    }

    fn libm_pow(base: f64, n: i32) -> f32 {
        auriga_geometry::math::pow(base, f64::from(n)) as f32
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn slopes_are_ground_and_a_box_on_them_is_not(
            rise in -0.1_f32..0.1, bank in -0.05_f32..0.05, from in 0.0_f32..15.0,
        ) {
            let surface = |x: f32, y: f32| rise * (x - from).max(0.0) + bank * y;
            let points = scan(surface);
            let mut ground = Ground::default();
            ground.fit(&points);
            for &p in &points {
                let truth = p[2] - surface(p[0], p[1]);
                if p[0] * p[0] + p[1] * p[1] < 2500.0 {
                    prop_assert!((ground.above(p) - truth).abs() < 0.22, "{:?}: {} not {}", p, ground.above(p), truth);
                }
            }
        }
    }

    #[test]
    fn an_empty_scan_is_flat_ground() {
        let mut ground = Ground::default();
        ground.fit(&[]);
        assert_eq!(ground.above([10.0, 3.0, 1.0]), 1.0);
        assert_eq!(ground.above([1000.0, 3.0, 1.0]), 1.0);
    }
}
