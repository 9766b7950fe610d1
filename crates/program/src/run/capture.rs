//! Runs that record their operations: of a program on a decorated backend, or of a user's function.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use burn::backend::{Dispatch, DispatchDevice};
use burn_backend::{DeviceSettings, TensorData, set_default_dtypes};
use burn_capture::{CaptureBackend, CaptureDevice, CapturedGraph};
use burn_ir::{
    BaseOperationIr, FloatOperationIr, NumericOperationIr, OperationIr, TensorId, TensorIr,
};

use crate::{
    ir::{
        error::ProgramError, error_location::ErrorLocation, program::Program, spec::Spec,
        value::Value,
    },
    quirks::panic_messages::explained,
    run::panic::{Panic, catch},
};

/// Capture devices that no scope uses now. Their number in a process is limited, and their default types can be set
/// once only.
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

/// Sets the default types of a new device, which works inside a scope alone: for this crate's operations on it and,
/// apart from them, for those of `burn::Tensor`.
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
    let captured = capture(settings, inputs, f)?;
    let Body {
        inputs,
        operations,
        outputs,
        values,
    } = captured.body(|_, _| None)?;
    Program::renumber(*settings, inputs, operations, outputs, values)
}

/// What was recorded of a function.
pub(crate) struct Captured {
    pub inputs: Vec<TensorIr>,
    outputs: Result<Vec<Value<CaptureBackend>>, ProgramError>,
    graph: CapturedGraph,
    /// What the function panicked with; then there are no outputs.
    panic: Option<Panic>,
}

/// The parts of a program.
pub(crate) struct Body {
    pub inputs: Vec<TensorIr>,
    pub operations: Vec<OperationIr>,
    pub outputs: Vec<TensorIr>,
    /// Of the tensors that were not computed.
    pub values: HashMap<TensorId, Arc<TensorData>>,
}

/// Records `f` applied to placeholders of the shapes and types `specs`.
pub(crate) fn capture<F>(
    settings: &DeviceSettings,
    specs: &[Spec],
    f: F,
) -> Result<Captured, ProgramError>
where
    F: FnOnce(
        &CaptureDevice,
        Vec<Value<CaptureBackend>>,
    ) -> Result<Vec<Value<CaptureBackend>>, ProgramError>,
{
    let known = reuse(settings);
    let device = known.unwrap_or_default();
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
    let graph = graph.map_err(|panic| explained(panic.message, panic.location, &[]))?;
    Ok(Captured {
        inputs,
        outputs,
        graph: graph.map_err(|error| ProgramError::Trace(error.to_string()))?,
        panic,
    })
}

impl Captured {
    /// What was recorded, without placeholders. `locate` says where in the function the operation of a position stands,
    /// or where the function stopped.
    ///
    /// # Errors
    /// The function's own; [`ProgramError::Unsupported`] if it draws random numbers.
    pub(crate) fn body(
        self,
        locate: impl Fn(&[OperationIr], Option<usize>) -> Option<ErrorLocation>,
    ) -> Result<Body, ProgramError> {
        let Self {
            inputs,
            outputs,
            graph: captured,
            panic,
        } = self;
        if let Some(Panic { message, location }) = panic {
            let operations = &captured.graph.operations;
            let tensors = operations
                .iter()
                .flat_map(OperationIr::outputs)
                .chain(&inputs);
            let constants = captured.values.values().map(TensorData::dtype);
            let dtypes: Vec<_> = tensors.map(|it| it.dtype).chain(constants).collect();
            let error = explained(message, location, &dtypes);
            return Err(error.at(|| locate(operations, None)));
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
            return Err(ProgramError::Unsupported {
                operation: "Random".into(),
                reason: "a program is a pure function: draw random numbers outside and pass them as an input",
                place: locate(&operations, Some(position)),
            });
        }
        let values = captured.values.into_iter();
        let values = values.map(|(id, data)| (id, Arc::new(data))).collect();
        Ok(Body {
            operations,
            outputs: outputs.iter().map(Value::ir).collect(),
            inputs,
            values,
        })
    }
}

fn draws(op: &OperationIr) -> bool {
    matches!(
        op,
        OperationIr::Float(_, FloatOperationIr::Random(_))
            | OperationIr::NumericInt(_, NumericOperationIr::IntRandom(_))
    )
}
