//! ONNX's operators: what a node says is read once, when its file is loaded, and computed in each forward pass.

mod activation;
mod arithmetic;
mod attention;
mod cast;
mod comparison;
mod convolution;
mod creation;
mod einsum;
mod gather;
mod layout;
mod linear;
mod node;
mod normalization;
mod pool;
mod reduce;
mod sklearn;
mod slice;
mod window;

pub(crate) use arithmetic::Binary;
pub(crate) use comparison::Compare;
pub(crate) use node::{NodeReader, Parsed};

use std::sync::Arc;

use burn::backend::DispatchTensor;

use crate::{
    error::OnnxProblem,
    host::{HostTensor, Kind},
    value::{Place, Value},
};

/// What a node computes.
pub(crate) struct Operation {
    run: Box<Run>,
    /// How many outputs it has.
    pub(crate) outputs: usize,
    /// Inputs that are constants whatever they hold: running statistics, bounds and the like, by their positions.
    pub(crate) constants: &'static [usize],
    /// Inputs that are parameters even if they are a single number, such as a bias: by their positions.
    pub(crate) weights: &'static [usize],
}

/// Computes a node's outputs of its inputs; a failure is told in words.
type Run = dyn Fn(&Arguments<'_>) -> Result<Vec<Value>, String> + Send + Sync;

impl Operation {
    /// One that has one output.
    pub(crate) fn new(
        run: impl Fn(&Arguments<'_>) -> Result<Value, String> + Send + Sync + 'static,
    ) -> Self {
        Self::many(1, move |x| Ok(vec![run(x)?]))
    }

    /// One that has several outputs, or fewer.
    pub(crate) fn many(
        outputs: usize,
        run: impl Fn(&Arguments<'_>) -> Result<Vec<Value>, String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            run: Box::new(run),
            outputs,
            constants: &[],
            weights: &[],
        }
    }

    /// The same with inputs that are constants.
    pub(crate) fn constants(self, constants: &'static [usize]) -> Self {
        Self { constants, ..self }
    }

    /// The same with inputs that are parameters.
    pub(crate) fn weights(self, weights: &'static [usize]) -> Self {
        Self { weights, ..self }
    }

    pub(crate) fn run(&self, arguments: &Arguments<'_>) -> Result<Vec<Value>, String> {
        (self.run)(arguments)
    }
}

/// A node's inputs in a forward pass.
pub(crate) struct Arguments<'a> {
    pub(crate) place: &'a Place,
    pub(crate) values: Vec<Option<Value>>,
}

impl Arguments<'_> {
    /// Input `i`, if it is given.
    pub(crate) fn optional(&self, i: usize) -> Option<Value> {
        self.values.get(i).cloned().flatten()
    }

    /// Input `i`.
    pub(crate) fn value(&self, i: usize) -> Result<Value, String> {
        self.optional(i)
            .ok_or_else(|| format!("it has no input {i}"))
    }

    /// All inputs, which must be given.
    pub(crate) fn all(&self) -> Result<Vec<Value>, String> {
        (0..self.values.len()).map(|i| self.value(i)).collect()
    }

    /// Input `i`, floats on the device.
    pub(crate) fn float(&self, i: usize) -> Result<DispatchTensor, String> {
        let value = self.value(i)?;
        match value.kind() {
            Kind::Float => Ok(value.on(self.place)),
            kind => Err(format!(
                "its input {i} holds {kind:?}, and must hold floating-point numbers"
            )),
        }
    }

    /// Input `i`, on the host.
    pub(crate) fn host(&self, i: usize) -> Result<Arc<HostTensor>, String> {
        match self.value(i)? {
            Value::Host(tensor) => Ok(tensor),
            Value::Device(_) => Err(format!(
                "its input {i} depends on the numbers of the network's inputs or parameters; it may depend on their \
                 shapes alone"
            )),
        }
    }

    /// Input `i`, whole numbers on the host.
    pub(crate) fn ints(&self, i: usize) -> Result<Vec<i64>, String> {
        Ok(self.host(i)?.data.to_ints())
    }

    /// Input `i`, whole numbers on the host, if it is given.
    pub(crate) fn optional_ints(&self, i: usize) -> Result<Option<Vec<i64>>, String> {
        match self.optional(i) {
            Some(_) => self.ints(i).map(Some),
            None => Ok(None),
        }
    }

    /// Input `i`, one number on the host, if it is given.
    pub(crate) fn optional_number(&self, i: usize) -> Result<Option<f64>, String> {
        match self.optional(i) {
            None => Ok(None),
            Some(_) => {
                let number = self.host(i)?.single();
                let number = number.ok_or_else(|| format!("its input {i} must be one number"))?;
                Ok(Some(number))
            }
        }
    }
}

/// `axis` of a tensor with `rank` axes, counted from the end if it is negative.
pub(crate) fn axis_of(axis: i64, rank: usize) -> Result<usize, String> {
    let counted = if axis < 0 { axis + rank as i64 } else { axis };
    match usize::try_from(counted) {
        Ok(axis) if axis < rank => Ok(axis),
        _ => Err(format!(
            "it has an axis {axis}, of a tensor with {rank} axes"
        )),
    }
}

/// Reads what a node computes.
///
/// # Errors
/// [`OnnxProblem::Operator`] if the operator is not supported; [`OnnxProblem::Attribute`] if an attribute is not.
pub(crate) fn parse(node: &NodeReader<'_>) -> Parsed {
    let families = [
        activation::parse,
        arithmetic::parse,
        attention::parse,
        cast::parse,
        comparison::parse,
        convolution::parse,
        creation::parse,
        einsum::parse,
        gather::parse,
        layout::parse,
        linear::parse,
        normalization::parse,
        pool::parse,
        reduce::parse,
        slice::parse,
    ];
    let operation = match node.domain() {
        "" => families.iter().find_map(|family| family(node).transpose()),
        "ai.onnx.ml" => sklearn::parse(node).transpose(),
        _ => None,
    };
    match operation {
        Some(operation) => {
            let operation = operation?;
            node.check_all_read()?;
            Ok(operation)
        }
        None => Err(OnnxProblem::Operator {
            node: node.name().into(),
            operator: node.full_operator(),
        }),
    }
}
