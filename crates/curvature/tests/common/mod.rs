//! What the tests of this crate share: data in f64 on flex, and dense references.
#![allow(dead_code)]

use burn::{
    Tensor,
    module::{Module, ModuleMapper, Param},
    tensor::{DType, Device, Int, TensorData},
};

pub fn device() -> Device {
    Device::flex()
}

/// Numbers in (-1, 1) that look random and are the same everywhere.
pub fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

pub fn vector(values: &[f64]) -> Tensor<1> {
    Tensor::from_data(
        TensorData::new(values.to_vec(), [values.len()]),
        (&device(), DType::F64),
    )
}

pub fn matrix(values: &[f64], rows: usize, columns: usize) -> Tensor<2> {
    Tensor::from_data(
        TensorData::new(values.to_vec(), [rows, columns]),
        (&device(), DType::F64),
    )
}

pub fn classes(values: &[i64]) -> Tensor<1, Int> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), &device())
}

pub fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// The module with weights in f64 that are the same everywhere, between -1/2 and 1/2.
pub fn double<M: Module>(module: M) -> M {
    struct Double(u64);
    impl ModuleMapper for Double {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            self.0 += 1;
            param.map(|tensor| {
                let shape = tensor.shape();
                let values = vector(&numbers(shape.num_elements(), self.0)) * 0.5;
                values.reshape(shape)
            })
        }
    }
    module.map(&mut Double(1_000))
}

/// `|a - b| / |b|` in the Euclidean norm.
pub fn relative_error(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied())
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Row-major square matrix times vector.
pub fn times(matrix: &[f64], v: &[f64]) -> Vec<f64> {
    matrix
        .chunks_exact(v.len())
        .map(|row| dot(row, v))
        .collect()
}
