//! Products with the curvature matrices of a cost.

use std::{
    cell::{Cell, RefCell},
    marker::PhantomData,
};

use backdraft_program::DispatchTensor;
use burn::{
    Tensor,
    tensor::{DType, Device},
};

use crate::{
    BatchOperator, Cost, CurvatureError, Damped, LinearOperator, loss::Loss, quantities::Quantity,
};

/// Bytes of activations that an operator keeps between products unless told otherwise: 1 GiB.
const MEMORY: usize = 1 << 30;

/// A curvature matrix of a cost at its model's parameters, known by its products with vectors: a [`GaussNewton`], a
/// [`Hessian`] or an [`EmpiricalFisher`].
///
/// What does not depend on the vector (activations, the output Hessian's parts) is computed once a batch and kept between
/// products while it fits the memory budget; it is released with the operator.
pub struct Curvature<L: Loss, K> {
    cost: Cost<L>,
    kept: RefCell<Vec<Option<Vec<DispatchTensor>>>>,
    free: Cell<usize>,
    kind: PhantomData<K>,
}

/// Which matrix a [`Curvature`] is.
pub trait Kind {
    #[doc(hidden)]
    const QUANTITY: Quantity;
}

/// Marks Gauss-Newton matrices.
pub enum IsGaussNewton {}

/// Marks Hessians.
pub enum IsHessian {}

/// Marks empirical Fisher matrices.
pub enum IsEmpiricalFisher {}

impl Kind for IsGaussNewton {
    const QUANTITY: Quantity = Quantity::GaussNewton;
}

impl Kind for IsHessian {
    const QUANTITY: Quantity = Quantity::Hessian;
}

impl Kind for IsEmpiricalFisher {
    const QUANTITY: Quantity = Quantity::EmpiricalFisher;
}

/// The Gauss-Newton matrix of a cost, of shape `[dim, dim]`,
///
/// ```text
/// G = 1/N sum over i of J_i' H_i J_i
/// ```
///
/// with `J_i` the Jacobian of example `i`'s outputs in the parameters and `H_i` its loss's Hessian in the outputs. Products are
/// exact: one forward-mode and one reverse-mode pass over the same activations. Symmetric, and positive semi-definite for a
/// loss convex in the outputs. (Bae et al. 2022, Section 2; Martens 2020.)
pub type GaussNewton<L> = Curvature<L, IsGaussNewton>;

/// The Hessian of a cost, of shape `[dim, dim]`: products are exact, by forward over reverse mode (Pearlmutter 1994). Symmetric,
/// but not positive semi-definite in general.
pub type Hessian<L> = Curvature<L, IsHessian>;

/// The empirical Fisher matrix of a cost, of shape `[dim, dim]`: the mean outer product of the examples' gradients,
///
/// ```text
/// F = 1/N sum over i of g_i g_i'
/// ```
///
/// by one forward-mode and one reverse-mode pass, no gradient stored. Symmetric and positive semi-definite. Not the Fisher matrix
/// of the model's own distribution, which for the losses of exponential families is the Gauss-Newton matrix (Kunstner et al.
/// 2019).
pub type EmpiricalFisher<L> = Curvature<L, IsEmpiricalFisher>;

impl<L: Loss, K: Kind> Curvature<L, K> {
    pub(crate) fn new(cost: Cost<L>) -> Self {
        Self {
            cost,
            kept: RefCell::default(),
            free: Cell::new(MEMORY),
            kind: PhantomData,
        }
    }

    /// Keeps at most `bytes` of activations between products (1 GiB unless set; 0 keeps none).
    pub fn with_memory(self, bytes: usize) -> Self {
        Self {
            kept: RefCell::default(),
            free: Cell::new(bytes),
            ..self
        }
    }

    /// This matrix plus `damping I`.
    pub fn damped(self, damping: f64) -> Damped<Self> {
        Damped::new(self, damping)
    }

    /// The mean of the products over the examples of `cost`; `kept` if they are those of this matrix.
    fn mean(&self, cost: &Cost<L>, v: Tensor<1>, kept: bool) -> Result<Tensor<1>, CurvatureError> {
        self.cost.check(&v)?;
        let mut total: Option<Tensor<1>> = None;
        for (i, batch) in cost.batches().enumerate() {
            let product = self.sum(kept.then_some(i), batch, v.clone())?;
            total = Some(match total {
                Some(total) => total + product,
                None => product,
            });
        }
        Ok(total.expect("a cost has examples") / cost.len() as f64)
    }

    /// The sum over the examples of one batch; `position` names it among the cost's batches.
    fn sum(
        &self,
        position: Option<usize>,
        batch: Vec<DispatchTensor>,
        v: Tensor<1>,
    ) -> Result<Tensor<1>, CurvatureError> {
        let (model, loss) = (self.cost.model(), self.cost.loss());
        let mut inputs = model.tensors().to_vec();
        inputs.extend(batch);
        inputs.push(v.clone().into_dispatch());
        let map = self
            .cost
            .quantities()
            .linear(K::QUANTITY, model, loss, &inputs)?;
        inputs.pop();

        let mut kept = self.kept.borrow_mut();
        let known = position.and_then(|i| kept.get(i).cloned().flatten());
        let values = match known {
            Some(values) => values,
            None => {
                let values = map.fixed.run(inputs)?;
                if let Some(i) = position
                    && map.kept_bytes <= self.free.get()
                {
                    self.free.set(self.free.get() - map.kept_bytes);
                    if kept.len() <= i {
                        kept.resize(i + 1, None);
                    }
                    kept[i] = Some(values.clone());
                }
                values
            }
        };
        let mut inputs = vec![v.into_dispatch()];
        inputs.extend(values);
        let [product] = map
            .varying
            .run(inputs)?
            .try_into()
            .expect("a product is one vector");
        Ok(Tensor::from_dispatch(product))
    }
}

impl<L: Loss, K: Kind> LinearOperator for Curvature<L, K> {
    fn dim(&self) -> usize {
        self.cost.model().dim()
    }

    fn device(&self) -> Device {
        self.cost.model().device().clone()
    }

    fn dtype(&self) -> DType {
        self.cost.model().dtype()
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.mean(&self.cost, v, true)
    }
}

impl<L: Loss, K: Kind> BatchOperator for Curvature<L, K> {
    fn examples(&self) -> usize {
        self.cost.len()
    }

    fn apply_batch(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.mean(&self.cost.select(indices)?, v, false)
    }
}
