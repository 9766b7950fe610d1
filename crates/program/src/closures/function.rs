//! Functions that are traced once and run often.

use std::{cell::RefCell, fmt, sync::Arc};

use burn::{
    backend::{DispatchTensor, TensorMetadata},
    tensor::{DType, Device, FloatDType},
};

use crate::{
    closures::tensors::{Leaf, Outcome, Tensors, device, leaves, visit},
    ir::{error::ProgramError, program::Program, value::Spec},
    run::compiled::Compiled,
    trace::nested_trace::{lifted, tracing},
};
use burn_backend::DeviceSettings;

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

/// The tensors of `x`.
pub(crate) fn tensors<X: Tensors>(x: &X) -> Vec<DispatchTensor> {
    leaves(x).into_iter().map(|leaf| leaf.tensor).collect()
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
        let outputs = tensors(&y);
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
    let outputs = staged.program.call(tensors(&x))?;
    Ok(staged.result.rebuild(&mut outputs.into_iter()))
}

type Compute<X, Y> = dyn Fn(X) -> Result<Y, ProgramError>;

struct Runnable<Y> {
    program: Compiled,
    /// The structure of the result. Its tensors hold nothing.
    result: Y,
}

/// What a program depends on besides the function.
#[derive(PartialEq)]
struct Key {
    leaves: Vec<(Spec, bool)>,
    lengths: Vec<usize>,
    device: Device,
}

impl Key {
    fn of(x: &impl Tensors) -> Result<Self, ProgramError> {
        let (leaves, lengths) = visit(x);
        Ok(Self {
            device: device(&leaves)?,
            leaves: leaves
                .iter()
                .map(|leaf| (Spec::of(&leaf.tensor), leaf.differentiable))
                .collect(),
            lengths,
        })
    }
}

/// A function that is traced at its first call with arguments of given shapes, types and device, and from then on run as a
/// program: for loops.
///
/// The derivatives that it takes are part of the program, and so is their simplification:
///
/// ```
/// use backdraft_program::{Function, grad};
/// use burn::tensor::{Device, Tensor};
///
/// let device = Device::flex();
/// let gradient = Function::new(|x: Tensor<1>| grad(|x: Tensor<1>| x.powi_scalar(4).sum(), x));
/// let mut x = Tensor::<1>::from_floats([1.0, -0.5], &device);
/// for _ in 0..100 {
///     x = x.clone() - gradient.call(x)? * 0.1;
/// }
/// assert!(x.abs().max().into_scalar::<f32>() < 0.2);
/// # Ok::<(), backdraft_program::ProgramError>(())
/// ```
///
/// The closure runs once for each set of shapes: what it reads besides its argument is the program's for good, and so are the
/// numbers in a module that are not tensors. Called while another function is being traced, it is part of that trace.
pub struct Function<X, Y> {
    compute: Box<Compute<X, Y>>,
    known: RefCell<Vec<(Key, Arc<Runnable<Y>>)>>,
}

impl<X: Tensors, Y: Tensors> Function<X, Y> {
    /// The function `f`.
    pub fn new<R: Outcome<Value = Y>>(f: impl Fn(X) -> R + 'static) -> Self {
        Self {
            compute: Box::new(move |x| f(x).into_result()),
            known: RefCell::default(),
        }
    }

    /// The function at `x`, on the device of `x`.
    ///
    /// # Errors
    /// The function's own, and those of [`Program::trace`] and [`Program::call`].
    pub fn call(&self, x: X) -> Result<Y, ProgramError> {
        if tracing() {
            return (self.compute)(x);
        }
        let key = Key::of(&x)?;
        let same = |(other, _): &&(Key, _)| *other == key;
        let known = self
            .known
            .borrow()
            .iter()
            .find(same)
            .map(|(_, known)| known.clone());
        let runnable = match known {
            Some(known) => known,
            None => {
                let staged = stage(&x, &self.compute)?;
                let runnable = Arc::new(Runnable {
                    program: staged.program.compile(&staged.device),
                    result: staged.result,
                });
                self.known.borrow_mut().push((key, runnable.clone()));
                runnable
            }
        };
        let outputs = runnable.program.run(tensors(&x))?;
        Ok(runnable.result.rebuild(&mut outputs.into_iter()))
    }
}

impl<X, Y> fmt::Debug for Function<X, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("programs", &self.known.borrow().len())
            .finish_non_exhaustive()
    }
}
