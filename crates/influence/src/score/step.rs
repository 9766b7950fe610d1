//! The best small change of an example's inputs.

use serde::{Deserialize, Serialize};

use crate::SolveError;

/// What a step's size is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepNorm {
    /// The largest change of any one input.
    Linf,
    /// The Euclidean length of the change.
    L2,
}

/// Where a step is to take what is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepGoal {
    /// Down: of a query's loss, to mend it.
    Lower,
    /// Up: to harm it.
    Raise,
}

impl StepGoal {
    /// 1 upwards, -1 downwards.
    pub fn sign(self) -> f64 {
        match self {
            Self::Lower => -1.0,
            Self::Raise => 1.0,
        }
    }
}

/// A step of an example's inputs that changes what is measured most, to first order, among all of its size: the best
/// perturbation of Koh & Liang (2017, Section 5.2), in one step.
#[derive(Clone, Debug, PartialEq)]
pub struct InputStep {
    /// How large it may be, in the units of the inputs as the network reads them.
    pub size: f64,
    /// By which norm.
    pub norm: StepNorm,
    /// Where to.
    pub goal: StepGoal,
    /// The least and the greatest value of each of an example's inputs, if the moved ones are to be such as well. One
    /// that is beyond already goes no further.
    pub range: Option<Vec<[f64; 2]>>,
}

impl InputStep {
    /// Downwards, of this size in the largest change of an input, wherever that leads.
    pub fn new(size: f64) -> Self {
        Self {
            size,
            norm: StepNorm::Linf,
            goal: StepGoal::Lower,
            range: None,
        }
    }

    /// Checks the settings, for examples of so many inputs.
    ///
    /// # Errors
    /// [`SolveError::Setting`] for a size that is not positive and finite, or a range that is none, or not of as many
    /// inputs.
    pub fn check(&self, inputs: usize) -> Result<(), SolveError> {
        let refuse = |name, problem| Err(SolveError::Setting { name, problem });
        if !(self.size > 0.0 && self.size.is_finite()) {
            let problem = format!("is {:?}, must be positive and finite", self.size);
            return refuse("size", problem);
        }
        let Some(range) = &self.range else {
            return Ok(());
        };
        if range.len() != inputs {
            let problem = format!("is of {} inputs: an example has {inputs}", range.len());
            return refuse("range", problem);
        }
        let is_none = |[least, most]: &[f64; 2]| least > most || least.is_nan() || most.is_nan();
        match range.iter().position(is_none) {
            Some(at) => {
                let [least, most] = range[at];
                let problem = format!("of input {at} goes from {least:?} to {most:?}");
                refuse("range", problem)
            }
            None => Ok(()),
        }
    }

    /// What to add to an example's `inputs`, of which what is measured has the `gradient`
    /// ([`input_scores`](super::input_scores)): the best of all steps within the size and the range. Its inner product
    /// with the gradient is the predicted change, to first order. Inputs of no effect stay as they are.
    ///
    /// Within a range the best step of the largest change is `-+ size` cut off there; that of a Euclidean length is
    /// along the gradient, with what is cut off in some inputs added to the others.
    ///
    /// # Errors
    /// As [`check`](Self::check); [`SolveError::Setting`] for a gradient of another length than the inputs.
    pub fn best(&self, gradient: &[f64], inputs: &[f64]) -> Result<Vec<f64>, SolveError> {
        self.check(inputs.len())?;
        if gradient.len() != inputs.len() {
            return Err(SolveError::Setting {
                name: "gradient",
                problem: format!("is of {} inputs, not {}", gradient.len(), inputs.len()),
            });
        }
        let downwards = self.goal == StepGoal::Lower;
        let grows = |slope: f64| (slope < 0.0) == downwards;
        let rooms = gradient.iter().zip(inputs).enumerate();
        let rooms = rooms.map(|(at, (slope, x))| match &self.range {
            None => f64::INFINITY,
            Some(range) if grows(*slope) => (range[at][1] - x).max(0.0),
            Some(range) => (x - range[at][0]).max(0.0),
        });
        let rooms: Vec<f64> = rooms.collect();
        let sizes = match self.norm {
            StepNorm::Linf => rooms.into_iter().map(|room| room.min(self.size)).collect(),
            StepNorm::L2 => within_length(gradient, &rooms, self.size),
        };
        let signed = |(slope, size): (&f64, f64)| match *slope {
            0.0 => 0.0,
            slope if grows(slope) => size,
            _ => -size,
        };
        Ok(gradient.iter().zip(sizes).map(signed).collect())
    }
}

/// The sizes of changes proportional to the slopes' where there is room, and of this Euclidean length altogether if
/// there is room for it.
fn within_length(gradient: &[f64], rooms: &[f64], length: f64) -> Vec<f64> {
    // Squares of small slopes vanish.
    let largest = gradient
        .iter()
        .fold(0.0, |most: f64, it| most.max(it.abs()));
    let mut sizes = vec![0.0; gradient.len()];
    let mut free: Vec<usize> = (0..gradient.len())
        .filter(|&at| gradient[at] != 0.0)
        .collect();
    let slope = |at: usize| gradient[at].abs() / largest;
    let mut left = length * length;
    while !free.is_empty() {
        let squares: f64 = free.iter().map(|&at| slope(at).powi(2)).sum();
        let rate = (left.max(0.0) / squares).sqrt();
        let (cut, rest): (Vec<usize>, Vec<usize>) = free
            .into_iter()
            .partition(|&at| rate * slope(at) > rooms[at]);
        if cut.is_empty() {
            rest.into_iter().for_each(|at| sizes[at] = rate * slope(at));
            break;
        }
        // Others have the more left for it, so that none of these would come free again.
        for at in cut {
            sizes[at] = rooms[at];
            left -= rooms[at] * rooms[at];
        }
        free = rest;
    }
    sizes
}
