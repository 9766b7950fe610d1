//! Record what a closure does with tensors of the capture device as a program.

use std::cell::RefCell;

use backdraft_forward::catch_unsupported;
use burn::backend::{Dispatch, DispatchDevice, DispatchTensor};
use burn_backend::{DeviceSettings, set_default_dtypes};
use burn_capture::{CaptureBackend, CaptureDevice};
use burn_ir::{BaseOperationIr, FloatOperationIr, NumericOperationIr, OperationIr};

use crate::{Program, ProgramError, Spec, value::Value};

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
    /// [`ProgramError::Trace`] if a result of `f` does not live on the recording device; [`ProgramError::Unsupported`] for an
    /// operation that cannot be recorded.
    pub fn trace<F>(settings: &DeviceSettings, inputs: &[Spec], f: F) -> Result<Self, ProgramError>
    where
        F: FnOnce(Vec<DispatchTensor>) -> Result<Vec<DispatchTensor>, ProgramError>,
    {
        record(settings, inputs, |_, inputs| {
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
    let known = reuse(settings);
    let device = known.unwrap_or_default();
    let mut outcome = Ok((Vec::new(), Vec::new()));
    let captured = catch_unsupported(|| {
        device.capture_scope(|scope| {
            let configured = known.map_or_else(|| configure(&device, settings), |_| Ok(()));
            let placeholders: Vec<_> = inputs
                .iter()
                .map(|spec| spec.placeholder(&device))
                .collect();
            let ids: Vec<_> = placeholders.iter().map(Value::id).collect();
            // The outputs stay alive until the scope is complete, so that none is recorded as dropped or overwritten.
            outcome = configured
                .and_then(|()| f(&device, placeholders))
                .map(|outputs| (ids, outputs));
            scope.complete([], [])
        })
    })
    .map_err(|error| ProgramError::Unsupported {
        operation: error.operation.into(),
        reason: "it has no forward-mode rule",
    })?
    .map_err(|error| ProgramError::Trace(error.to_string()))?;
    let (inputs, outputs) = outcome?;
    FREE.with_borrow_mut(|free| free.push((*settings, device)));

    let is_placeholder = |op: &OperationIr| match op {
        OperationIr::BaseFloat(BaseOperationIr::Empty(d))
        | OperationIr::BaseInt(BaseOperationIr::Empty(d))
        | OperationIr::BaseBool(BaseOperationIr::Empty(d)) => inputs.contains(&d.out.id),
        _ => false,
    };
    let specs = captured
        .graph
        .operations
        .iter()
        .filter(|op| is_placeholder(op))
        .flat_map(|op| op.outputs().cloned().collect::<Vec<_>>())
        .collect::<Vec<_>>();
    let operations = captured.graph.operations.iter().filter(|op| {
        !is_placeholder(op) && !matches!(op, OperationIr::Init(_) | OperationIr::Drop(_))
    });
    let random = |op: &OperationIr| {
        matches!(
            op,
            OperationIr::Float(_, FloatOperationIr::Random(_))
                | OperationIr::NumericInt(_, NumericOperationIr::IntRandom(_))
        )
    };
    if captured.graph.operations.iter().any(random) {
        return Err(ProgramError::Unsupported {
            operation: "Random".into(),
            reason: "a program is a pure function: draw random numbers outside and pass them as an input",
        });
    }
    let outputs: Vec<_> = outputs
        .iter()
        .map(|value| (value.id(), value.spec()))
        .collect();
    Program::assemble(
        *settings,
        specs,
        operations.cloned(),
        &outputs,
        captured.values,
    )
}
