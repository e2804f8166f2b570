//! `auriga recover`: mends a recording that ends early.

use crate::run::println_line;
use anyhow::{Result, bail};
use auriga_runtime::recording::recover;
use clap::Args;
use std::path::PathBuf;

/// What the command line says.
#[derive(Args)]
pub struct Arguments {
    /// A recording.mcap that ends early: a crash, a power cut, a full disk
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The mended file [default: recovered.mcap beside it]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Mends; always true when it could.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let out = arguments.out.clone().unwrap_or_else(|| arguments.file.with_file_name("recovered.mcap"));
    if out.exists() {
        bail!("{}: exists already; give another --out", out.display());
    }
    let recovered = recover(&arguments.file, &out)?;
    let messages: u64 = recovered.summary.messages.iter().map(|(_, count)| count).sum();
    let lost = match recovered.lost_bytes {
        0 => "it was complete".to_owned(),
        bytes => format!("{bytes} bytes at its end were no whole chunk and are lost"),
    };
    println_line(&format!(
        "{}: {messages} messages up to {}; {lost}; digest {}",
        out.display(),
        recovered.end,
        recovered.summary.digest
    ));
    Ok(true)
}
