//! Newton estimates against dense matrices and refitted optima. In f64 on flex.

use backdraft_curvature::{
    Cost, CrossEntropy, CurvatureError, Damped, LinearOperator, Loss, Model, SquaredError, to_dense,
};
use backdraft_influence::{
    ConjugateGradientConfig, Direct, DirectConfig, DualConfig, Inverse, NewtonEstimate, SolveError,
    Solver, newton_estimates, newton_scores, newton_self_influences, newton_step,
    response::Removal, scores, self_influences,
};
use backdraft_test_support::{assert_close, classes, double, host, matrix, random, solve};
use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor, activation},
};

const N: usize = 9;
const DAMPING: f64 = 0.02;
/// Dense systems of a few dozen numbers, with condition numbers of some hundred.
const ROUNDING: f64 = 1e-11;

#[derive(Module, Debug)]
struct Net {
    first: Linear,
    second: Linear,
}

impl Net {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.second.forward(activation::tanh(self.first.forward(x)))
    }
}

/// A network of three classes.
fn network() -> Cost {
    let device = Device::flex();
    let net = double(Net {
        first: LinearConfig::new(2, 3).init(&device),
        second: LinearConfig::new(3, 3).init(&device),
    });
    let model = Model::new(&net, Net::forward).unwrap();
    let labels = classes(&[0, 2, 1, 1, 0, 2, 2, 0, 1]);
    let x = random([N, 2], 5) * 3.0;
    Cost::new(model, CrossEntropy, x, labels).unwrap()
}

fn direct() -> Direct {
    DirectConfig::default().init().unwrap()
}

/// `(A - eps sum of H_z)^-1 eps sum of grad L(z)` by elimination, for the matrix that `of` makes of a cost.
fn expected<A: LinearOperator>(
    cost: &Cost,
    of: impl Fn(&Cost) -> A,
    (removal, damping): (&Removal, f64),
) -> Vec<f64> {
    let dim = cost.model().dim();
    let mut a = to_dense(&of(cost)).unwrap();
    let mut b = vec![0.0; dim];
    for (z, taken) in removal.weights() {
        let own = cost.select(&[z]).unwrap();
        let h = to_dense(&of(&own)).unwrap();
        a.iter_mut().zip(h).for_each(|(a, h)| *a -= taken * h);
        let gradient = host(own.gradient().unwrap());
        b.iter_mut()
            .zip(gradient)
            .for_each(|(b, g)| *b += taken * g);
    }
    let mut rows: Vec<Vec<f64>> = a.chunks_exact(dim).map(<[f64]>::to_vec).collect();
    rows.iter_mut()
        .enumerate()
        .for_each(|(i, row)| row[i] += damping);
    solve(rows, b)
}

/// The only output, whatever the target is.
#[derive(Clone)]
struct OneOutput;

impl Loss for OneOutput {
    type Targets = Tensor<2>;

    fn per_example(&self, outputs: Tensor<2>, _: Tensor<2>) -> Tensor<1> {
        outputs.squeeze_dim(1)
    }
}

fn one(found: Vec<Result<NewtonEstimate, SolveError>>) -> NewtonEstimate {
    found.into_iter().next().unwrap().unwrap()
}

fn removals() -> Vec<Removal> {
    vec![
        Removal::of(vec![4], N),
        Removal::of(vec![0, 3, 7], N),
        Removal::downweight(vec![2], 0.3 / N as f64),
        Removal::downweight(vec![1, 8], -0.5 / N as f64),
        // Weights of both signs, and none.
        Removal::reweight([(0, -1.0), (6, 0.7), (2, -0.4), (5, 0.0)], N),
        Removal::none(),
    ]
}

#[test]
fn they_solve_with_the_curvature_of_the_rest() {
    let cost = network();
    let matrix = cost.gauss_newton().damped(DAMPING);
    let solver = direct();
    let inverse = solver.prepare(&matrix).unwrap();
    let found = newton_estimates(&cost, &matrix, &*inverse, &removals()).unwrap();
    for (found, removal) in found.into_iter().zip(removals()) {
        let found = found.unwrap();
        let step = newton_step(&cost, &matrix, &solver, &removal).unwrap();
        if removal.is_none() {
            assert_eq!(host(found.vector), vec![0.0; cost.model().dim()]);
            assert_eq!(host(step.vector), vec![0.0; cost.model().dim()]);
            assert_eq!(found.leverage.largest(), 0.0);
            continue;
        }
        let expected = expected(&cost, Cost::gauss_newton, (&removal, DAMPING));
        assert_close(&host(found.vector), &expected, ROUNDING);
        assert_close(&host(step.vector), &expected, ROUNDING);
        // It is a correction: influence by itself is off by far more.
        let influence = host(found.influence);
        assert!(backdraft_test_support::relative_error(&influence, &expected) > 1e-3);
        assert!(found.leverage.largest() > 1e-3 && found.leverage.largest() < 1.0);
    }
}

#[test]
fn conjugate_gradients_and_other_matrices_serve_too() {
    let cost = network();
    let removal = Removal::of(vec![5], N);
    let config = ConjugateGradientConfig {
        tolerance: Some(1e-12),
        ..Default::default()
    };
    let solver = config.init().unwrap();
    let matrix = cost.empirical_fisher().damped(DAMPING);
    let inverse = solver.prepare(&matrix).unwrap();
    let found =
        one(newton_estimates(&cost, &matrix, &*inverse, std::slice::from_ref(&removal)).unwrap());
    let exact = expected(&cost, Cost::empirical_fisher, (&removal, DAMPING));
    assert_close(&host(found.vector), &exact, 1e-10);
    assert_eq!(found.leverage.values.len(), 1);
    assert!(found.true_residual <= 1e-12);

    // A removed example's part of the Hessian is no sum of squares.
    let of = |damping| Damped::new(cost.hessian(), damping);
    let refused = newton_estimates(&cost, &of(1.0), &*inverse, std::slice::from_ref(&removal));
    assert!(matches!(refused, Err(SolveError::NoRoot { .. })));
    let step = newton_step(&cost, &of(1.0), &direct(), &removal).unwrap();
    let exact = expected(&cost, Cost::hessian, (&removal, 1.0));
    assert_close(&host(step.vector), &exact, ROUNDING);
    // It is not positive definite at this network's weights.
    let refused = newton_step(&cost, &of(DAMPING), &direct(), &removal);
    assert!(matches!(
        refused,
        Err(SolveError::NotPositiveDefinite { .. })
    ));
}

#[test]
fn all_examples_at_once_have_the_same_numbers() {
    let cost = network();
    let matrix = cost.gauss_newton().damped(DAMPING);
    let solver = direct();
    let inverse = solver.prepare(&matrix).unwrap();
    let query = cost
        .with_examples(random([2, 2], 77), classes(&[1, 0]))
        .unwrap();
    let gradients = query.gradients().unwrap();
    let solutions = inverse.apply_many(gradients.clone()).unwrap();
    let dual = DualConfig::default().init().unwrap();
    let dual = dual.factor(&matrix).unwrap();
    let [by_direct, by_dual] = [&*inverse, &dual as &dyn Inverse]
        .map(|inverse| newton_scores(&cost, &matrix, inverse, &solutions).unwrap());
    let removals: Vec<Removal> = (0..N).map(|i| Removal::of(vec![i], N)).collect();
    let single = newton_estimates(&cost, &matrix, &*inverse, &removals).unwrap();
    let vectors: Vec<_> = single
        .iter()
        .map(|it| it.as_ref().unwrap().vector.clone())
        .collect();
    let changes = host(gradients.matmul(Tensor::stack::<2>(vectors, 1)));
    for found in [&by_direct, &by_dual] {
        let values: Vec<f64> = found
            .values
            .iter()
            .flatten()
            .map(|it| it.unwrap())
            .collect();
        assert_close(&values, &changes, ROUNDING);
        for (leverage, single) in found.leverages.iter().zip(&single) {
            let exact = &single.as_ref().unwrap().leverage;
            assert!((leverage.largest() - exact.largest()).abs() < ROUNDING);
            assert!((leverage.total() - exact.total()).abs() < ROUNDING);
        }
    }
    // All leverages together are the effective dimension, `tr(A^-1 G)`.
    let dim = cost.model().dim();
    let g = to_dense(&cost.gauss_newton()).unwrap();
    let g = inverse
        .apply_many(backdraft_test_support::matrix(&g, dim))
        .unwrap();
    let g = host(g);
    let trace: f64 = (0..dim).map(|i| g[i * dim + i]).sum();
    let total: f64 = by_direct.leverages.iter().map(|it| it.total()).sum();
    assert!((total / trace - 1.0).abs() < 1e-10, "{total} {trace}");
    // Without a query the leverages alone.
    let none = Tensor::zeros([0, dim], (&Device::flex(), burn::tensor::DType::F64));
    let found = newton_scores(&cost, &matrix, &*inverse, &none).unwrap();
    assert!(found.values.is_empty());
    assert_eq!(found.leverages, by_direct.leverages);
}

/// Ridge regression at its optimum, over the examples `x`.
fn ridge(x: &[f64], targets: &[f64], l2: f64) -> Cost {
    let module = double(LinearConfig::new(3, 1).init(&Device::flex()));
    let model = Model::new(&module, |m: &Linear, x: Tensor<2>| m.forward(x)).unwrap();
    let cost = Cost::new(model, SquaredError, matrix(x, 3), matrix(targets, 1));
    let cost = cost.unwrap().with_l2(l2);
    let hessian = cost.hessian();
    let step = direct().solve(&hessian, cost.gradient().unwrap()).unwrap();
    cost.at(cost.model().theta() - step.vector).unwrap()
}

#[test]
fn for_ridge_regression_they_are_leave_one_out() {
    let (x, t) = (host(random([N, 3], 3)), host(random([N, 1], 4)));
    let l2 = 0.05;
    let cost = ridge(&x, &t, l2);
    let matrix = cost.gauss_newton();
    let solver = direct();
    let inverse = solver.prepare(&matrix).unwrap();
    let theta = host(cost.model().theta().clone());
    for z in 0..N {
        let removal = Removal::of(vec![z], N);
        let found = one(newton_estimates(&cost, &matrix, &*inverse, &[removal]).unwrap());
        // Of the others' mean, the term is larger, as it is weighed against a sum of N.
        let (mut x, mut t) = (x.clone(), t.clone());
        x.drain(3 * z..3 * z + 3);
        t.remove(z);
        let refit = ridge(&x, &t, l2 * N as f64 / (N - 1) as f64);
        let refit = host(refit.model().theta().clone());
        let change: Vec<f64> = refit.iter().zip(&theta).map(|(a, b)| a - b).collect();
        assert_close(&host(found.vector), &change, 1e-10);
        // A single output: the correction is the factor 1 / (1 - leverage).
        let factor = 1.0 / (1.0 - found.leverage.largest());
        let scaled: Vec<f64> = host(found.influence).iter().map(|it| factor * it).collect();
        assert_close(&scaled, &change, 1e-10);
    }
}

/// What is measured are the outputs of a network with one, or its losses.
#[test]
fn of_an_example_itself_they_are_leave_one_out_too() {
    let (x, t) = (host(random([N, 3], 3)), host(random([N, 1], 4)));
    let l2 = 0.05;
    let cost = ridge(&x, &t, l2);
    let matrix = cost.gauss_newton();
    let solver = direct();
    let inverse = solver.prepare(&matrix).unwrap();
    let output = cost
        .with_loss(OneOutput, backdraft_test_support::matrix(&t, 1))
        .unwrap();
    let measured = [output, cost.clone()];
    let (found, leverages) = newton_self_influences(&cost, &matrix, &*inverse, &measured).unwrap();
    let outputs = host(cost.outputs().unwrap());
    for z in 0..N {
        let (mut rest, mut of_rest) = (x.clone(), t.clone());
        let own: Vec<f64> = rest.drain(3 * z..3 * z + 3).collect();
        of_rest.remove(z);
        let refit = ridge(&rest, &of_rest, l2 * N as f64 / (N - 1) as f64);
        let refit = refit.with_examples(backdraft_test_support::matrix(&own, 3), random([1, 1], 0));
        let refitted = host(refit.unwrap().outputs().unwrap())[0];
        let predicted = found[0].newton[z].unwrap();
        assert!((predicted - (refitted - outputs[z])).abs() < 1e-11);
        let factor = 1.0 / (1.0 - leverages[z].largest());
        assert!((factor * found[0].influence[z] - predicted).abs() < 1e-11);
    }
    let influence = self_influences(&cost, &*inverse).unwrap();
    assert_close(&found[1].influence, &influence, ROUNDING);
}

#[test]
fn what_examples_do_to_themselves_is_what_their_own_removal_does() {
    let cost = network();
    let matrix = cost.gauss_newton().damped(DAMPING);
    let solver = direct();
    let inverse = solver.prepare(&matrix).unwrap();
    // Each example's loss twice in place of several outputs.
    let twice: Vec<usize> = (0..2 * N).map(|row| row / 2).collect();
    let measured = [cost.select(&twice).unwrap()];
    let (found, leverages) = newton_self_influences(&cost, &matrix, &*inverse, &measured).unwrap();
    let removals: Vec<Removal> = (0..N).map(|i| Removal::of(vec![i], N)).collect();
    let single = newton_estimates(&cost, &matrix, &*inverse, &removals).unwrap();
    let gradients = cost.gradients().unwrap();
    for (z, single) in single.into_iter().enumerate() {
        let single = single.unwrap();
        let own = gradients.clone().slice(z..z + 1).reshape([-1]);
        let own = |vector: Tensor<1>| host((own.clone() * vector).sum())[0];
        let (newton, influence) = (own(single.vector), own(single.influence));
        for row in [2 * z, 2 * z + 1] {
            assert!((found[0].newton[row].unwrap() - newton).abs() < ROUNDING);
            assert!((found[0].influence[row] - influence).abs() < ROUNDING);
        }
        assert!((leverages[z].largest() - single.leverage.largest()).abs() < ROUNDING);
    }
    // As many rows as no example has the same number of.
    let uneven = [cost.select(&twice[1..]).unwrap()];
    assert!(newton_self_influences(&cost, &matrix, &*inverse, &uneven).is_err());
}

#[test]
fn what_is_fitted_by_itself_alone_is_said_and_not_divided_by() {
    // Only the first example has the third input.
    let mut x = host(random([N, 3], 3));
    for (i, row) in x.chunks_exact_mut(3).enumerate() {
        row[2] = if i == 0 { 1.0 } else { 0.0 };
    }
    let t = host(random([N, 1], 4));
    let cost = ridge(&x, &t, 1e-9);
    let matrix = cost.gauss_newton();
    let solver = direct();
    let inverse = solver.prepare(&matrix).unwrap();
    let of = |z| Removal::of(vec![z], N);
    let found = newton_estimates(&cost, &matrix, &*inverse, &[of(0), of(1)]).unwrap();
    match &found[0] {
        Err(SolveError::FittedAlone { leverage }) => assert!(*leverage > 1.0 - 1e-6),
        other => panic!("{other:?}"),
    }
    // The others are not concerned.
    assert!(!found[1].as_ref().unwrap().leverage.is_alone());
    let gradients = cost.select(&[1]).unwrap().gradient().unwrap();
    let solution = inverse.solve(gradients).unwrap().vector;
    let all = newton_scores(
        &cost,
        &matrix,
        &*inverse,
        &solution.clone().unsqueeze_dim(0),
    )
    .unwrap();
    assert_eq!(all.values[0][0], None);
    assert!(all.leverages[0].is_alone());
    let influence = host(scores(&cost, solution).unwrap());
    assert!(all.values[0][1].unwrap() > influence[1]);
}

#[test]
fn bad_removals_are_refused() {
    let cost = network();
    let matrix = cost.gauss_newton().damped(DAMPING);
    let solver = direct();
    let inverse = solver.prepare(&matrix).unwrap();
    let estimates = |removal: &Removal| {
        newton_estimates(&cost, &matrix, &*inverse, std::slice::from_ref(removal))
    };
    let infinite = Removal::downweight(vec![1], f64::INFINITY);
    let refused = estimates(&infinite);
    assert!(matches!(
        refused,
        Err(SolveError::Setting {
            name: "epsilon",
            ..
        })
    ));
    assert!(newton_step(&cost, &matrix, &solver, &infinite).is_err());
    for refused in [
        estimates(&Removal::of(vec![N], N)).err(),
        newton_step(&cost, &matrix, &solver, &Removal::of(vec![N], N)).err(),
    ] {
        let index = CurvatureError::Index { index: N, len: N };
        assert_eq!(refused.unwrap().to_string(), index.to_string());
    }
    // A matrix that is no mean over examples has no part to be taken off.
    struct Identity(Cost);
    impl LinearOperator for Identity {
        fn dim(&self) -> usize {
            self.0.model().dim()
        }
        fn device(&self) -> Device {
            self.0.model().device().clone()
        }
        fn dtype(&self) -> burn::tensor::DType {
            self.0.model().dtype()
        }
        fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
            Ok(v)
        }
    }
    let identity = Identity(cost.clone());
    let refused = newton_step(&cost, &identity, &solver, &Removal::of(vec![0], N));
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("not a mean over examples")
    );
}
