//! A model, a loss and the examples it is averaged over.

mod cause;
mod fits;
mod gradients;
mod inspect;
mod results;

use std::{cell::Cell, error::Error, rc::Rc};

use backdraft_program::{DispatchTensor, Program};
use burn::Tensor;

use self::fits::{check_arity, check_batch, check_data, check_slots};
use crate::{
    CurvatureError, Examples, Model, Rows,
    data::{Batch, Data},
    loss::Loss,
    product::{EmpiricalFisher, Fisher, GaussNewton, Hessian},
    quantities::{Quantities, Quantity},
};

/// Examples in a batch unless [`Cost::with_batch_size`] says otherwise.
const BATCH: usize = 1024;

/// The cost of a model on a data set: the mean loss over `N` examples, and an L2 term if one is asked for,
///
/// ```text
/// J(theta) = 1/N sum over i of loss(f(theta; x_i), t_i) + l2/2 ||theta||^2
/// ```
///
/// with its derivatives. Examples are visited in batches, and all traced programs are shared between clones and between costs
/// made from this one.
#[derive(Clone)]
pub struct Cost<L: Loss> {
    model: Model,
    loss: L,
    data: Data,
    batch: usize,
    l2: f64,
    quantities: Rc<Quantities>,
    /// How many of the examples have been looked at: whether the loss is defined for their targets.
    seen: Rc<Cell<usize>>,
    /// Whether neither examples nor results are looked at.
    unchecked: bool,
}

impl<L: Loss> Cost<L> {
    /// The mean of `loss` over the examples `inputs` and `targets`, which have one row an example.
    ///
    /// # Errors
    /// [`CurvatureError::Examples`] if the numbers of rows differ or are zero; [`CurvatureError::Inputs`].
    pub fn new<X: Examples>(
        model: Model,
        loss: L,
        inputs: X,
        targets: L::Targets,
    ) -> Result<Self, CurvatureError> {
        check_arity(&model, X::TENSORS)?;
        Self::over(model, loss, Data::held(inputs, targets)?)
    }

    /// The mean of `loss` over `len` examples that do not fit into memory: `pass` begins a pass over them, an iterator of batches
    /// `(inputs, targets)` on the model's device. It is called for every product and sum, and must give the same examples in the
    /// same order each time ([`CurvatureError::Stream`] if that is noticed), in whatever batches: they are as they come, whatever
    /// [`with_batch_size`](Self::with_batch_size) says, best all of one size but the last. What is asked of single examples ([`select`](Self::select)) takes a pass of its own.
    ///
    /// # Errors
    /// [`CurvatureError::Examples`] for a `len` of 0; [`CurvatureError::Inputs`]. While a pass is made: [`CurvatureError::Read`]
    /// for an error of the iterator, and [`CurvatureError::Count`] if there are not `len` examples.
    pub fn streamed<X, I, E>(
        model: Model,
        loss: L,
        len: usize,
        pass: impl Fn() -> I + 'static,
    ) -> Result<Self, CurvatureError>
    where
        X: Examples,
        I: Iterator<Item = Result<(X, L::Targets), E>> + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        check_arity(&model, X::TENSORS)?;
        Self::over(model, loss, Data::streamed(len, pass)?)
    }

    fn over(model: Model, loss: L, data: Data) -> Result<Self, CurvatureError> {
        check_data(&model, &data)?;
        Ok(Self {
            model,
            loss,
            data,
            batch: BATCH,
            l2: 0.0,
            quantities: Rc::default(),
            seen: Rc::default(),
            unchecked: false,
        })
    }

    /// The same cost of other examples, without an L2 term.
    fn on(&self, data: Data) -> Result<Self, CurvatureError> {
        check_data(&self.model, &data)?;
        Ok(Self {
            data,
            l2: 0.0,
            seen: Rc::default(),
            ..self.clone()
        })
    }

    /// The same model and loss on other examples, without an L2 term.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_examples<X: Examples>(
        &self,
        inputs: X,
        targets: L::Targets,
    ) -> Result<Self, CurvatureError> {
        check_arity(&self.model, X::TENSORS)?;
        self.on(Data::held(inputs, targets)?)
    }

    /// The same cost with the term `l2/2 ||theta||^2`, over the model's parameters, biases included; 0 takes it away. It is
    /// part of the value, the gradient, the Hessian, the Gauss-Newton and the Fisher matrix (as `l2 I`, a Gaussian prior), but
    /// not of the empirical Fisher matrix, nor of the losses of examples: costs of other or fewer examples, or under another loss,
    /// that are made from this one are without it.
    /// Whatever is then asked of it reports [`CurvatureError::Setting`] if `l2` is negative or not finite.
    #[must_use]
    pub fn with_l2(self, l2: f64) -> Self {
        Self { l2, ..self }
    }

    /// The same cost, whose results are handed out without a look at them, NaN and infinity included, and whose examples are taken
    /// for good ones. A look makes the host wait for the device: for loops that look at numbers of their own.
    #[must_use]
    pub fn unchecked(self) -> Self {
        Self {
            unchecked: true,
            ..self
        }
    }

    /// The same cost, visited in batches of `batch` examples (the last may be shorter): the memory that a product needs grows
    /// with it.
    ///
    /// # Errors
    /// [`CurvatureError::BatchSize`] if `batch` is zero.
    pub fn with_batch_size(self, batch: usize) -> Result<Self, CurvatureError> {
        match batch {
            0 => Err(CurvatureError::BatchSize),
            _ => Ok(Self { batch, ..self }),
        }
    }

    /// Most examples in a batch.
    pub fn batch_size(&self) -> usize {
        self.batch.min(self.len())
    }

    /// The same cost at other parameters `theta`, of shape `[dim]`.
    ///
    /// # Errors
    /// [`CurvatureError::Dimension`], [`CurvatureError::Placement`].
    pub fn at(&self, theta: Tensor<1>) -> Result<Self, CurvatureError> {
        Ok(Self {
            model: self.model.at(theta)?,
            ..self.clone()
        })
    }

    /// The cost of the examples `indices` alone, repeats allowed: their mean loss, without an L2 term.
    ///
    /// # Errors
    /// [`CurvatureError::Index`]; [`CurvatureError::Examples`] if there are none.
    pub fn select(&self, indices: &[usize]) -> Result<Self, CurvatureError> {
        let selected = self.on(self.data.select(indices)?)?;
        // Those of a stream are looked at when they are used.
        if !self.is_streamed() {
            self.inspect_held()?;
            selected.seen.set(selected.len());
        }
        Ok(selected)
    }

    /// The cost under another loss of the same outputs, on the same inputs, without an L2 term.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_loss<M: Loss>(
        &self,
        loss: M,
        targets: M::Targets,
    ) -> Result<Cost<M>, CurvatureError> {
        let data = self.data.with_targets(self.model.arity(), targets)?;
        let cost = Cost::over(self.model.clone(), loss, data)?;
        Ok(Cost {
            batch: self.batch,
            unchecked: self.unchecked,
            ..cost
        })
    }

    /// The same cost with other targets, without an L2 term.
    ///
    /// # Errors
    /// [`CurvatureError::Examples`] if there are not as many as examples.
    pub fn with_targets(&self, targets: L::Targets) -> Result<Self, CurvatureError> {
        self.on(self.data.with_targets(self.model.arity(), targets)?)
    }

    /// Number of examples `N`.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there is no example; never the case.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The loss.
    pub fn loss(&self) -> &L {
        &self.loss
    }

    /// The strength of the L2 term.
    pub fn l2(&self) -> f64 {
        self.l2
    }

    /// All targets.
    ///
    /// # Errors
    /// Those of reading, if the examples are streamed.
    pub fn targets(&self) -> Result<L::Targets, CurvatureError> {
        let targets = self.data.targets(self.model.arity())?;
        Ok(L::Targets::from_rows(&mut targets.into_iter()))
    }

    /// The Gauss-Newton matrix of the cost, `1/N sum over i of J_i' H_i J_i + l2 I`, with `J_i` the Jacobian of example `i`'s
    /// outputs and `H_i` its output Hessian.
    pub fn gauss_newton(&self) -> GaussNewton<L> {
        GaussNewton::new(self.clone())
    }

    /// The Fisher matrix of the model's own distribution, `1/N sum over i of J_i' E[g g'] J_i + l2 I`, with `g` the loss's gradient
    /// in the outputs for a target drawn from the model.
    pub fn fisher(&self) -> Fisher<L> {
        Fisher::new(self.clone())
    }

    /// The empirical Fisher matrix of the cost, `1/N sum over i of g_i g_i'` with `g_i` the gradient of example `i`'s loss.
    pub fn empirical_fisher(&self) -> EmpiricalFisher<L> {
        EmpiricalFisher::new(self.clone())
    }

    /// The Hessian of the cost.
    pub fn hessian(&self) -> Hessian<L> {
        Hessian::new(self.clone())
    }

    /// The program that computes `quantity` of the first batch. It prints readably, and its operations can be counted.
    ///
    /// # Errors
    /// [`CurvatureError::Program`] if it cannot be traced; [`CurvatureError::NoDistribution`].
    pub fn program(&self, quantity: Quantity) -> Result<Program, CurvatureError> {
        let batch = self.batches().next().expect("a cost has examples")?;
        let mut tail = Vec::new();
        if quantity.has_scale() {
            tail.push(self.scale());
        }
        if quantity.has_vector() {
            let options = (self.model.device(), self.model.dtype());
            tail.push(Tensor::zeros([self.model.dim()], options));
        }
        let arguments = self.arguments(batch, tail);
        let program = self
            .quantities
            .get(quantity, &self.model, &self.loss, &arguments)?;
        Ok(program.program().clone())
    }

    /// One pass over the examples, which are looked at before they are first used.
    pub(crate) fn batches(&self) -> impl Iterator<Item = Result<Batch, CurvatureError>> {
        let mut start = 0;
        self.data.batches(self.batch).map(move |batch| {
            let batch = batch?;
            check_batch(&self.model, &batch)?;
            self.inspect(start, &batch)?;
            start += batch[0].len();
            Ok(batch)
        })
    }

    /// Checks that the inputs of the first example are `X`.
    fn check_inputs<X: Examples>(&self) -> Result<(), CurvatureError> {
        check_arity(&self.model, X::TENSORS)?;
        let batch = self.batches().next().expect("a cost has examples")?;
        check_slots(&X::slots(), &batch)
    }

    /// Whether every pass reads the examples anew.
    pub(crate) fn is_streamed(&self) -> bool {
        matches!(self.data, Data::Streamed { .. })
    }

    /// The factor `1/N` of every sum over examples, `[1]`.
    pub(crate) fn scale(&self) -> Tensor<1> {
        self.quantities.scale(self.len(), &self.model)
    }

    pub(crate) fn quantities(&self) -> &Quantities {
        &self.quantities
    }

    /// The tensors that a program of one batch takes; `tail` is the scale, the vector, or both.
    pub(crate) fn arguments(&self, batch: Batch, tail: Vec<Tensor<1>>) -> Vec<DispatchTensor> {
        let mut arguments = self.model.tensors();
        arguments.extend(batch.into_iter().map(Rows::into_tensor));
        arguments.extend(tail.into_iter().map(Tensor::into_dispatch));
        arguments
    }
}
