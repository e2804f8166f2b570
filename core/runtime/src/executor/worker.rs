//! The threads on which nodes compute.

use crate::graph::Body;
use crate::message::AnyMessage;
use crate::node::{NodeError, Step};
use crate::realtime::{self, Scheduling};
use crate::source::SourceOutputs;
use crate::topic::TopicIndex;
use crossbeam_channel::{Receiver, Sender};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// One step to compute. The body travels with it.
pub(super) struct Job {
    pub vertex: usize,
    pub body: Body,
    pub step: Step,
    /// Empty; comes back filled.
    pub made: Made,
}

/// What a step made.
#[derive(Default)]
pub(super) struct Made {
    pub messages: Vec<(TopicIndex, Arc<dyn AnyMessage>)>,
    pub source: SourceOutputs,
}

/// A computed step.
pub(super) struct Done {
    pub vertex: usize,
    pub body: Body,
    pub made: Made,
    pub result: Result<(), NodeError>,
    pub wall: Duration,
    /// Of the thread that ran it; `None` where the system does not say.
    pub cpu: Option<Duration>,
}

/// Spawns one worker thread that ends when the channel of jobs closes; scheduled as its domain asks, in a live run.
pub(super) fn spawn(
    name: String,
    jobs: Receiver<Job>,
    done: Sender<Done>,
    scheduling: Option<Scheduling>,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.clone()).spawn(move || {
        if let Some(Err(problem)) = scheduling.map(|scheduling| scheduling.apply()) {
            realtime::refused(&name, &problem);
        }
        for job in jobs {
            if done.send(compute(job)).is_err() {
                return;
            }
        }
    })
}

#[allow(clippy::disallowed_methods, reason = "measured for the statistics only; no output sees it")]
fn now() -> Instant {
    Instant::now()
}

/// The time for which the calling thread has been on a processor: what a step costs, whatever else runs on the machine.
fn thread_cpu() -> Option<Duration> {
    let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).ok()?;
    Some(Duration::from(time))
}

fn compute(job: Job) -> Done {
    let Job { vertex, mut body, step, mut made } = job;
    let (start, cpu_start) = (now(), thread_cpu());
    let attempt = catch_unwind(AssertUnwindSafe(|| match &mut body {
        Body::Node(node) => node.step(&step),
        Body::Source(source) => source.tick(step.release, &mut made.source),
    }));
    let wall = now() - start;
    let cpu = thread_cpu().zip(cpu_start).map(|(end, start)| end.saturating_sub(start));
    let result = attempt.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(NodeError(format!("panicked: {}", text.unwrap_or_else(|| "no message".to_owned()))))
    });
    if let Body::Node(node) = &mut body {
        if result.is_ok() {
            node.collect(&mut made.messages);
        }
        node.discard();
    }
    Done { vertex, body, made, result, wall, cpu }
}
