//! What a program's matrix products cost by themselves.

use backdraft_curvature::{BatchFunction, Cost, CurvatureError};
use backdraft_program::{DispatchTensor, Program, Spec};
use burn::{
    backend::{Dispatch, ops::FloatTensorOps},
    tensor::{Device, Distribution, Tensor},
};

use super::args::QuantityName;
use super::measure::{Limits, measure};
use crate::CliError;

/// Operations that multiply matrices, forward and backward.
const PRODUCTS: [&str; 4] = ["Matmul", "Conv", "Linear", "Attention"];

/// The time in seconds of the matrix products and convolutions of `quantity` alone, on random operands.
pub(super) fn floor(
    cost: &Cost,
    quantity: QuantityName,
    limits: Limits,
    device: &Device,
) -> Result<f64, CliError> {
    let runs: Vec<_> = programs(cost, quantity)?
        .into_iter()
        .map(|program| {
            let products = program.subprogram(is_product)?;
            let operands: Vec<_> = products
                .inputs()
                .iter()
                .map(|spec| random(spec, device))
                .collect();
            Ok((products.compile(device), operands))
        })
        .collect::<Result<_, CurvatureError>>()?;
    let measured = measure(limits, device, &|| {
        for (products, operands) in &runs {
            products.run(operands.clone())?;
        }
        Ok(())
    })?;
    Ok(measured.median)
}

fn is_product(name: &str) -> bool {
    // A bias's gradient is a sum.
    PRODUCTS.iter().any(|product| name.starts_with(product)) && !name.contains("BiasBackward")
}

/// What a measurement of `quantity` runs.
fn programs(cost: &Cost, quantity: QuantityName) -> Result<Vec<Program>, CurvatureError> {
    Ok(match quantity {
        QuantityName::Grad => vec![cost.program(BatchFunction::GRADIENT)?],
        QuantityName::Jvp => vec![cost.program(BatchFunction::OUTPUTS_ALONG)?],
        QuantityName::Scores => vec![cost.program(BatchFunction::DIRECTIONAL)?],
        QuantityName::Gnvp => {
            let programs = cost.gauss_newton().programs()?;
            vec![programs.fixed, programs.varying]
        }
        QuantityName::GnvpLinear => vec![cost.gauss_newton().programs()?.varying],
        QuantityName::Hvp => {
            let programs = cost.hessian().programs()?;
            vec![programs.fixed, programs.varying]
        }
        QuantityName::HvpLinear => vec![cost.hessian().programs()?.varying],
        QuantityName::Gnvp16 | QuantityName::Gnvp64 => {
            vec![many(cost.gauss_newton().programs()?.varying, quantity)?]
        }
        QuantityName::Hvp16 => vec![many(cost.hessian().programs()?.varying, quantity)?],
    })
}

/// The product with several vectors, its first input.
fn many(varying: Program, quantity: QuantityName) -> Result<Program, CurvatureError> {
    Ok(varying.vmap(&[0], quantity.vectors())?)
}

fn random(spec: &Spec, device: &Device) -> DispatchTensor {
    let count = spec.shape.num_elements();
    let options = (device, spec.dtype);
    let values = Tensor::<1>::random([count], Distribution::Normal(0.0, 1.0), options);
    Dispatch::float_reshape(values.into_dispatch(), spec.shape.clone())
}
