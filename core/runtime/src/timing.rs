//! Timing profiles: when nodes run, for how long, and where (`configs/timing/*.toml`).

use crate::pool::WhenFull;
use crate::realtime::{Policy, Scheduling};
use crate::spread::Spread;
use crate::trace::TraceRecord;
use auriga_geometry::{LogicalDuration, LogicalTime};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What was wrong with a timing profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct TimingError {
    /// The file.
    pub file: String,
    /// Line, field, and what is wrong with it.
    pub problem: String,
}

/// When a node is released.
#[derive(Clone, Debug, PartialEq)]
pub enum Release {
    /// Whenever a message of this topic becomes visible to it.
    On(String),
    /// Every period, first at the phase.
    Periodic {
        /// Span between releases.
        period: LogicalDuration,
        /// First release after the epoch.
        phase: LogicalDuration,
    },
}

/// What happens to the output of a step that took longer than its budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissPolicy {
    /// It is published when it is ready.
    #[default]
    PublishLate,
    /// It is not published.
    Drop,
    /// It is not published; readers keep the last one, which is what dropping means for them, but it counts as held.
    HoldLast,
    /// The run ends.
    Stop,
}

impl MissPolicy {
    /// What the trace says of a step that missed.
    pub(crate) fn outcome(self) -> u8 {
        match self {
            Self::PublishLate | Self::Stop => TraceRecord::LATE,
            Self::Drop => TraceRecord::DROPPED,
            Self::HoldLast => TraceRecord::HELD,
        }
    }
}

/// One node's line in the profile.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeTiming {
    /// Name of its domain.
    pub domain: String,
    /// When it runs.
    pub release: Release,
    /// How long it may take: its outputs become visible at release + budget.
    pub budget: LogicalDuration,
    /// What happens on a miss.
    pub on_miss: MissPolicy,
    /// How long its steps take on the profile's machine; absent: never more than the budget.
    pub takes: Option<Spread>,
    /// When its steps are made to take longer, in virtual time. Not part of a profile's file.
    pub overruns: Vec<Overrun>,
}

/// Steps released from one instant up to another take so long: an injected fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overrun {
    /// From when on.
    pub from: LogicalTime,
    /// Until then.
    pub until: LogicalTime,
    /// So long.
    pub takes: LogicalDuration,
}

/// Where a run in virtual time takes the durations of steps from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileDurations {
    /// Every step takes its budget.
    #[default]
    Budget,
    /// A step that takes longer than its budget misses its deadline; how long it takes is drawn from `takes_ms`.
    Sampled,
}

/// One timing domain: nodes that share threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Number of threads; with none its nodes run on the executor's own, one after the other: no hop between threads, and
    /// nothing else goes on meanwhile. For nodes that are short.
    pub threads: usize,
    /// How they are scheduled in a live run.
    pub scheduling: Scheduling,
}

/// The executor's own thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutorTiming {
    /// How it is scheduled.
    pub scheduling: Scheduling,
    /// Before an instant it stops sleeping and looks at the clock without pause for this long.
    pub spin: LogicalDuration,
    /// Whether the process's memory is kept in RAM.
    pub lock_memory: bool,
    /// Live, a step that is not back so long after its release hangs; zero: nobody looks.
    pub watchdog: LogicalDuration,
    /// Threads of each source: one, or none, when sources are ticked on the executor's own.
    pub source_threads: usize,
}

/// One topic's line in the profile: the slots of its messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TopicSlots {
    /// How many there are; absent, as many as its readers, links and observers may hold.
    pub slots: Option<usize>,
    /// What becomes of a step that finds none free, in a live run.
    pub when_full: WhenFull,
}

/// One link's line in the profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkTiming {
    /// From publication on one side to visibility on the other.
    pub budget: LogicalDuration,
    /// Whether it goes through the transport also within one process.
    pub transport_always: bool,
}

/// A whole profile.
#[derive(Clone, Debug, PartialEq)]
pub struct TimingProfile {
    /// The longest time from the end of a sensor's sweep to a command that follows from it.
    pub sensor_to_command: LogicalDuration,
    /// Where durations come from in virtual time.
    pub durations: ProfileDurations,
    /// The executor's own thread.
    pub executor: ExecutorTiming,
    /// Domains by name.
    pub domains: BTreeMap<String, Domain>,
    /// Nodes by name.
    pub nodes: BTreeMap<String, NodeTiming>,
    /// Links by topic; the rest use [`Self::default_link`].
    pub links: BTreeMap<String, LinkTiming>,
    /// Links that have no line of their own.
    pub default_link: LinkTiming,
    /// Topics that have a line of their own.
    pub topics: BTreeMap<String, TopicSlots>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    durations: ProfileDurations,
    contract: ContractFile,
    #[serde(default)]
    executor: ExecutorFile,
    domain: BTreeMap<String, DomainFile>,
    node: BTreeMap<String, NodeFile>,
    #[serde(default)]
    link: BTreeMap<String, LinkFile>,
    #[serde(default)]
    topic: BTreeMap<String, TopicSlots>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContractFile {
    sensor_to_command_ms: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DomainFile {
    threads: usize,
    #[serde(default)]
    policy: Policy,
    #[serde(default)]
    priority: u8,
    #[serde(default)]
    cores: Vec<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ExecutorFile {
    policy: Policy,
    priority: u8,
    cores: Vec<usize>,
    spin_us: u32,
    lock_memory: bool,
    source_threads: usize,
    watchdog_ms: u32,
}

impl Default for ExecutorFile {
    fn default() -> Self {
        let Scheduling { policy, priority, cores } = Scheduling::default();
        Self {
            policy,
            priority,
            cores,
            spin_us: 0,
            lock_memory: false,
            source_threads: 1,
            watchdog_ms: 1_000,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeFile {
    domain: String,
    release: ReleaseFile,
    budget_ms: f64,
    #[serde(default)]
    on_miss: MissPolicy,
    takes_ms: Option<Spread>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseFile {
    on: Option<String>,
    period_ms: Option<f64>,
    phase_ms: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkFile {
    budget_ms: f64,
    #[serde(default)]
    transport_always: bool,
}

/// The name under which `[link.default]` gives the budget of all links without a line of their own.
const DEFAULT_LINK: &str = "default";

fn span(field: &str, millis: f64, least: LogicalDuration) -> Result<LogicalDuration, String> {
    let span = LogicalDuration::from_secs_f64(millis * 1e-3);
    if !millis.is_finite() || span < least || millis > 3.6e6 {
        return Err(format!("{field} = {millis}: must be at least {least} and at most an hour"));
    }
    Ok(span)
}

impl ReleaseFile {
    fn parse(self, node: &str) -> Result<Release, String> {
        match (self.on, self.period_ms, self.phase_ms) {
            (Some(topic), None, None) => Ok(Release::On(topic)),
            (None, Some(period), phase) => Ok(Release::Periodic {
                period: span(&format!("node.{node}.release.period_ms"), period, LogicalDuration::LEAST)?,
                phase: span(
                    &format!("node.{node}.release.phase_ms"),
                    phase.unwrap_or(0.0),
                    LogicalDuration::ZERO,
                )?,
            }),
            _ => Err(format!(
                "node.{node}.release: write {{ on = \"/topic\" }} or {{ period_ms = 10.0, phase_ms = 0.0 }}"
            )),
        }
    }
}

impl DomainFile {
    fn parse(self, name: &str) -> Result<Domain, String> {
        let Self { threads, policy, priority, cores } = self;
        if threads > 64 {
            return Err(format!("domain.{name}.threads = {threads}: must be at most 64"));
        }
        let scheduling = Scheduling { policy, priority, cores };
        if threads == 0 && scheduling != Scheduling::default() {
            return Err(format!(
                "domain.{name}: without threads it runs on the executor's; say under [executor] how that is scheduled"
            ));
        }
        scheduling.check().map_err(|problem| format!("domain.{name}.{problem}"))?;
        Ok(Domain { threads, scheduling })
    }
}

impl ExecutorFile {
    fn parse(self) -> Result<ExecutorTiming, String> {
        let Self { policy, priority, cores, spin_us, lock_memory, source_threads, watchdog_ms } = self;
        let scheduling = Scheduling { policy, priority, cores };
        scheduling.check().map_err(|problem| format!("executor.{problem}"))?;
        if spin_us > 10_000 {
            return Err(format!("executor.spin_us = {spin_us}: must be at most 10000"));
        }
        if source_threads > 1 {
            return Err(format!("executor.source_threads = {source_threads}: must be 0 or 1"));
        }
        let spin = LogicalDuration::from_nanos(i64::from(spin_us) * 1_000);
        let watchdog = LogicalDuration::from_millis(i64::from(watchdog_ms));
        Ok(ExecutorTiming { scheduling, spin, lock_memory, watchdog, source_threads })
    }
}

fn check_slots(topics: BTreeMap<String, TopicSlots>) -> Result<BTreeMap<String, TopicSlots>, String> {
    let impossible = |line: &TopicSlots| line.slots.is_some_and(|slots| !(2..=65_536).contains(&slots));
    match topics.iter().find(|(_, line)| impossible(line)) {
        Some((name, _)) => Err(format!("topic.{name}.slots: must be in 2..=65536")),
        None => Ok(topics),
    }
}

impl TimingProfile {
    /// Parses and checks a profile.
    ///
    /// # Errors
    /// An unknown key, a missing one, or an impossible value; names file, line and field.
    pub fn from_toml(text: &str, file: &str) -> Result<Self, TimingError> {
        let error = |problem: String| TimingError { file: file.to_owned(), problem };
        let parsed: File = toml::from_str(text).map_err(|e| error(e.to_string()))?;
        Self::check(parsed).map_err(error)
    }

    fn check(file: File) -> Result<Self, String> {
        let domains: BTreeMap<String, Domain> = file
            .domain
            .into_iter()
            .map(|(name, domain)| domain.parse(&name).map(|domain| (name, domain)))
            .collect::<Result<_, _>>()?;
        let mut nodes = BTreeMap::new();
        for (name, node) in file.node {
            if !domains.contains_key(&node.domain) {
                let known: Vec<&str> = domains.keys().map(String::as_str).collect();
                return Err(format!(
                    "node.{name}.domain = \"{}\": no such domain; there are {}",
                    node.domain,
                    known.join(", ")
                ));
            }
            if let Some(takes) = &node.takes_ms {
                takes.check().map_err(|problem| format!("node.{name}.takes_ms: {problem}"))?;
            }
            let timing = NodeTiming {
                release: node.release.parse(&name)?,
                budget: span(&format!("node.{name}.budget_ms"), node.budget_ms, LogicalDuration::LEAST)?,
                domain: node.domain,
                on_miss: node.on_miss,
                takes: node.takes_ms,
                overruns: Vec::new(),
            };
            nodes.insert(name, timing);
        }
        let mut links = file
            .link
            .into_iter()
            .map(|(topic, link)| {
                let budget =
                    span(&format!("link.{topic}.budget_ms"), link.budget_ms, LogicalDuration::LEAST)?;
                Ok((topic, LinkTiming { budget, transport_always: link.transport_always }))
            })
            .collect::<Result<BTreeMap<_, _>, String>>()?;
        let default_link = links
            .remove(DEFAULT_LINK)
            .unwrap_or(LinkTiming { budget: LogicalDuration::from_millis(1), transport_always: false });
        Ok(Self {
            sensor_to_command: span(
                "contract.sensor_to_command_ms",
                file.contract.sensor_to_command_ms,
                LogicalDuration::LEAST,
            )?,
            durations: file.durations,
            executor: file.executor.parse()?,
            domains,
            nodes,
            links,
            default_link,
            topics: check_slots(file.topic)?,
        })
    }

    /// The link of a topic.
    #[must_use]
    pub fn link(&self, topic: &str) -> &LinkTiming {
        self.links.get(topic).unwrap_or(&self.default_link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(node: &str, expected: &str) {
        let text =
            format!("[contract]\nsensor_to_command_ms = 300.0\n[domain.a]\nthreads = 1\n[node.n]\n{node}");
        let error = TimingProfile::from_toml(&text, "t.toml").unwrap_err().to_string();
        assert!(error.starts_with("t.toml: "), "{error}");
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn bad_values_name_the_field() {
        check("domain = \"b\"\nrelease = { on = \"x\" }\nbudget_ms = 1.0", "node.n.domain");
        check("domain = \"a\"\nrelease = { on = \"x\", period_ms = 3.0 }\nbudget_ms = 1.0", "node.n.release");
        check("domain = \"a\"\nrelease = { on = \"x\" }\nbudget_ms = 0.0", "node.n.budget_ms = 0");
        check("domain = \"a\"\nrelease = { on = \"x\" }\nbudget_ms = nan", "node.n.budget_ms");
        check("domain = \"a\"\nrelease = { on = \"x\" }\nbudget = 1.0", "unknown field `budget`");
        let takes = |marks: &str| {
            format!("domain = \"a\"\nrelease = {{ on = \"x\" }}\nbudget_ms = 9.0\ntakes_ms = {{ {marks} }}")
        };
        check(&takes("least = 1.0, median = 3.0, p99 = 2.0, most = 4.0"), "node.n.takes_ms: must ascend");
        check(
            &takes("least = 0.0, median = 3.0, p99 = 4.0, most = 5.0"),
            "node.n.takes_ms: must be at least",
        );
        check(&takes("least = 1.0, median = 3.0, p99 = 4.0"), "missing field `most`");
        let sound = "domain = \"a\"\nrelease = { on = \"x\" }\nbudget_ms = 1.0\n";
        check(&format!("{sound}[topic.\"/x\"]\nslots = 1"), "topic./x.slots: must be in 2..=65536");
        check(&format!("{sound}[topic.\"/x\"]\nwhen_full = \"wait\""), "unknown variant `wait`");
        check(&format!("{sound}[executor]\nsource_threads = 2"), "executor.source_threads = 2");
        check(&format!("{sound}[domain.b]\nthreads = 65"), "domain.b.threads = 65");
        check(&format!("{sound}[domain.b]\nthreads = 0\ncores = [1]"), "domain.b: without threads");
    }
}
