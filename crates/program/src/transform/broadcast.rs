//! Operands that an operation repeats because their sizes differ.

use std::collections::HashMap;

use burn_ir::{BinaryOpIr, FloatOperationIr, NumericOperationIr, OperationIr, TensorId};

use crate::ir::{
    program::Program,
    spec::{Spec, spec},
};

/// What a value is computed from.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct BroadcastSource {
    these: bool,
    those: bool,
}

impl Program {
    /// The first arithmetic operation that repeats an operand that depends on the inputs `these` and not on `those`,
    /// because its other operand, which depends on `those` and not on `these`, is larger: both operands. What is
    /// repeated on purpose (`expand`, `repeat`) does not count; ask it of a program from
    /// [`trace_as_written`](Self::trace_as_written).
    pub fn repeats(&self, these: &[usize], those: &[usize]) -> Option<(Spec, Spec)> {
        let mut sources: HashMap<TensorId, BroadcastSource> = HashMap::new();
        for (position, tensor) in self.inputs.iter().enumerate() {
            let source = BroadcastSource {
                these: these.contains(&position),
                those: those.contains(&position),
            };
            sources.insert(tensor.id, source);
        }
        let of = |sources: &HashMap<_, BroadcastSource>, id| {
            sources.get(&id).copied().unwrap_or_default()
        };
        for op in &self.operations {
            if let Some(BinaryOpIr { lhs, rhs, .. }) = arithmetic(op) {
                for (small, large) in [(lhs, rhs), (rhs, lhs)] {
                    let (a, b) = (of(&sources, small.id), of(&sources, large.id));
                    let apart = a.these && !a.those && b.those && !b.these;
                    let mut sizes = small.shape.iter().zip(large.shape.iter());
                    if apart && sizes.any(|(small, large)| small < large) {
                        return Some((spec(small), spec(large)));
                    }
                }
            }
            let source = op
                .inputs()
                .fold(BroadcastSource::default(), |source, tensor| {
                    let other = of(&sources, tensor.id);
                    BroadcastSource {
                        these: source.these || other.these,
                        those: source.those || other.those,
                    }
                });
            for out in op.outputs() {
                sources.insert(out.id, source);
            }
        }
        None
    }
}

/// The operands of an operation on pairs of floats.
fn arithmetic(op: &OperationIr) -> Option<&BinaryOpIr> {
    match op {
        OperationIr::NumericFloat(
            _,
            NumericOperationIr::Add(d)
            | NumericOperationIr::Sub(d)
            | NumericOperationIr::Mul(d)
            | NumericOperationIr::Div(d)
            | NumericOperationIr::Rem(d),
        )
        | OperationIr::Float(_, FloatOperationIr::ArcTan2(d)) => Some(d),
        _ => None,
    }
}
