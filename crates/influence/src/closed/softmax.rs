//! What classes' probabilities are of logits, and their second derivatives.

use backdraft_dense::DenseMatrix;

/// The probabilities of the classes for a row of logits: of class 1 alone for one logit, whose other class has the
/// logit 0, else of every class.
pub(super) fn probabilities(logits: &[f64]) -> Vec<f64> {
    if let [logit] = logits {
        return vec![1.0 / (1.0 + (-logit).exp())];
    }
    let largest = logits.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
    let powers: Vec<f64> = logits.iter().map(|x| (x - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|x| x / sum).collect()
}

/// `-log` of the probability of a class.
pub(super) fn loss(logits: &[f64], class: usize) -> f64 {
    if let [logit] = logits {
        let against = if class == 1 { -logit } else { *logit };
        // log(1 + exp(x)), whatever the size of x.
        return against.max(0.0) + (-against.abs()).exp().ln_1p();
    }
    let largest = logits.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
    let sum: f64 = logits.iter().map(|x| (x - largest).exp()).sum();
    sum.ln() + largest - logits[class]
}

/// The derivative of the loss in the logits: `p - y`.
pub(super) fn slope(probabilities: &[f64], class: usize) -> Vec<f64> {
    if let [p] = probabilities {
        return vec![p - f64::from(class == 1)];
    }
    let of = probabilities.iter().enumerate();
    of.map(|(c, p)| p - f64::from(c == class)).collect()
}

/// An element of the second derivative `W`: `p (1 - p)`, or of `diag(p) - p p'`.
pub(super) fn weight(probabilities: &[f64], row: usize, column: usize) -> f64 {
    if let [p] = probabilities {
        return p * (1.0 - p);
    }
    let both = probabilities[row] * probabilities[column];
    f64::from(row == column) * probabilities[row] - both
}

/// `S` with `S S' = W`, `[outputs, outputs]`: `diag(sqrt p) - p sqrt(p)'`.
pub(super) fn root(probabilities: &[f64]) -> DenseMatrix {
    let outputs = probabilities.len();
    if outputs == 1 {
        let p = probabilities[0];
        return DenseMatrix::new(1, 1, vec![(p * (1.0 - p)).sqrt()]);
    }
    let roots: Vec<f64> = probabilities.iter().map(|p| p.sqrt()).collect();
    DenseMatrix::from_fn(outputs, outputs, |i, j| {
        f64::from(i == j) * roots[i] - probabilities[i] * roots[j]
    })
}
