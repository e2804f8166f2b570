//! The reader on small files: what it takes, what it refuses, where.

use super::super::{CanId, Database};
use proptest::prelude::*;

const SMALL: &str = r#"VERSION "1"

NS_ :
	NS_DESC_
	CM_

BS_:
BU_: GATE CAR
 MORE

BO_ 100 STATE: 8 CAR
 SG_ SPEED : 7|16@0+ (0.01,-10) [0|250] "km/h" GATE,
  XXX
 SG_ ANGLE : 16|12@1- (0.5,0) [0|0] "deg \"left\"" GATE
 SG_ REAL : 32|32@1- (1,0) [0|0] "" GATE

BO_ 2147484000 LONG_ID: 64 CAR
 SG_ LAST : 504|8@1+ (1,0) [0|0] "" GATE

BO_ 200 MUX: 8 CAR
 SG_ WHICH M : 0|4@1+ (1,0) [0|0] "" GATE
 SG_ A m0 : 8|8@1+ (1,0) [0|0] "" GATE
 SG_ B m1 : 8|8@1+ (2,0) [0|0] "" GATE
 SG_ INNER m2M : 8|4@1+ (1,0) [0|0] "" GATE
 SG_ DEEP m5 : 16|8@1+ (1,0) [0|0] "" GATE
 SG_ ALWAYS : 24|8@1+ (1,0) [0|0] "" GATE

BO_ 3221225472 VECTOR__INDEPENDENT_SIG_MSG: 0 XXX
 SG_ LOST : 0|8@1+ (1,0) [0|0] "" XXX

CM_ SG_ 100 SPEED "a comment; with BO_ 1 and
over lines";
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 1000;
BA_ "GenMsgCycleTime" BO_ 100 20;
VAL_ 100 SPEED 0 "stands" 65535 "no \"value\"" ;
VAL_ 999 NOBODY 0 "x" ;
VAL_ ENV 0 "x" ;
SIG_VALTYPE_ 100 REAL : 1;
SG_MUL_VAL_ 200 DEEP INNER 5-5, 7-9;
SG_MUL_VAL_ 200 INNER WHICH 2-2;
"#;

fn values(id: CanId, data: &[u8]) -> Vec<(String, Option<f64>)> {
    let database = Database::from_dbc(SMALL, "small.dbc").unwrap();
    let message = database.message(id).unwrap();
    let mut values = vec![None; message.signals().len()];
    message.decode(data, &mut values);
    message.signals().iter().map(|signal| signal.name.clone()).zip(values).collect()
}

#[test]
fn a_small_file_is_read_as_it_is_meant() {
    let database = Database::from_dbc(SMALL, "small.dbc").unwrap();
    assert_eq!(database.messages().len(), 3);
    let state = database.message(CanId::Standard(100)).unwrap();
    assert_eq!(
        (state.name.as_str(), state.length, state.sender.as_str(), state.period_ms),
        ("STATE", 8, "CAR", Some(20.0))
    );
    let speed = &state.signals()[0];
    assert_eq!((speed.name.as_str(), speed.unit.as_str(), speed.range), ("SPEED", "km/h", (0.0, 250.0)));
    assert_eq!(speed.choice(0.01 * 65535.0 - 10.0), Some("no \"value\""));
    assert_eq!(speed.choice(3.0), None);
    assert_eq!(state.signals()[1].unit, "deg \"left\"");
    assert_eq!(database.message(CanId::Extended(352)).unwrap().name, "LONG_ID");
    assert_eq!(database.signal("MUX", "DEEP").unwrap().1, 4);
}

#[test]
fn numbers_of_every_kind() {
    let mut data = [0; 8];
    data[..2].copy_from_slice(&1500_u16.to_be_bytes());
    data[2..4].copy_from_slice(&(-3_i16).to_le_bytes());
    data[4..].copy_from_slice(&1.25_f32.to_le_bytes());
    let found: Vec<_> =
        values(CanId::Standard(100), &data).into_iter().map(|(_, value)| value.unwrap()).collect();
    assert_eq!(found, [5.0, -1.5, 1.25]);
    let short = values(CanId::Standard(100), &data[..4]);
    assert_eq!((short[1].1, short[2].1), (Some(-1.5), None), "what is not in the frame is not there");
}

#[test]
fn the_selector_decides_and_the_selectors_selector_too() {
    let present = |data: [u8; 8]| -> String {
        let found = values(CanId::Standard(200), &data);
        found
            .iter()
            .filter(|(_, value)| value.is_some())
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(present([0, 1, 2, 3, 0, 0, 0, 0]), "WHICH A ALWAYS");
    assert_eq!(present([1, 1, 2, 3, 0, 0, 0, 0]), "WHICH B ALWAYS");
    assert_eq!(present([2, 5, 2, 3, 0, 0, 0, 0]), "WHICH INNER DEEP ALWAYS");
    assert_eq!(present([2, 8, 2, 3, 0, 0, 0, 0]), "WHICH INNER DEEP ALWAYS");
    assert_eq!(present([2, 6, 2, 3, 0, 0, 0, 0]), "WHICH INNER ALWAYS");
    assert_eq!(present([3, 5, 2, 3, 0, 0, 0, 0]), "WHICH ALWAYS");
}

#[test]
fn what_cannot_be_written_is_refused_by_name() {
    let database = Database::from_dbc(SMALL, "small.dbc").unwrap();
    let state = database.message(CanId::Standard(100)).unwrap();
    let mut data = [0; 8];
    for (value, problem) in
        [(f64::NAN, "not a number"), (1e6, "bits"), (-10.1, "bits"), (f64::INFINITY, "bits")]
    {
        let error = state.encode(&[Some(value)], &mut data).unwrap_err().to_string();
        assert!(error.contains("STATE") && error.contains("SPEED") && error.contains(problem), "{error}");
    }
    assert_eq!(data, [0; 8]);
    assert!(state.encode(&[None, Some(1.0)], &mut data[..2]).unwrap_err().to_string().contains("short"));
    state.encode(&[Some(5.0), None, Some(1.25)], &mut data).unwrap();
    assert_eq!(&data[..4], [0x05, 0xdc, 0, 0]);
    // What the selectors do not select is left alone.
    let multiplexed = database.message(CanId::Standard(200)).unwrap();
    let mut data = [0; 8];
    multiplexed
        .encode(&[Some(1.0), Some(7.0), Some(8.0), Some(3.0), Some(9.0), Some(1.0)], &mut data)
        .unwrap();
    assert_eq!(data, [1, 4, 0, 1, 0, 0, 0, 0]);
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (text, line, part) in [
        ("SG_ A : 0|8@1+ (1,0) [0|0] \"\" X", 1, "before the first message"),
        ("\nBO_ x A: 8 X", 2, "whole number"),
        ("BO_ 1 A 8 X", 1, "`:`"),
        ("BO_ 1 A: 65 X\n", 1, "64"),
        ("BO_ 1 A: 8 X\n SG_ S : 0|8@2+ (1,0) [0|0] \"\" X", 2, "byte order"),
        ("BO_ 1 A: 8 X\n SG_ S : 0|8@1* (1,0) [0|0] \"\" X", 2, "sign"),
        ("BO_ 1 A: 8 X\n SG_ S : 0|65@1+ (1,0) [0|0] \"\" X", 2, "64 bits"),
        ("BO_ 1 A: 8 X\n SG_ S : 0|0@1+ (1,0) [0|0] \"\" X", 2, "64 bits"),
        ("BO_ 1 A: 8 X\n SG_ S : 510|8@1+ (1,0) [0|0] \"\" X", 2, "64 bits"),
        ("BO_ 1 A: 8 X\n SG_ S : 99999999999999999999|8@1+ (1,0) [0|0] \"\" X", 2, "whole number"),
        ("BO_ 1 A: 8 X\n SG_ S : 0|8@1+ (0,0) [0|0] \"\" X", 2, "scale"),
        ("BO_ 1 A: 8 X\n SG_ S : 0|8@1+ (1e999,0) [0|0] \"\" X", 2, "number"),
        ("BO_ 1 A: 8 X\n SG_ S : 0|8@1+ (1,0) [0|0] \"x", 2, "without an end"),
        ("BO_ 1 A: 8 X\n SG_ S q : 0|8@1+ (1,0) [0|0] \"\" X", 2, "multiplexing"),
        ("BO_ 1 A: 8 X\n SG_ S m1 : 0|8@1+ (1,0) [0|0] \"\" X", 2, "no signal"),
        ("BO_ 1 A: 8 X\n SG_ S : 0|8@1+ (1,0) [0|0] \"\" X\nSIG_VALTYPE_ 1 S : 1;", 2, "value type"),
        ("CM_ \"x\"\n", 1, "without `;`"),
        ("HELLO", 1, "HELLO"),
        ("%", 1, "%"),
        ("BO_ 4294967295 A: 8 X", 1, "29 bits"),
    ] {
        let error = Database::from_dbc(text, "bad.dbc").unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("bad.dbc: line {line}: ")) && error.contains(part),
            "{text:?}: {error}"
        );
    }
    let circle = "BO_ 1 A: 8 X\n SG_ S m0M : 0|8@1+ (1,0) [0|0] \"\" X\n SG_ T m0M : 8|8@1+ (1,0) [0|0] \"\" X\n\
                  SG_MUL_VAL_ 1 S T 0-0;\nSG_MUL_VAL_ 1 T S 0-0;";
    assert!(Database::from_dbc(circle, "bad.dbc").unwrap_err().to_string().contains("circle"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// A file with a hole, a doubled piece or a changed byte is read or refused; it does not panic.
    #[test]
    fn no_damage_makes_it_panic(at in 0..SMALL.len(), length in 0..40_usize, with in any::<u8>(), how in 0..3_u8) {
        let mut text = SMALL.as_bytes().to_vec();
        let end = (at + length).min(text.len());
        match how {
            0 => drop(text.drain(at..end)),
            1 => {
                let piece = text[at..end].to_vec();
                text.splice(at..at, piece);
            }
            _ => text[at] = with,
        }
        let text = String::from_utf8_lossy(&text);
        if let Ok(database) = Database::from_dbc(&text, "damaged.dbc") {
            for message in database.messages() {
                let mut values = vec![None; message.signals().len()];
                message.decode(&[0xa5; 64], &mut values);
                let _ = message.encode(&values, &mut [0; 64]);
            }
        }
    }

    /// Values that came out of a frame go back into the same bits.
    #[test]
    fn frames_survive_decoding_and_encoding(data in any::<[u8; 8]>(), which in 0..2_usize) {
        let database = Database::from_dbc(SMALL, "small.dbc").unwrap();
        let message = database.message(CanId::Standard([100, 200][which])).unwrap();
        let mut values = vec![None; message.signals().len()];
        message.decode(&data, &mut values);
        if values.iter().flatten().all(|value| value.is_finite()) {
            let mut again = data;
            message.encode(&values, &mut again).unwrap();
            prop_assert_eq!(again, data);
        }
    }
}
