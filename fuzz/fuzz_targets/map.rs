#![no_main]
//! The map's parsers on arbitrary text: `cargo +nightly fuzz run map --features libfuzzer fuzz/corpus/map`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| auriga_fuzz::read_and_ask(data));
