//! A function of tensors as a list of operations.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use burn::backend::{Dispatch, DispatchDevice, DispatchTensor};
use burn_backend::{Backend, DType, DeviceSettings, TensorData};
use burn_ir::{IrVisitorMut, OperationIr, TensorId, TensorIr, TensorStatus};

use crate::ir::{
    error::ProgramError,
    error_location::{ErrorLocation, place},
    operation::{index, name},
    spec::{Spec, spec},
};

/// A pure function from tensors to tensors: operations of Burn's graph IR in single assignment, in an order in which
/// they can be run.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) settings: DeviceSettings,
    pub(crate) operations: Vec<OperationIr>,
    pub(crate) inputs: Vec<TensorIr>,
    pub(crate) outputs: Vec<TensorIr>,
    pub(crate) constants: Vec<(TensorIr, Arc<TensorData>)>,
    /// Names of the first inputs; an empty one is none.
    pub(crate) names: Vec<String>,
    /// How often each tensor is read, outputs included; its length is the number of tensors.
    pub(crate) uses: Vec<u32>,
}

impl Program {
    /// Puts parts together: renumbers the tensors densely and keeps the constants that are read.
    pub(crate) fn renumber(
        settings: DeviceSettings,
        mut inputs: Vec<TensorIr>,
        mut operations: Vec<OperationIr>,
        mut outputs: Vec<TensorIr>,
        values: HashMap<TensorId, Arc<TensorData>>,
    ) -> Result<Self, ProgramError> {
        let mut numbering = Numbering::default();
        inputs
            .iter_mut()
            .for_each(|tensor| numbering.visit_tensor_mut(tensor));
        operations
            .iter_mut()
            .for_each(|op| op.visit_mut(&mut numbering));
        outputs
            .iter_mut()
            .for_each(|tensor| numbering.visit_tensor_mut(tensor));

        let read = operations.iter().flat_map(OperationIr::inputs);
        let read: Vec<&TensorIr> = read.chain(&outputs).collect();
        let mut uses = vec![0; numbering.ids.len()];
        read.iter().for_each(|tensor| uses[index(tensor)] += 1);
        let mut known = vec![false; uses.len()];
        let made = operations.iter().flat_map(OperationIr::outputs);
        made.chain(&inputs)
            .for_each(|tensor| known[index(tensor)] = true);
        let unknown = read.into_iter().filter(|tensor| !known[index(tensor)]);
        let mut reads = BTreeMap::new();
        unknown.for_each(|tensor| _ = reads.entry(tensor.id).or_insert_with(|| tensor.clone()));
        let constants = numbering.constants(reads.into_values(), &values)?;
        Ok(Self {
            settings,
            operations,
            inputs,
            outputs,
            constants,
            names: Vec::new(),
            uses,
        })
    }

    /// The program with names for its first inputs.
    pub(crate) fn named(self, names: Vec<String>) -> Self {
        Self { names, ..self }
    }

    /// The same constants by tensor, for [`renumber`](Self::renumber).
    pub(crate) fn constant_values(&self) -> HashMap<TensorId, Arc<TensorData>> {
        self.constants
            .iter()
            .map(|(tensor, data)| (tensor.id, data.clone()))
            .collect()
    }

    /// Shapes and types of the inputs, in order.
    pub fn inputs(&self) -> Vec<Spec> {
        self.inputs.iter().map(spec).collect()
    }

    /// Shapes and types of the outputs, in order.
    pub fn outputs(&self) -> Vec<Spec> {
        self.outputs.iter().map(spec).collect()
    }

    /// Names of the inputs, in order, as given to [`Program::trace_named`]: empty where there is none.
    pub fn input_names(&self) -> impl Iterator<Item = &str> {
        let names = self.names.iter().map(String::as_str);
        names.chain(std::iter::repeat("")).take(self.inputs.len())
    }

    /// Default types of the device that it was traced for.
    pub fn settings(&self) -> &DeviceSettings {
        &self.settings
    }

    /// Names of the operations in the order in which they run.
    pub fn operations(&self) -> impl Iterator<Item = String> {
        self.operations.iter().map(name)
    }

    /// `error` of the operation at `position`, with the place where it was met.
    pub(crate) fn locate(&self, error: ProgramError, position: usize) -> ProgramError {
        error.at(|| {
            let named = self.names.iter().any(|name| !name.is_empty());
            let found = place(&self.operations, position, |id| self.name_of(id));
            found.or(named.then_some(ErrorLocation::Before))
        })
    }

    /// The name of the input `id`.
    pub(crate) fn name_of(&self, id: TensorId) -> Option<String> {
        let position = self.inputs.iter().position(|tensor| tensor.id == id)?;
        self.names
            .get(position)
            .filter(|name| !name.is_empty())
            .cloned()
    }

    /// Whether `device` has all types that are computed.
    pub(crate) fn check_types(&self, device: &DispatchDevice) -> Result<(), ProgramError> {
        let outputs = self.operations.iter().flat_map(OperationIr::outputs);
        let mut found: Vec<DType> = Vec::new();
        for dtype in outputs.map(|output| output.dtype) {
            if !found.contains(&dtype) {
                if Dispatch::dtype_usage(device, dtype).is_empty() {
                    return Err(ProgramError::Type { dtype });
                }
                found.push(dtype);
            }
        }
        Ok(())
    }

    pub(crate) fn check(&self, inputs: &[DispatchTensor]) -> Result<(), ProgramError> {
        if inputs.len() != self.inputs.len() {
            return Err(ProgramError::Arity {
                expected: self.inputs.len(),
                found: inputs.len(),
            });
        }
        for (index, (tensor, expected)) in inputs.iter().zip(&self.inputs).enumerate() {
            let (expected, found) = (spec(expected), Spec::of(tensor));
            if found != expected {
                let (expected, found) = (Box::new(expected), Box::new(found));
                return Err(ProgramError::Input {
                    index,
                    expected,
                    found,
                });
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Numbering {
    ids: HashMap<TensorId, TensorId>,
}

impl Numbering {
    /// The tensors of these new numbers with what `values` holds for their old ones.
    fn constants(
        &self,
        tensors: impl Iterator<Item = TensorIr>,
        values: &HashMap<TensorId, Arc<TensorData>>,
    ) -> Result<Vec<(TensorIr, Arc<TensorData>)>, ProgramError> {
        let original: HashMap<_, _> = self.ids.iter().map(|(old, new)| (*new, *old)).collect();
        let value = |tensor: TensorIr| {
            let data = values.get(&original[&tensor.id]).cloned().ok_or_else(|| {
                ProgramError::Trace(format!(
                    "{:?} {:?} comes from outside the function: pass it as an input",
                    tensor.dtype, tensor.shape
                ))
            })?;
            Ok((tensor, data))
        };
        tensors.map(value).collect()
    }
}

impl IrVisitorMut for Numbering {
    fn visit_tensor_mut(&mut self, tensor: &mut TensorIr) {
        let next = TensorId::new(self.ids.len() as u64);
        tensor.id = *self.ids.entry(tensor.id).or_insert(next);
        tensor.status = TensorStatus::ReadOnly;
    }
}
