//! Numbers on the host: made up, and compared.

/// Numbers in (-1, 1) that look random and are the same everywhere.
pub fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// `<a, b>`.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The Euclidean norm.
pub fn norm(v: &[f64]) -> f64 {
    dot(v, v).sqrt()
}

/// A square matrix, row by row, times a vector.
pub fn times(matrix: &[f64], v: &[f64]) -> Vec<f64> {
    let rows = matrix.chunks_exact(v.len());
    rows.map(|row| dot(row, v)).collect()
}

/// `|found - expected| / |expected|` in the Euclidean norm.
#[track_caller]
pub fn relative_error(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let pairs = found.iter().zip(expected);
    let difference: Vec<f64> = pairs.map(|(found, expected)| found - expected).collect();
    norm(&difference) / norm(expected)
}

/// That there is something to compare with, and a [`relative_error`] of `tolerance` at most.
#[track_caller]
pub fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert!(norm(expected) > 0.0, "nothing to compare with");
    let error = relative_error(found, expected);
    // So that what is no number fails.
    assert!(
        error <= tolerance,
        "relative error {error:.1e}: {found:?}, not {expected:?}"
    );
}

/// The solution of a small system of equations, by elimination with pivots.
pub fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for column in 0..n {
        let size = |row: &usize| a[*row][column].abs();
        let pivot = (column..n).max_by(|i, j| size(i).total_cmp(&size(j)));
        let pivot = pivot.expect("rows are left");
        a.swap(column, pivot);
        b.swap(column, pivot);
        for row in column + 1..n {
            let factor = a[row][column] / a[column][column];
            let above = a[column].clone();
            for (below, above) in a[row].iter_mut().zip(above).skip(column) {
                *below -= factor * above;
            }
            b[row] -= factor * b[column];
        }
    }
    for row in (0..n).rev() {
        let rest: f64 = (row + 1..n).map(|column| a[row][column] * b[column]).sum();
        b[row] = (b[row] - rest) / a[row][row];
    }
    b
}
