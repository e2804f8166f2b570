//! What an object is: names, labels and votes.

use auriga_messages::autoware_perception_msgs::ObjectClassification;

/// What an object may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Not known.
    #[default]
    Unknown,
    /// A car or van.
    Vehicle,
    /// A lorry or bus.
    Truck,
    /// A person on foot.
    Pedestrian,
    /// A bicycle or motorcycle with its rider.
    Cyclist,
}

impl Class {
    /// All classes, in the order of [`ClassVotes`].
    pub const ALL: [Self; 5] = [Self::Unknown, Self::Vehicle, Self::Truck, Self::Pedestrian, Self::Cyclist];

    /// From a detection's `class_id`.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name {
            "vehicle" => Self::Vehicle,
            "truck" => Self::Truck,
            "pedestrian" => Self::Pedestrian,
            "cyclist" => Self::Cyclist,
            _ => Self::Unknown,
        }
    }

    /// As a detection's `class_id`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Vehicle => "vehicle",
            Self::Truck => "truck",
            Self::Pedestrian => "pedestrian",
            Self::Cyclist => "cyclist",
        }
    }

    /// As one of `ObjectClassification`'s constants.
    #[must_use]
    pub const fn label(self) -> u8 {
        match self {
            Self::Unknown => ObjectClassification::UNKNOWN,
            Self::Vehicle => ObjectClassification::CAR,
            Self::Truck => ObjectClassification::TRUCK,
            Self::Pedestrian => ObjectClassification::PEDESTRIAN,
            Self::Cyclist => ObjectClassification::BICYCLE,
        }
    }

    /// Greatest believable length and width, metres.
    #[must_use]
    pub(crate) const fn extent_most(self) -> (f64, f64) {
        match self {
            Self::Unknown => (9.0, 4.5),
            Self::Vehicle => (5.8, 2.3),
            Self::Truck => (16.0, 3.2),
            Self::Pedestrian => (1.0, 0.9),
            Self::Cyclist => (2.3, 1.0),
        }
    }

    /// Standard deviation of the acceleration, m/s².
    #[must_use]
    pub(crate) const fn acceleration(self) -> f64 {
        match self {
            Self::Unknown => 1.5,
            Self::Vehicle | Self::Truck => 3.0,
            Self::Pedestrian => 1.2,
            Self::Cyclist => 1.5,
        }
    }

    /// Greatest believable speed, m/s.
    #[must_use]
    pub(crate) const fn speed_most(self) -> f64 {
        match self {
            Self::Unknown => 15.0,
            Self::Vehicle | Self::Truck => 45.0,
            Self::Pedestrian => 4.0,
            Self::Cyclist => 14.0,
        }
    }
}

/// Votes for each class; older ones fade.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClassVotes([f64; 5]);

/// What is left of a vote after a scan.
const FADE: f64 = 0.95;

impl ClassVotes {
    /// Lets older votes fade.
    pub fn fade(&mut self) {
        self.0.iter_mut().for_each(|v| *v *= FADE);
    }

    /// Adds a vote.
    pub fn add(&mut self, class: Class, weight: f64) {
        self.0[class as usize] += weight.max(0.0);
    }

    /// The class with the most votes; of equals the first in [`Class::ALL`].
    #[must_use]
    pub fn best(&self) -> Class {
        let mut best = Class::Unknown;
        for class in Class::ALL {
            if self.0[class as usize] > self.0[best as usize] {
                best = class;
            }
        }
        best
    }

    /// The share of a class's votes, 0 to 1.
    #[must_use]
    pub fn share(&self, class: Class) -> f64 {
        let sum: f64 = self.0.iter().sum();
        if sum > 0.0 { self.0[class as usize] / sum } else { 0.0 }
    }
}
