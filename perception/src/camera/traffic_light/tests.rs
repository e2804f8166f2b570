use super::super::picture::tests::painted;
use super::*;
use auriga_geometry::Pose3;
use auriga_geometry::math::FRAC_PI_2;

fn camera() -> CameraModel {
    CameraModel {
        k: [457.0, 0.0, 320.0, 0.0, 457.0, 192.0, 0.0, 0.0, 1.0],
        size: (640, 384),
        optical_pose: Pose3::from_euler(Vec3::new(1.7, 0.0, 1.45), -FRAC_PI_2, 0.0, -FRAC_PI_2),
    }
}

/// A road to the east with a light at x = 50 that looks west, and one that looks east.
fn map() -> Map {
    let xml = r#"<OpenDRIVE><header revMajor="1" revMinor="6"/>
      <road id="1" length="100" junction="-1">
        <planView><geometry s="0" x="0" y="0" hdg="0" length="100"><line/></geometry></planView>
        <lanes><laneSection s="0">
          <center><lane id="0" type="none"/></center>
          <right><lane id="-1" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane></right>
        </laneSection></lanes>
        <signals>
          <signal s="50" t="-4" id="a" name="light" dynamic="yes" orientation="+" zOffset="3" type="1000001" subtype="-1" height="1.0" width="0.35"/>
          <signal s="50" t="4" id="b" name="light" dynamic="yes" orientation="-" zOffset="3" type="1000001" subtype="-1" height="1.0" width="0.35"/>
        </signals>
      </road></OpenDRIVE>"#;
    Map::from_opendrive(xml).unwrap()
}

#[test]
fn the_light_that_faces_the_car_is_where_it_should_be() {
    let map = map();
    let selector = LightSelector::new(LightSelectorConfig::default(), camera()).unwrap();
    let mut out = Vec::new();
    selector.select(&map, &Pose2::new(20.0, -1.75, 0.0), &mut out);
    assert_eq!(out.len(), 1, "{out:?}");
    let region = &out[0];
    let signal = map.signal(region.signal);
    let center = (region.low + region.high) / 2.0;
    let depth = 50.0 - 21.7;
    let expected = Vec2::new(
        320.0 - 457.0 * (signal.position.y + 1.75) / depth,
        192.0 - 457.0 * (signal.position.z - 1.45) / depth,
    );
    assert!((center - expected).norm() < 0.5, "{center} {expected}");
    let height = 457.0 * 1.25 * signal.height / depth;
    assert!((region.high.y - region.low.y - height).abs() < 0.2);
    selector.select(&map, &Pose2::new(60.0, -1.75, 0.0), &mut out);
    assert!(out.is_empty(), "behind the car");
}

#[test]
fn a_cut_out_holds_the_region_and_nothing_else() {
    let image = painted(100, 100, |column, row| {
        let inside = (40..50).contains(&column) && (20..50).contains(&row);
        if inside { [255, 128, 0] } else { [0, 0, 0] }
    });
    let picture = Picture::of(&image).unwrap();
    let region = LightRegion {
        signal: SignalId(0),
        low: Vec2::new(40.0, 20.0),
        high: Vec2::new(50.0, 50.0),
        range_m: 10.0,
    };
    let crop = LightCrop { mean: [0.0; 3], scale: 1.0, ..LightCrop::default() };
    let mut input = vec![0.0; 32 * 96 * 3];
    crop.cut(&picture, &region, &mut input).unwrap();
    let middle = 3 * (48 * 32 + 16);
    assert_eq!(input[middle..middle + 3], [0.0, 128.0, 255.0]);
    let mean: f32 = input.iter().skip(2).step_by(3).sum::<f32>() / (32.0 * 96.0);
    assert!(mean > 250.0 * 0.93, "{mean}");
    assert!(crop.cut(&picture, &region, &mut input[1..]).is_err());
}

#[test]
fn green_is_believed_late_and_red_sooner() {
    let mut filter = LightFilter::default();
    let mut out = TrafficLightGroupArray::default();
    let mut shown = |k: i64, color: LightColor| {
        let time = LogicalTime::from_nanos(k * 100_000_000);
        filter.step(time, &[(SignalId(3), color, 0.9)], None, &mut out);
        out.traffic_light_groups.first().map(|g| g.elements[0].color)
    };
    use LightColor::{Green, Red, Unknown};
    assert_eq!([shown(1, Green), shown(2, Green)], [None, None]);
    assert_eq!(shown(3, Green), Some(TrafficLightElement::GREEN));
    assert_eq!(shown(4, Red), Some(TrafficLightElement::GREEN));
    assert_eq!(shown(5, Red), Some(TrafficLightElement::RED));
    assert_eq!(shown(6, Green), Some(TrafficLightElement::RED));
    assert_eq!(shown(7, Unknown), Some(TrafficLightElement::RED));
    assert_eq!(shown(20, Unknown), None, "not confirmed for more than a second");
}

#[test]
fn unsure_scores_are_unknown() {
    assert_eq!(LightColor::from_scores(&[0.1, 0.4, 0.3, 0.2]).0, LightColor::Unknown);
    assert_eq!(LightColor::from_scores(&[0.05, 0.1, 0.05, 0.8]), (LightColor::Green, 0.8));
    assert_eq!(LightColor::from_scores(&[f32::NAN; 4]).0, LightColor::Unknown);
}
