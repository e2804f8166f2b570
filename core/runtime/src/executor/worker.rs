//! The threads on which nodes compute.

use crate::graph::Body;
use crate::node::{NodeError, Produced, Step};
use crate::realtime::{self, Scheduling};
use crate::source::SourceOutputs;
use crate::statistics::{Measured, Measuring, Times};
use auriga_allocations::{allocated, permit, watch_thread};
use crossbeam_channel::{Receiver, Select, Sender};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Waits at an empty channel for no time at all, as if by `threads` threads: a channel allocates when threads wait at it for
/// the first time, and so does a thread, and that is to happen before the run.
pub(super) fn wait_once<T>(channel: &Receiver<T>, threads: usize) {
    let mut select = Select::new();
    for _ in 0..threads {
        select.recv(channel);
    }
    // Registers in any case. Nothing is sent before the run, so that nothing can be selected.
    let _ = select.select_timeout(Duration::ZERO).map(|selected| selected.recv(channel));
}

/// One step to compute. The body travels with it.
pub(super) struct Job {
    pub vertex: usize,
    pub body: Body,
    pub step: Step,
    /// Empty; comes back filled.
    pub made: Made,
    pub measuring: Measuring,
    /// The run has warmed up: from now on the thread allocates nothing outside of steps.
    pub watched: bool,
}

/// What a step made.
#[derive(Default)]
pub(super) struct Made {
    pub produced: Produced,
    pub source: SourceOutputs,
}

impl Made {
    /// With room for what a vertex may make.
    pub fn with_capacity(messages: usize, emissions: usize) -> Self {
        let mut made = Self::default();
        made.produced.messages.reserve(messages);
        made.source.emissions.reserve(emissions);
        made
    }
}

/// How a step ended.
pub(super) struct Ended {
    pub result: Result<(), NodeError>,
    pub measured: Measured,
}

/// A computed step.
pub(super) struct Done {
    pub vertex: usize,
    pub body: Body,
    pub made: Made,
    pub ended: Ended,
}

/// Spawns one worker thread that ends when the channel of jobs closes; scheduled as its domain asks, in a live run. Says when
/// it is ready for jobs.
pub(super) fn spawn(
    name: String,
    jobs: Receiver<Job>,
    done: Sender<Done>,
    scheduling: Option<Scheduling>,
    ready: Sender<()>,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.clone()).spawn(move || {
        if let Some(Err(problem)) = scheduling.map(|scheduling| scheduling.apply()) {
            realtime::refused(&name, &problem);
        }
        wait_once(&jobs, 1);
        let _ = ready.send(());
        drop(ready);
        let mut is_watched = false;
        for job in jobs {
            let Job { vertex, mut body, step, mut made, measuring, watched } = job;
            if watched && !is_watched {
                watch_thread(&name);
                is_watched = true;
            }
            let ended = compute(&mut body, &step, &mut made, measuring);
            if done.send(Done { vertex, body, made, ended }).is_err() {
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

/// One step, on the calling thread.
pub(super) fn compute(body: &mut Body, step: &Step, made: &mut Made, measuring: Measuring) -> Ended {
    let start = (measuring != Measuring::Nothing).then(now);
    let cpu_start = if measuring == Measuring::All { thread_cpu() } else { None };
    let allocated_before = allocated();
    let Made { produced, source } = made;
    let attempt = catch_unwind(AssertUnwindSafe(|| match body {
        Body::Node(node) => node.step(step, produced),
        Body::Source(body) => permit(|| body.tick(step.release, source)),
    }));
    let cpu = || cpu_start.and_then(|start| Some(thread_cpu()?.saturating_sub(start))).unwrap_or_default();
    let measured = Measured {
        times: start.map(|start| Times { wall: now() - start, cpu: cpu() }),
        allocations: allocated() - allocated_before,
    };
    let result = attempt.unwrap_or_else(|panic| {
        if let Body::Node(node) = body {
            node.discard();
        }
        permit(|| Err(panicked(&*panic)))
    });
    Ended { result, measured }
}

#[cold]
fn panicked(panic: &(dyn Any + Send)) -> NodeError {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    NodeError(format!("panicked: {}", text.unwrap_or("no message")))
}
