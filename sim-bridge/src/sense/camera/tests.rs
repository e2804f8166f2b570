use super::{CameraRenderer, Subject};
use crate::sense::town;
use auriga_hal::{CameraRig, MountPose};
use auriga_messages::sensor_msgs::Image;
use std::sync::Arc;

pub(super) fn rig() -> CameraRig {
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
    let scenes = std::env::var("SENSE_SCENES").ok().and_then(|n| n.parse().ok()).unwrap_or(6);
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
        let _ = Subject::Actor(0, crate::world::ActorKind::Car);
    }
}
