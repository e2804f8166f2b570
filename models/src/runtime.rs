//! ONNX Runtime, loaded once per process.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use ort::environment::Environment;

use crate::error::ModelError;
use crate::runtime_library::Search;

/// The environment variable, and its value, that keeps ONNX Runtime from gathering telemetry.
///
/// Without it the published builds of 1.31 start a thread and write an identifier and a database into the user's cache while
/// the environment is made, before the API can switch it off. Set it before the process has threads: at the start of `main`,
/// or in the process that starts this one.
pub const TELEMETRY_OFF: (&str, &str) = ("ORT_DISABLE_TELEMETRY", "1");

/// The loaded library and its environment. There is one per process.
#[derive(Debug)]
pub struct Runtime {
    environment: Environment,
    library: PathBuf,
}

static RUNTIME: OnceLock<Runtime> = OnceLock::new();
static LOADING: Mutex<()> = Mutex::new(());

impl Runtime {
    /// The process's runtime; finds or fetches the library at the first call (see [`Search`]).
    ///
    /// # Errors
    /// The library is not to be had, or does not load.
    pub fn get() -> Result<&'static Self, ModelError> {
        if let Some(runtime) = RUNTIME.get() {
            return Ok(runtime);
        }
        Self::load(&Search::from_environment().locate()?)
    }

    /// The process's runtime from this library. A library that is already loaded stays.
    ///
    /// # Errors
    /// It does not load, or is too old.
    pub fn load(library: &Path) -> Result<&'static Self, ModelError> {
        let _one_at_a_time = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = RUNTIME.get() {
            return Ok(runtime);
        }
        let broken = |problem: String| ModelError::RuntimeBroken { library: library.to_path_buf(), problem };
        let absolute = std::path::absolute(library).map_err(|error| ModelError::file(library, &error))?;
        let (variable, off) = TELEMETRY_OFF;
        if std::env::var_os(variable).is_none_or(|value| value != off) {
            tracing::warn!("ONNX Runtime gathers telemetry: start this program with {variable}={off}");
        }
        let environment = ort::init_from(&absolute)
            .map_err(|error| broken(error.to_string()))?
            .with_name("auriga")
            .with_telemetry(false)
            .build()
            .map_err(|error| broken(error.to_string()))?;
        Ok(RUNTIME.get_or_init(|| Self { environment, library: absolute }))
    }

    /// The library that was loaded.
    #[must_use]
    pub fn library(&self) -> &Path {
        &self.library
    }

    /// ONNX Runtime's description of its own build, for the recording.
    #[must_use]
    pub fn build_info(&self) -> &'static str {
        ort::info()
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }
}
