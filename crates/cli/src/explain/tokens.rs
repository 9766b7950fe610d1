//! Scores of sequences by token.

use std::collections::{BTreeMap, BTreeSet};

use backdraft::attribution::strongest;
use backdraft_curvature::Cost;
use backdraft_influence::place_scores;
use backdraft_models::data::Dataset;
use backdraft_report::{
    ScoreRecord, Sequence, Sequences, Strongest, TargetValue, TokenRow, tokens_csv,
};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{files::TOP, report::SHOWN, run::ExplainRun};
use crate::{
    CliError,
    args::{Explain, MeasureName, NewtonName},
    progress::say,
    queries::QueryRows,
    run_folder::PARTS,
    words,
};

/// Which tokens the strongest scores of a query come from.
#[derive(Deserialize, Serialize)]
struct KeptTokens {
    examples: Vec<usize>,
    /// Of each of these examples, place by place, in the units that the network is trained with.
    scores: Vec<Vec<f64>>,
}

/// What is known of the words of queries and of their strongest examples.
pub(super) struct Words {
    pub sequences: Sequences,
    /// The scores by token; none where the scores are in a store, which keeps no solutions to make them of.
    rows: Option<Vec<TokenRow>>,
}

impl Words {
    /// What a query should be predicted as, and what it is: of the token that is measured, if it is one alone.
    pub fn answers(&self, query: usize) -> [TargetValue; 2] {
        let sequence = self.sequences.test.get(&query);
        let token = sequence.zip(self.sequences.measured);
        let token = token.and_then(|(it, place)| it.tokens.iter().find(|it| it.place == place));
        token.map_or([TargetValue::Tokens; 2], |it| {
            [it.token, it.predicted].map(|id| TargetValue::Class(id as i64))
        })
    }

    /// `tokens.csv`, if scores by token are known.
    pub fn table(&self) -> Result<Option<Vec<u8>>, CliError> {
        let table = self.rows.as_deref().map(tokens_csv);
        Ok(table.transpose()?)
    }
}

fn part(system: usize) -> String {
    format!("{PARTS}/tokens-{system}.json")
}

impl ExplainRun<'_> {
    /// Whether examples are sequences with a target at each place.
    pub(super) fn is_of_tokens(&self) -> bool {
        words::places(&self.network.inputs.dataset.train).is_some()
    }

    /// Keeps which tokens the strongest of the scores `values` come from, those of the solution of a system.
    pub(super) fn keep_tokens(
        &self,
        system: usize,
        cost: &Cost,
        (solution, values): (Tensor<1>, &[f64]),
    ) -> Result<(), CliError> {
        if !self.is_of_tokens() {
            return Ok(());
        }
        let strongest = strongest(values, TOP).into_iter().flatten();
        let examples: Vec<usize> = strongest.map(|(example, _)| example).collect();
        let mut scores = Vec::new();
        if !examples.is_empty() {
            let found = place_scores(&cost.select(&examples)?, solution, cost.len())?;
            let [_, places] = found.dims();
            let found: Vec<f64> = found.into_data().iter().collect();
            scores.extend(found.chunks(places).map(<[f64]>::to_vec));
        }
        let kept = KeptTokens { examples, scores };
        self.network.store.folder().write_json(&part(system), &kept)
    }

    /// The words of the queries and of the examples with the strongest scores, which are those of the first damping;
    /// none of what is no text. Scores that come from a store have no parts, which is said.
    pub(super) fn words(
        &self,
        cost: &Cost,
        queries: &QueryRows,
        scores: &ScoreRecord,
    ) -> Result<Option<Words>, CliError> {
        if !self.is_of_tokens() {
            return Ok(None);
        }
        let dataset = &self.network.inputs.dataset;
        let is_stored = self.args.large.store_scores.is_some();
        if is_stored {
            say(
                "scores are by sequence: a store keeps no solutions, of which scores by token are made; without \
                 --store-scores there is a tokens.csv",
            );
        }
        let mut sequences = Sequences {
            vocabulary: dataset.task.classes().to_vec(),
            measured: self.args.token,
            ..Sequences::default()
        };
        let (mut rows, mut shown) = (Vec::new(), BTreeSet::new());
        for row in 0..scores.rows() {
            let of_tokens = match is_stored {
                true => BTreeMap::new(),
                false => self.kept_tokens(row)?,
            };
            let Strongest { positive, negative } = scores.strongest(row, TOP);
            for side in [positive, negative] {
                shown.extend(side.iter().take(SHOWN).map(|it| it.train));
                for scored in side {
                    if let Some(parts) = of_tokens.get(&scored.train) {
                        let query = scores.query(row);
                        rows.extend(self.token_rows(query, scored.train, parts));
                        sequences
                            .scores
                            .insert((query, scored.train), parts.clone());
                    }
                }
            }
        }
        let shown: Vec<usize> = shown.into_iter().collect();
        if !shown.is_empty() {
            let train = (&dataset.train, &dataset.train_source);
            let told = words::sequences(train, &shown, &cost.select(&shown)?)?;
            sequences.train = shown.into_iter().zip(told).collect();
        }
        sequences.test = self.query_sequences(cost, queries)?;
        Ok(Some(Words {
            sequences,
            rows: (!is_stored).then_some(rows),
        }))
    }

    /// The queries; none of them where their mean is measured.
    fn query_sequences(
        &self,
        cost: &Cost,
        queries: &QueryRows,
    ) -> Result<BTreeMap<usize, Sequence>, CliError> {
        if queries.mean_over().is_some() {
            return Ok(BTreeMap::new());
        }
        let dataset = &self.network.inputs.dataset;
        let asked = queries.indices();
        let place = (cost.model().device(), cost.model().dtype());
        let test = (&dataset.test, &dataset.test_source);
        let measured = self.network.query_losses(cost, asked, place)?;
        let told = words::sequences(test, asked, &measured)?;
        Ok(asked.iter().copied().zip(told).collect())
    }

    /// The parts of the scores of a row by training example, in their unit.
    fn kept_tokens(&self, row: usize) -> Result<BTreeMap<usize, Vec<f64>>, CliError> {
        let kept: Option<KeptTokens> = self.network.store.folder().json(&part(row))?;
        let kept = kept
            .into_iter()
            .flat_map(|it| it.examples.into_iter().zip(it.scores));
        let told = |parts: Vec<f64>| parts.iter().map(|it| self.measure.factor * it).collect();
        Ok(kept
            .map(|(example, parts)| (example, told(parts)))
            .collect())
    }

    fn token_rows(&self, query: Option<usize>, train: usize, parts: &[f64]) -> Vec<TokenRow> {
        let dataset = &self.network.inputs.dataset;
        let word = |token: i64| dataset.task.classes()[token as usize].clone();
        let row = |(place, &score): (usize, &f64)| {
            let [token, target] = words::tokens_at(&dataset.train, train, place).map(word);
            TokenRow {
                query,
                train,
                place,
                token,
                target,
                score,
                source: words::target_place(&dataset.train_source, &dataset.train, train, place),
            }
        };
        parts.iter().enumerate().map(row).collect()
    }
}

/// Refuses what sequences do not have, and what only they have, before anything is trained.
pub(super) fn check(args: &Explain, dataset: &Dataset) -> Result<(), CliError> {
    let refuse = |option, problem: String| Err(CliError::Option { option, problem });
    let name = &dataset.name;
    match (words::places(&dataset.train), args.token) {
        (None, None) => Ok(()),
        (None, Some(_)) => refuse(
            "--token",
            format!(
                "is a place of a sequence, and {name} has examples with one target each: leave it out"
            ),
        ),
        (Some(places), Some(token)) if token >= places => refuse(
            "--token",
            format!("is {token}: a sequence of {name} has {places} places, counted from 0"),
        ),
        (Some(_), None) if args.measure != MeasureName::Loss => refuse(
            "--measure",
            format!(
                "{} is of one prediction, and a sequence of {name} has one at each of its places: name the place with --token",
                args.measure
            ),
        ),
        (Some(places), _) if matches!(args.newton, NewtonName::Full | NewtonName::All) => refuse(
            "--newton",
            format!(
                "{} takes a linear system for each output of an example, and a sequence of {name} has {}, {places} places times \
                 {} tokens: leave it out",
                args.newton.name(),
                places * dataset.task.outputs(),
                dataset.task.outputs()
            ),
        ),
        _ => Ok(()),
    }
}
