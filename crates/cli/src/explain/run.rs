//! One run of `explain`, from stage to stage.

use backdraft::{
    Measurement,
    attribution::{FolderStore, Store},
};
use backdraft_curvature::{Cost, Half};
use backdraft_influence::Choice;
use backdraft_models::{Metrics, Zoo, data::Split, to_dtype};
use burn::{
    module::Module,
    tensor::{DType, Device},
};

use super::{
    groups::GroupResults,
    measure::{measurement, token_measurement},
    newton::NewtonEstimates,
    store::QueryScores,
    stored::StoredScores,
    tokens::Words,
};
use crate::{
    CliError,
    args::{Damping, Explain, MeasureName, Precision},
    choice::preconditioner,
    dampings::Dampings,
    groups::WeightGroup,
    kept_factors::KeptFactors,
    mixed_precision::ProductErrors,
    network_run::NetworkRun,
    progress::{Passes, say},
    queries::{self, QueryRows},
    run_folder::Shards,
    solve::QuerySystems,
    verify::{self, Amount, Verify},
};
use backdraft_report::{ClosedFormRecord, Measure, ModelQuality, ScoreRecord, VerificationRecord};

/// The queries that are shown and verified of those in a store, and what is measured of them.
fn shown(queries: &QueryRows, measured: &Cost) -> Result<(QueryRows, Cost), CliError> {
    let Some(shown) = StoredScores::shown(queries) else {
        return Ok((queries.clone(), measured.clone()));
    };
    let rows: Vec<usize> = (0..shown.count()).collect();
    Ok((shown, measured.select(&rows)?))
}

/// What was asked, and where results go.
pub(super) struct ExplainRun<'a> {
    pub args: &'a Explain,
    pub network: NetworkRun<'a>,
    /// The test examples named.
    pub named: Option<&'a QueryRows>,
    /// Training examples whose weights are to change.
    pub groups: &'a [WeightGroup],
    /// What is measured, and what scores are told in.
    pub measure: Measure,
    pub damping: &'a Damping,
    /// Over the training examples.
    pub passes: Passes,
    /// What other processes have done.
    pub shards: &'a Shards,
    /// Parts of the training examples that products are made in, one a device; one where queries are dealt out.
    pub parts: usize,
}

/// What is known once all are scored.
pub(super) struct ScoredModel {
    pub subject: Subject,
    /// Those of which everything is told.
    pub queries: QueryRows,
    /// The scores of all, where they are in a store.
    pub stored: Option<(StoredScores, QueryRows)>,
    /// What is measured of each query, or in their mean, in its unit, where that is not the loss.
    pub measured: Option<Vec<f64>>,
    pub parameters: usize,
    pub dampings: Dampings,
    /// For the first damping.
    pub scores: ScoreRecord,
    /// Of the strongest examples, if they were asked for.
    pub newton: Option<NewtonEstimates>,
    /// Of a linear model.
    pub closed_form: Option<ClosedFormRecord>,
    /// For each damping those of all queries.
    pub scored: Vec<QueryScores>,
    pub groups: GroupResults,
    /// Of a text.
    pub words: Option<Words>,
}

/// The network, and what is known of it before any query.
pub(super) struct Subject {
    pub module: Zoo,
    /// Of every test example, in the unit.
    pub losses: Vec<f64>,
    pub metrics: ModelQuality,
    /// On the training part, as it is kept with the weights.
    pub on_train: Metrics,
    pub errors: Option<ProductErrors>,
    /// Of the preconditioner, if there was one.
    pub choice: Option<Choice>,
    /// The seconds of training, if that was here.
    pub training: Option<f64>,
}

impl ExplainRun<'_> {
    pub fn run(self) -> Result<(), CliError> {
        let network = self.network;
        network.store.merge(&self.args.shards.merge)?;
        let (module, seconds) = network.model()?;
        network.store.mark_shard(&self.args.shards)?;
        let losses = network.losses(&module);
        let queries = queries::chosen(self.named, &losses);
        let precision = self.args.precision();
        let computed = match precision {
            Precision::F32 => module.clone(),
            Precision::F64 => to_dtype(module.valid(), DType::F64),
        };
        let place = (&self.network.inputs.opened.device, precision.dtype());
        let costs = |products| self.costs(&computed, &queries, place, products);
        let half = self.args.products.half();
        let (cost, measured) = costs(half)?;
        let cost = cost.with_progress(self.passes.told());
        let (metrics, on_train) = network.metrics(&module, &cost)?;
        if !self.measure.is_loss() || self.measure.mean_over.is_some() {
            say(format_args!("measured: {}", self.measure.told()));
        }
        let errors = half.map(|_| self.product_errors(&cost, &costs(None)?.0));
        let errors = errors.transpose()?;
        let dampings = network.dampings(self.damping, &cost)?;
        let curvature = cost.gauss_newton();
        let (preconditioner, choice) = preconditioner(
            &self.args.solving(),
            &curvature,
            &dampings.values,
            queries.count(),
        )?;
        let cache = self.args.large.cache.as_ref().map(FolderStore::open);
        let cache = cache.transpose()?;
        let all = QuerySystems {
            args: self.args.solving(),
            curvature: &curvature,
            dampings: &dampings.values,
            preconditioner: &preconditioner,
            queries: &queries,
            measured: &measured,
            store: self.network.store.folder(),
            factors: self.kept_factors(cache.as_ref(), &cost),
            passes: Some(&self.passes),
            shown: true,
        };
        let subject = Subject {
            training: self.network.inputs.loaded.is_none().then_some(seconds),
            module,
            losses,
            metrics,
            on_train,
            errors,
            choice,
        };
        let Some((found, exact)) = self.found(subject, &cost, &all, &dampings)? else {
            return Ok(());
        };
        self.conclude(found, exact.as_ref())
    }

    /// The scores of the queries of `all` with the training examples of `cost`, and all that is told of them before the
    /// verification; and the costs in 64 bits that this is made with. None if
    /// some are left to other processes.
    #[allow(clippy::type_complexity)]
    fn found(
        &self,
        subject: Subject,
        cost: &Cost,
        all: &QuerySystems<'_>,
        dampings: &Dampings,
    ) -> Result<Option<(ScoredModel, Option<(Cost, Cost)>)>, CliError> {
        let damping = dampings.values[0];
        let stored = self.stored(cost, all)?;
        let (shown, measured) = match &stored {
            Some(_) => shown(all.queries, all.measured)?,
            None => (all.queries.clone(), all.measured.clone()),
        };
        let systems = QuerySystems {
            queries: &shown,
            measured: &measured,
            ..*all
        };
        let exact = match self.amount() {
            Amount::Nothing => None,
            _ => Some(self.exact(&subject.module, &shown)?),
        };
        let scored = match &stored {
            Some(stored) => Some(stored.first(shown.count(), self.measure.factor)?),
            None => self.whole(self.scored(cost, &systems, exact.as_ref())?, &systems)?,
        };
        let Some(scored) = scored else {
            return Ok(None);
        };
        self.write_self_influence(cost, damping)?;
        let scores = self.scores(&shown, cost.len(), &scored[..shown.count()])?;
        let newton = self.newton(cost, &systems, &scores)?;
        self.write_leverages(cost, &systems, &scores)?;
        let network = (&subject.module, exact.as_ref());
        let closed = self.closed_form(network, &shown, &scores, damping)?;
        let (closed_form, table) = closed.map(|it| (it.record, it.table)).unzip();
        let changes = newton.as_ref().map(|it| it.changes(self.measure.factor));
        let words = self.words(cost, &shown, &scores)?;
        let found = ScoredModel {
            scores: scores.with_newton(changes).with_closed_form(table),
            words,
            closed_form,
            groups: self.predicted_groups(cost, &systems)?,
            newton,
            parameters: cost.model().dim(),
            measured: self.measured(&measured)?,
            stored: stored.map(|stored| (stored, all.queries.clone())),
            queries: shown,
            subject,
            dampings: dampings.clone(),
            scored,
        };
        Ok(Some((found, exact)))
    }

    /// Where what the solver is made of is kept: in the folder named, and for a store of scores, which goes on chunk by
    /// chunk, else in that of the run.
    fn kept_factors<'k>(
        &'k self,
        cache: Option<&'k FolderStore>,
        train: &'k Cost,
    ) -> Option<KeptFactors<'k>> {
        let own = || {
            let stored = self.args.large.store_scores.as_ref();
            stored.map(|_| self.network.store as &(dyn Store + Sync))
        };
        let store = cache.map(|it| it as &(dyn Store + Sync)).or_else(own)?;
        Some(KeptFactors {
            store,
            train,
            parts: 1,
        })
    }

    /// Writes what is known, and verifies it with the costs in 64 bits.
    fn conclude(
        &self,
        mut found: ScoredModel,
        exact: Option<&(Cost, Cost)>,
    ) -> Result<(), CliError> {
        self.write(&found)?;
        let verified = self.verify(&found, exact)?;
        if let Some((train, measured)) = exact {
            let damping = found.dampings.values[0];
            self.verify_groups(&mut found.groups, (train, measured), damping)?;
        }
        self.finish(&found, verified)
    }

    /// How far off products in 16 bits put what is computed of `cost`, beside `exact`, which is said.
    fn product_errors(&self, cost: &Cost, exact: &Cost) -> Result<ProductErrors, CliError> {
        let errors = ProductErrors::of(cost, exact)?;
        let products = self.args.products.name();
        say(format_args!("matrix products in {products}: {errors}"));
        Ok(errors)
    }

    /// The cost of the training examples, and that of the queries.
    fn costs(
        &self,
        module: &Zoo,
        queries: &QueryRows,
        place: (&Device, DType),
        products: Option<Half>,
    ) -> Result<(Cost, Cost), CliError> {
        let cost = self.network.cost(module, place, products)?;
        let queries = self.network.inputs.dataset.test.select(queries.indices());
        let measured = self.measurement(&queries, place);
        let measured = measured.cost(&cost, queries.inputs(place))?;
        Ok((cost, measured.with_batch_size(self.network.pass)?))
    }

    /// What is measured of the examples of `split`.
    pub(super) fn measurement(&self, split: &Split, place: (&Device, DType)) -> Measurement {
        let dataset = &self.network.inputs.dataset;
        if let Some(token) = self.args.token {
            return token_measurement(self.args.measure, split, token, place.0);
        }
        let asked = (&dataset.task, dataset.objective());
        measurement(self.args.measure, asked, split, place)
    }

    /// What is measured of the queries, in its unit, where that is not the loss.
    fn measured(&self, queries: &Cost) -> Result<Option<Vec<f64>>, CliError> {
        if self.measure.is_loss() {
            return Ok(None);
        }
        let values = queries.losses()?;
        let values = match self.measure.mean_over {
            Some(_) => values.mean(),
            None => values,
        };
        let values = values.into_data();
        let told = |value: f64| match self.args.measure {
            // An output is less the target's mean.
            MeasureName::Output(_) => self.network.inputs.dataset.restored_output(value),
            _ => self.measure.factor * value,
        };
        let values = values.iter::<f64>().map(told);
        Ok(Some(values.collect()))
    }

    /// The scores in their unit, with their bounds where they are known.
    pub(super) fn scores(
        &self,
        queries: &QueryRows,
        train: usize,
        scored: &[QueryScores],
    ) -> Result<ScoreRecord, CliError> {
        let factor = self.measure.factor;
        let values = scored.iter().flat_map(|it| &it.values);
        let values = values.map(|score| factor * score).collect();
        let float = self.args.precision().float();
        let indices = queries.indices().to_vec();
        let scores = match queries.mean_over() {
            Some(_) => ScoreRecord::of_mean(indices, train, values, float)?,
            None => ScoreRecord::new(indices, train, values, float)?,
        };
        let bounds: Option<Vec<&Vec<f64>>> = scored.iter().map(|it| it.bounds.as_ref()).collect();
        let Some(bounds) = bounds else {
            return Ok(scores);
        };
        let bounds = bounds.into_iter().flatten();
        Ok(scores.with_bounds(bounds.map(|bound| factor * bound).collect())?)
    }

    /// The costs in 64 bits, where there are any.
    pub(super) fn exact(
        &self,
        module: &Zoo,
        queries: &QueryRows,
    ) -> Result<(Cost, Cost), CliError> {
        let (device, dtype) = verify::place(&self.network.inputs.opened.device);
        let exact = to_dtype(module.valid().fork(&device), dtype);
        self.costs(&exact, queries, (&device, dtype), None)
    }

    /// The scores beside what removals really do, and the seconds that this took, if it was asked for.
    fn verify(
        &self,
        found: &ScoredModel,
        exact: Option<&(Cost, Cost)>,
    ) -> Result<Option<(VerificationRecord, f64)>, CliError> {
        let Some((cost, measured)) = exact else {
            return Ok(None);
        };
        let verify = Verify {
            train: cost,
            queries: measured,
            scores: &found.scores,
            newton: found.newton.as_ref().map_or(&[], |it| &it.predictions),
            measure: &self.measure,
            dataset: &self.network.inputs.dataset,
            damping: found.dampings.values[0],
            seed: self.args.run.compute.seed,
            amount: self.amount(),
            store: self.network.store,
        };
        verify.run().map(Some)
    }

    pub(super) fn amount(&self) -> Amount {
        self.args.amount()
    }
}
