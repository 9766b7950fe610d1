//! The Gauss-Newton matrix of a cost,
//!
//! ```text
//! G = 1/N sum over i of J_i' H_i J_i
//! ```
//!
//! with `J_i` the Jacobian of example `i`'s outputs in the parameters and `H_i` its loss's Hessian in the outputs (Bae
//! et al. 2022, Section 2; Martens 2020). A product is one forward-mode and one reverse-mode pass over the same
//! activations.

use backdraft_program::{DispatchTensor, Program};
use burn::Tensor;

use super::{Curvature, Matrix};
use crate::{
    Cost, CurvatureError, Definiteness,
    function::BatchFunction,
    trace::{Tracer, rows},
};

static GAUSS_NEWTON: Matrix = Matrix {
    name: "the Gauss-Newton matrix",
    product: BatchFunction::product("Gauss-Newton", product),
    l2: true,
    definiteness: |convex| match convex {
        true => Definiteness::Semidefinite,
        false => Definiteness::Indefinite {
            instead: "use a loss that is convex in the outputs (`Loss::is_convex`)",
        },
    },
};

impl Cost {
    /// The Gauss-Newton matrix of the cost, `[dim, dim]`: `1/N sum over i of J_i' H_i J_i + l2 I`, with `J_i` the
    /// Jacobian of example `i`'s outputs in the parameters and `H_i` its loss's Hessian in the outputs (Bae et al.
    /// 2022, Section 2; Martens 2020). Symmetric, and positive semi-definite for a loss that is convex in the outputs.
    pub fn gauss_newton(&self) -> Curvature {
        Curvature::new(self.clone(), &GAUSS_NEWTON)
    }
}

fn product(tracer: &Tracer<'_>) -> Result<Program, CurvatureError> {
    let batch = tracer.without(2);
    let program = tracer.through_outputs(|outputs, [y, dy], targets| {
        let typed = |tensor: &DispatchTensor| Tensor::from_dispatch(tensor.clone());
        let closed = tracer
            .loss
            .hessian_times(typed(&y), &rows(targets), typed(&dy));
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
    })?;
    Ok(program)
}
