//! Disks that lose their power, tear what was written last, are full, or stand still.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::tests::StuckDisk;
use super::*;
use auriga_geometry::LogicalTime;
use auriga_wire::message;
use proptest::prelude::*;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

message! {
    /// Bytes.
    pub struct Blob = "auriga_test_msgs/msg/Blob" {
        /// They.
        pub data: Vec<u8>,
    }
}

/// What was asked of a disk, in order.
#[derive(Clone, Debug)]
enum Asked {
    Append(Vec<u8>),
    Sync,
}

/// Remembers everything, so that the power can be cut at any moment afterwards.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Vec<Asked>>>);

impl Storage for Journal {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().push(Asked::Append(bytes.to_vec()));
        Ok(())
    }
    fn sync(&mut self) -> io::Result<()> {
        self.0.lock().unwrap().push(Asked::Sync);
        Ok(())
    }
}

/// What is on a disk after its power went away after `count` requests.
struct Cut {
    /// Up to the last sync: certainly there.
    safe: Vec<u8>,
    /// After it: perhaps there, perhaps in part.
    unsafe_tail: Vec<u8>,
}

impl Journal {
    fn cut(&self, count: usize) -> Cut {
        let mut cut = Cut { safe: Vec::new(), unsafe_tail: Vec::new() };
        for asked in &self.0.lock().unwrap()[..count] {
            match asked {
                Asked::Append(bytes) => cut.unsafe_tail.extend_from_slice(bytes),
                Asked::Sync => cut.safe.append(&mut cut.unsafe_tail),
            }
        }
        cut
    }
}

fn at(nanos: i64) -> LogicalTime {
    LogicalTime::from_nanos(nanos)
}

fn blob(number: u64, bytes: usize) -> Blob {
    // SplitMix64, so that it does not compress away.
    let byte = |i: u64| {
        let mut z = (i + (number << 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as u8
    };
    Blob { data: (0..bytes as u64).map(byte).collect() }
}

fn scratch(name: &str, bytes: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("auriga-power-{}-{name}.mcap", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Instants of all messages that a disk's bytes give.
fn instants(name: &str, bytes: &[u8]) -> Vec<LogicalTime> {
    let path = scratch(name, bytes);
    let recording = Recording::open(&path).unwrap();
    let (mut messages, mut found) = (recording.messages(), Vec::new());
    while let Some(message) = messages.next_message().unwrap() {
        found.push(message.publication);
    }
    std::fs::remove_file(&path).unwrap();
    found
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 48, ..ProptestConfig::default() })]

    /// Whatever was recorded and whenever the power goes: everything up to the last sync is read, in order, and what was in
    /// the file and is lost is at most a second of it. What the last write left behind, torn or garbled, harms nothing.
    #[test]
    fn a_power_cut_costs_at_most_the_last_second(
        steps in prop::collection::vec((0_i64..400_000_000, 1_usize..60_000), 1..60),
        (when, torn, garbled) in (0.0..1.0, 0.0..1.0, any::<bool>()),
    ) {
        let journal = Journal::default();
        let options = RecorderOptions::new(vec![TopicInfo::of::<Blob>("/blob")]);
        let recorder = Recorder::with_storage(journal.clone(), Path::new("journal"), options).unwrap();
        let (mut now, mut all) = (0, Vec::new());
        for (number, (step, bytes)) in steps.iter().enumerate() {
            now += step;
            all.push(at(now));
            recorder.handle().record(0, number as u32, at(now), Arc::new(blob(number as u64, *bytes))).unwrap();
        }
        recorder.finish().unwrap();
        let count = journal.0.lock().unwrap().len();
        // The first requests write what stands before the messages, up to the first sync.
        let first = journal.0.lock().unwrap().iter().position(|asked| matches!(asked, Asked::Sync)).unwrap() + 1;
        let count = first + ((count - first) as f64 * when) as usize;
        let cut = journal.cut(count);
        let saved = instants("safe", &cut.safe);
        prop_assert_eq!(&saved[..], &all[..saved.len()]);
        // With all that the disk was given, as if it had had its last second.
        let whole: Vec<u8> = cut.safe.iter().chain(&cut.unsafe_tail).copied().collect();
        let given = instants("given", &whole);
        if let (Some(last), Some(lost)) = (given.last(), given.get(saved.len())) {
            prop_assert!(last.since(*lost).as_nanos() <= 1_000_000_000, "{} to {}", lost, last);
        }
        // A torn write: a part of the tail, perhaps with garbage in it.
        let mut tail = cut.unsafe_tail[..(cut.unsafe_tail.len() as f64 * torn) as usize].to_vec();
        if garbled {
            let middle = tail.len() / 2;
            tail[middle..].fill(0);
        }
        let torn: Vec<u8> = cut.safe.iter().chain(&tail).copied().collect();
        let read = instants("torn", &torn);
        prop_assert!(read.len() >= saved.len());
        prop_assert_eq!(&read[..], &all[..read.len()]);
    }
}

#[test]
fn what_a_power_cut_left_is_mended() {
    let journal = Journal::default();
    let mut options = RecorderOptions::new(vec![TopicInfo::of::<Blob>("/blob")]);
    options.attachments.push(Attachment::new("timing.toml", "application/toml", b"[contract]".to_vec()));
    let recorder = Recorder::with_storage(journal.clone(), Path::new("journal"), options).unwrap();
    for number in 0..50 {
        let now = at(i64::from(number) * 100_000_000);
        recorder.handle().record(0, number, now, Arc::new(blob(u64::from(number), 100))).unwrap();
    }
    recorder.finish().unwrap();
    let all = journal.0.lock().unwrap().len();
    let cut = journal.cut(all - 4);
    let from = scratch("mend", &[cut.safe, cut.unsafe_tail[..10].to_vec()].concat());
    let to = from.with_extension("mended.mcap");
    let mended = recover(&from, &to).unwrap();
    assert_eq!((mended.summary.messages[0].1, mended.lost_bytes), (40, 10));
    let recording = Recording::open(&to).unwrap();
    assert!(!recording.is_truncated());
    assert_eq!(recording.attachment("timing.toml").unwrap().unwrap(), b"[contract]");
    std::fs::remove_file(from).unwrap();
    std::fs::remove_file(to).unwrap();
}

/// A disk of so many bytes, which it tells.
#[derive(Clone)]
struct Disk {
    left: Arc<Mutex<u64>>,
    bytes: Arc<Mutex<Vec<u8>>>,
    tells: bool,
}

impl Disk {
    fn new(left: u64, tells: bool) -> Self {
        Self { left: Arc::new(Mutex::new(left)), bytes: Arc::default(), tells }
    }
}

impl Storage for Disk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut left = self.left.lock().unwrap();
        let full = || io::Error::new(io::ErrorKind::StorageFull, "no space left on device");
        *left = left.checked_sub(bytes.len() as u64).ok_or_else(full)?;
        self.bytes.lock().unwrap().extend_from_slice(bytes);
        Ok(())
    }
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn free(&self) -> Option<u64> {
        self.tells.then(|| *self.left.lock().unwrap())
    }
}

const TOPICS: [&str; 3] = ["/picture", "/object", "/trace"];

fn live_options() -> RecorderOptions {
    let mut options = RecorderOptions::new(TOPICS.map(TopicInfo::of::<Blob>).to_vec());
    options.when_full = WhenFull::Drop;
    options.priorities.insert("/picture".to_owned(), Priority::Bulk);
    options.priorities.insert("/trace".to_owned(), Priority::Vital);
    options
}

/// Records a second a round and waits each time until the writer has it.
fn record_rounds(recorder: &Recorder, rounds: u32, picture: usize, object: usize) {
    for round in 0..rounds {
        let now = at(i64::from(round) * 1_000_000_000);
        for (topic, bytes) in [(0, picture), (1, object), (2, 20)] {
            recorder.handle().record(topic, round, now, Arc::new(blob(u64::from(round), bytes))).unwrap();
        }
        while recorder.handle().waiting().0 > 0 {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_disk_that_fills_up_loses_pictures_first_and_the_trace_last() {
    let disk = Disk::new(1_000_000, true);
    let mut options = live_options();
    options.reserve_bytes = 600_000;
    let recorder = Recorder::with_storage(disk.clone(), Path::new("filling"), options).unwrap();
    record_rounds(&recorder, 120, 20_000, 8_000);
    let summary = recorder.finish().unwrap();
    assert_eq!(summary.ended_early, None);
    let count = |topic: usize| summary.messages[topic].1;
    assert!(count(0) < count(1) && count(1) < count(2), "{:?}", summary.messages);
    assert!(count(0) >= 10 && count(2) == 120, "{:?}", summary.messages);
    for (gap, topic) in summary.gaps.iter().zip([1, 0]) {
        assert_eq!((gap.topic.as_str(), gap.messages), (TOPICS[topic], 120 - count(topic)));
        assert_eq!(gap.last, at(119_000_000_000));
    }
    // The file is whole and says the same; cut short, it says what was known by then.
    let bytes = disk.bytes.lock().unwrap().clone();
    let path = scratch("filling", &bytes);
    let recording = Recording::open(&path).unwrap();
    assert_eq!((recording.is_truncated(), recording.gaps()), (false, summary.gaps.clone()));
    std::fs::write(&path, &bytes[..bytes.len() - 3_000]).unwrap();
    let cut = Recording::open(&path).unwrap();
    assert!(cut.is_truncated() && cut.gaps().len() == 2, "{:?}", cut.gaps());
    let mended = path.with_extension("mended");
    recover(&path, &mended).unwrap();
    assert_eq!(Recording::open(&mended).unwrap().gaps(), cut.gaps());
    std::fs::remove_file(path).unwrap();
    std::fs::remove_file(mended).unwrap();
}

#[test]
fn a_disk_that_is_suddenly_full_ends_the_recording_and_not_the_run() {
    let disk = Disk::new(200_000, false);
    let recorder =
        Recorder::with_storage(disk.clone(), Path::new("/disk/full.mcap"), live_options()).unwrap();
    record_rounds(&recorder, 40, 10_000, 1_000);
    let summary = recorder.finish().unwrap();
    let why = summary.ended_early.unwrap();
    assert!(why.contains("/disk/full.mcap") && why.contains("no space left"), "{why}");
    assert!(summary.gaps.iter().any(|gap| gap.topic == "/trace" && gap.last == at(39_000_000_000)));
    let saved = instants("full", &disk.bytes.lock().unwrap());
    assert!(saved.len() > 40, "{}", saved.len());
}

#[test]
fn a_live_recording_does_not_wait_for_the_next_message_to_be_safe() {
    let journal = Journal::default();
    let recorder = Recorder::with_storage(journal.clone(), Path::new("journal"), live_options()).unwrap();
    recorder.handle().record(2, 0, at(0), Arc::new(blob(0, 20))).unwrap();
    // Nothing follows. A second later it must be safe; a busy machine is given more.
    let is_safe = || {
        let count = journal.0.lock().unwrap().len();
        instants("idle", &journal.cut(count).safe).len() == 1
    };
    assert!((0..600).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        is_safe()
    }));
    recorder.finish().unwrap();
}

#[test]
fn a_full_queue_loses_pictures_first() {
    let (permit, disk) = crossbeam_channel::bounded(64);
    for _ in 0..4 {
        permit.send(()).unwrap(); // what stands before the first message
    }
    let mut options = live_options();
    options.queue = 16;
    let recorder = Recorder::with_storage(StuckDisk(disk), Path::new("stuck"), options).unwrap();
    let handle = recorder.handle();
    for round in 0..100 {
        for topic in 0..3 {
            // Far apart: the first message that is written closes a chunk, and the writer stands.
            handle.record(topic, round, at(i64::from(round) * 2_000_000_000), Arc::new(blob(0, 10))).unwrap();
        }
    }
    assert_eq!(handle.waiting(), (16, 16));
    drop(permit);
    let summary = recorder.finish().unwrap();
    let kept: Vec<u64> = summary.messages.iter().map(|(_, count)| *count).collect();
    assert!(kept[0] < kept[2] && kept[1] <= kept[2] && kept.iter().sum::<u64>() < 40, "{kept:?}");
    assert_eq!(summary.gaps.iter().map(|gap| gap.messages).sum::<u64>() + kept.iter().sum::<u64>(), 300);
}
