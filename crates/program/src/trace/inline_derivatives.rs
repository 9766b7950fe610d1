//! Put derivatives in the place where a trace asks for them.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use burn_backend::{DeviceSettings, TensorData};
use burn_ir::{
    BaseOperationIr, IrVisitorMut, OperationIr, ShapeOpIr, TensorId, TensorIr, TensorStatus,
};

use crate::{
    ir::{error::ProgramError, error_location::latest, operation::index, program::Program},
    trace::nested_trace::{Application, Marks, Requests},
    transform::differentiate::Mode,
};

/// What a placeholder among the operations means.
#[derive(Clone, Copy)]
enum Mark {
    Begin(usize),
    End(usize),
    Apply(usize),
    Nothing,
}

impl Requests {
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
    pub(crate) fn inline(
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
        let mut inlining = Inlining {
            settings,
            next: next.map_or(0, |id| id + 1),
            operations: Vec::with_capacity(operations.len()),
            spans: vec![(0, 0); self.regions.len()],
            derivatives: HashMap::new(),
        };
        for op in operations {
            match mark(&op) {
                None => inlining.operations.push(op),
                Some(Mark::Nothing) => {}
                Some(Mark::Begin(i)) => {
                    for (inside, outside) in &self.regions[i].arguments {
                        inlining.operations.push(alias(outside, inside));
                    }
                    inlining.spans[i].0 = inlining.operations.len();
                }
                Some(Mark::End(i)) => inlining.spans[i].1 = inlining.operations.len(),
                Some(Mark::Apply(i)) => {
                    let application = &self.applications[i];
                    let region = &self.regions[application.region];
                    inlining.apply(application, region, values, name)?;
                }
            }
        }
        Ok(inlining.operations)
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

struct Inlining<'a> {
    settings: &'a DeviceSettings,
    /// A number that names no tensor yet.
    next: u64,
    operations: Vec<OperationIr>,
    /// Where the regions begin and end among the operations.
    spans: Vec<(usize, usize)>,
    derivatives: HashMap<(usize, Mode), Derivative>,
}

impl Inlining<'_> {
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
        let mut rename = Rename(&ids);
        for op in &program.operations {
            let mut op = op.clone();
            op.visit_mut(&mut rename);
            self.operations.push(op);
        }
        let derivatives = &program.outputs[region.results.len()..];
        let primals = region.results.len();
        debug_assert_eq!(program.outputs.len(), primals + application.results.len());
        for (output, result) in derivatives.iter().zip(&application.results) {
            let mut output = output.clone();
            rename.visit_tensor_mut(&mut output);
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
struct Rename<'a>(&'a [TensorId]);

impl IrVisitorMut for Rename<'_> {
    fn visit_tensor_mut(&mut self, tensor: &mut TensorIr) {
        tensor.id = self.0[index(tensor)];
    }
}
