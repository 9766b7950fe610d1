//! What crosses crates: CPU against GPU, operators against dense matrices, the command line. Here is what those tests
//! share.

use std::error::Error;

use burn::tensor::{Device, DeviceType, Tensor};

/// What a test comes to.
pub type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// A graphics adapter, if this machine has one; a software one such as Mesa's lavapipe counts. Says so if there is
/// none.
pub fn wgpu() -> Option<Device> {
    let device = Device::enumerate(DeviceType::Wgpu).into_iter().next();
    match &device {
        Some(device) => println!("on {device:?}"),
        None => println!("skipped: no wgpu adapter on this machine"),
    }
    device
}

/// Numbers in (-1, 1) that look random and are the same everywhere.
pub fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// The elements, on the host.
pub fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// `|a - b| / |b|` in the Euclidean norm.
///
/// # Panics
/// If there are not as many of each.
pub fn apart(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied())
}
