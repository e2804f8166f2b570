//! What is read through a schema text is what was written through the type.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use auriga_wire::{Message, Schema, message, to_cdr};
use proptest::prelude::*;

message! {
    /// A place.
    pub struct Place = "example_msgs/msg/Place" {
        /// Metres.
        pub x: f64,
        /// A flag before which nothing is aligned.
        pub known: bool,
    }
}

message! {
    /// Something of everything.
    pub struct Mixed = "example_msgs/msg/Mixed" {
        /// Small.
        pub small: i8,
        /// Large.
        pub large: u64,
        /// Text.
        pub text: String,
        /// Bytes.
        pub data: Vec<u8>,
        /// Places.
        pub places: Vec<Place>,
        /// Numbers.
        pub numbers: Vec<f32>,
        /// Fixed.
        pub fixed: [i16; 3],
        /// Last.
        pub last: Place,
    } constants {
        /// A constant, which takes no bytes.
        ONE: u8 = 1,
    }
}

fn place() -> impl Strategy<Value = Place> {
    (any::<f64>(), any::<bool>()).prop_map(|(x, known)| Place { x, known })
}

fn mixed() -> impl Strategy<Value = Mixed> {
    let numbers = prop::collection::vec(any::<f32>(), 0..5);
    let bytes = prop::collection::vec(any::<u8>(), 0..9);
    let places = prop::collection::vec(place(), 0..4);
    (any::<i8>(), any::<u64>(), ".{0,12}", bytes, places, numbers, any::<[i16; 3]>(), place()).prop_map(
        |(small, large, text, data, places, numbers, fixed, last)| Mixed {
            small,
            large,
            text: text.replace('\0', ""),
            data,
            places,
            numbers,
            fixed,
            last,
        },
    )
}

fn schema() -> Schema {
    Schema::parse(Mixed::NAME, &Mixed::schema_text()).unwrap()
}

proptest! {
    #[test]
    fn every_field_has_its_value(message in mixed()) {
        let cdr = to_cdr(&message);
        let mut seen = Vec::new();
        schema().walk(&cdr, &mut |path, value| seen.push((path.to_owned(), value.to_string()))).unwrap();
        let find = |path: &str| seen.iter().find(|(p, _)| p == path).map(|(_, value)| value.clone());
        prop_assert_eq!(find("small"), Some(message.small.to_string()));
        prop_assert_eq!(find("large"), Some(message.large.to_string()));
        prop_assert_eq!(find("text"), Some(format!("{:?}", message.text)));
        prop_assert_eq!(find("data"), Some(format!("{} bytes", message.data.len())));
        prop_assert_eq!(find("fixed[2]"), Some(message.fixed[2].to_string()));
        for (i, place) in message.places.iter().enumerate() {
            prop_assert_eq!(find(&format!("places[{i}].x")), Some(place.x.to_string()));
        }
        prop_assert_eq!(find("last.known"), Some(message.last.known.to_string()));
    }

    #[test]
    fn equal_messages_do_not_differ_and_others_do(a in mixed(), b in mixed()) {
        let (one, other) = (to_cdr(&a), to_cdr(&b));
        prop_assert!(schema().differences(&one, &one, 10).unwrap().is_empty());
        prop_assert_eq!(schema().differences(&one, &other, 1000).unwrap().is_empty(), one == other);
    }

    #[test]
    fn no_bytes_and_no_text_are_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[a-z0-9/\\[\\]<= \n#:MSG]{0,120}") {
        let _ = schema().walk(&bytes, &mut |_, _| {});
        if let Ok(schema) = Schema::parse("a/msg/B", &text) {
            let _ = schema.walk(&bytes, &mut |_, _| {});
        }
    }
}

#[test]
fn a_difference_names_the_field() {
    let a = Mixed { places: vec![Place::default(); 2], data: vec![1, 2, 3], ..Mixed::default() };
    let mut b = a.clone();
    b.places[1].x = 0.5;
    b.data[2] = 9;
    let found = schema().differences(&to_cdr(&a), &to_cdr(&b), 10).unwrap();
    let text: Vec<String> = found.iter().map(|(path, a, b)| format!("{path}: {a}, {b}")).collect();
    assert_eq!(text, ["data[2]: 3, 9", "places[1].x: 0, 0.5"]);
    b.places.pop();
    b.data[2] = 3;
    let found = schema().differences(&to_cdr(&a), &to_cdr(&b), 10).unwrap();
    assert_eq!(found[0], ("places".to_owned(), "2 elements".to_owned(), "1 elements".to_owned()));
    assert_eq!(found[1], ("places[1].x".to_owned(), "0".to_owned(), "absent".to_owned()));
}

#[test]
fn texts_of_other_makers_are_read() {
    let text = "# A comment\nstd_msgs/Header header # the frame\nuint8 A=1\nstring<=5 name \"none\"\nfloat64[<=2] pair\nPoint[2] ends\n\
                ================\nMSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n\
                ================\nMSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n\
                ================\nMSG: x/Point\nfloat32 x\n";
    let schema = Schema::parse("x/msg/Thing", text).unwrap();
    // Big-endian: stamp 1.000000002, frame "m", name "", one number 0.5, x = 1 and 2.
    let mut cdr = vec![0, 0, 0, 0];
    cdr.extend([0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, b'm', 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    cdr.extend([0, 0, 0, 1]);
    cdr.extend([0; 4]);
    cdr.extend(0.5_f64.to_be_bytes());
    cdr.extend(1.0_f32.to_be_bytes());
    cdr.extend(2.0_f32.to_be_bytes());
    let mut seen = Vec::new();
    schema.walk(&cdr, &mut |path, value| seen.push(format!("{path} {value}"))).unwrap();
    assert_eq!(
        seen,
        [
            "header.stamp.sec 1",
            "header.stamp.nanosec 2",
            "header.frame_id \"m\"",
            "name \"\"",
            "pair 1 elements",
            "pair[0] 0.5",
            "ends[0].x 1",
            "ends[1].x 2"
        ]
    );
}

#[test]
fn what_is_wrong_with_a_text_is_said() {
    let error = |text: &str| Schema::parse("x/msg/Thing", text).unwrap_err().to_string();
    assert_eq!(
        error("int32 a\nNothing b\n"),
        "schema of x/msg/Thing, line 2: `Nothing` is not defined in this text"
    );
    assert!(error("int32\n").contains("a type and a name"));
    assert!(error("int32[x] a\n").contains("line 1: `int32[x]`"));
    assert!(error("Thing again\n").contains("nested in themselves"));
    assert!(error("wstring text\n").contains("wstring"));
}
