//! Softplus, put together again from what Burn takes it apart into while it is traced.
//!
//! - Fault: burn-tensor's softplus is `log1p(exp(x))` below a threshold and `x` above, in f64 too. Burn 0.22.0 and
//!   0.22.1. The slope of `log1p(exp(x))` comes out right from those of its parts; the slope's own is the difference of
//!   two numbers that round to one, and above the threshold it is zero.
//! - Way round: it is found in the trace, and differentiated as `-log_sigmoid(-x)`.
//! - It may go when `burn_still_loses_the_ends` in `crates/program/tests/program/saturation.rs` fails at softplus.

use std::collections::HashMap;

use burn_ir::{
    ActivationOperationIr as Activation, BaseOperationIr as Base, FloatOperationIr as Float,
    MaskWhereOpIr, NumericOperationIr as Numeric, OperationIr, ScalarIr, ScalarOpIr, TensorId,
    TensorIr, UnaryOpIr,
};

use crate::ir::operation::number;

/// Softplus of more than this is its argument but for `exp(-20)`: Burn's own threshold, which is for the exponential
/// not to overflow.
const THRESHOLD: f64 = 20.0;

/// `operations` with softplus as `-log_sigmoid(-x)`. The numbers from `next` on must name no tensor; those from the
/// returned one on name none afterwards.
pub(crate) fn recognize(operations: &[OperationIr], next: usize) -> (Vec<OperationIr>, usize) {
    let mut recognizer = Recognizer {
        makers: HashMap::new(),
        operations: Vec::with_capacity(operations.len()),
        next,
    };
    for op in operations {
        recognizer.add(op);
        let outputs = op.outputs().map(|out| (out.id, op));
        recognizer.makers.extend(outputs);
    }
    (recognizer.operations, recognizer.next)
}

struct Recognizer<'a> {
    /// What made a tensor.
    makers: HashMap<TensorId, &'a OperationIr>,
    operations: Vec<OperationIr>,
    next: usize,
}

impl<'a> Recognizer<'a> {
    fn add(&mut self, op: &'a OperationIr) {
        match op {
            OperationIr::Float(_, Float::Log1p(d)) => {
                if let Some(x) = self.exponent(&d.input) {
                    return self.softplus(x, d.out.clone());
                }
            }
            OperationIr::BaseFloat(Base::MaskWhere(d)) => {
                if let Some((x, scale)) = self.with_threshold(d) {
                    let whole = self.fresh(&d.out);
                    self.softplus(x, whole.clone());
                    return self.divide(whole, scale, d.out.clone());
                }
            }
            _ => {}
        }
        self.operations.push(op.clone());
    }

    fn numeric(&self, tensor: &TensorIr) -> Option<&'a Numeric> {
        match self.makers.get(&tensor.id)? {
            OperationIr::NumericFloat(_, op) => Some(op),
            _ => None,
        }
    }

    /// `x` of `exp(x)`.
    fn exponent(&self, tensor: &TensorIr) -> Option<&'a TensorIr> {
        match self.makers.get(&tensor.id)? {
            OperationIr::Float(_, Float::Exp(d)) => Some(&d.input),
            _ => None,
        }
    }

    /// `scale x` and `scale` if `d` is Burn's softplus: where `scale x` is above the threshold `x`, elsewhere
    /// `log1p(exp(scale x)) / scale`, with the threshold in place of what is above.
    fn with_threshold(&self, d: &MaskWhereOpIr) -> Option<(&'a TensorIr, ScalarIr)> {
        let Numeric::GreaterElem(above) = self.numeric(&d.mask)? else {
            return None;
        };
        let (Numeric::MulScalar(scaled), Numeric::DivScalar(unscaled)) =
            (self.numeric(&above.lhs)?, self.numeric(&d.tensor)?)
        else {
            return None;
        };
        let OperationIr::Float(_, Float::Log1p(log)) = self.makers.get(&unscaled.lhs.id)? else {
            return None;
        };
        let capped = self.exponent(&log.input)?;
        let OperationIr::BaseFloat(Base::MaskFill(capped)) = self.makers.get(&capped.id)? else {
            return None;
        };
        let (threshold, scale) = (number(&above.rhs)?, number(&scaled.rhs)?);
        let softplus = scaled.lhs.id == d.value.id
            && capped.tensor.id == above.lhs.id
            && capped.mask.id == d.mask.id
            && number(&capped.value)? == threshold
            && number(&unscaled.rhs)? == scale
            && scale != 0.0
            && threshold >= THRESHOLD;
        softplus.then_some((&above.lhs, scaled.rhs))
    }

    fn fresh(&mut self, like: &TensorIr) -> TensorIr {
        self.next += 1;
        let id = TensorId::new(self.next as u64 - 1);
        TensorIr::uninit(id, like.shape.clone(), like.dtype)
    }

    /// `out = -log_sigmoid(-x)`.
    fn softplus(&mut self, x: &TensorIr, out: TensorIr) {
        let (negated, log) = (self.fresh(&out), self.fresh(&out));
        self.negate(x.clone(), negated.clone());
        let (input, output) = (negated, log.clone());
        let op = Activation::LogSigmoid(UnaryOpIr { input, out: output });
        self.operations.push(OperationIr::Activation(op));
        self.negate(log, out);
    }

    fn negate(&mut self, input: TensorIr, out: TensorIr) {
        let dtype = out.dtype;
        let op = Numeric::Neg(UnaryOpIr { input, out });
        self.operations.push(OperationIr::NumericFloat(dtype, op));
    }

    fn divide(&mut self, lhs: TensorIr, rhs: ScalarIr, out: TensorIr) {
        let dtype = out.dtype;
        let op = Numeric::DivScalar(ScalarOpIr { lhs, rhs, out });
        self.operations.push(OperationIr::NumericFloat(dtype, op));
    }
}
