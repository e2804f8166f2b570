//! Somebody else's picture as one of the three encodings that the stack knows: `rgb8`, `bgr8`, `mono8`.
//!
//! Names and layouts are those of ROS's `sensor_msgs/image_encodings.hpp`.

use auriga_messages::sensor_msgs::{CompressedImage, Image};
use image::{ImageFormat, ImageReader, Limits};
use std::io::Cursor;

const SIDE_MOST: u32 = 1 << 14;
/// A picture does not take more memory, bytes.
const MEMORY_MOST: u64 = 1 << 30;

/// How a pixel is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pixels {
    /// Of the same encoding here.
    Same(&'static str, usize),
    /// Four bytes, the last of which is left out.
    Four(&'static str),
    /// 16 bits of grey, of which the upper 8 are taken.
    Deep,
    /// A colour filter: where red lies in its cell of 2 by 2, (column, row).
    Bayer(usize, usize),
}

const KNOWN: &str =
    "rgb8, bgr8, mono8, rgba8, bgra8, mono16, 8UC1, 8UC3, 8UC4, 16UC1, bayer_{rggb,bggr,gbrg,grbg}8";

impl Pixels {
    fn of(encoding: &str) -> Result<Self, String> {
        Ok(match encoding {
            "rgb8" => Self::Same("rgb8", 3),
            "bgr8" | "8UC3" => Self::Same("bgr8", 3),
            "mono8" | "8UC1" => Self::Same("mono8", 1),
            "rgba8" => Self::Four("rgb8"),
            "bgra8" | "8UC4" => Self::Four("bgr8"),
            "mono16" | "16UC1" => Self::Deep,
            "bayer_rggb8" => Self::Bayer(0, 0),
            "bayer_grbg8" => Self::Bayer(1, 0),
            "bayer_gbrg8" => Self::Bayer(0, 1),
            "bayer_bggr8" => Self::Bayer(1, 1),
            other => return Err(format!("field encoding: {other:?} is not known; {KNOWN} are")),
        })
    }

    fn bytes(self) -> usize {
        match self {
            Self::Same(_, bytes) => bytes,
            Self::Four(_) => 4,
            Self::Deep => 2,
            Self::Bayer(..) => 1,
        }
    }
}

/// Checks a picture without making another of it. Gives its size.
///
/// # Errors
/// What is wrong, naming the field.
pub(super) fn check(image: &Image) -> Result<(u32, u32), String> {
    let pixels = Pixels::of(&image.encoding)?;
    let Image { width, height, step, data, .. } = image;
    if !(1..=SIDE_MOST).contains(width) || !(1..=SIDE_MOST).contains(height) {
        return Err(format!("fields width, height: {width} by {height}; 1 to {SIDE_MOST} each are taken"));
    }
    let row = u64::from(*width) * pixels.bytes() as u64;
    if u64::from(*step) < row {
        return Err(format!(
            "field step: {step} bytes for {width} pixels of {}, which take {row}",
            image.encoding
        ));
    }
    let needed = u64::from(height - 1) * u64::from(*step) + row;
    if (data.len() as u64) < needed {
        return Err(format!(
            "field data: {} bytes for {width} by {height} pixels, which take {needed}",
            data.len()
        ));
    }
    Ok((*width, *height))
}

/// The same picture in a known encoding, without padding. The header is the caller's.
///
/// # Errors
/// As [`check`].
pub(super) fn convert(image: &Image) -> Result<Image, String> {
    check(image)?;
    let pixels = Pixels::of(&image.encoding)?;
    let (width, height, step) = (image.width as usize, image.height as usize, image.step as usize);
    let rows = (0..height).map(|row| &image.data[row * step..row * step + width * pixels.bytes()]);
    let (encoding, data): (&str, Vec<u8>) = match pixels {
        Pixels::Same(encoding, _) => (encoding, rows.flatten().copied().collect()),
        Pixels::Four(encoding) => {
            let three = rows.flat_map(|row| row.as_chunks::<4>().0.iter().flat_map(|pixel| &pixel[..3]));
            (encoding, three.copied().collect())
        }
        Pixels::Deep => {
            let upper = if image.is_bigendian == 0 { 1 } else { 0 };
            (
                "mono8",
                rows.flat_map(|row| row.as_chunks::<2>().0.iter().map(move |pixel| pixel[upper])).collect(),
            )
        }
        Pixels::Bayer(column, row) => ("rgb8", bayer(image, column, row)),
    };
    let channels = if encoding == "mono8" { 1 } else { 3 };
    Ok(Image {
        height: image.height,
        width: image.width,
        encoding: encoding.to_owned(),
        step: image.width * channels,
        data,
        ..Image::default()
    })
}

/// Each cell of the filter gives its four pixels one colour: half the sharpness, which a detector does not miss.
fn bayer(image: &Image, red_column: usize, red_row: usize) -> Vec<u8> {
    let (width, height, step) = (image.width as usize, image.height as usize, image.step as usize);
    let mut data = Vec::with_capacity(width * height * 3);
    let at = |column: usize, row: usize| image.data[row.min(height - 1) * step + column.min(width - 1)];
    // The last cell of an odd side is the one before it.
    let cell = |place: usize, side: usize| (place & !1).min(side.saturating_sub(2) & !1);
    for row in 0..height {
        for column in 0..width {
            let (left, top) = (cell(column, width), cell(row, height));
            let red = at(left + red_column, top + red_row);
            let blue = at(left + 1 - red_column, top + 1 - red_row);
            let greens = [at(left + 1 - red_column, top + red_row), at(left + red_column, top + 1 - red_row)];
            let green = u16::from(greens[0]).midpoint(u16::from(greens[1])) as u8;
            data.extend_from_slice(&[red, green, blue]);
        }
    }
    data
}

fn reader(image: &CompressedImage) -> Result<ImageReader<Cursor<&[u8]>>, String> {
    if image.format.contains("compressedDepth") {
        return Err(format!(
            "field format: {:?} is a depth picture; PNG and JPEG pictures can be read",
            image.format
        ));
    }
    let format = match image::guess_format(&image.data) {
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg)) => format,
        _ => return Err(format!("field data: neither PNG nor JPEG (format says {:?})", image.format)),
    };
    let mut reader = ImageReader::with_format(Cursor::new(image.data.as_slice()), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MOST);
    limits.max_image_height = Some(SIDE_MOST);
    limits.max_alloc = Some(MEMORY_MOST);
    reader.limits(limits);
    Ok(reader)
}

/// The size that a compressed picture states.
///
/// # Errors
/// What is wrong, naming the field.
pub(super) fn check_compressed(image: &CompressedImage) -> Result<(u32, u32), String> {
    let size = reader(image)?.into_dimensions().map_err(|error| format!("field data: {error}"))?;
    match size {
        (1..=SIDE_MOST, 1..=SIDE_MOST) => Ok(size),
        (width, height) => {
            Err(format!("field data: {width} by {height} pixels; 1 to {SIDE_MOST} each are taken"))
        }
    }
}

/// The picture, decompressed. The header is the caller's.
///
/// # Errors
/// What is wrong, naming the field.
pub(super) fn decompress(image: &CompressedImage) -> Result<Image, String> {
    let picture = reader(image)?.decode().map_err(|error| format!("field data: {error}"))?.into_rgb8();
    let (width, height) = picture.dimensions();
    Ok(Image {
        height,
        width,
        encoding: "rgb8".to_owned(),
        step: width * 3,
        data: picture.into_raw(),
        ..Image::default()
    })
}
