//! Programs of quantities, made of the traces of a model and a loss.

use std::ops::Range;

use backdraft_program::{DispatchTensor, Place, Program, ProgramError, Spec};
use burn::Tensor;

use crate::{
    CurvatureError, Examples, Model, Rows,
    loss::{Loss, SumOfSquares},
    quantities::Quantity,
};

/// Builds programs for arguments of given shapes.
pub(crate) struct Build<'a, L> {
    pub model: &'a Model,
    pub loss: &'a L,
    pub specs: &'a [Spec],
}

impl<L: Loss> Build<'_, L> {
    /// The program of `quantity`, with matrix products in the type that the model asks for. What cannot be differentiated is placed: in the loss, or by the model's parameters.
    pub(crate) fn program(&self, quantity: Quantity) -> Result<Program, CurvatureError> {
        let program = self.derive(quantity).map_err(|error| match error {
            // The loss by itself is traced without names, so that there may be no place yet.
            CurvatureError::Program(error) if self.is_the_loss(quantity) => {
                CurvatureError::Program(error.moved(Some(Place::In("loss".into()))))
            }
            error => error,
        })?;
        Ok(match self.model.products() {
            Some(half) => program.with_products(half)?,
            None => program,
        })
    }

    /// Whether it is for the loss that there is no program of `quantity`: with another one there is.
    fn is_the_loss(&self, quantity: Quantity) -> bool {
        let other = Build {
            model: self.model,
            loss: &SumOfSquares,
            specs: self.specs,
        };
        other.derive(quantity).is_ok()
    }

    fn derive(&self, quantity: Quantity) -> Result<Program, CurvatureError> {
        Ok(match quantity {
            Quantity::Outputs => self.outputs_program()?,
            Quantity::OutputsAlong => {
                let jvp = self.without(1).outputs_program()?.jvp(&self.wrt())?;
                self.trace(|arguments| jvp.call(self.with_tangents(arguments)))?
            }
            Quantity::Losses => self.losses_program()?,
            Quantity::OutputGradients => self.output_gradients()?,
            Quantity::Gradient => self.gradient()?,
            Quantity::Directional => {
                let jvp = self.without(1).losses_program()?.jvp(&self.wrt())?;
                self.trace(|arguments| Ok(jvp.call(self.with_tangents(arguments))?.split_off(1)))?
            }
            Quantity::InputDerivatives => self.input_derivatives()?,
            Quantity::GaussNewton => self.gauss_newton()?,
            Quantity::Fisher => self.fisher()?,
            Quantity::Hessian => self.hessian()?,
            Quantity::EmpiricalFisher => self.empirical_fisher()?,
        })
    }

    fn trace(
        &self,
        f: impl FnOnce(Vec<DispatchTensor>) -> Result<Vec<DispatchTensor>, ProgramError>,
    ) -> Result<Program, ProgramError> {
        let names = self.model.parameters().iter().map(|p| p.name.as_str());
        Program::trace_named(&self.model.settings(), self.specs, names, f)
    }

    /// The parameters' positions among the arguments.
    fn wrt(&self) -> Vec<usize> {
        (0..self.model.parameters().len()).collect()
    }

    /// The inputs' positions among the arguments.
    pub(crate) fn inputs(&self) -> Range<usize> {
        let first = self.model.tensors().len();
        first..first + self.model.arity()
    }

    /// Targets in the form that the loss reads.
    pub(crate) fn targets(&self, targets: &[DispatchTensor]) -> L::Targets {
        let rows: Vec<_> = targets.iter().cloned().map(Rows::from).collect();
        L::Targets::from_rows(&mut rows.into_iter())
    }

    fn losses(&self, arguments: &[DispatchTensor]) -> Tensor<1> {
        let outputs = Tensor::from_dispatch(self.model.forward(arguments));
        let targets = self.targets(&arguments[self.inputs().end..]);
        self.loss.per_example(outputs, targets)
    }

    /// The shapes without the last `n`.
    fn without(&self, n: usize) -> Self {
        Self {
            specs: &self.specs[..self.specs.len() - n],
            ..*self
        }
    }

    fn outputs_program(&self) -> Result<Program, ProgramError> {
        self.trace(|arguments| Ok(vec![self.model.forward(&arguments)]))
    }

    fn losses_program(&self) -> Result<Program, ProgramError> {
        self.trace(|arguments| Ok(vec![self.losses(&arguments).into_dispatch()]))
    }

    /// The losses' gradients in the outputs, of `(outputs, targets ..)`: `(losses, gradients)`.
    fn loss_gradient(&self, outputs: &Program) -> Result<Program, ProgramError> {
        let mut specs = outputs.outputs();
        specs.extend_from_slice(&self.specs[self.inputs().end..]);
        Program::trace(&self.model.settings(), &specs, |arguments| {
            let y = Tensor::from_dispatch(arguments[0].clone());
            let losses = self.loss.per_example(y, self.targets(&arguments[1..]));
            Ok(vec![losses.into_dispatch()])
        })?
        .gradient(&[0])
    }

    fn output_gradients(&self) -> Result<Program, ProgramError> {
        let outputs = self.outputs_program()?;
        let gradients = self.loss_gradient(&outputs)?;
        self.trace(|arguments| {
            let mut at = outputs.call(arguments.clone())?;
            at.extend_from_slice(&arguments[self.inputs().end..]);
            Ok(gradients.call(at)?.split_off(1))
        })
    }

    /// The scaled sum of the losses.
    fn total(&self) -> Result<Program, ProgramError> {
        self.trace(|mut arguments| {
            let scale = pop(&mut arguments);
            Ok(vec![
                (self.losses(&arguments).sum() * scale).into_dispatch(),
            ])
        })
    }

    fn gradient(&self) -> Result<Program, ProgramError> {
        let gradient = self.total()?.gradient(&self.wrt())?;
        self.trace(|arguments| {
            let mut results = gradient.call(arguments)?;
            let parts = results.split_off(1);
            results.push(self.model.flatten(parts).into_dispatch());
            Ok(results)
        })
    }

    fn input_derivatives(&self) -> Result<Program, ProgramError> {
        let batch = self.without(1);
        let inputs: Vec<_> = self.inputs().collect();
        let total =
            batch.trace(|arguments| Ok(vec![batch.losses(&arguments).sum().into_dispatch()]))?;
        let gradient = total.gradient(&inputs)?;
        let gradient = batch.trace(|arguments| Ok(gradient.call(arguments)?.split_off(1)))?;
        let derivatives = gradient.jvp(&self.wrt())?;
        self.trace(|arguments| {
            let results = derivatives.call(self.with_tangents(arguments))?;
            Ok(results[inputs.len()..].to_vec())
        })
    }

    fn gauss_newton(&self) -> Result<Program, ProgramError> {
        let batch = self.without(2);
        self.through_outputs(|outputs, [y, dy], targets| {
            let typed = |tensor: &DispatchTensor| Tensor::from_dispatch(tensor.clone());
            let closed = self
                .loss
                .hessian_product(typed(&y), self.targets(targets), typed(&dy));
            Ok(match closed {
                Some(product) => product,
                None => {
                    let product = batch.loss_gradient(outputs)?.jvp(&[0])?;
                    let mut at = vec![y];
                    at.extend_from_slice(targets);
                    at.push(dy);
                    // The losses, their gradients, and the tangents of both.
                    Tensor::from_dispatch(product.call(at)?.swap_remove(3))
                }
            })
        })
    }

    fn fisher(&self) -> Result<Program, CurvatureError> {
        let mut missing = false;
        let program = self.through_outputs(|_, [y, dy], targets| {
            let (y, dy) = (Tensor::from_dispatch(y), Tensor::from_dispatch(dy));
            let product = self
                .loss
                .fisher_product(y, self.targets(targets), dy.clone());
            missing = product.is_none();
            Ok(product.unwrap_or(dy))
        })?;
        if missing {
            return Err(CurvatureError::NoDistribution);
        }
        Ok(program)
    }

    /// The scaled sum of `J_i' M_i J_i v`, with the matrix `M_i` in the outputs given by its product: a function of the program of
    /// the outputs, the outputs with their tangents, and the targets.
    fn through_outputs(
        &self,
        product: impl FnOnce(
            &Program,
            [DispatchTensor; 2],
            &[DispatchTensor],
        ) -> Result<Tensor<2>, ProgramError>,
    ) -> Result<Program, ProgramError> {
        let outputs = self.without(2).outputs_program()?;
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

    /// The outer product of the losses' gradients: `sum over i of g_i <g_i, v>`, by one pass in each mode.
    fn empirical_fisher(&self) -> Result<Program, ProgramError> {
        let losses = self.without(2).losses_program()?;
        let (jvp, vjp) = (losses.jvp(&self.wrt())?, losses.vjp(&self.wrt())?);
        self.trace(|mut arguments| {
            let (v, scale) = (pop(&mut arguments), pop(&mut arguments));
            let mut along = arguments.clone();
            along.push(v.into_dispatch());
            let derivatives = jvp.call(self.with_tangents(along))?.swap_remove(1);
            let derivatives = Tensor::<1>::from_dispatch(derivatives) * scale;
            arguments.push(derivatives.into_dispatch());
            let parts = vjp.call(arguments)?.split_off(1);
            Ok(vec![self.model.flatten(parts).into_dispatch()])
        })
    }

    fn hessian(&self) -> Result<Program, ProgramError> {
        let batch = self.without(1);
        // The gradients alone: their tangents are the product.
        let gradient = batch.total()?.gradient(&self.wrt())?;
        let gradient = batch.trace(|arguments| Ok(gradient.call(arguments)?.split_off(1)))?;
        let product = gradient.jvp(&self.wrt())?;
        self.trace(|arguments| {
            let parts = product
                .call(self.with_tangents(arguments))?
                .split_off(self.wrt().len());
            Ok(vec![self.model.flatten(parts).into_dispatch()])
        })
    }

    /// Replaces `v`, the last argument, by one tangent a parameter.
    fn with_tangents(&self, mut arguments: Vec<DispatchTensor>) -> Vec<DispatchTensor> {
        let v = pop(&mut arguments);
        arguments.extend(self.model.unflatten(v));
        arguments
    }
}

/// The last argument, the scale or a vector.
fn pop(arguments: &mut Vec<DispatchTensor>) -> Tensor<1> {
    Tensor::from_dispatch(arguments.pop().expect("the program has such an argument"))
}
