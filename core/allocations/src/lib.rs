//! An allocator that counts, and tells of threads that allocate though they said they would not.
//!
//! A program installs [`Counted`]; a thread that is to do without the heap says so with [`watch_thread`]. From then on each
//! allocation that it makes outside of [`permit`] is an *offence*: counted under the thread's name, and with
//! `AURIGA_ABORT_ON_ALLOCATION=1` in the environment the end of the process, with the thread's name and a backtrace. Giving
//! memory back is no offence. Without [`Counted`] installed nothing is counted and nothing happens.
//!
//! A crate of its own, because an allocator takes unsafe code; all of it is in `unsafe impl GlobalAlloc`, which does what
//! [`System`] does.
//!
//! ```
//! use auriga_allocations::{Counted, allocated, offences, permit, unwatch_thread, watch_thread};
//!
//! #[global_allocator]
//! static ALLOCATOR: Counted = Counted;
//!
//! watch_thread("example");
//! let kept = permit(|| vec![1, 2, 3]); // says that it may
//! let before = allocated();
//! drop(std::hint::black_box(Box::new(7))); // does not
//! unwatch_thread();
//! assert_eq!(allocated() - before, 1);
//! assert_eq!(offences(), [("example".to_owned(), 1)]);
//! # drop(kept);
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, Once, PoisonError};

/// The environment variable that makes the first offence the end of the process.
pub const ABORT: &str = "AURIGA_ABORT_ON_ALLOCATION";

/// What [`System`] does, counted. For `#[global_allocator]`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted;

/// A watched thread's record; kept for the life of the process.
struct Watched {
    name: String,
    offences: AtomicU64,
}

thread_local! {
    // Constant and without destructors: the allocator can look at them at any time.
    static ALLOCATED: Cell<u64> = const { Cell::new(0) };
    static WATCHED: Cell<Option<&'static Watched>> = const { Cell::new(None) };
    static PERMITTED: Cell<bool> = const { Cell::new(false) };
}

static THREADS: Mutex<Vec<&'static Watched>> = Mutex::new(Vec::new());
static ABORTS: AtomicBool = AtomicBool::new(false);
static ENVIRONMENT: Once = Once::new();

#[inline]
fn count(bytes: usize) {
    ALLOCATED.set(ALLOCATED.get().wrapping_add(1));
    if let Some(watched) = WATCHED.get()
        && !PERMITTED.get()
    {
        offend(watched, bytes);
    }
}

#[cold]
fn offend(watched: &'static Watched, bytes: usize) {
    watched.offences.fetch_add(1, Ordering::Relaxed);
    if ABORTS.load(Ordering::Relaxed) {
        WATCHED.set(None); // what follows allocates
        let trace = std::backtrace::Backtrace::force_capture();
        let _ = writeln!(
            std::io::stderr(),
            "thread {}: allocated {bytes} bytes, and it is not to allocate any ({ABORT} is set)\n{trace}",
            watched.name
        );
        std::process::abort();
    }
}

#[allow(unsafe_code, reason = "the trait of allocators is unsafe")]
// SAFETY: each method passes its arguments on to `System` as they are and gives back what it gives; counting neither
// allocates nor unwinds.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// From now on the calling thread does not allocate, under this name. Threads of one name share a count.
pub fn watch_thread(name: &str) {
    ENVIRONMENT.call_once(|| {
        let asked = std::env::var_os(ABORT).is_some_and(|value| value == "1");
        ABORTS.store(asked, Ordering::Relaxed);
    });
    unwatch_thread();
    let mut threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = threads.iter().find(|watched| watched.name == name).copied();
    let watched = known.unwrap_or_else(|| {
        let watched: &'static Watched =
            Box::leak(Box::new(Watched { name: name.to_owned(), offences: AtomicU64::new(0) }));
        threads.push(watched);
        watched
    });
    drop(threads);
    WATCHED.set(Some(watched));
}

/// The calling thread may allocate again.
pub fn unwatch_thread() {
    WATCHED.set(None);
}

/// Runs `f`, in which the calling thread may allocate.
#[inline]
pub fn permit<R>(f: impl FnOnce() -> R) -> R {
    with(true, f)
}

/// Runs `f`, in which the calling thread may not allocate if it is watched, though it is within [`permit`].
#[inline]
pub fn forbid<R>(f: impl FnOnce() -> R) -> R {
    with(false, f)
}

/// Puts the mark back, also when `f` panics.
struct Restore(bool);

impl Drop for Restore {
    #[inline]
    fn drop(&mut self) {
        PERMITTED.set(self.0);
    }
}

fn with<R>(permitted: bool, f: impl FnOnce() -> R) -> R {
    let _restore = Restore(PERMITTED.replace(permitted));
    f()
}

/// Allocations of the calling thread so far; 0 where [`Counted`] is not installed.
#[must_use]
#[inline]
pub fn allocated() -> u64 {
    ALLOCATED.get()
}

/// The offences of all threads that were ever watched, by name in the order in which they first were.
#[must_use]
pub fn offences() -> Vec<(String, u64)> {
    let threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    threads.iter().map(|watched| (watched.name.clone(), watched.offences.load(Ordering::Relaxed))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[global_allocator]
    static ALLOCATOR: Counted = Counted;

    fn offences_of(name: &str) -> u64 {
        offences().into_iter().find(|(thread, _)| thread == name).map_or(0, |(_, count)| count)
    }

    #[test]
    fn only_what_is_not_permitted_is_an_offence() {
        watch_thread("permits");
        permit(|| black_box(vec![1_u8; 100]));
        permit(|| forbid(|| black_box(vec![1_u8; 100])));
        let panicked = std::panic::catch_unwind(|| permit(|| std::panic::resume_unwind(Box::new(1))));
        drop(black_box(vec![2_u8; 100])); // the permission has ended with the panic
        unwatch_thread();
        drop(black_box(vec![2_u8; 100]));
        assert!(panicked.is_err());
        assert_eq!(offences_of("permits"), 2);
    }

    #[test]
    fn growing_and_zeroed_memory_count_and_giving_back_does_not() {
        let mut kept: Vec<u64> = black_box(Vec::with_capacity(4));
        watch_thread("grows");
        kept.extend([1, 2, 3, 4]);
        assert_eq!(offences_of_watched(), 0);
        kept.push(5);
        drop(black_box(vec![0_u8; 64]));
        drop(kept);
        unwatch_thread();
        assert_eq!(offences_of("grows"), 2);
    }

    fn offences_of_watched() -> u64 {
        permit(|| offences_of("grows"))
    }

    #[test]
    fn other_threads_may_allocate() {
        watch_thread("quiet");
        permit(|| std::thread::spawn(|| drop(black_box(vec![1_u8; 100]))).join()).unwrap();
        unwatch_thread();
        assert_eq!(offences_of("quiet"), 0);
    }

    const CHILD: &str = "AURIGA_TEST_ALLOCATES";

    /// Not a test of its own: the process of the next one.
    #[test]
    fn offending_child() {
        if std::env::var_os(CHILD).is_some() {
            watch_thread("guilty");
            drop(black_box(vec![1_u8; 123]));
        }
    }

    #[test]
    fn the_switch_ends_the_process_at_the_first_offence_and_names_the_thread() {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["tests::offending_child", "--exact", "--nocapture"])
            .envs([(CHILD, "1"), (ABORT, "1")])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stderr);
        assert!(!child.status.success());
        assert!(said.contains("thread guilty: allocated 123 bytes"), "{said}");
    }
}
