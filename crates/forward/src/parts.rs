//! What derivatives in either mode are made of, on any backend, in forms that lose nothing: no difference of numbers
//! that round to the same, no division by a factor that may be zero.

use burn_backend::tensor::{BoolTensor, FloatTensor, IndexingUpdateOp, IntTensor};
use burn_backend::{Backend, Slice, TensorMetadata};

use crate::rules::{bool_dtype, expand_to, int_dtype};

/// The derivative of the sigmoid, `sigmoid(x) sigmoid(-x)`: where the sigmoid rounds to one, `1 - sigmoid(x)` is lost.
pub fn sigmoid_slope<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_mul(B::sigmoid(x.clone()), B::sigmoid(B::float_neg(x)))
}

/// The derivative of `log sigmoid`, `sigmoid(-x)`.
pub fn log_sigmoid_slope<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::sigmoid(B::float_neg(x))
}

/// The derivative of `tanh`, `4 sigmoid(2x) sigmoid(-2x)`: where `tanh` rounds to one, one minus its square is lost.
pub fn tanh_slope<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let slope = sigmoid_slope::<B>(B::float_mul_scalar(x, 2.0.into()));
    B::float_mul_scalar(slope, 4.0.into())
}

/// `(1 - x) (1 + x)`, which keeps the digits that `1 - x^2` loses near one.
pub fn one_minus_square<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let below = B::float_add_scalar(B::float_neg(x.clone()), 1.0.into());
    B::float_mul(below, B::float_add_scalar(x, 1.0.into()))
}

/// `(x - 1) (x + 1)`, which keeps the digits that `x^2 - 1` loses near one.
pub fn square_minus_one<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let below = B::float_sub_scalar(x.clone(), 1.0.into());
    B::float_mul(below, B::float_add_scalar(x, 1.0.into()))
}

/// `t / (2 y)`: how the root `y` of what moves by `t` moves. A root of zero that nothing moves stays where it is, as
/// that of a norm which a bound from below holds.
pub fn root_tangent<B: Backend>(y: FloatTensor<B>, t: FloatTensor<B>) -> FloatTensor<B> {
    let either = B::float_add(y.clone(), B::float_abs(t.clone()));
    let neither = B::float_equal_elem(either, 0.0.into(), bool_dtype::<B>(&y));
    let y = B::float_mask_fill(y, neither, 1.0.into());
    B::float_div(t, B::float_mul_scalar(y, 2.0.into()))
}

/// `-t y^2`: how the reciprocal `y` of what moves by `t` moves. Not by the square, which is zero or infinite where the
/// whole is not.
pub fn reciprocal_tangent<B: Backend>(y: FloatTensor<B>, t: FloatTensor<B>) -> FloatTensor<B> {
    B::float_neg(B::float_mul(B::float_mul(t, y.clone()), y))
}

/// The class with more than half of the probability, where there is one.
///
/// Its derivatives are small differences of large numbers; those of all others are not.
#[derive(Clone, Debug)]
pub struct Majority<B: Backend> {
    index: IntTensor<B>,
    none: BoolTensor<B>,
    dim: usize,
}

impl<B: Backend> Majority<B> {
    /// That of probabilities `p` that add up to one along `dim`.
    pub fn of(p: FloatTensor<B>, dim: usize) -> Self {
        let index = B::float_argmax(p.clone(), dim, int_dtype::<B>(&p));
        let share = B::float_gather(dim, p, index.clone());
        let dtype = bool_dtype::<B>(&share);
        let none = B::float_lower_equal_elem(share, 0.5.into(), dtype);
        Self { index, none, dim }
    }

    /// The element of `x` at that class, of size one along the dimension; zero where there is none.
    pub fn element(&self, x: FloatTensor<B>) -> FloatTensor<B> {
        self.only(B::float_gather(self.dim, x, self.index.clone()))
    }

    /// `x`, of size one along the dimension, where there is such a class, and zero where there is none.
    pub fn only(&self, x: FloatTensor<B>) -> FloatTensor<B> {
        B::float_mask_fill(x, self.none.clone(), 0.0.into())
    }

    /// `x` with `value`, of size one along the dimension, added at the class of most probability.
    pub fn add(&self, x: FloatTensor<B>, value: FloatTensor<B>) -> FloatTensor<B> {
        let index = self.index.clone();
        B::float_scatter(self.dim, x, index, value, IndexingUpdateOp::Add)
    }
}

/// `t - sum p t` along `dim`, for probabilities `p` that add up to one there: the derivative of `log_softmax` along
/// `t`, and times `p` that of `softmax`.
///
/// Both are the same for `t` and `t - c`. With `c` the element at a class of most of the probability, that class adds
/// nothing to the sum, and its own result is the sum over the others, not what is left of `t` after almost all of it
/// was taken away.
pub fn deviation<B: Backend>(p: FloatTensor<B>, t: FloatTensor<B>, dim: usize) -> FloatTensor<B> {
    let origin = Majority::<B>::of(p.clone(), dim).element(t.clone());
    let t = B::float_sub(t, origin);
    let mean = B::float_sum_dim(B::float_mul(p, t.clone()), dim);
    B::float_sub(t, mean)
}

/// The product along `dim`, by multiplying halves: its derivatives are exact at zeros, to every order.
pub fn prod_dim<B: Backend>(x: FloatTensor<B>, dim: usize) -> FloatTensor<B> {
    let mut x = x;
    let mut leftover: Option<FloatTensor<B>> = None;
    loop {
        let length = x.shape()[dim];
        if length == 0 {
            // An empty product is the constant one.
            return B::float_prod_dim(x, dim);
        }
        if length == 1 {
            return match leftover {
                Some(leftover) => B::float_mul(x, leftover),
                None => x,
            };
        }
        let half = length / 2;
        if length % 2 == 1 {
            let last = narrow::<B>(x.clone(), dim, length - 1, length);
            leftover = Some(match leftover {
                Some(leftover) => B::float_mul(leftover, last),
                None => last,
            });
        }
        x = B::float_mul(
            narrow::<B>(x.clone(), dim, 0, half),
            narrow::<B>(x, dim, half, 2 * half),
        );
    }
}

/// The running product along `dim`, by doubling windows: its derivatives are exact at zeros, to every order.
pub fn cumprod<B: Backend>(x: FloatTensor<B>, dim: usize) -> FloatTensor<B> {
    let length = x.shape()[dim];
    let mut x = x;
    let mut window = 1;
    while window < length {
        let done = narrow::<B>(x.clone(), dim, 0, window);
        let rest = B::float_mul(
            narrow::<B>(x.clone(), dim, window, length),
            narrow::<B>(x, dim, 0, length - window),
        );
        x = B::float_cat(vec![done, rest], dim);
        window *= 2;
    }
    x
}

/// Elements `start..end` along `dim`.
fn narrow<B: Backend>(x: FloatTensor<B>, dim: usize, start: usize, end: usize) -> FloatTensor<B> {
    let mut slices: Vec<Slice> = x.shape().iter().map(|&size| Slice::from(0..size)).collect();
    slices[dim] = Slice::from(start..end);
    B::float_slice(x, &slices)
}

/// `rhs lhs^(rhs - 1)`, the derivative of `lhs^rhs` by its base; zero where both are zero, as `lhs^0` is one for all
/// bases.
pub fn power_slope<B: Backend>(lhs: FloatTensor<B>, rhs: FloatTensor<B>) -> FloatTensor<B> {
    let below = B::float_sub_scalar(rhs.clone(), 1.0.into());
    let magnitude = B::float_add(B::float_abs(lhs.clone()), B::float_abs(rhs.clone()));
    let zeros = B::float_equal_elem(magnitude.clone(), 0.0.into(), bool_dtype::<B>(&magnitude));
    let below = expand_to::<B>(below, magnitude.shape());
    let below = B::float_mask_fill(below, zeros, 0.0.into());
    B::float_mul(rhs, B::float_powf(lhs, below))
}

/// `lhs^rhs log(lhs)`, the derivative of `lhs^rhs`, which is `power`, by its exponent; zero at a base of zero, where
/// `power` is zero.
pub fn exponent_slope<B: Backend>(lhs: FloatTensor<B>, power: FloatTensor<B>) -> FloatTensor<B> {
    let zero = B::float_equal_elem(lhs.clone(), 0.0.into(), bool_dtype::<B>(&lhs));
    let log = B::float_log(B::float_mask_fill(lhs, zero, 1.0.into()));
    B::float_mul(power, log)
}

/// `n x^(n - 1)`, the derivative of `x^n` for integers `n`; zero where `n` is, whatever `x` is.
pub fn integer_power_slope<B: Backend>(x: FloatTensor<B>, n: IntTensor<B>) -> FloatTensor<B> {
    let zero = B::int_equal_elem(n.clone(), 0.into(), bool_dtype::<B>(&x));
    let below = B::int_mask_fill(B::int_sub_scalar(n.clone(), 1.into()), zero, 0.into());
    let factor = B::int_into_float(n, x.dtype().into());
    B::float_mul(B::float_powi(x, below), factor)
}
