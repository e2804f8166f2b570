//! What a live run asks of the operating system: scheduling policy, priority, cores, memory that stays.
//!
//! Where the system refuses (no privilege), the run goes on at normal priority, and says so once.

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use nix::unistd::{Pid, Uid};
use serde::Deserialize;
use std::sync::atomic::{AtomicBool, Ordering};
use thread_priority::{
    NormalThreadSchedulePolicy, RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// Stack that is touched when a thread starts, bytes: its pages are there before the first step.
const STACK_TOUCHED: usize = 256 * 1024;
const PAGE: usize = 4096;

/// How the system schedules a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// As any other program's.
    #[default]
    Normal,
    /// SCHED_FIFO: runs until it waits.
    Fifo,
    /// SCHED_RR: takes turns with others of its priority.
    RoundRobin,
}

/// How the threads of a domain are scheduled in a live run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scheduling {
    /// The policy.
    pub policy: Policy,
    /// 1 (lowest) to 99; of no meaning under [`Policy::Normal`].
    pub priority: u8,
    /// Where they may run; empty: anywhere.
    pub cores: Vec<usize>,
}

impl Scheduling {
    /// What is wrong with it, if anything.
    pub(crate) fn check(&self) -> Result<(), String> {
        match (self.policy, self.priority) {
            (Policy::Normal, 0) | (Policy::Fifo | Policy::RoundRobin, 1..=99) => {}
            (Policy::Normal, _) => {
                return Err("priority: needs policy = \"fifo\" or \"round_robin\"".to_owned());
            }
            (_, other) => return Err(format!("priority = {other}: must be in 1..=99")),
        }
        match self.cores.iter().find(|core| **core >= CpuSet::count()) {
            Some(core) => Err(format!("cores: {core} is beyond {}", CpuSet::count() - 1)),
            None => Ok(()),
        }
    }

    fn is_normal(&self) -> bool {
        *self == Self::default()
    }

    /// Schedules the calling thread so; what the system refused.
    pub(crate) fn apply(&self) -> Result<(), String> {
        if self.is_normal() {
            return Ok(());
        }
        touch_stack();
        let mut refused = Vec::new();
        if !self.cores.is_empty()
            && let Err(problem) = self.pin()
        {
            refused.push(problem);
        }
        let policy = match self.policy {
            Policy::Normal => None,
            Policy::Fifo => Some(RealtimeThreadSchedulePolicy::Fifo),
            Policy::RoundRobin => Some(RealtimeThreadSchedulePolicy::RoundRobin),
        };
        if let Some(policy) = policy
            && let Err(error) = set(self.priority, ThreadSchedulePolicy::Realtime(policy))
        {
            refused.push(format!("{policy:?} with priority {}: {error}", self.priority));
        }
        if refused.is_empty() { Ok(()) } else { Err(refused.join("; ")) }
    }

    fn pin(&self) -> Result<(), String> {
        let mut set = CpuSet::new();
        for &core in &self.cores {
            set.set(core).map_err(|error| format!("core {core}: {error}"))?;
        }
        let pinned = sched_setaffinity(Pid::from_raw(0), &set);
        pinned.map_err(|error| format!("cores {:?}: {error}", self.cores))
    }
}

fn set(priority: u8, policy: ThreadSchedulePolicy) -> Result<(), String> {
    let priority = priority.try_into().map_err(|_| "no such priority".to_owned())?;
    set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Crossplatform(priority), policy)
        .map_err(|error| format!("{error:?}"))
}

/// Reads and writes every page of the stack that a step may need.
#[inline(never)]
fn touch_stack() {
    let mut stack = [0_u8; STACK_TOUCHED];
    for byte in stack.iter_mut().step_by(PAGE) {
        *byte = std::hint::black_box(1);
    }
    std::hint::black_box(&stack);
}

/// Keeps all memory of the process, now and later, in RAM.
pub(crate) fn lock_memory() -> Result<(), String> {
    // With a limit, locking would make a later allocation fail instead of this call.
    let limit = getrlimit(Resource::RLIMIT_MEMLOCK).map_err(|error| format!("memory lock: {error}"))?;
    if limit.0 != RLIM_INFINITY && !Uid::effective().is_root() {
        return Err(format!("memory lock: limited to {} bytes (`ulimit -l`)", limit.0));
    }
    mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE)
        .map_err(|error| format!("memory lock: {error}"))
}

/// Says once in the life of the process what the system refused.
pub(crate) fn refused(thread: &str, problem: &str) {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "{thread}: {problem}; it runs as any other program does. Give the process CAP_SYS_NICE and CAP_IPC_LOCK, or \
             raise `ulimit -r` and `ulimit -l`"
        );
    }
}

/// The calling thread's schedule before it was changed; given back when this is dropped.
pub(crate) struct Before(Option<CpuSet>);

impl Before {
    /// Remembers where the calling thread may run.
    pub fn now() -> Self {
        Self(sched_getaffinity(Pid::from_raw(0)).ok())
    }
}

impl Drop for Before {
    fn drop(&mut self) {
        let _ = set(0, ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other));
        if let Some(cores) = &self.0 {
            let _ = sched_setaffinity(Pid::from_raw(0), cores);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_schedules_are_named() {
        let of = |policy, priority, cores: &[usize]| Scheduling { policy, priority, cores: cores.to_vec() };
        assert!(of(Policy::Normal, 0, &[0]).check().is_ok());
        assert!(of(Policy::Fifo, 80, &[]).check().is_ok());
        assert!(of(Policy::Fifo, 0, &[]).check().unwrap_err().contains("1..=99"));
        assert!(of(Policy::Normal, 5, &[]).check().unwrap_err().contains("needs policy"));
        assert!(of(Policy::Normal, 0, &[9_999]).check().unwrap_err().contains("9999 is beyond"));
    }

    #[test]
    fn a_thread_is_scheduled_as_asked_or_says_what_was_refused() {
        let asked = Scheduling { policy: Policy::Fifo, priority: 5, cores: vec![0] };
        let (applied, policy, cores) = std::thread::spawn(move || {
            let applied = asked.apply();
            let policy = thread_priority::thread_schedule_policy().unwrap();
            (applied, policy, sched_getaffinity(Pid::from_raw(0)).unwrap())
        })
        .join()
        .unwrap();
        let is_fifo = matches!(policy, ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo));
        match applied {
            Ok(()) => {
                assert!(is_fifo && cores.is_set(0).unwrap());
                assert!((1..CpuSet::count()).all(|core| !cores.is_set(core).unwrap()));
            }
            Err(refused) => assert!(!is_fifo && refused.contains("Fifo with priority 5"), "{refused}"),
        }
    }
}
