//! The model zoo, its data sets and its training loops.
