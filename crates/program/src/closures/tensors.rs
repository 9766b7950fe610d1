//! Values made of tensors: what functions take and return.

use std::collections::HashSet;

use burn::{
    backend::{Dispatch, DispatchTensor, TensorMetadata, ops::FloatTensorOps},
    tensor::{Device, Shape, Tensor, TensorData, kind::Basic},
};

use crate::ir::error::ProgramError;

/// A value made of tensors, such as `Tensor<2>`, `(Parameters<M>, Tensor<2>)` or `Vec<Tensor<1, Int>>`: what functions
/// take and return.
///
/// Derivatives are taken by its float tensors. The others are passed through: in a gradient they are what they were in
/// the argument. Implement it for a type of one's own by handing on the calls to its parts:
///
/// ```
/// use backdraft_program::{DispatchTensor, Leaves, Tensors, grad};
/// use burn::tensor::{Device, Tensor};
///
/// #[derive(Clone)]
/// struct Line {
///     slope: Tensor<1>,
///     offset: Tensor<1>,
/// }
///
/// impl Tensors for Line {
///     fn visit(&self, leaves: &mut Leaves) {
///         leaves.within("slope", |leaves| self.slope.visit(leaves));
///         leaves.within("offset", |leaves| self.offset.visit(leaves));
///     }
///
///     fn rebuild(&self, tensors: &mut dyn Iterator<Item = DispatchTensor>) -> Self {
///         Self { slope: self.slope.rebuild(tensors), offset: self.offset.rebuild(tensors) }
///     }
/// }
///
/// let device = Device::flex();
/// let line = Line {
///     slope: Tensor::from_floats([3.0], &device),
///     offset: Tensor::from_floats([1.0], &device),
/// };
/// let gradient = grad(|line: Line| (line.slope * 2.0 + line.offset).square(), line)?;
/// assert_eq!(gradient.slope.into_scalar::<f32>(), 28.0);
/// assert_eq!(gradient.offset.into_scalar::<f32>(), 14.0);
/// # Ok::<(), backdraft_program::ProgramError>(())
/// ```
pub trait Tensors: Clone {
    /// Hands its tensors to `leaves`, always in the same order.
    fn visit(&self, leaves: &mut Leaves);

    /// The same structure around other tensors, which come in the order of [`visit`](Self::visit).
    ///
    /// # Panics
    /// If there are too few, or one has another kind.
    fn rebuild(&self, tensors: &mut dyn Iterator<Item = DispatchTensor>) -> Self;

    /// Its tensors, in order.
    fn tensors(&self) -> Vec<DispatchTensor> {
        leaves(self).into_iter().map(|leaf| leaf.tensor).collect()
    }

    /// Its differentiable tensors as one flat vector `[n]`, in order: the coordinates of [`jacobian`](crate::jacobian),
    /// and a convenience for optimizers.
    ///
    /// # Errors
    /// [`ProgramError::NothingToDifferentiate`] if there are none; [`ProgramError::Flat`] if they differ in type.
    fn ravel(&self) -> Result<Tensor<1>, ProgramError> {
        let tensors = floats(self);
        let dtypes: HashSet<_> = tensors.iter().map(TensorMetadata::dtype).collect();
        if dtypes.len() > 1 {
            let text = "float tensors of different types do not make one vector: cast them";
            return Err(ProgramError::Flat(text.into()));
        }
        if tensors.is_empty() {
            return Err(ProgramError::NothingToDifferentiate);
        }
        let flat = tensors.into_iter().map(|tensor| {
            let len = tensor.shape().num_elements();
            Tensor::<1>::from_dispatch(Dispatch::float_reshape(tensor, Shape::new([len])))
        });
        Ok(Tensor::cat(flat.collect(), 0))
    }

    /// The same structure with the differentiable tensors taken from a flat vector `[n]`; the inverse of
    /// [`ravel`](Self::ravel).
    ///
    /// # Errors
    /// [`ProgramError::Flat`] if `flat` has another length.
    fn unravel(&self, flat: Tensor<1>) -> Result<Self, ProgramError> {
        let shapes: Vec<Shape> = floats(self).iter().map(TensorMetadata::shape).collect();
        let expected: usize = shapes.iter().map(Shape::num_elements).sum();
        let [found] = flat.dims();
        if expected != found {
            return Err(ProgramError::Flat(format!(
                "the flat vector has {found} elements, and the tensors {expected}"
            )));
        }
        let mut offset = 0;
        let parts = shapes.into_iter().map(|shape| {
            let len = shape.num_elements();
            let part = flat.clone().slice(offset..offset + len);
            offset += len;
            Dispatch::float_reshape(part.into_dispatch(), shape)
        });
        Ok(with_floats(self, parts.collect()))
    }
}

/// What a function may return: tensors, or a result of tensors if it calls functions that can fail.
pub trait IntoTensorResult {
    /// The tensors.
    type Value: Tensors;

    /// The tensors or the error.
    ///
    /// # Errors
    /// The function's own.
    fn into_result(self) -> Result<Self::Value, ProgramError>;
}

impl<Y: Tensors> IntoTensorResult for Y {
    type Value = Y;

    fn into_result(self) -> Result<Y, ProgramError> {
        Ok(self)
    }
}

impl<Y: Tensors> IntoTensorResult for Result<Y, ProgramError> {
    type Value = Y;

    fn into_result(self) -> Self {
        self
    }
}

/// Collects the tensors of a value.
#[derive(Debug, Default)]
pub struct Leaves {
    found: Vec<Leaf>,
    /// Of the parts that can differ in number between values of one type.
    lengths: Vec<usize>,
    path: Vec<String>,
    constant: bool,
}

/// One tensor of a value.
#[derive(Debug)]
pub(crate) struct Leaf {
    pub tensor: DispatchTensor,
    /// Its path, or nothing.
    pub name: String,
    pub differentiable: bool,
}

impl Leaves {
    /// Adds a tensor. It is differentiated if its elements are floats.
    pub fn push(&mut self, tensor: DispatchTensor) {
        let differentiable = tensor.dtype().is_float() && !self.constant;
        self.found.push(Leaf {
            tensor,
            name: self.path.join("."),
            differentiable,
        });
    }

    /// Names what `visit` adds: errors say of which named tensor an operation is downstream.
    pub fn within(&mut self, name: &str, visit: impl FnOnce(&mut Self)) {
        self.path.push(name.into());
        visit(self);
        self.path.pop();
    }

    /// Takes what `visit` adds for constant: no derivative is taken by it.
    pub fn constant(&mut self, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.constant, true);
        visit(self);
        self.constant = outer;
    }
}

/// All tensors of a value.
pub(crate) fn leaves(value: &impl Tensors) -> Vec<Leaf> {
    visit(value).0
}

/// All tensors of a value, and the lengths of its parts.
pub(crate) fn visit(value: &impl Tensors) -> (Vec<Leaf>, Vec<usize>) {
    let mut leaves = Leaves::default();
    value.visit(&mut leaves);
    (leaves.found, leaves.lengths)
}

/// The differentiable tensors of a value.
pub(crate) fn floats(value: &impl Tensors) -> Vec<DispatchTensor> {
    let leaves = leaves(value).into_iter();
    leaves
        .filter(|leaf| leaf.differentiable)
        .map(|leaf| leaf.tensor)
        .collect()
}

/// `value` with its differentiable tensors replaced.
pub(crate) fn with_floats<X: Tensors>(value: &X, floats: Vec<DispatchTensor>) -> X {
    let mut floats = floats.into_iter();
    let tensors: Vec<_> = leaves(value)
        .into_iter()
        .map(|leaf| match leaf.differentiable {
            true => floats.next().expect("one for each differentiable tensor"),
            false => leaf.tensor,
        })
        .collect();
    value.rebuild(&mut tensors.into_iter())
}

/// Number of elements of the differentiable tensors.
pub(crate) fn size(value: &impl Tensors) -> usize {
    let tensors = floats(value).into_iter();
    tensors.map(|tensor| tensor.shape().num_elements()).sum()
}

/// The device that all tensors of a value live on.
pub(crate) fn device(leaves: &[Leaf]) -> Result<Device, ProgramError> {
    let mut devices = leaves.iter().map(|leaf| Device::new(leaf.tensor.device()));
    let Some(first) = devices.next() else {
        return Err(ProgramError::NothingToDifferentiate);
    };
    match devices.find(|device| *device != first) {
        Some(other) => Err(ProgramError::Trace(format!(
            "its arguments live on different devices, {first:?} and {other:?}: move them to one"
        ))),
        None => Ok(first),
    }
}

/// The `i`-th unit vector in the coordinates of `like`.
pub(crate) fn unit<X: Tensors>(like: &X, i: usize) -> Result<X, ProgramError> {
    let flat = like.ravel()?;
    let [len] = flat.dims();
    let mut values = vec![0.0; len];
    values[i] = 1.0;
    let values = TensorData::new(values, [len]).convert_dtype(flat.dtype());
    like.unravel(Tensor::from_data(values, (&flat.device(), flat.dtype())))
}

fn next(tensors: &mut dyn Iterator<Item = DispatchTensor>) -> DispatchTensor {
    tensors
        .next()
        .expect("a structure is rebuilt from as many tensors as it holds")
}

/// Of any rank and kind.
impl Tensors for DispatchTensor {
    fn visit(&self, leaves: &mut Leaves) {
        leaves.push(self.clone());
    }

    fn rebuild(&self, tensors: &mut dyn Iterator<Item = DispatchTensor>) -> Self {
        next(tensors)
    }
}

impl<const D: usize, K: Basic> Tensors for Tensor<D, K> {
    fn visit(&self, leaves: &mut Leaves) {
        leaves.push(self.clone().into_dispatch());
    }

    fn rebuild(&self, tensors: &mut dyn Iterator<Item = DispatchTensor>) -> Self {
        Self::from_dispatch(next(tensors))
    }
}

/// Tensors by which no derivative is taken: `grad(|(w, Constant(x))| .., (w, Constant(x)))` differentiates by `w`
/// alone.
#[derive(Clone, Debug)]
pub struct Constant<X>(pub X);

impl<X: Tensors> Tensors for Constant<X> {
    fn visit(&self, leaves: &mut Leaves) {
        leaves.constant(|leaves| self.0.visit(leaves));
    }

    fn rebuild(&self, tensors: &mut dyn Iterator<Item = DispatchTensor>) -> Self {
        Self(self.0.rebuild(tensors))
    }
}

impl<X: Tensors> Tensors for Vec<X> {
    fn visit(&self, leaves: &mut Leaves) {
        leaves.lengths.push(self.len());
        self.iter().for_each(|part| part.visit(leaves));
    }

    fn rebuild(&self, tensors: &mut dyn Iterator<Item = DispatchTensor>) -> Self {
        self.iter().map(|part| part.rebuild(tensors)).collect()
    }
}

impl<X: Tensors> Tensors for Option<X> {
    fn visit(&self, leaves: &mut Leaves) {
        leaves.lengths.push(usize::from(self.is_some()));
        self.iter().for_each(|part| part.visit(leaves));
    }

    fn rebuild(&self, tensors: &mut dyn Iterator<Item = DispatchTensor>) -> Self {
        self.as_ref().map(|part| part.rebuild(tensors))
    }
}

impl<X: Tensors, const N: usize> Tensors for [X; N] {
    fn visit(&self, leaves: &mut Leaves) {
        self.iter().for_each(|part| part.visit(leaves));
    }

    fn rebuild(&self, tensors: &mut dyn Iterator<Item = DispatchTensor>) -> Self {
        self.each_ref().map(|part| part.rebuild(tensors))
    }
}

// Tuples of different lengths have no generic.
macro_rules! tuples {
    ($($part:ident: $position:tt),+) => {
        impl<$($part: Tensors),+> Tensors for ($($part,)+) {
            fn visit(&self, leaves: &mut Leaves) {
                $(self.$position.visit(leaves);)+
            }

            fn rebuild(&self, tensors: &mut dyn Iterator<Item = DispatchTensor>) -> Self {
                ($(self.$position.rebuild(tensors),)+)
            }
        }
    };
}

tuples!(A: 0);
tuples!(A: 0, B: 1);
tuples!(A: 0, B: 1, C: 2);
tuples!(A: 0, B: 1, C: 2, D: 3);
tuples!(A: 0, B: 1, C: 2, D: 3, E: 4);
tuples!(A: 0, B: 1, C: 2, D: 3, E: 4, F: 5);
