//! The program under construction, and what became of the tensors of the original.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use burn_backend::{DType, Slice, TensorData};
use burn_ir::{
    BaseOperationIr as Base, CatOpIr, CreationOpIr, IrVisitorMut, OperationIr, PermuteOpIr,
    ShapeOpIr, SliceOpIr, TensorId, TensorIr,
};

use crate::{ir::program::Program, transform::vectorize::fold::Fold};

/// A tensor, and whether it has the new axis, which then is axis 0.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub tensor: TensorIr,
    pub mapped: bool,
}

impl Operand {
    pub fn mapped(tensor: TensorIr) -> Self {
        Self {
            tensor,
            mapped: true,
        }
    }

    pub fn unmapped(tensor: TensorIr) -> Self {
        Self {
            tensor,
            mapped: false,
        }
    }

    /// The shape without the new axis.
    pub fn shape(&self) -> &[usize] {
        &self.tensor.shape[usize::from(self.mapped)..]
    }
}

/// How an operation takes an operand, or gives a result.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    /// As it is, without the new axis.
    Shared,
    /// With the new axis; what has none is repeated.
    Lead,
    /// With the new axis, which is of size one if there is none.
    Broadcast,
    /// With the new axis as part of another.
    Folded(Fold),
    /// As folded, but it is the shape alone that is read.
    Shape(Fold),
}

/// Builds a vectorized program. The parts that know what the operations mean are in the files beside this one.
pub(super) struct Vectorizer {
    pub size: usize,
    operations: Vec<OperationIr>,
    constants: HashMap<TensorId, Arc<TensorData>>,
    /// The original's tensors that are not themselves any more.
    operands: HashMap<TensorId, Operand>,
    next: u64,
}

impl Vectorizer {
    pub fn new(program: &Program, size: usize) -> Self {
        Self {
            size,
            operations: Vec::with_capacity(program.operations.len()),
            constants: program.constant_values(),
            operands: HashMap::new(),
            next: program.uses.len() as u64,
        }
    }

    pub fn finish(self) -> (Vec<OperationIr>, HashMap<TensorId, Arc<TensorData>>) {
        (self.operations, self.constants)
    }

    /// The input `tensor` with the new axis.
    pub fn map(&mut self, tensor: &TensorIr) -> TensorIr {
        let mut tensor = tensor.clone();
        tensor.shape = self.led(&tensor.shape).into();
        self.operands
            .insert(tensor.id, Operand::mapped(tensor.clone()));
        tensor
    }

    pub fn is_mapped(&self, tensor: &TensorIr) -> bool {
        self.operands
            .get(&tensor.id)
            .is_some_and(|operand| operand.mapped)
    }

    /// What became of the original's `tensor`.
    pub fn operand(&self, tensor: &TensorIr) -> Operand {
        let changed = self.operands.get(&tensor.id).cloned();
        changed.unwrap_or_else(|| Operand::unmapped(tensor.clone()))
    }

    /// Says what became of the original's `tensor`; its elements are in order, its shape need not be right yet.
    pub fn bind(&mut self, tensor: &TensorIr, mut operand: Operand) {
        let shape = match operand.mapped {
            true => self.led(&tensor.shape),
            false => tensor.shape.to_vec(),
        };
        operand.tensor = self.reshape(&operand.tensor, shape);
        self.operands.insert(tensor.id, operand);
    }

    /// `shape` with the new axis.
    pub fn led(&self, shape: &[usize]) -> Vec<usize> {
        let mut led = vec![self.size];
        led.extend_from_slice(shape);
        led
    }

    pub fn fresh(&mut self) -> TensorId {
        self.next += 1;
        TensorId::new(self.next - 1)
    }

    pub fn uninit(&mut self, shape: Vec<usize>, dtype: DType) -> TensorIr {
        TensorIr::uninit(self.fresh(), shape.into(), dtype)
    }

    pub fn push(&mut self, op: OperationIr) {
        self.operations.push(op);
    }

    /// A constant of the program.
    pub fn constant(&mut self, data: TensorData) -> TensorIr {
        let tensor = self.uninit(data.shape().to_vec(), data.dtype());
        self.constants.insert(tensor.id, Arc::new(data));
        tensor
    }

    /// Adds an operation on operands without the new axis.
    pub fn copy(&mut self, op: &OperationIr) {
        let operands = tensors(op)
            .iter()
            .map(|tensor| self.operand(tensor).tensor)
            .collect();
        self.push(with_tensors(op, operands));
    }

    /// Adds `op` with operands and results as the roles say, in the order in which the operation lists them: operands,
    /// then results. The last role is that of all that follow.
    pub fn apply(&mut self, op: &OperationIr, roles: &[Role]) {
        let results: HashSet<TensorId> = op.outputs().map(|tensor| tensor.id).collect();
        let rank = op.outputs().next().map_or(0, |tensor| tensor.shape.rank());
        let mut bound = Vec::new();
        let mut operands = Vec::new();
        for (i, tensor) in tensors(op).into_iter().enumerate() {
            let role = *roles.get(i).unwrap_or(&roles[roles.len() - 1]);
            if results.contains(&tensor.id) {
                let shape = match role {
                    Role::Folded(fold) => fold.folded(&tensor.shape, self.size),
                    _ => self.led(&tensor.shape),
                };
                let result = self.uninit(shape, tensor.dtype);
                operands.push(result.clone());
                bound.push((tensor, role, result));
            } else {
                operands.push(self.take(&tensor, role, rank));
            }
        }
        self.push(with_tensors(op, operands));
        for (tensor, role, result) in bound {
            let result = match role {
                Role::Folded(fold) => self.unfold(&result, &tensor.shape, fold),
                _ => result,
            };
            self.bind(&tensor, Operand::mapped(result));
        }
    }

    fn take(&mut self, tensor: &TensorIr, role: Role, rank: usize) -> TensorIr {
        match role {
            Role::Shared => self.operand(tensor).tensor,
            Role::Lead => self.lead(tensor),
            Role::Broadcast => {
                let operand = self.operand(tensor);
                self.broadcast(&operand, rank)
            }
            Role::Folded(fold) => {
                let led = self.lead(tensor);
                self.fold(&led, fold)
            }
            Role::Shape(fold) => {
                let shape = fold.folded(&tensor.shape, self.size);
                self.shaped(tensor, shape)
            }
        }
    }

    /// The original's `tensor` with the new axis, repeated along it if need be.
    pub fn lead(&mut self, tensor: &TensorIr) -> TensorIr {
        let operand = self.operand(tensor);
        match operand.mapped {
            true => operand.tensor,
            false => {
                let shape = self.led(&tensor.shape);
                self.expand(&operand.tensor, shape)
            }
        }
    }

    /// With the new axis, of size one if there is none, and of rank `rank` without it.
    pub fn broadcast(&mut self, operand: &Operand, rank: usize) -> TensorIr {
        let shape = operand.shape();
        let mut aligned = vec![1; 1 + rank.saturating_sub(shape.len())];
        aligned.extend_from_slice(shape);
        if operand.mapped {
            aligned[0] = self.size;
            return self.reshape(&operand.tensor, aligned);
        }
        // Unlike a reshape this never copies.
        self.expand(&operand.tensor, aligned)
    }

    /// `led`, which has the new axis, with that axis as part of another.
    pub fn fold(&mut self, led: &TensorIr, fold: Fold) -> TensorIr {
        let shape = &led.shape[1..];
        let (split, inwards) = (fold.split(shape, self.size), fold.inwards(shape.len()));
        let folded = fold.folded(shape, self.size);
        let tensor = self.reshape(led, split);
        let tensor = self.permute(&tensor, inwards);
        self.reshape(&tensor, folded)
    }

    /// Undoes [`fold`](Self::fold); `shape` is the one without the new axis.
    pub fn unfold(&mut self, folded: &TensorIr, shape: &[usize], fold: Fold) -> TensorIr {
        let (split, outwards) = (fold.split(shape, self.size), fold.outwards(shape.len()));
        let inwards = fold.inwards(shape.len());
        let inner = inwards.iter().map(|&axis| split[axis]).collect();
        let tensor = self.reshape(folded, inner);
        let tensor = self.permute(&tensor, outwards);
        let led = self.led(shape);
        self.reshape(&tensor, led)
    }

    /// Some tensor of the shape `shape`, of the type of `tensor` and on its device, which costs nothing to make.
    pub fn shaped(&mut self, tensor: &TensorIr, shape: Vec<usize>) -> TensorIr {
        let operand = self.operand(tensor).tensor;
        if operand.shape.num_elements() == 0 {
            let out = self.uninit(shape, operand.dtype);
            return self.base_of(Base::Empty(CreationOpIr { out: out.clone() }), out);
        }
        let first = vec![Slice::from(0..1); operand.shape.rank()];
        let id = self.fresh();
        let slice = SliceOpIr::create(operand, first, || id);
        let one = self.base_of(Base::Slice(slice.clone()), slice.out);
        let one = self.reshape(&one, vec![1; shape.len()]);
        self.expand(&one, shape)
    }

    pub fn reshape(&mut self, tensor: &TensorIr, shape: Vec<usize>) -> TensorIr {
        if tensor.shape.as_slice() == shape {
            return tensor.clone();
        }
        let id = self.fresh();
        let op = ShapeOpIr::reshape(tensor.clone(), shape.into(), || id);
        self.base_of(Base::Reshape(op.clone()), op.out)
    }

    pub fn expand(&mut self, tensor: &TensorIr, shape: Vec<usize>) -> TensorIr {
        if tensor.shape.as_slice() == shape {
            return tensor.clone();
        }
        let id = self.fresh();
        let op = ShapeOpIr::expand(tensor.clone(), shape.into(), || id);
        self.base_of(Base::Expand(op.clone()), op.out)
    }

    pub fn permute(&mut self, tensor: &TensorIr, axes: Vec<usize>) -> TensorIr {
        if axes.iter().copied().eq(0..axes.len()) {
            return tensor.clone();
        }
        let id = self.fresh();
        let op = PermuteOpIr::create(tensor.clone(), axes, || id);
        self.base_of(Base::Permute(op.clone()), op.out)
    }

    /// Adds an operation of those that all types of tensors have, and gives its result.
    pub fn base_of(&mut self, op: Base, out: TensorIr) -> TensorIr {
        self.push(match out.dtype {
            dtype if dtype.is_float() => OperationIr::BaseFloat(op),
            dtype if dtype.is_bool() => OperationIr::BaseBool(op),
            _ => OperationIr::BaseInt(op),
        });
        out
    }

    /// Runs `op` for one value after the other.
    pub fn unroll(&mut self, op: &OperationIr) {
        let results: Vec<TensorIr> = op.outputs().cloned().collect();
        let mut rows: HashMap<TensorId, Vec<TensorIr>> = HashMap::new();
        for k in 0..self.size {
            let mut operands = Vec::new();
            for tensor in tensors(op) {
                operands.push(if results.iter().any(|result| result.id == tensor.id) {
                    let result = self.uninit(tensor.shape.to_vec(), tensor.dtype);
                    rows.entry(tensor.id).or_default().push(result.clone());
                    result
                } else {
                    self.row(&tensor, k)
                });
            }
            self.push(with_tensors(op, operands));
        }
        for result in results {
            let mut parts = Vec::new();
            for row in rows.remove(&result.id).unwrap_or_default() {
                let mut shape = vec![1];
                shape.extend_from_slice(&row.shape);
                parts.push(self.reshape(&row, shape));
            }
            let id = self.fresh();
            let cat = CatOpIr::create(parts, 0, || id);
            let tensor = self.base_of(Base::Cat(cat.clone()), cat.out);
            self.bind(&result, Operand::mapped(tensor));
        }
    }

    /// The original's `tensor` for value `k`.
    fn row(&mut self, tensor: &TensorIr, k: usize) -> TensorIr {
        let operand = self.operand(tensor);
        if !operand.mapped {
            return operand.tensor;
        }
        let id = self.fresh();
        let slice = SliceOpIr::create(operand.tensor, vec![Slice::from(k..k + 1)], || id);
        let row = self.base_of(Base::Slice(slice.clone()), slice.out);
        self.reshape(&row, tensor.shape.to_vec())
    }
}

/// An operation's tensors in the order in which it lists them: operands, then results.
pub(super) fn tensors(op: &OperationIr) -> Vec<TensorIr> {
    let mut list = Listed(Vec::new());
    op.clone().visit_mut(&mut list);
    list.0
}

/// `op` with other tensors.
pub(super) fn with_tensors(op: &OperationIr, tensors: Vec<TensorIr>) -> OperationIr {
    let mut op = op.clone();
    op.visit_mut(&mut ReplaceTensors(tensors.into_iter()));
    op
}

struct Listed(Vec<TensorIr>);

impl IrVisitorMut for Listed {
    fn visit_tensor_mut(&mut self, tensor: &mut TensorIr) {
        self.0.push(tensor.clone());
    }
}

struct ReplaceTensors<I>(I);

impl<I: Iterator<Item = TensorIr>> IrVisitorMut for ReplaceTensors<I> {
    fn visit_tensor_mut(&mut self, tensor: &mut TensorIr) {
        *tensor = self.0.next().expect("as many tensors as the operation has");
    }
}
