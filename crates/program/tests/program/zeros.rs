//! First and second derivatives where a factor, a base or an exponent is zero, against what they are. In f64 on flex.

use backdraft_program::{ProgramError, grad, hessian, jvp};
use backdraft_test_support::{host, tensor};
use burn::{
    Tensor,
    tensor::{DType, TensorData},
};

/// The product of all but some.
fn product_but(x: &[f64], left_out: &[usize]) -> f64 {
    let kept = (0..x.len()).filter(|i| !left_out.contains(i));
    kept.map(|i| x[i]).product()
}

/// The Hessian of the product of `x`.
fn of_product(x: &[f64]) -> Vec<f64> {
    let n = x.len();
    let entry = |i: usize, j: usize| if i == j { 0.0 } else { product_but(x, &[i, j]) };
    (0..n * n).map(|ij| entry(ij / n, ij % n)).collect()
}

const FACTORS: [[f64; 4]; 5] = [
    [0.0, 2.0, 3.0, 1.0],
    [0.0, 0.0, 3.0, 1.0],
    [0.0, 2.0, 0.0, 0.0],
    [0.0; 4],
    [-2.0, 3.0, 0.5, 4.0],
];

/// The Hessian of `f` by forward over reverse mode, and by reverse over reverse and forward over forward mode too.
#[track_caller]
fn assert_hessian(name: &str, f: fn(Tensor<1>) -> Tensor<1>, x: &[f64], expected: &[f64]) {
    let n = x.len();
    let at = || tensor(x, [n]);
    let unit = |j: usize| {
        let mut unit = vec![0.0; n];
        unit[j] = 1.0;
        tensor(&unit, [n])
    };
    let found = host(hessian(f, at()).unwrap());
    assert_eq!(found, expected, "{name} at {x:?}");
    for j in 0..n {
        let along = move |x: Tensor<1>| {
            let slope = grad(f, x)?;
            Ok::<_, ProgramError>(slope.narrow(0, j, 1))
        };
        let column = host(grad(along, at()).unwrap());
        let row = |rows: &[f64]| rows[j * n..(j + 1) * n].to_vec();
        assert_eq!(
            column,
            row(expected),
            "{name} at {x:?}, reverse over reverse"
        );
        let slope = |x: Tensor<1>| {
            let v = unit(j).to_device(&x.device());
            Ok::<_, ProgramError>(jvp(f, x, v)?.1)
        };
        let again: Vec<f64> = (0..n)
            .map(|i| host(jvp(slope, at(), unit(i)).unwrap().1)[0])
            .collect();
        assert_eq!(
            again,
            row(expected),
            "{name} at {x:?}, forward over forward"
        );
    }
}

#[test]
fn of_products() {
    for x in FACTORS {
        let expected = of_product(&x);
        let x = x.as_slice();
        assert_hessian("prod", |x| x.prod(), x, &expected);
        let along = |x: Tensor<1>| x.prod_dim(0);
        assert_hessian("prod_dim", along, x, &expected);
        let matrix = |x: Tensor<1>| {
            // Column by column, of which the second is of ones.
            let x = x.reshape([4, 1]);
            let both = Tensor::cat(vec![x.clone(), x.ones_like()], 1);
            both.prod_dim(0).sum()
        };
        assert_hessian("prod_dim of a matrix", matrix, x, &expected);
    }
}

#[test]
fn of_running_products() {
    for x in FACTORS {
        let mut expected = vec![0.0; 16];
        for last in 0..4 {
            let part = of_product(&x[..=last]);
            for (ij, value) in part.iter().enumerate() {
                expected[ij / (last + 1) * 4 + ij % (last + 1)] += value;
            }
        }
        assert_hessian("cumprod", |x| x.cumprod(0).sum(), x.as_slice(), &expected);
    }
}

#[test]
fn gradients_of_products() {
    for x in FACTORS {
        let expected: Vec<f64> = (0..4).map(|i| product_but(&x, &[i])).collect();
        let gradient = grad(|x: Tensor<1>| x.prod(), tensor(&x, [4])).unwrap();
        assert_eq!(host(gradient), expected, "at {x:?}");
    }
}

/// `sum x^n` for `n = 0, 1, 2, 3`, whatever the exponents are kept in.
#[test]
fn of_powers_of_zero() {
    let diagonal = |of: [f64; 4]| -> Vec<f64> {
        let entry = |ij: usize| if ij / 4 == ij % 4 { of[ij / 4] } else { 0.0 };
        (0..16).map(entry).collect()
    };
    for base in [0.0, 2.0, -1.0] {
        let x = [base; 4];
        let expected = diagonal([0.0, 0.0, 2.0, 6.0 * base]);
        assert_hessian(
            "powf",
            |x| {
                let data = TensorData::from([0.0, 1.0, 2.0, 3.0]);
                let n = Tensor::<1>::from_data(data, (&x.device(), DType::F64));
                x.powf(n).sum()
            },
            &x,
            &expected,
        );
        assert_hessian(
            "powi",
            |x| {
                let data = TensorData::from([0.0, 1.0, 2.0, 3.0]);
                let n = Tensor::<1>::from_data(data, (&x.device(), DType::F64));
                x.powi(n).sum()
            },
            &x,
            &expected,
        );
        for (n, second) in [(0, 0.0), (1, 0.0), (2, 2.0), (3, 6.0 * base)] {
            let powers: [fn(Tensor<1>) -> Tensor<1>; 4] = [
                |x| x.powi_scalar(0).sum(),
                |x| x.powi_scalar(1).sum(),
                |x| x.powi_scalar(2).sum(),
                |x| x.powi_scalar(3).sum(),
            ];
            let expected = diagonal([second; 4]);
            assert_hessian("powi of a number", powers[n], &x, &expected);
        }
    }
}

/// A vector over its norm, which is at least a half: near zero, twice the vector. The norm's own derivative does not
/// exist there.
#[test]
fn of_a_normalised_zero() {
    let normalised = |x: Tensor<1>| {
        let norm = x.clone().square().sum_dim(0).sqrt().clamp_min(0.5);
        (x / norm).sum()
    };
    assert_hessian("a normalised vector", normalised, &[0.0; 3], &[0.0; 9]);
    let zero = || tensor(&[0.0; 3], [3]);
    assert_eq!(host(grad(normalised, zero()).unwrap()), [2.0; 3]);
    let along = tensor(&[1.0, 0.0, -3.0], [3]);
    let (_, moved) = jvp(|x: Tensor<1>| normalised(x), zero(), along).unwrap();
    assert_eq!(host(moved), [-4.0]);
    let root = grad(|x: Tensor<1>| x.sqrt().sum(), zero()).unwrap();
    assert_eq!(host(root), [f64::INFINITY; 3]);
}

/// `sum x^y` at bases of zero: neither the base nor the exponent makes it other than zero nearby, in first order.
#[test]
fn by_exponents_at_a_base_of_zero() {
    let bases = |y: Tensor<1>| {
        let data = TensorData::from([0.0, 0.0]);
        Tensor::<1>::from_data(data, (&y.device(), DType::F64))
            .powf(y)
            .sum()
    };
    assert_hessian("powf by its exponent", bases, &[1.0, 2.5], &[0.0; 4]);
}
