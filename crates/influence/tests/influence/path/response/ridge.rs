//! Least squares, of which the path is known in closed form: with `A_0` and `theta(0)` of the rest, `h` the example's
//! leverage in it and `e` its deleted residual, in sums,
//!
//! ```text
//! theta(eps) = theta(0) + eps / (1 + eps h) A_0^-1 x e
//! ```
//!
//! (Sherman and Morrison): a straight line, along which `theta'` shrinks by `(1 + eps h)^-2`.

use backdraft_influence::{
    path::{PathConfig, PathEnd},
    response::Removal,
};
use backdraft_test_support::{dot, host, norm, relative_error, solve};

use super::common::{EXACT, direct, follow};
use crate::response::common::{INPUTS, N, linear};

const L2: f64 = 0.02;
const EXAMPLE: usize = 4;

/// `A_0^-1 x e`, `theta(0)` and `h`.
struct Closed {
    direction: Vec<f64>,
    without: Vec<f64>,
    leverage: f64,
}

impl Closed {
    fn new() -> Self {
        let cost = linear();
        let x = host(crate::response::common::inputs());
        let targets = host(backdraft_test_support::random([N, 1], 19));
        assert_eq!(cost.len(), targets.len());
        let row = |i: usize| [&x[i * INPUTS..][..INPUTS], &[1.0]].concat();
        let dim = INPUTS + 1;
        let mut a = vec![vec![0.0; dim]; dim];
        let mut b = vec![0.0; dim];
        for i in (0..N).filter(|&i| i != EXAMPLE) {
            for (j, xj) in row(i).into_iter().enumerate() {
                b[j] += xj * targets[i];
                for (k, xk) in row(i).into_iter().enumerate() {
                    a[j][k] += xj * xk;
                }
            }
        }
        (0..dim).for_each(|j| a[j][j] += N as f64 * L2);
        let without = solve(a.clone(), b);
        let residual = targets[EXAMPLE] - dot(&row(EXAMPLE), &without);
        let unit = solve(a, row(EXAMPLE));
        Self {
            leverage: dot(&row(EXAMPLE), &unit),
            direction: unit.into_iter().map(|it| it * residual).collect(),
            without,
        }
    }

    fn scaled(&self, factor: f64) -> Vec<f64> {
        self.direction.iter().map(|it| factor * it).collect()
    }

    fn theta(&self, eps: f64) -> Vec<f64> {
        let moved = self.scaled(eps / (1.0 + eps * self.leverage));
        moved
            .iter()
            .zip(&self.without)
            .map(|(a, b)| a + b)
            .collect()
    }
}

#[test]
fn every_point_is_the_closed_form() {
    let (cost, closed) = (linear().with_l2(L2), Closed::new());
    let path = follow(&cost, Removal::of(vec![EXAMPLE], N), EXACT);
    assert_eq!((path.points().len(), path.end()), (6, &PathEnd::Whole));
    for (k, point) in path.points().iter().enumerate() {
        let eps = (5 - k) as f64 / 5.0;
        assert_eq!(point.facts.eps, eps);
        let spread = 1.0 + eps * closed.leverage;
        // Rounding of a dense solve, and a gradient of 1e-11 of the example's.
        let near = |found: &burn::Tensor<1>, expected: &[f64]| {
            let error = relative_error(&host(found.clone()), expected);
            assert!(error < 1e-9, "eps {eps}: {error:e}");
        };
        near(&point.theta, &closed.theta(eps));
        near(&point.tangent, &closed.scaled(spread.powi(-2)));
        let bend = -2.0 * closed.leverage * spread.powi(-3);
        near(&point.second, &closed.scaled(bend));
        assert!(point.facts.true_residual < 1e-10);
    }
}

/// The curve is a straight line, run through at another pace: the Newton estimate is exact, and influence is short by
/// the leverage.
#[test]
fn the_path_is_straight_and_newton_lands_on_its_end() {
    let (cost, closed) = (linear().with_l2(L2), Closed::new());
    let config = PathConfig {
        steps: 40,
        tolerance: 1e-13,
        ..EXACT
    };
    let path = follow(&cost, Removal::of(vec![EXAMPLE], N), config);
    let straight = path.straightness().unwrap();
    // The length by a rule of fourth order; the angles to the root of rounding's square.
    assert!((straight.ratio - 1.0).abs() < 1e-6, "{straight:?}");
    assert!(
        straight.angle < 1e-6 && straight.widest < 1e-6,
        "{straight:?}"
    );
    let chord = norm(&closed.scaled(1.0 / (1.0 + closed.leverage)));
    assert!((straight.chord / chord - 1.0).abs() < 1e-9);

    let responses = backdraft_influence::response::Responses::undamped(&cost).unwrap();
    let kind = backdraft_influence::response::ResponseKind::Retraining;
    let objective = responses.objective(kind, Removal::of(vec![EXAMPLE], N));
    let solver = direct();
    let newton = backdraft_influence::path::ResponsePath::new(objective.unwrap(), &solver, EXACT);
    let newton = newton.unwrap().newton(path.first(), 0.0).unwrap().vector;
    let landings = path.landings(Some(&newton)).unwrap();
    assert!(landings.newton.unwrap().relative < 1e-9, "{landings:?}");
    // 1 / (1 + h) short at one end, and (1 + h) far at the other.
    let h = closed.leverage;
    let short = 1.0 - 1.0 / (1.0 + h);
    assert!((landings.influence_at_one.relative - short).abs() < 1e-8);
    assert!((landings.influence_at_end.relative - h).abs() < 1e-8);

    // Nothing is across, and influence lands on the line too.
    let influence = -path.first().tangent.clone();
    let flat = path.projection(&[newton, influence]).unwrap();
    let across = flat.points.iter().map(|it| it[1].abs() / chord);
    let across = across.fold(0.0, f64::max);
    assert!(across < 1e-11, "{across:e}");
    assert!((flat.points[40][0] / chord - 1.0).abs() < 1e-9);
    assert!((flat.others[0][0] / chord - 1.0).abs() < 1e-9);
    assert!((flat.others[1][0] / chord - 1.0 / (1.0 + h)).abs() < 1e-8);

    let gap = path.tangent_gap().unwrap();
    let ends = 1.0 - (1.0 + h).powi(-2);
    let size = norm(&closed.direction);
    assert!((gap.difference / (ends * size) - 1.0).abs() < 1e-8);
    // Largest at the end, where nothing of the example is left.
    assert!((gap.bound / (2.0 * h * size) - 1.0).abs() < 1e-8);
    // The trapezoidal rule, from above as the function is convex.
    assert!(gap.difference <= gap.integral && gap.integral <= gap.bound);
    assert!(gap.integral < 1.001 * gap.difference, "{gap:?}");
}
