//! Derivatives of closures.

use burn::tensor::Tensor;

use crate::{
    closures::{
        linear_map::{Derivable, Linear},
        region,
        stage::traced,
        tensors::{IntoTensorResult, Tensors, floats, size, unit, with_floats},
    },
    ir::{error::ProgramError, spec::Spec},
    transform::differentiate::Mode,
};

/// A value, and a linear map from `V` to `W` at the same point.
type WithMap<Y, V, W> = Result<(Y, Linear<V, W>), ProgramError>;

/// The value of `f` at `primals` and its derivative along `tangents`, in forward mode:
///
/// ```text
/// (y, dy) = (f(x), f'(x) v)
/// ```
///
/// ```
/// use backdraft_program::jvp;
/// use burn::tensor::{Device, Tensor};
///
/// let device = Device::flex();
/// let x = Tensor::<1>::from_floats([1.0, 2.0], &device);
/// let v = Tensor::<1>::from_floats([1.0, -1.0], &device);
/// let (y, dy) = jvp(|x: Tensor<1>| x.square(), x, v)?;
/// assert_eq!(y.into_data(), Tensor::<1>::from_floats([1.0, 4.0], &device).into_data());
/// assert_eq!(dy.into_data(), Tensor::<1>::from_floats([2.0, -4.0], &device).into_data());
/// # Ok::<(), backdraft_program::ProgramError>(())
/// ```
///
/// # Errors
/// Those of `f`; [`ProgramError::NothingToDifferentiate`] if `primals` holds no float tensor;
/// [`ProgramError::VectorLength`] and [`ProgramError::Vector`] if `tangents` does not have its shapes and types;
/// [`ProgramError::Unsupported`] for an operation without a rule; [`ProgramError::Trace`] if `f` mixes its argument
/// with tensors from elsewhere or reads its values.
pub fn jvp<X, R>(
    f: impl FnOnce(X) -> R,
    primals: X,
    tangents: X,
) -> Result<(R::Value, R::Value), ProgramError>
where
    X: Tensors,
    R: IntoTensorResult,
{
    traced((primals, tangents), |(x, v)| {
        let (_, y, region) = region::record(f, &x)?;
        let dy = with_floats(&y, region.apply(Mode::Forward, floats(&v))?);
        Ok((y, dy))
    })
}

/// The value of `f` at `x` and its derivative there as a linear map from tangents of `x` to tangents of the value:
/// [`jvp`] for many tangents. What does not depend on the tangent is computed once and kept; [`Linear::with_memory`]
/// limits it.
///
/// ```
/// use backdraft_program::linearize;
/// use burn::tensor::{Device, Tensor};
///
/// let device = Device::flex();
/// let x = Tensor::<1>::from_floats([1.0, 2.0], &device);
/// let (_, derivative) = linearize(|x: Tensor<1>| x.square(), x)?;
/// for scale in [1.0, 2.0] {
///     let dy = derivative.apply(Tensor::full([2], scale, &device))?;
///     assert_eq!(dy.into_data(), Tensor::<1>::from_floats([2.0 * scale, 4.0 * scale], &device).into_data());
/// }
/// # Ok::<(), backdraft_program::ProgramError>(())
/// ```
///
/// # Errors
/// As [`jvp`].
pub fn linearize<X, R>(f: impl FnOnce(X) -> R, x: X) -> WithMap<R::Value, X, R::Value>
where
    X: Tensors,
    R: IntoTensorResult,
{
    Derivable::new(f, x)?.forward()
}

/// The value of `f` at `x` and its derivative there in reverse mode: a linear map that pulls cotangents of the value
/// back to cotangents of `x`,
///
/// ```text
/// u -> f'(x)' u
/// ```
///
/// ```
/// use backdraft_program::vjp;
/// use burn::tensor::{Device, Tensor};
///
/// let device = Device::flex();
/// let (a, b) = (Tensor::<1>::from_floats([3.0], &device), Tensor::<1>::from_floats([5.0], &device));
/// let (_, pull_back) = vjp(|(a, b): (Tensor<1>, Tensor<1>)| a * b, (a, b))?;
/// let (da, db) = pull_back.apply(Tensor::ones([1], &device))?;
/// assert_eq!((da.into_scalar::<f32>(), db.into_scalar::<f32>()), (5.0, 3.0));
/// # Ok::<(), backdraft_program::ProgramError>(())
/// ```
///
/// # Errors
/// As [`jvp`].
pub fn vjp<X, R>(f: impl FnOnce(X) -> R, x: X) -> WithMap<R::Value, R::Value, X>
where
    X: Tensors,
    R: IntoTensorResult,
{
    Derivable::new(f, x)?.reverse()
}

/// The gradient at `x` of a function of one number, in the structure of `x`.
///
/// It may be called within a function that is differentiated, any number of times deep, and the inner function may read
/// the tensors of the outer one:
///
/// ```
/// use backdraft_program::grad;
/// use burn::tensor::{Device, Tensor};
///
/// let device = Device::flex();
/// let x = Tensor::<1>::from_floats([2.0], &device);
/// // d/dx (a d/da (a^2 x^3) at a = x) = d/dx 2 x^5
/// let outer = |x: Tensor<1>| {
///     let inner = grad(|a: Tensor<1>| a.square() * x.clone().powi_scalar(3), x.clone())?;
///     Ok(x * inner)
/// };
/// assert_eq!(grad(outer, x)?.into_scalar::<f32>(), 160.0);
/// # Ok::<(), backdraft_program::ProgramError>(())
/// ```
///
/// # Errors
/// As [`jvp`]; [`ProgramError::NotScalar`] if the value has more than one element.
pub fn grad<X, R>(f: impl FnOnce(X) -> R, x: X) -> Result<X, ProgramError>
where
    X: Tensors,
    R: IntoTensorResult<Value = Tensor<1>>,
{
    traced(x, |x| Ok(value_and_grad(f, x)?.1))
}

/// The value at `x` of a function of one number, and its gradient.
///
/// # Errors
/// As [`grad`].
pub fn value_and_grad<X, R>(f: impl FnOnce(X) -> R, x: X) -> Result<(Tensor<1>, X), ProgramError>
where
    X: Tensors,
    R: IntoTensorResult<Value = Tensor<1>>,
{
    traced(x, |x| {
        let (x, y, region) = region::record(f, &x)?;
        if y.dims() != [1] {
            let found = Box::new(Spec::new(y.dims(), y.dtype()));
            return Err(ProgramError::NotScalar { found });
        }
        let one = y.ones_like().into_dispatch();
        let gradient = region.apply(Mode::Reverse, vec![one])?;
        Ok((y, with_floats(&x, gradient)))
    })
}

/// The product with `v` of the Hessian at `x` of a function of one number, in the structure of `x`: exact, by forward
/// over reverse mode (Pearlmutter 1994), in about four evaluations of `f`. For many products at one point use
/// [`linearize`] of [`grad`].
///
/// ```
/// use backdraft_program::hvp;
/// use burn::tensor::{Device, Tensor};
///
/// let device = Device::flex();
/// let x = Tensor::<1>::from_floats([1.0, 2.0], &device);
/// let v = Tensor::<1>::from_floats([1.0, -1.0], &device);
/// let product = hvp(|x: Tensor<1>| x.powi_scalar(3).sum(), x, v)?;
/// assert_eq!(product.into_data(), Tensor::<1>::from_floats([6.0, -12.0], &device).into_data());
/// # Ok::<(), backdraft_program::ProgramError>(())
/// ```
///
/// # Errors
/// As [`grad`] and [`jvp`].
pub fn hvp<X, R>(f: impl FnOnce(X) -> R, x: X, v: X) -> Result<X, ProgramError>
where
    X: Tensors,
    R: IntoTensorResult<Value = Tensor<1>>,
{
    Ok(jvp(|x| grad(f, x), x, v)?.1)
}

/// The Jacobian of `f` at `x` as a matrix `[outputs, inputs]`, whose rows and columns are the elements of the
/// differentiable tensors in the order of [`Tensors::ravel`]. It is computed column by column in forward mode, or row
/// by row in reverse mode if those are fewer.
///
/// ```
/// use backdraft_program::jacobian;
/// use burn::tensor::{Device, Tensor};
///
/// let device = Device::flex();
/// let x = Tensor::<1>::from_floats([1.0, 2.0], &device);
/// let matrix = jacobian(|x: Tensor<1>| (x.clone().prod(), x.sum()), x)?;
/// assert_eq!(matrix.into_data(), Tensor::<2>::from_floats([[2.0, 1.0], [1.0, 1.0]], &device).into_data());
/// # Ok::<(), backdraft_program::ProgramError>(())
/// ```
///
/// # Errors
/// As [`jvp`]; [`ProgramError::Flat`] if the float tensors of the argument or of the value differ in type.
pub fn jacobian<X, R>(f: impl FnOnce(X) -> R, x: X) -> Result<Tensor<2>, ProgramError>
where
    X: Tensors,
    R: IntoTensorResult,
{
    let derivable = Derivable::new(f, x.clone())?;
    let (rows, columns) = (size(&derivable.y), size(&x));
    if columns <= rows {
        let (_, derivative) = derivable.forward()?;
        let columns = (0..columns).map(|j| derivative.apply(unit(&x, j)?)?.ravel());
        return Ok(Tensor::stack(columns.collect::<Result<_, _>>()?, 1));
    }
    let (y, derivative) = derivable.reverse()?;
    let rows = (0..rows).map(|i| derivative.apply(unit(&y, i)?)?.ravel());
    let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
    if rows.is_empty() {
        return Err(ProgramError::NothingToDifferentiate);
    }
    Ok(Tensor::stack(rows, 0))
}

/// The Hessian at `x` of a function of one number as a matrix `[inputs, inputs]`, whose rows and columns are the
/// elements of the differentiable tensors in the order of [`Tensors::ravel`]. It takes as many products as there are
/// elements: for small ones.
///
/// ```
/// use backdraft_program::hessian;
/// use burn::tensor::{Device, Tensor};
///
/// let device = Device::flex();
/// let x = Tensor::<1>::from_floats([2.0, 3.0], &device);
/// let matrix = hessian(|x: Tensor<1>| x.prod().square(), x)?;
/// assert_eq!(matrix.into_data(), Tensor::<2>::from_floats([[18.0, 24.0], [24.0, 8.0]], &device).into_data());
/// # Ok::<(), backdraft_program::ProgramError>(())
/// ```
///
/// # Errors
/// As [`jacobian`] and [`grad`].
pub fn hessian<X, R>(f: impl FnOnce(X) -> R, x: X) -> Result<Tensor<2>, ProgramError>
where
    X: Tensors,
    R: IntoTensorResult<Value = Tensor<1>>,
{
    jacobian(|x| grad(f, x), x)
}
