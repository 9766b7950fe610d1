//! Products with the curvature matrices of a cost.

use std::sync::{Arc, Mutex, MutexGuard};

use backdraft_program::{DispatchTensor, LinearMap, Linearized, Program};
use burn::{
    Tensor,
    tensor::{DType, Device},
};

use super::{
    ExactMatrix,
    kept::{BatchProduct, Kept, Local, add, print},
};
use crate::{
    BatchOperator, Cause, Cost, CurvatureError, Damped, ExampleRoot, Law, LinearOperator, Rows,
    data::Batch,
    lock::locked,
    operator::{apply_batch_checked, apply_checked, checked},
};

/// Bytes of activations that an operator keeps between products unless told otherwise: 1 GiB.
const MEMORY: usize = 1 << 30;

/// A curvature matrix of a cost at its model's parameters, `[dim, dim]`, known by its products with vectors: a
/// Gauss-Newton matrix ([`Cost::gauss_newton`]), a Hessian ([`Cost::hessian`]), a Fisher matrix ([`Cost::fisher`]) or
/// an empirical one ([`Cost::empirical_fisher`]).
///
/// What does not depend on the vector (activations, the output Hessian's parts) is computed once a batch and kept
/// between products while it fits the memory budget; it is released with the operator.
pub struct Curvature {
    cost: Cost,
    matrix: &'static ExactMatrix,
    scale: Tensor<1>,
    kept: Mutex<Kept>,
}

impl Curvature {
    pub(super) fn new(cost: Cost, matrix: &'static ExactMatrix) -> Self {
        Self {
            scale: cost.scale(),
            kept: Mutex::new(Kept::new(match cost.model().recomputes() {
                true => 0,
                false => MEMORY,
            })),
            cost,
            matrix,
        }
    }

    /// Keeps at most `bytes` of activations between products: 0 keeps none. 1 GiB unless set, and nothing for a model
    /// that computes them again ([`Model::recomputing`](crate::Model::recomputing)).
    pub fn with_memory(self, bytes: usize) -> Self {
        Self {
            kept: Mutex::new(Kept::new(bytes)),
            ..self
        }
    }

    /// This matrix plus `damping I`.
    pub fn damped(self, damping: f64) -> Damped<Self> {
        Damped::new(self, damping)
    }

    /// The programs that a product with the first batch runs: what does not depend on the vector, and the rest. They
    /// print readably, and can be counted.
    ///
    /// # Errors
    /// As [`apply`](LinearOperator::apply).
    pub fn programs(&self) -> Result<Linearized, CurvatureError> {
        let batch = self.cost.batches().next().expect("a cost has examples")?;
        let map = self.map(&self.cost.arguments(batch, vec![self.scale.clone()]))?;
        Ok(map.programs())
    }

    /// The program of a product with the first batch of which nothing is kept, `(vector, arguments ..) -> product`: its
    /// memory can be counted ([`Program::peak_bytes`]).
    ///
    /// # Errors
    /// As [`apply`](LinearOperator::apply).
    pub fn program(&self) -> Result<Program, CurvatureError> {
        let batch = self.cost.batches().next().expect("a cost has examples")?;
        let map = self.map(&self.cost.arguments(batch, vec![self.scale.clone()]))?;
        Ok(map.program_at()?.clone())
    }

    fn map(&self, arguments: &[DispatchTensor]) -> Result<Arc<LinearMap>, CurvatureError> {
        let programs = self.cost.programs();
        programs.linear(self.matrix.product, self.cost.parts(), arguments)
    }

    /// Held for a moment at a time, never while anything is computed.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        locked(&self.kept)
    }

    /// The product of a batch of `cost`.
    fn local(&self, cost: &Cost, scale: &Tensor<1>, batch: Batch) -> Result<Local, CurvatureError> {
        let read: usize = batch.iter().map(Rows::bytes).sum();
        let arguments = cost.arguments(batch, vec![scale.clone()]);
        let map = self.map(&arguments)?;
        // Examples that are held are there anyway.
        let examples = if cost.is_streamed() { read } else { 0 };
        Ok(Local {
            bytes: map.kept_bytes() + examples,
            arguments,
            map,
        })
    }

    /// The sum of `apply` over the batches of the cost.
    fn sum<const D: usize>(
        &self,
        apply: impl Fn(BatchProduct) -> Result<Tensor<D>, CurvatureError>,
    ) -> Result<Tensor<D>, CurvatureError> {
        let mut total = None;
        let all = self.kept().all();
        if let Some(all) = all {
            for fixed in all {
                total = Some(add(total, apply(BatchProduct::Kept(fixed))?));
            }
            return Ok(total.expect("a cost has examples"));
        }
        let (mut start, mut differ) = (0, Vec::new());
        for batch in self.cost.batches() {
            let batch = batch?;
            let examples = start..start + batch[0].len();
            start = examples.end;
            let known = self.kept().get(&examples);
            let part = match known {
                Some((fixed, None)) => BatchProduct::Kept(fixed),
                Some((fixed, Some(known))) => {
                    let seen = print(&batch);
                    differ.extend(seen.map(|seen| known.not_equal(seen).any()));
                    BatchProduct::Kept(fixed)
                }
                None => {
                    let local = self.local(&self.cost, &self.scale, batch.clone())?;
                    // By itself: what is matched on would be held until the match ends.
                    let free = self.kept().reserve(&examples, local.bytes);
                    match free {
                        false => BatchProduct::Once(local),
                        true => {
                            let print = self.cost.is_streamed().then(|| print(&batch));
                            let fixed = local.fix()?;
                            self.kept().keep(examples, print.flatten(), &fixed);
                            BatchProduct::Kept(fixed)
                        }
                    }
                }
            };
            total = Some(add(total, apply(part)?));
        }
        // Read once a pass, and only where some of a stream is kept and the rest is not.
        if !differ.is_empty() && Tensor::cat(differ, 0).any().try_into_scalar()? {
            self.kept().forget();
            return Err(CurvatureError::Stream);
        }
        self.kept().settle(start);
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
        (self.matrix.l2 && l2 != 0.0).then_some(l2)
    }
}

impl LinearOperator for Curvature {
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
            name: self.matrix.name.into(),
            definiteness: (self.matrix.definiteness)(self.cost.loss().convex()),
            damping: self.l2().unwrap_or(0.0),
        }
    }

    fn gauss_newton_of(&self) -> Option<&Cost> {
        self.matrix.is_gauss_newton().then_some(&self.cost)
    }

    fn example_root(&self) -> Option<ExampleRoot<'_>> {
        if self.matrix.is_gauss_newton() {
            Some(ExampleRoot::GaussNewton(&self.cost))
        } else if self.matrix.is_empirical_fisher() {
            Some(ExampleRoot::EmpiricalFisher(&self.cost))
        } else {
            None
        }
    }

    fn over_examples(&self) -> Option<Box<dyn BatchOperator + '_>> {
        Some(Box::new(self))
    }

    fn cause(&self, v: &Tensor<1>) -> Result<Cause, CurvatureError> {
        self.cost.cause(Some(v), |cost| {
            let matrix = Self::new(cost.clone(), self.matrix).with_memory(0);
            Ok(vec![matrix.product(v.clone())?.into()])
        })
    }

    apply_checked!();

    fn product(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let v = self.cost.model().vectors(v)?;
        let product = self.sum(|part| part.apply(v.clone()))?;
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
        let products = self.sum(|part| part.apply_many(vs.clone()))?;
        Ok(match self.l2() {
            Some(l2) => products + vs * l2,
            None => products,
        })
    }
}

impl BatchOperator for Curvature {
    fn examples(&self) -> usize {
        self.cost.len()
    }

    apply_batch_checked!();

    fn batch_product(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let v = self.cost.model().vectors(v)?;
        let product = self.batch(indices, |local| local.apply(v.clone()))?;
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
        let products = self.batch(indices, |local| local.by_rows(vs.clone()))?;
        Ok(match self.l2() {
            Some(l2) => products + vs * l2,
            None => products,
        })
    }
}
