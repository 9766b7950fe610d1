//! What really comes of changes: the response, and training again.

use std::collections::BTreeMap;

use backdraft::attribution::verify::{RemovalResponse, ResponseOutcome, Verifier};
use backdraft_curvature::Cost;
use backdraft_influence::{
    response::ResponseKind,
    statistics::{pearson, slope, spearman},
};
use backdraft_models::to_dtype;
use backdraft_report::perturbation::{ChangeAgreement, ChangeKind, ChangeOutcome};
use burn::{
    module::Module,
    tensor::{DType, Device},
};

use super::{
    change::FoundChange,
    run::{PerturbRun, PerturbedModel},
};
use crate::{CliError, progress::Bar, verify};

/// What came of the changes, by their places among those found.
#[derive(Default)]
pub(super) struct Outcomes {
    pub response: Answers,
    pub retrained: Answers,
}

/// What one way came to.
#[derive(Default)]
pub(super) struct Answers {
    /// In the unit of losses.
    pub of: BTreeMap<usize, ChangeOutcome>,
    pub seconds: f64,
}

/// The network in 64 bits where there are any.
pub(super) struct ExactNetwork {
    pub place: (Device, DType),
    pub train: Cost,
    pub queries: Cost,
}

impl Answers {
    /// Adds what came of the change at a place, of which one row counts.
    pub fn add(&mut self, place: usize, row: usize, response: RemovalResponse, factor: f64) {
        self.seconds += response.seconds;
        let outcome = match response.outcome {
            ResponseOutcome::Done { changes, .. } => ChangeOutcome::Found(factor * changes[row]),
            ResponseOutcome::Failed(reason) => ChangeOutcome::Failed(reason),
        };
        self.of.insert(place, outcome);
    }

    /// How far predictions agree with them, for each kind of change that there are some of.
    pub fn agreements(&self, changes: &[FoundChange], factor: f64) -> Vec<ChangeAgreement> {
        let kinds = [ChangeKind::Inputs, ChangeKind::Label].into_iter();
        let found = kinds.filter_map(|kind| self.agreement(changes, kind, factor));
        found.collect()
    }

    fn agreement(
        &self,
        changes: &[FoundChange],
        kind: ChangeKind,
        factor: f64,
    ) -> Option<ChangeAgreement> {
        let of_kind = self.of.iter();
        let of_kind: Vec<_> = of_kind.filter(|it| changes[*it.0].kind() == kind).collect();
        let pairs = of_kind.iter().filter_map(|(place, outcome)| {
            Some((factor * changes[**place].predicted, outcome.found()?))
        });
        let (predicted, found): (Vec<f64>, Vec<f64>) = pairs.unzip();
        let statistic = |of: fn(&[f64], &[f64]) -> Option<f64>| of(&predicted, &found);
        (!of_kind.is_empty()).then(|| ChangeAgreement {
            kind,
            // Two always lie on a line.
            pearson: statistic(pearson).filter(|_| found.len() > 2),
            spearman: statistic(spearman).filter(|_| found.len() > 2),
            slope: statistic(slope),
            changes: found.len(),
            failed: of_kind.len() - found.len(),
        })
    }
}

impl PerturbRun<'_> {
    /// What really comes of the first changes, as far as that was asked for.
    pub(super) fn outcomes(&self, found: &PerturbedModel) -> Result<Outcomes, CliError> {
        let most = self.args.verify.max(self.args.retrain);
        if most == 0 || found.changes.is_empty() {
            return Ok(Outcomes::default());
        }
        let exact = self.exact(found)?;
        Ok(Outcomes {
            response: self.respond(found, &exact)?,
            retrained: self.retrain(found, &exact)?,
        })
    }

    /// The places of the first changes of each kind and query.
    pub(super) fn first(found: &PerturbedModel, count: usize) -> Vec<usize> {
        let all = found.changes.iter().enumerate();
        all.filter(|(_, it)| it.rank <= count)
            .map(|(place, _)| place)
            .collect()
    }

    fn exact(&self, found: &PerturbedModel) -> Result<ExactNetwork, CliError> {
        let (device, dtype) = verify::place(&self.network.inputs.opened.device);
        let module = to_dtype(found.module.valid().fork(&device), dtype);
        let network = self.network;
        let train = network.cost(&module, (&device, dtype), None)?;
        Ok(ExactNetwork {
            queries: network.query_losses(&train, &found.queries, (&device, dtype))?,
            train,
            place: (device, dtype),
        })
    }

    /// The training example as a change makes it, as a cost of its own.
    pub(super) fn replacement(
        &self,
        change: &FoundChange,
        exact: &ExactNetwork,
    ) -> Result<Cost, CliError> {
        let dataset = &self.network.inputs.dataset;
        let changed = change.changed(dataset);
        let place = (&exact.place.0, exact.place.1);
        let targets = dataset.objective().targets(&changed, place);
        Ok(exact.train.with_examples(changed.inputs(place), targets)?)
    }

    /// The responses to the first changes: from the folder where they are there.
    fn respond(&self, found: &PerturbedModel, exact: &ExactNetwork) -> Result<Answers, CliError> {
        let places = Self::first(found, self.args.verify);
        let damping = found.dampings.values[0];
        let kind = ResponseKind::Bregman;
        let verifier = Verifier::new(&exact.train, &exact.queries, damping, kind)?;
        let verifier = verifier.with_own_store(self.network.store);
        self.answers("verifying", found, &places, |change| {
            let replacement = self.replacement(change, exact)?;
            Ok(verifier.replaced(&change.name(), change.train, &replacement)?)
        })
    }

    /// What comes of the changes at some places, each asked for once.
    pub(super) fn answers(
        &self,
        title: &'static str,
        found: &PerturbedModel,
        places: &[usize],
        mut answer: impl FnMut(&FoundChange) -> Result<RemovalResponse, CliError>,
    ) -> Result<Answers, CliError> {
        let mut answers = Answers::default();
        if places.is_empty() {
            return Ok(answers);
        }
        let bar = Bar::new(title, places.len() as u64);
        for &place in places {
            let change = &found.changes[place];
            let response = answer(change)?;
            answers.add(place, change.row, response, self.network.unit.loss_factor);
            bar.inc(1);
        }
        Ok(answers)
    }
}
