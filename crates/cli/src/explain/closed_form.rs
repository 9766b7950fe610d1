//! What is known of a linear model in closed form, beside its scores.

use backdraft_curvature::Cost;
use backdraft_influence::{
    Leverage,
    closed::{
        ClosedFormError, DenseMatrix, DesignConfig, LeastSquaresFit, LinearFit, LogisticConfig,
    },
    statistics::{pearson, slope, spearman},
};
use backdraft_models::{
    Architecture, Zoo,
    data::{Split, Targets},
};
use burn::tensor::Tensor;

use super::{files::TOP, run::ExplainRun};
use crate::{
    CliError,
    progress::{say, warn},
    queries::QueryRows,
};
use backdraft_report::{
    ClosedFormAgreement, ClosedFormChange, ClosedFormRecord, ClosedFormTable, ScoreRecord,
};

/// Examples of each kind that are said.
const SAID: usize = 3;
/// Coefficients above which the matrix of logistic regression is not factored here.
const LIMIT: usize = 2_048;

/// What is known of a run's model.
pub(super) struct ClosedForm {
    pub record: ClosedFormRecord,
    pub table: ClosedFormTable,
}

impl ExplainRun<'_> {
    /// What leaving out each training example does to the queries, where the model is linear and its minimum can be
    /// found; `exact` are its costs in 64 bits, if they are there.
    pub(super) fn closed_form(
        &self,
        (module, exact): (&Zoo, Option<&(Cost, Cost)>),
        queries: &QueryRows,
        scores: &ScoreRecord,
        damping: f64,
    ) -> Result<Option<ClosedForm>, CliError> {
        let inputs = self.network.inputs;
        if inputs.kind != Architecture::LogisticRegression || !inputs.only.is_empty() {
            return Ok(None);
        }
        let dataset = &self.network.inputs.dataset;
        if dataset.loss.is_some() || dataset.class_weights.is_some() {
            say("no leave-one-out in closed form: it is of the task's own loss without weights");
            return Ok(None);
        }
        let own = match exact {
            Some(_) => None,
            None => Some(self.exact(module, queries)?),
        };
        let (train, measured) = exact.or(own.as_ref()).expect("one of them is there");
        let outputs = self.network.inputs.dataset.task.outputs();
        let dim = train.model().dim();
        if outputs > 1 && dim > LIMIT {
            say(format_args!(
                "{dim} coefficients are too many for leave-one-out in closed form here, which factors a matrix of as many rows: \
                 up to {LIMIT}; `backdraft_influence::closed` has no limit"
            ));
            return Ok(None);
        }
        let (l2, l2_from) = match self.network.inputs.loaded {
            None => (self.network.config.weight_decay, "training"),
            Some(_) => (damping, "damping"),
        };
        let closed = ClosedFormRun {
            run: self,
            train,
            measured,
            scores,
            l2,
            l2_from,
        };
        match closed.compute() {
            Err(ClosedFormFailure::Form(error)) => {
                warn(format_args!(
                    "there is no leave-one-out in closed form: {error}"
                ));
                Ok(None)
            }
            Err(ClosedFormFailure::Other(error)) => Err(*error),
            Ok(found) => {
                say(format_args!("{}", found.record.told()));
                let table = found.record.to_table(SAID);
                say(format_args!("\n{table}"));
                Ok(Some(found))
            }
        }
    }
}

/// Why there is none.
enum ClosedFormFailure {
    /// The data have none.
    Form(ClosedFormError),
    Other(Box<CliError>),
}

impl From<ClosedFormError> for ClosedFormFailure {
    fn from(error: ClosedFormError) -> Self {
        Self::Form(error)
    }
}

impl<E: Into<CliError>> From<E> for ClosedFormFailure {
    fn from(error: E) -> Self {
        Self::Other(Box::new(error.into()))
    }
}

struct ClosedFormRun<'a> {
    run: &'a ExplainRun<'a>,
    train: &'a Cost,
    measured: &'a Cost,
    scores: &'a ScoreRecord,
    l2: f64,
    l2_from: &'static str,
}

impl ClosedFormRun<'_> {
    fn compute(&self) -> Result<ClosedForm, ClosedFormFailure> {
        let dataset = &self.run.network.inputs.dataset;
        let fit = self.fit(&dataset.train)?;
        let (loss, value) = (self.run.network.unit.loss_factor, self.run.measure.factor);
        let leverages = fit.leverage()?;
        let own = fit
            .self_influence()
            .into_iter()
            .zip(fit.own_loss_changes()?);
        let own = own.map(|(score, change)| (loss * score, change.map(|it| loss * it)));
        let mut each = Vec::new();
        for (place, &query) in self.scores.queries().iter().enumerate() {
            let input = numbers(dataset.test.row(query));
            let measured = self.measured.select(&[place])?;
            let found = fit.measured_changes(&input, &measured)?.into_iter();
            each.push(found.map(|it| Some(value * it?)).collect());
        }
        let changes = match self.run.measure.mean_over {
            Some(_) => vec![mean(&each)],
            None => each,
        };
        let table = ClosedFormTable {
            exact: fit.is_exact(),
            own: own.collect(),
            diagnostics: self.diagnostics(&fit),
            leverage: leverages.iter().map(Leverage::largest).collect(),
            changes,
        };
        let effective = leverages.iter().map(Leverage::total).sum();
        let record = self.record(&fit, &table, effective)?;
        Ok(ClosedForm { record, table })
    }

    /// The minimum of the cost that the network was trained with.
    fn fit(&self, train: &Split) -> Result<LinearFit, ClosedFormError> {
        let inputs = DenseMatrix::new(train.rows, train.columns, numbers(&train.features));
        let design = DesignConfig {
            ridge: self.l2 * train.rows as f64,
            ..DesignConfig::default()
        };
        match &train.targets {
            Targets::Values(values) => {
                let fit = LeastSquaresFit::new(&inputs, &numbers(values), design)?;
                Ok(LinearFit::LeastSquares(fit))
            }
            Targets::Classes(classes) => {
                let config = LogisticConfig {
                    design,
                    ..LogisticConfig::new(self.run.network.inputs.dataset.task.outputs())
                };
                let classes: Vec<usize> = classes.iter().map(|&it| it as usize).collect();
                Ok(LinearFit::Logistic(config.fit(&inputs, &classes)?))
            }
            Targets::Tokens { .. } => panic!("text has no one target for an example"),
        }
    }

    /// Residuals and what stands out, of least squares, in the target's own units.
    fn diagnostics(&self, fit: &LinearFit) -> Vec<(&'static str, Vec<Option<f64>>)> {
        let LinearFit::LeastSquares(fit) = fit else {
            return Vec::new();
        };
        let factor = self.run.network.unit.output_factor;
        let residuals = fit.residuals().iter().map(|e| Some(factor * e)).collect();
        let mut found = vec![("residual", residuals)];
        match fit.diagnostics() {
            Ok(it) => found.extend([
                ("studentized", it.studentized),
                ("cook", it.cook),
                ("dffits", it.dffits),
            ]),
            Err(error) => warn(format_args!("no studentised residuals: {error}")),
        }
        found
    }

    fn record(
        &self,
        fit: &LinearFit,
        table: &ClosedFormTable,
        effective_parameters: f64,
    ) -> Result<ClosedFormRecord, CliError> {
        let trained: Vec<f64> = host(self.train.model().theta())?;
        let gradient = host(self.train.clone().with_l2(self.l2).gradient()?)?;
        let apart: Vec<f64> = trained
            .iter()
            .zip(fit.parameters())
            .map(|(a, b)| a - b)
            .collect();
        let leverage = table.leverage.iter().copied().enumerate();
        let most = leverage.max_by(|a, b| a.1.total_cmp(&b.1));
        let first = table.changes.first();
        let alone = first.map_or(Vec::new(), |row| {
            (0..row.len()).filter(|&i| row[i].is_none()).collect()
        });
        Ok(ClosedFormRecord {
            model: match fit.is_exact() {
                true => "least squares".into(),
                false => "logistic regression".into(),
            },
            exact: fit.is_exact(),
            l2: self.l2,
            l2_from: self.l2_from.into(),
            distance: norm(&apart) / norm(fit.parameters()).max(f64::MIN_POSITIVE),
            gradient_norm: self.run.network.unit.loss_factor * norm(&gradient),
            effective_parameters,
            most: most.unwrap_or((0, 0.0)),
            alone,
            agreement: self.agreement(table),
            strongest: self.strongest(table),
        })
    }

    /// Of all scores with the changes that are known.
    fn agreement(&self, table: &ClosedFormTable) -> Vec<ClosedFormAgreement> {
        let of = |(row, changes): (usize, &Vec<Option<f64>>)| {
            let pairs = self.scores.row(row).iter().zip(changes);
            let pairs = pairs.filter_map(|(score, change)| Some((*score, (*change)?)));
            let (scores, changes): (Vec<f64>, Vec<f64>) = pairs.unzip();
            ClosedFormAgreement {
                query: self.scores.query(row),
                pearson: pearson(&scores, &changes),
                spearman: spearman(&scores, &changes),
                slope: slope(&scores, &changes),
            }
        };
        table.changes.iter().enumerate().map(of).collect()
    }

    fn strongest(&self, table: &ClosedFormTable) -> Vec<ClosedFormChange> {
        let mut found = Vec::new();
        for row in 0..self.scores.rows() {
            let strongest = self.scores.strongest(row, TOP);
            let sides = [strongest.positive, strongest.negative];
            for (kind, side) in self.run.measure.kinds().into_iter().zip(sides) {
                found.extend(side.into_iter().map(|it| ClosedFormChange {
                    query: self.scores.query(row),
                    train: it.train,
                    kind,
                    score: it.score,
                    leverage: table.leverage[it.train],
                    leave_one_out: table.changes[row][it.train],
                }));
            }
        }
        found
    }
}

/// Of every example over all queries.
fn mean(queries: &[Vec<Option<f64>>]) -> Vec<Option<f64>> {
    let count = queries.len() as f64;
    let of = |i: usize| queries.iter().map(|row| Some(row[i]? / count)).sum();
    (0..queries[0].len()).map(of).collect()
}

fn numbers(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&it| f64::from(it)).collect()
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|it| it * it).sum::<f64>().sqrt()
}

fn host(vector: Tensor<1>) -> Result<Vec<f64>, CliError> {
    let found = vector.try_into_vec_as::<f64>();
    found.map_err(|error| CliError::Execution(error.to_string()))
}
