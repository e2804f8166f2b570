//! The networks of a run are in its recording, and a replay with others is refused.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use auriga_runtime::recording::{Recording, sha256_hex};
use std::path::{Path, PathBuf};
use support::{Run, command, folder};

/// A folder with configuration and model store of its own.
struct House(PathBuf);

impl House {
    fn new(name: &str) -> Self {
        let (house, repository) = (folder(name), Path::new(env!("CARGO_MANIFEST_DIR")));
        std::fs::create_dir_all(house.join("models")).unwrap();
        std::os::unix::fs::symlink(repository.join("configs"), house.join("configs")).unwrap();
        for model in ["auriga_camera", "auriga_lights"] {
            for extension in ["toml", "onnx"] {
                let file = format!("models/{model}.{extension}");
                std::fs::copy(repository.join(&file), house.join(&file)).unwrap();
            }
        }
        Self(house)
    }

    fn model(&self, file: &str) -> PathBuf {
        self.0.join("models").join(file)
    }

    fn run(&self, name: &str, arguments: &[&str]) -> Run {
        let out = self.0.join(name);
        let mut started = command(&out, arguments);
        started.current_dir(&self.0).env("AURIGA_MODELS", "");
        Run { output: started.output().unwrap(), folder: out }
    }

    fn drive(&self, name: &str, more: &[&str]) -> Run {
        let mut arguments =
            vec!["drive", "--scenario", "configs/scenarios/short.toml", "--no-rrd", "--duration", "1"];
        arguments.extend_from_slice(more);
        let run = self.run(name, &arguments);
        assert_eq!(run.status(), Some(0), "{}", run.stderr());
        run
    }

    /// Replaying must fail with exit status 2 and an error that holds all of `expected`.
    fn assert_refused(&self, run: &Run, expected: &[&str]) {
        let replay = self.run("refused", &["replay", &run.recording()]);
        let said = replay.stderr();
        assert_eq!(replay.status(), Some(2), "{said}");
        for part in expected {
            assert!(said.contains(part), "`{part}` is not in: {said}");
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn attachment(run: &Run, name: &str) -> Vec<u8> {
    let recording = Recording::open(Path::new(&run.recording())).unwrap();
    recording.attachment(name).unwrap().unwrap_or_else(|| panic!("no attachment {name}"))
}

#[test]
fn cards_hashes_and_the_attested_provider_are_in_the_recording_split_or_not() {
    let house = House::new("attached");
    let run = house.drive("one", &[]);
    let networks: serde_json::Value = serde_json::from_slice(&attachment(&run, "networks.json")).unwrap();
    for (network, model) in networks.as_array().unwrap().iter().zip(["auriga_camera", "auriga_lights"]) {
        let read = |extension: &str| std::fs::read(house.model(&format!("{model}.{extension}"))).unwrap();
        assert_eq!(network["model"], model);
        assert_eq!(network["weights_sha256"], sha256_hex(&read("onnx")));
        assert_eq!(network["card_sha256"], sha256_hex(&read("toml")));
        assert_eq!(attachment(&run, &format!("models/{model}.toml")), read("toml"));
        assert_eq!(network["provider"], "cpu");
        assert!(network["nodes"]["CPUExecutionProvider"].as_u64().unwrap() > 0, "{network}");
        assert!(network["runtime"].as_str().unwrap().contains("ORT"), "{network}");
    }
    let split = house.drive("two", &["--split"]);
    assert_eq!(attachment(&split, "networks.json"), attachment(&run, "networks.json"));
    assert_eq!(split.digest(), run.digest());
}

#[test]
fn a_replay_with_another_card_or_network_is_refused() {
    let house = House::new("refused");
    let run = house.drive("drive", &[]);
    let replay = house.run("replay", &["replay", &run.recording()]);
    assert_eq!(replay.status(), Some(0), "{}", replay.stderr());

    let (card, weights) = (house.model("auriga_camera.toml"), house.model("auriga_camera.onnx"));
    let (good_card, good_weights) =
        (std::fs::read_to_string(&card).unwrap(), std::fs::read(&weights).unwrap());
    let good_hash = sha256_hex(&good_weights);

    let threshold = good_card.replacen("score_threshold = ", "score_threshold = 0.9 # ", 1);
    assert_ne!(threshold, good_card);
    std::fs::write(&card, threshold).unwrap();
    let expected = ["recording.mcap", "another card of model `auriga_camera`", "models/auriga_camera.toml"];
    house.assert_refused(&run, &expected);
    std::fs::write(&card, &good_card).unwrap();

    // A field that no reader of ONNX knows (number 100, a 0): the same network in another file.
    let other_weights = [good_weights.as_slice(), &[0xa0, 0x06, 0x00]].concat();
    let other_hash = sha256_hex(&other_weights);
    std::fs::write(&weights, &other_weights).unwrap();
    house.assert_refused(&run, &["auriga_camera.onnx", &good_hash, &other_hash]);

    std::fs::write(&card, good_card.replace(&good_hash, &other_hash)).unwrap();
    let expected = ["recording.mcap", "another network of model `auriga_camera`", &good_hash, &other_hash];
    house.assert_refused(&run, &expected);
}
