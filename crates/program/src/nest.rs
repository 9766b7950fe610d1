//! Derivatives asked for while a function is being traced.
//!
//! They cannot be taken on the spot, because a trace shows its operations only when it is complete. So the inner function is
//! recorded in place, as a *region* of the trace with its beginning and end marked, and so is each *application* of its
//! derivative, whose results have shapes that are known beforehand. When the trace is complete, every application is replaced by
//! the operations of the derivative program of its region, innermost first. Since there is one trace only, an inner function may
//! read any tensor of the outer ones: in its derivative program such a tensor is one more input.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
    sync::Arc,
};

use burn::{
    backend::{DispatchTensor, TensorMetadata},
    tensor::{Bool, DType, Device, Float, Int, Tensor, kind},
};
use burn_backend::{DeviceSettings, TensorData};
use burn_capture::{CaptureBackend, CaptureDevice};
use burn_ir::{
    BaseOperationIr, IrVisitorMut, OperationIr, ShapeOpIr, TensorId, TensorIr, TensorStatus,
};

use crate::{
    Outcome, Program, ProgramError, Spec, Tensors,
    place::latest,
    program::{index, spec},
    tensors::{floats, leaves, with_floats},
    value::Value,
};

thread_local! {
    /// The traces that this thread is in the midst of, innermost last.
    static OPEN: RefCell<Vec<Record>> = const { RefCell::new(Vec::new()) };
    static SERIAL: Cell<u64> = const { Cell::new(0) };
}

/// Which derivative of a region is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mode {
    /// A tangent of the arguments is pushed forward to one of the results.
    Forward,
    /// A cotangent of the results is pulled back to one of the arguments.
    Reverse,
}

impl Mode {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Forward => Self::Reverse,
            Self::Reverse => Self::Forward,
        }
    }

    /// The derivative program in this mode by the inputs `wrt`: the results, then the derivatives.
    pub(crate) fn of(self, program: &Program, wrt: &[usize]) -> Result<Program, ProgramError> {
        match self {
            Self::Forward => program.jvp(wrt),
            Self::Reverse => program.vjp(wrt),
        }
    }
}

/// What was asked for in one trace.
struct Record {
    serial: u64,
    device: CaptureDevice,
    regions: Vec<Marks>,
    applications: Vec<Application>,
}

/// A function within a trace.
#[derive(Clone)]
struct Marks {
    /// What stands for the arguments inside, and what they are outside.
    arguments: Vec<(TensorIr, TensorIr)>,
    results: Vec<TensorIr>,
    end: TensorId,
}

#[derive(Clone)]
struct Application {
    region: usize,
    mode: Mode,
    vector: Vec<TensorIr>,
    results: Vec<TensorIr>,
}

/// Whether this thread is tracing.
pub(crate) fn tracing() -> bool {
    OPEN.with_borrow(|open| !open.is_empty())
}

fn innermost<T>(look: impl FnOnce(&mut Record) -> T) -> Result<T, ProgramError> {
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
            let dtype = tensor.dtype();
            Ok(if dtype.is_float() {
                moved::<Float>(tensor, &device)
            } else if dtype.is_bool() {
                moved::<Bool>(tensor, &device)
            } else {
                moved::<Int>(tensor, &device)
            })
        }
    }
}

// Ranks are not checked here, so 1 will do for all.
fn moved<K: kind::Autodiff>(tensor: DispatchTensor, device: &Device) -> DispatchTensor {
    let tensor = Tensor::<1, K>::from_dispatch(tensor).without_autodiff();
    tensor.to_device(device).into_dispatch()
}

/// `x` with all its tensors in the innermost trace.
pub(crate) fn lifted<X: Tensors>(x: &X) -> Result<X, ProgramError> {
    let tensors: Vec<_> = leaves(x)
        .into_iter()
        .map(|leaf| lift(leaf.tensor))
        .collect::<Result<_, _>>()?;
    Ok(x.rebuild(&mut tensors.into_iter()))
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
    /// Applies `f` to `x` within the innermost trace.
    pub(crate) fn record<X, R>(
        f: impl FnOnce(X) -> R,
        x: &X,
    ) -> Result<(X, R::Value, Self), ProgramError>
    where
        X: Tensors,
        R: Outcome,
    {
        let (device, serial) = innermost(|record| (record.device, record.serial))?;
        let x = lifted(x)?;
        let mut arguments = Vec::new();
        let mut inside = Vec::new();
        for tensor in floats(&x) {
            let outside = recorded(tensor)?.ir();
            let placeholder = spec(&outside).placeholder(&device);
            arguments.push((placeholder.ir(), outside));
            inside.push(placeholder.into_dispatch());
        }
        if arguments.is_empty() {
            return Err(ProgramError::NothingToDifferentiate);
        }
        let y = lifted(&f(with_floats(&x, inside)).into_result()?)?;
        let results: Vec<_> = floats(&y)
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
        Ok((x, y, region))
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
pub(crate) struct Nest {
    depth: usize,
}

impl Nest {
    /// Opens a trace on `device`.
    pub(crate) fn open(device: CaptureDevice) -> Self {
        let serial = SERIAL.get();
        SERIAL.set(serial + 1);
        OPEN.with_borrow_mut(|open| {
            open.push(Record {
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

/// The derivatives that were asked for in a trace.
#[derive(Default)]
pub(crate) struct Requests {
    regions: Vec<Marks>,
    applications: Vec<Application>,
}

/// What a placeholder among the operations means.
#[derive(Clone, Copy)]
enum Mark {
    Begin(usize),
    End(usize),
    Apply(usize),
    Nothing,
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

    fn marks(&self) -> HashMap<TensorId, Mark> {
        let mut marks = HashMap::new();
        for (i, region) in self.regions.iter().enumerate() {
            for (position, (inside, _)) in region.arguments.iter().enumerate() {
                let first = position == 0;
                marks.insert(
                    inside.id,
                    if first { Mark::Begin(i) } else { Mark::Nothing },
                );
            }
            marks.insert(region.end, Mark::End(i));
        }
        for (i, application) in self.applications.iter().enumerate() {
            for (position, result) in application.results.iter().enumerate() {
                let first = position == 0;
                marks.insert(
                    result.id,
                    if first { Mark::Apply(i) } else { Mark::Nothing },
                );
            }
        }
        marks
    }

    /// The operations of a trace with every derivative put in its place. `name` tells the names of the trace's inputs.
    pub(crate) fn lower(
        &self,
        settings: &DeviceSettings,
        operations: Vec<OperationIr>,
        values: &mut HashMap<TensorId, Arc<TensorData>>,
        name: &impl Fn(TensorId) -> Option<String>,
    ) -> Result<Vec<OperationIr>, ProgramError> {
        if self.applications.is_empty() && self.regions.is_empty() {
            return Ok(operations);
        }
        let marks = self.marks();
        let mark = |op: &OperationIr| match op {
            OperationIr::BaseFloat(BaseOperationIr::Empty(d)) => marks.get(&d.out.id).copied(),
            _ => None,
        };
        let known = operations.iter().flat_map(|op| op.nodes()).map(|t| t.id);
        let next = known
            .chain(values.keys().copied())
            .map(|id| id.value())
            .max();
        let mut lowering = Lowering {
            settings,
            next: next.map_or(0, |id| id + 1),
            operations: Vec::with_capacity(operations.len()),
            spans: vec![(0, 0); self.regions.len()],
            derivatives: HashMap::new(),
        };
        for op in operations {
            match mark(&op) {
                None => lowering.operations.push(op),
                Some(Mark::Nothing) => {}
                Some(Mark::Begin(i)) => {
                    for (inside, outside) in &self.regions[i].arguments {
                        lowering.operations.push(alias(outside, inside));
                    }
                    lowering.spans[i].0 = lowering.operations.len();
                }
                Some(Mark::End(i)) => lowering.spans[i].1 = lowering.operations.len(),
                Some(Mark::Apply(i)) => {
                    let application = &self.applications[i];
                    let region = &self.regions[application.region];
                    lowering.apply(application, region, values, name)?;
                }
            }
        }
        Ok(lowering.operations)
    }
}

/// The operation that makes `to` equal `from`. Simplification removes it.
fn alias(from: &TensorIr, to: &TensorIr) -> OperationIr {
    let (mut input, mut out) = (from.clone(), to.clone());
    input.status = TensorStatus::ReadOnly;
    out.status = TensorStatus::NotInit;
    OperationIr::BaseFloat(BaseOperationIr::Reshape(ShapeOpIr { input, out }))
}

/// A region's derivative, and the tensors from outside that it reads.
struct Derivative {
    program: Program,
    free: Vec<TensorIr>,
}

struct Lowering<'a> {
    settings: &'a DeviceSettings,
    /// A number that names no tensor yet.
    next: u64,
    operations: Vec<OperationIr>,
    /// Where the regions begin and end among the operations.
    spans: Vec<(usize, usize)>,
    derivatives: HashMap<(usize, Mode), Derivative>,
}

impl Lowering<'_> {
    /// Appends the operations of an application.
    fn apply(
        &mut self,
        application: &Application,
        region: &Marks,
        values: &mut HashMap<TensorId, Arc<TensorData>>,
        name: &impl Fn(TensorId) -> Option<String>,
    ) -> Result<(), ProgramError> {
        let key = (application.region, application.mode);
        let derivative = match self.derivatives.remove(&key) {
            Some(known) => known,
            None => self.derive(application, region, name)?,
        };
        let program = &derivative.program;
        let inside = region.arguments.iter().map(|(inside, _)| inside);
        let given: Vec<TensorId> = inside
            .chain(&derivative.free)
            .chain(&application.vector)
            .map(|tensor| tensor.id)
            .collect();
        let mut ids: Vec<TensorId> = (0..program.uses.len() as u64)
            .map(|i| TensorId::new(self.next + i))
            .collect();
        self.next += program.uses.len() as u64;
        for (input, id) in program.inputs.iter().zip(given) {
            ids[index(input)] = id;
        }
        for (tensor, data) in &program.constants {
            values.insert(ids[index(tensor)], data.clone());
        }
        let mut inline = Inline(&ids);
        for op in &program.operations {
            let mut op = op.clone();
            op.visit_mut(&mut inline);
            self.operations.push(op);
        }
        let derivatives = &program.outputs[region.results.len()..];
        let primals = region.results.len();
        debug_assert_eq!(program.outputs.len(), primals + application.results.len());
        for (output, result) in derivatives.iter().zip(&application.results) {
            let mut output = output.clone();
            inline.visit_tensor_mut(&mut output);
            self.operations.push(alias(&output, result));
        }
        self.derivatives.insert(key, derivative);
        Ok(())
    }

    /// The derivative program of a region: `(arguments, tensors from outside, vector) -> (results, derivatives)`.
    fn derive(
        &self,
        application: &Application,
        region: &Marks,
        name: &impl Fn(TensorId) -> Option<String>,
    ) -> Result<Derivative, ProgramError> {
        let (begin, end) = self.spans[application.region];
        let operations = &self.operations[begin..end];
        let inside = region.arguments.iter().map(|(inside, _)| inside.clone());
        let mut inputs: Vec<TensorIr> = inside.collect();
        let wrt: Vec<usize> = (0..inputs.len()).collect();
        let mut known: HashSet<TensorId> = inputs.iter().map(|tensor| tensor.id).collect();
        for op in operations {
            known.extend(op.outputs().map(|tensor| tensor.id));
        }
        // Constants are inputs too, so that the operations on them stay equal to those of the function itself.
        let read = operations.iter().flat_map(OperationIr::inputs);
        for tensor in read.chain(&region.results) {
            if known.insert(tensor.id) {
                inputs.push(tensor.clone());
            }
        }
        let free = inputs[wrt.len()..].to_vec();
        let program = Program::renumber(
            *self.settings,
            inputs.clone(),
            operations.to_vec(),
            region.results.clone(),
            HashMap::new(),
        )?
        .simplify()?;
        let program = application.mode.of(&program, &wrt).or_else(|error| {
            // The names are wanted for an error alone, and take a search.
            let place = |input: &TensorIr| {
                let found = latest(&self.operations, input.id, name);
                found.map(|(_, name)| name).unwrap_or_default()
            };
            match error {
                ProgramError::Unsupported { .. } => {
                    let named = program.named(inputs.iter().map(place).collect());
                    application.mode.of(&named, &wrt)
                }
                other => Err(other),
            }
        })?;
        Ok(Derivative { program, free })
    }
}

/// Gives the tensors of a program their names in a trace.
struct Inline<'a>(&'a [TensorId]);

impl IrVisitorMut for Inline<'_> {
    fn visit_tensor_mut(&mut self, tensor: &mut TensorIr) {
        tensor.id = self.0[index(tensor)];
    }
}
