//! Real networks on the real ONNX Runtime, against Python's onnxruntime 1.31.1 and the recorded reference pipeline.
//!
//! Needs `../shared/models` (`AURIGA_MODELS`); skipped without, unless `AURIGA_REQUIRE_DATA=1`.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test, in helper functions too.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use auriga_models::{ModelError, Network, NetworkOptions, Provider, Runtime, Store, StoredModel};

fn models() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("AURIGA_MODELS").unwrap_or_default());
    if folder.join("yolox_nano.onnx").is_file() {
        return Some(folder);
    }
    assert!(std::env::var("AURIGA_REQUIRE_DATA").as_deref() != Ok("1"), "{} has no models", folder.display());
    let _ = writeln!(std::io::stderr(), "skipped: no models in `{}` (AURIGA_MODELS)", folder.display());
    None
}

fn store() -> Option<Store> {
    Some(Store::new(vec![Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf(), models()?]))
}

fn load(model: &StoredModel) -> Network {
    let runtime = Runtime::get().unwrap_or_else(|error| panic!("{error}"));
    Network::load(runtime, model, &NetworkOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The same pseudo-random bytes as in the Python that made the golden figures: `(1664525·i + 1013904223) mod 2³² >> 24`.
fn fill_pattern(input: &mut [f32], factor: f32) {
    for (index, value) in (0_u32..).zip(input) {
        *value = (index.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) >> 24) as f32 * factor;
    }
}

#[test]
fn yolox_nano_gives_what_pythons_onnxruntime_gives() {
    let Some(store) = store() else { return };
    let mut network = load(&store.load("yolox_nano").unwrap());
    assert_eq!(network.input_shape(0), [1, 3, 416, 416]);
    fill_pattern(network.input_mut(0), 1.0);
    network.run().unwrap();
    let output = network.output(0);
    assert_eq!(network.output_shape(0), [1, 3549, 85]);
    let golden = [1.401_779_8, 0.634_501_7, 1.047_961_5, 0.031_012_893, 1.281_499_9e-5, 0.022_541_195];
    for (found, expected) in output.iter().zip(golden) {
        assert!((found - expected).abs() < 1e-4, "{found} {expected}");
    }
    let sum: f64 = output.iter().map(|&value| f64::from(value)).sum();
    assert!((sum - 16_675.100_819_602_61).abs() < 0.05, "{sum}");
}

#[test]
fn apollo_lights_give_what_pythons_onnxruntime_gives() {
    let Some(store) = store() else { return };
    let mut network = load(&store.load("apollo_tl_vertical").unwrap());
    fill_pattern(network.input_mut(0), 0.01);
    network.run().unwrap();
    for (found, expected) in
        network.output(0).iter().zip([0.000_801_644_75, 0.003_814_833, 0.005_419_127_6, 0.989_964_4])
    {
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
}

#[test]
fn the_same_input_gives_the_same_bits_in_every_run_session_and_after_others() {
    let Some(store) = store() else { return };
    let model = store.load("yolox_nano").unwrap();
    let bits = |network: &mut Network, factor: f32| {
        fill_pattern(network.input_mut(0), factor);
        network.run().unwrap();
        network.output(0).iter().map(|value| value.to_bits()).collect::<Vec<_>>()
    };
    let mut network = load(&model);
    let first = bits(&mut network, 1.0);
    assert_ne!(first, bits(&mut network, 0.5), "the input matters");
    assert_eq!(first, bits(&mut network, 1.0));
    assert_eq!(first, bits(&mut load(&model), 1.0));
}

/// The whole picture to the top left of 416 × 416, bilinear, padded with 114, planes in BGR.
fn fill_letterboxed(input: &mut [f32], picture: &image::RgbImage) {
    let ratio = (416.0 / f64::from(picture.width())).min(416.0 / f64::from(picture.height()));
    let (width, height) =
        ((f64::from(picture.width()) * ratio) as u32, (f64::from(picture.height()) * ratio) as u32);
    input.fill(114.0);
    for y in 0..height {
        for x in 0..width {
            let at = |value: u32, most: u32| {
                ((f64::from(value) + 0.5) / ratio - 0.5).clamp(0.0, f64::from(most - 1))
            };
            let (u, v) = (at(x, picture.width()), at(y, picture.height()));
            let (left, top) = (u as u32, v as u32);
            let (right, bottom) = ((left + 1).min(picture.width() - 1), (top + 1).min(picture.height() - 1));
            let (fu, fv) = (u - f64::from(left), v - f64::from(top));
            for plane in 0..3 {
                let pixel = |x: u32, y: u32| f64::from(picture.get_pixel(x, y).0[2 - plane]);
                let upper = pixel(left, top) * (1.0 - fu) + pixel(right, top) * fu;
                let lower = pixel(left, bottom) * (1.0 - fu) + pixel(right, bottom) * fu;
                input[(plane * 416 + y as usize) * 416 + x as usize] =
                    (upper * (1.0 - fv) + lower * fv).round() as f32;
            }
        }
    }
}

#[test]
fn yolox_nano_scores_road_pictures_as_the_reference_pipeline_does() {
    let Some(store) = store() else { return };
    let samples = models().unwrap().join("samples");
    let expected: serde_json::Value =
        serde_json::from_slice(&std::fs::read(samples.join("expected_detections.json")).unwrap()).unwrap();
    let model = store.load("yolox_nano").unwrap();
    let mut network = load(&model);
    let mut pictures = 0;
    for (name, truth) in expected.as_object().unwrap() {
        let Some(best) = truth["yolox_nano"].as_array().and_then(|found| found.first()) else { continue };
        let picture = image::open(samples.join("apollo").join(name)).unwrap().to_rgb8();
        fill_letterboxed(network.input_mut(0), &picture);
        network.run().unwrap();
        let (mut score, mut class) = (0.0_f32, 0);
        for row in network.output(0).chunks_exact(85) {
            for (index, probability) in row[5..].iter().enumerate() {
                if row[4] * probability > score {
                    (score, class) = (row[4] * probability, index);
                }
            }
        }
        // Another JPEG decoder and another resampling: close, not equal.
        let reference = best["score"].as_f64().unwrap();
        println!(
            "{name}: {} {score:.3}, reference {} {reference:.3}",
            model.card.classes[class], best["cls"]
        );
        assert!((f64::from(score) - reference).abs() < 0.1, "{name}: {score} {reference}");
        pictures += 1;
    }
    assert!(pictures >= 3);
}

#[test]
fn what_ran_is_attested() {
    let Some(store) = store() else { return };
    let network = load(&store.load("apollo_tl_vertical").unwrap());
    let attestation = network.attestation();
    assert_eq!(attestation.provider, Provider::Cpu);
    assert!(attestation.nodes_on(Provider::Cpu) > 0 && attestation.nodes.len() == 1, "{attestation:?}");
}

#[test]
fn a_demand_for_an_accelerator_that_is_not_there_is_an_error_and_a_wish_is_not() {
    let Some(store) = store() else { return };
    let model = store.load("apollo_tl_vertical").unwrap();
    let runtime = Runtime::get().unwrap();
    if runtime.library().with_file_name("libonnxruntime_providers_cuda.so").is_file() {
        let _ = writeln!(std::io::stderr(), "skipped: this ONNX Runtime has CUDA");
        return;
    }
    let demand = NetworkOptions { providers: vec![Provider::Cuda], ..Default::default() };
    let error = Network::load(runtime, &model, &demand).expect_err("no CUDA here");
    assert!(matches!(error, ModelError::NoProvider { .. }));
    assert!(error.to_string().contains("cuda: "), "{error}");
    let wish = NetworkOptions {
        providers: vec![Provider::TensorRt, Provider::Cuda, Provider::Cpu],
        ..Default::default()
    };
    assert_eq!(Network::load(runtime, &model, &wish).unwrap().attestation().provider, Provider::Cpu);
    let nothing = NetworkOptions { providers: vec![], ..Default::default() };
    assert!(Network::load(runtime, &model, &nothing).is_err());
}

#[test]
fn a_network_that_is_not_its_cards_is_refused() {
    let Some(store) = store() else { return };
    let runtime = Runtime::get().unwrap();
    let refusal = |spoil: fn(&mut StoredModel)| {
        let mut model = store.load("apollo_tl_vertical").unwrap();
        spoil(&mut model);
        Network::load(runtime, &model, &NetworkOptions::default()).expect_err("refused").to_string()
    };
    assert!(refusal(|model| model.card.inputs[0].name = "image".into()).contains("`data_org` in the file"));
    assert!(refusal(|model| model.card.inputs[0].shape = vec![1, 96, 33, 3]).contains("33"));
    assert!(refusal(|model| model.card.outputs[0].shape = vec![1, 5]).contains("[1, 5]"));
    assert!(refusal(|model| model.card.outputs.clear()).contains("the card has 0 outputs"));
    assert!(Network::load(runtime, &not_a_network(), &NetworkOptions::default()).is_err());
}

/// Weights that are verified, but are no ONNX file.
fn not_a_network() -> StoredModel {
    let folder = std::env::temp_dir().join(format!("auriga-not-a-network-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let card = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("apollo_tl_vertical.toml"))
        .unwrap();
    let hash = "9592ecc9f294c9654814d199f25ecf6a11516b49c0f2998e3b88bf109e487007";
    let card = card.replace(hash, &auriga_models::sha256_hex(b"garbage"));
    std::fs::write(folder.join("apollo_tl_vertical.toml"), card).unwrap();
    std::fs::write(folder.join("apollo_tl_vertical.onnx"), b"garbage").unwrap();
    let model = Store::new(vec![folder.clone()]).load("apollo_tl_vertical").unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    model
}
