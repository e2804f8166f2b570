//! Logical execution time: nodes, executor, links, trace, recorder, replay.
//!
//! A node is released at a logical instant, sees its inputs as they are then, and its outputs become visible exactly at
//! `release + budget`. What it sees therefore depends on logical time only: not on the number of cores, the load, or which
//! thread won. The runtime knows neither cars nor their messages.
//!
//! ```
//! use auriga_runtime::{
//!     Executor, Graph, Group, Latest, Node, NodeError, Output, Pacing, RunOptions, Step, TimingProfile,
//! };
//! use auriga_geometry::LogicalTime;
//!
//! auriga_wire::message! {
//!     /// A number.
//!     pub struct Number = "example_msgs/msg/Number" {
//!         /// Its value.
//!         pub value: u64,
//!     }
//! }
//!
//! struct Count(u64);
//! impl Node for Count {
//!     type Inputs = ();
//!     type Outputs = (Output<Number>,);
//!     fn step(&mut self, _: &Step, (): &(), (number,): &mut Self::Outputs) -> Result<(), NodeError> {
//!         self.0 += 1;
//!         number.write().value = self.0;
//!         Ok(())
//!     }
//! }
//!
//! struct Print;
//! impl Node for Print {
//!     type Inputs = (Latest<Number>,);
//!     type Outputs = ();
//!     fn step(&mut self, step: &Step, (number,): &Self::Inputs, (): &mut ()) -> Result<(), NodeError> {
//!         if let Some(number) = number.get() {
//!             assert_eq!(number.value as i64 * 10_000_000 - 5_000_000, step.release.as_nanos());
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let profile = TimingProfile::from_toml(r#"
//!     [contract]
//!     sensor_to_command_ms = 100.0
//!     [domain.main]
//!     threads = 1
//!     [node.count]
//!     domain = "main"
//!     release = { period_ms = 10.0 }
//!     budget_ms = 5.0
//!     [node.print]
//!     domain = "main"
//!     release = { on = "/number" }
//!     budget_ms = 1.0
//! "#, "example.toml").unwrap();
//! let mut graph = Graph::new(profile);
//! let number = graph.topic::<Number>("/number");
//! graph.node("count", Group::FIRST, Count(0), (), (number.publish(),)).unwrap();
//! graph.node("print", Group::FIRST, Print, (number.latest(),), ()).unwrap();
//! let options = RunOptions { end: LogicalTime::from_nanos(1_000_000_000), pacing: Pacing::Virtual, ..RunOptions::default() };
//! let summary = Executor::new(graph, options).unwrap().run().unwrap();
//! assert_eq!(summary.nodes[0].steps, 100);
//! ```

mod beside;
mod certificate;
mod executor;
mod graph;
mod histogram;
pub mod link;
pub mod message;
mod node;
mod pool;
mod realtime;
pub mod recording;
pub mod replay;
mod rerun;
mod source;
mod spread;
mod statistics;
mod timing;
mod topic;
pub mod trace;

pub use beside::Beside;
pub use certificate::{Certificate, CertificateError, ChainAge, DomainLoad, SensorTiming};
pub use executor::{
    Durations, Exchange, Executor, Observer, Pacing, Publication, RecordedStep, RunError, RunOptions,
    RunSummary, Split,
};
pub use graph::{Graph, GraphError, Group};
pub use histogram::Histogram;
pub use node::{Latest, Node, NodeError, Output, Queue, Sample, Step};
pub use pool::{Slots, WhenFull};
pub use realtime::{Policy, Scheduling};
pub use rerun::MakeSource;
pub use source::{Source, SourceEmission, SourceOutputs, SourcePayload};
pub use spread::Spread;
pub use statistics::{Measuring, NodeStatistics};
pub use timing::{
    ExecutorTiming, MissPolicy, Overrun, ProfileDurations, Release, TimingError, TimingProfile, TopicSlots,
};
pub use topic::{Topic, TopicInfo};

/// The page for newcomers; its code is compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/your-first-node.md")]
struct YourFirstNode;
