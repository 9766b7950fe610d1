//! The strongest changes for every query.

use std::time::Instant;

use backdraft::attribution::Perturbations;
use backdraft_curvature::Rows;
use backdraft_influence::{InputStep, StepGoal};
use backdraft_models::data::{Split, Targets, Task};
use burn::tensor::{DType, Device};

use super::{
    change::{ChangedPart, FoundChange, NewTarget},
    range,
    run::PerturbRun,
};
use crate::{CliError, progress::Bar};

/// Targets that every training example might have in place of its own.
struct Alternatives {
    /// Each for all examples, as the loss reads them.
    targets: Vec<Vec<Rows>>,
    /// Each for one example.
    to: Box<dyn Fn(usize, usize) -> NewTarget>,
}

impl PerturbRun<'_> {
    /// The strongest changes: row by row those of inputs, then those of targets, the strongest first. Also the seconds
    /// that this took.
    pub(super) fn changes(
        &self,
        of: &Perturbations,
        place: (&Device, DType),
    ) -> Result<(Vec<FoundChange>, f64), CliError> {
        let start = Instant::now();
        let bar = Bar::new("looking for changes", of.rows() as u64);
        let step = InputStep {
            size: self.args.size,
            norm: self.args.norm.into(),
            goal: self.args.goal.into(),
            range: self
                .args
                .clip
                .then(|| range::of_inputs(&self.network.inputs.dataset)),
        };
        let alternatives = self.alternatives(place);
        let mut found = Vec::new();
        for row in 0..of.rows() {
            found.extend(self.moves(of, row, &step)?);
            found.extend(self.targets(of, row, &alternatives, step.goal)?);
            bar.inc(1);
        }
        Ok((found, start.elapsed().as_secs_f64()))
    }

    /// The moves of inputs that do most for one row.
    fn moves(
        &self,
        of: &Perturbations,
        row: usize,
        step: &InputStep,
    ) -> Result<Vec<FoundChange>, CliError> {
        let ranked = of.ranked_changes(row, step)?;
        let useful = ranked.iter().filter(|it| step.goal.sign() * it.1 > 0.0);
        let first: Vec<(usize, f64)> = useful.take(self.args.changes.get()).copied().collect();
        let indices: Vec<usize> = first.iter().map(|it| it.0).collect();
        if indices.is_empty() {
            return Ok(Vec::new());
        }
        let changes = of.best_changes(row, &indices, step)?;
        let found = (1..).zip(changes).zip(first);
        Ok(found
            .map(|((rank, change), (train, predicted))| FoundChange {
                row,
                rank,
                train,
                predicted,
                what: ChangedPart::Inputs(change),
            })
            .collect())
    }

    /// The other targets that do most for one row.
    fn targets(
        &self,
        of: &Perturbations,
        row: usize,
        alternatives: &Alternatives,
        goal: StepGoal,
    ) -> Result<Vec<FoundChange>, CliError> {
        let table = of.relabelled(row, &alternatives.targets)?;
        let [count, examples] = table.dims();
        let table: Vec<f64> = table.into_data().iter::<f64>().collect();
        let value = |place: usize| goal.sign() * table[place];
        // The class that an example has already changes nothing but by rounding.
        let mut order: Vec<usize> = (0..count * examples)
            .filter(|&place| !self.is_own(place % examples, place / examples))
            .filter(|&place| value(place) > 0.0)
            .collect();
        let example = |place: usize| (place % examples, place / examples);
        let by = |a: &usize, b: &usize| {
            let values = value(*b).total_cmp(&value(*a));
            values.then(example(*a).cmp(&example(*b)))
        };
        let asked = self.args.changes.get();
        if order.len() > asked {
            order.select_nth_unstable_by(asked, by);
            order.truncate(asked);
        }
        order.sort_by(by);
        let found = (1..).zip(order).map(|(rank, place)| {
            let (train, alternative) = example(place);
            FoundChange {
                row,
                rank,
                train,
                predicted: table[place],
                what: ChangedPart::Target {
                    alternative,
                    to: (alternatives.to)(train, alternative),
                },
            }
        });
        Ok(found.collect())
    }

    /// Whether an alternative is what an example has already.
    fn is_own(&self, example: usize, alternative: usize) -> bool {
        match &self.network.inputs.dataset.train.targets {
            Targets::Classes(classes) => classes[example] == alternative as i64,
            _ => false,
        }
    }

    /// Every class, or a regression's targets moved up and down.
    fn alternatives(&self, place: (&Device, DType)) -> Alternatives {
        let dataset = &self.network.inputs.dataset;
        let objective = dataset.objective();
        let rows = |targets: Targets| {
            // Targets alone are read of it.
            let split = Split {
                rows: dataset.train.rows,
                columns: dataset.train.columns,
                features: Vec::new(),
                targets,
                origin: Vec::new(),
                weights: None,
            };
            objective.targets(&dataset.weighted(split), place)
        };
        if let (Task::Regression, Targets::Values(values)) = (&dataset.task, &dataset.train.targets)
        {
            let step = self.target_step();
            let moved = move |value: f32, up: usize| match up {
                0 => (f64::from(value) + step) as f32,
                _ => (f64::from(value) - step) as f32,
            };
            let of = |up: usize| values.iter().map(|value| moved(*value, up)).collect();
            let values = values.clone();
            return Alternatives {
                targets: (0..2).map(|up| rows(Targets::Values(of(up)))).collect(),
                to: Box::new(move |example, up| NewTarget::Value(moved(values[example], up))),
            };
        }
        let classes = 0..dataset.task.classes().len() as i64;
        let all = |class| rows(Targets::Classes(vec![class; dataset.train.rows]));
        Alternatives {
            targets: classes.map(all).collect(),
            to: Box::new(|_, class| NewTarget::Class(class as i64)),
        }
    }

    /// How far targets are moved, as the network is trained with them.
    fn target_step(&self) -> f64 {
        let dataset = &self.network.inputs.dataset;
        match (self.args.target_step, &dataset.train.targets) {
            (Some(step), _) => step / dataset.target_std(),
            (None, Targets::Values(values)) => {
                let count = values.len() as f64;
                let mean = values.iter().map(|&it| f64::from(it)).sum::<f64>() / count;
                let squares = values.iter().map(|&it| (f64::from(it) - mean).powi(2));
                (squares.sum::<f64>() / count).sqrt()
            }
            (None, _) => 0.0,
        }
    }
}
