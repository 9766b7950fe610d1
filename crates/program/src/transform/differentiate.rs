//! Programs that compute derivatives of a program.

use backdraft_forward::{Dual, DualTensor};
use burn_backend::{AutodiffBackend, TensorMetadata, ops::FloatTensorOps, tensor::FloatTensor};
use burn_capture::{CaptureBackend, CaptureDevice};

use crate::{
    ir::{error::ProgramError, program::Program, value::Value},
    quirks::slopes::Reverse,
    run::{capture::record, interpreter},
};

type Forward = Dual<CaptureBackend>;

/// Which derivative of a region is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mode {
    /// A tangent of the arguments is pushed forward to one of the results.
    Forward,
    /// A cotangent of the results is pulled back to one of the arguments.
    Reverse,
}

impl Mode {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Forward => Self::Reverse,
            Self::Reverse => Self::Forward,
        }
    }

    /// The derivative program in this mode by the inputs `wrt`: the results, then the derivatives.
    pub(crate) fn of(self, program: &Program, wrt: &[usize]) -> Result<Program, ProgramError> {
        match self {
            Self::Forward => program.jvp(wrt),
            Self::Reverse => program.vjp(wrt),
        }
    }
}

impl Program {
    /// Forward mode: the Jacobian-vector product.
    ///
    /// ```text
    /// (x_1 .. x_n, v_i for i in wrt) -> (y_1 .. y_m, dy_1 .. dy_m),   dy = sum over i of dy/dx_i v_i
    /// ```
    ///
    /// A tangent `v_i` has the shape and type of `x_i`. Costs about one to two evaluations more.
    ///
    /// # Errors
    /// [`ProgramError::NotDifferentiable`] and [`ProgramError::Output`] for ints and bools;
    /// [`ProgramError::Unsupported`] for an operation without a rule.
    pub fn jvp(&self, wrt: &[usize]) -> Result<Self, ProgramError> {
        self.check_differentiable(wrt)?;
        self.check_outputs()?;
        let mut specs = self.inputs();
        specs.extend(wrt.iter().map(|&i| specs[i].clone()).collect::<Vec<_>>());
        record(&self.settings, &specs, |device, mut inputs| {
            let tangents = inputs.split_off(self.inputs.len());
            let mut duals: Vec<Value<Forward>> = inputs.into_iter().map(constant).collect();
            for (&i, tangent) in wrt.iter().zip(tangents) {
                if let (Value::Float(dual), Value::Float(tangent)) = (&duals[i], tangent) {
                    duals[i] = Value::Float(DualTensor::new(dual.primal().clone(), tangent));
                }
            }
            let constants: Vec<_> = interpreter::constants::<Forward>(self, device);
            let outputs = interpreter::replay::<Forward>(self, device, duals, &constants)?;
            let parts: Vec<_> = outputs
                .into_iter()
                .filter_map(|output| match output {
                    Value::Float(dual) => Some(dual.into_parts()),
                    _ => None,
                })
                .collect();
            let primals = parts.iter().map(|(primal, _)| primal.clone());
            let tangents = parts.iter().map(|(primal, tangent)| match tangent {
                Some(tangent) => tangent.clone(),
                None => zeros(primal, device),
            });
            Ok(primals.chain(tangents).map(Value::Float).collect())
        })?
        .named(self.names.clone())
        .simplify()
    }

    /// Reverse mode: the vector-Jacobian product.
    ///
    /// ```text
    /// (x_1 .. x_n, u_1 .. u_m) -> (y_1 .. y_m, g_i for i in wrt),   g_i = sum over k of (dy_k/dx_i)' u_k
    /// ```
    ///
    /// A cotangent `u_k` has the shape and type of `y_k`.
    ///
    /// # Errors
    /// As [`jvp`](Self::jvp).
    pub fn vjp(&self, wrt: &[usize]) -> Result<Self, ProgramError> {
        self.check_differentiable(wrt)?;
        self.check_outputs()?;
        let mut specs = self.inputs();
        specs.extend(self.outputs());
        record(&self.settings, &specs, |device, mut inputs| {
            let cotangents = inputs.split_off(self.inputs.len());
            self.reverse(device, inputs, wrt, |outputs| {
                outputs
                    .iter()
                    .zip(cotangents)
                    .filter_map(|(output, cotangent)| match cotangent {
                        Value::Float(u) => {
                            Some(Reverse::float_mul(output.clone(), Reverse::from_inner(u)))
                        }
                        _ => None,
                    })
                    .collect()
            })
        })?
        .named(self.names.clone())
        .simplify()
    }

    /// The gradient of the sum of all elements of all outputs; with one scalar output, simply its gradient.
    ///
    /// ```text
    /// (x_1 .. x_n) -> (y_1 .. y_m, g_i for i in wrt)
    /// ```
    ///
    /// # Errors
    /// As [`jvp`](Self::jvp).
    pub fn gradient(&self, wrt: &[usize]) -> Result<Self, ProgramError> {
        self.check_differentiable(wrt)?;
        self.check_outputs()?;
        record(&self.settings, &self.inputs(), |device, inputs| {
            self.reverse(device, inputs, wrt, |outputs| outputs.to_vec())
        })?
        .named(self.names.clone())
        .simplify()
    }

    /// Runs the program under reverse mode and differentiates the sum of what `weigh` makes of its outputs.
    fn reverse(
        &self,
        device: &CaptureDevice,
        inputs: Vec<Value<CaptureBackend>>,
        wrt: &[usize],
        weigh: impl FnOnce(&[FloatTensor<Reverse>]) -> Vec<FloatTensor<Reverse>>,
    ) -> Result<Vec<Value<CaptureBackend>>, ProgramError> {
        let tracked = inputs
            .into_iter()
            .enumerate()
            .map(|(i, input)| match input {
                Value::Float(t) if wrt.contains(&i) => Value::Float(
                    Reverse::float_set_require_grad(Reverse::from_inner(t), true),
                ),
                Value::Float(t) => Value::Float(Reverse::from_inner(t)),
                Value::Int(t) => Value::Int(t),
                Value::Bool(t) => Value::Bool(t),
            });
        let tracked: Vec<Value<Reverse>> = tracked.collect();
        let constants = interpreter::constants::<Reverse>(self, device);
        let outputs: Vec<_> =
            interpreter::replay::<Reverse>(self, device, tracked.clone(), &constants)?
                .into_iter()
                .filter_map(|output| match output {
                    Value::Float(t) => Some(t),
                    _ => None,
                })
                .collect();
        let mut weighted = weigh(&outputs);
        let total = if weighted.len() == 1 {
            weighted.pop()
        } else {
            weighted
                .into_iter()
                .map(Reverse::float_sum)
                .reduce(Reverse::float_add)
        };
        let gradients = total.map(Reverse::backward);
        let primals = outputs.into_iter().map(Reverse::inner);
        let gradients = wrt.iter().filter_map(|&i| match &tracked[i] {
            Value::Float(leaf) => Some(
                gradients
                    .as_ref()
                    .and_then(|gradients| Reverse::grad(leaf, gradients))
                    .unwrap_or_else(|| zeros(leaf.primitive(), device)),
            ),
            _ => None,
        });
        Ok(primals.chain(gradients).map(Value::Float).collect())
    }

    fn check_differentiable(&self, wrt: &[usize]) -> Result<(), ProgramError> {
        for (position, &index) in wrt.iter().enumerate() {
            let reason = match self.inputs.get(index) {
                None => "there is no such input",
                Some(tensor) if !tensor.dtype.is_float() => "it is not a float tensor",
                Some(_) if wrt[..position].contains(&index) => "it is named twice",
                Some(_) => continue,
            };
            return Err(ProgramError::NotDifferentiable { index, reason });
        }
        Ok(())
    }

    fn check_outputs(&self) -> Result<(), ProgramError> {
        match self
            .outputs
            .iter()
            .position(|tensor| !tensor.dtype.is_float())
        {
            Some(index) => Err(ProgramError::Output {
                index,
                reason: "it is not a float tensor",
            }),
            None => Ok(()),
        }
    }
}

fn constant(value: Value<CaptureBackend>) -> Value<Forward> {
    match value {
        Value::Float(t) => Value::Float(DualTensor::constant(t)),
        Value::Int(t) => Value::Int(t),
        Value::Bool(t) => Value::Bool(t),
    }
}

fn zeros(
    like: &FloatTensor<CaptureBackend>,
    device: &CaptureDevice,
) -> FloatTensor<CaptureBackend> {
    CaptureBackend::float_zeros(like.shape(), device, like.dtype().into())
}
