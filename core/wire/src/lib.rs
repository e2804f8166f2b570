//! Messages on the wire: CDR, ROS 2 schema text and type hash.
