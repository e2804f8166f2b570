//! A figure that depends on speed.

use serde::Deserialize;

/// Rows of speed (m/s, ascending) and figure: linear between rows, constant beyond the first and the last.
///
/// ```
/// use auriga_vehicle::SpeedTable;
///
/// let most = SpeedTable(vec![[10.0, 3.0], [30.0, 1.0]]);
/// assert_eq!((most.at(0.0), most.at(20.0), most.at(40.0)), (3.0, 2.0, 1.0));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct SpeedTable(pub Vec<[f64; 2]>);

impl SpeedTable {
    /// The figure at a speed (m/s); 0 where the table is empty.
    #[must_use]
    pub fn at(&self, speed: f64) -> f64 {
        let above = self.0.partition_point(|row| row[0] <= speed);
        match (above.checked_sub(1).and_then(|i| self.0.get(i)), self.0.get(above)) {
            (Some([v0, a]), Some([v1, b])) => a + (b - a) * (speed - v0) / (v1 - v0),
            (Some([_, only]), None) | (None, Some([_, only])) => *only,
            (None, None) => 0.0,
        }
    }

    /// What is wrong with it as a table of positive figures; `None` when nothing is.
    #[must_use]
    pub fn problem(&self) -> Option<&'static str> {
        let fine = |row: &[f64; 2]| row[0].is_finite() && row[0] >= 0.0 && row[1].is_finite() && row[1] > 0.0;
        if self.0.is_empty() {
            Some("it has no row")
        } else if !self.0.iter().all(fine) {
            Some("a speed is below zero, or a figure is not above zero")
        } else if !self.0.is_sorted_by(|a, b| a[0] < b[0]) {
            Some("its speeds don't ascend")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn mistakes_are_named() {
        let check = |rows: &[[f64; 2]], part: &str| {
            let problem = SpeedTable(rows.to_vec()).problem().unwrap_or("none");
            assert!(problem.contains(part), "{problem}");
        };
        check(&[], "no row");
        check(&[[0.0, 0.0]], "above zero");
        check(&[[0.0, f64::NAN]], "above zero");
        check(&[[-1.0, 1.0]], "below zero");
        check(&[[5.0, 1.0], [5.0, 2.0]], "ascend");
        check(&[[0.0, 1.0], [5.0, 2.0]], "none");
        assert_eq!(SpeedTable::default().at(3.0), 0.0);
    }

    proptest! {
        #[test]
        fn the_figure_lies_between_its_rows(speed in -5.0..60.0, a in 0.1..5.0, b in 0.1..5.0, c in 0.1..5.0) {
            let figure = SpeedTable(vec![[3.0, a], [10.0, b], [40.0, c]]).at(speed);
            prop_assert!(figure >= a.min(b).min(c) - 1e-12 && figure <= a.max(b).max(c) + 1e-12);
        }
    }
}
