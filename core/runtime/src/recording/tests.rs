use super::file::CHUNK_BYTES_MOST;
use super::*;
use auriga_geometry::LogicalTime;
use auriga_wire::message;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

message! {
    /// A nested message.
    pub struct Part = "auriga_test_msgs/msg/Part" {
        /// A name.
        pub name: String,
        /// A value.
        pub value: f64,
    }
}

message! {
    /// A message with everything in it.
    pub struct Sample = "auriga_test_msgs/msg/Sample" {
        /// A number.
        pub number: u32,
        /// Parts.
        pub parts: Vec<Part>,
        /// Bytes.
        pub data: Vec<u8>,
    }
}

struct TestFolder(PathBuf);

impl TestFolder {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!("auriga-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for TestFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn options() -> RecorderOptions {
    let mut options = RecorderOptions::new(vec![
        TopicInfo::of::<Sample>("/sample"),
        TopicInfo::of::<Part>("/part"),
        TopicInfo::of::<Part>("/auriga/diagnostics/part"),
    ]);
    options.attachments = vec![
        Attachment::new("timing.toml", "application/toml", b"[contract]\n".to_vec()),
        Attachment::new("empty", "text/plain", Vec::new()),
    ];
    options.metadata = BTreeMap::from([("seed".to_owned(), "7".to_owned())]);
    options
}

fn at(millis: i64) -> LogicalTime {
    LogicalTime::from_nanos(millis * 1_000_000)
}

fn part(number: u32) -> Part {
    Part { name: format!("part {number}"), value: f64::from(number) / 3.0 }
}

fn sample(number: u32, bytes: usize) -> Sample {
    // Pseudo-random, so that it does not compress away.
    let data =
        (0..bytes as u64).map(|i| ((i + u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8);
    Sample { number, parts: (0..number % 4).map(part).collect(), data: data.collect() }
}

/// `count` messages a topic, 10 ms apart.
fn write(path: &Path, count: u32, bytes: usize) -> RecordingSummary {
    write_with(path, options(), count, |number| sample(number, bytes))
}

fn write_with(
    path: &Path,
    options: RecorderOptions,
    count: u32,
    mut make: impl FnMut(u32) -> Sample,
) -> RecordingSummary {
    let recorder = Recorder::create(path, options).unwrap();
    let handle = recorder.handle();
    for number in 0..count {
        let now = at(i64::from(number) * 10);
        handle.record(0, number, now, Arc::new(make(number))).unwrap();
        handle.record(1, number, now, Arc::new(part(number))).unwrap();
        handle.record(2, number, now, Arc::new(part(number))).unwrap();
    }
    recorder.finish().unwrap()
}

/// Reads everything that can be read; the number of messages.
fn read_all(recording: &Recording) -> usize {
    let mut messages = recording.messages();
    let mut count = 0;
    loop {
        match messages.next_message() {
            Ok(Some(message)) => {
                let _ = message.decode::<Sample>();
                count += 1;
            }
            Ok(None) => return count,
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

#[test]
fn what_was_written_is_read() {
    let folder = TestFolder::new();
    let path = folder.file("a.mcap");
    let written = write(&path, 250, 100);
    assert_eq!(written.messages[0], ("/sample".to_owned(), 250));
    assert_eq!(written.bytes, fs::metadata(&path).unwrap().len());

    let recording = Recording::open(&path).unwrap();
    assert!(!recording.is_truncated());
    assert_eq!(recording.topics(), options().topics);
    assert_eq!(recording.metadata()["seed"], "7");
    assert_eq!(recording.attachments().count(), 2);
    assert_eq!(recording.attachment("timing.toml").unwrap().unwrap(), b"[contract]\n");
    assert_eq!(recording.attachment("absent").unwrap(), None);
    assert_eq!(recording.summary().unwrap(), written);

    let mut messages = recording.messages_of(&["/sample"]).unwrap();
    for number in 0..250 {
        let message = messages.next_message().unwrap().unwrap();
        assert_eq!((message.sequence, message.publication), (number, at(i64::from(number) * 10)));
        assert_eq!(message.decode::<Sample>().unwrap(), sample(number, 100));
    }
    assert!(messages.next_message().unwrap().is_none());
    let error = recording.messages_of(&["/nothing"]).err().unwrap().to_string();
    assert!(error.contains("/nothing") && error.contains("/sample"), "{error}");
}

#[test]
fn a_window_holds_what_is_in_it() {
    let folder = TestFolder::new();
    let path = folder.file("a.mcap");
    write(&path, 400, 30_000);
    let recording = Recording::open(&path).unwrap();
    for (from, to) in [(0, 0), (15, 45), (1_990, 2_010), (3_985, 9_000), (5_000, 6_000), (30, 20)] {
        let mut messages = recording.messages_of(&["/sample"]).unwrap().within(at(from), at(to));
        let mut found = Vec::new();
        while let Some(message) = messages.next_message().unwrap() {
            found.push(message.sequence);
        }
        let expected: Vec<u32> = (0..400).filter(|k| (from..=to).contains(&(i64::from(*k) * 10))).collect();
        assert_eq!(found, expected, "{from} to {to} ms");
    }
}

#[test]
fn a_file_that_ends_early_is_mended() {
    let folder = TestFolder::new();
    let (path, cut, mended) = (folder.file("a.mcap"), folder.file("cut.mcap"), folder.file("mended.mcap"));
    let written = write(&path, 400, 30_000);
    let all = recover(&path, &mended).unwrap();
    assert_eq!((all.lost_bytes, all.end), (0, at(3_990)));
    assert_eq!(all.summary.digest, written.digest);
    assert!(!Recording::open(&mended).unwrap().metadata().contains_key("recovered"));

    let bytes = fs::read(&path).unwrap();
    fs::write(&cut, &bytes[..bytes.len() * 2 / 3]).unwrap();
    let part = recover(&cut, &mended).unwrap();
    assert!(part.lost_bytes > 0 && part.end > at(1_000) && part.end < at(3_000));
    let whole = Recording::open(&mended).unwrap();
    assert!(!whole.is_truncated() && whole.metadata()["recovered"].contains("ends early"));
    assert_eq!(whole.attachment("timing.toml").unwrap().unwrap(), b"[contract]\n");
    assert_eq!(whole.summary().unwrap().messages, Recording::open(&cut).unwrap().summary().unwrap().messages);
    assert!(recover(&cut, &cut).unwrap_err().to_string().contains("another file"));
}

#[test]
fn equal_runs_give_equal_files() {
    let folder = TestFolder::new();
    let (a, b) = (folder.file("a.mcap"), folder.file("b.mcap"));
    let mut slow = options();
    slow.queue = 1;
    let first = write(&a, 300, 20_000);
    let second = write_with(&b, slow, 300, |number| {
        if number % 100 == 0 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        sample(number, 20_000)
    });
    assert_eq!(first, second);
    assert!(fs::read(a).unwrap() == fs::read(b).unwrap());
}

#[test]
fn the_digest_leaves_out_diagnostics_only() {
    let folder = TestFolder::new();
    let base = write(&folder.file("base.mcap"), 5, 10).digest;
    let with = |topic: u16, value: f64, name: &str| {
        let recorder = Recorder::create(&folder.file(name), options()).unwrap();
        for number in 0..5 {
            let now = at(i64::from(number) * 10);
            recorder.handle().record(0, number, now, Arc::new(sample(number, 10))).unwrap();
            for other in [1, 2] {
                let mut message = part(number);
                if other == topic && number == 3 {
                    message.value = value;
                }
                recorder.handle().record(other, number, now, Arc::new(message)).unwrap();
            }
        }
        recorder.finish().unwrap().digest
    };
    assert_eq!(with(2, 0.5, "diagnostics.mcap"), base);
    assert_ne!(with(1, 0.5, "other.mcap"), base);
}

/// The `mcap` crate as another implementation: checksums, summary and every message.
#[test]
fn the_mcap_crate_reads_it() {
    let folder = TestFolder::new();
    let path = folder.file("a.mcap");
    write(&path, 250, 40_000);
    let bytes = fs::read(&path).unwrap();
    let summary = mcap::Summary::read(&bytes).unwrap().unwrap();
    let statistics = summary.stats.as_ref().unwrap();
    assert_eq!(
        (statistics.message_count, statistics.attachment_count, statistics.metadata_count),
        (750, 2, 3)
    );
    assert_eq!(statistics.chunk_count as usize, summary.chunk_indexes.len());
    assert!(summary.chunk_indexes.len() >= 3, "10 MB in 2.5 s");
    assert_eq!((summary.channels.len(), summary.schemas.len()), (3, 2));
    assert_eq!(summary.attachment_indexes.len(), 2);

    let (mut count, mut ends) = (0, 0);
    for index in &summary.chunk_indexes {
        assert!(index.message_end_time - index.message_start_time < 1_000_000_000);
        assert!(index.uncompressed_size as usize <= CHUNK_BYTES_MOST);
        assert!(index.chunk_start_offset >= ends);
        ends = index.chunk_start_offset + index.chunk_length + index.message_index_length;
        let by_channel = summary.read_message_indexes(&bytes, index).unwrap();
        for (channel, entries) in by_channel {
            for entry in entries {
                let message = summary.seek_message(&bytes, index, &entry).unwrap();
                assert_eq!((message.channel.id, message.log_time), (channel.id, entry.log_time));
                count += 1;
            }
        }
    }
    assert_eq!(count, 750);
    for (number, message) in mcap::MessageStream::new(&bytes).unwrap().enumerate() {
        let message = message.unwrap();
        assert_eq!(message.sequence as usize, number / 3);
        assert_eq!(message.channel.topic, options().topics[number % 3].name);
        if number % 3 == 1 {
            assert_eq!(auriga_wire::from_cdr::<Part>(&message.data).unwrap(), part(message.sequence));
        }
    }
}

#[test]
fn a_message_larger_than_a_chunk_has_its_own() {
    let folder = TestFolder::new();
    let path = folder.file("a.mcap");
    let written =
        write_with(&path, options(), 3, |number| sample(number, if number == 1 { 9 << 20 } else { 10 }));
    let recording = Recording::open(&path).unwrap();
    assert_eq!(recording.summary().unwrap(), written);
    let chunks = mcap::Summary::read(&fs::read(&path).unwrap()).unwrap().unwrap().chunk_indexes;
    // The small messages before it, it, the small messages after it, and its topic's next one, which counts as large.
    assert_eq!(chunks.len(), 4);
    let own = chunks.iter().find(|chunk| chunk.uncompressed_size > 9 << 20).unwrap();
    assert!(own.uncompressed_size < (9 << 20) + 100 && own.message_index_offsets.len() == 1, "{own:?}");
}

#[test]
fn large_messages_have_chunks_of_their_own_and_all_come_in_order() {
    let folder = TestFolder::new();
    let path = folder.file("a.mcap");
    let written = write_with(&path, options(), 300, |number| sample(number, 200 << 10));
    let recording = Recording::open(&path).unwrap();
    assert_eq!(recording.summary().unwrap(), written);
    let mut messages = recording.messages();
    let mut order = Vec::new();
    while let Some(message) = messages.next_message().unwrap() {
        order.push((message.publication, message.topic));
    }
    let whole = (0..300).flat_map(|number| [0, 1, 2].map(|topic| (at(number * 10), topic)));
    assert_eq!(order, whole.collect::<Vec<_>>());

    // Whoever wants the small ones alone does not read the large ones: not even damage is noticed.
    let mut bytes = fs::read(&path).unwrap();
    let chunks = mcap::Summary::read(&bytes).unwrap().unwrap().chunk_indexes;
    let is_large = |chunk: &&mcap::records::ChunkIndex| chunk.message_index_offsets.contains_key(&1);
    assert!(chunks.iter().filter(is_large).all(|chunk| chunk.message_index_offsets.len() == 1));
    for chunk in chunks.iter().filter(is_large) {
        bytes[(chunk.chunk_start_offset + chunk.chunk_length / 2) as usize] ^= 0xff;
    }
    fs::write(&path, &bytes).unwrap();
    let recording = Recording::open(&path).unwrap();
    let name = |topic: usize| recording.topics()[topic].name.clone();
    let mut small = recording.messages_of(&[&name(1), &name(2)]).unwrap();
    let mut count = 0;
    while small.next_message().unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 600);
    assert!(recording.messages_of(&[&name(0)]).unwrap().next_message().is_err());
}

#[test]
fn a_recording_without_messages_is_whole() {
    let folder = TestFolder::new();
    let path = folder.file("a.mcap");
    let written = Recorder::create(&path, options()).unwrap().finish().unwrap();
    let recording = Recording::open(&path).unwrap();
    assert_eq!(recording.summary().unwrap(), written);
    assert!(!recording.is_truncated() && read_all(&recording) == 0);
}

#[test]
fn cut_at_any_byte_it_gives_what_is_whole() {
    let folder = TestFolder::new();
    let path = folder.file("whole.mcap");
    // 2.5 s: chunks at 1 s and 2 s.
    write(&path, 250, 0);
    let whole = fs::read(&path).unwrap();
    let chunks: Vec<(u64, u64)> = mcap::Summary::read(&whole)
        .unwrap()
        .unwrap()
        .chunk_indexes
        .iter()
        .map(|index| (index.chunk_start_offset, index.chunk_start_offset + index.chunk_length))
        .collect();
    assert_eq!(chunks.len(), 3);
    let cut = folder.file("cut.mcap");
    let step = (whole.len() / 3000).max(1);
    for length in (0..whole.len()).step_by(step) {
        fs::write(&cut, &whole[..length]).unwrap();
        match Recording::open(&cut) {
            Ok(recording) => {
                assert!(recording.is_truncated());
                let full_chunks = chunks.iter().filter(|(_, end)| *end <= length as u64).count();
                assert_eq!(read_all(&recording), [0, 300, 600, 750][full_chunks], "cut at {length}");
            }
            Err(error) => assert!(length < 8, "cut at {length}: {error}"),
        }
    }
    // A power cut may also leave zeros where data was to be.
    let mut zeroed = whole[..chunks[2].1 as usize].to_vec();
    let last = zeroed.len();
    zeroed[last - 500..].fill(0);
    fs::write(&cut, &zeroed).unwrap();
    let recording = Recording::open(&cut).unwrap();
    assert_eq!((read_all(&recording), recording.truncated_at()), (600, Some(chunks[2].0 + 9)));
}

#[test]
fn what_is_no_recording_is_named() {
    let folder = TestFolder::new();
    let path = folder.file("a.mcap");
    let error = Recording::open(&path).unwrap_err().to_string();
    assert!(error.contains("a.mcap: cannot be read"), "{error}");
    fs::write(&path, b"SQLite format 3\0 and more").unwrap();
    let error = Recording::open(&path).unwrap_err().to_string();
    assert!(error.contains("a.mcap: byte 0: not an MCAP file"), "{error}");
}

#[test]
fn a_wrong_attachment_is_found() {
    let folder = TestFolder::new();
    let path = folder.file("a.mcap");
    write(&path, 1, 1);
    let mut bytes = fs::read(&path).unwrap();
    let found = bytes.windows(11).position(|window| window == b"[contract]\n").unwrap();
    bytes[found] = b'(';
    fs::write(&path, &bytes).unwrap();
    let error = Recording::open(&path).unwrap_err().to_string();
    assert!(error.contains("checksum"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn flipped_bits_never_panic(flips in prop::collection::vec((0.0..1.0, 0_u8..8), 1..4)) {
        thread_local! {
            static WHOLE: (TestFolder, Vec<u8>) = {
                let folder = TestFolder::new();
                write(&folder.file("whole.mcap"), 150, 10);
                let bytes = fs::read(folder.file("whole.mcap")).unwrap();
                (folder, bytes)
            };
        }
        WHOLE.with(|(folder, whole)| {
            let mut bytes = whole.clone();
            for (place, bit) in flips {
                let place = (place * bytes.len() as f64) as usize;
                bytes[place] ^= 1 << bit;
            }
            let path = folder.file("flipped.mcap");
            fs::write(&path, &bytes).unwrap();
            match Recording::open(&path) {
                Ok(recording) => {
                    read_all(&recording);
                    let _ = recording.attachment("timing.toml");
                }
                Err(error) => assert!(error.to_string().contains("flipped.mcap")),
            }
        });
    }

    #[test]
    fn any_bytes_after_the_magic_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let folder = TestFolder::new();
        let path = folder.file("random.mcap");
        fs::write(&path, [format::MAGIC.as_slice(), &bytes].concat()).unwrap();
        if let Ok(recording) = Recording::open(&path) {
            read_all(&recording);
        }
    }
}

/// A disk of a few bytes.
struct SmallDisk {
    left: usize,
}

impl Storage for SmallDisk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.left = self
            .left
            .checked_sub(bytes.len())
            .ok_or_else(|| io::Error::new(io::ErrorKind::StorageFull, "no space left on device"))?;
        Ok(())
    }
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_an_error_with_its_file_and_remedy() {
    let recorder =
        Recorder::with_storage(SmallDisk { left: 100_000 }, Path::new("/disk/full.mcap"), options()).unwrap();
    let handle = recorder.handle();
    // Far more than the queue holds: nobody may wait for a writer that has given up.
    let failed = (0..20_000).find_map(|number| {
        handle.record(0, number, at(i64::from(number) * 100), Arc::new(sample(number, 2_000))).err()
    });
    let error = failed.unwrap().to_string();
    assert!(
        error.contains("/disk/full.mcap") && error.contains("no space left") && error.contains("free space")
    );
    assert!(recorder.finish().is_err());
    assert!(handle.record(0, 0, at(0), Arc::new(part(0))).is_err());

    let error = Recorder::create(Path::new("/dev/full"), options()).err().unwrap().to_string();
    assert!(error.contains("/dev/full"), "{error}");
}

/// A disk that waits for permission.
pub(super) struct StuckDisk(pub(super) crossbeam_channel::Receiver<()>);

impl Storage for StuckDisk {
    fn append(&mut self, _: &[u8]) -> io::Result<()> {
        let _ = self.0.recv();
        Ok(())
    }
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_live_run_drops_and_counts_when_the_disk_is_stuck() {
    let (permit, disk) = crossbeam_channel::bounded(64);
    for _ in 0..10 {
        permit.send(()).unwrap(); // what stands before the first message
    }
    let mut options = options();
    (options.queue, options.when_full) = (4, WhenFull::Drop);
    options.priorities.insert("/sample".to_owned(), Priority::Vital);
    options.attachments.clear();
    let recorder = Recorder::with_storage(StuckDisk(disk), Path::new("stuck"), options).unwrap();
    let handle = recorder.handle();
    for number in 0..1_000 {
        // One second apart: each closes a chunk.
        handle.record(0, number, at(i64::from(number) * 1_000), Arc::new(sample(number, 10))).unwrap();
    }
    assert!(handle.dropped() > 900);
    drop(permit);
    let summary = recorder.finish().unwrap();
    assert_eq!(summary.gaps.len(), 1, "{:?}", summary.gaps);
    assert_eq!(summary.gaps[0].messages + summary.messages[0].1, 1_000);
    assert_eq!((summary.gaps[0].topic.as_str(), summary.gaps[0].last), ("/sample", at(999_000)));
}

#[test]
fn misuse_is_refused() {
    let folder = TestFolder::new();
    let recorder = Recorder::create(&folder.file("a.mcap"), options()).unwrap();
    let handle = recorder.handle();
    assert!(handle.record(9, 0, at(0), Arc::new(part(0))).is_err());
    assert!(handle.record(1, 0, at(-1), Arc::new(part(0))).is_err());
    recorder.finish().unwrap();
    assert!(handle.record(1, 0, at(0), Arc::new(part(0))).is_err());
    let mut twice = options();
    twice.topics.push(TopicInfo::of::<Part>("/part"));
    assert!(Recorder::create(&folder.file("b.mcap"), twice).is_err());
}

#[test]
fn differences_are_found_per_topic() {
    let folder = TestFolder::new();
    let record = |name: &str, change: &dyn Fn(u32, &mut Part) -> bool| {
        let path = folder.file(name);
        let recorder = Recorder::create(&path, options()).unwrap();
        for number in 0..200 {
            let now = at(i64::from(number) * 10);
            recorder.handle().record(0, number, now, Arc::new(sample(number, 10))).unwrap();
            let mut message = part(number);
            if change(number, &mut message) {
                recorder.handle().record(1, number, now, Arc::new(message)).unwrap();
            }
        }
        recorder.finish().unwrap();
        Recording::open(&path).unwrap()
    };
    let base = record("base.mcap", &|_, _| true);
    assert_eq!(compare(&base, &record("same.mcap", &|_, _| true)).unwrap(), []);

    let changed = record("changed.mcap", &|number, message| {
        if number >= 150 {
            message.value += 1.0;
        }
        true
    });
    let differences = compare(&base, &changed).unwrap();
    let [Difference::Message { topic, index: 150, first, second, byte: Some(_) }] = differences.as_slice()
    else {
        panic!("{differences:?}");
    };
    assert_eq!((topic.as_str(), first.0, second.1), ("/part", at(1_500), 150));

    let short = record("short.mcap", &|number, _| number < 120);
    let differences = compare(&base, &short).unwrap();
    assert_eq!(differences[0].at(), Some(at(1_200)));
    assert_eq!(differences[0].to_string(), "/part: 200 messages, then 120; one goes on at 1.200000000 s");
    let gap = record("gap.mcap", &|number, _| number != 7);
    assert!(matches!(compare(&base, &gap).unwrap()[0], Difference::Message { index: 7, second: (_, 8), .. }));
}

const CHILD: &str = "AURIGA_TEST_RECORDING_CHILD";

/// Not a test of its own: the process that the next test kills.
#[test]
fn killed_child() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let recorder = Recorder::create(Path::new(&path), options()).unwrap();
    for number in 0..1_000_000 {
        let now = at(i64::from(number) * 10);
        recorder.handle().record(0, number, now, Arc::new(sample(number, 10_000))).unwrap();
    }
}

#[test]
fn a_killed_process_leaves_whole_chunks() {
    let folder = TestFolder::new();
    let path = folder.file("killed.mcap");
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["recording::tests::killed_child", "--exact"])
        .env(CHILD, &path)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..2_000 {
        std::thread::sleep(std::time::Duration::from_millis(10));
        if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > 5_000_000) {
            break;
        }
    }
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();
    let recording = Recording::open(&path).unwrap();
    assert!(recording.is_truncated());
    assert_eq!(recording.attachment("timing.toml").unwrap().unwrap(), b"[contract]\n");
    let count = recording.summary().unwrap().messages[0].1;
    assert!(count >= 400, "{count} messages");
    let mut messages = recording.messages();
    let mut expected = 0;
    while let Some(message) = messages.next_message().unwrap() {
        assert_eq!(message.decode::<Sample>().unwrap(), sample(expected, 10_000));
        expected += 1;
    }
    assert_eq!(u64::from(expected), count);
}
