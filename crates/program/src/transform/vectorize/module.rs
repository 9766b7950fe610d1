//! Layers and the operations of their reverse passes.

use burn_backend::tensor::IndexingUpdateOp;
use burn_ir::{
    AttentionOpIr, BaseOperationIr as Base, BatchNormOpIr, BinaryOpIr, CreationOpIr,
    EmbeddingBackwardOpIr, EmbeddingOpIr, LayerNormOpIr, ModuleOperationIr as Module,
    NumericOperationIr, OperationIr, TensorIr,
};

use crate::transform::vectorize::{
    convolution::ConvolutionKind,
    fold::Fold,
    vectorizer::{Operand, Role, Vectorizer, tensors, with_tensors},
};

/// In the batch, which is axis 0.
const BATCH: Role = Role::Folded(Fold { axis: 0, outer: 1 });
/// In axis 1: channels, or the batch of sequences that come time first.
const SECOND: Role = Role::Folded(Fold { axis: 1, outer: 1 });
/// As [`BATCH`], for an operand of which only the shape is read.
const BATCH_SHAPE: Role = Role::Shape(Fold { axis: 0, outer: 1 });

impl Vectorizer {
    pub(super) fn module(&mut self, op: &OperationIr, d: &Module) {
        let mut operands = tensors(op);
        if let Some(i) = shape_only(d)
            && self.is_mapped(&operands[i])
        {
            let shape = operands[i].shape.to_vec();
            operands[i] = self.shaped(&operands[i], shape);
            return self.operation(&with_tensors(op, operands));
        }
        if let Some(kind) = ConvolutionKind::of(d) {
            return self.convolution(kind, d, &operands);
        }
        match d {
            Module::Conv1dBiasBackward(d) => self.sum_beside(1, &d.output_grad, &d.out),
            Module::Conv2dBiasBackward(d) => self.sum_beside(1, &d.output_grad, &d.out),
            Module::Conv3dBiasBackward(d) => self.sum_beside(1, &d.output_grad, &d.out),
            Module::ConvTranspose1dBiasBackward(d) => self.sum_beside(1, &d.output_grad, &d.out),
            Module::ConvTranspose2dBiasBackward(d) => self.sum_beside(1, &d.output_grad, &d.out),
            Module::ConvTranspose3dBiasBackward(d) => self.sum_beside(1, &d.output_grad, &d.out),
            Module::Linear(d) => self.linear(d),
            Module::LinearXBackward(d) => self.linear_x_backward(d),
            Module::LinearWeightBackward(d) => self.linear_weight_backward(d),
            Module::LinearBiasBackward(d) => {
                let last = d.output_grad.shape.rank() - 1;
                self.sum_beside(last, &d.output_grad, &d.out);
            }
            Module::BatchNorm(d) => self.batch_norm(op, d),
            Module::LayerNorm(d) => self.layer_norm(d),
            Module::Embedding(d) => self.embedding(d),
            Module::EmbeddingBackward(d) => self.embedding_backward(d),
            Module::Attention(d) => self.attention(op, d),
            Module::CtcLoss(_) => self.apply(op, &[SECOND, BATCH]),
            Module::CtcLossBackward(_) => {
                self.apply(op, &[SECOND, BATCH, BATCH, BATCH, BATCH, SECOND]);
            }
            Module::AvgPool1dBackward(_)
            | Module::AvgPool2dBackward(_)
            | Module::AdaptiveAvgPool1dBackward(_)
            | Module::AdaptiveAvgPool2dBackward(_)
            | Module::AdaptiveAvgPool3dBackward(_)
            | Module::MaxPool1dWithIndicesBackward(_)
            | Module::MaxPool2dWithIndicesBackward(_)
            | Module::InterpolateBackward(_) => self.apply(op, &[BATCH_SHAPE, BATCH]),
            Module::AvgPool1d(_)
            | Module::AvgPool2d(_)
            | Module::AdaptiveAvgPool1d(_)
            | Module::AdaptiveAvgPool2d(_)
            | Module::AdaptiveAvgPool3d(_)
            | Module::MaxPool1d(_)
            | Module::MaxPool1dWithIndices(_)
            | Module::MaxPool2d(_)
            | Module::MaxPool2dWithIndices(_)
            | Module::Interpolate(_)
            | Module::Unfold4d(_) => self.apply(op, &[BATCH]),
            Module::DeformableConv2d(d)
                if !self.is_mapped(&d.weight)
                    && !d.bias.as_ref().is_some_and(|bias| self.is_mapped(bias)) =>
            {
                let mut roles = vec![BATCH, BATCH, Role::Shared];
                roles.extend(d.mask.as_ref().map(|_| BATCH));
                roles.extend(d.bias.as_ref().map(|_| Role::Shared));
                roles.push(BATCH);
                self.apply(op, &roles);
            }
            _ => self.unroll(op),
        }
    }

    /// In the batch if only `x` is mapped, else in the channels.
    fn batch_norm(&mut self, op: &OperationIr, d: &BatchNormOpIr) {
        let channels = [&d.gamma, &d.beta, &d.mean, &d.variance];
        if channels.iter().any(|tensor| self.is_mapped(tensor)) {
            return self.apply(op, &[SECOND, BATCH, BATCH, BATCH, BATCH, SECOND]);
        }
        let shared = Role::Shared;
        self.apply(op, &[BATCH, shared, shared, shared, shared, BATCH]);
    }

    /// Mapped scales and shifts are applied apart.
    fn layer_norm(&mut self, d: &LayerNormOpIr) {
        let mapped = |tensor: &TensorIr| self.is_mapped(tensor);
        let apart = mapped(&d.gamma) || d.beta.as_ref().is_some_and(mapped);
        let mut plain = d.clone();
        if apart {
            let out = self.uninit(d.gamma.shape.to_vec(), d.gamma.dtype);
            plain.gamma = self.base_of(Base::Ones(CreationOpIr { out: out.clone() }), out);
            plain.beta = None;
        }
        let roles: &[Role] = match plain.beta {
            Some(_) => &[Role::Lead, Role::Shared, Role::Shared, Role::Lead],
            None => &[Role::Lead, Role::Shared, Role::Lead],
        };
        let op = OperationIr::Module(Module::LayerNorm(plain));
        match self.is_mapped(&d.input) {
            true => self.apply(&op, roles),
            false => self.copy(&op),
        }
        if !apart {
            return;
        }
        let rank = d.out.shape.rank();
        let (normalized, gamma) = (self.operand(&d.out), self.operand(&d.gamma));
        let lhs = self.broadcast(&normalized, rank);
        let rhs = self.broadcast(&gamma, rank);
        let id = self.fresh();
        let scaled = BinaryOpIr::create(lhs, rhs, || id);
        let mut out = Operand {
            tensor: scaled.out.clone(),
            mapped: normalized.mapped || gamma.mapped,
        };
        self.push(OperationIr::NumericFloat(
            d.out.dtype,
            NumericOperationIr::Mul(scaled),
        ));
        if let Some(beta) = &d.beta {
            let beta = self.operand(beta);
            let rhs = self.broadcast(&beta, rank);
            out = self.sum(out.tensor, rhs);
        }
        self.bind(&d.out, out);
    }

    fn embedding(&mut self, d: &EmbeddingOpIr) {
        let (table, indices) = (self.operand(&d.weights), self.flat(&d.indices));
        let out = self.selected(&table, 0, &indices, OperationIr::BaseFloat);
        self.bind(&d.out, out);
    }

    fn embedding_backward(&mut self, d: &EmbeddingBackwardOpIr) {
        let indices = self.flat(&d.indices);
        let width = d.weights.shape[1];
        let grad = self.lead(&d.out_grad);
        let rows = grad.shape.num_elements() / (self.size * width).max(1);
        let grad = self.reshape(&grad, vec![self.size, rows, width]);
        let shape = self.led(&d.weights.shape);
        let zeros = self.uninit(shape, grad.dtype);
        let zeros = self.base_of(Base::Zeros(CreationOpIr { out: zeros.clone() }), zeros);
        let (wrap, add) = (OperationIr::BaseFloat, IndexingUpdateOp::Add);
        let out = self.select_assigned(zeros, 0, &indices, grad, add, wrap);
        self.bind(&d.out, Operand::mapped(out));
    }

    /// The original's `tensor` as a vector.
    fn flat(&mut self, tensor: &TensorIr) -> Operand {
        let elements = tensor.shape.num_elements();
        let operand = self.operand(tensor);
        let shape = match operand.mapped {
            true => vec![self.size, elements],
            false => vec![elements],
        };
        let tensor = self.reshape(&operand.tensor, shape);
        Operand { tensor, ..operand }
    }

    fn attention(&mut self, op: &OperationIr, d: &AttentionOpIr) {
        let batch = d.query.shape[0];
        let mut operands = tensors(op);
        let mut roles = vec![BATCH; 3];
        let last = operands.len() - 1;
        // Masks and biases may be shared by the batch.
        for tensor in &mut operands[3..last] {
            let mapped = self.is_mapped(tensor);
            roles.push(match mapped {
                false if tensor.shape[0] == 1 => Role::Shared,
                _ => BATCH,
            });
            if mapped && tensor.shape[0] != batch {
                let mut repeated = self.uninit(tensor.shape.to_vec(), tensor.dtype);
                repeated.shape[0] = batch;
                let (led, shape) = (self.lead(tensor), self.led(&repeated.shape));
                let led = self.expand(&led, shape);
                self.bind(&repeated, Operand::mapped(led));
                *tensor = repeated;
            }
        }
        roles.push(BATCH);
        self.apply(&with_tensors(op, operands), &roles);
    }
}

/// The operand of which only the shape is read, by position.
fn shape_only(d: &Module) -> Option<usize> {
    match d {
        Module::AvgPool1dBackward(_)
        | Module::AvgPool2dBackward(_)
        | Module::AdaptiveAvgPool1dBackward(_)
        | Module::AdaptiveAvgPool2dBackward(_)
        | Module::AdaptiveAvgPool3dBackward(_)
        | Module::MaxPool1dWithIndicesBackward(_)
        | Module::MaxPool2dWithIndicesBackward(_)
        | Module::InterpolateBackward(_)
        | Module::EmbeddingBackward(_) => Some(0),
        _ => ConvolutionKind::of(d)?.shape_only(),
    }
}
