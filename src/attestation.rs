//! Which networks a run uses, and what really runs them: kept in its recording, and compared by a replay.
//!
//! The recording holds each model's card as `models/<name>.toml`, and [`NAME`] with the hashes and the execution provider
//! that the session itself attested.

use anyhow::{Context, Result, bail};
use auriga_models::{Network, Provider, StoredModel};
use auriga_runtime::recording::{Attachment, Recording, sha256_hex};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The attachment that lists the networks.
pub const NAME: &str = "networks.json";

/// One network of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attested {
    /// Name of its card.
    pub model: String,
    /// SHA-256 of the card's text.
    pub card_sha256: String,
    /// SHA-256 of the weights.
    pub weights_sha256: String,
    /// The execution provider that was registered and taken.
    pub provider: Provider,
    /// The number of the network's nodes that each provider executed in the warm-up, by ONNX Runtime's names.
    pub nodes: BTreeMap<String, usize>,
    /// Threads within one inference.
    pub threads: usize,
    /// What ONNX Runtime says of its own build.
    pub runtime: String,
    /// The card's text; an attachment of its own.
    #[serde(skip)]
    pub card: String,
}

/// What goes from the process that runs the networks to the one that records.
#[derive(Serialize, Deserialize)]
struct Told {
    networks: Vec<Attested>,
    cards: Vec<String>,
}

fn card_name(model: &str) -> String {
    format!("models/{model}.toml")
}

impl Attested {
    /// Of a session that has been warmed up.
    pub fn of(model: &StoredModel, session: &Network, threads: usize, runtime: &str) -> Self {
        let attestation = session.attestation();
        Self {
            model: model.card.name.clone(),
            card_sha256: model.card_sha256(),
            weights_sha256: model.card.sha256.clone(),
            provider: attestation.provider,
            nodes: attestation.nodes.clone(),
            threads,
            runtime: runtime.to_owned(),
            card: model.card_text.clone(),
        }
    }
}

/// What a recording keeps of its networks.
pub fn attachments(networks: &[Attested]) -> Result<Vec<Attachment>> {
    let cards: BTreeMap<&str, &str> = networks.iter().map(|n| (n.model.as_str(), n.card.as_str())).collect();
    let mut all: Vec<Attachment> = cards
        .into_iter()
        .map(|(model, card)| Attachment::new(&card_name(model), "application/toml", card.into()))
        .collect();
    all.push(Attachment::new(NAME, "application/json", serde_json::to_vec_pretty(networks)?));
    Ok(all)
}

/// For the other process of a split run.
pub fn to_peer(networks: &[Attested]) -> Result<Vec<u8>> {
    let cards = networks.iter().map(|network| network.card.clone()).collect();
    Ok(serde_json::to_vec(&Told { networks: networks.to_vec(), cards })?)
}

/// The inverse of [`to_peer`].
pub fn from_peer(bytes: &[u8]) -> Result<Vec<Attested>> {
    let Told { mut networks, cards } =
        serde_json::from_slice(bytes).context("the planning process says nonsense about its networks")?;
    for (network, card) in networks.iter_mut().zip(cards) {
        network.card = card;
    }
    Ok(networks)
}

/// The networks that a recording names; empty where it names none.
pub fn recorded(recording: &Recording) -> Result<Vec<Attested>> {
    let Some(bytes) = recording.attachment(NAME)? else { return Ok(Vec::new()) };
    serde_json::from_slice(&bytes)
        .with_context(|| format!("{}: attachment {NAME}", recording.path().display()))
}

/// Refuses to repeat a run with other networks than those it was recorded with.
///
/// # Errors
/// The first difference, and what to do.
pub fn compare(recording: &Recording, here: &[Attested]) -> Result<()> {
    let file = recording.path().display().to_string();
    let bytes = recording
        .attachment(NAME)?
        .with_context(|| format!("{file}: has no attachment {NAME}; record the drive again"))?;
    let recorded: Vec<Attested> =
        serde_json::from_slice(&bytes).with_context(|| format!("{file}: attachment {NAME}"))?;
    if recorded.len() != here.len() {
        bail!("{file}: was recorded with {} networks, here are {}; record again", recorded.len(), here.len());
    }
    for (then, now) in recorded.iter().zip(here) {
        let card = recording
            .attachment(&card_name(&then.model))?
            .with_context(|| format!("{file}: has no attachment {}; record again", card_name(&then.model)))?;
        if sha256_hex(&card) != then.card_sha256 {
            bail!("{file}: attachment {} is not the card that {NAME} names", card_name(&then.model));
        }
        compare_one(&file, then, now)?;
    }
    Ok(())
}

fn compare_one(file: &str, then: &Attested, now: &Attested) -> Result<()> {
    let model = &then.model;
    let differs = |what: &str, then: &str, now: &str, remedy: &str| {
        bail!("{file}: was recorded with another {what} of model `{model}`: {then} then, {now} now; {remedy}")
    };
    if then.model != now.model {
        bail!("{file}: was recorded with model `{model}`, here it is `{}`; record again", now.model);
    }
    if then.weights_sha256 != now.weights_sha256 {
        let remedy = "put the network of that sha256 into the model store, or record again";
        return differs("network", &then.weights_sha256, &now.weights_sha256, remedy);
    }
    if then.card_sha256 != now.card_sha256 {
        let remedy =
            format!("put its attachment {} back into the model store, or record again", card_name(model));
        return differs("card", &then.card_sha256, &now.card_sha256, &remedy);
    }
    if (then.provider, &then.nodes) != (now.provider, &now.nodes) {
        let remedy = "replay it on a machine that has the same, or record again";
        let show = |a: &Attested| format!("{} {:?}", a.provider, a.nodes);
        return differs("execution provider", &show(then), &show(now), remedy);
    }
    if then.runtime != now.runtime {
        tracing::warn!(
            "{file}: was recorded with ONNX Runtime \"{}\", here is \"{}\"",
            then.runtime,
            now.runtime
        );
    }
    Ok(())
}
