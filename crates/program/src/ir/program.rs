//! A function of tensors as a list of operations.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};

use burn::backend::{Dispatch, DispatchDevice, DispatchTensor};
use burn_backend::{Backend, DType, DeviceSettings, TensorData};
use burn_ir::{IrVisitorMut, OperationIr, TensorId, TensorIr, TensorStatus};

use crate::{
    ir::{
        error::ProgramError,
        value::{Spec, Value},
    },
    run::interpreter,
};

/// A pure function from tensors to tensors: operations of Burn's graph IR in single assignment, in an order in which they can
/// be run.
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

        let mut uses = vec![0; numbering.ids.len()];
        let mut known = vec![false; uses.len()];
        let mut reads = BTreeMap::new();
        inputs.iter().for_each(|tensor| known[index(tensor)] = true);
        for op in &operations {
            op.outputs().for_each(|tensor| known[index(tensor)] = true);
        }
        for tensor in operations
            .iter()
            .flat_map(OperationIr::inputs)
            .chain(&outputs)
        {
            uses[index(tensor)] += 1;
            if !known[index(tensor)] {
                reads.entry(tensor.id).or_insert_with(|| tensor.clone());
            }
        }
        let original: HashMap<_, _> = numbering
            .ids
            .iter()
            .map(|(old, new)| (*new, *old))
            .collect();
        let constants = reads
            .into_values()
            .map(|tensor| {
                let data = values.get(&original[&tensor.id]).cloned().ok_or_else(|| {
                    ProgramError::Trace(format!(
                        "{:?} {:?} comes from outside the function: pass it as an input",
                        tensor.dtype, tensor.shape
                    ))
                })?;
                Ok((tensor, data))
            })
            .collect::<Result<_, ProgramError>>()?;
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

    /// Runs the program on the device of its inputs. While another function is being traced, this records the operations into
    /// that trace, so programs compose.
    ///
    /// For repeated runs prefer [`Program::compile`], which keeps constants on the device.
    ///
    /// # Errors
    /// [`ProgramError::Arity`] and [`ProgramError::Input`] if the tensors do not fit; [`ProgramError::Type`] if the device lacks a
    /// type of the program's; [`ProgramError::Unsupported`].
    pub fn call(&self, inputs: Vec<DispatchTensor>) -> Result<Vec<DispatchTensor>, ProgramError> {
        use burn_backend::TensorMetadata;
        let Some(device) = inputs.first().map(|tensor| tensor.device()) else {
            return Err(ProgramError::Arity {
                expected: self.inputs.len(),
                found: 0,
            });
        };
        self.check_types(&device)?;
        self.check(&inputs)?;
        let constants = interpreter::constants(self, &device);
        let inputs = inputs.into_iter().map(Value::from).collect();
        let outputs = interpreter::replay(self, &device, inputs, &constants)?;
        Ok(outputs.into_iter().map(Into::into).collect())
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

pub(crate) fn spec(tensor: &TensorIr) -> Spec {
    Spec {
        shape: tensor.shape.clone(),
        dtype: tensor.dtype,
    }
}

pub(crate) fn index(tensor: &TensorIr) -> usize {
    tensor.id.value() as usize
}

/// The operation's own name in Burn's IR, such as `Matmul`.
pub(crate) fn name(op: &impl fmt::Debug) -> String {
    let text = format!("{op:?}");
    let head = text.split(" {").next().unwrap_or(&text);
    let head = head.rsplit_once('(').map_or(head, |(path, _)| path);
    head.rsplit(|c: char| !c.is_alphanumeric())
        .next()
        .unwrap_or(head)
        .into()
}

#[derive(Default)]
struct Numbering {
    ids: HashMap<TensorId, TensorId>,
}

impl IrVisitorMut for Numbering {
    fn visit_tensor_mut(&mut self, tensor: &mut TensorIr) {
        let next = TensorId::new(self.ids.len() as u64);
        tensor.id = *self.ids.entry(tensor.id).or_insert(next);
        tensor.status = TensorStatus::ReadOnly;
    }
}
