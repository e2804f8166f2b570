//! `auriga models`: the model store. Which networks there are, from where, and whether they are what their cards say.

use crate::configuration::root;
use crate::run::println_line;
use anyhow::{Context, Result, bail};
use auriga_models::{
    Family, ModelCard, ModelError, Network, NetworkOptions, Postprocessing, Preprocessing, Provider, Runtime,
    Store, Task, sha256_hex, tensors_of,
};
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the command line says.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    /// All models, one a line: what it is for, its licence, whether its weights are here
    List,
    /// All that a card says, and where its weights are
    Show {
        /// The model
        name: String,
    },
    /// Are the weights those of the card, and do they run? Exit status 1 when not
    Verify {
        /// The models; all whose weights are here when left out
        names: Vec<String>,
        /// The execution provider that has to run them: tensorrt, cuda or cpu
        #[arg(long, default_value = "cpu", value_parser = word::<Provider>)]
        provider: Provider,
    },
    /// Fetches the weights from where the card says, into your cache, if they are the card's
    Pull {
        /// The model
        name: String,
    },
    /// Makes a card for a network of your own, and puts both into your cache
    #[command(after_help = EXAMPLE)]
    Add(Box<AddArguments>),
}

const EXAMPLE: &str = "\
Tensors and hash are taken from the file; what it does to pictures is for you to say: edit the card that is written.

Example:
  auriga models add best.onnx --name my_detector --task detection_2d --family yolox --licence Apache-2.0 \\
      --origin https://example.org/my_detector --training-data 'our own pictures' --classes car,person,bicycle";

#[derive(Args)]
struct AddArguments {
    /// The weights
    #[arg(value_name = "FILE.onnx")]
    file: PathBuf,
    /// Its name in configurations
    #[arg(long)]
    name: String,
    /// detection_2d, traffic_light_state, detection_3d, segmentation or prediction
    #[arg(long, value_parser = word::<Task>)]
    task: Task,
    /// How its outputs are decoded: yolox, grid, classification, argmax or raw
    #[arg(long, default_value = "raw", value_parser = word::<Family>)]
    family: Family,
    /// SPDX expression
    #[arg(long)]
    licence: String,
    /// Where the weights come from
    #[arg(long)]
    origin: String,
    /// What it was trained on
    #[arg(long)]
    training_data: String,
    /// Measured accuracy, on what and by whom
    #[arg(long, default_value = "not measured")]
    accuracy: String,
    /// Class names in their order
    #[arg(long, value_delimiter = ',')]
    classes: Vec<String>,
    /// The folder to put both into [default: the user's cache]
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

/// A word of the command line as the cards have it.
fn word<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, String> {
    let words: StrDeserializer<'_, ValueError> = text.into_deserializer();
    T::deserialize(words).map_err(|error| error.to_string())
}

/// Runs a part; true when all is well.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let store = Store::from_environment(&root().join("models"));
    match &arguments.part {
        Part::List => list(&store),
        Part::Show { name } => show(&store, name),
        Part::Verify { names, provider } => verify(&store, names, *provider),
        Part::Pull { name } => pull(&store, name),
        Part::Add(arguments) => add(&store, arguments),
    }
}

/// What is said of a card's weights.
fn state(store: &Store, card: &ModelCard) -> Result<String> {
    let Some(file) = store.weights(card) else { return Ok("weights missing".to_owned()) };
    let bytes = std::fs::read(&file).with_context(|| format!("{}: cannot be read", file.display()))?;
    let size = format!("{:.1} MB", bytes.len() as f64 * 1e-6);
    Ok(if sha256_hex(&bytes) == card.sha256 { size } else { format!("{size}, NOT the card's") })
}

fn list(store: &Store) -> Result<bool> {
    let mut all_read = true;
    for name in store.names() {
        match store.card(&name) {
            Ok(card) => {
                let (task, state) = (format!("{:?}", card.task), state(store, &card)?);
                println_line(&format!("{name:<24}{task:<20}{:<24}{state}", card.licence));
            }
            Err(error) => {
                all_read = false;
                eprintln!("{error}");
            }
        }
    }
    Ok(all_read)
}

fn show(store: &Store, name: &str) -> Result<bool> {
    let card = store.card(name)?;
    println_line(card.to_toml(Path::new(name))?.trim_end());
    let place = store.weights(&card).map_or("nowhere".to_owned(), |file| file.display().to_string());
    println_line(&format!("# weights: {}, in {place}", state(store, &card)?));
    Ok(true)
}

fn verify(store: &Store, names: &[String], provider: Provider) -> Result<bool> {
    let here = |name: &String| store.card(name).map_or(true, |card| store.weights(&card).is_some());
    let names =
        if names.is_empty() { store.names().into_iter().filter(here).collect() } else { names.to_vec() };
    let mut all_well = true;
    for name in &names {
        let checked = store.load(name).and_then(|model| {
            let options = NetworkOptions { providers: vec![provider], ..NetworkOptions::default() };
            Network::load(Runtime::get()?, &model, &options)
        });
        match checked {
            Ok(network) => {
                let nodes = network.attestation().nodes_on(provider);
                println_line(&format!("{name:<24}ok: hash, tensors, {nodes} operators on {provider}"));
            }
            Err(error) => {
                all_well = false;
                println_line(&format!("{name:<24}NOT ok: {error}"));
            }
        }
    }
    Ok(all_well)
}

/// The last folder of the store: the user's cache.
fn cache(store: &Store) -> Result<PathBuf> {
    let folder = store.folders().last().cloned().context("there is no cache: set HOME or XDG_CACHE_HOME")?;
    std::fs::create_dir_all(&folder).with_context(|| format!("{}: cannot be created", folder.display()))?;
    Ok(folder)
}

fn pull(store: &Store, name: &str) -> Result<bool> {
    let card = store.card(name)?;
    if let Ok(model) = store.load(name) {
        println_line(&format!("{name}: here already, {}", model.file.display()));
        return Ok(true);
    }
    let Some(url) = &card.url else {
        bail!(
            "{name}: its card names no url; get `{}` from {} and `auriga models verify {name}`",
            card.file,
            card.origin
        );
    };
    let folder = cache(store)?;
    let (part, whole) = (folder.join(format!("{}.part", card.file)), folder.join(&card.file));
    let status = Command::new("curl")
        .args(["--fail", "--location", "--progress-bar", "--output"])
        .arg(&part)
        .arg(url)
        .status();
    let status = status.context("curl cannot be started: install it, or fetch the file by hand")?;
    if !status.success() {
        let _ = std::fs::remove_file(&part);
        bail!("{url}: curl ended with {status}");
    }
    let bytes = std::fs::read(&part).with_context(|| format!("{}: cannot be read", part.display()))?;
    let found = sha256_hex(&bytes);
    if found != card.sha256 {
        let _ = std::fs::remove_file(&part);
        let (card, expected, origin) = (card.name, card.sha256, card.origin);
        return Err(ModelError::HashMismatch { file: url.into(), card, found, expected, origin }.into());
    }
    std::fs::rename(&part, &whole).with_context(|| format!("{}: cannot be written", whole.display()))?;
    println_line(&format!("{name}: {}", whole.display()));
    Ok(true)
}

fn add(store: &Store, arguments: &AddArguments) -> Result<bool> {
    let AddArguments { file, name, .. } = arguments;
    if store.card(name).is_ok() {
        bail!("there is a card `{name}` already: choose another name, or remove that one");
    }
    let (inputs, outputs) = tensors_of(Runtime::get()?, file)?;
    let bytes = std::fs::read(file).with_context(|| format!("{}: cannot be read", file.display()))?;
    let card = ModelCard {
        name: name.clone(),
        task: arguments.task,
        file: format!("{name}.onnx"),
        sha256: sha256_hex(&bytes),
        origin: arguments.origin.clone(),
        url: None,
        licence: arguments.licence.clone(),
        training_data: arguments.training_data.clone(),
        accuracy: arguments.accuracy.clone(),
        classes: arguments.classes.clone(),
        inputs,
        outputs,
        preprocessing: Preprocessing::default(),
        postprocessing: Postprocessing {
            family: arguments.family,
            strides: Vec::new(),
            score_threshold: None,
            nms_iou_threshold: None,
        },
    };
    let folder = arguments.into.clone().map_or_else(|| cache(store), Ok)?;
    let place = folder.join(format!("{name}.toml"));
    let text = card.to_toml(&place)?;
    std::fs::write(folder.join(&card.file), &bytes)
        .and_then(|()| std::fs::write(&place, text))
        .with_context(|| format!("{}: cannot be written", folder.display()))?;
    println_line(&format!("{}: look through it, then `auriga models verify {name}`", place.display()));
    Ok(true)
}
