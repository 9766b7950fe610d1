//! How many matrix products the operators' own programs take: as few as by hand, which the tests of `backdraft-program`
//! derive.

use backdraft_curvature::{Cost, CrossEntropy, Curvature, Model};
use backdraft_test_support::*;
use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{Tensor, activation},
};

#[derive(Module, Debug)]
struct Mlp {
    layers: Vec<Linear>,
}

impl Mlp {
    fn forward(&self, mut x: Tensor<2>) -> Tensor<2> {
        let last = self.layers.len() - 1;
        for layer in &self.layers[..last] {
            x = activation::relu(layer.forward(x));
        }
        self.layers[last].forward(x)
    }
}

/// A perceptron with layers of these widths, and `batch` examples.
fn cost(widths: &[usize], batch: usize) -> Cost {
    let layers = widths
        .windows(2)
        .map(|pair| LinearConfig::new(pair[0], pair[1]).init(&device()));
    let mlp = double(Mlp {
        layers: layers.collect(),
    });
    let x = random([batch, widths[0]], 5);
    let labels: Vec<i64> = (0..batch as i64).map(|i| i % 3).collect();
    let model = Model::new(&mlp, Mlp::forward).unwrap();
    Cost::new(model, CrossEntropy, x, classes(&labels)).unwrap()
}

/// Products once a batch, and with each vector.
fn products(operator: &Curvature) -> [usize; 2] {
    let programs = operator.programs().unwrap();
    [programs.fixed, programs.varying].map(|program| {
        let products = [
            "Matmul",
            "Linear",
            "LinearXBackward",
            "LinearWeightBackward",
        ];
        let count = |name: &String| products.contains(&name.as_str());
        program.operations().filter(count).count()
    })
}

#[test]
fn of_perceptrons_are_minimal() {
    // Widths that differ, so that no two operations are alike by accident, with more examples than units and with
    // fewer, for which transposed products are written in another order.
    let narrow = [7, 6, 5, 4, 3];
    let wide = [70, 60, 50, 40, 30];
    for (widths, batch) in [(narrow, 8), (wide, 6)] {
        for layers in 2..widths.len() {
            let cost = cost(&widths[widths.len() - 1 - layers..], batch);
            let l = layers;
            assert_eq!(products(&cost.gauss_newton()), [l, 4 * l - 2]);
            assert_eq!(products(&cost.fisher()), [l, 4 * l - 2]);
            assert_eq!(products(&cost.hessian()), [2 * l - 2, 6 * l - 4]);
        }
    }
}
