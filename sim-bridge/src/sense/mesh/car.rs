//! Cars: a lofted body, a glasshouse with raked screens and tumblehome, wheels, lamps, grille, plates and shut lines.

use super::builder::{Builder, curve, v};
use super::{Material, Mesh, Vec3f};
use core::f32::consts::{PI, TAU};

const DARK: [f32; 3] = [0.012, 0.012, 0.013];
const WINDOW: [f32; 3] = [0.02, 0.024, 0.028];
const PAINT: [f32; 3] = [0.4; 3];

/// The body's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Body {
    /// Three boxes, four doors.
    Saloon,
    /// Two boxes, short tail.
    Hatchback,
    /// A saloon with a long roof.
    Estate,
    /// Tall, with large wheels.
    Suv,
    /// One box with a short nose.
    Van,
}

/// The lines that a body is drawn from; lengths in metres, `x` from the middle of the car.
#[derive(Clone, Copy, Debug)]
struct Lines {
    length: f32,
    width: f32,
    height: f32,
    /// Underside.
    sill: f32,
    /// Lower edge of the side windows.
    belt: f32,
    /// Height of the bonnet's front edge.
    nose: f32,
    /// Height of the boot lid.
    deck: f32,
    /// Foot of the windscreen, front and rear end of the roof, foot of the rear window.
    screen: [f32; 4],
    /// Half width at the roof over half width at the belt.
    tumblehome: f32,
    /// Middle of the post between the doors; foremost edge of the last post, from the rear window's foot.
    posts: (f32, f32),
    wheel: f32,
    /// Front and rear axle.
    axles: (f32, f32),
    /// Whether there is glass behind the front doors.
    rear_windows: bool,
}

impl Lines {
    fn of(body: Body) -> Self {
        let saloon = Self {
            length: 4.65,
            width: 1.82,
            height: 1.45,
            sill: 0.24,
            belt: 0.93,
            nose: 0.70,
            deck: 0.98,
            screen: [0.98, 0.26, -0.95, -1.66],
            tumblehome: 0.79,
            posts: (0.08, 0.62),
            wheel: 0.325,
            axles: (1.42, -1.36),
            rear_windows: true,
        };
        match body {
            Body::Saloon => saloon,
            Body::Hatchback => Self {
                length: 4.1,
                width: 1.77,
                height: 1.48,
                belt: 0.95,
                deck: 0.97,
                screen: [0.95, 0.32, -1.45, -1.93],
                posts: (0.04, 0.72),
                wheel: 0.315,
                axles: (1.27, -1.29),
                ..saloon
            },
            Body::Estate => Self {
                length: 4.75,
                height: 1.49,
                screen: [1.02, 0.28, -1.82, -2.24],
                posts: (0.08, 0.58),
                axles: (1.45, -1.36),
                ..saloon
            },
            Body::Suv => Self {
                length: 4.5,
                width: 1.88,
                height: 1.68,
                sill: 0.30,
                belt: 1.07,
                nose: 0.84,
                deck: 1.08,
                screen: [0.98, 0.40, -1.66, -2.12],
                tumblehome: 0.80,
                posts: (0.06, 0.66),
                wheel: 0.365,
                axles: (1.36, -1.33),
                ..saloon
            },
            Body::Van => Self {
                length: 5.1,
                width: 1.96,
                height: 2.0,
                sill: 0.28,
                belt: 1.15,
                nose: 0.92,
                deck: 1.17,
                screen: [1.92, 1.10, -2.40, -2.50],
                tumblehome: 0.88,
                posts: (0.55, 0.24),
                wheel: 0.335,
                axles: (1.62, -1.48),
                rear_windows: false,
            },
        }
    }

    /// Stretches the body a little, so that cars of one kind differ.
    fn varied(mut self, variant: u32) -> Self {
        let step = variant as f32;
        let lengthen = 1.0 + 0.025 * (step - 1.0);
        self.length *= lengthen;
        for x in &mut self.screen {
            *x *= lengthen;
        }
        self.axles = (self.axles.0 * lengthen, self.axles.1 * lengthen);
        self.screen[1] -= 0.07 * step;
        self.screen[2] += if self.screen[2] - self.screen[3] > 0.3 { 0.06 * step } else { 0.0 };
        self.nose += 0.025 * (step - 1.0);
        self.tumblehome -= 0.012 * step;
        self
    }
}

/// A car of a kind; variants 0 to 2 differ in proportions.
#[must_use]
pub fn car(body: Body, variant: u32) -> Mesh {
    let lines = Lines::of(body).varied(variant % 3);
    let mut builder = Builder::default();
    lower_body(&mut builder, &lines);
    let body_only = builder.len();
    glasshouse(&mut builder, &lines);
    front(&mut builder, &lines, body_only, variant);
    rear(&mut builder, &lines, body_only);
    sides(&mut builder, &lines, body_only);
    for axle in [lines.axles.0, lines.axles.1] {
        for side in [1.0, -1.0] {
            wheel(&mut builder, v(axle, side * lines.width / 2.0, lines.wheel), side, lines.wheel);
        }
    }
    let (h, w) = (lines.length / 2.0, lines.width / 2.0);
    builder.cuboid(
        v(-h + 0.3, -w * 0.84, lines.sill - 0.05),
        v(h - 0.3, w * 0.84, lines.sill + 0.04),
        Material::Matte,
        DARK,
    );
    builder.finish(v(lines.length, lines.width, lines.height), 0.76)
}

/// From the sills to the belt: rings across the car, joined from tail to nose.
fn lower_body(builder: &mut Builder, l: &Lines) {
    let (h, w) = (l.length / 2.0, l.width / 2.0);
    let [windscreen, _, _, rear_window] = l.screen;
    let tail = rear_window.max(-h + 0.2);
    let top = [
        (-h, l.deck - 0.24),
        (-h + 0.05, l.deck - 0.09),
        (-h + 0.16, l.deck - 0.02),
        (tail, l.deck),
        (tail + 0.3, l.belt),
        (windscreen, l.belt + 0.01),
        (h - 0.75, l.nose + (l.belt - l.nose) * 0.72),
        (h - 0.25, l.nose + 0.10),
        (h - 0.07, l.nose + 0.01),
        (h, l.nose - 0.16),
    ];
    let bottom = [
        (-h, l.sill + 0.16),
        (-h + 0.12, l.sill + 0.04),
        (-h + 0.5, l.sill),
        (h - 0.4, l.sill),
        (h, l.sill + 0.08),
    ];
    let half = [
        (-h, 0.80),
        (-h + 0.05, 0.90),
        (-h + 0.18, 0.95),
        (-h + 0.6, 0.99),
        (-0.1 * h, 1.0),
        (h - 0.9, 0.99),
        (h - 0.4, 0.95),
        (h - 0.15, 0.87),
        (h - 0.05, 0.77),
        (h, 0.64),
    ];
    let section = [
        (0.0, 0.0),
        (0.84, 0.0),
        (0.965, 0.07),
        (1.0, 0.36),
        (0.992, 0.66),
        (0.965, 0.86),
        (0.89, 0.98),
        (0.55, 1.02),
        (0.0, 1.04),
    ];
    let stations = [
        -h,
        -h + 0.05,
        -h + 0.18,
        tail.min(-h + 0.75).max(-h + 0.3),
        -0.45 * h,
        0.1 * h,
        windscreen.min(h - 0.8),
        h - 0.5,
        h - 0.2,
        h - 0.06,
        h,
    ];
    let rings: Vec<Vec<Vec3f>> = stations
        .iter()
        .map(|&x| {
            let (low, high) = (curve(&bottom, x), curve(&top, x));
            let across = w * curve(&half, x);
            let at = |&(a, b): &(f32, f32), side: f32| v(x, side * across * a, low + (high - low) * b);
            let right = section[1..section.len() - 1].iter().rev().map(|p| at(p, -1.0));
            section.iter().map(|p| at(p, 1.0)).chain(right).collect()
        })
        .collect();
    builder.loft(&rings, true, |_, _| (Material::Paint, PAINT));
    builder.cap(&rings[0], Material::Paint, PAINT);
    builder.cap(&rings[rings.len() - 1], Material::Paint, PAINT);
}

/// From the belt to the roof: level rings whose segments are posts or windows.
fn glasshouse(builder: &mut Builder, l: &Lines) {
    let levels = [0.0, 0.09, 0.50, 0.86, 1.0];
    let top = l.height - 0.055;
    let ring = |t: f32, shrink: f32, z: f32| -> Vec<Vec3f> {
        let front = l.screen[0] + (l.screen[1] - l.screen[0]) * t - shrink * 1.4;
        let rear = l.screen[3] + (l.screen[2] - l.screen[3]) * t + shrink * 1.2;
        let lean = 1.0 + (l.tumblehome - 1.0) * (0.35 * t + 0.65 * t * t);
        let half = l.width / 2.0 * 0.955 * lean - shrink;
        let last = rear + l.posts.1 * (1.0 - 0.55 * t);
        let points = [
            (front + 0.09, 0.0),
            (front + 0.06, 0.48),
            (front - 0.03, 0.86),
            (front - 0.16, 0.975),
            (l.posts.0 + 0.045, 1.0),
            (l.posts.0 - 0.045, 1.0),
            (last, 0.985),
            (rear + 0.09, 0.94),
            (rear + 0.01, 0.80),
            (rear - 0.04, 0.0),
        ];
        let at = |&(x, y): &(f32, f32), side: f32| v(x, side * half * y, z);
        let right = points[1..points.len() - 1].iter().rev().map(|p| at(p, -1.0));
        points.iter().map(|p| at(p, 1.0)).chain(right).collect()
    };
    let mut rings: Vec<_> =
        levels.iter().map(|&t| ring(t, 0.0, l.belt - 0.03 + (top - l.belt + 0.03) * t)).collect();
    rings.push(ring(1.0, 0.08, l.height - 0.012));
    builder.loft(&rings, true, |level, segment| {
        // The second half of the ring mirrors the first.
        let segment = if segment < 9 { segment } else { 17 - segment };
        let window = match segment {
            0 | 1 => level < 3,
            3 => (1..3).contains(&level),
            5 => (1..3).contains(&level) && l.rear_windows,
            8 => (1..3).contains(&level),
            4 => false,
            _ => false,
        };
        if window { (Material::Glass, WINDOW) } else { (Material::Paint, PAINT) }
    });
    builder.cap(&rings[rings.len() - 1], Material::Paint, PAINT);
}

fn front(b: &mut Builder, l: &Lines, body: usize, variant: u32) {
    let (w, face) = (l.width / 2.0, (0, 1.0));
    let n = l.nose - 0.06;
    let slim = if variant.is_multiple_of(2) { 0.0 } else { 0.02 };
    for side in [1.0_f32, -1.0] {
        let lamp = [
            (side * 0.50 * w, n - 0.06 + slim),
            (side * 0.86 * w, n - 0.02 + slim),
            (side * 0.86 * w, n + 0.07),
            (side * 0.54 * w, n + 0.04),
        ];
        b.patch(body, face, lamp, (4, 3), 0.016, Material::Metal, [0.50, 0.51, 0.53]);
        let beam = [
            (side * 0.60 * w, n - 0.03 + slim),
            (side * 0.77 * w, n - 0.005 + slim),
            (side * 0.77 * w, n + 0.045),
            (side * 0.62 * w, n + 0.03),
        ];
        b.patch(body, face, beam, (2, 1), 0.028, Material::Headlamp, [1.2, 1.2, 1.12]);
        let turn = [
            (side * 0.78 * w, n - 0.01),
            (side * 0.86 * w, n + 0.0),
            (side * 0.86 * w, n + 0.04),
            (side * 0.78 * w, n + 0.035),
        ];
        let material = if side > 0.0 { Material::IndicatorLeft } else { Material::IndicatorRight };
        b.patch(body, face, turn, (1, 1), 0.030, material, [0.40, 0.20, 0.05]);
    }
    let grille = [(-0.40 * w, n - 0.10), (0.40 * w, n - 0.10), (0.45 * w, n + 0.04), (-0.45 * w, n + 0.04)];
    b.patch(body, face, grille, (6, 3), 0.018, Material::Matte, DARK);
    let z = l.sill + 0.10;
    let intake = [(-0.60 * w, z), (0.60 * w, z), (0.56 * w, z + 0.09), (-0.56 * w, z + 0.09)];
    b.patch(body, face, intake, (6, 2), 0.018, Material::Matte, DARK);
    let plate = [(-0.26, n - 0.22), (0.26, n - 0.22), (0.26, n - 0.11), (-0.26, n - 0.11)];
    b.patch(body, face, plate, (2, 2), 0.028, Material::Plate, [0.74, 0.74, 0.70]);
}

fn rear(b: &mut Builder, l: &Lines, body: usize) {
    let (w, face) = (l.width / 2.0, (0, -1.0));
    let tall = l.screen[3] < -l.length / 2.0 + 0.3;
    let (z, up) = (l.deck * 0.83, if tall { 0.11 } else { 0.07 });
    for side in [1.0_f32, -1.0] {
        let lamp = [
            (side * 0.52 * w, z - 0.08),
            (side * 0.78 * w, z - 0.08),
            (side * 0.78 * w, z + up * 0.6),
            (side * 0.56 * w, z + up * 0.5),
        ];
        b.patch(body, face, lamp, (4, 3), 0.016, Material::TailLamp, [0.45, 0.012, 0.014]);
        let turn = [
            (side * 0.57 * w, z - 0.05),
            (side * 0.70 * w, z - 0.05),
            (side * 0.70 * w, z - 0.01),
            (side * 0.57 * w, z - 0.01),
        ];
        let material = if side > 0.0 { Material::IndicatorLeft } else { Material::IndicatorRight };
        b.patch(body, face, turn, (1, 1), 0.030, material, [0.42, 0.16, 0.05]);
    }
    let zp = l.deck * 0.66;
    let plate = [(-0.26, zp), (0.26, zp), (0.26, zp + 0.11), (-0.26, zp + 0.11)];
    b.patch(body, face, plate, (2, 2), 0.022, Material::Plate, [0.74, 0.74, 0.66]);
    let zb = l.sill + 0.20;
    let bumper = [(-0.74 * w, zb), (0.74 * w, zb), (0.76 * w, zb + 0.11), (-0.76 * w, zb + 0.11)];
    b.patch(body, face, bumper, (6, 2), 0.018, Material::Matte, DARK);
    let lid = [
        (-0.75 * w, l.deck * 0.60),
        (0.75 * w, l.deck * 0.60),
        (0.75 * w, l.deck * 0.61),
        (-0.75 * w, l.deck * 0.61),
    ];
    b.patch(body, face, lid, (6, 1), 0.016, Material::Matte, DARK);
}

fn sides(b: &mut Builder, l: &Lines, body: usize) {
    let w = l.width / 2.0;
    let doors = [l.screen[0] - 0.22, l.posts.0, (l.posts.0 + l.axles.1) / 2.0 - 0.25];
    for side in [1.0_f32, -1.0] {
        for (i, &x) in doors.iter().enumerate() {
            let low = l.sill + 0.12;
            let line =
                [(x - 0.007, low), (x + 0.007, low), (x + 0.007, l.belt - 0.05), (x - 0.007, l.belt - 0.05)];
            b.patch(body, (1, side), line, (1, 5), 0.012, Material::Matte, DARK);
            if i > 0 {
                let z = l.belt - 0.15;
                let handle = [(x + 0.08, z), (x + 0.24, z), (x + 0.24, z + 0.03), (x + 0.08, z + 0.03)];
                b.patch(body, (1, side), handle, (1, 1), 0.02, Material::Metal, [0.25, 0.25, 0.25]);
            }
        }
        let (front, back) = (l.axles.0 - l.wheel - 0.08, l.axles.1 + l.wheel + 0.08);
        let skirt =
            [(back, l.sill + 0.03), (front, l.sill + 0.03), (front, l.sill + 0.11), (back, l.sill + 0.11)];
        b.patch(body, (1, side), skirt, (4, 2), 0.018, Material::Matte, DARK);
        let (inner, outer) = (side * w * 0.93, side * (w + 0.15));
        let x = l.screen[0] - 0.38;
        b.cuboid(
            v(x - 0.07, inner.min(outer), l.belt + 0.0),
            v(x + 0.07, inner.max(outer), l.belt + 0.13),
            Material::Paint,
            PAINT,
        );
    }
}

/// A wheel in its arch; `center` lies on the body's side.
pub(super) fn wheel(b: &mut Builder, center: Vec3f, side: f32, radius: f32) {
    let rubber = [0.016, 0.016, 0.017];
    let out = |y: f32| center + v(0.0, side * y, 0.0);
    b.disc(
        out(0.006),
        ((0.0, 0.0), (radius + 0.07, 0.0)),
        (-0.35, PI + 0.35),
        10,
        Material::Matte,
        [0.006; 3],
    );
    b.disc(out(0.012), ((radius * 0.66, 0.0), (radius * 0.97, 0.0)), (0.0, TAU), 14, Material::Tyre, rubber);
    b.disc(
        out(0.012),
        ((radius * 0.97, 0.0), (radius, -side * 0.21)),
        (0.0, TAU),
        14,
        Material::Tyre,
        rubber,
    );
    b.disc(
        out(0.008),
        ((0.0, 0.0), (radius * 0.66, 0.0)),
        (0.0, TAU),
        14,
        Material::Metal,
        [0.27, 0.27, 0.28],
    );
    for spoke in 0..5 {
        let from = TAU * spoke as f32 / 5.0 + 0.3;
        let gap = ((radius * 0.24, 0.0), (radius * 0.56, 0.0));
        b.disc(out(0.018), gap, (from, from + 0.62), 1, Material::Matte, [0.02; 3]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cars_have_their_size_and_a_reasonable_number_of_triangles() {
        for body in [Body::Saloon, Body::Hatchback, Body::Estate, Body::Suv, Body::Van] {
            for variant in 0..3 {
                let mesh = car(body, variant);
                let count = mesh.triangles.len();
                assert!((600..1400).contains(&count), "{body:?}: {count}");
                let (low, high) = mesh.bounds();
                let size = high - low;
                assert!((size.x - mesh.size.x).abs() < 0.08, "{body:?}: {size}");
                assert!(low.z > -0.02 && (high.z - mesh.size.z).abs() < 0.03, "{body:?}: {low} {high}");
                assert!((size.y - mesh.size.y - 0.3).abs() < 0.03, "mirrors: {size}");
                let glass = mesh.triangles.iter().filter(|t| t.material == Material::Glass).count();
                let lamps = mesh.triangles.iter().filter(|t| t.material == Material::TailLamp).count();
                assert!(glass >= 30 && lamps >= 16, "{body:?}: {glass} {lamps}");
            }
        }
    }
}
