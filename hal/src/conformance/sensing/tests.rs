use super::*;
use crate::PlatformParts;
use auriga_messages::auriga_msgs::{Engage, GroundTruth, VehicleState};
use auriga_messages::builtin_interfaces::Time;
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::radar_msgs::{RadarTrack, RadarTracks};
use auriga_messages::sensor_msgs::{CameraInfo, Image, Imu, NavSatFix, PointCloud2, PointField};
use crossbeam_channel::bounded;
use std::sync::Arc;

const TICK: LogicalDuration = LogicalDuration::from_millis(10);
/// It finishes with this tick.
const LAST: i64 = 100;

type Harm = fn(i64, &mut SensorSink);

/// Keeps the contract, but for what is done to its sink after each tick.
struct Scripted {
    tick: i64,
    kinds: Vec<(SensorKind, LogicalDuration)>,
    period: LogicalDuration,
    latency: LogicalDuration,
    harm: Harm,
    minds_time: bool,
}

impl Scripted {
    fn good() -> Self {
        let kinds = SensorKind::ALL.map(|kind| (kind, TICK)).to_vec();
        let latency = LogicalDuration::from_millis(2);
        Self { tick: -1, kinds, period: TICK, latency, harm: |_, _| {}, minds_time: true }
    }

    fn harmed(harm: Harm) -> Self {
        Self { harm, ..Self::good() }
    }
}

impl Platform for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn split(self: Box<Self>) -> PlatformParts {
        PlatformParts { sensors: self, vehicle: None }
    }
}

fn stamped(at: LogicalTime, frame: &str) -> auriga_messages::std_msgs::Header {
    auriga_messages::std_msgs::Header { stamp: at.into(), frame_id: frame.to_owned() }
}

fn scan(at: LogicalTime) -> PointCloud2 {
    let field =
        |name: &str, offset, datatype| PointField { name: name.to_owned(), offset, datatype, count: 1 };
    let mut cloud = PointCloud2 {
        header: stamped(at, "lidar"),
        height: 1,
        width: 2,
        fields: vec![
            field("x", 0, PointField::FLOAT32),
            field("y", 4, PointField::FLOAT32),
            field("z", 8, PointField::FLOAT32),
            field("t", 12, PointField::UINT32),
        ],
        point_step: 16,
        row_step: 32,
        is_dense: true,
        ..PointCloud2::default()
    };
    for (x, t) in [(3.0_f32, 0_u32), (-4.0, 1_000_000)] {
        [x, 1.0, 0.5].iter().for_each(|v| cloud.data.extend(v.to_le_bytes()));
        cloud.data.extend(t.to_le_bytes());
    }
    cloud
}

/// One message of each kind, captured at `at`; the scan began 1 ms before.
fn messages(at: LogicalTime) -> Vec<(LogicalTime, SensorMessage)> {
    let began = at - LogicalDuration::from_millis(1);
    let mut imu = Imu { header: stamped(at, "imu"), ..Imu::default() };
    imu.linear_acceleration.z = 9.8;
    imu.orientation_covariance[0] = -1.0;
    let picture = Image {
        header: stamped(at, "camera"),
        height: 2,
        width: 3,
        encoding: "rgb8".to_owned(),
        step: 9,
        data: vec![7; 18],
        ..Image::default()
    };
    let k = [30.0, 0.0, 1.5, 0.0, 30.0, 1.0, 0.0, 0.0, 1.0];
    let mut reference = Odometry { header: stamped(at, "map"), ..Odometry::default() };
    reference.pose.pose.orientation.w = 1.0;
    let mut truth = GroundTruth { header: stamped(at, "map"), ..GroundTruth::default() };
    truth.ego_pose.orientation.w = 1.0;
    let mut tracks = RadarTracks { header: stamped(at, "radar"), ..RadarTracks::default() };
    for name in [1, 2] {
        let mut track = RadarTrack::default();
        (track.uuid.uuid[0], track.position.x) = (name, 20.0);
        tracks.tracks.push(track);
    }
    vec![
        (
            at,
            SensorMessage::Engage(Arc::new(Engage {
                stamp: at.into(),
                since: at.into(),
                request: Engage::AUTOMATED,
            })),
        ),
        (
            at,
            SensorMessage::VehicleState(Arc::new(VehicleState {
                stamp: at.into(),
                ..VehicleState::default()
            })),
        ),
        (at, SensorMessage::Imu(Arc::new(imu))),
        (
            at,
            SensorMessage::Gnss(Arc::new(NavSatFix { header: stamped(at, "gnss"), ..NavSatFix::default() })),
        ),
        (at, SensorMessage::Radar(Arc::new(tracks))),
        (
            at,
            SensorMessage::CameraInfo(Arc::new(CameraInfo {
                header: stamped(at, "camera"),
                height: 2,
                width: 3,
                k,
                ..CameraInfo::default()
            })),
        ),
        (at, SensorMessage::Camera(Arc::new(picture))),
        (began, SensorMessage::Lidar(Arc::new(scan(began)))),
        (at, SensorMessage::ReferenceOdometry(Arc::new(reference))),
        (at, SensorMessage::Truth(Arc::new(truth))),
    ]
}

impl Sensors for Scripted {
    fn tick_period(&self) -> LogicalDuration {
        self.period
    }

    fn least_latency(&self) -> LogicalDuration {
        self.latency
    }

    fn kinds(&self) -> Vec<(SensorKind, LogicalDuration)> {
        self.kinds.clone()
    }

    fn tick(&mut self, now: LogicalTime, sink: &mut SensorSink) -> Result<(), HalError> {
        let tick = now.as_nanos() / TICK.as_nanos();
        if self.minds_time && tick < self.tick {
            return Err(HalError::backwards("scripted", now));
        }
        self.tick = tick;
        sink.finished = tick >= LAST;
        if (1..=LAST).contains(&tick) {
            for (oldest_capture, message) in messages(now) {
                let kind = message.kind();
                let payload = if kind == SensorKind::Camera {
                    let (sender, receiver) = bounded(1);
                    let _ = sender.send(Ok(message));
                    Payload::Pending(receiver)
                } else {
                    Payload::Ready(message)
                };
                let arrival = now + LogicalDuration::from_millis(2);
                sink.emissions.push(Emission { kind, oldest_capture, capture: now, arrival, payload });
            }
        }
        (self.harm)(tick, sink);
        Ok(())
    }
}

fn check(make: impl Fn() -> Scripted) -> SensingReport {
    SensingCheck::default().run(|| Ok(Box::new(make()))).unwrap()
}

/// Does something to the emissions of a kind.
fn edit(sink: &mut SensorSink, kind: SensorKind, how: impl Fn(&mut Emission)) {
    sink.emissions.iter_mut().filter(|emission| emission.kind == kind).for_each(how);
}

macro_rules! message {
    ($sink:ident, $kind:ident, $message:ident => $edit:expr) => {
        edit($sink, SensorKind::$kind, |emission| {
            if let Payload::Ready(SensorMessage::$kind(message)) = &mut emission.payload {
                let $message = Arc::make_mut(message);
                $edit;
            }
        })
    };
}

#[test]
fn who_keeps_the_contract_passes() {
    let report = check(Scripted::good);
    assert!(report.breaches.is_empty() && report.finished, "{report}");
    assert!(SensorKind::ALL.iter().all(|kind| report.counts[kind] == 100), "{report}");
    let hardware = SensingCheck { deterministic: false, span: LogicalDuration::from_millis(500) };
    let report = hardware.run(|| Ok(Box::new(Scripted::good()))).unwrap();
    assert!(report.breaches.is_empty() && !report.finished, "{report}");
}

/// Each harm must be found, by its rule and by no other.
#[test]
fn every_broken_instant_is_found() {
    let harms: [(Rule, Harm); 11] = [
        (Rule::Latency, |tick, sink| {
            if tick == 40 {
                let soon = LogicalDuration::from_micros(1_999);
                edit(sink, SensorKind::Gnss, |emission| emission.arrival = emission.capture + soon);
            }
        }),
        (Rule::Latency, |_, sink| edit(sink, SensorKind::Truth, |e| e.arrival = e.capture)),
        (Rule::Order, |tick, sink| {
            if tick == 40 {
                edit(sink, SensorKind::Engage, |e| {
                    e.capture = e.capture - LogicalDuration::from_millis(11);
                    e.oldest_capture = e.capture;
                });
                message!(sink, Engage, m => m.stamp = LogicalTime::from_nanos(389_000_000).into());
            }
        }),
        (Rule::Interval, |tick, sink| {
            if tick == 40 {
                let late = LogicalDuration::from_micros(2_001);
                edit(sink, SensorKind::Imu, |emission| emission.arrival = emission.capture + late);
            }
        }),
        (Rule::Capture, |_, sink| {
            let later = LogicalDuration::from_millis(1);
            edit(sink, SensorKind::Radar, |emission| emission.oldest_capture = emission.capture + later);
        }),
        (Rule::Capture, |tick, sink| {
            let later = LogicalDuration::from_millis(1);
            edit(sink, SensorKind::Radar, |emission| emission.capture += later);
            let stamp = LogicalTime::from_nanos(tick * 10_000_000 + 1_000_000);
            message!(sink, Radar, m => m.header.stamp = stamp.into());
        }),
        (Rule::Stamp, |_, sink| message!(sink, Imu, m => m.header.stamp = Time::default())),
        (Rule::Stamp, |_, sink| {
            edit(sink, SensorKind::Lidar, |emission| {
                emission.oldest_capture = emission.capture - LogicalDuration::from_millis(2);
            });
        }),
        (Rule::Frame, |_, sink| message!(sink, Gnss, m => m.header.frame_id.clear())),
        (Rule::Frame, |_, sink| message!(sink, Radar, m => m.header.frame_id.clear())),
        (Rule::Kind, |_, sink| {
            edit(sink, SensorKind::Engage, |emission| {
                let state = VehicleState { stamp: emission.capture.into(), ..VehicleState::default() };
                emission.payload = Payload::Ready(SensorMessage::VehicleState(Arc::new(state)));
            });
        }),
    ];
    for (number, (rule, harm)) in harms.into_iter().enumerate() {
        let report = check(|| Scripted::harmed(harm));
        // An arrival that comes sooner is also nearer to the last one, and the last before the next farther.
        let rules: Vec<Rule> =
            report.rules().into_iter().filter(|found| *found == rule || *found != Rule::Interval).collect();
        assert_eq!(rules, [rule], "harm {number}: {report}");
    }
}

#[test]
fn every_impossible_value_is_found() {
    let harms: [Harm; 24] = [
        |_, sink| message!(sink, Imu, m => m.angular_velocity.y = f64::NAN),
        |_, sink| message!(sink, Imu, m => m.angular_velocity.z = 57.3),
        |_, sink| message!(sink, Imu, m => m.linear_acceleration.x = f64::INFINITY),
        |_, sink| message!(sink, Imu, m => m.linear_acceleration.z = 1.0),
        |_, sink| message!(sink, Imu, m => m.orientation_covariance[0] = 0.0),
        |_, sink| message!(sink, Imu, m => m.angular_velocity_covariance[4] = -1.0),
        |_, sink| message!(sink, Gnss, m => m.latitude = 91.0),
        |_, sink| message!(sink, Gnss, m => m.altitude = f64::NAN),
        |_, sink| message!(sink, Gnss, m => (m.position_covariance_type, m.position_covariance[0]) = (2, f64::NAN)),
        |_, sink| message!(sink, VehicleState, m => m.speed_mps = 130.0),
        |_, sink| message!(sink, VehicleState, m => m.steering_angle_rad = 90.0),
        |_, sink| message!(sink, VehicleState, m => m.driver_brake = 100.0),
        |_, sink| message!(sink, VehicleState, m => m.driver_torque_nm = f64::NAN),
        |_, sink| message!(sink, Engage, m => m.request = 9),
        |_, sink| message!(sink, Radar, m => m.tracks[0].position.x = f64::NAN),
        |_, sink| message!(sink, Radar, m => m.tracks[0].velocity.x = -1e6),
        |_, sink| message!(sink, Radar, m => m.tracks[1].uuid = m.tracks[0].uuid.clone()),
        |_, sink| message!(sink, CameraInfo, m => m.k[0] = 0.0),
        |_, sink| message!(sink, Lidar, m => m.width = 3),
        |_, sink| message!(sink, Lidar, m => m.fields[2].name = "height".to_owned()),
        |_, sink| message!(sink, Lidar, m => m.data[0..4].copy_from_slice(&f32::NAN.to_le_bytes())),
        |_, sink| message!(sink, Lidar, m => m.data[12..16].copy_from_slice(&2_000_000_u32.to_le_bytes())),
        |_, sink| message!(sink, ReferenceOdometry, m => m.pose.pose.orientation.w = 2.0),
        |_, sink| message!(sink, Truth, m => m.ego_pose.position.y = f64::NEG_INFINITY),
    ];
    for (number, harm) in harms.into_iter().enumerate() {
        let report = check(|| Scripted::harmed(harm));
        assert_eq!(report.rules(), [Rule::Plausibility], "harm {number}: {report}");
    }
    // A picture comes through a channel.
    let report = check(|| {
        Scripted::harmed(|_, sink| {
            edit(sink, SensorKind::Camera, |emission| {
                let picture = Image {
                    header: stamped(emission.capture, "camera"),
                    encoding: "rgb8".to_owned(),
                    width: 1,
                    ..Image::default()
                };
                emission.payload = Payload::Ready(SensorMessage::Camera(Arc::new(picture)));
            });
        })
    });
    assert_eq!(report.rules(), [Rule::Plausibility], "{report}");
}

#[test]
fn broken_promises_and_ends_are_found() {
    let report = check(|| {
        Scripted::harmed(|tick, sink| {
            edit(sink, SensorKind::Camera, |emission| {
                let (sender, receiver) = bounded(1);
                if tick > 50 {
                    let _ = sender.send(Err(HalError::backwards("camera", emission.capture)));
                }
                emission.payload = Payload::Pending(receiver);
            });
        })
    });
    assert_eq!(report.rules(), [Rule::Promise], "{report}");
    assert!(report.breaches.iter().any(|breach| breach.text.contains("without an answer")), "{report}");

    let after: Harm = |tick, sink| {
        if tick == LAST + 3 {
            let at = LogicalTime::from_nanos(tick * TICK.as_nanos());
            let state = VehicleState { stamp: at.into(), ..VehicleState::default() };
            sink.emissions.push(Emission {
                kind: SensorKind::VehicleState,
                oldest_capture: at,
                capture: at,
                arrival: at + TICK,
                payload: Payload::Ready(SensorMessage::VehicleState(Arc::new(state))),
            });
        }
    };
    assert_eq!(check(|| Scripted::harmed(after)).rules(), [Rule::End]);
    let again: Harm = |tick, sink| sink.finished = tick == LAST;
    assert_eq!(check(|| Scripted::harmed(again)).rules(), [Rule::End]);
}

#[test]
fn broken_declarations_are_found() {
    let without = || {
        let mut platform = Scripted::good();
        platform.kinds.retain(|(kind, _)| *kind != SensorKind::Radar);
        platform
    };
    assert_eq!(check(without).rules(), [Rule::Kind]);
    let twice = || {
        let mut platform = Scripted::good();
        platform.kinds.push((SensorKind::Imu, TICK));
        platform
    };
    assert_eq!(check(twice).rules(), [Rule::Declaration]);
    let at_once = || {
        let mut platform = Scripted::good();
        platform.kinds[0].1 = LogicalDuration::ZERO;
        platform
    };
    assert_eq!(check(at_once).rules(), [Rule::Declaration]);
    let no_latency = || Scripted { latency: LogicalDuration::ZERO, ..Scripted::good() };
    assert_eq!(check(no_latency).rules(), [Rule::Declaration]);
}

#[test]
fn chance_errors_panics_and_time_running_backwards_are_found() {
    let mut seed = 0_u8;
    let report = SensingCheck::default()
        .run(|| {
            seed += 1;
            let harm: Harm = match seed {
                1 => |_, _| {},
                _ => |tick, sink| {
                    if tick == 33 {
                        message!(sink, VehicleState, m => m.speed_mps = 1e-9);
                    }
                },
            };
            Ok(Box::new(Scripted::harmed(harm)))
        })
        .unwrap();
    assert_eq!(report.rules(), [Rule::Determinism], "{report}");

    let forgetful = || Scripted { minds_time: false, ..Scripted::good() };
    assert_eq!(check(forgetful).rules(), [Rule::BadTick]);
    let panicking: Harm = |tick, _| assert!(tick != 20, "a sensor that panics");
    let report = check(|| Scripted::harmed(panicking));
    assert_eq!(report.rules(), [Rule::Tick], "{report}");
    let error = SensingCheck::default().run(|| Err(HalError::backwards("none", LogicalTime::ZERO)));
    assert!(error.is_err(), "what cannot be made is not checked");

    // Everything wrong all the time: told up to a limit.
    let all: Harm =
        |_, sink| sink.emissions.iter_mut().for_each(|emission| emission.arrival = LogicalTime::ZERO);
    assert_eq!(check(|| Scripted::harmed(all)).breaches.len(), BREACHES_MOST);
}
