//! What crosses crates: one device against another, operators against dense matrices, programs at random. One binary,
//! for each links the graphics backend anew.
//!
//! On a graphics device a run is recorded while nothing else is computed there: a test holds the device that
//! [`wgpu`](backdraft_test_support::wgpu) gives alone.

mod devices;
mod fused;
mod gpu;
mod leave_one_out;
mod memory;
mod random_programs;
mod recompute;
mod recorded;
mod refused_values;
mod sharded;
mod vectorize_gpu;
mod zoo;
