//! Pixels of an image message.

use crate::PerceptionError;
use auriga_messages::sensor_msgs::Image;

/// A picture with three or one bytes a pixel.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    step: usize,
    channels: usize,
    /// Where blue, green and red lie within a pixel.
    bgr: [usize; 3],
    data: &'a [u8],
}

impl<'a> Picture<'a> {
    /// A view of an image message.
    ///
    /// # Errors
    /// An encoding other than `rgb8`, `bgr8`, `mono8`; no pixels; rows shorter than stated; too little data.
    pub fn of(image: &'a Image) -> Result<Self, PerceptionError> {
        let wrong = |problem: String| Err(PerceptionError::Image { problem });
        let (channels, bgr) = match image.encoding.as_str() {
            "rgb8" => (3, [2, 1, 0]),
            "bgr8" => (3, [0, 1, 2]),
            "mono8" => (1, [0, 0, 0]),
            other => return wrong(format!("encoding `{other}`; rgb8, bgr8 and mono8 are known")),
        };
        let (width, height, step) = (image.width as usize, image.height as usize, image.step as usize);
        if width == 0 || height == 0 || width > 1 << 15 || height > 1 << 15 {
            return wrong(format!("{width} x {height} pixels; 1 to 32768 each are taken"));
        }
        if step < width * channels {
            return wrong(format!(
                "step is {step} bytes, but a row of {width} pixels needs {}",
                width * channels
            ));
        }
        let needed = (height - 1) * step + width * channels;
        if image.data.len() < needed {
            return wrong(format!(
                "{} bytes of data, but {width} x {height} pixels need {needed}",
                image.data.len()
            ));
        }
        Ok(Self { width, height, step, channels, bgr, data: &image.data })
    }

    /// Blue, green, red of a pixel, 0 to 255.
    #[inline]
    #[must_use]
    pub fn bgr(&self, column: usize, row: usize) -> [f32; 3] {
        let at = row * self.step + column * self.channels;
        self.bgr.map(|channel| f32::from(self.data[at + channel]))
    }

    /// Blue, green, red between pixels (bilinear; the centre of the first pixel is at 0, 0; clamped at the edges).
    #[inline]
    #[must_use]
    pub fn sample(&self, x: f32, y: f32) -> [f32; 3] {
        let x = x.clamp(0.0, (self.width - 1) as f32);
        let y = y.clamp(0.0, (self.height - 1) as f32);
        let (i, j) = (x as usize, y as usize);
        let (i1, j1) = ((i + 1).min(self.width - 1), (j + 1).min(self.height - 1));
        let (u, v) = (x - i as f32, y - j as f32);
        let (a, b) = (self.bgr(i, j), self.bgr(i1, j));
        let (c, d) = (self.bgr(i, j1), self.bgr(i1, j1));
        std::array::from_fn(|k| {
            let top = a[k] + (b[k] - a[k]) * u;
            let bottom = c[k] + (d[k] - c[k]) * u;
            top + (bottom - top) * v
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A picture whose pixels `paint` chooses as red, green, blue.
    pub fn painted(width: u32, height: u32, paint: impl Fn(u32, u32) -> [u8; 3]) -> Image {
        let mut data = Vec::new();
        for row in 0..height {
            for column in 0..width {
                data.extend(paint(column, row));
            }
        }
        Image { width, height, encoding: "rgb8".to_owned(), step: 3 * width, data, ..Image::default() }
    }

    #[test]
    fn channels_are_put_in_order_and_blended() {
        let image = painted(2, 1, |column, _| if column == 0 { [10, 20, 30] } else { [30, 40, 50] });
        let picture = Picture::of(&image).unwrap();
        assert_eq!(picture.bgr(0, 0), [30.0, 20.0, 10.0]);
        assert_eq!(picture.sample(0.5, 9.0), [40.0, 30.0, 20.0]);
    }

    #[test]
    fn wrong_images_are_named() {
        let good = painted(4, 3, |_, _| [0; 3]);
        let problem = |change: &dyn Fn(&mut Image)| {
            let mut image = good.clone();
            change(&mut image);
            Picture::of(&image).unwrap_err().to_string()
        };
        assert!(problem(&|i| i.encoding = "yuv".to_owned()).contains("`yuv`"));
        assert!(problem(&|i| i.step = 11).contains("step is 11"));
        assert!(problem(&|i| i.data.truncate(35)).contains("35 bytes"));
        assert!(problem(&|i| i.width = 0).contains("0 x 3"));
    }
}
