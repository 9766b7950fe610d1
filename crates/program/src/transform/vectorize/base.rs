//! Operations that tensors of all types have.

use burn_backend::Slice;
use burn_ir::{BaseOperationIr as Base, OperationIr, ReduceDimOpIr, ReduceOpIr};

use crate::transform::vectorize::vectorizer::{Operand, Role, Vectorizer};

impl Vectorizer {
    /// `wrap` makes an operation of `op`'s own type of tensor.
    pub(super) fn base(&mut self, op: &OperationIr, d: &Base, wrap: fn(Base) -> OperationIr) {
        match d {
            Base::Reshape(d) => {
                let operand = self.operand(&d.input);
                self.bind(&d.out, operand);
            }
            Base::Expand(d) => {
                let operand = self.operand(&d.input);
                let aligned = self.broadcast(&operand, d.out.shape.rank());
                let shape = self.led(&d.out.shape);
                let out = self.expand(&aligned, shape);
                self.bind(&d.out, Operand::mapped(out));
            }
            Base::Gather(d) => self.gather(d, wrap),
            Base::GatherNd(d) if !self.is_mapped(&d.data) => {
                self.apply(op, &[Role::Shared, Role::Lead]);
            }
            Base::GatherNd(_) | Base::ScatterNd(_) => self.unroll(op),
            Base::Select(d) => self.select(d, wrap),
            Base::SelectAssign(d) => self.select_assign(d, wrap),
            Base::All(d) => self.reduce(d, |d| wrap(Base::AllDim(d))),
            Base::Any(d) => self.reduce(d, |d| wrap(Base::AnyDim(d))),
            Base::Equal(_) | Base::NotEqual(_) => self.apply(op, &[Role::Broadcast]),
            _ => self.apply(&wrap(along_axis(d)), &[Role::Lead]),
        }
    }

    /// A reduction of each value to one number, by one along an axis.
    pub(super) fn reduce(
        &mut self,
        d: &ReduceOpIr,
        along: impl FnOnce(ReduceDimOpIr) -> OperationIr,
    ) {
        let elements = d.input.shape.num_elements();
        let led = self.lead(&d.input);
        let input = self.reshape(&led, vec![self.size, elements]);
        let out = self.uninit(vec![self.size, 1], d.out.dtype);
        self.push(along(ReduceDimOpIr {
            input,
            out: out.clone(),
            axis: 1,
            accumulator_len: 1,
        }));
        self.bind(&d.out, Operand::mapped(out));
    }
}

/// The operation for tensors with one axis more in front.
fn along_axis(d: &Base) -> Base {
    let mut d = d.clone();
    match &mut d {
        Base::SwapDims(d) => {
            d.dim1 += 1;
            d.dim2 += 1;
        }
        Base::Permute(d) => {
            d.axes.iter_mut().for_each(|axis| *axis += 1);
            d.axes.insert(0, 0);
        }
        Base::Flip(d) => d.axes.iter_mut().for_each(|axis| *axis += 1),
        Base::Unfold(d) => d.dim += 1,
        Base::Slice(d) => d.ranges.insert(0, Slice::full()),
        Base::SliceAssign(d) => d.ranges.insert(0, Slice::full()),
        Base::Scatter(d) => d.dim += 1,
        Base::RepeatDim(d) => d.dim += 1,
        Base::Cat(d) => d.dim += 1,
        Base::AllDim(d) | Base::AnyDim(d) => d.axis += 1,
        // Elementwise, made from nothing, or treated by themselves.
        Base::MaskWhere(_)
        | Base::MaskFill(_)
        | Base::Equal(_)
        | Base::EqualElem(_)
        | Base::NotEqual(_)
        | Base::NotEqualElem(_)
        | Base::Cast(_)
        | Base::Empty(_)
        | Base::Ones(_)
        | Base::Zeros(_)
        | Base::Reshape(_)
        | Base::Expand(_)
        | Base::Gather(_)
        | Base::GatherNd(_)
        | Base::ScatterNd(_)
        | Base::Select(_)
        | Base::SelectAssign(_)
        | Base::All(_)
        | Base::Any(_) => {}
    }
    d
}
