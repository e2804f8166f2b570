//! Which network, from where, verified how, executed by what. Nothing outside this crate names ONNX Runtime.
//!
//! ```no_run
//! use auriga_models::{Network, NetworkOptions, Runtime, Store};
//!
//! let store = Store::from_environment("models".as_ref());
//! let model = store.load("yolox_nano")?; // The card says what it is; the hash is checked.
//! let mut network = Network::load(Runtime::get()?, &model, &NetworkOptions::default())?;
//! network.input_mut(0).fill(114.0);
//! network.run()?;
//! let rows = network.output(0);
//! assert_eq!(rows.len(), 3549 * 85);
//! # Ok::<(), auriga_models::ModelError>(())
//! ```

mod card;
mod digest;
mod error;
mod network;
mod provider;
mod runtime;
pub mod runtime_library;
mod store;

pub use card::{
    ColorOrder, DataType, Family, Layout, ModelCard, Postprocessing, Preprocessing, Resize, Task, TensorCard,
};
pub use digest::sha256_hex;
pub use error::ModelError;
pub use network::{Network, NetworkOptions, tensors_of};
pub use provider::{Attestation, Provider};
pub use runtime::{Runtime, TELEMETRY_OFF};
pub use store::{Store, StoredModel};

/// The page for newcomers; its code is compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/your-first-model.md")]
struct YourFirstModel;
