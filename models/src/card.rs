//! The model card: what a network is, where it comes from, and how to speak to it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::ModelError;

/// A card, `models/<name>.toml`. Unknown keys are refused.
///
/// ```
/// use auriga_models::{ColorOrder, ModelCard};
///
/// let card = ModelCard::parse(
///     r#"
/// name = "tiny"
/// task = "detection_2d"
/// file = "tiny.onnx"
/// sha256 = "695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14"
/// origin = "models/training/train_detector.py"
/// licence = "MIT OR Apache-2.0"
/// training_data = "frames of the built-in simulator, seed 1"
/// accuracy = "see models/training/README.md"
/// classes = ["vehicle", "pedestrian", "cyclist"]
///
/// [[inputs]]
/// name = "image"
/// dtype = "f32"
/// shape = [1, 3, 96, 160]
/// layout = "nchw"
///
/// [[outputs]]
/// name = "grid"
/// dtype = "f32"
/// shape = [1, 8, 12, 20]
///
/// [preprocessing]
/// color = "rgb"
/// resize = "stretch"
/// scale = 0.00392156862745098
///
/// [postprocessing]
/// family = "grid"
/// strides = [8]
/// score_threshold = 0.3
/// nms_iou_threshold = 0.45
/// "#,
///     "tiny.toml".as_ref(),
/// )?;
/// assert_eq!(card.inputs[0].shape, [1, 3, 96, 160]);
/// assert_eq!(card.preprocessing.color, ColorOrder::Rgb);
/// # Ok::<(), auriga_models::ModelError>(())
/// ```
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ModelCard {
    /// The name that configurations use; the card's file is named after it.
    pub name: String,
    /// What it is for.
    pub task: Task,
    /// The weights' file name, looked for in the store's folders.
    pub file: String,
    /// The weights' SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Where to get the weights, or what made them.
    pub origin: String,
    /// The weights themselves, for `auriga models pull`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// SPDX expression.
    pub licence: String,
    /// What it was trained on.
    pub training_data: String,
    /// Measured accuracy, with what was measured and by whom.
    pub accuracy: String,
    /// Class names, by index.
    #[serde(default)]
    pub classes: Vec<String>,
    /// Input tensors, in the network's order.
    pub inputs: Vec<TensorCard>,
    /// Output tensors, in the network's order.
    pub outputs: Vec<TensorCard>,
    /// From picture to tensor; left out where the input is no picture.
    #[serde(default)]
    pub preprocessing: Preprocessing,
    /// From tensor to result.
    pub postprocessing: Postprocessing,
}

/// What a network is for.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Boxes in a picture.
    #[serde(rename = "detection_2d")]
    Detection2d,
    /// The colour of a traffic light in a cut-out.
    TrafficLightState,
    /// Boxes in a point cloud.
    #[serde(rename = "detection_3d")]
    Detection3d,
    /// A class for each pixel.
    Segmentation,
    /// Where somebody goes.
    Prediction,
}

/// A tensor of the network.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct TensorCard {
    /// Its name in the file.
    pub name: String,
    /// Its element type.
    pub dtype: DataType,
    /// Its shape in use: every dimension a number, also where the file leaves one open (a batch).
    pub shape: Vec<usize>,
    /// What the dimensions are; left out where there is nothing to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
}

impl TensorCard {
    /// The number of elements.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.shape.iter().fold(1, |product, &dimension| product.saturating_mul(dimension))
    }
}

/// Element types.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum DataType {
    /// 32-bit floating point.
    F32,
}

/// The order of a picture's dimensions.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Batch, channel, row, column.
    Nchw,
    /// Batch, row, column, channel.
    Nhwc,
}

/// From picture to tensor: `value = (pixel − mean) · scale`, pixel in 0..255, per channel in the order of `color`.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// The channels' order.
    #[serde(default)]
    pub color: ColorOrder,
    /// How the picture comes to the tensor's size.
    #[serde(default)]
    pub resize: Resize,
    /// The pixel value around a letterboxed picture.
    #[serde(default)]
    pub pad: f32,
    /// Factor after the mean is taken off; 1 when left out.
    #[serde(default = "one")]
    pub scale: f32,
    /// Taken off each channel, in the order of `color`.
    #[serde(default)]
    pub mean: [f32; 3],
}

fn one() -> f32 {
    1.0
}

impl Default for Preprocessing {
    /// Pixels as they are.
    fn default() -> Self {
        Self { color: ColorOrder::default(), resize: Resize::default(), pad: 0.0, scale: 1.0, mean: [0.0; 3] }
    }
}

/// The order of colour channels.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum ColorOrder {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Blue, green, red.
    Bgr,
}

/// How a picture comes to the tensor's size.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// Each axis by its own factor.
    #[default]
    Stretch,
    /// Both axes by the smaller factor; the picture at the top left, the rest padded.
    LetterboxTopLeft,
}

/// From tensor to result.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Postprocessing {
    /// Which decoding.
    pub family: Family,
    /// Pixels of the input per cell, for each grid.
    #[serde(default)]
    pub strides: Vec<u32>,
    /// Below this a result does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score_threshold: Option<f32>,
    /// Boxes of a class that overlap more are one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nms_iou_threshold: Option<f32>,
}

/// How outputs are decoded.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Rows `x, y, w, h, objectness, classes…` over all cells of all strides, sigmoids applied:
    /// centre = (xy + cell)·stride, size = exp(wh)·stride, score = objectness · class.
    Yolox,
    /// One grid `[1, channels, rows, columns]`: class scores, then the box; decoded by its own module.
    Grid,
    /// A probability for each class; below `score_threshold` the first class.
    Classification,
    /// A class for each pixel: the largest channel.
    Argmax,
    /// Taken as it is.
    Raw,
}

impl ModelCard {
    /// From a card's text; `file` is named in errors.
    ///
    /// # Errors
    /// [`ModelError::Card`] with file, line and field.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ModelError> {
        let card: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_at(text, span.start));
            let field = key_on(text, line);
            ModelError::Card { file: file.into(), line, field, problem: error.message().to_owned() }
        })?;
        match card.check() {
            Ok(()) => Ok(card),
            Err((field, problem)) => {
                let key = field.rsplit('.').next().unwrap_or(field);
                let line = (1..=text.lines().count()).find(|&line| key_on(text, line) == key).unwrap_or(1);
                Err(ModelError::Card {
                    file: file.into(),
                    line,
                    field: field.into(),
                    problem: problem.into(),
                })
            }
        }
    }

    /// Its text, as [`ModelCard::parse`] reads it.
    ///
    /// # Errors
    /// A card that cannot be meant: [`ModelError::Card`], with `file` named.
    pub fn to_toml(&self, file: &Path) -> Result<String, ModelError> {
        let refused = |field: &str, problem: String| ModelError::Card {
            file: file.into(),
            line: 1,
            field: field.into(),
            problem,
        };
        self.check().map_err(|(field, problem)| refused(field, problem.to_owned()))?;
        toml::to_string(self).map_err(|error| refused("", error.to_string()))
    }

    fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let is_plain = |name: &str| !name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.');
        let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let in_unit = |value: Option<f32>| value.is_none_or(|value| (0.0..=1.0).contains(&value));
        let good_tensor = |tensor: &TensorCard| {
            (1..=8).contains(&tensor.shape.len()) && (1..=100_000_000).contains(&tensor.elements())
        };
        let rules = [
            ("name", is_plain(&self.name), "must be a plain name"),
            (
                "file",
                is_plain(&self.file),
                "must be a plain file name: the store's folders are searched for it",
            ),
            (
                "sha256",
                self.sha256.len() == 64 && self.sha256.bytes().all(hexadecimal),
                "must be 64 lower-case hexadecimal digits",
            ),
            ("licence", !self.licence.is_empty(), "must not be empty"),
            ("origin", !self.origin.is_empty(), "must not be empty"),
            (
                "url",
                self.url
                    .as_ref()
                    .is_none_or(|url| ["https://", "file://"].iter().any(|s| url.starts_with(s))),
                "must be https:// or file://",
            ),
            (
                "inputs.shape",
                self.inputs.iter().all(good_tensor),
                "1 to 8 dimensions, none 0, at most 100 million elements",
            ),
            (
                "outputs.shape",
                self.outputs.iter().all(good_tensor),
                "1 to 8 dimensions, none 0, at most 100 million elements",
            ),
            ("inputs", (1..=4).contains(&self.inputs.len()), "a network has 1 to 4 inputs here"),
            ("outputs", !self.outputs.is_empty(), "a network has an output"),
            (
                "preprocessing.scale",
                self.preprocessing.scale.is_finite() && self.preprocessing.scale != 0.0,
                "must be finite and not 0",
            ),
            (
                "preprocessing.mean",
                self.preprocessing.mean.iter().all(|mean| mean.is_finite()),
                "must be finite",
            ),
            (
                "preprocessing.pad",
                (0.0..=255.0).contains(&self.preprocessing.pad),
                "must be a pixel value, 0 to 255",
            ),
            (
                "postprocessing.score_threshold",
                in_unit(self.postprocessing.score_threshold),
                "must be 0 to 1",
            ),
            (
                "postprocessing.nms_iou_threshold",
                in_unit(self.postprocessing.nms_iou_threshold),
                "must be 0 to 1",
            ),
            ("postprocessing.strides", !self.postprocessing.strides.contains(&0), "must not be 0"),
        ];
        match rules.into_iter().find(|(_, holds, _)| !holds) {
            Some((field, _, problem)) => Err((field, problem)),
            None => Ok(()),
        }
    }
}

/// The line of a byte, counted from 1.
fn line_at(text: &str, byte: usize) -> usize {
    1 + text.bytes().take(byte).filter(|&byte| byte == b'\n').count()
}

/// The key that a line of TOML sets, or the table that it opens; empty if neither.
fn key_on(text: &str, line: usize) -> String {
    let content = text.lines().nth(line.saturating_sub(1)).unwrap_or_default().trim();
    if content.starts_with('[') {
        return content.trim_matches(['[', ']']).to_owned();
    }
    match content.split_once('=') {
        Some((key, _)) => key.trim().to_owned(),
        None => String::new(),
    }
}
