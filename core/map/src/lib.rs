//! OpenDRIVE road networks as lanes, topology, Frenet frames and signals.
