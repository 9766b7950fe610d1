//! Find the outer products that an output is a sum of.

use burn_ir::{
    BaseOperationIr as Base, FloatOperationIr as Float, ModuleOperationIr as Module,
    NumericOperationIr as Numeric, OperationIr, TensorIr,
};

use super::vectors::{Form, OuterVectors, Window};
use crate::ir::operation::index;

/// The operations by what they make.
pub(super) struct Search<'a> {
    made_by: Vec<Option<&'a OperationIr>>,
}

/// A sum of outer products.
pub(super) struct OuterSum {
    pub shape: [usize; 2],
    /// Left and right vectors; without left ones, a sum of the right ones.
    pub terms: Vec<(Option<OuterVectors>, OuterVectors)>,
}

impl OuterSum {
    fn one(shape: [usize; 2], left: OuterVectors, right: OuterVectors) -> Self {
        Self {
            shape,
            terms: vec![(Some(left), right)],
        }
    }

    fn transposed(self) -> Option<Self> {
        let terms = self.terms.into_iter();
        let terms = terms.map(|(left, right)| Some((Some(right), left?)));
        Some(Self {
            shape: [self.shape[1], self.shape[0]],
            terms: terms.collect::<Option<_>>()?,
        })
    }
}

impl<'a> Search<'a> {
    pub fn new(operations: &'a [OperationIr], tensors: usize) -> Self {
        let mut made_by = vec![None; tensors];
        for op in operations {
            op.outputs().for_each(|out| made_by[index(out)] = Some(op));
        }
        Self { made_by }
    }

    /// What an output is a sum of, if it is one that this knows.
    pub fn output(&self, output: &TensorIr) -> Option<OuterSum> {
        match output.shape.num_dims() {
            0 | 1 => self.sum(output),
            _ => self.product(output),
        }
    }

    fn op(&self, tensor: &TensorIr) -> Option<&'a OperationIr> {
        self.made_by[index(tensor)]
    }

    /// `tensor` as a matrix that is a sum of outer products.
    fn product(&self, tensor: &TensorIr) -> Option<OuterSum> {
        match self.op(tensor)? {
            OperationIr::BaseFloat(Base::Reshape(d)) => {
                // The same numbers in the same order, so the same matrix.
                self.product(&d.input)
            }
            OperationIr::BaseFloat(Base::SwapDims(d)) => {
                let mut axes: Vec<usize> = (0..d.input.shape.num_dims()).collect();
                axes.swap(d.dim1, d.dim2);
                self.turned(&d.input, &axes)
            }
            OperationIr::BaseFloat(Base::Permute(d)) => self.turned(&d.input, &d.axes),
            OperationIr::NumericFloat(_, Numeric::Add(d)) => {
                let (mut all, more) = (self.product(&d.lhs)?, self.product(&d.rhs)?);
                if all.shape != more.shape || d.lhs.shape != d.rhs.shape {
                    return None;
                }
                all.terms.extend(more.terms);
                Some(all)
            }
            OperationIr::Float(_, Float::Matmul(d)) => self.matrices(&d.lhs, &d.rhs),
            OperationIr::Module(Module::LinearWeightBackward(d)) => {
                let (left, right) = (self.last_axis(&d.x), self.last_axis(&d.output_grad));
                Some(OuterSum::one(two(&d.out)?, left, right))
            }
            OperationIr::Module(op) => convolution(op),
            _ => None,
        }
    }

    /// `tensor` with its axes in another order.
    fn turned(&self, tensor: &TensorIr, axes: &[usize]) -> Option<OuterSum> {
        let found = self.product(tensor)?;
        let order: Vec<usize> = axes
            .iter()
            .copied()
            .filter(|&axis| tensor.shape[axis] > 1)
            .collect();
        if order.is_sorted() {
            return Some(found);
        }
        // A matrix alone: whose rows and columns are axes of the tensor.
        let swapped = order.len() == 2 && wide(tensor) == found.shape;
        swapped.then(|| found.transposed()).flatten()
    }

    /// A product of matrices, each alone.
    fn matrices(&self, lhs: &TensorIr, rhs: &TensorIr) -> Option<OuterSum> {
        let [rows, inner] = two(lhs)?;
        let [_, columns] = two(rhs)?;
        let left = match self.op(lhs) {
            Some(OperationIr::BaseFloat(Base::SwapDims(d)))
                if two(&d.input) == Some([inner, rows]) =>
            {
                self.last_axis(&d.input)
            }
            Some(OperationIr::BaseFloat(Base::Permute(d))) if swaps(&d.input, &d.axes) => {
                self.last_axis(&d.input)
            }
            _ => OuterVectors {
                tensor: lhs.clone(),
                form: Form::Columns(rows),
            },
        };
        Some(OuterSum::one([rows, columns], left, self.last_axis(rhs)))
    }

    /// The vectors along the last axis of `tensor`, under the name that they have before they are looked at in other
    /// ways.
    fn last_axis(&self, tensor: &TensorIr) -> OuterVectors {
        let length = last(tensor);
        let mut tensor = tensor;
        while let Some(OperationIr::BaseFloat(Base::Reshape(d))) = self.op(tensor) {
            if last(&d.input) != length {
                break;
            }
            tensor = &d.input;
        }
        OuterVectors {
            tensor: tensor.clone(),
            form: Form::Rows(length),
        }
    }

    /// `tensor`, a vector, as the sum of vectors: a bias's gradient.
    fn sum(&self, tensor: &TensorIr) -> Option<OuterSum> {
        let length = tensor.shape.num_elements();
        let of = |right: OuterVectors| OuterSum {
            shape: [1, length],
            terms: vec![(None, right)],
        };
        let mut at = tensor;
        loop {
            match self.op(at) {
                Some(OperationIr::Module(op)) => return bias(op).map(pixels).map(of),
                Some(OperationIr::NumericFloat(_, Numeric::SumDims(d)))
                    if d.input.shape.num_dims() > 2
                        && d.axes == beside_channels(&d.input)
                        && d.input.shape[1] == length =>
                {
                    return Some(of(pixels(&d.input)));
                }
                Some(OperationIr::NumericFloat(_, Numeric::SumDims(d)))
                    if last(&d.input) == length
                        && !d.axes.contains(&(d.input.shape.num_dims() - 1)) =>
                {
                    at = &d.input;
                }
                Some(OperationIr::NumericFloat(_, Numeric::SumDim(d)))
                    if last(&d.input) == length && d.axis + 1 < d.input.shape.num_dims() =>
                {
                    at = &d.input;
                }
                Some(OperationIr::BaseFloat(Base::Reshape(d))) if last(&d.input) == length => {
                    at = &d.input;
                }
                _ => return Some(of(self.last_axis(at))).filter(|_| last(at) == length),
            }
        }
    }
}

/// The output gradients of a layer, if `op` is the gradient of its bias.
fn bias(op: &Module) -> Option<&TensorIr> {
    match op {
        Module::Conv1dBiasBackward(d) => Some(&d.output_grad),
        Module::Conv2dBiasBackward(d) => Some(&d.output_grad),
        Module::ConvTranspose1dBiasBackward(d) => Some(&d.output_grad),
        Module::ConvTranspose2dBiasBackward(d) => Some(&d.output_grad),
        _ => None,
    }
}

/// The gradient of a convolution's weight, `[outputs, inputs, kernel ..]`, in one group. In that of a transposed one,
/// input and output change places.
fn convolution(op: &Module) -> Option<OuterSum> {
    let (seen, at, weight, window) = match op {
        Module::Conv1dWeightBackward(d) if d.options.groups == 1 => {
            let o = &d.options;
            let window = flat(o.stride, o.padding, o.dilation);
            (&d.x, &d.output_grad, &d.weight, window)
        }
        Module::Conv2dWeightBackward(d) if d.options.groups == 1 => {
            let o = &d.options;
            let window = (o.stride, o.padding, o.dilation);
            (&d.x, &d.output_grad, &d.weight, window)
        }
        Module::ConvTranspose1dWeightBackward(d) if d.options.groups == 1 => {
            let o = &d.options;
            let window = flat(o.stride, o.padding.map(|it| (it, it)), o.dilation);
            (&d.output_grad, &d.x, &d.weight, window)
        }
        Module::ConvTranspose2dWeightBackward(d) if d.options.groups == 1 => {
            let o = &d.options;
            let window = (o.stride, o.padding.map(|it| (it, it)), o.dilation);
            (&d.output_grad, &d.x, &d.weight, window)
        }
        _ => return None,
    };
    let (stride, padding, dilation) = window;
    let plane = |tensor: &TensorIr| match tensor.shape.num_dims() {
        3 => [1, tensor.shape[2]],
        _ => [tensor.shape[2], tensor.shape[3]],
    };
    let window = Window {
        kernel: plane(weight),
        stride,
        padding,
        dilation,
        out: plane(at),
    };
    let right = OuterVectors {
        tensor: seen.clone(),
        form: Form::Windows(window),
    };
    let rows = weight.shape[0];
    let shape = [rows, weight.shape.num_elements() / rows];
    Some(OuterSum::one(shape, pixels(at), right))
}

/// Settings of a convolution of one dimension as of one of two.
#[allow(clippy::type_complexity)]
fn flat(
    [stride]: [usize; 1],
    [padding]: [(usize, usize); 1],
    [dilation]: [usize; 1],
) -> ([usize; 2], [(usize, usize); 2], [usize; 2]) {
    ([1, stride], [(0, 0), padding], [1, dilation])
}

fn pixels(tensor: &TensorIr) -> OuterVectors {
    OuterVectors {
        tensor: tensor.clone(),
        form: Form::Pixels,
    }
}

/// All axes of `[batch, channels, ..]` but the channels.
fn beside_channels(tensor: &TensorIr) -> Vec<usize> {
    (0..tensor.shape.num_dims())
        .filter(|&axis| axis != 1)
        .collect()
}

/// Whether `axes` swap the last two, and leave the others, of size one, alone.
fn swaps(tensor: &TensorIr, axes: &[usize]) -> bool {
    let count = axes.len();
    two(tensor).is_some() && count >= 2 && axes[count - 2..] == [count - 1, count - 2]
}

/// The axes of more than one element.
fn wide(tensor: &TensorIr) -> Vec<usize> {
    let sizes = tensor.shape.iter().copied();
    sizes.filter(|&size| size > 1).collect()
}

/// The last two axes, if all others are of size one.
fn two(tensor: &TensorIr) -> Option<[usize; 2]> {
    let (shape, rank) = (&tensor.shape, tensor.shape.num_dims());
    let alone = rank >= 2 && shape.iter().take(rank - 2).all(|&size| size == 1);
    alone.then(|| [shape[rank - 2], shape[rank - 1]])
}

fn last(tensor: &TensorIr) -> usize {
    tensor.shape.iter().last().copied().unwrap_or(1)
}
