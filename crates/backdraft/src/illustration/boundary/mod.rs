//! What influence and training again do to a decision boundary.

mod data;
mod stages;

use burn::{config::Config, tensor::Device};
use serde::Serialize;

use self::{data::corner, stages::Stages};
use super::{
    IllustrationError,
    draw::{check, evenly},
};

/// How far from the removed example a place is near it.
const NEAR: f64 = 0.5;

/// Settings of a [`Boundary`].
#[derive(Config, Debug, PartialEq)]
pub struct BoundaryConfig {
    /// Training examples, half of each class; the one that is removed comes on top.
    #[config(default = 60)]
    pub examples: usize,
    /// Units of both hidden layers.
    #[config(default = 16)]
    pub hidden: usize,
    /// The standard deviation of the noise in the inputs.
    #[config(default = 0.2)]
    pub noise: f64,
    /// Steps of Adam that the network is trained for: too few.
    #[config(default = 60)]
    pub steps: usize,
    /// Steps of it that training again takes, from the trained parameters.
    #[config(default = 600)]
    pub retraining_steps: usize,
    /// The size of these steps.
    #[config(default = 0.01)]
    pub learning_rate: f64,
    /// The damping of the Gauss-Newton matrix, and the strength of the proximal term.
    #[config(default = 0.03)]
    pub damping: f64,
    /// Places across and up at which outputs are told.
    #[config(default = 81)]
    pub grid: usize,
    /// The seed of everything random.
    #[config(default = 0)]
    pub seed: u64,
}

/// A network that is trained in part to tell two half moons apart, and an example on the wrong side in the lower right
/// corner. The influence estimate without it, and the proximal Bregman response, move the boundary near it; training
/// again without it goes on training, and moves it everywhere (Bae et al. 2022, Section 4.3 and Figure 3).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Boundary {
    /// The examples' inputs.
    pub inputs: Vec<[f64; 2]>,
    /// Their classes, 0 or 1.
    pub classes: Vec<u8>,
    /// The example that is removed: the last.
    pub removed: usize,
    /// Where outputs are told, across.
    pub across: Vec<f64>,
    /// The same, up.
    pub up: Vec<f64>,
    /// The trained network, and what becomes of it.
    pub stages: Vec<BoundaryStage>,
}

/// The network at some parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BoundaryStage {
    /// How they were come to.
    pub name: &'static str,
    /// The logits, a row a place up: class 1 where they are positive.
    pub logits: Vec<Vec<f64>>,
    /// The loss of the removed example.
    pub removed_loss: f64,
    /// The mean loss of the others.
    pub others_loss: f64,
    /// The mean change of the probability of class 1 from the trained network's, over places near the removed example.
    pub near: f64,
    /// The same over all other places.
    pub elsewhere: f64,
    /// How far the parameters are from the trained ones.
    pub distance: f64,
}

impl BoundaryConfig {
    /// Computes it in 64 bits.
    ///
    /// # Errors
    /// [`IllustrationError::Setting`] for settings that make no sense, [`IllustrationError::Precision`], and those of
    /// training, the influence estimate and the responses.
    pub fn compute(&self, device: &Device) -> Result<Boundary, IllustrationError> {
        self.check()?;
        check(device)?;
        let (inputs, classes) = data::draw(self);
        let removed = inputs.len() - 1;
        let axis = |it: usize, room: f64| {
            let numbers = inputs.iter().map(|x| x[it]);
            let low = numbers.clone().fold(f64::INFINITY, f64::min);
            evenly([low - room, numbers.fold(low, f64::max) + room], self.grid)
        };
        let (across, up) = (axis(0, 0.4), axis(1, 0.4));
        let stages = Stages::of(self, (&inputs, &classes), (&across, &up), device)?;
        Ok(Boundary {
            stages: stages.compute(corner(&inputs))?,
            inputs,
            classes,
            removed,
            across,
            up,
        })
    }

    /// Whether the settings make sense.
    ///
    /// # Errors
    /// [`IllustrationError::Setting`] for the first that does not.
    pub fn check(&self) -> Result<(), IllustrationError> {
        IllustrationError::check_count("examples", self.examples, 4)?;
        IllustrationError::check_count("hidden", self.hidden, 1)?;
        IllustrationError::check_count("steps", self.steps, 1)?;
        IllustrationError::check_count("retraining_steps", self.retraining_steps, 1)?;
        IllustrationError::check_count("grid", self.grid, 2)?;
        IllustrationError::check_positive("noise", self.noise)?;
        IllustrationError::check_positive("learning_rate", self.learning_rate)?;
        IllustrationError::check_positive("damping", self.damping)
    }
}
