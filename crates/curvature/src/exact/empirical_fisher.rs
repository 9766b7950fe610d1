//! The empirical Fisher matrix of a cost: the mean outer product of the examples' gradients,
//!
//! ```text
//! F = 1/N sum over i of g_i g_i'
//! ```
//!
//! by one forward-mode and one reverse-mode pass, no gradient stored. Not the Fisher matrix of the model's own
//! distribution, which for the losses of exponential families is the Gauss-Newton matrix (Kunstner et al. 2019).

use backdraft_program::Program;
use burn::Tensor;

use super::{Curvature, Matrix};
use crate::{
    Cost, CurvatureError, Definiteness,
    function::BatchFunction,
    trace::{Tracer, pop},
};

static EMPIRICAL_FISHER: Matrix = Matrix {
    name: "the empirical Fisher matrix",
    product: BatchFunction::product("empirical Fisher", product),
    l2: false,
    definiteness: |_| Definiteness::Semidefinite,
};

impl Cost {
    /// The empirical Fisher matrix of the cost, `[dim, dim]`: `1/N sum over i of g_i g_i'` with `g_i` the gradient of
    /// example `i`'s loss, without the L2 term (Kunstner et al. 2019). Symmetric and positive semi-definite.
    pub fn empirical_fisher(&self) -> Curvature {
        Curvature::new(self.clone(), &EMPIRICAL_FISHER)
    }
}

/// `sum over i of g_i <g_i, v>`.
fn product(tracer: &Tracer<'_>) -> Result<Program, CurvatureError> {
    let losses = tracer.without(2).losses()?;
    let (jvp, vjp) = (losses.jvp(&tracer.wrt())?, losses.vjp(&tracer.wrt())?);
    let program = tracer.trace(|mut arguments| {
        let (v, scale) = (pop(&mut arguments), pop(&mut arguments));
        let mut along = arguments.clone();
        along.push(v.into_dispatch());
        let derivatives = jvp.call(tracer.with_tangents(along))?.swap_remove(1);
        let derivatives = Tensor::<1>::from_dispatch(derivatives) * scale;
        arguments.push(derivatives.into_dispatch());
        let parts = vjp.call(arguments)?.split_off(1);
        Ok(vec![tracer.model.flatten(parts).into_dispatch()])
    })?;
    Ok(program)
}
