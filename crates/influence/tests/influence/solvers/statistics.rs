//! Correlations.

use backdraft_influence::statistics::{pearson, slope, spearman};

#[test]
fn correlations_have_their_known_values() {
    let close = |a: Option<f64>, b: f64| assert!((a.unwrap() - b).abs() < 1e-14, "{a:?} {b}");
    // Anscombe's first set: 0.81642, slope 0.50009.
    let x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
    let y = [
        8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68,
    ];
    assert!((pearson(&x, &y).unwrap() - 0.816_420_516_344_84).abs() < 1e-12);
    assert!((slope(&x, &y).unwrap() - 0.500_090_909_090_91).abs() < 1e-12);
    // One minus 6 sum d^2 / (n (n^2 - 1)), with sum d^2 = 40 and n = 11.
    close(spearman(&x, &y), 1.0 - 6.0 * 40.0 / (11.0 * 120.0));
    // Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: covariance 4.5, variances 4.5 and 5.
    close(
        spearman(&[1.0, 2.0, 2.0, 3.0], &[1.0, 2.0, 3.0, 4.0]),
        4.5 / (4.5f64 * 5.0).sqrt(),
    );
    close(spearman(&[1.0, 2.0, 3.0], &[1.0, 10.0, 1000.0]), 1.0);
    close(pearson(&[1.0, 2.0, 3.0], &[-2.0, -4.0, -6.0]), -1.0);
    close(slope(&[1.0, 2.0, 3.0], &[5.0, 3.0, 1.0]), -2.0);
    close(slope(&[1.0, 2.0], &[4.0, 4.0]), 0.0);
    // No overflow, no underflow.
    close(pearson(&[1e300, -1e300, 0.0], &[1e-300, -1e-300, 0.0]), 1.0);
    close(pearson(&[f64::MAX, f64::MIN], &[1.0, 2.0]), -1.0);
}

#[test]
fn correlations_are_none_where_undefined() {
    for statistic in [pearson, spearman, slope] {
        assert_eq!(statistic(&[], &[]), None);
        assert_eq!(statistic(&[1.0], &[1.0]), None);
        assert_eq!(statistic(&[1.0, 2.0], &[1.0, 2.0, 3.0]), None);
        assert_eq!(statistic(&[0.1, 0.1, 0.1], &[1.0, 2.0, 3.0]), None);
        assert_eq!(statistic(&[1.0, f64::NAN], &[1.0, 2.0]), None);
        assert_eq!(statistic(&[1.0, 2.0], &[1.0, f64::INFINITY]), None);
    }
    assert_eq!(pearson(&[1.0, 2.0, 3.0], &[0.1, 0.1, 0.1]), None);
    assert_eq!(spearman(&[1.0, 2.0, 3.0], &[0.1, 0.1, 0.1]), None);
}
