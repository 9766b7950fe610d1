//! Remove work from a program without changing what it computes.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use burn_ir::{
    ActivationOperationIr as Activation, BaseOperationIr as Base, BinaryOpIr, FullOpIr,
    IrVisitorMut, NumericOperationIr as Numeric, OperationIr, PermuteOpIr, ScalarIr, ScalarOpIr,
    ShapeOpIr, TensorId, TensorIr,
};

use crate::{
    ir::{
        error::ProgramError,
        operation::{index, number},
        program::Program,
    },
    quirks::{reciprocal_in_f32::reciprocal, softplus::recognize},
};

impl Program {
    /// The same function with less work: operations that change nothing are dropped, products with uniform tensors
    /// become products with numbers, equal operations run once, and what no output needs does not run.
    ///
    /// Traces and derivatives come out simplified, so there is rarely a need to call this.
    ///
    /// # Errors
    /// None for a program that was traced or derived; the type is that of all transformations.
    pub fn simplify(self) -> Result<Self, ProgramError> {
        let (recognized, tensors) = recognize(&self.operations, self.uses.len());
        let mut facts = Facts::default();
        let mut operations: Vec<OperationIr> = Vec::with_capacity(recognized.len());
        let mut seen: HashMap<u64, Vec<usize>> = HashMap::new();
        for op in &recognized {
            let mut op = op.clone();
            op.visit_mut(&mut Alias(&facts.alias));
            let mut op = match facts.rewrite(op) {
                Rewritten::Same(old, new) => {
                    facts.alias.insert(old, new);
                    continue;
                }
                Rewritten::Operation(op) => *op,
            };
            // Equal operations differ in their outputs' names alone.
            let outputs: Vec<TensorId> = op.outputs().map(|tensor| tensor.id).collect();
            op.visit_mut(&mut Blank(&outputs));
            let ordered = ordered(&op);
            let mut hasher = DefaultHasher::new();
            ordered.hash(&mut hasher);
            let same = seen.entry(hasher.finish()).or_default();
            let earlier = same.iter().find(|&&i| {
                let mut other = operations[i].clone();
                let names: Vec<_> = other.outputs().map(|tensor| tensor.id).collect();
                other.visit_mut(&mut Blank(&names));
                self::ordered(&other) == ordered
            });
            if let Some(&earlier) = earlier {
                let names = operations[earlier].outputs().map(|tensor| tensor.id);
                facts.alias.extend(outputs.into_iter().zip(names));
                continue;
            }
            same.push(operations.len());
            op.visit_mut(&mut Restore(&outputs));
            facts.learn(&op);
            operations.push(op);
        }
        let mut outputs = self.outputs.clone();
        let mut rename = Alias(&facts.alias);
        outputs
            .iter_mut()
            .for_each(|tensor| rename.visit_tensor_mut(tensor));

        let mut needed = vec![false; tensors];
        outputs
            .iter()
            .for_each(|tensor| needed[index(tensor)] = true);
        let mut live = Vec::with_capacity(operations.len());
        for op in operations.into_iter().rev() {
            if op.outputs().any(|tensor| needed[index(tensor)]) {
                op.inputs().for_each(|tensor| needed[index(tensor)] = true);
                live.push(op);
            }
        }
        live.reverse();
        let values = self.constant_values();
        let simpler = Self::renumber(self.settings, self.inputs, live, outputs, values)?;
        Ok(simpler.named(self.names))
    }
}

/// What is known about the tensors so far.
#[derive(Default)]
struct Facts {
    /// Tensors that equal an earlier one.
    alias: HashMap<TensorId, TensorId>,
    /// Tensors all of whose elements are one number.
    uniform: HashMap<TensorId, f64>,
    /// Operations that a later one may undo.
    definitions: HashMap<TensorId, Base>,
    /// What relu made of a tensor.
    relu: HashMap<TensorId, TensorIr>,
    /// What a tensor is the negative of.
    negated: HashMap<TensorId, TensorIr>,
}

enum Rewritten {
    /// The first tensor is the second.
    Same(TensorId, TensorId),
    Operation(Box<OperationIr>),
}

impl Facts {
    fn learn(&mut self, op: &OperationIr) {
        let Some(out) = op.outputs().next() else {
            return;
        };
        match op {
            OperationIr::BaseFloat(Base::Ones(_)) => _ = self.uniform.insert(out.id, 1.0),
            OperationIr::BaseFloat(Base::Zeros(_)) => _ = self.uniform.insert(out.id, 0.0),
            OperationIr::NumericFloat(_, Numeric::Full(d)) => {
                if let ScalarIr::Float(value) = d.value {
                    self.uniform.insert(out.id, value);
                }
            }
            OperationIr::NumericFloat(_, Numeric::Neg(d)) => {
                self.negated.insert(out.id, d.input.clone());
            }
            OperationIr::BaseFloat(op) | OperationIr::BaseInt(op) | OperationIr::BaseBool(op) => {
                if let Base::SwapDims(_) | Base::Reshape(_) | Base::Permute(_) = op {
                    self.definitions.insert(out.id, op.clone());
                }
            }
            OperationIr::Activation(Activation::Relu(d)) => {
                self.relu.insert(d.input.id, out.clone());
            }
            _ => {}
        }
    }

    fn uniform(&self, tensor: &TensorIr) -> Option<f64> {
        self.uniform.get(&tensor.id).copied()
    }

    /// Rewrites `op` until there is nothing to simplify.
    fn rewrite(&self, mut op: OperationIr) -> Rewritten {
        loop {
            let simpler = match &op {
                OperationIr::BaseFloat(op) => self.rewrite_base(op, OperationIr::BaseFloat),
                OperationIr::BaseInt(op) => self.rewrite_base(op, OperationIr::BaseInt),
                OperationIr::BaseBool(op) => self.rewrite_base(op, OperationIr::BaseBool),
                OperationIr::NumericFloat(_, op) => self.rewrite_numeric(op),
                OperationIr::Activation(op) => self.rewrite_activation(op),
                _ => None,
            };
            match simpler {
                None => return Rewritten::Operation(Box::new(op)),
                Some(Rewritten::Operation(simpler)) => op = *simpler,
                Some(same) => return same,
            }
        }
    }

    fn rewrite_activation(&self, op: &Activation) -> Option<Rewritten> {
        match op {
            // The input and the output of relu are positive together. Forward mode reads the output, Burn's reverse
            // mode the input, and whoever keeps values between products would keep both.
            Activation::ReluBackward(d) => {
                let (lhs, rhs) = (self.relu.get(&d.lhs.id)?.clone(), d.rhs.clone());
                let out = d.out.clone();
                let op = Activation::ReluBackward(BinaryOpIr { lhs, rhs, out });
                Some(Rewritten::Operation(Box::new(OperationIr::Activation(op))))
            }
            _ => None,
        }
    }

    fn rewrite_base(&self, op: &Base, wrap: fn(Base) -> OperationIr) -> Option<Rewritten> {
        let same = |input: &TensorIr, out: &TensorIr| Some(Rewritten::Same(out.id, input.id));
        match op {
            Base::Reshape(d) | Base::Expand(d) if d.input.shape == d.out.shape => {
                same(&d.input, &d.out)
            }
            Base::Reshape(d) | Base::Expand(d) if self.uniform(&d.input).is_some() => {
                full(self.uniform(&d.input)?, &d.out)
            }
            Base::Reshape(d) => match self.definitions.get(&d.input.id) {
                Some(Base::Reshape(inner)) if inner.input.shape == d.out.shape => {
                    same(&inner.input, &d.out)
                }
                Some(Base::Reshape(inner)) => {
                    let (input, out) = (inner.input.clone(), d.out.clone());
                    let reshape = wrap(Base::Reshape(ShapeOpIr { input, out }));
                    Some(Rewritten::Operation(Box::new(reshape)))
                }
                _ => None,
            },
            Base::SwapDims(d) if d.dim1 == d.dim2 => same(&d.input, &d.out),
            Base::SwapDims(d) => match self.definitions.get(&d.input.id) {
                Some(Base::SwapDims(inner))
                    if (inner.dim1, inner.dim2) == (d.dim1, d.dim2)
                        || (inner.dim2, inner.dim1) == (d.dim1, d.dim2) =>
                {
                    same(&inner.input, &d.out)
                }
                _ => None,
            },
            Base::Permute(d) if d.axes.iter().copied().eq(0..d.axes.len()) => {
                same(&d.input, &d.out)
            }
            Base::Permute(d) => match self.definitions.get(&d.input.id) {
                Some(Base::Permute(inner)) => {
                    let axes: Vec<usize> = d.axes.iter().map(|&axis| inner.axes[axis]).collect();
                    if axes.iter().copied().eq(0..axes.len()) {
                        return same(&inner.input, &d.out);
                    }
                    let (input, out) = (inner.input.clone(), d.out.clone());
                    let permute = wrap(Base::Permute(PermuteOpIr { input, out, axes }));
                    Some(Rewritten::Operation(Box::new(permute)))
                }
                _ => None,
            },
            Base::Cast(d) if d.input.dtype == d.out.dtype => same(&d.input, &d.out),
            Base::RepeatDim(d) if d.times == 1 => same(&d.tensor, &d.out),
            _ => None,
        }
    }

    fn rewrite_numeric(&self, op: &Numeric) -> Option<Rewritten> {
        match op {
            Numeric::Mul(d) => match (self.uniform(&d.lhs), self.uniform(&d.rhs)) {
                (_, Some(c)) => scaled(&d.lhs, c, &d.out),
                (Some(c), _) => scaled(&d.rhs, c, &d.out),
                _ => None,
            },
            Numeric::Div(d) => match self.uniform(&d.rhs) {
                Some(1.0) => unchanged(&d.lhs, &d.out),
                Some(c) if d.lhs.shape == d.out.shape => {
                    let (lhs, rhs) = (d.lhs.clone(), ScalarIr::Float(c));
                    let out = d.out.clone();
                    numeric(&d.out, Numeric::DivScalar(ScalarOpIr { lhs, rhs, out }))
                }
                _ => None,
            },
            Numeric::Add(d) if self.uniform(&d.rhs) == Some(0.0) => unchanged(&d.lhs, &d.out),
            Numeric::Add(d) if self.uniform(&d.lhs) == Some(0.0) => unchanged(&d.rhs, &d.out),
            Numeric::Sub(d) if self.uniform(&d.rhs) == Some(0.0) => unchanged(&d.lhs, &d.out),
            Numeric::MulScalar(d) | Numeric::DivScalar(d) if number(&d.rhs) == Some(1.0) => {
                unchanged(&d.lhs, &d.out)
            }
            Numeric::AddScalar(d) | Numeric::SubScalar(d) if number(&d.rhs) == Some(0.0) => {
                unchanged(&d.lhs, &d.out)
            }
            Numeric::MulScalar(d) => full(self.uniform(&d.lhs)? * number(&d.rhs)?, &d.out),
            Numeric::DivScalar(d) => match self.uniform(&d.lhs) {
                Some(value) => full(value / number(&d.rhs)?, &d.out),
                None => product(&d.lhs, reciprocal(&d.rhs, d.out.dtype)?, &d.out),
            },
            Numeric::Neg(d) => match self.negated.get(&d.input.id) {
                Some(x) => unchanged(x, &d.out),
                None => full(-self.uniform(&d.input)?, &d.out),
            },
            Numeric::SumDim(d) | Numeric::MeanDim(d) if d.input.shape[d.axis] == 1 => {
                unchanged(&d.input, &d.out)
            }
            _ => None,
        }
    }
}

fn base(op: Base) -> Option<Rewritten> {
    Some(Rewritten::Operation(Box::new(OperationIr::BaseFloat(op))))
}

fn numeric(out: &TensorIr, op: Numeric) -> Option<Rewritten> {
    Some(Rewritten::Operation(Box::new(OperationIr::NumericFloat(
        out.dtype, op,
    ))))
}

/// `lhs * factor`.
fn product(lhs: &TensorIr, factor: f64, out: &TensorIr) -> Option<Rewritten> {
    let (lhs, rhs) = (lhs.clone(), ScalarIr::Float(factor));
    numeric(
        out,
        Numeric::MulScalar(ScalarOpIr {
            lhs,
            rhs,
            out: out.clone(),
        }),
    )
}

/// `tensor`, broadcast to the shape of `out`.
fn unchanged(tensor: &TensorIr, out: &TensorIr) -> Option<Rewritten> {
    if tensor.shape == out.shape {
        return Some(Rewritten::Same(out.id, tensor.id));
    }
    let (input, out) = (tensor.clone(), out.clone());
    base(Base::Expand(ShapeOpIr { input, out }))
}

/// `tensor * factor`, if that has the shape of `out`.
fn scaled(tensor: &TensorIr, factor: f64, out: &TensorIr) -> Option<Rewritten> {
    if factor == 1.0 {
        return unchanged(tensor, out);
    }
    (tensor.shape == out.shape).then(|| product(tensor, factor, out))?
}

fn full(value: f64, out: &TensorIr) -> Option<Rewritten> {
    let value = ScalarIr::Float(value);
    numeric(
        out,
        Numeric::Full(FullOpIr {
            out: out.clone(),
            value,
        }),
    )
}

/// `op`, with the factors of a product in the order of their names: in either it is the same to the bit.
fn ordered(op: &OperationIr) -> OperationIr {
    let mut op = op.clone();
    if let OperationIr::NumericFloat(_, Numeric::Mul(d)) = &mut op
        && d.lhs.id > d.rhs.id
    {
        std::mem::swap(&mut d.lhs, &mut d.rhs);
    }
    op
}

struct Alias<'a>(&'a HashMap<TensorId, TensorId>);

impl IrVisitorMut for Alias<'_> {
    fn visit_tensor_mut(&mut self, tensor: &mut TensorIr) {
        if let Some(&id) = self.0.get(&tensor.id) {
            tensor.id = id;
        }
    }
}

/// Numbers from the top, which no program reaches, name outputs by position.
fn position(i: usize) -> TensorId {
    TensorId::new(u64::MAX - i as u64)
}

struct Blank<'a>(&'a [TensorId]);

impl IrVisitorMut for Blank<'_> {
    fn visit_tensor_mut(&mut self, tensor: &mut TensorIr) {
        if let Some(i) = self.0.iter().position(|&id| id == tensor.id) {
            tensor.id = position(i);
        }
    }
}

struct Restore<'a>(&'a [TensorId]);

impl IrVisitorMut for Restore<'_> {
    fn visit_tensor_mut(&mut self, tensor: &mut TensorIr) {
        if let Some(i) = (0..self.0.len()).find(|&i| position(i) == tensor.id) {
            tensor.id = self.0[i];
        }
    }
}
