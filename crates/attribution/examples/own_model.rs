//! How far influence can be trusted for a network and a training loop of one's own: 100 tumours, 10 labels wrong.

use backdraft_attribution::{EvaluationConfig, MemoryStore, RankBy, Respond};
use backdraft_curvature::{Cost, CrossEntropy, CurvatureError, Model};
use backdraft_influence::response::{Descent, Removal};
use burn::optim::{GradientsParams, SgdConfig};
use burn::{module::Module, nn, prelude::*, tensor::activation::log_softmax};

#[derive(Module, Debug)]
struct Net {
    first: nn::Linear,
    second: nn::Linear,
}

impl Net {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.second.forward(self.first.forward(x).tanh())
    }
}

/// The training loop: 200 steps on the mean of the weighted losses.
fn train(x: &Tensor<2>, y: &Tensor<1, Int>, weights: &[f64], seed: u64) -> Net {
    x.device().seed(seed);
    let first = nn::LinearConfig::new(30, 8).init(&x.device());
    let second = nn::LinearConfig::new(8, 2).init(&x.device());
    let (mut net, mut sgd) = (Net { first, second }.train(), SgdConfig::new().init());
    for _ in 0..200 {
        let log_p = log_softmax(net.forward(x.clone()), 1);
        let losses = -log_p.gather(1, y.clone().unsqueeze_dim(1)).squeeze_dim(1);
        let weights = Tensor::<1>::from_data(weights, &losses.device());
        let gradients = GradientsParams::from_grads((losses * weights).mean().backward(), &net);
        net = sgd.step(0.5, net, gradients);
    }
    net.valid()
}

/// Trains, removes ten examples one by one, and looks for the wrong labels.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut data, device) = (backdraft_models::data::cancer(), Device::flex());
    data.train = data.train.select(&Vec::from_iter(0..100));
    let wrong = Vec::from_iter(data.corrupt_labels(0.1, 0)?.changes.iter().map(|it| it.row));
    let (x, y) = (data.train.inputs(&device), data.train.classes(&device));
    let model = |weights: &[f64], seed| Model::new(&train(&x, &y, weights, seed), Net::forward);
    let retrain = |w: &[f64], seed: u64| Ok::<_, CurvatureError>(model(w, seed)?.theta());
    let cost = Cost::new(model(&[1.0; 100], 0)?, CrossEntropy, x.clone(), y.clone())?;
    let queries = cost.with_examples(data.test.inputs(&device), data.test.classes(&device))?;
    let (store, mut config) = (MemoryStore::new(), EvaluationConfig::new(0.1));
    config.retraining = Respond::epochs(Descent::Sgd { momentum: 0.0 }, 0.5, 100, 100, 100, 0);
    let evaluation = config.init(&cost, &retrain)?.with_store(&store);
    let removals = Vec::from_iter((0..10).map(|example| Removal::of(vec![example], 100)));
    println!("{:.3?}", evaluation.gaps(&removals)?.gaps.map(|it| it.mean));
    let found = evaluation.correlations(&removals, &queries)?.correlations;
    println!("PBRF {:.3?}", found.pbrf);
    println!("retraining {:.3?}", found.cold_start);
    for (by, ranking) in evaluation.mislabel(&wrong, &RankBy::ALL)?.rankings {
        let curve = [0.1, 0.2, 0.3, 0.5, 1.0].map(|share| ranking.found_after(share));
        println!("wrong labels found by {by:?} in 10, 20, 30, 50, 100 examples: {curve:.1?}");
    }
    Ok(())
}
