//! Weights of classes in the loss.

use serde::{Deserialize, Serialize};

use super::dataset::Dataset;
use super::split::{Split, Targets};
use crate::quote;

/// What the losses of a class's training examples are multiplied by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// `N / (C n)` of a class with `n` of the `N` training examples, where there are `C` classes: each class counts as
    /// much as every other, and the weights' mean over examples is 1.
    Balanced,
    /// Of the classes named; 1 of all others.
    Named(Vec<(String, f64)>),
    /// One for each class, in order.
    Each(Vec<f32>),
}

/// Why classes cannot be weighted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ClassWeightsError {
    /// There are no classes.
    #[error("{name} has no classes to weight: {task}")]
    NoClasses {
        /// The data set.
        name: String,
        /// What is predicted instead.
        task: &'static str,
    },
    /// There is no class of a name.
    #[error("there is no class `{class}`; the classes are {}", quote::list(.classes), class = quote::text(.class))]
    Unknown {
        /// The name.
        class: String,
        /// The classes there are.
        classes: Vec<String>,
    },
    /// A weight is not positive and finite in 32 bits.
    #[error("the weight of `{class}` is {weight}; it must be positive and finite", class = quote::text(.class))]
    Weight {
        /// The class.
        class: String,
        /// The weight.
        weight: f64,
    },
    /// There are more or fewer weights than classes.
    #[error("{given} weights are given for {classes} classes")]
    Count {
        /// Weights given.
        given: usize,
        /// Classes there are.
        classes: usize,
    },
}

impl Dataset {
    /// Multiplies the loss of each training example by the weight of its class; losses of other examples stay as they are.
    ///
    /// # Errors
    ///
    /// If the targets are not classes, or the weights do not belong to them.
    pub fn weigh(&mut self, asked: &ClassWeights) -> Result<(), ClassWeightsError> {
        let Targets::Classes(labels) = &self.train.targets else {
            return Err(ClassWeightsError::NoClasses {
                name: self.name.clone(),
                task: match self.train.targets {
                    Targets::Tokens { .. } => "the next token is predicted",
                    _ => "a number is predicted",
                },
            });
        };
        let classes = self.task.classes();
        let of = match asked {
            ClassWeights::Balanced => {
                let count = |class| labels.iter().filter(|&&it| it == class).count() as f64;
                let all = labels.len() as f64 / classes.len() as f64;
                // A class that nobody has is in no loss.
                let weight = |class| (all / f64::max(count(class), 1.0)) as f32;
                (0..classes.len() as i64).map(weight).collect()
            }
            ClassWeights::Named(named) => {
                let mut of = vec![1.0; classes.len()];
                for (class, weight) in named {
                    let Some(place) = classes.iter().position(|it| it == class) else {
                        return Err(ClassWeightsError::Unknown {
                            class: class.clone(),
                            classes: classes.to_vec(),
                        });
                    };
                    of[place] = *weight as f32;
                }
                of
            }
            ClassWeights::Each(of) => of.clone(),
        };
        if of.len() != classes.len() {
            let (given, classes) = (of.len(), classes.len());
            return Err(ClassWeightsError::Count { given, classes });
        }
        let wrong = |it: &f32| !it.is_finite() || *it <= 0.0;
        if let Some(place) = of.iter().position(wrong) {
            let (class, weight) = (classes[place].clone(), of[place].into());
            return Err(ClassWeightsError::Weight { class, weight });
        }
        self.class_weights = Some(of);
        self.train = self.weighted(self.train.clone());
        let parts = self.valid.iter_mut().chain([&mut self.test]);
        parts.for_each(|part| part.weights = Some(vec![1.0; part.rows]));
        Ok(())
    }

    /// Examples with the weights of their classes, if classes have weights.
    pub fn weighted(&self, split: Split) -> Split {
        match (&self.class_weights, &split.targets) {
            (Some(of), Targets::Classes(classes)) => Split {
                weights: Some(classes.iter().map(|&class| of[class as usize]).collect()),
                ..split
            },
            _ => split,
        }
    }
}
