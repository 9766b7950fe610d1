//! How well one list of numbers predicts another.
//!
//! Every function is `None` where its statistic is undefined: lists of different length or with fewer than two points,
//! an element that is not finite, or no variation to explain.

/// Pearson's correlation of `x` and `y`, in [-1, 1]. `None` also if either list is constant.
pub fn pearson(x: &[f64], y: &[f64]) -> Option<f64> {
    let (x, y) = paired(x, y)?;
    if y.constant() {
        return None;
    }
    let correlation = dot(&x.deviations, &y.deviations)
        / (dot(&x.deviations, &x.deviations) * dot(&y.deviations, &y.deviations)).sqrt();
    Some(correlation.clamp(-1.0, 1.0))
}

/// Spearman's rank correlation of `x` and `y`, in [-1, 1]: Pearson's of the ranks, equal values sharing their average
/// rank. `None` also if either list is constant.
pub fn spearman(x: &[f64], y: &[f64]) -> Option<f64> {
    paired(x, y)?;
    pearson(&ranks(x), &ranks(y))
}

/// Slope `a` of the least-squares line `y = a x + c`, with intercept. `None` also if `x` is constant, or the slope
/// overflows.
pub fn slope(x: &[f64], y: &[f64]) -> Option<f64> {
    let (x, y) = paired(x, y)?;
    let slope = dot(&x.deviations, &y.deviations) / dot(&x.deviations, &x.deviations);
    let slope = slope * (y.scale / x.scale);
    slope.is_finite().then_some(slope)
}

/// A list about its mean: `value = mean + scale * deviation`, the largest deviation 1 in size.
struct Centred {
    deviations: Vec<f64>,
    scale: f64,
}

impl Centred {
    fn new(values: &[f64]) -> Option<Self> {
        let (first, rest) = values.split_first()?;
        if rest.is_empty() || !values.iter().all(|v| v.is_finite()) {
            return None;
        }
        // A mean of equal values may differ from them by rounding.
        if rest.iter().all(|v| v == first) {
            return Some(Self {
                deviations: vec![0.0; values.len()],
                scale: 0.0,
            });
        }
        // Halves, so that no difference overflows.
        let mean = values.iter().map(|v| v / values.len() as f64).sum::<f64>();
        let halves: Vec<f64> = values.iter().map(|v| 0.5 * v - 0.5 * mean).collect();
        let scale = halves.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        Some(Self {
            deviations: halves.iter().map(|v| v / scale).collect(),
            scale,
        })
    }

    fn constant(&self) -> bool {
        self.scale == 0.0
    }
}

/// Both lists about their means, if they have the same length and `x` is not constant.
fn paired(x: &[f64], y: &[f64]) -> Option<(Centred, Centred)> {
    let same_length = x.len() == y.len();
    let (x, y) = (Centred::new(x)?, Centred::new(y)?);
    (same_length && !x.constant()).then_some((x, y))
}

/// Ranks from 1; equal values share the average of theirs.
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for ties in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = first as f64 + 0.5 * (ties.len() + 1) as f64;
        for &i in ties {
            ranks[i] = rank;
        }
        first += ties.len();
    }
    ranks
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
