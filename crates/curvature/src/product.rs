//! Products with the curvature matrices of a cost.

mod kept;

use std::{cell::RefCell, marker::PhantomData, rc::Rc};

use backdraft_program::{DispatchTensor, Linearized};
use burn::{
    Tensor,
    tensor::{DType, Device},
};

use crate::{
    BatchOperator, Cause, Cost, CurvatureError, Damped, Definiteness, Law, LinearOperator, Rows,
    data::Batch,
    loss::Loss,
    operator::{apply_batch_checked, apply_checked, by_rows, checked},
    quantities::{LinearMap, Quantity},
};
use kept::{Kept, Local, Part, add, print};

/// Bytes of activations that an operator keeps between products unless told otherwise: 1 GiB.
const MEMORY: usize = 1 << 30;

/// A curvature matrix of a cost at its model's parameters, known by its products with vectors: a [`GaussNewton`], a
/// [`Hessian`], a [`Fisher`] or an [`EmpiricalFisher`].
///
/// What does not depend on the vector (activations, the output Hessian's parts) is computed once a batch and kept between
/// products while it fits the memory budget; it is released with the operator.
pub struct Curvature<L: Loss, K> {
    cost: Cost<L>,
    scale: Tensor<1>,
    kept: RefCell<Kept>,
    kind: PhantomData<K>,
}

/// Which matrix a [`Curvature`] is.
pub trait Kind {
    #[doc(hidden)]
    const QUANTITY: Quantity;
    /// Whether the cost's L2 term is part of it.
    #[doc(hidden)]
    const L2: bool;
    /// What it is called.
    #[doc(hidden)]
    const NAME: &str;
    /// Whether it has negative eigenvalues, for a loss that is convex in the outputs or not known to be.
    #[doc(hidden)]
    fn definiteness(convex: bool) -> Definiteness;
}

/// Marks Gauss-Newton matrices.
pub enum IsGaussNewton {}

/// Marks Hessians.
pub enum IsHessian {}

/// Marks Fisher matrices.
pub enum IsFisher {}

/// Marks empirical Fisher matrices.
pub enum IsEmpiricalFisher {}

impl Kind for IsGaussNewton {
    const QUANTITY: Quantity = Quantity::GaussNewton;
    const L2: bool = true;
    const NAME: &str = "the Gauss-Newton matrix";

    fn definiteness(convex: bool) -> Definiteness {
        match convex {
            true => Definiteness::Semidefinite,
            false => Definiteness::Indefinite {
                instead: "use a loss that is convex in the outputs (`Loss::is_convex`)",
            },
        }
    }
}

impl Kind for IsHessian {
    const QUANTITY: Quantity = Quantity::Hessian;
    const L2: bool = true;
    const NAME: &str = "the Hessian";

    fn definiteness(_: bool) -> Definiteness {
        Definiteness::Indefinite {
            instead: "use the Gauss-Newton matrix",
        }
    }
}

impl Kind for IsFisher {
    const QUANTITY: Quantity = Quantity::Fisher;
    const L2: bool = true;
    const NAME: &str = "the Fisher matrix";

    fn definiteness(_: bool) -> Definiteness {
        Definiteness::Semidefinite
    }
}

impl Kind for IsEmpiricalFisher {
    const QUANTITY: Quantity = Quantity::EmpiricalFisher;
    const L2: bool = false;
    const NAME: &str = "the empirical Fisher matrix";

    fn definiteness(_: bool) -> Definiteness {
        Definiteness::Semidefinite
    }
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

/// The Fisher matrix of a cost, of shape `[dim, dim]`: of the distribution that the model itself gives to targets, for losses that
/// are the negative logarithm of one ([`Loss::fisher_product`]),
///
/// ```text
/// F = 1/N sum over i of J_i' E[g g'] J_i,   g the loss's gradient in the outputs, for a target drawn from the model
/// ```
///
/// The expectation is exact, nothing is drawn. Equal to the Gauss-Newton matrix where the outputs are the natural parameters of an
/// exponential family (Martens 2020): cross-entropy, squared error, Poisson. Symmetric and positive semi-definite.
pub type Fisher<L> = Curvature<L, IsFisher>;

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
            scale: cost.scale(),
            cost,
            kept: RefCell::new(Kept::new(MEMORY)),
            kind: PhantomData,
        }
    }

    /// Keeps at most `bytes` of activations between products (1 GiB unless set; 0 keeps none).
    pub fn with_memory(self, bytes: usize) -> Self {
        Self {
            kept: RefCell::new(Kept::new(bytes)),
            ..self
        }
    }

    /// This matrix plus `damping I`.
    pub fn damped(self, damping: f64) -> Damped<Self> {
        Damped::new(self, damping)
    }

    /// The programs that a product with the first batch runs: what does not depend on the vector, and the rest. They print
    /// readably, and can be counted.
    ///
    /// # Errors
    /// As [`apply`](LinearOperator::apply).
    pub fn programs(&self) -> Result<Linearized, CurvatureError> {
        let batch = self.cost.batches().next().expect("a cost has examples")?;
        let map = self.map(&self.cost.arguments(batch, vec![self.scale.clone()]))?;
        Ok(Linearized {
            fixed: map.fixed.program().clone(),
            varying: map.varying.program().clone(),
            kept_bytes: map.kept_bytes,
        })
    }

    fn map(&self, arguments: &[DispatchTensor]) -> Result<Rc<LinearMap>, CurvatureError> {
        let (model, loss) = (self.cost.model(), self.cost.loss());
        self.cost
            .quantities()
            .linear(K::QUANTITY, model, loss, arguments)
    }

    /// The product of a batch of `cost`.
    fn local(
        &self,
        cost: &Cost<L>,
        scale: &Tensor<1>,
        batch: Batch,
    ) -> Result<Local, CurvatureError> {
        let read: usize = batch.iter().map(Rows::bytes).sum();
        let arguments = cost.arguments(batch, vec![scale.clone()]);
        let map = self.map(&arguments)?;
        // Examples that are held are there anyway.
        let examples = if cost.is_streamed() { read } else { 0 };
        Ok(Local {
            bytes: map.kept_bytes + examples,
            arguments,
            map,
        })
    }

    /// The sum of `apply` over the batches of the cost.
    fn sum<const D: usize>(
        &self,
        apply: impl Fn(Part) -> Result<Tensor<D>, CurvatureError>,
    ) -> Result<Tensor<D>, CurvatureError> {
        let mut kept = self.kept.borrow_mut();
        let mut total = None;
        if kept.complete {
            for fixed in kept.all() {
                total = Some(add(total, apply(Part::Kept(fixed))?));
            }
            return Ok(total.expect("a cost has examples"));
        }
        let (mut start, mut differ) = (0, Vec::new());
        for batch in self.cost.batches() {
            let batch = batch?;
            let examples = start..start + batch[0].len();
            start = examples.end;
            let part = match kept.get(&examples) {
                Some((fixed, None)) => Part::Kept(fixed),
                Some((fixed, Some(known))) => {
                    let seen = print(&batch);
                    differ.extend(seen.map(|seen| known.not_equal(seen).any()));
                    Part::Kept(fixed)
                }
                None => {
                    let local = self.local(&self.cost, &self.scale, batch.clone())?;
                    let print = || self.cost.is_streamed().then(|| print(&batch)).flatten();
                    kept.offer(examples, print, local)?
                }
            };
            total = Some(add(total, apply(part)?));
        }
        // Read once a pass, and only where some of a stream is kept and the rest is not.
        if !differ.is_empty() && Tensor::cat(differ, 0).any().try_into_scalar()? {
            kept.forget();
            return Err(CurvatureError::Stream);
        }
        kept.settle(start);
        Ok(total.expect("a cost has examples"))
    }

    /// The sum of `apply` over the batches of some examples.
    fn batch<const D: usize>(
        &self,
        indices: &[usize],
        apply: impl Fn(Local) -> Result<Tensor<D>, CurvatureError>,
    ) -> Result<Tensor<D>, CurvatureError> {
        let cost = self.cost.select(indices)?;
        let (scale, mut total) = (cost.scale(), None);
        for batch in cost.batches() {
            let local = self.local(&cost, &scale, batch?)?;
            total = Some(add(total, apply(local)?));
        }
        Ok(total.expect("a cost has examples"))
    }

    /// The strength of the L2 term, where it is part of this matrix.
    fn l2(&self) -> Option<f64> {
        let l2 = self.cost.l2();
        (K::L2 && l2 != 0.0).then_some(l2)
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

    fn batch_size(&self) -> Option<usize> {
        Some(self.cost.batch_size())
    }

    fn law(&self) -> Law {
        Law {
            name: K::NAME.into(),
            definiteness: K::definiteness(self.cost.loss().is_convex()),
            damping: self.l2().unwrap_or(0.0),
        }
    }

    fn cause(&self, v: &Tensor<1>) -> Result<Cause, CurvatureError> {
        self.cost.cause(Some(v), |cost| {
            let matrix = Self::new(cost.clone()).with_memory(0);
            Ok(vec![matrix.product(v.clone())?.into()])
        })
    }

    apply_checked!();

    fn product(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let v = self.cost.model().vectors(v)?;
        let model = self.cost.model();
        let product = self.sum(|part| part.apply(model, v.clone()))?;
        Ok(match self.l2() {
            Some(l2) => product + v * l2,
            None => product,
        })
    }

    fn products(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        let vs = self.cost.model().vectors(vs)?;
        if vs.dims()[0] == 0 {
            return Ok(vs);
        }
        let model = self.cost.model();
        let products = self.sum(|part| part.fix()?.apply_many(model, vs.clone()))?;
        Ok(match self.l2() {
            Some(l2) => products + vs * l2,
            None => products,
        })
    }
}

impl<L: Loss, K: Kind> BatchOperator for Curvature<L, K> {
    fn examples(&self) -> usize {
        self.cost.len()
    }

    apply_batch_checked!();

    fn batch_product(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let v = self.cost.model().vectors(v)?;
        let model = self.cost.model();
        let product = self.batch(indices, |local| local.apply(model, v.clone()))?;
        Ok(match self.l2() {
            Some(l2) => product + v * l2,
            None => product,
        })
    }

    fn batch_products(
        &self,
        indices: &[usize],
        vs: Tensor<2>,
    ) -> Result<Tensor<2>, CurvatureError> {
        let vs = self.cost.model().vectors(vs)?;
        match vs.dims() {
            [0, _] => return Ok(vs),
            [1, dim] => {
                let product = self.batch_product(indices, vs.reshape([dim]))?;
                return Ok(product.unsqueeze_dim(0));
            }
            _ => {}
        }
        // One larger product takes no less arithmetic, and a row alone is the same bits in whatever company.
        let products = self.batch(indices, |local| {
            let fixed = local.fix()?;
            by_rows(vs.clone(), |v| fixed.clone().apply(v))
        })?;
        Ok(match self.l2() {
            Some(l2) => products + vs * l2,
            None => products,
        })
    }
}
