//! A model, a loss and the examples it is averaged over.

mod alternatives;
mod cause;
mod example_losses;
mod fits;
mod gradients;
mod inspect;
mod pass;
mod placed;
mod places;
mod results;
mod sharded;
mod third;

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use backdraft_program::{DispatchTensor, Program};
use burn::Tensor;

pub use self::{example_losses::ExampleLosses, pass::BatchProgress, sharded::ShardedCost};

use self::fits::{check_arity, check_batch, check_data, check_slots, check_targets};
use crate::{
    CurvatureError, Examples, IntoRows, Model, Rows,
    data::{Batch, Data},
    function::BatchFunction,
    loss::{AnyLoss, Loss},
    programs::Programs,
};

/// Examples in a batch unless [`Cost::with_batch_size`] says otherwise.
const BATCH: usize = 1024;

/// The cost of a model on a data set: the mean loss over `N` examples, and an L2 term if one is asked for,
///
/// ```text
/// J(theta) = 1/N sum over i of loss(f(theta; x_i), t_i) + l2/2 ||theta||^2
/// ```
///
/// with its derivatives. Examples are visited in batches, and all traced programs are shared between clones and between
/// costs made from this one.
#[derive(Clone)]
pub struct Cost {
    model: Model,
    loss: Arc<dyn AnyLoss>,
    data: Data,
    batch: usize,
    l2: f64,
    programs: Arc<Programs>,
    /// How many of the examples have been looked at: whether the loss is defined for their targets.
    seen: Arc<AtomicUsize>,
    /// Whether neither examples nor results are looked at.
    unchecked: bool,
    /// Who is told how far a pass is.
    told: Option<pass::Told>,
}

impl Cost {
    /// The mean of `loss` over the examples `inputs` and `targets`, which have one row an example.
    ///
    /// # Errors
    /// [`CurvatureError::Examples`] if the numbers of rows differ or are zero; [`CurvatureError::Inputs`].
    pub fn new<X: Examples, L: Loss>(
        model: Model,
        loss: L,
        inputs: X,
        targets: L::Targets,
    ) -> Result<Self, CurvatureError> {
        Self::of_any(model, Arc::new(loss), inputs, targets)
    }

    /// The same, for a loss of any type.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`CurvatureError::TargetTensors`] and [`CurvatureError::TargetTensor`] for targets that
    /// are not what the loss reads.
    pub fn of_any(
        model: Model,
        loss: Arc<dyn AnyLoss>,
        inputs: impl IntoRows,
        targets: impl IntoRows,
    ) -> Result<Self, CurvatureError> {
        let (inputs, targets) = (inputs.rows(), targets.rows());
        check_arity(&model, inputs.len())?;
        check_targets(&*loss, &targets)?;
        Self::over(model, loss, Data::held(inputs, targets)?)
    }

    /// The mean of `loss` over `len` examples that do not fit into memory: `pass` begins a pass over them, an iterator
    /// of batches `(inputs, targets)` on the model's device. It is called for every product and sum, and must give the
    /// same examples in the same order each time ([`CurvatureError::Stream`] if that is noticed), in whatever batches:
    /// they are as they come, whatever
    /// [`with_batch_size`](Self::with_batch_size) says, best all of one size but the last. What is asked of single
    /// examples ([`select`](Self::select)) takes a pass of its own.
    ///
    /// # Errors
    /// [`CurvatureError::Examples`] for a `len` of 0; [`CurvatureError::Inputs`]. While a pass is made:
    /// [`CurvatureError::Read`] for an error of the iterator, and [`CurvatureError::Count`] if there are not `len`
    /// examples.
    pub fn streamed<X, L, I, E>(
        model: Model,
        loss: L,
        len: usize,
        pass: impl Fn() -> I + Send + Sync + 'static,
    ) -> Result<Self, CurvatureError>
    where
        X: Examples,
        L: Loss,
        I: Iterator<Item = Result<(X, L::Targets), E>> + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        check_arity(&model, X::TENSORS)?;
        Self::over(model, Arc::new(loss), Data::streamed(len, pass)?)
    }

    fn over(model: Model, loss: Arc<dyn AnyLoss>, data: Data) -> Result<Self, CurvatureError> {
        check_data(&model, &data)?;
        Ok(Self {
            model,
            loss,
            data,
            batch: BATCH,
            l2: 0.0,
            programs: Arc::default(),
            seen: Arc::default(),
            unchecked: false,
            told: None,
        })
    }

    /// The same cost of other examples, without an L2 term.
    fn on(&self, data: Data) -> Result<Self, CurvatureError> {
        check_data(&self.model, &data)?;
        Ok(Self {
            data,
            l2: 0.0,
            seen: Arc::default(),
            told: None,
            ..self.clone()
        })
    }

    /// The same model and loss on other examples, without an L2 term.
    ///
    /// # Errors
    /// As [`of_any`](Self::of_any).
    pub fn with_examples(
        &self,
        inputs: impl IntoRows,
        targets: impl IntoRows,
    ) -> Result<Self, CurvatureError> {
        let (inputs, targets) = (inputs.rows(), targets.rows());
        check_arity(&self.model, inputs.len())?;
        check_targets(&*self.loss, &targets)?;
        self.on(Data::held(inputs, targets)?)
    }

    /// The same cost with the term `l2/2 ||theta||^2`, over the model's parameters, biases included; 0 takes it away.
    /// It is part of the value, the gradient, the Hessian, the Gauss-Newton and the Fisher matrix (as `l2 I`, a
    /// Gaussian prior), but not of the empirical Fisher matrix, nor of the losses of examples: costs of other or fewer
    /// examples, or under another loss, that are made from this one are without it.
    /// Whatever is then asked of it reports [`CurvatureError::Setting`] if `l2` is negative or not finite.
    #[must_use]
    pub fn with_l2(self, l2: f64) -> Self {
        Self { l2, ..self }
    }

    /// The same cost, whose results are handed out without a look at them, NaN and infinity included, and whose
    /// examples are taken for good ones. A look makes the host wait for the device: for loops that look at numbers of
    /// their own.
    #[must_use]
    pub fn unchecked(self) -> Self {
        Self {
            unchecked: true,
            ..self
        }
    }

    /// The same cost, visited in batches of `batch` examples (the last may be shorter): the memory that a product needs
    /// grows with it.
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

    /// The same cost at other parameters `theta`, of shape `[dim]`, or in another state of the model
    /// ([`Model::state`]).
    ///
    /// # Errors
    /// [`CurvatureError::Dimension`], [`CurvatureError::Placement`].
    pub fn at(&self, theta: Tensor<1>) -> Result<Self, CurvatureError> {
        Ok(Self {
            model: self.model.at(theta)?,
            ..self.clone()
        })
    }

    /// The same cost as a function of some of the model's parameters alone ([`Model::only`]), such as the last layer's.
    ///
    /// # Errors
    /// [`CurvatureError::Parameters`] if a pattern matches nothing, or there is none.
    pub fn only(&self, patterns: &[&str]) -> Result<Self, CurvatureError> {
        Ok(Self {
            model: self.model.only(patterns)?,
            programs: Arc::default(),
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
            selected.seen.store(selected.len(), Ordering::Relaxed);
        }
        Ok(selected)
    }

    /// The cost under another loss of the same outputs, on the same inputs, without an L2 term.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_loss<L: Loss>(&self, loss: L, targets: L::Targets) -> Result<Self, CurvatureError> {
        self.with_any_loss(Arc::new(loss), targets)
    }

    /// The same, for a loss of any type.
    ///
    /// # Errors
    /// As [`of_any`](Self::of_any).
    pub fn with_any_loss(
        &self,
        loss: Arc<dyn AnyLoss>,
        targets: impl IntoRows,
    ) -> Result<Self, CurvatureError> {
        let targets = targets.rows();
        check_targets(&*loss, &targets)?;
        let data = self.data.with_targets(self.model.arity(), targets)?;
        let cost = Self::over(self.model.clone(), loss, data)?;
        Ok(Self {
            batch: self.batch,
            unchecked: self.unchecked,
            ..cost
        })
    }

    /// The same cost with other targets, without an L2 term.
    ///
    /// # Errors
    /// [`CurvatureError::Examples`] if there are not as many as examples; [`CurvatureError::TargetTensors`] and
    /// [`CurvatureError::TargetTensor`] if they are not what the loss reads.
    pub fn with_targets(&self, targets: impl IntoRows) -> Result<Self, CurvatureError> {
        let targets = targets.rows();
        check_targets(&*self.loss, &targets)?;
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
    pub fn loss(&self) -> &Arc<dyn AnyLoss> {
        &self.loss
    }

    /// The strength of the L2 term.
    pub fn l2(&self) -> f64 {
        self.l2
    }

    /// All targets: the tensors, in order, one row an example.
    ///
    /// # Errors
    /// Those of reading, if the examples are streamed.
    pub fn targets(&self) -> Result<Vec<Rows>, CurvatureError> {
        self.data.targets(self.model.arity())
    }

    /// All inputs: the tensors, in order, one row an example.
    ///
    /// # Errors
    /// Those of reading, if the examples are streamed.
    pub fn inputs(&self) -> Result<Vec<Rows>, CurvatureError> {
        self.data.inputs(self.model.arity())
    }

    /// The program that computes `function` of the first batch. It prints readably, and its operations can be counted.
    ///
    /// # Errors
    /// [`CurvatureError::Program`] if it cannot be traced.
    pub fn program(&self, function: BatchFunction) -> Result<Program, CurvatureError> {
        let batch = self.batches().next().expect("a cost has examples")?;
        let mut tail = Vec::new();
        if function.scale {
            tail.push(self.scale());
        }
        if function.vector {
            let options = (self.model.device(), self.model.dtype());
            tail.push(Tensor::zeros([self.model.dim()], options));
        }
        let arguments = self.arguments(batch, tail);
        let program = self.programs.get(function, self.parts(), &arguments)?;
        Ok(program.program().clone())
    }

    /// One pass over the examples, which are looked at before they are first used.
    pub(crate) fn batches(&self) -> impl Iterator<Item = Result<Batch, CurvatureError>> {
        let (mut start, mut done) = (0, 0);
        self.data.batches(self.batch).map(move |batch| {
            let batch = batch?;
            self.tell(done);
            done += 1;
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
        self.programs.scale(self.len(), &self.model)
    }

    pub(crate) fn programs(&self) -> &Programs {
        &self.programs
    }

    /// What its programs are made of.
    pub(crate) fn parts(&self) -> (&Model, &dyn AnyLoss) {
        (&self.model, &*self.loss)
    }

    /// The tensors that a program of one batch takes; `tail` is the scale, the vector, or both.
    pub(crate) fn arguments(&self, batch: Batch, tail: Vec<Tensor<1>>) -> Vec<DispatchTensor> {
        let mut arguments = self.model.tensors();
        arguments.extend(batch.into_iter().map(Rows::into_dispatch));
        arguments.extend(tail.into_iter().map(Tensor::into_dispatch));
        arguments
    }
}
