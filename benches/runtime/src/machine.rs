//! Where a benchmark runs, and what else the machine was doing.

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use std::error::Error;
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};

/// The core on which the loops run.
pub const CORE: usize = 1;

/// The calling thread stays on [`CORE`].
pub fn pin() -> Result<(), Box<dyn Error>> {
    let mut set = CpuSet::new();
    set.set(CORE)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

/// The calling thread under SCHED_FIFO, priority 80.
pub fn fifo() -> Result<(), Box<dyn Error>> {
    let priority = ThreadPriority::Crossplatform(80_u8.try_into()?);
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    set_thread_priority_and_policy(thread_native_id(), priority, policy)
        .map_err(|error| format!("{error:?}").into())
}

/// (busy, stolen, all) jiffies of all cores so far.
pub fn jiffies() -> [u64; 3] {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let numbers = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let fields: Vec<u64> = numbers.map(|number| number.parse().unwrap_or(0)).collect();
    let of = |index: usize| fields.get(index).copied().unwrap_or(0);
    let all = (0..8).map(of).sum::<u64>();
    [all - of(3) - of(4), of(7), all]
}

/// Share of the machine's time that was busy and stolen since, in per cent, and the load average.
pub fn since(before: [u64; 3]) -> String {
    let now = jiffies();
    let all = (now[2] - before[2]).max(1) as f64;
    let share = |index: usize| 100.0 * (now[index] - before[index]) as f64 / all;
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("?").to_owned();
    format!("{:.0} % busy, {:.1} % stolen, load {load}", share(0), share(1))
}
