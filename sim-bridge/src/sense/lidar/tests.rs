use super::LidarCaster;
use crate::sense::StaticScene;
use crate::sense::library::Library;
use crate::sense::mesh::Material;
use crate::sense::scene::{Form, Solid};
use crate::world::{ActorKind, ActorSnapshot, EgoSnapshot, WorldSnapshot};
use auriga_geometry::{LogicalTime, Pose2, Pose3, Vec3};
use auriga_hal::{LidarRig, MountPose};
use auriga_messages::sensor_msgs::PointCloud2;
use std::sync::Arc;

/// More than points may be off by being rounded to 1/512 m in each coordinate.
const STEP: f64 = 0.002;

fn rig() -> LidarRig {
    LidarRig {
        pose: MountPose { x_m: 1.2, y_m: 0.0, z_m: 1.9, ..MountPose::default() },
        rate_hz: 10.0,
        beams: 64,
        lowest_deg: -24.8,
        highest_deg: 2.0,
        columns: 1800,
        range_least_m: 1.5,
        range_most_m: 90.0,
        range_noise_m: 0.0,
        dropout: 0.0,
        latency_ms: 5.0,
    }
}

/// Eleven snapshots, 10 ms apart, of an ego that drives and turns, and of actors that drive straight on.
fn turn(speed: f64, yaw_rate: f64, actors: &[ActorSnapshot]) -> Vec<WorldSnapshot> {
    let snapshot = |i: i64| {
        let t = i as f64 * 0.01;
        let moved = |actor: &ActorSnapshot| {
            let pose = actor.pose.compose(&Pose3::from_pose2(&Pose2::new(actor.speed * t, 0.0, 0.0), 0.0));
            ActorSnapshot { pose, ..*actor }
        };
        WorldSnapshot {
            time: LogicalTime::from_nanos(5_000_000_000 + i * 10_000_000),
            ego: EgoSnapshot {
                pose: Pose3::from_pose2(&Pose2::new(speed * t, 0.0, yaw_rate * t), 0.0),
                speed,
                yaw_rate,
                acceleration: 0.0,
                steering_angle: 0.0,
                braking: false,
            },
            actors: actors.iter().map(moved).collect(),
            lights: Vec::new(),
        }
    };
    (0..=10).map(snapshot).collect()
}

fn actor(id: u32, kind: ActorKind, at: Pose2, speed: f64) -> ActorSnapshot {
    let (length, width, height) = match kind {
        ActorKind::Pedestrian => (0.5, 0.6, 1.75),
        ActorKind::Cyclist => (1.75, 0.6, 1.75),
        ActorKind::Truck => (7.6, 2.4, 3.2),
        _ => (4.5, 1.8, 1.5),
    };
    ActorSnapshot {
        id,
        kind,
        appearance: id * 7 + 3,
        pose: Pose3::from_pose2(&at, 0.0),
        length,
        width,
        height,
        speed,
        walk_phase: f64::from(id),
        braking: false,
        indicator: 0,
    }
}

struct Point {
    at: Vec3,
    intensity: f32,
    nanos: u32,
    ring: u16,
}

fn points(cloud: &PointCloud2) -> Vec<Point> {
    let float = |b: &[u8]| f32::from_le_bytes(b.try_into().unwrap());
    let point = |p: &[u8]| Point {
        at: Vec3::new(f64::from(float(&p[0..4])), f64::from(float(&p[4..8])), f64::from(float(&p[8..12]))),
        intensity: float(&p[12..16]),
        nanos: u32::from_le_bytes(p[16..20].try_into().unwrap()),
        ring: u16::from_le_bytes(p[20..22].try_into().unwrap()),
    };
    cloud.data.chunks_exact(24).map(point).collect()
}

fn scan(rig: &LidarRig, scene: &Arc<StaticScene>, snapshots: &[WorldSnapshot]) -> Vec<Point> {
    let mut cloud = PointCloud2::default();
    LidarCaster::new(rig, Arc::clone(scene), 1).scan(snapshots, &mut cloud);
    assert_eq!(cloud.width as usize * 24, cloud.data.len());
    assert_eq!(cloud.header.frame_id, "lidar");
    points(&cloud)
}

#[test]
fn level_ground_is_met_where_trigonometry_says() {
    let scene = Arc::new(StaticScene::meadow(0.0));
    let found = scan(&rig(), &scene, &turn(0.0, 0.0, &[]));
    assert!(found.len() > 50_000, "{}", found.len());
    for p in &found {
        let elevation = (-24.8 + 26.8 * f64::from(p.ring) / 63.0).to_radians();
        let range = 1.9 / auriga_geometry::math::sin(-elevation);
        assert!((p.at.norm() - range).abs() < STEP, "{} {range}", p.at.norm());
        assert!((p.at.z + 1.9).abs() < STEP && (0.0..=1.0).contains(&p.intensity));
    }
}

#[test]
fn a_turn_begins_behind_and_runs_clockwise() {
    let found = scan(&rig(), &Arc::new(StaticScene::meadow(0.0)), &turn(0.0, 0.0, &[]));
    let azimuth = |p: &Point| auriga_geometry::math::atan2(p.at.y, p.at.x).to_degrees();
    assert!(azimuth(&found[0]) > 178.0 && azimuth(&found[found.len() - 1]) < -178.0);
    assert!(found.windows(2).all(|w| w[0].nanos <= w[1].nanos));
    for p in &found {
        let expected = 180.0 - 360.0 * f64::from(p.nanos) * 1e-8;
        assert!((azimuth(p) - expected).to_radians().abs() * p.at.xy().norm() < STEP);
    }
}

#[test]
fn walls_and_posts_are_met_on_their_surface() {
    let mut scene = StaticScene::meadow(0.0);
    let wall = Form::Box([0.5, 6.0, 8.0]);
    scene.solids.push(Solid::new(&Pose2::new(20.7, 0.0, 0.0), 0.0, wall, Material::Masonry, [0.4; 3]));
    let post = Form::Cylinder(0.15, 6.0);
    scene.solids.push(Solid::new(&Pose2::new(1.2, 9.0, 0.4), 0.0, post, Material::Metal, [0.4; 3]));
    let found = scan(&rig(), &Arc::new(scene), &turn(0.0, 0.0, &[]));
    let (mut on_wall, mut on_post) = (0, 0);
    for p in found.iter().filter(|p| p.at.z > -1.85) {
        if p.at.x > 10.0 {
            assert!((p.at.x - 19.0).abs() < STEP && p.at.y.abs() < 6.01, "{}", p.at);
            on_wall += 1;
        } else if p.at.y > 5.0 {
            let off = ((p.at.y - 9.0) * (p.at.y - 9.0) + p.at.x * p.at.x).sqrt();
            assert!((off - 0.15).abs() < STEP, "{}", p.at);
            on_post += 1;
        }
    }
    // The wall spans 35 degrees and all beams above −5.7 degrees, the post 1.9 degrees.
    assert!(on_wall > 170 * 15 && on_post > 9 * 32, "{on_wall} {on_post}");
}

/// The nearest triangle by plane and edge tests in double precision, over all triangles.
fn brute_force(origin: Vec3, direction: Vec3, actor: &ActorSnapshot, library: &Library) -> f64 {
    let (shape, scale) = library.shape_of(actor);
    let place = |c: &crate::sense::mesh::Vec3f| actor.pose.to_parent(c.component_mul(&scale).cast::<f64>());
    let mut best = f64::INFINITY;
    for triangle in &shape.mesh.triangles {
        let [a, b, c] = [0, 1, 2].map(|k| place(&triangle.corners[k]));
        let normal = (b - a).cross(&(c - a));
        let slope = normal.dot(&direction);
        if slope.abs() < 1e-15 {
            continue;
        }
        let t = normal.dot(&(a - origin)) / slope;
        let at = origin + direction * t;
        let inside =
            [(a, b), (b, c), (c, a)].iter().all(|(p, q)| (q - p).cross(&(at - p)).dot(&normal) >= 0.0);
        if t > 0.0 && inside {
            best = best.min(t);
        }
    }
    best
}

#[test]
fn the_caster_finds_what_testing_every_triangle_finds() {
    let scene = Arc::new(StaticScene::meadow(-50.0));
    let actors = [
        actor(1, ActorKind::Car, Pose2::new(9.0, 3.0, 0.7), 0.0),
        actor(2, ActorKind::Pedestrian, Pose2::new(6.0, -3.0, 2.0), 0.0),
        actor(3, ActorKind::Cyclist, Pose2::new(-7.0, 0.4, -1.0), 0.0),
        actor(4, ActorKind::Truck, Pose2::new(3.0, 14.0, 1.2), 0.0),
    ];
    let snapshots = turn(0.0, 0.0, &actors);
    let mut caster = LidarCaster::new(&rig(), Arc::clone(&scene), 1);
    caster.scan(&snapshots, &mut PointCloud2::default());
    let placed: Vec<_> = actors
        .iter()
        .map(|a| {
            let mut a = *a;
            a.pose.translation.z = 0.0;
            a
        })
        .collect();
    let (mut hits, mut different) = (0, 0);
    for i in (0..1800).step_by(7) {
        let column = caster.sweep.columns[i];
        for (j, &(level, rise)) in caster.sweep.beams.iter().enumerate().step_by(3) {
            let direction = column.ahead * f64::from(level) + column.up * f64::from(rise);
            let expected = placed
                .iter()
                .map(|a| brute_force(column.origin, direction, a, &scene.library))
                .fold(f64::INFINITY, f64::min);
            let found = f64::from(caster.hits.ranges[i * 64 + j]);
            if expected < 90.0 {
                hits += 1;
            }
            if (expected.min(90.0) - found).abs() > 2e-3 {
                different += 1;
            }
        }
    }
    // A ray along an edge may go either way in single precision.
    assert!(hits > 150 && different * 100 <= hits, "{hits} hits, {different} different");
}

#[test]
fn points_on_a_moving_car_are_where_it_was_at_their_instant() {
    let car = actor(5, ActorKind::Car, Pose2::new(14.0, -4.0, 2.6), 12.0);
    let snapshots = turn(10.0, 0.4, &[car]);
    let found = scan(&rig(), &Arc::new(StaticScene::meadow(-50.0)), &snapshots);
    assert!(found.len() > 300, "{}", found.len());
    for p in &found {
        let t = f64::from(p.nanos) * 1e-9;
        let ego = Pose3::from_pose2(&Pose2::new(10.0 * t, 0.0, 0.4 * t), 0.0);
        let in_map = ego.compose(&rig().pose.to_pose3()).to_parent(p.at);
        let place = car.pose.compose(&Pose3::from_pose2(&Pose2::new(12.0 * t, 0.0, 0.0), 0.0));
        let local = place.to_local(in_map);
        // Mirrors stand out by 15 cm; light that came through glass may lie inside.
        let inside = local.x.abs() < 2.30 && local.y.abs() < 1.09 && local.z > -0.01 && local.z < 1.53;
        assert!(inside, "{local}");
    }
    // Taken as one instant, the same points would not fit.
    let worst = found.iter().map(|p| (p.at.x - 1.0).abs()).fold(0.0, f64::max);
    assert!(worst > 5.0);
}

#[test]
fn an_object_behind_is_seen_at_both_ends_of_the_turn() {
    let car = actor(6, ActorKind::Car, Pose2::new(-9.0, 0.0, 0.0), 0.0);
    let found = scan(&rig(), &Arc::new(StaticScene::meadow(-50.0)), &turn(0.0, 0.0, &[car]));
    assert!(found.iter().any(|p| p.nanos < 5_000_000) && found.iter().any(|p| p.nanos > 95_000_000));
}

#[test]
fn the_same_turn_gives_the_same_bytes_and_noise_follows_the_seed() {
    let mut rig = rig();
    (rig.range_noise_m, rig.dropout) = (0.02, 0.05);
    let mut scene = StaticScene::meadow(0.0);
    let crown = Form::Crown { radii: [2.0, 2.0, 1.5], mean_free_path: 0.6 };
    scene.solids.push(Solid::new(&Pose2::new(8.0, 8.0, 0.0), 2.0, crown, Material::Foliage, [0.1; 3]));
    let scene = Arc::new(scene);
    let snapshots = turn(8.0, 0.1, &[actor(1, ActorKind::Car, Pose2::new(12.0, 0.0, 0.1), 5.0)]);
    let bytes = |seed| {
        let mut cloud = PointCloud2::default();
        let mut caster = LidarCaster::new(&rig, Arc::clone(&scene), seed);
        caster.scan(&turn(1.0, 0.0, &[]), &mut cloud);
        caster.scan(&snapshots, &mut cloud);
        cloud
    };
    assert_eq!(bytes(3), bytes(3));
    assert_ne!(bytes(3).data, bytes(4).data);
    let mut alone = PointCloud2::default();
    LidarCaster::new(&rig, Arc::clone(&scene), 3).scan(&snapshots, &mut alone);
    assert_eq!(bytes(3).data, alone.data, "a turn does not depend on the turns before it");
}

#[test]
fn no_snapshot_gives_an_empty_cloud() {
    assert!(scan(&rig(), &Arc::new(StaticScene::meadow(0.0)), &[]).is_empty());
    let one = turn(3.0, 0.0, &[]);
    assert!(!scan(&rig(), &Arc::new(StaticScene::meadow(0.0)), &one[10..]).is_empty());
}

#[test]
fn a_turn_in_the_town_sees_road_walls_and_cars() {
    let Some((map, scene)) = crate::sense::town::load() else { return };
    println!("{} solids, {} housings", scene.solids.len(), scene.housings.len());
    let mut caster = LidarCaster::new(&rig(), Arc::clone(&scene), 1);
    let mut cloud = PointCloud2::default();
    for seed in 0..3 {
        let last = crate::sense::town::snapshot(&map, seed);
        let mut first = last.clone();
        first.time = LogicalTime::from_nanos(last.time.as_nanos() - 100_000_000);
        let snapshots = [first, last];
        let spent = crate::sense::town::milliseconds(|| caster.scan(&snapshots, &mut cloud));
        println!("{:.1} ms, {} points, {} actors", spent, cloud.width, snapshots[1].actors.len());
        assert!(cloud.width > 30_000);
    }
}
