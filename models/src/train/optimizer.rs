//! Steps of SGD and Adam on a module, whose memory comes back bit for bit.

use backdraft_optimize::{Descent, Memory};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};

use super::checkpoint_error::CheckpointError;
use crate::named_tensor::{NamedTensor, replace, tensors, with_gradients};

/// Steps of a descent on a module's trainable tensors, with what it remembers of each.
#[derive(Clone, Debug)]
pub(super) struct DescentSteps {
    descent: Descent,
    weight_decay: f64,
    /// In the module's order.
    memory: Vec<Memory>,
}

impl DescentSteps {
    /// Before the first step.
    pub(super) fn new<M: Module>(descent: Descent, weight_decay: f64, module: &M) -> Self {
        Self {
            descent,
            weight_decay,
            memory: trainable(module).map(|_| Memory::default()).collect(),
        }
    }

    /// Moves the trainable parameters along the gradients, with the L2 term added to them.
    pub(super) fn step<M: Module>(
        &mut self,
        rate: f64,
        module: M,
        gradients: GradientsParams,
    ) -> M {
        let found = with_gradients(&module, gradients).into_iter();
        let moved = found.zip(&mut self.memory);
        let moved = moved.map(|((NamedTensor { value, .. }, mut gradient), memory)| {
            if self.weight_decay > 0.0 {
                gradient = gradient + value.clone() * self.weight_decay;
            }
            value - self.descent.direction(gradient, memory) * rate
        });
        let mut moved = moved.collect::<Vec<_>>().into_iter();
        replace(module, |old| old.trainable.then(|| moved.next()).flatten())
    }

    /// What is remembered, named by the place of the parameter and of the memory.
    pub(super) fn tensors(&self) -> Vec<(String, TensorData)> {
        let of = |(place, memory): (usize, &Memory)| {
            let moments = memory.moments().iter().enumerate();
            let named =
                |(index, tensor): (usize, &Tensor<1>)| (name(place, index), tensor.to_data());
            moments.map(named).collect::<Vec<_>>()
        };
        self.memory.iter().enumerate().flat_map(of).collect()
    }

    /// Takes up after `steps` steps on `module` with what was remembered then; `find` gives a tensor by its name.
    pub(super) fn restore<M: Module>(
        &mut self,
        steps: usize,
        module: &M,
        mut find: impl FnMut(&str) -> Option<TensorData>,
    ) -> Result<(), CheckpointError> {
        let count = self.descent.moments(steps);
        let restored = trainable(module).enumerate().map(|(place, tensor)| {
            let moment = |index| {
                let name = name(place, index);
                let data = find(&name).ok_or(CheckpointError::Missing { name: name.clone() })?;
                CheckpointError::check_shape(&name, &tensor.value.dims(), &data)?;
                let dtype = data.dtype();
                Ok(Tensor::from_data(data, (&tensor.value.device(), dtype)))
            };
            let moments = (0..count).map(moment).collect::<Result<_, _>>()?;
            Ok(Memory::after(steps, moments))
        });
        self.memory = restored.collect::<Result<_, _>>()?;
        Ok(())
    }
}

fn trainable<M: Module>(module: &M) -> impl Iterator<Item = NamedTensor> {
    tensors(module)
        .into_iter()
        .filter(|tensor| tensor.trainable)
}

fn name(place: usize, index: usize) -> String {
    format!("optimizer.{place}.{index}")
}
