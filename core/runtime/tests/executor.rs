//! The executor's promises, on small graphs: outputs appear at release + budget, the order at one instant, skipping,
//! containment, links between groups, and the same bytes whatever the number of threads.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_runtime::message::AnyMessage;
use auriga_runtime::trace::TraceRecord;
use auriga_runtime::{
    Durations, Executor, Graph, Group, Latest, Node, NodeError, Observer, Output, Publication, Queue,
    RecordedStep, RunError, RunOptions, RunSummary, Source, SourceEmission, SourceOutputs, SourcePayload,
    Step, TimingProfile,
};
use std::sync::{Arc, Mutex};

auriga_wire::message! {
    /// A number.
    pub struct Number = "test_msgs/msg/Number" {
        /// Its value.
        pub value: u64,
    }
}

/// (topic, sequence, instant, CDR bytes) of everything that was published.
type Messages = Vec<(u16, u32, i64, Vec<u8>)>;
type Log = Arc<Mutex<Messages>>;

struct Keep(Log);
impl Observer for Keep {
    fn observe(&mut self, publication: &Publication<'_>) -> Result<(), RunError> {
        let mut bytes = Vec::new();
        publication.message.write_cdr(&mut bytes);
        self.0.lock().unwrap().push((
            publication.topic,
            publication.sequence,
            publication.instant.as_nanos(),
            bytes,
        ));
        Ok(())
    }
}

/// Emits 0, 1, 2, … every 10 ms, each captured at the tick and arriving 3 ms later; every other one is computed late.
struct Counter(u64);
impl Source for Counter {
    fn period(&self) -> LogicalDuration {
        LogicalDuration::from_millis(10)
    }
    fn least_latency(&self) -> LogicalDuration {
        LogicalDuration::from_millis(1)
    }
    fn tick(&mut self, now: LogicalTime, outputs: &mut SourceOutputs) -> Result<(), NodeError> {
        let message: Arc<dyn AnyMessage> = Arc::new(Number { value: self.0 });
        let payload = if self.0.is_multiple_of(2) {
            SourcePayload::Ready(message)
        } else {
            SourcePayload::Pending(Box::new(move || Ok(message)))
        };
        let arrival = now + LogicalDuration::from_millis(3);
        outputs.emissions.push(SourceEmission {
            output: 0,
            oldest_capture: now,
            capture: now,
            arrival,
            payload,
        });
        self.0 += 1;
        outputs.finished = self.0 == 20;
        Ok(())
    }
}

/// Adds up what it sees; fails at 7, panics at 11.
#[derive(Default)]
struct Sum {
    total: u64,
    spin: u64,
}
impl Node for Sum {
    type Inputs = (Queue<Number>,);
    type Outputs = (Output<Number>,);
    fn step(
        &mut self,
        _: &Step,
        (numbers,): &Self::Inputs,
        (sum,): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        for number in numbers.iter() {
            std::hint::black_box((0..self.spin * 1000).fold(0u64, |a, b| a ^ b));
            sum.write().value = 999; // must not show when the step fails
            match number.value {
                7 => return Err(NodeError::new("seven is not welcome")),
                11 => panic!("eleven"),
                value => self.total += value,
            }
        }
        sum.write().value = self.total;
        Ok(())
    }
}

struct Echo;
impl Node for Echo {
    type Inputs = (Latest<Number>,);
    type Outputs = (Output<Number>,);
    fn step(
        &mut self,
        _: &Step,
        (number,): &Self::Inputs,
        (echo,): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        if let Some(number) = number.get() {
            echo.write().value = number.value;
        }
        Ok(())
    }
}

/// Source → sum → echo. An unrecorded sum needs its reader in its own group.
fn graph(threads: usize, spin: u64, sum_budget_ms: f64, recorded: bool, echo_group: Group) -> Graph {
    let profile = format!(
        r#"
        [contract]
        sensor_to_command_ms = 300.0
        [domain.a]
        threads = {threads}
        [node.sum]
        domain = "a"
        release = {{ on = "/number" }}
        budget_ms = {sum_budget_ms}
        [node.echo]
        domain = "a"
        release = {{ period_ms = 5.0, phase_ms = 1.0 }}
        budget_ms = 2.0
        [link."/sum"]
        budget_ms = 4.0
        "#
    );
    let mut graph = Graph::new(TimingProfile::from_toml(&profile, "test.toml").unwrap());
    let number = graph.topic::<Number>("/number");
    let sum = if recorded { graph.topic::<Number>("/sum") } else { graph.unrecorded_topic("/sum") };
    let echo = graph.topic::<Number>("/echo");
    graph.source("counter", Counter(0), &[number.index()]).unwrap();
    graph.node("sum", Group(0), Sum { total: 0, spin }, (number.queue(4),), (sum.publish(),)).unwrap();
    graph.node("echo", echo_group, Echo, (sum.latest(),), (echo.publish(),)).unwrap();
    graph
}

fn run(threads: usize, spin: u64, sum_budget_ms: f64) -> (RunSummary, Messages) {
    run_graph(graph(threads, spin, sum_budget_ms, true, Group(1)))
}

fn run_graph(graph: Graph) -> (RunSummary, Messages) {
    let log = Log::default();
    let options = RunOptions { observers: vec![Box::new(Keep(Arc::clone(&log)))], ..RunOptions::default() };
    let summary = Executor::new(graph, options).unwrap().run().unwrap();
    let log = log.lock().unwrap().clone();
    (summary, log)
}

#[test]
fn outputs_appear_at_release_plus_budget_and_links_take_theirs() {
    let (_, log) = run(1, 0, 5.0);
    // Topic 0 is the trace, 1 /number, 2 /sum, 3 /echo.
    let of = |topic: u16| log.iter().filter(move |m| m.0 == topic).map(|m| m.2 / 1000).collect::<Vec<_>>();
    assert_eq!(of(1)[..3], [3_000, 13_000, 23_000]);
    assert_eq!(of(2)[..3], [8_000, 18_000, 28_000]);
    // The first sum is visible to the other group at 8 + 4 = 12 ms; echo runs at 1, 6, 11, 16, … and takes 2 ms.
    assert_eq!(of(3)[..2], [18_000, 23_000]);
}

#[test]
fn a_step_that_fails_or_panics_publishes_nothing_and_the_node_goes_on() {
    let (summary, log) = run(1, 0, 5.0);
    let statistics = &summary.nodes[1];
    assert_eq!(statistics.failed, 2);
    assert_eq!(statistics.first_error.as_deref(), Some("seven is not welcome"));
    let last: Number = auriga_wire::from_cdr(&log.iter().rfind(|m| m.0 == 2).unwrap().3).unwrap();
    // The run ends when the last number arrives, so the sum of the one before is the last to be seen.
    assert_eq!(last.value, (0..=18).sum::<u64>() - 7 - 11);
    let failed = log.iter().filter(|m| m.0 == 0).map(|m| auriga_wire::from_cdr::<TraceRecord>(&m.3).unwrap());
    let errors: Vec<String> = failed.filter(|r| r.outcome == TraceRecord::FAILED).map(|r| r.error).collect();
    assert_eq!(errors, ["seven is not welcome", "panicked: eleven"]);
}

#[test]
fn a_release_during_a_step_is_skipped_and_recorded() {
    let (summary, log) = run(1, 0, 15.0);
    assert!((19..=20).contains(&(summary.nodes[1].steps + summary.nodes[1].skipped))); // one may be under way at the end
    let records =
        log.iter().filter(|m| m.0 == 0).map(|m| auriga_wire::from_cdr::<TraceRecord>(&m.3).unwrap());
    let skipped = records.filter(|r| r.outcome == TraceRecord::SKIPPED).count() as u64;
    assert_eq!(skipped, summary.nodes[1].skipped);
    assert!(skipped >= 9);
}

#[test]
fn the_trace_tells_how_old_the_data_is() {
    let (_, log) = run(1, 0, 5.0);
    let records =
        log.iter().filter(|m| m.0 == 0).map(|m| auriga_wire::from_cdr::<TraceRecord>(&m.3).unwrap());
    for record in records.filter(|r| r.node == "echo" && !r.outputs.is_empty()) {
        let age = record.publication - record.age;
        // 3 ms arrival, 5 ms sum, 4 ms link, then up to 5 ms of waiting and 2 ms of echo; a failed sum adds 10.
        assert!((14_000_000..40_000_000).contains(&age), "{age}");
        let fresh = record.inputs.iter().any(|input| input.fresh);
        assert_eq!(record.reaction != auriga_runtime::trace::NONE, fresh);
    }
}

#[test]
fn the_same_bytes_whatever_the_threads_and_the_load() {
    let (_, once) = run(1, 0, 5.0);
    for (threads, spin) in [(1, 50), (2, 0), (4, 20)] {
        assert!(run(threads, spin, 5.0).1 == once, "{threads} threads, load {spin}");
    }
}

#[test]
fn what_is_not_recorded_reaches_its_readers_and_no_observer() {
    let (_, seen) = run_graph(graph(1, 0, 5.0, true, Group(0)));
    let (_, unseen) = run_graph(graph(1, 0, 5.0, false, Group(0)));
    assert!(seen.iter().any(|m| m.0 == 2) && unseen.iter().all(|m| m.0 != 2));
    // Everything else is the same, the trace included.
    assert!(seen.iter().filter(|m| m.0 != 2).eq(unseen.iter()));
}

#[test]
fn what_is_not_recorded_does_not_leave_its_group() {
    let refused = Executor::new(graph(1, 0, 5.0, false, Group(1)), RunOptions::default());
    let Err(error) = refused else { panic!("it was accepted") };
    assert!(error.to_string().contains("/sum: echo reads it from another group"), "{error}");
}

#[test]
fn processor_time_is_counted_for_the_node_that_took_it() {
    let (summary, _) = run(1, 2_000, 5.0);
    let [_, sum, echo] = summary.nodes.as_slice() else { panic!("{} nodes", summary.nodes.len()) };
    assert!(sum.cpu_total > echo.cpu_total, "{:?} and {:?}", sum.cpu_total, echo.cpu_total);
}

/// Publishes the instant at which its step is promised to become visible.
struct Promise;
impl Node for Promise {
    type Inputs = ();
    type Outputs = (Output<Number>,);
    fn step(&mut self, step: &Step, (): &(), (promise,): &mut Self::Outputs) -> Result<(), NodeError> {
        promise.write().value = step.publication.as_nanos().unsigned_abs();
        Ok(())
    }
}

#[test]
fn recorded_misses_come_at_their_instants_and_no_step_knows_of_them() {
    let profile = r#"
        [contract]
        sensor_to_command_ms = 300.0
        [domain.a]
        threads = 1
        [node.promise]
        domain = "a"
        release = { period_ms = 10.0 }
        budget_ms = 2.0
        "#;
    let mut graph = Graph::new(TimingProfile::from_toml(profile, "test.toml").unwrap());
    let promise = graph.topic::<Number>("/promise");
    graph.node("promise", Group(0), Promise, (), (promise.publish(),)).unwrap();
    let millis = |ms: i64| LogicalTime::from_nanos(ms * 1_000_000);
    let step = |release: i64, publication: i64, outcome: u8| {
        let recorded = RecordedStep { publication: millis(publication), outcome, hung: None };
        (("promise".to_owned(), millis(release).as_nanos()), recorded)
    };
    // In time, late by 5 ms, and never finished: the release at 20 ms.
    let steps = [step(0, 2, TraceRecord::PUBLISHED), step(10, 17, TraceRecord::LATE)];
    let log = Log::default();
    let options = RunOptions {
        end: millis(40),
        durations: Durations::Recorded(steps.into()),
        observers: vec![Box::new(Keep(Arc::clone(&log)))],
        ..RunOptions::default()
    };
    Executor::new(graph, options).unwrap().run().unwrap();
    let of = |m: &&(u16, u32, i64, Vec<u8>)| m.0 == promise.index();
    let value = |m: &(u16, u32, i64, Vec<u8>)| auriga_wire::from_cdr::<Number>(&m.3).unwrap().value;
    let published: Vec<(i64, u64)> =
        log.lock().unwrap().iter().filter(of).map(|m| (m.2 / 1_000_000, value(m) / 1_000_000)).collect();
    assert_eq!(published, [(2, 2), (17, 12)]);
}
