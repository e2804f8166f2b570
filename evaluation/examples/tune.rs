//! Scratch.
use auriga_control::*;
use auriga_evaluation::control::*;
use auriga_geometry::LogicalTime;
use auriga_messages::auriga_msgs::VehicleState;
use auriga_messages::autoware_control_msgs::Control;
use auriga_messages::autoware_planning_msgs::Trajectory;
use auriga_messages::nav_msgs::Odometry;
struct Ours(Controller, usize, u128, usize, u128);
impl Follower for Ours {
    fn step(&mut self, now: LogicalTime, t: &Trajectory, e: &Odometry, v: &VehicleState, c: &mut Control) {
        let start = std::time::Instant::now();
        let r = self.0.step(now, Some(t), Some(e), Some(v), c);
        let took = start.elapsed().as_nanos();
        self.2 += took;
        self.3 += 1;
        self.4 = self.4.max(took);
        if !matches!(r, Ok(Status::Tracking | Status::Holding)) {
            self.1 += 1;
        }
    }
    fn fall_backs(&self) -> usize {
        self.1
    }
}
fn main() {
    let read = |path: &str| {
        std::fs::read_to_string(format!("{}/../configs/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    };
    let plant = auriga_sim_bridge::plant::PlantParameters::from_toml(
        &read("vehicles/auriga-sedan-plant.toml"),
        "plant",
    )
    .unwrap();
    let rig = auriga_hal::SensorRig::from_toml(&read("sensors/default.toml"), "rig").unwrap();
    let arguments: Vec<String> = std::env::args().collect();
    let level: f64 = arguments[1].parse().unwrap();
    let get = |name: &str| {
        arguments.iter().find_map(|a| a.strip_prefix(&format!("{name}=")).map(|v| v.parse::<f64>().unwrap()))
    };
    let mut config = ControllerConfig::default();
    let w = &mut config.mpc.weights;
    if let Some(x) = get("lat") {
        w.lateral = x
    }
    if let Some(x) = get("rate") {
        w.lateral_rate = x
    }
    if let Some(x) = get("yaw") {
        w.yaw_rate = x
    }
    if let Some(x) = get("jerk") {
        w.jerk = x
    }
    if let Some(x) = get("steer") {
        w.steering_rate = x
    }
    if let Some(x) = get("term") {
        w.terminal = x
    }
    if let Some(x) = get("hor") {
        config.mpc.horizon_s = x
    }
    if let Some(x) = get("dead") {
        config.dead_time_s = x
    }
    if get("fb").is_some() {
        config.lateral_law = LateralLaw::Feedback
    }
    let mut condition = Condition::PLAIN;
    if let Some(x) = get("mu") {
        condition.friction = x
    }
    if let Some(x) = get("delay") {
        condition.delay_s = x
    }
    if let Some(x) = get("gust") {
        condition.gusts_n = x
    }
    if let Some(x) = get("cf") {
        condition.factors[0] = x
    }
    if let Some(x) = get("cr") {
        condition.factors[1] = x
    }
    if let Some(x) = get("mass") {
        condition.factors[2] = x;
        condition.factors[3] = x;
    }
    if let Some(x) = get("bank") {
        condition.tilt.0 = x
    }
    if get("noise").is_some() {
        condition.knowledge = Knowledge::Noisy
    }
    let mut all = (0.0, 0.0_f64, 0.0, 0.0_f64);
    for curve in TEST_CURVES {
        if arguments.iter().any(|a| a.starts_with("only=") && !curve.name.starts_with(&a[5..])) {
            continue;
        }
        let (course, motion) = curve.build(level);
        let drive = Drive {
            course: &course,
            motion: &motion,
            plant: &plant,
            rig: &rig,
            condition: &condition,
            seed: 1,
        };
        let mut car = auriga_vehicle::VehicleParameters::default();
        if let Some(x) = get("bmu") {
            car.friction = x
        }
        if let Some(x) = get("bcf") {
            car.front_stiffness_n_per_rad = x
        }
        if let Some(x) = get("bcr") {
            car.rear_stiffness_n_per_rad = x
        }
        if let Some(x) = get("biz") {
            car.yaw_inertia_kgm2 = x
        }
        if let Some(x) = get("blag") {
            car.steering_lag_s = x
        }
        let mut ours = Ours(Controller::new(config.clone(), car).unwrap(), 0, 0, 0, 0);
        let t = if let Some(x) = get("pp") {
            drive.run(&mut Textbook::PurePursuit { time: x }, None)
        } else if let Some(x) = get("st") {
            drive.run(&mut Textbook::Stanley { gain: x }, None)
        } else {
            drive.run(&mut ours, None)
        };
        println!(
            "{:24} {:5.2} m/s²  lat rms {:.3} max {:.3}  heading rms {:.2}° max {:.2}°  course rms {:.2}° jerk rms {:.2} max {:.2} speed {:.2} {} fb {} µs {:.1} max {:.0}",
            curve.name,
            t.lateral_acceleration_mps2,
            t.lateral_m.rms.unwrap(),
            t.lateral_m.magnitude_max().unwrap(),
            t.heading_rad.rms.unwrap().to_degrees(),
            t.heading_rad.magnitude_max().unwrap().to_degrees(),
            t.course_rad.rms.unwrap().to_degrees(),
            t.jerk_mps3.rms.unwrap(),
            t.jerk_mps3.magnitude_max().unwrap(),
            t.speed_mps.magnitude_max().unwrap(),
            if t.is_lost { "LOST" } else { "" },
            t.fall_backs,
            ours.2 as f64 / (1.0 + ours.3 as f64) / 1e3,
            ours.4 as f64 / 1e3
        );
        if get("trace").is_some() {
            for (at, e) in t.trace.iter().step_by(2) {
                let (s, v, _) = motion.at(*at);
                println!("{at:.1} κv² {:.2} e {e:.3}", course.at(s).1 * v * v);
            }
        }
        let r = t.lateral_m.rms.unwrap();
        all.0 += r / 25.0;
        all.1 = all.1.max(r);
        all.2 += t.jerk_mps3.rms.unwrap() / 25.0;
        all.3 = all.3.max(t.lateral_m.magnitude_max().unwrap());
    }
    println!("ALL mean rms {:.4} worst rms {:.4} worst max {:.3} jerk {:.2}", all.0, all.1, all.3, all.2);
}
