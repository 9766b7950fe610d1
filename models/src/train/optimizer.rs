//! SGD and Adam, whose memory comes back bit for bit.

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};

use super::checkpoint::CheckpointError;
use super::config::Optimizer;

/// Adam's decay rates and the term that keeps it from dividing by zero, as Kingma and Ba (2015) recommend.
const BETAS: [f64; 2] = [0.9, 0.999];
const EPSILON: f64 = 1e-8;

/// Steps of SGD or Adam, with what they remember. Burn's optimisers keep momentum and decay in 32 bits, and load what
/// they remember on the process's default device, which need not work.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    rule: Rule,
    weight_decay: f64,
    /// Steps made.
    time: usize,
    /// What is remembered of each trainable tensor, in the module's order; empty before the first step.
    memory: Vec<Vec<Tensor<1>>>,
}

#[derive(Clone, Copy, Debug)]
enum Rule {
    Sgd { momentum: f64 },
    Adam,
}

impl Steps {
    /// Before the first step; `None` for a method that does not go by batches.
    pub(super) fn new(optimizer: Optimizer, weight_decay: f64) -> Option<Self> {
        let rule = match optimizer {
            Optimizer::Sgd { momentum } => Rule::Sgd { momentum },
            Optimizer::Adam => Rule::Adam,
            Optimizer::Lbfgs { .. } => return None,
        };
        Some(Self {
            rule,
            weight_decay,
            time: 0,
            memory: Vec::new(),
        })
    }

    /// Moves the trainable parameters along the gradients, with the L2 term added to them.
    pub(super) fn step<M: Module>(
        &mut self,
        rate: f64,
        module: M,
        gradients: GradientsParams,
    ) -> M {
        self.time += 1;
        module.map(&mut Mapper {
            steps: self,
            rate,
            gradients,
            place: 0,
        })
    }

    /// What is remembered, named by the place of the parameter and of the memory.
    pub(super) fn tensors(&self) -> Vec<(String, TensorData)> {
        let of = |(place, memory): (usize, &Vec<Tensor<1>>)| {
            let tensors = memory.iter().enumerate();
            tensors
                .map(|(index, tensor)| (name(place, index), tensor.to_data()))
                .collect::<Vec<_>>()
        };
        self.memory.iter().enumerate().flat_map(of).collect()
    }

    /// Takes up after `time` steps with what was remembered then; `find` gives a tensor by its name.
    pub(super) fn restore(
        &mut self,
        time: usize,
        sizes: &[usize],
        device: &Device,
        mut find: impl FnMut(&str) -> Option<TensorData>,
    ) -> Result<(), CheckpointError> {
        let each = match self.rule {
            _ if time == 0 => 0,
            Rule::Sgd { momentum: 0.0 } => 0,
            Rule::Sgd { .. } => 1,
            Rule::Adam => 2,
        };
        let mut memory = Vec::with_capacity(sizes.len());
        for (place, &size) in sizes.iter().enumerate() {
            let mut tensors = Vec::with_capacity(each);
            for index in 0..each {
                let name = name(place, index);
                let data = find(&name).ok_or(CheckpointError::Missing { name: name.clone() })?;
                CheckpointError::check_shape(&name, &[size], &data)?;
                let dtype = data.dtype();
                tensors.push(Tensor::from_data(data, (device, dtype)));
            }
            memory.push(tensors);
        }
        self.time = time;
        self.memory = memory;
        Ok(())
    }
}

fn name(place: usize, index: usize) -> String {
    format!("optimizer.{place}.{index}")
}

struct Mapper<'a> {
    steps: &'a mut Steps,
    rate: f64,
    gradients: GradientsParams,
    place: usize,
}

impl ModuleMapper for Mapper<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let tensor = param.val();
        if !tensor.is_require_grad() {
            return param;
        }
        let place = self.place;
        self.place += 1;
        if self.steps.memory.len() == place {
            self.steps.memory.push(Vec::new());
        }
        let value = tensor.inner();
        let mut gradient = match self.gradients.remove::<D>(param.id) {
            Some(gradient) => gradient,
            // The loss does not depend on it.
            None => value.zeros_like(),
        };
        if self.steps.weight_decay > 0.0 {
            gradient = gradient + value.clone() * self.steps.weight_decay;
        }
        let shape = value.shape();
        let memory = &mut self.steps.memory[place];
        let direction = match self.steps.rule {
            Rule::Sgd { momentum: 0.0 } => gradient,
            Rule::Sgd { momentum } => {
                let flat: Tensor<1> = gradient.reshape([-1]);
                let velocity = match memory.pop() {
                    Some(velocity) => velocity * momentum + flat,
                    None => flat,
                };
                memory.push(velocity.clone());
                velocity.reshape(shape)
            }
            Rule::Adam => adam(memory, self.steps.time, gradient.reshape([-1])).reshape(shape),
        };
        let moved = value - direction * self.rate;
        param.map(|_| Tensor::from_inner(moved).require_grad())
    }
}

/// The direction of Adam's step number `time`, from 1; `memory` holds the running means of the gradient and of its
/// square.
fn adam(memory: &mut Vec<Tensor<1>>, time: usize, gradient: Tensor<1>) -> Tensor<1> {
    let [first, second] = BETAS;
    let square = gradient.clone().square() * (1.0 - second);
    let gradient = gradient * (1.0 - first);
    let (mean, variance) = match (memory.pop(), memory.pop()) {
        (Some(variance), Some(mean)) => (mean * first + gradient, variance * second + square),
        _ => (gradient, square),
    };
    *memory = vec![mean.clone(), variance.clone()];
    let corrected = |beta: f64| 1.0 - beta.powf(time as f64);
    let root = (variance * (1.0 / corrected(second))).sqrt() + EPSILON;
    mean * (1.0 / corrected(first)) / root
}
