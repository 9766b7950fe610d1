//! The scores of many queries, some at a time, in a store.

use std::{cell::Cell, path::Path, time::Instant};

use backdraft::attribution::{
    ChunkConfig, Digest, ScoreChunk, ScoreIndex, ScoreStore,
    score_store::{ScoreFloat, StoredQuery},
};
use backdraft_curvature::{Cost, CountedOperator, Damped};
use backdraft_influence::{Inverse, Solution, SolveError, SolveInfo};
use backdraft_models::quote;
use burn::tensor::Tensor;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{files::TOP, run::ExplainRun, store::QueryScores};
use crate::{
    CliError,
    fingerprint::part_fingerprint,
    progress::{Bar, say, warn},
    queries::QueryRows,
    solve::{QuerySystems, record, solver},
    system_settings::SolvingSettings,
};
use backdraft_report::{ExampleInfo, OutputError, SolveRecord, count};

const OPTION: &str = "--store-scores";

/// The store's folder in that of a run, where none is named.
pub(super) const STORE: &str = "scores";

/// Queries whose scores are verified and shown.
const SHOWN: usize = 20;

/// What an example is, beside its name.
const EXAMPLE: &str = "example";

/// A store, as the run's record has it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct StoreRecord {
    folder: String,
    /// Queries of this run, and those of them that were computed in it, the last time that it went on.
    queries: usize,
    computed: usize,
    /// Queries that are gone through at once.
    at_once: usize,
    /// The largest of all.
    true_residual: f64,
}

/// The scores of all queries of a run.
pub(super) struct StoredScores {
    store: ScoreStore,
    /// Of the store, in the order of the queries.
    rows: Vec<usize>,
    pub record: StoreRecord,
    seconds: f64,
}

impl ExplainRun<'_> {
    /// The scores of all queries in the store that was asked for, if one was: those that it does not have are computed,
    /// and are there from then on.
    pub(super) fn stored(
        &self,
        cost: &Cost,
        systems: &QuerySystems<'_>,
    ) -> Result<Option<StoredScores>, CliError> {
        let Some(named) = &self.args.large.store_scores else {
            return Ok(None);
        };
        let own = || self.network.store.folder().path().join(STORE);
        let path = named.clone().unwrap_or_else(own);
        let mut store = ScoreStore::open_or_create(&path, self.index(cost, systems)?)?;
        let queries = self.named_queries(systems.queries);
        let start = Instant::now();
        let (computed, at_once) = self.append(cost, systems, &queries, &mut store)?;
        let missing = |query: &StoredQuery| CliError::Option {
            option: OPTION,
            problem: format!("has lost query {}: run the command again", query.id),
        };
        let row = |query: &StoredQuery| store.place(&query.id).ok_or_else(|| missing(query));
        let rows: Vec<usize> = queries.iter().map(row).collect::<Result<_, _>>()?;
        let solves = rows.iter().map(|&row| solve_of(&store, row));
        let solves: Vec<SolveRecord> = solves.collect::<Result<_, _>>()?;
        let residuals = solves.iter().map(|it| it.true_residual);
        let record = StoreRecord {
            folder: path.display().to_string(),
            queries: rows.len(),
            computed,
            at_once,
            true_residual: residuals.fold(0.0, f64::max),
        };
        tell(
            &path,
            &record,
            solves.iter().filter(|it| !it.converged).count(),
        );
        Ok(Some(StoredScores {
            store,
            rows,
            record,
            seconds: start.elapsed().as_secs_f64(),
        }))
    }

    /// What the scores are of.
    fn index(&self, cost: &Cost, systems: &QuerySystems<'_>) -> Result<ScoreIndex, CliError> {
        let solving = SolvingSettings::of(&systems.args, self.damping);
        let encoded = serde_json::to_value(solving);
        let encoded =
            encoded.map_err(|error| OutputError::encode("the index of a store", error))?;
        let mut settings = match encoded {
            Value::Object(settings) => settings,
            _ => Map::new(),
        };
        let train = part_fingerprint(&self.network.inputs.dataset.train);
        // Of the parameters that influence is of; what the losses are by tells the others.
        let weights = digest(&[cost.model().theta(), cost.losses()?]);
        let own = [
            ("damping", json!(systems.dampings[0])),
            ("weights", json!(weights)),
            ("train", json!(train)),
            ("measure", json!(self.measure.name)),
            ("seed", json!(systems.args.seed)),
            ("device", json!(self.network.inputs.opened.name)),
        ];
        settings.extend(own.map(|(name, value)| (name.to_owned(), value)));
        Ok(ScoreIndex {
            examples: cost.len(),
            example_ids: None,
            float: match self.args.precision().float() {
                backdraft_report::Float::F32 => ScoreFloat::F32,
                backdraft_report::Float::F64 => ScoreFloat::F64,
            },
            sign: self.measure.sign(),
            unit: self.measure.unit.clone(),
            scale: self.measure.factor,
            settings,
        })
    }

    /// The rows by name: the index of a test example, where one of other data stands, or `mean`.
    fn named_queries(&self, queries: &QueryRows) -> Vec<StoredQuery> {
        let dataset = &self.network.inputs.dataset;
        let of = |row| {
            let index = queries.index(row);
            let name = index.map_or("mean".into(), |index| match self.args.large.query_data {
                Some(_) => dataset.test_place(index).to_string(),
                None => index.to_string(),
            });
            let examples = match index {
                Some(index) => dataset.test.select(&[index]),
                None => dataset.test.select(queries.indices()),
            };
            let mut query = StoredQuery::new(name);
            let example = Value::from(part_fingerprint(&examples));
            query.details.insert(EXAMPLE.into(), example);
            query
        };
        (0..queries.count()).map(of).collect()
    }

    /// Computes and appends what the store does not have. Gives how many queries these were, and how many are gone
    /// through at once.
    fn append(
        &self,
        cost: &Cost,
        systems: &QuerySystems<'_>,
        queries: &[StoredQuery],
        store: &mut ScoreStore,
    ) -> Result<(usize, usize), CliError> {
        let config = ChunkConfig {
            memory: self.args.large.bytes(),
            queries: self.args.solving().block,
        };
        let curvature = systems.curvature;
        let (dim, size) = (curvature.dim(), curvature.dtype().size());
        let at_once = config.rows(dim, size, cost.len()).min(queries.len());
        let open = check(queries, store)?;
        let computed = open.iter().filter(|open| **open).count();
        if computed == 0 {
            return Ok((0, at_once));
        }
        let bar = Bar::new("scoring", queries.len() as u64);
        bar.begin((queries.len() - computed) as u64, queries.len() as u64);
        let products = Cell::new(0);
        let counted = CountedOperator::new(curvature, |count| {
            products.set(products.get() + count);
            bar.message(format!("{} products", products.get()));
        });
        let matrix = Damped::new(&counted, systems.dampings[0]);
        let solver = solver(&systems.args, systems.preconditioner)?;
        let prepared = systems.prepare(&*solver, &matrix, &bar)?;
        let all: Vec<usize> = (0..queries.len()).collect();
        for rows in all.chunks(at_once) {
            let rows: Vec<usize> = rows.iter().copied().filter(|&row| open[row]).collect();
            if !rows.is_empty() {
                let inverse = &*prepared.inverse;
                self.append_chunk((cost, systems), &rows, inverse, (queries, store), &bar)?;
                prepared.keep()?;
                bar.inc(rows.len() as u64);
            }
        }
        Ok((computed, at_once))
    }

    fn append_chunk(
        &self,
        (cost, systems): (&Cost, &QuerySystems<'_>),
        rows: &[usize],
        inverse: &dyn Inverse,
        (queries, store): (&[StoredQuery], &mut ScoreStore),
        bar: &Bar,
    ) -> Result<(), CliError> {
        let measured = (systems.measured, systems.queries.mean_over().is_some());
        let settle = |row, found| settled(&systems.queries.name(row), found, bar);
        let ScoreChunk { mut values, solves } =
            ScoreChunk::of(cost, measured, rows, inverse, settle)?;
        let factor = self.measure.factor;
        values.iter_mut().for_each(|score| *score *= factor);
        let with = |(&row, info): (&usize, SolveInfo)| -> Result<StoredQuery, CliError> {
            let mut query = queries[row].clone();
            let encoded = serde_json::to_value(record(info));
            let encoded = encoded.map_err(|error| OutputError::encode("a solution", error))?;
            if let Value::Object(details) = encoded {
                query.details.extend(details);
            }
            Ok(query)
        };
        let found: Result<Vec<StoredQuery>, CliError> = rows.iter().zip(solves).map(with).collect();
        Ok(store.append(&found?, &values)?)
    }

    /// `top.csv` of all queries, a row of scores at a time.
    pub(super) fn stored_top(
        &self,
        stored: &StoredScores,
        (queries, examples): (&QueryRows, &ExampleInfo),
    ) -> Result<Vec<u8>, CliError> {
        let mut table = Vec::new();
        for row in 0..queries.count() {
            let indices = match queries.index(row) {
                Some(index) => QueryRows::each(vec![index]),
                None => queries.clone(),
            };
            let scored = [stored.scores(row, self.measure.factor)?];
            let scores = self.scores(&indices, examples.train.len(), &scored)?;
            let csv = scores.to_csv(examples, TOP)?;
            let head = csv.iter().position(|byte| *byte == b'\n');
            let from = match row {
                0 => 0,
                _ => head.map_or(csv.len(), |at| at + 1),
            };
            table.extend_from_slice(&csv[from..]);
        }
        Ok(table)
    }
}

impl StoredScores {
    /// Those queries that are shown and verified, where they are not all.
    pub fn shown(queries: &QueryRows) -> Option<QueryRows> {
        (queries.count() > SHOWN).then(|| queries.first(SHOWN))
    }

    /// The scores of the first `count` queries, in the units that the network is trained with.
    pub fn first(&self, count: usize, factor: f64) -> Result<Vec<QueryScores>, CliError> {
        let mut scored = (0..count)
            .map(|row| self.scores(row, factor))
            .collect::<Result<Vec<_>, _>>()?;
        // Of all queries together.
        if let Some(first) = scored.first_mut() {
            first.solving = self.seconds;
        }
        Ok(scored)
    }

    fn scores(&self, query: usize, factor: f64) -> Result<QueryScores, CliError> {
        let row = self.rows[query];
        Ok(QueryScores {
            values: self.store.row(row)?.map(|score| score / factor).collect(),
            bounds: None,
            record: solve_of(&self.store, row)?,
            solving: 0.0,
            scoring: 0.0,
        })
    }
}

/// Which of the queries the store does not have. Refuses one that is another's name there; what is taken from the store
/// is held against its digest.
fn check(queries: &[StoredQuery], store: &ScoreStore) -> Result<Vec<bool>, CliError> {
    let mut rows = Vec::new();
    let mut open = Vec::with_capacity(queries.len());
    for query in queries {
        let row = store.place(&query.id);
        open.push(row.is_none());
        let Some(row) = row else {
            continue;
        };
        if store.query(row)?.details.get(EXAMPLE) != query.details.get(EXAMPLE) {
            return Err(CliError::Option {
                option: OPTION,
                problem: format!(
                    "{} has scores of another example under the name `{}`: take another folder",
                    quote::path(store.path()),
                    quote::text(&query.id)
                ),
            });
        }
        rows.push(row);
    }
    store.verify(rows)?;
    Ok(open)
}

/// A query's solution. One that did not converge has a warning, as its record says.
fn settled(
    query: &str,
    found: Result<Solution, SolveError>,
    bar: &Bar,
) -> Result<Solution, CliError> {
    match found {
        Err(SolveError::NotConverged { solution, .. }) => {
            let (found, asked) = (solution.info.true_residual, solution.info.tolerance);
            bar.aside(|| {
                warn(format_args!(
                    "{query} is not solved to the tolerance: its residual is {found:.1e}, above {asked:.1e}"
                ));
            });
            Ok(*solution)
        }
        found => Ok(found?),
    }
}

fn solve_of(store: &ScoreStore, row: usize) -> Result<SolveRecord, CliError> {
    let query = store.query(row)?;
    let found = serde_json::from_value(Value::Object(query.details.clone()));
    found.map_err(|error| CliError::Option {
        option: OPTION,
        problem: format!(
            "{} does not say how query `{}` was solved ({error}): take another folder",
            quote::path(store.path()),
            quote::text(&query.id)
        ),
    })
}

fn tell(path: &Path, record: &StoreRecord, above: usize) {
    let above = match above {
        0 => String::new(),
        above => format!(", {} of them above the tolerance", count(above)),
    };
    say(format_args!(
        "scores of {} queries in {}: {} computed now, {} at a time; relative residuals up to {:.1e}{above}",
        count(record.queries),
        quote::path(path),
        count(record.computed),
        record.at_once,
        record.true_residual
    ));
}

/// Of the numbers of vectors.
fn digest(vectors: &[Tensor<1>]) -> String {
    let all = vectors.iter().fold(Digest::default(), |digest, vector| {
        digest.part(vector.to_data().as_bytes())
    });
    all.name()
}
