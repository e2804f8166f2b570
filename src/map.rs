//! `auriga map`: what is in a map file, what is wrong with it, and a picture.

use anyhow::{Context, Result};
use auriga_map::{Lane, LaneKind, Map, SignalKind};
use clap::Args;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

/// Faults that are listed without `--all`.
const FAULTS_SHOWN: usize = 20;

/// What the command line says of a map.
#[derive(Args)]
pub struct Arguments {
    /// An OpenDRIVE (.xodr) or Lanelet2 (.osm) file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write a picture here
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write a recording with the map for the Rerun viewer here
    #[arg(long, value_name = "FILE")]
    rrd: Option<PathBuf>,
    /// List every fault, not the first 20
    #[arg(long)]
    all: bool,
}

/// Reports on a map; true when it has no fault that is not mended.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let file = arguments.file.display();
    let bytes = std::fs::read(&arguments.file).with_context(|| format!("cannot read {file}"))?;
    let text = String::from_utf8(bytes).with_context(|| format!("{file} is not UTF-8 text"))?;
    let map = Map::from_text(&text).with_context(|| format!("{file}"))?;
    report(&map, arguments, &mut std::io::stdout().lock())?;
    if let Some(path) = &arguments.svg {
        std::fs::write(path, map.svg()).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &arguments.rrd {
        write_rrd(&map, path)?;
    }
    Ok(map.faults().iter().all(|fault| fault.mended))
}

fn report(map: &Map, arguments: &Arguments, out: &mut impl Write) -> Result<()> {
    let roads: BTreeSet<&str> = map.lanes().iter().map(|lane| lane.key.road.as_str()).collect();
    let (low, high) = map.bounds();
    writeln!(out, "{}: {:.0} m by {:.0} m", arguments.file.display(), high.x - low.x, high.y - low.y)?;
    writeln!(out, "roads       {}", roads.len())?;
    writeln!(out, "lanes       {}", map.lanes().len())?;
    for (name, kind) in [
        ("driving", LaneKind::Driving),
        ("sidewalk", LaneKind::Sidewalk),
        ("shoulder", LaneKind::Shoulder),
        ("biking", LaneKind::Biking),
        ("parking", LaneKind::Parking),
        ("border", LaneKind::Border),
        ("other", LaneKind::Other),
    ] {
        let of_kind: Vec<&Lane> = map.lanes().iter().filter(|lane| lane.kind == kind).collect();
        if !of_kind.is_empty() {
            let kilometres = of_kind.iter().map(|lane| lane.length).sum::<f64>() / 1000.0;
            writeln!(out, "  {name:9} {:5}  {kilometres:8.3} km", of_kind.len())?;
        }
    }
    let dead_ends =
        map.lanes().iter().filter(|l| l.kind == LaneKind::Driving && l.successors.is_empty()).count();
    writeln!(out, "dead ends   {dead_ends}")?;
    writeln!(out, "junctions   {}", map.junctions().len())?;
    let lights = map.signals().iter().filter(|signal| signal.kind == SignalKind::TrafficLight).count();
    writeln!(
        out,
        "signals     {} ({lights} lights, {} controllers)",
        map.signals().len(),
        map.controllers().len()
    )?;
    writeln!(out, "crosswalks  {}", map.crosswalks().len())?;
    writeln!(out, "objects     {}", map.objects().len())?;
    if let Some(reference) = map.geo_reference() {
        let (latitude, longitude) = (reference.latitude.to_degrees(), reference.longitude.to_degrees());
        writeln!(out, "origin      latitude {latitude:.7}, longitude {longitude:.7}")?;
    }
    let unread: Vec<String> =
        map.skipped_elements().iter().map(|(name, count)| format!("{count} {name}")).collect();
    if !unread.is_empty() {
        writeln!(out, "not read    {}", unread.join(", "))?;
    }
    let mended = map.faults().iter().filter(|fault| fault.mended).count();
    writeln!(out, "faults      {} ({mended} mended)", map.faults().len())?;
    let shown = if arguments.all { usize::MAX } else { FAULTS_SHOWN };
    for fault in map.faults().iter().take(shown) {
        writeln!(out, "  {fault}")?;
    }
    if map.faults().len() > shown {
        writeln!(out, "  and {} more (--all lists them)", map.faults().len() - shown)?;
    }
    Ok(())
}

#[cfg(feature = "viewer")]
fn write_rrd(map: &Map, path: &std::path::Path) -> Result<()> {
    use auriga_viewer::{Shows, Viewer, ViewerOptions};
    let shows = Shows { camera: false, driving: false };
    let viewer =
        Viewer::new(&ViewerOptions { rrd: Some(path.to_path_buf()), connect: None, thin: 1, shows })?;
    viewer.map(map)?;
    viewer.finish()?;
    Ok(())
}

#[cfg(not(feature = "viewer"))]
fn write_rrd(_: &Map, _: &std::path::Path) -> Result<()> {
    anyhow::bail!("this build has no viewer: leave --rrd out, or build with the feature `viewer`")
}
