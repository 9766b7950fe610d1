//! Traces of a model and a loss, of which the programs of a batch are made.

use std::ops::Range;

use backdraft_program::{
    DispatchTensor, ErrorLocation, Program, ProgramError, Spec, Tensors, hvp, linearize,
};
use burn::Tensor;

use crate::{
    CurvatureError, Model, Rows,
    function::BatchFunction,
    loss::{AnyLoss, SumOfSquares},
};

/// Most outputs whose Hessian is factored within a program.
const FACTORED: usize = 128;

/// Traces a model and a loss for arguments of given shapes.
#[derive(Clone, Copy)]
pub(crate) struct Tracer<'a> {
    pub model: &'a Model,
    pub loss: &'a dyn AnyLoss,
    pub specs: &'a [Spec],
}

impl Tracer<'_> {
    /// The program of `function`, with matrix products in the type that the model asks for. What cannot be
    /// differentiated is placed: in the loss, or by the model's parameters.
    pub(crate) fn program(&self, function: BatchFunction) -> Result<Program, CurvatureError> {
        let program = self.trace(function).map_err(|error| match error {
            CurvatureError::Program(error) if self.is_the_loss(function) => {
                CurvatureError::Program(error.moved(Some(ErrorLocation::In("loss".into()))))
            }
            error => error,
        })?;
        Ok(match self.model.products() {
            Some(half) => program.with_products(half)?,
            None => program,
        })
    }

    /// Whether it is for the loss that there is no program of `function`: with another one there is.
    fn is_the_loss(&self, function: BatchFunction) -> bool {
        let loss = &SumOfSquares;
        Tracer { loss, ..*self }.trace(function).is_ok()
    }

    fn trace(&self, function: BatchFunction) -> Result<Program, CurvatureError> {
        let names = self.model.parameters().iter().map(|p| p.name.as_str());
        let mut refused = None;
        let program =
            Program::trace_named(&self.model.settings(), self.specs, names, |arguments| {
                let batch = TracedBatch::new(self, function, arguments)?;
                function.results(&batch).map_err(|error| match error {
                    CurvatureError::Program(error) => error,
                    other => {
                        let text = other.to_string();
                        refused = Some(other);
                        ProgramError::Trace(text)
                    }
                })
            });
        match refused {
            Some(error) => Err(error),
            None => Ok(program?),
        }
    }

    /// The inputs' positions among the arguments.
    pub(crate) fn inputs(&self) -> Range<usize> {
        let first = self.model.tensors().len();
        first..first + self.model.arity()
    }
}

/// A batch within a trace, at which the network and the loss are functions of the parameters, one tensor each.
pub(crate) struct TracedBatch<'a> {
    model: &'a Model,
    pub loss: &'a dyn AnyLoss,
    pub theta: Vec<DispatchTensor>,
    /// What the network reads besides: its constants.
    constants: Vec<DispatchTensor>,
    pub inputs: Vec<DispatchTensor>,
    pub targets: Vec<Rows>,
    scale: Option<Tensor<1>>,
    v: Option<Vec<DispatchTensor>>,
    mixture: Option<DispatchTensor>,
    tangents: Option<(Tensor<2>, Tensor<2>)>,
}

impl<'a> TracedBatch<'a> {
    /// Of the arguments of `function`.
    fn new(
        tracer: &Tracer<'a>,
        function: BatchFunction,
        mut arguments: Vec<DispatchTensor>,
    ) -> Result<Self, ProgramError> {
        let mut last = |wanted: bool| wanted.then(|| arguments.pop()).flatten();
        let (tangents, outputs) = (last(function.tangents), last(function.tangents));
        let (mixture, v) = (last(function.mixture), last(function.vector));
        let (v, scale) = (v.map(Tensor::from_dispatch), last(function.scale));
        let targets = arguments.split_off(tracer.inputs().end);
        let inputs = arguments.split_off(tracer.inputs().start);
        let constants = arguments.split_off(tracer.model.parameters().len());
        Ok(Self {
            model: tracer.model,
            loss: tracer.loss,
            v: v.map(|v| arguments.unravel(v)).transpose()?,
            theta: arguments,
            constants,
            inputs,
            targets: rows(&targets),
            scale: scale.map(Tensor::from_dispatch),
            mixture,
            tangents: outputs
                .zip(tangents)
                .map(|(y, dy)| (Tensor::from_dispatch(y), Tensor::from_dispatch(dy))),
        })
    }

    /// Position of the first input among the function's arguments.
    pub(crate) fn first_input(&self) -> usize {
        self.theta.len() + self.constants.len()
    }

    /// The factor of a sum over examples.
    pub(crate) fn scale(&self) -> Tensor<1> {
        self.scale.clone().expect("a sum over examples")
    }

    /// The vector, as one tensor a parameter.
    pub(crate) fn v(&self) -> Vec<DispatchTensor> {
        self.v.clone().expect("a function of a vector")
    }

    /// Outputs and their tangents that were computed before.
    pub(crate) fn tangents(&self) -> (Tensor<2>, Tensor<2>) {
        self.tangents.clone().expect("a function of tangents")
    }

    /// The network's outputs at parameters `theta`.
    pub(crate) fn outputs(&self, theta: Vec<DispatchTensor>) -> Tensor<2> {
        self.outputs_at(theta, &self.inputs)
    }

    fn outputs_at(&self, theta: Vec<DispatchTensor>, inputs: &[DispatchTensor]) -> Tensor<2> {
        self.model
            .forward(&[&theta, &self.constants, inputs].concat())
    }

    /// The losses of `outputs`.
    pub(crate) fn losses_of(&self, outputs: Tensor<2>) -> Tensor<1> {
        self.loss.losses(outputs, &self.targets)
    }

    /// The parts of the losses of `outputs` that belong to places.
    pub(crate) fn place_losses_of(&self, outputs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        let parts = self.loss.place_losses(outputs, &self.targets);
        parts.ok_or(CurvatureError::NoPlaces)
    }

    /// The losses at parameters `theta`.
    pub(crate) fn losses(&self, theta: Vec<DispatchTensor>) -> Tensor<1> {
        self.losses_of(self.outputs(theta))
    }

    /// The losses at parameters `theta` of other inputs.
    pub(crate) fn losses_at(
        &self,
        theta: Vec<DispatchTensor>,
        inputs: &[DispatchTensor],
    ) -> Tensor<1> {
        self.losses_of(self.outputs_at(theta, inputs))
    }

    /// The scaled sum of the losses at parameters `theta`.
    pub(crate) fn total(&self, theta: Vec<DispatchTensor>) -> Tensor<1> {
        self.losses(theta).sum() * self.scale()
    }

    /// The scaled sum of `J_i' M_i J_i v`, with the matrix `M_i` in the outputs given by its `product`: of the outputs
    /// and their tangents.
    pub(crate) fn through_outputs(
        &self,
        product: impl FnOnce(Tensor<2>, Tensor<2>) -> Result<Tensor<2>, CurvatureError>,
    ) -> Result<Vec<DispatchTensor>, CurvatureError> {
        let (y, push) = linearize(|theta| self.outputs(theta), self.theta.clone())?;
        let dy = push.apply(self.v())?;
        let (expected, product) = (dy.shape(), product(y, dy)?);
        let found = product.shape();
        if expected != found {
            return Err(CurvatureError::Program(ProgramError::Trace(format!(
                "the loss's product with tangents {expected} has the shape {found}, and must have theirs"
            ))));
        }
        flat(
            push.transpose()?
                .apply(product * self.scale().unsqueeze())?,
        )
    }

    /// The products of a square root of the losses' Hessian in the outputs with the vectors of the mixture,
    /// `[batch, k, outputs]`.
    pub(crate) fn output_roots(&self) -> Result<Tensor<3>, CurvatureError> {
        let mixture = self.mixture.clone().expect("a function of a mixture");
        let mixture = Tensor::<2>::from_dispatch(mixture);
        let y = self.outputs(self.theta.clone());
        let shape = y.dims();
        let row = |row: usize| mixture.clone().narrow(0, row, 1).expand(shape);
        let closed = |row: Tensor<2>| {
            let times = self.loss.hessian_root_times(y.clone(), &self.targets, row);
            times.map(|root| root.unsqueeze_dim(1))
        };
        let closed: Option<Vec<Tensor<3>>> =
            (0..mixture.dims()[0]).map(|k| closed(row(k))).collect();
        if let Some(roots) = closed {
            return Ok(Tensor::cat(roots, 1));
        }
        if shape[1] > FACTORED {
            return Err(CurvatureError::NoRoot {
                outputs: shape[1],
                most: FACTORED,
            });
        }
        let unit = |at: usize| {
            let ones = y.zeros_like().narrow(1, at, 1).ones_like();
            y.zeros_like().slice_assign([0..shape[0], at..at + 1], ones)
        };
        let columns = (0..shape[1]).map(|at| self.loss_hessian(y.clone(), unit(at)));
        let factors = factors(columns.collect::<Result<_, _>>()?);
        Ok(mixture.unsqueeze_dim(0).matmul(factors.swap_dims(1, 2)))
    }

    /// The product of the losses' Hessian in the outputs `y` with tangents `dy`.
    pub(crate) fn loss_hessian(
        &self,
        y: Tensor<2>,
        dy: Tensor<2>,
    ) -> Result<Tensor<2>, CurvatureError> {
        let closed = self
            .loss
            .hessian_times(y.clone(), &self.targets, dy.clone());
        match closed {
            Some(product) => Ok(product),
            None => Ok(hvp(|y| self.losses_of(y).sum(), y, dy)?),
        }
    }
}

/// The Cholesky factors of the matrices whose columns are given, `[batch, outputs]` each, which may be singular: what
/// is zero to within rounding stays zero. `[batch, outputs, outputs]`, the second axis counting rows.
fn factors(columns: Vec<Tensor<2>>) -> Tensor<3> {
    let rounding = columns[0].dtype().finfo().map_or(0.0, |it| it.epsilon);
    let count = columns.len();
    let mut factor: Option<Tensor<3>> = None;
    for (at, column) in columns.into_iter().enumerate() {
        let largest = column
            .clone()
            .slice([0..column.dims()[0], at..at + 1])
            .abs();
        let mut rest: Tensor<3> = column.unsqueeze_dim(2);
        if let Some(known) = &factor {
            let row = known.clone().narrow(1, at, 1).swap_dims(1, 2);
            rest = rest - known.clone().matmul(row);
        }
        let pivot = rest.clone().narrow(1, at, 1);
        let least = (largest * (count as f64 * 8.0 * rounding)).unsqueeze_dim(2);
        let zero = pivot.clone().lower_equal(least);
        let scale = pivot.mask_fill(zero.clone(), 1.0).sqrt();
        let next = (rest / scale).mask_fill(zero, 0.0);
        factor = Some(match factor {
            Some(known) => Tensor::cat(vec![known, next], 2),
            None => next,
        });
    }
    factor.expect("there are outputs")
}

/// Tensors with one row an example.
pub(crate) fn rows(tensors: &[DispatchTensor]) -> Vec<Rows> {
    tensors.iter().cloned().map(Rows::from).collect()
}

/// One tensor a parameter as a flat vector, the result of a function.
pub(crate) fn flat(parameters: Vec<DispatchTensor>) -> Result<Vec<DispatchTensor>, CurvatureError> {
    Ok(vec![parameters.ravel()?.into_dispatch()])
}
