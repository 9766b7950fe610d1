//! Gradient descent with momentum, and Adam.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Adam's decay rates and the term that keeps it from dividing by zero, as Kingma and Ba (2015) recommend.
const BETAS: [f64; 2] = [0.9, 0.999];
const EPSILON: f64 = 1e-8;

/// How steps are made from gradients: `theta -= rate direction`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Descent {
    /// Gradient descent with heavy-ball momentum: `v = momentum v + g`, and `v` is the direction.
    Sgd {
        /// The momentum, 0 for none.
        momentum: f64,
    },
    /// Adam with the constants that Kingma and Ba (2015) recommend: decay rates of 0.9 and 0.999, epsilon 1e-8.
    Adam,
}

/// What a descent remembers of a vector between steps. Burn's optimizers keep momentum and decay in 32 bits, and load
/// what they remember on the process's default device, which need not work.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    steps: usize,
    moments: Vec<Tensor<1>>,
}

impl Memory {
    /// What [`moments`](Self::moments) gave after so many steps.
    pub fn after(steps: usize, moments: Vec<Tensor<1>>) -> Self {
        Self { steps, moments }
    }

    /// The velocity of SGD with momentum; Adam's running means of the gradient and of its square. Empty before the
    /// first step.
    pub fn moments(&self) -> &[Tensor<1>] {
        &self.moments
    }

    /// Means of `fresh`, of which the last step's counts for less by the factors `decay`.
    fn update<const N: usize>(&mut self, fresh: [Tensor<1>; N], decay: [f64; N]) -> [Tensor<1>; N] {
        let mut before = std::mem::take(&mut self.moments).into_iter();
        let mut decay = decay.into_iter();
        let updated = fresh.map(|fresh| match (before.next(), decay.next()) {
            (Some(mean), Some(decay)) => mean * decay + fresh,
            _ => fresh,
        });
        self.moments = updated.to_vec();
        updated
    }
}

impl Descent {
    /// Number of [`Memory::moments`] after so many steps.
    pub fn moments(self, steps: usize) -> usize {
        match self {
            _ if steps == 0 => 0,
            Self::Sgd { momentum: 0.0 } => 0,
            Self::Sgd { .. } => 1,
            Self::Adam => 2,
        }
    }

    /// The direction of the next step, of which `memory` takes note.
    pub fn direction(self, gradient: Tensor<1>, memory: &mut Memory) -> Tensor<1> {
        memory.steps += 1;
        match self {
            Self::Sgd { momentum: 0.0 } => gradient,
            Self::Sgd { momentum } => {
                let [velocity] = memory.update([gradient], [momentum]);
                velocity
            }
            Self::Adam => {
                let [first, second] = BETAS;
                let square = gradient.clone().square() * (1.0 - second);
                let [mean, square] = memory.update([gradient * (1.0 - first), square], BETAS);
                let unbiased = |beta: f64| 1.0 / (1.0 - beta.powf(memory.steps as f64));
                mean * unbiased(first) / ((square * unbiased(second)).sqrt() + EPSILON)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device};

    use super::*;

    fn vector(numbers: [f64; 2]) -> Tensor<1> {
        Tensor::from_data(numbers, (&Device::flex(), DType::F64))
    }

    fn numbers(vector: &Tensor<1>) -> Vec<f64> {
        vector.to_data().iter::<f64>().collect()
    }

    #[test]
    fn momentum_is_a_decaying_sum_of_gradients() {
        let descent = Descent::Sgd { momentum: 0.5 };
        let mut memory = Memory::default();
        descent.direction(vector([1.0, 0.0]), &mut memory);
        descent.direction(vector([0.0, 1.0]), &mut memory);
        let direction = descent.direction(vector([2.0, 0.0]), &mut memory);
        assert_eq!(numbers(&direction), [2.25, 0.5]);
        assert_eq!(memory.moments().len(), descent.moments(3));
    }

    #[test]
    fn adams_first_direction_is_the_gradients_sign() {
        let mut memory = Memory::default();
        let direction = Descent::Adam.direction(vector([4.0, -0.25]), &mut memory);
        for (found, (sign, size)) in numbers(&direction)
            .into_iter()
            .zip([(1.0, 4.0), (-1.0, 0.25)])
        {
            // |g| / (|g| + epsilon), but for the rounding of a few operations.
            let expected = sign * size / (size + EPSILON);
            assert!((found - expected).abs() < 1e-14, "{found} {expected}");
        }
    }

    #[test]
    fn what_is_remembered_goes_on_to_the_same_bits() {
        for descent in [Descent::Sgd { momentum: 0.9 }, Descent::Adam] {
            let mut memory = Memory::default();
            descent.direction(vector([0.3, -0.7]), &mut memory);
            descent.direction(vector([0.1, 0.2]), &mut memory);
            let mut again = Memory::after(2, memory.moments().to_vec());
            let next = vector([-0.9, 0.4]);
            let [a, b] = [&mut memory, &mut again].map(|it| descent.direction(next.clone(), it));
            assert_eq!(numbers(&a), numbers(&b));
        }
    }
}
