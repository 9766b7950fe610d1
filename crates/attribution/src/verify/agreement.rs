//! How far scores agree with others of the same queries and examples.

use backdraft_influence::statistics::{pearson, spearman};

/// The mean over queries of the correlations between the scores of all examples that both have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Of Pearson's correlation.
    pub pearson: f64,
    /// Of Spearman's correlation.
    pub spearman: f64,
    /// Queries for which both are defined.
    pub queries: usize,
}

impl Agreement {
    /// Of scores with `reference`, one row a query. Queries whose scores, or those of the reference, are all the same
    /// are left out; `None` if that is all of them.
    pub fn of(scores: &[Vec<f64>], reference: &[Vec<f64>]) -> Option<Self> {
        let rows = scores.iter().zip(reference);
        let found = rows.filter_map(|(a, b)| Some((pearson(a, b)?, spearman(a, b)?)));
        let found: Vec<(f64, f64)> = found.collect();
        let queries = found.len();
        let mean = |of: fn(&(f64, f64)) -> f64| found.iter().map(of).sum::<f64>() / queries as f64;
        (queries > 0).then(|| Self {
            pearson: mean(|it| it.0),
            spearman: mean(|it| it.1),
            queries,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Agreement;

    #[test]
    fn correlations_are_means_over_the_queries_that_have_one() {
        let scores = [
            vec![1.0, 2.0, 3.0],
            vec![1.0, 2.0, 3.0],
            vec![1.0, 1.0, 1.0],
        ];
        let reference = [
            vec![2.0, 4.0, 6.0],
            vec![3.0, 2.0, 1.0],
            vec![1.0, 2.0, 3.0],
        ];
        let found = Agreement::of(&scores, &reference).unwrap();
        assert_eq!(found.queries, 2);
        assert!(found.pearson.abs() < 1e-15 && found.spearman.abs() < 1e-15);
        let found = Agreement::of(&scores[..1], &reference[..1]).unwrap();
        assert!((found.pearson - 1.0).abs() < 1e-15 && (found.spearman - 1.0).abs() < 1e-15);
        assert_eq!(Agreement::of(&scores[2..], &reference[2..]), None);
    }
}
