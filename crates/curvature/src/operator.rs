//! Symmetric linear operators on parameter space.

use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::CurvatureError;

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

    /// The product with `v`, of shape `[dim]`.
    ///
    /// # Errors
    /// [`CurvatureError::Dimension`] if `v` has another length; [`CurvatureError::Program`] if the product cannot be run.
    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError>;

    /// The products with several vectors at once, the rows of `vs`, `[k, dim]`: row by row what [`apply`](Self::apply) gives, up to
    /// rounding. Curvature matrices do what does not depend on the vectors once, and take one larger matrix product where they
    /// would take `k`; the memory needed grows with `k`.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    fn apply_many(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        by_rows(vs, |v| self.apply(v))
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

/// The operator's matrix in f64, row-major, by its products with the identity, 32 columns at once: `8 dim^2` bytes. For small
/// ones.
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
        let products = operator.apply_many(units)?.try_into_vec_as::<f64>()?;
        for (i, value) in products.into_iter().enumerate() {
            matrix[(i % dim) * dim + start + i / dim] = value;
        }
    }
    if matrix.iter().all(|x| x.is_finite()) {
        Ok(matrix)
    } else {
        Err(CurvatureError::NotFinite {
            what: "the dense matrix",
        })
    }
}

/// An operator that is a mean over examples, and can be estimated from a few of them.
pub trait BatchOperator: LinearOperator {
    /// Number of examples `N`.
    fn examples(&self) -> usize;

    /// The product with `v` of the same mean, taken over the examples `indices` alone (repeats allowed): an unbiased estimate
    /// of [`apply`](LinearOperator::apply) when they are drawn uniformly.
    ///
    /// # Errors
    /// As [`apply`](LinearOperator::apply), and [`CurvatureError::Index`] for an example that does not exist.
    fn apply_batch(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError>;

    /// The same for several vectors, the rows of `vs`, `[k, dim]`: row by row what [`apply_batch`](Self::apply_batch) gives. Curvature
    /// matrices do what does not depend on the vectors once.
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
}

/// `A + damping * I`.
#[derive(Clone, Copy, Debug)]
pub struct Damped<A> {
    operator: A,
    damping: f64,
}

impl<A> Damped<A> {
    /// `operator + damping * I`.
    pub fn new(operator: A, damping: f64) -> Self {
        Self { operator, damping }
    }

    /// The damping `lambda`.
    pub fn damping(&self) -> f64 {
        self.damping
    }
}

impl<A: LinearOperator> LinearOperator for Damped<A> {
    fn dim(&self) -> usize {
        self.operator.dim()
    }

    fn device(&self) -> Device {
        self.operator.device()
    }

    fn dtype(&self) -> DType {
        self.operator.dtype()
    }

    fn batch_size(&self) -> Option<usize> {
        self.operator.batch_size()
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let product = self.operator.apply(v.clone())?;
        Ok(product + v * self.damping)
    }

    fn apply_many(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        let products = self.operator.apply_many(vs.clone())?;
        Ok(products + vs * self.damping)
    }
}

impl<A: BatchOperator> BatchOperator for Damped<A> {
    fn examples(&self) -> usize {
        self.operator.examples()
    }

    fn apply_batch(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let product = self.operator.apply_batch(indices, v.clone())?;
        Ok(product + v * self.damping)
    }

    fn apply_batch_many(
        &self,
        indices: &[usize],
        vs: Tensor<2>,
    ) -> Result<Tensor<2>, CurvatureError> {
        let products = self.operator.apply_batch_many(indices, vs.clone())?;
        Ok(products + vs * self.damping)
    }
}

/// `factor * A`.
#[derive(Clone, Copy, Debug)]
pub struct Scaled<A> {
    operator: A,
    factor: f64,
}

impl<A> Scaled<A> {
    /// `factor * operator`.
    pub fn new(operator: A, factor: f64) -> Self {
        Self { operator, factor }
    }
}

impl<A: LinearOperator> LinearOperator for Scaled<A> {
    fn dim(&self) -> usize {
        self.operator.dim()
    }

    fn device(&self) -> Device {
        self.operator.device()
    }

    fn dtype(&self) -> DType {
        self.operator.dtype()
    }

    fn batch_size(&self) -> Option<usize> {
        self.operator.batch_size()
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        Ok(self.operator.apply(v)? * self.factor)
    }

    fn apply_many(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        Ok(self.operator.apply_many(vs)? * self.factor)
    }
}

impl<A: BatchOperator> BatchOperator for Scaled<A> {
    fn examples(&self) -> usize {
        self.operator.examples()
    }

    fn apply_batch(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        Ok(self.operator.apply_batch(indices, v)? * self.factor)
    }

    fn apply_batch_many(
        &self,
        indices: &[usize],
        vs: Tensor<2>,
    ) -> Result<Tensor<2>, CurvatureError> {
        Ok(self.operator.apply_batch_many(indices, vs)? * self.factor)
    }
}

/// `A + B`, two operators on the same vectors.
#[derive(Clone, Copy, Debug)]
pub struct Sum<A, B>(A, B);

impl<A: LinearOperator, B: LinearOperator> Sum<A, B> {
    /// `a + b`.
    ///
    /// # Errors
    /// [`CurvatureError::Dimension`] if they are of different dimension.
    pub fn new(a: A, b: B) -> Result<Self, CurvatureError> {
        let (expected, found) = (a.dim(), b.dim());
        if expected == found {
            Ok(Self(a, b))
        } else {
            Err(CurvatureError::Dimension { expected, found })
        }
    }
}

impl<A: LinearOperator, B: LinearOperator> LinearOperator for Sum<A, B> {
    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn device(&self) -> Device {
        self.0.device()
    }

    fn dtype(&self) -> DType {
        self.0.dtype()
    }

    fn batch_size(&self) -> Option<usize> {
        self.0.batch_size().max(self.1.batch_size())
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        Ok(self.0.apply(v.clone())? + self.1.apply(v)?)
    }

    fn apply_many(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        Ok(self.0.apply_many(vs.clone())? + self.1.apply_many(vs)?)
    }
}

/// Of two means over the same examples: a batch is a batch of both.
///
/// # Panics
/// If they are not of the same number of examples.
impl<A: BatchOperator, B: BatchOperator> BatchOperator for Sum<A, B> {
    fn examples(&self) -> usize {
        let (a, b) = (self.0.examples(), self.1.examples());
        assert_eq!(
            a, b,
            "operators of different examples have no batch in common"
        );
        a
    }

    fn apply_batch(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let a = self.0.apply_batch(indices, v.clone())?;
        Ok(a + self.1.apply_batch(indices, v)?)
    }

    fn apply_batch_many(
        &self,
        indices: &[usize],
        vs: Tensor<2>,
    ) -> Result<Tensor<2>, CurvatureError> {
        let a = self.0.apply_batch_many(indices, vs.clone())?;
        Ok(a + self.1.apply_batch_many(indices, vs)?)
    }
}

impl<A: LinearOperator + ?Sized> LinearOperator for &A {
    fn dim(&self) -> usize {
        (**self).dim()
    }

    fn device(&self) -> Device {
        (**self).device()
    }

    fn dtype(&self) -> DType {
        (**self).dtype()
    }

    fn batch_size(&self) -> Option<usize> {
        (**self).batch_size()
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        (**self).apply(v)
    }

    fn apply_many(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        (**self).apply_many(vs)
    }
}

impl<A: BatchOperator + ?Sized> BatchOperator for &A {
    fn examples(&self) -> usize {
        (**self).examples()
    }

    fn apply_batch(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        (**self).apply_batch(indices, v)
    }

    fn apply_batch_many(
        &self,
        indices: &[usize],
        vs: Tensor<2>,
    ) -> Result<Tensor<2>, CurvatureError> {
        (**self).apply_batch_many(indices, vs)
    }
}
