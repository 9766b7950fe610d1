//! Closures whose derivatives are asked for while a function is being traced.

use crate::{
    closures::tensors::{IntoTensorResult, Tensors, floats, with_floats},
    ir::error::ProgramError,
    trace::nested_trace::{Region, lift},
};

/// `x` with all its tensors in the innermost trace.
pub(crate) fn lifted<X: Tensors>(x: &X) -> Result<X, ProgramError> {
    let tensors = x.tensors().into_iter().map(lift);
    let tensors: Vec<_> = tensors.collect::<Result<_, _>>()?;
    Ok(x.rebuild(&mut tensors.into_iter()))
}

/// Applies `f` to `x` within the innermost trace: the argument and the value there, and the region that was recorded.
pub(crate) fn record<X, R>(
    f: impl FnOnce(X) -> R,
    x: &X,
) -> Result<(X, R::Value, Region), ProgramError>
where
    X: Tensors,
    R: IntoTensorResult,
{
    let x = lifted(x)?;
    let mut y = None;
    let region = Region::record(
        floats(&x),
        Box::new(|inside| {
            let value = lifted(&f(with_floats(&x, inside)).into_result()?)?;
            let results = floats(&value);
            y = Some(value);
            Ok(results)
        }),
    )?;
    Ok((x, y.expect("the function ran"), region))
}
