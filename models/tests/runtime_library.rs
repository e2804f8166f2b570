//! Finding and fetching ONNX Runtime, with a Python of our own in place of the real one.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use auriga_models::runtime_library::{Pin, Search};
use auriga_models::sha256_hex;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("auriga-ort-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("temporary folder");
        Self(path)
    }

    /// A program that takes the arguments of `python3 -m pip download … -d FOLDER` and `python3 -c … WHEEL MEMBER LIBRARY`.
    fn python(&self, script: &str) -> PathBuf {
        let path = self.0.join("python");
        fs::write(&path, format!("#!/bin/sh\nfor last; do :; done\n{script}\n")).expect("script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
        path
    }

    fn search(&self, python: PathBuf) -> Search {
        Search {
            named: None,
            cache: Some(self.0.join("cache")),
            system: vec![self.0.join("system")],
            python,
            pin: Some(Pin {
                architecture: "x86_64",
                wheel_sha256: sha256_hex(b"wheel"),
                library_sha256: sha256_hex(b"library"),
            }),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const GOOD: &str =
    r#"if [ "$1" = -m ]; then printf wheel > "$last/onnxruntime.whl"; else printf library > "$last"; fi"#;

#[test]
fn it_is_fetched_once_and_then_found() {
    let folder = Folder::new("once");
    let library = folder.search(folder.python(GOOD)).locate().expect("fetched");
    assert_eq!(fs::read(&library).expect("library"), b"library");
    let again = folder.search("/no/python".into()).locate().expect("found in the cache");
    assert_eq!(library, again);
    let left: Vec<_> = fs::read_dir(library.parent().expect("folder")).expect("folder").collect();
    assert_eq!(left.len(), 1, "only the library stays: {left:?}");
}

#[test]
fn a_damaged_cache_is_mended() {
    let folder = Folder::new("mend");
    let library = folder.search(folder.python(GOOD)).locate().expect("fetched");
    fs::write(&library, b"lib").expect("damage");
    folder.search(folder.python(GOOD)).locate().expect("fetched again");
    assert_eq!(fs::read(&library).expect("library"), b"library");
}

#[test]
fn many_at_once_do_not_break_each_other() {
    let folder = Folder::new("many");
    let search = folder.search(folder.python(&format!("sleep 0.05; {GOOD}")));
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let library = search.locate().expect("fetched or found");
                assert_eq!(fs::read(library).expect("library"), b"library");
            });
        }
    });
}

#[track_caller]
fn check_remedy(search: &Search, parts: &[&str]) {
    let text = search.locate().expect_err("not to be had").to_string();
    for part in parts.iter().chain(&["PyPI", "pip", "AURIGA_ORT_LIB", "libonnxruntime.so"]) {
        assert!(text.contains(part), "no `{part}` in: {text}");
    }
}

#[test]
fn what_goes_wrong_is_said_with_the_remedy() {
    let folder = Folder::new("wrong");
    check_remedy(&folder.search("/no/python".into()), &["/no/python did not start"]);
    let offline = folder.python("echo 'ERROR: No matching distribution found' >&2; exit 1");
    check_remedy(&folder.search(offline), &["pip download failed", "No matching distribution"]);
    check_remedy(&folder.search(folder.python("true")), &["no wheel"]);
    let forged = folder.python(&GOOD.replace("printf wheel", "printf forged"));
    check_remedy(&folder.search(forged), &["the wheel from PyPI has sha256", &sha256_hex(b"wheel")]);
    let forged = folder.python(&GOOD.replace("printf library", "printf forged"));
    check_remedy(&folder.search(forged), &["the library in the wheel has sha256"]);
    let search = folder.search("/no/python".into());
    check_remedy(&Search { pin: None, ..search.clone() }, &["this processor"]);
    check_remedy(&Search { cache: None, ..search }, &["XDG_CACHE_HOME"]);
}

#[test]
fn the_named_library_is_taken_or_refused_but_never_passed_over() {
    let folder = Folder::new("named");
    let search = folder.search(folder.python(GOOD));
    let named = folder.0.join("mine.so");
    let text =
        Search { named: Some(named.clone()), ..search.clone() }.locate().expect_err("absent").to_string();
    assert!(text.contains("mine.so") && text.contains("AURIGA_ORT_LIB"), "{text}");
    fs::write(&named, b"mine").expect("write");
    let found = Search { named: Some(named.clone()), ..search }.locate().expect("present");
    assert_eq!(found, named.canonicalize().expect("path"));
}

#[test]
fn the_systems_library_is_taken_when_it_is_new_enough() {
    let folder = Folder::new("system");
    let system = folder.0.join("system");
    fs::create_dir_all(&system).expect("folder");
    fs::write(system.join("libonnxruntime.so.1.22.0"), b"old").expect("write");
    let search = folder.search("/no/python".into());
    assert!(search.locate().is_err());
    fs::write(system.join("libonnxruntime.so.1.33.2"), b"new").expect("write");
    std::os::unix::fs::symlink("libonnxruntime.so.1.33.2", system.join("libonnxruntime.so")).expect("link");
    assert!(search.locate().expect("found").ends_with("libonnxruntime.so.1.33.2"));
}
