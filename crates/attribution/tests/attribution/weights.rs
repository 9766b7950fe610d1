//! Weights of groups that are changed: predicted by one solve a group, against single scores and against responses.

use backdraft_attribution::{
    AttributionError, Influence, InfluenceConfig, Matrix, Measurement, SolverConfig,
    verify::ResponseOutcome,
};
use backdraft_curvature::{CurvatureError, SquaredError};
use backdraft_influence::{DirectConfig, SolveError, response::Removal};
use backdraft_test_support::{assert_close, matrix};
use burn::{
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor},
};

use crate::common::{INPUTS, LeastSquares, N};
use backdraft_test_support::solve;

const DAMPING: f64 = 0.1;
/// Of dense solves of well-conditioned systems.
const ROUNDING: f64 = 1e-11;
const CHANGES: [(usize, f64); 4] = [(4, -1.0), (9, -0.5), (0, 1.0), (7, -0.25)];

/// Least squares at its minimum.
fn influence(problem: &LeastSquares, kind: Matrix) -> Influence {
    let theta = problem.minimum(&[1.0; N]);
    let mut net = LinearConfig::new(INPUTS, 1)
        .with_bias(false)
        .init(&Device::flex());
    net.weight = net.weight.map(|_| matrix(&theta, 1));
    let config = InfluenceConfig::new()
        .with_matrix(kind)
        .with_damping(DAMPING)
        .with_solver(SolverConfig::Direct(DirectConfig::default()));
    let data = (matrix(&problem.x.concat(), INPUTS), matrix(&problem.t, 1));
    let forward = |net: &Linear, x: Tensor<2>| net.forward(x);
    config.init(&net, forward, SquaredError, data).unwrap()
}

fn queries() -> Tensor<2> {
    matrix(&[0.3, -0.8, 0.5, 1.1, 0.2, -0.4], INPUTS)
}

fn groups() -> [Removal; 3] {
    [
        Removal::reweight(CHANGES, N),
        Removal::of(vec![1, 8], N),
        Removal::reweight((0..N).map(|i| (i, 0.1 * i as f64)), N),
    ]
}

#[test]
fn a_group_is_the_sum_of_its_scores() {
    let problem = LeastSquares::new(N, 4);
    let influence = influence(&problem, Matrix::GaussNewton);
    for measurement in [
        Measurement::output(0),
        Measurement::outputs(),
        Measurement::loss(matrix(&[0.4, -0.2], 1)),
        Measurement::loss(matrix(&[0.4, -0.2], 1)).mean(),
    ] {
        let found = influence
            .reweight(&measurement, queries(), &groups())
            .unwrap();
        let scores = influence.scores(&measurement, queries()).unwrap();
        let rows = scores.values().dims()[0];
        assert_eq!(found.values().dims(), [3, rows]);
        assert_eq!(
            (found.solves().len(), found.parameters().dims()),
            (3, [3, INPUTS])
        );
        for (place, group) in groups().iter().enumerate() {
            let of_row = |row| -> f64 {
                let scores = scores.of(row).unwrap();
                let each = group
                    .weights()
                    .map(|(i, taken)| taken * N as f64 * scores[i]);
                each.sum()
            };
            let expected: Vec<f64> = (0..rows).map(of_row).collect();
            assert_close(&found.of(place).unwrap(), &expected, ROUNDING);
        }
        assert!(matches!(
            found.of(3).err(),
            Some(AttributionError::NoSuchGroup { group: 3, len: 3 })
        ));
    }
}

/// The response with these weights is a dense solve away: `d = (X' W X / N + damping)^-1 sum of eps_z r_z x_z`, with
/// `W` the weights that are left.
#[test]
fn responses_are_dense_solves_with_the_weights() {
    let problem = LeastSquares::new(N, 4);
    let theta = problem.minimum(&[1.0; N]);
    for kind in [Matrix::GaussNewton, Matrix::Hessian] {
        let influence = influence(&problem, kind);
        let found = influence
            .reweight(&Measurement::output(0), queries(), &groups())
            .unwrap();
        let answered = influence.respond_to_groups(&found, 500).unwrap();
        for ((place, group), answered) in groups().iter().enumerate().zip(answered) {
            let (mut weights, mut pull) = ([1.0; N], vec![0.0; INPUTS]);
            for (z, taken) in group.weights() {
                weights[z] -= taken * N as f64;
                let residual = problem.residual(z, &theta);
                for (pull, x) in pull.iter_mut().zip(&problem.x[z]) {
                    *pull += taken * residual * x;
                }
            }
            let change = |weights: &[f64]| -> Vec<f64> {
                let mut matrix = problem.hessian(weights);
                for (i, row) in matrix.iter_mut().enumerate() {
                    row[i] += DAMPING;
                }
                let moved = solve(matrix, pull.clone());
                let queries: Vec<f64> = queries().into_data().iter().collect();
                let along = |x: &[f64]| x.iter().zip(&moved).map(|(x, d)| x * d).sum();
                queries.chunks(INPUTS).map(along).collect()
            };
            assert_close(&found.of(place).unwrap(), &change(&[1.0; N]), ROUNDING);
            let ResponseOutcome::Done { changes, .. } = answered.outcome else {
                panic!("{:?}", answered.outcome);
            };
            // Minimised until the gradient has fallen by 1e4.
            let expected = change(&weights);
            let size = expected.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
            for (found, expected) in changes.iter().zip(&expected) {
                assert!(
                    (found - expected).abs() < 1e-3 * size,
                    "{kind:?} {place}: {found} {expected}"
                );
            }
        }
    }
}

#[test]
fn groups_that_make_no_sense_are_refused() {
    let problem = LeastSquares::new(N, 4);
    let influence = influence(&problem, Matrix::GaussNewton);
    let refused = |groups: &[Removal]| {
        let found = influence.reweight(&Measurement::output(0), queries(), groups);
        found.err().expect("it makes no sense")
    };
    assert!(matches!(
        refused(&[]),
        AttributionError::Setting { name: "groups", .. }
    ));
    let nan = Removal::reweight([(1, f64::NAN), (2, -1.0)], N);
    assert!(matches!(
        refused(&[nan]),
        AttributionError::Solve(SolveError::Setting {
            name: "epsilon",
            ..
        })
    ));
    let beyond = Removal::reweight([(N, 0.5), (2, -1.0)], N);
    assert!(matches!(
        refused(&[beyond]),
        AttributionError::Solve(SolveError::Curvature(CurvatureError::Index {
            index: N,
            ..
        }))
    ));
    let text = serde_json::to_string(&groups()[0]).unwrap();
    assert_eq!(serde_json::from_str::<Removal>(&text).unwrap(), groups()[0]);
    // As it was stored before there were weights.
    let text = serde_json::to_string(&groups()[1]).unwrap();
    assert!(!text.contains("factors"), "{text}");
}
