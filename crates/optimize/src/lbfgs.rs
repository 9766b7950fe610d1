//! L-BFGS, for functions that are smooth, or smooth but for kinks.

use std::collections::VecDeque;

use burn::tensor::{Tensor, TensorReadError};

use crate::vector::{dot, norm};

/// Pairs of steps and gradient changes that model the curvature.
const MEMORY: usize = 30;
/// Share of the slope that a step must at least descend, and that must at most remain at its end.
const ARMIJO: f64 = 1e-4;
const WOLFE: f64 = 0.9;
/// Trials of a step's length.
const TRIALS: usize = 30;

/// A point, and what is known of the function there.
#[derive(Clone, Debug)]
pub struct Point {
    /// Where it is, `[dim]`.
    pub theta: Tensor<1>,
    /// The function's value.
    pub value: f64,
    /// Its gradient, `[dim]`.
    pub gradient: Tensor<1>,
    /// The gradient's Euclidean norm.
    pub norm: f64,
}

impl Point {
    /// `function` gives value and gradient at `theta`; `None` where one of them is NaN or infinite.
    ///
    /// # Errors
    /// Those of `function`, and if the norm cannot be read.
    pub fn at<E: From<TensorReadError>>(
        theta: Tensor<1>,
        function: &mut impl FnMut(&Tensor<1>) -> Result<(f64, Tensor<1>), E>,
    ) -> Result<Option<Self>, E> {
        let (value, gradient) = function(&theta)?;
        let norm = norm(&gradient)?;
        Ok((value.is_finite() && norm.is_finite()).then_some(Self {
            theta,
            value,
            gradient,
            norm,
        }))
    }
}

/// What is known of a function's values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bounds {
    /// A lower bound of the curvature, which bounds the length of a step; 0 if there is none.
    pub modulus: f64,
    /// Differences of values up to this are rounding. There the slopes decide, which keep their relative precision near
    /// a minimum (Hager and Zhang 2005).
    pub rounding: f64,
}

/// What a search along a line came to.
// There is one at a time.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
pub enum LineSearch {
    /// A point that is lower and less steep.
    Lower(Point),
    /// No step lowers the function, not even along its gradient: a kink, or the end of the float type's precision.
    Stuck,
    /// It falls ever more steeply, as far as numbers go.
    Endless,
}

/// L-BFGS (Nocedal 1980) with the bracketing line search of Lewis and Overton (2013), which does not ask for
/// smoothness.
#[derive(Clone, Debug, Default)]
pub struct Lbfgs {
    /// Step, change of the gradient, and one over their product, of shape `[1]`: what the last steps tell of the
    /// inverse Hessian.
    pairs: VecDeque<(Tensor<1>, Tensor<1>, Tensor<1>)>,
    /// The last pair's scale of the inverse Hessian, of shape `[1]`.
    scale: Option<Tensor<1>>,
}

impl Lbfgs {
    /// The next step, from the point that the last one led to.
    ///
    /// # Errors
    /// Those of `function`, and if a number cannot be read.
    pub fn step<E: From<TensorReadError>>(
        &mut self,
        from: &Point,
        bounds: Bounds,
        function: impl FnMut(&Tensor<1>) -> Result<(f64, Tensor<1>), E>,
    ) -> Result<LineSearch, E> {
        self.step_from(from, bounds, None, function)
    }

    /// The same, with `inverse` in place of the multiple of the identity that the inverse Hessian is modelled on: a
    /// symmetric positive definite map, the same at every step, near the inverse Hessian at the minimum. The nearer,
    /// the fewer steps.
    ///
    /// # Errors
    /// Those of `function` and `inverse`, and if a number cannot be read.
    pub fn preconditioned_step<E: From<TensorReadError>>(
        &mut self,
        from: &Point,
        bounds: Bounds,
        inverse: &dyn Fn(Tensor<1>) -> Result<Tensor<1>, E>,
        function: impl FnMut(&Tensor<1>) -> Result<(f64, Tensor<1>), E>,
    ) -> Result<LineSearch, E> {
        self.step_from(from, bounds, Some(inverse), function)
    }

    fn step_from<E: From<TensorReadError>>(
        &mut self,
        from: &Point,
        bounds: Bounds,
        inverse: Option<&dyn Fn(Tensor<1>) -> Result<Tensor<1>, E>>,
        mut function: impl FnMut(&Tensor<1>) -> Result<(f64, Tensor<1>), E>,
    ) -> Result<LineSearch, E> {
        loop {
            let direction = self.direction(&from.gradient, inverse)?;
            // No step is longer than the least curvature allows.
            let longest = from.norm / (bounds.modulus * norm(&direction)?);
            let direction = direction * longest.min(1.0);
            match search(from, direction, bounds.rounding, &mut function)? {
                LineSearch::Lower(next) => {
                    self.learn(from, &next)?;
                    return Ok(LineSearch::Lower(next));
                }
                // The model may be at fault: try once more along the gradient.
                LineSearch::Stuck if !self.pairs.is_empty() => self.pairs.clear(),
                found => return Ok(found),
            }
        }
    }

    fn learn(&mut self, from: &Point, to: &Point) -> Result<(), TensorReadError> {
        let step = to.theta.clone() - from.theta.clone();
        let change = to.gradient.clone() - from.gradient.clone();
        let product = (step.clone() * change.clone()).sum();
        let squared = change.clone().square().sum();
        let cosine: f64 = (product.clone() / squared.clone().sqrt()).try_into_scalar()?;
        if cosine > f64::EPSILON * norm(&step)? {
            self.scale = Some(product.clone() / squared);
            self.pairs.push_back((step, change, product.recip()));
            if self.pairs.len() > MEMORY {
                self.pairs.pop_front();
            }
        }
        Ok(())
    }

    /// `-H gradient` by the two-loop recursion; nothing is read back from the device.
    fn direction<E>(
        &self,
        gradient: &Tensor<1>,
        inverse: Option<&dyn Fn(Tensor<1>) -> Result<Tensor<1>, E>>,
    ) -> Result<Tensor<1>, E> {
        let mut q = gradient.clone();
        let mut weights = Vec::with_capacity(self.pairs.len());
        for (step, change, inverse) in self.pairs.iter().rev() {
            let weight = (step.clone() * q.clone()).sum() * inverse.clone();
            q = q - change.clone() * weight.clone();
            weights.push(weight);
        }
        q = match (inverse, &self.scale) {
            (Some(inverse), _) => inverse(q)?,
            (None, Some(scale)) if !self.pairs.is_empty() => q * scale.clone(),
            (None, _) => q,
        };
        for ((step, change, inverse), weight) in self.pairs.iter().zip(weights.into_iter().rev()) {
            let other = (change.clone() * q.clone()).sum() * inverse.clone();
            q = q + step.clone() * (weight - other);
        }
        Ok(-q)
    }
}

/// A point along `direction` that is lower and less steep.
fn search<E: From<TensorReadError>>(
    from: &Point,
    direction: Tensor<1>,
    rounding: f64,
    function: &mut impl FnMut(&Tensor<1>) -> Result<(f64, Tensor<1>), E>,
) -> Result<LineSearch, E> {
    let Some(slope) = dot(&from.gradient, &direction)? else {
        return Ok(LineSearch::Endless);
    };
    if slope >= 0.0 {
        return Ok(LineSearch::Stuck);
    }
    let (mut low, mut high, mut length) = (0.0, f64::INFINITY, 1.0);
    let mut ends = false;
    for _ in 0..TRIALS {
        let theta = from.theta.clone() + direction.clone() * length;
        let Some(next) = Point::at(theta, function)? else {
            high = length;
            length = 0.5 * (low + high);
            continue;
        };
        let Some(after) = dot(&next.gradient, &direction)? else {
            return Ok(LineSearch::Endless);
        };
        let lower = next.value <= from.value + ARMIJO * length * slope;
        let flat = next.value <= from.value + rounding && after <= (2.0 * ARMIJO - 1.0) * slope;
        if !(lower || flat) {
            (high, ends) = (length, true);
        } else if after < WOLFE * slope {
            low = length;
        } else {
            return Ok(LineSearch::Lower(next));
        }
        length = if high.is_finite() {
            0.5 * (low + high)
        } else {
            2.0 * low
        };
    }
    // It was lower and as steep wherever it was a number.
    Ok(match low > 0.0 && !ends {
        true => LineSearch::Endless,
        false => LineSearch::Stuck,
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device};

    use super::*;

    type Found = Result<(f64, Tensor<1>), TensorReadError>;

    fn start(numbers: [f64; 2]) -> Tensor<1> {
        Tensor::from_data(numbers, (&Device::flex(), DType::F64))
    }

    /// A function of two numbers, with its gradient.
    fn of(function: impl Fn(f64, f64) -> (f64, [f64; 2])) -> impl FnMut(&Tensor<1>) -> Found {
        move |theta| {
            let numbers = theta.clone().try_into_vec_as::<f64>()?;
            let (value, gradient) = function(numbers[0], numbers[1]);
            Ok((value, start(gradient)))
        }
    }

    #[test]
    fn rosenbrocks_valley_is_followed_to_its_end() {
        let mut function = of(|x, y| {
            let (a, b) = (1.0 - x, y - x * x);
            (a * a + 100.0 * b * b, [-2.0 * a - 400.0 * x * b, 200.0 * b])
        });
        let mut here = Point::at(start([-1.2, 1.0]), &mut function)
            .unwrap()
            .unwrap();
        let mut lbfgs = Lbfgs::default();
        for _ in 0..100 {
            if here.norm < 1e-9 {
                break;
            }
            let found = lbfgs.step(&here, Bounds::default(), &mut function).unwrap();
            let LineSearch::Lower(next) = found else {
                panic!("{found:?}");
            };
            assert!(next.value < here.value);
            here = next;
        }
        for number in here.theta.into_data().iter::<f64>() {
            // The least curvature at the minimum is 0.4.
            assert!((number - 1.0).abs() < 1e-8, "{number}");
        }
    }

    /// With the inverse Hessian itself one step leads to the minimum of a quadratic, however badly it is scaled.
    #[test]
    fn the_inverse_of_a_quadratic_leads_to_its_minimum_at_once() {
        let mut function = of(|x, y| {
            let (a, b) = (x - 1.0, 1e6 * (y + 2.0));
            (0.5 * (a * a + b * b / 1e6), [a, b])
        });
        let inverse =
            |v: Tensor<1>| -> Result<Tensor<1>, TensorReadError> { Ok(v * start([1.0, 1e-6])) };
        let here = Point::at(start([30.0, 7.0]), &mut function)
            .unwrap()
            .unwrap();
        let found =
            Lbfgs::default().preconditioned_step(&here, Bounds::default(), &inverse, &mut function);
        let LineSearch::Lower(next) = found.unwrap() else {
            panic!("it has a minimum");
        };
        let numbers = next.theta.into_data().try_into_vec::<f64>().unwrap();
        // Rounding of numbers below 30.
        assert!((numbers[0] - 1.0).abs() < 1e-14 && (numbers[1] + 2.0).abs() < 1e-14);
    }

    #[test]
    fn a_kink_holds_it_and_a_slope_without_end_does_not() {
        let ended = |mut function: Box<dyn FnMut(&Tensor<1>) -> Found>| {
            let mut here = Point::at(start([0.75, 0.5]), &mut function)
                .unwrap()
                .unwrap();
            let mut lbfgs = Lbfgs::default();
            loop {
                match lbfgs.step(&here, Bounds::default(), &mut function).unwrap() {
                    LineSearch::Lower(next) => here = next,
                    end => return (end, here),
                }
            }
        };
        let (end, here) = ended(Box::new(of(|x, y| {
            (x.abs() + y * y, [x.signum(), 2.0 * y])
        })));
        assert!(matches!(end, LineSearch::Stuck), "{end:?}");
        assert!(here.value < 1e-8, "{}", here.value);
        let (end, _) = ended(Box::new(of(|x, y| (x + y, [1.0, 1.0]))));
        assert!(matches!(end, LineSearch::Endless), "{end:?}");
    }
}
