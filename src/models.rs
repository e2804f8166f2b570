//! Networks out of the model store, as perception wants them.

use crate::attestation::Attested;
use crate::configuration::root;
use crate::nodes::camera::LightFinder;
use anyhow::{Context, Result, bail};
use auriga_hal::CameraRig;
use auriga_models::{
    ColorOrder, Family, Layout, ModelCard, Network as Session, NetworkOptions, Provider, Runtime, Store,
};
use auriga_perception::PerceptionError;
use auriga_perception::camera::{LightCrop, LightSelector, LightSelectorConfig, Yolox, YoloxConfig};
use auriga_perception::network::Network;
use auriga_perception::tracking::Class;
use serde::Deserialize;

/// Which networks a run uses, and on what (`configs/models/*.toml`).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelChoices {
    /// Finds road users in pictures; absent: nobody does.
    pub camera_detection: Option<ModelChoice>,
    /// Tells what a traffic light shows; absent: lights count as red.
    pub traffic_lights: Option<ModelChoice>,
}

/// One network.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelChoice {
    /// Name of its card.
    pub model: String,
    /// Execution providers in the order in which they are tried.
    pub providers: Vec<Provider>,
    /// Threads within one inference.
    pub threads: usize,
}

impl ModelChoices {
    /// Parses a file.
    pub fn from_toml(text: &str, file: &str) -> Result<Self> {
        toml::from_str(text).with_context(|| file.to_owned())
    }
}

/// A session as perception's network.
pub struct Loaded(Session);

impl Network for Loaded {
    fn input_mut(&mut self, i: usize) -> &mut [f32] {
        self.0.input_mut(i)
    }
    fn run(&mut self) -> Result<(), PerceptionError> {
        let name = self.0.card().name.clone();
        self.0.run().map_err(|error| PerceptionError::Network { name, problem: error.to_string() })
    }
    fn output(&self, i: usize) -> &[f32] {
        self.0.output(i)
    }
}

/// A 2D detector: a network with its pre- and post-processing.
pub struct Detector {
    /// Tensors in, tensors out.
    pub network: Loaded,
    /// Picture to tensor, tensor to boxes.
    pub yolox: Yolox,
    /// Values of the network's input.
    pub input_values: usize,
}

/// A reader of traffic lights.
pub struct LightReader {
    /// Tensors in, tensors out.
    pub network: Loaded,
    /// What comes before.
    pub finder: LightFinder,
}

/// The networks of the stack; absent where the car has no camera.
pub struct Networks {
    /// Of the front camera.
    pub detector: Option<Detector>,
    /// Of the front camera.
    pub lights: Option<LightReader>,
    /// What they are, and what really runs them.
    pub attested: Vec<Attested>,
}

fn store() -> Store {
    Store::from_environment(&root().join("models"))
}

fn load(choice: &ModelChoice, attested: &mut Vec<Attested>) -> Result<Loaded> {
    let (model, runtime) = (store().load(&choice.model)?, Runtime::get()?);
    let options = NetworkOptions { providers: choice.providers.clone(), threads: choice.threads };
    let session = Session::load(runtime, &model, &options)?;
    attested.push(Attested::of(&model, &session, choice.threads, runtime.build_info()));
    Ok(Loaded(session))
}

/// The class that a network's own class is here.
fn class_of(name: &str) -> Option<Class> {
    match name {
        "person" | "pedestrian" => Some(Class::Pedestrian),
        "bicycle" | "motorcycle" | "cyclist" => Some(Class::Cyclist),
        "car" | "vehicle" => Some(Class::Vehicle),
        "bus" | "truck" => Some(Class::Truck),
        _ => None,
    }
}

fn input_size(card: &ModelCard) -> Result<(usize, usize)> {
    match (card.inputs[0].layout, card.inputs[0].shape.as_slice()) {
        (Some(Layout::Nhwc), &[1, height, width, 3]) | (_, &[1, 3, height, width]) => Ok((width, height)),
        (_, shape) => bail!("model {}: input of shape {shape:?} is no picture", card.name),
    }
}

fn yolox(card: &ModelCard) -> Result<Yolox> {
    let post = &card.postprocessing;
    if post.family != Family::Yolox {
        bail!("model {}: camera detection needs postprocessing.family = \"yolox\"", card.name);
    }
    let config = YoloxConfig {
        name: card.name.clone(),
        input: input_size(card)?,
        strides: post.strides.iter().map(|stride| *stride as usize).collect(),
        classes: card.classes.iter().map(|name| class_of(name)).collect(),
        rgb: card.preprocessing.color == ColorOrder::Rgb,
        scale: card.preprocessing.scale,
        score_least: post.score_threshold.unwrap_or(0.3),
        overlap_most: f64::from(post.nms_iou_threshold.unwrap_or(0.45)),
    };
    Ok(Yolox::new(config)?)
}

fn crop(card: &ModelCard) -> Result<LightCrop> {
    let mean = card.preprocessing.mean;
    let rgb = card.preprocessing.color == ColorOrder::Rgb;
    Ok(LightCrop {
        size: input_size(card)?,
        // The card gives it in the order of its colours, the crop wants blue, green, red.
        mean: if rgb { [mean[2], mean[1], mean[0]] } else { mean },
        scale: card.preprocessing.scale,
        rgb,
        planar: card.inputs[0].layout != Some(Layout::Nhwc),
    })
}

fn detector(choice: &ModelChoice, attested: &mut Vec<Attested>) -> Result<Detector> {
    let network = load(choice, attested)?;
    let card = network.0.card();
    Ok(Detector { yolox: yolox(card)?, input_values: card.inputs[0].elements(), network })
}

fn light_reader(
    choice: &ModelChoice,
    camera: &CameraRig,
    attested: &mut Vec<Attested>,
) -> Result<LightReader> {
    let network = load(choice, attested)?;
    let selector = LightSelector::new(LightSelectorConfig::default(), crate::stack::camera_model(camera))?;
    Ok(LightReader { finder: LightFinder { selector, crop: crop(network.0.card())? }, network })
}

impl Networks {
    /// Loads and warms up what the choices name.
    pub fn load(choices: &ModelChoices, camera: Option<&CameraRig>) -> Result<Self> {
        let Some(camera) = camera else { return Ok(Self::none()) };
        let mut networks = Self::detector(choices)?;
        if let Some(choice) = &choices.traffic_lights {
            networks.lights = Some(light_reader(choice, camera, &mut networks.attested)?);
        }
        Ok(networks)
    }

    /// The camera's detector alone.
    pub fn detector(choices: &ModelChoices) -> Result<Self> {
        let mut attested = Vec::new();
        let choice = choices.camera_detection.as_ref();
        let detector = choice.map(|choice| detector(choice, &mut attested)).transpose()?;
        Ok(Self { detector, lights: None, attested })
    }

    /// Nothing: for a process in which these nodes do not run.
    pub fn none() -> Self {
        Self { detector: None, lights: None, attested: Vec::new() }
    }
}
