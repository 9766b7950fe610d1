//! Reductions, scans, extrema and orderings.

use burn_backend::IntDType;
use burn_backend::ops::FloatTensorOps;

use crate::support::{Outer, Tensor, check, floats, spread};

type Unary = (&'static str, fn(Tensor) -> Tensor);

fn check_all(table: &[Unary]) {
    for (name, f) in table {
        check(name, [spread([3, 4], -1.0, 1.5)], |[x]| f(x));
    }
}

#[test]
fn sums_and_means() {
    check_all(&[
        ("sum", Outer::float_sum),
        ("sum_dim", |x| Outer::float_sum_dim(x, 1)),
        ("sum_dims", |x| Outer::float_sum_dims(x, &[0, 1])),
        ("mean", Outer::float_mean),
        ("mean_dim", |x| Outer::float_mean_dim(x, 0)),
        ("cumsum", |x| Outer::float_cumsum(x, 1)),
    ]);
}

#[test]
fn products() {
    check_all(&[
        ("prod", Outer::float_prod),
        ("prod_dim 0", |x| Outer::float_prod_dim(x, 0)),
        ("prod_dim 1", |x| Outer::float_prod_dim(x, 1)),
        ("cumprod 0", |x| Outer::float_cumprod(x, 0)),
        ("cumprod 1", |x| Outer::float_cumprod(x, 1)),
    ]);
    for length in 1..10 {
        let x = || [spread([length], -1.0, 1.5)];
        check("prod of a vector", x(), |[x]| Outer::float_prod(x));
        check("cumprod of a vector", x(), |[x]| Outer::float_cumprod(x, 0));
    }
}

#[test]
fn products_with_zeros() {
    for zeros in [vec![0.0, 2.0, 3.0], vec![0.0, 2.0, 0.0]] {
        let x = || [floats(zeros.clone(), [3])];
        check("prod at zeros", x(), |[x]| Outer::float_prod(x));
        check("cumprod at zeros", x(), |[x]| Outer::float_cumprod(x, 0));
    }
}

#[test]
fn extrema() {
    check_all(&[
        ("max", Outer::float_max),
        ("min", Outer::float_min),
        ("max_abs", Outer::float_max_abs),
        ("max_dim", |x| Outer::float_max_dim(x, 1)),
        ("min_dim", |x| Outer::float_min_dim(x, 0)),
        ("max_abs_dim", |x| Outer::float_max_abs_dim(x, 1)),
        ("max_dim_with_indices", |x| {
            Outer::float_max_dim_with_indices(x, 0, IntDType::I64).0
        }),
        ("min_dim_with_indices", |x| {
            Outer::float_min_dim_with_indices(x, 1, IntDType::I64).0
        }),
        ("cummax", |x| Outer::float_cummax(x, 1)),
        ("cummin", |x| Outer::float_cummin(x, 0)),
    ]);
}

#[test]
fn orderings() {
    check_all(&[
        ("sort", |x| Outer::float_sort(x, 1, false)),
        ("sort, descending", |x| Outer::float_sort(x, 0, true)),
        ("sort_with_indices", |x| {
            Outer::float_sort_with_indices(x, 1, true, IntDType::I64).0
        }),
        ("topk", |x| Outer::float_topk(x, 1, 2)),
        ("topk_with_indices", |x| {
            Outer::float_topk_with_indices(x, 0, 2, IntDType::I64).0
        }),
    ]);
}
