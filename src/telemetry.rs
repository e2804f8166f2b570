//! Keeps ONNX Runtime's telemetry from ever starting.
//!
//! The published builds of ONNX Runtime start it while their environment is made, before the interface can switch it off.
//! Only an environment variable keeps it off, and a process cannot set one for itself without `unsafe`: another thread may
//! be reading. So this program starts itself once more, with the variable set, in the place of the process that it is.

use anyhow::{Context, Result};
use auriga_models::TELEMETRY_OFF;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Returns at once where the variable is set; else does not return, but begins `main` again.
///
/// # Errors
/// The program cannot be started again; says what to do.
pub fn switch_off() -> Result<()> {
    let (variable, off) = TELEMETRY_OFF;
    if std::env::var_os(variable).is_some_and(|value| value == off) {
        return Ok(());
    }
    let remedy =
        || format!("ONNX Runtime's telemetry cannot be kept off: start auriga with {variable}={off}");
    let program = std::env::current_exe().with_context(remedy)?;
    let mut arguments = std::env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    Err(command.args(arguments).env(variable, off).exec()).with_context(remedy)
}
