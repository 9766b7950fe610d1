//! The scores of every query, and their bounds.

use std::time::Instant;

use backdraft_curvature::{Cost, Damped, ExampleLosses, LinearOperator};
use backdraft_influence::scores;

use super::{
    bounds::{self, ScoreBounding},
    run::ExplainRun,
    store::QueryScores,
};
use crate::{
    CliError,
    args::NewtonName,
    progress::Bar,
    run_folder::Solved,
    solve::{QuerySystems, solve_on},
};

impl ExplainRun<'_> {
    /// The scores of every query for every damping, from the folder where they are there, computed where they are this
    /// process's. With the costs in 64 bits, `exact`, they have bounds.
    pub(super) fn scored(
        &self,
        cost: &Cost,
        systems: &QuerySystems<'_>,
        exact: Option<&(Cost, Cost)>,
    ) -> Result<Vec<Option<QueryScores>>, CliError> {
        let mut open = Vec::new();
        for system in (0..systems.count()).filter(|&it| self.is_own(it, systems)) {
            if self.network.store.scored(system)?.is_none() {
                open.push(system);
            }
        }
        self.score_on_all(&open, cost, systems, exact)?;
        let all = (0..systems.count()).map(|system| self.network.store.scored(system));
        all.collect()
    }

    /// Solves for the queries of the systems `open`, and keeps their scores: those of the losses of `train`, which may be in
    /// parts, beside the cost of all examples.
    pub(super) fn score_all(
        &self,
        open: &[usize],
        train: (&dyn ExampleLosses, &Cost),
        systems: &QuerySystems<'_>,
        exact: Option<&(Cost, Cost)>,
    ) -> Result<(), CliError> {
        let mut unsolved = vec![false; systems.count()];
        for &system in open {
            unsolved[system] = self
                .network
                .store
                .folder()
                .solved(system, systems.curvature)?
                .is_none();
        }
        systems.solve(&unsolved)?;
        let bar = systems.bar("scoring", open.len() as u64);
        let exact = exact.filter(|_| !open.is_empty());
        let matrix = exact.map(|(cost, _)| cost.gauss_newton());
        let matrices = matrix.as_ref().map(|matrix| systems.damped(matrix));
        let any = exact.zip(matrices.as_ref());
        let any = any.map(|((train, measured), all)| {
            ScoreBounding::new(train, (measured, systems.queries), &all[0])
        });
        let any = any.transpose()?;
        for (place, &damping) in systems.dampings.iter().enumerate() {
            let bounds = any.as_ref().zip(matrices.as_ref());
            let bounds = bounds.map(|(any, all)| any.with_matrix(&all[place]));
            let bounds = bounds.transpose()?;
            let matrix = Damped::new(systems.curvature, damping);
            for &system in open.iter().filter(|&&it| systems.place(it).0 == place) {
                self.score_system(system, systems, &matrix, train, bounds.as_ref(), &bar)?;
                bar.inc(1);
            }
        }
        Ok(())
    }

    /// Scores by the solution of a system of `matrix`, if it is there, and keeps the scores.
    fn score_system(
        &self,
        system: usize,
        systems: &QuerySystems<'_>,
        matrix: &dyn LinearOperator,
        (losses, cost): (&dyn ExampleLosses, &Cost),
        bounds: Option<&ScoreBounding<'_>>,
        bar: &Bar,
    ) -> Result<(), CliError> {
        // As a later run finds it.
        let Some(solved) = self.network.store.folder().solved(system, matrix)? else {
            return Ok(());
        };
        let (_, row) = systems.place(system);
        let start = Instant::now();
        let (mut solved, mut scored) = self.score(row, solved, losses, bounds)?;
        while self.is_unsettled(&scored) {
            let gradient = systems.queries.gradient(systems.measured, row)?;
            let Some(nearer) = solve_on(matrix, gradient, &solved)? else {
                break;
            };
            (solved, scored) = self.score(row, nearer, losses, bounds)?;
        }
        if systems.place(system).0 == 0 {
            self.keep_tokens(system, cost, (solved.vector, &scored.values))?;
        }
        if let Some(within) = &scored.bounds {
            let name = systems.name(system);
            bar.aside(|| bounds::tell(&name, &scored.values, within, &self.measure));
        }
        scored.scoring = start.elapsed().as_secs_f64();
        let needed = self.args.newton == NewtonName::All;
        self.network.store.keep_scored(system, scored, needed)
    }

    /// The scores of the query in row `row` by its solution.
    fn score(
        &self,
        row: usize,
        solved: Solved,
        cost: &dyn ExampleLosses,
        bounds: Option<&ScoreBounding<'_>>,
    ) -> Result<(Solved, QueryScores), CliError> {
        let values = scores(&cost, solved.vector.clone())?;
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
