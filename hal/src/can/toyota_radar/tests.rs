use super::*;
use proptest::prelude::*;
use std::path::Path;

fn database() -> Database {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/can/toyota_tssp_radar.dbc");
    Database::read(&file).unwrap()
}

/// A frame of a track: what it says, and a right checksum.
fn frame(database: &Database, track: u16, counter: u8, valid: bool, new: bool, distance: f64) -> CanFrame {
    let message = database.message(CanId::Standard(0x210 + track)).unwrap();
    let mut values = vec![None; message.signals().len()];
    for (name, value) in [
        ("COUNTER", f64::from(counter)),
        ("DISTANCE", distance),
        ("LATERAL", 0.4),
        ("RELATIVE_SPEED", -1.25),
        ("VALID", f64::from(u8::from(valid))),
        ("NEW", f64::from(u8::from(new))),
        ("CHECKSUM", 0.0),
    ] {
        values[message.index_of(name).unwrap()] = Some(value);
    }
    let mut data = [0; 8];
    message.encode(&values, &mut data).unwrap();
    let protection = Protection { checksum: Some(Checksum::Toyota), counter: None };
    protection.seal(message.id, &mut data, None);
    CanFrame::classic(message.id, &data).unwrap()
}

fn millis(at: i64) -> LogicalTime {
    LogicalTime::from_nanos(at * 1_000_000)
}

fn number(track: &RadarTrack) -> u64 {
    u64::from_le_bytes(track.uuid.uuid[..8].try_into().unwrap())
}

#[test]
fn a_cycle_is_complete_with_its_sixteenth_frame_in_any_order() {
    let database = database();
    let mut radar = ToyotaRadar::bind(database.clone()).unwrap();
    for turn in 0..3_u8 {
        let order = [7_u16, 0, 1, 2, 3, 4, 5, 6, 15, 14, 13, 12, 11, 10, 9, 8];
        for (place, track) in order.into_iter().enumerate() {
            let frame = frame(&database, track, turn, track < 2, turn == 2 && track == 1, 20.0);
            let cycle = radar.hear(millis(50 * i64::from(turn) + place as i64), &frame);
            assert_eq!(cycle.is_some(), place == 15);
            let Some(cycle) = cycle else { continue };
            let begin = 50 * i64::from(turn);
            assert_eq!((cycle.first, cycle.last), (millis(begin), millis(begin + 15)));
            let tracks = &cycle.tracks.tracks;
            assert_eq!(tracks.len(), 2);
            assert!((tracks[0].position.x - 20.0).abs() < 1e-9 && (tracks[0].position.y + 0.4).abs() < 1e-9);
            assert!((tracks[0].velocity.x + 1.25).abs() < 1e-9);
            // The second one has been given up for another object in the last turn.
            let second = if turn == 2 { 33 } else { 17 };
            assert_eq!((number(&tracks[0]), number(&tracks[1])), (16, second));
        }
    }
    assert_eq!(radar.counts(), Counts { accepted: 48, ..Counts::default() });
}

#[test]
fn a_lost_frame_costs_its_track_and_not_the_cycle() {
    let database = database();
    let mut radar = ToyotaRadar::bind(database.clone()).unwrap();
    for track in 0..15 {
        assert_eq!(radar.hear(millis(1), &frame(&database, track, 9, true, false, 5.0)), None);
    }
    let mut spoiled = frame(&database, 15, 9, true, false, 5.0);
    spoiled.data_mut()[2] ^= 1;
    assert_eq!(radar.hear(millis(2), &spoiled), None);
    let next = radar.hear(millis(51), &frame(&database, 3, 10, true, false, 5.0)).unwrap();
    assert_eq!((next.last, next.tracks.tracks.len()), (millis(1), 15));
    let unknown = CanFrame::classic(CanId::Standard(0x123), &[0; 8]).unwrap();
    assert_eq!(radar.hear(millis(52), &unknown), None);
    let expected = Counts { accepted: 16, unknown: 1, corrupted: 1, lost: 1, ..Counts::default() };
    assert_eq!(radar.counts(), expected);
}

#[test]
fn another_dbc_file_is_refused() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/can/toyota_rav4_tssp.dbc");
    let error = ToyotaRadar::bind(Database::read(&file).unwrap()).unwrap_err().to_string();
    assert!(error.contains("no TRACK_A_0") && error.contains("toyota_tssp_radar.dbc"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes, in whatever order: cycles follow each other in time, and hold each track at most once.
    #[test]
    fn any_frames_give_cycles_in_order(frames in prop::collection::vec((0_u16..20, 0_u8..4, any::<bool>(), 0_i64..30), 0..200)) {
        let database = database();
        let mut radar = ToyotaRadar::bind(database.clone()).unwrap();
        let (mut at, mut last) = (0, LogicalTime::ZERO);
        for (track, counter, valid, wait) in frames {
            at += wait;
            let frame = if track < 16 {
                frame(&database, track, counter, valid, false, 8.0)
            } else {
                CanFrame::classic(CanId::Standard(0x210 + track), &[counter; 5]).unwrap()
            };
            if let Some(cycle) = radar.hear(millis(at), &frame) {
                prop_assert!(last <= cycle.first && cycle.first <= cycle.last && cycle.last <= millis(at));
                let mut numbers: Vec<u64> = cycle.tracks.tracks.iter().map(|track| number(track) % 16).collect();
                let count = numbers.len();
                numbers.dedup();
                prop_assert_eq!(numbers.len(), count);
                last = cycle.last;
            }
        }
    }
}
