//! The trained network, and what becomes of it without an example.

use backdraft_curvature::{BinaryCrossEntropy, Cost, Model};
use backdraft_influence::{
    DirectConfig, Solver,
    response::{
        Descent, Removal, ResponseKind, ResponseObjective, Responses, Step, Stop, estimate,
    },
};
use backdraft_models::{Activation, Mlp, MlpConfig, to_dtype};
use burn::tensor::{DType, Device, Tensor};

use super::{BoundaryConfig, BoundaryStage, NEAR};
use crate::illustration::{
    IllustrationError,
    draw::{host, matrix},
};

/// When the proximal Bregman response is one.
const STOP: Stop = Stop {
    tolerance: 1e-8,
    decrease: 0.0,
    max_steps: 5_000,
};

/// The network on its examples, and where it is drawn.
pub(super) struct Stages<'a> {
    config: &'a BoundaryConfig,
    /// At the initial parameters.
    cost: Cost,
    places: Cost,
    /// Where they are.
    grid: (&'a [f64], &'a [f64]),
}

/// Parameters, and how they were come to.
type Found = (&'static str, Tensor<1>);

impl<'a> Stages<'a> {
    pub fn of(
        config: &'a BoundaryConfig,
        (inputs, classes): (&[[f64; 2]], &[u8]),
        grid: (&'a [f64], &'a [f64]),
        device: &Device,
    ) -> Result<Self, IllustrationError> {
        let network = MlpConfig::new(2, 1)
            .with_hidden(vec![config.hidden; 2])
            .with_activation(Activation::Tanh)
            .with_seed(config.seed)
            .init(device);
        let model = Model::new(&to_dtype(network, DType::F64), Mlp::forward)?;
        let classes: Vec<f64> = classes.iter().map(|&it| f64::from(it)).collect();
        let up = grid.1.iter();
        let places = up.flat_map(|&y| grid.0.iter().flat_map(move |&x| [x, y]));
        let places = matrix(&places.collect::<Vec<_>>(), 2, device);
        let nowhere = places
            .clone()
            .slice([0..places.dims()[0], 0..1])
            .zeros_like();
        let (x, t) = (
            matrix(inputs.as_flattened(), 2, device),
            matrix(&classes, 1, device),
        );
        let cost = Cost::new(model, BinaryCrossEntropy, x, t)?;
        Ok(Self {
            places: cost.with_examples(places, nowhere)?,
            cost,
            config,
            grid,
        })
    }

    /// All stages, with what they do near `removed` and elsewhere.
    pub fn compute(&self, removed: [f64; 2]) -> Result<Vec<BoundaryStage>, IllustrationError> {
        let found = self.found()?;
        let trained = found[0].1.clone();
        let before = self.logits(&trained)?;
        let stages = found.into_iter();
        let stages = stages.map(|(name, theta)| {
            let logits = self.logits(&theta)?;
            let [near, elsewhere] = self.changes(&before, &logits, removed);
            let losses = host(self.cost.at(theta.clone())?.losses()?)?;
            let (removed_loss, others) = losses.split_last().expect("there are examples");
            let apart = host(theta - trained.clone())?;
            Ok(BoundaryStage {
                name,
                logits: logits
                    .chunks(self.grid.0.len())
                    .map(<[f64]>::to_vec)
                    .collect(),
                removed_loss: *removed_loss,
                others_loss: others.iter().sum::<f64>() / others.len() as f64,
                near,
                elsewhere,
                distance: apart.iter().map(|it| it * it).sum::<f64>().sqrt(),
            })
        });
        stages.collect()
    }

    /// The parameters of all stages.
    fn found(&self) -> Result<Vec<Found>, IllustrationError> {
        let n = self.cost.len();
        let responses = Responses::undamped(&self.cost)?;
        let all = responses.objective(ResponseKind::Retraining, Removal::none())?;
        let start = self.cost.model().theta();
        let trained = self.descend(&all, start, self.config.steps)?;
        let cost = self.cost.at(trained.clone())?;
        let removal = || Removal::of(vec![n - 1], n);
        let matrix = cost.gauss_newton().damped(self.config.damping);
        let solver = DirectConfig::default().init()?;
        let inverse = solver.prepare(&matrix)?;
        let change = estimate(&cost, &*inverse, &removal())?.vector;
        let responses = Responses::new(&cost, self.config.damping)?;
        let bregman = responses.objective(ResponseKind::Bregman, removal())?;
        let response = bregman.minimize(trained.clone(), STOP)?.theta;
        let retraining = responses.objective(ResponseKind::Retraining, removal())?;
        let steps = self.config.retraining_steps;
        let retrained = self.descend(&retraining, trained.clone(), steps)?;
        Ok(vec![
            ("trained in part", trained.clone()),
            ("influence", trained + change),
            ("proximal Bregman response", response),
            ("trained again without it", retrained),
        ])
    }

    /// Steps of Adam over all examples.
    fn descend(
        &self,
        objective: &ResponseObjective<'_>,
        from: Tensor<1>,
        steps: usize,
    ) -> Result<Tensor<1>, IllustrationError> {
        let step = Step {
            rate: self.config.learning_rate,
            examples: (0..self.cost.len()).collect(),
        };
        let steps = std::iter::repeat_n(step, steps);
        Ok(objective.descend(from, Descent::Adam, steps, |_| {})?.theta)
    }

    fn logits(&self, theta: &Tensor<1>) -> Result<Vec<f64>, IllustrationError> {
        Ok(host(self.places.at(theta.clone())?.outputs()?)?)
    }

    /// The mean change of the probability near a place, and elsewhere.
    fn changes(&self, before: &[f64], after: &[f64], near: [f64; 2]) -> [f64; 2] {
        let sigmoid = |logit: f64| 1.0 / (1.0 + (-logit).exp());
        let (across, up) = self.grid;
        let places = up.iter().flat_map(|&y| across.iter().map(move |&x| [x, y]));
        let mut sums = [[0.0; 2]; 2];
        for ((place, before), after) in places.zip(before).zip(after) {
            let far = (place[0] - near[0]).hypot(place[1] - near[1]) > NEAR;
            let [sum, count] = &mut sums[usize::from(far)];
            *sum += (sigmoid(*after) - sigmoid(*before)).abs();
            *count += 1.0;
        }
        sums.map(|[sum, count]| if count > 0.0 { sum / count } else { 0.0 })
    }
}
