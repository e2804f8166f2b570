//! Random graphs give the same bytes on 1, 2 and 4 threads and on the executor's own, however long their steps take on the
//! wall, in one process and split in two.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_runtime::link::StepResult;
use auriga_runtime::message::AnyMessage;
use auriga_runtime::{
    Durations, Exchange, Executor, Graph, Group, Latest, Node, NodeError, Observer, Output, Publication,
    Queue, RunError, RunOptions, Source, SourceEmission, SourceOutputs, SourcePayload, Split, Step,
    TimingProfile,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

auriga_wire::message! {
    /// A number.
    pub struct Number = "test_msgs/msg/Number" {
        /// Its value.
        pub value: u64,
    }
}

type Messages = Vec<(u16, u32, i64, Vec<u8>)>;
type Log = Arc<Mutex<Messages>>;

struct Keep(Log);
impl Observer for Keep {
    fn observe(&mut self, publication: &Publication<'_>) -> Result<(), RunError> {
        let mut bytes = Vec::new();
        publication.message.write_cdr(&mut bytes);
        let Publication { topic, sequence, instant, .. } = *publication;
        self.0.lock().unwrap().push((topic, sequence, instant.as_nanos(), bytes));
        Ok(())
    }
}

fn mix(a: u64, b: u64) -> u64 {
    (a ^ b.wrapping_mul(0x9e37_79b9_7f4a_7c15)).rotate_left(23).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// Takes up to a millisecond on the wall, for no reason that the messages could know.
fn dawdle(whim: u64) {
    if whim.is_multiple_of(5) {
        std::thread::sleep(Duration::from_micros(whim % 1_000));
    }
}

/// Two sensors with latencies of their own, every 10 ms; one message in three is still being computed when it is announced.
struct Platform {
    ticks: u64,
    latency_ms: [i64; 2],
    whim: u64,
}
impl Source for Platform {
    fn period(&self) -> LogicalDuration {
        LogicalDuration::from_millis(10)
    }
    fn least_latency(&self) -> LogicalDuration {
        LogicalDuration::from_millis(1)
    }
    fn tick(&mut self, now: LogicalTime, outputs: &mut SourceOutputs) -> Result<(), NodeError> {
        self.ticks += 1;
        for (output, latency_ms) in self.latency_ms.into_iter().enumerate() {
            let value = mix(self.ticks, output as u64);
            let message: Arc<dyn AnyMessage> = Arc::new(Number { value });
            let whim = mix(self.whim, value);
            let payload = if value.is_multiple_of(3) {
                SourcePayload::Pending(Box::new(move || {
                    dawdle(whim);
                    Ok(message)
                }))
            } else {
                SourcePayload::Ready(message)
            };
            let arrival = now + LogicalDuration::from_millis(latency_ms);
            outputs.emissions.push(SourceEmission {
                output,
                oldest_capture: now,
                capture: now,
                arrival,
                payload,
            });
        }
        Ok(())
    }
}

/// Its output depends on everything that it has ever seen, and when; it fails now and then.
struct Stir {
    state: u64,
    whim: u64,
}
impl Node for Stir {
    type Inputs = (Latest<Number>, Queue<Number>);
    type Outputs = (Output<Number>,);
    fn step(
        &mut self,
        step: &Step,
        (latest, queue): &Self::Inputs,
        (out,): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        self.state = mix(self.state, step.release.as_nanos().unsigned_abs());
        self.state = mix(self.state, latest.get().map_or(1, |number| number.value));
        self.state = queue.iter().fold(self.state, |state, number| mix(state, number.value));
        dawdle(mix(self.whim, self.state));
        if self.state.is_multiple_of(13) {
            return Err(NodeError::new("thirteen"));
        }
        out.write().value = self.state;
        Ok(())
    }
}

/// A node: which topics it reads (of two sensors and all nodes), when it runs, and what it may take.
#[derive(Clone, Debug)]
struct Stirrer {
    latest: prop::sample::Index,
    queue: prop::sample::Index,
    depth: usize,
    periodic: Option<(u32, u32)>,
    budget_ms: u32,
    takes_ms: u32,
    policy: &'static str,
    far: bool,
}

fn stirrer() -> impl Strategy<Value = Stirrer> {
    let periods = prop::sample::select(vec![5_u32, 10, 15, 40]);
    let policies = prop::sample::select(vec!["publish_late", "drop", "hold_last"]);
    let reads = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1_usize..5);
    (reads, prop::option::of((periods, 0_u32..20)), 1_u32..30, 1_u32..30, policies, any::<bool>()).prop_map(
        |((latest, queue, depth), periodic, budget_ms, takes_ms, policy, far)| Stirrer {
            latest,
            queue,
            depth,
            periodic,
            budget_ms,
            takes_ms,
            policy,
            far,
        },
    )
}

fn graph(nodes: &[Stirrer], threads: usize, whim: u64) -> Graph {
    let name_of = |topic: usize| match topic {
        0 | 1 => format!("/sensor{topic}"),
        _ => format!("/n{}", topic - 2),
    };
    let reads = |pick: &prop::sample::Index| pick.index(nodes.len() + 2);
    let own = threads.min(1); // without threads, everything is on the executor's own
    let mut profile = format!(
        "durations = \"sampled\"\n[contract]\nsensor_to_command_ms = 300.0\n[executor]\nsource_threads = {own}\n[domain.a]\nthreads = {threads}\n[domain.b]\nthreads = {own}\n"
    );
    for (k, node) in nodes.iter().enumerate() {
        let release = match node.periodic {
            Some((period, phase)) => format!("period_ms = {period}.0, phase_ms = {phase}.0"),
            None => format!("on = \"{}\"", name_of(reads(&node.latest))),
        };
        let domain = if k % 3 == 2 { "b" } else { "a" };
        profile += &format!(
            "[node.n{k}]\ndomain = \"{domain}\"\nrelease = {{ {release} }}\nbudget_ms = {}.0\non_miss = \"{}\"\n",
            node.budget_ms, node.policy
        );
        let most = f64::from(node.takes_ms);
        profile += &format!(
            "takes_ms = {{ least = {}, median = {}, p99 = {}, most = {most} }}\n",
            0.1 * most,
            0.5 * most,
            0.9 * most
        );
    }
    let mut graph = Graph::new(TimingProfile::from_toml(&profile, "test.toml").unwrap());
    let topics: Vec<_> = (0..nodes.len() + 2).map(|topic| graph.topic::<Number>(&name_of(topic))).collect();
    let platform = Platform { ticks: 0, latency_ms: [2, 7], whim };
    graph.source("platform", platform, &[topics[0].index(), topics[1].index()]).unwrap();
    for (k, node) in nodes.iter().enumerate() {
        let stir = Stir { state: k as u64, whim: mix(whim, k as u64) };
        let inputs = (topics[reads(&node.latest)].latest(), topics[reads(&node.queue)].queue(node.depth));
        let group = if node.far { Group(1) } else { Group::FIRST };
        graph.node(&format!("n{k}"), group, stir, inputs, (topics[k + 2].publish(),)).unwrap();
    }
    graph
}

fn options(seed: u64, log: &Log) -> RunOptions {
    RunOptions {
        end: LogicalTime::from_nanos(400_000_000),
        durations: Durations::Sampled(seed),
        observers: vec![Box::new(Keep(Arc::clone(log)))],
        ..RunOptions::default()
    }
}

fn whole(nodes: &[Stirrer], threads: usize, whim: u64, seed: u64) -> Messages {
    let log = Log::default();
    Executor::new(graph(nodes, threads, whim), options(seed, &log)).unwrap().run().unwrap();
    std::mem::take(&mut log.lock().unwrap())
}

/// What one process has sent and the other has not taken yet.
#[derive(Default)]
struct Post {
    steps: BTreeMap<(u16, u64), StepResult>,
    messages: BTreeMap<(u16, u32), Vec<u8>>,
}
type Letterbox = Arc<(Mutex<Post>, Condvar)>;

/// A link between two threads that stand for processes.
struct Wire {
    to: Letterbox,
    from: Letterbox,
}

impl Wire {
    fn wait<T>(&self, take: impl Fn(&mut Post) -> Option<T>) -> Result<T, RunError> {
        let (post, arrived) = &*self.from;
        let mut post = post.lock().unwrap();
        loop {
            if let Some(taken) = take(&mut post) {
                return Ok(taken);
            }
            let (guard, waited) = arrived.wait_timeout(post, Duration::from_secs(30)).unwrap();
            if waited.timed_out() {
                return Err(RunError::Link("nothing came".to_owned()));
            }
            post = guard;
        }
    }

    fn put(&self, put: impl FnOnce(&mut Post)) {
        put(&mut self.to.0.lock().unwrap());
        self.to.1.notify_all();
    }
}

impl Exchange for Wire {
    fn send_step(&mut self, step: &StepResult) -> Result<(), RunError> {
        self.put(|post| _ = post.steps.insert((step.node, step.release_index), step.clone()));
        Ok(())
    }
    fn receive_step(&mut self, vertex: u16, index: u64) -> Result<StepResult, RunError> {
        self.wait(|post| post.steps.remove(&(vertex, index)))
    }
    fn send_message(&mut self, topic: u16, sequence: u32, message: &dyn AnyMessage) -> Result<(), RunError> {
        let mut bytes = Vec::new();
        message.write_cdr(&mut bytes);
        self.put(|post| _ = post.messages.insert((topic, sequence), bytes));
        Ok(())
    }
    fn receive_message(&mut self, topic: u16, sequence: u32) -> Result<Vec<u8>, RunError> {
        self.wait(|post| post.messages.remove(&(topic, sequence)))
    }
}

fn in_two(nodes: &[Stirrer], threads: usize, whim: u64, seed: u64) -> Messages {
    let (here, there) = (Letterbox::default(), Letterbox::default());
    let log = Log::default();
    let run = |local: u8, graph: Graph, wire: Wire, log: &Log| {
        let split = Split { local: vec![Group(local)], records: local == 0 };
        let options = RunOptions { split: Some(split), exchange: Some(Box::new(wire)), ..options(seed, log) };
        Executor::new(graph, options).unwrap().run().unwrap();
    };
    std::thread::scope(|scope| {
        let (far, near) = (graph(nodes, threads, mix(whim, 1)), graph(nodes, threads, whim));
        let wire = Wire { to: Arc::clone(&here), from: Arc::clone(&there) };
        scope.spawn(move || run(1, far, wire, &Log::default()));
        run(0, near, Wire { to: there, from: here }, &log);
    });
    std::mem::take(&mut log.lock().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, max_shrink_iters: 100, ..ProptestConfig::default() })]
    #[test]
    fn the_same_bytes_on_any_threads_in_any_order_whole_or_split(
        nodes in prop::collection::vec(stirrer(), 1..9), whims in any::<[u64; 4]>(), seed in any::<u64>(),
    ) {
        let first = whole(&nodes, 1, whims[0], seed);
        prop_assert!(first.len() > 80, "the sensors alone say so much");
        for (threads, whim) in [(0, whims[3]), (2, whims[1]), (4, whims[2])] {
            prop_assert!(first == whole(&nodes, threads, whim, seed), "{threads} threads");
        }
        let split = in_two(&nodes, if seed.is_multiple_of(2) { 2 } else { 0 }, whims[3], seed);
        let part = first.iter().zip(&split).position(|(a, b)| a != b);
        prop_assert!(first == split, "split: {} and {} messages, part at {part:?}", first.len(), split.len());
    }
}
