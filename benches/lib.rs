//! Benchmarks of Backdraft: `cargo bench --package backdraft-benches`.
//!
//! `products` times derivatives of one batch: the gradient, the losses' derivatives along a vector, and products with
//! the Gauss-Newton matrix and the Hessian, from scratch and with what does not depend on the vector kept.
