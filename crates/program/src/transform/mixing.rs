//! Operations that mix the examples of a batch.

use std::{collections::HashSet, ops::Range};

use burn_ir::{
    ActivationOperationIr as Activation, BaseOperationIr as Base, FloatOperationIr as Float,
    NumericOperationIr as Numeric, OperationIr, ScalarIr, TensorIr,
};

use crate::ir::{
    error_location::{ErrorLocation, place},
    operation::{index, name, number},
    program::Program,
};

/// An operation that makes one example's result depend on the others, or on their number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mixing {
    /// The operation's name in Burn.
    pub operation: String,
    /// Where it is met, if inputs have names.
    pub place: Option<ErrorLocation>,
}

impl Program {
    /// The first operation that mixes the examples of a batch: of a function that was recorded for some examples, and
    /// for one more in `larger`, both by [`trace_as_written`](Self::trace_as_written). `batch` are the inputs with a
    /// row an example.
    ///
    /// An axis that is longer in `larger` holds examples. They are mixed where such an axis ends (a mean, a product
    /// over it, some chosen rows), where two of them meet in one tensor, where there is order along one (a cumulative
    /// sum, a softmax), and where a number differs between both. Not found is what only picks elements, by indices or
    /// windows, and what takes one operation an example.
    pub fn mixes(&self, larger: &Self, batch: Range<usize>) -> Option<Mixing> {
        let alike = |(a, b)| name(a) == name(b);
        let same = self.operations.len() == larger.operations.len()
            && self.operations.iter().zip(&larger.operations).all(alike);
        if !same {
            return None;
        }
        let live = self.live();
        let mut examples: HashSet<_> = self.inputs[batch].iter().map(index).collect();
        for (position, (op, more)) in self.operations.iter().zip(&larger.operations).enumerate() {
            if !op.inputs().any(|tensor| examples.contains(&index(tensor))) {
                continue;
            }
            examples.extend(op.outputs().map(index));
            let reads = op.inputs().zip(more.inputs());
            let grows = |(a, b): (&TensorIr, &TensorIr)| longer(a, b) > 0;
            let read = reads
                .filter(|(tensor, _)| examples.contains(&index(tensor)))
                .any(grows);
            let written = op.outputs().zip(more.outputs());
            let most = written.map(|(a, b)| longer(a, b)).max().unwrap_or(0);
            let mixed = (read && most == 0) || most > 1 || along(op, more) || counts(op, more);
            if mixed && op.outputs().any(|out| live.contains(&index(out))) {
                let place = place(&self.operations, position, |id| self.name_of(id));
                let operation = name(op);
                return Some(Mixing { operation, place });
            }
        }
        None
    }

    /// The tensors that the outputs are computed from, and these.
    fn live(&self) -> HashSet<usize> {
        let mut live: HashSet<_> = self.outputs.iter().map(index).collect();
        for op in self.operations.iter().rev() {
            if op.outputs().any(|out| live.contains(&index(out))) {
                live.extend(op.inputs().map(index));
            }
        }
        live
    }
}

/// Number of axes that are longer in `b`.
fn longer(a: &TensorIr, b: &TensorIr) -> usize {
    let sizes = a.shape.iter().zip(b.shape.iter());
    sizes.filter(|(a, b)| a < b).count()
}

/// Whether there is order along an axis that holds examples.
fn along(op: &OperationIr, more: &OperationIr) -> bool {
    let axes = match op {
        OperationIr::NumericFloat(_, op) | OperationIr::NumericInt(_, op) => match op {
            Numeric::CumSum(d) | Numeric::CumProd(d) | Numeric::CumMin(d) | Numeric::CumMax(d) => {
                vec![d.axis]
            }
            Numeric::Sort(d) | Numeric::ArgSort(d) => vec![d.dim],
            Numeric::SortWithIndices(d) => vec![d.dim],
            Numeric::TopK(d) | Numeric::ArgTopK(d) => vec![d.axis],
            Numeric::TopKWithIndices(d) => vec![d.dim],
            _ => return false,
        },
        OperationIr::Activation(
            Activation::Softmax(d) | Activation::LogSoftmax(d) | Activation::Softmin(d),
        ) => vec![d.axis],
        OperationIr::BaseFloat(Base::Flip(d))
        | OperationIr::BaseInt(Base::Flip(d))
        | OperationIr::BaseBool(Base::Flip(d)) => d.axes.clone(),
        _ => return false,
    };
    let (Some(a), Some(b)) = (op.inputs().next(), more.inputs().next()) else {
        return false;
    };
    axes.into_iter().any(|axis| a.shape[axis] < b.shape[axis])
}

/// Whether a number in an operation depends on how many examples there are.
fn counts(op: &OperationIr, more: &OperationIr) -> bool {
    // By their bits: one that is no number is the same in both.
    let bits = |op| -> Vec<_> {
        let all = scalars(op).into_iter();
        all.map(|it| number(&it).map(f64::to_bits)).collect()
    };
    bits(op) != bits(more)
}

/// The numbers in an operation on floats.
fn scalars(op: &OperationIr) -> Vec<ScalarIr> {
    use Numeric::{
        AddScalar, Clamp, ClampMax, ClampMin, DivScalar, GreaterElem, GreaterEqualElem, LowerElem,
        LowerEqualElem, MulScalar, PowiScalar, RemScalar, SubScalar,
    };
    match op {
        OperationIr::NumericFloat(_, op) => match op {
            AddScalar(d) | SubScalar(d) | MulScalar(d) | DivScalar(d) | RemScalar(d)
            | PowiScalar(d) | ClampMin(d) | ClampMax(d) | GreaterElem(d) | GreaterEqualElem(d)
            | LowerElem(d) | LowerEqualElem(d) => vec![d.rhs],
            Clamp(d) => vec![d.min, d.max],
            _ => Vec::new(),
        },
        OperationIr::Float(_, Float::PowfScalar(d)) => vec![d.rhs],
        OperationIr::BaseFloat(Base::MaskFill(d)) => vec![d.value],
        _ => Vec::new(),
    }
}
