//! What is computed from a batch, as programs: traced once a batch shape.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use backdraft_program::{Compiled, DispatchTensor, Program, ProgramError, Spec};
use burn::Tensor;

use crate::{
    Model,
    loss::{Loss, Targets},
};

/// A function of `(parameters .., inputs, targets .., v)`. Sums and per-example values, never means, so that batches add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// The outputs `[batch, outputs]`.
    Outputs,
    /// The outputs and their derivatives along `v`, `[batch, outputs]` each.
    OutputsAlong,
    /// The losses `[batch]`.
    Losses,
    /// The losses' gradients in the outputs `[batch, outputs]`.
    OutputGradients,
    /// The sum of the losses `[1]` and its gradient `[dim]`.
    Gradient,
    /// The losses' derivatives along `v`, `[batch]`.
    Directional,
    /// The sum of `J_i' H_i J_i v`, `[dim]`.
    GaussNewton,
    /// The product of the Hessian of the sum of the losses with `v`, `[dim]`.
    Hessian,
    /// The sum of `g_i <g_i, v>` over the losses' gradients `g_i`, `[dim]`.
    EmpiricalFisher,
}

/// A product that is linear in `v`, in two parts.
pub(crate) struct LinearMap {
    /// What does not depend on `v`: `(parameters .., inputs, targets ..) -> kept values`.
    pub fixed: Compiled,
    /// The rest: `(v, kept values ..) -> product`.
    pub varying: Compiled,
    /// Bytes that the kept values need.
    pub kept_bytes: usize,
}

type Cache<T> = RefCell<HashMap<(Quantity, Vec<Spec>), Rc<T>>>;

/// The programs traced so far.
#[derive(Default)]
pub(crate) struct Quantities {
    programs: Cache<Compiled>,
    linear: Cache<LinearMap>,
}

impl Quantities {
    /// The program of `quantity` for inputs shaped like `inputs`.
    pub(crate) fn get<L: Loss>(
        &self,
        quantity: Quantity,
        model: &Model,
        loss: &L,
        inputs: &[DispatchTensor],
    ) -> Result<Rc<Compiled>, ProgramError> {
        cached(&self.programs, quantity, inputs, |specs| {
            Ok(Build { model, loss, specs }
                .program(quantity)?
                .compile(model.device()))
        })
    }

    /// The same for a product with `v`, split.
    pub(crate) fn linear<L: Loss>(
        &self,
        quantity: Quantity,
        model: &Model,
        loss: &L,
        inputs: &[DispatchTensor],
    ) -> Result<Rc<LinearMap>, ProgramError> {
        cached(&self.linear, quantity, inputs, |specs| {
            let program = Build { model, loss, specs }.program(quantity)?;
            let split = program.linearize(&[specs.len() - 1])?;
            Ok(LinearMap {
                fixed: split.fixed.compile(model.device()),
                varying: split.varying.compile(model.device()),
                kept_bytes: split.kept_bytes,
            })
        })
    }
}

fn cached<T>(
    cache: &Cache<T>,
    quantity: Quantity,
    inputs: &[DispatchTensor],
    build: impl FnOnce(&[Spec]) -> Result<T, ProgramError>,
) -> Result<Rc<T>, ProgramError> {
    let key = (quantity, inputs.iter().map(Spec::of).collect::<Vec<_>>());
    if let Some(found) = cache.borrow().get(&key) {
        return Ok(found.clone());
    }
    let built = Rc::new(build(&key.1)?);
    cache.borrow_mut().insert(key, built.clone());
    Ok(built)
}

/// Builds programs for inputs of given shapes: the parameters, the inputs, the targets, and `v` where there is one.
struct Build<'a, L> {
    model: &'a Model,
    loss: &'a L,
    specs: &'a [Spec],
}

impl<L: Loss> Build<'_, L> {
    fn program(&self, quantity: Quantity) -> Result<Program, ProgramError> {
        match quantity {
            Quantity::Outputs => self.trace(|inputs| Ok(vec![self.outputs(&inputs)])),
            Quantity::OutputsAlong => {
                let jvp = self
                    .without_v()
                    .program(Quantity::Outputs)?
                    .jvp(&self.wrt())?;
                self.trace(|inputs| jvp.call(self.with_tangents(inputs)))
            }
            Quantity::Losses => self.trace(|inputs| Ok(vec![self.losses(&inputs).into_dispatch()])),
            Quantity::OutputGradients => self.output_gradients(),
            Quantity::Gradient => self.gradient(),
            Quantity::Directional => self.directional(),
            Quantity::GaussNewton => self.gauss_newton(),
            Quantity::Hessian => self.hessian(),
            Quantity::EmpiricalFisher => self.empirical_fisher(),
        }
    }

    fn trace(
        &self,
        f: impl FnOnce(Vec<DispatchTensor>) -> Result<Vec<DispatchTensor>, ProgramError>,
    ) -> Result<Program, ProgramError> {
        let names = self.model.parameters().iter().map(|p| p.name.as_str());
        Program::trace_named(&self.model.settings(), self.specs, names, f)
    }

    /// Number of parameter tensors, which come first.
    fn parameters(&self) -> usize {
        self.model.parameters().len()
    }

    /// The parameters' positions among the inputs.
    fn wrt(&self) -> Vec<usize> {
        (0..self.parameters()).collect()
    }

    fn outputs(&self, inputs: &[DispatchTensor]) -> DispatchTensor {
        self.model.forward(
            &inputs[..self.parameters()],
            inputs[self.parameters()].clone(),
        )
    }

    fn targets(&self, targets: &[DispatchTensor]) -> L::Targets {
        let rows: Vec<_> = targets.iter().cloned().map(Into::into).collect();
        L::Targets::from_rows(&mut rows.into_iter())
    }

    fn losses(&self, inputs: &[DispatchTensor]) -> Tensor<1> {
        let outputs = Tensor::from_dispatch(self.outputs(inputs));
        self.loss
            .per_example(outputs, self.targets(&inputs[self.parameters() + 1..]))
    }

    /// The shapes without the last, which is `v`.
    fn without_v(&self) -> Self {
        Self {
            specs: &self.specs[..self.specs.len() - 1],
            ..*self
        }
    }

    /// The losses' gradients in the outputs, of `(outputs, targets ..)`: `(losses, gradients)`.
    fn loss_gradient(&self, outputs: &Program) -> Result<Program, ProgramError> {
        let mut specs = outputs.outputs();
        specs.extend_from_slice(&self.specs[self.parameters() + 1..]);
        Program::trace(&self.model.settings(), &specs, |inputs| {
            let y = Tensor::from_dispatch(inputs[0].clone());
            let losses = self.loss.per_example(y, self.targets(&inputs[1..]));
            Ok(vec![losses.into_dispatch()])
        })?
        .gradient(&[0])
    }

    fn output_gradients(&self) -> Result<Program, ProgramError> {
        let outputs = self.program(Quantity::Outputs)?;
        let gradients = self.loss_gradient(&outputs)?;
        self.trace(|inputs| {
            let mut arguments = outputs.call(inputs.clone())?;
            arguments.extend_from_slice(&inputs[self.parameters() + 1..]);
            Ok(gradients.call(arguments)?.split_off(1))
        })
    }

    fn gradient(&self) -> Result<Program, ProgramError> {
        let total = self.trace(|inputs| Ok(vec![self.losses(&inputs).sum().into_dispatch()]))?;
        let gradient = total.gradient(&self.wrt())?;
        self.trace(|inputs| {
            let mut results = gradient.call(inputs)?;
            let parts = results.split_off(1);
            results.push(self.model.flatten(parts).into_dispatch());
            Ok(results)
        })
    }

    fn directional(&self) -> Result<Program, ProgramError> {
        let jvp = self
            .without_v()
            .program(Quantity::Losses)?
            .jvp(&self.wrt())?;
        self.trace(|inputs| Ok(jvp.call(self.with_tangents(inputs))?.split_off(1)))
    }

    fn gauss_newton(&self) -> Result<Program, ProgramError> {
        let batch = self.without_v();
        let outputs = batch.program(Quantity::Outputs)?;
        let (jvp, vjp) = (outputs.jvp(&self.wrt())?, outputs.vjp(&self.wrt())?);
        self.trace(|inputs| {
            let mut arguments = inputs[..inputs.len() - 1].to_vec();
            let targets = &arguments[self.parameters() + 1..];
            let [y, dy] = jvp
                .call(self.with_tangents(inputs.clone()))?
                .try_into()
                .expect("outputs and their tangents");
            let closed = self.loss.hessian_product(
                Tensor::from_dispatch(y.clone()),
                self.targets(targets),
                Tensor::from_dispatch(dy.clone()),
            );
            arguments.push(match closed {
                Some(product) => product.into_dispatch(),
                None => {
                    let product = batch.loss_gradient(&outputs)?.jvp(&[0])?;
                    let mut at = vec![y];
                    at.extend_from_slice(targets);
                    at.push(dy);
                    // The losses, their gradients, and the tangents of both.
                    product.call(at)?.swap_remove(3)
                }
            });
            let parts = vjp.call(arguments)?.split_off(1);
            Ok(vec![self.model.flatten(parts).into_dispatch()])
        })
    }

    /// The outer product of the losses' gradients: `sum over i of g_i <g_i, v>`, by one pass in each mode.
    fn empirical_fisher(&self) -> Result<Program, ProgramError> {
        let losses = self.without_v().program(Quantity::Losses)?;
        let (jvp, vjp) = (losses.jvp(&self.wrt())?, losses.vjp(&self.wrt())?);
        self.trace(|inputs| {
            let mut arguments = inputs[..inputs.len() - 1].to_vec();
            arguments.extend(jvp.call(self.with_tangents(inputs))?.split_off(1));
            let parts = vjp.call(arguments)?.split_off(1);
            Ok(vec![self.model.flatten(parts).into_dispatch()])
        })
    }

    fn hessian(&self) -> Result<Program, ProgramError> {
        let batch = self.without_v();
        let total = batch.trace(|inputs| Ok(vec![batch.losses(&inputs).sum().into_dispatch()]))?;
        // The gradients alone: their tangents are the product.
        let gradient = total.gradient(&self.wrt())?;
        let gradient = batch.trace(|inputs| Ok(gradient.call(inputs)?.split_off(1)))?;
        let product = gradient.jvp(&self.wrt())?;
        self.trace(|inputs| {
            let parts = product
                .call(self.with_tangents(inputs))?
                .split_off(self.parameters());
            Ok(vec![self.model.flatten(parts).into_dispatch()])
        })
    }

    /// Replaces `v`, the last input, by one tangent a parameter.
    fn with_tangents(&self, mut inputs: Vec<DispatchTensor>) -> Vec<DispatchTensor> {
        let v = inputs.pop().expect("the last input is v");
        inputs.extend(self.model.unflatten(Tensor::from_dispatch(v)));
        inputs
    }
}
