//! The scores of every query, and their bounds.

use std::time::Instant;

use backdraft_curvature::{Cost, Curvature, Damped};
use backdraft_influence::scores;

use super::{
    bounds::{self, ScoreBounding},
    run::ExplainRun,
    store::{QueryScores, Solved},
};
use crate::{
    CliError,
    progress::Bar,
    solve::{solve, solve_on},
};

impl ExplainRun<'_> {
    /// The scores of every query, from the folder where they are there. With the costs in 64 bits, `exact`, they have
    /// bounds.
    pub(super) fn scored(
        &self,
        cost: &Cost,
        matrix: &Damped<Curvature>,
        queries: &[usize],
        measured: &Cost,
        exact: Option<&(Cost, Cost)>,
    ) -> Result<Vec<QueryScores>, CliError> {
        let mut open = Vec::new();
        for row in 0..queries.len() {
            if self.store.scored(row)?.is_none() {
                open.push(row);
            }
        }
        let mut unsolved = vec![false; queries.len()];
        for &row in &open {
            unsolved[row] = self.store.solved(row, matrix)?.is_none();
        }
        solve(self.args, matrix, queries, &unsolved, measured, self.store)?;
        let bar = Bar::new("scoring", open.len() as u64);
        let exact = exact.filter(|_| !open.is_empty());
        let exact_matrix = exact.map(|(cost, _)| cost.gauss_newton().damped(self.damping));
        let bounds = exact.zip(exact_matrix.as_ref());
        let bounds =
            bounds.map(|((train, measured), matrix)| ScoreBounding::new(train, measured, matrix));
        let bounds = bounds.transpose()?;
        for row in open {
            // As a later run finds it.
            let Some(solved) = self.store.solved(row, matrix)? else {
                continue;
            };
            let start = Instant::now();
            let (mut solved, mut scored) = self.score(row, solved, cost, bounds.as_ref())?;
            while self.is_unsettled(&scored) {
                let gradient = measured.select(&[row])?.gradient()?;
                let Some(nearer) = solve_on(matrix, gradient, &solved)? else {
                    break;
                };
                (solved, scored) = self.score(row, nearer, cost, bounds.as_ref())?;
            }
            drop(solved);
            if let Some(within) = &scored.bounds {
                let factor = self.unit.loss_factor;
                bar.aside(|| bounds::tell(queries[row], &scored.values, within, factor));
            }
            scored.scoring = start.elapsed().as_secs_f64();
            self.store.keep_scored(row, scored)?;
            bar.inc(1);
        }
        let rows = (0..queries.len()).map(|row| self.store.scored(row));
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// The scores of the query in row `row` by its solution.
    fn score(
        &self,
        row: usize,
        solved: Solved,
        cost: &Cost,
        bounds: Option<&ScoreBounding<'_>>,
    ) -> Result<(Solved, QueryScores), CliError> {
        let values = scores(cost, solved.vector.clone())?;
        let values: Vec<f64> = values.into_data().iter::<f64>().collect();
        let within = bounds.map(|it| it.of(row, &solved.vector, &values));
        let scored = QueryScores {
            bounds: within.transpose()?,
            values,
            record: solved.record.clone(),
            solving: solved.seconds,
            scoring: 0.0,
        };
        Ok((solved, scored))
    }

    /// Whether fewer places are settled than were asked for.
    fn is_unsettled(&self, scored: &QueryScores) -> bool {
        let Some((asked, within)) = self.args.settle.zip(scored.bounds.as_ref()) else {
            return false;
        };
        let asked = asked.get().min(scored.values.len());
        bounds::settled_places(&scored.values, within)
            .into_iter()
            .any(|it| it < asked)
    }
}
