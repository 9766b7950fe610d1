//! Where a function that is known on a grid has a given value.

/// The lines along which `values`, a row for each place `up` and in it a value for each place `across`, have the value
/// `level`: pieces of straight lines, one or two for every cell of the grid that it goes through, by interpolation
/// along the cell's sides. Cells with a value that is not finite, and rows that are too short, are passed over.
pub fn contour(
    across: &[f64],
    up: &[f64],
    values: &[Vec<f64>],
    level: f64,
) -> Vec<Vec<(f64, f64)>> {
    let mut pieces = Vec::new();
    for (y, rows) in up.windows(2).zip(values.windows(2)) {
        for (i, x) in across.windows(2).enumerate() {
            let [Some(low), Some(high)] = [0, 1].map(|it| rows[it].get(i..i + 2)) else {
                continue;
            };
            let corners = [
                (x[0], y[0], low[0] - level),
                (x[1], y[0], low[1] - level),
                (x[1], y[1], high[1] - level),
                (x[0], y[1], high[0] - level),
            ];
            if corners.iter().all(|it| it.2.is_finite()) {
                pieces.extend(cell(corners));
            }
        }
    }
    pieces
}

/// The pieces in one cell, whose corners go round.
fn cell(corners: [(f64, f64, f64); 4]) -> Vec<Vec<(f64, f64)>> {
    let crossing = |side: usize| {
        let (a, b) = (corners[side], corners[(side + 1) % 4]);
        // A corner on the line counts as above it.
        ((a.2 >= 0.0) != (b.2 >= 0.0)).then(|| {
            let part = a.2 / (a.2 - b.2);
            (a.0 + part * (b.0 - a.0), a.1 + part * (b.1 - a.1))
        })
    };
    let crossings: Vec<(f64, f64)> = (0..4).filter_map(crossing).collect();
    match crossings[..] {
        [a, b] => vec![vec![a, b]],
        [a, b, c, d] => {
            // At a saddle the middle decides which corners go together.
            let middle = corners.iter().map(|it| it.2).sum::<f64>() >= 0.0;
            match middle == (corners[0].2 >= 0.0) {
                true => vec![vec![a, b], vec![c, d]],
                false => vec![vec![a, d], vec![b, c]],
            }
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::contour;

    #[test]
    fn the_contour_of_a_plane_is_a_straight_line() {
        let places: Vec<f64> = (0..11).map(|it| f64::from(it) * 0.1).collect();
        let row = |y: &f64| places.iter().map(|x| x + 2.0 * y).collect();
        let values: Vec<Vec<f64>> = places.iter().map(row).collect();
        let found = contour(&places, &places, &values, 1.03);
        assert!(found.len() >= 10);
        for (x, y) in found.into_iter().flatten() {
            // Interpolation along a side is exact for a plane.
            assert!((x + 2.0 * y - 1.03).abs() < 1e-14, "{x} {y}");
        }
        assert!(contour(&places, &places, &values, 4.0).is_empty());
    }

    #[test]
    fn a_saddle_has_two_pieces_that_do_not_cross() {
        let found = contour(
            &[0.0, 1.0],
            &[0.0, 1.0],
            &[vec![1.0, -1.0], vec![-1.0, 1.0]],
            0.25,
        );
        // The middle is below, so the corners above are apart.
        assert_eq!(found.len(), 2);
        for piece in found {
            let [(a, b), (c, d)] = piece[..] else {
                panic!("{piece:?}");
            };
            let same = (a + b < 1.0) == (c + d < 1.0);
            assert!(same, "{piece:?}");
        }
        let unknown = contour(
            &[0.0, 1.0],
            &[0.0, 1.0],
            &[vec![1.0, f64::NAN], vec![-1.0]],
            0.0,
        );
        assert!(unknown.is_empty());
    }
}
