//! Record what a closure does with tensors of the capture device as a program.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use burn::backend::{Dispatch, DispatchDevice, DispatchTensor};
use burn_backend::{DType, DeviceSettings, TensorData, set_default_dtypes};
use burn_capture::{CaptureBackend, CaptureDevice, CapturedGraph};
use burn_ir::{
    BaseOperationIr, FloatOperationIr, NumericOperationIr, OperationIr, TensorId, TensorIr,
};

use crate::{
    ir::{
        error::ProgramError,
        error_location::{Place, last_read, place},
        program::Program,
        value::{Spec, Value},
    },
    run::panic::{Panic, catch},
    trace::{inline_derivatives::Requests, nested_trace::Nest},
};

/// Capture devices that no scope uses now. Their number in a process is limited, and their default types can be set once only.
static FREE: Mutex<Vec<(DeviceSettings, CaptureDevice)>> = Mutex::new(Vec::new());

fn free() -> MutexGuard<'static, Vec<(DeviceSettings, CaptureDevice)>> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A capture device that is free, if one was used with these settings before.
fn reuse(settings: &DeviceSettings) -> Option<CaptureDevice> {
    let mut free = free();
    let position = free.iter().position(|(other, _)| other == settings)?;
    Some(free.swap_remove(position).1)
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
    /// from elsewhere or reads their values; [`ProgramError::MixedTypes`] if it computes with different float or int types at once;
    /// [`ProgramError::Panicked`] if `f` panics, without anything printed; [`ProgramError::Unsupported`] for an operation that cannot
    /// be recorded.
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
        Self::trace_as_written(settings, inputs, names, f)?.simplify()
    }

    /// As [`trace_named`](Self::trace_named), with every operation of `f` as it stands there: nothing is simplified. For looking at,
    /// not for running.
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
        let program = record_named(settings, inputs, names, |_, inputs| {
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
        })?;
        program.check_float_types()?;
        Ok(program)
    }

    /// Refuses operations on floats of different types: in Burn, matrix products of such are recorded, and fail when they run.
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

/// The different types of a kind among `dtypes`.
fn different(dtypes: impl Iterator<Item = DType>, kind: impl Fn(&DType) -> bool) -> Vec<DType> {
    let mut types = Vec::new();
    for dtype in dtypes.filter(kind) {
        if !types.contains(&dtype) {
            types.push(dtype);
        }
    }
    types
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

/// What was recorded of a function.
struct Recording {
    inputs: Vec<TensorIr>,
    outputs: Result<Vec<Value<CaptureBackend>>, ProgramError>,
    graph: CapturedGraph,
    nest: Requests,
    /// What the function panicked with; then there are no outputs.
    panic: Option<Panic>,
}

fn capture<F>(settings: &DeviceSettings, specs: &[Spec], f: F) -> Result<Recording, ProgramError>
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
    let (mut inputs, mut panic) = (Vec::new(), None);
    let mut outputs = Ok(Vec::new());
    let graph = catch(|| {
        device.capture_scope(|scope| {
            let configured = known.map_or_else(|| configure(&device, settings), |_| Ok(()));
            ready = configured.is_ok();
            let placeholders: Vec<_> = specs.iter().map(|spec| spec.placeholder(&device)).collect();
            inputs = placeholders.iter().map(Value::ir).collect();
            // The outputs stay alive until the scope is complete, so that none is recorded as dropped or overwritten.
            outputs = configured.and_then(|()| {
                catch(|| f(&device, placeholders)).unwrap_or_else(|caught| {
                    panic = Some(caught);
                    Ok(Vec::new())
                })
            });
            scope.complete([], [])
        })
    });
    if ready {
        free().push((*settings, device));
    }
    let nest = nest.close();
    let graph = graph.map_err(|panic| failed(panic, &[]))?;
    Ok(Recording {
        inputs,
        outputs,
        graph: graph.map_err(|error| ProgramError::Trace(error.to_string()))?,
        nest,
        panic,
    })
}

fn record_named<F>(
    settings: &DeviceSettings,
    specs: &[Spec],
    names: Vec<String>,
    f: F,
) -> Result<Program, ProgramError>
where
    F: FnOnce(
        &CaptureDevice,
        Vec<Value<CaptureBackend>>,
    ) -> Result<Vec<Value<CaptureBackend>>, ProgramError>,
{
    let Recording {
        inputs,
        outputs,
        graph: captured,
        nest,
        panic,
    } = capture(settings, specs, f)?;
    let name = |id: TensorId| {
        let position = inputs.iter().position(|input| input.id == id)?;
        names.get(position).filter(|name| !name.is_empty()).cloned()
    };
    let named = |id| name(nest.origin(id));
    let before = || {
        names
            .iter()
            .any(|name| !name.is_empty())
            .then_some(Place::Before)
    };
    if let Some(panic) = panic {
        let operations = &captured.graph.operations;
        let tensors = operations
            .iter()
            .flat_map(OperationIr::outputs)
            .chain(&inputs);
        let constants = captured.values.values().map(TensorData::dtype);
        let dtypes: Vec<_> = tensors.map(|it| it.dtype).chain(constants).collect();
        let found = last_read(operations, named);
        return Err(failed(panic, &dtypes).at(|| found.or_else(before)));
    }
    let outputs = outputs?;

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
    if let Some(position) = operations.iter().position(draws) {
        let found = place(&operations, position, named);
        return Err(ProgramError::Unsupported {
            operation: "Random".into(),
            reason: "a program is a pure function: draw random numbers outside and pass them as an input",
            place: found.or_else(before),
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

/// The error of a function that panicked, with what to do about a panic of Burn that a traced function can bring about. `dtypes` are
/// those of what was recorded until then.
fn failed(Panic { message, location }: Panic, dtypes: &[DType]) -> ProgramError {
    let says = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
    if says(&["DTypeMismatch"]) {
        let ints = |dtype: &DType| dtype.is_int() || dtype.is_uint();
        let floats = different(dtypes.iter().copied(), DType::is_float);
        let ints = different(dtypes.iter().copied(), ints);
        if let Some(types) = [floats, ints].into_iter().find(|types| types.len() > 1) {
            return ProgramError::MixedTypes { types, place: None };
        }
    }
    let advice = if says(&[
        "not on the same device",
        "on the wrong backend",
        "has no initialized value",
    ]) {
        "it mixes a traced tensor with one from outside: pass that as an argument (as a `Constant` if it is not to be \
         differentiated), or move it with `.to_device(&x.device())`, x being an argument"
    } else if says(&[
        "has no concrete value",
        "Cannot move a tensor from a capture device",
    ]) {
        "it reads the values of a traced tensor (`into_data`, `into_scalar`, `to_device`), which are known only when the program \
         runs"
    } else {
        let message = match says(&["do not support autodiff"]) {
            true => {
                "it turns autodiff on (`autodiff`, `require_grad`) for a traced tensor: leave that out, or take a derivative within it \
                 by this crate's `grad`"
                    .into()
            }
            false => message,
        };
        return ProgramError::Panicked {
            message,
            location,
            place: None,
        };
    };
    ProgramError::Trace(advice.into())
}
