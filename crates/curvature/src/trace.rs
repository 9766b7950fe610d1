//! Traces of a model and a loss, of which the programs of a batch are made.

use std::ops::Range;

use backdraft_program::{DispatchTensor, Place, Program, ProgramError, Spec};
use burn::Tensor;

use crate::{
    CurvatureError, Model, Rows,
    function::BatchFunction,
    loss::{AnyLoss, SumOfSquares},
};

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
        let program = function.trace(self).map_err(|error| match error {
            // The loss by itself is traced without names, so that there may be no place yet.
            CurvatureError::Program(error) if self.is_the_loss(function) => {
                CurvatureError::Program(error.moved(Some(Place::In("loss".into()))))
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
        function.trace(&Tracer { loss, ..*self }).is_ok()
    }

    pub(crate) fn trace(
        &self,
        f: impl FnOnce(Vec<DispatchTensor>) -> Result<Vec<DispatchTensor>, ProgramError>,
    ) -> Result<Program, ProgramError> {
        let names = self.model.parameters().iter().map(|p| p.name.as_str());
        Program::trace_named(&self.model.settings(), self.specs, names, f)
    }

    /// The parameters' positions among the arguments.
    pub(crate) fn wrt(&self) -> Vec<usize> {
        (0..self.model.parameters().len()).collect()
    }

    /// The inputs' positions among the arguments.
    pub(crate) fn inputs(&self) -> Range<usize> {
        let first = self.model.tensors().len();
        first..first + self.model.arity()
    }

    /// The shapes without the last `n`.
    pub(crate) fn without(&self, n: usize) -> Self {
        Self {
            specs: &self.specs[..self.specs.len() - n],
            ..*self
        }
    }

    /// The network's outputs.
    pub(crate) fn outputs(&self) -> Result<Program, ProgramError> {
        self.trace(|arguments| Ok(vec![self.model.forward(&arguments)]))
    }

    /// The losses of outputs, for these targets.
    pub(crate) fn losses_of(
        &self,
        outputs: DispatchTensor,
        targets: &[DispatchTensor],
    ) -> DispatchTensor {
        let losses = self
            .loss
            .losses(Tensor::from_dispatch(outputs), &rows(targets));
        losses.into_dispatch()
    }

    fn losses_at(&self, arguments: &[DispatchTensor]) -> DispatchTensor {
        let outputs = self.model.forward(arguments);
        self.losses_of(outputs, &arguments[self.inputs().end..])
    }

    /// The losses of all examples.
    pub(crate) fn losses(&self) -> Result<Program, ProgramError> {
        self.trace(|arguments| Ok(vec![self.losses_at(&arguments)]))
    }

    /// The sum of the losses.
    pub(crate) fn sum(&self) -> Result<Program, ProgramError> {
        self.trace(|arguments| {
            let losses = Tensor::<1>::from_dispatch(self.losses_at(&arguments));
            Ok(vec![losses.sum().into_dispatch()])
        })
    }

    /// The scaled sum of the losses.
    pub(crate) fn total(&self) -> Result<Program, ProgramError> {
        self.trace(|mut arguments| {
            let scale = pop(&mut arguments);
            let losses = Tensor::<1>::from_dispatch(self.losses_at(&arguments));
            Ok(vec![(losses.sum() * scale).into_dispatch()])
        })
    }

    /// The losses' gradients in the outputs, of `(outputs, targets ..)`: `(losses, gradients)`.
    pub(crate) fn loss_gradient(&self, outputs: &Program) -> Result<Program, ProgramError> {
        let mut specs = outputs.outputs();
        specs.extend_from_slice(&self.specs[self.inputs().end..]);
        Program::trace(&self.model.settings(), &specs, |arguments| {
            Ok(vec![self.losses_of(arguments[0].clone(), &arguments[1..])])
        })?
        .gradient(&[0])
    }

    /// The scaled sum of `J_i' M_i J_i v`, with the matrix `M_i` in the outputs given by its product: a function of the
    /// program of the outputs, the outputs with their tangents, and the targets.
    pub(crate) fn through_outputs(
        &self,
        product: impl FnOnce(
            &Program,
            [DispatchTensor; 2],
            &[DispatchTensor],
        ) -> Result<Tensor<2>, ProgramError>,
    ) -> Result<Program, ProgramError> {
        let outputs = self.without(2).outputs()?;
        let (jvp, vjp) = (outputs.jvp(&self.wrt())?, outputs.vjp(&self.wrt())?);
        self.trace(|mut arguments| {
            let (v, scale) = (pop(&mut arguments), pop(&mut arguments));
            let mut along = arguments.clone();
            along.push(v.into_dispatch());
            let values = jvp.call(self.with_tangents(along))?;
            let values = values.try_into().expect("outputs and their tangents");
            let product = product(&outputs, values, &arguments[self.inputs().end..])?;
            let (expected, found) = (outputs.outputs()[0].shape.clone(), product.shape());
            if expected != found {
                return Err(ProgramError::Trace(format!(
                    "the loss's product with tangents {expected} has the shape {found}, and must have theirs"
                )));
            }
            arguments.push((product * scale.unsqueeze()).into_dispatch());
            let parts = vjp.call(arguments)?.split_off(1);
            Ok(vec![self.model.flatten(parts).into_dispatch()])
        })
    }

    /// Replaces `v`, the last argument, by one tangent a parameter.
    pub(crate) fn with_tangents(&self, mut arguments: Vec<DispatchTensor>) -> Vec<DispatchTensor> {
        let v = pop(&mut arguments);
        arguments.extend(self.model.unflatten(v));
        arguments
    }
}

/// Tensors with one row an example.
pub(crate) fn rows(tensors: &[DispatchTensor]) -> Vec<Rows> {
    tensors.iter().cloned().map(Rows::from).collect()
}

/// The last argument, the scale or a vector.
pub(crate) fn pop(arguments: &mut Vec<DispatchTensor>) -> Tensor<1> {
    Tensor::from_dispatch(arguments.pop().expect("the program has such an argument"))
}
