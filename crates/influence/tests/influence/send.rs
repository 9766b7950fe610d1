//! What is computed with can be held by other threads: by servers and notebooks, and on several devices.

use backdraft_curvature::{
    Cost, CrossEntropy, Curvature, CurvatureError, Damped, LinearOperator, Model, Scaled, Sum,
};
use backdraft_influence::{
    ConjugateGradient, ConjugateGradientConfig, Direct, Lissa, Pbrf, PbrfConfig, Solver,
    response::Responses, scores,
};
use burn::{
    nn::{Linear, LinearConfig},
    tensor::{Device, Int, Tensor},
};

#[test]
fn all_of_it_may_go_to_other_threads() {
    fn sent<T: Send>() {}
    fn shared<T: Sync>() {}
    sent::<Model>();
    sent::<Cost>();
    sent::<Curvature>();
    sent::<Damped<Curvature>>();
    sent::<Scaled<Sum<Curvature, Curvature>>>();
    sent::<ConjugateGradient>();
    sent::<Lissa>();
    sent::<Direct>();
    sent::<Box<dyn Solver>>();
    sent::<Responses>();
    sent::<Pbrf>();
    shared::<Cost>();
    shared::<Curvature>();
    shared::<Responses>();
}

fn cost() -> Cost {
    let device = Device::flex();
    let x = Tensor::<2>::from_floats([[0.1, 0.4], [0.5, -0.2], [0.3, 0.9], [-0.7, 0.2]], &device);
    let t = Tensor::<1, Int>::from_ints([0, 1, 2, 1], &device);
    let weight = Tensor::<2>::from_floats([[0.2, -0.1, 0.3], [0.4, 0.1, -0.5]], &device);
    let mut linear = LinearConfig::new(2, 3).with_bias(false).init(&device);
    linear.weight = linear
        .weight
        .map(|old| weight.set_require_grad(old.is_require_grad()));
    let model = Model::new(&linear, |net: &Linear, x: Tensor<2>| net.forward(x)).unwrap();
    Cost::new(model, CrossEntropy, x, t).unwrap()
}

/// The scores of the first example, and the parameters without it.
fn answers(cost: &Cost) -> Result<[Vec<f32>; 2], Box<dyn std::error::Error + Send + Sync>> {
    let query = cost.select(&[0])?.gradient()?;
    let matrix = cost.gauss_newton().damped(0.1);
    let solution = ConjugateGradientConfig::default()
        .init()?
        .solve(&matrix, query)?;
    let found = Pbrf::new(cost, PbrfConfig::new(0.1))?.remove(0)?;
    Ok([
        scores(cost, solution.vector)?.try_into_vec_as()?,
        found.theta.try_into_vec_as()?,
    ])
}

/// On threads at once, with programs traced here and there: the same bits as on one.
#[test]
fn threads_share_a_cost() {
    let expected = answers(&cost()).unwrap();
    let cost = cost();
    let found: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| answers(&cost))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap().unwrap())
            .collect()
    });
    assert_eq!(found, vec![expected; 4]);
}

/// One operator, with what it keeps, from several threads.
#[test]
fn threads_share_an_operator() {
    let cost = cost().with_batch_size(2).unwrap();
    let matrix = cost.hessian();
    let v = || Tensor::<1>::from_floats([1.0, 2.0, -1.0, 0.5, 0.0, 3.0], &Device::flex());
    let expected = cost.hessian().apply(v()).unwrap().into_data();
    std::thread::scope(|scope| {
        let apply = || -> Result<_, CurvatureError> { Ok(matrix.apply(v())?.into_data()) };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(apply)).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap().unwrap(), expected);
        }
    });
}
