//! `auriga top`: how a running drive is doing, from another process.

use crate::run::println_line;
use anyhow::{Result, bail};
use auriga_runtime::link::{HEARTBEAT, LinkConfig, NodeStatus, RunStatus, Sighting, StatusWatch};
use clap::Args;
use std::collections::VecDeque;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

/// Where a drive tells how it is doing, when nothing else is said.
pub const ENDPOINT: &str = "tcp/127.0.0.1:7448";
/// Statuses over which a rate is taken: two seconds.
const RATE_OVER: usize = 11;
/// Without a drive, `--once` gives up after this long.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two texts where there is no terminal.
const TEXT_EVERY: usize = 5;

const EXAMPLES: &str = "Examples:
  auriga drive --live & auriga top
  auriga drive --diagnostics tcp/0.0.0.0:7448        # on the car
  auriga top --connect tcp/car.local:7448            # at your desk
  auriga top --once                                  # plain text, for scripts

Exit status 0 when the drive ended, 1 when it was lost, 2 when there was none.";

/// What the command line says.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Where the drive tells how it is doing
    #[arg(long, value_name = "ENDPOINT", default_value = ENDPOINT)]
    connect: String,
    /// A zenoh configuration to start from: certificates, access control
    #[arg(long, value_name = "FILE")]
    zenoh: Option<PathBuf>,
    /// Print one text and end
    #[arg(long)]
    once: bool,
}

/// The last statuses of a drive, and whether it is still there.
#[derive(Default)]
struct View {
    statuses: VecDeque<RunStatus>,
    lost: Option<Duration>,
}

impl View {
    fn take(&mut self, status: RunStatus) {
        self.lost = None;
        // Another run on the same endpoint begins anew.
        if self.statuses.back().is_some_and(|last| last.run != status.run || last.sequence >= status.sequence)
        {
            self.statuses.clear();
        }
        self.statuses.push_back(status);
        if self.statuses.len() > RATE_OVER {
            self.statuses.pop_front();
        }
    }

    /// Releases a second of wall time.
    fn rate_hz(&self, place: usize) -> f64 {
        let (Some(first), Some(last)) = (self.statuses.front(), self.statuses.back()) else { return 0.0 };
        let releases = |status: &RunStatus| status.nodes.get(place).map_or(0, |node| node.releases);
        let seconds = last.wall_ns.saturating_sub(first.wall_ns) as f64 * 1e-9;
        if seconds > 0.0 { releases(last).saturating_sub(releases(first)) as f64 / seconds } else { 0.0 }
    }

    /// Over the kept statuses: share of the budget that a step took on average and at most; `None` where none was measured.
    fn budget_used(&self, place: usize) -> Option<(f64, f64)> {
        let nodes: Vec<&NodeStatus> =
            self.statuses.iter().filter_map(|status| status.nodes.get(place)).collect();
        let budget = nodes.last().map(|node| node.budget_ns).filter(|budget| *budget > 0)? as f64;
        let measured: u64 = nodes.iter().map(|node| node.measured).sum();
        let total: f64 = nodes.iter().map(|node| node.wall_ns_mean as f64 * node.measured as f64).sum();
        let most = nodes.iter().map(|node| node.wall_ns_most).max()? as f64;
        (measured > 0).then(|| (total / measured as f64 / budget, most / budget))
    }

    /// One line on the run itself.
    fn headline(&self) -> String {
        let Some(status) = self.statuses.back() else { return "no drive so far".to_owned() };
        let how = if status.live { "live" } else { "as fast as it computes" };
        let at = status.logical_ns as f64 * 1e-9;
        let state = match (self.lost, status.ended) {
            (Some(silent), _) => format!("LOST: silent for {:.1} s", silent.as_secs_f64()),
            (None, true) => "ended".to_owned(),
            (None, false) => "running".to_owned(),
        };
        format!("{}: {state}; {at:.1} s driven, {how}; {} messages", status.run, status.messages)
    }

    fn recorder(&self) -> String {
        let Some(status) = self.statuses.back() else { return String::new() };
        match status.recorder_places {
            0 => "recorder: none".to_owned(),
            places => format!(
                "recorder: {} of {places} places taken, {} messages left out",
                status.recorder_waiting, status.recorder_dropped
            ),
        }
    }

    fn links(&self) -> String {
        let links = self.statuses.back().map(|status| status.links.join(", ")).unwrap_or_default();
        if links.is_empty() { "links: none, one process".to_owned() } else { format!("links: {links}") }
    }

    /// Of each node: name, rate, budget, used on average and at most, misses, skipped, failed.
    fn rows(&self) -> Vec<[String; 8]> {
        let nodes = self.statuses.back().map(|status| status.nodes.as_slice()).unwrap_or_default();
        let row = |(place, node): (usize, &NodeStatus)| {
            let used = self.budget_used(place);
            let percent =
                |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{:.0} %", share * 100.0));
            let budget = if node.budget_ns > 0 {
                format!("{:.1}", node.budget_ns as f64 * 1e-6)
            } else {
                "-".to_owned()
            };
            [
                node.name.clone(),
                format!("{:.1}", self.rate_hz(place)),
                budget,
                percent(used.map(|(mean, _)| mean)),
                percent(used.map(|(_, most)| most)),
                node.missed.to_string(),
                node.skipped.to_string(),
                node.failed.to_string(),
            ]
        };
        nodes.iter().enumerate().map(row).collect()
    }

    fn text(&self) -> String {
        let mut lines = vec![self.headline(), self.links(), self.recorder()];
        let line = |[name, cells @ ..]: &[String; 8]| {
            let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>10}")).collect();
            format!("{name:<22}{}", cells.concat())
        };
        lines.push(line(&HEADERS.map(str::to_owned)));
        lines.extend(self.rows().iter().map(line));
        lines.join("\n")
    }
}

const HEADERS: [&str; 8] = ["node", "rate Hz", "budget ms", "used", "at most", "misses", "skipped", "failed"];

/// Shows; true unless the drive was lost.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let mut config = LinkConfig::new(crate::split::VEHICLE);
    config.connect.push(arguments.connect.clone());
    config.config_file.clone_from(&arguments.zenoh);
    config.timeout = HEARTBEAT;
    let mut watch = StatusWatch::open(&config)?;
    if arguments.once {
        return once(&mut watch, &arguments.connect);
    }
    follow(&mut watch, std::io::stdout().is_terminal())
}

/// One text, of two statuses: a rate takes two.
fn once(watch: &mut StatusWatch, endpoint: &str) -> Result<bool> {
    let mut view = View::default();
    loop {
        match watch.look(if view.statuses.is_empty() { PATIENCE } else { HEARTBEAT }) {
            Sighting::Status(status) => {
                let ended = status.ended;
                view.take(status);
                if view.statuses.len() > TEXT_EVERY || ended {
                    break;
                }
            }
            Sighting::Lost(silent) => {
                view.lost = Some(silent);
                break;
            }
            Sighting::Quiet => {}
            Sighting::Nobody => {
                bail!(
                    "no drive tells how it is doing at {endpoint}: `auriga drive --live` does, and --diagnostics"
                )
            }
        }
    }
    println_line(&view.text());
    Ok(view.lost.is_none())
}

/// Erases a terminal and goes to its first line (ECMA-48: ED, CUP).
const ERASE: &str = "\x1b[2J\x1b[H";

/// A text a second, on a terminal in place of the one before, until the drive has ended or is lost.
fn follow(watch: &mut StatusWatch, on_terminal: bool) -> Result<bool> {
    let show = |text: &str| println_line(&format!("{}{text}", if on_terminal { ERASE } else { "" }));
    let (mut view, mut since) = (View::default(), 0);
    loop {
        match watch.look(PATIENCE) {
            Sighting::Status(status) => {
                let ended = status.ended;
                view.take(status);
                since += 1;
                if since >= TEXT_EVERY || ended {
                    since = 0;
                    show(&view.text());
                }
                if ended {
                    return Ok(true);
                }
            }
            Sighting::Lost(silent) => {
                view.lost = Some(silent);
                show(&view.text());
                return Ok(false);
            }
            Sighting::Quiet => {}
            Sighting::Nobody => bail!("no drive tells how it is doing there"),
        }
    }
}
