//! What a cost computes of a batch besides products with curvature matrices.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use backdraft_program::{Program, ProgramError};

use crate::{CurvatureError, trace::Tracer};

/// What a [`Cost`](crate::Cost) computes of a batch, as a function of
/// `(parameters .., constants .., inputs .., targets ..)`, then the factor `scale` (`1/N`) of a sum over examples and
/// the vector `v`, where it has them.
#[derive(Clone, Copy)]
pub struct BatchFunction {
    /// Tells it from all others.
    name: &'static str,
    /// Whether it is a sum over examples, which takes `scale`.
    pub(crate) scale: bool,
    /// Whether it takes `v`.
    pub(crate) vector: bool,
    /// Whether it calls the loss.
    pub(crate) loss: bool,
    trace: fn(&Tracer<'_>) -> Result<Program, CurvatureError>,
}

impl BatchFunction {
    /// The outputs `[batch, outputs]`.
    pub const OUTPUTS: Self = Self {
        loss: false,
        ..Self::of_losses("outputs", |it| Ok(it.outputs()?))
    };

    /// The outputs and their derivatives along `v`, `[batch, outputs]` each.
    pub const OUTPUTS_ALONG: Self = Self {
        loss: false,
        vector: true,
        ..Self::of_losses("outputs along", |it| Ok(outputs_along(it)?))
    };

    /// The losses `[batch]`.
    pub const LOSSES: Self = Self::of_losses("losses", |it| Ok(it.losses()?));

    /// The losses' gradients in the outputs `[batch, outputs]`.
    pub const OUTPUT_GRADIENTS: Self =
        Self::of_losses("output gradients", |it| Ok(output_gradients(it)?));

    /// The scaled sum of the losses `[1]` and its gradient `[dim]`.
    pub const GRADIENT: Self = Self {
        scale: true,
        ..Self::of_losses("gradient", |it| Ok(gradient(it)?))
    };

    /// The losses' derivatives along `v`, `[batch]`.
    pub const DIRECTIONAL: Self = Self {
        vector: true,
        ..Self::of_losses("directional", |it| Ok(directional(it)?))
    };

    /// The gradients of the derivatives along `v` in the inputs, in the shapes of the inputs.
    pub const INPUT_DERIVATIVES: Self = Self {
        vector: true,
        ..Self::of_losses("input derivatives", |it| Ok(input_derivatives(it)?))
    };

    /// A function of the losses that takes neither `scale` nor `v`.
    const fn of_losses(
        name: &'static str,
        trace: fn(&Tracer<'_>) -> Result<Program, CurvatureError>,
    ) -> Self {
        Self {
            name,
            scale: false,
            vector: false,
            loss: true,
            trace,
        }
    }

    /// The product of a matrix in the parameters with `v`, a scaled sum over examples `[dim]`.
    pub(crate) const fn product(
        name: &'static str,
        trace: fn(&Tracer<'_>) -> Result<Program, CurvatureError>,
    ) -> Self {
        Self {
            scale: true,
            vector: true,
            ..Self::of_losses(name, trace)
        }
    }

    /// Its program for one shape of batch.
    pub(crate) fn trace(self, tracer: &Tracer<'_>) -> Result<Program, CurvatureError> {
        (self.trace)(tracer)
    }
}

fn outputs_along(tracer: &Tracer<'_>) -> Result<Program, ProgramError> {
    let jvp = tracer.without(1).outputs()?.jvp(&tracer.wrt())?;
    tracer.trace(|arguments| jvp.call(tracer.with_tangents(arguments)))
}

fn output_gradients(tracer: &Tracer<'_>) -> Result<Program, ProgramError> {
    let outputs = tracer.outputs()?;
    let gradients = tracer.loss_gradient(&outputs)?;
    tracer.trace(|arguments| {
        let mut at = outputs.call(arguments.clone())?;
        at.extend_from_slice(&arguments[tracer.inputs().end..]);
        Ok(gradients.call(at)?.split_off(1))
    })
}

fn gradient(tracer: &Tracer<'_>) -> Result<Program, ProgramError> {
    let gradient = tracer.total()?.gradient(&tracer.wrt())?;
    tracer.trace(|arguments| {
        let mut results = gradient.call(arguments)?;
        let parts = results.split_off(1);
        results.push(tracer.model.flatten(parts).into_dispatch());
        Ok(results)
    })
}

fn directional(tracer: &Tracer<'_>) -> Result<Program, ProgramError> {
    let jvp = tracer.without(1).losses()?.jvp(&tracer.wrt())?;
    tracer.trace(|arguments| Ok(jvp.call(tracer.with_tangents(arguments))?.split_off(1)))
}

fn input_derivatives(tracer: &Tracer<'_>) -> Result<Program, ProgramError> {
    let batch = tracer.without(1);
    let inputs: Vec<_> = tracer.inputs().collect();
    let gradient = batch.sum()?.gradient(&inputs)?;
    let gradient = batch.trace(|arguments| Ok(gradient.call(arguments)?.split_off(1)))?;
    let derivatives = gradient.jvp(&tracer.wrt())?;
    tracer.trace(|arguments| {
        let results = derivatives.call(tracer.with_tangents(arguments))?;
        Ok(results[inputs.len()..].to_vec())
    })
}

impl PartialEq for BatchFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for BatchFunction {}

impl Hash for BatchFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Debug for BatchFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
