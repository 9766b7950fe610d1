//! How responses are computed: by the steps that trained the network, or to their end.

use backdraft::attribution::{Respond, evaluate::Steps};
use backdraft_influence::response::{Descent, Step, Stop};
use backdraft_models::{Optimizer, TrainConfig};

use super::plan::Plan;

/// The gradient, relative to its first norm, at which a response counts as converged.
pub(super) const CONVERGED: Stop = Stop {
    tolerance: 1e-10,
    decrease: 0.0,
    max_steps: 10_000,
};

/// Warm start and proximal response.
pub(super) fn retraining(plan: &Plan, training: &TrainConfig) -> Respond {
    match plan.lbfgs() {
        true => Respond::Minimize(CONVERGED),
        false => steps(plan, training, 1.0),
    }
}

/// The proximal Bregman responses. Where they are to converge, a network may have its minimum at a kink.
pub(super) fn bregman(plan: &Plan, training: &TrainConfig) -> Respond {
    match (plan.lbfgs(), plan.converge) {
        (true, _) => Respond::Minimize(CONVERGED),
        (false, true) => Respond::default(),
        // As in the paper's appendix E.
        (false, false) => steps(plan, training, 0.1),
    }
}

/// The steps that training would take next, so many times as large.
fn steps(plan: &Plan, training: &TrainConfig, factor: f64) -> Respond {
    let descent = match training.optimizer {
        Optimizer::Sgd { momentum } => Descent::Sgd { momentum },
        Optimizer::Adam | Optimizer::Lbfgs { .. } => Descent::Adam,
    };
    let n = plan.train;
    let passes = training.epochs..training.epochs + plan.response_epochs();
    let count = passes.len() * n.div_ceil(training.batch_size);
    let settings = format!("{factor} of {training:?} in passes {passes:?} over {n} examples");
    let training = training.clone();
    let all = move || {
        let batches = training.batches(n, passes.clone());
        batches.map(move |(rate, examples)| Step {
            rate: factor * rate,
            examples,
        })
    };
    Respond::Descend {
        descent,
        steps: Steps::new(count, settings, all),
    }
}
