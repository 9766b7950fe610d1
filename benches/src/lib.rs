//! Benchmarks of Backdraft.
