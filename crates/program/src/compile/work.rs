//! What a graphics device makes of operations.

use burn_ir::{
    BaseOperationIr as Base, FloatOperationIr as Float, IntOperationIr as Int,
    NumericOperationIr as Numeric, OperationIr,
};

/// What a graphics device makes of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Another look at the same memory, or a small copy to make that possible.
    Layout,
    /// A part of a kernel, together with the operations beside it.
    Elementwise,
    /// A kernel of its own.
    Kernel,
}

pub(super) fn work(op: &OperationIr) -> Work {
    match op {
        OperationIr::BaseFloat(op) | OperationIr::BaseInt(op) | OperationIr::BaseBool(op) => {
            base(op)
        }
        OperationIr::NumericFloat(_, op) | OperationIr::NumericInt(_, op) => numeric(op),
        OperationIr::Float(_, op) => match op {
            Float::Matmul(_)
            | Float::Cross(_)
            | Float::Random(_)
            | Float::Quantize(_)
            | Float::Dequantize(_)
            | Float::GridSample2d(_) => Work::Kernel,
            _ => Work::Elementwise,
        },
        OperationIr::Int(Int::Matmul(_)) => Work::Kernel,
        OperationIr::Int(_) | OperationIr::Bool(_) | OperationIr::Activation(_) => {
            Work::Elementwise
        }
        _ => Work::Kernel,
    }
}

fn base(op: &Base) -> Work {
    match op {
        Base::Reshape(_)
        | Base::SwapDims(_)
        | Base::Permute(_)
        | Base::Expand(_)
        | Base::Slice(_) => Work::Layout,
        Base::Select(d) if d.tensor.shape.rank() == 1 => Work::Layout,
        Base::MaskWhere(_)
        | Base::MaskFill(_)
        | Base::Equal(_)
        | Base::EqualElem(_)
        | Base::NotEqual(_)
        | Base::NotEqualElem(_)
        | Base::Cast(_)
        | Base::Ones(_)
        | Base::Zeros(_) => Work::Elementwise,
        _ => Work::Kernel,
    }
}

fn numeric(op: &Numeric) -> Work {
    match op {
        Numeric::Mean(_)
        | Numeric::Sum(_)
        | Numeric::SumDims(_)
        | Numeric::Prod(_)
        | Numeric::Max(_)
        | Numeric::Min(_)
        | Numeric::MaxAbs(_)
        | Numeric::ArgTopK(_)
        | Numeric::TopK(_)
        | Numeric::TopKWithIndices(_)
        | Numeric::MaxDimWithIndices(_)
        | Numeric::MinDimWithIndices(_)
        | Numeric::IntRandom(_) => Work::Kernel,
        _ => Work::Elementwise,
    }
}

/// Whether it reduces one dimension.
pub(super) fn reduces(op: &OperationIr) -> bool {
    let (OperationIr::NumericFloat(_, op) | OperationIr::NumericInt(_, op)) = op else {
        return false;
    };
    matches!(
        op,
        Numeric::SumDim(_)
            | Numeric::MeanDim(_)
            | Numeric::ProdDim(_)
            | Numeric::MaxDim(_)
            | Numeric::MinDim(_)
            | Numeric::MaxAbsDim(_)
            | Numeric::ArgMax(_)
            | Numeric::ArgMin(_)
    )
}

/// Whether it is a view with fewer dimensions.
pub(super) fn flattens(op: &OperationIr) -> bool {
    matches!(op, OperationIr::BaseFloat(Base::Reshape(d)) if d.out.shape.rank() < d.input.shape.rank())
}

/// Whether it is a matrix product.
pub(super) fn multiplies(op: &OperationIr) -> bool {
    matches!(op, OperationIr::Float(_, Float::Matmul(_)))
}
