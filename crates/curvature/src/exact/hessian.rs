//! The Hessian of a cost: its second derivative, `[dim, dim]`. Products are exact, by forward over reverse mode
//! (Pearlmutter 1994).

use backdraft_program::Program;

use super::{Curvature, Matrix};
use crate::{Cost, CurvatureError, Definiteness, function::BatchFunction, trace::Tracer};

static HESSIAN: Matrix = Matrix {
    name: "the Hessian",
    product: BatchFunction::product("Hessian", product),
    l2: true,
    definiteness: |_| Definiteness::Indefinite {
        instead: "use the Gauss-Newton matrix",
    },
};

impl Cost {
    /// The Hessian of the cost, `[dim, dim]`, its L2 term included (Pearlmutter 1994). Symmetric, but not positive
    /// semi-definite in general.
    pub fn hessian(&self) -> Curvature {
        Curvature::new(self.clone(), &HESSIAN)
    }
}

fn product(tracer: &Tracer<'_>) -> Result<Program, CurvatureError> {
    let batch = tracer.without(1);
    // The gradients alone: their tangents are the product.
    let gradient = batch.total()?.gradient(&tracer.wrt())?;
    let gradient = batch.trace(|arguments| Ok(gradient.call(arguments)?.split_off(1)))?;
    let product = gradient.jvp(&tracer.wrt())?;
    let program = tracer.trace(|arguments| {
        let parts = product
            .call(tracer.with_tangents(arguments))?
            .split_off(tracer.wrt().len());
        Ok(vec![tracer.model.flatten(parts).into_dispatch()])
    })?;
    Ok(program)
}
