//! The camera's picture and what was found in it.

use crate::ViewerError;
use crate::palette;
use crate::stage::{self, Stage};
use auriga_geometry::{LogicalTime, Pose3};
use auriga_messages::sensor_msgs::Image;
use auriga_messages::vision_msgs::Detection2DArray;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use rerun::components::{PinholeProjection, Resolution};

/// Good to look at, at a tenth of the size of the pixels.
const JPEG_QUALITY: u8 = 65;

/// Draws the camera's place and projection.
pub(crate) fn place(
    stage: &Stage,
    optical: &Pose3,
    k: &[f64; 9],
    width: u32,
    height: u32,
) -> Result<(), ViewerError> {
    stage.draw_static(stage::CAMERA, &stage::transform(optical))?;
    let k = k.map(|x| x as f32);
    // Rerun wants columns.
    let projection = PinholeProjection::from([[k[0], k[3], k[6]], [k[1], k[4], k[7]], [k[2], k[5], k[8]]]);
    let pinhole = rerun::Pinhole::new(projection)
        .with_resolution(Resolution::from([width as f32, height as f32]))
        .with_camera_xyz(rerun::components::ViewCoordinates::RDF)
        .with_image_plane_distance(1.5);
    stage.draw_static(stage::CAMERA, &pinhole)
}

/// Draws pictures; keeps its buffers.
#[derive(Default)]
pub(crate) struct Camera {
    rgb: Vec<u8>,
}

impl Camera {
    /// Draws a picture as JPEG at its exposure. A picture that is not what its header says is left out.
    pub(crate) fn draw(&mut self, stage: &Stage, image: &Image) -> Result<(), ViewerError> {
        let Some(jpeg) = self.compress(image) else { return Ok(()) };
        let picture = rerun::EncodedImage::new(jpeg).with_media_type(rerun::MediaType::jpeg());
        stage.draw(stage::CAMERA_IMAGE, LogicalTime::from(&image.header.stamp), &picture)
    }

    fn compress(&mut self, image: &Image) -> Option<Vec<u8>> {
        let (width, height, step) = (image.width as usize, image.height as usize, image.step as usize);
        let channels: usize = match image.encoding.as_str() {
            "rgb8" | "bgr8" => 3,
            "mono8" => 1,
            _ => return None,
        };
        let row = width.checked_mul(channels)?;
        if row == 0 || step < row || image.data.len() < step.checked_mul(height)? {
            return None;
        }
        let color = if channels == 3 { ExtendedColorType::Rgb8 } else { ExtendedColorType::L8 };
        let mut jpeg = Vec::with_capacity(row * height / 8);
        let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY);
        let encoded = if image.encoding == "bgr8" || step != row {
            self.rgb.clear();
            for line in image.data.chunks_exact(step).take(height) {
                self.rgb.extend_from_slice(&line[..row]);
            }
            if image.encoding == "bgr8" {
                self.rgb.chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
            }
            encoder.encode(&self.rgb, image.width, image.height, color)
        } else {
            encoder.encode(&image.data[..row * height], image.width, image.height, color)
        };
        encoded.ok().map(|()| jpeg)
    }
}

/// Draws the boxes that the camera found, over the picture.
pub(crate) fn draw_detections(stage: &Stage, found: &Detection2DArray) -> Result<(), ViewerError> {
    let time = LogicalTime::from(&found.header.stamp);
    let boxes = found.detections.iter().map(|d| &d.bbox);
    let centers = boxes.clone().map(|b| [b.center.position.x as f32, b.center.position.y as f32]);
    let sizes = boxes.map(|b| [b.size_x as f32, b.size_y as f32]);
    let best = found.detections.iter().map(|d| d.results.first().map(|r| &r.hypothesis));
    let colors = best
        .clone()
        .map(|best| palette::color(palette::class_by_name(best.map_or("", |b| b.class_id.as_str()))));
    let labels =
        best.map(|best| best.map_or(String::new(), |b| format!("{} {:.0} %", b.class_id, 100.0 * b.score)));
    let drawn = rerun::Boxes2D::from_centers_and_sizes(centers, sizes)
        .with_colors(colors)
        .with_labels(labels)
        .with_radii([rerun::Radius::new_ui_points(1.5)]);
    stage.draw(stage::CAMERA_BOXES, time, &drawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(encoding: &str, step: u32) -> Image {
        Image {
            height: 4,
            width: 8,
            encoding: String::from(encoding),
            step,
            data: vec![90; (step * 4) as usize],
            ..Default::default()
        }
    }

    #[test]
    fn pictures_become_jpeg_whatever_their_layout() {
        let mut camera = Camera::default();
        for (encoding, step) in [("rgb8", 24), ("bgr8", 24), ("rgb8", 32), ("mono8", 8)] {
            let jpeg = camera.compress(&picture(encoding, step)).unwrap();
            let decoded = image::load_from_memory(&jpeg).unwrap();
            assert_eq!((decoded.width(), decoded.height()), (8, 4));
        }
    }

    #[test]
    fn a_picture_that_lies_about_itself_is_left_out() {
        let mut camera = Camera::default();
        let mut short = picture("rgb8", 24);
        short.data.pop();
        assert!(camera.compress(&short).is_none());
        assert!(camera.compress(&picture("rgb8", 20)).is_none());
        assert!(camera.compress(&picture("yuv422", 24)).is_none());
        assert!(camera.compress(&Image::default()).is_none());
    }
}
