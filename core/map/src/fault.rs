//! What is wrong with a file that can still be used.

/// The sort of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// One piece of a reference line does not begin where the one before it ends; size in metres.
    Gap,
    /// One piece of a reference line does not begin in the direction in which the one before it ends; size in radians.
    Kink,
    /// Two pieces of a reference line claim the same stretch; size in metres.
    Overlap,
    /// A road is longer or shorter than its reference line; size in metres.
    Length,
    /// A lane's width falls below zero; size in metres.
    NegativeWidth,
    /// A lane does not begin where the one that leads to it ends; size in metres.
    LaneGap,
    /// A link that only one of its two lanes states; size 0.
    OneSidedLink,
    /// Two lanes meet end to end and nothing links them; size is the gap in metres.
    MissingLink,
    /// A lanelet's border is broken into pieces that do not meet; size in metres.
    BorderGap,
    /// A reference to something that is not in the file; size 0.
    DanglingReference,
}

/// A recoverable fault of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// Where: the road (with `s`) or the lane.
    pub place: String,
    /// The line in the file, from 1, of the element that it belongs to, where one is known.
    pub line: Option<u32>,
    /// How bad it is; the unit depends on the kind.
    pub size: f64,
    /// Whether the map has it put right: gaps are bridged, overlaps cut, widths raised to zero, links added.
    pub mended: bool,
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter) -> core::fmt::Result {
        let what = match self.kind {
            FaultKind::Gap => "the reference line has a gap, metres",
            FaultKind::Kink => "the reference line has a kink, radians",
            FaultKind::Overlap => "the reference line overlaps itself, metres",
            FaultKind::Length => "road and reference line differ in length, metres",
            FaultKind::NegativeWidth => "the width falls below zero, metres",
            FaultKind::LaneGap => "the next lane begins elsewhere, metres",
            FaultKind::OneSidedLink => "only one side states the link",
            FaultKind::MissingLink => "lanes meet without a link; gap, metres",
            FaultKind::BorderGap => "the border is broken, metres",
            FaultKind::DanglingReference => "it refers to something that is not there",
        };
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "{}: {what}", self.place)?;
        if self.size != 0.0 {
            write!(f, ": {:.4}", self.size)?;
        }
        f.write_str(if self.mended { " (mended)" } else { "" })
    }
}
