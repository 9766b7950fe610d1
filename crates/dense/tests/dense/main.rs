//! Factors and eigenvectors of small matrices, against what they are factors of.

use backdraft_dense::{BlockTridiagonal, Cholesky, DenseMatrix, Eigen};

/// Numbers between -1 and 1.
fn numbers(count: usize, seed: f64) -> Vec<f64> {
    (0..count)
        .map(|i| ((i as f64 + 1.0) * (seed + 2.3)).sin())
        .collect()
}

/// Positive definite, `B B' + I`.
fn positive(dim: usize) -> DenseMatrix {
    let b = DenseMatrix::new(dim, dim, numbers(dim * dim, 0.4));
    let product = b.times(&b.transpose());
    DenseMatrix::from_fn(dim, dim, |i, j| product.get(i, j) + f64::from(i == j))
}

fn largest_difference(a: &DenseMatrix, b: &DenseMatrix) -> f64 {
    assert_eq!((a.rows(), a.columns()), (b.rows(), b.columns()));
    let off = a
        .values()
        .iter()
        .zip(b.values())
        .map(|(a, b)| (a - b).abs());
    off.fold(0.0, f64::max)
}

#[test]
fn eigenvectors_diagonalise() {
    for dim in [1, 2, 7, 90] {
        let matrix = positive(dim);
        let Eigen { values, vectors } = Eigen::new(&matrix).unwrap();
        assert!(values.is_sorted() && values[0] > 0.0);
        let unit = vectors.times(&vectors.transpose());
        assert!(largest_difference(&unit, &DenseMatrix::identity(dim)) < 1e-13);
        let scaled = DenseMatrix::from_fn(dim, dim, |i, j| values[i] * vectors.get(i, j));
        let again = vectors.transpose().times(&scaled);
        assert!(largest_difference(&again, &matrix) < 1e-13 * values[dim - 1]);
    }
    let broken = DenseMatrix::new(2, 2, vec![1.0, f64::NAN, f64::NAN, 1.0]);
    assert!(Eigen::new(&broken).is_none());
}

/// Also beyond one block of columns.
#[test]
fn cholesky_solves_and_inverts() {
    for dim in [1, 5, 64, 131] {
        let matrix = positive(dim);
        let factor = Cholesky::new(matrix.clone(), f64::EPSILON).unwrap();
        let product = matrix.times(&factor.inverse());
        assert!(largest_difference(&product, &DenseMatrix::identity(dim)) < 1e-10);
        let whitened = factor.whitened(&matrix);
        assert!(largest_difference(&whitened, &DenseMatrix::identity(dim)) < 1e-10);
        // L^-T x for one x: L L' of it is L x, whose length is x' L' L x.
        let x = DenseMatrix::new(1, dim, numbers(dim, 0.9));
        let y = factor.whiten_rows(&x);
        let squared = y.times(&matrix).times(&y.transpose()).get(0, 0);
        let expected = x.times(&x.transpose()).get(0, 0);
        assert!((squared - expected).abs() < 1e-10 * expected);
    }
}

#[test]
fn a_pivot_that_is_not_positive_is_named() {
    let matrix = DenseMatrix::new(3, 3, vec![4.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 2.0, 1.0]);
    let pivot = Cholesky::new(matrix, f64::EPSILON).unwrap_err();
    assert_eq!((pivot.index, pivot.value), (2, -3.0));
}

/// Blocks of different sizes, with a shift, against all elements at once.
#[test]
fn blocks_beside_the_diagonal_are_solved_for() {
    let sizes = [3, 3, 2, 4, 1];
    let diagonal = sizes.map(|size| positive(size).scaled(3.0));
    let below = sizes.windows(2).enumerate().map(|(j, pair)| {
        let values = numbers(pair[0] * pair[1], j as f64);
        DenseMatrix::new(pair[1], pair[0], values).scaled(0.5)
    });
    let matrix = BlockTridiagonal::new(diagonal.to_vec(), below.collect());
    let dense = matrix.dense();
    assert_eq!(matrix.dim(), 13);
    assert_eq!(dense, dense.transpose());
    let rhs: Vec<DenseMatrix> = (0..5)
        .map(|j| DenseMatrix::new(sizes[j], 2, numbers(2 * sizes[j], 0.3 * j as f64)))
        .collect();
    for shift in [0.0, 0.7] {
        let solved = matrix.factor(shift).unwrap().solve(rhs.clone());
        let together = |blocks: &[DenseMatrix]| {
            let values = blocks.iter().flat_map(|it| it.values().to_vec()).collect();
            DenseMatrix::new(13, 2, values)
        };
        let x = together(&solved);
        let product = dense.times(&x).plus(&x.scaled(shift));
        assert!(largest_difference(&product, &together(&rhs)) < 1e-12);
    }
    assert!(matrix.factor(-100.0).is_err());
}
