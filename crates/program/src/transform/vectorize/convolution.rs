//! Convolutions, transposed ones, and their reverse passes.
//!
//! A convolution, its derivative in the input and that in the weight are products of two of the three tensors input,
//! weight and output, which gives the third. Input and output share the batch, input and weight the input channels,
//! output and weight the output channels. So the new axis joins that which a mapped factor shares with the result, or,
//! if both factors are mapped, the groups.

use burn_ir::{
    BinaryOpIr, ModuleOperationIr as Module, NumericOperationIr, OperationIr, ReduceDimsOpIr,
    TensorIr,
};

use crate::transform::vectorize::{
    fold::Fold,
    vectorizer::{Operand, Role, Vectorizer},
};

/// What an operation computes from the other two.
#[derive(Clone, Copy)]
pub(super) enum Product {
    Output,
    Input,
    Weight,
}

/// A kind of convolution.
#[derive(Clone, Copy)]
pub(super) struct ConvolutionKind {
    gives: Product,
    /// Whether a transposed convolution, whose weight has the input channels first.
    transposed: bool,
}

/// The axis that the new axis joins.
enum Joins {
    Batch,
    Inputs,
    Outputs,
    Groups,
}

impl ConvolutionKind {
    pub fn of(d: &Module) -> Option<Self> {
        let (gives, transposed) = match d {
            Module::Conv1d(_) | Module::Conv2d(_) | Module::Conv3d(_) => (Product::Output, false),
            Module::Conv1dXBackward(_)
            | Module::Conv2dXBackward(_)
            | Module::Conv3dXBackward(_) => (Product::Input, false),
            Module::Conv1dWeightBackward(_)
            | Module::Conv2dWeightBackward(_)
            | Module::Conv3dWeightBackward(_) => (Product::Weight, false),
            Module::ConvTranspose1d(_)
            | Module::ConvTranspose2d(_)
            | Module::ConvTranspose3d(_) => (Product::Output, true),
            Module::ConvTranspose1dWeightBackward(_)
            | Module::ConvTranspose2dWeightBackward(_)
            | Module::ConvTranspose3dWeightBackward(_) => (Product::Weight, true),
            _ => return None,
        };
        Some(Self { gives, transposed })
    }

    /// Which of the operands are factors, by position.
    fn factors(self) -> [usize; 2] {
        match self.gives {
            Product::Output => [0, 1],
            Product::Input => [1, 2],
            Product::Weight => [0, 2],
        }
    }

    /// The operand of which the shape alone is read, by position.
    pub fn shape_only(self) -> Option<usize> {
        match self.gives {
            Product::Output => None,
            Product::Input => Some(0),
            Product::Weight => Some(1),
        }
    }

    fn joins(self, first: bool, second: bool) -> Joins {
        match (self.gives, first, second) {
            (_, true, true) => Joins::Groups,
            (Product::Output, true, false) | (Product::Input, false, true) => Joins::Batch,
            (Product::Input, ..) | (Product::Weight, true, false) => Joins::Inputs,
            (Product::Output, ..) | (Product::Weight, ..) => Joins::Outputs,
        }
    }

    /// Where the new axis goes in input, weight and output of a convolution in `groups` groups.
    fn folds(self, joins: &Joins, groups: usize) -> [Option<Fold>; 3] {
        // Axis 0 of a weight counts all channels, axis 1 those of one group.
        let all = |axis| {
            Some(Fold {
                axis,
                outer: groups,
            })
        };
        let within = |axis| Some(Fold::at(axis));
        match joins {
            Joins::Batch => [within(0), None, within(0)],
            Joins::Inputs if self.transposed => [all(1), all(0), None],
            Joins::Inputs => [all(1), within(1), None],
            Joins::Outputs if self.transposed => [None, within(1), all(1)],
            Joins::Outputs => [None, all(0), all(1)],
            Joins::Groups => [within(1), within(0), within(1)],
        }
    }
}

impl Vectorizer {
    /// One of the factors is mapped, or the bias.
    pub(super) fn convolution(&mut self, kind: ConvolutionKind, d: &Module, operands: &[TensorIr]) {
        let mut d = d.clone();
        let [first, second] = kind.factors().map(|i| self.is_mapped(&operands[i]));
        // Beside a mapped weight, or mapped itself, it is added apart, as a number for each channel.
        let apart = |bias: &Option<TensorIr>| {
            let bias = bias.as_ref();
            bias.is_some_and(|bias| second || self.is_mapped(bias))
        };
        let bias = bias_of(&mut d)
            .filter(|bias| apart(bias))
            .and_then(Option::take);
        let op = OperationIr::Module(d.clone());
        let out = op.outputs().next().expect("a result").clone();
        if first || second {
            let joins = kind.joins(first, second);
            let groups = groups_of(&mut d);
            let folds = kind.folds(&joins, *groups);
            if matches!(joins, Joins::Groups) {
                *groups *= self.size;
            }
            let role = |fold: Option<Fold>| fold.map_or(Role::Shared, Role::Folded);
            let shape = |fold: Option<Fold>| fold.map_or(Role::Shared, Role::Shape);
            let [input, weight, output] = folds;
            let roles = match kind.gives {
                Product::Output if bias_of(&mut d).is_some_and(|bias| bias.is_some()) => {
                    vec![role(input), role(weight), Role::Shared, role(output)]
                }
                Product::Output => vec![role(input), role(weight), role(output)],
                Product::Input => vec![shape(input), role(weight), role(output), role(input)],
                Product::Weight => vec![role(input), shape(weight), role(output), role(weight)],
            };
            self.apply(&OperationIr::Module(d), &roles);
        } else {
            self.copy(&OperationIr::Module(d));
        }
        if let Some(bias) = bias {
            let product = self.operand(&out);
            let sum = self.add_to_channels(&product, &bias);
            self.bind(&out, sum);
        }
    }

    /// `[batch, channels, ..] + [channels]`.
    fn add_to_channels(&mut self, product: &Operand, bias: &TensorIr) -> Operand {
        let rank = product.shape().len();
        let bias = self.operand(bias);
        let mut shape = vec![1; rank + 1];
        shape[0] = if bias.mapped { self.size } else { 1 };
        shape[2] = bias.shape()[0];
        let rhs = self.reshape(&bias.tensor, shape);
        let lhs = self.broadcast(product, rank);
        self.sum(lhs, rhs)
    }

    /// `lhs + rhs`, where at least one is mapped, and both have an axis for it.
    pub(super) fn sum(&mut self, lhs: TensorIr, rhs: TensorIr) -> Operand {
        let id = self.fresh();
        let add = BinaryOpIr::create(lhs, rhs, || id);
        let out = add.out.clone();
        self.push(OperationIr::NumericFloat(
            out.dtype,
            NumericOperationIr::Add(add),
        ));
        Operand::mapped(out)
    }

    /// The sum over all axes but `kept`: the derivative in a bias.
    pub(super) fn sum_beside(&mut self, kept: usize, grad: &TensorIr, out: &TensorIr) {
        let grad = self.operand(grad);
        let new = usize::from(grad.mapped);
        let beside = (0..grad.shape().len()).filter(|&axis| axis != kept);
        let axes = beside.map(|axis| axis + new).collect();
        let id = self.fresh();
        let sum = ReduceDimsOpIr::create(grad.tensor, axes, || id);
        let (tensor, mapped) = (sum.out.clone(), grad.mapped);
        self.push(OperationIr::NumericFloat(
            tensor.dtype,
            NumericOperationIr::SumDims(sum),
        ));
        self.bind(out, Operand { tensor, mapped });
    }
}

fn bias_of(d: &mut Module) -> Option<&mut Option<TensorIr>> {
    match d {
        Module::Conv1d(d) => Some(&mut d.bias),
        Module::Conv2d(d) => Some(&mut d.bias),
        Module::Conv3d(d) => Some(&mut d.bias),
        Module::ConvTranspose1d(d) => Some(&mut d.bias),
        Module::ConvTranspose2d(d) => Some(&mut d.bias),
        Module::ConvTranspose3d(d) => Some(&mut d.bias),
        _ => None,
    }
}

fn groups_of(d: &mut Module) -> &mut usize {
    match d {
        Module::Conv1d(d) => &mut d.options.groups,
        Module::Conv2d(d) => &mut d.options.groups,
        Module::Conv3d(d) => &mut d.options.groups,
        Module::Conv1dXBackward(d) => &mut d.options.groups,
        Module::Conv2dXBackward(d) => &mut d.options.groups,
        Module::Conv3dXBackward(d) => &mut d.options.groups,
        Module::Conv1dWeightBackward(d) => &mut d.options.groups,
        Module::Conv2dWeightBackward(d) => &mut d.options.groups,
        Module::Conv3dWeightBackward(d) => &mut d.options.groups,
        Module::ConvTranspose1d(d) => &mut d.options.groups,
        Module::ConvTranspose2d(d) => &mut d.options.groups,
        Module::ConvTranspose3d(d) => &mut d.options.groups,
        Module::ConvTranspose1dWeightBackward(d) => &mut d.options.groups,
        Module::ConvTranspose2dWeightBackward(d) => &mut d.options.groups,
        Module::ConvTranspose3dWeightBackward(d) => &mut d.options.groups,
        _ => unreachable!("only convolutions have groups"),
    }
}
