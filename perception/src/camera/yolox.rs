//! Before and after a YOLOX network (Ge et al., "YOLOX: exceeding YOLO series in 2021", arXiv 2107.08430).

use super::Picture;
use crate::PerceptionError;
use crate::tracking::Class;
use auriga_geometry::math::expf;
use auriga_messages::vision_msgs::{Detection2D, Detection2DArray, ObjectHypothesisWithPose};

/// What a network expects and gives.
#[derive(Clone, Debug, PartialEq)]
pub struct YoloxConfig {
    /// Name, for errors.
    pub name: String,
    /// Columns and rows of the input.
    pub input: (usize, usize),
    /// Pixels a cell, level by level.
    pub strides: Vec<usize>,
    /// What each of the network's classes is here; `None`: of no interest.
    pub classes: Vec<Option<Class>>,
    /// Red, green, blue planes instead of blue, green, red.
    pub rgb: bool,
    /// Pixel values are multiplied by this (1: 0 to 255).
    pub scale: f32,
    /// Detections below this score are left out.
    pub score_least: f32,
    /// Of two detections of one class that overlap more (intersection over union), the lower is left out.
    pub overlap_most: f64,
}

impl YoloxConfig {
    /// The pretrained networks: 416 × 416, BGR 0 to 255, the 80 classes of COCO.
    #[must_use]
    pub fn coco() -> Self {
        let mut classes = vec![None; 80];
        classes[0] = Some(Class::Pedestrian);
        classes[1] = Some(Class::Cyclist); // bicycle
        classes[2] = Some(Class::Vehicle);
        classes[3] = Some(Class::Cyclist); // motorcycle
        classes[5] = Some(Class::Truck); // bus
        classes[7] = Some(Class::Truck);
        Self {
            name: "yolox".to_owned(),
            input: (416, 416),
            strides: vec![8, 16, 32],
            classes,
            rgb: false,
            scale: 1.0,
            score_least: 0.3,
            overlap_most: 0.45,
        }
    }

    /// Cells of all levels: rows of the output.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.strides.iter().map(|s| (self.input.0 / s) * (self.input.1 / s)).sum()
    }
}

/// How a picture was fitted into the input.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Letterbox {
    /// Input pixels a picture pixel.
    pub ratio: f64,
}

/// What is beside the picture in the input.
const PADDING: f32 = 114.0;

/// A box in the input, before its class's rivals are removed.
#[derive(Clone, Copy, Debug)]
struct Found {
    low: [f64; 2],
    high: [f64; 2],
    class: usize,
    score: f32,
}

/// Prepares pictures for a network and reads its answers.
#[derive(Clone, Debug)]
pub struct Yolox {
    config: YoloxConfig,
    found: Vec<Found>,
    kept: Vec<Found>,
}

impl Yolox {
    /// For a network.
    ///
    /// # Errors
    /// No input pixels, strides that do not divide the input, or no classes.
    pub fn new(config: YoloxConfig) -> Result<Self, PerceptionError> {
        let (width, height) = config.input;
        let divides = |s: &usize| *s > 0 && width.is_multiple_of(*s) && height.is_multiple_of(*s);
        if width == 0 || height == 0 || config.classes.is_empty() || !config.strides.iter().all(divides) {
            let problem = format!(
                "input {width} x {height}, strides {:?}, {} classes: the strides must divide the input, and there must be classes",
                config.strides,
                config.classes.len()
            );
            return Err(PerceptionError::Network { name: config.name, problem });
        }
        Ok(Self { config, found: Vec::new(), kept: Vec::new() })
    }

    /// Fits a picture into the input tensor: at the top left, the rest grey; three planes of colour.
    ///
    /// # Errors
    /// A tensor of another size.
    pub fn prepare(&self, picture: &Picture<'_>, input: &mut [f32]) -> Result<Letterbox, PerceptionError> {
        let (width, height) = self.config.input;
        let plane = width * height;
        if input.len() != 3 * plane {
            return self.size_error("input", input.len(), 3 * plane);
        }
        let ratio = (width as f64 / picture.width as f64).min(height as f64 / picture.height as f64);
        let inner = (
            ((picture.width as f64 * ratio) as usize).min(width),
            ((picture.height as f64 * ratio) as usize).min(height),
        );
        input.fill(PADDING * self.config.scale);
        let step =
            (picture.width as f32 / inner.0.max(1) as f32, picture.height as f32 / inner.1.max(1) as f32);
        for row in 0..inner.1 {
            let y = (row as f32 + 0.5) * step.1 - 0.5;
            for column in 0..inner.0 {
                let bgr = picture.sample((column as f32 + 0.5) * step.0 - 0.5, y);
                let at = row * width + column;
                for (k, value) in bgr.iter().enumerate() {
                    let channel = if self.config.rgb { 2 - k } else { k };
                    input[channel * plane + at] = value * self.config.scale;
                }
            }
        }
        Ok(Letterbox { ratio })
    }

    /// Reads the output tensor: a row a cell with centre, size, objectness and class scores. `out` gets the detections in
    /// the picture's pixels, best score first; its header is left as it is.
    ///
    /// # Errors
    /// A tensor of another size.
    pub fn read(
        &mut self,
        output: &[f32],
        letterbox: Letterbox,
        out: &mut Detection2DArray,
    ) -> Result<(), PerceptionError> {
        out.detections.clear();
        let row = 5 + self.config.classes.len();
        let needed = self.config.cells() * row;
        if output.len() != needed {
            return self.size_error("output", output.len(), needed);
        }
        self.decode(output, row, letterbox.ratio.max(1e-9));
        self.suppress();
        for found in &self.kept {
            let Some(class) = self.config.classes[found.class] else { continue };
            let mut result = ObjectHypothesisWithPose::default();
            result.hypothesis.class_id.push_str(class.name());
            result.hypothesis.score = f64::from(found.score);
            let mut detection =
                Detection2D { header: out.header.clone(), results: vec![result], ..Detection2D::default() };
            detection.bbox.center.position.x = (found.low[0] + found.high[0]) / 2.0;
            detection.bbox.center.position.y = (found.low[1] + found.high[1]) / 2.0;
            detection.bbox.size_x = found.high[0] - found.low[0];
            detection.bbox.size_y = found.high[1] - found.low[1];
            out.detections.push(detection);
        }
        Ok(())
    }

    fn size_error<T>(&self, what: &str, is: usize, needed: usize) -> Result<T, PerceptionError> {
        let problem = format!("{what} tensor has {is} values, {needed} are expected");
        Err(PerceptionError::Network { name: self.config.name.clone(), problem })
    }

    fn decode(&mut self, output: &[f32], row: usize, ratio: f64) {
        self.found.clear();
        let mut rows = output.chunks_exact(row);
        for &stride in &self.config.strides {
            let (columns, lines) = (self.config.input.0 / stride, self.config.input.1 / stride);
            for cell in 0..columns * lines {
                let Some(values) = rows.next() else { return };
                let objectness = values[4];
                if objectness.is_nan() || objectness < self.config.score_least {
                    continue;
                }
                let best =
                    |best: (usize, f32), (k, &v): (usize, &f32)| if v > best.1 { (k, v) } else { best };
                let (class, likely) = values[5..].iter().enumerate().fold((0, 0.0), best);
                let score = objectness * likely;
                if score < self.config.score_least || self.config.classes[class].is_none() {
                    continue;
                }
                let grid = [(cell % columns) as f32, (cell / columns) as f32];
                let center: [f64; 2] =
                    std::array::from_fn(|k| f64::from((values[k] + grid[k]) * stride as f32) / ratio);
                let half: [f64; 2] =
                    std::array::from_fn(|k| f64::from(expf(values[2 + k]) * stride as f32) / ratio / 2.0);
                if center.iter().chain(&half).all(|v| v.is_finite()) {
                    let low = std::array::from_fn(|k| center[k] - half[k]);
                    let high = std::array::from_fn(|k| center[k] + half[k]);
                    self.found.push(Found { low, high, class, score });
                }
            }
        }
    }

    /// Greedy suppression within a class; of equal scores the earlier cell stays.
    fn suppress(&mut self) {
        self.kept.clear();
        self.found.sort_by(|a, b| b.score.total_cmp(&a.score));
        for found in &self.found {
            let is_rival = |k: &Found| k.class == found.class && overlap(k, found) > self.config.overlap_most;
            if !self.kept.iter().any(is_rival) {
                self.kept.push(*found);
            }
        }
    }
}

fn overlap(a: &Found, b: &Found) -> f64 {
    let side = |k: usize| (a.high[k].min(b.high[k]) - a.low[k].max(b.low[k])).max(0.0);
    let area = |f: &Found| (f.high[0] - f.low[0]) * (f.high[1] - f.low[1]);
    let both = side(0) * side(1);
    both / (area(a) + area(b) - both).max(1e-12)
}

#[cfg(test)]
mod tests {
    use super::super::picture::tests::painted;
    use super::*;
    use auriga_geometry::math::ln;
    use proptest::prelude::*;

    /// Writes a box (picture pixels) into the output as a network would, at the level whose cells suit its size.
    fn encode(
        config: &YoloxConfig,
        output: &mut [f32],
        low: [f64; 2],
        high: [f64; 2],
        ratio: f64,
        class: usize,
        score: f32,
    ) {
        let row = 5 + config.classes.len();
        let mut base = 0;
        let size = (high[0] - low[0]).max(high[1] - low[1]) * ratio;
        let level = if size < 32.0 {
            0
        } else if size < 96.0 {
            1
        } else {
            2
        };
        for s in &config.strides[..level] {
            base += (config.input.0 / s) * (config.input.1 / s);
        }
        let stride = config.strides[level] as f64;
        let columns = config.input.0 / config.strides[level];
        let center: [f64; 2] = std::array::from_fn(|k| (low[k] + high[k]) / 2.0 * ratio / stride);
        let cell = center[1] as usize * columns + center[0] as usize;
        let at = &mut output[(base + cell) * row..(base + cell + 1) * row];
        for k in 0..2 {
            at[k] = (center[k] - center[k].floor()) as f32;
            at[2 + k] = ln((high[k] - low[k]) * ratio / stride) as f32;
        }
        at[4] = 0.95;
        at[5 + class] = score / 0.95;
    }

    #[test]
    fn a_picture_lies_at_the_top_left() {
        let yolox = Yolox::new(YoloxConfig::coco()).unwrap();
        let image = painted(832, 416, |column, _| if column < 416 { [200, 100, 50] } else { [10, 20, 30] });
        let mut input = vec![0.0; 3 * 416 * 416];
        let letterbox = yolox.prepare(&Picture::of(&image).unwrap(), &mut input).unwrap();
        assert_eq!(letterbox.ratio, 0.5);
        let at = |plane: usize, row: usize, column: usize| input[plane * 416 * 416 + row * 416 + column];
        assert_eq!([at(0, 5, 5), at(1, 5, 5), at(2, 5, 5)], [50.0, 100.0, 200.0]);
        assert_eq!([at(0, 207, 415), at(2, 207, 415)], [30.0, 10.0]);
        assert_eq!(at(1, 208, 0), 114.0);
        assert!(yolox.prepare(&Picture::of(&image).unwrap(), &mut input[1..]).is_err());
    }

    #[test]
    fn rivals_of_one_class_are_removed_and_others_stay() {
        let config = YoloxConfig::coco();
        let mut output = vec![0.0; config.cells() * 85];
        encode(&config, &mut output, [100.0, 100.0], [160.0, 150.0], 1.0, 2, 0.8);
        encode(&config, &mut output, [112.0, 100.0], [180.0, 150.0], 1.0, 2, 0.6);
        encode(&config, &mut output, [100.0, 102.0], [200.0, 148.0], 1.0, 7, 0.5);
        encode(&config, &mut output, [300.0, 100.0], [320.0, 160.0], 1.0, 0, 0.7);
        encode(&config, &mut output, [200.0, 200.0], [230.0, 260.0], 1.0, 62, 0.9);
        let mut out = Detection2DArray::default();
        let mut yolox = Yolox::new(config).unwrap();
        yolox.read(&output, Letterbox { ratio: 1.0 }, &mut out).unwrap();
        let classes: Vec<_> =
            out.detections.iter().map(|d| d.results[0].hypothesis.class_id.as_str()).collect();
        assert_eq!(classes, ["vehicle", "pedestrian", "truck"]);
        assert!(yolox.read(&output[1..], Letterbox { ratio: 1.0 }, &mut out).is_err());
        output.fill(f32::NAN);
        yolox.read(&output, Letterbox { ratio: 1.0 }, &mut out).unwrap();
        assert!(out.detections.is_empty());
    }

    proptest! {
        #[test]
        fn a_box_comes_back(x in 20.0_f64..1800.0, y in 20.0_f64..900.0, w in 20.0_f64..500.0, h in 20.0_f64..400.0, score in 0.4_f32..0.94) {
            let config = YoloxConfig::coco();
            let ratio = 416.0 / 1920.0;
            let mut output = vec![0.0; config.cells() * 85];
            let low = [x - w / 2.0, y - h / 2.0];
            encode(&config, &mut output, low, [low[0] + w, low[1] + h], ratio, 2, score);
            let mut out = Detection2DArray::default();
            Yolox::new(config).unwrap().read(&output, Letterbox { ratio }, &mut out).unwrap();
            let found = &out.detections[0];
            prop_assert!((found.bbox.center.position.x - x).abs() < 0.01 && (found.bbox.size_x - w).abs() < 0.01);
            prop_assert!((found.bbox.center.position.y - y).abs() < 0.01 && (found.bbox.size_y - h).abs() < 0.01);
            prop_assert!((found.results[0].hypothesis.score - f64::from(score)).abs() < 1e-5);
        }
    }
}
