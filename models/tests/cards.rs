//! Cards and the store: what is refused, and what the error says.

use std::fs;
use std::path::{Path, PathBuf};

use auriga_models::{ModelCard, ModelError, Store, sha256_hex};

const CARD: &str = r#"name = "tiny"
task = "detection_2d"
file = "tiny.onnx"
sha256 = "HASH"
origin = "https://example.org/tiny"
licence = "MIT"
training_data = "none"
accuracy = "none"

[[inputs]]
name = "image"
dtype = "f32"
shape = [1, 3, 4, 4]

[[outputs]]
name = "grid"
dtype = "f32"
shape = [1, 2]

[postprocessing]
family = "raw"
"#;

fn card_for(weights: &[u8]) -> String {
    CARD.replace("HASH", &sha256_hex(weights))
}

/// A folder of its own, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("auriga-models-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("temporary folder");
        Self(path)
    }
    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.0.join(name), content).expect("temporary file");
    }
    fn store(&self) -> Store {
        Store::new(vec![self.0.clone()])
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Spoils one line of a good card; the error must name the file, that line and the field.
#[track_caller]
fn check_refused(good: &str, bad: &str, line: usize, field: &str) {
    let text = card_for(b"x");
    assert!(text.contains(good), "the test's own card has no `{good}`");
    let error = ModelCard::parse(&text.replacen(good, bad, 1), Path::new("models/tiny.toml")).expect_err(bad);
    let ModelError::Card { file, line: found_line, field: found_field, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(
        (file.as_path(), *found_line, found_field.as_str()),
        (Path::new("models/tiny.toml"), line, field)
    );
    assert!(error.to_string().starts_with(&format!("models/tiny.toml:{line}: field `{field}`: ")), "{error}");
}

#[test]
fn a_spoiled_card_names_file_line_and_field() {
    check_refused("task = \"detection_2d\"", "task = \"cooking\"", 2, "task");
    check_refused("licence = \"MIT\"", "license = \"MIT\"", 6, "license");
    check_refused("licence = \"MIT\"", "licence = \"\"", 6, "licence");
    check_refused("file = \"tiny.onnx\"", "file = \"../tiny.onnx\"", 3, "file");
    check_refused("sha256 = \"", "sha256 = \"ABC", 4, "sha256");
    check_refused("dtype = \"f32\"", "dtype = \"f16\"", 12, "dtype");
    check_refused("shape = [1, 3, 4, 4]", "shape = [1, -3, 4, 4]", 13, "shape");
    check_refused("shape = [1, 3, 4, 4]", "shape = [1, 0, 4, 4]", 13, "inputs.shape");
    check_refused(
        "family = \"raw\"",
        "family = \"raw\"\nscore_threshold = 1.5",
        22,
        "postprocessing.score_threshold",
    );
    check_refused("family = \"raw\"", "family = ", 21, "family");
}

#[test]
fn a_card_without_a_field_names_it() {
    let text = card_for(b"x").replace("licence = \"MIT\"\n", "");
    let error = ModelCard::parse(&text, Path::new("tiny.toml")).expect_err("no licence");
    assert!(error.to_string().contains("licence"), "{error}");
}

#[test]
fn random_bytes_never_panic() {
    let good = card_for(b"x");
    for at in 0..good.len() {
        for byte in [b'"', b'[', b'\n', b'0', 0xff] {
            let mut bytes = good.clone().into_bytes();
            bytes[at] = byte;
            let _ = ModelCard::parse(&String::from_utf8_lossy(&bytes), Path::new("tiny.toml"));
        }
        let _ = ModelCard::parse(&good[..at], Path::new("tiny.toml"));
    }
}

#[test]
fn weights_of_the_cards_hash_load() {
    let folder = Folder::new("good");
    folder.write("tiny.toml", card_for(b"weights"));
    folder.write("tiny.onnx", b"weights");
    let model = folder.store().load("tiny").expect("loads");
    assert_eq!((model.card.name.as_str(), model.weights_len()), ("tiny", 7));
    assert_eq!(model.card_text, card_for(b"weights"));
}

#[test]
fn weights_of_another_hash_do_not_load() {
    let folder = Folder::new("hash");
    folder.write("tiny.toml", card_for(b"weights"));
    folder.write("tiny.onnx", b"other weights");
    let text = folder.store().load("tiny").expect_err("another hash").to_string();
    for part in
        [&sha256_hex(b"weights"), &sha256_hex(b"other weights"), "tiny.onnx", "https://example.org/tiny"]
    {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn missing_weights_and_cards_say_where_they_were_looked_for() {
    let folder = Folder::new("missing");
    folder.write("tiny.toml", card_for(b"weights"));
    let text = folder.store().load("tiny").expect_err("no weights").to_string();
    for part in ["tiny.onnx", "AURIGA_MODELS", "https://example.org/tiny", &*folder.0.to_string_lossy()] {
        assert!(text.contains(part), "{text}");
    }
    let text = folder.store().load("other").expect_err("no card").to_string();
    assert!(text.contains("other.toml"), "{text}");
    assert!(folder.store().load("../tiny").is_err());
}

#[test]
fn a_card_goes_by_its_files_name() {
    let folder = Folder::new("name");
    folder.write("small.toml", card_for(b"weights"));
    let text = folder.store().card("small").expect_err("name differs").to_string();
    assert!(text.contains("field `name`"), "{text}");
}

#[test]
fn the_first_folder_wins_and_card_and_weights_may_lie_apart() {
    let (first, second) = (Folder::new("first"), Folder::new("second"));
    first.write("tiny.toml", card_for(b"weights"));
    second.write("tiny.toml", card_for(b"others"));
    second.write("tiny.onnx", b"weights");
    let store = Store::new(vec![first.0.clone(), second.0.clone()]);
    assert_eq!(store.load("tiny").expect("loads").file, second.0.join("tiny.onnx"));
}

#[test]
fn the_projects_own_cards_are_good() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut cards = 0;
    for entry in fs::read_dir(folder).expect("the crate's folder") {
        let path = entry.expect("entry").path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        if path.extension().is_some_and(|extension| extension == "toml") && name != "Cargo" {
            let card =
                Store::new(vec![folder.to_path_buf()]).card(&name).unwrap_or_else(|error| panic!("{error}"));
            cards += 1;
            if let Ok(weights) = fs::read(folder.join(&card.file)) {
                assert_eq!(sha256_hex(&weights), card.sha256, "{name}");
            }
        }
    }
    assert!(cards >= 2);
}
