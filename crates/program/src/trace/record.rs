//! Record what a closure does with tensors of the capture device as a program.

use burn::backend::DispatchTensor;
use burn_backend::{DType, DeviceSettings};
use burn_capture::CaptureBackend;
use burn_ir::TensorId;

use crate::{
    ir::{
        error::ProgramError,
        error_location::{ErrorLocation, last_read, place},
        program::Program,
        spec::{Spec, different},
        value::Value,
    },
    run::capture::{Body, capture},
    trace::nested_trace::{OpenTrace, Requests, TracedFunction},
};

impl Program {
    /// Records the function `f` of tensors with the shapes and types `inputs`.
    ///
    /// `f` gets rankless tensors of a device that records instead of computing; turn them into typed ones with
    /// `burn::Tensor::from_dispatch` and back with `into_dispatch`. Everything that `f` creates on its inputs' device
    /// becomes a constant of the program. `settings` are the default types of the device that the program will run on
    /// (`Device::settings`). Burn does not record `detach`: derivatives go through it.
    ///
    /// # Errors
    /// [`ProgramError::Trace`] if a result of `f` does not live on the recording device, or `f` mixes its inputs with
    /// tensors from elsewhere or reads their values; [`ProgramError::MixedTypes`] if it computes with different float
    /// or int types at once; [`ProgramError::Panicked`] if `f` panics, without anything printed;
    /// [`ProgramError::Unsupported`] for an operation that cannot be recorded.
    pub fn trace<F>(settings: &DeviceSettings, inputs: &[Spec], f: F) -> Result<Self, ProgramError>
    where
        F: FnOnce(Vec<DispatchTensor>) -> Result<Vec<DispatchTensor>, ProgramError>,
    {
        Self::trace_named(settings, inputs, [""; 0], f)
    }

    /// As [`trace`](Self::trace), with names for the inputs in order, such as parameters' paths in a module: an error
    /// about an operation, now or when the program is transformed, says of which named input it is downstream. There
    /// may be fewer names than inputs, and an empty one is none.
    ///
    /// # Errors
    /// As [`trace`](Self::trace).
    pub fn trace_named<F, N>(
        settings: &DeviceSettings,
        inputs: &[Spec],
        names: impl IntoIterator<Item = N>,
        f: F,
    ) -> Result<Self, ProgramError>
    where
        N: Into<String>,
        F: FnOnce(Vec<DispatchTensor>) -> Result<Vec<DispatchTensor>, ProgramError>,
    {
        Self::trace_as_written(settings, inputs, names, f)?.simplify()
    }

    /// As [`trace_named`](Self::trace_named), with every operation of `f` as it stands there: nothing is simplified.
    /// For looking at, not for running.
    ///
    /// # Errors
    /// As [`trace`](Self::trace).
    pub fn trace_as_written<F, N>(
        settings: &DeviceSettings,
        inputs: &[Spec],
        names: impl IntoIterator<Item = N>,
        f: F,
    ) -> Result<Self, ProgramError>
    where
        N: Into<String>,
        F: FnOnce(Vec<DispatchTensor>) -> Result<Vec<DispatchTensor>, ProgramError>,
    {
        let names = names.into_iter().map(Into::into).collect();
        record_named(settings, inputs, names, Box::new(f))
    }

    /// Refuses operations on floats of different types: in Burn, matrix products of such are recorded, and fail when
    /// they run.
    fn check_float_types(&self) -> Result<(), ProgramError> {
        for (position, op) in self.operations.iter().enumerate() {
            let types = different(op.inputs().map(|tensor| tensor.dtype), DType::is_float);
            if types.len() > 1 {
                let error = ProgramError::MixedTypes { types, place: None };
                return Err(self.locate(error, position));
            }
        }
        Ok(())
    }
}

fn record_named(
    settings: &DeviceSettings,
    specs: &[Spec],
    names: Vec<String>,
    f: TracedFunction<'_>,
) -> Result<Program, ProgramError> {
    let mut open = None;
    let captured = capture(settings, specs, |device, inputs| {
        open = Some(OpenTrace::new(*device));
        let outputs = f(inputs.into_iter().map(Value::into_dispatch).collect())?;
        outputs.into_iter().map(recorded).collect()
    });
    let requests = open.map_or_else(Requests::default, OpenTrace::close);
    let captured = captured?;
    let arguments = captured.inputs.clone();
    let name = |id: TensorId| {
        let position = arguments.iter().position(|input| input.id == id)?;
        names.get(position).filter(|name| !name.is_empty()).cloned()
    };
    let named = |id| name(requests.origin(id));
    let Body {
        inputs,
        operations,
        outputs,
        mut values,
    } = captured.body(|operations, position| {
        let found = match position {
            Some(position) => place(operations, position, named),
            None => last_read(operations, named),
        };
        found.or_else(|| {
            let any = names.iter().any(|name| !name.is_empty());
            any.then_some(ErrorLocation::Before)
        })
    })?;
    let operations = requests.inline(settings, operations, &mut values, &name)?;
    let program = Program::renumber(*settings, inputs, operations, outputs, values)?.named(names);
    program.check_float_types()?;
    Ok(program)
}

/// A result as it was recorded.
fn recorded(output: DispatchTensor) -> Result<Value<CaptureBackend>, ProgramError> {
    Value::from_dispatch(output).ok_or_else(|| {
        let text =
            "a result does not depend on the recorded inputs, or was moved to another device";
        ProgramError::Trace(text.into())
    })
}
