//! What many removals come to.

use backdraft_influence::statistics::{pearson, spearman};

use super::{
    Correlation, Correlations, Decomposition, FailedPoint, Gaps, Name, PointChanges, PointGaps,
    Printed, Responses, Setup, Spread, paper,
};

impl Spread {
    /// The mean and the sample standard deviation of `values`.
    pub fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        // Of one number the deviation is 0, of none NaN as the mean.
        let std = (squares / (n - 1.0).max(1.0)).sqrt();
        Self {
            mean,
            std: if mean.is_nan() { mean } else { std },
        }
    }
}

impl Gaps<Spread> {
    /// Each gap over all removals.
    pub fn of(points: &[PointGaps]) -> Self {
        let rows: Vec<[f64; 5]> = points.iter().map(|it| it.gaps.into_array()).collect();
        Self::from_array(std::array::from_fn(|gap| {
            let values: Vec<f64> = rows.iter().map(|row| row[gap]).collect();
            Spread::of(&values)
        }))
    }
}

/// What one removal does to the test losses: as influence predicts, and as one response says.
pub(super) type Changes<'a> = (&'a [f64], &'a [f64]);

/// For each response the removals that have it.
pub(super) fn changes(points: &[PointChanges]) -> Responses<Vec<Changes<'_>>> {
    Responses::from_array(std::array::from_fn(|response| {
        let pair = |point| {
            let PointChanges {
                influence,
                responses,
                ..
            }: &PointChanges = point;
            let actual = responses.as_ref().into_array()[response];
            let there = !actual.is_empty() && actual.len() == influence.len();
            there.then_some((influence.as_slice(), actual.as_slice()))
        };
        points.iter().filter_map(pair).collect()
    }))
}

impl Responses<Correlation> {
    /// How well influence predicts each response; none of a response that was not asked for.
    pub fn of(points: &[PointChanges]) -> Self {
        changes(points).map(|changes| Correlation::of(&changes))
    }
}

impl Correlation {
    /// Of pairs `(influence, response)`, one a removal, each with one number a test example.
    pub fn of(removals: &[(&[f64], &[f64])]) -> Self {
        let pooled = |side: fn(&Changes) -> Vec<f64>| removals.iter().flat_map(side).collect();
        let x: Vec<f64> = pooled(|(influence, _)| influence.to_vec());
        let y: Vec<f64> = pooled(|(_, response)| response.to_vec());

        let tests = removals.first().map_or(0, |(influence, _)| influence.len());
        let of_test = |test: usize| -> (Vec<f64>, Vec<f64>) {
            let pair = |(x, y): &Changes| Some((*x.get(test)?, *y.get(test)?));
            removals.iter().filter_map(pair).unzip()
        };
        let within = |statistic: fn(&[f64], &[f64]) -> Option<f64>| {
            let each = (0..tests).map(of_test);
            let each: Vec<f64> = each.filter_map(|(x, y)| statistic(&x, &y)).collect();
            (!each.is_empty()).then(|| Spread::of(&each).mean)
        };
        Self {
            pearson: pearson(&x, &y),
            spearman: spearman(&x, &y),
            pearson_within: within(pearson),
            spearman_within: within(spearman),
        }
    }
}

impl Decomposition {
    /// Sums up the removals, and finds what the paper has on the same.
    pub fn new(setup: Setup, points: Vec<PointGaps>, failed: Vec<FailedPoint>) -> Self {
        let paper = paper::gaps(&setup.model, &setup.data, &setup.matrix);
        Self {
            gaps: Gaps::of(&points),
            paper: paper.map(|(gaps, _)| setup.unit.printed(gaps)),
            paper_table: paper.map(|(_, table)| table),
            setup,
            failed,
            points,
        }
    }
}

impl Correlations {
    /// Correlates the removals' changes, and finds what the paper has on the same.
    pub fn new(
        setup: Setup,
        tests: Vec<usize>,
        points: Vec<PointChanges>,
        failed: Vec<FailedPoint>,
    ) -> Self {
        Self {
            correlations: Responses::<Correlation>::of(&points),
            paper: paper::correlations(&setup.model, &setup.data, &setup.matrix),
            setup,
            failed,
            tests,
            points,
        }
    }
    /// The responses that were asked for, with the paper's figures; all of them if no removal came to its end.
    pub(super) fn asked(&self) -> Vec<(Name, Correlation, Option<Printed>)> {
        let changes = changes(&self.points).into_array();
        let names = Responses::<Correlation>::NAMES;
        let found = self.correlations.into_array();
        let paper = self.paper.into_array();
        (0..names.len())
            .filter(|&it| self.points.is_empty() || !changes[it].is_empty())
            .map(|it| (names[it], found[it], paper[it]))
            .collect()
    }
}
