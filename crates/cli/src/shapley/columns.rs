//! The values of all players, a column a method.

use std::time::Instant;

use backdraft::{
    InfluenceConfig, Measurement,
    attribution::valuation::{
        ExactConfig, Game, GradientWalk, KnnConfig, Parts, PermutationConfig, PermutationWalk,
        RateSearch, SampledValues, ShapleyValues, Sharded, TestPerformance, TruncatedWalk,
        leave_one_out,
    },
};
use backdraft_curvature::{Cost, Model};
use backdraft_influence::closed::DenseMatrix;
use backdraft_models::{
    Zoo,
    data::{Split, Targets},
    outputs,
};
use backdraft_report::{
    count, short,
    valuation::{MethodRecord, ValueColumn},
};
use burn::tensor::DType;

use super::{retraining::initial, run::ShapleyRun};
use crate::{
    CliError,
    args::{FeaturesName, MOST, MethodName},
    progress::say,
};

/// Orders in which learning rates are tried.
const TRIALS: usize = 5;

/// A column, how it was found, and the seconds that it took.
pub(super) struct Column {
    pub values: ValueColumn,
    pub method: MethodRecord,
    pub seconds: f64,
}

/// What columns are computed from.
pub(super) struct Columns<'a> {
    pub run: &'a ShapleyRun<'a>,
    pub module: &'a Zoo,
    /// Of the training examples, without an L2 term.
    pub cost: &'a Cost,
    pub performance: &'a TestPerformance,
    /// Of the players.
    pub game: &'a dyn Game,
    pub parts: &'a Parts<'a>,
    pub damping: f64,
}

impl Columns<'_> {
    /// All columns that are asked for.
    pub fn all(&self) -> Result<Vec<Sharded<Column>>, CliError> {
        let methods = self.run.args.methods(self.run.players.count());
        let mut found = Vec::new();
        for &method in &methods {
            found.push(self.timed(|| match method {
                MethodName::Exact => self.exact(),
                MethodName::Tmc => self.tmc(),
                MethodName::G => self.gradient(),
                MethodName::Knn | MethodName::All => self.knn(),
            })?);
        }
        if methods != [MethodName::Knn] {
            found.push(self.timed(|| self.leave_one_out())?);
        }
        found.push(self.timed(|| self.influence().map(Sharded::Whole))?);
        Ok(found)
    }

    fn timed(
        &self,
        find: impl FnOnce() -> Result<Sharded<Column>, CliError>,
    ) -> Result<Sharded<Column>, CliError> {
        let start = Instant::now();
        let found = find()?;
        let seconds = start.elapsed().as_secs_f64();
        Ok(found.map(|it| Column { seconds, ..it }))
    }

    fn exact(&self) -> Result<Sharded<Column>, CliError> {
        let config = ExactConfig::new().with_most(MOST);
        let found = config.run(self.game, self.parts)?;
        let coalitions = 1_usize << self.run.players.count();
        let words = format!("all {} coalitions", count(coalitions));
        Ok(found.map(|it| self.column("exact", words, it, self.run.factor())))
    }

    fn tmc(&self) -> Result<Sharded<Column>, CliError> {
        let walk = TruncatedWalk::new(self.game, self.run.args.tolerance.0)?;
        let words = "truncated Monte-Carlo".to_owned();
        let found = self.sampled("tmc", words, &walk)?;
        Ok(found.map(|mut it| {
            it.method.tolerance = Some(self.run.factor() * walk.tolerance());
            it
        }))
    }

    fn gradient(&self) -> Result<Sharded<Column>, CliError> {
        let (network, args) = (&self.run.network, self.run.args);
        let train = self.cost.clone().with_l2(network.config.weight_decay);
        let begin = |seed| {
            let model = Model::new(&initial(network, seed), Zoo::forward);
            // The network was made a model of before.
            model.expect("the zoo's networks have parameters").theta()
        };
        let groups = self.run.players.groups();
        let given = args.learning_rate.unwrap_or(1.0);
        let mut walk = GradientWalk::new(&train, groups, self.performance, given, begin)?;
        if args.learning_rate.is_none() {
            let search = walk.search(&RateSearch::rates(), TRIALS, args.run.compute.seed)?;
            say(format_args!(
                "one pass is best with a learning rate of {}",
                short(search.learning_rate)
            ));
            walk = walk.with_learning_rate(search.learning_rate)?;
        }
        let rate = walk.learning_rate();
        let words = "one pass of training from initial weights, a step an example".to_owned();
        let found = self.sampled("g", words, &walk)?;
        Ok(found.map(|mut it| {
            it.method.learning_rate = Some(rate);
            it
        }))
    }

    fn sampled(
        &self,
        name: &'static str,
        words: String,
        walk: &dyn PermutationWalk,
    ) -> Result<Sharded<Column>, CliError> {
        let args = self.run.args;
        let config = PermutationConfig::new()
            .with_permutations(args.permutations.get())
            .with_seed(args.run.compute.seed)
            .with_convergence((args.convergence > 0.0).then_some(args.convergence))
            .with_antithetic(args.antithetic);
        let found = config.run(walk, self.parts)?;
        Ok(found.map(|found| {
            let SampledValues {
                shapley,
                permutations,
                converged,
                convergence,
                looked_at,
            } = found;
            let mut column = self.column(name, words, shapley, self.run.factor());
            column.method.permutations = Some(permutations);
            column.method.converged = Some(converged);
            column.method.looked_at = Some(looked_at);
            let points = convergence.into_iter();
            let points = points.map(|it| {
                let change = it.change.is_finite().then_some(it.change);
                (it.permutations, change)
            });
            column.method.convergence = points.collect();
            column
        }))
    }

    fn knn(&self) -> Result<Sharded<Column>, CliError> {
        let (args, dataset) = (self.run.args, &self.run.network.inputs.dataset);
        let test = dataset.test.select(&self.run.examples.measured);
        let train = &dataset.train;
        let of = [train, &test].map(|split| self.features(split));
        let config = KnnConfig::new().with_neighbours(args.neighbours.get());
        let (found, factor) = match (&train.targets, &test.targets) {
            (Targets::Classes(a), Targets::Classes(b)) => {
                let [a, b] = [a, b].map(|it| it.iter().map(|&it| it as usize).collect::<Vec<_>>());
                let found = config.classification((&of[0], &a), (&of[1], &b), self.parts);
                (found, 1.0)
            }
            (Targets::Values(a), Targets::Values(b)) => {
                let [a, b] =
                    [a, b].map(|it| it.iter().map(|&it| f64::from(it)).collect::<Vec<_>>());
                let found = config.regression((&of[0], &a), (&of[1], &b), self.parts);
                (found, self.run.network.unit.loss_factor)
            }
            _ => unreachable!("both parts have targets of one kind, and text was refused"),
        };
        let found = found?;
        let words = format!(
            "exact, of {} nearest neighbours by {}",
            args.neighbours,
            args.features.name()
        );
        Ok(found.map(|it| {
            let mut column = self.column("knn", words, it, factor);
            column.method.neighbours = Some(args.neighbours.get());
            column
        }))
    }

    /// What distances are of, a row an example.
    fn features(&self, split: &Split) -> DenseMatrix {
        let values = match self.run.args.features {
            FeaturesName::Inputs => split.features.iter().map(|&it| f64::from(it)).collect(),
            FeaturesName::Outputs => outputs(self.module, split),
        };
        DenseMatrix::new(split.rows, values.len() / split.rows, values)
    }

    fn leave_one_out(&self) -> Result<Sharded<Column>, CliError> {
        let found = leave_one_out(self.game, self.parts)?;
        let factor = self.run.factor();
        let words = "training on all others".to_owned();
        Ok(found.map(|it| plain("leave-one-out", words, scaled(&it, factor))))
    }

    fn influence(&self) -> Result<Column, CliError> {
        let network = &self.run.network;
        let dataset = &network.inputs.dataset;
        let test = dataset.test.select(&self.run.examples.measured);
        let place = (&network.inputs.opened.device, DType::F32);
        let loss = Measurement::loss(dataset.objective().targets(&test, place)).mean();
        let config = InfluenceConfig::new().with_damping(self.damping);
        let influence = config.over(self.cost.clone())?;
        let scores = influence.scores(&loss, test.inputs(place))?.of(0)?;
        let scores = self.run.players.summed(&scores);
        let words = "the predicted change of the mean loss without the player".to_owned();
        Ok(plain(
            "influence",
            words,
            scaled(&scores, network.unit.loss_factor),
        ))
    }

    fn column(
        &self,
        name: &'static str,
        words: String,
        found: ShapleyValues,
        factor: f64,
    ) -> Column {
        let errors = found.standard_errors.map(|it| scaled(&it, factor));
        let mean = errors
            .as_ref()
            .map(|it| it.iter().sum::<f64>() / it.len() as f64);
        let mut column = plain(name, words, scaled(&found.values, factor));
        column.values.standard_errors = errors;
        column.method.standard_error = mean;
        column.method.empty = Some(factor * found.empty);
        column.method.all = Some(factor * found.all);
        column
    }
}

/// Values that nothing else is known of.
fn plain(name: &str, words: String, values: Vec<f64>) -> Column {
    Column {
        method: MethodRecord {
            name: name.into(),
            words,
            sum: values.iter().sum(),
            ..MethodRecord::default()
        },
        values: ValueColumn {
            name: name.into(),
            values,
            standard_errors: None,
        },
        seconds: 0.0,
    }
}

fn scaled(values: &[f64], factor: f64) -> Vec<f64> {
    values.iter().map(|it| factor * it).collect()
}
