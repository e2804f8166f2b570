//! `auriga models`: what is in the store, and that nothing gets in that is not what its card says.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use auriga_models::sha256_hex;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A store of its own in the user's cache.
struct Cache(PathBuf);

impl Cache {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("auriga-models-{}-{name}", std::process::id()));
        std::fs::create_dir_all(folder.join("auriga/models")).unwrap();
        Self(folder)
    }

    fn models(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_auriga"));
        command.current_dir(env!("CARGO_MANIFEST_DIR")).arg("models").args(arguments);
        command.env_remove("AURIGA_MODELS").env("AURIGA_MODELS", self.0.join("auriga/models"));
        command.output().unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join("auriga/models").join(name)
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn own(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(name)
}

#[test]
fn the_store_is_listed_shown_and_verified() {
    let cache = Cache::new("list");
    let listed = cache.models(&["list"]);
    for part in ["auriga_camera", "yolox_nano", "weights missing", "MIT OR Apache-2.0"] {
        assert!(said(&listed).contains(part), "`{part}` is not in {}", said(&listed));
    }
    let shown = cache.models(&["show", "auriga_lights"]);
    assert!(shown.status.success() && said(&shown).contains("training_data"), "{}", said(&shown));
    let verified = cache.models(&["verify", "auriga_camera"]);
    assert!(verified.status.success() && said(&verified).contains("operators on cpu"), "{}", said(&verified));
    let demanded = cache.models(&["verify", "auriga_camera", "--provider", "cuda"]);
    let is_cuda_here = said(&demanded).contains("operators on cuda");
    assert_eq!(demanded.status.code(), Some(if is_cuda_here { 0 } else { 1 }), "{}", said(&demanded));
    let missing = cache.models(&["verify", "yolox_nano"]);
    assert!(missing.status.code() == Some(1) && said(&missing).contains("origin"), "{}", said(&missing));
    let unknown = cache.models(&["show", "nobody"]);
    assert!(unknown.status.code() == Some(2) && said(&unknown).contains("nobody.toml"), "{}", said(&unknown));
}

#[test]
fn a_network_of_ones_own_is_added_and_runs() {
    let cache = Cache::new("add");
    let weights = own("auriga_camera.onnx");
    let into = cache.file("");
    let (weights, into) = (weights.to_str().unwrap(), into.to_str().unwrap());
    let arguments =
        ["add", weights, "--name", "mine", "--task", "detection_2d", "--family", "yolox", "--licence", "MIT"];
    let rest = ["--origin", "here", "--training-data", "none", "--classes", "a,b", "--into", into];
    let add = [arguments.as_slice(), &rest].concat();
    let added = cache.models(&add);
    assert!(added.status.success(), "{}", said(&added));
    let card = std::fs::read_to_string(cache.file("mine.toml")).unwrap();
    assert!(card.contains("[1, 3, 192, 320]") && card.contains("\"b\""), "{card}");
    let verified = cache.models(&["verify", "mine"]);
    assert!(verified.status.success(), "{}", said(&verified));
    let again = cache.models(&add);
    assert!(again.status.code() == Some(2) && said(&again).contains("already"), "{}", said(&again));
    std::fs::write(cache.file("mine.onnx"), b"other weights").unwrap();
    let spoiled = cache.models(&["verify", "mine"]);
    assert!(spoiled.status.code() == Some(1) && said(&spoiled).contains("sha256"), "{}", said(&spoiled));
    let mut no_network = add.clone();
    let readme = own("../README.md");
    (no_network[1], no_network[3]) = (readme.to_str().unwrap(), "readme");
    assert_eq!(cache.models(&no_network).status.code(), Some(2));
}

#[test]
fn weights_are_pulled_only_if_they_are_the_cards() {
    let cache = Cache::new("pull");
    if Command::new("curl").arg("--version").output().is_err() {
        return support_skipped("no curl");
    }
    let weights = cache.0.join("weights");
    std::fs::write(&weights, b"weights").unwrap();
    let hash = sha256_hex(b"weights");
    let card = std::fs::read_to_string(own("auriga_lights.toml")).unwrap();
    let card = card.replace(line_of(&card, "name"), "name = \"far\"").replace(
        line_of(&card, "file"),
        &format!("file = \"far.onnx\"\nurl = \"file://{}\"", weights.display()),
    );
    let with_hash = |hash: &str| card.replace(line_of(&card, "sha256"), &format!("sha256 = \"{hash}\""));
    std::fs::write(cache.file("far.toml"), with_hash(&"0".repeat(64))).unwrap();
    let xdg = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_auriga"));
        command.current_dir(env!("CARGO_MANIFEST_DIR")).arg("models").args(arguments);
        command.env_remove("AURIGA_MODELS").env("XDG_CACHE_HOME", &cache.0).output().unwrap()
    };
    let refused = xdg(&["pull", "far"]);
    assert!(refused.status.code() == Some(2) && said(&refused).contains("sha256"), "{}", said(&refused));
    assert!(!cache.file("far.onnx").exists() && !cache.file("far.onnx.part").exists());
    std::fs::write(cache.file("far.toml"), with_hash(&hash)).unwrap();
    let pulled = xdg(&["pull", "far"]);
    assert!(pulled.status.success(), "{}", said(&pulled));
    assert_eq!(std::fs::read(cache.file("far.onnx")).unwrap(), b"weights");
    assert!(said(&xdg(&["pull", "far"])).contains("already"));
    let nowhere = xdg(&["pull", "yolox_nano"]);
    assert!(nowhere.status.code() == Some(2) && said(&nowhere).contains("github.com"), "{}", said(&nowhere));
}

fn line_of<'a>(card: &'a str, key: &str) -> &'a str {
    card.lines().find(|line| line.starts_with(&format!("{key} ="))).unwrap()
}

fn support_skipped(why: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}
