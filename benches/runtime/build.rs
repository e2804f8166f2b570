//! Copper's macros look for the index of its text log here.
fn main() {
    println!("cargo:rerun-if-changed=copper");
    println!("cargo:rustc-env=LOG_INDEX_DIR={}", std::env::var("OUT_DIR").unwrap_or_default());
}
