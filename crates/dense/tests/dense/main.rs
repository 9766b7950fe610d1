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

/// As good as by the rows themselves: `X' X` of these has a condition number beyond 1/EPSILON.
#[test]
fn the_gram_matrix_of_rows_is_factored_without_being_formed() {
    let (rows, dim) = (40, 7);
    // `numbers` of one sine would have rank two.
    let x = DenseMatrix::from_fn(rows, dim, |i, j| {
        (0.7 * ((i * dim + j + 1) as f64).powi(2)).sin()
    });
    let gram = x.transpose().times(&x);
    let factor = Cholesky::of_gram(&x, 1e-14).unwrap();
    let product = gram.times(&factor.inverse());
    assert!(largest_difference(&product, &DenseMatrix::identity(dim)) < 1e-12);
    let whitened = factor.forward_rows(&x);
    let identity = whitened.transpose().times(&whitened);
    assert!(largest_difference(&identity, &DenseMatrix::identity(dim)) < 1e-12);

    // The last column is the first and 1e-6 of another: 1e-12 of its square is left over.
    let near = DenseMatrix::from_fn(rows, dim, |i, j| match j {
        6 => x.get(i, 0) + 1e-6 * x.get(i, 6),
        _ => x.get(i, j),
    });
    let factor = Cholesky::of_gram(&near, 1e-14).unwrap();
    let mut solved = near.transpose().times(&x).transpose().row(6).to_vec();
    factor.solve(&mut solved);
    // x_6 = 1e6 (near_6 - near_0), of which 1e6 * 1e6 * EPSILON is rounding where the gram matrix is solved with.
    assert!((solved[6] - 1e6).abs() < 1e-3 && (solved[0] + 1e6).abs() < 1e-3);
}

#[test]
fn dependent_columns_are_named() {
    let x = DenseMatrix::from_fn(9, 4, |i, j| match j {
        2 => 3.0 * i as f64 - 1.0,
        1 => i as f64,
        0 => 1.0,
        _ => (i * i) as f64,
    });
    assert_eq!(Cholesky::of_gram(&x, 1e-14).unwrap_err().index, 2);
    let few = x.pick(&[0, 3]);
    assert_eq!(Cholesky::of_gram(&few, 1e-14).unwrap_err().index, 2);
    let broken = DenseMatrix::new(2, 1, vec![f64::NAN, 1.0]);
    assert!(Cholesky::of_gram(&broken, 1e-14).is_err());
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
