//! A cost over examples that lie apart, on several devices.

use std::ops::Range;

use burn::tensor::{Device, Tensor};

use super::Cost;
use crate::{
    Curvature, CurvatureError, Sharded,
    parts::{Parcel, Parts},
};

/// A cost over examples in parts, `J = sum over i of n_i/N J_i`, each a [`Cost`] on the device where its `n_i` examples
/// are: for data that one device does not hold, or to go through them faster. What is asked of it is computed on all
/// devices at once, and comes to the first part's device. Sums are over the parts in their order: see [`Sharded`].
pub struct ShardedCost {
    parts: Parts<Cost>,
}

impl ShardedCost {
    /// Of costs of one model, at the same parameters and with the same L2 term, each on its own examples, counted one
    /// part after another.
    ///
    /// # Errors
    /// [`CurvatureError::Setting`] if there is none, or their L2 terms differ; [`CurvatureError::Dimension`];
    /// [`CurvatureError::Placement`] for different float types.
    pub fn new(parts: Vec<Cost>) -> Result<Self, CurvatureError> {
        if let [first, others @ ..] = &parts[..] {
            let (model, l2) = (first.model(), first.l2());
            for part in others {
                let (expected, found) = (model.dim(), part.model().dim());
                if expected != found {
                    return Err(CurvatureError::Dimension { expected, found });
                }
                if part.model().dtype() != model.dtype() {
                    return Err(CurvatureError::Placement {
                        what: "a part".into(),
                        found: format!("{:?}", part.model().dtype()),
                        expected: format!("{:?}", model.dtype()),
                    });
                }
                if part.l2() != l2 {
                    let problem = format!("holds different L2 terms: {l2} and {}", part.l2());
                    return Err(CurvatureError::setting("parts", problem));
                }
            }
        }
        let dtype = parts
            .first()
            .map_or(burn::tensor::DType::F32, |it| it.model().dtype());
        let placed = parts.into_iter().map(|part| {
            let (device, examples) = (part.model().device().clone(), part.len());
            (part, device, examples)
        });
        let parts = Parts::new(placed.collect(), dtype)?;
        Ok(Self { parts })
    }

    /// Of so many `examples` in as many parts as there are devices: `part` makes the cost of a range of them on a
    /// device. A device that is named twice has two parts.
    ///
    /// # Errors
    /// Those of `part`; [`CurvatureError::Setting`] for more devices than examples, or none; as [`new`](Self::new).
    pub fn over<E: From<CurvatureError>>(
        examples: usize,
        devices: &[Device],
        part: impl Fn(Range<usize>, &Device) -> Result<Cost, E>,
    ) -> Result<Self, E> {
        let count = devices.len();
        if count > examples {
            let problem = format!("names {count}, of {examples} examples");
            return Err(CurvatureError::setting("devices", problem).into());
        }
        let parts = devices.iter().enumerate().map(|(at, device)| {
            let range = at * examples / count..(at + 1) * examples / count;
            part(range, device)
        });
        Ok(Self::new(parts.collect::<Result<_, E>>()?)?)
    }

    /// The examples of `cost` in as many parts as there are devices, to which they are copied, with its L2 term. Those of
    /// a stream are held from then on.
    ///
    /// # Errors
    /// As [`over`](Self::over); those of reading.
    pub fn split(cost: &Cost, devices: &[Device]) -> Result<Self, CurvatureError> {
        Self::over(cost.len(), devices, |range, device| {
            let part = cost.select(&range.collect::<Vec<_>>())?;
            part.with_l2(cost.l2()).to_device(device)
        })
    }

    /// Number of examples `N`.
    pub fn len(&self) -> usize {
        self.parts.examples()
    }

    /// Whether there is no example; never the case.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first part: its model is on the device where vectors are.
    pub fn first(&self) -> &Cost {
        let mut parts = self.parts.values();
        parts.next().expect("there is one part at least")
    }

    /// An operator made of every part: `cost.operator(Cost::gauss_newton)`, or the same with a memory budget.
    ///
    /// # Errors
    /// As [`Sharded::new`].
    pub fn operator<O: crate::LinearOperator + Send + Sync + 'static>(
        &self,
        of: impl Fn(&Cost) -> O,
    ) -> Result<Sharded<O>, CurvatureError> {
        Sharded::of(self.parts.with(of))
    }

    /// The Gauss-Newton matrix, as [`Cost::gauss_newton`].
    ///
    /// # Errors
    /// As [`Sharded::new`].
    pub fn gauss_newton(&self) -> Result<Sharded<Curvature>, CurvatureError> {
        self.operator(Cost::gauss_newton)
    }

    /// The cost, `[1]`, and its gradient, `[dim]`, as [`Cost::value_and_gradient`].
    ///
    /// # Errors
    /// As [`Cost::value_and_gradient`].
    pub fn value_and_gradient(&self) -> Result<(Tensor<1>, Tensor<1>), CurvatureError> {
        let home = self.parts.home().clone();
        let found = self.parts.all(&(), move |cost, ()| {
            let (value, gradient) = cost.value_and_gradient()?;
            Ok((Parcel::to(value, &home)?, Parcel::to(gradient, &home)?))
        })?;
        let (values, gradients): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        let sum = |terms: Vec<Parcel<1>>| self.parts.reduced(self.parts.shares().zip(terms));
        Ok((sum(values), sum(gradients)))
    }

    /// The gradient of the cost, `[dim]`.
    ///
    /// # Errors
    /// As [`Cost::gradient`].
    pub fn gradient(&self) -> Result<Tensor<1>, CurvatureError> {
        Ok(self.value_and_gradient()?.1)
    }

    /// The network's outputs, `[N, outputs]`, as [`Cost::outputs`].
    ///
    /// # Errors
    /// As [`Cost::outputs`].
    pub fn outputs(&self) -> Result<Tensor<2>, CurvatureError> {
        self.joined(&(), 0, |cost, ()| cost.outputs())
    }

    /// Every example's loss, `[N]`, as [`Cost::losses`].
    ///
    /// # Errors
    /// As [`Cost::losses`].
    pub fn losses(&self) -> Result<Tensor<1>, CurvatureError> {
        self.joined(&(), 0, |cost, ()| cost.losses())
    }

    /// The derivative of every example's loss along `v`, `[N]`, as [`Cost::directional_derivatives`].
    ///
    /// # Errors
    /// As [`Cost::directional_derivatives`].
    pub fn directional_derivatives(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let v = self.parts.parcel(v, self.first().model().dim())?;
        self.joined(&v, 0, |cost, v| {
            cost.directional_derivatives(opened(cost, v))
        })
    }

    /// The same along several vectors, the rows of `vs`, `[k, dim]`: `[k, N]`, as
    /// [`Cost::directional_derivatives_many`].
    ///
    /// # Errors
    /// As [`Cost::directional_derivatives_many`].
    pub fn directional_derivatives_many(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        if vs.dims()[0] == 0 {
            return Ok(vs.reshape([0, self.len()]));
        }
        let vs = self.parts.parcel(vs, self.first().model().dim())?;
        self.joined(&vs, 1, |cost, vs| {
            cost.directional_derivatives_many(opened(cost, vs))
        })
    }

    /// What `f` makes of every part, one after another along `dim`.
    fn joined<const D: usize, I: Clone + Send + 'static>(
        &self,
        input: &I,
        dim: usize,
        f: impl Fn(&Cost, I) -> Result<Tensor<D>, CurvatureError> + Send + Sync + 'static,
    ) -> Result<Tensor<D>, CurvatureError> {
        let home = self.parts.home().clone();
        let found = self
            .parts
            .all(input, move |cost, input| Parcel::to(f(cost, input)?, &home))?;
        Ok(self.parts.concatenated(found, dim))
    }

    pub(crate) fn parts(&self) -> &Parts<Cost> {
        &self.parts
    }
}

/// A vector, or several, where `cost` computes.
fn opened<const D: usize>(cost: &Cost, v: Parcel<D>) -> Tensor<D> {
    v.open(cost.model().device(), cost.model().dtype())
}
