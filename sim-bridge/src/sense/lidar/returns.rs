//! What comes back: reflectance by material, the chance of a return, and the noise of range and intensity.

use crate::sense::mesh::Material;
use auriga_geometry::math::{TAU, ln, sin_cos};

/// What a ray has met.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Surface {
    pub material: Material,
    /// Share of the near-infrared light that is scattered back, 0 to 1.
    pub reflectance: f32,
    /// Of the angle between ray and normal.
    pub cosine: f32,
    /// Share of the returns that this object loses on top of the sensor's own.
    pub dropout: f32,
}

/// Reflectance at 905 nm of a material with a visible colour. Unverified round figures: dark paint and rubber scatter a few
/// percent, foliage half, retroreflectors saturate.
pub(super) fn reflectance(material: Material, color: [f32; 3]) -> f32 {
    let gray = (color[0] + color[1] + color[2]) / 3.0;
    match material {
        Material::Paint => 0.10 + 0.75 * gray,
        Material::Glass => 0.10,
        Material::Metal => 0.35,
        Material::Tyre => 0.05,
        Material::Matte => 0.06 + 0.6 * gray,
        Material::Cloth => 0.25 + 0.5 * gray,
        Material::Skin => 0.40,
        Material::Headlamp | Material::TailLamp | Material::IndicatorLeft | Material::IndicatorRight => 0.70,
        Material::Plate | Material::Sign => 1.0,
        Material::Facade | Material::Masonry => 0.15 + 0.6 * gray,
        Material::Foliage => 0.50,
        Material::Bark => 0.25,
        Material::LensRed | Material::LensYellow | Material::LensGreen => 0.15,
        Material::Asphalt => 0.12,
        Material::RoadMark => 0.55,
        Material::Concrete => 0.28,
        Material::Grass => 0.40,
    }
}

/// Random bits by counter: ray number and scan, in any order (SplitMix64; Steele, Lea, Flood 2014).
#[inline]
pub(super) fn bits(key: u64, counter: u64) -> u64 {
    let z = key.wrapping_add(counter.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number in (0, 1] from 16 bits.
#[inline]
pub(super) fn unit(bits: u64) -> f32 {
    ((bits & 0xFFFF) + 1) as f32 / 65536.0
}

/// Normally distributed numbers to pick from (Box and Muller, 1958): drawing them anew for each ray costs too much.
#[derive(Clone, Debug)]
pub(super) struct NormalTable(Vec<f32>);

impl NormalTable {
    const SIZE: usize = 8192;

    pub(super) fn new(seed: u64) -> Self {
        let uniform = |i: u64| (bits(seed, i) >> 11) as f64 / (1_u64 << 53) as f64;
        let pair = |i: usize| {
            let radius = (-2.0 * ln(1.0 - uniform(2 * i as u64))).sqrt();
            let (sin, cos) = sin_cos(TAU * uniform(2 * i as u64 + 1));
            [(radius * sin) as f32, (radius * cos) as f32]
        };
        Self((0..Self::SIZE / 2).flat_map(pair).collect())
    }

    #[inline]
    pub(super) fn pick(&self, bits: u64) -> f32 {
        self.0[bits as usize % Self::SIZE]
    }
}

/// Received power below which half of the returns are lost and more with every halving: reflectance × cosine / m². Set so
/// that asphalt fades out at about 50 m and dark paint stays visible to 90 m from a roof-mounted sensor.
const FAINT: f32 = 1.2e-6;

/// Whether a pulse comes back, and what it then reports: extra range (inside a car, behind glass) and intensity.
#[inline]
pub(super) fn receive(surface: &Surface, range: f32, dropout: f32, noise: u64) -> Option<(f32, f32)> {
    let lost = 1.0 - (1.0 - dropout) * (1.0 - surface.dropout);
    if unit(noise) <= lost {
        return None;
    }
    let power = surface.reflectance * surface.cosine / (range * range);
    let chance = power / (power + FAINT * 0.3) * (power / FAINT).min(1.0);
    let dice = unit(noise >> 16);
    if dice > chance {
        return None;
    }
    let mut depth = 0.0;
    if surface.material == Material::Glass {
        // Most of the light goes through or is mirrored away; now and then a seat or the pane itself answers.
        let dice = unit(noise >> 32);
        if dice > 0.16 {
            return None;
        }
        if dice > 0.06 {
            depth = 0.3 + 9.0 * (dice - 0.06);
        }
    }
    Some((depth, surface.reflectance * (0.25 + 0.75 * surface.cosine)))
}
