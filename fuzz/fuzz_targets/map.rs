#![no_main]
//! The map's parsers on arbitrary text: `fuzz/run 3600` (or `cargo +nightly fuzz run map --features libfuzzer`).

libfuzzer_sys::fuzz_target!(|data: &[u8]| auriga_fuzz::read_and_ask(data));
