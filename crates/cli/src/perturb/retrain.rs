//! The network trained again with a changed example.

use std::time::Instant;

use backdraft::attribution::{
    Store,
    verify::{RemovalResponse, ResponseOutcome, Verifier},
};
use backdraft_curvature::Model;
use backdraft_influence::response::ResponseKind;
use backdraft_models::{Optimizer, TrainError, Training, Zoo, to_dtype};
use burn::module::Module;

use super::{
    change::FoundChange,
    outcome::{Answers, ExactNetwork},
    run::{PerturbRun, PerturbedModel},
};
use crate::CliError;

/// Strength of the proximal term of responses, which training again has none of.
const NO_MATTER: f64 = 1.0;

impl PerturbRun<'_> {
    /// What training again comes to with each of the first changes: to the minimum where the network is trained to one,
    /// else by the same steps from the same parameters.
    pub(super) fn retrain(
        &self,
        found: &PerturbedModel,
        exact: &ExactNetwork,
    ) -> Result<Answers, CliError> {
        let places = Self::first(found, self.args.retrain);
        let title = "training again";
        match self.network.config.optimizer {
            Optimizer::Lbfgs { .. } => {
                let train = exact
                    .train
                    .clone()
                    .with_l2(self.network.config.weight_decay);
                let kind = ResponseKind::Retraining;
                let verifier = Verifier::new(&train, &exact.queries, NO_MATTER, kind)?;
                let verifier = verifier.with_own_store(self.network.store);
                self.answers(title, found, &places, |change| {
                    let replacement = self.replacement(change, exact)?;
                    Ok(verifier.replaced(&name(change), change.train, &replacement)?)
                })
            }
            Optimizer::Sgd { .. } | Optimizer::Adam => {
                let losses = exact.queries.losses()?.into_data();
                let before: Vec<f64> = losses.iter::<f64>().collect();
                self.answers(title, found, &places, |change| {
                    let key = format!("response-{}.json", name(change));
                    if let Some(kept) = self.kept(&key)? {
                        return Ok(kept);
                    }
                    let start = Instant::now();
                    let outcome = match self.trained_again(change, exact) {
                        Ok(after) => ResponseOutcome::Done {
                            changes: after.iter().zip(&before).map(|(a, b)| a - b).collect(),
                            gradient: 0.0,
                        },
                        Err(CliError::Train(error @ TrainError::Diverged { .. })) => {
                            ResponseOutcome::Failed(error.to_string())
                        }
                        Err(error) => return Err(error),
                    };
                    let seconds = start.elapsed().as_secs_f64();
                    self.keep(&key, &RemovalResponse { seconds, outcome })
                })
            }
        }
    }

    /// The queries' losses after training with a changed example.
    fn trained_again(
        &self,
        change: &FoundChange,
        exact: &ExactNetwork,
    ) -> Result<Vec<f64>, CliError> {
        let dataset = &self.network.inputs.dataset;
        let initial = self
            .network
            .inputs
            .network
            .init(&self.network.inputs.opened.device);
        let split = change.training_part(dataset);
        let training = Training::new(initial, &split, dataset.objective(), self.network.config)?;
        let mut training = training.with_parts(self.network.pass);
        while training.advance()?.is_some() {}
        let module = training.finish().model;
        let (device, dtype) = (&exact.place.0, exact.place.1);
        let module = to_dtype(module.valid().fork(device), dtype);
        // With what is no parameter, such as running statistics.
        let state = Model::new(&module, Zoo::forward)?.state();
        let losses = exact.queries.at(state)?.losses()?;
        Ok(losses.into_data().iter::<f64>().collect())
    }

    /// What is damaged is computed anew.
    fn kept(&self, key: &str) -> Result<Option<RemovalResponse>, CliError> {
        let bytes = self
            .network
            .store
            .get(key)
            .map_err(backdraft::AttributionError::from)?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Keeps a response, which is returned as a later run finds it.
    fn keep(&self, key: &str, response: &RemovalResponse) -> Result<RemovalResponse, CliError> {
        let unencoded = |error| backdraft_report::OutputError::encode("a response", error);
        let json = serde_json::to_vec(response).map_err(unencoded)?;
        self.network
            .store
            .put(key, &json)
            .map_err(backdraft::AttributionError::from)?;
        Ok(serde_json::from_slice(&json).map_err(unencoded)?)
    }
}

fn name(change: &FoundChange) -> String {
    format!("retrained-{}", change.name())
}
