//! The files of a run of `perturb`.

use backdraft::attribution::InputChange;
use backdraft_influence::{Choice, ChosenDamping};
use backdraft_models::outputs;
use backdraft_report::{
    Contents, Example, QueryRecord, Record, Report, RunRecord, RunSettings, TargetValue,
    perturbation::{
        ChangeRecord, LabelChange, MovedExample, PERTURBATIONS_FILE, PerturbationRecord,
        PerturbationReport, perturbation_table, perturbations_csv,
    },
};
use burn::tensor::TensorData;
use serde::Serialize;

use super::{
    change::{ChangedPart, FoundChange, NewTarget},
    outcome::Outcomes,
    run::{PerturbRun, PerturbedModel},
    settings::ChangeSettings,
};
use crate::{
    CliError,
    display::{labels, layout, predictions, target},
    inputs::WRONG_LABELS,
    progress::say,
    run_folder::{CHECKSUMS, Kind, MODEL, PARTS, STATE},
    tensors::{self, Texts},
    weights,
};

/// What was asked.
const ASKED: &str = "perturb.json";
/// The moved examples: in the order of `perturbations.csv`, a row each.
const MOVES: &str = "moves.safetensors";

/// What is in the folder of a whole run, but for its record.
const WHOLE: [&str; 6] = [
    ASKED,
    weights::FILE,
    WRONG_LABELS,
    PERTURBATIONS_FILE,
    MOVES,
    Report::FILE,
];

pub(super) const KIND: Kind = Kind {
    name: "a run of perturb",
    contents: Contents {
        record: ASKED,
        results: &[RunRecord::FILE],
        others: &[
            weights::FILE,
            WRONG_LABELS,
            PERTURBATIONS_FILE,
            MOVES,
            Report::FILE,
            CHECKSUMS,
            STATE,
            PARTS,
        ],
        parts: &[],
    },
    network: MODEL,
    computed: &["parts/solution-", "parts/response-"],
};

/// The settings that the record has beside those that every run has by name.
#[derive(Serialize)]
struct Details<'a> {
    #[serde(flatten)]
    changes: ChangeSettings,
    precision: &'static str,
    tolerance: Option<f64>,
    /// Where a rule chose the damping.
    #[serde(skip_serializing_if = "Option::is_none")]
    damping_rule: Option<&'a ChosenDamping>,
    /// Where the preconditioner was to be chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    preconditioner_choice: Option<&'a Choice>,
    verify: usize,
    retrain: usize,
}

impl PerturbRun<'_> {
    /// Writes the weights and all changes, with what came of them so far.
    pub(super) fn write(
        &self,
        found: &PerturbedModel,
        outcomes: &Outcomes,
    ) -> Result<(), CliError> {
        let folder = self.network.store.folder();
        let dataset = &self.network.inputs.dataset;
        self.network.write_weights(&found.module, &found.on_train)?;
        folder.write(MOVES, &self.moves_file(found)?)?;
        let record = self.record(found, outcomes)?;
        let labels = labels(dataset);
        let table = perturbations_csv(&record.changes, &labels)?;
        folder.write(PERTURBATIONS_FILE, &table)?;
        let report = self.report(found, record);
        folder.write(Report::FILE, report.to_html()?.as_bytes())
    }

    /// Writes all again, and the record last: it says that the run is whole.
    pub(super) fn finish(
        &self,
        found: &PerturbedModel,
        outcomes: &Outcomes,
    ) -> Result<(), CliError> {
        self.write(found, outcomes)?;
        let record = self.record(found, outcomes)?;
        let labels = labels(&self.network.inputs.dataset);
        let table = perturbation_table(&record, &labels);
        say(format_args!("\n{}", table.trim_end()));
        let files = WHOLE.map(String::from);
        self.network.finish(&record.to_json()?, &files)
    }

    /// Inputs as they are and as they become, in the source's own units, and the gradients.
    fn moves_file(&self, found: &PerturbedModel) -> Result<Vec<u8>, CliError> {
        let moved: Vec<MovedExample> = self.moved(found);
        let table = |name: &str, of: fn(&MovedExample) -> &Vec<f64>| {
            let numbers: Vec<f64> = moved.iter().flat_map(|it| of(it).clone()).collect();
            let shape = [moved.len(), self.network.inputs.dataset.train.columns];
            (name.to_owned(), TensorData::new(numbers, shape))
        };
        let tables = [
            table("inputs", |it| &it.example.features),
            table("moved", |it| &it.moved),
            table("gradient", |it| &it.gradient),
        ];
        tensors::encode(&tables, Texts::new()).map_err(CliError::Weights)
    }

    fn report(&self, found: &PerturbedModel, record: PerturbationRecord) -> PerturbationReport {
        let dataset = &self.network.inputs.dataset;
        let query = |&index: &usize| Example {
            index,
            source: dataset.test_place(index),
            label: target(dataset, &dataset.test, index),
            features: dataset.original_inputs(dataset.test.row(index)),
        };
        PerturbationReport {
            title: self.network.store.folder().title(),
            record,
            labels: labels(dataset),
            layout: layout(dataset),
            queries: found.queries.iter().map(query).collect(),
            moved: self.moved(found),
        }
    }

    /// The moved examples, in the order of the changes.
    fn moved(&self, found: &PerturbedModel) -> Vec<MovedExample> {
        let moves = found.changes.iter().filter_map(|it| match &it.what {
            ChangedPart::Inputs(change) => Some((it, change)),
            ChangedPart::Target { .. } => None,
        });
        moves
            .map(|(it, change)| self.moved_example(it, change))
            .collect()
    }

    fn moved_example(&self, found: &FoundChange, change: &InputChange) -> MovedExample {
        let dataset = &self.network.inputs.dataset;
        let (train, factor) = (&dataset.train, self.network.unit.loss_factor);
        let parts = change.gradient.iter().zip(&change.step);
        MovedExample {
            example: Example {
                index: found.train,
                source: dataset.train_place(found.train),
                label: target(dataset, train, found.train),
                features: dataset.original_inputs(train.row(found.train)),
            },
            moved: dataset.original_inputs(found.changed(dataset).row(0)),
            parts: parts.map(|(slope, step)| factor * slope * step).collect(),
            gradient: change.gradient.iter().map(|it| factor * it).collect(),
        }
    }

    /// All about the run, with what came of its changes.
    fn record(
        &self,
        found: &PerturbedModel,
        outcomes: &Outcomes,
    ) -> Result<PerturbationRecord, CliError> {
        let factor = self.network.unit.loss_factor;
        let changes = found.changes.iter().enumerate();
        Ok(PerturbationRecord {
            run: self.run_record(found, outcomes)?,
            changes: changes
                .map(|(place, it)| self.change_record(found, outcomes, place, it))
                .collect(),
            response: outcomes.response.agreements(&found.changes, factor),
            retraining: outcomes.retrained.agreements(&found.changes, factor),
        })
    }

    fn change_record(
        &self,
        found: &PerturbedModel,
        outcomes: &Outcomes,
        place: usize,
        change: &FoundChange,
    ) -> ChangeRecord {
        let (dataset, factor) = (&self.network.inputs.dataset, self.network.unit.loss_factor);
        let (first_order, to) = match &change.what {
            ChangedPart::Inputs(change) => (Some(factor * change.first_order), None),
            ChangedPart::Target { to, .. } => (
                None,
                Some(match to {
                    NewTarget::Class(class) => TargetValue::Class(*class),
                    NewTarget::Value(value) => TargetValue::Value(dataset.original_target(*value)),
                }),
            ),
        };
        ChangeRecord {
            query: found.queries[change.row],
            rank: change.rank,
            kind: change.kind(),
            train: change.train,
            source: dataset.train_place(change.train),
            label: LabelChange {
                label: target(dataset, &dataset.train, change.train),
                to,
            },
            predicted: factor * change.predicted,
            first_order,
            response: outcomes.response.of.get(&place).cloned(),
            retrained: outcomes.retrained.of.get(&place).cloned(),
        }
    }

    fn run_record(
        &self,
        found: &PerturbedModel,
        outcomes: &Outcomes,
    ) -> Result<RunRecord, CliError> {
        let dataset = &self.network.inputs.dataset;
        let test = &dataset.test;
        let outputs = outputs(&found.module, test);
        let predictions = predictions(&outputs, test.rows, dataset);
        let queries = found.queries.iter().zip(&found.solves);
        let queries = queries.map(|(&index, solve)| QueryRecord {
            index,
            source: Some(dataset.test_place(index)),
            label: target(dataset, test, index),
            predicted: predictions[index],
            loss: found.losses[index],
            measured: None,
            solve: solve.clone(),
        });
        let mut seconds = found.seconds.clone();
        let answers = [
            ("verify", &outcomes.response),
            ("retrain", &outcomes.retrained),
        ];
        let answers = answers.into_iter().filter(|it| !it.1.of.is_empty());
        seconds.extend(answers.map(|(stage, it)| (stage, it.seconds)));
        let settings = self.settings(found)?;
        let record = self
            .network
            .record(settings, found.metrics, found.parameters, &seconds);
        Ok(RunRecord {
            queries: queries.collect(),
            ..record
        })
    }

    fn settings(&self, found: &PerturbedModel) -> Result<RunSettings, CliError> {
        let solving = self.args.solving();
        let details = Details {
            changes: ChangeSettings::of(self.args),
            precision: solving.precision().name(),
            tolerance: solving.solver.tolerance,
            damping_rule: found.dampings.chosen.as_ref(),
            preconditioner_choice: found.choice.as_ref(),
            verify: self.args.verify,
            retrain: self.args.retrain,
        };
        let system = (solving.solver().name(), found.dampings.values[0]);
        self.network.settings(Some(system), &details)
    }
}
