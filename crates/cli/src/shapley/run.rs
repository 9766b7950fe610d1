//! One run of `shapley`, from stage to stage.

use std::time::Instant;

use backdraft::attribution::{
    Shard, Store,
    evaluate::Ranking,
    valuation::{
        CurveConfig, Game, GroupGame, Parts, Performance, RandomRemovals, RemovalCurves,
        RetrainGame, Sharded, TestPerformance,
    },
};
use backdraft_curvature::Cost;
use backdraft_influence::statistics::{pearson, spearman};
use backdraft_models::{Metrics, Zoo, quote};
use backdraft_report::{
    ModelQuality, plural,
    valuation::{
        CurveRecord, FoundLabels, MethodRecord, RandomRecord, ValueAgreement, ValueColumn,
    },
};
use burn::tensor::DType;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    columns::{Column, Columns},
    examples::Examples,
    players::Players,
    retraining::Retraining,
};
use crate::{
    CliError,
    args::{Damping, Shapley},
    network_run::NetworkRun,
    progress::{Bar, say},
    run_folder::Other,
};

/// What was asked, and where results go.
pub(super) struct ShapleyRun<'a> {
    pub args: &'a Shapley,
    pub network: NetworkRun<'a>,
    pub performance: Performance,
    pub players: &'a Players,
    pub examples: &'a Examples,
    pub damping: &'a Damping,
}

/// The network trained on all players.
pub(super) struct ValuedNetwork {
    pub module: Zoo,
    pub metrics: ModelQuality,
    /// On the training part, as it is kept with the weights.
    pub on_train: Metrics,
    pub parameters: usize,
    pub damping: f64,
    /// How coalitions are trained on, in words.
    pub trained: &'static str,
    /// Which network the empty coalition has, in words.
    pub empty_is: &'static str,
}

/// What was found.
pub(super) struct Valued {
    pub network: ValuedNetwork,
    pub methods: Vec<MethodRecord>,
    pub columns: Vec<ValueColumn>,
    pub curves: Vec<CurveRecord>,
    pub random: RandomRecord,
    pub agreement: Vec<ValueAgreement>,
    pub found: Vec<FoundLabels>,
    /// The seconds of each stage.
    pub seconds: Vec<(String, f64)>,
}

impl ShapleyRun<'_> {
    pub fn run(self) -> Result<(), CliError> {
        let network = self.network;
        let trained = network.model()?;
        let place = (&network.inputs.opened.device, DType::F32);
        let cost = network.cost(&trained.0, place, None)?;
        let quality = network.metrics(&trained.0, &cost)?;
        let damping = network.dampings(self.damping, &cost)?.values[0];
        let retraining = Retraining::of(&network, &cost)?;
        let folder = network.store.folder();
        let others = self.args.merge.iter();
        let others: Vec<Other<'_>> = others.map(|path| Other::parts(folder, path)).collect();
        let others = others.iter().map(|it| it as &dyn Store).collect();
        let bar = Bar::new("valuation", 0);
        let parts = Parts::new(network.store)
            .with_shard(self.args.shard.unwrap_or(Shard::WHOLE))
            .with_others(others)
            .with_progress(|it| {
                bar.at(it.done as u64, it.of as u64);
                bar.message(it.what);
            });
        let measured = network.query_losses(&cost, &self.examples.measured, place)?;
        let performance = TestPerformance::new(self.performance, &measured)?;
        let game = self.game(&retraining, &performance);
        let game = GroupGame::new(&game, self.players.groups())?;
        let columns = Columns {
            run: &self,
            module: &trained.0,
            cost: &cost,
            performance: &performance,
            game: &game,
            parts: &parts,
            damping,
        };
        let Some(columns) = self.whole(columns.all()?)? else {
            return Ok(());
        };
        let start = Instant::now();
        let Some(curves) = self.curves(&columns, &retraining, &cost, &parts)? else {
            return Ok(());
        };
        let seconds = start.elapsed().as_secs_f64();
        drop(parts);
        drop(bar);
        let (module, training) = trained;
        let (metrics, on_train) = quality;
        let valued = ValuedNetwork {
            parameters: cost.model().dim(),
            module,
            metrics,
            on_train,
            damping,
            trained: retraining.words,
            empty_is: retraining.empty_is,
        };
        self.finish(&self.valued(valued, columns, curves, [training, seconds]))
    }

    /// Everything that was found; the seconds are those of training and of the curves.
    fn valued(
        &self,
        network: ValuedNetwork,
        columns: Vec<Column>,
        (curves, random): (Vec<CurveRecord>, RandomRecord),
        [training, on_curves]: [f64; 2],
    ) -> Valued {
        let each = columns.iter();
        let each = each.map(|it| (it.values.name.clone(), it.seconds));
        let train = ("train".to_owned(), training);
        let last = ("curves".to_owned(), on_curves);
        Valued {
            network,
            seconds: [train].into_iter().chain(each).chain([last]).collect(),
            agreement: agreement(&columns),
            found: self.found(&columns),
            methods: columns.iter().map(|it| it.method.clone()).collect(),
            columns: columns.into_iter().map(|it| it.values).collect(),
            curves,
            random,
        }
    }

    /// What values are multiplied by to be in the record's unit.
    pub fn factor(&self) -> f64 {
        match self.performance {
            Performance::Loss => self.network.unit.loss_factor,
            Performance::Accuracy | Performance::R2 => 1.0,
        }
    }

    /// The game of the training examples.
    fn game<'g>(
        &self,
        retraining: &'g Retraining<'_>,
        performance: &'g TestPerformance,
    ) -> RetrainGame<'g> {
        let examples = self.network.inputs.dataset.train.rows;
        let (empty, seed) = (retraining.empty.clone(), self.args.run.compute.seed);
        RetrainGame::new(&*retraining.retrain, examples, performance, empty, seed)
    }

    /// What is whole; if some is not, how much is left is said.
    fn whole<T>(&self, found: Vec<Sharded<T>>) -> Result<Option<Vec<T>>, CliError> {
        let (mut whole, mut parts) = (Vec::new(), [0, 0]);
        for it in found {
            match it {
                Sharded::Whole(it) => whole.push(it),
                Sharded::Part { done, left } => parts = [parts[0] + done, parts[1] + left],
            }
        }
        let [done, left] = parts;
        if left == 0 {
            return Ok(Some(whole));
        }
        say(format_args!(
            "{} done, {left} left to others; `--merge DIR,..` puts them together. In {}",
            plural(done, "part"),
            quote::path(self.network.store.folder().path())
        ));
        Ok(None)
    }

    /// What removing players in the order of each column does, and at random.
    fn curves(
        &self,
        columns: &[Column],
        retraining: &Retraining<'_>,
        cost: &Cost,
        parts: &Parts<'_>,
    ) -> Result<Option<(Vec<CurveRecord>, RandomRecord)>, CliError> {
        let examples = match self.examples.held_out.as_slice() {
            [] => &self.examples.measured,
            _ => &self.examples.held_out,
        };
        let place = (&self.network.inputs.opened.device, DType::F32);
        let held_out = self.network.query_losses(cost, examples, place)?;
        let performance = TestPerformance::new(self.performance, &held_out)?;
        let game = self.game(retraining, &performance);
        let game = GroupGame::new(&game, self.players.groups())?;
        let config = CurveConfig::new()
            .with_steps(self.args.steps.get())
            .with_orders(self.args.orders.get())
            .with_seed(self.args.run.compute.seed);
        let game: &dyn Game = &game;
        let found = columns
            .iter()
            .map(|it| config.run(game, &it.values.values, parts))
            .collect::<Result<Vec<_>, _>>()?;
        let random = config.random(game, parts)?;
        let (Some(found), Some(random)) = (self.whole(found)?, random.whole()) else {
            return Ok(None);
        };
        let factor = self.factor();
        let scaled = |of: Vec<f64>| of.into_iter().map(|it| factor * it).collect::<Vec<_>>();
        let curve = |(column, found): (&Column, RemovalCurves)| CurveRecord {
            by: column.values.name.clone(),
            removed: found.removed,
            highest_first: scaled(found.highest_first),
            lowest_first: scaled(found.lowest_first),
        };
        let curves = columns.iter().zip(found).map(curve).collect();
        let RandomRemovals { removed, mean, std } = random;
        let random = RandomRecord {
            orders: config.orders,
            removed,
            mean: scaled(mean),
            std: scaled(std),
        };
        Ok(Some((curves, random)))
    }

    /// How soon labels that were made wrong are found among examples.
    fn found(&self, columns: &[Column]) -> Vec<FoundLabels> {
        let Some(noise) = &self.network.inputs.noise else {
            return Vec::new();
        };
        if self.players.is_grouped() || noise.changes.is_empty() {
            return Vec::new();
        }
        let wrong: Vec<usize> = noise.changes.iter().map(|it| it.row).collect();
        let found = |by: &str, ranking: Ranking| FoundLabels {
            by: by.to_owned(),
            area: ranking.area,
            found_at_fifth: ranking.found_at_fifth,
            found: ranking.found,
        };
        let by = columns.iter().map(|it| {
            let lowest_first = it.values.values.iter().map(|it| Some(-it)).collect();
            found(&it.values.name, Ranking::of(lowest_first, &wrong))
        });
        let mut order: Vec<usize> = (0..self.players.count()).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(self.args.run.compute.seed));
        by.chain([found("random", Ranking::ordered(order, &wrong))])
            .collect()
    }
}

/// Of each pair of columns.
fn agreement(columns: &[Column]) -> Vec<ValueAgreement> {
    let mut found = Vec::new();
    for (place, a) in columns.iter().enumerate() {
        for b in &columns[place + 1..] {
            let (x, y) = (&a.values.values, &b.values.values);
            found.push(ValueAgreement {
                a: a.values.name.clone(),
                b: b.values.name.clone(),
                pearson: pearson(x, y),
                spearman: spearman(x, y),
            });
        }
    }
    found
}
