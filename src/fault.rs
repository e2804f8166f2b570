//! What is made to go wrong in a drive: of a sensor, of a node, of the car's bus.

use anyhow::{Context, Result, bail};
use auriga_geometry::LogicalDuration;
use auriga_hal::fault::{FaultText, SensorFault, Window, seconds};
use auriga_runtime::{Overrun, TimingProfile};
use auriga_sim_bridge::bus;
use std::str::FromStr;

/// For `--help`.
pub const EXAMPLES: &str = "\
Faults: KIND[=VALUE][:TARGET]@FROM[-UNTIL], in seconds of the drive.
  silent:lidar@5          a sensor says nothing (lidar, camera, gnss, imu, vehicle_state, engage)
  frozen:camera@5-7       it repeats its last measurement with new stamps
  late=0.5:lidar@5        what it says arrives half a second later
  nan:gnss@5              its values are NaN
  fail:planner@5          a node's steps fail
  panic:tracking@5        a node panics
  overrun=0.2:planner@5   its steps take 0.2 s
  nan:camera_network@5    a network's output is NaN
  drop:COMMAND@5          of the car's bus (--platform can): see `auriga sim car --help`
What must happen, and within which time, is in configs/degradation.toml.";

/// What happens to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeFaultKind {
    /// Its steps fail.
    Fail,
    /// Its steps panic.
    Panic,
    /// Its steps take so long.
    Overrun(LogicalDuration),
    /// Of a network: its output is NaN.
    Nan,
}

/// A fault of a node, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFault {
    /// What happens.
    pub kind: NodeFaultKind,
    /// To which node.
    pub node: String,
    /// When.
    pub window: Window,
}

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// With a sensor.
    Sensor(SensorFault),
    /// With a node.
    Node(NodeFault),
    /// With the bus of the car.
    Bus(bus::Fault),
}

impl FromStr for Fault {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some(fault) = node_fault(text) {
            return Ok(Self::Node(fault));
        }
        if let Ok(fault) = text.parse() {
            return Ok(Self::Sensor(fault));
        }
        let unknown =
            || format!("`{text}` is no fault of a sensor or node either; `auriga drive --help` has examples");
        text.parse().map(Self::Bus).with_context(unknown)
    }
}

fn node_fault(text: &str) -> Option<NodeFault> {
    let FaultText { kind, value, target, window } = FaultText::parse(text)?;
    let node = target?.to_owned();
    let kind = match (kind, value) {
        ("fail", None) => NodeFaultKind::Fail,
        ("panic", None) => NodeFaultKind::Panic,
        ("overrun", Some(takes)) => NodeFaultKind::Overrun(seconds(takes)?),
        ("nan", None) if node.ends_with("_network") => NodeFaultKind::Nan,
        _ => return None,
    };
    Some(NodeFault { kind, node, window })
}

/// The faults of a drive, by what they are of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    /// Of sensors.
    pub sensors: Vec<SensorFault>,
    /// Of nodes.
    pub nodes: Vec<NodeFault>,
    /// Of the bus.
    pub bus: Vec<bus::Fault>,
}

impl Faults {
    /// From their texts.
    ///
    /// # Errors
    /// The first text that is no fault.
    pub fn parse(texts: &[String]) -> Result<Self> {
        let mut faults = Self::default();
        for text in texts {
            match text.parse()? {
                Fault::Sensor(fault) => faults.sensors.push(fault),
                Fault::Node(fault) => faults.nodes.push(fault),
                Fault::Bus(fault) => faults.bus.push(fault),
            }
        }
        Ok(faults)
    }

    /// What happens to one node.
    pub fn of_node(&self, node: &str) -> Vec<NodeFault> {
        self.nodes.iter().filter(|fault| fault.node == node).cloned().collect()
    }

    /// When a network's output is NaN.
    pub fn spoiled(&self, node: &str) -> Vec<Window> {
        let of_node =
            self.nodes.iter().filter(|fault| fault.node == node && fault.kind == NodeFaultKind::Nan);
        of_node.map(|fault| fault.window).collect()
    }

    /// Puts the overruns into a timing profile.
    ///
    /// # Errors
    /// A fault of a node that the profile does not have.
    pub fn apply(&self, timing: &mut TimingProfile) -> Result<()> {
        for fault in &self.nodes {
            let Some(node) = timing.nodes.get_mut(&fault.node) else {
                let known: Vec<&str> = timing.nodes.keys().map(String::as_str).collect();
                bail!("--fault: there is no node {}; there are {}", fault.node, known.join(", "));
            };
            if let NodeFaultKind::Overrun(takes) = fault.kind {
                let Window { from, until } = fault.window;
                node.overruns.push(Overrun { from, until, takes });
            }
        }
        Ok(())
    }
}
