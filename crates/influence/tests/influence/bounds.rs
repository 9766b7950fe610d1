//! Bounds of scores, against the exact solution.

use backdraft_curvature::{Cost, Damped, LinearOperator, Model, SquaredError};
use backdraft_influence::{
    ConjugateGradientConfig, DirectConfig, ErrorBounds, SolveError, Solver, scores, settled,
};
use burn::{
    module::{Module, ModuleMapper, Param},
    nn::{Linear, LinearConfig},
    tensor::{DType, Device, Tensor, TensorData, activation},
};

const N: usize = 12;
const DAMPING: f64 = 0.05;

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

/// Weights that are the same in every run.
struct Fill(f64);

impl ModuleMapper for Fill {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.0 += 1.0;
        let shape = param.val().shape();
        let values = numbers(shape.num_elements(), self.0);
        param.map(|_| {
            Tensor::from_data(
                TensorData::new(values, shape),
                (&Device::flex(), DType::F64),
            )
        })
    }
}

fn numbers(count: usize, seed: f64) -> Vec<f64> {
    (0..count)
        .map(|i| ((i as f64 + 1.0) * (seed + 2.3)).sin())
        .collect()
}

fn matrix(values: &[f64], columns: usize) -> Tensor<2> {
    let shape = [values.len() / columns, columns];
    let data = TensorData::new(values.to_vec(), shape);
    Tensor::from_data(data, (&Device::flex(), DType::F64))
}

fn cost() -> Cost {
    let device = Device::flex();
    let net = Net {
        first: LinearConfig::new(3, 4).init(&device),
        second: LinearConfig::new(4, 1).init(&device),
    };
    let net = net.map(&mut Fill(0.0)).valid();
    let model = Model::new(&net, Net::forward).unwrap();
    let x = matrix(&numbers(3 * N, 1.1), 3);
    Cost::new(model, SquaredError, x, matrix(&numbers(N, 2.7), 1)).unwrap()
}

fn host(v: Tensor<1>) -> Vec<f64> {
    v.try_into_vec_as::<f64>().unwrap()
}

#[test]
fn bounds_hold_for_every_pair() {
    let train = cost();
    let matrix = train.gauss_newton().damped(DAMPING);
    let rhs: Vec<Tensor<1>> = (0..3)
        .map(|i| train.select(&[i]).unwrap().gradient().unwrap())
        .collect();
    let exact = DirectConfig::default().init().unwrap();
    let exact = exact.prepare(&matrix).unwrap();
    for tolerance in [0.3, 1e-2, 1e-6] {
        let config = ConjugateGradientConfig {
            tolerance: Some(tolerance),
            check_every: 1,
            block_size: Some(1),
            ..Default::default()
        };
        let solver = config.init().unwrap();
        let solutions: Vec<Tensor<1>> = rhs
            .iter()
            .map(|b| solver.solve(&matrix, b.clone()).unwrap().vector)
            .collect();
        let bounds = ErrorBounds::new(&train, &matrix).unwrap();
        let bounds = bounds.of(&rhs, &solutions).unwrap();
        assert_eq!(bounds.len(), 3);
        let mut tightness = Vec::new();
        for ((b, solution), bounds) in rhs.iter().zip(&solutions).zip(&bounds) {
            let found = host(scores(&train, solution.clone()).unwrap());
            let exact = exact.solve(b.clone()).unwrap().vector;
            let exact = host(scores(&train, exact).unwrap());
            for ((found, exact), bound) in found.iter().zip(&exact).zip(&bounds.values) {
                let error = (found - exact).abs();
                assert!(
                    error <= bound * (1.0 + 1e-12),
                    "{tolerance}: {error} {bound}"
                );
                tightness.push(bound / error);
            }
        }
        tightness.sort_by(f64::total_cmp);
        println!(
            "tolerance {tolerance}: median bound over error {:.1}",
            tightness[tightness.len() / 2]
        );
    }
}

#[test]
fn places_are_settled_while_nothing_can_come_before() {
    let scores = [1.0, 5.0, 3.0, 2.9];
    assert_eq!(settled(&scores, &[0.0; 4]), 4);
    // 5 is first; 3 and 2.9 may change places.
    assert_eq!(settled(&scores, &[0.1; 4]), 1);
    // One far below that is hardly known.
    assert_eq!(settled(&scores, &[9.0, 0.0, 0.0, 0.0]), 0);
    assert_eq!(settled(&scores, &[f64::INFINITY; 4]), 0);
    assert_eq!(settled(&[], &[]), 0);
}

#[test]
fn a_matrix_without_a_least_eigenvalue_has_no_bounds() {
    let train = cost();
    let matrices: [Box<dyn LinearOperator>; 2] = [
        Box::new(train.gauss_newton()),
        Box::new(Damped::new(train.hessian(), DAMPING)),
    ];
    for matrix in matrices {
        let error = ErrorBounds::new(&train, &*matrix).err().unwrap();
        assert!(matches!(error, SolveError::Unbounded { .. }), "{error}");
        assert!(error.to_string().contains("Gauss-Newton"), "{error}");
    }
}
