//! Sun, sky and haze.

use super::texture::Texture;
use crate::sense::mesh::Vec3f;
use auriga_geometry::math::{TAU, powf, sin_cos};

/// A day's light: linear radiance in red, green and blue.
#[derive(Clone, Debug)]
pub(super) struct Sky {
    /// Towards the sun.
    pub sun: Vec3f,
    /// The sun's radiance.
    pub sunlight: Vec3f,
    /// Light from above and from below.
    pub ambient: (Vec3f, Vec3f),
    /// Distance over which a third remains, metres.
    pub haze: f32,
    pub horizon: Vec3f,
    pub exposure: f32,
    cloud: f32,
    gradient: Vec<Vec3f>,
}

const STEPS: usize = 256;
/// No hill is higher: sine of the elevation.
const LOW_SKY: f32 = 0.083;

impl Sky {
    /// A daytime sky; the seed decides sun, clouds and haze.
    pub(super) fn new(seed: u64) -> Self {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x0053_4B59;
        let mut roll = |low: f64, high: f64| {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            low + (high - low) * ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        };
        let overcast = roll(0.0, 1.0) < 0.35;
        let (rise, level) = sin_cos(roll(25.0, 62.0).to_radians());
        let (south, east) = sin_cos(roll(0.0, TAU));
        let sun = Vec3f::new((level * east) as f32, (level * south) as f32, rise as f32);
        let strength = if overcast { 0.18 } else { roll(1.35, 1.9) as f32 };
        let ambient = if overcast { roll(0.75, 0.95) } else { roll(0.40, 0.54) } as f32;
        let (zenith, horizon) = if overcast {
            (Vec3f::new(0.62, 0.66, 0.72), Vec3f::new(0.80, 0.82, 0.85))
        } else {
            (Vec3f::new(0.22, 0.40, 0.80), Vec3f::new(0.72, 0.80, 0.90))
        };
        let gradient = (0..STEPS)
            .map(|i| {
                let t = powf((i as f32 / STEPS as f32 * 1.6).min(1.0), 0.6);
                horizon * (1.0 - t) + zenith * t
            })
            .collect();
        Self {
            sun,
            sunlight: Vec3f::new(1.05, 0.99, 0.90) * strength,
            ambient: (
                Vec3f::new(0.95, 1.0, 1.10) * ambient,
                Vec3f::new(0.14, 0.13, 0.12) * (0.5 + strength * 0.4),
            ),
            haze: roll(220.0, 700.0) as f32,
            horizon,
            exposure: roll(0.80, 1.10) as f32,
            cloud: if overcast { 0.25 } else { roll(-0.12, 0.2) as f32 },
            gradient,
        }
    }

    /// The clear sky at a height: the sine of the elevation.
    #[inline]
    pub(super) fn at(&self, rise: f32) -> Vec3f {
        self.gradient[((rise.max(0.0) * STEPS as f32) as usize).min(STEPS - 1)]
    }

    /// What the camera sees where nothing stands: clouds, and wooded hills along the horizon.
    #[inline]
    pub(super) fn look(&self, direction: Vec3f, texture: &Texture) -> Vec3f {
        let mut color = self.at(direction.z);
        if direction.z > 0.01 {
            let spread = 1.1 / (direction.z + 0.15);
            let amount = texture.fractal(direction.x * spread + 3.3, direction.y * spread + 8.1);
            let amount = ((amount - 0.56 + self.cloud) * 3.0).clamp(0.0, 1.0);
            color = color * (1.0 - amount) + Vec3f::new(0.90, 0.91, 0.93) * amount;
        }
        // Any function of the direction that is smooth around the horizon will do as a skyline.
        if direction.z < LOW_SKY {
            let (u, v) = (direction.x * 1.7, direction.y * 1.7);
            if direction.z < 0.012 + 0.07 * texture.fractal(u, v) {
                let leaves = 0.6 + 0.5 * texture.rough(u * 24.0, v * 24.0 + direction.z * 60.0);
                return self.horizon * 0.45 + Vec3f::new(0.055, 0.075, 0.05) * (0.5 * leaves);
            }
        }
        color
    }

    /// Mixes haze into a colour seen from `distance` metres. 1 / (1 + x + x²/2) stands for exp(−x).
    #[inline]
    pub(super) fn veil(&self, color: Vec3f, distance: f32) -> Vec3f {
        let x = (distance - 5.0).max(0.0) / self.haze;
        let clear = 1.0 / (1.0 + x + 0.5 * x * x);
        color * clear + self.horizon * (1.0 - clear)
    }
}
