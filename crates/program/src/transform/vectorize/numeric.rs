//! Operations on numbers.

use burn_backend::DType;
use burn_ir::{FloatOperationIr, NumericOperationIr as Numeric, OperationIr};

use crate::transform::vectorize::{
    fold::Fold,
    matmul::float_product,
    vectorizer::{Role, Vectorizer},
};

impl Vectorizer {
    /// `wrap` makes an operation on the type of numbers at hand.
    pub(super) fn numeric(&mut self, d: &Numeric, wrap: impl Fn(Numeric) -> OperationIr) {
        match d {
            Numeric::Mean(d) => self.reduce(d, |d| wrap(Numeric::MeanDim(d))),
            Numeric::Sum(d) => self.reduce(d, |d| wrap(Numeric::SumDim(d))),
            Numeric::Prod(d) => self.reduce(d, |d| wrap(Numeric::ProdDim(d))),
            Numeric::Max(d) => self.reduce(d, |d| wrap(Numeric::MaxDim(d))),
            Numeric::Min(d) => self.reduce(d, |d| wrap(Numeric::MinDim(d))),
            Numeric::MaxAbs(d) => self.reduce(d, |d| wrap(Numeric::MaxAbsDim(d))),
            _ => self.apply(&wrap(along_axis(d)), &[Role::Broadcast]),
        }
    }

    /// Operations that only floats have.
    pub(super) fn float(&mut self, op: &OperationIr, dtype: DType, d: &FloatOperationIr) {
        use FloatOperationIr as Float;
        match d {
            Float::Matmul(d) => self.matmul(d, &float_product),
            Float::Cross(d) => {
                let mut d = d.clone();
                d.dim += 1;
                self.apply(&OperationIr::Float(dtype, Float::Cross(d)), &[Role::Lead]);
            }
            Float::GridSample2d(_) => self.apply(op, &[Role::Folded(Fold::at(0))]),
            Float::Quantize(_) | Float::Dequantize(_) => self.unroll(op),
            _ => self.apply(op, &[Role::Broadcast]),
        }
    }
}

/// The operation for tensors with one axis more in front.
fn along_axis(d: &Numeric) -> Numeric {
    let mut d = d.clone();
    match &mut d {
        Numeric::MeanDim(d)
        | Numeric::SumDim(d)
        | Numeric::ProdDim(d)
        | Numeric::ArgMax(d)
        | Numeric::ArgTopK(d)
        | Numeric::TopK(d)
        | Numeric::ArgMin(d)
        | Numeric::MaxDim(d)
        | Numeric::MinDim(d)
        | Numeric::MaxAbsDim(d) => d.axis += 1,
        Numeric::SumDims(d) => d.axes.iter_mut().for_each(|axis| *axis += 1),
        Numeric::MaxDimWithIndices(d) | Numeric::MinDimWithIndices(d) => d.dim += 1,
        Numeric::TopKWithIndices(d) => d.dim += 1,
        Numeric::CumSum(d) | Numeric::CumProd(d) | Numeric::CumMin(d) | Numeric::CumMax(d) => {
            d.axis += 1;
        }
        Numeric::Sort(d) | Numeric::ArgSort(d) => d.dim += 1,
        Numeric::SortWithIndices(d) => d.dim += 1,
        Numeric::Pad(d) => d.padding.insert(0, (0, 0)),
        // Elementwise, made from nothing, or treated by themselves.
        Numeric::Add(_)
        | Numeric::AddScalar(_)
        | Numeric::Sub(_)
        | Numeric::SubScalar(_)
        | Numeric::Div(_)
        | Numeric::DivScalar(_)
        | Numeric::Rem(_)
        | Numeric::RemScalar(_)
        | Numeric::Mul(_)
        | Numeric::MulScalar(_)
        | Numeric::Abs(_)
        | Numeric::Full(_)
        | Numeric::Mean(_)
        | Numeric::Sum(_)
        | Numeric::Prod(_)
        | Numeric::Greater(_)
        | Numeric::GreaterElem(_)
        | Numeric::GreaterEqual(_)
        | Numeric::GreaterEqualElem(_)
        | Numeric::Lower(_)
        | Numeric::LowerElem(_)
        | Numeric::LowerEqual(_)
        | Numeric::LowerEqualElem(_)
        | Numeric::Max(_)
        | Numeric::Min(_)
        | Numeric::MaxAbs(_)
        | Numeric::Clamp(_)
        | Numeric::IntRandom(_)
        | Numeric::Powi(_)
        | Numeric::PowiScalar(_)
        | Numeric::Neg(_)
        | Numeric::Sign(_)
        | Numeric::ClampMin(_)
        | Numeric::ClampMax(_) => {}
    }
    d
}
