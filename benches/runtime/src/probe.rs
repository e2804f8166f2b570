//! When iterations began: the same instrument on all sides, called by the source itself.

use std::cell::RefCell;
use std::time::Instant;

thread_local! {
    static PROBE: RefCell<Option<(Instant, Vec<u64>)>> = const { RefCell::new(None) };
}

/// Room for that many iterations of the calling thread.
pub fn begin(iterations: usize) {
    PROBE.set(Some((Instant::now(), Vec::with_capacity(iterations + 1_024))));
}

/// An iteration begins; how many have begun before.
pub fn tick() -> usize {
    PROBE.with_borrow_mut(|probe| {
        let Some((start, ticks)) = probe else { return 0 };
        if ticks.len() < ticks.capacity() {
            ticks.push(start.elapsed().as_nanos() as u64);
        }
        ticks.len() - 1
    })
}

/// The instants, nanoseconds.
pub fn end() -> Vec<u64> {
    PROBE.take().map(|(_, ticks)| ticks).unwrap_or_default()
}

/// From one instant to the next, without the first tenth.
pub fn intervals(ticks: &[u64]) -> Vec<u64> {
    let spans = ticks.windows(2).map(|pair| pair[1] - pair[0]);
    sorted(spans.skip(ticks.len() / 10).collect())
}

/// How far each interval is from the median one, without the first tenth; and how far the median one is from `period`
/// nanoseconds, in parts per million. (A loop may take its time from another clock than this one, or leave out periods that
/// it has missed: from a common grid its ticks would then only get further and further away.)
pub fn jitter(ticks: &[u64], period: u64) -> (Vec<u64>, f64) {
    let spans = intervals(ticks);
    let median = quantile(&spans, 0.5);
    let drift = (median as f64 / period as f64 - 1.0) * 1e6;
    (sorted(spans.into_iter().map(|span| span.abs_diff(median)).collect()), drift)
}

fn sorted(mut nanos: Vec<u64>) -> Vec<u64> {
    nanos.sort_unstable();
    nanos
}

/// Of a sorted list.
pub fn quantile(sorted: &[u64], share: f64) -> u64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(0)
}

/// The same pseudo-random 64 bytes for the same number (SplitMix64's output function).
pub fn payload(number: u64) -> [u64; 8] {
    std::array::from_fn(|word| {
        let z = number.wrapping_mul(8).wrapping_add(word as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z ^ (z >> 31)
    })
}
