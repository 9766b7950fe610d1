//! What a cost computes of its examples.

use backdraft_program::DispatchTensor;
use burn::Tensor;

use super::Cost;
use crate::{
    CurvatureError, Examples, Rows,
    data::Batch,
    finite::are_finite,
    fixed::{Fixed, first},
    function::BatchFunction,
    operator::by_rows,
};

impl Cost {
    /// The network's outputs, `[N, outputs]`. One of them may be `-inf` where the loss of its example is finite: the
    /// logit of a class that is ruled out.
    ///
    /// # Errors
    /// [`CurvatureError::Program`], [`CurvatureError::NotFinite`].
    pub fn outputs(&self) -> Result<Tensor<2>, CurvatureError> {
        let outputs = self.concatenate(BatchFunction::OUTPUTS, None)?;
        if !self.is_sound(&outputs)? {
            self.sound("the outputs", None, |cost| {
                let outputs = cost.concatenate(BatchFunction::OUTPUTS, None)?;
                cost.without_ruled_out(outputs)
            })?;
        }
        Ok(outputs)
    }

    /// The network's outputs and their derivatives along `v`, `[N, outputs]` each: `f` and `J v`, in one forward-mode
    /// pass.
    ///
    /// # Errors
    /// [`CurvatureError::Dimension`], [`CurvatureError::Program`], [`CurvatureError::NotFinite`].
    pub fn outputs_along(&self, v: Tensor<1>) -> Result<(Tensor<2>, Tensor<2>), CurvatureError> {
        let v = self.model.vectors(v)?;
        let found = self.both_along(&v)?;
        if !self.is_sound(&found)? {
            self.sound("the outputs or their derivatives", Some(&v), |cost| {
                let (outputs, tangents) = cost.both_along(&v)?;
                Ok((cost.without_ruled_out(outputs)?, tangents))
            })?;
        }
        Ok(found)
    }

    fn both_along(&self, v: &Tensor<1>) -> Result<(Tensor<2>, Tensor<2>), CurvatureError> {
        let (mut outputs, mut tangents) = (Vec::new(), Vec::new());
        for batch in self.batches() {
            let [y, dy] = self.run(BatchFunction::OUTPUTS_ALONG, batch?, vec![v.clone()])?;
            outputs.push(Rows::from(y));
            tangents.push(Rows::from(dy));
        }
        Ok((joined(outputs), joined(tangents)))
    }

    /// The gradient of every example's loss with respect to the outputs, `[N, outputs]`.
    ///
    /// # Errors
    /// [`CurvatureError::Program`], [`CurvatureError::NotFinite`].
    pub fn output_gradients(&self) -> Result<Tensor<2>, CurvatureError> {
        self.sound("the gradients in the outputs", None, |cost| {
            cost.concatenate(BatchFunction::OUTPUT_GRADIENTS, None)
        })
    }

    /// Every example's loss, `[N]`.
    ///
    /// # Errors
    /// [`CurvatureError::Program`], [`CurvatureError::NotFinite`].
    pub fn losses(&self) -> Result<Tensor<1>, CurvatureError> {
        self.sound("the losses", None, |cost| {
            cost.concatenate(BatchFunction::LOSSES, None)
        })
    }

    /// The derivative of every example's loss along `v`, `[N]`: `<grad loss_i, v>`, by one forward-mode pass a batch;
    /// no gradient is formed.
    ///
    /// # Errors
    /// [`CurvatureError::Dimension`], [`CurvatureError::Program`], [`CurvatureError::NotFinite`].
    pub fn directional_derivatives(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let v = self.model.vectors(v)?;
        self.sound(
            "the losses' derivatives along the vector",
            Some(&v),
            |cost| cost.concatenate(BatchFunction::DIRECTIONAL, Some(v.clone())),
        )
    }

    /// The derivatives of every example's loss along several vectors, the rows of `vs`, `[k, dim]`: `[k, N]`. What does
    /// not depend on the vectors, such as the layers' values, is computed once for all.
    ///
    /// # Errors
    /// As [`directional_derivatives`](Self::directional_derivatives).
    pub fn directional_derivatives_many(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        let vs = self.model.vectors(vs)?;
        let [count, dim] = vs.dims();
        if count == 0 {
            return Ok(vs.reshape([0, self.len()]));
        }
        let one = vs.clone().slice(0..1).reshape([dim]);
        let what = "the losses' derivatives along the vectors";
        self.sound(what, Some(&one), |cost| {
            let mut parts = Vec::new();
            for batch in cost.batches() {
                let arguments = cost.arguments(batch?, Vec::new());
                let function = BatchFunction::DIRECTIONAL;
                let map = cost.programs.linear(function, cost.parts(), &arguments)?;
                parts.push(match map.recomputes() {
                    // What several vectors would share is what there is no memory for.
                    true => by_rows(vs.clone(), |v| {
                        let along = map.apply_at(vec![v.into_dispatch()], arguments.clone());
                        Ok(first(along?))
                    })?,
                    false => Fixed::new(map, arguments)?.apply_many(vs.clone())?,
                });
            }
            Ok(Tensor::cat(parts, 1))
        })
    }

    /// The mixed second derivative: the gradient of `<grad loss_i, v>` with respect to every example's own *inputs*, in
    /// the shape of the inputs. How the derivative along `v` answers to a change of the example itself. One forward
    /// pass over a reverse pass a batch.
    ///
    /// # Errors
    /// [`CurvatureError::Program`] if an input is not a float tensor; [`CurvatureError::Inputs`] and
    /// [`CurvatureError::Input`] if `X` is not what the inputs are; [`CurvatureError::Dimension`],
    /// [`CurvatureError::Placement`], [`CurvatureError::NotFinite`].
    pub fn input_derivatives<X: Examples>(&self, v: Tensor<1>) -> Result<X, CurvatureError> {
        self.check_inputs::<X>()?;
        let found = self.input_derivative_rows(v)?;
        Ok(X::from_rows(&mut found.into_iter()))
    }

    /// The same for inputs of any type: the tensors, in order, in the shapes of the inputs.
    ///
    /// # Errors
    /// As [`input_derivatives`](Self::input_derivatives).
    pub fn input_derivative_rows(&self, v: Tensor<1>) -> Result<Vec<Rows>, CurvatureError> {
        let v = self.model.vectors(v)?;
        let found = self.inputs_along(&v)?;
        if self.unchecked || are_finite(&found)? {
            return Ok(found);
        }
        let cause = self.cause(Some(&v), |cost| cost.inputs_along(&v))?;
        let what = "the derivatives in the inputs";
        Err(CurvatureError::NotFinite { what, cause })
    }

    fn inputs_along(&self, v: &Tensor<1>) -> Result<Vec<Rows>, CurvatureError> {
        let mut parts = vec![Vec::new(); self.model.arity()];
        for batch in self.batches() {
            let derivatives =
                self.run_all(BatchFunction::INPUT_DERIVATIVES, batch?, vec![v.clone()])?;
            for (part, derivative) in parts.iter_mut().zip(derivatives) {
                part.push(Rows::from(derivative));
            }
        }
        Ok(parts.into_iter().map(Rows::cat).collect())
    }

    /// The cost, of shape `[1]`, and its gradient, of shape `[dim]`.
    ///
    /// # Errors
    /// [`CurvatureError::Program`], [`CurvatureError::NotFinite`].
    pub fn value_and_gradient(&self) -> Result<(Tensor<1>, Tensor<1>), CurvatureError> {
        self.sound("the cost or its gradient", None, Self::summed)
    }

    fn summed(&self) -> Result<(Tensor<1>, Tensor<1>), CurvatureError> {
        let scale = self.scale();
        let mut total: Option<(Tensor<1>, Tensor<1>)> = None;
        for batch in self.batches() {
            let results = self.run(BatchFunction::GRADIENT, batch?, vec![scale.clone()])?;
            let [value, gradient] = results.map(Tensor::from_dispatch);
            total = Some(match total {
                Some((v, g)) => (v + value, g + gradient),
                None => (value, gradient),
            });
        }
        let (value, gradient) = total.expect("a cost has examples");
        if self.l2 == 0.0 {
            return Ok((value, gradient));
        }
        let theta = self.model.theta();
        let penalty = theta.clone().square().sum() * (0.5 * self.l2);
        Ok((value + penalty, gradient + theta * self.l2))
    }

    /// The gradient of the cost, of shape `[dim]`.
    ///
    /// # Errors
    /// [`CurvatureError::Program`], [`CurvatureError::NotFinite`].
    pub fn gradient(&self) -> Result<Tensor<1>, CurvatureError> {
        Ok(self.value_and_gradient()?.1)
    }

    /// The outputs with 0 for those that are `-inf` where the loss is finite all the same.
    fn without_ruled_out(&self, outputs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        let losses: Tensor<1> = self.concatenate(BatchFunction::LOSSES, None)?;
        let sound = losses
            .is_finite()
            .unsqueeze_dim::<2>(1)
            .expand(outputs.dims());
        let ruled_out = outputs
            .clone()
            .equal_elem(f64::NEG_INFINITY)
            .bool_and(sound);
        Ok(outputs.mask_fill(ruled_out, 0.0))
    }

    /// Runs `function` on one batch.
    fn run_all(
        &self,
        function: BatchFunction,
        batch: Batch,
        tail: Vec<Tensor<1>>,
    ) -> Result<Vec<DispatchTensor>, CurvatureError> {
        let arguments = self.arguments(batch, tail);
        let program = self.programs.get(function, self.parts(), &arguments)?;
        Ok(program.run(arguments)?)
    }

    pub(super) fn run<const R: usize>(
        &self,
        function: BatchFunction,
        batch: Batch,
        tail: Vec<Tensor<1>>,
    ) -> Result<[DispatchTensor; R], CurvatureError> {
        let results = self.run_all(function, batch, tail)?;
        Ok(results
            .try_into()
            .expect("a quantity has a fixed number of results"))
    }

    pub(super) fn concatenate<const D: usize>(
        &self,
        function: BatchFunction,
        v: Option<Tensor<1>>,
    ) -> Result<Tensor<D>, CurvatureError> {
        let mut parts = Vec::new();
        for batch in self.batches() {
            let [part] = self.run(function, batch?, Vec::from_iter(v.clone()))?;
            parts.push(Rows::from(part));
        }
        Ok(joined(parts))
    }
}

/// The batches' results as one tensor.
fn joined<const D: usize>(parts: Vec<Rows>) -> Tensor<D> {
    Tensor::from_dispatch(Rows::cat(parts).into_dispatch())
}
