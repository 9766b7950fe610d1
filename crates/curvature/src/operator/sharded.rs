//! A mean over examples that lie apart, on several devices.

use burn::tensor::{DType, Device, Tensor};

use super::{
    BatchOperator, Definiteness, Law, LinearOperator, apply_batch_checked, apply_checked, checked,
};
use crate::{
    Cause, CurvatureError,
    parts::{Parcel, Parts},
};

/// A mean over examples in parts, `A = sum over i of n_i/N A_i`, each an operator on the device where its `n_i`
/// examples are: for data that one device does not hold, or to make a product faster. What is added to every part (an
/// L2 term, damping) is so to the whole.
///
/// Vectors are on the first part's device. A product takes `8 dim` bytes between the host and every other device, and
/// no product of theirs; devices compute at the same time, those of one device one after another. Parts are added up in
/// their order: the same parts give the same bits on the same kind of device, however many devices there are. They are
/// those of one operator over all examples up to rounding, as the sum has another order.
pub struct Sharded<O> {
    parts: Parts<O>,
    law: Law,
    dim: usize,
    batch: Option<usize>,
}

impl<O: LinearOperator + Send + Sync + 'static> Sharded<O> {
    /// Of operators of one kind, with the same damping, each over its own examples, counted one part after another.
    ///
    /// # Errors
    /// [`CurvatureError::Setting`] if there is none, or they are of different matrices; [`CurvatureError::Dimension`];
    /// [`CurvatureError::Placement`] for different float types; [`CurvatureError::NotOverExamples`] for one that is no
    /// mean over examples.
    pub fn new(parts: Vec<O>) -> Result<Self, CurvatureError> {
        let Some(first) = parts.first() else {
            return Self::of(Parts::new(Vec::new(), DType::F32)?);
        };
        let dtype = first.dtype();
        let placed = parts.into_iter().map(|part| {
            let examples = match part.over_examples() {
                Some(examples) => examples.examples(),
                None => {
                    let name = part.law().name;
                    return Err(CurvatureError::NotOverExamples { name });
                }
            };
            let device = part.device();
            Ok((part, device, examples))
        });
        Self::of(Parts::new(placed.collect::<Result<_, _>>()?, dtype)?)
    }

    pub(crate) fn of(parts: Parts<O>) -> Result<Self, CurvatureError> {
        let mut all = parts.values();
        let first = all.next().expect("there is one part at least");
        let (dim, mut law, mut batch) = (first.dim(), first.law(), first.batch_size());
        for part in all {
            let (found, expected) = (part.dim(), dim);
            if found != expected {
                return Err(CurvatureError::Dimension { expected, found });
            }
            if part.dtype() != parts.dtype() {
                return Err(CurvatureError::Placement {
                    what: "a part".into(),
                    found: format!("{:?}", part.dtype()),
                    expected: format!("{:?}", parts.dtype()),
                });
            }
            let other = part.law();
            if (&other.name, other.damping) != (&law.name, law.damping) {
                let problem = format!(
                    "holds different matrices: {} with {} added, and {} with {}",
                    law.name, law.damping, other.name, other.damping
                );
                return Err(CurvatureError::setting("parts", problem));
            }
            if law.definiteness == Definiteness::Semidefinite {
                law.definiteness = other.definiteness;
            }
            batch = batch.max(part.batch_size());
        }
        Ok(Self {
            parts,
            law,
            dim,
            batch,
        })
    }

    /// How many parts there are.
    pub fn parts(&self) -> usize {
        self.parts.values().count()
    }

    /// The sum of what `f` makes of every part and `vs`, by their shares.
    fn sum<const D: usize>(
        &self,
        vs: Tensor<D>,
        f: impl Fn(&O, Tensor<D>) -> Result<Tensor<D>, CurvatureError> + Send + Sync + 'static,
    ) -> Result<Tensor<D>, CurvatureError> {
        let home = self.parts.home().clone();
        let vs = self.parts.parcel(vs, self.dim)?;
        let terms = self.parts.all(&vs, move |part, vs: Parcel<D>| {
            let found = f(part, vs.open(&part.device(), part.dtype()))?;
            Parcel::to(found, &home)
        })?;
        Ok(self.parts.reduced(self.parts.shares().zip(terms)))
    }

    /// The same over some examples alone, of parts that have some.
    fn sum_over<const D: usize>(
        &self,
        indices: &[usize],
        vs: Tensor<D>,
        f: impl Fn(&dyn BatchOperator, &[usize], Tensor<D>) -> Result<Tensor<D>, CurvatureError>
        + Send
        + Sync
        + 'static,
    ) -> Result<Tensor<D>, CurvatureError> {
        if indices.is_empty() {
            return Err(CurvatureError::Examples {
                inputs: 0,
                targets: 0,
            });
        }
        let dealt = self.parts.deal(indices)?;
        let share = |of: &Vec<usize>| of.len() as f64 / indices.len() as f64;
        let shares: Vec<f64> = dealt.iter().map(|(_, of)| share(of)).collect();
        let vs = self.parts.parcel(vs, self.dim)?;
        let inputs = dealt.into_iter().map(|(at, of)| (at, (of, vs.clone())));
        let home = self.parts.home().clone();
        let terms = self.parts.some(
            inputs.collect(),
            move |part, (of, vs): (Vec<_>, Parcel<D>)| {
                let vs = vs.open(&part.device(), part.dtype());
                let examples = part.over_examples().expect("every part is over examples");
                Parcel::to(f(&*examples, &of, vs)?, &home)
            },
        )?;
        Ok(self.parts.reduced(shares.into_iter().zip(terms)))
    }
}

impl<O: LinearOperator + Send + Sync + 'static> LinearOperator for Sharded<O> {
    fn dim(&self) -> usize {
        self.dim
    }

    fn device(&self) -> Device {
        self.parts.home().clone()
    }

    fn dtype(&self) -> DType {
        self.parts.dtype()
    }

    fn batch_size(&self) -> Option<usize> {
        self.batch
    }

    fn law(&self) -> Law {
        self.law.clone()
    }

    fn over_examples(&self) -> Option<Box<dyn BatchOperator + '_>> {
        Some(Box::new(self))
    }

    /// The first part's that tells more than that a sum overflows.
    fn cause(&self, v: &Tensor<1>) -> Result<Cause, CurvatureError> {
        let v = self.parts.parcel(v.clone(), self.dim)?;
        let starts = self.parts.starts();
        let inputs = starts
            .enumerate()
            .map(|(at, start)| (at, (start, v.clone())));
        let found = self
            .parts
            .some(inputs.collect(), |part, (start, v): (usize, Parcel<1>)| {
                let cause = part.cause(&v.open(&part.device(), part.dtype()))?;
                Ok(cause.counted_from(start))
            })?;
        let told = |it: &Cause| !matches!(it, Cause::Unknown | Cause::Overflow { .. });
        let mut found = found.into_iter();
        let first = found.next().unwrap_or(Cause::Unknown);
        match told(&first) {
            true => Ok(first),
            false => Ok(found.find(told).unwrap_or(first)),
        }
    }

    apply_checked!();

    fn product(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.sum(v, |part, v| part.product(v))
    }

    fn products(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        if vs.dims()[0] == 0 {
            return Ok(vs);
        }
        self.sum(vs, |part, vs| part.products(vs))
    }
}

/// A batch is dealt out to the parts that its examples are in.
impl<O: LinearOperator + Send + Sync + 'static> BatchOperator for Sharded<O> {
    fn examples(&self) -> usize {
        self.parts.examples()
    }

    apply_batch_checked!();

    fn batch_product(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.sum_over(indices, v, |part, of, v| part.batch_product(of, v))
    }

    fn batch_products(
        &self,
        indices: &[usize],
        vs: Tensor<2>,
    ) -> Result<Tensor<2>, CurvatureError> {
        self.sum_over(indices, vs, |part, of, vs| part.batch_products(of, vs))
    }
}
