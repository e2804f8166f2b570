//! Finds ONNX Runtime's library, or fetches it once.
//!
//! In order: `AURIGA_ORT_LIB`; the user's cache; the system's library folders; else the PyPI wheel, through pip, into the
//! user's cache. The wheel's and the library's SHA-256 are pinned, and the cached library is checked whenever it is taken.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::digest::sha256_hex;
use crate::error::ModelError;

/// The version that is fetched.
pub const VERSION: &str = "1.31.1";
/// The oldest minor version, 1.N, that loads: the `api-31` of the crate `ort`.
pub const MINOR_LEAST: u32 = 31;
const LIBRARY: &str = "libonnxruntime.so.1.31.1";
const MEMBER: &str = "onnxruntime/capi/libonnxruntime.so.1.31.1";

/// What a wheel and the library in it must be.
#[derive(Clone, Debug)]
pub struct Pin {
    /// pip's name of the platform, after `manylinux_2_28_`.
    pub architecture: &'static str,
    /// Of the wheel for CPython 3.11.
    pub wheel_sha256: String,
    /// Of the library inside.
    pub library_sha256: String,
}

impl Pin {
    /// For the processor that this was built for; `None` where the wheel is not published.
    #[must_use]
    pub fn here() -> Option<Self> {
        let (architecture, wheel, library) = match std::env::consts::ARCH {
            "x86_64" => (
                "x86_64",
                "5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f",
                "fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3",
            ),
            "aarch64" => (
                "aarch64",
                "da05378364c44d4407e463982d2bf8d5e4cfea873283757e48beeb41df97b7f3",
                "8aa3b76b28c778a2b1dd660d34161adb1d508c9ccd04ff9dc80e26eca5df8467",
            ),
            _ => return None,
        };
        Some(Self { architecture, wheel_sha256: wheel.into(), library_sha256: library.into() })
    }
}

/// Where to look, and with what to fetch.
#[derive(Clone, Debug)]
pub struct Search {
    /// The library that the user names.
    pub named: Option<PathBuf>,
    /// The user's cache of this project.
    pub cache: Option<PathBuf>,
    /// The system's library folders.
    pub system: Vec<PathBuf>,
    /// The Python that has pip.
    pub python: PathBuf,
    /// What to fetch.
    pub pin: Option<Pin>,
}

impl Search {
    /// As the environment says.
    #[must_use]
    pub fn from_environment() -> Self {
        let architecture = std::env::consts::ARCH;
        Self {
            named: std::env::var_os("AURIGA_ORT_LIB").filter(|named| !named.is_empty()).map(PathBuf::from),
            cache: user_cache(),
            system: vec![
                "/usr/local/lib".into(),
                format!("/usr/lib/{architecture}-linux-gnu").into(),
                "/usr/lib64".into(),
                "/usr/lib".into(),
            ],
            python: "python3".into(),
            pin: Pin::here(),
        }
    }

    /// The library's absolute path. May fetch it, with a line on stderr.
    ///
    /// # Errors
    /// Not there and not to be had: one message with the remedy.
    pub fn locate(&self) -> Result<PathBuf, ModelError> {
        if let Some(named) = &self.named {
            return named
                .canonicalize()
                .map_err(|error| ModelError::file(named, &format!("{error} (named in AURIGA_ORT_LIB)")));
        }
        if let (Some(place), Some(pin)) = (self.place(), &self.pin)
            && let Ok(bytes) = fs::read(&place)
        {
            if sha256_hex(&bytes) == pin.library_sha256 {
                return Ok(place);
            }
            tracing::warn!("{} is damaged; fetching it again", place.display());
        }
        match self.system.iter().find_map(|folder| system_library(folder)) {
            Some(library) => Ok(library),
            None => self.fetch(),
        }
    }

    /// Where the cached library is, or would be.
    fn place(&self) -> Option<PathBuf> {
        let architecture = self.pin.as_ref()?.architecture;
        let folder = format!("{VERSION}-{architecture}");
        Some(self.cache.as_ref()?.join("onnxruntime").join(folder).join(LIBRARY))
    }

    fn fetch(&self) -> Result<PathBuf, ModelError> {
        let place = self.place().unwrap_or_else(|| Path::new("~/.cache/auriga/onnxruntime").join(LIBRARY));
        let missing = |problem: String| ModelError::RuntimeMissing {
            version: VERSION,
            minor_least: MINOR_LEAST,
            problem,
            place: place.clone(),
        };
        let pin =
            self.pin.as_ref().ok_or_else(|| missing("no wheel is published for this processor".into()))?;
        if self.cache.is_none() {
            return Err(missing(
                "neither XDG_CACHE_HOME nor HOME is set, so there is no cache to put it in".into(),
            ));
        }
        let folder = place.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|error| ModelError::file(folder, &error))?;
        eprintln!(
            "auriga: fetching ONNX Runtime {VERSION} from PyPI (24 MB, once) into {}",
            folder.display()
        );
        let work = WorkFolder::in_folder(folder)?;
        let outcome = self.fetch_into(&work.path, pin).map_err(missing)?;
        // A rename within the folder is atomic: another process sees the whole library or none, and the last one wins.
        fs::rename(&outcome, &place).map_err(|error| ModelError::file(&place, &error))?;
        Ok(place)
    }

    /// Downloads, checks and unpacks; the library's path in the work folder.
    fn fetch_into(&self, work: &Path, pin: &Pin) -> Result<PathBuf, String> {
        let mut pip = Command::new(&self.python);
        pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--only-binary=:all:", "--python-version", "3.11", "--platform"])
            .arg(format!("manylinux_2_28_{}", pin.architecture))
            .args(["--retries", "1", "--timeout", "30"])
            .arg(format!("onnxruntime=={VERSION}"))
            .arg("-d")
            .arg(work);
        run(&mut pip, "pip download")?;
        let wheel = fs::read_dir(work)
            .map_err(|error| error.to_string())?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
            .ok_or("pip brought no wheel")?;
        check(&wheel, &pin.wheel_sha256, "the wheel from PyPI")?;
        let library = work.join(LIBRARY);
        let unpack = "import shutil, sys, zipfile\n\
                      with zipfile.ZipFile(sys.argv[1]).open(sys.argv[2]) as source, open(sys.argv[3], 'wb') as target:\n    \
                      shutil.copyfileobj(source, target)\n";
        run(
            Command::new(&self.python).args(["-c", unpack]).arg(&wheel).arg(MEMBER).arg(&library),
            "unpacking the wheel",
        )?;
        check(&library, &pin.library_sha256, "the library in the wheel")?;
        Ok(library)
    }
}

/// `$XDG_CACHE_HOME/auriga`, or `~/.cache/auriga`.
pub(crate) fn user_cache() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("auriga"))
}

/// The newest library of a folder that is new enough, by the version in its real name.
fn system_library(folder: &Path) -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(folder)
        .ok()?
        .filter_map(Result::ok)
        .filter_map(|entry| entry.path().canonicalize().ok())
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.to_owned();
            let minor = name.strip_prefix("libonnxruntime.so.1.")?.split('.').next()?.parse().ok()?;
            (minor >= MINOR_LEAST).then_some((minor, path))
        })
        .collect();
    found.sort();
    found.pop().map(|(_, path)| path)
}

fn run(command: &mut Command, what: &str) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|error| format!("{what}: {} did not start: {error}", command.get_program().display()))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let last =
        text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no message").trim().to_owned();
    Err(format!("{what} failed ({}): {last}", output.status))
}

fn check(file: &Path, expected: &str, what: &str) -> Result<(), String> {
    let bytes = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let found = sha256_hex(&bytes);
    if found == expected { Ok(()) } else { Err(format!("{what} has sha256 {found}, expected {expected}")) }
}

/// A folder of this process's own, gone when dropped.
struct WorkFolder {
    path: PathBuf,
}

impl WorkFolder {
    fn in_folder(folder: &Path) -> Result<Self, ModelError> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".fetch-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).map_err(|error| ModelError::file(&path, &error))?;
        Ok(Self { path })
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path); // What stays behind does no harm.
    }
}
