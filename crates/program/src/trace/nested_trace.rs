//! Derivatives asked for while a function is being traced.
//!
//! They cannot be taken on the spot, because a trace shows its operations only when it is complete. So the inner
//! function is recorded in place, as a *region* of the trace with its beginning and end marked, and so is each
//! *application* of its derivative, whose results have shapes that are known beforehand. When the trace is complete,
//! every application is replaced by the operations of the derivative program of its region, innermost first. Since
//! there is one trace only, an inner function may read any tensor of the outer ones: in its derivative program such a
//! tensor is one more input.

use std::{
    cell::RefCell,
    sync::atomic::{AtomicU64, Ordering},
};

use burn::{
    backend::{DispatchTensor, TensorMetadata},
    tensor::{DType, Device},
};
use burn_capture::{CaptureBackend, CaptureDevice};
use burn_ir::{TensorId, TensorIr};

use crate::{
    ir::{
        error::ProgramError,
        spec::{Spec, spec},
        value::{Value, moved},
    },
    transform::differentiate::Mode,
};

/// A function of tensors. Boxed, for recording is the same for all: compiled once, not for each closure of a user's.
pub(crate) type TracedFunction<'a> =
    Box<dyn FnOnce(Vec<DispatchTensor>) -> Result<Vec<DispatchTensor>, ProgramError> + 'a>;

thread_local! {
    /// The traces that this thread is in the midst of, innermost last.
    static OPEN: RefCell<Vec<TraceRecord>> = const { RefCell::new(Vec::new()) };
}

/// Tells traces apart, of all threads.
static SERIAL: AtomicU64 = AtomicU64::new(0);

/// What was asked for in one trace.
struct TraceRecord {
    serial: u64,
    device: CaptureDevice,
    regions: Vec<Marks>,
    applications: Vec<Application>,
}

/// A function within a trace.
pub(crate) struct Marks {
    /// What stands for the arguments inside, and what they are outside. The first marks the beginning.
    pub arguments: Vec<(TensorIr, TensorIr)>,
    pub results: Vec<TensorIr>,
    /// A tensor that marks the end.
    pub end: TensorId,
}

/// A derivative that is applied within a trace. The first of its results marks where.
pub(crate) struct Application {
    /// Position of the function among the regions.
    pub region: usize,
    pub mode: Mode,
    pub vector: Vec<TensorIr>,
    pub results: Vec<TensorIr>,
}

/// The derivatives that were asked for in a trace.
#[derive(Default)]
pub(crate) struct Requests {
    pub regions: Vec<Marks>,
    pub applications: Vec<Application>,
}

impl Requests {
    /// What a tensor is outside all regions, if it stands for an argument.
    pub(crate) fn origin(&self, mut id: TensorId) -> TensorId {
        let arguments = || self.regions.iter().flat_map(|region| &region.arguments);
        while let Some((_, outside)) = arguments().find(|(inside, _)| inside.id == id) {
            id = outside.id;
        }
        id
    }
}

/// Whether this thread is tracing.
pub(crate) fn tracing() -> bool {
    OPEN.with_borrow(|open| !open.is_empty())
}

fn innermost<T>(look: impl FnOnce(&mut TraceRecord) -> T) -> Result<T, ProgramError> {
    OPEN.with_borrow_mut(|open| open.last_mut().map(look))
        .ok_or_else(|| ProgramError::Trace("no function is being traced".into()))
}

/// `tensor` as one of the innermost trace: a tensor that was computed before becomes a constant of it.
pub(crate) fn lift(tensor: DispatchTensor) -> Result<DispatchTensor, ProgramError> {
    let device = innermost(|record| record.device)?;
    match Value::from_dispatch(tensor.clone()) {
        Some(value) if value.device() == device => Ok(tensor),
        Some(_) => Err(ProgramError::Trace(
            "it reads a tensor of another trace: pass it as an input".into(),
        )),
        None => {
            let placeholder = Spec::new([1], DType::F32).placeholder(&device);
            let device = Device::new(placeholder.into_dispatch().device());
            Ok(moved(tensor, Some(&device)))
        }
    }
}

fn recorded(tensor: DispatchTensor) -> Result<Value<CaptureBackend>, ProgramError> {
    Ok(Value::from_dispatch(lift(tensor)?).expect("lifted tensors are recorded ones"))
}

/// A function that was recorded within a trace, at its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    serial: u64,
    position: usize,
    arguments: Vec<Spec>,
    results: Vec<Spec>,
}

impl Region {
    /// Applies `f` to `arguments` within the innermost trace.
    pub(crate) fn record(
        arguments: Vec<DispatchTensor>,
        f: TracedFunction<'_>,
    ) -> Result<Self, ProgramError> {
        let (device, serial) = innermost(|record| (record.device, record.serial))?;
        let outside = arguments;
        let mut arguments = Vec::new();
        let mut inside = Vec::new();
        for tensor in outside {
            let outside = recorded(tensor)?.ir();
            let placeholder = spec(&outside).placeholder(&device);
            arguments.push((placeholder.ir(), outside));
            inside.push(placeholder.into_dispatch());
        }
        if arguments.is_empty() {
            return Err(ProgramError::NothingToDifferentiate);
        }
        let results: Vec<_> = f(inside)?
            .into_iter()
            .map(|tensor| Ok(recorded(tensor)?.ir()))
            .collect::<Result<_, ProgramError>>()?;
        let end = Spec::new([1], DType::F32).placeholder(&device).ir().id;
        let region = Self {
            serial,
            position: innermost(|record| record.regions.len())?,
            arguments: arguments.iter().map(|(inside, _)| spec(inside)).collect(),
            results: results.iter().map(spec).collect(),
        };
        innermost(|record| {
            record.regions.push(Marks {
                arguments,
                results,
                end,
            })
        })?;
        Ok(region)
    }

    /// The derivative in mode `mode`, applied to `vector`.
    pub(crate) fn apply(
        &self,
        mode: Mode,
        vector: Vec<DispatchTensor>,
    ) -> Result<Vec<DispatchTensor>, ProgramError> {
        let (device, serial) = innermost(|record| (record.device, record.serial))?;
        if serial != self.serial {
            return Err(ProgramError::Trace(
                "a linear map that was made in one trace is used outside it: make it where it is used".into(),
            ));
        }
        let (from, to) = match mode {
            Mode::Forward => (&self.arguments, &self.results),
            Mode::Reverse => (&self.results, &self.arguments),
        };
        check(from, &vector)?;
        let vector = vector
            .into_iter()
            .map(|tensor| Ok(recorded(tensor)?.ir()))
            .collect::<Result<_, ProgramError>>()?;
        let results: Vec<_> = to.iter().map(|spec| spec.placeholder(&device)).collect();
        let application = Application {
            region: self.position,
            mode,
            vector,
            results: results.iter().map(Value::ir).collect(),
        };
        innermost(|record| record.applications.push(application))?;
        Ok(results.into_iter().map(Value::into_dispatch).collect())
    }
}

/// Checks a tangent or cotangent against what it belongs to.
pub(crate) fn check(expected: &[Spec], vector: &[DispatchTensor]) -> Result<(), ProgramError> {
    if expected.len() != vector.len() {
        return Err(ProgramError::VectorLength {
            expected: expected.len(),
            found: vector.len(),
        });
    }
    for (index, (expected, tensor)) in expected.iter().zip(vector).enumerate() {
        let found = Spec::of(tensor);
        if found != *expected {
            return Err(ProgramError::Vector {
                index,
                expected: Box::new(expected.clone()),
                found: Box::new(found),
            });
        }
    }
    Ok(())
}

/// One trace among those that are open.
pub(crate) struct OpenTrace {
    depth: usize,
}

impl OpenTrace {
    /// Opens a trace on `device`.
    pub(crate) fn new(device: CaptureDevice) -> Self {
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        OPEN.with_borrow_mut(|open| {
            open.push(TraceRecord {
                serial,
                device,
                regions: Vec::new(),
                applications: Vec::new(),
            });
            Self {
                depth: open.len() - 1,
            }
        })
    }

    /// Closes it: what was asked for.
    pub(crate) fn close(self) -> Requests {
        let record = OPEN.with_borrow_mut(|open| open.drain(self.depth..).next());
        record.map_or_else(Requests::default, |record| Requests {
            regions: record.regions,
            applications: record.applications,
        })
    }
}
