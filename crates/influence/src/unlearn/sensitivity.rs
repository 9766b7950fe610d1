//! How far apart unlearned and retrained parameters can be.

use backdraft_optimize::Descent;

use super::{Regularity, StepPlan, UnlearnError, WeightedDescent};
use crate::response::Step;

/// Bounds of the distance between unlearned and retrained parameters, for steps of SGD without momentum, projected or
/// not, and given bounds of the losses' derivatives.
///
/// Two descents with the same steps, one with the examples and one without, are compared step by step. With
/// `[a, b]` the bounds of the objective's Hessian, `l2` added to [`Regularity::curvature`], a step of size `eta`
/// changes the distance of two points by at most the factor
///
/// ```text
/// rho = max(|1 - eta a|, |1 - eta b|)
/// ```
///
/// (`1 + eta L` where the objective is `L`-smooth; at most 1 where it is convex and `eta <= 2/L`; `(L-mu)/(L+mu)` where
/// it is `mu`-strongly convex and `eta = 2/(mu+L)`), and projecting onto a ball does not raise it. A step with the
/// examples and one without from the same point lead at most
///
/// ```text
/// eta s,   s = G/|B| sum over i in B of |1 - w_i|
/// ```
///
/// apart: `m G / N` in a step on all, of which `m` are forgotten, and twice that where the mean is over those left. So
/// `d <- rho d + eta s` until the examples are forgotten, and `d <- rho d` from there on. For steps of one size on all
/// examples that is `s/L ((1 + eta L)^K - 1) (1 + eta L)^(T-K)` for rewinding to step `K` of `T`. The idea of two
/// coupled descents, and such bounds, are those of Mu and Klabjan (2024, 2025); this recursion is derived here, for the
/// very batches that are made. It is exact but for rounding.
pub struct Sensitivity<'a> {
    retained: &'a WeightedDescent,
    regularity: Regularity,
    plan: &'a dyn StepPlan,
}

impl<'a> Sensitivity<'a> {
    /// Of unlearning by `retained`, the descent without the examples, and the steps of `plan`.
    ///
    /// # Errors
    /// [`UnlearnError::NoCertificate`] for momentum and Adam, and for bounds that are estimated;
    /// [`UnlearnError::Setting`] for bounds that are none.
    pub fn new(
        retained: &'a WeightedDescent,
        regularity: Regularity,
        plan: &'a dyn StepPlan,
    ) -> Result<Self, UnlearnError> {
        regularity.check()?;
        match retained.config().descent {
            Descent::Sgd { momentum: 0.0 } => Ok(Self {
                retained,
                regularity,
                plan,
            }),
            Descent::Sgd { .. } => Err(UnlearnError::no_certificate(
                "steps with momentum do not follow gradients alone: train without it",
            )),
            Descent::Adam => Err(UnlearnError::no_certificate(
                "Adam's steps do not follow gradients: train by SGD",
            )),
        }
    }

    /// For a training of `steps` steps that is rewound by `rewind` of them and goes on without the examples to its end,
    /// beside retraining of as many steps: no assumption but the bounds.
    ///
    /// # Errors
    /// [`UnlearnError::Setting`] for a rewind beyond the start; [`UnlearnError::NoCertificate`] where the bound
    /// overflows.
    pub fn rewound(&self, steps: usize, rewind: usize) -> Result<f64, UnlearnError> {
        let Some(start) = steps.checked_sub(rewind) else {
            let problem = format!("is by {rewind} steps, and the training has {steps}");
            return Err(UnlearnError::setting("rewind", problem));
        };
        self.finite(self.coupled(start, steps))
    }

    /// For a training of `steps` steps after which `further` are made without the examples, beside retraining of
    /// `retrained` steps, all from initial parameters of norm `start`. The objective without the examples must be
    /// strongly convex, and steps so small that they bring points together.
    ///
    /// Beside retraining of as many steps, that is `steps + further`, it is the recursion above: at most
    /// `rho^further s/mu` for steps on all examples, as the minimum moves by `s/mu` at most. Retraining of another
    /// number of steps ends elsewhere on the same path; both ends are as near to its minimum as
    ///
    /// ```text
    /// (rho^(steps + further) + rho^retrained) (G + l2 start) / mu
    /// ```
    ///
    /// says, which is added, and which takes steps on all examples. Neel et al. (2021, Theorem 3.1) have the same
    /// contraction to the minimum, and its move, for one deletion after another.
    ///
    /// # Errors
    /// [`UnlearnError::NoCertificate`] where the objective is not strongly convex, the steps are too large, or batches
    /// are not all examples and the numbers of steps differ.
    pub fn descended(
        &self,
        steps: usize,
        further: usize,
        retrained: usize,
        start: f64,
    ) -> Result<f64, UnlearnError> {
        let [mu, _] = self.curvature();
        if mu <= 0.0 {
            return Err(UnlearnError::no_certificate(format!(
                "descent-to-delete needs a strongly convex objective, and this one may curve by {mu:.3e}: add an L2 term \
                 to a convex loss, or rewind"
            )));
        }
        let end = steps + further;
        let mut left = [1.0, 1.0];
        for (step, at) in self.plan.steps(0..end.max(retrained)).zip(0..) {
            let factor = self.factor(&step);
            if factor >= 1.0 {
                return Err(UnlearnError::no_certificate(format!(
                    "steps of {:.3e} need not bring points together: take less than {:.3e}",
                    step.rate,
                    2.0 / self.curvature()[1]
                )));
            }
            if end != retrained && step.examples.len() != self.retained.weights().len() {
                return Err(UnlearnError::no_certificate(format!(
                    "steps on batches have no minimum in common: hold {steps} and {further} steps against as many of \
                     retraining, or take all examples in each"
                )));
            }
            for (left, end) in left.iter_mut().zip([end, retrained]) {
                *left *= if at < end { factor } else { 1.0 };
            }
        }
        let coupled = self.coupled(steps, end);
        if end == retrained {
            return self.finite(coupled);
        }
        let weights = self.retained.weights();
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        let slope = mean * self.regularity.gradient + self.retained.l2() * start;
        self.finite(coupled + (left[0] + left[1]) * slope / mu)
    }

    /// Of the objective's Hessian.
    fn curvature(&self) -> [f64; 2] {
        self.regularity.curvature.map(|it| it + self.retained.l2())
    }

    fn factor(&self, step: &Step) -> f64 {
        let of = |curvature: f64| (1.0 - step.rate * curvature).abs();
        let [least, greatest] = self.curvature();
        of(least).max(of(greatest))
    }

    /// How far a step with the examples leads from one without.
    fn disturbance(&self, step: &Step) -> f64 {
        let weights = self.retained.weights();
        let changed: f64 = step
            .examples
            .iter()
            .map(|&i| (1.0 - weights[i]).abs())
            .sum();
        step.rate * self.regularity.gradient * changed / step.examples.len() as f64
    }

    /// After `end` steps, the first `with` of which one of two descents made with the examples.
    fn coupled(&self, with: usize, end: usize) -> f64 {
        let mut apart = 0.0;
        for (step, at) in self.plan.steps(0..end).zip(0..) {
            apart *= self.factor(&step);
            if at < with {
                apart += self.disturbance(&step);
            }
            if let Some(radius) = self.retained.config().radius {
                apart = f64::min(apart, 2.0 * radius);
            }
        }
        apart
    }

    fn finite(&self, distance: f64) -> Result<f64, UnlearnError> {
        let most = self.retained.config().radius.map(|it| 2.0 * it);
        let distance = distance.min(most.unwrap_or(f64::INFINITY));
        match distance.is_finite() {
            true => Ok(distance),
            false => Err(UnlearnError::no_certificate(
                "the bound grows beyond all numbers: rewind further, or take smaller steps",
            )),
        }
    }
}
