//! No run is ever worse than its certificate, and some instant of it is as bad.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_runtime::trace::{self, TraceRecord};
use auriga_runtime::{
    CertificateError, Executor, Graph, Group, Latest, Node, NodeError, Observer, Output, Publication, Queue,
    RunError, RunOptions, SensorTiming, Source, SourceEmission, SourceOutputs, SourcePayload, Step,
    TimingProfile,
};
use proptest::prelude::*;
use std::sync::{Arc, Mutex};

auriga_wire::message! {
    /// A number.
    pub struct Number = "test_msgs/msg/Number" {
        /// Its value.
        pub value: u64,
    }
}

const TICK_MS: i64 = 10;

/// Two sensors on one platform: every so many ticks, arriving so many milliseconds later.
#[derive(Clone, Copy, Debug)]
struct Sensors {
    ticks: [i64; 2],
    latency_ms: [i64; 2],
}

struct Platform(Sensors, i64);
impl Source for Platform {
    fn period(&self) -> LogicalDuration {
        LogicalDuration::from_millis(TICK_MS)
    }
    fn least_latency(&self) -> LogicalDuration {
        LogicalDuration::from_millis(1)
    }
    fn tick(&mut self, now: LogicalTime, outputs: &mut SourceOutputs) -> Result<(), NodeError> {
        for output in 0..2 {
            if self.1 % self.0.ticks[output] == 0 {
                outputs.emissions.push(SourceEmission {
                    output,
                    oldest_capture: now,
                    capture: now,
                    arrival: now + LogicalDuration::from_millis(self.0.latency_ms[output]),
                    payload: SourcePayload::Ready(Arc::new(Number::default())),
                });
            }
        }
        self.1 += 1;
        Ok(())
    }
}

struct Join;
impl Node for Join {
    type Inputs = (Latest<Number>, Queue<Number>);
    type Outputs = (Output<Number>,);
    fn step(&mut self, step: &Step, _: &Self::Inputs, (out,): &mut Self::Outputs) -> Result<(), NodeError> {
        out.write().value = step.release.as_nanos().unsigned_abs();
        Ok(())
    }
}

/// A node of the chain: released by its first input or periodically (period, phase), its budget, its group.
type Link = (Option<(u32, u32)>, u32, bool);

fn graph(sensors: Sensors, chain: &[Link], link_ms: u32) -> Graph {
    let mut profile = format!(
        "[contract]\nsensor_to_command_ms = 300.0\n[domain.a]\nthreads = 2\n[link.default]\nbudget_ms = {link_ms}.0\n"
    );
    for (k, (periodic, budget, _)) in chain.iter().enumerate() {
        let release = match periodic {
            Some((period, phase)) => format!("period_ms = {period}.0, phase_ms = {phase}.0"),
            None if k == 0 => "on = \"/a\"".to_owned(),
            None => format!("on = \"/n{}\"", k - 1),
        };
        profile +=
            &format!("[node.n{k}]\ndomain = \"a\"\nrelease = {{ {release} }}\nbudget_ms = {budget}.0\n");
    }
    let mut graph = Graph::new(TimingProfile::from_toml(&profile, "test.toml").unwrap());
    let (a, b) = (graph.topic::<Number>("/a"), graph.topic::<Number>("/b"));
    graph.source("platform", Platform(sensors, 0), &[a.index(), b.index()]).unwrap();
    let mut before = a;
    for (k, (_, _, far)) in chain.iter().enumerate() {
        let out = graph.topic::<Number>(&format!("/n{k}"));
        let group = if *far { Group(1) } else { Group::FIRST };
        graph.node(&format!("n{k}"), group, Join, (before.latest(), b.queue(3)), (out.publish(),)).unwrap();
        before = out;
    }
    graph
}

fn timings(sensors: Sensors) -> Vec<SensorTiming> {
    let one = |topic: &str, k: usize| SensorTiming {
        topic: topic.to_owned(),
        period: LogicalDuration::from_millis(TICK_MS * sensors.ticks[k]),
        phase: LogicalDuration::ZERO,
        sweep: LogicalDuration::ZERO,
        latency: LogicalDuration::from_millis(sensors.latency_ms[k]),
    };
    vec![one("/a", 0), one("/b", 1)]
}

/// The worst (reaction, age) that the trace shows at the last node after 3 s.
fn measured(graph: Graph, last: &str) -> [i64; 2] {
    struct Watch(Arc<Mutex<[i64; 2]>>, String);
    impl Observer for Watch {
        fn observe(&mut self, publication: &Publication<'_>) -> Result<(), RunError> {
            let mut bytes = Vec::new();
            publication.message.write_cdr(&mut bytes);
            let Ok(record) = auriga_wire::from_cdr::<TraceRecord>(&bytes) else { return Ok(()) };
            if record.node == self.1
                && record.outcome == TraceRecord::PUBLISHED
                && record.publication >= 3_000_000_000
            {
                let mut worst = self.0.lock().unwrap();
                for (worst, capture) in worst.iter_mut().zip([record.reaction, record.age]) {
                    if capture != trace::NONE {
                        *worst = (*worst).max(record.publication - capture);
                    }
                }
            }
            Ok(())
        }
    }
    let worst = Arc::new(Mutex::new([-1; 2]));
    let options = RunOptions {
        end: LogicalTime::from_nanos(6_000_000_000),
        observers: vec![Box::new(Watch(Arc::clone(&worst), last.to_owned()))],
        ..RunOptions::default()
    };
    Executor::new(graph, options).unwrap().run().unwrap();
    *worst.lock().unwrap()
}

fn link() -> impl Strategy<Value = Link> {
    let periods = prop::sample::select(vec![5_u32, 10, 20, 25, 50]);
    (prop::option::of((periods, 0_u32..20)), 1_u32..30, any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_run_is_as_bad_as_its_certificate_and_no_worse(
        ticks in (1_i64..6, 1_i64..6), latency in (1_i64..9, 1_i64..9),
        chain in prop::collection::vec(link(), 1..5), link_ms in 1_u32..4,
    ) {
        let sensors = Sensors { ticks: ticks.into(), latency_ms: latency.into() };
        let last = format!("n{}", chain.len() - 1);
        let certificate = graph(sensors, &chain, link_ms).certify(&timings(sensors), &last).unwrap();
        let [reaction, age] = measured(graph(sensors, &chain, link_ms), &last);
        let worst = |pick: fn(&auriga_runtime::ChainAge) -> LogicalDuration| {
            certificate.chains.iter().map(|chain| pick(chain).as_nanos()).max().unwrap_or(-1)
        };
        prop_assert!(age <= worst(|chain| chain.age), "{certificate:?}");
        prop_assert!(reaction <= worst(|chain| chain.reaction), "{certificate:?}");
        if certificate.span <= LogicalDuration::from_millis(3_000) {
            prop_assert_eq!(age, worst(|chain| chain.age), "the run shows the worst case: {:?}", certificate);
        }
    }
}

#[test]
fn a_chain_by_hand() {
    // Captured every 50 ms, 3 ms on the way, 20 ms in the first node, 2 ms over the link, 10 ms in the second.
    let sensors = Sensors { ticks: [5, 5], latency_ms: [3, 3] };
    let chain = [(None, 20, false), (None, 10, true)];
    let certificate = graph(sensors, &chain, 2).certify(&timings(sensors)[..1], "n1").unwrap();
    assert_eq!(certificate.chains[0].reaction, LogicalDuration::from_millis(35));
    assert_eq!(certificate.chains[0].age, LogicalDuration::from_millis(35));
    assert!((certificate.loads[0].utilisation - (20.0 + 10.0) / 50.0 / 2.0).abs() < 1e-9);
    assert!(certificate.objections(LogicalDuration::from_millis(35)).is_empty());
    assert!(
        certificate.objections(LogicalDuration::from_millis(34))[0].starts_with("/a can be 35.000 ms old")
    );
    // With a node that is released more often than it can run, and a domain that has too much to do.
    let busy = [(Some((5, 0)), 29, false)];
    let certificate = graph(sensors, &busy, 2).certify(&timings(sensors), "n0").unwrap();
    assert!(
        certificate
            .objections(LogicalDuration::from_millis(300))
            .iter()
            .any(|o| o.starts_with("node n0: released"))
    );
}

#[test]
fn impossible_questions_are_refused() {
    let sensors = Sensors { ticks: [1, 1], latency_ms: [1, 1] };
    let graph = graph(sensors, &[(None, 5, false)], 1);
    assert_eq!(graph.certify(&[], "n9").unwrap_err(), CertificateError::NoSink("n9".to_owned()));
    let mut timing = timings(sensors);
    timing[0].topic = "/n0".to_owned();
    assert!(graph.certify(&timing, "n0").unwrap_err().to_string().contains("/n0: no source writes it"));
    timing[0].topic = "/a".to_owned();
    timing[0].period = LogicalDuration::ZERO;
    assert!(graph.certify(&timing, "n0").unwrap_err().to_string().contains("at least 1 µs"));
}
