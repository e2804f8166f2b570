//! Faults as text, and what they make of a platform's messages.

use super::*;
use auriga_messages::sensor_msgs::Imu;
use proptest::prelude::*;

const TICK: LogicalDuration = LogicalDuration::from_millis(10);

/// An inertial sensor whose yaw rate counts.
struct Counting;

impl Sensors for Counting {
    fn tick_period(&self) -> LogicalDuration {
        TICK
    }
    fn least_latency(&self) -> LogicalDuration {
        LogicalDuration::from_millis(1)
    }
    fn kinds(&self) -> Vec<(SensorKind, LogicalDuration)> {
        vec![(SensorKind::Imu, TICK)]
    }
    fn tick(&mut self, now: LogicalTime, sink: &mut SensorSink) -> Result<(), HalError> {
        let mut imu = Imu::default();
        imu.header.stamp = now.into();
        imu.angular_velocity.z = now.as_secs_f64();
        sink.emissions.push(Emission {
            kind: SensorKind::Imu,
            oldest_capture: now,
            capture: now,
            arrival: now + self.least_latency(),
            payload: Payload::Ready(SensorMessage::Imu(Arc::new(imu))),
        });
        Ok(())
    }
}

/// Of 10 ticks, 10 ms apart: when a message arrives (ms), its stamp (ms) and its yaw rate (as ms).
fn under(fault: &str) -> Vec<(i64, i64, f64)> {
    let mut sensors = FaultySensors::new(Box::new(Counting), vec![fault.parse().unwrap()]);
    let mut sink = SensorSink::default();
    for tick in 0..10 {
        sensors.tick(LogicalTime::ZERO + LogicalDuration::from_millis(10 * tick), &mut sink).unwrap();
    }
    let seen = sink.emissions.iter().map(|emission| {
        let Payload::Ready(SensorMessage::Imu(imu)) = &emission.payload else { unreachable!() };
        let stamp = LogicalTime::from(&imu.header.stamp).as_nanos() / 1_000_000;
        (emission.arrival.as_nanos() / 1_000_000, stamp, (imu.angular_velocity.z * 1e3).round())
    });
    seen.collect()
}

#[test]
fn a_silent_sensor_says_nothing_for_a_while() {
    let arrivals: Vec<i64> = under("silent:imu@0.03-0.06").iter().map(|said| said.0).collect();
    assert_eq!(arrivals, [1, 11, 21, 61, 71, 81, 91]);
    assert_eq!(under("silent:imu@0.03").len(), 3);
    assert_eq!(under("silent:lidar@0.03").len(), 10);
}

#[test]
fn a_frozen_sensor_repeats_itself_with_new_stamps() {
    let said = under("frozen:imu@0.03-0.06");
    assert_eq!(said[3..7], [(31, 30, 20.0), (41, 40, 20.0), (51, 50, 20.0), (61, 60, 60.0)]);
    assert_eq!(under("frozen:imu@0").len(), 0, "it has never said anything that could be repeated");
}

#[test]
fn what_is_late_arrives_in_order_and_what_would_overtake_it_is_lost() {
    let said = under("late=0.025:imu@0.03-0.06");
    assert_eq!(said[3..], [(56, 30, 30.0), (66, 40, 40.0), (76, 50, 50.0), (81, 80, 80.0), (91, 90, 90.0)]);
}

#[test]
fn values_become_nan_and_the_stamp_stays() {
    let said = under("nan:imu@0.03-0.04");
    assert!(said[3].2.is_nan() && said[3].1 == 30 && said[4].2 == 40.0, "{said:?}");
    let mut cloud = PointCloud2 { point_step: 16, data: vec![0; 32], ..PointCloud2::default() };
    for (offset, name) in [(0, "x"), (4, "y"), (8, "z"), (12, "intensity")] {
        let datatype = PointField::FLOAT32;
        cloud.fields.push(PointField { name: name.to_owned(), offset, datatype, count: 1 });
    }
    blank(&mut cloud);
    let value = |at: usize| f32::from_le_bytes(cloud.data[at..at + 4].try_into().unwrap());
    assert!(value(0).is_nan() && value(24).is_nan() && value(12) == 0.0 && value(28) == 0.0);
}

#[test]
fn what_is_no_fault_is_refused() {
    for text in [
        "",
        "silent",
        "silent:lidar",
        "silent:lidar@",
        "silent:lidar@5-4",
        "silent:lidar@-1",
        "silent:lidar@nan",
        "silent=3:lidar@5",
        "late:lidar@5",
        "late=x:lidar@5",
        "silent:truth@5",
        "silent:laser@5",
        "melt:lidar@5",
        "silent:@5",
        "silent@5",
    ] {
        let error = text.parse::<SensorFault>().unwrap_err().to_string();
        assert!(error.contains(text) && error.contains("vehicle_state"), "{error}");
    }
}

proptest! {
    #[test]
    fn a_fault_is_its_text(which in 0..4_usize, sensor in 0..8_usize, by in 0..1_000_000_000_000_i64,
                           from in 0..1_000_000_000_000_i64, span in 1..1_000_000_000_000_000_i64) {
        let kinds = [SensorFaultKind::Silent, SensorFaultKind::Frozen, SensorFaultKind::Nan,
                     SensorFaultKind::Late(LogicalDuration::from_nanos(by))];
        let from = LogicalTime::from_nanos(from);
        let until = (from + LogicalDuration::from_nanos(span)).min(LogicalTime::ZERO + LogicalDuration::from_secs_f64(FOREVER_S));
        let fault = SensorFault { kind: kinds[which], sensor: SensorKind::ALL[sensor], window: Window { from, until } };
        prop_assert_eq!(fault.to_string().parse::<SensorFault>().unwrap(), fault);
    }
}
