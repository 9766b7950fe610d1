//! Softplus, put together again from what Burn takes it apart into while it is traced.
//!
//! - Fault: burn-tensor's softplus is `log1p(exp(x))` below a threshold and `x` above, in f64 too. Burn 0.22.0 and
//!   0.22.1. The slope of `log1p(exp(x))` comes out right from those of its parts; the slope's own is the difference of
//!   two numbers that round to one, and above the threshold it is zero.
//! - Way round: it is found in the trace, and differentiated as `-log_sigmoid(-x)`.
//! - It may go when `burn_still_loses_the_ends` in `crates/program/tests/program/saturation.rs` fails at softplus.
//!
//! ELU, CELU and SELU are found too: burn-tensor takes an exponential for all numbers and uses it for the negative
//! ones. Where it overflows unused, its slope is zero times infinity. It is taken of zero there.

use std::{collections::HashMap, mem};

use burn_ir::{
    ActivationOperationIr as Activation, BaseOperationIr as Base, BoolOperationIr as Bool,
    FloatOperationIr as Float, MaskFillOpIr, MaskWhereOpIr, NumericOperationIr as Numeric,
    OperationIr, ScalarIr, ScalarOpIr, TensorId, TensorIr, UnaryOpIr,
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
                return self.choose(d);
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

    /// `d`, with exponentials that are not taken, by the sign of what they are of, computed of zero.
    fn choose(&mut self, d: &MaskWhereOpIr) {
        let mut d = d.clone();
        if let Some(value) = self.of_zero(&d.mask, &d.value, true) {
            d.value = value;
        }
        if let Some(tensor) = self.of_zero(&d.mask, &d.tensor, false) {
            d.tensor = tensor;
        }
        let op = Base::MaskWhere(d);
        self.operations.push(OperationIr::BaseFloat(op));
    }

    /// `branch`, which is chosen where `mask` is `chosen`, computed of zero where it is not: if it is the exponential
    /// of a number whose sign decides, with constants.
    fn of_zero(&mut self, mask: &TensorIr, branch: &TensorIr, chosen: bool) -> Option<TensorIr> {
        use Numeric::{GreaterElem, GreaterEqualElem, LowerElem, LowerEqualElem};
        let (GreaterElem(by) | GreaterEqualElem(by) | LowerElem(by) | LowerEqualElem(by)) =
            self.numeric(mask)?
        else {
            return None;
        };
        if number(&by.rhs)? != 0.0 || by.lhs.shape != branch.shape {
            return None;
        }
        let chain = self.exponential(branch, by.lhs.id)?;
        let mask = match chosen {
            true => self.not(mask),
            false => mask.clone(),
        };
        let mut last = self.fresh(&by.lhs);
        self.operations
            .push(OperationIr::BaseFloat(Base::MaskFill(MaskFillOpIr {
                tensor: by.lhs.clone(),
                mask,
                value: ScalarIr::Float(0.0),
                out: last.clone(),
            })));
        for op in chain {
            let out = self.fresh(&last);
            let mut op = op.clone();
            let (input, output) = operands(&mut op)?;
            (*input, *output) = (mem::replace(&mut last, out.clone()), out);
            self.operations.push(op);
        }
        Some(last)
    }

    /// The operations from the number `x` to `tensor`, if they are an exponential and constants.
    fn exponential(&self, tensor: &TensorIr, x: TensorId) -> Option<Vec<&'a OperationIr>> {
        let (mut at, mut chain) = (tensor.id, Vec::new());
        while at != x {
            let op = *self.makers.get(&at)?;
            let mut copy = op.clone();
            at = operands(&mut copy)?.0.id;
            chain.push(op);
        }
        chain.reverse();
        let is_exponential = |op: &&OperationIr| matches!(op, OperationIr::Float(_, Float::Exp(_)));
        chain.iter().any(is_exponential).then_some(chain)
    }

    fn not(&mut self, mask: &TensorIr) -> TensorIr {
        let out = self.fresh(mask);
        let input = mask.clone();
        let op = Bool::Not(UnaryOpIr {
            input,
            out: out.clone(),
        });
        self.operations.push(OperationIr::Bool(op));
        out
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

/// The input and the output of an exponential, or of a sum, product or quotient with a number.
fn operands(op: &mut OperationIr) -> Option<(&mut TensorIr, &mut TensorIr)> {
    use Numeric::{AddScalar, DivScalar, MulScalar, Neg, SubScalar};
    match op {
        OperationIr::Float(_, Float::Exp(d)) | OperationIr::NumericFloat(_, Neg(d)) => {
            Some((&mut d.input, &mut d.out))
        }
        OperationIr::NumericFloat(_, AddScalar(d) | SubScalar(d) | MulScalar(d) | DivScalar(d)) => {
            Some((&mut d.lhs, &mut d.out))
        }
        _ => None,
    }
}
