//! A run makes no Rust allocation. Alone in its file, because it counts those of the whole process.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use auriga_models::{Network, NetworkOptions, Runtime, Store};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands every request to the system's allocator, unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_run_makes_no_rust_allocation() {
    let folder = PathBuf::from(std::env::var_os("AURIGA_MODELS").unwrap_or_default());
    if !folder.join("yolox_nano.onnx").is_file() {
        assert!(
            std::env::var("AURIGA_REQUIRE_DATA").as_deref() != Ok("1"),
            "{} has no models",
            folder.display()
        );
        let _ = writeln!(std::io::stderr(), "skipped: no models in `{}` (AURIGA_MODELS)", folder.display());
        return;
    }
    let store = Store::new(vec![Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf(), folder]);
    let model = store.load("yolox_nano").unwrap();
    let mut network = Network::load(Runtime::get().unwrap(), &model, &NetworkOptions::default()).unwrap();
    network.run().unwrap();
    // The test harness's own thread may allocate once in a while: the least of some runs is the run's own.
    let least = (0..5)
        .map(|_| {
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            network.input_mut(0).fill(1.0);
            network.run().unwrap();
            ALLOCATIONS.load(Ordering::Relaxed) - before
        })
        .min();
    assert_eq!(least, Some(0));
}
