//! Logical execution time: nodes, executor, links, trace, recorder, replay.
