//! What many removals come to, beside the paper's figures.

use backdraft_attribution::evaluate::{
    ByResponse, Changes, Correlation, FailedRemoval, Gaps, Name, RemovalGaps, Spread,
};

use super::{CorrelationsRecord, DecompositionRecord, Printed, Setup, paper};

impl DecompositionRecord {
    /// Sums up the removals, whose gaps come in the units of training, and finds what the paper has on the same.
    pub fn new(setup: Setup, removals: Vec<RemovalGaps>, failed: Vec<FailedRemoval>) -> Self {
        let points: Vec<_> = removals.into_iter().map(|it| setup.unit.gaps(it)).collect();
        let paper = paper::gaps(&setup.model, &setup.data, &setup.matrix);
        Self {
            gaps: Gaps::<Spread>::of(&points),
            paper: paper.map(|(gaps, _)| setup.unit.printed(gaps)),
            paper_table: paper.map(|(_, table)| table),
            setup,
            failed,
            points,
        }
    }
}

impl CorrelationsRecord {
    /// Correlates the removals' changes, which come in the units of training, and finds what the paper has on the same.
    pub fn new(
        setup: Setup,
        tests: Vec<usize>,
        removals: Vec<Changes>,
        failed: Vec<FailedRemoval>,
    ) -> Self {
        let removals = removals.into_iter();
        let points: Vec<_> = removals.map(|it| setup.unit.changes(it)).collect();
        Self {
            correlations: ByResponse::<Correlation>::of(&points),
            paper: paper::correlations(&setup.model, &setup.data, &setup.matrix),
            setup,
            failed,
            tests,
            points,
        }
    }

    /// The responses that were asked for, with the paper's figures; all of them if no removal came to its end.
    pub(super) fn asked(&self) -> Vec<(Name, Correlation, Option<Printed>)> {
        let changes = Changes::pairs(&self.points).into_array();
        let names = ByResponse::<Correlation>::NAMES;
        let found = self.correlations.into_array();
        let paper = self.paper.into_array();
        (0..names.len())
            .filter(|&it| self.points.is_empty() || !changes[it].is_empty())
            .map(|it| (names[it], found[it], paper[it]))
            .collect()
    }
}
