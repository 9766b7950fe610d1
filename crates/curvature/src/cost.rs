//! A model, a loss and the examples it is averaged over.

use std::rc::Rc;

use backdraft_program::DispatchTensor;
use burn::Tensor;

use crate::{
    CurvatureError, Model, Rows,
    loss::{Loss, Targets},
    product::{EmpiricalFisher, GaussNewton, Hessian},
    quantities::{Quantities, Quantity},
};

/// Examples in a batch unless [`Cost::with_batch_size`] says otherwise.
const BATCH: usize = 1024;

/// The cost of a model on a data set: the mean loss over `N` examples,
///
/// ```text
/// J(theta) = 1/N sum over i of loss(f(theta; x_i), t_i)
/// ```
///
/// with its derivatives. Examples are visited in batches, and all traced programs are shared between clones and between costs
/// made from this one.
#[derive(Clone)]
pub struct Cost<L: Loss> {
    model: Model,
    loss: L,
    inputs: Rows,
    targets: Vec<Rows>,
    batch: usize,
    quantities: Rc<Quantities>,
}

impl<L: Loss> Cost<L> {
    /// The mean of `loss` over the examples `inputs` and `targets`, which have one row an example.
    ///
    /// # Errors
    /// [`CurvatureError::Examples`] if the numbers of rows differ or are zero.
    pub fn new(
        model: Model,
        loss: L,
        inputs: impl Into<Rows>,
        targets: L::Targets,
    ) -> Result<Self, CurvatureError> {
        let (inputs, targets) = examples(inputs, targets)?;
        Ok(Self {
            model,
            loss,
            inputs,
            targets,
            batch: BATCH,
            quantities: Rc::default(),
        })
    }

    /// The same model and loss on other examples.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_examples(
        &self,
        inputs: impl Into<Rows>,
        targets: L::Targets,
    ) -> Result<Self, CurvatureError> {
        let (inputs, targets) = examples(inputs, targets)?;
        Ok(Self {
            inputs,
            targets,
            ..self.clone()
        })
    }

    /// The same cost, visited in batches of `batch` examples (the last may be shorter): the memory that a product needs grows
    /// with it.
    ///
    /// # Panics
    /// If `batch` is zero.
    pub fn with_batch_size(mut self, batch: usize) -> Self {
        assert!(batch > 0, "a batch needs at least one example");
        self.batch = batch;
        self
    }

    /// The same cost at other parameters `theta`, of shape `[dim]`.
    ///
    /// # Errors
    /// [`CurvatureError::Dimension`].
    pub fn at(&self, theta: Tensor<1>) -> Result<Self, CurvatureError> {
        self.check(&theta)?;
        Ok(Self {
            model: self.model.at(theta),
            ..self.clone()
        })
    }

    /// The cost of the examples `indices` alone, repeats allowed: their mean loss.
    ///
    /// # Errors
    /// [`CurvatureError::Index`]; [`CurvatureError::Examples`] if there are none.
    pub fn select(&self, indices: &[usize]) -> Result<Self, CurvatureError> {
        let len = self.len();
        if let Some(&index) = indices.iter().find(|&&index| index >= len) {
            return Err(CurvatureError::Index { index, len });
        }
        if indices.is_empty() {
            return Err(CurvatureError::Examples {
                inputs: 0,
                targets: 0,
            });
        }
        let targets = self
            .targets
            .iter()
            .map(|rows| rows.select(indices))
            .collect();
        Ok(Self {
            inputs: self.inputs.select(indices),
            targets,
            ..self.clone()
        })
    }

    /// The cost under another loss of the same outputs, on the same inputs.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_loss<M: Loss>(
        &self,
        loss: M,
        targets: M::Targets,
    ) -> Result<Cost<M>, CurvatureError> {
        let cost = Cost::new(self.model.clone(), loss, self.inputs.clone(), targets)?;
        Ok(cost.with_batch_size(self.batch))
    }

    /// Number of examples `N`.
    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// Whether there is no example; never the case.
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The loss.
    pub fn loss(&self) -> &L {
        &self.loss
    }

    /// All targets.
    pub fn targets(&self) -> L::Targets {
        L::Targets::from_rows(&mut self.targets.clone().into_iter())
    }

    /// The network's outputs, `[N, outputs]`.
    ///
    /// # Errors
    /// [`CurvatureError::Program`].
    pub fn outputs(&self) -> Result<Tensor<2>, CurvatureError> {
        self.concatenate(Quantity::Outputs, None)
    }

    /// The network's outputs and their derivatives along `v`, `[N, outputs]` each: `f` and `J v`, in one forward-mode pass.
    ///
    /// # Errors
    /// [`CurvatureError::Dimension`], [`CurvatureError::Program`].
    pub fn outputs_along(&self, v: Tensor<1>) -> Result<(Tensor<2>, Tensor<2>), CurvatureError> {
        self.check(&v)?;
        let (mut outputs, mut tangents) = (Vec::new(), Vec::new());
        for batch in self.batches() {
            let [y, dy] = self.run(Quantity::OutputsAlong, &batch, Some(v.clone()))?;
            outputs.push(Tensor::from_dispatch(y));
            tangents.push(Tensor::from_dispatch(dy));
        }
        Ok((joined(outputs), joined(tangents)))
    }

    /// The gradient of every example's loss with respect to the outputs, `[N, outputs]`.
    ///
    /// # Errors
    /// [`CurvatureError::Program`].
    pub fn output_gradients(&self) -> Result<Tensor<2>, CurvatureError> {
        self.concatenate(Quantity::OutputGradients, None)
    }

    /// Every example's loss, `[N]`.
    ///
    /// # Errors
    /// [`CurvatureError::Program`].
    pub fn losses(&self) -> Result<Tensor<1>, CurvatureError> {
        self.concatenate(Quantity::Losses, None)
    }

    /// The derivative of every example's loss along `v`, `[N]`: `<grad loss_i, v>`, by one forward-mode pass a batch; no
    /// gradient is formed.
    ///
    /// # Errors
    /// [`CurvatureError::Dimension`], [`CurvatureError::Program`].
    pub fn directional_derivatives(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.check(&v)?;
        self.concatenate(Quantity::Directional, Some(v))
    }

    /// The cost, of shape `[1]`, and its gradient, of shape `[dim]`.
    ///
    /// # Errors
    /// [`CurvatureError::Program`].
    pub fn value_and_gradient(&self) -> Result<(Tensor<1>, Tensor<1>), CurvatureError> {
        let mut total: Option<(Tensor<1>, Tensor<1>)> = None;
        for batch in self.batches() {
            let [value, gradient] = self.run(Quantity::Gradient, &batch, None)?;
            let (value, gradient) = (
                Tensor::from_dispatch(value),
                Tensor::from_dispatch(gradient),
            );
            total = Some(match total {
                Some((v, g)) => (v + value, g + gradient),
                None => (value, gradient),
            });
        }
        let (value, gradient) = total.expect("a cost has examples");
        let n = self.len() as f64;
        Ok((value / n, gradient / n))
    }

    /// The gradient of the cost, of shape `[dim]`.
    ///
    /// # Errors
    /// [`CurvatureError::Program`].
    pub fn gradient(&self) -> Result<Tensor<1>, CurvatureError> {
        Ok(self.value_and_gradient()?.1)
    }

    /// The Gauss-Newton matrix of the cost, `1/N sum over i of J_i' H_i J_i`, with `J_i` the Jacobian of example `i`'s outputs
    /// and `H_i` its output Hessian.
    pub fn gauss_newton(&self) -> GaussNewton<L> {
        GaussNewton::new(self.clone())
    }

    /// The empirical Fisher matrix of the cost, `1/N sum over i of g_i g_i'` with `g_i` the gradient of example `i`'s loss.
    pub fn empirical_fisher(&self) -> EmpiricalFisher<L> {
        EmpiricalFisher::new(self.clone())
    }

    /// The Hessian of the cost.
    pub fn hessian(&self) -> Hessian<L> {
        Hessian::new(self.clone())
    }

    pub(crate) fn check(&self, v: &Tensor<1>) -> Result<(), CurvatureError> {
        let (expected, [found]) = (self.model.dim(), v.dims());
        if expected == found {
            Ok(())
        } else {
            Err(CurvatureError::Dimension { expected, found })
        }
    }

    /// The data in batches: the inputs, then the targets.
    pub(crate) fn batches(&self) -> impl Iterator<Item = Vec<DispatchTensor>> {
        let n = self.len();
        (0..n).step_by(self.batch).map(move |start| {
            let range = start..n.min(start + self.batch);
            let rows = std::iter::once(&self.inputs).chain(&self.targets);
            rows.map(|rows| rows.slice(range.clone()).into_tensor())
                .collect()
        })
    }

    pub(crate) fn quantities(&self) -> &Quantities {
        &self.quantities
    }

    /// Runs `quantity` on one batch.
    pub(crate) fn run<const N: usize>(
        &self,
        quantity: Quantity,
        batch: &[DispatchTensor],
        v: Option<Tensor<1>>,
    ) -> Result<[DispatchTensor; N], CurvatureError> {
        let mut inputs = self.model.tensors().to_vec();
        inputs.extend_from_slice(batch);
        inputs.extend(v.map(Tensor::into_dispatch));
        let program = self
            .quantities
            .get(quantity, &self.model, &self.loss, &inputs)?;
        let outputs = program.run(inputs)?;
        Ok(outputs
            .try_into()
            .expect("a quantity has a fixed number of outputs"))
    }

    fn concatenate<const D: usize>(
        &self,
        quantity: Quantity,
        v: Option<Tensor<1>>,
    ) -> Result<Tensor<D>, CurvatureError> {
        let mut parts = Vec::new();
        for batch in self.batches() {
            let [part] = self.run(quantity, &batch, v.clone())?;
            parts.push(Tensor::from_dispatch(part));
        }
        Ok(joined(parts))
    }
}

/// The batches' results as one tensor.
fn joined<const D: usize>(mut parts: Vec<Tensor<D>>) -> Tensor<D> {
    if parts.len() == 1 {
        parts.remove(0)
    } else {
        Tensor::cat(parts, 0)
    }
}

fn examples<T: Targets>(
    inputs: impl Into<Rows>,
    targets: T,
) -> Result<(Rows, Vec<Rows>), CurvatureError> {
    let (inputs, targets) = (inputs.into(), targets.into_rows());
    let wrong = targets
        .iter()
        .find(|rows| rows.len() != inputs.len() || rows.is_empty());
    match wrong {
        Some(rows) => Err(CurvatureError::Examples {
            inputs: inputs.len(),
            targets: rows.len(),
        }),
        None => Ok((inputs, targets)),
    }
}
