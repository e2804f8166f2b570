//! Files that the viewer writes, and those that it can't.

use auriga_geometry::{LogicalDuration, LogicalTime, Pose2, Pose3, Vec3};
use auriga_map::Map;
use auriga_messages::auriga_msgs::{BehaviorDecision, SafeCommandRecord};
use auriga_messages::autoware_perception_msgs::{TrackedObject, TrackedObjects};
use auriga_messages::autoware_planning_msgs::{Trajectory, TrajectoryPoint};
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::radar_msgs::{RadarTrack, RadarTracks};
use auriga_messages::sensor_msgs::Image;
use auriga_viewer::{Shows, Viewer, ViewerError, ViewerOptions};
use rerun::external::re_log_encoding::DecoderApp;
use rerun::external::re_log_types::LogMsg;
use std::collections::BTreeSet;
use std::io::BufReader;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

fn options(rrd: &str) -> ViewerOptions {
    ViewerOptions { rrd: Some(PathBuf::from(rrd)), connect: None, thin: 4, shows: Shows::default() }
}

fn temporary(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("auriga-viewer-{}-{name}", std::process::id()))
}

const ROAD: &str = r#"<OpenDRIVE><header revMajor="1" revMinor="6"/><road id="1" length="100" junction="-1">
    <planView><geometry s="0" x="0" y="0" hdg="0" length="100"><line/></geometry></planView>
    <lanes><laneSection s="0"><center><lane id="0" type="none"/></center>
    <right><lane id="-1" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/>
    <roadMark sOffset="0" type="broken"/></lane></right></laneSection></lanes></road></OpenDRIVE>"#;

#[test]
fn a_second_of_driving_can_be_read_back() {
    let path = temporary("second.rrd");
    let viewer = Viewer::new(&options(path.to_str().unwrap())).unwrap();
    viewer.map(&Map::from_opendrive(ROAD).unwrap()).unwrap();
    let up = Pose3::from_euler(Vec3::new(1.0, 0.0, 1.5), 0.0, 0.0, 0.0);
    viewer.rig(&up, &up, &[300.0, 0.0, 32.0, 0.0, 300.0, 24.0, 0.0, 0.0, 1.0], 64, 48).unwrap();
    viewer.radar(&up).unwrap();
    viewer.ego(4.6, 1.85, 1.5, 0.95).unwrap();
    let handle = viewer.handle();
    for i in 0..10 {
        let time = LogicalTime::ZERO + LogicalDuration::from_millis(100 * i);
        let mut ego = Odometry::default();
        ego.header.stamp = time.into();
        ego.pose.pose = (&Pose2::new(i as f64, -1.75, 0.0)).into();
        handle.try_send(time, Arc::new(ego).into());
        let mut picture =
            Image { width: 64, height: 48, encoding: String::from("rgb8"), step: 192, ..Default::default() };
        picture.header.stamp = time.into();
        picture.data = vec![120; 192 * 48];
        handle.try_send(time, Arc::new(picture).into());
        let mut radar = RadarTracks { tracks: vec![RadarTrack::default()], ..Default::default() };
        radar.header.stamp = time.into();
        handle.try_send(time, Arc::new(radar).into());
        let mut tracks = TrackedObjects { objects: vec![TrackedObject::default()], ..Default::default() };
        tracks.header.stamp = time.into();
        handle.try_send(time, Arc::new(tracks).into());
        let points = (0..10).map(|k| TrajectoryPoint {
            pose: (&Pose2::new(f64::from(k), 0.0, 0.0)).into(),
            ..Default::default()
        });
        handle.try_send(time, Arc::new(Trajectory { points: points.collect(), ..Default::default() }).into());
        handle.try_send(
            time,
            Arc::new(BehaviorDecision { rule: String::from("cruise"), ..Default::default() }).into(),
        );
        handle.try_send(
            time,
            Arc::new(SafeCommandRecord { active: true, state: 1, ..Default::default() }).into(),
        );
    }
    let summary = viewer.finish().unwrap();
    assert_eq!((summary.dropped, summary.unseen), (0, None));
    assert_eq!(summary.bytes, std::fs::metadata(&path).unwrap().len());

    let file = BufReader::new(std::fs::File::open(&path).unwrap());
    let (mut entities, mut columns) = (BTreeSet::new(), BTreeSet::new());
    for message in DecoderApp::decode_lazy(file) {
        if let LogMsg::ArrowMsg(_, chunk) = message.unwrap() {
            let schema = chunk.batch.schema();
            entities.extend(schema.metadata().get("rerun:entity_path").cloned());
            columns.extend(schema.fields().iter().map(|field| field.name().clone()));
        }
    }
    let wanted = ["/world/map/surface", "/world/ego", "/world/ego/camera/image", "/world/tracks/unknown"];
    for entity in wanted.into_iter().chain(["/world/ego/radar/tracks", "/world/ego/radar/velocity"]) {
        assert!(entities.contains(entity), "{entity} is not among {entities:?}");
    }
    assert!(columns.contains("logical_time") && !columns.contains("log_time"), "{columns:?}");
    // What comes after the end is lost, and no more than that.
    handle.try_send(LogicalTime::ZERO, Arc::new(Odometry::default()).into());
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_full_disk_is_an_error_that_names_the_file() {
    if !std::path::Path::new("/dev/full").exists() {
        let _ = writeln!(std::io::stderr(), "skipped: this system has no /dev/full");
        return;
    }
    let viewer = Viewer::new(&options("/dev/full")).unwrap();
    viewer.map(&Map::from_opendrive(ROAD).unwrap()).unwrap();
    let error = viewer.finish().unwrap_err();
    assert!(matches!(error, ViewerError::Write { .. }), "{error}");
    assert!(error.to_string().starts_with("/dev/full: incomplete"), "{error}");
    assert!(error.to_string().contains("No space left"), "{error}");
}

#[test]
fn a_file_that_breaks_off_is_an_error_that_names_it() {
    let path = temporary("pipe.rrd");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    if !made.is_ok_and(|status| status.success()) {
        let _ = writeln!(std::io::stderr(), "skipped: this system makes no pipes with names");
        return;
    }
    // A reader that goes away after the first bytes is to the writer what a full disk is: an error in the middle.
    let reader = std::thread::spawn({
        let path = path.clone();
        move || std::io::Read::read(&mut std::fs::File::open(path).unwrap(), &mut [0; 4]).unwrap()
    });
    let viewer = Viewer::new(&options(path.to_str().unwrap())).unwrap();
    reader.join().unwrap();
    viewer.map(&Map::from_opendrive(ROAD).unwrap()).unwrap();
    let error = viewer.finish().unwrap_err();
    assert!(matches!(error, ViewerError::Write { .. }), "{error}");
    assert!(error.to_string().starts_with(path.to_str().unwrap()), "{error}");
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn what_can_not_be_opened_is_refused_at_once() {
    let error = Viewer::new(&options("/nowhere/at/all.rrd")).err().unwrap();
    assert!(error.to_string().starts_with("/nowhere/at/all.rrd: can't be written"), "{error}");
    let error = Viewer::new(&ViewerOptions { rrd: None, connect: None, thin: 1, shows: Shows::default() })
        .err()
        .unwrap();
    assert!(matches!(error, ViewerError::NoTarget));
    let nonsense = ViewerOptions {
        rrd: None,
        connect: Some(String::from("not a url")),
        thin: 1,
        shows: Shows::default(),
    };
    let error = Viewer::new(&nonsense).err().unwrap();
    assert!(matches!(error, ViewerError::Connect { .. }), "{error}");
}

fn connected(url: String, rrd: Option<PathBuf>) -> ViewerOptions {
    ViewerOptions { rrd, connect: Some(url), thin: 1, shows: Shows::default() }
}

#[test]
fn without_a_viewer_at_the_address_the_run_does_not_begin() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("rerun+http://{free}/proxy");
    let error = Viewer::new(&connected(url.clone(), None)).err().unwrap();
    assert!(matches!(error, ViewerError::Connect { .. }), "{error}");
    assert!(
        error.to_string().contains(&url) && error.to_string().contains("start it with `rerun`"),
        "{error}"
    );
}

#[test]
fn a_viewer_that_never_reads_is_given_up_and_the_file_is_complete() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (path, url) =
        (temporary("silent.rrd"), format!("rerun+http://{}/proxy", silent.local_addr().unwrap()));
    let viewer = Viewer::new(&connected(url, Some(path.clone()))).unwrap();
    viewer.map(&Map::from_opendrive(ROAD).unwrap()).unwrap();
    for i in 0..50 {
        let time = LogicalTime::ZERO + LogicalDuration::from_millis(100 * i);
        let mut picture =
            Image { width: 64, height: 48, encoding: String::from("rgb8"), step: 192, ..Default::default() };
        picture.data = vec![120; 192 * 48];
        viewer.handle().try_send(time, Arc::new(picture).into());
    }
    let summary = viewer.finish().unwrap();
    assert!(summary.unseen.is_some(), "{summary:?}");
    let file = BufReader::new(std::fs::File::open(&path).unwrap());
    assert!(DecoderApp::decode_lazy(file).filter(|message| message.is_ok()).count() > 10);
    std::fs::remove_file(&path).unwrap();
}
