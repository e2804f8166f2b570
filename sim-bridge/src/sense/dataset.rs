//! Pictures and labels on disk, for training.
//!
//! A data set is a folder with one PNG per picture and `labels.jsonl`, one JSON object per line:
//! `{"image": "000012.png", "width": 640, "height": 384, "objects": […], "lights": […]}`. An object has `id`, `kind` (`car`,
//! `van`, `truck`, `bus`, `pedestrian`, `cyclist`), a light has `signal` and `colour` (`off`, `red`, `red_amber`, `amber`,
//! `green`); both have `box` (around the visible pixels) and `full_box` (around all pixels that it would have with nothing in
//! front), left, top, right, bottom, the latter two exclusive; `visible_pixels`, `total_pixels`, `distance_m` and `aspect`
//! (radians; 0: its face is turned to the camera).

use super::camera::{Subject, VisibleObject};
use crate::world::{ActorKind, LightColor};
use auriga_messages::sensor_msgs::Image;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Error, ErrorKind, Result, Write};
use std::path::Path;

/// Writes `NNNNNN.png` into `folder` and appends its line to `labels.jsonl` there.
///
/// # Errors
/// The folder can't be written to, or the image is not `rgb8` or lacks pixels.
pub fn write_sample(folder: &Path, index: u32, image: &Image, objects: &[VisibleObject]) -> Result<()> {
    let name = format!("{index:06}.png");
    write_png(&folder.join(&name), image)?;
    let mut line = label_line(&name, image, objects);
    line.push('\n');
    OpenOptions::new().create(true).append(true).open(folder.join("labels.jsonl"))?.write_all(line.as_bytes())
}

/// One picture's labels as a line of JSON, without its end.
#[must_use]
pub fn label_line(name: &str, image: &Image, objects: &[VisibleObject]) -> String {
    let (mut actors, mut lights) = (String::new(), String::new());
    for object in objects {
        let list = match object.subject {
            Subject::Actor(..) => &mut actors,
            Subject::Light(..) => &mut lights,
        };
        if !list.is_empty() {
            list.push_str(", ");
        }
        // Writing into a string does not fail.
        let _ = match object.subject {
            Subject::Actor(id, kind) => write!(list, "{{\"id\": {id}, \"kind\": \"{}\"", kind_name(kind)),
            Subject::Light(signal, color) => {
                write!(list, "{{\"signal\": {}, \"colour\": \"{}\"", signal.0, color_name(color))
            }
        };
        let _ = write!(
            list,
            ", \"box\": {:?}, \"full_box\": {:?}, \"visible_pixels\": {}, \"total_pixels\": {}, \"distance_m\": {:.3}, \
             \"aspect\": {:.4}}}",
            object.bounds,
            object.full_bounds,
            object.visible_pixels,
            object.total_pixels,
            object.distance,
            object.aspect
        );
    }
    format!(
        "{{\"image\": \"{name}\", \"width\": {}, \"height\": {}, \"objects\": [{actors}], \"lights\": [{lights}]}}",
        image.width, image.height
    )
}

fn kind_name(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Car => "car",
        ActorKind::Van => "van",
        ActorKind::Truck => "truck",
        ActorKind::Bus => "bus",
        ActorKind::Pedestrian => "pedestrian",
        ActorKind::Cyclist => "cyclist",
    }
}

fn color_name(color: LightColor) -> &'static str {
    match color {
        LightColor::Off => "off",
        LightColor::Red => "red",
        LightColor::RedAmber => "red_amber",
        LightColor::Amber => "amber",
        LightColor::Green => "green",
    }
}

/// Writes a picture as PNG (ISO/IEC 15948), uncompressed: its noise would hardly shrink.
///
/// # Errors
/// The file can't be written, or the image is not `rgb8` or lacks pixels.
pub fn write_png(path: &Path, image: &Image) -> Result<()> {
    let (width, height) = (image.width as usize, image.height as usize);
    let row = width * 3;
    if image.encoding != "rgb8" || row == 0 || image.data.len() < row * height {
        let problem =
            format!("{}: the image must be rgb8 and complete, not {}", path.display(), image.encoding);
        return Err(Error::new(ErrorKind::InvalidInput, problem));
    }
    // Each row begins with the number of its filter: none.
    let mut raw = Vec::with_capacity((row + 1) * height);
    for line in image.data.chunks_exact(row).take(height) {
        raw.push(0);
        raw.extend_from_slice(line);
    }
    let mut header = Vec::with_capacity(13);
    header.extend_from_slice(&image.width.to_be_bytes());
    header.extend_from_slice(&image.height.to_be_bytes());
    header.extend_from_slice(&[8, 2, 0, 0, 0]);
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(b"\x89PNG\r\n\x1a\n")?;
    write_chunk(&mut file, *b"IHDR", &header)?;
    write_chunk(&mut file, *b"IDAT", &stored(&raw))?;
    write_chunk(&mut file, *b"IEND", &[])?;
    file.flush()
}

fn write_chunk(file: &mut impl Write, kind: [u8; 4], data: &[u8]) -> Result<()> {
    let crc = crc32(data, crc32(&kind, u32::MAX)) ^ u32::MAX;
    file.write_all(&(data.len() as u32).to_be_bytes())?;
    file.write_all(&kind)?;
    file.write_all(data)?;
    file.write_all(&crc.to_be_bytes())
}

/// A zlib stream (RFC 1950) of stored blocks (RFC 1951, 3.2.4).
fn stored(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + data.len() / 65_535 * 5 + 16);
    out.extend_from_slice(&[0x78, 0x01]);
    let blocks = data.chunks(65_535);
    let last = blocks.len().saturating_sub(1);
    for (i, block) in blocks.enumerate() {
        let length = block.len() as u16;
        out.push(u8::from(i == last));
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
    }
    let (mut a, mut b) = (1_u32, 0_u32);
    for &byte in data {
        a = (a + u32::from(byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    out.extend_from_slice(&((b << 16) | a).to_be_bytes());
    out
}

/// CRC-32 of ISO/IEC 15948, annex D, continued from `crc`.
fn crc32(data: &[u8], mut crc: u32) -> u32 {
    for &byte in data {
        crc = TABLE[((crc ^ u32::from(byte)) & 0xFF) as usize] ^ (crc >> 8);
    }
    crc
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let mut c = i as u32;
        let mut k = 0;
        while k < 8 {
            c = if c & 1 == 1 { 0xEDB8_8320 ^ (c >> 1) } else { c >> 1 };
            k += 1;
        }
        table[i] = c;
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use auriga_map::SignalId;

    #[test]
    fn checksums_are_the_published_ones() {
        // The check value of CRC-32/ISO-HDLC, and RFC 1950's Adler-32 of "Wikipedia" as commonly given.
        assert_eq!(crc32(b"123456789", u32::MAX) ^ u32::MAX, 0xCBF4_3926);
        assert_eq!(stored(b"Wikipedia")[16..], 0x11E6_0398_u32.to_be_bytes());
    }

    #[test]
    fn a_sample_is_a_picture_and_a_line() {
        let folder = std::env::temp_dir().join(format!("auriga-dataset-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let image = Image {
            width: 2,
            height: 1,
            step: 6,
            encoding: "rgb8".to_owned(),
            data: vec![1, 2, 3, 4, 5, 6],
            ..Image::default()
        };
        let light = VisibleObject {
            subject: Subject::Light(SignalId(4), LightColor::RedAmber),
            instance: 1,
            bounds: [0, 0, 1, 1],
            full_bounds: [0, 0, 2, 1],
            visible_pixels: 1,
            total_pixels: 2,
            distance: 12.5,
            aspect: 0.25,
        };
        let car = VisibleObject { subject: Subject::Actor(9, ActorKind::Car), ..light };
        write_sample(&folder, 3, &image, &[light, car, car]).unwrap();
        let png = std::fs::read(folder.join("000003.png")).unwrap();
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        let labels = std::fs::read_to_string(folder.join("labels.jsonl")).unwrap();
        assert!(labels.starts_with(
            "{\"image\": \"000003.png\", \"width\": 2, \"height\": 1, \"objects\": [{\"id\": 9"
        ));
        assert!(labels.contains(
            "\"signal\": 4, \"colour\": \"red_amber\", \"box\": [0, 0, 1, 1], \"full_box\": [0, 0, 2, 1]"
        ));
        assert!(labels.ends_with("\"aspect\": 0.2500}]}\n"));
        assert!(write_png(&folder.join("x.png"), &Image::default()).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
