//! Inverses that are made of a network's layers or examples: K-FAC, EK-FAC and the exact dual.

use backdraft_curvature::{Cost, CrossEntropy, Model, SquaredError};
use backdraft_influence::{
    ConjugateGradientConfig, Direct, DualConfig, DualSolver, Inverse, Kfac, KfacConfig,
    Preconditioner, SolveError, Solver, self_influence,
};
use backdraft_test_support::*;
use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{DType, Tensor},
};

const N: usize = 12;
const DAMPING: f64 = 1e-3;

#[derive(Module, Debug)]
struct Mlp {
    first: Linear,
    second: Linear,
}

impl Mlp {
    fn new() -> Self {
        double(Self {
            first: LinearConfig::new(4, 8).init(&device()),
            second: LinearConfig::new(8, 3).init(&device()),
        })
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.second.forward(self.first.forward(x).tanh())
    }
}

fn cost() -> Cost {
    let labels: Vec<i64> = (0..N as i64).map(|i| i * i % 3).collect();
    let model = Model::new(&Mlp::new(), Mlp::forward).unwrap();
    Cost::new(model, CrossEntropy, random([N, 4], 1), classes(&labels)).unwrap()
}

fn queries(cost: &Cost) -> Vec<Tensor<1>> {
    let gradients = cost.select(&[0, 3, 7]).unwrap().gradients().unwrap();
    gradients
        .split(1, 0)
        .into_iter()
        .map(|row| row.squeeze_dim(0))
        .collect()
}

fn kfac(corrected: bool) -> KfacConfig {
    KfacConfig {
        corrected,
        ..KfacConfig::default()
    }
}

#[test]
fn the_dual_equals_the_direct_solver() {
    // An L2 term is damping too.
    let cost = cost().with_l2(5e-4);
    let matrix = cost.gauss_newton().damped(DAMPING);
    let (direct, dual) = (Direct::default(), DualSolver::default());
    let direct = direct.prepare(&matrix).unwrap();
    let dual = dual.factor(&matrix).unwrap();
    assert_eq!(dual.eigenvalues().len(), 3 * N);
    let rhs = queries(&cost);
    let exact = direct.solve_many(rhs.clone()).unwrap();
    for (found, exact) in dual.solve_many(rhs.clone()).unwrap().into_iter().zip(exact) {
        let (found, exact) = (found.unwrap(), exact.unwrap());
        assert!(found.info.true_residual < 1e-11 && found.info.converged);
        assert!(relative_error(&host(found.vector), &host(exact.vector)) < 1e-10);
    }
    // Another damping from the same decomposition.
    let other = cost.gauss_newton().damped(0.1 - 5e-4);
    let other = Direct::default().solve(&other, rhs[0].clone()).unwrap();
    let found = dual
        .solve_at(&rhs[0].clone().unsqueeze_dim(0), 0.1)
        .unwrap();
    assert!(relative_error(&host(found), &host(other.vector)) < 1e-12);
    let all: Vec<usize> = (0..N).collect();
    let exact = self_influence(&cost, &*direct, &all).unwrap();
    assert!(relative_error(&self_influence(&cost, &dual, &all).unwrap(), &exact) < 1e-10);
}

#[test]
fn the_outer_product_of_gradients_is_inverted_through_the_examples() {
    let cost = cost();
    let matrix = cost.empirical_fisher().damped(DAMPING);
    let dual = DualSolver::default();
    let dual = dual.factor(&matrix).unwrap();
    assert_eq!(dual.eigenvalues().len(), N);
    let rhs = queries(&cost).remove(1);
    let exact = Direct::default().solve(&matrix, rhs.clone()).unwrap();
    let found = dual.solve(rhs).unwrap();
    assert!(relative_error(&host(found.vector), &host(exact.vector)) < 1e-10);
}

#[test]
fn a_right_hand_side_of_zeros_has_the_solution_zero() {
    let cost = cost();
    let matrix = cost.gauss_newton().damped(DAMPING);
    let dual = DualSolver::default();
    let dual = dual.factor(&matrix).unwrap();
    let mut rhs = queries(&cost);
    rhs.insert(1, rhs[0].zeros_like());
    let found: Vec<_> = dual
        .solve_many(rhs)
        .unwrap()
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert!(host(found[1].vector.clone()).iter().all(|x| *x == 0.0));
    assert!(found.iter().all(|it| it.info.converged));
}

#[test]
fn kronecker_products_are_approximations_that_say_how_far_off_they_are() {
    let cost = cost();
    let matrix = cost.gauss_newton().damped(DAMPING);
    for corrected in [false, true] {
        let solver = kfac(corrected).init().unwrap();
        let found = solver.solve(&matrix, queries(&cost)[0].clone()).unwrap();
        assert_eq!(found.info.solver, if corrected { "ekfac" } else { "kfac" });
        assert!(found.info.converged && found.info.true_residual > 1e-3);
        let strict = KfacConfig {
            tolerance: Some(1e-6),
            ..kfac(corrected)
        };
        let found = strict
            .init()
            .unwrap()
            .solve(&matrix, queries(&cost)[0].clone());
        assert!(matches!(found, Err(SolveError::NotConverged { .. })));
    }
}

#[test]
fn kronecker_products_precondition_to_the_same_solution() {
    let cost = cost();
    let matrix = cost.gauss_newton().damped(DAMPING);
    let exact = Direct::default();
    let exact = exact
        .prepare(&matrix)
        .unwrap()
        .solve_many(queries(&cost))
        .unwrap();
    for corrected in [false, true] {
        let config = ConjugateGradientConfig {
            preconditioner: Preconditioner::Kfac(kfac(corrected)),
            ..Default::default()
        };
        let solver = config.init().unwrap();
        let inverse = solver.prepare(&matrix).unwrap();
        let found = inverse.solve_many(queries(&cost)).unwrap();
        for (found, exact) in found.into_iter().zip(&exact) {
            let found = host(found.unwrap().vector);
            let exact = host(exact.as_ref().unwrap().vector.clone());
            assert!(relative_error(&found, &exact) < 1e-8);
        }
    }
}

#[test]
fn other_matrices_and_kernels_that_are_too_large_are_refused() {
    let cost = cost();
    let hessian = cost.hessian().damped(1.0);
    let undamped = cost.gauss_newton();
    let rhs = queries(&cost).remove(0);
    for matrix in [
        &hessian as &dyn backdraft_curvature::LinearOperator,
        &undamped,
    ] {
        let found = Kfac::default().solve(matrix, rhs.clone());
        assert!(matches!(found, Err(SolveError::NoLayers { .. })));
        let found = DualSolver::default().solve(matrix, rhs.clone());
        assert!(matches!(found, Err(SolveError::NoExamples { .. })));
    }
    let small = DualConfig {
        memory: 1_000,
        ..Default::default()
    };
    let matrix = cost.gauss_newton().damped(DAMPING);
    let found = small.init().unwrap().solve(&matrix, rhs);
    assert!(matches!(
        found,
        Err(SolveError::TooManyRows { rows: 36, .. })
    ));
}

#[test]
fn in_32_bits_the_dual_is_as_good_as_they_allow() {
    let net = Mlp::new().map(&mut Single);
    let model = Model::new(&net, Mlp::forward).unwrap();
    let inputs = random([N, 4], 1).cast(DType::F32);
    let targets = random([N, 3], 2).cast(DType::F32);
    let cost = Cost::new(model, SquaredError, inputs, targets).unwrap();
    let matrix = cost.gauss_newton().damped(DAMPING);
    let found = DualSolver::default()
        .solve(&matrix, queries(&cost).remove(0))
        .unwrap();
    // The largest eigenvalue is some thousand times the damping, and loses as much of the machine's precision.
    assert!(
        found.info.true_residual < 1e-3,
        "{}",
        found.info.true_residual
    );
}

/// To 32 bits.
struct Single;

impl burn::module::ModuleMapper for Single {
    fn map_float<const D: usize>(
        &mut self,
        param: burn::module::Param<Tensor<D>>,
    ) -> burn::module::Param<Tensor<D>> {
        param.map(|tensor| tensor.cast(DType::F32))
    }
}
