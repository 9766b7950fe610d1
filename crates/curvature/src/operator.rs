//! Symmetric linear operators on parameter space.

mod counted;
mod damped;
mod delegate;
mod law;
mod scaled;
mod sharded;
mod shared;
mod sum;
mod without;

use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::{Cause, Cost, CurvatureError, ExampleRoot, finite::are_finite};

pub use counted::CountedOperator;
pub use damped::Damped;
pub use law::{Definiteness, Law};
pub use scaled::Scaled;
pub use sharded::Sharded;
pub use sum::Sum;
pub use without::Without;

/// A symmetric linear operator on flat parameter vectors of shape `[dim]`.
pub trait LinearOperator {
    /// Number of parameters.
    fn dim(&self) -> usize;

    /// Where its vectors live.
    fn device(&self) -> Device;

    /// The float type of its vectors.
    fn dtype(&self) -> DType;

    /// Examples in a batch, if products are made batch by batch: fewer need less memory.
    fn batch_size(&self) -> Option<usize> {
        None
    }

    /// What is known of it without a product: its name, and whether it has negative eigenvalues. For messages.
    fn law(&self) -> Law {
        Law::unknown()
    }

    /// The same operator as a mean over examples, if it is one: for solvers that take a few examples at a time.
    fn over_examples(&self) -> Option<Box<dyn BatchOperator + '_>> {
        None
    }

    /// The cost whose Gauss-Newton matrix it is, with whatever [`Law::damping`] says on top: for what is made of the
    /// network's layers, and not of products.
    fn gauss_newton_of(&self) -> Option<&Cost> {
        None
    }

    /// Rows whose sum of squares `R' R` it is, with whatever [`Law::damping`] says on top, if it is one: for what is
    /// made of the examples, and not of products.
    fn example_root(&self) -> Option<ExampleRoot<'_>> {
        None
    }

    /// The product with `v`, of shape `[dim]`.
    ///
    /// # Errors
    /// [`CurvatureError::Dimension`] if `v` has another length; [`CurvatureError::Program`] if the product cannot be
    /// run;
    /// [`CurvatureError::NotFinite`] from the operators of this crate if it is NaN or infinite.
    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError>;

    /// [`apply`](Self::apply) without a look at the numbers, which makes the host wait for the device: what solvers
    /// call, which look at numbers of their own.
    ///
    /// # Errors
    /// As [`apply`](Self::apply), without [`CurvatureError::NotFinite`].
    fn product(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.apply(v)
    }

    /// What makes the product with `v` NaN or infinite, for messages: a second look, by more products.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    fn cause(&self, v: &Tensor<1>) -> Result<Cause, CurvatureError> {
        let _ = v;
        Ok(Cause::Unknown)
    }

    /// The products with several vectors at once, the rows of `vs`, `[k, dim]`: row by row what [`apply`](Self::apply)
    /// gives, up to rounding. Curvature matrices do what does not depend on the vectors once, and take one larger
    /// matrix product where they would take `k`; the memory needed grows with `k`.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    fn apply_many(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        by_rows(vs, |v| self.apply(v))
    }

    /// [`apply_many`](Self::apply_many) without a look at the numbers.
    ///
    /// # Errors
    /// As [`product`](Self::product).
    fn products(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        self.apply_many(vs)
    }
}

/// What `product` makes of each row.
pub(crate) fn by_rows(
    vs: Tensor<2>,
    mut product: impl FnMut(Tensor<1>) -> Result<Tensor<1>, CurvatureError>,
) -> Result<Tensor<2>, CurvatureError> {
    let [k, dim] = vs.dims();
    if k == 0 {
        return Ok(vs);
    }
    let rows = (0..k).map(|row| {
        let v = vs.clone().slice([row..row + 1, 0..dim]).reshape([dim]);
        Ok(product(v)?.unsqueeze_dim(0))
    });
    Ok(Tensor::cat(rows.collect::<Result<_, CurvatureError>>()?, 0))
}

/// Rows of the identity that [`to_dense`] multiplies with at once.
const COLUMNS: usize = 32;

/// The operator's matrix in f64, row-major, by its products with the identity, 32 columns at once: `8 dim^2` bytes. For
/// small ones.
///
/// # Errors
/// Whatever a product reports, [`CurvatureError::Device`] and [`CurvatureError::NotFinite`].
pub fn to_dense(operator: &dyn LinearOperator) -> Result<Vec<f64>, CurvatureError> {
    let dim = operator.dim();
    let mut matrix = vec![0.0; dim * dim];
    for start in (0..dim).step_by(COLUMNS) {
        let columns = COLUMNS.min(dim - start);
        let mut units = vec![0.0; columns * dim];
        for i in 0..columns {
            units[i * dim + start + i] = 1.0;
        }
        let options = (&operator.device(), operator.dtype());
        let units = Tensor::from_data(TensorData::new(units, [columns, dim]), options);
        let products = operator.products(units)?.try_into_vec_as::<f64>()?;
        for (i, value) in products.into_iter().enumerate() {
            matrix[(i % dim) * dim + start + i / dim] = value;
        }
    }
    let Some(bad) = matrix.iter().position(|x| !x.is_finite()) else {
        return Ok(matrix);
    };
    let mut unit = vec![0.0; dim];
    unit[bad % dim] = 1.0;
    let options = (&operator.device(), operator.dtype());
    let unit = Tensor::from_data(TensorData::new(unit, [dim]), options);
    Err(CurvatureError::NotFinite {
        what: "the dense matrix",
        cause: operator.cause(&unit)?,
    })
}

/// An operator that is a mean over examples, and can be estimated from a few of them. [`LinearOperator::over_examples`]
/// hands it out.
pub trait BatchOperator: LinearOperator {
    /// Number of examples `N`.
    fn examples(&self) -> usize;

    /// The product with `v` of the same mean, taken over the examples `indices` alone (repeats allowed): an unbiased
    /// estimate of [`apply`](LinearOperator::apply) when they are drawn uniformly.
    ///
    /// # Errors
    /// As [`apply`](LinearOperator::apply), and [`CurvatureError::Index`] for an example that does not exist.
    fn apply_batch(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError>;

    /// [`apply_batch`](Self::apply_batch) without a look at the numbers.
    ///
    /// # Errors
    /// As [`product`](LinearOperator::product), and [`CurvatureError::Index`].
    fn batch_product(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.apply_batch(indices, v)
    }

    /// The same for several vectors, the rows of `vs`, `[k, dim]`: row by row what [`apply_batch`](Self::apply_batch)
    /// gives. Curvature matrices do what does not depend on the vectors once.
    ///
    /// # Errors
    /// As [`apply_batch`](Self::apply_batch).
    fn apply_batch_many(
        &self,
        indices: &[usize],
        vs: Tensor<2>,
    ) -> Result<Tensor<2>, CurvatureError> {
        by_rows(vs, |v| self.apply_batch(indices, v))
    }

    /// [`apply_batch_many`](Self::apply_batch_many) without a look at the numbers.
    ///
    /// # Errors
    /// As [`batch_product`](Self::batch_product).
    fn batch_products(
        &self,
        indices: &[usize],
        vs: Tensor<2>,
    ) -> Result<Tensor<2>, CurvatureError> {
        self.apply_batch_many(indices, vs)
    }
}

/// `product`, if it is finite: what `operator` makes of `vs`, a vector or the rows of a matrix.
pub(crate) fn checked<const D: usize>(
    operator: &(impl LinearOperator + ?Sized),
    vs: &Tensor<D>,
    product: Tensor<D>,
) -> Result<Tensor<D>, CurvatureError> {
    if are_finite(&[product.clone().into()])? {
        return Ok(product);
    }
    let dim = operator.dim();
    let rows = |all: &Tensor<D>| -> Tensor<2> {
        let rows = all.shape().num_elements() / dim;
        all.clone().reshape([rows, dim])
    };
    let (vs, products) = (rows(vs), rows(&product));
    let mut cause = Cause::Unknown;
    for row in 0..vs.dims()[0] {
        let at = |rows: &Tensor<2>| rows.clone().slice(row..row + 1).reshape([dim]);
        let product: Tensor<1> = at(&products);
        if !are_finite(&[product.clone().into()])? {
            cause = operator.cause(&at(&vs))?;
            break;
        }
    }
    let what = "the product";
    Err(CurvatureError::NotFinite { what, cause })
}

/// The methods of a [`LinearOperator`] that look at what [`product`](LinearOperator::product) and
/// [`products`](LinearOperator::products) give.
macro_rules! apply_checked {
    () => {
        fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
            checked(self, &v, self.product(v.clone())?)
        }

        fn apply_many(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
            checked(self, &vs, self.products(vs.clone())?)
        }
    };
}

/// The same of a [`BatchOperator`].
macro_rules! apply_batch_checked {
    () => {
        fn apply_batch(
            &self,
            indices: &[usize],
            v: Tensor<1>,
        ) -> Result<Tensor<1>, CurvatureError> {
            checked(self, &v, self.batch_product(indices, v.clone())?)
        }

        fn apply_batch_many(
            &self,
            indices: &[usize],
            vs: Tensor<2>,
        ) -> Result<Tensor<2>, CurvatureError> {
            checked(self, &vs, self.batch_products(indices, vs.clone())?)
        }
    };
}

pub(crate) use {apply_batch_checked, apply_checked};
