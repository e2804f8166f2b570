use super::*;
use auriga_geometry::LogicalTime;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use zenoh::Wait;

/// A Unix socket of its own for each test; its file goes with it.
struct Endpoint(PathBuf);

impl Endpoint {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("auriga-link-{}-{number}.sock", std::process::id())))
    }

    fn listening(&self) -> LinkConfig {
        LinkConfig { listen: vec![self.text()], ..config() }
    }

    fn connecting(&self) -> LinkConfig {
        LinkConfig { connect: vec![self.text()], ..config() }
    }

    fn text(&self) -> String {
        format!("unixsock-stream/{}", self.0.display())
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
        let _ = std::fs::remove_file(self.0.with_extension("sock.lock"));
    }
}

fn config() -> LinkConfig {
    LinkConfig { timeout: Duration::from_secs(20), ..LinkConfig::new("test") }
}

fn planning() -> Identity {
    Identity::new("planning", "run-1", "c0ffee")
}

fn actuation() -> Identity {
    Identity::new("actuation", "run-1", "c0ffee")
}

const KEYS: [&str; 3] = ["/planning/trajectory", "/localization/ego", "@step/planner"];

fn envelope(number: u32) -> Envelope {
    Envelope {
        topic: (number % 3) as u16,
        sequence: number,
        publication: LogicalTime::from_nanos(i64::from(number) * 7),
    }
}

fn payload(number: u32, size: usize) -> Vec<u8> {
    (0..size).map(|i| (i as u32).wrapping_mul(31).wrapping_add(number) as u8).collect()
}

/// Sends `count` messages over the three keys in turn.
fn send(link: &Link, count: u32, size: usize) -> Result<(), LinkError> {
    let publishers = KEYS.map(|key| link.publisher(key).unwrap());
    (0..count)
        .try_for_each(|number| publishers[number as usize % 3].put(&envelope(number), payload(number, size)))
}

fn expect(subscription: &Subscription, count: u32, size: usize) {
    for number in 0..count {
        let sample = subscription.receive().unwrap();
        assert_eq!((sample.index, sample.envelope), (number as usize % 3, envelope(number)));
        assert!(*sample.payload.bytes() == *payload(number, size), "message {number}");
    }
}

/// A sender in a thread of its own, a receiver here.
fn exchange(sender: LinkConfig, receiver: &LinkConfig, count: u32, size: usize) {
    let sending = std::thread::spawn(move || {
        let link = Link::open(&sender, &planning()).unwrap();
        assert_eq!(link.wait_for_peer(Duration::from_secs(20)).unwrap(), actuation());
        send(&link, count, size).unwrap();
        link.finish().unwrap();
    });
    let link = Link::open(receiver, &actuation()).unwrap();
    let subscription = link.subscribe(&KEYS).unwrap();
    assert_eq!(link.wait_for_peer(Duration::from_secs(20)).unwrap(), planning());
    expect(&subscription, count, size);
    link.finish().unwrap();
    sending.join().unwrap();
    // Its leaving is noticed, and stays an error.
    let error = subscription.receive().unwrap_err();
    assert!(matches!(&error, LinkError::PeerLost { peer, .. } if peer == "planning"), "{error}");
    assert_eq!(link.check(), Err(error));
}

#[test]
fn ten_thousand_messages_arrive_equal_and_in_order() {
    let endpoint = Endpoint::new();
    exchange(endpoint.connecting(), &endpoint.listening(), 10_000, 200);
}

#[test]
fn over_tcp_too() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = vec![format!("tcp/127.0.0.1:{port}")];
    let listening = LinkConfig { listen: endpoint.clone(), ..config() };
    exchange(LinkConfig { connect: endpoint, ..config() }, &listening, 1_000, 5_000);
}

#[test]
fn large_messages_go_through_the_socket() {
    let endpoint = Endpoint::new();
    exchange(endpoint.connecting(), &endpoint.listening(), 6, 8 << 20);
}

#[test]
fn large_messages_go_through_shared_memory() {
    let endpoint = Endpoint::new();
    let shared = |config| LinkConfig { shared_memory_bytes: Some(64 << 20), ..config };
    exchange(shared(endpoint.connecting()), &shared(endpoint.listening()), 30, 8 << 20);
}

#[test]
fn a_link_to_oneself_delivers_in_order() {
    let link = Link::open(&config(), &planning()).unwrap();
    let subscription = link.subscribe(&KEYS).unwrap();
    send(&link, 900, 1_000).unwrap();
    expect(&subscription, 900, 1_000);
}

#[test]
fn ends_that_do_not_belong_together_say_what_differs() {
    let meet = |theirs: Identity| {
        let endpoint = Endpoint::new();
        let one = Link::open(&endpoint.listening(), &planning()).unwrap();
        let other = Link::open(&endpoint.connecting(), &theirs).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| other.wait_for_peer(Duration::from_secs(20)));
            let error = one.wait_for_peer(Duration::from_secs(20)).unwrap_err();
            assert!(waiting.join().unwrap().is_err());
            error.to_string()
        })
    };
    let error = meet(Identity { run_id: "run-2".to_owned(), ..actuation() });
    assert!(error.contains("run differs: run-1 here, run-2 at peer actuation"), "{error}");
    let error = meet(Identity { configuration_digest: "dead".to_owned(), ..actuation() });
    assert!(error.contains("configuration differs: c0ffee here, dead"), "{error}");
    let error = meet(planning());
    assert!(error.contains("both processes have the role planning"), "{error}");
}

#[test]
fn nobody_there_is_an_error() {
    let endpoint = Endpoint::new();
    let link = Link::open(&endpoint.connecting(), &planning()).unwrap();
    let error = link.wait_for_peer(Duration::from_millis(200)).unwrap_err().to_string();
    assert!(error.contains("no peer of vehicle test") && error.contains(&endpoint.text()), "{error}");
}

#[test]
fn an_impossible_configuration_is_refused() {
    let error = Link::open(&config(), &Identity::new("a/b", "run", "0")).err().unwrap().to_string();
    assert!(error.contains("role \"a/b\""), "{error}");
    let file = LinkConfig { config_file: Some(PathBuf::from("/does/not/exist.json5")), ..config() };
    let error = Link::open(&file, &planning()).err().unwrap().to_string();
    assert!(error.contains("/does/not/exist.json5"), "{error}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp/{}", taken.local_addr().unwrap());
    let listening = LinkConfig { listen: vec![endpoint.clone()], ..config() };
    let error = Link::open(&listening, &planning()).err().unwrap().to_string();
    assert!(error.contains(&endpoint), "{error}");
}

#[test]
fn what_is_not_ours_is_an_error() {
    let endpoint = Endpoint::new();
    let link = Link::open(&endpoint.listening(), &planning()).unwrap();
    let subscription = link.subscribe(&["/x"]).unwrap();
    let other = Link::open(&endpoint.connecting(), &actuation()).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| other.wait_for_peer(Duration::from_secs(20)).unwrap());
        link.wait_for_peer(Duration::from_secs(20)).unwrap();
        waiting.join().unwrap();
    });
    other.raw_session().put("auriga/test/x", vec![1, 2, 3]).wait().unwrap();
    let error = subscription.receive().unwrap_err();
    assert!(matches!(&error, LinkError::Malformed { key, .. } if key == "auriga/test/x"), "{error}");
}

#[test]
fn a_reader_that_is_stuck_is_an_error_and_not_a_hang() {
    let endpoint = Endpoint::new();
    let short = |config| LinkConfig { timeout: Duration::from_millis(700), queue: 4, ..config };
    let link = Link::open(&short(endpoint.listening()), &actuation()).unwrap();
    let subscription = link.subscribe(&KEYS).unwrap();
    let sending = std::thread::spawn(move || {
        let link = Link::open(&short(endpoint.connecting()), &planning()).unwrap();
        link.wait_for_peer(Duration::from_secs(20)).unwrap();
        // Much more than sockets and queues hold.
        let sent = send(&link, 2_000, 1 << 20);
        assert!(sent.is_err(), "the sender must learn of it");
    });
    link.wait_for_peer(Duration::from_secs(20)).unwrap();
    sending.join().unwrap();
    assert!(link.check().is_err());
    // What had arrived is still there; then comes the error.
    for number in 0..4 {
        assert_eq!(subscription.receive().unwrap().envelope, envelope(number));
    }
    while subscription.receive().is_ok() {}
}

const CHILD: &str = "AURIGA_TEST_LINK_CHILD";

/// Not a test of its own: the second process of the next ones. It sends back what it gets.
#[test]
fn echoing_child() {
    let Ok(endpoint) = std::env::var(CHILD) else { return };
    let link = Link::open(&LinkConfig { connect: vec![endpoint], ..config() }, &planning()).unwrap();
    let subscription = link.subscribe(&["/ping"]).unwrap();
    let publisher = link.publisher("/pong").unwrap();
    link.wait_for_peer(Duration::from_secs(20)).unwrap();
    while let Ok(sample) = subscription.receive() {
        publisher.put(&sample.envelope, sample.payload.bytes().into_owned()).unwrap();
    }
}

fn spawn_child(endpoint: &Endpoint) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["link::tests::echoing_child", "--exact"])
        .env(CHILD, endpoint.text())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Meets a child and exchanges some messages with it.
fn with_child(
    timeout: Duration,
    heartbeat: Option<Duration>,
    then: impl FnOnce(&mut Child, &Subscription, &LinkPublisher),
) {
    let endpoint = Endpoint::new();
    let link = Link::open(&LinkConfig { timeout, heartbeat, ..endpoint.listening() }, &actuation()).unwrap();
    let subscription = link.subscribe(&["/pong"]).unwrap();
    let publisher = link.publisher("/ping").unwrap();
    let mut child = spawn_child(&endpoint);
    link.wait_for_peer(Duration::from_secs(30)).unwrap();
    for number in 0..100 {
        publisher.put(&envelope(number), payload(number, 1_000)).unwrap();
    }
    for number in 0..100 {
        let sample = subscription.receive().unwrap();
        assert_eq!(sample.envelope, envelope(number));
        assert!(*sample.payload.bytes() == *payload(number, 1_000));
    }
    then(&mut child, &subscription, &publisher);
    let _ = child.kill();
    child.wait().unwrap();
}

#[test]
fn a_killed_peer_is_noticed() {
    with_child(Duration::from_secs(20), None, |child, subscription, publisher| {
        child.kill().unwrap();
        let error = subscription.receive().unwrap_err();
        assert!(matches!(&error, LinkError::PeerLost { peer, .. } if peer == "planning"), "{error}");
        assert!(publisher.put(&envelope(0), Vec::new()).is_err());
    });
}

#[test]
fn a_frozen_peer_is_noticed() {
    with_child(Duration::from_millis(700), None, |child, subscription, _| {
        let stopped = Command::new("kill").args(["-STOP", &child.id().to_string()]).status().unwrap();
        assert!(stopped.success());
        let error = subscription.receive().unwrap_err();
        assert!(matches!(&error, LinkError::PeerLost { peer, .. } if peer == "planning"), "{error}");
    });
}

#[test]
fn a_frozen_peer_is_lost_within_its_heartbeat_however_long_a_step_may_take() {
    let (timeout, heartbeat) = (Duration::from_secs(600), Duration::from_millis(700));
    with_child(timeout, Some(heartbeat), |child, subscription, _| {
        let stopped = Command::new("kill").args(["-STOP", &child.id().to_string()]).status().unwrap();
        assert!(stopped.success());
        // It would wait for ten minutes; that it comes back at all is the heartbeat's doing.
        let error = subscription.receive().unwrap_err();
        assert!(matches!(&error, LinkError::PeerLost { peer, .. } if peer == "planning"), "{error}");
    });
}
