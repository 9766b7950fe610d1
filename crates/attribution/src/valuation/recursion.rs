//! Shapley values of neighbours for one measured example, in closed form.

/// Of the game whose worth is the share of the `k` nearest members of a coalition that have the right class,
///
/// ```text
/// v(S) = 1/k sum over the min(k, |S|) nearest of S of [right],    v(empty) = 0
/// ```
///
/// by whether each example is `right`, the nearest first (Jia et al. 2019, Theorem 1; the last value also where `k` is
/// more than there are).
pub(super) fn classification(right: &[bool], k: usize) -> Vec<f64> {
    let n = right.len();
    let (k, number) = (k as f64, |i: usize| f64::from(right[i]));
    let mut values = vec![0.0; n];
    values[n - 1] = number(n - 1) * k.min(n as f64) / (k * n as f64);
    for i in (0..n - 1).rev() {
        let place = (i + 1) as f64;
        values[i] = values[i + 1] + (number(i) - number(i + 1)) / k * k.min(place) / place;
    }
    values
}

/// Of the game whose worth is minus the squared error of the mean of the `k` nearest members of a coalition,
///
/// ```text
/// v(S) = -(1/k sum over the min(k, |S|) nearest of S of y - target)^2,    v(empty) = -target^2
/// ```
///
/// by the number `y` of each example, the nearest first (Jia et al. 2019, Theorem 6, where the empty coalition is worth
/// 0, and all values are less by `target^2 / n`).
pub(super) fn regression(y: &[f64], target: f64, k: usize) -> Vec<f64> {
    let n = y.len();
    let (count, k) = (n as f64, k as f64);
    let all: f64 = y.iter().sum();
    // What is added on average by an example `l` places away, after those that are further than the next.
    let mut further = vec![0.0; n + 1];
    for l in (3..=n).rev() {
        let place = l as f64;
        let share = k.min(place - 1.0) * (k - 1.0).min(place - 2.0);
        further[l - 1] = further[l] + y[l - 1] * share / ((place - 1.0) * (place - 2.0));
    }
    let mut values = vec![0.0; n];
    let last = y[n - 1];
    let few = k.min(count);
    let others = match n {
        1 => 0.0,
        _ => (all - last) * few * (few - 1.0) / (count * (count - 1.0)),
    };
    values[n - 1] = -last / k * (others / k + few / count * (last / k - 2.0 * target));
    let mut nearer: f64 = all - last;
    for i in (1..n).rev() {
        // The example number `i` from 1, and the next one.
        let (this, next, place) = (y[i - 1], y[i], i as f64);
        nearer -= this;
        let few = k.min(place);
        let before = match i {
            1 => 0.0,
            _ => nearer * few * (few - 1.0) / (place * (place - 1.0)),
        };
        let after = if i + 2 <= n { further[i + 1] } else { 0.0 };
        let mean = few / place * ((this + next) / k - 2.0 * target) + (before + after) / k;
        values[i - 1] = values[i] + (next - this) / k * mean;
    }
    values
}
