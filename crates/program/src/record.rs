//! Record what a closure does with tensors of the capture device as a program.

use std::{
    any::Any,
    cell::RefCell,
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
};

use burn::backend::{Dispatch, DispatchDevice, DispatchTensor};
use burn_backend::{DeviceSettings, set_default_dtypes};
use burn_capture::{CaptureBackend, CaptureDevice};
use burn_ir::{
    BaseOperationIr, FloatOperationIr, NumericOperationIr, OperationIr, TensorId, TensorIr,
};

use crate::{Place, Program, ProgramError, Spec, nest::Nest, place::place, value::Value};

thread_local! {
    /// Capture devices that no scope of this thread uses now. Their number in a process is limited, and their default types
    /// can be set once only.
    static FREE: RefCell<Vec<(DeviceSettings, CaptureDevice)>> = const { RefCell::new(Vec::new()) };
}

/// A capture device that is free, if this thread has used one with these settings before.
fn reuse(settings: &DeviceSettings) -> Option<CaptureDevice> {
    FREE.with_borrow_mut(|free| {
        let position = free.iter().position(|(other, _)| other == settings)?;
        Some(free.swap_remove(position).1)
    })
}

/// Sets the default types of a new device, which works inside a scope alone: for this crate's operations on it and, apart from
/// them, for those of `burn::Tensor`.
fn configure(device: &CaptureDevice, settings: &DeviceSettings) -> Result<(), ProgramError> {
    let (float, int, bool) = (
        settings.float_dtype,
        settings.int_dtype,
        settings.bool_dtype,
    );
    set_default_dtypes::<CaptureBackend>(device, float, int, bool)
        .and_then(|()| {
            set_default_dtypes::<Dispatch>(&DispatchDevice::Capture(*device), float, int, bool)
        })
        .map_err(|error| ProgramError::Trace(error.to_string()))
}

impl Program {
    /// Records the function `f` of tensors with the shapes and types `inputs`.
    ///
    /// `f` gets rankless tensors of a device that records instead of computing; turn them into typed ones with
    /// `burn::Tensor::from_dispatch` and back with `into_dispatch`. Everything that `f` creates on its inputs' device becomes a
    /// constant of the program. `settings` are the default types of the device that the program will run on
    /// (`Device::settings`). Burn does not record `detach`: derivatives go through it.
    ///
    /// # Errors
    /// [`ProgramError::Trace`] if a result of `f` does not live on the recording device, or `f` mixes its inputs with tensors
    /// from elsewhere or reads their values; [`ProgramError::Unsupported`] for an operation that cannot be recorded.
    pub fn trace<F>(settings: &DeviceSettings, inputs: &[Spec], f: F) -> Result<Self, ProgramError>
    where
        F: FnOnce(Vec<DispatchTensor>) -> Result<Vec<DispatchTensor>, ProgramError>,
    {
        Self::trace_named(settings, inputs, [""; 0], f)
    }

    /// As [`trace`](Self::trace), with names for the inputs in order, such as parameters' paths in a module: an error about an
    /// operation, now or when the program is transformed, says of which named input it is downstream. There may be fewer names
    /// than inputs, and an empty one is none.
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
        let names = names.into_iter().map(Into::into).collect();
        record_named(settings, inputs, names, |_, inputs| {
            let outputs = f(inputs.into_iter().map(Value::into_dispatch).collect())?;
            outputs
                .into_iter()
                .map(|output| {
                    Value::from_dispatch(output).ok_or_else(|| {
                        ProgramError::Trace(
                            "a result does not depend on the recorded inputs, or was moved to another device".into(),
                        )
                    })
                })
                .collect()
        })?
        .simplify()
    }
}

/// Records `f` applied to placeholders of the shapes and types `inputs`.
pub(crate) fn record<F>(
    settings: &DeviceSettings,
    inputs: &[Spec],
    f: F,
) -> Result<Program, ProgramError>
where
    F: FnOnce(
        &CaptureDevice,
        Vec<Value<CaptureBackend>>,
    ) -> Result<Vec<Value<CaptureBackend>>, ProgramError>,
{
    record_named(settings, inputs, Vec::new(), f)
}

fn record_named<F>(
    settings: &DeviceSettings,
    inputs: &[Spec],
    names: Vec<String>,
    f: F,
) -> Result<Program, ProgramError>
where
    F: FnOnce(
        &CaptureDevice,
        Vec<Value<CaptureBackend>>,
    ) -> Result<Vec<Value<CaptureBackend>>, ProgramError>,
{
    let known = reuse(settings);
    let device = known.unwrap_or_default();
    let nest = Nest::open(device);
    let mut ready = known.is_some();
    let mut outcome = Ok((Vec::new(), Vec::new()));
    let captured = catch_unwind(AssertUnwindSafe(|| {
        device.capture_scope(|scope| {
            let configured = known.map_or_else(|| configure(&device, settings), |_| Ok(()));
            ready = configured.is_ok();
            let placeholders: Vec<_> = inputs
                .iter()
                .map(|spec| spec.placeholder(&device))
                .collect();
            let inputs: Vec<_> = placeholders.iter().map(Value::ir).collect();
            // The outputs stay alive until the scope is complete, so that none is recorded as dropped or overwritten.
            outcome = configured
                .and_then(|()| f(&device, placeholders))
                .map(|outputs| (inputs, outputs));
            scope.complete([], [])
        })
    }));
    if ready {
        FREE.with_borrow_mut(|free| free.push((*settings, device)));
    }
    let nest = nest.close();
    let captured = match captured {
        Ok(captured) => captured.map_err(|error| ProgramError::Trace(error.to_string())),
        Err(payload) => match misuse(&*payload) {
            Some(advice) => return Err(ProgramError::Trace(advice.into())),
            None => resume_unwind(payload),
        },
    };
    let ((inputs, outputs), captured) = (outcome?, captured?);

    let is_placeholder = |op: &OperationIr| match op {
        OperationIr::BaseFloat(BaseOperationIr::Empty(d))
        | OperationIr::BaseInt(BaseOperationIr::Empty(d))
        | OperationIr::BaseBool(BaseOperationIr::Empty(d)) => {
            inputs.iter().any(|input| input.id == d.out.id)
        }
        _ => false,
    };
    let mut operations = captured.graph.operations;
    operations.retain(|op| {
        !is_placeholder(op) && !matches!(op, OperationIr::Init(_) | OperationIr::Drop(_))
    });
    let name = |id: TensorId| {
        let position = inputs.iter().position(|input| input.id == id)?;
        names.get(position).filter(|name| !name.is_empty()).cloned()
    };
    if let Some(position) = operations.iter().position(draws) {
        let named = names.iter().any(|name| !name.is_empty());
        let found = place(&operations, position, |id| name(nest.origin(id)));
        return Err(ProgramError::Unsupported {
            operation: "Random".into(),
            reason: "a program is a pure function: draw random numbers outside and pass them as an input",
            place: found.or(named.then_some(Place::Before)),
        });
    }
    let mut values: HashMap<_, _> = captured
        .values
        .into_iter()
        .map(|(id, data)| (id, Arc::new(data)))
        .collect();
    let operations = nest.lower(settings, operations, &mut values, &name)?;
    let outputs: Vec<TensorIr> = outputs.iter().map(Value::ir).collect();
    Ok(Program::renumber(*settings, inputs, operations, outputs, values)?.named(names))
}

fn draws(op: &OperationIr) -> bool {
    matches!(
        op,
        OperationIr::Float(_, FloatOperationIr::Random(_))
            | OperationIr::NumericInt(_, NumericOperationIr::IntRandom(_))
    )
}

/// What to do about a panic of Burn that a traced function can bring about.
fn misuse(payload: &(dyn Any + Send)) -> Option<&'static str> {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())?;
    let mixes = [
        "not on the same device",
        "on the wrong backend",
        "has no initialized value",
    ];
    if mixes.iter().any(|part| text.contains(part)) {
        return Some(
            "it mixes a traced tensor with one from outside: pass that as an argument (as a `Constant` if it is not to be \
             differentiated), or move it with `.to_device(&x.device())`, x being an argument",
        );
    }
    let reads = [
        "has no concrete value",
        "Cannot move a tensor from a capture device",
    ];
    reads.iter().any(|part| text.contains(part)).then_some(
        "it reads the values of a traced tensor (`into_data`, `into_scalar`, `to_device`), which are known only when the program \
         runs",
    )
}
