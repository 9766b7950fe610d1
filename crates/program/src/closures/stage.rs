//! Closures as programs, at the shapes and types of one argument.

use burn::{
    backend::TensorMetadata,
    tensor::{DType, Device, FloatDType},
};
use burn_backend::DeviceSettings;

use crate::{
    closures::{
        region::lifted,
        tensors::{Leaf, Tensors, device, leaves},
    },
    ir::{error::ProgramError, program::Program, spec::Spec},
    trace::nested_trace::tracing,
};

/// A function as a program, at the shapes and types of one argument.
pub(crate) struct Staged<Y> {
    pub program: Program,
    /// The structure of the result. Its tensors hold nothing.
    pub result: Y,
    pub device: Device,
    pub settings: DeviceSettings,
    /// Positions of the differentiable tensors among the argument's.
    pub arguments: Vec<usize>,
    /// Positions of the differentiable tensors among the result's.
    pub results: Vec<usize>,
}

fn differentiable(leaves: &[Leaf]) -> Vec<usize> {
    (0..leaves.len())
        .filter(|&i| leaves[i].differentiable)
        .collect()
}

/// Traces `f` at `x`.
pub(crate) fn stage<X, Y>(
    x: &X,
    f: impl FnOnce(X) -> Result<Y, ProgramError>,
) -> Result<Staged<Y>, ProgramError>
where
    X: Tensors,
    Y: Tensors,
{
    let found = leaves(x);
    let device = device(&found)?;
    let supported = |dtype: DType| !matches!(dtype, DType::QFloat(_));
    if !found.iter().all(|leaf| supported(leaf.tensor.dtype())) {
        let text = "its arguments hold a quantized tensor: dequantize it first";
        return Err(ProgramError::Trace(text.into()));
    }
    let arguments = differentiable(&found);
    let mut settings = device.settings();
    if let Some(&first) = arguments.first() {
        // What the function creates has the type of what it is given.
        settings.float_dtype = FloatDType::from(found[first].tensor.dtype());
    }
    let specs: Vec<Spec> = found.iter().map(|leaf| Spec::of(&leaf.tensor)).collect();
    let names = found.into_iter().map(|leaf| leaf.name);
    let mut result = None;
    let program = Program::trace_named(&settings, &specs, names, |inputs| {
        let y = lifted(&f(x.rebuild(&mut inputs.into_iter()))?)?;
        let outputs = y.tensors();
        result = Some(y);
        Ok(outputs)
    })?;
    let result = result.expect("the function ran");
    Ok(Staged {
        results: differentiable(&leaves(&result)),
        program,
        result,
        device,
        settings,
        arguments,
    })
}

/// `f` of `x`, which calls derivatives: as it is while another function is being traced, and otherwise traced and run.
pub(crate) fn traced<X, Y>(
    x: X,
    f: impl FnOnce(X) -> Result<Y, ProgramError>,
) -> Result<Y, ProgramError>
where
    X: Tensors,
    Y: Tensors,
{
    if tracing() {
        return f(x);
    }
    let staged = stage(&x, f)?;
    let outputs = staged.program.call(x.tensors())?;
    Ok(staged.result.rebuild(&mut outputs.into_iter()))
}
