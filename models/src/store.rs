//! The model store: folders that hold cards and weights. A configuration names a model; what lies on the disk never
//! chooses one, and weights whose hash is not the card's do not load.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::card::ModelCard;
use crate::digest::sha256_hex;
use crate::error::ModelError;

/// Where cards and weights are looked for, in order.
#[derive(Clone, Debug)]
pub struct Store {
    folders: Vec<PathBuf>,
}

/// A card with its verified weights.
#[derive(Clone, Debug)]
pub struct StoredModel {
    /// The card.
    pub card: ModelCard,
    /// The card's own text, for the recording.
    pub card_text: String,
    /// Where the weights were.
    pub file: PathBuf,
    pub(crate) weights: Vec<u8>,
}

impl StoredModel {
    /// The SHA-256 of the card's text.
    #[must_use]
    pub fn card_sha256(&self) -> String {
        sha256_hex(self.card_text.as_bytes())
    }

    /// The size of the weights' file in bytes.
    #[must_use]
    pub fn weights_len(&self) -> usize {
        self.weights.len()
    }
}

impl Store {
    /// Over these folders; the first that has a file wins.
    #[must_use]
    pub fn new(folders: Vec<PathBuf>) -> Self {
        Self { folders }
    }

    /// The project's folder `models/`, then the folders of `AURIGA_MODELS` (separated like `PATH`), then the user's cache,
    /// `auriga/models`.
    #[must_use]
    pub fn from_environment(project_models: &Path) -> Self {
        let mut folders = vec![project_models.to_path_buf()];
        if let Some(named) = std::env::var_os("AURIGA_MODELS") {
            folders.extend(std::env::split_paths(&named).filter(|folder| !folder.as_os_str().is_empty()));
        }
        folders.extend(crate::runtime_library::user_cache().map(|cache| cache.join("models")));
        Self { folders }
    }

    /// The folders, in order.
    #[must_use]
    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// A model's card, without its weights.
    ///
    /// # Errors
    /// No such card, or one that cannot be meant.
    pub fn card(&self, name: &str) -> Result<ModelCard, ModelError> {
        self.read_card(name).map(|(card, _)| card)
    }

    /// A model's card and weights, verified.
    ///
    /// # Errors
    /// No such card or weights, a card that cannot be meant, or weights that are not the card's.
    pub fn load(&self, name: &str) -> Result<StoredModel, ModelError> {
        let (card, card_text) = self.read_card(name)?;
        let file = self.find(&card.file).ok_or_else(|| ModelError::NotFound {
            what: format!("weights `{}`", card.file),
            folders: self.folders.clone(),
            hint: format!("; origin: {}", card.origin),
        })?;
        let weights = fs::read(&file).map_err(|error| ModelError::file(&file, &error))?;
        let found = sha256_hex(&weights);
        if found != card.sha256 {
            return Err(ModelError::HashMismatch {
                file,
                card: card.name,
                found,
                expected: card.sha256,
                origin: card.origin,
            });
        }
        Ok(StoredModel { card, card_text, file, weights })
    }

    /// The names of all cards, each once, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names = BTreeSet::new();
        for folder in &self.folders {
            let Ok(entries) = fs::read_dir(folder) else { continue }; // a folder that is not there holds none
            for path in entries.flatten().map(|entry| entry.path()) {
                // In the repository the crate's manifest lies beside the cards.
                let is_card = path.extension().is_some_and(|extension| extension == "toml")
                    && path.file_name().is_some_and(|name| name != "Cargo.toml");
                if let (true, Some(name)) = (is_card, path.file_stem().and_then(|stem| stem.to_str())) {
                    names.insert(name.to_owned());
                }
            }
        }
        names.into_iter().collect()
    }

    /// Where a card's weights are; `None` where they are missing. They are not verified.
    #[must_use]
    pub fn weights(&self, card: &ModelCard) -> Option<PathBuf> {
        self.find(&card.file)
    }

    fn read_card(&self, name: &str) -> Result<(ModelCard, String), ModelError> {
        let not_found = || ModelError::NotFound {
            what: format!("card `{name}.toml`"),
            folders: self.folders.clone(),
            hint: String::new(),
        };
        if name.is_empty() || name.contains(['/', '\\', '.']) {
            return Err(not_found());
        }
        let file = self.find(&format!("{name}.toml")).ok_or_else(not_found)?;
        let text = fs::read_to_string(&file).map_err(|error| ModelError::file(&file, &error))?;
        let card = ModelCard::parse(&text, &file)?;
        if card.name != name {
            let problem = format!("is `{}`, but the file is named after `{name}`", card.name);
            return Err(ModelError::Card { file, line: 1, field: "name".into(), problem });
        }
        Ok((card, text))
    }

    fn find(&self, file: &str) -> Option<PathBuf> {
        self.folders.iter().map(|folder| folder.join(file)).find(|path| path.is_file())
    }
}
