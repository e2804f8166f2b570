//! A vehicle's parameters, footprint and motion models.
