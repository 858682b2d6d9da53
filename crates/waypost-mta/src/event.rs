//! One log line for each thing that happens.
