//! What must hold for every operator, and for every inverse.

use backdraft_curvature::{
    BatchOperator, Cost, CrossEntropy, CurvatureError, Damped, Definiteness, LinearOperator, Model,
    Scaled, ShardedCost, SquaredError, Sum, Without, to_dense,
};
use backdraft_influence::{
    ConjugateGradientConfig, DiagonalConfig, DirectConfig, LissaConfig, SolveError, Solver,
};
use backdraft_test_support::{dot, double, host, norm, numbers, random, vector};
use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{DType, Device, Int, Tensor, activation},
};

const N: usize = 6;
const INPUTS: usize = 3;
const DAMPING: f64 = 0.3;
/// A few hundred roundings of f64.
const ROUNDING: f64 = 1e-13;

#[derive(Module, Debug)]
struct Net {
    first: Linear,
    second: Linear,
}

impl Net {
    fn new() -> Self {
        let device = Device::flex();
        double(Self {
            first: LinearConfig::new(INPUTS, 4).init(&device),
            second: LinearConfig::new(4, 3).init(&device),
        })
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.second.forward(activation::tanh(self.first.forward(x)))
    }
}

fn cost() -> Cost {
    let model = Model::new(&Net::new(), Net::forward).unwrap();
    let classes = Tensor::<1, Int>::from_ints([0, 2, 1, 1, 0, 2], &Device::flex());
    let x = random([N, INPUTS], 5);
    Cost::new(model, CrossEntropy, x, classes).unwrap()
}

/// Every operator there is, by name: of one batch and of several, with an L2 term and without, and made of others.
fn operators() -> Vec<(&'static str, Box<dyn LinearOperator>)> {
    let cost = cost();
    let batched = cost.clone().with_batch_size(4).unwrap();
    let regularised = batched.clone().with_l2(0.7);
    let parts = [&[0, 1][..], &[2, 3, 4], &[5]];
    let parts = parts.map(|of| cost.select(of).unwrap().with_l2(0.7));
    let sharded = ShardedCost::new(parts.into()).unwrap();
    let squared = cost.with_loss(SquaredError, random([N, 3], 6)).unwrap();
    vec![
        ("Gauss-Newton", Box::new(cost.gauss_newton())),
        ("Gauss-Newton, L2", Box::new(regularised.gauss_newton())),
        ("Gauss-Newton of squares", Box::new(squared.gauss_newton())),
        ("Hessian", Box::new(batched.hessian())),
        ("Hessian, L2", Box::new(regularised.hessian())),
        ("Fisher", Box::new(batched.fisher())),
        ("Fisher, L2", Box::new(regularised.fisher())),
        ("empirical Fisher", Box::new(batched.empirical_fisher())),
        (
            "empirical Fisher, L2",
            Box::new(regularised.empirical_fisher()),
        ),
        ("damped", Box::new(cost.gauss_newton().damped(DAMPING))),
        ("in parts", Box::new(sharded.gauss_newton().unwrap())),
        (
            "in parts, damped",
            Box::new(sharded.operator(|it| it.hessian().damped(DAMPING)).unwrap()),
        ),
        ("scaled", Box::new(Scaled::new(cost.hessian(), -2.5))),
        (
            "without",
            Box::new(
                Without::new(
                    regularised.gauss_newton(),
                    [(4, 1.0 / N as f64), (1, 0.05), (2, 0.05), (3, -0.1)],
                )
                .unwrap(),
            ),
        ),
        (
            "sum",
            Box::new(Sum::new(cost.fisher(), cost.empirical_fisher().damped(0.1)).unwrap()),
        ),
        (
            "all of them",
            Box::new(Damped::new(
                Scaled::new(Sum::new(cost.hessian(), batched.fisher()).unwrap(), 0.5),
                DAMPING,
            )),
        ),
    ]
}

/// Linear, symmetric, as it says of itself, and the mean of its examples' own.
#[test]
fn operators_keep_the_laws() {
    for (name, operator) in operators() {
        let dim = operator.dim();
        let (u, v) = (numbers(dim, 20), numbers(dim, 21));
        let apply = |v: &[f64]| host(operator.apply(vector(v)).unwrap());
        let (au, av) = (apply(&u), apply(&v));
        let scale = norm(&au) + norm(&av);

        let both: Vec<f64> = u.iter().zip(&v).map(|(u, v)| 2.0 * u - 3.0 * v).collect();
        let expected = au.iter().zip(&av).map(|(u, v)| 2.0 * u - 3.0 * v);
        let off: Vec<f64> = apply(&both)
            .iter()
            .zip(expected)
            .map(|(found, expected)| found - expected)
            .collect();
        assert!(norm(&off) <= ROUNDING * scale, "{name} is not linear");

        let apart = (dot(&u, &av) - dot(&v, &au)).abs();
        assert!(
            apart <= ROUNDING * scale * norm(&v),
            "{name} is not symmetric"
        );

        let rows = Tensor::stack(vec![vector(&u), vector(&v)], 0);
        let many = operator.apply_many(rows).unwrap();
        let many = host(many.reshape([2 * dim]));
        let off: Vec<f64> = many
            .iter()
            .zip([au.clone(), av.clone()].concat())
            .map(|(a, b)| a - b)
            .collect();
        assert!(norm(&off) <= ROUNDING * scale, "{name} of several vectors");

        let law = operator.law();
        if law.definiteness == Definiteness::Semidefinite {
            // What is not damping is not negative along any direction, and has no eigenvalue below 0.
            let quadratic = |v: &[f64], av: &[f64]| dot(v, av) - law.damping * dot(v, v);
            for (v, av) in [(&u, &au), (&v, &av)] {
                let size = norm(v) * norm(av);
                assert!(quadratic(v, av) >= -ROUNDING * size, "{name} is negative");
            }
            let dense = to_dense(&*operator).unwrap();
            let trace: f64 = (0..dim).map(|i| dense[i * dim + i]).sum();
            assert!(trace >= law.damping * dim as f64, "{name}'s trace");
        }
        parts_make_the_whole(name, &*operator, &v, &av);
    }
}

fn parts_make_the_whole(name: &str, operator: &dyn LinearOperator, v: &[f64], av: &[f64]) {
    let parts = operator.over_examples().expect("it is a mean of examples");
    assert_eq!(parts.examples(), N, "{name}");
    let mut mean = vec![0.0; v.len()];
    for example in 0..N {
        let part = host(parts.apply_batch(&[example], vector(v)).unwrap());
        mean.iter_mut()
            .zip(part)
            .for_each(|(mean, part)| *mean += part / N as f64);
    }
    let off: Vec<f64> = mean.iter().zip(av).map(|(a, b)| a - b).collect();
    let scale = norm(av) + norm(v);
    assert!(
        norm(&off) <= ROUNDING * scale,
        "{name}: the mean of its examples"
    );
}

#[test]
fn operators_over_other_examples_have_no_part_in_common() {
    let cost = cost();
    let few = cost.select(&[0, 1]).unwrap();
    let sum = Sum::new(cost.gauss_newton(), few.gauss_newton()).unwrap();
    assert!(sum.over_examples().is_none());
    assert!(sum.apply(cost.model().theta()).is_ok());
    let rhs = cost.gradient().unwrap();
    let lissa = LissaConfig::default().init().unwrap();
    let error = lissa.solve(&Damped::new(&sum, DAMPING), rhs).unwrap_err();
    assert!(
        matches!(error, SolveError::NotOverExamples { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("conjugate gradients"), "{error}");
}

/// Every solver's inverse tells the residual of what it gives, and does not change with what else is solved.
#[test]
fn inverses_tell_their_residual() {
    let cost = cost();
    let matrix = cost.gauss_newton().damped(DAMPING);
    let lissa = LissaConfig {
        depth: 400,
        batch_size: 4,
        tolerance: 0.5,
        ..Default::default()
    };
    let one_by_one = ConjugateGradientConfig {
        block_size: Some(1),
        ..Default::default()
    };
    let solvers: [(&str, Box<dyn Solver>); 4] = [
        (
            "diagonal",
            Box::new(DiagonalConfig::default().init().unwrap()),
        ),
        ("cg", Box::new(one_by_one.init().unwrap())),
        ("direct", Box::new(DirectConfig::default().init().unwrap())),
        ("lissa", Box::new(lissa.init().unwrap())),
    ];
    for (name, solver) in solvers {
        let inverse = solver.prepare(&matrix).unwrap();
        let rhs: Vec<Vec<f64>> = (30..33).map(|seed| numbers(matrix.dim(), seed)).collect();
        let together = inverse
            .solve_many(rhs.iter().map(|b| vector(b)).collect())
            .unwrap();
        for (b, found) in rhs.iter().zip(together) {
            let found = found.unwrap();
            let residual: Vec<f64> = host(matrix.apply(found.vector.clone()).unwrap())
                .iter()
                .zip(b)
                .map(|(a, b)| b - a)
                .collect();
            let relative = norm(&residual) / norm(b);
            let told = found.info.true_residual;
            assert!(
                (relative - told).abs() <= 1e-13 + 1e-6 * told,
                "{name}: {relative} {told}"
            );
            assert!(
                found.info.converged && told <= found.info.tolerance,
                "{name}"
            );
            let alone = inverse.solve(vector(b)).unwrap();
            assert_eq!(host(alone.vector), host(found.vector), "{name}");
        }
        let zero = inverse.solve(vector(&vec![0.0; matrix.dim()])).unwrap();
        assert!(host(zero.vector).iter().all(|x| *x == 0.0), "{name}");
    }
}

/// An operator of a user's own, which is no mean over examples.
struct Diagonal;

impl LinearOperator for Diagonal {
    fn dim(&self) -> usize {
        3
    }

    fn device(&self) -> Device {
        Device::flex()
    }

    fn dtype(&self) -> DType {
        DType::F64
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        Ok(v * vector(&[1.0, 2.0, 4.0]))
    }
}

/// Conjugate gradients and the direct solver ask for nothing but products.
#[test]
fn products_are_all_that_a_solver_needs() {
    let b = vector(&[1.0, 1.0, 1.0]);
    let solvers: [Box<dyn Solver>; 2] = [
        Box::new(ConjugateGradientConfig::default().init().unwrap()),
        Box::new(DirectConfig::default().init().unwrap()),
    ];
    for solver in solvers {
        let found = host(solver.solve(&Diagonal, b.clone()).unwrap().vector);
        for (found, expected) in found.iter().zip([1.0, 0.5, 0.25]) {
            assert!((found - expected).abs() < 1e-9);
        }
    }
    let lissa = LissaConfig::default().init().unwrap();
    let error = lissa.solve(&Diagonal, b).unwrap_err();
    assert!(matches!(error, SolveError::NotOverExamples { .. }));
}
