//! A program's run as a graphics device has recorded it: replayed at once, not launched kernel by kernel.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, ThreadId},
};

#[cfg(feature = "gpu")]
use burn::backend::{BackendTensor, DispatchTensorKind};
use burn::{
    backend::{
        Dispatch, DispatchTensor, Slice, TensorMetadata,
        ops::{BoolTensorOps, FloatTensorOps, IntTensorOps},
    },
    tensor::{Graph, capture},
};
use burn_ir::TensorId;

use crate::{
    ir::{error::ProgramError, program::Program, spec::Spec},
    quirks::sort_on_host::sorts,
    run::bound_program::BoundProgram,
};

/// Runs before one is recorded: by then it is seen which arguments stay the same.
const WATCHED: usize = 4;

type Outputs = Result<Vec<DispatchTensor>, ProgramError>;

/// Watches a program's runs and records one.
pub(crate) struct Recorder {
    state: Mutex<RecorderState>,
}

enum RecorderState {
    Watching(Arguments),
    Recorded(Box<Recording>),
    /// The device does not record this program.
    Refused,
}

/// What was seen of the arguments.
#[derive(Default)]
struct Arguments {
    runs: usize,
    last: Vec<TensorId>,
    /// Which are not always the same tensor.
    vary: Vec<bool>,
}

/// A recorded run.
struct Recording {
    graph: Graph<Result<Vec<RecordedOutput>, ProgramError>, Box<RunFn>>,
    /// What it reads: the arguments themselves, and buffers of its own for those that vary.
    reads: Arc<Mutex<Vec<DispatchTensor>>>,
    arguments: Arguments,
    thread: ThreadId,
}

type RunFn = dyn FnMut() -> Result<Vec<RecordedOutput>, ProgramError> + Send;

enum RecordedOutput {
    /// In a buffer that every replay writes anew.
    Computed(Box<DispatchTensor>),
    /// The argument of that position, as it is.
    Argument(usize),
}

impl Recorder {
    pub(crate) fn of(program: &Program) -> Self {
        let state = match program.operations.iter().any(sorts) {
            true => RecorderState::Refused,
            false => RecorderState::Watching(Arguments::default()),
        };
        Self {
            state: Mutex::new(state),
        }
    }

    /// Whether runs are replayed.
    pub(crate) fn is_recorded(&self) -> bool {
        matches!(*locked(&self.state), RecorderState::Recorded(_))
    }

    /// What `program` computes of `inputs`.
    pub(crate) fn run(&self, program: &Arc<BoundProgram>, inputs: Vec<DispatchTensor>) -> Outputs {
        let Some(ids) = inputs.iter().map(identity).collect::<Option<Vec<_>>>() else {
            return program.launch(inputs);
        };
        let mut state = locked(&self.state);
        if let RecorderState::Recorded(recording) = &mut *state {
            // Replays are in order with the work of the thread that recorded, and no other.
            if recording.thread != thread::current().id() {
                return program.launch(inputs);
            }
            if recording.arguments.see(&ids) {
                return match recording.replay(&inputs) {
                    Some(outputs) => Ok(outputs),
                    None => {
                        *state = RecorderState::Refused;
                        program.launch(inputs)
                    }
                };
            }
            // Another argument varies than until now.
            *state = RecorderState::Watching(std::mem::take(&mut recording.arguments));
        } else if let RecorderState::Watching(arguments) = &mut *state {
            arguments.see(&ids);
        }
        let RecorderState::Watching(arguments) = &mut *state else {
            return program.launch(inputs);
        };
        if arguments.runs <= WATCHED {
            return program.launch(inputs);
        }
        let arguments = std::mem::take(arguments);
        *state = RecorderState::Refused;
        if let Some(mut recording) = record(program.clone(), arguments, &inputs)
            && let Some(outputs) = recording.replay(&inputs)
        {
            *state = RecorderState::Recorded(Box::new(recording));
            return Ok(outputs);
        }
        program.launch(inputs)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Arguments {
    /// Takes note of a run's arguments. Whether no other varies than until now.
    fn see(&mut self, ids: &[TensorId]) -> bool {
        self.runs += 1;
        if self.last.is_empty() {
            self.vary = vec![false; ids.len()];
            self.last = ids.to_vec();
        }
        let mut known = true;
        for ((id, last), vary) in ids.iter().zip(&mut self.last).zip(&mut self.vary) {
            if !*vary && id != last {
                *vary = true;
                known = false;
            }
            *last = *id;
        }
        known
    }
}

/// A recorded run, if the device records it.
fn record(
    program: Arc<BoundProgram>,
    arguments: Arguments,
    inputs: &[DispatchTensor],
) -> Option<Recording> {
    let device = program.device.clone();
    let reads = inputs.iter().zip(&arguments.vary);
    let reads = reads.map(|(input, &varies)| match varies {
        true => owned(input.clone()),
        false => input.clone(),
    });
    let reads = Arc::new(Mutex::new(reads.collect::<Vec<_>>()));
    let read = reads.clone();
    let run: Box<RunFn> = Box::new(move || {
        let inputs = locked(&read).clone();
        let ids: Vec<_> = inputs.iter().map(identity).collect();
        let outputs = program.launch_apart(inputs)?.into_iter().map(|output| {
            match ids.iter().position(|id| *id == identity(&output)) {
                Some(position) => RecordedOutput::Argument(position),
                None => RecordedOutput::Computed(Box::new(output)),
            }
        });
        Ok(outputs.collect())
    });
    let graph = capture(&device, run);
    (graph.is_hardware() && graph.output().is_ok()).then(|| Recording {
        graph,
        reads,
        arguments,
        thread: thread::current().id(),
    })
}

impl BoundProgram {
    /// The outputs for `inputs`, without outputs that are views of inputs.
    pub(crate) fn launch_apart(
        &self,
        inputs: Vec<DispatchTensor>,
    ) -> Result<Vec<DispatchTensor>, ProgramError> {
        let outputs = self.launch(inputs)?.into_iter();
        let views = self
            .program
            .outputs
            .iter()
            .map(|it| self.program.is_view(it));
        let outputs = outputs.zip(views);
        Ok(outputs
            .map(|(output, view)| if view { owned(output) } else { output })
            .collect())
    }
}

impl Recording {
    /// The outputs for `inputs`; `None` if the buffers that it reads cannot be written.
    fn replay(&mut self, inputs: &[DispatchTensor]) -> Option<Vec<DispatchTensor>> {
        let mut reads = locked(&self.reads);
        let vary = self.arguments.vary.iter();
        if !reads
            .iter()
            .zip(vary)
            .all(|(it, &vary)| !vary || it.can_mut())
        {
            return None;
        }
        let written = std::mem::take(&mut *reads).into_iter().zip(inputs);
        *reads = written
            .zip(&self.arguments.vary)
            .map(|((read, input), &varies)| match varies {
                // Its only holder: it is written where it is.
                true => write(read, input.clone()),
                false => read,
            })
            .collect();
        drop(reads);
        // SAFETY: what the graph reads and writes is alive: `reads` and the graph's own output are held here, constants
        // and what they are computed from by its closure. Buffers that are written are nobody else's: outputs are
        // handed out as copies, which the device makes before the next replay. All of it is issued by the thread that
        // recorded, to which `run` keeps.
        #[allow(unsafe_code)]
        let outputs = unsafe { self.graph.replay() };
        let outputs = outputs.as_ref().ok()?.iter();
        let outputs = outputs.map(|output| match output {
            RecordedOutput::Computed(tensor) => copied(DispatchTensor::clone(tensor)),
            RecordedOutput::Argument(position) => inputs[*position].clone(),
        });
        Some(outputs.collect())
    }
}

/// A copy, which the device may make part of what is computed from it.
fn copied(tensor: DispatchTensor) -> DispatchTensor {
    match tensor.dtype().is_float() {
        true => Dispatch::float_mul_scalar(tensor, 1.0.into()),
        false => owned(tensor),
    }
}

/// A copy in a buffer of its own.
fn owned(tensor: DispatchTensor) -> DispatchTensor {
    let Spec { shape, dtype } = Spec::of(&tensor);
    let device = tensor.device();
    let buffer = if dtype.is_float() {
        Dispatch::float_empty(shape, &device, dtype.into())
    } else if dtype.is_bool() {
        Dispatch::bool_empty(shape, &device, dtype.into())
    } else {
        Dispatch::int_empty(shape, &device, dtype.into())
    };
    write(buffer, tensor)
}

/// `buffer` with the elements of `tensor`.
fn write(buffer: DispatchTensor, tensor: DispatchTensor) -> DispatchTensor {
    let (shape, dtype) = (tensor.shape(), tensor.dtype());
    let all: Vec<_> = shape.iter().map(|&size| Slice::from(0..size)).collect();
    if dtype.is_float() {
        Dispatch::float_slice_assign(buffer, &all, tensor)
    } else if dtype.is_bool() {
        Dispatch::bool_slice_assign(buffer, &all, tensor)
    } else {
        Dispatch::int_slice_assign(buffer, &all, tensor)
    }
}

/// What tells a tensor on a graphics device from others; nothing on processors, which record nothing.
#[cfg(feature = "gpu")]
fn identity(tensor: &DispatchTensor) -> Option<TensorId> {
    let DispatchTensorKind::Cube(tensor) = &tensor.kind else {
        return None;
    };
    match tensor {
        BackendTensor::Float(tensor) => Some(tensor.id),
        BackendTensor::Int(tensor) => Some(tensor.id),
        BackendTensor::Bool(tensor) => Some(tensor.id),
        BackendTensor::Quantized(_) | BackendTensor::Autodiff(_) => None,
    }
}

#[cfg(not(feature = "gpu"))]
fn identity(_: &DispatchTensor) -> Option<TensorId> {
    None
}
