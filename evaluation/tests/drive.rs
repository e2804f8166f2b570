//! Drives made of truth alone, whose figures are known in closed form.
#![allow(clippy::unwrap_used)] // In helpers of tests, too.

use auriga_evaluation::{DriveConfig, DriveEvaluator, DriveReport, Footprint, InfractionKind, RunReport};
use auriga_geometry::math::PI;
use auriga_geometry::{LogicalDuration, LogicalTime, Pose2, Vec2};
use auriga_map::{Map, Route};
use auriga_messages::auriga_msgs::{
    BehaviorDecision, GroundTruth, SafeCommandRecord, TruthEvent, TruthObject,
};
use auriga_messages::autoware_perception_msgs::ObjectClassification;
use auriga_messages::geometry_msgs::Vector3;
use proptest::prelude::*;
use std::sync::Arc;

const FOOTPRINT: Footprint = Footprint { length_m: 4.6, width_m: 1.85, rear_overhang_m: 0.95 };
/// Middle of the lane left of the mark that may be crossed.
const LANE_Y: f64 = -1.75;

/// A straight road along x: one lane back (y 0 to 3.5), two ahead (y -3.5 to 0 and -7 to -3.5), 50 km/h.
fn road() -> Arc<Map> {
    let lane = |id: i32, mark: &str| {
        format!(
            r#"<lane id="{id}" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/>
               <roadMark sOffset="0" type="{mark}" color="white" width="0.12"/></lane>"#
        )
    };
    let xml = format!(
        r#"<OpenDRIVE><header revMajor="1" revMinor="6"/><road id="1" length="400" junction="-1">
        <type s="0" type="town"><speed max="50" unit="km/h"/></type>
        <planView><geometry s="0" x="0" y="0" hdg="0" length="400"><line/></geometry></planView>
        <lanes><laneSection s="0"><left>{}</left>
        <center><lane id="0" type="none"><roadMark sOffset="0" type="solid" color="white" width="0.12"/></lane></center>
        <right>{}{}</right></laneSection></lanes></road></OpenDRIVE>"#,
        lane(1, "solid"),
        lane(-1, "broken"),
        lane(-2, "solid")
    );
    Arc::new(Map::from_opendrive(&xml).unwrap())
}

fn route(map: &Map) -> Route {
    let at = |x| map.nearest_lane(Vec2::new(x, LANE_Y), Some(0.0)).unwrap();
    map.route(at(10.0), at(310.0)).unwrap()
}

fn evaluator() -> DriveEvaluator {
    let map = road();
    let route = route(&map);
    DriveEvaluator::new(map, &route, FOOTPRINT, DriveConfig::default())
}

fn stamp(t: f64) -> LogicalTime {
    LogicalTime::ZERO + LogicalDuration::from_secs_f64(t)
}

fn truth(t: f64, pose: Pose2, speed: f64) -> GroundTruth {
    let mut truth = GroundTruth::default();
    truth.header.stamp = stamp(t).into();
    truth.ego_pose = (&pose).into();
    truth.ego_twist.linear.x = speed;
    truth
}

fn car(id: u32, pose: Pose2, speed_mps: f64) -> TruthObject {
    TruthObject {
        id,
        class: ObjectClassification::CAR,
        pose: (&pose).into(),
        dimensions: Vector3 { x: 4.6, y: 1.85, z: 1.5 },
        speed_mps,
    }
}

/// Drives along x at constant speed from x = 10 for `seconds`, `offset` metres to the left of the lane's middle.
fn drive(seconds: f64, speed: f64, offset: f64) -> DriveReport {
    let mut evaluator = evaluator();
    let steps = (seconds * 20.0).round() as u32;
    for i in 0..=steps {
        let t = f64::from(i) * 0.05;
        evaluator.truth(&truth(t, Pose2::new(10.0 + speed * t, LANE_Y + offset, 0.0), speed));
    }
    evaluator.finish()
}

#[test]
fn a_whole_drive_and_half_of_one() {
    let report = drive(30.0, 10.0, 0.0);
    assert!(report.success() && report.route.finished);
    assert!((report.route.length_m - 300.0).abs() < 1e-6 && (report.route.driven_m - 300.0).abs() < 1e-6);
    assert!(report.route.completion_percent == 100.0 && (report.duration_s - 30.0).abs() < 1e-9);
    assert!(report.infractions.is_empty(), "{:?}", report.infractions);
    assert!((report.comfort.mean_speed_mps - 10.0).abs() < 1e-9);

    let half = drive(15.0, 10.0, 0.0);
    assert!((half.route.completion_percent - 50.0).abs() < 1e-6 && !half.success());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_share_driven_is_the_share_reported(steps in 10_u32..560) {
        let seconds = f64::from(steps) * 0.05;
        let report = drive(seconds, 10.0, 0.3);
        prop_assert!((report.route.driven_m - 10.0 * seconds).abs() < 1e-6);
    }

    /// The outline is 0.825 m inside of each edge when the car is in the middle.
    #[test]
    fn a_departure_is_more_than_thirty_centimetres_over_the_edge(offset in -1.7..1.7) {
        prop_assume!((f64::abs(offset) - 1.125).abs() > 0.01);
        let report = drive(2.0, 10.0, offset);
        let over = f64::abs(offset) - 0.825;
        prop_assert_eq!(report.count(InfractionKind::LaneDeparture), usize::from(over > 0.3));
        for infraction in &report.infractions {
            prop_assert!((infraction.worst - over).abs() < 1e-6);
        }
    }
}

#[test]
fn a_lane_change_is_no_departure_where_it_is_allowed() {
    for (offset, departures) in [(-1.5, 0), (1.5, 1)] {
        let mut evaluator = evaluator();
        for i in 0..40 {
            let t = f64::from(i) * 0.05;
            let rule = String::from("change_lane");
            evaluator.decision(&BehaviorDecision { stamp: stamp(t).into(), rule, ..Default::default() });
            evaluator.truth(&truth(t, Pose2::new(10.0 + 10.0 * t, LANE_Y + offset, 0.0), 10.0));
        }
        let report = evaluator.finish();
        assert_eq!(report.count(InfractionKind::LaneDeparture), departures, "{offset}");
        assert!((report.behavior_s["change_lane"] - 1.95).abs() < 1e-9);
    }
}

#[test]
fn speeding_counts_after_a_second() {
    // 50 km/h is 13.89 m/s; 15.28 is ten per cent more.
    assert_eq!(drive(5.0, 15.2, 0.0).count(InfractionKind::Speeding), 0);
    assert_eq!(drive(0.9, 16.0, 0.0).count(InfractionKind::Speeding), 0);
    let report = drive(5.0, 16.0, 0.0);
    assert_eq!(report.count(InfractionKind::Speeding), 1);
    assert!((report.infractions[0].worst - (16.0 - 50.0 / 3.6)).abs() < 1e-9);
    assert_eq!(report.infractions[0].at_s, 0.0);
}

#[test]
fn the_wrong_way_is_found() {
    let mut evaluator = evaluator();
    for i in 0..60 {
        let t = f64::from(i) * 0.05;
        evaluator.truth(&truth(t, Pose2::new(200.0 - 5.0 * t, LANE_Y, PI), 5.0));
    }
    assert_eq!(evaluator.finish().count(InfractionKind::WrongWay), 1);
}

#[test]
fn time_to_collision_counts_who_is_in_the_path() {
    let mut evaluator = evaluator();
    for i in 0..=100 {
        let t = f64::from(i) * 0.05;
        let mut truth = truth(t, Pose2::new(10.0 + 10.0 * t, LANE_Y, 0.0), 10.0);
        truth.objects = vec![
            car(7, Pose2::new(100.0, LANE_Y, 0.0), 0.0),
            // Oncoming in its own lane, and one beside the route.
            car(8, Pose2::new(150.0 - 10.0 * t, 1.75, PI), 10.0),
            car(9, Pose2::new(90.0, -5.25, 0.0), 0.0),
        ];
        evaluator.truth(&truth);
    }
    let near = evaluator.finish().proximity;
    // At the end the front bumper is at 63.65 m, the standing car's rear one at 97.7 m.
    assert!((near.time_to_collision_min_s.unwrap() - 3.405).abs() < 1e-9);
    assert_eq!((near.time_to_collision_min_with, near.time_to_collision_min_at_s), (Some(7), Some(5.0)));
    assert_eq!((near.distance_min_to, near.share_below_1_5_s), (Some(9), 0.0));
}

#[test]
fn events_and_the_gate_are_counted_once_each() {
    let mut evaluator = evaluator();
    let event = |t, kind| TruthEvent { stamp: stamp(t).into(), kind, object_id: 4, text: String::from("x") };
    for i in 0..40 {
        let t = f64::from(i) * 0.05;
        let mut truth = truth(t, Pose2::new(10.0 + 8.0 * t, LANE_Y, 0.0), 8.0);
        if i > 20 {
            truth.events = vec![event(t, TruthEvent::COLLISION)];
        }
        if i == 10 {
            truth.events = vec![event(t, TruthEvent::RED_LIGHT), event(t, TruthEvent::OFF_ROAD)];
        }
        evaluator.truth(&truth);
        let state = if (5..15).contains(&i) { 2 } else { 1 };
        evaluator.safe_command(&SafeCommandRecord {
            state,
            state_name: String::from("emergency braking"),
            reason_name: String::from("obstacle in the way"),
            ..Default::default()
        });
    }
    let report = evaluator.finish();
    assert_eq!((report.collisions.len(), report.collisions[0].with), (1, 4));
    assert_eq!(report.collisions[0].ego_speed_mps, 8.0);
    assert_eq!(report.count(InfractionKind::RedLight), 1);
    assert_eq!(report.count(InfractionKind::OffRoad), 1);
    assert_eq!(report.gate_interventions["emergency braking: obstacle in the way"], 1);
    assert!(!report.success());
}

#[test]
fn a_report_renders_and_repeats() {
    let run = || {
        RunReport {
            scenario: String::from("straight"),
            seed: 3,
            drive: Some(drive(30.0, 10.0, 0.0)),
            ..Default::default()
        }
        .judge()
    };
    let json = run().to_json().unwrap();
    assert_eq!(json, run().to_json().unwrap());
    assert!(json.starts_with("{\n  \"scenario\": \"straight\",\n  \"seed\": 3,\n  \"success\": true,"));
    let table = run().to_table();
    assert!(
        table.contains("straight · seed 3 · passed") && table.contains("100.0 % (300 of 300 m), finished")
    );
    assert!(RunReport::default().success(), "a replay has no drive to fail");
}

#[test]
fn no_route_and_no_map_are_no_panic() {
    let map = Arc::new(Map::default());
    let mut evaluator = DriveEvaluator::new(
        map,
        &Route { segments: Vec::new(), length: 0.0 },
        FOOTPRINT,
        DriveConfig::default(),
    );
    let mut truth = truth(f64::NAN, Pose2::new(f64::NAN, 1.0, 0.0), f64::NAN);
    truth.objects.push(car(1, Pose2::default(), 1.0));
    evaluator.truth(&truth);
    assert!(!evaluator.finish().success());
}
