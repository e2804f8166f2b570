use super::{CameraRenderer, Subject};
use crate::sense::mesh::Material;
use crate::sense::scene::{Form, Housing, Solid};
use crate::sense::{StaticScene, town};
use crate::world::{ActorKind, ActorSnapshot, EgoSnapshot, LightColor, WorldSnapshot};
use auriga_geometry::{LogicalTime, Pose2, Pose3, Vec3};
use auriga_hal::{CameraRig, MountPose};
use auriga_map::SignalId;
use auriga_messages::sensor_msgs::Image;
use std::sync::Arc;

fn rig() -> CameraRig {
    CameraRig {
        pose: MountPose { x_m: 1.7, y_m: 0.0, z_m: 1.45, ..MountPose::default() },
        rate_hz: 10.0,
        width: 640,
        height: 384,
        horizontal_fov_deg: 70.0,
        noise: 0.02,
        latency_ms: 10.0,
    }
}

#[test]
fn the_town_has_a_picture() {
    let Some((map, scene)) = town::load() else { return };
    let mut image = Image::default();
    let scenes = std::env::var("SENSE_SCENES").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    for seed in 0..scenes {
        let mut camera = CameraRenderer::new(&rig(), Arc::clone(&scene), seed);
        let snapshot = town::snapshot(&map, seed);
        let spent = town::milliseconds(|| camera.render(&snapshot, &mut image));
        let seen = camera.visible_objects();
        println!("{spent:.1} ms, {} triangles, {} objects", camera.view.triangles.len(), seen.len());
        assert!(seen.iter().all(|o| o.visible_pixels <= o.total_pixels));
        if let Ok(folder) = std::env::var("SENSE_PICTURES") {
            let lines: Vec<String> = seen
                .iter()
                .map(|o| {
                    format!(
                        "{:?} {:?} {} {} {:.2}",
                        o.subject, o.bounds, o.visible_pixels, o.total_pixels, o.distance
                    )
                })
                .collect();
            std::fs::write(format!("{folder}/{seed}.txt"), lines.join("\n")).unwrap();
            let mut ppm = format!("P6\n{} {}\n255\n", image.width, image.height).into_bytes();
            ppm.extend_from_slice(&image.data);
            std::fs::write(format!("{folder}/{seed}.ppm"), ppm).unwrap();
        }
    }
}

fn instant(actors: Vec<ActorSnapshot>, lights: Vec<(SignalId, LightColor)>) -> WorldSnapshot {
    let ego = EgoSnapshot {
        pose: Pose3::from_pose2(&Pose2::new(100.0, -50.0, 0.8), 0.0),
        speed: 0.0,
        yaw_rate: 0.0,
        acceleration: 0.0,
        steering_angle: 0.0,
        braking: false,
    };
    WorldSnapshot { time: LogicalTime::from_nanos(1_000_000_000), ego, actors, lights }
}

/// A car `ahead` and to the `left` of the ego's rear axle, heading the same way.
fn car(ahead: f64, left: f64) -> ActorSnapshot {
    let place = Pose2::new(100.0, -50.0, 0.8).compose(&Pose2::new(ahead, left, 0.0));
    ActorSnapshot {
        id: 7,
        kind: ActorKind::Car,
        appearance: 5,
        pose: Pose3::from_pose2(&place, 0.0),
        length: 4.6,
        width: 1.8,
        height: 1.46,
        speed: 0.0,
        walk_phase: 0.0,
        braking: false,
        indicator: 0,
    }
}

fn draw(scene: StaticScene, snapshot: &WorldSnapshot) -> (CameraRenderer, Image) {
    let mut camera = CameraRenderer::new(&rig(), Arc::new(scene), 1);
    let mut image = Image::default();
    camera.render(snapshot, &mut image);
    assert_eq!((image.width, image.height, image.step, image.data.len()), (640, 384, 1920, 640 * 384 * 3));
    assert_eq!((image.encoding.as_str(), image.header.frame_id.as_str()), ("rgb8", "camera_front"));
    (camera, image)
}

fn mean(image: &Image, [left, top, right, bottom]: [u32; 4]) -> [f64; 3] {
    let mut sum = [0.0; 3];
    for y in top..bottom {
        for x in left..right {
            for (k, sum) in sum.iter_mut().enumerate() {
                *sum += f64::from(image.data[((y * 640 + x) * 3) as usize + k]);
            }
        }
    }
    sum.map(|s| s / f64::from((right - left) * (bottom - top)))
}

#[test]
fn the_grounds_depth_is_what_the_pinhole_says() {
    let (camera, _) = draw(StaticScene::meadow(0.0), &instant(vec![], vec![]));
    let focal = rig().focal_length();
    for (x, y) in [(0, 383), (320, 300), (639, 250), (100, 210)] {
        let expected = 1.45 * focal / (f64::from(y) + 0.5 - 192.0);
        let found = f64::from(camera.depth()[(y * 640 + x) as usize]);
        assert!((found / expected - 1.0).abs() < 1e-4, "{found} {expected}");
    }
    assert!(camera.depth()[320].is_infinite(), "the sky is infinitely far");
}

#[test]
fn a_walls_depth_is_its_distance() {
    let mut scene = StaticScene::meadow(0.0);
    let pose = Pose2::new(100.0, -50.0, 0.8).compose(&Pose2::new(22.7, 1.0, 0.0));
    scene.solids.push(Solid::new(&pose, 0.0, Form::Box([1.0, 9.0, 6.0]), Material::Facade, [0.4; 3]));
    let (camera, _) = draw(scene, &instant(vec![], vec![]));
    let found = camera.depth()[150 * 640 + 320];
    assert!((found - 20.0).abs() < 0.01, "{found}");
}

#[test]
fn a_cars_box_is_where_its_corners_are() {
    let actor = car(16.0, 0.5);
    let (camera, _) = draw(StaticScene::meadow(0.0), &instant(vec![actor], vec![]));
    let seen = camera.visible_objects();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].subject, Subject::Actor(7, ActorKind::Car));
    // The tyres' lowest row may lose to the ground that it stands on.
    let (seen_pixels, all_pixels) = (seen[0].visible_pixels, seen[0].total_pixels);
    assert!(seen_pixels * 100 >= all_pixels * 97 && all_pixels > 2000, "{seen_pixels} of {all_pixels}");
    // Its rear is 12 m before the camera: half width 0.9 m less rounded corners, from the road up to 1.46 m.
    let f = rig().focal_length();
    let (depth, roof) = (16.0 - 2.3 - 1.7, 16.0 - 1.7);
    let expected = [
        320.0 - f * (0.5 + 0.85) / depth,
        192.0 - f * (1.46 - 1.45) / roof,
        320.0 - f * (0.5 - 0.85) / depth,
        192.0 + f * 1.45 / depth,
    ];
    for (found, expected) in seen[0].bounds.iter().zip(expected) {
        assert!((f64::from(*found) - expected).abs() < 7.0, "{:?} {expected}", seen[0].bounds);
    }
    assert!(
        (seen[0].aspect.abs() - core::f64::consts::PI).abs() < 0.05,
        "it shows its back: {}",
        seen[0].aspect
    );
    let middle = ((seen[0].bounds[1] + seen[0].bounds[3]) / 2 * 640
        + (seen[0].bounds[0] + seen[0].bounds[2]) / 2) as usize;
    assert_eq!(camera.instances()[middle], seen[0].instance);
    assert!((camera.depth()[middle] - 12.0).abs() < 0.6, "{}", camera.depth()[middle]);
}

#[test]
fn what_is_hidden_is_counted() {
    let mut back = car(24.0, 0.9);
    back.id = 8;
    let (camera, _) = draw(StaticScene::meadow(0.0), &instant(vec![car(12.0, 0.0), back], vec![]));
    let seen = camera.visible_objects();
    assert_eq!(seen.len(), 2);
    assert!(seen[1].visible_pixels * 2 < seen[1].total_pixels);
    let (camera, _) = draw(StaticScene::meadow(0.0), &instant(vec![car(-12.0, 0.0)], vec![]));
    assert!(camera.visible_objects().is_empty(), "what is behind is not seen");
}

#[test]
fn lamps_shine_when_lit() {
    let place = Pose2::new(100.0, -50.0, 0.8).compose(&Pose2::new(12.0, 0.0, 0.0));
    let position = Vec3::new(place.x, place.y, 1.45);
    let housing =
        Housing { signal: SignalId(0), position, yaw: 0.8 + core::f64::consts::PI, size: (0.36, 1.0) };
    let show = |color| {
        let mut scene = StaticScene::meadow(0.0);
        scene.housings.push(housing);
        let (camera, image) = draw(scene, &instant(vec![], vec![(SignalId(0), color)]));
        let seen = camera.visible_objects();
        assert_eq!(seen[0].subject, Subject::Light(SignalId(0), color));
        assert!(seen[0].aspect.abs() < 0.01);
        let [left, top, right, bottom] = seen[0].bounds;
        let (x, step) = ((left + right) / 2, (bottom - top) / 3);
        [0, 1, 2].map(|i| {
            let y = top + step / 2 + i * step;
            mean(&image, [x - 1, y - 1, x + 2, y + 2])
        })
    };
    for lens in show(LightColor::Off) {
        assert!(lens.iter().all(|&c| c < 60.0), "an unlit lens is nearly black: {lens:?}");
    }
    let [red, middle, _] = show(LightColor::Red);
    assert!(red[0] > 200.0 && red[1] < 140.0 && middle[0] < 60.0, "{red:?} {middle:?}");
    let amber = show(LightColor::Amber)[1];
    assert!(amber[0] > 200.0 && amber[1] > 120.0 && amber[2] < 120.0, "{amber:?}");
    let green = show(LightColor::Green)[2];
    assert!(green[1] > 200.0 && green[0] < 120.0, "{green:?}");
    let both = show(LightColor::RedAmber);
    assert!(both[0][0] > 200.0 && both[1][0] > 200.0);
}

#[test]
fn brake_lights_are_brighter_than_tail_lights() {
    let red = |braking| {
        let actor = ActorSnapshot { braking, ..car(12.0, 0.0) };
        let (camera, image) = draw(StaticScene::meadow(0.0), &instant(vec![actor], vec![]));
        let bounds = camera.visible_objects()[0].bounds;
        let count = image.data.chunks_exact(3).filter(|p| p[0] > 200 && p[1] < 140).count();
        (bounds, count)
    };
    let ((_, off), (_, on)) = (red(false), red(true));
    assert!(on > off + 20, "{off} {on}");
}

#[test]
fn the_same_instant_gives_the_same_bytes_and_noise_follows_seed_and_time() {
    let snapshot = instant(vec![car(14.0, 3.0)], vec![]);
    let bytes = |seed, time| {
        let mut camera = CameraRenderer::new(&rig(), Arc::new(StaticScene::meadow(0.0)), seed);
        let mut image = Image::default();
        camera.render(&instant(vec![], vec![]), &mut image);
        let snapshot = WorldSnapshot { time: LogicalTime::from_nanos(time), ..snapshot.clone() };
        camera.render(&snapshot, &mut image);
        image.data
    };
    assert_eq!(bytes(1, 500), bytes(1, 500));
    assert_ne!(bytes(1, 500), bytes(2, 500));
    assert_ne!(bytes(1, 100_000_000), bytes(1, 200_000_000));
}

#[test]
fn a_wall_across_the_near_plane_is_cut() {
    let mut scene = StaticScene::meadow(0.0);
    let pose = Pose2::new(100.0, -50.0, 0.8).compose(&Pose2::new(2.0, 3.5, 0.0));
    scene.solids.push(Solid::new(&pose, 0.0, Form::Box([40.0, 2.0, 8.0]), Material::Facade, [0.4; 3]));
    let (camera, _) = draw(scene, &instant(vec![], vec![]));
    // The wall's face is 1.5 m to the left: the leftmost column looks at it 1.5 m / tan 35° ahead.
    let found = camera.depth()[192 * 640];
    let expected = 1.5 / auriga_geometry::math::tan(35.0_f64.to_radians()) as f32;
    assert!((found - expected).abs() < 0.02, "{found} {expected}");
}
