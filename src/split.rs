//! One run as two processes: actuation here, planning in a child.

use crate::attestation::{self, Attested};
use crate::configuration::Configuration;
use crate::stack::{ACTUATION, PLANNING};
use anyhow::{Context, Result, bail};
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_runtime::link::{Envelope, Identity, Link, LinkConfig, LinkExchange, Subscription};
use auriga_runtime::recording::sha256_hex;
use auriga_runtime::{Graph, Group, NodeError, Source, SourceOutputs, Split};
use std::net::TcpListener;
use std::process::{Child, Command};
use std::time::Duration;

/// The vehicle's name on the link.
pub const VEHICLE: &str = "ego";
/// A peer has this long to start.
const START: Duration = Duration::from_secs(60);
/// A step may take this long on the wall before its peer counts as lost: in virtual time nothing is urgent.
const SILENCE: Duration = Duration::from_secs(60);
/// Of a live run: a peer that gives no sign of life for this long is lost.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Where the planning process says which networks it runs.
const NETWORKS: &str = "@networks";

/// Which end of the link this process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Platform, localization, control, gate, recorder.
    Actuation,
    /// Perception, prediction, planning.
    Planning,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Actuation => "actuation",
            Self::Planning => "planning",
        }
    }

    fn groups(self) -> Vec<Group> {
        match self {
            Self::Actuation => vec![ACTUATION],
            Self::Planning => vec![PLANNING],
        }
    }

    /// For the executor.
    pub fn split(self) -> Split {
        Split { local: self.groups(), records: self == Self::Actuation }
    }
}

/// What both ends must have in common: the content of every configuration file.
fn configuration_digest(configuration: &Configuration) -> String {
    let all: Vec<u8> = configuration.files.iter().flat_map(|file| file.text.bytes().chain([0])).collect();
    sha256_hex(&all)
}

/// This process's end of a link between the two.
pub struct End {
    /// For the executor.
    pub exchange: LinkExchange,
    networks: Subscription,
}

/// A link between the two processes; does not wait for the peer yet.
pub fn open(
    role: Role,
    endpoint: &str,
    run: &str,
    configuration: &Configuration,
    graph: &Graph,
    live: bool,
) -> Result<End> {
    let mut config = LinkConfig::new(VEHICLE);
    config.timeout = SILENCE;
    config.heartbeat = live.then_some(HEARTBEAT);
    match role {
        Role::Actuation => config.listen.push(endpoint.to_owned()),
        Role::Planning => config.connect.push(endpoint.to_owned()),
    }
    let link = Link::open(&config, &Identity::new(role.name(), run, &configuration_digest(configuration)))?;
    let networks = link.subscribe(&[NETWORKS])?;
    Ok(End { exchange: LinkExchange::between(link, graph, &role.groups())?, networks })
}

impl End {
    /// Waits for the planning process, and hears which networks it runs.
    pub fn wait_for_planning(&self) -> Result<Vec<Attested>> {
        self.exchange.link().wait_for_peer(START)?;
        attestation::from_peer(&self.networks.receive()?.payload.bytes())
    }

    /// Waits for the actuation process, and tells it which networks run here.
    pub fn wait_for_actuation(&self, networks: &[Attested]) -> Result<()> {
        self.exchange.link().wait_for_peer(START)?;
        let told = attestation::to_peer(networks)?;
        self.exchange.link().publisher(NETWORKS)?.put(&Envelope::default(), told)?;
        Ok(())
    }
}

/// A link from this process to itself, for the topics that always go through the transport.
pub fn within(graph: &Graph) -> Result<LinkExchange> {
    let link = Link::open(&LinkConfig::new(VEHICLE), &Identity::new("all", "one-process", "0"))?;
    Ok(LinkExchange::within(link, graph)?)
}

/// A free endpoint on loopback.
pub fn free_endpoint() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port on 127.0.0.1")?;
    Ok(format!("tcp/{}", listener.local_addr()?))
}

/// The planning process; ended when this is dropped.
pub struct PlanningProcess(Child);

impl PlanningProcess {
    /// Starts this program again with the same arguments, as the planning end.
    pub fn start(endpoint: &str, run: &str) -> Result<Self> {
        let program = std::env::current_exe().context("this program's own file is not to be found")?;
        let child = Command::new(&program)
            .args(std::env::args_os().skip(1))
            .args(["--planning-of", endpoint, "--run-id", run])
            .spawn()
            .with_context(|| format!("{}: the planning process cannot be started", program.display()))?;
        Ok(Self(child))
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Result<()> {
        for _ in 0..100 {
            match self.0.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("the planning process ended with {status}"),
                None => std::thread::sleep(Duration::from_millis(50)),
            }
        }
        bail!("the planning process does not end; it is stopped")
    }
}

impl Drop for PlanningProcess {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

/// Stands where the platform runs in the other process: only its timing is needed here.
pub struct Elsewhere {
    /// As the platform's.
    pub period: LogicalDuration,
    /// As the platform's.
    pub least_latency: LogicalDuration,
}

impl Source for Elsewhere {
    fn period(&self) -> LogicalDuration {
        self.period
    }
    fn least_latency(&self) -> LogicalDuration {
        self.least_latency
    }
    fn tick(&mut self, _: LogicalTime, _: &mut SourceOutputs) -> Result<(), NodeError> {
        Err(NodeError::new("this platform runs in the other process"))
    }
}
