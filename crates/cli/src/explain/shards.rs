//! Queries that several processes share out.

use backdraft_models::quote;

use super::{run::ExplainRun, store::QueryScores};
use crate::{CliError, args::Explain, progress::say, solve::QuerySystems};

/// Refuses more parts than there are blocks of the `rows` of scores, and what only one process, or one of several
/// `devices`, can write.
pub(super) fn check(args: &Explain, rows: usize, devices: usize) -> Result<(), CliError> {
    let is_divided = args.shards.shard.is_some() || !args.shards.merge.is_empty();
    if is_divided && args.large.store_scores.is_some() {
        return Err(CliError::Option {
            option: "--store-scores",
            problem: "is written by one process: leave it out of parts, or give each a store and queries of its own"
                .to_owned(),
        });
    }
    if devices > 1 && args.large.store_scores.is_some() {
        return Err(CliError::Option {
            option: "--devices",
            problem: "deals out queries whose scores are held: leave out --store-scores, or give each device a store and \
                      queries of its own"
                .to_owned(),
        });
    }
    let unit = args.solving().unit();
    args.shards.check(rows.div_ceil(unit), || match unit {
        1 => format!("a part has one row of scores at least, of {rows}"),
        _ => format!(
            "a part has one block of {unit} queries at least, which are solved for together, of {rows}; --block {} leaves \
             more parts",
            (rows / args.shards.shard.map_or(1, |it| it.count)).max(1)
        ),
    })
}

impl ExplainRun<'_> {
    /// Whether this process scores by a system, in whose block all are its own.
    pub(super) fn is_own(&self, system: usize, systems: &QuerySystems<'_>) -> bool {
        let (_, row) = systems.place(system);
        self.args.shards.has(row / systems.unit())
    }

    /// All scores; none if some are left to other processes, which is said.
    ///
    /// # Errors
    /// If this process only puts together what others did, and some are nowhere.
    pub(super) fn whole(
        &self,
        scored: Vec<Option<QueryScores>>,
        systems: &QuerySystems<'_>,
    ) -> Result<Option<Vec<QueryScores>>, CliError> {
        let all = systems.queries.count();
        let lacks = |row: &usize| scored.iter().skip(*row).step_by(all).any(Option::is_none);
        let missing: Vec<usize> = (0..all).filter(lacks).collect();
        if missing.is_empty() {
            return Ok(Some(scored.into_iter().flatten().collect()));
        }
        if self.args.shards.own().is_none() {
            let units: Vec<usize> = missing.iter().map(|row| row / systems.unit()).collect();
            let names = missing.iter().map(|&row| systems.queries.name(row));
            return Err(self.shards.missing(&units, &names.collect::<Vec<_>>()));
        }
        say(format_args!(
            "{} of {all} queries are scored, {} left to other parts; `--merge DIR,..` puts the parts together. In {}",
            all - missing.len(),
            missing.len(),
            quote::path(self.network.store.folder().path())
        ));
        Ok(None)
    }
}
