//! A tick of control allocates nothing once it runs. Alone in its file, because it counts what the whole process allocates.

#![allow(
    unsafe_code,
    clippy::unwrap_used,
    reason = "an allocator is unsafe; a failed unwrap is a failed test"
)]

use auriga_control::{Controller, ControllerConfig, LateralReport};
use auriga_geometry::math::{atan, sin};
use auriga_geometry::{LogicalDuration, LogicalTime, Pose2};
use auriga_messages::auriga_msgs::VehicleState;
use auriga_messages::autoware_control_msgs::Control;
use auriga_messages::autoware_planning_msgs::{Trajectory, TrajectoryPoint};
use auriga_messages::nav_msgs::Odometry;
use auriga_vehicle::{VehicleParameters, roll_along_arc};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands every request to the system's allocator, unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// An arc driven at 10 m/s, as long as every other plan.
fn plan(now: LogicalTime, t: f64, trajectory: &mut Trajectory) {
    trajectory.header.stamp = now.into();
    trajectory.points.clear();
    for i in 0..60 {
        let after = 0.1 * f64::from(i);
        let pose = roll_along_arc(&Pose2::default(), 10.0 * (t + after), 0.02);
        trajectory.points.push(TrajectoryPoint {
            time_from_start: LogicalDuration::from_secs_f64(after).into(),
            pose: (&pose).into(),
            longitudinal_velocity_mps: 10.0,
            front_wheel_angle_rad: atan(2.8 * 0.02) as f32,
            ..TrajectoryPoint::default()
        });
    }
}

#[test]
fn a_tick_of_control_allocates_nothing() {
    let mut controller = Controller::new(ControllerConfig::default(), VehicleParameters::default()).unwrap();
    let (mut trajectory, mut ego, mut vehicle, mut command) =
        (Trajectory::default(), Odometry::default(), VehicleState::default(), Control::default());
    let (mut counted, mut busy) = (0, 0);
    for tick in 0..400 {
        let t = 0.01 * f64::from(tick);
        let now = LogicalTime::ZERO + LogicalDuration::from_secs_f64(t);
        if tick % 10 == 0 {
            plan(now, t, &mut trajectory);
        }
        // Up to a metre off, so that the solver has bounds to hold.
        let on_path = roll_along_arc(&Pose2::default(), 10.0 * t, 0.02);
        let pose = on_path.compose(&Pose2::new(0.0, sin(3.0 * t), 0.0));
        ego.header.stamp = now.into();
        ego.pose.pose = (&pose).into();
        ego.twist.twist.linear.x = 10.0;
        ego.twist.twist.angular.z = 0.2;
        vehicle.steering_angle_rad = 0.056;
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        controller.step(now, Some(&trajectory), Some(&ego), Some(&vehicle), &mut command).unwrap();
        // The first plan makes room for those that follow.
        if tick > 0 {
            counted += ALLOCATIONS.load(Ordering::Relaxed) - before;
        }
        if let LateralReport::Predictive(report) = controller.lateral_report() {
            busy += usize::from(report.iterations > 0);
        }
    }
    assert_eq!(counted, 0);
    assert!(busy > 50, "the solver had bounds to hold at {busy} ticks only");
}
