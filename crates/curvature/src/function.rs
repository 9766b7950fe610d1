//! What a cost computes of a batch besides products with curvature matrices.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use backdraft_program::{DispatchTensor, ProgramError, Tensors, grad, jvp, value_and_grad};
use burn::{Tensor, backend::TensorMetadata};

use crate::{CurvatureError, trace::TracedBatch};

/// What a [`Cost`](crate::Cost) computes of a batch, as a function of
/// `(parameters .., constants .., inputs .., targets ..)`, then the factor `scale` (`1/N`) of a sum over examples, the
/// vector `v`, the weights of mixtures, and outputs with their tangents, where it has them.
#[derive(Clone, Copy)]
pub struct BatchFunction {
    /// Tells it from all others.
    name: &'static str,
    /// Whether it is a sum over examples, which takes `scale`.
    pub(crate) scale: bool,
    /// Whether it takes `v`.
    pub(crate) vector: bool,
    /// Whether it takes the weights of a mixture of the outputs, `[k, outputs]`.
    pub(crate) mixture: bool,
    /// Whether it takes outputs and their tangents, `[batch, outputs]` each, in place of what the network makes.
    pub(crate) tangents: bool,
    /// Whether it calls the loss.
    pub(crate) loss: bool,
    results: fn(&TracedBatch<'_>) -> Results,
}

/// A function's results of a traced batch.
type Results = Result<Vec<DispatchTensor>, CurvatureError>;

impl BatchFunction {
    /// The outputs `[batch, outputs]`.
    pub const OUTPUTS: Self = Self {
        loss: false,
        ..Self::of_losses("outputs", |it| one(it.outputs(it.theta.clone())))
    };

    /// The outputs and their derivatives along `v`, `[batch, outputs]` each.
    pub const OUTPUTS_ALONG: Self = Self {
        loss: false,
        vector: true,
        ..Self::of_losses("outputs along", |it| {
            let (y, dy) = jvp(|theta| it.outputs(theta), it.theta.clone(), it.v())?;
            Ok(vec![y.into_dispatch(), dy.into_dispatch()])
        })
    };

    /// The losses `[batch]`.
    pub const LOSSES: Self = Self::of_losses("losses", |it| one(it.losses(it.theta.clone())));

    /// The losses' gradients in the outputs `[batch, outputs]`.
    pub const OUTPUT_GRADIENTS: Self = Self::of_losses("output gradients", |it| {
        let y = it.outputs(it.theta.clone());
        one(grad(|y| it.losses_of(y).sum(), y)?)
    });

    /// The scaled sum of the losses `[1]` and its gradient `[dim]`.
    pub const GRADIENT: Self = Self {
        scale: true,
        ..Self::of_losses("gradient", |it| {
            let (total, gradient) = value_and_grad(|theta| it.total(theta), it.theta.clone())?;
            Ok(vec![
                total.into_dispatch(),
                gradient.ravel()?.into_dispatch(),
            ])
        })
    };

    /// The losses' derivatives along `v`, `[batch]`.
    pub const DIRECTIONAL: Self = Self {
        vector: true,
        ..Self::of_losses("directional", |it| {
            one(jvp(|theta| it.losses(theta), it.theta.clone(), it.v())?.1)
        })
    };

    /// The parts of the losses that belong to places, `[batch, places]`.
    pub const PLACE_LOSSES: Self = Self::of_losses("place losses", |it| {
        one(it.place_losses_of(it.outputs(it.theta.clone()))?)
    });

    /// The derivatives of these along `v`, `[batch, places]`.
    pub const PLACES_ALONG: Self = Self {
        vector: true,
        ..Self::of_losses("places along", places_along)
    };

    /// The gradients of the derivatives along `v` in the inputs, in the shapes of the inputs.
    pub const INPUT_DERIVATIVES: Self = Self {
        vector: true,
        ..Self::of_losses("input derivatives", input_derivatives)
    };

    /// Columns of a square root of the losses' Hessians in the outputs, `[batch, k, outputs]`, and mixtures of them:
    /// the root's products with each of `k` vectors `[outputs]`.
    pub(crate) const OUTPUT_ROOTS: Self = Self {
        mixture: true,
        ..Self::of_losses("output roots", |it| one(it.output_roots()?))
    };

    /// The derivatives of the losses of outputs along their tangents, `[batch]`; the network is not run.
    pub(crate) const LOSSES_ALONG: Self = Self {
        tangents: true,
        ..Self::of_losses("losses along", |it| {
            let (y, dy) = it.tangents();
            one(jvp(|y| it.losses_of(y), y, dy)?.1)
        })
    };

    /// A function of the losses that takes neither `scale` nor `v`.
    const fn of_losses(name: &'static str, results: fn(&TracedBatch<'_>) -> Results) -> Self {
        Self {
            name,
            scale: false,
            vector: false,
            mixture: false,
            tangents: false,
            loss: true,
            results,
        }
    }

    /// The product of a matrix in the parameters with `v`, a scaled sum over examples `[dim]`.
    pub(crate) const fn product(
        name: &'static str,
        results: fn(&TracedBatch<'_>) -> Results,
    ) -> Self {
        Self {
            scale: true,
            vector: true,
            ..Self::of_losses(name, results)
        }
    }

    /// What it is of a batch that is being traced.
    pub(crate) fn results(self, batch: &TracedBatch<'_>) -> Results {
        (self.results)(batch)
    }
}

fn one<const D: usize>(result: Tensor<D>) -> Results {
    Ok(vec![result.into_dispatch()])
}

fn places_along(batch: &TracedBatch<'_>) -> Results {
    let (y, dy) = jvp(|theta| batch.outputs(theta), batch.theta.clone(), batch.v())?;
    // Whether there are places, before what cannot fail.
    batch.place_losses_of(y.clone())?;
    let parts = |y| batch.place_losses_of(y).expect("a loss of places");
    one(jvp(parts, y, dy)?.1)
}

fn input_derivatives(batch: &TracedBatch<'_>) -> Results {
    if let Some(input) = batch.inputs.iter().position(|x| !x.dtype().is_float()) {
        return Err(CurvatureError::Program(ProgramError::NotDifferentiable {
            index: batch.first_input() + input,
            reason: "it is not a float tensor",
        }));
    }
    let gradient = |theta: Vec<DispatchTensor>| {
        let total = |x: Vec<DispatchTensor>| batch.losses_at(theta, &x).sum();
        grad(total, batch.inputs.clone())
    };
    Ok(jvp(gradient, batch.theta.clone(), batch.v())?.1)
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
