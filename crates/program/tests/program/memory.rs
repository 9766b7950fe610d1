//! What a linear map keeps between applications, and within which budget. In f64 on flex.

use backdraft_program::{Linear, grad, linearize, vjp};
use backdraft_test_support::*;
use burn::{Tensor, tensor::activation};

type Matrix = Tensor<2>;

/// `tanh(x x') x`, whose derivative keeps `x x'` as tanh left it, `[5, 5]`.
fn f(x: Matrix) -> Matrix {
    activation::tanh(x.clone().matmul(x.clone().transpose())).matmul(x)
}

fn point() -> Matrix {
    random([5, 3], 2)
}

fn product(map: &Linear<Matrix, Matrix>) -> Vec<f64> {
    host(map.apply(random([5, 3], 9)).unwrap())
}

#[test]
fn nothing_is_kept_beyond_the_budget() {
    for map in [linearize(f, point()).unwrap().1, vjp(f, point()).unwrap().1] {
        let needed = map.kept_bytes();
        // At least one matrix [5, 5] of 8 bytes, and at most a few: not the point.
        assert!((200..=800).contains(&needed), "{needed}");
        let expected = product(&map);

        let map = map.with_memory(needed - 1);
        assert_eq!(map.kept_bytes(), 0);
        assert_close(&product(&map), &expected, 1e-15);
        assert_eq!(map.kept_bytes(), 0, "an application kept something");
        let transposed = map.transpose().unwrap();
        assert_eq!(
            transposed.kept_bytes(),
            0,
            "the transpose has the budget too"
        );
        assert!(!product(&transposed).is_empty());

        // With the memory that it takes, it is kept from the next application on.
        let map = map.with_memory(needed);
        assert_close(&product(&map), &expected, 1e-15);
        assert_eq!(map.kept_bytes(), needed);
        assert_close(&product(&map), &expected, 1e-15);
    }
}

/// A map that keeps nothing is recomputed while another function is traced, too.
#[test]
fn a_map_without_memory_can_be_applied_in_a_trace() {
    let (_, map) = linearize(f, point()).unwrap();
    let slope = |map: &Linear<Matrix, Matrix>| {
        let x = random([5, 3], 9);
        host(grad(|x: Matrix| Ok(map.apply(x)?.square().sum()), x).unwrap())
    };
    let expected = slope(&map);
    assert_close(&slope(&map.with_memory(0)), &expected, 1e-14);
}
