//! Functions that are traced once and run often.

use std::{cell::RefCell, fmt, sync::Arc};

use burn::tensor::Device;

use crate::{
    closures::{
        stage::stage,
        tensors::{IntoTensorResult, Tensors, device, visit},
    },
    ir::{error::ProgramError, spec::Spec},
    run::compiled::Compiled,
    trace::nested_trace::tracing,
};

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

/// A function that is traced at its first call with arguments of given shapes, types and device, and from then on run
/// as a program: for loops.
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
/// The closure runs once for each set of shapes: what it reads besides its argument is the program's for good, and so
/// are the numbers in a module that are not tensors. Called while another function is being traced, it is part of that
/// trace.
pub struct Function<X, Y> {
    compute: Box<Compute<X, Y>>,
    known: RefCell<Vec<(Key, Arc<Runnable<Y>>)>>,
}

impl<X: Tensors, Y: Tensors> Function<X, Y> {
    /// The function `f`.
    pub fn new<R: IntoTensorResult<Value = Y>>(f: impl Fn(X) -> R + 'static) -> Self {
        Self {
            compute: Box::new(move |x| f(x).into_result()),
            known: RefCell::default(),
        }
    }

    /// The function at `x`, on the device of `x`.
    ///
    /// # Errors
    /// The function's own, and those of [`Program::trace`](crate::Program::trace) and
    /// [`Program::call`](crate::Program::call).
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
        let outputs = runnable.program.run(x.tensors())?;
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
