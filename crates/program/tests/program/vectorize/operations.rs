//! Elementwise operations, those along axes, reductions and products.

use burn::tensor::{DType, Tensor, activation, ops::PadMode, s};

use super::common::*;

#[test]
fn arithmetic_and_functions() {
    check(&[positive([2, 3]), positive([2, 3])], |x| {
        let (x, y) = (f::<2>(&x[0]), f::<2>(&x[1]));
        let functions = [
            x.clone().exp() + x.clone().log(),
            x.clone().log1p() * x.clone().erf(),
            x.clone().sqrt() / x.clone().cos(),
            x.clone().tanh() - x.clone().sin() * x.clone().tan(),
            x.clone().powf(y.clone()) + x.clone().powf_scalar(1.5),
            x.clone().atan2(y.clone()) + x.clone().hypot(y.clone()),
            x.clone().recip() + (x.clone() * 3.0).floor() + (x.clone() * 5.0).round(),
            (x.clone() * 7.0).remainder(y.clone()) + (x.clone() * 7.0).remainder_scalar(0.4),
            (x.clone() - 1.0).abs() + (y.clone() - 1.0).sign() - x.clone().neg(),
            x.clone().clamp(0.8, 1.2) + x.clone().clamp_min(0.9) - y.clone().clamp_max(1.1),
            x.clone().max_pair(y.clone()) + x.clone().min_pair(y.clone()),
            (x.clone() / 2.0).asin() + (x.clone() / 2.0).acos() + x.clone().atan(),
            x.clone().sinh() + x.clone().cosh() + (x.clone() / 2.0).atanh() + x.clone().asinh(),
            (x.clone() + 1.0).acosh() + x.clone().square() + x.clone().powi_scalar(3),
            (x.clone() * 3.0).ceil() + (x * 5.0).trunc() + y,
        ];
        functions.map(Tensor::into_dispatch).into()
    });
}

#[test]
fn broadcasting_inside() {
    check(&[float([2, 1, 3]), float([1, 4, 1])], |x| {
        let (x, y) = (f::<3>(&x[0]), f::<3>(&x[1]));
        let mask = x.clone().lower(y.clone());
        vec![
            (x.clone() * y.clone() + x.clone()).into_dispatch(),
            mask.clone().into_dispatch(),
            x.clone()
                .expand([2, 4, 3])
                .mask_fill(mask.clone(), 2.0)
                .into_dispatch(),
            x.expand([2, 4, 3])
                .mask_where(mask, y.expand([2, 4, 3]))
                .into_dispatch(),
        ]
    });
    // Of a lower rank.
    check(&[float([3]), float([2, 3])], |x| {
        vec![(f::<1>(&x[0]).expand([2, 3]) - f::<2>(&x[1])).into_dispatch()]
    });
}

#[test]
fn ints() {
    check(&[int([2, 3], 7), int([2, 3], 5), boolean([2, 3])], |x| {
        let (x, y, mask) = (i::<2>(&x[0]), i::<2>(&x[1]), b::<2>(&x[2]));
        let ints = [
            x.clone() * y.clone() + 3 - x.clone(),
            (x.clone() + 1) / (y.clone() + 1),
            x.clone().remainder_scalar(3) + x.clone().powi_scalar(2),
            x.clone().bitwise_and(y.clone()).bitwise_or_scalar(8),
            x.clone()
                .bitwise_xor(y.clone())
                .bitwise_left_shift_scalar(2),
            x.clone().mask_fill(mask.clone(), 9),
            x.clone().mask_where(mask, y.clone()),
            x.clone().sum_dim(1).expand([2, 3]) + x.clone().max_dim(0).expand([2, 3]),
            x.clone().sort(1) + x.clone().cumsum(1),
            x.clone().argsort(0),
            x.clone().matmul(y.clone().transpose()).matmul(x.clone()),
            y.clone().flip([1]).transpose().reshape([2, 3]),
        ];
        let mut outputs: Vec<_> = ints.map(Tensor::into_dispatch).into();
        outputs.push(x.float().cast(DType::F64).mean().into_dispatch());
        outputs.push(y.sum().into_dispatch());
        outputs
    });
}

#[test]
fn bools() {
    check(&[int([2, 3], 7), int([2, 3], 5), boolean([2, 3])], |x| {
        let (x, y, mask) = (i::<2>(&x[0]), i::<2>(&x[1]), b::<2>(&x[2]));
        let reduced = mask.clone().any_dim(1).expand([2, 3]);
        let bools = [
            x.clone().equal(y.clone()).bool_and(mask.clone()),
            x.clone()
                .lower_equal(y.clone())
                .bool_or(mask.clone().bool_not()),
            x.clone().not_equal(y.clone()).bool_xor(mask.clone()),
            x.clone()
                .greater_equal_scalar(3)
                .bool_or(x.clone().equal_scalar(1)),
            mask.clone().transpose().reshape([2, 3]).flip([0]),
            reduced.bool_and(mask.clone().all_dim(0).expand([2, 3])),
        ];
        let mut outputs: Vec<_> = bools.map(Tensor::into_dispatch).into();
        outputs.push((mask.clone().int() + x.greater(y).int()).into_dispatch());
        outputs.push(mask.clone().any().into_dispatch());
        outputs.push(mask.all().into_dispatch());
        outputs
    });
}

#[test]
fn activations() {
    check_derivatives(&[float([2, 3]), float([3])], |x| {
        let (x, alpha) = (f::<2>(&x[0]), f::<1>(&x[1]));
        let functions = [
            activation::relu(x.clone()) + activation::leaky_relu(x.clone(), 0.1),
            activation::gelu(x.clone()) * activation::sigmoid(x.clone()),
            activation::log_sigmoid(x.clone()) + activation::hard_sigmoid(x.clone(), 0.3, 0.5),
            activation::softmax(x.clone(), 1) + activation::log_softmax(x.clone(), 0),
            activation::softmin(x.clone(), 1) + activation::silu(x.clone()),
            activation::prelu(x.clone(), alpha),
            activation::softplus(x, 1.0),
        ];
        functions.map(Tensor::into_dispatch).into()
    });
}

#[test]
fn shapes() {
    check_derivatives(&[float([2, 3, 4]), float([2, 2, 4])], |x| {
        let (x, y) = (f::<3>(&x[0]), f::<3>(&x[1]));
        vec![
            x.clone().reshape([6, 4]).into_dispatch(),
            x.clone().swap_dims(0, 2).into_dispatch(),
            x.clone().permute([1, 2, 0]).into_dispatch(),
            x.clone().flip([0, 2]).into_dispatch(),
            x.clone().repeat_dim(1, 2).into_dispatch(),
            x.clone().slice(s![0..1, 1.., ..]).into_dispatch(),
            x.clone().slice(s![.., ..;2, 1..4;-1]).into_dispatch(),
            x.clone()
                .slice_assign(s![.., 1..3, ..], y.clone())
                .into_dispatch(),
            Tensor::cat(vec![x.clone(), y.clone(), x.clone()], 1).into_dispatch(),
            x.clone().unfold::<4, _>(2, 2, 1).into_dispatch(),
            x.clone()
                .pad((1, 0, 0, 2), PadMode::Constant(0.5))
                .into_dispatch(),
            x.clone()
                .pad((1, 1, 1, 1), PadMode::Reflect)
                .into_dispatch(),
            x.cross(y.repeat_dim(1, 2).slice(s![.., 0..3, ..]), 1)
                .into_dispatch(),
        ]
    });
}

#[test]
fn reductions() {
    check_derivatives(&[positive([2, 3, 2])], |x| {
        let x = f::<3>(&x[0]);
        vec![
            x.clone().sum().into_dispatch(),
            x.clone().mean().into_dispatch(),
            x.clone().prod().into_dispatch(),
            x.clone().max().into_dispatch(),
            x.clone().min().into_dispatch(),
            x.clone().max_abs().into_dispatch(),
            x.clone().sum_dim(1).into_dispatch(),
            x.clone().sum_dims(&[0, 2]).into_dispatch(),
            x.clone().mean_dim(0).into_dispatch(),
            x.clone().prod_dim(2).into_dispatch(),
            x.clone().max_dim(1).into_dispatch(),
            x.clone().min_dim(2).into_dispatch(),
            x.clone().max_abs_dim(1).into_dispatch(),
            x.clone().cumsum(1).into_dispatch(),
            x.clone().cumprod(1).into_dispatch(),
            x.clone().cummax(1).into_dispatch(),
            x.clone().cummin(0).into_dispatch(),
            x.clone().var(1).into_dispatch(),
        ]
    });
}

#[test]
fn order() {
    check(&[float([3, 4])], |x| {
        let x = f::<2>(&x[0]);
        let (sorted, positions) = x.clone().sort_descending_with_indices(1);
        let (largest, place) = x.clone().max_dim_with_indices(0);
        let (smallest, other) = x.clone().min_dim_with_indices(1);
        let (top, places) = x.clone().topk_with_indices(2, 1);
        vec![
            sorted.into_dispatch(),
            positions.into_dispatch(),
            largest.into_dispatch(),
            place.into_dispatch(),
            smallest.into_dispatch(),
            other.into_dispatch(),
            top.into_dispatch(),
            places.into_dispatch(),
            x.clone().sort(0).into_dispatch(),
            x.clone().argsort(1).into_dispatch(),
            x.clone().argmax(1).into_dispatch(),
            x.clone().argmin(0).into_dispatch(),
            x.clone().topk(2, 0).into_dispatch(),
            x.clone().is_nan().into_dispatch(),
            x.clone().greater_scalar(0.0).all().into_dispatch(),
            x.bool().any().into_dispatch(),
        ]
    });
}

#[test]
fn matrix_products() {
    let product = |left: &[usize], right: &[usize]| {
        let rank = left.len();
        check_derivatives(&[float(left), float(right)], move |x| match rank {
            2 => vec![f::<2>(&x[0]).matmul(f::<2>(&x[1])).into_dispatch()],
            3 => vec![f::<3>(&x[0]).matmul(f::<3>(&x[1])).into_dispatch()],
            _ => vec![f::<4>(&x[0]).matmul(f::<4>(&x[1])).into_dispatch()],
        });
    };
    product(&[2, 3], &[3, 4]);
    product(&[2, 3], &[3, 1]);
    product(&[1, 3], &[3, 2]);
    product(&[5, 2, 3], &[5, 3, 4]);
    product(&[5, 2, 3], &[1, 3, 4]);
    product(&[1, 2, 3], &[5, 3, 4]);
    product(&[1, 2, 3], &[5, 3, 1]);
    product(&[2, 3, 2, 3], &[2, 1, 3, 4]);
}
