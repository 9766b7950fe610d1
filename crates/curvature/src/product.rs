//! Products with the curvature matrices of a cost.

use std::{cell::RefCell, marker::PhantomData, rc::Rc};

use backdraft_program::{DispatchTensor, Linearized};
use burn::{
    Tensor,
    tensor::{DType, Device},
};

use crate::{
    BatchOperator, Cost, CurvatureError, Damped, LinearOperator, Model, Rows,
    data::Batch,
    loss::Loss,
    operator::by_rows,
    quantities::{LinearMap, Quantity},
};

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

/// What is kept of the batches, by position.
#[derive(Clone, Default)]
struct Kept {
    batches: Vec<Option<Fixed>>,
    /// Bytes that may still be kept.
    free: usize,
    /// Whether all batches are kept, so that there is no need to visit the examples again.
    complete: bool,
}

/// A batch's product with what does not depend on the vector.
#[derive(Clone)]
struct Fixed {
    map: Rc<LinearMap>,
    values: Vec<DispatchTensor>,
}

/// A batch's product of which nothing is computed yet.
struct Local {
    map: Rc<LinearMap>,
    arguments: Vec<DispatchTensor>,
    /// What keeping it would take.
    bytes: usize,
}

/// A batch's product, as there is memory for it.
enum Part {
    Kept(Fixed),
    Once(Local),
}

/// Which matrix a [`Curvature`] is.
pub trait Kind {
    #[doc(hidden)]
    const QUANTITY: Quantity;
    /// Whether the cost's L2 term is part of it.
    #[doc(hidden)]
    const L2: bool;
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
}

impl Kind for IsHessian {
    const QUANTITY: Quantity = Quantity::Hessian;
    const L2: bool = true;
}

impl Kind for IsFisher {
    const QUANTITY: Quantity = Quantity::Fisher;
    const L2: bool = true;
}

impl Kind for IsEmpiricalFisher {
    const QUANTITY: Quantity = Quantity::EmpiricalFisher;
    const L2: bool = false;
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
            for fixed in kept.batches.iter().flatten() {
                total = Some(add(total, apply(Part::Kept(fixed.clone()))?));
            }
        } else {
            let mut batches = 0;
            for (i, batch) in self.cost.batches().enumerate() {
                let part = match kept.batches.get(i).cloned().flatten() {
                    Some(fixed) => Part::Kept(fixed),
                    None => kept.offer(i, self.local(&self.cost, &self.scale, batch?)?)?,
                };
                total = Some(add(total, apply(part)?));
                batches = i + 1;
            }
            kept.complete = kept.batches.iter().flatten().count() == batches;
        }
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

impl Kept {
    fn new(free: usize) -> Self {
        Self {
            free,
            ..Self::default()
        }
    }

    /// Keeps what does not depend on the vector for the batch at `position`, if it fits.
    fn offer(&mut self, position: usize, local: Local) -> Result<Part, CurvatureError> {
        if local.bytes > self.free {
            return Ok(Part::Once(local));
        }
        self.free -= local.bytes;
        let fixed = local.fix()?;
        if self.batches.len() <= position {
            self.batches.resize(position + 1, None);
        }
        self.batches[position] = Some(fixed.clone());
        Ok(Part::Kept(fixed))
    }
}

impl Local {
    /// The sum over this batch's examples.
    fn apply(self, model: &Model, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let arguments = arguments(v, self.arguments);
        let product = self.map.whole(model)?.run(arguments)?.remove(0);
        Ok(Tensor::from_dispatch(product))
    }

    fn fix(self) -> Result<Fixed, CurvatureError> {
        Ok(Fixed {
            values: self.map.fixed.run(self.arguments)?,
            map: self.map,
        })
    }
}

impl Fixed {
    /// The sum over this batch's examples.
    fn apply(self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let arguments = arguments(v, self.values);
        let product = self.map.varying.run(arguments)?.remove(0);
        Ok(Tensor::from_dispatch(product))
    }

    /// The same for every row of `vs`.
    fn apply_many(self, model: &Model, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        let program = self.map.many(model, vs.dims()[0])?;
        let products = program.run(arguments(vs, self.values))?.remove(0);
        Ok(Tensor::from_dispatch(products))
    }
}

impl Part {
    fn apply(self, model: &Model, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        match self {
            Self::Kept(fixed) => fixed.apply(v),
            Self::Once(local) => local.apply(model, v),
        }
    }

    fn fix(self) -> Result<Fixed, CurvatureError> {
        match self {
            Self::Kept(fixed) => Ok(fixed),
            Self::Once(local) => local.fix(),
        }
    }
}

/// What a program's varying part takes. Values that nobody else keeps may be written over at their last use.
fn arguments<const D: usize>(v: Tensor<D>, kept: Vec<DispatchTensor>) -> Vec<DispatchTensor> {
    std::iter::once(v.into_dispatch()).chain(kept).collect()
}

fn add<const D: usize>(total: Option<Tensor<D>>, part: Tensor<D>) -> Tensor<D> {
    match total {
        Some(total) => total + part,
        None => part,
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

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let v = self.cost.model().vectors(v)?;
        let model = self.cost.model();
        let product = self.sum(|part| part.apply(model, v.clone()))?;
        Ok(match self.l2() {
            Some(l2) => product + v * l2,
            None => product,
        })
    }

    fn apply_many(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
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

    fn apply_batch(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let v = self.cost.model().vectors(v)?;
        let model = self.cost.model();
        let product = self.batch(indices, |local| local.apply(model, v.clone()))?;
        Ok(match self.l2() {
            Some(l2) => product + v * l2,
            None => product,
        })
    }

    fn apply_batch_many(
        &self,
        indices: &[usize],
        vs: Tensor<2>,
    ) -> Result<Tensor<2>, CurvatureError> {
        let vs = self.cost.model().vectors(vs)?;
        match vs.dims() {
            [0, _] => return Ok(vs),
            [1, dim] => {
                let product = self.apply_batch(indices, vs.reshape([dim]))?;
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
