//! Two serial CAN adapters on one bus: two pseudo-terminals, and a thread that is the adapters and the wire between them.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

/// The bus; gone when it is dropped.
pub struct SerialLine {
    /// The devices that programs open.
    pub ends: [PathBuf; 2],
    opened: Arc<AtomicUsize>,
    ends_now: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The adapter's side of a line, and the program's, kept open so that the line stays as it is between programs.
struct Line {
    adapter: OwnedFd,
    device: OwnedFd,
    path: PathBuf,
    pending: Vec<u8>,
}

impl Line {
    fn open() -> Self {
        let adapter = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&adapter).unwrap();
        unlockpt(&adapter).unwrap();
        let path = PathBuf::from(ptsname(&adapter, Vec::new()).unwrap().to_str().unwrap());
        let device = rustix::fs::open(&path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let mut settings = tcgetattr(&device).unwrap();
        settings.make_raw();
        tcsetattr(&device, OptionalActions::Now, &settings).unwrap();
        Self { adapter, device, path, pending: Vec::new() }
    }

    fn say(&self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let written = rustix::io::write(&self.adapter, bytes).unwrap();
            bytes = &bytes[written..];
        }
    }

    /// The next complete line, without its end.
    fn next(&mut self) -> Option<Vec<u8>> {
        let end = self.pending.iter().position(|&byte| byte == b'\r')?;
        let mut line: Vec<u8> = self.pending.drain(..=end).collect();
        line.pop();
        Some(line)
    }
}

/// Waits for bytes on both lines for a little while.
fn readable(lines: &[Line; 2]) -> [bool; 2] {
    let mut polled = [0, 1].map(|k| PollFd::new(&lines[k].adapter, PollFlags::IN));
    let wait = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
    poll(&mut polled, Some(&wait)).unwrap();
    polled.each_ref().map(|fd| fd.revents().contains(PollFlags::IN))
}

fn serve(mut lines: [Line; 2], opened: &AtomicUsize, ends_now: &AtomicBool) {
    let mut buffer = [0; 4096];
    while !ends_now.load(Ordering::Relaxed) {
        let readable = readable(&lines);
        for (from, to) in [(0, 1), (1, 0)] {
            if readable[from] {
                let read = rustix::io::read(&lines[from].adapter, &mut buffer).unwrap();
                lines[from].pending.extend_from_slice(&buffer[..read]);
            }
            while let Some(mut line) = lines[from].next() {
                let answer: &[u8] = match line.first() {
                    Some(b't' | b'r') => b"z\r",
                    Some(b'T' | b'R') => b"Z\r",
                    _ => b"\r",
                };
                opened.fetch_add(usize::from(line == b"O"), Ordering::Relaxed);
                lines[from].say(answer);
                if answer.len() > 1 {
                    line.push(b'\r');
                    lines[to].say(&line);
                }
            }
        }
    }
    drop(lines.map(|line| line.device));
}

impl SerialLine {
    /// Two adapters, nobody at them yet.
    pub fn open() -> Self {
        let lines = [Line::open(), Line::open()];
        let ends = lines.each_ref().map(|line| line.path.clone());
        let (opened, ends_now) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, flag) = (Arc::clone(&opened), Arc::clone(&ends_now));
        let thread = std::thread::spawn(move || serve(lines, &count, &flag));
        Self { ends, opened, ends_now, thread: Some(thread) }
    }

    /// How often a program has opened its channel.
    pub fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }
}

impl Drop for SerialLine {
    fn drop(&mut self) {
        self.ends_now.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
